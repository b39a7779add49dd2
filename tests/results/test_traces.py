"""X-Ray's default sampling has one count: the first run of each second with any, and a part of the rest."""

from pathlib import Path

import numpy as np
import pytest

import lambdasim as ls
from lambdasim.billing import NeighbourTerms, Usage, price
from lambdasim.billing.neighbours.counts import sampled_traces, shared_traces
from lambdasim.billing.usage import COUNTERS
from lambdasim.finance import OwnedRuns
from lambdasim.results.usage.as_month import monthly_usage, period_of
from lambdasim.study.forecast.usage import COUNTERS as FORECAST

SYSTEM = """
name: traced
start: 2026-11-30T23:30:00Z
duration: {duration}
free_tier: false
neighbours: {{include: [traces]}}
functions:
  - {{name: even, memory_mb: 256, init_ms: 0, work: {{io_ms: 20}}, traffic: {{constant: {{rate_per_s: {even}}}}}}}
  - {{name: mail, memory_mb: 256, init_ms: 0, work: {{io_ms: 20}}, traffic: {{poisson: {{rate_per_s: {mail}}}}}{uses}}}
"""


def run_of(
    *, duration: str = "1h", even: float = 2, mail: float = 1, uses: str = "", records: bool = False
) -> ls.RunResult:
    text = SYSTEM.format(duration=duration, even=even, mail=mail, uses=uses)
    return ls.simulate(ls.load_scenario_text(text), keep_records=records)


def seconds_of(run: ls.RunResult, *functions: str) -> int:
    """In how many seconds runs really started."""
    own = run.records[run.records["function"].isin(functions)]
    return len(np.unique(np.floor(own["start_s"].to_numpy())))


def usage_of(run: ls.RunResult, name: str) -> tuple[int, int]:
    rows = [row for row in run.usage() if row.function == name]
    return sum(row.requests for row in rows), sum(row.busy_s for row in rows)


def test_by_hand() -> None:
    # 10 runs in 4 seconds: 4 first ones, and 5% of 6.
    assert sampled_traces(10, 4) == 4_300_000
    assert sampled_traces(3, 60) == 3_000_000
    assert sampled_traces(0, 0) == 0


def test_even_traffic_reaches_every_second_it_can() -> None:
    assert usage_of(run_of(even=2), "even") == (7200, 3600)
    assert usage_of(run_of(even=0.5), "even") == (1800, 1800)
    # A minute and a half, two a second: 90 seconds, not 120.
    assert usage_of(run_of(duration="90s"), "even") == (180, 90)


@pytest.mark.parametrize("rate", [0.02, 0.5, 1, 5])
def test_random_traffic_reaches_as_many_as_the_records_say(rate: float) -> None:
    run = run_of(mail=rate, duration="4h", records=True)
    runs, busy = usage_of(run, "mail")
    real = seconds_of(run, "mail")
    # The variance of the seconds that a Poisson process reaches, 4 standard errors.
    empty = np.exp(-rate)
    assert abs(busy - real) <= 4 * np.sqrt(14_400 * empty * (1 - empty)) + 1
    assert busy <= min(runs, 14_400)
    shared = sum(row.busy_any_s for row in run.usage())
    assert abs(shared - seconds_of(run, "mail", "even")) <= 1  # even has one in every second
    alone = run_of(even=0, mail=rate, duration="4h")
    assert sum(row.busy_any_s for row in alone.usage()) == usage_of(alone, "mail")[1]


def test_the_bill_safety_and_the_finding_have_one_number() -> None:
    run = run_of()
    scenario = run.scenario
    usage = monthly_usage(run.usage(), period_of(scenario).factor)
    bill = price(usage, free_tier=False, neighbours=NeighbourTerms.of_scenario(scenario))
    traces = float(sum(item.amount for item in bill.items if item.usage_type == "xray_traces"))
    (line,) = [one for one in ls.safety_costs(run).lines if "X-Ray" in one.measure]
    assert line.usd == pytest.approx(traces, rel=1e-12) == pytest.approx(line.would_usd, rel=1e-12)
    full = run_of(uses=", uses: {per_run: {xray_traces: 1}}")
    found = ls.advise_limits(full.scenario).findings.set_index("rule").loc["traces-at-full-sampling"]
    mail = sum(sampled_traces(row.requests, row.busy_s) for row in usage if row.function == "mail")
    runs = sum(row.requests for row in usage if row.function == "mail")
    assert found["usd"] == pytest.approx((runs - mail / 1e6) * 5 / 1e6, rel=1e-6)


def test_both_ends_of_the_choice_stand_beside_the_number() -> None:
    run = run_of()
    (note,) = [
        note for note in run.charges().notes if note.startswith("xray_traces:") and "share one" in note
    ]
    terms = {"": NeighbourTerms.of_scenario(run.scenario)}
    least = sum(shared_traces(run.usage(), terms).values())  # type: ignore[arg-type]
    runs = sum(row.requests for row in run.usage())
    assert least == pytest.approx(3600e6 + (runs - 3600) * 5e4, abs=2)
    assert f"{least / 1e6:,.0f} for" in note
    one = run_of(uses=", uses: {per_run: {xray_traces: 0.5}}")
    assert not [note for note in one.charges().notes if "share one" in note]


def test_usage_without_minutes_counts_evenly() -> None:
    row = Usage(
        "2026-11", "us-east-1", "even", "x86_64", 256, 512, "zip", "python3.13", requests=900, elapsed_s=600
    )
    terms = NeighbourTerms.of_scenario(run_of().scenario)
    bill = price([row], free_tier=False, neighbours=terms)
    (item,) = [item for item in bill.items if item.usage_type == "xray_traces"]
    assert item.quantity == 615  # 600 and 5% of 300


def test_a_saved_run_has_the_same(tmp_path: Path) -> None:
    run = run_of()
    ls.save(run, tmp_path / "run")
    owned = OwnedRuns.of_folders([tmp_path / "run"])
    assert price(owned.usage, free_tier=False, neighbours=owned.neighbours()).total == run.charges().total


def test_a_forecast_keeps_every_counter() -> None:
    assert set(FORECAST) == set(COUNTERS)


def test_ways_into_one_function_share_its_seconds() -> None:
    text = SYSTEM.format(duration="1h", even=2, mail=1, uses=", shares: even")
    text = text.replace(
        "memory_mb: 256, init_ms: 0, work: {io_ms: 20}, traffic: {poisson", "traffic: {poisson"
    )
    run = ls.simulate(ls.load_scenario_text(text), keep_records=False)
    runs, busy = usage_of(run, "mail")
    assert runs > 3000
    assert busy == 2  # every second has a run of the other way: one in each month is kept
    assert usage_of(run, "even")[1] == 3600
