"""FOCUS files: sums that are exact, every rule of the table, and broken files that are refused."""

import csv
import io
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from decimal import Decimal
from fractions import Fraction
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from lambdasim.billing import Bill, ExchangeRate, Usage, converted, plain, price
from lambdasim.catalog import regions
from lambdasim.errors import InputError
from lambdasim.finance import Origin, check_focus, focus_rows, write_focus, write_focus_quantiles
from lambdasim.finance.focus.columns import FocusVersion, Level, focus_columns

ORIGIN = Origin(
    scenario="shop",
    run="abc-1",
    account_id="123456789012",
    account_name="Payer",
    tags={"api": {"team": 'web, "core"'}},
)


def usage(function: str, architecture: str = "x86_64", region: str = "us-east-1", **counts: int) -> Usage:
    row = Usage("2026-11", region, function, architecture, 1769, 1024, "zip", "python3.13")
    return replace(row, **counts)


@pytest.fixture(scope="module")
def bill() -> Bill:
    """All tiers, the free tier shared by regions, provisioned concurrency, three functions that share badly."""
    big = 15_000_000_000_003
    return price(
        [
            usage("api", requests=3_333_333, billed_ms_with_init=big, billed_ms_without_init=big),
            usage("resize", requests=7, billed_ms_with_init=1, billed_ms_without_init=1),
            usage("web", "arm64", "eu-central-1", requests=1_000_001, billed_ms_with_init=10**9 + 7,
                  billed_ms_without_init=10**9, provisioned_requests=13, provisioned_billed_ms=977,
                  provisioned_allocated_s=7200),
        ]
    )  # fmt: skip


@pytest.mark.parametrize("version", list(FocusVersion))
@pytest.mark.parametrize("suffix", ["csv", "parquet"])
@pytest.mark.parametrize("by_function", [True, False])
def test_a_file_passes_the_checker_and_sums_to_the_bill(
    tmp_path: Path, bill: Bill, version: FocusVersion, suffix: str, by_function: bool
) -> None:
    path = write_focus(
        bill, tmp_path / f"b.{suffix}", origin=ORIGIN, version=version, by_function=by_function
    )
    assert check_focus(path, version) == bill.total


def test_tiers_and_the_free_tier_are_rows_of_their_own(bill: Bill) -> None:
    rows = focus_rows(bill, by_function=False)
    assert len(rows) == len(bill.items)
    assert [row["BilledCost"] for row in rows] == [plain(item.amount) for item in bill.items]
    free = [row for row in rows if row["SkuPriceId"].endswith("/free")]
    assert {row["BilledCost"] for row in free} == {"0"}
    assert {row["x_UsageType"] for row in free} == {"Global-Request", "Global-Lambda-GB-Second"}
    duration = [row for row in rows if row["x_UsageType"] == "Lambda-GB-Second"]
    assert [row["SkuPriceId"] for row in duration] == [
        f"AWSLambda/Lambda-GB-Second/tier-{number}" for number in (1, 2, 3)
    ]


def test_functions_are_resources_and_their_rows_sum_to_lines_and_usage(bill: Bill) -> None:
    rows = focus_rows(bill, origin=ORIGIN)
    assert (
        rows[0]["ResourceId"]
        == f"arn:aws:lambda:{rows[0]['RegionId']}:123456789012:function:{rows[0]['ResourceName']}"
    )
    for item in bill.items:
        parts = [share for share in bill.shares() if share.line == item]
        assert sum(Fraction(part.amount) for part in parts) == Fraction(item.amount)
        assert sum(Fraction(part.quantity) for part in parts) == Fraction(item.quantity)
    by_function = bill.by_function()
    unit = Fraction("0.0000002") * 3  # a few requests or MB-ms, the price of the dearest
    for name, exact in by_function.items():
        parts = [Fraction(share.amount) for share in bill.shares() if share.function == name]
        assert abs(sum(parts) - exact) <= unit
    tagged = {row["ResourceName"]: row["Tags"] for row in rows}
    assert tagged["api"] == '{"team": "web, \\"core\\""}'
    assert tagged["web"] is None


def test_another_currency_bills_in_it_and_prices_in_usd(tmp_path: Path, bill: Bill) -> None:
    rate = ExchangeRate("EUR", Decimal("0.9137"), date(2026, 11, 30), "ECB")
    path = write_focus(bill, tmp_path / "b.csv", exchange=rate)
    assert check_focus(path) == converted(bill, rate).total
    row = focus_rows(bill, exchange=rate)[-1]
    assert (row["BillingCurrency"], row["PricingCurrency"]) == ("EUR", "USD")
    assert Fraction(row["ListUnitPrice"]) == Fraction(row["PricingCurrencyListUnitPrice"]) * Fraction(
        "0.9137"
    )
    with pytest.raises(InputError, match="must be in USD"):
        focus_rows(converted(bill, rate))


