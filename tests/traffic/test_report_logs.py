"""Logs of a real function, and logs that are not."""

import gzip
import json
from datetime import datetime
from math import ceil
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import lambdasim as ls
from lambdasim.errors import TraceError
from lambdasim.traffic.readers.logs.reader import read_report_logs
from lambdasim.traffic.readers.logs.reports import Report, parse_platform_report, parse_report_line
from lambdasim.traffic.trace import BadRows
from lambdasim.units import from_epoch_us, to_epoch_us

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
        ("1 request has a START but no REPORT and is left out",) if rate == 15 else ()
    )


def test_a_cold_start_arrives_before_its_environment_starts() -> None:
    events = json.loads((LOGS / "aws_15rps_cloudwatch.json").read_text())
    table = read_report_logs(LOGS / "aws_15rps_cloudwatch.json").frame()
    cold = table[table["init_ms"].notna()].iloc[0]
    own = [e for e in events if e["logStreamName"] == cold["exec_env"]]
    marks = ("INIT_START", f"START RequestId: {cold['request_id']}")
    written_ms = {e["message"].split()[0]: e["timestamp"] for e in own if e["message"].startswith(marks)}
    assert cold["timestamp_us"] == written_ms["START"] * 1000 - 99_440
    assert abs(cold["timestamp_us"] / 1000 - written_ms["INIT_START"]) < 3


# Published lines: the first from open-telemetry/opentelemetry-lambda, pull request 2011 (October 2025); the others of
# SnapStart functions, of which only the billed part of the restore matters here.
@pytest.mark.parametrize(
    ("duration_ms", "start", "billed_ms"),
    [
        (395.99, "Init Duration: 265.72 ms", 662),
        (2338.66, "Restore Duration: 474.16 ms\tBilled Restore Duration: 182 ms", 2521),
        (159.87, "Restore Duration: 474.16 ms\tBilled Restore Duration: 118 ms", 278),
        (149.53, "Restore Duration: 474.16 ms\tBilled Restore Duration: 163 ms", 313),
        (306.34, "Restore Duration: 474.16 ms\tBilled Restore Duration: 303 ms", 610),
        (127.10, "Restore Duration: 474.16 ms\tBilled Restore Duration: 26 ms", 154),
    ],
)
def test_billed_is_the_ceiling_of_all_that_is_billed(duration_ms: float, start: str, billed_ms: int) -> None:
    report = parse_report_line(
        f"REPORT RequestId: r\tDuration: {duration_ms} ms\tBilled Duration: {billed_ms} ms\tMemory Size: 512 MB\t"
        f"Max Memory Used: 91 MB\t{start}\t\n"
    )
    assert (report.duration_ms, report.billed_ms) == (duration_ms, billed_ms)
    started_ms = report.billed_restore_ms if report.init_ms is None else report.init_ms
    assert started_ms is not None
    assert report.billed_ms == ceil(report.duration_ms + started_ms)
    assert report.environment_start_ms == (265.72 if "Init" in start else 474.16)


def test_init_was_free_in_2022() -> None:
    report = parse_report_line(
        "REPORT RequestId: r\tDuration: 47.28 ms\tBilled Duration: 48 ms\tMemory Size: 128 MB\tMax Memory Used: 21 MB\t"
        "Init Duration: 340.74 ms\t"
    )
    assert report.init_ms == 340.74
    assert report.billed_ms == ceil(report.duration_ms) != ceil(report.duration_ms + report.init_ms)


@pytest.mark.parametrize(
    ("ending", "outcome"),
    [
        ("Status: errorError Type: Runtime.OutOfMemory", "out_of_memory"),
        ("Status: failureError Type: Runtime.ExitError", "crash"),
        ("Status: errorError Type: KeyError", "error"),
        ("Status: timeout", "timeout"),
    ],
)
def test_how_a_run_ended_is_known_where_the_tabs_are_lost(ending: str, outcome: str) -> None:
    figures = "Duration: 47.28 msBilled Duration: 48 msMemory Size: 128 MBMax Memory Used: 21 MB"
    assert parse_report_line(f"REPORT RequestId: 8f5{figures}{ending}").outcome == outcome


