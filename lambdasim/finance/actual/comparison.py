"""A real bill beside ours, line by line; each difference is explained by usage, by rate, or as neither."""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, fields, replace
from decimal import Decimal
from fractions import Fraction
from typing import TYPE_CHECKING, Final, NamedTuple

from lambdasim.billing import Bill, LineItem, Usage, plain, price
from lambdasim.billing.exact import product, total
from lambdasim.catalog import ChargeKind, usage_type
from lambdasim.catalog.usage_types import LAMBDA_KINDS
from lambdasim.errors import InputError
from lambdasim.finance.actual.foreign import ServiceLine, own_names, services_beside, told
from lambdasim.finance.actual.reader import read_actual_bill
from lambdasim.finance.actual.tables import ActualBill, ActualLine, LineClass
from lambdasim.finance.days import DayCost
from lambdasim.views import Result
from lambdasim.wording import COLUMNS, clipped, money, wrapped

if TYPE_CHECKING:
    import pandas as pd

_ARCHITECTURES: Final = ("x86_64", "arm64")
FREE: Final = "free tier"
_PERIOD: Final = 10
_LEAST_LINE: Final = 6
_LEAST_NAME: Final = 20
_END: Final = 9
_MOST_SERVICES: Final = 12
_LEAST_SHOWN_USD: Final = Decimal("0.000001")


@dataclass(frozen=True)
class ComparedLine:
    """A line of a real bill beside ours.

    Attributes
    ----------
    period, usage_type : str
        ``period`` is a month, or a day beside an export by day.
    line : str
        ``tier 1`` and so on, ``free tier``, or what stands in the real bill alone: ``usage``, ``savings_plan``,
        ``credit``, ``tax``, ``other``.
    actual_quantity, our_quantity : Decimal
        In the unit of the usage type.
    actual_rate, our_rate : Decimal or None
        [USD per unit]; None where there is none, or it is stated nowhere.
    actual_cost, our_cost : Decimal
        [USD].
    from_usage : Decimal
        Part of the difference that other usage makes, at our rate [USD].
    from_rate : Decimal
        Part that another rate makes, on the actual usage, with what the export rounded [USD].
    from_other : Decimal
        Part that is neither: credits, taxes, fees [USD].
    note : str
    """

    period: str
    usage_type: str
    line: str
    actual_quantity: Decimal
    our_quantity: Decimal
    actual_rate: Decimal | None
    our_rate: Decimal | None
    actual_cost: Decimal
    our_cost: Decimal
    from_usage: Decimal
    from_rate: Decimal
    from_other: Decimal
    note: str

    @property
    def difference(self) -> Decimal:
        """Actual less ours, exact [USD]: the sum of the three parts."""
        return _less(self.actual_cost, self.our_cost)


