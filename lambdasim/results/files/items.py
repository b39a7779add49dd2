"""Messages and records of queues and streams as Parquet, beside the records of a run."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from lambdasim.atomic import named
from lambdasim.engine.contract import RECORD_COLUMNS, FunctionPlan, RecordChunk
from lambdasim.engine.items import COUNTERS, ITEM_COLUMNS, ItemChunk, ItemOutcome
from lambdasim.errors import InputError
from lambdasim.outputs import OutputFolder, noted_input
from lambdasim.specs.fields import LONGEST_US
from lambdasim.units import US_PER_DAY

if TYPE_CHECKING:
    import pyarrow.parquet as pq

ITEMS: Final = "items.parquet"
_ROW_GROUP: Final = 1 << 17
_END: Final = "counted"
_MOST_COUNTED: Final = (1 << 63) - 1


class ItemFile:
    """Streams items to Parquet; what was counted of them at the end stands in the file's metadata.

    Parameters
    ----------
    folder : OutputFolder
        Gets ``items.parquet``.
    names : tuple of str
        Functions, in the plan's order.
    """

    def __init__(self, folder: OutputFolder, names: tuple[str, ...]) -> None:
        import pyarrow as pa
        import pyarrow.parquet as pq

        meta = {"functions": json.dumps(names), "columns": json.dumps(ITEM_COLUMNS)}
        self._folder = folder
        self._open = ExitStack()
        self._schema = pa.schema([(name, pa.int64()) for name in ITEM_COLUMNS], metadata=meta)
        stream = self._open.enter_context(folder.stream(ITEMS))
        self._writer: pq.ParquetWriter = pq.ParquetWriter(stream, self._schema)
        self._waiting: list[ItemChunk] = []
        self._last: ItemChunk | None = None

    def write(self, chunk: ItemChunk) -> None:
        """Add a chunk; row groups are of one size, however the chunks are cut."""
        self._last = chunk
        self._waiting.append(chunk)
        if sum(map(len, self._waiting)) >= _ROW_GROUP:
            self._write_groups()

    def _write_groups(self, last: bool = False) -> None:
        import pyarrow as pa

        rows = {name: np.concatenate([chunk[name] for chunk in self._waiting]) for name in ITEM_COLUMNS}
        length = len(rows["function"])
        whole = length if last else length // _ROW_GROUP * _ROW_GROUP
        for first in range(0, whole, _ROW_GROUP):
            group = {name: column[first : min(first + _ROW_GROUP, whole)] for name, column in rows.items()}
            with named(self._folder.path / ITEMS):
                self._writer.write_table(pa.table(group, schema=self._schema))
        rest = {name: column[whole:] for name, column in rows.items()}
        self._waiting = [ItemChunk(rest, self._waiting[-1].counters, self._waiting[-1].now_us)]

    def close(self, whole: bool) -> None:
        """Finish the file, with all that is waiting if the run came to its end."""
        with self._open:
            try:
                if whole and self._last is not None:
                    self._write_groups(last=True)
                    counters = {name: counts.tolist() for name, counts in self._last.counters.items()}
                    counted = {"now_us": self._last.now_us, "counters": counters}
                    self._writer.add_key_value_metadata({_END: json.dumps(counted)})
            finally:
                with named(self._folder.path / ITEMS):
                    self._writer.close()


def read_items(
    path: Path, plans: Sequence[FunctionPlan], duration_us: int, longest_us: int
) -> Iterator[RecordChunk]:
    """Read items, chunk by chunk, as chunks of no attempts.

    Parameters
    ----------
    path : Path
    plans : sequence of FunctionPlan
        The functions that the file must have been written for.
    duration_us : int
        The scenario's length [µs].
    longest_us : int
        How long after its arrival an attempt may start at most, see ``records.longest_wait_us`` [µs].

    Yields
    ------
    RecordChunk
        What was counted up to the end comes with the last one; before it, what was read stands for that.

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
    names = tuple(plan.name for plan in plans)
    try:
        with pq.ParquetFile(path) as file:
            meta = file.metadata.metadata or {}
            if meta.get(b"functions") != json.dumps(names).encode() or file.schema_arrow.names != [
                *ITEM_COLUMNS
            ]:
                raise InputError.single(str(path), "", f"must hold items of {', '.join(names)[:200]}")
            now_us, counters = _counted(path, meta.get(_END.encode()), len(names))
            known = np.zeros(len(names), dtype=np.int64)
            for batch in file.iter_batches(batch_size=1 << 16):
                columns = {name: batch.column(name).to_numpy(zero_copy_only=False) for name in ITEM_COLUMNS}
                _check(path, columns, plans, duration_us, longest_us)
                known += np.bincount(columns["function"], minlength=len(names))
                yield _chunk(columns, {"sent": known.copy(), "ended": known.copy()}, now_us)
    except (pa.ArrowException, OSError) as error:
        raise InputError.single(str(path), "", f"cannot be read: {str(error)[:120]}") from None
    yield _chunk({name: np.zeros(0, dtype=np.int64) for name in ITEM_COLUMNS}, counters, now_us)


