"""What a result rests on: every parameter that had a say, and how it is known."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from lambdasim.catalog import (
    Fact,
    Knowledge,
    billing_rules,
    init_prior,
    keep_alive_curve,
    limit,
    price_sheet,
    retry_rule,
    timing,
)
from lambdasim.engine.source_plan import batches_of
from lambdasim.models.cpu_chain import CpuStyle, HandlerQuota
from lambdasim.models.cpu_scaling import vcpus
from lambdasim.results.usage.managed import managed_parameters
from lambdasim.specs.base import Spec
from lambdasim.specs.callers.calls import CallHow
from lambdasim.specs.function import NO_TRAFFIC, Architecture, FunctionSpec
from lambdasim.specs.platform import AfterFailure, PlatformSpec
from lambdasim.specs.scenario import ScenarioSpec
from lambdasim.specs.sources.queue import PollersSpec, Ramp
from lambdasim.specs.sources.stream import KafkaPollersSpec
from lambdasim.specs.trigger import TriggerType
from lambdasim.units import format_duration
from lambdasim.wording import count, percent

_THE_SCENARIO = "the scenario"
_UNPUBLISHED = "AWS publishes no figure"
_SCHEDULER = (
    "cpu_period_ms",
    "cpu_tick_ms",
    "cpu_slice_ms",
    "cpu_stop_charge_us",
    "cpu_resume_us",
    "cpu_start_lead_us",
    "cpu_start_spread_us",
    "cpu_start_charge_us",
    "cpu_start_at_renewal_permille",
    "cpu_start_next_tick_permille",
)


class Parameter(NamedTuple):
    """One thing that a result rests on.

    Attributes
    ----------
    parameter, value : str
    known : str
        See ``catalog.Knowledge``.
    source : str
        Page with its date, measurement, or file.
    """

    parameter: str
    value: str
    known: str
    source: str


def parameters_of(scenario: ScenarioSpec) -> tuple[Parameter, ...]:
    """List what a scenario's result rests on, general things first, each once.

    Parameters
    ----------
    scenario : ScenarioSpec

    Returns
    -------
    tuple of Parameter
    """
    found = [*_account(scenario), *_platform(scenario.platform, scenario.functions)]
    for function in scenario.functions:
        found.extend(_function(function))
    return tuple(dict.fromkeys([*found, *_money(scenario)]))


def _fact(fact: Fact, name: str = "") -> Parameter:
    note = f" ({fact.note})" if fact.note and fact.knowledge is Knowledge.ASSUMED else ""
    return Parameter(
        name or fact.name, f"{fact.value} {fact.unit}", fact.knowledge.value, fact.citation() + note
    )


def _given_or(value: int, fact: Fact, name: str) -> Parameter:
    """Cite the fact where the scenario keeps to it."""
    if value == fact.value:
        return _fact(fact, name)
    return Parameter(name, f"{value} {fact.unit}", Knowledge.GIVEN.value, _THE_SCENARIO)


def _differs(spec: Spec, field: str) -> bool:
    """Return whether a scenario says something else than the default; a saved one says everything."""
    return bool(getattr(spec, field) != type(spec).model_fields[field].default)


def _account(scenario: ScenarioSpec) -> Iterator[Parameter]:
    account = scenario.account
    yield _given_or(account.concurrency, limit("account_concurrency_default"), "account concurrency")
    yield _given_or(account.scaling_burst, timing("scaling_burst"), "scaling burst")
    yield _given_or(account.request_rate_factor, limit("request_rate_per_concurrency"), "request rate")
    yield _fact(limit("memory_per_vcpu_mb"))


def _platform(platform: PlatformSpec, functions: Sequence[FunctionSpec]) -> Iterator[Parameter]:
    is_used = any(function.keep_alive_us is None for function in functions)
    if is_used and platform.keep_alive_us == "measured-2025":
        yield _measured_keep_alive("keep-alive")
    elif is_used:
        given = format_duration(int(platform.keep_alive_us))
        yield Parameter("keep-alive", given, Knowledge.GIVEN.value, _THE_SCENARIO)
    longest = timing("environment_max_life_s")
    if platform.max_lifetime_us == longest.us:
        yield _fact(longest, "environment's longest life")
    else:
        life = "no limit" if platform.max_lifetime_us is None else format_duration(platform.max_lifetime_us)
        yield Parameter("environment's longest life", life, Knowledge.GIVEN.value, _THE_SCENARIO)
    yield Parameter(
        "reuse order",
        platform.reuse.value.replace("_", " "),
        Knowledge.ASSUMED.value,
        f"{_UNPUBLISHED}; most recently used first fits 20 experiments on AWS of 2020 (github pacslab/simfaas)",
    )

    if platform.after_failure is not AfterFailure.INIT_INSIDE:
        said = "another than AWS documents, which is init_inside"
        yield Parameter(
            "environment after a failure",
            platform.after_failure.value,
            Knowledge.GIVEN.value,
            f"{_THE_SCENARIO}; {said}",
        )


def _measured_keep_alive(name: str) -> Parameter:
    curve = keep_alive_curve()
    value = f"drawn, {curve.idle_s[0]:g} to {curve.idle_s[-1]:g} s"
    return Parameter(name, value, Knowledge.MEASURED.value, f"{curve.source}; one function; {_UNPUBLISHED}")


def _function(function: FunctionSpec) -> Iterator[Parameter]:
    name = function.name
    if function.keep_alive_us == "measured-2025":
        yield _measured_keep_alive(f"keep-alive of {name}")
    elif function.keep_alive_us is not None:
        given = format_duration(function.keep_alive_us)
        yield Parameter(f"keep-alive of {name}", given, Knowledge.GIVEN.value, _THE_SCENARIO)
    plausible = len(function.work.plausible)
    if plausible:
        value = f"as given, one of {plausible + 1} plausible settings"
        yield Parameter(
            f"work of {name}", value, Knowledge.ASSUMED.value, f"{_THE_SCENARIO}; sweeps show the range"
        )
    else:
        yield Parameter(f"work of {name}", "as given", Knowledge.GIVEN.value, _THE_SCENARIO)
    if function.managed_instances is not None:
        yield from (Parameter(*row) for row in managed_parameters(function))
    else:
        yield from _cpu_law(function)
        yield from _start(function)
    if function.architecture is Architecture.ARM64:
        ratio = f"{function.work.arm64_time_ratio:g} of x86_64's CPU time"
        said = _differs(function.work, "arm64_time_ratio")
        known = Knowledge.GIVEN if said else Knowledge.ASSUMED
        yield Parameter(
            f"arm64 speed of {name}", ratio, known.value, _THE_SCENARIO if said else "no difference assumed"
        )
    yield from _source(function) if batches_of(function.trigger) else _retries(function)
    yield from _calls(function)
    if function.provisioned_concurrency:
        yield _fact(timing("provisioned_preparation_s"))
    if function.target_tracking is not None:
        tracking, points = function.target_tracking, timing("autoscaling_out_points").value
        yield Parameter(
            f"target tracking of {name}",
            f"{percent(tracking.target, 0)} of what is provisioned, {tracking.minimum:,} to {tracking.maximum:,}; out "
            f"after {points} minutes, in after {timing('autoscaling_in_points').value}; changed "
            f"{max(len(function.provisioned_concurrency) - 1, 0):,} times",
            Knowledge.ASSUMED.value,
            f"{timing('autoscaling_out_points').citation()}; statistic Maximum; how capacity is worked out is not "
            "published",
        )
        yield _fact(timing("provisioned_allocation_per_minute"))


def _calls(function: FunctionSpec) -> Iterator[Parameter]:
    """Say how callers wait and try again, and when loop detection ends a chain."""
    waiting = [call for call in function.calls if call.how is CallHow.SYNCHRONOUS]
    if any(call.read_timeout_us is None for call in waiting):
        yield _fact(timing("sdk_read_timeout_s"))
    if any(call.client_retries is None for call in waiting):
        yield _fact(timing("sdk_retries"))
    if function.calls:
        yield _fact(limit("loop_passes_max"))


def _cpu_law(function: FunctionSpec) -> Iterator[Parameter]:
    """Say how CPU time is stretched, and on whose figures."""
    work, style = function.work, CpuStyle.of(function.work.cpu_law)
    if _differs(work, "cpu_law"):
        yield Parameter(f"CPU law of {function.name}", str(style), Knowledge.GIVEN.value, _THE_SCENARIO)
    else:
        source = "in proportion to memory; below one vCPU short handlers move in steps"
        yield Parameter("CPU law", str(style), Knowledge.ASSUMED.value, source)
    per_vcpu_mb = work.memory_per_vcpu_mb
    if per_vcpu_mb is not None:
        yield Parameter(
            f"one vCPU of {function.name}", f"at {per_vcpu_mb:,} MB", Knowledge.GIVEN.value, _THE_SCENARIO
        )
    if HandlerQuota.of(style, function.memory_mb, memory_per_vcpu_mb=per_vcpu_mb):
        for name in _SCHEDULER:
            yield _fact(timing(name))
    if work.parallel_fraction and vcpus(function.memory_mb, per_vcpu_mb) > 1:
        shared = "" if work.threads is None else f", shared among {count(work.threads, 'thread')}"
        yield Parameter(
            f"parallel fraction of {function.name}",
            f"{work.parallel_fraction:g} of CPU time{shared}, by Amdahl's law",
            Knowledge.GIVEN.value,
            f"{_THE_SCENARIO}; no public measurement on Lambda validates the law",
        )


def _start(function: FunctionSpec) -> Iterator[Parameter]:
    """Say where INIT, or the restore in its place, comes from."""
    name = function.name
    if function.snap_start is not None:
        for field, fact in (
            ("load_ms", timing("snapstart_load_ms")),
            ("restore_ms", timing("snapstart_restore_ms")),
        ):
            if _differs(function.snap_start, field):
                yield Parameter(
                    f"SnapStart {field} of {name}", "as given", Knowledge.GIVEN.value, _THE_SCENARIO
                )
            else:
                yield _fact(fact)
        return
    if function.init_ms != "catalog":
        yield Parameter(f"INIT of {name}", "as given", Knowledge.GIVEN.value, _THE_SCENARIO)
    elif prior := init_prior(function.runtime, function.package_type.value, function.architecture.value):
        value = f"p50 {prior.p50_ms:.0f} ms, p99 {prior.p99_ms:.0f} ms ({prior.runtime}, a minimal function)"
        yield Parameter(f"INIT of {name}", value, prior.knowledge.value, prior.source)
    if function.placement_ms == "catalog":
        yield _fact(timing("placement_ms"))
    yield _fact(timing("init_cap_on_demand_s"))


def _retries(function: FunctionSpec) -> Iterator[Parameter]:
    rule = retry_rule(function.trigger.type.value)
    read_timeout = timing("sdk_read_timeout_s")
    delivery = function.trigger.delivery
    if delivery is not None and function.trigger.type is not TriggerType.SNS:
        for field, wait in (
            ("retry_first_us", timing("eventbridge_retry_first_s")),
            ("retry_most_us", timing("eventbridge_retry_max_s")),
        ):
            if not _differs(delivery, field):
                yield _fact(wait)
    if function.traffic == NO_TRAFFIC:
        return
    may_outlast = function.trigger.type is TriggerType.SDK and function.timeout_us > read_timeout.us
    if may_outlast and function.trigger.read_timeout_us is None:
        waits = "waits for every answer, since no trigger is given"
        yield Parameter(
            f"caller of {function.name}",
            waits,
            Knowledge.ASSUMED.value,
            "an SDK's own read timeout: trigger: {type: sdk}",
        )
    for fact, said in (
        (read_timeout if may_outlast else None, function.trigger.read_timeout_us != read_timeout.us),
        (rule.client_retries, function.trigger.client_retries is not None),
        (rule.integration_timeout, function.trigger.integration_timeout_us is not None),
        (rule.error_retries, function.trigger.retry_attempts is not None),
        (rule.throttle_backoff_first, False),
        (rule.throttle_backoff_max, False),
        (rule.event_age, function.trigger.max_event_age_us is not None),
    ):
        if fact is not None and not said:
            yield _fact(fact)


def _source(function: FunctionSpec) -> Iterator[Parameter]:
    """Say how pollers go about it: what is given, what AWS's pages say, what is assumed."""
    name, queue, stream = function.name, function.trigger.queue, function.trigger.stream
    rule = retry_rule(function.trigger.type.value)
    pollers = queue.pollers if queue is not None else None
    for fact, spec, field in (
        (rule.event_age, queue or stream, "retention_us"),
        (
            rule.throttle_backoff_first,
            pollers or stream,
            "throttle_retry_first_us" if pollers else "retry_first_us",
        ),
        (
            rule.throttle_backoff_max,
            pollers or stream,
            "throttle_retry_most_us" if pollers else "retry_most_us",
        ),
    ):
        assert fact is not None and spec is not None  # noqa: S101, PT018 - rules of queues and streams have all three
        if _differs(spec, field):
            value = format_duration(getattr(spec, field))
            key = field.removesuffix("_us").replace("_", " ")
            yield Parameter(f"{key} of {name}", value, Knowledge.GIVEN.value, _THE_SCENARIO)
        else:
            yield _fact(fact)
    if queue is not None and pollers is not None:
        given = Knowledge.GIVEN.value if pollers != type(pollers)() else Knowledge.ASSUMED.value
        provisioned = queue.provisioned_pollers
        if provisioned is not None:
            each = limit("sqs_poller_batches")
            yield Parameter(
                f"provisioned pollers of {name}",
                f"{provisioned.minimum} to {provisioned.maximum}, each {each.value} batches at once, "
                f"{limit('sqs_poller_calls_per_s').value} receives/s or 1 MB/s; those at least wait "
                f"{timing('sqs_long_poll_s').value} s for each empty receive",
                Knowledge.ASSUMED.value,
                f"{each.citation()}; when they go again, and how they wait, is not published",
            )
        else:
            yield from _pollers(name, pollers, queue.maximum_concurrency, given)
        yield Parameter(
            f"sends to {name}",
            f"{count(queue.send_batch, 'message')} a call",
            Knowledge.GIVEN.value if _differs(queue, "send_batch") else Knowledge.ASSUMED.value,
            "the producer's choice; decides the billed sends alone: send_batch of 10 makes a tenth of them",
        )
        visible = format_duration(queue.effective_visibility_us(function.timeout_us))
        yield Parameter(
            f"visibility of {name}",
            visible,
            Knowledge.GIVEN.value,
            "from the receive; the queue's, or longer by a window",
        )
        yield Parameter(
            f"order of {name}", "as messages come or come back", Knowledge.ASSUMED.value, _UNPUBLISHED
        )
    if stream is not None:
        if stream.provisioned_pollers is not None:
            yield _provisioned_consumers(name, stream.provisioned_pollers)
            return
        if function.trigger.type is TriggerType.KAFKA:
            yield Parameter(
                f"consumers of {name}",
                f"{stream.consumers or 1} at first, "
                f"{stream.shards if stream.consumer_growth is None else stream.consumer_growth} more a minute while "
                f"partitions wait, one for each of {stream.shards} at most",
                Knowledge.ASSUMED.value if stream.consumers is None else Knowledge.GIVEN.value,
                "AWS looks at the lag each minute; by how much it grows is not published",
            )
            return
        yield Parameter(
            f"looks at shards of {name}",
            "spread evenly over the interval",
            Knowledge.ASSUMED.value,
            _UNPUBLISHED,
        )


