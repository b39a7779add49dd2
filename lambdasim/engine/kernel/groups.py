"""Message groups of a FIFO queue in the compiled engine: which lane may be taken from next.

The lanes that may, because they have a message and none of theirs is held, are a heap by when their first message came.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from lambdasim.compiling import Int64, compiled, compiled_apart
from lambdasim.engine.kernel.batches import forget, pop_first
from lambdasim.engine.kernel.lanes import Sources


@compiled
def first_of(sources: Sources, lane: Any) -> Int64:
    """Give a lane's first message, without those that ended while they waited; 0 for none."""
    while lane.first and sources.items[lane.first].done:
        forget(sources, pop_first(sources, lane))
    return lane.first


@compiled
def prepend(sources: Sources, lane: Any, row: Int64) -> None:
    """Put a message at a lane's front."""
    sources.items[row].next = lane.first
    sources.items[row].rows += 1
    if lane.first == 0:
        lane.last = row
    lane.first = row
    lane.waiting += 1


@compiled_apart
def offer(sources: Sources, source: Any, row: Int64) -> None:
    """Let a lane be taken from, if it has a message and none is held."""
    lane = sources.lanes[row]
    first = first_of(sources, lane)
    if lane.held or first == 0:
        return
    number = sources.orders[first]
    if lane.place == 0:
        source.ready += 1
        lane.key = number
        _rise(sources, source, row, source.ready - 1)
    elif number < lane.key:
        lane.key = number
        _rise(sources, source, row, lane.place - 1)
    elif number > lane.key:
        lane.key = number
        _sink(sources, source, row, lane.place - 1)


@compiled_apart
def next_lane(sources: Sources, source: Any) -> Int64:
    """Give the lane whose first message came first, among those of which none is held; -1 for none.

    Notes
    -----
    No lane here has a message that is held: to be taken from, it left the heap.
    """
    while source.ready:
        row = sources.heap[source.first_lane]
        source.ready -= 1
        if source.ready:
            _sink(sources, source, sources.heap[source.first_lane + source.ready], np.int64(0))
        lane = sources.lanes[row]
        lane.place = 0
        if first_of(sources, lane):
            return row
    return np.int64(-1)


@compiled
def _rise(sources: Sources, source: Any, row: Int64, place: Int64) -> None:
    """Put a lane into the heap, at a place or above."""
    heap, base, key = sources.heap, source.first_lane, sources.lanes[row].key
    while place > 0:
        above = (place - 1) >> 1
        if sources.lanes[heap[base + above]].key < key:
            break
        heap[base + place] = heap[base + above]
        sources.lanes[heap[base + place]].place = place + 1
        place = above
    heap[base + place] = row
    sources.lanes[row].place = place + 1


@compiled
def _sink(sources: Sources, source: Any, row: Int64, place: Int64) -> None:
    """Put a lane into the heap, at a place or below."""
    heap, base, key = sources.heap, source.first_lane, sources.lanes[row].key
    while True:
        below = 2 * place + 1
        if below >= source.ready:
            break
        if (
            below + 1 < source.ready
            and sources.lanes[heap[base + below + 1]].key < sources.lanes[heap[base + below]].key
        ):
            below += 1
        if key < sources.lanes[heap[base + below]].key:
            break
        heap[base + place] = heap[base + below]
        sources.lanes[heap[base + place]].place = place + 1
        place = below
    heap[base + place] = row
    sources.lanes[row].place = place + 1
