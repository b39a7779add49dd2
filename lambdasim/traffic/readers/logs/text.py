"""Log text cut into what Lambda wrote in it: starts and reports of invocations, each with its time and place."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

from lambdasim.errors import Fault, TraceError
from lambdasim.traffic.readers.logs.reports import Report, parse_platform_report, parse_report_line
from lambdasim.traffic.readers.moments import MomentRule

LINE_REACH: Final = 1 << 12
"""How far [characters] a REPORT line reaches, and how far before it its line may begin."""
OBJECT_REACH: Final = 1 << 16
"""How far [characters] a platform object may reach before and behind its type."""
_OBJECT_DEPTH: Final = 32
_DECODER: Final = json.JSONDecoder()
_MARK: Final = re.compile(
    r"(?<![A-Z_])(?:START RequestId:\s*([\w-]{1,128}?)(?=Version:|[^\w-]|$)"
    r"|(REPORT) R(?:equestId:|e?q?u?e?s?t?I?d?[ \t]*(?=[\r\n]|\Z)))"
    r'|"type"\s*:\s*"platform\.(start|report)"'
)
_TIME: Final = (
    r"(?P<time>[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}:[0-9]{2}"
    r"(?:\.[0-9]{1,9})?(?:Z|[+-][0-9]{2}:?[0-9]{2})?)"
)
_WITHOUT_OFFSET: Final = re.compile(
    r"^[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]{1,9})?[ \t]", re.MULTILINE
)
_STREAM: Final = (
    r"(?P<stream>[0-9]{4}/[0-9]{2}/[0-9]{2}/[^\s\[\]]{0,160}\[[^\s\[\]]{1,160}\][^\s\[\]]{1,160})"
)
_PREFIXES: Final = (
    re.compile(rf"{_TIME}[ \t]+(?:{_STREAM}[ \t])?"),
    re.compile(rf"{_STREAM}[ \t]+{_TIME}[ \t]"),
)


@dataclass(frozen=True, slots=True)
class Started:
    """An invocation began.

    Attributes
    ----------
    request_id : str
    time_us : int
        When START was written, after the environment had started [µs since 1970].
    """

    request_id: str
    time_us: int


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
        File and place, where the time is missing and may have to be asked for; empty otherwise.
    function : str or None
        Named by the log group, where the log has it.
    """

    report: Report
    time_us: int | None
    exec_env: str | None
    where: str
    function: str | None = None


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
        Time of the log event [µs since 1970].
    exec_env : str or None
        Log stream of the log event.
    function : str or None
        Named by the log group of the log event.
    """

    text: str
    rule: MomentRule
    path: str
    record: str | None = None
    time_us: int | None = None
    exec_env: str | None = None
    function: str | None = None
    _counted: tuple[int, int] = field(default=(0, 1), repr=False)

    def findings(self) -> Iterator[Started | Reported | Fault]:
        """Yield what Lambda wrote, in the order of the text, or what is wrong with it."""
        done = 0
        while mark := _MARK.search(self.text, done):
            begin, done = done, mark.end()
            try:
                if mark[3]:
                    found, first, done = self._object(begin, mark)
                    yield platform_finding(found, self._moment(first)[1], self.function)
                elif mark[2]:
                    if not mark[0].endswith(":"):
                        raise TraceError.single(
                            "", "RequestId", f"must be a whole line, it ends with {mark[0]!r}"
                        )
                    yield self._reported(mark.start())
                elif (time_us := self._moment(mark.start())[0]) is not None:
                    yield Started(mark[1], time_us)
            except TraceError as error:
                yield replace(error.faults[0], where=self._where(mark.start()))

    def without_offset(self) -> bool:
        """Tell whether a line begins with a time that does not say its offset from UTC."""
        return self.record is None and _WITHOUT_OFFSET.search(self.text) is not None

    def _reported(self, place: int) -> Reported:
        report = parse_report_line(self.text[place : place + LINE_REACH])
        time_us, exec_env = self._moment(place)
        where = "" if time_us is not None else self._where(place)
        return Reported(report, time_us, exec_env, where, self.function)

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
            if first + end > mark.start() and str(found.get("type", "")).startswith("platform."):
                return found, first + brace, first + end
        raise TraceError.single("", f"platform.{mark[3]}", "must be a whole JSON object of at most 64 KiB")

    def _moment(self, place: int) -> tuple[int | None, str | None]:
        """Return time and log stream: of the log event, or as the line begins with them."""
        if self.record is not None:
            return self.time_us, self.exec_env
        reach = max(0, place - LINE_REACH)
        line = self.text.rfind("\n", reach, place) + 1 or reach
        for prefix in _PREFIXES:
            found = prefix.match(self.text, line, place)
            if found:
                try:
                    return self.rule.one(found["time"]), found["stream"]
                except ValueError as problem:
                    raise TraceError.single("", "timestamp", str(problem)) from None
        return None, None

    def _where(self, place: int) -> str:
        if self.record is not None:
            return f"{self.path}, {self.record}"
        before, row = self._counted
        self._counted = (place, row + self.text.count("\n", before, place))
        return f"{self.path}, row {self._counted[1]}"


def platform_finding(
    found: Mapping[str, Any], exec_env: str | None, function: str | None = None
) -> Started | Reported:
    """Read a ``platform.start`` or ``platform.report`` object, which has its own time.

    Raises
    ------
    TraceError
        When its time, request or a metric is missing or wrong.
    """
    try:
        time_us = MomentRule().one(str(found.get("time", "")))
    except ValueError as problem:
        raise TraceError.single("", "time", str(problem)) from None
    if found["type"] == "platform.report":
        return Reported(parse_platform_report(found), time_us, exec_env, "", function)
    record = found.get("record")
    request = record.get("requestId") if isinstance(record, dict) else None
    if not isinstance(request, str):
        raise TraceError.single("", "requestId", f"must be text, got {request!r:.40}")
    return Started(request, time_us)
