"""Columns of records and of items, filled row by row."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from struct import Struct
from typing import Final

import numpy as np
from numpy.typing import NDArray

from lambdasim.engine.chains import CHAIN_COLUMNS, EXECUTION_COLUMNS, ChainChunk, ExecutionChunk
from lambdasim.engine.contract import RECORD_COLUMNS, RecordChunk
from lambdasim.engine.items import ITEM_COLUMNS, ItemChunk

RECORDS_PER_CHUNK: Final = 1 << 16
_ROW: Final = Struct(f"{len(RECORD_COLUMNS)}q")
_EVENT_OUTCOME: Final = list(RECORD_COLUMNS).index("event_outcome")


class ItemWriter:
    """Items that ended, kept until the next chunk of records leaves.

    Parameters
    ----------
    counted : callable
        Gives the moment, and each counter by function.
    """

    def __init__(self, counted: Callable[[], tuple[int, dict[str, NDArray[np.int64]]]]) -> None:
        self._counted = counted
        self._rows: list[tuple[int, ...]] = []

    def write(self, *values: int) -> None:
        """Add one item, its values in the order of ``ITEM_COLUMNS``."""
        self._rows.append(values)

    def hand_over(self) -> ItemChunk:
        """Give what has been written."""
        block = np.array(self._rows, dtype=np.int64).reshape(-1, len(ITEM_COLUMNS)).T
        self._rows = []
        now_us, counters = self._counted()
        return ItemChunk(dict(zip(ITEM_COLUMNS, block, strict=True)), counters, now_us)


class ChainWriter:
    """Chains that ended, kept until the next chunk of records leaves.

    Parameters
    ----------
    counted : callable
        Gives each counter by call, how many chains have begun, and how many go on.
    """

    def __init__(self, counted: Callable[[], tuple[dict[str, NDArray[np.int64]], int, int]]) -> None:
        self._counted = counted
        self._rows: list[tuple[int, ...]] = []

    def write(self, *values: int) -> None:
        """Add one chain, its values in the order of ``CHAIN_COLUMNS``."""
        self._rows.append(values)

    def hand_over(self) -> ChainChunk:
        """Give what has been written."""
        block = np.array(self._rows, dtype=np.int64).reshape(-1, len(CHAIN_COLUMNS)).T
        self._rows = []
        return ChainChunk(dict(zip(CHAIN_COLUMNS, block, strict=True)), *self._counted())


class ExecutionWriter:
    """Executions of state machines that ended, kept until the next chunk of records leaves."""

    def __init__(self) -> None:
        self._rows: list[tuple[int, ...]] = []

    def write(self, *values: int) -> None:
        """Add one execution, its values in the order of ``EXECUTION_COLUMNS``."""
        self._rows.append(values)

    def hand_over(self) -> ExecutionChunk:
        """Give what has been written."""
        block = np.array(self._rows, dtype=np.int64).reshape(-1, len(EXECUTION_COLUMNS)).T
        self._rows = []
        return ExecutionChunk(dict(zip(EXECUTION_COLUMNS, block, strict=True)))


class Row:
    """A record that is kept its place: filled in when its run has ended, and resolved when its event's outcome is known.

    Parameters
    ----------
    chunk : OpenChunk
    place : int
    """

    __slots__ = ("_chunk", "_missing", "_outcome", "_place")

    def __init__(self, chunk: OpenChunk, place: int) -> None:
        self._chunk = chunk
        self._place = place
        self._missing = 2
        self._outcome: int | None = None

    def fill(self, *values: int) -> None:
        """Write the whole record; the event's outcome is what it is resolved to."""
        _ROW.pack_into(self._chunk.memory, self._place * _ROW.size, *values)
        if self._outcome is not None:
            self._chunk.rows[self._place, _EVENT_OUTCOME] = self._outcome
        self._has_come()

    def resolve(self, outcome: int) -> None:
        """Say for good what became of the event with this attempt."""
        self._outcome = outcome
        self._chunk.rows[self._place, _EVENT_OUTCOME] = outcome
        self._has_come()

    def _has_come(self) -> None:
        self._missing -= 1
        if not self._missing:
            self._chunk.waits_for -= 1


class OpenChunk:
    """Rows that are being filled, ``length`` so far; ``waits_for`` counts those that are kept and not complete."""

    def __init__(self) -> None:
        self.rows = np.empty((RECORDS_PER_CHUNK, len(RECORD_COLUMNS)), dtype=np.int64)
        self.length = 0
        self.waits_for = 0
        self.memory = self.rows.data

    def columns(self) -> dict[str, NDArray[np.int64]]:
        """Give what has been written, by column."""
        block = np.ascontiguousarray(self.rows[: self.length].T)
        return dict(zip(RECORD_COLUMNS, block, strict=True))


class RecordWriter:
    """Records, written row by row and handed over by column.

    Parameters
    ----------
    items : ItemWriter, optional
        Whose items leave with each chunk.
    chains : ChainWriter, optional
        Whose chains do.
    executions : ExecutionWriter, optional
        Whose executions do.
    """

    def __init__(
        self,
        items: ItemWriter | None = None,
        chains: ChainWriter | None = None,
        executions: ExecutionWriter | None = None,
    ) -> None:
        self._executions = executions
        self._items = items
        self._chains = chains
        self.closed: deque[OpenChunk] = deque()
        self._open = OpenChunk()

    def write(self, *values: int) -> None:
        """Add one record, its values in the order of ``RECORD_COLUMNS``."""
        chunk = self._open
        _ROW.pack_into(chunk.memory, chunk.length * _ROW.size, *values)
        self._next_row()

    def keep(self) -> Row:
        """Keep the next record its place."""
        row = Row(self._open, self._open.length)
        self._open.waits_for += 1
        self._next_row()
        return row

    def _next_row(self) -> None:
        self._open.length += 1
        if self._open.length == RECORDS_PER_CHUNK:
            self.closed.append(self._open)
            self._open = OpenChunk()

    @property
    def is_ready(self) -> bool:
        """Whether a chunk is full and complete."""
        return bool(self.closed) and not self.closed[0].waits_for

    def take(self) -> RecordChunk:
        """Hand over the next chunk, with the items and chains that ended meanwhile."""
        return self._handed_over(self.closed.popleft())

    def rest(self) -> Iterator[RecordChunk]:
        """Hand over all that is left when a run has ended."""
        while self.closed:
            yield self.take()
        if self._open.length or self._items or self._chains:
            yield self._handed_over(self._open)

    def _handed_over(self, chunk: OpenChunk) -> RecordChunk:
        items = self._items.hand_over() if self._items else None
        chains = self._chains.hand_over() if self._chains else None
        executions = self._executions.hand_over() if self._executions else None
        return RecordChunk(chunk.columns(), items, chains, executions)
