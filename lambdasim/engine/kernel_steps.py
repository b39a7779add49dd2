"""The steps of the compiled engine; each bears the name of its counterpart in `lambdasim.engine.reference`.

`advance` is the event loop. It returns when a buffer is full or something must be fetched, and goes on where it was when
called again: all that changes lies in the arrays of `State`, which `lambdasim.engine.kernel` makes and enlarges.

An execution environment is a row of ``slots``; while it works it waits in ``completions``, while it idles it is linked
into its function's idle list, and otherwise into the list of free rows. An event that waits for its retry is a row of
``events``.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from lambdasim.draws.compiled import Bool, Int64, compiled, compiled_apart, draw, random_bits
from lambdasim.engine import kernel_state as at
from lambdasim.engine.contract import NEVER, EventOutcome, Limit, Outcome, StartType
from lambdasim.engine.kernel_queues import pop, push, put_completion, take_completion
from lambdasim.engine.kernel_state import Event, State
from lambdasim.models.cpu_scaling import FIXED_POINT_BITS

NO_LIMIT: Final = int(Limit.NONE)
PAYLOAD: Final = int(Limit.PAYLOAD)
REQUEST_RATE_LIMIT: Final = int(Limit.REQUEST_RATE)
RESERVED_CONCURRENCY: Final = int(Limit.RESERVED_CONCURRENCY)
ACCOUNT_CONCURRENCY: Final = int(Limit.ACCOUNT_CONCURRENCY)
SCALING_RATE: Final = int(Limit.SCALING_RATE)
NO_START: Final = int(StartType.NONE)
COLD: Final = int(StartType.COLD)
WARM: Final = int(StartType.WARM)
PROVISIONED: Final = int(StartType.PROVISIONED)
COMPLETED: Final = int(Outcome.COMPLETED)
FUNCTION_ERROR: Final = int(Outcome.FUNCTION_ERROR)
CRASH: Final = int(Outcome.CRASH)
TIMEOUT: Final = int(Outcome.TIMEOUT)
OUT_OF_MEMORY: Final = int(Outcome.OUT_OF_MEMORY)
THROTTLED: Final = int(Outcome.THROTTLED)
REJECTED: Final = int(Outcome.REJECTED)
PENDING: Final = int(EventOutcome.PENDING)
SUCCEEDED: Final = int(EventOutcome.SUCCEEDED)
FAILED: Final = int(EventOutcome.FAILED)
EVENT_THROTTLED: Final = int(EventOutcome.THROTTLED)
EXPIRED: Final = int(EventOutcome.EXPIRED)
CLIENT_TIMEOUT: Final = int(EventOutcome.CLIENT_TIMEOUT)
EVENT_REJECTED: Final = int(EventOutcome.REJECTED)

_NONE: Final = -1
_NS_PER_US: Final = 1_000
_FUNCTION_SHIFT: Final = 42
_HALF: Final = 1 << (FIXED_POINT_BITS - 1)
_U11, _U32 = np.uint64(11), np.uint64(32)
_LOW_32: Final = (1 << 32) - 1


@compiled
def advance(state: State, final: bool) -> Int64:
    """Go through the events in order until something must be done outside; tell what.

    Parameters
    ----------
    state : State
    final : bool
        Whether the arrivals are the last ones.
    """
    account = state.account
    while True:
        arrival = account[at.NEXT_ARRIVAL]
        if arrival < len(state.time_us):
            arrival_us = state.time_us[arrival]
        elif final:
            arrival_us = NEVER
        else:
            return at.ARRIVALS_USED_UP
        change_us = state.changes[account[at.NEXT_CHANGE], at.CH_TIME]
        retry_us = state.retries[0, at.TIME] if account[at.WAITING] else NEVER
        now = min(arrival_us, change_us, retry_us)
        if now == NEVER:
            return at.DONE

        while account[at.NEXT_END] <= now:
            _complete(state, take_completion(state))
        if change_us == now:
            if not _change_provisioned(state, account[at.NEXT_CHANGE]):
                return at.SLOTS_FULL
            account[at.NEXT_CHANGE] += 1
            continue

        full = _what_is_full(state)
        if full != at.DONE:
            return full
        retried = retry_us == now
        if retried:
            if not _has_draws(state):
                return at.NEEDS_DRAW
            event = _take_retry(state)
        else:
            event = Event(state.function[arrival], state.invocation[arrival], now, 0, 0, 0, arrival)
        if not _attempt(state, event, now):
            if retried:
                _wait(state, event, event.attempts, event.runs, event.refusals, now)
            return at.NEEDS_BACKOFF
        if retried:
            account[at.DRAWN] = 0
        else:
            account[at.NEXT_ARRIVAL] = arrival + 1


@compiled
def _what_is_full(state: State) -> Int64:
    """Tell which array must be emptied or enlarged before another attempt."""
    account = state.account
    if account[at.RECORD] == state.records.shape[1]:
        return at.RECORDS_FULL
    if account[at.FREE_SLOT] == _NONE:
        return at.SLOTS_FULL
    return at.EVENTS_FULL if account[at.FREE_EVENT] == _NONE else at.DONE


@compiled
def _has_draws(state: State) -> Bool:
    """Tell whether the draws of the first waiting event can be had; else ask for them."""
    account, row = state.account, state.retries[0, at.ITEM]
    function = state.events[row, at.EV_FUNCTION]
    if not state.functions[function, at.GIVEN] or account[at.DRAWN]:
        return True
    account[at.ASKED_FUNCTION] = function
    account[at.ASKED_INVOCATION] = state.events[row, at.EV_INVOCATION]
    account[at.ASKED_NUMBER] = state.events[row, at.EV_RUNS]
    return False


@compiled
def _take_retry(state: State) -> Event:
    """Take the first waiting event."""
    account, events = state.account, state.events
    row = pop(state.retries, account[at.WAITING])
    account[at.WAITING] -= 1
    events[row, at.EV_NEXT] = account[at.FREE_EVENT]
    account[at.FREE_EVENT] = row
    return Event(
        events[row, at.EV_FUNCTION], events[row, at.EV_INVOCATION], events[row, at.EV_ARRIVAL],
        events[row, at.EV_ATTEMPTS], events[row, at.EV_RUNS], events[row, at.EV_REFUSALS], len(state.given) - 1,
    )  # fmt: skip


@compiled
def _attempt(state: State, event: Event, now: Int64) -> Bool:
    """Try to serve an event now; tell whether that could be decided."""
    limit, slot, start = _admit(state, event, now)
    if limit != NO_LIMIT:
        return _refuse(state, event, limit, now)
    _run(state, event, slot, start, now)
    return True


@compiled
def _allows(rates: NDArray[np.int64], rate: Int64, now: Int64) -> Bool:
    """Tell whether a token is left, as `RateLimit.allows` does."""
    return rates[rate, at.FULL_AGAIN_NS] - now * _NS_PER_US <= rates[rate, at.SLACK_NS]


@compiled
def _spend(rates: NDArray[np.int64], rate: Int64, now: Int64) -> None:
    """Take a token, as `RateLimit.spend` does."""
    rates[rate, at.FULL_AGAIN_NS] = (
        max(rates[rate, at.FULL_AGAIN_NS], now * _NS_PER_US) + rates[rate, at.INTERVAL_NS]
    )


@compiled
def _admit(state: State, event: Event, now: Int64) -> tuple[Int64, Int64, Int64]:
    """Find an environment for one request, or name the limit that refuses it: (limit, slot, start type)."""
    account, functions, rates, slots = state.account, state.functions, state.rates, state.slots
    function = event.function
    if event.attempts == 0 and _too_large(state, event):
        return PAYLOAD, _NONE, NO_START
    request_rate = functions[function, at.REQUEST_RATE]
    if request_rate != _NONE and not _allows(rates, request_rate, now):
        return REQUEST_RATE_LIMIT, _NONE, NO_START

    if functions[function, at.PROVISIONED_IDLE] and _allows(
        rates, functions[function, at.PROVISIONED_RATE], now
    ):
        slot = functions[function, at.PROVISIONED_FIRST]
        functions[function, at.PROVISIONED_FIRST] = slots[slot, at.NEXT]
        functions[function, at.PROVISIONED_IDLE] -= 1
        _spend(rates, functions[function, at.PROVISIONED_RATE], now)
        functions[function, at.PROVISIONED_IN_USE] += 1
        start = PROVISIONED
    else:
        reserved = functions[function, at.RESERVED]
        if reserved != _NONE:
            if functions[function, at.IN_USE] >= reserved - functions[function, at.PROVISIONED_CLAIMED]:
                return RESERVED_CONCURRENCY, _NONE, NO_START
        elif account[at.POOL_IN_USE] >= account[at.POOL_LIMIT]:
            return ACCOUNT_CONCURRENCY, _NONE, NO_START

        slot = _warm_environment(state, function, now)
        start = WARM
        if slot == _NONE:
            if not _allows(rates, functions[function, at.SCALING], now):
                return SCALING_RATE, _NONE, NO_START
            _spend(rates, functions[function, at.SCALING], now)
            slot = _new_environment(state, function, 0)
            start = COLD
        functions[function, at.IN_USE] += 1
        if reserved == _NONE:
            account[at.POOL_IN_USE] += 1

    if request_rate != _NONE:
        _spend(rates, request_rate, now)
    return NO_LIMIT, slot, start


@compiled
def _warm_environment(state: State, function: Int64, now: Int64) -> Int64:
    """Take the idle environment whose turn it is; those that have grown cold are dropped as they are met."""
    functions, slots = state.functions, state.slots
    slot = functions[function, at.IDLE_FIRST]
    while slot != _NONE:
        following = slots[slot, at.NEXT]
        if now < slots[slot, at.WARM_UNTIL]:
            functions[function, at.IDLE_FIRST] = following
            return slot
        _drop(state, slot)
        slot = following
    functions[function, at.IDLE_FIRST] = _NONE
    return _NONE


@compiled
def _new_environment(state: State, function: Int64, provisioned: Int64) -> Int64:
    slots = state.slots
    slot = state.account[at.FREE_SLOT]
    state.account[at.FREE_SLOT] = slots[slot, at.NEXT]
    slots[slot, at.FUNCTION] = function
    slots[slot, at.NUMBER] = -1
    slots[slot, at.IS_PROVISIONED] = provisioned
    slots[slot, at.RETIRES] = NEVER
    return slot


@compiled
def _drop(state: State, slot: Int64) -> None:
    """Give an environment's row back."""
    state.slots[slot, at.NEXT] = state.account[at.FREE_SLOT]
    state.account[at.FREE_SLOT] = slot


