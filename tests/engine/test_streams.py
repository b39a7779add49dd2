"""Streams in the reference engine, one rule each, worked by hand to the second."""

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sourced import S, one_function, run, stream

from lambdasim.engine.contract import Plan
from lambdasim.engine.items import check_items
from lambdasim.engine.reference.engine import run_reference


def test_a_lane_is_looked_at_each_second_and_has_one_batch_at_a_time() -> None:
    found = run(stream(), [0, 0.5, 1.2, 1.3], handler=0.75)
    # Looks at 1 (two records, 1.5 s), at 3 (two more).
    assert [(start, duration) for start, _, duration, _ in found.attempts] == [(1, 1.5), (3, 1.5)]
    assert [done for _, _, done in found.ended()] == [2.5, 2.5, 4.5, 4.5]


def test_a_full_batch_follows_without_a_pause() -> None:
    found = run(stream(batch=2), [0] * 5, handler=1.0)
    assert found.started() == [1, 3, 5]  # the last is not full, and the look at 5 s finds it
    assert run(stream(batch=2, look=4), [0] * 5, handler=0.5).started() == [4, 5, 8]


def test_a_window_waits_for_more() -> None:
    assert run(stream(window=5, batch=3), [0, 2, 20, 20, 20]).started() == [6, 21]
    assert run(stream(window=5, batch=3, look=0), [0, 2, 20, 21, 22]).started() == [5, 22]


def test_lanes_run_side_by_side_and_are_looked_at_by_turns() -> None:
    found = run(stream(lanes=2), [0, 0, 0], handler=2.0, lanes=[0, 1, 1])
    assert [(start, duration) for start, _, duration, _ in found.attempts] == [(0.5, 4), (1, 2)]


def test_batches_of_one_shard_are_looked_at_together() -> None:
    # Four lanes of two shards: the first shard's at 0, 1 …, the other's at 0.5, 1.5 … s.
    halves = replace(stream(lanes=4), lanes_of_shard=2)
    assert [halves.offset_us(lane) / S for lane in range(4)] == [0, 0, 0.5, 0.5]
    assert [stream(lanes=4).offset_us(lane) / S for lane in range(4)] == [0, 0.25, 0.5, 0.75]


def test_a_poisoned_record_blocks_its_lane_until_it_is_too_old() -> None:
    # Runs of 1 s at 1, then waits of 1, 2, 4, 8, 8, …: the record is dropped at 60 s sharp, and the next one runs.
    found = run(stream(batch=1, age=60, most=8), [0, 0.5], failing=[0])
    assert found.started() == [1, 3, 6, 11, 20, 29, 38, 47, 56, 60]
    assert found.ended() == [(0, "EXPIRED", 60), (1, "PROCESSED", 61)]


def test_a_record_behind_a_poisoned_one_runs_when_that_is_given_up() -> None:
    found = run(stream(batch=1, retries=2), [0, 0.5], failing=[0])
    # 1 s at 1, 3 and 6; given up as the third ends, and the next follows at the look of that moment.
    assert found.started() == [1, 3, 6, 7]
    assert found.ended() == [(0, "GIVEN_UP", 7), (1, "PROCESSED", 8)]


@pytest.mark.parametrize("power", [1, 3, 5])
def test_bisecting_finds_one_bad_record_among_two_to_the_k_with_k_plus_one_failures(power: int) -> None:
    n = 2**power
    found = run(stream(retries=0, bisect=True), [0] * n, handler=0.001, failing=[n - 1])
    assert sum(outcome != 0 for _, _, _, outcome in found.attempts) == power + 1
    assert [outcome for _, outcome, _ in found.ended()] == ["PROCESSED"] * (n - 1) + ["GIVEN_UP"]
    assert [item for item, _, _ in found.ended()] == list(range(n))


