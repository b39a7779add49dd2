"""What is known by construction is held by its interval as often as is said: simulate, write logs, calibrate, compare.

Intervals of 95 % hold the truth in a binomial number of n independent logs; below the 0.1 % quantile of it they are too
narrow. They are not too wide either: on average within 0.6 to 1.6 times 3.92 standard deviations of the estimates, where
the data alone make them.
"""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy.stats import binom

import lambdasim as ls
from lambdasim.calibration.calibrate import calibrate
from lambdasim.calibration.data.observations import Observations, require_warm
from lambdasim.calibration.data.reading import read_observations
from lambdasim.calibration.estimate import Estimate
from lambdasim.calibration.fit.work import WorkFit, fit_work
from lambdasim.calibration.scenario import write_scenario
from lambdasim.catalog import timing
from lambdasim.models.cpu_chain import CpuStyle
from lambdasim.specs.scenario import ScenarioSpec
from lambdasim.specs.work.handler import WorkSpec

LEVEL = 0.95
ERRORS = tuple(timing(f"cpu_{of}_error_permille").value / 1000 for of in ("law", "speed"))
BEGAN_MS = 1_793_491_200_000  # 2026-11-01, as `START`
START = "2026-11-01T00:00:00Z"
STATUS = {
    "completed": "",
    "function_error": "\tStatus: error",
    "crash": "\tStatus: error\tError Type: Runtime.ExitError",
    "timeout": "\tStatus: timeout",
}
FEW = pytest.param(20, id="20 logs")
MANY = pytest.param(80, id="80 logs", marks=pytest.mark.slow)


def around(mean: float, sigma: float) -> dict[str, Any]:
    median = mean * np.exp(-(sigma**2) / 2)
    return {"lognormal": {"p50": float(median), "p95": float(median * np.exp(1.6448536 * sigma))}}


def late(waits: int = 0) -> dict[str, Any]:
    return {"quota": {"first_check": "fourth_tick", "waits": waits}}


def simulated(memory_mb: int, work: dict[str, Any], seed: int, **function: Any) -> pd.DataFrame:
    """Records of one function in 200 s at two requests a second."""
    given = {
        "name": "resize",
        "memory_mb": memory_mb,
        "timeout": "30s",
        "init_ms": around(300, 0.25),
        "work": work,
        "traffic": {"poisson": {"rate_per_s": 2.0}},
        **function,
    }
    spec = {"name": "coverage", "start": START, "duration": "200s", "seed": seed, "functions": [given]}
    return ls.simulate(ScenarioSpec.model_validate(spec)).records


def report_log(path: Path, records: pd.DataFrame, memory_mb: int, used_mb: Sequence[int]) -> Path:
    """Write CloudWatch log events with the START and REPORT line of each run."""
    events = []
    for run, used in zip(records.itertuples(), used_mb, strict=True):
        request = f"{memory_mb:08x}-{run.invocation:08x}"
        start = f"\tInit Duration: {run.init_ms:.2f} ms" if run.start_type == "cold" else ""
        report = (
            f"REPORT RequestId: {request}\tDuration: {run.duration_ms:.2f} ms\t"
            f"Billed Duration: {int(np.ceil(run.duration_ms + run.init_ms))} ms\tMemory Size: {memory_mb} MB\t"
            f"Max Memory Used: {used} MB{start}{STATUS[run.outcome]}"
        )
        end_ms = BEGAN_MS + 1000 * run.end_s
        for at_ms, message in (
            (end_ms - run.duration_ms, f"START RequestId: {request} Version: 1"),
            (end_ms, report),
        ):
            stream = f"2026/11/01/[{memory_mb}]{run.exec_env:08x}"
            events.append({"logStreamName": stream, "timestamp": round(at_ms), "message": message})
    path.write_text(json.dumps(events), encoding="utf-8")
    return path


