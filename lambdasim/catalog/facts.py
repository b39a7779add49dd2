"""Limits and timings of the platform, each with its source, date and kind of knowledge."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from difflib import get_close_matches
from enum import StrEnum
from functools import cache
from types import MappingProxyType
from typing import Any, Final, TypeVar

from lambdasim.catalog.files import toml_of
from lambdasim.errors import CatalogError
from lambdasim.units import US_PER_MS, US_PER_S

T = TypeVar("T")
_TIME_UNIT_US: Final = {"ms": US_PER_MS, "s": US_PER_S}


class Knowledge(StrEnum):
    """How a value is known."""

    AWS_PAGE = "aws_page"
    MEASURED = "measured"
    FITTED = "fitted"
    ASSUMED = "assumed"
    GIVEN = "given"


@dataclass(frozen=True)
class Fact:
    """A value of the platform and how it is known.

    Attributes
    ----------
    name : str
        Ends in the unit where there is one.
    value : int
        In ``unit``.
    unit : str
        In words.
    source : str
        Title and address of the page, or the study.
    as_of : date
        When the source was seen; the first of the month where only the month is known.
    knowledge : Knowledge
    note : str
        What a reader should know besides; may be empty.
    """

    name: str
    value: int
    unit: str
    source: str
    as_of: date
    knowledge: Knowledge
    note: str = ""

    @property
    def us(self) -> int:
        """The value as microseconds [µs].

        Raises
        ------
        CatalogError
            When the fact is not a time in s or ms.
        """
        if self.unit not in _TIME_UNIT_US:
            raise CatalogError.single("catalog", self.name, f"is not a time: its unit is {self.unit}")
        return self.value * _TIME_UNIT_US[self.unit]

    def citation(self) -> str:
        """Return source and date as one phrase, for messages.

        Examples
        --------
        >>> limit("layers_max").citation().endswith("seen 2026-11-01")
        True
        """
        return f"{self.source}, seen {self.as_of.isoformat()}"


def limit(name: str) -> Fact:
    """Look up a limit of the platform.

    Parameters
    ----------
    name : str
        A name of ``limits()``.

    Raises
    ------
    CatalogError
        When there is no limit of this name.

    Examples
    --------
    >>> limit("memory_max_mb").value, limit("memory_max_mb").unit
    (10240, 'MB')
    """
    return pick(limits(), name, "limit")


def timing(name: str) -> Fact:
    """Look up a timing of the platform.

    Parameters
    ----------
    name : str
        A name of ``timings()``.

    Raises
    ------
    CatalogError
        When there is no timing of this name.

    Examples
    --------
    >>> timing("init_cap_on_demand_s").us
    10000000
    """
    return pick(timings(), name, "timing")


@cache
def limits() -> Mapping[str, Fact]:
    """Return all limits by name."""
    return _facts("limits.toml", "limits")


@cache
def timings() -> Mapping[str, Fact]:
    """Return all timings by name."""
    return _facts("timings.toml", "timings")


def _facts(file: str, table: str) -> Mapping[str, Fact]:
    """Read a table of facts."""
    content = toml_of(file)
    return MappingProxyType({name: _fact(name, entry, content) for name, entry in content[table].items()})


def _fact(name: str, entry: dict[str, Any], content: dict[str, Any]) -> Fact:
    """Make a fact of an entry, with the file's own date and kind of knowledge where it has none."""
    return Fact(
        name=name,
        value=entry["value"],
        unit=entry["unit"],
        source=content["sources"][entry["source"]],
        as_of=entry.get("as_of", content["as_of"]),
        knowledge=Knowledge(entry.get("knowledge", content["knowledge"])),
        note=entry.get("note", ""),
    )


def pick(entries: Mapping[str, T], name: str, what: str) -> T:
    """Return the entry of a name, or say which names there are."""
    if name in entries:
        return entries[name]
    near = get_close_matches(name, entries, n=1)
    hint = f"did you mean {near[0]!r}?" if near else f"there are: {', '.join(entries)}"
    raise CatalogError.single("catalog", what, f"unknown: {name[:40]!r}; {hint}")
