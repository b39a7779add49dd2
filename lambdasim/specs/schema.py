"""The JSON Schema of scenario files, for editors and other programs."""

from __future__ import annotations

from typing import Any, Final

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
    schema = _standard(ScenarioSpec.model_json_schema(by_alias=True))
    fixed = schema["$defs"]["FixedLaw"]
    schema["$defs"]["FixedLaw"] = {"anyOf": [_PLAIN_NUMBER, fixed], "title": "FixedLaw"}
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}


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
