"""Ends of first runs, sorted ahead of the event loop.

A first run in a warm environment ends when its handler has taken the time that was drawn for it, if nothing fails, cuts
or stretches it. So its end is sorted while the loop is still busy with earlier arrivals; whether the run comes to pass is
only known there. Each has a *place*: first those that ended after the chunks before, in the order of arrival, then the
chunk's own arrivals.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from lambdasim.compiling import Bool, Int64, compiled, compiled_and_kept
from lambdasim.engine.contract import NEVER
from lambdasim.engine.kernel import state as at
from lambdasim.engine.kernel.calendar import Rows
from lambdasim.engine.kernel.state import NO_ENDS_US, NO_PLACES

_FEW_MOVES: Final = 16
_NOTHING: Final = np.zeros(0, dtype=np.int64)


class Ends(NamedTuple):
    """What is known ahead of the ends of a chunk's runs, see `State`.

    Attributes
    ----------
    ends_us, ends_of : ndarray of int64, uint32
    later_of : ndarray of uint32
        Places of those that end after the chunk, in their order.
    first_place : int
        The place of the chunk's first arrival.
    places : int
    """

    ends_us: NDArray[np.int64] = NO_ENDS_US
    ends_of: NDArray[np.uint32] = NO_PLACES
    later_of: NDArray[np.uint32] = NO_PLACES[:0]
    first_place: int = 0
    places: int = 1


class EndSorter:
    """Sorts the ends of first runs, chunk by chunk.

    Parameters
    ----------
    functions : ndarray of FUNCTION
    """

    def __init__(self, functions: Rows) -> None:
        self._functions = functions
        self._later_us = _NOTHING
        self.sort = compiled_sort_ends()

    def next(
        self, time_us: NDArray[np.int64], function: NDArray[np.int64], ahead_us: NDArray[np.int64]
    ) -> Ends:
        """Sort the ends of the next chunk, and of what was left by those before."""
        before = len(self._later_us)
        places = before + len(time_us)
        ends_us, ends_of = np.empty(places + 1, dtype=np.int64), np.empty(places + 1, dtype=np.uint32)
        later_us, later_of = np.empty(places, dtype=np.int64), np.empty(places, dtype=np.uint32)
        buckets = np.zeros(1 << places.bit_length(), dtype=np.uint32)
        found = np.zeros(2, dtype=np.int64)
        is_sorted = self.sort(
            self._functions, time_us, function, ahead_us, self._later_us, buckets, ends_us, ends_of, later_us,
            later_of, found
        )  # fmt: skip
        sorted_, later = found.tolist()
        if not is_sorted:
            order = np.argsort(ends_us[:sorted_], kind="stable")
            ends_us[:sorted_], ends_of[:sorted_] = ends_us[:sorted_][order], ends_of[:sorted_][order]
        ends_us[sorted_] = NEVER
        self._later_us = later_us[:later].copy()
        return Ends(ends_us[: sorted_ + 1], ends_of[: sorted_ + 1], later_of[:later].copy(), before, places)


def sort_ends(
    functions: Rows, time_us: NDArray[np.int64], function: NDArray[np.int64], ahead_us: NDArray[np.int64],
    before_us: NDArray[np.int64], buckets: NDArray[np.uint32], ends_us: NDArray[np.int64], ends_of: NDArray[np.uint32],
    later_us: NDArray[np.int64], later_of: NDArray[np.uint32], found: NDArray[np.int64],
) -> Bool:  # fmt: skip
    """Put ends that lie within a chunk in order, equal ones by place; give those behind it back as they are.

    Notes
    -----
    Each goes into one of equal stretches of time, then among its neighbours. Where too many share a stretch it stops, and
    what it leaves is only nearly in order: False.
    """
    before, last_us = len(before_us), time_us[len(time_us) - 1]
    first_us = time_us[0]
    for place in range(before):
        first_us = min(first_us, before_us[place])
    if last_us == NEVER:
        last_us = first_us
        for place in range(before):
            last_us = max(last_us, before_us[place])
    width = np.int64(0)
    while (last_us - first_us) >> width >= len(buckets) - 1:
        width += 1
    later = np.int64(0)
    for place in range(before + len(time_us)):
        end_us = (
            before_us[place]
            if place < before
            else _end_us(functions, time_us, function, ahead_us, place - before)
        )
        if end_us == NEVER:
            continue
        if end_us <= last_us:
            buckets[((end_us - first_us) >> width) + 1] += 1
        else:
            later_us[later] = end_us
            later_of[later] = place
            later += 1
    for bucket in range(1, len(buckets)):
        buckets[bucket] += buckets[bucket - 1]
    kept = np.int64(buckets[len(buckets) - 1])
    for place in range(before + len(time_us)):
        end_us = (
            before_us[place]
            if place < before
            else _end_us(functions, time_us, function, ahead_us, place - before)
        )
        if end_us <= last_us:
            bucket = (end_us - first_us) >> width
            at_place = np.int64(buckets[bucket])
            buckets[bucket] += 1
            ends_us[at_place] = end_us
            ends_of[at_place] = place
    found[0], found[1] = kept, later
    return _in_order(ends_us, ends_of, kept)


@compiled
def _end_us(
    functions: Rows, time_us: NDArray[np.int64], function: NDArray[np.int64], ahead_us: NDArray[np.int64], row: Int64
) -> Int64:  # fmt: skip
    """Give when an arrival's run ends if it is like most, else never."""
    handler_us = ahead_us[2 * row]
    is_alike = (
        0 < handler_us <= functions[function[row]].alike_most_us and ahead_us[2 * row + 1] == at.COMPLETED
    )
    return time_us[row] + handler_us if is_alike else NEVER


@compiled
def _in_order(ends_us: NDArray[np.int64], ends_of: NDArray[np.uint32], kept: Int64) -> Bool:
    """Move each back among those before it, as long as that takes few moves on average."""
    left = _FEW_MOVES * (kept + 1)
    for place in range(1, kept):
        end_us, of, free = ends_us[place], ends_of[place], place
        while free > 0 and ends_us[free - 1] > end_us:
            ends_us[free] = ends_us[free - 1]
            ends_of[free] = ends_of[free - 1]
            free -= 1
        ends_us[free] = end_us
        ends_of[free] = of
        left -= place - free
        if left < 0:
            return False
    return True


@cache
def compiled_sort_ends() -> Callable[..., bool]:
    """Compile `sort_ends`, or take it from the cache on disk."""
    return compiled_and_kept(sort_ends)
