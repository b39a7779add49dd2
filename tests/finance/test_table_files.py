"""Any result's tables as CSV, Parquet and workbook: the same figures, texts that stay texts, the same bytes again."""

import csv
import shutil
import subprocess
from collections import defaultdict
from pathlib import Path

import openpyxl
import pandas as pd
import pytest
from program import lambdasim

import lambdasim as ls
from lambdasim.finance import write_table, write_tables
from lambdasim.specs import load_scenario_text

SOFFICE = shutil.which("soffice")
SCENARIO = """
name: shop
start: 2026-11-01T00:00:00Z
duration: 10min
free_tier: false
functions:
  - {name: "-1evil", memory_mb: 512, work: {io_ms: 50}, traffic: {constant: {rate_per_s: 2}}}
  - {name: other, memory_mb: 512, work: {io_ms: 50}, traffic: {constant: {rate_per_s: 1}}}
"""


@pytest.fixture(scope="module")
def run() -> ls.RunResult:
    return ls.simulate(load_scenario_text(SCENARIO), keep_records=False)


def test_each_form_has_the_figures_of_the_frame(run: ls.RunResult, tmp_path: Path) -> None:
    bill = run.charges().frame()
    parquet = pd.read_parquet(write_table(run, tmp_path / "bill.parquet", table="bill"))
    assert parquet["amount"].tolist() == [float(amount) for amount in bill["amount"]]
    assert pd.read_parquet(write_table(run, tmp_path / "run.parquet"))["function"][0] == "-1evil"
    rows = list(
        csv.DictReader(write_table(run, tmp_path / "bill.csv", table="bill").read_text().splitlines())
    )
    assert [row["amount"] for row in rows] == [str(amount) for amount in bill["amount"]]  # exact
    rows = list(csv.DictReader(write_table(run, tmp_path / "run.csv").read_text().splitlines()))
    assert [row["function"] for row in rows] == ["'-1evil", "other"]
    book = openpyxl.load_workbook(write_table(run, tmp_path / "run.xlsx"))
    assert book.sheetnames[:3] == ["Answer", "Functions", "Bill"]
    sheet = book["Bill"]
    place = [cell.value for cell in sheet[1]].index("amount") + 1
    written = [sheet.cell(row, place).value for row in range(2, sheet.max_row + 1)]
    assert written == pytest.approx([float(amount) for amount in bill["amount"]], rel=1e-12)
    assert book["Functions"]["A2"].value == "'-1evil"
    assert book["Functions"]["A2"].data_type == "s"


def test_the_same_tables_give_the_same_bytes(run: ls.RunResult, tmp_path: Path) -> None:
    for suffix in (".csv", ".parquet", ".xlsx"):
        files = [write_table(run, tmp_path / f"{name}{suffix}").read_bytes() for name in "ab"]
        assert files[0] == files[1]


def test_names_that_excel_refuses_are_changed_and_stay_apart(tmp_path: Path) -> None:
    table = pd.DataFrame({"x": [1, 2.5], "y_usd": [None, 0.001], "z": [True, "a"]})
    long = "a/b:c" * 10
    path = write_tables({long: table, f"{long}!": table, "answer": table}, tmp_path / "t.xlsx", title="T")
    book = openpyxl.load_workbook(path)
    assert len(set(book.sheetnames)) == 4
    assert all(len(name) <= 31 for name in book.sheetnames)
    sheet = book[book.sheetnames[1]]
    assert [[cell.value for cell in row] for row in sheet.iter_rows()] == [
        ["x", "y [USD]", "z"],
        [1, None, "yes"],
        [2.5, 0.001, "a"],
    ]


@pytest.mark.parametrize(
    ("name", "table", "said"),
    [
        ("a.txt", None, "must end with .csv, .parquet, .xlsx"),
        ("a.csv", "bills", "table: must be one of functions, bill"),
    ],
)
def test_what_cannot_be_written_is_named(
    run: ls.RunResult, name: str, table: str | None, said: str, tmp_path: Path
) -> None:
    with pytest.raises(ls.InputError, match=said):
        write_table(run, tmp_path / name, table)
    (tmp_path / "mine.csv").write_text("mine")
    with pytest.raises(ls.InputError, match="lambdasim did not write"):
        write_table(run, tmp_path / "mine.csv")


