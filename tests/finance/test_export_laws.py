"""Laws of what is exported: parts sum to wholes, and nothing depends on how usage is cut or ordered."""

import random
from collections import Counter, defaultdict
from dataclasses import replace
from datetime import date
from decimal import Decimal
from fractions import Fraction
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lambdasim.billing import Bill, ExchangeRate, FreeSharing, Usage, converted, price
from lambdasim.catalog import ArchitectureRates, PriceSheet, Rate, Tier, price_sheet
from lambdasim.finance import allocated_costs, check_focus, compare_bill, focus_rows, write_focus
from lambdasim.finance.focus.columns import FocusVersion
from lambdasim.finance.focus.writer import focus_csv

LAWS = settings(
    deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture]
)
FILES = settings(LAWS, max_examples=25)
# Up to every tier and past the free tier: 10**14 ms of 1 GB are 10**11 GB-s.
AMOUNT = st.one_of(st.integers(0, 1000), st.integers(0, 10**9), st.integers(0, 10**14))


@st.composite
def usages(draw: st.DrawFn, months: tuple[str, ...] = ("2025-07", "2026-11")) -> Usage:
    requests, extra, without = draw(AMOUNT), draw(AMOUNT), draw(AMOUNT)
    return Usage(
        month=draw(st.sampled_from(months)),
        region=draw(st.sampled_from(["us-east-1", "eu-central-1", "af-south-1"])),
        function=draw(st.sampled_from(["a", "b", "=c"])),
        architecture=draw(st.sampled_from(["x86_64", "arm64"])),
        memory_mb=draw(st.integers(128, 10_240)),
        ephemeral_mb=draw(st.integers(512, 10_240)),
        package_type="zip",
        runtime="python3.13",
        requests=requests,
        provisioned_requests=draw(st.integers(0, requests)),
        extra_requests=extra,
        provisioned_extra_requests=draw(st.integers(0, extra)),
        billed_ms_with_init=without + draw(AMOUNT),
        billed_ms_without_init=without,
        provisioned_billed_ms=draw(AMOUNT),
        provisioned_allocated_s=draw(AMOUNT),
    )


ROWS = st.lists(usages(), min_size=1, max_size=6)
SHARING = st.sampled_from(list(FreeSharing))


def billed(bill: Bill) -> Fraction:
    return sum((Fraction(row["BilledCost"] or 0) for row in focus_rows(bill)), Fraction(0))


@LAWS
@given(ROWS, SHARING, st.booleans())
def test_shares_sum_to_lines_to_functions_usage_and_to_the_bill(
    rows: list[Usage], sharing: FreeSharing, free_tier: bool
) -> None:
    bill = price(rows, free_sharing=sharing, free_tier=free_tier)
    shares = bill.shares()
    of_line: defaultdict[int, Fraction] = defaultdict(Fraction)
    cost_of_line: defaultdict[int, Fraction] = defaultdict(Fraction)
    for share in shares:
        assert share.quantity > 0
        of_line[id(share.line)] += Fraction(share.quantity)
        cost_of_line[id(share.line)] += Fraction(share.amount)
    assert of_line == {id(item): Fraction(item.quantity) for item in bill.items}
    assert cost_of_line == {id(item): Fraction(item.amount) for item in bill.items}

    used, exported = Counter[tuple[str, ...]](), Counter[tuple[str, ...]]()
    for part in bill.allocations:
        used[part.month, part.region, part.architecture, part.kind, part.function] += Fraction(part.quantity)
    for share in shares:
        key = (share.line.month, share.region, share.architecture, share.line.kind, share.function)
        exported[key] += Fraction(share.quantity)
    assert used == exported


@LAWS
@given(ROWS, SHARING)
def test_shares_in_whole_units_are_close_to_exact_fractions(rows: list[Usage], sharing: FreeSharing) -> None:
    bill = price(rows, free_sharing=sharing)
    exported: defaultdict[str, Fraction] = defaultdict(Fraction)
    for share in bill.shares():
        exported[share.function] += Fraction(share.amount)
    # Each line of a pool moves a function by less than a few units; a request is the dearest unit.
    few_units = Fraction("0.00000028") * len(bill.items) * 3
    for function, exact in bill.by_function().items():
        assert abs(exported[function] - exact) <= few_units


@LAWS
@given(ROWS, st.randoms(use_true_random=False))
def test_the_order_of_functions_changes_no_byte(rows: list[Usage], chance: random.Random) -> None:
    shuffled = rows[:]
    chance.shuffle(shuffled)
    one, two = (focus_csv(focus_rows(price(found)), FocusVersion.V1_2) for found in (rows, shuffled))
    assert one == two


