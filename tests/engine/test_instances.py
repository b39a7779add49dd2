"""Instances that serve several requests at once: cases worked by hand, and laws of queueing theory."""

from math import exp

import numpy as np
import pytest
from numpy.typing import NDArray

import lambdasim as ls
from lambdasim.engine.instances.run import Answers, InstancePlan, InstanceRun, InstanceTotals, Requests
from lambdasim.errors import InputError
from lambdasim.results.intervals import t_interval

NO_START = np.zeros(1, dtype=np.int64)
EVER = 10**15
Whole = NDArray[np.int64]


def whole(*numbers: float) -> Whole:
    return np.array(numbers, dtype=np.int64)


def served(
    plan: InstancePlan,
    time_us: Whole,
    cpu_us: Whole,
    io_us: Whole,
    starts_us: Whole = NO_START,
    *,
    chunk: int = 10_000,
    horizon_us: int = EVER,
) -> tuple[Answers, InstanceTotals]:
    """Serve requests; answers are in the order of arrival."""
    run = InstanceRun(plan, starts_us, horizon_us)
    parts = [
        run.take(Requests(*(column[at : at + chunk] for column in (time_us, cpu_us, io_us))))
        for at in range(0, len(time_us), chunk)
    ]
    parts.append(run.finish())
    joined = Answers(*(np.concatenate(column) for column in zip(*parts, strict=True)))
    order = np.argsort(joined.request)
    return Answers(*(column[order] for column in joined)), run.totals()


def poisson(seed: int, n: int, mean_gap_us: float) -> Whole:
    return np.cumsum(np.random.default_rng(seed).exponential(mean_gap_us, n)).astype(np.int64)


def test_two_requests_share_a_vcpu_by_hand() -> None:
    """The first computes 50 ms alone, then both at half speed until it ends at 150; the other ends at 200."""
    plan = InstancePlan(slots=2, target=2, vcpus=1.0, idle_us=1_000_000)
    found, totals = served(plan, whole(0, 50_000), whole(100_000, 100_000), whole(0, 0))
    assert found.latency_us.tolist() == [150_000, 150_000]
    assert totals.busy_us == 200_000
    assert totals.starts == 1


def test_waiting_shares_nothing_and_two_vcpus_are_enough_for_two() -> None:
    two = InstancePlan(slots=3, target=3, vcpus=2.0, idle_us=1)
    found, _ = served(two, whole(0, 0), whole(70_000, 70_000), whole(10_000, 20_000))
    assert found.latency_us.tolist() == [80_000, 90_000]
    found, _ = served(two, whole(0, 0, 0), whole(0, 0, 0), whole(5, 6, 7))
    assert found.latency_us.tolist() == [5, 6, 7]


def test_a_fraction_of_a_vcpu_and_a_parallel_part_stretch_as_on_lambda() -> None:
    found, _ = served(InstancePlan(vcpus=0.25), whole(0), whole(100), whole(7))
    assert found.latency_us.tolist() == [407]
    found, _ = served(InstancePlan(vcpus=4.0, parallel_fraction=0.5), whole(0), whole(1000), whole(0))
    assert found.latency_us.tolist() == [625]  # 0.5 + 0.5 / 4


def test_busy_time_is_rounded_up_for_each_busy_time_by_hand() -> None:
    """0 to 130 ms in one, 300 to 310 ms in another: 2 + 1 ticks of 100 ms; overlap is paid once."""
    plan = InstancePlan(slots=9, target=9, idle_us=10**9, tick_us=100_000)
    time_us, io_us = whole(0, 30_000, 300_000), whole(100_000, 100_000, 10_000)
    found, totals = served(plan, time_us, whole(0, 0, 0), io_us)
    assert found.latency_us.tolist() == io_us.tolist()
    assert (totals.ticks, totals.busy_us) == (3, 140_000)


