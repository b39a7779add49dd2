"""Private price books: worked by hand, read from files, named wherever they are used, refused where they are wrong."""

from dataclasses import replace
from datetime import date
from decimal import Decimal
from fractions import Fraction
from pathlib import Path

import pytest

from lambdasim import finance
from lambdasim.billing import Usage, price
from lambdasim.catalog.prices.book import BookEntry, PriceBook
from lambdasim.errors import CatalogError, InputError

ROW = Usage("2026-11", "us-east-1", "f", "x86_64", 1024, 512, "zip", "python3.13", requests=5_000_000)
ROW = replace(ROW, billed_ms_with_init=10**9, billed_ms_without_init=10**9)
YAML = """
name: Example Corp 2026
valid_from: 2026-07-01
source: contract of 2026-06-15
currency: USD
rates:
  - {usage_type: Lambda-GB-Second, tier: 1, discount_percent: 10}
  - {usage_type: EUC1-Request, usd: 0.00000018}
  - {usage_type: "*", discount_percent: 4.5}
"""


@pytest.fixture
def book(tmp_path: Path) -> PriceBook:
    path = tmp_path / "book.yaml"
    path.write_text(YAML)
    return finance.read_price_book(path)


def test_a_bill_by_the_book(book: PriceBook) -> None:
    bill = price([ROW], price_book=book, free_tier=False)
    paid = {item.usage_type: item for item in bill.items}
    duration, requests = paid["Lambda-GB-Second"], paid["Request"]
    assert duration.amount == Decimal(10**6) * Decimal("0.0000166667") * Decimal("0.9")
    assert requests.amount == Decimal("1.00") * Decimal("0.955")
    assert duration.list_rate == Decimal("0.0000166667")
    assert "Example Corp 2026" in duration.note
    assert not duration.is_derived
    assert (
        "rates of price book 'Example Corp 2026' valid from 2026-07-01, contract of 2026-06-15" in bill.notes
    )
    frankfurt = price([ROW], region="eu-central-1", price_book=book, free_tier=False)
    assert {item.rate for item in frankfurt.items if item.usage_type == "EUC1-Request"} == {
        Decimal("0.00000018")
    }


def test_csv_says_the_same(book: PriceBook, tmp_path: Path) -> None:
    path = tmp_path / "corp.csv"
    path.write_text(
        "usage_type,tier,discount_percent,usd,valid_from\nLambda-GB-Second,1,10,,2026-07-01\n"
        "EUC1-Request,,,0.00000018,2026-07-01\n*,,4.5,,2026-07-01\n"
    )
    assert finance.read_price_book(path).entries == book.entries


def test_nothing_off_is_the_list_and_everything_off_is_free() -> None:
    plain = price([ROW])
    for percent, total in ((0, plain.total), (100, 0)):
        book = PriceBook("b", date(2026, 1, 1), [BookEntry("*", None, Decimal(percent), None)])
        assert price([ROW], price_book=book).total == total


def test_focus_tells_list_from_contract_and_the_workbook_names_the_book(
    book: PriceBook, tmp_path: Path
) -> None:
    bill = price([ROW], price_book=book)
    path = finance.write_focus(bill, tmp_path / "bill.csv")
    assert finance.check_focus(path) == bill.total
    rows = finance.focus_rows(bill)
    assert sum(Fraction(row["ListCost"] or 0) for row in rows) == Fraction(price([ROW]).total)
    assert sum(Fraction(row["ContractedCost"] or 0) for row in rows) == Fraction(bill.total)
    paid = [row for row in rows if row["BilledCost"] != "0"]
    assert paid
    assert all("Example Corp 2026" in (row["x_RateQuality"] or "") for row in paid)
    assert finance.write_workbook(bill, tmp_path / "bill.xlsx").exists()


