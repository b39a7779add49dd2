"""Counts per interval turned into arrival times, by draws that belong to the arrivals."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from lambdasim.draws.keys import DrawKey, Quantity, happens
from lambdasim.draws.laws import exponential
from lambdasim.draws.table import DrawTable

if TYPE_CHECKING:
    from lambdasim.draws.compiled import Laws

UNIT_GAP: Final = 1 << 20
LARGEST_BLOCK: Final = 1 << 17


@cache
def unit_gaps() -> DrawTable:
    """Tabulate exponential gaps of mean ``UNIT_GAP``."""
    return exponential(UNIT_GAP)


class CountSpreader:
    """Spreads counts over their intervals, keeping track of which arrival and which interval is next.

    Within an interval arrivals are independent and uniform, given their number, as those of a Poisson process are. They
    come out sorted without sorting: exponential gaps and a closing gap, scaled into the interval. Where intervals
    overlap, what is later than the beginning of the last is held back until it can be sorted in.

    Parameters
    ----------
    seed : int
    owner : str
        The function's name.
    interval_us : int
        Length of every interval [µs].
    """

    def __init__(self, seed: int, owner: str, interval_us: int) -> None:
        from lambdasim.draws.compiled import LawArrays
        from lambdasim.traffic.spreading import compiled_spread

        laws = LawArrays()
        streams = (Quantity.ARRIVAL_GAP, Quantity.CLOSING_GAP)
        laws.add([(DrawKey.of(seed, owner, stream), unit_gaps()) for stream in streams])
        self._laws: Laws = laws.arrays()
        self._spread: Callable[..., None] = compiled_spread()
        self._rounding_key = DrawKey.of(seed, owner, Quantity.COUNT_ROUNDING)
        self._interval_us = interval_us
        self._next_arrival = 0
        self._next_interval = 0
        self._held = np.empty(0, dtype=np.int64)

    def spread(
        self, start_us: NDArray[np.int64], expected: NDArray[np.float64]
    ) -> Iterator[NDArray[np.int64]]:
        """Spread the counts of consecutive intervals.

        Parameters
        ----------
        start_us : ndarray of int64, shape (n,)
            Beginnings of the intervals, never falling, also from call to call.
        expected : ndarray of float64, shape (n,)
            Counts; the fraction of a scaled count is rounded up with its own probability.

        Yields
        ------
        ndarray of int64
            Sorted arrival times, all but those that later intervals may still come before; see `rest`.
        """
        interval = np.arange(self._next_interval, self._next_interval + len(start_us))
        self._next_interval += len(start_us)
        whole = np.floor(expected)
        rest = expected - whole
        count = whole.astype(np.int64) + happens(self._rounding_key.bits(interval), rest)
        block = np.cumsum(count) // LARGEST_BLOCK
        for part in np.split(np.arange(len(count)), np.flatnonzero(np.diff(block)) + 1):
            if len(part):
                times = self._spread_block(start_us[part], count[part], int(interval[part[0]]))
                yield self._before(int(start_us[part[-1]]), times)

    def rest(self) -> NDArray[np.int64]:
        """Return the arrivals that were held back, sorted."""
        held, self._held = self._held, np.empty(0, dtype=np.int64)
        return held

    def _before(self, known_us: int, times: NDArray[np.int64]) -> NDArray[np.int64]:
        """Sort arrivals in, and give those before an instant that no later interval comes before."""
        if len(self._held):
            times = np.concatenate([self._held, times])
        if np.any(times[1:] < times[:-1]):
            times = np.sort(times)
        given = int(np.searchsorted(times, known_us))
        self._held = times[given:]
        return times[:given]

    def _spread_block(
        self, start_us: NDArray[np.int64], count: NDArray[np.int64], first_interval: int
    ) -> NDArray[np.int64]:
        times = np.empty(int(count.sum()), dtype=np.int64)
        where = (self._next_arrival, first_interval, self._interval_us)
        # Without compilation, integers that wrap around would warn.
        with np.errstate(over="ignore"):
            self._spread(self._laws, np.ascontiguousarray(start_us), count, *where, times)
        self._next_arrival += len(times)
        return times
