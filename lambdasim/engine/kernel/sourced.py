"""The event loop of the compiled engine where some function has a queue or a stream.

It goes from one moment to the next, completions included, since what ends lets pollers take more. Between two of the
steps that a moment consists of it makes sure that there is room, so each step may write a record, put a few wakes in
order, and end one batch. Plans without sources run in `plain.advance`, into which nothing of this is compiled.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from lambdasim.compiling import Int64, compiled
from lambdasim.engine.contract import NEVER
from lambdasim.engine.kernel import lanes as of
from lambdasim.engine.kernel import state as at
from lambdasim.engine.kernel.calendar import put, take
from lambdasim.engine.kernel.callouts import arrive, free, go_on, woken
from lambdasim.engine.kernel.lanes import Sources
from lambdasim.engine.kernel.retries import give_back, is_given_back, take_retry
from lambdasim.engine.kernel.state import Event, State
from lambdasim.engine.kernel.steps import attempt, change_provisioned, complete, take_arrival

_NOTHING_IS_FULL: Final = -1


@compiled
def advance_with_sources(state: State, sources: Sources) -> Int64:
    """Go through the moments in order until something must be done outside; return what."""
    head = sources.head[0]
    while True:
        full = what_is_full(state, sources)
        if full != at.DONE:
            return full
        put_wakes(state, sources)
        batch, event = np.int64(0), nothing()
        if head.pending:
            batch = go_on(sources, head.pending - 1)
            if batch < 0:
                return -batch
        else:
            if state.account[0].next_arrival == len(state.time_us):
                return at.ARRIVALS_USED_UP
            full, batch, event = _next_moment(state, sources)
            if full != _NOTHING_IS_FULL:
                return full
        if batch:
            event = event_of_batch(sources, batch)
        if event.function >= 0:
            attempt(state, None, sources, None, event, batch, head.now_us)


@compiled
def _next_moment(state: State, sources: Sources) -> tuple[Int64, Int64, Event]:
    """Let the next thing happen: (why to return, the batch that is to run, the event that is to be served)."""
    account, head = state.account[0], sources.head[0]
    end_us, later_us = state.completions.head[0].next_us, state.retries.head[0].next_us
    change_us, arrival_us = state.changes[account.next_change].time_us, state.time_us[account.next_arrival]
    now = min(end_us, change_us, later_us, arrival_us)
    if now == NEVER:
        return at.DONE, np.int64(0), nothing()
    head.now_us = now
    if end_us == now:
        _end_first(state, sources)
    elif change_us == now:
        if not change_provisioned(state):
            return at.SLOTS_FULL, np.int64(0), nothing()
        account.next_change += 1
    elif later_us == now:
        event = take_retry(state)
        key = state.retries.table[account.free_event].key
        if is_given_back(event):
            give_back(state, event, now)
            return _NOTHING_IS_FULL, np.int64(0), nothing()
        if sources.rows[event.function].kind == 0:
            return _NOTHING_IS_FULL, np.int64(0), event
        return _NOTHING_IS_FULL, woken(sources, key, event.function, event.invocation), nothing()
    else:
        event = take_arrival(state)
        if sources.rows[event.function].kind == 0:
            return _NOTHING_IS_FULL, np.int64(0), event
        _put_on_lane(state, sources, event)
    return _NOTHING_IS_FULL, np.int64(0), nothing()


@compiled
def nothing() -> Event:
    """Make an event of no function."""
    zero = np.int64(0)
    return Event(np.int64(-1), zero, zero, zero, zero, zero, zero, zero, zero)


@compiled
def what_is_full(state: State, sources: Sources) -> Int64:
    """Return which array must be emptied or enlarged before another step with lanes."""
    account, head = state.account[0], sources.head[0]
    if account.record == account.records_room:
        return at.RECORDS_FULL
    if account.free_slot == 0:
        return at.SLOTS_FULL
    if state.retries.head[0].waiting + of.MOST_WAKES + 2 > len(state.retries.heap):
        return at.EVENTS_FULL
    if head.free_item == 0:
        return of.ITEMS_FULL
    if head.free_batch == 0:
        return of.BATCHES_FULL
    if head.ended + head.largest_batch > head.ended_room:
        return of.ENDED_FULL
    return at.DONE


@compiled
def put_wakes(state: State, sources: Sources) -> None:
    """Put in order what is to happen later."""
    account, head = state.account[0], sources.head[0]
    while head.wakes:
        head.wakes -= 1
        coming = sources.wakes[head.wakes]
        row = account.free_event
        waiting = state.retries.table[row]
        account.free_event = waiting.next
        waiting.time_us = coming.time_us
        waiting.key = coming.key
        waiting.function = coming.function
        waiting.invocation = coming.batch
        waiting.attempts = 0  # the row may have held what a client gets back
        put(state.retries, row, head.now_us)


@compiled
def _end_first(state: State, sources: Sources) -> None:
    """End the run that is first to end, and let its source take back what it held."""
    row = take(state.completions)
    function = np.int64(state.completions.table[row].function)
    complete(state, row)
    batch = np.int64(sources.served[row])
    if batch:
        sources.served[row] = 0
        free(sources, function, batch)


@compiled
def _put_on_lane(state: State, sources: Sources, event: Event) -> None:
    """Turn what arrived into an item on its lane."""
    place = 2 * event.row
    arrive(
        sources, event.function, event.invocation, sources.about[place], sources.about[place + 1],
        state.ahead_us[place], state.ahead_us[place + 1],
    )  # fmt: skip


@compiled
def event_of_batch(sources: Sources, row: Int64) -> Event:
    """Make a batch the event of its next attempt."""
    batch = sources.batches[row]
    attempts, zero = np.int64(batch.attempts), np.int64(0)
    batch.attempts += 1
    return Event(
        np.int64(batch.function), batch.invocation, batch.arrival_us, attempts, zero, np.int64(batch.refusals), zero,
        zero, zero,
    )  # fmt: skip
