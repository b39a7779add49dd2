"""The seam between engines and sources, driven by a toy on both: one lane, one poller, one item at a time."""

from __future__ import annotations

from itertools import accumulate

from hypothesis import given, settings
from hypothesis import strategies as st
from sourced import one_function, queue, ran, stream

from lambdasim.engine.lanes import SourcePlan

TOYS = {
    "queue": queue(first=1, growth=0, most=1, visibility=10_000),
    "stream": stream(batch=1, look=0),
}


def served(arrivals: list[int], handlers: list[int]) -> list[int]:
    """Give when each item is done where one server takes them in turn (Lindley)."""
    pairs = zip(arrivals, handlers, strict=True)
    return list(accumulate(pairs, lambda free, pair: max(free, pair[0]) + pair[1], initial=0))[1:]


@st.composite
def work(draw: st.DrawFn) -> tuple[list[int], list[int]]:
    arrivals = sorted(draw(st.lists(st.integers(0, 20), min_size=1, max_size=12)))
    return arrivals, draw(st.lists(st.integers(0, 5), min_size=len(arrivals), max_size=len(arrivals)))


@settings(max_examples=30, deadline=None)
@given(toy=st.sampled_from(sorted(TOYS)), given_work=work())
def test_one_lane_serves_items_in_turn(toy: str, given_work: tuple[list[int], list[int]]) -> None:
    arrivals, handlers = given_work
    found = ran(one_function(TOYS[toy], arrivals, handlers))
    assert [done for _, _, done in found.ended()] == served(arrivals, handlers)
    assert [item for item, _, _ in found.ended()] == list(range(len(arrivals)))
    assert found.counters["sent"] == found.counters["ended"] == len(arrivals)


def test_what_finds_no_room_is_told_to_the_source() -> None:
    """One environment for two toys' items: the second waits by the source's own back-off of 1, 2, 4, ... seconds."""
    one_poller_more = SourcePlan(
        **{**vars(TOYS["queue"]), "pollers": queue(first=2, growth=0, most=2).pollers}
    )
    found = ran(one_function(one_poller_more, [0, 0], [5, 1], concurrency=1))
    assert found.refused() == [0, 1, 3]
    assert found.started() == [0, 7]
    assert found.ended() == [(0, "PROCESSED", 5), (1, "PROCESSED", 8)]
