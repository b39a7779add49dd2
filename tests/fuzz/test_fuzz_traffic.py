"""Every reader of traffic, fed with spoilt files: it returns good chunks or raises our errors."""

import json
from collections.abc import Callable
from datetime import datetime
from io import BytesIO
from pathlib import Path

import numpy as np
import openpyxl
import pytest
from fuzzing import Target, fuzz, repacked, spoilt
from hypothesis import strategies as st

from lambdasim.specs.traffic import (
    Dates,
    DecimalMark,
    OnBadRow,
    Separator,
    Thousands,
    TimestampUnit,
    TraceFormat,
    TrafficSpec,
)
from lambdasim.traffic.opening import open_trace
from lambdasim.traffic.readers import (
    read_azure_2019,
    read_azure_2019_durations,
    read_azure_2019_memory,
    read_azure_2021,
    read_counts_csv,
    read_events_csv,
    read_insights,
    read_metric_data,
    read_report_logs,
)
from lambdasim.traffic.trace import DTYPES, Trace, TraceKind

pytestmark = pytest.mark.fuzz

DATA = Path(__file__).parents[2] / "data"
TRAFFIC = DATA / "traffic"


def head(path: Path, lines: int = 12) -> bytes:
    return b"\n".join(path.read_bytes().splitlines()[:lines]) + b"\n"


def events(name: str, number: int = 9) -> list[dict[str, object]]:
    found: list[dict[str, object]] = json.loads((DATA / "report_logs" / name).read_text())
    return found[:number]


LOG_EVENTS = events("aws_2rps_cloudwatch.json")
MESSAGES = [str(event["message"]).rstrip("\n") for event in LOG_EVENTS]
LOG_SEEDS = [
    json.dumps(LOG_EVENTS).encode(),
    json.dumps({"events": LOG_EVENTS}).encode(),
    "\n".join(json.dumps(event) for event in LOG_EVENTS).encode(),
    "".join(f"2026-11-01T00:00:0{n}.123Z {message}\n" for n, message in enumerate(MESSAGES)).encode(),
    b'{"time":"2026-11-01T00:00:00.123Z","type":"platform.report","record":{"requestId":"r","status":"success","metrics":'
    b'{"durationMs":12.5,"billedDurationMs":13,"memorySizeMB":128,"maxMemoryUsedMB":64,"initDurationMs":110.5}}}\n',
    b'"timestamp","message"\n' + b"".join(
        f'"179352000000{n}","{message}"\n'.encode() for n, message in enumerate(MESSAGES)
    ),
]  # fmt: skip
COUNT_SEEDS = [
    b"Date,Sum of Invocations\n2026-11-02,7\n2026-11-03,8\nGrand Total,15\n",
    b'time,function,count\n2026-11-02T00:00:00Z,a,7\n2026-11-02T00:05:00Z,"b,c",94.0\n2026-11-02T00:10:00.5+01:00,a,0\n',
    head(TRAFFIC / "elb_request_count.csv").replace(b" ", b"T").replace(b":00,", b":00Z,"),
]
EVENT_SEEDS = [
    b"time,duration_ms,init_ms,memory_mb,status,request_id\n2026-11-02T00:00:00Z,7.5,,128,success,r1\n"
    b"2026-11-02T00:00:01.25Z,8,110,128,,r2\n",
    b"timestamp,function\n2026-11-02T00:00:00Z,caf\xc3\xa9\n",
]
INSIGHT_SEEDS = [
    b"@timestamp,@requestId,@duration,@initDuration,@memorySize,@log\n"
    b"2026-11-01 08:00:01.000,a,120.5,230.1,512000000,1:/aws/lambda/f\n"
    b"2026-11-01 08:00:02.000,b,1,,512000000,1:/aws/lambda/f\n",
    json.dumps({"status": "Complete", "statistics": {}, "results": [[
        {"field": "@timestamp", "value": "2026-11-01 08:00:01.000"}, {"field": "@duration", "value": "120.5"},
        {"field": "@ptr", "value": "x"}]]}).encode(),
]  # fmt: skip
METRIC_SEEDS = [
    json.dumps({"MetricDataResults": [{"Id": "m1", "Label": "Invocations", "StatusCode": "Complete", "Values": [4, 7],
                "Timestamps": ["2026-11-01T08:01:00Z", "2026-11-01T08:00:00Z"]}], "Messages": []}).encode(),
    json.dumps({"Label": "Invocations", "Datapoints": [{"Timestamp": "2026-11-01T08:01:00Z", "Sum": 4.0, "Unit": "Count"},
                {"Timestamp": "2026-11-01T08:00:00Z", "Sum": 7.0, "Unit": "Count"}]}).encode(),
]  # fmt: skip
INVOCATIONS_2019 = (TRAFFIC / "azure_2019_layout_invocations.csv").read_bytes()


def workbook_seed() -> bytes:
    book = openpyxl.Workbook()
    assert book.active is not None
    book.active.append(["Date", "Requests", "note"])
    book.active.append([datetime(2026, 11, 2), 1234, "=1+1"])  # noqa: DTZ001 - a workbook knows no zones
    book.active.append([46329.5, 56.0, "1,5"])
    written = BytesIO()
    book.save(written)
    sheet = "xl/worksheets/sheet1.xml"
    return repacked(
        written.getvalue(),
        sheet,
        lambda text: text.replace(b"<v />", b"<v>2</v>").replace(b"<v/>", b"<v>2</v>"),
    )


BOOK = workbook_seed()


