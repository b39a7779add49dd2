"""How a table writes numbers and dates: what a user says of it, applied to a cell or to a column."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final

from lambdasim.errors import TraceError
from lambdasim.specs.traffic import Dates, DecimalMark, Separator, Thousands
from lambdasim.traffic.readers.cells import Cell
from lambdasim.traffic.readers.numerals import GROUPED
from lambdasim.traffic.readers.workbook import SheetForm

if TYPE_CHECKING:
    import pyarrow as pa

_MARKS: Final = {
    Thousands.COMMA: ",",
    Thousands.POINT: ".",
    Thousands.SPACE: " \u00a0\u202f",
    Thousands.APOSTROPHE: "'\u2019",
}
SEPARATORS: Final = {Separator.COMMA: ",", Separator.SEMICOLON: ";", Separator.TAB: "\t", Separator.BAR: "|"}
_KINDS: Final[dict[str, type[StrEnum]]] = {
    "separator": Separator,
    "decimal": DecimalMark,
    "thousands": Thousands,
    "dates": Dates,
}


@dataclass(frozen=True)
class Dialect:
    """What a user says of how a table is written; texts such as ``"semicolon"`` are taken for what they name.

    Attributes
    ----------
    separator : Separator or None
        What stands between fields; None for a comma, unsaid.
    decimal : DecimalMark or None
        What stands before a fraction; None for a point, unsaid.
    thousands : Thousands or None
        What stands between groups of three digits; None for nothing.
    dates : Dates
    sheet : str or None
        Sheet of a workbook.
    text_only : bool
        Whether a workbook is refused.
    """

    separator: Separator | None = None
    decimal: DecimalMark | None = None
    thousands: Thousands | None = None
    dates: Dates = Dates.ISO
    sheet: str | None = None
    text_only: bool = False

    def __post_init__(self) -> None:
        for name, kind in _KINDS.items():
            given = getattr(self, name)
            try:
                object.__setattr__(self, name, given if given is None else kind(given))
            except ValueError:
                allowed = f"must be one of {', '.join(kind)}, got {given!r:.40}"
                raise TraceError.single("dialect", name, allowed) from None
        if (
            self.decimal is not None
            and self.thousands is not None
            and self.decimal.value == self.thousands.value
        ):
            raise TraceError.single("dialect", "thousands", "must differ from decimal")

    @property
    def mark(self) -> str:
        """The character between fields."""
        return SEPARATORS[self.separator or Separator.COMMA]

    @property
    def point(self) -> str:
        """The character before a fraction."""
        return "," if self.decimal is DecimalMark.COMMA else "."

    @property
    def form(self) -> SheetForm:
        """How a sheet is read."""
        return SheetForm(self.sheet, self.point, self.dates is Dates.EXCEL)

    @property
    def said(self) -> tuple[str, ...]:
        """The options that are said."""
        given = {
            "separator": self.separator,
            "decimal": self.decimal,
            "thousands": self.thousands,
            "sheet": self.sheet,
        }
        dates = () if self.dates is Dates.ISO else ("dates",)
        return (*(name for name, value in given.items() if value is not None), *dates)

    def plain_number(self, text: str) -> str:
        """Write a number as we do.

        Parameters
        ----------
        text : str
            As it stands in a cell; empty stays empty.

        Returns
        -------
        str
            With a point before its fraction and nothing between thousands.

        Raises
        ------
        ValueError
            When it is no number in this way of writing; the message says which that is.
        """
        if self.decimal is None and self.thousands is None:
            return text
        return _plain(text, self.point, self._marks)

    def numbers(self, cell: Cell) -> Cell:
        """Make a cell read its numbers as they are said to be written.

        Parameters
        ----------
        cell : Cell
            What reads a cell.

        Returns
        -------
        Cell
            The same, with numbers in this way of writing.
        """
        if self.decimal is None and self.thousands is None:
            return cell
        return SaidCell(cell, self.point, self._marks)

    @property
    def _marks(self) -> str:
        return "" if self.thousands is None else _MARKS[self.thousands]


@dataclass(frozen=True)
class SaidCell:
    """A cell whose numbers are written in another way than ours.

    Attributes
    ----------
    cell : Cell
        Reads the number once it is written in our way.
    point : str
        Character before a fraction.
    marks : str
        Characters that may stand between groups of three digits, one of them throughout a number.
    """

    cell: Cell
    point: str
    marks: str

    def one(self, text: str) -> object:
        """Read one cell."""
        return self.cell.one(_plain(text, self.point, self.marks))

    def many(self, texts: pa.Array) -> Any:
        """Read a column."""
        import pyarrow.compute as pc

        if not pc.all(pc.match_substring_regex(texts, f"^(?:{_pattern(self.point, self.marks)})?$")).as_py():
            raise ValueError("not written as it is said")
        if self.marks:
            texts = pc.replace_substring_regex(texts, f"[{self.marks}]", "")
        return self.cell.many(pc.replace_substring(texts, self.point, ".") if self.point != "." else texts)

    def column(self, values: list[Any]) -> Any:
        """Make of single values what `many` returns."""
        return self.cell.column(values)


def _pattern(point: str, marks: str) -> str:
    whole = "|".join([*(GROUPED % re.escape(mark) for mark in marks), "[0-9]+"])
    return rf"[+-]?(?:{whole})?(?:{re.escape(point)}[0-9]*)?(?:[eE][+-]?[0-9]{{1,3}})?"


def _plain(text: str, point: str, marks: str) -> str:
    """Write a number as we do; empty text stays empty."""
    if text and re.fullmatch(_pattern(point, marks), text) is None:
        between = f" and {marks[0]!r} between thousands" if marks else ""
        raise ValueError(f"must be a number with {point!r} before its fraction{between}, got {text[:40]!r}")
    for mark in marks:
        text = text.replace(mark, "")
    return text.replace(point, ".")


PLAIN: Final = Dialect()
"""Nothing said: commas between fields, a point before a fraction, ISO dates; CSV, or the only sheet of a workbook."""
TEXT: Final = Dialect(text_only=True)
"""The same of CSV alone, as programs write it."""
