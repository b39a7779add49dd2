"""Provisioned concurrency: allocated, used, spilled over, initialised. Price List of 2026-09-19, us-east-1."""

from dataclasses import replace
from datetime import date
from decimal import Decimal

import numpy as np
import pytest

from lambdasim.billing import Usage, allocated_s, billed_ms, price
from lambdasim.catalog import billing_rules

BASE = Usage("2026-11", "us-east-1", "f", "x86_64", 1024, 512, "zip", "python3.13")
RULES = billing_rules(date(2026, 11, 1))
IDLE, USED, ON_DEMAND = Decimal("0.0000041667"), Decimal("0.0000097222"), Decimal("0.0000166667")
REQUEST = Decimal("0.0000002")
S = 1_000_000


@pytest.mark.parametrize(
    ("enabled_us", "billed_s"),
    [
        (0, 0),
        (1, 300),
        (299 * S, 300),
        (300 * S, 300),
        (300 * S + 1, 600),
        (3600 * S, 3600),
        (3601 * S, 3900),
        (30 * 86_400 * S, 30 * 86_400),
    ],
)
def test_allocated_time_is_rounded_up_to_five_minutes(enabled_us: int, billed_s: int) -> None:
    assert allocated_s(enabled_us, RULES) == billed_s


def test_idle_only() -> None:
    # 10 environments of 1,536 MB for 30 days: 15 GB x 2,592,000 s = 38,880,000 GB-s; 162.0012960.
    row = replace(BASE, memory_mb=1536, provisioned_allocated_s=10 * 2_592_000)
    assert price([row]).total == Decimal("38880000") * IDLE == Decimal("162.001296")


def test_use_pays_idle_time_too_and_spillover_the_normal_rate() -> None:
    # An hour of 5 x 2 GB; 1,000 requests of 0.5 s on them; 200 spill over and run 0.7 s each.
    row = replace(
        BASE,
        memory_mb=2048,
        requests=1200,
        provisioned_requests=1000,
        provisioned_allocated_s=5 * 3600,
        provisioned_billed_ms=500_000,
        billed_ms_with_init=140_000,
        billed_ms_without_init=140_000,
    )
    worked = Decimal("36000") * IDLE + Decimal("1000") * USED
    paid = worked + Decimal("280") * ON_DEMAND + Decimal("1200") * REQUEST
    assert price([row], free_tier=False).total == paid
    # The free tier takes the spillover, its duration and its 200 requests, and nothing of the rest.
    assert price([row]).total == worked + Decimal("1000") * REQUEST
    assert any("not free" in note for note in price([row]).notes)


def test_arm64() -> None:
    row = replace(BASE, architecture="arm64", provisioned_allocated_s=600, provisioned_billed_ms=10_000)
    assert price([row]).total == Decimal("600") * Decimal("0.0000033334") + Decimal("10") * Decimal(
        "0.0000077778"
    )


def test_there_are_no_tiers() -> None:
    # 20 billion GB-s of each, far beyond where on-demand duration grows cheaper.
    row = replace(BASE, provisioned_allocated_s=20_000_000_000, provisioned_billed_ms=20_000_000_000_000)
    bill = price([row])
    assert bill.total == Decimal("20000000000") * (IDLE + USED)
    assert {item.tier for item in bill.items} == {1}


def test_use_on_provisioned_environments_fills_no_tier_of_on_demand_duration() -> None:
    row = replace(
        BASE,
        provisioned_billed_ms=6_000_000_000_000,
        billed_ms_with_init=6_000_000_000_000,
        billed_ms_without_init=6_000_000_000_000,
    )
    assert price([row], free_tier=False).total == Decimal("6000000000") * (USED + ON_DEMAND)


def test_init_is_billed_as_duration_on_provisioned_even_if_nothing_ever_runs() -> None:
    # The pricing page has duration charges for code outside the handler, at the provisioned rate in that section, and
    # AWS re-runs it whenever it recycles an environment. 100 environments, INIT 1,307.68 ms each: 1,308 ms x 100.
    init_ms = int(
        billed_ms(np.zeros(100, dtype=np.int64), np.full(100, 1_307_680), init_is_billed=True).sum()
    )
    assert init_ms == 130_800
    row = replace(BASE, provisioned_allocated_s=100 * 300, provisioned_init_ms=init_ms)
    bill = price([row])
    assert bill.total == Decimal("30000") * IDLE + Decimal("130.8") * USED
    assert {item.usage_type: item.quantity for item in bill.items} == {
        "Lambda-Provisioned-Concurrency": 30_000,
        "Lambda-Provisioned-GB-Second": Decimal("130.8"),
    }


@pytest.mark.parametrize("month", ["2025-07", "2025-08"])
def test_that_init_was_billed_before_august_2025_too(month: str) -> None:
    row = replace(BASE, month=month, provisioned_init_ms=1000)
    assert price([row]).total == USED


def test_break_even_at_six_tenths() -> None:
    # IDLE + u USED = u ON_DEMAND at u = 0.0000041667 / (0.0000166667 - 0.0000097222) = 0.60000...
    assert round(IDLE / (ON_DEMAND - USED), 4) == Decimal("0.6000")
    # An environment of 1 GB for 1,000,000 s, busy for 599,000, 600,000 and 601,000 s of them.
    for busy_s, is_cheaper in ((599_000, False), (601_000, True)):
        provisioned = replace(BASE, provisioned_allocated_s=1_000_000, provisioned_billed_ms=busy_s * 1000)
        on_demand = replace(BASE, billed_ms_with_init=busy_s * 1000, billed_ms_without_init=busy_s * 1000)
        bills = [price([row], free_tier=False).total for row in (provisioned, on_demand)]
        assert bills[0] == Decimal("1000000") * IDLE + Decimal(busy_s) * USED
        assert bills[1] == Decimal(busy_s) * ON_DEMAND
        assert (bills[0] < bills[1]) is is_cheaper
