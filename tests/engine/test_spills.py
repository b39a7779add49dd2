"""Values too long for dense histograms are counted as a plain counter counts them."""

from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lambdasim.engine.totals import spills
from lambdasim.engine.totals.spills import SPILL_BITS, Spills

Long = tuple[int, int]
LONGS = st.tuples(
    st.integers(0, 9), st.sampled_from([16_384, 16_385, 20_000, 31_536_000_000, (1 << SPILL_BITS) - 1])
)


def keys(longs: list[Long]) -> np.ndarray:
    return np.array([(number << SPILL_BITS) + value for number, value in longs], dtype=np.int64)


def counted(kept: Spills, number: int) -> dict[int, int]:
    histogram = kept.of(number)
    assert (np.diff(histogram.values) > 0).all()
    return dict(zip(histogram.values.tolist(), histogram.counts.tolist(), strict=True))


@given(st.lists(st.lists(LONGS, max_size=12), max_size=6), st.integers(1, 20), st.integers(1, 4), st.data())
def test_spills_are_counted_by_histogram(
    parts: list[list[Long]], merged_at: int, kinds: int, data: st.DataObject
) -> None:
    kind = data.draw(st.integers(0, kinds - 1))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(spills, "_MERGED_AT", merged_at)
        kept = Spills()
        for part in parts:
            kept.add(keys(part))
    told = Counter(long for part in parts for long in part)
    for number in range(10):
        assert counted(kept, number) == {value: n for (owner, value), n in told.items() if owner == number}
    owners, values, counts = (column.tolist() for column in kept.take(kind, kinds))
    taken = sorted(
        (number // kinds, value, n) for (number, value), n in told.items() if number % kinds == kind
    )
    assert list(zip(owners, values, counts, strict=True)) == taken
    for number in range(10):
        left = {value: n for (owner, value), n in told.items() if owner == number and number % kinds != kind}
        assert counted(kept, number) == left
