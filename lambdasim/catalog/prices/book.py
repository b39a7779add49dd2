"""A private price book: discounts or own rates by usage type, valid from a day."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import cache
from typing import Final

from lambdasim.catalog.prices.sheets import Rate, price_sheet, regions
from lambdasim.catalog.usage_types import LAMBDA_KINDS, usage_type
from lambdasim.errors import CatalogError

EVERY: Final = "*"
_MOST_DECIMALS: Final = 12


@dataclass(frozen=True)
class BookEntry:
    """One line of a price book.

    Attributes
    ----------
    usage_type : str
        As on a bill, with a region's prefix or for all regions without; ``*`` for all that no other line names.
    tier : int or None
        Price band from 1; None for all.
    percent : Decimal or None
        Discount on the list rate [%], from 0 to 100.
    usd : Decimal or None
        Own rate in its place [USD per unit].
    """

    usage_type: str
    tier: int | None
    percent: Decimal | None
    usd: Decimal | None

    def __str__(self) -> str:
        """Say what it names."""
        return self.usage_type if self.tier is None else f"{self.usage_type}, tier {self.tier}"

    def applied(self, rate: Rate) -> Rate:
        """Return the rate by the book."""
        if self.usd is not None:
            return Rate(self.usd, f"own rate, {self.usage_type}")
        if rate.usd is None or self.percent is None:
            return rate
        return Rate(rate.usd * (100 - self.percent).scaleb(-2), f"{rate.quality}, less {self.percent:f} %")


class PriceBook:
    """Discounts and own rates of a customer.

    Parameters
    ----------
    name : str
    valid_from : date
    entries : iterable of BookEntry
        Each usage type and tier once; each a discount or an own rate.
    source : str
        File or contract.

    Raises
    ------
    CatalogError
        When an entry is no discount from 0 to 100 % and no rate, names an unknown usage type, or is there twice.

    Examples
    --------
    >>> book = PriceBook("EDP", date(2026, 7, 1), [BookEntry("*", None, Decimal(9), None)])
    >>> book.rate(Rate(Decimal("0.0000002"), "confirmed"), "EUC1", "Request", 1).usd
    Decimal('1.82E-7')
    """

    def __init__(self, name: str, valid_from: date, entries: Iterable[BookEntry], source: str = "") -> None:
        self.name = name
        self.valid_from = valid_from
        self.source = source
        self.entries = tuple(entries)
        where = f"price book {name[:40]!r}"
        if not name or not self.entries:
            raise CatalogError.single(where, "", "must have a name and at least one entry")
        self._found: dict[tuple[str, int | None], BookEntry] = {}
        for number, entry in enumerate(self.entries):
            fault = _fault(entry)
            if fault is None and (entry.usage_type, entry.tier) in self._found:
                fault = ("usage_type", f"{entry.usage_type[:60]!r} appears twice")
            if fault is not None:
                raise CatalogError.single(where, f"rates[{number}].{fault[0]}", fault[1])
            self._found[entry.usage_type, entry.tier] = entry

    def rate(self, rate: Rate, prefix: str, name: str, tier: int) -> Rate:
        """Apply the book to a list rate.

        Parameters
        ----------
        rate : Rate
        prefix : str
            Of the region; empty for us-east-1.
        name : str
            Usage type without prefix.
        tier : int
            From 1.

        Returns
        -------
        Rate
            The most specific entry's: with prefix before without, with tier before without, ``*`` last.
        """
        entry = self.entry(prefix, name, tier)
        return rate if entry is None else entry.applied(rate)

    def entry(self, prefix: str, name: str, tier: int) -> BookEntry | None:
        """Return the line of the book that a rate is subject to; parameters as for ``rate``."""
        names = ([f"{prefix}-{name}"] if prefix else []) + [name, EVERY]
        keys = ((named, band) for named in names for band in (tier, None))
        return next((self._found[key] for key in keys if key in self._found), None)

    def __str__(self) -> str:
        """Say which book this is."""
        source = f", {self.source}" if self.source else ""
        return f"price book {self.name!r} valid from {self.valid_from.isoformat()}{source}"


def _fault(entry: BookEntry) -> tuple[str, str] | None:
    """Return field and message of what is wrong with an entry."""
    if entry.usage_type != EVERY and entry.usage_type not in _names():
        known = (name for name in _names() if "Request" in name or "Second" in name)
        base = sorted(known, key=lambda name: (len(name), name))[:6]
        return (
            "usage_type",
            f"must be * or a usage type such as {', '.join(base)}, got {entry.usage_type[:60]!r}",
        )
    if (entry.percent is None) == (entry.usd is None):
        return "discount_percent", f"or usd must be given, and not both, for {entry.usage_type[:60]!r}"
    if entry.usd is not None and entry.usage_type == EVERY:
        return "usd", "cannot be one rate for every usage type"
    if entry.tier is not None and entry.tier < 1:
        return "tier", f"must be 1 or more, got {entry.tier}"
    for field, value, most in (("discount_percent", entry.percent, 100), ("usd", entry.usd, None)):
        if value is None:
            continue
        if not value.is_finite() or value < 0 or (most is not None and value > most):
            return field, f"must be from 0{f' to {most}' if most else ''}, got {value}"
        if int(value.as_tuple().exponent) < -_MOST_DECIMALS:
            return field, f"must have at most {_MOST_DECIMALS} decimals, got {value}"
    return None


@cache
def _names() -> frozenset[str]:
    """Return every usage type that is paid for, with and without prefixes."""
    bare = {
        usage_type(kind, architecture).name for kind in LAMBDA_KINDS for architecture in ("x86_64", "arm64")
    }
    prefixes = {price_sheet(region).usage_prefix for region in regions()} - {""}
    return frozenset(bare | {f"{prefix}-{name}" for prefix in prefixes for name in bare})
