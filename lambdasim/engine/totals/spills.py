"""Values too long for the dense histograms: all of them as one sorted array of keys, merged now and then."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from lambdasim.engine.totals.histogram import Histogram, beginnings, counted

SPILL_BITS: Final = 40
"""A key is a histogram's number, shifted by as many bits, plus the value: 34 years in ms."""
VALUE: Final = (1 << SPILL_BITS) - 1
_MERGED_AT: Final = 1 << 18


class Spills:
    """Counts of long values of many histograms."""

    def __init__(self) -> None:
        self._keys = np.empty(0, dtype=np.int64)
        self._counts = np.empty(0, dtype=np.int64)
        self._waiting: list[NDArray[np.int64]] = []
        self._length = 0

    def add(self, keys: NDArray[np.int64]) -> None:
        """Count keys, shape (n,)."""
        if len(keys):
            self._waiting.append(keys.copy())
            self._length += len(keys)
            # A merge takes as long as all keys are many, so they grow by half until the next.
            if self._length >= max(_MERGED_AT, len(self._keys) >> 1):
                self._merge()

    def of(self, number: int) -> Histogram:
        """Return what was counted for one histogram."""
        self._merge()
        first, stop = np.searchsorted(self._keys, [number << SPILL_BITS, (number + 1) << SPILL_BITS])
        return Histogram(self._keys[first:stop] & VALUE, self._counts[first:stop])

    def take(self, kind: int, kinds: int) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
        """Take what was counted for every histogram of a kind.

        Parameters
        ----------
        kind, kinds : int
            Histograms are numbered by owner, and within an owner by kind, of which there are so many.

        Returns
        -------
        owners, values, counts : ndarray of int64, shape (n,)
            In order of owners, then values.
        """
        self._merge()
        numbers = self._keys >> SPILL_BITS
        taken = numbers % kinds == kind
        found = numbers[taken] // kinds, self._keys[taken] & VALUE, self._counts[taken]
        self._keys, self._counts = self._keys[~taken], self._counts[~taken]
        return found

    def _merge(self) -> None:
        if not self._waiting:
            return
        waiting = np.concatenate(self._waiting)
        waiting.sort()
        first = beginnings(waiting)
        counts = np.diff(first, append=len(waiting))
        self._keys, self._counts = counted(
            np.concatenate([self._keys, waiting[first]]), np.concatenate([self._counts, counts])
        )
        self._waiting, self._length = [], 0
