"""Totals that the compiled engine counts in its steps are those of the reference's records."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from types import ModuleType

import pytest
from families import FAMILIES, Family, plans
from faults import Fault, plain_engine
from hypothesis import HealthCheck, Phase, assume, given, seed, settings
from hypothesis import strategies as st
from test_equality import PATIENT, in_pieces
from totals import Totals, counted, of_records

from lambdasim.engine.contract import Plan
from lambdasim.engine.reference.engine import run_reference
from lambdasim.engine.totals import aggregate, dense
from lambdasim.errors import ConservationError
from lambdasim.units import US_PER_MINUTE, US_PER_S

MONTH_ENDS_US = 1_793_491_200_000_000
# Up to many minutes in one unit of time, so that runs go on beyond minutes, windows and what the ring holds.
UNITS = st.sampled_from([1, 1_000, 250_000, US_PER_S, 20 * US_PER_S, US_PER_MINUTE])
LATEST_US = 10_000 * US_PER_MINUTE
COUNTED = {
    name: replace(family, unit=UNITS)
    for name, family in FAMILIES.items()
    if family.source is Family().source and family.calls is None
}


@contextmanager
def small_stores(window: int) -> Iterator[None]:
    """Let few minutes be put away together, little be spilled at once, and histograms get their pages early."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(aggregate, "_WINDOW", window)
        patch.setattr(aggregate, "_ROWS_AT_ONCE", 1)
        patch.setattr(dense, "_COMMON", 2)
        yield


def check(plan: Plan, start_us: int, duration_us: int, window: int | None) -> None:
    """Compare totals, with ordinary stores or with small ones."""
    chunks = list(run_reference(plan))
    # A run that hangs without a timeout has no minute in which it ends.
    assume(all(chunk.end_us().max() < LATEST_US for chunk in chunks if len(chunk)))
    expected = of_records(plan, chunks, start_us, duration_us)
    if window is None:
        found = counted(plan, start_us, duration_us)
    else:
        with small_stores(window):
            found = counted(in_pieces(plan), start_us, duration_us, room=1)
    assert found == expected


@st.composite
def settings_of(draw: st.DrawFn, family: Family) -> tuple[Plan, int, int, int | None]:
    """Draw a plan, when it starts and how long it is said to be, and the size of stores."""
    plan = draw(plans(family))
    length_us = draw(st.sampled_from([3, US_PER_S, 5 * US_PER_MINUTE, 100 * US_PER_MINUTE]))
    start_us = MONTH_ENDS_US - draw(st.sampled_from([0, 1, US_PER_S, 3 * US_PER_MINUTE]))
    return plan, start_us, length_us, draw(st.sampled_from([None, 2, 4]))


@pytest.mark.parametrize("name", COUNTED)
@settings(max_examples=6, **PATIENT)
@given(data=st.data())
def test_steps_count_what_records_add_up_to(name: str, data: st.DataObject) -> None:
    check(*data.draw(settings_of(COUNTED[name])))


@pytest.mark.slow
@pytest.mark.parametrize("name", COUNTED)
@settings(max_examples=int(os.environ.get("EQUALITY_EXAMPLES", "100")), **PATIENT)
@given(data=st.data())
def test_steps_count_what_records_add_up_to_over_many_scenarios(name: str, data: st.DataObject) -> None:
    check(*data.draw(settings_of(COUNTED[name])))


# What attempts must be to be counted together; of what stands together each follows from the other, mostly.
LIKE_MOST = (
    ("attempt.start_type == _WARM",),
    ("attempt.event_outcome == _SUCCEEDED", "attempt.outcome == _COMPLETED"),
    ("attempt.attempt == 0", "attempt.arrival_us == attempt.start_us"),
    ("attempt.post_response_us == 0",),
    ("attempt.duration_us <= alike.patience_us",),
)


def alike(*without: str) -> str:
    """Write the condition, or one that leaves something out."""
    return " and ".join(part for parts in LIKE_MOST if parts != without for part in parts)


