"""What was put in comes out: parameters of simulated logs within their intervals, and bad logs with a clear word."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import yaml
from generated_logs import GENERATED

from lambdasim.calibration.calibrate import calibrate, calibrate_logs
from lambdasim.calibration.data.reading import read_observations
from lambdasim.calibration.data.statistics import from_summary, from_values
from lambdasim.calibration.fit.work import fit_work
from lambdasim.errors import InputError, TraceError
from lambdasim.models.cpu_chain import CpuLaw, CpuStyle, handler_durations
from lambdasim.models.cpu_quota import FirstCheck
from lambdasim.specs.work.handler import WorkSpec

STRAIGHT = (CpuStyle(),)
LATE = CpuStyle(CpuLaw.QUOTA, FirstCheck.FOURTH_TICK)


def simulated_ms(
    memory_mb: int,
    cpu_ms: float,
    io_ms: float,
    n: int,
    seed: int,
    style: CpuStyle = STRAIGHT[0],
    sigma: float = 0.1,
) -> np.ndarray:
    rng = np.random.default_rng((seed, memory_mb))
    cpu = cpu_ms * np.exp(sigma * rng.standard_normal(n) - sigma**2 / 2)
    io = np.full(n, round(1000 * io_ms))
    return (
        handler_durations(np.rint(1000 * cpu).astype(np.int64), io, memory_mb, style, rng.random((3, n)))
        / 1000
    )


def report_lines(values: Sequence[float], memory_mb: int, *, first: int = 0, colds: int = 0) -> str:
    lines = []
    for i, value in enumerate(values):
        init = "Init Duration: 150.00 ms\t" if i < colds else ""
        billed = int(np.ceil(value + (150 if i < colds else 0)))
        second = i + first
        at = f"2026-11-01T{second // 3600:02d}:{second // 60 % 60:02d}:{second % 60:02d}.000Z"
        lines.append(
            f"{at} REPORT RequestId: {first + i:08x}-aaaa\tDuration: {value:.2f} ms\tBilled Duration: {billed} ms\t"
            f"Memory Size: {memory_mb} MB\tMax Memory Used: 61 MB\t{init}"
        )
    return "\n".join(lines) + "\n"


def write_log(folder: Path, text: str, name: str = "resize.log") -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def test_known_work_is_recovered_at_nominal_coverage() -> None:
    """Of 95 % intervals from 120 simulated functions, 88 % to 99 % hold the truth."""
    rng = np.random.default_rng(4)
    held = {"cpu": 0, "io": 0}
    for seed in range(120):
        cpu, io = rng.uniform(20, 200), rng.uniform(5, 100)
        sizes = [from_values(m, simulated_ms(m, cpu, io, 400, seed)) for m in (256, 1024)]
        fit = fit_work(sizes, styles=STRAIGHT, law_error=0)
        held["cpu"] += fit.cpu_ms.low <= cpu <= fit.cpu_ms.high
        held["io"] += fit.io_ms.low <= io <= fit.io_ms.high
    assert all(0.88 <= count / 120 <= 0.99 for count in held.values()), held


def test_from_report_lines_to_a_scenario(tmp_path: Path) -> None:
    """Simulated under the quota law at two sizes, written as REPORT lines, read, and predicted at a third."""
    text = "".join(
        report_lines(simulated_ms(m, 17.4, 0.0, 1000, 1, LATE, 0.02), m, first=5000 * k, colds=30)
        for k, m in enumerate((512, 1024))
    )
    found = calibrate_logs([write_log(tmp_path, text)], tmp_path / "fitted.yaml")
    assert found.work.style == LATE
    assert found.work.cpu_ms.low <= 17.4 <= found.work.cpu_ms.high
    for memory_mb in (128, 350, 1769):
        truth = simulated_ms(memory_mb, 17.4, 0.0, 20_000, 9, LATE, 0.02)
        predicted = found.work.predict(memory_mb)
        assert predicted.mean_ms.low <= truth.mean() <= predicted.mean_ms.high
        assert predicted.quantile_ms(0.5) == pytest.approx(np.median(truth), rel=0.03)
    assert found.cold is not None
    assert found.cold.n == 60
    assert [size.n for size in found.work.sizes] == [970, 970]
    written = yaml.safe_load((tmp_path / "fitted.yaml").read_text(encoding="utf-8"))["functions"][0]
    assert written["name"] == "resize"
    assert WorkSpec.model_validate(written["work"]).max_memory_mb is not None


def test_one_size_carries_the_range() -> None:
    fit = fit_work([from_values(1024, simulated_ms(1024, 60.0, 40.0, 500, 2))])
    assert not fit.identified
    assert any("one memory size" in text for text in fit.findings())
    assert fit.cpu_ms.low < 60 < fit.cpu_ms.high
    smaller = fit.predict(256).mean_ms
    assert smaller.high > 1.8 * smaller.low


def test_cold_runs_never_enter_the_warm_fit(tmp_path: Path) -> None:
    warm = simulated_ms(512, 50.0, 10.0, 300, 3)
    with_cold = np.concatenate([np.full(40, 9_000.0), warm])
    path = write_log(tmp_path, report_lines(with_cold, 512, colds=40))
    size = read_observations([path]).sizes[0]
    np.testing.assert_allclose(np.sort(size.warm_ms), np.sort(warm), atol=0.005)
    assert len(size.first_ms) == 40


def test_timeouts_are_censored_not_deleted(tmp_path: Path) -> None:
    values = np.sort(simulated_ms(512, 50.0, 10.0, 1000, 5, sigma=0.4))
    cut = values[799]
    text = report_lines(values[:800], 512)
    text += "".join(
        line.rstrip() + "\tStatus: timeout\n"
        for line in report_lines(np.full(200, cut), 512, first=2000).splitlines()
    )
    observations = read_observations([write_log(tmp_path, text)])
    found = calibrate(observations)
    size = found.work.sizes[0]
    assert (size.n, size.censored, size.mean_ms) == (1000, 200, None)
    assert size.quantiles_ms[0.5] == pytest.approx(np.median(values), rel=0.01)
    assert 0.95 not in size.quantiles_ms
    assert any("200 runs were cut off" in text for text in found.findings())


def test_half_lines_are_refused_or_counted(tmp_path: Path) -> None:
    text = report_lines(np.full(150, 20.0), 256)
    path = write_log(tmp_path, text + "2026-11-01T01:00:00.000Z REPORT RequestId: ffff-aaaa\tDuration: 20.")
    with pytest.raises(TraceError, match="Duration"):
        read_observations([path])
    observations = read_observations([path], skip_bad_rows=True)
    assert observations.left_out == {"rows that could not be read": 1}


def test_decimal_commas_are_refused(tmp_path: Path) -> None:
    path = write_log(tmp_path, report_lines([20.5, 21.5], 256).replace("20.50 ms", "20,50 ms"))
    with pytest.raises(TraceError, match="must be a number of ms, got '20,50 ms'"):
        read_observations([path])


def test_duplicates_are_counted(tmp_path: Path) -> None:
    text = report_lines(np.linspace(20, 30, 150), 256)
    observations = read_observations([write_log(tmp_path, text + text)])
    assert observations.left_out == {"rows that repeat another row": 150}
    assert len(observations.sizes[0].warm_ms) == 150


def test_changed_memory_size_is_told(tmp_path: Path) -> None:
    text = report_lines(np.full(150, 80.0), 256) + report_lines(np.full(30, 20.0), 1024, first=1000)
    notes = " ".join(read_observations([write_log(tmp_path, text)]).notes)
    assert "150 warm runs at 256 MB, median 80 ms, 30 warm runs at 1024 MB, median 20 ms" in notes
    assert "only 30 warm runs at 1024 MB" in notes


def test_two_functions_must_be_told_apart(tmp_path: Path) -> None:
    rows = "".join(
        f"2026-11-01 00:00:{i:02d}.000,{name},{20 + i},512000000\n" for i in range(50) for name in ("a", "b")
    )
    path = write_log(tmp_path, "@timestamp,@log,@duration,@memorySize\n" + rows, "export.csv")
    with pytest.raises(TraceError, match="2 functions; choose one of a, b"):
        read_observations([path])
    observations = read_observations([path], function="a")
    assert len(observations.sizes[0].warm_ms) == 50
    assert any("1 other functions" in note for note in observations.notes)


def test_json_log_format_with_application_text(tmp_path: Path) -> None:
    def line(i: int) -> str:
        metrics = {
            "durationMs": 20.5 + i,
            "billedDurationMs": 21 + i,
            "memorySizeMB": 512,
            "maxMemoryUsedMB": 70,
        }
        record = {"requestId": f"r{i}", "status": "success", "metrics": metrics}
        moment = f"2026-11-01T00:00:{i:02d}.000Z"
        return f'{{"level":"INFO","message":"hello {i}"}}\n' + json.dumps(
            {"time": moment, "type": "platform.report", "record": record}
        )

    path = write_log(tmp_path, "\n".join(line(i) for i in range(20)))
    assert len(read_observations([path]).sizes[0].warm_ms) == 20


@pytest.mark.parametrize(
    ("sizes", "message"),
    [
        ([], "at least one memory size"),
        ([from_summary(256, 10, 5.0), from_summary(256, 10, 6.0)], "different memory sizes"),
    ],
)
def test_nothing_to_fit(sizes: list, message: str) -> None:
    with pytest.raises(InputError, match=message):
        fit_work(sizes)


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"mean_ms": float("nan")}, "mean_ms"),
        ({"p50": 9.0, "p95": 3.0}, "must rise"),
        ({"p100": 3.0}, "p1 to p99"),
    ],
)
def test_impossible_statistics(changed: dict, message: str) -> None:
    with pytest.raises(InputError, match=message):
        from_summary(**{"memory_mb": 256, "n": 10, "mean_ms": 5.0, **changed})


def test_order_of_sizes_changes_nothing() -> None:
    sizes = [
        from_summary(256, 300, 40.0, p50=40.0, p99=60.0),
        from_summary(1024, 300, 12.0, p50=11.0, p99=18.0),
    ]
    assert fit_work(sizes).predict(512).mean_ms == fit_work(sizes[::-1]).predict(512).mean_ms


@pytest.mark.parametrize(
    ("data", "told"),
    [
        ({"512": [10.0, 11.0]}, "must have memory sizes [MB] as keys, got '512'"),
        ({64: [10.0, 11.0]}, "must be memory sizes of 128 to 10,240 MB, got [64]"),
        ({512: np.ones((3, 3))}, "must have one dimension, got 2"),
        (pd.DataFrame({"memory_mb": [512], "duration_ms": [10.0]}), "got a table"),
    ],
    ids=["size as text", "size of nowhere", "two dimensions", "table"],
)
def test_data_that_are_no_durations_by_size_are_refused(data: Any, told: str) -> None:
    with pytest.raises(InputError) as caught:
        calibrate(data)
    assert told in str(caught.value)


@pytest.mark.parametrize(
    ("said", "field"), [({"runtime": "cobol"}, "runtime"), ({"architecture": "mips"}, "architecture")]
)
def test_settings_of_nowhere_are_refused(said: dict[str, str], field: str) -> None:
    with pytest.raises(InputError, match=f"{field}.*must be one of"):
        calibrate({512: [10.0, 11.0]}, **said)


def test_files_are_read_as_by_calibrate_logs(tmp_path: Path) -> None:
    path = tmp_path / "one.log"
    path.write_text(GENERATED["two_runs"](np.random.default_rng(7)), encoding="utf-8")
    one, many, logs = calibrate(str(path)), calibrate([path]), calibrate_logs(path)
    assert one.to_function() == many.to_function() == logs.to_function()
