"""What an hourly commitment costs against hourly usage, exactly, and which commitment costs least."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from fractions import Fraction
from functools import cached_property
from itertools import accumulate
from typing import Final

import numpy as np
from numpy.typing import NDArray

from lambdasim.errors import InputError

_NEAR: Final = 1e-9


@dataclass(frozen=True)
class HourlyPool:
    """Usage by hour that one price table and one plan rate apply to.

    Attributes
    ----------
    usage_type : str
    counts : tuple of int, of length n_hours
        Usage of each hour [counted units].
    free : int
        Part that is free, used up by the first hours [counted units].
    scale : int
        Counted units in one billed unit.
    bands : tuple of (int or None, Decimal)
        Upper bound [billed units in the whole span], None for the last, and on-demand rate [USD per billed unit].
    plan_rate : Decimal or Fraction
        Rate under the plan, above 0 [USD per billed unit].
    """

    usage_type: str
    counts: tuple[int, ...]
    free: int
    scale: int
    bands: tuple[tuple[int | None, Decimal], ...]
    plan_rate: Decimal | Fraction

    @property
    def discount(self) -> Fraction:
        """Part that the plan takes off the first band's rate."""
        first = Fraction(self.bands[0][1])
        return 1 - Fraction(self.plan_rate) / first if first else Fraction(0)

    @cached_property
    def paid(self) -> tuple[int, ...]:
        """Usage of each hour that is not free [counted units]."""
        left, paid = self.free, []
        for count in self.counts:
            given = min(left, count)
            left -= given
            paid.append(count - given)
        return tuple(paid)

    def on_demand_usd(self, count: Fraction) -> Fraction:
        """Price what no plan covers, beginning with the first band [USD]."""
        cost = lower = Fraction(0)
        for bound, rate in self.bands:
            upper = count if bound is None else min(Fraction(bound * self.scale), count)
            cost += (upper - lower) * Fraction(rate)
            lower = upper
        return cost / self.scale


@dataclass(frozen=True)
class CommitmentCost:
    """What usage costs under a commitment.

    Attributes
    ----------
    commitment_usd : Fraction
        Paid for the commitment, used or not [USD].
    unused_usd : Fraction
        Part of it that was lost [USD].
    on_demand_usd : Fraction
        Usage above the commitment, at on-demand rates [USD].
    """

    commitment_usd: Fraction
    unused_usd: Fraction
    on_demand_usd: Fraction

    @property
    def total_usd(self) -> Fraction:
        """Commitment and on-demand usage [USD]."""
        return self.commitment_usd + self.on_demand_usd


