"""Lambda's lines inside what other systems export: the runs of a plain log come out of each, at the same times."""

import csv
import gzip
import io
import json
from base64 import b64encode
from collections.abc import Callable
from pathlib import Path

import pytest

from lambdasim.errors import TraceError
from lambdasim.specs.traffic import TraceFormat, TrafficSpec
from lambdasim.traffic.opening import trace_format
from lambdasim.traffic.readers.logs.reader import read_report_logs
from lambdasim.traffic.readers.logs.wrapped import messages_within, moment_us
from lambdasim.traffic.trace import BadRows

BEGAN_MS = 1_789_372_800_250
STREAM = "2026/09/14/[7]0123456789abcdef0123456789abcdef"
GROUP = "/aws/lambda/orders"
Events = list[tuple[int, str]]


def events() -> Events:
    """Three runs, the first cold, the second an exception of Python that REPORT does not tell."""
    lines = []
    for k in range(3):
        request, at = f"{k:08x}-1111-4111-8111-111111111111", BEGAN_MS + 60_000 * k
        init = "Init Duration: 300.50 ms\t" if not k else ""
        lines.append((at, f"START RequestId: {request} Version: 7\n"))
        if k == 1:
            lines.append(
                (at + 40, "[ERROR] KeyError: 'order'\nTraceback (most recent call last):\n  File x\n")
            )
        lines.append((at + 40, f"END RequestId: {request}\n"))
        report = f"REPORT RequestId: {request}\tDuration: 40.25 ms\tBilled Duration: {41 if k else 341} ms\t"
        lines.append((at + 40, f"{report}Memory Size: 512 MB\tMax Memory Used: 90 MB\t{init}\n"))
    return lines


def iso(at_ms: int) -> str:
    return f"2026-09-14T{at_ms % 86_400_000 // 3_600_000:02}:{at_ms % 3_600_000 // 60_000:02}:00.{at_ms % 1000:03}Z"


def of_lines(row: Callable[[int, str], object]) -> Callable[[Events], str]:
    return lambda events: "\n".join(json.dumps(row(at, text)) for at, text in events)


def of_list(
    row: Callable[[int, str], object], put: Callable[[list[object]], object]
) -> Callable[[Events], str]:
    return lambda events: json.dumps(put([row(at, text) for at, text in events]), indent=2)


def of_table(
    names: list[str], row: Callable[[int, str], list[object]], separator: str = ","
) -> Callable[[Events], str]:
    def written(events: Events) -> str:
        text = io.StringIO()
        writer = csv.writer(text, delimiter=separator)
        writer.writerows([names, *(row(at, line) for at, line in events)])
        return text.getvalue()

    return written


def yaml_answer(events: Events) -> str:
    rows = [
        f"- logStreamName: {json.dumps(STREAM)}\n  message: {json.dumps(text)}\n  timestamp: {at}\n"
        for at, text in events
    ]
    return "events:\n" + "".join(rows) + "searchedLogStreams: []\n"


def text_answer(events: Events) -> str:
    return "".join(f"EVENTS\t{'3' * 56}\t{at + 900}\t{STREAM}\t{text}\t{at}\n" for at, text in events)


def of_text(line: Callable[[int, str], str]) -> Callable[[Events], str]:
    return lambda events: "".join(f"{line(at, text.rstrip())}\n" for at, text in events)


def packed(events: Events) -> str:
    """Base64 of gzip, as a subscription hands a batch over."""
    batch = {
        "messageType": "DATA_MESSAGE", "logGroup": GROUP, "logStream": STREAM,
        "logEvents": [{"id": "1", "timestamp": at, "message": text} for at, text in events],
    }  # fmt: skip
    return b64encode(gzip.compress(json.dumps(batch).encode())).decode()


def of_parts(put: Callable[[list[str]], str]) -> Callable[[Events], str]:
    return lambda events: put([packed(events[:4]), packed(events[4:])])


