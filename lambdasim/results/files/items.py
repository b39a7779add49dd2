"""Messages and records of queues and streams as Parquet, beside the records of a run."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from lambdasim.engine.contract import RECORD_COLUMNS, FunctionPlan, RecordChunk
from lambdasim.engine.items import COUNTERS, ITEM_COLUMNS, ItemChunk, ItemOutcome
from lambdasim.errors import InputError
from lambdasim.outputs import OutputFolder
from lambdasim.results.files.rows import RowFile, check_ranges, opened_rows
from lambdasim.units import US_PER_DAY

ITEMS: Final = "items.parquet"
MOST_NUMBER: Final = (1 << 62) - 1
"""Of an event or item that a function called; those of traffic are counted from 0."""
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
        self._rows = RowFile(folder, ITEMS, ITEM_COLUMNS, names)
        self._last: ItemChunk | None = None

    def write(self, chunk: ItemChunk) -> None:
        """Add a chunk."""
        self._last = chunk
        self._rows.write(chunk.columns)

    def close(self, whole: bool) -> None:
        """Finish the file, with all that is waiting if the run came to its end."""
        counted = {}
        if self._last is not None:
            counters = {name: counts.tolist() for name, counts in self._last.counters.items()}
            counted = {_END: json.dumps({"now_us": self._last.now_us, "counters": counters})}
        self._rows.close(whole, counted)


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
    names = tuple(plan.name for plan in plans)
    with opened_rows(path, "items", [*ITEM_COLUMNS], names) as (meta, batches):
        now_us, counters = _counted(path, meta.get(_END.encode()), len(names))
        known = np.zeros(len(names), dtype=np.int64)
        for columns in batches:
            _check(path, columns, plans, duration_us, longest_us)
            known += np.bincount(columns["function"], minlength=len(names))
            yield _chunk(columns, {"sent": known.copy(), "ended": known.copy()}, now_us)
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
    called = any(plan.calls for plan in plans)
    highest = {
        "item": MOST_NUMBER,
        "function": len(plans) - 1,
        "arrival_us": latest_us if called else duration_us,
        "first_us": latest_us,
        "outcome": len(ItemOutcome) - 1,
        "done_us": latest_us + max(plan.timeout_us + plan.init_cap_us for plan in plans) + US_PER_DAY,
    }
    check_ranges(path, columns, highest, may_be_absent="first_us")
    if np.any(columns["done_us"] < columns["arrival_us"]):
        raise InputError.single(str(path), "done_us", "must not be before arrival_us")
    polled = np.array([plan.source is not None for plan in plans], dtype=bool)
    if not polled[columns["function"]].all():
        raise InputError.single(str(path), "function", "must be functions with a queue or a stream")
    lanes = np.array([plan.source.lanes if plan.source else 0 for plan in plans], dtype=np.int64)
    if np.any(columns["lane"] >= lanes[columns["function"]]):
        raise InputError.single(str(path), "lane", "must be a lane that the function's queue or stream has")
