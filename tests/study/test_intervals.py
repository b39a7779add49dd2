"""Intervals by hand, and the number of replications that they ask for."""

import math

import pytest

from lambdasim.results.intervals import paired_interval, t_interval, unpaired_interval, wanted_replications


def test_a_mean_by_hand() -> None:
    # 1, 2, 3: standard deviation 1, t of 2 degrees 4.3027.
    found = t_interval([1, 2, 3])
    assert (found.mean, round(found.half_width, 4)) == (2.0, round(4.30265 / math.sqrt(3), 4))
    assert not found.excludes_zero


@pytest.mark.parametrize("values", [[], [1.0]])
def test_too_few_have_no_width(values: list[float]) -> None:
    assert math.isnan(t_interval(values).half_width)


def test_a_common_part_leaves_the_paired_difference() -> None:
    common = [10.0, 200.0, 35.0, 80.0]
    ours = [value + 2 for value in common]
    assert paired_interval(ours, common).half_width == 0.0
    assert unpaired_interval(ours, common).half_width > 50


def test_more_are_wanted_until_the_width_suffices() -> None:
    reference, ours = [100.0, 101.0, 99.0, 100.0], [110.0, 113.0, 107.0, 110.0]
    assert wanted_replications(ours, reference, 0.10, 100) == 4
    assert 4 < wanted_replications(ours, reference, 0.015, 100) <= 8
    assert wanted_replications(ours, reference, 1e-9, 6) == 6
