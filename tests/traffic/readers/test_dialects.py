"""Tables in the ways people and spreadsheets write them: read when said, refused with the option when not."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lambdasim.errors import ScenarioError, TraceError
from lambdasim.specs.traffic import TrafficSpec
from lambdasim.traffic.opening import open_trace
from lambdasim.traffic.readers import Dialect, read_counts_csv, read_events_csv
from lambdasim.traffic.trace import Trace
from lambdasim.units import from_epoch_us


def opened(folder: Path, text: str, **said: object) -> Trace:
    (folder / "t.csv").write_text(text, encoding="utf-8", newline="")
    return open_trace(folder, "f", TrafficSpec(trace="t.csv", utc=True, **said))  # type: ignore[arg-type]


def rows(trace: Trace) -> list[tuple[str, int]]:
    frame = trace.frame()
    times = [f"{from_epoch_us(int(at)):%Y-%m-%dT%H:%M:%S}" for at in frame["timestamp_us"]]
    return list(zip(times, frame["count"].tolist(), strict=True))


TWO = [("2026-11-02T00:00:00", 1234), ("2026-11-03T00:00:00", 56)]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("Date;Requests\n2026-11-02;1234\n2026-11-03;56\n", {"separator": "semicolon"}),
        ("Date\tRequests\n2026-11-02\t1234\n2026-11-03\t56\n", {"separator": "tab"}),
        ("Date|Requests\n2026-11-02|1234\n2026-11-03|56\n", {"separator": "bar"}),
        ('Date,Requests\n11/2/2026,"1,234"\n11/3/2026,56\n', {"thousands": "comma", "dates": "us"}),
        ('Date,Requests\n11/2/26 12:00 AM,"1,234.0"\n11/03/2026,56\n', {"thousands": "comma", "dates": "us"}),
        (
            "Datum;Anfragen\n02.11.2026;1.234\n03.11.2026;56,0\n",
            {"separator": "semicolon", "decimal": "comma", "thousands": "point", "dates": "german"},
        ),
        ("Date,Requests\n02/11/2026,1 234\n03/11/2026,56\n", {"thousands": "space", "dates": "british"}),
        ("Date,Requests\n02-11-2026 00:00,1\u202f234\n03-11-2026,56\n", {"thousands": "space", "dates": "british"}),
        ("Date,Requests\n2026/11/02,1'234\n2026/11/03 00:00:00,56\n", {"thousands": "apostrophe"}),
        ("Date,Requests\n46328,1234\n46329.0,56\n", {"dates": "excel"}),
        ("Date;Requests\n46328,0;1234\n46329;56\n", {"separator": "semicolon", "dates": "excel"}),
        ("Date,Requests\n2026-11-02,1234\n11/3/2026,56\n", {"dates": "us"}),
        ("Date,Requests\n2026-11-02,1234.000\n2026-11-03,56\n", {"decimal": "point"}),
    ],
)  # fmt: skip
def test_what_is_said_is_read(tmp_path: Path, text: str, said: dict[str, str]) -> None:
    assert rows(opened(tmp_path, text, **said)) == TWO


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("Date;Requests\n2026-11-02;1234\n", "separator: semicolon (--separator semicolon)"),
        ("Date\tRequests\n2026-11-02\t1234\n", "separator: tab (--separator tab)"),
        ('Date,Requests\n2026-11-02,"1,234"\n', "1234 with thousands: comma (--thousands comma), or 1.234 with decimal"),
        ('Date,Requests\n2026-11-02,"1,234,567"\n', "1234567 with thousands: comma (--thousands comma)"),
        ('Date,Requests\n2026-11-02,"12,5"\n', "12.5 with decimal: comma (--decimal comma)"),
        ("Date,Requests\n2026-11-02,1.234\n", "1234 with thousands: point (--thousands point) and decimal: comma"),
        ("Date,Requests\n2026-11-02,1.000\n", "or 1.000 with decimal: point (--decimal point)"),
        ("Date,Requests\n2026-11-02,1.234.567\n", "1234567 with thousands: point"),
        ('Date,Requests\n2026-11-02,"1.234,0"\n', "1234.0 with thousands: point (--thousands point) and decimal: comma"),
        ("Date,Requests\n2026-11-02,1 234\n", "thousands: space (--thousands space)"),
        ("Date,Requests\n2026-11-02,1'234\n", "thousands: apostrophe (--thousands apostrophe)"),
        ("Date,Requests\n03/04/2026,7\n", "4 March 2026 with dates: us (--dates us), or 3 April 2026 with dates"),
        ("Date,Requests\n25/12/2026,7\n", "25 December 2026 with dates: british (--dates british)"),
        ("Date,Requests\n12/25/2026,7\n", "25 December 2026 with dates: us (--dates us)"),
        ("Date,Requests\n25.12.2026,7\n", "25 December 2026 with dates: german (--dates german)"),
        ("Date,Requests\n46328,7\n", "dates: excel (--dates excel)"),
    ],
)  # fmt: skip
def test_what_is_not_said_is_refused_with_its_option(tmp_path: Path, text: str, named: str) -> None:
    with pytest.raises(TraceError) as refused:
        opened(tmp_path, text).frame()
    assert named in str(refused.value)


@pytest.mark.parametrize(
    ("text", "said", "allowed"),
    [
        ("Date,Requests\n2026-11-02,1234\n", {"separator": "semicolon"}, "separator: comma"),
        ("Date,Requests\n31/12/2026,7\n", {"dates": "us"}, "day of the calendar as month/day/year"),
        ("Date,Requests\n12/31/2026,7\n", {"dates": "british"}, "day of the calendar as day/month/year"),
        ("Date,Requests\n12/31/2026,7\n", {"dates": "german"}, "day.month.year"),
        ("Date,Requests\n12/31/2026 13:00 PM,7\n", {"dates": "us"}, "hour from 1 to 12"),
        ("Date,Requests\n12/31/2026 25:00,7\n", {"dates": "us"}, "time of the day"),
        ("Date,Requests\n12/31/2026,12.5\n", {"dates": "us", "decimal": "comma"}, "',' before its fraction"),
        ('Date,Requests\n12/31/2026,"1,23"\n', {"dates": "us", "thousands": "comma"}, "',' between thousands"),
        ('Date,Requests\n12/31/2026,"1,2345"\n', {"dates": "us", "thousands": "comma"}, "',' between thousands"),
        ("Date,Requests\n12/31/2026,1\n", {"sheet": "one"}, "for workbooks"),
        ("Date,Requests\n-5,1\n", {"dates": "excel"}, "serial date"),
        ("Date,Requests\n9999999,1\n", {"dates": "excel"}, "years 1970 to 2200"),
        ("Date,Requests\n1/1/0001,1\n", {"dates": "us"}, "years 1970 to 2200"),
    ],
)  # fmt: skip
def test_what_is_said_and_is_not_so_is_refused(
    tmp_path: Path, text: str, said: dict[str, str], allowed: str
) -> None:
    with pytest.raises(TraceError) as refused:
        opened(tmp_path, text, **said).frame()
    assert allowed in str(refused.value)


def test_a_date_without_an_offset_needs_utc_in_every_form(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text("Date,Requests\n11/2/2026 1:30 PM,7\n")
    with pytest.raises(TraceError, match="say utc"):
        read_counts_csv(path, interval_us=10**6, dialect=Dialect(dates="us")).frame()  # type: ignore[arg-type]
    path.write_text("Date,Requests\n11/2/2026 13:30 +01:00,7\n11/2/2026 12:31 Z,8\n")
    trace = read_counts_csv(path, dialect=Dialect(dates="us"))  # type: ignore[arg-type]
    assert rows(trace) == [("2026-11-02T12:30:00", 7), ("2026-11-02T12:31:00", 8)]


def test_events_have_dialects_too(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text("time;duration\n02.11.2026 13:30:05,25;1.200,5\n")
    said = Dialect("semicolon", "comma", "point", "german")  # type: ignore[arg-type]
    frame = read_events_csv(path, naive="utc", dialect=said).frame()
    assert frame["duration_ms"].tolist() == [1200.5]
    assert from_epoch_us(int(frame["timestamp_us"][0])).isoformat() == "2026-11-02T13:30:05.250000+00:00"


@given(
    st.lists(st.integers(0, 10**12), min_size=1, max_size=20),
    st.sampled_from(["comma", "point", "space", "apostrophe"]),
)
def test_a_column_reads_as_its_cells_do(counts: list[int], kind: str) -> None:
    import pyarrow as pa

    from lambdasim.traffic.readers.cells import CountCell

    mark = {"comma": ",", "point": ".", "space": " ", "apostrophe": "'"}[kind]
    said = Dialect(None, "comma" if kind == "point" else None, kind)  # type: ignore[arg-type]
    cell = said.numbers(CountCell(said=True))
    texts = [f"{count:,}".replace(",", mark) for count in counts]
    assert [cell.one(text) for text in texts] == counts
    assert np.array_equal(cell.many(pa.array(texts)), counts)


def test_a_dialect_of_what_is_no_table_is_refused(tmp_path: Path) -> None:
    (tmp_path / "l.txt").write_text(
        "2026-11-01T00:00:00Z REPORT RequestId: r\tDuration: 1.5 ms\tBilled Duration: 2 ms\tMemory Size: 128 MB\t"
        "Max Memory Used: 9 MB\t\n"
    )
    with pytest.raises(TraceError, match=r"traffic\.separator: is about tables.*report_logs"):
        open_trace(tmp_path, "f", TrafficSpec(trace="l.txt", separator="tab"))  # type: ignore[arg-type]


def test_a_dialect_that_contradicts_itself_is_refused() -> None:
    with pytest.raises(TraceError, match="thousands: must differ from decimal"):
        Dialect(None, "comma", "comma")  # type: ignore[arg-type]
    with pytest.raises(TraceError, match="separator: must be one of comma"):
        Dialect(";")  # type: ignore[arg-type]
    with pytest.raises((ScenarioError, ValueError), match="must differ from decimal"):
        TrafficSpec(trace="t.csv", decimal="point", thousands="point")  # type: ignore[arg-type]


def test_a_message_about_tabs_has_none(tmp_path: Path) -> None:
    with pytest.raises(TraceError, match=r"row 1: must be CSV \('\\t' expected") as refused:
        opened(tmp_path, '""Date\tcount\n2026-11-02\t7\n', separator="tab")
    assert str(refused.value).isprintable()


def test_utc_has_one_spelling_and_the_older_ones_are_read(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("Date,count\n2026-11-02,7\n2026-11-03,8\n")
    spellings = [{"utc": True}, {"timestamp_unit": "iso_utc"}]
    opened_as = [open_trace(tmp_path, "f", TrafficSpec(trace="t.csv", **said)) for said in spellings]  # type: ignore[arg-type]
    readers = [
        read_counts_csv(tmp_path / "t.csv", utc=True),
        read_counts_csv(tmp_path / "t.csv", naive="utc"),
    ]
    assert [rows(trace) for trace in (*opened_as, *readers)] == [rows(readers[0])] * 4
    with pytest.raises(TraceError, match=r"say utc \(utc: true, --utc, utc=True\)"):
        read_counts_csv(tmp_path / "t.csv")
