"""Chunks put in order of time within a window, and what comes too late for it."""

from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lambdasim.errors import TraceError
from lambdasim.traffic.readers import read_events_csv, source
from lambdasim.traffic.readers.csv.blocks import Block
from lambdasim.traffic.readers.csv.order import in_order
from lambdasim.traffic.readers.csv.table import CsvTable, TableChunk
from lambdasim.traffic.readers.source import SourceFile

TABLE = CsvTable(SourceFile("t.csv", 1, 1), ("timestamp_us",), ())


def chunk(times_us: list[int], first: int) -> TableChunk:
    frame = pd.DataFrame({"timestamp_us": times_us, "place": range(first, first + len(times_us))})
    return TableChunk(frame, Block("\n".join(map(str, times_us)).encode(), 1, False, False), TABLE)


@settings(max_examples=200, deadline=None)
@given(
    st.lists(st.lists(st.integers(0, 30), min_size=1, max_size=5), min_size=1, max_size=9), st.integers(0, 9)
)
def test_order_is_total_and_stable_or_refused(blocks: list[list[int]], window: int) -> None:
    rows = [time for block in blocks for time in block]
    starts = [sum(map(len, blocks[:i])) for i in range(len(blocks))]
    chunks = [chunk(block, first) for block, first in zip(blocks, starts, strict=True)]
    try:
        frames = list(in_order(iter(chunks), window))
    except TraceError as error:
        # Only a row that comes after `window` further blocks may be refused.
        assert "must not be earlier than rows more than" in str(error)  # noqa: PT017
        assert any(
            min(block) < max(max(before) for before in blocks[: max(0, i - window)])
            for i, block in enumerate(blocks)
            if i > window
        )
        return
    got = pd.concat(frames)
    assert all(len(frame) for frame in frames)
    assert got["place"].tolist() == sorted(range(len(rows)), key=lambda place: (rows[place], place))


def test_a_file_in_reverse_is_read_while_it_fits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "t.csv"
    path.write_text("\n".join(["time", *(f"{t:05}" for t in range(2_000, 0, -1))]))
    monkeypatch.setattr(source, "BLOCK_BYTES", 2_000)
    assert read_events_csv(path, unit="s").frame()["timestamp_us"].tolist() == [
        t * 10**6 for t in range(1, 2_001)
    ]
    monkeypatch.setattr(source, "BLOCK_BYTES", 600)
    with pytest.raises(TraceError) as caught:
        read_events_csv(path, unit="s").frame()
    fault = caught.value.faults[0]
    row = int(fault.where.rpartition(" ")[2])
    assert fault.message.endswith(
        f"got 1970-01-01T00:{(2_002 - row) // 60:02}:{(2_002 - row) % 60:02}+00:00; sort the file"
    )
    assert fault.where.startswith(str(path))


def test_rows_of_one_time_keep_their_order(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text("time,request_id\n9,a\n5,b\n9,c\n5,d\n5,e\n")
    assert read_events_csv(path, unit="s").frame()["request_id"].tolist() == ["b", "d", "e", "a", "c"]
