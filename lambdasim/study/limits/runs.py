"""Runs of a scenario under other limits and other traffic, each told in a few numbers."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, field
from enum import StrEnum
from functools import partial
from math import ceil
from typing import Any, Final

from lambdasim.results.gathering import gather
from lambdasim.results.points.store import PointStore, origin
from lambdasim.results.run import RunResult
from lambdasim.results.simulate import simulate
from lambdasim.specs.base import revised
from lambdasim.specs.function import ProvisionedStep
from lambdasim.specs.scenario import ScenarioSpec
from lambdasim.study.kept import OUTCOME
from lambdasim.study.limits.meter import LimitMeter
from lambdasim.study.limits.outcome import LimitOutcome, outcome_of

NO_LIMIT: Final = 10_000_000
_NO_SCALING: Final = 1_000_000


class Variant(StrEnum):
    """What is changed in a scenario."""

    AS_IS = "as it is"
    UNLIMITED = "without limits of concurrency"
    WARM = "without limits of concurrency or growth, and all environments warm"
    QUOTA = "with another account limit"
    TRAFFIC = "with more traffic"
    PROVISIONED = "with provisioned concurrency by schedule"
    TRACKING = "with provisioned concurrency by target tracking"
    TOGETHER = "with another account limit, reserved and provisioned concurrency"


_FREE: Final = (Variant.UNLIMITED, Variant.WARM)


@dataclass(frozen=True, eq=False)
class LimitCase:
    """A scenario's variant and a seed.

    Attributes
    ----------
    variant : Variant
    replication : int
        Added to the scenario's seed.
    number : float
        The account's limit, or the factor on traffic.
    provisioned : mapping of str to tuple of ProvisionedStep
        By function.
    reserved : mapping of str to int
        Reserved concurrency by function, beside another account limit.
    """

    variant: Variant
    replication: int = 0
    number: float = 0.0
    provisioned: Mapping[str, tuple[ProvisionedStep, ...]] = field(default_factory=dict)
    reserved: Mapping[str, int] = field(default_factory=dict)


def case_scenario(scenario: ScenarioSpec, case: LimitCase) -> ScenarioSpec:
    """Return the scenario of a case."""
    changes: dict[str, Any] = {"seed": (scenario.seed + case.replication) % (1 << 64)}
    functions = []
    for spec in scenario.functions:
        overlay: dict[str, Any] = {}
        if case.variant in _FREE:
            overlay["reserved_concurrency"] = None
        if case.variant is Variant.WARM:
            overlay |= {"init_ms": 0, "placement_ms": 0, "work": revised(spec.work, {"first_run_ms": 0})}
        if case.variant is Variant.TRAFFIC:
            overlay["traffic"] = revised(spec.traffic, {"scale": spec.traffic.scale * case.number})
        if spec.name in case.reserved:
            overlay["reserved_concurrency"] = case.reserved[spec.name]
        if spec.name in case.provisioned:
            overlay["provisioned_concurrency"] = case.provisioned[spec.name]
        functions.append(revised(spec, overlay) if overlay else spec)
    if case.variant in _FREE:
        freed = {"concurrency": NO_LIMIT}
        if case.variant is Variant.WARM:
            freed["scaling_burst"] = _NO_SCALING
        changes["account"] = revised(scenario.account, freed)
    elif case.variant in (Variant.QUOTA, Variant.TOGETHER):
        changes["account"] = revised(scenario.account, {"concurrency": int(case.number)})
    changes["functions"] = tuple(functions)
    return revised(scenario, changes)


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
    """Give where one case is kept; its replication is told apart from the seed that all cases share."""
    about = {"study": "limits", "replication": str(case.replication)}
    return PointStore(folder, origin(case_scenario(scenario, case)) | about, OUTCOME)


def _case_outcome(scenario: ScenarioSpec, engine: str, point: tuple[LimitCase, int]) -> LimitOutcome:
    """Simulate a case and tell it in a few numbers; this may be another process."""
    return outcome_of(*run_case(scenario, point[0], engine))


def with_buffer(executions: float, buffer_percent: int) -> int:
    """Add the advised buffer and round up [executions].

    Examples
    --------
    >>> with_buffer(100.0, 10), with_buffer(0.0, 10)
    (110, 0)
    """
    return ceil(executions * (100 + buffer_percent) / 100 - 1e-9)
