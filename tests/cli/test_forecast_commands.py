"""Commands that read what has been."""

import json
from pathlib import Path

import pytest
import yaml
from program import lambdasim

from lambdasim.finance import check_focus

RIDES = """
name: rides
start: 2014-11-01T00:00:00Z
duration: 1d
price_date: 2026-11-01
free_tier: false
functions:
  - name: receipts
    work: {cpu_ms: 40, io_ms: 200}
    traffic: {trace: taxi.csv, format: csv_counts, utc: true, scale: 0.01}
"""


@pytest.mark.usefixtures("rendered")
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


def test_a_forecast_is_written_by_quantile_for_finance(tmp_path: Path) -> None:
    (tmp_path / "taxi.csv").write_bytes(Path("data/traffic/nyc_taxi.csv").read_bytes())
    scenario = tmp_path / "rides.yaml"
    scenario.write_text(RIDES)
    arguments = ("forecast", scenario, "--month", "2015-02", "--paths", 20, "--json")
    done = lambdasim(*arguments, "--focus", tmp_path / "bill.csv", "--xlsx", tmp_path / "month.xlsx")
    assert done.returncode == 0, done.stderr
    total = next(row for row in json.loads(done.stdout)["lines"] if row["line"] == "total")
    costs = {
        name: float(check_focus(tmp_path / f"bill.{name.upper()}.csv")) for name in ("p10", "p50", "p90")
    }
    assert costs["p10"] < costs["p50"] < costs["p90"]
    # Each file is one path's bill, the one nearest to the quantile: between its neighbours among twenty.
    assert all(abs(costs[name] - total[name]) < 0.1 * total[name] for name in costs)
    assert "bill.P10.csv" in done.stderr
    assert (tmp_path / "month.xlsx").exists()
    (tmp_path / "mine.P90.csv").write_text("mine")
    refused = lambdasim(*arguments, "--focus", tmp_path / "mine.csv")
    assert refused.returncode == 2
    assert "mine.P90.csv" in refused.stderr
    assert (tmp_path / "mine.P90.csv").read_text() == "mine"


@pytest.mark.usefixtures("rendered")
def test_a_history_tested_on_its_past_makes_a_page_and_a_workbook(tmp_path: Path) -> None:
    arguments = ("backtest", "data/traffic/nyc_taxi.csv", "--utc", "--paths", 50, "-o", tmp_path / "out")
    done = lambdasim(*arguments, "--xlsx", tmp_path / "b.xlsx")
    assert done.returncode == 0, done.stderr
    page = (tmp_path / "out" / "report.html").read_text()
    assert "how far to trust its forecast" in page
    assert page.count("<figure>") == 1
    assert (tmp_path / "b.xlsx").exists()
