"""Functions simulated apart give what they give together, whenever they are said to."""

from typing import Any

import numpy as np
import pytest
from frames import assert_same
from hypothesis import given, settings
from hypothesis import strategies as st

import lambdasim as ls
from lambdasim.engine.contract import RECORD_COLUMNS, RecordChunk
from lambdasim.results.apart import FunctionResults, _Granted, simulate_functions
from lambdasim.results.points.workers import process_pool
from lambdasim.results.run import RunResult

OF_THE_ACCOUNT = {"exec_env", "account_concurrency", "unreserved_concurrency"}
LAWS = [{"exponential": {"mean": 2000}}, {"exponential": {"mean": 50}}, 1000, 2500]


@st.composite
def functions(draw: st.DrawFn, name: str) -> dict[str, Any]:
    trigger = draw(st.sampled_from(["alb", "function_url", "s3", "sdk"]))
    traffic = draw(st.sampled_from([{"poisson": {"rate_per_s": rate}} for rate in (30, 20, 3)]))
    found: dict[str, Any] = {
        "name": name,
        "trigger": {"type": trigger} | ({"max_event_age": "60s"} if trigger == "s3" else {}),
        "init_ms": draw(st.sampled_from([0, 300, 3000])),
        "work": {"io_ms": draw(st.sampled_from(LAWS)), "error_probability": 0.1},
        "traffic": traffic,
        "payload": {"request_kb": {"exponential": {"mean": 100}}},
    }
    if draw(st.integers(0, 3)) == 3:
        found["reserved_concurrency"] = draw(st.integers(0, 3))
    elif draw(st.integers(0, 3)) == 3:
        found["provisioned_concurrency"] = [{"at": "0s", "count": draw(st.integers(1, 3))}]
    return found


@st.composite
def scenarios(draw: st.DrawFn) -> ls.ScenarioSpec:
    parts = [draw(functions(name)) for name in "dcab"[: draw(st.integers(2, 4))]]
    account = {
        "concurrency": draw(st.sampled_from([112, 125, 180])),
        "request_rate_factor": draw(st.sampled_from([1, 10])),
        "scaling_burst": draw(st.sampled_from([1000, 40])),
    }
    return ls.ScenarioSpec.model_validate(
        {
            "name": "apart",
            "seed": draw(st.integers(0, 99)),
            "start": "2026-10-31T23:59:55Z",
            "duration": "10s",
            "account": account,
            "functions": parts,
        }
    )


def assert_equal(results: FunctionResults, run: RunResult) -> None:
    assert_same(results.summary, run.summary())
    assert results.usage == run.usage()
    assert results.charges().to_json() == run.charges().to_json()
    one, other = results.latency_ms, run.latency_ms()
    assert np.array_equal(one.values, other.values)
    assert np.array_equal(one.counts, other.counts)


def columns(run: RunResult) -> dict[str, np.ndarray[Any, np.dtype[np.int64]]]:
    assert run.chunks is not None
    return {
        name: np.concatenate([chunk[name] for chunk in run.chunks] or [np.empty(0, dtype=np.int64)])
        for name in RECORD_COLUMNS
    }


def in_order_of_first_use(numbers: np.ndarray[Any, np.dtype[np.int64]]) -> list[int]:
    seen: dict[int, int] = {-1: -1}
    return [seen.setdefault(number, len(seen) - 1) for number in numbers.tolist()]


def assert_equal_records(scenario: ls.ScenarioSpec, run: RunResult) -> None:
    whole = columns(run)
    for rank, name in enumerate(sorted(function.name for function in scenario.functions)):
        (spec,) = (function for function in scenario.functions if function.name == name)
        alone = columns(ls.simulate(ls.revised(scenario, {"functions": (spec,)})))
        mine = whole["function"] == rank
        for column in RECORD_COLUMNS.keys() - OF_THE_ACCOUNT - {"function"}:
            assert np.array_equal(alone[column], whole[column][mine]), column
        assert in_order_of_first_use(alone["exec_env"]) == in_order_of_first_use(whole["exec_env"][mine])


@settings(max_examples=40)
@given(scenarios())
def test_records_apart_are_those_together(scenario: ls.ScenarioSpec) -> None:
    run = ls.simulate(scenario)
    results = simulate_functions(scenario)
    assert_equal(results, run)
    if results.apart:
        assert_equal_records(scenario, run)


def test_seconds_are_counted_across_chunks() -> None:
    granted = _Granted()
    for start_s, start_type in [
        ([0.0, 7.1, 7.9], [1, 1, 1]),
        ([7.95, 8.0, 8.1], [1, 2, 0]),
        ([400.0], [3]),
        ([401.0], [0]),
    ]:
        start_us = np.array(start_s) * 1_000_000
        granted.add(RecordChunk({"start_us": start_us.astype(np.int64), "start_type": np.array(start_type)}))
    assert granted.busiest_two_seconds() == 4
    assert _Granted().busiest_two_seconds() == 0


def crowd(rate_per_s: int, io_ms: int, trigger: str, **account: int) -> ls.ScenarioSpec:
    """Make two functions with the same traffic at regular distances."""
    function = {
        "init_ms": 0, "work": {"io_ms": io_ms}, "trigger": {"type": trigger},
        "traffic": {"constant": {"rate_per_s": rate_per_s}},
    }  # fmt: skip
    named = [function | {"name": name} for name in "ab"]
    return ls.ScenarioSpec.model_validate(
        {
            "name": "crowd",
            "start": "2026-11-01T00:00:00Z",
            "duration": "20s",
            "functions": named,
            "account": account,
        }
    )


@pytest.mark.parametrize(
    ("scenario", "apart"),
    [
        # 50 executions each, so 100 together; or 100 requests in two seconds each.
        (crowd(25, 1990, "s3", concurrency=101), True),
        (crowd(25, 1990, "s3", concurrency=100), False),
        (crowd(60, 2000, "s3", concurrency=100), False),
        (crowd(50, 10, "alb", concurrency=200, request_rate_factor=1), True),
        (crowd(51, 10, "alb", concurrency=200, request_rate_factor=1), False),
        (crowd(150, 10, "alb", concurrency=200, request_rate_factor=1), False),
        (crowd(150, 10, "s3", concurrency=200, request_rate_factor=1), True),
    ],
)
def test_the_conditions_are_what_they_are_said_to_be(scenario: ls.ScenarioSpec, apart: bool) -> None:
    results = simulate_functions(scenario)
    assert results.apart is apart
    assert_equal(results, ls.simulate(scenario))


@pytest.mark.parametrize(("claimed", "apart"), [(100, True), (101, False)])
@pytest.mark.parametrize("kind", ["reserved", "provisioned"])
def test_what_is_claimed_is_not_in_the_pool(kind: str, claimed: int, apart: bool) -> None:
    scenario = crowd(25, 1990, "s3", concurrency=201)
    assert simulate_functions(scenario).apart
    claims = {"reserved": claimed, "provisioned": [{"at": "0s", "count": claimed}]}
    idle = {"name": "c", "traffic": {"constant": {"rate_per_s": 0}}, f"{kind}_concurrency": claims[kind]}
    third = ls.revised(scenario.functions[0], idle)
    more = ls.revised(scenario, {"functions": (*scenario.functions, third)})
    results = simulate_functions(more)
    assert results.apart is apart
    assert_equal(results, ls.simulate(more))


def test_a_pool_of_processes_changes_nothing() -> None:
    scenario = crowd(20, 300, "s3", concurrency=200)
    with process_pool(2) as pool:
        results = simulate_functions(scenario, pool)
    assert results.apart
    assert_equal(results, ls.simulate(scenario))
