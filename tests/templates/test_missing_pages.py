"""Metrics with missing pages: only the days that every series covers are used, and a note says so."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from lambdasim.specs import load_scenario
from lambdasim.templates.account.read import read_account
from lambdasim.templates.writing.draft import draft_scenario
from lambdasim.templates.writing.scenario_writer import scenario_files, write_folder

BEGAN = datetime(2026, 11, 1, tzinfo=UTC)
ACCOUNT = "arn:aws:lambda:eu-west-1:123456789012:function:"


def series(
    name: str, metric: str, hours: range, value: float, every: int = 1, *, cut: bool
) -> dict[str, Any]:
    moments = [(BEGAN + timedelta(hours=hour)).isoformat() for hour in hours[::every]]
    return {
        "Id": f"{name}_{metric.lower()}",
        "Label": f"{name}|{metric}|{'Sum' if metric == 'Invocations' else 'Average'}|3600",
        "Timestamps": moments,
        "Values": [value] * len(moments),
        "StatusCode": "PartialData" if cut else "Complete",
    }


def account(folder: Path, *results: dict[str, Any]) -> tuple[float, dict[str, int], str]:
    """Import two functions with these metrics; give days, calls by function, and what is warned of."""
    names = ("orders", "resize")
    functions = [
        {
            "FunctionName": name,
            "FunctionArn": ACCOUNT + name,
            "MemorySize": 512,
            "Timeout": 9,
            "Runtime": "python3.13",
        }
        for name in names
    ]
    (folder / "in").mkdir()
    (folder / "in" / "functions.json").write_text(json.dumps({"Functions": functions}), encoding="utf-8")
    (folder / "in" / "metrics.json").write_text(
        json.dumps({"MetricDataResults": results, "NextToken": "more"}), encoding="utf-8"
    )
    found = read_account(folder / "in")
    write_folder(scenario_files(found, draft_scenario(found)), folder / "out")
    scenario = load_scenario(folder / "out")
    calls = {}
    for one in scenario.functions:
        rows = (folder / "out" / str(one.traffic.trace)).read_text(encoding="utf-8").splitlines()[1:]
        calls[one.name] = sum(int(row.split(",")[-1]) for row in rows)
    return scenario.duration_us / 86_400_000_000, calls, " ".join(one.text for one in found.warnings)


@pytest.mark.parametrize("end_first", [False, True], ids=["ascending", "descending"])
def test_what_one_function_lacks_is_left_out_of_all(end_first: bool, tmp_path: Path) -> None:
    """By hand: of ten days one function has four, at 5 an hour: not 480 calls in ten days."""
    whole, part = range(240), range(144, 240) if end_first else range(96)
    days, calls, told = account(
        tmp_path,
        series("orders", "Invocations", whole, 10.0, cut=False),
        series("orders", "Duration", whole, 50.0, cut=False),
        series("resize", "Invocations", part, 5.0, cut=True),
        series("resize", "Duration", part, 80.0, cut=True),
    )
    assert days == 4
    assert calls == {"orders": 960, "resize": 480}
    assert "only the 4 days are used that every series has" in told


def test_a_rare_function_does_not_say_where_its_page_ends(tmp_path: Path) -> None:
    whole = range(240)
    days, calls, told = account(
        tmp_path,
        series("orders", "Invocations", whole, 10.0, cut=False),
        series("orders", "Duration", whole, 50.0, cut=False),
        series("resize", "Invocations", range(96), 5.0, 24, cut=True),
        series("resize", "Duration", range(96), 80.0, 24, cut=True),
    )
    assert days == 10
    assert calls["orders"] == 2_400
    assert "so traffic and bill are too low" in told
