"""Binary heaps in arrays for the compiled engine: what ends or is tried again next.

A row is (time, key, item); the smallest (time, key) comes first. The caller keeps the number of rows and sees to it that
there is room.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from lambdasim.draws.compiled import Bool, Int64, compiled

TIME, KEY, ITEM = range(3)
HEAP_COLUMNS = 3


@compiled
def push(heap: NDArray[np.int64], size: Int64, time: Int64, key: Int64, item: Int64) -> None:
    """Add a row to a heap of the given size."""
    at = size
    while at > 0:
        above = (at - 1) >> 1
        if not _before(time, key, heap[above, TIME], heap[above, KEY]):
            break
        _copy(heap, above, at)
        at = above
    heap[at, TIME] = time
    heap[at, KEY] = key
    heap[at, ITEM] = item


@compiled
def pop(heap: NDArray[np.int64], size: Int64) -> Int64:
    """Take the first row out of a heap of the given size, and give its item."""
    item = heap[0, ITEM]
    last = size - 1
    time, key = heap[last, TIME], heap[last, KEY]
    moved = heap[last, ITEM]
    at = np.int64(0)
    while True:
        below = 2 * at + 1
        if below >= last:
            break
        other = below + 1
        if other < last and _before(heap[other, TIME], heap[other, KEY], heap[below, TIME], heap[below, KEY]):
            below = other
        if not _before(heap[below, TIME], heap[below, KEY], time, key):
            break
        _copy(heap, below, at)
        at = below
    heap[at, TIME] = time
    heap[at, KEY] = key
    heap[at, ITEM] = moved
    return item


@compiled
def _before(time: Int64, key: Int64, other_time: Int64, other_key: Int64) -> Bool:
    return time < other_time or (time == other_time and key < other_key)


@compiled
def _copy(heap: NDArray[np.int64], source: Int64, target: Int64) -> None:
    heap[target, TIME] = heap[source, TIME]
    heap[target, KEY] = heap[source, KEY]
    heap[target, ITEM] = heap[source, ITEM]