@dataclass(frozen=True, repr=False)
class BillComparison(Result):
    """A real bill beside ours.

    Attributes
    ----------
    actual : ActualBill
    our_notes : tuple of str
        Of our bill.
    lines : tuple of ComparedLine
        Ordered by period, usage type and line.
    services : tuple of ServiceLine
        Services beside Lambda, by month.
    """

    actual: ActualBill
    lines: tuple[ComparedLine, ...]
    our_notes: tuple[str, ...] = ()
    services: tuple[ServiceLine, ...] = ()

    def sum(self, name: str) -> Decimal:
        """Return the exact sum of a column of money, such as ``from_usage`` [USD].

        Parameters
        ----------
        name : str
            Attribute of ``ComparedLine``.

        Returns
        -------
        Decimal
            [USD].
        """
        return total(getattr(line, name) for line in self.lines)

    @property
    def notes(self) -> tuple[str, ...]:
        """How rows of the real bill were treated, and which choices our bill rests on."""
        return (*self.actual.notes, *self.our_notes)

    def frame(self) -> pd.DataFrame:
        """Return the lines as a table of exact decimals; columns as ``ComparedLine`` has them, and ``difference``."""
        import pandas as pd

        names = [
            *(field.name for field in fields(ComparedLine) if field.name != "note"),
            "difference",
            "note",
        ]
        return pd.DataFrame([[getattr(line, name) for name in names] for line in self.lines], columns=names)

    def frames(self) -> Mapping[str, pd.DataFrame]:
        """Return Lambda's lines, and the services beside it: what is foreign to the scenario stands apart."""
        import pandas as pd

        services = pd.DataFrame(self.services, columns=list(ServiceLine._fields))
        return {"lines": self.frame(), "services beside Lambda": services}

    def shown(self) -> Mapping[str, pd.DataFrame]:
        """Return the lines as people read them, with their parts as money."""
        table = self.frame()
        shown = table[["period"]].copy()
        pairs = zip(table["usage_type"], table["line"], strict=True)
        shown["line"] = [f"{kind} {line.replace('_', ' ')}".strip() for kind, line in pairs]
        for name in ("actual_cost", "our_cost", "from_usage", "from_rate", "from_other"):
            shown[name.removesuffix("_cost").removeprefix("from_")] = [shown_usd(usd) for usd in table[name]]
        return {"lines": shown}

    def text(self) -> str:
        """Write by line where the real bill and ours differ: by usage, by rate, or neither."""
        table = self.shown()["lines"]
        rows = [[*table.columns], *table.to_numpy().tolist()]
        widths = [max(_LEAST_LINE, *(len(row[place]) for row in rows)) for place in range(2, len(rows[0]))]
        room = COLUMNS - sum(widths) - len(widths) - _PERIOD - 1
        line_width = max(room, _LEAST_NAME)  # bills of millions take more than 80 columns
        lines = [
            f"{period:<{_PERIOD}} {_cut_inside(line, line_width):<{line_width}}"
            + "".join(f" {amount:>{width}}" for amount, width in zip(amounts, widths, strict=True))
            for period, line, *amounts in rows
        ]
        notes = [wrapped(f"note: {note}") for note in self.notes]
        return "\n".join([wrapped(repr(self)), "", *lines, *self._services(), *notes])

    def _services(self) -> Iterator[str]:
        """Write services beside Lambda: both bills' first, then what is foreign to the scenario."""
        if not self.services:
            return
        yield f"\n{'beside Lambda, by service':<44} {'actual':>14} {'ours':>14}"
        for line in self.services[:_MOST_SERVICES]:
            name = told(f"{line.month} {line.service}")
            yield f"{name:<44} {money(line.actual_cost):>14} {money(line.our_cost):>14}"
        if len(self.services) > _MOST_SERVICES:
            yield f"and {len(self.services) - _MOST_SERVICES:,} more; --json has them"
        foreign = [line.actual_cost for line in self.services if not line.our_cost]
        yield wrapped(
            f"of it {money(total(foreign))} is foreign to the scenario, which has no lines of those services"
        )

    def __repr__(self) -> str:
        """Say both totals and what explains their difference."""
        parts = {name: shown_usd(self.sum(f"from_{name}")) for name in ("usage", "rate", "other")}
        explained = ", ".join(f"{name} {amount}" for name, amount in parts.items())
        return (
            f"actual {shown_usd(self.sum('actual_cost'))}, ours {shown_usd(self.sum('our_cost'))}, "
            f"difference {shown_usd(self.sum('difference'))}: {explained}"
        )


def _cut_inside(line: str, width: int) -> str:
    """Shorten the name of a line, and keep its end: the tier that tells it from others of its usage type."""
    end = line[-_END:] if len(line) > width else ""
    return f"{clipped(line, width - len(end))}{end}"


def shown_usd(usd: Decimal) -> str:
    """Write an amount of a comparison: what a bill's own rounding leaves, below a millionth of a dollar, is none."""
    return money(usd if abs(usd) >= _LEAST_SHOWN_USD else 0)


