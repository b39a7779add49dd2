"""Months end at midnight UTC; each is a bill of its own, with tiers and a free tier of its own."""

from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from lambdasim.billing import Usage, allocated_by_month, allocated_s, price
from lambdasim.catalog import billing_rules
from lambdasim.errors import InputError
from lambdasim.units import to_epoch_us

BASE = Usage("2026-11", "us-east-1", "f", "x86_64", 1024, 512, "zip", "python3.13")
RULES = billing_rules(date(2026, 11, 1))
X86, REQUEST, IDLE = Decimal("0.0000166667"), Decimal("0.0000002"), Decimal("0.0000041667")


def month(name: str, gb_s: int, requests: int) -> Usage:
    ms = gb_s * 1000
    return replace(BASE, month=name, requests=requests, billed_ms_with_init=ms, billed_ms_without_init=ms)


def test_each_month_has_its_own_free_tier_and_the_sum_is_the_sum() -> None:
    november, december = month("2026-11", 500_000, 1_500_000), month("2026-12", 600_000, 900_000)
    first = Decimal("100000") * X86 + Decimal("500000") * REQUEST
    second = Decimal("200000") * X86  # 900,000 requests are free
    assert price([november]).total == first
    assert price([december]).total == second
    both = price([december, november])
    assert both.total == first + second
    assert both.items == price([november]).items + price([december]).items


def test_each_month_has_its_own_tiers() -> None:
    # 4e9 in each: all tier 1. In one month the 8e9 would reach tier 2.
    rows = [month("2026-11", 4_000_000_000, 0), month("2026-12", 4_000_000_000, 0)]
    assert price(rows, free_tier=False).total == Decimal("8000000000") * X86
    assert price([replace(row, month="2026-11") for row in rows], free_tier=False).total == (
        Decimal("6000000000") * X86 + Decimal("2000000000") * Decimal("0.000015")
    )


def test_two_months_cannot_be_renamed_into_one() -> None:
    with pytest.raises(InputError, match="the usage is of 2026-11, 2026-12"):
        price([month("2026-11", 1, 1), month("2026-12", 1, 1)], month="2027-01")


@pytest.mark.parametrize("name", ["2026-13", "2026-00", "2026-1", "2026", "november", "2026-11-01", ""])
def test_what_is_no_month_is_refused(name: str) -> None:
    with pytest.raises(InputError, match="month"):
        month(name, 1, 1)
    with pytest.raises(InputError, match="month"):
        price([month("2026-11", 1, 1)], month=name)


def us(*parts: int) -> int:
    return to_epoch_us(datetime(*parts, tzinfo=UTC))  # type: ignore[misc, arg-type]


@pytest.mark.parametrize(
    ("begin", "end", "worked"),
    [
        # Midnight belongs to the new month.
        (us(2026, 11, 30, 23, 0), us(2026, 12, 1), {"2026-11": 3600}),
        (us(2026, 12, 1), us(2026, 12, 1, 1), {"2026-12": 3600}),
        (us(2026, 11, 30, 23, 0), us(2026, 12, 1, 1), {"2026-11": 3600, "2026-12": 3600}),
        # 2 h 0 min 1 s is billed as 2 h 5 min; what rounding adds stands where the allocation ended.
        (us(2026, 11, 30, 23), us(2026, 12, 1, 1, 0, 1), {"2026-11": 3600, "2026-12": 3900}),
        (us(2026, 11, 30, 23, 59, 59), us(2026, 12, 1, 0, 0, 1), {"2026-11": 1, "2026-12": 299}),
        (us(2026, 11, 30, 23, 58), us(2026, 11, 30, 23, 59), {"2026-11": 300}),
        (us(2026, 11, 30, 23, 58), us(2026, 12, 1), {"2026-11": 300}),
        # A whole year's end, and a month between.
        (
            us(2026, 12, 31, 12),
            us(2027, 2, 1, 12),
            {"2026-12": 43_200, "2027-01": 31 * 86_400, "2027-02": 43_200},
        ),
        (us(2026, 11, 5), us(2026, 11, 5), {}),
    ],
)
def test_an_allocation_over_the_end_of_a_month(begin: int, end: int, worked: dict[str, int]) -> None:
    assert allocated_by_month(begin, end, RULES) == worked
    assert sum(worked.values()) == allocated_s(end - begin, RULES)


def test_an_allocation_over_the_end_of_a_month_is_two_lines_that_sum() -> None:
    shared = allocated_by_month(us(2026, 11, 30, 23), us(2026, 12, 1, 1, 0, 1), RULES)
    rows = [replace(BASE, month=name, provisioned_allocated_s=seconds) for name, seconds in shared.items()]
    bill = price(rows)
    assert [item.amount for item in bill.items] == [Decimal("3600") * IDLE, Decimal("3900") * IDLE]
    assert bill.total == Decimal("7500") * IDLE