@pytest.mark.parametrize(
    ("tail", "status", "error_type"),
    [
        ("", "success", None),
        ("Status: timeout\t", "timeout", None),
        ("Status: error\tError Type: Runtime.ExitError\t", "error", "Runtime.ExitError"),
        ("Status: error Error Type: Runtime.OutOfMemory", "error", "Runtime.OutOfMemory"),
        ("Error Type: Runtime.ExitError", "error", "Runtime.ExitError"),
        ("\nXRAY TraceId: 1-5\tSegmentId: 6\tSampled: true\tStatus: no", "success", None),
        ("REPORT RequestId: s\tInit Duration: 5 ms\tStatus: error", "success", None),
    ],
)
def test_status_and_error_type(tail: str, status: str, error_type: str | None) -> None:
    report = parse_report_line(f"{REPORT}\t{tail}")
    assert (report.status, report.error_type, report.init_ms) == (status, error_type, None)


NUMBERS = st.integers(0, 9 * 10**7).map(lambda n: n / 100)
WHOLE = st.integers(0, 10**6)
BILLED = st.integers(900_000, 10**6)
SIZES = st.integers(10**6, 2 * 10**6)  # of memory, with room for any use of it
REPORTS = st.builds(
    Report, st.from_regex(r"[0-9a-f]{8}-[0-9a-f]{4}", fullmatch=True), NUMBERS, BILLED, SIZES, st.none() | WHOLE,
    st.none() | NUMBERS, st.none() | NUMBERS, st.none() | WHOLE, st.sampled_from(["success", "timeout", "error"]),
    st.none() | st.just("Runtime.ExitError"),
)  # fmt: skip


def as_line(report: Report, separator: str = "\t") -> str:
    fields = {
        "Duration": (report.duration_ms, " ms"), "Billed Duration": (report.billed_ms, " ms"),
        "Memory Size": (report.memory_mb, " MB"), "Max Memory Used": (report.max_memory_mb, " MB"),
        "Init Duration": (report.init_ms, " ms"), "Restore Duration": (report.restore_ms, " ms"),
        "Billed Restore Duration": (report.billed_restore_ms, " ms"), "Status": (report.status, ""),
        "Error Type": (report.error_type, ""),
    }  # fmt: skip
    texts = [f"{name}: {value}{unit}" for name, (value, unit) in fields.items() if value is not None]
    return separator.join([f"REPORT RequestId: {report.request_id}", *texts, "\n"])


def as_platform(report: Report, time: str = "2024-02-09T08:42:44.080Z") -> dict[str, Any]:
    metrics = {
        "durationMs": report.duration_ms, "billedDurationMs": report.billed_ms, "memorySizeMB": report.memory_mb,
        "maxMemoryUsedMB": report.max_memory_mb, "initDurationMs": report.init_ms,
        "restoreDurationMs": report.restore_ms, "billedRestoreDurationMs": report.billed_restore_ms,
    }  # fmt: skip
    record = {"requestId": report.request_id, "status": report.status, "errorType": report.error_type}
    kept = {name: value for name, value in metrics.items() if value is not None}
    return {"time": time, "type": "platform.report", "record": record | {"metrics": kept}}


