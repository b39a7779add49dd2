"""Arrivals of several functions merged into one order of events, chunk by chunk."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from heapq import heapify, heappop, heapreplace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from lambdasim.engine.contract import ArrivalChunk

_AT_ONCE: Final = 1 << 16
_AT_ONCE_EACH: Final = 1 << 8  # so that asking every function is little beside what it gives
_FOREVER: Final = (1 << 63) - 1
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

    def read_on(self) -> int:
        """Read the next chunk that is not empty; return how many arrivals it has, 0 at the end."""
        chunk = next((chunk for chunk in self._chunks if len(chunk)), None)
        if chunk is None:
            return 0
        self._waiting.append(chunk)
        return len(chunk)

    def known(self, until_us: int) -> int:
        """Return how many arrivals wait up to and with an instant."""
        return sum(int(np.searchsorted(part, until_us, side="right")) for part in self._waiting)

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


def at_once(functions: int) -> int:
    """Return about how many arrivals of so many functions are given out together."""
    return max(_AT_ONCE, functions * _AT_ONCE_EACH)


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
    enough = at_once(len(functions))
    while functions:
        first_us = min(function.first_us() for function in functions)
        # Where a function's knowledge ends it may go on at this very instant, and no function after it may overtake it;
        # so what is given out ends one microsecond before.
        known = sum(function.known(_horizon_us(going_on)) for function in functions)
        while going_on and (known < enough or going_on[0][0] <= first_us):
            _, rank, function = going_on[0]
            if read := function.read_on():
                known += read
                heapreplace(going_on, (function.last_us(), rank, function))
            else:
                known += len(function)
                heappop(going_on)
        until_us = min(_horizon_us(going_on), max(function.last_us() for function in functions))
        # What lay behind the horizon when it was counted may lie before it now.
        known = sum(function.known(until_us) for function in functions)
        if known > 2 * enough:
            until_us = first_us + (until_us - first_us) * enough // known
        yield _in_order([function.take(until_us) for function in functions])
        functions = [function for function in functions if len(function)]


def _horizon_us(going_on: Sequence[tuple[int, int, _Function]]) -> int:
    """Return up to and with which instant all arrivals are known."""
    return going_on[0][0] - 1 if going_on else _FOREVER


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
