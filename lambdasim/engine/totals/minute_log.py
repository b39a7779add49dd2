"""Rows by minute of thousands of functions: what has passed is kept packed, and read a few functions at a time."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from lambdasim.engine.totals.minute_rows import (
    COUNTS,
    ENDED,
    HIGHEST,
    PROVISIONED_ENDED,
    PROVISIONED_HIGHEST,
    ROWS,
)
from lambdasim.engine.totals.packed import Packed, narrow
from lambdasim.errors import ConservationError
from lambdasim.units import US_PER_MS

_GROUP_BITS: Final = 4
_AT_ONCE: Final = 1 << 17  # rows that are packed together

_INVOCATIONS, _ON_PROVISIONED, _DURATION, _WITH_INIT, _WITHOUT_INIT, _PROVISIONED_BILLED = (
    COUNTS.index(name)
    for name in (
        "Invocations", "ProvisionedConcurrencyInvocations", "DurationSum_us", "BilledMsWithInit",
        "BilledMsWithoutInit", "ProvisionedBilledMs",
    )
)  # fmt: skip
_Column = Callable[[int], NDArray[np.int64]]
# Executions that ended in a minute are mostly those that began in it, and mostly one is in progress at once.
_CLOSE: Final = {ENDED: _INVOCATIONS, PROVISIONED_ENDED: _ON_PROVISIONED}
_FROM_ONE: Final = {HIGHEST: _INVOCATIONS, PROVISIONED_HIGHEST: _ON_PROVISIONED}


def _difference(values: NDArray[np.int64], base: NDArray[np.int64]) -> NDArray[np.int64]:
    """Give how far numbers lie from others, as numbers from 0: 0, -1, 1, -2, ..."""
    apart = values - base
    folded: NDArray[np.int64] = np.bitwise_xor(apart << 1, apart >> 63)
    return folded


def _restored(difference: NDArray[np.int64], base: NDArray[np.int64]) -> NDArray[np.int64]:
    return base + ((difference >> 1) ^ -(difference & 1))


class _Block(NamedTuple):
    """Minutes of some stretch of time, by owner and then by minute.

    Attributes
    ----------
    first, span : int
        Minute with which it begins, and how many it has.
    starts : ndarray, shape (n_groups + 1,)
        Rows with which each group of owners begins.
    keys : ndarray of int64, shape (n_groups,)
        Of the last row before each group: owner times span, plus the minute after the first.
    gaps : Packed
        How many keys lie between a row's and the one before.
    columns : dict of int to Packed
        By row of a minute; one that is missing is zero.
    """

    first: int
    span: int
    starts: NDArray[np.int64]
    keys: NDArray[np.int64]
    gaps: Packed
    columns: dict[int, Packed]

    @classmethod
    def of(
        cls, groups: int, owners: NDArray[np.int64], minutes: NDArray[np.int64], values: _Column
    ) -> _Block:
        """Pack minutes that are in order of owners, then minutes."""
        first = int(minutes.min())
        span = int(minutes.max()) - first + 1
        keys = np.concatenate([[-1], owners * span + (minutes - first)])
        starts = np.searchsorted(owners, np.arange(groups + 1) << _GROUP_BITS)
        gaps = Packed.of(np.diff(keys) - 1, starts)
        columns = {
            row: Packed.of(column, starts) for row in range(ROWS) if (column := _written(values, row)).any()
        }
        return cls(first, span, narrow(starts), keys[starts[:-1]], gaps, columns)

    def rows_of(self, group: int) -> tuple[int, int, int]:
        """Return a group with its rows."""
        return group, int(self.starts[group]), int(self.starts[group + 1])


def _written(values: _Column, row: int) -> NDArray[np.int64]:
    """Give how a row is kept: some by how far it lies from another, which it follows closely."""
    column = values(row)
    if row in _CLOSE:
        return _difference(column, values(_CLOSE[row]))
    if row in _FROM_ONE:
        column = column - np.minimum(values(_FROM_ONE[row]), 1)
    elif row == _WITH_INIT:
        column = column - values(_WITHOUT_INIT)
    elif row == _DURATION:
        # Of functions on managed instances no duration is billed.
        billed = values(_WITHOUT_INIT) + values(_PROVISIONED_BILLED)
        column = np.where(billed > 0, billed * US_PER_MS - column, column)
    if column.min() < 0:
        raise ConservationError("more ran in a minute than began in it or was billed for it")
    return column


class _Opened:
    """Rows of one group of owners, read when asked for."""

    def __init__(self, group: int, blocks: list[_Block]) -> None:
        self.group = group
        self._blocks = [block for block in blocks if block.starts[group] < block.starts[group + 1]]
        keys = [
            block.keys[group] + np.cumsum(block.gaps.read(*block.rows_of(group)) + 1)
            for block in self._blocks
        ]
        pairs = [np.divmod(key, block.span) for key, block in zip(keys, self._blocks, strict=True)]
        owners = _joined([owner for owner, _ in pairs])
        minutes = _joined(
            [minute + block.first for (_, minute), block in zip(pairs, self._blocks, strict=True)]
        )
        self._order = np.argsort(owners, kind="stable")
        self._minutes = minutes[self._order]
        first = group << _GROUP_BITS
        self._begins = np.searchsorted(owners[self._order], np.arange(first, first + (1 << _GROUP_BITS) + 1))
        self._rows: dict[int, NDArray[np.int64]] = {}

    def minutes(self, owner: int) -> tuple[slice, NDArray[np.int64]]:
        """Return where an owner's minutes are, and which they are, rising."""
        place = owner - (self.group << _GROUP_BITS)
        own = slice(int(self._begins[place]), int(self._begins[place + 1]))
        return own, self._minutes[own]

    def row(self, row: int, own: slice) -> NDArray[np.int64]:
        """Return a row of an owner's minutes."""
        kept = self._kept(row)[own].astype(np.int64)
        if row in _CLOSE:
            return _restored(kept, self.row(_CLOSE[row], own))
        if row in _FROM_ONE:
            return kept + np.minimum(self.row(_FROM_ONE[row], own), 1)
        if row == _WITH_INIT:
            return kept + self.row(_WITHOUT_INIT, own)
        if row == _DURATION:
            billed = self.row(_WITHOUT_INIT, own) + self.row(_PROVISIONED_BILLED, own)
            return np.where(billed > 0, billed * US_PER_MS - kept, kept)
        return kept

    def _kept(self, row: int) -> NDArray[np.int64]:
        if row not in self._rows:
            nothing = Packed(())
            parts = [
                block.columns.get(row, nothing).read(*block.rows_of(self.group)) for block in self._blocks
            ]
            read = _joined(parts)[self._order]
            self._rows[row] = narrow(read) if len(read) else read
        return self._rows[row]


