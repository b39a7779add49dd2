"""Compute Savings Plans on AWS Lambda: terms, payments, listed rates, what they take off elsewhere, how that is known."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum
from functools import cache
from types import MappingProxyType
from typing import Any, Final

from lambdasim.catalog.entries import Entry
from lambdasim.catalog.facts import Knowledge
from lambdasim.catalog.files import toml_of
from lambdasim.catalog.usage_types import LAMBDA_KINDS, ChargeKind

RateKey = tuple[str, ChargeKind, str]
_FILE: Final = "savings_plans.toml"
_YEARS: Final = (1, 3)
_ARCHITECTURES: Final = ("x86_64", "arm64")


class Payment(StrEnum):
    """When a commitment is paid for."""

    NO_UPFRONT = "no_upfront"
    PARTIAL_UPFRONT = "partial_upfront"
    ALL_UPFRONT = "all_upfront"


@dataclass(frozen=True)
class SavingsPlan:
    """One plan on offer.

    Attributes
    ----------
    years : int
        1 or 3.
    payment : Payment
    percent : Decimal
        Off the first tier's on-demand rate of what it covers and no rate is listed for [%].
    upfront_percent : Decimal
        Part of the whole term's commitment that is paid up front [%].
    source : str
    as_of : date
    knowledge : Knowledge
        Of the percentage.
    note : str
    rates : mapping
        Listed rates by region, kind of charge and architecture [USD per billed unit].
    """

    years: int
    payment: Payment
    percent: Decimal
    upfront_percent: Decimal
    source: str
    as_of: date
    knowledge: Knowledge
    note: str
    rates: Mapping[RateKey, Decimal]


@dataclass(frozen=True)
class SavingsPlanOffer:
    """All plans, what they cover, and which commitments can be bought.

    Attributes
    ----------
    plans : tuple of SavingsPlan
    kinds : tuple of ChargeKind
        Charges that plans cover at their rates.
    least_usd_per_hour, step_usd_per_hour : Decimal
        Smallest commitment, and the step in which larger ones are sold [USD per hour].
    """

    plans: tuple[SavingsPlan, ...]
    kinds: tuple[ChargeKind, ...]
    least_usd_per_hour: Decimal
    step_usd_per_hour: Decimal


@cache
def savings_plans() -> SavingsPlanOffer:
    """Return the Compute Savings Plans of the catalog.

    Examples
    --------
    >>> [f"{plan.years} {plan.payment} {plan.percent}" for plan in savings_plans().plans][:3]
    ['1 no_upfront 12', '1 partial_upfront 12', '1 all_upfront 17']
    """
    return savings_plans_of(toml_of(_FILE))


def savings_plans_of(content: Mapping[str, Any], file: str = _FILE) -> SavingsPlanOffer:
    """Make plans of the content of a file.

    Parameters
    ----------
    content : mapping
        As ``savings_plans.toml`` has it.
    file : str
        Name of the file, for messages.

    Raises
    ------
    CatalogError
        With file and field, at the first thing that is missing, unknown, or out of range.
    """
    whole = Entry(content, file)
    as_of, sources = whole.day("as_of"), whole.entry("sources")
    rates = _rates(whole, sources)
    plans = tuple(_plan(entry, as_of, sources, rates) for entry in whole.entries("plan"))
    if len({(plan.years, plan.payment) for plan in plans}) < len(plans):
        raise whole.fault("plan", "must have each term and payment once")
    covers, purchase = whole.entry("covers"), whole.entry("purchase")
    known = {kind.value for kind in LAMBDA_KINDS}
    kinds = covers.texts("kinds")
    for kind in kinds:
        if kind not in known:
            raise covers.fault("kinds", f"must be of {', '.join(sorted(known))}, got {kind[:40]!r}")
    strange = {key[1] for found in rates.values() for key in found} - set(kinds)
    if strange:
        raise whole.fault("rates", f"must be of what plans cover, {', '.join(kinds)}, got {min(strange)}")
    covers.source("source", sources)
    least, step = purchase.amount("least_usd_per_hour"), purchase.amount("step_usd_per_hour")
    if not 0 < step <= least:
        raise purchase.fault("step_usd_per_hour", f"must be above 0 and at most {least}, got {step}")
    purchase.source("source", sources)
    for entry in (covers, purchase, whole):
        entry.close()
    return SavingsPlanOffer(plans, tuple(ChargeKind(kind) for kind in kinds), least, step)


def _rates(whole: Entry, sources: Entry) -> Mapping[tuple[int, Payment], dict[RateKey, Decimal]]:
    """Return the listed rates by term and payment."""
    found: dict[tuple[int, Payment], dict[RateKey, Decimal]] = {}
    for entry in whole.entries("rates"):
        region, payment = entry.text("region"), entry.choice("payment", Payment)
        kind, years = entry.choice("kind", ChargeKind), entry.items("years")
        entry.source("source", sources)
        for year in years:
            if year not in _YEARS:
                raise entry.fault("years", f"must be of 1 and 3, got {year!r:.20}")
            held = found.setdefault((year, payment), {})
            for architecture in _ARCHITECTURES:
                if not entry.has(architecture):
                    continue
                usd = entry.amount(architecture)
                if not usd or (region, kind, architecture) in held:
                    raise entry.fault(architecture, f"must be above 0, and listed once, got {usd}")
                held[region, kind, architecture] = usd
        entry.close()
    return found


def _plan(
    entry: Entry, as_of: date, sources: Entry, rates: Mapping[tuple[int, Payment], dict[RateKey, Decimal]]
) -> SavingsPlan:
    years, payment = entry.whole("years", least=1), entry.choice("payment", Payment)
    plan = SavingsPlan(
        years=years,
        payment=payment,
        percent=entry.amount("percent"),
        upfront_percent=entry.amount("upfront_percent"),
        source=entry.source("source", sources),
        as_of=entry.day("as_of", default=as_of),
        knowledge=entry.choice("knowledge", Knowledge),
        note=entry.text("note"),
        rates=MappingProxyType(rates.get((years, payment), {})),
    )
    if plan.years not in _YEARS:
        raise entry.fault("years", f"must be 1 or 3, got {plan.years}")
    if plan.percent >= 100 or plan.upfront_percent > 100:
        raise entry.fault(
            "percent",
            f"must be below 100, and upfront at most 100, got {plan.percent}, {plan.upfront_percent}",
        )
    entry.close()
    return plan
