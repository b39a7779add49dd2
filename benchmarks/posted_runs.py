"""A small Lambda for `posted_logs.py`: runs whose truth is known, and what CloudWatch keeps of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from math import ceil, exp
from typing import Any

import numpy as np
from numpy.typing import NDArray

BEGAN_S = datetime(2026, 9, 14, 8, tzinfo=UTC).timestamp()
FUNCTION = "orders"
ENDINGS = {
    "success": "",
    "timeout": "Status: timeout\t",
    "error": "Status: error\tError Type: Function.Error\t",
    "crash": "Status: error\tError Type: Runtime.ExitError\t",
    "out_of_memory": "Status: error\tError Type: Runtime.OutOfMemory\t",
}
WRITTEN = {
    "timeout": "{at} {id} Task timed out after {s:.2f} seconds\n\n",
    "error": "[ERROR] KeyError: 'order'\nTraceback (most recent call last):\n  File \"app.py\", line 12, in handler\n",
    "crash": "RequestId: {id} Error: Runtime exited with error: exit status 1\nRuntime.ExitError\n",
    "out_of_memory": "RequestId: {id} Error: Runtime exited with error: signal: killed\nRuntime.ExitError\n",
}
BREAKING = ("timeout", "crash", "out_of_memory")
Random = np.random.Generator
Event = tuple[float, str, Any]
"""Second since 1970, log stream, message or platform object."""


@dataclass
class Run:
    """One invocation as Lambda knows it; times in ms, ``at_s`` in seconds after the beginning."""

    request: str
    at_s: float
    stream: str
    version: str
    memory_mb: int
    ms: float = 0.0
    outcome: str = "success"
    init_ms: float | None = None
    failed_init_ms: float = 0.0
    inside_ms: float = 0.0
    restore_ms: tuple[float, int] | None = None
    answered_ms: float | None = None

    @property
    def start_s(self) -> float:
        """When START is written [s since 1970]."""
        restore = sum(self.restore_ms) if self.restore_ms else 0.0
        return BEGAN_S + self.at_s + ((self.init_ms or 0.0) + restore + self.failed_init_ms) / 1000

    @property
    def end_s(self) -> float:
        """When REPORT is written [s since 1970]."""
        return self.start_s + self.ms / 1000

    @property
    def billed_ms(self) -> int:
        """As the bill has it."""
        return ceil(
            round(self.ms + (self.init_ms or 0.0) + (self.restore_ms[1] if self.restore_ms else 0), 6)
        )

    @property
    def is_cold(self) -> bool:
        """Whether it met a new environment."""
        return self.init_ms is not None or self.restore_ms is not None or self.failed_init_ms > 0

    @property
    def log_stream(self) -> str:
        """Its environment's, which names the version."""
        return f"2026/09/14/[{self.version}]{self.stream}"


@dataclass
class Setting:
    """How a function is set, and what it does; all that may change takes the second."""

    work_ms: Callable[[Random, float], float]
    init_ms: Callable[[Random], float] | None = None
    first_ms: Callable[[Random], float] | None = None
    restore_ms: Callable[[Random], tuple[float, int]] | None = None
    after_ms: Callable[[Random], float] | None = None
    failures: Mapping[str, float] | None = None
    keep_s: float = 420.0
    timeout_ms: Callable[[float], float] = lambda _: 3_000.0
    memory_mb: Callable[[float], int] = lambda _: 512
    version: Callable[[float], str] = lambda _: "$LATEST"
    ready: int = 0
    init_fails: float = 0.0


@dataclass
class _Environment:
    stream: str
    key: object
    free_s: float = -1e9
    broken: bool = False
    ready: bool = False


def about(middle: float, spread: float) -> Callable[[Random], float]:
    """Give a lognormal law by its median and the standard deviation of its logarithm."""
    return lambda rng: middle * exp(spread * rng.standard_normal())


def runs_of(rng: Random, at_s: NDArray[np.float64], of: Setting) -> list[Run]:
    """Let invocations arrive: the most recently used environment serves; a failure has INIT run inside the next run."""
    environments = [_Environment(rng.bytes(16).hex(), None, ready=True) for _ in range(of.ready)]
    found = []
    for second in at_s.tolist():
        key = (of.memory_mb(second), of.version(second), of.timeout_ms(second))
        idle = [
            one
            for one in environments
            if one.free_s <= second and (one.ready or (one.key == key and second - one.free_s <= of.keep_s))
        ]
        environment = max(idle, key=lambda one: one.free_s, default=None)
        bits = rng.bytes(16).hex()
        request = "-".join((bits[:8], bits[8:12], bits[12:16], bits[16:20], bits[20:]))
        new = environment is None
        if environment is None:
            environment = _Environment(rng.bytes(16).hex(), key)
            environments.append(environment)
        run = Run(request, second, environment.stream, key[1], key[0])
        found.append(run)
        _started(rng, run, of, new=new, broken=environment.broken)
        run.ms = of.work_ms(rng, second) + run.inside_ms
        run.ms += of.first_ms(rng) if new and of.first_ms else 0.0
        _ended(rng, run, of, key[2])
        environment.broken, environment.free_s = run.outcome in BREAKING, run.end_s - BEGAN_S
    return found


def _started(rng: Random, run: Run, of: Setting, *, new: bool, broken: bool) -> None:
    if new and of.restore_ms:
        run.restore_ms = of.restore_ms(rng)
    elif new and of.init_ms and rng.random() < of.init_fails:
        run.failed_init_ms, run.inside_ms = of.init_ms(rng) * rng.uniform(0.2, 0.9), of.init_ms(rng)
    elif new and of.init_ms:
        run.init_ms = round(of.init_ms(rng), 2)
    elif broken:
        run.inside_ms = (of.init_ms(rng) if of.init_ms else 0.0) + (of.first_ms(rng) if of.first_ms else 0.0)


