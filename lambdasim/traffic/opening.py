"""Opens the trace that a scenario names, telling its format where the scenario does not."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

from pydantic_core import PydanticCustomError

from lambdasim.errors import TraceError
from lambdasim.specs.files import resolved
from lambdasim.specs.traffic import TimestampUnit, TraceFormat, TrafficSpec
from lambdasim.traffic.readers.azure.reader import read_azure_2019, read_azure_2021
from lambdasim.traffic.readers.cloudwatch_metrics import read_metric_data
from lambdasim.traffic.readers.csv.counted import count_column, refuse_counts
from lambdasim.traffic.readers.csv.counts import read_counts_csv
from lambdasim.traffic.readers.csv.events import read_events_csv
from lambdasim.traffic.readers.csv.names import EVENT_NAMES
from lambdasim.traffic.readers.csv.table import read_header
from lambdasim.traffic.readers.dialect import Dialect
from lambdasim.traffic.readers.insights.reader import read_insights
from lambdasim.traffic.readers.logs.reader import read_report_logs
from lambdasim.traffic.readers.looks import refuse_no_table
from lambdasim.traffic.readers.moments import EpochUnit, Naive
from lambdasim.traffic.readers.source import SourceFile
from lambdasim.traffic.readers.workbook import is_workbook
from lambdasim.traffic.trace import Trace

_EPOCH_UNITS: Final[dict[TimestampUnit, EpochUnit]] = {
    TimestampUnit.S: "s",
    TimestampUnit.MS: "ms",
    TimestampUnit.US: "us",
    TimestampUnit.NS: "ns",
}

_INSIGHTS_DURATIONS: Final = {
    "@duration",
    "record.metrics.durationms",
    *EVENT_NAMES["duration_ms"],
}
_REPORTED: Final = re.compile(
    rb"(?:REPORT|START)(?: |\xc2\xa0)RequestId:"
    rb'|type\\?"{1,2}\s*:\s*\\?"{1,2}platform\.(?:start|report|initStart|runtimeDone)\b'
    rb'|"event_type"\s*:\s*"performance"'
)
_PACKED: Final = b"H4sI"
"""How base64 of gzip begins."""


def open_trace(base_dir: Path, owner: str, traffic: TrafficSpec) -> Trace:
    """Open the trace of a function's traffic.

    Parameters
    ----------
    base_dir : Path
        Folder of the scenario file.
    owner : str
        The function's name, for messages.
    traffic : TrafficSpec
        With a trace.

    Raises
    ------
    TraceError
        When the file is not what the scenario says.
    """
    try:
        path = resolved(base_dir, traffic.trace or "")
    except PydanticCustomError as error:
        raise TraceError.single(owner, "traffic.trace", str(error)) from None
    kind = trace_format(path, traffic) if traffic.format is TraceFormat.AUTO else traffic.format
    trace = _opened(path, kind, traffic)
    return trace if traffic.select is None else trace.select(traffic.select)


def _opened(path: Path, kind: TraceFormat, traffic: TrafficSpec) -> Trace:
    bad_rows = traffic.on_bad_row
    unit = _EPOCH_UNITS.get(traffic.timestamp_unit)
    naive: Naive | None = "utc" if traffic.utc or traffic.timestamp_unit is TimestampUnit.ISO_UTC else None
    named = {
        "timestamp_us": traffic.timestamp_column,
        "count": traffic.count_column,
        "function": traffic.function_column,
    }
    dialect = _dialect(traffic)
    tables = (TraceFormat.CSV_EVENTS, TraceFormat.CSV_COUNTS, TraceFormat.INSIGHTS, TraceFormat.AUTO)
    if dialect.said and kind not in tables:
        wrong = f"is about tables of counts or of single events, and this trace is {kind}"
        raise TraceError.single(str(path), f"traffic.{dialect.said[0]}", wrong)
    columns = {key: name for key, name in named.items() if name is not None}
    match kind:
        case TraceFormat.REPORT_LOGS:
            return read_report_logs(path, naive=naive, on_bad_row=bad_rows)
        case TraceFormat.INSIGHTS:
            return read_insights(path, on_bad_row=bad_rows, dialect=dialect)
        case TraceFormat.METRIC_DATA:
            return read_metric_data(
                path, label=traffic.count_column, interval_us=traffic.interval_us, on_bad_row=bad_rows
            )
        case TraceFormat.AZURE_2019:
            if traffic.trace_date is None:
                raise TraceError.single(
                    str(path), "traffic.trace_date", "must be given: an Azure 2019 file does not say its day"
                )
            return read_azure_2019(path, date=traffic.trace_date, on_bad_row=bad_rows)
        case TraceFormat.AZURE_2021:
            return read_azure_2021(path, on_bad_row=bad_rows)
        case TraceFormat.CSV_EVENTS:
            return read_events_csv(
                path, unit=unit, naive=naive, columns=columns, on_bad_row=bad_rows, dialect=dialect
            )
        case TraceFormat.CSV_COUNTS | TraceFormat.AUTO:
            interval_us = traffic.interval_us
            return read_counts_csv(
                path,
                interval_us=interval_us,
                unit=unit,
                naive=naive,
                columns=columns,
                on_bad_row=bad_rows,
                dialect=dialect,
            )


def trace_format(path: Path, traffic: TrafficSpec) -> TraceFormat:
    """Recognise the format of a trace by its first bytes and its header.

    Parameters
    ----------
    path : Path
    traffic : TrafficSpec
        Which column holds the count, where that is said.

    Raises
    ------
    TraceError
        When the file cannot be read, or has no header.
    """
    file = SourceFile.at(path)
    dialect = _dialect(traffic)
    if is_workbook(file):
        names = read_header(file, dialect)
        return _of_logs(names) or _table_format(file, names, traffic)
    head = file.head().lstrip()
    reported = head.startswith(_PACKED) or _REPORTED.search(head) is not None
    if head[:1] in (b"[", b"{"):
        if b'"MetricDataResults"' in head or b'"Datapoints"' in head:
            return TraceFormat.METRIC_DATA
        flat = b'"@duration"' in head or b'"record.metrics.durationMs"' in head
        messages = not flat and (reported or b'"@message"' in head)
        messages |= b'"@message"' in head and reported
        query = flat or b'"@timestamp"' in head or (b'"results"' in head and b'"field"' in head)
        return TraceFormat.INSIGHTS if query and not messages else TraceFormat.REPORT_LOGS
    if reported:
        return TraceFormat.REPORT_LOGS
    refuse_no_table(file)
    names = read_header(file, dialect)
    header = {name.strip().lower() for name in names}
    if {"hashfunction", "1440"} <= header:
        return TraceFormat.AZURE_2019
    if {"app", "func", "end_timestamp", "duration"} <= header:
        return TraceFormat.AZURE_2021
    return _of_logs(names) or _table_format(file, names, traffic)


def _of_logs(names: tuple[str, ...]) -> TraceFormat | None:
    """Recognise a table of log events, or of what a query of Logs Insights made of them, by its columns."""
    header = {name.strip().lower() for name in names}
    if "@timestamp" in header and header & _INSIGHTS_DURATIONS:
        return TraceFormat.INSIGHTS
    if {"@timestamp", "@message"} <= header or {"timestamp", "message"} <= header:
        return TraceFormat.REPORT_LOGS
    return None


def _table_format(file: SourceFile, header: tuple[str, ...], traffic: TrafficSpec) -> TraceFormat:
    if count_column(f"{file.path}, row 1", header, traffic.count_column) is not None:
        return TraceFormat.CSV_COUNTS
    refuse_counts(file, header, _dialect(traffic))
    return TraceFormat.CSV_EVENTS


def _dialect(traffic: TrafficSpec) -> Dialect:
    return Dialect(traffic.separator, traffic.decimal, traffic.thousands, traffic.dates, traffic.sheet)
