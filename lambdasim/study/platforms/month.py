"""What all offers of a replication share: a month's usage, and what it costs on AWS and elsewhere, month by month."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from fractions import Fraction
from functools import cached_property
from itertools import accumulate, pairwise

from lambdasim.billing import Usage
from lambdasim.billing.exact import total
from lambdasim.billing.platforms.charges import PlatformCharge, PlatformUsage, platform_charges
from lambdasim.results.usage.as_month import months_of
from lambdasim.specs.scenario import ScenarioSpec
from lambdasim.study.platforms.fronts import (
    aws_egress_usd,
    aws_front_usd,
    balancers_of,
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
        In one month, or in those of the run where it is not scaled.
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

    @cached_property
    def parts(self) -> dict[str, Fraction]:
        """The part of what runs that lies in each calendar month; what ends after the scenario counts to its last."""
        requests: Counter[str] = Counter()
        last = months_of(self.scenario)[-1] if self.factor == 1 else "9999-12"
        for row in self.usage:
            requests[min(row.month, last)] += row.calls
        everything = requests.total()
        if not everything:
            return {min(requests, default=last): Fraction(1)}
        return {month: Fraction(requests[month], everything) for month in sorted(requests)}

    def charges(
        self, platform: str, usage: PlatformUsage, *, free: bool, off_percent: Decimal = Decimal(0)
    ) -> tuple[PlatformCharge, ...]:
        """Price usage of the period on a platform; what is free, and what is paid by the month, is each month's own.

        Parameters
        ----------
        platform : str
        usage : PlatformUsage
        free : bool
        off_percent : Decimal
            See ``platform_charges``.
        """
        hours = _cut(self.hours, self.parts.values())
        return tuple(
            charge
            for part, held in zip(self.parts.values(), hours, strict=True)
            for charge in platform_charges(
                platform,
                replace(usage.times(part), hours=held),
                region=self.scenario.region,
                free=free,
                off_percent=off_percent,
            )
        )

    def total_without(self, parts: Sequence[Decimal | None]) -> Decimal:
        """Add up the parts of a price that are known [USD]."""
        return sum((part for part in parts if part is not None), Decimal(0))

    @property
    def calls(self) -> dict[str, int]:
        """Calls from outside in the month, by function."""
        found: defaultdict[str, int] = defaultdict(int)
        for row in self.usage:
            found[row.function] += row.calls
        return dict(found)

    def aws(self, *, free: bool, servers: bool = False) -> tuple[Decimal, Decimal]:
        """Give front and egress on AWS [USD]."""
        sizes = zip(self.parts, _cut(self.response_bytes, self.parts.values()), strict=True)
        return (
            aws_front_usd(self.scenario, self.usage, free=free, servers=servers),
            total(aws_egress_usd(self.scenario, month, size, free=free) for month, size in sizes)
            if self.usage
            else Decimal(0),
        )

    def vendor(self, vendor: str, *, free: bool) -> tuple[Decimal | None, Decimal]:
        """Give front and egress at another vendor [USD]."""
        parts = tuple(self.parts.values())
        carried = in_bytes(sum(row.payload_kb for row in self.usage))
        doors = doors_of(self.scenario)
        calls = {name: _cut(number, parts) for name, number in self.calls.items()}
        fronts = [
            vendor_front_usd(
                vendor,
                doors,
                {name: cut[place] for name, cut in calls.items()},
                size,
                hours,
                free=free,
                balancers=balancers_of(self.scenario),
            )
            for place, (size, hours) in enumerate(
                zip(_cut(carried, parts), _cut(self.hours, parts), strict=True)
            )
        ]
        known = [usd for usd in fronts if usd is not None]
        egress = total(
            vendor_egress_usd(vendor, self.scenario.region, size, free=free)
            for size in _cut(self.response_bytes, parts)
        )
        return total(known) if len(known) == len(fronts) else None, egress


def _cut(number: int, parts: Iterable[Fraction]) -> list[int]:
    """Cut a whole number into parts, whole again, that add up to it."""
    ends = [round(number * share) for share in accumulate(parts)]
    return [end - begin for begin, end in pairwise((0, *ends))]
