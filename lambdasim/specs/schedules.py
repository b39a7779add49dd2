"""Schedules as EventBridge writes them: ``cron(0 8 ? * MON-FRI *)`` and ``rate(5 minutes)``.

Times are UTC unless a time zone follows, as EventBridge Scheduler has it: ``cron(0 8 ? * MON-FRI *) Europe/Berlin``.

References
----------
Amazon EventBridge User Guide, Using cron and rate expressions (docs.aws.amazon.com/eventbridge/latest/userguide/
eb-scheduled-rule-pattern), seen 2026-11. EventBridge Scheduler User Guide, Schedule types, daylight saving time
(docs.aws.amazon.com/scheduler/latest/UserGuide/schedule-types): a time that spring leaves out is skipped, one that autumn
repeats comes once; general knowledge, not read again.
"""

from __future__ import annotations

import re
from calendar import monthrange
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Annotated, Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, Strict

from lambdasim.specs.base import fault
from lambdasim.units import US_PER_DAY, US_PER_HOUR, US_PER_MINUTE, from_epoch_us, to_epoch_us

_MONTH_NAMES: Final = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
_DAY_NAMES: Final = ("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT")
_UNITS: Final = {"minute": US_PER_MINUTE, "hour": US_PER_HOUR, "day": US_PER_DAY}
_RATE: Final = re.compile(r"rate\(([0-9]{1,9}) (minute|hour|day)(s?)\)")
_CRON: Final = re.compile(r"cron\(([^()]{1,200})\)")
_ITEM: Final = re.compile(r"(\*|[A-Z0-9]{1,4})(?:-([A-Z0-9]{1,4}))?(?:/([0-9]{1,4}))?")
_ZONED: Final = re.compile(r"(.*\)) +([A-Za-z0-9_+/-]{1,50})")
_SECOND_DAY, _LAST_DAY, _A_DAY = date(1, 1, 2), date(9999, 12, 30), timedelta(days=1)
UTC_NAMES: Final = ("UTC", "ETC/UTC", "GMT")
_SATURDAY: Final = 5
FORMS: Final = (
    "rate(5 minutes) or cron(minutes hours day-of-month month day-of-week year), with a time zone or UTC"
)


@dataclass(frozen=True)
class _Field:
    """One field of a cron expression: its name, its range, and the words it knows."""

    name: str
    low: int
    high: int
    words: tuple[str, ...] = ()

    def values(self, text: str) -> frozenset[int]:
        """Read a list of numbers, ranges and steps.

        Raises
        ------
        ValueError
            Naming the field, the value and what is allowed.
        """
        return frozenset(value for item in text.split(",") for value in self._item(item))

    def _item(self, item: str) -> range:
        match = _ITEM.fullmatch(item)
        if match is None:
            raise self._refused(item)
        first, last, step = match.groups()
        low = self.low if first == "*" else self.number(first, item)
        open_ended = first == "*" or step is not None
        high = self.number(last, item) if last is not None else self.high if open_ended else low
        if high < low or (first == "*" and last is not None) or (step is not None and int(step) == 0):
            raise self._refused(item)
        return range(low, high + 1, int(step or 1))

    def number(self, text: str, item: str) -> int:
        """Read one number or word."""
        named = self.words.index(text) + 1 if text in self.words else -1
        value = int(text) if text.isdigit() else named
        if not self.low <= value <= self.high:
            raise self._refused(item)
        return value

    def _refused(self, item: str) -> ValueError:
        return ValueError(f"{self.name} must be within {self.low}-{self.high}, got {item[:20]!r}")


_MINUTE: Final = _Field("minutes", 0, 59)
_HOUR: Final = _Field("hours", 0, 23)
_DAY: Final = _Field("day-of-month", 1, 31)
_MONTH: Final = _Field("month", 1, 12, _MONTH_NAMES)
_WEEKDAY: Final = _Field("day-of-week", 1, 7, _DAY_NAMES)
_YEAR: Final = _Field("year", 1970, 2199)


