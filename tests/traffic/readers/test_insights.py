"""Logs Insights: what the console exports and what GetQueryResults answers."""

import csv
import gzip
import json
from math import ceil
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lambdasim.errors import TraceError
from lambdasim.traffic.readers import read_insights, read_report_logs
from lambdasim.traffic.readers.dates import Dates
from lambdasim.traffic.readers.dialect import Dialect
from lambdasim.traffic.trace import BadRows, TraceKind
from lambdasim.units import from_epoch_us

LOGS = Path(__file__).parents[3] / "data" / "report_logs"
NAMES = ["@timestamp", "@requestId", "@duration", "@billedDuration", "@initDuration", "@memorySize",
         "@maxMemoryUsed", "@log", "@logStream"]  # fmt: skip
WARM = [
    "2025-05-12 20:42:17.359",
    "r1",
    "154.85",
    "155.0",
    "",
    "1.769E9",
    "40000000",
    "123456789012:/aws/lambda/pay",
    "s1",
]
COLD = ["2025-05-12 20:42:17.400", "r2", "100.0", "300", "199.5", "1769000000", "40", "/aws/lambda/pay", "s2"]
WARM_US = 1_747_082_537_359_000


def export(path: Path, rows: list[list[str]], names: list[str] = NAMES) -> Path:
    with path.open("w", newline="") as stream:
        csv.writer(stream).writerows([names, *rows])
    return path


def answer(path: Path, rows: list[list[str]], names: list[str] = NAMES, **more: Any) -> Path:
    results = [
        [{"field": n, "value": v} for n, v in zip(names, row, strict=True) if v]
        + [{"field": "@ptr", "value": "Cm"}]
        for row in rows
    ]
    path.write_text(json.dumps({"results": results, "status": "Complete"} | more))
    return path


@pytest.mark.parametrize("write", [export, answer])
def test_a_report_arrives_at_its_end_less_what_it_took(write: Any, tmp_path: Path) -> None:
    trace = read_insights(write(tmp_path / "q.txt", [WARM, COLD]))
    table = trace.frame()
    assert (trace.kind, trace.source.format) == (TraceKind.EVENTS, "insights")
    assert table["request_id"].tolist() == ["r2", "r1"]
    assert table["timestamp_us"].tolist() == [WARM_US + 41_000 - 299_500, WARM_US - 154_850]
    assert table["init_ms"].fillna(-1).tolist() == [199.5, -1]
    assert table["billed_ms"].tolist() == [300, 155]
    assert table["memory_mb"].tolist() == [1769, 1769]
    assert table["max_memory_mb"].tolist() == [40, 40]
    assert table["exec_env"].tolist() == ["s2", "s1"]
    assert trace.functions() == ("pay",)
    assert trace.columns == tuple(table.columns)


def test_real_reports_read_alike_as_log_and_as_insights(tmp_path: Path) -> None:
    log = read_report_logs(LOGS / "aws_15rps_cloudwatch.json").frame()
    events = json.loads((LOGS / "aws_15rps_cloudwatch.json").read_text())
    written_ms = {
        event["message"].split()[2]: event["timestamp"]
        for event in events
        if event["message"].startswith("REPORT")
    }
    rows = [
        [
            from_epoch_us(written_ms[row.request_id] * 1000).strftime("%Y-%m-%d %H:%M:%S.%f")[:-3],
            row.request_id, str(row.duration_ms), str(row.billed_ms),
            "" if row.init_ms != row.init_ms else str(row.init_ms),
            str(row.memory_mb * 10**6), str(row.max_memory_mb * 10**6), "1:/aws/lambda/f", row.exec_env,
        ]
        for row in log.itertuples()
    ]  # fmt: skip
    for trace in (
        read_insights(export(tmp_path / "q.csv", rows[::-1])),
        read_insights(answer(tmp_path / "q.json", rows)),
    ):
        table = trace.frame()
        both = table.merge(log, on="request_id", suffixes=("", "_log"))
        assert len(both) == len(log) == 1799
        for name in ("duration_ms", "billed_ms", "memory_mb", "max_memory_mb", "exec_env"):
            assert both[name].equals(both[f"{name}_log"])
        # The log knows the START; the end less the duration is the same to a few ms.
        assert (both["timestamp_us"] - both["timestamp_us_log"]).abs().max() < 10_000


@pytest.mark.parametrize(
    ("group", "name"),
    [
        ("/aws/lambda/pay", "pay"),
        ("1:/aws/lambda/pay", "pay"),
        ("1:custom", "custom"),
        ("=cmd|calc", "=cmd|calc"),
    ],
)
def test_a_log_group_names_the_function(group: str, name: str, tmp_path: Path) -> None:
    row = [*WARM[:7], group, "s"]
    for path in (export(tmp_path / "q.csv", [row, row]), answer(tmp_path / "q.json", [row])):
        assert read_insights(path).functions() == (name,)