def test_what_begins_within_the_least_that_is_billed_belongs_to_it_by_hand() -> None:
    """At least a second: 0.1 s at 0 and 0.1 s at 0.5 s are one second, 0.1 s at 1 s is another; 0.9 to 1.5 s is 1.5."""
    plan = InstancePlan(slots=9, target=9, idle_us=10**9, tick_us=100_000, least_us=1_000_000)
    short, none = whole(100_000, 100_000, 100_000), whole(0, 0, 0)
    assert served(plan, whole(0, 500_000, 1_000_000), none, short)[1].ticks == 20
    assert served(plan, whole(0, 500_000, 999_999), none, short)[1].ticks == 11
    assert served(plan, whole(0, 900_000), none[:2], whole(100_000, 600_000))[1].ticks == 15


def test_start_up_is_waited_for_and_billed_where_the_platform_bills_it() -> None:
    starts = whole(250_000)
    for billed, ticks in ((True, 4), (False, 1)):
        plan = InstancePlan(idle_us=5, tick_us=100_000, start_billed=billed)
        found, totals = served(plan, whole(0), whole(0), whole(100_000), starts)
        assert (found.latency_us.tolist(), found.duration_us.tolist()) == ([350_000], [100_000])
        assert (totals.ticks, totals.waited) == (ticks, 1)


def test_an_instance_that_came_too_late_is_not_billed_for_serving() -> None:
    """The first is free again before the second is ready, so the second serves nothing: only its start may cost."""
    starts = whole(0, 300_000)
    for billed, ticks in ((True, 2 + 3), (False, 2)):
        plan = InstancePlan(idle_us=5, tick_us=100_000, start_billed=billed, least_us=100_000)
        found, totals = served(plan, whole(0, 50_000), whole(0, 0), whole(100_000, 100_000), starts)
        assert found.latency_us.tolist() == [100_000, 150_000]
        assert (totals.starts, totals.ticks) == (2, ticks)


def test_life_is_billed_from_start_to_end_of_idling_at_least_a_minute_and_not_beyond_the_horizon() -> None:
    plan = InstancePlan(idle_us=10_000_000, tick_us=1_000_000, life_least_us=60_000_000)
    assert served(plan, whole(0), whole(0), whole(2_000_000))[1].life_ticks == 60
    longer = InstancePlan(idle_us=90_000_000, tick_us=1_000_000, life_least_us=60_000_000)
    assert served(longer, whole(0), whole(0), whole(2_000_000))[1].life_ticks == 92
    assert served(longer, whole(0), whole(0), whole(2_000_000), horizon_us=70_000_000)[1].life_ticks == 70


def test_growth_waits_between_starts_by_hand() -> None:
    """Four at once, one instance a second, 10 s each: they begin at 0, 1, 2 and 3 s."""
    plan = InstancePlan(idle_us=1, grow_us=1_000_000)
    found, totals = served(plan, whole(0, 0, 0, 0), np.zeros(4, np.int64), np.full(4, 10_000_000))
    assert found.latency_us.tolist() == [10_000_000, 11_000_000, 12_000_000, 13_000_000]
    assert totals.peak == 4


def test_another_instance_starts_at_the_target_and_slots_take_a_burst_meanwhile() -> None:
    plan = InstancePlan(slots=4, target=2, idle_us=10**9)
    _, totals = served(plan, np.zeros(5, np.int64), np.zeros(5, np.int64), np.full(5, 1000))
    assert totals.starts == 3
    slow = whole(0, 10**6, 10**6)
    found, _ = served(plan, np.zeros(5, np.int64), np.zeros(5, np.int64), np.full(5, 1000), slow)
    assert found.latency_us.tolist() == [1000, 1000, 1000, 1000, 2000]


def test_an_instance_is_gone_at_the_instant_at_which_its_idle_life_ends() -> None:
    plan = InstancePlan(idle_us=1000)
    for gap_us, starts in ((1999, 1), (2000, 2), (2001, 2)):
        assert served(plan, whole(0, gap_us), whole(0, 0), whole(1000, 1000))[1].starts == starts


