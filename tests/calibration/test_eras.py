"""Logs that go over a change: the last part is fitted, and what the parts are stands beside it."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from generated_logs import Log

from lambdasim.calibration.calibrate import calibrate_logs
from lambdasim.calibration.data.eras import ALL, change_notes, newest
from lambdasim.calibration.data.reading import read_observations
from lambdasim.errors import TraceError

CHANGE = 300


def runs(number: int = 500, **columns: object) -> pd.DataFrame:
    """Runs every ten seconds; 80 ms at first, 200 ms since the change."""
    rng = np.random.default_rng(5)
    level = np.where(np.arange(number) < CHANGE, 80.0, 200.0)
    table = {
        "timestamp_us": 10**7 * np.arange(1, number + 1),
        "duration_ms": level * np.exp(0.1 * rng.standard_normal(number)),
        "memory_mb": 512,
        "status": "success",
    }
    return pd.DataFrame(table | columns)


def halves(one: str, other: str, number: int = 500) -> list[str]:
    return [one] * CHANGE + [other] * (number - CHANGE)


@pytest.mark.parametrize("column", ["version", "exec_env"])
def test_the_newest_version_is_fitted_and_both_are_told(column: str) -> None:
    names = halves("41", "42") if column == "version" else halves("2026/08/01/[41]aa", "2026/08/02/[42]bb")
    found = newest(runs(**{column: names}))
    assert len(found.table) == 200
    assert found.table["duration_ms"].median() == pytest.approx(200, rel=0.05)
    assert dict(found.left_out) == {"runs of older versions": CHANGE}
    [note] = found.notes
    assert "41 (300 runs, median" in note
    assert "42 (200 runs, median" in note
    assert "the newest, 42, is fitted" in note


def test_every_run_is_fitted_or_counted_whatever_the_order_of_the_file() -> None:
    table = runs(version=halves("41", "42"))
    mixed = newest(table.sample(frac=1, random_state=1))
    pd.testing.assert_frame_equal(mixed.table, newest(table).table)
    assert len(mixed.table) + sum(dict(mixed.left_out).values()) == len(table)


def test_a_version_can_be_asked_for_and_all_of_them() -> None:
    table = runs(version=halves("41", "42"))
    assert newest(table, "41").table["version"].unique().tolist() == ["41"]
    assert len(newest(table, ALL).table) == 500
    assert "as asked for" in newest(table, ALL).notes[0]
    with pytest.raises(TraceError, match=r"must be one of the log's or all; it has 41, 42, got '43'"):
        newest(table, "43")
    with pytest.raises(TraceError, match="it has no version"):
        newest(runs(), "43")


def test_versions_that_take_turns_are_one_function() -> None:
    found = newest(runs(version=["5", "5", "6", "5", "5"] * 100))
    assert len(found.table) == 500
    assert "they took turns" in found.notes[0]


def test_a_newest_version_of_few_runs_is_not_fitted_alone() -> None:
    found = newest(runs(310, version=halves("41", "42", 310)))
    assert len(found.table) == 310
    assert "has only 10 complete runs, so all are fitted as one" in found.notes[0]


@pytest.mark.parametrize(("before_s", "after_s"), [(3, 6), (6, 3)])
def test_runs_before_a_new_timeout_are_left_out(before_s: int, after_s: int) -> None:
    table = runs()
    for limit_s, places in ((before_s, [20, 150, 298]), (after_s, [320, 400, 480])):
        table.loc[places, ["duration_ms", "status"]] = [1000.0 * limit_s, "timeout"]
    found = newest(table)
    assert found.table["timestamp_us"].min() == 10**7 * 300
    assert set(found.table.loc[found.table["status"] == "timeout", "duration_ms"]) == {1000.0 * after_s}
    assert f"the timeout was changed to {after_s} s" in found.notes[0]


def test_a_shorter_timeout_begins_after_the_last_run_that_was_longer() -> None:
    table = runs()
    for place, ms, status in ((10, 6000.0, "timeout"), (250, 4200.0, "success"), (400, 3000.0, "timeout")):
        table.loc[place, ["duration_ms", "status"]] = [ms, status]
    assert newest(table).table["timestamp_us"].min() == 10**7 * 252


@pytest.mark.parametrize(
    ("cut", "longer", "first", "said"),
    [
        ((40, 290), 310, 291, "raised from 3 s"),
        ((320, 480), 290, 291, "lowered to 3 s"),
    ],
)
def test_a_timeout_that_was_changed_shows_in_runs_that_take_longer(
    cut: tuple[int, ...], longer: int, first: int, said: str
) -> None:
    table = runs()
    table.loc[list(cut), ["duration_ms", "status"]] = [3000.0, "timeout"]
    table.loc[longer, "duration_ms"] = 4500.0
    found = newest(table)
    assert found.table["timestamp_us"].min() == 10**7 * (first + 1)
    assert said in found.notes[0]


def test_runs_that_were_cut_off_late_are_no_change_of_the_timeout() -> None:
    table = runs()
    for place, ms in ((50, 9000.2), (200, 9000.0), (450, 9090.0)):
        table.loc[place, ["duration_ms", "status"]] = [ms, "timeout"]
    assert len(newest(table).table) == 500
    assert newest(table).notes == ()


def test_runs_longer_than_the_limit_between_those_cut_off_are_told() -> None:
    table = runs()
    table.loc[[100, 400], ["duration_ms", "status"]] = [3000.0, "timeout"]
    table.loc[250, "duration_ms"] = 4500.0
    found = newest(table)
    assert len(found.table) == 500
    assert "cut off at 3 s while others took longer" in found.notes[0]


def test_limits_by_turns_are_told_and_fitted_as_one() -> None:
    table = runs()
    for place, limit_s in ((100, 3), (200, 6), (400, 3)):
        table.loc[place, ["duration_ms", "status"]] = [1000.0 * limit_s, "timeout"]
    found = newest(table)
    assert len(found.table) == 500
    assert "3 and 6 s by turns" in found.notes[0]


def test_a_change_that_nothing_names_is_told_with_its_moment() -> None:
    [note] = change_notes(runs())
    assert "run times change at about 1970-01-01 00:50" in note
    assert (
        change_notes(runs().assign(duration_ms=lambda table: table["duration_ms"].sample(frac=1).to_numpy()))
        == []
    )
    assert change_notes(runs().assign(timestamp_us=-1)) == []


def resized(tmp_path: Path, later_ms: float) -> Path:
    rng, log = np.random.default_rng(7), Log(512)
    for k in range(600):
        log.memory_mb = 512 if k < CHANGE else 1024
        level = 30 + 60 * 1769 / 512 if k < CHANGE else later_ms
        log.run(10.0 * k, level * np.exp(0.05 * rng.standard_normal()))
    path = tmp_path / "resized.log"
    path.write_text(log.text(), encoding="utf-8")
    return path


def test_two_sizes_that_one_law_explains_are_fitted_together(tmp_path: Path) -> None:
    found = calibrate_logs(resized(tmp_path, 30 + 60 * 1769 / 1024))
    assert [size.memory_mb for size in found.work.sizes] == [512, 1024]


def test_of_two_sizes_that_no_law_explains_the_last_is_fitted(tmp_path: Path) -> None:
    """Work that takes longer with twice the memory is other work."""
    path = resized(tmp_path, 700.0)
    found = calibrate_logs(path)
    assert [size.memory_mb for size in found.work.sizes] == [1024]
    assert found.observations is not None
    assert found.observations.left_out["runs at other memory sizes"] == CHANGE
    assert any(
        "one law of work misses" in line and "at 1024 MB, the latest" in line for line in found.findings()
    )
    assert any("300 warm runs at 512 MB, median" in line for line in found.findings())
    together = calibrate_logs(path, version=ALL)
    assert len(together.work.sizes) == 2


def test_init_inside_runs_after_failures_is_no_second_function(tmp_path: Path) -> None:
    """One environment without a name; a crash in every tenth run, and INIT of 400 ms inside the run after it."""
    rng, log = np.random.default_rng(3), Log(512)
    for k in range(300):
        inside = 400.0 if k and (k - 1) % 10 == 5 else 0.0
        log.run(
            10.0 * k,
            80 * np.exp(0.1 * rng.standard_normal()) + inside,
            "crash" if k % 10 == 5 else "success",
            init_ms=400.0 if not k else None,
        )
    path = tmp_path / "crashes.log"
    path.write_text(log.text(), encoding="utf-8")
    data = read_observations([path])
    assert int(data.runs.inside.sum()) == 30
    assert not any("two functions" in note for note in data.notes)
