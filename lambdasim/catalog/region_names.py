"""What AWS calls its regions."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from types import MappingProxyType
from typing import Final

from lambdasim.catalog.entries import Entry
from lambdasim.catalog.files import toml_of

_FILE: Final = "region_names.toml"


def region_name(region: str) -> str:
    """Return a region's name; its id where AWS's name is not known, so that a name is never missing.

    Parameters
    ----------
    region : str
        Such as ``eu-central-1``.

    Returns
    -------
    str

    Examples
    --------
    >>> region_name("eu-central-1"), region_name("eu-central-9")
    ('Europe (Frankfurt)', 'eu-central-9')
    """
    return _names().get(region, region)


@cache
def _names() -> Mapping[str, str]:
    """Return the names by region."""
    whole = Entry(toml_of(_FILE), _FILE)
    whole.skip("as_of", "knowledge", "source")
    table = whole.entry("names")
    names = {region: table.text(region) for region in table.names()}
    for entry in (table, whole):
        entry.close()
    return MappingProxyType(names)