class HourlyProfile:
    """Usage that a plan may cover, hour by hour.

    Parameters
    ----------
    pools : iterable of HourlyPool
        Of the same hours.

    Raises
    ------
    InputError
        When the pools have no hour, are not of one length, or a plan rate is not above 0.

    Notes
    -----
    In each hour the commitment takes usage at plan rates, the highest discount first and among equal ones the lowest
    plan rate; what it does not use is lost. Usage above it is on demand, and the bounds of tiers count that usage
    alone.

    Between two values of c at which it just covers a pool in an hour, usage above it falls linearly in c, and tiers are
    concave in usage (rates never rise), so the cost is concave there and least at one of both ends. A commitment of
    least cost is therefore 0 or one of these values; on a grid of steps, one of their neighbours.

    References
    ----------
    AWS Savings Plans guide, how plans apply (sp-applying). That covered usage does not count toward the tiers is our
    reading, where AWS is silent.
    """

    def __init__(self, pools: Iterable[HourlyPool]) -> None:
        given = tuple(pools)
        self.hours = len(given[0].counts) if given else 0
        if not self.hours or any(len(pool.counts) != self.hours for pool in given):
            raise InputError.single(
                "commitment", "hours", "must be one or more, and the same number for every pool"
            )
        for pool in given:
            if not pool.plan_rate > 0:
                raise InputError.single("commitment", "plan_rate", f"must be above 0, got {pool.plan_rate}")
        self.pools = tuple(
            sorted(given, key=lambda pool: (-pool.discount, Fraction(pool.plan_rate), pool.usage_type))
        )
        before = [Fraction(0)] * self.hours
        stairs = []
        for pool in self.pools:
            rate = Fraction(pool.plan_rate) / pool.scale
            after = [low + count * rate for low, count in zip(before, pool.paid, strict=True)]
            stairs.append((_Ramp(before), _Ramp(after)))
            before = after
        self._stairs = tuple(stairs)

    @property
    def discount(self) -> Fraction:
        """Part that the plan takes off all usage that is paid for, at first on-demand rates; 0 where there is none."""
        parts = [
            (Fraction(pool.bands[0][1]) * sum(pool.paid) / pool.scale, pool.discount) for pool in self.pools
        ]
        whole = sum((usd for usd, _ in parts), Fraction(0))
        return sum((usd * off for usd, off in parts), Fraction(0)) / whole if whole else Fraction(0)

    def scaled(self, factor: Fraction) -> HourlyProfile:
        """Return the profile of so many times the usage, to whole counted units; the free part stays."""
        return HourlyProfile(
            replace(pool, counts=tuple(int(count * factor) for count in pool.counts)) for pool in self.pools
        )

    def cost(self, usd_per_hour: Fraction | Decimal | int) -> CommitmentCost:
        """Price the usage under a commitment, exactly.

        Parameters
        ----------
        usd_per_hour : Fraction or Decimal or int
            From 0.

        Examples
        --------
        >>> pool = HourlyPool("GB-s", (0, 100), 0, 1, ((None, Decimal("1.00")),), Decimal("0.80"))
        >>> cost = HourlyProfile([pool]).cost(40)   # 50 of 100 GB-s, in one of two hours
        >>> [int(part) for part in (cost.commitment_usd, cost.unused_usd, cost.on_demand_usd)]
        [80, 40, 50]
        """
        c = Fraction(usd_per_hour)
        if c < 0:
            raise InputError.single("commitment", "usd_per_hour", f"must be from 0, got {usd_per_hour}")
        covered = on_demand = Fraction(0)
        for pool, (low, high) in zip(self.pools, self._stairs, strict=True):
            taken = low.above(c) - high.above(c)
            covered += taken
            count = sum(pool.paid) - taken * pool.scale / Fraction(pool.plan_rate)
            on_demand += pool.on_demand_usd(count)
        return CommitmentCost(c * self.hours, c * self.hours - covered, on_demand)

    def turning_points(self) -> tuple[Fraction, ...]:
        """Return every commitment that just covers a pool in an hour, rising [USD per hour]."""
        return tuple(sorted({value for _, high in self._stairs for value in high.values}))

    def near_costs(self, usd_per_hour: NDArray[np.float64]) -> NDArray[np.float64]:
        """Price the usage under many commitments in floating point [USD]."""
        costs = usd_per_hour * self.hours
        for pool, (low, high) in zip(self.pools, self._stairs, strict=True):
            taken = low.near(usd_per_hour) - high.near(usd_per_hour)
            units = sum(pool.paid) / pool.scale - taken / float(pool.plan_rate)
            lower = np.zeros_like(units)
            for bound, rate in pool.bands:
                upper = units if bound is None else np.minimum(units, float(bound))
                costs = costs + (upper - lower) * float(rate)
                lower = upper
        return np.asarray(costs, dtype=np.float64)


class _Ramp:
    """The sum over hours of what of c lies above each hour's value."""

    def __init__(self, values: Iterable[Fraction]) -> None:
        self.values = sorted(values)
        self._sums = [Fraction(0), *accumulate(self.values)]
        self._near = np.array([float(value) for value in self.values])
        self._near_sums = np.concatenate([[0.0], np.cumsum(self._near)])

    def above(self, c: Fraction) -> Fraction:
        n = bisect_left(self.values, c)
        return c * n - self._sums[n]

    def near(self, c: NDArray[np.float64]) -> NDArray[np.float64]:
        n = np.searchsorted(self._near, c)
        return np.asarray(c * n - self._near_sums[n], dtype=np.float64)


def best_commitment(
    profiles: Sequence[HourlyProfile], *, least: Decimal = Decimal(0), step: Decimal | None = None
) -> Fraction:
    """Find the commitment that costs least over all given profiles together.

    Parameters
    ----------
    profiles : sequence of HourlyProfile
        One, or several equally likely ones.
    least : Decimal
        Smallest commitment above 0 that can be bought [USD per hour].
    step : Decimal, optional
        Step in which commitments are sold [USD per hour]. Default: any.

    Returns
    -------
    Fraction
        [USD per hour]; the smallest among equals, 0 where no commitment pays.

    Notes
    -----
    The candidates of ``HourlyProfile`` are ranked in floating point, and all that its errors cannot distinguish from the
    best are compared exactly.

    Examples
    --------
    >>> pool = HourlyPool("GB-s", (50, 100), 0, 1, ((None, Decimal("1.00")),), Decimal("0.80"))
    >>> best_commitment([HourlyProfile([pool])])   # the second 50 GB-s would be idle in one of two hours
    Fraction(40, 1)
    """
    points = {point for profile in profiles for point in profile.turning_points()}
    if step is not None:
        size = Fraction(step)
        points = {size * whole for point in points for whole in (point // size, -(-point // size))}
    smallest = Fraction(least)
    found = sorted({Fraction(0), smallest, *(point for point in points if point >= smallest)})
    near = np.zeros(len(found))
    at = np.array([float(point) for point in found])
    for profile in profiles:
        near += profile.near_costs(at)
    close = np.flatnonzero(near <= near.min() * (1 + _NEAR) + _NEAR)
    return min(
        (found[place] for place in close.tolist()),
        key=lambda point: (sum(profile.cost(point).total_usd for profile in profiles), point),
    )
