"""The event loop of the compiled engine where functions call functions.

It goes from one moment to the next, completions included, since chains end with them. Before each step it makes sure that
there is room for all that one step may write: the calls of one run, and a few rows besides. Plans without calls run in
`plain.advance`, into which nothing of this is compiled.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np

from lambdasim.compiling import Bool, Int64, compiled
from lambdasim.engine.contract import NEVER
from lambdasim.engine.kernel import state as at
from lambdasim.engine.kernel.calendar import next_row, take
from lambdasim.engine.kernel.calls.turns import give_up, take_turn
from lambdasim.engine.kernel.chains import rows as of
from lambdasim.engine.kernel.chains.events import LEAST_OF_THESE, begin, leave
from lambdasim.engine.kernel.chains.rows import Calls
from lambdasim.engine.kernel.retries import COMPLETION, RETRY, give_back, is_given_back, take_retry
from lambdasim.engine.kernel.state import Event, State
from lambdasim.engine.kernel.steps import attempt, change_provisioned, complete, take_arrival

_SPARE: Final = 4


@compiled
def advance_with_calls(state: State, calls: Calls) -> Int64:  # noqa: PLR0912 - one for each kind of moment
    """Go through the moments in order until something must be done outside; tell what."""
    account, head = state.account[0], calls.head[0]
    while True:
        full = what_is_full_of_chains(state, calls, np.int64(0), np.int64(0))
        if full != at.DONE:
            return full
        if account.record >= account.records_room:
            return at.RECORDS_FULL
        if account.free_slot == 0:
            return at.SLOTS_FULL
        if account.next_arrival == len(state.time_us):
            return at.ARRIVALS_USED_UP
        end_us, later_us = state.completions.head[0].next_us, state.retries.head[0].next_us
        change_us, arrival_us = (
            state.changes[account.next_change].time_us,
            state.time_us[account.next_arrival],
        )
        now = min(end_us, change_us, later_us, arrival_us)
        if now == NEVER:
            return at.DONE
        head.now_us = now
        key = np.int64(NEVER)
        if later_us == now:
            key = state.retries.table[next_row(state.retries)].key
        if end_us == now and ends_before(state, key):
            _end_first(state, calls)
            continue
        if change_us == now and key >= RETRY:
            if not change_provisioned(state):
                return at.SLOTS_FULL
            account.next_change += 1
            continue
        if later_us == now:
            event = take_retry(state)
            if is_given_back(event):
                give_back(state, event, now)
                continue
            if event.attempts >= LEAST_OF_THESE:
                take_turn(state, None, calls, event, now)
                continue
            if give_up(state, calls, event, now):
                continue
        else:
            event = take_arrival(state)
            if state.functions[event.function].calls:
                event = with_chain(event, begin(state, calls, event))
        attempt(state, None, None, calls, event, 0, now)


@compiled
def ends_before(state: State, key: Int64) -> Bool:
    """Return whether a run ends before what else stands among the completions of its instant."""
    return state.completions.table[next_row(state.completions)].key < key - COMPLETION


@compiled
def _end_first(state: State, calls: Calls) -> None:
    """End the run that is first to end."""
    row = take(state.completions)
    complete(state, row)
    run = calls.runs[row]
    if run.chain:
        leave(calls, run.chain, run.answered_us)


@compiled
def with_chain(event: Event, about: Int64) -> Event:
    """Let an event be that of a row among the events of chains."""
    return Event(
        event.function, event.invocation, event.arrival_us, event.attempts, event.runs, event.refusals, event.row,
        event.paid, about,
    )  # fmt: skip


@compiled
def what_is_full_of_chains(state: State, calls: Calls, wakes: Int64, items: Int64) -> Int64:
    """Return which array must be emptied or enlarged before another step with calls, of so many items at most.

    Notes
    -----
    ``wakes`` is the room that lanes need beside calls for what is to happen later.
    """
    head = calls.head[0]
    need: Any = head.most + _SPARE
    if head.too_many:
        return of.TOO_MANY
    if state.retries.head[0].waiting + need + wakes > len(state.retries.heap):
        return at.EVENTS_FULL
    if head.called_left < need:
        return of.CALLED_FULL
    if head.open_left < _SPARE:
        return of.OPEN_FULL
    if head.chains_left < _SPARE:
        return of.CHAINS_FULL
    if head.passes_left < need:
        return of.PASSES_FULL
    if items and head.makers_left < items + _SPARE:
        return of.MAKERS_FULL
    if head.ended + items + _SPARE > head.ended_room:
        return of.ENDED_FULL
    if head.late + need > head.late_room:
        return of.LATE_FULL
    return at.DONE