def _joined(parts: list[NDArray[np.int64]]) -> NDArray[np.int64]:
    return np.concatenate(parts) if parts else np.zeros(0, dtype=np.int64)


class MinuteLog:
    """Rows by minute of many owners: functions, the account, its unreserved pool.

    Parameters
    ----------
    owners : int
    """

    def __init__(self, owners: int) -> None:
        self._groups = (owners >> _GROUP_BITS) + 1
        self._blocks: list[_Block] = []
        self._waiting: list[tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]] = []
        self._length = 0
        self._opened: _Opened | None = None

    def keep(self, owners: NDArray[np.int64], minutes: NDArray[np.int64], values: NDArray[np.int64]) -> None:
        """Put minutes away.

        Parameters
        ----------
        owners, minutes : ndarray of int64, shape (n_active,)
            Whose, and which; in order of owners, then minutes. Later calls have later minutes.
        values : ndarray of int64, shape (n_active, ROWS)
            Durations are at most, and by less than a millisecond a run less than, what is billed without INIT.
        """
        if len(owners):
            self._waiting.append((owners, minutes, values))
            self._length += len(owners)
            if self._length >= _AT_ONCE:
                self._pack()

    def _pack(self) -> None:
        if self._waiting:
            waiting, self._waiting, self._length, self._opened = self._waiting, [], 0, None
            owners, minutes = (np.concatenate([part[place] for part in waiting]) for place in range(2))
            order = np.argsort(owners, kind="stable")

            table = np.empty((ROWS, len(order)), dtype=np.int64)
            np.concatenate([values.T for _, _, values in waiting], axis=1, out=table)
            waiting.clear()

            def column(row: int) -> NDArray[np.int64]:
                return np.take(table[row], order)

            self._blocks.append(_Block.of(self._groups, owners[order], minutes[order], column))

    def _open(self, owner: int) -> _Opened:
        self._pack()
        group = owner >> _GROUP_BITS
        if self._opened is None or self._opened.group != group:
            self._opened = _Opened(group, self._blocks)
        return self._opened

    def minutes(self, owner: int) -> NDArray[np.int64]:
        """Return the minutes of an owner that were put away, rising."""
        return self._open(owner).minutes(owner)[1]

    def rows(self, owner: int, wanted: tuple[int, ...], minutes: int, first: int = 0) -> NDArray[np.int64]:
        """Return rows of an owner from one minute up to another, shape (n_wanted, minutes - first)."""
        own, at = self._open(owner).minutes(owner)
        begin, end = np.searchsorted(at, (first, minutes)).tolist()
        found = np.zeros((len(wanted), minutes - first), dtype=np.int64)
        self._fill(found, owner, wanted, slice(own.start + begin, own.start + end), at[begin:end] - first)
        return found

    def rows_at(self, owner: int, wanted: tuple[int, ...], minutes: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return rows of an owner in some minutes, rising, among them all that were put away; shape (n_wanted, n)."""
        own, at = self._open(owner).minutes(owner)
        found = np.zeros((len(wanted), len(minutes)), dtype=np.int64)
        self._fill(found, owner, wanted, own, np.searchsorted(minutes, at))
        return found

    def _fill(
        self,
        found: NDArray[np.int64],
        owner: int,
        wanted: tuple[int, ...],
        own: slice,
        places: NDArray[np.int64],
    ) -> None:
        opened = self._open(owner)
        for place, row in enumerate(wanted):
            found[place, places] = opened.row(row, own)

    @property
    def nbytes(self) -> int:
        """Bytes taken by what is packed."""
        return sum(
            block.starts.nbytes
            + block.keys.nbytes
            + sum(one.nbytes for one in (block.gaps, *block.columns.values()))
            for block in self._blocks
        )

    def __getstate__(self) -> dict[str, Any]:
        """Give what is packed, without what is open."""
        self._pack()
        return {**vars(self), "_opened": None}
