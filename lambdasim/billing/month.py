"""Price one month of a payer account: pools, free tier, tiers, line items."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from fractions import Fraction
from typing import Final

from lambdasim.billing.bill import Bill
from lambdasim.billing.charges import Pool, PoolKey, counted_per_billed_unit, pools_of
from lambdasim.billing.exact import product, quotient
from lambdasim.billing.init_cut_notes import init_cut_notes
from lambdasim.billing.lines import Allocation, LineItem
from lambdasim.billing.shares import PricedPool
from lambdasim.billing.tiers import FreeSharing, cut_into_bands, share_free
from lambdasim.billing.usage import Usage
from lambdasim.catalog import (
    BillingRules,
    ChargeKind,
    PriceSheet,
    Rate,
    Tier,
    UsageType,
    billing_rules,
    price_sheet,
    usage_type,
)
from lambdasim.catalog.prices.book import PriceBook
from lambdasim.errors import CatalogError, Fault

PROVISIONED: Final = "provisioned concurrency"
MANAGED: Final = "managed instances"


@dataclass(frozen=True)
class PricingTerms:
    """The choices that hold for a whole bill, see ``price``."""

    on: date | None
    free_tier: bool
    given_sheets: Mapping[str, PriceSheet]
    free_sharing: FreeSharing
    free_counts_toward_tiers: bool
    free_requests_for_provisioned: bool
    price_book: PriceBook | None = None

    def day(self, month: str) -> date:
        """Return the day whose rules and rates apply to a month."""
        return self.on or date.fromisoformat(f"{month}-01")

    def rate(self, listed: Rate, sheet: PriceSheet, key: PoolKey, tier: int) -> Rate:
        """Return a rate by the price book, if there is one."""
        name = usage_type(key.kind, key.architecture).name
        return (
            listed
            if self.price_book is None
            else self.price_book.rate(listed, sheet.usage_prefix, name, tier)
        )

    def sheet(self, region: str, month: str) -> PriceSheet:
        """Return the price sheet for a region and month."""
        return self.given_sheets.get(region) or price_sheet(region, self.day(month))


def price_month(usages: Iterable[Usage], terms: PricingTerms) -> Bill:
    """Price usage that is all of one month.

    Parameters
    ----------
    usages : Iterable[Usage]
        At least one row.
    terms : PricingTerms

    Returns
    -------
    Bill
        Lines of the free tier first, then by region, architecture, kind and tier.
    """
    rows = tuple(usages)
    rules = billing_rules(terms.day(rows[0].month))
    pools = pools_of(rows, rules, free_requests_for_provisioned=terms.free_requests_for_provisioned)
    return price_pools(pools, rows[0].month, terms, rows)


def price_pools(
    pools: tuple[Pool, ...], month: str, terms: PricingTerms, rows: tuple[Usage, ...] = ()
) -> Bill:
    """Price pools of one month.

    Parameters
    ----------
    pools : tuple of Pool
    month : str
    terms : PricingTerms
    rows : tuple of Usage
        That the pools are of, for what the bill says of them; may be empty.

    Returns
    -------
    Bill
    """
    rules = billing_rules(terms.day(month))
    regions = sorted({*(row.region for row in rows), *(pool.key.region for pool in pools)})
    sheets = {region: terms.sheet(region, month) for region in regions}
    free = _free_parts(pools, sheets, rules, terms) if terms.free_tier else {}

    items = _free_lines(free, rules)
    free_lines = {item.kind: item for item in items}
    allocations: list[Allocation] = []
    priced: list[PricedPool] = []
    for pool in pools:
        lines = _lines(
            pool,
            free.get(pool.key, 0),
            sheets[pool.key.region],
            rules,
            terms,
            _unfree(pool.by_function, rows),
        )
        items += lines
        allocations += _allocations(pool, lines, sheets[pool.key.region], rules)
        priced.append(
            PricedPool(
                key=pool.key,
                usage_type=_usage_name(
                    usage_type(pool.key.kind, pool.key.architecture), sheets[pool.key.region]
                ),
                scale=_scale(pool.key, rules),
                counts=tuple(sorted(pool.by_function.items())),
                free_line=free_lines.get(pool.key.kind) if pool.key in free else None,
                free_count=free.get(pool.key, 0),
                lines=tuple(lines),
            )
        )
    notes = _notes(rows, pools, items, sheets, free, rules, terms)
    return Bill(tuple(items), tuple(allocations), tuple(dict.fromkeys(notes)), pools=tuple(priced))


def missing_rates(usages: Iterable[Usage], terms: PricingTerms) -> list[Fault]:
    """Name every rate that usage of one month needs and no sheet or price book has.

    Parameters
    ----------
    usages : Iterable[Usage]
        At least one row.
    terms : PricingTerms

    Returns
    -------
    list of Fault
        One for each region, with all its rates that are missing.
    """
    rows = tuple(usages)
    rules = billing_rules(terms.day(rows[0].month))
    pools = pools_of(rows, rules, free_requests_for_provisioned=terms.free_requests_for_provisioned)
    return missing_of_pools(pools, rules, terms)


def missing_of_pools(pools: Iterable[Pool], rules: BillingRules, terms: PricingTerms) -> list[Fault]:
    """Name every rate that pools of one month need and no sheet or price book has; see ``missing_rates``."""
    found: dict[str, list[str]] = {}
    sheets: dict[str, PriceSheet] = {}
    for pool in pools:
        key = pool.key
        sheet = sheets.setdefault(key.region, terms.sheet(key.region, key.month))
        tiers, scale = _tiers(sheet, key), _scale(key, rules)
        bounds = [None if tier.up_to_gb_s is None else tier.up_to_gb_s * scale for tier in tiers]
        reached = cut_into_bands(pool.count, bounds)
        for number, (tier, count) in enumerate(zip(tiers, reached, strict=True), start=1):
            if count and terms.rate(tier.rate, sheet, key, number).usd is None:
                found.setdefault(key.region, []).append(f"{key.architecture}.{key.kind.value}")
    return [
        Fault(
            f"price sheet of {region}, {sheets[region].as_of.isoformat()}",
            ", ".join(dict.fromkeys(names)),
            "unknown, and the usage needs them: give --price-sheet FILE (price_sheet=), as `lambdasim prices refresh "
            "--from PRICE_LIST --sheets FILE` writes it, or own rates in a price book",
        )
        for region, names in found.items()
    ]


def _free_parts(
    pools: tuple[Pool, ...], sheets: Mapping[str, PriceSheet], rules: BillingRules, terms: PricingTerms
) -> dict[PoolKey, int]:
    """Share the free tier of each kind between its pools, in counted units."""
    free: dict[PoolKey, int] = {}
    for kind, billed_units in (
        (ChargeKind.REQUEST, rules.free_requests),
        (ChargeKind.DURATION, rules.free_gb_s),
        (ChargeKind.STREAMING, rules.free_streaming_gb),
    ):
        counts = {pool.key: pool.count for pool in pools if pool.key.kind is kind and pool.key.may_be_free}
        if counts:
            rates = {key: _tiers(sheets[key.region], key)[0].rate.usd or Decimal(0) for key in counts}
            free |= share_free(
                billed_units * _scale(next(iter(counts)), rules), counts, rates, terms.free_sharing
            )
    return free


def _free_lines(free: Mapping[PoolKey, int], rules: BillingRules) -> list[LineItem]:
    """Make one line for each kind of which a part is free."""
    totals: dict[ChargeKind, int] = {}
    for key, count in free.items():
        totals[key.kind] = totals.get(key.kind, 0) + count
    return [
        _free_line(next(key for key in free if key.kind is kind), count, rules)
        for kind, count in totals.items()
        if count
    ]


def _free_line(key: PoolKey, count: int, rules: BillingRules) -> LineItem:
    """Make the free tier's line of a kind."""
    named = usage_type(key.kind, key.architecture)
    return LineItem(
        month=key.month,
        region="",
        architecture="",
        function="",
        kind=key.kind,
        usage_type=named.free_name,
        description=f"{named.description}, free tier",
        quantity=quotient(count, _scale(key, rules)),
        unit=named.unit,
        rate=Decimal(0),
        tier=0,
        amount=Decimal(0),
        price_as_of=rules.in_force[0].as_of,
        is_derived=False,
        note="",
        list_rate=Decimal(0),
    )


