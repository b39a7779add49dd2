"""Reports as people have them: broken over lines, twice, as objects or sheets, with columns of other names."""

import io
import json
from pathlib import Path

import pytest

from lambdasim.calibration.data.reading import read_observations
from lambdasim.errors import TraceError
from lambdasim.traffic.readers.insights.reader import read_insights
from lambdasim.traffic.readers.logs.line_head import line_head
from lambdasim.traffic.readers.logs.reader import read_report_logs
from lambdasim.traffic.readers.moments import MomentRule

REQUEST = "00000000-1111-4111-8111-111111111111"
FIELDS = ["Duration: 40.25 ms", "Billed Duration: 341 ms", "Memory Size: 512 MB", "Max Memory Used: 90 MB",
          "Init Duration: 300.50 ms", "Status: timeout"]  # fmt: skip
AT = "2026-09-14T08:00:00.341Z"
ARRIVED_US = 1_789_372_800_000_250


@pytest.mark.parametrize("between", ["\n", "\r\n", " \n  ", "\\t", " \\n "])
def test_a_report_that_was_broken_over_lines_is_one(between: str, tmp_path: Path) -> None:
    path = tmp_path / "copied.log"
    path.write_bytes(between.join([f"{AT} REPORT RequestId: {REQUEST}", *FIELDS, "Duration: 7 ms"]).encode())
    [row] = read_report_logs(path).frame().to_dict("records")
    assert (row["timestamp_us"], row["duration_ms"], row["billed_ms"]) == (ARRIVED_US, 40.25, 341)
    assert (row["init_ms"], row["max_memory_mb"], row["status"]) == (300.5, 90, "timeout")


def test_an_event_that_was_delivered_twice_counts_once_and_a_retry_counts(tmp_path: Path) -> None:
    line = "\t".join([f"REPORT RequestId: {REQUEST}", *FIELDS])
    again = AT.replace("08:00", "08:02")
    path = tmp_path / "pages.log"
    path.write_text(f"{AT} {line}\n{again} {line}\n{AT} {line}\n")
    trace = read_report_logs(path)
    assert len(trace.frame()) == 2
    assert trace.report().warnings == (
        "1 report that repeats another of the same request and moment left out",
    )


@pytest.mark.parametrize(
    ("before", "above", "seconds"),
    [
        ("[03/Aug/2026:02:00:00 +0200] ", "", 0.0),
        ("Mon, 03 Aug 2026 00:00:00 GMT | ", "", 0.0),
        ("2026/08/03 00:00:00.250Z ", "", 0.25),
        ("2026-08-03 00:00:00,250 - INFO - ", "", 0.25),
        ("2026-08-03 02:00:00.250 +02:00 ", "", 0.25),
        ("1785715200.250 ", "", 0.25),
        ("1785715200250000000\t2030-01-01T00:00:00Z\t", "", 0.25),
        ("", "2026-08-03T00:00:00.250Z\n", 0.25),
        ("> ", "> 1785715200250\n", 0.25),
        ("order 1785715200250 is late ", "", 0.25),
        ("", "order 12 of 2026-08-03T00:00:00Z\n", None),
        ("x" * 700 + " 1785715200250 ", "", None),
        ("12:00:00 ", "", None),
    ],
)
def test_times_before_lambdas_words(before: str, above: str, seconds: float | None) -> None:
    found = line_head(before, above, MomentRule(naive="utc"))
    assert found.time_us == (None if seconds is None else 1_785_715_200_000_000 + round(seconds * 1e6))


def test_a_time_in_a_form_that_is_not_read_is_named(tmp_path: Path) -> None:
    path = tmp_path / "console.log"
    path.write_text("03/08/2026, 08:00:00 " + "\t".join([f"REPORT RequestId: {REQUEST}", *FIELDS]))
    trace = read_report_logs(path, timeless=True)
    assert len(trace.frame()) == 1
    assert any("'03/08/2026, 08:00:00' are not read" in text for text in trace.report().warnings)


