"""Rows by minute come back as they were put away, whoever is read, in whatever order."""

from collections.abc import Iterable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lambdasim.engine.totals import minute_log
from lambdasim.engine.totals.minute_log import MinuteLog
from lambdasim.engine.totals.minute_rows import COUNTS, ENDED, HIGHEST, ROWS
from lambdasim.engine.totals.packed import Packed
from lambdasim.errors import ConservationError

SMALL_AND_LARGE = st.one_of(st.integers(0, 3), st.sampled_from([15, 16, 255, 256, 10**6, 2**40, 2**62]))


@given(st.lists(st.lists(SMALL_AND_LARGE, max_size=40), min_size=1, max_size=8).filter(any))
def test_packed_numbers_are_read_by_group(groups: list[list[int]]) -> None:
    starts = np.cumsum([0, *map(len, groups)])
    values = np.array([value for group in groups for value in group], dtype=np.int64)
    packed = Packed.of(values, starts)
    for number, group in enumerate(groups):
        assert packed.read(number, int(starts[number]), int(starts[number + 1])).tolist() == group


def test_small_numbers_take_half_a_byte_and_rare_ones_an_eighth() -> None:
    ends = np.array([0, 80_000])
    assert Packed.of(np.full(80_000, 15), ends).nbytes == 40_000
    rare = np.zeros(80_000, dtype=np.int64)
    rare[::100] = 7
    assert Packed.of(rare, ends).nbytes < 11_000
    assert Packed.of(np.zeros(80_000, dtype=np.int64), ends).nbytes == 0


def row_of_minute(rng: np.random.Generator, runs: int) -> list[int]:
    """Make a minute as the tally leaves it: billed time is at least the duration, and someone is in progress."""
    row = [0] * ROWS
    billed = int(rng.integers(0, 10**6)) * runs
    row[COUNTS.index("Invocations")] = runs
    row[COUNTS.index("BilledMsWithoutInit")] = billed
    row[COUNTS.index("BilledMsWithInit")] = billed + int(rng.integers(0, 3)) * 400
    row[COUNTS.index("DurationSum_us")] = max(billed * 1000 - int(rng.integers(0, 1000)) * runs, 0)
    row[COUNTS.index("Throttles")] = int(rng.integers(0, 2))
    row[ENDED] = int(rng.integers(0, 2 * runs + 2))
    row[HIGHEST] = int(rng.integers(1, 50)) if runs else 0
    return row


def put_away(
    windows: Iterable[int], seed: int, owners: int
) -> tuple[MinuteLog, dict[tuple[int, int], list[int]]]:
    rng = np.random.default_rng(seed)
    log, told, first = MinuteLog(owners), {}, 0
    for width in windows:
        active = np.argwhere(rng.random((owners, width)) < 0.4)
        rows = [row_of_minute(rng, int(rng.integers(0, 5))) for _ in active]
        if len(active):
            log.keep(active[:, 0], first + active[:, 1], np.array(rows))
        told.update(
            {(owner, first + minute): row for (owner, minute), row in zip(active.tolist(), rows, strict=True)}
        )
        first += width
    return log, told


@given(
    st.lists(st.integers(1, 9), max_size=6), st.integers(0, 2**20), st.integers(1, 40), st.integers(1, 60),
    st.permutations(range(40)),
)  # fmt: skip
@settings(max_examples=40)
def test_minutes_come_back(
    windows: list[int], seed: int, owners: int, at_once: int, order: list[int]
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(minute_log, "_AT_ONCE", at_once)
        log, told = put_away(windows, seed, owners)
        width = sum(windows) + 2
        nothing = [0] * ROWS
        for owner in (one for one in order if one < owners):
            first = owner % 3
            found = log.rows(owner, tuple(range(ROWS)), width, first)
            assert found.T.tolist() == [told.get((owner, minute), nothing) for minute in range(first, width)]


def test_more_that_runs_than_is_billed_is_an_error() -> None:
    row = np.zeros((1, ROWS), dtype=np.int64)
    row[0, COUNTS.index("BilledMsWithoutInit")] = 1
    row[0, COUNTS.index("DurationSum_us")] = 1001
    log = MinuteLog(1)
    log.keep(np.array([0]), np.array([0]), row)
    with pytest.raises(ConservationError, match="billed"):
        log.rows(0, (0,), 1)
