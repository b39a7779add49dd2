"""The forms in which every text writes things: paragraphs, names, lists, counts, shares and money, one form of each."""

from __future__ import annotations

import re
from collections.abc import Iterable
from decimal import Decimal
from fractions import Fraction
from math import isfinite, isinf, isnan
from textwrap import fill
from typing import Final

COLUMNS: Final = 80
"""Width of a terminal [characters]."""
NONE: Final = "–"
"""What stands where there is no number."""
UNPRINTABLE: Final = re.compile(
    "[\\x00-\\x08\\x0b-\\x1f\\x7f-\\x9f\\u061c\\u200e\\u200f\\u2028-\\u202e\\u2066-\\u2069\\ud800-\\udfff\\ufeff]"
)
"""What moves a terminal's cursor, turns the direction of text, or cannot be written as UTF-8."""
_DIGITS: Final = 3
_THOUSAND: Final = 1000
_CENT: Final = Fraction(1, 100)


def printable(text: str) -> str:
    r"""Escape what a text from outside may do to a terminal or to a reader's eyes.

    Every name, path or value that comes from a file passes here before it is shown; ``clipped``, ``wrapped`` and
    ``listed`` call it themselves.

    Parameters
    ----------
    text : str
        From anywhere. Tabs and line ends stay.

    Returns
    -------
    str
        The same with control characters, bidirectional controls and lone surrogates as ``\x1b`` or ``\u202e``.

    Examples
    --------
    >>> print(printable("memory_mb"), printable("a" + chr(27) + "[2J" + chr(0x202E)))
    memory_mb a\x1b[2J\u202e
    """
    return UNPRINTABLE.sub(lambda found: _escape(ord(found.group())), text)


def _escape(code: int) -> str:
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}"


def clipped(text: object, width: int = COLUMNS) -> str:
    """Shorten a text to a width, and show that it was cut.

    Parameters
    ----------
    text : object
        Text, or what ``str`` makes one of.
    width : int
        [characters].

    Examples
    --------
    >>> clipped("checkout", 20), clipped("checkout", 6)
    ('checkout', 'check…')
    """
    shown = printable(str(text)[: width + 1]).replace("\n", " ").replace("\t", " ")
    return shown if len(shown) <= width else f"{shown[: width - 1]}…"


def wrapped(text: str, first: str = "", then: str = "  ") -> str:
    """Wrap a paragraph to the columns of a terminal.

    Parameters
    ----------
    text : str
        One paragraph.
    first, then : str
        What begins its first line, and each of the others.
    """
    return fill(
        printable(text), width=COLUMNS, initial_indent=first, subsequent_indent=then, break_on_hyphens=False
    )


def listed(names: Iterable[str], most: int = 40, last: str = ", ") -> str:
    """Write names in a row, cut where there are many, with the number of those left out.

    Parameters
    ----------
    names : iterable of str
    most : int
        Names that are shown.
    last : str
        What stands before the last name where all are shown.

    Examples
    --------
    >>> listed(["a", "b", "c"], last=" and "), listed("abcdef", most=2)
    ('a, b and c', 'a, b and 4 more')
    """
    shown = [printable(name) for name in names]
    if len(shown) > most:
        return f"{', '.join(shown[:most])} and {len(shown) - most:,} more"
    return last.join([", ".join(shown[:-1]), shown[-1]]) if len(shown) > 1 else "".join(shown)


def count(number: float, noun: str = "", nouns: str = "") -> str:
    """Write a count with commas, and what is counted.

    Parameters
    ----------
    number : float
        Rounded to a whole number; NaN where there is none.
    noun : str
        What is counted, as for one; empty for the number alone.
    nouns : str
        As for several; ``noun`` and an s where it is empty.

    Examples
    --------
    >>> count(12_345), count(1, "event"), count(2, "retry", "retries"), count(float("nan"))
    ('12,345', '1 event', '2 retries', '–')
    """
    shown = f"{number:,.0f}" if isfinite(number) else NONE
    return f"{shown} {noun if shown == '1' else nouns or f'{noun}s'}" if noun else shown


def number(value: float) -> str:
    """Write a number that is no count: four digits, never an exponent.

    Parameters
    ----------
    value : float
        NaN where there is none.

    Examples
    --------
    >>> number(1e4), number(12.3456), number(0.0000123456), number(3.0), number(float("inf"))
    ('10,000', '12.35', '0.00001235', '3', '∞')
    """
    if isnan(value):
        return NONE
    if isinf(value):
        return "∞" if value > 0 else "-∞"
    if value == int(value) or abs(value) >= _THOUSAND:
        return f"{value:,.0f}"
    return f"{Decimal(f'{value:.4g}').normalize():f}"


