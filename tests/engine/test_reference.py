"""Hand-worked runs of the reference engine, one rule of the contract each."""

from functools import partial

import numpy as np
import pandas as pd
import pytest
from frames import assert_same
from hypothesis import given, settings
from hypothesis import strategies as st

import lambdasim as ls
from lambdasim.specs import load_scenario_text

simulate = partial(ls.simulate, engine="reference")
HEAD = "name: t\nstart: 2026-11-01T00:00:00Z\nduration: 10s\n"


def records(text: str) -> pd.DataFrame:
    return simulate(load_scenario_text(HEAD + text)).records


def function(settings_text: str, traffic: str = "constant: {rate_per_s: 1}", name: str = "f") -> str:
    return f"  - {{name: {name}, timeout: 5s, init_ms: 0, {settings_text}, traffic: {{{traffic}}}}}\n"


def test_an_environment_whose_keep_alive_ends_at_an_instant_is_gone_for_an_arrival_of_that_instant() -> None:
    run = simulate(arrivals_s=[0, 1.1, 2.2], durations_ms=100, keep_alive_s=1.0)
    assert run.records["start_type"].tolist() == ["cold", "cold", "cold"]
    run = simulate(arrivals_s=[0, 1.1, 2.2], durations_ms=100, keep_alive_s=1.000001)
    assert run.records["start_type"].tolist() == ["cold", "warm", "warm"]


def test_a_completion_frees_its_environment_for_an_arrival_of_the_same_instant() -> None:
    run = simulate(arrivals_s=[0, 0.1, 0.1], durations_ms=[100, 0, 0], concurrency=1)
    assert run.records["start_type"].tolist() == ["cold", "warm", "warm"]


def test_most_recently_used_goes_first() -> None:
    arrivals, durations = [0, 0, 1], [100, 200, 100]
    newest = simulate(arrivals_s=arrivals, durations_ms=durations)
    oldest = simulate(arrivals_s=arrivals, durations_ms=durations, reuse="least_recently_used")
    assert newest.records["exec_env"].tolist() == [0, 1, 1]
    assert oldest.records["exec_env"].tolist() == [0, 1, 0]


def test_concurrency_counts_from_admission_init_included() -> None:
    run = simulate(arrivals_s=[0, 0.2, 0.4], durations_ms=100, init_ms=250, concurrency=1)
    assert run.records["limit"].tolist() == ["none", "account_concurrency", "none"]


def test_reserved_concurrency_zero_stops_the_function() -> None:
    seen = records("functions:\n" + function("reserved_concurrency: 0, trigger: {type: alb}"))
    assert set(seen["limit"]) == {"reserved_concurrency"}
    assert set(seen["event_outcome"]) == {"throttled"}


def test_reserved_concurrency_is_a_cap_and_the_rest_of_the_pool_is_untouched() -> None:
    text = "functions:\n" + function("reserved_concurrency: 1, work: {io_ms: 1500}, trigger: {type: alb}")
    text += function("work: {io_ms: 1500}, trigger: {type: alb}", name="g")
    seen = records(text)
    assert seen[seen["function"] == "f"]["limit"].tolist() == ["none", "reserved_concurrency"] * 5
    assert set(seen[seen["function"] == "g"]["limit"]) == {"none"}


def test_synchronous_requests_above_the_rate_of_their_concurrency_are_refused() -> None:
    text = "account: {concurrency: 1}\nfunctions:\n"
    seen = records(text + function("work: {io_ms: 0}, trigger: {type: alb}", "constant: {rate_per_s: 20}"))
    # Ten pass at once and ten come back each second: of 200 in 10 s, 10 + 99 pass at most.
    assert set(seen["limit"]) == {"none", "request_rate"}
    assert 105 <= (seen["limit"] == "none").sum() <= 109


def test_the_scaling_rate_lets_a_burst_pass_and_one_more_each_interval() -> None:
    text = "account: {scaling_burst: 3, scaling_interval: 3s}\nfunctions:\n"
    text += function("work: {io_ms: 5000}, trigger: {type: alb}", "constant: {rate_per_s: 2}")
    seen = records(text)
    # Three at once, one back each second; every second arrival finds none from the fifth on.
    admitted = seen[seen["limit"] == "none"]["start_s"].tolist()
    assert admitted[:6] == [0.0, 0.5, 1.0, 1.5, 2.0, 3.0]
    assert set(seen["limit"]) == {"none", "scaling_rate"}


def test_asynchronous_errors_are_tried_again_after_one_and_two_minutes() -> None:
    text = "functions:\n" + function(
        "work: {io_ms: 100, error_probability: 1}, trigger: {type: s3}", "constant: {rate_per_s: 0.1}"
    )
    seen = records(text)
    assert seen["start_s"].tolist() == pytest.approx([0, 60.1, 180.2])
    assert seen["event_outcome"].tolist() == ["pending", "pending", "failed"]


