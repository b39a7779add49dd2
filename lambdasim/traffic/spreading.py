"""Spreads counts over their intervals, in compiled code.

This module imports numba. With NUMBA_DISABLE_JIT=1 it runs as plain Python.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any, Final

from lambdasim.compiling import compiled_and_kept
from lambdasim.draws.compiled import draw, draw_many

_GAP: Final = 0
_CLOSING: Final = 1


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
        reached = 0
        draw_many(laws, _GAP, first_arrival + filled, times, filled, last)
        for place in range(filled, last):
            reached += times[place]
            times[place] = reached
        length = reached + draw(laws, _CLOSING, first_interval + interval, 0)
        scale = interval_us / max(length, 1)
        for place in range(filled, last):
            times[place] = start_us[interval] + min(int(times[place] * scale), interval_us - 1)
        filled = last


@cache
def compiled_spread() -> Callable[..., None]:
    """Compile `spread`, or take it from the cache on disk."""
    return compiled_and_kept(spread)
