"""From files to a scenario that runs: the law it names, its arrivals, environments, few cold starts, Power Tuning."""

from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import lambdasim as ls
from lambdasim.calibration.calibrate import calibrate, calibrate_logs
from lambdasim.calibration.data.environments import environment_use
from lambdasim.calibration.data.statistics import from_values
from lambdasim.calibration.fit.init import fit_init
from lambdasim.calibration.fit.work import fit_work
from lambdasim.catalog import init_prior
from lambdasim.errors import InputError
from lambdasim.models.cpu_chain import CpuLaw, CpuStyle, handler_durations
from lambdasim.models.cpu_quota import FirstCheck
from lambdasim.plots.calibration import plot_fit_distribution, plot_fit_quantiles
from lambdasim.specs.work.first_run import FirstRunByMemory

CHART = "https://lambda-power-tuning.show/#AAQABgAI;3t2NQUREREFERExB;ilmiNADhrzRWgeo0"
LATE = CpuStyle(CpuLaw.QUOTA, FirstCheck.FOURTH_TICK)


def durations_ms(memory_mb: int, cpu_ms: float, n: int, seed: int) -> np.ndarray:
    rng = np.random.default_rng((seed, memory_mb))
    cpu = np.rint(1000 * cpu_ms * np.exp(0.02 * rng.standard_normal(n))).astype(np.int64)
    return handler_durations(cpu, np.zeros_like(cpu), memory_mb, LATE, rng.random((3, n))) / 1000


def report_log(path: Path, memory_mb: int, values: np.ndarray, *, colds: int = 0) -> Path:
    lines = []
    for i, value in enumerate(values):
        init = "Init Duration: 150.00 ms\t" if i < colds else ""
        lines.append(
            f"2026-11-01T{i // 3600:02d}:{i // 60 % 60:02d}:{i % 60:02d}.000Z REPORT RequestId: {i:08x}-aaaa\t"
            f"Duration: {value:.2f} ms\tBilled Duration: {int(np.ceil(value + 150 * (i < colds)))} ms\t"
            f"Memory Size: {memory_mb} MB\tMax Memory Used: 61 MB\t{init}"
        )
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def test_logs_become_a_scenario_that_runs_as_they_did(tmp_path: Path) -> None:
    """The scenario has every arrival, the quota law, and durations within 3 % of the logs in mean and median."""
    values = durations_ms(512, 17.4, 1500, 1)
    other = durations_ms(1024, 17.4, 500, 2)
    logs = [report_log(tmp_path / "a.log", 512, values, colds=5), report_log(tmp_path / "b.log", 1024, other)]
    calibrate_logs(logs, tmp_path / "fitted.yaml")
    spec = ls.load_scenario(tmp_path / "fitted.yaml")
    function = spec.functions[0]
    assert function.memory_mb == 512
    assert CpuStyle.of(function.work.cpu_law) == LATE
    records = ls.simulate(spec).records
    assert len(records) == 2000
    warm = records.loc[records["init_ms"] == 0, "duration_ms"]
    assert warm.mean() == pytest.approx(values.mean(), rel=0.03)
    assert warm.median() == pytest.approx(np.median(values), rel=0.03)


def test_the_first_run_is_told_at_sizes_that_had_no_cold_start(tmp_path: Path) -> None:
    """First runs take 90 ms more at 512 MB and 30 ms more at 1,024; the table has both, and more at smaller sizes."""
    logs = []
    for memory_mb, extra_ms in ((512, 90.0), (1024, 30.0)):
        values = durations_ms(memory_mb, 17.4, 400, 1)
        values[:20] += extra_ms
        logs.append(report_log(tmp_path / f"{memory_mb}.log", memory_mb, values, colds=20))
    calibrate_logs(logs, tmp_path / "fitted.yaml")
    table = ls.load_scenario(tmp_path / "fitted.yaml").functions[0].work.first_run_ms
    assert isinstance(table, FirstRunByMemory)
    means = {point.memory_mb: point.mean_ms for point in table.by_memory}
    assert means[512] == pytest.approx(90, abs=6)
    assert means[1024] == pytest.approx(30, abs=6)
    assert means[128] > means[256] > means[512] > means[1024] > means[1769]


