"""Functions that call functions: timelines worked by hand, and laws that hold for any chain."""

import itertools
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import lambdasim as ls
from lambdasim.errors import InputError, ScenarioError
from lambdasim.results.files.saved import load_run, save
from lambdasim.results.foreseen import foreseen_failures

BASE = {"start": "2026-11-01T00:00:00Z", "duration": "10s", "name": "t", "platform": {"max_lifetime": None}}
ONE = {"constant": {"rate_per_s": 1}, "stop": "1s"}  # a single event, at 0 s


def fn(name: str, ms: float, *calls: dict[str, Any], **more: Any) -> dict[str, Any]:
    """A function that waits so long, starts at once, and calls others."""
    return {"name": name, "work": {"io_ms": ms}, "init_ms": 0, "timeout": "60s", "calls": list(calls)} | more


def run(*functions: dict[str, Any], **more: Any) -> ls.RunResult:
    text = json.dumps(BASE | {"functions": list(functions)} | more)
    return ls.simulate(ls.load_scenario_text(text))


def times(result: ls.RunResult, *columns: str) -> list[tuple[Any, ...]]:
    names = columns or ("function", "start_s", "duration_ms")
    return [tuple(row) for row in result.records[list(names)].astype(object).to_numpy().tolist()]


def test_a_caller_waits_for_the_function_it_calls_and_pays_for_it() -> None:
    result = run(
        fn("api", 100, {"function": "stock"}, traffic=ONE),
        fn("stock", 200, {"function": "store"}),
        fn("store", 300),
    )
    assert times(result) == [("api", 0.0, 600.0), ("stock", 0.1, 500.0), ("store", 0.3, 300.0)]
    # 100 + 200 + 300 ms of own work are billed as 600 + 500 + 300 ms.
    assert [usage.billed_ms_with_init for usage in result.usage()] == [600, 500, 300]
    calls = result.calls().set_index("caller")
    assert calls.loc["api", "waited_s"] == pytest.approx(0.5)
    assert calls.loc["api", "waited_share"] == pytest.approx(5 / 6)
    assert result.chains()[["chains", "events", "p50_ms", "failed"]].to_numpy().tolist() == [[1, 3, 600, 0]]
    assert result.aggregate.account.peak == 3


def test_an_asynchronous_call_costs_the_caller_nothing_and_the_chain_its_time() -> None:
    result = run(
        fn("api", 100, {"function": "mail", "how": "asynchronous", "delay": "2s"}, traffic=ONE),
        fn("mail", 300),
    )
    assert times(result) == [("api", 0.0, 100.0), ("mail", 2.1, 300.0)]
    assert result.chains()["max_ms"].tolist() == [2400]


def test_fan_out_one_after_the_other_and_at_once() -> None:
    in_turn = run(fn("api", 100, {"function": "w", "count": 3}, traffic=ONE), fn("w", 200))
    assert times(in_turn) == [("api", 0.0, 700.0), ("w", 0.1, 200.0), ("w", 0.3, 200.0), ("w", 0.5, 200.0)]
    at_once = run(fn("api", 100, {"function": "w", "count": 3, "at_once": True}, traffic=ONE), fn("w", 200))
    assert times(at_once) == [("api", 0.0, 300.0), *[("w", 0.1, 200.0)] * 3]
    assert (in_turn.aggregate.account.peak, at_once.aggregate.account.peak) == (2, 4)


def test_fan_in_waits_for_the_slowest_and_goes_on_to_the_next_call() -> None:
    result = run(
        fn("api", 0, {"function": "w", "count": 8, "at_once": True}, {"function": "end"}, traffic=ONE),
        fn("w", 0, work={"io_ms": {"lognormal": {"p50": 100, "p95": 900}}}),
        fn("end", 50),
    )
    records = result.records
    slowest = records[records["function"] == "w"]["duration_ms"].max()
    assert len(records[records["function"] == "w"]["duration_ms"].unique()) > 1
    assert records[records["function"] == "api"]["duration_ms"].item() == pytest.approx(slowest + 50)


