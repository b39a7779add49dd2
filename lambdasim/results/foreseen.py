"""What can be known before a run: failures, from a sample of the same draws; missing rates; how traces were read."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Final

import numpy as np

from lambdasim.billing.month import PricingTerms, missing_rates
from lambdasim.billing.tiers import FreeSharing
from lambdasim.billing.usage import Usage
from lambdasim.catalog import Knowledge
from lambdasim.draws.keys import Quantity
from lambdasim.draws.laws import Constant
from lambdasim.engine.contract import UNLIMITED
from lambdasim.engine.lanes import Backoff
from lambdasim.engine.plan import ScenarioArrivals, plan_scenario
from lambdasim.engine.records import Outcome
from lambdasim.results.callers.quotas import refused_starts
from lambdasim.results.parameters import Parameter
from lambdasim.specs.trigger import TriggerType
from lambdasim.units import format_duration
from lambdasim.wording import clipped, count, listed, percent

if TYPE_CHECKING:
    from lambdasim.engine.contract import FunctionPlan, Plan
    from lambdasim.specs.function import FunctionSpec
    from lambdasim.specs.scenario import ScenarioSpec
    from lambdasim.traffic.arrivals import FunctionArrivals
    from lambdasim.traffic.report import ReadReport

_SAMPLE: Final = 1_000
_SOME: Final = 1_000_000_000
_WORTH_SAYING: Final = 0.01
NO_EVENT: Final = "No event arrives in the whole run, so nothing is billed for runs."
_MOST_NAMED: Final = 8


def foreseen_failures(scenario: ScenarioSpec) -> list[str]:
    """Say what will fail whatever the traffic: too little memory, a timeout below INIT or below the work, no work at all.

    Parameters
    ----------
    scenario : ScenarioSpec

    Returns
    -------
    list of str
        A sentence for each, naming function and key. Shares are those of the first 1,000 invocations' draws, which are
        the run's own; those of at most 1 % are not mentioned.
    """
    plan, kept = plan_scenario(scenario), {function.name: function for function in scenario.functions}
    return [
        *refused_starts(plan, scenario.region),
        *(
            f"{clipped(function.name, 60)}: {sentence}"
            for function in plan.functions
            for sentence in (
                *_never_runs(function),
                *_asks_for_more(kept[function.name]),
                *_of_function(function, kept[function.name].memory_mb),
                *_loops(plan, function),
            )
        ),
    ]


def unknown_rates(scenario: ScenarioSpec) -> list[str]:
    """Name the rates that a scenario's bill needs and its region's price sheet has not, before it is simulated.

    Parameters
    ----------
    scenario : ScenarioSpec

    Returns
    -------
    list of str
        One for each region, with all rates; empty where the bill can be made. That is so for a scenario without runs too.
    """
    month, region = f"{scenario.start:%Y-%m}", scenario.region
    rows = []
    for spec in scenario.functions:
        billed_ms = 0 if spec.managed_instances is not None else _SOME
        row = Usage.of_function(spec, region, month, requests=1, billed_ms_with_init=billed_ms)
        if spec.provisioned_concurrency:
            row = replace(row, requests=2, provisioned_requests=1, provisioned_billed_ms=_SOME)
            row = replace(row, provisioned_init_ms=1, provisioned_allocated_s=_SOME)
        if row.snap_start:
            row = replace(row, snapstart_restored_mb=_SOME, snapstart_cache_ms=_SOME)
        rows.append(row)
    terms = PricingTerms(
        on=scenario.price_date,
        free_tier=False,
        given_sheets={},
        free_sharing=FreeSharing.PROPORTIONAL,
        free_counts_toward_tiers=False,
        free_requests_for_provisioned=False,
    )
    return [f"{fault.where}: has no {fault.field}" for fault in missing_rates(rows, terms)]


def without_work(function: FunctionPlan) -> bool:
    """Return whether a function's runs take no time, since nothing was said of their work.

    Parameters
    ----------
    function : FunctionPlan

    Returns
    -------
    bool
    """
    laws = function.draws.laws
    return all(laws[quantity] == Constant(0) for quantity in (Quantity.CPU_TIME, Quantity.IO_TIME))


def _never_runs(function: FunctionPlan) -> Iterator[str]:
    """Say what becomes of events that no environment may serve."""
    if function.reserved != 0:
        return
    source = function.source
    if source is None:
        ends = "every attempt is refused"
    elif isinstance(source.returns, Backoff):
        ends = f"its records wait until they are {format_duration(source.returns.most_age_us)} old, and are dropped"
    elif source.returns.most_receives < UNLIMITED:
        ends = f"every message is dead-lettered after {count(source.returns.most_receives, 'receive')}"
    else:
        ends = (
            f"its messages come back every {format_duration(source.returns.visibility_us)} until they are "
            f"{format_duration(source.returns.retention_us)} old, and are lost: without max_receives nothing "
            "collects them"
        )
    yield f"reserved_concurrency: 0 lets nothing run: {ends}"


def _asks_for_more(spec: FunctionSpec) -> Iterator[str]:
    """Say that a queue's pollers may ask for more than the function may have."""
    queue, reserved = spec.trigger.queue, spec.reserved_concurrency
    if queue is None or queue.maximum_concurrency is None or not reserved:
        return
    if queue.maximum_concurrency > reserved:
        yield (
            f"trigger.queue.maximum_concurrency: {queue.maximum_concurrency:,} is above reserved_concurrency "
            f"({reserved:,}): messages of throttled batches count as received"
        )


