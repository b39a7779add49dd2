"""Counts per interval turned into arrival times, by draws that belong to the arrivals."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import numpy as np
from numpy.typing import NDArray

from lambdasim.draws.keys import DrawKey, Stream, happens
from lambdasim.draws.laws import exponential
from lambdasim.draws.table import DrawTable

UNIT_GAP: Final = 1 << 20
LARGEST_BLOCK: Final = 1 << 20


def unit_gaps() -> DrawTable:
    """Tabulate exponential gaps of mean ``UNIT_GAP``."""
    return exponential(UNIT_GAP)


class CountSpreader:
    """Spreads counts over their intervals, keeping track of which arrival and which interval is next.

    Within an interval arrivals are independent and uniform, given their number, as those of a Poisson process are. They
    come out sorted without sorting: exponential gaps and a closing gap, scaled into the interval.

    Parameters
    ----------
    seed : int
    owner : str
        The function's name.
    interval_us : int
        Length of every interval [µs].
    """

    def __init__(self, seed: int, owner: str, interval_us: int) -> None:
        self._gap_key = DrawKey.of(seed, owner, Stream.ARRIVAL_GAP)
        self._closing_key = DrawKey.of(seed, owner, Stream.CLOSING_GAP)
        self._rounding_key = DrawKey.of(seed, owner, Stream.COUNT_ROUNDING)
        self._gaps = unit_gaps()
        self._interval_us = interval_us
        self._next_arrival = 0
        self._next_interval = 0

    def spread(
        self, start_us: NDArray[np.int64], expected: NDArray[np.float64]
    ) -> Iterator[NDArray[np.int64]]:
        """Spread the counts of consecutive intervals.

        Parameters
        ----------
        start_us : ndarray of int64, shape (n,)
            Beginnings of the intervals, increasing.
        expected : ndarray of float64, shape (n,)
            Counts; the fraction of a scaled count is rounded up with its own probability.

        Yields
        ------
        ndarray of int64
            Sorted arrival times.
        """
        interval = np.arange(self._next_interval, self._next_interval + len(start_us))
        self._next_interval += len(start_us)
        whole = np.floor(expected)
        rest = expected - whole
        count = whole.astype(np.int64) + happens(self._rounding_key.bits(interval), rest)
        block = np.cumsum(count) // LARGEST_BLOCK
        for part in np.split(np.arange(len(count)), np.flatnonzero(np.diff(block)) + 1):
            yield self._spread_block(start_us[part], count[part], interval[part])

    def _spread_block(
        self, start_us: NDArray[np.int64], count: NDArray[np.int64], interval: NDArray[np.int64]
    ) -> NDArray[np.int64]:
        total = int(count.sum())
        arrival = np.arange(self._next_arrival, self._next_arrival + total)
        self._next_arrival += total
        reached = np.cumsum(self._gaps.values(self._gap_key.bits(arrival)))
        end = np.cumsum(count)
        before = np.concatenate([[0], reached])[end - count]
        length = np.concatenate([[0], reached])[end] - before
        length += self._gaps.values(self._closing_key.bits(interval))
        scale = self._interval_us / np.maximum(length, 1)
        offset = np.floor((reached - np.repeat(before, count)) * np.repeat(scale, count)).astype(np.int64)
        times: NDArray[np.int64] = np.repeat(start_us, count) + np.minimum(offset, self._interval_us - 1)
        return times
