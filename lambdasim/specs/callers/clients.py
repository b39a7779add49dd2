"""Clients that wait for an answer: how they repeat a call, and what a gateway before the function lets through."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

from pydantic import Field

from lambdasim.specs.base import Spec
from lambdasim.specs.fields import Positive, Whole


class RetryMode(StrEnum):
    """How an AWS SDK repeats calls; numbers of repeats are botocore's.

    References
    ----------
    Retry code of botocore 1.44 (November 2026) and of 1.40.
    """

    STANDARD = "standard"
    """Two repeats; a random wait below 1 s, doubled each time to at most 20 s, after a throttle, below 0.05 s else."""
    STANDARD_BEFORE_2026 = "standard_before_2026"
    """Two repeats; a random wait below 1 s, doubled each time to at most 20 s."""
    LEGACY = "legacy"
    """Four repeats; a random wait below 1 s, doubled each time without limit. boto3's default before November 2026."""
    ADAPTIVE = "adaptive"
    """As standard; and once throttled, a client slows its own calls down: its rate is cut, and grows again as a cubic."""


class Repeats(StrEnum):
    """What a client answers with another call."""

    THROTTLED = "throttled"
    """429, from the function or the gateway."""
    UNANSWERED = "unanswered"
    """Its own read timeout, or the 503 or 504 of a gateway's integration timeout, while the function goes on."""
    FAILED = "failed"
    """5xx of a function that failed. An SDK that invokes a function takes its error for an answer."""


class ThrottleSpec(Spec):
    """A token bucket of API Gateway: of a stage, a route, a usage plan, or the account."""

    rate_per_s: Annotated[Positive, Field(le=1e6)]
    """Requests a second that it lets through in the long run."""
    burst: Annotated[Whole, Field(ge=1, le=1_000_000)]
    """Requests that it lets through at once."""
