"""Hourly commitments: worked by hand, laws, and the best one against trying every one."""

from decimal import Decimal
from fractions import Fraction
from itertools import pairwise

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lambdasim.billing.commitment import HourlyPool, HourlyProfile, best_commitment
from lambdasim.errors import InputError

LAWS = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
ONE, TENTH_OFF, FIFTH_OFF = Decimal(1), Decimal("0.90"), Decimal("0.80")


def pool(counts: list[int], plan_rate: Decimal = FIFTH_OFF, **changes: object) -> HourlyPool:
    return HourlyPool(
        **{  # type: ignore[arg-type]
            "usage_type": "GB-s",
            "counts": tuple(counts),
            "free": 0,
            "scale": 1,
            "bands": ((None, ONE),),
            "plan_rate": plan_rate,
        }
        | changes
    )


@st.composite
def profiles(draw: st.DrawFn, free: bool = True) -> HourlyProfile:
    hours = draw(st.integers(1, 6))
    made = []
    for number in range(draw(st.integers(1, 3))):
        counts = draw(st.lists(st.integers(0, 12), min_size=hours, max_size=hours))
        bound = draw(st.integers(1, 30))
        bands = draw(
            st.sampled_from(
                [((None, ONE),), ((bound, ONE), (None, TENTH_OFF)), ((bound, ONE), (None, Decimal("0.1")))]
            )
        )
        made.append(
            pool(
                counts,
                draw(st.sampled_from([ONE, TENTH_OFF, FIFTH_OFF, Decimal("0.7")])),
                usage_type=f"type {number}",
                bands=bands,
                free=draw(st.integers(0, 10)) if free else 0,
                scale=draw(st.sampled_from([1, 2, 1024])),
            )
        )
    return HourlyProfile(made)


def by_the_hour(profile: HourlyProfile, c: Fraction) -> Fraction:
    """Apply a commitment hour by hour, as the guide tells it."""
    left_over = [0 * c for _ in profile.pools]
    for hour in range(profile.hours):
        budget = c
        for place, one in enumerate(profile.pools):
            rate = Fraction(one.plan_rate) / one.scale
            taken = min(one.paid[hour] * rate, budget)
            budget -= taken
            left_over[place] += one.paid[hour] - taken / rate
    on_demand = sum(one.on_demand_usd(count) for one, count in zip(profile.pools, left_over, strict=True))
    return c * profile.hours + on_demand


def test_four_hours_by_hand() -> None:
    # 100, 100, 50, 0 GB-s at 1.00; plan rate 0.80. 40 an hour covers 50 GB-s: on demand 50 + 50, unused 40 in the last.
    cost = HourlyProfile([pool([100, 100, 50, 0])]).cost(40)
    assert (cost.commitment_usd, cost.on_demand_usd, cost.unused_usd) == (160, 100, 40)
    # To 40 every further dollar costs 4 and saves 3 / 0.8; to 80 it saves 2 / 0.8. So nothing pays.
    assert best_commitment([HourlyProfile([pool([100, 100, 50, 0])])]) == 0
    # Without the idle hour a dollar to 40 costs 3 and saves 3 / 0.8.
    assert best_commitment([HourlyProfile([pool([100, 100, 50])])]) == 40


def test_the_highest_discount_comes_first_then_the_lowest_rate() -> None:
    dear = pool([10], Decimal("1.60"), bands=((None, Decimal(2)),), usage_type="dear")
    cheap, little = pool([10], usage_type="cheap"), pool([10], TENTH_OFF, usage_type="a little off")
    profile = HourlyProfile([little, dear, cheap])
    assert [one.usage_type for one in profile.pools] == ["cheap", "dear", "a little off"]
    assert profile.cost(8).on_demand_usd == 20 + 10
    assert profile.cost(24).on_demand_usd == 10


def test_what_is_covered_does_not_count_toward_tiers() -> None:
    # 10 to 10 GB-s at 1, above at 0.5; all of 20 on demand is 15. Half covered leaves 10 at 1.
    profile = HourlyProfile([pool([20], bands=((10, ONE), (None, Decimal("0.5"))))])
    assert profile.cost(0).on_demand_usd == 15
    assert profile.cost(8).on_demand_usd == 10


