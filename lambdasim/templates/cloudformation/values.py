"""Values of a template after evaluation: plain data, or open ones that point to resources or wait for a deployment."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Final

_WHOLE: Final = re.compile(r"\s*-?[0-9]{1,18}(\.0+)?\s*")


@dataclass(frozen=True)
class Edge:
    """A reference to a resource.

    Attributes
    ----------
    id : str
        Logical id, with the nested stacks that lead to it before slashes.
    attribute : str
        ``Ref``, or the attribute that GetAtt asks for.
    """

    id: str
    attribute: str = "Ref"


@dataclass(frozen=True)
class Open:
    """A value that the file alone does not give.

    Attributes
    ----------
    text : str
        With ``${Name}`` where a part is open.
    edges : tuple of Edge
        Resources that the value points to.
    why : str
        What it waits for; empty where it only points to resources.
    """

    text: str
    edges: tuple[Edge, ...] = ()
    why: str = ""


NO_VALUE: Final = object()
"""What ``AWS::NoValue`` leaves: the property is absent."""


def joined(parts: Iterable[Any], separator: str = "") -> str | Open:
    """Join evaluated parts to text; open where a part is."""
    texts: list[str] = []
    edges: list[Edge] = []
    whys: list[str] = []
    is_open = False
    for part in parts:
        if isinstance(part, Open):
            is_open = True
            texts.append(part.text)
            edges += part.edges
            whys += [part.why] if part.why else []
        else:
            texts.append(as_text(part))
    text = separator.join(texts)
    return Open(text, tuple(dict.fromkeys(edges)), whys[0] if whys else "") if is_open else text


def as_text(value: Any) -> str:
    """Write a plain value as CloudFormation does inside text."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    if isinstance(value, dict | list):
        return ""
    return "" if value is None else str(value)


def edges_in(value: Any) -> Iterator[Edge]:
    """Give every resource that a value points to, in order."""
    stack = [value]
    while stack:
        one = stack.pop()
        if isinstance(one, Open):
            yield from one.edges
        elif isinstance(one, dict):
            stack.extend(reversed(one.values()))
        elif isinstance(one, list):
            stack.extend(reversed(one))


def texts_in(value: Any) -> Iterator[str]:
    """Give every text in a value, open ones as far as they are known."""
    stack = [value]
    while stack:
        one = stack.pop()
        if isinstance(one, str):
            yield one
        elif isinstance(one, Open):
            yield one.text
        elif isinstance(one, dict):
            stack.extend(reversed(one.values()))
        elif isinstance(one, list):
            stack.extend(reversed(one))


def whole(value: Any) -> int | None:
    """Return a whole number, also from text; None where it is none.

    Examples
    --------
    >>> whole("512"), whole(3.0), whole(True), whole("a lot")
    (512, 3, None, None)
    """
    if isinstance(value, bool):
        return None
    if isinstance(value, int):
        return value
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, str) and _WHOLE.fullmatch(value):
        return int(float(value)) if "." in value else int(value)
    return None


def flag(value: Any, default: bool = False) -> bool:
    """Return true or false, also from text; the default where it is neither."""
    if isinstance(value, bool):
        return value
    if isinstance(value, str) and value.lower() in ("true", "false"):
        return value.lower() == "true"
    return default


def at(value: Any, *keys: str) -> Any:
    """Follow keys into mappings; None where one is missing or leads into no mapping."""
    for key in keys:
        if not isinstance(value, dict):
            return None
        value = value.get(key)
    return value


def items_of(value: Any) -> list[Any]:
    """Return a list as it is, nothing as no items, and anything else as one item."""
    if value is None:
        return []
    return value if isinstance(value, list) else [value]
