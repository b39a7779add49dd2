"""How events arrive: a law, a schedule, or a recorded trace."""

from __future__ import annotations

from collections.abc import Iterator
from enum import StrEnum
from typing import Annotated, Any, Final

from pydantic import Field, field_validator

from lambdasim.specs.base import CrossFault, Spec
from lambdasim.specs.fields import Day, Duration, Factor, Flag, Positive, PositiveDuration, Rate, Text
from lambdasim.specs.laws import Law
from lambdasim.specs.schedules import ScheduleText


class TraceFormat(StrEnum):
    """How a trace is written."""

    AUTO = "auto"
    CSV_EVENTS = "csv_events"
    CSV_COUNTS = "csv_counts"
    REPORT_LOGS = "report_logs"
    INSIGHTS = "insights"
    METRIC_DATA = "metric_data"
    AZURE_2019 = "azure_2019"
    AZURE_2021 = "azure_2021"


class OnBadRow(StrEnum):
    """What happens to a row of a trace that cannot be accepted."""

    ERROR = "error"
    SKIP = "skip"


class TimestampUnit(StrEnum):
    """How a trace writes time."""

    ISO = "iso"
    ISO_UTC = "iso_utc"
    S = "s"
    MS = "ms"
    US = "us"
    NS = "ns"


class Separator(StrEnum):
    """What stands between the fields of a table."""

    COMMA = "comma"
    SEMICOLON = "semicolon"
    TAB = "tab"
    BAR = "bar"


class DecimalMark(StrEnum):
    """What stands before the fraction of a number."""

    POINT = "point"
    COMMA = "comma"


class Thousands(StrEnum):
    """What stands between groups of three digits of a number."""

    COMMA = "comma"
    POINT = "point"
    SPACE = "space"
    APOSTROPHE = "apostrophe"


class Dates(StrEnum):
    """How a table writes days."""

    ISO = "iso"
    US = "us"
    BRITISH = "british"
    GERMAN = "german"
    EXCEL = "excel"


class Align(StrEnum):
    """How a trace is moved to the scenario's time.

    ``weekday``: not at all where the trace covers the scenario's days; otherwise by whole weeks, so that a longer trace
    lends its latest days. ``start``: its first row comes at the scenario's start. ``none``: as recorded.
    """

    WEEKDAY = "weekday"
    START = "start"
    NONE = "none"


class ConstantTraffic(Spec):
    """Evenly spaced events."""

    rate_per_s: Rate
    """Events per second."""


class PoissonTraffic(Spec):
    """Independent events, with an optional daily and weekly shape."""

    rate_per_s: Rate
    """Mean events per second over a week."""
    daily: Annotated[tuple[Factor, ...], Field(min_length=24, max_length=24)] | None = None
    """Relative rate by hour of the day in UTC, 24 numbers."""
    weekly: Annotated[tuple[Factor, ...], Field(min_length=7, max_length=7)] | None = None
    """Relative rate by day, Monday first, 7 numbers."""

    def cross_faults(self) -> Iterator[CrossFault]:
        """Want a shape that is not zero everywhere."""
        for name in ("daily", "weekly"):
            values = getattr(self, name)
            if values is not None and not any(values):
                yield CrossFault((name,), "must have a number above 0")


class BurstyTraffic(Spec):
    """A Markov-modulated Poisson process: the rate moves through its states in turn."""

    rates_per_s: Annotated[tuple[Rate, ...], Field(min_length=2, max_length=100)]
    """Events per second in each state."""
    mean_sojourns_us: Annotated[tuple[PositiveDuration, ...], Field(min_length=2, max_length=100)] = Field(
        alias="mean_sojourns"
    )
    """Mean time in each state, exponentially distributed."""

    def cross_faults(self) -> Iterator[CrossFault]:
        """Want one sojourn for each rate."""
        if len(self.rates_per_s) != len(self.mean_sojourns_us):
            yield CrossFault(
                ("mean_sojourns",), f"must have {len(self.rates_per_s)} items, one for each rate"
            )


class RenewalTraffic(Spec):
    """Independent gaps of a given law."""

    gap_ms: Law
    """Time between events [ms]."""


class Overlay(Spec):
    """A change of the rate."""

    at_us: Duration = Field(alias="at")
    """When it begins, after the scenario's start."""
    duration_us: PositiveDuration = Field(alias="duration")
    """How long it holds, or how long it grows."""
    factor: Factor
    """By what the rate is multiplied."""


