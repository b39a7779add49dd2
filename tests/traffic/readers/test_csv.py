"""CSV of counts and of events: every way of writing them that is accepted, and how the others are refused."""

import csv
import gzip
import io
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from lambdasim.errors import TraceError
from lambdasim.traffic.readers import read_counts_csv, read_events_csv, source
from lambdasim.traffic.readers.csv import blocks as csv_blocks
from lambdasim.traffic.trace import DTYPES, BadRows, TraceKind
from lambdasim.units import from_epoch_us

DATA = Path(__file__).parents[3] / "data" / "traffic"
T0_US = 1_793_491_200_000_000  # 2026-11-01T00:00:00Z


def saved(path: Path, text: str, **how: Any) -> Path:
    path.write_text(text, newline="", **how)
    return path


@pytest.mark.parametrize(
    ("name", "rows"),
    [("elb_request_count", 4_032), ("Twitter_volume_AMZN", 15_831)],
)
def test_real_counts(name: str, rows: int) -> None:
    with (DATA / f"{name}.csv").open() as stream:
        want = sum(float(row["value"]) for row in csv.DictReader(stream))
    trace = read_counts_csv(DATA / f"{name}.csv", naive="utc")
    table = trace.frame()
    assert (trace.kind, trace.interval_us, trace.functions()) == (TraceKind.COUNTS, 300_000_000, (name,))
    assert (len(table), table["count"].sum(), trace.summary().invocations) == (rows, want, want)
    with pytest.raises(TraceError, match=r"row 2: timestamp: must carry an offset from UTC"):
        read_counts_csv(DATA / f"{name}.csv")


@pytest.mark.parametrize(
    ("unit", "texts"),
    [
        (None, ["2026-11-01T00:00:00Z", "2026-11-01T00:01:00Z"]),
        (None, ["2026-11-01T02:00:00+02:00", "2026-11-01T02:01:00+02:00"]),
        (None, ["2026-10-31T19:00:00-0500", "2026-10-31T18:31:00-05:30"]),
        (None, ["2026-11-01 00:00:00.000000Z", "2026-11-01T00:01:00.0Z"]),
        (None, ["2026-11-01T00:00:00.000000999Z", "2026-11-01T00:01:00.000000001Z"]),
        (None, ["2026-11-01T00Z", "2026-11-01T00:01Z"]),
        ("s", ["1793491200", "1793491260"]),
        ("s", ["1793491200.0000004", "1793491260.000"]),
        ("ms", ["1793491200000", "1793491260000"]),
        ("us", ["1793491200000000", "1793491260000000"]),
        ("ns", ["1793491200000000000", "1793491260000000999"]),
    ],
)
def test_times_as_they_are_written(unit: Any, texts: list[str], tmp_path: Path) -> None:
    path = saved(tmp_path / "t.csv", f"count,timestamp\n1,{texts[0]}\n2,{texts[1]}\n")
    trace = read_counts_csv(path, unit=unit)
    assert trace.frame()["timestamp_us"].tolist() == [T0_US, T0_US + 60_000_000]
    assert trace.interval_us == 60_000_000


