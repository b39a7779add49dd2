"""What happens in each minute: counts in CloudWatch's names, and executions in progress."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from lambdasim.engine.contract import Limit

COUNTS: Final = (
    "Invocations",
    "Errors",
    "Throttles",
    *(
        f"Throttles_{limit.name.lower()}"
        for limit in Limit
        if limit not in (Limit.NONE, Limit.PAYLOAD, Limit.LOOP)
    ),
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


def _over(series: NDArray[np.int64], minutes: int) -> NDArray[np.int64]:
    """Cut or lengthen the last axis to so many minutes."""
    missing = max(minutes - series.shape[-1], 0)
    return np.pad(series, [(0, 0)] * (series.ndim - 1) + [(0, missing)])[..., :minutes]


@dataclass(frozen=True, eq=False)
class MinuteCounts:
    """Whole numbers added up per minute.

    Attributes
    ----------
    values : ndarray of int64, shape (n_counts, minutes)
        Rows in the order of ``COUNTS``.
    """

    values: NDArray[np.int64]

    @property
    def minutes(self) -> int:
        """How many minutes have been reached."""
        return int(self.values.shape[1])

    def padded(self, minutes: int) -> dict[str, NDArray[np.int64]]:
        """Return every count over so many minutes, each of shape (minutes,)."""
        return dict(zip(COUNTS, _over(self.values, minutes), strict=True))


@dataclass(frozen=True, eq=False)
class Concurrency:
    """Executions in progress.

    Attributes
    ----------
    busy_us : int
        Sum of all executions' times [µs].
    peak : int
        Most in progress at once.
    started, ended, highest : ndarray of int64, shape (minutes,)
        By minute: executions that began, that ended, and the most in progress just after one began. What ends with a
        minute has ended in it.
    """

    busy_us: int
    peak: int
    started: NDArray[np.int64]
    ended: NDArray[np.int64]
    highest: NDArray[np.int64]

    @property
    def minutes(self) -> int:
        """How many minutes have been reached."""
        return len(self.ended)

    def per_minute(self, minutes: int) -> NDArray[np.int64]:
        """Return the most in progress at once in each minute, shape (minutes,)."""
        if not minutes:
            return np.zeros(0, dtype=np.int64)
        started, ended, highest = (
            _over(series, minutes) for series in (self.started, self.ended, self.highest)
        )
        at_beginning = np.concatenate([[0], np.cumsum(started - ended)[:-1]])
        most: NDArray[np.int64] = np.maximum(highest, at_beginning)
        return most