def test_cpu_time_under_the_quota_law_is_held_at_nominal_coverage() -> None:
    """Of 95 % intervals from 40 simulated functions, made and fitted by the quota law, at least 34 hold the truth."""
    rng, held = np.random.default_rng(8), 0
    for seed in range(40):
        truth = rng.uniform(8, 60)
        sizes = [from_values(m, durations_ms(m, truth, 400, seed)) for m in (256, 1024)]
        cpu = fit_work(sizes, styles=(LATE,)).cpu_ms
        held += cpu.low <= truth <= cpu.high
    assert held >= 34


def test_init_median_is_held_at_nominal_coverage() -> None:
    """Of 95 % intervals from 200 simulated functions, 60 cold starts each, 180 to 198 hold the median."""
    rng, held = np.random.default_rng(5), 0
    for _ in range(200):
        found = fit_init(300 * np.exp(0.3 * rng.standard_normal(60)), None)
        assert found is not None
        held += found.median_ms.low <= 300 <= found.median_ms.high
    assert 180 <= held <= 198


def test_few_cold_starts_lie_between_data_and_catalog() -> None:
    prior = init_prior("python3.13", "zip", "x86_64")
    assert prior is not None
    medians = []
    for n in (1, 5, 29):
        found = fit_init(np.full(n, 900.0), prior)
        assert found is not None
        assert found.held_to == "python3.13"
        assert prior.p50_ms < found.median_ms.value < 900
        medians.append(found.median_ms.value)
    assert medians == sorted(medians)
    alone = fit_init(np.full(3, 900.0), None)
    assert alone is not None
    assert alone.median_ms.value == pytest.approx(900)


def invocations(rows: list[tuple[float, str, float, float | None]]) -> pd.DataFrame:
    table = pd.DataFrame(rows, columns=["s", "exec_env", "duration_ms", "init_ms"])
    return table.assign(timestamp_us=(table.pop("s") * 1e6).astype("int64"))


def test_streams_tell_reuse_concurrency_and_keep_alive() -> None:
    """By hand: a is used again after 99 idle s; b overlaps it once; c starts cold 595 s after a's last."""
    found = environment_use(
        invocations(
            [
                (0.0, "a", 900.0, 100.0),
                (0.5, "b", 100.0, 100.0),
                (100.0, "a", 5000.0, None),
                (700.0, "c", 10.0, 100.0),
            ]
        )
    )
    assert found is not None
    assert (found.environments, found.invocations, found.cold, found.peak_concurrency) == (3, 4, 3, 2)
    assert found.reused == 0.25
    assert found.longest_survived_s == pytest.approx(99)
    assert found.shortest_lost_s == pytest.approx(595)


def test_an_end_comes_before_a_beginning_at_the_same_moment() -> None:
    found = environment_use(invocations([(0.0, "a", 1000.0, None), (1.0, "a", 1000.0, None)]))
    assert found is not None
    assert (found.peak_concurrency, found.longest_survived_s, found.shortest_lost_s) == (1, 0, None)


def test_power_tuning_becomes_a_scenario_that_loads(tmp_path: Path) -> None:
    found = calibrate_logs([CHART], tmp_path / "tuned.yaml")
    assert [size.memory_mb for size in found.work.sizes] == [1024, 1536, 2048]
    assert any("trimmed mean" in note for note in found.findings())
    assert ls.load_scenario(tmp_path / "tuned.yaml").functions[0].memory_mb == 1024
    with_stats = tmp_path / "output.json"
    with_stats.write_text(
        '{"power": "1024", "cost": 1e-7, "duration": 20.0, "stats": ['
        '{"value": 256, "averageDuration": 80.0, "averagePrice": 1e-7},'
        '{"value": 1024, "averageDuration": 20.0, "averagePrice": 1e-7}]}'
    )
    assert [size.centre_ms for size in calibrate_logs([with_stats]).work.sizes] == [80.0, 20.0]
    with pytest.raises(InputError, match="Power Tuning alone"):
        calibrate_logs([with_stats, CHART])
    arrays = CHART.partition("#")[2]
    with pytest.raises(InputError, match="must be of one function, compares a and b"):
        calibrate_logs([f"{CHART};{arrays};a;b"])
    with pytest.raises(InputError, match="runtime"):
        calibrate_logs([CHART], runtime="cobol85")


