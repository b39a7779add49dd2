"""The sampler: same inputs, same bytes; what it should find in series whose law is known; speed."""

import time
from collections.abc import Callable

import numpy as np
import pytest
from scipy.signal import lfilter
from scipy.stats import binom

from lambdasim.errors import InputError
from lambdasim.study.forecast.levels import Levels, levels_of, season_of
from lambdasim.study.forecast.sampler import sample_paths, student_t4

WEEK = np.array([1.0, 1.1, 1.1, 1.0, 0.9, 0.5, 0.4])


def series(seed: int, days: int = 400, noise: float = 0.05) -> np.ndarray:
    generator = np.random.default_rng(seed)
    return 1e5 * WEEK[np.arange(days) % 7] * np.exp(generator.normal(0, noise, days))


def test_same_inputs_same_bytes() -> None:
    past = series(1)
    one, two = (sample_paths(past, 31, paths=200, seed=5, owner="f").totals for _ in range(2))
    assert one.tobytes() == two.tobytes()
    assert not np.array_equal(one, sample_paths(past, 31, paths=200, seed=6, owner="f").totals)


def test_fewer_paths_are_the_first_ones_before_the_spread_is_set() -> None:
    past = series(1)
    few, many = (sample_paths(past, 31, paths=n).totals.sum(axis=1) for n in (300, 1000))
    assert np.corrcoef(few, many[:300])[0, 1] > 0.999


def test_totals_scale_with_the_history() -> None:
    past = series(2)
    one, ten = (sample_paths(past * k, 30, paths=300).totals for k in (1, 10))
    np.testing.assert_allclose(ten, 10 * one, rtol=1e-3)


def test_weekdays_are_found() -> None:
    month = np.median(sample_paths(series(3), 28, paths=500).totals, axis=0).reshape(4, 7)
    first = 400 % 7
    expected = np.roll(WEEK, -first)
    np.testing.assert_allclose(month.mean(axis=0) / month.mean(), expected / expected.mean(), rtol=0.05)


@pytest.mark.parametrize("seed", range(5))
def test_a_steady_series_is_forecast_within_three_percent(seed: int) -> None:
    past = series(seed, 428)
    total = np.median(sample_paths(past[:400], 28).totals.sum(axis=1))
    assert abs(total / past[400:].sum() - 1) < 0.03


def level_model(totals: np.ndarray) -> Levels:
    return levels_of(season_of(totals), 30)


def bursty(generator: np.random.Generator, days: int) -> np.ndarray:
    """Independent days around one level, every tenth some times higher."""
    spikes = np.where(generator.random(days) < 0.1, 1 + 4 * generator.random(days), 1)
    return 1e4 * np.exp(generator.normal(0, 0.15, days)) * spikes


def spread_out(generator: np.random.Generator, days: int) -> np.ndarray:
    """Independent days around one level, a factor of 1.6 up or down."""
    return 1e4 * np.exp(generator.normal(0, 0.5, days))


def walking(generator: np.random.Generator, days: int) -> np.ndarray:
    """A level that moves by 3 % a day, under noise of 15 %."""
    return 1e4 * np.exp(np.cumsum(generator.normal(0, 0.03, days)) + generator.normal(0, 0.15, days))


@pytest.mark.parametrize("make", [bursty, spread_out, walking])
@pytest.mark.parametrize("days", [21, 120])
def test_ranges_hold_on_series_whose_law_is_known(
    make: Callable[[np.random.Generator, int], np.ndarray], days: int
) -> None:
    """Two weeks cannot tell a walk from a level, so ranges of walks that begin lately may be too narrow."""
    promised = 0.6 if make is walking and days == 21 else 0.8
    generator, held, months = np.random.default_rng(days), 0, 100
    for _ in range(months):
        totals = make(generator, days + 30)
        sums = sample_paths(totals[:days], 30, paths=200).totals.sum(axis=1)
        low, high = np.quantile(sums, [0.1, 0.9])
        held += low <= totals[days:].sum() <= high
    assert held >= binom.ppf(0.005, months, promised)


@pytest.mark.parametrize("make", [bursty, spread_out])
def test_ranges_of_a_level_are_not_far_wider_than_chance_makes_months(
    make: Callable[[np.random.Generator, int], np.ndarray],
) -> None:
    """With three weeks known, the best range has sd * sqrt(1 + 30 / 21) around the mean; twice that is the most."""
    generator = np.random.default_rng(2)
    months = np.array([make(generator, 30).sum() for _ in range(2000)])
    best = 2 * 1.2816 * float(months.std()) * np.sqrt(1 + 30 / 21)
    widths = []
    for _ in range(40):
        sums = sample_paths(make(generator, 21), 30, paths=200).totals.sum(axis=1)
        widths.append(np.diff(np.quantile(sums, [0.1, 0.9])))
    assert np.median(widths) < 2 * best


@pytest.mark.parametrize("make", [bursty, spread_out])
def test_p50_of_a_level_is_not_biased_by_its_bursts(
    make: Callable[[np.random.Generator, int], np.ndarray],
) -> None:
    generator = np.random.default_rng(4)
    month = 30 * float(make(generator, 200_000).mean())
    middles = [
        np.median(sample_paths(make(generator, 28), 30, paths=200).totals.sum(axis=1)) for _ in range(100)
    ]
    error = np.array(middles) / month - 1
    assert abs(error.mean()) < 0.02 + 2.6 * error.std() / 10


