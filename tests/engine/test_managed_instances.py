"""Functions on Lambda Managed Instances: several requests in an environment, the scaler, the bill, what is refused."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import lambdasim as ls
from lambdasim.errors import InputError, ScenarioError
from lambdasim.report.sections.run import facts
from lambdasim.results.files.opened import open_run
from lambdasim.results.foreseen import foreseen_failures

WORK = "work: {io_ms: 100}"


def scenario(
    traffic: str,
    *,
    managed: str = "",
    work: str = WORK,
    more: str = "",
    others: str = "",
    duration: str = "1h",
    start: str = "2026-11-01T00:00:00Z",
) -> ls.ScenarioSpec:
    return ls.load_scenario_text(
        f"name: t\nstart: {start}\nduration: {duration}\nfree_tier: false\nfunctions:\n"
        "  - {name: f, memory_mb: 2048, architecture: arm64, runtime: nodejs22.x, "
        f"{'' if 'timeout' in more else 'timeout: 20s, '}"
        f"{'' if 'trigger' in more else 'trigger: {type: function_url}, '}"
        f"{work}, managed_instances: {{instance_type: m7g.xlarge{managed}}}, "
        f"traffic: {{{traffic}}}{more}}}\n{others}"
    )


def constant(rate: float) -> str:
    return f"constant: {{rate_per_s: {rate}}}"


@pytest.fixture(scope="module")
def steady() -> ls.RunResult:
    return ls.simulate(
        scenario(
            "poisson: {rate_per_s: 20}",
            others="  - {name: a, memory_mb: 512, work: {io_ms: 50}, traffic: {poisson: {rate_per_s: 2}}}\n"
            "  - {name: z, memory_mb: 512, work: {io_ms: 50}, traffic: {poisson: {rate_per_s: 2}}}\n",
            start="2026-11-30T23:30:00Z",
        )
    )


def test_nothing_starts_cold_and_no_duration_is_paid_for(steady: ls.RunResult) -> None:
    summary = steady.summary().set_index("function")
    assert summary.loc["f", "cold_share"] == 0
    assert summary.loc["f", "throttled"] == 0
    assert steady.latency_ms("f").quantile(0.99) == 100
    assert {row.billed_ms_with_init for row in steady.usage() if row.function == "f"} == {0}
    assert "f" not in set(steady.costs()["function"])


def test_the_bill_is_instances_a_fee_of_15_percent_and_requests(steady: ls.RunResult) -> None:
    found = {
        (item.month, item.usage_type): item for item in steady.charges().items if "managed" in item.usage_type
    }
    for month in ("2026-11", "2026-12"):
        # Three m7g.xlarge for half an hour, at 2 x 0.0816 USD.
        assert found[month, "managed_m7g_xlarge_hours"].quantity == pytest.approx(1.5)
        assert float(found[month, "managed_m7g_xlarge_hours"].amount) == pytest.approx(1.5 * 0.1632)
        assert float(found[month, "managed_fee_m7g_xlarge_hours"].amount) == pytest.approx(
            1.5 * 0.1632 * 0.15
        )
    assert found["2026-11", "managed_m7g_xlarge_hours"].service == "Amazon Elastic Compute Cloud"
    assert found["2026-11", "managed_fee_m7g_xlarge_hours"].service == "AWS Lambda"
    runs = steady.aggregate.functions[1].runs
    on_bill = 3 * 0.1632 * 1.15 + runs * 2e-7
    assert float(steady.charges().by_function()["f"]) == pytest.approx(on_bill, rel=1e-9)


def test_hours_sum_to_the_bill(steady: ls.RunResult) -> None:
    hourly = steady.hourly_costs()
    assert hourly["usd"].sum() == pytest.approx(float(steady.charges().total), rel=1e-12)


def test_the_other_functions_are_what_they_are_without_it(steady: ls.RunResult) -> None:
    kept = tuple(spec for spec in steady.scenario.functions if spec.name != "f")
    alone = ls.simulate(steady.scenario.model_copy(update={"functions": kept}))
    columns = ["function", "events", "succeeded", "cold_share", "p50_ms", "p99_ms"]
    with_it = steady.summary()
    assert (
        with_it[with_it["function"] != "f"][columns].reset_index(drop=True).equals(alone.summary()[columns])
    )
    assert steady.aggregate.account.peak == alone.aggregate.account.peak


def test_records_are_in_order_and_both_engines_give_the_same(steady: ls.RunResult) -> None:
    assert steady.records["start_s"].is_monotonic_increasing
    reference = ls.simulate(steady.scenario, engine="reference")
    assert reference.records.equals(steady.records)


def test_a_saved_run_has_the_same_bill(steady: ls.RunResult, tmp_path: Path) -> None:
    ls.save(steady, tmp_path / "run")
    assert open_run(tmp_path / "run").charges().total == steady.charges().total


def test_requests_that_compute_together_share_the_vcpu() -> None:
    """Two requests of 100 ms of CPU time each begin together on one vCPU, and end together after 200 ms."""
    run = ls.simulate(
        scenario(
            "constant: {rate_per_s: 20}",
            managed=", min_environments: 1, max_environments: 1, concurrency: 2",
            work="work: {cpu_ms: 100}",
            duration="1m",
        )
    )
    # Requests come every 50 ms and need 100 ms each: two share from the second one on, and every other one is refused.
    first = run.records.iloc[:4]
    # The first computes alone for 50 ms, then at half speed until it has had 100 ms: 150 ms in all.
    assert first["duration_ms"].tolist()[:2] == [150.0, 200.0]
    assert first["outcome"].tolist()[2] == "throttled"
    assert run.throttles()["limit"].tolist() == ["managed_instances"]


@pytest.mark.parametrize("slots", [1, 3, 16])
def test_one_environment_refuses_as_erlang_says(slots: int) -> None:
    """Poisson requests that find all places taken are refused: Erlang B, whatever the law of service."""
    run = ls.simulate(
        scenario(
            f"poisson: {{rate_per_s: {8 * slots}}}",
            managed=f", min_environments: 1, max_environments: 1, concurrency: {slots}",
            work="work: {io_ms: {exponential: {mean: 100}}}",
        ),
        keep_records=False,
    )
    summary = run.summary().iloc[0]
    load, blocked = 0.8 * slots, 1.0
    for places in range(1, slots + 1):
        blocked = load * blocked / (places + load * blocked)
    n = int(summary["events"])
    assert summary["throttled"] / n == pytest.approx(blocked, abs=5 * np.sqrt(blocked * (1 - blocked) / n))


@pytest.mark.parametrize(("factor", "minutes"), [(1.9, 0), (4, 5), (8, 10)])
def test_traffic_that_more_than_doubles_is_refused_until_the_scaler_has_doubled(
    factor: float, minutes: int
) -> None:
    """20 requests in process have room for 40; every 5 minutes there is room for twice as many as were served."""
    run = ls.simulate(
        scenario(
            f"{constant(200)}, spikes: [{{at: 30m, duration: 30m, factor: {factor}}}]",
            managed=", min_environments: 1, concurrency: 2",
        ),
        keep_records=False,
    )
    refused = run.metrics()["Throttles"].to_numpy()
    assert not refused[:30].any()
    assert np.flatnonzero(refused).tolist() == list(range(30, 30 + minutes))


def test_environments_end_when_less_was_needed_for_a_while() -> None:
    run = ls.simulate(
        scenario(
            f"{constant(200)}, spikes: [{{at: 30m, duration: 30m, factor: 0.1}}]",
            managed=", min_environments: 1, concurrency: 2",
        ),
        keep_records=False,
    )
    fleet = run.aggregate.functions[0].fleet
    assert fleet is not None
    held = fleet.environment_us / 60e6
    # 20 in process with room for 40, two at once; then 2 with room for 4.
    assert held[5:30].tolist() == [20.0] * 25
    assert held[37:].tolist() == [2.0] * 23
    # Three environments fit on an m7g.xlarge, and three instances are there anyway.
    assert (fleet.instance_us[5:30] / 60e6).tolist() == [7.0] * 25
    assert (fleet.instance_us[37:] / 60e6).tolist() == [3.0] * 23


def test_cpu_time_asks_for_environments_too() -> None:
    """Two vCPUs' worth of work is given four, by the first minute's mean, and keeps them."""
    run = ls.simulate(
        scenario(constant(20), managed=", min_environments: 1", work="work: {cpu_ms: 100}"),
        keep_records=False,
    )
    fleet = run.aggregate.functions[0].fleet
    assert fleet is not None
    assert set((fleet.environment_us / 60e6).tolist()) == {4.0}


def test_clients_repeat_what_is_refused() -> None:
    """An SDK calls three times in all; each attempt has a record, and the event one end."""
    spec = scenario(
        "poisson: {rate_per_s: 30}",
        managed=", min_environments: 1, max_environments: 1, concurrency: 1",
        more=", trigger: {type: sdk}",
        duration="10m",
    )
    records = ls.simulate(spec).records
    last = records.groupby("invocation")["attempt"].max()
    assert last.max() == 2
    lost = set(records[records["event_outcome"] == "throttled"]["invocation"])
    assert {last[number] for number in lost} == {2}
    again = records[records["attempt"] > 0]
    first = records[records["attempt"] == 0].set_index("invocation")["start_s"]
    assert (again["start_s"].to_numpy() >= first[again["invocation"]].to_numpy()).all()
    ends = records[records["event_outcome"] != "pending"]
    assert sorted(ends["invocation"]) == sorted(last.index)


def test_the_timeout_cuts_a_request_and_frees_its_place() -> None:
    run = ls.simulate(
        scenario(
            constant(1),
            managed=", min_environments: 1, max_environments: 1, concurrency: 1",
            work="work: {cpu_ms: 30000}",
            more=", timeout: 3s",
            duration="10m",
        )
    )
    started = run.records[run.records["start_type"] == "warm"]
    assert set(started["duration_ms"]) == {3000.0}
    assert set(started["outcome"]) == {"timeout"}
    assert len(started) == 200


@pytest.mark.parametrize(
    ("fault", "where"),
    [
        ("snap_start: {}, runtime: java21", "snap_start"),
        ("provisioned_concurrency: [{at: 0s, count: 1}]", "provisioned_concurrency"),
        ("tenant_isolation: true", "tenant_isolation"),
        ("reserved_concurrency: 5", "reserved_concurrency"),
        ("durable: {operations: 3}", "durable"),
        ("trigger: {type: sqs}", "trigger"),
        ("trigger: {type: sns}", "trigger"),
        ("architecture: x86_64", "managed_instances.instance_type"),
        ("runtime: ruby3.3, init_ms: 0", "managed_instances.concurrency"),
        ("memory_mb: 1024", "memory_mb"),
        ("memory_mb: 10240", "memory_mb"),
        ("timeout: 90s, trigger: {type: sdk}", "timeout"),
        ("managed_instances: {instance_type: m7g.huge}", "managed_instances.instance_type"),
        (
            "managed_instances: {instance_type: c7g.large, vcpus: 2}, memory_mb: 4096",
            "managed_instances.instance_type",
        ),
        (
            "managed_instances: {instance_type: m7g.large, min_environments: 5, max_environments: 4}",
            "managed_instances.min_environments",
        ),
    ],
)
def test_what_does_not_run_there_is_refused_by_name(fault: str, where: str) -> None:
    settings = {
        "memory_mb": "2048",
        "architecture": "arm64",
        "runtime": "nodejs22.x",
        "timeout": "20s",
        "managed_instances": "{instance_type: m7g.xlarge}",
    }
    base = ", ".join(f"{key}: {value}" for key, value in settings.items() if f"{key}:" not in fault)
    with pytest.raises(ScenarioError) as wrong:
        ls.load_scenario_text(
            "name: t\nstart: 2026-11-01T00:00:00Z\nduration: 1h\nfunctions:\n"
            f"  - {{name: f, {base}, {fault}, traffic: {{{constant(1)}}}}}\n"
        )
    assert f"functions.0.{where}" in str(wrong.value)
    assert any(f"{where}: {begin}" in str(wrong.value) for begin in ("must ", "does not go with "))


def test_no_other_function_calls_one() -> None:
    caller = "  - {name: g, calls: [{function: f}], traffic: {constant: {rate_per_s: 1}}}\n"
    with pytest.raises(ScenarioError, match="calls of functions on managed instances"):
        scenario(constant(1), others=caller)


@pytest.mark.parametrize(
    "study",
    [ls.break_even, ls.advise_limits, ls.sweep_memory, ls.what_if, ls.platforms],
    ids=lambda study: study.__name__,
)
def test_studies_by_lambdas_own_limits_say_that_they_do_not_take_it(study: Any) -> None:
    with pytest.raises(InputError, match="must not be on managed instances, as f is"):
        study(scenario(constant(1)))


def test_requests_there_have_no_free_part(steady: ls.RunResult) -> None:
    bill = steady.charges(free_tier=True)
    paid = [item for item in bill.items if item.usage_type == "Request-ARM" and item.amount]
    assert sum(item.quantity for item in paid) == steady.aggregate.functions[1].runs
    assert {item.description for item in paid} == {"Requests, arm64, on managed instances"}
    assert "on managed instances are not free" in " ".join(bill.text().split())


def test_what_is_foreseen_and_assumed_is_that_of_managed_instances(steady: ls.RunResult) -> None:
    known = steady.parameters().set_index("parameter")["value"]
    assert "quotas of their own" in known["account concurrency of f"]
    assert "INIT of f" not in known
    slow_to_begin = scenario(constant(1), more=", init_ms: 30000")
    assert foreseen_failures(slow_to_begin) == []
    assert any(
        "takes longer" in one or "take longer" in one
        for one in foreseen_failures(scenario(constant(1), work="work: {io_ms: 30000}"))
    )


def test_the_accounts_peak_says_what_it_leaves_out() -> None:
    run = ls.simulate(scenario(constant(1)))
    assert run.aggregate.account.peak == 0
    assert "peak concurrency 0 outside managed instances" in " ".join(run.text().split())
    assert "Peak concurrency outside managed instances" in [fact.name for fact in facts(run, run.charges())]
    ax = ls.plots.plot_concurrency(run)
    assert "outside managed instances" in ax.get_title(loc="left")
    assert [text.get_text() for text in ax.texts] == ["nothing ran outside managed instances"]
