"""From a scenario to the plan that engines run: whole numbers, draws and the order of functions."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import pairwise
from math import log, log1p, sqrt

from lambdasim.catalog import init_prior, keep_alive_curve, limit, timing
from lambdasim.catalog.prices.servers import managed_terms
from lambdasim.draws.keys import Quantity
from lambdasim.draws.laws import Constant, DrawLaw, compile_law, lognormal
from lambdasim.engine.contract import (
    NEVER,
    AfterFailure,
    ArrivalChunk,
    CallRules,
    FunctionPlan,
    Plan,
    ProvisionedChange,
    RetryPolicy,
    ReuseOrder,
)
from lambdasim.engine.draws import FunctionDraws
from lambdasim.engine.merge import merge_arrivals
from lambdasim.engine.planning.calls import event_retries, with_calls
from lambdasim.engine.planning.clients import bucket, client_retries, payload_limits
from lambdasim.engine.planning.machines import plan_machines
from lambdasim.engine.source_plan import batches_of, source_laws, source_plan, source_retries
from lambdasim.models.cold_start import first_run_extra_ms, init_law
from lambdasim.models.cpu_chain import CpuStyle, HandlerQuota
from lambdasim.models.cpu_scaling import FIXED_POINT_BITS, cpu_time_factor
from lambdasim.models.keep_alive import keep_alive_law
from lambdasim.models.managed_instances import ManagedPlan
from lambdasim.specs.function import Architecture, FunctionSpec
from lambdasim.specs.laws import Law
from lambdasim.specs.platform import PlatformSpec
from lambdasim.specs.scenario import ScenarioSpec
from lambdasim.specs.work.first_run import FirstRunByMemory
from lambdasim.traffic.arrivals import FunctionArrivals
from lambdasim.units import US_PER_MINUTE, US_PER_MS, to_epoch_us


@dataclass(frozen=True)
class ScenarioArrivals:
    """The traffic of all functions in the order of events.

    Attributes
    ----------
    sources : tuple of FunctionArrivals
        In the plan's order.
    """

    sources: tuple[FunctionArrivals, ...]

    def __call__(self) -> Iterator[ArrivalChunk]:
        """Iterate over the chunks."""
        return merge_arrivals(self.sources)


def plan_scenario(scenario: ScenarioSpec) -> Plan:
    """Make the plan of a scenario.

    Parameters
    ----------
    scenario : ScenarioSpec

    Returns
    -------
    Plan
        Functions are ordered by name, so that their order in the file changes nothing.
    """
    scenario = scenario.unfolded()
    functions = sorted(scenario.functions, key=lambda function: function.name)
    sources = [FunctionArrivals(scenario, function.name) for function in functions]
    planned = with_calls(scenario, (_function_plan(scenario, function) for function in functions))
    machines = plan_machines(scenario, planned)
    return Plan(
        functions=planned,
        arrivals=ScenarioArrivals(tuple(sources)),
        concurrency=scenario.account.concurrency,
        requests_per_concurrency=scenario.account.request_rate_factor,
        reuse=ReuseOrder[scenario.platform.reuse.name],
        gateway=bucket(scenario.account.gateway),
        requests_per_environment=scenario.platform.requests_per_environment,
        after_failure=AfterFailure[scenario.platform.after_failure.name],
        calls=_call_rules(scenario) if machines or any(function.calls for function in planned) else None,
        machines=machines,
    )


def _call_rules(scenario: ScenarioSpec) -> CallRules:
    return CallRules(scenario.duration_us, limit("loop_passes_max").value, scenario.platform.most_calls)


def _function_plan(scenario: ScenarioSpec, function: FunctionSpec) -> FunctionPlan:
    return FunctionPlan(
        name=function.name,
        timeout_us=function.timeout_us,
        init_cap_us=timing("init_cap_provisioned_s" if function.snap_start else "init_cap_on_demand_s").us,
        reserved=function.reserved_concurrency,
        provisioned=_provisioned_changes(scenario, function),
        max_lifetime_us=scenario.platform.max_lifetime_us or NEVER,
        scaling_burst=scenario.account.scaling_burst,
        scaling_interval_us=scenario.account.scaling_interval_us,
        retry=_retry_policy(function),
        draws=_function_draws(scenario, function),
        source=source_plan(function, scenario.duration_us),
        throttle=bucket(function.trigger.throttle),
        behind_gateway=function.trigger.is_gateway and scenario.account.gateway is not None,
        shares=function.shares,
        managed=_managed(scenario, function),
    )


def _managed(scenario: ScenarioSpec, function: FunctionSpec) -> ManagedPlan | None:
    spec = function.managed_instances
    if spec is None:
        return None
    return ManagedPlan(
        slots=spec.slots(function.runtime) or 1,
        vcpus=float(spec.vcpus),
        parallel_fraction=function.work.parallel_fraction,
        least=spec.min_environments,
        most=spec.max_environments,
        headroom_percent=round(spec.headroom * 100),
        lag_us=spec.lag_us,
        keep_us=spec.keep_us,
        per_instance=spec.per_instance(function.memory_mb),
        least_instances=managed_terms().least_instances.value,
        ends_us=scenario.duration_us,
    )


def _function_draws(scenario: ScenarioSpec, function: FunctionSpec) -> FunctionDraws:
    work = function.work
    arm = work.arm64_time_ratio if function.architecture is Architecture.ARM64 else 1.0
    managed = function.managed_instances is not None
    payload_kb, response_kb = payload_limits(function)
    per_vcpu_mb = work.memory_per_vcpu_mb
    quota = HandlerQuota.of(CpuStyle.of(work.cpu_law), function.memory_mb, memory_per_vcpu_mb=per_vcpu_mb)
    # The quota law does itself what the factor does for the straight one.
    batches = batches_of(function.trigger)
    factor = (
        1.0
        if quota or managed
        else cpu_time_factor(function.memory_mb, work.parallel_fraction, per_vcpu_mb, work.threads)
    )
    return FunctionDraws(
        seed=scenario.seed,
        owner=function.name,
        laws={
            Quantity.CPU_TIME: compile_law(work.cpu_ms, US_PER_MS),
            Quantity.IO_TIME: compile_law(work.io_ms, US_PER_MS),
            Quantity.INIT: _init(function),
            Quantity.FIRST_RUN: _first_run(function),
            Quantity.PLACEMENT: _placement(function),
            Quantity.KEEP_ALIVE: _keep_alive(function, scenario.platform),
            Quantity.MEMORY: (
                compile_law(work.max_memory_mb, 1) if work.max_memory_mb and not managed else Constant(0)
            ),
            Quantity.REQUEST_PAYLOAD: compile_law(function.payload.request_kb, 1),
            Quantity.RESPONSE_PAYLOAD: compile_law(function.payload.response_kb, 1),
            Quantity.POST_RESPONSE: compile_law(work.post_response_ms, US_PER_MS),
            Quantity.ENVIRONMENT_SPEED: _environment_speed(function),
            **(quota.starts.laws(quota.rules) if quota else {}),
            **source_laws(function.trigger),
        },
        cpu_factor=factor * arm,
        error_probability=work.error_probability,
        crash_probability=work.crash_probability,
        memory_mb=function.memory_mb,
        payload_limit_kb=payload_kb,
        response_limit_kb=response_kb,
        quota=quota,
        out_of_memory_probability=work.out_of_memory_probability,
        timeout_probability=work.timeout_probability,
        poison_probability=batches.poison_share if batches else 0.0,
        filtered_probability=batches.filtered_share if batches else 0.0,
    )


def _environment_speed(function: FunctionSpec) -> DrawLaw:
    """Make the law of an environment's CPU time over the mean's, times 2^20: lognormal with mean 1."""
    spread = function.work.environment_spread
    if spread == "catalog":
        arm = function.architecture is Architecture.ARM64
        spread = timing("cpu_speed_error_arm64_permille" if arm else "cpu_speed_error_permille").value / 1000
    if not spread:
        return Constant(1 << FIXED_POINT_BITS)
    sigma = sqrt(log1p(spread**2))
    return lognormal(log(1 << FIXED_POINT_BITS) - sigma**2 / 2, sigma)


def _given(law: Law | str) -> DrawLaw | None:
    return None if isinstance(law, str) else compile_law(law, US_PER_MS)


def _placement(function: FunctionSpec) -> DrawLaw:
    """Give what comes before INIT and is not billed; with SnapStart the loading of the snapshot."""
    if function.snap_start is not None:
        return compile_law(function.snap_start.load_ms, US_PER_MS)
    return _given(function.placement_ms) or Constant(timing("placement_ms").us)


def _init(function: FunctionSpec) -> DrawLaw:
    """Give INIT, or what stands in its place with SnapStart: the billed part of a restore."""
    if function.snap_start is not None:
        return compile_law(function.snap_start.restore_ms, US_PER_MS)
    if (given := _given(function.init_ms)) is not None:
        return given
    prior = init_prior(function.runtime, function.package_type.value, function.architecture.value)
    assert prior is not None  # noqa: S101 - the spec refuses a runtime without a prior
    return init_law(prior)


def _first_run(function: FunctionSpec) -> DrawLaw:
    """Give extra work after INIT; the catalog's does not belong to a given INIT, nor to a restore."""
    said = function.work.first_run_ms
    if isinstance(said, FirstRunByMemory):
        return _mean_first_run(
            [(point.memory_mb, point.mean_ms) for point in said.by_memory], function, said.spread
        )
    if (given := _given(said)) is not None:
        return given
    prior = init_prior(function.runtime, function.package_type.value, function.architecture.value)
    if prior is None or function.init_ms != "catalog" or function.snap_start is not None:
        return Constant(0)
    return _mean_first_run(prior.first_handler_ms, function)


