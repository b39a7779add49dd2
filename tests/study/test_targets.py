"""Targets of backlog, age and latency, worked by hand; and that what is advised keeps them when it is simulated."""

import json
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import pytest
from typer.testing import CliRunner

import lambdasim as ls
from lambdasim.cli import app
from lambdasim.errors import InputError
from lambdasim.specs import load_scenario_text
from lambdasim.study.comparison.compare import compare
from lambdasim.study.levers import levers
from lambdasim.study.limits.advise import advise_limits
from lambdasim.study.memory.objective import Cheapest, parse_target
from lambdasim.study.memory.sweep import sweep_memory
from lambdasim.study.target_plan import plan_targets
from lambdasim.study.targets import Target, kept_targets, parse_targets, targets_frame, time_text

# 120 messages in a minute, each 2 s of work, two at a time: one a second, so the last ends after two minutes.
SLOW = """
name: slow
start: 2026-11-02T00:00:00Z
duration: 1min
functions:
  - name: worker
    timeout: 10s
    init_ms: 0
    placement_ms: 0
    work: {io_ms: 2000, first_run_ms: 0}
    trigger: {type: sqs, queue: {batch_size: 1, maximum_concurrency: 2}}
    traffic: {constant: {rate_per_s: 2}}
"""
# A function that has no room for its two batches of 3 s each at once: good messages end as dead letters.
STARVED = """
name: starved
start: 2026-11-02T00:00:00Z
duration: 20min
functions:
  - name: worker
    timeout: 15s
    reserved_concurrency: 2
    work: {io_ms: 3000}
    trigger: {type: sqs, queue: {batch_size: 1, visibility_timeout: 90s, max_receives: 3}}
    traffic: {constant: {rate_per_s: 1}}
"""
HOT = """
name: hot
start: 2026-11-02T00:00:00Z
duration: 10min
functions:
  - name: reader
    init_ms: 0
    timeout: 60s
    work: {io_ms: 150}
    trigger: {type: kinesis, stream: {shards: 1, batch_size: 10}}
    traffic: {constant: {rate_per_s: 10}}
"""


def run_of(text: str) -> ls.RunResult:
    return ls.simulate(load_scenario_text(text), keep_records=False)


def test_age_backlog_and_drain_worked_by_hand() -> None:
    run = run_of(SLOW)
    table = targets_frame(run, parse_targets("age=30s,backlog=60,drain=1min")).set_index("measure")
    # The two that came last, at 59.0 and 59.5 s, are the 60th pair: they run from 118 s to 120 s.
    assert table.loc["age", "value"] == pytest.approx(120 - 59.5 + 0.5, abs=1.0)
    assert table.loc["drain", "value"] == pytest.approx(60, abs=1.0)
    # 120 came in the first minute and 58 to 60 were done.
    assert table.loc["backlog", "value"] == pytest.approx(60, abs=2)
    assert not table.loc["age", "is_met"]
    assert table.loc["age", "first_above"] == "2026-11-02T00:00:00Z"
    (kept,) = kept_targets(run, (Target("age", table.loc["age", "value"]),))
    assert kept.is_met  # what is reached exactly is kept
    assert kept.first_minute == -1


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("age", "must look like"), ("age=5", "age must be"), ("size=3", "must name one of"), ("backlog=5min", "number"),
        ("lost=3", "share"), ("lost=101%", "share"), ("age=1min,age=2min", "twice"), ("", "must look like"),
        ("p97=1s", "must name one of"),
    ],
)  # fmt: skip
def test_what_is_no_target_is_refused(text: str, told: str) -> None:
    with pytest.raises(InputError, match=told):
        parse_targets(text)


def test_a_target_of_queues_needs_one() -> None:
    run = ls.simulate(arrivals_s=[0, 1], durations_ms=10)
    with pytest.raises(InputError, match="no function has a queue or a stream"):
        kept_targets(run, parse_targets("age=5min"))
    assert kept_targets(run, parse_targets("p95=1s"))[0].is_met


def test_a_target_that_is_just_missed_does_not_read_as_kept() -> None:
    run = run_of(SLOW)
    (row,) = kept_targets(run, (Target("age", run.sources()["oldest_s"].iloc[0] - 0.2),))
    assert not row.is_met
    assert row.written == f"{row.target.written(row.target.most)} and a little more"


