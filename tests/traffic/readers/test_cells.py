"""Cells and timestamps: the fast way for a column and the exact way for one text say the same."""

import re
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from lambdasim.traffic.readers.cells import Cell, CountCell, MomentCell, NumberCell, TextCell, WholeCell
from lambdasim.traffic.readers.insights.reader import LogGroupCell
from lambdasim.traffic.readers.moments import MomentRule
from lambdasim.units import from_epoch_us, to_epoch_us

CELLS: dict[str, Cell] = {
    "iso": MomentCell(MomentRule()),
    "iso utc": MomentCell(MomentRule(naive="utc")),
    **{unit: MomentCell(MomentRule(unit)) for unit in ("s", "ms", "us", "ns")},  # type: ignore[arg-type]
    "count": CountCell(),
    "number": NumberCell(),
    "filled number": NumberCell(filled=True, largest=1_000),
    "whole": WholeCell(),
    "bytes": WholeCell(bytes_as_mb=True),
    "text": TextCell(),
    "filled text": TextCell(filled=True),
    "log group": LogGroupCell(),
}
MOMENTS = st.integers(-(10**14), 8 * 10**15)
ODD = ["-", "–", "None", "N/A", "(null)", "a-", "",
       "0", "-0", "-0.0", "nan", "inf", "-inf", "1e400", "0x1F", "1_000", "+5", ".5", "5.", " 5", "5 ", "1e3", "null",
       "NULL", "NaN", "true", "٣", "1.0", "999999.5", "1e6", "1769000000", "2026-11-01", "/aws/lambda/"]  # fmt: skip
TIME = r"([T ][0-9]{2}(:[0-9]{2}(:[0-9]{2}(\.[0-9]{1,10})?)?)?)?(Z|[+-][0-9]{2}(:?[0-9]{2})?)?"
WRITTEN = st.one_of(
    st.text(max_size=6),
    st.sampled_from(ODD),
    st.integers(-(10**20), 10**20).map(str),
    st.floats(allow_nan=True).map(repr),
    MOMENTS.map(str),
    MOMENTS.map(lambda us: from_epoch_us(us).isoformat()),
    MOMENTS.map(lambda us: from_epoch_us(us).strftime("%Y-%m-%d %H:%M:%S.%f")),
    MOMENTS.map(lambda us: from_epoch_us(us).strftime("%Y-%m-%dT%H:%M:%SZ")),
    st.from_regex(re.compile(r"[12][0-9]{3}-[01][0-9]-[0-3][0-9]" + TIME, re.ASCII), fullmatch=True),
    st.from_regex(re.compile(r"[0-9]{0,12}:?(/[a-z]{0,4}){0,3}", re.ASCII), fullmatch=True),
)


def plain(values: Any) -> list[Any]:
    return [None if pd.isna(value) else value for value in values]


@pytest.mark.parametrize("name", CELLS)
@settings(max_examples=150, deadline=None)
@given(texts=st.lists(WRITTEN, min_size=1, max_size=4))
@example(texts=["2026-11-01T00:00:00.123456789Z", "2026-11-01T00:00:00.1Z"])
@example(texts=["9223372036854775807"])
@example(texts=["", "5"])
@example(texts=["-0"])
def test_what_the_fast_way_accepts_the_exact_way_reads_alike(name: str, texts: list[str]) -> None:
    cell = CELLS[name]
    try:
        fast = cell.many(pa.array(texts, pa.string()))
    except (ValueError, pa.ArrowInvalid):
        return
    exact = cell.column([cell.one(text) for text in texts])
    assert plain(fast) == plain(exact)
    assert fast.dtype == exact.dtype


# What files are full of must take the fast way, or reading is slow.
@pytest.mark.parametrize(
    ("name", "texts"),
    [
        ("iso", ["2026-11-01T00:00:00Z", "2026-11-01T00:00:01Z"]),
        ("iso", ["2026-11-01T00:00:00.123Z"]),
        ("iso", ["2026-11-01T00:00:00.123456789Z"]),
        ("iso", ["2026-11-01T02:00:00+02:00"]),
        ("iso utc", ["2014-04-10 00:04:00"]),
        ("iso utc", ["2025-05-12 20:42:17.359"]),
        ("ms", ["1793491200000"]),
        ("count", ["94", "94.0"]),
        ("number", ["", "154.85"]),
        ("whole", ["", "155.0"]),
        ("bytes", ["1769000000", "1.769E9", ""]),
        ("text", ["", "success"]),
        ("log group", ["123456789012:/aws/lambda/pay"]),
    ],
)
def test_common_texts_take_the_fast_way(name: str, texts: list[str]) -> None:
    cell = CELLS[name]
    assert plain(cell.many(pa.array(texts, pa.string()))) == plain(
        cell.column([cell.one(text) for text in texts])
    )


@given(st.integers(0, 7_289_654_399_999_999))
def test_any_moment_survives(moment_us: int) -> None:
    text = from_epoch_us(moment_us).isoformat()
    assert MomentRule().one(text) == moment_us
    assert MomentRule().one(text.replace("+00:00", "Z")) == moment_us
    assert MomentRule(naive="utc").one(text.replace("+00:00", "")) == moment_us
    assert MomentRule("us").one(str(moment_us)) == moment_us
    assert MomentRule("s").one(f"{moment_us // 10**6}.{moment_us % 10**6:06}") == moment_us
    assert MomentRule("ns").one(f"{moment_us}999") == moment_us


@given(
    st.datetimes(datetime(1971, 1, 1), datetime(2199, 1, 1)), st.integers(-14 * 60, 14 * 60)  # noqa: DTZ001
)  # fmt: skip
def test_an_offset_is_taken_off(local: datetime, minutes: int) -> None:
    sign, size = "-" if minutes < 0 else "+", abs(minutes)
    text = f"{local.isoformat()}{sign}{size // 60:02}:{size % 60:02}"
    assert MomentRule().one(text) == to_epoch_us(local.replace(tzinfo=UTC)) - minutes * 60_000_000


@pytest.mark.parametrize(
    ("text", "mb"),
    [("128", 128), ("999999", 999_999), ("1000000", 1), ("1769000000", 1769), ("1.0240E10", 10_240)],
)
def test_memory_of_a_million_or_more_is_in_bytes(text: str, mb: int) -> None:
    cell = WholeCell(bytes_as_mb=True)
    assert cell.one(text) == mb
    assert cell.many(pa.array([text])).tolist() == [mb]


def test_dtypes_are_canonical() -> None:
    texts = pa.array(["1", ""])
    assert NumberCell().many(texts).dtype == np.float64
    assert str(WholeCell().many(texts).dtype) == "Int64"
    assert str(TextCell().many(texts).dtype) == "str"


@pytest.mark.parametrize("word", ["", "null", "NULL", "None", "NaN", "n/a", "-", "–"])
def test_words_for_no_value_are_none_where_there_may_be_none(word: str) -> None:
    texts = pa.array(["5", word], pa.string())
    assert (
        plain(NumberCell().many(texts))
        == plain(NumberCell().column([5.0, NumberCell().one(word)]))
        == [5, None]
    )
    assert plain(WholeCell().many(texts)) == [5, None]
    with pytest.raises(ValueError, match="must"):
        NumberCell(filled=True).one(word)
