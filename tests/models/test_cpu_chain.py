"""A handler's stretches on the CPU and its waits, and how a scenario asks for them."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from test_cpu_quota import RULES, P, stepped

from lambdasim.models.cpu_chain import CpuLaw, CpuStyle, HandlerQuota, handler_durations
from lambdasim.models.cpu_quota import FirstCheck
from lambdasim.models.cpu_start import Starts, start_law
from lambdasim.specs import WorkSpec

STYLES = [CpuStyle(), *(CpuStyle(CpuLaw.QUOTA, check, waits) for check in FirstCheck for waits in (0, 3))]
QUOTA_STYLES = st.builds(CpuStyle, st.just(CpuLaw.QUOTA), st.sampled_from(FirstCheck), st.integers(0, 6))
BELOW_ONE_VCPU = st.integers(128, 1768)
MICROSECONDS = st.integers(0, 300_000)


@pytest.mark.parametrize("style", STYLES, ids=str)
def test_a_style_is_what_the_scenario_that_it_writes_asks_for(style: CpuStyle) -> None:
    written = WorkSpec(cpu_law=style.spec()).model_dump(mode="json")
    assert CpuStyle.of(WorkSpec.model_validate(written).cpu_law) == style


def test_the_law_is_straight_where_nothing_is_said() -> None:
    assert CpuStyle.of(WorkSpec().cpu_law) == CpuStyle(CpuLaw.STRAIGHT)


def walked(cpu: int, io: int, phase: int, credit: int, quota: HandlerQuota) -> int:
    """Go through stretches tick by tick, and through waits from renewal to renewal."""
    pieces = quota.waits + 1
    stretches = [cpu // pieces] * pieces
    stretches[0] += cpu % pieces
    took = 0
    for number, stretch in enumerate(stretches):
        if number:
            phase += io // quota.waits
            while phase >= P:
                phase -= P
                credit = min(credit + quota.quota_us, quota.quota_us)
        duration, phase, credit = stepped(stretch, phase, credit, quota.quota_us, int(quota.check))
        took += duration
    return took + io


@given(
    cpu=MICROSECONDS, io=MICROSECONDS, style=QUOTA_STYLES, memory_mb=BELOW_ONE_VCPU, tick=st.integers(-2, 1),
    delay=st.integers(0, 5_000), charge=st.integers(0, 4_000),
)  # fmt: skip
@example(  # what is left of a slice outlives the renewal, and the waits of no length that follow
    cpu=12_099,
    io=0,
    style=CpuStyle(CpuLaw.QUOTA, FirstCheck.EVERY_TICK, 6),
    memory_mb=405,
    tick=-1,
    delay=42,
    charge=0,
)
@settings(max_examples=300)
def test_equals_walking_through_stretches_and_waits(
    cpu: int, io: int, style: CpuStyle, memory_mb: int, tick: int, delay: int, charge: int
) -> None:
    quota = HandlerQuota.of(style, memory_mb)
    assert quota is not None
    drawn = (np.array([number]) for number in (tick * RULES.tick_us, delay, charge))
    start = quota.starts.begun(*drawn, quota.quota_us, RULES)
    found = quota.durations(np.array([cpu]), np.array([io]), start)
    assert found.tolist() == [walked(cpu, io, int(start.phase_us[0]), int(start.credit_us[0]), quota)]


@given(MICROSECONDS, QUOTA_STYLES, BELOW_ONE_VCPU, st.integers(-8_000, 7_999), st.integers(-3_000, 1_447))
def test_waiting_is_never_stretched(
    io: int, style: CpuStyle, memory_mb: int, phase: int, credit: int
) -> None:
    quota = HandlerQuota.of(style, memory_mb)
    assert quota is not None
    start = Starts(np.array([phase]), np.array([credit]))
    assert quota.durations(np.array([0]), np.array([io]), start).tolist() == [io]


@given(MICROSECONDS, MICROSECONDS, QUOTA_STYLES, st.integers(1769, 10_240))
def test_from_one_vcpu_on_nothing_is_stretched(cpu: int, io: int, style: CpuStyle, memory_mb: int) -> None:
    assert HandlerQuota.of(style, memory_mb) is None
    uniforms = np.array([[0.3], [0.9], [0.5]])
    assert handler_durations(np.array([cpu]), np.array([io]), memory_mb, style, uniforms).tolist() == [
        cpu + io
    ]


def test_starts_from_laws_and_from_evenly_spread_numbers_have_the_same_distribution() -> None:
    """Evenly spread bits and numbers leave no luck: shares agree to one in a hundred thousand, means to 0.1 µs."""
    n = 1 << 17
    spread = (np.arange(n) + 0.5) / n
    law = start_law()
    bits = np.floor(spread * 2**64).astype(np.uint64)
    ticks, delays, charges = (one.values(bits) for one in law.laws(RULES).values())
    uniforms = np.broadcast_to(spread, (3, n))
    starts = law.draw(uniforms, quota_us=5_000, rules=RULES)
    for tick in (-2, -1, 0, 1):
        first, last = tick * RULES.tick_us, (tick + 1) * RULES.tick_us
        expected = np.mean((starts.phase_us >= first) & (starts.phase_us < last))
        assert np.mean(ticks == first) == pytest.approx(expected, abs=1e-5)
    assert charges.mean() == pytest.approx(5_000 - law.lead_us - starts.credit_us.mean(), abs=0.1)
    within = np.minimum(law.lead_us + delays, RULES.tick_us - 1)
    assert within.mean() == pytest.approx((starts.phase_us % RULES.tick_us).mean(), abs=0.1)