@compiled
def _run(state: State, event: Event, slot: Int64, start: Int64, now: Int64) -> None:
    """Serve an event's attempt in the given environment; everything about it is decided here."""
    account, functions, function, slots = state.account, state.functions, event.function, state.slots
    handler_us = _handler_us(state, event)
    placement_us = init_us = np.int64(0)
    if start == COLD:
        placement_us = _drawn(state, event, at.PLACEMENT, at.G_PLACEMENT)
        init_us = _drawn(state, event, at.INIT, at.G_INIT)
        handler_us += _drawn(state, event, at.FIRST_RUN, at.G_FIRST_RUN)
        if init_us > functions[function, at.INIT_CAP_US]:
            handler_us += init_us
            init_us = functions[function, at.INIT_CAP_US]
        slots[slot, at.RETIRES] = now + functions[function, at.LIFETIME_US]
    if slots[slot, at.NUMBER] < 0:
        slots[slot, at.NUMBER] = account[at.ENVIRONMENTS_CREATED]
        account[at.ENVIRONMENTS_CREATED] += 1

    if handler_us > functions[function, at.TIMEOUT_US]:
        duration_us, outcome = functions[function, at.TIMEOUT_US], TIMEOUT
    else:
        duration_us, outcome = handler_us, _fault(state, event)
    end_us = now + placement_us + init_us + duration_us

    final = _after_run(state, event, outcome, now, end_us)
    _write(
        state, event, now, placement_us, init_us, duration_us, start, outcome, NO_LIMIT, slots[slot, at.NUMBER], final
    )  # fmt: skip

    warm_until_us = np.int64(0)
    if outcome in (COMPLETED, FUNCTION_ERROR) and end_us < slots[slot, at.RETIRES]:
        warm_until_us = min(
            end_us + _drawn(state, event, at.KEEP_ALIVE, at.G_KEEP_ALIVE), slots[slot, at.RETIRES]
        )
    slots[slot, at.WARM_UNTIL] = warm_until_us
    put_completion(state, slot, now, end_us)


