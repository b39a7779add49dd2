"""The AWS Price List's offer AWSLambda, JSON or CSV, as prices by region and usage type; China's are in CNY."""

from __future__ import annotations

import csv
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Final, NamedTuple

from lambdasim.catalog.entries import Entry
from lambdasim.catalog.usage_types import LAMBDA_KINDS, ChargeKind, usage_type
from lambdasim.errors import CatalogError
from lambdasim.wording import count

FORMAT_VERSION: Final = "v1.0"
OFFER: Final = "AWSLambda"
ARCHITECTURES: Final = ("x86_64", "arm64")
_PREFIX: Final = re.compile(r"[A-Z]{2,4}[0-9]{0,2}")
_REGION: Final = re.compile(r"[a-z]{2}(?:-[a-z]+){1,2}-[0-9]{1,2}")
_CHINA: Final = "cn-"
_CHINA_GROUP: Final = "china free tier"
_CSV_HEAD_ROWS: Final = 5
_CSV_COLUMNS: Final = ("sku", "termtype", "ratecode", "effectivedate", "startingrange", "endingrange", "priceperunit",
                       "currency", "groupdescription", "usagetype", "regioncode")  # fmt: skip


class Band(NamedTuple):
    """One price of the list.

    Attributes
    ----------
    where : str
        Place in the file, for messages.
    sku, region, usage_type, begin, end, currency, price : str
        As the file writes them.
    effective : str
        Day from which it holds; the newest wins.
    """

    where: str
    sku: str
    region: str
    usage_type: str
    begin: str
    end: str
    currency: str
    price: str
    effective: str


@dataclass(frozen=True)
class PriceList:
    """The prices of a Price List file.

    Attributes
    ----------
    file : str
        For messages.
    published : date
    bands : tuple of Band
        On demand.
    dropped : int
        Rows of China's free tier, which are no prices, that were left out.
    """

    file: str
    published: date
    bands: tuple[Band, ...]
    dropped: int

    @property
    def regions(self) -> tuple[str, ...]:
        """Regions that it has prices of, in order."""
        return tuple(sorted({band.region for band in self.bands if _REGION.fullmatch(band.region)}))


def price_list_of_json(content: Mapping[str, Any], file: str) -> PriceList:
    """Read a Price List that was decoded from JSON.

    Raises
    ------
    CatalogError
        When it is another format, version or offer, or something is missing or of the wrong kind.
    """
    whole = Entry(content, file)
    _check_head(file, whole.text("formatVersion"), whole.text("offerCode"))
    published = _day(file, "publicationDate", whole.text("publicationDate"))
    terms = whole.entry("terms").entry("OnDemand")
    bands: list[Band] = []
    dropped = 0
    for sku, product in whole.named("products").items():
        attributes = product.entry("attributes")
        names = {
            name: attributes.text(name, default="")
            for name in ("usagetype", "regionCode", "groupDescription")
        }
        if not terms.has(sku) or not _is_wanted(names["usagetype"]):
            continue
        for offer in terms.named(sku).values():
            effective = offer.text("effectiveDate", default="")
            for dimension in offer.named("priceDimensions").values():
                prices = dimension.entry("pricePerUnit")
                currencies = prices.names()
                own = currency_of(names["regionCode"])
                currency = own if own in currencies else ", ".join(currencies)[:40]
                if _is_free_tier_of_china(names["groupDescription"]):
                    dropped += 1
                    continue
                _check_currency(file, prices.path, currency, own)
                bands.append(
                    Band(
                        prices.path,
                        sku,
                        names["regionCode"],
                        names["usagetype"],
                        dimension.text("beginRange"),
                        dimension.text("endRange"),
                        currency,
                        prices.text(currency),
                        effective,
                    )
                )
    return _listed(file, published, bands, dropped)


