"""Latencies of equal stretches of a run, by function: put away when a stretch ends, and read one function at a time."""

from __future__ import annotations

from functools import cached_property
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from lambdasim.engine.totals.histogram import Histogram, summed, summed_by_section
from lambdasim.engine.totals.packed import narrow


class _Counts(NamedTuple):
    """Counts of one kind of all functions, in order of functions.

    Attributes
    ----------
    starts : ndarray, shape (n_functions + 1,)
        Rows with which each function begins.
    sections, values, counts : ndarray of whole numbers, shape (n,)
    """

    starts: NDArray[np.int64]
    sections: NDArray[np.int64]
    values: NDArray[np.int64]
    counts: NDArray[np.int64]

    @classmethod
    def of(cls, functions: int, parts: list[tuple[NDArray[np.int64], ...]]) -> _Counts:
        """Bring parts together: whose, in which section, of which value, and how many."""
        owners, *columns = (np.concatenate(column) for column in zip(*parts, strict=True))
        order = np.argsort(owners, kind="stable")
        starts = np.searchsorted(owners[order], np.arange(functions + 1))
        sections, values, counts = (column[order] for column in columns)
        return cls(starts, sections, values, counts)

    def rows(self, function: int) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
        """Return a function's sections, values and counts."""
        own = slice(int(self.starts[function]), int(self.starts[function + 1]))
        return self.sections[own], self.values[own], self.counts[own]


class Sections:
    """Histograms of all functions, by kind and section.

    Parameters
    ----------
    sections, functions : int
    """

    def __init__(self, sections: int, functions: int) -> None:
        self._sections, self._functions = sections, functions
        self._parts: dict[int, list[tuple[NDArray[np.int64], ...]]] = {}

    def add(
        self,
        kind: int,
        section: int,
        functions: NDArray[np.int64],
        values: NDArray[np.int64],
        counts: NDArray[np.int64],
    ) -> None:
        """Add counts to a section.

        Parameters
        ----------
        kind, section : int
        functions, values, counts : ndarray of int64, shape (n,)
            Whose, of which value, and how many.
        """
        if len(functions):
            parts = self._parts.setdefault(kind, [])
            number = np.full(len(functions), section)
            parts.append((narrow(functions), narrow(number), narrow(values), narrow(counts)))

    @cached_property
    def _counts(self) -> dict[int, _Counts]:
        """All counts by kind, when all have been added."""
        return {kind: _Counts.of(self._functions, parts) for kind, parts in self._parts.items()}

    def of(self, function: int) -> list[Histogram]:
        """Return a function's histograms, one for each section."""
        return summed_by_section(self._sections, [counts.rows(function) for counts in self._counts.values()])

    def whole(self, function: int, kind: int) -> Histogram:
        """Return a function's histogram of one kind over all sections."""
        if kind not in self._counts:
            return Histogram()
        _, values, counts = self._counts[kind].rows(function)
        return summed([(values, counts)])
