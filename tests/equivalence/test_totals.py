"""Totals that the compiled engine counts in its steps are those of the reference's records."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import pytest
from families import FAMILIES, Family, plans
from hypothesis import given, settings
from hypothesis import strategies as st
from test_equality import PATIENT
from totals import counted, of_records

from lambdasim.engine.contract import Plan
from lambdasim.engine.reference.engine import run_reference
from lambdasim.engine.totals import aggregate, dense
from lambdasim.units import US_PER_MINUTE, US_PER_S

MONTH_ENDS_US = 1_793_491_200_000_000
# Up to many minutes in one unit of time, so that runs go on beyond minutes, windows and what the ring holds.
UNITS = st.sampled_from([1, 1_000, 250_000, US_PER_S, 20 * US_PER_S, US_PER_MINUTE, 7 * US_PER_MINUTE])
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
    expected = of_records(plan, run_reference(plan), start_us, duration_us)
    if window is None:
        found = counted(plan, start_us, duration_us)
    else:
        with small_stores(window):
            found = counted(plan, start_us, duration_us, room=1)
    assert found == expected


@st.composite
def settings_of(draw: st.DrawFn, family: Family) -> tuple[Plan, int, int, int | None]:
    """Draw a plan, when it starts and how long it is said to be, and the size of stores."""
    plan = draw(plans(family))
    length_us = draw(st.sampled_from([3, US_PER_S, 5 * US_PER_MINUTE, 100 * US_PER_MINUTE]))
    start_us = MONTH_ENDS_US - draw(st.sampled_from([0, 1, US_PER_S, 3 * US_PER_MINUTE]))
    return plan, start_us, length_us, draw(st.sampled_from([None, 2, 4]))


@pytest.mark.parametrize("name", COUNTED)
@settings(max_examples=10, **PATIENT)
@given(data=st.data())
def test_steps_count_what_records_add_up_to(name: str, data: st.DataObject) -> None:
    check(*data.draw(settings_of(COUNTED[name])))
