"""A scenario's trace in every format, told apart without being told."""

import gzip
import json
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pytest

import lambdasim as ls
from lambdasim.errors import LambdaSimError
from lambdasim.results.files.saved import run_content
from lambdasim.specs import load_scenario_text
from lambdasim.specs.traffic import TraceFormat
from lambdasim.traffic.arrivals import FunctionArrivals

DATA = Path("data")


def opened(traffic: str, folder: Path = Path(), duration: str = "30d") -> FunctionArrivals:
    function = f"{{name: f, traffic: {{{traffic}}}}}"
    text = f"name: t\nstart: 2026-11-02T00:00:00Z\nduration: {duration}\nfunctions: [{function}]\n"
    return FunctionArrivals(load_scenario_text(text, base_dir=folder), "f")


@pytest.mark.parametrize(
    ("traffic", "written"),
    [
        ("trace: data/report_logs/aws_2rps_cloudwatch.json", "report_logs"),
        ("trace: data/traffic/elb_request_count.csv, timestamp_unit: iso_utc", "counts_csv"),
        ("trace: data/traffic/azure_2021_excerpt.csv", "azure_2021"),
        ("trace: data/traffic/azure_2019_layout_invocations.csv, trace_date: 2019-07-15", "azure_2019"),
    ],
)
def test_the_real_files_are_told_apart_and_arrive(traffic: str, written: str) -> None:
    arrivals = opened(traffic + ", align: start")
    assert arrivals.trace.source.format == written
    assert arrivals.trace.summary().invocations == sum(len(chunk) for chunk in arrivals()) > 0


def test_an_azure_2019_file_needs_its_day() -> None:
    with pytest.raises(LambdaSimError, match="trace_date: must be given"):
        _ = opened("trace: data/traffic/azure_2019_layout_invocations.csv").trace


def test_metric_data_and_insights_are_told_apart(tmp_path: Path) -> None:
    times = ["2026-11-02T00:01:00Z", "2026-11-02T00:00:00Z"]
    result = {
        "Id": "m1",
        "Label": "Invocations",
        "Timestamps": times,
        "Values": [2, 5],
        "StatusCode": "Complete",
    }
    (tmp_path / "metric.json").write_text(json.dumps({"MetricDataResults": [result], "Messages": []}))
    metric = opened("trace: metric.json", tmp_path)
    assert metric.trace.source.format == TraceFormat.METRIC_DATA
    assert np.histogram(np.concatenate(list(metric())), [0, 60e6, 120e6])[0].tolist() == [5, 2]

    fields = {"@timestamp": "2026-11-02 00:00:03.000", "@duration": "100", "@billedDuration": "100"}
    row = [{"field": name, "value": value} for name, value in fields.items()]
    (tmp_path / "insights.json").write_text(
        json.dumps({"results": [row], "statistics": {}, "status": "Complete"})
    )
    (tmp_path / "insights.csv").write_text("@timestamp,@duration\n2026-11-02 00:00:03.000,100\n")
    for name in ("insights.json", "insights.csv"):
        insights = opened(f"trace: {name}, align: none", tmp_path)
        assert insights.trace.source.format.startswith("insights")
        assert [chunk.tolist() for chunk in insights()] == [[2_900_000]]


def test_bad_rows_are_skipped_only_when_asked_and_then_told(tmp_path: Path) -> None:
    with gzip.open(tmp_path / "t.csv.gz", "wt") as file:
        file.write("time,count\n2026-11-02T00:00:00Z,3\n2026-11-02T00:01:00Z,minus\n2026-11-02T00:02:00Z,4\n")
    function = "{name: f, traffic: {trace: t.csv.gz, interval: 1min}}"
    text = f"name: t\nstart: 2026-11-02T00:00:00Z\nduration: 1h\nfunctions: [{function}]\n"
    scenario = load_scenario_text(text, base_dir=tmp_path)
    with pytest.raises(LambdaSimError, match=r"row 3.*count.*'minus'"):
        ls.simulate(scenario)
    run = ls.simulate(scenario.skipping_bad_rows())
    report = run.readings()["f"]
    assert (report.rows, report.skipped, len(run.records)) == (2, 1, 7)
    assert "minus" in str(report)


def test_a_schedule_is_its_moments_times_the_scale() -> None:
    arrivals = opened('schedule: "cron(0 8 ? * MON-FRI *)", scale: 3', duration="7d")
    days = np.concatenate(list(arrivals())) // 3_600_000_000
    assert days.tolist() == [24 * day + 8 for day in range(5) for _ in range(3)]


