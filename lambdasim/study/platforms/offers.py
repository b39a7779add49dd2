"""One replication on every platform: the same arrivals, work and luck, and what each of them asks for it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from functools import reduce
from math import ceil
from typing import Final

import numpy as np

from lambdasim.billing import price
from lambdasim.billing.exact import product, quotient
from lambdasim.billing.platforms.charges import (
    MB_MS_PER_GB_S,
    MS_PER_HOUR,
    PlatformUsage,
    sum_of,
)
from lambdasim.billing.quantities.platforms import GOOGLE
from lambdasim.catalog import ChargeKind
from lambdasim.catalog.prices.platform_kinds import Billed, Measure, Platform
from lambdasim.catalog.prices.platforms import platform_book
from lambdasim.engine.totals.histogram import Histogram, together
from lambdasim.results.run import RunResult
from lambdasim.results.simulate import simulate
from lambdasim.results.usage.as_month import monthly_usage, period_of
from lambdasim.specs.base import revised
from lambdasim.specs.function import FunctionSpec
from lambdasim.specs.scenario import ScenarioSpec
from lambdasim.study.platforms.fronts import in_bytes
from lambdasim.study.platforms.managed import ManagedNeed, managed_plan
from lambdasim.study.platforms.month import Month
from lambdasim.study.platforms.nodes import Pods, nodes_usd
from lambdasim.study.platforms.services import End, computing_of, serve, ways_into
from lambdasim.study.platforms.serving import Served, in_chains, used_mb
from lambdasim.study.platforms.settings import PlatformTerms, Setting, setting_of
from lambdasim.study.platforms.tables import LAMBDA, NAMES, SERVERS, Offer, Replication
from lambdasim.study.server_costs import Costs, Fleets, Option
from lambdasim.study.server_demand import demand_of, starts_at_peak, with_pollers
from lambdasim.study.variants import LimitCase, Variant, case_scenario

MANY: Final = 1000
"""Requests that share a server's process where memory no longer counts."""
_LOW_MB: Final = 128


def replication(
    scenario: ScenarioSpec, fleets: Fleets, terms: PlatformTerms, engine: str, period: str, seed: int
) -> Replication:
    """Run a scenario on every platform with one seed; this may be another process.

    Parameters
    ----------
    scenario : ScenarioSpec
        Its limits of concurrency are raised as far as needed.
    fleets : Fleets
        Servers that can hold the functions; empty where there are no prices.
    terms : PlatformTerms
    engine : str
        Of Lambda.
    period : {"month", "run"}
        What money is of.
    seed : int
        Added to the scenario's.

    Returns
    -------
    Replication
    """
    changed = case_scenario(scenario, LimitCase(Variant.UNLIMITED, seed))
    changed = revised(changed, {"functions": tuple(with_pollers(spec, 1.0) for spec in changed.functions)})
    run = simulate(changed, engine=engine, keep_records=bool(changed.callers))
    specs = [changed.function(function.name) for function in run.plan.functions]
    needs = {function.name: used_mb(function.draws) for function in run.plan.functions}
    refused: dict[str, str] = {}
    ends, settings = _ends(specs, needs, terms, refused)
    of_money = period_of(scenario, period)
    factor = of_money.factor
    served, owners, settings, own_ms, kb = serve(run, specs, ends, settings, needs)
    month = Month(
        scenario,
        monthly_usage(run.usage(), factor),
        factor,
        ceil(of_money.hours) if period == "run" else round(of_money.hours),
        round(in_bytes(kb) * factor),
        period,
    )
    offers = [_lambda_offer(run, month), *_server_offers(run, month, fleets, terms, own_ms)]
    for end, by_function, of, set_up in zip(ends, served, owners, settings, strict=True):
        offer = _platform_offer(end, by_function, set_up, of, month, fleets, terms)
        if isinstance(offer, str):
            refused[end.platform.key] = offer
        elif terms.always_ready and end.platform.always_ready is not None:
            offers += _held(offer, end.platform, by_function, set_up, month, terms.always_ready)
        else:
            offers.append(offer)
    wanted = {LAMBDA, *terms.only} if terms.only else {offer.key for offer in offers}
    return Replication(
        tuple(offer for offer in offers if offer.key in wanted),
        {key: why for key, why in refused.items() if not terms.only or key in terms.only},
        sum(row.requests for row in month.usage),
        _not_run_share(run),
        _repeated_share(run),
        _handed_on_ms(run),
        tuple(
            name
            for name, totals in zip(run.aggregate.names, run.aggregate.functions, strict=True)
            if starts_at_peak(totals, scenario.duration_us)
        ),
    )


