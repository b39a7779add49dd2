"""What a log tells of environments after failures is what its twin does: INIT inside the next run, kept, or replaced."""

from pathlib import Path

import numpy as np
import pytest
from generated_logs import Log
from test_round_trips import assert_repeated

import lambdasim as ls
from lambdasim.calibration.calibrate import calibrate_logs
from lambdasim.calibration.data.reading import read_observations
from lambdasim.calibration.written import failure_findings, failures
from lambdasim.specs.platform import AfterFailure

INSIDE, KEPT, REPLACED = AfterFailure
KINDS = ["success", "timeout", "crash", "out_of_memory"]
SHARES = [0.88, 0.04, 0.05, 0.03]


def failing(rng: np.random.Generator, after: AfterFailure, *, named: bool, at_once: int = 1) -> str:
    """Runs of 90 ms, a tenth of them failing, on as many environments as come at once; INIT of 1.5 s."""
    log, made = Log(512), 0
    streams: list[str | None] = [None] * at_once
    broken = [False] * at_once
    for k in range(600):
        place = k % at_once
        new = streams[place] is None or (broken[place] and after is REPLACED)
        if new:
            streams[place], made = f"{made:032x}", made + 1
        inside = broken[place] and after is INSIDE
        outcome = str(rng.choice(KINDS, p=SHARES))
        init = 1_500 * np.exp(0.05 * rng.standard_normal()) if new else None
        ms = 90 * np.exp(0.1 * rng.standard_normal()) + (
            1_500 * np.exp(0.05 * rng.standard_normal()) if inside else 0
        )
        stream = streams[place] if named else None
        log.run(10.0 * (k // at_once), float(ms), outcome, init_ms=init, stream=stream)
        broken[place] = outcome != "success"
    return log.text()


@pytest.mark.parametrize("after", AfterFailure)
@pytest.mark.parametrize("named", [True, False], ids=["named", "unnamed"])
def test_what_follows_failures_comes_out_of_the_twin(
    tmp_path: Path, after: AfterFailure, named: bool
) -> None:
    path, out = tmp_path / "failing.log", tmp_path / "failing.yaml"
    path.write_text(failing(np.random.default_rng(5), after, named=named), encoding="utf-8")
    found = calibrate_logs([path], out)
    assert ls.load_scenario(out).platform.after_failure is after
    assert any("AWS documents" in line for line in found.findings()) == (after is not INSIDE)
    assert_repeated(found.round_trip)
    trip = found.round_trip
    assert trip is not None
    row = trip.row("GB-s, with INIT")
    assert row.twin == pytest.approx(row.log, rel=0.06)


def test_environments_that_no_name_tells_apart_are_followed_where_runs_overlap(tmp_path: Path) -> None:
    path = tmp_path / "overlapping.log"
    path.write_text(failing(np.random.default_rng(6), KEPT, named=False, at_once=2), encoding="utf-8")
    found = calibrate_logs([path])
    assert found.observations is not None
    assert found.observations.runs.after_failure is KEPT
    assert_repeated(found.round_trip)


@pytest.mark.parametrize(
    "runs",
    [
        [(3_000, "timeout"), (12.5, "success")],
        [(80, "success"), (3_000, "timeout")],
        [(20, "crash"), (3_000, "timeout"), (15, "success"), (14, "success")],
    ],
)
def test_few_runs_around_a_failure_are_a_fit(tmp_path: Path, runs: list[tuple[float, str]]) -> None:
    """The only complete run may follow the failure: it is no longer than a run, so it holds no INIT."""
    log = Log()
    for k, (ms, outcome) in enumerate(runs):
        log.run(30.0 * k, ms, outcome)
    path = tmp_path / "few.log"
    path.write_text(log.text(), encoding="utf-8")
    found = calibrate_logs([path])
    assert_repeated(found.round_trip)
    assert any("weak fit" in line for line in found.findings())


def test_a_log_of_function_errors_alone_has_work(tmp_path: Path) -> None:
    log, rng = Log(), np.random.default_rng(8)
    for k in range(50):
        log.run(10.0 * k, 30 * np.exp(0.2 * rng.standard_normal()), "error")
    path = tmp_path / "errors.log"
    path.write_text(log.text(), encoding="utf-8")
    found = calibrate_logs([path])
    assert_repeated(found.round_trip)
    assert found.failures["error"].value == 1
    assert any("no run was complete" in line for line in found.findings())


def test_all_timeouts_are_told_where_their_share_leaves_out_those_of_init(tmp_path: Path) -> None:
    """A first timeout of each environment, and four more since INIT inside the run never ends in time."""
    lines = []
    for env in range(6):
        for run in range(10):
            at = f"2026-08-03T{env:02}:{run:02}:00.000Z 2026/08/03/[$LATEST]{env:032x}"
            late = run >= 5
            tail = "\tStatus: timeout" if late else "\tInit Duration: 900.00 ms" if not run else ""
            ms, billed = (1000, 1000) if late else (50 + run, 950 if not run else 50 + run)
            lines.append(
                f"{at} REPORT RequestId: r-{env}-{run}\tDuration: {ms}.00 ms\tBilled Duration: {billed} ms\t"
                f"Memory Size: 512 MB\tMax Memory Used: 80 MB{tail}"
            )
    path = tmp_path / "late.log"
    path.write_text("\n".join(lines))
    found = read_observations([path])
    shares = failures(found)
    assert shares["timeout"].value < 30 / 60
    assert [
        one for one in failure_findings(found, shares) if one.startswith("30 of 60 runs timed out in all")
    ]