@LAWS
@given(usages(), st.integers(1, 9))
def test_the_same_traffic_on_n_functions_is_the_same_bill(row: Usage, n: int) -> None:
    names = ("requests", "provisioned_requests", "extra_requests", "provisioned_extra_requests", "billed_ms_with_init",
             "billed_ms_without_init", "provisioned_billed_ms", "provisioned_allocated_s")  # fmt: skip
    whole = replace(row, **{name: getattr(row, name) * n for name in names})
    parts = [replace(row, function=f"f{place}") for place in range(n)]
    one, many = price([whole]), price(parts)
    assert focus_rows(one, by_function=False) == focus_rows(many, by_function=False)
    assert billed(one) == billed(many) == Fraction(one.total)
    per_function = {name: Fraction(0) for name in (part.function for part in parts)}
    for share in many.shares():
        per_function[share.function] += Fraction(share.amount)
    spread = max(per_function.values()) - min(per_function.values())
    assert spread <= Fraction("0.00000028") * 2 * len(many.items)


@LAWS
@given(
    st.lists(usages(("2026-10",)), min_size=1, max_size=3),
    st.lists(usages(("2026-11",)), min_size=1, max_size=3),
)
def test_two_months_together_are_both(first: list[Usage], second: list[Usage]) -> None:
    assert focus_rows(price([*second, *first])) == focus_rows(price(first)) + focus_rows(price(second))


def doubled(sheet: PriceSheet) -> PriceSheet:
    def twice(rate: Rate) -> Rate:
        return Rate(None if rate.usd is None else rate.usd * 2, rate.quality)

    def rates(old: ArchitectureRates) -> ArchitectureRates:
        flat = ("request", "ephemeral", "pc_idle", "pc_duration", "snapstart_cache", "snapstart_restore")
        tiers = tuple(Tier(tier.up_to_gb_s, twice(tier.rate)) for tier in old.tiers)
        return replace(old, tiers=tiers, **{name: twice(getattr(old, name)) for name in flat})

    return replace(sheet, architectures={name: rates(old) for name, old in sheet.architectures.items()})


@LAWS
@given(st.lists(usages(("2026-11",)), min_size=1, max_size=4))
def test_doubled_rates_double_every_row_in_every_region(rows: list[Usage]) -> None:
    sheets = [price_sheet(region, date(2026, 11, 1)) for region in sorted({row.region for row in rows})]
    once = focus_rows(price(rows, price_sheet=sheets))
    assert once == focus_rows(price(rows))
    twice = focus_rows(price(rows, price_sheet=[doubled(sheet) for sheet in sheets]))
    assert [Fraction(row["BilledCost"] or 0) for row in twice] == [
        2 * Fraction(row["BilledCost"] or 0) for row in once
    ]


@LAWS
@given(ROWS, st.decimals("0.0001", "20000", places=6))
def test_conversion_is_exact_on_every_row(rows: list[Usage], per_usd: Decimal) -> None:
    bill, rate = price(rows), ExchangeRate("EUR", per_usd, date(2026, 11, 30))
    euro = converted(bill, rate)
    assert Fraction(euro.total) == Fraction(bill.total) * Fraction(per_usd)
    assert sum(euro.by_function().values()) == Fraction(euro.total)
    found = focus_rows(bill, exchange=rate)
    assert sum(Fraction(row["BilledCost"] or 0) for row in found) == Fraction(euro.total)


@FILES
@given(ROWS, st.sampled_from(["csv", "parquet"]), st.sampled_from(["1.2", "1.4"]))
def test_every_bill_passes_the_checker_and_compares_equal(
    tmp_path: Path, rows: list[Usage], suffix: str, version: str
) -> None:
    bill = price(rows)
    path = write_focus(bill, tmp_path / f"b.{suffix}", version=version)
    assert check_focus(path, version) == bill.total
    if bill.items:
        found = compare_bill(path, bill)
        assert {line.difference for line in found.lines} == {0}
        assert found.sum("our_cost") == bill.total


@LAWS
@given(
    ROWS,
    st.integers(1, 4),
    st.dictionaries(st.sampled_from(["a", "b", "x"]), st.sampled_from(["web", "core"])),
)
def test_allocations_sum_to_the_bill_however_they_are_cut(
    rows: list[Usage], top: int, teams: dict[str, str]
) -> None:
    bill = price(rows)
    tags = {function: {"team": team} for function, team in teams.items()}
    for found in (
        allocated_costs(bill),
        allocated_costs(bill, top=top),
        allocated_costs(bill, tag="team", tags=tags),
        allocated_costs(bill, tag="team", tags=tags, top=1),
    ):
        assert sum(Fraction(one.amount) for one in found) == Fraction(bill.total)
        assert sum(one.share for one in found) == (1 if bill.total else 0)
        assert sum(one.functions for one in found) == len(bill.by_function())
    assert len(allocated_costs(bill, top=top)) <= top + 1