def platform_log(path: Path, records: pd.DataFrame, memory_mb: int) -> Path:
    """Write ``platform.report`` objects, one on a line, as the JSON log format has them."""
    lines = []
    for run in records.itertuples():
        metrics = {
            "durationMs": round(run.duration_ms, 3),
            "billedDurationMs": int(np.ceil(run.duration_ms + run.init_ms)),
            "memorySizeMB": memory_mb,
            "maxMemoryUsedMB": 70,
        }
        if run.start_type == "cold":
            metrics["initDurationMs"] = round(run.init_ms, 3)
        status = (
            "success" if run.outcome == "completed" else "timeout" if run.outcome == "timeout" else "error"
        )
        moment = pd.Timestamp(round(BEGAN_MS + 1000 * run.end_s), unit="ms").isoformat(
            timespec="milliseconds"
        )
        if run.init_again_ms:
            again = {"phase": "invoke", "status": "success", "metrics": {"durationMs": run.init_again_ms}}
            lines.append(json.dumps({"time": f"{moment}Z", "type": "platform.initReport", "record": again}))
        record = {"requestId": f"{memory_mb}-{run.invocation}", "status": status, "metrics": metrics}
        lines.append(json.dumps({"time": f"{moment}Z", "type": "platform.report", "record": record}))
    path.write_text("\n".join(lines), encoding="utf-8")
    return path


def observed(
    folder: Path, sizes: Sequence[int], work: dict[str, Any], seed: int, **function: Any
) -> Observations:
    paths = []
    for place, memory_mb in enumerate(sizes):
        records = simulated(memory_mb, work, 10 * seed + place, **function)
        paths.append(report_log(folder / f"{memory_mb}.json", records, memory_mb, [70] * len(records)))
    return read_observations(paths)


def assert_nominal(found: Sequence[Estimate], truth: float, *, widest: float = 1.6) -> None:
    """Want enough intervals to hold the truth, and none of them to be wide for nothing."""
    held = sum(one.low <= truth <= one.high for one in found)
    assert held >= binom.ppf(0.001, len(found), LEVEL), f"{held} of {len(found)} hold {truth}"
    width = np.mean([one.high - one.low for one in found])
    ratio = width / (3.92 * np.std([one.value for one in found], ddof=1))
    assert 0.6 <= ratio <= widest, f"{ratio:.2f} times as wide as the estimates vary"


STRAIGHT = {
    "lognormal, both": ({"cpu_ms": around(60, 0.15), "io_ms": around(30, 0.1)}, 60, 30),
    "gamma and fixed": ({"cpu_ms": {"gamma": {"mean": 60, "cv": 0.3}}, "io_ms": 20}, 60, 20),
    "fixed and lognormal": ({"cpu_ms": 50, "io_ms": around(40, 0.3)}, 50, 40),
}


@pytest.mark.parametrize("logs", [FEW, MANY])
@pytest.mark.parametrize(
    "name",
    ["lognormal, both"]
    + [pytest.param(name, marks=pytest.mark.slow) for name in ("fixed and lognormal", "gamma and fixed")],
)
@pytest.mark.parametrize("sizes", [(256, 1024), pytest.param((128, 512, 1769), marks=pytest.mark.slow)])
def test_straight_work_is_held(tmp_path: Path, logs: int, name: str, sizes: tuple[int, ...]) -> None:
    """CPU time, waiting, and the mean at a size never seen, whatever laws they vary by."""
    work, cpu_ms, io_ms = STRAIGHT[name]
    fits = [
        fit_work(require_warm(observed(tmp_path, sizes, work, seed)), styles=(CpuStyle(),), law_error=0)
        for seed in range(logs)
    ]
    assert_nominal([fit.cpu_ms for fit in fits], cpu_ms)
    assert_nominal([fit.io_ms for fit in fits], io_ms)
    assert_nominal([fit.predict(400).mean_ms for fit in fits], cpu_ms * 1769 / 400 + io_ms)


