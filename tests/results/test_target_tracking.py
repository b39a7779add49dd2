"""Target tracking inside a simulation, worked by hand: points, steps of 1/target, allocation, bounds, scaling in."""

from itertools import pairwise

import numpy as np
import pytest

import lambdasim as ls
from lambdasim.errors import ScenarioError
from lambdasim.models.target_tracking import TrackingRule, follow
from lambdasim.results.points.tracking import followed, is_open

RULE = TrackingRule(70, 90, 3, 15, 90_000_000, 6000)
# Calls of 30 s each, one a second: 30 run at once. From minute 60 on one every ten seconds: three at once.
TEXT = """
name: tracked
start: 2026-11-02T08:00:00Z
duration: 2h
free_tier: false
functions:
  - name: api
    memory_mb: 1024
    timeout: 60s
    init_ms: 0
    placement_ms: 0
    target_tracking: TRACKING
    work: {io_ms: 30000, first_run_ms: 0}
    trigger: {type: function_url}
    traffic: {constant: {rate_per_s: 0.1}, spikes: [{at: 0s, duration: 60min, factor: 10}]}
"""


def scenario(tracking: str = "{maximum: 100}") -> ls.ScenarioSpec:
    return ls.load_scenario_text(TEXT.replace("TRACKING", tracking))


def counts(run: ls.RunResult) -> list[tuple[int, int]]:
    """When capacity was asked for [min], and how much."""
    steps = run.scenario.functions[0].provisioned_concurrency
    return [((step.at_us or 0) // 60_000_000, step.count) for step in steps]


def constant(value: int, minutes: int) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    return np.full(minutes, value, dtype=np.int64)


def test_a_jump_by_four_takes_four_steps_since_use_cannot_exceed_one() -> None:
    # From 10 environments to 40 executions: 10, 15, 22, 32, 46, each at most 1/0.7 of the last, rounded up, each after
    # three points; 1.5 min of preparation and the allocation are two minutes in which nothing is decided.
    steps = follow(constant(40, 60), constant(10, 60), constant(100, 60), RULE)
    assert [capacity for _, capacity in steps] == [10, 15, 22, 32, 46, 58]
    assert [minute for minute, _ in steps] == [0, 3, 8, 13, 18, 23]
    for (_, before), (_, after) in pairwise(steps):
        assert after <= -(-before * 100 // 70)


def test_an_idle_function_does_not_scale_in_and_a_little_use_does() -> None:
    busy = np.concatenate([constant(7, 4), constant(0, 60)])
    assert follow(busy, constant(10, 64), constant(100, 64), RULE) == [(0, 10)]
    # Twenty are allocated at first; two are used: after fifteen points, 2 / 0.7 rounded up.
    lows = np.concatenate([constant(20, 1), constant(1, 63)])
    assert follow(constant(2, 64), lows, constant(20, 64), RULE) == [(0, 20), (15, 3)]
    assert follow(constant(2, 64), lows, constant(20, 64), RULE._replace(scale_in=False)) == [(0, 20)]


def test_cooldowns_wait_and_bounds_move_capacity_as_they_come() -> None:
    slow = follow(
        constant(40, 60), constant(10, 60), constant(100, 60), RULE._replace(out_cooldown_us=600_000_000)
    )
    assert [minute for minute, _ in slow][:3] == [0, 3, 13]
    lows = np.concatenate([constant(1, 10), constant(25, 20), constant(1, 10)])
    highs = np.concatenate([constant(50, 30), constant(5, 10)])
    assert follow(constant(0, 40), lows, highs, RULE) == [(0, 1), (10, 25), (30, 5)]


def test_the_schedule_that_a_run_shows_is_the_one_that_it_ran_under() -> None:
    run = ls.simulate(scenario(), keep_records=False)
    steps = counts(run)
    # 30 at once in the end: 30 / 0.7 = 43, reached from 1 by steps of 1/0.7.
    assert max(count for _, count in steps) == 43
    assert steps[:10] == [*zip([0, *range(3, 48, 5)], [1, 2, 3, 5, 8, 12, 18, 26, 38, 43], strict=True)]
    # Then 3 at once want 5; fifteen points below 90 % of 70 % come first, and the first minute still has old calls.
    assert steps[10:] == [(76, 5)]
    # Found again from its own metrics: nothing is left to change.
    assert not is_open(run.scenario)
    again = ls.simulate(run.scenario, keep_records=False)
    assert counts(again) == steps
    assert again.charges().total == run.charges().total
    # What is allocated is paid for: environment-seconds of every level.
    held_s = sum(
        count * (end - begin) * 60
        for (begin, count), (end, _) in zip(steps, [*steps[1:], (120, 0)], strict=True)
    )
    assert run.usage()[0].provisioned_allocated_s >= held_s


def test_both_engines_follow_alike_and_every_seed_its_own_way() -> None:
    short = ls.revised(scenario(), {"duration_us": 30 * 60_000_000})
    fast, plain = (
        ls.simulate(short, engine=engine, keep_records=False) for engine in ("kernel", "reference")
    )
    assert counts(fast) == counts(plain)
    assert fast.charges().total == plain.charges().total


def test_scheduled_bounds_hold_in_the_run() -> None:
    bounds = (
        "{maximum: 100, schedules: [{at: 5min, minimum: 60}, {schedule: 'cron(30 8 * * ? *)', minimum: 1}]}"
    )
    run = ls.simulate(scenario(bounds), keep_records=False)
    steps = counts(run)
    assert (5, 60) in steps
    # At the half hour the minimum is 1 again; 30 of 60 are half used, below 63 %, so it goes in to 43 by itself.
    assert (31, 43) in steps


def test_nothing_is_followed_twice_and_a_scenario_without_it_is_left_alone() -> None:
    plain = ls.load_scenario_text(TEXT.replace("    target_tracking: TRACKING\n", ""))
    assert followed(plain, lambda _: pytest.fail("simulated")) is plain  # type: ignore[arg-type,return-value]
    run = ls.simulate(scenario(), keep_records=False)
    told = run.parameters().set_index("parameter")["value"]
    assert "70%" in told["target tracking of api"]


@pytest.mark.parametrize(
    ("tracking", "told"),
    [
        ("{maximum: 5, minimum: 6}", "must be at most 5"),
        ("{maximum: 5, target: 0.95}", "0.9"),
        ("{}", "maximum"),
        ("{maximum: 5, schedules: [{at: 1h}]}", "minimum or maximum"),
        ("{maximum: 5, schedules: [{minimum: 1}]}", "either at or schedule"),
        ("{maximum: 5}\n    provisioned_concurrency: [{at: 0s, count: 1}]", "give one of the two"),
        ("{maximum: 50}\n    reserved_concurrency: 10", "above reserved_concurrency"),
    ],
)
def test_what_does_not_fit_is_one_error(tracking: str, told: str) -> None:
    with pytest.raises(ScenarioError, match=told):
        scenario(tracking)
