"""Plain arrays: what they may hold, and that their order does not matter."""

from datetime import UTC, datetime
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

import lambdasim as ls
from lambdasim.errors import InputError
from lambdasim.specs import load_scenario_text
from lambdasim.specs.laws import FixedLaw

SHORT = """name: t
start: 2026-11-01T00:00:00Z
duration: 1s
functions: [{name: f, traffic: {constant: {rate_per_s: 1}}}]
"""
ONE = {"arrivals_s": [0], "durations_ms": 1}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"durations_ms": 1e18}, r"durations_ms: must be from 0 to .*, got 1e\+18"),
        ({"durations_ms": [float("nan")]}, "durations_ms: .* got nan"),
        ({"arrivals_s": [0, -1], "durations_ms": 1}, r"arrivals_s\[1\]: .* got -1"),
        ({"arrivals_s": [1e15]}, "arrivals_s"),
        ({"arrivals_s": "x"}, "arrivals_s: must be numbers, got 'x'"),
        ({"durations_ms": [[1]]}, "must be a row of numbers"),
        ({"durations_ms": {"bad": 1}}, "must be one of fixed, .* got 'bad'"),
        ({"durations_ms": {"lognormal": {"p50": -1, "p95": 3}}}, "greater than 0, got -1"),
        ({"durations_ms": [1, 2]}, "must have one value, or 1"),
        ({"init_ms": float("inf")}, "init_ms: .* got inf"),
        ({"keep_alive_s": float("nan")}, "keep_alive_s: .* got nan"),
        ({"keep_alive_s": 1e30}, "keep_alive_s"),
        ({"concurrency": -1}, "concurrency: must be at least 0"),
        ({"reuse": "oldest"}, "reuse: must be one of most_recently_used, least_recently_used"),
        ({"memory_mb": 64}, "memory_mb: must be between 128 and 10240 MB"),
        ({"engine": "fast"}, "engine: must be one of auto, reference, kernel"),
        (
            {"arrivals_s": np.array(["2026-01-01"], dtype="datetime64[s]")},
            r"arrivals_s: must be numbers of s, got moments",
        ),
        (
            {"durations_ms": np.array([1], dtype="timedelta64[s]")},
            r"durations_ms: must be numbers of ms, got moments",
        ),
        ({"arrivals_s": [10**400]}, "arrivals_s: must be numbers"),
        ({"durations_ms": {"fixed": 1e8}}, "durations_ms: of a law must stay below 68,719,476 ms"),
        ({"durations_ms": {"exponential": {"mean": 1e7}}}, "durations_ms: of a law must stay below"),
        ({"init_ms": {"empirical": [1, 1e8]}}, "init_ms: of a law must stay below"),
        ({"arrivals_s": ["1", "2"]}, r"arrivals_s: must be numbers, got \['1', '2'\]"),
        ({"arrivals_s": [1j]}, "arrivals_s: must be numbers"),
        ({"durations_ms": np.ma.array([1.0], mask=[True])}, "durations_ms: .* got nan"),
        ({"keep_alive_s": []}, "keep_alive_s: must be one number, got 0"),
        ({"keep_alive_s": [1, 2]}, "keep_alive_s: must be one number, got 2"),
        ({"engine": ["kernel"]}, "engine: must be one of"),
        ({"scenario": "s.yaml"}, "scenario: must be what load_scenario returns, got str"),
        ({"scenario": load_scenario_text(SHORT)}, "a scenario, or arrivals_s and durations_ms, not both"),
        ({"end_s": 0}, "end_s: must be above 0, got 0"),
        ({"end_s": float("inf")}, "end_s: must be from 0 to .*, got inf"),
        (
            {"arrivals_s": [1, 9, 5, 5], "end_s": 5},
            r"end_s: must be after every arrival, got 5; arrivals_s\[1\] is 9, and 2 more lie at or after",
        ),
        ({"timeout_s": 0}, "timeout_s: must be above 0, got 0"),
        ({"timeout_s": [1, 2]}, "timeout_s: must be one number, got 2"),
        ({"reserved_concurrency": -1}, "reserved_concurrency: must be at least 0, got -1"),
        (
            {"reserved_concurrency": 901},
            "reserved_concurrency: must be at most 900: of 1000 100 stay unreserved",
        ),
        ({"provisioned_concurrency": -1}, "provisioned_concurrency.0.count: must be at least 0"),
        ({"provisioned_concurrency": "5"}, "provisioned_concurrency: must be a whole number, or steps"),
        ({"provisioned_concurrency": 2.5}, "provisioned_concurrency: must be a whole number, or steps"),
        ({"provisioned_concurrency": [{"at": 5, "count": 1}]}, "provisioned_concurrency.0.at: .* no unit"),
        (
            {"provisioned_concurrency": 3, "reserved_concurrency": 2},
            r"provisioned_concurrency: must be at most reserved_concurrency \(2\), got 3",
        ),
        ({"arrivals_s": None}, "needs a scenario, or arrivals_s and durations_ms"),
    ],
)
def test_what_cannot_be_is_refused_in_one_sentence(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message) as caught:
        ls.simulate(**ONE | arguments)
    assert len(str(caught.value).splitlines()) == 1


