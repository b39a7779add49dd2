"""Sheets of Excel workbooks as blocks of CSV text: cached values only, nothing evaluated, bounded in size."""

from __future__ import annotations

import csv
import datetime as dt
import io
import math
import re
import warnings
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import zip_longest
from typing import Any, Final

from lambdasim.errors import TraceError
from lambdasim.traffic.readers.said import said_with
from lambdasim.traffic.readers.source import BLOCK_BYTES, SourceFile
from lambdasim.wording import clipped, listed

MOST_FILE_BYTES: Final = 64 << 20
MOST_UNPACKED_BYTES: Final = 256 << 20
MOST_STRINGS_BYTES: Final = 64 << 20
"""Bounds [bytes] of a workbook as stored, of all its parts unpacked, and of its table of strings."""
MOST_PARTS: Final = 5_000
MOST_ROWS: Final = 1_048_576
MOST_COLUMNS: Final = 16_384
"""Excel's own bounds of a sheet."""
_MOST_BLANK_HEAD: Final = 1_000
_MOST_BLANK_ROWS: Final = 100_000
_MOST_NAMES: Final = 10
_BEYOND: Final = 16
_EXACT: Final = 2**53
_STEP: Final = 1 << 20
_OVERLAP: Final = 16
_DOCTYPE: Final = re.compile(rb"<!(?:DOCTYPE|ENTITY)")
_FORMULA: Final = re.compile(rb"<(?:[A-Za-z0-9_.-]{1,20}:)?f[ >/]")
_BINARY: Final = "xl/workbook.bin"
_BOOK: Final = "xl/workbook.xml"
_STRINGS: Final = "xl/sharedStrings.xml"


@dataclass(frozen=True)
class SheetForm:
    """Which sheet is read, and how its numbers are written as text.

    Attributes
    ----------
    sheet : str or None
        Name; None for the only one.
    point : str
        Character before a fraction, as the cells that are text have it.
    serial : bool
        Whether numbers stand for dates of the 1900 system.
    """

    sheet: str | None = None
    point: str = "."
    serial: bool = False


def is_workbook(file: SourceFile) -> bool:
    """Say whether a file is a zip archive with a workbook of Excel in it."""
    with file.opened() as stream:
        if stream.read(4) != b"PK\x03\x04" or file.size > MOST_FILE_BYTES:
            return False
        try:
            with zipfile.ZipFile(stream) as archive:
                names = set(archive.namelist())
        except Exception:  # whatever a zip archive made by hand does to the reader of its directory
            return False
    return bool(names & {_BOOK, _BINARY})


def sheet_text(file: SourceFile, form: SheetForm) -> Iterator[bytes]:
    """Write a sheet as CSV: the header first, alone, then blocks of rows; a row of the sheet is a line.

    Parameters
    ----------
    file : SourceFile
    form : SheetForm

    Yields
    ------
    bytes
        UTF-8 with commas. Blank rows are blank lines. Line ends inside cells are blanks.

    Raises
    ------
    TraceError
        When the workbook is too large, broken or binary, has no such sheet or several and none is chosen, or a formula
        without a value that was kept.
    """
    content = b"".join(file.stored())
    has_formulas = _checked(file, content)
    with _quiet(file):
        book = _book(content, data_only=True)
        sheet = _sheet(file, book, form)
        formulas = _book(content, data_only=False)[sheet.title] if has_formulas else None
        if form.serial and book.epoch.year == 1904:
            raise TraceError.single(
                file.path, "dates", "counts its dates from 1904; format the column as dates in the workbook"
            )
        yield from _lines(file, sheet, formulas, form)


def _checked(file: SourceFile, content: bytes) -> bool:
    """Bound the archive and refuse what XML may do to its reader; say whether there are formulas."""
    has_formulas = False
    with _quiet(file), zipfile.ZipFile(io.BytesIO(content)) as archive:
        parts = archive.infolist()
        if _BINARY in archive.namelist():
            raise TraceError.single(file.path, "", "is a binary workbook (.xlsb); save it as .xlsx")
        if len(parts) > MOST_PARTS or sum(part.file_size for part in parts) > MOST_UNPACKED_BYTES:
            allowed = f"must unpack to at most {MOST_UNPACKED_BYTES >> 20} MiB in {MOST_PARTS:,} parts; export it as CSV"
            raise TraceError.single(file.path, "", allowed)
        for part in parts:
            if part.filename.lower() == _STRINGS.lower() and part.file_size > MOST_STRINGS_BYTES:
                allowed = f"must have at most {MOST_STRINGS_BYTES >> 20} MiB of text; export it as CSV"
                raise TraceError.single(file.path, "", allowed)
            if not part.filename.lower().endswith((".xml", ".rels")):
                continue
            held = b""
            with archive.open(part) as stream:
                while step := stream.read(_STEP):
                    held = held[-_OVERLAP:] + step
                    if _DOCTYPE.search(held) or b"\0" in step:
                        raise TraceError.single(
                            file.path, "", "is a workbook whose XML has a DOCTYPE or is not UTF-8"
                        )
                    has_formulas = has_formulas or _FORMULA.search(held) is not None
    return has_formulas


