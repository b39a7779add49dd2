"""A table of counts is never read as a list of events, and a column of money is never a count."""

from pathlib import Path

import pytest

from lambdasim.errors import TraceError
from lambdasim.specs.traffic import TraceFormat, TrafficSpec
from lambdasim.traffic.opening import open_trace
from lambdasim.traffic.readers import read_counts_csv
from lambdasim.traffic.readers.csv.names import is_count, is_money

DAYS = ("2026-11-02", "2026-11-03", "2026-11-04")


def opened(folder: Path, header: str, cells: str = "7", times: tuple[str, ...] = DAYS, **said: str):  # type: ignore[no-untyped-def]
    rows = [f"{time},{cells}" if cells else time for time in times]
    (folder / "t.csv").write_text("\n".join([header, *rows]) + "\n")
    return open_trace(folder, "f", TrafficSpec(trace="t.csv", utc=True, **said))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "name",
    [
        "Sum of Invocations", "Invocations", "Sum", "Requests", "Usage Quantity", "UsageQuantity(Requests)",
        "invocations (Count)", "count(*)", "Sum of Requests", "SampleCount", "USE1-Request(Requests)",
        "EUC1-Request-ARM (Requests)", "Request (Requests)", "line_item_usage_amount", "Total requests",
        "Summe von Aufrufe", "sum(invocations)", "Number of invocations", "Invocations Sum", "request_count",
    ],
)  # fmt: skip
def test_names_of_counts_are_known(tmp_path: Path, name: str) -> None:
    trace = opened(tmp_path, f"Date,{name}")
    assert trace.source.format == TraceFormat.CSV_COUNTS.replace("csv_counts", "counts_csv")
    assert trace.summary().invocations == 3 * 7


@pytest.mark.parametrize(
    "name", ["Start time", "Timestamp (UTC)", "Usage Date", "usage_start", "Row Labels", "Day"]
)
def test_names_of_times_are_known(tmp_path: Path, name: str) -> None:
    assert opened(tmp_path, f"{name},count").summary().invocations == 3 * 7


@pytest.mark.parametrize(
    ("header", "cells", "named"),
    [
        ("Date,cost", "3.25", "'cost': money"),
        ("Date,Lambda ($)", "3.25", r"money"),
        ("Date,Sum of unblendedCost", "$3.25", r"money"),
        ("Date,orders,checkout", "7,9", r"'orders', 'checkout'"),
        ("Date,mystery", '"1,234"', "'mystery'"),
        ("Date,mystery,note", '"1.234,5",text', "'mystery'"),
    ],
)
def test_numbers_that_would_not_be_used_are_refused(
    tmp_path: Path, header: str, cells: str, named: str
) -> None:
    with pytest.raises(TraceError, match=f"{named}.*--count-column.*csv_events.*it has 'Date'"):
        opened(tmp_path, header, cells)


@pytest.mark.parametrize(
    ("times", "step"),
    [
        (DAYS, "1d"),
        (("2026-11-02T00:00:00Z", "2026-11-02T01:00:00Z", "2026-11-02T02:00:00Z"), "1h"),
        (("2026-11-02T00:00:00Z", "2026-11-02T00:01:00Z", "2026-11-02T00:02:00Z"), "1min"),
        (("2026-11-02", "2026-11-03", "2026-11-04", "2026-11-06"), "1d"),
        (("2026-11-04", "2026-11-02", "2026-11-03"), "1d"),
    ],
)
def test_one_row_for_each_interval_is_no_list_of_events(
    tmp_path: Path, times: tuple[str, ...], step: str
) -> None:
    with pytest.raises(TraceError, match=f"exactly one row for each {step}.*--format csv_events"):
        opened(tmp_path, "time,path", "/home", times)
    assert opened(tmp_path, "time,path", "/home", times, format="csv_events").summary().invocations == len(
        times
    )


