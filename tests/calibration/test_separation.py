"""Where two sizes cannot separate the styles the fit says so, and the size that it names does."""

import re

import numpy as np

from benchmarks.random_pairs import WELL_APART, known_size, random_pairs, short_function_rows
from lambdasim.calibration.fit.separation import separation
from lambdasim.calibration.fit.weighted import weighted_medians, weighted_quantiles
from lambdasim.calibration.fit.work import WorkFit, fit_work

ROWS = short_function_rows()


def fitted(*sizes_mb: int) -> WorkFit:
    return fit_work([known_size(ROWS[size]) for size in sizes_mb])


def error(fit: WorkFit) -> float:
    others = [size for size in sorted(ROWS)[::5] if size not in {known.memory_mb for known in fit.sizes}]
    return float(
        np.mean([abs(fit.predict(size).mean_ms.value / ROWS[size]["mean_ms"] - 1) for size in others])
    )


def test_two_sizes_that_tell_the_styles_apart_ask_for_nothing() -> None:
    fit = fitted(399, 982)
    assert fit.separation.settled
    assert not [line for line in fit.findings() if "cannot separate" in line]
    assert error(fit) < 0.03


def test_two_sizes_near_one_vcpu_ask_for_a_third_which_settles_it() -> None:
    """Nothing is stopped there: the fit cannot know what happens at small sizes, says so, and its ranges allow for it."""
    fit = fitted(1663, 1672)
    (line,) = [line for line in fit.findings() if "cannot separate" in line]
    asked = int(re.findall(r"measurement at (\d+) MB", line)[0])
    assert asked == fit.separation.telling_mb
    held = [
        mean.low <= ROWS[size]["mean_ms"] <= mean.high
        for size in sorted(ROWS)[::5]
        for mean in [fit.predict(size).mean_ms]
    ]
    assert np.mean(held) >= 0.9
    third = min(ROWS, key=lambda size: abs(size - asked))
    again = fitted(1663, 1672, third)
    assert again.separation.expected_error < fit.separation.expected_error / 2
    assert error(again) < 0.05


def test_what_is_expected_is_worked_out_by_hand() -> None:
    """Three guesses at one size, 80, 100 and 125 ms, a quarter, a half and a quarter: 25 % off in half of all cases."""
    found = separation(
        lambda size: np.array([80.0, 100.0, 125.0]) * size, np.array([0.25, 0.5, 0.25]), (1, 2)
    )
    assert abs(found.expected_error - 0.125) < 1e-12
    assert not found.settled


def test_medians_of_columns_are_those_of_each() -> None:
    chance = np.random.default_rng(2)
    for n in (1, 2, 7, 40):
        values, weights = chance.lognormal(size=(n, 9)), chance.random(n)
        weights /= weights.sum()
        each = [float(weighted_quantiles(column, weights, (0.5,))[0]) for column in values.T]
        np.testing.assert_allclose(weighted_medians(values, weights), each, rtol=1e-9)


def test_pairs_are_drawn_by_the_seed_and_half_of_them_are_well_apart() -> None:
    sizes = sorted(ROWS)
    drawn = random_pairs(sizes, 7, 60)
    assert drawn == random_pairs(sizes, 7, 60) != random_pairs(sizes, 8, 60)
    assert len(set(drawn)) == 60
    assert [high >= WELL_APART * low for low, high in drawn] == [True] * 30 + [False] * 30
