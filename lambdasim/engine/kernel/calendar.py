"""What comes next in the compiled engine: a calendar queue with a heap behind it, for completions and for retries alike.

A queue orders rows of some table by (time, key). Most lie in a ring of buckets, each so narrow in time that it mostly
holds one or none; a bitmap finds the next one in use. A bucket is a ring of rows in order, of which it keeps the last.
What does not fit, because it lies beyond the calendar's horizon or its bucket is crowded, goes to a binary heap, and the
earlier of both is next: an uneven load makes a heap of the calendar, never a slow one.

Measured for 1,000 busy environments: a binary heap alone took a third longer for the whole engine; buckets as wide as the
mean gap, so that most hold one or two rows, some 10 % longer, because the processor cannot foresee which.

Idle environments of which the newest created is next are a heap of their own, see `joined`.
"""

from __future__ import annotations

from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from lambdasim.compiling import Bool, Int64, compiled, compiled_apart
from lambdasim.draws.compiled import row_type
from lambdasim.engine.contract import NEVER

Rows = Any  # an array of rows with named fields, which the type checker does not know

BUCKETS_PER_WORD: Final = 64
_BUCKETS_PER_ROW: Final = 16
_LINE: Final = 64
_MOST_STEPS: Final = 16
_LEAST_PUT: Final = 4096
_EXPONENT_MASK: Final = (1 << 11) - 1
_EXPONENT_BIAS: Final = 1023

# How many rows are in the queue, and in its calendar; the earliest time of each; a bucket's width as a power of two, and
# the number of buckets; how many rows have come so far; when the calendar was last fitted to the load, and will be again.
HEAD: Final = row_type(
    i8="waiting in_calendar next_us first_us width buckets entered tuned_us tuned_entered tune_entered tune_waiting"
)
HEAP: Final = row_type(i8="time_us key", u4="row _")


class Queue(NamedTuple):
    """A queue of rows of a table that has ``time_us``, ``key`` and ``next``; row 0 of the table stands for none.

    Attributes
    ----------
    head : ndarray of HEAD, shape (1,)
    table : ndarray
    buckets : ndarray of uint32
        The last row in each bucket.
    occupied : ndarray of int64
        One bit for each bucket.
    heap : ndarray of HEAP
    """

    head: Rows
    table: Rows
    buckets: NDArray[np.uint32]
    occupied: NDArray[np.int64]
    heap: Rows


def empty_queue(row: np.dtype[np.void]) -> Queue:
    """Make a queue without room."""
    head = np.zeros(1, dtype=HEAD)
    head["next_us"] = head["first_us"] = NEVER
    head["buckets"] = BUCKETS_PER_WORD
    nothing = np.zeros(0, dtype=np.int64)
    return Queue(head, enlarged(nothing, 1, row), nothing.astype(np.uint32), nothing, np.zeros(0, dtype=HEAP))


