"""Chains of items: calls that the batches of a queue or stream make, and calls that put an item on its lane."""

from __future__ import annotations

from typing import Any

import numpy as np

from lambdasim.compiling import Int64, compiled, compiled_outside
from lambdasim.draws.compiled import draw, random_bits
from lambdasim.engine.kernel import lanes as of
from lambdasim.engine.kernel import state as at
from lambdasim.engine.kernel.callouts import arrive
from lambdasim.engine.kernel.chains import rows
from lambdasim.engine.kernel.chains.events import (
    LATER,
    MAKES,
    NOTHING,
    WAITS,
    begin_chain,
    count,
    forget_event,
    give_passes,
    is_made,
    keep_passes,
    leave,
)
from lambdasim.engine.kernel.chains.rows import Calls
from lambdasim.engine.kernel.draws import MEAN_SPEED, draw_fault, draw_handler_us
from lambdasim.engine.kernel.lanes import Sources
from lambdasim.engine.kernel.messages import hold_open
from lambdasim.engine.kernel.retries import CALL, in_turn, wait
from lambdasim.engine.kernel.state import Event, State

_U11 = np.uint64(11)

# Items


@compiled_outside
def put_traffic_on_lane(state: State, sources: Sources, calls: Calls, event: Event) -> None:
    """Turn what arrived by traffic into an item on its lane, with which a chain begins where calls may follow."""
    row, chain, passes = sources.head[0].free_item, np.int64(0), np.int64(0)
    if state.functions[event.function].calls:
        chain, passes = begin_chain(state, calls, event)
    place = 2 * event.row
    arrive(
        sources, event.function, event.invocation, sources.about[place], sources.about[place + 1],
        state.ahead_us[place], state.ahead_us[place + 1],
    )  # fmt: skip
    _link(calls, row, chain, passes, np.int64(0))


@compiled_outside
def put_call_on_lane(state: State, sources: Sources, calls: Calls, event: Event) -> None:
    """Turn what was called into an item on its lane, drawn for here since it is in no chunk of arrivals."""
    entry, called = state.functions[event.function], calls.called[event.about]
    rank, number = np.int64(entry.rank), event.invocation
    function, source = state.functions[rank], sources.rows[rank]
    first = np.int64(function.first_law)
    about = draw(state.laws, first + at.LANE, number, 0) << 2
    if _happens(state, first + at.POISON, number, source.poison_below):
        about += 2
    if _happens(state, first + at.FILTERED, number, source.filtered_below):
        about += 1
    fresh = Event(event.function, number, 0, 0, 0, 0, np.int64(-1), 0, 0)
    handler_us = np.int64(0)
    if not entry.speeds_differ:
        handler_us = draw_handler_us(state, entry, fresh, MEAN_SPEED)
    row = sources.head[0].free_item
    kb = draw(state.laws, first + at.REQUEST_PAYLOAD, number, 0)
    arrive(sources, rank, number, about, kb, handler_us, np.int64(draw_fault(state, entry, fresh)))
    _link(calls, row, np.int64(called.chain), np.int64(called.passes), np.int64(entry.number))
    forget_event(calls, event.about)


@compiled
def _happens(state: State, law: Int64, number: Int64, below: Int64) -> Any:
    """Decide what has a probability for an item."""
    key = state.laws.rows[law]
    return below > 0 and np.int64(random_bits(key.k0, key.k1, number, 0) >> _U11) < below


@compiled
def _link(calls: Calls, row: Int64, chain: Int64, passes: Int64, call: Int64) -> None:
    """Note what an item belongs to; what its row's last item came through is needed no more."""
    link = calls.links[row]
    give_passes(calls, np.int64(link.passes))
    link.chain, link.passes, link.call = chain, passes, call


@compiled_outside
def item_ended(state: State, sources: Sources, calls: Calls) -> None:
    """Follow the next of the items that ended: pass on what was given up, count it out of its chain."""
    head = calls.head[0]
    place, row, room = head.seen, sources.gone[head.seen], sources.head[0].ended_room
    head.seen += 1
    function, done_us = sources.ended[place], sources.ended[place + 5 * room]
    outcome = sources.ended[place + 7 * room]
    if row < 0 or outcome == of.DEAD_LETTERED:
        row = abs(row)
        _given_up(state, sources, calls, function, row)
    link = calls.links[row]
    went_well = outcome in (of.PROCESSED, of.FILTERED)
    if link.call:
        count(calls, link.call, rows.DONE if went_well else rows.NOT_DONE, 1)
    calls.chains[link.chain].failed += not went_well
    leave(calls, np.int64(link.chain), done_us)


@compiled
def _given_up(state: State, sources: Sources, calls: Calls, rank: Int64, row: Int64) -> None:
    """Send a dead letter of a queue, or word of a stream's batch that was given up, to who reads it."""
    function, item, link = state.functions[rank], sources.items[row], calls.links[row]
    number, run = item.number, np.int64(item.receives)
    for place in range(function.first_call, function.first_call + function.calls):
        if is_made(calls.calls[place], rows.FAILED, number, run):
            break
    else:
        return
    maker = _new_maker(calls, np.int64(link.chain), np.int64(link.passes), number, run)
    calls.chains[link.chain].open += 1
    now = sources.head[0].now_us
    _make_at(state, calls, rank, maker, rows.FAILED, now, now)