def two_digits(value: float) -> str:
    """Format a rough figure: two significant digits below 10, a whole number from 10 up, never an exponent.

    Parameters
    ----------
    value : float
        NaN where there is none.

    Examples
    --------
    >>> two_digits(0.0123), two_digits(7.26), two_digits(1234.5), two_digits(float("nan"))
    ('0.012', '7.3', '1,234', '–')
    """
    if not isfinite(value):
        return NONE
    return count(value) if abs(value) >= 10 else f"{Decimal(f'{value:.2g}').normalize():f}"


def percent(share: float, places: int = 2, *, signed: bool = False) -> str:
    """Write a share in percent; what is not nothing never reads as nothing, nor what is not all as all.

    Parameters
    ----------
    share : float
        1 for the whole; NaN where there is none.
    places : int
        Decimals.
    signed : bool
        Show the sign of what is above 0 too, for a difference.

    Examples
    --------
    >>> percent(0.5573), percent(0.5573, 0), percent(0.00001), percent(0.99999), percent(float("nan"))
    ('55.73%', '56%', '<0.01%', '>99.99%', '–')
    >>> percent(0.021, 1, signed=True), percent(0)
    ('+2.1%', '0.00%')
    """
    if not isfinite(share):
        return NONE
    least = 10.0**-places
    shown = f"{100 * share:.{places}f}"
    if signed:
        return f"{100 * share + 0.0:+.{places}f}%" if float(shown) else f"{least * 0:.{places}f}%"
    if share > 0 and not float(shown):
        return f"<{least:.{places}f}%"
    if share < 1 and float(shown) == 100:
        return f">{100 - least:.{places}f}%"
    return f"{shown}%" if float(shown) else f"{0:.{places}f}%"


def points(difference: float, places: int = 2) -> str:
    """Write the difference of two shares in percentage points.

    Parameters
    ----------
    difference : float
        1 for the whole; NaN where there is none.
    places : int
        Decimals.

    Examples
    --------
    >>> points(0.021), points(-0.5), points(0.0), points(float("nan"))
    ('+2.10 points', '-50.00 points', '0.00 points', '–')
    """
    shown = percent(difference, places, signed=True)
    return shown if shown == NONE else f"{shown.removesuffix('%')} points"


def money(amount: Decimal | Fraction | float, currency: str = "USD", *, signed: bool = False) -> str:
    """Write an amount of money: two decimals, three significant digits below a cent, halves away from zero.

    Parameters
    ----------
    amount : Decimal or Fraction or float
        Rounded here alone; NaN where there is none.
    currency : str
        USD gets its sign, others their code.
    signed : bool
        Show the sign of what is above 0 too, for a difference.

    Examples
    --------
    >>> money(Decimal("1234.565")), money(Fraction(1, 3)), money(Decimal("0.00000020")), money(0)
    ('$1,234.57', '$0.33', '$0.0000002', '$0.00')
    >>> money(-1.5), money(2, signed=True), money(Decimal("1234.5"), "EUR"), money(float("nan"))
    ('-$1.50', '+$2.00', '1,234.50 EUR', '–')
    """
    if isinstance(amount, float) and not isfinite(amount):
        return NONE
    exact = Fraction(amount)
    digits = _digits(abs(exact))
    sign = "-" if exact < 0 else "+" if signed and exact > 0 else ""
    return f"{sign}${digits}" if currency == "USD" else f"{sign}{digits} {printable(currency)}"


def money_cell(amount: Decimal | Fraction | float, *, signed: bool = False) -> str:
    """Write an amount of USD for a column whose heading names the currency.

    Parameters
    ----------
    amount, signed
        As for ``money``.

    Examples
    --------
    >>> money_cell(1234.5), money_cell(-0.0000048, signed=True)
    ('1,234.50', '-0.0000048')
    """
    return money(amount, signed=signed).replace("$", "")


def _digits(amount: Fraction) -> str:
    """Write an amount of at least 0 without sign or currency."""
    decimals = 2
    if 0 < amount < _CENT:
        decimals = _DIGITS - 1 - _exponent(amount)
    scaled = int(amount * 10**decimals + Fraction(1, 2))
    whole, part = divmod(scaled, 10**decimals)
    shown = f"{part:0{decimals}d}"
    return f"{whole:,}.{shown[:2]}{shown[2:].rstrip('0')}"


def _exponent(amount: Fraction) -> int:
    """Return the power of ten of the first digit of an amount below 1."""
    power = -1
    while amount * 10**-power < 1:
        power -= 1
    return power
