"""A bill that comes in several files, zipped, with a manifest: the same bill; and rows that AWS writes in other words."""

import csv
import gzip
import io
import json
import zipfile
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

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


def test_without_a_manifest_all_parts_of_one_delivery_count(tmp_path: Path) -> None:
    folder = parts(tmp_path / "cur")
    for name in ("report-Manifest.json", "old-00001.csv"):
        (folder / name).unlink()
    found = read_actual_bill(folder)
    assert sum(line.cost for line in found.lines) == TOTAL
    assert "2 parts are one bill" in found.notes


def test_two_deliveries_of_one_report_are_never_added_up(tmp_path: Path) -> None:
    folder = parts(tmp_path / "cur")
    (folder / "report-Manifest.json").unlink()
    with pytest.raises(
        InputError, match=r"report-00001\.csv\.gz: holds what old-00001\.csv holds: 1 row of 2026-10-01"
    ):
        read_actual_bill(folder)


NIGHT = {  # another night's delivery numbers line items anew, and the month has gone on
    "identity/LineItemId": "other",
    "lineItem/UsageAmount": "300000",
    "lineItem/UnblendedCost": "5.00001",
    "bill/InvoiceId": "Estimated",
}


@pytest.mark.parametrize(
    "second",
    [
        pytest.param(lambda row: row | NIGHT, id="a later night"),
        pytest.param(dict, id="a copy"),
    ],
)
def test_a_report_beside_its_later_delivery_is_refused(tmp_path: Path, second: Callable[..., Any]) -> None:
    _, all_rows = rows()
    (tmp_path / "a.csv").write_text(text(all_rows))
    (tmp_path / "b.csv").write_text(text([second(row) for row in all_rows]))
    with pytest.raises(InputError, match=r"b\.csv: holds what a\.csv holds"):
        read_actual_bill(tmp_path)


@pytest.mark.parametrize(
    "change",
    [
        {"lineItem/UsageAccountId": "210987654321"},
        {"lineItem/UsageStartDate": "2026-11-01T00:00:00Z", "lineItem/UsageEndDate": "2026-12-01T00:00:00Z"},
        {"lineItem/ResourceId": "arn:aws:lambda:us-west-2:123456789012:function:pay"},
    ],
)
def test_what_is_of_other_usage_is_added_up(tmp_path: Path, change: dict[str, str]) -> None:
    _, all_rows = rows()
    (tmp_path / "a.csv").write_text(text(all_rows))
    (tmp_path / "b.csv").write_text(text([row | change for row in all_rows]))
    assert sum(line.cost for line in read_actual_bill(tmp_path).lines) == 2 * TOTAL


def test_days_that_two_parts_share_are_refused_though_most_days_differ(tmp_path: Path) -> None:
    _, all_rows = rows()

    def days(first: int, last: int) -> list[dict[str, str]]:
        return [
            row | {"lineItem/UsageStartDate": f"2026-10-{day:02}T00:00:00Z", "identity/LineItemId": f"{day} {number}"}
            for day in range(first, last)
            for number, row in enumerate(all_rows)
        ]  # fmt: skip

    (tmp_path / "a.csv").write_text(text(days(1, 11)))
    (tmp_path / "b.csv").write_text(text(days(11, 30)))
    assert sum(line.cost for line in read_actual_bill(tmp_path).lines) == 29 * TOTAL
    (tmp_path / "b.csv").write_text(text(days(10, 30)))
    with pytest.raises(InputError, match=r"2 rows of 2026-10-10 are of the same usage"):
        read_actual_bill(tmp_path)


def cut(hours: int, per: int) -> list[dict[str, str]]:
    """Give two days of even usage in rows of so many hours, `per` an hour."""
    _, all_rows = rows()
    return [
        row
        | {
            "identity/LineItemId": f"{hours} {start} {number}",
            "lineItem/UsageStartDate": f"2026-10-{1 + start // 24:02}T{start % 24:02}:00:00Z",
            "lineItem/UsageEndDate": f"2026-10-{1 + (start + hours) // 24:02}T{(start + hours) % 24:02}:00:00Z",
            "lineItem/UsageAmount": str(per * hours * (1 + number)),
        }
        for start in range(0, 48, hours)
        for number, row in enumerate(all_rows)
        if row["lineItem/ProductCode"] == "AWSLambda"
    ]