def _not_run_share(run: RunResult) -> float:
    direct = [
        totals
        for plan, totals in zip(run.plan.functions, run.aggregate.functions, strict=True)
        if plan.source is None
    ]
    events, runs = sum(one.events for one in direct), sum(one.runs for one in direct)
    return max(1 - runs / events, 0.0) if events else 0.0


def _repeated_share(run: RunResult) -> float:
    """Give the part of runs, or of messages and records received, that were there before; chains run alike everywhere."""
    chained, runs, first = in_chains(run.plan), 0, 0
    for plan, totals in zip(run.plan.functions, run.aggregate.functions, strict=True):
        if plan.name in chained:
            continue
        begun, arrived = totals.runs, totals.events
        if totals.items is not None:
            begun, arrived = totals.items.receives, totals.items.sent
        runs += begun
        first += min(begun, arrived)
    return 1 - first / runs if runs else 0.0


def _ends(
    specs: Sequence[FunctionSpec],
    needs: Mapping[str, int | None],
    terms: PlatformTerms,
    refused: dict[str, str],
) -> tuple[list[End], list[list[Setting]]]:
    """Set all functions up on every platform in the ways that bound what the scenario does not say."""
    ends, settings = [], []
    for key, platform in platform_book().platforms.items():
        if terms.only and key not in terms.only:
            continue
        for end in _ways(platform, specs, needs, terms):
            found = [
                setting_of(platform, spec, _need_mb(platform, spec, needs[spec.name]), end.at_once)
                for spec in specs
            ]
            whys = [one for one in found if isinstance(one, str)]
            if whys:
                refused[key] = whys[0]
                continue
            ends.append(end)
            settings.append([one for one in found if not isinstance(one, str)])
    return ends, settings


def _ways(
    platform: Platform,
    specs: Sequence[FunctionSpec],
    needs: Mapping[str, int | None],
    terms: PlatformTerms,
) -> Iterator[End]:
    asked = terms.requests_at_once
    if platform.billed is Billed.CPU:
        yield End(platform, None)
    elif platform.billed is Billed.RUNS:
        if all(need is not None for need in needs.values()):
            yield End(platform, asked)
        else:
            most = platform.sizes[-1].most_mb
            yield End(platform, asked, _LOW_MB)
            yield End(platform, asked, min(max(spec.memory_mb for spec in specs), most))
    elif asked is not None:
        yield End(platform, asked)
    else:
        yield End(platform, 1)
        yield End(platform, None)


def _need_mb(platform: Platform, spec: FunctionSpec, used: int | None) -> int:
    """Say how much memory a function needs; where platforms bill what is used, none is known to be too much."""
    if used is not None:
        return used
    if platform.billed in (Billed.CPU, Billed.RUNS):
        return min(spec.memory_mb, platform.sizes[-1].most_mb)
    return spec.memory_mb


def _lambda_offer(run: RunResult, month: Month) -> Offer:
    scenario = month.scenario
    both = [
        (price(month.usage, on=scenario.price_date, free_tier=free), month.aws(free=free))
        for free in (scenario.free_tier, False)
    ]
    (bill, (front, egress)), (listed, beside) = both
    requests = sum((item.amount for item in bill.items if item.kind is ChargeKind.REQUEST), Decimal(0))
    totals = run.aggregate.functions
    runs = sum(one.runs for one in totals)
    return Offer(
        key=LAMBDA,
        platform=NAMES[LAMBDA],
        at_once=1,
        size=", ".join(dict.fromkeys(f"{spec.memory_mb:,} MB" for spec in scenario.functions)),
        compute=bill.total - requests,
        requests=requests,
        front=front,
        egress=egress,
        fixed=Decimal(0),
        without_grants=listed.total + sum(beside),
        latency_ms=together(*(_invoked_ms(run, place) for place in range(len(totals)))),
        cold_share=sum(one.cold for one in totals) / runs if runs else 0.0,
        peak=max((one.concurrency.peak for one in totals), default=0),
    )


