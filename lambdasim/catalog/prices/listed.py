"""Prices of other platforms' meters that no comparison runs on, for quantities that are known."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import cache
from types import MappingProxyType
from typing import Any, Final

from lambdasim.catalog.entries import Entry
from lambdasim.catalog.facts import Head, Knowledge
from lambdasim.catalog.files import toml_of

_FILE: Final = "listed_platforms.toml"


@dataclass(frozen=True)
class ListedMeter:
    """A price.

    Attributes
    ----------
    per : int
        Units that have the price.
    tiers : tuple of Decimal
        By the vendor's tiers of regions; empty where there are prices by volume [USD per ``per`` units].
    volume : tuple of (Decimal or None, Decimal)
        Upper bound [``per`` units a month], None for the last, and price.
    free : Decimal
        Free part of a month [``per`` units].
    free_as_money : bool
        Whether that is taken off as money, at the first tier's price.
    counts : mapping of str to Decimal
        How many units each quantity is, by name.
    source : str
    as_of : date
    knowledge : Knowledge
    note : str
    """

    per: int
    tiers: tuple[Decimal, ...]
    volume: tuple[tuple[Decimal | None, Decimal], ...]
    free: Decimal
    free_as_money: bool
    counts: Mapping[str, Decimal]
    source: str
    as_of: date
    knowledge: Knowledge
    note: str


@dataclass(frozen=True)
class ListedPlatform:
    """Meters of a platform.

    Attributes
    ----------
    vendor : str
    meters : mapping of str to ListedMeter
    """

    vendor: str
    meters: Mapping[str, ListedMeter]

    def quantities(self) -> dict[str, str]:
        """Return the names that quantities may have, with the meter of each."""
        return {name: meter for meter, one in self.meters.items() for name in one.counts}


@cache
def listed_platforms() -> Mapping[str, ListedPlatform]:
    """Return all of them by key."""
    return MappingProxyType(listed_of(toml_of(_FILE)))


def listed_of(content: Mapping[str, Any], file: str = _FILE) -> dict[str, ListedPlatform]:
    """Make them of the content of a file.

    Parameters
    ----------
    content : mapping
        As ``listed_platforms.toml`` has it.
    file : str
        Name of the file, for messages.

    Raises
    ------
    CatalogError
        With file and field, at the first thing that is missing, unknown, or of the wrong kind.
    """
    whole = Entry(content, file)
    head = Head.of(whole)
    found = {}
    for key, entry in whole.named("platforms").items():
        meters = {name: _meter(name, one, head) for name, one in entry.named("meters").items()}
        found[key] = ListedPlatform(entry.text("vendor"), MappingProxyType(meters))
        entry.close()
    whole.close()
    return found


def _meter(name: str, entry: Entry, head: Head) -> ListedMeter:
    volume = entry.bands("volume") if entry.items("volume", default=()) else ()
    tiers = tuple(
        entry.as_amount(usd, f"tiers[{number}]")
        for number, usd in enumerate(entry.items("tiers", default=()))
    )
    if bool(tiers) == bool(volume):
        raise entry.fault("tiers", "must be prices by region, or else by volume")
    counts = entry.entry("counts") if entry.has("counts") else None
    found = ListedMeter(
        per=entry.whole("per", least=1),
        tiers=tiers,
        volume=volume,
        free=entry.amount("free", default="0"),
        free_as_money=entry.flag("free_as_money") if entry.has("free_as_money") else False,
        counts={name: Decimal(1)} if counts is None else {one: counts.amount(one) for one in counts.names()},
        source=entry.source("source", head.sources),
        as_of=entry.day("as_of", default=head.as_of),
        knowledge=entry.choice("knowledge", Knowledge, default=head.knowledge),
        note=entry.text("note", default=""),
    )
    entry.close()
    return found
