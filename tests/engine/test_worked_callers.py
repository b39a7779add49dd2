"""Asynchronous events, gateways, SDKs, chains and state machines: timelines worked by hand before any was run."""

from itertools import pairwise
from typing import Any

import pytest
from worked import function, refused, run, starts

ARN = "arn:aws:lambda:us-east-1:123456789012:function:"


def event(**settings: Any) -> dict[str, Any]:
    return function(fails=True, trigger={"type": "async", **settings})


@pytest.mark.parametrize(
    ("settings", "runs"),
    [
        # Each run takes 1 s: again a minute after the first end, two minutes after the second.
        ({}, [0, 61, 182]),
        ({"retry_attempts": 1}, [0, 61]),
        ({"retry_attempts": 0}, [0]),
        # The first retry would be at 61 s, the second at 182 s: both too late, or the second alone.
        ({"max_event_age": "60s"}, [0]),
        ({"max_event_age": "2min"}, [0, 61]),
    ],
)
def test_an_asynchronous_event_that_fails(settings: dict[str, Any], runs: list[float]) -> None:
    found = run([event(**settings)], {"f": [0]})
    assert starts(found) == runs
    assert found.summary()["lost"].tolist() == [1]


def test_a_throttled_event_waits_in_lambda_s_queue_for_six_hours() -> None:
    """Waits of 1, 2, 4, ... 256 s, then 300 s: tries at 2^k - 1 s up to 511 s, which are 10; from there each 300 s up to
    21,600 s, (21,600 - 511) / 300 = 70 more. The last is at 511 + 70 x 300 = 21,511 s."""
    found = run([event()], {"f": [0]}, account={"concurrency": 0}, duration="8h")
    assert refused(found)[:11] == [0, 1, 3, 7, 15, 31, 63, 127, 255, 511, 811]
    assert (len(refused(found)), refused(found)[-1]) == (80, 21_511)


def test_a_destination_runs_when_the_last_retry_has_failed() -> None:
    """Runs at 0 and 61 s, given up at 62 s."""
    fails = event(retry_attempts=1) | {
        "calls": [{"function": "told", "how": "asynchronous", "when": "failed"}]
    }
    told = function("told", 100, trigger={"type": "async"})
    found = run([fails, told], {"f": [0]}, engines=("reference",))
    assert (starts(found), starts(found, "told")) == ([0, 61], [62])


def test_a_stage_s_bucket_lets_its_burst_through_and_refills_to_it() -> None:
    """10/s and 5 at once. At 0 s five of 20 pass; at 0.1 s one token is back, for one of 3; at 2 s the bucket is full,
    with 5 and not 19: five of 20. 15 + 2 + 15 = 32 are refused, and none of them reaches Lambda."""
    stage = {"type": "api_gateway_rest", "throttle": {"rate_per_s": 10, "burst": 5}}
    found = run([function(trigger=stage)], {"f": [0] * 20 + [0.1] * 3 + [2] * 20})
    assert starts(found) == [0] * 5 + [0.1] + [2] * 5
    assert found.throttles()["attempts"].tolist() == [32]
    assert found.usage()[0].requests == 11


@pytest.mark.parametrize(("kind", "cut_ms"), [("api_gateway_rest", 29_000), ("api_gateway_http", 30_000)])
def test_a_gateway_cuts_the_answer_and_the_run_goes_on(kind: str, cut_ms: float) -> None:
    """40 s of 1 GB: the client has its 504 or 503 after 29 or 30 s, and 40 GB-s are billed."""
    found = run([function(io=40_000, timeout="1min", trigger={"type": kind})], {"f": [0]})
    assert found.latency_ms().quantile(0.5) == cut_ms
    assert found.usage()[0].billed_ms_with_init == 40_000


@pytest.mark.parametrize(
    ("mode", "runs", "waits"),
    [("standard", 3, (0.05, 0.1)), ("standard_before_2026", 3, (1, 2)), ("legacy", 5, (1, 2, 4, 8))],
)
def test_a_nine_minute_function_under_a_read_timeout_of_a_minute(
    mode: str, runs: int, waits: tuple[float, ...]
) -> None:
    """Called again 60 s after each call, and a random wait below 2^i times 0.05 s or 1 s later; every run is billed."""
    found = run(
        [function(io=540_000, timeout="15min", trigger={"type": "sdk", "retry_mode": mode})], {"f": [0]}
    )
    begun = starts(found)
    assert len(begun) == runs
    for (before, after), most in zip(pairwise(begun), waits, strict=True):
        assert 60 <= after - before <= 60 + most
    assert found.usage()[0].billed_ms_with_init == runs * 540_000


