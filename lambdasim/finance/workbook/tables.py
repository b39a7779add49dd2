"""Tables of any result as a workbook, CSV or Parquet: figures stay figures, texts stay texts."""

from __future__ import annotations

import io
import os
from collections.abc import Iterable, Mapping
from datetime import datetime
from math import isfinite
from numbers import Integral, Real
from pathlib import Path
from textwrap import wrap
from typing import TYPE_CHECKING, Any, Final

from lambdasim.errors import InputError, LambdaSimError
from lambdasim.finance.guard import guarded
from lambdasim.finance.workbook.sheet import FORMATS, LAST_ROW, Page
from lambdasim.outputs import write_output
from lambdasim.specs.faults import not_among
from lambdasim.views import heading, is_money, is_share

if TYPE_CHECKING:
    import pandas as pd

    from lambdasim.views import Result

SUFFIXES: Final = (".csv", ".parquet", ".xlsx")
_CREATED: Final = datetime(2000, 1, 1)  # noqa: DTZ001 - written as it is, so that equal tables give equal bytes
_LOOKS: Final = {"usd": "#,##0.00####", "number": "#,##0.###", "wrapped": "", "words": ""}
_NARROW, _WIDE, _LONGEST_NAME = 12, 24, 31
_ANSWER: Final = 90
"""Width of the answer, which fits a page [characters]."""
_FULL: Final = 0.9
"""Part of a width that letters fill."""
_LINE: Final = 15
"""Height of a line [points]."""
_PRINTED: Final = 16
"""Columns up to which a sheet is printed one page wide; more would be too small to read."""
_NOT_IN_NAMES: Final = str.maketrans(dict.fromkeys("[]:*?/\\'", " "))


def write_table(result: Result, path: str | os.PathLike[str], table: str | None = None) -> Path:
    """Write a result's table to a file; its ending says how.

    Parameters
    ----------
    result : Result
        Any: a run, a bill, a sweep, a forecast ...
    path : path-like
        ``.csv`` or ``.parquet`` for one table, ``.xlsx`` for all of them.
    table : str, optional
        Which, by its title in ``result.frames()``; default: ``result.frame()``.

    Returns
    -------
    Path
        Of the file, which is whole or not there. Equal tables give equal bytes.

    Raises
    ------
    InputError
        When the ending is another, there is no such table, or the place is taken by a file that lambdasim did not write.
    LambdaSimError
        When XlsxWriter is not installed.

    Notes
    -----
    CSV has exact decimals as text, and texts that a spreadsheet would take for formulas are guarded; Parquet has decimals
    as floats and texts as they are.
    """
    place = Path(path)
    if place.suffix not in SUFFIXES:
        raise InputError.single(str(place), "", f"must end with {', '.join(SUFFIXES)}")
    frames = result.frames()
    if table is not None and table not in frames:
        raise InputError.single("write_table", "table", not_among(table, frames))
    if place.suffix == ".xlsx":
        return write_tables(frames, place, title=type(result).__name__, answer=[result.headline()])
    chosen = result.frame() if table is None else frames[table]
    if place.suffix == ".csv":
        text = chosen.map(lambda value: guarded(value) if isinstance(value, str) else value)
        write_output(place, text.to_csv(index=False, lineterminator="\n").encode(), "table")
    else:
        content = io.BytesIO()
        chosen.map(_plain).to_parquet(content, index=False)
        write_output(place, content.getvalue(), "table")
    return place


