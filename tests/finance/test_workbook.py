"""Workbooks: opened and recalculated by LibreOffice where it is installed, read as XML elsewhere."""

import csv
import html
import re
import shutil
import subprocess
import zipfile
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import pytest

import lambdasim as ls
from lambdasim.billing import Bill, ExchangeRate, Usage, converted, price
from lambdasim.finance import Origin, daily_costs, write_workbook
from lambdasim.finance.guard import guarded
from lambdasim.results.parameters import Parameter
from lambdasim.results.usage.hour import HourlyUsage

SOFFICE = shutil.which("soffice")
EVIL = (
    "=1+2",
    "+1",
    "-1",
    "@SUM(A1)",
    "\t=1+2",
    "\r=1+2",
    " =1+2",
    "http://example.com",
    "<b>&amp;",
    "a\x00b",
)
CACHED = re.compile(rb"(<f>[^<]*</f><v>)[^<]*(</v>)")
ALWAYS_RECALCULATE = """<?xml version="1.0" encoding="UTF-8"?>
<oor:items xmlns:oor="http://openoffice.org/2001/registry"><item oor:path="/org.openoffice.Office.Calc/Formula/Load">
<prop oor:name="OOXMLRecalcMode" oor:op="fuse"><value>0</value></prop></item></oor:items>
"""


def usage(function: str, region: str = "us-east-1", **counts: int) -> Usage:
    row = Usage("2026-11", region, function, "x86_64", 1769, 1024, "zip", "python3.13")
    return replace(row, **counts)


@pytest.fixture(scope="module")
def bill() -> Bill:
    rows = [usage(name, requests=1_234_567, billed_ms_with_init=10**12 + n, billed_ms_without_init=n)
            for n, name in enumerate(EVIL)]  # fmt: skip
    big = 3 * 10**13
    rows.append(
        usage("eu", "af-south-1", requests=10**8, billed_ms_with_init=big, billed_ms_without_init=big)
    )
    return price(rows)


@pytest.fixture(scope="module")
def origin() -> Origin:
    return Origin(scenario="=evil()", run="abc-1", parameters=(Parameter("keep-alive", "=1", "given", "@x"),))


def recalculated(path: Path, folder: Path) -> dict[str, list[list[str]]]:
    """Spoil every value that the workbook remembers, let LibreOffice compute, and return its sheets."""
    spoiled = folder / "spoiled.xlsx"
    with zipfile.ZipFile(path) as source, zipfile.ZipFile(spoiled, "w") as target:
        for name in source.namelist():
            content, n = CACHED.subn(rb"\g<1>-777\g<2>", source.read(name))
            assert n or "worksheets/sheet1" not in name
            target.writestr(name, content)
    user = folder / "profile" / "user"
    user.mkdir(parents=True)
    (user / "registrymodifications.xcu").write_text(ALWAYS_RECALCULATE)
    every_sheet_in_full = "csv:Text - txt - csv (StarCalc):44,34,76,1,,0,false,false,false,false,false,-1"
    assert SOFFICE is not None
    command = [SOFFICE, f"-env:UserInstallation={(folder / 'profile').as_uri()}", "--headless",
               "--convert-to", every_sheet_in_full, "--outdir", str(folder), str(spoiled)]  # fmt: skip
    subprocess.run(command, check=True, capture_output=True, timeout=180)
    found = {}
    for made in folder.glob("spoiled-*.csv"):
        with made.open(newline="", encoding="utf-8") as stream:
            found[made.stem.removeprefix("spoiled-")] = list(csv.reader(stream))
    return found


@pytest.mark.skipif(SOFFICE is None, reason="needs LibreOffice")
def test_libreoffice_computes_our_totals(tmp_path: Path, bill: Bill, origin: Origin) -> None:
    sheets = recalculated(write_workbook(bill, tmp_path / "b.xlsx", origin=origin), tmp_path)
    assert set(sheets) == {"Summary", "Line items", "By function", "Assumptions", "Price sheet"}
    every = [cell for rows in sheets.values() for row in rows for cell in row]
    assert not [cell for cell in every if cell == "-777" or cell.startswith(("#", "Err:", "="))]

    *lines, total = sheets["Line items"][1:]
    for item, row in zip(bill.items, lines, strict=True):
        assert float(row[10]) == pytest.approx(float(item.amount), rel=1e-14)
        assert Decimal(row[11]) == item.amount
    assert float(total[10]) == pytest.approx(float(bill.total), rel=1e-14)
    assert round(Decimal(total[10]), 2) == round(bill.total, 2)

    *functions, together = sheets["By function"][1:]
    assert {row[0] for row in functions} == {guarded(name) for name in (*EVIL, "eu")}
    exact = {guarded(name): float(amount) for name, amount in bill.by_function().items()}
    for row in functions:
        assert float(row[-2]) == pytest.approx(exact[row[0]], rel=1e-9)
    assert float(together[-2]) == pytest.approx(float(bill.total), rel=1e-14)
    assert sum(float(row[-1].rstrip("%")) for row in functions) == pytest.approx(100)

    summary = {row[0]: row[1] for row in sheets["Summary"]}
    assert float(summary["total"]) == pytest.approx(float(bill.total), rel=1e-14)
    assert Decimal(summary["exact total"]) == bill.total
    assert float(summary["line items less functions"]) == 0
    assert float(summary["2026-11"]) == pytest.approx(float(bill.total), rel=1e-14)
    of_region = sum(item.amount for item in bill.items if item.region == "af-south-1")
    assert float(summary["af-south-1"]) == pytest.approx(float(of_region), rel=1e-14)
    of_kind = sum(item.amount for item in bill.items if item.kind == "request")
    assert float(summary["request"]) == pytest.approx(float(of_kind), rel=1e-14)
    assert sheets["Assumptions"][1] == ["keep-alive", "'=1", "given", "'@x"]
    assert any(
        row[:3] == ["af-south-1", "x86_64", "duration, tier 2"] and "derived" in row[5]
        for row in sheets["Price sheet"]
    )