@pytest.mark.parametrize(
    ("dates", "moment"),
    [
        (Dates.GERMAN, "03.08.2026 06:00:05"),
        (Dates.US, "8/3/2026 6:00:05 AM"),
        (Dates.ISO, "2026-08-03 06:00:05.000"),
    ],
)
def test_a_result_that_a_spreadsheet_wrote_has_its_days_as_said(
    dates: Dates, moment: str, tmp_path: Path
) -> None:
    path = tmp_path / "export.csv"
    path.write_text(f"@timestamp,@duration,@memorySize\n{moment},40.5,512000000\n", encoding="utf-8")
    found = read_insights(path, dialect=Dialect(dates=dates)).frame()
    ended = from_epoch_us(int(found["timestamp_us"][0]) + 40_500)
    assert ended.isoformat() == "2026-08-03T06:00:05+00:00"


def test_without_a_log_group_the_file_or_the_caller_names_it(tmp_path: Path) -> None:
    for write in (export, answer):
        path = write(tmp_path / "checkout.x", [WARM[:3]], NAMES[:3])
        assert read_insights(path).functions() == ("checkout",)
        assert read_insights(path, function="f").functions() == ("f",)
        assert read_insights(path).columns == ("timestamp_us", "function", "duration_ms", "request_id")


def test_renamed_fields_are_found_when_said(tmp_path: Path) -> None:
    for write in (export, answer):
        path = write(tmp_path / "q.x", [WARM[:3]], ["when", "@requestId", "ms"])
        table = read_insights(path, columns={"timestamp_us": "when", "duration_ms": "ms"}).frame()
        assert table["timestamp_us"].tolist() == [WARM_US - 154_850]
        with pytest.raises(
            TraceError, match="timestamp_us: the header must name a column as one of @timestamp"
        ):
            read_insights(path).frame()


@pytest.mark.parametrize("write", [export, answer])
@pytest.mark.parametrize(
    ("rows", "limit", "cut"), [(1_000, None, True), (999, None, False), (50, 50, True), (50, 51, False)]
)
def test_a_result_cut_at_its_limit_is_told(
    write: Any, rows: int, limit: int | None, cut: bool, tmp_path: Path
) -> None:
    trace = read_insights(write(tmp_path / "q", [WARM] * rows), limit=limit)
    assert (f"exactly {rows:,} rows: the query was probably cut there" in str(trace.report())) is cut


def test_ten_thousand_rows_are_suspicious_even_with_bad_ones(tmp_path: Path) -> None:
    path = export(tmp_path / "q.csv", [WARM] * 9_999 + [["noon", *WARM[1:]]])
    report = read_insights(path, on_bad_row=BadRows.SKIP).report()
    assert (report.rows, report.skipped) == (9_999, 1)
    assert report.warnings[0].startswith("exactly 10,000 rows")


def test_more_matches_than_results_are_told(tmp_path: Path) -> None:
    path = answer(tmp_path / "q.json", [WARM], statistics={"recordsMatched": 12.0, "bytesScanned": 3.0})
    assert read_insights(path).report().warnings == (
        "12 log events matched the query, and 1 are in the file",
    )
    path = answer(tmp_path / "q.json", [WARM], statistics={"recordsMatched": 1.0})
    assert read_insights(path).report().warnings == ()


@pytest.mark.parametrize(
    ("place", "value", "allowed"),
    [
        (0, "noon", "must be an ISO 8601 time"),
        (2, "", "must not be empty"),
        (2, "-1", "must be from 0"),
        (2, "NaN", "must be a number"),
        (2, "1e400", "must be from 0"),
        (3, "1.5", "must be a whole number"),
        (5, "-128", "must be a whole number"),
        (7, "/aws/lambda/", "must be a log group"),
    ],
)
def test_a_bad_row_is_named(place: int, value: str, allowed: str, tmp_path: Path) -> None:
    bad = [*WARM[:place], value, *WARM[place + 1 :]]
    for path, where in (
        (export(tmp_path / "q.csv", [WARM, bad]), "row 3"),
        (answer(tmp_path / "q.json", [WARM, bad]), "result 2"),
    ):
        with pytest.raises(TraceError) as caught:
            read_insights(path).frame()
        fault = caught.value.faults[0]
        assert (fault.where, fault.field) == (f"{path}, {where}", NAMES[place])
        assert allowed in fault.message
        trace = read_insights(path, on_bad_row=BadRows.SKIP)
        assert (trace.report().rows, trace.report().faults) == (1, (fault,))


