"""Prices of a Price List made into a price file; what the list does not price is carried over, and says so."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

from lambdasim.catalog.entries import Entry
from lambdasim.catalog.prices.price_list import (
    ARCHITECTURES,
    OFFER,
    Band,
    PriceList,
    currency_of,
    kinds_by_name,
    prefix_of,
)
from lambdasim.catalog.prices.sheets import ArchitectureRates, PriceSheet, Rate
from lambdasim.catalog.usage_types import ChargeKind, usage_type
from lambdasim.errors import CatalogError

FLAT: Final = {
    ChargeKind.REQUEST: "request",
    ChargeKind.EPHEMERAL: "ephemeral",
    ChargeKind.PC_IDLE: "pc_idle",
    ChargeKind.PC_DURATION: "pc_duration",
    ChargeKind.SNAPSTART_CACHE: "snapstart_cache",
    ChargeKind.SNAPSTART_RESTORE: "snapstart_restore",
}
_NUMBER: Final = re.compile(r"[0-9]{1,15}(?:\.[0-9]{1,15})?")
_MOST_BANDS: Final = 20


@dataclass(frozen=True)
class RegionPrices:
    """A region of a price list, as a price file writes it.

    Attributes
    ----------
    region : str
    usage_prefix : str
        As the list has it.
    content : dict
        One region's table of a price file.
    carried : tuple of str
        Rates that the list does not have, taken from the known sheet.
    """

    region: str
    usage_prefix: str
    content: dict[str, Any]
    carried: tuple[str, ...]


def region_prices(prices: PriceList, region: str, known: PriceSheet | None) -> RegionPrices:
    """Make a region's table of a price file.

    Parameters
    ----------
    prices : PriceList
    region : str
    known : PriceSheet, optional
        Where rates come from that the list does not have; without one they are unknown.

    Raises
    ------
    CatalogError
        When bands overlap or leave out a part, a price is no short decimal, a usage type is priced twice, or on-demand
        duration or requests of x86_64 are missing.
    """
    own = [band for band in prices.bands if band.region == region]
    quality = f"confirmed in the AWS Price List of {prices.published.isoformat()}"
    found: dict[tuple[ChargeKind, str], list[Band]] = {}
    for name, kinds in kinds_by_name().items():
        bands = [band for band in own if prefix_of(band.usage_type, name) is not None]
        if bands:
            newest = _newest(prices.file, bands)
            found |= dict.fromkeys(kinds, newest)
    for needed in (ChargeKind.DURATION, ChargeKind.REQUEST):
        if (needed, "x86_64") not in found:
            raise CatalogError.single(
                prices.file, region, f"has no price of {usage_type(needed, 'x86_64').name}"
            )
    carried: list[str] = []
    architectures = {
        architecture: _architecture(prices.file, architecture, found, quality, known, carried)
        for architecture in ARCHITECTURES
    }
    if (ChargeKind.STREAMING, "x86_64") in found:
        streaming = _flat(prices.file, found[ChargeKind.STREAMING, "x86_64"], quality)
    else:
        streaming = _carried(None if known is None else known.streaming, known)
        carried.append("streaming")
    content = {
        "as_of": prices.published.isoformat(),
        "as_of_note": "publication of the AWS Price List that the file is",
        "architectures": architectures,
        "streaming_per_gb": streaming,
        **({} if currency_of(region) == "USD" else {"currency": currency_of(region)}),
    }
    duration = usage_type(ChargeKind.DURATION, "x86_64").name
    prefix = prefix_of(found[ChargeKind.DURATION, "x86_64"][0].usage_type, duration) or ""
    return RegionPrices(region, prefix, content, tuple(carried))


def _architecture(
    file: str,
    architecture: str,
    found: Mapping[tuple[ChargeKind, str], list[Band]],
    quality: str,
    known: PriceSheet | None,
    carried: list[str],
) -> dict[str, Any]:
    """Make an architecture's table, and note what was carried over."""
    rates = None if known is None else known.architectures.get(architecture)
    table: dict[str, Any] = {"sources": ["price-list"]}
    if (ChargeKind.DURATION, architecture) in found:
        table["tiers"] = _tiers(file, found[ChargeKind.DURATION, architecture], quality)
    else:
        table["tiers"] = _carried_tiers(rates, known)
        carried.append(f"{architecture}.tiers")
    for kind, field in FLAT.items():
        if (kind, architecture) in found:
            table[field] = _flat(file, found[kind, architecture], quality)
        else:
            table[field] = _carried(None if rates is None else getattr(rates, field), known)
            carried.append(f"{architecture}.{field}")
    return table


