"""Resets, work after the answer, failures by kind, speed and reuse of environments: hand-worked, on both engines."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy.stats import binomtest

import lambdasim as ls
from lambdasim.errors import InputError
from lambdasim.specs import load_scenario_text

BOTH = pytest.mark.parametrize("engine", ["reference", "kernel"])


def run(
    function: str, engine: str, seconds: int = 60, rate: str = "0.1", after_failure: str = "init_inside"
) -> ls.RunResult:
    text = (
        f"name: t\nstart: 2026-11-01T00:00:00Z\nduration: {seconds}s\nplatform: {{keep_alive: 1h, "
        f"after_failure: {after_failure}}}\nfunctions:\n"
        f"  - {{name: f, {function}, traffic: {{constant: {{rate_per_s: {rate}}}}}}}\n"
    )
    return ls.simulate(load_scenario_text(text), engine=engine)


def columns(records: pd.DataFrame, *names: str) -> list[list[object]]:
    return [records[name].tolist() for name in names]


@BOTH
def test_a_timeout_below_init_never_recovers(engine: str) -> None:
    work = "timeout: 1s, init_ms: 2000, work: {io_ms: 100, timeout_probability: 1}, trigger: {type: alb}"
    seen = run(work, engine).records
    assert columns(seen, "start_type", "init_ms", "init_again_ms", "duration_ms") == [
        ["cold"] + ["warm"] * 5, [2000.0] + [0.0] * 5, [0.0] + [1000.0] * 5, [1000.0] * 6,
    ]  # fmt: skip
    assert set(seen["outcome"]) == {"timeout"}


@BOTH
def test_an_init_above_its_cap_and_the_timeout_fails_every_run(engine: str) -> None:
    seen = run(
        "timeout: 3s, init_ms: 12000, work: {io_ms: 50}, trigger: {type: function_url}", engine
    ).records
    assert set(seen["outcome"]) == {"timeout"}
    # The second arrives at 10 s, when the first is still busy: until 13 s.
    assert columns(seen, "init_ms", "init_again_ms") == [[10_000.0] * 2 + [0.0] * 4, [3000.0] * 6]


@BOTH
@pytest.mark.parametrize("kind", ["crash", "out_of_memory"])
def test_after_a_crash_init_and_first_run_are_inside_the_next_invocation(kind: str, engine: str) -> None:
    work = f"work: {{io_ms: 100, first_run_ms: 30, {kind}_probability: 1}}, trigger: {{type: alb}}"
    result = run(f"timeout: 5s, init_ms: 400, {work}", engine)
    assert columns(result.records, "start_type", "init_ms", "init_again_ms", "duration_ms") == [
        ["cold"] + ["warm"] * 5, [400.0] + [0.0] * 5, [0.0] + [400.0] * 5, [130.0] + [530.0] * 5,
    ]  # fmt: skip
    # Inside the invocation it is billed by every rule, before August 2025 too.
    assert result.usage()[0].billed_ms_without_init == 130 + 5 * 530


@BOTH
@pytest.mark.parametrize(
    ("after_failure", "starts", "durations"),
    [
        ("init_inside", ["cold"] + ["warm"] * 5, [130.0] + [530.0] * 5),
        ("kept", ["cold"] + ["warm"] * 5, [130.0] + [100.0] * 5),
        ("replaced", ["cold"] * 6, [130.0] * 6),
    ],
)
def test_a_scenario_may_say_what_follows_a_failure(
    after_failure: str, starts: list[str], durations: list[float], engine: str
) -> None:
    work = "work: {io_ms: 100, first_run_ms: 30, crash_probability: 1}, trigger: {type: alb}"
    seen = run(f"timeout: 5s, init_ms: 400, {work}", engine, after_failure=after_failure).records
    assert columns(seen, "start_type", "duration_ms") == [starts, durations]
    ready = f"timeout: 5s, init_ms: 400, provisioned_concurrency: [{{at: 0s, count: 1}}], {work}"
    seen = run(ready, engine, after_failure=after_failure).records
    again = 530.0 if after_failure == "init_inside" else 100.0
    assert columns(seen, "start_type", "duration_ms") == [["provisioned"] * 6, [100.0] + [again] * 5]


@BOTH
def test_a_provisioned_environment_is_reset_too(engine: str) -> None:
    work = "work: {io_ms: 100, first_run_ms: 0, crash_probability: 1}, trigger: {type: alb}"
    seen = run(
        f"timeout: 5s, init_ms: 400, provisioned_concurrency: [{{at: 0s, count: 1}}], {work}", engine
    ).records
    assert columns(seen, "start_type", "duration_ms") == [["provisioned"] * 6, [100.0] + [500.0] * 5]


@BOTH
def test_a_function_error_keeps_its_process(engine: str) -> None:
    seen = run("init_ms: 400, work: {io_ms: 100, error_probability: 1}, trigger: {type: alb}", engine).records
    assert set(seen["init_again_ms"]) == {0.0}


@BOTH
def test_a_client_does_not_wait_for_work_after_the_answer(engine: str) -> None:
    result = run(
        "init_ms: 0, work: {io_ms: 40, first_run_ms: 0, post_response_ms: 800}, trigger: {type: alb}", engine
    )
    assert set(result.records["duration_ms"]) == {840.0}
    assert set(result.latency_ms().values.tolist()) == {40}
    assert result.usage()[0].billed_ms_with_init == 840 * 6


@BOTH
def test_work_after_the_answer_keeps_the_environment_busy(engine: str) -> None:
    seen = run(
        "init_ms: 0, work: {io_ms: 40, first_run_ms: 0, post_response_ms: 800}, trigger: {type: alb}",
        engine,
        1,
        "2",
    ).records
    assert seen["exec_env"].tolist() == [0, 1]


@BOTH
@pytest.mark.parametrize(("trigger", "ended"), [("alb", {"succeeded"}), ("s3", {"pending", "failed"})])
def test_a_timeout_after_the_answer_fails_for_the_queue_only(
    trigger: str, ended: set[str], engine: str
) -> None:
    work = f"timeout: 1s, work: {{io_ms: 400, first_run_ms: 0, post_response_ms: 800}}, trigger: {{type: {trigger}}}"
    seen = run(f"init_ms: 0, {work}", engine).records
    assert columns(seen[:1], "outcome", "duration_ms", "post_response_ms") == [["timeout"], [1000.0], [600.0]]
    assert set(seen["event_outcome"]) == ended


@BOTH
def test_each_kind_of_failure_has_its_share(engine: str) -> None:
    """Two-sided binomial tests at one in ten thousand."""
    shares = {"function_error": 0.1, "crash": 0.05, "out_of_memory": 0.03, "timeout": 0.08}
    given = ", ".join(
        f"{kind.removeprefix('function_')}_probability: {share}" for kind, share in shares.items()
    )
    seen = run(
        f"init_ms: 0, timeout: 1s, work: {{io_ms: 5, {given}}}, trigger: {{type: alb}}", engine, 300, "20"
    ).records
    for kind, share in shares.items():
        assert binomtest(int((seen["outcome"] == kind).sum()), len(seen), share).pvalue > 1e-4, kind
    assert set(seen["duration_ms"][seen["outcome"] == "timeout"]) == {1000.0}


def test_failures_together_leave_room_for_success() -> None:
    with pytest.raises(
        InputError, match=r"timeout_probability: must be at most 1 together with crash_prob.*got 1\.1"
    ):
        run("work: {crash_probability: 0.6, timeout_probability: 0.5}", "kernel")


@BOTH
def test_an_environment_keeps_its_speed_and_the_mean_is_kept(engine: str) -> None:
    """The mean of n independent speeds lies within 4 standard errors of 1: missed once in 16,000 runs."""
    work = "memory_mb: 1769, init_ms: 0, trigger: {type: alb}, "
    work += "work: {cpu_ms: 1000, first_run_ms: 0, environment_spread: 0.1}"
    seen = run(work, engine, 20, "400").records
    by_environment = seen.groupby("exec_env")["duration_ms"]
    assert (by_environment.nunique() == 1).all()
    speeds = by_environment.first() / 1000
    assert abs(speeds.mean() - 1) < 4 * 0.1 / np.sqrt(len(speeds))
    assert speeds.std() == pytest.approx(0.1, rel=0.2)
    assert len(speeds) > 300


def test_the_catalogs_spread_is_wider_on_arm64() -> None:
    def spread(architecture: str) -> float:
        work = "init_ms: 0, work: {cpu_ms: 1000, first_run_ms: 0, environment_spread: catalog}, trigger: {type: alb}"
        seen = run(f"memory_mb: 1769, architecture: {architecture}, {work}", "kernel", 20, "400").records
        return float(seen.groupby("exec_env")["duration_ms"].first().std() / 1000)

    assert spread("x86_64") == pytest.approx(0.029, rel=0.2)
    assert spread("arm64") == pytest.approx(0.075, rel=0.2)


@BOTH
def test_the_newest_created_environment_serves_first(engine: str) -> None:
    # Environment 1 is created second and ends first; used last is 0.
    settings = {"arrivals_s": [0, 0, 1], "durations_ms": [200, 100, 100], "engine": engine}
    assert ls.simulate(**settings, reuse="newest_created").records["exec_env"].tolist() == [0, 1, 1]
    assert ls.simulate(**settings).records["exec_env"].tolist() == [0, 1, 0]
