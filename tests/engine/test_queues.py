"""Queues in the reference engine, one rule each, worked by hand to the second."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sourced import S, one_function, queue, run

from lambdasim.engine.contract import Plan
from lambdasim.engine.items import check_items
from lambdasim.engine.reference.engine import run_reference
from lambdasim.errors import ConservationError


def test_a_message_runs_as_it_arrives_and_is_deleted_as_its_run_ends() -> None:
    found = run(queue(), [0, 10, 10.5], handler=2.0)
    assert found.started() == [0, 10, 10.5]
    assert found.ended() == [(0, "PROCESSED", 2), (1, "PROCESSED", 12), (2, "PROCESSED", 12.5)]
    assert [item["receives"] for item in found.items] == [1, 1, 1]


def test_handler_times_of_a_batch_add_up_and_an_overhead_comes_once() -> None:
    # One poller: what waits while the first runs goes in one batch of three.
    found = run(queue(batch=3, first=1, most=1), [0, 1, 1, 1], handler=[4, 1, 2, 3], overhead=0.5)
    assert found.attempts == [(0, 0, 4.5, 0), (4.5, 0, 6.5, 0)]
    assert [done for _, _, done in found.ended()] == [4.5, 11, 11, 11]


def test_reserved_concurrency_of_one_sends_one_of_four_good_messages_to_the_dead_letter_queue() -> None:
    # 3 s each, visibility 90 s, no try of the same invocation within it: receives at 0, 90, 180, moved at 270 s.
    found = run(
        queue(visibility=90, most_receives=3), [0, 0, 0, 0], 3.0, reserved=1, timeout=15, backoff=(90, 90)
    )
    assert found.started() == [0, 90, 180]
    assert found.refused() == [0, 0, 0, 90, 90, 180]
    assert found.ended() == [
        (0, "PROCESSED", 3), (1, "PROCESSED", 93), (2, "PROCESSED", 183), (3, "DEAD_LETTERED", 270),
    ]  # fmt: skip
    assert [item["receives"] for item in found.items] == [1, 2, 3, 3]


def test_a_throttled_invocation_is_tried_again_while_its_batch_is_invisible() -> None:
    # The same with tries after 1, 2, 4, … s: all four fit into the first 90 s, and none is received twice.
    found = run(queue(visibility=90, most_receives=3), [0, 0, 0, 0], 3.0, reserved=1, timeout=15)
    assert found.started() == [0, 3, 7, 15]
    assert {item["receives"] for item in found.items} == {1}
    assert [item["done"] for item in found.items] == [3, 6, 10, 18]


def test_a_failed_message_comes_back_when_its_visibility_ends_and_moves_after_the_last_receive() -> None:
    found = run(queue(visibility=30, most_receives=2), [0, 5], failing=[0])
    assert found.started() == [0, 5, 30]
    assert found.ended() == [(1, "PROCESSED", 6), (0, "DEAD_LETTERED", 60)]


def test_without_a_dead_letter_queue_a_poisoned_message_comes_back_until_retention_ends() -> None:
    found = run(queue(visibility=30, retention=100), [0], failing=[0])
    assert found.started() == [0, 30, 60, 90]
    assert found.ended() == [(0, "EXPIRED", 100)]


@pytest.mark.parametrize(
    ("partial", "failing", "runs", "done"),
    [
        (False, [1], [0, 30, 60], {1: 90, 0: 90, 2: 90}),
        # Alone it gathers for its window again.
        (True, [1], [0, 31, 61], {0: 3, 2: 3, 1: 90}),
        (True, [], [0], {0: 3, 1: 3, 2: 3}),
        (True, [0, 1, 2], [0, 30, 60], {0: 90, 1: 90, 2: 90}),
    ],
)
def test_what_a_failed_run_returns(
    partial: bool, failing: list[int], runs: list[float], done: dict[int, float]
) -> None:
    source = queue(batch=3, window=1, partial=partial, visibility=30, most_receives=3)
    found = run(source, [0, 0, 0], failing=failing)
    assert found.started() == runs
    assert {item["item"]: item["done"] for item in found.items} == done


def test_a_timeout_or_crash_fails_the_whole_batch_whatever_it_would_report() -> None:
    source = queue(batch=2, window=1, partial=True, visibility=30, most_receives=1)
    assert run(source, [0, 0], 20.0, timeout=30).ended() == [
        (0, "DEAD_LETTERED", 30),
        (1, "DEAD_LETTERED", 30),
    ]
    assert {outcome for _, outcome, _ in run(source, [0, 0], crashing=[1]).ended()} == {"DEAD_LETTERED"}


def test_a_window_gathers_until_it_ends_or_the_batch_is_full() -> None:
    found = run(queue(batch=3, window=5, visibility=60), [0, 1, 10, 11, 12, 13], handler=1.0)
    assert [(start, duration) for start, _, duration, _ in found.attempts] == [(5, 2), (12, 3), (18, 1)]
    assert [item["first"] for item in found.items] == [0, 1, 10, 11, 12, 13]


def test_messages_that_gathered_come_back_each_after_its_own_receive() -> None:
    # Received at 0, 4 and 8 s, run at 10 s, failed at 13 s; a visibility of 30 s ends at 30, 34 and 38 s.
    found = run(
        queue(batch=5, window=10, visibility=30, most_receives=1, retention=200), [0, 4, 8], failing=[0, 1, 2]
    )
    assert found.started() == [10]
    assert [done for _, _, done in found.ended()] == [30, 34, 38]
    # Those of a throttled batch too; its poller is free when the first is seen again, and takes them by turns.
    held = run(
        queue(batch=5, window=10, visibility=30, most_receives=1), [0, 8], reserved=0, backoff=(90, 90)
    )
    assert held.refused() == [10]
    assert [done for _, _, done in held.ended()] == [30, 38]


def test_visibility_runs_from_the_receive_and_a_run_that_outlives_it_is_joined_by_another() -> None:
    # Received at 0, throttled to 15 s, running to 35 s: seen again at 30 s, and run twice.
    found = run(
        queue(visibility=30, first=2, most=2),
        [0, 0],
        handler=[20, 20],
        reserved=1,
        timeout=30,
        backoff=(15, 15),
    )
    assert found.started()[:2] == [0, 30]
    assert found.refused()[:2] == [0, 15]
    late = run(queue(visibility=30, first=1, most=1), [0], 20.0, reserved=1, timeout=25)
    assert late.ended() == [(0, "PROCESSED", 20)]
    twice = run(queue(visibility=10), [0], 25.0, timeout=30)
    assert twice.started() == [0, 10, 20]
    assert twice.ended() == [(0, "PROCESSED", 25)]
    assert twice.items[0]["receives"] == 3


def test_a_backlog_drains_as_the_pollers_grow() -> None:
    # 5 pollers, 300 more a minute, 60 s each: 5 + 305 + 605 + 85 = 1,000 in four minutes.
    found = run(queue(visibility=90), [0] * 1000, 60.0)
    starts, counts = np.unique(found.started(), return_counts=True)
    assert starts.tolist() == [0, 60, 120, 180]
    assert counts.tolist() == [5, 305, 605, 85]
    assert max(item["done"] for item in found.items) == 240


def test_pollers_that_grow_in_a_line_start_one_more_every_fifth_of_a_second() -> None:
    found = run(queue(first=1, growth=1, interval=0.2, most=4, visibility=900), [0] * 8, 100.0)
    assert found.started() == pytest.approx([0, 0.2, 0.4, 0.6, 100, 100.2, 100.4, 100.6])


def test_maximum_concurrency_is_never_exceeded_and_throttles_nobody() -> None:
    found = run(queue(first=2, most=2, visibility=900), [0] * 6, 3.0, reserved=2)
    assert found.started() == [0, 0, 3, 3, 6, 6]
    assert not found.refused()


def test_pollers_fall_back_when_a_step_finds_nothing_waiting() -> None:
    # The step at 60 s lets ten run; that at 120 s finds nothing waiting, so that later only two go at once.
    source = queue(first=2, growth=8, most=20, visibility=900)
    found = run(source, [0] * 6 + [300] * 4, 61.0)
    assert found.started() == [0, 0, 60, 60, 60, 60, 300, 300, 360, 360]


def test_a_message_group_never_has_two_batches_at_once_and_keeps_its_order() -> None:
    # Groups 0 and 1 by turns; a failure of message 0 holds back its group alone.
    source = queue(lanes=2, ordered=True, batch=1, visibility=30, most_receives=2)
    found = run(source, [0, 0, 1, 1], handler=2.0, lanes=[0, 1, 0, 1], failing=[0])
    assert found.started() == [0, 0, 2, 30, 60]
    assert found.ended() == [
        (1, "PROCESSED", 2), (3, "PROCESSED", 4), (0, "DEAD_LETTERED", 60), (2, "PROCESSED", 62),
    ]  # fmt: skip


def test_a_batch_takes_all_of_a_group_first_and_may_mix_groups() -> None:
    source = queue(lanes=3, ordered=True, batch=3, first=1, most=1, visibility=90)
    found = run(source, [0, 1, 1, 1, 1], handler=2.0, lanes=[2, 0, 1, 0, 1])
    # While the first runs, 0: items 1 and 3, 1: items 2 and 4. Batches {1, 3, 2} and {4}, one after the other.
    assert [(start, duration) for start, _, duration, _ in found.attempts] == [(0, 2), (2, 6), (8, 2)]
    assert [item for item, _, _ in found.ended()] == [0, 1, 3, 2, 4]


def test_what_follows_a_failed_message_of_its_group_comes_back_too() -> None:
    source = queue(
        lanes=2, ordered=True, batch=4, partial=True, first=1, most=1, visibility=30, most_receives=1
    )
    found = run(source, [0, 1, 1, 1, 1], handler=2.0, lanes=[1, 0, 0, 0, 1], failing=[2])
    assert {item["item"]: (item["outcome"].name, item["done"]) for item in found.items} == {
        0: ("PROCESSED", 2), 1: ("PROCESSED", 10), 4: ("PROCESSED", 10),
        2: ("DEAD_LETTERED", 32), 3: ("DEAD_LETTERED", 32),
    }  # fmt: skip


def test_calls_and_idle_pollers_are_counted() -> None:
    found = run(queue(batch=25, window=1, first=1, most=1, idle=2), [0] * 25 + [10], handler=1.0)
    assert (found.counters["receive_calls"], found.counters["delete_calls"]) == (3 + 1, 3 + 1)
    # One of two pollers runs for 25 s, gathers the next message for 1 s, and runs for 1 s.
    assert found.items[-1]["done"] == 27
    assert found.counters["idle_us"] == 27 * S


@st.composite
def plans(draw: st.DrawFn) -> Plan:
    ordered = draw(st.booleans())
    lanes = draw(st.integers(1, 3)) if ordered else 1
    first = draw(st.integers(1, 3))
    source = queue(
        lanes=lanes, ordered=ordered, batch=draw(st.integers(1, 4)),
        window=0 if ordered else draw(st.sampled_from([0, 2])),
        first=first, growth=draw(st.integers(0, 2)), interval=draw(st.integers(1, 4)),
        most=first + draw(st.integers(0, 4)),
        visibility=draw(st.integers(3, 9)), most_receives=draw(st.integers(1, 4)), retention=draw(st.integers(10, 90)),
        partial=draw(st.booleans()),
    )  # fmt: skip
    n = draw(st.integers(0, 25))
    return one_function(
        source,
        sorted(draw(st.lists(st.integers(0, 12), min_size=n, max_size=n))),
        draw(st.lists(st.integers(0, 5), min_size=n, max_size=n)),
        reserved=draw(st.sampled_from([None, 0, 1, 2])),
        timeout=draw(st.integers(1, 9)),
        failing=draw(st.lists(st.integers(0, 25), max_size=3)),
        crashing=draw(st.lists(st.integers(0, 25), max_size=1)),
        lanes=draw(st.lists(st.integers(0, lanes - 1), min_size=n, max_size=n)),
        backoff=(draw(st.integers(1, 3)), 5),
        errors=draw(st.sampled_from([0.0, 0.4])),
        seed=draw(st.integers(0, 9)),
    )


@settings(max_examples=150, deadline=None)
@given(plan=plans())
def test_laws_of_every_queue(plan: Plan) -> None:
    chunks = list(run_reference(plan))
    written = np.zeros(1, dtype=np.int64)
    for chunk in chunks:
        assert chunk.items is not None
        written = check_items(chunk.items, ["f"], written)
    items = chunks[-1].items
    assert items is not None
    source, returns = plan.functions[0].source, plan.functions[0].source.returns  # type: ignore[union-attr]
    sent = sum(len(chunk.time_us) for chunk in plan.arrivals())
    # Each message ends once, and nothing is left when the last event is over.
    assert sorted(items["item"].tolist()) == list(range(sent))
    assert items.counters["queued"][0] == items.counters["in_flight"][0] == 0
    assert (items["receives"] <= returns.most_receives).all()  # type: ignore[union-attr]
    assert (items["done_us"] >= items["arrival_us"]).all()
    starts = chunks[0]["start_us"][chunks[0]["limit"] == 0]
    ends = chunks[0].end_us()[chunks[0]["limit"] == 0]
    most = source.pollers.most  # type: ignore[union-attr]
    for at in starts:
        assert ((starts <= at) & (ends > at)).sum() <= most
    if source.ordered:  # type: ignore[union-attr]
        # Within a group the first receives keep the order in which messages were sent.
        for lane in np.unique(items["lane"]):
            mine = items["lane"] == lane
            order = np.argsort(items["item"][mine])
            received = [first for first in items["first_us"][mine][order].tolist() if first >= 0]
            assert all(before <= after for before, after in pairwise(received))


def test_a_lost_message_is_noticed() -> None:
    *_, last = run_reference(one_function(queue(), [0, 1, 2]))
    assert last.items is not None
    for name, change in (("sent", 1), ("ended", -1), ("queued", 1)):
        counters = {key: counts + change * (key == name) for key, counts in last.items.counters.items()}
        spoilt = type(last.items)(last.items.columns, counters, last.items.now_us)
        with pytest.raises(ConservationError, match="f: "):
            check_items(spoilt, ["f"], np.zeros(1, dtype=np.int64))
