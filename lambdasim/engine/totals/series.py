"""What happens in each minute: counts in CloudWatch's names, and executions in progress.

A window of minutes is summed up at a time; when it has passed, what is not zero is put away in the narrowest numbers.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, NamedTuple

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

# Rows of a minute: the counts, then executions that ended in it, and the most in progress just after one began.
ENDED, HIGHEST, PROVISIONED_ENDED, PROVISIONED_HIGHEST = range(len(COUNTS), len(COUNTS) + 4)
ROWS: Final = len(COUNTS) + 4
_ALL: Final = (COUNTS.index("Invocations"), ENDED, HIGHEST)
_ON_PROVISIONED: Final = (
    COUNTS.index("ProvisionedConcurrencyInvocations"),
    PROVISIONED_ENDED,
    PROVISIONED_HIGHEST,
)
_NARROW: Final = (np.uint8, np.uint16, np.uint32, np.int64)


class _Window(NamedTuple):
    """Minutes that have passed.

    Attributes
    ----------
    first : int
        Minute with which it begins.
    offsets : ndarray of int64, shape (n_owners + 1,)
        Where each owner's active minutes begin.
    minutes : ndarray, shape (n_active,)
        After the first.
    values : dict of int to ndarray, shape (n_active,)
        By row; a row that is missing is zero.
    """

    first: int
    offsets: NDArray[np.int64]
    minutes: NDArray[np.int64]
    values: dict[int, NDArray[np.int64]]


def narrow(values: NDArray[np.int64]) -> NDArray[np.int64]:
    """Keep whole numbers from 0 in the fewest bytes; there must be at least one."""
    most = values.max()
    kept: NDArray[np.int64] = values.astype(next(kind for kind in _NARROW if most <= np.iinfo(kind).max))
    return kept


class MinuteLog:
    """Rows by minute of many owners: functions, then the account and its unreserved pool."""

    def __init__(self, owners: int) -> None:
        self._owners = owners
        self._windows: list[_Window] = []

    def keep(
        self, first: int, owners: NDArray[np.int64], minutes: NDArray[np.int64], values: NDArray[np.int64]
    ) -> None:
        """Put minutes away.

        Parameters
        ----------
        first : int
            Minute with which they begin; calls come in rising order.
        owners, minutes : ndarray of int64, shape (n_active,)
            Whose, and which after the first; in order of owners.
        values : ndarray of int64, shape (n_active, ROWS)
        """
        if len(owners):
            used = np.flatnonzero(values.any(axis=0)).tolist()
            offsets = np.searchsorted(owners, np.arange(self._owners + 1))
            kept = {row: narrow(values[:, row]) for row in used}
            self._windows.append(_Window(first, offsets, narrow(minutes), kept))

    def rows(self, owner: int, wanted: tuple[int, ...], minutes: int, first: int = 0) -> NDArray[np.int64]:
        """Return rows of an owner from one minute up to another, shape (n_wanted, minutes - first)."""
        found = np.zeros((len(wanted), minutes - first), dtype=np.int64)
        for window in self._windows:
            if window.first >= minutes:
                break
            own = slice(*window.offsets[owner : owner + 2])
            at = window.first + window.minutes[own].astype(np.int64)
            within = (at >= first) & (at < minutes)
            for place, row in enumerate(wanted):
                if row in window.values:
                    found[place, at[within] - first] = window.values[row][own][within]
        return found


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

    def of(self, *names: str) -> list[NDArray[np.int64]]:
        """Return some counts over the minutes reached, each of shape (minutes,)."""
        return [*self._log.rows(self._owner, tuple(map(COUNTS.index, names)), self.minutes)]


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
