"""What Lambda reports of one invocation: a REPORT line, or a platform.report object, as one record.

References
----------
AWS Lambda Developer Guide, "Viewing CloudWatch logs", "Monitoring SnapStart" and "Telemetry API schema reference",
seen November 2026.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from lambdasim.errors import TraceError
from lambdasim.traffic.readers.possible import impossible, impossible_memory

SUCCESS: Final = "success"
LARGEST: Final = 10**12
_REQUEST: Final = re.compile(r"REPORT RequestId:\s*([\w-]+?)(?=Duration:|[^\w-]|$)")
_MORE: Final = (
    r"(?:(?:(?:Billed |Billed Restore |Restore |Init )?Duration|Memory Size|Max Memory Used): *[0-9]"
    r"|Status: *(?:success|timeout|error|failure)\b|Error Type: *\w)"
)
_NEXT: Final = re.compile(rf"[\r\n](?!\s*{_MORE})|(?:START|END|REPORT) RequestId:")
"""What ends a report; a line that begins with its next field goes on with it, as where text was copied."""
_FIELD: Final = re.compile(
    r"(?:\b|(?<=ms)|(?<=MB))(Billed Restore Duration|Restore Duration|Billed Duration|Init Duration|Duration"
    r"|Memory Size|Max Memory Used|Status|Error Type):\s*(\S+)(?:(?=[ \t]+((?:ms|MB)(?=[A-Z])|\S+)))?"
)
_GLUED: Final = re.compile(r"(Status: *(?:success|timeout|error|failure))(?=Error Type:)")
"""A status right before the next field, where the tab between them was lost."""
_NAMES: Final = (
    "Max Memory Used",
    "Init Duration",
    "Restore Duration",
    "Billed Restore Duration",
    "Status",
    "Error Type",
)
_STATUSES: Final = (SUCCESS, "timeout", "error", "failure")
_CRASHES: Final = re.compile(
    r"exit ?error|crash|process ?exited|invalidentrypoint|invalidworkingdir|internal ?error", re.IGNORECASE
)
_OUT_OF_MEMORY: Final = re.compile(r"out ?of ?memory|signal: killed", re.IGNORECASE)
_TIMED_OUT: Final = re.compile(r"time[d_]? ?out", re.IGNORECASE)
_NUMBER: Final = r"[0-9]{1,12}(?:\.[0-9]{1,15})?"
_PLAIN: Final = re.compile(_NUMBER)
_USUAL: Final = re.compile(
    rf"REPORT RequestId: ([\w-]{{1,128}})\tDuration: ({_NUMBER}) ms\tBilled Duration: ([0-9]{{1,12}}) ms ?\t"
    r"Memory Size: ([0-9]{1,12}) MB\tMax Memory Used: ([0-9]{1,12}) MB"
    rf"(?:[ \t]*\tInit Duration: ({_NUMBER}) ms)?[ \t]*(?:\Z|[\r\n](?!\s*(?:\\|{_MORE})))"
)
"""A line as Lambda writes it of a run that succeeded, which needs no search for its fields."""


@dataclass(frozen=True, slots=True)
class Report:
    """What Lambda reports of one invocation.

    Attributes
    ----------
    request_id : str
    duration_ms : float
        Of the handler, without INIT or restore [ms].
    billed_ms : int
        As AWS billed it [ms]: the ceiling of the duration with INIT, where INIT was billed, or with the billed
        part of the restore.
    memory_mb, max_memory_mb : int
        Configured, and most used [MB]; the latter may be None.
    init_ms : float or None
        INIT of an on-demand cold start [ms].
    restore_ms : float or None
        Restore of a SnapStart snapshot [ms].
    billed_restore_ms : int or None
        Part of the restore that is billed, contained in `billed_ms` [ms].
    status : str
        ``success``, or what the report says, such as ``timeout``, ``error`` or ``failure``.
    error_type : str or None
        Such as ``Runtime.ExitError``.
    """

    request_id: str
    duration_ms: float
    billed_ms: int
    memory_mb: int
    max_memory_mb: int | None
    init_ms: float | None
    restore_ms: float | None
    billed_restore_ms: int | None
    status: str
    error_type: str | None

    @property
    def outcome(self) -> str:
        """How the run ended: ``success``, ``error``, ``timeout``, ``crash`` or ``out_of_memory``."""
        full = self.max_memory_mb is not None and self.max_memory_mb >= self.memory_mb
        return outcome_of(self.status, self.error_type, full=full)

    @property
    def environment_start_ms(self) -> float | None:
        """What the environment took to start, INIT or restore [ms]; None where it was warm."""
        return self.restore_ms if self.init_ms is None else self.init_ms


def outcome_of(status: str, error_type: str | None, *, full: bool = False) -> str:
    """Say how a run ended by what Lambda writes of it.

    Parameters
    ----------
    status : str
        ``success``, ``timeout``, ``error`` or ``failure``, in small letters.
    error_type : str or None
        Such as ``Runtime.ExitError``.
    full : bool
        Whether it used all of its memory, in which case a crash means that it ran out.

    Returns
    -------
    str
        ``success``, ``error``, ``timeout``, ``crash`` or ``out_of_memory``.

    Examples
    --------
    >>> outcome_of("failure", "Runtime.OutOfMemory"), outcome_of("failure", None), outcome_of("error", "KeyError")
    ('out_of_memory', 'crash', 'error')
    """
    said = f"{status} {error_type or ''}"
    if status == SUCCESS and error_type is None:
        return SUCCESS
    if _OUT_OF_MEMORY.search(said):
        return "out_of_memory"
    if _TIMED_OUT.search(said):
        return "timeout"
    if _CRASHES.search(said) or (status == "failure" and error_type is None):
        return "out_of_memory" if full else "crash"
    return "error"


def refuse_impossible(report: Report, where: str = "REPORT") -> None:
    """Make sure that AWS can have run this.

    Parameters
    ----------
    report : Report
    where : str
        File and place, for messages.

    Raises
    ------
    TraceError
        When a run is longer than Lambda allows, billed for less than it took, or used more memory than it had; logs print
        a run that was cut off somewhat later than the timeout at which it is billed, and one that ran out of memory with
        a little more than its size.
    """
    timed_out = report.outcome == "timeout"
    for started, name in ((report.init_ms, "Init Duration"), (report.restore_ms, "Restore Duration")):
        wrong = impossible(report.duration_ms, report.billed_ms, started, timed_out=timed_out)
        if wrong is not None:
            fields = {"duration_ms": "Duration", "billed_ms": "Billed Duration", "init_ms": name}
            raise TraceError.single(where, fields[wrong[0]], wrong[1])
    wrong = impossible_memory(report.memory_mb, report.max_memory_mb)
    if wrong is not None:
        raise TraceError.single(where, "Max Memory Used", wrong[1])


def parse_report_line(text: str, where: str = "REPORT line") -> Report:
    r"""Read the first REPORT line in a text; fields may be separated by tabs, by spaces, by line ends, or by nothing.

    Parameters
    ----------
    text : str
    where : str
        File and place, for messages.

    Raises
    ------
    TraceError
        When there is no such line, or a field is missing or is no number in its unit.

    Examples
    --------
    >>> report = parse_report_line(
    ...     "REPORT RequestId: 8f5\tDuration: 47.28 ms\tBilled Duration: 48 ms \tMemory Size: 128 MB\t"
    ...     "Max Memory Used: 21 MB\tInit Duration: 340.74 ms\t"
    ... )
    >>> report.duration_ms, report.billed_ms, report.init_ms, report.status
    (47.28, 48, 340.74, 'success')
    """
    usual = _USUAL.match(text)
    if usual is not None:
        request, duration, billed, memory, used, init = usual.groups()
        init_ms = None if init is None else float(init)
        return Report(
            request, float(duration), int(billed), int(memory), int(used), init_ms, None, None, SUCCESS, None
        )
    text = _GLUED.sub(r"\1\t", text.replace("\\t", "\t").replace("\\n", "\n"))
    begin = _REQUEST.search(text)
    if begin is None:
        raise TraceError.single(
            where, "RequestId", f"must be a REPORT line with a RequestId, got {text[:40]!r}"
        )
    end = _NEXT.search(text, begin.end())
    body = text[begin.end() : end.start() if end else len(text)]
    fields: dict[str, tuple[str, str]] = {}
    for name, value, unit in _FIELD.findall(body):
        fields.setdefault(name, (value, unit))
    _refuse_half(body, where)

    def number(name: str, unit: str) -> float | None:
        if name not in fields:
            return None
        value, seen = fields[name]
        if seen != unit or not _PLAIN.fullmatch(value):
            raise TraceError.single(
                where, name, f"must be a number of {unit}, got {f'{value} {seen}'[:40]!r}"
            )
        return float(value)

    def needed(name: str, unit: str) -> float:
        value = number(name, unit)
        if value is None:
            raise TraceError.single(where, name, f"must be a number of {unit}, is missing")
        return value

    error_type = fields["Error Type"][0] if "Error Type" in fields else None
    status = fields["Status"][0] if "Status" in fields else "error" if error_type else SUCCESS
    return Report(
        request_id=begin[1],
        duration_ms=needed("Duration", "ms"),
        billed_ms=round(needed("Billed Duration", "ms")),
        memory_mb=round(needed("Memory Size", "MB")),
        max_memory_mb=_whole(number("Max Memory Used", "MB")),
        init_ms=number("Init Duration", "ms"),
        restore_ms=number("Restore Duration", "ms"),
        billed_restore_ms=_whole(number("Billed Restore Duration", "ms")),
        status=status.lower(),
        error_type=error_type,
    )


def _refuse_half(body: str, where: str) -> None:
    """Make sure that a line does not end inside a field that may be absent, which would change what the line means."""
    ending = re.split(r"\t|(?<=ms) |(?<=MB) |(?<=ms)(?=[A-Z])|(?<=MB)(?=[A-Z])", body.rstrip())[-1].strip()
    name, _, value = ending.partition(":")
    cut = bool(name) and not value.strip() and any(each.startswith(name) for each in _NAMES)
    status = value.strip().lower()
    if cut or (name == "Status" and status not in _STATUSES and any(s.startswith(status) for s in _STATUSES)):
        raise TraceError.single(where, name, f"must be a whole line, it ends with {ending[:40]!r}")


def parse_platform_report(found: Mapping[str, object], where: str = "platform.report") -> Report:
    """Read a ``platform.report`` object of Lambda's JSON log format or Telemetry API.

    Whole milliseconds and megabytes are accepted as numbers with a fraction too, as some writers print them.

    Parameters
    ----------
    found : mapping
        The parsed object, with its ``record``.
    where : str
        File and place, for messages.

    Raises
    ------
    TraceError
        When a metric is missing or is no finite number from 0 up.
    """
    record = found.get("record")
    request = record.get("requestId") if isinstance(record, Mapping) else None
    if not isinstance(record, Mapping) or not isinstance(request, str):
        raise TraceError.single(where, "requestId", f"must be text, got {request!r:.40}")
    metrics = record.get("metrics")
    if not isinstance(metrics, Mapping):
        raise TraceError.single(where, "metrics", f"must be an object, got {metrics!r:.40}")

    def needed(name: str) -> float:
        value = metrics.get(name)
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= LARGEST:
            raise TraceError.single(
                where, name, f"must be a number from 0 to {LARGEST:.0e}, got {value!r:.40}"
            )
        return float(value)

    def number(name: str) -> float | None:
        return None if metrics.get(name) is None else needed(name)

    error_type = record.get("errorType")
    return Report(
        request_id=request,
        duration_ms=needed("durationMs"),
        billed_ms=round(needed("billedDurationMs")),
        memory_mb=round(needed("memorySizeMB")),
        max_memory_mb=_whole(number("maxMemoryUsedMB")),
        init_ms=number("initDurationMs"),
        restore_ms=number("restoreDurationMs"),
        billed_restore_ms=_whole(number("billedRestoreDurationMs")),
        status=str(record.get("status", "error" if error_type else SUCCESS)).lower(),
        error_type=None if error_type is None else str(error_type),
    )


def _whole(value: float | None) -> int | None:
    return None if value is None else round(value)