def test_parquet_has_exact_decimals_and_no_floats(tmp_path: Path, bill: Bill) -> None:
    table = pq.read_table(write_focus(bill, tmp_path / "b.parquet", origin=ORIGIN))
    assert not [field.name for field in table.schema if str(field.type) in ("double", "float")]
    assert str(table.schema.field("ChargePeriodStart").type) == "timestamp[us, tz=UTC]"
    assert sum(map(Fraction, table["BilledCost"].to_pylist())) == Fraction(bill.total)


def test_equal_bills_give_equal_bytes(tmp_path: Path, bill: Bill) -> None:
    for suffix in ("csv", "parquet"):
        one, two = (write_focus(bill, tmp_path / f"{name}.{suffix}", origin=ORIGIN) for name in "ab")
        assert one.read_bytes() == two.read_bytes()


def test_quantiles_are_files_of_their_own(tmp_path: Path, bill: Bill) -> None:
    paths = write_focus_quantiles({"P10": bill, "P90": bill}, tmp_path / "bill.csv", origin=ORIGIN)
    assert [path.name for path in paths] == ["bill.P10.csv", "bill.P90.csv"]
    mixed = tmp_path / "mixed.csv"
    mixed.write_text(paths[0].read_text() + "".join(paths[1].read_text().splitlines(keepends=True)[1:]))
    with pytest.raises(InputError, match="x_Quantile: must be 'P10' as above, got 'P90'"):
        check_focus(mixed)
    with pytest.raises(InputError, match="letters and digits"):
        write_focus_quantiles({"../P10": bill}, tmp_path / "bill.csv")


def test_names_are_no_formulas() -> None:
    evil = '=HYPERLINK("http://x")'
    text = io.StringIO()
    from lambdasim.finance.focus.writer import focus_csv

    rows = focus_rows(price([usage(evil, requests=5_000_000)]), origin=Origin(scenario="@SUM(A1)"))
    text.write(focus_csv(rows, FocusVersion.V1_2))
    text.seek(0)
    for row in csv.reader(text):
        assert not [cell for cell in row if cell[:1] in tuple("=+-@\t\r")]


def test_a_bill_without_usage_is_a_header(tmp_path: Path) -> None:
    assert check_focus(write_focus(price([]), tmp_path / "b.csv")) == 0


# The checker fails on broken files: each rule of the table, column by column.


NEEDED_BY_OURS = {
    "ConsumedQuantity", "ConsumedUnit", "RegionId", "RegionName", "ResourceId", "ResourceType", "SkuId", "SkuPriceId",
    "SubAccountId", "SubAccountType",
}  # fmt: skip
"""Columns that may be absent, but not beside the other columns that our files fill."""


def broken(path: Path, bill: Bill, change: Callable[[list[dict[str, str]]], None], version: str) -> None:
    path.unlink(missing_ok=True)
    write_focus(bill, path, origin=ORIGIN, version=version)
    rows = list(csv.DictReader(path.read_text().splitlines()))
    change(rows)
    with path.open("w", newline="") as stream:
        writer = csv.DictWriter(stream, fieldnames=list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)


@pytest.mark.parametrize("version", list(FocusVersion))
def test_every_mandatory_column_must_be_there(tmp_path: Path, bill: Bill, version: FocusVersion) -> None:
    for name, column in focus_columns(version).items():
        path = tmp_path / "b.csv"
        broken(path, bill, lambda rows: [row.pop(name) for row in rows], version)  # noqa: B023
        if name in NEEDED_BY_OURS:
            with pytest.raises(InputError, match=rf"row 2: {name}: must not be null where "):
                check_focus(path, version)
            continue
        if column.level is not Level.MANDATORY:
            assert check_focus(path, version) == bill.total
            continue
        with pytest.raises(InputError, match=rf"b.csv: {name}: is missing; the column is mandatory"):
            check_focus(path, version)


@pytest.mark.parametrize("version", list(FocusVersion))
def test_every_column_that_is_not_nullable_must_be_filled(
    tmp_path: Path, bill: Bill, version: FocusVersion
) -> None:
    for name, column in focus_columns(version).items():
        if not column.nullable:
            path = tmp_path / "b.csv"
            broken(path, bill, lambda rows: rows[1].update({name: ""}), version)  # noqa: B023
            with pytest.raises(InputError, match=rf"row 3: {name}: must not be null"):
                check_focus(path, version)


@pytest.mark.parametrize("version", list(FocusVersion))
def test_every_typed_column_refuses_another_type(tmp_path: Path, bill: Bill, version: FocusVersion) -> None:
    for name, column in focus_columns(version).items():
        if column.allowed or column.kind != "text":
            path = tmp_path / "b.csv"
            broken(path, bill, lambda rows: rows[0].update({name: "1,5 lambda-GB"}), version)  # noqa: B023
            with pytest.raises(InputError, match=rf"row 2: {name}: must be .*, got '1,5 lambda-GB'"):
                check_focus(path, version)


