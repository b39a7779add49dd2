"""Results of CloudWatch Logs Insights over REPORT lines: the CSV export, and the JSON of GetQueryResults."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from lambdasim.errors import Fault, TraceError
from lambdasim.traffic.readers.bad_rows import checked_bad_rows
from lambdasim.traffic.readers.cells import Cell, MomentCell, NumberCell, TextCell, WholeCell, same_text
from lambdasim.traffic.readers.csv.names import EVENT_NAMES
from lambdasim.traffic.readers.csv.order import in_order
from lambdasim.traffic.readers.csv.table import Column, CsvTable, open_table
from lambdasim.traffic.readers.dialect import PLAIN, Dialect
from lambdasim.traffic.readers.insights.json_rows import QueryAnswer
from lambdasim.traffic.readers.logs.events import function_of_group
from lambdasim.traffic.readers.logs.line_head import FUNCTION_IN_STREAM
from lambdasim.traffic.readers.logs.reports import outcome_of
from lambdasim.traffic.readers.moments import MomentRule
from lambdasim.traffic.readers.source import SourceFile
from lambdasim.traffic.readers.workbook import is_workbook
from lambdasim.traffic.report import ReadLog
from lambdasim.traffic.trace import LOG_DTYPES, BadRows, Trace, TraceKind
from lambdasim.units import US_PER_MS

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

ROW_LIMITS: Final = (1_000, 10_000)
"""Rows at which Logs Insights cuts a result that states no limit: 10,000, and 1,000 in its early years."""
_ERROR_TYPE: Final = "error_type"
_LATEST_MS: Final = 7_258_118_400_000  # the year 2200


@dataclass(frozen=True)
class LogGroupCell:
    """A log group such as ``123456789012:/aws/lambda/NAME``: the name after its last slash or colon."""

    def one(self, text: str) -> str:
        """Read one log group."""
        name = TextCell().one(function_of_group(text))
        if not name:
            raise ValueError(f"must be a log group such as /aws/lambda/NAME, got {text[:40]!r}")
        return name

    def many(self, texts: pa.Array) -> Any:
        """Read a column of log groups."""
        import pyarrow.compute as pc

        return TextCell(filled=True).many(pc.replace_substring_regex(texts, r"^.*[/:]", ""))

    def column(self, values: list[str | None]) -> Any:
        """Make a text array."""
        return TextCell().column(values)


def _named(field: str, *others: str) -> tuple[str, ...]:
    return (f"@{field}", field, *others)


def _layout(dialect: Dialect) -> tuple[Column, ...]:
    """Give the columns of a query's result, its days and numbers written as they are said to be."""
    moment = MomentCell(MomentRule(naive="utc", dates=dialect.dates))

    def written(column: Column) -> Column:
        if column.name == "timestamp_us":
            return replace(column, cell=moment)
        return (
            replace(column, cell=dialect.numbers(column.cell))
            if column.name.endswith(("_ms", "_mb"))
            else column
        )

    return tuple(map(written, _LAYOUT))


_FEWEST_SORTED: Final = 20
_LAYOUT: Final = (
    Column("timestamp_us", MomentCell(MomentRule(naive="utc")), _named("timestamp"), required=True),
    Column("function", LogGroupCell(), _named("log")),
    Column(
        "duration_ms", NumberCell(filled=True, largest=_LATEST_MS),
        _named("duration", "record.metrics.durationms", *EVENT_NAMES["duration_ms"]), required=True,
    ),
    Column(
        "init_ms", NumberCell(largest=_LATEST_MS),
        _named("initduration", "record.metrics.initdurationms", "init", *EVENT_NAMES["init_ms"]),
    ),
    Column(
        "billed_ms", WholeCell(),
        _named("billedduration", "record.metrics.billeddurationms", "billed", *EVENT_NAMES["billed_ms"]),
    ),
    Column(
        "memory_mb", WholeCell(bytes_as_mb=True),
        _named("memorysize", "record.metrics.memorysizemb", "memory", "total_memory", *EVENT_NAMES["memory_mb"]),
    ),
    Column(
        "max_memory_mb", WholeCell(bytes_as_mb=True),
        _named(
            "maxmemoryused", "record.metrics.maxmemoryusedmb", "memoryused", "memory_used", "maxmemory",
            "used_memory_max",
            *EVENT_NAMES["max_memory_mb"],
        ),
    ),
    Column("status", TextCell(), ("record.status", "status")),
    Column(_ERROR_TYPE, TextCell(), ("record.errortype", "errortype", "error_type")),
    Column("request_id", TextCell(), _named("requestid", "record.requestid")),
    Column("exec_env", TextCell(), _named("logstream")),
    Column("cpu_time_ms", NumberCell(largest=_LATEST_MS), ("cpu_total_time",)),
)  # fmt: skip