def _chunk(
    columns: dict[str, NDArray[np.int64]], counters: Mapping[str, NDArray[np.int64]], now_us: int
) -> RecordChunk:
    nothing = np.zeros(0, dtype=np.int64)
    functions = len(next(iter(counters.values())))
    whole = {name: counters.get(name, np.zeros(functions, dtype=np.int64)) for name in COUNTERS}
    return RecordChunk(dict.fromkeys(RECORD_COLUMNS, nothing), ItemChunk(columns, whole, now_us))


def _counted(path: Path, text: bytes | None, functions: int) -> tuple[int, dict[str, NDArray[np.int64]]]:
    """Read what was counted at the end."""
    wrong = InputError.single(str(path), _END, "must be whole numbers of each function, as a run counts them")
    try:
        content: Any = json.loads(text or b"")
        now_us = content["now_us"]
        columns = {name: content["counters"][name] for name in COUNTERS}
    except (ValueError, KeyError, TypeError, RecursionError):
        raise wrong from None
    for values in ([now_us], *columns.values()):
        if not isinstance(values, list) or any(
            type(value) is not int or not 0 <= value <= _MOST_COUNTED for value in values
        ):
            raise wrong
    if any(len(values) != functions for values in columns.values()):
        raise wrong
    return now_us, {name: np.array(values, dtype=np.int64) for name, values in columns.items()}


def _check(
    path: Path,
    columns: Mapping[str, NDArray[np.int64]],
    plans: Sequence[FunctionPlan],
    duration_us: int,
    longest_us: int,
) -> None:
    """Refuse values that no run writes, before anything is sized by them."""
    latest_us = duration_us + longest_us
    highest = {
        "function": len(plans) - 1,
        "arrival_us": duration_us,
        "first_us": latest_us,
        "outcome": len(ItemOutcome) - 1,
        "done_us": latest_us + max(plan.timeout_us + plan.init_cap_us for plan in plans) + US_PER_DAY,
    }
    for name, values in columns.items():
        lowest, most = (-1 if name == "first_us" else 0), highest.get(name, LONGEST_US)
        if values.dtype != np.int64 or (len(values) and not lowest <= values.min() <= values.max() <= most):
            raise InputError.single(str(path), name, f"must be whole numbers from {lowest} to {most}")
    if np.any(columns["done_us"] < columns["arrival_us"]):
        raise InputError.single(str(path), "done_us", "must not be before arrival_us")
    polled = np.array([plan.source is not None for plan in plans], dtype=bool)
    if not polled[columns["function"]].all():
        raise InputError.single(str(path), "function", "must be functions with a queue or a stream")
    lanes = np.array([plan.source.lanes if plan.source else 0 for plan in plans], dtype=np.int64)
    if np.any(columns["lane"] >= lanes[columns["function"]]):
        raise InputError.single(str(path), "lane", "must be a lane that the function's queue or stream has")