def test_a_book_is_not_valid_before_its_day(book: PriceBook) -> None:
    with pytest.raises(InputError, match="price_book: is valid from 2026-07-01, the bill is of 2026-06-01"):
        price([replace(ROW, month="2026-06")], price_book=book)


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("discount_percent: 10", "discount_percent: 110", "discount_percent: must be from 0 to 100"),
        ("discount_percent: 10", "discount_percent: -1", "discount_percent: must be from 0"),
        ("discount_percent: 10", "discount_percent: ten", r"rates\[0\]: discount_percent: must be a number"),
        ("discount_percent: 10", "discount_percent: 10, usd: 1", "not both"),
        (", discount_percent: 10", "", "must be given"),
        ("0.00000018", "0.00000017999999999999999", "at most 12 decimals"),
        ("0.00000018", "1.7999999999999999e-07", "at most 12 decimals"),
        ("tier: 1", "tier: 0", "tier: must be 1"),
        ("tier: 1", "tier: 1.5", "tier: must be a whole"),
        ("Lambda-GB-Second", "Lambda-GB-Seconds", "usage_type: must be"),
        ('"*"', "EUC1-Request", "appears twice"),
        ('"*", discount_percent: 4.5', '"*", usd: 1', "cannot be one rate"),
        ("currency: USD", "currency: EUR", "currency: must be USD"),
        ("valid_from: 2026-07-01", "valid_from: July", "book.yaml:3: valid_from: must be YYYY-MM-DD"),
        ("name: Example Corp 2026\n", "", "name: is missing"),
        ("source:", "sauce:", "got 'sauce'"),
        ("rates:", "rates: 1\nmore:", "got 'more'"),
        ("name:", "name: [", "is not YAML"),
    ],
)
def test_what_is_wrong_is_told_with_file_and_field(old: str, new: str, told: str, tmp_path: Path) -> None:
    path = tmp_path / "book.yaml"
    assert old in YAML
    path.write_text(YAML.replace(old, new, 1))
    with pytest.raises(InputError, match=told) as caught:
        finance.read_price_book(path)
    assert "book.yaml" in str(caught.value)
    assert not isinstance(caught.value, CatalogError)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("usage_type,usd\nRequest,0.1\n", "valid_from is missing"),
        ("usage_type,usd,valid_from,gift\nRequest,0.1,2026-01-01,1\n", "'gift' is unknown"),
        (
            "usage_type,usd,valid_from\nRequest,0.1,2026-01-01\nRequest-ARM,0.1,2026-01-02\n",
            "one day in all rows",
        ),
        ("usage_type,usd,valid_from\nRequest,cheap,2026-01-01\n", "row 2: usd"),
    ],
)
def test_wrong_csv_is_told(text: str, told: str, tmp_path: Path) -> None:
    path = tmp_path / "book.csv"
    path.write_text(text)
    with pytest.raises(InputError, match=told):
        finance.read_price_book(path)


def test_lines_without_effect_are_named() -> None:
    book = PriceBook("corp", date(2026, 1, 1), [
        BookEntry("Lambda-GB-Second", None, Decimal(10), None),
        BookEntry("Lambda-GB-Second", 1, Decimal(10), None),
        BookEntry("Request", None, None, Decimal("0.0000002")),
        BookEntry("EUC1-Request", None, Decimal(5), None),
        BookEntry("*", None, Decimal(5), None),
    ])  # fmt: skip
    notes = [note for note in price([ROW], price_book=book, free_tier=False).notes if "no effect" in note]
    unmet = "no effect, no line of this bill is subject to it"
    assert (
        notes
        == [
            f"price book 'corp', Lambda-GB-Second: {unmet}",  # the line of tier 1 comes first, and no tier 2 is reached
            "price book 'corp', Request: no effect, the rate is the list rate",
            f"price book 'corp', EUC1-Request: {unmet}",
            f"price book 'corp', *: {unmet}",
        ]
    )
    both = [ROW, replace(ROW, region="eu-central-1", ephemeral_mb=1024)]
    effective = price(both, price_book=book, free_tier=False)
    assert sum("no effect" in note for note in effective.notes) == 2


def test_aliases_that_would_grow_without_end_are_refused_at_their_first_anchor(tmp_path: Path) -> None:
    """360 bytes stand for 10^9 rates: never expanded."""
    path = tmp_path / "bomb.yaml"
    rows = "\n".join(
        f"{two}: &{two} [{', '.join([f'*{one}'] * 10)}]"
        for one, two in zip("abcdefgh", "bcdefghi", strict=True)
    )
    path.write_text(f"name: x\nvalid_from: 2026-01-01\na: &a [1]\n{rows}\nrates: *i\n")
    with pytest.raises(InputError, match=r"bomb\.yaml:3: anchors and aliases are not allowed"):
        finance.read_price_book(path)


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        ("{usage_type: Mars, usd: 1}", r"b\.yaml:5, rates\[1\]: usage_type: must be \* or"),
        (
            "{usage_type: '*', discount_percent: 101}",
            r"b\.yaml:5, rates\[1\]: discount_percent: must be from 0 to 100",
        ),
        ("{usage_type: '*'}", r"b\.yaml:5, rates\[1\]: discount_percent: or usd must be given"),
        (
            "{usage_type: Request, discount_percent: 5}",
            r"b\.yaml:5, rates\[1\]: usage_type: 'Request' appears twice",
        ),
        ("{usage: Request}", r"b\.yaml:5, rates\[1\]: must have usage_type"),
        (
            "{usage_type: '*', discount_percent: much}",
            r"b\.yaml:5, rates\[1\]: discount_percent: must be a number",
        ),
    ],
)
def test_a_bad_rate_is_named_by_line_and_place(tmp_path: Path, entry: str, message: str) -> None:
    path = tmp_path / "b.yaml"
    path.write_text(
        f"name: x\nvalid_from: 2026-01-01\nrates:\n  - {{usage_type: Request, usd: 0.0000001}}\n  - {entry}\n"
    )
    with pytest.raises(InputError, match=message):
        finance.read_price_book(path)


def test_a_rate_keeps_each_of_its_digits(tmp_path: Path) -> None:
    path = tmp_path / "b.yaml"
    path.write_text(
        "name: x\nvalid_from: 2026-01-01\nrates:\n  - {usage_type: Request, usd: 0.000000123456}\n"
    )
    assert str(finance.read_price_book(path).entries[0].usd) == "1.23456E-7"
