"""What Lambda writes beside reports: how environments started, how runs ended, when answers were sent."""

import json
from collections import Counter
from pathlib import Path

import pandas as pd
import pytest

from lambdasim.calibration.data.reading import read_observations
from lambdasim.errors import TraceError
from lambdasim.traffic.readers.logs.reader import read_report_logs
from lambdasim.traffic.readers.logs.remarks import runtime_of

CASES = Path(__file__).parents[2] / "calibration" / "cases"
REPORT = (
    "REPORT RequestId: {id}\tDuration: {ms} ms\tBilled Duration: {billed} ms\tMemory Size: 512 MB"
    "\tMax Memory Used: {used} MB"
)


def report(request: str, ms: float, tail: str = "", used: int = 60) -> str:
    return REPORT.format(id=request, ms=ms, billed=int(ms) + 1, used=used) + tail


@pytest.mark.parametrize(
    ("case", "starts", "runtime"),
    [
        ("L1_snapstart_sam_logs.txt", {"restore": 40, "warm": 80}, "java21"),
        ("L2_init_timeout_rerun_in_invoke.txt", {"again": 4, "warm": 40}, "nodejs20.x"),
        ("L2_init_timeout_json.json", {"again": 1, "warm": 2}, "python3.12"),
        ("L6_console_ascii_table.txt", {"again": 1, "warm": 1}, None),
        ("L9_lambda_insights_emf.json", {"cold": 1, "warm": 3}, None),
    ],
)
def test_starts_and_runtime_of_the_cases(case: str, starts: dict[str, int], runtime: str | None) -> None:
    table = read_report_logs(CASES / case, naive="utc").frame()
    assert Counter(table["start"]) == starts
    assert set(table["runtime"].dropna()) == ({runtime} if runtime else set())


def test_outcomes_of_the_case() -> None:
    table = read_report_logs(CASES / "L12_crash_and_oom.json").frame()
    assert Counter(table["status"]) == {"success": 5, "timeout": 1, "out_of_memory": 1, "crash": 1}


def test_an_event_of_lambda_insights_has_cpu_time() -> None:
    first = read_report_logs(CASES / "L9_lambda_insights_emf.json").frame().iloc[0]
    assert (first["duration_ms"], first["billed_ms"], first["memory_mb"]) == (45_191, 45_200, 256)
    assert (first["init_ms"], first["cpu_time_ms"], first["status"]) == (130, 6_690, "timeout")


def test_time_until_the_answer() -> None:
    table = read_report_logs(CASES / "L14_extension_after_response.json").frame()
    assert table["response_ms"].between(30, 50).all()
    assert table["duration_ms"].gt(700).all()


def test_ends_in_words_without_a_status(tmp_path: Path) -> None:
    ids = [f"{n}5f0c0de-0000-4000-8000-000000000000" for n in range(5)]
    lines = [
        f"2026-01-01T00:00:03Z {ids[0]} Task timed out after 3.00 seconds",
        f"2026-01-01T00:00:03Z {report(ids[0], 3000)}",
        f"2026-01-01T00:00:04Z RequestId: {ids[1]} Error: Runtime exited with error: exit status 1",
        "Runtime.ExitError",
        f"2026-01-01T00:00:04Z {report(ids[1], 80)}",
        f"2026-01-01T00:00:05Z RequestId: {ids[2]} Error: Runtime exited with error: signal: killed",
        f"2026-01-01T00:00:05Z {report(ids[2], 90, used=512)}",
        f"2026-01-01T00:00:06Z\t{ids[3]}\tERROR\tInvoke Error \t{{}}",
        f"2026-01-01T00:00:06Z {report(ids[3], 70)}",
        f"2026-01-01T00:00:07Z {report(ids[4], 70)}",
    ]
    path = tmp_path / "l.txt"
    path.write_text("\n".join(lines))
    table = read_report_logs(path).frame()
    assert table["status"].tolist() == ["timeout", "crash", "out_of_memory", "error", "success"]


@pytest.mark.parametrize("bars", ["| {time} | {text} |", "{time} | {text}", "{time}\t{text}"])
@pytest.mark.parametrize("time", ["1767225601000", "2026-01-01T00:00:01.000Z", "2026-01-01T00:00:01Z"])
def test_tables_of_the_console(bars: str, time: str, tmp_path: Path) -> None:
    path = tmp_path / "l.txt"
    text = report("5f0c0de-1", 100).replace("\t", " ")
    path.write_text(f"| timestamp | message |\n|---|---|\n{bars.format(time=time, text=text)}\n")
    assert read_report_logs(path).frame()["timestamp_us"].tolist() == [1_767_225_601_000_000 - 100_000]


