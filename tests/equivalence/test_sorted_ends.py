"""Ends that the compiled engine sorts ahead: in order, each once, and deliberate faults in what follows from them."""

from __future__ import annotations

import ast

import numpy as np
import pytest
from families import FAMILIES, Family
from faults import TREES, Fault, assert_all_seen, exchanged
from hypothesis import given, settings
from hypothesis import strategies as st
from test_equality import PATIENT

from lambdasim.engine.contract import NEVER, Outcome
from lambdasim.engine.kernel.plain.ends import EndSorter
from lambdasim.engine.kernel.state import FUNCTION

LONGEST = 1_000
# Few and many at one moment, close together and ages apart.
TIMES = st.one_of(st.integers(0, 5), st.integers(0, 300), st.integers(0, 1 << 50))
ARRIVALS = st.lists(st.tuples(TIMES, st.integers(0, LONGEST + 5), st.booleans()), min_size=1, max_size=60)


def functions() -> np.ndarray:
    row = np.zeros(1, dtype=FUNCTION)
    row["alike_most_us"] = LONGEST
    return row


def ends_of_all(chunks: list[list[tuple[int, int, bool]]]) -> list[list[tuple[int, int]]]:
    """Sort chunk by chunk; give for each the ends with their arrivals, counted over all chunks; then what is left."""
    sorter, found, places, first = EndSorter(functions()), [], np.zeros(0, dtype=int), 0
    for chunk in [*chunks, [(NEVER, 0, False)]]:
        time_us = np.array([time for time, _, _ in chunk])
        ahead_us = np.array([(took, 0 if ok else Outcome.CRASH) for _, took, ok in chunk]).ravel()
        ends = sorter.next(time_us, np.zeros(len(chunk), dtype=np.int64), ahead_us)
        assert ends.ends_us[-1] == NEVER
        assert (ends.first_place, ends.places) == (len(places), len(places) + len(chunk))
        arrivals = np.concatenate([places, first + np.arange(len(chunk))])
        known = zip(ends.ends_us[:-1].tolist(), arrivals[ends.ends_of[:-1]].tolist(), strict=True)
        found.append(list(known))
        places, first = arrivals[ends.later_of], first + len(chunk)
    assert not len(places)
    return found


@settings(max_examples=150, **PATIENT)
@given(arrivals=ARRIVALS, size=st.integers(1, 60))
def test_each_end_comes_once_in_order_with_the_chunk_that_reaches_it(
    arrivals: list[tuple[int, int, bool]], size: int
) -> None:
    arrivals.sort(key=lambda arrival: arrival[0])
    chunks = [arrivals[first : first + size] for first in range(0, len(arrivals), size)]
    found = ends_of_all(chunks)
    known = [
        (time + took, row) for row, (time, took, ok) in enumerate(arrivals) if ok and 0 < took <= LONGEST
    ]
    assert [end for chunk in found for end in chunk] == sorted(known)
    for chunk, ends in zip(chunks, found, strict=False):
        assert all(end <= chunk[-1][0] for end, _ in ends)


def test_ends_crowded_in_one_stretch_of_time_are_sorted_too() -> None:
    arrivals = [(number, LONGEST - 3 * number, True) for number in range(300)] + [(1 << 40, 1, True)]
    (crowd, rest) = ends_of_all([arrivals])
    assert [row for _, row in crowd] == [*range(299, -1, -1)]
    assert rest == [((1 << 40) + 1, 300)]


ROOM = "account.pool_in_use < account.pool_limit"
SERVES = "serve_alike(state, sums, row, now)"
LONG, SHORT = "handler_us > function.alike_most_us", "handler_us <= 0"
FAILS = "state.ahead_us[2 * row + 1] != at.COMPLETED"
NONE, COLD = "environment == 0", "now >= slot.warm_until_us"
RESET, PROVISIONED = "slot.was_reset", "function.provisioned_idle"
FIRST = "row == 0 or end_us < next_us or comes_first(state, row)"


def any_of(*conditions: str) -> str:
    """Write a condition that several others make."""
    return " or ".join(conditions)