def test_times_have_the_two_units_that_matter() -> None:
    assert [time_text(us) for us in (59_999_000, 60e6, 3_599e6, 3_600e6, 345_600e6)] == [
        "60s", "1min", "59min 59s", "1h", "4d",
    ]  # fmt: skip


def test_the_plan_keeps_the_targets_when_it_is_simulated_by_itself() -> None:
    run = run_of(STARVED)
    targets = parse_targets("age=1min,lost=1%")
    plan = plan_targets(run, targets, seeds=2)
    assert not plan.now.meets
    assert plan.best is not None
    assert plan.best.meets
    assert (plan.seeds_met, plan.seeds) == (2, 2)
    changed = run.scenario
    for lever in plan.best.changes:
        changed = lever.applied(changed)
    again = ls.simulate(changed, keep_records=False)
    assert all(one.is_met for one in kept_targets(again, targets))
    assert float(again.charges(free_tier=False).total) == plan.best.usd
    # It is the cheapest of those that keep them, or has more room than one that is cheaper by less than 1 %.
    good = [one for one in plan.tried if one.meets]
    least = min(one.usd for one in good)
    assert plan.best.usd <= 1.01 * least
    assert plan.best.excess == min(one.excess for one in good if one.usd <= 1.01 * least)


def test_a_plan_is_the_same_side_by_side() -> None:
    run, targets = run_of(HOT), parse_targets("age=15s")
    alone = plan_targets(run, targets, seeds=2)
    with ProcessPoolExecutor(2) as executor:
        shared = plan_targets(run, targets, seeds=2, executor=executor)
    assert shared.frame().equals(alone.frame())
    assert (shared.seeds_met, shared.best) == (alone.seeds_met, alone.best)


def test_a_shard_that_cannot_keep_up_needs_more_of_them() -> None:
    # A batch of ten takes 1.5 s, and one comes each second: the lag grows by half a second a second.
    plan = plan_targets(run_of(HOT), parse_targets("age=15s"), seeds=1)
    assert plan.now.kept[0].value > 200
    assert plan.best is not None
    assert plan.best.meets
    assert plan.best.changes[0].setting in ("parallelization_factor", "shards")


def test_levers_that_aws_refuses_are_not_simulated_and_others_belong_to_the_source() -> None:
    names = {lever.setting for lever in levers(run_of(SLOW), "worker")}
    assert "maximum_concurrency" in names
    assert "provisioned_pollers" not in names  # it excludes a maximum_concurrency
    assert not {"shards", "parallelization_factor"} & names


def test_kept_as_it_is_needs_no_change() -> None:
    plan = plan_targets(run_of(SLOW), parse_targets("age=1h"))
    assert plan.now.meets
    assert plan.best is None
    assert plan.tried == ()


def test_limits_compare_and_sweep_take_them(tmp_path: Path) -> None:
    scenario = load_scenario_text(STARVED)
    advice = advise_limits(scenario, replications=2, multiples=(1,), targets=parse_targets("age=1min"))
    assert advice.targets is not None
    assert "worker misses age=1min" in " ".join(advice.text().split())
    fixed = load_scenario_text(
        STARVED.replace("reserved_concurrency: 2", "reserved_concurrency: 10").replace("starved", "fixed")
    )
    for pair, failed in (((scenario, fixed), False), ((fixed, scenario), True)):
        found = compare(pair, replications=2, targets=parse_targets("age=1min,backlog=10"))
        assert found.verdict.failed is failed
        assert "queues and streams" in found.text()
    objective = parse_target("age=1min,p95=5s")
    assert objective == Cheapest(5000.0, "p95_ms", (Target("age", 60.0),))
    swept = sweep_memory(scenario, sizes=[128, 256], objective=objective, replications=2)
    assert swept.recommendation is None  # no memory size makes room
    assert "age within 1min" in objective.words()


def test_commands_take_them(tmp_path: Path) -> None:
    path = tmp_path / "slow.yaml"
    path.write_text(SLOW)
    runner = CliRunner()
    told = runner.invoke(app, ["simulate", str(path), "--slo", "age=30s,backlog=10k", "--fail-slo", "--json"])
    assert told.exit_code == 1
    rows = {row["measure"]: row["is_met"] for row in json.loads(told.stdout)["targets"]}
    assert rows == {"age": False, "backlog": True}
    shown = runner.invoke(app, ["simulate", str(path), "--slo", "age=1h", "--fail-slo"])
    assert shown.exit_code == 0
    assert "met    age=1h: worker" in shown.stdout
