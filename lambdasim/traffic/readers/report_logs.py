"""Logs of Lambda itself as traffic: CloudWatch log events, or lines of log text."""

from __future__ import annotations

import os
import re
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from lambdasim.errors import Fault, TraceError
from lambdasim.traffic.readers.json_text import json_items, parse_json
from lambdasim.traffic.readers.log_text import LogText, Reported, Started, platform_finding
from lambdasim.traffic.readers.moments import MomentRule, Naive
from lambdasim.traffic.readers.source import SourceFile
from lambdasim.traffic.report import ReadLog
from lambdasim.traffic.trace import DTYPES, BadRows, Trace, TraceKind
from lambdasim.units import US_PER_MS

if TYPE_CHECKING:
    import pandas as pd

_COLUMNS: Final = (
    "timestamp_us", "function", "duration_ms", "init_ms", "billed_ms", "memory_mb", "max_memory_mb", "status",
    "request_id", "exec_env",
)  # fmt: skip
_LATEST_MS: Final = 7_258_118_400_000  # the year 2200
_LIST: Final = re.compile(r'\s*(?:\[(?=\s*[\[{\]])|\{\s*"events"\s*:\s*\[)')
_ANSWER: Final = re.compile(r'\s*\{\s*"(?:events|searchedLogStreams|next[A-Za-z]*Token)"')


@dataclass
class _Invocations:
    """What a log tells of each request."""

    starts_us: dict[str, list[int]] = field(default_factory=lambda: defaultdict(list))
    reported: list[Reported] = field(default_factory=list)

    def unfinished(self) -> int:
        """Count invocations that began and were not reported."""
        reports: dict[str, int] = defaultdict(int)
        for found in self.reported:
            reports[found.report.request_id] += 1
        return sum(max(0, len(times) - reports[request]) for request, times in self.starts_us.items())

    def arrival_us(self, found: Reported) -> int:
        """Return when an invocation arrived: its environment started, if it had to, before START was written."""
        report = found.report
        starting_us = round((report.environment_start_ms or 0) * US_PER_MS)
        starts_us = self.starts_us.get(report.request_id, [])
        if found.time_us is None:
            if len(starts_us) != 1:
                allowed = (
                    "a REPORT line has no time of its own, as `aws logs tail` gives, nor just one timed START"
                )
                raise TraceError.single(found.where, "timestamp", allowed)
            return starts_us[0] - starting_us
        before = bisect_right(starts_us, found.time_us)
        if before:
            return starts_us[before - 1] - starting_us
        return found.time_us - round(report.duration_ms * US_PER_MS) - starting_us


@dataclass(frozen=True)
class _LogReader:
    file: SourceFile
    function: str
    rule: MomentRule
    bad_rows: BadRows

    def read(self, log: ReadLog) -> Iterator[pd.DataFrame]:
        import pandas as pd

        seen = _Invocations()
        for found in _findings(self.file, self.rule):
            if isinstance(found, Started):
                seen.starts_us[found.request_id].append(found.time_us)
            elif isinstance(found, Reported):
                seen.reported.append(found)
            else:
                self._refuse(found, log)
        for times_us in seen.starts_us.values():
            times_us.sort()
        rows: list[tuple[object, ...]] = []
        for found in seen.reported:
            try:
                rows.append(_row(seen.arrival_us(found), self.function, found))
            except TraceError as error:
                self._refuse(error.faults[0], log)
        if not rows:
            what = f"all {log.skipped:,} were skipped" if log.skipped else "there is none"
            raise TraceError.single(
                self.file.path, "", f"must have REPORT lines or platform.report objects; {what}"
            )
        log.rows += len(rows)
        unfinished = seen.unfinished()
        if unfinished == 1:
            log.warn("1 request has a START but no REPORT and is left out")
        elif unfinished:
            log.warn(f"{unfinished:,} requests have a START but no REPORT and are left out")
        rows.sort(key=lambda row: row[0])  # type: ignore[arg-type, return-value]
        columns = zip(_COLUMNS, zip(*rows, strict=True), strict=True)
        yield pd.DataFrame({name: pd.Series(values, dtype=DTYPES[name]) for name, values in columns})

    def _refuse(self, fault: Fault, log: ReadLog) -> None:
        if self.bad_rows is BadRows.ERROR:
            raise TraceError([fault])
        log.skip(fault)


def _row(arrival_us: int, function: str, found: Reported) -> tuple[object, ...]:
    report = found.report
    return (
        arrival_us, function, report.duration_ms, report.environment_start_ms, report.billed_ms, report.memory_mb,
        report.max_memory_mb, report.status, report.request_id, found.exec_env,
    )  # fmt: skip


