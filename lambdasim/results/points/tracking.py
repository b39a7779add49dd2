"""Target tracking inside a simulation: capacity that follows the very use that it causes.

What target tracking sets at a moment depends on what ran before it alone. So a run under a guessed schedule shows the
right schedule up to the first moment at which the guess was wrong, and each further run at least one step more; when a
run's own use leads to the schedule that it ran under, that is target tracking, exactly, whatever the engine.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from lambdasim.catalog import limit, timing
from lambdasim.errors import InputError
from lambdasim.models.target_tracking import TrackingRule, follow
from lambdasim.specs.base import revised
from lambdasim.specs.function import FunctionSpec
from lambdasim.specs.scenario import ScenarioSpec
from lambdasim.specs.work.tracking import TargetTrackingSpec
from lambdasim.units import US_PER_MINUTE, to_epoch_us

if TYPE_CHECKING:
    from lambdasim.results.run import RunResult

_MOST_RUNS: Final = 100
_PERCENT: Final = 100

_Steps = list[tuple[int, int]]


def is_open(scenario: ScenarioSpec) -> bool:
    """Return whether some function's target tracking has not been followed yet.

    Parameters
    ----------
    scenario : ScenarioSpec

    Returns
    -------
    bool
    """
    return any(
        spec.target_tracking is not None and not spec.target_tracking.followed for spec in scenario.functions
    )


def followed(scenario: ScenarioSpec, run_of: Callable[[ScenarioSpec], RunResult]) -> ScenarioSpec:
    """Return the scenario with the provisioned concurrency that target tracking sets in it.

    Parameters
    ----------
    scenario : ScenarioSpec
    run_of : callable
        Simulates a scenario without target tracking left open, records not kept.

    Returns
    -------
    ScenarioSpec
        The same where no function has target tracking.

    Raises
    ------
    InputError
        When capacity has not settled after 100 simulations.
    """
    if not is_open(scenario):
        return scenario
    tracked = [spec for spec in scenario.functions if spec.target_tracking is not None]
    steps = {spec.name: _first(scenario, spec) for spec in tracked}
    for _ in range(_MOST_RUNS):
        resolved = _with(scenario, steps)
        run = run_of(resolved)
        found = {spec.name: _follow(run, spec, steps[spec.name]) for spec in tracked}
        if found == steps:
            return resolved
        steps = found
    raise InputError.single(
        "simulate", "target_tracking", f"has not settled after {_MOST_RUNS} simulations; shorten the scenario"
    )


def _first(scenario: ScenarioSpec, spec: FunctionSpec) -> _Steps:
    """Guess that only the bounds move capacity."""
    tracking = _tracking(spec)
    low, high = tracking.bounds(to_epoch_us(scenario.start), scenario.duration_us)
    nothing = np.zeros(len(low), dtype=np.int64)
    return follow(nothing, low, high, _rule(scenario, tracking))


def _follow(run: RunResult, spec: FunctionSpec, steps: _Steps) -> _Steps:
    """Follow target tracking on what a run under these steps has used."""
    scenario, tracking = run.scenario, _tracking(spec)
    low, high = tracking.bounds(to_epoch_us(scenario.start), scenario.duration_us)
    minutes = len(low)
    totals = run.aggregate.function(spec.name)
    held = np.zeros(minutes, dtype=np.int64)
    for minute, capacity in steps:
        held[minute:] = capacity
    demand, used = (
        _to_length(concurrency.per_minute(minutes), minutes)
        for concurrency in (totals.concurrency, totals.provisioned)
    )
    if not spec.calls_provisioned:
        demand, used = np.zeros_like(demand), np.zeros_like(used)
    return follow(demand, low, high, _rule(scenario, tracking), used, held)


def _to_length(values: NDArray[np.int64], minutes: int) -> NDArray[np.int64]:
    return np.pad(values[:minutes].astype(np.int64), (0, max(minutes - len(values), 0)))


def _tracking(spec: FunctionSpec) -> TargetTrackingSpec:
    assert spec.target_tracking is not None  # noqa: S101 - chosen by the caller
    return spec.target_tracking


def _rule(scenario: ScenarioSpec, tracking: TargetTrackingSpec) -> TrackingRule:
    return TrackingRule(
        target_percent=tracking.target * _PERCENT,
        in_percent_of_target=limit("autoscaling_in_percent_of_target").value,
        out_points=timing("autoscaling_out_points").value,
        in_points=timing("autoscaling_in_points").value,
        preparation_us=scenario.platform.provisioned_preparation_us,
        allocation_per_minute=timing("provisioned_allocation_per_minute").value,
        scale_in=tracking.scale_in,
        out_cooldown_us=tracking.scale_out_cooldown_us,
        in_cooldown_us=tracking.scale_in_cooldown_us,
    )


def _with(scenario: ScenarioSpec, steps: dict[str, _Steps]) -> ScenarioSpec:
    functions = []
    for spec in scenario.functions:
        if spec.name not in steps:
            functions.append(spec)
            continue
        asked = tuple(
            {"at_us": minute * US_PER_MINUTE, "count": capacity} for minute, capacity in steps[spec.name]
        )
        marked = revised(_tracking(spec), {"followed": True})
        functions.append(revised(spec, {"provisioned_concurrency": asked, "target_tracking": marked}))
    return revised(scenario, {"functions": tuple(functions)})
