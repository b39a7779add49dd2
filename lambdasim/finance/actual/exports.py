"""Rows of AWS Lambda in an export that lists charges row by row."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal
from typing import Final

from lambdasim.catalog import price_sheet, regions
from lambdasim.errors import InputError
from lambdasim.finance.actual.choice import BillChoice
from lambdasim.finance.actual.foreign import ForeignCosts
from lambdasim.finance.actual.layouts import Layout
from lambdasim.finance.actual.overlap import Overlap
from lambdasim.finance.actual.tables import ActualRow, LineClass
from lambdasim.finance.reading import Row
from lambdasim.specs.faults import not_among

_MONTH: Final = re.compile(r"[0-9]{4}-(?:0[1-9]|1[0-2])")
_USAGE_TYPE: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.:/-]{0,99}")
_PREFIX: Final = re.compile(r"([A-Z]{2,4}[0-9]{0,2})-")
_MOST_SIZE: Final = Decimal("1e30")


def lambda_rows(
    rows: Iterator[Row],
    layout: Layout,
    counts: Counter[str],
    choice: BillChoice,
    foreign: ForeignCosts,
    overlap: Overlap,
) -> Iterator[ActualRow]:
    """Read rows of AWS Lambda; negations are left out and counted, and chosen rows of other services added up.

    Raises
    ------
    InputError
        At the first row with a currency other than USD, a kind that is not known, a cell that is no number, month or
        usage type, or a line item that stands there twice; it names row and column.
    """
    for row in map(_without_nulls, rows) if layout.is_focus else rows:
        if not any(row.text(column) in layout.services for column in layout.service):
            counts["foreign"] += 1
            _add_foreign(row, layout, counts, choice, foreign)
            continue
        if row.text(layout.currency) != "USD":
            raise row.fault(layout.currency, f"must be USD, got {row.text(layout.currency)[:40]!r}")
        kind = row.text(layout.kind)
        if kind not in layout.classes and not _is_discount(kind, layout):
            raise row.fault(layout.kind, not_among(kind, layout.classes))
        line_class = layout.classes.get(kind, LineClass.CREDIT)
        if line_class is None:
            counts["negated"] += 1
            continue
        found = _row(row, layout, line_class)
        if line_class in (LineClass.USAGE, LineClass.SAVINGS_PLAN):
            overlap.add(row, layout, found)
        yield found


def _without_nulls(row: Row) -> Row:
    """Take the word null of a FOCUS file for an empty cell."""
    cells = {name: None if text in ("null", "NULL") else text for name, text in row.cells.items()}
    return replace(row, cells=cells)


def _is_discount(kind: str, layout: Layout) -> bool:
    """Say whether a kind of row of a CUR is one of AWS's discounts, of which there are ever more."""
    return not layout.is_focus and kind.endswith("Discount") and kind.isalpha()


def _add_foreign(
    row: Row, layout: Layout, counts: Counter[str], choice: BillChoice, foreign: ForeignCosts
) -> None:
    """Add up a row of another service; what it holds that we cannot read is counted, and no reason to stop."""
    line_class = layout.classes.get(row.text(layout.kind), LineClass.USAGE)
    if line_class is None:
        return
    if row.text(layout.currency) != "USD":
        counts["foreign_unread"] += 1
        return
    try:
        found = _row(row, layout, line_class, of_lambda=False)
    except InputError:
        counts["foreign_unread"] += 1
        return
    if not choice.refusal(found):
        foreign.add(found.period, _first(row, layout.service), found.usage_type, found.cost)


def _row(row: Row, layout: Layout, line_class: LineClass, *, of_lambda: bool = True) -> ActualRow:
    if layout.is_focus and row.text("ChargeClass"):
        line_class = LineClass.OTHER
    elif layout.is_focus and line_class is LineClass.USAGE and row.text("PricingCategory") == "Committed":
        line_class = LineClass.SAVINGS_PLAN
    is_covered = line_class is LineClass.SAVINGS_PLAN
    cost_column = layout.covered_cost if is_covered else layout.cost
    cost = _sized(row, cost_column)
    if cost is None and not of_lambda:
        cost = Decimal(0)
    if cost is None:
        raise row.fault(cost_column, "must not be empty for a row of usage")
    rates = () if is_covered or not of_lambda else layout.rate
    usage_type = _usage_type(row, layout) if of_lambda else _first(row, layout.usage_type)
    return ActualRow(
        period=_month(row, layout),
        usage_type=usage_type,
        line_class=line_class,
        quantity=_sized(row, layout.quantity) if of_lambda else None,
        rate=next((found for column in rates if (found := _sized(row, column)) is not None), None),
        cost=cost,
        account=_first(row, layout.account),
        region=_first(row, layout.region) or region_of(usage_type),
        resource=_first(row, layout.resource),
        tags=_tags(row, layout),
    )


def _first(row: Row, columns: tuple[str, ...]) -> str:
    return next((text for column in columns if (text := row.text(column))), "")


def region_of(usage_type: str) -> str:
    """Return the region that a usage type's prefix stands for; empty where it has one that is not known.

    Examples
    --------
    >>> region_of("EUC1-Request"), region_of("Request"), region_of("Global-Request"), region_of("XX9-Request")
    ('eu-central-1', 'us-east-1', '', '')
    """
    found = _PREFIX.match(usage_type)
    prefix = found.group(1) if found else ""
    if not usage_type or usage_type.startswith("Global-"):
        return ""
    return next((region for region in regions() if price_sheet(region).usage_prefix == prefix), "")


def _tags(row: Row, layout: Layout) -> dict[str, str]:
    """Read tags, of one JSON object or of a column each."""
    found = {
        name[len(start) :]: row.text(name)
        for name in row.cells
        for start in layout.tag_prefixes
        if name.startswith(start) and row.text(name)
    }
    text = row.text(layout.tags)
    if not text:
        return found
    try:
        content = json.loads(text)
    except (ValueError, RecursionError):
        content = None
    if isinstance(content, list):  # a map of Parquet: pairs
        content = dict(pair for pair in content if isinstance(pair, list) and len(pair) == 2)
    if not isinstance(content, dict):
        raise row.fault(layout.tags, f"must be a JSON object of tags, got {text[:40]!r}")
    return found | {str(key): str(value) for key, value in content.items()}


def _sized(row: Row, column: str) -> Decimal | None:
    """Return a number whose size and digits money and usage may have."""
    number = row.number(column)
    if number is not None and (abs(number) > _MOST_SIZE or int(number.as_tuple().exponent) < -60):
        raise row.fault(
            column, f"must be from -1e30 to 1e30 with at most 60 decimals, got {row.text(column)[:40]!r}"
        )
    return number


def _month(row: Row, layout: Layout) -> str:
    column = next((name for name in layout.month if row.text(name)), layout.month[0])
    month = row.text(column)[:7]
    if not _MONTH.fullmatch(month):
        raise row.fault(column, f"must begin with a month such as 2026-11, got {row.text(column)[:40]!r}")
    return month


def _usage_type(row: Row, layout: Layout) -> str:
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
