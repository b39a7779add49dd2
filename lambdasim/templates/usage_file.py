"""Infracost's usage file as traffic: requests a month and mean duration by function.

References
----------
Infracost, Usage file (infracost.io/docs/features/usage_based_resources), version 0.1, seen 2026-11.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from lambdasim.errors import TemplateError
from lambdasim.templates.documents import Document, read_document
from lambdasim.templates.found import Found, FoundFunction, Remark
from lambdasim.wording import clipped, listed

_SECTIONS: Final = ("resource_usage", "resource_type_default_usage")
_FUNCTION: Final = "aws_lambda_function"
_INDEX: Final = re.compile(r"\[[^\]]*\]")
_MOST: Final = 1e15


@dataclass(frozen=True)
class FunctionUsage:
    """What a usage file says of one function.

    Attributes
    ----------
    requests : float or None
        A month.
    duration_ms : float or None
        Mean duration [ms].
    """

    requests: float | None = None
    duration_ms: float | None = None


def is_usage_file(data: Any) -> bool:
    """Return whether a mapping is an Infracost usage file."""
    return (
        isinstance(data, dict)
        and any(isinstance(data.get(key), dict) for key in _SECTIONS)
        and "functions" not in data
    )


def read_usage(path: Path) -> tuple[dict[str, FunctionUsage], FunctionUsage | None]:
    """Read a usage file.

    Parameters
    ----------
    path : Path

    Returns
    -------
    tuple of (dict, FunctionUsage or None)
        Usage by resource, and what holds for functions that are not named.

    Raises
    ------
    TemplateError
        Naming the key whose value cannot be accepted.
    """
    return usage_of(read_document(path))


def usage_of(document: Document) -> tuple[dict[str, FunctionUsage], FunctionUsage | None]:
    """Take usage from a file that was read; see ``read_usage``."""
    if not is_usage_file(document.data):
        told = f"must be an Infracost usage file, with {' or '.join(_SECTIONS)}"
        raise TemplateError.single(document.name, "", told)
    named = document.data.get("resource_usage")
    found = {
        key: _usage(held, f"resource_usage.{clipped(key, 80)}", document.name)
        for key, held in (named if isinstance(named, dict) else {}).items()
        if _FUNCTION in _INDEX.sub("", key).split(".")
    }
    defaults = document.data.get("resource_type_default_usage")
    default = defaults.get(_FUNCTION) if isinstance(defaults, dict) else None
    common = (
        None
        if default is None
        else _usage(default, f"resource_type_default_usage.{_FUNCTION}", document.name)
    )
    return found, common


def _usage(held: Any, place: str, name: str) -> FunctionUsage:
    if not isinstance(held, dict):
        raise TemplateError.single(
            name, place, "must be a mapping with monthly_requests and request_duration_ms"
        )
    values = []
    for key in ("monthly_requests", "request_duration_ms"):
        value = held.get(key)
        if value is not None and (
            isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= _MOST
        ):
            told = f"must be a number from 0 to {_MOST:,.0f}, got {clipped(value, 40)}"
            raise TemplateError.single(name, f"{place}.{key}", told)
        values.append(None if value is None else float(value))
    return FunctionUsage(*values)


def with_usage(found: Found, path: Path) -> Found:
    """Return what was found with the traffic and durations of a usage file.

    Parameters
    ----------
    found : Found
    path : Path
        The usage file; its resources are matched by address, with or without index, else by the last word.

    Returns
    -------
    Found
        What matches no function is a warning.

    Raises
    ------
    TemplateError
        When the file cannot be read, or nothing in it is about a function of the template.
    """
    named, common = read_usage(path)
    used: set[str] = set()
    functions = []
    for one in found.functions:
        key = next((key for key in _keys_of(one, named)), None)
        usage = named[key] if key is not None else common
        used |= {key} if key is not None else set()
        functions.append(
            one
            if usage is None
            else replace(one, requests_per_month=usage.requests, duration_ms=usage.duration_ms)
        )
    if not used and common is None:
        names = listed([clipped(one.resource, 40) for one in found.functions[:3]])
        has = listed([clipped(key, 40) for key in list(named)[:3]]) if named else f"no {_FUNCTION}"
        raise TemplateError.single(
            path.name,
            "resource_usage",
            f"names no function of {found.origin}: it has {has}; functions are {names}",
        )
    unmatched = tuple(
        Remark(path.name, f"{clipped(key, 80)} is no function of {found.origin}")
        for key in named
        if key not in used
    )
    return replace(found, functions=tuple(functions), warnings=found.warnings + unmatched)


def _keys_of(one: FoundFunction, named: dict[str, FunctionUsage]) -> Iterator[str]:
    """Give the keys of a usage file that mean a function, the closest first."""
    bare = _INDEX.sub("", one.resource)
    yield from (key for key in named if key == one.resource)
    yield from (key for key in named if _INDEX.sub("", key) == bare)
    words = {_word(one.resource.rsplit("/", 1)[-1].rsplit(".", 1)[-1]), _word(one.name)}
    yield from (key for key in named if _word(_INDEX.sub("", key).rsplit(".", 1)[-1]) in words)


def _word(text: str) -> str:
    """Return a name without what only sets its words apart."""
    return re.sub(r"[^a-z0-9]", "", text.lower())


def functions_of_usage(document: Document) -> Found:
    """Return the functions that a usage file alone names: their traffic is known, their settings are defaults.

    Raises
    ------
    TemplateError
        Where it names none.
    """
    named, _ = usage_of(document)
    name = Path(document.name).name
    functions = tuple(
        FoundFunction(
            key, _INDEX.sub("", key).rsplit(".", 1)[-1], requests_per_month=usage.requests, duration_ms=usage.duration_ms,
            notes=("its settings are not in a usage file; give the template, and this file with --usage",),
        )
        for key, usage in named.items()
    )  # fmt: skip
    return Found("Infracost usage file", name, functions)
