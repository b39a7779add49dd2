"""Which Compute Savings Plan, and how large a commitment, a run's hourly usage calls for."""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

from lambdasim.billing import Bill, Usage, price
from lambdasim.billing.charges import PoolKey, pools_of
from lambdasim.billing.commitment import HourlyPool, HourlyProfile, best_commitment
from lambdasim.billing.shares import PricedPool
from lambdasim.catalog import ChargeKind, Knowledge, PriceSheet, Tier, billing_rules, price_sheet
from lambdasim.catalog.prices.book import PriceBook
from lambdasim.catalog.prices.savings_plans import SavingsPlan, savings_plans
from lambdasim.errors import InputError
from lambdasim.results.files.hourly import hourly_usage
from lambdasim.results.files.saved import refuse_copies, refuse_the_same_folder
from lambdasim.results.usage.as_month import MonthBasis, month_basis
from lambdasim.results.usage.hour import HourlyUsage
from lambdasim.study.commitment.other import OtherUsage
from lambdasim.study.commitment.rates import plan_rate
from lambdasim.study.commitment.result import CommitmentStudy
from lambdasim.study.commitment.tables import CommitmentOption, TrafficCase, best_option
from lambdasim.wording import money

if TYPE_CHECKING:
    from lambdasim.results.run import RunResult

MULTIPLES: Final = tuple(map(Fraction, ("1/2", "4/5", "1", "5/4", "2")))
HOURS_A_YEAR: Final = 8760
_TAIL_HOURS: Final = 24
"""How much later one run may end than another of the same time span, since retries and waiting events go on."""
_MONTH_HOURS: Final = 28 * 24
"""Of the shortest month: less gets no month's free tier."""
_KNOWN: Final = {
    Knowledge.AWS_PAGE: "AWS's",
    Knowledge.MEASURED: "measured",
    Knowledge.FITTED: "worked out",
    Knowledge.ASSUMED: "assumed",
    Knowledge.GIVEN: "given",
}


@dataclass(frozen=True)
class _Future:
    """Hourly usage of one run with its bill's terms."""

    usage: HourlyUsage
    free_tier: bool
    on: date | None
    price_book: PriceBook | None

    def bill(self) -> Bill:
        """Price it on demand."""
        return price(self.usage.usage, on=self.on, free_tier=self.free_tier, price_book=self.price_book)


