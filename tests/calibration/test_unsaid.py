"""Tables that do not say how runs ended or started: it is inferred from their figures, and a note says so."""

import json
from pathlib import Path

import numpy as np
import pytest

from lambdasim.calibration.calibrate import calibrate_logs
from lambdasim.calibration.data.observations import Observations
from lambdasim.calibration.data.reading import read_observations
from lambdasim.calibration.twin import logged
from lambdasim.report.pages.calibration import calibration_page

QUERY = ("@timestamp", "@duration", "@billedDuration", "@memorySize")
INIT_MS = 400.0


def table(path: Path, rows: list[tuple[object, ...]], header: tuple[str, ...] = QUERY) -> Observations:
    lines = [",".join(header)]
    for k, row in enumerate(rows):
        moment = f"2026-08-03 06:{k // 60:02d}:{k % 60:02d}.000"
        lines.append(",".join([moment, *map(str, row)]))
    path.write_text("\n".join(lines), encoding="utf-8")
    return read_observations([path])


def warm(count: int) -> list[tuple[object, ...]]:
    durations = 40 * np.exp(0.1 * np.random.default_rng(4).standard_normal(count))
    return [(f"{ms:.2f}", int(np.ceil(round(ms, 2))), 512_000_000) for ms in durations]


def told(found: Observations) -> str:
    return " ".join(found.notes)


@pytest.mark.parametrize(("late", "outcome"), [((3000, 3000), "timeout"), (("2999.5", 3000), "success")])
def test_the_longest_runs_of_a_whole_second_are_timeouts(
    late: tuple[object, ...], outcome: str, tmp_path: Path
) -> None:
    found = table(tmp_path / "runs.csv", [*warm(50), (*late, 512_000_000)])
    assert found.runs.outcome[np.argmax(found.runs.duration_ms)] == outcome
    assert "does not say how runs ended" in told(found)
    assert ("1 run of exactly 3 s" in told(found)) == (outcome == "timeout")


def test_whole_milliseconds_take_several_runs_to_show_a_timeout(tmp_path: Path) -> None:
    rows = [(40 + k % 7, 40 + k % 7, 512) for k in range(40)]
    one = table(tmp_path / "one.csv", [*rows, (1000, 1000, 512)])
    three = table(tmp_path / "three.csv", [*rows, *[(1000, 1000, 512)] * 3])
    assert not one.runs.ended("timeout").any()
    assert three.runs.ended("timeout").sum() == 3


def test_what_is_billed_beyond_the_duration_is_a_start(tmp_path: Path) -> None:
    """By hand: 40.2 ms and INIT of 399.9 ms are billed as 441 ms; nothing is lost of the bill."""
    rows = [*warm(30), ("40.20", 441, 512_000_000), *warm(30)]
    found = table(tmp_path / "runs.csv", rows)
    sample = logged(found.runs)
    assert found.runs.cold.sum() == 1
    assert found.runs.init_ms[30] == pytest.approx(400.3)
    assert sample.with_ms.sum() == sum(int(str(row[1])) for row in rows)
    assert "1 run is billed for longer than it took, by 400.8 ms" in told(found)


def test_steps_of_100_ms_are_no_starts(tmp_path: Path) -> None:
    found = table(tmp_path / "old.csv", [(ms, 100, 512) for ms, _, _ in warm(30)])
    assert not found.runs.cold.any()


@pytest.mark.parametrize(
    ("status", "outcome"),
    [
        ("Success", "success"),
        ("OK", "success"),
        ("completed", "success"),
        ("Timed Out", "timeout"),
        ("timedout", "timeout"),
        ("failure", "crash"),
        ("out of memory", "out_of_memory"),
        ("Error", "error"),
        ("something else", "error"),
    ],
)
def test_tables_say_in_many_words_how_a_run_ended(status: str, outcome: str, tmp_path: Path) -> None:
    found = table(tmp_path / "runs.csv", [(*row, status) for row in warm(3)], (*QUERY, "status"))
    assert found.runs.outcome.tolist() == [outcome] * 3
    assert "does not say how runs ended" not in told(found)


