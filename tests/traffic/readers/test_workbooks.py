"""Excel workbooks as tables of traffic: cached values, bounded, and one error for whatever is no such workbook."""

import io
import re
import zipfile
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import openpyxl
import pytest
import xlsxwriter

from lambdasim.errors import TraceError
from lambdasim.specs.traffic import TrafficSpec
from lambdasim.traffic.opening import open_trace
from lambdasim.traffic.readers import workbook
from lambdasim.traffic.trace import Trace
from lambdasim.units import from_epoch_us

DAYS = (datetime(2026, 11, 2), datetime(2026, 11, 3))  # noqa: DTZ001 - a workbook knows no zones


def written(
    path: Path, *rows: tuple[object, ...], more: Callable[[openpyxl.Workbook], None] | None = None
) -> Path:
    book = openpyxl.Workbook()
    assert book.active is not None
    for row in rows:
        book.active.append(row)
    if more is not None:
        more(book)
    book.save(path)
    return path


def opened(path: Path, **said: object) -> Trace:
    return open_trace(path.parent, "f", TrafficSpec(trace=path.name, utc=True, **said))  # type: ignore[arg-type]


def rows(trace: Trace) -> list[tuple[str, int]]:
    frame = trace.frame()
    times = [f"{from_epoch_us(int(at)):%Y-%m-%dT%H:%M:%S}" for at in frame["timestamp_us"]]
    return list(zip(times, frame["count"].tolist(), strict=True))


TWO = [("2026-11-02T00:00:00", 1234), ("2026-11-03T00:00:00", 56)]


@pytest.mark.parametrize(
    ("table", "said"),
    [
        ([("Date", "Sum of Invocations"), (DAYS[0], 1234), (DAYS[1], 56)], {}),
        ([("Date", "Requests", None), (DAYS[0].date(), 1234.0), (DAYS[1].date(), 56)], {}),
        ([("Date", "Requests"), (), (DAYS[0], 1234), (None, None), (DAYS[1], 56)], {}),
        ([(), ("Date", "Requests"), (DAYS[0], 1234), (DAYS[1], 56)], {}),
        ([("Date", "Requests"), (46328, 1234), (46329.0, 56)], {"dates": "excel"}),
        ([("Date", "Requests"), ("11/2/2026", "1,234"), ("11/3/2026", 56)], {"dates": "us", "thousands": "comma"}),
        (
            [("Date", "Requests"), ("02.11.2026", "1.234,0"), (DAYS[1], 56)],
            {"dates": "german", "thousands": "point", "decimal": "comma"},
        ),
        ([("Date", "Requests, a\nnote"), (DAYS[0], 1234), (DAYS[1], 56)], {"count_column": "Requests, a note"}),
    ],
)  # fmt: skip
def test_a_sheet_is_a_table(tmp_path: Path, table: list[tuple[object, ...]], said: dict[str, str]) -> None:
    assert rows(opened(written(tmp_path / "t.xlsx", *table), **said)) == TWO


def test_a_sheet_of_several_is_named(tmp_path: Path) -> None:
    def second(book: openpyxl.Workbook) -> None:
        sheet = book.create_sheet("October")
        for row in (("Date", "Requests"), (DAYS[0], 1234), (DAYS[1], 56)):
            sheet.append(row)

    path = written(tmp_path / "t.xlsx", ("note",), more=second)
    assert rows(opened(path, sheet="October")) == TWO
    with pytest.raises(
        TraceError, match=r"has 2 sheets: 'Sheet', 'October'; name one with sheet \(--sheet\)"
    ):
        opened(path)
    with pytest.raises(TraceError, match=r"has no sheet 'November'; it has 'Sheet', 'October'"):
        opened(path, sheet="November")


def test_rows_are_named_as_the_sheet_counts_them(tmp_path: Path) -> None:
    path = written(tmp_path / "t.xlsx", ("Date", "Requests"), (DAYS[0], 1), (), (DAYS[1], "many"))
    with pytest.raises(TraceError, match=r"t\.xlsx, row 4: Requests: must be a whole number.*'many'"):
        opened(path).frame()