def read_wholly(trace: Trace) -> None:
    """Read a trace twice, and hold it against what a trace promises."""
    total, last_us = 0, 0
    for chunk in trace.chunks():
        at_us = chunk["timestamp_us"].to_numpy()
        assert len(chunk)
        assert at_us.dtype == np.int64
        assert last_us <= at_us[0]
        assert np.all(at_us[1:] >= at_us[:-1])
        last_us = int(at_us[-1])
        assert tuple(chunk.columns) == trace.columns
        assert {str(chunk[name].dtype) for name in ("timestamp_us", "count") if name in chunk} == {"int64"}
        assert str(chunk["function"].dtype) == DTYPES["function"]
        if trace.kind is TraceKind.COUNTS:
            assert chunk["count"].min() >= 0
        else:
            for name in ("duration_ms", "init_ms", "billed_ms", "memory_mb"):
                assert name not in chunk or not (chunk[name].dropna() < 0).any()
        total += int(chunk["count"].sum()) if trace.kind is TraceKind.COUNTS else len(chunk)
    assert trace.summary().invocations == total
    assert len(str(trace.report())) < 20_000
    assert str(trace.report()).replace("\n", "").isprintable()


def reading(read: Callable[..., Trace], **given: object) -> Callable[[Path, object], object]:
    """Make a reader that skips bad rows where that is drawn."""

    def wholly(path: Path, options: object) -> None:
        rows = OnBadRow.SKIP if options else OnBadRow.ERROR
        read_wholly(read(path, on_bad_row=rows, **given))

    return wholly


def as_said(path: Path, options: object) -> None:
    """Open as a scenario does, with whatever may be said of a trace."""
    said = options if isinstance(options, dict) else {"utc": True}
    read_wholly(open_trace(path.parent, "f", TrafficSpec(trace=path.name, **said)))


def workbook_as_said(path: Path, options: object) -> None:
    """Spoil a part of a workbook, rather than its bytes, where that is drawn."""
    said: dict[str, object] = {"utc": True, "dates": Dates.EXCEL}
    if isinstance(options, tuple):
        part, content, drawn = options
        said |= drawn
        path.write_bytes(repacked(BOOK, part, lambda _: content))
    read_wholly(open_trace(path.parent, "f", TrafficSpec(trace=path.name, **said)))  # type: ignore[arg-type]


def part_of_workbook() -> st.SearchStrategy[object]:
    from zipfile import ZipFile

    with ZipFile(BytesIO(BOOK)) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}

    def changed(name: str) -> st.SearchStrategy[object]:
        return st.tuples(st.just(name), spoilt([parts[name]]), SAID)

    return st.none() | st.sampled_from(sorted(parts)).flatmap(changed)


COLUMNS = st.none() | st.sampled_from(["count", "time", "Date", "function", "Requests", "nothing", "cost"])
SAID = st.fixed_dictionaries(
    {},
    optional={
        "separator": st.sampled_from(Separator),
        "decimal": st.just(DecimalMark.COMMA),
        "thousands": st.sampled_from([Thousands.POINT, Thousands.SPACE, Thousands.APOSTROPHE]),
        "dates": st.sampled_from(Dates),
        "utc": st.just(True),
        "timestamp_unit": st.sampled_from(TimestampUnit),
        "on_bad_row": st.sampled_from(OnBadRow),
        "count_column": COLUMNS,
        "timestamp_column": COLUMNS,
        "function_column": COLUMNS,
        "interval_us": st.sampled_from([1, 60_000_000, 366 * 86_400_000_000]),
        "format": st.sampled_from(TraceFormat),
        "select": st.just("a"),
    },
)
EITHER: st.SearchStrategy[object] = st.booleans()
TARGETS = [
    Target("counts_csv", reading(read_counts_csv, naive="utc"), COUNT_SEEDS, EITHER, ".csv"),
    Target("events_csv", reading(read_events_csv), EVENT_SEEDS, EITHER, ".csv"),
    Target("report_logs", reading(read_report_logs, naive="utc"), LOG_SEEDS, EITHER),
    Target("insights", reading(read_insights), INSIGHT_SEEDS, EITHER),
    Target("metric_data", reading(read_metric_data), METRIC_SEEDS, EITHER, ".json"),
    Target("azure_2019", reading(read_azure_2019, date="2019-07-15"), [INVOCATIONS_2019], EITHER, ".csv"),
    Target(
        "azure_2021", reading(read_azure_2021), [head(TRAFFIC / "azure_2021_excerpt.csv")], EITHER, ".csv"
    ),
    Target(
        "azure_durations",
        lambda path, _: read_azure_2019_durations(path),
        [(TRAFFIC / "azure_2019_layout_durations.csv").read_bytes()],
        ending=".csv",
    ),
    Target(
        "azure_memory",
        lambda path, _: read_azure_2019_memory(path),
        [(TRAFFIC / "azure_2019_layout_memory.csv").read_bytes()],
        ending=".csv",
    ),
    Target("as_said", as_said, [*COUNT_SEEDS, *EVENT_SEEDS, *LOG_SEEDS, *INSIGHT_SEEDS, *METRIC_SEEDS], SAID),
    Target("workbook", workbook_as_said, [BOOK], part_of_workbook(), ".xlsx"),
]


@pytest.mark.parametrize("target", TARGETS, ids=lambda target: target.name)
def test_a_reader_returns_or_raises_our_errors(target: Target, tmp_path: Path) -> None:
    assert fuzz(target, tmp_path) > len(target.seeds)
