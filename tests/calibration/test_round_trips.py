"""What a log says comes out of the scenario that it makes: over every log of the project, and logs made for it."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from generated_logs import GENERATED

from lambdasim.calibration.calibrate import calibrate_logs
from lambdasim.calibration.data.observations import read_observations
from lambdasim.calibration.round_trip import RoundTrip, round_trip
from lambdasim.calibration.scenario import scenario_mapping

DATA = sorted((Path(__file__).parents[2] / "data" / "report_logs").glob("*.json"))
MONEY = ("GB-s", "billed", "USD")
TIMES = ("duration", "INIT")


def assert_repeated(found: RoundTrip | None) -> None:
    """Billed time within 2 % or the sampling interval, quantiles within 3 % or theirs, counts within binomial ones."""
    assert found is not None
    for row in found.rows:
        if row.measure == "runs":
            assert row.log == row.twin
        else:
            near = 0.02 if row.measure.startswith(MONEY) else 0.03 if row.measure.startswith(TIMES) else 0.0
            assert abs(row.difference) <= near or not row.is_outside, row
    assert not found.marked


@pytest.mark.parametrize("path", DATA, ids=lambda path: path.stem)
def test_logs_of_the_project(path: Path) -> None:
    assert_repeated(calibrate_logs([path]).round_trip)


@pytest.mark.parametrize("name", GENERATED)
def test_generated_logs(tmp_path: Path, name: str) -> None:
    path = tmp_path / f"{name}.log"
    path.write_text(GENERATED[name](np.random.default_rng(7)), encoding="utf-8")
    assert_repeated(calibrate_logs([path]).round_trip)


def test_a_scenario_that_loses_what_happened_is_marked(tmp_path: Path) -> None:
    """Take from the written scenario one thing after another: each time the table says where it fails, and why."""
    path = tmp_path / "failing.log"
    path.write_text(GENERATED["failing"](np.random.default_rng(7)), encoding="utf-8")
    found = calibrate_logs([path])
    runs = read_observations([path]).runs
    written = scenario_mapping(found, None)
    (function,) = written["functions"]
    for lost, measure in (
        ("timeout_probability", "timeouts"),
        ("crash_probability", "crashes"),
        ("out_of_memory_probability", "out of memory"),
        ("error_probability", "errors"),
    ):
        work = {name: law for name, law in function["work"].items() if name != lost}
        trip = round_trip({**written, "functions": [{**function, "work": work}]}, runs, 20)
        assert measure in {row.measure for row in trip.marked}
        assert all(row.reason for row in trip.marked)
    slower = {**function, "work": {**function["work"], "io_ms": 300}}
    trip = round_trip({**written, "functions": [slower]}, runs, 20)
    assert {"duration p50 [ms]", "GB-s, with INIT"} <= {row.measure for row in trip.marked}


def test_what_is_marked_lies_outside_its_interval_and_far_off(tmp_path: Path) -> None:
    path = tmp_path / "three.log"
    path.write_text(GENERATED["three_modes"](np.random.default_rng(7)), encoding="utf-8")
    found = calibrate_logs([path]).round_trip
    assert found is not None
    row = found.row("duration p50 [ms]")
    assert not replace(row, twin=row.log * 1.04, low=row.log, high=row.log).is_far
    assert replace(row, twin=row.log * 1.06, low=row.log, high=row.log).is_far
    assert not replace(row, twin=row.log * 1.06, low=0.0).is_outside or row.high < row.log * 1.06


def test_the_same_log_gives_the_same_table(tmp_path: Path) -> None:
    path = tmp_path / "two.log"
    path.write_text(GENERATED["two_runs"](np.random.default_rng(7)), encoding="utf-8")
    assert calibrate_logs([path]).round_trip == calibrate_logs([path]).round_trip
