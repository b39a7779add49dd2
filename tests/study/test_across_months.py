"""A run with parts of two months: each has free parts and tiers of its own, in studies as on the bill."""

from decimal import Decimal
from fractions import Fraction

import pytest

import lambdasim as ls
from lambdasim.billing.platforms.charges import PlatformUsage, platform_charges
from lambdasim.catalog import ChargeKind
from lambdasim.results.usage.as_month import month_basis, monthly_usage, months_of
from lambdasim.study.measures import monthly_bill
from lambdasim.study.platforms.month import Month

# 60 runs of 9,000 GB-s, half of them in each month: neither exceeds the 400,000 GB-s that a month has free.
TEXT = """
name: turn
start: 2026-11-30T12:00:00Z
duration: {duration}
functions:
  - {{name: f, memory_mb: 10240, timeout: 15min, init_ms: 0, work: {{io_ms: 899000, first_run_ms: 0}},
      trigger: {{type: function_url}}, traffic: {{constant: {{rate_per_s: {rate}}}}}}}
"""


def turn(duration: str = "24h", rate: float = 1 / 1440.5) -> ls.ScenarioSpec:
    return ls.load_scenario_text(TEXT.format(duration=duration, rate=rate))


@pytest.mark.parametrize(("duration", "per"), [("24h", "run"), ("30d", None)])
def test_studies_have_the_bill_of_the_run(duration: str, per: str | None) -> None:
    scenario = turn(duration, 1 / 1440.5 / (30 if duration == "30d" else 1))
    run = ls.simulate(scenario, keep_records=False)
    bill = float(run.charges().total)
    found = ls.break_even(scenario, multiples=[1.0], replications=2, per=per)
    table = found.table
    ours = table[(table["multiple"] == 1) & (table["option"] == "Lambda")]
    assert ours["usd"].item() == pytest.approx(bill)
    assert ls.safety_costs(run, per).total_usd == pytest.approx(bill)
    assert "2 calendar months, each with free parts" in month_basis(scenario).text(per_month=per is None)


def test_platforms_have_each_months_free_parts() -> None:
    scenario = turn()
    run = ls.simulate(scenario, keep_records=False)
    usage = monthly_usage(run.usage(), Fraction(1))
    month = Month(scenario, usage, Fraction(1), 24, 10**12, "run")
    assert month.parts == {"2026-11": Fraction(1, 2), "2026-12": Fraction(1, 2)}
    half = PlatformUsage(requests=30, milli_vcpu_ms=10**12, mb_ms=10**15, hours=12)
    whole = half.plus(half).__class__(60, 2 * 10**12, 2 * 10**15, 0, 24)
    for platform, has_less in (
        ("cloud_run", True),
        ("vercel", False),
    ):  # the other has a plan's fee in each month
        each, together = (
            sum(one.amount for one in platform_charges(platform, used)) for used in (half, whole)
        )
        found = sum(one.amount for one in month.charges(platform, whole, free=True))
        assert found == pytest.approx(2 * each)
        assert (found < together) == has_less
    assert month.aws(free=True)[1] == pytest.approx(2 * Decimal("0.09") * (Decimal(5 * 10**11) / 2**30 - 100))


def test_what_is_scaled_lies_in_the_month_that_has_most_of_the_run() -> None:
    scenario = ls.load_scenario_text(TEXT.format(duration="7d", rate=0.001))
    usage = monthly_usage(ls.simulate(scenario, keep_records=False).usage(), Fraction(730, 168))
    assert {row.month for row in usage} == {"2026-12"}
    assert months_of(scenario) == ("2026-11", "2026-12")
    assert months_of(turn("12h")) == ("2026-11",)


@pytest.mark.parametrize("duration", ["30min", "2h", "4h"])
def test_a_snapshot_is_cached_all_month_however_short_the_run(duration: str) -> None:
    """A version is billed for three hours at least, once: a run of one hour is no 730 times three hours."""
    scenario = ls.load_scenario_text(f"""
name: cached
start: 2026-11-03T00:00:00Z
duration: {duration}
functions:
  - {{name: f, memory_mb: 1024, runtime: python3.13, snap_start: {{versions: 2}}, init_ms: 300, work: {{io_ms: 10}},
      trigger: {{type: function_url}}, traffic: {{constant: {{rate_per_s: 0.1}}}}}}
""")
    bill = monthly_bill(ls.simulate(scenario, keep_records=False))
    (cache,) = [item for item in bill.items if item.kind is ChargeKind.SNAPSTART_CACHE]
    assert cache.quantity == 2 * 730 * 3600
