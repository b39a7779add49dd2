"""Timestamps as files write them, as microseconds since 1970: a column at once, or one with its fault."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from typing import TYPE_CHECKING, Final, Literal, get_args

import numpy as np

from lambdasim.specs.traffic import Dates
from lambdasim.traffic.readers.dates import read_date, read_dates, unsaid_date
from lambdasim.traffic.readers.numerals import integers
from lambdasim.units import to_epoch_us

if TYPE_CHECKING:
    import pyarrow as pa
    from numpy.typing import NDArray

EpochUnit = Literal["s", "ms", "us", "ns"]
Naive = Literal["utc"]

FIRST_YEAR: Final = 1970
LAST_YEAR: Final = 2200
_FIRST_US: Final = 0
_END_US: Final = to_epoch_us(datetime(LAST_YEAR + 1, 1, 1, tzinfo=UTC))
_UNITS_PER_S: Final[dict[str, int]] = {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}
_ISO: Final = re.compile(
    r"([0-9]{4})[-/]([0-9]{2})[-/]([0-9]{2})"
    r"(?:[T ]([0-9]{2})(?::([0-9]{2})(?::([0-9]{2})(?:\.([0-9]{1,9}))?)?)?)?"
    r"(Z|[+-][0-9]{2}(?::?[0-9]{2})?)?"
)
_NUMBER: Final = re.compile(r"[+-]?[0-9]{1,20}(?:\.[0-9]{0,20})?")
_WITHOUT_OFFSET: Final = (
    "must carry an offset from UTC such as Z; where it is UTC, say utc (utc: true, --utc, utc=True); got {!r}"
)
_ISO_FORM: Final = "an ISO 8601 time with its offset, such as 2026-11-01T00:00:00Z"


@dataclass(frozen=True)
class MomentRule:
    """How a file writes its timestamps.

    Attributes
    ----------
    unit : {"s", "ms", "us", "ns"} or None
        Unit of numbers since 1970; None where timestamps are ISO 8601 text.
    naive : {"utc"} or None
        What text without an offset means; None refuses it.
    dates : Dates
        How days are written; ISO 8601 is read beside.
    """

    unit: EpochUnit | None = None
    naive: Naive | None = None
    dates: Dates = Dates.ISO

    def __post_init__(self) -> None:
        if self.unit is not None and self.unit not in get_args(EpochUnit):
            raise ValueError(f"unit must be one of s, ms, us, ns, got {str(self.unit)[:40]!r}")
        if self.naive is not None and self.naive not in get_args(Naive):
            raise ValueError(f"naive must be 'utc' or left out, got {str(self.naive)[:40]!r}")

    def one(self, text: str) -> int:
        """Read one timestamp; digits beyond the microsecond are dropped.

        Parameters
        ----------
        text : str

        Returns
        -------
        int
            Time [µs since 1970, UTC].

        Raises
        ------
        ValueError
            With what is allowed, when the text is no such timestamp or lies outside the years 1970 to 2200.

        Examples
        --------
        >>> MomentRule().one("1970-01-01T01:00:00+01:00"), MomentRule(unit="ms").one("1500")
        (0, 1500000)
        """
        if self.unit is not None:
            moment_us = self._epoch(text, _UNITS_PER_S[self.unit])
        elif self.dates is Dates.ISO or _ISO.fullmatch(text) is not None:
            moment_us = self._iso(text)
        else:
            moment_us = self._said(text)
        if not _FIRST_US <= moment_us < _END_US:
            raise ValueError(f"must lie in the years {FIRST_YEAR} to {LAST_YEAR}, got {text[:40]!r}")
        return moment_us

    def many(self, texts: pa.Array) -> NDArray[np.int64]:
        """Read a column at once.

        Raises
        ------
        ValueError
            Without further detail, when any of them fails; `one` finds which and why.
        """
        if self.unit is not None:
            moments_us = self._epoch_column(texts)
        elif self.dates is Dates.ISO:
            moments_us = self._iso_column(texts)
        elif self.naive is None:
            raise ValueError("offsets, which only the exact way reads")
        else:
            moments_us = read_dates(texts, self.dates)
        if moments_us.size and not (moments_us.min() >= _FIRST_US and moments_us.max() < _END_US):
            raise ValueError("outside the years that are allowed")
        return moments_us

    def _iso(self, text: str) -> int:
        found = _ISO.fullmatch(text)
        if found is None:
            if _NUMBER.fullmatch(text):
                raise ValueError(
                    f"must be {_ISO_FORM}; for a number say its unit (s, ms, us or ns), got {text[:40]!r}"
                    f"{unsaid_date(text)}"
                )
            raise ValueError(f"must be {_ISO_FORM}, got {text[:40]!r}{unsaid_date(text)}")
        year, month, day, hour, minute, second = (int(part or 0) for part in found.groups()[:6])
        offset = found[8]
        if offset is None and self.naive is None:
            raise ValueError(_WITHOUT_OFFSET.format(text[:40]))
        fraction_us = int((found[7] or "")[:6].ljust(6, "0"))
        try:
            moment = datetime(year, month, day, hour, minute, second, fraction_us, tzinfo=_zone(offset))
            return to_epoch_us(moment)
        except (ValueError, OverflowError):
            raise ValueError(f"must be a date and time of the calendar, got {text[:40]!r}") from None

    def _said(self, text: str) -> int:
        written = read_date(text, self.dates)
        if not written.has_offset and self.naive is None:
            raise ValueError(_WITHOUT_OFFSET.format(text[:40]))
        return written.moment_us

    def _epoch(self, text: str, per_s: int) -> int:
        if _NUMBER.fullmatch(text) is None:
            raise ValueError(f"must be a number of {self.unit} since 1970, got {text[:40]!r}")
        amount = Decimal(text)
        return int(amount * 10**6 // per_s) if amount >= 0 else -1

    def _iso_column(self, texts: pa.Array) -> NDArray[np.int64]:
        import pyarrow as pa

        zones = (None, "UTC") if self.naive else ("UTC",)
        for unit, divisor in (("us", 1), ("ns", 1_000)):
            for zone in zones:
                try:
                    read = texts.cast(pa.timestamp(unit, tz=zone)).cast(pa.int64())
                except pa.ArrowInvalid:
                    continue
                return np.asarray(read, dtype=np.int64) // divisor
        raise ValueError("not one way of writing ISO 8601 throughout")

    def _epoch_column(self, texts: pa.Array) -> NDArray[np.int64]:
        numbers = integers(texts)
        if numbers is None:
            raise ValueError("not whole numbers throughout")
        if self.unit == "ns":
            return numbers // 1_000
        factor = 10**6 // _UNITS_PER_S[self.unit or "us"]
        if numbers.size and numbers.max() > _END_US // factor:
            raise ValueError("outside the years that are allowed")
        return numbers * factor


def _zone(offset: str | None) -> timezone:
    if offset is None or offset == "Z":
        return UTC
    digits = offset[1:].replace(":", "").ljust(4, "0")
    minutes = int(digits[:2]) * 60 + int(digits[2:])
    if int(digits[2:]) > 59:
        raise ValueError("minutes of an offset")
    return timezone(timedelta(minutes=-minutes if offset[0] == "-" else minutes))
