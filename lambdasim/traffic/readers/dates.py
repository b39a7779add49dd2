"""Dates as people and spreadsheets write them, read as they are said to be written and never guessed."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date
from decimal import ROUND_HALF_EVEN, Decimal
from typing import TYPE_CHECKING, Final

import numpy as np

from lambdasim.specs.traffic import Dates
from lambdasim.traffic.readers.said import said_with
from lambdasim.units import US_PER_DAY, US_PER_HOUR, US_PER_MINUTE, US_PER_MS, US_PER_S

if TYPE_CHECKING:
    import pyarrow as pa
    from numpy.typing import NDArray

_CENTURY: Final = 2000
_EPOCH: Final = date(1970, 1, 1)
_SERIAL_EPOCH_DAYS: Final = 25_569
"""1 January 1970 in Excel's serial dates of the 1900 system, which count as if from 30 December 1899."""
_SERIAL: Final = re.compile(r"[0-9]{1,7}(?:[.,][0-9]{1,20})?")
_CLOCK: Final = (
    r"(?:,?[ T]+(?P<hour>[0-9]{1,2}):(?P<minute>[0-9]{2})(?::(?P<second>[0-9]{2})(?:[.,](?P<fraction>[0-9]{1,9}))?)?"
    r"(?:\s?(?P<half>[AaPp])\.?[Mm]\.?)?(?:\s?(?P<offset>Z|UTC|[+-][0-9]{2}:?[0-9]{2}))?)?"
)
_PARTS: Final = (
    r"(?P<first>[0-9]{1,2})(?P<mark>[/.-])(?P<other>[0-9]{1,2})(?P<again>[/.-])(?P<year>[0-9]{4}|[0-9]{2})"
)
_WRITTEN: Final = _PARTS + _CLOCK
_PATTERN: Final = re.compile(_WRITTEN)
_FORMS: Final = {
    Dates.US: ("month/day/year, such as 11/30/2026 1:05 PM", "/-"),
    Dates.BRITISH: ("day/month/year, such as 30/11/2026 13:05", "/-"),
    Dates.GERMAN: ("day.month.year, such as 30.11.2026 13:05", "."),
}
_EXCEL_FORM: Final = "a serial date of a spreadsheet, such as 46356.5"
_MONTHS: Final = (
    "January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November",
    "December",
)  # fmt: skip


@dataclass(frozen=True)
class Written:
    """One moment as it is written.

    Attributes
    ----------
    moment_us : int
        As if it were UTC [µs since 1970].
    has_offset : bool
        Whether its offset from UTC is written, and taken off.
    """

    moment_us: int
    has_offset: bool


def read_date(text: str, dates: Dates) -> Written:
    """Read a date, with or without a time of day, that is written as it is said.

    Parameters
    ----------
    text : str
    dates : Dates
        Not ISO.

    Raises
    ------
    ValueError
        With what is allowed, when it is written in another way or not in the calendar.

    Examples
    --------
    >>> read_date("3/4/2026 1:00 PM", Dates.US).moment_us == read_date("04.03.2026 13:00", Dates.GERMAN).moment_us
    True
    >>> read_date("25569.5", Dates.EXCEL).moment_us // US_PER_HOUR
    12
    """
    if dates is Dates.EXCEL:
        if _SERIAL.fullmatch(text) is None:
            raise ValueError(f"must be {_EXCEL_FORM}, got {text[:40]!r}")
        days = Decimal(text.replace(",", ".")) - _SERIAL_EPOCH_DAYS
        ms = (days * (US_PER_DAY // US_PER_MS)).to_integral_value(ROUND_HALF_EVEN)
        return Written(int(ms) * US_PER_MS, has_offset=False)
    form, marks = _FORMS[dates]
    found = _PATTERN.fullmatch(text)
    if found is None or found["mark"] not in marks or found["again"] != found["mark"]:
        raise ValueError(f"must be {form}, got {text[:40]!r}")
    first, second = int(found["first"]), int(found["other"])
    month, day = (first, second) if dates is Dates.US else (second, first)
    year = int(found["year"]) if len(found["year"]) == 4 else _CENTURY + int(found["year"])
    try:
        days_since = (date(year, month, day) - _EPOCH).days
    except ValueError:
        raise ValueError(f"must be a day of the calendar as {form}, got {text[:40]!r}") from None
    hour, minute, seconds = (int(found[part] or 0) for part in ("hour", "minute", "second"))
    if found["half"]:
        if not 1 <= hour <= 12:
            raise ValueError(f"must have an hour from 1 to 12 before AM or PM, got {text[:40]!r}")
        hour = hour % 12 + (12 if found["half"] in "pP" else 0)
    if hour > 23 or minute > 59 or seconds > 59:
        raise ValueError(f"must be a time of the day, got {text[:40]!r}")
    fraction_us = int((found["fraction"] or "")[:6].ljust(6, "0"))
    clock_us = hour * US_PER_HOUR + minute * US_PER_MINUTE + seconds * US_PER_S + fraction_us
    return Written(
        days_since * US_PER_DAY + clock_us - _offset_us(found["offset"]), found["offset"] is not None
    )


def read_dates(texts: pa.Array, dates: Dates) -> NDArray[np.int64]:
    """Read a column of dates without offsets, each different text once.

    Parameters
    ----------
    texts : pyarrow.Array of string
    dates : Dates
        Not ISO.

    Returns
    -------
    ndarray of int64, shape (n,)
        As if UTC [µs since 1970].

    Raises
    ------
    ValueError
        When any of them fails, or has an offset.
    """
    import pyarrow.compute as pc

    coded = pc.dictionary_encode(texts)
    moments = [read_date(text, dates) for text in coded.dictionary.to_pylist()]
    if any(moment.has_offset for moment in moments):
        raise ValueError("has offsets")
    values = np.array([moment.moment_us for moment in moments], dtype=np.int64)
    return values[np.asarray(coded.indices, dtype=np.int64)] if len(texts) else values


def unsaid_date(text: str) -> str:
    """Say how a text would be a date if that were said, with both readings where there are two; empty where none.

    Examples
    --------
    >>> unsaid_date("03/04/2026")
    ': 4 March 2026 with dates: us (--dates us), or 3 April 2026 with dates: british (--dates british)'
    >>> unsaid_date("30.11.2026"), unsaid_date("yesterday")
    (': 30 November 2026 with dates: german (--dates german)', '')
    """
    if _SERIAL.fullmatch(text) and 20_000 <= float(text.replace(",", ".")) < 120_000:
        return f", or {said_with('dates', 'excel')} where it is a serial date of a spreadsheet"
    readings = []
    for dates in _FORMS:
        try:
            day_us = read_date(text, dates).moment_us
        except ValueError:
            continue
        found = _EPOCH.fromordinal(_EPOCH.toordinal() + day_us // US_PER_DAY)
        readings.append(
            f"{found.day} {_MONTHS[found.month - 1]} {found.year} with {said_with('dates', dates.value)}"
        )
    return f": {', or '.join(readings)}" if readings else ""


def _offset_us(text: str | None) -> int:
    if text is None or text in ("Z", "UTC"):
        return 0
    digits = text[1:].replace(":", "")
    offset_us = int(digits[:2]) * US_PER_HOUR + int(digits[2:]) * US_PER_MINUTE
    return -offset_us if text[0] == "-" else offset_us