PAIR = {"field": "@duration", "value": "1"}
HOSTILE = {
    "running": ('{"status": "Running", "results": []}', "status: must be Complete, got 'Running'"),
    "failed": ('{"status": "Failed", "results": [[]]}', "status: must be Complete, got 'Failed'"),
    "nothing": ('{"status": "Complete", "results": []}', "there is no result"),
    "no results": ('{"status": "Complete"}', "must be an object with a list of results"),
    "a list": ("[]", "must be an object with a list of results"),
    "no list": ('{"results": [{"a": 1}, [{"field": "@timestamp", "value": "x"}]]}', "duration_ms: the header must"),
    "twice": (json.dumps({"results": [[PAIR, PAIR]]}), "timestamp_us: the header must name"),
    "a number as value": ('{"results": [[{"field": "@duration", "value": 1}]]}', "timestamp_us: the header must"),
    "nan": ('{"results": NaN}', "must be JSON with finite numbers: got NaN"),
    "infinite": ('{"results": 1e400}', "must be JSON with finite numbers: got 1e400"),
    "cut": ('{"results": [[', "must be JSON: Expecting value, column 15"),
    "deep": ('{"results": ' + "[" * 100_000, "is nested too deep"),
    "a huge integer": ('{"results": ' + "9" * 5_000 + "}", "must be JSON with finite numbers"),
}  # fmt: skip


@pytest.mark.parametrize("name", HOSTILE)
def test_what_is_no_answer_gets_one_clear_error(name: str, tmp_path: Path) -> None:
    text, expected = HOSTILE[name]
    (tmp_path / "q.json").write_text(text)
    with pytest.raises(TraceError) as caught:
        read_insights(tmp_path / "q.json").frame()
    assert expected in str(caught.value)


@pytest.mark.parametrize(
    ("result", "allowed"),
    [
        (3, "must be a list of fields"),
        ([3], "must have objects with a field and a value"),
        ([PAIR, PAIR], "must have each field once, has '@duration' twice"),
        ([{"field": "@duration", "value": None}], "must have objects with a field and a value"),
    ],
)
def test_a_malformed_result_is_a_bad_row(result: object, allowed: str, tmp_path: Path) -> None:
    path = answer(tmp_path / "q.json", [WARM])
    content = json.loads(path.read_text())
    path.write_text(json.dumps(content | {"results": [*content["results"], result]}))
    with pytest.raises(TraceError, match=allowed) as caught:
        read_insights(path).frame()
    assert caught.value.faults[0].where == f"{path}, result 2"
    assert read_insights(path, on_bad_row=BadRows.SKIP).report().skipped == 1


def test_an_export_may_be_packed_quoted_and_in_any_order(tmp_path: Path) -> None:
    order = [8, 3, 0, 7, 1, 2, 6, 5, 4]
    rows = [[row[i] for i in order] for row in (WARM, COLD)]
    text = "\r\n".join(",".join(f'"{cell}"' for cell in row) for row in [[NAMES[i] for i in order], *rows])
    path = tmp_path / "q.csv.gz"
    path.write_bytes(gzip.compress(b"\xef\xbb\xbf" + text.encode()))
    plain = read_insights(export(tmp_path / "q.csv", [WARM, COLD])).frame()
    assert read_insights(path).frame().equals(plain)


MS = st.integers(0, 9 * 10**7).map(lambda n: n / 100)
ROW = st.tuples(
    st.integers(10**12, 4 * 10**12), MS, st.none() | MS, st.none() | st.integers(0, 10**5), st.integers(128, 10_240),
    st.sampled_from(["f", "gé", "=h"]),
)  # fmt: skip


@settings(max_examples=80, deadline=None)
@given(st.lists(ROW, min_size=1, max_size=30), st.sampled_from([export, answer]))
def test_any_reports_survive(
    tmp_path_factory: pytest.TempPathFactory, reports: list[Any], write: Any
) -> None:
    reports = [
        (ms, took, init, None if more is None else ceil(took) + more, mb, name)
        for ms, took, init, more, mb, name in reports
    ]
    rows = [
        [from_epoch_us(ms * 1000).strftime("%Y-%m-%d %H:%M:%S.%f")[:-3], str(i), repr(took), *("" if x is None else str(x)
         for x in (billed, init)), str(mb * 10**6), "", f"/aws/lambda/{name}", ""]
        for i, (ms, took, init, billed, mb, name) in enumerate(reports)
    ]  # fmt: skip
    table = read_insights(write(tmp_path_factory.mktemp("q") / "q", rows)).frame()
    assert table["timestamp_us"].is_monotonic_increasing
    got = table.set_index(table["request_id"].astype(int)).sort_index()
    for i, (ms, took, init, billed, mb, name) in enumerate(reports):
        row = got.loc[i]
        assert row["timestamp_us"] == ms * 1000 - round((took + (init or 0)) * 1000)
        assert (row["duration_ms"], row["memory_mb"], row["function"]) == (took, mb, name)
        if "init_ms" in got:
            assert row["init_ms"] == init or (init is None and row["init_ms"] != row["init_ms"])
        if "billed_ms" in got and billed is not None:
            assert row["billed_ms"] == billed
