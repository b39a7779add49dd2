"""Functions of Terraform's language that need nothing but their arguments."""

from __future__ import annotations

import itertools
import json
import math
import re
from collections.abc import Callable, Iterable
from typing import Any, Final

from lambdasim.errors import TemplateError
from lambdasim.templates.documents import parse_document

_MOST_PRODUCTS: Final = 10_000
_MOST_POWER: Final = 64
_LONGEST: Final = 10_000_000


def _flat(values: Iterable[Any]) -> list[Any]:
    return [part for one in values for part in (_flat(one) if isinstance(one, list) else [one])]


def _merged(*maps: dict[str, Any]) -> dict[str, Any]:
    return {key: value for one in maps if one for key, value in one.items()}


def _joined(separator: str, *lists: list[Any]) -> str:
    return separator.join(str(one) for one in _flat(lists))


def _power(base: float, power: float) -> float:
    if abs(power) > _MOST_POWER or abs(base) > _MOST_PRODUCTS:
        raise ValueError(power)
    return float(base**power)


def _formatted(form: str, *values: Any) -> str:
    if re.search(r"[0-9]{4}", form):
        raise ValueError(form)
    return form.replace("%v", "%s") % values


def _shown(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _is_safe(pattern: str) -> bool:
    """Return whether a pattern takes no more than linear time: no group of it is repeated."""
    return len(pattern) <= 200 and not re.search(r"\)[*+{?]", pattern)


def _match(pattern: str, text: str) -> Any:
    found = re.search(pattern, text) if _is_safe(pattern) else None
    if found is None:
        raise ValueError(pattern)
    named = found.groupdict()
    return named or (list(found.groups()) if found.groups() else found[0])


def _replaced(text: str, old: str, new: str) -> str:
    if len(old) > 1 and old.startswith("/") and old.endswith("/"):
        if not _is_safe(old):
            raise ValueError(old)
        return re.sub(old[1:-1], re.sub(r"\$([0-9])", r"\\\1", new), text)
    if len(text) * (len(new) + 1) > _LONGEST:
        raise ValueError("too long")
    return text.replace(old, new)


def _product(*lists: Any) -> list[Any]:
    held = [list(one.values()) if isinstance(one, dict) else one for one in lists]
    if math.prod(len(one) for one in held) > _MOST_PRODUCTS:
        raise ValueError("too many")
    return [list(one) for one in itertools.product(*held)]


def _yaml(text: str) -> Any:
    try:
        return parse_document(text, "yamldecode").data
    except TemplateError as error:
        raise ValueError(str(error)) from None


def _values(held: Any) -> list[Any]:
    return [held[key] for key in sorted(held)] if isinstance(held, dict) else list(held)


def _set(values: Any) -> dict[str, Any] | list[Any]:
    kept = list(dict.fromkeys(values.values() if isinstance(values, dict) else values))
    return {one: one for one in sorted(kept)} if all(isinstance(one, str) for one in kept) else kept


FUNCTIONS: Final[dict[str, Callable[..., Any]]] = {
    "lower": str.lower, "upper": str.upper, "title": str.title, "trimspace": str.strip, "tostring": _shown,
    "trimprefix": lambda text, part: text.removeprefix(part), "trimsuffix": lambda text, part: text.removesuffix(part),
    "replace": _replaced, "regex": _match,
    "basename": lambda path: path.rstrip("/").rsplit("/", 1)[-1], "abspath": str, "pathexpand": str,
    "dirname": lambda path: path.rpartition("/")[0] or ".", "chomp": lambda text: text.rstrip("\r\n"),
    "trim": lambda text, characters: text.strip(characters), "strcontains": lambda text, part: part in text,
    "formatlist": lambda form, *lists: [_formatted(form, *one) for one in zip(*lists, strict=True)],
    "yamldecode": _yaml, "setproduct": _product, "sum": sum, "pow": _power,
    "parseint": int, "index": lambda held, value: held.index(value),
    "coalescelist": lambda *lists: next(one for one in lists if one),
    "setunion": lambda *sets: _set([value for one in sets for value in _values(one)]),
    "setsubtract": lambda one, other: _set([value for value in _values(one) if value not in _values(other)]),
    "setintersection": lambda one, *sets: _set([v for v in _values(one) if all(v in _values(s) for s in sets)]),
    "alltrue": lambda held: all(one in (True, "true") for one in held),
    "anytrue": lambda held: any(one in (True, "true") for one in held),
    "substr": lambda text, first, length: text[first:] if length < 0 else text[first : first + length],
    "split": lambda separator, text: text.split(separator), "join": _joined, "format": _formatted,
    "startswith": str.startswith, "endswith": str.endswith,
    "tonumber": lambda value: json.loads(str(value)), "tobool": lambda value: value in (True, "true"),
    "max": max, "min": min, "abs": abs, "ceil": math.ceil, "floor": math.floor,
    "length": len, "keys": sorted, "values": _values,
    "lookup": lambda held, key, *other: held[key] if key in held else other[0],
    "element": lambda held, place: held[place % len(held)],
    "concat": lambda *lists: [one for held in lists for one in held],
    "contains": lambda held, value: value in held, "merge": _merged, "flatten": _flat,
    "distinct": lambda held: list(dict.fromkeys(held)), "compact": lambda held: [one for one in held if one],
    "tolist": _values, "toset": _set, "tomap": dict, "sort": sorted, "reverse": lambda held: held[::-1],
    "zipmap": lambda keys, values: dict(zip(keys, values, strict=False)),

    "range": lambda *ends: list(range(*ends)[:10_000]),
    "slice": lambda held, first, last: held[first:last], "one": lambda held: held[0] if held else None,
    "jsonencode": lambda value: json.dumps(value, separators=(",", ":")), "jsondecode": json.loads,
    "nonsensitive": lambda value: value, "sensitive": lambda value: value,
}  # fmt: skip
"""By name; what is not here is known only to an apply."""