@pytest.mark.skipif(SOFFICE is None, reason="needs LibreOffice")
def test_libreoffice_sums_the_days_to_the_bill(tmp_path: Path) -> None:
    rows = [
        usage(name, requests=n, billed_ms_with_init=n * 10**8) for n, name in ((10**6, "a"), (10**5, "b"))
    ]
    hours = tuple((rows[hour // 24],) if hour % 24 == 0 else () for hour in range(48))
    rest = (usage("a", streamed_bytes=10**12),)
    used = HourlyUsage(datetime(2026, 11, 1, tzinfo=UTC), hours, rest, None)
    days, bill = daily_costs(used, price), price(used.usage)
    sheets = recalculated(write_workbook(bill, tmp_path / "b.xlsx", days=days), tmp_path)
    first, second, other, total = sheets["By day"][1:5]
    assert [first[0], second[0], other[0], total[0]] == ["2026-11-01", "2026-11-02", "not by day", "total"]
    for row, day in zip((first, second, other), days, strict=True):
        assert float(row[-3]) == pytest.approx(float(day.amount), rel=1e-14)
        assert Decimal(row[-1]) == day.amount
    assert float(other[-2]) == pytest.approx(float(bill.total), rel=1e-14)
    assert float(total[-3]) == pytest.approx(float(bill.total), rel=1e-14)
    assert Decimal(total[-1]) == bill.total


@pytest.mark.skipif(SOFFICE is None, reason="needs LibreOffice")
def test_libreoffice_opens_the_workbook_of_an_empty_bill(tmp_path: Path) -> None:
    sheets = recalculated(write_workbook(price([]), tmp_path / "b.xlsx"), tmp_path)
    assert float(sheets["Line items"][1][10]) == 0
    assert float({row[0]: row[1] for row in sheets["Summary"]}["total"]) == 0


def test_formulas_are_ours_alone_and_names_are_text(tmp_path: Path, bill: Bill, origin: Origin) -> None:
    with zipfile.ZipFile(write_workbook(bill, tmp_path / "b.xlsx", origin=origin)) as book:
        names = book.namelist()
        formulas = {
            html.unescape(found)
            for name in names
            for found in re.findall(r"<f>([^<]*)</f>", book.read(name).decode())
        }
        texts = re.findall(r"<t[^>]*>([^<]*)</t>", book.read("xl/sharedStrings.xml").decode())
        assert not [name for name in names if "rels" in name and b"http://example.com" in book.read(name)]
    ours = re.compile(r"(SUM|SUMPRODUCT|ROUND|IF)\(['A-Z0-9$:!, =/a-z()*-]*\)|H\d+\*J\d+|'Line items'!K\d+")
    assert not [formula for formula in formulas if not ours.fullmatch(formula)]
    assert not [text for text in texts if text.startswith(tuple("=+-@\t\r"))]


def test_equal_bills_give_equal_bytes(tmp_path: Path, bill: Bill, origin: Origin) -> None:
    one, two = (write_workbook(bill, tmp_path / f"{name}.xlsx", origin=origin) for name in "ab")
    assert one.read_bytes() == two.read_bytes()


def test_a_saved_run_gives_its_assumptions(tmp_path: Path) -> None:
    scenario = ls.load_scenario_text("""
name: short
start: 2026-11-01T00:00:00Z
duration: 1h
functions:
  - {name: f, tags: {team: web}, work: {io_ms: 100}, traffic: {constant: {rate_per_s: 1}}}
""")
    run = ls.simulate(scenario)
    ls.save(run, tmp_path)
    origin = Origin.of_folder(tmp_path, quantile="P50")
    assert (origin.scenario, origin.quantile, origin.tags) == ("short", "P50", {"f": {"team": "web"}})
    assert [tuple(row) for row in run.parameters().astype(str).values] == [
        tuple(p) for p in origin.parameters
    ]
    path = write_workbook(run.charges(), tmp_path / "b.xlsx", origin=origin)
    with zipfile.ZipFile(path) as book:
        assert "keep-alive" in book.read("xl/sharedStrings.xml").decode()


def test_another_currency_is_named(tmp_path: Path, bill: Bill) -> None:
    euro = converted(bill, ExchangeRate("EUR", Decimal("0.9"), date(2026, 11, 30)))
    with zipfile.ZipFile(write_workbook(euro, tmp_path / "b.xlsx")) as book:
        texts = book.read("xl/sharedStrings.xml").decode()
    assert "amount [EUR]" in texts
    assert "1 USD = 0.9 EUR on 2026-11-30" in texts


@pytest.mark.parametrize("text", EVIL)
def test_guarded_text_is_no_formula_and_has_no_control_characters(text: str) -> None:
    safe = guarded(text)
    assert not safe.startswith(tuple("=+-@\t\r"))
    assert safe.lstrip()[0] not in "=+-@"
    assert safe.isprintable()