@pytest.mark.parametrize(
    ("cells", "message"),
    [
        ({"BilledCost": "+1"}, "BilledCost: must be a number"),
        ({"BilledCost": "1e-7"}, "BilledCost: must be a number"),
        ({"BilledCost": "NaN"}, "BilledCost: must be a number"),
        ({"ChargePeriodStart": "2026-11-01"}, "ChargePeriodStart: must be a moment in UTC"),
        ({"ChargePeriodEnd": "2026-11-01T00:00:00Z"}, "ChargePeriodEnd: must be after ChargePeriodStart"),
        ({"BillingCurrency": "usd"}, "BillingCurrency: must be an ISO 4217 code"),
        ({"ChargeCategory": "Forecast"}, "ChargeCategory: must be one of Usage, Purchase, Tax, Credit, Adjustment"),
        ({"ServiceSubcategory": "Lambdas"}, "ServiceSubcategory: must be one of Containers"),
        ({"PricingUnit": "Lambda-GB-Second"}, "PricingUnit: must be a unit as FOCUS writes it"),
        ({"PricingUnit": ""}, "PricingUnit: must not be null for a charge of usage"),
        ({"ListUnitPrice": ""}, "ListUnitPrice: must not be null for a charge of usage"),
        ({"SkuPriceDetails": "[1]"}, "SkuPriceDetails: must be a JSON object"),
        ({"ListCost": "0.5"}, "ListCost: must be PricingQuantity times ListUnitPrice"),
        ({"x_Run": "another"}, "x_Run: must be 'abc-1' as above, got 'another'"),
    ],
)  # fmt: skip
def test_a_bad_cell_is_named(tmp_path: Path, bill: Bill, cells: dict[str, str], message: str) -> None:
    path = tmp_path / "b.csv"
    broken(path, bill, lambda rows: rows[-1].update(cells), "1.2")
    with pytest.raises(InputError, match=message) as caught:
        check_focus(path)
    assert f"row {len(bill.shares()) + 1}" in str(caught.value)


def test_own_columns_come_last_and_begin_with_x(tmp_path: Path, bill: Bill) -> None:
    path = tmp_path / "b.csv"
    broken(path, bill, lambda rows: [row.update({"Team": "a"}) for row in rows], "1.2")
    with pytest.raises(InputError, match="Team: is no column of FOCUS; own columns begin with x_"):
        check_focus(path)
    broken(path, bill, lambda rows: [row.update({"Tags": row.pop("Tags")}) for row in rows], "1.2")
    with pytest.raises(InputError, match="Tags: must stand before the columns that begin with x_"):
        check_focus(path)


def test_versions_are_told_apart(tmp_path: Path, bill: Bill) -> None:
    path = write_focus(bill, tmp_path / "b.csv", version="1.4")
    with pytest.raises(InputError, match="ProviderName: is missing"):
        check_focus(path, "1.2")
    with pytest.raises(InputError, match=r"must be 1.2 or 1.4, got '1.3'"):
        write_focus(bill, path, version="1.3")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "the file is empty"),
        (b"PAR1 and no more", "is not Parquet that can be read"),
        (b"BilledCost,BilledCost\n1,1\n", "must name each column once"),
        (b"BilledCost\n\xff\n", "must be UTF-8 text"),
        (b"BilledCost\n1,2\n", "must have 1 fields like the header"),
    ],
)
def test_what_is_no_table_is_one_clear_error(tmp_path: Path, content: bytes, message: str) -> None:
    path = tmp_path / "b.csv"
    path.write_bytes(content)
    with pytest.raises(InputError, match=message):
        check_focus(path)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (("eur", Decimal("0.9"), date(2026, 11, 1)), "currency: must be an ISO 4217 code"),
        (("EUR", 0.9, date(2026, 11, 1)), "per_usd: must be a Decimal above 0"),
        (("EUR", Decimal(0), date(2026, 11, 1)), "per_usd: must be a Decimal above 0"),
        (("EUR", Decimal("NaN"), date(2026, 11, 1)), "per_usd: must be a Decimal above 0"),
        (("EUR", Decimal("0.1234567890123456789012"), date(2026, 11, 1)), "at most 20 digits"),
        (("EUR", Decimal(1), "2026-11-01"), "on: must be a datetime.date"),
        (("USD", Decimal(2), date(2026, 11, 1)), "must be 1 for USD"),
    ],
)
def test_an_exchange_rate_is_checked(values: tuple[str, Decimal, date], message: str) -> None:
    with pytest.raises(InputError, match=message):
        ExchangeRate(*values)


