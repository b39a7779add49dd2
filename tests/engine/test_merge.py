"""Arrivals of many functions come in the order of events, however they are cut into chunks."""

from collections.abc import Iterator

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

import lambdasim.engine.merge as merging
from lambdasim.engine.merge import ArrivalSource, merge_arrivals

Chunks = list[list[int]]
# Few different times, so that many arrive at one instant, across chunks and functions too.
TIMES = st.lists(st.lists(st.integers(0, 6), max_size=5), max_size=6)


def source(chunks: Chunks) -> ArrivalSource:
    times = np.sort(np.array([time for chunk in chunks for time in chunk], dtype=np.int64))
    ends = np.cumsum([len(chunk) for chunk in chunks]).tolist()

    def pieces() -> Iterator[NDArray[np.int64]]:
        for first, stop in zip([0, *ends], ends, strict=False):
            yield times[first:stop]

    return pieces


@given(st.lists(TIMES, max_size=5), st.sampled_from([1, 3, 1 << 16]))
def test_the_order_of_events_is_that_of_one_sort(functions: list[Chunks], at_once: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(merging, "_AT_ONCE", at_once)
        patch.setattr(merging, "_AT_ONCE_EACH", 1)
        chunks = [*merge_arrivals([source(chunks) for chunks in functions])]
    got = [
        row
        for chunk in chunks
        for row in zip(
            chunk.time_us.tolist(), chunk.function.tolist(), chunk.invocation.tolist(), strict=True
        )
    ]
    expected = [
        (time, rank, number)
        for rank, chunks_of_one in enumerate(functions)
        for number, time in enumerate(sorted(time for chunk in chunks_of_one for time in chunk))
    ]
    assert got == sorted(expected)
    assert all(len(chunk.time_us) for chunk in chunks)


def test_one_instant_may_fill_many_chunks() -> None:
    chunks = [*merge_arrivals([source([[5] * 40] * 10), source([[5, 6]])])]
    got = np.concatenate([chunk.function for chunk in chunks])
    assert got.tolist() == [0] * 400 + [1, 1]
