"""What a plan charges for what it covers: its listed rate, else its percentage off the on-demand rate, with a mark."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from fractions import Fraction
from typing import NamedTuple

from lambdasim.billing.charges import PoolKey
from lambdasim.catalog import ChargeKind, Knowledge, Rate, price_sheet
from lambdasim.catalog.prices.savings_plans import SavingsPlan


class PlanRate(NamedTuple):
    """A rate under a plan, and how it is known.

    Attributes
    ----------
    usd : Fraction
        [USD per billed unit].
    mark : str
        Empty where AWS lists the rate; else how it was made.
    """

    usd: Fraction
    mark: str


def plan_rate(plan: SavingsPlan, key: PoolKey, own: Decimal, day: date) -> PlanRate:
    """Find a plan's rate for usage that is priced together.

    Parameters
    ----------
    plan : SavingsPlan
    key : PoolKey
        Region, architecture and kind of charge.
    own : Decimal
        First on-demand rate that the customer pays, price book included [USD per billed unit].
    day : date
        Day whose on-demand rates apply.

    Returns
    -------
    PlanRate

    Notes
    -----
    Where a plan's rate is listed for the region it is taken; where it is listed for a region with the same on-demand
    rate, that one, marked. Elsewhere the plan's percentage comes off the on-demand rate. Own on-demand rates of a price
    book carry over to the plan in proportion. Requests get no discount.
    """
    if key.kind is ChargeKind.REQUEST:
        return PlanRate(Fraction(own), "")
    off = PlanRate(Fraction(own) * (100 - Fraction(plan.percent)) / 100, f"{plan.percent:f}% off on demand")
    if plan.knowledge is Knowledge.GIVEN:
        return off
    here = _first(key, key.region, day)
    if here.usd is None or not here.usd:
        return off
    regions = sorted(
        {place for place, kind, _ in plan.rates if kind is key.kind}, key=lambda r: r != key.region
    )
    for region in regions:
        listed = plan.rates.get((region, key.kind, key.architecture))
        if listed is not None and (region == key.region or _first(key, region, day).usd == here.usd):
            mark = "" if region == key.region else f"listed for {region}, whose on-demand rate is the same"
            return PlanRate(Fraction(own) / Fraction(here.usd) * Fraction(listed), mark)
    return off


def _first(key: PoolKey, region: str, day: date) -> Rate:
    """Return the first on-demand rate of a region for the same charge."""
    rates = price_sheet(region, day).rates(key.architecture)
    if key.kind is ChargeKind.DURATION:
        return rates.tiers[0].rate
    found: Rate = getattr(rates, key.kind.value)
    return found