@pytest.mark.parametrize(
    ("unit", "text", "allowed"),
    [
        (None, "", "must not be empty"),
        (None, "1793491200", "for a number say its unit"),
        (None, "2026-11-01T00:00:00", "must carry an offset"),
        (None, "2026-02-29T00:00:00Z", "must be a date and time of the calendar"),
        (None, "2026-11-01T24:00:00Z", "must be a date and time of the calendar"),
        (None, "2026-11-01T00:00:00+25:00", "must be a date and time of the calendar"),
        (None, "1969-12-31T23:59:59Z", "must lie in the years 1970 to 2200"),
        (None, "2201-01-01T00:00:00Z", "must lie in the years 1970 to 2200"),
        (None, "01/11/2026", "must be an ISO 8601 time"),
        (None, "=1+1", "must be an ISO 8601 time"),
        (None, "２０２６-11-01T00:00:00Z", "must be an ISO 8601 time"),
        ("s", "2026-11-01T00:00:00Z", "must be a number of s since 1970"),
        ("s", "-1", "must lie in the years"),
        ("s", "-0.0000001", "must lie in the years"),
        ("s", "1793491200000", "must lie in the years"),
        ("ms", "1" * 30, "must be a number of ms"),
        ("ns", "9" * 20, "must lie in the years"),
        ("s", "nan", "must be a number of s"),
        ("s", "inf", "must be a number of s"),
        ("s", "1e9", "must be a number of s"),
        ("s", "0x10", "must be a number of s"),
        ("s", " 1", "must be a number of s"),
    ],
)  # fmt: skip
def test_times_that_are_none_are_named(unit: Any, text: str, allowed: str, tmp_path: Path) -> None:
    good = (
        "2026-11-01T00:00:00Z"
        if unit is None
        else str(T0_US * {"s": 1, "ms": 1_000, "ns": 10**9}[unit] // 10**6)
    )
    path = saved(tmp_path / "t.csv", f"count,when\n1,{good}\n2,{text}\n", encoding="utf-8")
    for read in (read_counts_csv, read_events_csv):
        with pytest.raises(TraceError) as caught:
            read(path, unit=unit, columns={"timestamp_us": "when"}).frame()
        fault = caught.value.faults[0]
        assert (fault.where, fault.field) == (f"{path}, row 3", "when")
        assert allowed in fault.message
        assert text[:40] in fault.message


@pytest.mark.parametrize(
    "text",
    [
        "-1",
        "1.5",
        "",
        "x",
        "nan",
        "inf",
        "1e400",
        "1000000000001",
        "9" * 400,
        "1,000",
        "0x1",
        "१",
        " 1",
        "=1",
        "--1",
    ],
)
def test_a_count_must_be_whole_and_in_bounds(text: str, tmp_path: Path) -> None:
    cell = f'"{text}"' if "," in text else text
    path = saved(
        tmp_path / "t.csv", f"timestamp,count\n2026-11-01T00:00:00Z,7\n2026-11-01T00:01:00Z,{cell}\n"
    )
    with pytest.raises(TraceError) as caught:
        read_counts_csv(path).frame()
    fault = caught.value.faults[0]
    assert (fault.where, fault.field) == (f"{path}, row 3", "count")
    assert "whole number" in fault.message or "must not be empty" in fault.message
    trace = read_counts_csv(path, interval_us=60_000_000, on_bad_row=BadRows.SKIP)
    assert (trace.summary().invocations, trace.report().skipped, trace.report().faults) == (7, 1, (fault,))


@pytest.mark.parametrize("text", ["94", "94.0", "9.4e1", "+94", "0094", "94.", "9400e-2"])
def test_a_whole_number_may_be_written_so(text: str, tmp_path: Path) -> None:
    path = saved(tmp_path / "t.csv", f"timestamp,value\n2026-11-01T00:00:00Z,{text}\n")
    assert read_counts_csv(path, interval_us=1).frame()["count"].tolist() == [94]


HEADERS = {
    "bom and CRLF": b"\xef\xbb\xbftimestamp,count\r\n2026-11-01T00:00:00Z,1\r\n2026-11-01T00:01:00Z,2\r\n",
    "quoted": b'"timestamp","count"\n"2026-11-01T00:00:00Z","1"\n"2026-11-01T00:01:00Z",2',
    "order, case and more": b'x,Count,note,TIMESTAMP\n,1,"a,""b""\n\nc",2026-11-01T00:00:00Z\n,2,,2026-11-01T00:01:00Z\n',
    "blank lines": b"timestamp,count\n\n2026-11-01T00:00:00Z,1\n\n\n2026-11-01T00:01:00Z,2\n\n",
    "blanks in the header": b" timestamp , count \n2026-11-01T00:00:00Z,1\n2026-11-01T00:01:00Z,2\n",
    "another first column": b"n,timestamp,count\n5,2026-11-01T00:00:00Z,1\n6,2026-11-01T00:01:00Z,2\n",
}


@pytest.mark.parametrize("name", HEADERS)
def test_the_same_table_written_otherwise(name: str, tmp_path: Path) -> None:
    for content in (HEADERS[name], gzip.compress(HEADERS[name])):
        (tmp_path / "t.csv").write_bytes(content)
        table = read_counts_csv(tmp_path / "t.csv").frame()
        assert table["timestamp_us"].tolist() == [T0_US, T0_US + 60_000_000]
        assert table["count"].tolist() == [1, 2]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("time;count\n1;2\n", "fields must be separated by commas"),
        ("time\tcount\n1\t2\n", "fields must be separated by commas"),
        ("2026-11-01T00:00:00Z,5\n", "is the header missing?"),
        ("timestamp\n1\n", "count: the header must name a column as one of count, counts, invocations"),
        ("count\n1\n", "timestamp_us: the header must name a column as one of timestamp_us, timestamp"),
        ("timestamp,count,count\n1,2,3\n", "row 1: count: the header must name each column once"),
        ('"timestamp,count\n', "row 1: must be CSV"),
        ("timestamp,count\r1,2\r", "row 1: lines must end in LF or CR LF"),
        ("timestamp,count\n2026-11-01T00:00:00Z,1\n2026-11-01T00:01:00Z\n", "must have 2 fields like the header, has 1"),
        ("timestamp,count\n2026-11-01T00:00:00Z,1\n1,2,3\n", "row 3: must have 2 fields like the header, has 3"),
        ('timestamp,count\n2026-11-01T00:00:00Z,1\n"a"b,1\n', "row 3: must be CSV"),
        ("timestamp,count\n2026-11-01T00:00:00Z,1\n", "one time only, so the interval must be given"),
        ("timestamp,count\n", "there is no row below the header"),
        ("timestamp,count\n\n\n", "there is no row below the header"),
    ],
)  # fmt: skip
def test_a_table_that_is_none_gets_one_clear_error(text: str, expected: str, tmp_path: Path) -> None:
    with pytest.raises(TraceError) as caught:
        read_counts_csv(saved(tmp_path / "t.csv", text)).frame()
    assert expected in str(caught.value)
    assert str(caught.value).startswith(str(tmp_path / "t.csv"))