def test_an_account_is_twelve_digits() -> None:
    with pytest.raises(InputError, match="account_id: must be 12 digits, got '12'"):
        Origin(account_id="12")


def test_a_region_has_its_name(bill: Bill) -> None:
    names = {(row["RegionId"], row["RegionName"]) for row in focus_rows(bill)}
    assert names == {("us-east-1", "US East (N. Virginia)"), ("eu-central-1", "Europe (Frankfurt)")}
    for region in regions():
        (row, *_) = focus_rows(
            price(
                [replace(usage("f", region=region, billed_ms_with_init=2), ephemeral_mb=512)], free_tier=False
            )
        )
        assert row["RegionName"] not in (None, region)


def changed(path: Path, cells: dict[str, str]) -> Path:
    """The file with these cells in its first row."""
    rows = list(csv.DictReader(path.read_text().splitlines()))
    rows[0] |= cells
    with path.open("w", newline="") as stream:
        writer = csv.DictWriter(stream, fieldnames=list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return path


LONELY = [
    ({"CommitmentDiscountId": "sp-1"}, ["Category", "Type", "Status"]),
    ({"CommitmentDiscountId": "sp-1", "CommitmentDiscountCategory": "Spend", "CommitmentDiscountType": "Compute"},
     ["CommitmentDiscountStatus: must not be null where CommitmentDiscountId is 'sp-1'"]),
    ({"CommitmentDiscountName": "plan"}, ["CommitmentDiscountId: must not be null"]),
    ({"ResourceId": ""}, ["ResourceId: must not be null where ResourceName is"]),
    ({"ResourceId": "", "ResourceName": ""}, ["ResourceId: must not be null where ResourceType is 'Function'"]),
    ({"ResourceType": ""}, ["ResourceType: must not be null where ResourceId is"]),
    ({"SubAccountId": "", "SubAccountType": ""}, ["SubAccountId: must not be null where SubAccountName is 'Payer'"]),
    ({"RegionName": ""}, ["RegionName: must not be null where RegionId is"]),
    ({"RegionId": ""}, ["RegionId: must not be null where RegionName is"]),
    ({"SkuId": ""}, ["SkuId: must not be null where SkuMeter is"]),
    ({"CommitmentDiscountId": "sp-1", "CommitmentDiscountCategory": "Spend", "CommitmentDiscountType": "Compute",
      "CommitmentDiscountStatus": "Used", "CommitmentDiscountQuantity": "1"},
     ["CommitmentDiscountUnit: must not be null where CommitmentDiscountQuantity is '1'"]),
]  # fmt: skip


@pytest.mark.parametrize(("cells", "messages"), LONELY)
def test_a_value_that_needs_another_is_not_alone(
    tmp_path: Path, bill: Bill, cells: dict[str, str], messages: list[str]
) -> None:
    path = changed(write_focus(bill, tmp_path / "b.csv", origin=ORIGIN), cells)
    with pytest.raises(InputError) as caught:
        check_focus(path)
    assert "b.csv, row 2: " in str(caught.value)
    for message in messages:
        assert message in str(caught.value)


def test_a_whole_commitment_is_good(tmp_path: Path, bill: Bill) -> None:
    whole = {
        "CommitmentDiscountId": "sp-1",
        "CommitmentDiscountCategory": "Spend",
        "CommitmentDiscountType": "Compute Savings Plans",
        "CommitmentDiscountStatus": "Used",
    }
    assert check_focus(changed(write_focus(bill, tmp_path / "b.csv", origin=ORIGIN), whole)) == bill.total


def test_a_column_that_the_file_lacks_is_named_once(tmp_path: Path, bill: Bill) -> None:
    path = write_focus(bill, tmp_path / "b.csv", origin=ORIGIN)
    rows = [{name: cell for name, cell in row.items() if name != "RegionName"} for row in csv.DictReader(
        path.read_text().splitlines())]  # fmt: skip
    with path.open("w", newline="") as stream:
        writer = csv.DictWriter(stream, fieldnames=list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    with pytest.raises(InputError, match="RegionName: must not be null where RegionId is") as caught:
        check_focus(path)
    assert len(caught.value.faults) == 1


def test_a_column_of_others_is_named_as_text(tmp_path: Path) -> None:
    """Names of columns come from the file; whatever they hold, an error shows them escaped and short."""
    path = tmp_path / "bill.csv"
    path.write_text("\x1b[2J\u202e" + "n" * 90 + ",BilledCost\n,1\n", encoding="utf-8")
    with pytest.raises(InputError) as refused:
        check_focus(path)
    assert "\\x1b[2J\\u202e" in str(refused.value)
    assert "\x1b" not in str(refused.value)
    assert "n" * 60 not in str(refused.value)