@pytest.mark.parametrize(
    "setting",
    [
        {"concurrency": 1},
        {"concurrency": 1000},
        {"init_ms": 0.0},
        {"keep_alive_s": 1},
        {"reuse": "least_recently_used"},
        {"memory_mb": 128},
        {"seed": 0},
        {"start": datetime(2026, 1, 1, tzinfo=UTC)},
        {"end_s": 1, "timeout_s": 1},
        {"reserved_concurrency": 1, "provisioned_concurrency": 1},
        {"seed": 1, "memory_mb": 128},
    ],
)
def test_a_setting_beside_a_scenario_is_refused_by_its_name(setting: dict[str, Any]) -> None:
    with pytest.raises(InputError) as caught:
        ls.simulate(load_scenario_text(SHORT), **setting)
    assert set(caught.value.faults[0].field.split(", ")) == set(setting)


def test_a_run_of_more_than_ten_years_is_refused_with_the_moments_around_its_gap() -> None:
    thirty_years_s = 30 * 365 * 86_400
    with pytest.raises(InputError, match="longest gap is from 2026-01-01 00:01:00 to 2055-12-25 00:00:00"):
        ls.simulate(arrivals_s=[0, thirty_years_s, 60], durations_ms=1)
    scenario = SHORT.replace("duration: 1s", f"duration: {thirty_years_s}s")
    with pytest.raises(InputError, match=r"s:3: duration: must be at most 3660d, got 10950d"):
        load_scenario_text(scenario, name="s")


def test_years_between_arrivals_are_no_matter() -> None:
    run = ls.simulate(arrivals_s=[0, 3e8], durations_ms=1)
    assert run.records["start_type"].tolist() == ["cold", "cold"]
    assert len(run.usage()) == 2


@given(
    st.lists(
        st.tuples(st.integers(0, 20), st.integers(0, 3000)), min_size=1, max_size=20, unique_by=lambda a: a[0]
    )
)
def test_the_order_of_the_arrays_does_not_matter(rows: list[tuple[int, int]]) -> None:
    def run(given_rows: list[tuple[int, int]]) -> Any:
        arrivals, durations = np.array(given_rows).T
        result = ls.simulate(
            arrivals_s=arrivals, durations_ms=durations, init_ms=durations + 1, keep_alive_s=2
        )
        return result.records

    as_given = run(rows)
    assert as_given.equals(run(sorted(rows)))
    assert as_given.equals(run(rows[::-1]))


@pytest.mark.parametrize(
    "arguments",
    [
        {"arrivals_s": range(3)},
        {"arrivals_s": pd.Series([2, 0, 1], index=[7, 7, 8])},
        {"arrivals_s": np.array([0, 1, 2], dtype=np.int8)},
        {"durations_ms": {"empirical": np.array([100])}},
        {"durations_ms": {"empirical": pd.Series([100.0])}},
        {"durations_ms": {"fixed": np.float32(100)}},
        {"durations_ms": FixedLaw(fixed=100)},
        {"durations_ms": pd.Series([100, 100, 100])},
        {"concurrency": np.int64(1000), "memory_mb": np.int32(1769), "seed": np.uint8(0)},
        {"init_ms": np.zeros(3)},
        {"keep_alive_s": np.float64(600)},
    ],
)
def test_every_way_to_write_the_same_numbers_gives_the_same_run(arguments: dict[str, Any]) -> None:
    same = {"arrivals_s": [0.0, 1.0, 2.0], "durations_ms": 100}
    assert ls.simulate(**same | arguments).records.equals(ls.simulate(**same).records)