def _mean_first_run(
    points: Iterable[tuple[int, float]], function: FunctionSpec, spread: float = 0.0
) -> DrawLaw:
    mean_us = first_run_extra_ms(points, function.memory_mb) * US_PER_MS
    if not spread:
        return Constant(round(mean_us))
    sigma = sqrt(log1p(spread**2))
    return lognormal(log(mean_us) - sigma**2 / 2, sigma)


def _keep_alive(function: FunctionSpec, platform: PlatformSpec) -> DrawLaw:
    chosen = platform.keep_alive_us if function.keep_alive_us is None else function.keep_alive_us
    return Constant(chosen) if isinstance(chosen, int) else keep_alive_law(keep_alive_curve())


def _retry_policy(function: FunctionSpec) -> RetryPolicy:
    trigger = function.trigger
    if batches_of(trigger) is not None:
        return source_retries(trigger)
    return client_retries(trigger) if trigger.is_synchronous else event_retries(function)


def _provisioned_changes(scenario: ScenarioSpec, function: FunctionSpec) -> tuple[ProvisionedChange, ...]:
    """Follow a schedule of allocations: claimed when asked for, ready together when the last of them is.

    What is allocated at the scenario's start is ready then. A smaller allocation takes effect immediately. On a version
    that traffic does not call it is claimed and never serves. All is given up at the scenario's end, to which it is paid
    for, so what starts later, from a backlog or as a retry, runs on demand.
    """
    per_minute = timing("provisioned_allocation_per_minute").value
    changes: list[ProvisionedChange] = []
    ready = 0
    steps = function.provisioned_steps(to_epoch_us(scenario.start), scenario.duration_us)
    ends_us = scenario.duration_us
    within = [(at_us, count) for at_us, count in steps if at_us < ends_us]
    for (at_us, count), (next_us, _) in pairwise((*within, (ends_us, 0))):
        growth = count - ready
        if growth <= 0 or at_us == 0:
            ready = count
            changes.append(ProvisionedChange(at_us, count, ready))
            continue
        changes.append(ProvisionedChange(at_us, count, ready))
        allocation_us = -(-growth * US_PER_MINUTE // per_minute)
        ready_us = at_us + scenario.platform.provisioned_preparation_us + allocation_us
        if ready_us < next_us:
            ready = count
            changes.append(ProvisionedChange(ready_us, count, ready))
    if changes:
        changes.append(ProvisionedChange(ends_us, 0, 0))
    if not function.calls_provisioned:
        changes = [replace(change, ready=0) for change in changes]
    return tuple(changes)
