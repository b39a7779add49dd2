"""Clients that give a call up and make it again while the function goes on."""

import pytest

import lambdasim as ls
from lambdasim.specs import load_scenario_text

# Nearly nine minutes a run behind a client that reads for 60 s and repeats four times.
TEXT = """
name: sdk-timeout
start: 2026-11-01T00:00:00Z
duration: 1h
free_tier: false
functions:
  - name: long
    memory_mb: 256
    timeout: 15m
    init_ms: 0
    work: {io_ms: 500000, first_run_ms: 0}
    trigger: {type: sdk, client_retries: 4}
    traffic: {constant: {rate_per_s: 0.0002}}
"""
ENGINES = ("reference", "kernel")


@pytest.mark.parametrize("engine", ENGINES)
def test_five_runs_a_call_and_all_are_billed(engine: str) -> None:
    run = ls.simulate(load_scenario_text(TEXT), engine=engine)
    seen = run.records
    assert seen["event_outcome"].tolist() == ["pending"] * 4 + ["client_timeout"]
    assert set(seen["duration_ms"]) == {500_000}
    assert run.usage()[0].requests == 5
    assert run.usage()[0].billed_ms_with_init == 5 * 500_000
    # A try begins 60 s after the one before, and a wait drawn from 0 to 50 ms, 100 ms, …
    gaps = seen["start_s"].diff().iloc[1:] - 60
    for number, gap in enumerate(gaps):
        assert 0 <= gap <= 0.05 * 2**number + 1e-6
    assert run.aggregate.account.peak == 5
    assert run.latency_ms().quantile(1.0) == pytest.approx(1000 * (seen["start_s"].iloc[-1] + 60), abs=1)


@pytest.mark.parametrize("engine", ENGINES)
def test_an_answer_in_time_and_a_client_that_waits_longer_cause_no_second_run(engine: str) -> None:
    for change in (("io_ms: 500000", "io_ms: 60000"), ("client_retries: 4", "read_timeout: 500s")):
        run = ls.simulate(load_scenario_text(TEXT.replace(*change)), engine=engine)
        assert run.records["event_outcome"].tolist() == ["succeeded"]


@pytest.mark.parametrize("engine", ENGINES)
def test_a_second_try_that_is_quicker_ends_the_call(engine: str) -> None:
    # 5 s of INIT and 58 s of work: the first answer comes after 63 s, and the second try finds its environment busy. The
    # third, at 120 s, finds it warm, and answers in time.
    text = TEXT.replace("init_ms: 0", "init_ms: 5000").replace("io_ms: 500000", "io_ms: 58000")
    run = ls.simulate(load_scenario_text(text), engine=engine)
    assert run.records["start_type"].tolist() == ["cold", "cold", "warm"]
    assert run.records["event_outcome"].tolist() == ["pending", "pending", "succeeded"]
    assert run.latency_ms().quantile(1.0) == pytest.approx(178_000, abs=200)


def test_a_gateway_does_not_call_again() -> None:
    text = TEXT.replace("{type: sdk, client_retries: 4}", "{type: api_gateway_http}")
    assert len(ls.simulate(load_scenario_text(text)).records) == 1


def test_a_function_without_a_trigger_is_waited_for() -> None:
    # Nothing says that an SDK calls it: two minutes of work are billed once, and the assumption is listed.
    run = ls.simulate(load_scenario_text(TEXT.replace("    trigger: {type: sdk, client_retries: 4}\n", "")))
    assert run.summary()["runs"].sum() == run.summary()["events"].sum()
    assert run.summary()["lost"].sum() == 0
    assert "caller of long" in set(run.parameters()["parameter"])
