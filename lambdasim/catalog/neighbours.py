"""Prices of the services beside Lambda: gateways, queues, logs, containers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import cache
from types import MappingProxyType
from typing import Any

from lambdasim.catalog.facts import Knowledge, pick
from lambdasim.catalog.files import toml_of


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


def neighbour_price(name: str) -> NeighbourPrice:
    """Look up a price of a service beside Lambda.

    Parameters
    ----------
    name : str
        A name of ``neighbour_prices()``.

    Raises
    ------
    CatalogError
        When there is no price of this name.

    Examples
    --------
    >>> neighbour_price("api_gateway_http").tiers[0]
    (Decimal('300'), Decimal('1.00'))
    """
    return pick(neighbour_prices(), name, "neighbour price")


@cache
def neighbour_prices() -> Mapping[str, NeighbourPrice]:
    """Return all prices of services beside Lambda by name."""
    content = toml_of("neighbour_prices.toml")
    return MappingProxyType({name: _price(name, entry, content) for name, entry in content["prices"].items()})


def _price(name: str, entry: dict[str, Any], content: dict[str, Any]) -> NeighbourPrice:
    """Make a price of an entry of the file."""
    return NeighbourPrice(
        name=name,
        unit=entry["unit"],
        free=Decimal(entry.get("free", "0")),
        tiers=tuple((Decimal(bound) if bound else None, Decimal(usd)) for bound, usd in entry["tiers"]),
        region=content["region"],
        source=content["sources"][entry["source"]],
        as_of=content["as_of"],
        knowledge=Knowledge(entry.get("knowledge", content["knowledge"])),
        note=entry.get("note", ""),
    )