def test_one_month_by_hour_and_by_day_is_two_reports(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text(text(cut(24, 10)))
    (tmp_path / "b.csv").write_text(text(cut(1, 11)))  # the night between them has gone on
    with pytest.raises(
        InputError, match=r"b\.csv: holds \S+ of 2026-10 by hour, where a\.csv has it by day: two"
    ):
        read_actual_bill(tmp_path)
    (tmp_path / "a.csv").write_text(text(rows()[1]))
    with pytest.raises(InputError, match=r"by hour, where a\.csv has it by month"):
        read_actual_bill(tmp_path)


def test_days_and_then_hours_of_other_days_are_added_up(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text(text(cut(24, 10)[: len(cut(24, 10)) // 2]))
    (tmp_path / "b.csv").write_text(text(cut(1, 10)[len(cut(1, 10)) // 2 :]))
    added = sum(line.quantity for line in read_actual_bill(tmp_path).lines)
    assert added == 10 * 48 * 3


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ({}, {"lineItem/ResourceId": ""}),
        ({}, {"resourceTags/user:team": "shop"}),
        ({"lineItem/UsageEndDate": ""}, {"lineItem/UsageEndDate": "", "lineItem/UsageStartDate": "2026-10-01T07:00:00Z"}),
    ],
    ids=["resources", "tags", "hours without their ends"],
)  # fmt: skip
def test_equal_sums_with_other_columns_filled_are_two_reports(
    tmp_path: Path, first: dict[str, str], second: dict[str, str]
) -> None:
    names, all_rows = rows()
    for name, change in (("a", first), ("b", second)):
        written = io.StringIO()
        writer = csv.DictWriter(written, [*names, "resourceTags/user:team"])
        writer.writeheader()
        writer.writerows(row | change for row in all_rows)
        (tmp_path / f"{name}.csv").write_text(written.getvalue())
    with pytest.raises(
        InputError, match=r"b\.csv: holds the usage of 2026-10-01, to the same sums, as a\.csv"
    ):
        read_actual_bill(tmp_path)


def test_tags_tell_rows_apart(tmp_path: Path) -> None:
    _, all_rows = rows()
    for name in ("a", "b"):
        lines = [f"{line},{'resourceTags/user:team' if not number else name}"
                 for number, line in enumerate(text(all_rows).splitlines())]  # fmt: skip
        (tmp_path / f"{name}.csv").write_text("\n".join(lines))
    assert sum(line.cost for line in read_actual_bill(tmp_path).lines) == 2 * TOTAL


def test_a_line_item_stands_in_a_file_once(tmp_path: Path) -> None:
    _, all_rows = rows()
    (tmp_path / "a.csv").write_text(text([*all_rows, all_rows[0]]))
    with pytest.raises(InputError, match=r"a\.csv: 1 line item stands in it twice"):
        read_actual_bill(tmp_path / "a.csv")


def test_the_manifest_of_data_exports_names_its_files_too(tmp_path: Path) -> None:
    folder = parts(tmp_path / "cur")
    files = [
        f"s3://bucket/x/data/BILLING_PERIOD=2026-10/report-0000{name}" for name in ("1.csv.gz", "2.csv.zip")
    ]
    (folder / "report-Manifest.json").write_text(json.dumps({"executionId": "x", "dataFiles": files}))
    assert sum(line.cost for line in read_actual_bill(folder).lines) == TOTAL


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
    with zipfile.ZipFile(tmp_path / "spoilt.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.csv", LEGACY.read_text())
    content = bytearray((tmp_path / "spoilt.zip").read_bytes())
    content[35:60] = bytes(range(25))  # within what is deflated
    (tmp_path / "spoilt.zip").write_bytes(content)
    with pytest.raises(InputError, match="cannot be unpacked"):
        read_actual_bill(tmp_path / "spoilt.zip")
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
