"""Theory inside confidence intervals from independent replications.

Threshold, written down first: the 99.9 % t-interval of 20 replications must hold the theoretical value.
"""

import math
from collections.abc import Callable

import numpy as np
import pytest
from scipy import stats

import lambdasim as ls
from lambdasim.engine.contract import StartType
from lambdasim.results.run import RunResult
from lambdasim.specs import load_scenario_text

REPLICATIONS = 20
LEVEL = 0.999


def holds(theory: float, measure: Callable[[int], float]) -> None:
    values = np.array([measure(seed) for seed in range(REPLICATIONS)])
    half = stats.t.isf((1 - LEVEL) / 2, REPLICATIONS - 1) * values.std(ddof=1) / math.sqrt(REPLICATIONS)
    assert half > 0
    assert abs(values.mean() - theory) <= half, f"{theory} not in {values.mean()} ± {half}"


def scenario(text: str, seed: int) -> RunResult:
    head = f"name: t\nstart: 2026-11-01T00:00:00Z\nseed: {seed}\n"
    return ls.simulate(load_scenario_text(head + text), keep_records=False)


def erlang_b(load: float, servers: int) -> float:
    blocked = 1.0
    for n in range(1, servers + 1):
        blocked = load * blocked / (n + load * blocked)
    return blocked


@pytest.mark.parametrize("work", ["{exponential: {mean: 500}}", "500"], ids=["exponential", "constant"])
def test_erlang_b_throttling_does_not_depend_on_the_service_law(work: str) -> None:
    def refused(seed: int) -> float:
        run = scenario(
            f"""
duration: 1h
account: {{concurrency: 6}}
platform: {{keep_alive: 1h, max_lifetime: null}}
functions:
  - {{name: f, timeout: 900s, init_ms: 0, work: {{io_ms: {work}}}, trigger: {{type: function_url}},
      traffic: {{poisson: {{rate_per_s: 8}}}}}}
""",
            seed,
        )
        totals = run.aggregate.functions[0]
        return float(totals.outcomes[5] / totals.events)

    holds(erlang_b(4.0, 6), refused)


def test_mean_concurrency_without_limits_is_the_offered_load() -> None:
    def mean_concurrency(seed: int) -> float:
        rng = np.random.default_rng(seed)
        arrivals = np.cumsum(rng.exponential(0.05, 40_000))
        run = ls.simulate(
            arrivals_s=arrivals, durations_ms={"gamma": {"mean": 300, "cv": 2}}, init_ms=0, seed=seed
        )
        return run.aggregate.functions[0].concurrency.busy_us / 1e6 / float(arrivals[-1])

    holds(20 * 0.3, mean_concurrency)


def test_concurrency_found_by_arrivals_is_poisson() -> None:
    # M/G/infinity: an arrival finds Poisson(load) executions; its own makes one more.
    load = 3.0

    def alone(seed: int) -> float:
        run = scenario(
            """
duration: 2h
platform: {keep_alive: 1h, max_lifetime: null}
functions:
  - {name: f, timeout: 900s, init_ms: 0, work: {io_ms: {lognormal: {mean: 1000, p95: 2500}}},
     trigger: {type: function_url}, traffic: {poisson: {rate_per_s: 3}}}
""",
            seed,
        )
        series = run.aggregate.functions[0]
        return float(series.concurrency.busy_us / 1e6 / 7200)

    holds(load, alone)


@pytest.mark.parametrize("keep_alive_s", [0.5, 2.0])
def test_a_single_environment_is_cold_with_the_chance_of_a_long_gap(keep_alive_s: float) -> None:
    rate = 0.8

    def cold(seed: int) -> float:
        rng = np.random.default_rng(seed)
        arrivals = np.cumsum(rng.exponential(1 / rate, 4_000))
        run = ls.simulate(
            arrivals_s=arrivals, durations_ms=0, init_ms=0, keep_alive_s=keep_alive_s, keep_records=False
        )
        starts = run.aggregate.functions[0].starts
        return float((starts[StartType.COLD] - 1) / (len(arrivals) - 1))

    holds(math.exp(-rate * keep_alive_s), cold)


def test_overflow_from_provisioned_concurrency_is_erlang_b() -> None:
    def spilled(seed: int) -> float:
        run = scenario(
            """
duration: 1h
platform: {keep_alive: 1h, max_lifetime: null}
functions:
  - {name: f, timeout: 900s, init_ms: 0, work: {io_ms: {exponential: {mean: 500}}},
     provisioned_concurrency: [{at: 0s, count: 5}], trigger: {type: function_url},
     traffic: {poisson: {rate_per_s: 8}}}
""",
            seed,
        )
        totals = run.aggregate.functions[0]
        return float(1 - totals.starts[StartType.PROVISIONED] / totals.events)

    holds(erlang_b(4.0, 5), spilled)
