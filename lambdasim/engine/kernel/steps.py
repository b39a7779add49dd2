"""The steps of the compiled engine; each bears the name of its counterpart in `lambdasim.engine.reference`.

Event loops call them: `plain.advance`, and those of plans with queues, streams or calls. A loop returns when a buffer is
full or something must be fetched, and goes on where it was when called again: all that changes lies in the arrays of
`State`, which `lambdasim.engine.kernel.run` makes and enlarges, and of `Sums`, where attempts are counted if nobody keeps
records.

An execution environment is a row of ``slots``; while it works it waits among the completions, while it idles it is
linked into its function's idle list, and otherwise into the list of free rows. An event that waits for its retry is a
row of ``events``.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np

from lambdasim.compiling import Bool, Int64, compiled, compiled_apart
from lambdasim.engine.contract import NEVER
from lambdasim.engine.kernel import state as at
from lambdasim.engine.kernel.batches import drawn_for, work_of_batch
from lambdasim.engine.kernel.calendar import joined, put
from lambdasim.engine.kernel.callouts import after_batch, after_refused_batch
from lambdasim.engine.kernel.chains.events import (
    IN_RUN,
    LATER,
    NOTHING,
    WAITS,
    event_ended,
    fill,
    hold,
    hold_chain,
    keep,
    leave_unresolved,
    make_later,
    may_be_dropped,
    run_is_settled,
    what_is_called,
)
from lambdasim.engine.kernel.chains.items import hold_batch, hold_chains, make_batch_later, what_batch_calls
from lambdasim.engine.kernel.draws import (
    MEAN_SPEED,
    draw_fault,
    draw_handler_us,
    draw_post_response_us,
    draw_speed,
    draw_start_up,
    is_still_warm,
    is_too_large,
)
from lambdasim.engine.kernel.retries import (
    after_refusal,
    after_run,
    closed_gate,
    waits,
)
from lambdasim.engine.kernel.state import RECORDS_PER_CHUNK, Event, State
from lambdasim.engine.rates import allows, spend
from lambdasim.engine.totals.counting.alike import count
from lambdasim.engine.totals.counting.sums import Attempt

ENDS_WITH_ITS_RUN: Final = -1
# Rules that stand once, for both engines.
_allows, _spend = compiled(allows), compiled(spend)


@compiled
def take_arrival(state: State) -> Event:
    """Take the next arrival."""
    row = np.int64(state.account[0].next_arrival)
    state.account[0].next_arrival += 1
    return Event(state.function[row], state.invocation[row], state.time_us[row], 0, 0, 0, row, 0, 0)


@compiled
def attempt(
    state: State, sums: Any, sources: Any, calls: Any, event: Event, batch: Int64, now: Int64
) -> None:
    """Try to serve an event, or a batch from a queue or stream, now.

    Notes
    -----
    Where ``sources`` is None, whatever asks for them is left out when this is compiled, and so is ``batch``, then 0. The
    same holds for ``calls``, and for ``sums``.
    """
    function = state.functions[event.function]
    if function.paces and waits(state, function, event, now):
        return
    limit, slot, start = _admit(state, event, now)
    if limit != at.NO_LIMIT:
        _refuse(state, sums, sources, calls, event, batch, limit, now)
    else:
        _run(state, sums, sources, calls, event, batch, slot, start, now)


@compiled
def _admit(state: State, event: Event, now: Int64) -> tuple[Int64, Int64, Int64]:
    """Find an environment for one request, or name the limit that refuses it: (limit, slot, start type)."""
    account, entry, rates = state.account[0], state.functions[event.function], state.rates
    function = state.functions[entry.owner]
    if event.attempts == 0 and is_too_large(state, event):
        return at.PAYLOAD, 0, at.NO_START
    closed = closed_gate(state, entry, now) if entry.has_gates else at.NO_LIMIT
    if closed != at.NO_LIMIT:
        return closed, 0, at.NO_START
    request_rate = rates[entry.request_rate]
    if entry.request_rate and not _allows(request_rate, now):
        return at.REQUEST_RATE_LIMIT, 0, at.NO_START

    if function.provisioned_idle and _allows(rates[function.provisioned_rate], now):
        slot = function.provisioned_first
        function.provisioned_first = state.completions.table[slot].next
        function.provisioned_idle -= 1
        _spend(rates[function.provisioned_rate], now)
        function.provisioned_in_use += 1
        start = at.PROVISIONED
    else:
        if function.has_reserved:
            if function.on_demand_in_use >= function.reserved - function.provisioned_claimed:
                return at.RESERVED_CONCURRENCY, 0, at.NO_START
        elif account.pool_in_use >= account.pool_limit:
            return at.ACCOUNT_CONCURRENCY, 0, at.NO_START

        slot = _warm_environment(state, function, now)
        start = at.WARM
        if slot == 0:
            scaling_rate = rates[function.scaling_rate]
            if not _allows(scaling_rate, now):
                return at.SCALING_RATE, 0, at.NO_START
            _spend(scaling_rate, now)
            slot = _new_environment(state, np.int64(entry.owner), 0)
            start = at.COLD
        function.on_demand_in_use += 1
        if not function.has_reserved:
            account.pool_in_use += 1

    if entry.request_rate:
        _spend(request_rate, now)
    account.in_use += 1
    return at.NO_LIMIT, slot, start


@compiled
def _warm_environment(state: State, function: Any, now: Int64) -> Int64:
    """Take the idle environment whose turn it is; those that have grown cold are dropped as they are met."""
    row = function.idle_first
    in_heap = state.account[0].reuse == at.NEWEST_CREATED
    while row:
        slot = state.completions.table[row]
        following = joined(state.completions.table, slot.next, np.uint32(slot.key)) if in_heap else slot.next
        if now < slot.warm_until_us or is_still_warm(state, slot, now):
            function.idle_first = following
            return row
        _drop(state, row)
        row = following
    function.idle_first = 0
    return row


@compiled
def _new_environment(state: State, function: Int64, provisioned: Int64) -> Int64:
    row = state.account[0].free_slot
    slot = state.completions.table[row]
    state.account[0].free_slot = slot.next
    slot.function = function
    slot.number = -1
    slot.provisioned = provisioned
    slot.retires_us = NEVER
    slot.was_reset = 0
    return row


@compiled
def _drop(state: State, row: Int64) -> None:
    """Give an environment's row back."""
    state.completions.table[row].next = state.account[0].free_slot
    state.account[0].free_slot = row