@compiled
def _complete(state: State, slot: Int64) -> None:
    """Give back what an attempt held."""
    account, functions, slots = state.account, state.functions, state.slots
    function = slots[slot, at.FUNCTION]
    if slots[slot, at.IS_PROVISIONED]:
        functions[function, at.PROVISIONED_IN_USE] -= 1
        kept = functions[function, at.PROVISIONED_IN_USE] + functions[function, at.PROVISIONED_IDLE]
        if kept < functions[function, at.PROVISIONED_READY]:
            _idle_provisioned(state, function, slot)
        else:
            _drop(state, slot)
        return
    functions[function, at.IN_USE] -= 1
    if functions[function, at.RESERVED] == _NONE:
        account[at.POOL_IN_USE] -= 1
    if slots[slot, at.WARM_UNTIL] == 0:
        _drop(state, slot)
    elif account[at.LEAST_RECENT] and functions[function, at.IDLE_FIRST] != _NONE:
        slots[functions[function, at.IDLE_LAST], at.NEXT] = slot
        slots[slot, at.NEXT] = _NONE
        functions[function, at.IDLE_LAST] = slot
    else:
        slots[slot, at.NEXT] = functions[function, at.IDLE_FIRST]
        functions[function, at.IDLE_FIRST] = slot
        functions[function, at.IDLE_LAST] = slot


