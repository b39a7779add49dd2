"""An evaluated resource of Terraform's own files, written as a plan has it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from lambdasim.templates.terraform.nodes import Unknown, references_in

_TEXTS: Final = ("definition", "body", "redrive_policy", "event_pattern", "filter_policy")
"""Attributes whose text is of use where parts of it are known only to an apply."""


def planned_resource(
    address: str, type_: str, name: str, body: Mapping[str, Any], index: Any = None
) -> dict[str, Any]:
    """Write an evaluated resource as ``planned_values`` have it.

    Parameters
    ----------
    address : str
    type_, name : str
    body : mapping
        Its attributes; ``Unknown`` where only an apply knows one.
    index : int or str, optional

    Returns
    -------
    dict
        With ``expressions``, which name what each attribute refers to by its address.
    """
    values = {key: plain for key, value in body.items() if (plain := _plain(value, key)) is not None}
    own = {} if index is None else {"index": index}
    expressions = {key: _configured(value) for key, value in body.items()}
    return {
        "address": address, "type": type_, "name": name, "values": values, "expressions": expressions, **own,
    }  # fmt: skip


def _configured(value: Any) -> Any:
    """Write an expression as plans do: its references, block by block."""
    if isinstance(value, list) and any(isinstance(one, dict) for one in value):
        return [
            {key: _configured(held) for key, held in one.items()} for one in value if isinstance(one, dict)
        ]
    if isinstance(value, dict):
        return {
            "references": list(references_in(value)),
            **{key: _configured(held) for key, held in value.items()},
        }
    references = references_in(value)
    return {"references": list(references)} if references else {"constant_value": value}


def _plain(value: Any, name: str = "") -> Any:
    """Leave out what is unknown; of text that is of use in part keep what is known."""
    if isinstance(value, Unknown):
        return value.text if name in _TEXTS else None
    if isinstance(value, list):
        return [_plain(one) for one in value]
    if isinstance(value, dict):
        return {key: _plain(held, str(key)) for key, held in value.items()}
    return None if callable(value) else value
