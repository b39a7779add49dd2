"""What the compiled engine draws for a run: the counterpart of `lambdasim.engine.plan.FunctionDraws.draw`.

Each value is drawn when it is asked for. Handler times and faults of first runs are drawn ahead, see
`draw_first_runs`.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np

from lambdasim.compiling import Bool, Int64, compiled, compiled_apart
from lambdasim.draws.compiled import CONSTANT, TABLE, draw, look_up, random_bits
from lambdasim.engine.kernel import state as at
from lambdasim.engine.kernel.state import Event, State
from lambdasim.models.cpu_scaling import FIXED_POINT_BITS, PRODUCT_BITS
from lambdasim.models.cpu_steps import handler_us

_HALF: Final = 1 << (FIXED_POINT_BITS - 1)
_MOST_PRODUCT: Final = 1 << PRODUCT_BITS
MEAN_SPEED: Final = 1 << FIXED_POINT_BITS
_U11, _U32 = np.uint64(11), np.uint64(32)
_LOW_32: Final = (1 << 32) - 1


def draw_first_runs(state: State) -> None:
    """Draw handler's time and fault of every arrival's first run, side by side into ``ahead_us``.

    Notes
    -----
    Of what `plain.advance` changes, nothing is read, so that both can work at once, each in a thread of its own.
    """
    function = state.functions[0]
    if len(state.functions) == 1 and not function.speeds_differ and not function.quota:
        _draw_by_column(state, function)
        return
    for row in range(len(state.time_us)):
        function = state.functions[state.function[row]]
        event = Event(state.function[row], state.invocation[row], 0, 0, 0, 0, row, 0, 0)
        if not function.speeds_differ:
            state.ahead_us[2 * row] = draw_handler_us(state, function, event, MEAN_SPEED)
        state.ahead_us[2 * row + 1] = draw_fault(state, function, event)


@compiled
def _draw_by_column(state: State, function: Any) -> None:
    """Draw for the only function: CPU time and waits of all runs, one after the other, and put them together."""
    ahead_us = state.ahead_us
    for side in range(2):
        _draw_column(state, function.first_law + (at.IO_TIME if side else at.CPU_TIME), side)
    multiplier, most_us, can_fail = function.cpu_multiplier, function.cpu_most_us, function.can_fail
    for row in range(len(state.time_us)):
        ahead_us[2 * row] = _scaled_us(ahead_us[2 * row], multiplier, most_us) + ahead_us[2 * row + 1]
        ahead_us[2 * row + 1] = at.COMPLETED
        if can_fail:
            event = Event(0, state.invocation[row], 0, 0, 0, 0, row, 0, 0)
            ahead_us[2 * row + 1] = draw_fault(state, function, event)


@compiled
def _draw_column(state: State, law: Int64, side: Int64) -> None:
    """Draw from one law for all arrivals, into one side of ``ahead_us``.

    Notes
    -----
    Of a table all bits come first and then all look-ups, since bits alone are made several at a time.
    """
    ahead_us, row = state.ahead_us, state.laws.rows[law]
    k0, k1, first = row.k0, row.k1, row.first
    if row.kind != TABLE:
        is_constant = row.kind == CONSTANT
        for place in range(len(state.time_us)):
            value = first if is_constant else draw(state.laws, law, state.invocation[place], 0)
            ahead_us[2 * place + side] = value
        return
    for place in range(len(state.time_us)):
        ahead_us[2 * place + side] = np.int64(random_bits(k0, k1, state.invocation[place], 0))
    for place in range(len(state.time_us)):
        ahead_us[2 * place + side] = look_up(state.laws.numbers, first, np.uint64(ahead_us[2 * place + side]))


@compiled
def _scaled_us(drawn_us: Int64, multiplier: Int64, most_us: Int64) -> Int64:
    """Scale CPU time to a function's memory size."""
    return (min(drawn_us, most_us) * multiplier + _HALF) >> FIXED_POINT_BITS


@compiled
def _drawn(state: State, function: Any, event: Event, law: Int64) -> Int64:
    return draw(state.laws, function.first_law + law, event.invocation, event.runs)


@compiled_apart
def is_still_warm(state: State, slot: Any, now: Int64) -> Bool:
    """Return whether an environment is warm longer than it is for sure: only now is its keep-alive drawn."""
    function = state.functions[slot.function]
    keep_alive_us = draw(state.laws, function.first_law + at.KEEP_ALIVE, slot.invocation, slot.runs)
    return now < min(slot.time_us + keep_alive_us, slot.retires_us)


