"""Gateways and clients: token buckets, cuts, retry modes and quotas, by hand."""

import json
from typing import Any

import numpy as np
import pytest

import lambdasim as ls
from lambdasim.errors import ScenarioError
from lambdasim.models.adaptive_rate import AdaptiveClient, heard, turn_us

BASE = {"name": "t", "start": "2026-11-01T00:00:00Z", "duration": "60s", "platform": {"max_lifetime": None}}


def run(trigger: dict[str, Any], rate: float, io_ms: float = 10, **more: Any) -> ls.RunResult:
    function = {
        "name": "f", "init_ms": 0, "timeout": "15min", "work": {"io_ms": io_ms}, "trigger": trigger,
        "traffic": {"constant": {"rate_per_s": rate}},
    }  # fmt: skip
    scenario = {"duration": more.pop("duration", "60s"), "account": more.pop("account", {})}
    return ls.simulate(ls.load_scenario_text(json.dumps(BASE | scenario | {"functions": [function | more]})))


def refused(result: ls.RunResult) -> dict[str, int]:
    return dict(result.throttles()[["limit", "attempts"]].itertuples(index=False))


def test_a_route_lets_its_burst_and_then_its_rate_through() -> None:
    result = run({"type": "api_gateway_http", "throttle": {"rate_per_s": 10, "burst": 20}}, rate=30)
    # A bucket of 20 that gets 10 a second back while 30 come: of 1,800 in a minute 20 + 600 pass, to one or two.
    assert abs(1800 - refused(result)["gateway_route"] - 620) <= 1
    passed = result.records[result.records["start_type"] != "none"]["start_s"].to_numpy()
    for stretch in (25, 100, 300):  # never more than burst + rate × time
        lasted = passed[stretch:] - passed[:-stretch]
        assert (stretch + 1 <= 20 + 10 * lasted + 1e-9).all()
    assert result.metrics()["Throttles"].sum() == 0  # CloudWatch's metric of the function does not see them
    assert result.usage()[0].calls == result.usage()[0].requests  # nor does the bill


def test_the_accounts_gateway_counts_all_its_apis_and_not_others() -> None:
    def function(name: str, kind: str) -> dict[str, Any]:
        return {
            "name": name, "init_ms": 0, "work": {"io_ms": 1}, "trigger": {"type": kind},
            "traffic": {"constant": {"rate_per_s": 10}},
        }  # fmt: skip

    functions = [
        function("a", "api_gateway_rest"),
        function("b", "api_gateway_websocket"),
        function("u", "function_url"),
    ]
    account = {"gateway": {"rate_per_s": 5, "burst": 5}}
    result = ls.simulate(
        ls.load_scenario_text(json.dumps(BASE | {"account": account, "functions": functions}))
    )
    by_function = result.throttles().set_index("function")["attempts"]
    assert set(by_function.index) == {"a", "b"}
    assert abs(1200 - by_function.sum() - 305) <= 1  # 5 at first, and 5 a second


def test_what_a_gateway_let_through_has_spent_its_token_though_lambda_refuses() -> None:
    trigger = {"type": "api_gateway_http", "throttle": {"rate_per_s": 1, "burst": 1}}
    result = run(trigger, rate=2, reserved_concurrency=0)
    assert refused(result)["gateway_route"] == 60
    assert sum(refused(result).values()) == 120


@pytest.mark.parametrize(
    ("kind", "cut"),
    [("api_gateway_rest", 29), ("api_gateway_http", 30), ("api_gateway_websocket", 29), ("alb", None)],
)
def test_each_gateway_cuts_when_it_does_and_the_run_is_billed_to_its_end(kind: str, cut: int | None) -> None:
    result = run({"type": kind}, rate=0.1, io_ms=40_000)
    assert result.latency_ms().values.tolist() == [(cut or 40) * 1000]
    assert result.usage()[0].billed_ms_with_init == 6 * 40_000


@pytest.mark.parametrize(
    ("kind", "most_kb"), [("alb", 1024), ("api_gateway_websocket", 128), ("api_gateway_rest", 6144)]
)
def test_requests_larger_than_the_way_in_takes_are_refused(kind: str, most_kb: int) -> None:
    for size, lost in ((most_kb, 0), (most_kb + 1, 60)):
        result = run({"type": kind}, rate=1, payload={"request_kb": size})
        assert result.summary()["lost"].item() == lost


