"""Tables whose figures speak against them: seconds for milliseconds, chosen rows, words that are no known outcome."""

from pathlib import Path

import numpy as np
import pytest

from lambdasim.calibration.calibrate import calibrate_logs
from lambdasim.calibration.data.observations import Observations
from lambdasim.calibration.data.reading import read_observations
from lambdasim.errors import TraceError

Row = tuple[object, ...]


def table(path: Path, header: str, rows: list[Row]) -> Observations:
    lines = [header]
    for k, row in enumerate(rows):
        lines.append(",".join([f"2026-08-03T06:{k // 60:02d}:{k % 60:02d}Z", *map(str, row)]))
    path.write_text("\n".join(lines), encoding="utf-8")
    return read_observations([path])


def durations(n: int, middle: float = 80.0, spread: float = 0.3) -> list[float]:
    drawn = middle * np.exp(spread * np.random.default_rng(8).standard_normal(n))
    return [round(float(ms), 2) for ms in drawn]


def told(found: Observations) -> str:
    return " ".join(found.notes)


@pytest.mark.parametrize("middle", [20.0, 2_300.0])
def test_durations_in_seconds_beside_billed_milliseconds_are_refused(tmp_path: Path, middle: float) -> None:
    rows: list[Row] = [(round(ms / 1000, 5), int(ms) + 1, 512) for ms in durations(30, middle)]
    with pytest.raises(TraceError, match=r"must be in milliseconds.*seconds"):
        table(tmp_path / "t.csv", "timestamp,duration,billed_duration,memory_size", rows)


def test_short_work_of_jobs_that_start_cold_is_no_duration_in_seconds(tmp_path: Path) -> None:
    rows: list[Row] = [(round(ms / 40, 2), 2000 + k, 512) for k, ms in enumerate(durations(30))]
    found = table(tmp_path / "t.csv", "timestamp,duration,billed_duration,memory_size", rows)
    assert found.runs.cold.all()


@pytest.mark.parametrize(("scale", "refused"), [(0.001, True), (1.0, False)])
def test_an_init_in_seconds_is_refused_where_billed_times_hold_it(
    tmp_path: Path, scale: float, refused: bool
) -> None:
    """As a bill of 500 ms shows that has 100 ms of work in it and an INIT of 0.4."""
    rows: list[Row] = [(ms, int(ms) + 1, "", 512) for ms in durations(30)]
    rows += [(80.0, 80 + init, init * scale, 512) for init in (400, 430, 390)]
    header = "timestamp,duration_ms,billed_duration,init_duration,memory_mb"
    if refused:
        with pytest.raises(TraceError, match=r"init_ms: must be in milliseconds.*seconds"):
            table(tmp_path / "t.csv", header, rows)
    else:
        assert table(tmp_path / "t.csv", header, rows).runs.cold.sum() == 3


@pytest.mark.parametrize("billed", [True, False])
def test_a_file_without_init_and_billed_time_says_that_init_is_missing(tmp_path: Path, billed: bool) -> None:
    more, header = (
        ((81,), "timestamp,duration_ms,memory_mb,billed_ms")
        if billed
        else ((), "timestamp,duration_ms,memory_mb")
    )
    found = table(tmp_path / "t.csv", header, [(80.5, 512, *more)] * 30)
    assert ("cold starts, and what they cost, are not known" in told(found)) == (not billed)


def test_durations_that_no_run_of_lambda_has_are_refused(tmp_path: Path) -> None:
    rows: list[Row] = [(round(ms / 1000, 5), 512) for ms in durations(30)]
    with pytest.raises(TraceError, match="shorter than runs of Lambda are: seconds"):
        table(tmp_path / "t.csv", "timestamp,duration,memory_size", rows)


def test_what_is_supposed_of_a_unit_is_said_unless_billed_times_show_it(tmp_path: Path) -> None:
    plain = table(tmp_path / "a.csv", "timestamp,duration,memory_size", [(ms, 512) for ms in durations(30)])
    held = table(
        tmp_path / "b.csv",
        "timestamp,duration,billed_duration,memory_size",
        [(ms, int(ms) + 1, 512) for ms in durations(30)],
    )
    assert "durations are taken as milliseconds" in told(plain)
    assert "milliseconds" not in told(held)


