"""Provisioned concurrency over a scenario's time: by schedule, and by target tracking of its use."""

from __future__ import annotations

from collections.abc import Mapping
from math import ceil
from typing import Final

import numpy as np
from numpy.typing import NDArray

from lambdasim.catalog import limit, timing
from lambdasim.models.target_tracking import TrackingRule, follow
from lambdasim.results.run import RunResult
from lambdasim.specs.base import revised
from lambdasim.specs.function import FunctionSpec, ProvisionedStep
from lambdasim.specs.scenario import ScenarioSpec
from lambdasim.study.provisioned_use import is_priced
from lambdasim.units import US_PER_DAY, US_PER_HOUR, US_PER_MINUTE, to_epoch_us
from lambdasim.wording import clipped, listed

Steps = tuple[ProvisionedStep, ...]
_HOURS: Final = 24
_MINUTES: Final = 60
_COVERED: Final = 0.95
_PERCENT: Final = 100


def provisioned_schedule(run: RunResult, covered: float = _COVERED) -> dict[str, Steps]:
    """Lay out provisioned concurrency that covers demand by schedule, for functions with cold starts and without any.

    Parameters
    ----------
    run : RunResult
    covered : float
        Share of the minutes of an hour whose executions a level covers.

    Returns
    -------
    dict of str to tuple of ProvisionedStep
        By the hour of the day in scenarios longer than two days; by the hour, or one level, in shorter ones. A level
        covers the most executions of that share of its minutes. Together they leave the unreserved minimum; where that
        binds, all levels shrink alike. A higher level is asked for early enough to be ready at its hour. Functions with
        SnapStart cannot have it.
    """
    levels = {
        name: _levels(run.scenario, minutes, covered) for name, minutes in demand_by_minute(run).items()
    }
    return {
        name: _hourly_steps(run.scenario, fitted)
        for name, fitted in _fitted(run, levels).items()
        if any(fitted.values())
    }


def tracking_schedule(run: RunResult) -> dict[str, Steps]:
    """Follow what target tracking would have set, had it watched the demand of a run.

    Returns
    -------
    dict of str to tuple of ProvisionedStep
        For the same functions as ``provisioned_schedule``. From one environment to as many as bring the peak to the
        target, both at least 1 and with the unreserved minimum left.
    """
    target = limit("autoscaling_target_percent").value
    demand = demand_by_minute(run)
    most = {name: {0: ceil(minutes.max() * _PERCENT / target)} for name, minutes in demand.items()}
    fitted = {name: levels[0] for name, levels in _fitted(run, most).items()}
    preparation = run.scenario.platform.provisioned_preparation_us
    return {
        name: tuple(
            ProvisionedStep.model_validate({"at_us": minute * US_PER_MINUTE, "count": count})
            for minute, count in tracked(demand[name], cap, target, preparation)
        )
        for name, cap in fitted.items()
        if cap
    }


def tracked(
    demand: NDArray[np.int64], most: int, target_percent: int, preparation_us: int
) -> list[tuple[int, int]]:
    """Follow Application Auto Scaling's target tracking on provisioned utilization.

    Parameters
    ----------
    demand : ndarray of int64, shape (n,)
        Most executions at once in each minute.
    most : int
        Capacity that is not exceeded; the least is 1.
    target_percent : int
        Utilization to keep.
    preparation_us : int
        From asking to having, without the time of allocation [µs].

    Returns
    -------
    list of (minute, capacity)
        Capacity asked for from the beginning of a minute; the first at 0.

    Notes
    -----
    See ``models.target_tracking.follow``, which has the rule.

    Examples
    --------
    >>> tracked(np.full(9, 7), 100, 70, 90_000_000)
    [(0, 1), (3, 2), (8, 3)]
    """
    rule = TrackingRule(
        target_percent=target_percent,
        in_percent_of_target=limit("autoscaling_in_percent_of_target").value,
        out_points=timing("autoscaling_out_points").value,
        in_points=timing("autoscaling_in_points").value,
        preparation_us=preparation_us,
        allocation_per_minute=timing("provisioned_allocation_per_minute").value,
    )
    least = np.ones(len(demand), dtype=np.int64)
    return follow(demand, least, np.full(len(demand), most), rule)


