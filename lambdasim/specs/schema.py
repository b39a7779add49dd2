"""The JSON Schema of scenario files, for editors and other programs."""

from __future__ import annotations

import ast
import inspect
from collections.abc import Iterator
from itertools import pairwise
from textwrap import dedent
from typing import Any, Final

from lambdasim.specs.base import Spec
from lambdasim.specs.scenario import ScenarioSpec
from lambdasim.units import format_duration

_BOUNDS: Final = {
    "ge": "minimum",
    "gt": "exclusiveMinimum",
    "le": "maximum",
    "lt": "exclusiveMaximum",
}
_TIME: Final = "(us|µs|ms|"
"""What the pattern of a time holds; files have text, specs whole microseconds."""
_PLAIN_NUMBER: Final = {"type": "number", "minimum": 0, "description": "Always the same value."}


def scenario_schema() -> dict[str, Any]:
    """Return the JSON Schema of a scenario.

    Returns
    -------
    dict
        Draft 2020-12. It knows each field by itself; what must hold between fields, and files that must exist, only
        ``load_scenario`` can tell.

    Examples
    --------
    >>> scenario_schema()["$defs"]["FunctionSpec"]["properties"]["memory_mb"]["maximum"]
    10240
    """
    schema = ScenarioSpec.model_json_schema(by_alias=True)
    for spec in _specs(Spec):
        _describe(schema if spec is ScenarioSpec else schema["$defs"].get(spec.__name__, {}), spec)
    schema = _standard(schema)
    fixed = schema["$defs"]["FixedLaw"]
    schema["$defs"]["FixedLaw"] = {"anyOf": [_PLAIN_NUMBER, fixed], "title": "FixedLaw"}
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}


def _specs(base: type[Spec]) -> Iterator[type[Spec]]:
    """Yield all kinds of specs."""
    for spec in base.__subclasses__():
        yield spec
        yield from _specs(spec)


def _describe(part: dict[str, Any], spec: type[Spec]) -> None:
    """Describe the keys of a spec as its attributes are; read here, since each start of the program would wait for it."""
    told: dict[str, str] = {}
    for base in reversed(spec.__mro__):
        if issubclass(base, Spec):
            told |= _attributes(base)
    for name, field in spec.model_fields.items():
        key = field.alias or name
        if name in told and key in part.get("properties", {}):
            described = {"description": told[name]} | part["properties"][key]
            part["properties"][key] = dict(sorted(described.items()))


def _attributes(spec: type[Spec]) -> dict[str, str]:
    """Give the text below each attribute of a class."""
    (found,) = ast.parse(dedent(inspect.getsource(spec))).body
    texts: dict[str, str] = {}
    for field, text in pairwise(found.body if isinstance(found, ast.ClassDef) else ()):
        named = field.target if isinstance(field, ast.AnnAssign) else None
        said = text.value if isinstance(text, ast.Expr) else None
        if isinstance(named, ast.Name) and isinstance(said, ast.Constant):
            texts[named.id] = inspect.cleandoc(str(said.value))
    return texts


def _standard(part: Any) -> Any:
    """Give bounds the names that JSON Schema has for them, and times a default as a file says it."""
    if isinstance(part, dict):
        default = part.get("default")
        patterns = [one.get("pattern") for one in (part, *part.get("anyOf", ())) if isinstance(one, dict)]
        is_time = any(isinstance(pattern, str) and _TIME in pattern for pattern in patterns)
        if is_time and isinstance(default, int):
            part = part | {"default": format_duration(default)}
        return {
            _BOUNDS.get(key, key) if not isinstance(value, dict) else key: _standard(value)
            for key, value in part.items()
        }
    return [_standard(item) for item in part] if isinstance(part, list) else part