def price_list_of_csv(rows: Iterable[tuple[int, Sequence[str]]], file: str) -> PriceList:
    """Read a Price List of CSV rows, each with its line.

    Raises
    ------
    CatalogError
        As for ``price_list_of_json``.
    """
    head: dict[str, str] = {}
    places: dict[str, int] = {}
    bands: list[Band] = []
    dropped = 0
    for line, row in rows:
        where = f"row {line}"
        if not places:
            if len(row) == 2:
                head[_folded(row[0])] = row[1]
            elif "sku" in map(_folded, row):
                _check_head(file, head.get("formatversion", ""), head.get("offercode", ""))
                places = _places(file, where, row)
            if not places and line > 4 * _CSV_HEAD_ROWS:
                break
            continue
        if len(row) < max(places.values()) + 1:
            raise CatalogError.single(
                f"{file}, {where}",
                "",
                f"must have {max(places.values()) + 1} fields at least, has {len(row)}",
            )
        cells = {name: row[place] for name, place in places.items()}
        if cells["termtype"] != "OnDemand" or not _is_wanted(cells["usagetype"]):
            continue
        if _is_free_tier_of_china(cells["groupdescription"]):
            dropped += 1
            continue
        _check_currency(file, where, cells["currency"], currency_of(cells["regioncode"]))
        bands.append(
            Band(where, cells["sku"], cells["regioncode"], cells["usagetype"], cells["startingrange"],
                 cells["endingrange"], cells["currency"], cells["priceperunit"], cells["effectivedate"])
        )  # fmt: skip
    if not places:
        raise CatalogError.single(
            file, "", "must be a Price List of AWS: five rows about the file, then a header with SKU"
        )
    return _listed(file, _day(file, "Publication Date", head.get("publicationdate", "")), bands, dropped)


def csv_rows(lines: Iterable[str], file: str) -> Iterator[tuple[int, Sequence[str]]]:
    """Cut CSV text into rows, each with its line.

    Raises
    ------
    CatalogError
        Where the text is no CSV.
    """
    reader = csv.reader(lines, strict=True)
    try:
        for row in reader:
            yield reader.line_num, row
    except csv.Error as problem:
        raise CatalogError.single(f"{file}, row {reader.line_num}", "", f"must be CSV ({problem})") from None


def _folded(name: str) -> str:
    return name.replace(" ", "").replace("_", "").lower()


def _places(file: str, where: str, header: Sequence[str]) -> dict[str, int]:
    folded = [_folded(name) for name in header]
    for name in _CSV_COLUMNS:
        if folded.count(name) != 1:
            raise CatalogError.single(f"{file}, {where}", name, "the header must name this column, once")
    return {name: folded.index(name) for name in _CSV_COLUMNS}


def _check_head(file: str, version: str, offer: str) -> None:
    if version != FORMAT_VERSION:
        got = repr(version)[:40]
        raise CatalogError.single(
            file, "formatVersion", f"must be {FORMAT_VERSION}, the version that is known, got {got}"
        )
    if offer != OFFER:
        raise CatalogError.single(file, "offerCode", f"must be {OFFER}, got {repr(offer)[:40]}")


def currency_of(region: str) -> str:
    """Return the currency in which AWS bills a region: CNY in China, USD elsewhere."""
    return "CNY" if region.startswith(_CHINA) else "USD"


def _check_currency(file: str, where: str, currency: str, own: str) -> None:
    if currency != own:
        raise CatalogError.single(
            file, where, f"prices must be in {own}, got {repr(currency)[:40]}; bills are in {own}"
        )


def _day(file: str, field: str, text: str) -> date:
    try:
        return date.fromisoformat(text[:10])
    except ValueError:
        raise CatalogError.single(
            file, field, f"must begin with a day such as 2026-11-01, got {repr(text)[:40]}"
        ) from None


def _is_wanted(name: str) -> bool:
    return any(prefix_of(name, known) is not None for known in kinds_by_name())


def kinds_by_name() -> dict[str, list[tuple[ChargeKind, str]]]:
    """Return kinds and architectures by usage type, without prefix."""
    found: defaultdict[str, list[tuple[ChargeKind, str]]] = defaultdict(list)
    for kind in LAMBDA_KINDS:
        for architecture in ARCHITECTURES:
            found[usage_type(kind, architecture).name].append((kind, architecture))
    return found


def prefix_of(name: str, known: str) -> str | None:
    """Return the region's prefix of a usage type, empty in us-east-1; None where it is another usage type."""
    if name == known:
        return ""
    prefix = name.removesuffix(f"-{known}")
    return prefix if prefix != name and _PREFIX.fullmatch(prefix) else None


def _is_free_tier_of_china(group_description: str) -> bool:
    return _CHINA_GROUP in group_description.lower()


def _listed(file: str, published: date, bands: list[Band], dropped: int) -> PriceList:
    found = PriceList(file, published, tuple(bands), dropped)
    if not found.regions:
        what = f"; {count(dropped, 'row')} of China's free tier left out" if dropped else ""
        raise CatalogError.single(file, "", f"has no price of AWS Lambda in a region that is known{what}")
    return found