@compiled
def _run(  # noqa: PLR0912, PLR0915 - each function that takes the State adds to the time to compile
    state: State,
    sums: Any,
    sources: Any,
    calls: Any,
    event: Event,
    batch: Int64,
    row: Int64,
    start: Int64,
    now: Int64,
) -> None:
    """Serve an event's attempt in the given environment; unless it waits for calls all about it is decided here."""
    account, function, slot = state.account[0], state.functions[event.function], state.completions.table[row]
    # Draws belong to the first item that is left of a batch, records to the one that named it.
    named = event
    if sources is not None and batch:
        event = drawn_for(sources, event, batch)
    if slot.number < 0:
        slot.number = account.environments_created
        account.environments_created += 1
        slot.speed = draw_speed(state, function, event) if function.speeds_differ else MEAN_SPEED
    if sources is not None and batch:
        handler_us, fault = work_of_batch(state, sources, event, batch, np.int64(slot.speed))
    elif event.attempts or event.row < 0:
        handler_us, fault = (
            draw_handler_us(state, function, event, np.int64(slot.speed)),
            draw_fault(state, function, event),
        )
    else:
        handler_us, fault = state.ahead_us[2 * event.row], state.ahead_us[2 * event.row + 1]
        if function.speeds_differ:
            handler_us = draw_handler_us(state, function, event, np.int64(slot.speed))
    placement_us = init_us = init_again_us = np.int64(0)
    if start == at.COLD:
        placement_us, init_us, first_run_us = draw_start_up(state, function, event)
        if init_us > function.init_cap_us:
            init_again_us = init_us
            init_us = function.init_cap_us
        handler_us += init_again_us + first_run_us
        slot.retires_us = now + function.max_lifetime_us
    elif slot.was_reset:
        _, init_again_us, first_run_us = draw_start_up(state, function, event)
        handler_us += init_again_us + first_run_us

    if calls is not None:
        what = np.int64(NOTHING)
        if sources is not None and batch:
            hold_chains(sources, calls, batch)
            if handler_us <= function.timeout_us:
                what = what_batch_calls(sources, calls, function, batch)
        else:
            hold_chain(calls, event, row)
            if handler_us <= function.timeout_us:
                what = what_is_called(calls, function, event)
        if what == WAITS:
            kept = keep(state, calls, 2)
            write(
                state, sums, named, now, placement_us, init_us, 0, init_again_us, 0, start, at.COMPLETED, at.NO_LIMIT,
                slot.number, at.PENDING
            )  # fmt: skip
            starts_us = now + placement_us + init_us
            held = hold(state, calls, event, row, kept, now, starts_us, handler_us, init_again_us, fault)
            if sources is not None and batch:
                hold_batch(sources, calls, event.function, batch, held)
            return
        if what == LATER:
            done_us = now + placement_us + init_us + handler_us
            if sources is not None and batch:
                make_batch_later(state, sources, calls, event.function, batch, done_us, now)
            else:
                make_later(state, calls, event, event.runs, IN_RUN, done_us, now)
    settle(
        state, sums, sources, calls, event, named, batch, row, 0, start, now, placement_us, init_us, init_again_us,
        handler_us, fault, now
    )  # fmt: skip


