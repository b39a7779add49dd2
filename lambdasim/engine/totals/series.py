"""What happens in each minute: counts in CloudWatch's names, and executions in progress.

A window of minutes is summed up at a time; when it has passed, what is not zero is put away, see ``minute_log``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from lambdasim.engine.totals.minute_log import MinuteLog
from lambdasim.engine.totals.minute_rows import COUNTS, ENDED, HIGHEST, PROVISIONED_ENDED, PROVISIONED_HIGHEST

_ALL: Final = (COUNTS.index("Invocations"), ENDED, HIGHEST)
_ON_PROVISIONED: Final = (
    COUNTS.index("ProvisionedConcurrencyInvocations"),
    PROVISIONED_ENDED,
    PROVISIONED_HIGHEST,
)


@dataclass(frozen=True, eq=False)
class MinuteCounts:
    """Whole numbers added up per minute.

    Attributes
    ----------
    minutes : int
        How many minutes have been reached.
    """

    minutes: int
    _log: MinuteLog
    _owner: int

    def padded(self, minutes: int, first: int = 0) -> dict[str, NDArray[np.int64]]:
        """Return every count from one minute up to another, each of shape (minutes - first,)."""
        rows = self._log.rows(self._owner, tuple(range(len(COUNTS))), minutes, first)
        return dict(zip(COUNTS, rows, strict=True))

    def of(self, *names: str, first: int = 0, stop: int | None = None) -> list[NDArray[np.int64]]:
        """Return some counts from one minute up to another, each of shape (stop - first,); default: those reached."""
        wanted = tuple(map(COUNTS.index, names))
        return [*self._log.rows(self._owner, wanted, self.minutes if stop is None else stop, first)]

    def active(self) -> NDArray[np.int64]:
        """Return the minutes in which anything was counted or ended, rising."""
        return self._log.minutes(self._owner)

    def at(self, minutes: NDArray[np.int64]) -> dict[str, NDArray[np.int64]]:
        """Return every count in some minutes, rising; each of shape (n_minutes,)."""
        rows = self._log.rows_at(self._owner, tuple(range(len(COUNTS))), minutes)
        return dict(zip(COUNTS, rows, strict=True))


@dataclass(frozen=True, eq=False)
class Concurrency:
    """Executions in progress.

    Attributes
    ----------
    busy_us : int
        Sum of all executions' times [µs].
    peak : int
        Most in progress at once.
    minutes : int
        How many minutes have been reached. What ends with a minute has ended in it.
    provisioned : bool
        Whether it is those on provisioned environments.
    """

    busy_us: int
    peak: int
    minutes: int
    _log: MinuteLog
    _owner: int
    provisioned: bool = False

    def per_minute(self, minutes: int) -> NDArray[np.int64]:
        """Return the most in progress at once in each minute, shape (minutes,)."""
        if not minutes:
            return np.zeros(0, dtype=np.int64)
        rows = _ON_PROVISIONED if self.provisioned else _ALL
        started, ended, highest = self._log.rows(self._owner, rows, minutes)
        at_beginning = np.concatenate([[0], np.cumsum(started - ended)[:-1]])
        most: NDArray[np.int64] = np.maximum(highest, at_beginning)
        return most