def advise_commitment(
    runs: RunResult | str | os.PathLike[str] | Sequence[RunResult | str | os.PathLike[str]],
    *,
    region: str | None = None,
    on: date | None = None,
    percent: Decimal | None = None,
    requests_use_commitment: bool = False,
    price_book: PriceBook | None = None,
    other: OtherUsage | None = None,
    accounts: bool = False,
) -> CommitmentStudy:
    """Find the best hourly commitment of each Compute Savings Plan.

    Parameters
    ----------
    runs : RunResult, path-like, or a sequence of them
        Runs or their folders. Several are equally likely futures of as many hours: replications, forecast paths.
    region : str, optional
        Price as if all had run there.
    on : date, optional
        Day whose rates and rules apply. Default: as each scenario says.
    percent : Decimal, optional
        Discount of your own contract in place of each plan's [%], from 0 to below 100.
    requests_use_commitment : bool
        Whether requests, which get no discount, use the commitment up too. The guide counts them as covered; a plan that
        leaves them out is the default.
    price_book : PriceBook, optional
        Own rates on demand. A plan's discount is taken to come off them, as a contract's discount holds for the fees of
        a plan as well.
    other : OtherUsage, optional
        Fargate and EC2 that the same plan covers.
    accounts : bool
        Whether the runs are accounts of one payer, which a plan covers together, in place of futures: their hours are
        added, tiers and the free tier are the payer's.

    Returns
    -------
    CommitmentStudy

    Raises
    ------
    InputError
        When a run has no hour, one is there twice, or runs differ in hours or are not what ``save`` writes.

    Notes
    -----
    The free tier is used up by the first hours of a month, so that plans cover what is paid for. Paid up front or
    monthly, a commitment costs the same here: the price of money is not modelled.
    """
    given = [runs] if isinstance(runs, str | os.PathLike) or not isinstance(runs, Sequence) else list(runs)
    folders = [Path(run) for run in given if isinstance(run, str | os.PathLike)]
    refuse_the_same_folder("commitment", folders)
    refuse_copies("commitment", folders)
    futures = [_future(run, region, on, price_book) for run in given]
    if not futures:
        raise InputError.single("commitment", "runs", "must be one or more")
    if accounts:
        futures = [_of_one_payer(futures)]
    if len({len(future.usage.hours) for future in futures}) > 1:
        counted = ", ".join(str(len(future.usage.hours)) for future in futures)[:80]
        raise InputError.single("commitment", "runs", f"must have as many hours each, got {counted}")
    if percent is not None and not (percent.is_finite() and 0 <= percent < 100):
        raise InputError.single("commitment", "percent", f"must be from 0 to below 100, got {percent}")
    offer, profiles, options = savings_plans(), {}, []
    bills = [future.bill().total for future in futures]
    hours = len(futures[0].usage.hours)
    on_demand = sum(map(Fraction, bills), Fraction(0)) / len(bills) + (other.total_usd(hours) if other else 0)
    coverable = Fraction(0)
    for known in offer.plans:
        plan = known if percent is None else replace(known, percent=percent, knowledge=Knowledge.GIVEN)
        terms = _terms(plan, other)
        if terms not in profiles:
            profiles[terms] = [_covered(future, plan, requests_use_commitment, other) for future in futures]
        found = profiles[terms]
        coverable = _mean(one.profile.cost(0).total_usd for one in found)
        options.append(_option(plan, found, on_demand))
    best = best_option(options)
    return CommitmentStudy(
        hours=hours,
        futures=len(futures),
        on_demand_usd=on_demand,
        coverable_usd=coverable,
        options=tuple(options),
        cases=tuple(
            _case(multiple, best.usd_per_hour, [one.profile for one in profiles[_terms(best.plan, other)]])
            for multiple in MULTIPLES
        ),
        notes=_notes(options, requests_use_commitment, price_book, other),
        unlike=tuple(
            dict.fromkeys(
                [*(why for run in given for why in _basis(run).unlike), *_whole_tier(futures, bills)]
            )
        ),
    )


def _whole_tier(futures: Sequence[_Future], bills: Sequence[Decimal]) -> Iterator[str]:
    """Say that a month's free tier is taken off less than a month, which leaves little for a plan to cover."""
    if len(futures[0].usage.hours) >= _MONTH_HOURS:
        return
    without = [replace(future, free_tier=False).bill().total for future in futures]
    if without != bills:
        usd = sum(map(Fraction, without), Fraction(0)) / len(without)
        yield f"a whole month's free tier is taken off them ({money(usd)} on demand without it)"


def _basis(run: RunResult | str | os.PathLike[str]) -> MonthBasis:
    """Say how a run stands for a month."""
    from lambdasim.results.files.saved import load_basis

    return load_basis(run) if isinstance(run, str | os.PathLike) else month_basis(run.scenario)


def _future(
    run: RunResult | str | os.PathLike[str],
    region: str | None,
    on: date | None,
    price_book: PriceBook | None,
) -> _Future:
    from lambdasim.results.files.saved import load_free_tier

    usage = hourly_usage(run)
    if any(row.managed_s for row in usage.usage):
        text = (
            "must have no functions on managed instances: a plan's part of their instances is not worked out"
        )
        raise InputError.single("commitment", "runs", text)
    free_tier = load_free_tier(run) if isinstance(run, str | os.PathLike) else run.scenario.free_tier
    if region is not None:
        usage = replace(
            usage,
            hours=tuple(tuple(replace(row, region=region) for row in rows) for rows in usage.hours),
            rest=tuple(replace(row, region=region) for row in usage.rest),
        )
    return _Future(usage, free_tier, on or usage.price_date, price_book)


