"""A stream of records in the compiled engine; steps bear the names of their counterparts in `engine.reference.stream`."""

from __future__ import annotations

from typing import Any

import numpy as np

from lambdasim.compiling import Bool, Int64, compiled, compiled_apart
from lambdasim.engine.kernel import lanes as of
from lambdasim.engine.kernel import state as at
from lambdasim.engine.kernel.batches import (
    add_to_batch,
    count_standing,
    discard,
    drop_first,
    end,
    forget,
    hold,
    later,
    must_wait,
    name_batch,
    new_batch,
    outcome_of,
    pop_first,
    stands_for_all,
    succeeded,
    wake,
)
from lambdasim.engine.kernel.lanes import Sources
from lambdasim.models.polling import (
    backoff_us,
    calls_of,
    first_half,
    fits,
    next_look_us,
    pollers_after_a_step,
    receive_gap_us,
)

_backoff_us, _after_a_step = compiled(backoff_us), compiled(pollers_after_a_step)
_calls_of, _gap_us = compiled(calls_of), compiled(receive_gap_us)
_first_half, _fits, _next_look_us = compiled(first_half), compiled(fits), compiled(next_look_us)
_NO_LANE = -1


@compiled_apart
def record_arrives(sources: Sources, function: Int64, row: Int64) -> None:
    """Let the poller of a lane see a record when it looks next."""
    head, source = sources.head[0], sources.rows[function]
    number = np.int64(sources.items[row].lane)
    lane = sources.lanes[source.first_lane + number]
    is_full = _is_full(source, lane) and source.look_us == 0
    if lane.is_busy or (lane.is_watched and not is_full):
        return
    if source.look_us:
        _look_at(sources, function, number, _next_look_us(head.now_us + 1, source.look_us, lane.offset_us))
    else:
        source.considering = number
        head.pending = function + 1


@compiled
def _is_full(source: Any, lane: Any) -> Bool:
    """Return whether a batch needs to wait for no more: by number, or since more would be too heavy."""
    return lane.waiting >= source.batch or (source.batch_kb > 0 and lane.kb >= source.batch_kb)


@compiled
def _look_at(sources: Sources, function: Int64, number: Int64, time_us: Int64) -> None:
    sources.lanes[sources.rows[function].first_lane + number].is_watched = 1
    wake(sources, time_us, function, of.LOOK, number, 0)


@compiled_apart
def go_on_with_lanes(sources: Sources, function: Int64) -> Int64:
    """Do what is due on a stream's lanes: give the batch to run, 0 for none yet, or less than 0 for what is full.

    Notes
    -----
    In this order: what is left of a batch that failed (``again``); the lane that is looked at (``considering``); those
    that waited for a poller (``serving`` of them); the lane whose batch has ended (``last_lane``).
    """
    head, source = sources.head[0], sources.rows[function]
    if source.again:
        return _run_again(sources, function)
    if source.considering >= 0:
        return _consider(sources, function)
    if source.serving and source.busy < source.allowed and not must_wait(sources, function, of.PACE_OF_READS):
        source.serving -= 1
        source.considering = source.ready_first - 1
        lane = sources.lanes[source.first_lane + source.considering]
        source.ready_first = lane.next
        if lane.next == 0:
            source.ready_last = 0
        source.ready -= 1
        lane.is_ready = 0
        return np.int64(0)
    source.serving = 0
    if source.last_lane >= 0:
        number = source.last_lane
        source.last_lane = np.int64(_NO_LANE)
        lane = sources.lanes[source.first_lane + number]
        if _is_full(source, lane) or source.look_us == 0:
            source.considering = number
        elif lane.waiting:
            _look_at(sources, function, number, _next_look_us(head.now_us, source.look_us, lane.offset_us))
        return np.int64(0)
    head.pending = 0
    return np.int64(0)


@compiled
def _consider(sources: Sources, function: Int64) -> Int64:  # noqa: PLR0912 - one for each thing that may be full
    """Start a batch that is full or has waited its window; else look again."""
    head, source = sources.head[0], sources.rows[function]
    now, number = head.now_us, source.considering
    lane = sources.lanes[source.first_lane + number]
    while not lane.is_busy:
        while lane.first and now >= sources.items[lane.first].arrival_us + source.most_age_us:
            if head.ended == head.ended_room:
                return np.int64(-of.ENDED_FULL)
            row = pop_first(sources, lane)
            lane.kb -= sources.items[row].kb
            end(sources, function, row, of.EXPIRED, now)
            if not source.is_dropping:
                stands_for_all(sources)
            source.is_dropping = 1
            forget(sources, row)
        source.is_dropping = 0
        if lane.first == 0:
            lane.opened_us = -1
            break
        if lane.opened_us < 0:
            lane.opened_us = now
        closes_us = lane.opened_us + source.window_us
        if not _is_full(source, lane) and now < closes_us:
            look_us = closes_us
            if source.look_us:
                look_us = min(_next_look_us(now + 1, source.look_us, lane.offset_us), closes_us)
            _look_at(sources, function, number, look_us)
            break
        if source.busy >= source.allowed or must_wait(sources, function, of.PACE_OF_READS):
            _wait_for_a_poller(sources, function, number)
            break
        if head.ended + source.batch > head.ended_room:
            return np.int64(-of.ENDED_FULL)
        if head.cells_left < source.batch:
            return np.int64(-of.CELLS_FULL)
        if head.free_batch == 0:
            return np.int64(-of.BATCHES_FULL)
        row = _read(sources, function, lane)
        if row:
            source.considering = np.int64(_NO_LANE)
            _start(sources, function, number, row)
            return row
        lane.opened_us = -1
    source.considering = np.int64(_NO_LANE)
    return np.int64(0)


