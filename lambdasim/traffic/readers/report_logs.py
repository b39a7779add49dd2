"""Logs of Lambda itself: REPORT lines in CloudWatch log events, and platform.report objects."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from math import isfinite
from typing import TYPE_CHECKING, Any, Final

from lambdasim.errors import TraceError
from lambdasim.traffic.readers.source import SourceFile
from lambdasim.traffic.report import ReadLog
from lambdasim.traffic.trace import DTYPES, Trace, TraceKind
from lambdasim.units import US_PER_MS, to_epoch_us

if TYPE_CHECKING:
    import pandas as pd

_COLUMNS: Final = (
    "timestamp_us", "function", "duration_ms", "init_ms", "billed_ms", "memory_mb", "max_memory_mb", "status",
    "request_id", "exec_env",
)  # fmt: skip
_START: Final = re.compile(r"START RequestId:\s*(\S+)")
_REPORT: Final = re.compile(r"REPORT RequestId:\s*(\S+)")
_NUMBER: Final = r"(\d{1,12}(?:\.\d{1,6})?)"
_FIELDS: Final = {
    "duration_ms": re.compile(rf"(?<!Billed )(?<!Init )(?<!Restore )Duration:\s*{_NUMBER}\s*ms"),
    "billed_ms": re.compile(rf"(?<!Restore )Billed Duration:\s*{_NUMBER}\s*ms"),
    "memory_mb": re.compile(rf"Memory Size:\s*{_NUMBER}\s*MB"),
    "max_memory_mb": re.compile(rf"Max Memory Used:\s*{_NUMBER}\s*MB"),
    "init_ms": re.compile(rf"Init Duration:\s*{_NUMBER}\s*ms"),
}
_METRICS: Final = {
    "duration_ms": "durationMs",
    "billed_ms": "billedDurationMs",
    "memory_mb": "memorySizeMB",
    "max_memory_mb": "maxMemoryUsedMB",
    "init_ms": "initDurationMs",
}
_STATUS: Final = re.compile(r"Status:\s*(\w+)")
_NEEDED: Final = ("duration_ms", "billed_ms", "memory_mb")
_LATEST_MS: Final = 7_258_118_400_000  # the year 2200


@dataclass
class _Invocations:
    """What the log tells of each request."""

    name: str
    function: str
    started_us: dict[str, int] = field(default_factory=dict)
    rows: list[dict[str, Any]] = field(default_factory=list)

    def fault(self, record: int, column: str, message: str) -> TraceError:
        return TraceError.single(f"{self.name}, record {record}", column, message)

    def log_event(self, record: int, event: dict[str, Any]) -> None:
        """Take a CloudWatch log event."""
        message, at_ms = event.get("message"), event.get("timestamp")
        if not isinstance(message, str):
            raise self.fault(record, "message", f"must be text, got {message!r:.40}")
        if isinstance(at_ms, bool) or not isinstance(at_ms, int) or not 0 <= at_ms <= _LATEST_MS:
            raise self.fault(
                record, "timestamp", f"must be ms since 1970, up to the year 2200, got {at_ms!r:.40}"
            )
        environment = event.get("logStreamName")
        if found := _START.search(message):
            self.started_us[found[1]] = at_ms * US_PER_MS
        elif found := _REPORT.search(message):
            row: dict[str, Any] = {
                name: float(hit[1]) if (hit := pattern.search(message)) else None
                for name, pattern in _FIELDS.items()
            }
            status = _STATUS.search(message)
            self.add(
                record, row, found[1], status[1] if status else "success", at_ms * US_PER_MS, environment
            )
        elif '"platform.' in message:
            self.platform_objects(record, message, environment)

    def platform_objects(self, record: int, text: str, environment: object = None) -> None:
        """Take every platform object in a text; an extension's words may stand before one without a line's end."""
        decoder = json.JSONDecoder()
        place = text.find("{")
        while place >= 0:
            try:
                found, end = decoder.raw_decode(text, place)
            except ValueError:
                end = place + 1
            else:
                self.platform_object(record, found, environment)
            place = text.find("{", end)

    def platform_object(self, record: int, found: object, environment: object = None) -> None:
        """Take a parsed platform object; others are passed over."""
        if not isinstance(found, dict) or found.get("type") not in ("platform.start", "platform.report"):
            return
        inner = found.get("record")
        request = inner.get("requestId") if isinstance(inner, dict) else None
        if not isinstance(inner, dict) or not isinstance(request, str):
            raise self.fault(record, "requestId", f"must be text, got {request!r:.40}")
        at_us = self._moment(record, found.get("time"))
        if found["type"] == "platform.start":
            self.started_us[request] = at_us
            return
        metrics = inner.get("metrics")
        if not isinstance(metrics, dict):
            raise self.fault(record, "metrics", f"must be an object, got {metrics!r:.40}")
        row = {name: metrics.get(key) for name, key in _METRICS.items()}
        self.add(record, row, request, str(inner.get("status", "success")), at_us, environment)

    def _moment(self, record: int, text: object) -> int:
        try:
            return to_epoch_us(datetime.fromisoformat(str(text)))
        except ValueError:
            raise self.fault(record, "time", f"must be ISO 8601 with an offset, got {text!r:.40}") from None

    def add(
        self, record: int, row: dict[str, Any], request: str, status: str, at_us: int, environment: object
    ) -> None:
        """Take a report."""
        for name, value in row.items():
            if value is None and name not in _NEEDED:
                continue
            number = isinstance(value, int | float) and not isinstance(value, bool)
            if not number or not isfinite(value) or value < 0:
                raise self.fault(record, name, f"must be a number of at least 0, got {value!r:.40}")
        row |= {
            name: None if row[name] is None else round(row[name]) for name in ("memory_mb", "max_memory_mb")
        }
        row["billed_ms"] = round(row["billed_ms"])
        row |= {"request_id": request, "status": status, "reported_us": at_us, "function": self.function}
        row["exec_env"] = environment if isinstance(environment, str) else None
        self.rows.append(row)


@dataclass(frozen=True)
class _LogReader:
    file: SourceFile
    function: str

    def read(self, log: ReadLog) -> Iterator[pd.DataFrame]:
        import pandas as pd

        seen = _Invocations(self.file.path, self.function)
        _take(seen, self.file)
        reported = {row["request_id"] for row in seen.rows}
        if unfinished := len(seen.started_us.keys() - reported):
            log.warn(f"{unfinished:,} requests have a START but no REPORT and are left out")
        for row in seen.rows:
            spent_us = round((row["duration_ms"] + (row["init_ms"] or 0)) * US_PER_MS)
            row["timestamp_us"] = seen.started_us.get(row["request_id"], row["reported_us"] - spent_us)
        log.rows += len(seen.rows)
        if seen.rows:
            rows = sorted(seen.rows, key=lambda row: row["timestamp_us"])
            yield pd.DataFrame(
                {name: pd.Series([row[name] for row in rows], dtype=DTYPES[name]) for name in _COLUMNS}
            )


def _take(seen: _Invocations, file: SourceFile) -> None:
    try:
        text = file.whole().decode("utf-8")
    except UnicodeDecodeError as error:
        raise TraceError.single(file.path, "", f"must be UTF-8, byte {error.start} is not") from None
    try:
        events = _log_events(text)
        if events is None:
            _take_lines(seen, text)
        else:
            _take_events(seen, events)
    except RecursionError:
        raise TraceError.single(file.path, "", "is nested too deep") from None
    if not seen.rows:
        raise TraceError.single(file.path, "", "has no REPORT line and no platform.report object")


def _log_events(text: str) -> list[Any] | None:
    """Return the log events of a JSON file, None where it is lines of text."""
    try:
        content = json.loads(text)
    except ValueError:
        return None
    if isinstance(content, dict):
        content = content.get("events")
    return content if isinstance(content, list) else None


def _take_events(seen: _Invocations, events: list[Any]) -> None:
    for record, event in enumerate(events, start=1):
        if not isinstance(event, dict):
            raise seen.fault(record, "", f"must be an object, got {event!r:.40}")
        if "message" in event:
            seen.log_event(record, event)
        else:
            seen.platform_object(record, event)


def _take_lines(seen: _Invocations, text: str) -> None:
    for line, words in enumerate(text.splitlines(), start=1):
        if "platform." in words:
            seen.platform_objects(line, words)
        elif _REPORT.search(words):
            raise seen.fault(line, "timestamp", "a REPORT line alone has no time; export log events as JSON")


def read_report_logs(path: str | os.PathLike[str], *, function: str | None = None) -> Trace:
    """Read the log of a function.

    Parameters
    ----------
    path : path-like
        JSON array of CloudWatch log events (``logStreamName``, ``timestamp``, ``message``), the object that
        ``filter-log-events`` gives, or lines with ``platform.start`` and ``platform.report`` objects; plain or gzip.
    function : str, optional
        Name of the function. By default the name of the file without its endings.

    Returns
    -------
    Trace
        Events: one for each report, at the time of its START, or of the report less what it took. ``exec_env`` is the log
        stream: one stream is one execution environment. ``billed_ms`` is as AWS printed it.

    Raises
    ------
    TraceError
        Naming file, record, field, value and what is allowed.

    References
    ----------
    AWS Lambda Developer Guide, Telemetry API schema reference, and Monitoring SnapStart, seen 2026-11.

    Examples
    --------
    >>> trace = read_report_logs("data/report_logs/aws_2rps_cloudwatch.json")
    >>> table = trace.frame()
    >>> len(table), table["exec_env"].nunique(), table["memory_mb"].unique().tolist()
    (240, 1, [1769])
    """
    file = SourceFile.at(path)
    reader = _LogReader(file, function or file.stem)
    trace = Trace(TraceKind.EVENTS, file.provenance("report_logs"), None, _COLUMNS, reader)
    trace.summary()
    return trace
