"""A bill: line items that add up exactly, and views of them."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from datetime import date
from decimal import Decimal
from fractions import Fraction
from typing import TYPE_CHECKING, NamedTuple

from lambdasim.billing.exact import plain, total
from lambdasim.billing.lines import Allocation, LineItem
from lambdasim.billing.shares import PricedPool, Share, shares_of
from lambdasim.views import Result
from lambdasim.wording import count, money, money_cell, percent, wrapped

if TYPE_CHECKING:
    import pandas as pd


class BillRow(NamedTuple):
    """A line for reading, all of it text."""

    month: str
    usage_type: str
    quantity: str
    unit: str
    rate: str
    amount: str


class ServiceRow(NamedTuple):
    """What one service charges, all of it text."""

    service: str
    amount: str
    share: str


@dataclass(frozen=True, repr=False)
class Bill(Result):
    """Line items, the parts of functions in them, and what a reader should know.

    Attributes
    ----------
    items : tuple of LineItem
        Ordered by month, region, architecture, kind and tier; free-tier lines of a month first.
    allocations : tuple of Allocation
    notes : tuple of str
        Dates of rates, derived rates, choices where AWS is silent.
    currency : str
        USD, or CNY in China; another where the bill was converted, see ``converted``.
    pools : tuple of PricedPool
        What was priced together.
    priced_in : str
        Currency of the price sheets: USD, or CNY in China.
    """

    items: tuple[LineItem, ...]
    allocations: tuple[Allocation, ...]
    notes: tuple[str, ...]
    currency: str = "USD"
    pools: tuple[PricedPool, ...] = ()
    priced_in: str = "USD"

    @property
    def total(self) -> Decimal:
        """Exact sum of all lines [USD]."""
        return total(item.amount for item in self.items)

    @property
    def beside_lambda(self) -> Decimal:
        """Exact sum of the lines of services beside Lambda [the bill's currency]."""
        return total(item.amount for item in self.items if item.is_beside_lambda)

    def by_service(self) -> dict[str, Decimal]:
        """Return the exact sum of each service's lines, largest first [the bill's currency]; they sum to the total."""
        amounts: defaultdict[str, list[Decimal]] = defaultdict(list)
        for item in self.items:
            amounts[item.service].append(item.amount)
        sums = {service: total(parts) for service, parts in amounts.items()}
        return dict(sorted(sums.items(), key=lambda one: (-one[1], one[0])))

    def service_rows(self) -> list[ServiceRow]:
        """Return what each service charges, for reading, as text; nothing where all of it is one service's."""
        sums = self.by_service()
        if len(sums) == 1 or not self.total:
            return []
        return [
            ServiceRow(name, money(amount, self.currency), percent(float(amount / self.total), 1))
            for name, amount in sums.items()
        ]

    @property
    def beside_said(self) -> str:
        """What part of the bill is not AWS Lambda's, in words; empty where all of it is."""
        if not self.beside_lambda:
            return ""
        share = percent(float(self.beside_lambda / self.total), 1)
        return f"{money(self.beside_lambda, self.currency)} of it, {share}, is not AWS Lambda's"

    def beside(self, without: Bill) -> Bill:
        """Say what a bill would be without the free tier: a whole month's is taken off a run however short it is.

        Parameters
        ----------
        without : Bill
            The same usage without the free tier.

        Returns
        -------
        Bill
            With a note; the same where the tier takes nothing off.
        """
        if without.total == self.total:
            return self
        told = f"with a whole month's free tier; {money(without.total, self.currency)} without"
        return replace(self, notes=(*self.notes, told))

    def __repr__(self) -> str:
        """Say how much and for what."""
        months = sorted({item.month for item in self.items})
        span = " to ".join(dict.fromkeys((months[0], months[-1]))) if months else "no usage"
        return f"Bill({money(self.total, self.currency)}, {count(len(self.items), 'line')}, {span})"

    def frame(self) -> pd.DataFrame:
        """Return the lines as a table, one row each, with exact decimals.

        Returns
        -------
        DataFrame
            Columns are the attributes of ``LineItem``.
        """
        import pandas as pd

        names = [field.name for field in fields(LineItem)]
        return pd.DataFrame([[getattr(item, name) for name in names] for item in self.items], columns=names)

    def by_function(self) -> dict[str, Fraction]:
        """Return each function's exact part of the bill [USD]; the parts sum to the total.

        Notes
        -----
        Within a month, region, architecture and kind of charge, functions share the cost of all tiers and the gain of
        the free tier in proportion to their usage.
        """
        amounts: defaultdict[str, Fraction] = defaultdict(Fraction)
        for allocation in self.allocations:
            amounts[allocation.function] += allocation.amount
        return {name: amounts[name] for name in sorted(amounts)}

    def shares(self) -> tuple[Share, ...]:
        """Return each function's part of every line as exact decimals; the parts sum to the lines.

        Notes
        -----
        Where ``by_function`` has exact fractions, which need not be decimals, these are whole counted units at the
        line's rate; see ``shares_of``.
        """
        return tuple(share for pool in self.pools for share in shares_of(pool))

    def function_frame(self) -> pd.DataFrame:
        """Return the parts of functions by kind of charge as a table, with exact fractions.

        Returns
        -------
        DataFrame
            Columns are the attributes of ``Allocation``.
        """
        import pandas as pd

        names = [field.name for field in fields(Allocation)]
        rows = [[getattr(part, name) for name in names] for part in self.allocations]
        return pd.DataFrame(rows, columns=names)

    def rows(self) -> list[BillRow]:
        """Return the lines for reading, as text; lines of one usage type say in what they differ."""
        return [
            BillRow(
                item.month,
                ", ".join((item.usage_type, *_apart(item, self.items))),
                f"{item.quantity:,.0f}" if item.quantity == int(item.quantity) else money_cell(item.quantity),
                item.unit,
                plain(item.rate),
                money(item.amount, self.currency),
            )
            for item in self.items
        ]

    def table(self) -> pd.DataFrame:
        """Return the lines for reading: usage type, quantity, unit, rate and amount to the cent, as text."""
        import pandas as pd

        return pd.DataFrame(self.rows(), columns=list(BillRow._fields))

    def frames(self) -> Mapping[str, pd.DataFrame]:
        """Return the lines, and the parts of functions in them."""
        return {"lines": self.frame(), "functions": self.function_frame()}

    def shown(self) -> Mapping[str, pd.DataFrame]:
        """Return the lines as people read them."""
        return {"lines": self.table()}

    def text(self) -> str:
        """Write the lines by month, their total and the notes, in 80 columns."""
        months: dict[str, list[BillRow]] = {}
        for row in self.rows():
            months.setdefault(row.month, []).append(row)
        lines = [f"{month}\n{_aligned(months[month])}" for month in sorted(months)]
        width = max((len(row) for rows in lines for row in rows.splitlines()), default=0)
        if services := self.service_rows():
            lines.append(
                "by service\n"
                + _columns([row._replace(service=f"  {row.service}") for row in services], "<>>")
            )
        paid = f"total {money(self.total, self.currency)}".rjust(width)
        lines.append(paid if lines else "nothing to pay")
        if self.beside_lambda:
            lines.append(self.beside_said)
        return "\n".join([*lines, *(wrapped(f"note: {note}") for note in self.notes)])

    def to_json(self) -> str:
        """Return the bill as JSON text; decimals are text, so that no digit is lost."""
        content = {
            "currency": self.currency,
            "total": plain(self.total),
            "services": {name: plain(amount) for name, amount in self.by_service().items()},
            "items": [_json_row(item) for item in self.items],
            "notes": list(self.notes),
        }
        return json.dumps(content, indent=1, ensure_ascii=False) + "\n"


def _apart(item: LineItem, items: Sequence[LineItem]) -> list[str]:
    """Return what distinguishes a line from the others of its month and usage type: tier, architecture, provisioned."""
    alike = [other for other in items if (other.month, other.usage_type) == (item.month, item.usage_type)]
    common = set.intersection(*(set(other.description.split(", ")) for other in alike))
    return [part for part in item.description.split(", ") if part not in common]


def _aligned(rows: list[BillRow]) -> str:
    """Set lines of a month in columns, as a DataFrame would be, but without loading one's library."""
    cells = [BillRow._fields[1:]]
    cells += [row._replace(unit=row.unit.replace("Lambda-GB-Second", "GB-s"))[1:] for row in rows]
    return _columns(cells, ">" * len(cells[0]))


def _columns(rows: Sequence[Sequence[str]], aligned: str) -> str:
    """Set cells in columns, each to the left or the right."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join(
        " ".join(f"{cell:{way}{width}}" for cell, way, width in zip(row, aligned, widths, strict=True))
        for row in rows
    )


def _json_row(item: LineItem) -> dict[str, str | int | bool]:
    """Make a line's values fit for JSON."""
    row: dict[str, str | int | bool] = {}
    for field in fields(item):
        value = getattr(item, field.name)
        if isinstance(value, Decimal):
            row[field.name] = plain(value)
        elif isinstance(value, date):
            row[field.name] = value.isoformat()
        else:
            row[field.name] = value
    return row