@pytest.mark.parametrize(
    ("status", "outcome"), [("timeout", "timeout"), ("error", "error"), ("failure", "crash")]
)
def test_an_older_report_without_a_status_has_that_of_its_answer(
    status: str, outcome: str, tmp_path: Path
) -> None:
    metrics = {"durationMs": 40.25, "billedDurationMs": 41, "memorySizeMB": 512, "maxMemoryUsedMB": 90}
    done, report = ({"time": AT, "type": f"platform.{kind}"} for kind in ("runtimeDone", "report"))
    done["record"] = {"requestId": REQUEST, "status": status}  # type: ignore[assignment]
    report["record"] = {"requestId": REQUEST, "metrics": metrics}  # type: ignore[assignment]
    path = tmp_path / "logs_api.json"
    path.write_text(json.dumps([done, report]))
    assert read_report_logs(path).frame()["status"].tolist() == [outcome]


@pytest.mark.parametrize("name", ["@message", "message"])
def test_a_message_that_is_an_object_is_read(name: str, tmp_path: Path) -> None:
    metrics = {"durationMs": 40.25, "billedDurationMs": 41, "memorySizeMB": 512}
    said = {"time": AT, "type": "platform.report", "record": {"requestId": REQUEST, "metrics": metrics}}
    other = {"level": "INFO", "message": {"Duration": "7 ms"}}
    path = tmp_path / "console.json"
    path.write_text(json.dumps([{"@timestamp": AT, name: one} for one in (other, said)]))
    assert read_report_logs(path).frame()["duration_ms"].tolist() == [40.25]


ROW = {"@timestamp": "2026-09-14 08:00:00.341", "durationMs": 40.25, "billedDurationInMs": 341, "memorySetInMB": 512,
       "initDurationMs": 300.5, "coldStarts": 1}  # fmt: skip


def workbook(rows: list[list[object]]) -> bytes:
    openpyxl = pytest.importorskip("openpyxl")
    book, held = openpyxl.Workbook(), io.BytesIO()
    for row in rows:
        book.active.append(row)
    book.save(held)
    return held.getvalue()


def as_text(mark: str, point: str) -> bytes:
    values = [
        str(value).replace(".", point) if not isinstance(value, str) else value for value in ROW.values()
    ]
    return f"{mark.join(ROW)}\n{mark.join(values)}\n".encode()


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("q.csv", as_text(",", "."), {}),
        ("q.csv", as_text(";", ","), {"separator": "semicolon", "decimal": "comma"}),
        ("q.xlsx", None, {}),
    ],
)
def test_a_query_with_names_of_its_own_loses_no_column_in_silence(
    name: str, content: bytes | None, said: dict[str, object], tmp_path: Path
) -> None:
    path = tmp_path / name
    path.write_bytes(content or workbook([list(ROW), list(ROW.values())]))
    found = read_observations([path], said=said)
    assert found.runs.arrival_us.tolist() == [ARRIVED_US]
    assert (found.runs.billed_ms[0], found.runs.init_ms[0], found.runs.memory_mb[0]) == (341, 300.5, 512)
    assert any(
        "columns that are not read: 'coldStarts'" in note or "coldStarts" in note for note in found.notes
    )


def test_fields_of_a_query_over_json_logs_are_no_objects(tmp_path: Path) -> None:
    path = tmp_path / "fields.csv"
    names = ["@timestamp", "type", "record.metrics.durationMs", "record.metrics.memorySizeMB"]
    rows = [names, ["2026-09-14 08:00:00.341", "platform.report", "40.25", "512"]]
    path.write_text("".join(",".join(f'"{cell}"' for cell in row) + "\n" for row in rows))
    assert read_observations([path]).runs.duration_ms.tolist() == [40.25]


def test_log_events_in_a_workbook_are_read(tmp_path: Path) -> None:
    path = tmp_path / "logs-insights-results.xlsx"
    line = "\t".join([f"REPORT RequestId: {REQUEST}", *FIELDS])
    path.write_bytes(workbook([["@timestamp", "@message"], [AT[:-1].replace("T", " "), line]]))
    assert read_observations([path]).runs.arrival_us.tolist() == [ARRIVED_US]


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        ("{'events': [{'message': 'REPORT RequestId: 1'}]}", "is what Python prints of a dictionary"),
        ('{"awslogs": {"data": "H4sI' + "A" * 60 + '"}}', "data 1: must be base64 of whole gzip data"),
        ("bin(5m),count(*)\n2026-08-03 00:00:00.000,10\n", "the file holds counts, which are no single runs"),
    ],
)
def test_what_is_no_log_gets_one_clear_error(text: str, wrong: str, tmp_path: Path) -> None:
    path = tmp_path / "given.txt"
    path.write_text(text)
    with pytest.raises(TraceError, match=wrong):
        read_observations([path])


