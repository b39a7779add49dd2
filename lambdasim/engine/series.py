"""What happens in each minute: counts in CloudWatch's names, and executions in progress."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

import numpy as np
from numpy.typing import NDArray

from lambdasim.engine.contract import Limit
from lambdasim.units import US_PER_MINUTE

COUNTS: Final = (
    "Invocations",
    "Errors",
    "Throttles",
    *(f"Throttles_{limit.name.lower()}" for limit in Limit if limit not in (Limit.NONE, Limit.PAYLOAD)),
    "ColdStarts",
    "ProvisionedConcurrencyInvocations",
    "ProvisionedConcurrencySpilloverInvocations",
    "AsyncEventsReceived",
    "AsyncEventsDropped",
    "DurationSum_us",
    "BilledMsWithInit",
    "BilledMsWithoutInit",
    "ProvisionedBilledMs",
)
"""As CloudWatch counts; but ``Throttles_…`` tells which limit refused, and ``Billed…`` are sums of ceilings of on-demand
runs, see ``billing.Usage``."""


def _empty() -> NDArray[np.int64]:
    return np.zeros(0, dtype=np.int64)


def widened(series: NDArray[np.int64], minutes: int) -> NDArray[np.int64]:
    """Make room for at least so many minutes in the last axis."""
    missing = minutes - series.shape[-1]
    if missing <= 0:
        return series
    return np.pad(series, [(0, 0)] * (series.ndim - 1) + [(0, max(missing, series.shape[-1] // 2))])


@dataclass(eq=False)
class MinuteCounts:
    """Whole numbers added up per minute.

    Attributes
    ----------
    values : ndarray of int64, shape (n_counts, at least minutes)
        Rows in the order of ``COUNTS``.
    minutes : int
        How many minutes have been reached.
    """

    values: NDArray[np.int64] = field(default_factory=lambda: np.zeros((len(COUNTS), 0), dtype=np.int64))
    minutes: int = 0

    def add(self, name: str, time_us: NDArray[np.int64], amount: NDArray[np.int64] | None = None) -> None:
        """Add an amount, by default 1, at each moment."""
        if not len(time_us):
            return
        minute = time_us // US_PER_MINUTE
        self.minutes = max(self.minutes, int(minute.max()) + 1)
        self.values = widened(self.values, self.minutes)
        row = self.values[COUNTS.index(name)]
        if amount is None:
            counted = np.bincount(minute)
            row[: len(counted)] += counted
        else:
            np.add.at(row, minute, amount)

    def padded(self, minutes: int) -> dict[str, NDArray[np.int64]]:
        """Return every count over so many minutes, each of shape (minutes,)."""
        return dict(zip(COUNTS, widened(self.values, minutes)[:, :minutes], strict=True))


@dataclass(eq=False)
class Concurrency:
    """Executions in progress, followed through chunks that are ordered by start.

    Attributes
    ----------
    busy_us : int
        Sum of all executions' times [µs].
    peak : int
        Most in progress at once.
    minutes : int
        How many minutes have been reached.
    """

    busy_us: int = 0
    peak: int = 0
    minutes: int = 0
    _pending_us: NDArray[np.int64] = field(default_factory=_empty)
    _started: NDArray[np.int64] = field(default_factory=_empty)
    _ended: NDArray[np.int64] = field(default_factory=_empty)
    _highest: NDArray[np.int64] = field(default_factory=_empty)

    def add(self, start_us: NDArray[np.int64], end_us: NDArray[np.int64]) -> None:
        """Follow the next executions."""
        if not len(start_us):
            return
        ends = np.sort(np.concatenate([self._pending_us, end_us]))
        # What ends at an instant has ended for a start of that instant; a run of no length still counts itself.
        ended = np.searchsorted(ends, start_us, side="right")
        started = len(self._pending_us) + np.arange(1, len(start_us) + 1)
        in_progress = np.maximum(started - ended, 1)
        self.busy_us += int((end_us - start_us).sum())
        self.peak = max(self.peak, int(in_progress.max()))
        self._pending_us = ends[ends > start_us[-1]]
        start_minute = start_us // US_PER_MINUTE
        # What ends with a minute is not in progress when the next begins.
        end_minute = np.maximum(end_us - 1, start_us) // US_PER_MINUTE
        self.minutes = max(self.minutes, int(end_minute.max()) + 1)
        self._started, self._ended, self._highest = (
            widened(series, self.minutes) for series in (self._started, self._ended, self._highest)
        )
        for series, minute in ((self._started, start_minute), (self._ended, end_minute)):
            counted = np.bincount(minute)
            series[: len(counted)] += counted
        np.maximum.at(self._highest, start_minute, in_progress)

    def per_minute(self, minutes: int) -> NDArray[np.int64]:
        """Return the most in progress at once in each minute, shape (minutes,)."""
        started, ended, highest = (
            widened(series, minutes)[:minutes] for series in (self._started, self._ended, self._highest)
        )
        at_beginning = np.concatenate([[0], np.cumsum(started - ended)[:-1]]) if minutes else started
        most: NDArray[np.int64] = np.maximum(highest, at_beginning)
        return most
