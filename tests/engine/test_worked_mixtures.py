"""Rules that meet, two in each case: timelines worked by hand from AWS's rules before any was run."""

from typing import Any

from worked import ends, function, refused, run, starts

ARN = "arn:aws:lambda:us-east-1:123456789012:function:"


def test_each_poison_message_of_a_group_holds_back_the_next_and_no_other_group() -> None:
    """Two receives of 30 s: runs at 0 and 30 s, moved at 60 s, when the group's next message has its turn."""
    queue = {"message_groups": 1, "batch_size": 1, "poison_share": 1, "max_receives": 2}
    poisoned = function("f", trigger={"type": "sqs", "queue": queue})
    found = run([poisoned], {"f": [0, 1]})
    assert starts(found) == [0, 30, 60, 90]
    assert ends(found) == [(0, "dead_lettered", 60), (1, "dead_lettered", 120)]


def test_a_request_and_a_message_share_one_reserved_execution() -> None:
    """The request holds it from 0 to 5 s; the message of 1 s is tried at 1, 2, 4 and 8 s, and the request of 8.5 s is
    refused."""
    api = function("api", 5000, trigger={"type": "sdk", "client_retries": 0}, reserved_concurrency=1)
    queue = function("f", 1000, trigger={"type": "sqs", "queue": {"batch_size": 1}}, shares="api")
    for key in ("memory_mb", "init_ms", "placement_ms", "keep_alive"):
        del queue[key]
    found = run([api, queue], {"api": [0, 8.5], "f": [1]})
    assert (starts(found, "api"), starts(found, "f")) == ([0], [8])
    assert refused(found) == [1, 2, 4, 8.5]


def test_five_events_meet_a_scaling_rate_of_two_in_ten_seconds() -> None:
    """Runs of 20 s. Two start at 0 s; the others are tried at 1, 3 and 7 s, when 1.4 may: one, with 0.4 left; at 15 s
    there are 2.0 for the last two."""
    found = run(
        [function(io=20_000, timeout="60s", trigger={"type": "async"})],
        {"f": [0] * 5},
        account={"scaling_burst": 2, "scaling_interval": "10s"},
    )
    assert starts(found) == [0, 0, 7, 15, 15]


def test_a_second_request_spills_over_and_pays_for_its_cold_start() -> None:
    """One provisioned: it takes the first request at 60 s, the second waits 2 s of INIT, and the third, at 61 s, finds
    the provisioned one free again."""
    found = run(
        [function(init_ms=2000, provisioned_concurrency=[{"at": "0s", "count": 1}], trigger={"type": "sdk"})],
        {"f": [60, 60, 61]},
    )
    rows = found.records.sort_values(["arrival_s", "start_s"])
    assert rows["start_type"].tolist() == ["provisioned", "cold", "provisioned"]
    assert sorted(found.latency_ms("f").values.tolist()) == [1000, 3000]


def test_a_throttled_event_is_given_up_at_its_greatest_age() -> None:
    """None is let in: tries at 0, 1, 3, 7, 15, 31 s; the next, at 63 s, is past the minute."""
    found = run(
        [function(trigger={"type": "async", "max_event_age": "60s"}, reserved_concurrency=0)], {"f": [0]}
    )
    assert (starts(found), refused(found)) == ([], [0, 1, 3, 7, 15, 31])
    assert found.summary()["lost"].tolist() == [1]


def test_a_window_of_a_table_s_stream_begins_with_the_look_that_saw_the_first_record() -> None:
    """Four looks a second: 0.1 s is seen at 0.25 s, and its window of 2 s ends at 2.25 s with what came meanwhile."""
    stream = {"batch_window": "2s", "batch_size": 10}
    found = run([function(trigger={"type": "dynamodb", "stream": stream})], {"f": [0.1, 1.0, 2.3]})
    # The one of 2.3 s is seen when the run of two has ended, at 4.25 s, which opens a window of its own.
    assert starts(found) == [2.25, 6.25]
    assert [at for _, _, at in ends(found)] == [4.25, 4.25, 7.25]


def machine(states: dict[str, Any], first: str, **more: Any) -> list[dict[str, Any]]:
    return [{"name": "m", "definition": {"StartAt": first, "States": states}, **more}]


def task(name: str = "f", **state: Any) -> dict[str, Any]:
    return {"Type": "Task", "Resource": ARN + name, **({"End": True} | state)}


def test_each_retrier_counts_for_itself_and_one_that_is_used_up_is_not_followed_by_another() -> None:
    """Cut at 2 s, tried again 3 s later and cut at 7 s. The retrier that fits has no tries left: none follows."""
    rules = [
        {"ErrorEquals": ["States.Timeout"], "IntervalSeconds": 3, "MaxAttempts": 1},
        {"ErrorEquals": ["States.ALL"], "IntervalSeconds": 1, "MaxAttempts": 5},
    ]
    states = {"T": task(TimeoutSeconds=2, Retry=rules)}
    found = run(
        [function(io=10_000)], {"m": [0]}, engines=("reference",), state_machines=machine(states, "T")
    )
    assert starts(found) == [0, 5]
    assert found.machines()[["failed", "p50_ms"]].to_numpy().tolist() == [[1, 7000]]


def test_a_map_inside_a_branch_is_waited_for_by_the_other() -> None:
    """Three items one at a time, 3 s, beside a task of 2 s: 3 s. Parallel, map, three items and the task; start, end."""
    inner = {"StartAt": "I", "States": {"I": task()}}
    lines = [
        {
            "StartAt": "M",
            "States": {"M": {"Type": "Map", "MaxConcurrency": 1, "ItemProcessor": inner, "End": True}},
        },
        {"StartAt": "G", "States": {"G": task("g")}},
    ]
    found = run(
        [function(), function("g", 2000)],
        {"m": [0]},
        engines=("reference",),
        state_machines=machine(
            {"P": {"Type": "Parallel", "Branches": lines, "End": True}}, "P", items={"M": 3}
        ),
    )
    assert (starts(found), starts(found, "g")) == ([0, 1, 2], [0])
    assert found.machines()[["p50_ms", "transitions"]].to_numpy().tolist() == [[3000, 8]]


def test_an_item_that_is_caught_inside_a_map_does_not_end_it() -> None:
    """Each item fails at 1 s and is caught by a state that waits 4 s: the map of two ends at 5 s, and succeeds."""
    catches = [{"ErrorEquals": ["States.ALL"], "Next": "W"}]
    inner = {
        "StartAt": "I",
        "States": {"I": task(Catch=catches), "W": {"Type": "Wait", "Seconds": 4, "End": True}},
    }
    found = run(
        [function(fails=True)],
        {"m": [0]},
        engines=("reference",),
        state_machines=machine(
            {"M": {"Type": "Map", "ItemProcessor": inner, "End": True}}, "M", items={"M": 2}
        ),
    )
    assert starts(found) == [0, 0]
    assert found.machines()[["succeeded", "p50_ms"]].to_numpy().tolist() == [[1, 5000]]


def test_one_consumer_reads_two_partitions_in_turn() -> None:
    """A topic begins with one consumer: the other partition waits for its run of 5 s, and nothing is throttled."""
    stream = {"partitions": 2, "batch_size": 1, "batch_window": "0s"}
    found = run(
        [function(io=5000, trigger={"type": "kafka", "stream": stream}, reserved_concurrency=1)],
        {"f": [0, 0]},
    )
    assert refused(found) == []
    assert starts(found) == [0, 5]