def _newest(file: str, bands: list[Band]) -> list[Band]:
    """Keep the bands that took effect last; they must be of one product."""
    latest = max(band.effective for band in bands)
    newest = [band for band in bands if band.effective == latest]
    first = newest[0]
    other = next((band for band in newest if band.sku != first.sku), None)
    if other is not None:
        message = f"{first.usage_type} is priced twice, as {first.sku[:40]} and {other.sku[:40]}"
        raise CatalogError.single(file, other.where, message)
    return newest


def _tiers(file: str, bands: list[Band], quality: str) -> list[dict[str, Any]]:
    """Check that bands follow each other from 0 without end, and write them."""
    if len(bands) > _MOST_BANDS:
        raise CatalogError.single(
            file, bands[0].where, f"must have at most {_MOST_BANDS} bands, has {len(bands)}"
        )
    ordered = sorted(bands, key=lambda band: _bound(file, band, "beginRange", band.begin) or Decimal(0))
    reached: Decimal | None = Decimal(0)
    tiers: list[dict[str, Any]] = []
    for band in ordered:
        begin = _bound(file, band, "beginRange", band.begin)
        end = _bound(file, band, "endRange", band.end)
        if begin is None or (end is not None and end <= begin):
            raise CatalogError.single(
                file,
                band.where,
                f"{band.usage_type}: a band must end after it begins, got {band.begin[:20]} to {band.end[:20]}",
            )
        if reached is None or begin < reached:
            upto = "Inf" if reached is None else reached
            raise CatalogError.single(
                file, band.where, f"{band.usage_type}: bands overlap, one begins at {begin} before {upto}"
            )
        if begin > reached:
            raise CatalogError.single(
                file, band.where, f"{band.usage_type}: a tier is missing, nothing prices {reached} to {begin}"
            )
        if end is not None and end != int(end):
            raise CatalogError.single(
                file, band.where, f"{band.usage_type}: a bound must be whole, got {band.end[:20]}"
            )
        tiers.append(
            {"up_to_gb_s": None if end is None else int(end), "usd": _price(file, band), "quality": quality}
        )
        reached = end
    if reached is not None:
        raise CatalogError.single(
            file,
            ordered[-1].where,
            f"{ordered[-1].usage_type}: a tier is missing, nothing prices from {reached}",
        )
    return tiers


def _bound(file: str, band: Band, field: str, text: str) -> Decimal | None:
    if text in ("Inf", "inf"):
        return None
    if not _NUMBER.fullmatch(text):
        raise CatalogError.single(
            file, f"{band.where}.{field}", f"must be a whole number or Inf, got {repr(text)[:40]}"
        )
    return Decimal(text)


def _price(file: str, band: Band) -> str:
    """Return a price as a price file writes it, and refuse what no price list would say."""
    text = band.price
    plain = text.rstrip("0").rstrip(".") if "." in text else text
    place = f"{band.where}, {band.usage_type}"
    amount = Entry({}, file).as_amount(plain or "0", place)
    if not amount:
        raise CatalogError.single(file, place, "must be above 0: nothing that has a rate of Lambda is free")
    return str(format(amount, "f"))


def _flat(file: str, bands: list[Band], quality: str) -> dict[str, Any]:
    tiers = _tiers(file, bands, quality)
    if len(tiers) > 1:
        raise CatalogError.single(
            file, bands[0].where, f"{bands[0].usage_type}: must have one price, has {len(tiers)}"
        )
    return {"usd": tiers[0]["usd"], "quality": quality}


def _carried(rate: Rate | None, known: PriceSheet | None) -> dict[str, Any]:
    if rate is None or rate.usd is None or known is None:
        return {"usd": None, "quality": "unknown"}
    return {
        "usd": format(rate.usd, "f"),
        "quality": f"carried over from the sheet of {known.as_of.isoformat()}: the Price List file has none",
    }


def _carried_tiers(rates: ArchitectureRates | None, known: PriceSheet | None) -> list[dict[str, Any]]:
    if rates is None:
        return [{"up_to_gb_s": None, "usd": None, "quality": "unknown"}]
    return [{"up_to_gb_s": tier.up_to_gb_s, **_carried(tier.rate, known)} for tier in rates.tiers]


def price_file_of(prices: PriceList, regions: Sequence[RegionPrices]) -> dict[str, Any]:
    """Return the content of a price file, which ``sheets_of`` reads."""
    source = f"AWS Price List, offer {OFFER}, published {prices.published.isoformat()}"
    return {
        "currency": "USD",
        "sources": {"price-list": source},
        "regions": {found.region: found.content for found in regions},
    }
