"""What happens in each minute: counts in CloudWatch's names, and executions in progress.

A window of minutes is summed up at a time; when it has passed, what is not zero is put away in the narrowest numbers.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from lambdasim.engine.contract import Limit
from lambdasim.units import US_PER_MS

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


# Two counts are kept by how far they lie from others that they follow closely.
_DURATION, _WITH_INIT, _WITHOUT_INIT, _PROVISIONED_BILLED = (
    COUNTS.index(name)
    for name in ("DurationSum_us", "BilledMsWithInit", "BilledMsWithoutInit", "ProvisionedBilledMs")
)
_SPARSE: Final = 4  # where at most one row in so many is not zero, only those are kept


class _Sparse(NamedTuple):
    """A column that is mostly zero.

    Attributes
    ----------
    places, values : ndarray, shape (n,)
        Rows that are not zero, rising, and what they are.
    """

    places: NDArray[np.int64]
    values: NDArray[np.int64]


class _Window(NamedTuple):
    """Minutes that have passed.

    Attributes
    ----------
    first : int
        Minute with which it begins.
    offsets : ndarray, shape (n_owners + 1,)
        Where each owner's active minutes begin.
    minutes : ndarray, shape (n_active,)
        After the first.
    columns : dict of int to ndarray, shape (n_active,), or _Sparse
        By row; a row that is missing is zero.
    """

    first: int
    offsets: NDArray[np.int64]
    minutes: NDArray[np.int64]
    columns: dict[int, NDArray[np.int64] | _Sparse]

    def of(self, row: int, own: slice) -> NDArray[np.int64]:
        """Return a row of an owner's minutes."""
        if row == _WITH_INIT:
            return self._kept(row, own) + self._kept(_WITHOUT_INIT, own)
        if row == _DURATION:
            billed = self._kept(_WITHOUT_INIT, own) + self._kept(_PROVISIONED_BILLED, own)
            return billed * US_PER_MS - self._kept(row, own)
        return self._kept(row, own)

    def _kept(self, row: int, own: slice) -> NDArray[np.int64]:
        column = self.columns.get(row)
        if isinstance(column, np.ndarray):
            return column[own].astype(np.int64)
        values = np.zeros(own.stop - own.start, dtype=np.int64)
        if column is not None:
            first, stop = np.searchsorted(column.places, (own.start, own.stop))
            values[column.places[first:stop].astype(np.int64) - own.start] = column.values[first:stop]
        return values


def narrow(values: NDArray[np.int64]) -> NDArray[np.int64]:
    """Keep whole numbers from 0 in the fewest bytes; there must be at least one."""
    most = values.max()
    kept: NDArray[np.int64] = values.astype(next(kind for kind in _NARROW if most <= np.iinfo(kind).max))
    return kept


def _column(values: NDArray[np.int64]) -> NDArray[np.int64] | _Sparse:
    places = np.flatnonzero(values)
    if len(places) * _SPARSE > len(values):
        return narrow(values)
    return _Sparse(narrow(places), narrow(values[places]))


class MinuteLog:
    """Rows by minute of many owners: functions, then the account and its unreserved pool.

    Parameters
    ----------
    owners : int
    functions : int
        How many of them are functions; the others have larger numbers and are kept apart.
    """

    def __init__(self, owners: int, functions: int) -> None:
        self._owners = owners
        self._functions = functions
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
            Durations are at most, and by less than a millisecond a run less than, what is billed without INIT.
        """
        apart = int(np.searchsorted(owners, self._functions))
        for part in (slice(0, apart), slice(apart, len(owners))):
            if part.start == part.stop:
                continue
            kept = values[part].copy()
            billed = kept[:, _WITHOUT_INIT] + kept[:, _PROVISIONED_BILLED]
            kept[:, _DURATION] = billed * US_PER_MS - kept[:, _DURATION]
            kept[:, _WITH_INIT] -= kept[:, _WITHOUT_INIT]
            used = np.flatnonzero(kept.any(axis=0)).tolist()
            offsets = np.searchsorted(owners[part], np.arange(self._owners + 1))
            columns = {row: _column(kept[:, row]) for row in used}
            self._windows.append(_Window(first, narrow(offsets), narrow(minutes[part]), columns))

    def rows(self, owner: int, wanted: tuple[int, ...], minutes: int, first: int = 0) -> NDArray[np.int64]:
        """Return rows of an owner from one minute up to another, shape (n_wanted, minutes - first)."""
        found = np.zeros((len(wanted), minutes - first), dtype=np.int64)
        for window in self._windows:
            if window.first >= minutes:
                break
            own = slice(int(window.offsets[owner]), int(window.offsets[owner + 1]))
            if own.start == own.stop:
                continue
            at = window.first + window.minutes[own].astype(np.int64)
            within = (at >= first) & (at < minutes)
            for place, row in enumerate(wanted):
                found[place, at[within] - first] = window.of(row, own)[within]
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