def test_a_failed_answer_fails_the_caller_unless_it_is_caught() -> None:
    fails = {"io_ms": 200, "error_probability": 1.0}
    failed = run(
        fn("api", 100, {"function": "a"}, {"function": "b"}, traffic=ONE), fn("a", 0, work=fails), fn("b", 50)
    )
    assert times(failed, "function", "duration_ms", "outcome") == [
        ("api", 300.0, "function_error"), ("a", 200.0, "function_error"),
    ]  # fmt: skip
    caught = run(
        fn("api", 100, {"function": "a", "fails_run": False}, {"function": "b"}, traffic=ONE),
        fn("a", 0, work=fails),
        fn("b", 50),
    )
    assert times(caught, "function", "duration_ms", "outcome") == [
        ("api", 350.0, "completed"), ("a", 200.0, "function_error"), ("b", 50.0, "completed"),
    ]  # fmt: skip


def test_a_run_that_fails_has_made_its_calls_and_makes_them_again_when_it_is_tried_again() -> None:
    result = run(
        fn("job", 100, {"function": "w", "how": "asynchronous"}, traffic=ONE,
           work={"io_ms": 100, "error_probability": 1.0}, trigger={"type": "s3"}),
        fn("w", 10),
    )  # fmt: skip
    # At 0 s; one minute after the end of the first run; two minutes after the end of the second.
    starts = [0.0, 60.1, 180.2]
    assert [row for row in times(result) if row[0] == "job"] == [("job", start, 100.0) for start in starts]
    assert [row[1] for row in times(result) if row[0] == "w"] == pytest.approx(
        [start + 0.1 for start in starts]
    )
    assert result.chains()[["events", "failed"]].to_numpy().tolist() == [[4, 1]]


def test_the_callers_timeout_ends_it_while_the_called_function_goes_on() -> None:
    result = run(
        fn("api", 500, {"function": "hangs"}, {"function": "never"}, traffic=ONE, timeout="3s"),
        fn("hangs", 30_000),
        fn("never", 1),
    )
    assert times(result, "function", "start_s", "duration_ms", "outcome") == [
        ("api", 0.0, 3000.0, "timeout"), ("hangs", 0.5, 30_000.0, "completed"),
    ]  # fmt: skip
    assert result.chains()["max_ms"].tolist() == [30_500]


def test_an_answer_at_the_very_moment_of_the_timeout_counts() -> None:
    just = run(fn("api", 500, {"function": "w"}, traffic=ONE, timeout="3s"), fn("w", 2500))
    late = run(fn("api", 500, {"function": "w"}, traffic=ONE, timeout="3s"), fn("w", 2500.001))
    assert [row[0] for row in times(just, "outcome")] == ["completed", "completed"]
    assert [row[0] for row in times(late, "outcome")] == ["timeout", "completed"]


def test_a_called_function_that_runs_nine_minutes_runs_three_times_for_one_call() -> None:
    result = run(
        fn("api", 0, {"function": "nine"}, traffic=ONE, timeout="15min"),
        fn("nine", 540_000, timeout="15min"),
    )
    api, *nine = times(result)
    assert len(nine) == 3
    assert all(row[2] == 540_000 for row in nine)
    starts = [row[1] for row in nine]
    # Read timeouts of 60 s, and back-offs of up to 50 ms and 100 ms between.
    assert starts[0] == 0
    assert 60 <= starts[1] <= 60.05
    assert 60 <= starts[2] - starts[1] <= 60.1
    assert api[2] == pytest.approx((starts[2] + 60) * 1000)
    assert result.calls()[["made", "failed"]].to_numpy().tolist() == [[1, 1]]
    outcomes = result.records["event_outcome"].tolist()
    assert outcomes == ["failed", "pending", "pending", "client_timeout"]


def test_a_caller_that_is_gone_makes_no_further_tries() -> None:
    result = run(
        fn("api", 0, {"function": "busy", "client_retries": 100}, traffic=ONE, timeout="2s"),
        fn("busy", 100, reserved_concurrency=0),
    )
    calls = result.calls().iloc[0]
    assert (calls["made"], calls["failed"], calls["abandoned"]) == (1, 1, 1)
    records = result.records
    tries = records[records["function"] == "busy"]
    assert tries["event_outcome"].tolist()[:-1] == ["pending"] * (len(tries) - 1)
    assert tries["event_outcome"].iloc[-1] == "throttled"
    assert tries["start_s"].max() <= 2


def test_a_gateway_gives_up_on_a_caller_that_waits() -> None:
    result = run(
        fn("api", 0, {"function": "slow"}, traffic=ONE, trigger={"type": "api_gateway_http"}),
        fn("slow", 40_000),
    )
    assert times(result, "function", "duration_ms", "event_outcome") == [
        ("api", 40_000.0, "client_timeout"), ("slow", 40_000.0, "succeeded"),
    ]  # fmt: skip
    assert result.latency_ms("api").values.tolist() == [30_000]


