"""Parts of the fits by themselves: spreads, laws of INIT with many and few cold starts, and what the first run may be."""

import numpy as np
import pytest
from scipy.stats import binom

from lambdasim.calibration.data.statistics import from_summary, from_values
from lambdasim.calibration.fit.first_run import fit_first_run
from lambdasim.calibration.fit.init import fit_init
from lambdasim.catalog import init_prior, timing


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
