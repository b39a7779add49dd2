"""Calls between the functions of generated scenarios."""

from __future__ import annotations

from dataclasses import dataclass, replace

from hypothesis import strategies as st

from lambdasim.engine.contract import (
    NEVER,
    UNLIMITED,
    CallKind,
    CallMoment,
    CallPlan,
    CallRules,
    FunctionPlan,
    Invoker,
    RetryPolicy,
)


@dataclass(frozen=True)
class CallFamily:
    """What varies of calls; with loops any function may be called, else only later ones; some are deep."""

    kinds: tuple[CallKind, ...] = (CallKind.WAITING, CallKind.WAITING, CallKind.EVENT, CallKind.TRIGGER)
    moments: tuple[CallMoment, ...] = (CallMoment.RUN,)
    loops: bool = False
    deep: bool = False


def with_calls(
    draw: st.DrawFn, family: CallFamily, functions: tuple[FunctionPlan, ...], unit: int
) -> tuple[FunctionPlan, ...]:
    """Let functions call each other, the later ones or any."""
    number = 0
    made = []
    for rank, function in enumerate(functions):
        callable_ranks = range(len(functions)) if family.loops else range(rank + 1, len(functions))
        calls = []
        for _ in range(draw(st.integers(2 if family.deep else 0, 3)) if callable_ranks else 0):
            number += 1
            callee = draw(st.sampled_from(callable_ranks))
            calls.append(_call(draw, family, functions, number, callee, unit))
        made.append(replace(function, calls=tuple(calls), stops_loops=draw(st.booleans())))
    return tuple(made)


def rules(family: CallFamily, unit: int) -> st.SearchStrategy[CallRules]:
    return st.builds(
        CallRules,
        ends_us=st.integers(12 if family.deep else 4, 12).map(lambda n: n * unit),
        most_passes=st.integers(0, 3),
        most_called=st.just(UNLIMITED),
    )


def _call(
    draw: st.DrawFn,
    family: CallFamily,
    functions: tuple[FunctionPlan, ...],
    number: int,
    callee: int,
    unit: int,
) -> CallPlan:
    kind, moment = draw(st.sampled_from(family.kinds)), draw(st.sampled_from(family.moments))
    function = functions[callee]
    if function.source is not None:
        kind = CallKind.TRIGGER
    elif moment is not CallMoment.RUN and kind is CallKind.WAITING:
        kind = CallKind.EVENT
    # A loop that nothing stops is cut at the end, so each turn must take time, and few turns may make two of one.
    waits = kind is CallKind.WAITING
    return CallPlan(
        number=number,
        key=draw(st.binary(min_size=16, max_size=16)),
        callee=callee,
        kind=kind,
        moment=moment,
        probability=draw(st.sampled_from([0.3, 0.6] if family.loops else [1.0, 1.0, 0.5])),
        count=draw(st.sampled_from([1, 1, 1, 2] if family.loops else [1, 2, 3])),
        at_once=waits and draw(st.booleans()),
        fails_run=draw(st.booleans()),
        delay_us=draw(st.integers(1 if family.loops else 0, 3)) * unit,
        retry=function.retry if function.source else draw(_client(unit) if waits else own_retries(unit)),
        draws=replace(function.draws, payload_limit_kb=draw(st.sampled_from([128, 300]))),
        is_traced=draw(st.booleans()),
        is_endless=family.loops,
    )


def _client(unit: int) -> st.SearchStrategy[RetryPolicy]:
    few = st.integers(0, 2).map(lambda n: n * unit)
    return st.builds(
        RetryPolicy,
        invoker=st.just(Invoker.CLIENT),
        client_timeout_us=st.sampled_from([unit, 2 * unit, 4 * unit, NEVER]),
        repeats_timeouts=st.booleans(),
        timeout_backoff_us=few,
        throttle_retries=st.integers(0, 3),
        throttle_backoff_us=few,
        throttle_backoff_cap_us=st.sampled_from([0, unit, 3 * unit]),
        jittered=st.booleans(),
        repeats_failures=st.sampled_from([False, False, True]),
    )


def own_retries(unit: int) -> st.SearchStrategy[RetryPolicy]:
    return st.builds(
        RetryPolicy,
        invoker=st.just(Invoker.QUEUE),
        throttle_retries=st.sampled_from([0, 1, UNLIMITED, UNLIMITED]),
        throttle_backoff_us=st.integers(1, 2).map(lambda n: n * unit),
        throttle_backoff_cap_us=st.sampled_from([unit, 3 * unit, 50 * unit]),
        error_delays_us=st.lists(st.integers(0, 4).map(lambda n: n * unit), max_size=2).map(tuple),
        max_event_age_us=st.integers(0, 20).map(lambda n: n * unit),
    )