@compiled
def _after_run(state: State, event: Event, outcome: Int64, now: Int64, end_us: Int64) -> Int64:
    """Decide what follows a run: the event's end, or another attempt."""
    functions, function = state.functions, event.function
    if functions[function, at.SYNCHRONOUS]:
        if end_us - now > functions[function, at.CLIENT_TIMEOUT_US]:
            return CLIENT_TIMEOUT
        return SUCCEEDED if outcome == COMPLETED else FAILED
    if outcome == COMPLETED:
        return SUCCEEDED
    if event.runs >= functions[function, at.DELAYS]:
        return FAILED
    delay_us = state.delays[functions[function, at.FIRST_DELAY] + event.runs]
    return _retry_at(state, event, event.runs + 1, event.refusals, end_us + delay_us)


@compiled
def _refuse(state: State, event: Event, limit: Int64, now: Int64) -> Bool:
    """Record an attempt that found no room, and decide on its retry; tell whether its draw could be had."""
    account, functions, function = state.account, state.functions, event.function
    outcome = THROTTLED
    if limit == PAYLOAD:
        outcome, final = REJECTED, EVENT_REJECTED
    elif event.refusals >= functions[function, at.THROTTLE_RETRIES]:
        final = EVENT_THROTTLED
    else:
        doublings = min(event.refusals, 40)
        wait_us = functions[function, at.BACKOFF_CAP]
        if functions[function, at.BACKOFF] <= wait_us >> doublings:
            wait_us = functions[function, at.BACKOFF] << doublings
        if functions[function, at.JITTERED]:
            if not functions[function, at.GIVEN]:
                wait_us = _backoff_us(state, event, wait_us)
            elif account[at.BACKOFF_DRAWN]:
                wait_us = account[at.BACKOFF_US]
                account[at.BACKOFF_DRAWN] = 0
            else:
                account[at.ASKED_FUNCTION] = function
                account[at.ASKED_INVOCATION] = event.invocation
                account[at.ASKED_NUMBER] = event.refusals
                account[at.ASKED_CEILING] = wait_us
                return False
        final = _retry_at(state, event, event.runs, event.refusals + 1, now + wait_us)
    _write(state, event, now, 0, 0, 0, NO_START, outcome, limit, -1, final)
    return True


