"""Arrivals of several functions merged into one order of events, chunk by chunk."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from lambdasim.engine.contract import ArrivalChunk

ArrivalSource = Callable[[], Iterator[NDArray[np.int64]]]


class _Function:
    """One function's arrivals, with what has been read of them but not yet given out."""

    def __init__(self, rank: int, source: ArrivalSource) -> None:
        self.rank = rank
        self._chunks = source()
        self._waiting = np.empty(0, dtype=np.int64)
        self._given = 0

    def fill(self) -> bool:
        """Read on until something waits; tell whether anything does."""
        while not len(self._waiting):
            chunk = next(self._chunks, None)
            if chunk is None:
                return False
            self._waiting = chunk
        return True

    def last_us(self) -> int:
        """Return the last time that is known."""
        return int(self._waiting[-1])

    def take(self, until_us: int) -> ArrivalChunk:
        """Give out what waits up to and with an instant."""
        stop = int(np.searchsorted(self._waiting, until_us, side="right"))
        time_us, self._waiting = self._waiting[:stop], self._waiting[stop:]
        invocation = np.arange(self._given, self._given + stop)
        self._given += stop
        return ArrivalChunk(time_us, np.full(stop, self.rank), invocation)


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
    while open_functions := [function for function in functions if function.fill()]:
        # Up to here each function is known, but the one that ends here may go on at this very instant, and it must not be
        # overtaken by functions after it; so one microsecond less, unless that leaves nothing to give out.
        known_us = min(function.last_us() for function in open_functions)
        parts = [function.take(known_us - 1) for function in open_functions]
        if not any(len(part.time_us) for part in parts):
            parts = [_instant(function, known_us) for function in open_functions]
        yield _in_order(parts)


def _instant(function: _Function, time_us: int) -> ArrivalChunk:
    """Take everything of one instant from one function, reading on while it may continue."""
    parts = []
    while function.fill():
        parts.append(function.take(time_us))
        if not len(parts[-1].time_us):
            break
    return _concatenate(parts)


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
