"""What each hour costs, held against the bill."""

from dataclasses import replace
from pathlib import Path

import pytest

import lambdasim as ls
from lambdasim.results.files.opened import open_run
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
    assert hours["usd"].sum() == pytest.approx(float(run.charges().total), rel=1e-12)
    assert hours["timestamp"].tolist()[:2] == ["2026-10-31T22:30:00Z", "2026-10-31T23:30:00Z"]
    assert set(hours.loc[hours["function"] == "b", "usd"].gt(0)[1:]) <= {False}


def test_provisioned_concurrency_costs_in_the_hours_in_which_it_is_held() -> None:
    quiet = SCENARIO.replace("rate_per_s: 4", "rate_per_s: 0")
    hours = ls.simulate(load_scenario_text(quiet)).hourly_costs()
    usd = hours.loc[hours["function"] == "a", "usd"].tolist()
    held = [row for row in ls.simulate(load_scenario_text(quiet)).usage() if row.function == "a"]
    init_usd = float(
        ls.price([replace(row, provisioned_allocated_s=0) for row in held], free_tier=False).total
    )
    # Of five INITs two are in the first hour and three in the second.
    assert usd[1] - init_usd * 3 / 5 == pytest.approx((usd[0] - init_usd * 2 / 5) * 5 / 2, rel=0.02)
    assert usd[2] == 0


CALLER = (
    "{name: caller, work: {io_ms: 40}, traffic: {poisson: {rate_per_s: 0.5}}, calls: [{function: called}]}"
)
CALLED = "{name: called, work: {io_ms: 90}}"
MACHINE = """
state_machines:
  - name: m
    type: %s
    traffic: {poisson: {rate_per_s: 0.2}}
    definition: {StartAt: A, States: {A: {Type: Task, Resource: called, Next: B}, B: {Type: Pass, End: true}}}
"""
WHOLE = "neighbours: {include: [trigger, logs, traces], held: {nat_hours: 2, secrets: 3, alb_hours: 1}}"
USES = "uses: {log_bytes: 900, per_run: {dynamodb_writes: 3, secret_calls: 1}, per_run_kb: {nat_gb: 12}}"
TRIGGERS = {
    "rest": "trigger: {type: api_gateway_rest}",
    "http": "trigger: {type: api_gateway_http}, payload: {request_kb: 700, response_kb: 20}",
    "alb": "trigger: {type: alb}, payload: {request_kb: 3, response_kb: 20}",
    "sns": "trigger: {type: sns}, payload: {request_kb: 200}",
    "queue": "trigger: {type: sqs, queue: {batch_size: 5}}",
    "fifo": "trigger: {type: sqs, queue: {message_groups: 4}}",
    "stream": "trigger: {type: kinesis, stream: {shards: 2, enhanced_fan_out: true}}",
    "on demand": "trigger: {type: kinesis, stream: {shards: 2, capacity: on_demand}}, payload: {request_kb: 3}",
    "table": "trigger: {type: dynamodb, stream: {shards: 2}}",
    "refused": "trigger: {type: api_gateway_http}, reserved_concurrency: 0",
}


def scenario(functions: str, rest: str = "", start: str = "2026-10-31T22:30:20Z") -> str:
    return (
        f"name: t\nstart: {start}\nduration: 3h\nfree_tier: false\nfunctions: [{functions}]\n{WHOLE}\n{rest}"
    )


SYSTEMS = {
    name: scenario(
        f"{{name: f, work: {{io_ms: 40}}, traffic: {{poisson: {{rate_per_s: 0.5}}}}, {USES}, {one}}}"
    )
    for name, one in TRIGGERS.items()
}
SYSTEMS["chain"] = scenario(f"{CALLER}, {CALLED}")
SYSTEMS["standard machine"] = scenario(f"{CALLED}", MACHINE % "standard")
SYSTEMS["express machine"] = scenario(f"{CALLED}", MACHINE % "express")


@pytest.mark.parametrize("name", SYSTEMS)
def test_hours_of_every_kind_of_system_sum_to_its_bill_line_by_line(name: str, tmp_path: Path) -> None:
    run = ls.simulate(load_scenario_text(SYSTEMS[name]))
    bill = run.charges(free_tier=False)
    assert any(item.is_beside_lambda for item in bill.items)
    hours = run.hourly_costs()
    assert hours["usd"].min() >= 0
    assert hours["usd"].sum() == pytest.approx(float(bill.total), rel=1e-12)
    by_function = hours.groupby("function")["usd"].sum()
    for function, usd in bill.by_function().items():
        assert by_function[function] == pytest.approx(float(usd), rel=1e-12)
    for each in bill.pools:
        alone = replace(bill, pools=(each,))
        whole = float(sum(line.amount for line in each.lines))
        assert run.costs_over_time(alone).in_order().sum() == pytest.approx(whole, rel=1e-12)
    # A folder tells the same.
    ls.save(run, tmp_path / "run")
    assert open_run(tmp_path / "run").hourly_costs().equals(hours)


@pytest.mark.parametrize("kind", ["standard", "express"])
def test_transitions_cost_when_their_execution_starts(kind: str) -> None:
    burst = (MACHINE % kind).replace(
        "{poisson: {rate_per_s: 0.2}}", "{constant: {rate_per_s: 1}, start: 70min, stop: 80min}"
    )
    run = ls.simulate(load_scenario_text(scenario(CALLED, burst).replace(WHOLE, "")))
    shared = run.hourly_costs().query("function == '(shared)'")["usd"].tolist()
    assert shared[1] == pytest.approx(
        sum(float(i.amount) for i in run.charges().items if i.service == "AWS Step Functions")
    )
    assert shared[0] == shared[2] == 0


def test_a_rate_that_nothing_needs_may_be_unknown() -> None:
    """The sheet of Hyderabad has no rates of provisioned concurrency, and this scenario none of it."""
    text = """name: h
start: 2026-11-02T00:00:00Z
duration: 2h
region: ap-south-2
free_tier: false
alarms: [{name: spent, budget_usd: 0.001}]
functions: [{name: f, traffic: {constant: {rate_per_s: 1}}, work: {io_ms: 5}}]
"""
    run = ls.simulate(ls.load_scenario_text(text))
    assert run.hourly_costs()["usd"].sum() == pytest.approx(float(run.charges().total), rel=1e-6)
    assert run.alarms()["usd_at_end"].tolist() == pytest.approx([float(run.charges().total)], rel=1e-3)