@dataclass(frozen=True)
class RateSchedule:
    """Every so often from the beginning.

    Attributes
    ----------
    interval_us : int
        Time between two events [µs].
    """

    interval_us: int

    def times_us(self, start_us: int, stop_us: int) -> Iterator[int]:
        """Give the moments from `start_us`, which is the first, to before `stop_us` [µs since 1970]."""
        yield from range(start_us, stop_us, self.interval_us)


@dataclass(frozen=True)
class CronSchedule:
    """At given minutes of given days.

    Attributes
    ----------
    minutes, hours, months, years : frozenset of int
    day_of_month : str
        As written: ``?``, numbers, ``L`` (last day) or such as ``15W`` (nearest weekday).
    day_of_week : str
        As written: ``?``, days (1 is Sunday), such as ``6L`` (last Friday) or ``2#1`` (first Monday).
    zone : ZoneInfo or None
        Whose clock it follows; None for UTC.
    """

    minutes: frozenset[int]
    hours: frozenset[int]
    day_of_month: str
    months: frozenset[int]
    day_of_week: str
    years: frozenset[int]
    zone: ZoneInfo | None = None

    @classmethod
    def parse(cls, text: str, zone: ZoneInfo | None = None) -> CronSchedule:
        """Read the six fields.

        Raises
        ------
        ValueError
            Naming the field, the value and what is allowed.
        """
        fields = text.upper().split()
        if len(fields) != 6:
            raise ValueError(f"needs six fields, {FORMS}, got {len(fields)}")
        minutes, hours, day_of_month, months, day_of_week, years = fields
        if (day_of_month == "?") == (day_of_week == "?"):
            raise ValueError("needs ? in exactly one of day-of-month and day-of-week")
        cron = cls(
            _MINUTE.values(minutes),
            _HOUR.values(hours),
            day_of_month,
            _MONTH.values(months),
            day_of_week,
            _YEAR.values(years),
            zone,
        )
        cron._days(2000, 1)
        return cron

    def times_us(self, start_us: int, stop_us: int) -> Iterator[int]:
        """Give the moments from `start_us` to before `stop_us` [µs since 1970]."""
        times = [
            timedelta(hours=hour, minutes=minute)
            for hour in sorted(self.hours)
            for minute in sorted(self.minutes)
        ]
        first, last = from_epoch_us(start_us).date(), from_epoch_us(max(stop_us - 1, start_us)).date()
        if self.zone is not None:
            # Its days begin up to a day before or after those of UTC.
            first, last = max(first, _SECOND_DAY) - _A_DAY, min(last, _LAST_DAY) + _A_DAY
        for year in range(first.year, last.year + 1):
            for month in sorted(self.months) if year in self.years else ():
                if (first.year, first.month) <= (year, month) <= (last.year, last.month):
                    for day in sorted(self._days(year, month)):
                        midnight = datetime(year, month, day, tzinfo=UTC)
                        for time in times:
                            moment = self._in_utc(midnight + time)
                            if moment is not None and start_us <= to_epoch_us(moment) < stop_us:
                                yield to_epoch_us(moment)

    def _in_utc(self, clock: datetime) -> datetime | None:
        """Return the moment at which the zone's clock first shows a time; None where it never does."""
        if self.zone is None:
            return clock
        local = clock.replace(tzinfo=self.zone)
        moment = local.astimezone(UTC)
        return (
            moment
            if moment.astimezone(self.zone).replace(tzinfo=None) == local.replace(tzinfo=None)
            else None
        )

    def _days(self, year: int, month: int) -> set[int]:
        """Give the days of a month on which the schedule runs."""
        length = monthrange(year, month)[1]
        if self.day_of_week != "?":
            return {
                day for item in self.day_of_week.split(",") for day in _weekdays(item, year, month, length)
            }
        return {
            day for item in self.day_of_month.split(",") for day in _month_days(item, year, month, length)
        }