def test_destinations_are_called_once_an_event_has_ended() -> None:
    calls = (
        {"function": "good", "how": "asynchronous", "when": "succeeded"},
        {"function": "bad", "how": "asynchronous", "when": "failed"},
    )
    trigger = {"type": "sns", "retry_attempts": 1}
    well = run(fn("job", 100, *calls, traffic=ONE, trigger=trigger), fn("good", 10), fn("bad", 10))
    assert times(well) == [("job", 0.0, 100.0), ("good", 0.1, 10.0)]
    work = {"io_ms": 100, "error_probability": 1.0}
    ill = run(fn("job", 100, *calls, traffic=ONE, trigger=trigger, work=work), fn("good", 10), fn("bad", 10))
    assert times(ill) == [("job", 0.0, 100.0), ("job", 60.1, 100.0), ("bad", 60.2, 10.0)]


def test_a_queue_between_two_functions() -> None:
    result = run(
        fn("api", 100, {"function": "worker", "how": "trigger", "count": 3}, traffic=ONE),
        fn("worker", 1000, trigger={"type": "sqs", "queue": {"batch_size": 1, "visibility_timeout": "60s"}}),
    )
    assert times(result) == [("api", 0.0, 100.0), *[("worker", 0.1, 1000.0)] * 3]
    assert result.sources()["processed"].tolist() == [3]
    assert result.chains()[["events", "max_ms"]].to_numpy().tolist() == [[4, 1100]]


def test_a_batch_makes_the_calls_of_each_of_its_messages_and_waits_for_all() -> None:
    result = run(
        fn("worker", 100, {"function": "w"}, traffic={"constant": {"rate_per_s": 4}, "stop": "1s"},
           trigger={"type": "sqs", "queue": {"batch_size": 4, "batch_window": "1s", "visibility_timeout": "200s"}}),
        fn("w", 50),
    )  # fmt: skip
    # Messages at 0, 0.25, 0.5 and 0.75 s fill the batch; 4 × 100 ms of work, then 4 × 50 ms of waiting.
    worker, *called = times(result)
    assert worker == ("worker", 0.75, 600.0)
    assert called == [("w", pytest.approx(1.15 + 0.05 * place), 50.0) for place in range(4)]
    assert result.sources()["processed"].tolist() == [4]


def test_messages_come_back_while_their_run_waits_beyond_their_visibility() -> None:
    queue = {"batch_size": 1, "visibility_timeout": "10s"}
    result = run(
        fn("worker", 1000, {"function": "w"}, traffic=ONE, timeout="10s", init_ms=5000,
           trigger={"type": "sqs", "queue": queue | {"max_receives": 3}}),
        fn("w", 30_000),
    )  # fmt: skip
    # Received at 0 s, the first run ends at 15 s; the message is seen again at 10 s, and runs beside it.
    starts = [row[1] for row in times(result) if row[0] == "worker"]
    assert starts == [0.0, 10.0, 20.0]
    assert all(row[2] == 10_000 for row in times(result) if row[0] == "worker")


@pytest.mark.parametrize(
    ("how", "kind"), [("trigger", "s3"), ("trigger", "sns"), ("asynchronous", "s3"), ("trigger", "sqs")]
)
def test_loop_detection_ends_a_loop_after_sixteen_passes(how: str, kind: str) -> None:
    more = {"queue": {"visibility_timeout": "60s", "batch_size": 1}} if kind == "sqs" else {}
    result = run(fn("f", 100, {"function": "f", "how": how}, traffic=ONE, trigger={"type": kind, **more}))
    assert len(result.records[result.records["start_type"] != "none"]) == 16
    calls = result.calls().iloc[0]
    assert (calls["made"], calls["stopped"], calls["cut"]) == (16, 1, 0)
    assert "loop detection stopped 1 chain" in result.text()


def test_loop_detection_counts_passes_through_each_function_of_a_circle() -> None:
    result = run(
        fn("a", 100, {"function": "b", "how": "asynchronous"}, traffic=ONE),
        fn("b", 100, {"function": "a", "how": "asynchronous"}),
    )
    ran = result.records[result.records["start_type"] != "none"]["function"].value_counts()
    assert ran.to_dict() == {"a": 16, "b": 16}