def _ended(rng: Random, run: Run, of: Setting, timeout_ms: float) -> None:
    drawn = rng.random()
    for kind, share in (of.failures or {}).items():
        if drawn < share:
            run.outcome = kind
            break
        drawn -= share
    if run.outcome == "timeout" or run.ms >= timeout_ms:
        run.outcome, run.ms = "timeout", timeout_ms
    elif run.outcome == "success" and of.after_ms:
        run.answered_ms = run.ms
        run.ms += of.after_ms(rng)
    run.ms = round(run.ms, 2)


def iso(second: float, digits: int = 3) -> str:
    """Write a moment as CloudWatch does."""
    moment = datetime.fromtimestamp(round(second, 3), UTC)
    return f"{moment:%Y-%m-%dT%H:%M:%S}." + f"{moment.microsecond:06d}"[:digits] + "Z"


def report_line(run: Run, *, status: bool = True) -> str:
    """Write REPORT."""
    parts = [
        f"REPORT RequestId: {run.request}",
        f"Duration: {run.ms:.2f} ms",
        f"Billed Duration: {run.billed_ms} ms",
        f"Memory Size: {run.memory_mb} MB",
        "Max Memory Used: 90 MB",
    ]
    if run.init_ms is not None:
        parts.append(f"Init Duration: {run.init_ms:.2f} ms")
    if run.restore_ms:
        parts.append(f"Restore Duration: {sum(run.restore_ms):.2f} ms")
        parts.append(f"Billed Restore Duration: {run.restore_ms[1]} ms")
    return "\t".join(parts) + "\t" + (ENDINGS[run.outcome] if status else "")


def text_events(runs: list[Run], *, status: bool = True, app: bool = True) -> list[Event]:
    """Write the events of the text format, in order of time."""
    found: list[Event] = []
    for run in runs:
        began, stream = BEGAN_S + run.at_s, run.log_stream
        phase = "RESTORE" if run.restore_ms else "INIT"
        if run.is_cold:
            found.append(
                (
                    began,
                    stream,
                    f"{phase}_START Runtime Version: python:3.13.v51\tRuntime Version ARN: arn:x\n",
                )
            )
        if run.failed_init_ms:
            first, second = run.failed_init_ms, run.inside_ms
            told = "Phase: init\tStatus: error\tError Type: Runtime.ExitError\n"
            found.append((began + first / 1000, stream, f"INIT_REPORT Init Duration: {first:.2f} ms\t{told}"))
            found.append(
                (
                    began + (first + second) / 1000,
                    stream,
                    f"INIT_REPORT Init Duration: {second:.2f} ms\tPhase: invoke\n",
                )
            )
        found.append((run.start_s, stream, f"START RequestId: {run.request} Version: {run.version}\n"))
        if app:
            found.append(
                (run.start_s + run.ms / 2000, stream, f"[INFO]\t{iso(run.start_s)}\t{run.request}\thandled\n")
            )
        if run.outcome in WRITTEN and (run.outcome != "error" or not status):
            told = WRITTEN[run.outcome].format(at=iso(run.end_s), id=run.request, s=run.ms / 1000)
            found.append((run.end_s, stream, told))
        found.append((run.end_s, stream, f"END RequestId: {run.request}\n"))
        found.append((run.end_s, stream, report_line(run, status=status) + "\n"))
    return sorted(found, key=lambda event: event[0])


def json_events(runs: list[Run]) -> list[Event]:
    """Write the events of the JSON format, in order of time."""
    found: list[Event] = []

    def add(second: float, run: Run, kind: str, record: dict[str, Any]) -> None:
        found.append(
            (second, run.log_stream, {"time": iso(second), "type": f"platform.{kind}", "record": record})
        )

    for run in runs:
        began = BEGAN_S + run.at_s
        named = {
            "functionName": FUNCTION,
            "functionVersion": run.version,
            "runtimeVersion": "python:3.13.v51",
        }
        if run.init_ms is not None:
            init = {"initializationType": "on-demand", "phase": "init"}
            add(began, run, "initStart", {**init, **named})
            add(
                run.start_s,
                run,
                "initReport",
                {**init, "status": "success", "metrics": {"durationMs": run.init_ms}},
            )
        if run.restore_ms:
            add(began, run, "restoreStart", named)
            add(
                run.start_s,
                run,
                "restoreReport",
                {"status": "success", "metrics": {"durationMs": sum(run.restore_ms)}},
            )
        add(run.start_s, run, "start", {"requestId": run.request, "version": run.version})
        answered = run.ms if run.answered_ms is None else run.answered_ms
        done = {"requestId": run.request, "status": "success", "metrics": {"durationMs": answered}}
        add(run.start_s + answered / 1000, run, "runtimeDone", done)
        metrics = {
            "durationMs": run.ms, "billedDurationMs": run.billed_ms, "memorySizeMB": run.memory_mb, "maxMemoryUsedMB": 90,
        }  # fmt: skip
        if run.init_ms is not None:
            metrics["initDurationMs"] = run.init_ms
        if run.restore_ms:
            metrics |= {
                "restoreDurationMs": sum(run.restore_ms),
                "billedRestoreDurationMs": run.restore_ms[1],
            }
        record: dict[str, Any] = {"requestId": run.request, "status": run.outcome, "metrics": metrics}
        if run.outcome in ("crash", "out_of_memory"):
            kind = "Runtime.ExitError" if run.outcome == "crash" else "Runtime.OutOfMemory"
            record |= {"status": "failure", "errorType": kind}
        add(run.end_s, run, "report", record)
    return sorted(found, key=lambda event: event[0])
