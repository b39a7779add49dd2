"""Prices quantities on meters of other platforms that no comparison runs on."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

from lambdasim.billing.exact import product, quotient, total
from lambdasim.billing.platforms.charges import PlatformCharge
from lambdasim.catalog import Knowledge
from lambdasim.catalog.prices.listed import ListedMeter, ListedPlatform
from lambdasim.catalog.prices.platforms import counterpart, platform_book


def listed_charges(
    platform: ListedPlatform, amounts: Mapping[str, Decimal], region: str, *, free_tier: bool
) -> list[PlatformCharge]:
    """Price quantities of a month.

    Parameters
    ----------
    platform : ListedPlatform
    amounts : mapping of str to Decimal
        By name, see ``ListedPlatform.quantities``; others are left out.
    region : str
        AWS region, for whose counterpart prices are.
    free_tier : bool
        Whether free parts are left.

    Returns
    -------
    list of PlatformCharge
        Of the meters that are used.
    """
    known = platform.vendor in platform_book().regions
    place = counterpart(platform.vendor, region) if known else None
    found = []
    for name, meter in platform.meters.items():
        quantity = total(product(amounts.get(one, Decimal(0)), each) for one, each in meter.counts.items())
        if quantity:
            tier, derived = (0, False) if place is None else (place.tier, place.derived)
            found.append(_charge(name, meter, quantity, tier, derived=derived, free_tier=free_tier))
    return found


def _charge(
    name: str, meter: ListedMeter, quantity: Decimal, tier: int, *, derived: bool, free_tier: bool
) -> PlatformCharge:
    notes = [meter.note] if meter.note else []
    if (meter.tiers and 1 < len(meter.tiers) <= tier) or derived:
        notes.append("derived: us-east-1's, none of the region is known")
    elif len(meter.tiers) == 1 and tier and name != "requests":
        notes.append("the price of the first tier of regions; none of the others was seen")
    rate = meter.tiers[min(tier, len(meter.tiers) - 1)] if meter.tiers else meter.volume[0][1]
    units = Decimal(0)
    if free_tier and not meter.free_as_money:
        units = min(product(meter.free, Decimal(meter.per)), quantity)
    paid = product(quantity - units, quotient(1, meter.per))
    gross = product(paid, rate) if meter.tiers else _by_volume(meter, paid)
    credit = Decimal(0)
    if free_tier and meter.free_as_money:
        credit = min(product(meter.free, meter.tiers[0]), gross)
    return PlatformCharge(
        name,
        quantity,
        units,
        rate,
        meter.per,
        credit,
        gross - credit,
        (Knowledge.ASSUMED if derived else meter.knowledge).value,
        f"{meter.source}, seen {meter.as_of.isoformat()}",
        "; ".join(notes),
    )


def _by_volume(meter: ListedMeter, paid: Decimal) -> Decimal:
    usd, lower = Decimal(0), Decimal(0)
    for bound, price in meter.volume:
        upper = paid if bound is None else min(paid, bound)
        usd += product(max(upper - lower, Decimal(0)), price)
        lower = max(upper, lower)
    return usd
