"""Money of a month, where a run is no sample of one or has a free tier: the first sentence says so, in every view."""

import json
from collections.abc import Callable

import pytest

import lambdasim as ls
from lambdasim.views import Result

TWO_HOURS = """name: sale
start: 2026-11-27T10:00:00Z
duration: 2h
functions:
- name: shop
  traffic: {constant: {rate_per_s: 1}, spikes: [{at: 30min, duration: 30min, factor: 4}]}
  work: {io_ms: 100}
"""
ONE_HOUR = TWO_HOURS.replace("2h", "1h").replace(", spikes: [{at: 30min, duration: 30min, factor: 4}]", "")
SAID = (
    "WARNING: a month here is 365 runs like this one of 2h, which is no sample of a month: shop has spikes."
)
STUDIES: dict[str, Callable[[ls.ScenarioSpec], Result]] = {
    "sweep-memory": lambda spec: ls.sweep_memory(spec, sizes=[128, 256], replications=2),
    "break-even": lambda spec: ls.break_even(spec, multiples=[1], replications=2),
    "platforms": lambda spec: ls.platforms(spec, replications=1),
    "safety": lambda spec: ls.safety_costs(ls.simulate(spec, keep_records=False)),
    "compare": lambda spec: ls.compare([ls.load_scenario_text(ONE_HOUR), spec], replications=2),
}


@pytest.mark.parametrize("study", STUDIES)
def test_a_month_that_a_run_is_no_sample_of_is_said_first(study: str) -> None:
    found = STUDIES[study](ls.load_scenario_text(TWO_HOURS))
    answer = json.loads(found.to_json())["answer"]
    for view in (" ".join(found.text().split()), answer):
        assert SAID in view
        assert "month" not in view[: view.index(SAID)]
        assert view.index(SAID) < view.index("$" if "$" in view else "USD")


@pytest.mark.parametrize("study", STUDIES)
def test_a_month_that_a_run_is_a_sample_of_needs_no_warning(study: str) -> None:
    found = STUDIES[study](ls.load_scenario_text(ONE_HOUR))
    assert "WARNING" not in found.text()


def test_the_bill_of_safety_is_shown_with_the_free_tier_and_without() -> None:
    """3,600 calls an hour, of 100 ms and one more for INIT: 2,628,000 a month at 128 MB."""
    found = ls.safety_costs(ls.simulate(ls.load_scenario_text(ONE_HOUR), keep_records=False))
    assert found.total_usd == pytest.approx((2_628_000 - 1e6) * 2e-7, rel=1e-6)
    assert found.listed_usd == pytest.approx(2_628_000 * (2e-7 + 0.1 / 8 * 0.0000166667), rel=0.001)
    assert f"(${found.listed_usd:.2f} without)" in " ".join(found.text().split())


def test_a_sweep_says_that_its_bill_has_the_free_tier() -> None:
    spec = ls.load_scenario_text(ONE_HOUR)
    for free in (True, False):
        asked = ls.load_scenario_text(f"free_tier: {str(free).lower()}\n{ONE_HOUR}")
        told = " ".join(ls.sweep_memory(asked, sizes=[128, 256], replications=2).text().split())
        assert ("after a whole month's free tier" in told) == free
    assert spec.free_tier
