"""Logs of Lambda itself as traffic: CloudWatch log events, or lines of log text."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from lambdasim.errors import Fault, TraceError
from lambdasim.traffic.readers.bad_rows import checked_bad_rows
from lambdasim.traffic.readers.logs.events import LogEvent, invoked_text, log_event, log_records, packed_text
from lambdasim.traffic.readers.logs.invocations import COLUMNS, Invocations
from lambdasim.traffic.readers.logs.own_lines import weigh, weigh_text
from lambdasim.traffic.readers.logs.remarks import Remark
from lambdasim.traffic.readers.logs.text import LogText, Reported, Started, lambda_object
from lambdasim.traffic.readers.logs.wrapped import timed_lines, without_offset
from lambdasim.traffic.readers.looks import looks_like
from lambdasim.traffic.readers.moments import MomentRule, Naive
from lambdasim.traffic.readers.source import SourceFile
from lambdasim.traffic.readers.workbook import SheetForm, is_workbook, sheet_text
from lambdasim.traffic.report import ReadLog
from lambdasim.traffic.trace import LOG_DTYPES, BadRows, Trace, TraceKind
from lambdasim.wording import clipped, count, listed

if TYPE_CHECKING:
    import pandas as pd


_COLOURS: Final = re.compile(r"\x1b\[[0-9;]{0,20}[mK]")
"""What sets colours in terminals, as `sam logs` and `aws logs tail` write it."""


_COPIED: Final = {"\xa0": " ", "\u202f": " ", "\u2007": " ", "\u200b": "", "\ufeff": ""}
"""Blanks that text has which was copied from pages, and what they are in a log."""


@dataclass
class _Kept:
    """What the first pass found, for the second: a log is checked as it is opened, and then mostly read once."""

    found: tuple[pd.DataFrame, ReadLog] | None = None
    passes: int = 0

    def __reduce__(self) -> tuple[type[_Kept], tuple[None, int]]:
        """Pickle without the table."""
        return _Kept, (None, 1)


@dataclass(frozen=True)
class _LogReader:
    file: SourceFile
    function: str
    rule: MomentRule
    bad_rows: BadRows
    timeless: bool
    kept: _Kept = field(default_factory=_Kept, repr=False, compare=False)

    def read(self, log: ReadLog) -> Iterator[pd.DataFrame]:
        kept = self.kept
        found, kept.found = kept.found, None
        if found is None:
            found = self._table(log), log
            kept.found = found if not kept.passes else None
            kept.passes += 1
        else:
            with self.file.opened():  # which refuses a file that has changed since
                log.take(found[1])
        yield found[0]

    def _table(self, log: ReadLog) -> pd.DataFrame:
        import pandas as pd

        seen = Invocations()
        for found in _findings(self.file, self.rule, log):
            if isinstance(found, Fault):
                self._refuse(found, log)
            else:
                seen.add(found)
        timeless = self.timeless and all(found.time_us is None for found in seen.reported)
        rows: list[tuple[object, ...]] = []
        for row in seen.rows(self.function, timeless and not seen.starts_us):
            if isinstance(row, TraceError):
                self._refuse(row.faults[0], log)
            else:
                rows.append(row)
        if not rows:
            self._refuse_all(log)
        log.rows += len(rows)
        log.repeated = seen.repeated
        if seen.repeated:
            log.warn(
                f"{count(seen.repeated, 'report')} that {'repeats' if seen.repeated == 1 else 'repeat'} another "
                "of the same request and moment left out"
            )
        for told in seen.unpriced():
            log.warn(told)
        if several := seen.several():
            names = listed((clipped(name, 64) for name in several), most=8, last=" and ")
            log.warn(f"environments of {names} start in it, and its reports do not say whose they are")
        unfinished = seen.unfinished()
        if unfinished == 1:
            log.warn("1 request has a START but no REPORT and is left out")
        elif unfinished:
            log.warn(f"{unfinished:,} requests have a START but no REPORT and are left out")
        rows.sort(key=lambda row: row[0])  # type: ignore[arg-type, return-value]
        columns = zip(COLUMNS, zip(*rows, strict=True), strict=True)
        return pd.DataFrame({name: pd.Series(values, dtype=LOG_DTYPES[name]) for name, values in columns})

    def _refuse_all(self, log: ReadLog) -> None:
        """Say that no invocation was found, and what the file looks like where it is no log."""
        seen = "" if log.skipped else looks_like(self.file)
        what = f"all {log.skipped:,} were skipped" if log.skipped else f"there is none{seen}"
        raise TraceError.single(
            self.file.path,
            "",
            f"must have REPORT lines, platform.report objects or events of Lambda Insights; {what}",
        )

    def _refuse(self, fault: Fault, log: ReadLog) -> None:
        if self.bad_rows is BadRows.ERROR:
            raise TraceError([fault])
        log.skip(fault)


def _findings(
    file: SourceFile, rule: MomentRule, log: ReadLog
) -> Iterator[Started | Reported | Remark | Fault]:
    sheet = is_workbook(file)
    text = b"".join(sheet_text(file, SheetForm())).decode() if sheet else _COLOURS.sub("", file.text())
    for copied, plain in _COPIED.items():
        text = text.replace(copied, plain)
    for unpack in (packed_text, invoked_text):
        inside = unpack(file.path, text)
        text = text if inside is None else inside
    records = log_records(file.path, text)
    if records is None:
        lines = LogText(timed_lines(text), rule, file.path)
        yield from lines.findings()
        weigh_text(lines.text, log)
        if lines.local:
            log.warn("times without an offset are taken as UTC, as `aws logs tail` prints them")
        if lines.unread_time:
            log.warn(f"times such as that of {lines.unread_time!r} are not read: write year, month and day")
        return
    if without_offset(text):
        log.warn("times such as 'Nov 3, 2026 @ 10:00:00.000' have no offset, and are taken as UTC")
    for place, record in records:
        if isinstance(record, Fault):
            yield record if record.where else Fault(f"{file.path}, {place}", record.field, record.message)
            continue
        try:
            event = log_event(record)
            if isinstance(event, LogEvent):
                weigh(event.message, event.function, log)
                yield from LogText(
                    event.message, rule, file.path, place, event.time_us, event.exec_env, event.function
                ).findings()
            elif event is not None:
                found = lambda_object(event, None, where=f"{file.path}, {place}")
                if found is not None:
                    yield found
        except TraceError as error:
            fault = error.faults[0]
            yield Fault(f"{file.path}, {place}", fault.field, fault.message)


def read_report_logs(
    path: str | os.PathLike[str],
    *,
    function: str | None = None,
    utc: bool = False,
    naive: Naive | None = None,
    on_bad_row: BadRows = BadRows.ERROR,
    timeless: bool = False,
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
        several, behind other words or not; events of Lambda Insights; tables of the console, as ASCII, Markdown or with
        bars between the columns; answers of ``aws lambda invoke --log-type Tail``; the CLI's answers as YAML; JSON of
        any shape with Lambda's lines in its strings, and a time beside them, as OpenSearch, Datadog, Splunk, Loki and
        New Relic export it; batches of a subscription as base64 of gzip; a workbook of the console. A line may begin
        with other words too: the first time, log stream and log group among them are taken, or a time that stands
        alone on the line above. An event that stands twice counts once.
    function : str, optional
        Name of the function where the file has no log group. By default the name of the file without its endings.
    utc : bool
        Take times before a line that have no offset, as ``aws logs tail --format short`` prints them, as UTC.
        By default they are refused.
    naive : {"utc"}, optional
        An older spelling of `utc`.
    on_bad_row : BadRows
        Whether a bad report is an error or is skipped and listed in ``Trace.report()``.
    timeless : bool
        Accept a log in which no report has a time: ``timestamp_us`` is then -1 everywhere. Durations can be used,
        traffic cannot.

    Returns
    -------
    Trace
        Events, one for each report. It arrived at the time of its START, or else of its report less the duration;
        and before that by what its environment took to start, since START is written after INIT or restore. A
        START that shares a message with its REPORT has the time of that message. ``init_ms`` is what the
        environment took to start: Init Duration, or Restore Duration under SnapStart. ``billed_ms`` is as AWS
        printed it, and contains the billed part of a restore. ``status`` is ``success``, ``error``, ``timeout``,
        ``crash`` or ``out_of_memory``, from Status and Error Type, or from the words that Lambda writes where the
        report has neither. ``exec_env`` is the log stream: one stream is one execution environment. ``start`` is
        ``warm``, ``cold``, ``restore``, ``again`` where INIT was broken off and ran again inside this run, or
        ``reset`` where it ran inside after a failure; ``again_ms`` is that INIT where it is logged,
        ``broken_ms`` how long the one before had lasted.
        ``restore_ms`` is the restore, ``response_ms`` the time until the answer, ``cpu_time_ms`` the CPU time that
        Lambda Insights measured, ``runtime`` the runtime of the environment.

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
        rule = MomentRule(naive="utc" if utc else naive)
    except ValueError as problem:
        raise TraceError.single(file.path, "", str(problem)) from None
    reader = _LogReader(file, function or file.stem, rule, checked_bad_rows(file.path, on_bad_row), timeless)
    trace = Trace(TraceKind.EVENTS, file.provenance("report_logs"), None, COLUMNS, reader)
    trace.summary()
    return trace
