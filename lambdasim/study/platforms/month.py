"""What all offers of a replication share: a month's usage, and what its doors and egress cost, on AWS and elsewhere."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

from lambdasim.billing import Usage
from lambdasim.specs.scenario import ScenarioSpec
from lambdasim.study.platforms.fronts import (
    aws_egress_usd,
    aws_front_usd,
    doors_of,
    in_bytes,
    vendor_egress_usd,
    vendor_front_usd,
)


@dataclass(frozen=True, eq=False)
class Month:
    """What all offers of a replication share: the usage of a month like the run, or of the run.

    Attributes
    ----------
    scenario : ScenarioSpec
    usage : tuple of Usage
        In one month.
    factor : Fraction
        By which the run's figures were multiplied.
    hours : int
        Of the period.
    response_bytes : int
        That leave for the internet in the period [bytes].
    period : {"month", "run"}
    """

    scenario: ScenarioSpec
    usage: tuple[Usage, ...]
    factor: Fraction
    hours: int
    response_bytes: int
    period: str = "month"

    def total_without(self, parts: Sequence[Decimal | None]) -> Decimal:
        """Add up the parts of a price that are known [USD]."""
        return sum((part for part in parts if part is not None), Decimal(0))

    @property
    def calls(self) -> dict[str, int]:
        """Calls from outside in the month, by function."""
        found: defaultdict[str, int] = defaultdict(int)
        for row in self.usage:
            found[row.function] += max(row.calls, row.requests)
        return dict(found)

    def aws(self, *, free: bool, servers: bool = False) -> tuple[Decimal, Decimal]:
        """Give front and egress on AWS [USD]."""
        return (
            aws_front_usd(self.scenario, self.usage, free=free, servers=servers),
            aws_egress_usd(self.scenario, self.usage[0].month, self.response_bytes, free=free)
            if self.usage
            else Decimal(0),
        )

    def vendor(self, vendor: str, *, free: bool) -> tuple[Decimal | None, Decimal]:
        """Give front and egress at another vendor [USD]."""
        size = in_bytes(sum(row.payload_kb for row in self.usage))
        front = vendor_front_usd(vendor, doors_of(self.scenario), self.calls, size, self.hours, free=free)
        return front, vendor_egress_usd(vendor, self.response_bytes, free=free)
