"""A real bill beside ours: CUR 2.0 and FOCUS, exact explanations, stated treatments, clear errors."""

import csv
import gzip
import re
from collections.abc import Iterable
from dataclasses import replace
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from lambdasim.billing import Bill, Usage, plain, price
from lambdasim.errors import InputError
from lambdasim.finance import BillComparison, ComparedLine, compare_bill, read_actual_bill, write_focus

CUR_COLUMNS = [
    "bill_billing_period_start_date",
    "line_item_usage_start_date",
    "line_item_line_item_type",
    "line_item_product_code",
    "line_item_usage_type",
    "line_item_operation",
    "line_item_usage_amount",
    "line_item_currency_code",
    "line_item_unblended_rate",
    "line_item_unblended_cost",
    "line_item_resource_id",
    "pricing_rate_code",
    "savings_plan_savings_plan_effective_cost",
]
HEADER = ",".join(CUR_COLUMNS)
Row = dict[str, str]


def usage(function: str = "api", **counts: Any) -> Usage:
    row = Usage("2026-11", "us-east-2", function, "arm64", 1024, 512, "zip", "python3.13")
    return replace(row, **counts)


USAGES = [
    usage("api", requests=3_000_000, billed_ms_with_init=9 * 10**12, billed_ms_without_init=1),
    usage("web", requests=1_500_000, billed_ms_with_init=10**12, billed_ms_without_init=0, provisioned_requests=5,
          provisioned_billed_ms=99, provisioned_allocated_s=3600),
]  # fmt: skip


@pytest.fixture(scope="module")
def bill() -> Bill:
    return price(USAGES)


def cur_row(usage_type: str, quantity: str, rate: str, cost: str, kind: str = "Usage", **more: str) -> Row:
    row = dict.fromkeys(CUR_COLUMNS, "") | {
        "bill_billing_period_start_date": "2026-11-01T00:00:00.000Z",
        "line_item_usage_start_date": "2026-11-07T10:00:00.000Z",
        "line_item_line_item_type": kind,
        "line_item_product_code": "AWSLambda",
        "line_item_usage_type": usage_type,
        "line_item_usage_amount": quantity,
        "line_item_currency_code": "USD",
        "line_item_unblended_rate": rate,
        "line_item_unblended_cost": cost,
    }
    return row | more


def cur_rows(bill: Bill) -> list[Row]:
    """The bill as AWS would export it: a row for each function, tier and line."""
    return [
        cur_row(share.line.usage_type, plain(share.quantity), plain(share.line.rate), plain(share.amount))
        for share in bill.shares()
    ]


def write_cur(path: Path, rows: Iterable[Row]) -> Path:
    with path.open("w", newline="") as stream:
        writer = csv.DictWriter(stream, fieldnames=CUR_COLUMNS)
        writer.writeheader()
        writer.writerows(rows)
    return path


def said(line: ComparedLine) -> str:
    """The note without how well our rate is known: in us-east-2 some are derived."""
    return line.note.split("; our rate is")[0]


def check_sums(found: BillComparison) -> None:
    for line in found.lines:
        parts = [Fraction(part) for part in (line.from_usage, line.from_rate, line.from_other)]
        assert sum(parts) == Fraction(line.difference)
    assert Fraction(found.sum("actual_cost")) == Fraction(found.actual.total)


def test_an_equal_bill_has_no_difference(tmp_path: Path, bill: Bill) -> None:
    cur = write_cur(tmp_path / "cur.csv", cur_rows(bill))
    packed = tmp_path / "cur.csv.gz"
    packed.write_bytes(gzip.compress(cur.read_bytes()))
    focus = [write_focus(bill, tmp_path / f"f.{kind}", version="1.4") for kind in ("csv", "parquet")]
    for path in (cur, packed, *focus):
        for ours in (bill, USAGES):
            found = compare_bill(path, ours)
            check_sums(found)
            assert found.sum("our_cost") == bill.total
            assert {said(line) for line in found.lines} == {"same"}
            assert {line.difference for line in found.lines} == {0}
            assert str(found).endswith("difference $0.00: usage $0.00, rate $0.00, other $0.00")
    tiers = [
        line.line for line in compare_bill(cur, bill).lines if line.usage_type == "USE2-Lambda-GB-Second-ARM"
    ]
    assert tiers == ["tier 1", "tier 2"]


def test_a_bill_of_millions_has_a_text(tmp_path: Path, bill: Bill) -> None:
    found = compare_bill(write_cur(tmp_path / "cur.csv", cur_rows(bill)), bill)
    large = [replace(line, actual_cost=Decimal("-12345678901.25")) for line in found.lines]
    assert "-$12,345,678,901.25" in replace(found, lines=tuple(large)).text()


