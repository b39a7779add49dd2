"""What a run used, in whole numbers, as billing wants it: by function and UTC month."""

from __future__ import annotations

from collections import Counter
from typing import Final

import numpy as np
from numpy.typing import NDArray

from lambdasim.billing import (
    Usage,
    extra_requests,
    streamed_bytes_billed,
)
from lambdasim.billing.rules import BYTES_PER_KB
from lambdasim.catalog import billing_rules, limit
from lambdasim.catalog.prices.meters import meters
from lambdasim.draws.keys import Quantity
from lambdasim.engine.contract import (
    CallKind,
    FunctionPlan,
    Invoker,
    Outcome,
    Plan,
    RecordChunk,
    StartType,
    calls_of_plan,
)
from lambdasim.engine.draws import FunctionDraws
from lambdasim.engine.items import ItemChunk
from lambdasim.engine.totals.aggregate import Aggregate
from lambdasim.engine.totals.function_totals import FunctionTotals, MonthlyUsage
from lambdasim.engine.totals.items import ItemTotals
from lambdasim.results.sources import empty_receives
from lambdasim.results.usage.by_time import (
    MonthCounts,
    elapsed_s,
    provisioned_allocated_s,
    provisioned_init_ms,
    shared_by_time,
    snapstart_cached_ms,
)
from lambdasim.results.usage.managed import managed_s_by_month
from lambdasim.results.usage.traced import busy_seconds
from lambdasim.specs.function import FunctionSpec
from lambdasim.specs.scenario import ScenarioSpec
from lambdasim.specs.trigger import TriggerType
from lambdasim.units import (
    MS_PER_S,
    US_PER_MINUTE,
    US_PER_S,
    from_epoch_us,
    month_ends_us,
    to_epoch_us,
)

_SENDS_AT_ONCE: Final = 1 << 16


_OF_MACHINES = ("transitions", "express_requests", "express_mb_ms")


