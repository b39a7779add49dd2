"""Logs of Lambda itself as traffic: CloudWatch log events, or lines of log text."""

from __future__ import annotations

import os
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from lambdasim.errors import Fault, TraceError
from lambdasim.traffic.readers.bad_rows import checked_bad_rows
from lambdasim.traffic.readers.logs.events import LogEvent, log_event, log_records
from lambdasim.traffic.readers.logs.text import LogText, Reported, Started, platform_finding
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
        for found in _findings(self.file, self.rule, log):
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
                rows.append(_row(seen.arrival_us(found), found.function or self.function, found))
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


def _findings(file: SourceFile, rule: MomentRule, log: ReadLog) -> Iterator[Started | Reported | Fault]:
    text = file.text()
    records = log_records(file.path, text)
    if records is None:
        lines = LogText(text, rule, file.path)
        yield from lines.findings()
        if lines.without_offset():
            log.warn("times without an offset are taken as UTC, as `aws logs tail` prints them")
        return
    for place, record in records:
        if isinstance(record, Fault):
            yield record if record.where else Fault(f"{file.path}, {place}", record.field, record.message)
            continue
        try:
            event = log_event(record)
            if isinstance(event, LogEvent):
                yield from LogText(
                    event.message, rule, file.path, place, event.time_us, event.exec_env, event.function
                ).findings()
            elif event is not None:
                yield platform_finding(event, None)
        except TraceError as error:
            fault = error.faults[0]
            yield Fault(f"{file.path}, {place}", fault.field, fault.message)


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
        At most 512 MiB, plain or gzip. CloudWatch log events (``logStreamName``, ``timestamp``, ``message``) as a
        JSON array, as the object that ``aws logs filter-log-events`` gives, or one after another as ``jq`` writes
        them; records of a subscription (``logGroup``, ``logStream``, ``logEvents``), one after another as Firehose
        puts them into S3; CSV or JSON of the console or of Logs Insights with the time and ``message`` or
        ``@message``; lines of ``aws logs tail`` or of an export to S3, which begin with the time, or with log stream
        and time in either order; or text with ``platform.start`` and ``platform.report`` objects, on one line or
        several, behind other words or not.
    function : str, optional
        Name of the function where the file has no log group. By default the name of the file without its endings.
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
    Reference, "logs tail"; CloudWatch Logs user guide, "Log group-level subscription filters"; seen November 2026.
    That START follows INIT is seen in `data/report_logs`.

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
    reader = _LogReader(file, function or file.stem, rule, checked_bad_rows(file.path, on_bad_row))
    trace = Trace(TraceKind.EVENTS, file.provenance("report_logs"), None, _COLUMNS, reader)
    trace.summary()
    return trace
