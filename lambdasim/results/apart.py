"""Functions of an account simulated each for itself, where they cannot meet.

Functions meet in two places: the unreserved pool, and the account's rate of synchronous requests. Let each be simulated
as if it were alone, and suppose that

1. the peaks of on-demand executions of functions without reserved concurrency add up to less than the pool at its
   smallest, which is the account's concurrency less all reserved and all provisioned concurrency ever claimed; and
2. the most attempts that each such synchronous function was granted in two adjacent whole seconds add up to at most one
   second's worth of the account's request rate.

Then the records are those of all functions together. Proof, by induction over attempts in the order of events: let all
attempts before this one have ended as they did apart. Draws belong to seed, function and invocation; environments,
retries, scaling rate, reserved and provisioned concurrency belong to the function. So the function is in the state that
it had apart, and only the two shared limits could decide otherwise. The pool: executions in it are at most the sum of the
peaks, by 1 less than the pool, so it refuses nobody; nor does it apart, where it is larger. The rate: it refuses an
attempt only if some t seconds before it more than (1 + t) seconds' worth were granted. These t seconds touch one pair of
adjacent whole seconds if t is below 1, and else at most (t + 3) / 2 pairs, which is at most 1 + t. By 2 each pair has at
most one second's worth. So the rate refuses nobody either, together or apart.

Functions that call each other, and several ways into one function, do meet, and are simulated together.

What differs is what belongs to the account: the numbers of environments, which follow one another within a function as
before, and executions of the account in progress. The account's peak needs all starts and ends in one order, hence
all functions in one place; that is why a run apart gives no account metrics and no records.
"""

from __future__ import annotations

from collections.abc import Iterable
from concurrent.futures import Executor
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from lambdasim.billing import Bill, Usage, price_scenario
from lambdasim.engine.contract import RecordChunk, StartType
from lambdasim.engine.totals.histogram import Histogram, together
from lambdasim.results.points.parallel import map_points
from lambdasim.results.run_text import summary_text
from lambdasim.results.simulate import simulate
from lambdasim.results.usage.traced import quiet_parts, seconds_of_any
from lambdasim.specs.base import revised
from lambdasim.specs.scenario import ScenarioSpec
from lambdasim.units import US_PER_S
from lambdasim.views import Result
from lambdasim.wording import count, money

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, eq=False, repr=False)
class FunctionResults(Result):
    """What is known of a scenario's functions; equal to ``RunResult``'s of the same name, to the last bit.

    Attributes
    ----------
    scenario : ScenarioSpec
    summary : DataFrame
    usage : tuple of Usage
    latency_ms : Histogram
        Of all functions.
    apart : bool
        Whether they could be simulated apart.
    """

    scenario: ScenarioSpec
    summary: pd.DataFrame
    usage: tuple[Usage, ...]
    latency_ms: Histogram
    apart: bool

    def charges(self) -> Bill:
        """Price the usage."""
        return price_scenario(self.scenario, self.usage)

    def frame(self) -> pd.DataFrame:
        """Return one row for each function: ``summary``."""
        return self.summary

    def text(self) -> str:
        """Write how each function went, and the bill, in 80 columns."""
        return "\n".join([repr(self), "", summary_text(self.summary), "", self.charges().text()])

    def __repr__(self) -> str:
        """Say how much ran, and what it costs."""
        events = count(int(self.summary["events"].sum()), "event")
        how = "simulated apart" if self.apart else "simulated together"
        return f"{self.scenario.name}: {events}, functions {how}; bill {money(self.charges().total)}"


def simulate_functions(
    scenario: ScenarioSpec, executor: Executor | None = None, *, engine: str = "auto"
) -> FunctionResults:
    """Simulate a scenario's functions apart, side by side, and together where they could meet.

    Parameters
    ----------
    scenario : ScenarioSpec
    executor : concurrent.futures.Executor, optional
        See ``replicate``. One function goes out at a time; its totals come back.
    engine : {"auto", "kernel", "reference"}

    Returns
    -------
    FunctionResults
        The same with any executor and with none.
    """
    import pandas as pd

    if scenario.state_machines or any(one.calls or one.shares or one.durable for one in scenario.functions):
        return _together(scenario, engine)
    alone = [
        revised(scenario, {"functions": (function,)}).anywhere()
        for function in sorted(scenario.functions, key=lambda function: function.name)
    ]
    found = map_points(partial(_alone, engine), alone, executor)
    if _could_meet(scenario, found):
        return _together(scenario, engine)
    summary = pd.concat([one.summary for one in found], ignore_index=True)
    any_busy = seconds_of_any(scenario, (part for one in found for part in one.quiet))
    usage = tuple(replace(row, busy_any_s=any_busy.pop(row.month, 0)) for one in found for row in one.usage)
    return FunctionResults(scenario, summary, usage, together(*(one.latency_ms for one in found)), apart=True)


def _together(scenario: ScenarioSpec, engine: str) -> FunctionResults:
    run = simulate(scenario, engine=engine, keep_records=False)
    return FunctionResults(scenario, run.summary(), run.usage(), run.latency_ms(), apart=False)


class _Alone(NamedTuple):
    """What comes back of one function."""

    summary: pd.DataFrame
    usage: tuple[Usage, ...]
    latency_ms: Histogram
    quiet: list[tuple[NDArray[np.int64], NDArray[np.float64]]]
    peak_in_pool: int
    busiest_two_seconds: int


def _alone(engine: str, scenario: ScenarioSpec) -> _Alone:
    granted = _Granted()
    run = simulate(scenario, engine=engine, keep_records=False, sink=granted.add)
    (function,) = run.plan.functions
    shares_rate = function.retry.synchronous and function.reserved is None
    busiest = granted.busiest_two_seconds() if shares_rate else 0
    return _Alone(
        run.summary(),
        run.usage(),
        run.latency_ms(),
        list(quiet_parts(scenario, run.aggregate)),
        run.aggregate.unreserved.peak,
        busiest,
    )


def _could_meet(scenario: ScenarioSpec, found: Iterable[_Alone]) -> bool:
    """Return whether one of the conditions at the top of this module fails."""
    account, functions = scenario.account, scenario.functions
    claimed = sum(
        max((step.count for step in function.provisioned_concurrency), default=0)
        if function.reserved_concurrency is None
        else function.reserved_concurrency
        for function in functions
    )
    peaks, busiest = (sum(column) for column in zip(*((one[-2:]) for one in found), strict=True))
    second = account.concurrency * account.request_rate_factor
    return peaks >= account.concurrency - claimed or busiest > second


class _Granted:
    """Counts granted attempts by whole second."""

    def __init__(self) -> None:
        self._by_second: NDArray[np.int64] = np.zeros(0, dtype=np.int64)

    def add(self, chunk: RecordChunk) -> None:
        """Count the next records, which are in order of their start."""
        seconds = chunk["start_us"][chunk["start_type"] != StartType.NONE] // US_PER_S
        if len(seconds):
            missing = int(seconds[-1]) + 1 - len(self._by_second)
            if missing > 0:
                self._by_second = np.pad(self._by_second, (0, missing + len(self._by_second) // 2))
            first = int(seconds[0])
            counts = np.bincount(seconds - first)
            self._by_second[first : first + len(counts)] += counts

    def busiest_two_seconds(self) -> int:
        """Return the most in two adjacent seconds."""
        counts = self._by_second
        return int((counts + np.append(counts[1:], 0)).max()) if len(counts) else 0