def test_first_runs_of_logs_are_told_apart_from_warm_ones(tmp_path: Path) -> None:
    values = np.append(np.full(40, 300.0), np.full(200, 20.0))
    found = calibrate_logs([report_log(tmp_path / "a.log", 512, values, colds=40)])
    assert found.first_run is not None
    assert found.first_run.predict_ms(512).value == pytest.approx(300, rel=0.02)
    assert found.first_run.predict_ms(128).value > 900


def test_arm64_has_a_whole_vcpu_later() -> None:
    sizes = {256: [800.0] * 300, 1024: [200.0] * 300}
    small, large = (
        calibrate(sizes, architecture=name).work.predict(2048).mean_ms.value for name in ("arm64", "x86_64")
    )
    assert small < 0.97 * large


def test_pictures_show_data_and_fit(tmp_path: Path) -> None:
    found = calibrate_logs([report_log(tmp_path / "a.log", 512, durations_ms(512, 17.4, 300, 1))])
    curves = plot_fit_distribution(found).get_lines()
    np.testing.assert_allclose(curves[0].get_xdata(), np.sort(found.observations.sizes[0].warm_ms))
    assert plot_fit_quantiles(found).get_xlabel() == "data [ms]"
    assert "no single runs" in plot_fit_quantiles(calibrate({512: [20.0] * 100})).texts[0].get_text()


def test_the_scenario_says_its_timeout_when_runs_were_cut_off(tmp_path: Path) -> None:
    path = report_log(tmp_path / "a.log", 512, np.append(np.linspace(4000, 5000, 200), 6000.0))
    text = path.read_text().splitlines()
    path.write_text("\n".join([*text[:-1], text[-1] + "Status: timeout\t"]) + "\n")
    calibrate_logs([path], tmp_path / "fitted.yaml")
    assert ls.load_scenario(tmp_path / "fitted.yaml").functions[0].timeout_us == 6_000_000


def test_one_size_names_the_size_to_measure_where_the_split_matters_most_and_two_sizes_none() -> None:
    runs = {512: [300.0 + k % 7 for k in range(400)], 1024: [160.0 + k % 5 for k in range(400)]}
    one = calibrate({512: runs[512]})
    (told,) = [line for line in one.findings() if "helps most" in line]
    ratio = {
        mb: one.work.predict(mb).mean_ms.high / one.work.predict(mb).mean_ms.low
        for mb in (128, 256, 1024, 1769)
    }
    assert f"at {max(ratio, key=ratio.__getitem__)} MB" in told
    assert not [line for line in calibrate(runs).findings() if "helps most" in line]


def test_an_age_is_tried_where_the_keep_alive_leaves_the_bill_far_off(tmp_path: Path) -> None:
    """Environments end after 12 runs though they are busy, and INIT is nearly all of the bill."""
    rng, lines, at_s = np.random.default_rng(0), [], 0.0
    for run in range(72):
        at_s += float(rng.exponential(60.0))
        moment = datetime.fromtimestamp(1_790_000_000 + at_s, UTC).isoformat(timespec="milliseconds")
        init, billed = ("\tInit Duration: 9000.00 ms", 9025) if run % 12 == 0 else ("", 25)
        lines.append(
            f"{moment} 2026/09/21/[$LATEST]{run // 12:032x} REPORT RequestId: r-{run:08}\tDuration: 25.00 ms\t"
            f"Billed Duration: {billed} ms\tMemory Size: 512 MB\tMax Memory Used: 70 MB{init}"
        )
    path = tmp_path / "orders.log"
    path.write_text("\n".join(lines))
    found = calibrate_logs([path]).round_trip
    assert found is not None
    assert abs(found.row("GB-s, with INIT").difference) < 0.05
