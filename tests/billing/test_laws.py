"""Laws that every bill obeys, whatever the usage."""

import random
from dataclasses import replace
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lambdasim.billing import (
    FreeSharing,
    Usage,
    from_json,
    invocation_costs,
    per_million,
    pool,
    price,
    to_json,
)
from lambdasim.billing.usage import COUNTERS
from lambdasim.catalog import ArchitectureRates, PriceSheet, Rate, Tier, billing_rules, price_sheet

# A busy machine is no defect of a bill.
LAWS = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
REGIONS = (
    "us-east-1",
    "eu-central-1",
    "af-south-1",
)  # other rates each, none unknown for what is drawn below
# Large enough for every tier and the free tier to be crossed: 10**14 ms of 1 GB are 10**11 GB-s.
AMOUNT = st.one_of(st.integers(0, 1000), st.integers(0, 10**9), st.integers(0, 10**14))


@st.composite
def usages(draw: st.DrawFn, regions: tuple[str, ...] = REGIONS) -> Usage:
    without, init = draw(AMOUNT), draw(AMOUNT)
    requests, extra = draw(AMOUNT), draw(AMOUNT)
    where = draw(st.sampled_from(regions))
    only_here = where == "us-east-1"  # SnapStart and streaming rates are known of this region only
    return Usage(
        month=draw(st.sampled_from(["2025-07", "2025-08", "2026-11"])),
        region=where,
        function=draw(st.sampled_from("abc")),
        architecture=draw(st.sampled_from(["x86_64", "arm64"])),
        memory_mb=draw(st.integers(128, 10_240)),
        ephemeral_mb=draw(st.integers(512, 10_240)),
        package_type=draw(st.sampled_from(["zip", "image"])),
        runtime=draw(st.sampled_from(["python3.13", "java21", "provided.al2023"])),
        snap_start=draw(st.booleans()),
        requests=requests,
        provisioned_requests=draw(st.integers(0, requests)),
        extra_requests=extra,
        provisioned_extra_requests=draw(st.integers(0, extra)),
        billed_ms_with_init=without + init,
        billed_ms_without_init=without,
        provisioned_billed_ms=draw(AMOUNT),
        provisioned_init_ms=draw(AMOUNT),
        provisioned_allocated_s=draw(AMOUNT),
        snapstart_restored_mb=draw(AMOUNT) if only_here else 0,
        snapstart_cache_ms=draw(AMOUNT) if only_here else 0,
        streamed_bytes=draw(AMOUNT) if only_here else 0,
    )


ROWS = st.lists(usages(), min_size=1, max_size=5)
SHARING = st.sampled_from(list(FreeSharing))


def split(row: Usage, n: int, seed: int) -> list[Usage]:
    """Share out a row's counts over n functions; parts of a count go where there is room for them."""
    names = [f"{row.function}-{place}" for place in range(n)]
    rows = [replace(row, function=name, **dict.fromkeys(COUNTERS, 0)) for name in names]
    chance = random.Random(seed)  # noqa: S311
    part_of = {
        "requests": "provisioned_requests",
        "extra_requests": "provisioned_extra_requests",
        "billed_ms_with_init": "billed_ms_without_init",
    }
    for name in set(COUNTERS) - set(part_of.values()):
        counts = {name: getattr(row, name)}
        if name in part_of:
            part = getattr(row, part_of[name])
            counts = {"rest": counts[name] - part, part_of[name]: part}
        for what, count in counts.items():
            cuts = sorted(chance.randint(0, count) for _ in range(n - 1))
            for place, share in enumerate(b - a for a, b in zip([0, *cuts], [*cuts, count], strict=True)):
                added = {name: getattr(rows[place], name) + share}
                if what in COUNTERS and what != name:
                    added[what] = share
                rows[place] = replace(rows[place], **added)
    return rows


@LAWS
@given(ROWS, SHARING, st.booleans())
def test_the_total_is_the_exact_sum_of_lines_and_of_functions(
    rows: list[Usage], sharing: FreeSharing, free_tier: bool
) -> None:
    bill = price(rows, free_sharing=sharing, free_tier=free_tier)
    total = Fraction(bill.total)
    assert total == sum(Fraction(item.amount) for item in bill.items)
    assert total == sum(Fraction(item.quantity) * Fraction(item.rate) for item in bill.items)
    assert total == sum(bill.by_function().values())
    assert total == sum(part.amount for part in bill.allocations)
    assert total >= 0
    assert Decimal(bill.to_json().split('"total": "')[1].split('"')[0]) == bill.total


