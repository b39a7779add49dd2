"""Queues, streams, calls and retries together: timelines worked by hand from AWS's rules before any was run."""

from typing import Any

import pytest
from worked import ends, function, refused, run, starts


def polled(name: str = "f", io: float = 1000, kind: str = "queue", **settings: Any) -> dict[str, Any]:
    """Describe a function behind a queue, or a stream whose settings name its shards."""
    own = {key: settings.pop(key) for key in ("calls", "timeout", "reserved_concurrency") if key in settings}
    trigger = {"type": "sqs" if kind == "queue" else "kinesis", kind: settings}
    return function(name, io, trigger=trigger, **own)


def asks(callee: str, **settings: Any) -> list[dict[str, Any]]:
    return [{"function": callee, **settings}]


def sends(callee: str, **settings: Any) -> list[dict[str, Any]]:
    return asks(callee, how="trigger", **settings)


def test_a_message_is_deleted_when_the_call_that_its_run_waits_for_is_answered() -> None:
    """1 s of its own, then 2 s of g: deleted at 3 s, and 3 s are billed beside g's 2."""
    found = run([polled(calls=asks("g")), function("g", 2000)], {"f": [0]})
    assert (starts(found), starts(found, "g")) == ([0], [1])
    assert ends(found) == [(0, "processed", 3)]
    assert sorted(found.records["duration_ms"]) == [2000, 3000]


def test_a_batch_asks_for_each_of_its_messages_in_turn() -> None:
    """Three messages fill the batch at once: 3 s of work, then three calls of 2 s one after the other, to 9 s."""
    found = run(
        [polled(batch_size=3, batch_window="5s", calls=asks("g")), function("g", 2000)], {"f": [0] * 3}
    )
    assert (starts(found), starts(found, "g")) == ([0], [3, 5, 7])
    assert [at for _, _, at in ends(found)] == [9, 9, 9]


@pytest.mark.parametrize(
    ("waits", "runs", "tries", "done"),
    [
        # The other run ends at 15 s, where the fourth retry falls: it begins, and ends at 30 s, before visibility does.
        (14_000, [0, 15], [0, 1, 3, 7], [15, 30]),
        # It ends at 16 s, and the next try would be at 31 s, after the visibility: let go, and received again at 30 s.
        (15_000, [0, 30], [0, 1, 3, 7, 15], [16, 46]),
    ],
)
def test_a_throttled_batch_beside_a_run_that_waits(
    waits: float, runs: list[float], tries: list[float], done: list[float]
) -> None:
    """Two messages and one run at a time, of 1 s and a call: tries follow after 1, 2, 4, 8, 16 s within 30 s."""
    caller = polled(batch_size=1, reserved_concurrency=1, calls=asks("g"))
    found = run([caller, function("g", waits)], {"f": [0, 0]})
    assert (starts(found), refused(found)) == (runs, tries)
    assert [at for _, _, at in ends(found)] == done


def test_a_dead_letter_goes_through_a_queue_of_its_own() -> None:
    """Received at 0 and 30 s, moved at 60 s; whoever reads the dead letters runs then, for a second."""
    fails = polled(max_receives=2, poison_share=1, calls=sends("r", when="failed"))
    found = run([fails, polled("r")], {"f": [0]})
    assert (starts(found), starts(found, "r")) == ([0, 30], [60])
    assert sorted((outcome, at) for _, outcome, at in ends(found)) == [
        ("dead_lettered", 60),
        ("processed", 61),
    ]


def test_a_failed_event_s_destination_is_a_queue_with_a_poison_message() -> None:
    """The event fails at 1 s and is not retried; its message fails at 2 s, and is moved when its 30 s end, at 31 s."""
    fails = function(
        "e", fails=True, trigger={"type": "async", "retry_attempts": 0}, calls=sends("r", when="failed")
    )
    found = run([fails, polled("r", max_receives=1, poison_share=1)], {"e": [0]})
    assert (starts(found, "r"), [one[1:] for one in ends(found)]) == ([1], [("dead_lettered", 31)])


