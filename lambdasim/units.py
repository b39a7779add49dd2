"""Units at the boundary: durations and sizes as users write them, integers inside.

Time inside is int64 microseconds (``_us``); ``_ms`` and ``_s`` appear only where people read or write.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Final

US_PER_MS: Final = 1_000
MS_PER_S: Final = 1_000
US_PER_S: Final = 1_000_000
US_PER_MINUTE: Final = 60 * US_PER_S
US_PER_HOUR: Final = 60 * US_PER_MINUTE
US_PER_DAY: Final = 24 * US_PER_HOUR
MB_PER_GB: Final = 1024

_UNIT_US: Final = {
    "us": 1,
    "µs": 1,
    "ms": US_PER_MS,
    "s": US_PER_S,
    "min": US_PER_MINUTE,
    "m": US_PER_MINUTE,
    "h": US_PER_HOUR,
    "d": US_PER_DAY,
    "w": 7 * US_PER_DAY,
}
_DURATION: Final = re.compile(r"\s*([0-9]{1,15}(?:\.[0-9]{1,9})?)\s*(us|µs|ms|min|s|m|h|d|w)\s*")
DURATION_FORM: Final = "a number with a unit: us, ms, s, min, h, d or w, such as 250ms, 30s, 1.5h or 30d"
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


def parse_duration_us(text: str) -> int:
    """Read a duration with its unit.

    Parameters
    ----------
    text : str
        Number and unit, such as ``250ms``, ``30s``, ``15min``, ``1.5h``, ``30d``.

    Returns
    -------
    int
        Duration [µs].

    Raises
    ------
    ValueError
        When the text is not a number with a known unit, or is not a whole number of microseconds.

    Examples
    --------
    >>> parse_duration_us("1.5s"), parse_duration_us("30d")
    (1500000, 2592000000000)
    """
    found = _DURATION.fullmatch(text)
    if found is None:
        raise ValueError(f"must be {DURATION_FORM}, got {text[:40]!r}")
    whole, _, fraction = found[1].partition(".")
    scale: int = 10 ** len(fraction)
    amount_us, rest = divmod(int(whole + fraction) * _UNIT_US[found[2]], scale)
    if rest:
        raise ValueError(f"must be a whole number of microseconds, got {text[:40]!r}")
    return amount_us


def format_duration(amount_us: int) -> str:
    """Write a duration in the largest unit that keeps it whole.

    Examples
    --------
    >>> format_duration(1_500_000), format_duration(86_400_000_000)
    ('1500ms', '1d')
    """
    for unit in ("d", "h", "min", "s", "ms"):
        if amount_us and amount_us % _UNIT_US[unit] == 0:
            return f"{amount_us // _UNIT_US[unit]}{unit}"
    return f"{amount_us}us"


def to_epoch_us(moment: datetime) -> int:
    """Convert an aware moment to microseconds since 1970 in UTC, exactly.

    Raises
    ------
    ValueError
        When the moment has no offset from UTC.
    """
    if moment.tzinfo is None:
        raise ValueError(
            f"must carry an offset from UTC, such as 2026-11-01T00:00:00Z, got {moment.isoformat()}"
        )
    return (moment - _EPOCH) // timedelta(microseconds=1)


def from_epoch_us(epoch_us: int) -> datetime:
    """Convert microseconds since 1970 to an aware moment in UTC, exactly."""
    return _EPOCH + timedelta(microseconds=epoch_us)


def timestamps(start_us: int, length: int, step_us: int) -> list[str]:
    """Write moments at equal steps as ISO 8601 in UTC.

    Parameters
    ----------
    start_us : int
        The first [µs since 1970].
    length : int
        How many.
    step_us : int
        [µs].

    Returns
    -------
    list of str
        With a fraction of a second only where there is one.

    Examples
    --------
    >>> timestamps(0, 2, US_PER_HOUR)
    ['1970-01-01T00:00:00Z', '1970-01-01T01:00:00Z']
    """
    moments = (from_epoch_us(start_us + step * step_us) for step in range(length))
    return [moment.isoformat().replace("+00:00", "Z") for moment in moments]


def month_ends_us(start_us: int) -> Iterator[int]:
    """Give the ends of months, midnight UTC, after a moment, without end.

    Parameters
    ----------
    start_us : int
        [µs since 1970].

    Examples
    --------
    >>> from itertools import islice
    >>> ends = islice(month_ends_us(to_epoch_us(datetime(2026, 11, 30, 12, tzinfo=UTC))), 2)
    >>> [f"{from_epoch_us(end):%Y-%m-%d}" for end in ends]
    ['2026-12-01', '2027-01-01']
    """
    moment = from_epoch_us(start_us)
    for month in count(moment.year * 12 + moment.month):
        yield to_epoch_us(datetime(month // 12, month % 12 + 1, 1, tzinfo=UTC))
