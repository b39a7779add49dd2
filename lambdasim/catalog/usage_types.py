"""What is charged for, and how bills name it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from functools import cache

from lambdasim.catalog.files import toml_of


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
    """

    kind: ChargeKind
    name: str
    free_name: str
    unit: str
    counted_in: CountedIn
    description: str


@cache
def usage_type(kind: ChargeKind, architecture: str) -> UsageType:
    """Return how a bill names a kind of charge.

    Parameters
    ----------
    kind : ChargeKind
    architecture : str
        ``x86_64`` or ``arm64``.

    Examples
    --------
    >>> usage_type(ChargeKind.DURATION, "arm64").name
    'Lambda-GB-Second-ARM'
    """
    entry = toml_of("usage_types.toml")["kinds"][kind.value]
    return UsageType(
        kind=kind,
        name=entry[architecture],
        free_name=entry.get("free", ""),
        unit=entry["unit"],
        counted_in=CountedIn(entry["counted_in"]),
        description=entry["description"],
    )
