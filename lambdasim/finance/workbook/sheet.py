"""A worksheet that takes texts as texts, and ranges of it that formulas refer to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import Any, Final

from lambdasim.finance.guard import guarded

LAST_ROW: Final = 1_048_576
FORMATS: Final = {
    "title": {"bold": True, "font_size": 14},
    "head": {"bold": True, "bottom": 1, "text_wrap": True, "valign": "top"},
    "text": {},
    "total": {"bold": True, "top": 1},
    "money": {"num_format": "#,##0.00"},
    "money_total": {"num_format": "#,##0.00", "bold": True, "top": 1},
    "fine": {"num_format": "#,##0.000000"},
    "rate": {"num_format": "0.000000000000"},
    "whole": {"num_format": "#,##0"},
    "broken": {"num_format": "#,##0.000000"},
    "share": {"num_format": "0.0%"},
}


@dataclass(frozen=True)
class Page:
    """A worksheet that takes texts as texts only.

    Attributes
    ----------
    sheet : xlsxwriter worksheet
    formats : dict
    """

    sheet: Any
    formats: dict[str, Any]

    def text(self, row: int, column: int, text: str, look: str = "text") -> None:
        """Write a text, guarded."""
        self.sheet.write_string(row, column, guarded(text), self.formats[look])

    def number(self, row: int, column: int, value: Decimal | Fraction | int, look: str) -> None:
        """Write a number."""
        self.sheet.write_number(row, column, float(value), self.formats[look])

    def formula(
        self, row: int, column: int, formula: str, value: Decimal | Fraction | int, look: str
    ) -> None:
        """Write one of our own formulas, with the value that it will have."""
        self.sheet.write_formula(row, column, formula, self.formats[look], float(value))

    def head(self, row: int, names: Sequence[str], widths: Sequence[int]) -> None:
        """Write the head of a table."""
        for column, (name, width) in enumerate(zip(names, widths, strict=True)):
            self.text(row, column, name, "head")
            self.sheet.set_column(column, column, width)


@dataclass(frozen=True)
class Column:
    """A range of one column, and the cell below it that sums it.

    Attributes
    ----------
    sheet : str
    letter : str
    first, last : int
        Rows as Excel counts them; one row at least, which is the head where the table is empty.
    """

    sheet: str
    letter: str
    first: int
    last: int

    @property
    def sum_formula(self) -> str:
        """Formula that sums it."""
        return f"=SUM({self.letter}{self.first}:{self.letter}{self.last})"

    @property
    def total(self) -> str:
        """Reference to the sum from any sheet."""
        return f"'{self.sheet}'!{self.letter}{self.last + 1}"

    def where(self, other: str, wanted: str) -> str:
        """Return the formula that sums the rows whose column ``other`` has what stands in the cell ``wanted``.

        Not SUMIF, which may take a month such as 2026-11 for a date.
        """
        rows = [f"'{self.sheet}'!${x}${self.first}:${x}${self.last}" for x in (other, self.letter)]
        return f"=SUMPRODUCT(({rows[0]}={wanted})*{rows[1]})"


def letter(place: int) -> str:
    """Name a column; there are few."""
    return "ABCDEFGHIJKLMNOPQRSTUVWXYZ"[place]