def test_the_physical_row_is_named_below_quoted_and_blank_lines(tmp_path: Path) -> None:
    text = 'timestamp,note,count\n2026-11-01T00:00:00Z,"a\nb\nc",1\n\n2026-11-01T00:01:00Z,"d\n",x\n'
    with pytest.raises(TraceError, match=r"row 6: count: must be a whole number of invocations, got 'x'"):
        read_counts_csv(saved(tmp_path / "t.csv", text)).frame()


def test_rows_are_named_in_any_block(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(source, "BLOCK_BYTES", 256)
    lines = [f'{T0_US + i},{i},"n\n{i}"' for i in range(500)]
    lines[321] = f"{T0_US},-4,x"
    path = saved(tmp_path / "t.csv", "\n".join(["time,count,note", *lines]))
    row = 2 + 2 * 321
    with pytest.raises(TraceError, match=rf"row {row}: count: must be .* got '-4'"):
        read_counts_csv(path, unit="us").frame()
    trace = read_counts_csv(path, unit="us", on_bad_row=BadRows.SKIP)
    assert trace.report().faults[0].where == f"{path}, row {row}"
    assert trace.summary().invocations == sum(range(500)) - 321


def test_text_that_is_not_utf8_is_named(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_bytes(b"timestamp,function\n2026-11-01T00:00:00Z,caf\xc3\xa9\n2026-11-01T00:00:00Z,caf\xe9\n")
    with pytest.raises(TraceError, match="row 3: function: must be UTF-8 text, has the byte 0xe9"):
        read_events_csv(path).frame()
    assert read_events_csv(path, on_bad_row=BadRows.SKIP).functions() == ("café",)


def test_gaps_and_overlaps_are_told_by_function(tmp_path: Path) -> None:
    text = "time,function,n\n0,a,1\n0,b,1\n60,a,1\n90,b,1\n120,a,1\n300,a,1\n"
    report = read_counts_csv(saved(tmp_path / "t.csv", text), unit="s", interval_us=60_000_000).report()
    assert report.warnings == ("2 intervals of 1min have no row and count as zero",)
    report = read_counts_csv(tmp_path / "t.csv", unit="s", interval_us=100_000_000).report()
    assert report.warnings == ("3 rows begin before the intervals above them end; their counts add up",)


def test_twenty_bad_rows_are_listed_and_all_are_counted(tmp_path: Path) -> None:
    text = "time,n\n0,1\n60,1\n" + "x,1\n" * 25
    trace = read_counts_csv(saved(tmp_path / "t.csv", text), unit="s", on_bad_row=BadRows.SKIP)
    report = trace.report()
    assert (report.rows, report.skipped, len(report.faults)) == (2, 25, 20)
    assert str(report).splitlines()[0] == "2 rows read, 25 skipped"
    assert "and 5 more skipped rows" in str(report)
    with pytest.raises(TraceError, match="1 row was skipped, and there is no other"):
        read_counts_csv(saved(tmp_path / "t.csv", "time,n\nx,1\n"), unit="s", on_bad_row=BadRows.SKIP)


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"unit": "h"}, "unit must be one of s, ms, us, ns, got 'h'"),
        ({"naive": "local"}, "naive must be 'utc' or left out, got 'local'"),
        ({"columns": {"when": "time"}}, "columns: must be among timestamp_us, function, count, got 'when'"),
        ({"columns": {"count": "N"}}, "count: no column 'N'; it has 'time', 'n'"),
        ({"interval_us": "60s"}, "interval_us: must be from 1 to 31622400000000, got '60s'"),
        ({"interval_us": 0}, "interval_us: must be from 1 to 31622400000000, got 0"),
    ],
)
def test_an_option_that_is_none_is_told(options: dict[str, Any], expected: str, tmp_path: Path) -> None:
    path = saved(tmp_path / "t.csv", "time,n\n0,1\n60,2\n")
    with pytest.raises(TraceError) as caught:
        read_counts_csv(path, **({"unit": "s"} | options))
    assert expected in str(caught.value)


