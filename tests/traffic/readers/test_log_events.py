"""One log in every shape in which people export it: the same invocations, function and environment where it has them."""

import csv
import gzip
import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from lambdasim.errors import InputError, TraceError
from lambdasim.specs.traffic import TraceFormat, TrafficSpec
from lambdasim.traffic.opening import trace_format
from lambdasim.traffic.readers import (
    read_azure_2021,
    read_counts_csv,
    read_events_csv,
    read_insights,
    read_metric_data,
    read_report_logs,
)
from lambdasim.traffic.trace import BadRows, Trace
from lambdasim.units import from_epoch_us

REAL = Path(__file__).parents[3] / "data" / "report_logs" / "aws_2rps_cloudwatch.json"
EVENTS: list[dict[str, Any]] = json.loads(REAL.read_text())
GROUP = "/aws/lambda/resize"
COLUMNS = ["timestamp_us", "duration_ms", "billed_ms", "memory_mb", "max_memory_mb", "request_id"]


def iso(event: dict[str, Any], timespec: str = "milliseconds") -> str:
    return from_epoch_us(event["timestamp"] * 1000).isoformat(timespec=timespec)


def insights_time(event: dict[str, Any]) -> str:
    return iso(event).replace("T", " ").removesuffix("+00:00")


def subscription(events: list[dict[str, Any]], group: str = GROUP) -> dict[str, Any]:
    kept = [{"id": e["eventId"], "timestamp": e["timestamp"], "message": e["message"]} for e in events]
    return {"messageType": "DATA_MESSAGE", "owner": "123456789012", "logGroup": group,
            "logStream": events[0]["logStreamName"], "subscriptionFilters": ["all"], "logEvents": kept}  # fmt: skip


CONTROL = {"messageType": "CONTROL_MESSAGE", "owner": "CloudwatchLogs", "logGroup": "", "logStream": "",
           "logEvents": [{"id": "", "timestamp": 1_747_081_582_000, "message": "CWL CONTROL MESSAGE"}]}  # fmt: skip


def records() -> list[dict[str, Any]]:
    return [CONTROL, *(subscription(EVENTS[place : place + 50]) for place in range(0, len(EVENTS), 50))]


def table(header: list[str], rows: list[list[Any]]) -> str:
    text = io.StringIO(newline="")
    csv.writer(text).writerows([header, *rows])
    return text.getvalue()


def messages(event: dict[str, Any]) -> dict[str, Any]:
    return {"@timestamp": insights_time(event), "@message": event["message"], "@log": f"1:{GROUP}",
            "@logStream": event["logStreamName"]}  # fmt: skip


def pairs(row: dict[str, Any]) -> list[dict[str, Any]]:
    return [
        *({"field": name, "value": value} for name, value in row.items()),
        {"field": "@ptr", "value": "Cm"},
    ]


SHAPES: dict[str, Callable[[], str]] = {
    "an answer": lambda: json.dumps({"events": EVENTS, "searchedLogStreams": []}, indent=4),
    "one object a line": lambda: "\n".join(map(json.dumps, EVENTS)),
    "objects with indents": lambda: "\n".join(json.dumps(event, indent=2) for event in EVENTS),
    "records of a subscription": lambda: "".join(map(json.dumps, records())),
    "records on lines": lambda: "\n".join(map(json.dumps, records())),
    "a list of records": lambda: json.dumps(records()),
    "messages of a query": lambda: json.dumps([messages(event) for event in EVENTS]),
    "messages of a query on lines": lambda: "\n".join(json.dumps(messages(event)) for event in EVENTS),
    "messages of get-query-results": lambda: json.dumps(
        {"status": "Complete", "results": [pairs(messages(event)) for event in EVENTS]}
    ),
    "messages of a query as CSV": lambda: table(
        ["@timestamp", "@message", "@logStream"],
        [[insights_time(event), event["message"], event["logStreamName"]] for event in EVENTS],
    ),
    "the console's CSV": lambda: table(
        ["timestamp", "message"], [[event["timestamp"], event["message"]] for event in EVENTS]
    ),
    "aws logs tail": lambda: "".join(
        f"{iso(event, 'microseconds')} {event['logStreamName']} {event['message']}" for event in EVENTS
    ),
    "an export to S3": lambda: "".join(
        f"{iso(event).removesuffix('+00:00')}Z {event['message']}" for event in EVENTS
    ),
    "separators lost": lambda: json.dumps(
        [event | {"message": event["message"].replace("\t", "").replace(" Version", "Version")} for event in EVENTS]
    ),
    "X-Ray glued on": lambda: json.dumps(
        [event | {"message": event["message"].replace("40 MB", "40 MBXRAY TraceId: 1-5e\tSampled: true")}
         for event in EVENTS]
    ),
}  # fmt: skip
GROUPED = ("records of a subscription", "records on lines", "a list of records", "messages of a query",
           "messages of a query on lines", "messages of get-query-results")  # fmt: skip