def test_a_client_that_loses_patience_before_its_gateway_does() -> None:
    trigger = {
        "type": "api_gateway_http",
        "read_timeout": "5s",
        "client_retries": 3,
        "repeats": ["throttled", "unanswered"],
    }
    result = run(trigger, rate=0.01, io_ms=20_000)
    # Four runs of 20 s for one call; waits below 0.05, 0.1 and 0.2 s between.
    starts = result.records["start_s"].to_numpy()
    assert len(starts) == 4
    assert (np.diff(starts) >= 5).all()
    assert (np.diff(starts) <= 5 + np.array([0.05, 0.1, 0.2]) + 1e-6).all()
    assert result.usage()[0].billed_ms_with_init == 4 * 20_000


@pytest.mark.parametrize(
    ("mode", "tries", "ceilings"),
    [
        ("standard", 3, [1, 2]),
        ("standard_before_2026", 3, [1, 2]),
        ("legacy", 5, [1, 2, 4, 8]),
    ],
)
def test_modes_repeat_throttled_calls_as_often_and_wait_as_long_as_botocore(
    mode: str, tries: int, ceilings: list[int]
) -> None:
    result = run({"type": "sdk", "retry_mode": mode}, rate=20, reserved_concurrency=0, duration="50s")
    records = result.records
    assert len(records) == 1000 * tries
    waits = records.sort_values(["invocation", "attempt"]).groupby("invocation")["start_s"].diff().dropna()
    waits = waits.to_numpy().reshape(1000, tries - 1)
    for place, ceiling in enumerate(ceilings):
        # Uniform between 0 and the ceiling: mean half of it, within five standard errors.
        assert 0 <= waits[:, place].min() <= waits[:, place].max() <= ceiling
        assert abs(waits[:, place].mean() - ceiling / 2) < 5 * ceiling / np.sqrt(12 * 1000)


def test_waits_after_a_read_timeout_are_short_since_2026_and_were_not_before() -> None:
    def first_wait(mode: str) -> float:
        result = run({"type": "sdk", "read_timeout": "2s", "retry_mode": mode}, rate=5, io_ms=3000)
        starts = result.records.sort_values(["invocation", "attempt"]).groupby("invocation")["start_s"]
        return float(starts.apply(lambda times: times.iloc[1] - times.iloc[0] - 2).mean())

    assert first_wait("standard") == pytest.approx(0.025, rel=0.2)
    assert first_wait("standard_before_2026") == pytest.approx(0.5, rel=0.2)


def test_a_client_without_tokens_does_not_repeat() -> None:
    trigger = {"type": "sdk", "retry_mode": "standard", "client_processes": 1}
    result = run(trigger, rate=10, reserved_concurrency=0)
    # 500 tokens, 5 a repeat, none comes back: 100 repeats in all for 600 calls.
    assert len(result.records) == 600 + 100
    two = run(trigger | {"client_processes": 2}, rate=10, reserved_concurrency=0)
    assert len(two.records) == 600 + 200
    before = trigger | {"retry_mode": "standard_before_2026", "read_timeout": "1s"}
    # 10 a repeat after a timeout: 50 repeats.
    assert len(run(before, rate=10, io_ms=2000, duration="20s").records) == 200 + 50


def test_answers_give_tokens_back() -> None:
    trigger = {"type": "sdk", "retry_mode": "standard", "client_processes": 1, "repeats": ["failed"]}
    failing = run(trigger, rate=10, work={"io_ms": 1, "error_probability": 1.0}, duration="100s")
    assert len(failing.records) == 1000 + 500 // 14
    # Half of all runs fail: what repeats took comes back with the answers that follow, so more can be made.
    half = run(trigger, rate=10, work={"io_ms": 1, "error_probability": 0.5}, duration="100s")
    assert len(half.records) > 1000 + 100


