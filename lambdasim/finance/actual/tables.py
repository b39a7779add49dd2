"""A real bill, summed to lines: its tables, and what one row of an export says."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import NamedTuple

from lambdasim.billing.exact import total


class LineClass(StrEnum):
    """What a line of a real bill is, and how it is treated.

    ``usage`` is compared with ours. ``savings_plan`` is usage that a Savings Plan covers, at its effective cost; the row
    that negates its list price is left out. ``credit`` (refunds and discounts too), ``tax`` and ``other`` (fees,
    corrections, amounts without a quantity) are shown beside, and explained by neither usage nor rate.
    """

    USAGE = "usage"
    SAVINGS_PLAN = "savings_plan"
    CREDIT = "credit"
    TAX = "tax"
    OTHER = "other"


class ActualRow(NamedTuple):
    """What one row of an export says.

    Attributes
    ----------
    period : str
        Month ``YYYY-MM``; a day ``YYYY-MM-DD`` in an export by day.
    usage_type : str
    line_class : LineClass
    quantity, rate : Decimal or None
        None where the row states none.
    cost : Decimal
        [USD].
    account, region, resource : str
        Empty where the row states none. The region may come from the usage type.
    tags : mapping of str to str
    """

    period: str
    usage_type: str
    line_class: LineClass
    quantity: Decimal | None
    rate: Decimal | None
    cost: Decimal
    account: str
    region: str
    resource: str
    tags: Mapping[str, str]


class ActualKey(NamedTuple):
    """What rows share that become one line.

    Attributes
    ----------
    period, usage_type : str
        ``period`` is a month, or a day in an export by day. ``usage_type`` is empty where the row has none, as taxes do.
    line_class : LineClass
    rate : Decimal or None
        [USD per unit]; None where the row states none.
    """

    period: str
    usage_type: str
    line_class: LineClass
    rate: Decimal | None


@dataclass(frozen=True)
class ActualLine:
    """A line of a real bill.

    Attributes
    ----------
    key : ActualKey
    quantity : Decimal
        In the unit of the usage type; 0 where it counts none.
    cost : Decimal
        As exported [USD].
    rows : int
        How many rows it sums.
    """

    key: ActualKey
    quantity: Decimal
    cost: Decimal
    rows: int


class ForeignCost(NamedTuple):
    """What a real bill has of another service in a month.

    Attributes
    ----------
    month, service : str
    rows : int
    cost : Decimal
        As exported, what a Savings Plan covers at its effective cost [USD].
    """

    month: str
    service: str
    rows: int
    cost: Decimal


@dataclass(frozen=True)
class ActualBill:
    """A real bill of AWS Lambda.

    Attributes
    ----------
    file : str
    export : str
        ``CUR 2.0``, ``legacy CUR``, ``FOCUS`` or ``Cost Explorer``.
    lines : tuple of ActualLine
        Ordered by period, usage type, class and falling rate.
    notes : tuple of str
        What was left out or computed, with numbers of rows.
    by_day : bool
        Whether periods are days.
    foreign : tuple of ForeignCost
        Other services.
    """

    file: str
    export: str
    lines: tuple[ActualLine, ...]
    notes: tuple[str, ...]
    by_day: bool = False
    foreign: tuple[ForeignCost, ...] = ()

    @property
    def total(self) -> Decimal:
        """Exact sum of the lines [USD]."""
        return total(line.cost for line in self.lines)

    @property
    def is_summed(self) -> bool:
        """Whether the export sums all tiers and the free part of a usage type, as Cost Explorer does."""
        return self.export == "Cost Explorer"
