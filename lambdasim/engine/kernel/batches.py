"""Items, lanes and batches in the compiled engine: linking them, ending them, and what a batch's run draws."""

from __future__ import annotations

from typing import Any

import numpy as np

from lambdasim.compiling import Bool, Int64, compiled
from lambdasim.draws.compiled import draw
from lambdasim.engine.kernel import lanes as of
from lambdasim.engine.kernel import state as at
from lambdasim.engine.kernel.draws import draw_fault, draw_handler_us
from lambdasim.engine.kernel.lanes import Sources
from lambdasim.engine.kernel.state import Event, State
from lambdasim.models.polling import calls_of, requests_of

_calls_of, _requests_of = compiled(calls_of), compiled(requests_of)


@compiled
def wake(sources: Sources, time_us: Int64, function: Int64, kind: Int64, number: Int64, batch: Int64) -> None:
    """Let something happen after the retries of a moment and before its arrivals."""
    key = of.WAKE + (function << of.FUNCTION_SHIFT) + (kind << of.KIND_SHIFT) + number
    later(sources, time_us, key, function, batch)


@compiled
def must_wait(sources: Sources, function: Int64, wake_kind: Int64) -> Bool:
    """Whether provisioned pollers have read all that they may for now; a wake lets them go on when they may again."""
    source = sources.rows[function]
    if sources.head[0].now_us >= source.next_receive_us:
        return False
    if not source.is_paced:
        source.is_paced = 1
        wake(sources, source.next_receive_us, function, wake_kind, 0, 0)
    return True


@compiled
def later(sources: Sources, time_us: Int64, key: Int64, function: Int64, batch: Int64) -> None:
    """Let something happen at a time, in its place by key."""
    head = sources.head[0]
    coming = sources.wakes[head.wakes]
    head.wakes += 1
    coming.time_us = time_us
    coming.key = key
    coming.function = function
    coming.batch = batch


@compiled
def new_item(
    sources: Sources,
    function: Int64,
    invocation: Int64,
    about: Int64,
    kb: Int64,
    handler_us: Int64,
    fault: Int64,
) -> Int64:
    """Turn what arrived into an item at its lane's end; give its row."""
    head, source = sources.head[0], sources.rows[function]
    row = head.free_item
    item = sources.items[row]
    head.free_item = np.int64(item.next)
    item.number = invocation
    item.arrival_us = head.now_us
    item.first_us = -1
    item.handler_us = handler_us
    item.fault = fault
    item.lane = about >> 2
    item.poisoned = (about >> 1) & 1
    item.passes = 1 - (about & 1)
    item.kb = kb
    item.batch = 0
    item.receives = 0
    item.rows = 0
    item.done = 0
    source.sent += 1
    if source.ordered:
        sources.orders[row] = source.sent
    source.queued += 1
    lane = sources.lanes[source.first_lane + item.lane]
    append(sources, lane, row)
    lane.kb += kb
    return row


@compiled
def append(sources: Sources, lane: Any, row: Int64) -> None:
    """Put an item at a lane's end."""
    sources.items[row].next = 0
    sources.items[row].rows += 1
    if lane.last:
        sources.items[lane.last].next = row
    else:
        lane.first = row
    lane.last = row
    lane.waiting += 1


@compiled
def pop_first(sources: Sources, lane: Any) -> Int64:
    """Take a lane's first item; there must be one."""
    row = lane.first
    item = sources.items[row]
    item.rows -= 1
    lane.first = np.int64(item.next)
    if lane.first == 0:
        lane.last = 0
    lane.waiting -= 1
    return row


@compiled
def forget(sources: Sources, row: Int64) -> None:
    """Give an item's row back if nothing names it any more."""
    item = sources.items[row]
    if item.done and item.rows == 0:
        item.next = sources.head[0].free_item
        sources.head[0].free_item = row


