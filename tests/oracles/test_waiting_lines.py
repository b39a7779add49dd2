"""Queues and streams as waiting lines: mean waits of M/M/c and M/G/1 inside intervals from replications."""

from math import factorial, sqrt

import numpy as np
import pytest
from scipy.stats import t

import lambdasim as ls
from lambdasim.specs import load_scenario_text

REPLICATIONS = 8
TEXT = """
name: waiting
start: 2026-11-01T00:00:00Z
duration: 4000s
seed: {seed}
functions:
  - name: f
    timeout: 900s
    init_ms: 0
    work: {{io_ms: {work}, first_run_ms: 0}}
    trigger: {trigger}
    traffic: {{poisson: {{rate_per_s: {rate}}}}}
"""
QUEUE = "{{type: sqs, queue: {{batch_size: 1, visibility_timeout: 12h, pollers: {{first: {c}, most: {c}}}}}}}"
LANE = "{type: kinesis, stream: {batch_size: 1, poll_interval: 0s}}"
GROUP = "{type: sqs, queue: {batch_size: 1, message_groups: 1, visibility_timeout: 12h}}"


def mean_waits_s(trigger: str, work: str, rate: float) -> tuple[float, float]:
    """Give the mean wait before the first receive, and the half-width of its 99.9 % interval."""
    means = []
    for seed in range(REPLICATIONS):
        text = TEXT.format(seed=seed, work=work, trigger=trigger, rate=rate)
        items = ls.simulate(load_scenario_text(text)).items
        means.append((items["first_s"] - items["arrival_s"]).mean())
    spread = np.std(means, ddof=1) / sqrt(REPLICATIONS)
    return float(np.mean(means)), float(t.ppf(0.9995, REPLICATIONS - 1) * spread)


def wait_of_mmc_s(rate: float, mean_s: float, c: int) -> float:
    """Erlang's C formula: the chance to wait, over the rate at which a full system empties."""
    load = rate * mean_s
    full = load**c / factorial(c) * c / (c - load)
    chance = full / (sum(load**k / factorial(k) for k in range(c)) + full)
    return chance / (c / mean_s - rate)


@pytest.mark.parametrize(("c", "rate"), [(2, 1.2), (5, 3.5)])
def test_a_standard_queue_of_c_pollers_is_m_m_c(c: int, rate: float) -> None:
    found, width = mean_waits_s(QUEUE.format(c=c), "{exponential: {mean: 1000}}", rate)
    assert width < 0.5
    assert abs(found - wait_of_mmc_s(rate, 1.0, c)) < width


@pytest.mark.parametrize("trigger", [LANE, GROUP], ids=["a stream's lane", "a message group"])
@pytest.mark.parametrize(("work", "variance"), [("1000", 0.0), ("{exponential: {mean: 1000}}", 1.0)])
def test_one_lane_is_m_g_1(trigger: str, work: str, variance: float) -> None:
    # Pollaczek and Khinchine: rate × E[S²] / (2 (1 - load)), with S of mean 1 s.
    rate = 0.6
    found, width = mean_waits_s(trigger, work, rate)
    assert width < 0.5
    assert abs(found - rate * (1 + variance) / (2 * (1 - rate))) < width