def compare_bill(
    actual: str | os.PathLike[str] | ActualBill,
    ours: Bill | Iterable[Usage],
    *,
    free_tier: bool = True,
    days: Iterable[DayCost] | None = None,
) -> BillComparison:
    """Compare a real bill with ours.

    Parameters
    ----------
    actual : path-like or ActualBill
        CUR, FOCUS or Cost Explorer export, see ``read_actual_bill``.
    ours : Bill or iterable of Usage
        Usage is priced with the rates of its own month.
    free_tier : bool
        Whether usage that is priced here gets the account's free tier; a bill has been decided.
    days : iterable of DayCost, optional
        Our bill by day, see ``daily_costs``: needed beside an export by day.

    Returns
    -------
    BillComparison

    Raises
    ------
    InputError
        When the file is not such an export, our bill is not in USD, or an export is by day and ``days`` is not given or
        does not sum to our bill.

    Notes
    -----
    Lines with the same rate belong together; what then is left is paired by falling rate, as tiers are. With quantities
    Q and our rate R, a difference is (Q actual - Q ours) R from usage, and the rest from rate. A line that the real bill
    has alone is measured at our first rate of its usage type, so that usage under a Savings Plan is first usage, then a
    lower rate. Usage that costs nothing stands beside our free tier's line, under whichever usage type AWS exported it.
    """
    whole = ours if isinstance(ours, Bill) else price(ours, free_tier=free_tier)
    bill = _of_lambda(whole)
    if bill.currency != "USD":
        raise InputError.single("compare", "bill", f"must be in USD, is in {bill.currency[:3]}")
    real = actual if isinstance(actual, ActualBill) else read_actual_bill(actual)
    if real.is_summed:
        services = tuple(services_beside(real.foreign, whole.items))
        return BillComparison(
            real, tuple(_summed(real, bill, days)), (*own_names(whole.items), *bill.notes), services
        )
    our_lines, their_lines = _ours(bill.items), _theirs(real.lines, _free_names(bill.items))
    compared: list[ComparedLine] = []
    for key in sorted(our_lines.keys() | their_lines.keys()):
        compared += _matched(key, our_lines.get(key, []), their_lines.get(key, []))
    services = tuple(services_beside(real.foreign, whole.items))
    return BillComparison(real, tuple(compared), (*own_names(whole.items), *bill.notes), services)


def _of_lambda(bill: Bill) -> Bill:
    """Leave out the services beside Lambda, which are compared by service."""
    items = tuple(item for item in bill.items if item.kind is not ChargeKind.NEIGHBOUR)
    return bill if len(items) == len(bill.items) else replace(bill, items=items)


def _summed(real: ActualBill, bill: Bill, days: Iterable[DayCost] | None) -> Iterator[ComparedLine]:
    """Compare an export that sums a usage type's tiers, by usage type and month or day."""
    ours = _our_sums(real, bill, days)
    theirs: dict[_Key, list[ActualLine]] = {}
    for line in real.lines:
        theirs.setdefault((line.key.period, line.key.usage_type), []).append(line)
    for key in sorted(ours.keys() | theirs.keys()):
        own = ours.get(key)
        lines = theirs.get(key, [])
        counted = [line for line in lines if line.key.line_class is LineClass.USAGE]
        beside = [line for line in lines if line.key.line_class in (LineClass.TAX, LineClass.CREDIT)]
        merged = [line for line in lines if line not in counted and line not in beside]
        if not real.by_day and own is not None and own.rate is not None and counted and not merged:
            their = _Side(own.line, total(line.quantity for line in counted), None, _cost_of(counted))
            yield _compared(key, own, their, own.rate)
        elif own is not None or counted or merged:
            mine = own or _NOTHING
            cost = _cost_of([*counted, *merged])
            alone = (
                ""
                if own and (counted or merged)
                else "on the real bill alone"
                if not own
                else "not on the real bill"
            )
            yield ComparedLine(
                *key,
                line="usage",
                actual_quantity=total(line.quantity for line in counted),
                our_quantity=mine.quantity,
                actual_rate=None,
                our_rate=mine.rate,
                actual_cost=cost,
                our_cost=mine.cost,
                from_usage=Decimal(0),
                from_rate=Decimal(0),
                from_other=_less(cost, mine.cost),
                note=alone
                or ("same" if cost == mine.cost else "the report sums what would separate usage from rate"),
            )
        for line in beside:
            yield _compared(key, None, _Side(line.key.line_class.value, line.quantity, None, line.cost), None)


