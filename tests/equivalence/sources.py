"""Families of generated queues and streams, in the units of `families`: lanes, pollers and what comes back."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from hypothesis import strategies as st

from lambdasim.engine.contract import UNLIMITED
from lambdasim.engine.lanes import Backoff, PollerLaw, SourcePlan, Visibility

# What items weigh together; items weigh up to 200 KB in families with payloads.
SIZES_KB = st.sampled_from([0, 50, 100, 250])


@st.composite
def pollers(draw: st.DrawFn, unit: int, most: int = 5, look_us: int = 0, paced: bool = False) -> PollerLaw:
    """Draw pollers of which there are a few more by the step; paced ones receive at a rate."""
    first = draw(st.integers(1, min(most, 3)))
    return PollerLaw(
        first=first,
        growth=draw(st.integers(0, 2)),
        interval_us=draw(st.integers(1, 4)) * unit,
        most=draw(st.integers(first, most)),
        idle=draw(st.integers(0, 3)),
        look_us=look_us,
        per_unit=draw(st.sampled_from([1, 2, 10])) if paced else 0,
        calls_per_s=draw(st.sampled_from([1, 2, 10])) if paced else 0,
        kb_per_s=draw(st.sampled_from([100, 1000])) if paced else 0,
        least_units=draw(st.integers(0, 2)) if paced else 0,
        until_us=draw(st.sampled_from([0, 5, 20, 1 << 40])) * unit,
    )


@st.composite
def queues(
    draw: st.DrawFn,
    unit: int,
    *,
    groups: int = 0,
    batches: tuple[int, ...] = (1, 2, 3, 10),
    longest_window: int = 0,
    paced: bool = False,
    answers: bool = False,
    slow: bool = False,
) -> SourcePlan:
    """Draw a queue; with groups, a FIFO one of at most so many; slow functions outlive the visibility."""
    visibility = draw(st.integers(1, 2 if slow else 8))
    return SourcePlan(
        lanes=draw(st.integers(1, groups)) if groups else 1,
        ordered=bool(groups),
        batch=draw(st.sampled_from(batches)),
        window_us=draw(st.integers(0, min(longest_window, visibility))) * unit,
        pollers=draw(pollers(unit, paced=paced)),
        returns=Visibility(
            visibility * unit,
            draw(st.sampled_from([1, 2, 3, UNLIMITED])),
            draw(st.integers(1, 40)) * unit,
        ),
        partial=answers and draw(st.sampled_from([True, True, False])),
        swallows=answers and draw(st.sampled_from([False, False, True])),
        reports=answers and draw(st.booleans()),
        batch_kb=draw(SIZES_KB),
        call_kb=draw(SIZES_KB),
    )


@st.composite
def streams(
    draw: st.DrawFn,
    unit: int,
    *,
    shared: bool = False,
    patient: bool = False,
    hasty: bool = False,
    most_lanes: int = 4,
) -> SourcePlan:
    """Draw a stream: with shared pollers there may be fewer of them than lanes; a patient one keeps on at failures, and
    in a hasty one records are too old soon.
    """
    lanes = draw(st.integers(1, most_lanes))
    look_us = draw(st.sampled_from([0, 1, 2, 3])) * unit
    first = draw(st.integers(1, 2))
    return SourcePlan(
        lanes=lanes,
        ordered=True,
        batch=draw(st.sampled_from([3, 10] if patient or hasty else [1, 2, 3, 10])),
        window_us=draw(st.integers(2 if hasty else 0, 3)) * unit,
        pollers=replace(
            draw(pollers(unit, most=lanes, look_us=look_us)),
            idle=0,
            per_poller=draw(st.sampled_from([0, 0, 1, 2])),
            kb_per_s=draw(st.sampled_from([100, 1000])),
        )
        if shared
        else PollerLaw(lanes, 0, unit, lanes, look_us=look_us),
        returns=Backoff(
            first * unit,
            draw(st.sampled_from([first, 5, 50])) * unit,
            draw(st.sampled_from([0, 1, 2, UNLIMITED])),
            draw(st.integers(100, 300) if patient else st.integers(3, 6) if hasty else st.integers(1, 30))
            * unit,
            draw(st.booleans()),
        ),
        partial=patient or draw(st.sampled_from([True, True, False])),
        swallows=not patient and draw(st.sampled_from([False, False, True])),
        reports=draw(st.booleans()),
        batch_kb=draw(SIZES_KB),
        lanes_of_shard=draw(st.sampled_from([1, 1, lanes])),
    )


def a_queue(**limits: Any) -> Callable[[int], st.SearchStrategy[SourcePlan]]:
    return lambda unit: queues(unit, **limits)


def a_stream(**limits: Any) -> Callable[[int], st.SearchStrategy[SourcePlan]]:
    return lambda unit: streams(unit, **limits)


def toy(unit: int) -> st.SearchStrategy[SourcePlan]:
    """Make the least that there is: one lane, one poller, one item at a time, and one receive."""
    return st.just(SourcePlan(1, False, 1, 0, PollerLaw(1, 0, unit, 1), Visibility(20 * unit, 1, 40 * unit)))
