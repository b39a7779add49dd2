"""What a log says comes out of the scenario that it makes: over every log of the project, and logs made for it."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from click.testing import Result
from generated_logs import GENERATED, Log
from typer.testing import CliRunner

from lambdasim.calibration.calibrate import calibrate_logs
from lambdasim.calibration.data.reading import read_observations
from lambdasim.calibration.round_trip import RoundTrip, TripRow, round_trip
from lambdasim.calibration.scenario import scenario_mapping
from lambdasim.cli import app
from lambdasim.specs import load_scenario

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


def test_environments_that_end_while_they_are_busy_have_an_age(tmp_path: Path) -> None:
    """A deployment every 100 s ends the one environment, which is never idle for longer than 4 s."""
    rng, log = np.random.default_rng(7), Log(512, 10_000)
    for k in range(500):
        ms, init = 50 * np.exp(0.1 * rng.standard_normal()), 600 * np.exp(0.05 * rng.standard_normal())
        log.run(4.0 * k, ms, init_ms=None if k % 25 else init, stream=f"{k // 25:032x}")
    path, out = tmp_path / "deployed.log", tmp_path / "deployed.yaml"
    path.write_text(log.text(), encoding="utf-8")
    found = calibrate_logs([path], out)
    assert_repeated(found.round_trip)
    lifetime_us = load_scenario(out).platform.max_lifetime_us
    assert lifetime_us is not None
    assert 60 <= lifetime_us / 1e6 <= 180
    assert any("as deployments end them" in line for line in found.findings())


@pytest.mark.parametrize("side", ["log", "twin"])
def test_what_is_not_a_number_is_marked(side: str) -> None:
    row = replace(TripRow("INIT p50 [ms]", 100.0, 90.0, 110.0, 100.0), **{side: float("nan")})
    assert row.is_far
    assert row.is_outside


def test_a_twin_without_cold_starts_is_marked_where_the_log_has_init(tmp_path: Path) -> None:
    """Provisioned concurrency leaves no cold start, so INIT of the twin is not a number: no row of it is silent."""
    path = tmp_path / "cold.log"
    path.write_text(GENERATED["cold_starts"](np.random.default_rng(7)), encoding="utf-8")
    found = calibrate_logs([path])
    written = scenario_mapping(found, None)
    (function,) = written["functions"]
    ready = {**function, "provisioned_concurrency": [{"at": "0s", "count": 5}]}
    trip = round_trip({**written, "functions": [ready]}, read_observations([path]).runs, 4)
    reasons = {row.measure: row.reason for row in trip.marked}
    assert np.isnan(trip.row("INIT p50 [ms]").twin)
    assert reasons["INIT p50 [ms]"] == reasons["INIT p99 [ms]"] == "the twin has none"
    assert "cold starts" in reasons
    assert "the twin has none" in trip.text()


def unlike_its_twin(rng: np.random.Generator) -> str:
    """No scenario has this: three times the memory, and the same work takes ten times as long."""
    log = Log(256)
    for k in range(400):
        log.memory_mb = 256 if k < 200 else 768
        log.run(5.0 * k, (50 if k < 200 else 500) * np.exp(0.05 * rng.standard_normal()))
    return log.text()


def test_strict_ends_with_status_1_where_the_twin_differs_and_0_where_it_does_not(tmp_path: Path) -> None:
    bad, good = tmp_path / "contrary.log", tmp_path / "steady.log"
    bad.write_text(unlike_its_twin(np.random.default_rng(7)), encoding="utf-8")
    good.write_text(GENERATED["three_modes"](np.random.default_rng(7)), encoding="utf-8")

    def ended(*arguments: object) -> Result:
        return CliRunner().invoke(app, ["calibrate", *map(str, arguments)])

    together = ("--function-version", "all")
    strict = ended(bad, *together, "--strict", "--json", "--scenario", tmp_path / "bad.yaml")
    assert strict.exit_code == 1
    assert any(row["reason"] for row in json.loads(strict.stdout)["round_trip"])
    assert (tmp_path / "bad.yaml").exists()
    lenient = ended(bad, *together)
    assert "one law of work for 2 memory sizes does not meet" in " ".join(lenient.output.split())
    assert lenient.exit_code == ended(good, "--strict").exit_code == 0


def test_the_same_log_gives_the_same_table(tmp_path: Path) -> None:
    path = tmp_path / "two.log"
    path.write_text(GENERATED["two_runs"](np.random.default_rng(7)), encoding="utf-8")
    assert calibrate_logs([path]).round_trip == calibrate_logs([path]).round_trip
