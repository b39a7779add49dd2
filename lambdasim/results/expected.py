"""What a scenario will take to simulate: events, memory and time, before it runs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import log2
from typing import TYPE_CHECKING, Final

import numpy as np

from lambdasim.engine.contract import RECORD_COLUMNS, CallMoment, FunctionPlan, Invoker, Plan
from lambdasim.engine.lanes import Backoff, SourcePlan
from lambdasim.engine.plan import plan_scenario
from lambdasim.engine.records import Outcome
from lambdasim.engine.run import EngineName
from lambdasim.errors import InputError
from lambdasim.traffic.expected import expected_events
from lambdasim.units import US_PER_MINUTE

if TYPE_CHECKING:
    from lambdasim.specs.scenario import ScenarioSpec

MOST_BYTES: Final = 4_000_000_000
MOST_S: Final = 3_600.0
# Measured on one core of a small machine (2026); the sizes follow from the arrays that grow.
_PROGRAM_BYTES: Final = 200_000_000
_BYTES_PER_FUNCTION_MINUTE: Final = 130
_BYTES_WRITTEN: Final = 540
_PROGRAM_S: Final = 0.5
_S_PER_EVENT: Final = {"reference": 2.5e-5, "kernel": 2.5e-7}
_S_PER_FUNCTION_MINUTE: Final = 2.5e-7
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
        On one core of a small machine.
    """

    events: float
    attempts: float
    memory_bytes: float
    seconds: float

    def __str__(self) -> str:
        """Say it in a line."""
        span = f"{self.seconds:,.0f} s" if self.seconds < MOST_S else f"{self.seconds / 3600:,.1f} h"
        return f"about {self.events:,.0f} events, {self.memory_bytes / 1e9:,.1f} GB of memory and {span}"


def expected_cost(
    scenario: ScenarioSpec,
    *,
    runs: float = 1,
    engine: str = "auto",
    keep_records: bool = False,
    written: bool = False,
) -> RunCost:
    """Estimate what it takes to simulate a scenario.

    Parameters
    ----------
    scenario : ScenarioSpec
    runs : float
        Seeds, one after the other; a multiple of the traffic counts as so many.
    engine : str
        As ``simulate`` takes it.
    keep_records : bool
        Whether every attempt is kept in memory, as ``ls.simulate`` does and the command line does not.
    written : bool
        Whether tables and pictures of the run are written, as ``simulate --out`` does.

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
    Tables by minute and function grow with the scenario's length, records with the attempts; nothing else grows. A failed
    event from Lambda's queue runs up to three times; the share of failures is that of a sample of the run's own draws.
    """
    plan = plan_scenario(scenario)
    events = attempts = 0.0
    arriving_at: list[float] = []
    lasts_us = 0
    for function in plan.functions:
        arriving = expected_events(scenario, function.name)
        events += arriving
        arriving_at.append(arriving)
        drawn = function.draws.draw(np.arange(_SAMPLE, dtype=np.int64), 0)
        failing = float(
            np.mean((drawn.fault != Outcome.COMPLETED) | (drawn.handler_us > function.timeout_us))
        )
        again = failing + failing**2 if function.retry.invoker is Invoker.QUEUE else 0.0
        if function.source is not None:
            refused = function.reserved == 0
            again = _tries_of_items(function, function.source) * (1.0 if refused else failing)
            lasts_us = max(lasts_us, _longest_us(function.source) if refused else 0)
        attempts += arriving * (1 + again)
    events, attempts = events + _called(plan, arriving_at), attempts + _called(plan, arriving_at)
    minutes = ((scenario.duration_us + lasts_us) / US_PER_MINUTE + 1) * len(plan.functions)
    bytes_a_minute = _BYTES_PER_FUNCTION_MINUTE + (_BYTES_WRITTEN if written else 0)
    records = attempts * 8 * len(RECORD_COLUMNS) if keep_records else 0.0
    chosen = EngineName(engine).chosen(plan).engine if engine in set(EngineName) else EngineName.KERNEL
    per_event = _S_PER_EVENT[chosen.value]
    return RunCost(
        events=events * runs,
        attempts=attempts * runs,
        memory_bytes=_PROGRAM_BYTES + minutes * bytes_a_minute + records,
        seconds=_PROGRAM_S
        + runs * (attempts * per_event + minutes * _S_PER_FUNCTION_MINUTE)
        + (minutes * _S_WRITTEN if written else 0.0),
    )


def _called(plan: Plan, arriving: Sequence[float]) -> float:
    """Give how many events calls will make, as far as loop detection lets them."""
    if plan.calls is None:
        return 0.0
    total, now = 0.0, np.array(arriving)
    for _ in range(min(plan.calls.most_passes, _MOST_STEPS) * len(plan.functions)):
        following = np.zeros_like(now)
        for rank, function in enumerate(plan.functions):
            for call in function.calls:
                if call.moment is CallMoment.RUN:
                    following[call.callee] += now[rank] * call.probability * call.count
        now = following
        total += float(now.sum())
        if not now.any() or total > plan.calls.most_called:
            break
    return min(total, float(plan.calls.most_called))


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


def refuse_beyond_limits(cost: RunCost, name: str) -> None:
    """Refuse what takes more than 4 GB or an hour.

    Raises
    ------
    InputError
        Saying how much, and what lifts the limit.
    """
    if cost.memory_bytes > MOST_BYTES or cost.seconds > MOST_S:
        raise InputError.single(name, "", f"would take {cost}; shorten it or lower its rates, or use --yes")