@compiled
def _read(sources: Sources, function: Int64, lane: Any) -> Int64:
    """Take a lane's next records, and pass over those that fit no filter; give the batch, 0 if none is left."""
    head, source = sources.head[0], sources.rows[function]
    row = new_batch(sources)
    batch = sources.batches[row]
    kb: Any = np.int64(0)
    for _ in range(min(source.batch, lane.waiting)):
        item = sources.items[lane.first]
        if not _fits(kb, item.kb, source.batch_kb):
            break
        record = pop_first(sources, lane)
        kb += item.kb
        if item.passes:
            add_to_batch(sources, batch, record)
            hold(sources, source, row, item)
        else:
            end(sources, function, record, of.FILTERED, head.now_us)
            forget(sources, record)
    lane.kb -= kb
    if source.per_poller:
        pollers = _calls_of(source.allowed, source.per_poller)
        source.next_receive_us = head.now_us + _gap_us(0, kb, pollers, 1, source.kb_per_s)
    if batch.count == 0:
        discard(sources, row)
        return np.int64(0)
    return row


@compiled
def _wait_for_a_poller(sources: Sources, function: Int64, number: Int64) -> None:
    """Let a lane wait its turn where there are fewer pollers than lanes; more come by the minute."""
    source = sources.rows[function]
    lane = sources.lanes[source.first_lane + number]
    if not lane.is_ready:
        lane.is_ready = 1
        lane.next = 0
        if source.ready_last:
            sources.lanes[source.first_lane + source.ready_last - 1].next = number + 1
        else:
            source.ready_first = number + 1
        source.ready_last = number + 1
        source.ready += 1
    if not source.steps_are_due and source.first < source.most:
        _step_later(sources, function)


@compiled
def _step_later(sources: Sources, function: Int64) -> None:
    source = sources.rows[function]
    source.steps_are_due = 1
    wake(sources, sources.head[0].now_us + source.interval_us, function, of.MORE, 0, 0)


@compiled
def _start(sources: Sources, function: Int64, number: Int64, row: Int64) -> None:
    """Make what was read, or is repeated, the batch of its lane."""
    source = sources.rows[function]
    lane, batch = sources.lanes[source.first_lane + number], sources.batches[row]
    source.busy += 1 - lane.is_busy
    lane.is_busy = 1
    lane.opened_us = -1
    batch.lane = number
    name_batch(sources, function, batch)


@compiled
def _run_again(sources: Sources, function: Int64) -> Int64:
    """Run again what failed, without the records that are too old by now."""
    head, source = sources.head[0], sources.rows[function]
    row = source.again
    batch = sources.batches[row]
    if head.ended + batch.count > head.ended_room:
        return np.int64(-of.ENDED_FULL)
    source.again = 0
    _drop_old(sources, function, batch)
    if batch.count:
        _start(sources, function, np.int64(batch.lane), row)
        return row
    number = np.int64(batch.lane)
    discard(sources, row)
    _next(sources, source, number)
    return np.int64(0)


@compiled_apart
def _drop_old(sources: Sources, function: Int64, batch: Any) -> None:
    """Drop a batch's records that are too old, which come first."""
    now, source = sources.head[0].now_us, sources.rows[function]
    is_first = True
    while batch.first:
        record = np.int64(sources.cells[batch.first].which)
        if now < sources.items[record].arrival_us + source.most_age_us:
            return
        end(sources, function, record, of.EXPIRED, now)
        if is_first:
            stands_for_all(sources)
        is_first = False
        drop_first(sources, batch)


@compiled
def _next(sources: Sources, source: Any, number: Int64) -> None:
    """Go on with what was cut off before, then with what waits: a full batch follows without a pause."""
    lane = sources.lanes[source.first_lane + number]
    if lane.parts:
        source.again = lane.parts
        lane.parts = sources.batches[lane.parts].next
        return
    lane.is_busy = 0
    source.busy -= 1
    source.serving = source.ready
    source.last_lane = number


