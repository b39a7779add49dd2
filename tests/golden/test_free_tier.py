"""1,000,000 requests and 400,000 GB-s a month, once for an account, over x86_64 and arm64 and all regions."""

from dataclasses import replace
from decimal import Decimal

import pytest

from lambdasim.billing import FreeSharing, Usage, price

BASE = Usage("2026-11", "us-east-1", "f", "x86_64", 1024, 512, "zip", "python3.13")
X86, ARM, REQUEST = Decimal("0.0000166667"), Decimal("0.0000133334"), Decimal("0.0000002")


def row(gb_s: int = 0, requests: int = 0, **changes: object) -> Usage:
    ms = gb_s * 1000
    return replace(
        BASE,
        requests=requests,
        billed_ms_with_init=ms,
        billed_ms_without_init=ms,
        **changes,  # type: ignore[arg-type]
    )


@pytest.mark.parametrize(
    ("gb_s", "requests", "worked"),
    [
        (400_000, 1_000_000, Decimal(0)),
        (399_999, 999_999, Decimal(0)),
        (400_001, 1_000_000, X86),
        (400_000, 1_000_001, REQUEST),
        (0, 0, Decimal(0)),
    ],
)
def test_each_side_of_the_free_amounts(gb_s: int, requests: int, worked: Decimal) -> None:
    assert price([row(gb_s, requests)]).total == worked


def test_one_counted_unit_beyond_is_paid() -> None:
    # One ms at 128 MB beyond 400,000 GB-s: 0.000125 GB-s x 0.0000166667 = 0.0000000020833375.
    small = replace(BASE, function="g", memory_mb=128, billed_ms_with_init=1, billed_ms_without_init=1)
    assert price([row(400_000), small]).total == Decimal("0.0000000020833375")


def test_the_free_lines_are_shown_at_no_price_for_the_whole_account() -> None:
    bill = price([row(300_000, 600_000), row(300_000, 600_000, architecture="arm64")])
    free = [item for item in bill.items if item.tier == 0]
    assert [(item.usage_type, item.quantity, item.amount, item.region) for item in free] == [
        ("Global-Request", 1_000_000, 0, ""),
        ("Global-Lambda-GB-Second", 400_000, 0, ""),
    ]


def test_shared_in_proportion_between_architectures() -> None:
    # 300,000 x86_64 + 500,000 arm64 = 800,000; half is free: 150,000 and 250,000 are paid.
    rows = [row(300_000), row(500_000, architecture="arm64")]
    assert price(rows).total == Decimal("150000") * X86 + Decimal("250000") * ARM
    assert any("proportional" in note for note in price(rows).notes)


def test_shared_dearest_first() -> None:
    # x86_64 is dearer: all of its 300,000 are free, and 100,000 of the arm64 ones; 400,000 are paid.
    rows = [row(300_000), row(500_000, architecture="arm64")]
    assert price(rows, free_sharing=FreeSharing.DEAREST_FIRST).total == Decimal("400000") * ARM
    # Proportional sharing is never cheaper than giving it to the dearest.
    assert price(rows).total > price(rows, free_sharing=FreeSharing.DEAREST_FIRST).total


def test_shared_between_regions() -> None:
    # Cape Town pays 0.0000221. 200,000 there and 600,000 here: half is free of each; requests cost 0.27 per million.
    rows = [row(200_000, 1_000_000, region="af-south-1"), row(600_000, 3_000_000)]
    worked = Decimal("100000") * Decimal("0.0000221") + Decimal("300000") * X86
    worked += Decimal("750000") * Decimal("0.00000027") + Decimal("2250000") * REQUEST
    assert price(rows).total == worked
    # Dearest first: all 200,000 GB-s and the million requests of Cape Town are free, then 200,000 GB-s here.
    dearest = Decimal("400000") * X86 + Decimal("3000000") * REQUEST
    assert price(rows, free_sharing=FreeSharing.DEAREST_FIRST).total == dearest


def test_three_pools_share_an_indivisible_remainder_to_the_last_unit() -> None:
    # 1,000,000 free requests over three equal pools: 333,333 each, and the one left goes to one of them.
    rows = [row(requests=1_000_000, region=region) for region in ("us-east-1", "us-east-2", "us-west-2")]
    bill = price(rows)
    assert sum(item.quantity for item in bill.items if item.tier) == 2_000_000
    assert bill.total == Decimal("2000000") * REQUEST


def test_an_account_that_has_used_it_up_pays_from_the_first() -> None:
    assert price([row(1, 1)], free_tier=False).total == X86 + REQUEST


def test_it_is_once_a_month_for_the_account_and_not_for_each_function() -> None:
    # A calculator that takes it off each function would say 0.
    rows = [row(400_000, 1_000_000, function=name) for name in ("f", "g")]
    assert price(rows).total == Decimal("400000") * X86 + Decimal("1000000") * REQUEST


def test_it_does_not_reach_provisioned_concurrency_tmp_or_snapstart() -> None:
    usage = replace(
        BASE,
        requests=10,
        provisioned_requests=10,
        provisioned_billed_ms=1000,
        provisioned_allocated_s=300,
        ephemeral_mb=1536,
        snapstart_cache_ms=10_800_000,
        snapstart_restored_mb=1024,
    )
    worked = Decimal("10") * REQUEST
    worked += Decimal("300") * Decimal("0.0000041667")  # allocated, 1 GB
    worked += Decimal("1") * Decimal("0.0000097222")  # 1 GB-s on it
    worked += Decimal("1") * Decimal("0.0000000309")  # 1 GB-s of 1 GB /tmp above what is included
    worked += Decimal("10800") * Decimal("0.0000015046") + Decimal("1") * Decimal("0.0001397998")
    assert price([usage]).total == worked
