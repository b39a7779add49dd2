"""Exact histograms of whole numbers: bounded by how many different values occur, never by how many there are."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Final

import numpy as np
from numpy.typing import NDArray

from lambdasim.engine.totals.packed import narrow

_NOTHING: Final = np.empty(0, dtype=np.int64)
_SMALL: Final = 8
"""Greatest number, over how many there are, up to which a place is counted for each that is possible."""
_SECTION_BITS: Final = 40  # a value of 34 years in ms


class Histogram:
    """Counts of whole numbers from 0.

    Parameters
    ----------
    values, counts : ndarray of whole numbers, shape (n_values,), optional
        Rising values that occurred, and how often each did.
    """

    def __init__(
        self, values: NDArray[np.int64] | None = None, counts: NDArray[np.int64] | None = None
    ) -> None:
        self._values = _NOTHING if values is None else values
        self._counts = _NOTHING if counts is None else counts

    @property
    def values(self) -> NDArray[np.int64]:
        """Rising values that occurred, shape (n_values,)."""
        return self._values.astype(np.int64, copy=False)

    @property
    def counts(self) -> NDArray[np.int64]:
        """How often each value occurred, shape (n_values,)."""
        return self._counts.astype(np.int64, copy=False)

    def shrink(self) -> Histogram:
        """Keep values and counts in as few bytes as hold them; return the histogram itself."""
        if len(self._values):
            self._values, self._counts = narrow(self._values), narrow(self._counts)
        return self

    def add(self, numbers: NDArray[np.int64]) -> None:
        """Count numbers, shape (n,)."""
        if len(numbers):
            self._merge(*_counted(numbers))

    def add_counts(self, values: NDArray[np.int64], counts: NDArray[np.int64]) -> None:
        """Add counts of rising values, shape (n,)."""
        self.absorb(Histogram(values, counts))

    def absorb(self, other: Histogram) -> None:
        """Add the counts of another histogram."""
        if not len(self._values):
            self._values, self._counts = other._values, other._counts
        elif len(other._values):
            self._merge(other.values, other.counts)

    def _merge(self, values: NDArray[np.int64], counts: NDArray[np.int64]) -> None:
        merged = summed([(self.values, self.counts), (values, counts)])
        self._values, self._counts = merged._values, merged._counts

    def __len__(self) -> int:
        """Return how many numbers were counted."""
        return int(self._counts.sum())

    def total(self) -> int:
        """Return the exact sum of all numbers."""
        return sum(int(value) * int(count) for value, count in zip(self.values, self.counts, strict=True))

    def mean(self) -> float:
        """Return the mean; NaN when empty."""
        return self.total() / len(self) if len(self) else float("nan")

    def quantile(self, q: float) -> float:
        """Return the smallest value with at least the share ``q`` at or below it; NaN when empty.

        Examples
        --------
        >>> histogram = Histogram()
        >>> histogram.add(np.array([3, 1, 2, 2]))
        >>> histogram.quantile(0.5), histogram.quantile(0.75), histogram.quantile(1.0)
        (2.0, 2.0, 3.0)
        """
        if not len(self):
            return float("nan")
        rank = np.ceil(q * len(self) - 1e-9)
        return float(self.values[np.searchsorted(np.cumsum(self.counts), max(rank, 1))])


def _counted(numbers: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Give the values that occur, rising, and how often each does; small ones without sorting."""
    if int(numbers.max()) > _SMALL * len(numbers):
        return np.unique(numbers, return_counts=True)
    counts = np.bincount(numbers.astype(np.int64, copy=False))
    values = np.flatnonzero(counts)
    return values, counts[values]


def together(*histograms: Histogram) -> Histogram:
    """Add histograms up."""
    filled = [histogram for histogram in histograms if len(histogram.values)]
    if len(filled) == 1:
        return Histogram(filled[0].values, filled[0].counts)
    return summed([(histogram.values, histogram.counts) for histogram in filled])


def summed(parts: Sequence[tuple[NDArray[np.int64], NDArray[np.int64]]]) -> Histogram:
    """Make a histogram of values in any order, each with how often it occurred there.

    Parameters
    ----------
    parts : sequence of (values, counts), each an ndarray of whole numbers, shape (n_values,)

    Returns
    -------
    Histogram
    """
    return Histogram(*counted(*_joined(parts)))


def summed_by_section(
    sections: int, parts: Sequence[tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]]
) -> list[Histogram]:
    """Make histograms of values in any order, each with its section and how often it occurred there.

    Parameters
    ----------
    sections : int
        How many there are.
    parts : sequence of (sections, values, counts), each an ndarray of whole numbers, shape (n_values,)

    Returns
    -------
    list of Histogram
    """
    number, values, counts = _joined(parts, columns=3)
    keys, counts = counted((number << _SECTION_BITS) + values, counts)
    values = keys & ((1 << _SECTION_BITS) - 1)
    starts = np.searchsorted(keys, np.arange(sections + 1) << _SECTION_BITS).tolist()
    return [Histogram(values[first:stop], counts[first:stop]) for first, stop in pairwise(starts)]


def counted(
    values: NDArray[np.int64], counts: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Put values from 0 in order, and add up how often each occurred; all of shape (n,)."""
    if not len(values):
        return values, counts
    order = np.argsort(values, kind="stable")
    rising = values[order]
    first = beginnings(rising)
    return rising[first], np.add.reduceat(counts[order], first)


def beginnings(rising: NDArray[np.int64]) -> NDArray[np.int64]:
    """Give the places at which another value begins among rising ones, of which there are some."""
    is_first = np.empty(len(rising), dtype=np.bool_)
    is_first[0] = True
    np.not_equal(rising[1:], rising[:-1], out=is_first[1:])
    return np.flatnonzero(is_first)


def _joined(parts: Sequence[tuple[NDArray[np.int64], ...]], columns: int = 2) -> list[NDArray[np.int64]]:
    return [
        np.concatenate([_NOTHING, *(part[column] for part in parts)], dtype=np.int64)
        for column in range(columns)
    ]
