"""Read the catalog's data files, once each."""

from __future__ import annotations

import csv
import json
import tomllib
from functools import cache
from importlib.resources import files
from typing import Any

from lambdasim.errors import CatalogError


@cache
def text_of(name: str) -> str:
    """Return the text of a data file that is part of the package."""
    return files(__package__).joinpath("data", name).read_text(encoding="utf-8")


@cache
def toml_of(name: str) -> dict[str, Any]:
    """Return the content of a TOML data file; not to be changed by the caller."""
    return parse_toml(text_of(name), name)


@cache
def json_of(name: str) -> dict[str, Any]:
    """Return the content of a JSON data file; not to be changed by the caller."""
    return parse_json(text_of(name), name)


@cache
def rows_of(name: str) -> tuple[dict[str, str], ...]:
    """Return the rows of a CSV data file as text by column."""
    return tuple(csv.DictReader(text_of(name).splitlines()))


def parse_toml(text: str, name: str) -> dict[str, Any]:
    """Decode TOML.

    Raises
    ------
    CatalogError
        When the text is not TOML, which repeats no key.
    """
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise CatalogError.single(name, "", f"is not TOML: {str(error)[:120]}") from None


def parse_json(text: str, name: str) -> dict[str, Any]:
    """Decode a JSON object.

    Raises
    ------
    CatalogError
        When the text is not a JSON object, or a key is there twice, of which JSON would keep the last in silence.
    """

    def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        content = dict(pairs)
        if len(content) < len(pairs):
            keys = [key for key, _ in pairs]
            twice = next(key for key in keys if keys.count(key) > 1)
            raise CatalogError.single(name, twice[:40], "appears twice in one object")
        return content

    try:
        content = json.loads(text, object_pairs_hook=unique)
    except CatalogError:
        raise
    except json.JSONDecodeError as error:
        raise CatalogError.single(name, "", f"is not JSON: {str(error)[:120]}") from None
    except (ValueError, RecursionError):
        raise CatalogError.single(name, "", "is not JSON that can be read") from None
    if not isinstance(content, dict):
        raise CatalogError.single(name, "", "must be a JSON object")
    return content
