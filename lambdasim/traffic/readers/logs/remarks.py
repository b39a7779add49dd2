"""What Lambda writes beside starts and reports: how environments started, when answers were sent, how runs ended.

References
----------
AWS Lambda Developer Guide, "Telemetry API schema reference", "Monitoring SnapStart", "Understanding the Lambda
execution environment lifecycle" and "Lambda runtime version updates"; CloudWatch user guide, "Metrics collected by
Lambda Insights"; seen November 2026.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from lambdasim.errors import TraceError
from lambdasim.traffic.readers.logs.reports import LARGEST, SUCCESS, Report, outcome_of
from lambdasim.traffic.readers.possible import impossible_cpu

_RUNTIME_VERSION: Final = re.compile(
    r"([a-z]{2,12}):([a-z0-9]{1,12}(?:\.(?!v[0-9])[a-z0-9]{1,12}){0,3})(?:[.-]\S*)?"
)
_NUMBERED: Final = {
    "nodejs": "nodejs{}.x",
    "go": "go{}.x",
    "provided": "provided.{}",
    "dotnetcore": "dotnetcore{}",
}
_INIT_FIELDS: Final = re.compile(
    r"(?:(?:Init|Restore) Duration:\s*(?P<ms>[0-9]{1,12}(?:\.[0-9]{1,15})?)\s*ms|Phase:\s*(?P<phase>\w+)"
    r"|Status:\s*(?P<status>\w+)|Error Type:\s*(?P<error>[\w.]+))"
)


class RemarkKind(StrEnum):
    """What a remark says."""

    INIT_START = "INIT_START"
    RESTORE_START = "RESTORE_START"
    INIT_REPORT = "INIT_REPORT"
    RESTORE_REPORT = "RESTORE_REPORT"
    ANSWERED = "answered"
    ENDED = "ended"


_KINDS: Final = {
    "platform.initStart": RemarkKind.INIT_START,
    "platform.initReport": RemarkKind.INIT_REPORT,
    "platform.restoreStart": RemarkKind.RESTORE_START,
    "platform.restoreReport": RemarkKind.RESTORE_REPORT,
    "platform.runtimeDone": RemarkKind.ANSWERED,
}
REMARK_TYPES: Final = frozenset(_KINDS)
"""Types of ``platform`` objects that are remarks."""


@dataclass(frozen=True, slots=True)
class Remark:
    """One statement of Lambda about an environment or an invocation.

    Attributes
    ----------
    kind : RemarkKind
    time_us : int or None
        When it was written [µs since 1970].
    exec_env : str or None
        Log stream.
    request_id : str or None
    ms : float or None
        Of INIT, of a restore, or until the answer [ms].
    phase : str
        ``init`` or ``invoke``, of INIT.
    status : str
        ``success``, ``timeout``, ``error``, ``crash`` or ``out_of_memory``; empty where it is not said.
    runtime : str or None
        AWS's identifier, such as ``nodejs20.x``.
    function : str or None
    asked : bool
        Whether an invocation waits for this INIT: not for that of provisioned concurrency or of a snapshot.
    started_by : str
        What started the environment, such as ``on-demand`` or ``provisioned-concurrency``; empty where it is not said.
    """

    kind: RemarkKind
    time_us: int | None
    exec_env: str | None = None
    request_id: str | None = None
    ms: float | None = None
    phase: str = ""
    status: str = ""
    runtime: str | None = None
    function: str | None = None
    asked: bool = True
    started_by: str = ""


def runtime_of(version: str) -> str | None:
    """Turn the runtime version of a log into the runtime's identifier; None where it is none.

    Examples
    --------
    >>> [runtime_of(text) for text in ("nodejs:20.v60", "python:3.12.v28", "java:21.v40", "provided:al2023.v7")]
    ['nodejs20.x', 'python3.12', 'java21', 'provided.al2023']
    """
    found = _RUNTIME_VERSION.fullmatch(version.strip())
    return _NUMBERED.get(found[1], found[1] + "{}").format(found[2]) if found else None


def init_report(line: str) -> dict[str, Any]:
    """Read the fields of an INIT_REPORT or RESTORE_REPORT line, as a ``Remark`` has them."""
    fields: dict[str, str] = {}
    for match in _INIT_FIELDS.finditer(line):
        for name, value in match.groupdict().items():
            if value is not None:
                fields.setdefault(name, value)
    status = fields.get("status", "error" if "error" in fields else SUCCESS)
    return {
        "ms": float(fields["ms"]) if "ms" in fields else None,
        "phase": fields.get("phase", "init").lower(),
        "status": status.lower(),
    }


def platform_remark(
    found: Mapping[str, Any], time_us: int, exec_env: str | None, function: str | None
) -> Remark:
    """Read a ``platform`` object of one of the types in ``REMARK_TYPES``.

    Raises
    ------
    TraceError
        Without a place, when it is not as Lambda writes it.
    """
    record = found.get("record")
    if not isinstance(record, Mapping):
        raise TraceError.single("", "record", f"must be an object, got {record!r:.40}")
    kind = _KINDS[str(found["type"])]
    metrics = record.get("metrics")
    ms = metrics.get("durationMs") if isinstance(metrics, Mapping) else None
    if ms is not None and (isinstance(ms, bool) or not isinstance(ms, int | float) or not 0 <= ms <= LARGEST):
        raise TraceError.single("", "durationMs", f"must be a number from 0 to {LARGEST:.0e}, got {ms!r:.40}")
    name = record.get("functionName")
    named = function or (name if isinstance(name, str) and name else None)
    version = record.get("runtimeVersion")
    runtime = runtime_of(version) if isinstance(version, str) else None
    status = str(record.get("status", "")).lower()
    phase = str(record.get("phase", "init")).lower()
    started_by = str(record.get("initializationType", ""))
    asked = started_by in ("", "on-demand")
    request = record.get("requestId")
    if kind is RemarkKind.ANSWERED and not isinstance(request, str):
        raise TraceError.single("", "requestId", f"must be text, got {request!r:.40}")
    if kind is RemarkKind.ANSWERED and status:
        wrong = record.get("errorType")
        status = outcome_of(status, wrong if isinstance(wrong, str) and wrong else None)
    return Remark(
        kind, time_us, exec_env, request if isinstance(request, str) else None,
        None if ms is None else float(ms), phase, status, runtime, named, asked, started_by,
    )  # fmt: skip


def is_performance(event: Mapping[str, Any]) -> bool:
    """Return whether an object is an event of Lambda Insights about one invocation."""
    return event.get("event_type") == "performance" and "billed_duration" in event and "total_memory" in event


def performance_report(event: Mapping[str, Any]) -> tuple[Report, float | None]:
    """Read an event of Lambda Insights: the invocation's report, and its CPU time [ms].

    Raises
    ------
    TraceError
        Without a place, when a field is missing or no number from 0 up, or Lambda has no CPUs for so much CPU time.
    """

    def number(name: str) -> float | None:
        value = event.get(name)
        if value is None:
            return None
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= LARGEST:
            raise TraceError.single("", name, f"must be a number from 0 to {LARGEST:.0e}, got {value!r:.40}")
        return float(value)

    def needed(name: str) -> float:
        value = number(name)
        if value is None:
            raise TraceError.single("", name, "must be a number, is missing")
        return value

    request = event.get("request_id")
    if not isinstance(request, str):
        raise TraceError.single("", "request_id", f"must be text, got {request!r:.40}")
    reason = str(event.get("shutdown_reason", "")).lower()
    status = "timeout" if event.get("timeout") is True or reason == "timeout" else SUCCESS
    if event.get("out_of_memory") is True:
        status = "out_of_memory"
    elif status == SUCCESS and reason == "failure":
        status = "failure"
    init_ms = number("init_duration")
    cold = event.get("cold_start")
    most = number("used_memory_max")
    report = Report(
        request_id=request,
        duration_ms=needed("duration"),
        billed_ms=round(needed("billed_duration")),
        memory_mb=round(needed("total_memory")),
        max_memory_mb=None if most is None else round(most),
        init_ms=None if cold is False or cold == 0 else init_ms,
        restore_ms=None,
        billed_restore_ms=None,
        status=status,
        error_type=None,
    )
    cpu_ms = number("cpu_total_time")
    if (wrong := impossible_cpu(cpu_ms, report.duration_ms, init_ms)) is not None:
        raise TraceError.single("", *wrong)
    return report, cpu_ms
