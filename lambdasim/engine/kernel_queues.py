"""What comes next in the compiled engine: a calendar of completions, and binary heaps.

Completions lie in a ring of buckets, each about as wide in time as one completion takes to follow another, so that a
bucket holds few; a bitmap finds the next one in use. A bucket is a ring of slots in order, of which it keeps the last.
What does not fit, because it ends beyond the ring's horizon or its bucket is crowded, goes to a heap, and the earlier of
both is next: an uneven load makes the calendar a heap, never slow.

A heap's row is (time, key, what); the smallest (time, key) comes first. The caller keeps the number of rows.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np

from lambdasim.draws.compiled import Bool, Int64, compiled, compiled_apart
from lambdasim.engine.contract import NEVER
from lambdasim.engine.kernel_state import BUCKETS_PER_WORD, Rows, State

_MOST_STEPS: Final = 16
_LEAST_ADMITTED: Final = 4096
_EXPONENT_BIAS: Final = 1023


@compiled
def put_completion(state: State, slot_row: Int64, now: Int64) -> None:
    """Let an environment work until its end; those admitted earlier complete first."""
    account, slot = state.account[0], state.slots[slot_row]
    if account.admitted >= account.tune_admitted or account.working >= account.tune_working:
        _tune(state, now)
    slot.admission = account.admitted
    account.admitted += 1
    if _fits(state, slot_row, now):
        account.in_calendar += 1
        account.first_end_us = min(account.first_end_us, slot.end_us)
    else:
        push(state.completions, account.working - account.in_calendar, slot.end_us, slot.admission, slot_row)
    account.working += 1
    account.next_end_us = min(account.next_end_us, slot.end_us)


@compiled
def take_completion(state: State) -> Int64:
    """Take the environment that completes next; there must be one."""
    account, slots, heap = state.account[0], state.slots, state.completions
    in_heap = account.working - account.in_calendar
    account.working -= 1
    bucket = (account.first_end_us >> account.width) & (account.buckets - 1)
    last = state.buckets[bucket]
    if in_heap and _heap_is_first(account, slots, last, heap[0]):
        taken = pop(heap, in_heap)
        account.next_end_us = min(account.first_end_us, heap[0].time_us if in_heap > 1 else NEVER)
        return taken
    taken = slots[last].next
    account.in_calendar -= 1
    if taken != last:
        slots[last].next = slots[taken].next
    else:
        state.buckets[bucket] = 0
        state.occupied[bucket >> 5] ^= np.int64(1) << (bucket & 31)
        if account.in_calendar:
            bucket = _next_occupied(state.occupied, bucket, account.buckets >> 5)
            last = state.buckets[bucket]
    account.first_end_us = slots[slots[last].next].end_us if account.in_calendar else NEVER
    account.next_end_us = min(account.first_end_us, heap[0].time_us if in_heap else NEVER)
    return taken


@compiled
def _heap_is_first(account: Any, slots: Rows, last: Int64, top: Any) -> Bool:
    if account.in_calendar == 0 or top.time_us < account.first_end_us:
        return True
    return top.time_us == account.first_end_us and top.key < slots[slots[last].next].admission


@compiled
def _fits(state: State, slot_row: Int64, now: Int64) -> Bool:
    """Put a slot into its bucket, in order; not so where that lies beyond the horizon or takes too many steps."""
    account, slots, slot = state.account[0], state.slots, state.slots[slot_row]
    # Nothing that ends before now is left, so a bucket belongs to one stretch of time only.
    number = slot.end_us >> account.width
    if number - (now >> account.width) >= account.buckets:
        return False
    bucket = number & (account.buckets - 1)
    last = state.buckets[bucket]
    if last == 0:
        slot.next = slot_row
        state.buckets[bucket] = slot_row
        state.occupied[bucket >> 5] |= np.int64(1) << (bucket & 31)
        return True
    before = last
    if _completes_before(slots[last], slot):
        state.buckets[bucket] = slot_row
    else:
        for _ in range(_MOST_STEPS):
            following = slots[before].next
            if _completes_before(slot, slots[following]):
                break
            before = following
        else:
            return False
    slot.next = slots[before].next
    slots[before].next = slot_row
    return True


@compiled
def _completes_before(slot: Any, other: Any) -> Bool:
    return slot.end_us < other.end_us or (slot.end_us == other.end_us and slot.admission < other.admission)


@compiled
def _next_occupied(occupied: Rows, bucket: Int64, words: Int64) -> Int64:
    """Find the first bucket in use from the given one on, around the ring; there must be one."""
    place = bucket >> 5
    word = occupied[place] >> (bucket & 31) << (bucket & 31)
    while word == 0:
        place = (place + 1) & (words - 1)
        word = occupied[place]
    # The lowest bit's number is the exponent of the float that it makes.
    image = np.float64(word & -word).view(np.int64)
    return (place << 5) + (image >> 52) - _EXPONENT_BIAS


@compiled_apart
def _tune(state: State, now: Int64) -> None:
    """Fit the calendar to the load: buckets as wide as the mean gap, and the ring four times the time in progress."""
    account = state.account[0]
    working = max(account.working, 8)
    gap_us = (now - account.tuned_us) // max(account.admitted - account.tuned_admitted, 1)
    width, size = account.width, account.buckets
    if gap_us > 1 << width or 3 * gap_us < 1 << width:
        width = np.int64(0)
        while gap_us > 1 << width:
            width += 1
    if size < 4 * working or size > 16 * working:
        size = np.int64(BUCKETS_PER_WORD)
        while size < 4 * working:
            size *= 2
    size = min(size, len(state.buckets))
    account.tuned_us = now
    account.tuned_admitted = account.admitted
    account.tune_admitted = account.admitted + max(_LEAST_ADMITTED, size)
    account.tune_working = 2 * working
    if width != account.width or size != account.buckets:
        _rebuild(state, now, width, size)


@compiled_apart
def _rebuild(state: State, now: Int64, width: Int64, size: Int64) -> None:
    """Move all completions into buckets of another width and number."""
    account, slots, buckets = state.account[0], state.slots, state.buckets
    in_heap = account.working - account.in_calendar
    chain = np.uint32(0)
    for bucket in range(account.buckets):
        last = buckets[bucket]
        if last:
            first = slots[last].next
            slots[last].next = chain
            chain = first
            buckets[bucket] = 0
    state.occupied[:] = 0
    account.width = width
    account.buckets = size
    account.first_end_us = NEVER
    while chain:
        slot_row, slot = chain, slots[chain]
        chain = slot.next
        if _fits(state, slot_row, now):
            account.first_end_us = min(account.first_end_us, slot.end_us)
        else:
            push(state.completions, in_heap, slot.end_us, slot.admission, slot_row)
            in_heap += 1
    account.in_calendar = account.working - in_heap


@compiled
def push(heap: Rows, size: Int64, time_us: Int64, key: Int64, what: Int64) -> None:
    """Add a row to a heap of the given size."""
    place = size
    while place > 0:
        above = (place - 1) >> 1
        if not _before(time_us, key, heap[above]):
            break
        heap[place] = heap[above]
        place = above
    row = heap[place]
    row.time_us = time_us
    row.key = key
    row.what = what


@compiled
def pop(heap: Rows, size: Int64) -> Int64:
    """Take the first row out of a heap of the given size, and tell what it is about."""
    what = heap[0].what
    last = size - 1
    time_us, key, moved = heap[last].time_us, heap[last].key, heap[last].what
    place = np.int64(0)
    while True:
        below = 2 * place + 1
        if below >= last:
            break
        if below + 1 < last and _before(heap[below + 1].time_us, heap[below + 1].key, heap[below]):
            below += 1
        if _before(time_us, key, heap[below]):
            break
        heap[place] = heap[below]
        place = below
    row = heap[place]
    row.time_us = time_us
    row.key = key
    row.what = moved
    return what


@compiled
def _before(time_us: Int64, key: Int64, other: Any) -> Bool:
    return time_us < other.time_us or (time_us == other.time_us and key < other.key)
