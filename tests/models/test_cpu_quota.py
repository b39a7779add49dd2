"""The quota law equals stepping the scheduler's ticks, and keeps its limits."""

import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lambdasim.models.cpu_quota import FirstCheck, quota_rules, run_stretch
from lambdasim.models.cpu_scaling import cpu_time_factor
from lambdasim.models.cpu_start import start_law

RULES = quota_rules()
P, H = RULES.period_us, RULES.tick_us
QUOTAS = st.integers(1_447, 20_100) | st.sampled_from([2_000, 4_000, 8_000, 16_000, 19_999])


def stepped(cpu: int, phase: int, credit: int, quota: int, check: int) -> tuple[int, int, int]:
    """Walk from tick to tick: use CPU, renew credit, look at it. Gives duration, phase and credit at the end."""
    if quota >= P or cpu == 0:
        return cpu, (phase + cpu) % P, credit
    began, renewed_through = phase, 0
    asleep = credit <= 0
    if asleep:
        periods = -credit // quota + 1
        credit += periods * quota
        began, phase = phase - periods * P, 0
    now, first_check = phase, phase // H + check
    running, first_stop = True, True
    charged = False
    while True:
        edge = (now // H + 1) * H
        if running:
            if cpu <= edge - now:
                return now + cpu - began, (now + cpu) % P, credit - cpu
            cpu, credit = cpu - (edge - now), credit - (edge - now)
        now = edge
        if now % P == 0 and now > 0:
            if not running and first_stop and charged:
                credit += quota - min(RULES.charge_us, quota // 4)
                cpu += RULES.resume_us
            elif running and credit > 0 and renewed_through < 2:
                room = P - phase if renewed_through == 0 else P
                credit = min(quota + min(credit, -(-room // RULES.slice_us) * RULES.slice_us - room), P)
            else:
                credit += quota
            if running:
                renewed_through += 1
            elif credit > 0:
                running, first_stop = True, False
        if running and credit <= 0 and now // H >= first_check:
            running = False
            charged = first_stop and now < 2 * P


@given(
    st.lists(
        st.tuples(st.integers(0, 400_000), st.integers(-2 * H, P - 1), st.integers(-3_000, P)),
        min_size=1, max_size=8,
    ),
    QUOTAS,
    st.sampled_from(FirstCheck),
)  # fmt: skip
@settings(max_examples=400)
def test_equals_stepping_the_ticks(starts: list[tuple[int, int, int]], quota: int, check: FirstCheck) -> None:
    cpu, phase, credit = (np.array(column, dtype=np.int64) for column in zip(*starts, strict=True))
    credit = np.minimum(credit, quota)
    ran = run_stretch(cpu, phase, credit, quota, check, RULES)
    for i in range(len(cpu)):
        expected = stepped(int(cpu[i]), int(phase[i]), int(credit[i]), quota, int(check))
        assert (int(ran.duration_us[i]), int(ran.phase_us[i]), int(ran.credit_us[i])) == expected


def test_whole_vcpu_never_stops() -> None:
    cpu = np.array([1, 17_300, 5_000_000])
    ran = run_stretch(cpu, cpu * 0, cpu * 0 + 20_000, RULES.quota_us(1769), FirstCheck.EVERY_TICK, RULES)
    assert ran.duration_us.tolist() == cpu.tolist()


@pytest.mark.parametrize("memory_mb", [128, 300, 1024, 1500, 1700])
def test_long_work_follows_the_straight_law(memory_mb: int) -> None:
    cpu = np.array([20_000_000])
    quota = RULES.quota_us(memory_mb)
    ran = run_stretch(cpu, cpu * 0, cpu * 0 + quota, quota, FirstCheck.EVERY_TICK, RULES)
    assert ran.duration_us[0] == pytest.approx(cpu[0] * cpu_time_factor(memory_mb, 0.0), rel=0.005)


def test_spinning_process_runs_one_tick_and_rests_two_or_three_periods() -> None:
    """As AWS does at 128 MB: 4 ms on the CPU, then off for 36 or 56 ms."""
    quota = RULES.quota_us(128)
    ticks = np.arange(1, 200, dtype=np.int64) * H
    ran = run_stretch(ticks, ticks * 0, ticks * 0 + quota, quota, FirstCheck.EVERY_TICK, RULES)
    rests = np.diff(ran.duration_us)[1:] - H
    assert set(rests.tolist()) == {36_000, 56_000}
    assert np.mean(rests == 56_000) == pytest.approx(136 / 181, abs=0.03)


@given(st.integers(1_447, 20_000), st.sampled_from(FirstCheck))
def test_more_work_never_ends_earlier(quota: int, check: FirstCheck) -> None:
    cpu = np.arange(1, 120_000, 397, dtype=np.int64)
    ran = run_stretch(cpu, cpu * 0 + 1_500, cpu * 0 + quota - 1_300, quota, check, RULES)
    assert (np.diff(ran.duration_us) >= 0).all()


@pytest.mark.benchmark
def test_a_million_durations_in_three_tenths_of_a_second() -> None:
    rng = np.random.default_rng(1)
    cpu = np.rint(rng.lognormal(9.7, 0.5, 1_000_000)).astype(np.int64)
    starts = start_law().draw(rng.random((3, len(cpu))), RULES.quota_us(512))
    run_stretch(
        cpu[:1], cpu[:1] * 0, cpu[:1] * 0, RULES.quota_us(512), FirstCheck.FOURTH_TICK, RULES
    )  # compiles
    before = time.perf_counter()
    run_stretch(cpu, starts.phase_us, starts.credit_us, RULES.quota_us(512), FirstCheck.FOURTH_TICK, RULES)
    assert time.perf_counter() - before < 0.3
