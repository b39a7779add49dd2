"""Daily totals of a trace, and how the counts of its last days spread over the day."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Final

import numpy as np
from numpy.typing import NDArray

from lambdasim.errors import TraceError
from lambdasim.traffic.trace import Trace, TraceKind
from lambdasim.units import US_PER_DAY, US_PER_MINUTE, from_epoch_us
from lambdasim.wording import count

SHAPE_DAYS: Final = 91
_WEEK: Final = 7
_EVENT_GAPS: Final = 10


@dataclass(frozen=True, eq=False)
class DailyHistory:
    """Traffic of one function by day, in UTC.

    Attributes
    ----------
    function : str
    first_day : date
    totals : ndarray of float64, shape (n_days,)
        [invocations]; days that the trace covers in part are left out at both ends.
    shapes : ndarray of int64, shape (n_shape_days, n_intervals)
        Counts of the last days by equal intervals of the day; one interval where the history is daily.
    warnings : tuple of str
        What reading the trace found, such as rows that overlap or were left out.
    """

    function: str
    first_day: date
    totals: NDArray[np.float64]
    shapes: NDArray[np.int64]
    warnings: tuple[str, ...] = ()

    @property
    def end_day(self) -> date:
        """The day after the last."""
        return self.first_day + timedelta(days=len(self.totals))

    @property
    def interval_us(self) -> int:
        """Length of the intervals of ``shapes`` [µs]."""
        return US_PER_DAY // int(self.shapes.shape[1])

    def until(self, day: date) -> DailyHistory:
        """Leave out a day and what comes after it."""
        left_out = max((self.end_day - day).days, 0)
        days = max(len(self.totals) - left_out, 0)
        shapes = self.shapes[: max(len(self.shapes) - left_out, 0)]
        return replace(self, totals=self.totals[:days], shapes=shapes)

    def moved_to(self, day: date) -> DailyHistory:
        """Move by whole weeks, to end at most six days before a day, or on it."""
        weeks = (day - self.end_day).days // _WEEK
        return replace(self, first_day=self.first_day + timedelta(weeks=weeks))


def daily_histories(trace: Trace) -> dict[str, DailyHistory]:
    """Add up a trace by UTC day and function, in one pass.

    Parameters
    ----------
    trace : Trace
        Events, or counts of intervals of at most a day.

    Returns
    -------
    dict of str to DailyHistory
        By function; a day without a row inside the trace counts as zero.

    Raises
    ------
    TraceError
        When the trace is empty, its intervals are longer than a day, or it covers no whole day.

    Notes
    -----
    A count belongs to the day in which its interval begins. The first day is whole when the trace begins in its first
    interval (of events: within ten mean gaps of midnight); the last likewise.
    """
    name = trace.source.name
    first_us, end_us = trace.span_us()
    if trace.interval_us is not None and trace.interval_us > US_PER_DAY:
        raise TraceError.single(name, "", "must have intervals of at most a day to be a history")
    summary = trace.summary()
    events, report = summary.invocations, summary.report
    warnings = report.warnings
    if report.skipped:
        warnings += (f"{count(report.skipped, 'bad row')} left out, the first at {report.faults[0]}",)
    slack_us = trace.interval_us or _EVENT_GAPS * (end_us - first_us) // max(events, 1)
    first = -(-(first_us - min(slack_us, US_PER_DAY - 1)) // US_PER_DAY)
    end = (end_us + min(slack_us, US_PER_DAY - 1)) // US_PER_DAY
    if end <= first:
        raise TraceError.single(name, "", "must cover at least one whole UTC day to be a history")
    width_us = _interval_us(trace)
    per_day, kept = US_PER_DAY // width_us, min(end - first, SHAPE_DAYS)
    functions = trace.functions()
    place = {function: number for number, function in enumerate(functions)}
    totals = np.zeros((len(functions), end - first), dtype=np.int64)
    shapes = np.zeros((len(functions), kept * per_day), dtype=np.int64)
    for chunk in trace.chunks():
        at_us = chunk["timestamp_us"].to_numpy()
        counts = (
            chunk["count"].to_numpy() if trace.kind is TraceKind.COUNTS else np.ones(len(chunk), np.int64)
        )
        row = chunk["function"].map(place).to_numpy(dtype=np.int64)
        day = at_us // US_PER_DAY - first
        inside = (day >= 0) & (day < end - first)
        np.add.at(totals, (row[inside], day[inside]), counts[inside])
        slot = (at_us - (end - kept) * US_PER_DAY) // width_us
        inside &= slot >= 0
        np.add.at(shapes, (row[inside], slot[inside]), counts[inside])
    first_day = from_epoch_us(first * US_PER_DAY).date()
    return {
        function: DailyHistory(
            function, first_day, sums.astype(np.float64), shape.reshape(kept, per_day), warnings
        )
        for function, sums, shape in zip(functions, totals, shapes, strict=True)
    }


def _interval_us(trace: Trace) -> int:
    """Choose the intervals of a day: the trace's own where they divide it, or minutes."""
    own_us = max(trace.interval_us or US_PER_MINUTE, US_PER_MINUTE)
    return own_us if US_PER_DAY % own_us == 0 else US_PER_MINUTE
