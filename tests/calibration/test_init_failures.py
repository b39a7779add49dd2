"""INIT that failed or was cut off before the run: how long it had lasted, and what a scenario cannot say of it."""

from pathlib import Path

import pytest

from lambdasim.calibration.calibrate import calibrate_logs
from lambdasim.calibration.data.observations import Observations, require_warm
from lambdasim.calibration.data.reading import read_observations
from lambdasim.calibration.fit.shape import lognormal
from lambdasim.calibration.twin import logged
from lambdasim.calibration.written import failures, init_cut_findings
from lambdasim.errors import InputError

FIELDS = "Memory Size: 1024 MB\tMax Memory Used: 90 MB"


def started(k: int, broken_ms: float, status: str, *, ok: bool = True) -> list[str]:
    """Give the lines of a cold start whose INIT broke off, ran again inside the run, and of a warm run a minute later."""
    at, later = f"2026-08-03T{k:02}:00:20.000Z", f"2026-08-03T{k:02}:01:20.000Z"
    ended = "" if ok else "\tStatus: error\tError Type: Runtime.ImportModuleError"
    lines = [
        f"{at} INIT_REPORT Init Duration: {broken_ms:.2f} ms\tPhase: init\tStatus: {status}",
        f"{at} INIT_REPORT Init Duration: 1800.00 ms\tPhase: invoke{ended}",
        f"{at} REPORT RequestId: a-{k}\tDuration: 1850.00 ms\tBilled Duration: 1850 ms\t{FIELDS}{ended}",
    ]
    if ok:
        lines.append(f"{later} REPORT RequestId: b-{k}\tDuration: 50.00 ms\tBilled Duration: 50 ms\t{FIELDS}")
    return lines


def observed(folder: Path, starts: list[list[str]]) -> Observations:
    path = folder / "failing.log"
    path.write_text("\n".join(line for lines in starts for line in lines))
    return read_observations([path])


def test_how_long_a_failed_init_had_lasted_is_told_and_counted(tmp_path: Path) -> None:
    found = observed(tmp_path, [started(0, 2_000, "error"), started(1, 3_000, "error")])
    assert found.runs.broken_ms[found.runs.again].tolist() == [2_000, 3_000]
    failed, billed = init_cut_findings(found)
    assert failed.startswith("INIT of 2 cold starts failed, after 2,500 ms on average")
    assert billed.endswith("too low by up to 3 GB-s a start, 5 GB-s in all")


def test_an_init_at_its_cap_is_no_failure(tmp_path: Path) -> None:
    (billed,) = init_cut_findings(observed(tmp_path, [started(0, 9_999.7, "timeout")]))
    assert "10 GB-s a start" in billed


def test_a_log_whose_every_init_failed_says_nothing_of_the_work(tmp_path: Path) -> None:
    found = observed(tmp_path, [started(k, 240, "error", ok=False) for k in range(3)])
    with pytest.raises(InputError, match="INIT failed in every run"):
        require_warm(found)


@pytest.mark.parametrize("p50", [0.02771, 0.00001, 0.0])
def test_a_law_whose_quantiles_round_to_one_is_a_number(p50: float) -> None:
    assert lognormal(p50, p50 * 1.001) == round(p50, 4)


def failing(k: int, *, later: int, kind: str = "Runtime.ExitError") -> list[str]:
    """Give the lines of an environment whose every run ends because INIT fails, 100 ms longer each time."""
    lines = []
    for run in range(1 + later):
        at, ms = f"2026-08-03T{k:02}:{run:02}:30.000Z 2026/08/03/[$LATEST]{k:032x}", 1000 + 100 * run
        if not run:
            lines.append(
                f"{at} INIT_REPORT Init Duration: 990.00 ms\tPhase: init\tStatus: error\tError Type: {kind}"
            )
        lines += [
            f"{at} INIT_REPORT Init Duration: {ms:.2f} ms\tPhase: invoke\tStatus: error\tError Type: {kind}",
            f"{at} REPORT RequestId: c-{k}-{run}\tDuration: {ms:.2f} ms\tBilled Duration: {ms} ms\t{FIELDS}\t"
            f"Status: error\tError Type: {kind}",
        ]
    return lines


def healthy(k: int, *, warm: int = 2) -> list[str]:
    """Give the lines of a cold start and of warm runs of 50, 55, 50 ... ms."""
    stream = f"2026/08/03/[$LATEST]{k + 100:032x}"
    lines = []
    for run in range(1 + warm):
        ms = 60 if not run else 50 + 5 * (run % 2 == 0)
        init, billed = ("\tInit Duration: 1000.00 ms", 1060) if not run else ("", ms)
        lines.append(
            f"2026-08-03T{k:02}:{5 + run:02}:00.000Z {stream} REPORT RequestId: d-{k}-{run}\tDuration: {ms}.00 ms\t"
            f"Billed Duration: {billed} ms\t{FIELDS}{init}"
        )
    return lines


@pytest.mark.parametrize("kind", ["Runtime.ExitError", "Runtime.ImportModuleError"])
def test_a_failed_init_is_no_failure_of_work_and_later_ones_are_errors_of_their_length(
    tmp_path: Path, kind: str
) -> None:
    starts = [failing(k, later=2, kind=kind) for k in range(4)] + [healthy(k) for k in range(4, 12)]
    found = observed(tmp_path, starts)
    runs, shares = found.runs, failures(found)
    assert runs.init_failed.sum() == 12
    assert (runs.again & runs.init_failed).sum() == 4
    later = runs.init_failed & ~runs.again
    assert set(runs.outcome[later]) == {"error"}
    assert sorted(set(runs.duration_ms[later])) == [1100, 1200]
    assert not runs.inside[later].any(), "their time is that of a run, which the law of work has"
    assert shares["crash"].value == 0
    assert shares["error"].value == 8 / 36
    assert sum(logged(runs).with_ms) == 4 * (1000 + 1100 + 1200) + 8 * (1060 + 50 + 55), (
        "nothing billed is lost"
    )


def test_the_round_trip_repeats_the_bill_of_failed_inits_and_marks_what_it_has_not(tmp_path: Path) -> None:
    path = tmp_path / "failing.log"
    starts = [failing(k, later=1) for k in range(3)] + [healthy(k, warm=10) for k in range(3, 20)]
    path.write_text("\n".join(line for lines in starts for line in lines))
    trip = calibrate_logs([path]).round_trip
    assert trip is not None
    crashes = trip.row("crashes")
    assert (crashes.log, crashes.twin) == (3, 0)
    assert crashes.reason.startswith("3 runs of the log failed because INIT did")
    assert abs(trip.row("GB-s, with INIT").difference) < 0.05
