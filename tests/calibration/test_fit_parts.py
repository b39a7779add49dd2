"""Parts of the fits by themselves: spreads, laws of INIT with many and few cold starts, and what the first run may be."""

import numpy as np
import pytest
from scipy.stats import binom

from lambdasim.calibration.data.statistics import SizeStatistics, from_summary, from_values
from lambdasim.calibration.fit.first_run import fit_first_run
from lambdasim.calibration.fit.init import fit_init
from lambdasim.calibration.fit.misfit import Question, at_likeliest_speed, heavy, misfits
from lambdasim.calibration.fit.nodes import Nodes
from lambdasim.calibration.fit.posterior import belief_in_waits
from lambdasim.catalog import init_prior, timing
from lambdasim.models.cpu_chain import CpuLaw, CpuStyle


def test_a_summary_without_deviation_takes_it_from_the_99th_percentile() -> None:
    """By hand: 2.33 deviations above 20 ms is 43.3, so one is 10 ms, and the mean of 100 is known to 5 %."""
    assert from_summary(512, 100, 20.0, p99=43.3).mean_error == pytest.approx(0.05)


def test_spread_is_that_of_the_logarithm() -> None:
    values = 50 * np.exp(0.2 * np.random.default_rng(1).standard_normal(20_000))
    assert from_values(512, values).spread == pytest.approx(0.2, rel=0.05)


def test_many_cold_starts_are_their_own_law() -> None:
    found = fit_init(np.arange(1.0, 201.0), None)
    assert found is not None
    assert found.values_ms.mean() == pytest.approx(100.5)
    assert (found.values_ms[0], found.values_ms[-1]) == (1, 200)


def test_few_cold_starts_have_the_slow_tail_of_the_catalog() -> None:
    prior = init_prior("python3.13", "zip", "x86_64")
    assert prior is not None
    seen_ms = 900 * np.exp([-0.2, -0.1, 0.0, 0.1, 0.2])
    found = fit_init(seen_ms, prior)
    assert found is not None
    # The data count for five and the catalog's shape, as wide as they are, for two: it reaches beyond them on both sides.
    assert found.values_ms[0] < seen_ms[0]
    assert found.values_ms[-1] > seen_ms[-1]
    between = ((found.values_ms >= seen_ms[0] * 0.99) & (found.values_ms <= seen_ms[-1] * 1.01)).mean()
    assert 5 / 7 <= between < 1
    assert np.median(found.values_ms) == pytest.approx(900, rel=0.01)
    assert found.values_ms.mean() == pytest.approx(seen_ms.mean())
    apart = fit_init(900 * np.exp([-1.0, -0.5, 0.0, 0.5, 1.0]), prior)
    assert apart is not None
    assert apart.median_ms.value == pytest.approx(found.median_ms.value, rel=0.1)
    assert apart.median_ms.high > 1.2 * found.median_ms.high


@pytest.mark.parametrize("n", [1, 3, 5, 20, 40])
@pytest.mark.parametrize("sigma", [0.1, 0.2])
def test_the_median_of_few_cold_starts_is_held(n: int, sigma: float) -> None:
    """Functions that start later than the catalog's by a factor of some ten, with one to forty cold starts each."""
    prior = init_prior("python3.13", "zip", "x86_64")
    assert prior is not None
    rng, held = np.random.default_rng(2), 0
    for _ in range(300):
        truth = prior.p50_ms * np.exp(1.5 * rng.standard_normal())
        found = fit_init(truth * np.exp(sigma * rng.standard_normal(n)), prior)
        assert found is not None
        held += found.median_ms.low <= truth <= found.median_ms.high
    assert held >= binom.ppf(0.001, 300, 0.95)


