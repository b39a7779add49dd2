"""What is counted on the meters of the services beside Lambda becomes lines of a bill, like Lambda's own."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import date
from decimal import Decimal
from fractions import Fraction
from typing import NamedTuple

from lambdasim.billing.charges import PoolKey
from lambdasim.billing.exact import product, quotient
from lambdasim.billing.lines import Allocation, LineItem
from lambdasim.billing.neighbours.counts import MeterKey, scale_of
from lambdasim.billing.shares import PricedPool
from lambdasim.billing.tiers import FreeSharing, cut_into_bands, share_free
from lambdasim.catalog import ChargeKind, Rate
from lambdasim.catalog.prices.book import PriceBook
from lambdasim.catalog.prices.meters import Meter, MeterPrice, meter


class PricedMeters(NamedTuple):
    """Lines of meters, and what they are of.

    Attributes
    ----------
    items : tuple of LineItem
    allocations : tuple of Allocation
    pools : tuple of PricedPool
    notes : tuple of str
    """

    items: tuple[LineItem, ...]
    allocations: tuple[Allocation, ...]
    pools: tuple[PricedPool, ...]
    notes: tuple[str, ...]


class _Pool(NamedTuple):
    """Counts that are priced together."""

    month: str
    region: str
    meter: str


def price_meters(
    counts: Mapping[MeterKey, int],
    *,
    free_tier: bool,
    price_book: PriceBook | None = None,
    own_usd: Mapping[str, Decimal] | None = None,
) -> PricedMeters:
    """Price what meters have counted.

    Parameters
    ----------
    counts : mapping of MeterKey to int
        See ``meter_counts``.
    free_tier : bool
        Whether the payer's account has its free parts left.
    price_book : PriceBook, optional
        Its line ``*`` holds for these services too, but for prices of one's own.
    own_usd : mapping of str to Decimal, optional
        Prices in place of the catalog's, by meter [USD per ``Meter.per`` units].

    Returns
    -------
    PricedMeters
        By month, region and meter; the free part of a meter first, which is shared between regions, and between the
        meters of one pool, in proportion.

    Raises
    ------
    CatalogError
        When a meter has neither a price in the catalog nor one of one's own.
    """
    pools: defaultdict[_Pool, dict[str, int]] = defaultdict(dict)
    for key, count in counts.items():
        pools[_Pool(key.month, key.region, key.meter)][key.function] = count
    free = _free_parts(pools) if free_tier else {}
    prices = {pool: _price(pool, own_usd or {}) for pool in pools}
    items: list[LineItem] = []
    allocations: list[Allocation] = []
    priced: list[PricedPool] = []
    for pool, by_function in sorted(pools.items()):
        one = meter(pool.meter)
        price = prices[pool]
        given = free.get(pool, 0)
        free_line = _free_line(pool, one, price, given) if given else None
        lines = _paid_lines(pool, one, price, sum(by_function.values()) - given, price_book)
        items += [*([free_line] if free_line else []), *lines]
        allocations += _allocations(pool, one, by_function, lines)
        priced.append(
            PricedPool(
                key=PoolKey(pool.month, pool.region, "", ChargeKind.NEIGHBOUR, one.free > 0),
                usage_type=one.name,
                scale=scale_of(one) // one.per,
                counts=tuple(sorted(by_function.items())),
                free_line=free_line,
                free_count=given,
                lines=tuple(lines),
            )
        )
    return PricedMeters(tuple(items), tuple(allocations), tuple(priced), tuple(_notes(items, prices)))


def _price(pool: _Pool, own_usd: Mapping[str, Decimal]) -> MeterPrice:
    """Give the price of a pool: one's own, taken to be of its month, or the catalog's."""
    one = meter(pool.meter)
    own = own_usd.get(pool.meter)
    return (
        one.price(pool.region) if own is None else one.own_price(own, date.fromisoformat(f"{pool.month}-01"))
    )


def _free_parts(pools: Mapping[_Pool, Mapping[str, int]]) -> dict[_Pool, int]:
    """Share each free part of a month between the meters and regions that have it together."""
    sharing: defaultdict[tuple[str, str], dict[_Pool, int]] = defaultdict(dict)
    for pool, by_function in sorted(pools.items()):
        one = meter(pool.meter)
        if one.free:
            sharing[pool.month, one.pool or one.name][pool] = sum(by_function.values())
    free: dict[_Pool, int] = {}
    for together in sharing.values():
        one = meter(next(iter(together)).meter)
        free |= share_free(int(one.free * scale_of(one)), together, {}, FreeSharing.PROPORTIONAL)
    return free


def _paid_lines(
    pool: _Pool, one: Meter, price: MeterPrice, count: int, book: PriceBook | None
) -> list[LineItem]:
    scale = scale_of(one)
    bounds = [None if bound is None else int(bound * scale) for bound, _ in price.tiers]
    found = []
    for number, part in enumerate(cut_into_bands(count, bounds), start=1):
        if not part:
            continue
        listed = price.tiers[number - 1][1]
        quality = price.note or f"confirmed, {price.source}"
        rate = Rate(listed, quality)
        if book is not None and not price.is_own:
            rate = book.rate(rate, "", one.name, number)
        usd = listed if rate.usd is None else rate.usd
        found.append(
            _line(pool, one, price)
            ._replace(
                quantity=quotient(part * one.per, scale),
                rate=per_unit(usd, one),
                tier=number,
                amount=product(quotient(part, scale), usd),
                list_rate=per_unit(listed, one),
                note=f"{rate.quality} ({book})" if book is not None and usd != listed else price.note,
                tiered=len(price.tiers) > 1,
            )
            .made()
        )
    return found


def per_unit(usd: Decimal, one: Meter) -> Decimal:
    """Give the price of one unit of a meter [USD]."""
    return product(usd, quotient(1, one.per))


class _Line(NamedTuple):
    """A line in the making."""

    pool: _Pool
    meter: Meter
    price: MeterPrice
    quantity: Decimal = Decimal(0)
    rate: Decimal = Decimal(0)
    tier: int = 0
    amount: Decimal = Decimal(0)
    list_rate: Decimal = Decimal(0)
    note: str = ""
    tiered: bool = False

    def made(self) -> LineItem:
        """Return the line."""
        one = self.meter
        extra = ", free tier" if not self.tier else f", tier {self.tier}" if self.tiered else ""
        return LineItem(
            month=self.pool.month,
            region=self.pool.region,
            architecture="",
            function="",
            kind=ChargeKind.NEIGHBOUR,
            usage_type=one.name,
            description=f"{one.description}, {self.pool.region}{extra}",
            quantity=self.quantity,
            unit=one.unit,
            rate=self.rate,
            tier=self.tier,
            amount=self.amount,
            price_as_of=self.price.as_of,
            is_derived=bool(self.price.note) and bool(self.tier) and not self.price.is_own,
            note=self.note,
            list_rate=self.list_rate,
            service=one.service.name,
        )


def _line(pool: _Pool, one: Meter, price: MeterPrice) -> _Line:
    return _Line(pool, one, price)


def _free_line(pool: _Pool, one: Meter, price: MeterPrice, count: int) -> LineItem:
    return _line(pool, one, price)._replace(quantity=quotient(count * one.per, scale_of(one))).made()


def _allocations(
    pool: _Pool, one: Meter, by_function: Mapping[str, int], lines: Iterable[LineItem]
) -> list[Allocation]:
    cost, whole = sum((Fraction(line.amount) for line in lines), Fraction(0)), sum(by_function.values())
    return [
        Allocation(
            month=pool.month,
            region=pool.region,
            architecture="",
            function=function,
            kind=ChargeKind.NEIGHBOUR,
            usage_type=one.name,
            unit=one.unit,
            quantity=quotient(count * one.per, scale_of(one)),
            amount=cost * count / whole,
        )
        for function, count in sorted(by_function.items())
    ]


def _notes(items: Iterable[LineItem], prices: Mapping[_Pool, MeterPrice]) -> Iterable[str]:
    """Say where each price comes from and of when it is, how it is known, and what the meters leave out."""
    items = sorted(
        items, key=lambda item: not item.tier
    )  # what is paid says how, what is free only where it stands alone
    known: dict[tuple[str, str], str] = {}
    for item in items:
        price = prices[_Pool(item.month, item.region, item.usage_type)]
        own = price.is_own or item.note not in ("", price.note)  # a price of the user's
        dated = f"{price.note or price.source}, seen {price.as_of.isoformat()}"
        known.setdefault((item.usage_type, item.region), (item.note or price.note) if own else dated)
    for said in dict.fromkeys(known.values()):
        names = dict.fromkeys(name for (name, _), of in known.items() if of == said)
        yield f"{', '.join(names)}: {said}"
    for name in dict.fromkeys(item.usage_type for item in items):
        if meter(name).note:
            yield f"{name}: {meter(name).note}"
