"""From what a scenario says of calls to what engines run: numbers, keys, retries, and which loops nothing stops."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from hashlib import blake2b
from typing import Final

from lambdasim.catalog import limit, retry_rule, timing
from lambdasim.engine.contract import (
    UNLIMITED,
    CallKind,
    CallMoment,
    CallPlan,
    FunctionPlan,
    Invoker,
    RetryPolicy,
)
from lambdasim.specs.callers.calls import CallHow, CallSpec, CallWhen, RecursiveLoop
from lambdasim.specs.function import FunctionSpec
from lambdasim.specs.scenario import ScenarioSpec
from lambdasim.specs.trigger import TriggerType

_KINDS: Final = {
    CallHow.SYNCHRONOUS: CallKind.WAITING,
    CallHow.ASYNCHRONOUS: CallKind.EVENT,
    CallHow.TRIGGER: CallKind.TRIGGER,
}
_MOMENTS: Final = {
    CallWhen.EACH_RUN: CallMoment.RUN,
    CallWhen.SUCCEEDED: CallMoment.SUCCEEDED,
    CallWhen.FAILED: CallMoment.FAILED,
}
_TRACED: Final = frozenset({TriggerType.SQS, TriggerType.SNS, TriggerType.S3})
Edge = tuple[str, int]


def is_traced(call: CallSpec, callee: FunctionSpec) -> bool:
    """Return whether recursive loop detection follows a chain through a call.

    Parameters
    ----------
    call : CallSpec
    callee : FunctionSpec

    Returns
    -------
    bool
        From function to function, and through SQS, SNS and S3.

    References
    ----------
    AWS Lambda Developer Guide, Use Lambda recursive loop detection to prevent infinite loops (invocation-recursion).
    """
    return call.how is not CallHow.TRIGGER or callee.trigger.type in _TRACED


def with_calls(scenario: ScenarioSpec, plans: Iterable[FunctionPlan]) -> tuple[FunctionPlan, ...]:
    """Give each function of a plan what it calls.

    Parameters
    ----------
    scenario : ScenarioSpec
    plans : iterable of FunctionPlan
        Of all its functions, in the plan's order.

    Returns
    -------
    tuple of FunctionPlan
    """
    plans = tuple(plans)
    if not any(function.calls for function in scenario.functions):
        return plans
    ranks = {plan.name: rank for rank, plan in enumerate(plans)}
    specs = {function.name: function for function in scenario.functions}
    endless = endless_calls(scenario)
    made: list[FunctionPlan] = []
    number = 0
    for plan in plans:
        calls = []
        for place, call in enumerate(specs[plan.name].calls):
            number += 1
            callee = plans[ranks[call.function]]
            calls.append(
                _call(scenario, plan, place, call, number, ranks[call.function], callee, specs[call.function])
            )
            calls[-1] = replace(calls[-1], is_endless=(plan.name, place) in endless)
        stops = specs[plan.name].recursive_loop is RecursiveLoop.TERMINATE
        made.append(replace(plan, calls=tuple(calls), stops_loops=stops))
    return tuple(made)


def _call(
    scenario: ScenarioSpec,
    caller: FunctionPlan,
    place: int,
    call: CallSpec,
    number: int,
    rank: int,
    callee: FunctionPlan,
    spec: FunctionSpec,
) -> CallPlan:
    kind = _KINDS[call.how]
    waits = kind is CallKind.WAITING
    retry = {
        CallKind.WAITING: _client(call),
        CallKind.EVENT: event_retries(spec),
        CallKind.TRIGGER: callee.retry,
    }[kind]
    payload = limit("payload_request_sync_max_kb" if waits else "payload_request_async_max_kb")
    digest = blake2b(f"{scenario.seed}\0{caller.name}\0{place}".encode(), digest_size=16).digest()
    return CallPlan(
        number=number,
        key=digest,
        callee=rank,
        kind=kind,
        moment=_MOMENTS[call.when],
        probability=call.probability,
        count=call.count,
        at_once=call.at_once,
        fails_run=call.fails_run,
        delay_us=call.delay_us,
        retry=retry,
        draws=replace(callee.draws, payload_limit_kb=payload.value),
        is_traced=is_traced(call, spec),
        is_endless=False,
    )


def _client(call: CallSpec) -> RetryPolicy:
    """Say how the SDK of a call that waits tries again."""
    retries = timing("sdk_retries").value if call.client_retries is None else call.client_retries
    return RetryPolicy(
        invoker=Invoker.CLIENT,
        client_timeout_us=call.waits_us,
        repeats_timeouts=True,
        timeout_backoff_us=timing("sdk_backoff_timeout_first_ms").us,
        throttle_retries=retries,
        throttle_backoff_us=timing("sdk_backoff_first_s").us,
        throttle_backoff_cap_us=timing("sdk_backoff_max_s").us,
        jittered=True,
    )


def event_retries(function: FunctionSpec) -> RetryPolicy:
    """Say how Lambda's own queue tries an event of a function again, whatever else triggers the function.

    Parameters
    ----------
    function : FunctionSpec

    Returns
    -------
    RetryPolicy
    """
    trigger, rule = function.trigger, retry_rule("async")
    assert rule.error_retries is not None and rule.event_age is not None  # noqa: S101, PT018 - asynchronous rules have both
    assert rule.throttle_backoff_first is not None  # noqa: S101
    assert rule.throttle_backoff_max is not None  # noqa: S101
    retries = rule.error_retries.value if trigger.retry_attempts is None else trigger.retry_attempts
    return RetryPolicy(
        invoker=Invoker.QUEUE,
        throttle_retries=UNLIMITED,
        throttle_backoff_us=rule.throttle_backoff_first.us,
        throttle_backoff_cap_us=rule.throttle_backoff_max.us,
        error_delays_us=tuple(delay.us for delay in rule.error_delays[:retries]),
        max_event_age_us=trigger.max_event_age_us or rule.event_age.us,
    )


def endless_calls(scenario: ScenarioSpec) -> frozenset[Edge]:
    """Find the calls that belong to loops which loop detection does not stop.

    Parameters
    ----------
    scenario : ScenarioSpec

    Returns
    -------
    frozenset of (str, int)
        Caller and the call's place among its calls.

    Notes
    -----
    Detection counts passes through a function for as long as every call of the chain is one that it follows. So a chain
    goes on for ever in a strongly connected part of the calls that holds one which is not followed, or in one of calls
    that are all followed and come back only to functions that allow loops.
    """
    specs = {function.name: function for function in scenario.functions}
    edges = {
        (function.name, place): call
        for function in scenario.functions
        for place, call in enumerate(function.calls)
    }

    def part_of(keep: Callable[[CallSpec], bool]) -> Mapping[Edge, frozenset[str]]:
        """Give each call that is kept and lies in a loop of such the functions of its strongly connected part."""
        graph: dict[str, set[str]] = {name: set() for name in specs}
        for (caller, _), call in edges.items():
            if keep(call):
                graph[caller].add(call.function)
        reach = {name: _reached(graph, name) for name in graph}
        return {
            edge: frozenset(name for name in reach[call.function] | {call.function} if edge[0] in reach[name])
            for edge, call in edges.items()
            if keep(call) and (edge[0] in reach[call.function] or edge[0] == call.function)
        }

    whole = part_of(lambda call: True)
    blind = [
        functions
        for edge, functions in whole.items()
        if not is_traced(edges[edge], specs[edges[edge].function])
    ]
    allowed = part_of(
        lambda call: (
            is_traced(call, specs[call.function])
            and specs[call.function].recursive_loop is RecursiveLoop.ALLOW
        )
    )
    found = {edge for edge in whole if any(edge[0] in functions for functions in blind)}
    return frozenset(found | set(allowed))


def _reached(graph: Mapping[str, set[str]], start: str) -> set[str]:
    """Give what can be reached from a function by one call or more."""
    seen: set[str] = set()
    waiting = list(graph[start])
    while waiting:
        name = waiting.pop()
        if name not in seen:
            seen.add(name)
            waiting += graph[name]
    return seen
