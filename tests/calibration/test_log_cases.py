"""Logs in the shapes of public bug reports: what happened in them is in the written scenario, and comes out again."""

from pathlib import Path

import numpy as np
import pytest
import yaml
from generated_logs import Log

import lambdasim as ls
from lambdasim.calibration.calibrate import calibrate_logs
from lambdasim.calibration.result import Calibration
from lambdasim.engine.contract import Outcome

CASES = Path(__file__).parent / "cases"
LOGS = sorted(path.name for path in CASES.glob("L*"))


@pytest.fixture(scope="module")
def fitted() -> dict[str, Calibration]:
    return {name: calibrate_logs([CASES / name]) for name in LOGS}


def twin_of(fitted: dict[str, Calibration], name: str) -> dict[str, tuple[float, float]]:
    """Give log and twin of each measure."""
    found = fitted[name].round_trip
    assert found is not None
    return {row.measure: (row.log, row.twin) for row in found.rows}


@pytest.mark.parametrize("name", LOGS)
def test_the_twin_repeats_its_log(fitted: dict[str, Calibration], name: str) -> None:
    """Billed GB-s within 2 % or the sampling interval, quantiles within 3 % or theirs, counts within binomial ones."""
    found = fitted[name].round_trip
    assert found is not None
    for row in found.rows:
        if row.measure == "runs":
            assert row.log == row.twin
        elif row.measure.startswith(("GB-s", "billed", "USD")):
            assert abs(row.difference) < 0.02 or not row.is_outside, row
        elif row.measure.startswith(("duration", "INIT")):
            assert abs(row.difference) < 0.03 or not row.is_outside, row
        else:
            assert not row.is_outside, row
    assert not found.marked


@pytest.mark.parametrize(
    ("name", "gb_s", "within"),
    [
        ("L1_snapstart_sam_logs.txt", 28.11, 0.002),
        ("L4_sixty_three_timeouts_of_807.txt", 117.56, 0.01),
        ("L12_crash_and_oom.json", 2.511, 0.01),
        ("L15_two_modes.txt", 117.56, 0.01),
    ],
)
def test_billed_time_is_that_of_the_log(
    fitted: dict[str, Calibration], name: str, gb_s: float, within: float
) -> None:
    log, twin = twin_of(fitted, name)["GB-s, with INIT"]
    assert log == pytest.approx(gb_s, rel=1e-3)
    assert twin == pytest.approx(gb_s, rel=within)


def test_timeouts_are_a_share_of_runs(fitted: dict[str, Calibration]) -> None:
    found = fitted["L4_sixty_three_timeouts_of_807.txt"]
    share = found.failures["timeout"]
    assert share.value == 63 / 807
    assert 0.05 < share.low < share.value < share.high < 0.11
    assert found.to_work()["timeout_probability"] == pytest.approx(63 / 807, abs=1e-6)
    assert any("timeouts: 7.8% of runs [6.1%, 9.9%]" in line for line in found.findings())


def test_few_runs_are_a_weak_fit(fitted: dict[str, Calibration]) -> None:
    found = fitted["L4_few_runs_one_timeout.txt"]
    assert any(line.startswith("weak fit: 2 complete runs") for line in found.findings())
    assert found.failures["timeout"].value == 1 / 3


@pytest.mark.parametrize(("complete", "cut"), [(1, 1), (3, 1), (30, 25)])
@pytest.mark.parametrize("usual_ms", [60.0, 2_500.0])
def test_no_number_of_timeouts_ends_in_a_traceback(
    tmp_path: Path, complete: int, cut: int, usual_ms: float
) -> None:
    """Near the limit of 3 s or far from it: the share of timeouts comes out, whichever way it is written."""
    lines = [
        f"2026-08-01T10:{k:02d}:00.000Z REPORT RequestId: r{k}\tDuration: {ms:.2f} ms\t"
        f"Billed Duration: {int(ms) + 1} ms\tMemory Size: 512 MB\tMax Memory Used: 60 MB{status}"
        for k, (ms, status) in enumerate(
            [(usual_ms + k, "") for k in range(complete)] + [(3_000.0, "\tStatus: timeout")] * cut
        )
    ]
    path = tmp_path / "few.log"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    trip = calibrate_logs([path]).round_trip
    assert trip is not None
    assert not trip.row("timeouts").is_outside


def test_each_kind_of_failure_is_kept(fitted: dict[str, Calibration]) -> None:
    found = fitted["L12_crash_and_oom.json"]
    kept = {kind: one.value for kind, one in found.failures.items()}
    assert kept == {"error": 0, "crash": 1 / 8, "out_of_memory": 1 / 8, "timeout": 1 / 8}
    work = found.to_work()
    assert work["max_memory_mb"] == 208
    assert "error_probability" not in work


def test_restores_become_snap_start(fitted: dict[str, Calibration], tmp_path: Path) -> None:
    found = calibrate_logs([CASES / "L1_snapstart_sam_logs.txt"], tmp_path / "snap.yaml")
    function = ls.load_scenario(tmp_path / "snap.yaml").functions[0]
    assert function.runtime == "java21"
    assert function.snap_start is not None
    assert function.snap_start.load_ms.mean() == pytest.approx(208, rel=0.02)
    assert function.snap_start.restore_ms.mean() == pytest.approx(303, abs=1)
    assert found.init is None
    bill = ls.simulate(ls.load_scenario(tmp_path / "snap.yaml")).bill()
    duration = bill.loc[bill["kind"] == "duration", "quantity"].astype(float)
    assert duration.sum() == pytest.approx(28.11, rel=0.03)  # the billed part of each restore is in it