@compiled_apart
def after_records_ran(sources: Sources, function: Int64, row: Int64, answer: Int64) -> None:
    """Say which records must run again; when, is decided when the run has ended."""
    source, batch = sources.rows[function], sources.batches[row]
    batch.failed_from = batch.count
    place, number = batch.first, np.int64(0)
    while place:
        cell = sources.cells[place]
        if number < batch.failed_from and not succeeded(source, answer, np.int64(cell.fault)):
            batch.failed_from = number
        sources.items[cell.which].receives += 1
        number += 1
        place = np.int64(cell.next)


@compiled_apart
def after_refused_records(sources: Sources, policy: Any, function: Int64, row: Int64) -> Int64:
    """Try again whatever the number of attempts, until all records are too old."""
    source, batch = sources.rows[function], sources.batches[row]
    wait_us = _backoff_us(policy.throttle_backoff_us, policy.throttle_backoff_cap_us, batch.refusals)
    batch.refusals += 1
    again_us = _again_us(sources, source, batch, wait_us)
    later(sources, again_us, (function << of.FUNCTION_SHIFT) + batch.serial, function, row)
    last = sources.items[sources.cells[batch.last].which]
    lasts = again_us < last.arrival_us + source.most_age_us
    return np.int64(at.PENDING if lasts else at.BATCH)


@compiled
def _again_us(sources: Sources, source: Any, batch: Any, wait_us: Int64) -> Int64:
    """Give when to try again: after a wait, or when the first record is too old, if that is before."""
    now = sources.head[0].now_us
    oldest_us = sources.items[sources.cells[batch.first].which].arrival_us
    return max(min(now + wait_us, oldest_us + source.most_age_us), now)


@compiled_apart
def records_again(sources: Sources, function: Int64, row: Int64) -> Int64:
    """Try a batch that found no room again, without the records that are too old by now; 0 where none is left."""
    batch = sources.batches[row]
    _drop_old(sources, function, batch)
    if batch.count:
        return row
    number = np.int64(batch.lane)
    discard(sources, row)
    _next(sources, sources.rows[function], number)
    sources.head[0].pending = function + 1
    return np.int64(0)


@compiled_apart
def free_records(sources: Sources, function: Int64, row: Int64) -> None:
    """End what succeeded; cut, repeat or give up the rest."""
    head, source, batch = sources.head[0], sources.rows[function], sources.batches[row]
    now, cut = head.now_us, np.int64(batch.failed_from)
    tries: Any = np.int64(0) if cut else np.int64(batch.tries)
    bisects = source.bisect and batch.count - cut > 1
    gives_up = cut < batch.count and not bisects and tries >= source.most_tries
    head.pending = function + 1
    while batch.count and (cut > 0 or gives_up):
        cell = sources.cells[batch.first]
        outcome = outcome_of(source, np.int64(cell.fault)) if cut > 0 else np.int64(of.GIVEN_UP)
        end(sources, function, np.int64(cell.which), outcome, now)
        if gives_up and cut == 0:
            stands_for_all(sources)
        drop_first(sources, batch)
        cut -= 1
    if batch.count == 0:
        number = np.int64(batch.lane)
        discard(sources, row)
        _next(sources, source, number)
    elif bisects:
        if batch.failed_from == 0:
            _cut_in_two(sources, source, row)
        batch.tries = 0
        source.again = row
    else:
        batch.tries = tries + 1
        wait_us = _backoff_us(source.wait_us, source.longest_us, tries)
        wake(sources, _again_us(sources, source, batch, wait_us), function, of.TRY, batch.serial, row)


@compiled
def _cut_in_two(sources: Sources, source: Any, row: Int64) -> None:
    """Keep the first half of a batch that failed, and put the other before what waits on its lane."""
    batch, part = sources.batches[row], new_batch(sources)
    half = _first_half(batch.count)
    place = batch.first
    for _ in range(half - 1):
        place = np.int64(sources.cells[place].next)
    rest = sources.batches[part]
    rest.first, rest.last, rest.count = np.int64(sources.cells[place].next), batch.last, batch.count - half
    rest.lane = batch.lane
    sources.cells[place].next = 0
    batch.last, batch.count = place, half
    lane = sources.lanes[source.first_lane + batch.lane]
    rest.next = lane.parts
    lane.parts = part


@compiled_apart
def wake_stream(sources: Sources, function: Int64, kind: Int64, number: Int64, row: Int64) -> None:
    """Follow a wake of a stream."""
    source = sources.rows[function]
    if kind == of.TRY:
        source.again = row
    elif kind == of.LOOK:
        sources.lanes[source.first_lane + number].is_watched = 0
        source.considering = number
    elif kind == of.PACE_OF_READS:
        source.is_paced = 0
        source.serving = source.ready
    else:
        source.steps_are_due = 0
        count_standing(sources, source)
        if source.ready == 0:
            source.allowed = source.first
            return
        source.allowed = _after_a_step(source.allowed, source.growth, source.most)
        _step_later(sources, function)
        source.serving = source.ready
    sources.head[0].pending = function + 1
