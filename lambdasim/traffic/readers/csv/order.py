"""Chunks put in order of time while they stream, within a window of bounded memory."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Final

import numpy as np

from lambdasim.errors import TraceError
from lambdasim.traffic.readers.csv.table import TableChunk
from lambdasim.units import from_epoch_us

if TYPE_CHECKING:
    import pandas as pd

WINDOW_CHUNKS: Final = 8
"""Chunks held back. A chunk is about 2 MiB of text, so a file below 16 MiB may be in any order."""


def in_order(chunks: Iterable[TableChunk], window: int = WINDOW_CHUNKS) -> Iterator[pd.DataFrame]:
    """Yield the same rows in order of ``timestamp_us``; rows of one time keep their order in the file.

    Parameters
    ----------
    chunks : iterable of TableChunk
        In the order of the file.
    window : int
        How many chunks are held back to receive rows that come late.

    Raises
    ------
    TraceError
        At a row that is earlier than what left the window: to sort it in would need memory without bound.
    """
    held: deque[pd.DataFrame] = deque()
    left_us: int | None = None
    for chunk in chunks:
        frame = chunk.frame
        times_us = frame["timestamp_us"].to_numpy()
        first_us = int(times_us.min())
        if left_us is not None and first_us < left_us:
            _refuse(chunk, int(np.argmax(times_us < left_us)), window)
        if np.any(times_us[1:] < times_us[:-1]):
            frame = _sorted(frame)
        if held and first_us < _last_us(held[-1]):
            _insert(held, frame)
        else:
            held.append(frame)
        while len(held) > window:
            done = held.popleft()
            left_us = _last_us(done)
            yield done
    yield from held


def _insert(held: deque[pd.DataFrame], frame: pd.DataFrame) -> None:
    import pandas as pd

    first_us = int(frame["timestamp_us"].iloc[0])
    later: list[pd.DataFrame] = [frame]
    while held and _last_us(held[-1]) > first_us:
        later.insert(0, held.pop())
    merged = _sorted(pd.concat(later, ignore_index=True))
    step = -(-len(merged) // len(later))
    held.extend(
        merged.iloc[start : start + step].reset_index(drop=True) for start in range(0, len(merged), step)
    )


def _sorted(frame: pd.DataFrame) -> pd.DataFrame:
    return frame.sort_values("timestamp_us", kind="stable", ignore_index=True)


def _last_us(frame: pd.DataFrame) -> int:
    return int(frame["timestamp_us"].iloc[-1])


def _refuse(chunk: TableChunk, position: int, window: int) -> None:
    moment = from_epoch_us(int(chunk.frame["timestamp_us"].iloc[position])).isoformat()
    raise TraceError.single(
        f"{chunk.table.file.path}, row {chunk.line(position)}",
        "timestamp",
        f"must not be earlier than rows more than {window} blocks of 2 MiB above it, got {moment}; sort the file",
    )
