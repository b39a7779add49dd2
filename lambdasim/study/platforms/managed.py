"""Lambda Managed Instances as AWS's sample calculator sizes them: environments, how many fit on an instance, a buffer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from fractions import Fraction
from math import ceil, floor
from typing import Final, NamedTuple

from lambdasim.billing.platforms.charges import managed_instances_usd
from lambdasim.catalog.prices.platforms import platform_book
from lambdasim.catalog.prices.servers import Server, managed_terms
from lambdasim.errors import InputError
from lambdasim.units import MB_PER_GB

_MILLI: Final = 1000


class ManagedNeed(NamedTuple):
    """What a function needs of managed instances.

    Attributes
    ----------
    architecture : str
    memory_mb : int
        Of one request at a time.
    concurrency : int
        Requests at once at the fullest moment.
    computing : float
        Part of a vCPU that a request computes while it runs.
    """

    architecture: str
    memory_mb: int
    concurrency: int
    computing: float


class ManagedPlan(NamedTuple):
    """Instances for some functions, and what they cost.

    Attributes
    ----------
    environments, requests_per_environment : tuple of int
        By function.
    instances : str
        In words, such as ``14 x c7g.xlarge``.
    usd : Decimal
        Of a month: instances, AWS's fee on them, and requests [USD].
    """

    environments: tuple[int, ...]
    requests_per_environment: tuple[int, ...]
    instances: str
    usd: Decimal


def managed_plan(
    needs: Sequence[ManagedNeed],
    fleet: Mapping[str, tuple[Server, ...]],
    hours: Fraction,
    requests: int,
) -> ManagedPlan | None:
    """Size managed instances as AWS's sample calculator does, on the cheapest type.

    Parameters
    ----------
    needs : sequence of ManagedNeed
        By function.
    fleet : mapping of str to tuple of Server
        Types to choose from, by architecture.
    hours : Fraction
        Of the month [h].
    requests : int
        Of the month.

    Returns
    -------
    ManagedPlan or None
        None where no type holds an environment of each function.

    Raises
    ------
    InputError
        When a function computes more than a vCPU, or less than nothing.

    Notes
    -----
    An environment has one vCPU, and serves eight, four or two requests at once by how much each computes; its memory is
    theirs together, at least 2,048 MB. An instance keeps back one vCPU and 1 GB. Instances are half as many again as
    needed, at least three (aws-samples, sizing calculator of Lambda Managed Instances, 2026-03-19). Its part for packing
    is left out: its own printed case does without.

    Examples
    --------
    >>> from datetime import date
    >>> from lambdasim.catalog import Knowledge
    >>> xlarge = Server("c7g.xlarge", True, "arm64", Decimal(4), Decimal(8), Decimal("0.1450"), "page", date(2026, 3, 19),
    ...                 Knowledge.AWS_PAGE)
    >>> need = ManagedNeed("arm64", 512, 100, 0.25)
    >>> plan = managed_plan([need], {"arm64": (xlarge,)}, Fraction(730), 1_000_000)
    >>> plan.environments, plan.instances, str(plan.usd.normalize())
    ((25,), '14 x c7g.xlarge', '1704.385')
    """
    sizing = platform_book().managed
    at_once = [_at_once(need) for need in needs]
    environments = [ceil(need.concurrency / number) for need, number in zip(needs, at_once, strict=True)]
    rent, words = Decimal(0), []
    for architecture in sorted({need.architecture for need in needs}):
        found = []
        for server in fleet.get(architecture, ()):
            filled = Fraction(0)
            for need, number, many in zip(needs, at_once, environments, strict=True):
                if need.architecture != architecture:
                    continue
                size_mb = max(sizing.least_environment_mb, need.memory_mb * number)
                by_cpu = floor(server.vcpus - sizing.kept_vcpus)
                by_memory = floor((server.memory_gb - sizing.kept_gb) * MB_PER_GB / size_mb)
                if min(by_cpu, by_memory) < 1:
                    break
                filled += Fraction(many, min(by_cpu, by_memory))
            else:
                count = ceil(Fraction(ceil(filled) * sizing.buffer_percent, 100))
                count = max(count, managed_terms().least_instances.value)
                found.append((server.usd_per_hour * count, server.name, count))
        if not found:
            return None
        usd, name, count = min(found)
        rent += usd
        words.append(f"{count} x {name}")
    month = Decimal(hours.numerator) / Decimal(hours.denominator)
    return ManagedPlan(
        tuple(environments), tuple(at_once), " and ".join(words), managed_instances_usd(requests, rent, month)
    )


def _at_once(need: ManagedNeed) -> int:
    """Say how many requests an environment of one vCPU serves at once."""
    for most, number in platform_book().managed.requests_per_vcpu:
        if 0 <= need.computing * _MILLI <= most:
            return number
    raise InputError.single("managed instances", "computing", f"must be from 0 to 1, got {need.computing}")
