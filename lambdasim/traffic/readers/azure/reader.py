"""The public traces of Azure Functions: counts per minute of 2019, invocations of 2021.

References
----------
Azure/AzurePublicDataset on GitHub, ``AzureFunctionsDataset2019.md`` (revision 2) and
``AzureFunctionsInvocationTrace2021.md`` (revision 1), seen November 2026; data CC-BY, to be cited as Shahrad et
al., USENIX ATC 2020, and Zhang et al., SOSP 2021.
"""

from __future__ import annotations

import datetime as dt
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

import numpy as np

from lambdasim.errors import TraceError
from lambdasim.traffic.readers.azure.minute_counts import MINUTES, MinuteCounts
from lambdasim.traffic.readers.cells import CountCell, NumberCell, TextCell
from lambdasim.traffic.readers.csv.order import in_order
from lambdasim.traffic.readers.csv.table import Column, CsvTable, TableChunk, open_table
from lambdasim.traffic.readers.moments import MomentRule
from lambdasim.traffic.readers.source import SourceFile
from lambdasim.traffic.report import ReadLog
from lambdasim.traffic.trace import BadRows, Trace, TraceKind
from lambdasim.units import US_PER_MINUTE, US_PER_MS, US_PER_S

if TYPE_CHECKING:
    import pandas as pd

START_2021: Final = "2021-01-31T00:00:00Z"
_MINUTE_NAMES: Final = tuple(str(minute) for minute in range(1, MINUTES + 1))
_LONGEST_TRACE_S: Final = 10 * 366 * 86_400
_DAY: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


@dataclass(frozen=True)
class _Reader2019:
    table: CsvTable
    day_us: int

    def read(self, log: ReadLog) -> Iterator[pd.DataFrame]:
        day = MinuteCounts(self.table.file.path)
        for chunk in self.table.chunks(log):
            day.add(chunk.frame["function"].tolist(), chunk.frame[list(_MINUTE_NAMES)].to_numpy())
        again = len(day.names) - len(set(day.names))
        if again:
            log.warn(f"rows for a function that has a row above, to which their counts add: {again:,}")
        yield from day.frames(self.day_us)


def read_azure_2019(
    path: str | os.PathLike[str], *, date: dt.date | str, on_bad_row: BadRows = BadRows.ERROR
) -> Trace:
    """Read a day of the Azure Functions trace of 2019: ``invocations_per_function_md.anon.dNN.csv``.

    Parameters
    ----------
    path : path-like
        CSV, plain or gzip, with columns ``HashFunction`` and ``1`` to ``1440``, the invocations in each minute
        of a day; other columns are ignored.
    date : datetime.date or str
        Day that the file stands for, such as ``2019-07-15``, taken in UTC; the file does not say. The
        publishers say July 2019 and no more.
    on_bad_row : BadRows
        Whether a bad row is an error or is skipped and listed in ``Trace.report()``.

    Returns
    -------
    Trace
        Counts per minute, named by ``HashFunction``, which differs between applications. Minutes without
        invocations have no row. Reading holds the day's counts without their zeros: at most 50 million minutes
        with invocations (600 MB) and a million functions, beyond which the file is refused.

    Raises
    ------
    TraceError
        When the file or the date cannot be accepted. Bad rows and size raise while the trace is read.

    Examples
    --------
    >>> trace = read_azure_2019("data/traffic/azure_2019_layout_invocations.csv", date="2019-07-15")
    >>> trace.interval_us, len(trace.functions()), trace.summary().invocations
    (60000000, 4, 4525)
    """
    file = SourceFile.at(path)
    layout = (
        Column("function", TextCell(filled=True), ("hashfunction",), required=True),
        *(Column(name, CountCell(), (name,), required=True) for name in _MINUTE_NAMES),
    )
    reader = _Reader2019(open_table(file, layout, on_bad_row=on_bad_row), _midnight_us(file, date))
    columns = ("timestamp_us", "function", "count")
    return Trace(TraceKind.COUNTS, file.provenance("azure_2019"), US_PER_MINUTE, columns, reader)


