"""A queue of messages in the compiled engine; each step bears the name of its counterpart in `engine.reference.queue`."""

from __future__ import annotations

from typing import Any

import numpy as np

from lambdasim.compiling import Bool, Int64, compiled, compiled_apart
from lambdasim.engine.contract import NEVER
from lambdasim.engine.kernel import lanes as of
from lambdasim.engine.kernel import state as at
from lambdasim.engine.kernel.batches import (
    add_received,
    add_to_batch,
    append,
    count_deletes,
    count_receives,
    count_standing,
    discard,
    end,
    forget,
    hold,
    later,
    must_wait,
    name_batch,
    new_batch,
    outcome_of,
    pop_first,
    succeeded,
    units,
    wake,
)
from lambdasim.engine.kernel.groups import first_of, next_lane, offer, prepend
from lambdasim.engine.kernel.lanes import Sources
from lambdasim.models.polling import backoff_us, calls_of, fits, pollers_after_a_step, receive_gap_us

_backoff_us, _after_a_step, _gap_us = (
    compiled(backoff_us),
    compiled(pollers_after_a_step),
    compiled(receive_gap_us),
)
_calls_of, _fits = compiled(calls_of), compiled(fits)
_NOBODY = -1
_TAKEN, _HEAVY, _NO_ROOM = range(3)


@compiled
def poll(sources: Sources, function: Int64) -> Int64:
    """Give a free poller what waits: the batch to run, 0 for none yet, or less than 0 for what is full.

    Notes
    -----
    One receive at a time, so that the engine finds room between two. A receive that cannot write down what ended on the
    way goes on where it was (``taking``).
    """
    head, source = sources.head[0], sources.rows[function]
    if source.taking == 0:
        if (
            source.queued == 0
            or not (source.gathering or source.busy < source.allowed)
            or must_wait(sources, function, of.PACE)
        ):
            _rest(sources, function)
            return 0
        if head.free_batch == 0:
            return -of.BATCHES_FULL
        if head.cells_left < source.batch:
            return -of.CELLS_FULL
        source.taking = source.gathering if source.gathering else new_batch(sources)
        source.taken = source.passed_first = source.passed_last = 0
    taken = _take(sources, function)
    if taken == _NO_ROOM:
        return -of.ENDED_FULL
    return _receive(sources, function, taken == _HEAVY)


@compiled
def _rest(sources: Sources, function: Int64) -> None:
    """Let pollers be, and have more of them if messages wait."""
    source = sources.rows[function]
    sources.head[0].pending = 0
    grows = source.queued and source.first < source.most
    if (grows or source.step_after) and not source.steps_are_due:
        source.steps_are_due = 1
        wake(sources, sources.head[0].now_us + source.interval_us, function, of.STEP, 0, 0)
    source.step_after = 0


@compiled
def _keep_pace(sources: Sources, source: Any, received: Int64, kb: Int64) -> None:
    """Let the next receive of provisioned pollers wait for its turn."""
    if source.per_unit:
        source.next_receive_us = sources.head[0].now_us + _gap_us(
            _calls_of(received, of.PER_CALL), kb, units(source), source.calls_per_s, source.kb_per_s
        )


@compiled
def _take(sources: Sources, function: Int64) -> Int64:
    """Receive messages, those that still can be and fit the batch; return whether there was no room for what ended."""
    head, source = sources.head[0], sources.rows[function]
    batch = sources.batches[source.taking]
    while batch.count < source.batch:
        if head.ended == head.ended_room:
            return _NO_ROOM
        row = _next_message(sources, source)
        if row == 0:
            break
        item = sources.items[row]
        lane = sources.lanes[source.first_lane + item.lane]
        outcome, done_us = np.int64(_NOBODY), head.now_us
        if done_us >= item.arrival_us + source.most_age_us:
            outcome, done_us = np.int64(of.EXPIRED), item.arrival_us + source.most_age_us
        elif item.receives >= source.most_tries:
            outcome = np.int64(of.DEAD_LETTERED)
        elif item.passes and not _fits(batch.kb, item.kb, source.batch_kb):
            prepend(sources, lane, row)
            return _HEAVY
        else:
            item.receives += 1
            item.late_us = head.now_us - batch.deadline_us + source.wait_us if source.gathering else 0
            if not item.passes:
                outcome = np.int64(of.FILTERED)
                item.first_us = head.now_us
        if outcome == _NOBODY:
            add_to_batch(sources, batch, row)
            hold(sources, source, source.taking, item)
            lane.held += 1
            batch.kb += item.kb
            source.taken += 1
        else:
            end(sources, function, row, outcome, done_us)
            if outcome == of.FILTERED:
                _pass_over(sources, source, row)
            else:
                forget(sources, row)
    return _TAKEN


@compiled
def _pass_over(sources: Sources, source: Any, row: Int64) -> None:
    """Remember a message that fits no filter until the receive that brought it has been counted."""
    sources.items[row].next = 0
    if source.passed_last:
        sources.items[source.passed_last].next = row
    else:
        source.passed_first = row
    source.passed_last = row


