"""Starts, reports and remarks of a log joined: one row for each invocation."""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from lambdasim.errors import TraceError
from lambdasim.traffic.readers.logs.line_head import function_of_stream
from lambdasim.traffic.readers.logs.placing import beside_their_runs
from lambdasim.traffic.readers.logs.remarks import Remark, RemarkKind
from lambdasim.traffic.readers.logs.reports import SUCCESS, Report, refuse_impossible
from lambdasim.traffic.readers.logs.text import Reported, Started
from lambdasim.units import US_PER_MS, US_PER_S
from lambdasim.wording import count

COLUMNS: Final = (
    "timestamp_us", "function", "duration_ms", "init_ms", "billed_ms", "memory_mb", "max_memory_mb", "status",
    "request_id", "exec_env", "start", "restore_ms", "again_ms", "broken_ms", "response_ms", "cpu_time_ms",
    "runtime", "version",
)  # fmt: skip
UNKNOWN_TIME: Final = -1
_PROVISIONED: Final = "provisioned-concurrency"
_UNPRICED: Final = {
    _PROVISIONED: "started for provisioned concurrency: no log shows how much of it is paid for, so hold the scenario's "
    "provisioned_concurrency against that, or its cost is missing from the bill",
    "lambda-managed-instances": "started on managed instances, which are billed by the hour: give managed_instances an "
    "instance_type",
}
_READY: Final = (
    "started long before the first run. Lambda sometimes does that on its own, and always for provisioned concurrency: "
    "if the function has it, set provisioned_concurrency, or its cost is missing from the bill"
)
_LONGEST_BROKEN_US: Final = 15 * US_PER_S
"""INIT is cut at 10 s, and what is written around it may be a little apart."""


@dataclass
class _Start:
    """What an environment wrote of its start since its last report."""

    init_ms: float | None = None
    again_ms: float | None = None
    broken: bool = False
    again: bool = False
    began_us: int | None = None
    broken_ms: float = 0.0
    raised: bool = False
    untold: bool = False

    def was_ready(self, arrival_us: int) -> bool:
        """Return whether the environment started so long before a run that it cannot have waited for it."""
        return self.untold and self.began_us is not None and arrival_us - self.began_us > _LONGEST_BROKEN_US

    def before_us(self, arrival_us: int) -> int:
        """Give when a run arrived whose INIT was broken off first: at its beginning, or that much earlier."""
        if self.began_us is not None and self.began_us <= arrival_us:
            return max(self.began_us, arrival_us - _LONGEST_BROKEN_US)
        return arrival_us - round(min(self.broken_ms * US_PER_MS, _LONGEST_BROKEN_US))