SHAPES: dict[str, Callable[[Events], str]] = {
    "events of a subscription's function": of_parts(
        lambda parts: "\n".join(json.dumps({"awslogs": {"data": part}}) for part in parts)
    ),
    "records of Kinesis": of_parts(
        lambda parts: json.dumps({"Records": [{"kinesis": {"data": part}, "eventID": "1"} for part in parts]})
    ),
    "payloads on lines": of_parts("\n".join),
    "NRQL": of_list(
        lambda at, text: {"timestamp": at, "message": text, "aws.logStream": STREAM},
        lambda rows: {"results": [{"events": rows}], "metadata": {}},
    ),
    "PowerShell 5": lambda events: json.dumps(
        [
            {"IngestionTime": f"/Date({at + 900})/", "Message": text, "Timestamp": f"/Date({at})/"}
            for at, text in events
        ]
    ).replace("/", "\\/"),
    "a --query with names of its own": of_list(lambda at, text: {"t": at, "s": STREAM, "m": text}, list),
    "awslogs": of_text(lambda at, text: f"{GROUP} {STREAM} {iso(at)} {text}"),
    "cw": of_text(lambda at, text: f"{iso(at)} - {STREAM} - {text}"),
    "saw": of_text(lambda at, text: f"[{iso(at)[:-1]}+00:00] (89abcdef) {text}"),
    "logcli's lines": of_text(lambda at, text: f'{iso(at)} {{log_stream="{STREAM}"}} {text}'),
    "Grafana's text": of_text(lambda at, text: f"{at * 10**6}\t{iso(at)}\t{text}"),
    "a --query as text": of_text(lambda at, text: f"{STREAM}\t{at}\t{text}"),
    "a container's lines": of_text(lambda at, text: f"lambda-1  | {iso(at)} {text}"),
    "blanks of a page": of_text(lambda at, text: f"{iso(at)} {text}".replace(" ", "\xa0") + "\u200b"),
    "a quotation": of_text(lambda at, text: f"> {iso(at)} {text}"),
    "a time above each message": of_text(lambda at, text: f"{iso(at)}\n{text}"),
    "seconds with a fraction": of_text(lambda at, text: f"{at / 1000:.3f} {text}"),
    "days with slashes": of_text(
        lambda at, text: f"{iso(at)[:-1].replace('-', '/').replace('T', ' ')}Z {text}"
    ),
    "Athena's table": of_table(
        ["id", "ts", "logstream", "message"], lambda at, text: ["1", at, STREAM, text]
    ),
    "Sumo Logic's table": of_table(
        ["_messagetimems", "_messagetime", "_raw", "_sourcename"],
        lambda at, text: [at, "09/14/2026 10:00:00 +0000", text, STREAM],
    ),
    "a table with semicolons": of_table(["timestamp", "message"], lambda at, text: [at, text], ";"),
    "a table with tabs": of_table(["timestamp", "message"], lambda at, text: [iso(at), text], "\t"),
    "Datadog's API": of_list(
        lambda at, text: {
            "type": "log",
            "attributes": {
                "timestamp": iso(at),
                "message": text,
                "attributes": {"aws": {"logStream": STREAM}},
            },
        },
        lambda rows: {"data": rows, "meta": {"status": "done"}},
    ),
    "Splunk": of_lines(
        lambda at, text: {
            "preview": False,
            "result": {"_raw": text, "_time": iso(at), "source": f"eu-west-1:{GROUP}"},
        }
    ),
    "logcli": of_lines(lambda at, text: {"labels": {"stream": STREAM}, "line": text, "timestamp": iso(at)}),
    "Loki's API": of_list(
        lambda at, text: [str(at * 10**6), text],
        lambda rows: {
            "status": "success",
            "data": {"result": [{"stream": {"log_stream": STREAM}, "values": rows[::-1]}]},
        },
    ),
    "Elasticsearch": of_list(
        lambda at, text: {
            "_source": {
                "@timestamp": iso(at),
                "message": text,
                "event": {"original": text},
                "cloudwatch": {"log_stream": STREAM},
            }
        },
        lambda rows: {"took": 3, "hits": {"total": {"value": len(rows)}, "hits": rows}},
    ),
    "New Relic": of_list(
        lambda at, text: {"timestamp": at, "message": text, "aws.logStream": STREAM, "aws.logGroup": GROUP},
        list,
    ),
    "lines of a tail, in a list": of_list(lambda at, text: f"{iso(at)} {STREAM} {text}", list),
    "pairs of a --query": of_list(lambda at, text: [at, text], list),
    "YAML of the CLI": yaml_answer,
    "text of the CLI": text_answer,
    "Grafana's table": of_table(
        ["labels", "Time", "Line", "tsNs", "id"], lambda at, text: ["{}", at, text, at * 10**6, "x"]
    ),
    "Kibana's table": of_table(
        ["@timestamp", "message", "awscloudwatch.log_stream"],
        lambda at, text: [f"Sep 14, 2026 @ {iso(at)[11:23]}", text, STREAM],
    ),
    "New Relic's table": of_table(
        ["aws.logGroup", "message", "timestamp"], lambda at, text: [GROUP, text, at]
    ),
}