def test_a_log_in_json_tells_a_crash_from_a_want_of_memory(tmp_path: Path) -> None:
    names = ("record.metrics.durationMs", "record.metrics.billedDurationMs", "record.metrics.memorySizeMB")
    header = ("@timestamp", *names, "record.status", "record.errorType")
    ends = [
        ("success", ""),
        ("failure", "Runtime.OutOfMemory"),
        ("failure", "Runtime.ExitError"),
        ("error", "KeyError"),
    ]
    found = table(tmp_path / "runs.csv", [(40.5, 41, 512, *end) for end in ends], header)
    assert found.runs.outcome.tolist() == ["success", "out_of_memory", "crash", "error"]


def test_short_names_of_a_query_are_known(tmp_path: Path) -> None:
    header = ("@timestamp", "duration", "billed", "memory", "init", "memoryUsed")
    found = table(tmp_path / "runs.csv", [(40.5, 41, 512, "", 80), (40.5, 441, 512, 400.2, 90)], header)
    assert found.runs.cold.tolist() == [False, True]
    assert found.sizes[0].max_memory_mb.max() == 90
    assert "not read" not in told(found)


FAILED = ("timeouts", "errors", "crashes", "out of memory")


@pytest.mark.parametrize(("late", "known"), [((3000, 3000), {"timeouts"}), (("2999.5", 3000), set())])
def test_failures_of_which_a_table_says_nothing_are_unknown_and_not_zero(
    late: tuple[object, ...], known: set[str], tmp_path: Path
) -> None:
    table(tmp_path / "runs.csv", [*warm(50), (*late, 512_000_000)])
    found = calibrate_logs([tmp_path / "runs.csv"])
    trip = found.round_trip
    assert trip is not None
    assert {name for name in FAILED if not trip.row(name).is_unknown} == known
    assert not {row.measure for row in trip.marked}.intersection(FAILED)
    lines = {line[:15].strip(): line for line in trip.text().splitlines()}
    assert {name for name in FAILED if "unknown" not in lines[name]} == known
    plain = json.loads(found.to_json())
    said = {row["measure"]: row["log"] for row in plain["round_trip"]}
    assert {name for name in FAILED if said[name] is not None} == known
    assert plain["error_probability"] is None
    assert {kind for kind, one in plain["failures"].items() if one is not None} == {one[:-1] for one in known}
    shown = calibration_page(found).shown["round_trip"].set_index("measure")["log"]
    assert {name for name in FAILED if shown[name] != "unknown"} == known


def test_failures_that_a_table_would_name_are_known_to_be_none(tmp_path: Path) -> None:
    rows = [(*row, "success") for row in warm(50)]
    table(tmp_path / "runs.csv", rows, (*QUERY, "status"))
    trip = calibrate_logs([tmp_path / "runs.csv"]).round_trip
    assert trip is not None
    assert [trip.row(name).log for name in FAILED] == [0, 0, 0, 0]
    assert "unknown" not in trip.text()


@pytest.mark.parametrize("none", ["0", "0.0", ""])
def test_an_init_of_nothing_is_none(tmp_path: Path, none: str) -> None:
    """As ``coalesce(@initDuration, 0)`` writes it."""
    header = (*QUERY[:3], "@initDuration", QUERY[3])
    rows = [(ms, billed, none, size) for ms, billed, size in warm(30)]
    found = table(tmp_path / "runs.csv", [("40.20", 441, "400.10", 512_000_000), *rows], header)
    assert found.runs.cold.tolist() == [True, *[False] * 30]


def test_events_of_lambda_insights_are_read_from_a_query(tmp_path: Path) -> None:
    header = (
        "@timestamp",
        "duration",
        "billed_duration",
        "init_duration",
        "total_memory",
        "used_memory_max",
        "cpu_total_time",
    )
    found = table(
        tmp_path / "runs.csv",
        [
            (200, 500, "299.50", 512, 77, 80),
            *[(180 + k % 5, 185, "", 512, 77, 40 + k % 3) for k in range(30)],
        ],
        header,
    )
    assert (found.runs.memory_mb == 512).all()
    assert found.runs.cold.sum() == 1
    assert sorted(set(found.runs.cpu_time_ms)) == [40, 41, 42, 80]
