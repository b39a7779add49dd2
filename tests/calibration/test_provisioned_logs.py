"""Environments that a log shows to be of provisioned concurrency are in the scenario, and in its cost."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

import lambdasim as ls
from lambdasim.calibration.calibrate import calibrate_logs
from lambdasim.calibration.data.reading import read_observations

BEGAN = datetime(2026, 8, 3, tzinfo=UTC)
# Name, kind, when it started, and when its first and its last run begin [s]; a run each 10 s between them.
ENVIRONMENTS = [
    ("a", "provisioned-concurrency", -300, 0, 600),
    ("b", "provisioned-concurrency", -300, 3, 1_203),
    ("c", "provisioned-concurrency", 700, 801, 1_201),
    ("d", "on-demand", 1_199, 1_200, 1_200),
]


def log(path: Path) -> Path:
    """Write two environments, one of which Lambda replaces after ten minutes, and a cold start beside them."""
    events: list[dict[str, Any]] = []

    def wrote(stream: str, second: float, kind: str, **record: Any) -> None:
        moment = (BEGAN + timedelta(seconds=second)).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        message = json.dumps({"time": moment, "type": f"platform.{kind}", "record": record})
        events.append(
            {
                "logStreamName": f"2026/08/03/[7]{stream * 32}",
                "timestamp": round(1000 * (BEGAN.timestamp() + second)),
                "message": message,
            }
        )

    for stream, started_by, started, first, last in ENVIRONMENTS:
        wrote(stream, started, "initStart", initializationType=started_by, phase="init")
        init = {
            "initializationType": started_by,
            "phase": "init",
            "status": "success",
            "metrics": {"durationMs": 500.0},
        }
        wrote(stream, started + 0.5, "initReport", **init)
        for place, second in enumerate(range(first, last + 1, 10)):
            request, ms = f"{stream}-{place}", 50.0 + place % 7
            cold = {"initDurationMs": 500.0} if started_by == "on-demand" else {}
            billed = round(ms + cold.get("initDurationMs", 0))
            metrics = {
                "durationMs": ms,
                "billedDurationMs": billed,
                "memorySizeMB": 1024,
                "maxMemoryUsedMB": 80,
            }
            wrote(stream, second, "start", requestId=request, version="7")
            wrote(
                stream,
                second + ms / 1000,
                "report",
                requestId=request,
                status="success",
                metrics=metrics | cold,
            )
    events.sort(key=lambda event: event["timestamp"])
    path.write_text(json.dumps({"events": events}), encoding="utf-8")
    return path


def test_environments_count_that_serve_in_one_stretch_of_time(tmp_path: Path) -> None:
    """By hand: a and c follow one another, b lasts throughout, and d started on demand."""
    runs = read_observations([log(tmp_path / "log.json")]).runs
    assert runs.most_provisioned() == 2
    assert runs.provisioned.sum() == 61 + 121 + 41
    assert runs.cold.sum() == 1


def test_provisioned_concurrency_is_written_and_paid_for(tmp_path: Path) -> None:
    """By hand: 2 GB for 730 hours at the price of a GB-second held are most of the month's money, in log and twin."""
    out = tmp_path / "twin.yaml"
    found = calibrate_logs([log(tmp_path / "log.json")], out)
    assert found.to_function()["provisioned_concurrency"] == [{"at": "0s", "count": 2}]
    (told,) = [one for one in found.findings() if "written as provisioned_concurrency, 2" in one]
    assert "at least" in told
    assert f"each costs ${730 * 3600 * 4.1667e-6:.2f} a month" in told
    run = ls.simulate(ls.load_scenario(out))
    assert (run.records["start_type"] == "provisioned").sum() >= 61 + 121 + 41 - 1
    assert found.round_trip is not None
    month = found.round_trip.row("USD a month")
    held = 2 * 730 * 3600 * 4.1667e-6
    assert month.log == pytest.approx(held, rel=0.05)
    assert month.twin == pytest.approx(month.log, rel=0.02)
    assert month.log > held
