"""Every public result offers the same four views, and each has a table that people can read."""

import json
import re
import warnings
from collections.abc import Callable
from functools import cache
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

import pytest

import lambdasim as ls
from lambdasim.views import Result

SCENARIO = """name: "<b>shop</b>"
start: 2026-11-01T00:00:00Z
duration: 1h
free_tier: false
functions:
  - {name: api, memory_mb: 512, timeout: 20s, reserved_concurrency: 2, trigger: {type: function_url},
     work: {cpu_ms: {lognormal: {p50: 200, p95: 900}}, max_memory_mb: 200}, traffic: {poisson: {rate_per_s: 5}}}
  - {name: mail, memory_mb: 1024, timeout: 20s, trigger: {type: sns}, work: {io_ms: 300, error_probability: 0.1},
     traffic: {poisson: {rate_per_s: 1}}}
"""
FUTURE = """name: next
start: 2014-05-01T00:00:00Z
price_date: 2026-11-01
duration: 1d
free_tier: false
functions:
  - {name: elb_request_count, work: {io_ms: 200}, traffic: {constant: {rate_per_s: 0.1}}}
"""
COUNTS = "data/traffic/elb_request_count.csv"


@cache
def spec() -> ls.ScenarioSpec:
    return ls.load_scenario_text(SCENARIO)


@cache
def run() -> ls.RunResult:
    return ls.simulate(spec())


@cache
def folder() -> Path:
    place = Path(mkdtemp())
    ls.save(run(), place)
    return place


def alone() -> ls.ScenarioSpec:
    return ls.revised(spec(), {"functions": spec().functions[:1]})


@cache
def trace() -> ls.Trace:
    return ls.read_counts_csv(COUNTS, naive="utc")


@cache
def calibrated() -> ls.Calibration:
    return ls.calibrate(ls.read_report_logs("data/report_logs/aws_2rps_cloudwatch.json"))


@cache
def month() -> ls.Forecast:
    return ls.forecast(ls.load_scenario_text(FUTURE), "2014-05", trace(), paths=20, simulate=6)


MADE: dict[str, Callable[[], Any]] = {
    "ScenarioSpec": spec,
    "Trace": trace,
    "RunResult": run,
    "Bill": lambda: run().charges(),
    "FunctionResults": lambda: ls.simulate_functions(spec()),
    "MemorySweep": lambda: ls.sweep_memory(alone(), sizes=(256, 1769), replications=2),
    "Comparison": lambda: ls.compare([spec(), ls.revised(spec(), {"name": "other"})], replications=2),
    "LimitsAdvice": lambda: ls.advise_limits(spec(), replications=2, multiples=(1, 2)),
    "BreakEven": lambda: ls.break_even(spec(), multiples=(1, 10), replications=2),
    "PlatformComparison": lambda: ls.platforms(spec(), replications=2),
    "PlatformBill": lambda: ls.price_platform(
        "cloud_run", {"requests": "10M", "vcpu_s": 334_000, "gib_s": 500_000}
    ),
    "SafetyCosts": lambda: ls.safety_costs(run()),
    "Beside": lambda: ls.Beside(run(), {"functions": {"api": {"invocations": 18_000, "duration_ms": 6e6}}}),
    "Forecast": month,
    "BudgetOutlook": lambda: ls.budget_outlook(month(), 1.0),
    "Sensitivity": lambda: ls.sensitivity(month()),
    "Backtest": lambda: ls.backtest(ls.read_counts_csv("data/traffic/nyc_taxi.csv", naive="utc"), paths=20),
    "RoundTrip": lambda: ls.calibrate_logs(["data/report_logs/aws_15rps_cloudwatch.json"]).round_trip,
    "CommitmentStudy": lambda: ls.advise_commitment(run()),
    "BillComparison": lambda: ls.finance.compare_bill("data/finance/cur2_layout.csv", run().usage()),
    "Calibration": calibrated,
    "Trap": lambda: ls.spring_trap(spec(), ls.revised(spec(), {"name": "other"})),
    "WhatIf": lambda: ls.what_if(spec(), sizes=(512,), traffic=(2,), provisioned=()),
}
EXPONENT = re.compile(r"\d[eE][+-]?\d")
NEVER = re.compile(r"\b(?:NaN|nan|NaT|None|True|False|inf|Decimal|Fraction)\b|\b[0-9a-f]{40,64}\b")
MONEY = re.compile(r"\$\d[\d,]*(?:\.\d+)?")


@cache
def made(name: str) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return MADE[name]()


def public_results() -> set[str]:
    found = {name for name in ls.__all__ if isinstance(getattr(ls, name), type)}
    results = {name for name in found if issubclass(getattr(ls, name), Result)}
    results |= {
        name
        for name in ls.finance.__all__
        if isinstance(getattr(ls.finance, name), type) and issubclass(getattr(ls.finance, name), Result)
    }
    return results


def test_every_public_result_is_tried_here() -> None:
    assert public_results() == set(MADE)


@pytest.mark.parametrize("name", MADE)
def test_a_result_has_four_views(name: str) -> None:
    import pandas as pd

    result = made(name)
    assert isinstance(result, getattr(ls, name, None) or getattr(ls.finance, name))
    assert isinstance(result.frame(), pd.DataFrame)
    assert len(result.frame())
    assert json.loads(result.to_json(), parse_constant=lambda word: pytest.fail(f"{word} is not JSON"))
    assert "<table" in result._repr_html_()
    assert result.text()
    assert "\n" not in result.headline()


@pytest.mark.parametrize("name", MADE)
def test_what_people_read_has_no_words_of_a_program(name: str) -> None:
    result = made(name)
    for view in (result.text(), repr(result), re.sub(r"<[^>]*>", " ", result._repr_html_())):
        assert not EXPONENT.search(view), EXPONENT.search(view)
        assert not NEVER.search(view), NEVER.search(view)
        assert "<b>" not in result._repr_html_()


@pytest.mark.parametrize("name", MADE)
def test_money_has_two_decimals_or_three_digits_below_a_cent(name: str) -> None:
    for amount in MONEY.findall(made(name).text() + made(name).headline()):
        digits = amount.removeprefix("$").replace(",", "")
        whole, _, part = digits.partition(".")
        if len(part) != 2:
            assert float(digits) < 0.01, amount
            assert len(part.lstrip("0")) <= 3, amount
            assert whole == "0"


@pytest.mark.parametrize("name", [name for name in MADE if name not in {"Trace", "ScenarioSpec"}])
def test_text_fits_a_terminal(name: str) -> None:
    assert max(map(len, made(name).text().splitlines())) <= 80


def test_a_scenario_is_read_again_from_its_json() -> None:
    assert ls.load_scenario_text(spec().to_json()).scenario_hash() == spec().scenario_hash()
