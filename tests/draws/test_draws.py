import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from lambdasim.draws.keys import DrawKey, Quantity, happens
from lambdasim.draws.laws import Constant, compile_law, exponential, lognormal, mixture, piecewise, resample
from lambdasim.specs.laws import GammaLaw, UniformLaw

N = 200_000
# Written down first: a true null hypothesis fails each of these tests once in 10,000 seeds.
SMALLEST_P = 1e-4


def bits(stream: Quantity = Quantity.CPU_TIME, seed: int = 1) -> np.ndarray:
    return DrawKey.of(seed, "f", stream).bits(np.arange(N))


def test_bits_are_uniform_and_unrelated() -> None:
    here, there = bits() / 2**64, bits(Quantity.INIT) / 2**64
    assert stats.kstest(here, "uniform").pvalue > SMALLEST_P
    assert stats.pearsonr(here[:-1], here[1:]).pvalue > SMALLEST_P
    assert stats.pearsonr(here, there).pvalue > SMALLEST_P
    again = DrawKey.of(1, "f", Quantity.CPU_TIME).bits(np.arange(N), attempt=1) / 2**64
    assert stats.pearsonr(here, again).pvalue > SMALLEST_P


@given(st.lists(st.integers(0, 2**40), min_size=1, max_size=50), st.integers(0, 5))
def test_a_draw_depends_on_its_index_alone(indices: list[int], attempt: int) -> None:
    key = DrawKey.of(3, "f", Quantity.CPU_TIME)
    together = key.bits(np.array(indices), attempt)
    alone = [int(key.bits(np.array([index]), attempt)[0]) for index in indices]
    assert together.tolist() == alone


CONTINUOUS = {
    "exponential": (exponential(50_000), stats.expon(scale=50_000)),
    "lognormal": (lognormal(10, 0.7), stats.lognorm(0.7, scale=np.exp(10))),
    "gamma": (
        compile_law(GammaLaw.model_validate({"gamma": {"mean": 40, "cv": 0.5}}), 1000),
        stats.gamma(4, scale=10_000),
    ),
    "uniform": (
        compile_law(UniformLaw.model_validate({"uniform": {"low": 10, "high": 50}}), 1000),
        stats.uniform(10_000, 40_000),
    ),
}


@pytest.mark.parametrize("name", CONTINUOUS)
def test_tables_follow_their_law(name: str) -> None:
    table, law = CONTINUOUS[name]
    values = table.values(bits())
    assert stats.kstest(values + 0.0, law.cdf).pvalue > SMALLEST_P
    error = law.std() / np.sqrt(N)
    assert abs(values.mean() - law.mean()) < stats.norm.isf(SMALLEST_P / 2) * error


@pytest.mark.parametrize("name", CONTINUOUS)
@pytest.mark.parametrize("p", [2.0**-30, 2.0**-10, 0.25, 0.5])
def test_tables_are_exact_at_their_nodes(name: str, p: float) -> None:
    table, law = CONTINUOUS[name]
    depth = np.uint64(int(p * 2**54) & (2**53 - 1) or 2**53 - 1)
    lower, upper = table.values(
        np.array([depth << np.uint64(10), (depth << np.uint64(10)) | np.uint64(1 << 63)])
    )
    assert lower == pytest.approx(law.ppf(p), abs=1.5, rel=1e-5)
    assert upper == pytest.approx(law.isf(p), abs=1.5, rel=1e-5)


def test_resampling_gives_each_value_its_share() -> None:
    values, counts = np.unique(resample([3.0, 1.0, 2.0, 2.0]).values(bits()), return_counts=True)
    assert values.tolist() == [1, 2, 3]
    assert stats.chisquare(counts, np.array([0.25, 0.5, 0.25]) * N).pvalue > SMALLEST_P


def test_mixtures_choose_by_weight_and_keep_atoms() -> None:
    law = mixture([9, 1], [Constant(100), Constant(1000)])
    values, counts = np.unique(law.values(bits()), return_counts=True)
    assert values.tolist() == [100, 1000]
    assert stats.chisquare(counts, np.array([0.9, 0.1]) * N).pvalue > SMALLEST_P


def test_piecewise_law_passes_through_its_points() -> None:
    values = piecewise([0, 0.25, 1], [10_000_000, 20_000_000, 50_000_000]).values(bits())
    assert values.min() >= 10_000_000
    assert values.max() <= 50_000_000
    assert stats.binomtest(int((values < 20_000_000).sum()), N, 0.25).pvalue > SMALLEST_P


def test_events_happen_with_their_probability() -> None:
    assert not happens(bits(), 0.0).any()
    assert happens(bits(), 1.0).all()
    assert stats.binomtest(int(happens(bits(), 0.03).sum()), N, 0.03).pvalue > SMALLEST_P
