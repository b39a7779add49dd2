"""A checker of FOCUS files, written from the table of columns: presence, nullability, type, allowed values, sums."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from decimal import Decimal
from typing import Final

from lambdasim.billing.exact import product, total
from lambdasim.errors import Fault, InputError
from lambdasim.finance.focus.columns import (
    NEEDS,
    ONE_VALUE_COLUMNS,
    PRICED_COLUMNS,
    SUBCATEGORIES_OF_COMPUTE,
    USAGE_NEEDS,
    FocusColumn,
    Kind,
    Level,
    focus_columns,
    focus_version,
)
from lambdasim.finance.reading import Row, table_rows
from lambdasim.specs.faults import not_among
from lambdasim.wording import clipped

MOST_FAULTS: Final = 50
_NUMBER: Final = re.compile(r"-?[0-9]{1,60}(?:\.[0-9]{1,80})?(?:E-?[0-9]{1,2})?")
_MOMENT: Final = re.compile(
    r"[0-9]{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12][0-9]|3[01])T(?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]Z"
)
_PATTERNS: Final = {
    Kind.NUMBER: (_NUMBER, "a number without separators, such as 0.25 or 1E-7"),
    Kind.MOMENT: (_MOMENT, "a moment in UTC such as 2026-11-01T00:00:00Z"),
    Kind.CURRENCY: (re.compile("[A-Z]{3}"), "an ISO 4217 code such as USD"),
    Kind.UNIT: (
        re.compile(r"(?:[1-9][0-9]* )?[A-Z][A-Za-z]*(?:-[A-Z][a-z]+s?)?(?:/[A-Z][a-z]+)?"),
        "a unit as FOCUS writes it, such as GB-Seconds",
    ),
}
_PRODUCTS: Final = (("ListCost", "ListUnitPrice"), ("ContractedCost", "ContractedUnitPrice"))
_PERIODS: Final = (
    ("BillingPeriodStart", "BillingPeriodEnd"),
    ("ChargePeriodStart", "ChargePeriodEnd"),
)


def check_focus(path: str | os.PathLike[str], version: str = "1.2") -> Decimal:
    """Check a FOCUS file.

    Parameters
    ----------
    path : path-like
        CSV or Parquet.
    version : str
        ``1.2`` or ``1.4``.

    Returns
    -------
    Decimal
        Exact sum of ``BilledCost``.

    Raises
    ------
    InputError
        With every fault found, at most 50: columns that are missing, unknown or out of order; cells that are null, of
        the wrong type or not allowed; periods that do not fit; costs that are not quantity times price; more than one
        scenario, quantile, run, account or currency.
    """
    columns = focus_columns(focus_version(version))
    header, rows = table_rows(path)
    faults = list(_header_faults(os.fspath(path), header, columns))
    present = {name: column for name, column in columns.items() if name in header}
    seen: dict[str, str] = {}
    absent = {
        name for name, column in columns.items() if column.level is Level.MANDATORY and name not in header
    }
    billed = Decimal(0)
    for row in rows:
        if len(faults) >= MOST_FAULTS:
            break
        found = [*_cell_faults(row, present), *_mixed_faults(row, seen)]
        found += _row_faults(row, present, absent) if not found else []
        faults += found
        if not found and "BilledCost" in present:
            billed = total((billed, Decimal(row.text("BilledCost"))))
    if faults:
        raise InputError(faults[:MOST_FAULTS])
    return billed


def _header_faults(where: str, header: tuple[str, ...], columns: dict[str, FocusColumn]) -> Iterator[Fault]:
    for name, column in columns.items():
        if column.level is Level.MANDATORY and name not in header:
            yield Fault(where, name, "is missing; the column is mandatory")
    custom_begins = next((place for place, name in enumerate(header) if name.startswith("x_")), len(header))
    for place, name in enumerate(header):
        if name not in columns and not name.startswith("x_"):
            yield Fault(where, clipped(name, 40), "is no column of FOCUS; own columns begin with x_")
        elif name in columns and place > custom_begins:
            yield Fault(where, name, "must stand before the columns that begin with x_")


def _cell_faults(row: Row, present: dict[str, FocusColumn]) -> Iterator[Fault]:
    for name, column in present.items():
        text = row.text(name)
        if not text:
            if not column.nullable:
                yield Fault(row.where, name, "must not be null")
            continue
        wrong = _type_fault(text, column)
        if wrong:
            yield Fault(row.where, name, f"must be {wrong}, got {text[:40]!r}")


def _type_fault(text: str, column: FocusColumn) -> str:
    """Return what is allowed where a text is not; empty where it is."""
    if column.allowed and text not in column.allowed:
        return f"one of {', '.join(column.allowed)}"
    if column.kind in _PATTERNS:
        pattern, allowed = _PATTERNS[column.kind]
        return "" if pattern.fullmatch(text) else allowed
    if column.kind is Kind.JSON:
        try:
            is_object = isinstance(json.loads(text), dict)
        except (ValueError, RecursionError):
            is_object = False
        return "" if is_object else "a JSON object"
    return ""


def _mixed_faults(row: Row, seen: dict[str, str]) -> Iterator[Fault]:
    for name in ONE_VALUE_COLUMNS:
        text = row.text(name)
        if name in row.cells and seen.setdefault(name, text) != text:
            yield Fault(
                row.where, name, f"must be {seen[name][:40]!r} as above, got {text[:40]!r}: a file holds one"
            )


def _lonely_faults(row: Row, absent: set[str]) -> Iterator[Fault]:
    """Find values that mean nothing without another column's; a column that the file lacks is named once."""
    for name, needed in (*NEEDS, *(USAGE_NEEDS if row.text("ChargeCategory") == "Usage" else ())):
        if not row.text(name) or row.text(needed) or needed in absent:
            continue
        if needed not in row.cells:
            absent.add(needed)
        yield Fault(row.where, needed, f"must not be null where {name} is {row.text(name)[:40]!r}")


def _row_faults(row: Row, present: dict[str, FocusColumn], absent: set[str]) -> Iterator[Fault]:
    """Check what cells of one row, good in themselves, say together."""
    is_priced = row.text("ChargeCategory") in ("Usage", "Purchase") and not row.text("ChargeClass")
    if is_priced and row.text("CommitmentDiscountStatus") != "Unused":
        for name in PRICED_COLUMNS:
            consumed_by_purchase = name.startswith("Consumed") and row.text("ChargeCategory") == "Purchase"
            if name in present and not row.text(name) and not consumed_by_purchase:
                yield Fault(row.where, name, "must not be null for a charge of usage")
    yield from _lonely_faults(row, absent)
    for begin, end in _PERIODS:
        if begin in present and end in present and not row.text(begin) < row.text(end):
            yield Fault(row.where, end, f"must be after {begin} {row.text(begin)}, got {row.text(end)}")
    quantity = row.text("PricingQuantity")
    for cost, unit_price in _PRODUCTS:
        price = row.text(unit_price)
        if quantity and price and row.text(cost) and not row.text("ChargeClass"):
            expected = product(Decimal(quantity), Decimal(price))
            if Decimal(row.text(cost)) != expected:
                yield Fault(
                    row.where,
                    cost,
                    f"must be PricingQuantity times {unit_price}, {expected:f}, got {row.text(cost)[:40]}",
                )
    subcategory = row.text("ServiceSubcategory")
    if row.text("ServiceCategory") == "Compute" and subcategory not in ("", *SUBCATEGORIES_OF_COMPUTE):
        yield Fault(row.where, "ServiceSubcategory", not_among(subcategory, SUBCATEGORIES_OF_COMPUTE))