def _cost_of(lines: Iterable[ActualLine]) -> Decimal:
    return total(line.cost for line in lines)


def _our_sums(real: ActualBill, bill: Bill, days: Iterable[DayCost] | None) -> dict[_Key, _Side]:
    """Sum our bill as the export does."""
    if not real.by_day:
        items: defaultdict[_Key, list[LineItem]] = defaultdict(list)
        for item in bill.items:
            items[item.month, item.usage_type].append(item)
        return {
            key: _Side(
                "usage",
                total(item.quantity for item in found),
                found[0].rate if len({item.rate for item in found}) == 1 else None,
                total(item.amount for item in found),
            )
            for key, found in items.items()
            if any(item.amount for item in found)
        }
    given = None if days is None else tuple(days)
    if given is None or total(day.amount for day in given) != bill.total:
        raise InputError.single(
            "compare", "days", "must sum to our bill, by day as the report is: see finance.daily_costs"
        )
    return {
        (day.day, name): _Side("usage", Decimal(0), None, usd)
        for day in given
        for name, usd in day.usage_types.items()
    }


class _Side(NamedTuple):
    """A line of either bill."""

    line: str
    quantity: Decimal
    rate: Decimal | None
    cost: Decimal
    known: str = ""

    @property
    def order(self) -> Fraction:
        """Rate, computed where it is not stated."""
        if self.rate is not None:
            return Fraction(self.rate)
        return Fraction(self.cost) / Fraction(self.quantity) if self.quantity else Fraction(0)


_Key = tuple[str, str]


def _ours(items: Iterable[LineItem]) -> dict[_Key, list[_Side]]:
    """Return our lines by month and usage type, by tier; requests of both kinds of environments are one line."""
    sums: defaultdict[_Key, dict[int, list[LineItem]]] = defaultdict(dict)
    for item in items:
        sums[item.month, item.usage_type].setdefault(item.tier, []).append(item)
    return {
        key: [
            _Side(
                f"tier {tier}" if tier else FREE,
                total(item.quantity for item in found),
                found[0].rate,
                total(item.amount for item in found),
                found[0].note if found[0].is_derived else "",
            )
            for tier, found in sorted(tiers.items())
        ]
        for key, tiers in sums.items()
    }


def _free_names(items: Iterable[LineItem]) -> dict[str, str]:
    """Return the free tier's usage type for every other one, with the prefixes that our bill has."""
    names = {}
    for kind in LAMBDA_KINDS:
        for architecture in _ARCHITECTURES:
            named = usage_type(kind, architecture)
            if named.free_name:
                names[named.name] = named.free_name
    prefixed = {item.usage_type: item for item in items if item.tier}
    return names | {
        name: named.free_name
        for name, item in prefixed.items()
        if (named := usage_type(item.kind, item.architecture)).free_name
    }


def _theirs(lines: Iterable[ActualLine], free_names: Mapping[str, str]) -> dict[_Key, list[_Side]]:
    """Return the real bill's lines by month and usage type; what costs nothing goes to the free tier's."""
    found: defaultdict[_Key, list[_Side]] = defaultdict(list)
    for line in lines:
        period, name, line_class, rate = line.key
        is_free = line_class is LineClass.USAGE and not line.cost and not rate
        if is_free:
            found[period, free_names.get(name, name)].append(
                _Side(FREE, line.quantity, Decimal(0), line.cost)
            )
        else:
            found[period, name].append(_Side(line_class.value, line.quantity, rate, line.cost))
    return {key: _pooled_free(sides) for key, sides in found.items()}


