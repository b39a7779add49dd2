"""Counts per interval turned into arrival times, by draws that belong to the arrivals."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from lambdasim.abandoning import go_on
from lambdasim.draws.keys import DrawKey, Quantity, happens
from lambdasim.draws.laws import exponential
from lambdasim.draws.table import DrawTable
from lambdasim.errors import TraceError

if TYPE_CHECKING:
    from lambdasim.draws.compiled import Laws

UNIT_GAP: Final = 1 << 20
LARGEST_BLOCK: Final = 1 << 17
MOST_HELD: Final = 1 << 27
_REPEATED: Final = 1 << 12
_UNINTERRUPTED: Final = 1 << 25
_NEVER_US: Final = np.iinfo(np.int64).max


@cache
def unit_gaps() -> DrawTable:
    """Tabulate exponential gaps of mean ``UNIT_GAP``."""
    return exponential(UNIT_GAP)


class CountSpreader:
    """Spreads counts over their intervals, keeping track of which arrival and which interval is next.

    Within an interval arrivals are independent and uniform, given their number, as those of a Poisson process are. They
    come out sorted without sorting: exponential gaps and a closing gap, scaled into the interval. Where intervals
    overlap, what is later than the beginning of the next is held back until it can be sorted in.

    Memory is bounded: a count of any size comes out in blocks.

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
        self._closing, self._closing_key = unit_gaps(), DrawKey.of(seed, owner, Quantity.CLOSING_GAP)
        self._rounding_key = DrawKey.of(seed, owner, Quantity.COUNT_ROUNDING)
        self._owner = owner
        self._interval_us = interval_us
        self._next_arrival = 0
        self._next_interval = 0
        self._last_start_us = np.empty(0, dtype=np.int64)
        self._last_count = np.empty(0, dtype=np.int64)
        self._held = np.empty(0, dtype=np.int64)

    def spread(
        self, start_us: NDArray[np.int64], whole: NDArray[np.int64], rest: NDArray[np.float64]
    ) -> Iterator[NDArray[np.int64]]:
        """Spread the counts of consecutive intervals.

        Parameters
        ----------
        start_us : ndarray of int64, shape (n,)
            Beginnings of the intervals, never falling, also from call to call.
        whole : ndarray of int64, shape (n,)
            Counts.
        rest : ndarray of float64, shape (n,)
            Probability of one more, from 0 to 1: what the scaling of a count leaves over.

        Yields
        ------
        ndarray of int64
            Sorted arrival times, all but those of the last interval and of those that reach into it; see `rest`.

        Raises
        ------
        TraceError
            When over 134 million arrivals of intervals that overlap would have to be held back.
        """
        if not len(start_us):
            return
        number = self._next_interval + np.arange(len(start_us))
        count = whole + happens(self._rounding_key.bits(number), rest)
        starts = np.concatenate([self._last_start_us, start_us])
        counts = np.concatenate([self._last_count, count])
        first = self._next_interval - len(self._last_count)
        self._next_interval += len(start_us)
        self._last_start_us, self._last_count = starts[-1:], counts[-1:]
        yield from self._spread_all(starts[:-1], counts[:-1], first, int(starts[-1]))

    def rest(self) -> Iterator[NDArray[np.int64]]:
        """Yield what was held back, sorted."""
        starts, counts = self._last_start_us, self._last_count
        self._last_start_us, self._last_count = starts[:0], counts[:0]
        yield from self._spread_all(starts, counts, self._next_interval - len(counts), _NEVER_US)
        held, self._held = self._held, self._held[:0]
        yield held

    def _spread_all(
        self, start_us: NDArray[np.int64], count: NDArray[np.int64], first: int, next_us: int
    ) -> Iterator[NDArray[np.int64]]:
        """Spread intervals in parts of bounded size: many small ones together, or a large one in blocks."""
        begins_us = np.append(start_us, next_us)
        large = count > LARGEST_BLOCK
        block = np.cumsum(np.minimum(count, LARGEST_BLOCK)) // LARGEST_BLOCK
        cut = (np.diff(block) > 0) | large[1:] | large[:-1]
        for part in np.split(np.arange(len(count)), np.flatnonzero(cut) + 1):
            if not len(part):
                continue
            known_us = int(begins_us[part[-1] + 1])
            if large[part[0]]:
                place = int(part[0])
                pieces = self._spread_large(int(start_us[place]), int(count[place]), first + place)
                for times, last in pieces:
                    # What comes later is no earlier than the last of a block, and may be equal to it: up to it all goes.
                    yield self._before(known_us if last else min(known_us, int(times[-1]) + 1), times)
            else:
                times = self._spread_block(start_us[part], count[part], first + int(part[0]))
                yield self._before(known_us, times)

    def _before(self, known_us: int, times: NDArray[np.int64]) -> NDArray[np.int64]:
        """Sort arrivals in, and return those before an instant that nothing later comes before."""
        if len(self._held):
            times = np.concatenate([self._held, times])
        if np.any(times[1:] < times[:-1]):
            times = np.sort(times)
        given = int(np.searchsorted(times, known_us))
        self._held = times[given:].copy() if given else times
        if len(self._held) > MOST_HELD:
            raise TraceError.single(
                self._owner,
                "traffic.trace",
                f"counts of intervals that overlap must add up to at most {MOST_HELD:,} times the scale",
            )
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

    def _spread_large(
        self, start_us: int, count: int, interval: int
    ) -> Iterator[tuple[NDArray[np.int64], bool]]:
        """Spread one interval in blocks: once to learn how long its gaps are together, and once to place them."""
        from lambdasim.traffic.spreading import compiled_length, compiled_part

        room = np.empty(LARGEST_BLOCK, dtype=np.int64)
        length = 0
        for first in range(0, count, _UNINTERRUPTED):
            go_on()
            part = min(count - first, _UNINTERRUPTED)
            with np.errstate(over="ignore"):
                length = compiled_length()(self._laws, part, self._next_arrival + first, length, room)
        length += int(self._closing.values(self._closing_key.bits(np.array([interval])))[0])
        reached = 0
        while count:
            times = room[:count] if count < LARGEST_BLOCK else np.empty(LARGEST_BLOCK, dtype=np.int64)
            where = (start_us, self._next_arrival, self._interval_us, length, reached)
            with np.errstate(over="ignore"):
                reached = compiled_part()(self._laws, *where, times)
            self._next_arrival += len(times)
            count -= len(times)
            yield times, not count


def repeated(time_us: NDArray[np.int64], count: NDArray[np.int64]) -> Iterator[NDArray[np.int64]]:
    """Repeat times in blocks of bounded size.

    Parameters
    ----------
    time_us, count : ndarray of int64, shape (n,)
    """
    for first in range(0, len(time_us), _REPEATED):
        part = slice(first, first + _REPEATED)
        if int(count[part].max(initial=0)) * _REPEATED <= LARGEST_BLOCK:
            yield np.repeat(time_us[part], count[part])
            continue
        for moment_us, times in zip(time_us[part].tolist(), count[part].tolist(), strict=True):
            for done in range(0, times, LARGEST_BLOCK):
                yield np.full(min(times - done, LARGEST_BLOCK), moment_us)
