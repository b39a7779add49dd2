"""Price sheets from a Price List file: dated, compared with those in use, and priced over given usage."""

from __future__ import annotations

import io
import json
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import TYPE_CHECKING, Any, Final

from lambdasim.billing import Bill, Usage, price
from lambdasim.catalog import PriceSheet, Rate, price_sheet, regions
from lambdasim.catalog.files import parse_json
from lambdasim.catalog.prices.list_sheets import FLAT, RegionPrices, price_file_of, region_prices
from lambdasim.catalog.prices.price_list import PriceList, csv_rows, price_list_of_csv, price_list_of_json
from lambdasim.catalog.prices.sheets import sheets_of
from lambdasim.errors import CatalogError, InputError
from lambdasim.finance.reading import JSON_LIMIT_BYTES, json_object
from lambdasim.outputs import write_output
from lambdasim.specs.faults import not_among
from lambdasim.traffic.readers.source import SourceFile
from lambdasim.wording import count, money

if TYPE_CHECKING:
    import pandas as pd

_PREFIXES: Final = "usage_prefixes"


@dataclass(frozen=True)
class RateDifference:
    """A rate before and after.

    Attributes
    ----------
    region, architecture, rate : str
        ``rate`` as a price sheet names it; tiers with their number and upper bound.
    before, after : Decimal or None
        [USD per unit]; None where unknown, or where there is no such tier.
    before_quality, after_quality : str
        How each is known.
    """

    region: str
    architecture: str
    rate: str
    before: Decimal | None
    after: Decimal | None
    before_quality: str
    after_quality: str

    @property
    def change(self) -> Fraction | None:
        """Part by which it changed; None where one side is not known, or was 0."""
        if not self.before or self.after is None:
            return None
        return Fraction(self.after) / Fraction(self.before) - 1


@dataclass(frozen=True)
class PriceEffect:
    """What new sheets do to a bill.

    Attributes
    ----------
    before, after : Bill
        The same usage at the sheets in use, and at the new ones.
    """

    before: Bill
    after: Bill

    @property
    def difference(self) -> Fraction:
        """Exact [USD]; above 0 where the bill grows."""
        return Fraction(self.after.total) - Fraction(self.before.total)

    def __str__(self) -> str:
        """Say it as one line."""
        return f"{money(self.before.total)} -> {money(self.after.total)} ({money(self.difference)})"


@dataclass(frozen=True)
class PriceRefresh:
    """Sheets of a Price List file, and how they differ from those in use.

    Attributes
    ----------
    sheets : mapping of str to PriceSheet
        By region.
    differences : tuple of RateDifference
        Rates whose value changed.
    notes : tuple of str
        What was carried over, left out, new or older than what is in use.
    """

    sheets: Mapping[str, PriceSheet]
    differences: tuple[RateDifference, ...]
    notes: tuple[str, ...]

    def frame(self) -> pd.DataFrame:
        """Return the differences as a table, with the change as a fraction."""
        import pandas as pd

        names = (
            "region",
            "architecture",
            "rate",
            "before",
            "after",
            "change",
            "before_quality",
            "after_quality",
        )
        return pd.DataFrame(
            [[getattr(row, name) for name in names] for row in self.differences], columns=names
        )

    def effect(self, usages: Iterable[Usage], *, free_tier: bool = True) -> PriceEffect:
        """Price usage at the sheets in use and at the new ones.

        Parameters
        ----------
        usages : iterable of Usage
        free_tier : bool
            Whether both bills get the account's free tier.

        Returns
        -------
        PriceEffect
            The bill before, and after.

        Raises
        ------
        CatalogError
            When a region of the usage has no sheet, or a needed rate is unknown.
        InputError
            When no usage is of a region that the file has prices of.
        """
        rows = tuple(usages)
        fitting = [self.sheets[region] for region in sorted({row.region for row in rows} & set(self.sheets))]
        if not fitting:
            known = ", ".join(self.sheets)[:80]
            raise InputError.single("price refresh", "usage", f"has none in the regions of the file, {known}")
        before = price(rows, free_tier=free_tier, price_sheet=[price_sheet(new.region) for new in fitting])
        return PriceEffect(before, price(rows, free_tier=free_tier, price_sheet=fitting))


def refresh_prices(
    path: str | os.PathLike[str],
    out: str | os.PathLike[str] | None = None,
    *,
    region: str | None = None,
) -> PriceRefresh:
    """Make dated price sheets of a Price List file of AWS.

    Parameters
    ----------
    path : path-like
        ``index.json`` or ``index.csv`` of the offer AWSLambda, of one region or of all, plain or gzip.
    out : path-like, optional
        Where the sheets are written; ``load_price_sheets`` reads them.
    region : str, optional
        Only this one of the file's regions.

    Returns
    -------
    PriceRefresh

    Raises
    ------
    CatalogError
        When the file is no Price List of Lambda, of another version or in another currency; bands overlap or leave out a
        part; a price is no short decimal; or it has none of the region.
    TraceError
        When the file cannot be read.
    """
    prices = read_price_list(path)
    wanted = prices.regions
    if region is not None:
        if region not in wanted:
            raise CatalogError.single(prices.file, "region", not_among(region, wanted))
        wanted = (region,)
    found = [region_prices(prices, name, _known(name)) for name in wanted]
    content = {**price_file_of(prices, found), _PREFIXES: {one.region: one.usage_prefix for one in found}}
    sheets = _sheets(content, prices.file)
    if out is not None:
        text = json.dumps(content, indent=1) + "\n"
        write_output(out, text.encode(), "price sheets")
    pairs = [(_known(name), sheets[name]) for name in wanted]
    differences = tuple(row for known, new in pairs if known for row in _compare(known, new))
    return PriceRefresh(sheets, differences, tuple(_notes(prices, found, sheets)))


