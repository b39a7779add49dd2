"""CSV files of counts per interval."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from lambdasim.errors import TraceError
from lambdasim.specs.traffic import Dates
from lambdasim.traffic.readers.cells import CountCell, MomentCell, TextCell, same_text
from lambdasim.traffic.readers.csv.counted import count_column
from lambdasim.traffic.readers.csv.names import COUNT_NAMES, FUNCTION_NAMES, TIME_NAMES
from lambdasim.traffic.readers.csv.order import in_order
from lambdasim.traffic.readers.csv.rivals import refuse_rivals
from lambdasim.traffic.readers.csv.table import Column, CsvTable, open_table, read_header
from lambdasim.traffic.readers.dialect import PLAIN, Dialect
from lambdasim.traffic.readers.intervals import StepCheck, checked_interval_us
from lambdasim.traffic.readers.moments import EpochUnit, MomentRule, Naive
from lambdasim.traffic.readers.source import SourceFile
from lambdasim.traffic.report import ReadLog
from lambdasim.traffic.trace import BadRows, Trace, TraceKind

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray


@dataclass(frozen=True)
class _CountReader:
    table: CsvTable
    function: str
    interval_us: int

    def read(self, log: ReadLog) -> Iterator[pd.DataFrame]:
        steps = StepCheck(self.interval_us)
        for frame in in_order(self.table.chunks(log)):
            if "function" in frame:
                for name, group in frame.groupby("function", sort=False)["timestamp_us"]:
                    steps.see(str(name), group.to_numpy())
            else:
                steps.see(self.function, frame["timestamp_us"].to_numpy())
                frame.insert(1, "function", same_text(self.function, len(frame)))
            yield frame
        steps.tell(log)


def read_counts_csv(
    path: str | os.PathLike[str],
    *,
    interval_us: int | None = None,
    unit: EpochUnit | None = None,
    utc: bool = False,
    naive: Naive | None = None,
    columns: Mapping[str, str] | None = None,
    function: str | None = None,
    on_bad_row: BadRows = BadRows.ERROR,
    dialect: Dialect = PLAIN,
) -> Trace:
    """Read counts per interval from a CSV file, plain or gzip.

    Parameters
    ----------
    path : path-like
        UTF-8, fields separated by commas, the first line naming the columns in any order; other columns are
        ignored.
    interval_us : int, optional
        Length of the interval that starts at each timestamp [µs]. By default the most common step between
        the timestamps of a function in the first block (2 MiB) of the file.
    unit : {"s", "ms", "us", "ns"}, optional
        Unit of timestamps that are numbers since 1970. By default timestamps are ISO 8601.
    utc : bool
        Take ISO timestamps without an offset as UTC. By default they are refused.
    naive : {"utc"}, optional
        An older spelling of `utc`.
    columns : mapping, optional
        Which column holds what: keys ``timestamp_us``, ``count``, ``function``. By default the first name
        found of `TIME_NAMES`, `COUNT_NAMES` and `FUNCTION_NAMES` in ``csv/names.py``, in any case. A column of money
        is never a count.
    function : str, optional
        Name of the function where the file has no such column. By default the name of the file without its
        endings.
    on_bad_row : BadRows
        Whether a bad row is an error or is skipped and listed in ``Trace.report()``.
    dialect : Dialect
        How the table is written: separators, numbers, dates, and the sheet of a workbook (.xlsx). Nothing is guessed.

    Returns
    -------
    Trace
        Counts. An interval without a row counts as zero. Rows may be out of order by about 16 MiB of text.

    Raises
    ------
    TraceError
        When the file or an option cannot be accepted. Bad rows beyond the first block raise while the trace
        is read.

    Examples
    --------
    >>> trace = read_counts_csv("data/traffic/elb_request_count.csv", utc=True)
    >>> trace.interval_us, trace.summary().invocations
    (300000000, 249327)
    >>> print(trace.report())
    4,032 rows read
    warning: 8 intervals of 5min have no row and count as zero
    """
    file = SourceFile.at(path)
    layout = (
        Column(
            "timestamp_us",
            MomentCell(moment_rule(file, unit, "utc" if utc else naive, dialect.dates)),
            TIME_NAMES,
            True,
            "timestamp_column",
        ),
        Column("function", TextCell(filled=True), FUNCTION_NAMES),
        Column(
            "count",
            dialect.numbers(CountCell(bool(dialect.decimal or dialect.thousands))),
            COUNT_NAMES,
            True,
            "count_column",
        ),
    )
    chosen = dict(columns or {})
    header = read_header(file, dialect)
    counted = count_column(f"{file.path}, row 1", header, chosen.get("count"))
    if counted is not None and "count" not in chosen:
        refuse_rivals(file, header, counted, dialect, chosen.get("timestamp_us"))
    if counted is not None:
        chosen["count"] = counted
    table = open_table(file, layout, chosen=chosen, on_bad_row=on_bad_row, dialect=dialect)
    step_us = checked_interval_us(file.path, interval_us, _first_times_us(table))
    reader = _CountReader(table, function or file.stem, step_us)
    names = ("timestamp_us", "function", "count")
    return Trace(TraceKind.COUNTS, file.provenance("counts_csv"), step_us, names, reader)


def moment_rule(file: SourceFile, unit: EpochUnit | None, naive: Naive | None, dates: Dates) -> MomentRule:
    """Check how timestamps are said to be written.

    Raises
    ------
    TraceError
        When `unit` or `naive` is none of the values allowed.
    """
    try:
        return MomentRule(unit, naive, dates)
    except ValueError as problem:
        raise TraceError.single(file.path, "", str(problem)) from None


def _first_times_us(table: CsvTable) -> Iterator[NDArray[np.int64]]:
    frame = next(table.chunks(ReadLog())).frame
    groups = [frame] if "function" not in frame else [group for _, group in frame.groupby("function")]
    yield from (group["timestamp_us"].to_numpy() for group in groups)
