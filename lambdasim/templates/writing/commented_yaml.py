"""YAML with a comment beside a value, for files that people edit."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from lambdasim.templates.found import without_accounts
from lambdasim.wording import UNPRINTABLE, clipped

_PLAIN: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_./()*?,#-]*( [A-Za-z0-9_./()*?,#-]+)*")
_RESERVED: Final = {"true", "false", "yes", "no", "on", "off", "null", "y", "n"}
_RISKY: Final = re.compile(f"{UNPRINTABLE.pattern}|[\\u0085\\ufffe\\uffff\U00010000-\U0010ffff]")
_LONGEST_COMMENT: Final = 160
_WIDEST_MAPPING: Final = 60


@dataclass(frozen=True)
class Noted:
    """A value with a comment.

    Attributes
    ----------
    value : object
    note : str
        Stands behind a plain value, and above a mapping or list.
    """

    value: Any
    note: str


def plain(value: Any) -> Any:
    """Return the data without its comments."""
    if isinstance(value, Noted):
        return plain(value.value)
    if isinstance(value, Mapping):
        return {key: plain(held) for key, held in value.items()}
    if isinstance(value, list | tuple):
        return [plain(held) for held in value]
    return value


def commented_yaml(data: Mapping[str, Any]) -> str:
    """Write a mapping as YAML.

    Parameters
    ----------
    data : mapping
        Mappings, lists, text, numbers, true and false, nothing; any of them in a ``Noted``.

    Returns
    -------
    str
        A comment is one line, without control characters.

    Examples
    --------
    >>> print(commented_yaml({"memory_mb": Noted(128, "default"), "tags": {"a b": "1"}, "s": [1, {"x": "a", "b": 3}]}))
    memory_mb: 128  # default
    tags:
      a b: "1"
    s:
      - 1
      - x: a
        b: 3
    <BLANKLINE>
    """
    return "".join(f"{line}\n" for line in _mapping(data, 0))


def _mapping(data: Mapping[str, Any], depth: int) -> Iterator[str]:
    for key, value in data.items():
        yield from _entry(f"{scalar(key)}:", value, depth)


def _entry(start: str, value: Any, depth: int) -> Iterator[str]:
    indent, note = "  " * depth, ""
    if isinstance(value, Noted):
        value, note = value.value, _comment(value.note)
    if isinstance(value, Mapping) and value and not _is_short(value):
        if note:
            yield f"{indent}# {note}"
        yield f"{indent}{start}"
        yield from _mapping(value, depth + 1)
    elif isinstance(value, Sequence) and not isinstance(value, str) and value and not _is_short(value):
        if note:
            yield f"{indent}# {note}"
        yield f"{indent}{start}"
        for item in value:
            yield from _item(item, depth + 1)
    else:
        yield f"{indent}{start} {_flow(value)}" + (f"  # {note}" if note else "")


def _item(value: Any, depth: int) -> Iterator[str]:
    indent = "  " * depth
    if isinstance(value, Noted) and isinstance(value.value, Mapping):
        yield f"{indent}# {_comment(value.note)}"
        value = value.value
    if isinstance(value, Mapping) and value and not _is_short(value):
        lines = list(_mapping(value, depth + 1))
        first = next(place for place, line in enumerate(lines) if not line.lstrip().startswith("#"))
        yield from (f"{line[2:]}" for line in lines[:first])
        yield f"{indent}- {lines[first].lstrip()}"
        yield from lines[first + 1 :]
    else:
        yield from _entry("-", value, depth)


def _is_short(value: Any) -> bool:
    """Return whether a collection holds plain values alone, and few characters, so that it fits a line."""
    held = list(value.values()) if isinstance(value, Mapping) else list(value)
    if isinstance(value, Mapping):
        flat = all(
            isinstance(one, int | float) or (isinstance(one, Mapping) and _is_short(one)) for one in held
        )
        return flat and bool(held) and len(_flow(value)) < _WIDEST_MAPPING
    return all(isinstance(one, int | float | str) for one in held) and len(_flow(value)) < 140


def _flow(value: Any) -> str:
    value = plain(value)
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{_inside(key)}: {_inside(held)}" for key, held in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(_inside, value)) + "]"
    return scalar(value)


def _inside(value: Any) -> str:
    """Write what stands in a collection of one line, where a comma ends it."""
    text = _flow(value)
    return (
        json.dumps(text)
        if isinstance(plain(value), str) and "," in text and not text.startswith('"')
        else text
    )


def scalar(value: Any) -> str:
    """Write text, a number, true or false, or nothing, so that YAML reads the same.

    Examples
    --------
    >>> scalar("30d"), scalar("orders-api"), scalar("yes"), scalar(0.1), scalar(None), scalar("rate(5 minutes)")
    ('30d', 'orders-api', '"yes"', '0.1', 'null', 'rate(5 minutes)')
    """
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, float):
        return repr(value)
    text = str(value)
    duration = re.fullmatch(r"[0-9]+(\.[0-9]+)?[a-z]{1,3}", text) and not re.fullmatch(r"[0-9.]+e", text)
    simple = _PLAIN.fullmatch(text) and " #" not in text and text.lower() not in _RESERVED
    if duration or simple:
        return text
    quoted = json.dumps(text, ensure_ascii=False)
    return _RISKY.sub(lambda found: _escaped(ord(found.group())), quoted)


def _escaped(code: int) -> str:
    """Write a character as YAML escapes it; half of a pair is no character."""
    return f"\\U{0xFFFD if 0xD800 <= code < 0xE000 else code:08x}"


def _comment(text: str) -> str:
    return clipped(without_accounts(text.replace("\n", " ")), _LONGEST_COMMENT)
