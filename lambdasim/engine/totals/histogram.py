"""Exact histograms of whole numbers: bounded by how many different values occur, never by how many there are."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


class Histogram:
    """Counts of whole numbers.

    Attributes
    ----------
    values, counts : ndarray of int64, shape (n_values,)
        Rising values that occurred, and how often each did.
    """

    def __init__(
        self, values: NDArray[np.int64] | None = None, counts: NDArray[np.int64] | None = None
    ) -> None:
        self.values = np.empty(0, dtype=np.int64) if values is None else values
        self.counts = np.empty(0, dtype=np.int64) if counts is None else counts

    def add(self, numbers: NDArray[np.int64]) -> None:
        """Count numbers, shape (n,)."""
        if len(numbers):
            self._merge(*np.unique(numbers, return_counts=True))

    def add_counts(self, values: NDArray[np.int64], counts: NDArray[np.int64]) -> None:
        """Add counts of rising values, shape (n,)."""
        self.absorb(Histogram(values, counts))

    def absorb(self, other: Histogram) -> None:
        """Add the counts of another histogram."""
        if not len(self.values):
            self.values, self.counts = other.values, other.counts
        elif len(other.values):
            self._merge(other.values, other.counts)

    def _merge(self, values: NDArray[np.int64], counts: NDArray[np.int64]) -> None:
        merged, place = np.unique(np.concatenate([self.values, values]), return_inverse=True)
        total = np.zeros(len(merged), dtype=np.int64)
        np.add.at(total, place, np.concatenate([self.counts, counts]))
        self.values, self.counts = merged, total

    def __len__(self) -> int:
        """Return how many numbers were counted."""
        return int(self.counts.sum())

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


def together(*histograms: Histogram) -> Histogram:
    """Add histograms up."""
    result = Histogram()
    for histogram in histograms:
        result.absorb(histogram)
    return result
