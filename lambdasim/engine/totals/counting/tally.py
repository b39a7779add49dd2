"""Sums up records, whichever engine wrote them, in compiled code.

This module imports numba. With NUMBA_DISABLE_JIT=1 it runs as plain Python.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from lambdasim.compiling import Int64, compiled_and_kept
from lambdasim.engine.totals.counting.attempts import count_any
from lambdasim.engine.totals.counting.sums import Attempt, Sums

COLUMNS: Final = Attempt._fields
"""Columns of records, in the order in which `tally` takes them."""

Columns = Any  # a tuple of arrays: numba wants to know how many


def tally(sums: Sums, columns: Columns, first: Int64, stop: Int64) -> None:
    """Sum up records ``first`` to before ``stop``; compiled by `compiled_tally`.

    Parameters
    ----------
    sums : Sums
        ``spilled`` has room for SPILLS_PER_ATTEMPT values of each record, the ring for every minute in which one starts.
    columns : tuple of ndarray of int64
        See ``COLUMNS``.
    """
    for place in range(first, stop):
        row = np.uint64(place)
        attempt = Attempt(
            np.uint64(columns[0][row]), columns[1][row], columns[2][row], columns[3][row], columns[4][row],
            columns[5][row], columns[6][row], columns[7][row], columns[8][row], columns[9][row], columns[10][row],
            columns[11][row], columns[12][row], columns[13][row], columns[14][row], columns[15][row],
            columns[16][row], columns[17][row],
        )  # fmt: skip
        count_any(sums, attempt)


@cache
def compiled_tally() -> Callable[[Sums, tuple[NDArray[np.int64], ...], int, int], None]:
    """Compile `tally`, or take it from the cache on disk."""
    return compiled_and_kept(tally)
