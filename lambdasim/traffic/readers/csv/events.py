"""CSV files of single invocations."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lambdasim.traffic.readers.cells import MomentCell, NumberCell, TextCell, WholeCell, same_text
from lambdasim.traffic.readers.csv.counts import moment_rule
from lambdasim.traffic.readers.csv.names import EVENT_NAMES, FUNCTION_NAMES, TIME_NAMES
from lambdasim.traffic.readers.csv.order import in_order
from lambdasim.traffic.readers.csv.table import Column, CsvTable, open_table
from lambdasim.traffic.readers.dialect import PLAIN, Dialect
from lambdasim.traffic.readers.moments import EpochUnit, Naive
from lambdasim.traffic.readers.source import SourceFile
from lambdasim.traffic.report import ReadLog
from lambdasim.traffic.trace import DTYPES, BadRows, Trace, TraceKind

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class EventReader:
    """Reads single invocations from a table.

    Attributes
    ----------
    table : CsvTable
    function : str
        Name of the function where the table has none.
    columns : tuple of str
        Columns of the chunks, in order.
    """

    table: CsvTable
    function: str
    columns: tuple[str, ...]

    def read(self, log: ReadLog) -> Iterator[pd.DataFrame]:
        """Yield chunks in order of time."""
        for frame in in_order(self.table.chunks(log)):
            if "function" not in frame:
                frame["function"] = same_text(self.function, len(frame))
            yield frame[list(self.columns)]


def read_events_csv(
    path: str | os.PathLike[str],
    *,
    unit: EpochUnit | None = None,
    utc: bool = False,
    naive: Naive | None = None,
    columns: Mapping[str, str] | None = None,
    function: str | None = None,
    on_bad_row: BadRows = BadRows.ERROR,
    dialect: Dialect = PLAIN,
) -> Trace:
    """Read single invocations from a CSV file, plain or gzip.

    Parameters
    ----------
    path : path-like
        UTF-8, fields separated by commas, the first line naming the columns in any order; other columns are
        ignored. Only a time is required; ``function``, ``duration_ms``, ``init_ms``, ``billed_ms``,
        ``memory_mb``, ``max_memory_mb``, ``status``, ``request_id`` and ``exec_env`` are read where
        present, and their cells may be empty.
    unit : {"s", "ms", "us", "ns"}, optional
        Unit of timestamps that are numbers since 1970. By default timestamps are ISO 8601.
    utc : bool
        Take ISO timestamps without an offset as UTC. By default they are refused.
    naive : {"utc"}, optional
        An older spelling of `utc`.
    columns : mapping, optional
        Which column holds what, such as ``{"timestamp_us": "when"}``. By default the names above, in any
        case, and for the time the first found of `TIME_NAMES`.
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
        Events in order of arrival. Rows may be out of order by about 16 MiB of text.

    Raises
    ------
    TraceError
        When the file or an option cannot be accepted. Bad rows raise while the trace is read.
    """
    file = SourceFile.at(path)
    layout = (
        Column(
            "timestamp_us",
            MomentCell(moment_rule(file, unit, "utc" if utc else naive, dialect.dates)),
            (*TIME_NAMES, "arrival"),
            True,
            "timestamp_column",
        ),
        Column("function", TextCell(filled=True), FUNCTION_NAMES),
        Column("duration_ms", dialect.numbers(NumberCell()), EVENT_NAMES["duration_ms"]),
        Column("init_ms", dialect.numbers(NumberCell()), EVENT_NAMES["init_ms"]),
        Column("billed_ms", dialect.numbers(WholeCell()), EVENT_NAMES["billed_ms"]),
        Column("memory_mb", dialect.numbers(WholeCell()), EVENT_NAMES["memory_mb"]),
        Column("max_memory_mb", dialect.numbers(WholeCell()), EVENT_NAMES["max_memory_mb"]),
        Column("status", TextCell(), EVENT_NAMES["status"]),
        Column("request_id", TextCell(), EVENT_NAMES["request_id"]),
        Column("exec_env", TextCell(), EVENT_NAMES["exec_env"]),
    )
    table = open_table(file, layout, chosen=columns, on_bad_row=on_bad_row, dialect=dialect)
    names = event_columns(table)
    reader = EventReader(table, function or file.stem, names)
    return Trace(TraceKind.EVENTS, file.provenance("events_csv"), None, names, reader)


def event_columns(table: CsvTable) -> tuple[str, ...]:
    """Return the canonical columns of the events in a table, in canonical order."""
    return tuple(name for name in DTYPES if name in ("function", *table.names))
