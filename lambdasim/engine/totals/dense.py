"""Exact histograms of thousands of functions: pages of counts for what is common, single keys for what is rare.

A page holds the counts of 512 neighbouring values. A histogram gets one where enough of its values have been counted as
single keys, see ``spills``, so that a quiet function has none.
"""

from __future__ import annotations

import mmap
from math import prod
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from lambdasim.engine.totals.spills import SPILL_BITS, VALUE, Spills

if TYPE_CHECKING:
    from lambdasim.engine.totals.histogram import Histogram

PAGE_BITS: Final = 9
PAGE: Final = 1 << PAGE_BITS
_LEAST_PLACES: Final = 32  # of a histogram: values up to 16 s
_MOST_PLACES: Final = 2048  # values up to 17 minutes, which hold the latencies of an event's first retries
_ALL_PLACES: Final = 1 << 21  # 16 MiB, of which what is never touched takes nothing
_MOST_PAGES: Final = 1 << 16  # 256 MiB
_COMMON: Final = 128  # single keys of a page from which on it is made; 255 take as much room

Counts = tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]


class Dense:
    """Counts of small values of many histograms.

    Parameters
    ----------
    owners, kinds : int
        Histograms are numbered by owner, and within an owner by kind.

    Attributes
    ----------
    places : ndarray of int64, shape (owners, kinds, n_places)
        Where in ``pool`` each page is; 0 where there is none. Fewer for thousands of functions.
    pool : ndarray of int64, shape (n_pages, PAGE)
        The first is nobody's.
    """

    def __init__(self, owners: int, kinds: int) -> None:
        self._kinds = kinds
        histograms = max(owners * kinds, 1)
        places = min(max(_ALL_PLACES // histograms, _LEAST_PLACES), _MOST_PLACES)
        most = min(_MOST_PAGES, 1 + histograms * places)
        self.places = np.zeros((owners, kinds, places), dtype=np.int64)
        self.pool = untouched(most, PAGE)
        self._single = np.zeros(histograms * places, dtype=np.uint8)
        self._used = 1

    def make_pages(self, keys: NDArray[np.int64]) -> None:
        """Make pages where single keys have become common; keys have shape (n,)."""
        values, each = keys & VALUE, self.places.shape[2]
        small = values < PAGE * each
        pages = (keys[small] >> SPILL_BITS) * each + (values[small] >> PAGE_BITS)
        if not len(pages):
            return
        met, counts = np.unique(pages, return_counts=True)
        counted = np.minimum(self._single[met] + counts, _COMMON)
        self._single[met] = counted
        common = met[counted == _COMMON]
        places = self.places.reshape(-1)
        new = common[places[common] == 0][: len(self.pool) - self._used]
        places[new] = np.arange(self._used, self._used + len(new))
        self._used += len(new)

    def of(self, owner: int, kind: int, spills: Spills) -> Histogram:
        """Return a histogram, with its single keys."""
        places = self.places[owner, kind]
        found = spills.of(owner * self._kinds + kind)
        pages = np.flatnonzero(places)
        if len(pages):
            counts = self.pool[places[pages]]
            page, value = np.nonzero(counts)
            found.add_counts(pages[page] * PAGE + value, counts[page, value])
        return found

    def take(self, kind: int) -> Counts:
        """Take all histograms of a kind from the pages.

        Parameters
        ----------
        kind : int

        Returns
        -------
        owners, values, counts : ndarray of int64, shape (n,)
            In order of owners, then values.
        """
        owners, pages = np.nonzero(self.places[:, kind])
        places = self.places[owners, kind, pages]
        counts = self.pool[places]
        page, value = np.nonzero(counts)
        self.pool[places] = 0
        return owners[page], pages[page] * PAGE + value, counts[page, value]


def untouched(*shape: int) -> NDArray[np.int64]:
    """Make zeros that take memory page by page as they are written, in small pages: most are never touched."""
    length = max(prod(shape), 1) * np.dtype(np.int64).itemsize
    # A private area, where there is one, takes no memory for pages that are only read.
    private = {"flags": mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS} if hasattr(mmap, "MAP_PRIVATE") else {}
    area = mmap.mmap(-1, length, **private)
    if hasattr(mmap, "MADV_NOHUGEPAGE"):
        area.madvise(mmap.MADV_NOHUGEPAGE)
    return np.frombuffer(area, dtype=np.int64, count=prod(shape)).reshape(shape)