EVENT_NAMES = ["timestamp", *list(DTYPES)[1:2], *list(DTYPES)[3:]]


def test_all_columns_of_an_event(tmp_path: Path) -> None:
    rows = [
        ["2026-11-01T00:00:01Z", "g", "1.5", "99.44", "102", "128", "64", "timeout", "r2", "s"],
        ["2026-11-01T00:00:00Z", "=cmd|' /C calc'!A0", "", "", "", "", "", "", "", ""],
    ]
    path = saved(tmp_path / "t.csv", "\n".join(",".join(row) for row in [EVENT_NAMES, *rows]))
    trace = read_events_csv(path)
    table = trace.frame()
    assert trace.columns == tuple(table.columns) == tuple(name for name in DTYPES if name != "count")
    assert {name: str(kind) for name, kind in table.dtypes.items()} == {n: DTYPES[n] for n in trace.columns}
    assert table.iloc[1].tolist() == [T0_US + 10**6, "g", 1.5, 99.44, 102, 128, 64, "timeout", "r2", "s"]
    assert table.iloc[0, 2:].isna().all()
    assert table["function"].iloc[0] == "=cmd|' /C calc'!A0"
    assert trace.select("g").frame()["timestamp_us"].tolist() == [T0_US + 10**6]
    assert pickle.loads(pickle.dumps(trace)).frame().equals(table)  # noqa: S301 - our own


@pytest.mark.parametrize(
    ("column", "text", "allowed"),
    [
        ("duration_ms", "-1", "must be from 0"),
        ("duration_ms", "fast", "must be a number"),
        ("duration_ms", "Infinity", "must be a number"),
        ("init_ms", "1e400", "must be from 0"),
        ("billed_ms", "1.5", "must be a whole number"),
        ("memory_mb", "128 MB", "must be a whole number"),
        ("max_memory_mb", "-5", "must be a whole number"),
        ("function", "", "must not be empty"),
        ("function", "f" * 2_049, "must have at most 2,048 characters, has 2,049"),
        ("status", "\0", "must be text, has a NUL byte"),
    ],
)
def test_a_bad_cell_is_named(column: str, text: str, allowed: str, tmp_path: Path) -> None:
    cells = dict.fromkeys(EVENT_NAMES, "1") | {"timestamp": "2026-11-01T00:00:00Z"}
    good, bad = (",".join(row.values()) for row in (cells, cells | {column: text}))
    path = saved(tmp_path / "t.csv", "\n".join([",".join(EVENT_NAMES), good, bad, good]))
    with pytest.raises(TraceError) as caught:
        read_events_csv(path).frame()
    fault = caught.value.faults[0]
    assert (fault.where, fault.field) == (f"{path}, row 3", column)
    assert allowed in fault.message
    assert read_events_csv(path, on_bad_row=BadRows.SKIP).report().rows == 2


NAMES = st.text(
    st.characters(codec="utf-8", exclude_categories=["Cs"], exclude_characters="\0\r"),
    min_size=1,
    max_size=12,
)
EVENT = st.tuples(
    st.integers(0, 4 * 10**15),
    NAMES,
    st.none() | st.floats(0, 9e5),
    st.none() | st.integers(9 * 10**5, 10**6),
    st.none() | NAMES,
)
"""With durations that Lambda allows, billed for no less."""