STREAMLESS = ("the console's CSV", "an export to S3")


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("shape", SHAPES)
def test_a_real_log_reads_alike_in_every_shape(shape: str, packed: bool, tmp_path: Path) -> None:
    text = SHAPES[shape]().encode()
    path = tmp_path / "export.txt"
    path.write_bytes(gzip.compress(text) if packed else text)
    assert trace_format(path, TrafficSpec(trace="export.txt")) is TraceFormat.REPORT_LOGS
    expected, found = read_report_logs(REAL).frame(), read_report_logs(path).frame()
    assert found[COLUMNS].equals(expected[COLUMNS])
    assert found["function"].unique().tolist() == ["resize" if shape in GROUPED else "export"]
    if shape in STREAMLESS:
        assert found["exec_env"].isna().all()
    else:
        assert found["exec_env"].equals(expected["exec_env"])


def test_gzip_members_one_after_another_are_one_log(tmp_path: Path) -> None:
    path = tmp_path / "firehose.gz"
    path.write_bytes(b"".join(gzip.compress(json.dumps(record).encode()) for record in records()))
    assert len(read_report_logs(path).frame()) == 240


def test_log_groups_keep_functions_apart(tmp_path: Path) -> None:
    path = tmp_path / "both.json"
    both = [subscription(EVENTS[:300]), subscription(EVENTS[300:], "/aws/lambda/thumbs")]
    path.write_text("".join(map(json.dumps, both)))
    trace = read_report_logs(path)
    assert trace.functions() == ("resize", "thumbs")
    assert len(trace.select("resize").frame()) + len(trace.select("thumbs").frame()) == 240


@pytest.mark.parametrize(
    ("separator", "where"), [("\n", "row 2"), ("", "row 1")], ids=["on lines", "without lines"]
)
def test_a_record_cut_in_half_costs_itself_alone(separator: str, where: str, tmp_path: Path) -> None:
    path = tmp_path / "cut.json"
    good = [json.dumps(record) for record in records()]
    path.write_text(separator.join([good[0], good[1][:-400], *good[2:]]))
    with pytest.raises(TraceError, match=f"{where}: must be whole JSON objects"):
        read_report_logs(path)
    trace = read_report_logs(path, on_bad_row=BadRows.SKIP)
    kept = sum(event["message"].startswith("REPORT") for event in EVENTS[50:])
    assert (trace.report().rows, trace.report().skipped) == (kept, 1)


def test_a_fault_inside_a_record_is_placed(tmp_path: Path) -> None:
    path = tmp_path / "bad.json"
    record = subscription(EVENTS[:3])
    record["logEvents"][2]["message"] = record["logEvents"][2]["message"].replace("154.85", "154,85")
    path.write_text(json.dumps(record) + json.dumps(subscription(EVENTS[3:])))
    with pytest.raises(
        TraceError, match=r"record 1, event 3: Duration: must be a number of ms, got '154,85 ms'"
    ):
        read_report_logs(path)
    assert read_report_logs(path, on_bad_row="skip").report().skipped == 1  # type: ignore[arg-type]


def test_a_table_with_a_broken_row_names_it(tmp_path: Path) -> None:
    path = tmp_path / "console.csv"
    rows = [[event["timestamp"], event["message"].rstrip()] for event in EVENTS]
    path.write_text(table(["timestamp", "message"], [*rows[:3], ["x", "REPORT"], [1], *rows[3:]]))
    with pytest.raises(TraceError, match=r"row 5: @timestamp: must be an ISO 8601 time"):
        read_report_logs(path)
    report = read_report_logs(path, on_bad_row=BadRows.SKIP).report()
    assert (report.rows, [str(fault) for fault in report.faults][1]) == (
        240,
        f"{path}, row 6: must have 2 fields like the header, has 1",
    )