ENGINES = ("kernel", "reference")


@pytest.mark.parametrize("engine", ENGINES)
def test_a_timeout_cuts_what_lasts_longer_and_no_other(engine: str) -> None:
    run = ls.simulate(
        arrivals_s=[0, 10, 20], durations_ms=[400, 500, 501], init_ms=2_000, timeout_s=0.5, engine=engine
    )
    assert run.records["duration_ms"].tolist() == [400, 500, 500]
    assert run.records["outcome"].tolist() == ["completed", "completed", "timeout"]


@pytest.mark.parametrize("engine", ENGINES)
def test_reserved_concurrency_is_a_cap(engine: str) -> None:
    run = ls.simulate(
        arrivals_s=[0, 0.1, 0.2, 1.5], durations_ms=1_000, reserved_concurrency=2, engine=engine
    )
    assert run.records["limit"].tolist() == ["none", "none", "reserved_concurrency", "none"]


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("ready", [2, [{"at": "0s", "count": 2}]])
def test_what_is_provisioned_starts_without_init_and_the_rest_spills_over(engine: str, ready: Any) -> None:
    run = ls.simulate(
        arrivals_s=[0, 0.1, 0.2],
        durations_ms=1_000,
        init_ms=[100, 200, 300],
        provisioned_concurrency=ready,
        end_s=3_600,
        engine=engine,
    )
    assert run.records["start_type"].tolist() == ["provisioned", "provisioned", "cold"]
    assert run.records["init_ms"].tolist() == [0, 0, 300]
    (usage,) = run.usage()
    assert usage.provisioned_allocated_s == 2 * 3_600
    assert usage.provisioned_init_ms == 100 + 200
    assert usage.provisioned_billed_ms == 2_000


def test_the_end_is_that_of_a_scenario_with_the_same_traffic() -> None:
    """Same arrivals, work, limits and length, said either way."""
    said = load_scenario_text("""
name: t
start: 2026-01-01T00:00:00Z
duration: 10m
platform: {keep_alive: 600s, max_lifetime: null}
functions:
- name: f
  memory_mb: 1769
  timeout: 2s
  init_ms: 500
  placement_ms: 0
  reserved_concurrency: 3
  provisioned_concurrency: [{at: 0s, count: 1}]
  work: {io_ms: 1500}
  trigger: {type: function_url}
  traffic: {constant: {rate_per_s: 1}}
""")
    given = {
        "durations_ms": 1_500,
        "init_ms": 500,
        "end_s": 600,
        "timeout_s": 2,
        "reserved_concurrency": 3,
        "provisioned_concurrency": 1,
    }
    one = ls.simulate(said)
    other = ls.simulate(arrivals_s=one.records["arrival_s"].to_numpy(), **given)
    columns = ["arrival_s", "init_ms", "duration_ms", "start_type", "outcome", "exec_env"]
    assert one.records[columns].equals(other.records[columns])
    mean = [run.summary()["mean_concurrency"].iloc[0] for run in (one, other)]
    assert mean[0] == mean[1] == pytest.approx(1.5, rel=0.05)
    (usage,), (same,) = one.usage(), other.usage()
    assert usage.provisioned_allocated_s == same.provisioned_allocated_s == 600


def test_newest_created_goes_on_with_the_environment_that_was_made_last() -> None:
    """Two at once make a, then b; b ends first, so a is the most recently used, and b the newest."""
    arrivals, durations = [0, 0.1, 5], [1_000, 200, 10]
    last = {
        order: ls.simulate(arrivals_s=arrivals, durations_ms=durations, reuse=order)
        .records["exec_env"]
        .iloc[2]
        for order in ("most_recently_used", "least_recently_used", "newest_created")
    }
    assert last == {"most_recently_used": 0, "least_recently_used": 1, "newest_created": 1}
