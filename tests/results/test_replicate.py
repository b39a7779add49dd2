"""Intervals from replications hold what they promise."""

import math

import pytest

import lambdasim as ls
from lambdasim.errors import InputError
from lambdasim.specs import load_scenario_text

TEXT = """name: t
seed: {seed}
start: 2026-11-01T00:00:00Z
duration: 5min
platform: {{keep_alive: 1h, max_lifetime: null}}
functions:
  - {{name: f, init_ms: 0, timeout: 900s, work: {{io_ms: {{exponential: {{mean: 400}}}}}}, trigger: {{type: alb}},
     traffic: {{poisson: {{rate_per_s: 1}}}}}}
"""


def test_the_interval_of_a_median_covers_the_true_one() -> None:
    # 95 % intervals, 40 of them: fewer than 31 covering has a chance below 1 in 10,000.
    # Latency is in whole ms, rounded up, so the median of the law, 277.3 ms, is seen as up to 278.
    covering = 0
    for seed in range(40):
        row = ls.replicate(load_scenario_text(TEXT.format(seed=100 * seed)), 6).loc["p50_ms"]
        covering += row["low"] <= 400 * math.log(2) + 0.5 <= row["high"]
    assert covering >= 31


@pytest.mark.parametrize(("replications", "level"), [(1, 0.95), (2, 1.0)])
def test_bad_arguments_are_refused(replications: int, level: float) -> None:
    with pytest.raises(InputError):
        ls.replicate(load_scenario_text(TEXT.format(seed=0)), replications, level)