@compiled
def _next_message(sources: Sources, source: Any) -> Int64:
    """Take the message whose turn it is; a lane gives all that it has before another gives any. 0 for none."""
    if not source.ordered:
        lane = sources.lanes[source.first_lane]
        return pop_first(sources, lane) if first_of(sources, lane) else np.int64(0)
    if source.current < 0 or first_of(sources, sources.lanes[source.current]) == 0:
        source.current = next_lane(sources, source)
    if source.current < 0:
        return np.int64(0)
    return pop_first(sources, sources.lanes[source.current])


@compiled
def _receive(sources: Sources, function: Int64, is_heavy: Bool) -> Int64:
    """Make a batch of what was taken; give it if it is complete."""
    head, source = sources.head[0], sources.rows[function]
    row, taken = source.taking, source.taken
    batch = sources.batches[row]
    if source.ordered and source.current >= 0:
        lane, source.current = source.current, np.int64(_NOBODY)
        offer(sources, source, lane)
    _count_received(sources, source, batch)
    source.taking = 0
    if taken == 0 and not (is_heavy and source.gathering):
        if source.gathering == 0:
            count_receives(source, batch)
            discard(sources, row)
        _rest(sources, function)
        return np.int64(0)
    if source.gathering == 0:
        name_batch(sources, function, batch)
        batch.deadline_us = head.now_us + source.wait_us
        occupy(sources, source, 1)
    if is_heavy or batch.count == source.batch or source.window_us == 0:
        return _invoke(sources, source, row)
    if source.gathering == 0:
        source.gathering = row
        wake(sources, head.now_us + source.window_us, function, of.WINDOW, batch.serial, row)
    return np.int64(0)


@compiled
def _count_received(sources: Sources, source: Any, batch: Any) -> None:
    """Count what a receive brought: the messages that were taken, then those that fit no filter, which are deleted."""
    if source.taken + source.passed_first == 0:
        return
    cell, before = batch.first, batch.count - source.taken
    received: Any = np.int64(0)
    kb: Any = np.int64(0)
    while cell:
        if before <= 0:
            of_item = np.int64(sources.items[sources.cells[cell].which].kb)
            add_received(source, batch, of_item)
            received += 1
            kb += of_item
        before -= 1
        cell = np.int64(sources.cells[cell].next)
    row, passed = source.passed_first, received
    while row:
        item = sources.items[row]
        following, of_item = np.int64(item.next), np.int64(item.kb)
        add_received(source, batch, of_item)
        received += 1
        kb += of_item
        forget(sources, row)
        row = following
    count_deletes(source, received - passed)
    _keep_pace(sources, source, received, kb)


@compiled
def _invoke(sources: Sources, source: Any, row: Int64) -> Int64:
    """Have a batch run."""
    batch = sources.batches[row]
    source.gathering = 0
    count_receives(source, batch)
    if source.queued == 0 and not source.step_after:
        sources.head[0].pending = 0
    batch.arrival_us = sources.head[0].now_us
    return row


@compiled
def occupy(sources: Sources, source: Any, pollers: Int64) -> None:
    """Count pollers in and out, and how long the others have waited."""
    count_standing(sources, source)
    source.busy += pollers


@compiled
def message_arrives(sources: Sources, function: Int64, row: Int64) -> None:
    """Let pollers see a message that lies at its lane's end."""
    source, item = sources.rows[function], sources.items[row]
    sources.head[0].pending = function + 1
    if source.ordered:
        lane = source.first_lane + item.lane
        if first_of(sources, sources.lanes[lane]) == row:
            offer(sources, source, lane)


@compiled
def after_messages_ran(sources: Sources, function: Int64, row: Int64, answer: Int64, end_us: Int64) -> None:
    """Say which messages will come back, and when; in a group also those that come after one that failed."""
    source, batch = sources.rows[function], sources.batches[row]
    any_failed, place = False, batch.first
    while place:
        cell = sources.cells[place]
        lane = sources.lanes[source.first_lane + sources.items[cell.which].lane]
        if source.ordered and lane.stamp == batch.serial + 1:
            cell.failed = 1
        elif not succeeded(source, answer, np.int64(cell.fault)):
            cell.failed = 1
            lane.stamp = batch.serial + 1
        any_failed = any_failed or cell.failed != 0
        place = np.int64(cell.next)
    batch.is_running = 1
    if not batch.is_open and (any_failed or end_us > batch.deadline_us):
        _will_return(sources, function, row)


@compiled
def hold_open(sources: Sources, function: Int64, row: Int64) -> None:
    """Let messages be seen again if a run of which it is not known when it ends has not deleted them by then."""
    batch = sources.batches[row]
    batch.is_open = batch.is_running = 1
    _will_return(sources, function, row)