def _findings(file: SourceFile, rule: MomentRule) -> Iterator[Started | Reported | Fault]:
    text = file.text()
    events = _log_events(file.path, text)
    if events is None:
        yield from LogText(text, rule, file.path).findings()
        return
    for record, event in enumerate(events, start=1):
        try:
            yield from _event_findings(file, rule, record, event)
        except TraceError as error:
            fault = error.faults[0]
            yield Fault(f"{file.path}, record {record}", fault.field, fault.message)


def _log_events(path: str, text: str) -> Iterable[Any] | None:
    """Return the log events of a JSON file, None where it is lines of text, which may begin with a bracket too."""
    if opening := _LIST.match(text):
        return json_items(path, text, opening.end())
    if not _ANSWER.match(text):
        return None
    events = parse_json(path, text).get("events")
    if not isinstance(events, list):
        raise TraceError.single(path, "events", f"must be a list of log events, got {events!r:.40}")
    return events


def _event_findings(
    file: SourceFile, rule: MomentRule, record: int, event: Any
) -> Iterator[Started | Reported | Fault]:
    if not isinstance(event, dict):
        raise TraceError.single("", "", f"must be an object, got {event!r:.40}")
    if "message" not in event:
        if event.get("type") in ("platform.start", "platform.report"):
            yield platform_finding(event, None)
        return
    message, at_ms, stream = event["message"], event.get("timestamp"), event.get("logStreamName")
    if not isinstance(message, str):
        raise TraceError.single("", "message", f"must be text, got {message!r:.40}")
    if isinstance(at_ms, bool) or not isinstance(at_ms, int) or not 0 <= at_ms <= _LATEST_MS:
        allowed = f"must be ms since 1970, up to the year 2200, got {at_ms!r:.40}"
        raise TraceError.single("", "timestamp", allowed)
    exec_env = stream if isinstance(stream, str) else None
    yield from LogText(message, rule, file.path, record, at_ms * US_PER_MS, exec_env).findings()


def read_report_logs(
    path: str | os.PathLike[str],
    *,
    function: str | None = None,
    naive: Naive | None = None,
    on_bad_row: BadRows = BadRows.ERROR,
) -> Trace:
    """Read the log of a function.

    Parameters
    ----------
    path : path-like
        At most 512 MiB, plain or gzip: a JSON array of CloudWatch log events (``logStreamName``, ``timestamp``,
        ``message``); the object that ``aws logs filter-log-events`` gives; lines of ``aws logs tail`` or of an
        export to S3, which begin with the time, or with log stream and time in either order; or text with
        ``platform.start`` and ``platform.report`` objects, on one line or several, behind other words or not.
    function : str, optional
        Name of the function. By default the name of the file without its endings.
    naive : {"utc"}, optional
        Take times before a line that have no offset, as ``aws logs tail --format short`` prints them, as UTC.
        By default they are refused.
    on_bad_row : BadRows
        Whether a bad report is an error or is skipped and listed in ``Trace.report()``.

    Returns
    -------
    Trace
        Events, one for each report. It arrived at the time of its START, or else of its report less the duration;
        and before that by what its environment took to start, since START is written after INIT or restore. A
        START that shares a message with its REPORT has the time of that message. ``init_ms`` is what the
        environment took to start: Init Duration, or Restore Duration under SnapStart. ``billed_ms`` is as AWS
        printed it, and contains the billed part of a restore. ``status`` is ``success`` where the report names
        no Status, and ``error`` where it names an Error Type alone. ``exec_env`` is the log stream: one stream
        is one execution environment.

    Raises
    ------
    TraceError
        Naming file, record or row, field, value and what is allowed.

    References
    ----------
    AWS Lambda Developer Guide, "Telemetry API schema reference" and "Monitoring SnapStart"; AWS CLI Command
    Reference, "logs tail"; seen November 2026. That START follows INIT is seen in `data/report_logs`.

    Examples
    --------
    >>> trace = read_report_logs("data/report_logs/aws_2rps_cloudwatch.json")
    >>> table = trace.frame()
    >>> len(table), table["exec_env"].nunique(), table["memory_mb"].unique().tolist()
    (240, 1, [1769])
    """
    file = SourceFile.at(path)
    try:
        rule = MomentRule(naive=naive)
    except ValueError as problem:
        raise TraceError.single(file.path, "", str(problem)) from None
    reader = _LogReader(file, function or file.stem, rule, BadRows(on_bad_row))
    trace = Trace(TraceKind.EVENTS, file.provenance("report_logs"), None, _COLUMNS, reader)
    trace.summary()
    return trace
