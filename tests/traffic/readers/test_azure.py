"""Traces of Azure Functions: their real layout, and files that only look like them."""

import csv
import datetime as dt
import gzip
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lambdasim.errors import TraceError
from lambdasim.traffic.readers import (
    read_azure_2019,
    read_azure_2019_durations,
    read_azure_2019_memory,
    read_azure_2021,
)
from lambdasim.traffic.readers.azure import minute_counts
from lambdasim.traffic.trace import BadRows, TraceKind
from lambdasim.units import from_epoch_us, to_epoch_us

DATA = Path(__file__).parents[3] / "data" / "traffic"
DAY_US = 1_563_148_800_000_000  # 2019-07-15T00:00:00Z
HEADER_2019 = ["HashOwner", "HashApp", "HashFunction", "Trigger", *map(str, range(1, 1441))]


def day_file(path: Path, rows: dict[str, Sequence[object]]) -> Path:
    with path.open("w", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(HEADER_2019)
        for name, counts in rows.items():
            writer.writerow(["o", "a", name, "http", *counts])
    return path


def sparse(**minutes: int) -> list[int]:
    return [minutes.get(f"m{minute}", 0) for minute in range(1, 1441)]


def test_the_published_layout_of_2019_adds_up() -> None:
    path = DATA / "azure_2019_layout_invocations.csv"
    trace = read_azure_2019(path, date="2019-07-15")
    table = trace.frame()
    with path.open() as stream:
        rows = list(csv.DictReader(stream))
    by_function = {row["HashFunction"]: sum(int(row[str(m)]) for m in range(1, 1441)) for row in rows}
    assert table.groupby("function")["count"].sum().to_dict() == by_function
    assert (trace.kind, trace.interval_us) == (TraceKind.COUNTS, 60_000_000)
    assert (table["count"] > 0).all()
    first = next(m for m in range(1, 1441) if any(row[str(m)] != "0" for row in rows))
    assert trace.span_us()[0] == DAY_US + (first - 1) * 60_000_000


def test_minutes_come_in_order_and_functions_in_file_order(tmp_path: Path) -> None:
    path = day_file(tmp_path / "d.csv", {"b": sparse(m1=1, m1440=5), "a": sparse(m1=2, m3=7)})
    table = read_azure_2019(path, date=dt.date(2019, 7, 15)).frame()
    minutes = (table["timestamp_us"] - DAY_US) // 60_000_000
    assert list(zip(minutes, table["function"], table["count"], strict=True)) == [
        (0, "b", 1),
        (0, "a", 2),
        (2, "a", 7),
        (1439, "b", 5),
    ]


@settings(max_examples=10, deadline=None)
@given(
    st.dictionaries(
        st.text(st.characters(codec="utf-8", exclude_categories=["C", "Z"]), min_size=1, max_size=8),
        st.dictionaries(st.integers(0, 1439), st.integers(1, 10**12), max_size=20),
        min_size=1,
        max_size=6,
    ),
    st.integers(1, 40),
)
def test_any_day_survives(
    tmp_path_factory: pytest.TempPathFactory, day: dict[str, dict[int, int]], chunk_rows: int
) -> None:
    rows = {name: [minutes.get(m, 0) for m in range(1440)] for name, minutes in day.items()}
    path = day_file(tmp_path_factory.mktemp("day") / "d.csv", rows)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(minute_counts, "CHUNK_ROWS", chunk_rows)
        chunks = list(read_azure_2019(path, date="2019-07-15").chunks())
    assert all(len(chunk) <= max(chunk_rows, len(day)) for chunk in chunks)
    table = pd.concat(chunks or [pd.DataFrame(columns=["timestamp_us", "function", "count"])])
    minutes = (table["timestamp_us"] - DAY_US) // 60_000_000
    got = list(zip(minutes, table["function"], table["count"], strict=True))
    order = list(day)
    want = [(m, name, count) for name, cells in day.items() for m, count in cells.items()]
    assert got == sorted(want, key=lambda row: (row[0], order.index(row[1])))


def test_a_function_twice_is_told(tmp_path: Path) -> None:
    path = day_file(tmp_path / "d.csv", {"f": sparse(m1=1)})
    text = path.read_text()
    path.write_text(text + text.splitlines()[1] + "\n")
    trace = read_azure_2019(path, date="2019-07-15")
    assert trace.summary().invocations == 2
    assert trace.report().warnings == (
        "rows for a function that has a row above, to which their counts add: 1",
    )


def test_many_functions_pass_through_several_blocks(tmp_path: Path) -> None:
    rng = np.random.default_rng(7)
    rows = {f"f{i}": rng.poisson(0.3, 1440).tolist() for i in range(1_600)}
    path = day_file(tmp_path / "d.csv", rows)
    packed = tmp_path / "d.csv.gz"
    packed.write_bytes(gzip.compress(path.read_bytes(), 1))
    assert path.stat().st_size > 2 * (2 << 20)
    table = read_azure_2019(packed, date="2019-07-15").frame()
    assert table["timestamp_us"].is_monotonic_increasing
    per_minute = np.zeros(1440, dtype=int)
    np.add.at(per_minute, (table["timestamp_us"] - DAY_US) // 60_000_000, table["count"])
    assert per_minute.tolist() == np.sum(list(rows.values()), axis=0).tolist()
    places = table["function"].str[1:].astype(int)
    assert (table["timestamp_us"] * 2_000 + places - DAY_US * 2_000).is_monotonic_increasing
    assert table.groupby("function")["count"].sum()["f1599"] == sum(rows["f1599"])


@pytest.mark.parametrize(
    ("limit", "what"), [("MOST_CELLS", "minutes with invocations"), ("MOST_FUNCTIONS", "functions")]
)
def test_a_day_too_large_is_refused(
    limit: str, what: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = day_file(tmp_path / "d.csv", {"f": sparse(m1=1, m2=1), "g": sparse(m1=1)})
    monkeypatch.setattr(minute_counts, limit, 3 if limit == "MOST_CELLS" else 2)
    assert read_azure_2019(path, date="2019-07-15").summary().invocations == 3
    monkeypatch.setattr(minute_counts, limit, 2 if limit == "MOST_CELLS" else 1)
    with pytest.raises(TraceError, match=f"must have at most . {what}; split the file by functions"):
        read_azure_2019(path, date="2019-07-15").frame()


@pytest.mark.parametrize("value", ["-1", "1.5", "x", "", "nan", "1e400", "9" * 30])
def test_a_bad_count_is_named(value: str, tmp_path: Path) -> None:
    cells: list[object] = list(sparse(m5=1))
    cells[16] = value
    path = day_file(tmp_path / "d.csv", {"good": sparse(m5=1), "bad": cells})
    with pytest.raises(TraceError) as caught:
        read_azure_2019(path, date="2019-07-15").frame()
    fault = caught.value.faults[0]
    assert (fault.where, fault.field) == (f"{path}, row 3", "17")
    assert "whole number" in fault.message or "must not be empty" in fault.message
    trace = read_azure_2019(path, date="2019-07-15", on_bad_row=BadRows.SKIP)
    assert trace.functions() == ("good",)
    assert (trace.report().rows, trace.report().skipped, trace.report().faults) == (1, 1, (fault,))


@pytest.mark.parametrize(
    "date", ["2019-7-15", "20190715", "2019-07-15T00:00:00Z", "2019-02-30", "", "0000-01-01"]
)
def test_a_day_must_be_a_day(date: str) -> None:
    with pytest.raises(TraceError, match="date: must"):
        read_azure_2019(DATA / "azure_2019_layout_invocations.csv", date=date)


def test_a_datetime_is_no_day() -> None:
    with pytest.raises(TraceError, match="date: must be a day"):
        read_azure_2019(
            DATA / "azure_2019_layout_invocations.csv", date=dt.datetime(2019, 7, 15, tzinfo=dt.UTC)
        )


def test_a_minute_missing_is_named(tmp_path: Path) -> None:
    (tmp_path / "d.csv").write_text("HashFunction,1,2\nf,0,1\n")
    with pytest.raises(TraceError, match=r"row 1: 3: the header must name a column as one of 3"):
        read_azure_2019(tmp_path / "d.csv", date="2019-07-15")


def test_real_invocations_of_2021_arrive_at_their_end_less_their_duration() -> None:
    path = DATA / "azure_2021_excerpt.csv"
    trace = read_azure_2021(path)
    table = trace.frame()
    with path.open() as stream:
        rows = [
            (row["func"], float(row["end_timestamp"]), float(row["duration"]))
            for row in csv.DictReader(stream)
        ]
    start_us = 1_612_051_200_000_000  # 2021-01-31T00:00:00Z
    want = sorted(round((end - duration) * 1e6) for _, end, duration in rows)
    assert (table["timestamp_us"] - start_us).tolist() == want
    assert sorted(table["duration_ms"]) == pytest.approx(sorted(duration * 1000 for _, _, duration in rows))
    assert set(trace.functions()) == {name for name, _, _ in rows}
    assert trace.report().warnings == ()


def test_begun_before_the_trace_began(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text("duration,end_timestamp,func,app\n0.5,0.25,f,a\n3,2.5,g,a\n0,0,f,a\n")
    table = read_azure_2021(path, start="1970-01-02T00:00:00Z").frame()
    assert (table["timestamp_us"] - 86_400_000_000).tolist() == [-500_000, -250_000, 0]
    assert table["function"].tolist() == ["g", "f", "f"]


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.tuples(st.sampled_from("fgh"), st.integers(0, 10**9), st.integers(0, 10**8)), min_size=1),
    st.integers(0, 2 * 10**15).map(from_epoch_us),
)
def test_any_invocations_survive(
    tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[str, int, int]], start: dt.datetime
) -> None:
    path = tmp_path_factory.mktemp("t") / "t.csv"
    lines = [f"a,{name},{(arrival + spent) / 1e3!r},{spent / 1e3!r}" for name, arrival, spent in rows]
    path.write_text("\n".join(["app,func,end_timestamp,duration", *lines]))
    table = read_azure_2021(path, start=start).frame()
    start_us = to_epoch_us(start)
    want = sorted(((arrival, name, spent) for name, arrival, spent in rows), key=lambda row: row[0])
    assert ((table["timestamp_us"] - start_us) // 1000).tolist() == [row[0] for row in want]
    assert table["function"].tolist() == [row[1] for row in want]
    assert table["duration_ms"].round(6).tolist() == [row[2] for row in want]


def test_a_function_id_in_two_apps_is_told(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text("app,func,end_timestamp,duration\na,f,1,0\nb,f,2,0\nb,g,2,0\n")
    warnings = read_azure_2021(path).report().warnings
    assert warnings == ("function ids in more than one app, each taken as one function: 1",)


@pytest.mark.parametrize(
    ("row", "field", "allowed"),
    [
        ("a,f,-1,0", "end_timestamp", "must be from 0"),
        ("a,f,1,nan", "duration", "must be a number"),
        ("a,f,1e400,0", "end_timestamp", "must be from 0"),
        ("a,f,1e18,0", "end_timestamp", "must be from 0 to 3e+08"),
        ("a,,1,0", "func", "must not be empty"),
        ("a,f,1", "", "must have 4 fields"),
    ],
)
def test_a_bad_invocation_is_named(row: str, field: str, allowed: str, tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text(f"app,func,end_timestamp,duration\na,f,1,0\n{row}\n")
    with pytest.raises(TraceError) as caught:
        read_azure_2021(path).frame()
    fault = caught.value.faults[0]
    assert (fault.where, fault.field) == (f"{path}, row 3", field)
    assert allowed in fault.message
    assert read_azure_2021(path, on_bad_row=BadRows.SKIP).report().faults == (fault,)


@pytest.mark.parametrize("start", ["2021-01-31", "now", dt.datetime.fromisoformat("2021-01-31")])
def test_a_start_needs_its_offset(start: dt.datetime | str) -> None:
    with pytest.raises(TraceError, match="start: must"):
        read_azure_2021(DATA / "azure_2021_excerpt.csv", start=start)


def test_tables_of_2019_have_the_documented_columns(tmp_path: Path) -> None:
    durations = read_azure_2019_durations(DATA / "azure_2019_layout_durations.csv")
    memory = read_azure_2019_memory(DATA / "azure_2019_layout_memory.csv")
    assert durations.columns[3:].tolist() == ["Average", "Count", "Minimum", "Maximum"] + [
        f"percentile_Average_{p}" for p in (0, 1, 25, 50, 75, 99, 100)
    ]
    assert memory.columns.tolist() == ["HashOwner", "HashApp", "SampleCount", "AverageAllocatedMb"] + [
        f"AverageAllocatedMb_pct{p}" for p in (1, 5, 25, 50, 75, 95, 99, 100)
    ]
    assert durations["Count"].dtype == memory["SampleCount"].dtype == np.int64
    assert durations["Count"].iloc[0] == 57523
    assert memory["AverageAllocatedMb_pct100"].iloc[0] == 152.0
    broken = tmp_path / "d.csv"
    text = (DATA / "azure_2019_layout_durations.csv").read_text()
    broken.write_text(text.replace(",99.0,101.0,", ",,101.0,", 1))
    assert np.isnan(read_azure_2019_durations(broken)["Minimum"].iloc[0])
    broken.write_text(text.replace(",100.0,57523.0,", ",-100.0,57523.0,"))
    with pytest.raises(TraceError, match=r"row 2: Average: must be from 0"):
        read_azure_2019_durations(broken)
    broken.write_text(text.replace("percentile_Average_99", "p99"))
    with pytest.raises(TraceError, match="percentile_Average_99: the header must name"):
        read_azure_2019_durations(broken)
