"""A bill by UTC day: amounts that sum to it exactly."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING, Final, NamedTuple, TypeVar

from lambdasim.billing import Bill, Usage, pool
from lambdasim.billing.exact import total
from lambdasim.catalog import ChargeKind

if TYPE_CHECKING:
    from lambdasim.results.usage.hour import HourlyUsage

REST: Final = "not by day"
_Key = TypeVar("_Key", ChargeKind, str)


@dataclass(frozen=True)
class DayCost:
    """What one day adds to the bill.

    Attributes
    ----------
    day : str
        ``YYYY-MM-DD`` in UTC, or ``not by day`` for what a run counts by month alone: streams, SnapStart, requests for
        large events, INIT of provisioned environments and the rounding up of their allocation.
    amounts : mapping of ChargeKind to Decimal
        Exact, in the bill's currency; kinds without an amount are left out.
    usage_types : mapping of str to Decimal
        The same by usage type, as a bill names it.
    """

    day: str
    amounts: Mapping[ChargeKind, Decimal]
    usage_types: Mapping[str, Decimal] = field(default_factory=dict)

    @property
    def amount(self) -> Decimal:
        """Sum over the kinds, exact."""
        return total(self.amounts.values())


def daily_costs(
    used: HourlyUsage | Iterable[HourlyUsage], priced: Callable[[Iterable[Usage]], Bill]
) -> tuple[DayCost, ...]:
    """Share a bill out to days.

    Parameters
    ----------
    used : HourlyUsage or iterable of them
        Of the bill's runs.
    priced : callable
        Prices usage on the bill's terms, such as ``functools.partial(price, free_tier=False)``.

    Returns
    -------
    tuple of DayCost
        By day, days without usage among them left out, ``not by day`` last where it costs anything. They sum to
        ``priced`` of all usage, by kind.

    Notes
    -----
    A day's amount is the bill of the usage to its end, less that to the end of the day before. So the free tier and the
    dear first tiers belong to the days in which the month uses them up.
    """
    runs = list(used) if isinstance(used, Iterable) else [used]
    by_day: defaultdict[str, list[Usage]] = defaultdict(list)
    for run in runs:
        for day, rows in run.days():
            by_day[day] += rows
    by_day[REST] = [row for run in runs for row in run.rest]
    found: list[DayCost] = []
    before = _Sums({}, {})
    so_far: tuple[Usage, ...] = ()
    for day in sorted(by_day):  # digits sort before REST
        so_far = pool((*so_far, *by_day[day]))
        after = _sums(priced(so_far))
        amounts = _less(after.kinds, before.kinds)
        if day != REST or amounts:
            found.append(DayCost(day, amounts, _less(after.usage_types, before.usage_types)))
        before = after
    return tuple(found)


class _Sums(NamedTuple):
    """A bill by kind of charge and by usage type."""

    kinds: Mapping[ChargeKind, Decimal]
    usage_types: Mapping[str, Decimal]


def _sums(bill: Bill) -> _Sums:
    kinds: defaultdict[ChargeKind, list[Decimal]] = defaultdict(list)
    usage_types: defaultdict[str, list[Decimal]] = defaultdict(list)
    for item in bill.items:
        kinds[item.kind].append(item.amount)
        usage_types[item.usage_type].append(item.amount)
    return _Sums(
        {kind: total(found) for kind, found in kinds.items()},
        {name: total(found) for name, found in usage_types.items()},
    )


def _less(after: Mapping[_Key, Decimal], before: Mapping[_Key, Decimal]) -> dict[_Key, Decimal]:
    """Return what came, without what did not."""
    come = {key: total((amount, before.get(key, Decimal(0)).copy_negate())) for key, amount in after.items()}
    return {key: amount for key, amount in come.items() if amount}
