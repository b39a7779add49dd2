"""The event loop of the compiled engine where functions call functions and some have a queue or a stream.

It joins those of `kernel.sourced` and `kernel.calls.loop`, which know nothing of each other. What ended on the lanes in
one step leaves its chain before the next: an item is followed by what it was given up to, and then by its chain's end, in
the order in which items ended. A batch that a poller took runs after that, once there is room for all that it may write.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from lambdasim.compiling import Int64, compiled, compiled_outside
from lambdasim.engine.contract import NEVER
from lambdasim.engine.kernel import lanes as of
from lambdasim.engine.kernel import state as at
from lambdasim.engine.kernel.calendar import next_row, take
from lambdasim.engine.kernel.callouts import free, go_on, woken
from lambdasim.engine.kernel.calls.loop import ends_before, what_is_full_of_chains, with_chain
from lambdasim.engine.kernel.calls.turns import give_up, take_turn
from lambdasim.engine.kernel.chains.events import LEAST_OF_THESE, begin, leave
from lambdasim.engine.kernel.chains.items import (
    item_ended,
    put_call_on_lane,
    put_traffic_on_lane,
    release_chains,
)
from lambdasim.engine.kernel.chains.rows import Calls
from lambdasim.engine.kernel.lanes import Sources
from lambdasim.engine.kernel.retries import CALL, RETRY, give_back, is_given_back, take_retry
from lambdasim.engine.kernel.sourced import event_of_batch, nothing, put_wakes, what_is_full
from lambdasim.engine.kernel.state import Event, State
from lambdasim.engine.kernel.steps import attempt, change_provisioned, complete, take_arrival

_NOTHING_IS_FULL: Final = -1


@compiled
def advance_with_both(state: State, sources: Sources, calls: Calls) -> Int64:
    """Go through the moments in order until something must be done outside; return what."""
    account, head, chains = state.account[0], sources.head[0], calls.head[0]
    while True:
        full = what_is_full_of_chains(state, calls, np.int64(of.MOST_WAKES), head.largest_batch)
        if full != at.DONE:
            return full
        if chains.seen < head.ended:
            item_ended(state, sources, calls)
            continue
        full = head.full
        head.full = 0
        if full == 0:
            full = what_is_full(state, sources)
        if full != at.DONE:
            return full
        put_wakes(state, sources)
        batch, event = np.int64(head.due), nothing()
        if batch:
            head.due = 0
            event = event_of_batch(sources, batch)
        elif head.pending:
            found = go_on(sources, head.pending - 1)
            head.due, head.full = max(found, 0), max(-found, 0)
        elif account.next_arrival == len(state.time_us):
            return at.ARRIVALS_USED_UP
        else:
            full, event = _next_moment(state, sources, calls)
            if full != _NOTHING_IS_FULL:
                return full
        if event.function >= 0:
            _attempt(state, sources, calls, event, batch, head.now_us)


@compiled_outside
def _attempt(state: State, sources: Sources, calls: Calls, event: Event, batch: Int64, now: Int64) -> None:
    """Try to serve an event, or a batch, now."""
    attempt(state, None, sources, calls, event, batch, now)


@compiled
def _next_moment(state: State, sources: Sources, calls: Calls) -> tuple[Int64, Event]:
    """Let the next thing happen: (why to return, the event that is to be served)."""
    account, head = state.account[0], sources.head[0]
    end_us, later_us = state.completions.head[0].next_us, state.retries.head[0].next_us
    change_us, arrival_us = state.changes[account.next_change].time_us, state.time_us[account.next_arrival]
    now = min(end_us, change_us, later_us, arrival_us)
    if now == NEVER:
        return at.DONE, nothing()
    head.now_us = calls.head[0].now_us = now
    key = np.int64(NEVER)
    if later_us == now:
        key = state.retries.table[next_row(state.retries)].key
    if end_us == now and ends_before(state, key):
        _end_first(state, sources, calls)
        return _NOTHING_IS_FULL, nothing()
    if key >= RETRY and change_us == now:
        if not change_provisioned(state):
            return at.SLOTS_FULL, nothing()
        account.next_change += 1
        return _NOTHING_IS_FULL, nothing()
    if later_us == now:
        return _NOTHING_IS_FULL, _waited(state, sources, calls, key, now)
    event = take_arrival(state)
    if sources.rows[event.function].kind:
        put_traffic_on_lane(state, sources, calls, event)
        return _NOTHING_IS_FULL, nothing()
    if state.functions[event.function].calls:
        event = with_chain(event, begin(state, calls, event))
    return _NOTHING_IS_FULL, event


@compiled
def _waited(state: State, sources: Sources, calls: Calls, key: Int64, now: Int64) -> Event:
    """Let what has waited for this moment happen; give the event that is to be served."""
    event = take_retry(state)
    if is_given_back(event):
        give_back(state, event, now)
    elif event.attempts >= LEAST_OF_THESE:
        take_turn(state, sources, calls, event, now)
    elif sources.rows[state.functions[event.function].rank].kind == 0:
        return nothing() if give_up(state, calls, event, now) else event
    elif key >= CALL:
        put_call_on_lane(state, sources, calls, event)
    else:
        sources.head[0].due = woken(sources, key, event.function, event.invocation)
    return nothing()


@compiled
def _end_first(state: State, sources: Sources, calls: Calls) -> None:
    """End the run that is first to end, count it out of its chains, and let its source take back what it held."""
    row = take(state.completions)
    function = np.int64(state.completions.table[row].function)
    complete(state, row)
    run, batch = calls.runs[row], np.int64(sources.served[row])
    if batch == 0:
        leave(calls, run.chain, run.answered_us)  # the chain of none is 0, which nobody leaves
        return
    sources.served[row] = 0
    release_chains(sources, calls, batch, run.answered_us)
    free(sources, function, batch)