def test_a_partial_answer_keeps_what_came_before_the_lowest_failure() -> None:
    found = run(stream(partial=True, retries=1), [0] * 5, failing=[2, 3])
    # 0-4 at 1 s for 5 s; 2-4 after 1 s at 7 s for 3 s; 2-4 have had their retry, and all are given up.
    assert [(start, duration) for start, _, duration, _ in found.attempts] == [(1, 5), (7, 3)]
    assert found.ended()[:2] == [(0, "PROCESSED", 6), (1, "PROCESSED", 6)]
    assert {(outcome, done) for _, outcome, done in found.ended()[2:]} == {("GIVEN_UP", 10)}


def test_throttles_are_tried_again_whatever_the_limit_on_attempts() -> None:
    found = run(stream(retries=0, age=60), [0], reserved=0)
    assert found.refused() == [1, 2, 4, 8, 16, 32]
    assert found.ended() == [(0, "EXPIRED", 60)]


def test_iterator_age_grows_by_what_a_slow_lane_falls_behind() -> None:
    # One record a second, 1.5 s each, one at a time: record n ends at 1 + 1.5 (n + 1).
    found = run(stream(batch=1, look=0), list(range(20)), handler=1.5)
    assert [done for _, _, done in found.ended()] == [1.5 * (n + 1) for n in range(20)]


@st.composite
def plans(draw: st.DrawFn) -> Plan:
    lanes, n = draw(st.integers(1, 3)), draw(st.integers(0, 20))
    source = stream(
        lanes=lanes, batch=draw(st.integers(1, 5)), window=draw(st.sampled_from([0, 0, 2])),
        look=draw(st.sampled_from([0, 1, 3])), retries=draw(st.integers(0, 3)), age=draw(st.integers(5, 60)),
        bisect=draw(st.booleans()), partial=draw(st.booleans()), most=draw(st.integers(1, 9)),
    )  # fmt: skip
    return one_function(
        source,
        sorted(draw(st.lists(st.integers(0, 9), min_size=n, max_size=n))),
        draw(st.lists(st.integers(0, 3), min_size=n, max_size=n)),
        reserved=draw(st.sampled_from([None, 0, 1, 2])),
        timeout=draw(st.integers(1, 9)),
        failing=draw(st.lists(st.integers(0, 20), max_size=4)),
        crashing=draw(st.lists(st.integers(0, 20), max_size=1)),
        lanes=draw(st.lists(st.integers(0, lanes - 1), min_size=n, max_size=n)),
        backoff=(draw(st.integers(1, 3)), 5),
        errors=draw(st.sampled_from([0.0, 0.4])),
    )


@settings(max_examples=150, deadline=None)
@given(plan=plans())
def test_laws_of_every_stream(plan: Plan) -> None:
    chunks = list(run_reference(plan))
    written = np.zeros(1, dtype=np.int64)
    for chunk in chunks:
        assert chunk.items is not None
        written = check_items(chunk.items, ["f"], written)
    items = chunks[-1].items
    assert items is not None
    sent = sum(len(chunk.time_us) for chunk in plan.arrivals())
    assert sorted(items["item"].tolist()) == list(range(sent))
    assert items.counters["queued"][0] == items.counters["in_flight"][0] == 0
    for lane in np.unique(items["lane"]):
        mine = items["lane"] == lane
        # Order is never broken: records end in the order in which they came.
        numbers = items["item"][mine].tolist()
        assert numbers == sorted(numbers)
        ends = items["done_us"][mine].tolist()
        assert all(before <= after for before, after in pairwise(ends))
    runs = chunks[0]["limit"] == 0
    starts, ended = chunks[0]["start_us"][runs], chunks[0].end_us()[runs]
    for at in starts:
        assert ((starts <= at) & (ended > at)).sum() <= plan.functions[0].source.lanes  # type: ignore[union-attr]
    age_us = items["done_us"] - items["arrival_us"]
    expired = items["outcome"] == 2
    assert (age_us[expired] >= plan.functions[0].source.returns.most_age_us).all()  # type: ignore[union-attr]
    assert (age_us < 200 * S).all()