def _pooled_free(sides: list[_Side]) -> list[_Side]:
    free = [side for side in sides if side.line == FREE]
    if not free:
        return sides
    together = _Side(
        FREE, total(side.quantity for side in free), Decimal(0), total(side.cost for side in free)
    )
    return [together, *(side for side in sides if side.line != FREE)]


def _matched(key: _Key, ours: list[_Side], theirs: list[_Side]) -> list[ComparedLine]:
    """Pair the lines of a month and usage type."""
    usage = sorted((side for side in theirs if side.line == LineClass.USAGE), key=lambda side: -side.order)
    free = [side for side in theirs if side.line == FREE]
    paid = [side for side in ours if side.line != FREE]
    first_rate = paid[0].rate if paid else None
    pairs: list[tuple[_Side | None, _Side | None]] = []
    own_free = [side for side in ours if side.line == FREE]
    if own_free or free:
        pairs.append((own_free[0] if own_free else None, free[0] if free else None))
    same = {own.line: side for own in paid for side in usage if side.order == own.order}
    left = [side for side in usage if side not in same.values()]
    for own in paid:
        pairs.append((own, same.get(own.line) or (left.pop(0) if left else None)))
    rest = [side for side in theirs if side.line not in (LineClass.USAGE, FREE)]
    pairs += [(None, side) for side in (*left, *rest)]
    return [_compared(key, own, their, first_rate) for own, their in pairs]


def _compared(key: _Key, own: _Side | None, their: _Side | None, first_rate: Decimal | None) -> ComparedLine:
    """Explain one pair; at least one side is there."""
    nothing = _Side((own or their or _NOTHING).line, Decimal(0), None, Decimal(0))
    our_side, real = own or nothing, their or nothing
    difference = _less(real.cost, our_side.cost)
    is_usage = own is not None or real.line in (LineClass.USAGE, LineClass.SAVINGS_PLAN, FREE)
    rate = own.rate if own is not None else first_rate
    from_usage = Decimal(0)
    if is_usage and real.line != FREE:
        from_usage = difference if rate is None else product(_less(real.quantity, our_side.quantity), rate)
    from_rate = _less(difference, from_usage) if is_usage else Decimal(0)
    derived = f"our rate is {own.known}" if own is not None and own.known else ""
    return ComparedLine(
        period=key[0],
        usage_type=key[1],
        line=our_side.line,
        actual_quantity=real.quantity,
        our_quantity=our_side.quantity,
        actual_rate=real.rate,
        our_rate=our_side.rate,
        actual_cost=real.cost,
        our_cost=our_side.cost,
        from_usage=from_usage,
        from_rate=from_rate,
        from_other=Decimal(0) if is_usage else difference,
        note="; ".join(part for part in (_note(own, their, rate), derived) if part),
    )


_NOTHING: Final = _Side("", Decimal(0), None, Decimal(0))


def _less(one: Decimal, other: Decimal) -> Decimal:
    return total((one, other.copy_negate()))


def _note(own: _Side | None, their: _Side | None, rate: Decimal | None) -> str:
    if their is None:
        return "not on the real bill"
    if own is None:
        known = f"; measured at our first rate, {plain(rate)}" if rate and their.line != FREE else ""
        is_usage = their.line in (LineClass.USAGE, LineClass.SAVINGS_PLAN)
        return f"on the real bill alone{known if is_usage else ''}"
    if own.order == their.order:
        return "same rate" if own.quantity != their.quantity else "same"
    if their.rate is None:
        return "the real bill states no rate: cost by quantity"
    change = float(their.order / own.order - 1) if own.order else 0.0
    return f"rate {change:+.1%}" if own.order else "our rate is 0"
