"""Log text cut into what Lambda wrote in it: starts, reports and remarks, each with its time and place."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

from lambdasim.errors import Fault, TraceError
from lambdasim.traffic.readers.logs.line_head import LineHead, line_head
from lambdasim.traffic.readers.logs.marks import Marks
from lambdasim.traffic.readers.logs.remarks import (
    REMARK_TYPES,
    Remark,
    RemarkKind,
    init_report,
    is_performance,
    performance_report,
    platform_remark,
    runtime_of,
)
from lambdasim.traffic.readers.logs.reports import Report, parse_platform_report, parse_report_line
from lambdasim.traffic.readers.moments import MomentRule
from lambdasim.units import US_PER_MS

LINE_REACH: Final = 1 << 12
"""How far [characters] a REPORT line reaches, and how far before it its line may begin."""
OBJECT_REACH: Final = 1 << 16
"""How far [characters] a platform object may reach before and behind its type."""
_OBJECT_DEPTH: Final = 32
_LATEST_MS: Final = 7_258_118_400_000  # the year 2200
_DECODER: Final = json.JSONDecoder()


@dataclass(frozen=True, slots=True)
class Started:
    """An invocation began.

    Attributes
    ----------
    request_id : str
    time_us : int or None
        When START was written, after the environment had started [µs since 1970].
    version : str or None
        Of the function.
    """

    request_id: str
    time_us: int | None
    version: str | None = None


@dataclass(frozen=True, slots=True)
class Reported:
    """An invocation was reported.

    Attributes
    ----------
    report : Report
    time_us : int or None
        When it was written, at the end [µs since 1970]; None where the text does not say.
    exec_env : str or None
        Log stream.
    where : str
        File and place.
    function : str or None
        Named by the log group, where the log has it.
    cpu_time_ms : float or None
        CPU time, which Lambda Insights alone measures [ms].
    """

    report: Report
    time_us: int | None
    exec_env: str | None
    where: str
    function: str | None = None
    cpu_time_ms: float | None = None


@dataclass
class LogText:
    """A log event's message, or a whole file of lines.

    Attributes
    ----------
    text : str
    rule : MomentRule
        How times before a line are written.
    path : str
        Name of the file.
    record : str or None
        Place of the log event in the file; None for a whole file, in which rows are counted.
    time_us : int or None
        Time of the log event [µs since 1970]; None where only the message may have one.
    exec_env : str or None
        Log stream of the log event.
    function : str or None
        Named by the log group of the log event.
    unread_time : str
        The first beginning of a line that has a time in a form that is not read.
    local : bool
        Whether a line begins with a time that does not say its offset from UTC.
    """

    text: str
    rule: MomentRule
    path: str
    record: str | None = None
    time_us: int | None = None
    exec_env: str | None = None
    function: str | None = None
    unread_time: str = ""
    local: bool = False
    _counted: tuple[int, int] = field(default=(0, 1), repr=False)

    def findings(self) -> Iterator[Started | Reported | Remark | Fault]:
        """Yield what Lambda wrote, in the order of the text, or what is wrong with it."""
        done = 0
        marks = Marks(self.text)
        while mark := marks.next(done):
            begin, done = done, mark.end()
            try:
                if mark["platform"] or mark["performance"]:
                    content, first, done = self._object(begin, mark)
                    found = self._of_object(content, first)
                else:
                    found = self._of_line(mark)
                if found is not None:
                    yield found
            except TraceError as error:
                yield replace(error.faults[0], where=self._where(mark.start()))

    def _of_object(self, content: dict[str, Any], first: int) -> Started | Reported | Remark | None:
        head = self._head(first)
        found = lambda_object(content, head.stream, head.function, self._where(first))
        if "type" not in content and isinstance(found, Reported) and head.time_us is not None:
            return replace(found, time_us=head.time_us)
        return found

    def _of_line(self, mark: re.Match[str]) -> Started | Reported | Remark | None:
        if mark["report"]:
            if not mark[0].endswith(":"):
                raise TraceError.single("", "RequestId", f"must be a whole line, it ends with {mark[0]!r}")
            return self._reported(mark.start())
        head = self._head(mark.start())
        time_us, exec_env = head.time_us, head.stream
        if mark["start"]:
            return Started(mark["start"], time_us, mark["of"])
        if mark["begins"]:
            kind = RemarkKind(mark["begins"])
            return Remark(kind, time_us, exec_env, runtime=runtime_of(mark["version"]))
        if mark["started"]:
            return Remark(RemarkKind(mark["started"]), time_us, exec_env, **init_report(mark["fields"]))
        if mark["raised"]:
            return Remark(RemarkKind.ENDED, time_us, exec_env, status="error")
        request = mark["late"] or mark["ended"] or mark["failed"]
        how = mark["how"] or ""
        ended = "timeout" if mark["late"] else "error" if mark["failed"] else "crash"
        if "signal: killed" in how or "OutOfMemory" in how:
            ended = "out_of_memory"
        return Remark(RemarkKind.ENDED, time_us, exec_env, request, status=ended)

    def _reported(self, place: int) -> Reported:
        report = parse_report_line(self.text[place : place + LINE_REACH])
        head = self._head(place)
        return Reported(report, head.time_us, head.stream, self._where(place), head.function)

    def _object(self, begin: int, mark: re.Match[str]) -> tuple[dict[str, Any], int, int]:
        """Return the object whose type was found, its begin and end; other text may stand right before it."""
        first = max(begin, mark.start() - OBJECT_REACH)
        window = self.text[first : mark.end() + OBJECT_REACH]
        brace = mark.start() - first
        for _ in range(_OBJECT_DEPTH):
            brace = window.rfind("{", 0, brace)
            if brace < 0:
                break
            try:
                found, end = _DECODER.raw_decode(window, brace)
            except (ValueError, RecursionError):
                continue
            mine = (
                is_performance(found)
                if mark["performance"]
                else str(found.get("type", "")).startswith("platform.")
            )
            if first + end > mark.start() and mine:
                return found, first + brace, first + end
        if mark["performance"]:
            return {"type": "other"}, mark.start(), mark.end()
        name = f"platform.{mark['platform']}"
        raise TraceError.single("", name, "must be a whole JSON object of at most 64 KiB")

    def _head(self, place: int) -> LineHead:
        """Return time, log stream and group: of the log event, or as the line begins with them."""
        known = LineHead(self.time_us, self.exec_env, self.function)
        if self.record is not None and self.time_us is not None:
            return known
        reach = max(0, place - LINE_REACH)
        line = self.text.rfind("\n", reach, place) + 1 or reach
        above = self.text[self.text.rfind("\n", reach, max(line - 1, reach)) + 1 or reach : line]
        try:
            found = line_head(self.text[line:place], above, self.rule)
        except ValueError as problem:
            raise TraceError.single("", "timestamp", str(problem)) from None
        if found.unread:
            self.unread_time = self.unread_time or found.unread
        self.local = self.local or found.local
        return LineHead(found.time_us, found.stream or known.stream, found.function or known.function)

    def _where(self, place: int) -> str:
        if self.record is not None:
            return f"{self.path}, {self.record}"
        before, row = self._counted if self._counted[0] <= place else (0, 1)
        self._counted = (place, row + self.text.count("\n", before, place))
        return f"{self.path}, row {self._counted[1]}"


def lambda_object(
    found: Mapping[str, Any], exec_env: str | None, function: str | None = None, where: str = ""
) -> Started | Reported | Remark | None:
    """Read a ``platform`` object or an event of Lambda Insights, which have their own time; None where it says nothing.

    Raises
    ------
    TraceError
        When its time, request or a metric is missing or wrong.
    """
    if is_performance(found):
        name = found.get("function_name")
        named = name if isinstance(name, str) and name else function
        report, cpu_time_ms = performance_report(found)
        return Reported(report, _embedded_time_us(found), exec_env, where, named, cpu_time_ms)
    if found.get("type") not in (*REMARK_TYPES, "platform.start", "platform.report"):
        return None
    if found["type"] in REMARK_TYPES:
        return _remark(found, exec_env, function)
    time_us = _time_us(found)
    if found["type"] == "platform.report":
        return Reported(parse_platform_report(found), time_us, exec_env, where, function)
    record = found.get("record")
    request = record.get("requestId") if isinstance(record, dict) else None
    if not isinstance(request, str):
        raise TraceError.single("", "requestId", f"must be text, got {request!r:.40}")
    version = record.get("version") if isinstance(record, dict) else None
    return Started(request, time_us, version if isinstance(version, str) else None)


def _remark(found: Mapping[str, Any], exec_env: str | None, function: str | None) -> Remark | None:
    """Read a remark; one that is not as Lambda writes it says nothing, since no invocation is lost with it."""
    try:
        return platform_remark(found, _time_us(found), exec_env, function)
    except TraceError:
        return None


def _time_us(found: Mapping[str, Any]) -> int:
    try:
        return MomentRule().one(str(found.get("time", "")))
    except ValueError as problem:
        raise TraceError.single("", "time", str(problem)) from None


def _embedded_time_us(event: Mapping[str, Any]) -> int | None:
    """Return the time inside an event in CloudWatch's embedded metric format [µs since 1970]."""
    about = event.get("_aws")
    moment = about.get("Timestamp") if isinstance(about, Mapping) else None
    whole = isinstance(moment, int) and not isinstance(moment, bool) and 0 <= moment < _LATEST_MS
    return moment * US_PER_MS if whole and isinstance(moment, int) else None