@pytest.mark.parametrize("shape", SHAPES)
def test_runs_come_out_of_each_export(tmp_path: Path, shape: str) -> None:
    path = tmp_path / "export.txt"
    path.write_text(SHAPES[shape](events()), encoding="utf-8")
    assert trace_format(path, TrafficSpec(trace="export.txt")) is TraceFormat.REPORT_LOGS
    found = read_report_logs(path).frame()
    assert found["duration_ms"].tolist() == [40.25] * 3
    assert found["status"].tolist() == ["success", "error", "success"]
    assert found["version"].tolist() == ["7"] * 3
    assert (found["timestamp_us"] / 1000).tolist() == [
        BEGAN_MS - 300.5,
        BEGAN_MS + 60_000,
        BEGAN_MS + 120_000,
    ]
    shown = path.read_text() + (STREAM + GROUP if "H4sI" in path.read_text() else "")
    if STREAM.rpartition("]")[2] in shown:
        assert set(found["exec_env"]) == {STREAM}
    if "/aws/lambda" in shown:
        assert set(found["function"]) == {"orders"}


def test_messages_without_times_are_runs_without_times(tmp_path: Path) -> None:
    path = tmp_path / "messages.json"
    path.write_text(json.dumps([text for _, text in events()], indent=1), encoding="utf-8")
    with pytest.raises(TraceError, match="no time of its own"):
        read_report_logs(path)
    found = read_report_logs(path, timeless=True).frame()
    assert found["duration_ms"].tolist() == [40.25] * 3


def test_times_of_kibana_are_said_to_be_taken_as_utc(tmp_path: Path) -> None:
    path = tmp_path / "kibana.csv"
    path.write_text(SHAPES["Kibana's table"](events()), encoding="utf-8")
    assert any("taken as UTC" in text for text in read_report_logs(path).report().warnings)


@pytest.mark.parametrize(
    ("text", "us"),
    [
        (1_767_225_600, 1_767_225_600 * 10**6),
        ("1767225600.25", 1_767_225_600_250_000),
        (1_767_225_600_000, 1_767_225_600 * 10**6),
        ("1767225600000000", 1_767_225_600 * 10**6),
        ("1767225600000000999", 1_767_225_600 * 10**6),
        ("2026-01-01 01:00:00.000+01:00", 1_767_225_600 * 10**6),
        ("2026-01-01 00:00:00.000 UTC", 1_767_225_600 * 10**6),
        ("Jan 1, 2026 @ 00:00:00", 1_767_225_600 * 10**6),
        ("Okt 1, 2026 @ 00:00:00", None),
        ("yesterday", None),
        ("17", None),
    ],
)
def test_times_are_known_by_their_form(text: str | float, us: int | None) -> None:
    assert moment_us(text) == us


def test_the_nearest_time_counts_and_a_text_that_stands_twice_counts_once() -> None:
    inner = {"time": 1_789_372_800_000, "a": "START RequestId: 1", "b": "START RequestId: 1\n"}
    found = list(
        messages_within({"timestamp": "2020-01-01T00:00:00Z", "data": [inner], "note": "nothing of Lambda"})
    )
    assert [(one.message, one.time_us) for one in found] == [("START RequestId: 1", 1_789_372_800_000_000)]


@pytest.mark.parametrize("shape", ["Splunk", "Datadog's API", "Kibana's table"])
def test_a_date_that_is_none_is_an_error_and_no_log_without_times(tmp_path: Path, shape: str) -> None:
    path = tmp_path / "export.txt"
    path.write_text(SHAPES[shape](events()).replace("2026-09-14", "2026-19-14").replace("Sep 14", "Okt 14"))
    with pytest.raises(TraceError, match=r"must be an ISO 8601 time .* got '(2026-19-14|Okt 14)"):
        read_report_logs(path, timeless=True)


def test_an_export_whose_first_line_is_cut_is_read_without_it(tmp_path: Path) -> None:
    path = tmp_path / "cut.json"
    path.write_text(SHAPES["logcli"](events())[30:], encoding="utf-8")
    with pytest.raises(TraceError, match="row 1: must be whole JSON objects"):
        read_report_logs(path)
    assert len(read_report_logs(path, on_bad_row=BadRows.SKIP).frame()) == 3
