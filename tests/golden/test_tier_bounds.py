"""Duration at each bound of the tiers, one GB-s below, on it, and one above.

Rates typed from the Price List of 2026-09-19, us-east-1 [USD per GB-s]. 1 GB-s is 1,000 billed ms of 1,024 MB.
"""

from dataclasses import replace
from decimal import Decimal

import pytest

from lambdasim.billing import Usage, price

BASE = Usage("2026-11", "us-east-1", "f", "x86_64", 1024, 512, "zip", "python3.13")
X86 = (Decimal("0.0000166667"), Decimal("0.0000150000"), Decimal("0.0000133334"))
ARM = (Decimal("0.0000133334"), Decimal("0.0000120001"), Decimal("0.0000106667"))


def gb_s(amount: int, architecture: str, **changes: object) -> Usage:
    ms = amount * 1000
    return replace(
        BASE,
        architecture=architecture,
        billed_ms_with_init=ms,
        billed_ms_without_init=ms,
        **changes,  # type: ignore[arg-type]
    )


@pytest.mark.parametrize(
    ("architecture", "amount", "worked"),
    [
        # x86_64: 6 billion at 0.0000166667, the next 9 billion at 0.000015, the rest at 0.0000133334.
        ("x86_64", 1, X86[0]),
        ("x86_64", 5_999_999_999, Decimal("5999999999") * X86[0]),
        ("x86_64", 6_000_000_000, Decimal("6000000000") * X86[0]),
        ("x86_64", 6_000_000_001, Decimal("6000000000") * X86[0] + Decimal("1") * X86[1]),
        ("x86_64", 14_999_999_999, Decimal("6000000000") * X86[0] + Decimal("8999999999") * X86[1]),
        ("x86_64", 15_000_000_000, Decimal("6000000000") * X86[0] + Decimal("9000000000") * X86[1]),
        ("x86_64", 15_000_000_001, Decimal("6000000000") * X86[0] + Decimal("9000000000") * X86[1] + X86[2]),
        # arm64: 7.5 billion at 0.0000133334, the next 11.25 billion at 0.0000120001, the rest at 0.0000106667.
        ("arm64", 1, ARM[0]),
        ("arm64", 7_499_999_999, Decimal("7499999999") * ARM[0]),
        ("arm64", 7_500_000_000, Decimal("7500000000") * ARM[0]),
        ("arm64", 7_500_000_001, Decimal("7500000000") * ARM[0] + Decimal("1") * ARM[1]),
        ("arm64", 18_749_999_999, Decimal("7500000000") * ARM[0] + Decimal("11249999999") * ARM[1]),
        ("arm64", 18_750_000_000, Decimal("7500000000") * ARM[0] + Decimal("11250000000") * ARM[1]),
        ("arm64", 18_750_000_001, Decimal("7500000000") * ARM[0] + Decimal("11250000000") * ARM[1] + ARM[2]),
    ],
)
def test_duration_at_a_bound(architecture: str, amount: int, worked: Decimal) -> None:
    bill = price([gb_s(amount, architecture)], free_tier=False)
    assert bill.total == worked
    assert [item.tier for item in bill.items] == list(range(1, len(bill.items) + 1))


def test_whole_amounts_in_dollars() -> None:
    # 6e9 x 0.0000166667 = 100,000.20; 9e9 x 0.000015 = 135,000; 5e9 x 0.0000133334 = 66,667.
    bill = price([gb_s(20_000_000_000, "x86_64")], free_tier=False)
    assert [str(item.amount.normalize()) for item in bill.items] == ["100000.2", "1.35E+5", "66667"]
    assert bill.total == Decimal("301667.20")
    # 7.5e9 x 0.0000133334 = 100,000.50; 11.25e9 x 0.0000120001 = 135,001.125; 1.25e9 x 0.0000106667 = 13,333.375.
    assert price([gb_s(20_000_000_000, "arm64")], free_tier=False).total == Decimal("248335.000")


def test_one_millisecond_of_128_mb_across_the_bound() -> None:
    # 0.125 GB x 0.001 s = 0.000125 GB-s beyond the bound, at 0.000015: 0.000000001875.
    row = gb_s(6_000_000_000, "x86_64")
    small = replace(BASE, function="g", memory_mb=128, billed_ms_with_init=1, billed_ms_without_init=1)
    bill = price([row, small], free_tier=False)
    assert bill.total == Decimal("100000.2") + Decimal("0.000000001875")
    assert bill.items[1].quantity == Decimal("0.000125")


def test_functions_of_one_region_and_architecture_fill_one_tier_together() -> None:
    # 4e9 + 4e9 GB-s: 6e9 at tier 1, 2e9 at tier 2, though neither function alone leaves tier 1.
    rows = [gb_s(4_000_000_000, "x86_64", function=name) for name in ("f", "g")]
    bill = price(rows, free_tier=False)
    assert bill.total == Decimal("6000000000") * X86[0] + Decimal("2000000000") * X86[1]
    # Each has one half of both tiers: (100,000.2 + 30,000) / 2.
    assert bill.by_function() == {"f": Decimal("65000.1"), "g": Decimal("65000.1")}


def test_regions_and_architectures_fill_tiers_of_their_own() -> None:
    # Ireland has us-east-1's first-tier rates. Four times 4e9 GB-s, none beyond 6e9 (7.5e9) of its own.
    rows = [
        gb_s(4_000_000_000, architecture, region=region)
        for architecture in ("x86_64", "arm64")
        for region in ("us-east-1", "eu-west-1")
    ]
    bill = price(rows, free_tier=False)
    assert bill.total == 2 * Decimal("4000000000") * (X86[0] + ARM[0])
    assert {item.tier for item in bill.items} == {1}


def test_free_seconds_come_before_the_first_tier_or_out_of_it() -> None:
    # 6,000,400,000 GB-s. AWS bills the free ones under a usage type of their own: 6e9 are left, all tier 1.
    # Counted toward the tier instead, it has 5,999,600,000 paid ones, and 400,000 fall into tier 2.
    row = gb_s(6_000_400_000, "x86_64")
    assert price([row]).total == Decimal("6000000000") * X86[0]
    worked = Decimal("5999600000") * X86[0] + Decimal("400000") * X86[1]
    assert price([row], free_counts_toward_tiers=True).total == worked