@compiled
def settle(
    state: State, sums: Any, sources: Any, calls: Any, event: Event, named: Event, batch: Int64, row: Int64, held: Int64,
    start: Int64, started_us: Int64, placement_us: Int64, init_us: Int64, init_again_us: Int64, handler_us: Int64,
    fault: Int64, now: Int64
) -> None:  # fmt: skip
    """Decide how a run ends whose handler takes so long, write its record and let it end; ``held`` where it waited."""
    account, function, slot = state.account[0], state.functions[event.function], state.completions.table[row]
    answer = at.TIMEOUT if handler_us > function.timeout_us else fault
    answered = answer in (at.COMPLETED, at.FUNCTION_ERROR)
    post_response_us = np.int64(0)
    if function.has_post_response and answered:
        post_response_us = draw_post_response_us(state, function, event)
    duration_us, outcome = handler_us + post_response_us, answer
    if answer == at.TIMEOUT or duration_us > function.timeout_us:
        duration_us, outcome = function.timeout_us, at.TIMEOUT
        init_again_us = min(init_again_us, duration_us)
        post_response_us = duration_us - handler_us if answered else np.int64(0)
    end_us = started_us + placement_us + init_us + duration_us

    slot.key = account.admitted
    account.admitted += 1
    if sources is not None and batch:
        sources.served[row] = batch
        final, outcome = after_batch(sources, event.function, batch, answer, outcome, end_us)
    elif calls is not None and held and calls.open[held].final >= 0:
        final = calls.open[held].final
    else:
        final = after_run(
            state, function, event, answer, outcome, started_us, end_us, end_us - post_response_us, now
        )
    if calls is None or held == 0:
        if calls is not None and may_be_dropped(calls, event, final):
            leave_unresolved(state, calls, event, at.CLIENT_TIMEOUT)
        write(
            state, sums, named, started_us, placement_us, init_us, duration_us, init_again_us, post_response_us, start,
            outcome, at.NO_LIMIT, slot.number, final
        )  # fmt: skip
    else:
        fill(calls, event, held, duration_us, init_again_us, post_response_us, outcome, final)
    if calls is not None:
        run_is_settled(state, calls, event, row, held, final, started_us, end_us, post_response_us, now)

    slot.function = named.function
    slot.time_us = end_us
    slot.invocation = event.invocation
    slot.runs = event.runs
    broken = outcome not in (at.COMPLETED, at.FUNCTION_ERROR)
    slot.was_reset = broken and account.after_failure == at.INIT_INSIDE
    slot.warm_until_us = ENDS_WITH_ITS_RUN
    if end_us < slot.retires_us and not (broken and account.after_failure == at.REPLACED):
        slot.warm_until_us = min(end_us + function.keep_alive_at_least_us, slot.retires_us)
    put(state.completions, row, now)


@compiled
def complete(state: State, row: Int64) -> None:
    """Give back what an attempt held."""
    account, slots, slot = state.account[0], state.completions.table, state.completions.table[row]
    function = state.functions[state.functions[slot.function].owner]
    account.in_use -= 1
    if slot.provisioned:
        function.provisioned_in_use -= 1
        if function.provisioned_in_use + function.provisioned_idle < function.provisioned_ready:
            _idle_provisioned(function, slot, row)
        else:
            _drop(state, row)
        return
    function.on_demand_in_use -= 1
    if not function.has_reserved:
        account.pool_in_use -= 1
    if slot.warm_until_us == ENDS_WITH_ITS_RUN:
        _drop(state, row)
    elif account.reuse == at.NEWEST_CREATED:
        slot.next = slot.key = 0
        function.idle_first = joined(slots, np.uint32(row), function.idle_first)
    elif account.reuse == at.LEAST_RECENTLY_USED and function.idle_first:
        slots[function.idle_last].next = row
        slot.next = 0
        function.idle_last = row
    else:
        slot.next = function.idle_first
        function.idle_first = function.idle_last = row


