"""A schedule of provisioned concurrency, laid out over a scenario: what is asked for, held, added and given up."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class ProvisionedSteps:
    """What is asked for, and when.

    Attributes
    ----------
    steps : tuple of (int, int)
        When environments are asked for [µs after the scenario's start], and how many; in order of time.
    duration_us : int
        The scenario's length, after which all are given up [µs].

    Examples
    --------
    >>> steps = ProvisionedSteps(((0, 10), (60, 12), (80, 3)), 100)
    >>> list(steps.levels())
    [(0, 60, 10), (60, 80, 12), (80, 100, 3)]
    >>> list(steps.allocations())
    [(2, 60, 80), (7, 0, 80), (3, 0, 100)]
    >>> list(steps.added())
    [(0, 0, 10), (60, 10, 2)]
    """

    steps: tuple[tuple[int, int], ...]
    duration_us: int

    def __iter__(self) -> Iterator[tuple[int, int]]:
        """Yield each moment and count."""
        return iter(self.steps)

    def __bool__(self) -> bool:
        """Say whether anything is ever asked for."""
        return bool(self.steps)

    def _within(self) -> Iterator[tuple[int, int]]:
        return ((at_us, count) for at_us, count in self.steps if at_us < self.duration_us)

    @property
    def most(self) -> int:
        """The most environments asked for at one time."""
        return max((count for _, count in self._within()), default=0)

    def levels(self) -> Iterator[tuple[int, int, int]]:
        """Yield begin, end [µs] and count of each stretch of one level; the last ends with the scenario."""
        for (at_us, count), (end_us, _) in pairwise((*self._within(), (self.duration_us, 0))):
            yield at_us, end_us, count

    def at(self, moments_us: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return what has been asked for at each moment.

        Parameters
        ----------
        moments_us : ndarray of int64, shape (n,)
            [µs after the scenario's start].

        Returns
        -------
        ndarray of int64, shape (n,)
            Environments, 0 before the first step.
        """
        counts = np.array([0, *(count for _, count in self.steps)], dtype=np.int64)
        asked: NDArray[np.int64] = counts[
            np.searchsorted([at_us for at_us, _ in self.steps], moments_us, side="right")
        ]
        return asked

    def allocations(self) -> Iterator[tuple[int, int, int]]:
        """Yield count, begin and end [µs] of what is allocated together and given up together.

        Notes
        -----
        The newest environments are given up first, so a change from 10 to 12 does not touch the ten.
        """
        held: list[tuple[int, int]] = []
        total = 0
        for at_us, wanted in (*self._within(), (self.duration_us, 0)):
            if wanted > total:
                held.append((at_us, wanted - total))
            surplus = total - wanted
            while surplus > 0:
                begin_us, count = held.pop()
                given_up = min(count, surplus)
                surplus -= given_up
                if count > given_up:
                    held.append((begin_us, count - given_up))
                if at_us > begin_us:
                    yield given_up, begin_us, at_us
            total = wanted

    def added(self) -> Iterator[tuple[int, int, int]]:
        """Yield when [µs] environments are added, the number of the first of them since the start, and how many."""
        first = total = 0
        for at_us, wanted in self._within():
            grown = max(wanted - total, 0)
            if grown:
                yield at_us, first, grown
            first, total = first + grown, wanted
