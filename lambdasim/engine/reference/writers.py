"""Columns of records and of items, filled row by row."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Final

import numpy as np
from numpy.typing import NDArray

from lambdasim.engine.contract import RECORD_COLUMNS, RecordChunk
from lambdasim.engine.items import ITEM_COLUMNS, ItemChunk

RECORDS_PER_CHUNK: Final = 1 << 16


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


class RecordWriter:
    """Columns of a chunk, filled row by row.

    Parameters
    ----------
    items : ItemWriter, optional
        Whose items leave with each chunk.
    """

    def __init__(self, items: ItemWriter | None = None) -> None:
        self._items = items
        self.full: deque[RecordChunk] = deque()
        self._start_chunk()

    def _start_chunk(self) -> None:
        self._block = np.empty((len(RECORD_COLUMNS), RECORDS_PER_CHUNK), dtype=np.int64)
        self._columns = [memoryview(column) for column in self._block]  # type: ignore[arg-type]
        self._row = 0

    def write(self, *values: int) -> None:
        """Add one record, its values in the order of ``RECORD_COLUMNS``."""
        row = self._row
        for column, value in zip(self._columns, values, strict=True):
            column[row] = value
        self._row = row + 1
        if self._row == RECORDS_PER_CHUNK:
            self.close_chunk()

    def close_chunk(self) -> None:
        """Hand over what has been written."""
        items = self._items.hand_over() if self._items else None
        if self._row or items:
            block = self._block[:, : self._row]
            self.full.append(RecordChunk(dict(zip(RECORD_COLUMNS, block, strict=True)), items))
            self._start_chunk()