@compiled
def _refuse(
    state: State, sums: Any, sources: Any, calls: Any, event: Event, batch: Int64, limit: Int64, now: Int64
) -> None:
    """Record an attempt that found no room, and decide on its retry."""
    function = state.functions[event.function]
    outcome = at.THROTTLED
    if sources is not None and batch:
        final = after_refused_batch(sources, function, event.function, batch)
    elif limit == at.PAYLOAD:
        outcome, final = at.REJECTED, at.EVENT_REJECTED
    else:
        final = after_refusal(state, function, event, now)
    if calls is not None and may_be_dropped(calls, event, final):
        leave_unresolved(state, calls, event, at.EVENT_THROTTLED)
    write(state, sums, event, now, 0, 0, 0, 0, 0, at.NO_START, outcome, limit, -1, final)
    if calls is not None and final != at.PENDING:
        event_ended(state, calls, event, event.runs, final, now, now)


@compiled
def write(
    state: State, sums: Any, event: Event, start_us: Int64, placement_us: Int64, init_us: Int64, duration_us: Int64,
    init_again_us: Int64, post_response_us: Int64, start: Int64, outcome: Int64, limit: Int64, number: Int64, final: Int64
) -> None:  # fmt: skip
    """Add one record, its values in the order of ``RECORD_COLUMNS``, or count what would stand in it."""
    account, entry = state.account[0], state.functions[event.function]
    function = state.functions[entry.owner]
    in_progress = function.on_demand_in_use + function.provisioned_in_use
    if sums is not None and account.counts:
        count(
            sums,
            Attempt(
                np.uint64(entry.rank), event.attempts, event.arrival_us, start_us, placement_us, init_us, duration_us,
                init_again_us, post_response_us, start, outcome, limit, final, in_progress,
                function.provisioned_in_use, account.in_use, account.pool_in_use, np.int64(entry.number),
            ),
        )  # fmt: skip
        return
    records, row = state.records, account.record
    account.record = row + 1
    records[row] = entry.rank
    records[row + RECORDS_PER_CHUNK] = event.invocation
    records[row + 2 * RECORDS_PER_CHUNK] = event.attempts
    records[row + 3 * RECORDS_PER_CHUNK] = event.arrival_us
    records[row + 4 * RECORDS_PER_CHUNK] = start_us
    records[row + 5 * RECORDS_PER_CHUNK] = placement_us
    records[row + 6 * RECORDS_PER_CHUNK] = init_us
    records[row + 7 * RECORDS_PER_CHUNK] = duration_us
    records[row + 8 * RECORDS_PER_CHUNK] = init_again_us
    records[row + 9 * RECORDS_PER_CHUNK] = post_response_us
    records[row + 10 * RECORDS_PER_CHUNK] = start
    records[row + 11 * RECORDS_PER_CHUNK] = outcome
    records[row + 12 * RECORDS_PER_CHUNK] = limit
    records[row + 13 * RECORDS_PER_CHUNK] = number
    records[row + 14 * RECORDS_PER_CHUNK] = final
    records[row + 15 * RECORDS_PER_CHUNK] = in_progress
    records[row + 16 * RECORDS_PER_CHUNK] = function.provisioned_in_use
    records[row + 17 * RECORDS_PER_CHUNK] = account.in_use
    records[row + 18 * RECORDS_PER_CHUNK] = account.pool_in_use
    records[row + 19 * RECORDS_PER_CHUNK] = entry.number


@compiled_apart
def change_provisioned(state: State) -> Bool:
    """Follow the plan's provisioned concurrency; return whether there was room, else begin again."""
    account, change = state.account[0], state.changes[state.account[0].next_change]
    function = state.functions[change.function]
    if not function.has_reserved:
        account.pool_limit -= change.claimed - function.provisioned_claimed
    function.provisioned_claimed = change.claimed
    if change.ready != function.provisioned_ready:
        function.provisioned_ready = change.ready
        rate = state.rates[function.provisioned_rate]
        rate.full_again_ns = 0
        rate.interval_ns = change.interval_ns
        rate.slack_ns = change.slack_ns
    wanted = max(change.ready - function.provisioned_in_use, 0)
    while function.provisioned_idle > wanted:
        row = function.provisioned_first
        function.provisioned_first = state.completions.table[row].next
        function.provisioned_idle -= 1
        _drop(state, row)
    while function.provisioned_idle < wanted:
        if account.free_slot == 0:
            return False
        row = _new_environment(state, change.function, 1)
        _idle_provisioned(function, state.completions.table[row], row)
    return True


@compiled
def _idle_provisioned(function: Any, slot: Any, row: Int64) -> None:
    slot.next = function.provisioned_first
    function.provisioned_first = row
    function.provisioned_idle += 1