@given(REPORTS, st.sampled_from(["\t", " ", " \t", "  "]))
def test_any_report_survives_as_line_and_as_object(report: Report, separator: str) -> None:
    assert parse_report_line(as_line(report, separator)) == report
    assert parse_platform_report(json.loads(json.dumps(as_platform(report)))) == report


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.tuples(REPORTS, st.integers(10**12, 2 * 10**12)), min_size=1, max_size=12, unique=True),
    st.booleans(),
)
def test_any_log_survives_in_each_form(
    tmp_path_factory: pytest.TempPathFactory, reports: list[tuple[Report, int]], stream: bool
) -> None:
    folder = tmp_path_factory.mktemp("logs")
    times = [from_epoch_us(ms * 1000).isoformat(timespec="milliseconds") for _, ms in reports]
    environment = "2025/05/12/[$LATEST]abc" if stream else None
    prefix = [f"{time} {environment}" if stream else time for time in times]
    swapped = [f"{environment} {time}" if stream else time for time in times]
    events = [
        {"timestamp": ms, "message": as_line(report), "logStreamName": environment} for report, ms in reports
    ]
    lines = [as_line(report, " ").strip() for report, _ in reports]
    objects = [as_platform(report, time) for (report, _), time in zip(reports, times, strict=True)]
    forms = {
        "events": json.dumps(events),
        "tail": "\n".join(f"{head} {line}" for head, line in zip(prefix, lines, strict=True)),
        "other": "\r\n".join(f"{head}\t{line}" for head, line in zip(swapped, lines, strict=True)),
        "objects": "\n".join(f"{head} {json.dumps(found)}" for head, found in zip(prefix, objects, strict=True)),
        "pretty": "\n".join(
            f"{head} words{json.dumps(found, indent=2)} more {{" for head, found in zip(swapped, objects, strict=True)
        ),
    }  # fmt: skip
    tables = {}
    for name, text in forms.items():
        (folder / name).write_text(text)
        tables[name] = read_report_logs(folder / name, function="f").frame()
    want = sorted(
        (ms * 1000 - round(report.duration_ms * 1000) - round((report.environment_start_ms or 0) * 1000))
        for report, ms in reports
    )
    for name, table in tables.items():
        assert table["timestamp_us"].tolist() == want, name
        assert table.equals(tables["events"]), name
        assert set(table["exec_env"].dropna()) == ({environment} if stream else set())


def platform_report(**metrics: float) -> dict[str, Any]:
    record = {"requestId": "r", "status": "success", "metrics": metrics}
    return {"time": "2024-02-09T08:42:44.080Z", "type": "platform.report", "record": record}


def test_platform_objects_are_found_behind_other_words(tmp_path: Path) -> None:
    report = platform_report(durationMs=147.156, billedDurationMs=201, memorySizeMB=512, initDurationMs=53.5)
    path = tmp_path / "log.txt"
    path.write_text("starting {\nan extension speaks" + json.dumps(report) + "\nbye {not json}\n")
    table = read_report_logs(path).frame()
    assert table[["duration_ms", "init_ms", "billed_ms", "memory_mb"]].values.tolist() == [
        [147.156, 53.5, 201, 512]
    ]
    packed = tmp_path / "log.gz"
    packed.write_bytes(gzip.compress(path.read_bytes()))
    assert read_report_logs(packed).frame()["timestamp_us"].tolist() == table["timestamp_us"].tolist()


def test_platform_objects_in_any_key_order_pretty_and_in_messages(tmp_path: Path) -> None:
    report = platform_report(durationMs=1.5, billedDurationMs=2.0, memorySizeMB=512.0)
    turned = dict(reversed(report.items()))
    start = {"time": "2024-02-09T08:42:44.000Z", "type": "platform.start", "record": {"requestId": "r"}}
    for texts in (
        [json.dumps(start), json.dumps(turned)],
        [json.dumps(start, indent=4), json.dumps(turned, indent=1)],
    ):
        (tmp_path / "t.txt").write_text("app {words}".join(texts))
        (tmp_path / "e.json").write_text(
            json.dumps([{"timestamp": 5, "message": text, "logStreamName": "s"} for text in texts])
        )
        for name in ("t.txt", "e.json"):
            row = read_report_logs(tmp_path / name).frame().iloc[0]
            assert row["timestamp_us"] == to_epoch_us(datetime.fromisoformat("2024-02-09T08:42:44Z"))
            assert (row["duration_ms"], row["billed_ms"], row["memory_mb"]) == (1.5, 2, 512)


REPORT = "REPORT RequestId: r\tDuration: 306.34 ms\tBilled Duration: 610 ms \tMemory Size: 512 MB\tMax Memory Used: 91 MB"