@pytest.mark.parametrize(
    ("how", "more"),
    [("trigger", {"trigger": {"type": "eventbridge"}}), ("asynchronous", {"recursive_loop": "allow"})],
)
def test_a_loop_that_nothing_stops_goes_on_to_the_scenarios_end_and_that_is_said(how: str, more: Any) -> None:
    result = run(fn("f", 100, {"function": "f", "how": how}, traffic=ONE, **more))
    # A pass each 100 ms for 10 s; the call at 10 s is not made.
    assert len(result.records) == 100
    assert result.calls()["cut"].tolist() == [1]
    assert "LOOP WITHOUT END" in result.text()
    assert "loop detection does not stop" in " ".join(foreseen_failures(result.scenario))


def test_a_loop_that_doubles_is_refused_before_it_fills_the_memory() -> None:
    with pytest.raises(InputError, match="more than 1,000 times"):
        run(
            fn("f", 100, {"function": "f", "how": "trigger", "count": 2}, traffic=ONE, trigger={"type": "eventbridge"}),
            platform={"most_calls": 1000},
        )  # fmt: skip


def test_a_function_that_calls_itself_and_waits_runs_out_of_concurrency() -> None:
    account = {"concurrency": 120}
    result = run(
        fn("f", 100, {"function": "f", "client_retries": 0}, traffic=ONE, recursive_loop="allow"),
        account=account,
        duration="1min",
    )
    # Each run waits for the next: 120 at once, then one is refused, and all fail one after the other.
    records = result.records
    assert result.aggregate.account.peak == 120
    assert (records["limit"] == "account_concurrency").sum() == 1
    assert set(records[records["start_type"] != "none"]["outcome"]) == {"function_error"}


def _tree(seed: int) -> list[dict[str, Any]]:
    """Some functions that call some others, every way there is, by chance; calls go forward only."""
    luck = np.random.default_rng(seed)
    kinds: list[dict[str, Any]] = [
        {"type": "sdk"}, {"type": "s3"}, {"type": "sns", "retry_attempts": 1}, {"type": "eventbridge"},
        {"type": "sqs", "queue": {"visibility_timeout": "70s", "batch_size": 3, "max_receives": 2}},
        {"type": "kinesis", "stream": {"shards": 2, "max_retries": 1}},
    ]  # fmt: skip
    chosen = [kinds[luck.integers(len(kinds))] for _ in range(6)]
    functions = []
    for place in range(6):
        calls: list[dict[str, Any]] = []
        for other in range(place + 1, 6):
            polled = chosen[other]["type"] in ("sqs", "kinesis")
            ways = ["trigger"] if polled else ["synchronous", "asynchronous"]
            if chosen[other]["type"] in ("s3", "sns", "eventbridge"):
                ways.append("trigger")
            how = ways[luck.integers(len(ways))]
            call = {
                "function": f"f{other}", "how": how, "probability": float(luck.choice([0.3, 1.0])),
                "count": int(luck.integers(1, 3)),
            }  # fmt: skip
            if how == "synchronous":
                call |= {
                    "at_once": bool(luck.integers(2)),
                    "fails_run": bool(luck.integers(2)),
                    "read_timeout": "2s",
                }
            elif chosen[place]["type"] in ("s3", "sns", "eventbridge"):
                call["when"] = str(luck.choice(["each_run", "succeeded", "failed"]))
            if luck.random() < 0.5:
                calls.append(call)
        work = {
            "io_ms": {"lognormal": {"p50": 100, "p95": 1500}}, "error_probability": 0.15, "crash_probability": 0.05,
        }  # fmt: skip
        more: dict[str, Any] = {"reserved_concurrency": 2} if luck.random() < 0.4 else {}
        traffic = {"poisson": {"rate_per_s": 2}} if place < 2 else {"constant": {"rate_per_s": 0}}
        function = fn(
            f"f{place}", 0, *calls, work=work, timeout="4s", trigger=chosen[place], traffic=traffic, **more
        )
        functions.append(function | {"init_ms": 300})
    return functions


