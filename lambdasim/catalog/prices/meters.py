"""What services beside Lambda charge for: one table of meters with units, tiers, free parts and what counts on them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import cache
from types import MappingProxyType
from typing import Any, Final

from lambdasim.catalog.entries import Entry
from lambdasim.catalog.facts import Knowledge, pick
from lambdasim.catalog.files import toml_of
from lambdasim.catalog.prices.managed import managed_meters
from lambdasim.catalog.prices.meter_kinds import HOME, KB_PER_GB, Driver, Meter, MeterPrice, Service

__all__ = [
    "Driver",
    "Meter",
    "MeterDefaults",
    "MeterPrice",
    "Service",
    "meter",
    "meter_defaults",
    "meters",
    "meters_of",
    "priced_meters",
]

_FILE: Final = "meters.toml"


@dataclass(frozen=True)
class MeterDefaults:
    """Figures that drive meters.

    Attributes
    ----------
    log_platform_bytes : int
        Lambda's own lines of a run [bytes].
    trace_first_per_s, trace_percent : int
        Sampling of traces: so many a second, and a part of the rest [%].
    lcu_connections_per_s : int
        New connections that one capacity unit of a load balancer takes.
    lcu_gb, lcu_server_gb : Decimal
        Processed bytes of one capacity unit in an hour, with Lambda functions and with servers behind it [GB].
    """

    log_platform_bytes: int
    trace_first_per_s: int
    trace_percent: int
    lcu_connections_per_s: int
    lcu_gb: Decimal
    lcu_server_gb: Decimal


def meter(name: str) -> Meter:
    """Look up a meter.

    Raises
    ------
    CatalogError
        When there is none of the name.
    """
    return pick(priced_meters(), name, "meter")


@cache
def priced_meters() -> Mapping[str, Meter]:
    """Return the meters of the table and those of managed instances, by name."""
    return MappingProxyType({**meters(), **managed_meters()})


@cache
def meters() -> Mapping[str, Meter]:
    """Return the meters of the table by name."""
    return meters_of(toml_of(_FILE))


@cache
def meter_defaults() -> MeterDefaults:
    """Return the figures that drive meters."""
    entry = Entry(toml_of(_FILE), _FILE).entry("defaults")
    found = MeterDefaults(
        log_platform_bytes=entry.whole("log_platform_bytes"),
        trace_first_per_s=entry.whole("trace_first_per_s"),
        trace_percent=entry.whole("trace_percent"),
        lcu_connections_per_s=entry.whole("lcu_connections_per_s", least=1),
        lcu_gb=entry.amount("lcu_gb"),
        lcu_server_gb=entry.amount("lcu_server_gb"),
    )
    entry.close()
    return found


def meters_of(content: Mapping[str, Any], file: str = _FILE) -> Mapping[str, Meter]:
    """Make meters of the content of a file.

    Parameters
    ----------
    content : mapping
        As ``meters.toml`` has it.
    file : str
        Name of the file, for messages.

    Raises
    ------
    CatalogError
        With file and field, at the first thing that is missing, unknown, or no price.
    """
    whole = Entry(content, file)
    as_of, sources = whole.day("as_of"), whole.entry("sources")
    whole.skip("defaults")
    services = {name: _service(entry) for name, entry in whole.named("services").items()}
    found = {
        name: _meter(name, entry, services, sources, as_of) for name, entry in whole.named("meters").items()
    }
    for one in found.values():
        sharing = [other for other in found.values() if one.pool and other.pool == one.pool]
        if len({(other.free, other.per) for other in sharing}) > 1:
            raise whole.fault(f"meters.{one.name}.free", f"must be one for all of pool {one.pool}")
    whole.close()
    return MappingProxyType(found)


def _service(entry: Entry) -> Service:
    found = Service(*(entry.text(name) for name in ("name", "code", "category", "subcategory")))
    entry.close()
    return found


def _meter(name: str, entry: Entry, services: Mapping[str, Service], sources: Entry, as_of: date) -> Meter:
    service = entry.text("service")
    if service not in services:
        raise entry.fault("service", f"must be one of {', '.join(services)}, got {service[:40]!r}")
    found = Meter(
        name=name,
        service=services[service],
        description=entry.text("description"),
        unit=entry.text("unit"),
        per=entry.whole("per", least=1),
        driver=entry.choice("driver", Driver),
        free=entry.amount("free", default="0"),
        pool=entry.text("pool", default=""),
        triggers=entry.texts("triggers") if entry.has("triggers") else (),
        chunk_kb=entry.whole("chunk_kb", least=1) if entry.has("chunk_kb") else 0,
        kb_per_gb=entry.whole("kb_per_gb", least=1) if entry.has("kb_per_gb") else KB_PER_GB,
        note=entry.text("note", default=""),
        asked=entry.text("asked", default=""),
        prices=MappingProxyType(
            {region: _price(price, sources, as_of) for region, price in entry.named("prices").items()}
            if entry.has("prices")
            else {}
        ),
    )
    if bool(found.asked) == bool(found.prices) or (found.prices and HOME not in found.prices):
        raise entry.fault("prices", f"must have one of {HOME}, or none where asked says why")
    entry.close()
    return found


def _price(entry: Entry, sources: Entry, as_of: date) -> MeterPrice:
    tiers = entry.bands("tiers")
    found = MeterPrice(
        tiers=tiers,
        source=entry.source("source", sources),
        as_of=entry.day("as_of", default=as_of),
        knowledge=entry.choice("knowledge", Knowledge),
    )
    entry.close()
    return found