@pytest.mark.parametrize(
    ("header", "cells", "times"),
    [
        ("time,request_id", "r1", ("2026-11-02T00:00:00Z", "2026-11-02T00:01:00Z", "2026-11-02T00:02:00Z")),
        (
            "time,duration_ms,cost",
            "12,0.1",
            ("2026-11-02T00:00:00Z", "2026-11-02T00:01:00Z", "2026-11-02T00:02:00Z"),
        ),
        ("time,path", "/a", ("2026-11-02T00:00:00.1Z", "2026-11-02T00:00:07Z", "2026-11-02T00:09:00Z")),
        ("time,path", "/a", ("2026-11-02", "2026-11-02", "2026-11-03", "2026-11-04")),
    ],
)
def test_what_only_events_have_makes_a_list_of_events(
    tmp_path: Path, header: str, cells: str, times: tuple[str, ...]
) -> None:
    assert opened(tmp_path, header, cells, times).summary().invocations == len(times)


def test_a_mean_duration_for_each_day_is_no_list_of_events(tmp_path: Path) -> None:
    with pytest.raises(TraceError, match="exactly one row for each 1d"):
        opened(tmp_path, "date,duration", "120.5")


def test_a_column_of_money_is_no_count_even_where_it_is_named(tmp_path: Path) -> None:
    with pytest.raises(TraceError, match="count_column: must be a column of counts; 'cost' is money"):
        opened(tmp_path, "Date,cost", count_column="cost")


def test_a_column_is_named_in_any_table(tmp_path: Path) -> None:
    assert (
        opened(tmp_path, "Date,orders,checkout", "7,9", count_column="checkout").summary().invocations == 27
    )


def test_usage_of_several_types_and_several_columns_of_requests_must_be_said(tmp_path: Path) -> None:
    with pytest.raises(TraceError, match="requests or GB-seconds"):
        opened(tmp_path, "Date,UsageType,UsageQuantity", "USE1-Request,7")
    with pytest.raises(TraceError, match="several may"):
        opened(tmp_path, "Date,USE1-Request(Requests),USW2-Request(Requests)", "7,9")


def test_money_and_counts_do_not_overlap() -> None:
    money = (
        "cost",
        "Costs",
        "unblendedCost",
        "Sum ($)",
        "amount USD",
        "Total charges",
        "Preis",
        "price_per_request",
        "€",
    )
    assert all(is_money(name) and not is_count(name) for name in money)
    assert not any(
        is_money(name) for name in ("Invocations", "Broadcosts", "Requests", "sum", "USE1-Request(Requests)")
    )


def test_a_missing_time_column_names_the_option(tmp_path: Path) -> None:
    with pytest.raises(
        TraceError, match=r"timestamp_us.*timestamp_column \(--timestamp-column\).*it has 'when', 'count'"
    ):
        opened(tmp_path, "when,count")