def test_a_topic_fans_out_to_a_function_and_a_queue() -> None:
    """Published at 1 s: the function runs then, and three messages are taken by three pollers in the same instant."""
    publisher = function("p", trigger={"type": "async"}, calls=sends("a") + sends("b", count=3))
    found = run([publisher, function("a", trigger={"type": "sns"}), polled("b")], {"p": [0]})
    assert (starts(found, "a"), starts(found, "b")) == ([1], [1, 1, 1])


def test_a_message_that_is_sent_with_a_delay() -> None:
    """Sent at 1 s with DelaySeconds 5: seen at 6 s, done at 7 s."""
    publisher = function("p", trigger={"type": "async"}, calls=sends("b", delay="5s"))
    found = run([publisher, polled("b")], {"p": [0]})
    assert (starts(found, "b"), [at for _, _, at in ends(found)]) == ([6], [7])


def test_a_message_group_waits_for_the_call_of_the_message_before() -> None:
    """Messages at 0 and 0.5 s, each 1 s and a call of 2 s: 0 to 3 s, then 3 to 6 s."""
    found = run([polled(message_groups=1, calls=asks("g")), function("g", 2000)], {"f": [0, 0.5]})
    assert (starts(found), starts(found, "g")) == ([0, 3], [1, 4])
    assert [at for _, _, at in ends(found)] == [3, 6]


def test_a_shard_waits_for_the_calls_of_its_batch() -> None:
    """Read at 1 s: two records, 2 s of work, calls at 3 and 4 s, done at 5 s. The one of 2.5 s is read then."""
    found = run(
        [polled(kind="stream", batch_size=10, calls=asks("g")), function("g", 1000)], {"f": [0.2, 0.4, 2.5]}
    )
    assert (starts(found), starts(found, "g")) == ([1, 5], [3, 4, 6])
    assert [at for _, _, at in ends(found)] == [5, 5, 7]


def test_four_poison_records_are_cut_to_single_ones_of_which_word_is_sent() -> None:
    """Read together at 1 s, 4 s: then 2 (5 to 7 s), 1 and 1 (to 8 and 9 s), 2 (to 11 s), 1 and 1 (to 12 and 13 s)."""
    fails = polled(
        kind="stream", batch_size=10, bisect=True, max_retries=0, poison_share=1,
        calls=sends("told", when="failed"),
    )  # fmt: skip
    told = function("told", 100, trigger={"type": "sns"})
    found = run([fails, told], {"f": [0.1, 0.2, 0.3, 0.4]})
    assert starts(found) == [1, 5, 7, 8, 9, 11, 12]
    assert [one[1:] for one in ends(found)] == [("given_up", at) for at in (8, 9, 12, 13)]
    assert starts(found, "told") == [8, 9, 12, 13]


def test_a_message_whose_run_asks_for_nine_minutes_starts_three_of_them() -> None:
    """The SDK reads for 60 s, three times, with pauses of at most 0.05 and 0.1 s: g runs 3 x 540 s, and the message has
    failed at 181 s. It is moved when its visibility of 900 s ends."""
    caller = polled(timeout="900s", visibility_timeout="900s", max_receives=1, calls=asks("g"))
    found = run([caller, function("g", 540_000, timeout="600s")], {"f": [0]})
    assert starts(found, "g") == pytest.approx([1, 61, 121], abs=0.16)
    assert ends(found) == [(0, "dead_lettered", 900)]
    billed = found.records.groupby("function")["duration_ms"].sum()
    assert billed["g"] == 3 * 540_000
    assert 181_000 <= billed["f"] <= 181_150


def test_a_function_that_fills_its_own_queue_is_stopped_after_sixteen_passes() -> None:
    """Each run takes a second and sends one message: runs at 0 to 15 s; the seventeenth pass, at 16 s, is stopped."""
    found = run([polled(calls=sends("f"))], {"f": [0]})
    assert starts(found) == list(range(16))
    assert sorted(at for _, _, at in ends(found)) == list(range(1, 17))
    assert found.calls()["stopped"].tolist() == [1]


def test_retention_ends_a_message_before_its_second_return() -> None:
    """Received at 0 and 40 s; the third time would be at 80 s, but it is kept for 60 s."""
    found = run(
        [polled(visibility_timeout="40s", retention="60s", max_receives=3, poison_share=1)], {"f": [0]}
    )
    assert (starts(found), ends(found)) == ([0, 40], [(0, "expired", 60)])


