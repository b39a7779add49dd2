"""The event loop of the compiled engine for plans without queues, streams and calls.

Most attempts are alike: first ones, in a warm environment, that succeed. The end of such a run is known as soon as it is
drawn, so ends are sorted ahead, see `ends`, and `serve_alike` does what `steps.attempt` would. All others go through the
steps, and their ends through the calendar. Which way an attempt goes shows nowhere.
"""

from __future__ import annotations

import numpy as np

from lambdasim.compiling import Bool, Int64, compiled
from lambdasim.engine.contract import NEVER
from lambdasim.engine.kernel import state as at
from lambdasim.engine.kernel.calendar import next_row, take
from lambdasim.engine.kernel.retries import give_back, is_given_back, take_retry
from lambdasim.engine.kernel.state import Event, State
from lambdasim.engine.kernel.steps import (
    ENDS_WITH_ITS_RUN,
    attempt,
    change_provisioned,
    complete,
    take_arrival,
    write,
)
from lambdasim.engine.rates import allows, spend
from lambdasim.engine.totals.counting.alike import is_crowded, must_wait, put_away
from lambdasim.engine.totals.counting.sums import Sums

_allows, _spend = compiled(allows), compiled(spend)


@compiled
def advance(state: State, sums: Sums) -> Int64:
    """Go through the events in order until something must be done outside; return what.

    Notes
    -----
    Attempts are counted in ``sums`` or written as records, as the account's row says.
    """
    account = state.account[0]
    while True:
        arrival = account.next_arrival
        if arrival == len(state.time_us):
            return at.ARRIVALS_USED_UP
        change_us = state.changes[account.next_change].time_us
        retry_us = state.retries.head[0].next_us
        now = min(state.time_us[arrival], change_us, retry_us)
        if now == NEVER:
            if account.counts:
                put_away(sums)
            return at.DONE

        complete_until(state, now)
        if change_us == now:
            if not change_provisioned(state):
                return at.SLOTS_FULL
            account.next_change += 1
            continue
        full = _what_is_full(state)
        if full != at.DONE:
            return full
        if account.counts and must_wait(sums, now):
            return at.TOTALS_WAIT
        if retry_us > now and serve_those_alike(state, sums, now, min(change_us, retry_us)):
            continue
        event = take_retry(state) if retry_us == now else take_arrival(state)
        if is_given_back(event):
            give_back(state, event, now)
            continue
        attempt(state, sums, None, None, event, 0, now)


@compiled
def _what_is_full(state: State) -> Int64:
    """Return which array must be emptied or enlarged before another attempt."""
    account = state.account[0]
    if account.record == account.records_room:
        return at.RECORDS_FULL
    if account.free_slot == 0:
        return at.SLOTS_FULL
    return at.EVENTS_FULL if account.free_event == 0 else at.DONE


@compiled
def complete_until(state: State, now: Int64) -> None:
    """End all runs that end by now: those sorted ahead, and those in the calendar."""
    account, completions = state.account[0], state.completions
    while True:
        end_us, next_us = state.ends_us[account.next_end], completions.head[0].next_us
        if min(end_us, next_us) > now:
            return
        row = np.int64(0)
        if end_us <= next_us:
            row = np.int64(state.served[state.ends_of[account.next_end]])
            if row == 0 or end_us < next_us or comes_first(state, row):
                account.next_end += 1
                if row == 0:
                    continue
            else:
                row = np.int64(0)
        if row == 0:
            row = np.int64(take(completions))
        complete(state, row)


@compiled
def comes_first(state: State, row: Int64) -> Bool:
    """Return whether a run was admitted before the one that is next in the calendar, and ends at the same moment."""
    slots = state.completions.table
    return slots[row].key < slots[next_row(state.completions)].key


@compiled
def serve_those_alike(state: State, sums: Sums, now: Int64, until_us: Int64) -> Bool:
    """Serve arrivals that are like most, one after another; return whether there was one.

    Notes
    -----
    It goes on until an arrival is not like most, or something else comes first: what the plan changes, a retry, an end in
    the calendar, or what must be done outside.
    """
    account = state.account[0]
    until_us = min(until_us, state.completions.head[0].next_us)
    if account.counts:
        until_us = min(until_us, sums.head[0].until_us)
    first = row = np.int64(account.next_arrival)
    next_end = np.int64(account.next_end)
    while account.pool_in_use < account.pool_limit and serve_alike(state, sums, row, now):
        row += 1
        if row == len(state.time_us) or state.time_us[row] >= until_us:
            break
        if account.record == account.records_room or (account.counts and is_crowded(sums)):
            break
        now = state.time_us[row]
        while state.ends_us[next_end] <= now:
            environment = np.int64(state.served[state.ends_of[next_end]])
            next_end += 1
            if environment:
                complete(state, environment)
    account.next_arrival, account.next_end = row, next_end
    return row > first


@compiled
def serve_alike(state: State, sums: Sums, row: Int64, now: Int64) -> Bool:
    """Serve an arrival if it is like most; else return False, and have done nothing."""
    account, rank, handler_us = state.account[0], state.function[row], state.ahead_us[2 * row]
    function = state.functions[rank]
    if handler_us > function.alike_most_us or handler_us <= 0 or state.ahead_us[2 * row + 1] != at.COMPLETED:
        return False
    environment = np.int64(function.idle_first)
    slot, rate = state.completions.table[environment], state.rates[function.request_rate]
    if environment == 0 or now >= slot.warm_until_us or slot.was_reset or function.provisioned_idle:
        return False
    if function.request_rate and not _allows(rate, now):
        return False
    if function.has_reserved:
        if function.on_demand_in_use >= function.reserved - function.provisioned_claimed:
            return False
    else:
        account.pool_in_use += 1

    if function.request_rate:
        _spend(rate, now)
    function.idle_first = slot.next
    function.on_demand_in_use += 1
    account.in_use += 1
    invocation, end_us = state.invocation[row], now + handler_us
    event = Event(rank, invocation, now, 0, 0, 0, row, 0, 0)
    slot.key = account.admitted
    account.admitted += 1
    write(
        state, sums, event, now, 0, 0, handler_us, 0, 0, at.WARM, at.COMPLETED, at.NO_LIMIT, slot.number, at.SUCCEEDED
    )  # fmt: skip
    slot.function = rank
    slot.time_us = end_us
    slot.invocation = invocation
    slot.runs = 0
    slot.warm_until_us = ENDS_WITH_ITS_RUN
    if end_us < slot.retires_us:
        slot.warm_until_us = min(end_us + function.keep_alive_at_least_us, slot.retires_us)
    state.served[account.first_place + row] = environment
    return True