QUOTA = {
    "two waits": (
        {"cpu_ms": around(25, 0.05), "io_ms": around(20, 0.2), "cpu_law": late(2)},
        25,
        20,
    ),
    "wide gamma": ({"cpu_ms": {"gamma": {"mean": 40, "cv": 0.2}}, "cpu_law": late()}, 40, 0),
    "narrow": ({"cpu_ms": around(17.4, 0.02), "cpu_law": late()}, 17.4, 0),
    "waiting after": ({"cpu_ms": around(25, 0.05), "io_ms": around(20, 0.2), "cpu_law": late()}, 25, 20),
}


def widths_of_means(cpu_ms: float, io_ms: float) -> tuple[float, float]:
    """Give how wide 95 % of CPU time and of waiting are when solved from the means at 256 and 1,024 MB [ms].

    CPU time is the difference of both means over that of its factors, and waiting what is left of the larger size's, so
    that it carries the errors of both. Errors have the fit's law, Student's t of three degrees times sqrt(4 / 3): its
    logarithm is -2 log(1 + x**2 / 4), twice which is the misfit.
    """
    rng = np.random.default_rng(0)
    factors = 1769 / np.array([256.0, 1024.0])
    tails = np.sqrt(4 / 3) * rng.standard_t(3, (100_000, 2, 2))
    wrong = (factors * cpu_ms + io_ms) * (tails * ERRORS).sum(axis=2)
    cpu = (wrong[:, 0] - wrong[:, 1]) / (factors[0] - factors[1])
    low, high = np.quantile([cpu, wrong[:, 1] - factors[1] * cpu], [0.025, 0.975], axis=1)
    return tuple((high - low).tolist())


@pytest.mark.parametrize(
    ("name", "logs"),
    [("two waits", 8), *(pytest.param(name, 40, marks=pytest.mark.slow) for name in QUOTA)],
)
def test_work_under_the_quota_is_held(tmp_path: Path, name: str, logs: int) -> None:
    """Intervals are wider than the logs alone ask for, by the errors of the law and of the CPU's speed, not narrower.

    They are no wider than those errors make them where only the mean at each size is known: steps tell more than that.
    """
    work, cpu_ms, io_ms = QUOTA[name]
    style = CpuStyle.of(WorkSpec.model_validate(work).cpu_law)
    fits: list[WorkFit] = [
        fit_work(require_warm(observed(tmp_path, (256, 1024), work, seed)), styles=(style,))
        for seed in range(logs)
    ]
    least = binom.ppf(0.001, logs, LEVEL)
    estimates = ([f.cpu_ms for f in fits], [f.io_ms for f in fits])
    for truth, found, most in zip((cpu_ms, io_ms), estimates, widths_of_means(cpu_ms, io_ms), strict=True):
        assert sum(one.low - 0.01 <= truth <= one.high for one in found) >= least, (name, truth)
        assert np.mean([one.high - one.low for one in found]) < most


FAILING = {
    "cpu_ms": around(30, 0.1),
    "first_run_ms": around(50, 0.1),
    "error_probability": 0.04,
    "crash_probability": 0.02,
}


@pytest.mark.parametrize("logs", [FEW, MANY])
@pytest.mark.slow
def test_init_first_runs_and_failures_are_held(tmp_path: Path, logs: int) -> None:
    """INIT is lognormal about 300 ms; a first run takes 50 ms more; 4 % of runs end as errors, 2 % as crashes."""
    found = [
        calibrate(observed(tmp_path, (1769,), FAILING, seed, keep_alive="1s"), law_error=0)
        for seed in range(logs)
    ]
    median = 300 * np.exp(-(0.25**2) / 2)
    assert all(one.cold is not None and one.cold.n >= 30 for one in found)
    assert_nominal([one.init.median_ms for one in found], median)
    for p, score in ((0.5, 0.0), (0.9, 1.2815516)):
        assert_nominal([one.cold.init_ms[p] for one in found], median * np.exp(0.25 * score))
    assert_nominal([one.cold.first_run_extra_ms[1769] for one in found], 50)
    assert_nominal([one.failures["error"] for one in found], 0.04)
    assert_nominal([one.failures["crash"] for one in found], 0.02)


