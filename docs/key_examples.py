"""An example of each key of a scenario: from the scenarios that ship, else from ``key_examples.yaml``."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any, Final

import yaml

ROOT: Final = Path(__file__).parent.parent
_FOLDERS: Final = ("lambdasim/examples", "notebooks/scenarios")
_TEMPLATE: Final = "AWSTemplateFormatVersion"
_LONGEST: Final = 60
_WRITTEN: Final = Path(__file__).with_name("key_examples.yaml")
WHOLE: Final = "The scenario"


def key_examples(schema: dict[str, Any]) -> dict[tuple[str, str], str]:
    """Give an example of each key: the first short value in a shipped scenario, else one written for it.

    Parameters
    ----------
    schema : dict
        JSON Schema of scenarios.

    Returns
    -------
    dict of (str, str) to str
        By definition, ``The scenario`` for the whole, and key. Keys with a choice of few that have neither take one of
        the choices.
    """
    found: dict[tuple[str, str], str] = {}
    for path in (path for folder in _FOLDERS for path in sorted((ROOT / folder).glob("*.yaml"))):
        text = path.read_text(encoding="utf-8")
        content = None if _TEMPLATE in text else yaml.safe_load(text)
        if isinstance(content, dict):
            for place, value in _walked(schema, WHOLE, schema, content):
                text = _flow(value)
                if len(text) <= _LONGEST:
                    found.setdefault(place, text)
    for name, written in written_examples().items():
        for key, value in written.items():
            found.setdefault((name, key), _flow(value))
    for name, definition in [(WHOLE, schema), *schema["$defs"].items()]:
        for key, about in definition.get("properties", {}).items():
            allowed = _allowed(schema, about)
            if allowed is not None:
                found.setdefault((name, key), _flow(allowed))
    return found


def written_examples() -> dict[str, dict[str, Any]]:
    """Read the examples written for keys that no shipped scenario shows, by definition and key."""
    content: dict[str, dict[str, Any]] = yaml.safe_load(_WRITTEN.read_text(encoding="utf-8"))
    return content


def _walked(
    schema: dict[str, Any], name: str, node: dict[str, Any], value: Any
) -> Iterator[tuple[tuple[str, str], Any]]:
    """Give each value with its definition and key."""
    if isinstance(value, list):
        for one in value:
            yield from _walked(schema, name, node.get("items") or {}, one)
        return
    if not isinstance(value, dict):
        return
    for inner_name, inner in _meant(schema, name, node):
        properties = inner.get("properties", {})
        if set(value) <= set(properties) and all(
            about.get("const", value.get(key)) == value.get(key) for key, about in properties.items()
        ):
            for key, given in value.items():
                yield (inner_name, key), given
                for _, part in _meant(schema, inner_name, properties[key]):
                    yield from _walked(schema, inner_name, part, given)
            return
    if isinstance(node.get("additionalProperties"), dict):
        for given in value.values():
            yield from _walked(schema, name, node["additionalProperties"], given)


def _meant(schema: dict[str, Any], name: str, node: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Follow references and alternatives of a node."""
    if "$ref" in node:
        name = node["$ref"].rsplit("/", maxsplit=1)[-1]
        yield from _meant(schema, name, schema["$defs"][name])
        return
    yield name, node
    for join in ("anyOf", "oneOf", "allOf"):
        for one in node.get(join, ()):
            yield from _meant(schema, name, one)


def _allowed(schema: dict[str, Any], about: dict[str, Any]) -> Any:
    """Give a value of a key that has a choice of few: one that is not the default; None where there is no such choice."""
    default = about.get("default")
    for _, node in _meant(schema, "", about):
        if node.get("enum"):
            return next((one for one in node["enum"] if one != default), default)
        if "const" in node:
            return node["const"]
        if node.get("type") == "boolean":
            return not default
    return None


def _flow(value: Any) -> str:
    """Write a value as YAML in one line."""
    if isinstance(value, date):  # datetime too
        return value.isoformat().replace("+00:00", "Z")
    if isinstance(value, str | int | float | bool):
        return value if isinstance(value, str) else json.dumps(value)
    text = yaml.safe_dump(value, default_flow_style=True, width=10**6, sort_keys=False, allow_unicode=True)
    return text.strip()
