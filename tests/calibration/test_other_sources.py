"""What people have instead of a log with times: tuning runs as they come, log tails without times, measured CPU time."""

import json
from pathlib import Path
from urllib.parse import quote

import numpy as np
import pytest

import lambdasim as ls
from lambdasim.calibration.calibrate import calibrate_logs
from lambdasim.calibration.data.tuning import is_power_tuning, tuning_statistics
from lambdasim.errors import InputError
from lambdasim.report.pages.calibration import calibration_page

CASES = Path(__file__).parent / "cases"
CHART = "https://lambda-power-tuning.show/#AAQABgAI;3t2NQUREREFERExB;ilmiNADhrzRWgeo0"


def test_a_tuning_run_as_step_functions_tells_it() -> None:
    found = calibrate_logs([CASES / "P4_describe_execution.json"])
    means = {size.memory_mb: round(size.centre_ms, 2) for size in found.work.sizes}
    assert means == {128: 2050.78, 256: 1027.72, 512: 540.29, 1024: 423.1, 2048: 233.34, 3008: 228.07}


def test_a_history_of_a_tuning_run_gives_its_last_output(tmp_path: Path) -> None:
    output = {"power": 512, "cost": 1e-7, "duration": 20.0, "stateMachine": {"visualization": CHART}}
    history = {
        "events": [
            {"type": "ExecutionStarted", "executionStartedEventDetails": {"input": "{}"}},
            {"type": "ExecutionSucceeded", "executionSucceededEventDetails": {"output": json.dumps(output)}},
        ]
    }
    path = tmp_path / "history.json"
    path.write_text(json.dumps(history), encoding="utf-8")
    assert [size.memory_mb for size in calibrate_logs([path]).work.sizes] == [1024, 1536, 2048]


ENCODED = quote(CHART, safe=":/")


@pytest.mark.parametrize(
    "text", [f"{CHART}\n", f"# tuned today\n\nSee <{CHART}> for the chart.\n", f"go to {ENCODED} and look\n"]
)
def test_the_address_of_a_chart_in_a_text(tmp_path: Path, text: str) -> None:
    path = tmp_path / "notes.txt"
    path.write_text(text, encoding="utf-8")
    assert [size.memory_mb for size in calibrate_logs([path]).work.sizes] == [1024, 1536, 2048]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_an_execution_in_any_encoding(tmp_path: Path, encoding: str) -> None:
    path = tmp_path / "execution.json"
    path.write_bytes((CASES / "P4_describe_execution.json").read_text(encoding="utf-8").encode(encoding))
    expected = tuning_statistics(CASES / "P4_describe_execution.json")
    assert is_power_tuning(path)
    assert tuning_statistics(path) == expected


MEANS = {256: 1_233.1, 512: 618.2, 1024: 312.4, 1536: 209.9}
STATS = [{"averagePrice": 5.2e-6, "averageDuration": ms, "value": mb} for mb, ms in MEANS.items()]
REDACTED = {"visualization": "https://lambda-power-tuning.show/#<sizes>;<durations>;<costs>"}
OUTPUT = {"power": 1024, "cost": 5.3e-6, "duration": 312.4, "stateMachine": REDACTED, "stats": STATS}


@pytest.mark.parametrize(
    "content",
    [
        OUTPUT,
        json.dumps(OUTPUT),
        STATS,
        {"stats": STATS},
        {"Output": json.dumps(OUTPUT), "status": "SUCCEEDED"},
        {**OUTPUT, "stats": [{name: str(value) for name, value in one.items()} for one in STATS]},
    ],
    ids=["address cut out", "output alone", "sizes alone", "stats alone", "Output", "numbers as text"],
)
def test_what_people_keep_of_a_tuning_run(content: object, tmp_path: Path) -> None:
    path = tmp_path / "tuned.json"
    path.write_text(json.dumps(content), encoding="utf-8")
    sizes = calibrate_logs([path]).work.sizes
    assert {size.memory_mb: size.mean_ms for size in sizes} == MEANS


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"averageDuration": 0}, "must be above 0 ms, got 0 at 256 MB"),
        ({"averageDuration": -3.5}, "must be a number from 0, got -3.5"),
        ({"value": 64}, "must be memory sizes of 128 to 10,240 MB, got 64"),
    ],
)
def test_impossible_sizes_of_a_tuning_run_are_named(
    change: dict[str, float], told: str, tmp_path: Path
) -> None:
    path = tmp_path / "tuned.json"
    path.write_text(json.dumps({**OUTPUT, "stats": [{**STATS[0], **change}, *STATS[1:]]}), encoding="utf-8")
    with pytest.raises(InputError) as caught:
        calibrate_logs([path])
    assert told in str(caught.value)