def _lines(
    pool: Pool,
    free_count: int,
    sheet: PriceSheet,
    rules: BillingRules,
    terms: PricingTerms,
    unfree: str = PROVISIONED,
) -> list[LineItem]:
    """Make the paid lines of a pool, one for each tier that is reached; ``unfree`` says what its requests run on."""
    key, scale = pool.key, _scale(pool.key, rules)
    tiers = _tiers(sheet, key)
    bounds = [None if tier.up_to_gb_s is None else tier.up_to_gb_s * scale for tier in tiers]
    start = free_count if terms.free_counts_toward_tiers else 0
    named = usage_type(key.kind, key.architecture)
    description = f"{named.description}, {key.architecture}"
    if key.kind is ChargeKind.REQUEST and not key.may_be_free:
        description += f", on {unfree}"
    lines = []
    for number, count in enumerate(cut_into_bands(pool.count - free_count, bounds, start), start=1):
        if not count:
            continue
        listed, book = tiers[number - 1].rate, terms.price_book
        rate = terms.rate(listed, sheet, key, number)
        quantity, usd = quotient(count, scale), _known(rate, sheet, key)
        is_booked = book is not None and rate is not listed
        lines.append(
            LineItem(
                month=key.month,
                region=key.region,
                architecture=key.architecture,
                function="",
                kind=key.kind,
                usage_type=_usage_name(named, sheet),
                description=description if len(tiers) == 1 else f"{description}, tier {number}",
                quantity=quantity,
                unit=named.unit,
                rate=usd,
                tier=number,
                amount=product(quantity, usd),
                price_as_of=sheet.as_of,
                is_derived=not listed.is_confirmed and rate.quality.startswith(listed.quality),
                note=f"{rate.quality} ({book})" if is_booked else "" if rate.is_confirmed else rate.quality,
                list_rate=usd if listed.usd is None else listed.usd,
            )
        )
    return lines


