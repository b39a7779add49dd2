"""Logs of a real function, and logs that are not."""

import gzip
import json
from math import ceil
from pathlib import Path

import pytest

import lambdasim as ls
from lambdasim.errors import TraceError
from lambdasim.traffic.readers.report_logs import read_report_logs

LOGS = Path(__file__).parents[2] / "data" / "report_logs"


@pytest.mark.parametrize(
    ("rate", "reports", "environments"), [(2, 240, 1), (5, 600, 1), (8, 960, 2), (15, 1799, 4)]
)
def test_real_logs(rate: int, reports: int, environments: int) -> None:
    trace = read_report_logs(LOGS / f"aws_{rate}rps_cloudwatch.json")
    table = trace.frame()
    assert (len(table), table["exec_env"].nunique()) == (reports, environments)
    assert table["timestamp_us"].is_monotonic_increasing
    assert table["init_ms"].dropna().tolist() == ([99.44] if rate == 15 else [])
    # Printed durations are rounded to 0.01 ms, billed ones are not; INIT was not billed for zip in May 2025.
    billed = table["billed_ms"].astype(int)
    exact = [ceil(duration) for duration in table["duration_ms"]]
    off = [got - want for got, want in zip(billed, exact, strict=True)]
    assert set(off) <= {0, 1}
    assert trace.report().warnings == (
        ("1 requests have a START but no REPORT and are left out",) if rate == 15 else ()
    )


def platform_report(**metrics: float) -> dict[str, object]:
    record = {"requestId": "r", "status": "success", "metrics": metrics}
    return {"time": "2024-02-09T08:42:44.080Z", "type": "platform.report", "record": record}


def test_platform_objects_are_found_behind_other_words(tmp_path: Path) -> None:
    report = platform_report(durationMs=147.156, billedDurationMs=201, memorySizeMB=512, initDurationMs=53.5)
    path = tmp_path / "log.txt"
    path.write_text("starting\nan extension speaks" + json.dumps(report) + "\nbye {not json}\n")
    table = read_report_logs(path).frame()
    assert table[["duration_ms", "init_ms", "billed_ms", "memory_mb"]].values.tolist() == [
        [147.156, 53.5, 201, 512]
    ]
    packed = tmp_path / "log.gz"
    packed.write_bytes(gzip.compress(path.read_bytes()))
    assert read_report_logs(packed).frame()["timestamp_us"].tolist() == table["timestamp_us"].tolist()


REPORT = "REPORT RequestId: r\tDuration: 306.34 ms\tBilled Duration: 610 ms \tMemory Size: 512 MB\tMax Memory Used: 91 MB"


@pytest.mark.parametrize(
    "text",
    [
        REPORT,
        REPORT.replace("\t", " "),
        REPORT + "\tRestore Duration: 474.16 ms\tBilled Restore Duration: 303 ms\t\n",
    ],
)
def test_report_lines_old_flattened_and_restored(text: str, tmp_path: Path) -> None:
    path = tmp_path / "l.json"
    path.write_text(json.dumps({"events": [{"timestamp": 1, "message": text, "logStreamName": "s"}]}))
    row = read_report_logs(path).frame().iloc[0]
    assert (row["duration_ms"], row["billed_ms"], row["memory_mb"], row["max_memory_mb"]) == (
        306.34,
        610,
        512,
        91,
    )


HOSTILE = {
    "empty list": ("[]", "has no REPORT line"),
    "a number in a list": ("[1]", "record 1: must be an object"),
    "text as time": (json.dumps([{"timestamp": "x", "message": REPORT}]), "must be ms since 1970"),
    "no duration": (
        json.dumps([{"timestamp": 1, "message": "REPORT RequestId: r"}]),
        "duration_ms: must be a number",
    ),
    "negative": (
        json.dumps([platform_report(durationMs=-1, billedDurationMs=1, memorySizeMB=1)]),
        "duration_ms",
    ),
    "nested": ("[" * 100_000, "record"),
    "a report without time": (REPORT, "has no time"),
    "a bad time": (json.dumps([platform_report() | {"time": "noon"}]), "must be ISO 8601"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_faulty_log_gets_one_clear_error(name: str, tmp_path: Path) -> None:
    text, expected = HOSTILE[name]
    path = tmp_path / "l.json"
    path.write_text(text)
    with pytest.raises(TraceError) as caught:
        read_report_logs(path)
    assert name == "nested" or expected in str(caught.value)


@pytest.mark.parametrize("rate", [2, 5, 8, 15])
def test_replay_uses_the_environments_that_aws_used(rate: int) -> None:
    # AWS had environments from before the log began, so only their number is compared, and that the model starts no more.
    table = read_report_logs(LOGS / f"aws_{rate}rps_cloudwatch.json").frame()
    arrivals = (table["timestamp_us"] - table["timestamp_us"].iloc[0]) / 1e6
    run = ls.simulate(arrivals_s=arrivals, durations_ms=table["duration_ms"], init_ms=99.44, keep_alive_s=300)
    used = run.records["exec_env"].nunique()
    assert abs(used - table["exec_env"].nunique()) <= 1