@pytest.mark.parametrize("seed", range(12))
def test_nothing_is_lost_in_any_tree_of_calls(seed: int) -> None:
    functions = _tree(seed)
    result = run(*functions, duration="20s", seed=seed)  # conservation is checked in every run
    calls, records = result.calls(), result.records
    assert (calls["made"] == calls["succeeded"] + calls["failed"]).all()
    sourced = set(result.sources()["function"])
    raw = result.chunks or ()
    caller = np.concatenate([chunk["caller"] for chunk in raw])
    first = np.concatenate([chunk["attempt"] for chunk in raw]) == 0
    for number, row in enumerate(calls.to_dict("records"), start=1):
        if row["function"] not in sourced:
            # Each call is one event of the function that is called.
            assert (caller[first] == number).sum() == row["made"]
    # The pool is never above its limits, and each event has one outcome.
    for function in functions:
        mine = records[records["function"] == function["name"]]
        if "reserved_concurrency" in function and len(mine):
            assert mine["concurrency"].max() <= 2
    assert result.chains()["chains"].sum() <= result.summary()["events"].sum()
    # What is waited for is part of what is billed.
    assert (calls["waited_share"] <= 1).all()


def test_the_order_of_functions_in_the_file_changes_nothing() -> None:
    functions = _tree(3)
    forward, backward = run(*functions, duration="20s"), run(*reversed(functions), duration="20s")
    assert times(forward) == times(backward)


def test_calls_have_the_same_luck_at_another_memory_size() -> None:
    def with_memory(mb: int) -> ls.RunResult:
        return run(
            fn("a", 100, {"function": "b", "how": "asynchronous", "probability": 0.5}, memory_mb=mb,
               traffic={"constant": {"rate_per_s": 5}}, work={"cpu_ms": 50}),
            fn("b", 0, work={"io_ms": {"lognormal": {"p50": 100, "p95": 500}}}),
        )  # fmt: skip

    small, large = (result.records for result in (with_memory(256), with_memory(1769)))
    called = [
        records[records["function"] == "b"].set_index("invocation")["duration_ms"].sort_index()
        for records in (small, large)
    ]
    assert called[0].to_dict() == called[1].to_dict()
    assert 10 < len(called[0]) < 40


def test_a_run_with_chains_is_read_again(tmp_path: Path) -> None:
    result = run(*_tree(5), duration="20s")
    save(result, tmp_path)
    again = load_run(tmp_path)
    assert again.calls().to_dict() == result.calls().to_dict()
    assert again.chains().to_dict() == result.chains().to_dict()
    assert again.summary().to_dict() == result.summary().to_dict()


def test_direct_calls_are_none_of_the_gateways_calls() -> None:
    def calls(*more: dict[str, Any]) -> int:
        result = run(
            fn("caller", 10, *more, traffic={"constant": {"rate_per_s": 1}}),
            fn("api", 10, trigger={"type": "api_gateway_rest"}, traffic={"constant": {"rate_per_s": 2}}),
            neighbours={"include": ["trigger"]},
        )
        lines = result.bill().set_index("usage_type")
        assert lines.loc["api_gateway_rest", "quantity"] == 20
        assert result.summary().set_index("function").loc["api", "runs"] == 20 + 10 * len(more)
        return sum(usage.calls for usage in result.usage() if usage.function == "api")

    assert calls() == calls({"function": "api"}) == 20


QUEUE: dict[str, Any] = {"function": "b", "how": "asynchronous"}


@pytest.mark.parametrize(
    ("call", "other", "told"),
    [
        ({"function": "c"}, {"traffic": ONE}, "functions.0.calls.0.function"),
        ({"function": "a"}, {}, "no function calls this one"),
        ({"function": "b", "how": "trigger"}, {}, "must be synchronous or asynchronous"),
        ({"function": "b"}, {"trigger": {"type": "kinesis"}}, "must be trigger"),
        (QUEUE | {"when": "failed"}, {}, "must be each_run"),
        ({"function": "b", "when": "failed"}, {"traffic": ONE}, "must be each_run"),
        (QUEUE | {"at_once": True}, {"traffic": ONE}, "does not belong"),
    ],
)
def test_calls_that_cannot_be_are_refused_in_one_line(
    call: dict[str, Any], other: dict[str, Any], told: str
) -> None:
    with pytest.raises(ScenarioError) as refused:
        run(fn("a", 1, call, traffic=ONE), fn("b", 1, **other))
    assert told in str(refused.value)
    assert len(str(refused.value).splitlines()) == 1