class _Sorting:
    """Sees whether rows come in the order of their duration, as ``sort @duration desc`` writes them."""

    def __init__(self) -> None:
        self._rows, self._last = 0, np.nan
        self._falls = self._rises = True

    def seen(self, frame: pd.DataFrame) -> pd.DataFrame:
        """Take further rows, and return them."""
        steps = np.diff(np.concatenate([[self._last], frame["duration_ms"].to_numpy(dtype=np.float64)]))
        steps = steps[~np.isnan(steps)]
        self._falls, self._rises = (
            self._falls and not (steps > 0).any(),
            self._rises and not (steps < 0).any(),
        )
        self._rows, self._last = self._rows + len(frame), float(frame["duration_ms"].iloc[-1])
        return frame

    def warn(self, log: ReadLog) -> None:
        """Say what is missing where the query had a limit."""
        if self._rows >= _FEWEST_SORTED and self._falls != self._rises:
            which = "longest" if self._falls else "shortest"
            log.warn(
                f"rows are sorted by duration: if the query had a limit, these are the {which} runs and not all, and the "
                "function's bill is another"
            )


@dataclass(frozen=True)
class _CsvReader:
    table: CsvTable
    columns: tuple[str, ...]
    function: str
    limits: tuple[int, ...]

    def read(self, log: ReadLog) -> Iterator[pd.DataFrame]:
        _warn_of_unused(log, self.table)
        chunks = self.table.chunks(log)
        sorting = _Sorting()
        yield from in_order(
            replace(chunk, frame=_arrived(sorting.seen(chunk.frame), self.columns, self.function))
            for chunk in chunks
        )
        sorting.warn(log)
        _warn_if_cut(log, self.limits)


@dataclass(frozen=True)
class _JsonReader:
    file: SourceFile
    columns: tuple[str, ...]
    chosen: Mapping[str, str]
    function: str
    limits: tuple[int, ...]
    bad_rows: BadRows

    def read(self, log: ReadLog) -> Iterator[pd.DataFrame]:
        answer = QueryAnswer.of(self.file)
        table = answer.table(_LAYOUT, self.chosen, self.bad_rows)
        _warn_of_unused(log, table)
        good: list[list[object]] = []
        for place, fields in enumerate(answer.results, start=1):
            where = f"{self.file.path}, result {place}"
            values: list[object] | Fault
            if isinstance(fields, Fault):
                values = fields
            else:
                values = table.exact(place, [fields.get(name, "") for name in table.header])
            if not isinstance(values, Fault):
                good.append(values)
            elif self.bad_rows is BadRows.SKIP:
                log.skip(replace(values, where=where))
            else:
                raise TraceError([replace(values, where=where)])
        if not good:
            raise TraceError.single(self.file.path, "", f"all {log.skipped:,} results were skipped")
        log.rows += len(good)
        sorting = _Sorting()
        frame = sorting.seen(_frame(table.places, good))
        yield _arrived(frame, self.columns, self.function).sort_values(
            "timestamp_us", kind="stable", ignore_index=True
        )
        sorting.warn(log)
        _warn_if_cut(log, self.limits)
        if answer.matched > len(answer.results):
            log.warn(
                f"{answer.matched:,} log events matched the query, and {len(answer.results):,} are in the file"
            )