@compiled
def end(sources: Sources, function: Int64, row: Int64, outcome: Int64, done_us: Int64) -> None:
    """Write how an item ended, and when, its values in the order of ``ITEM_COLUMNS``."""
    head, source, item = sources.head[0], sources.rows[function], sources.items[row]
    if item.batch:
        source.in_flight -= 1
    else:
        source.queued -= 1
    source.ended += 1
    item.batch = 0
    item.done = 1
    ended, place, room = sources.ended, head.ended, head.ended_room
    sources.gone[place] = row
    head.ended += 1
    ended[place] = function
    ended[place + room] = item.number
    ended[place + 2 * room] = item.lane
    ended[place + 3 * room] = item.arrival_us
    ended[place + 4 * room] = item.first_us
    ended[place + 5 * room] = done_us
    ended[place + 6 * room] = item.receives
    ended[place + 7 * room] = outcome


@compiled
def stands_for_all(sources: Sources) -> None:
    """Let the item that has just ended stand for all that is given up with it."""
    last = sources.head[0].ended - 1
    sources.gone[last] = -sources.gone[last]


@compiled
def new_batch(sources: Sources) -> Int64:
    """Take a row for a batch; there must be a free one."""
    row = sources.head[0].free_batch
    batch = sources.batches[row]
    sources.head[0].free_batch = batch.next
    batch.next = batch.first = batch.last = batch.count = 0
    batch.kb = batch.received = batch.call_kb = batch.requests = 0
    batch.tries = batch.is_held = batch.is_running = batch.returns = batch.is_open = 0
    return row


@compiled
def add_to_batch(sources: Sources, batch: Any, item: Int64) -> None:
    """Put an item at a batch's end; there must be a free cell."""
    head = sources.head[0]
    row = head.free_cell
    cell = sources.cells[row]
    head.free_cell = np.int64(cell.next)
    head.cells_left -= 1
    cell.which = item
    cell.next = 0
    cell.failed = 0
    sources.items[item].rows += 1
    if batch.last:
        sources.cells[batch.last].next = row
    else:
        batch.first = row
    batch.last = row
    batch.count += 1


@compiled
def drop_first(sources: Sources, batch: Any) -> None:
    """Take a batch's first item out of it."""
    head, row = sources.head[0], batch.first
    cell = sources.cells[row]
    item = np.int64(cell.which)
    batch.first = np.int64(cell.next)
    if batch.first == 0:
        batch.last = 0
    batch.count -= 1
    cell.next = head.free_cell
    head.free_cell = row
    head.cells_left += 1
    sources.items[item].rows -= 1
    forget(sources, item)


@compiled
def discard(sources: Sources, row: Int64) -> None:
    """Give a batch's row back, with its cells."""
    batch = sources.batches[row]
    while batch.first:
        drop_first(sources, batch)
    batch.next = sources.head[0].free_batch
    sources.head[0].free_batch = row


@compiled
def name_batch(sources: Sources, function: Int64, batch: Any) -> None:
    """Make items that were taken together an event, named by the first."""
    source = sources.rows[function]
    batch.function = function
    batch.serial = source.batches
    source.batches += 1
    batch.invocation = sources.items[sources.cells[batch.first].which].number
    batch.arrival_us = sources.head[0].now_us
    batch.attempts = 0
    batch.refusals = 0


@compiled
def hold(sources: Sources, source: Any, row: Int64, item: Any) -> None:
    """Let a batch hold an item that waited."""
    item.batch = row
    if item.first_us < 0:
        item.first_us = sources.head[0].now_us
    source.queued -= 1
    source.in_flight += 1


@compiled
def count_deletes(source: Any, items: Int64) -> None:
    """Count the calls that delete so many messages."""
    source.delete_calls += _calls_of(items, of.PER_CALL)


@compiled
def add_received(source: Any, batch: Any, kb: Int64) -> None:
    """Let a batch have come with one more message, and put calls that are full away."""
    if batch.received and batch.received % of.PER_CALL == 0:
        batch.requests += _requests_of(batch.call_kb, source.call_kb)
        batch.call_kb = 0
    batch.received += 1
    batch.call_kb += kb