def with_more_room(queue: Queue, room: int) -> tuple[Queue, int]:
    """Make room for so many rows, a power of two; give the first new one, to which the others are linked."""
    first = len(queue.table)
    table = enlarged(queue.table, room + 1, queue.table.dtype)
    table["next"][first:] = np.arange(first + 1, len(table) + 1)
    table["next"][-1] = 0
    buckets = max(_BUCKETS_PER_ROW * room, BUCKETS_PER_WORD)
    larger = Queue(
        queue.head,
        table,
        enlarged(queue.buckets, buckets, np.dtype(np.uint32)),
        enlarged(queue.occupied, buckets // BUCKETS_PER_WORD, np.dtype(np.int64)),
        enlarged(queue.heap, room, HEAP),
    )
    return larger, first


def enlarged(rows: Rows, size: int, kind: np.dtype[Any]) -> Rows:
    """Copy an array into a larger one that begins with a line of the processor's cache."""
    memory = np.zeros(size * kind.itemsize + _LINE, dtype=np.uint8)
    start = -memory.ctypes.data % _LINE
    larger = memory[start : start + size * kind.itemsize].view(kind)
    larger[: len(rows)] = rows
    return larger


@compiled
def put(queue: Queue, row: Int64, now: Int64) -> None:
    """Let a row wait until its time, which is not before now."""
    head, entry = queue.head[0], queue.table[row]
    if head.entered >= head.tune_entered or head.waiting >= head.tune_waiting:
        _tune(queue, now)
    head.entered += 1
    if _fits(queue, row, now):
        head.in_calendar += 1
        head.first_us = min(head.first_us, entry.time_us)
    else:
        push(queue.heap, head.waiting - head.in_calendar, entry.time_us, entry.key, row)
    head.waiting += 1
    head.next_us = min(head.next_us, entry.time_us)


@compiled
def next_row(queue: Queue) -> Int64:
    """Give the row that is next, which stays; there must be one."""
    head = queue.head[0]
    last = queue.buckets[(head.first_us >> head.width) & (head.buckets - 1)]
    return queue.heap[0].row if _heap_is_first(queue, last) else queue.table[last].next


@compiled
def take(queue: Queue) -> Int64:
    """Take the row that is next; there must be one."""
    head, table, heap = queue.head[0], queue.table, queue.heap
    in_heap = head.waiting - head.in_calendar
    bucket = (head.first_us >> head.width) & (head.buckets - 1)
    last = queue.buckets[bucket]
    if _heap_is_first(queue, last):
        row = pop(heap, in_heap)
        in_heap -= 1
    else:
        row = table[last].next
        head.in_calendar -= 1
        if row != last:
            table[last].next = table[row].next
        else:
            queue.buckets[bucket] = 0
            queue.occupied[bucket >> 6] ^= np.int64(1) << (bucket & 63)
            if head.in_calendar:
                bucket = _next_occupied(queue.occupied, bucket, head.buckets >> 6)
                last = queue.buckets[bucket]
        head.first_us = table[table[last].next].time_us if head.in_calendar else NEVER
    head.waiting -= 1
    head.next_us = min(head.first_us, heap[0].time_us if in_heap else NEVER)
    return row


@compiled
def _heap_is_first(queue: Queue, last: Int64) -> Bool:
    head, top = queue.head[0], queue.heap[0]
    if head.waiting == head.in_calendar:
        return False
    if head.in_calendar == 0 or top.time_us < head.first_us:
        return True
    return top.time_us == head.first_us and top.key < queue.table[queue.table[last].next].key


@compiled
def _fits(queue: Queue, row: Int64, now: Int64) -> Bool:
    """Put a row into its bucket, in order; not so where that lies beyond the horizon or takes too many steps."""
    head, table, entry = queue.head[0], queue.table, queue.table[row]
    # Nothing before now is left, so a bucket belongs to one stretch of time only.
    number = entry.time_us >> head.width
    if number - (now >> head.width) >= head.buckets:
        return False
    bucket = number & (head.buckets - 1)
    last = queue.buckets[bucket]
    if last == 0:
        entry.next = row
        queue.buckets[bucket] = row
        queue.occupied[bucket >> 6] |= np.int64(1) << (bucket & 63)
        return True
    before = last
    if _before(table[last].time_us, table[last].key, entry):
        queue.buckets[bucket] = row
    else:
        for _ in range(_MOST_STEPS):
            following = table[before].next
            if _before(entry.time_us, entry.key, table[following]):
                break
            before = following
        else:
            return False
    entry.next = table[before].next
    table[before].next = row
    return True


@compiled
def _next_occupied(occupied: NDArray[np.int64], bucket: Int64, words: Int64) -> Int64:
    """Find the first bucket in use from the given one on, around the ring; there must be one."""
    place = bucket >> 6
    word = occupied[place] >> (bucket & 63) << (bucket & 63)
    while word == 0:
        place = (place + 1) & (words - 1)
        word = occupied[place]
    # The lowest bit's number is the exponent of the float that it makes, whatever its sign.
    image = np.float64(word & -word).view(np.int64)
    return (place << 6) + ((image >> 52) & _EXPONENT_MASK) - _EXPONENT_BIAS


@compiled_apart
def _tune(queue: Queue, now: Int64) -> None:
    """Fit the calendar to the load: four to eight buckets for the mean gap, and four times what waits as the horizon."""
    head = queue.head[0]
    waiting = max(head.waiting, 8)
    gap_us = (now - head.tuned_us) // max(head.entered - head.tuned_entered, 1)
    width, buckets = head.width, head.buckets
    if gap_us < 3 << width or gap_us >= 9 << width:
        width = np.int64(0)
        while gap_us >= 8 << width:
            width += 1
    if buckets < 16 * waiting or buckets > 64 * waiting:
        buckets = np.int64(BUCKETS_PER_WORD)
        while buckets < 16 * waiting:
            buckets *= 2
    buckets = min(buckets, len(queue.buckets))
    head.tuned_us = now
    head.tuned_entered = head.entered
    head.tune_entered = head.entered + max(_LEAST_PUT, buckets >> 2)
    head.tune_waiting = 2 * waiting
    if width != head.width or buckets != head.buckets:
        _rebuild(queue, now, width, buckets)


@compiled_apart
def _rebuild(queue: Queue, now: Int64, width: Int64, buckets: Int64) -> None:
    """Move all rows of the calendar into buckets of another width and number."""
    head, table = queue.head[0], queue.table
    in_heap = head.waiting - head.in_calendar
    row = np.uint32(0)
    for bucket in range(head.buckets):
        last = queue.buckets[bucket]
        if last:
            first = table[last].next
            table[last].next = row
            row = first
            queue.buckets[bucket] = 0
    queue.occupied[:] = 0
    head.width = width
    head.buckets = buckets
    head.first_us = NEVER
    while row:
        entry = table[row]
        following = entry.next
        if _fits(queue, row, now):
            head.first_us = min(head.first_us, entry.time_us)
        else:
            push(queue.heap, in_heap, entry.time_us, entry.key, row)
            in_heap += 1
        row = following
    head.in_calendar = head.waiting - in_heap


@compiled
def push(heap: Rows, size: Int64, time_us: Int64, key: Int64, row: Int64) -> None:
    """Add a row to a heap of the given size."""
    place = size
    while place > 0:
        above = (place - 1) >> 1
        if not _before(time_us, key, heap[above]):
            break
        heap[place] = heap[above]
        place = above
    _lay(heap, place, time_us, key, row)


@compiled
def pop(heap: Rows, size: Int64) -> Int64:
    """Take the first row out of a heap of the given size."""
    first = heap[0].row
    last = size - 1
    time_us, key, row = heap[last].time_us, heap[last].key, heap[last].row
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
    _lay(heap, place, time_us, key, row)
    return first


@compiled
def _lay(heap: Rows, place: Int64, time_us: Int64, key: Int64, row: Int64) -> None:
    entry = heap[place]
    entry.time_us = time_us
    entry.key = key
    entry.row = row


@compiled
def _before(time_us: Int64, key: Int64, other: Any) -> Bool:
    return time_us < other.time_us or (time_us == other.time_us and key < other.key)


@compiled_apart
def joined(slots: Any, one: Int64, other: Int64) -> Int64:
    """Join two heaps of idle environments, the newest created first, and give the first row: a skew heap, see Notes.

    Notes
    -----
    ``next`` is the left branch of an environment's heap and ``key`` the right one. At each step down the branches change
    sides, which keeps the work for n environments at about log2 n on average (Sleator, Tarjan: "Self-adjusting heaps",
    SIAM J. Comput. 15, 1986).
    """
    if one == 0:
        return other
    if other == 0:
        return one
    if slots[one].number < slots[other].number:
        one, other = other, one
    first = one
    while True:
        right = np.uint32(slots[one].key)
        slots[one].key = slots[one].next
        if right == 0:
            slots[one].next = other
            return first
        if slots[right].number < slots[other].number:
            right, other = other, right
        slots[one].next = right
        one = right