def test_two_modes_are_a_mixture(fitted: dict[str, Calibration]) -> None:
    work = fitted["L15_two_modes.txt"].to_work()
    parts = work["io_ms"]["mixture"]
    assert [part["weight"] for part in parts] == pytest.approx([744 / 807, 63 / 807], abs=0.001)
    measured = twin_of(fitted, "L15_two_modes.txt")
    assert measured["duration p50 [ms]"][1] == pytest.approx(62, rel=0.03)
    assert measured["duration p95 [ms]"][1] == pytest.approx(3_000, rel=0.03)


@pytest.mark.parametrize("name", ["L2_init_timeout_json.json", "L2_init_timeout_rerun_in_invoke.txt"])
def test_init_over_its_cap_is_a_cold_start(fitted: dict[str, Calibration], name: str) -> None:
    starts, init, work = {"L2_init_timeout_json.json": (1, 12_057, 22)}.get(name, (4, 11_020, 60))
    found = fitted[name]
    assert found.cold is not None
    assert found.cold.n == starts
    assert found.cold.init_ms[0.5].value == pytest.approx(init, rel=0.01)
    assert twin_of(fitted, name)["duration p50 [ms]"][1] == pytest.approx(work, rel=0.03)
    assert found.init is not None
    assert found.init.median_ms.value == pytest.approx(init, rel=0.2 if starts == 1 else 0.02)


def test_ten_slow_cold_starts_are_believed(fitted: dict[str, Calibration]) -> None:
    found = fitted["L5_ten_slow_cold_starts.txt"]
    assert found.init is not None
    assert found.init.median_ms.value == pytest.approx(2_310, rel=0.03)
    assert found.init.median_ms.low < 2_310 < found.init.median_ms.high


@pytest.mark.parametrize("starts", [1, 2, 3, 5, 20, 40])
def test_few_cold_starts_keep_their_median_and_their_mean(tmp_path: Path, starts: int) -> None:
    """INIT of 2,310 ms, 3 % apart: the catalog's minimal functions, which take 100 ms, hardly move it."""
    log = Log(1024)
    rng = np.random.default_rng(starts)
    init = 2_310 * np.exp(0.026 * rng.standard_normal(starts))
    for k, ms in enumerate(init):
        log.run(3600.0 * k, 1_800, init_ms=float(ms), stream=f"{k:032x}")
        for later in range(10):
            log.run(3600.0 * k + 20 + 5 * later, 32 + later / 5, stream=f"{k:032x}")
    path = tmp_path / "cold.log"
    path.write_text(log.text(), encoding="utf-8")
    found = calibrate_logs([path])
    assert found.init is not None
    median = found.init.median_ms
    assert median.value == pytest.approx(float(np.median(init)), rel=0.03)
    assert median.low < 2_310 < median.high
    assert starts > 1 or median.high > 2 * median.low
    assert found.init.values_ms.mean() == pytest.approx(init.mean(), rel=0.001)
    trip = found.round_trip
    assert trip is not None
    row = trip.row("GB-s, with INIT")
    assert row.twin == pytest.approx(row.log, rel=0.02)


def test_a_run_whose_init_was_broken_off_arrived_when_init_began(fitted: dict[str, Calibration]) -> None:
    """START is written after the first 10 s: without them the next run would meet it, and start cold beside it."""
    for name, starts in (
        ("L2_init_timeout_json.json", 1),
        ("L2_init_timeout_rerun_in_invoke.txt", 4),
    ):
        log, twin = twin_of(fitted, name)["GB-s, with INIT"]
        assert twin == pytest.approx(log, rel=0.02)
        assert twin_of(fitted, name)["cold starts"][1] == pytest.approx(starts, abs=0.02)
    observations = fitted["L2_init_timeout_json.json"].observations
    assert observations is not None
    began = np.datetime64("2024-06-17T17:47:56.300").astype("datetime64[us]").astype(np.int64)
    assert observations.arrivals_us[0] == began


def test_work_after_the_answer_is_not_waited_for(tmp_path: Path) -> None:
    calibrate_logs([CASES / "L14_extension_after_response.json"], tmp_path / "after.yaml")
    run = ls.simulate(ls.load_scenario(tmp_path / "after.yaml"))
    records = run.records.iloc[1:]
    assert records["duration_ms"].median() == pytest.approx(845, rel=0.03)
    assert run.latency_ms().quantile(0.5) == pytest.approx(41, abs=3)
    assert run.summary()["mean_concurrency"].iloc[0] == pytest.approx(30 * 0.845 / 581, rel=0.1)


def test_a_table_of_the_console_and_events_of_insights_are_read(fitted: dict[str, Calibration]) -> None:
    table, insights = fitted["L6_console_ascii_table.txt"], fitted["L9_lambda_insights_emf.json"]
    assert table.observations is not None
    assert len(table.observations.runs) == 2
    assert insights.observations is not None
    first = insights.observations.runs
    assert (first.duration_ms[0], first.billed_ms[0], first.cpu_time_ms[0]) == (45_191, 45_200, 6_690)
    assert first.cold[0]


def test_the_written_file_says_what_the_simulation_then_does(tmp_path: Path) -> None:
    """The log's failures come out of the file itself, not of the table alone."""
    calibrate_logs([CASES / "L4_sixty_three_timeouts_of_807.txt"], tmp_path / "cut.yaml")
    written = yaml.safe_load((tmp_path / "cut.yaml").read_text(encoding="utf-8"))
    assert written["functions"][0]["timeout"] == "3s"
    spec = ls.load_scenario(tmp_path / "cut.yaml")
    timeouts = [
        ls.simulate(spec.with_seed(seed)).aggregate.functions[0].outcomes[Outcome.TIMEOUT]
        for seed in range(20)
    ]
    assert np.mean(timeouts) == pytest.approx(63, abs=4 * np.sqrt(63 / 20))