@LAWS
@given(usages(), st.integers(1, 7), st.integers(0, 2**32))
def test_splitting_a_function_over_identical_ones_changes_nothing(row: Usage, n: int, seed: int) -> None:
    parts = split(row, n, seed)
    for name in COUNTERS:
        assert sum(getattr(part, name) for part in parts) == getattr(row, name)
    whole, shared = price([row]), price(parts)
    assert shared.items == whole.items
    assert sum(shared.by_function().values()) == sum(whole.by_function().values())


@LAWS
@given(ROWS, st.randoms(use_true_random=False))
def test_the_order_of_rows_changes_nothing(rows: list[Usage], chance: random.Random) -> None:
    shuffled = rows[:]
    chance.shuffle(shuffled)
    assert price(shuffled).to_json() == price(rows).to_json()
    assert price(shuffled).by_function() == price(rows).by_function()


def doubled(sheet: PriceSheet) -> PriceSheet:
    def twice(rate: Rate) -> Rate:
        return Rate(None if rate.usd is None else rate.usd * 2, rate.quality)

    def rates(old: ArchitectureRates) -> ArchitectureRates:
        flat = ("request", "ephemeral", "pc_idle", "pc_duration", "snapstart_cache", "snapstart_restore")
        tiers = tuple(Tier(tier.up_to_gb_s, twice(tier.rate)) for tier in old.tiers)
        return replace(old, tiers=tiers, **{name: twice(getattr(old, name)) for name in flat})

    return replace(
        sheet,
        streaming=twice(sheet.streaming),
        architectures={name: rates(old) for name, old in sheet.architectures.items()},
    )


@LAWS
@given(st.lists(usages(("us-east-1",)), min_size=1, max_size=4), SHARING)
def test_doubled_rates_double_the_bill(rows: list[Usage], sharing: FreeSharing) -> None:
    sheet = price_sheet("us-east-1")
    once = price(rows, price_sheet=sheet, free_sharing=sharing).total
    assert once == price(rows, free_sharing=sharing).total
    twice = price(rows, price_sheet=doubled(sheet), free_sharing=sharing).total
    assert Fraction(twice) == 2 * Fraction(once)  # Decimal's own * would round to 28 digits


@LAWS
@given(ROWS, ROWS)
def test_months_billed_together_are_the_sum_of_months(first: list[Usage], second: list[Usage]) -> None:
    november = [replace(row, month="2026-11") for row in first]
    december = [replace(row, month="2026-12") for row in second]
    together = price(december + november)
    assert Fraction(together.total) == Fraction(price(november).total) + Fraction(price(december).total)
    assert together.items == price(november).items + price(december).items


@LAWS
@given(ROWS, usages(), st.booleans())
def test_more_usage_is_never_cheaper(rows: list[Usage], more: Usage, free_tier: bool) -> None:
    sharing = FreeSharing.DEAREST_FIRST
    before, after = (
        price(found, free_tier=free_tier, free_sharing=sharing).total for found in (rows, [*rows, more])
    )
    assert after >= before


@LAWS
@given(ROWS, usages())
def test_more_usage_is_never_cheaper_in_proportion_but_for_the_last_unit(
    rows: list[Usage], more: Usage
) -> None:
    # Proportional shares are whole counted units. The one unit that a largest remainder wins can move between pools, so
    # a pool may pay for one request, MB-ms or byte less.
    unit = Fraction("0.00000028") * len(rows)
    assert Fraction(price([*rows, more]).total) >= Fraction(price(rows).total) - unit


@LAWS
@given(ROWS)
def test_the_free_tier_never_costs_and_never_gives_more_than_it_is_worth(rows: list[Usage]) -> None:
    with_free, without = (Fraction(price(rows, free_tier=has).total) for has in (True, False))
    months = len({row.month for row in rows})
    worth = 1_000_000 * Fraction("0.00000028") + 400_000 * Fraction("0.0000221") + 100 * Fraction("0.008")
    assert 0 <= without - with_free <= months * worth
    assert Fraction(price(rows, free_sharing=FreeSharing.DEAREST_FIRST).total) <= without


