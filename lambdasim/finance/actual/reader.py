"""A real bill, from a CUR 2.0 or FOCUS export, summed to lines of AWS Lambda: usage, Savings Plans, credits."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import Final, NamedTuple

from lambdasim.billing.exact import total
from lambdasim.catalog import price_sheet, regions
from lambdasim.errors import InputError
from lambdasim.finance.reading import Row, table_rows

MOST_LINES: Final = 100_000
_SERVICE: Final = "AWSLambda"
_MONTH: Final = re.compile(r"[0-9]{4}-(?:0[1-9]|1[0-2])")
_USAGE_TYPE: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.:/-]{0,99}")
_MOST_SIZE: Final = Decimal("1e30")


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


class ActualKey(NamedTuple):
    """What rows share that become one line.

    Attributes
    ----------
    month, usage_type : str
        ``usage_type`` is empty where the row has none, as taxes do.
    line_class : LineClass
    rate : Decimal or None
        [USD per unit]; None where the row states none.
    """

    month: str
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


@dataclass(frozen=True)
class ActualBill:
    """A real bill of AWS Lambda.

    Attributes
    ----------
    file : str
    export : str
        ``CUR 2.0`` or ``FOCUS``.
    lines : tuple of ActualLine
        Ordered by month, usage type, class and falling rate.
    notes : tuple of str
        What was left out or computed, with numbers of rows.
    """

    file: str
    export: str
    lines: tuple[ActualLine, ...]
    notes: tuple[str, ...]

    @property
    def total(self) -> Decimal:
        """Exact sum of the lines [USD]."""
        return total(line.cost for line in self.lines)


class _Found(NamedTuple):
    """What a row of either export says."""

    month: str
    usage_type: str
    line_class: LineClass
    quantity: Decimal | None
    rate: Decimal | None
    cost: Decimal


class _Layout(NamedTuple):
    """Columns of an export."""

    name: str
    month: tuple[str, ...]
    service: tuple[str, ...]
    services: tuple[str, ...]
    currency: str
    usage_type: tuple[str, ...]
    kind: str
    needed: tuple[str, ...]
    others: tuple[str, ...]


_CUR: Final = _Layout(
    "CUR 2.0",
    ("line_item_usage_start_date", "bill_billing_period_start_date"),
    ("line_item_product_code",),
    (_SERVICE,),
    "line_item_currency_code",
    ("line_item_usage_type",),
    "line_item_line_item_type",
    ("line_item_product_code", "line_item_line_item_type", "line_item_usage_type", "line_item_usage_amount",
     "line_item_unblended_cost", "line_item_currency_code"),
    ("line_item_unblended_rate", "savings_plan_savings_plan_effective_cost", "pricing_public_on_demand_rate"),
)  # fmt: skip
_FOCUS: Final = _Layout(
    "FOCUS",
    ("ChargePeriodStart", "BillingPeriodStart"),
    ("x_ServiceCode", "ServiceName"),
    (_SERVICE, "AWS Lambda"),
    "BillingCurrency",
    ("x_UsageType", "SkuMeter"),
    "ChargeCategory",
    ("ServiceName", "ChargeCategory", "BilledCost", "EffectiveCost", "BillingCurrency", "PricingQuantity",
     "ChargePeriodStart"),
    ("ContractedUnitPrice", "ListUnitPrice", "ChargeClass", "PricingCategory", "RegionId"),
)  # fmt: skip
_CUR_CLASSES: Final[Mapping[str, LineClass | None]] = {
    "Usage": LineClass.USAGE,
    "SavingsPlanCoveredUsage": LineClass.SAVINGS_PLAN,
    "SavingsPlanNegation": None,
    "Credit": LineClass.CREDIT,
    "Refund": LineClass.CREDIT,
    "Discount": LineClass.CREDIT,
    "EdpDiscount": LineClass.CREDIT,
    "PrivateRateDiscount": LineClass.CREDIT,
    "BundledDiscount": LineClass.CREDIT,
    "SppDiscount": LineClass.CREDIT,
    "Tax": LineClass.TAX,
    "Fee": LineClass.OTHER,
    "SavingsPlanRecurringFee": LineClass.OTHER,
    "SavingsPlanUpfrontFee": LineClass.OTHER,
}
_FOCUS_CLASSES: Final[Mapping[str, LineClass | None]] = {
    "Usage": LineClass.USAGE,
    "Credit": LineClass.CREDIT,
    "Tax": LineClass.TAX,
    "Purchase": LineClass.OTHER,
    "Adjustment": LineClass.OTHER,
}


def read_actual_bill(path: str | os.PathLike[str]) -> ActualBill:
    """Read a real bill.

    Parameters
    ----------
    path : path-like
        CUR 2.0 or FOCUS, CSV (plain or gzip) or Parquet. Rows of other services are left out.

    Returns
    -------
    ActualBill

    Raises
    ------
    InputError
        When the file is neither, lacks a column, has no row of AWS Lambda, a currency other than USD, a kind of row
        that is not known, or a cell that is no number, month or usage type; the error names row and column.
    """
    name = os.fspath(path)
    header, _ = table_rows(path, frozenset())
    layout = _layout(name, header)
    wanted = {*layout.month, *layout.service, layout.currency, *layout.usage_type, layout.kind}
    _, rows = table_rows(path, frozenset({*wanted, *layout.needed, *layout.others}))
    sums: dict[ActualKey, list[Decimal | int]] = {}
    counts = {"foreign": 0, "negated": 0, "computed": 0, "unquantified": 0, "negative": 0}
    for found in _lambda_rows(rows, layout, counts):
        key, quantity = _key(found, counts)
        held = sums.setdefault(key, [Decimal(0), Decimal(0), 0])
        held[0] = total((Decimal(held[0]), quantity))
        held[1] = total((Decimal(held[1]), found.cost))
        held[2] = int(held[2]) + 1
        if len(sums) > MOST_LINES:
            raise InputError.single(name, "", f"must sum to at most {MOST_LINES:,} lines")
    if not sums:
        left = f"; {counts['foreign']} rows of other services" if counts["foreign"] else ""
        raise InputError.single(name, "", f"has no row of AWS Lambda{left}")
    ordered = sorted(sums, key=lambda key: (key.month, key.usage_type, key.line_class, -(key.rate or 0)))
    lines = tuple(
        ActualLine(key, Decimal(sums[key][0]), Decimal(sums[key][1]), int(sums[key][2])) for key in ordered
    )
    return ActualBill(name, layout.name, lines, tuple(_notes(counts)))


def _layout(name: str, header: tuple[str, ...]) -> _Layout:
    layout = _CUR if "line_item_product_code" in header else _FOCUS
    missing = next((column for column in layout.needed if column not in header), None)
    if missing is not None:
        what = "a CUR 2.0 or FOCUS export" if layout is _FOCUS else "a CUR 2.0 export"
        raise InputError.single(f"{name}, row 1", missing, f"is missing; the file must be {what} of AWS")
    if not any(column in header for column in layout.month):
        raise InputError.single(
            f"{name}, row 1", layout.month[0], "is missing: rows must say when they are of"
        )
    return layout


def _lambda_rows(rows: Iterator[Row], layout: _Layout, counts: dict[str, int]) -> Iterator[_Found]:
    read = _cur_row if layout is _CUR else _focus_row
    classes = _CUR_CLASSES if layout is _CUR else _FOCUS_CLASSES
    for row in rows:
        if not any(row.text(column) in layout.services for column in layout.service):
            counts["foreign"] += 1
            continue
        if row.text(layout.currency) != "USD":
            raise row.fault(layout.currency, f"must be USD, got {row.text(layout.currency)[:40]!r}")
        kind = row.text(layout.kind)
        if kind not in classes:
            raise row.fault(layout.kind, f"must be one of {', '.join(classes)}, got {kind[:40]!r}")
        line_class = classes[kind]
        if line_class is None:
            counts["negated"] += 1
            continue
        yield read(row, layout, line_class)


def _cur_row(row: Row, layout: _Layout, line_class: LineClass) -> _Found:
    cost_column = "line_item_unblended_cost"
    rate = _sized(row, "line_item_unblended_rate")
    if line_class is LineClass.SAVINGS_PLAN:
        cost_column, rate = "savings_plan_savings_plan_effective_cost", None
    cost = _sized(row, cost_column)
    if cost is None:
        raise row.fault(cost_column, "must not be empty for a row of usage")
    quantity = _sized(row, "line_item_usage_amount")
    return _Found(_month(row, layout), _usage_type(row, layout), line_class, quantity, rate, cost)


def _focus_row(row: Row, layout: _Layout, line_class: LineClass) -> _Found:
    if row.text("ChargeClass"):
        line_class = LineClass.OTHER
    elif line_class is LineClass.USAGE and row.text("PricingCategory") == "Committed":
        line_class = LineClass.SAVINGS_PLAN
    is_covered = line_class is LineClass.SAVINGS_PLAN
    cost_column = "EffectiveCost" if is_covered else "BilledCost"
    cost = _sized(row, cost_column)
    if cost is None:
        raise row.fault(cost_column, "must not be empty")
    rate = None if is_covered else _sized(row, "ContractedUnitPrice")
    if rate is None and not is_covered:
        rate = _sized(row, "ListUnitPrice")
    quantity = _sized(row, "PricingQuantity")
    return _Found(_month(row, layout), _usage_type(row, layout), line_class, quantity, rate, cost)


def _sized(row: Row, column: str) -> Decimal | None:
    """Return a number whose size and digits money and usage may have."""
    number = row.number(column)
    if number is not None and (abs(number) > _MOST_SIZE or int(number.as_tuple().exponent) < -60):
        raise row.fault(
            column, f"must be from -1e30 to 1e30 with at most 60 decimals, got {row.text(column)[:40]!r}"
        )
    return number


def _month(row: Row, layout: _Layout) -> str:
    column = next((name for name in layout.month if row.text(name)), layout.month[0])
    month = row.text(column)[:7]
    if not _MONTH.fullmatch(month):
        raise row.fault(column, f"must begin with a month such as 2026-11, got {row.text(column)[:40]!r}")
    return month


def _usage_type(row: Row, layout: _Layout) -> str:
    """Return AWS's usage type, region prefix included; a meter of FOCUS gets its region's."""
    column = next((name for name in layout.usage_type if row.text(name)), layout.usage_type[0])
    name = row.text(column)
    if not name:
        return ""
    if not _USAGE_TYPE.fullmatch(name):
        raise row.fault(column, f"must be a usage type such as USE2-Lambda-GB-Second, got {name[:40]!r}")
    region = row.text("RegionId")
    if column == "SkuMeter" and region in regions() and not name.startswith("Global-"):
        prefix = price_sheet(region).usage_prefix
        return f"{prefix}-{name}" if prefix and not name.startswith(f"{prefix}-") else name
    return name


def _key(found: _Found, counts: dict[str, int]) -> tuple[ActualKey, Decimal]:
    """Place a row in a line; usage without quantity or with a negative amount is no usage."""
    line_class, quantity, rate = found.line_class, found.quantity, found.rate
    is_usage = line_class in (LineClass.USAGE, LineClass.SAVINGS_PLAN)
    if is_usage and found.cost < 0:
        counts["negative"] += 1
        return ActualKey(found.month, found.usage_type, LineClass.CREDIT, None), Decimal(0)
    if is_usage and (quantity is None or quantity < 0 or (quantity == 0 and found.cost)):
        counts["unquantified"] += 1
        return ActualKey(found.month, found.usage_type, LineClass.OTHER, None), Decimal(0)
    if not is_usage:
        return ActualKey(found.month, found.usage_type, line_class, None), Decimal(0)
    if rate is None and line_class is LineClass.USAGE:
        counts["computed"] += 1
        rate = Decimal(0) if not found.cost else None
    return ActualKey(found.month, found.usage_type, line_class, rate), quantity or Decimal(0)


def _notes(counts: Mapping[str, int]) -> Iterator[str]:
    texts = {
        "foreign": "{} rows of other services were left out",
        "negated": "{} rows that negate what a Savings Plan covers were left out; that usage is at its effective cost",
        "computed": "{} rows of usage state no rate: theirs is cost by quantity",
        "unquantified": "{} rows of usage have a cost and no quantity: they are shown as other",
        "negative": "{} rows of usage have a negative cost: they are shown as credit",
    }
    for name, text in texts.items():
        if counts[name]:
            yield text.format(f"{counts[name]:,}")