def test_waiting_adds_up_along_a_line_of_functions() -> None:
    for depth, ms in itertools.product((2, 5), (10, 70)):
        line = [
            fn(
                f"f{place}",
                ms,
                *([{"function": f"f{place + 1}"}] if place < depth else []),
                **({"traffic": ONE} if not place else {}),
            )
            for place in range(depth + 1)
        ]
        result = run(*line)
        # Function k is billed for its own work and all that comes after: the sum is that of 1 to depth + 1.
        assert (
            sum(usage.billed_ms_with_init for usage in result.usage()) == ms * (depth + 1) * (depth + 2) // 2
        )


def test_studies_that_know_each_functions_own_traffic_alone_refuse_calls() -> None:
    scenario = run(fn("a", 1, {"function": "b"}, traffic=ONE), fn("b", 1)).scenario
    past = ls.read_counts_csv("data/traffic/elb_request_count.csv", utc=True)
    with pytest.raises(InputError, match="must make no calls"):
        ls.forecast(scenario, "2026-12", past)


GIVEN_UP = {"function": "reader", "how": "trigger", "when": "failed"}
READER = {"trigger": {"type": "sqs"}, "timeout": "20s"}


def polled(kind: str, key: str, **source: Any) -> dict[str, Any]:
    return {"trigger": {"type": kind, key: {"poison_share": 1.0} | source}, "timeout": "20s"}


def test_each_dead_letter_of_a_queue_is_read_by_another_function() -> None:
    # Two messages, at 0 and 1 s, received twice 30 s apart, and moved at the third receive.
    result = run(
        fn("queue", 200, GIVEN_UP, **polled("sqs", "queue", max_receives=2), traffic=ONE | {"stop": "2s"}),
        fn("reader", 500, **READER),
    )
    assert times(result, "function", "start_s") == [
        ("queue", 0), ("queue", 1), ("queue", 30), ("queue", 31), ("reader", 60), ("reader", 61),
    ]  # fmt: skip
    assert result.calls()[["made", "succeeded"]].to_numpy().tolist() == [[2, 2]]
    # Chains last until the dead letter has been read.
    assert result.chains()[["chains", "events", "max_ms"]].to_numpy().tolist() == [[2, 2, 60_500]]


def test_what_a_stream_gives_up_is_told_once_for_each_batch() -> None:
    # Three records, read together at 1 s, fail for 3 s, wait a second, fail again, and are given up at 8 s.
    three = {"constant": {"rate_per_s": 10}, "start": "200ms", "stop": "500ms"}
    result = run(
        fn("stream", 1000, GIVEN_UP, **polled("kinesis", "stream", max_retries=1), traffic=three),
        fn("reader", 500, **READER),
    )
    assert times(result, "function", "start_s") == [("stream", 1), ("stream", 5), ("reader", 8)]
    assert result.sources().set_index("function").loc["stream", "given_up"] == 3
    # Records that are too old are passed on as well: the first at 60.2 s, before the others run again, those at 62.2 s.
    old = run(
        fn("stream", 1000, GIVEN_UP, **polled("kinesis", "stream", max_record_age="60s"), traffic=three),
        fn("reader", 500, **READER),
    )
    sources = old.sources().set_index("function")
    assert (sources.loc["stream", "expired"], sources.loc["reader", "sent"]) == (3, 2)


@pytest.mark.parametrize(
    ("caller", "call", "reader", "told"),
    [
        (polled("sqs", "queue"), GIVEN_UP, READER, "needs max_receives of the queue"),
        (
            polled("sqs", "queue", max_receives=2),
            GIVEN_UP | {"how": "asynchronous"},
            READER,
            "must be trigger",
        ),
        (
            polled("sqs", "queue", max_receives=2),
            GIVEN_UP,
            {"trigger": {"type": "s3"}},
            "must have a trigger of type sqs",
        ),
        (
            polled("kinesis", "stream", max_retries=1),
            GIVEN_UP,
            {"trigger": {"type": "eventbridge"}},
            "must have a trigger of type sqs or sns or s3 or kafka",
        ),
    ],
)
def test_dead_letters_that_nobody_could_read_are_one_error(
    caller: dict[str, Any], call: dict[str, Any], reader: dict[str, Any], told: str
) -> None:
    with pytest.raises(ScenarioError) as wrong:
        run(fn("source", 200, call, **caller, traffic=ONE), fn("reader", 500, **reader))
    assert told in str(wrong.value)
    assert len(str(wrong.value).splitlines()) == 1
