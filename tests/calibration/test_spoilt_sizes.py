"""Means that do not belong with the others are named, or ranges are as wide as they scatter."""

import numpy as np
import pytest

from benchmarks.random_pairs import short_function_rows
from benchmarks.validation import december
from lambdasim.calibration.calibrate import calibrate, calibrate_logs
from lambdasim.calibration.data.statistics import SizeStatistics, from_summary, from_values
from lambdasim.calibration.fit.spoilt import refuse_spoilt, spoilt_sizes
from lambdasim.calibration.fit.work import fit_work
from lambdasim.errors import InputError

CHART = "https://lambda-power-tuning.show/#AAIAAwAEAAY=;yf+RQ65HrkHXo7NBA93VQw==;GCslNs+VmzRpcs80CGA1Nw=="
"""A chart whose means at 512 and 1,536 MB hold cold starts: 292.0, 21.8, 22.4 and 427.7 ms."""


def means(by_size: dict[int, float]) -> list[SizeStatistics]:
    return [from_summary(size, 50, ms) for size, ms in sorted(by_size.items())]


def named(by_size: dict[int, float]) -> list[int]:
    return [one.memory_mb for one in spoilt_sizes(means(by_size))]


def test_a_chart_with_cold_starts_in_two_means_is_refused_and_both_are_named() -> None:
    both = r"512 MB \(292 ms.* and 1,536 MB \(427\.7 ms"
    with pytest.raises(InputError, match=both):
        calibrate_logs([CHART])
    with pytest.raises(InputError, match=both):
        fit_work(means({512: 292.0, 768: 21.8, 1024: 22.4, 1536: 427.7}))


@pytest.mark.parametrize(
    ("by_size", "spoilt"),
    [
        ({512: 292.0, 768: 21.8, 1024: 22.4}, [512]),
        ({256: 8_000, 512: 4_000, 1024: 2_000, 1769: 1_160, 2048: 3_000}, [2048]),
        ({128: 4_000, 512: 50, 1024: 510, 1769: 300}, [512]),
        ({128: 140, 256: 120, 512: 900, 1024: 105, 1769: 103, 3008: 700}, [512, 3008]),
    ],
    ids=["first of three", "too long above one vCPU", "too short: failures", "waits"],
)
def test_a_minority_is_named(by_size: dict[int, float], spoilt: list[int]) -> None:
    assert named(by_size) == spoilt


@pytest.mark.parametrize(
    "by_size",
    [
        {512: 100.0, 1024: 50.0, 2048: 90.0},
        {512: 292.0, 768: 21.8},
        {512: 4_000, 1024: 2_000, 2048: 1_000, 4096: 500, 8192: 250},
        {512: 400.0, 1024: 200.0, 1769: 115.0, 2048: 115.0},
    ],
    ids=["either could be wrong", "two", "several threads", "all agree"],
)
def test_none_is_named_where_nobody_can_say_which(by_size: dict[int, float]) -> None:
    assert named(by_size) == []


def test_real_functions_are_not_refused() -> None:
    """All sizes of a function measured on AWS belong to it, steps of the scheduler and several threads included."""
    for sizes in december().values():
        refuse_spoilt([sizes[size] for size in sorted(sizes)])
    rows = short_function_rows()
    refuse_spoilt([from_summary(size, 5000, rows[size]["mean_ms"]) for size in sorted(rows)[::9]])


def test_a_size_whose_whole_distribution_is_known_is_kept_and_widens_the_ranges() -> None:
    """The warm runs of a log are warm: their size is not thrown out, and nothing is surer than it allows."""
    runs = {256: 1_600.0, 512: 800.0, 1024: 4_000.0, 1769: 240.0}
    chance = np.random.default_rng(1)
    sizes = [from_values(size, ms * np.exp(0.02 * chance.standard_normal(200))) for size, ms in runs.items()]
    assert [one.memory_mb for one in spoilt_sizes(sizes)] == [1024]
    fit = fit_work(sizes)
    mean = fit.predict(1024).mean_ms
    assert mean.low <= 4_000 <= mean.high
    assert any("misses" in line and "1,024 MB" in line for line in fit.findings())


@pytest.mark.parametrize("seed", [3, pytest.param(4, marks=pytest.mark.slow)])
def test_ranges_are_as_wide_as_seventeen_sizes_scatter(seed: int) -> None:
    """Noise of 34 % about 300 ms on the CPU and 100 ms of waiting."""
    chance = np.random.default_rng(seed)
    sizes = np.linspace(128, 3008, 17).astype(int).tolist()
    truth = {size: 300 * 1769 / min(size, 1769) + 100 for size in sizes}
    noise = np.exp(0.34 * chance.standard_normal(17))
    found = calibrate(means({size: ms * n for (size, ms), n in zip(truth.items(), noise, strict=True)})).work
    for size in (128, 488, 1928):
        mean = found.predict(size).mean_ms
        assert np.log(mean.high / mean.value) > 1.96 * 0.34 * 0.6
        assert mean.low <= truth.get(size, 300 * 1769 / size + 100) <= mean.high
    assert found.cpu_ms.low <= 300 <= found.cpu_ms.high


def test_two_sizes_that_contradict_each_other_are_both_in_range() -> None:
    fit = fit_work(means({512: 292.0, 768: 21.8}))
    for size, ms in ((512, 292.0), (768, 21.8)):
        mean = fit.predict(size).mean_ms
        assert mean.low <= ms <= mean.high
    assert fit.misfit > 0.5