def allocated_by_minute(scenario: ScenarioSpec, function: str, steps: Steps) -> NDArray[np.int64]:
    """Give the provisioned concurrency asked for at the beginning of each minute, shape (minutes,)."""
    spec = scenario.function(function)
    asked = revised(spec, {"provisioned_concurrency": steps})
    steps_asked = asked.provisioned_steps(to_epoch_us(scenario.start), scenario.duration_us)
    return steps_asked.at(np.arange(-(-scenario.duration_us // US_PER_MINUTE)) * US_PER_MINUTE)


def demand_by_minute(run: RunResult) -> dict[str, NDArray[np.int64]]:
    """Give the most executions at once in each minute, of functions that can have provisioned concurrency and have none.

    Where its rates are unknown, no function can: what a plan costs is a part of the plan.

    Returns
    -------
    dict of str to ndarray of int64, shape (minutes,)
    """
    specs = {spec.name: spec for spec in run.scenario.functions}
    minutes = -(-run.scenario.duration_us // US_PER_MINUTE)
    return {
        name: totals.concurrency.per_minute(minutes)
        for name, totals in zip(run.aggregate.names, run.aggregate.functions, strict=True)
        if specs[name].snap_start is None
        and specs[name].shares is None
        and not specs[name].provisioned_concurrency
        and totals.concurrency.peak
        and _is_priced(run, specs[name])
    }


def unpriced(run: RunResult) -> tuple[str, ...]:
    """Say for which functions no plan is laid out because the region's rates are unknown."""
    names = [
        spec.name for spec in run.scenario.functions if spec.snap_start is None and not _is_priced(run, spec)
    ]
    if not names:
        return ()
    few = listed([clipped(name, 30) for name in names[:3]])
    more = f" and {len(names) - 3:,} more" if len(names) > 3 else ""
    return (f"provisioned concurrency of {few}{more}: its rates in {run.scenario.region} are unknown",)


def _is_priced(run: RunResult, spec: FunctionSpec) -> bool:
    return is_priced(run.scenario.region, run.scenario.billing_day, spec.architecture.value)


def _fitted(run: RunResult, wanted: Mapping[str, Mapping[int, int]]) -> dict[str, dict[int, int]]:
    """Shrink levels to what reserved concurrency and the account's pool have room for."""
    reserved = {spec.name: spec.reserved_concurrency for spec in run.scenario.functions}
    pooled = [name for name in wanted if reserved[name] is None]
    kept = sum(count or 0 for count in reserved.values())
    room = max(run.plan.concurrency - kept - limit("unreserved_concurrency_min").value, 0)
    most = sum(max(wanted[name].values()) for name in pooled)
    shrink = min(1.0, room / most) if most else 1.0
    fitted = {}
    for name, levels in wanted.items():
        cap = reserved[name]
        fitted[name] = {
            at: int(level * shrink) if cap is None else min(level, cap) for at, level in levels.items()
        }
    return fitted


def _levels(scenario: ScenarioSpec, minutes: NDArray[np.int64], covered: float) -> dict[int, int]:
    """Give the level that begins with each hour: of the day in long scenarios, since the start in short ones."""
    first = to_epoch_us(scenario.start) % US_PER_DAY // US_PER_MINUTE
    hours = np.arange(len(minutes)) // 60
    if scenario.duration_us > 2 * US_PER_DAY:
        hours = (np.arange(len(minutes)) + first) // 60 % _HOURS
    return {
        hour: int(np.quantile(minutes[hours == hour], covered, method="inverted_cdf"))
        for hour in np.unique(hours).tolist()
    }


def _hourly_steps(scenario: ScenarioSpec, levels: Mapping[int, int]) -> Steps:
    steps = []
    daily = scenario.duration_us > 2 * US_PER_DAY
    before = -1
    if daily:
        # What is ready at the scenario's start cannot be asked for by a schedule of the day before.
        first = to_epoch_us(scenario.start) % US_PER_DAY // US_PER_HOUR
        steps.append(ProvisionedStep.model_validate({"at_us": 0, "count": levels[first]}))
        before = levels[max(levels)]
    for hour, level in sorted(levels.items()):
        if level == before:
            continue
        minute = hour * _MINUTES - _lead_minutes(scenario, level - max(before, 0))
        before = level
        if daily:
            clock, past = divmod(minute % (_HOURS * _MINUTES), _MINUTES)
            steps.append(ProvisionedStep(schedule=f"cron({past} {clock} * * ? *)", count=level))
        else:
            at_us = max(minute, 0) * US_PER_MINUTE
            steps.append(ProvisionedStep.model_validate({"at_us": at_us, "count": level}))
    return tuple(steps)


def _lead_minutes(scenario: ScenarioSpec, growth: int) -> int:
    """Give how long before it is needed an allocation must be asked for, below an hour [min]."""
    if growth <= 0:
        return 0
    per_minute = timing("provisioned_allocation_per_minute").value
    wait_us = scenario.platform.provisioned_preparation_us + -(-growth * US_PER_MINUTE // per_minute)
    return min(-(-wait_us // US_PER_MINUTE), _MINUTES - 1)