def test_one_request_at_a_time_is_lambda_itself() -> None:
    """No INIT and a fixed keep-alive: as many cold starts, the same latencies, the same peak as Lambda's engine."""
    n = 3000
    for seed in range(5):
        rng = np.random.default_rng(seed)
        time_us = poisson(seed, n, 40_000) // 1000 * 1000  # rich in ties
        duration_us = rng.integers(1, 300, n) * 1000
        run = ls.simulate(
            arrivals_s=time_us / 1e6, durations_ms=duration_us / 1000, keep_alive_s=0.2, concurrency=10**6
        )
        found, totals = served(InstancePlan(idle_us=200_000), time_us, np.zeros(n, np.int64), duration_us)
        records = run.records
        assert totals.starts == (records["start_type"] == "cold").sum()
        assert totals.peak >= run.aggregate.functions[0].concurrency.peak
        assert found.latency_us.tolist() == duration_us.tolist()
        assert totals.busy_us == duration_us.sum()


def test_the_union_bill_is_the_closed_form() -> None:
    """Poisson arrivals at rate r of fixed length d on one instance: it is busy for 1 - exp(-r d) of the time."""
    n, gap_us = 20_000, 10_000.0
    for length_us in (2_000, 10_000, 30_000):
        shares = []
        for seed in range(12):
            time_us = poisson(seed, n, gap_us)
            plan = InstancePlan(slots=10**6, target=10**6, idle_us=EVER)
            _, totals = served(plan, time_us, np.zeros(n, np.int64), np.full(n, length_us))
            shares.append(totals.busy_us / time_us[-1])
        expected = 1 - exp(-length_us / gap_us)
        interval = t_interval(shares, 0.999)
        assert interval.low < expected < interval.high
        assert interval.half_width < 0.02 * expected


@pytest.mark.parametrize("law", ["exponential", "constant", "two values"])
def test_processor_sharing_has_the_mean_that_no_law_of_service_changes(law: str) -> None:
    """M/G/1 processor sharing: E[S] / (1 - load), whatever the law (Kleinrock, Queueing Systems II, 4.4)."""
    n, gap_us, mean_us = 40_000, 10_000.0, 6_000
    means = []
    for seed in range(12):
        rng = np.random.default_rng(1000 + seed)
        work = {
            "exponential": rng.exponential(mean_us, n),
            "constant": np.full(n, mean_us),
            "two values": np.where(rng.random(n) < 0.9, mean_us / 2, 5.5 * mean_us),
        }[law]
        time_us, cpu_us = poisson(seed, n, gap_us), np.rint(work).astype(np.int64)
        plan = InstancePlan(slots=10**6, target=10**6, idle_us=EVER)
        found, totals = served(plan, time_us, cpu_us, np.zeros(n, np.int64))
        assert abs(totals.busy_us - cpu_us.sum()) <= 2 * n  # no work is lost or done twice
        means.append(float(found.latency_us.mean()))
    interval = t_interval(means, 0.999)
    expected = mean_us / (1 - mean_us / gap_us)
    assert interval.low < expected < interval.high
    assert interval.half_width < 0.08 * expected


def test_chunks_change_nothing_and_every_request_ends_once() -> None:
    rng = np.random.default_rng(7)
    n = 2000
    time_us = poisson(7, n, 20_000)
    cpu_us, io_us = rng.integers(0, 40_000, n), rng.integers(0, 90_000, n)
    plan = InstancePlan(
        slots=5, target=3, vcpus=1.5, idle_us=400_000, tick_us=100_000, grow_us=50_000, start_billed=True
    )
    starts = rng.integers(1, 2_000_000, 64)
    whole_run, totals = served(plan, time_us, cpu_us, io_us, starts)
    for chunk in (1, 17, 999):
        parts, again = served(plan, time_us, cpu_us, io_us, starts, chunk=chunk)
        assert again == totals
        assert all((a == b).all() for a, b in zip(whole_run, parts, strict=True))
    assert whole_run.request.tolist() == list(range(n))
    assert (whole_run.latency_us >= whole_run.duration_us).all()
    assert (whole_run.duration_us >= cpu_us + io_us).all()
    assert totals.ticks * plan.tick_us >= totals.busy_us
    assert totals.life_ticks >= totals.ticks // 2


@pytest.mark.parametrize(
    "bad", [{"slots": 0}, {"target": 2}, {"vcpus": 0.0}, {"tick_us": 0}, {"idle_us": -1}]
)
def test_a_plan_that_cannot_be_is_refused(bad: dict[str, float]) -> None:
    with pytest.raises(InputError):
        InstancePlan(**bad)  # type: ignore[arg-type]