@dataclass
class Invocations:
    """What a log says of each request, gathered in the order of the file."""

    starts_us: dict[str, list[int]] = field(default_factory=lambda: defaultdict(list))
    reported: list[Reported] = field(default_factory=list)
    answered: dict[str, list[Remark]] = field(default_factory=lambda: defaultdict(list))
    ended: dict[str, str] = field(default_factory=dict)
    streams: dict[str | None, list[Reported | Remark]] = field(default_factory=lambda: defaultdict(list))
    functions: set[str] = field(default_factory=set)
    versions: dict[str, str] = field(default_factory=dict)
    seen: set[tuple[Report, int | None, str | None, str | None]] = field(default_factory=set)
    repeated: int = 0
    ready: int = 0

    def add(self, found: Started | Reported | Remark) -> None:
        """Take what was found next."""
        if isinstance(found, Started):
            if found.time_us is not None:
                self.starts_us[found.request_id].append(found.time_us)
            if found.version is not None:
                self.versions[found.request_id] = found.version
            return
        if isinstance(found, Reported):
            same = (found.report, found.time_us, found.exec_env, found.function)
            if found.time_us is not None and same in self.seen:
                self.repeated += 1
                return
            self.seen.add(same)
            self.reported.append(found)
        elif found.request_id is not None and found.kind is RemarkKind.ANSWERED:
            self.answered[found.request_id].append(found)
            return
        elif found.request_id is not None and found.kind is RemarkKind.ENDED:
            if self.ended.get(found.request_id) != "out_of_memory":
                self.ended[found.request_id] = found.status
            return
        elif found.function is not None:
            self.functions.add(found.function)
        self.streams[found.exec_env].append(found)

    def unfinished(self) -> int:
        """Count invocations that began and were not reported."""
        reports: dict[str, int] = defaultdict(int)
        for found in self.reported:
            reports[found.report.request_id] += 1
        return sum(max(0, len(set(times)) - reports[request]) for request, times in self.starts_us.items())

    def unpriced(self) -> list[str]:
        """Say how many environments were started in ways that cost more than their runs."""
        starts = Counter(
            found.started_by
            for items in self.streams.values()
            for found in items
            if isinstance(found, Remark) and found.kind is RemarkKind.INIT_START
        )
        said = [
            f"{count(starts[kind], 'environment')} {told}" for kind, told in _UNPRICED.items() if starts[kind]
        ]
        return [*said, f"{count(self.ready, 'environment')} {_READY}"] if self.ready else said

    def several(self) -> list[str]:
        """Name the functions whose environments start, where reports do not say whose they are."""
        untold = any(found.function is None for found in self.reported if not found.exec_env)
        return sorted(self.functions) if untold and len(self.functions) > 1 else []

    def rows(self, function: str, timeless: bool) -> Iterator[tuple[object, ...] | TraceError]:
        """Yield each invocation as a row of ``COLUMNS``, or what is wrong with it.

        Parameters
        ----------
        function : str
            Name where the log has none.
        timeless : bool
            Whether no report has a time, which is then unknown in every row.
        """
        for times_us in self.starts_us.values():
            times_us.sort()
        named = next(iter(self.functions)) if len(self.functions) == 1 else function
        for stream, items in self.streams.items():
            start, runtime, bought = _Start(), None, False
            ordered = _in_time(items)
            if stream is None and not timeless:
                ordered = beside_their_runs(ordered, self._began_us)
            for found in ordered:
                if isinstance(found, Remark):
                    runtime = found.runtime or runtime
                    if found.kind is RemarkKind.INIT_START and stream is not None:
                        bought = found.started_by == _PROVISIONED
                    _note(start, found)
                    continue
                try:
                    refuse_impossible(found.report, found.where)
                    arrival_us = UNKNOWN_TIME if timeless else self._arrival_us(found)
                except TraceError as error:
                    yield error
                else:
                    if start.broken and found.report.environment_start_ms is None and not timeless:
                        arrival_us = start.before_us(arrival_us)
                    warm = found.report.environment_start_ms is None and not (start.broken or start.again)
                    self.ready += stream is not None and warm and start.was_ready(arrival_us)
                    of_stream = function_of_stream(stream) if stream else None
                    name = of_stream or found.function or named
                    yield self._row(arrival_us, found, start, runtime, name, bought)
                start = _Start()

    def _row(
        self,
        arrival_us: int,
        found: Reported,
        start: _Start,
        runtime: str | None,
        function: str,
        bought: bool,
    ) -> tuple[object, ...]:
        report = found.report
        init_ms = report.environment_start_ms
        kind = "warm" if init_ms is None else "cold" if report.init_ms is not None else "restore"
        if init_ms is None and (start.again or start.broken):
            kind = "again" if start.broken else "reset"
        elif init_ms is None and start.init_ms is not None and start.init_ms + 1 < report.billed_ms:
            kind, init_ms = "cold", start.init_ms
        kind = "provisioned" if kind == "warm" and bought else kind
        outcome = report.outcome
        answers = self._answers(found)
        if outcome == SUCCESS and answers:
            outcome = answers[-1].status or SUCCESS
        outcome = self.ended.get(report.request_id, outcome) if outcome in (SUCCESS, "crash") else outcome
        outcome = "error" if outcome == SUCCESS and start.raised else outcome
        return (
            arrival_us, function, report.duration_ms, init_ms, report.billed_ms, report.memory_mb,
            report.max_memory_mb, outcome, report.request_id, found.exec_env, kind, report.restore_ms,
            start.again_ms, start.broken_ms if start.broken else None, _response_ms(found, answers),
            found.cpu_time_ms, runtime, self.versions.get(report.request_id),
        )  # fmt: skip

    def _answers(self, found: Reported) -> list[Remark]:
        """Give what the log says of the answers of a request up to its report."""
        return [
            remark
            for remark in self.answered.get(found.report.request_id, [])
            if found.time_us is None or remark.time_us is None or remark.time_us <= found.time_us
        ]

    def _began_us(self, found: Reported) -> int | None:
        """Return when a run began, after its environment had started; None where it is not known."""
        starts_us = self.starts_us.get(found.report.request_id, [])
        if found.time_us is None:
            return starts_us[0] if len(starts_us) == 1 else None
        before = bisect_right(starts_us, found.time_us)
        return (
            starts_us[before - 1] if before else found.time_us - round(found.report.duration_ms * US_PER_MS)
        )

    def _arrival_us(self, found: Reported) -> int:
        """Return when an invocation arrived: its environment started, if it had to, before START was written."""
        began_us = self._began_us(found)
        if began_us is None:
            allowed = (
                "a REPORT line has no time of its own, as `aws logs tail` gives, nor just one timed START"
            )
            raise TraceError.single(found.where, "timestamp", allowed)
        return began_us - round((found.report.environment_start_ms or 0) * US_PER_MS)


def _response_ms(found: Reported, answers: list[Remark]) -> float | None:
    """Return the time until the answer was sent; never longer than the run."""
    known = [remark.ms for remark in answers if remark.ms is not None]
    return min(known[-1], found.report.duration_ms) if known else None


def _note(start: _Start, remark: Remark) -> None:
    """Keep what a remark says of the start of an environment."""
    if remark.kind is RemarkKind.INIT_START and not start.broken:
        start.init_ms = start.again_ms = None
        start.again = start.broken = False
        start.began_us, start.broken_ms = remark.time_us, 0.0
        start.untold = not remark.started_by
    elif remark.kind is RemarkKind.ENDED:
        start.raised = True
    elif remark.kind is RemarkKind.INIT_REPORT and remark.phase == "invoke":
        start.again = True
        start.again_ms = (start.again_ms or 0.0) + (remark.ms or 0.0)
    elif remark.kind is RemarkKind.INIT_REPORT and remark.status in (SUCCESS, ""):
        start.init_ms = remark.ms if remark.asked else None
    elif remark.kind is RemarkKind.INIT_REPORT:
        start.broken = True
        start.broken_ms = remark.ms or 0.0


def _in_time(items: list[Reported | Remark]) -> list[Reported | Remark]:
    """Bring what one environment wrote into the order of time; what has no time stays where it is."""
    times = [item.time_us for item in items if item.time_us is not None]
    if len(times) < len(items) or times == sorted(times):
        return items
    if times[0] > times[-1]:
        items = items[::-1]
    return sorted(items, key=lambda item: item.time_us or 0)
