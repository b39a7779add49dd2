"""What studies will take: how many runs each makes, and what it computes besides, before it begins."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from lambdasim.results.expected import PROGRAM_BYTES, PROGRAM_S, RunCost, expected_cost
from lambdasim.study.break_even.search import FIRST
from lambdasim.study.forecast.backtest import FIRST_DAYS
from lambdasim.study.forecast.forecast import simulated_paths
from lambdasim.study.forecast.history import daily_histories
from lambdasim.study.forecast.levels import CARRIED_DAYS
from lambdasim.study.forecast.month import histories_of, month_of, month_scenario
from lambdasim.study.memory.sweep import MOST_FOR_ALTERNATIVES
from lambdasim.study.what_if.grid import expected_grid_s
from lambdasim.traffic.expected import mean_overlay

if TYPE_CHECKING:
    from lambdasim.specs.scenario import ScenarioSpec
    from lambdasim.study.forecast.month import History
    from lambdasim.traffic.trace import Trace

# Measured like those of `results.expected`.
_LIMITS_MINUTE_BYTES: Final = 250
_FORECAST_MINUTE_BYTES: Final = 100
_FURTHER_CASES: Final = 4  # of limits: two schedules, the quota, the plan
_LESSER: Final = 0.01  # what break-even looks at below a tenth
_S_PER_EVENT_ELSEWHERE: Final = 1.7e-6
_ELSEWHERE_BYTES: Final = 150_000_000
_NOTEBOOK_S: Final = 2.5
_S_PER_PRICED_ROW: Final = 2e-4
_PATH_DAY_BYTES: Final = 40
_S_PER_PATH_DAY: Final = 4e-8
_S_PER_FORECAST: Final = 0.0055


def sweep_cost(
    scenario: ScenarioSpec,
    sizes: int,
    *,
    function: str | None = None,
    replications: int = 5,
    engine: str = "auto",
) -> RunCost:
    """Estimate what ``sweep_memory`` takes.

    Parameters
    ----------
    scenario : ScenarioSpec
    sizes : int
        How many, times architectures.
    function : str, optional
        Which is swept; its plausible settings are swept too.
    replications : int
        Without a precision, which may ask for more.
    engine : str

    Returns
    -------
    RunCost
    """
    scenario.require_on_demand("sweep")
    swept = scenario.functions if function is None else [scenario.function(function)]
    plausible = max((len(spec.work.plausible) for spec in swept), default=0)
    runs = sizes * (replications + plausible * min(replications, MOST_FOR_ALTERNATIVES))
    return expected_cost(scenario, runs=runs, engine=engine)


def comparison_cost(
    scenarios: Iterable[ScenarioSpec], *, replications: int = 5, engine: str = "auto"
) -> RunCost:
    """Estimate what ``compare`` takes.

    Parameters
    ----------
    scenarios : iterable of ScenarioSpec
    replications : int
        Without a precision, which may ask for more.
    engine : str

    Returns
    -------
    RunCost
    """
    first, *others = (expected_cost(spec, runs=replications, engine=engine) for spec in scenarios)
    for other in others:
        first = first.with_(other)
    return first


def report_cost(scenario: ScenarioSpec) -> RunCost:
    """Estimate what a report takes: a run with its pictures, the settings of its what-if, and the notebook around them.

    Parameters
    ----------
    scenario : ScenarioSpec

    Returns
    -------
    RunCost
    """
    run = expected_cost(scenario, written=True)
    return replace(run, seconds=run.seconds + expected_grid_s(scenario) + _NOTEBOOK_S)


def trap_cost(good: ScenarioSpec, bad: ScenarioSpec, *, engine: str = "auto") -> RunCost:
    """Estimate what ``spring_trap`` takes: two runs, both of which stay in memory with their records.

    Parameters
    ----------
    good, bad : ScenarioSpec
    engine : str

    Returns
    -------
    RunCost
    """
    first, second = (expected_cost(spec, engine=engine, keep_records=True) for spec in (good, bad))
    memory_bytes = first.memory_bytes + second.memory_bytes - PROGRAM_BYTES
    return replace(first.with_(second), memory_bytes=memory_bytes)


def limits_cost(
    scenario: ScenarioSpec, *, replications: int, multiples: Sequence[float], engine: str = "auto"
) -> RunCost:
    """Estimate what ``advise_limits`` takes.

    Parameters
    ----------
    scenario : ScenarioSpec
    replications : int
    multiples : sequence of float
    engine : str

    Returns
    -------
    RunCost
    """
    scenario.require_on_demand("limits")
    further = {multiple for multiple in multiples if multiple != 1}
    usual = 2 * replications + _FURTHER_CASES
    return expected_cost(
        scenario,
        runs=usual + len(further),
        traffic=usual + sum(further),
        engine=engine,
        minute_bytes=_LIMITS_MINUTE_BYTES,
    )


def break_even_cost(
    scenario: ScenarioSpec, *, replications: int, multiples: Sequence[float] | None, engine: str = "auto"
) -> RunCost:
    """Estimate what ``break_even`` takes.

    Parameters
    ----------
    scenario : ScenarioSpec
    replications : int
    multiples : sequence of float, optional
        As ``break_even`` takes them. Where it looks for them, greater ones are simulated only where they are short.
    engine : str

    Returns
    -------
    RunCost
    """
    scenario.require_on_demand("break-even")
    wanted = {1.0, *(multiples or (*FIRST, _LESSER))}
    return expected_cost(
        scenario, runs=len(wanted) * replications, traffic=sum(wanted) * replications, engine=engine
    )


def platforms_cost(scenario: ScenarioSpec, *, replications: int, engine: str = "auto") -> RunCost:
    """Estimate what ``platforms`` takes, with all of them: each event is served some ten times.

    Parameters
    ----------
    scenario : ScenarioSpec
    replications : int
    engine : str

    Returns
    -------
    RunCost
    """
    scenario.require_on_demand("platforms")
    cost = expected_cost(scenario, runs=replications, engine=engine)
    return replace(
        cost,
        seconds=cost.seconds + cost.attempts * _S_PER_EVENT_ELSEWHERE,
        memory_bytes=cost.memory_bytes + _ELSEWHERE_BYTES,
    )


def forecast_cost(
    scenario: ScenarioSpec, month: str, history: History | None = None, *, paths: int, engine: str = "auto"
) -> RunCost:
    """Estimate what ``forecast`` takes: its paths that are simulated, and the bill of each at the end of every day.

    Parameters
    ----------
    scenario : ScenarioSpec
    month : str
    history : Trace, or mapping of str to Trace, optional
        Is read once.
    paths : int
    engine : str

    Returns
    -------
    RunCost

    Raises
    ------
    InputError
        When the month is none, or there is no history.
    """
    scenario.require_on_demand("forecast")
    first_day, n_days = month_of(month)
    moved = month_scenario(scenario, first_day, n_days)
    arriving = {}
    for name, past in histories_of(scenario, history).items():
        totals = past.until(first_day + timedelta(days=n_days)).totals
        mean = float(totals[-CARRIED_DAYS:].mean()) if len(totals) else 0.0
        arriving[name] = mean * n_days * mean_overlay(moved.function(name).traffic, 0, moved.duration_us)
    cost = expected_cost(
        moved,
        runs=simulated_paths(sum(arriving.values()), paths),
        engine=engine,
        minute_bytes=_FORECAST_MINUTE_BYTES,
        arriving=arriving,
    )
    priced_s = paths * n_days * len(moved.functions) * _S_PER_PRICED_ROW
    drawn = paths * (n_days + CARRIED_DAYS) * len(arriving) * _PATH_DAY_BYTES
    return replace(cost, seconds=cost.seconds + priced_s, memory_bytes=cost.memory_bytes + drawn)


def backtest_cost(trace: Trace, *, days: int, paths: int, first: int = FIRST_DAYS) -> RunCost:
    """Estimate what ``backtest`` takes, which draws paths and simulates nothing.

    Parameters
    ----------
    trace : Trace
        Is read once.
    days, paths, first : int
        As ``backtest`` takes them.

    Returns
    -------
    RunCost
    """
    forecasts = sum(
        2 * max((len(past.totals) - first) // max(days, 1), 0) for past in daily_histories(trace).values()
    )
    path_days = paths * max(days, CARRIED_DAYS)
    seconds = PROGRAM_S + forecasts * (_S_PER_FORECAST + path_days * _S_PER_PATH_DAY)
    return RunCost(0.0, 0.0, PROGRAM_BYTES / 2 + path_days * _PATH_DAY_BYTES, seconds)
