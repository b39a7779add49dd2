"""Every view of a bill with lines of the services beside Lambda sums to that bill, to the last digit that it has."""

from collections import Counter
from decimal import Decimal
from importlib.resources import files
from pathlib import Path

import numpy as np
import pytest

import lambdasim as ls
from lambdasim.billing import Bill, price, price_scenario
from lambdasim.billing.exact import total
from lambdasim.catalog import ChargeKind
from lambdasim.finance import OwnedRuns
from lambdasim.plots.bills import plot_waterfall
from lambdasim.study.comparison.tables import TOTAL
from lambdasim.study.forecast.budget import scaled_usd
from lambdasim.study.forecast.forecast import forecast
from lambdasim.study.forecast.result import Forecast
from lambdasim.study.forecast.sensitivity import sensitivity
from lambdasim.study.measures import monthly_bill

SYSTEM = """
name: system
start: 2026-11-01T00:00:00Z
duration: 1d
free_tier: FREE
price_date: 2026-11-01
neighbours: {include: [trigger, logs, traces], held: {nat_hours: 2, secrets: 3, alarms: 30, rest_cache_0_5_gb: 1}}
functions:
  - {name: api, memory_mb: MEMORY, init_ms: 200, work: {io_ms: 150}, trigger: {type: api_gateway_rest},
     traffic: {constant: {rate_per_s: 0}, scale: 0.00002},
     uses: {per_run: {dynamodb_writes: 2.5}, per_run_kb: {nat_gb: 3.5}, log_bytes: 700}}
  - {name: web, memory_mb: 256, init_ms: 0, work: {io_ms: 50}, payload: {request_kb: 20, response_kb: 300},
     trigger: {type: alb}, traffic: {constant: {rate_per_s: 0.01}}}
  - {name: tenant, memory_mb: 1024, init_ms: 300, tenant_isolation: true, keep_alive: 5min, work: {io_ms: 30},
     trigger: {type: function_url}, traffic: {constant: {rate_per_s: 0.002}}}
  - {name: queue, memory_mb: 256, init_ms: 0, work: {io_ms: 50},
     trigger: {type: sqs, queue: {provisioned_pollers: {minimum: 2, maximum: 4}}},
     traffic: {constant: {rate_per_s: 0.01}}}
"""


def scenario(memory: int = 256, *, free: bool = False) -> ls.ScenarioSpec:
    return ls.load_scenario_text(SYSTEM.replace("MEMORY", str(memory)).replace("FREE", str(free).lower()))


@pytest.fixture(scope="module")
def taxi() -> ls.Trace:
    return ls.read_counts_csv("data/traffic/nyc_taxi.csv", naive="utc")


@pytest.fixture(scope="module")
def month(taxi: ls.Trace) -> Forecast:
    return forecast(scenario(), "2015-02", {"api": taxi}, paths=20, simulate=6)


def meters(bill: Bill) -> dict[str, Decimal]:
    found: Counter[str] = Counter()
    for item in bill.items:
        if item.kind is ChargeKind.NEIGHBOUR:
            found[item.usage_type] += item.amount  # type: ignore[assignment]
    return dict(found)  # type: ignore[arg-type]


def test_a_path_of_a_forecast_has_every_line_of_its_run(month: Forecast) -> None:
    path = month.simulated[0]
    run = month.runner.run(month.runner.scenarios[path % len(month.runner.scenarios)], path)
    bill = run.charges(month="2015-02")
    wanted = {
        "api_gateway_rest", "alb_hours", "alb_lcu_hours", "logs_lambda_gb", "xray_traces", "dynamodb_writes", "nat_gb",
        "nat_hours", "secrets", "alarms", "rest_cache_0_5_gb", "tenant_isolation_x86_gb", "sqs_standard",
        "sqs_poller_hours",
    }  # fmt: skip
    assert set(meters(bill)) == wanted
    usage = month.usages[month.simulated.index(path)]
    rows = usage.usage_to(usage.by_day.shape[1])
    told = price_scenario(month.scenario, rows)
    assert meters(told) == meters(bill)
    assert told.total == bill.total
    assert month.total_usd[path] == pytest.approx(float(bill.total), rel=1e-12)


def test_the_lines_and_functions_of_a_forecast_sum_to_its_bills(month: Forecast) -> None:
    np.testing.assert_allclose(sum(month.lines_usd.values()), month.total_usd, rtol=1e-12)
    np.testing.assert_allclose(sum(month.functions_usd.values()), month.total_usd, rtol=1e-12)


