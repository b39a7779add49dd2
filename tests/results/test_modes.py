"""Modes of a function, by hand: durable executions and environments of one tenant."""

from typing import Any

import pytest

import lambdasim as ls
from lambdasim.errors import InputError, ScenarioError
from lambdasim.results.files.opened import open_run

DURABLE = "durable: {operations: 6, written_kb: 20, waits: [10min, 1h]}"


def scenario(function: str, more: str = "") -> str:
    return (
        "name: t\nstart: 2026-11-01T00:00:00Z\nduration: 2h\nfree_tier: false\nfunctions:\n"
        f"  - {{name: f, memory_mb: 1024, timeout: 9s, init_ms: 0, work: {{io_ms: 100}}, {function}}}\n{more}"
    )


def lines(run: ls.RunResult) -> dict[str, Any]:
    return {item.usage_type: item for item in run.charges().items}


def test_an_execution_runs_once_more_after_each_wait_and_pays_for_operations_and_data() -> None:
    run = ls.simulate(
        ls.load_scenario_text(scenario(f"{DURABLE}, traffic: {{constant: {{rate_per_s: 0.1}}}}"))
    )
    found = lines(run)
    assert found["Request"].quantity == 3 * 720
    assert found["Lambda-GB-Second"].quantity == 216  # 3 x 720 runs of 0.1 s at 1 GB
    assert found["durable_operations"].quantity == 6 * 720
    assert found["durable_written_gb"].quantity * 1_000_000 == 20 * 720
    # 14,400 KB are kept for 14 days and the 4,200.3 s of an execution, of a November of 30 days.
    kept_s = 14 * 86_400 + 4_200.3
    assert float(found["durable_kept_gb"].quantity) == pytest.approx(0.0144 * kept_s / 2_592_000, rel=1e-3)
    by_hand = (
        2160 * 2e-7 + 216 * 0.0000166667 + 4320 * 8e-6 + 0.0144 * 0.25 + 0.0144 * kept_s / 2_592_000 * 0.15
    )
    assert float(run.charges().total) == pytest.approx(by_hand, rel=1e-5)
    assert run.machines()["type"].tolist() == ["durable"]
    assert run.machines()["p50_ms"].item() == 4_200_300
    # No state machine of Step Functions is paid for.
    assert not [name for name in found if name.startswith("step_functions")]
    assert run.hourly_costs()["usd"].sum() == pytest.approx(float(run.charges().total), rel=1e-12)


def test_a_failing_run_fails_its_execution(tmp_path: Any) -> None:
    text = scenario(f"{DURABLE}, traffic: {{constant: {{rate_per_s: 0.1}}}}")
    run = ls.simulate(ls.load_scenario_text(text.replace("io_ms: 100", "io_ms: 100, error_probability: 1.0")))
    assert run.machines()["failed"].item() == 720
    assert lines(run)["Request"].quantity == 720
    ls.save(run, tmp_path / "run")
    assert open_run(tmp_path / "run").charges().total == run.charges().total
    assert ls.price(ls.load_usage(tmp_path / "run"), free_tier=False).total < run.charges().total


def test_the_compiled_engine_refuses_it_plainly() -> None:
    spec = ls.load_scenario_text(scenario(f"{DURABLE}, traffic: {{constant: {{rate_per_s: 0.1}}}}"))
    with pytest.raises(InputError, match="does not run machines"):
        ls.simulate(spec, engine="kernel")


@pytest.mark.parametrize(("architecture", "usd"), [("x86_64", 0.000166667), ("arm64", 0.000133333)])
def test_a_new_environment_of_a_tenant_pays_for_its_memory(architecture: str, usd: float) -> None:
    lonely = "keep_alive: 1min, traffic: {constant: {rate_per_s: 0.01}}"
    run = ls.simulate(
        ls.load_scenario_text(scenario(f"tenant_isolation: true, architecture: {architecture}, {lonely}"))
    )
    (line,) = (item for name, item in lines(run).items() if name.startswith("tenant_isolation"))
    assert line.quantity == 72  # every run starts one of 1 GB
    assert float(line.amount) == pytest.approx(72 * usd, rel=1e-12)
    assert line.service == "AWS Lambda"
    assert "one tenant's" in " ".join(run.text().split())


@pytest.mark.parametrize(
    ("function", "where"),
    [
        ("durable: {operations: 3001}", "functions.0.durable.operations"),
        ("durable: {operations: 0}", "functions.0.durable.operations"),
        ("durable: {operations: 3, retention: 36h}", "functions.0.durable.retention"),
        ("durable: {operations: 3, retention: 91d}", "functions.0.durable.retention"),
        ("durable: {operations: 3, written_kb: 102401}", "functions.0.durable.written_kb"),
        ("durable: {operations: 3, waits: [500ms]}", "functions.0.durable.waits.0"),
        ("durable: {operations: 3}, trigger: {type: sqs}", "functions.0.durable"),
        ("tenant_isolation: true, provisioned_concurrency: [{at: 0s, count: 1}]", "provisioned_concurrency"),
    ],
)
def test_what_aws_does_not_take_is_refused_in_one_line(function: str, where: str) -> None:
    with pytest.raises(ScenarioError) as wrong:
        ls.load_scenario_text(scenario(f"{function}, traffic: {{constant: {{rate_per_s: 1}}}}"))
    assert where in str(wrong.value)
    assert len(str(wrong.value).splitlines()) == 1


def test_a_durable_function_is_not_called_by_others() -> None:
    caller = "  - {name: g, calls: [{function: f}], traffic: {constant: {rate_per_s: 1}}}\n"
    with pytest.raises(ScenarioError, match="calls of durable functions"):
        ls.load_scenario_text(scenario(f"{DURABLE}, traffic: {{constant: {{rate_per_s: 1}}}}", caller))


@pytest.mark.parametrize(
    ("key", "told"),
    [
        ("web_function", "no price of theirs"),
        ("micro_vm", "unknown key"), ("microvms", "bill units microvm_vcpu_s"),
    ],
)  # fmt: skip
def test_modes_that_are_not_simulated_are_refused_with_what_there_is(key: str, told: str) -> None:
    with pytest.raises(ScenarioError) as wrong:
        ls.load_scenario_text(scenario(f"{key}: {{}}, traffic: {{constant: {{rate_per_s: 1}}}}"))
    assert told in str(wrong.value)
    assert len(str(wrong.value).splitlines()) == 1