def write_tables(
    tables: Mapping[str, pd.DataFrame],
    path: str | os.PathLike[str],
    *,
    title: str,
    answer: Iterable[str] = (),
) -> Path:
    """Write tables as an Excel workbook: an answer, and a sheet for each of them.

    Parameters
    ----------
    tables : mapping of str to DataFrame
        By title; empty ones are left out. Columns are named with their units as suffix.
    path : path-like
    title : str
    answer : iterable of str
        Sentences of the first sheet.

    Returns
    -------
    Path
        Of the file, which is whole or not there. Equal tables give equal bytes.

    Raises
    ------
    LambdaSimError
        When XlsxWriter is not installed, or a table has more rows than a sheet.
    """
    try:
        import xlsxwriter
    except ImportError:
        raise LambdaSimError("workbooks need XlsxWriter: pip install 'lambda-costsim[excel]'") from None
    content = io.BytesIO()
    plainly = {"strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}
    book = xlsxwriter.Workbook(content, {"in_memory": True, **plainly})
    book.set_properties({"title": guarded(title), "created": _CREATED, "author": "lambdasim"})
    formats = {name: book.add_format(look) for name, look in FORMATS.items()}
    formats |= {name: book.add_format({"num_format": look} if look else {}) for name, look in _LOOKS.items()}
    formats["wrapped"].set_text_wrap()
    formats["words"].set_indent(1)  # figures to the left of words end where these begin
    first = Page(book.add_worksheet("Answer"), formats)
    first.sheet.set_column(0, 0, _ANSWER)
    first.sheet.set_landscape()
    first.sheet.fit_to_pages(1, 0)
    first.text(0, 0, title, "title")
    for row, sentence in enumerate(answer, start=2):
        first.sheet.set_row(row, _LINE * _lines(sentence, _ANSWER))
        first.text(row, 0, sentence, "wrapped")
    used = {"answer"}
    for name, table in tables.items():
        if len(table):
            _write_sheet(Page(book.add_worksheet(_sheet_name(name, used)), formats), table)
    book.close()
    place = Path(path)
    write_output(place, content.getvalue(), "workbook")
    return place


def _write_sheet(page: Page, table: pd.DataFrame) -> None:
    if len(table) >= LAST_ROW:
        raise LambdaSimError(f"a sheet has {LAST_ROW:,} rows at most, and the table {len(table):,}")
    page.sheet.set_landscape()
    if len(table.columns) <= _PRINTED:
        page.sheet.fit_to_pages(1, 0)
    names = [str(name) for name in table.columns]
    words = [any(isinstance(value, str) and len(value) > _NARROW for value in table[name]) for name in names]
    heads, widths = [heading(name) for name in names], [_WIDE if wide else _NARROW for wide in words]
    page.head(0, heads, widths)
    page.sheet.set_row(0, _LINE * max(map(_lines, heads, widths)))
    page.sheet.freeze_panes(1, 1)
    for column, name in enumerate(names):
        for row, value in enumerate(table.iloc[:, column], start=1):
            _write_cell(page, row, column, name, value)
    page.sheet.autofilter(0, 0, len(table), len(names) - 1)


def _lines(text: str, width: int) -> int:
    """Estimate how many lines a text takes: what opens a workbook without a screen does not fit heights to texts."""
    return sum(max(len(wrap(line, int(width * _FULL))), 1) for line in text.split("\n"))


def _write_cell(page: Page, row: int, column: int, name: str, value: Any) -> None:
    plain = _plain(value)
    if plain is None or (isinstance(plain, Real) and not isfinite(plain)):
        return
    if isinstance(plain, bool):
        page.text(row, column, "yes" if plain else "no", "words")
    elif isinstance(plain, Integral):
        page.number(row, column, int(plain), "whole")
    elif isinstance(plain, Real):
        look = "usd" if is_money(name) else "share" if is_share(name) else "number"
        page.sheet.write_number(row, column, float(plain), page.formats[look])
    elif str(plain) not in {"NaT", "<NA>"}:
        page.text(row, column, str(plain), "words")


def _plain(value: Any) -> Any:
    """Give a value that Parquet and Excel have: decimals and fractions become floats, days their text."""
    from datetime import date
    from decimal import Decimal
    from fractions import Fraction

    if isinstance(value, Decimal | Fraction):
        return float(value)
    if type(value).__name__ in {"bool", "bool_"}:
        return bool(value)
    if isinstance(value, date):
        text = value.isoformat()
        return None if text == "NaT" else text
    return value


def _sheet_name(name: str, used: set[str]) -> str:
    """Name a sheet as Excel allows it, and as no other is."""
    words = name.replace("_", " ").translate(_NOT_IN_NAMES).strip() or "table"
    words = (words[:1].upper() + words[1:])[:_LONGEST_NAME]
    number = 2
    chosen = words
    while chosen.lower() in used:
        chosen = f"{words[: _LONGEST_NAME - 3]} {number}"
        number += 1
    used.add(chosen.lower())
    return chosen
