"""Arrivals of several functions merged into one order of events, chunk by chunk."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from heapq import heapify, heappop, heapreplace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from lambdasim.engine.contract import ArrivalChunk

_AT_ONCE: Final = 1 << 15
ArrivalSource = Callable[[], Iterator[NDArray[np.int64]]]


class _Function:
    """One function's arrivals, with what has been read of them but not yet given out."""

    def __init__(self, rank: int, source: ArrivalSource) -> None:
        self.rank = rank
        self._chunks = source()
        self._waiting: list[NDArray[np.int64]] = []
        self._given = 0

    def __len__(self) -> int:
        """Return how many arrivals wait."""
        return sum(map(len, self._waiting))

    def read_on(self) -> bool:
        """Read the next chunk that is not empty; say whether there was one."""
        chunk = next((chunk for chunk in self._chunks if len(chunk)), None)
        if chunk is not None:
            self._waiting.append(chunk)
        return chunk is not None

    def first_us(self) -> int:
        """Return the first time that waits."""
        return int(self._waiting[0][0])

    def last_us(self) -> int:
        """Return the last time that is known."""
        return int(self._waiting[-1][-1])

    def take(self, until_us: int) -> ArrivalChunk:
        """Give out what waits up to and with an instant."""
        waiting = np.concatenate(self._waiting)
        stop = int(np.searchsorted(waiting, until_us, side="right"))
        self._waiting = [waiting[stop:]] if stop < len(waiting) else []
        invocation = np.arange(self._given, self._given + stop)
        self._given += stop
        return ArrivalChunk(waiting[:stop], np.full(stop, self.rank), invocation)


def merge_arrivals(sources: Sequence[ArrivalSource]) -> Iterator[ArrivalChunk]:
    """Merge sorted arrivals into the order of events.

    Parameters
    ----------
    sources : sequence of callable
        For each function of the plan, in its order, a function that gives chunks of sorted arrival times [µs].

    Yields
    ------
    ArrivalChunk
        Ordered by time, then function, then invocation.
    """
    functions = [_Function(rank, source) for rank, source in enumerate(sources)]
    functions = [function for function in functions if function.read_on()]
    # By the time up to which they are known: whoever is known least is read on first.
    going_on = [(function.last_us(), function.rank, function) for function in functions]
    heapify(going_on)
    while functions:
        first_us = min(function.first_us() for function in functions)
        known = 0
        # Where a function's knowledge ends it may go on at this very instant, and no function after it may overtake it;
        # so what is given out ends one microsecond before.
        while going_on and (known < _AT_ONCE or going_on[0][0] <= first_us):
            _, rank, function = going_on[0]
            known += len(function)
            if function.read_on():
                heapreplace(going_on, (function.last_us(), rank, function))
            else:
                heappop(going_on)
        known_us = going_on[0][0] - 1 if going_on else max(function.last_us() for function in functions)
        yield _in_order([function.take(known_us) for function in functions])
        functions = [function for function in functions if len(function)]


def _in_order(parts: Sequence[ArrivalChunk]) -> ArrivalChunk:
    if len(parts) == 1:
        return parts[0]
    together = _concatenate(parts)
    order = np.argsort(together.time_us, kind="stable")
    return ArrivalChunk(together.time_us[order], together.function[order], together.invocation[order])


def _concatenate(parts: Sequence[ArrivalChunk]) -> ArrivalChunk:
    return ArrivalChunk(
        np.concatenate([part.time_us for part in parts]),
        np.concatenate([part.function for part in parts]),
        np.concatenate([part.invocation for part in parts]),
    )
