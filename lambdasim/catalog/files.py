"""Read the catalog's data files, once each."""

from __future__ import annotations

import csv
import json
import tomllib
from functools import cache
from importlib.resources import files
from typing import Any


@cache
def text_of(name: str) -> str:
    """Return the text of a data file that is part of the package."""
    return files(__package__).joinpath(name).read_text(encoding="utf-8")


@cache
def toml_of(name: str) -> dict[str, Any]:
    """Return the content of a TOML data file; not to be changed by the caller."""
    return tomllib.loads(text_of(name))


@cache
def json_of(name: str) -> dict[str, Any]:
    """Return the content of a JSON data file; not to be changed by the caller."""
    content: dict[str, Any] = json.loads(text_of(name))
    return content


@cache
def rows_of(name: str) -> tuple[dict[str, str], ...]:
    """Return the rows of a CSV data file as text by column."""
    return tuple(csv.DictReader(text_of(name).splitlines()))