def test_too_many_columns_are_refused_soon(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text(",".join(f"c{n}" for n in range(100_000)) + "\n")
    with pytest.raises(TraceError, match="at most 16,384 columns, has 100,000"):
        open_trace(tmp_path, "f", TrafficSpec(trace="t.csv"))


def test_rows_of_totals_are_left_out_and_said(tmp_path: Path) -> None:
    (tmp_path / "pivot.csv").write_text(
        "Row Labels,Sum of Requests\n2026-11-02,7\n2026-11-03,8\nGrand Total,15\n"
    )
    pivot = open_trace(tmp_path, "f", TrafficSpec(trace="pivot.csv", utc=True))
    assert pivot.summary().invocations == 15
    assert pivot.report().warnings == ("rows of totals are left out, such as 'Grand Total'",)
    (tmp_path / "explorer.csv").write_text(
        '"Usage type","USW2-Request(Requests)","Total usage(Requests)"\n"Usage type total","15.0","15.0"\n'
        '"2026-11-02","7.0","7.0"\n"2026-11-03","8.0","8.0"\n'
    )
    explorer = open_trace(tmp_path, "f", TrafficSpec(trace="explorer.csv", utc=True))
    assert explorer.summary().invocations == 15


def test_a_bad_byte_and_a_missing_field_are_named_with_row_and_column(tmp_path: Path) -> None:
    for text, wrong in (
        (
            b"time,count\n2026-11-02,7\n2026-11-03,8\0\n",
            "row 3: count: must be text, has a NUL byte after '8'",
        ),
        (
            b"time,count\n2026-11-02,7\n2026\xff-11-03,8\n",
            "row 3: time: must be UTF-8 text, has the byte 0xff",
        ),
        (
            b"time,count,path\n2026-11-02,7,/\n2026-11-03\n",
            "must have 3 fields like the header, has 1: 'count', 'path' are",
        ),
        (b"time,count\n2026-11-02,7\n2026-11-03,8,9\n", "has 3: '9' is beyond it"),
    ):
        (tmp_path / "t.csv").write_bytes(text)
        with pytest.raises(TraceError) as refused:
            open_trace(tmp_path, "f", TrafficSpec(trace="t.csv", utc=True)).frame()
        assert wrong in str(refused.value)


def test_one_column_cannot_be_two_things(tmp_path: Path) -> None:
    for said in ({"count_column": "time"}, {"timestamp_column": "count"}, {"function_column": "time"}):
        with pytest.raises(TraceError, match="must hold one thing"):
            opened(tmp_path, "time,count", **said)


def test_two_counts_in_one_table_are_never_one_of_them_in_silence(tmp_path: Path) -> None:
    path = tmp_path / "c.csv"
    path.write_text("time,requests,invocations\n2026-11-01T00:00:00Z,5,45\n2026-11-01T01:00:00Z,6,54\n")
    with pytest.raises(
        TraceError, match=r"row 1: count_column: must say which of 'invocations', 'requests' counts"
    ):
        read_counts_csv(path)
    assert read_counts_csv(path, columns={"count": "requests"}).summary().invocations == 11


@pytest.mark.parametrize(
    ("header", "cells", "named"),
    [
        ("Date,hits,misses", "70,3", "'hits', 'misses'"),
        ("Date,misses,hits", "70,3", "'hits', 'misses'"),
        ("Timestamp,SampleCount,Sum,Average", "7,8200,1171.4", "'Sum', 'SampleCount'"),
        ("Date,value,value2", "70,3", "'value', 'value2'"),
        ("Date,count,GET,POST", "70,3,4", "'count', 'GET', 'POST'"),
        ("Date,requests,cached requests", "70,3", "'requests', 'cached requests'"),
        ("Date,Requests,EUC1-Request (Requests)", "70,3", "'Requests', 'EUC1-Request"),
        ("Date,events,orders,cost", "70,3,1.25", "'events', 'orders' counts"),
        ("Date,count,failed", "70,3", "'count', 'failed'"),
        ("Date,calls,mobile,web", '"1,234",3,4', "'calls', 'mobile', 'web'"),
    ],
)
def test_a_second_column_that_could_count_is_never_left_out_in_silence(
    tmp_path: Path, header: str, cells: str, named: str
) -> None:
    said = {"thousands": "comma"} if '"' in cells else {}
    with pytest.raises(TraceError, match=f"row 1: count_column: must say which of {named}.*--count-column"):
        opened(tmp_path, header, cells, **said)
    first = header.split(",")[1]
    assert opened(tmp_path, header, cells, count_column=first, **said).summary().invocations > 0


@pytest.mark.parametrize(
    ("header", "cells"),
    [
        ("Date,invocations,errors,throttles", "7,1,2"),
        ("Date,requests,p99,avg duration,max memory mb", "7,900,120,80"),
        ("Timestamp,SampleCount,Sum", "7,7"),
        ("Date,count,year,week", "7,2026,45"),
        ("Date,hits,hit ratio,cost", "7,0.93,3"),
        ("Date,requests,account id,region", "7,123456789012,us-east-1"),
        ("Date,value,note", "7,"),
    ],
)
def test_what_is_plainly_no_second_count_needs_no_word(tmp_path: Path, header: str, cells: str) -> None:
    assert opened(tmp_path, header, cells).summary().invocations == 3 * 7


def test_hours_beside_days_are_never_left_out_in_silence(tmp_path: Path) -> None:
    path = tmp_path / "c.csv"
    rows = [f"{day},{hour},{1 + hour}" for day in DAYS for hour in range(24)]
    path.write_text("\n".join(["date,hour,requests", *rows]))
    with pytest.raises(
        TraceError, match=r"timestamp_column: must hold the whole time: 'date'.*without 'hour'"
    ):
        read_counts_csv(path, utc=True)