def test_objects_of_an_application_between_are_no_events(tmp_path: Path) -> None:
    line = {
        "timestamp": "2025-05-12T20:26:22.300Z",
        "level": "INFO",
        "message": "REPORT RequestId: is my own",
    }
    report = {"time": "2025-05-12T20:26:22.414Z", "type": "platform.report", "record": {
        "requestId": "r", "status": "success",
        "metrics": {"durationMs": 154.9, "billedDurationMs": 155, "memorySizeMB": 1769}}}  # fmt: skip
    (tmp_path / "slurped.json").write_text(json.dumps([line, report, line]))
    (tmp_path / "lines.json").write_text("\n".join(map(json.dumps, [line | {"message": "hi"}, report])))
    for name in ("slurped.json", "lines.json"):
        assert read_report_logs(tmp_path / name).frame()["duration_ms"].tolist() == [154.9]


def test_pretty_objects_of_aws_logs_tail_are_known(tmp_path: Path) -> None:
    report = {"time": "2025-05-12T20:26:22.414Z", "type": "platform.report", "record": {
        "requestId": "r", "metrics": {"durationMs": 154.9, "billedDurationMs": 155, "memorySizeMB": 1769}}}  # fmt: skip
    path = tmp_path / "tail.log"
    path.write_text(
        f"2025-05-12T20:26:22.414000+00:00 2025/05/12/[$LATEST]ab \n{json.dumps(report, indent=4)}\n"
    )
    assert trace_format(path, TrafficSpec(trace="tail.log")) is TraceFormat.REPORT_LOGS
    assert read_report_logs(path).frame()["memory_mb"].tolist() == [1769]


def test_platform_objects_in_a_table_are_known(tmp_path: Path) -> None:
    report = {"time": "2025-05-12T20:26:22.414Z", "type": "platform.report", "record": {
        "requestId": "r", "metrics": {"durationMs": 154.9, "billedDurationMs": 155, "memorySizeMB": 1769}}}  # fmt: skip
    for names in (["@timestamp", "@message"], ["timestamp", "message"]):
        path = tmp_path / "export.csv"
        path.write_text(table(names, [[1_747_081_582_414, json.dumps(report)]]))
        assert trace_format(path, TrafficSpec(trace="export.csv")) is TraceFormat.REPORT_LOGS
        assert read_report_logs(path).frame()["duration_ms"].tolist() == [154.9]


def test_times_taken_as_utc_are_told(tmp_path: Path) -> None:
    path = tmp_path / "short.log"
    path.write_text("".join(f"{iso(event, 'seconds')[:19]} {event['message']}" for event in EVENTS))
    trace = read_report_logs(path, naive="utc")
    assert any("taken as UTC" in text for text in trace.report().warnings)
    assert not read_report_logs(REAL, naive="utc").report().warnings


ROWS = [
    {"@timestamp": "2026-11-01 08:00:01.000", "@duration": "120.5", "@memorySize": "5.12E8", "@log": f"1:{GROUP}"},
    {"@timestamp": "2026-11-01 08:00:02.000", "@duration": 130, "@initDuration": 99.5, "@memorySize": 5.12e8,
     "@log": f"1:{GROUP}", "@ptr": "Cm"},
]  # fmt: skip


@pytest.mark.parametrize(
    "text",
    [json.dumps(ROWS), "\n".join(map(json.dumps, ROWS)), json.dumps({"results": ROWS}),
     json.dumps([pairs({name: str(value) for name, value in row.items() if name != "@ptr"}) for row in ROWS])],
    ids=["a list", "lines", "results", "pairs alone"],
)  # fmt: skip
def test_rows_of_a_query_read_alike_in_every_shape(text: str, tmp_path: Path) -> None:
    path = tmp_path / "q.json"
    path.write_text(text)
    assert trace_format(path, TrafficSpec(trace="q.json")) is TraceFormat.INSIGHTS
    found = read_insights(path).frame()
    assert found["duration_ms"].tolist() == [120.5, 130]
    assert found["init_ms"].fillna(-1).tolist() == [-1, 99.5]
    assert found["memory_mb"].tolist() == [512, 512]
    assert found["function"].tolist() == ["resize", "resize"]