def _allocations(
    pool: Pool, lines: list[LineItem], sheet: PriceSheet, rules: BillingRules
) -> list[Allocation]:
    """Share the cost of a pool between its functions by their usage."""
    key = pool.key
    named = usage_type(key.kind, key.architecture)
    cost, whole = sum((Fraction(line.amount) for line in lines), Fraction(0)), pool.count
    return [
        Allocation(
            month=key.month,
            region=key.region,
            architecture=key.architecture,
            function=function,
            kind=key.kind,
            usage_type=_usage_name(named, sheet),
            unit=named.unit,
            quantity=quotient(count, _scale(key, rules)),
            amount=cost * count / whole,
        )
        for function, count in sorted(pool.by_function.items())
    ]


def _notes(
    rows: tuple[Usage, ...],
    pools: tuple[Pool, ...],
    items: list[LineItem],
    sheets: Mapping[str, PriceSheet],
    free: Mapping[PoolKey, int],
    rules: BillingRules,
    terms: PricingTerms,
) -> list[str]:
    """Say how rates are known, and which choices the bill rests on."""
    notes = []
    for region, sheet in sheets.items():
        note = f"{region}: rates as of {sheet.as_of.isoformat()} ({sheet.as_of_note})"
        notes.append(
            note if sheet.as_of <= rules.on else f"{note}; none older are known for {rules.on.isoformat()}"
        )
    if terms.price_book is not None:
        notes.append(f"rates of {terms.price_book}")
    notes += [f"{item.usage_type}, tier {item.tier}: rate {item.note}" for item in items if item.is_derived]
    if any(pool.key.kind is ChargeKind.DURATION for pool in pools) and not rules.init_billed_zip_managed:
        rule = next(rule for rule in rules.in_force if rule.name == "init_billed_zip_managed")
        notes.append(f"{rules.on.isoformat()}: {rule.note} ({rule.source})")
    notes += init_cut_notes(
        rows,
        rules,
        lambda row: _first_rate(row, sheets[row.region], terms),
        next((sheet.currency for sheet in sheets.values()), "USD"),
    )
    if not rules.snapstart_is_charged and any(row.snapstart_cache_ms for row in rows):
        rule = next(rule for rule in rules.in_force if rule.name == "snapstart_is_charged")
        notes.append(f"{rules.on.isoformat()}: {rule.note} ({rule.source})")
    for kind in sorted({key.kind for key in free}):
        sharing = [pool for pool in pools if pool.key in free and pool.key.kind is kind]
        if len(sharing) > 1 and any(pool.count > free[pool.key] for pool in sharing):
            notes.append(
                f"free tier, {kind.value}: shared between regions and architectures {terms.free_sharing.value}; "
                "AWS publishes no rule"
            )
    if any(pool.key.kind is ChargeKind.REQUEST and not pool.key.may_be_free for pool in pools):
        unfree = {
            _unfree(pool.by_function, rows)
            for pool in pools
            if pool.key.kind is ChargeKind.REQUEST and not pool.key.may_be_free
        }
        if any(PROVISIONED in one for one in unfree):
            notes.append(f"requests on {PROVISIONED} are not free, as the text of the pricing page says")
        if any(MANAGED in one for one in unfree):
            notes.append(f"requests on {MANAGED} are not free: AWS's printed example charges them all")
    return notes