TOTALS_FAULTS: dict[str, Fault] = {
    f"attempts that need not be alike in {parts[0]}": (alike(), alike(*parts)) for parts in LIKE_MOST
} | {
    "minutes in one": ("alike.minutes != head.minutes", "alike.minutes == 0"),
    "what ends with a minute goes on in the next": (
        "end_minute = minute_of(end_us - 1)",
        "end_minute = minute_of(end_us)",
    ),
    "nothing counted of the last minute": (
        "if now == NEVER:\n    if account.counts:\n        put_away(sums)\n    return at.DONE",
        "if now == NEVER:\n    return at.DONE",
    ),
    "a stretch that lasts one microsecond too long": ("now < head.until_us", "now <= head.until_us"),
    "arrivals like most counted beyond the end of a stretch": (
        "if account.counts:\n    until_us = min(until_us, sums.head[0].until_us)",
        "pass",
    ),
    "a single value lost": ("head.spilled += 1", "head.spilled += head.spilled == 0"),
    "the most in progress before, too": ("head.highest = head.pool_highest = 0", "head.pool_highest = 0"),
    "the most in the pool forgotten": (
        "head.pool_highest = max(head.pool_highest, run.unreserved_concurrency)",
        "head.pool_highest = 0",
    ),
    "executions that ended counted twice": (
        "alike.runs = alike.duration_us = alike.billed_ms = alike.highest = alike.ended = 0",
        "alike.runs = alike.duration_us = alike.billed_ms = alike.highest = 0",
    ),
    "no spillover among what is alike": (
        "if sums.ready[function] > 0:\n    by_minute[place, at.SPILLOVER] += alike.runs",
        "pass",
    ),
    "nothing received among what is alike": (
        "if sums.queued[function] != 0:\n    by_minute[place, at.RECEIVED] += alike.runs",
        "pass",
    ),
    "one minute more than the ring has": (
        "if end_minute - sums.head[0].first_minute < sums.minutes.shape[1]:\n"
        "    end_place = place_of(sums, end_minute)\n"
        "    sums.minutes[owner, end_place, ENDED] += 1\n"
        "    sums.active[owner, end_place] = 1",
        "if end_minute - sums.head[0].first_minute <= sums.minutes.shape[1]:\n"
        "    end_place = place_of(sums, end_minute)\n"
        "    sums.minutes[owner, end_place, ENDED] += 1\n"
        "    sums.active[owner, end_place] = 1",
    ),
    "milliseconds rounded down": ("np.uint64(amount_us) + _ALMOST_MS", "np.uint64(amount_us)"),
    "a minute's end forgotten": (
        "totals[at.END_MINUTES] = max(totals[at.END_MINUTES], alike.minutes)",
        "pass",
    ),
}


def generated(name: str, number: int, batch: int) -> list[tuple[Plan, int, int]]:
    """Generate the same scenarios of a family each time, whose totals are kept in small stores."""
    kept: list[tuple[Plan, int, int]] = []

    @seed(batch)
    @settings(
        max_examples=number, database=None, phases=[Phase.generate], suppress_health_check=list(HealthCheck)
    )
    @given(drawn=settings_of(COUNTED[name]))
    def keep(drawn: tuple[Plan, int, int, int | None]) -> None:
        kept.append(drawn[:3])

    keep()
    return kept


Known = Sequence[tuple[tuple[Plan, int, int], Totals]]


def known_totals(number: int, batch: int) -> Known:
    """Generate scenarios of all families, with the totals of the reference's records."""
    found = []
    for plan, start_us, length_us in (drawn for name in COUNTED for drawn in generated(name, number, batch)):
        chunks = list(run_reference(plan))
        if all(chunk.end_us().max() < LATEST_US for chunk in chunks if len(chunk)):
            found.append(((plan, start_us, length_us), of_records(plan, chunks, start_us, length_us)))
    return found


def differs(modules: Mapping[str, ModuleType], drawn: tuple[Plan, int, int], expected: Totals) -> bool:
    """Return whether a faulty engine counts anything else, or does not come to its end."""
    try:
        with small_stores(2):
            plan, start_us, length_us = drawn
            found = counted(in_pieces(plan), start_us, length_us, room=1, modules=modules)
    except (AssertionError, ConservationError, IndexError, ValueError, RuntimeWarning):
        return True
    return found != expected


@pytest.mark.slow
def test_every_fault_of_totals_is_seen_and_the_engine_without_faults_passes() -> None:
    sound, unseen = plain_engine(), [*TOTALS_FAULTS]
    for batch in range(6):
        known = known_totals(4, batch)
        assert not any(differs(sound, drawn, expected) for drawn, expected in known)
        faulty = {name: plain_engine(TOTALS_FAULTS[name]) for name in unseen}
        unseen = [
            name
            for name in unseen
            if not any(differs(faulty[name], drawn, expected) for drawn, expected in known)
        ]
        if not unseen:
            return
    raise AssertionError(f"not seen: {', '.join(unseen)}")
