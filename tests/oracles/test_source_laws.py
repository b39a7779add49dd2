"""Closed forms for queues and streams under random settings: drain time, blocking time, dead letters, order, the pool."""

from itertools import pairwise
from math import ceil

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from lambdasim.engine.contract import UNLIMITED
from tests.engine.sourced import one_function, queue, ran, run, stream

S = 1_000_000


@settings(max_examples=60, deadline=None)
@given(
    messages=st.integers(1, 120),
    first=st.integers(1, 4),
    growth=st.integers(0, 5),
    spare=st.integers(0, 12),
    rounds=st.integers(1, 4),
    service=st.integers(1, 5),
)
def test_a_backlog_drains_as_arithmetic_says_while_pollers_grow(
    messages: int, first: int, growth: int, spare: int, rounds: int, service: int
) -> None:
    # Each interval is so many rounds of one service time; in the k-th, first + k x growth pollers run side by side.
    most = first + spare
    source = queue(first=first, growth=growth, interval=rounds * service, most=most, visibility=43_200)
    found = run(source, [0] * messages, handler=float(service))
    left, at, pollers = messages, 0, first
    while left > pollers * rounds:
        left -= pollers * rounds
        at += rounds * service
        pollers = min(pollers + growth, most)
    expected = at + ceil(left / pollers) * service
    assert max(item["done"] for item in found.items) == expected


@settings(max_examples=60, deadline=None)
@given(
    service=st.integers(1, 9),
    first=st.integers(1, 20),
    longest=st.integers(1, 60),
    retries=st.integers(0, 6),
)
def test_a_poisoned_record_blocks_its_lane_for_its_runs_and_its_waits(
    service: int, first: int, longest: int, retries: int
) -> None:
    backoff = {"first": first, "most": max(first, longest)}
    source = stream(batch=1, look=0, retries=retries, **backoff)
    found = run(source, [0, 0], handler=float(service), failing=[0])
    waits = [min(first * 2**k, max(first, longest)) for k in range(retries)]
    blocked = (retries + 1) * service + sum(waits)
    assert found.ended() == [(0, "GIVEN_UP", blocked), (1, "PROCESSED", blocked + service)]
    # Without a limit on retries it is dropped when it is too old, or when the run ends in which it becomes so.
    age = blocked + service
    endless = stream(batch=1, look=0, retries=UNLIMITED, age=age, **backoff)
    (first_item, how, gone), *_ = run(endless, [0], handler=float(service), failing=[0]).ended()
    assert (first_item, how) == (0, "EXPIRED")
    assert age <= gone < age + service


@settings(max_examples=60, deadline=None)
@given(
    visibility=st.integers(5, 60),
    service=st.integers(1, 4),
    receives=st.integers(1, 6),
    poisoned=st.integers(1, 4),
)
def test_a_poisoned_message_is_dead_lettered_after_so_many_visibilities(
    visibility: int, service: int, receives: int, poisoned: int
) -> None:
    source = queue(first=9, visibility=visibility, most_receives=receives)
    found = run(source, [0] * poisoned, handler=float(service), failing=list(range(poisoned)))
    assert {item["done"] for item in found.items} == {receives * visibility}
    assert {item["outcome"].name for item in found.items} == {"DEAD_LETTERED"}
    assert len(found.started()) == receives * poisoned


@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_order_within_a_key_holds_through_ties_bisects_and_retries(data: st.DataObject) -> None:
    n, lanes = data.draw(st.integers(1, 30)), data.draw(st.integers(1, 3))
    keys = data.draw(st.lists(st.integers(0, lanes - 1), min_size=n, max_size=n))
    arrivals = sorted(data.draw(st.lists(st.integers(0, 6), min_size=n, max_size=n)))
    failing = data.draw(st.lists(st.integers(0, n - 1), max_size=4))
    source = stream(
        lanes=lanes,
        batch=data.draw(st.integers(1, 6)),
        look=data.draw(st.sampled_from([0, 1])),
        retries=data.draw(st.integers(0, 3)),
        bisect=data.draw(st.booleans()),
        partial=data.draw(st.booleans()),
    )
    found = ran(
        one_function(
            source,
            arrivals,
            1.0,
            failing=failing,
            lanes=keys,
            reserved=data.draw(st.sampled_from([None, 1, 2])),
            errors=data.draw(st.sampled_from([0.0, 0.3])),
        )
    )
    by_key: dict[int, list[tuple[float, int]]] = {}
    for item in found.items:
        by_key.setdefault(item["lane"], []).append((item["done"], item["item"]))
    for ends in by_key.values():
        numbers = [number for _, number in ends]
        assert numbers == sorted(numbers)
        assert all(before <= after for (before, _), (after, _) in pairwise(ends))
    outcomes = {item["item"]: item["outcome"].name for item in found.items}
    assert len(outcomes) == n
    assert not [number for number in failing if outcomes[number] == "PROCESSED"]


@settings(max_examples=40, deadline=None)
@given(
    pool=st.integers(1, 6),
    pollers=st.integers(1, 12),
    messages=st.integers(1, 60),
    service=st.integers(1, 6),
    visibility=st.integers(7, 40),
)
def test_the_pool_is_never_above_its_limit_and_no_message_is_lost(
    pool: int, pollers: int, messages: int, service: int, visibility: int
) -> None:
    source = queue(first=pollers, growth=3, interval=5, most=pollers + 9, visibility=visibility)
    plan = one_function(source, [0] * messages, float(service), concurrency=pool)
    found = ran(plan)
    starts = np.array(found.started())
    for at in starts:
        assert ((starts <= at) & (starts + service > at)).sum() <= pool
    assert {item["outcome"].name for item in found.items} == {"PROCESSED"}
    assert len(found.items) == messages