def _of_one_payer(futures: Sequence[_Future]) -> _Future:
    """Add the hours of several accounts.

    Raises
    ------
    InputError
        When they begin at different hours, or name different days for their prices.
    """
    begins = sorted({f"{one.usage.first:%Y-%m-%d %H:%M}" for one in futures})
    if len(begins) > 1:
        raise InputError.single(
            "commitment", "runs", f"must begin at the same hour to be added, got {', '.join(begins)[:80]}"
        )
    if len({one.on for one in futures}) > 1:
        raise InputError.single("commitment", "on", "must be given: the scenarios name different days")
    lengths = [len(one.usage.hours) for one in futures]
    longest = max(lengths)
    if longest - min(lengths) > _TAIL_HOURS:
        counted = " and ".join(f"{hours:,}" for hours in (min(lengths), longest))
        raise InputError.single(
            "commitment", "runs", f"must cover the same hours to be added, got {counted} hours"
        )
    hours = tuple(
        tuple(
            row for one in futures for row in (one.usage.hours[hour] if hour < len(one.usage.hours) else ())
        )
        for hour in range(longest)
    )
    rest = tuple(row for one in futures for row in one.usage.rest)
    usage = replace(futures[0].usage, hours=hours, rest=rest)
    return replace(futures[0], usage=usage, free_tier=all(one.free_tier for one in futures))


def _terms(plan: SavingsPlan, other: OtherUsage | None) -> tuple[object, ...]:
    """Return what makes two plans charge alike."""
    off = None if other is None else other.percent(plan.years)
    return plan.percent, plan.knowledge is Knowledge.GIVEN, frozenset(plan.rates.items()), off


class _Covered(NamedTuple):
    """What a plan covers of one future, and how its rates are known by usage type."""

    profile: HourlyProfile
    marks: dict[str, str]


def _covered(future: _Future, plan: SavingsPlan, with_requests: bool, other: OtherUsage | None) -> _Covered:
    """Make the hourly pools that a plan covers."""
    kinds = set(savings_plans().kinds) | ({ChargeKind.REQUEST} if with_requests else set())
    bill = future.bill()
    counts = _hourly_counts(future)
    pools, marks = [], {}
    for pool in bill.pools:
        if pool.key.kind not in kinds:
            continue
        day = future.on or date.fromisoformat(f"{pool.key.month}-01")
        tiers = _tiers(price_sheet(pool.key.region, day), pool, future.price_book)
        bands = tuple((tier.up_to_gb_s, tier.rate.usd or Decimal(0)) for tier in tiers)
        found = plan_rate(plan, pool.key, bands[0][1], day)
        if found.mark:
            marks[pool.usage_type] = found.mark
        pools.append(
            HourlyPool(
                usage_type=pool.usage_type,
                counts=tuple(counts[pool.key]),
                free=pool.free_count,
                scale=pool.scale,
                bands=bands,
                plan_rate=found.usd,
            )
        )
    if not pools:
        raise InputError.single("commitment", "usage", "has no duration or provisioned concurrency to cover")
    if other is not None:
        pools.append(other.pool(len(future.usage.hours), plan.years))
    return _Covered(HourlyProfile(pools), marks)


def _tiers(sheet: PriceSheet, pool: PricedPool, book: PriceBook | None) -> list[Tier]:
    """Give a pool's tiers, at own rates where a book has them."""
    key, rates = pool.key, sheet.rates(pool.key.architecture)
    listed = rates.tiers if key.kind is ChargeKind.DURATION else (Tier(None, getattr(rates, key.kind.value)),)
    if book is None:
        return list(listed)
    prefix = sheet.usage_prefix
    name = pool.usage_type.removeprefix(f"{prefix}-")
    own = [
        replace(tier, rate=book.rate(tier.rate, prefix, name, number))
        for number, tier in enumerate(listed, 1)
    ]
    paid = [tier.rate.usd or Decimal(0) for tier in own]
    if paid != sorted(paid, reverse=True):
        raise InputError.single(
            "commitment",
            "price_book",
            f"must not make a later tier of {pool.usage_type} more expensive than an earlier one",
        )
    return own


def _hourly_counts(future: _Future) -> dict[PoolKey, list[int]]:
    """Count each pool by hour; what is known by month alone goes to the pool's first hour of the month."""
    counts: defaultdict[PoolKey, list[int]] = defaultdict(lambda: [0] * len(future.usage.hours))
    for place, rows in enumerate(future.usage.hours):
        for key, count in _pooled(rows, future).items():
            counts[key][place] += count
    for key, count in _pooled(future.usage.rest, future).items():
        used = counts[key]
        used[next((place for place, hour in enumerate(used) if hour), 0)] += count
    return counts