# Batches


@compiled
def hold_chains(sources: Sources, calls: Calls, batch: Int64) -> None:
    """Let a run keep the chains open of its items that have not ended."""
    place = sources.batches[batch].first
    while place:
        cell = sources.cells[place]
        chain = np.int64(calls.links[cell.which].chain)
        cell.holds = chain > 0 and not sources.items[cell.which].done
        if cell.holds:
            calls.chains[chain].open += 1
        place = np.int64(cell.next)


@compiled
def release_chains(sources: Sources, calls: Calls, batch: Int64, time_us: Int64) -> None:
    """Count a run that has ended out of its items' chains."""
    place = sources.batches[batch].first
    while place:
        cell = sources.cells[place]
        if cell.holds:
            leave(calls, np.int64(calls.links[cell.which].chain), time_us)
        place = np.int64(cell.next)


@compiled
def what_batch_calls(sources: Sources, calls: Calls, function: Any, batch: Int64) -> Int64:
    """Return whether a batch's next run will call anything, and wait for it."""
    what = np.int64(NOTHING)
    for place in range(function.first_call, function.first_call + function.calls):
        call = calls.calls[place]
        if call.moment != rows.IN_RUN:
            continue
        cell = sources.batches[batch].first
        while cell:
            item = sources.items[sources.cells[cell].which]
            if is_made(call, rows.IN_RUN, item.number, np.int64(item.receives)):
                if call.kind == rows.WAITING:
                    return np.int64(WAITS)
                what = np.int64(LATER)
            cell = np.int64(sources.cells[cell].next)
    return what


@compiled_outside
def makers_of(sources: Sources, calls: Calls, batch: Int64) -> Int64:
    """Note all items of a batch as what makes its run's calls; give the first."""
    first = last = np.int64(0)
    cell = sources.batches[batch].first
    while cell:
        row = np.int64(sources.cells[cell].which)
        item, link = sources.items[row], calls.links[row]
        chain = np.int64(link.chain) if sources.cells[cell].holds else np.int64(0)
        maker = _new_maker(calls, chain, np.int64(link.passes), item.number, np.int64(item.receives))
        if last:
            calls.makers[last].next = maker
        else:
            first = maker
        last = maker
        cell = np.int64(sources.cells[cell].next)
    return first


@compiled
def _new_maker(calls: Calls, chain: Int64, passes: Int64, number: Int64, run: Int64) -> Int64:
    head = calls.head[0]
    row = head.free_makers
    maker = calls.makers[row]
    head.free_makers = np.int64(maker.next)
    head.makers_left -= 1
    keep_passes(calls, passes)
    maker.next, maker.chain, maker.passes = 0, chain, passes
    maker.number, maker.run = number, run
    return row


@compiled_outside
def give_makers(calls: Calls, row: Int64) -> None:
    """Give makers back, from one on."""
    head = calls.head[0]
    while row:
        maker = calls.makers[row]
        following = np.int64(maker.next)
        give_passes(calls, np.int64(maker.passes))
        maker.next = head.free_makers
        head.free_makers = row
        head.makers_left += 1
        row = following


@compiled
def next_maker(calls: Calls, run: Any, row: Int64) -> None:
    """Let the next item of a batch make its calls, if there is one."""
    run.maker = row
    if row:
        maker = calls.makers[row]
        run.number, run.run, run.chain, run.passes = maker.number, maker.run, maker.chain, maker.passes
        run.call = run.place = 0


@compiled_outside
def make_batch_later(
    state: State, sources: Sources, calls: Calls, function: Int64, batch: Int64, time_us: Int64, now: Int64
) -> None:
    """Make the calls of a batch's items, for which nobody waits, at a time; until then they keep their chains open."""
    makers = makers_of(sources, calls, batch)
    row = makers
    while row:
        calls.chains[calls.makers[row].chain].open += 1
        row = np.int64(calls.makers[row].next)
    _make_at(state, calls, function, makers, rows.IN_RUN, time_us, now)


@compiled
def _make_at(
    state: State, calls: Calls, function: Int64, makers: Int64, moment: Int64, time_us: Int64, now: Int64
) -> None:
    makes = Event(function, np.int64(0), np.int64(0), 0, 0, 0, np.int64(-1), 0, np.int64(0))
    wait(state, makes, np.int64(MAKES), 0, moment, time_us, now, makers, in_turn(state, np.int64(CALL)))


@compiled
def hold_batch(sources: Sources, calls: Calls, function: Int64, batch: Int64, held: Int64) -> None:
    """Let an open run be a batch's: its items make the calls, and its messages are seen again meanwhile."""
    run = calls.open[held]
    run.batch = batch
    run.makers = makers_of(sources, calls, batch)
    next_maker(calls, run, run.makers)
    if sources.rows[function].kind == of.QUEUE:
        hold_open(sources, function, batch)