def events_file(path: Path, *messages: tuple[int, str]) -> Path:
    events = [{"timestamp": at_ms, "message": text, "logStreamName": "s"} for at_ms, text in messages]
    path.write_text(json.dumps({"events": events, "searchedLogStreams": []}))
    return path


@pytest.mark.parametrize(
    "text",
    [
        REPORT,
        REPORT.replace("\t", " "),
        REPORT + "\tRestore Duration: 474.16 ms\tBilled Restore Duration: 303 ms\t\n",
    ],
)
def test_report_lines_old_flattened_and_restored(text: str, tmp_path: Path) -> None:
    row = read_report_logs(events_file(tmp_path / "l.json", (1, text))).frame().iloc[0]
    assert (row["duration_ms"], row["billed_ms"], row["memory_mb"], row["max_memory_mb"]) == (
        306.34, 610, 512, 91
    )  # fmt: skip
    assert row["init_ms"] == 474.16 or "Restore" not in text


def test_a_start_may_share_a_message_with_its_report(tmp_path: Path) -> None:
    shared = "START RequestId: r Version: 1\nhello\nEND RequestId: r\n" + REPORT
    table = read_report_logs(
        events_file(tmp_path / "l.json", (7, shared), (2, shared.replace(": r", ": q")))
    ).frame()
    assert table["timestamp_us"].tolist() == [2_000, 7_000]
    assert table["request_id"].tolist() == ["q", "r"]
    flat = shared.replace("\n", " ").replace("\t", " ")
    (tmp_path / "l.txt").write_text(f"2025-05-12T20:42:17.359Z {flat}\n2025-05-12T20:42:17.359Z {shared}")
    with pytest.raises(TraceError, match="row 5: timestamp: a REPORT line has no time of its own"):
        read_report_logs(tmp_path / "l.txt")
    (tmp_path / "l.txt").write_text(f"2025-05-12T20:42:17.359Z {shared}")
    table = read_report_logs(tmp_path / "l.txt").frame()
    assert table["timestamp_us"].tolist() == [1_747_082_537_359_000]


def test_the_events_of_an_answer_may_come_last(tmp_path: Path) -> None:
    path = events_file(tmp_path / "l.json", (1, REPORT), (2, "words"))
    one = read_report_logs(path).frame()
    path.write_text(json.dumps(dict(reversed(json.loads(path.read_text()).items()))))
    assert path.read_text().startswith('{"searchedLogStreams"')
    assert read_report_logs(path).frame().equals(one)


def test_a_retry_keeps_its_own_start(tmp_path: Path) -> None:
    start = "START RequestId: r Version: 1"
    path = events_file(
        tmp_path / "l.json", (70_400, REPORT), (70_000, start), (10_350, REPORT), (10_000, start)
    )
    assert read_report_logs(path).frame()["timestamp_us"].tolist() == [10_000_000, 70_000_000]
    path = events_file(tmp_path / "l.json", (70_000, start), (10_350, REPORT), (10_000, start))
    trace = read_report_logs(path)
    assert trace.frame()["timestamp_us"].tolist() == [10_000_000]
    assert trace.report().warnings == ("1 request has a START but no REPORT and is left out",)


def test_several_unfinished_requests_are_many(tmp_path: Path) -> None:
    starts = [(5, f"START RequestId: u{i} Version: 1") for i in range(1_234)]
    trace = read_report_logs(events_file(tmp_path / "l.json", (9, REPORT), *starts))
    assert trace.report().warnings == ("1,234 requests have a START but no REPORT and are left out",)


def test_times_without_offset_are_utc_only_when_said(tmp_path: Path) -> None:
    (tmp_path / "l.txt").write_text(f"2025-05-12T20:42:17 {REPORT}\n")
    with pytest.raises(
        TraceError,
        match=r"row 1: timestamp: must carry an offset from UTC such as Z; where it is UTC, say utc",
    ):
        read_report_logs(tmp_path / "l.txt")
    table = read_report_logs(tmp_path / "l.txt", naive="utc").frame()
    assert table["timestamp_us"].tolist() == [1_747_082_537_000_000 - 306_340]