def test_asynchronous_throttles_back_off_doubling_until_the_event_is_too_old() -> None:
    text = "functions:\n" + function(
        "reserved_concurrency: 0, trigger: {type: sns, max_event_age: 60s}", "constant: {rate_per_s: 0.1}"
    )
    seen = records(text)
    assert seen["start_s"].tolist() == [0, 1, 3, 7, 15, 31]
    assert seen["event_outcome"].iloc[-1] == "expired"


def test_a_client_that_has_gone_does_not_stop_the_work() -> None:
    text = "functions:\n" + function(
        "work: {io_ms: 4000}, trigger: {type: api_gateway_http, integration_timeout: 2s}",
        "constant: {rate_per_s: 0.1}",
    )
    run = simulate(load_scenario_text(HEAD + text))
    assert run.records["duration_ms"].tolist() == [4000]
    assert run.records["event_outcome"].tolist() == ["client_timeout"]
    assert run.latency_ms().values.tolist() == [2000]


def test_a_timeout_cuts_the_run_and_resets_the_environment() -> None:
    seen = records(
        "functions:\n" + function("work: {io_ms: 6000}, trigger: {type: alb}", "constant: {rate_per_s: 0.15}")
    )
    assert seen["duration_ms"].tolist() == [5000, 5000]
    assert set(seen["outcome"]) == {"timeout"}
    assert seen["start_type"].tolist() == ["cold", "warm"]


def test_memory_below_the_need_is_a_failure_not_a_slow_success() -> None:
    seen = records(
        "functions:\n" + function("memory_mb: 128, work: {max_memory_mb: 129}, trigger: {type: alb}")
    )
    assert set(seen["outcome"]) == {"out_of_memory"}


def test_provisioned_environments_are_ready_together_and_spill_over() -> None:
    text = "platform: {provisioned_preparation: 2s}\nfunctions:\n" + function(
        "work: {io_ms: 1500}, provisioned_concurrency: [{at: 1s, count: 1}], trigger: {type: alb}"
    )
    seen = records(text)
    # Ready at 1 s + 2 s + 10 ms; then every second event finds the one environment busy.
    assert seen["start_type"].tolist()[4:] == [
        "provisioned",
        "warm",
        "provisioned",
        "warm",
        "provisioned",
        "warm",
    ]
    assert "provisioned" not in seen["start_type"].tolist()[:4]


def test_an_init_longer_than_its_cap_runs_again_inside_the_invocation() -> None:
    text = (
        "functions:\n  - {name: f, timeout: 60s, init_ms: 12000, work: {io_ms: 500}, trigger: {type: alb}, "
    )
    seen = records(text + "traffic: {constant: {rate_per_s: 0.1}}}\n")
    assert seen[["init_ms", "duration_ms"]].to_numpy().tolist() == [[10_000, 12_500]]


def test_the_order_of_functions_changes_nothing() -> None:
    first = function(
        "work: {io_ms: {exponential: {mean: 700}}}, trigger: {type: sdk}", "poisson: {rate_per_s: 3}"
    )
    second = function("work: {io_ms: 900}, trigger: {type: s3}", "poisson: {rate_per_s: 2}", name="g")
    head = "account: {concurrency: 3}\nfunctions:\n"
    assert_same(records(head + first + second), records(head + second + first))


@settings(max_examples=100, deadline=None)
@given(
    arrivals=st.lists(st.integers(0, 20), max_size=60),
    durations=st.lists(st.integers(0, 3000), min_size=60, max_size=60),
    concurrency=st.integers(0, 5),
    keep_alive=st.sampled_from([0.0, 0.5, 1.0, 60.0]),
    init=st.sampled_from([0, 500, 1000]),
    order=st.sampled_from(["most_recently_used", "least_recently_used"]),
)
def test_laws_that_hold_in_every_run(
    arrivals: list[int], durations: list[int], concurrency: int, keep_alive: float, init: int, order: str
) -> None:
    run = simulate(
        arrivals_s=np.array(arrivals) / 2, durations_ms=durations[: len(arrivals)] or 1, init_ms=init,
        keep_alive_s=keep_alive, concurrency=concurrency, reuse=order,
    )  # fmt: skip
    seen = run.records
    assert len(seen) == len(arrivals)
    ran = seen[seen["start_type"] != "none"]
    starts, ends = ran["start_s"].to_numpy(), ran["end_s"].to_numpy()
    for at in starts:
        assert ((starts <= at) & (ends > at)).sum() <= concurrency
    for _, used in ran.groupby("exec_env"):
        gaps = used["start_s"].to_numpy()[1:] - used["end_s"].to_numpy()[:-1]
        assert (gaps >= -1e-9).all()
        assert (gaps < keep_alive).all() or not len(gaps)
        assert used["start_type"].tolist() == ["cold"] + ["warm"] * (len(used) - 1)