def _weekdays(item: str, year: int, month: int, length: int) -> set[int]:
    """Give the days of a month that fall on the weekdays of one item."""
    name, hash_sign, nth = item.partition("#")
    last = name.endswith("L") and name != "L" and not hash_sign
    wanted = _WEEKDAY.values("7" if name == "L" else name[:-1] if last else name)
    days = {day for day in range(1, length + 1) if date(year, month, day).isoweekday() % 7 + 1 in wanted}
    if hash_sign:
        if len(wanted) != 1 or nth not in ("1", "2", "3", "4", "5"):
            raise ValueError(f"day-of-week must look like 2#1 to 2#5, got {item[:20]!r}")
        return {day for day in days if (day - 1) // 7 == int(nth) - 1}
    return {max(days)} if last else days


def _month_days(item: str, year: int, month: int, length: int) -> set[int]:
    """Give the days of a month that one item of day-of-month means."""
    if item == "L":
        return {length}
    if item.endswith("W"):
        wanted = length if item == "LW" else min(_DAY.number(item[:-1], item), length)
        return {_nearest_weekday(date(year, month, wanted), length)}
    return {day for day in _DAY.values(item) if day <= length}


def _nearest_weekday(day: date, length: int) -> int:
    """Give the day of the month, Monday to Friday, that is nearest without leaving the month."""
    beyond = day.weekday() - _SATURDAY
    if beyond < 0:
        return day.day
    if beyond == 0:
        return day.day - 1 if day.day > 1 else day.day + 2
    return day.day + 1 if day.day < length else day.day - 2


def parse_schedule(text: str) -> RateSchedule | CronSchedule:
    """Read a schedule expression.

    Parameters
    ----------
    text : str
        As EventBridge writes it; with a time zone behind it where its clock is not UTC, which moves no ``rate``.

    Raises
    ------
    ValueError
        Saying what is allowed.

    Examples
    --------
    >>> from datetime import UTC, datetime
    >>> from lambdasim.units import from_epoch_us, to_epoch_us
    >>> start = to_epoch_us(datetime(2026, 11, 6, tzinfo=UTC))
    >>> workdays = parse_schedule("cron(30 8 ? * MON-FRI *)")
    >>> [f"{from_epoch_us(t):%a %d %H:%M}" for t in workdays.times_us(start, start + 5 * 86_400_000_000)]
    ['Fri 06 08:30', 'Mon 09 08:30', 'Tue 10 08:30']
    >>> berlin = parse_schedule("cron(30 8 ? * MON-FRI *) Europe/Berlin")
    >>> [f"{from_epoch_us(t):%a %d %H:%M}" for t in berlin.times_us(start, start + 4 * 86_400_000_000)]
    ['Fri 06 07:30', 'Mon 09 07:30']
    """
    whole, zone = text, None
    if match := _ZONED.fullmatch(text):
        text, zone = match[1], _zone(match[2])
    if match := _RATE.fullmatch(text):
        count, unit, plural = int(match[1]), match[2], match[3]
        if count == 0 or (count == 1) == bool(plural):
            raise ValueError(f"must look like rate(1 minute) or rate(5 minutes), got {text[:40]!r}")
        return RateSchedule(count * _UNITS[unit])
    if match := _CRON.fullmatch(text):
        return CronSchedule.parse(match[1], zone)
    raise ValueError(f"must be {FORMS}, got {whole[:40]!r}")


def _zone(name: str) -> ZoneInfo | None:
    """Return a time zone; None for UTC, which needs no tables."""
    if name.upper() in UTC_NAMES:
        return None
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ValueError(f"must end in a time zone such as Europe/Berlin, got {name[:40]!r}") from None


def _schedule_text(value: str) -> str:
    try:
        parse_schedule(value)
    except ValueError as error:
        raise fault(str(error)) from None
    return value


ScheduleText = Annotated[str, Strict(), AfterValidator(_schedule_text)]
