"""Functions of Terraform's language that need nothing but their arguments."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterable
from typing import Any, Final


def _flat(values: Iterable[Any]) -> list[Any]:
    return [part for one in values for part in (_flat(one) if isinstance(one, list) else [one])]


def _merged(*maps: dict[str, Any]) -> dict[str, Any]:
    return {key: value for one in maps if one for key, value in one.items()}


def _joined(separator: str, *lists: list[Any]) -> str:
    return separator.join(str(one) for one in _flat(lists))


def _formatted(form: str, *values: Any) -> str:
    return form.replace("%v", "%s") % values


def _set(values: list[Any]) -> dict[str, Any] | list[Any]:
    kept = list(dict.fromkeys(values))
    return {one: one for one in sorted(kept)} if all(isinstance(one, str) for one in kept) else kept


FUNCTIONS: Final[dict[str, Callable[..., Any]]] = {
    "lower": str.lower, "upper": str.upper, "title": str.title, "trimspace": str.strip, "tostring": str,
    "trimprefix": lambda text, part: text.removeprefix(part), "trimsuffix": lambda text, part: text.removesuffix(part),
    "replace": lambda text, old, new: text.replace(old, new) if not old.startswith("/") else None,
    "substr": lambda text, first, length: text[first:] if length < 0 else text[first : first + length],
    "split": lambda separator, text: text.split(separator), "join": _joined, "format": _formatted,
    "startswith": str.startswith, "endswith": str.endswith,
    "tonumber": lambda value: json.loads(str(value)), "tobool": lambda value: value in (True, "true"),
    "max": max, "min": min, "abs": abs, "ceil": math.ceil, "floor": math.floor,
    "length": len, "keys": sorted, "values": lambda held: [held[key] for key in sorted(held)],
    "lookup": lambda held, key, *other: held[key] if key in held else other[0],
    "element": lambda held, place: held[place % len(held)],
    "concat": lambda *lists: [one for held in lists for one in held],
    "contains": lambda held, value: value in held, "merge": _merged, "flatten": _flat,
    "distinct": lambda held: list(dict.fromkeys(held)), "compact": lambda held: [one for one in held if one],
    "tolist": list, "toset": _set, "tomap": dict, "sort": sorted, "reverse": lambda held: held[::-1],
    "zipmap": lambda keys, values: dict(zip(keys, values, strict=False)),

    "range": lambda *ends: list(range(*ends)[:10_000]),
    "slice": lambda held, first, last: held[first:last], "one": lambda held: held[0] if held else None,
    "jsonencode": lambda value: json.dumps(value, separators=(",", ":")), "jsondecode": json.loads,
    "nonsensitive": lambda value: value, "sensitive": lambda value: value,
}  # fmt: skip
"""By name; what is not here is known only to an apply."""
