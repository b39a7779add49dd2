"""Latencies of equal stretches of a run: a histogram for each function and stretch, put away together."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from lambdasim.engine.totals.histogram import Histogram, together
from lambdasim.engine.totals.packed import narrow


class Sections:
    """Histograms of all functions, by section.

    Parameters
    ----------
    sections, functions : int
    """

    def __init__(self, sections: int, functions: int) -> None:
        self._functions = functions
        self._parts: list[list[tuple[NDArray[np.int64], ...]]] = [[] for _ in range(sections)]

    def add(
        self, section: int, functions: NDArray[np.int64], values: NDArray[np.int64], counts: NDArray[np.int64]
    ) -> None:
        """Add counts to a section.

        Parameters
        ----------
        section : int
        functions, values, counts : ndarray of int64, shape (n,)
            Whose, of which value, and how many; in order of functions, then values, each once.
        """
        if len(functions):
            starts = np.searchsorted(functions, np.arange(self._functions + 1))
            self._parts[section].append((narrow(starts), narrow(values), narrow(counts)))

    def of(self, function: int) -> list[Histogram]:
        """Return a function's histograms, one for each section."""
        return [together(*(_part(part, function) for part in parts)) for parts in self._parts]


def _part(part: tuple[NDArray[np.int64], ...], function: int) -> Histogram:
    starts, values, counts = part
    own = slice(int(starts[function]), int(starts[function + 1]))
    return Histogram(values[own], counts[own])
