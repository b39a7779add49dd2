"""Price sheets of AWS Lambda: rates by region and architecture, each with how well it is known."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import cache
from types import MappingProxyType
from typing import Any, Final

from lambdasim.catalog.entries import Entry, check_bounds, require_day
from lambdasim.catalog.facts import pick
from lambdasim.catalog.files import json_of, toml_of
from lambdasim.errors import CatalogError

_FILE: Final = "prices_aws_lambda.json"
_PREFIXES: Final = "billing_prefixes.toml"
_FLAT: Final = ("request", "ephemeral", "pc_idle", "pc_duration", "snapstart_cache", "snapstart_restore")


@dataclass(frozen=True)
class Rate:
    """A price and how well it is known.

    Attributes
    ----------
    usd : Decimal or None
        [USD per unit]; None where unknown.
    quality : str
        ``confirmed``, or how it was derived, in words.
    """

    usd: Decimal | None
    quality: str

    def __post_init__(self) -> None:
        """Refuse what is no price.

        Raises
        ------
        CatalogError
            When ``usd`` is not a finite decimal from 0, or ``quality`` is empty.
        """
        is_price = isinstance(self.usd, Decimal) and self.usd.is_finite() and self.usd >= 0
        if self.usd is not None and not is_price:
            raise CatalogError.single("rate", "usd", f"must be a Decimal from 0, got {repr(self.usd)[:40]}")
        if not self.quality:
            raise CatalogError.single("rate", "quality", "must say how the rate is known")

    @property
    def is_confirmed(self) -> bool:
        """Whether the price was read from AWS, not derived or taken from third parties."""
        return self.quality.startswith("confirmed")


@dataclass(frozen=True)
class Tier:
    """A band of the monthly duration and its price.

    Attributes
    ----------
    up_to_gb_s : int or None
        Upper bound of the band [GB-s per month]; None for the last.
    rate : Rate
        [USD per GB-s].
    """

    up_to_gb_s: int | None
    rate: Rate


@dataclass(frozen=True)
class ArchitectureRates:
    """Rates of one architecture in one region.

    Attributes
    ----------
    tiers : tuple of Tier
        On-demand duration, by rising bound [USD per GB-s].
    request : Rate
        [USD per request].
    ephemeral : Rate
        /tmp above what is included [USD per GB-s].
    pc_idle : Rate
        Provisioned concurrency while allocated [USD per GB-s].
    pc_duration : Rate
        Duration on provisioned environments [USD per GB-s].
    snapstart_cache : Rate
        [USD per GB-s].
    snapstart_restore : Rate
        [USD per GB restored].
    sources : tuple of str
    """

    tiers: tuple[Tier, ...]
    request: Rate
    ephemeral: Rate
    pc_idle: Rate
    pc_duration: Rate
    snapstart_cache: Rate
    snapstart_restore: Rate
    sources: tuple[str, ...]

    def __post_init__(self) -> None:
        """Refuse tiers that leave out or price twice a part of the usage.

        Raises
        ------
        CatalogError
        """
        check_bounds([tier.up_to_gb_s for tier in self.tiers], "price sheet", "tiers")


@dataclass(frozen=True)
class PriceSheet:
    """All rates of a region.

    Attributes
    ----------
    region : str
    currency : str
        USD, or CNY in China; the rates' ``usd`` is in it.
    usage_prefix : str
        Start of usage types on a bill, such as ``USE2``; empty for us-east-1.
    architectures : mapping of str to ArchitectureRates
        By ``x86_64`` and ``arm64``.
    streaming : Rate
        Streamed responses above the free part [USD per GB].
    as_of : date
        Date of the sources.
    as_of_note : str
        What the date means.
    """

    region: str
    currency: str
    usage_prefix: str
    architectures: Mapping[str, ArchitectureRates]
    streaming: Rate
    as_of: date
    as_of_note: str

    def rates(self, architecture: str) -> ArchitectureRates:
        """Return the rates of an architecture.

        Parameters
        ----------
        architecture : str
            ``x86_64`` or ``arm64``.

        Returns
        -------
        ArchitectureRates

        Raises
        ------
        CatalogError
            When the sheet has none for it.
        """
        return pick(self.architectures, architecture, f"architecture in the price sheet of {self.region}")


def regions() -> tuple[str, ...]:
    """Return the regions that have a price sheet, in order of name."""
    return tuple(_all_sheets())


def price_sheet(region: str, on: date | None = None) -> PriceSheet:
    """Return the price sheet for a region.

    Parameters
    ----------
    region : str
        Such as ``eu-central-1``.
    on : date, optional
        Day whose prices are wanted: the newest sheet known by then, else the oldest there is, whose
        ``as_of`` is its date. Default: the newest.

    Returns
    -------
    PriceSheet

    Raises
    ------
    CatalogError
        When the region is unknown, or ``on`` is no day.

    Examples
    --------
    >>> price_sheet("us-east-1").rates("x86_64").tiers[0].rate.usd
    Decimal('0.0000166667')
    """
    if on is not None:
        require_day(on, "price sheets")
    known = _all_sheets()
    if region not in known:
        raise CatalogError.single(
            "price sheets",
            "region",
            f"must be one of {', '.join(known)}, got {repr(region)[:40]}; the rates of any other are given with "
            "--price-sheet FILE (price_sheet=), as `lambdasim prices refresh --from PRICE_LIST --sheets FILE` writes it",
        )
    sheets = known[region]
    in_force = [sheet for sheet in sheets if on is None or sheet.as_of <= on]
    return in_force[-1] if in_force else sheets[0]


@cache
def _all_sheets() -> Mapping[str, tuple[PriceSheet, ...]]:
    """Return the sheets of all regions."""
    return sheets_of(json_of(_FILE), toml_of(_PREFIXES))


def sheets_of(
    content: Mapping[str, Any], prefixes: Mapping[str, Any], file: str = _FILE
) -> Mapping[str, tuple[PriceSheet, ...]]:
    """Make price sheets of the content of a file.

    Parameters
    ----------
    content : mapping
        As ``prices_aws_lambda.json`` has it. A region is one table, or a list of tables of different ``as_of``.
    prefixes : mapping
        As ``billing_prefixes.toml`` has it.
    file : str
        Name of the file, for messages.

    Returns
    -------
    mapping of str to tuple of PriceSheet
        By region; sheets oldest first.

    Raises
    ------
    CatalogError
        With file and field, at the first thing that is missing, unknown, or no price.
    """
    whole = Entry(content, file)
    if whole.text("currency") != "USD":
        raise whole.fault("currency", "must be USD: bills are in USD")
    whole.skip("notes", "us_east_1_other")
    sources = whole.entry("sources")
    found_regions = whole.entry("regions")
    names = _prefixes(prefixes, found_regions)
    sheets: dict[str, tuple[PriceSheet, ...]] = {}
    for region in found_regions.names():
        is_list = isinstance(content["regions"][region], list)
        entries = found_regions.entries(region) if is_list else [found_regions.entry(region)]
        found = sorted(
            (_sheet(region, entry, sources, names[region]) for entry in entries), key=lambda s: s.as_of
        )
        if len({sheet.as_of for sheet in found}) < max(len(entries), 1):
            raise found_regions.fault(region, "must have one sheet for each day at most, and at least one")
        sheets[region] = tuple(found)
    whole.close()
    return MappingProxyType(sheets)


def _prefixes(content: Mapping[str, Any], found_regions: Entry) -> dict[str, str]:
    """Return how usage types begin, by region; each region needs one of its own."""
    whole = Entry(content, _PREFIXES)
    whole.skip("as_of", "knowledge", "source")
    table = whole.entry("prefixes")
    names = {region: table.text(region, default="") for region in table.names()}
    whole.close()
    for region in found_regions.names():
        if region not in names:
            raise table.fault(region, "is missing")
    for region, prefix in names.items():
        if list(names.values()).count(prefix) > 1:
            raise table.fault(region, f"{prefix!r} stands for another region too")
    return names


def _sheet(region: str, entry: Entry, sources: Entry, usage_prefix: str) -> PriceSheet:
    """Make a price sheet of an entry of the file."""
    sheet = PriceSheet(
        region=region,
        currency=_currency(entry),
        usage_prefix=usage_prefix,
        architectures=MappingProxyType(
            {name: _rates(rates, sources) for name, rates in entry.named("architectures").items()}
        ),
        streaming=_rate(entry.entry("streaming_per_gb")),
        as_of=entry.day("as_of"),
        as_of_note=entry.text("as_of_note"),
    )
    if set(sheet.architectures) != {"x86_64", "arm64"}:
        raise entry.fault("architectures", f"must be x86_64 and arm64, got {', '.join(sheet.architectures)}")
    entry.close()
    return sheet


def _currency(entry: Entry) -> str:
    """Return a region's currency, USD where it names none."""
    currency = entry.text("currency", default="USD")
    if currency not in ("USD", "CNY"):
        raise entry.fault("currency", f"must be USD or CNY, got {currency[:40]!r}")
    return currency


