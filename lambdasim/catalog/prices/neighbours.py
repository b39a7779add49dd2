"""Prices of what could run functions in Lambda's place: containers and servers; ``meters`` has services beside Lambda."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from decimal import Decimal
from functools import cache
from types import MappingProxyType
from typing import Any

from lambdasim.catalog.entries import Entry
from lambdasim.catalog.facts import Head, Knowledge, pick
from lambdasim.catalog.files import toml_of
from lambdasim.errors import CatalogError
from lambdasim.wording import listed


@dataclass(frozen=True)
class NeighbourPrice:
    """A price of a service beside Lambda.

    Attributes
    ----------
    name : str
    unit : str
        In words.
    free : Decimal
        Units without charge each month.
    tiers : tuple of (Decimal or None, Decimal)
        Upper bound of the band [units per month], None for the last, and price [USD per unit].
    region : str
    source : str
    as_of : date
    knowledge : Knowledge
    note : str
    elsewhere : mapping of str to Decimal
        Price in other regions, where there is one tier [USD per unit].
    """

    name: str
    unit: str
    free: Decimal
    tiers: tuple[tuple[Decimal | None, Decimal], ...]
    region: str
    source: str
    as_of: date
    knowledge: Knowledge
    note: str
    elsewhere: Mapping[str, Decimal] = field(default_factory=dict, hash=False)


def neighbour_price(name: str, region: str | None = None) -> NeighbourPrice:
    """Look up a price of a service beside Lambda.

    Parameters
    ----------
    name : str
        A name of ``neighbour_prices()``.
    region : str, optional
        AWS region that the price is wanted for; by default whichever there is.

    Returns
    -------
    NeighbourPrice

    Raises
    ------
    CatalogError
        When there is no price of this name, or none for the region.

    Examples
    --------
    >>> neighbour_price("fargate_vcpu_arm64").tiers[0]
    (None, Decimal('0.03238'))
    """
    price = pick(neighbour_prices(), name, "neighbour price")
    if region is None or region == price.region:
        return price
    if region not in price.elsewhere:
        known = listed((price.region, *price.elsewhere))
        raise CatalogError.single(
            "catalog", "region", f"has no price of {name} for {region!r:.40}; there are prices for {known}"
        )
    return replace(price, region=region, tiers=((None, price.elsewhere[region]),))


@cache
def neighbour_prices() -> Mapping[str, NeighbourPrice]:
    """Return all prices of services beside Lambda by name."""
    return neighbour_prices_of(toml_of("neighbour_prices.toml"))


def neighbour_prices_of(
    content: Mapping[str, Any], file: str = "neighbour_prices.toml"
) -> Mapping[str, NeighbourPrice]:
    """Make prices of the content of a file.

    Parameters
    ----------
    content : mapping
        As ``neighbour_prices.toml`` has it.
    file : str
        Name of the file, for messages.

    Raises
    ------
    CatalogError
        With file and field, at the first thing that is missing, unknown, or no price.
    """
    whole = Entry(content, file)
    head = Head.of(whole)
    region = whole.text("region")
    prices = {name: _price(name, entry, region, head) for name, entry in whole.named("prices").items()}
    whole.close()
    return MappingProxyType(prices)


def _price(name: str, entry: Entry, region: str, head: Head) -> NeighbourPrice:
    """Make a price of an entry of the file."""
    tiers = entry.bands("tiers")
    elsewhere = {}
    if entry.has("elsewhere"):
        table = entry.entry("elsewhere")
        elsewhere = {other: table.amount(other) for other in table.names()}
        if len(tiers) > 1:
            raise entry.fault("elsewhere", "must come with one tier")
    price = NeighbourPrice(
        name=name,
        unit=entry.text("unit"),
        free=entry.amount("free", default="0"),
        tiers=tiers,
        region=region,
        source=entry.source("source", head.sources),
        as_of=entry.day("as_of", default=head.as_of),
        knowledge=entry.choice("knowledge", Knowledge, default=head.knowledge),
        note=entry.text("note", default=""),
        elsewhere=MappingProxyType(elsewhere),
    )
    entry.close()
    return price
