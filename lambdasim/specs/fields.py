"""Types of single fields: exact numbers, durations with their unit, and bounds that the catalog gives."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Annotated, Any, Final

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BeforeValidator,
    Field,
    GetCoreSchemaHandler,
    GetJsonSchemaHandler,
    PlainSerializer,
    Strict,
    WithJsonSchema,
)
from pydantic_core import CoreSchema, core_schema

from lambdasim.catalog import Fact, limit
from lambdasim.specs.base import Refused, fault
from lambdasim.specs.faults import shown
from lambdasim.units import DURATION_FORM, US_PER_DAY, format_duration, parse_duration_us
from lambdasim.wording import UNPRINTABLE

LONGEST_US: Final = 36_600 * US_PER_DAY
LONGEST_SCENARIO_US: Final = 3_660 * US_PER_DAY
FIRST_YEAR: Final = 1970
LAST_YEAR: Final = 2200
_ISO_DATE: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_LEAST: Final = 1e-15
_LONGEST_TEXT: Final = 4096
DURATION_PATTERN: Final = r"^\s*[0-9]{1,15}(\.[0-9]{1,9})?\s*(us|µs|ms|min|s|m|h|d|w)\s*$"


def _without_controls(value: str) -> str:
    if UNPRINTABLE.search(value):
        raise fault(f"must be text without control characters, got {shown(value)}")
    if len(value) > _LONGEST_TEXT:
        raise fault(f"must have at most {_LONGEST_TEXT} characters, got {len(value)}")
    return value


def _not_vanishing(value: float) -> float:
    if value < _LEAST:
        raise fault(f"must be at least {_LEAST}, got {value}")
    return value


Whole = Annotated[int, Strict()]
Real = Annotated[float, Strict(), AfterValidator(lambda value: value + 0.0)]
Flag = Annotated[bool, Strict()]
Text = Annotated[str, Strict(), AfterValidator(_without_controls)]
NotNegative = Annotated[Real, Field(ge=0, le=1e15)]
Positive = Annotated[Real, Field(gt=0, le=1e15), AfterValidator(_not_vanishing)]
Share = Annotated[Real, Field(ge=0, le=1)]
Factor = Annotated[Real, Field(ge=0, le=1e6)]
Rate = Annotated[Real, Field(ge=0, le=1e7)]


def duration_us(value: object) -> int:
    """Read a duration: text with its unit, or whole microseconds.

    Parameters
    ----------
    value : str or int
        Such as ``30s``; whole microseconds under the attribute's own name.

    Returns
    -------
    int
        Duration [µs].
    """
    if isinstance(value, Refused):
        raise fault(value.text)
    if isinstance(value, bool) or not isinstance(value, str | int):
        raise fault(f"must be {DURATION_FORM}, got {shown(value)}")
    try:
        amount_us = parse_duration_us(value) if isinstance(value, str) else value
    except ValueError as error:
        raise fault(str(error)) from None
    if not 0 <= amount_us <= LONGEST_US:
        raise fault(f"must be between 0 and {format_duration(LONGEST_US)}, got {shown(value)}")
    return amount_us


def positive_us(value: int) -> int:
    """Refuse a duration of zero."""
    if value == 0:
        raise fault("must be longer than 0, got 0")
    return value


def _tabulated(value: int) -> int:
    """Refuse what tables with a row for each minute would not hold."""
    if value > LONGEST_SCENARIO_US:
        longest = format_duration(LONGEST_SCENARIO_US)
        raise fault(f"must be at most {longest}, got {format_duration(value)}")
    return value


def _written_moment(value: object) -> object:
    if isinstance(value, datetime):
        return value
    if not isinstance(value, str) or not _ISO_DATE.match(value):
        raise fault(
            f"must be a moment with an offset from UTC, such as 2026-11-01T00:00:00Z, got {shown(value)}"
        )
    return value


def _within_calendar(value: datetime) -> datetime:
    if not FIRST_YEAR < value.year < LAST_YEAR:
        raise fault(f"must lie between the years {FIRST_YEAR} and {LAST_YEAR}, got {value.year}")
    return value


def _written_day(value: object) -> object:
    if value is None or isinstance(value, date) or (isinstance(value, str) and _ISO_DATE.match(value)):
        return value
    raise fault(f"must be a date, such as 2026-11-01, got {shown(value)}")


Moment = Annotated[AwareDatetime, BeforeValidator(_written_moment), AfterValidator(_within_calendar)]
Day = Annotated[date, BeforeValidator(_written_day)]

Duration = Annotated[
    int,
    BeforeValidator(duration_us, json_schema_input_type=str),
    PlainSerializer(format_duration, return_type=str),
    WithJsonSchema({"type": "string", "pattern": DURATION_PATTERN, "examples": ["30s", "1.5h"]}),
]
PositiveDuration = Annotated[Duration, AfterValidator(positive_us)]
ScenarioLength = Annotated[PositiveDuration, AfterValidator(_tabulated)]


@dataclass(frozen=True)
class Within:
    """Bounds that the catalog gives, for whole numbers in the fact's unit or for durations.

    Attributes
    ----------
    low : str or None
        Name of a limit; None where zero is the lowest.
    high : str or None
        Name of a limit; None where there is no highest.
    """

    low: str | None = None
    high: str | None = None

    def check(self, value: int | float) -> int | float:
        """Return the value if it lies within the bounds."""
        return self._check(value, lambda fact: fact.value)

    def _check(self, value: int | float, size: Callable[[Fact], int]) -> int | float:
        low = None if self.low is None else limit(self.low)
        high = None if self.high is None else limit(self.high)
        if value < (0 if low is None else size(low)) or (high is not None and value > size(high)):
            raise fault(self._text(value, low, high, size))
        return value

    def _text(
        self, value: int | float, low: Fact | None, high: Fact | None, size: Callable[[Fact], int]
    ) -> str:
        named = high or low
        assert named is not None  # noqa: S101 - a bound without a limit has nothing to say
        floor = 0 if low is None else low.value
        allowed = f"at least {floor}" if high is None else f"between {floor} and {high.value}"
        got = shown(value) if size(named) == named.value else format_duration(int(value))
        return f"must be {allowed} {named.unit}, got {got} ({named.citation()})"


@dataclass(frozen=True)
class Limited(Within):
    """Catalog bounds as an annotation of a numeric field."""

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        """Check after the field's own type."""
        return core_schema.no_info_after_validator_function(self.check, handler(source))

    def __get_pydantic_json_schema__(
        self, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        """Show the bounds in the JSON Schema."""
        shape = handler(schema)
        shape["minimum"] = 0 if self.low is None else limit(self.low).value
        if self.high is not None:
            shape["maximum"] = limit(self.high).value
        return shape