def test_what_an_application_prints_is_no_report(tmp_path: Path) -> None:
    others = [
        "INIT_REPORT Init Duration: 9999.5 ms\tPhase: init\tStatus: timeout",
        "XREPORT RequestId: r\tDuration: x",
        '{"message": "\\"type\\":\\"platform.report\\""}',
        '{"type": "platform.initReport", "record": {}}',
        "[INFO]\t2025-05-12T20:42:17.359Z\tr\tREPORT was sent",
    ]
    path = events_file(tmp_path / "l.json", *((1, text) for text in others), (2_000, REPORT))
    assert len(read_report_logs(path).frame()) == 1
    (tmp_path / "l.txt").write_text("\n".join(others) + f"\n2025-05-12T20:42:17.359Z {REPORT}")
    assert len(read_report_logs(tmp_path / "l.txt").frame()) == 1


def test_bad_reports_are_skipped_and_listed_on_request(tmp_path: Path) -> None:
    bad = REPORT.replace("306.34", "-1")
    path = events_file(tmp_path / "l.json", (1, REPORT), *[(2, bad)] * 25)
    with pytest.raises(TraceError, match="record 2: Duration: must be a number of ms, got '-1 ms'"):
        read_report_logs(path)
    report = read_report_logs(path, on_bad_row=BadRows.SKIP).report()
    assert (report.rows, report.skipped, len(report.faults)) == (1, 25, 20)
    assert report.faults[19].where == f"{path}, record 21"
    with pytest.raises(TraceError, match="all 1 were skipped"):
        read_report_logs(events_file(path, (1, bad)), on_bad_row=BadRows.SKIP)
    lines = [f"2025-05-12T20:42:17Z {text}" for text in (REPORT, bad, bad, REPORT)]
    (tmp_path / "l.txt").write_text("app\n".join(line + "\n" for line in lines))
    report = read_report_logs(tmp_path / "l.txt", on_bad_row=BadRows.SKIP).report()
    assert [fault.where for fault in report.faults] == [f"{tmp_path / 'l.txt'}, row {row}" for row in (3, 5)]