def _pollers(name: str, pollers: PollersSpec, maximum: int | None, given: str) -> Iterator[Parameter]:
    """Say how the pollers of a queue grow, and how many wait."""
    shape = "in steps of a minute" if pollers.ramp is Ramp.STEP else "in a straight line"
    most = maximum or pollers.most
    yield Parameter(
        f"pollers of {name}",
        f"{min(pollers.first, most)} batches at once, {pollers.growth_per_minute} more a minute while messages wait, "
        f"{shape}, to {most}; no fewer after failures",
        given,
        f"{limit('sqs_concurrency_initial').citation()}; whether in steps, and how they fall, is not published",
    )
    yield Parameter(
        f"idle pollers of {name}",
        f"{min(pollers.idle, most)}, which wait {timing('sqs_long_poll_s').value} s for each empty receive",
        given,
        "AWS's pages name 5, and as few as 2 with little traffic; empty receives are in proportion",
    )


def _provisioned_consumers(name: str, pollers: KafkaPollersSpec) -> Parameter:
    """Say what a topic's provisioned pollers hold, and what they are paid by."""
    each, unit = limit("kafka_poller_batches"), limit("kafka_unit_pollers")
    return Parameter(
        f"provisioned pollers of {name}",
        f"{pollers.minimum} to {pollers.maximum}, each {each.value} partitions at once, {unit.value} on a paid unit; "
        "its 5 MB/s are not modelled",
        Knowledge.ASSUMED.value,
        f"{each.citation()}; how they grow is not published",
    )


def _money(scenario: ScenarioSpec) -> Iterator[Parameter]:
    on = scenario.billing_day
    sheet = price_sheet(scenario.region, scenario.price_date)
    yield Parameter(
        "price sheet", scenario.region, Knowledge.AWS_PAGE.value, f"as of {sheet.as_of}: {sheet.as_of_note}"
    )
    wanted = "init_billed_zip_managed"
    for rule in billing_rules(on).in_force:
        if rule.name == wanted:
            value = "billed" if rule.value else "free for zip packages on managed runtimes"
            source = f"{rule.source}; holds from {rule.effective}"
            yield Parameter("INIT on the bill", value, Knowledge.AWS_PAGE.value, source)
