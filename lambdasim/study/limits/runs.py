"""Runs of a scenario under other limits and other traffic, each summed up in a few numbers."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from functools import partial
from math import ceil

from lambdasim.results.gathering import gather
from lambdasim.results.points.store import PointStore, origin
from lambdasim.results.run import RunResult
from lambdasim.results.simulate import simulate
from lambdasim.specs.scenario import ScenarioSpec
from lambdasim.study.limits.kept import OUTCOME
from lambdasim.study.limits.meter import LimitMeter
from lambdasim.study.limits.outcome import LimitOutcome, outcome_of
from lambdasim.study.variants import LimitCase, case_scenario


def run_case(scenario: ScenarioSpec, case: LimitCase, engine: str) -> tuple[RunResult, LimitMeter]:
    """Simulate a case."""
    changed = case_scenario(scenario, case)
    meter = LimitMeter(len(changed.functions), changed.duration_us)
    return simulate(changed, engine=engine, keep_records=False, sink=meter), meter


def case_outcomes(
    scenario: ScenarioSpec,
    cases: Sequence[LimitCase],
    *,
    engine: str,
    executor: Executor | None = None,
    progress: Callable[[int, int], None] | None = None,
    resume: str | os.PathLike[str] | None = None,
) -> list[LimitOutcome]:
    """Simulate cases, but those that are kept.

    Parameters
    ----------
    scenario : ScenarioSpec
    cases : sequence of LimitCase
    engine : str
    executor : concurrent.futures.Executor, optional
    progress : callable, optional
        Called with how many cases are finished, and how many there are.
    resume : path-like, optional
        Folder where each finished case is kept, by the scenario that it is.

    Returns
    -------
    list of LimitOutcome
        In the order of the cases.
    """
    found = gather(
        partial(_case_outcome, scenario.anywhere(), engine),
        cases,
        scenario.seed,
        replications=1,
        most=1,
        wanted=lambda _: 1,
        executor=executor,
        progress=progress,
        store=None if resume is None else partial(_store, resume, scenario),
    )
    return [found[case][0] for case in cases]


def _store(
    folder: str | os.PathLike[str], scenario: ScenarioSpec, case: LimitCase
) -> PointStore[LimitOutcome]:
    """Give where one case is kept; its replication is kept apart from the seed that all cases share."""
    about = {"study": "limits", "replication": str(case.replication)}
    return PointStore(folder, origin(case_scenario(scenario, case)) | about, OUTCOME)


def _case_outcome(scenario: ScenarioSpec, engine: str, point: tuple[LimitCase, int]) -> LimitOutcome:
    """Simulate a case and sum it up in a few numbers; this may be another process."""
    return outcome_of(*run_case(scenario, point[0], engine))


def with_buffer(executions: float, buffer_percent: int) -> int:
    """Add the advised buffer and round up [executions].

    Examples
    --------
    >>> with_buffer(100.0, 10), with_buffer(0.0, 10)
    (110, 0)
    """
    return ceil(executions * (100 + buffer_percent) / 100 - 1e-9)