class PayloadMeter:
    """Counts what is billed by the size of requests and responses.

    Parameters
    ----------
    scenario : ScenarioSpec
    plan : Plan

    Attributes
    ----------
    extra_requests, provisioned_extra_requests, streamed_bytes : dict of int to Counter
        By the function's place in the plan; counts by month, as ``billing.Usage`` has them.
    """

    def __init__(self, scenario: ScenarioSpec, plan: Plan) -> None:
        self._start_us = to_epoch_us(scenario.start)
        self._rules = billing_rules(scenario.billing_day)
        self._draws: dict[int, FunctionDraws] = {}
        calls = [call for _, call in calls_of_plan(plan)]
        self._of_calls = np.array([False, *(call.retry.invoker is Invoker.QUEUE for call in calls)])
        # Calls that do not come through the trigger are none of its calls.
        self._past_trigger = np.array([False, *(call.kind is not CallKind.TRIGGER for call in calls)])
        self.direct_runs: dict[int, MonthCounts] = {call.callee: Counter() for call in calls}
        self.past_trigger: dict[int, MonthCounts] = {call.callee: Counter() for call in calls}
        self._queued = [function.retry.invoker is Invoker.QUEUE for function in plan.functions]
        self._streamed = []
        specs = {spec.name: spec for spec in scenario.functions}
        self._from_source = [function.retry.invoker is Invoker.SOURCE for function in plan.functions]
        for rank, function in enumerate(plan.functions):
            payload = specs[function.name].payload
            self._streamed.append(payload.streamed)
            if function.draws.has_payloads():
                self._draws[rank] = function.draws
        self.extra_requests: dict[int, MonthCounts] = {rank: Counter() for rank in self._draws}
        self.provisioned_extra_requests: dict[int, MonthCounts] = {rank: Counter() for rank in self._draws}
        self.streamed_bytes: dict[int, MonthCounts] = {rank: Counter() for rank in self._draws}
        self.extra_calls: dict[int, MonthCounts] = {rank: Counter() for rank in self._draws}
        self.payload_kb: dict[int, MonthCounts] = {rank: Counter() for rank in self._draws}
        self.is_stream = [
            function.source is not None and function.source.blocks for function in plan.functions
        ]
        self._is_socket = [
            specs[function.name].trigger.type is TriggerType.API_GATEWAY_WEBSOCKET
            for function in plan.functions
        ]
        self._sent_together = [_send_batch(specs[function.name]) > 1 for function in plan.functions]
        self._chunk_kb = [_chunk_kb(specs[function.name]) for function in plan.functions]

    @property
    def reads_records(self) -> bool:
        """Whether anything is counted at all."""
        return bool(self._draws or self.past_trigger)

    def add(self, chunk: RecordChunk) -> None:
        """Count the next records."""
        for rank in self.past_trigger:
            self._count_past_trigger(rank, chunk)
        for rank, draws in self._draws.items():
            started = (chunk["function"] == rank) & (chunk["start_type"] != StartType.NONE)
            if self._queued[rank] or self._of_calls.any():
                provisioned = chunk["start_type"] == StartType.PROVISIONED
                events = started & self._are_events(rank, chunk)
                for counts, counted in (
                    (self.extra_requests[rank], events),
                    (self.provisioned_extra_requests[rank], events & provisioned),
                ):
                    size_kb = draws.payload_kb(Quantity.REQUEST_PAYLOAD, chunk["invocation"][counted])
                    more = extra_requests(size_kb * BYTES_PER_KB, self._rules)
                    self._count(counts, chunk["start_us"][counted], more)
            if not self._from_source[rank]:
                self._add_calls(rank, draws, chunk)
            elif chunk.items is not None:
                self._add_items(rank, draws, chunk.items)
            if self._streamed[rank]:
                answered = started & (chunk["outcome"] == Outcome.COMPLETED)
                size_kb = draws.payload_kb(Quantity.RESPONSE_PAYLOAD, chunk["invocation"][answered])
                billed = streamed_bytes_billed(size_kb * BYTES_PER_KB, self._rules)
                self._count(self.streamed_bytes[rank], chunk["start_us"][answered], billed)

    def _are_events(self, rank: int, chunk: RecordChunk) -> NDArray[np.bool_]:
        """Return which attempts are of events that Lambda's own queue hands on."""
        caller = chunk["caller"]
        return np.where(caller > 0, self._of_calls[caller], self._queued[rank])

    def _count_past_trigger(self, rank: int, chunk: RecordChunk) -> None:
        """Count what looks like a call at a function's trigger and was made by another function directly."""
        direct = (chunk["function"] == rank) & self._past_trigger[chunk["caller"]]
        started = direct & (chunk["start_type"] != StartType.NONE)
        ones = np.ones(len(started), dtype=np.int64)
        self._count(self.direct_runs[rank], chunk["start_us"][started], ones[started])
        if self._queued[rank]:
            direct &= self._are_events(rank, chunk) & (chunk["attempt"] == 0)
        else:
            direct &= chunk["outcome"] != Outcome.REJECTED
        self._count(self.past_trigger[rank], chunk["start_us"][direct], ones[direct])

    def _add_calls(self, rank: int, draws: FunctionDraws, chunk: RecordChunk) -> None:
        """Count what sizes add to calls at the trigger: every attempt of a client, the first of any other event."""
        own = (chunk["function"] == rank) & ~self._past_trigger[chunk["caller"]]
        if self._queued[rank]:
            own &= chunk["attempt"] == 0
        invocation, start_us = chunk["invocation"][own], chunk["start_us"][own]
        request_kb = draws.payload_kb(Quantity.REQUEST_PAYLOAD, invocation)
        response_kb = draws.payload_kb(Quantity.RESPONSE_PAYLOAD, invocation)
        size_kb = request_kb if self._queued[rank] else np.maximum(request_kb, response_kb)
        if self._is_socket[rank]:
            # A message each way; what was not answered sends none back.
            answered = chunk["outcome"][own] == Outcome.COMPLETED
            back = np.where(answered, -(-response_kb // self._chunk_kb[rank]), 0)
            more = np.maximum(-(-request_kb // self._chunk_kb[rank]) - 1, 0) + back
            self._count(self.extra_calls[rank], start_us, more)
        elif self._chunk_kb[rank]:
            more = np.maximum(-(-size_kb // self._chunk_kb[rank]) - 1, 0)
            self._count(self.extra_calls[rank], start_us, more)
        if not self._queued[rank]:
            self._count(self.payload_kb[rank], start_us, request_kb + response_kb)

    def _add_items(self, rank: int, draws: FunctionDraws, items: ItemChunk) -> None:
        """Count what sizes add to sends, and what the records of a stream weigh."""
        own = items["function"] == rank
        size_kb = draws.payload_kb(Quantity.REQUEST_PAYLOAD, items["item"][own])
        if self.is_stream[rank]:
            self._count(self.payload_kb[rank], items["arrival_us"][own], np.maximum(size_kb, 1))
        if self._chunk_kb[rank] and not self._sent_together[rank]:
            more = np.maximum(-(-size_kb // self._chunk_kb[rank]) - 1, 0)
            self._count(self.extra_calls[rank], items["arrival_us"][own], more)

    def _count(self, counts: MonthCounts, start_us: NDArray[np.int64], amount: NDArray[np.int64]) -> None:
        months = (start_us + self._start_us).astype("datetime64[us]").astype("datetime64[M]")
        for month in np.unique(months):
            counts[str(month)] += int(amount[months == month].sum())


def run_usage(
    scenario: ScenarioSpec, plan: Plan, aggregate: Aggregate, payloads: PayloadMeter
) -> tuple[Usage, ...]:
    """Gather what a run used.

    Parameters
    ----------
    scenario : ScenarioSpec
    plan : Plan
    aggregate : Aggregate
    payloads : PayloadMeter

    Returns
    -------
    tuple of Usage
        One for each function and month with any, ordered so.
    """
    specs = {function.name: function for function in scenario.functions}
    rows, elapsed = [], elapsed_s(scenario)
    machines = machines_by_month(plan, aggregate)
    busy, any_busy = busy_seconds(scenario, aggregate)
    for rank, function in enumerate(plan.functions):
        spec, totals = specs[function.name], aggregate.functions[rank]
        used = totals.usage
        rules = billing_rules(scenario.billing_day)
        allocated = provisioned_allocated_s(scenario, spec, rules)
        init = provisioned_init_ms(scenario, spec, function.draws)
        cached = snapstart_cached_ms(scenario, spec, rules)
        extra = payloads.extra_requests.get(rank, Counter())
        provisioned_extra = payloads.provisioned_extra_requests.get(rank, Counter())
        streamed = payloads.streamed_bytes.get(rank, Counter())
        sends = billed_sends(spec, function.draws, totals.items.sent) if totals.items is not None else 0
        calls = calls_by_month(scenario, function, totals, sends)
        calls = _without(calls, payloads.past_trigger.get(rank, Counter()))
        calls.update(payloads.extra_calls.get(rank, Counter()))
        payload_kb = payloads.payload_kb.get(rank, Counter())
        pollers = poller_s_by_month(scenario, function, totals, payload_kb.total())
        managed = managed_s_by_month(scenario, totals)
        stands = totals.items is not None or spec.trigger.type is TriggerType.ALB
        asked = elapsed if scenario.neighbours.held or stands else ()
        durable = durable_by_month(plan, aggregate, rank)
        own = {
            *used,
            *allocated,
            *init,
            *cached,
            *asked,
            *durable,
            *managed,
            *(machines if rank == 0 else ()),
        }
        for month in sorted(own):
            counts = used.get(month, MonthlyUsage())
            restores = counts.cold_starts if spec.snap_start is not None else 0
            isolated = counts.cold_starts if spec.tenant_isolation else 0
            rows.append(
                Usage.of_function(
                    spec,
                    scenario.region,
                    month,
                    requests=counts.requests,
                    provisioned_requests=counts.provisioned_requests,
                    extra_requests=extra[month],
                    billed_ms_with_init=counts.billed_ms_with_init,
                    billed_ms_without_init=counts.billed_ms_without_init,
                    provisioned_billed_ms=counts.provisioned_billed_ms,
                    provisioned_init_ms=init[month],
                    provisioned_allocated_s=allocated[month],
                    snapstart_restored_mb=restores * spec.memory_mb,
                    snapstart_cache_ms=cached[month],
                    streamed_bytes=streamed[month],
                    provisioned_extra_requests=provisioned_extra[month],
                    calls=calls[month],
                    payload_kb=payload_kb[month],
                    elapsed_s=elapsed[month],
                    init_cut_ms=counts.init_cut_ms,
                    poller_s=pollers[month],
                    direct_requests=payloads.direct_runs.get(rank, Counter())[month],
                    tenant_mb=isolated * spec.memory_mb,
                    managed_s=managed[month],
                    busy_s=busy[rank][month],
                    busy_any_s=any_busy.pop(month, 0),
                    **(machines.get(month, {}) if rank == 0 else {}),
                    **durable.get(month, {}),
                )
            )
    return tuple(rows)


def _without(calls: MonthCounts, past_trigger: MonthCounts) -> MonthCounts:
    """Take off what was no call at the trigger.

    Notes
    -----
    Calls go by minutes, which belong to the month in which they begin. What a month has too little, the last
    minute of the one before has too much.
    """
    left = Counter(calls)
    left.subtract(past_trigger)
    months = sorted(left)
    for month, before in zip(months[:0:-1], months[-2::-1], strict=True):
        if left[month] < 0:
            left[before] += left[month]
            left[month] = 0
    return left


def machines_by_month(plan: Plan, aggregate: Aggregate) -> dict[str, dict[str, int]]:
    """Give what state machines used, by month; the counters of ``billing.Usage`` that are theirs.

    Parameters
    ----------
    plan : Plan
    aggregate : Aggregate

    Returns
    -------
    dict of str to dict of str to int
        An express execution pays for its memory in steps of 64 MB, and for its duration in steps of 100 ms.
    """
    found: dict[str, dict[str, int]] = {}
    for machine in plan.machines:
        if machine.durable >= 0:
            continue
        totals = aggregate.executions.machines[machine.name]
        step_mb = limit("step_functions_express_step_mb").value
        memory_mb = -(-machine.memory_mb // step_mb) * step_mb
        for month, executions in totals.executions.items():
            used = found.setdefault(month, dict.fromkeys(_OF_MACHINES, 0))
            if machine.memory_mb:
                used["express_requests"] += executions
                used["express_mb_ms"] += memory_mb * totals.billed_ms[month]
            else:
                used["transitions"] += totals.transitions[month]
    return found


def durable_by_month(plan: Plan, aggregate: Aggregate, rank: int) -> dict[str, dict[str, int]]:
    """Give executions of a durable function by month of their start, as ``billing.Usage`` counts them."""
    found: dict[str, dict[str, int]] = {}
    for machine in plan.machines:
        if machine.durable == rank:
            totals = aggregate.executions.machines[machine.name]
            for month, executions in totals.executions.items():
                seconds = -(-totals.billed_ms[month] // MS_PER_S)
                found[month] = {"durable_executions": executions, "durable_s": seconds}
    return found


def _chunk_kb(spec: FunctionSpec) -> int:
    """Return the chunk in which the meter of a function's trigger counts sizes; 0 for any size [KB]."""
    trigger = spec.trigger.type.value
    return next((one.chunk_kb for one in meters().values() if trigger in one.triggers and one.chunk_kb), 0)


def calls_by_month(
    scenario: ScenarioSpec,
    function: FunctionPlan,
    totals: FunctionTotals,
    sends: int = 0,
) -> MonthCounts:
    """Give calls at the trigger by month: attempts of a client, refused ones too, asynchronous events, calls to a queue.

    Notes
    -----
    A queue's or stream's own count is known for the whole run, and goes to months by their time in it. Each receive
    counts once for every chunk of its payload.
    """
    if totals.items is not None:
        return _source_calls(scenario, function, totals.items, sends)
    is_queued = function.retry.invoker is Invoker.QUEUE
    names = ("AsyncEventsReceived",) if is_queued else ("Invocations", "Throttles")
    rows = totals.counts.of(*names)
    start_us = to_epoch_us(scenario.start)
    ends_us = month_ends_us(start_us)
    counts: MonthCounts = Counter()
    first = 0
    while first < totals.counts.minutes:
        stop = -(
            -(next(ends_us) - start_us) // US_PER_MINUTE
        )  # a minute belongs to the month in which it begins
        month = f"{from_epoch_us(start_us + first * US_PER_MINUTE):%Y-%m}"
        counts[month] = sum(int(row[first:stop].sum()) for row in rows)
        first = stop
    return +counts


def _send_batch(spec: FunctionSpec) -> int:
    """Return how many messages a producer sends with one call."""
    return spec.trigger.queue.send_batch if spec.trigger.queue is not None else 1


def billed_sends(spec: FunctionSpec, draws: FunctionDraws, sent: int) -> int:
    """Give what sends are billed as, before what sizes add to single messages.

    Parameters
    ----------
    spec : FunctionSpec
    draws : FunctionDraws
        Of the function, which know the sizes of its messages.
    sent : int
        Messages or records, numbered in order of arrival.

    Returns
    -------
    int
        One for each message or record; with ``send_batch`` above 1, for each started chunk of the payload of as many
        messages as came one after the other.

    References
    ----------
    Amazon SQS pricing: every 64 KB chunk of a call's payload is a request, and SendMessageBatch is metered on its total.
    """
    together = _send_batch(spec)
    if together == 1 or not sent:
        return sent
    chunk_kb, billed = _chunk_kb(spec), 0
    at_once = _SENDS_AT_ONCE // together * together
    for first in range(0, sent, at_once):
        numbers = np.arange(first, min(first + at_once, sent), dtype=np.int64)
        sizes = draws.payload_kb(Quantity.REQUEST_PAYLOAD, numbers)
        calls_kb = np.add.reduceat(sizes, np.arange(0, len(sizes), together))
        billed += int(np.maximum(-(-calls_kb // chunk_kb), 1).sum())
    return billed


def _source_calls(
    scenario: ScenarioSpec, function: FunctionPlan, items: ItemTotals, sends: int
) -> MonthCounts:
    """Give calls to a queue (sends, receives with and without messages, deletes), or records of a stream, by month."""
    counted = items.counters
    whole = sends
    if function.source is not None and not function.source.blocks:
        whole += counted["receive_requests"] + counted["delete_calls"] + empty_receives(items)
    return shared_by_time(scenario, whole)


def poller_s_by_month(
    scenario: ScenarioSpec, function: FunctionPlan, totals: FunctionTotals, payload_kb: int
) -> MonthCounts:
    """Give the time of provisioned pollers' units by month, rounded up to whole seconds [s].

    Parameters
    ----------
    scenario : ScenarioSpec
    function : FunctionPlan
    totals : FunctionTotals
    payload_kb : int
        What a topic's records weigh together [KB].

    Returns
    -------
    Counter

    Notes
    -----
    A topic needs as many units as carry its data, also where its pollers would fit on fewer.

    References
    ----------
    AWS Lambda Developer Guide, Apache Kafka event poller scaling modes in Lambda, Provisioned mode pricing; price list of
    September 2026: by the second.
    """
    if totals.items is None or function.source is None or not function.source.pollers.per_unit:
        return Counter()
    held_s = -(-totals.items.counters["unit_us"] // US_PER_S)
    carried_s = -(-payload_kb // limit("kafka_unit_kb_per_s").value) if function.source.blocks else 0
    return shared_by_time(scenario, max(held_s, carried_s))