def test_newest_first_tells_the_same_starts(tmp_path: Path) -> None:
    lines = (CASES / "L2_init_timeout_rerun_in_invoke.txt").read_text().splitlines()
    path = tmp_path / "l.txt"
    path.write_text("\n".join(lines[::-1]))
    assert Counter(read_report_logs(path).frame()["start"]) == {"again": 4, "warm": 40}


@pytest.mark.parametrize(
    ("ms", "billed"), [("1800001.00", 1_800_001), ("1000000000000", 10**12), ("120.5", 20)]
)  # fmt: skip
def test_an_impossible_run_is_a_bad_row(ms: str, billed: int, tmp_path: Path) -> None:
    path = tmp_path / "l.txt"
    line = REPORT.format(id="5f0c0de-1", ms=ms, billed=billed, used=60)
    path.write_text(f"2026-01-01T00:00:00Z {line}\n2026-01-01T00:00:01Z {report('5f0c0de-2', 5)}\n")
    with pytest.raises(TraceError, match=r"row 1: (Billed )?Duration: must"):
        read_report_logs(path)
    assert len(read_report_logs(path, on_bad_row="skip").frame()) == 1  # type: ignore[arg-type]


def test_a_log_without_times_gives_durations_when_asked(tmp_path: Path) -> None:
    path = tmp_path / "l.txt"
    path.write_text(report("5f0c0de-1", 5) + "\n" + report("5f0c0de-2", 7))
    with pytest.raises(TraceError, match="no time of its own"):
        read_report_logs(path)
    table = read_report_logs(path, timeless=True).frame()
    assert table["duration_ms"].tolist() == [5, 7]
    assert table["timestamp_us"].tolist() == [-1, -1]


@pytest.mark.parametrize(
    ("text", "seen"),
    [
        ("AWSTemplateFormatVersion: '2010-09-09'\nResources: {}\n", "a CloudFormation or SAM template"),
        (json.dumps({"Functions": [], "NextMarker": 1}), 'JSON with the keys "Functions", "NextMarker"'),
        ("<html><body>x</body></html>", "a web page"),
        ("it was a dark and stormy night\n", "plain text"),
    ],
)
def test_a_file_of_no_known_kind_is_described(text: str, seen: str, tmp_path: Path) -> None:
    path = tmp_path / "l.json"
    path.write_text(text)
    with pytest.raises(TraceError) as caught:
        read_report_logs(path)
    assert f"the file looks like {seen}" in str(caught.value)


def test_runtimes() -> None:
    assert runtime_of("dotnet:8.v12") == "dotnet8"
    assert runtime_of("java:8.al2.v31") == "java8.al2"
    assert runtime_of("ruby:3.3.v1") == "ruby3.3"
    assert runtime_of("provided:al2023.v3") == "provided.al2023"
    assert runtime_of("no runtime") is None


@pytest.mark.parametrize(
    ("text", "seen"),
    [
        ("AWSTemplateFormatVersion: '2010-09-09'\nResources: {}\n", "a CloudFormation or SAM template"),
        ("name: t\nstart: 2026-11-01T00:00:00Z\nfunctions:\n- name: f\n", "a scenario of lambdasim"),
        ("service: s\nprovider:\n  name: aws\n", "a serverless.yml"),
        ("version: 0.1\nresource_usage:\n  a.b: {}\n", "an Infracost usage file"),
        ("<!doctype html><html></html>", "a web page"),
        ("%PDF-1.7\nx\n", "a PDF document"),
        ("RESULTS\t@duration\t12.3\n", "results of Logs Insights as text"),
        ("\x89PNG\r\n\x1a\n", "binary data"),
        ("https 2026-07-02T22:23:00Z app/lb/50 1.2.3.4:5 - 0.1 200\n", "an access log of a load balancer"),
        (
            '1.2.3.4 - frank [10/Oct/2026:13:55:36 -0700] "GET / HTTP/1.0" 200 9\n',
            "an access log of a web server",
        ),
        ("2 123456789010 eni-1235b8ca 172.31.16.139 ACCEPT OK\n", "a VPC flow log"),
        ("def handler(event, context):\n    return 1\n", "program code"),
        ("2026-09-14T06:30:00Z INFO started\n", "log text without Lambda's REPORT lines"),
        ("lineItem/UsageType,lineItem/UsageAmount\nLambda-GB-Second,2\n", "a Cost and Usage Report"),
        ("FunctionArn,NumberOfInvocations\narn,100\n", 'a table with commas and the columns "FunctionArn"'),
        (
            json.dumps({"executionArn": "a", "status": "FAILED"}),
            "an execution of Step Functions that has not",
        ),
        (json.dumps({"executionArn": "a", "output": '{"x": 1}'}), "an execution of Step Functions without"),
        (json.dumps({"Records": [{"eventSource": "s3.amazonaws.com"}]}), "events of CloudTrail"),
        (json.dumps({"Configuration": {"FunctionName": "f"}}), "a function's configuration"),
    ],
)
def test_calibrate_says_what_a_file_of_no_known_kind_looks_like(text: str, seen: str, tmp_path: Path) -> None:
    path = tmp_path / "given.txt"
    path.write_bytes(text.encode("latin-1"))
    with pytest.raises(TraceError) as caught:
        read_observations([path])
    assert f"the file looks like {seen}" in str(caught.value)
    assert len(str(caught.value).splitlines()) == 1


