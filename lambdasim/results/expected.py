"""What runs will take: events, memory and time, before they begin."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import log2
from typing import TYPE_CHECKING, Final

import numpy as np

from lambdasim.engine.contract import RECORD_COLUMNS, CallMoment, FunctionPlan, Invoker, Plan
from lambdasim.engine.lanes import Backoff, SourcePlan
from lambdasim.engine.plan import plan_scenario
from lambdasim.engine.records import Outcome
from lambdasim.engine.run import EngineName
from lambdasim.errors import InputError
from lambdasim.traffic.arrivals import MachineArrivals
from lambdasim.traffic.expected import expected_events, expected_of
from lambdasim.units import US_PER_MINUTE

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from lambdasim.specs.scenario import ScenarioSpec

MOST_BYTES: Final = 4_000_000_000
MOST_S: Final = 3_600.0
# Measured on one core of a small machine (2026); the sizes follow from the arrays that grow.
PROGRAM_BYTES: Final = 270_000_000
PROGRAM_S: Final = 1.4
_BYTES_PER_FUNCTION: Final = 260_000
_BYTES_PER_ACTIVE_MINUTE: Final = 30
_BYTES_PER_MINUTE: Final = 40
_BYTES_AHEAD: Final = 104
_EVENTS_AHEAD: Final = 1 << 16
_FUNCTIONS_AHEAD: Final = 8
_BYTES_DRAWN: Final = 40_000_000
_BYTES_PER_MINUTE_WRITTEN: Final = 150
_S_PER_EVENT: Final = {"reference": 2.5e-5, "kernel": 1.5e-7}
_S_PER_CALL: Final = {"reference": 1.5e-4, "kernel": 1.5e-6}
_S_PER_RUN: Final = 0.01
_S_PER_FUNCTION_MINUTE: Final = 3.5e-7
_S_PER_VISIT: Final = 1e-7
_S_WRITTEN: Final = 6.5e-6
_SAMPLE: Final = 500
_DOUBLINGS: Final = 6
_MANY: Final = 1 << 20
_MOST_STEPS: Final = 100


@dataclass(frozen=True)
class RunCost:
    """What one run of a scenario takes.

    Attributes
    ----------
    events : float
        That arrive.
    attempts : float
        Runs of functions, those included with which Lambda tries failed events again.
    memory_bytes : float
        At most at once, the program included.
    seconds : float
        Of work, on one core of a small machine.
    processes : int
        That share the work.
    most_calls : int
        How many calls between functions a run may make, where it would make more; else 0.
    """

    events: float
    attempts: float
    memory_bytes: float
    seconds: float
    processes: int = 1
    most_calls: int = 0

    @property
    def waiting_s(self) -> float:
        """How long one waits [s]."""
        return self.seconds / self.processes

    def with_(self, more: RunCost) -> RunCost:
        """Add what is done one after the other in the same program.

        Parameters
        ----------
        more : RunCost

        Returns
        -------
        RunCost
            Events and time of both; the greater memory.
        """
        return RunCost(
            self.events + more.events,
            self.attempts + more.attempts,
            max(self.memory_bytes, more.memory_bytes),
            self.seconds + max(more.seconds - PROGRAM_S, 0.0),
            max(self.processes, more.processes),
            max(self.most_calls, more.most_calls),
        )

    def shared_by(self, processes: int) -> RunCost:
        """Let so many processes share the work, each with memory of its own."""
        return replace(self, memory_bytes=self.memory_bytes * processes, processes=processes)

    def __str__(self) -> str:
        """Say it in a line."""
        waiting_s = self.waiting_s
        span = f"{waiting_s:,.0f} s" if waiting_s < MOST_S else f"{waiting_s / 3600:,.1f} h"
        events = f"{self.events:,.0f} events, " if self.events else ""
        return f"about {events}{self.memory_bytes / 1e9:,.1f} GB of memory and {span}"


def expected_cost(
    scenario: ScenarioSpec,
    *,
    runs: float = 1,
    traffic: float | None = None,
    engine: str = "auto",
    keep_records: bool = False,
    written: bool = False,
    minute_bytes: float = 0.0,
    arriving: Mapping[str, float] | None = None,
) -> RunCost:
    """Estimate what it takes to simulate a scenario.

    Parameters
    ----------
    scenario : ScenarioSpec
    runs : float
        One after the other, with other seeds or settings.
    traffic : float, optional
        Multiples of the traffic of all runs together; default: `runs`, each with the scenario's own.
    engine : str
        As ``simulate`` takes it.
    keep_records : bool
        Whether every attempt is kept in memory, as ``ls.simulate`` does and the command line does not.
    written : bool
        Whether tables and pictures of the run are written, as ``simulate --out`` does.
    minute_bytes : float
        What a study keeps besides for each minute of each function, at most at once [bytes].
    arriving : mapping of str to float, optional
        Events of functions whose traffic in a run is another than the scenario's.

    Returns
    -------
    RunCost
        Of all runs; memory is that of one.

    Raises
    ------
    TraceError
        When a trace cannot be read.

    Notes
    -----
    Tables grow with functions and the minutes in which each is active, records with the attempts. A failed
    event from Lambda's queue runs up to three times; the share of failures is that of a sample of the run's own draws.
    """
    plan = plan_scenario(scenario)
    events = attempts = 0.0
    arriving_at: list[float] = []
    lasts_us = 0
    for function in plan.functions:
        known = None if arriving is None else arriving.get(function.name)
        coming = expected_events(scenario, function.name) if known is None else known
        events += coming
        arriving_at.append(coming)
        again = 0.0
        if function.source is not None:
            refused = function.reserved == 0
            again = _tries_of_items(function, function.source) * (1.0 if refused else _failing(function))
            lasts_us = max(lasts_us, _longest_us(function.source) if refused else 0)
        elif function.retry.invoker is Invoker.QUEUE:
            failing = _failing(function)
            again = failing + failing**2
        attempts += coming * (1 + again)
    called = _called(plan, arriving_at)
    most_calls = plan.calls.most_called if plan.calls is not None and called >= plan.calls.most_called else 0
    called += _tasks(scenario, plan)
    events, attempts = events + called, attempts + called
    length = (scenario.duration_us + lasts_us) / US_PER_MINUTE + 1
    minutes = length * len(plan.functions)
    active = sum(min(events, length) for events in arriving_at)
    ahead = sum(min(events, _EVENTS_AHEAD) for events in arriving_at)
    kept = len(plan.functions) * _BYTES_PER_FUNCTION + active * _BYTES_PER_ACTIVE_MINUTE
    kept += min(ahead, _FUNCTIONS_AHEAD * _EVENTS_AHEAD) * _BYTES_AHEAD + length * _BYTES_PER_MINUTE
    kept += minutes * minute_bytes
    if written:
        kept += _BYTES_DRAWN + length * _BYTES_PER_MINUTE_WRITTEN  # one function is written at a time
    multiples = runs if traffic is None else traffic
    records = attempts * 8 * len(RECORD_COLUMNS) if keep_records else 0.0
    chosen = EngineName(engine).chosen(plan).engine if engine in set(EngineName) else EngineName.KERNEL
    per_event, per_call = _S_PER_EVENT[chosen.value], _S_PER_CALL[chosen.value]
    return RunCost(
        events=events * multiples,
        attempts=attempts * multiples,
        memory_bytes=PROGRAM_BYTES + kept + records,
        seconds=PROGRAM_S
        + runs * (_S_PER_RUN + minutes * _S_PER_FUNCTION_MINUTE + _visits(scenario) * _S_PER_VISIT)
        + multiples * (attempts * per_event + called * per_call)
        + ((length + active) * _S_WRITTEN if written else 0.0),
        most_calls=most_calls,
    )


def _failing(function: FunctionPlan) -> float:
    """Return the share of failures in a sample of a function's own draws."""
    drawn = function.draws.draw(np.arange(_SAMPLE, dtype=np.int64), 0)
    return float(np.mean((drawn.fault != Outcome.COMPLETED) | (drawn.handler_us > function.timeout_us)))