def test_tiers_of_one_usage_type_are_told_apart_however_wide_the_amounts_are(
    tmp_path: Path, bill: Bill
) -> None:
    found = compare_bill(write_cur(tmp_path / "cur.csv", cur_rows(bill)), bill)
    for cost in ("-0.000552", "-12345.25", "-12345678901.25"):
        wide = replace(
            found,
            lines=tuple(
                replace(
                    found.lines[0],
                    actual_cost=Decimal(cost),
                    usage_type="APN1-Lambda-GB-Second-ARM",
                    line=f"tier {tier}",
                )
                for tier in (1, 2)
            ),
        )
        rows = [re.split(r"  +| -?\$", row[11:])[0] for row in wide.text().splitlines()]
        assert [row[-6:] for row in rows if row.startswith("APN1")] == ["tier 1", "tier 2"]


def test_parquet_with_doubles_is_read_as_it_was_meant(tmp_path: Path, bill: Bill) -> None:
    rows = cur_rows(bill)
    columns: dict[str, list[Any]] = {name: [row[name] or None for row in rows] for name in CUR_COLUMNS}
    for name in ("line_item_usage_amount", "line_item_unblended_cost"):
        columns[name] = [float(text) for text in columns[name]]
    path = tmp_path / "cur.parquet"
    pq.write_table(pa.table(columns), path)
    found = compare_bill(path, bill)
    check_sums(found)
    assert abs(float(found.sum("difference"))) < 1e-6


def test_parquet_of_many_rows_in_few_bytes_is_refused_before_a_row_is_read(
    tmp_path: Path, bill: Bill
) -> None:
    row = cur_rows(bill)[0]
    names = [name for name in CUR_COLUMNS if row[name]]
    path = tmp_path / "bomb.parquet"
    same = pa.array(np.zeros(100_000, dtype=np.int32))
    columns = {name: pa.DictionaryArray.from_arrays(same, pa.array([row[name]])) for name in names}
    table = pa.table({name: column.cast(pa.string()) for name, column in columns.items()})
    with pq.ParquetWriter(path, table.schema) as writer:
        for _ in range(11):
            writer.write_table(table)
    assert path.stat().st_size < 100_000
    with pytest.raises(InputError, match=r"bomb\.parquet: unpacks to 1,100,000 rows"):
        compare_bill(path, bill)


def test_a_wide_cell_of_parquet_is_refused_before_it_is_read(tmp_path: Path, bill: Bill) -> None:
    columns = {name: [row[name] or None for row in cur_rows(bill)] for name in CUR_COLUMNS}
    columns["line_item_usage_type"][0] = "x" * (80 << 20)
    pq.write_table(pa.table(columns), tmp_path / "wide.parquet", compression="zstd")
    with pytest.raises(InputError, match=r"wide\.parquet: unpacks to"):
        compare_bill(tmp_path / "wide.parquet", bill)


def test_other_usage_and_another_rate_are_told_apart(tmp_path: Path, bill: Bill) -> None:
    rows = cur_rows(bill)
    for row in rows:
        if row["line_item_usage_type"] == "USE2-Request-ARM":
            quantity = 2 * int(row["line_item_usage_amount"])  # twice the usage
            row |= {
                "line_item_usage_amount": str(quantity),
                "line_item_unblended_cost": f"{quantity * 2e-7:.9f}",
            }
        elif row["line_item_usage_type"] == "USE2-Lambda-Provisioned-Concurrency-ARM":
            cost = Fraction(row["line_item_usage_amount"]) * Fraction("0.000003")  # a negotiated rate
            row |= {
                "line_item_unblended_rate": "0.0000030000",
                "line_item_unblended_cost": f"{float(cost):.9f}",
            }
    found = compare_bill(write_cur(tmp_path / "cur.csv", rows), bill)
    check_sums(found)
    lines = {(line.usage_type, line.line): line for line in found.lines}
    requests = lines["USE2-Request-ARM", "tier 1"]
    assert requests.from_usage == requests.difference == Decimal("0.7")
    assert (requests.from_rate, said(requests)) == (0, "same rate")
    provisioned = lines["USE2-Lambda-Provisioned-Concurrency-ARM", "tier 1"]
    assert provisioned.from_usage == 0
    assert (
        provisioned.from_rate
        == provisioned.difference
        == Decimal("3600") * (Decimal("0.000003") - Decimal("0.0000033334"))
    )
    assert said(provisioned) == "rate -10.0%"


