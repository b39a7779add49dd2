"""Pings that keep environments of a function warm: rounds of so many at once, each asleep so that they overlap."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

from pydantic import Field

from lambdasim.specs.base import CrossFault, Spec
from lambdasim.specs.fields import Positive, PositiveDuration, Whole
from lambdasim.units import US_PER_MINUTE, format_duration


class KeepWarmSpec(Spec):
    """Pings of a schedule, which meet requests in the same environments and are billed as any run."""

    environments: Annotated[Whole, Field(ge=1, le=10_000)]
    """Pings at once, each of which keeps an environment: n need n that overlap."""
    every_us: PositiveDuration = Field(default=5 * US_PER_MINUTE, alias="every")
    """Time from one round to the next, in whole minutes."""
    ping_ms: Annotated[Positive, Field(le=900_000)] = 100
    """How long a ping sleeps, so that those of a round overlap [ms]."""

    def cross_faults(self) -> Iterator[CrossFault]:
        """Want rounds of an EventBridge schedule."""
        if self.every_us % US_PER_MINUTE:
            yield CrossFault(("every",), f"must be whole minutes, got {format_duration(self.every_us)}")

    @property
    def schedule(self) -> str:
        """The schedule of the rounds."""
        minutes = self.every_us // US_PER_MINUTE
        return f"rate({minutes} minute{'s' if minutes > 1 else ''})"