def test_a_half_row_of_a_query_is_counted(tmp_path: Path) -> None:
    path = tmp_path / "q.json"
    good = json.dumps(ROWS[0])
    path.write_text("\n".join([good, good[:-30], good, json.dumps(ROWS[0] | {"@duration": [1]})]))
    with pytest.raises(TraceError, match="result 2: must be whole JSON objects"):
        read_insights(path).frame()
    report = read_insights(path, on_bad_row=BadRows.SKIP).report()
    assert (report.rows, report.skipped) == (2, 2)


@pytest.mark.parametrize(
    "read",
    [
        lambda path: read_report_logs(path, on_bad_row="maybe"),  # type: ignore[arg-type]
        lambda path: read_insights(path, on_bad_row="maybe"),  # type: ignore[arg-type]
        lambda path: read_metric_data(path, on_bad_row="maybe"),  # type: ignore[arg-type]
        lambda path: read_events_csv(path, on_bad_row="maybe"),  # type: ignore[arg-type]
        lambda path: read_counts_csv(path, on_bad_row="maybe"),  # type: ignore[arg-type]
        lambda path: read_azure_2021(path, on_bad_row="maybe"),  # type: ignore[arg-type]
    ],
    ids=["logs", "insights", "metrics", "events", "counts", "azure"],
)
def test_another_wish_for_bad_rows_names_those_that_are(
    read: Callable[[Path], Trace], tmp_path: Path
) -> None:
    path = tmp_path / "x.csv"
    path.write_text("app,func,end_timestamp,duration,timestamp,count\na,f,2,1,2026-11-01T00:00:00Z,1\n")
    with pytest.raises(InputError, match="on_bad_row: must be error or skip, got 'maybe'"):
        read(path)


NON_ASCII_DIGITS = ["١٠٠.5", "１００", "१००"]


@pytest.mark.parametrize("digits", NON_ASCII_DIGITS)
def test_digits_of_other_scripts_are_no_durations(digits: str, tmp_path: Path) -> None:
    line = f"2026-11-01T00:00:00Z REPORT RequestId: r\tDuration: {digits} ms\tBilled Duration: 1 ms\tMemory Size: 128 MB"
    (tmp_path / "l.log").write_text(line, encoding="utf-8")
    (tmp_path / "q.json").write_text(json.dumps([{**ROWS[0], "@duration": digits}]))
    (tmp_path / "q.csv").write_text(
        f"@timestamp,@duration\n2026-11-01 00:00:00.000,{digits}\n", encoding="utf-8"
    )
    with pytest.raises(TraceError, match="Duration: must be a number of ms"):
        read_report_logs(tmp_path / "l.log")
    for name in ("q.json", "q.csv"):
        with pytest.raises(TraceError, match="@duration: must be a number"):
            read_insights(tmp_path / name).frame()


@pytest.mark.parametrize("last", ["Init Duration: 340.74 ms", "Init Duration: 340.74 ms\tStatus: timeout"])
def test_a_line_cut_inside_a_field_is_counted_and_means_nothing_else(last: str, tmp_path: Path) -> None:
    head = "2025-05-12T10:00:00.000Z REPORT R"
    fixed = "Duration: 5.25 ms\tBilled Duration: 6 ms\tMemory Size: 512 MB\tMax Memory Used: 61 MB"
    whole = f"{head}equestId: a-1\t{fixed}\t{last}"
    path = tmp_path / "log.txt"
    first, after = whole.replace("a-1", "b-1"), whole.replace("a-1", "c-1")
    ends = {len(whole) - len(last) + len(part) for part in ("", "Init Duration: 340.74 ms")}
    between = {
        end for end in range(len(head), len(whole)) if whole[:end].endswith((" MB", "MB\t", " ms", "ms\t"))
    }
    for end in set(range(len(head), len(whole))) - ends - between:
        path.write_text(f"{first}\n{whole[:end]}\n{after}\n")
        trace = read_report_logs(path, on_bad_row=BadRows.SKIP)
        assert (trace.report().rows, trace.report().skipped) == (2, 1), whole[:end]


@pytest.mark.parametrize("bad_rows", list(BadRows))
def test_a_header_that_is_no_csv_is_one_error(tmp_path: Path, bad_rows: BadRows) -> None:
    path = tmp_path / "export.csv"
    path.write_text('"timestamp",""timestamp","message"\n"1793520000000","START RequestId: a Version: 1"\n')
    with pytest.raises(TraceError, match=r"export.csv.*(must be CSV|all 1 were skipped)"):
        read_report_logs(path, on_bad_row=bad_rows).summary()
