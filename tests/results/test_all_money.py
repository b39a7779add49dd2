"""Every way in which a run tells money sums to its bill, to the last digit, for every kind of function and date."""

import csv
from decimal import Decimal
from fractions import Fraction
from functools import partial
from pathlib import Path

import openpyxl
import pytest

import lambdasim as ls
from lambdasim import finance
from lambdasim.billing import Bill, in_account, plain, pool, price
from lambdasim.billing.exact import total
from lambdasim.catalog import ChargeKind
from lambdasim.finance.days import REST
from lambdasim.finance.focus.writer import focus_rows
from lambdasim.results.files.hourly import hourly_usage
from lambdasim.results.files.saved import load_usage
from lambdasim.specs import load_scenario_text
from lambdasim.study.commitment.advise import advise_commitment

KINDS = {
    "zip": "runtime: python3.13",
    "arm": "runtime: python3.13, architecture: arm64, memory_mb: 1769",
    "image": "package_type: image, init_ms: 700",
    "custom": "runtime: provided.al2023, init_ms: 300",
    "python-snapshots": "runtime: python3.13, snap_start: {restore_ms: 900, versions: 3}",
    "java-snapshots": "runtime: java21, snap_start: {restore_ms: 900}",
    "tmp": "runtime: python3.13, ephemeral_mb: 4096",
    "provisioned": "runtime: python3.13, provisioned_concurrency: [{at: 0s, count: 2}, {at: 31min, count: 3}]",
    "provisioned-arm-tmp": "runtime: python3.13, architecture: arm64, ephemeral_mb: 1024, "
    "provisioned_concurrency: [{at: 7min, count: 2}]",
    "not-called": "runtime: python3.13, provisioned_concurrency: [{at: 0s, count: 2, qualifier: '1'}]",
    "streaming": "runtime: python3.13, trigger: {type: function_url}, payload: {response_kb: 9000, streamed: true}",
    "large-events": "runtime: python3.13, trigger: {type: sns}, payload: {request_kb: 700}",
    "failing": "runtime: python3.13, trigger: {type: sns}, work: {io_ms: 50, crash_probability: 0.1, "
    "error_probability: 0.2}",
}
STARTS = ("2025-07-31T20:00:00Z", "2025-08-01T00:00:00Z", "2026-10-31T22:00:00Z")


def run_of(kind: str, start: str, free_tier: bool) -> ls.RunResult:
    work = "" if "work:" in KINDS[kind] else ", work: {io_ms: 50}"
    other = (
        f"  - {{name: g, {KINDS['zip']}, work: {{io_ms: 70}}, traffic: {{constant: {{rate_per_s: 0.01}}}}}}\n"
    )
    return ls.simulate(
        load_scenario_text(
            f"name: t\nstart: {start}\nduration: 4h\nfree_tier: {str(free_tier).lower()}\nfunctions:\n"
            f"  - {{name: f, {KINDS[kind]}{work}, keep_alive: 1min, "
            "traffic: {poisson: {rate_per_s: 0.02}}}\n" + other
        ),
        keep_records=False,
    )


@pytest.mark.parametrize("free_tier", [False, True])
@pytest.mark.parametrize("start", STARTS)
@pytest.mark.parametrize("kind", KINDS)
def test_every_way_sums_to_the_bill(kind: str, start: str, free_tier: bool, tmp_path: Path) -> None:
    run = run_of(kind, start, free_tier)
    bill, used = run.charges(), hourly_usage(run)
    priced = partial(price, free_tier=free_tier)
    assert bill.total > 0 or free_tier
    assert bill.total == total(item.amount for item in bill.items)
    assert bill.total == total(row["amount"] for _, row in run.bill().iterrows())
    assert bill.total == total(share.amount for share in bill.shares())
    assert (
        sum(bill.by_function().values())
        == sum(part.amount for part in bill.allocations)
        == Fraction(bill.total)
    )
    assert total(one.amount for one in finance.allocated_costs(bill)) == bill.total
    assert total(one.amount for one in finance.allocated_costs(bill, tag="team", tags={})) == bill.total
    # by hour and day
    assert pool(used.usage) == pool(run.usage())
    assert priced(used.usage).total == bill.total
    days = finance.daily_costs(used, priced)
    assert total(day.amount for day in days) == bill.total
    assert total(usd for day in days for usd in day.usage_types.values()) == bill.total
    # files of finance
    for by_function in (True, False):
        rows = focus_rows(bill, by_function=by_function)
        assert total(Decimal(row["BilledCost"] or "") for row in rows) == bill.total
    path = finance.write_focus(bill, tmp_path / "bill.csv")
    assert (
        total(Decimal(row["BilledCost"]) for row in csv.DictReader(path.read_text().splitlines()))
        == bill.total
    )
    check_workbook(finance.write_workbook(bill, tmp_path / "bill.xlsx", days=days), bill)
    # saved, of an account, under a commitment of nothing
    ls.save(run, tmp_path / "run")
    assert priced(load_usage(tmp_path / "run")).total == bill.total
    assert priced(in_account(run.usage(), "111111111111")).total == bill.total
    assert advise_commitment(run).on_demand_usd == Fraction(bill.total)
    if not free_tier:
        check_list_rates(run, bill)


def check_workbook(path: Path, bill: Bill) -> None:
    book = openpyxl.load_workbook(path)
    summary = {row[0].value: row[1].value for row in book["Summary"].iter_rows(max_col=2)}
    assert summary["exact total"] == plain(bill.total)
    exact = [row[11].value for row in book["Line items"].iter_rows(min_row=2)]
    assert total(map(Decimal, exact[:-1])) == Decimal(exact[-1]) == bill.total
    days = [row[-1].value for row in book["By day"].iter_rows(min_row=2) if row[0].value and row[-1].value]
    assert total(map(Decimal, days[:-1])) == Decimal(days[-1]) == bill.total


def check_list_rates(run: ls.RunResult, bill: Bill) -> None:
    """The cost of single invocations, at list rates without what belongs to none, and of hours, which are the bill."""
    used = hourly_usage(run)
    invocations = Fraction(0)
    for name in run.aggregate.names:
        costs = run.invocation_costs(name)
        if costs.n:
            invocations += costs.mean() * costs.n
            million = run.costs().set_index("function").loc[name, "usd_per_million"]
            assert million == pytest.approx(float(costs.per_million()), rel=1e-12)
    alone = [row for row in run.usage() for row in (on_demand(row),)]
    assert invocations == Fraction(price(alone, free_tier=False).total)
    hours = price([row for rows in used.hours for row in rows], free_tier=False).total
    assert run.hourly_costs()["usd"].sum() == pytest.approx(float(bill.total), rel=1e-12)
    rest = {day.day: day for day in finance.daily_costs(used, partial(price, free_tier=False))}.get(REST)
    assert hours + (rest.amount if rest else 0) == bill.total
    by_kind = {item.kind for item in bill.items}
    assert by_kind <= set(ChargeKind)


def on_demand(row: ls.Usage) -> ls.Usage:
    """Requests and duration on demand, without what large events, streams, snapshots and provisioned add."""
    from dataclasses import replace

    return replace(
        row, requests=row.requests - row.provisioned_requests, provisioned_requests=0, extra_requests=0,
        provisioned_extra_requests=0, provisioned_billed_ms=0, provisioned_init_ms=0, provisioned_allocated_s=0,
        snapstart_restored_mb=0, snapstart_cache_ms=0, streamed_bytes=0,
    )  # fmt: skip
