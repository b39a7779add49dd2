"""What comes next in the compiled engine: a calendar of completions, and binary heaps.

Completions lie in a ring of buckets, each as wide in time as about one completion takes to follow another, so that a
bucket holds few; a bitmap finds the next one that is not empty. A bucket is a ring of slots in order, of which it keeps
the last. What does not fit, because it ends beyond the ring's horizon or its bucket is crowded, goes to a heap, and the
earlier of both is next: an uneven load makes the calendar a heap, never slow.

A heap's row is (time, key, item); the smallest (time, key) comes first. The caller keeps the number of rows.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from lambdasim.draws.compiled import Bool, Int64, compiled, compiled_apart
from lambdasim.engine import kernel_state as at
from lambdasim.engine.contract import NEVER
from lambdasim.engine.kernel_state import State

_NONE: Final = -1
_MOST_STEPS: Final = 16
_LEAST_ADMITTED: Final = 4096
_EXPONENT_BIAS: Final = 1023


@compiled
def put_completion(state: State, slot: Int64, now: Int64, end_us: Int64) -> None:
    """Let an environment work until an instant; those admitted earlier complete first."""
    account, slots = state.account, state.slots
    if account[at.ADMITTED] >= account[at.TUNE_ADMITTED] or account[at.WORKING] >= account[at.TUNE_WORKING]:
        _tune(state, now)
    slots[slot, at.ENDS] = end_us
    slots[slot, at.ADMISSION] = account[at.ADMITTED]
    account[at.ADMITTED] += 1
    if _fits(state, slot, now):
        account[at.IN_CALENDAR] += 1
        account[at.FIRST_END] = min(account[at.FIRST_END], end_us)
    else:
        push(
            state.completions,
            account[at.WORKING] - account[at.IN_CALENDAR],
            end_us,
            slots[slot, at.ADMISSION],
            slot,
        )
    account[at.WORKING] += 1
    account[at.NEXT_END] = min(account[at.NEXT_END], end_us)


@compiled
def take_completion(state: State) -> Int64:
    """Take the environment that completes next; there must be one."""
    account, slots, later = state.account, state.slots, state.completions
    in_heap = account[at.WORKING] - account[at.IN_CALENDAR]
    account[at.WORKING] -= 1
    first_us = account[at.FIRST_END]
    bucket = (first_us >> account[at.WIDTH]) & (account[at.BUCKETS] - 1)
    if in_heap and later[0, at.TIME] <= first_us:
        first = slots[state.buckets[bucket], at.NEXT] if account[at.IN_CALENDAR] else _NONE
        if first == _NONE or later[0, at.TIME] < first_us or later[0, at.KEY] < slots[first, at.ADMISSION]:
            slot = pop(later, in_heap)
            account[at.NEXT_END] = min(first_us, later[0, at.TIME] if in_heap > 1 else NEVER)
            return slot
    last = state.buckets[bucket]
    slot = slots[last, at.NEXT]
    account[at.IN_CALENDAR] -= 1
    if slot != last:
        following = slots[slot, at.NEXT]
        slots[last, at.NEXT] = following
        account[at.FIRST_END] = slots[following, at.ENDS]
    else:
        state.buckets[bucket] = _NONE
        state.occupied[bucket >> 5] ^= np.int64(1) << (bucket & 31)
        account[at.FIRST_END] = NEVER
        if account[at.IN_CALENDAR]:
            bucket = _next_occupied(state.occupied, bucket, account[at.BUCKETS] >> 5)
            account[at.FIRST_END] = slots[slots[state.buckets[bucket], at.NEXT], at.ENDS]
    account[at.NEXT_END] = min(account[at.FIRST_END], later[0, at.TIME] if in_heap else NEVER)
    return slot


@compiled
def _fits(state: State, slot: Int64, now: Int64) -> Bool:
    """Put a slot into its bucket, in order; not so where that lies beyond the horizon or takes too many steps."""
    account, slots, buckets = state.account, state.slots, state.buckets
    end_us, width = slots[slot, at.ENDS], account[at.WIDTH]
    # Nothing that ends before now is left, so each bucket belongs to one stretch of time only.
    if (end_us >> width) - (now >> width) >= account[at.BUCKETS]:
        return False
    bucket = (end_us >> width) & (account[at.BUCKETS] - 1)
    last = buckets[bucket]
    if last == _NONE:
        slots[slot, at.NEXT] = slot
        buckets[bucket] = slot
        state.occupied[bucket >> 5] |= np.int64(1) << (bucket & 31)
        return True
    before = last
    if not _completes_before(slots, last, slot):
        for _ in range(_MOST_STEPS):
            following = slots[before, at.NEXT]
            if _completes_before(slots, slot, following):
                break
            before = following
        else:
            return False
    else:
        buckets[bucket] = slot
    slots[slot, at.NEXT] = slots[before, at.NEXT]
    slots[before, at.NEXT] = slot
    return True


@compiled
def _completes_before(slots: NDArray[np.int64], slot: Int64, other: Int64) -> Bool:
    return _before(
        slots[slot, at.ENDS], slots[slot, at.ADMISSION], slots[other, at.ENDS], slots[other, at.ADMISSION]
    )


@compiled
def _next_occupied(occupied: NDArray[np.int64], bucket: Int64, words: Int64) -> Int64:
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
    account = state.account
    working = max(account[at.WORKING], 8)
    gap_us = (now - account[at.TUNED_US]) // max(account[at.ADMITTED] - account[at.TUNED_ADMITTED], 1)
    width = account[at.WIDTH]
    if gap_us > 1 << width or 3 * gap_us < 1 << width:
        width = np.int64(0)
        while gap_us > 1 << width:
            width += 1
    size = account[at.BUCKETS]
    if size < 4 * working or size > 16 * working:
        size = np.int64(at.BUCKETS_PER_WORD)
        while size < 4 * working:
            size *= 2
    size = min(size, len(state.buckets))
    account[at.TUNED_US] = now
    account[at.TUNED_ADMITTED] = account[at.ADMITTED]
    account[at.TUNE_ADMITTED] = account[at.ADMITTED] + max(_LEAST_ADMITTED, size)
    account[at.TUNE_WORKING] = 2 * working
    if width != account[at.WIDTH] or size != account[at.BUCKETS]:
        _rebuild(state, now, width, size)


@compiled_apart
def _rebuild(state: State, now: Int64, width: Int64, size: Int64) -> None:
    """Move all completions into buckets of another width and number."""
    account, slots, buckets = state.account, state.slots, state.buckets
    chain = _NONE
    for bucket in range(account[at.BUCKETS]):
        last = buckets[bucket]
        if last != _NONE:
            first = slots[last, at.NEXT]
            slots[last, at.NEXT] = chain
            chain = first
            buckets[bucket] = _NONE
    state.occupied[:] = 0
    account[at.WIDTH] = width
    account[at.BUCKETS] = size
    account[at.FIRST_END] = NEVER
    in_heap = account[at.WORKING] - account[at.IN_CALENDAR]
    while chain != _NONE:
        slot = chain
        chain = slots[slot, at.NEXT]
        end_us = slots[slot, at.ENDS]
        if _fits(state, slot, now):
            account[at.FIRST_END] = min(account[at.FIRST_END], end_us)
        else:
            push(state.completions, in_heap, end_us, slots[slot, at.ADMISSION], slot)
            in_heap += 1
    account[at.IN_CALENDAR] = account[at.WORKING] - in_heap


@compiled
def push(heap: NDArray[np.int64], size: Int64, time: Int64, key: Int64, item: Int64) -> None:
    """Add a row to a heap of the given size."""
    place = size
    while place > 0:
        above = (place - 1) >> 1
        if not _before(time, key, heap[above, at.TIME], heap[above, at.KEY]):
            break
        _copy(heap, above, place)
        place = above
    heap[place, at.TIME] = time
    heap[place, at.KEY] = key
    heap[place, at.ITEM] = item


@compiled
def pop(heap: NDArray[np.int64], size: Int64) -> Int64:
    """Take the first row out of a heap of the given size, and give its item."""
    item = heap[0, at.ITEM]
    last = size - 1
    time, key, moved = heap[last, at.TIME], heap[last, at.KEY], heap[last, at.ITEM]
    place = np.int64(0)
    while True:
        below = 2 * place + 1
        if below >= last:
            break
        other = below + 1
        if other < last and _before(
            heap[other, at.TIME], heap[other, at.KEY], heap[below, at.TIME], heap[below, at.KEY]
        ):
            below = other
        if not _before(heap[below, at.TIME], heap[below, at.KEY], time, key):
            break
        _copy(heap, below, place)
        place = below
    heap[place, at.TIME] = time
    heap[place, at.KEY] = key
    heap[place, at.ITEM] = moved
    return item


@compiled
def _before(time: Int64, key: Int64, other_time: Int64, other_key: Int64) -> Bool:
    return time < other_time or (time == other_time and key < other_key)


@compiled
def _copy(heap: NDArray[np.int64], source: Int64, target: Int64) -> None:
    heap[target, at.TIME] = heap[source, at.TIME]
    heap[target, at.KEY] = heap[source, at.KEY]
    heap[target, at.ITEM] = heap[source, at.ITEM]
