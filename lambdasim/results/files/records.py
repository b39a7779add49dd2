"""Records as Parquet."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np

from lambdasim.atomic import named
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
from lambdasim.outputs import OutputFolder, noted_input
from lambdasim.results.files.items import ITEMS, ItemFile
from lambdasim.specs.fields import LONGEST_US
from lambdasim.units import US_PER_DAY

if TYPE_CHECKING:
    import pyarrow.parquet as pq

_IN_PROGRESS: Final = (
    "concurrency", "provisioned_concurrency", "account_concurrency", "unreserved_concurrency",
)  # fmt: skip
RECORDS: Final = "records.parquet"
_ROW_GROUP: Final = 1 << 17
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
        import pyarrow as pa

        meta = {"functions": json.dumps(names), "columns": json.dumps(RECORD_COLUMNS)}
        self._folder = folder
        self._names = names
        self._items: ItemFile | None = None
        self._items_room = most
        self._open = ExitStack()
        self._schema = pa.schema([(name, pa.int64()) for name in RECORD_COLUMNS], metadata=meta)
        self._writer: pq.ParquetWriter | None = None
        self._waiting: list[RecordChunk] = []
        self._room = most
        self.given_up = False

    def __enter__(self) -> RecordFile:
        """Begin the file."""
        import pyarrow.parquet as pq

        stream = self._open.enter_context(self._folder.stream(RECORDS))
        self._writer = pq.ParquetWriter(stream, self._schema)
        return self

    def write(self, chunk: RecordChunk) -> None:
        """Add a chunk; row groups are of one size, however the chunks are cut."""
        if self._room is not None:
            self._room -= len(chunk)
            self._items_room = (self._items_room or 0) - (len(chunk.items) if chunk.items is not None else 0)
            self.given_up = min(self._room, self._items_room) < 0
        if self.given_up:
            self._waiting.clear()
            return
        if chunk.items is not None:
            self._items = self._items or ItemFile(self._folder, self._names)
            self._items.write(chunk.items)
        self._waiting.append(chunk)
        if sum(map(len, self._waiting)) >= _ROW_GROUP:
            self._write_groups()

    def _write_groups(self, last: bool = False) -> None:
        """Write what is waiting in whole row groups; the last may be smaller."""
        import pyarrow as pa

        assert self._writer is not None  # noqa: S101 - open between enter and exit
        rows = {name: np.concatenate([chunk[name] for chunk in self._waiting]) for name in RECORD_COLUMNS}
        length = len(rows["function"])
        whole = length if last else length // _ROW_GROUP * _ROW_GROUP
        for first in range(0, whole, _ROW_GROUP):
            group = {name: column[first : min(first + _ROW_GROUP, whole)] for name, column in rows.items()}
            with named(self._folder.path / RECORDS):
                self._writer.write_table(pa.table(group, schema=self._schema))
        self._waiting = [RecordChunk({name: column[whole:] for name, column in rows.items()})]

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        """Finish the file; the folder puts it in its place, or removes it after an error."""
        assert self._writer is not None  # noqa: S101 - open between enter and exit
        with self._open:
            try:
                if kind is None and self._waiting:
                    self._write_groups(last=True)
            finally:
                with named(self._folder.path / RECORDS):
                    self._writer.close()
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
    return longest


def read_records(
    path: Path, names: tuple[str, ...], duration_us: int, longest_us: int
) -> Iterator[RecordChunk]:
    """Read records, chunk by chunk.

    Parameters
    ----------
    path : Path
    names : tuple of str
        The functions that the file must have been written for.
    duration_us : int
        The scenario's length [µs].
    longest_us : int
        See ``longest_wait_us`` [µs].

    Raises
    ------
    InputError
        When the file is missing, was written for other functions, or holds what no run writes.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    if not path.is_file():
        raise InputError.single(str(path), "", "must be a file that `lambdasim simulate --out` wrote")
    noted_input(path)
    try:
        with pq.ParquetFile(path) as file:
            meta = file.schema_arrow.metadata or {}
            if meta.get(b"functions") != json.dumps(names).encode() or file.schema_arrow.names != [
                *RECORD_COLUMNS
            ]:
                raise InputError.single(str(path), "", f"must hold records of {', '.join(names)[:200]}")
            for batch in file.iter_batches(batch_size=1 << 16):
                chunk = RecordChunk(
                    {name: batch.column(name).to_numpy(zero_copy_only=False) for name in RECORD_COLUMNS}
                )
                _check_records(path, chunk, len(names), duration_us + longest_us)
                yield chunk
    except (pa.ArrowException, OSError) as error:
        raise InputError.single(str(path), "", f"cannot be read: {str(error)[:120]}") from None


def _check_records(path: Path, chunk: RecordChunk, functions: int, latest_us: int) -> None:
    """Refuse values that no run writes, before anything is sized by them."""
    kinds = {"start_type": StartType, "outcome": Outcome, "limit": Limit, "event_outcome": EventOutcome}
    highest = {name: len(kind) - 1 for name, kind in kinds.items()} | {
        "function": functions - 1,
        "arrival_us": latest_us,
        "start_us": latest_us,
    }
    for name, values in chunk.columns.items():
        lowest, most = (-1 if name == "exec_env" else 0), highest.get(name, LONGEST_US)
        if values.dtype != np.int64 or (len(values) and not lowest <= values.min() <= values.max() <= most):
            raise InputError.single(str(path), name, f"must be whole numbers from {lowest} to {most}")
    if np.any(np.diff(chunk["start_us"]) < 0):
        raise InputError.single(str(path), "start_us", "must be in order of time")
