"""A bill as an Excel workbook whose sums are live formulas, and equal ours."""

from __future__ import annotations

import io
import os
from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime
from fractions import Fraction
from pathlib import Path
from typing import Final

from lambdasim.billing import Bill, LineItem, plain
from lambdasim.billing.exact import total
from lambdasim.catalog import ChargeKind, PriceSheet, Rate, price_sheet
from lambdasim.errors import CatalogError, InputError, LambdaSimError
from lambdasim.finance.days import DayCost
from lambdasim.finance.guard import guarded
from lambdasim.finance.origin import Origin
from lambdasim.finance.workbook.days import write_days
from lambdasim.finance.workbook.sheet import FORMATS, LAST_ROW, Column, Page, letter
from lambdasim.outputs import write_output

SUMMARY, ITEMS, DAYS, FUNCTIONS, ASSUMPTIONS, PRICES = (
    "Summary",
    "Line items",
    "By day",
    "By function",
    "Assumptions",
    "Price sheet",
)
_CREATED: Final = datetime(2000, 1, 1)  # noqa: DTZ001 - written as it is, so that equal bills give equal bytes
_FLAT: Final = ("request", "ephemeral", "pc_idle", "pc_duration", "snapstart_cache", "snapstart_restore")


def write_workbook(
    bill: Bill,
    path: str | os.PathLike[str],
    *,
    origin: Origin | None = None,
    sheets: Iterable[PriceSheet] | None = None,
    days: Iterable[DayCost] | None = None,
) -> Path:
    """Write a bill as an Excel workbook.

    Parameters
    ----------
    bill : Bill
    path : path-like
    origin : Origin, optional
        Scenario and run, and the assumptions: ``Origin.of_folder`` reads them, ``run.parameters()`` has them too.
    sheets : iterable of PriceSheet, optional
        That the bill was priced with. Default: the catalog's of the bill's regions and dates.
    days : iterable of DayCost, optional
        For a sheet by day, see ``daily_costs``.

    Returns
    -------
    Path
        Of the file, which is whole or not there. Equal bills give equal bytes.

    Raises
    ------
    LambdaSimError
        When XlsxWriter is not installed.
    InputError
        When the days do not sum to the bill.

    Notes
    -----
    A cell of Excel holds about 15 digits; the exact amounts stand beside as text. Texts that would be formulas are
    guarded, see ``guarded``.
    """
    try:
        import xlsxwriter
    except ImportError:
        raise LambdaSimError("workbooks need XlsxWriter: pip install 'lambda-costsim[excel]'") from None
    content = io.BytesIO()
    plainly = {"strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}
    by_day = None if days is None else tuple(days)
    if by_day is not None and total(day.amount for day in by_day) != bill.total:
        raise InputError.single("workbook", "days", "must sum to the bill")
    book = xlsxwriter.Workbook(content, {"in_memory": True, **plainly})
    source = origin or Origin()
    title = f"AWS Lambda, {source.scenario}" if source.scenario else "AWS Lambda"
    book.set_properties({"title": guarded(title), "created": _CREATED, "author": "lambdasim"})
    formats = {name: book.add_format(look) for name, look in FORMATS.items()}
    pages = {
        name: Page(book.add_worksheet(name), formats)
        for name in (SUMMARY, ITEMS, *(() if by_day is None else (DAYS,)), FUNCTIONS, ASSUMPTIONS, PRICES)
    }
    for page in pages.values():
        page.sheet.set_landscape()
        page.sheet.fit_to_pages(1, 0)
    lines = _write_items(pages[ITEMS], bill)
    if by_day is not None:
        write_days(book, pages[DAYS], DAYS, bill.currency, by_day)
    functions = _write_functions(pages[FUNCTIONS], bill)
    _write_summary(pages[SUMMARY], bill, source, title, lines, functions)
    _write_assumptions(pages[ASSUMPTIONS], source)
    _write_prices(pages[PRICES], _sheets(bill) if sheets is None else tuple(sheets))
    book.close()
    place = Path(path)
    write_output(place, content.getvalue(), "workbook")
    return place


def _write_items(page: Page, bill: Bill) -> Column:
    money = f"amount [{bill.currency}]"
    names = ("month", "region", "architecture", "charge", "usage type", "description", "tier", "quantity", "unit",
             f"rate [{bill.currency} per unit]", money, f"exact {money}", "price as of", "rate")  # fmt: skip
    page.head(0, names, (10, 15, 13, 18, 34, 44, 6, 18, 18, 18, 16, 30, 12, 50))
    page.sheet.freeze_panes(1, 0)
    row = 0
    for row, item in enumerate(bill.items, start=1):
        kind = item.kind.value
        texts = (item.month, item.region, item.architecture, kind, item.usage_type, item.description)
        for column, text in enumerate(texts):
            page.text(row, column, text)
        page.number(row, 6, item.tier, "whole")
        page.number(row, 7, item.quantity, "whole" if item.quantity == int(item.quantity) else "broken")
        page.text(row, 8, item.unit)
        page.number(row, 9, item.rate, "rate")
        page.formula(row, 10, f"=H{row + 1}*J{row + 1}", item.amount, "fine")
        page.text(row, 11, plain(item.amount))
        page.text(row, 12, item.price_as_of.isoformat())
        page.text(row, 13, _quality(item))
    column_of_amounts = Column(ITEMS, "K", 2 if row else 1, row + 1)
    page.text(row + 1, 0, "total", "total")
    page.formula(row + 1, 10, column_of_amounts.sum_formula, bill.total, "money_total")
    page.text(row + 1, 11, plain(bill.total), "total")
    if row:
        page.sheet.autofilter(0, 0, row, len(names) - 1)
    return column_of_amounts


def _quality(item: LineItem) -> str:
    if not item.tier:
        return "free tier"
    return item.note or "confirmed"


def _write_functions(page: Page, bill: Bill) -> Column:
    amounts: defaultdict[str, defaultdict[ChargeKind, Fraction]] = defaultdict(lambda: defaultdict(Fraction))
    for share in bill.shares():
        amounts[share.function][share.line.kind] += Fraction(share.amount)
    kinds = [kind for kind in ChargeKind if any(kind in parts for parts in amounts.values())]
    names = ("function", *(f"{kind.value} [{bill.currency}]" for kind in kinds), "total", "share")
    page.head(0, names, (44, *(18 for _ in kinds), 18, 10))
    page.sheet.freeze_panes(1, 1)
    letters = [letter(place) for place in range(len(names))]
    ordered = sorted(amounts.items(), key=lambda pair: (-sum(pair[1].values()), pair[0]))[: LAST_ROW - 2]
    end, whole = len(ordered) + 1, Fraction(bill.total)
    for row, (name, parts) in enumerate(ordered, start=1):
        page.text(row, 0, name)
        for column, kind in enumerate(kinds, start=1):
            page.number(row, column, parts[kind], "fine")
        cost = sum(parts.values(), Fraction(0))
        place = len(kinds) + 1
        page.formula(row, place, f"=SUM(B{row + 1}:{letters[place - 1]}{row + 1})", cost, "fine")
        below = f"{letters[place]}${end + 1}"
        part = f"=IF({below}=0,0,{letters[place]}{row + 1}/{below})"
        page.formula(row, place + 1, part, cost / whole if whole else 0, "share")
    page.text(end, 0, "total", "total")
    columns = [Column(FUNCTIONS, letter, 2 if ordered else 1, end) for letter in letters[1:-1]]
    for at, (summed, kind) in enumerate(zip(columns, kinds, strict=False), start=1):
        cost = sum((parts[kind] for _, parts in ordered), Fraction(0))
        page.formula(end, at, summed.sum_formula, cost, "money_total")
    page.formula(end, len(columns), columns[-1].sum_formula, whole, "money_total")
    return columns[-1]


def _write_summary(
    page: Page, bill: Bill, origin: Origin, title: str, lines: Column, functions: Column
) -> None:
    page.sheet.set_column(0, 0, 34)
    page.sheet.set_column(1, 1, 24)
    page.text(0, 0, title, "title")
    facts = (
        ("run", origin.run),
        ("quantile", origin.quantile or "one run, no forecast"),
        ("account", origin.account_id),
        ("currency", bill.currency),
    )
    row = 2
    for name, text in facts:
        page.text(row, 0, name)
        page.text(row, 1, text)
        row += 1
    page.text(row, 0, "total", "total")
    page.formula(row, 1, f"={lines.total}", bill.total, "money_total")
    page.text(row + 1, 0, "exact total")
    page.text(row + 1, 1, plain(bill.total))
    page.text(row + 2, 0, "line items less functions")
    page.formula(row + 2, 1, f"=ROUND({lines.total}-{functions.total},6)", 0, "fine")
    row += 4
    for what, field, place in (("month", "month", "A"), ("region", "region", "B"), ("charge", "kind", "D")):
        costs: defaultdict[str, Fraction] = defaultdict(Fraction)
        for item in bill.items:
            costs[str(getattr(item, field))] += Fraction(item.amount)
        page.text(row, 0, what, "head")
        page.text(row, 1, f"amount [{bill.currency}]", "head")
        row += 1
        for name in sorted(name for name in costs if name):
            page.text(row, 0, name)
            page.formula(row, 1, lines.where(place, f"A{row + 1}"), costs[name], "money")
            row += 1
        row += 1
    page.text(row, 0, "notes", "head")
    for note in bill.notes:
        row += 1
        page.text(row, 0, note)


def _write_assumptions(page: Page, origin: Origin) -> None:
    page.head(0, ("parameter", "value", "known", "source"), (40, 34, 14, 110))
    page.sheet.freeze_panes(1, 0)
    for row, parameter in enumerate(origin.parameters[: LAST_ROW - 1], start=1):
        for column, text in enumerate(parameter):
            page.text(row, column, text)


def _sheets(bill: Bill) -> tuple[PriceSheet, ...]:
    """Find the catalog's sheets of a bill; those that were given in their place are not in it."""
    found = {}
    for item in bill.items:
        if item.region and (item.region, item.price_as_of) not in found:
            try:
                sheet = price_sheet(item.region, item.price_as_of)
            except CatalogError:
                continue
            if sheet.as_of == item.price_as_of:
                found[item.region, item.price_as_of] = sheet
    return tuple(found[key] for key in sorted(found))


def _write_prices(page: Page, sheets: Sequence[PriceSheet]) -> None:
    names = (
        "region",
        "architecture",
        "rate",
        "up to [GB-s per month]",
        "USD per unit",
        "known",
        "as of",
        "what the date means",
        "sources",
    )
    page.head(0, names, (15, 13, 20, 20, 18, 50, 12, 50, 110))
    page.sheet.freeze_panes(1, 0)
    row = 0
    for sheet in sheets:
        for architecture, rates in sheet.architectures.items():
            tiers = [
                (f"duration, tier {number}", tier.up_to_gb_s, tier.rate)
                for number, tier in enumerate(rates.tiers, start=1)
            ]
            flat = [(name, None, getattr(rates, name)) for name in _FLAT]
            for name, bound, rate in (*tiers, *flat, ("streaming", None, sheet.streaming)):
                row += 1
                page.text(row, 0, sheet.region)
                page.text(row, 1, architecture)
                page.text(row, 2, name)
                if bound is not None:
                    page.number(row, 3, bound, "whole")
                _write_rate(page, row, rate)
                page.text(row, 6, sheet.as_of.isoformat())
                page.text(row, 7, sheet.as_of_note)
                page.text(row, 8, "; ".join(rates.sources))


def _write_rate(page: Page, row: int, rate: Rate) -> None:
    if rate.usd is None:
        page.text(row, 4, "unknown")
    else:
        page.number(row, 4, rate.usd, "rate")
    page.text(row, 5, rate.quality)