def test_failed_answers_are_repeated_where_the_client_does_so_and_all_runs_are_billed() -> None:
    trigger, work = {"type": "function_url", "client_retries": 2}, {"io_ms": 100, "crash_probability": 1.0}
    result = run(trigger | {"repeats": ["failed"]}, rate=1, work=work)
    assert len(result.records) == 180
    assert result.usage()[0].billed_ms_with_init == 18_000
    assert result.summary()["failed"].item() == 60
    assert len(run(trigger, rate=1, work=work).records) == 60


def test_a_storm_of_repeats_fills_the_pool_that_it_shares() -> None:
    """Clients who lose patience at 2 s with a function that takes 3 s keep two runs going for each call."""

    def starts(repeats: list[str]) -> ls.RunResult:
        slow = {
            "name": "slow", "init_ms": 0, "timeout": "10s", "work": {"io_ms": 3000},
            "trigger": {"type": "api_gateway_http", "read_timeout": "2s", "client_retries": 2, "repeats": repeats},
            "traffic": {"constant": {"rate_per_s": 20}},
        }  # fmt: skip
        other = {
            "name": "other",
            "init_ms": 0,
            "work": {"io_ms": 100},
            "traffic": {"poisson": {"rate_per_s": 10}},
        }
        text = json.dumps(BASE | {"account": {"concurrency": 150}, "functions": [slow, other]})
        return ls.simulate(ls.load_scenario_text(text))

    calm, storm = starts([]), starts(["unanswered"])
    assert 60 < calm.aggregate.account.peak < 75  # 20 × 3 s and 10 × 0.1 s
    assert calm.summary().set_index("function").loc["other", "throttled"] == 0
    # 60 runs of slow become 180, which is more than the pool has: the other function is refused for it.
    assert storm.aggregate.account.peak == 150
    assert storm.summary().set_index("function").loc["other", "throttled"] > 0
    billed = [one.usage()[1].billed_ms_with_init for one in (calm, storm)]
    assert billed[1] > 2 * billed[0]


def test_adaptive_clients_cut_their_rate_when_throttled_and_grow_it_again() -> None:
    client = AdaptiveClient()
    for step in range(100):  # ten answers a second, for ten seconds
        assert turn_us(client, step * 100_000) == 0
        heard(client, step * 100_000, throttled=False)
    heard(client, 10_000_000, throttled=True)
    # Measured ten a second: cut to seven; K = cbrt(10 × 0.3 / 0.4) = 1.957 s, at which the old rate is reached again.
    assert client.rate_per_s == pytest.approx(7, rel=0.03)
    heard(client, 11_957_000, throttled=False)
    assert client.rate_per_s is not None
    assert client.rate_per_s <= 10.2


def test_an_adaptive_client_is_refused_less_than_a_standard_one() -> None:
    trigger = {"type": "sdk", "client_processes": 1, "client_retries": 2}
    modes = {
        mode: run(trigger | {"retry_mode": mode}, rate=40, io_ms=100, reserved_concurrency=1, duration="60s")
        for mode in ("standard", "adaptive")
    }
    share = {mode: one.summary()["succeeded"].item() / len(one.records) for mode, one in modes.items()}
    assert share["adaptive"] > 1.1 * share["standard"], share


@pytest.mark.parametrize(
    ("trigger", "told"),
    [
        ({"type": "sqs", "throttle": {"rate_per_s": 1, "burst": 1}}, "trigger.throttle"),
        ({"type": "alb", "throttle": {"rate_per_s": 1, "burst": 1}}, "trigger.throttle"),
        ({"type": "api_gateway_http", "throttle": {"rate_per_s": 0, "burst": 1}}, "throttle.rate_per_s"),
        ({"type": "s3", "retry_mode": "legacy"}, "trigger.retry_mode"),
        ({"type": "sdk", "retry_mode": "legacy", "client_processes": 3}, "trigger.client_processes"),
        ({"type": "sdk", "retry_mode": "adaptive"}, "needs client_processes"),
        ({"type": "sdk", "retry_mode": "quick"}, "trigger.retry_mode"),
    ],
)
def test_what_a_trigger_does_not_have_is_refused_in_one_line(trigger: dict[str, Any], told: str) -> None:
    with pytest.raises(ScenarioError) as wrong:
        run(trigger, rate=1, timeout="20s")
    assert told in str(wrong.value)
    assert len(str(wrong.value).splitlines()) == 1