def test_no_drift_is_invented_on_level_series_and_that_of_a_walk_is_found() -> None:
    generator = np.random.default_rng(5)
    for make in (bursty, spread_out):
        level = level_model(make(generator, 300))
        noise = float(np.std(np.log(make(generator, 300))))
        assert level.weekly_drift < 0.2 * noise
    drifts = [level_model(walking(generator, 300)).weekly_drift for _ in range(10)]
    assert np.median(drifts) == pytest.approx(0.03 * np.sqrt(7), rel=0.35)


def test_deviations_that_fade_over_days_are_told_from_a_level_that_moves() -> None:
    def share_of_echoes(persistence: float, seed: int) -> float:
        shocks = np.random.default_rng(seed).normal(0, 0.3, 200)
        totals = 1e4 * np.exp(lfilter([1.0], [1.0, -persistence], shocks))
        levels = level_model(totals)
        return float(levels.weights[levels.persistence > 0].sum())

    assert np.mean([share_of_echoes(0.6, seed) for seed in range(10)]) > 0.8
    assert np.mean([share_of_echoes(0.0, seed) for seed in range(10)]) < 0.2


def test_a_short_history_is_said_to_be_uncertain_and_gives_wider_ranges() -> None:
    def relative_width(days: int) -> float:
        paths = sample_paths(series(4)[-days:], 30)
        low, middle, high = np.quantile(paths.totals.sum(axis=1), [0.1, 0.5, 0.9])
        assert paths.low_confidence == (days < 35)
        return float((high - low) / middle)

    assert relative_width(14) > relative_width(34) > relative_width(400)


def test_common_drift_makes_functions_move_together() -> None:
    a, b = series(5), series(6)

    def correlation(shared: float) -> float:
        totals = [
            sample_paths(past, 30, owner=name, shared=shared).totals.sum(axis=1)
            for name, past in (("a", a), ("b", b))
        ]
        return float(np.corrcoef(*totals)[0, 1])

    assert correlation(1.0) > 0.7
    assert correlation(0.0) < 0.4


def test_nothing_stays_nothing_and_empty_weekends_stay_empty() -> None:
    assert not sample_paths(np.zeros(60), 31, paths=50).totals.any()
    working = np.where(np.arange(210) % 7 < 5, 1000.0, 0.0)
    paths = sample_paths(working, 28, paths=200).totals
    weekend = (210 + np.arange(28)) % 7 >= 5
    assert paths[:, weekend].mean() < 0.02 * paths[:, ~weekend].mean()


def test_a_function_that_began_lately_is_not_held_to_have_been_idle() -> None:
    totals = sample_paths(np.r_[np.zeros(50), np.full(20, 1000.0)], 30).totals.sum(axis=1)
    np.testing.assert_allclose(np.quantile(totals, [0.1, 0.5, 0.9]), 30_000, rtol=0.15)


def test_one_day_out_of_all_measure_does_not_take_the_month_along() -> None:
    past = np.r_[np.full(40, 100.0), 1e7, np.full(19, 100.0)]
    assert np.quantile(sample_paths(past, 30).totals.sum(axis=1), 0.9) < 1e8


def test_a_few_invocations_a_week_stay_a_few() -> None:
    past = np.random.default_rng(0).poisson(0.5, 200).astype(float)
    low, middle, high = np.quantile(sample_paths(past, 30).totals.sum(axis=1), [0.1, 0.5, 0.9])
    assert low < 15 < high < 60
    assert 8 < middle < 25


@pytest.mark.parametrize("size", [7, 8, 13, 14, 15, 20, 21, 27, 28, 29, 57, 58])
def test_every_length_of_history_works(size: int) -> None:
    totals = sample_paths(series(7)[:size], 31, paths=100).totals
    assert totals.shape == (100, 31)
    assert np.isfinite(totals).all()
    assert (totals >= 0).all()


def test_bad_arguments_are_refused() -> None:
    for history in ([1.0] * 6, [1.0] * 7 + [-1.0], [1.0] * 7 + [float("nan")]):
        with pytest.raises(InputError):
            sample_paths(history, 30)
    for arguments in ({"days": 0}, {"days": 3, "paths": 0}, {"days": 3, "shared": 1.5}):
        with pytest.raises(InputError):
            sample_paths([1.0] * 30, **arguments)


def test_student_t_is_scipys() -> None:
    from scipy.special import stdtrit

    p = np.linspace(0.001, 0.999, 999)
    np.testing.assert_allclose(student_t4(p), stdtrit(4, p), atol=2e-7)


def test_weights_add_up_and_short_histories_hold_nothing_back() -> None:
    past = series(8, 200)
    assert level_model(past).weights.sum() == pytest.approx(1)
    assert level_model(past[:40]).origins == 0
    assert level_model(past).origins > 0


@pytest.mark.benchmark
def test_a_thousand_paths_of_a_month_in_fifty_milliseconds() -> None:
    past = series(9)
    taken = []
    for _ in range(5):
        begin = time.perf_counter()
        sample_paths(past, 31)
        taken.append(time.perf_counter() - begin)
    assert min(taken) < 0.05
