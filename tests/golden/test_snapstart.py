"""SnapStart: cache of each published version, three hours at least, and restores; Java pays neither."""

from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest

from lambdasim.billing import Usage, price, snapstart_cache_ms
from lambdasim.catalog import billing_rules

CACHE, RESTORE = Decimal("0.0000015046"), Decimal("0.0001397998")
RULES = billing_rules(date(2026, 11, 1))
BASE = Usage("2026-11", "us-east-1", "f", "x86_64", 1024, 512, "zip", "python3.13", snap_start=True)
HOUR = 3_600_000_000


@pytest.mark.parametrize(
    ("cached_us", "billed_ms"),
    [
        (0, 10_800_000),
        (1, 10_800_000),
        (3 * HOUR - 1, 10_800_000),
        (3 * HOUR, 10_800_000),
        (3 * HOUR + 1, 10_800_001),
        (3 * HOUR + 1000, 10_800_001),
        (31 * 24 * HOUR, 2_678_400_000),
    ],
)
def test_cache_is_billed_for_three_hours_at_least_then_by_the_millisecond(
    cached_us: int, billed_ms: int
) -> None:
    assert snapstart_cache_ms(cached_us, RULES) == billed_ms


def test_cache_of_three_hours_and_of_three_and_a_millisecond() -> None:
    # 2 GB x 10,800 s = 21,600 GB-s; one ms more is 0.002 GB-s.
    row = replace(BASE, memory_mb=2048, snapstart_cache_ms=10_800_000)
    assert price([row]).total == Decimal("21600") * CACHE
    assert price([replace(row, snapstart_cache_ms=10_800_001)]).total == Decimal("21600.002") * CACHE


def test_restores_pay_for_the_memory_size_each_time() -> None:
    # 10,000 restores of 1,769 MB: 17,690,000 MB = 17,275.390625 GB.
    row = replace(BASE, memory_mb=1769, snapstart_restored_mb=10_000 * 1769)
    assert price([row]).total == Decimal("17275.390625") * RESTORE


def test_two_versions_pay_twice() -> None:
    one = replace(BASE, snapstart_cache_ms=snapstart_cache_ms(HOUR, RULES))
    two = replace(BASE, snapstart_cache_ms=2 * snapstart_cache_ms(HOUR, RULES))
    assert price([two]).total == 2 * price([one]).total == Decimal("21600") * CACHE


@pytest.mark.parametrize("architecture", ["x86_64", "arm64"])
def test_one_price_for_both_architectures(architecture: str) -> None:
    row = replace(BASE, architecture=architecture, snapstart_cache_ms=10_800_000, snapstart_restored_mb=1024)
    assert price([row]).total == Decimal("10800") * CACHE + RESTORE


@pytest.mark.parametrize(
    ("runtime", "is_billed"),
    [
        ("java11", False),
        ("java17", False),
        ("java25", False),
        ("python3.12", True),
        ("dotnet8", True),
        ("ruby3.5", True),  # not supported in 2026: nothing that is unknown may come for nothing
    ],
)
def test_only_java_is_exempt(runtime: str, is_billed: bool) -> None:
    row = replace(BASE, runtime=runtime, snapstart_cache_ms=10_800_000, snapstart_restored_mb=1024)
    assert price([row]).total == (Decimal("10800") * CACHE + RESTORE if is_billed else 0)


def test_java_still_pays_for_the_billed_part_of_its_restores_as_duration() -> None:
    row = replace(BASE, runtime="java21", requests=1, billed_ms_with_init=700, billed_ms_without_init=600)
    assert price([row], free_tier=False).total == Decimal("0.7") * Decimal("0.0000166667") + Decimal(
        "0.0000002"
    )


@pytest.mark.parametrize(("day", "is_billed"), [("2024-11-17", False), ("2024-11-18", True)])
def test_python_paid_nothing_before_snapstart_came_to_it(day: str, is_billed: bool) -> None:
    row = replace(BASE, snapstart_cache_ms=10_800_000, snapstart_restored_mb=1024)
    bill = price([row], on=date.fromisoformat(day), free_tier=False)
    assert (bill.total == Decimal("10800") * CACHE + RESTORE) is is_billed
    assert (bill.total == 0) is not is_billed
    assert any("SnapStart was for Java alone" in note for note in bill.notes) is not is_billed
