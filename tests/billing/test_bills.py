"""Bills worked by hand, to the last digit."""

from dataclasses import replace
from datetime import date
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lambdasim.billing import Usage, billed_ms, price
from lambdasim.catalog import price_sheet
from lambdasim.errors import CatalogError

# A busy machine is no defect of a bill.
LAWS = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
BASE = Usage("2026-11", "us-east-1", "f", "x86_64", 1024, 512, "zip", "python3.13")
TIER = {"x86_64": 6_000_000_000, "arm64": 7_500_000_000}


def used(ms: int, requests: int = 0, **changes: object) -> Usage:
    return replace(
        BASE,
        requests=requests,
        billed_ms_with_init=ms,
        billed_ms_without_init=ms,
        **changes,  # type: ignore[arg-type]
    )


def test_three_million_requests_of_120_ms_at_1536_mb() -> None:
    # 3,000,000 x 0.120 s x 1.5 GB = 540,000 GB-s; 140,000 above the free tier at 0.0000166667; 2,000,000 requests paid.
    bill = price([used(360_000_000, 3_000_000, memory_mb=1536)])
    assert bill.total == Decimal("2.333338") + Decimal("0.4")


@pytest.mark.parametrize("architecture", ["x86_64", "arm64"])
@pytest.mark.parametrize("beyond_ms", [-1, 0, 1])
def test_each_side_of_the_first_tier_boundary(architecture: str, beyond_ms: int) -> None:
    first, second = (tier.rate.usd for tier in price_sheet("us-east-1").rates(architecture).tiers[:2])
    assert first is not None
    assert second is not None
    bill = price([used(TIER[architecture] * 1000 + beyond_ms, architecture=architecture)], free_tier=False)
    below = min(beyond_ms, 0)
    expected = (TIER[architecture] + Decimal(below) / 1000) * first + Decimal(
        max(beyond_ms, 0)
    ) / 1000 * second
    assert bill.total == expected
    assert len(bill.items) == (2 if beyond_ms > 0 else 1)


def test_init_is_billed_for_zip_from_august_2025_on() -> None:
    usage = replace(BASE, requests=1, billed_ms_with_init=1_000_000, billed_ms_without_init=400_000)
    june = price([replace(usage, month="2025-06")], free_tier=False)
    september = price([replace(usage, month="2025-09")], free_tier=False)
    rate, request = Decimal("0.0000166667"), Decimal("0.0000002")
    assert june.total == 400 * rate + request
    assert september.total == 1000 * rate + request


def test_init_of_an_image_was_always_billed() -> None:
    usage = replace(
        BASE,
        month="2025-06",
        package_type="image",
        requests=1,
        billed_ms_with_init=1000,
        billed_ms_without_init=400,
    )
    assert price([usage], free_tier=False).total == Decimal("0.0000166667") + Decimal("0.0000002")


def test_the_free_tier_is_one_over_both_architectures() -> None:
    both = [used(250_000_000), used(250_000_000, architecture="arm64")]
    # 500,000 GB-s less 400,000 free, shared in proportion: 50,000 of each are paid.
    assert price(both).total == 50_000 * (Decimal("0.0000166667") + Decimal("0.0000133334"))


def test_two_months_are_the_sum_of_each() -> None:
    rows = [used(900_000_000, 2_000_000), used(900_000_000, 2_000_000, month="2026-12")]
    assert price(rows).total == price(rows[:1]).total + price(rows[1:]).total


@LAWS
@given(st.lists(st.tuples(st.integers(0, 10**13), st.integers(0, 10**9)), min_size=1, max_size=6))
def test_functions_are_pooled_and_their_parts_add_up(parts: list[tuple[int, int]]) -> None:
    rows = [used(ms, n, function=f"f{place}") for place, (ms, n) in enumerate(parts)]
    whole = price([used(sum(ms for ms, _ in parts), sum(n for _, n in parts))])
    split = price(rows)
    assert split.total == whole.total
    assert price(rows[::-1]).total == whole.total
    assert sum(split.by_function().values()) == Fraction(whole.total)


def test_one_ceiling_over_init_and_handler() -> None:
    duration, init = np.array([1_058_150, 469_000, 1]), np.array([1_307_680, 0, 0])
    assert billed_ms(duration, init, init_is_billed=True).tolist() == [2366, 469, 1]
    assert billed_ms(duration, init, init_is_billed=False).tolist() == [1059, 469, 1]


def test_a_rate_that_is_needed_and_unknown_is_an_error() -> None:
    row = replace(BASE, region="us-gov-west-1", requests=7, ephemeral_mb=1024, billed_ms_with_init=10)
    other = replace(row, region="us-gov-east-1", architecture="arm64", month="2026-12")
    with pytest.raises(CatalogError) as caught:
        price([row, other, replace(BASE, requests=5)])
    assert [fault.where[:28] for fault in caught.value.faults] == [
        "price sheet of us-gov-west-1", "price sheet of us-gov-east-1"
    ]  # fmt: skip
    assert [fault.field for fault in caught.value.faults] == [
        "x86_64.ephemeral, x86_64.request", "arm64.ephemeral, arm64.request"
    ]  # fmt: skip
    assert all("--price-sheet FILE" in fault.message for fault in caught.value.faults)
    assert (
        price([replace(row, requests=0, ephemeral_mb=512)]).total >= 0
    )  # what is not used need not be known


def test_a_derived_rate_says_so() -> None:
    bill = price([used(7_000_000_000_000)], region="eu-central-1", free_tier=False)
    assert [item.is_derived for item in bill.items] == [False, True]


def test_rules_before_the_known_ones_are_not_guessed() -> None:
    with pytest.raises(CatalogError):
        price([used(1)], on=date(2001, 1, 1))


def test_lines_of_one_usage_type_say_in_what_they_differ() -> None:
    row = Usage("2026-11", "us-east-1", "f", "x86_64", 1024, 512, "zip", "python3.13", snap_start=True)
    many = replace(
        row, requests=9, provisioned_requests=4, billed_ms_with_init=7 * 10**12, snapstart_cache_ms=10**9
    )
    arm = replace(row, architecture="arm64", snapstart_cache_ms=10**9)
    named = [line.usage_type for line in price([many, arm], free_tier=False).rows()]
    assert sorted(named) == [
        "Lambda-GB-Second, tier 1",
        "Lambda-GB-Second, tier 2",
        "Lambda-SnapStart-Cached-GB-S, arm64",
        "Lambda-SnapStart-Cached-GB-S, x86_64",
        "Request",
        "Request, on provisioned concurrency",
    ]