def _unfree(functions: Iterable[str], rows: tuple[Usage, ...]) -> str:
    """Say what requests without a free part run on."""
    managed = {row.function for row in rows if row.managed_s}
    on_managed = [function in managed for function in functions]
    if not any(on_managed):
        return PROVISIONED
    return MANAGED if all(on_managed) else f"{PROVISIONED} and {MANAGED}"


def _first_rate(row: Usage, sheet: PriceSheet, terms: PricingTerms) -> Decimal:
    """Return the rate of a row's GB-s in the first tier."""
    key = PoolKey(row.month, row.region, row.architecture, ChargeKind.DURATION, True)
    return _known(terms.rate(_tiers(sheet, key)[0].rate, sheet, key, 1), sheet, key)


def _tiers(sheet: PriceSheet, key: PoolKey) -> tuple[Tier, ...]:
    """Return the price bands of a pool."""
    rates = sheet.rates(key.architecture)
    if key.kind is ChargeKind.DURATION:
        return rates.tiers
    flat = {
        ChargeKind.REQUEST: rates.request,
        ChargeKind.EPHEMERAL: rates.ephemeral,
        ChargeKind.PC_IDLE: rates.pc_idle,
        ChargeKind.PC_DURATION: rates.pc_duration,
        ChargeKind.SNAPSTART_CACHE: rates.snapstart_cache,
        ChargeKind.SNAPSTART_RESTORE: rates.snapstart_restore,
        ChargeKind.STREAMING: sheet.streaming,
    }
    return (Tier(None, flat[key.kind]),)


def _known(rate: Rate, sheet: PriceSheet, key: PoolKey) -> Decimal:
    """Return a rate that a line needs; an unknown one is an error, never 0."""
    if rate.usd is None:
        raise CatalogError.single(
            f"price sheet of {sheet.region}, {sheet.as_of.isoformat()}",
            f"{key.architecture}.{key.kind.value}",
            "the rate is unknown, and the usage needs it; price it with a price sheet of your own",
        )
    return rate.usd


def _scale(key: PoolKey, rules: BillingRules) -> int:
    """Give how many counted units of a pool make one billed unit."""
    return counted_per_billed_unit(usage_type(key.kind, key.architecture).counted_in, rules)


def _usage_name(named: UsageType, sheet: PriceSheet) -> str:
    """Put the region's prefix before a usage type."""
    return f"{sheet.usage_prefix}-{named.name}" if sheet.usage_prefix else named.name