def test_metrics_are_no_runs(tmp_path: Path) -> None:
    path = tmp_path / "metrics.json"
    path.write_text(json.dumps({"Label": "Duration", "Datapoints": [{"Average": 3.0}]}))
    with pytest.raises(TraceError, match="holds metrics of CloudWatch, which are no single runs"):
        read_observations([path])


def test_colours_of_a_terminal_hide_no_time(tmp_path: Path) -> None:
    path = tmp_path / "l.txt"
    stamp = "\x1b[36m2026/09/14/[$LATEST]abc\x1b[0m \x1b[33m2026-09-14T06:30:00.000000\x1b[0m"
    path.write_text(f"{stamp} {report('5f0c0de-1', 5)}\n", encoding="utf-8")
    table = read_observations([path]).runs
    assert table.has_times
    assert table.environment is not None


def test_events_of_insights_behind_a_time_and_a_stream(tmp_path: Path) -> None:
    event = {
        "_aws": {"Timestamp": 1789367400000}, "event_type": "performance", "function_name": "orders",
        "request_id": "5f0c0de-1", "duration": 80, "billed_duration": 80, "cold_start": False, "used_memory_max": 60,
        "total_memory": 512, "cpu_total_time": 12,
    }  # fmt: skip
    path = tmp_path / "tail.txt"
    path.write_text(f"2026-09-14T06:30:00.080Z 2026/09/14/orders[$LATEST]abc {json.dumps(event)}\n")
    seen = read_observations([path])
    assert seen.function == "orders"
    assert seen.runs.cpu_time_ms.tolist() == [12]


def test_more_cpu_time_than_all_cpus_have_is_a_bad_row(tmp_path: Path) -> None:
    event = {
        "event_type": "performance", "function_name": "orders", "request_id": "5f0c0de-1", "duration": 100,
        "billed_duration": 100, "total_memory": 10_240, "cpu_total_time": 600,
    }  # fmt: skip
    path = tmp_path / "l.json"
    path.write_text(json.dumps(event) + "\n")
    assert read_observations([path]).runs.cpu_time_ms.tolist() == [600]
    path.write_text(json.dumps(event | {"cpu_total_time": 1e9}) + "\n")
    with pytest.raises(TraceError, match="row 1: cpu_total_time: must be at most 960 ms in a run of 100 ms"):
        read_observations([path])


def test_init_that_begins_again_inside_the_run_is_the_same_start(tmp_path: Path) -> None:
    """INIT fails after 1.2 s; a second platform.initStart, of phase invoke, does not make the run a warm one."""
    said: list[tuple[str, str, dict[str, object]]] = [
        ("00.000", "initStart", {"phase": "init", "runtimeVersion": "ruby:3.3.v3"}),
        ("01.200", "initReport", {"phase": "init", "status": "error", "metrics": {"durationMs": 1200.0}}),
        ("01.200", "start", {"requestId": "5f0c0de-1"}),
        ("01.200", "initStart", {"phase": "invoke", "runtimeVersion": "ruby:3.3.v3"}),
        ("01.900", "initReport", {"phase": "invoke", "status": "success", "metrics": {"durationMs": 700.0}}),
        (
            "01.940",
            "report",
            {
                "requestId": "5f0c0de-1",
                "status": "success",
                "metrics": {"durationMs": 740.0, "billedDurationMs": 740, "memorySizeMB": 512},
            },
        ),
    ]
    path = tmp_path / "l.json"
    path.write_text(
        "\n".join(
            json.dumps({"time": f"2026-09-14T06:30:{at}Z", "type": f"platform.{kind}", "record": record})
            for at, kind, record in said
        )
    )
    (row,) = read_report_logs(path).frame().to_dict("records")
    assert (row["start"], row["again_ms"], row["runtime"]) == ("again", 700.0, "ruby3.3")
    assert str(pd.Timestamp(row["timestamp_us"], unit="us")) == "2026-09-14 06:30:00"