def test_a_retry_quota_of_500_pays_for_a_hundred_repeats_after_throttles() -> None:
    """One process, 200 calls at once, none let in: 500 tokens / 5 = 100 repeats beside the 200 first tries."""
    sdk = {"type": "sdk", "retry_mode": "standard", "client_processes": 1}
    found = run([function(trigger=sdk)], {"f": [0] * 200}, account={"concurrency": 0})
    assert len(refused(found)) == 300


@pytest.mark.parametrize(
    ("kind", "runs"), [("s3", 16), ("sns", 16), ("sqs", 16), ("eventbridge", 600), ("async", 16)]
)
def test_loop_detection_stops_what_it_follows_after_sixteen_passes(kind: str, runs: int) -> None:
    """A function of 1 s that triggers itself: through EventBridge it goes on, once a second for ten minutes."""
    how = "asynchronous" if kind == "async" else "trigger"
    loops = function(trigger={"type": kind}, calls=[{"function": "f", "how": how}])
    assert len(starts(run([loops], {"f": [0]}, engines=("reference",), duration="10min"))) == runs


def test_a_synchronous_self_call_pays_for_every_level_that_waits() -> None:
    """0.1 s each, 16 levels: the outermost waits for all, so 0.1 x (1 + 2 + ... + 16) = 13.6 s are billed."""
    deep = function(io=100, trigger={"type": "function_url"}, calls=[{"function": "f"}])
    found = run([deep], {"f": [0]}, engines=("reference",))
    assert found.usage()[0].billed_ms_with_init == 13_600


def machine(states: dict[str, Any], start: str = "A", **settings: Any) -> dict[str, Any]:
    top = settings.pop("top", {})
    return {"name": "m", "definition": {"StartAt": start, "States": states} | top} | settings


def task(name: str = "f", **settings: Any) -> dict[str, Any]:
    ends = {} if "Next" in settings else {"End": True}
    return {"Type": "Task", "Resource": ARN + name} | ends | settings


def execution(one: dict[str, Any], *functions: dict[str, Any]) -> tuple[list[float], dict[str, Any]]:
    """Run one execution of a machine from 0 s; give the starts and refusals of f, and the machine's row."""
    found = run(functions or [function()], {"m": [0]}, engines=("reference",), state_machines=[one])
    (row,) = found.machines().to_dict(orient="records")
    return starts(found) + refused(found), row


@pytest.mark.parametrize(
    ("rule", "begun", "transitions"),
    [
        # Runs of 1 s that fail, waits of 1, 2, 4 s; start and end, the state, three retries: 6 transitions.
        ({}, [0, 2, 5, 10], 6),
        (
            {"IntervalSeconds": 2, "BackoffRate": 3, "MaxAttempts": 4, "MaxDelaySeconds": 5},
            [0, 3, 9, 15, 21],
            7,
        ),
        ({"IntervalSeconds": 3, "BackoffRate": 1.0, "MaxAttempts": 2}, [0, 4, 8], 5),
        ({"MaxAttempts": 0}, [0], 3),
        # Only throttles, not the function's own error.
        ({"ErrorEquals": ["Lambda.TooManyRequestsException", "Lambda.ServiceException"]}, [0], 3),
    ],
)
def test_a_task_is_tried_again_as_its_retry_says(
    rule: dict[str, Any], begun: list[float], transitions: int
) -> None:
    states = {"A": task(Retry=[{"ErrorEquals": ["States.ALL"]} | rule])}
    runs, row = execution(machine(states), function(fails=True))
    assert (runs, row["transitions"], row["failed"]) == (begun, transitions, 1)


def test_throttles_are_tried_again_without_a_run() -> None:
    """None of four tries is let in: at 0, 0 + 1, 1 + 2 and 3 + 4 s."""
    states = {"A": task(Retry=[{"ErrorEquals": ["Lambda.TooManyRequestsException"]}])}
    tries, row = execution(machine(states), function(reserved_concurrency=0))
    assert (tries, row["p50_ms"]) == ([0, 1, 3, 7], 7000)


def test_full_jitter_waits_between_nothing_and_the_whole_wait() -> None:
    states = {"A": task(Retry=[{"ErrorEquals": ["Error"], "IntervalSeconds": 10, "JitterStrategy": "FULL"}])}
    begun, _ = execution(machine(states), function(fails=True))
    assert len(begun) == 4
    for (before, after), most in zip(pairwise(begun), (10, 20, 40), strict=True):
        assert 1 < after - before < 1 + most


