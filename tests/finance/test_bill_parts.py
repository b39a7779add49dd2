"""A bill that comes in several files, zipped, with a manifest: the same bill; and rows that AWS writes in other words."""

import csv
import gzip
import io
import json
import zipfile
from decimal import Decimal
from pathlib import Path

import pytest

from lambdasim.errors import InputError
from lambdasim.finance import read_actual_bill
from lambdasim.finance.actual.tables import LineClass

LEGACY = Path(__file__).with_name("bills") / "legacy_cur.csv"
TOTAL = Decimal("4.999688928")


def rows() -> tuple[list[str], list[dict[str, str]]]:
    reader = csv.DictReader(LEGACY.read_text().splitlines())
    return list(reader.fieldnames or ()), list(reader)


def text(chosen: list[dict[str, str]]) -> str:
    written = io.StringIO()
    writer = csv.DictWriter(written, rows()[0], lineterminator="\n")
    writer.writeheader()
    writer.writerows(chosen)
    return written.getvalue()


def parts(folder: Path, manifest: list[str] | None = None) -> Path:
    folder.mkdir()
    _, all_rows = rows()
    (folder / "report-00001.csv.gz").write_bytes(gzip.compress(text(all_rows[:1]).encode()))
    with zipfile.ZipFile(folder / "report-00002.csv.zip", "w") as archive:
        archive.writestr("report-00002.csv", text(all_rows[1:]))
    (folder / "old-00001.csv").write_text(text(all_rows))
    names = ["report-00001.csv.gz", "report-00002.csv.zip"] if manifest is None else manifest
    (folder / "report-Manifest.json").write_text(
        json.dumps({"reportKeys": [f"a/b/{name}" for name in names]})
    )
    return folder


def test_a_folder_is_the_parts_that_its_manifest_names(tmp_path: Path) -> None:
    whole, found = read_actual_bill(LEGACY), read_actual_bill(parts(tmp_path / "cur"))
    assert found.lines == whole.lines
    assert sum(line.cost for line in found.lines) == TOTAL
    assert found.foreign == whole.foreign
    assert found.notes == ("2 parts are one bill", *whole.notes)


def test_without_a_manifest_all_parts_count(tmp_path: Path) -> None:
    folder = parts(tmp_path / "cur")
    (folder / "report-Manifest.json").unlink()
    assert sum(line.cost for line in read_actual_bill(folder).lines) == 2 * TOTAL
    assert "3 parts are one bill" in read_actual_bill(folder).notes


def test_a_zip_archive_is_what_it_holds(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "cur.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.write(LEGACY, "report-1.csv")
        archive.writestr("report-Manifest.json", "{}")
    assert read_actual_bill(tmp_path / "cur.zip").lines == read_actual_bill(LEGACY).lines


def test_faults_name_the_part_and_its_row(tmp_path: Path) -> None:
    _, all_rows = rows()
    bad = [*all_rows[:1], all_rows[1] | {"lineItem/CurrencyCode": "EUR"}]
    with zipfile.ZipFile(tmp_path / "cur.zip", "w") as archive:
        archive.writestr("one.csv", text(bad))
    with pytest.raises(
        InputError, match=r"cur\.zip/one\.csv, row 3: lineItem/CurrencyCode: must be USD, got 'EUR'"
    ):
        read_actual_bill(tmp_path / "cur.zip")


@pytest.mark.parametrize(
    ("manifest", "told"),
    [(["report-00009.csv.gz"], r"report-00009\.csv\.gz: is missing, and the manifest names it")],
)
def test_a_manifest_without_its_parts_is_refused(tmp_path: Path, manifest: list[str], told: str) -> None:
    with pytest.raises(InputError, match=told):
        read_actual_bill(parts(tmp_path / "cur", manifest))


def test_what_holds_no_bill_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="holds no file of an export"):
        read_actual_bill(tmp_path)
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr("a.txt", "x")
    with pytest.raises(InputError, match="without a CSV file"):
        read_actual_bill(tmp_path / "a.zip")
    with zipfile.ZipFile(tmp_path / "bomb.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.csv", b"0" * (80 << 20))
    with pytest.raises(InputError, match="unpacks to more than is read"):
        read_actual_bill(tmp_path / "bomb.zip")
    (tmp_path / "torn.zip").write_bytes((tmp_path / "a.zip").read_bytes()[:40])
    with pytest.raises(InputError, match="cannot be unpacked"):
        read_actual_bill(tmp_path / "torn.zip")


def test_a_discount_by_another_name_is_a_credit(tmp_path: Path) -> None:
    _, all_rows = rows()
    discount = all_rows[0] | {
        "lineItem/LineItemType": "DistributorDiscount", "lineItem/UnblendedCost": "-0.5", "lineItem/UsageAmount": "",
    }  # fmt: skip
    (tmp_path / "cur.csv").write_text(text([*all_rows, discount]))
    found = read_actual_bill(tmp_path / "cur.csv")
    assert [line.cost for line in found.lines if line.key.line_class == "credit"] == [Decimal("-0.5")]


def test_the_word_null_in_a_focus_file_is_an_empty_cell(tmp_path: Path) -> None:
    cells = {
        "BilledCost": "0.53568", "EffectiveCost": "0.53568", "BillingCurrency": "USD", "ChargeCategory": "Usage",
        "ChargeClass": "null", "ChargePeriodStart": "2026-10-01T00:00:00Z", "ServiceName": "AWS Lambda",
        "PricingQuantity": "2678400", "PricingCategory": "Standard", "ListUnitPrice": "0.0000002",
        "ContractedUnitPrice": "NULL", "RegionId": "us-west-2", "Tags": "null", "SkuMeter": "USW2-Request",
    }  # fmt: skip
    (tmp_path / "focus.csv").write_text(",".join(cells) + "\n" + ",".join(cells.values()) + "\n")
    (line,) = read_actual_bill(tmp_path / "focus.csv").lines
    assert line.key.line_class is LineClass.USAGE
    assert (line.key.rate, line.quantity) == (Decimal("0.0000002"), Decimal(2678400))