def test_means_that_hold_cold_starts_are_named() -> None:
    with pytest.raises(InputError, match=r"512 MB \(292 ms\) and 1,536 MB \(427\.7 ms\)") as caught:
        calibrate_logs([CASES / "P2_spoilt_chart_url.txt"])
    assert "768" not in str(caught.value)


def test_steps_of_the_scheduler_are_no_cold_starts(tmp_path: Path) -> None:
    """9 ms of work: at 128 MB it needs several periods of 20 ms, which is more than the ratio of the sizes."""
    sizes = {128: 112.0, 256: 42.0, 512: 22.0, 1024: 9.4, 1769: 9.1}
    stats = [{"value": mb, "averageDuration": ms, "averagePrice": 1e-7} for mb, ms in sizes.items()]
    path = tmp_path / "tuned.json"
    path.write_text(json.dumps({"power": 512, "cost": 1e-7, "duration": 22.0, "stats": stats}))
    assert len(calibrate_logs([path]).work.sizes) == 5


def timeless(tmp_path: Path) -> Path:
    lines = (CASES / "L5_ten_slow_cold_starts.txt").read_text(encoding="utf-8").splitlines()
    path = tmp_path / "tail.txt"
    path.write_text(
        "\n".join(line.split(maxsplit=1)[1] for line in lines if "REPORT" in line), encoding="utf-8"
    )
    return path


def test_a_log_without_times_tells_work_and_init_alone(tmp_path: Path) -> None:
    found = calibrate_logs([timeless(tmp_path)], tmp_path / "tail.yaml")
    timed = calibrate_logs([CASES / "L5_ten_slow_cold_starts.txt"])
    assert found.work.cpu_ms == timed.work.cpu_ms
    assert found.init is not None
    assert timed.init is not None
    assert found.init.median_ms == timed.init.median_ms
    assert any("no times" in line for line in found.findings())
    assert not (tmp_path / "tail.arrivals.csv").exists()
    assert ls.load_scenario(tmp_path / "tail.yaml").functions[0].memory_mb == 1024
    trip = found.round_trip
    assert trip is not None
    assert not trip.marked
    assert trip.row("cold starts").twin == 10
    assert "USD a month" not in {row.measure for row in trip.rows}


def insights(tmp_path: Path, duration_ms: float, cpu_ms: float, memory_mb: int) -> Path:
    rng = np.random.default_rng(3)
    rows = []
    for number in range(200):
        factor = float(np.exp(0.05 * rng.standard_normal()))
        moment = 1_793_520_000_000 + 5_000 * number
        event = {
            "_aws": {"Timestamp": moment, "CloudWatchMetrics": [{"Namespace": "LambdaInsights"}]},
            "event_type": "performance", "function_name": "resize", "request_id": f"r{number}", "cold_start": False,
            "duration": round(duration_ms * factor), "billed_duration": round(duration_ms * factor),
            "memory_utilization": 30, "total_memory": memory_mb, "used_memory_max": 60,
            "cpu_total_time": round(cpu_ms * factor),
        }  # fmt: skip
        rows.append({"timestamp": moment, "message": json.dumps(event)})
    path = tmp_path / "insights.json"
    path.write_text(json.dumps({"events": rows}), encoding="utf-8")
    return path


def test_measured_cpu_time_tells_the_split_at_one_size(tmp_path: Path) -> None:
    """100 ms of CPU time in runs of 400 ms at 1,024 MB: a whole vCPU saves up to the 73 ms that the quota takes."""
    found = calibrate_logs([insights(tmp_path, 400, 100, 1024)])
    assert found.work.cpu_ms.value == pytest.approx(100, rel=0.05)
    assert found.work.cpu_ms.low < 100 < found.work.cpu_ms.high
    assert found.work.identified
    assert "plausible" not in found.to_work()
    assert 100 + 400 - 100 * 1769 / 1024 < found.work.predict(2048).mean_ms.value < 375
    assert any("measured beside the durations" in line for line in found.findings())


def test_the_page_shows_the_round_trip(tmp_path: Path) -> None:
    found = calibrate_logs([CASES / "L12_crash_and_oom.json"])
    calibration_page(found).write(tmp_path)
    text = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert "Round trip" in text
    assert "out of memory" in text
    written = json.loads((tmp_path / "result.json").read_text(encoding="utf-8"))
    measures = {row["measure"]: row for row in written["round_trip"]}
    assert measures["crashes"]["log"] == 1
    assert found.as_mapping()["round_trip"][0]["measure"] == "runs"
