"""Numbers are counted the same way whether they are small for their number or not."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from lambdasim.engine.totals.histogram import Histogram


@given(st.lists(st.integers(0, 60) | st.integers(0, 10**9), max_size=40), st.integers(0, 40))
def test_counts_are_those_of_each_number(numbers: list[int], cut: int) -> None:
    found = Histogram()
    found.add(np.array(numbers[:cut], dtype=np.int64))
    found.add(np.array(numbers[cut:], dtype=np.int64))
    assert found.values.tolist() == sorted(set(numbers))
    assert found.counts.tolist() == [numbers.count(one) for one in sorted(set(numbers))]
    assert found.total() == sum(numbers)
