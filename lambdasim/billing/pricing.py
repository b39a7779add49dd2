"""From usage to a bill, for another region, month or date as well: no new simulation is needed."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import date
from decimal import Decimal
from functools import partial
from typing import TYPE_CHECKING

from lambdasim.billing.accounts import account_of
from lambdasim.billing.bill import Bill
from lambdasim.billing.exact import plain
from lambdasim.billing.month import PricingTerms, missing_rates, price_month
from lambdasim.billing.neighbours.counts import (
    MeterKey,
    NeighbourTerms,
    assumed_balancers,
    meter_counts,
    shared_traces,
)
from lambdasim.billing.neighbours.pricing import PricedMeters, price_meters
from lambdasim.billing.tiers import FreeSharing
from lambdasim.billing.usage import Usage, is_month
from lambdasim.catalog import ChargeKind, PriceSheet, usage_type
from lambdasim.catalog.prices.book import BookEntry, PriceBook
from lambdasim.errors import CatalogError, InputError
from lambdasim.wording import count, listed, money

if TYPE_CHECKING:
    from lambdasim.specs.scenario import ScenarioSpec


def price(
    usages: Iterable[Usage],
    *,
    region: str | None = None,
    month: str | None = None,
    on: date | None = None,
    free_tier: bool = True,
    price_sheet: PriceSheet | Iterable[PriceSheet] | None = None,
    free_sharing: FreeSharing = FreeSharing.PROPORTIONAL,
    free_counts_toward_tiers: bool = False,
    free_requests_for_provisioned: bool = False,
    price_book: PriceBook | None = None,
    neighbours: NeighbourTerms | Mapping[str, NeighbourTerms] | None = None,
) -> Bill:
    """Price usage of one payer account.

    Parameters
    ----------
    usages : Iterable[Usage]
        Of any months, regions and functions.
    region : str, optional
        Price as if all had run there.
    month : str, optional
        ``YYYY-MM``: price as if all had happened in that month. Refused where the usage is of several months, which
        would then share one free tier.
    on : date, optional
        Day whose billing rules and rates apply. Default: the first day of each row's month.
    free_tier : bool
        Whether this bill gets the account's free tier. Other workloads of the account may have used it up.
    price_sheet : PriceSheet or iterable of them, optional
        Rates for their regions, in place of the catalog's. A bill is in one currency: CNY in China. Refused where no
        usage is of a sheet's region, or two are of one region.
    free_sharing : FreeSharing
        How the free tier is shared between regions and architectures.
    free_counts_toward_tiers : bool
        Whether free GB-s count toward the bounds of the tiers. AWS bills them under a usage type of their own, so by
        default the first band begins with the first GB-s that is paid for.
    free_requests_for_provisioned : bool
        Whether requests on provisioned environments may be free. The pricing page's text says no, its first
        provisioned example takes the free million off.
    price_book : PriceBook, optional
        Discounts or own rates on top; the bill names it.
    neighbours : NeighbourTerms or mapping of str to NeighbourTerms, optional
        Which lines of the services beside Lambda the bill has besides, see ``NeighbourTerms.of_scenario``; by account
        where usage has accounts.

    Returns
    -------
    Bill

    Raises
    ------
    CatalogError
        When a region is unknown, a needed rate is unknown, or a date lies before the known rules.
    InputError
        When ``month`` is no month or the usage is of several, ``price_sheet`` would have no effect, the sheets
        are in two currencies, or ``price_book`` is not valid yet or has own rates in USD for a bill in CNY.

    References
    ----------
    AWS Lambda pricing page (aws.amazon.com/lambda/pricing), seen 2026-11: tiers per month, region and architecture;
    free tier per account over x86_64 and arm64 together.

    Examples
    --------
    >>> row = Usage("2026-11", "us-east-1", "app", "x86_64", 1536, 512, "zip", "python3.13", requests=3_000_000,
    ...             billed_ms_with_init=360_000_000, billed_ms_without_init=360_000_000)
    >>> [f"{item.usage_type} {item.amount:.4f}" for item in price([row]).items if item.tier]
    ['Lambda-GB-Second 2.3333', 'Request 0.4000']
    """
    sheets = (price_sheet,) if isinstance(price_sheet, PriceSheet) else tuple(price_sheet or ())
    terms = PricingTerms(
        on=on,
        free_tier=free_tier,
        given_sheets={sheet.region: sheet for sheet in sheets},
        free_sharing=free_sharing,
        free_counts_toward_tiers=free_counts_toward_tiers,
        free_requests_for_provisioned=free_requests_for_provisioned,
        price_book=price_book,
    )
    rows = _moved(tuple(usages), region, month)
    for sheet in sheets:
        _check_sheet(sheet, rows)
    if len(terms.given_sheets) < len(sheets):
        raise InputError.single("price", "price_sheet", "must be one for each region")
    by_month: defaultdict[str, list[Usage]] = defaultdict(list)
    for usage in rows:
        by_month[usage.month].append(usage)
    if price_book is not None:
        _check_book(price_book, {terms.day(name) for name in by_month})
    currency = _currency(rows, terms)
    if (
        price_book is not None
        and currency != "USD"
        and any(one.usd is not None for one in price_book.entries)
    ):
        raise InputError.single("price", "price_book", f"has own rates in USD, the bill is in {currency}")
    missing = [fault for name in sorted(by_month) for fault in missing_rates(by_month[name], terms)]
    if missing:
        raise CatalogError(list(dict.fromkeys(missing)))
    bills = [price_month(by_month[name], terms) for name in sorted(by_month)]
    beside = _beside(rows, neighbours, terms)
    if beside is not None and beside.items:
        if currency != "USD":
            got = f"of services beside Lambda are known in USD, the bill is in {currency}"
            raise InputError.single("price", "neighbours", f"{got}: leave their lines out")
        bills.append(beside)
    idle = () if price_book is None else _idle_entries(price_book, bills)
    return Bill(
        items=tuple(item for bill in bills for item in bill.items),
        allocations=tuple(part for bill in bills for part in bill.allocations),
        notes=tuple(dict.fromkeys((*(note for bill in bills for note in bill.notes), *idle))),
        currency=currency,
        pools=tuple(pool for bill in bills for pool in bill.pools),
        priced_in=currency,
    )


def price_scenario(
    scenario: ScenarioSpec,
    usages: Iterable[Usage],
    *,
    region: str | None = None,
    month: str | None = None,
    on: date | None = None,
    free_tier: bool | None = None,
) -> Bill:
    """Price usage of a scenario on its own terms: its price date, its free tier, its lines beside Lambda.

    Parameters
    ----------
    scenario : ScenarioSpec
    usages : Iterable[Usage]
    region, month : str, optional
        As for ``price``.
    on : date, optional
        Default: as the scenario says.
    free_tier : bool, optional
        Default: as the scenario says.

    Returns
    -------
    Bill

    Raises
    ------
    CatalogError, InputError
        As ``price`` does.
    """
    return price(
        usages,
        region=region,
        month=month,
        on=on or scenario.price_date,
        free_tier=scenario.free_tier if free_tier is None else free_tier,
        neighbours=NeighbourTerms.of_scenario(scenario),
    )


def _check_sheet(sheet: PriceSheet, usages: tuple[Usage, ...]) -> None:
    """Refuse a price sheet that would be ignored."""
    found = sorted({usage.region for usage in usages})
    if found and sheet.region not in found:
        raise InputError.single(
            "price",
            "price_sheet",
            f"is of {sheet.region}, the usage of {', '.join(found)[:80]}: it would be ignored",
        )


def _beside(
    usages: tuple[Usage, ...],
    neighbours: NeighbourTerms | Mapping[str, NeighbourTerms] | None,
    terms: PricingTerms,
) -> Bill | None:
    """Price what usage counts on the meters of services beside Lambda; None where none is asked for."""
    if not neighbours:
        return None
    by_account = {"": neighbours} if isinstance(neighbours, NeighbourTerms) else neighbours
    counts = meter_counts(usages, by_account)
    own_usd = _own_usd(by_account, counts)
    priced = partial(price_meters, free_tier=terms.free_tier, price_book=terms.price_book, own_usd=own_usd)
    found = priced(counts)
    notes = [*found.notes, *_trace_notes(found, priced(shared_traces(usages, by_account)))]
    if balanced := assumed_balancers(usages, by_account):
        names = listed(balanced, most=3)
        notes.append(
            f"alb_hours: assumed: a load balancer of its own for each of {names}; neighbours.held says how many there are"
            if len(balanced) > 1
            else f"alb_hours: assumed: one load balancer for {names}; neighbours.held says how many there are"
        )
    return Bill(found.items, found.allocations, tuple(notes), pools=found.pools)


def _trace_notes(found: PricedMeters, shared: PricedMeters) -> Iterator[str]:
    """Say what traces would cost, and be, if functions shared one trace a second instead of having one each."""
    if not shared.items:
        return
    (traces, usd), (least, least_usd) = (
        (
            sum(item.quantity for item in priced.items if item.usage_type == "xray_traces"),
            float(sum(item.amount for item in priced.items if item.usage_type == "xray_traces")),
        )
        for priced in (found, shared)
    )
    yield (
        f"xray_traces: {count(float(traces))} for {money(usd)} where each function has its own trace a second; "
        f"{count(float(least))} for {money(least_usd)} where all share one; which of them holds "
        "is not asked"
    )


def _own_usd(by_account: Mapping[str, NeighbourTerms], counts: Iterable[MeterKey]) -> dict[str, Decimal]:
    """Return what scenarios say of prices, which must be one for all accounts that use a meter."""
    users: defaultdict[str, set[str]] = defaultdict(set)
    for key in counts:
        users[key.meter].add(account_of(key.function)[0])
    found: dict[str, Decimal] = {}
    for name, accounts in sorted(users.items()):
        said = {account: by_account[account].own_usd.get(name) for account in sorted(accounts)}
        first, *others = dict.fromkeys(said.values())
        if others:
            told = ", ".join(
                f"{account}: {'the catalog' if usd is None else plain(usd)}" for account, usd in said.items()
            )
            raise InputError.single(
                "price",
                f"neighbours.own_usd.{name}",
                f"must be one price for all accounts of a bill, got {told[:160]}",
            )
        if first is not None:
            found[name] = first
    return found


def _currency(usages: tuple[Usage, ...], terms: PricingTerms) -> str:
    """Return the currency of a bill, which must be one."""
    found = {terms.sheet(usage.region, usage.month).currency for usage in usages} or {"USD"}
    if len(found) > 1:
        raise InputError.single(
            "price", "price_sheet", f"must be in one currency for one bill, got {', '.join(sorted(found))}"
        )
    return found.pop()


def _check_book(book: PriceBook, days: set[date]) -> None:
    """Refuse a price book on usage from before its day."""
    early = sorted(day for day in days if day < book.valid_from)
    if early:
        raise InputError.single(
            "price",
            "price_book",
            f"is valid from {book.valid_from.isoformat()}, the bill is of {early[0].isoformat()}",
        )


def _idle_entries(book: PriceBook, bills: Iterable[Bill]) -> tuple[str, ...]:
    """Say which lines of a price book change nothing on these bills."""
    changed: dict[BookEntry, bool] = {}
    for line in (line for bill in bills for pool in bill.pools for line in pool.lines):
        is_own = line.kind is not ChargeKind.NEIGHBOUR
        name = usage_type(line.kind, line.architecture).name if is_own else line.usage_type
        entry = book.entry(line.usage_type.removesuffix(name).removesuffix("-"), name, line.tier)
        if entry is not None:
            changed[entry] = changed.get(entry, False) or line.rate != line.list_rate
    return tuple(
        f"price book {book.name!r}, {entry}: no effect, "
        + ("the rate is the list rate" if entry in changed else "no line of this bill is subject to it")
        for entry in book.entries
        if not changed.get(entry)
    )


def _moved(usages: tuple[Usage, ...], region: str | None, month: str | None) -> tuple[Usage, ...]:
    """Return the usage as if it had happened in another region or month."""
    if region is not None:
        usages = tuple(replace(usage, region=region) for usage in usages)
    if month is None:
        return usages
    if not is_month(month):
        raise InputError.single("price", "month", f"must be a month such as 2026-11, got {repr(month)[:40]}")
    months = sorted({usage.month for usage in usages})
    if len(months) > 1:
        raise InputError.single(
            "price", "month", f"can rename one month, the usage is of {', '.join(months)[:80]}"
        )
    return tuple(replace(usage, month=month) for usage in usages)
