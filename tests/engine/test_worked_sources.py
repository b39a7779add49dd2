"""Queues, streams and topics: timelines to the second, worked by hand from AWS's rules before any was run."""

from typing import Any

import pytest
from worked import ends, function, refused, run, starts


def queue(io: float = 1000, timeout: str = "20s", **settings: Any) -> list[dict[str, Any]]:
    return [function(io=io, timeout=timeout, trigger={"type": "sqs", "queue": settings})]


def stream(io: float = 1000, kind: str = "kinesis", **settings: Any) -> list[dict[str, Any]]:
    return [function(io=io, trigger={"type": kind, "stream": settings})]


def test_a_poison_message_is_received_three_times_and_moved_at_the_fourth() -> None:
    """Visibility 30 s from each receive, the first at 10 s: runs at 10, 40 and 70 s, moved at 70 + 30 = 100 s."""
    found = run(queue(visibility_timeout="30s", max_receives=3, poison_share=1), {"f": [10]})
    assert starts(found) == [10, 40, 70]
    assert ends(found) == [(0, "dead_lettered", 100)]
    assert found.usage()[0].requests == 3


def test_two_thousand_waiting_messages_meet_five_more_pollers_each_minute() -> None:
    """Runs of 60 s and steps of 300: 5, 305, 605 and 905 are 1,820 by minute 3; the other 180 go at minute 4."""
    found = run(
        queue(60_000, "60s", batch_size=1, visibility_timeout="90s"),
        {"f": [0] * 2000},
        account={"concurrency": 2000},
    )
    counted: dict[float, int] = {}
    for at in starts(found):
        counted[at] = counted.get(at, 0) + 1
    assert counted == {0: 5, 60: 305, 120: 605, 180: 905, 240: 180}


def test_pollers_that_grow_in_a_line_are_five_a_second_more() -> None:
    """5 at 0 s, then one each 0.2 s: 305 by 60 s. From there each second has 5 new ones and 5 that are free again,
    and at 60 s the first five beside: of 610 messages the last begins at 60 + (610 - 305 - 5) / 10 = 90 s."""
    found = run(
        queue(60_000, "60s", batch_size=1, visibility_timeout="90s", pollers={"ramp": "linear"}),
        {"f": [0] * 610},
    )
    assert starts(found)[-1] == 90


def test_retention_ends_a_message_that_never_ran() -> None:
    """Sent at 3 s, kept for 60 s: lost at 63 s. Meanwhile tries at 3 + 0, 1, 3, 7, 15 s; at 33 s it is received again."""
    found = run([queue(retention="60s")[0] | {"reserved_concurrency": 0}], {"f": [3]})
    assert ends(found) == [(0, "expired", 63)]
    assert refused(found) == [3, 4, 6, 10, 18, 33, 34, 36, 40, 48]


@pytest.mark.parametrize(
    ("settings", "times", "runs", "done"),
    [
        # One group: one after the other, and what follows a poison message waits for its two receives, 60 s.
        ({"message_groups": 1, "max_receives": 2, "poison_share": 1}, [0, 0], [0, 30, 60, 90], [60, 120]),
        ({"message_groups": 1}, [0] * 4, [0, 1, 2, 3], [1, 2, 3, 4]),
        # Five pollers may work on six messages, of which two go at once.
        ({"maximum_concurrency": 2}, [0] * 6, [0, 0, 1, 1, 2, 2], [1, 1, 2, 2, 3, 3]),
    ],
)  # fmt: skip
def test_groups_and_a_maximum_bind_before_pollers(
    settings: dict[str, Any], times: list[float], runs: list[float], done: list[float]
) -> None:
    found = run(queue(batch_size=1, **settings), {"f": times})
    assert starts(found) == runs
    assert [at for _, _, at in ends(found)] == done


def test_a_window_makes_visibility_longer_than_the_queue_says() -> None:
    """Window 20 s and timeout 60 s are beyond a visibility of 60 s, so it is 20 + 60 + 30 = 110 s from the receive at 0.
    Runs at 20 s and, after the message gathered again, at 110 + 20 s; moved at 220 s."""
    found = run(
        queue(timeout="60s", batch_window="20s", visibility_timeout="60s", poison_share=1, max_receives=2),
        {"f": [0]},
    )
    assert starts(found) == [20, 130]
    assert ends(found) == [(0, "dead_lettered", 220)]
    shorter = run(
        queue(
            timeout="60s", batch_window="20s", visibility_timeout="60s", poison_share=1, max_receives=2,
            window_extends_visibility=False,
        ),
        {"f": [0]},
    )  # fmt: skip
    assert ends(shorter) == [(0, "dead_lettered", 120)]