def _pooled(rows: Iterable[Usage], future: _Future) -> dict[PoolKey, int]:
    by_month: defaultdict[str, list[Usage]] = defaultdict(list)
    for row in rows:
        by_month[row.month].append(row)
    return {
        pool.key: pool.count
        for month, used in by_month.items()
        for pool in pools_of(
            used,
            billing_rules(future.on or date.fromisoformat(f"{month}-01")),
            free_requests_for_provisioned=False,
        )
    }


def _option(plan: SavingsPlan, found: Sequence[_Covered], on_demand: Fraction) -> CommitmentOption:
    profiles = [one.profile for one in found]
    chosen = _bought(profiles)
    costs = [profile.cost(chosen) for profile in profiles]
    without = _mean(profile.cost(0).total_usd for profile in profiles)
    total = _mean(cost.total_usd for cost in costs)
    term_usd = chosen * HOURS_A_YEAR * plan.years
    return CommitmentOption(
        plan=plan,
        discount=_mean(profile.discount for profile in profiles),
        marks=tuple(sorted({pair for one in found for pair in one.marks.items()})),
        usd_per_hour=chosen,
        total_usd=on_demand - without + total,
        unused_usd=_mean(cost.unused_usd for cost in costs),
        saving_usd=without - total,
        upfront_usd=term_usd * Fraction(plan.upfront_percent) / 100,
        regrets_usd=tuple(
            cost.total_usd - profile.cost(_bought([profile])).total_usd
            for cost, profile in zip(costs, profiles, strict=True)
        ),
    )


def _case(multiple: Fraction, chosen: Fraction, profiles: Sequence[HourlyProfile]) -> TrafficCase:
    scaled = [profile.scaled(multiple) for profile in profiles]
    best = _bought(scaled)
    committed = _mean(profile.cost(chosen).total_usd for profile in scaled)
    return TrafficCase(
        multiple=multiple,
        on_demand_usd=_mean(profile.cost(0).total_usd for profile in scaled),
        committed_usd=committed,
        best_usd_per_hour=best,
        regret_usd=committed - _mean(profile.cost(best).total_usd for profile in scaled),
    )


def _bought(profiles: Sequence[HourlyProfile]) -> Fraction:
    offer = savings_plans()
    return best_commitment(profiles, least=offer.least_usd_per_hour, step=offer.step_usd_per_hour)


def _mean(amounts: Iterable[Fraction]) -> Fraction:
    found = list(amounts)
    return sum(found, Fraction(0)) / len(found)


def _origin(option: CommitmentOption) -> Iterable[str]:
    """Say how the rates of a plan are known."""
    plan, marks = option.plan, defaultdict(list)
    for usage_type, mark in option.marks:
        marks[mark].append(usage_type)
    name = plan.payment.value.replace("_", " ")
    if not option.marks:
        yield f"{name}: rates as AWS lists them, {plan.as_of.isoformat()}"
    for mark, usage_types in marks.items():
        yield f"{name}: no listed rate for {', '.join(usage_types)}; {mark}"
    if any(mark.endswith("off on demand") for mark in marks):
        yield (
            f"{name}: {plan.percent:f}% is {_KNOWN[plan.knowledge]}, as of {plan.as_of.isoformat()}"
            + (f": {plan.note}" if plan.note else "")
        )


def _notes(
    options: Sequence[CommitmentOption],
    with_requests: bool,
    book: PriceBook | None,
    other: OtherUsage | None,
) -> tuple[str, ...]:
    said = dict.fromkeys(
        note for option in options if option.plan.knowledge is not Knowledge.GIVEN for note in _origin(option)
    )
    requests = (
        "requests use the commitment up, at no discount"
        if with_requests
        else "requests are left out of the plan, which does not discount them"
    )
    own = () if book is None else (f"rates of {book}; a plan's discount comes off them, our reading",)
    return (
        *said,
        *own,
        requests,
        "usage under the plan does not count toward tiers; the free tier goes to the first hours; both our reading",
        "EC2 and Fargate under the same plan come first where they save more; they are not in this usage"
        if other is None
        else other.note(),
        "the price of money paid upfront is not in these figures",
    )
