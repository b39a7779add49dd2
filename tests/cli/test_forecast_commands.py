"""Commands that read what has been."""

import json
from pathlib import Path

import yaml
from program import lambdasim


def test_a_function_is_fitted_to_its_logs(tmp_path: Path) -> None:
    out = tmp_path / "fit"
    done = lambdasim("calibrate", "data/report_logs/aws_2rps_cloudwatch.json", "-o", out)
    assert done.returncode == 0, done.stderr
    assert "240 warm runs" in done.stdout
    assert yaml.safe_load((out / "scenario.yaml").read_text())["functions"][0]["memory_mb"] == 1769


def test_a_history_is_tested_on_its_past() -> None:
    done = lambdasim("backtest", "data/traffic/nyc_taxi.csv", "--utc", "--paths", 50)
    assert done.returncode == 0, done.stderr
    assert "month ahead" in done.stdout
    assert max(map(len, done.stdout.splitlines())) <= 80


def test_a_test_of_the_past_is_also_told_as_json() -> None:
    done = lambdasim("backtest", "data/traffic/nyc_taxi.csv", "--utc", "--paths", 50, "--json")
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert sum(score["blocks"] for score in told["summary"]) == len(told["forecasts"])


def test_times_without_an_offset_are_refused_unless_said_to_be_utc() -> None:
    done = lambdasim("backtest", "data/traffic/nyc_taxi.csv")
    assert done.returncode == 2
    assert "nyc_taxi.csv" in done.stderr
    assert len(done.stderr.splitlines()) == 1