def read_insights(
    path: str | os.PathLike[str],
    *,
    columns: Mapping[str, str] | None = None,
    function: str | None = None,
    limit: int | None = None,
    on_bad_row: BadRows = BadRows.ERROR,
    dialect: Dialect = PLAIN,
) -> Trace:
    """Read the result of a CloudWatch Logs Insights query over REPORT lines.

    The query is ``filter @type = "REPORT" | fields @timestamp, @requestId, @duration, @billedDuration,
    @initDuration, @memorySize, @maxMemoryUsed, @log, @logStream``; only the time and the duration are required.

    Parameters
    ----------
    path : path-like
        CSV, workbook or JSON export of the console, JSON objects one a line, or JSON of ``aws logs get-query-results``;
        plain or gzip.
    columns : mapping, optional
        Which field of the query holds what, where it was renamed: keys are columns of the trace.
    function : str, optional
        Name of the function where the query has no ``@log``. By default the name of the file without its
        endings.
    limit : int, optional
        The ``limit`` of the query, if it had one.
    on_bad_row : BadRows
        Whether a bad row is an error or is skipped and listed in ``Trace.report()``.
    dialect : Dialect
        How a table is written: separators, numbers, and the sheet of a workbook. Nothing is guessed.

    Returns
    -------
    Trace
        Events. ``@timestamp`` is when the REPORT was written, at the end, in UTC to the millisecond; the arrival
        is that less ``@duration`` and ``@initDuration``. Memory of 10^6 or more is in bytes, at 10^6 to the MB.
        ``exec_env`` is the log stream, ``function`` what a stream of a shared log group names, else what follows the
        last slash or colon of ``@log``. A result
        of just `limit`, 1,000 or 10,000 rows gets a warning, since it was probably cut there. A CSV file may be
        out of order by about 16 MiB of text, JSON in any order.

    Raises
    ------
    TraceError
        When the file cannot be accepted, or its query had not completed. Bad rows raise while the trace is read.

    References
    ----------
    CloudWatch Logs user guide, "Logs Insights query syntax: limit", and API reference, "GetQueryResults"; AWS
    Lambda operator guide, "Useful queries"; seen November 2026.
    """
    file = SourceFile.at(path)
    limits = (*ROW_LIMITS, *([limit] if limit is not None else []))
    bad_rows = checked_bad_rows(file.path, on_bad_row)
    chosen = dict(columns or {})
    is_json = not is_workbook(file) and file.head().lstrip()[:1] in (b"{", b"[")
    table = (
        QueryAnswer.of(file).table(_LAYOUT, chosen, bad_rows)
        if is_json
        else open_table(file, _layout(dialect), chosen=chosen, on_bad_row=bad_rows, dialect=dialect)
    )
    names = tuple(name for name in LOG_DTYPES if name in ("function", *table.names))
    named = function or file.stem
    reader = (
        _JsonReader(file, names, chosen, named, limits, bad_rows)
        if is_json
        else _CsvReader(table, names, named, limits)
    )
    return Trace(TraceKind.EVENTS, file.provenance("insights"), None, names, reader)


def _frame(places: tuple[tuple[str, int, Cell], ...], rows: list[list[object]]) -> pd.DataFrame:
    import pandas as pd

    values = zip(*rows, strict=True)
    return pd.DataFrame(
        {name: cell.column(list(column)) for (name, _, cell), column in zip(places, values, strict=True)}
    )


def _arrived(frame: pd.DataFrame, columns: tuple[str, ...], function: str) -> pd.DataFrame:
    spent_ms = frame["duration_ms"].to_numpy(copy=True)
    if "init_ms" in frame:
        spent_ms += np.nan_to_num(frame["init_ms"].to_numpy())
    frame["timestamp_us"] -= np.rint(spent_ms * US_PER_MS).astype(np.int64)
    if "function" not in frame:
        frame["function"] = same_text(function, len(frame))
    if "exec_env" in frame:
        of_stream = frame["exec_env"].str.extract(FUNCTION_IN_STREAM, expand=False)
        frame["function"] = of_stream.fillna(frame["function"]).astype("str")
    if "status" in frame and _ERROR_TYPE in frame:
        frame["status"] = _ended(frame["status"], frame[_ERROR_TYPE])
    return frame[list(columns)]


def _ended(status: pd.Series[str], error_type: pd.Series[str]) -> Any:
    """Say how runs ended by both of what a log in JSON has of it; nothing where it has neither."""
    pairs = zip(status.fillna(""), error_type.fillna(""), strict=True)
    return TextCell().column(
        [outcome_of(one.lower() or "error", wrong or None) if one or wrong else None for one, wrong in pairs]
    )


def _warn_of_unused(log: ReadLog, table: CsvTable) -> None:
    if unused := table.unused():
        log.warn(unused)


def _warn_if_cut(log: ReadLog, limits: tuple[int, ...]) -> None:
    rows = log.rows + log.skipped
    if rows in limits:
        log.warn(f"exactly {rows:,} rows: the query was probably cut there; ask for shorter spans of time")