@compiled
def count_receives(source: Any, batch: Any) -> None:
    """Count the calls that received what came with a batch, and what each is billed as."""
    if batch.received:
        source.receive_calls += _calls_of(batch.received, of.PER_CALL)
        source.receive_requests += batch.requests + _requests_of(batch.call_kb, source.call_kb)


@compiled
def count_standing(sources: Sources, source: Any) -> None:
    """Add up the time of pollers that wait at an empty queue, and of provisioned units, to the scenario's end."""
    now = min(sources.head[0].now_us, source.until_us)
    past_us = max(now - source.counted_us, 0)
    source.unit_us += units(source) * past_us
    source.idle_us += max(source.idle - source.busy, 0) * past_us
    source.counted_us = now


@compiled
def units(source: Any) -> Int64:
    """Give how many provisioned units hold what is allowed."""
    if source.per_unit == 0:
        return np.int64(0)
    return max(_calls_of(source.allowed, source.per_unit), source.least_units)


@compiled
def as_counted(source: Any, outcome: Int64) -> Int64:
    """Give a run's outcome as AWS counts it: a function that answers which items failed has not failed itself."""
    return np.int64(at.COMPLETED) if source.reports and outcome == at.FUNCTION_ERROR else outcome


@compiled
def outcome_of(source: Any, fault: Int64) -> Int64:
    """Say how an item ended that its batch's run did not leave to be tried again."""
    if source.swallows and fault != at.COMPLETED:
        return of.SWALLOWED
    return of.PROCESSED


@compiled
def runs_before(source: Any, item: Any) -> Int64:
    """Give how many times an item has run before; each receive from a queue is a run."""
    return np.int64(item.receives) - (source.kind == of.QUEUE)


@compiled
def drawn_for(sources: Sources, event: Event, row: Int64) -> Event:
    """Name what the draws of a batch's run belong to: its first item, and that one's run."""
    item = sources.items[sources.cells[sources.batches[row].first].which]
    runs = runs_before(sources.rows[event.function], item)
    return Event(
        event.function,
        item.number,
        event.arrival_us,
        event.attempts,
        runs,
        event.refusals,
        event.row,
        event.paid,
        event.about,
    )


@compiled
def work_of_batch(
    state: State, sources: Sources, event: Event, row: Int64, speed: Int64
) -> tuple[Int64, Int64]:
    """Give a batch's handler time and fault: times add up beside an overhead, and see `fault_of_batch`."""
    function, source = state.functions[event.function], sources.rows[event.function]
    handler_us = draw(state.laws, function.first_law + at.BATCH_OVERHEAD, event.invocation, event.runs)
    fault = np.int64(at.COMPLETED)
    place = sources.batches[row].first
    while place:
        cell = sources.cells[place]
        item = sources.items[cell.which]
        runs = runs_before(source, item)
        of_item = Event(event.function, item.number, 0, 0, runs, 0, 0, 0, 0)
        if runs == 0 and not function.speeds_differ:
            handler_us += item.handler_us
        else:
            handler_us += draw_handler_us(state, function, of_item, speed)
        ends = np.int64(item.fault)
        if item.poisoned:
            memory_mb = draw(state.laws, function.first_law + at.MEMORY, item.number, runs)
            ends = np.int64(at.OUT_OF_MEMORY if memory_mb > function.memory_mb else at.FUNCTION_ERROR)
        elif runs:
            ends = np.int64(draw_fault(state, function, of_item))
        cell.fault = ends
        if fault in (at.COMPLETED, at.FUNCTION_ERROR) and ends != at.COMPLETED:
            fault = ends
        place = np.int64(cell.next)
    return handler_us, fault


@compiled
def succeeded(source: Any, answer: Int64, fault: Int64) -> Any:
    """Return whether an item need not be tried again, from its batch's answer and its own fault."""
    if answer == at.COMPLETED or (answer == at.FUNCTION_ERROR and source.swallows):
        return True
    return answer == at.FUNCTION_ERROR and source.partial and fault == at.COMPLETED