@compiled
def _will_return(sources: Sources, function: Int64, row: Int64) -> None:
    batch = sources.batches[row]
    batch.returns = 1
    wake(sources, batch.deadline_us, function, of.RETURN, batch.serial, row)


@compiled_apart
def after_refused_messages(sources: Sources, policy: Any, function: Int64, row: Int64) -> Int64:
    """Try the same batch again while it is invisible; then let it go."""
    batch = sources.batches[row]
    again_us = sources.head[0].now_us + _backoff_us(
        policy.throttle_backoff_us, policy.throttle_backoff_cap_us, batch.refusals
    )
    if batch.refusals < policy.throttle_retries and again_us < batch.deadline_us:
        batch.refusals += 1
        later(sources, again_us, (function << of.FUNCTION_SHIFT) + batch.serial, function, row)
        return np.int64(at.PENDING)
    batch.is_held = 1
    _will_return(sources, function, row)
    return np.int64(at.BATCH)


@compiled
def free_messages(sources: Sources, function: Int64, row: Int64) -> None:
    """Delete the messages that succeeded, wherever they are by now, and let the poller go on."""
    head, source, batch = sources.head[0], sources.rows[function], sources.batches[row]
    done, place = np.int64(0), batch.first
    while place:
        cell = sources.cells[place]
        item = sources.items[cell.which]
        if not cell.failed:
            done += 1
            if not item.done:
                if item.batch:
                    sources.lanes[source.first_lane + item.lane].held -= 1
                end(
                    sources,
                    function,
                    np.int64(cell.which),
                    outcome_of(source, np.int64(cell.fault)),
                    head.now_us,
                )
        place = np.int64(cell.next)
    count_deletes(source, done)
    if source.ordered:
        _offer_all(sources, source, batch)
    batch.is_running = 0
    if not batch.returns:
        discard(sources, row)
    occupy(sources, source, -1)
    if source.queued:
        head.pending = function + 1


@compiled
def _offer_all(sources: Sources, source: Any, batch: Any) -> None:
    """Offer the lanes of a batch's messages, where none of them is held."""
    place = batch.first
    while place:
        cell = sources.cells[place]
        offer(sources, source, source.first_lane + sources.items[cell.which].lane)
        place = np.int64(cell.next)


@compiled_apart
def wake_queue(sources: Sources, function: Int64, kind: Int64, number: Int64, row: Int64) -> Int64:
    """Follow a wake of a queue; give a batch that is to run now, or 0."""
    head, source = sources.head[0], sources.rows[function]
    if kind == of.RETURN:
        _return(sources, function, row)
    elif kind == of.WINDOW:
        if source.gathering == 0 or sources.batches[source.gathering].serial != number:
            return np.int64(0)
        head.pending = function + 1
        return _invoke(sources, source, source.gathering)
    elif kind == of.STEP:
        _step(sources, source)
        if source.queued == 0:
            return np.int64(0)
    else:
        source.is_paced = 0
    head.pending = function + 1
    return np.int64(0)


@compiled
def _step(sources: Sources, source: Any) -> None:
    """Allow more batches at once while messages wait; fall back when none do."""
    source.steps_are_due = 0
    count_standing(sources, source)
    if source.queued:
        source.allowed = _after_a_step(source.allowed, source.growth, source.most)
        source.step_after = 1
    else:
        source.allowed = source.first


@compiled
def _return(sources: Sources, function: Int64, row: Int64) -> None:
    """Let messages be seen again, each so long after its own receive, and a poller go that held them without a run."""
    source, batch = sources.rows[function], sources.batches[row]
    if source.ordered:
        _reverse(sources, batch)
    next_us, place = np.int64(NEVER), batch.first
    while place:
        cell = sources.cells[place]
        item = sources.items[cell.which]
        visible_us = batch.deadline_us + item.late_us
        if item.batch == row and visible_us > sources.head[0].now_us:
            next_us = min(next_us, visible_us)
        elif item.batch == row:
            item.batch = 0
            source.in_flight -= 1
            source.queued += 1
            lane = sources.lanes[source.first_lane + item.lane]
            lane.held -= 1
            if source.ordered:
                prepend(sources, lane, np.int64(cell.which))
            else:
                append(sources, lane, np.int64(cell.which))
        place = np.int64(cell.next)
    if source.ordered:
        _reverse(sources, batch)
        _offer_all(sources, source, batch)
    batch.returns = next_us < NEVER
    if batch.returns:
        wake(sources, next_us, function, of.RETURN, batch.serial, row)
    if batch.is_held:
        batch.is_held = 0
        occupy(sources, source, -1)
    if not batch.is_running and not batch.returns:
        discard(sources, row)


@compiled
def _reverse(sources: Sources, batch: Any) -> None:
    """Turn the order of a batch's messages round."""
    place, before = batch.first, np.int64(0)
    batch.last = place
    while place:
        following = np.int64(sources.cells[place].next)
        sources.cells[place].next = before
        before, place = place, following
    batch.first = before
