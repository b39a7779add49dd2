"""Rules for settings that do not fit what a run shows."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Final

import numpy as np

from lambdasim.catalog import ChargeKind, billing_rules, limit
from lambdasim.draws.keys import Quantity
from lambdasim.draws.laws import Constant
from lambdasim.engine.contract import NEVER, EventOutcome, Limit, Outcome
from lambdasim.engine.items import ItemOutcome
from lambdasim.errors import ScenarioError
from lambdasim.specs.base import revised
from lambdasim.specs.function import LATEST, Architecture, SnapStartSpec
from lambdasim.specs.sources.queue import QueueSpec
from lambdasim.specs.trigger import OnFailure
from lambdasim.specs.ways_in import pings_of
from lambdasim.study.limits.findings.case import Case, Finding, groups_that_bind
from lambdasim.study.limits.limit_table import memory_need_mb
from lambdasim.study.limits.runs import with_buffer
from lambdasim.study.provisioned_use import break_even_utilization, pays_above
from lambdasim.units import US_PER_MS, US_PER_S, format_duration
from lambdasim.wording import money, percent

_FAR: Final = 10
_NEAR: Final = 0.9
_QUARTER: Final = 0.25
_OFTEN: Final = 0.01
_HUNG: Final = 0.001
_SLOW_INIT_MS: Final = 1000
_SAMPLED: Final = 100_000
_BY_TIME: Final = (ChargeKind.DURATION, ChargeKind.EPHEMERAL, ChargeKind.PC_DURATION)
"""Lines of a bill that grow with the time of runs."""


def _timeouts(case: Case) -> Iterator[Finding]:
    timeout_ms = case.spec.timeout_us / US_PER_MS
    cut = int(case.totals.outcomes[Outcome.TIMEOUT])
    slow = case.totals.duration_ms.quantile(0.999)
    if cut:
        yield case.finding(
            "timeout-too-short",
            f"{cut:,} of {case.runs:,} runs are cut at {timeout_ms:,.0f} ms",
            case.usd(cut * timeout_ms),
            _more_time(case, "raise timeout, or shorten the work"),
        )
    elif case.runs and slow > _NEAR * timeout_ms:
        yield case.finding(
            "timeout-near-p99.9",
            f"p99.9 of the duration is {slow:,.0f} of {timeout_ms:,.0f} ms",
            0.0,
            _more_time(case, "raise timeout"),
        )
    elif case.runs and timeout_ms > _FAR * slow:
        hung = case.usd(_HUNG * case.runs * timeout_ms)
        yield case.finding(
            "timeout-far-above-p99.9",
            f"timeout {timeout_ms:,.0f} ms, p99.9 of the duration {slow:,.0f} ms; one run in a thousand that hangs "
            f"would cost {money(hung)} {case.per}",
            0.0,
            f"lower timeout to about {2 * slow:,.0f} ms",
        )


def _more_time(case: Case, change: str) -> str:
    """Say what gives runs more time, where the timeout is already the longest that there is."""
    most = limit("timeout_max_s")
    if case.spec.timeout_us < most.us:
        return change
    return f"shorten the work, or cut it into several runs: {most.value:,} s is the longest timeout"


def _memory(case: Case) -> Iterator[Finding]:
    draws = case.plan.draws
    failed = int(case.totals.outcomes[Outcome.OUT_OF_MEMORY])
    if failed:
        yield case.finding(
            "memory-below-need",
            f"{failed:,} of {case.runs:,} runs run out of memory at {case.spec.memory_mb:,} MB",
            case.usd(failed * case.totals.duration_ms.mean()),
            "raise memory_mb",
        )
    elif draws.laws[Quantity.MEMORY] != Constant(0) and case.totals.events:
        need = memory_need_mb(draws, np.arange(min(case.totals.events, _SAMPLED)))
        most = float(np.quantile(need, 0.999, method="inverted_cdf"))
        if most > _NEAR * case.spec.memory_mb:
            yield case.finding(
                "memory-near-need",
                f"p99.9 of the memory used is {most:,.0f} of {case.spec.memory_mb:,} MB",
                0.0,
                "raise memory_mb",
            )
        elif most < _QUARTER * case.spec.memory_mb:
            yield case.finding(
                "memory-far-above-need",
                f"p99.9 of the memory used is {most:,.0f} of {case.spec.memory_mb:,} MB: it buys CPU time alone",
                0.0,
                "sweep memory sizes: a smaller one is cheaper where runs do not grow longer in proportion",
            )


def _gateway(case: Case) -> Iterator[Finding]:
    cut_us = case.plan.retry.client_timeout_us
    if cut_us == NEVER or cut_us >= case.spec.timeout_us:
        return
    gone = int(case.totals.event_outcomes[EventOutcome.CLIENT_TIMEOUT])
    if case.plan.retry.repeats_timeouts:
        again = case.runs - case.totals.events
        if again > 0:
            yield case.finding(
                "read-timeout-below-timeout",
                f"the SDK gives a call up after {cut_us / US_PER_MS:,.0f} ms and makes it again while the function goes "
                f"on: {case.totals.events:,} calls had {case.runs:,} runs, all of them billed",
                case.usd(again * case.totals.duration_ms.mean()),
                "invoke asynchronously, or raise the client's read timeout above the function's timeout",
            )
        return
    yield case.finding(
        "gateway-cut-below-timeout",
        f"the gateway answers 504 after {cut_us / US_PER_MS:,.0f} ms, the function may go on to "
        f"{case.spec.timeout_us / US_PER_MS:,.0f} ms and be paid for; {gone:,} events did",
        case.usd(gone * cut_us / US_PER_MS),
        "set timeout below the gateway's",
    )


def _architecture(case: Case) -> Iterator[Finding]:
    if case.spec.architecture is not Architecture.X86_64 or not case.runs:
        return
    there = tuple(replace(usage, architecture=Architecture.ARM64.value) for usage in case.usage)
    bill = case.bill(there)
    now, then = float(case.bill(case.usage).total), float(bill.total)
    by_time = float(sum(item.amount for item in bill.items if item.kind in _BY_TIME))
    if then < now and by_time:
        longer = (now - then) / by_time
        until = (
            "even if it runs twice as long"
            if longer > 1
            else f"unless it runs more than {percent(longer, 0)} longer"
        )
        yield case.finding(
            "arm64-untried",
            f"the same milliseconds cost {money(now)} {case.per} on x86_64 and {money(then)} on arm64, which stays "
            f"cheaper {until}",
            now - then,
            "sweep both architectures, and measure the ratio",
        )


def _failures(case: Case) -> Iterator[Finding]:
    trigger = case.spec.trigger
    if trigger.is_synchronous or trigger.on_failure is not OnFailure.NONE or trigger.stream is not None:
        return
    if trigger.queue is not None:
        yield from _refused_batches(case, trigger.queue)
        if trigger.queue.max_receives is None:
            kept = format_duration(trigger.queue.retention_us)
            yield case.finding(
                "no-dlq",
                f"messages that fail come back until their retention of {kept} ends",
                0.0,
                "set max_receives and a dead-letter queue",
            )
        return
    if case.spec.shares is not None and case.spec.name == pings_of(case.spec.shares):
        return  # nobody misses a ping
    ends = case.totals.event_outcomes
    dropped = int(ends[EventOutcome.FAILED] + ends[EventOutcome.EXPIRED] + ends[EventOutcome.REJECTED])
    yield case.finding(
        "no-dlq",
        f"{trigger.type.value} events that exhaust their retries are lost ({dropped:,} of {case.totals.events:,} so far)",
        0.0,
        "set on_failure to dlq or destination",
    )


def _refused_batches(case: Case, queue: QueueSpec) -> Iterator[Finding]:
    """Find good messages that come back, or end as dead letters, because pollers take more than the function may run."""
    refused, items = int(case.totals.outcomes[Outcome.THROTTLED]), case.totals.items
    if not refused or items is None:
        return
    dead = int(items.outcomes[ItemOutcome.DEAD_LETTERED])
    room = case.plan.reserved if case.plan.reserved is not None else case.totals.concurrency.peak
    most = queue.maximum_concurrency or queue.pollers.most
    lost = f"; {dead:,} messages are in the dead-letter queue" if dead else ""
    yield case.finding(
        "pollers-above-concurrency",
        f"pollers may take {most:,} batches at once, the function ran {room:,}: {refused:,} attempts were refused, and a "
        f"receive counts whether or not it runs{lost}",
        0.0,
        f"set maximum_concurrency to {max(room, limit('sqs_maximum_concurrency_min').value):,}, or reserve more",
    )


def _message_groups(case: Case) -> Iterator[Finding]:
    """Find a FIFO queue that falls behind since its message groups are worked on one batch at a time each."""
    items = case.totals.items
    groups = groups_that_bind(case.spec, case.plan, case.totals, case.run.scenario.duration_us)
    if not groups or items is None:
        return
    yield case.finding(
        "message-groups-bind",
        f"each of {groups:,} message groups is worked on one batch at a time, so at most "
        f"{case.totals.concurrency.peak:,} batches ran at once and the oldest message got "
        f"{format_duration(items.oldest_us // US_PER_S * US_PER_S)} old",
        0.0,
        "use more message groups, spread the busiest, or shorten the runs; more concurrency or pollers would not help",
    )


def _sizes(case: Case) -> Iterator[Finding]:
    spec = case.spec
    for rule, value, name in (
        ("package-near-limit", spec.package_mb, "package_zipped_max_mb"),
        ("package-near-limit", spec.unzipped_mb, "package_unzipped_max_mb"),
        ("package-near-limit", spec.image_mb, "image_max_mb"),
        ("layers-near-limit", spec.layers, "layers_max"),
        ("environment-near-limit", spec.environment_bytes, "environment_variables_max_bytes"),
    ):
        most = limit(name)
        if value is not None and value > _NEAR * most.value:
            yield case.finding(
                rule, f"{value:,} of {most.value:,} {most.unit} ({name})", 0.0, "make it smaller"
            )


def _init(case: Case) -> Iterator[Finding]:
    cap_ms = case.plan.init_cap_us / US_PER_MS
    slow = case.totals.init_ms.quantile(0.99)
    if slow > _NEAR * cap_ms:
        again = int(case.totals.init_ms.counts[case.totals.init_ms.values >= cap_ms].sum())
        yield case.finding(
            "init-near-cap",
            f"p99 of INIT is {slow:,.0f} of {cap_ms:,.0f} ms; {again:,} were cut and run again",
            _init_usd(case, again * cap_ms),
            "do less before the handler, or use SnapStart or provisioned concurrency",
        )


def _init_usd(case: Case, ms: float) -> float:
    """Price INIT of the period, where INIT is billed by the millisecond: a restore from a snapshot is not [USD]."""
    spec = case.spec
    rules = billing_rules(case.run.scenario.billing_day)
    billed = spec.snap_start is None and rules.init_is_billed(spec.package_type.value, spec.runtime, False)
    return case.usd(ms) if billed else 0.0


def _provisioned(case: Case) -> Iterator[Finding]:
    allocated_us = US_PER_S * sum(usage.provisioned_allocated_s for usage in case.used)
    if not allocated_us:
        return
    if not case.spec.calls_provisioned:
        paid = tuple(replace(usage, provisioned_init_ms=0, provisioned_allocated_s=0) for usage in case.usage)
        on = next(step.qualifier for step in case.spec.provisioned_concurrency) or "a published version"
        yield case.finding(
            "provisioned-not-called",
            f"provisioned concurrency is on {on}, traffic calls {case.spec.qualifier or LATEST}: it is paid for and "
            f"serves nothing, and all {case.totals.cold:,} cold starts stay",
            case.costs_more_than(paid),
            "call the version or alias that has it, or give it up",
        )
        return
    on_demand = tuple(
        replace(
            usage,
            provisioned_requests=0,
            provisioned_extra_requests=0,
            billed_ms_with_init=usage.billed_ms_with_init + usage.provisioned_billed_ms,
            billed_ms_without_init=usage.billed_ms_without_init + usage.provisioned_billed_ms,
            provisioned_billed_ms=0,
            provisioned_init_ms=0,
            provisioned_allocated_s=0,
        )
        for usage in case.usage
    )
    extra = case.costs_more_than(on_demand)
    if extra > 0:
        ways_in = zip(case.run.aggregate.names, case.run.aggregate.functions, strict=True)
        busy_us = sum(
            totals.provisioned.busy_us
            for name, totals in ways_in
            if (case.run.scenario.function(name).shares or name) == case.spec.name
        )
        used = busy_us / allocated_us
        even = break_even_utilization(case.spec, case.run.scenario)
        yield case.finding(
            "provisioned-below-break-even",
            f"provisioned concurrency is used {percent(used, 0)} of its time and saves money {pays_above(even)}; "
            "on demand the same runs cost less, apart from the INIT of their cold starts",
            extra,
            "provision less or by schedule, or keep it for the latency alone",
        )


def _ephemeral(case: Case) -> Iterator[Finding]:
    paid = sum(item.amount for item in case.bill(case.usage).items if item.kind is ChargeKind.EPHEMERAL)
    if paid > 0:
        free = limit("ephemeral_default_mb").value
        yield case.finding(
            "ephemeral-storage-paid",
            f"{case.spec.ephemeral_mb:,} MB of /tmp are paid for beyond {free:,} MB, used or not",
            float(paid),
            "lower ephemeral_mb to what is used",
        )


def _errors(case: Case) -> Iterator[Finding]:
    failed = int(case.totals.outcomes[Outcome.FUNCTION_ERROR] + case.totals.outcomes[Outcome.CRASH])
    if failed > _OFTEN * case.runs:
        again = "" if case.spec.trigger.is_synchronous else ", and are retried"
        yield case.finding(
            "errors-paid-for",
            f"{failed:,} of {case.runs:,} runs fail ({percent(failed / case.runs, 1)}) and are paid for{again}",
            case.usd(failed * case.totals.duration_ms.mean()),
            "fix the failures; lower retry_attempts where retrying does not help",
        )


def _payloads(case: Case) -> Iterator[Finding]:
    draws = case.plan.draws
    if not case.totals.events:
        return
    number = np.arange(min(case.totals.events, _SAMPLED))
    for what, stream, allowed in (
        ("requests", Quantity.REQUEST_PAYLOAD, draws.payload_limit_kb),
        ("responses", Quantity.RESPONSE_PAYLOAD, draws.response_limit_kb),
    ):
        if draws.laws[stream] == Constant(0):
            continue
        large = float(np.quantile(draws.payload_kb(stream, number), 0.999, method="inverted_cdf"))
        if large > _NEAR * allowed:
            yield case.finding(
                "payload-near-limit",
                f"p99.9 of {what} is {large:,.0f} of {allowed:,} KB",
                0.0,
                "pass large content through S3, or stream responses",
            )


def _snap_start(case: Case) -> Iterator[Finding]:
    cold, slow = case.totals.cold, case.totals.init_ms.quantile(0.5)
    if case.spec.snap_start is not None or not cold or slow < _SLOW_INIT_MS:
        return
    try:
        revised(case.spec, {"snap_start": SnapStartSpec()})
    except ScenarioError:
        return
    without = tuple(replace(usage, billed_ms_with_init=usage.billed_ms_without_init) for usage in case.usage)
    yield case.finding(
        "snap-start-untried",
        f"{cold:,} of {case.runs:,} starts are cold ({cold / case.runs:.1%}), with a median INIT of {slow:,.0f} ms",
        case.costs_more_than(without),
        "simulate snap_start: a restore takes the place of INIT",
    )


def _snap_start_versions(case: Case) -> Iterator[Finding]:
    snap_start, rules = case.spec.snap_start, billing_rules(case.run.scenario.billing_day)
    if snap_start is None or not rules.snapstart_is_billed(case.spec.runtime):
        return
    needed = 1 if case.totals.events else 0
    spare = snap_start.versions - needed
    if not spare:
        return
    without = tuple(
        replace(usage, snapstart_cache_ms=usage.snapstart_cache_ms * needed // snap_start.versions)
        for usage in case.usage
    )
    yield case.finding(
        "snap-start-versions-unused",
        f"{snap_start.versions:,} published versions with a snapshot are kept, {spare:,} of them without traffic: each "
        "pays for its cache",
        case.costs_more_than(without),
        "delete versions that nothing calls",
    )


def _reserved(case: Case) -> Iterator[Finding]:
    reserved, peak = case.plan.reserved, case.totals.concurrency.peak
    refused = sum(int(totals.limits[Limit.ACCOUNT_CONCURRENCY]) for totals in case.run.aggregate.functions)
    enough = with_buffer(peak, limit("provisioned_buffer_percent").value)
    if reserved is not None and refused and 2 * enough < reserved:
        yield case.finding(
            "reserved-unused",
            f"{reserved:,} are reserved, at most {peak:,} were used at once, while the account's pool refused "
            f"{refused:,} attempts of others",
            0.0,
            f"lower reserved_concurrency to about {enough:,}",
        )


CHECKS: Final[tuple[Callable[[Case], Iterator[Finding]], ...]] = (
    _timeouts,
    _memory,
    _gateway,
    _architecture,
    _failures,
    _message_groups,
    _sizes,
    _init,
    _provisioned,
    _ephemeral,
    _errors,
    _payloads,
    _snap_start,
    _snap_start_versions,
    _reserved,
)
