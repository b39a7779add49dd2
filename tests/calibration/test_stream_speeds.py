"""Log streams that keep their own speed: told from noise, written, and what they do to the mean of a run."""

from pathlib import Path

import numpy as np
import pytest
from generated_logs import GENERATED

from lambdasim.calibration.calibrate import calibrate_logs
from lambdasim.calibration.data.reading import read_observations
from lambdasim.calibration.fit.speed import speed_finding, stream_speeds
from lambdasim.calibration.scenario import scenario_mapping
from lambdasim.calibration.twin import twin
from lambdasim.specs.function import Architecture


def test_the_spread_of_streams_is_held_and_noise_makes_none() -> None:
    """Forty functions of 20 streams: the mean of the estimates is the truth; of forty without any, hardly one is seen."""
    rng, found, invented = np.random.default_rng(1), [], 0
    names = np.repeat(np.array([f"s{k}" for k in range(20)], dtype=object), 30)
    for _ in range(40):
        levels = np.repeat(np.exp(0.06 * rng.standard_normal(20)), 30)
        seen = stream_speeds(100 * levels * np.exp(0.1 * rng.standard_normal(600)), names)
        assert seen is not None
        found.append(seen.spread)
        invented += stream_speeds(100 * np.exp(0.1 * rng.standard_normal(600)), names) is not None
    assert np.mean(found) == pytest.approx(0.06, rel=0.08)
    assert invented <= 3


def test_what_is_left_within_streams_has_the_mean_of_all() -> None:
    rng = np.random.default_rng(2)
    names = np.repeat(np.array(list("abcdef"), dtype=object), 50)
    values = np.repeat(np.linspace(80, 130, 6), 50) * np.exp(0.02 * rng.standard_normal(300))
    seen = stream_speeds(values, names)
    assert seen is not None
    assert seen.within_ms.mean() == pytest.approx(values.mean())
    assert np.log(seen.within_ms).std() == pytest.approx(0.02, rel=0.2)


def test_few_streams_or_none_tell_nothing() -> None:
    values = np.repeat([100.0, 130.0, 160.0], 50) + np.arange(150) % 5
    assert stream_speeds(values, np.repeat(np.array(list("abc"), dtype=object), 50)) is None
    assert stream_speeds(values, None) is None


def test_another_log_of_the_same_function_lies_within_what_the_scenario_spreads(tmp_path: Path) -> None:
    """The mean of a log with some 16 environments, 8 % apart, is known to 2 %; single runs alone would make it 0.2 %."""
    path = tmp_path / "speeds.log"
    path.write_text(GENERATED["own_speeds"](np.random.default_rng(7)), encoding="utf-8")
    found = calibrate_logs([path])
    assert found.speeds is not None
    assert found.speeds.spread == pytest.approx(0.08, rel=0.4)
    written, runs = scenario_mapping(found, None), read_observations([path]).runs
    assert written["functions"][0]["work"]["environment_spread"] > 0.04
    sample = twin(written, runs, 60)
    means = sample.with_ms.reshape(60, -1).mean(axis=1)
    assert 0.006 < means.std() / means.mean() < 0.05
    plain = {**written["functions"][0], "work": {**written["functions"][0]["work"], "environment_spread": 0}}
    alike = twin({**written, "functions": [plain]}, runs, 60).with_ms.reshape(60, -1).mean(axis=1)
    assert alike.std() / alike.mean() < 0.003


@pytest.mark.parametrize(
    ("named", "said"), [(None, "names no environments"), (3, "the log has 3 and does not show it")]
)
def test_a_log_that_shows_no_speeds_says_what_is_missing(named: int | None, said: str) -> None:
    """On arm64 environments differ more than on x86_64."""
    assert said in speed_finding(None, Architecture.ARM64, named)
    assert "some 7.5%" in speed_finding(None, Architecture.ARM64, named)
    assert "some 2.9%" in speed_finding(None, Architecture.X86_64, named)
