"""Prices quantities by themselves, of Lambda and of the services beside it: no scenario, no run."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Final

from lambdasim.billing.bill import Bill
from lambdasim.billing.charges import Pool, PoolKey, counted_per_billed_unit
from lambdasim.billing.exact import product
from lambdasim.billing.month import PricingTerms, missing_of_pools, price_pools
from lambdasim.billing.neighbours.counts import MeterKey, scale_of
from lambdasim.billing.neighbours.pricing import price_meters
from lambdasim.billing.tiers import FreeSharing
from lambdasim.billing.usage import ARCHITECTURES, is_month
from lambdasim.catalog import ChargeKind, billing_rules, price_sheet, usage_type
from lambdasim.catalog.prices.book import PriceBook
from lambdasim.catalog.prices.meters import priced_meters
from lambdasim.errors import CatalogError, InputError
from lambdasim.specs.faults import not_among

OWNER: Final = "quantities"
LAMBDA_QUANTITIES: Final = {
    "requests": "requests, on demand",
    "gb_seconds": "GB-s on demand, INIT in it",
    "tmp_gb_seconds": "GB-s of /tmp above 512 MB",
    "provisioned_requests": "requests on provisioned concurrency",
    "provisioned_gb_seconds": "GB-s of provisioned concurrency allocated",
    "provisioned_duration_gb_seconds": "GB-s of runs on provisioned concurrency",
    "snapstart_cache_gb_seconds": "GB-s of SnapStart's cache",
    "snapstart_restored_gb": "GB restored by SnapStart",
    "streamed_gb": "GB of streamed responses above 6 MB each",
}
"""Quantities of Lambda's own lines, and what each is."""
_KINDS: Final = {
    "requests": (ChargeKind.REQUEST, True),
    "gb_seconds": (ChargeKind.DURATION, True),
    "tmp_gb_seconds": (ChargeKind.EPHEMERAL, False),
    "provisioned_requests": (ChargeKind.REQUEST, False),
    "provisioned_gb_seconds": (ChargeKind.PC_IDLE, False),
    "provisioned_duration_gb_seconds": (ChargeKind.PC_DURATION, False),
    "snapstart_cache_gb_seconds": (ChargeKind.SNAPSTART_CACHE, False),
    "snapstart_restored_gb": (ChargeKind.SNAPSTART_RESTORE, False),
    "streamed_gb": (ChargeKind.STREAMING, True),
}
"""The charge that each is, and whether the free tier applies to it."""
_SUFFIXES: Final = {"k": 1_000, "M": 1_000_000, "G": 1_000_000_000}


def price_quantities(
    quantities: Mapping[str, Decimal | int | str],
    *,
    region: str = "us-east-1",
    month: str = "2026-11",
    on: date | None = None,
    architecture: str = "x86_64",
    free_tier: bool = True,
    price_book: PriceBook | None = None,
) -> Bill:
    """Price quantities of a month by the tiers, pools and free parts of a bill.

    Parameters
    ----------
    quantities : mapping of str to Decimal, int or str
        By name: of ``LAMBDA_QUANTITIES``, or a meter of ``lambdasim prices meters``, in its unit, from 0. Text may
        end in k, M or G.
    region, month : str
    on : date, optional
        Day whose rates and rules apply; default: the first of the month.
    architecture : str
        ``x86_64`` or ``arm64``, of Lambda's quantities.
    free_tier : bool
        Whether the account has its free parts left.
    price_book : PriceBook, optional

    Returns
    -------
    Bill

    Raises
    ------
    InputError
        When a name is not known, or a quantity is no number from 0.

    Examples
    --------
    >>> bill = price_quantities({"requests": "3M", "gb_seconds": 540_000, "api_gateway_http": "3M"})
    >>> [(item.usage_type, f"{item.amount:.2f}") for item in bill.items if item.amount]
    [('Lambda-GB-Second', '2.33'), ('Request', '0.40'), ('api_gateway_http', '3.00')]
    """
    known = (*LAMBDA_QUANTITIES, *priced_meters())
    terms = PricingTerms(
        on=on,
        free_tier=free_tier,
        given_sheets={},
        free_sharing=FreeSharing.PROPORTIONAL,
        free_counts_toward_tiers=False,
        free_requests_for_provisioned=False,
        price_book=price_book,
    )
    if not is_month(month):
        raise InputError.single("quantities", "month", f"must be a month such as 2026-11, got {month!r:.40}")
    if architecture not in ARCHITECTURES:
        raise InputError.single("quantities", "architecture", not_among(architecture, ARCHITECTURES))
    rules = billing_rules(terms.day(month))
    pools: list[Pool] = []
    counts: dict[MeterKey, int] = {}
    for name, given in quantities.items():
        if name not in known:
            raise InputError.single("quantities", name[:60], not_among(name, known))
        amount = amount_of(name, given)
        if name not in LAMBDA_QUANTITIES:
            one = priced_meters()[name]
            counts[MeterKey(month, region, name, OWNER)] = _whole(amount, scale_of(one) // one.per)
            continue
        kind, may_be_free = _KINDS[name]
        scale = counted_per_billed_unit(usage_type(kind, architecture).counted_in, rules)
        if count := _whole(amount, scale):
            key = PoolKey(month, region, architecture, kind, may_be_free)
            pools.append(Pool(key, Counter({OWNER: count})))
    if missing := missing_of_pools(pools, rules, terms):
        raise CatalogError(missing)
    bill = price_pools(tuple(sorted(pools, key=lambda pool: pool.key)), month, terms)
    currency = price_sheet(region, terms.day(month)).currency
    beside = price_meters(
        {key: count for key, count in counts.items() if count}, free_tier=free_tier, price_book=price_book
    )
    if beside.items and currency != "USD":
        got = f"of services beside Lambda are known in USD, the bill is in {currency}"
        raise InputError.single("quantities", "region", got)
    return replace(
        bill,
        items=(*bill.items, *beside.items),
        allocations=(*bill.allocations, *beside.allocations),
        notes=tuple(dict.fromkeys((*bill.notes, *beside.notes))),
        pools=(*bill.pools, *beside.pools),
        currency=currency,
        priced_in=currency,
    )


def amount_of(name: str, given: Decimal | int | str) -> Decimal:
    """Read a quantity: a number from 0, of which text may end in k, M or G.

    Parameters
    ----------
    name : str
        Of the quantity, for the message.
    given : Decimal, int or str

    Returns
    -------
    Decimal

    Raises
    ------
    InputError
    """
    text = str(given).strip().replace("_", "").replace(",", "")
    factor = _SUFFIXES.get(text[-1:], 1)
    try:
        amount = Decimal(text[:-1] if factor > 1 else text)
    except InvalidOperation:
        amount = Decimal("NaN")
    if isinstance(given, bool) or not amount.is_finite() or not 0 <= amount < Decimal("1e18"):
        raise InputError.single("quantities", name, f"must be a number from 0, such as 5M, got {given!r:.40}")
    return product(amount, Decimal(factor))


def _whole(amount: Decimal, scale: int) -> int:
    """Turn a quantity into what is counted of it, which is whole: MB-ms of GB-s, bytes of GB, millionths of units."""
    return round(product(amount, Decimal(scale)))