def _rates(entry: Entry, sources: Entry) -> ArchitectureRates:
    """Make the rates of an architecture."""
    tiers = entry.entries("tiers")
    bounds = [tier.whole("up_to_gb_s", least=1) if tier.bound("up_to_gb_s") else None for tier in tiers]
    check_bounds(bounds, entry.file, entry.place("tiers"))
    priced = [_rate(tier) for tier in tiers]
    for number in range(1, len(priced)):
        usd, before = priced[number].usd, priced[number - 1].usd
        if usd is not None and before is not None and usd > before:
            raise tiers[number].fault(
                "usd", f"rates must not rise from tier to tier, got {usd} after {before}"
            )
    cited = entry.texts("sources")
    for key in cited:
        if not sources.has(key):
            raise entry.fault("sources", f"must be of {', '.join(sources.names())}, got {key[:40]!r}")
    if not cited:
        raise entry.fault("sources", "must name at least one")
    rates = ArchitectureRates(
        tiers=tuple(Tier(bound, rate) for bound, rate in zip(bounds, priced, strict=True)),
        **{name: _rate(entry.entry(name)) for name in _FLAT},
        sources=tuple(sources.text(key) for key in cited),
    )
    entry.close()
    return rates


def _rate(entry: Entry) -> Rate:
    """Make a rate; prices are text in the file, so that no digit is lost."""
    quality = entry.text("quality")
    usd = entry.amount("usd") if entry.bound("usd") else None
    if (usd is None) != (quality == "unknown"):
        raise entry.fault(
            "quality", f"is unknown where there is no price, and only there, got {quality[:40]!r}"
        )
    entry.close()
    return Rate(usd, quality)