def test_a_formula_counts_by_the_value_that_was_kept_and_is_never_evaluated(tmp_path: Path) -> None:
    path = written(tmp_path / "t.xlsx", ("Date", "Requests"), (DAYS[0], "=1233+1"), (DAYS[1], 56))
    with pytest.raises(TraceError, match="row 2: column 2 has a formula without a value"):
        opened(path)
    kept = changed(
        path,
        "xl/worksheets/sheet1.xml",
        lambda text: text.replace("<v />", "<v>1234</v>").replace("<v/>", "<v>1234</v>"),
    )
    assert rows(opened(kept)) == TWO


def test_counts_in_a_sheet_are_no_list_of_events(tmp_path: Path) -> None:
    path = written(tmp_path / "t.xlsx", ("Date", "Orders"), (DAYS[0], 1234), (DAYS[1], 56))
    with pytest.raises(TraceError, match="'Orders' would not be used"):
        opened(path)
    assert rows(opened(path, count_column="Orders")) == TWO


def changed(path: Path, part: str, change: Callable[[str], str]) -> Path:
    """Write a workbook again with one part changed."""
    out = path.with_name("changed.xlsx")
    with zipfile.ZipFile(path) as archive, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as made:
        for name in archive.namelist():
            text = archive.read(name)
            made.writestr(name, change(text.decode()) if name == part else text)
    return out


def with_shared_strings(path: Path) -> Path:
    """Write the table as Excel does, with its texts in a table of their own."""
    with xlsxwriter.Workbook(path) as book:
        sheet = book.add_worksheet()
        day = book.add_format({"num_format": "yyyy-mm-dd"})
        sheet.write_row(0, 0, ["Date", "Requests"])
        for row, (at, count) in enumerate(zip(DAYS, (1234, 56), strict=True), start=1):
            sheet.write_datetime(row, 0, at, day)
            sheet.write_number(row, 1, count)
    return path


SHEET = "xl/worksheets/sheet1.xml"