@pytest.mark.parametrize(
    ("traffic", "start", "found"),
    [
        ("align: start", "2026-11-02", ("28 days at the scenario's end have no trace",)),
        ("align: start, repeat: true", "2026-11-02", ()),
        ("align: none", "2026-10-31", ("2 days at the scenario's beginning have no trace", "26 days at")),
        (
            "align: weekday",
            "2026-11-06",
            ("2026-11-02 to 2026-11-03 of the trace stands for 2026-11-09", "3 days at", "25 days at"),
        ),
        ("align: none", "2026-12-24", ("2 days of the trace lie before the scenario", "30 days at")),
        (
            "align: none",
            "2026-09-24",
            ("30 days at the scenario's beginning", "2 days of the trace lie after"),
        ),
    ],
)
def test_what_does_not_overlap_is_told(
    tmp_path: Path, traffic: str, start: str, found: tuple[str, ...]
) -> None:
    (tmp_path / "t.csv").write_text("time,count\n2026-11-02T00:00:00Z,3\n2026-11-03T23:00:00Z,3\n")
    text = (
        f"name: t\nstart: {start}T00:00:00Z\nduration: 30d\nfunctions:\n"
        f"  - {{name: f, traffic: {{trace: t.csv, interval: 1h, {traffic}}}}}\n"
    )
    told = FunctionArrivals(load_scenario_text(text, base_dir=tmp_path), "f").coverage()
    assert len(told) == len(found)
    assert all(
        sentence.startswith(words) for words, sentence in zip(sorted(found), sorted(told), strict=True)
    )


@pytest.mark.parametrize(
    ("start", "repeat", "said"),
    [
        ("2026-09-14", False, "2026-09-14 to 2026-09-27 of the trace is simulated, as it was recorded"),
        ("2027-03-01", False, "2026-10-12 to 2026-10-25 of the trace stands for 2027-03-01 to 2027-03-14"),
        ("2027-03-04", True, "2026-10-08 to 2026-10-21 of the trace stands for 2027-03-04 to 2027-03-17"),
        ("2026-01-05", False, "2026-10-12 to 2026-10-25 of the trace stands for 2026-01-05 to 2026-01-18"),
    ],
)
def test_a_longer_trace_is_used_where_the_scenario_lies_in_it_and_else_by_its_latest_weeks(
    tmp_path: Path, start: str, repeat: bool, said: str
) -> None:
    """Day k of the trace, which begins on Monday 31 August 2026 and ends with Sunday 25 October, has k + 1 events."""
    days = [date(2026, 8, 31) + timedelta(days=k) for k in range(56)]
    first = (date.fromisoformat(said[:10]) - days[0]).days
    (tmp_path / "t.csv").write_text("time,count\n" + "".join(f"{d},{k + 1}\n" for k, d in enumerate(days)))
    more = ", repeat: true" if repeat else ""
    text = (
        f"name: t\nstart: {start}T00:00:00Z\nduration: 14d\nprice_date: 2026-11-01\nfunctions:\n"
        f"  - {{name: f, traffic: {{trace: t.csv, interval: 24h, timestamp_unit: iso_utc{more}}}}}\n"
    )
    arrivals = FunctionArrivals(load_scenario_text(text, base_dir=tmp_path), "f")
    by_day = np.bincount(np.concatenate(list(arrivals())) // 86_400_000_000, minlength=14)
    assert by_day.tolist() == [first + 1 + k for k in range(14)]
    assert arrivals.coverage()[-1] == said


def test_days_of_a_trace_stand_beside_the_bill_in_text_and_json(tmp_path: Path) -> None:
    days = [date(2026, 1, 1) + timedelta(days=k) for k in range(60)]
    (tmp_path / "t.csv").write_text("time,count\n" + "".join(f"{d},{k + 1}\n" for k, d in enumerate(days)))
    text = (
        "name: t\nstart: 2026-11-02T00:00:00Z\nduration: 7d\nfunctions:\n"
        "  - {name: f, traffic: {trace: t.csv, utc: true}}\n"
    )
    run = ls.simulate(load_scenario_text(text, base_dir=tmp_path))
    said = "2026-02-23 to 2026-03-01 of the trace stands for 2026-11-02 to 2026-11-08"
    assert said in " ".join(run.text().split())
    kept = json.loads(json.dumps(run_content(run)["parameters"]))
    assert [row["value"] for row in kept if row["parameter"] == "days of the trace of f"] == [said]


@pytest.mark.parametrize(
    ("traffic", "days", "start"),
    [
        ("align: weekday", ("2026-10-01", "2026-10-02"), "2026-11-01"),
        ("align: none", ("2026-10-01", "2026-10-02"), "2026-11-01"),
        ("align: none", ("2026-11-04", "2026-11-05"), "2026-11-01"),
    ],
)
def test_a_trace_of_which_nothing_falls_into_the_scenario_is_refused(
    tmp_path: Path, traffic: str, days: tuple[str, ...], start: str
) -> None:
    """Thursday and Friday have no place in a scenario of a Sunday and a Monday."""
    (tmp_path / "t.csv").write_text("time,count\n" + "".join(f"{day},9\n" for day in days))
    text = (
        f"name: t\nstart: {start}T00:00:00Z\nduration: 2d\nfunctions:\n"
        "  - {name: f, traffic: {trace: t.csv, utc: true, %s}}\n"
    )
    scenario = load_scenario_text(text % traffic, base_dir=tmp_path)
    with pytest.raises(
        LambdaSimError, match=f"nothing of the trace, {days[0]} to {days[1]}, falls into.*align: start"
    ):
        ls.simulate(scenario)
    at_start = load_scenario_text(text % "align: start", base_dir=tmp_path)
    assert ls.simulate(at_start).summary()["events"].sum() == 18
