"""Which runtimes have SnapStart."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date
from functools import cache
from typing import Final

from lambdasim.catalog.entries import Entry
from lambdasim.catalog.facts import Head, Knowledge
from lambdasim.catalog.files import toml_of

_FILE: Final = "runtimes.toml"
_VERSION: Final = re.compile(r"(\d{1,4})(\.al\d{1,4})?")


@dataclass(frozen=True)
class SnapStartFamily:
    """A family of runtimes with SnapStart.

    Attributes
    ----------
    family : str
        In words, such as ``Java``.
    prefix : str
        What its identifiers begin with.
    first : int
        The first version that has it.
    source : str
    as_of : date
    knowledge : Knowledge
    """

    family: str
    prefix: str
    first: int
    source: str
    as_of: date
    knowledge: Knowledge

    def citation(self) -> str:
        """Return source and date as one phrase, for messages."""
        return f"{self.source}, seen {self.as_of.isoformat()}"


@cache
def snap_start_families() -> tuple[SnapStartFamily, ...]:
    """Return the families of runtimes that have SnapStart.

    Returns
    -------
    tuple of SnapStartFamily

    Raises
    ------
    CatalogError
        When the file has a missing, unknown or faulty entry.
    """
    whole = Entry(toml_of(_FILE), _FILE)
    head = Head.of(whole)
    found = []
    for entry in whole.named("snap_start").values():
        found.append(
            SnapStartFamily(
                family=entry.text("family"),
                prefix=entry.text("prefix"),
                first=entry.whole("first"),
                source=entry.source("source", head.sources),
                as_of=head.as_of,
                knowledge=head.knowledge,
            )
        )
        entry.close()
    whole.close()
    return tuple(found)


def has_snap_start(runtime: str) -> bool:
    """Return whether AWS offers SnapStart for a runtime.

    Parameters
    ----------
    runtime : str
        AWS's identifier.

    Returns
    -------
    bool

    Examples
    --------
    >>> [has_snap_start(name) for name in ("java21", "java8.al2", "python3.12", "python3.11", "nodejs22.x", "dotnet8")]
    [True, False, True, False, False, True]
    """
    for family in snap_start_families():
        version = _VERSION.fullmatch(runtime.removeprefix(family.prefix))
        if runtime.startswith(family.prefix) and version is not None:
            return int(version[1]) >= family.first
    return False


def snap_start_in_words() -> str:
    """Name the first version of each family with SnapStart.

    Returns
    -------
    str

    Examples
    --------
    >>> snap_start_in_words()
    'Java 11, Python 3.12, .NET 8 or later'
    """
    return ", ".join(f"{one.family}{one.first}" for one in snap_start_families()) + " or later"