@pytest.mark.parametrize(
    ("states", "top", "ended", "seconds"),
    [
        # A whole execution that may take 30 s, in the middle of a wait.
        ({"A": {"Type": "Wait", "Seconds": 100, "End": True}}, {"TimeoutSeconds": 30}, "timed_out", 30),
        # A task of 8 s that invokes no function, and may take 5 s.
        ({"A": {"Type": "Task", "Resource": "arn:aws:states:::dynamodb:putItem", "TimeoutSeconds": 5, "End": True}},
         {}, "failed", 5),
        # The same, caught, and tried again once before: 5 + 1 + 5 s.
        ({"A": {"Type": "Task", "Resource": "arn:aws:states:::dynamodb:putItem", "TimeoutSeconds": 5, "Next": "B",
                "Retry": [{"ErrorEquals": ["States.Timeout"], "MaxAttempts": 1}],
                "Catch": [{"ErrorEquals": ["States.ALL"], "Next": "B"}]},
          "B": {"Type": "Pass", "End": True}}, {}, "succeeded", 11),
        ({"A": {"Type": "Task", "Resource": "arn:aws:states:::dynamodb:putItem", "TimeoutSeconds": 8, "End": True}},
         {}, "succeeded", 8),
    ],
)  # fmt: skip
def test_time_ends_executions_and_tasks(
    states: dict[str, Any], top: dict[str, Any], ended: str, seconds: float
) -> None:
    tasks = {"A": 8000} if states["A"]["Type"] == "Task" else {}
    _, row = execution(machine(states, top=top, task_ms=tasks))
    assert (row[ended], row["p50_ms"]) == (1, seconds * 1000)


def test_a_timeout_of_a_task_leaves_its_run_behind() -> None:
    """A run of 20 s under 5 s, tried again once after a second: runs at 0 and 6 s, over at 11 s, 40 s billed."""
    states = {"A": task(TimeoutSeconds=5, Retry=[{"ErrorEquals": ["States.Timeout"], "MaxAttempts": 1}])}
    begun, row = execution(machine(states), function(io=20_000))
    assert (begun, row["p50_ms"]) == ([0, 6], 11_000)


@pytest.mark.parametrize(("at_once", "seconds"), [(0, 3), (10, 10), (100, 3), (1, 100)])
def test_a_map_of_a_hundred_items_works_on_forty_at_once_at_most(at_once: int, seconds: float) -> None:
    """1 s each: 40 + 40 + 20, ten times 10, and so on; 100 states, the map, start and end: 103 transitions."""
    inner = {"StartAt": "B", "States": {"B": task()}}
    states = {"A": {"Type": "Map", "MaxConcurrency": at_once, "ItemProcessor": inner, "End": True}}
    _, row = execution(machine(states, items={"A": 100}))
    assert (row["p50_ms"], row["transitions"]) == (seconds * 1000, 103)


def test_a_parallel_state_ends_with_its_first_failure_and_the_other_branch_is_billed() -> None:
    """One branch fails at 0.5 s; caught. The function of the other runs on to 5 s."""
    branches = [{"StartAt": one, "States": {one: task(name)}} for one, name in (("B", "f"), ("C", "g"))]
    states = {
        "A": {"Type": "Parallel", "Branches": branches, "End": True,
              "Catch": [{"ErrorEquals": ["States.ALL"], "Next": "Z"}]},
        "Z": {"Type": "Pass", "End": True},
    }  # fmt: skip
    slow, bad = function(io=5000), function("g", io=500, fails=True)
    found = run([slow, bad], {"m": [0]}, engines=("reference",), state_machines=[machine(states)])
    (row,) = found.machines().to_dict(orient="records")
    assert (row["succeeded"], row["p50_ms"]) == (1, 500)
    assert {usage.function: usage.billed_ms_with_init for usage in found.usage() if usage.requests} == {
        "f": 5000, "g": 500,
    }  # fmt: skip


def test_two_tasks_are_four_transitions_and_a_hundred_thousand_runs_cost_nine_ninety() -> None:
    """AWS's own example: 100,000 x 4 - 4,000 free = 396,000 at 0.025 USD a thousand = 9.90 USD; here 1,000 runs."""
    one = machine(
        {"A": task(Next="B"), "B": task()}, traffic={"constant": {"rate_per_s": 100}, "stop": "10s"}
    )
    found = run([function(io=10)], engines=("reference",), state_machines=[one])
    assert found.machines()["transitions"].tolist() == [4000]
    (line,) = found.bill().query("usage_type == 'step_functions_transitions'").to_dict(orient="records")
    assert float(line["amount"]) == pytest.approx((400_000 * 0.000025) / 100)


def test_an_express_execution_pays_by_tenths_of_a_second_and_64_megabytes() -> None:
    """2,010 ms are 2.1 s, 65 MB are 128: 2,100 x 128 = 268,800 MB-ms. One that waits 400 s is ended after 300 s."""
    express = machine({"A": task()}, type="express", memory_mb=65)
    found = run([function(io=2010)], {"m": [0]}, engines=("reference",), state_machines=[express])
    assert [one.express_mb_ms for one in found.usage() if one.express_requests] == [268_800]
    _, row = execution(machine({"A": {"Type": "Wait", "Seconds": 400, "End": True}}, type="express"))
    assert (row["timed_out"], row["p50_ms"]) == (1, 300_000)