def test_a_query_that_is_read_alone_tells_columns_that_it_does_not_read(tmp_path: Path) -> None:
    path = tmp_path / "q.csv"
    path.write_bytes(as_text(",", "."))
    trace = read_insights(path)
    trace.frame()
    assert trace.report().warnings == ("columns that are not read: coldStarts",)


def of_function(name: str, k: int) -> tuple[str, str, str]:
    stream = f"2026/09/14/{name}[7]{k:032x}"
    fields = "\t".join(FIELDS[:4]).replace("341", "41")
    return AT.replace(":00.341", f":{k:02}.341"), stream, f"REPORT RequestId: {REQUEST[:-2]}{k:02}\t{fields}"


SHARED = [of_function("orders" if k % 2 else "billing", k) for k in range(6)]
INSIGHTS = "@timestamp,@duration,@memorySize,@log,@logStream\n" + "".join(
    f"{at[:-1].replace('T', ' ')},40.25,512000000,1:/shared/group,{stream}\n" for at, stream, _ in SHARED
)
EVENTS = json.dumps(
    {
        "events": [
            {"timestamp": 1_789_372_800_000, "logStreamName": s, "message": text} for _, s, text in SHARED
        ]
    }
)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("tail.log", "\n".join(" ".join(one) for one in SHARED)),
        ("events.json", EVENTS),
        ("insights.csv", INSIGHTS),
    ],
)
def test_functions_that_share_a_log_group_are_told_apart_by_their_streams(
    name: str, text: str, tmp_path: Path
) -> None:
    path = tmp_path / name
    path.write_text(text)
    with pytest.raises(TraceError, match="has 2 functions; choose one of billing, orders"):
        read_observations([path])
    assert len(read_observations([path], function="orders").runs) == 3


@pytest.mark.parametrize(
    ("kind", "told"),
    [
        ("provisioned-concurrency", "2 environments started for provisioned concurrency"),
        ("lambda-managed-instances", "2 environments started on managed instances"),
        ("on-demand", ""),
    ],
)
def test_environments_that_cost_more_than_their_runs_are_told(kind: str, told: str, tmp_path: Path) -> None:
    said = {"time": AT, "type": "platform.initStart", "record": {"initializationType": kind}}
    metrics = {"durationMs": 40.25, "billedDurationMs": 41, "memorySizeMB": 512}
    report = {"time": AT, "type": "platform.report", "record": {"requestId": REQUEST, "metrics": metrics}}
    path = tmp_path / "telemetry.json"
    path.write_text(json.dumps([said, said, report]))
    warnings = read_report_logs(path).report().warnings
    assert any(told in text for text in warnings) if told else not warnings


@pytest.mark.parametrize(("seconds", "is_warned"), [(5, False), (600, True)])
def test_an_environment_that_was_ready_long_before_its_first_run_is_told(
    seconds: int, is_warned: bool, tmp_path: Path
) -> None:
    stream = "2026/09/14/[7]0123456789abcdef0123456789abcdef"
    line = "\t".join([f"REPORT RequestId: {REQUEST}", *FIELDS[:4]]).replace("341", "41")
    begun = f"2026-09-14T08:{30 - -(-seconds // 60):02}:{-seconds % 60:02}.000Z"
    path = tmp_path / "ready.log"
    path.write_text(
        f"{begun} {stream} INIT_START Runtime Version: python:3.12.v30\n2026-09-14T08:30:00.041Z {stream} {line}\n"
    )
    warnings = read_report_logs(path).report().warnings
    assert any("1 environment started long before the first run" in text for text in warnings) is is_warned


def test_functions_that_start_in_a_log_whose_reports_name_none_are_named(tmp_path: Path) -> None:
    record = {
        "requestId": REQUEST,
        "metrics": {"durationMs": 40.25, "billedDurationMs": 41, "memorySizeMB": 512},
    }
    said = [
        {"time": AT, "type": "platform.initStart", "record": {"functionName": name}} for name in ("a", "b")
    ]
    path = tmp_path / "telemetry.json"
    path.write_text(json.dumps([*said, {"time": AT, "type": "platform.report", "record": record}]))
    warnings = read_report_logs(path).report().warnings
    assert any("environments of a and b start in it" in text for text in warnings)