def test_the_free_tier_goes_to_the_first_hours() -> None:
    assert HourlyProfile([pool([4, 4, 4], free=6)]).pools[0].paid == (0, 2, 4)


@LAWS
@given(profiles(), st.fractions(0, 40))
def test_sums_over_sorted_hours_are_the_hours_one_by_one(profile: HourlyProfile, c: Fraction) -> None:
    assert profile.cost(c).total_usd == by_the_hour(profile, c)


@LAWS
@given(profiles(), st.fractions(0, 40))
def test_no_commitment_is_on_demand_and_a_commitment_is_always_paid(
    profile: HourlyProfile, c: Fraction
) -> None:
    nothing = profile.cost(0)
    assert nothing.commitment_usd == nothing.unused_usd == 0
    assert nothing.total_usd == sum(one.on_demand_usd(Fraction(sum(one.paid))) for one in profile.pools)
    some = profile.cost(c)
    assert some.total_usd >= some.commitment_usd == c * profile.hours
    assert 0 <= some.unused_usd <= some.commitment_usd
    assert some.on_demand_usd <= nothing.on_demand_usd


@LAWS
@given(profiles(free=False), st.fractions(0, 40))
def test_twice_the_usage_and_commitment_is_twice_the_cost(profile: HourlyProfile, c: Fraction) -> None:
    # Bounds of tiers double as well: tiers are the one thing that does not scale by itself.
    doubled = HourlyProfile(
        pool(
            [2 * count for count in one.counts],
            one.plan_rate,
            scale=one.scale,
            usage_type=one.usage_type,
            bands=tuple((None if bound is None else 2 * bound, rate) for bound, rate in one.bands),
        )
        for one in profile.pools
    )
    once, twice = profile.cost(c), doubled.cost(2 * c)
    assert twice.commitment_usd == 2 * once.commitment_usd
    assert twice.unused_usd == 2 * once.unused_usd
    assert twice.on_demand_usd == 2 * once.on_demand_usd
    assert best_commitment([doubled]) == 2 * best_commitment([profile])


@LAWS
@given(st.lists(profiles(), min_size=1, max_size=3), st.lists(st.fractions(0, 40), max_size=20))
def test_nothing_is_cheaper_than_the_best(found: list[HourlyProfile], others: list[Fraction]) -> None:
    def cost(c: Fraction) -> Fraction:
        return sum((by_the_hour(profile, c) for profile in found), Fraction(0))

    best = best_commitment(found)
    points = sorted({Fraction(0), *(point for profile in found for point in profile.turning_points())})
    between = [(low + high) / 2 for low, high in pairwise(points)]
    assert all(cost(best) <= cost(c) for c in (*points, *between, *others))


@LAWS
@given(profiles())
def test_on_a_grid_the_best_is_the_best_of_every_step(profile: HourlyProfile) -> None:
    step, least = Decimal("0.25"), Decimal("0.5")
    highest = max(profile.turning_points())
    every = [Fraction(0), *(Fraction(n, 4) for n in range(2, int(highest * 4) + 3))]
    cheapest = min(by_the_hour(profile, c) for c in every)
    best = best_commitment([profile], least=least, step=step)
    assert best in every
    assert by_the_hour(profile, best) == cheapest


@pytest.mark.parametrize(
    ("pools", "field"),
    [
        ([], "hours"),
        ([pool([])], "hours"),
        ([pool([1]), pool([1, 2])], "hours"),
        ([pool([1], Decimal(0))], "plan_rate"),
    ],
)
def test_pools_that_cannot_be_one_profile(pools: list[HourlyPool], field: str) -> None:
    with pytest.raises(InputError, match=field):
        HourlyProfile(pools)


def test_a_commitment_is_not_negative() -> None:
    with pytest.raises(InputError, match="usd_per_hour"):
        HourlyProfile([pool([1])]).cost(-1)
