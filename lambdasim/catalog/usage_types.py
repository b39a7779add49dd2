"""What is charged for, and how bills name it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from functools import cache
from typing import Any, Final

from lambdasim.catalog.entries import Entry
from lambdasim.catalog.files import toml_of
from lambdasim.errors import CatalogError

_FILE: Final = "usage_types.toml"
_ARCHITECTURES: Final = ("x86_64", "arm64")


class ChargeKind(StrEnum):
    """What a line of a bill charges for."""

    REQUEST = "request"
    DURATION = "duration"
    EPHEMERAL = "ephemeral"
    PC_IDLE = "pc_idle"
    PC_DURATION = "pc_duration"
    SNAPSTART_CACHE = "snapstart_cache"
    SNAPSTART_RESTORE = "snapstart_restore"
    STREAMING = "streaming"
    NEIGHBOUR = "neighbour"
    """A service beside Lambda, see ``catalog.prices.meters``."""


LAMBDA_KINDS: Final = tuple(kind for kind in ChargeKind if kind is not ChargeKind.NEIGHBOUR)


class CountedIn(StrEnum):
    """In which unit the usage of a kind adds up as whole numbers."""

    COUNT = "count"
    MB_MS = "mb_ms"
    MB = "mb"
    BYTES = "bytes"


@dataclass(frozen=True)
class UsageType:
    """Names of a kind of charge on a bill.

    Attributes
    ----------
    kind : ChargeKind
    name : str
        Without the region's prefix.
    free_name : str
        Of the free tier's line; empty where nothing is free.
    unit : str
        Billed unit in AWS's words.
    counted_in : CountedIn
    description : str
    source : str
    as_of : date
        Of the source.
    """

    kind: ChargeKind
    name: str
    free_name: str
    unit: str
    counted_in: CountedIn
    description: str
    source: str
    as_of: date


def usage_type(kind: ChargeKind, architecture: str) -> UsageType:
    """Return how a bill names a kind of charge.

    Parameters
    ----------
    kind : ChargeKind
    architecture : str
        ``x86_64`` or ``arm64``.

    Returns
    -------
    UsageType

    Raises
    ------
    CatalogError
        When the architecture is unknown.

    Examples
    --------
    >>> usage_type(ChargeKind.DURATION, "arm64").name
    'Lambda-GB-Second-ARM'
    """
    if architecture not in _ARCHITECTURES:
        raise CatalogError.single(
            "usage types",
            "architecture",
            f"must be {' or '.join(_ARCHITECTURES)}, got {repr(architecture)[:40]}",
        )
    return _usage_types()[kind, architecture]


@cache
def _usage_types() -> Mapping[tuple[ChargeKind, str], UsageType]:
    """Return the usage types of the catalog."""
    return usage_types_of(toml_of(_FILE))


def usage_types_of(
    content: Mapping[str, Any], file: str = _FILE
) -> Mapping[tuple[ChargeKind, str], UsageType]:
    """Make usage types of the content of a file.

    Parameters
    ----------
    content : mapping
        As ``usage_types.toml`` has it.
    file : str
        Name of the file, for messages.

    Raises
    ------
    CatalogError
        With file and field, at the first thing that is missing, unknown, or of the wrong kind.
    """
    whole = Entry(content, file)
    as_of, source, kinds = whole.day("as_of"), whole.text("source"), whole.entry("kinds")
    found: dict[tuple[ChargeKind, str], UsageType] = {}
    for kind in LAMBDA_KINDS:
        entry = kinds.entry(kind)
        for architecture in _ARCHITECTURES:
            found[kind, architecture] = UsageType(
                kind=kind,
                name=entry.text(architecture),
                free_name=entry.text("free", default=""),
                unit=entry.text("unit"),
                counted_in=entry.choice("counted_in", CountedIn),
                description=entry.text("description"),
                source=source,
                as_of=as_of,
            )
        entry.close()
    kinds.close()
    whole.close()
    return found
