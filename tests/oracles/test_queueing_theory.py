"""Theory inside confidence intervals from independent replications.

Threshold, written down first: the 99.9 % t-interval of 20 replications must hold the theoretical value.
"""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import linalg, stats

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


WARM_UP = 1_000


def poisson_run(rate: float, work: dict[str, Any], keep_alive_s: float, seed: int) -> RunResult:
    rng = np.random.default_rng(seed)
    arrivals = np.cumsum(rng.exponential(1 / rate, 20_000))
    return ls.simulate(
        arrivals_s=arrivals, durations_ms=work, init_ms=0, keep_alive_s=keep_alive_s, seed=seed
    )


def found_in_progress(run: RunResult) -> NDArray[np.int64]:
    """Count the runs that each arrival finds in progress, from the records alone."""
    table = run.records
    ended = np.searchsorted(np.sort(table["end_s"].to_numpy()), table["start_s"].to_numpy(), side="right")
    return np.arange(len(table)) - ended


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


@pytest.mark.parametrize("found", [0, 2, 3, 6])
def test_concurrency_found_by_arrivals_is_poisson(found: int) -> None:
    # M/G/infinity, and arrivals see time averages.
    load = 3.0

    def share(seed: int) -> float:
        run = poisson_run(load, {"lognormal": {"mean": 1000, "p95": 2500}}, 0.0, seed)
        return float(np.mean(found_in_progress(run)[WARM_UP:] == found))

    holds(stats.poisson(load).pmf(found), share)


def test_littles_law_on_what_arrivals_find() -> None:
    rate = 2.5

    def difference(seed: int) -> float:
        run = poisson_run(rate, {"gamma": {"mean": 1200, "cv": 1.5}}, 300.0, seed)
        table = run.records
        spent_s = float((table["end_s"] - table["arrival_s"]).mean())
        throughput = (len(table) - 1) / float(table["arrival_s"].iloc[-1] - table["arrival_s"].iloc[0])
        return float(found_in_progress(run)[WARM_UP:].mean()) - throughput * spent_s

    holds(0.0, difference)


@pytest.mark.parametrize(("rate", "keep_alive_s"), [(3.0, 2.0), (0.9, 4.0), (8.0, 1.0)])
def test_cold_starts_when_the_most_recently_used_serves_next(rate: float, keep_alive_s: float) -> None:
    """Exponential work with mean 1 s, no INIT: idle environments are a stack.

    What is put on it when concurrency falls from n + 1 to n is taken off when it next rises from n to n + 1. So the
    idle time is the first passage from n to n + 1 in M/M/infinity, phase-type on the states 0 to n. Arrivals find n with
    Poisson weights, and start cold when the idle time reaches the keep-alive.
    """

    def first_passage_longer(n: int) -> float:
        generator = np.zeros((n + 1, n + 1))
        for state in range(n + 1):
            generator[state, state] = -(rate + state)
            if state < n:
                generator[state, state + 1] = rate
            if state > 0:
                generator[state, state - 1] = state
        return float(linalg.expm(generator * keep_alive_s)[n].sum())

    theory = sum(stats.poisson(rate).pmf(n) * first_passage_longer(n) for n in range(60))

    def cold(seed: int) -> float:
        table = poisson_run(rate, {"exponential": {"mean": 1000}}, keep_alive_s, seed).records
        return float(np.mean(table["start_type"].to_numpy()[WARM_UP:] == "cold"))

    holds(theory, cold)


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