@LAWS
@given(ROWS)
def test_saved_usage_is_priced_as_at_once(rows: list[Usage]) -> None:
    saved = from_json(to_json(rows))
    assert saved == pool(rows)
    assert price(saved).to_json() == price(rows).to_json()
    assert to_json(saved) == to_json(rows)


@LAWS
@given(ROWS, st.sampled_from(["2025-07", "2026-11"]))
def test_usage_moved_is_usage_that_was_there(rows: list[Usage], month: str) -> None:
    rows = [
        replace(row, month="2026-01", snapstart_restored_mb=0, snapstart_cache_ms=0, streamed_bytes=0)
        for row in rows
    ]
    there = [replace(row, region="af-south-1", month=month) for row in rows]
    assert price(rows, region="af-south-1", month=month).to_json() == price(there).to_json()


@LAWS
@given(
    st.lists(st.tuples(st.integers(1, 900_000), st.integers(1, 1_000)), min_size=1, max_size=8),
    st.integers(128, 10_240),
    st.integers(512, 10_240),
    st.sampled_from(["x86_64", "arm64"]),
)
def test_the_costs_of_invocations_integrate_to_the_charges(
    histogram: list[tuple[int, int]], memory_mb: int, ephemeral_mb: int, architecture: str
) -> None:
    ms, counts = (np.array(column, dtype=np.int64) for column in zip(*histogram, strict=True))
    row = Usage("2026-11", "us-east-1", "f", architecture, memory_mb, ephemeral_mb, "zip", "python3.13")
    total_ms, n = int((ms * counts).sum()), int(counts.sum())
    row = replace(row, requests=n, billed_ms_with_init=total_ms, billed_ms_without_init=total_ms)
    bill = price([row], free_tier=False)
    costs = invocation_costs(
        ms,
        counts,
        memory_mb=memory_mb,
        ephemeral_mb=ephemeral_mb,
        architecture=architecture,
        sheet=price_sheet("us-east-1"),
        rules=billing_rules(bill.items[0].price_as_of),
    )
    pairs = zip(costs.billed_ms.tolist(), costs.counts.tolist(), strict=True)
    assert sum(Fraction(costs.cost(value)) * count for value, count in pairs) == Fraction(bill.total)
    assert costs.mean() * n == Fraction(bill.total)
    assert costs.per_million() == per_million(bill.total, n)
    # The quantile of the cost is the cost of the quantile, over every single invocation.
    every = sorted(Fraction(costs.cost(value)) for value in np.repeat(ms, counts).tolist())
    for q in (0.001, 0.5, 0.95, 1.0):
        rank = -(-Fraction(str(q)) * n // 1)
        assert Fraction(costs.quantile(q)) == every[int(rank) - 1]


@LAWS
@given(st.integers(1, 10**9), st.integers(1, 900_000))
def test_a_billion_invocations_are_one_row_and_as_few_lines(n: int, ms_each: int) -> None:
    row = Usage("2026-11", "us-east-1", "f", "x86_64", 1024, 512, "zip", "python3.13")
    big = replace(row, requests=n, billed_ms_with_init=n * ms_each, billed_ms_without_init=n * ms_each)
    bill = price([big])
    assert len(bill.items) <= 2 + 1 + 3  # free requests and duration; requests; three tiers
    assert len(bill.allocations) == 2


def test_work_grows_with_rows_and_not_with_what_they_count(monkeypatch: pytest.MonkeyPatch) -> None:
    """Count the exact multiplications: as many for a billion invocations as for a thousand."""
    from lambdasim.billing import month

    calls: list[None] = []
    multiply = month.product

    def counted(quantity: Decimal, rate: Decimal) -> Decimal:
        calls.append(None)
        return multiply(quantity, rate)

    monkeypatch.setattr(month, "product", counted)
    row = Usage("2026-11", "us-east-1", "f", "x86_64", 128, 512, "zip", "python3.13")
    spent = []
    for n in (1_000, 1_000_000_000):
        calls.clear()
        price([replace(row, requests=n, billed_ms_with_init=n, billed_ms_without_init=n)], free_tier=False)
        spent.append(len(calls))
    assert spent == [2, 2]
