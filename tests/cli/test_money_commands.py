"""Commands about money: forecasts as files and JSON, break-evens."""

import json
from pathlib import Path

import pytest
from program import lambdasim

FUTURE = """name: rides
start: 2015-02-01T00:00:00Z
duration: 28d
price_date: 2026-11-01
free_tier: false
functions:
  - name: rides
    memory_mb: 1024
    work: {io_ms: 200}
    trigger: {type: function_url}
    traffic: {constant: {rate_per_s: 0}, scale: 0.01}
"""
STEADY = """name: steady
start: 2026-11-01T00:00:00Z
duration: 1h
functions:
  - {name: f, memory_mb: 1769, init_ms: 0, work: {cpu_ms: 500}, traffic: {constant: {rate_per_s: 2}}}
"""


@pytest.fixture(scope="module")
def steady(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("s") / "steady.yaml"
    path.write_text(STEADY)
    return path


@pytest.mark.usefixtures("rendered")
def test_a_forecast_has_lines_days_and_the_budget(tmp_path: Path) -> None:
    scenario, out = tmp_path / "future.yaml", tmp_path / "out"
    scenario.write_text(FUTURE)
    done = lambdasim(
        "forecast", scenario, "--month", "2015-02", "--history", "data/traffic/nyc_taxi.csv", "--utc",
        "--paths", 20, "--budget", 0.9, "--tornado", "--anomaly", "2015-02-15=3", "--out", out, "--json",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert {"lines", "days", "alarms", "drivers", "swings", "jumps"} <= set(found)
    days = found["days"]
    assert len(days) == 28
    assert days[-1]["cumulative_p50"] == pytest.approx(found["lines"][-1]["p50"])
    # Three times the traffic from the fifteenth on, no free tier: the same weekdays cost three times as much.
    first, second = (sum(day["p50"] for day in part) for part in (days[:14], days[14:]))
    assert second / first == pytest.approx(3, rel=0.15)
    assert json.loads((out / "result.json").read_text()) == found
    names = {path.name for path in out.iterdir()}
    assert {"report.html", "forecast.png", "tornado.png", "days.csv", "lines.csv"} <= names


@pytest.mark.parametrize("anomaly", ["2015-03-01=3", "2015-02-10", "2015-02-10=many", "2015-02-10=0"])
def test_an_anomaly_must_be_a_day_of_the_month_and_a_factor(anomaly: str, tmp_path: Path) -> None:
    scenario = tmp_path / "future.yaml"
    scenario.write_text(FUTURE)
    done = lambdasim("forecast", scenario, "--month", "2015-02", "--anomaly", anomaly)
    assert done.returncode == 2
    assert "anomaly" in done.stderr
    assert len(done.stderr.splitlines()) == 1


@pytest.mark.usefixtures("rendered")
def test_a_break_even_is_told_and_written(steady: Path, tmp_path: Path) -> None:
    arguments = ("break-even", steady, "--multiple", 1, "--multiple", 4, "--replications", 2)
    done = lambdasim(*arguments, "--out", tmp_path / "out")
    assert done.returncode == 0, done.stderr
    assert "requests a month Lambda is cheaper than" in done.stdout
    assert max(map(len, done.stdout.split("\nwrote ")[0].splitlines())) <= 80
    names = {path.name for path in (tmp_path / "out").iterdir()}
    assert {"break_even.png", "report.html", "curves.csv", "bills.csv"} <= names
    asked = lambdasim(*arguments, "--hourly", "--instance", "m7i.large", "--least", 1, "--json")
    assert {row["option"] for row in json.loads(asked.stdout)["crossings"]} == {
        "Fargate",
        "EC2",
        "managed instances",
    }


@pytest.mark.parametrize(
    "options",
    [("--utilization", 2), ("--instance", "m7g.large"), ("--region", "il-central-1"), ("--multiple", -1)],
)
def test_bad_terms_are_one_sentence_and_status_2(steady: Path, options: tuple[object, ...]) -> None:
    done = lambdasim("break-even", steady, *options)
    assert done.returncode == 2, done.stdout
    assert len(done.stderr.splitlines()) == 1