def _invoked_ms(run: RunResult, place: int) -> Histogram:
    """Give what a function's events take from its invocation on, as other platforms' requests are timed [ms].

    Notes
    -----
    A client waits from its call on. Messages, records and asynchronous events wait for pollers, batches and retries
    first, which no other platform has here: their runs count, INIT included. The time of a batch is that of each of its
    messages, which the mean size of batches weighs.
    """
    totals = run.aggregate.functions[place]
    if run.plan.functions[place].retry.synchronous:
        return totals.all_latency_ms()
    found = together(totals.billed_with_init, totals.provisioned_billed)
    if totals.items is None or not len(found):
        return found
    return Histogram(found.values, np.rint(found.counts * (totals.events / len(found))).astype(np.int64))


def _handed_on_ms(run: RunResult) -> Histogram:
    """Give what messages, records and asynchronous events take on Lambda from being sent on [ms]."""
    return together(
        *(
            totals.all_latency_ms()
            for plan, totals in zip(run.plan.functions, run.aggregate.functions, strict=True)
            if not plan.retry.synchronous
        )
    )


def _server_offers(
    run: RunResult, month: Month, fleets: Fleets, terms: PlatformTerms, own_ms: Histogram
) -> Iterator[Offer]:
    """Give what servers ask, as many as the break-even has of them."""
    scenario = month.scenario
    if not fleets:
        return
    servers = tuple(
        dict.fromkeys(one for fleet in fleets.values() for able in fleet.values() for one in able)
    )
    demand = demand_of(run, servers, month.factor)
    ends = (1, MANY) if terms.requests_at_once is None else (terms.requests_at_once,)
    for key, option in SERVERS.items():
        if option not in fleets:
            continue
        for at_once in ends:
            costs = Costs(
                scenario, replace(terms.servers, requests_per_process=at_once), fleets, month.period
            )
            on_servers = option is not Option.MANAGED
            front, egress = month.aws(free=scenario.free_tier, servers=on_servers)
            usd = costs.usd(option, demand)
            yield Offer(
                key=key,
                platform=NAMES[key],
                at_once=at_once,
                size=costs.servers(option, demand),
                compute=usd,
                requests=Decimal(0),
                front=front,
                egress=egress,
                fixed=Decimal(0),
                without_grants=usd + sum(month.aws(free=False, servers=on_servers)),
                latency_ms=own_ms,
                cold_share=0.0,
                peak=0,
            )
    if Option.MANAGED in fleets and terms.requests_at_once is None:
        yield from _sized_by_aws(run, month, fleets, own_ms)


def _sized_by_aws(run: RunResult, month: Month, fleets: Fleets, own_ms: Histogram) -> Iterator[Offer]:
    """Give what managed instances ask where AWS's sample calculator sizes them for Lambda's peak."""
    scenario = month.scenario
    needs = []
    for places in ways_into(run):
        # The most in progress of a function with several ways in is that of all of them.
        peak = max(run.aggregate.functions[place].concurrency.peak for place in places)
        ways = [scenario.function(run.plan.functions[place].name) for place in places]
        computing = computing_of(ways, run, places)
        needs.append(ManagedNeed(ways[0].architecture.value, ways[0].memory_mb, peak, computing))
    requests = sum(row.requests for row in month.usage)
    found = managed_plan(needs, fleets[Option.MANAGED], period_of(scenario, month.period).hours, requests)
    if found is None:
        return
    front, egress = month.aws(free=scenario.free_tier)
    yield Offer(
        key="managed_instances",
        platform=NAMES["managed_instances"],
        at_once=max(found.requests_per_environment),
        size=f"{found.instances}, as AWS's sample calculator",
        compute=found.usd,
        requests=Decimal(0),
        front=front,
        egress=egress,
        fixed=Decimal(0),
        without_grants=found.usd + sum(month.aws(free=False)),
        latency_ms=own_ms,
        cold_share=0.0,
        peak=sum(found.environments),
    )