@pytest.mark.parametrize("bound", [0.0, 50.0, 100.0, 150.0, 1000.0])
def test_a_bound_below_which_runs_are_missing_is_noticed(tmp_path: Path, bound: float) -> None:
    middle = max(bound, 80.0) * 0.9
    rows: list[Row] = [(ms, 512) for ms in durations(3000, middle, 0.5) if ms > bound]
    found = table(tmp_path / "t.csv", "timestamp,duration,memory_size", rows)
    assert ("no run is shorter than" in told(found)) == (bound > 0)


def test_runs_that_wait_for_a_round_time_are_no_export_of_slow_ones(tmp_path: Path) -> None:
    rows: list[Row] = [(round(1000 + ms / 10, 2), 512) for ms in durations(200)]
    assert "no run is shorter" not in told(table(tmp_path / "t.csv", "timestamp,duration,memory_size", rows))


@pytest.mark.parametrize(("order", "word"), [(-1, "longest"), (1, "shortest"), (0, "")])
def test_rows_in_the_order_of_their_duration_are_noticed(tmp_path: Path, order: int, word: str) -> None:
    drawn = durations(60)
    drawn = sorted(drawn, reverse=order < 0) if order else drawn
    rows: list[Row] = [(ms, int(ms) + 1, 512_000_000) for ms in drawn]
    found = table(tmp_path / "t.csv", "@timestamp,@duration,@billedDuration,@memorySize", rows)
    assert ("sorted by duration" in told(found)) == bool(word)
    assert word in told(found)


@pytest.mark.parametrize("warm", [0, 1])
def test_an_export_of_cold_starts_alone_is_noticed(tmp_path: Path, warm: int) -> None:
    rows: list[Row] = [(ms, 500 + int(ms), 499, 512_000_000) for ms in durations(30)]
    rows += [(80.5, 81, "", 512_000_000)] * warm
    found = table(tmp_path / "t.csv", "@timestamp,@duration,@billedDuration,@initDuration,@memorySize", rows)
    assert ("every run is a cold start" in told(found)) == (not warm)


@pytest.mark.parametrize(("step", "differs"), [(1, False), (100, True)])
def test_what_an_older_rule_billed_stands_beside_todays(tmp_path: Path, step: int, differs: bool) -> None:
    rows: list[Row] = [(ms, int(-(-ms // step) * step), 512_000_000) for ms in durations(40)]
    found = table(tmp_path / "t.csv", "@timestamp,@duration,@billedDuration,@memorySize", rows)
    assert ("today's rule bills" in told(found)) == differs
    if differs:
        assert f"prints {sum(int(str(row[1])) for row in rows):,} ms as billed" in told(found)


@pytest.mark.parametrize(
    ("word", "outcome"),
    [
        ("200", "success"), ("404", "success"), ("503", "error"), ("OK", "success"), ("null", "success"),
        ("-", "success"), ("Succeeded", "success"), ("FAILED", "error"), ("TimedOut", "timeout"), ("weird", "error"),
    ],
)  # fmt: skip
def test_words_for_how_a_run_ended(tmp_path: Path, word: str, outcome: str) -> None:
    rows: list[Row] = [(ms, 512, "success") for ms in durations(20)]
    found = table(tmp_path / "t.csv", "timestamp,duration_ms,memory_mb,status", [*rows, (80.5, 512, word)])
    assert found.runs.outcome[-1] == outcome
    assert ("'weird' (1) is not known" in told(found)) == (word == "weird")


def test_few_warm_runs_beside_many_cold_ones_do_not_speak_alone(tmp_path: Path) -> None:
    """Jobs that start cold nearly always: three warm runs happen to be a third longer."""
    cold: list[Row] = [
        (round(60_000 + 300 * k, 2), 60_400 + 300 * k, "399.50", 512_000_000) for k in range(40)
    ]
    warm: list[Row] = [
        (88_000, 88_000, "", 512_000_000),
        (92_000, 92_000, "", 512_000_000),
        (70_000, 70_000, "", 512_000_000),
    ]
    lines = ["@timestamp,@duration,@billedDuration,@initDuration,@memorySize"]
    for k, row in enumerate([*cold, *warm]):
        moment = f"2026-08-{1 + k // 20:02d}T{k % 20:02d}:00:00.000Z"
        lines.append(",".join([moment, *map(str, row)]))
    path = tmp_path / "jobs.csv"
    path.write_text("\n".join(lines))
    trip = calibrate_logs([path]).round_trip
    assert trip is not None
    assert abs(trip.row("GB-s, with INIT").difference) < 0.02