HOSTILE = {
    "empty list": ("[]", "events of Lambda Insights; there is none"),
    "no events": ('{"events": []}', "there is none"),
    "an answer without events": ('{"nextToken": "x"}', "events: must be a list of log events, got None"),
    "an answer cut": ('{"nextToken": "x", "ev', "row 1: must be JSON"),
    "a number in a list": ("[{}, 1]", "record 2: must be an object"),
    "no comma": ('[{"a": 1}\n{"b": 2}]', "row 2: must be JSON: Expecting ',' delimiter, column 1"),
    "a comma too many": ('[{"a": 1},\n]', "row 2: must be JSON: Expecting value, column 1"),
    "words behind the list": ("[{}] and more", "row 1: must be JSON to its end, behind the list too"),
    "an object left open": ('{"events": [\n{}]', "row 2: must be JSON to its end, behind the list too"),
    "nan in an event": ('[{"timestamp": NaN}]', "must be JSON with finite numbers: got NaN"),
    "a message that is none": ('[{"timestamp": 1, "message": null}]', "record 1: message: must be text, got None"),
    "text as time": (json.dumps([{"timestamp": "x", "message": REPORT}]), "must be an ISO 8601 time"),
    "a time too late": (json.dumps([{"timestamp": 10**16, "message": REPORT}]), "must be ms since 1970"),
    "true as time": ('[{"timestamp": true, "message": ""}]', "must be ms since 1970"),
    "no duration": (
        json.dumps([{"timestamp": 1, "message": "REPORT RequestId: r"}]),
        "Duration: must be a number of ms, is missing",
    ),
    "no request": ('[{"timestamp": 1, "message": "REPORT RequestId: "}]', "must be a REPORT line with a RequestId"),
    "another unit": (json.dumps([{"timestamp": 1, "message": REPORT.replace("ms", "s")}]), "of ms, got '306.34 s'"),
    "infinite": (json.dumps([{"timestamp": 1, "message": REPORT.replace("306.34", "inf")}]), "got 'inf ms'"),
    "huge": (json.dumps([{"timestamp": 1, "message": REPORT.replace("306.34", "9" * 400)}]), "must be a number of ms"),
    "negative": (
        json.dumps([platform_report(durationMs=-1, billedDurationMs=1, memorySizeMB=1)]),
        "record 1: durationMs: must be a number from 0",
    ),
    "nan": (json.dumps(platform_report(durationMs=float("nan"))), "row 1: durationMs: must be a number from 0"),
    "1e400": (json.dumps(platform_report()).replace("{}", '{"durationMs": 1e400}'), "durationMs: must be a number"),
    "text as metric": (json.dumps(platform_report(durationMs="1")), "durationMs: must be a number"),  # type: ignore[arg-type]
    "no metrics": (json.dumps([platform_report() | {"record": {"requestId": "r"}}]), "metrics: must be an object"),
    "no record": (json.dumps([platform_report() | {"type": "platform.start", "record": 5}]), "requestId: must be text"),
    "nested": ("[" * 100_000, "is nested too deep"),
    "nested in text": ("x" + '{"type":"platform.report","record":' * 3_000, "must be a whole JSON object"),
    "a type alone": ('x "type": "platform.report" x', "row 1: platform.report: must be a whole JSON object"),
    "cut": ('[{"timestamp": 1, "message": "a"}, {"time', "row 1: must be JSON"),
    "a report without time": (REPORT, "row 1: timestamp: a REPORT line has no time of its own"),
    "a bad time": (json.dumps([platform_report() | {"time": "noon"}]), "must be an ISO 8601 time"),
    "an impossible time": (f"2025-02-30T00:00:00Z {REPORT}", "must be a date and time of the calendar"),
    "one long line": ("START RequestId:" * 200_000, "there is none"),
    "brackets": ("2025/05/12/" + "[" * 200_000 + " " + REPORT, "has no time of its own"),
    "braces": ("{" * 300_000 + '"type":"platform.report"', "must be a whole JSON object"),
    "nothing but blanks": (" " * 1_000_000, "there is none"),
}  # fmt: skip


@pytest.mark.parametrize("name", HOSTILE)
def test_a_faulty_log_gets_one_clear_error(name: str, tmp_path: Path) -> None:
    text, expected = HOSTILE[name]
    path = tmp_path / "l.json"
    path.write_text(text)
    with pytest.raises(TraceError) as caught:
        read_report_logs(path)
    assert expected in str(caught.value)
    assert str(caught.value).startswith(str(path))
    assert len(str(caught.value)) < 400


def test_many_reports_in_one_line_take_linear_time(tmp_path: Path) -> None:
    (tmp_path / "l.txt").write_text(f"2025-05-12T20:42:17Z {REPORT} " * 5_000)
    assert len(read_report_logs(tmp_path / "l.txt", on_bad_row=BadRows.SKIP).frame()) >= 1


def test_bytes_that_are_no_text_are_named(tmp_path: Path) -> None:
    (tmp_path / "l.txt").write_bytes(b"one\ntwo \xff\n")
    with pytest.raises(TraceError, match="row 2: must be UTF-8 text, has the byte 0xff"):
        read_report_logs(tmp_path / "l.txt")


@pytest.mark.parametrize("rate", [2, 5, 8, 15])
def test_replay_uses_the_environments_that_aws_used(rate: int) -> None:
    # AWS had environments from before the log began, so only their number is compared, and that the model starts no more.
    table = read_report_logs(LOGS / f"aws_{rate}rps_cloudwatch.json").frame()
    arrivals = (table["timestamp_us"] - table["timestamp_us"].iloc[0]) / 1e6
    run = ls.simulate(arrivals_s=arrivals, durations_ms=table["duration_ms"], init_ms=99.44, keep_alive_s=300)
    used = run.records["exec_env"].nunique()
    assert abs(used - table["exec_env"].nunique()) <= 1