@dataclass(frozen=True)
class _Reader2021:
    table: CsvTable
    start_us: int

    def read(self, log: ReadLog) -> Iterator[pd.DataFrame]:
        apps: dict[str, str] = {}
        shared: set[str] = set()
        yield from in_order(self._arrived(chunk, apps, shared) for chunk in self.table.chunks(log))
        if shared:
            log.warn(f"function ids in more than one app, each taken as one function: {len(shared):,}")

    def _arrived(self, chunk: TableChunk, apps: dict[str, str], shared: set[str]) -> TableChunk:
        import pandas as pd

        rows = chunk.frame
        pairs = rows[["function", "app"]].drop_duplicates()
        for function, app in zip(pairs["function"], pairs["app"], strict=True):
            if apps.setdefault(function, app) != app:
                shared.add(function)
        arrival_us = np.rint((rows["end_s"] - rows["duration_s"]).to_numpy() * US_PER_S).astype(np.int64)
        frame = pd.DataFrame(
            {
                "timestamp_us": self.start_us + arrival_us,
                "function": rows["function"],
                "duration_ms": rows["duration_s"] * (US_PER_S // US_PER_MS),
            }
        )
        return replace(chunk, frame=frame)


def read_azure_2021(
    path: str | os.PathLike[str],
    *,
    start: dt.datetime | str = START_2021,
    on_bad_row: BadRows = BadRows.ERROR,
) -> Trace:
    """Read the Azure Functions invocation trace of 2021.

    Parameters
    ----------
    path : path-like
        CSV, plain or gzip, with columns ``app``, ``func``, ``end_timestamp`` (since the trace began) and
        ``duration`` [s].
    start : datetime.datetime or str
        Moment at which the trace began, with its offset from UTC. The publishers say that it began on
        2021-01-31 and that its times were modified.
    on_bad_row : BadRows
        Whether a bad row is an error or is skipped and listed in ``Trace.report()``.

    Returns
    -------
    Trace
        Events named by ``func``, with ``duration_ms``. An invocation arrives at its end less its duration,
        rounded to the microsecond. The first ones may have begun before the trace did; they stay, at times
        before `start`. Rows may be out of order by about 16 MiB of text.

    Raises
    ------
    TraceError
        When the file or `start` cannot be accepted. Bad rows raise while the trace is read.

    Examples
    --------
    >>> trace = read_azure_2021("data/traffic/azure_2021_excerpt.csv")
    >>> trace.summary().invocations, trace.frame()["duration_ms"].tolist()[0]
    (199, 78.0)
    """
    file = SourceFile.at(path)
    seconds = NumberCell(filled=True, largest=_LONGEST_TRACE_S)
    layout = (
        Column("app", TextCell(filled=True), ("app",), required=True),
        Column("function", TextCell(filled=True), ("func",), required=True),
        Column("end_s", seconds, ("end_timestamp",), required=True),
        Column("duration_s", seconds, ("duration",), required=True),
    )
    try:
        start_us = MomentRule().one(start.isoformat() if isinstance(start, dt.datetime) else str(start))
    except ValueError as problem:
        raise TraceError.single(file.path, "start", str(problem)) from None
    reader = _Reader2021(open_table(file, layout, on_bad_row=on_bad_row), start_us)
    columns = ("timestamp_us", "function", "duration_ms")
    return Trace(TraceKind.EVENTS, file.provenance("azure_2021"), None, columns, reader)


def _midnight_us(file: SourceFile, date: dt.date | str) -> int:
    text = date.isoformat() if isinstance(date, dt.date) else str(date)
    try:
        if not _DAY.fullmatch(text):
            raise ValueError(f"must be a day such as 2019-07-15, got {text[:40]!r}")
        return MomentRule(naive="utc").one(text)
    except ValueError as problem:
        raise TraceError.single(file.path, "date", str(problem)) from None