def test_a_savings_plan_is_usage_at_a_lower_rate(tmp_path: Path) -> None:
    ours = price([usage(requests=0, billed_ms_with_init=10**9)], free_tier=False)
    (item,) = ours.items
    half = item.quantity / 2
    listed, rate = plain(half * item.rate), plain(item.rate)
    covered = cur_row(item.usage_type, plain(half), rate, listed, "SavingsPlanCoveredUsage",
                      savings_plan_savings_plan_effective_cost=plain(half * Decimal("0.0000117")))  # fmt: skip
    rows = [
        cur_row(item.usage_type, plain(half), rate, listed),
        covered,
        cur_row(item.usage_type, "0", "", f"-{listed}", "SavingsPlanNegation"),
        cur_row(
            "ComputeSP",
            "1",
            "",
            "50",
            "SavingsPlanRecurringFee",
            line_item_product_code="ComputeSavingsPlans",
        ),
    ]
    found = compare_bill(write_cur(tmp_path / "cur.csv", rows), ours)
    check_sums(found)
    assert [line.line for line in found.lines] == ["tier 1", "savings_plan"]
    assert found.sum("from_usage") == 0
    assert found.sum("from_rate") == half * (Decimal("0.0000117") - item.rate)
    assert found.sum("difference") == found.sum("from_rate")
    assert found.actual.notes == (
        "1 row of other services stands apart",
        "1 row that negates what a Savings Plan covers was left out; that usage is at its effective cost",
    )


def test_credits_taxes_fees_and_rows_without_rate_have_a_stated_treatment(tmp_path: Path, bill: Bill) -> None:
    rows = cur_rows(bill)
    rows[-1]["line_item_unblended_rate"] = ""
    rows += [
        cur_row("USE2-Request-ARM", "", "", "-1.5", "Credit"),
        cur_row("USE2-Request-ARM", "5", "", "-0.25"),
        cur_row("USE2-Request-ARM", "", "", "0.125"),
        cur_row("", "1", "", "2", "Tax"),
        cur_row("USE2-Lambda-GB-Second-ARM", "0", "", "-3", "EdpDiscount"),
    ]
    found = compare_bill(write_cur(tmp_path / "cur.csv", rows), bill)
    check_sums(found)
    others = {(line.usage_type, line.line): line.from_other for line in found.lines if line.from_other}
    assert others == {
        ("USE2-Request-ARM", "credit"): Decimal("-1.75"),
        ("USE2-Request-ARM", "other"): Decimal("0.125"),
        ("USE2-Lambda-GB-Second-ARM", "credit"): Decimal(-3),
        ("", "tax"): Decimal(2),
    }
    assert found.sum("from_usage") == found.sum("from_rate") == 0
    assert found.actual.notes == (
        "1 row of usage states no rate: its is cost by quantity",
        "1 row of usage has a cost and no quantity: it is shown as other",
        "1 row of usage has a negative cost: it is shown as credit",
    )


def test_what_one_bill_has_alone_is_usage(tmp_path: Path, bill: Bill) -> None:
    kept = [row for row in cur_rows(bill) if "Provisioned" not in row["line_item_usage_type"]]
    kept.append(cur_row("USE2-Lambda-Durable-Operations", "10", "0.000008", "0.00008"))
    kept.append(cur_row("USE2-Request-ARM", "7", "0.0000001", "0.0000007"))
    found = compare_bill(write_cur(tmp_path / "cur.csv", kept), bill)
    check_sums(found)
    notes = {
        (line.usage_type, line.line): (said(line), line.from_usage)
        for line in found.lines
        if said(line) != "same"
    }
    assert notes.pop(("USE2-Lambda-Durable-Operations", "usage")) == (
        "on the real bill alone",
        Decimal("0.00008"),
    )
    assert notes.pop(("USE2-Request-ARM", "usage")) == (
        "on the real bill alone; measured at our first rate, 0.0000002",
        Decimal("0.0000014"),
    )
    assert set(notes) == {
        ("USE2-Lambda-Provisioned-Concurrency-ARM", "tier 1"),
        ("USE2-Lambda-Provisioned-GB-Second-ARM", "tier 1"),
    }
    assert all(note == "not on the real bill" and part < 0 for note, part in notes.values())


def test_free_usage_under_any_usage_type_meets_our_free_line(tmp_path: Path, bill: Bill) -> None:
    rows = cur_rows(bill)
    for row in rows:
        if row["line_item_usage_type"] == "Global-Request":
            row["line_item_usage_type"] = "USE2-Request-ARM"
    found = compare_bill(write_cur(tmp_path / "cur.csv", rows), bill)
    assert {said(line) for line in found.lines} == {"same"}