def _loops(plan: Plan, function: FunctionPlan) -> Iterator[str]:
    """Say which calls belong to loops that nothing will stop."""
    for place, call in enumerate(function.calls):
        if call.is_endless and plan.calls is not None:
            yield (
                f"calls[{place}]: {clipped(plan.functions[call.callee].name, 60)} is called in a loop that recursive "
                f"loop detection does not stop; it is followed for {format_duration(plan.calls.ends_us)}, the scenario's "
                "duration"
            )


def _of_function(function: FunctionPlan, memory_mb: int) -> Iterator[str]:
    drawn = function.draws.draw(np.arange(_SAMPLE, dtype=np.int64), 0)
    timeout_us, timeout = function.timeout_us, format_duration(function.timeout_us)
    hungry = float(np.mean(drawn.fault == Outcome.OUT_OF_MEMORY)) - function.draws.out_of_memory_probability
    if hungry > _WORTH_SAYING:
        yield f"memory_mb: {percent(hungry, 1)} of runs need more than the {memory_mb:,} MB it has, and fail"
    # On managed instances no run begins with INIT.
    init_us = 0 if function.managed is not None else int(np.median(drawn.init_us))
    if init_us > function.init_cap_us and init_us > timeout_us:
        yield (
            f"timeout: INIT takes {format_duration(init_us)}, is cut at {format_duration(function.init_cap_us)} "
            f"and begins again inside the run, whose timeout is {timeout}: no run succeeds"
        )
    elif init_us > timeout_us:
        yield (
            f"timeout: {timeout} is below INIT ({format_duration(init_us)}): once a run has failed, INIT begins again "
            "inside the next one, and the environment never recovers"
        )
    slow = float(np.mean(drawn.handler_us > timeout_us))
    batch = function.source.batch if function.source is not None else 1
    if slow > _WORTH_SAYING:
        yield f"timeout: {percent(slow, 1)} of runs take longer than {timeout}, and fail"
    elif batch > 1:
        firsts = np.arange(_SAMPLE, dtype=np.int64)[:: min(batch, _SAMPLE)]
        times_us = np.add.reduceat(drawn.handler_us, firsts) * (max(batch, _SAMPLE) / _SAMPLE)
        slow = float(np.mean(times_us[: max(_SAMPLE // batch, 1)] > timeout_us))
        if slow > _WORTH_SAYING:
            yield f"timeout: {percent(slow, 1)} of full batches of {batch:,} take longer than {timeout}, and fail whole"
    if without_work(function):
        yield "work: has neither cpu_ms nor io_ms, so its runs take 0 ms"


def noticed(scenario: ScenarioSpec) -> tuple[str, ...]:
    """Say what a reader of any answer about a scenario should know of its input.

    Parameters
    ----------
    scenario : ScenarioSpec

    Returns
    -------
    tuple of str
        A sentence for each: functions whose runs take no time, rows of a trace that were left out, what else reading it
        found, which of its days stand for which.
    """
    plan = plan_scenario(scenario)
    days = (f"{source.owner}: {source.days()}." for source in with_traces(plan) if source.days())
    return (*of_work(plan.functions), *of_traces(plan), *days)


def of_work(functions: Iterable[FunctionPlan]) -> Iterator[str]:
    """Say which functions have no work, so that their runs take 0 ms."""
    names = [function.name for function in functions if without_work(function)]
    if names:
        has, runs = ("has", "its runs") if len(names) == 1 else ("have", "their runs")
        yield f"{listed(names, _MOST_NAMED)} {has} neither cpu_ms nor io_ms, so {runs} take 0 ms."


_SENDERS: Final = {
    TriggerType.EVENTBRIDGE: "EventBridge",
    TriggerType.SCHEDULE: "EventBridge Scheduler",
    TriggerType.SNS: "SNS",
}


def of_traffic(plan: Plan) -> Iterator[str]:
    """Say what was found in traces, and which events were delivered late or never."""
    yield from of_traces(plan)
    yield from of_deliveries(plan)


def of_traces(plan: Plan) -> Iterator[str]:
    """Say what was found in the traces of functions, and what of them lies outside the scenario."""
    for source in with_traces(plan):
        report, days = source.trace.report(), source.days()
        said = [*report.warnings, *(one for one in source.coverage() if one != days)]
        if report.skipped:
            said.insert(0, f"{count(report.skipped, 'bad row')} left out, the first at {report.faults[0]}")
        yield from (f"Traffic of {clipped(source.owner, 60)}: {one}." for one in said)


def of_deliveries(plan: Plan) -> Iterator[str]:
    """Say which events came late into Lambda's queue, or never: they are in no table and on no bill."""
    arrivals = plan.arrivals
    for source in arrivals.sources if isinstance(arrivals, ScenarioArrivals) else ():
        found = source.deliveries
        if found is None:
            continue
        for _ in source():
            pass
        name, sender = clipped(source.owner, 60), _SENDERS[found.trigger]
        if found.given_up:
            yield (
                f"{sender} gave up {count(found.given_up, 'event')} for {name}, which never reached Lambda: lost, or in "
                "the dead-letter queue of its rule, schedule or subscription. They are in no table, and not on the bill."
            )
        if found.late:
            yield (
                f"{sender} delivered {count(found.late, 'event')} to {name} late, the longest after "
                f"{format_duration(found.longest_us)}; latency and age count from the delivery."
            )


def with_traces(plan: Plan) -> list[FunctionArrivals]:
    """Give the arrivals that come from traces.

    Parameters
    ----------
    plan : Plan

    Returns
    -------
    list of FunctionArrivals
    """
    arrivals = plan.arrivals
    sources = arrivals.sources if isinstance(arrivals, ScenarioArrivals) else ()
    return [source for source in sources if source.traffic.trace is not None]


def readings_of(plan: Plan) -> dict[str, ReadReport]:
    """Return what was found in a plan's traces, and which of their days stand for which; by function.

    Parameters
    ----------
    plan : Plan

    Returns
    -------
    dict of str to ReadReport
    """
    return {source.owner: source.trace.report().also(source.coverage()) for source in with_traces(plan)}


def days_of(plan: Plan) -> Iterator[Parameter]:
    """Yield which days of traces stand for which, where they are not the same."""
    for source in with_traces(plan):
        if days := source.days():
            given = f"align: {source.traffic.align.value}"
            yield Parameter(f"days of the trace of {source.owner}", days, Knowledge.GIVEN.value, given)