def _tasks(scenario: ScenarioSpec, plan: Plan) -> float:
    """Give how many executions of state machines start, and tasks at most in one pass through all states."""
    scenario = scenario.unfolded()
    total = 0.0
    children = sum(len(machine.section.calls()) for machine in plan.machines if machine.is_child)
    started = [machine for machine in plan.machines if not machine.is_child]
    for machine, spec in zip(started, sorted(scenario.state_machines, key=lambda one: one.name), strict=True):
        tasks = len(machine.section.calls()) + (1 + children) * sum(spec.items.values())
        total += expected_of(MachineArrivals(scenario, spec.name)) * (1 + tasks)
    return total


def _called(plan: Plan, arriving: Sequence[float]) -> float:
    """Give how many events calls will make, as far as loop detection and the time let them."""
    if plan.calls is None:
        return 0.0
    calls = [
        (rank, call)
        for rank, function in enumerate(plan.functions)
        for call in function.calls
        if call.moment is CallMoment.RUN
    ]
    if not calls:
        return 0.0
    ranks = sorted({rank for caller, call in calls for rank in (caller, call.callee)})
    places = {rank: place for place, rank in enumerate(ranks)}
    size, most = len(ranks), plan.calls.most_called
    kept, endless = np.zeros((size, size)), np.zeros((size, size))
    for caller, call in calls:
        where = places[call.callee], places[caller]
        kept[where] += call.probability * call.count
        endless[where] += call.probability * call.count * call.is_endless
    quickest_us = min(_mean_us(plan.functions[caller]) for caller, _ in calls)
    # An event arrives in the middle of the time, on the mean.
    steps = int(min(plan.calls.ends_us / 2 / quickest_us + 1, _MANY))
    first = min(steps, min(plan.calls.most_passes, _MOST_STEPS) * size)
    total, now = _stepped(kept, np.array([arriving[rank] for rank in ranks]), first, most)
    return min(total + _stepped(endless, now, steps - first, most)[0], float(most))