def test_a_batch_waits_for_the_account_s_pool_inside_its_visibility() -> None:
    """One execution in all, taken from 0 to 5 s. The message of 1 s is tried at 1, 2, 4 and 8 s."""
    api = function("a", 5000, trigger={"type": "sdk", "client_retries": 0})
    found = run([api, polled()], {"a": [0], "f": [1]}, account={"concurrency": 1})
    assert (starts(found), refused(found)) == ([8], [1, 2, 4])


def test_events_that_batches_send_wait_in_lambda_s_own_queue() -> None:
    """Two runs send an event each at 1 s to a function of one execution, 10 s long: tried at 1, 2, 4, 8 and 16 s."""
    found = run(
        [
            polled(batch_size=1, calls=asks("h", how="asynchronous")),
            function("h", 10_000, trigger={"type": "async"}, reserved_concurrency=1),
        ],
        {"f": [0, 0]},
    )
    assert (starts(found, "h"), refused(found)) == ([1, 16], [1, 2, 4, 8])


def test_a_timeout_cuts_a_batch_that_waits_and_what_it_called_runs_on() -> None:
    """Cut at 5 s, again from 30 to 35 s, moved at 60 s; both calls run their ten seconds, from 1 and 31 s."""
    caller = polled(timeout="5s", max_receives=2, calls=asks("g"))
    found = run([caller, function("g", 10_000)], {"f": [0]})
    assert (starts(found), starts(found, "g")) == ([0, 30], [1, 31])
    assert ends(found) == [(0, "dead_lettered", 60)]
    assert found.records.groupby("function")["duration_ms"].sum().to_dict() == {"f": 10_000, "g": 20_000}


def test_a_gateway_gives_up_a_chain_that_goes_on() -> None:
    """1 s and a call of 40 s: the client has its 504 at 29 s, and 41 s are billed beside g's 40."""
    caller = function(timeout="60s", trigger={"type": "api_gateway_rest"}, calls=asks("g"))
    found = run([caller, function("g", 40_000, timeout="60s")], {"f": [0]})
    assert found.latency_ms("f").quantile(0.5) == 29_000
    assert found.records.groupby("function")["duration_ms"].sum().to_dict() == {"f": 41_000, "g": 40_000}


ARN = "arn:aws:lambda:us-east-1:123456789012:function:"


def mapped(task: dict[str, Any], **state: Any) -> list[dict[str, Any]]:
    inner = {"StartAt": "T", "States": {"T": {"Type": "Task", "Resource": ARN + "f", "End": True, **task}}}
    states = {"M": {"Type": "Map", "MaxConcurrency": 2, "ItemProcessor": inner, **({"End": True} | state)}}
    states["B"] = {"Type": "Task", "Resource": ARN + "b", "End": True}
    if "Catch" not in state:
        del states["B"]
    return [{"name": "m", "items": {"M": 5}, "definition": {"StartAt": "M", "States": states}}]


def test_a_map_of_five_works_on_two_at_once() -> None:
    """Items of 1 s: two at 0, two at 1 and one at 2 s; 3 s in all."""
    found = run([function(), function("b")], {"m": [0]}, engines=("reference",), state_machines=mapped({}))
    assert (starts(found), found.machines()["p50_ms"].tolist()) == ([0, 0, 1, 1, 2], [3000])


def test_a_map_whose_items_fail_after_their_retry_is_caught() -> None:
    """Both first items fail at 1 s, wait 2 s, and fail again at 4 s: the map has failed, and the catcher runs to 5 s."""
    retry = {"Retry": [{"ErrorEquals": ["States.ALL"], "IntervalSeconds": 2, "MaxAttempts": 1}]}
    caught = {"Catch": [{"ErrorEquals": ["States.ALL"], "Next": "B"}]}
    found = run(
        [function(fails=True), function("b")],
        {"m": [0]},
        engines=("reference",),
        state_machines=mapped(retry, **caught),
    )
    assert (starts(found), starts(found, "b")) == ([0, 0, 3, 3], [4])
    assert found.machines()[["succeeded", "p50_ms"]].to_numpy().tolist() == [[1, 5000]]