def test_a_budget_scales_what_traffic_drives_and_keeps_what_is_held(month: Forecast) -> None:
    usage = month.usages[0]
    none, once, twice = (scaled_usd(month, usage, factor) for factor in (0.0, 1.0, 2.0))
    assert once == pytest.approx(float(month.total_usd[month.simulated[0]]), rel=1e-12)
    rows = usage.usage_to(usage.by_day.shape[1])
    bill = price_scenario(month.scenario, rows)
    held = {"nat_hours", "secrets", "alarms", "rest_cache_0_5_gb", "alb_hours", "sqs_poller_hours"}
    kept = float(sum(usd for name, usd in meters(bill).items() if name in held))
    assert none == pytest.approx(kept, rel=1e-9)
    # Nothing is in a second tier here: what is driven by traffic doubles, but for rounding to whole counts; traces that
    # are the first of their second cannot double where seconds are full.
    assert twice == pytest.approx(kept + 2 * (once - kept), rel=1e-3)


def test_a_sensitivity_begins_at_the_bill_of_its_path(month: Forecast) -> None:
    found = sensitivity(month)
    bills = [float(month.total_usd[path]) for path in month.simulated]
    assert min(abs(found.base_usd - usd) for usd in bills) < 1e-9
    price_swing = next(one for one in found.swings if one.assumption == "price")
    assert price_swing.high_usd - price_swing.low_usd == pytest.approx(0.2 * found.base_usd)
    # Longer runs cost more of Lambda alone.
    longer = next(one for one in found.swings if one.assumption == "billed duration")
    rows = month.usages[0].usage_to(month.usages[0].by_day.shape[1])
    own = price_scenario(month.scenario, rows)
    assert longer.high_usd - longer.low_usd < float(own.total - own.beside_lambda)


@pytest.mark.parametrize("free", [False, True])
def test_a_comparison_shows_lines_that_sum_to_the_bill(free: bool) -> None:
    one, two = (ls.revised(scenario(memory, free=free), {"name": f"m{memory}"}) for memory in (256, 512))
    found = ls.compare([one, two], replications=2)
    table = found.differences
    money = table[(table["group"] == "money") & (table["scope"] == "line items")]
    group, scope, measure = TOTAL
    whole = table[(table["group"] == group) & (table["scope"] == scope) & (table["measure"] == measure)]
    assert {"alb_hours", "nat_hours", "xray_traces", "rest_cache_0_5_gb"} <= set(money["measure"])
    for column in ("base", "value", "difference"):
        assert money[column].sum() == pytest.approx(float(whole[column].iloc[0]), rel=1e-12, abs=1e-12)
    run = ls.simulate(one, keep_records=False)
    assert float(monthly_bill(run).beside_lambda) > 0


@pytest.mark.parametrize("free", [False, True])
def test_a_waterfall_leads_from_one_bill_to_the_other(free: bool) -> None:
    before, after = (
        monthly_bill(ls.simulate(scenario(memory, free=free), keep_records=False)) for memory in (256, 512)
    )
    ax = plot_waterfall(before, after)
    bars = [bar for bar in ax.patches if bar.get_height() > 0]  # type: ignore[attr-defined]
    first, *steps, last = bars
    assert first.get_width() == pytest.approx(float(before.total), rel=1e-12)  # type: ignore[attr-defined]
    reached = first.get_width() + sum(bar.get_width() for bar in steps)  # type: ignore[attr-defined]
    assert reached == pytest.approx(float(after.total), rel=1e-9)
    assert last.get_width() == pytest.approx(float(after.total), rel=1e-12)  # type: ignore[attr-defined]
    changed = {item.usage_type for item in (*before.items, *after.items)}
    names = [label.get_text() for label in ax.get_yticklabels()][1:-1]
    assert len(names) == len(steps)
    assert len(names) <= len(changed)


def test_the_shipped_accounts_have_one_bill_with_a_cache_and_one_free_part(tmp_path: Path) -> None:
    runs = {}
    for name in ("accounts_shop", "accounts_reports"):
        text = files("lambdasim").joinpath(f"examples/{name}.yaml").read_text(encoding="utf-8")
        runs[name] = ls.simulate(ls.load_scenario_text(text), keep_records=False)
        ls.save(runs[name], tmp_path / name)
    owned = OwnedRuns.of_folders([tmp_path / name for name in runs], list(runs))
    listed = price(owned.usage, free_tier=False, neighbours=owned.neighbours())
    apart = [run.charges(free_tier=False) for run in runs.values()]
    assert listed.total == total(bill.total for bill in apart)
    cache = next(item for item in listed.items if item.usage_type == "rest_cache_0_5_gb")
    assert (cache.quantity, cache.amount) == (1, Decimal("0.02"))
    free = price(owned.usage, free_tier=True, neighbours=owned.neighbours())
    given = sum(item.quantity for item in free.items if item.usage_type == "xray_traces" and not item.tier)
    assert given == sum(item.quantity for item in listed.items if item.usage_type == "xray_traces") < 100_000
    assert sum(free.by_function().values()) == free.total