@compiled
def _write(
    state: State, event: Event, start_us: Int64, placement_us: Int64, init_us: Int64, duration_us: Int64, start: Int64,
    outcome: Int64, limit: Int64, number: Int64, final: Int64
) -> None:  # fmt: skip
    """Add one record, its values in the order of ``RECORD_COLUMNS``."""
    records, row = state.records, state.account[at.RECORD]
    state.account[at.RECORD] = row + 1
    records[0, row] = event.function
    records[1, row] = event.invocation
    records[2, row] = event.attempts
    records[3, row] = event.arrival_us
    records[4, row] = start_us
    records[5, row] = placement_us
    records[6, row] = init_us
    records[7, row] = duration_us
    records[8, row] = start
    records[9, row] = outcome
    records[10, row] = limit
    records[11, row] = number
    records[12, row] = final


@compiled
def _retry_at(state: State, event: Event, runs: Int64, refusals: Int64, time_us: Int64) -> Int64:
    """Schedule another attempt, unless the event would be too old by then."""
    if time_us > event.arrival_us + state.functions[event.function, at.MAX_EVENT_AGE]:
        return EXPIRED
    _wait(state, event, event.attempts + 1, runs, refusals, time_us)
    return PENDING


@compiled
def _wait(state: State, event: Event, attempts: Int64, runs: Int64, refusals: Int64, time_us: Int64) -> None:
    """Let an event wait for its next attempt."""
    account, events = state.account, state.events
    row = account[at.FREE_EVENT]
    account[at.FREE_EVENT] = events[row, at.EV_NEXT]
    events[row, at.EV_FUNCTION] = event.function
    events[row, at.EV_INVOCATION] = event.invocation
    events[row, at.EV_ARRIVAL] = event.arrival_us
    events[row, at.EV_ATTEMPTS] = attempts
    events[row, at.EV_RUNS] = runs
    events[row, at.EV_REFUSALS] = refusals
    place = (event.function << _FUNCTION_SHIFT) + event.invocation
    push(state.retries, account[at.WAITING], time_us, place, row)
    account[at.WAITING] += 1


@compiled_apart
def _change_provisioned(state: State, change: Int64) -> Bool:
    """Follow the plan's provisioned concurrency; tell whether there was room, else begin again."""
    account, functions, changes, rates = state.account, state.functions, state.changes, state.rates
    function = changes[change, at.CH_FUNCTION]
    if functions[function, at.RESERVED] == _NONE:
        account[at.POOL_LIMIT] -= changes[change, at.CH_CLAIMED] - functions[function, at.PROVISIONED_CLAIMED]
    functions[function, at.PROVISIONED_CLAIMED] = changes[change, at.CH_CLAIMED]
    if changes[change, at.CH_READY] != functions[function, at.PROVISIONED_READY]:
        functions[function, at.PROVISIONED_READY] = changes[change, at.CH_READY]
        rate = functions[function, at.PROVISIONED_RATE]
        rates[rate, at.FULL_AGAIN_NS] = 0
        rates[rate, at.INTERVAL_NS] = changes[change, at.CH_INTERVAL_NS]
        rates[rate, at.SLACK_NS] = changes[change, at.CH_SLACK_NS]
    wanted = max(changes[change, at.CH_READY] - functions[function, at.PROVISIONED_IN_USE], 0)
    while functions[function, at.PROVISIONED_IDLE] > wanted:
        slot = functions[function, at.PROVISIONED_FIRST]
        functions[function, at.PROVISIONED_FIRST] = state.slots[slot, at.NEXT]
        functions[function, at.PROVISIONED_IDLE] -= 1
        _drop(state, slot)
    while functions[function, at.PROVISIONED_IDLE] < wanted:
        if account[at.FREE_SLOT] == _NONE:
            return False
        _idle_provisioned(state, function, _new_environment(state, function, 1))
    return True