FAULTS: dict[str, Fault] = {
    "sorted ends after the calendar's of the same moment": (FIRST, "row == 0 or end_us < next_us"),
    "sorted ends before the calendar's of the same moment": (FIRST, "True"),
    "sorted ends after arrivals of the same moment": (
        "min(end_us, next_us) > now",
        "min(end_us + 1, next_us) > now",
    ),
    "an arrival like most before a retry of the same moment": (
        "retry_us > now and serve_those_alike(state, sums, now, min(change_us, retry_us))",
        "state.time_us[arrival] == now and serve_those_alike(state, sums, now, min(change_us, retry_us))",
    ),
    "arrivals like most go on over retries": ("min(change_us, retry_us)", "change_us"),
    "arrivals like most go on over changes": ("min(change_us, retry_us)", "retry_us"),
    "arrivals like most go on over the calendar": (
        "until_us = min(until_us, state.completions.head[0].next_us)",
        "until_us = min(until_us, NEVER)",
    ),
    "arrivals like most go on at the moment of something else": (
        "row == len(state.time_us) or state.time_us[row] >= until_us",
        "row == len(state.time_us) or state.time_us[row] > until_us",
    ),
    "one more like most than the pool has": (f"{ROOM} and {SERVES}", SERVES),
    "among those alike, ends after arrivals of the same moment": (
        "state.ends_us[next_end] <= now",
        "state.ends_us[next_end] < now",
    ),
    "a run without length that is like most": (any_of(LONG, SHORT, FAILS), any_of(LONG, FAILS)),
    "a run that is like most whatever goes wrong": (any_of(LONG, SHORT, FAILS), any_of(LONG, SHORT)),
    "a run that is like most however long it takes": (any_of(LONG, SHORT, FAILS), any_of(SHORT, FAILS)),
    "most are warm one microsecond too long": (
        any_of(NONE, COLD, RESET, PROVISIONED),
        any_of(NONE, "now > slot.warm_until_us", RESET, PROVISIONED),
    ),
    "most run no INIT again": (any_of(NONE, COLD, RESET, PROVISIONED), any_of(NONE, COLD, PROVISIONED)),
    "most leave provisioned environments idle": (
        any_of(NONE, COLD, RESET, PROVISIONED),
        any_of(NONE, COLD, RESET),
    ),
    "most spend nothing of the request rate": (
        "if function.request_rate:\n    _spend(rate, now)\nfunction.idle_first = slot.next",
        "function.idle_first = slot.next",
    ),
    "most are held up by no request rate": (
        "if function.request_rate and not _allows(rate, now):\n    return False",
        "if function.request_rate and False:\n    return False",
    ),
    "most leave environments that never grow old": (
        "slot.runs = 0\nslot.warm_until_us = ENDS_WITH_ITS_RUN\nif end_us < slot.retires_us:\n"
        "    slot.warm_until_us = min(end_us + function.keep_alive_at_least_us, slot.retires_us)",
        "slot.runs = 0\nslot.warm_until_us = end_us + function.keep_alive_at_least_us",
    ),
    "most are admitted before all others": (
        "event = Event(rank, invocation, now, 0, 0, 0, row, 0, 0)\nslot.key = account.admitted",
        "event = Event(rank, invocation, now, 0, 0, 0, row, 0, 0)\nslot.key = 0",
    ),
    "an end at a chunk's last moment left for the next": (
        "if end_us <= last_us:\n    buckets[((end_us - first_us) >> width) + 1] += 1\nelse:\n    ...",
        "if end_us < last_us:\n    buckets[((end_us - first_us) >> width) + 1] += 1\nelse:\n    ...",
    ),
}


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_has_its_place(name: str) -> None:
    module, faulty = exchanged(FAULTS[name])
    assert ast.dump(faulty) != ast.dump(TREES[module])


@pytest.mark.slow
def test_every_fault_is_seen() -> None:
    families = [
        family for family in FAMILIES.values() if family.source is Family().source and family.calls is None
    ]
    assert_all_seen(FAULTS, families, number=10)