@pytest.mark.parametrize(
    ("part", "change"),
    [
        (SHEET, lambda text: '<!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;&a;">]>' + text),
        (SHEET, lambda text: text[: len(text) // 2]),
        (SHEET, lambda text: text.replace("<v>1234</v>", f"<v>{'9' * 5_000}</v>")),
        (SHEET, lambda text: text.replace("<v>1234</v>", "<v>nan</v>")),
        (SHEET, lambda text: text.replace("<v>1234</v>", "<v>1e12</v>").replace("<v>56</v>", "<v>1e13</v>")),
        (SHEET, lambda text: text.replace("<v>1234</v>", "<v>-1</v>")),
        (SHEET, lambda text: re.sub(r'r="([AB])3"', r'r="\g<1>A9"', text).replace('r="AA9"', 'r="~"')),
        (SHEET, lambda _: "not xml"),
        (SHEET, lambda _: ""),
        (SHEET, lambda text: text.replace('t="s"', 't="nothing"')),
        (SHEET, lambda text: re.sub(r'(t="s"[^>]*><v>)\d+', r"\g<1>99999", text)),
        (SHEET, lambda text: text.replace('t="n"', 't="d"').replace('t="s"', 't="e"')),
        (SHEET, lambda text: text.replace("<v>46328</v>", "<v>1e300</v>")),
        (SHEET, lambda text: text.replace("<v>46328</v>", "<v>-46328</v>")),
        (SHEET, lambda text: text.replace('s="1"', 's="77"')),
        ("xl/sharedStrings.xml", lambda _: "<sst/>"),
        ("xl/workbook.xml", lambda text: text.replace("<sheets>", "<sheets><!--").replace("</sheets>", "--></sheets>")),
        ("xl/workbook.xml", lambda text: text.replace("rId1", "rId77")),
        ("xl/styles.xml", lambda _: "<styleSheet/>"),
        ("xl/styles.xml", lambda _: "\x00"),
        ("[Content_Types].xml", lambda _: "<Types/>"),
        ("xl/_rels/workbook.xml.rels", lambda text: text.replace("worksheets/sheet1.xml", "../../../../../etc/passwd")),
    ],
)  # fmt: skip
def test_a_spoilt_workbook_is_one_error(tmp_path: Path, part: str, change: Callable[[str], str]) -> None:
    path = with_shared_strings(tmp_path / "t.xlsx")
    assert rows(opened(path)) == TWO
    with pytest.raises(TraceError) as refused:
        opened(changed(path, part, change)).frame()
    assert len(str(refused.value)) < 700


def test_a_part_that_unpacks_to_much_is_refused_soon(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = written(tmp_path / "t.xlsx", ("Date", "Requests"), (DAYS[0], 1234), (DAYS[1], 56))
    monkeypatch.setattr(workbook, "MOST_UNPACKED_BYTES", 1 << 20)
    bomb = changed(path, SHEET, lambda text: text + " " * (1 << 20))
    with pytest.raises(TraceError, match="must unpack to at most 1 MiB"):
        opened(bomb)
    path = with_shared_strings(path)
    strings = changed(path, "xl/sharedStrings.xml", lambda text: text + " " * (1 << 16))
    monkeypatch.setattr(workbook, "MOST_STRINGS_BYTES", 1 << 16)
    with pytest.raises(TraceError, match="MiB of text"):
        opened(strings)


def test_a_row_far_away_and_a_cell_far_out_cost_little(tmp_path: Path) -> None:
    path = written(tmp_path / "t.xlsx", ("Date", "Requests"), (DAYS[0], 1234), (DAYS[1], 56))
    far = changed(
        path,
        SHEET,
        lambda text: text.replace(
            "</sheetData>", '<row r="999999999"><c r="A999999999"><v>1</v></c></row></sheetData>'
        ),
    )
    with pytest.raises(TraceError, match="has 100,000 blank rows between rows"):
        opened(far)
    wide = changed(
        path, SHEET, lambda text: re.sub(r"<dimension[^>]*>", '<dimension ref="A1:XFD1048576"/>', text)
    )
    assert rows(opened(wide)) == TWO
    beside = changed(path, SHEET, lambda text: text.replace('r="B3"', 'r="C3"'))
    with pytest.raises(TraceError, match="row 3: must have 2 fields"):
        opened(beside).frame()


def test_what_only_looks_like_a_workbook_is_named(tmp_path: Path) -> None:
    plain = tmp_path / "t.xlsx"
    with zipfile.ZipFile(plain, "w") as archive:
        archive.writestr("a.csv", "Date,count\n")
    with pytest.raises(TraceError, match="is a zip archive"):
        opened(plain)
    with zipfile.ZipFile(plain, "w") as archive:
        archive.writestr("xl/workbook.bin", "x")
    with pytest.raises(TraceError, match="binary workbook"):
        opened(plain)
    plain.write_bytes(bytes.fromhex("d0cf11e0a1b11ae1") + bytes(2_000))
    with pytest.raises(TraceError, match=r"old workbook \(\.xls\) or one with a password; save it as \.xlsx"):
        opened(plain)


def test_every_cut_of_a_workbook_is_one_error(tmp_path: Path) -> None:
    content = written(tmp_path / "t.xlsx", ("Date", "Requests"), (DAYS[0], 1234), (DAYS[1], 56)).read_bytes()
    for size in range(1, len(content), 131):
        (tmp_path / "cut.xlsx").write_bytes(content[:size])
        with pytest.raises(TraceError):
            opened(tmp_path / "cut.xlsx").frame()


def test_macros_and_links_are_left_alone(tmp_path: Path) -> None:
    path = written(tmp_path / "t.xlsx", ("Date", "Requests"), (DAYS[0], 1234), (DAYS[1], 56))
    content = io.BytesIO(path.read_bytes())
    with zipfile.ZipFile(content, "a") as archive:
        archive.writestr("xl/vbaProject.bin", b"\xd0\xcf\x11\xe0")
        archive.writestr("xl/externalLinks/externalLink1.xml", "<externalLink/>")
    (tmp_path / "m.xlsm").write_bytes(content.getvalue())
    assert rows(opened(tmp_path / "m.xlsm")) == TWO