def test_runs_that_time_out_lengthen_the_work_as_those_that_end(tmp_path: Path) -> None:
    """A quarter of the runs is cut at 1 s: the median is that of all runs, not of the three quarters."""
    law = {"lognormal": {"p50": 700, "p95": 1_676.0}}
    medians = []
    for seed in range(10):
        records = simulated(1769, {"cpu_ms": law, "first_run_ms": 0}, seed, timeout="1s")
        path = report_log(tmp_path / "cut.json", records, 1769, [70] * len(records))
        size = read_observations([path]).sizes[0].statistics()
        assert 0.15 * size.n < size.censored < 0.35 * size.n
        medians.append(size.quantiles_ms[0.5])
        assert abs(np.log(medians[-1] / 700)) < 4 * size.quantile_errors[0.5]
    assert np.mean(medians) == pytest.approx(700, rel=4 * 1.25 * 0.53 / np.sqrt(10 * 380))


def test_arrivals_and_memory_come_through_as_they_were(tmp_path: Path) -> None:
    """Log times are whole milliseconds; START comes after INIT, whose time is given back."""
    records = simulated(512, {"cpu_ms": around(20, 0.1)}, 3)
    used = np.random.default_rng(3).integers(60, 131, len(records)).tolist()
    found = calibrate(read_observations([report_log(tmp_path / "a.json", records, 512, used)]))
    moments = np.sort(BEGAN_MS * 1000 + records["arrival_s"].to_numpy() * 1e6)
    assert found.observations is not None
    np.testing.assert_allclose(found.observations.arrivals_us, moments, rtol=0, atol=1_010)
    assert found.memory_need_mb is not None
    assert (found.memory_need_mb.value, found.memory_need_mb.low) == (max(used), np.median(used))
    assert found.to_work()["max_memory_mb"] == max(used)
    write_scenario(found, tmp_path / "again.yaml")
    again = ls.simulate(ls.load_scenario(tmp_path / "again.yaml")).records
    rate = len(records) / 200
    assert len(again) == len(records)
    assert abs(rate - 2.0) < 4 * np.sqrt(2.0 / 200)


def test_both_formats_say_the_same(tmp_path: Path) -> None:
    records = simulated(512, FAILING, 5, keep_alive="1s")
    plain = read_observations([report_log(tmp_path / "a.json", records, 512, [70] * len(records))]).sizes[0]
    other = read_observations([platform_log(tmp_path / "b.log", records, 512)]).sizes[0]
    np.testing.assert_allclose(plain.warm_ms, other.warm_ms, rtol=0, atol=0.006)
    # Only the JSON format says how long INIT took inside a run, and so what the first run after it took.
    starts, inside = np.split(other.first_ms, [len(plain.first_ms)])
    np.testing.assert_allclose(plain.first_ms, starts, rtol=0, atol=0.006)
    again = records[(records["init_again_ms"] > 0) & (records["outcome"] == "completed")]
    handler_ms = again["duration_ms"] - again["init_again_ms"]
    np.testing.assert_allclose(np.sort(inside), np.sort(handler_ms), rtol=0, atol=0.006)
    np.testing.assert_allclose(plain.init_ms, other.init_ms, rtol=0, atol=0.006)
    assert (
        (plain.failed, plain.timeouts)
        == (other.failed, other.timeouts)
        == (len(records) - len(plain.warm_ms) - len(plain.first_ms) - plain.reset, 0)
    )


def test_keep_alive_lies_between_what_was_survived_and_what_was_lost(tmp_path: Path) -> None:
    """Environments are kept for one second; those that crash are lost sooner, and do not count."""
    for sizes in ((1769,), (512, 1769)):
        use = observed(tmp_path, sizes, FAILING, 1, keep_alive="1s").use
        assert use is not None
        assert use.shortest_lost_s is not None
        assert 0.8 < use.longest_survived_s < 1.002
        assert 0.998 < use.shortest_lost_s < 1.3