def test_a_first_run_is_as_sure_as_its_mean_and_its_law() -> None:
    """Two threads at most halve the CPU time; a poor mean leaves more open; the law's error is in it, once."""
    sure = fit_first_run([from_summary(256, 10**6, 386.0), from_summary(1024, 10**6, 80.0)])
    vague = fit_first_run(
        [from_summary(m, 4, mean, sd_ms=0.4 * mean) for m, mean in ((256, 386.0), (1024, 80.0))]
    )
    assert np.all(2 * sure.floor_ms >= sure.cpu_ms)
    assert np.all(2 * vague.floor_ms >= vague.cpu_ms)
    one, other = sure.predict_ms(256), vague.predict_ms(256)
    assert other.high / other.low > 1.3 * one.high / one.low
    law_error = 1.5 * timing("cpu_law_error_permille").value / 1000
    assert 1.2 < np.log(one.high / one.low) / (2 * law_error) < 4


def test_the_speed_of_the_cpu_is_the_likeliest_under_heavy_tails() -> None:
    """Five figures 3 % too long, and one on another step: no other speed explains them better."""
    deviations = np.array(
        [[0.03, 0.03], [0.02, 0.035], [0.04, 0.025], [0.03, 0.03], [0.03, 0.03], [0.03, -0.5]]
    )
    scale = np.full_like(deviations, 0.02)
    squares, speed = at_likeliest_speed(deviations, scale, 0.03, 3.0)
    least = heavy(squares).sum(axis=0) / 3 + heavy(speed**2)
    others = np.linspace(-4, 4, 401)[:, None, None]
    found = heavy(((deviations - 0.03 * others) / scale) ** 2).sum(axis=1) / 3 + heavy(others[:, 0] ** 2)
    assert np.all(least <= found.min(axis=0) + 0.03)
    assert speed[1] == pytest.approx(speed[0], rel=0.25)


def test_a_guess_on_a_step_claims_no_more_than_others() -> None:
    """Likelihood over all medians that might be seen is the same for each guess, however wide its error on a step."""
    nodes = Nodes(CpuStyle(CpuLaw.QUOTA), np.linspace(15, 18, 13), np.zeros(13), 0.02, 0.02)
    seen_ms = np.unique(np.concatenate([np.geomspace(30, 90, 60), np.geomspace(1, 4000, 60)]))
    known = [SizeStatistics(512, 100, None, 0.01, {0.5: ms}, {0.5: 0.01}) for ms in seen_ms]
    question = Question((known[0],), (0.2, 1.0), 0.02, 0.0)
    likelihood = np.exp(-np.array([misfits(question, size, nodes, 64) for size in known]) / 2)
    whole = np.trapezoid(likelihood, np.log(seen_ms), axis=0)
    assert likelihood.max(axis=0).max() > 2 * likelihood.max(axis=0).min()
    np.testing.assert_allclose(whole, whole.mean(), rtol=0.02)


def test_narrow_durations_leave_room_for_timers_only() -> None:
    """By hand: usual waits of 10 ms spread durations by 1.7 ms; as much seen is the middle, a tenth of it nothing."""
    usual = timing("cpu_wait_spread_permille").value / 1000
    for seen, believed in ((10 * usual, 0.25 + 0.75 / 2), (usual, 0.25), (100 * usual, 1.0)):
        sizes = [from_summary(1024, 100, 40.0, sd_ms=seen), from_summary(512, 100, 40.0, sd_ms=400 * usual)]
        np.testing.assert_allclose(belief_in_waits(sizes, np.array([10.0])), believed, atol=1e-3)
    assert belief_in_waits([from_summary(1024, 100, 40.0)], np.array([10.0])) == 1


@pytest.mark.parametrize("cap_ms", [10_000.0, 9_000.0])
def test_no_init_is_longer_than_a_cap_that_none_reached(cap_ms: float) -> None:
    """Beyond it INIT would run again inside the run, and be billed there, as no run of the log was."""
    prior = init_prior("java21", "zip", "x86_64")
    seen_ms = np.array([8_500.0, 8_700.0, 8_800.0])
    free, bound = fit_init(seen_ms, prior), fit_init(seen_ms, prior, cap_ms)
    assert free is not None
    assert bound is not None
    assert free.values_ms.max() > cap_ms >= bound.values_ms.max()
    assert bound.values_ms.mean() == pytest.approx(seen_ms.mean())
    assert bound.median_ms == free.median_ms
    above = fit_init(seen_ms, prior, 8_000.0)
    assert above is not None
    np.testing.assert_array_equal(above.values_ms, free.values_ms)