def _platform_offer(
    end: End,
    served: Sequence[Served],
    settings: Sequence[Setting],
    specs: Sequence[FunctionSpec],
    month: Month,
    fleets: Fleets,
    terms: PlatformTerms,
) -> Offer | str:
    scenario, platform = month.scenario, end.platform
    off = terms.google_off_percent if platform.vendor == GOOGLE else Decimal(0)
    usage = reduce(PlatformUsage.plus, (one.usage for one in served)).times(month.factor)
    charges = {free: month.charges(platform.key, usage, free=free, off_percent=off) for free in (True, False)}
    mine = charges[scenario.free_tier]
    fixed = sum_of(mine, Measure.MONTHS, Measure.CLUSTER_HOURS)
    requests = sum_of(mine, Measure.REQUESTS)
    compute = sum_of(mine) - fixed - requests
    size = ", ".join(dict.fromkeys(setting.size for setting in settings))
    listed = sum_of(charges[False])
    front: Decimal | None
    if platform.billed is Billed.NODES:
        pods = [
            Pods(spec.architecture.value, one.peak, setting.milli_vcpus, setting.memory_mb)
            for spec, one, setting in zip(specs, served, settings, strict=True)
        ]
        found = nodes_usd(pods, fleets.get(Option.EC2, {}), period_of(scenario, month.period).hours)
        if isinstance(found, str):
            return found
        compute, size = compute + found.usd, f"{found.nodes}; pods of {size}"
        listed += found.usd
        front, egress = month.aws(free=scenario.free_tier, servers=True)
        without = listed + sum(month.aws(free=False, servers=True))
    else:
        front, egress = month.vendor(platform.vendor, free=scenario.free_tier)
        without = listed + month.total_without(month.vendor(platform.vendor, free=False))
    if end.memory_mb is not None:
        size = f"{end.memory_mb:,} MB used"
    if platform.billed is Billed.CPU:
        size = "an isolate"
    requested = sum(one.usage.requests for one in served)
    return Offer(
        key=platform.key,
        platform=platform.name,
        at_once=0 if platform.billed is Billed.CPU else max(one.plan.slots for one in settings),
        size=size,
        compute=compute,
        requests=requests,
        front=front,
        egress=egress,
        fixed=fixed,
        without_grants=without,
        latency_ms=together(*(one.latency_ms for one in served)),
        cold_share=sum(one.waited for one in served) / requested if requested else 0.0,
        peak=sum(one.peak for one in served),
    )


def _held(
    offer: Offer,
    platform: Platform,
    served: Sequence[Served],
    settings: Sequence[Setting],
    month: Month,
    number: int,
) -> Iterator[Offer]:
    """Give an offer with instances that are held: where they serve nothing, and where they serve all that they can.

    Which instance takes a request is not published, so the bill lies between. What runs on held instances has no free
    part; that they save starts is not counted.
    """
    prices = platform.always_ready
    assert prices is not None  # noqa: S101 - asked for where there are prices
    free = month.scenario.free_tier
    held = [one.memory_mb * number * month.hours * MS_PER_HOUR for one in settings]
    busy = [round(one.usage.mb_ms * month.factor) for one in served]
    taken = sum(min(pair) for pair in zip(held, busy, strict=True))
    left = PlatformUsage(requests=sum(round(one.usage.requests * month.factor) for one in served),
                         mb_ms=sum(busy) - taken)  # fmt: skip
    baseline = product(quotient(sum(held), MB_MS_PER_GB_S), prices.baseline_usd)
    size = f"{offer.size}; {number} always ready"
    yield offer._replace(
        size=f"{size}, serving none",
        fixed=offer.fixed + baseline,
        without_grants=offer.without_grants + baseline,
    )
    executing = product(quotient(taken, MB_MS_PER_GB_S), prices.executing_usd)
    mine, listed = (
        month.charges(platform.key, left, free=granted) for granted in (free and taken < sum(busy), False)
    )
    beside = offer.without_grants - sum_of(
        month.charges(platform.key, replace(left, mb_ms=sum(busy)), free=False)
    )
    requests = sum_of(mine, Measure.REQUESTS)
    yield offer._replace(
        size=f"{size}, serving what they can",
        compute=sum_of(mine) - requests + executing,
        requests=requests,
        fixed=offer.fixed + baseline,
        without_grants=beside + sum_of(listed) + executing + baseline,
    )
