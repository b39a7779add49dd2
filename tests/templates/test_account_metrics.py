"""Metrics as people export them: parts of a function, short and long periods, what SDKs and other queries add."""

from pathlib import Path
from typing import Any

import account_export as ae
import pytest

from lambdasim.templates.account.read import read_account
from lambdasim.templates.found import Found, FoundMeasured

START = 1_793_491_200  # 2026-11-01
DAY = 86_400
FUNCTION = {"FunctionName": "orders", "FunctionArn": ae.arn("orders"), "MemorySize": 512, "Timeout": 10}


def read(folder: Path, *results: dict[str, Any], **files: Any) -> Found:
    metrics = {"MetricDataResults": list(results)}
    return read_account(
        [ae.write(folder, {"functions.json": {"Functions": [FUNCTION]}, "metrics.json": metrics} | files)]
    )


def measured(found: Found) -> FoundMeasured:
    (one,) = found.functions
    assert one.measured is not None
    return one.measured


def counted(found: Found) -> int:
    return sum(events for _, events in measured(found).counts or ())


def calls(period_s: int, points: dict[int, float], metric: str = "Invocations") -> dict[str, Any]:
    return ae.result("orders", metric, "Sum", period_s, points)


@pytest.mark.parametrize("part", ["Resource", "ExecutedVersion"])
def test_what_one_version_or_alias_did_is_not_what_the_function_did(part: str, tmp_path: Path) -> None:
    queries, results = [], []
    for id_, value, more in (("all", 20.0, []), ("live", 900.0, [{"Name": part, "Value": "orders:live"}])):
        for metric, statistic in (("Duration", "Average"), ("Invocations", "Sum")):
            dimensions = [{"Name": "FunctionName", "Value": "orders"}, *more]
            said = {"Namespace": "AWS/Lambda", "MetricName": metric, "Dimensions": dimensions}
            name = f"{id_}_{metric}".lower()
            queries.append({"Id": name, "MetricStat": {"Metric": said, "Period": 300, "Stat": statistic}})
            results.append({"Id": name, "Label": metric, "Timestamps": [START], "Values": [value]})
    found = read(tmp_path, *results, **{"queries.json": queries})
    assert counted(found) == 20
    assert sum(measured(found).durations_ms) / len(measured(found).durations_ms) == pytest.approx(
        20, rel=1e-6
    )


def test_a_longer_period_counts_where_the_short_one_no_longer_reaches(tmp_path: Path) -> None:
    """Asked for by minute and by hour: CloudWatch has the minutes of the second day alone."""
    hours = {START + 3600 * hour: 60.0 for hour in range(48)}
    minutes = {START + DAY + 60 * minute: 1.0 for minute in range(1440)}
    assert counted(read(tmp_path / "1", calls(60, minutes), calls(3600, hours))) == 48 * 60
    short = {time: value / 12 for time, value in hours.items()} | {START: 60.0}
    assert counted(read(tmp_path / "2", calls(300, hours), calls(3600, short))) == 48 * 60


def test_refused_calls_are_arrivals_whatever_their_period(tmp_path: Path) -> None:
    refused = calls(300, {START + 300: 5.0, START + 3900: 7.0}, "Throttles")
    found = read(tmp_path, calls(3600, {START: 60.0, START + 3600: 40.0}), refused)
    assert measured(found).counts == ((START, 65), (START + 3600, 47))


def test_days_whose_minutes_are_gone_are_no_quiet_days(tmp_path: Path) -> None:
    """Thirty days by minute, of which CloudWatch keeps fifteen: the rate is that of fifteen days."""
    kept = {START + 15 * DAY + 3600 * hour: 10.0 for hour in range(15 * 24)}
    series = calls(60, kept)
    series["Label"] += f"|{START}-{START + 30 * DAY}"
    found = read(tmp_path, series)
    assert found.window == (START + 15 * DAY, START + 30 * DAY)
    assert any("CloudWatch keeps those for 15" in str(one) for one in found.warnings)


def test_days_whose_minutes_were_exported_in_time_are_kept(tmp_path: Path) -> None:
    """Two exports by minute, of fortnights that follow one another."""
    hours = {START + 3600 * hour: 10.0 for hour in range(28 * 24)}
    both = [
        {time: value for time, value in hours.items() if (time < START + 14 * DAY) is early}
        for early in (True, False)
    ]
    series = [calls(60, points) for points in both]
    for k, one in enumerate(series):
        one["Label"] += f"|{START + 14 * k * DAY}-{START + 14 * (k + 1) * DAY}"
    found = read(tmp_path, *series)
    assert found.window == (START, START + 28 * DAY)
    assert counted(found) == 28 * 240


def test_a_series_of_another_query_is_left_out_beside_known_ones(tmp_path: Path) -> None:
    rate = {"Id": "e1", "Label": "error rate", "Timestamps": [], "Values": []}
    found = read(tmp_path, calls(300, {START: 3.0}), rate)
    assert counted(found) == 3
    assert any(
        "1 series left out: 'error rate' does not say which function" in str(one) for one in found.warnings
    )


@pytest.mark.parametrize("added", [{"ResponseMetadata": {"RequestId": "x"}}, {"$metadata": {"attempts": 1}}])
def test_what_sdks_put_beside_an_answer_changes_nothing(added: dict[str, Any], tmp_path: Path) -> None:
    found = read(
        tmp_path,
        calls(300, {START: 3.0}),
        **{"orders.concurrency.json": {"ReservedConcurrentExecutions": 2, **added}},
    )
    (one,) = found.functions
    assert one.reserved_concurrency == 2
