"""What to set where a quota alone does not help: environments that are there before the traffic."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

from lambdasim.catalog import limit
from lambdasim.engine.contract import Limit
from lambdasim.specs.base import revised
from lambdasim.specs.function import ProvisionedStep
from lambdasim.specs.scenario import ScenarioSpec
from lambdasim.study.limits.concurrency import QuotaAdvice, in_quota_steps
from lambdasim.study.limits.outcome import LimitOutcome
from lambdasim.study.limits.provisioned import Steps, provisioned_schedule
from lambdasim.study.limits.runs import run_case, with_buffer
from lambdasim.study.variants import LimitCase, Variant
from lambdasim.units import format_duration
from lambdasim.wording import listed

_ALL_MINUTES: Final = 1.0
_MOST_STEPS: Final = 6


class LimitPlan(NamedTuple):
    """Quota, reserved and provisioned concurrency that were simulated together.

    Attributes
    ----------
    quota : int
        The account's concurrency to ask for [executions].
    reserved : mapping of str to int
        What functions that have reserved concurrency need of it, where that is more than they have.
    schedule : mapping of str to tuple of ProvisionedStep
        By function; as a scenario's ``provisioned_concurrency`` takes it.
    outcome : LimitOutcome
        How the scenario goes with all of it.
    """

    quota: int
    reserved: Mapping[str, int]
    schedule: Mapping[str, Steps]
    outcome: LimitOutcome


def steps_text(steps: Steps) -> str:
    """Write provisioned concurrency over time, its first steps by their moments."""
    return listed(map(_step, steps), _MOST_STEPS)


def _step(step: ProvisionedStep) -> str:
    when = step.schedule or f"at {format_duration(step.at_us or 0)}".replace("0us", "0s")
    return f"{step.count:,} {when}"


def plan_case(
    scenario: ScenarioSpec, unlimited: Sequence[LimitOutcome], quota: QuotaAdvice, engine: str
) -> LimitCase | None:
    """Lay out what keeps the scaling rate from refusing; None where it refuses nothing, or nothing can be provisioned.

    Notes
    -----
    Functions that the scaling rate hits although there is no other limit get provisioned concurrency: by the hour, the
    most executions at once that they would have if all environments were warm, with the advised buffer. The quota has
    room for it, for the greatest demand of the others with the buffer, and for the unreserved minimum.
    """
    if not any(outcome.refused["scaling rate"] for outcome in unlimited):
        return None
    buffer, minimum = limit("provisioned_buffer_percent").value, limit("unreserved_concurrency_min").value
    run, meter = run_case(scenario, LimitCase(Variant.UNLIMITED), engine)
    owners = {spec.name: spec.shares or spec.name for spec in scenario.functions}
    hit = [
        owners[name]
        for place, name in enumerate(run.aggregate.names)
        if meter.refused[place, Limit.SCALING_RATE]
    ]
    warm, _ = run_case(scenario, LimitCase(Variant.WARM), engine)
    schedule = {
        name: tuple(_raised(step, buffer) for step in steps)
        for name, steps in provisioned_schedule(warm, _ALL_MINUTES).items()
        if name in hit
    }
    if not schedule:
        return None
    kept = {
        spec.name: spec.reserved_concurrency
        for spec in scenario.functions
        if spec.reserved_concurrency is not None
    }
    owned = {spec.name: spec.provisioned_concurrency for spec in scenario.functions if spec.shares is None}
    provided = owned | schedule
    ready = {name: max((step.count for step in steps), default=0) for name, steps in provided.items()}
    reserved = {
        name: max(count, quota.reserved.get(name, 0), ready[name] if name in schedule else 0)
        for name, count in kept.items()
    }
    pooled = [name for name in ready if name not in reserved]
    rest = max(
        sum(outcome.function_peaks[name] for name in pooled if not ready[name]) for outcome in unlimited
    )
    room = sum(ready[name] for name in pooled) + max(with_buffer(rest, buffer), minimum)
    return LimitCase(
        Variant.TOGETHER,
        number=max(quota.ask, quota.now, in_quota_steps(sum(reserved.values()) + room)),
        reserved={name: count for name, count in reserved.items() if count > kept[name]},
        provisioned=schedule,
    )


def _raised(step: ProvisionedStep, buffer_percent: int) -> ProvisionedStep:
    """Add the advised buffer to a step."""
    return revised(step, {"count": with_buffer(step.count, buffer_percent)})
