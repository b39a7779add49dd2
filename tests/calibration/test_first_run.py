"""The law of the first run after INIT: long work as measured, its limits, and what it refuses."""

import pytest

from lambdasim.calibration.data.statistics import from_summary
from lambdasim.calibration.fit.first_run import fit_first_run
from lambdasim.catalog import init_priors
from lambdasim.errors import InputError


def known(means: dict[int, float]) -> list:
    return [from_summary(size, 300, mean) for size, mean in means.items()]


def test_long_first_runs_are_told_at_sizes_not_fitted() -> None:
    """Mean error below 6 % where the work is above 25 ms of CPU time, fitted at 256 and 1,024 MB."""
    errors = []
    for prior in init_priors():
        means = dict(prior.first_handler_ms)
        if not {128, 256, 512, 1024} <= set(means) or means[128] * 128 / 1769 <= 25:
            continue
        fit = fit_first_run(known({size: means[size] for size in (256, 1024)}))
        errors += [abs(fit.predict_ms(size).value / means[size] - 1) for size in (128, 512)]
    assert len(errors) >= 20
    assert sum(errors) / len(errors) < 0.06


def test_work_that_nothing_stops_takes_the_same_time_at_every_size() -> None:
    fit = fit_first_run(known({256: 2.0, 1024: 2.0, 1769: 2.0}))
    assert fit.predict_ms(512).value == pytest.approx(2.0, rel=0.03)


def test_more_memory_never_lengthens_the_first_run() -> None:
    fit = fit_first_run(known({256: 100.0, 1024: 20.0}))
    means = [fit.predict_ms(size).value for size in (128, 256, 512, 1024, 1769, 3008)]
    assert means == sorted(means, reverse=True)


def test_one_size_says_less_than_two() -> None:
    one = fit_first_run(known({1024: 20.0})).predict_ms(128)
    two = fit_first_run(known({256: 116.0, 1024: 20.0})).predict_ms(128)
    assert one.high / one.low > 1.5 * two.high / two.low


def test_bad_sizes_are_refused() -> None:
    with pytest.raises(InputError, match="different memory sizes"):
        fit_first_run(known({256: 9.0}) + known({256: 8.0}))
    with pytest.raises(InputError, match="128 to 10240, got 64"):
        fit_first_run(known({256: 9.0})).predict_ms(64)
