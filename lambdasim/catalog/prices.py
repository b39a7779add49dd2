"""Price sheets of AWS Lambda: rates by region and architecture, each with how well it is known."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import cache
from types import MappingProxyType
from typing import Any

from lambdasim.catalog.facts import pick
from lambdasim.catalog.files import json_of, toml_of
from lambdasim.errors import CatalogError

_FILE = "prices_aws_lambda.json"


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


@dataclass(frozen=True)
class PriceSheet:
    """All rates of a region.

    Attributes
    ----------
    region : str
    currency : str
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

        Raises
        ------
        CatalogError
            When the sheet has none for it.
        """
        return pick(self.architectures, architecture, f"architecture in the price sheet of {self.region}")


def regions() -> tuple[str, ...]:
    """Return the regions that have a price sheet, in order of name."""
    return tuple(json_of(_FILE)["regions"])


def price_sheet(region: str, on: date | None = None) -> PriceSheet:
    """Return the price sheet for a region.

    Parameters
    ----------
    region : str
        Such as ``eu-central-1``.
    on : date, optional
        Day whose prices are wanted: the newest sheet known by then, else the oldest there is, whose
        ``as_of`` tells its date. Default: the newest.

    Raises
    ------
    CatalogError
        When the region is unknown.

    Examples
    --------
    >>> price_sheet("us-east-1").rates("x86_64").tiers[0].rate.usd
    Decimal('0.0000166667')
    """
    sheets = _sheets(region)
    in_force = [sheet for sheet in sheets if on is None or sheet.as_of <= on]
    return in_force[-1] if in_force else sheets[0]


@cache
def _sheets(region: str) -> tuple[PriceSheet, ...]:
    """Return the sheets of a region, oldest first."""
    content = json_of(_FILE)
    if region not in content["regions"]:
        raise CatalogError.single(
            "price sheets", "region", f"must be one of {', '.join(content['regions'])}, got {region[:40]!r}"
        )
    return (_sheet(region, content["regions"][region], content),)


def _sheet(region: str, entry: dict[str, Any], content: dict[str, Any]) -> PriceSheet:
    """Make a price sheet of an entry of the file."""
    return PriceSheet(
        region=region,
        currency=content["currency"],
        usage_prefix=toml_of("billing_prefixes.toml")["prefixes"][region],
        architectures=MappingProxyType(
            {name: _rates(rates, content["sources"]) for name, rates in entry["architectures"].items()}
        ),
        streaming=_rate(entry["streaming_per_gb"]),
        as_of=date.fromisoformat(entry["as_of"]),
        as_of_note=entry["as_of_note"],
    )


def _rates(entry: dict[str, Any], sources: dict[str, str]) -> ArchitectureRates:
    """Make the rates of an architecture."""
    return ArchitectureRates(
        tiers=tuple(Tier(tier["up_to_gb_s"], _rate(tier)) for tier in entry["tiers"]),
        request=_rate(entry["request"]),
        ephemeral=_rate(entry["ephemeral"]),
        pc_idle=_rate(entry["pc_idle"]),
        pc_duration=_rate(entry["pc_duration"]),
        snapstart_cache=_rate(entry["snapstart_cache"]),
        snapstart_restore=_rate(entry["snapstart_restore"]),
        sources=tuple(sources[key] for key in entry["sources"]),
    )


def _rate(entry: dict[str, Any]) -> Rate:
    """Make a rate; prices are text in the file, so that no digit is lost."""
    return Rate(None if entry["usd"] is None else Decimal(entry["usd"]), entry["quality"])
