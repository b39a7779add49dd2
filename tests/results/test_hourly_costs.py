"""What each hour costs, held against the bill."""

from dataclasses import replace

import pytest

import lambdasim as ls
from lambdasim.specs import load_scenario_text

SCENARIO = """
name: hours
start: 2026-10-31T22:30:00Z
duration: 3h
free_tier: false
functions:
  - name: a
    memory_mb: 1024
    provisioned_concurrency: [{at: 0s, count: 2}, {at: 1h, count: 5}, {at: 2h, count: 0}]
    work: {io_ms: {exponential: {mean: 500}}}
    traffic: {poisson: {rate_per_s: 4}}
  - {name: b, architecture: arm64, work: {io_ms: 90}, traffic: {poisson: {rate_per_s: 1}, stop: 30min}}
"""


def test_the_hours_add_up_to_the_bill() -> None:
    run = ls.simulate(load_scenario_text(SCENARIO))
    hours = run.hourly_costs()
    without_init = [replace(usage, provisioned_init_ms=0) for usage in run.usage()]
    assert hours["usd"].sum() == pytest.approx(float(ls.price(without_init, free_tier=False).total), rel=1e-9)
    assert hours["timestamp"].tolist()[:2] == ["2026-10-31T22:30:00Z", "2026-10-31T23:30:00Z"]
    assert set(hours.loc[hours["function"] == "b", "usd"].gt(0)[1:]) <= {False}


def test_provisioned_concurrency_costs_in_the_hours_in_which_it_is_held() -> None:
    quiet = SCENARIO.replace("rate_per_s: 4", "rate_per_s: 0")
    hours = ls.simulate(load_scenario_text(quiet)).hourly_costs()
    usd = hours.loc[hours["function"] == "a", "usd"].tolist()
    assert usd[1] == pytest.approx(usd[0] * 5 / 2)
    assert usd[2] == 0