def test_a_batch_ends_at_six_megabytes() -> None:
    """Ten messages of 1 MB: six weigh 6 MB and go before the window ends, the other four at its end."""
    heavy = queue(batch_size=10, batch_window="5s", maximum_concurrency=2, visibility_timeout="60s")[0]
    found = run([heavy | {"payload": {"request_kb": 1024}}], {"f": [0] * 10})
    assert found.records["duration_ms"].tolist() == [6000, 4000]
    assert starts(found) == [0, 5]


@pytest.mark.parametrize(("pollers", "receives"), [({}, 648_000), ({"pollers": {"idle": 2}}, 259_200)])
def test_an_empty_queue_is_asked_three_times_a_minute_by_each_poller(
    pollers: dict[str, Any], receives: int
) -> None:
    """30 days of 1,440 minutes: 5 pollers x 3 x 43,200 = 648,000 receives, two 259,200, at 0.40 USD a million."""
    found = run(queue(**pollers), duration="30d", neighbours={"include": ["trigger"]})
    assert found.usage()[0].calls == receives
    assert float(found.bill()["amount"].sum()) == pytest.approx(receives * 0.4e-6)


def test_provisioned_pollers_receive_ten_times_a_second_and_grow_by_a_thousand_a_minute() -> None:
    """2 pollers hold 20 batches and make 20 receives/s: the 20 begin within the first second. At 60 s there are
    20 + 1,000 places, 102 pollers: 1,020 receives/s fill them within a second; the last 960 of 2,000 follow at 120 s."""
    wanted = {"minimum": 2, "maximum": 200}
    found = run(
        queue(60_000, "60s", batch_size=1, visibility_timeout="90s", provisioned_pollers=wanted),
        {"f": [0] * 2000},
        account={"concurrency": 5000},
    )
    minutes = [int(at // 60) for at in starts(found)]
    assert [minutes.count(minute) for minute in range(3)] == [20, 1020, 960]
    assert starts(found)[19] == pytest.approx(19 / 20)
    # 2 for an hour; 100 more from minute 1, 98 more from minute 2; at minute 3 nothing waits.
    assert found.sources()["poller_hours"].iloc[0] == pytest.approx(2 + (100 + 198) / 60)


@pytest.mark.parametrize(
    ("settings", "arrivals", "runs", "done"),
    [
        # Looked at each second, so read at 1 s. Fails at 2, waits 1 s; fails at 4, waits 2 s; fails at 7 s, given up.
        ({"max_retries": 2}, [0.5], [1, 3, 6], ("given_up", 7)),
        # The same without a limit: waits of 1, 2, 4, 8, 16, 32 s until its age of 60 s, counted from 0.5 s.
        ({"max_record_age": "60s"}, [0.5], [1, 3, 6, 11, 20, 37], ("expired", 60.5)),
    ],
)
def test_a_poison_record_blocks_its_shard_for_as_long_as_the_rules_say(
    settings: dict[str, Any], arrivals: list[float], runs: list[float], done: tuple[str, float]
) -> None:
    found = run(
        stream(batch_size=1, poison_share=1, retry_first="1s", retry_most="60s", **settings), {"f": arrivals}
    )
    assert starts(found) == runs
    assert [one[1:] for one in ends(found)] == [done]


def test_a_poison_record_blocks_for_a_day_by_default() -> None:
    """Kept 24 h: sent at 4.5 s, it leaves at 86,404.5 s. An hour between tries: it runs at 5 + 3,601 k s, 24 times; by
    86,429 s it is gone. The record behind it, sent at 10 s, goes on without a pause, and leaves at 86,410 s."""
    blocked = stream(batch_size=1, poison_share=1, retry_first="1h", retry_most="1h")
    found = run(blocked, {"f": [4.5, 10]}, duration="25h")
    assert starts(found) == [*(5 + 3601 * k for k in range(24)), 86_404.5]
    assert ends(found) == [(0, "expired", 86_404.5), (1, "expired", 86_410)]


def test_throttles_ignore_the_attempt_limit() -> None:
    """No retries allowed, but a throttle is none: tried at 1, 2, 4, 8, 16, 32 s and dropped at its age of 60 s."""
    found = run(
        [stream(batch_size=1, max_retries=0, max_record_age="60s")[0] | {"reserved_concurrency": 0}],
        {"f": [0.5]},
    )
    assert refused(found) == [1, 2, 4, 8, 16, 32]
    assert ends(found) == [(0, "expired", 60.5)]


def test_bisecting_finds_one_bad_record_of_eight_in_four_failures_without_a_retry() -> None:
    """Batches of 8, 4, 2 and 1 fail, their other halves of 4, 2 and 1 succeed: 8 + 4 + 2 + 1 + 4 + 2 + 1 = 22 s."""
    for seed in range(20):
        found = run(
            stream(batch_size=8, poison_share=0.125, max_retries=0, bisect=True), {"f": [0.5] * 8}, seed=seed
        )
        if [outcome for _, outcome, _ in ends(found)].count("given_up") == 1:
            break
    kinds = found.records["outcome"].astype(str).tolist()
    assert (kinds.count("function_error"), kinds.count("completed")) == (4, 3)
    assert found.records["duration_ms"].sum() == 22_000


@pytest.mark.parametrize(
    ("kind", "settings", "arrivals", "runs"),
    [
        ("dynamodb", {"batch_size": 1}, [0.1], [(0.25, 1000)]),  # four looks a second
        (
            "kinesis",
            {"batch_size": 10, "batch_window": "5s"},
            [0.5, 2, 3],
            [(6, 3000)],
        ),  # from the look that saw the first
        (
            "kinesis",
            {"batch_size": 2},
            [0.5] * 5,
            [(1, 2000), (3, 2000), (5, 1000)],
        ),  # goes on without a pause
        ("kafka", {"partitions": 1}, [0.2], [(0.7, 1000)]),  # its window is 500 ms unless said otherwise
        ("kafka", {"partitions": 1, "batch_size": 1, "batch_window": "0s"}, [0, 0], [(0, 1000), (1, 1000)]),
    ],
)
def test_when_a_shard_is_read(
    kind: str, settings: dict[str, Any], arrivals: list[float], runs: list[tuple[float, float]]
) -> None:
    found = run(stream(kind=kind, **settings), {"f": arrivals})
    assert list(zip(starts(found), found.records["duration_ms"], strict=True)) == runs


def test_a_dead_letter_queue_that_is_read_runs_its_reader_when_the_message_is_moved() -> None:
    """Runs at 0 and 60 s, moved at 120 s, when the reader runs."""
    works = function(
        "f",
        trigger={"type": "sqs", "queue": {"max_receives": 2, "poison_share": 1, "visibility_timeout": "60s"}},
        calls=[{"function": "letters", "how": "trigger", "when": "failed"}],
    )
    found = run([works, function("letters", trigger={"type": "sqs"})], {"f": [0]}, engines=("reference",))
    assert (starts(found), starts(found, "letters")) == ([0, 60], [120])


def test_a_worker_s_backlog_starves_the_api_until_it_has_concurrency_of_its_own() -> None:
    """A pool of 5 and 50 messages of 10 s: all five are taken at 5 s and at 15 s. Two reserved for the API leave 3."""
    worker = function("worker", 10_000, trigger={"type": "sqs", "queue": {"batch_size": 1}})
    api = function("api", 100, trigger={"type": "function_url"})
    times = {"worker": [0] * 50, "api": [5, 15]}
    assert starts(run([worker, api], times, account={"concurrency": 5}), "api") == []
    cured = run([worker, api | {"reserved_concurrency": 2}], times, account={"concurrency": 105})
    assert starts(cured, "api") == [5, 15]


def test_provisioned_concurrency_ends_with_the_scenario_and_a_backlog_goes_on_without_it() -> None:
    """One group, six messages of 20 s, 50 s: three run on the environment that is kept, three after it is gone."""
    worker = function(
        io=20_000,
        provisioned_concurrency=[{"at": "0s", "count": 1}],
        trigger={"type": "sqs", "queue": {"message_groups": 1, "batch_size": 1}},
    )
    found = run([worker], {"f": [0] * 6}, duration="50s")
    assert found.records["start_type"].astype(str).tolist() == ["provisioned"] * 3 + ["cold", "warm", "warm"]
    assert (found.usage()[0].provisioned_billed_ms, found.usage()[0].billed_ms_with_init) == (60_000, 60_000)
