"""Measures of security and compliance, the meters that show them, and what each would count for a month's runs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, NamedTuple

from lambdasim.billing.neighbours.counts import MICRO

ZONES: Final = 2
"""Availability zones in which gateways and endpoints are taken to be held."""
WAY_OUT: Final = "the way out of a VPC"
"""Choice between a VPC without a way to the internet, and one with NAT gateways."""
KEPT_MONTHS: Final = 12
"""Months for which logs are taken to be kept."""


class Month(NamedTuple):
    """What a month of runs is to a measure.

    Attributes
    ----------
    functions, runs, cold : int
        Functions; runs and cold starts of the month.
    hours : int
    log_bytes : int
        That runs write to their logs, Lambda's own lines included.
    traces : int
        That X-Ray's default rule takes, function by function, in millionths.
    """

    functions: int
    runs: int
    cold: int
    hours: int
    log_bytes: int
    traces: int


class Measure(NamedTuple):
    """A measure of security or compliance.

    Attributes
    ----------
    name : str
    meters : tuple of str
        Beginnings of the meters that are its lines.
    assumed : str
        What it would be, in words, where a scenario does not have it.
    counts : callable
        Units that this would count on each meter in a month, see ``billing.neighbours.counts.scale_of``.
    choice : str
        Measures of one choice stand for each other: a scenario takes one of them. Empty where it stands for itself.
    """

    name: str
    meters: tuple[str, ...]
    assumed: str
    counts: Callable[[Month], dict[str, int]]
    choice: str = ""


MEASURES: Final = (
    Measure(
        "least privilege (IAM roles and policies)",
        (),
        "a role for each function",
        lambda month: {},
    ),
    Measure(
        "secrets (Secrets Manager)",
        ("secret",),
        "a secret for each function, fetched once by each environment",
        lambda month: {"secrets": month.functions * MICRO, "secret_calls": month.cold * MICRO},
    ),
    Measure(
        "settings (SSM parameters)",
        ("parameter",),
        "standard parameters",
        lambda month: {},
    ),
    Measure(
        "keys of your own (KMS)",
        ("kms_",),
        "one key, asked once by each environment",
        lambda month: {"kms_keys": MICRO, "kms_calls": month.cold * MICRO},
    ),
    Measure(
        "tracing (X-Ray)",
        ("xray_",),
        "X-Ray's default sampling, one a second of each function and a part of the rest",
        lambda month: {"xray_traces": month.traces},
    ),
    Measure(
        "logs kept for audits (CloudWatch)",
        ("log_storage",),
        f"kept for {KEPT_MONTHS} months, in the steady state",
        lambda month: {"log_storage_gb": _stored(month)},
    ),
    Measure(
        "no way to AWS over the internet (interface endpoints)",
        ("endpoint_",),
        f"one endpoint in {ZONES} zones, before data",
        lambda month: {"endpoint_hours": ZONES * month.hours * MICRO},
        choice=WAY_OUT,
    ),
    Measure(
        "a VPC that reaches the internet (NAT gateways, IPv4)",
        ("nat_", "public_ipv4"),
        f"a gateway with its address in each of {ZONES} zones, before data",
        lambda month: {
            "nat_hours": ZONES * month.hours * MICRO,
            "public_ipv4_hours": ZONES * month.hours * MICRO,
        },
        choice=WAY_OUT,
    ),
)
"""All measures, in the order in which they are shown."""


def _stored(month: Month) -> int:
    """Count GB-months of logs, in millionths."""
    return month.log_bytes * KEPT_MONTHS * MICRO >> 30
