"""Run a scenario, or plain arrays, and give the result."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime
from functools import partial
from typing import Any

from numpy.typing import ArrayLike

from lambdasim.engine.contract import Plan, RecordChunk
from lambdasim.engine.plan import plan_scenario
from lambdasim.engine.run import Choice, EngineName, count_plan, run_plan
from lambdasim.engine.totals.aggregate import Aggregate
from lambdasim.errors import InputError
from lambdasim.results.arrays import plan_arrays
from lambdasim.results.points.tracking import followed, is_open
from lambdasim.results.run import RunResult
from lambdasim.results.usage.month import PayloadMeter
from lambdasim.specs.faults import not_among
from lambdasim.specs.scenario import ScenarioSpec
from lambdasim.units import to_epoch_us

RecordSink = Callable[[RecordChunk], None]


def simulate(
    scenario: ScenarioSpec | None = None,
    *,
    arrivals_s: ArrayLike | None = None,
    durations_ms: ArrayLike | Mapping[str, Any] | None = None,
    init_ms: ArrayLike | Mapping[str, Any] | None = None,
    keep_alive_s: float | None = None,
    concurrency: int | None = None,
    reuse: str | None = None,
    memory_mb: int | None = None,
    seed: int | None = None,
    start: datetime | None = None,
    end_s: float | None = None,
    timeout_s: float | None = None,
    reserved_concurrency: int | None = None,
    provisioned_concurrency: int | Iterable[Mapping[str, Any]] | None = None,
    engine: str = "auto",
    keep_records: bool = True,
    sink: RecordSink | None = None,
    progress: Callable[[int], None] | None = None,
) -> RunResult:
    """Simulate a scenario, or one function given as plain arrays.

    Parameters
    ----------
    scenario : ScenarioSpec, optional
        See ``load_scenario``. Either this or ``arrivals_s`` and ``durations_ms``; what follows up to
        ``provisioned_concurrency`` is for arrays only, a scenario has its own.
    arrivals_s : array of float, shape (n,), optional
        Arrival times after ``start`` [s], up to ten years, in any order; invocations are numbered by time.
    durations_ms : float, array of shape (n,), or law, optional
        Handler durations [ms]: one for all, one for each arrival, or a law as a scenario writes it, such as
        ``{"exponential": {"mean": 100}}``.
    init_ms : float, array of shape (n,), or law, default 0
        INIT durations [ms], used where the arrival starts cold.
    keep_alive_s : float, default 600
        How long an idle environment stays warm [s].
    concurrency : int, default 1000
        The account's limit on concurrent executions. With arrays no request or scaling rate and no cap on INIT apply.
    reuse : {"most_recently_used", "least_recently_used", "newest_created"}
        Which idle environment serves next; default: the first.
    memory_mb : int, default 1769
        Configured memory [MB], for the bill; durations are taken as they are.
    seed : int, default 0
        For laws.
    start : datetime, default 2026-01-01 UTC
        Moment of arrival time 0; decides the month of the bill.
    end_s : float, optional
        When the run ends [s after ``start``]: what is provisioned is paid until then, and concurrency is averaged over
        the whole. What has begun is simulated to its end. By default the last arrival; an arrival at or after it is an
        error.
    timeout_s : float, optional
        The function's timeout [s]; by default none.
    reserved_concurrency : int, optional
        Concurrency kept for the function, and its cap.
    provisioned_concurrency : int or iterable of mapping, default 0
        Environments kept ready from the start; or steps as a scenario has them, such as
        ``[{"at": "10m", "count": 5}]``. Where INIT is an array, environment k takes its value k.
    engine : {"auto", "kernel", "reference"}
        The compiled engine, or the one in SimPy that is written to be read; both give equal records. With ``auto`` the
        compiled one runs, unless the other answers before it has been compiled.
    keep_records : bool
        Whether ``run.records`` holds every attempt. Without, memory stays bounded whatever the traffic.
    sink : callable, optional
        Is given every chunk of records as it leaves the engine.
    progress : callable, optional
        Called with the simulated time reached [µs since the start].

    Returns
    -------
    RunResult

    Raises
    ------
    InputError
        When an argument cannot be accepted.

    Examples
    --------
    >>> import lambdasim as ls
    >>> run = ls.simulate(arrivals_s=[0, 1, 2], durations_ms=100, init_ms=250)
    >>> run.records[["start_type", "duration_ms", "init_ms"]].values.tolist()
    [['cold', 100.0, 250.0], ['warm', 100.0, 0.0], ['warm', 100.0, 0.0]]
    """
    settings = {
        "init_ms": init_ms,
        "keep_alive_s": keep_alive_s,
        "concurrency": concurrency,
        "reuse": reuse,
        "memory_mb": memory_mb,
        "seed": seed,
        "start": start,
        "end_s": end_s,
        "timeout_s": timeout_s,
        "reserved_concurrency": reserved_concurrency,
        "provisioned_concurrency": provisioned_concurrency,
    }
    given: dict[str, Any] = {name: value for name, value in settings.items() if value is not None}
    if scenario is not None:
        if not isinstance(scenario, ScenarioSpec):
            kind = type(scenario).__name__  # type: ignore[unreachable]
            raise InputError.single("simulate", "scenario", f"must be what load_scenario returns, got {kind}")
        if arrivals_s is not None or durations_ms is not None:
            raise InputError.single(
                "simulate", "", "takes a scenario, or arrivals_s and durations_ms, not both"
            )
        if given:
            raise InputError.single(
                "simulate", ", ".join(given), "belongs in the scenario; do not pass it separately"
            )
        if is_open(scenario):
            scenario = followed(scenario, partial(simulate, engine=engine, keep_records=False))
        plan = plan_scenario(scenario)
        checksum = ""
    else:
        if arrivals_s is None or durations_ms is None:
            raise InputError.single("simulate", "", "needs a scenario, or arrivals_s and durations_ms")
        scenario, plan, checksum = plan_arrays(arrivals_s, durations_ms, **given)
    if not isinstance(engine, str) or engine not in set(EngineName):
        raise InputError.single("simulate", "engine", not_among(engine, EngineName))
    chosen = EngineName(engine).chosen(plan)
    if keep_records or sink is not None:
        chunks = _told(run_plan(plan, chosen), sink, progress)
        return RunResult.of_records(
            scenario, plan, chunks, checksum, engine=str(chosen), keep_records=keep_records
        )
    return summed_up(scenario, plan, chosen, checksum, progress)


def summed_up(
    scenario: ScenarioSpec,
    plan: Plan,
    chosen: Choice,
    arrays_sha256: str = "",
    progress: Callable[[int], None] | None = None,
) -> RunResult:
    """Run a plan of which no records are kept.

    Parameters
    ----------
    scenario : ScenarioSpec
    plan : Plan
    chosen : Choice
        Which engine runs it.
    arrays_sha256 : str
        Checksum of the arrays that the run was given.
    progress : callable, optional
        Called with the simulated time reached [µs since the start].

    Returns
    -------
    RunResult

    Raises
    ------
    ConservationError
        When an event was lost or invented.
    """
    payloads = PayloadMeter(scenario, plan)
    if payloads.reads_records:
        chunks = _told(run_plan(plan, chosen), None, progress)
        return RunResult.of_records(
            scenario, plan, chunks, arrays_sha256, engine=str(chosen), keep_records=False
        )
    totals = Aggregate(plan, to_epoch_us(scenario.start), scenario.duration_us)
    count_plan(plan, chosen, totals, progress)
    totals.check_conservation()
    return RunResult(scenario, plan, totals, payloads, None, arrays_sha256, str(chosen))


def _told(
    chunks: Iterator[RecordChunk], sink: RecordSink | None, progress: Callable[[int], None] | None
) -> Iterator[RecordChunk]:
    """Hand chunks on, and report them."""
    for chunk in chunks:
        yield chunk
        if sink is not None:
            sink(chunk)
        if progress is not None and len(chunk):
            progress(int(chunk["start_us"][-1]))