@settings(max_examples=80, deadline=None)
@given(
    st.lists(EVENT, min_size=1, max_size=40),
    st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]),
    st.sampled_from(["\n", "\r\n"]),
    st.integers(24, 400),
    st.permutations(range(5)),
)
def test_any_events_survive(
    tmp_path_factory: pytest.TempPathFactory,
    events: list[tuple[Any, ...]],
    quoting: Any,
    end: str,
    block: int,
    order: list[int],
) -> None:
    names = ["timestamp_us", "function", "duration_ms", "billed_ms", "status"]
    buffer = io.StringIO()
    writer = csv.writer(buffer, quoting=quoting, lineterminator=end)
    writer.writerow([names[i] for i in order])
    for event in events:
        writer.writerow(["" if event[i] is None else event[i] for i in order])
    path = tmp_path_factory.mktemp("e") / "t.csv"
    path.write_text(buffer.getvalue(), newline="", encoding="utf-8")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(source, "BLOCK_BYTES", block)
        patch.setattr("lambdasim.traffic.readers.csv.order.in_order.__defaults__", (100,))
        table = read_events_csv(path, unit="us").frame()
    want = sorted(events, key=lambda event: event[0])
    assert table["timestamp_us"].tolist() == [event[0] for event in want]
    for place, name in ((1, "function"), (3, "billed_ms"), (4, "status")):
        got = [
            None if missing else value for value, missing in zip(table[name], table[name].isna(), strict=True)
        ]
        assert got == [event[place] for event in want], name
    got_ms = table["duration_ms"].to_numpy()
    assert np.array_equal(got_ms, np.array([np.nan if e[2] is None else e[2] for e in want]), equal_nan=True)


@settings(max_examples=60, deadline=None)
@given(
    st.dictionaries(st.integers(0, 10**7), st.integers(0, 10**12), min_size=2, max_size=60),
    st.sampled_from(["s", "ms", "us", "ns", "iso"]),
)
def test_any_counts_survive(
    tmp_path_factory: pytest.TempPathFactory, counts: dict[int, int], unit: Any
) -> None:
    per_s = {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}
    written = [
        (from_epoch_us(t * 10**6).isoformat() if unit == "iso" else str(t * per_s[unit]), n)
        for t, n in counts.items()
    ]
    path = saved(
        tmp_path_factory.mktemp("c") / "t.csv", "\n".join(["time,hits", *(f"{t},{n}" for t, n in written)])
    )
    table = read_counts_csv(path, unit=None if unit == "iso" else unit).frame()
    assert list(zip(table["timestamp_us"] // 10**6, table["count"], strict=True)) == sorted(counts.items())


@settings(max_examples=200, deadline=None)
@given(
    content=st.binary(max_size=300),
    head=st.sampled_from([b"", b"timestamp,count\n", b"timestamp,function,count\n0,a,1\n"]),
)
@example(content=b"\xef\xbb\xbf", head=b"")
@example(content=b"\n", head=b"")
@example(content=b"\n\n", head=b"\xef\xbb\xbf")
def test_any_bytes_are_a_table_or_one_error(
    tmp_path_factory: pytest.TempPathFactory, content: bytes, head: bytes
) -> None:
    path = tmp_path_factory.mktemp("b") / "t.csv"
    path.write_bytes(head + content)
    for read in (
        lambda: read_counts_csv(path, unit="s", interval_us=1, on_bad_row=BadRows.SKIP).frame(),
        lambda: read_events_csv(path, unit="s").frame(),
    ):
        fault = None
        try:
            read()
        except TraceError as error:
            fault = str(error)
        assert fault is None or fault.startswith(str(path))


def test_blocks_never_cut_a_record(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    text = 'a,b\n1,"x\ny"\n2,"""z"""\n3,"\n\n"\n4,5'
    path = saved(tmp_path / "t.csv", text)
    for size in range(1, 30):
        monkeypatch.setattr(source, "BLOCK_BYTES", size)
        blocks = list(csv_blocks.records(source.SourceFile.at(path), header=True))
        rows = [(line, row) for block in blocks for line, row in block.rows()]
        assert rows == [
            (1, ["a", "b"]),
            (2, ["1", "x\ny"]),
            (4, ["2", '"z"']),
            (5, ["3", "\n\n"]),
            (8, ["4", "5"]),
        ]