@compiled
def draw_handler_us(state: State, function: Any, event: Event, speed: Int64) -> Int64:
    """Draw the handler's time in an environment of some speed, as `FunctionDraws.handler_us` does for many."""
    drawn_us = _drawn(state, function, event, at.CPU_TIME)
    cpu_us = _scaled_us(drawn_us, function.cpu_multiplier, function.cpu_most_us)
    if function.speeds_differ:
        cpu_us = (min(cpu_us, _MOST_PRODUCT // max(speed, 1)) * speed + _HALF) >> FIXED_POINT_BITS
    io_us = _drawn(state, function, event, at.IO_TIME)
    if function.quota:
        return _draw_under_quota(state, function, event, cpu_us, io_us)
    return cpu_us + io_us


@compiled_apart
def _draw_under_quota(state: State, function: Any, event: Event, cpu_us: Int64, io_us: Int64) -> Int64:
    """Draw a handler's start, as `StartLaw.begun` gives it, and follow the scheduler."""
    quota = state.quotas[function.quota]
    # In turn, so that one look-up is compiled in and not three: 1 s less to compile, as fast.
    tick_us = delay_us = charge_us = np.int64(0)
    for law in range(at.CPU_START_TICK, at.CPU_START_CHARGE + 1):
        tick_us, delay_us, charge_us = delay_us, charge_us, _drawn(state, function, event, law)
    phase_us = tick_us + min(quota.lead_us + delay_us, quota.tick_us - 1)
    credit_us = quota.quota_us - quota.lead_us - charge_us
    return handler_us(cpu_us, io_us, phase_us, credit_us, quota)


@compiled_apart
def draw_start_up(state: State, function: Any, event: Event) -> tuple[Int64, Int64, Int64]:
    """Draw what a cold start takes: placement, INIT, and the first run's extra time."""
    return (
        _drawn(state, function, event, at.PLACEMENT),
        _drawn(state, function, event, at.INIT),
        _drawn(state, function, event, at.FIRST_RUN),
    )


@compiled
def draw_fault(state: State, function: Any, event: Event) -> Int64:
    """Draw how the handler ends if nothing cuts it."""
    if not function.can_fail:
        return at.COMPLETED
    if _drawn(state, function, event, at.MEMORY) > function.memory_mb:
        return at.OUT_OF_MEMORY
    # Responses keep their size when the request is tried again.
    if (
        draw(state.laws, function.first_law + at.RESPONSE_PAYLOAD, event.invocation, 0)
        > function.response_limit_kb
    ):
        return at.FUNCTION_ERROR
    key = state.laws.rows[function.first_law + at.FAILURE]
    luck = np.int64(random_bits(key.k0, key.k1, event.invocation, event.runs) >> _U11)
    if luck < function.error_below:
        return at.FUNCTION_ERROR
    if luck < function.crash_below:
        return at.CRASH
    if luck < function.out_of_memory_below:
        return at.OUT_OF_MEMORY
    return at.TIMEOUT if luck < function.timeout_below else at.COMPLETED


@compiled_apart
def draw_post_response_us(state: State, function: Any, event: Event) -> Int64:
    """Draw the work after the answer."""
    return _drawn(state, function, event, at.POST_RESPONSE)


@compiled_apart
def draw_speed(state: State, function: Any, event: Event) -> Int64:
    """Draw the speed of the environment whose first run this is."""
    return _drawn(state, function, event, at.ENVIRONMENT_SPEED)


@compiled
def is_too_large(state: State, event: Event) -> Bool:
    """Return whether a request is above the limit; it keeps its size when it is tried again."""
    function = state.functions[event.function]
    if not function.has_payload:
        return False
    return (
        draw(state.laws, function.first_law + at.REQUEST_PAYLOAD, event.invocation, 0)
        > function.request_limit_kb
    )


@compiled
def draw_backoff_us(state: State, function: Any, event: Event, ceiling_us: Int64) -> Int64:
    """Draw a client's waiting time, as `FunctionDraws.backoff_us` does with numbers of any size."""
    key = state.laws.rows[function.first_law + at.CLIENT_BACKOFF]
    share = np.int64(random_bits(key.k0, key.k1, event.invocation, event.refusals) >> _U32)
    return share * (ceiling_us >> 32) + (share * (ceiling_us & _LOW_32) >> 32)