def _book(content: bytes, *, data_only: bool) -> Any:
    try:
        import openpyxl
    except ImportError:
        raise TraceError.single(
            "lambdasim", "sheet", "needs openpyxl to read a workbook: pip install 'lambda-costsim[excel]'"
        ) from None
    return openpyxl.load_workbook(io.BytesIO(content), read_only=True, data_only=data_only, keep_links=False)


def _sheet(file: SourceFile, book: Any, form: SheetForm) -> Any:
    names = [sheet.title for sheet in book.worksheets]
    if form.sheet is None and len(names) == 1:
        return book.worksheets[0]
    shown = listed([clipped(repr(name), 40) for name in names], most=_MOST_NAMES)
    if form.sheet is None:
        wrong = f"has {len(names)} sheets: {shown}; name one with {said_with('sheet')}"
        raise TraceError.single(file.path, "sheet", wrong)
    if form.sheet not in names:
        raise TraceError.single(file.path, "sheet", f"has no sheet {form.sheet[:40]!r}; it has {shown}")
    return book[form.sheet]


def _lines(file: SourceFile, sheet: Any, formulas: Any, form: SheetForm) -> Iterator[bytes]:
    width = blank = 0
    held = io.StringIO()
    writer = csv.writer(held, lineterminator="\n")
    for number, (row, asked) in enumerate(_rows(sheet, formulas), start=1):
        if asked:
            _refuse_uncalculated(file, number, row, asked)
        texts = () if row.count(None) == len(row) else [_text(value, form) for value in row]
        filled = max((place for place, text in enumerate(texts, start=1) if text), default=0)
        if not filled:
            held.write("\n")
            blank += 1
            if blank >= (_MOST_BLANK_ROWS if width else _MOST_BLANK_HEAD):
                wrong = (
                    f"has {blank:,} blank rows {'between rows' if width else 'above its header'}; delete them"
                )
                raise TraceError.single(f"{file.path}, row {number}", "", wrong)
            continue
        blank = 0
        writer.writerow(texts[: max(width, filled)])
        if not width or held.tell() >= BLOCK_BYTES:
            width = width or filled
            yield _taken(held)
    yield _taken(held)


def _taken(held: io.StringIO) -> bytes:
    text = held.getvalue().encode(errors="replace")
    held.seek(0)
    held.truncate()
    return text


def _rows(sheet: Any, formulas: Any) -> Iterator[tuple[Any, Any]]:
    """Give rows of values with what was asked for in the same cells; as wide as the header and a little more."""
    widest = MOST_COLUMNS
    for row in sheet.iter_rows(max_row=_MOST_BLANK_HEAD, max_col=MOST_COLUMNS, values_only=True):
        filled = [place for place, value in enumerate(row, start=1) if value is not None]
        if filled:
            widest = min(filled[-1] + _BEYOND, MOST_COLUMNS)
            break
    bounds = {"max_row": MOST_ROWS, "max_col": widest, "values_only": True}
    rows = sheet.iter_rows(**bounds)
    if formulas is None:
        yield from ((row, ()) for row in rows)
    else:
        yield from zip_longest(rows, formulas.iter_rows(**bounds), fillvalue=())


def _refuse_uncalculated(file: SourceFile, number: int, row: Any, asked: Any) -> None:
    for column, (value, formula) in enumerate(zip(row, asked, strict=False), start=1):
        if value is None and formula is not None:
            wrong = f"column {column} has a formula without a value; open and save the workbook in Excel"
            raise TraceError.single(f"{file.path}, row {number}", "", wrong)


def _text(value: object, form: SheetForm) -> str:
    """Write a cell's value as a table of text has it."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).upper()
    if isinstance(value, int):
        return str(value)
    if isinstance(value, float):
        if not math.isfinite(value):
            return str(value)
        whole = value.is_integer() and abs(value) < _EXACT
        return str(int(value)) if whole else repr(value).replace(".", form.point)
    if isinstance(value, dt.datetime | dt.date | dt.time):
        return value.isoformat()
    return " ".join(str(value).replace("\0", "").splitlines()).strip()


@contextmanager
def _quiet(file: SourceFile) -> Iterator[None]:
    """Turn whatever a broken workbook does to the libraries that read it into one error, and their warnings into none."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    except TraceError:
        raise
    except Exception as problem:
        told = clipped(f"{type(problem).__name__}: {problem}", 80)
        raise TraceError.single(file.path, "", f"is no workbook that can be read ({told})") from None