@compiled
def _idle_provisioned(state: State, function: Int64, slot: Int64) -> None:
    state.slots[slot, at.NEXT] = state.functions[function, at.PROVISIONED_FIRST]
    state.functions[function, at.PROVISIONED_FIRST] = slot
    state.functions[function, at.PROVISIONED_IDLE] += 1


@compiled
def _drawn(state: State, event: Event, law: Int64, given: Int64) -> Int64:
    """Draw a value for an event's next run, or find it among what was given."""
    if state.functions[event.function, at.GIVEN]:
        return state.given[event.given, given]
    return draw(state.laws, event.function * at.LAWS_PER_FUNCTION + law, event.invocation, event.runs)


@compiled
def _handler_us(state: State, event: Event) -> Int64:
    if state.functions[event.function, at.GIVEN]:
        return state.given[event.given, at.G_HANDLER]
    cpu_us = _drawn(state, event, at.CPU_TIME, at.G_HANDLER)
    stretched = (cpu_us * state.functions[event.function, at.CPU_MULTIPLIER] + _HALF) >> FIXED_POINT_BITS
    return stretched + _drawn(state, event, at.IO_TIME, at.G_HANDLER)


@compiled
def _fault(state: State, event: Event) -> Int64:
    """Draw how the handler ends if nothing cuts it."""
    functions, function = state.functions, event.function
    if functions[function, at.GIVEN]:
        return state.given[event.given, at.G_FAULT]
    if _drawn(state, event, at.MEMORY, at.G_FAULT) > functions[function, at.MEMORY_MB]:
        return OUT_OF_MEMORY
    first = function * at.LAWS_PER_FUNCTION
    # Responses keep their size when the request is tried again.
    if (
        draw(state.laws, first + at.RESPONSE_PAYLOAD, event.invocation, 0)
        > functions[function, at.RESPONSE_LIMIT]
    ):
        return FUNCTION_ERROR
    if functions[function, at.CRASH_BELOW] == 0:
        return COMPLETED
    keys = state.laws.keys
    bits = random_bits(keys[first + at.FAILURE, 0], keys[first + at.FAILURE, 1], event.invocation, event.runs)
    luck = np.int64(bits >> _U11)
    if luck < functions[function, at.ERROR_BELOW]:
        return FUNCTION_ERROR
    return CRASH if luck < functions[function, at.CRASH_BELOW] else COMPLETED


@compiled
def _too_large(state: State, event: Event) -> Bool:
    if state.functions[event.function, at.GIVEN]:
        return state.given[event.given, at.G_TOO_LARGE] != 0
    law = event.function * at.LAWS_PER_FUNCTION + at.REQUEST_PAYLOAD
    return draw(state.laws, law, event.invocation, 0) > state.functions[event.function, at.REQUEST_LIMIT]


@compiled
def _backoff_us(state: State, event: Event, ceiling_us: Int64) -> Int64:
    """Draw a client's waiting time, as `FunctionDraws.backoff_us` does with numbers of any size."""
    law = event.function * at.LAWS_PER_FUNCTION + at.CLIENT_BACKOFF
    keys = state.laws.keys
    bits = random_bits(keys[law, 0], keys[law, 1], event.invocation, event.refusals)
    share = np.int64(bits >> _U32)
    return share * (ceiling_us >> 32) + (share * (ceiling_us & _LOW_32) >> 32)
