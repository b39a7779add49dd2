"""What AWS calls its regions, and who sells what runs there."""

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
    return _table("names").get(region, region)


def seller_of(region: str) -> str:
    """Return who issues the invoice for what ran in a region: in China the company that operates it.

    Parameters
    ----------
    region : str
        Empty for what has none.

    Returns
    -------
    str

    Examples
    --------
    >>> seller_of("eu-central-1"), seller_of("cn-north-1")
    ('Amazon Web Services, Inc.', 'Beijing Sinnet Technology Co., Ltd.')
    """
    return _table("sellers").get(region, "Amazon Web Services, Inc.")


@cache
def _table(name: str) -> Mapping[str, str]:
    """Return a table of the file by region."""
    whole = Entry(toml_of(_FILE), _FILE)
    whole.skip("as_of", "knowledge", "source")
    tables = {key: whole.entry(key) for key in ("names", "sellers")}
    found = {region: tables[name].text(region) for region in tables[name].names()}
    tables[name].close()
    whole.close()
    return MappingProxyType(found)