def _stepped(
    following: NDArray[np.float64], now: NDArray[np.float64], steps: int, most: int
) -> tuple[float, NDArray[np.float64]]:
    """Let events make events for some steps: how many in all, and how many the last step made, each cut at `most`."""
    size = len(now)
    eye, none = np.eye(size), np.zeros((size, size))
    step = np.block([[following, none], [following, eye]])  # what is made now, and what was made so far
    state = np.concatenate([now, np.zeros(size)])
    while steps:
        if steps & 1:
            state = np.minimum(step @ state, most)
        step, steps = np.minimum(step @ step, most), steps >> 1
    return float(state[size:].sum()), state[:size]


def _mean_us(function: FunctionPlan) -> float:
    """Give how long a run's own work takes on the mean [µs]."""
    drawn = function.draws.draw(np.arange(_SAMPLE, dtype=np.int64), 0)
    return max(float(np.mean(np.minimum(drawn.handler_us, function.timeout_us))), 1.0)


def _visits(scenario: ScenarioSpec) -> float:
    """Give how often bursty traffic changes its state."""
    laws = (function.traffic.bursty for function in scenario.functions)
    means_us = [float(np.mean(law.mean_sojourns_us)) for law in laws if law is not None]
    return sum(scenario.duration_us / max(mean_us, 1.0) for mean_us in means_us)


def _tries_of_items(function: FunctionPlan, source: SourcePlan) -> float:
    """Give how often a message or record that never succeeds is tried again, at most."""
    returns, policy = source.returns, function.retry
    if isinstance(returns, Backoff):
        waits = returns.most_age_us / max(returns.most_us, 1)
        tries = float(min(returns.most_retries, waits + _DOUBLINGS))
        return tries + (log2(max(source.batch, 1)) if returns.bisect else 0)
    receives = float(min(returns.most_receives, -(-returns.retention_us // returns.visibility_us)))
    refusals = returns.visibility_us / max(policy.throttle_backoff_cap_us, 1) + _DOUBLINGS
    return receives * (refusals if function.reserved == 0 else 1.0)


def _longest_us(source: SourcePlan) -> int:
    """Give how long a message or record that never succeeds is kept, at most [µs]."""
    returns = source.returns
    if isinstance(returns, Backoff):
        return returns.most_age_us
    return min(returns.retention_us, returns.visibility_us * min(returns.most_receives, _MANY))


def refuse_beyond_limits(cost: RunCost, name: str, lighter: str = "shorten it or lower its rates") -> None:
    """Refuse what takes more than 4 GB or an hour, and what a run would refuse in the end: too many calls.

    Raises
    ------
    InputError
        Saying how much, and what lifts the limit.
    """
    if cost.most_calls:
        raise InputError.single(
            name,
            "calls",
            f"functions would call each other more than {cost.most_calls:,} times, and the run be refused after "
            f"{cost}; stop the loop, {lighter}, raise platform.most_calls, or use --yes",
        )
    if cost.memory_bytes > MOST_BYTES or cost.waiting_s > MOST_S:
        raise InputError.single(name, "", f"would take {cost}; {lighter}, or use --yes")
