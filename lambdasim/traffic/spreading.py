"""Spreads counts over their intervals, in compiled code.

This module imports numba. With NUMBA_DISABLE_JIT=1 it runs as plain Python.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any, Final

from lambdasim.compiling import compiled, compiled_and_kept
from lambdasim.draws.compiled import draw, draw_many

_GAP: Final = 0
_CLOSING: Final = 1


@compiled
def _add_gaps(laws: Any, first_arrival: Any, times: Any, begin: Any, stop: Any, reached: Any) -> Any:
    """Draw gaps into ``times[begin:stop]``, add them up, and return how far they reach."""
    draw_many(laws, _GAP, first_arrival, times, begin, stop)
    for place in range(begin, stop):
        reached += times[place]
        times[place] = reached
    return reached


@compiled
def _scale(times: Any, begin: Any, stop: Any, start_us: Any, interval_us: Any, length: Any) -> None:
    """Bring summed gaps, which with the closing gap are of this length, into an interval."""
    scale = interval_us / max(length, 1)
    for place in range(begin, stop):
        times[place] = start_us + min(int(times[place] * scale), interval_us - 1)


def spread(
    laws: Any,
    start_us: Any,
    count: Any,
    first_arrival: Any,
    first_interval: Any,
    interval_us: Any,
    times: Any,
) -> None:
    """Fill in the arrival times of consecutive intervals; compiled by `compiled_spread`.

    Parameters
    ----------
    laws : draws.compiled.Laws
        Of the gaps, and of the closing gaps.
    start_us, count : ndarray of int64, shape (n_intervals,)
    first_arrival, first_interval : int
        Numbers of the first arrival and of the first interval in all.
    interval_us : int
        Length of every interval [µs].
    times : ndarray of int64, shape (sum of the counts,)
        Is filled.
    """
    filled = 0
    for interval in range(len(count)):
        last = filled + count[interval]
        reached = _add_gaps(laws, first_arrival + filled, times, filled, last, 0)
        length = reached + draw(laws, _CLOSING, first_interval + interval, 0)
        _scale(times, filled, last, start_us[interval], interval_us, length)
        filled = last


def total_length(laws: Any, count: Any, first_arrival: Any, reached: Any, times: Any) -> Any:
    """Add up gaps of one interval, and return how far they reach; compiled by `compiled_length`.

    Parameters
    ----------
    laws : draws.compiled.Laws
    count : int
    first_arrival : int
        Number of the first of these arrivals in all.
    reached : int
        How far the gaps of the interval's earlier arrivals reach.
    times : ndarray of int64, shape (n,)
        Room to work in, of any size.
    """
    for first in range(0, count, len(times)):
        stop = min(count - first, len(times))
        reached = _add_gaps(laws, first_arrival + first, times, 0, stop, reached)
    return reached


def spread_part(
    laws: Any, start_us: Any, first_arrival: Any, interval_us: Any, length: Any, reached: Any, times: Any
) -> Any:
    """Fill in the next arrival times of one interval, and return how far their gaps reach; compiled by `compiled_part`.

    Parameters
    ----------
    laws : draws.compiled.Laws
    start_us, interval_us : int
        Beginning and length of the interval [µs].
    first_arrival : int
        Number of the first of these arrivals in all.
    length : int
        As `total_length` returned it.
    reached : int
        How far the gaps of the interval's earlier arrivals reach.
    times : ndarray of int64, shape (n,)
        Is filled.
    """
    reached = _add_gaps(laws, first_arrival, times, 0, len(times), reached)
    _scale(times, 0, len(times), start_us, interval_us, length)
    return reached


@cache
def compiled_spread() -> Callable[..., None]:
    """Compile `spread`, or take it from the cache on disk."""
    return compiled_and_kept(spread)


@cache
def compiled_length() -> Callable[..., int]:
    """Compile `total_length`, or take it from the cache on disk."""
    return compiled_and_kept(total_length)


@cache
def compiled_part() -> Callable[..., int]:
    """Compile `spread_part`, or take it from the cache on disk."""
    return compiled_and_kept(spread_part)