def read_price_list(path: str | os.PathLike[str]) -> PriceList:
    """Read a Price List file, JSON or CSV, plain or gzip.

    Raises
    ------
    InputError
        As ``refresh_prices``.
    """
    name = os.fspath(path)
    text = SourceFile.at(path).text(JSON_LIMIT_BYTES)
    if text.lstrip()[:1] != "{":
        return price_list_of_csv(csv_rows(io.StringIO(text, newline=""), name), name)
    try:
        return price_list_of_json(parse_json(text, name), name)
    except (RecursionError, ValueError) as problem:
        if isinstance(problem, InputError):
            raise
        raise CatalogError.single(name, "", "is not JSON that can be read") from None


def load_price_sheets(path: str | os.PathLike[str]) -> dict[str, PriceSheet]:
    """Read the sheets that ``refresh_prices`` wrote, by region; ``price(..., price_sheet=)`` takes them.

    Parameters
    ----------
    path : path-like
        JSON.

    Returns
    -------
    dict of str to PriceSheet
        By region.

    Raises
    ------
    InputError
        When the file is not one.
    """
    return _sheets(json_object(path), os.fspath(path))


def fitting_sheets(
    path: str | os.PathLike[str], usages: Iterable[Usage], region: str | None = None
) -> tuple[PriceSheet, ...]:
    """Read the sheets that ``refresh_prices`` wrote, those that usage needs alone.

    Parameters
    ----------
    path : path-like
    usages : iterable of Usage
    region : str, optional
        Where the usage is priced as if it had run.

    Returns
    -------
    tuple of PriceSheet

    Raises
    ------
    InputError
        When the file is not one, or has no sheet for any region of the usage.
    """
    sheets = load_price_sheets(path)
    wanted = {region} if region is not None else {usage.region for usage in usages}
    found = tuple(sheets[name] for name in sorted(wanted & sheets.keys()))
    if not found:
        known = ", ".join(sheets)[:120]
        raise InputError.single(
            os.fspath(path), "regions", f"must have {', '.join(sorted(wanted))[:120]}, has {known}"
        )
    return found


def _sheets(content: Mapping[str, Any], file: str) -> dict[str, PriceSheet]:
    """Make sheets with the catalog's own checks; usage types begin as the list has them."""
    prefixes = content.get(_PREFIXES)
    if not isinstance(prefixes, dict):
        raise CatalogError.single(file, _PREFIXES, "must be a table, as `lambdasim prices refresh` writes it")
    rest = {key: value for key, value in content.items() if key != _PREFIXES}
    return {name: sheets[-1] for name, sheets in sheets_of(rest, {"prefixes": prefixes}, file).items()}


def _known(region: str) -> PriceSheet | None:
    return price_sheet(region) if region in regions() else None


def _compare(before: PriceSheet, after: PriceSheet) -> list[RateDifference]:
    found = []
    for architecture in after.architectures:
        old, new = _named_rates(before, architecture), _named_rates(after, architecture)
        for name in dict.fromkeys((*old, *new)):
            was, now = old.get(name), new.get(name)
            if (was and was.usd) != (now and now.usd):
                found.append(
                    RateDifference(
                        after.region,
                        architecture,
                        name,
                        was.usd if was else None,
                        now.usd if now else None,
                        was.quality if was else "no such tier",
                        now.quality if now else "no such tier",
                    )
                )
    return found


def _named_rates(sheet: PriceSheet, architecture: str) -> dict[str, Rate]:
    rates = sheet.rates(architecture)
    tiers = {
        f"duration, tier {number}, "
        + ("above" if tier.up_to_gb_s is None else f"up to {tier.up_to_gb_s:,} GB-s"): tier.rate
        for number, tier in enumerate(rates.tiers, start=1)
    }
    return {**tiers, **{name: getattr(rates, name) for name in FLAT.values()}, "streaming": sheet.streaming}


def _notes(prices: PriceList, found: list[RegionPrices], sheets: Mapping[str, PriceSheet]) -> Iterable[str]:
    """Say what a reader of the differences should know besides."""
    yield f"Price List published {prices.published.isoformat()}, {len(found)} region{'s' * (len(found) != 1)}"
    if prices.dropped:
        yield f"{count(prices.dropped, 'row')} of China's free tier left out"
    for one in found:
        known = _known(one.region)
        if known is None:
            yield f"{one.region}: no sheet is in use"
        elif known.as_of > sheets[one.region].as_of:
            yield f"{one.region}: the file is older than the sheet in use, of {known.as_of.isoformat()}"
        if known is not None and known.usage_prefix != one.usage_prefix:
            yield f"{one.region}: usage types begin with {one.usage_prefix!r}, not {known.usage_prefix!r}"
        if one.carried:
            source = "are unknown" if known is None else f"carried over from {known.as_of.isoformat()}"
            yield f"{one.region}: not in the file, {source}: {', '.join(one.carried)}"