def test_focus_of_aws_with_commitments_and_corrections(tmp_path: Path) -> None:
    ours = price([usage(requests=1_000_000)], free_tier=False)
    path = write_focus(ours, tmp_path / "f.csv")
    rows = list(csv.DictReader(path.read_text().splitlines()))
    committed = rows[0] | {
        "PricingCategory": "Committed",
        "BilledCost": "0",
        "EffectiveCost": "0.1",
        "x_UsageType": "",
    }
    correction = rows[0] | {"ChargeClass": "Correction", "BilledCost": "-0.01"}
    with path.open("w", newline="") as stream:
        writer = csv.DictWriter(stream, fieldnames=list(rows[0]))
        writer.writeheader()
        writer.writerows([committed, correction])
    found = compare_bill(path, ours)
    check_sums(found)
    by_line = {line.line: line for line in found.lines}
    assert by_line["savings_plan"].usage_type == "USE2-Request-ARM"  # from SkuMeter and RegionId
    assert by_line["savings_plan"].actual_cost == Decimal("0.1")
    assert by_line["other"].from_other == Decimal("-0.01")
    assert found.sum("from_usage") == 0
    assert found.sum("from_rate") == Decimal("-0.1")


def test_the_table_has_exact_decimals_and_the_difference(tmp_path: Path, bill: Bill) -> None:
    frame = compare_bill(write_cur(tmp_path / "cur.csv", cur_rows(bill)), bill).frame()
    assert list(frame.columns[-2:]) == ["difference", "note"]
    assert sum(map(Fraction, frame["our_cost"])) == Fraction(bill.total)


def test_a_derived_rate_of_ours_is_marked(tmp_path: Path) -> None:
    big = replace(usage(billed_ms_with_init=10**13), region="af-south-1")
    ours = price([big], free_tier=False)
    found = compare_bill(write_cur(tmp_path / "cur.csv", cur_rows(ours)), ours)
    assert [line.note[:30] for line in found.lines] == ["same", "same; our rate is derived as 0"]


CELL_FAULTS = [
    ("line_item_currency_code", "EUR", "line_item_currency_code: must be USD, got 'EUR'"),
    (
        "line_item_line_item_type",
        "Gift",
        "line_item_line_item_type: must be one of Usage, SavingsPlanCoveredUsage",
    ),
    ("line_item_usage_amount", "1,5", "line_item_usage_amount: must be a number such as"),
    ("line_item_usage_amount", "NaN", "line_item_usage_amount: must be a number such as"),
    ("line_item_usage_amount", "9e40", "line_item_usage_amount: must be from -1e30 to 1e30"),
    ("line_item_usage_amount", "1e-99", "line_item_usage_amount: must be from -1e30 to 1e30"),
    ("line_item_unblended_rate", "=1+1", "line_item_unblended_rate: must be a number such as"),
    ("line_item_unblended_cost", "", "line_item_unblended_cost: must not be empty"),
    ("line_item_usage_start_date", "yesterday", "line_item_usage_start_date: must begin with a month"),
    ("line_item_usage_type", "=cmd|' /C calc'!A0", "line_item_usage_type: must be a usage type such as"),
    ("line_item_usage_type", "<script>", "line_item_usage_type: must be a usage type such as"),
]


@pytest.mark.parametrize(("column", "text", "message"), CELL_FAULTS)
def test_a_bad_cell_is_one_clear_error(
    tmp_path: Path, bill: Bill, column: str, text: str, message: str
) -> None:
    rows = cur_rows(bill)
    rows[1][column] = text
    with pytest.raises(InputError) as caught:
        read_actual_bill(write_cur(tmp_path / "cur.csv", rows))
    assert f"cur.csv, row 3: {message}" in str(caught.value)
    assert len(caught.value.faults) == 1


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a,b\n1,2\n", "row 1: ServiceName: is missing; the file must be a CUR, CUR 2.0 or FOCUS export of AWS"),
        ("line_item_product_code,x\nAWSLambda,1\n", "line_item_line_item_type: is missing; the file must be a CUR"),
        (f"{HEADER}\n", "has no row of AWS Lambda"),
        (f"{HEADER}\n{','.join('1' for _ in CUR_COLUMNS)}\n", "has no row of AWS Lambda; 1 row of other services"),
        (f"{HEADER}\n1,2\n", "row 2: must have 13 fields like the header, has 2"),
    ],
)  # fmt: skip
def test_what_is_no_bill_is_one_clear_error(tmp_path: Path, bill: Bill, text: str, message: str) -> None:
    path = tmp_path / "x.csv"
    path.write_text(text)
    with pytest.raises(InputError) as caught:
        compare_bill(path, bill)
    assert message in str(caught.value)