SOURCES: Final = ("trace", "constant", "poisson", "bursty", "renewal", "schedule")
"""Where traffic may come from: one of these keys."""


class TrafficSpec(Spec):
    """How events arrive; exactly one source, and what is laid over it."""

    trace: Text | None = None
    """File with recorded traffic, relative to the scenario file."""
    format: TraceFormat = TraceFormat.AUTO
    """How the trace is written; auto tells the formats apart by their first bytes and their columns."""
    timestamp_column: Text | None = None
    """Column of the trace that holds the time."""
    count_column: Text | None = None
    """Column of the trace that holds the count; label of the metric in metric data."""
    function_column: Text | None = None
    """Column of the trace that names the function."""
    timestamp_unit: TimestampUnit = TimestampUnit.ISO
    """How the trace writes time; iso_utc, an older spelling, is iso with utc."""
    utc: Flag = False
    """Whether times of the trace without an offset are UTC; they are refused otherwise."""
    separator: Separator | None = None
    """What stands between the fields of a table; default: a comma."""
    decimal: DecimalMark | None = None
    """What stands before the fraction of a number in a table; default: a point."""
    thousands: Thousands | None = None
    """What stands between groups of three digits in a table; default: nothing."""
    dates: Dates = Dates.ISO
    """How a table writes days: iso, us (month/day/year), british (day/month/year), german (day.month.year), excel."""
    sheet: Text | None = None
    """Sheet of a workbook (.xlsx); default: its only one."""
    interval_us: PositiveDuration | None = Field(default=None, alias="interval")
    """Length of the interval that each count stands for; default: the most common step."""
    select: Text | None = None
    """Function of the trace to use."""
    trace_date: Day | None = None
    """Day that an Azure 2019 file counts; the files themselves do not say."""
    on_bad_row: OnBadRow = OnBadRow.ERROR
    """Whether a bad row is an error, or is left out, counted and listed."""
    align: Align = Align.WEEKDAY
    """How the trace is moved to the scenario's time; weekday keeps the day of the week and the time of day."""
    repeat: Flag = False
    """Whether the trace is repeated, by whole weeks, to fill the scenario."""
    constant: ConstantTraffic | None = None
    """Evenly spaced events."""
    poisson: PoissonTraffic | None = None
    """Independent events."""
    bursty: BurstyTraffic | None = None
    """A Markov-modulated Poisson process."""
    renewal: RenewalTraffic | None = None
    """Independent gaps of a given law."""
    schedule: ScheduleText | None = None
    """One event at each moment of an EventBridge schedule, cron(...) or rate(...), UTC, or with a time zone behind
    it: cron(0 8 * * ? *) Europe/Berlin."""
    spikes: tuple[Overlay, ...] = ()
    """The rate is multiplied by a factor for a while."""
    ramps: tuple[Overlay, ...] = ()
    """The rate grows in a straight line to a factor, and stays."""
    scale: Annotated[Positive, Field(le=1e6)] = 1.0
    """Factor on all traffic."""
    start_us: Duration = Field(default=0, alias="start")
    """When traffic begins, after the scenario's start."""
    stop_us: Duration | None = Field(default=None, alias="stop")
    """When traffic ends, after the scenario's start; default: with the scenario."""

    @field_validator("spikes", "ramps", mode="before")
    @classmethod
    def _listed(cls, value: Any) -> Any:
        return tuple(value) if isinstance(value, list) else value

    def cross_checks(self) -> tuple[Iterator[CrossFault], ...]:
        """Want exactly one source, and a span of time."""
        return self._source_faults(), self._mark_faults(), self._span_faults()

    def _source_faults(self) -> Iterator[CrossFault]:
        given = [name for name in SOURCES if getattr(self, name) is not None]
        if len(given) != 1:
            yield CrossFault(
                (), f"needs exactly one of {', '.join(SOURCES)}; got {', '.join(given) or 'none'}"
            )

    def _mark_faults(self) -> Iterator[CrossFault]:
        if (
            self.decimal is not None
            and self.thousands is not None
            and self.decimal.value == self.thousands.value
        ):
            yield CrossFault(("thousands",), "must differ from decimal", (("decimal",),))

    def _span_faults(self) -> Iterator[CrossFault]:
        if self.stop_us is not None and self.stop_us <= self.start_us:
            yield CrossFault(("stop",), "must be after start", (("start",),))