def test_a_forecast_becomes_a_workbook_with_past_months(tmp_path: Path) -> None:
    path = tmp_path / "f.xlsx"
    scenario = "notebooks/scenarios/ride_receipts.yaml"
    done = lambdasim("forecast", scenario, "--month", "2015-02", "--paths", "20", "--xlsx", path)
    assert done.returncode == 0, done.stderr
    assert f"wrote {path}" in done.stdout
    book = openpyxl.load_workbook(path)
    lines = list(book["Lines"].iter_rows(values_only=True))
    assert lines[0] == ("line", "p10 [USD]", "p50 [USD]", "p90 [USD]")
    assert all(row[1] <= row[2] <= row[3] for row in lines[1:])  # type: ignore[operator]
    assert book["Days"].max_row == 1 + 28
    months: defaultdict[str, int] = defaultdict(int)
    for row in csv.DictReader(Path("data/traffic/nyc_taxi.csv").read_text().splitlines()):
        months[row["timestamp"][:7]] += int(row["value"])
    past = {row[1]: row[3] for row in book["Past months"].iter_rows(min_row=2, values_only=True)}
    assert past["2014-07"] == round(months["2014-07"] * 0.01)
    assert past["2014-12"] == round(months["2014-12"] * 0.01)


def opened_in_libreoffice(paths: list[Path], folder: Path) -> dict[str, list[list[str]]]:
    """Open workbooks in LibreOffice, which recalculates them, and read each sheet by the name of its file."""
    assert SOFFICE is not None
    every = "csv:Text - txt - csv (StarCalc):44,34,76,1,,0,false,false,false,false,false,-1"
    profile = f"-env:UserInstallation={(folder / 'profile').as_uri()}"
    command = [
        SOFFICE,
        profile,
        "--headless",
        "--convert-to",
        every,
        "--outdir",
        str(folder),
        *map(str, paths),
    ]
    subprocess.run(command, check=True, capture_output=True, timeout=180)
    return {
        place.stem: list(csv.reader(place.read_text().splitlines()))
        for path in paths
        for place in folder.glob(f"{path.stem}-*.csv")
    }


@pytest.mark.skipif(SOFFICE is None, reason="needs LibreOffice")
def test_libreoffice_opens_each_workbook_with_the_same_figures(run: ls.RunResult, tmp_path: Path) -> None:
    scenario = tmp_path / "shop.yaml"
    scenario.write_text(SCENARIO)
    ls.save(run, tmp_path / "run")
    rides = "notebooks/scenarios/ride_receipts.yaml"
    for name, words in {
        "sweep": [
            "sweep-memory",
            scenario,
            "--function",
            "other",
            "--sizes",
            "256,512",
            "--replications",
            "2",
        ],
        "commitment": ["commit", tmp_path / "run"],
        "break_even": ["break-even", scenario, "--replications", "2"],
        "forecast": ["forecast", rides, "--month", "2015-02", "--paths", "20"],
    }.items():
        done = lambdasim(*words, "--xlsx", tmp_path / f"{name}.xlsx")
        assert done.returncode == 0, done.stderr
    write_table(run, tmp_path / "run.xlsx")
    books = sorted(tmp_path.glob("*.xlsx"))
    sheets = opened_in_libreoffice(books, tmp_path)
    assert [row[1] for row in sheets["run-Functions"][1:]] == ["1200", "600"]
    assert {
        "sweep-Sizes",
        "commitment-Plans",
        "break_even-Bills",
        "forecast-Lines",
        "forecast-Days",
    } <= sheets.keys()
    for path in books:
        for sheet in openpyxl.load_workbook(path):
            shown = sheets[f"{path.stem}-{sheet.title}"]
            assert not [cell for row in shown for cell in row if cell.startswith(("#", "Err:"))]
            for row, cells in enumerate(sheet.iter_rows(values_only=True)):
                for column, value in enumerate(cells):
                    if isinstance(value, int | float) and not isinstance(value, bool):
                        text = shown[row][column]
                        read = float(text.removesuffix("%")) / (100 if text.endswith("%") else 1)
                        assert read == pytest.approx(value, rel=1e-9, abs=1e-12)
