"""SAM's Globals merged into resources, before anything is evaluated.

References
----------
AWS SAM Developer Guide, Globals section (docs.aws.amazon.com/serverless-application-model/latest/developerguide/
sam-specification-template-anatomy-globals), seen 2026-11.
"""

from __future__ import annotations

from typing import Any, Final

_SECTIONS: Final = {
    "Function": "AWS::Serverless::Function",
    "Api": "AWS::Serverless::Api",
    "HttpApi": "AWS::Serverless::HttpApi",
    "SimpleTable": "AWS::Serverless::SimpleTable",
    "StateMachine": "AWS::Serverless::StateMachine",
}
_REPLACED: Final = ("Architectures",)


def with_globals(template: dict[str, Any]) -> dict[str, Any]:
    """Return a template whose resources have what its Globals say.

    Parameters
    ----------
    template : dict

    Returns
    -------
    dict
        Maps merge deeply, lists are put together with the global one first, ``Architectures`` and all else are the
        resource's own where it has them. ``IgnoreGlobals`` of a resource is ``*`` or a list of properties.
    """
    said = template.get("Globals")
    resources = template.get("Resources")
    if not isinstance(said, dict) or not isinstance(resources, dict):
        return template
    shared = {
        _SECTIONS[key]: held for key, held in said.items() if key in _SECTIONS and isinstance(held, dict)
    }
    merged = {}
    for name, resource in resources.items():
        common = (
            shared.get(resource.get("Type", ""))
            if isinstance(resource, dict) and isinstance(resource.get("Type"), str)
            else None
        )
        if not common:
            merged[name] = resource
            continue
        ignored = resource.get("IgnoreGlobals")
        if ignored == "*":
            merged[name] = resource
            continue
        if isinstance(ignored, list):
            common = {key: held for key, held in common.items() if key not in ignored}
        own = resource.get("Properties")
        own = own if isinstance(own, dict) else {}
        merged[name] = {**resource, "Properties": merged_values(common, own)}
    return {**template, "Resources": merged}


def merged_values(common: Any, own: Any, key: str = "") -> Any:
    """Merge a global value with a resource's own.

    Examples
    --------
    >>> merged_values({"a": {"x": 1, "y": 2}, "l": [1]}, {"a": {"y": 3}, "l": [2], "s": 4})
    {'a': {'x': 1, 'y': 3}, 'l': [1, 2], 's': 4}
    """
    if isinstance(common, dict) and isinstance(own, dict):
        if _is_intrinsic(common) or _is_intrinsic(own):
            return own
        result = dict(common)
        for name, held in own.items():
            result[name] = merged_values(common[name], held, name) if name in common else held
        return result
    if isinstance(common, list) and isinstance(own, list) and key not in _REPLACED:
        return [*common, *own]
    return own


def _is_intrinsic(value: dict[str, Any]) -> bool:
    if len(value) != 1:
        return False
    key = next(iter(value))
    return key == "Ref" or key.startswith("Fn::")
