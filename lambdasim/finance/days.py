"""A bill by UTC day: amounts that sum to it exactly."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Final

from lambdasim.billing import Bill, Usage, pool
from lambdasim.billing.exact import total
from lambdasim.catalog import ChargeKind

if TYPE_CHECKING:
    from lambdasim.results.usage.hour import HourlyUsage

REST: Final = "not by day"


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
    """

    day: str
    amounts: Mapping[ChargeKind, Decimal]

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
    before: dict[ChargeKind, Decimal] = {}
    so_far: tuple[Usage, ...] = ()
    for day in sorted(by_day):  # digits sort before REST
        so_far = pool((*so_far, *by_day[day]))
        after = _by_kind(priced(so_far))
        amounts = {
            kind: total((amount, before.get(kind, Decimal(0)).copy_negate()))
            for kind, amount in after.items()
        }
        if day != REST or any(amounts.values()):
            found.append(DayCost(day, {kind: amount for kind, amount in amounts.items() if amount}))
        before = after
    return tuple(found)


def _by_kind(bill: Bill) -> dict[ChargeKind, Decimal]:
    amounts: defaultdict[ChargeKind, list[Decimal]] = defaultdict(list)
    for item in bill.items:
        amounts[item.kind].append(item.amount)
    return {kind: total(found) for kind, found in amounts.items()}
