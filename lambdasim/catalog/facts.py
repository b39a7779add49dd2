"""Limits and timings of the platform, each with its source, date and kind of knowledge."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from difflib import get_close_matches
from enum import StrEnum
from functools import cache
from types import MappingProxyType
from typing import Any, Final, NamedTuple, Self, TypeVar

from lambdasim.catalog.entries import Entry, require_day
from lambdasim.catalog.files import toml_of
from lambdasim.errors import CatalogError
from lambdasim.units import US_PER_MS, US_PER_S

T = TypeVar("T")
_TIME_UNIT_US: Final = {"ms": US_PER_MS, "s": US_PER_S}


class Knowledge(StrEnum):
    """How a value is known."""

    AWS_PAGE = "aws_page"
    VENDOR_PAGE = "vendor_page"
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


class DatedFacts(NamedTuple):
    """Facts of a file: what holds now, and what held before, each with the first day on which it did not any more."""

    current: Mapping[str, Fact]
    earlier: Mapping[str, tuple[tuple[date, Fact], ...]]

    def on(self, name: str, day: date | None, what: str) -> Fact:
        """Return the fact in force on a day; the newest without one."""
        fact = pick(self.current, name, what)
        if day is None:
            return fact
        require_day(day, what)
        before = [older for until, older in self.earlier.get(name, ()) if day < until]
        return before[0] if before else fact


def limit(name: str, on: date | None = None) -> Fact:
    """Look up a limit of the platform.

    Parameters
    ----------
    name : str
        A name of ``limits()``.
    on : date, optional
        Day, in UTC, on which it is to hold; default: the newest. Where no change is known, every day has the newest.

    Returns
    -------
    Fact

    Raises
    ------
    CatalogError
        When there is no limit of this name, or ``on`` is no day.

    Examples
    --------
    >>> limit("memory_max_mb").value, limit("memory_max_mb").unit
    (10240, 'MB')
    >>> [limit("payload_request_async_max_kb", on).value for on in (date(2025, 9, 30), date(2025, 10, 1))]
    [256, 1024]
    """
    return _limits().on(name, on, "limit")


def timing(name: str, on: date | None = None) -> Fact:
    """Look up a timing of the platform.

    Parameters
    ----------
    name : str
        A name of ``timings()``.
    on : date, optional
        As for ``limit``.

    Returns
    -------
    Fact

    Raises
    ------
    CatalogError
        When there is no timing of this name.

    Examples
    --------
    >>> timing("init_cap_on_demand_s").us
    10000000
    """
    return _timings().on(name, on, "timing")


def limits() -> Mapping[str, Fact]:
    """Return all limits by name, as they are now."""
    return _limits().current


def timings() -> Mapping[str, Fact]:
    """Return all timings by name, as they are now."""
    return _timings().current


@cache
def _limits() -> DatedFacts:
    """Return the limits of the catalog."""
    return facts_of(toml_of("limits.toml"), "limits", "limits.toml")


@cache
def _timings() -> DatedFacts:
    """Return the timings of the catalog."""
    return facts_of(toml_of("timings.toml"), "timings", "timings.toml")


def facts_of(content: Mapping[str, Any], table: str, file: str) -> DatedFacts:
    """Make facts of the content of a file.

    Parameters
    ----------
    content : mapping
        As ``limits.toml`` has it.
    table : str
        Name of the table of facts.
    file : str
        Name of the file, for messages.

    Raises
    ------
    CatalogError
        With file and field, at the first thing that is missing, unknown, or of the wrong kind.
    """
    whole = Entry(content, file)
    head = Head.of(whole)
    current = {name: _fact(name, entry, head) for name, entry in whole.named(table).items()}
    earlier: dict[str, list[tuple[date, Fact]]] = {}
    for entry in whole.entries("earlier", default=()):
        name = entry.text("name")
        if name not in current:
            raise entry.fault("name", f"must be one of {table}, got {name[:40]!r}")
        until = entry.day("until")
        fact = _fact(name, entry, head)
        if fact.unit != current[name].unit:
            raise entry.fault("unit", f"must be {current[name].unit}, as now, got {fact.unit[:40]}")
        earlier.setdefault(name, []).append((until, fact))
    whole.close()
    ordered = {name: tuple(sorted(found, key=lambda pair: pair[0])) for name, found in earlier.items()}
    for name, found in ordered.items():
        if len({until for until, _ in found}) < len(found):
            raise whole.fault("earlier", f"{name} has two entries until the same day")
    return DatedFacts(MappingProxyType(current), MappingProxyType(ordered))


class Head(NamedTuple):
    """What a file says for all of its entries that do not say it themselves."""

    as_of: date
    knowledge: Knowledge
    sources: Entry

    @classmethod
    def of(cls, whole: Entry) -> Self:
        """Read the head of a file.

        Raises
        ------
        CatalogError
            With file and field, where one is missing or of the wrong kind.
        """
        return cls(whole.day("as_of"), whole.choice("knowledge", Knowledge), whole.entry("sources"))


def _fact(name: str, entry: Entry, head: Head) -> Fact:
    """Make a fact of an entry, with the file's own date and kind of knowledge where it has none."""
    fact = Fact(
        name=name,
        value=entry.whole("value"),
        unit=entry.text("unit"),
        source=entry.source("source", head.sources),
        as_of=entry.day("as_of", default=head.as_of),
        knowledge=entry.choice("knowledge", Knowledge, default=head.knowledge),
        note=entry.text("note", default=""),
    )
    entry.close()
    return fact


def pick(entries: Mapping[str, T], name: str, what: str) -> T:
    """Return the entry of a name, or say which names there are."""
    if name in entries:
        return entries[name]
    near = get_close_matches(name, entries, n=1)
    hint = f"did you mean {near[0]!r}?" if near else f"there are: {', '.join(entries)}"
    raise CatalogError.single("catalog", what, f"unknown: {name[:40]!r}; {hint}")
