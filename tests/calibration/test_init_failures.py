"""INIT that failed or was cut off before the run: how long it had lasted, and what a scenario cannot say of it."""

from pathlib import Path

import pytest

from lambdasim.calibration.data.observations import Observations, require_warm
from lambdasim.calibration.data.reading import read_observations
from lambdasim.calibration.fit.shape import lognormal
from lambdasim.calibration.written import init_cut_findings
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
