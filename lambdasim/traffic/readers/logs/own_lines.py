"""What a function itself wrote into a log, beside the lines of Lambda that tell whether an export is whole.

References
----------
AWS Lambda Developer Guide, "Working with Lambda function logs" and "Telemetry API schema reference"; seen November
2026. In JSON the end of a run (``platform.runtimeDone``) is written at the level DEBUG only, in text END always.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from lambdasim.traffic.readers.logs.line_head import ISO_FORM
from lambdasim.traffic.report import ReadLog

_LINES: Final = (
    "INIT_START", "INIT_REPORT", "RESTORE_START", "RESTORE_REPORT", "EXTENSION\t", "TELEMETRY\t", "LOGS\t",
    "XRAY TraceId",
)  # fmt: skip
_OBJECT: Final = re.compile(r'"type"\s*:\s*"(?P<platform>platform\.\w+)"|"event_type"\s*:\s*"performance"')
_REACH: Final = 4_096
_ENDS: Final = ("Task timed out after", "exited")
_ENDED: Final = re.compile(
    r"(?:\S{1,40} )?(?:RequestId: )?[\w-]{8,128}\s+(?:Task timed out after|(?:Error: )?(?:Runtime|Process) exited)"
)
_ALARMED: Final = re.compile(
    r"\b(?:ERROR|WARN(?:ING)?|FATAL|CRITICAL)\b|Error\b|Exception\b|\berror\b|\bwarn(?:ing)?\b|Traceback|RequestId"
)
"""What filters let through: errors and warnings, or the word that stands on each of Lambda's own lines."""
_TIME: Final = rf"(?:{ISO_FORM}|[0-9]{{13}})[ \t]+"
_STREAM: Final = r"[0-9]{4}/[0-9]{2}/[0-9]{2}/[^\s\[\]]{0,160}\[[^\s\[\]]{1,160}\]\S{1,160}[ \t]+"
_HEAD: Final = re.compile(rf"{_TIME}(?:{_STREAM})?|{_STREAM}(?:{_TIME})?")
"""What the CLI and exports write before a message: time, log stream, or both."""
_OF_RUNS: Final = re.compile(r'(?<![A-Z_])(?:START RequestId|REPORT R)|"platform\.(?:start|report)"')
_STARTS: Final = "START RequestId"


def kind_of(message: str) -> str:
    """Name what a log event is: ``start``, ``end`` or ``report`` of a run, ``lambda`` for other lines of Lambda, ``own``.

    Examples
    --------
    >>> [kind_of(line) for line in ("order 17 paid", "END RequestId: 6f7f0961", '{"type":"platform.start"}', " ")]
    ['own', 'end', 'start', 'lambda']
    """
    line = message.lstrip()
    if not line:
        return "lambda"
    if line.startswith(_STARTS):
        return "start"
    if line.startswith("REPORT R"):
        return "report"
    if line.startswith("END RequestId"):
        return "end"
    if line.startswith(_LINES) or (any(word in line for word in _ENDS) and _ENDED.match(line)):
        return "lambda"
    if line.startswith("{") and (found := _OBJECT.search(line, 0, _REACH)):
        return {"platform.start": "start", "platform.report": "report"}.get(found["platform"], "lambda")
    return "own"


def weigh(message: str, function: str | None, log: ReadLog) -> None:
    """Count a log event, and what it holds where the function itself wrote it.

    Parameters
    ----------
    message : str
    function : str or None
        Named by the log group.
    log : ReadLog
        Takes the count.
    """
    kind, found = kind_of(message), log.own_lines[function or ""]
    if kind == "own":
        if found.alarmed == found.events:  # one that is none is enough
            found.alarmed += _ALARMED.search(message) is not None
        found.events += 1
        found.bytes += len(message) if message.isascii() else len(message.encode())
    elif kind == "start":
        found.starts += 1
        found.of_text += not message.lstrip().startswith("{")
    elif kind == "end":
        found.ends += 1
    elif kind == "report":
        found.reports += 1


def weigh_text(text: str, log: ReadLog) -> None:
    """Count the events of lines of text; nothing where Lambda's lines begin with words that are no time or stream.

    A line without time and stream belongs to the event above it, where others have them.

    Parameters
    ----------
    text : str
    log : ReadLog
        Takes the count.
    """
    headed = plain = 0
    for mark in _OF_RUNS.finditer(text):
        begin = text.rfind("\n", 0, mark.start()) + 1
        rest, has_head = _behind_head(text[begin : mark.end() + _REACH])
        if kind_of(rest) not in ("start", "report"):
            return
        headed, plain = headed + has_head, plain + (not has_head)
    if bool(headed) == bool(plain):
        return
    event: list[str] = []
    for line in _lines(text):
        rest, has_head = _behind_head(line) if headed else (line, True)
        if event and has_head:
            weigh("\n".join(event), None, log)
            event = []
        event.append(rest)
    if event:
        weigh("\n".join(event), None, log)


def _behind_head(line: str) -> tuple[str, bool]:
    """Take time and log stream off a line; say whether it has any."""
    head = _HEAD.match(line) if line[:1].isdigit() else None
    return (line, False) if head is None else (line[head.end() :], True)


def _lines(text: str) -> Iterator[str]:
    """Yield the lines of a text one by one, without their ends."""
    place = 0
    while (end := text.find("\n", place)) >= 0:
        yield text[place : end - 1 if end > place and text[end - 1] == "\r" else end]
        place = end + 1
    if place < len(text):
        yield text[place:]
