"""Records as Parquet."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Final

import numpy as np

from lambdasim.engine.contract import (
    RECORD_COLUMNS,
    EventOutcome,
    Limit,
    Outcome,
    Plan,
    RecordChunk,
    StartType,
)
from lambdasim.engine.lanes import Backoff
from lambdasim.errors import InputError
from lambdasim.outputs import OutputFolder
from lambdasim.results.files.items import ITEMS, MOST_NUMBER, ItemFile
from lambdasim.results.files.rows import RowFile, check_ranges, opened_rows
from lambdasim.units import US_PER_DAY

RECORDS: Final = "records.parquet"
_LONGEST_RETRY_US: Final = 7 * US_PER_DAY


class RecordFile:
    """Streams records to Parquet; the file appears, whole, with the other files of its folder.

    Parameters
    ----------
    folder : OutputFolder
        Gets ``records.parquet``, and ``items.parquet`` where a function has a queue or a stream; those that are there
        already go when there are too many records for new ones.
    names : tuple of str
        Functions, in the plan's order; kept in the file's metadata with the meaning of each column.
    most : int, optional
        Records, or messages and records of streams, beyond which none are kept.

    Attributes
    ----------
    given_up : bool
        Whether there were too many.
    """

    def __init__(self, folder: OutputFolder, names: tuple[str, ...], most: int | None = None) -> None:
        self._folder = folder
        self._names = names
        self._rows: RowFile | None = None
        self._items: ItemFile | None = None
        self._room = most
        self._items_room = most
        self.given_up = False

    def __enter__(self) -> RecordFile:
        """Begin the file."""
        self._rows = RowFile(self._folder, RECORDS, RECORD_COLUMNS, self._names)
        return self

    def write(self, chunk: RecordChunk) -> None:
        """Add a chunk."""
        assert self._rows is not None  # noqa: S101 - open between enter and exit
        if self._room is not None:
            self._room -= len(chunk)
            self._items_room = (self._items_room or 0) - (len(chunk.items) if chunk.items is not None else 0)
            self.given_up = min(self._room, self._items_room) < 0
        if self.given_up:
            self._rows.discard()
            return
        if chunk.items is not None:
            self._items = self._items or ItemFile(self._folder, self._names)
            self._items.write(chunk.items)
        self._rows.write(chunk.columns)

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        """Finish the file; the folder puts it in its place, or removes it after an error."""
        assert self._rows is not None  # noqa: S101 - open between enter and exit
        try:
            self._rows.close(whole=kind is None)
        finally:
            if self._items is not None:
                self._items.close(whole=kind is None)
        if self.given_up:
            self._folder.drop(RECORDS)
        if self.given_up or self._items is None:
            self._folder.drop(ITEMS)


def longest_wait_us(plan: Plan) -> int:
    """Give how long after its arrival an attempt may start at most: retries, and what queues and streams keep [µs].

    Parameters
    ----------
    plan : Plan

    Returns
    -------
    int
    """
    longest = _LONGEST_RETRY_US
    for function in plan.functions:
        returns = function.source.returns if function.source is not None else None
        if isinstance(returns, Backoff):
            longest = max(longest, returns.most_age_us)
        elif returns is not None:
            longest = max(longest, returns.retention_us)
    if plan.calls is not None:
        longest *= 1 + plan.calls.most_passes * len(plan.functions)
    return longest


def read_records(
    path: Path, names: tuple[str, ...], calls: int, duration_us: int, longest_us: int
) -> Iterator[RecordChunk]:
    """Read records, chunk by chunk.

    Parameters
    ----------
    path : Path
    names : tuple of str
        The functions that the file must have been written for.
    calls : int
        Calls in the plan.
    duration_us : int
        The scenario's length [µs].
    longest_us : int
        See ``longest_wait_us`` [µs].

    Raises
    ------
    InputError
        When the file is missing, was written for other functions, or holds what no run writes.
    """
    with opened_rows(path, "records", [*RECORD_COLUMNS], names) as (_, batches):
        for columns in batches:
            chunk = RecordChunk(columns)
            _check_records(path, chunk, len(names), calls, duration_us + longest_us)
            yield chunk


def _check_records(path: Path, chunk: RecordChunk, functions: int, calls: int, latest_us: int) -> None:
    """Refuse values that no run writes, before anything is sized by them."""
    kinds = {"start_type": StartType, "outcome": Outcome, "limit": Limit, "event_outcome": EventOutcome}
    highest = {name: len(kind) - 1 for name, kind in kinds.items()} | {
        "function": functions - 1,
        "invocation": MOST_NUMBER,
        "caller": calls,
        "arrival_us": latest_us,
        "start_us": latest_us,
    }
    check_ranges(path, chunk.columns, highest, may_be_absent="exec_env")
    if np.any(np.diff(chunk["start_us"]) < 0):
        raise InputError.single(str(path), "start_us", "must be in order of time")
    has_run = chunk["start_type"] != StartType.NONE
    if np.any(has_run & (chunk["start_us"] < chunk["arrival_us"])):
        raise InputError.single(str(path), "start_us", "must not be before arrival_us")
    for part in ("init_again_us", "post_response_us"):
        if np.any(chunk[part] > chunk["duration_us"]):
            raise InputError.single(str(path), part, "is a part of duration_us, and must not be above it")
