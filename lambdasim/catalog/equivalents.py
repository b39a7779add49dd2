"""What stands for a piece of AWS elsewhere, and what moving it takes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from functools import cache
from types import MappingProxyType
from typing import Any, Final

from lambdasim.catalog.entries import Entry
from lambdasim.catalog.facts import Head, Knowledge
from lambdasim.catalog.files import toml_of

_FILE: Final = "equivalents.toml"


class Effort(StrEnum):
    """What moving a piece takes: least first."""

    DROP_IN = "drop-in"
    ADAPT = "adapt"
    REBUILD = "rebuild"
    NONE = "none"


@dataclass(frozen=True)
class Equivalent:
    """A piece of AWS and what stands for it elsewhere.

    Attributes
    ----------
    key, name : str
    triggers : tuple of str
        Types of triggers that are this piece.
    meters : tuple of str
        Beginnings of meters that show its use.
    google, azure, self_run : str
        The nearest there; empty where there is none.
    effort : Effort
    breaks : str
        What does not work as before.
    source : str
    as_of : date
    knowledge : Knowledge
    """

    key: str
    name: str
    triggers: tuple[str, ...]
    meters: tuple[str, ...]
    google: str
    azure: str
    self_run: str
    effort: Effort
    breaks: str
    source: str
    as_of: date
    knowledge: Knowledge


@cache
def equivalents() -> Mapping[str, Equivalent]:
    """Return all pieces by key.

    Returns
    -------
    mapping of str to Equivalent

    Examples
    --------
    >>> equivalents()["sqs_fifo"].effort.value
    'rebuild'
    """
    return equivalents_of(toml_of(_FILE))


def equivalents_of(content: Mapping[str, Any], file: str = _FILE) -> Mapping[str, Equivalent]:
    """Make pieces of the content of a file.

    Parameters
    ----------
    content : mapping
        As ``equivalents.toml`` has it.
    file : str
        Name of the file, for messages.

    Raises
    ------
    CatalogError
        With file and field, at the first thing that is missing, unknown, or of the wrong kind.
    """
    whole = Entry(content, file)
    head = Head.of(whole)
    found: dict[str, Equivalent] = {}
    for key, entry in whole.named("pieces").items():
        found[key] = Equivalent(
            key=key,
            name=entry.text("name"),
            triggers=entry.texts("triggers"),
            meters=entry.texts("meters"),
            google=entry.text("google", default=""),
            azure=entry.text("azure", default=""),
            self_run=entry.text("self_run", default=""),
            effort=entry.choice("effort", Effort),
            breaks=entry.text("breaks"),
            source=entry.source("source", head.sources),
            as_of=head.as_of,
            knowledge=entry.choice("knowledge", Knowledge, default=head.knowledge),
        )
        entry.close()
    whole.close()
    return MappingProxyType(found)
