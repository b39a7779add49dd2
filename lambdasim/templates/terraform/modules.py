"""Resources of a plan or a state, flat, and what their expressions refer to through modules and variables.

References
----------
Terraform, JSON Output Format (developer.hashicorp.com/terraform/internals/json-format), seen 2026-11.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Final

from lambdasim.errors import TemplateError
from lambdasim.wording import clipped

_INDEX: Final = re.compile(r"\[(?:\"([^\"]*)\"|([0-9]+))\]")
_REFERENCE: Final = re.compile(r"^(?:(data)\.)?([a-z][a-z0-9_]*)\.([A-Za-z0-9_-]+)(\[[^\]]*\])?")
_LAST_MODULE: Final = re.compile(r"\.?module\.([A-Za-z0-9_-]+)(?:\[(?:\"[^\"]*\"|[0-9]+)\])?$")
_OUTPUT: Final = re.compile(r"module\.([A-Za-z0-9_-]+)(\[(?:\"[^\"]*\"|[0-9]+)\])?(?:\.([A-Za-z0-9_-]+))?")
_ADDRESS: Final = re.compile(
    r"((?:module\.[A-Za-z0-9_-]+(?:\[(?:\"[^\"]*\"|[0-9]+)\])?\.)*)([a-z][a-z0-9_]*)\.([A-Za-z0-9_-]+)(\[[^\]]*\])?"
)
_NO_RESOURCE: Final = ("local", "count", "path", "self", "terraform", "module")
_MOST_RESOURCES: Final = 200_000
_DEEPEST: Final = 40
_MAJOR: Final = "1"


@dataclass(frozen=True)
class TfResource:
    """One instance of a managed resource.

    Attributes
    ----------
    address : str
        With modules and index: ``module.a["k"].aws_lambda_function.this[0]``.
    module : str
        Address of its module; empty at the root.
    type, name : str
    index : str or None
        Of count or for_each, as text.
    values : dict
    unknown : dict
        True where only an apply knows a value, or what it waits for.
    expressions : dict or None
        What attributes refer to, by whole addresses, where the resource itself says it.
    """

    address: str
    module: str
    type: str
    name: str
    index: str | None
    values: dict[str, Any]
    unknown: dict[str, Any] = field(default_factory=dict)
    expressions: dict[str, Any] | None = None


@dataclass(frozen=True)
class Target:
    """A resource that an expression refers to.

    Attributes
    ----------
    module : str
        Address of its module; its indices as far as the expression names them.
    type, name : str
    index : str or None
        Where the expression names one.
    """

    module: str
    type: str
    name: str
    index: str | None = None


def resources_of(data: dict[str, Any], name: str) -> list[TfResource]:
    """Return the managed resources of a plan, a state or a raw state file.

    Parameters
    ----------
    data : dict
        The JSON.
    name : str
        For messages.

    Raises
    ------
    TemplateError
        Where its format is another, or it holds too many resources.
    """
    if "format_version" not in data:
        return _bounded(_raw_state(data, name), name)
    version = str(data["format_version"])
    if version.split(".", maxsplit=1)[0] not in (_MAJOR, "0"):
        told = f"must be {_MAJOR}.x, got {clipped(version, 20)}"
        raise TemplateError.single(name, "format_version", told)
    values = data.get("planned_values") or data.get("values")
    root = values.get("root_module") if isinstance(values, dict) else None
    changes = data.get("resource_changes")
    unknown = {}
    for change in changes if isinstance(changes, list) else ():
        if isinstance(change, dict) and isinstance(change.get("change"), dict):
            held = change["change"].get("after_unknown")
            unknown[str(change.get("address"))] = held if isinstance(held, dict) else {}
    return _bounded(_module(root if isinstance(root, dict) else {}, "", unknown, 0), name)


def _bounded(resources: Iterator[TfResource], name: str) -> list[TfResource]:
    found = []
    for resource in resources:
        found.append(resource)
        if len(found) > _MOST_RESOURCES:
            raise TemplateError.single(name, "", f"has more than {_MOST_RESOURCES:,} resources")
    return found


def _module(
    module: dict[str, Any], address: str, unknown: dict[str, dict[str, Any]], depth: int
) -> Iterator[TfResource]:
    held = module.get("resources")
    for one in held if isinstance(held, list) else ():
        if not isinstance(one, dict) or one.get("mode", "managed") != "managed":
            continue
        full = str(one.get("address", ""))
        index = one.get("index")
        values = one.get("values")
        yield TfResource(
            full, address, str(one.get("type", "")), str(one.get("name", "")),
            None if index is None else str(index), values if isinstance(values, dict) else {}, unknown.get(full, {}),
            one["expressions"] if isinstance(one.get("expressions"), dict) else None,
        )  # fmt: skip
    children = module.get("child_modules")
    for child in children if isinstance(children, list) and depth < _DEEPEST else ():
        if isinstance(child, dict):
            yield from _module(child, str(child.get("address", "")), unknown, depth + 1)


def _raw_state(data: dict[str, Any], name: str) -> Iterator[TfResource]:
    version = data.get("version")
    if version != 4:
        told = f"must be 4, got {clipped(version, 20)}; give terraform show -json instead"
        raise TemplateError.single(name, "version", told)
    for one in data["resources"] if isinstance(data.get("resources"), list) else ():
        if not isinstance(one, dict) or one.get("mode") != "managed":
            continue
        module, type_, own = str(one.get("module", "")), str(one.get("type", "")), str(one.get("name", ""))
        instances = one.get("instances")
        for instance in instances if isinstance(instances, list) else ():
            if not isinstance(instance, dict):
                continue
            index = instance.get("index_key")
            ending = "" if index is None else f'["{index}"]' if isinstance(index, str) else f"[{index}]"
            address = ".".join(part for part in (module, type_, own) if part) + ending
            attributes = instance.get("attributes")
            yield TfResource(
                address, module, type_, own, None if index is None else str(index),
                attributes if isinstance(attributes, dict) else {},
            )  # fmt: skip


def without_indices(address: str) -> str:
    """Return an address without the indices of its modules and resource.

    Examples
    --------
    >>> without_indices('module.a["k"].aws_lambda_function.this[0]')
    'module.a.aws_lambda_function.this'
    """
    return _INDEX.sub("", address)


class Configuration:
    """The part of a plan that says what each expression refers to; empty for a state.

    Parameters
    ----------
    data : dict
        A plan or state.
    """

    def __init__(self, data: dict[str, Any]) -> None:
        held = data.get("configuration")
        root = held.get("root_module") if isinstance(held, dict) else None
        self._modules: dict[str, dict[str, Any]] = {}
        self._resources: dict[tuple[str, str, str], dict[str, Any]] = {}
        self._collect(root if isinstance(root, dict) else {}, "", 0)

    def _collect(self, module: dict[str, Any], path: str, depth: int) -> None:
        self._modules[path] = module
        held = module.get("resources")
        for one in held if isinstance(held, list) else ():
            if isinstance(one, dict) and one.get("mode", "managed") == "managed":
                self._resources[path, str(one.get("type")), str(one.get("name"))] = one
        for name, call in self._calls(module).items():
            child = call.get("module") if isinstance(call, dict) else None
            if isinstance(child, dict) and depth < _DEEPEST:
                self._collect(child, f"{path}.module.{name}".lstrip("."), depth + 1)

    @staticmethod
    def _calls(module: dict[str, Any]) -> dict[str, Any]:
        calls = module.get("module_calls")
        return calls if isinstance(calls, dict) else {}

    def targets(self, resource: TfResource, *path: str) -> list[Target]:
        """Return what an attribute of a resource refers to, followed through variables and outputs.

        Parameters
        ----------
        resource : TfResource
        path : str
            Attribute, then those of blocks in it; empty for every attribute.
        """
        said = self._resources.get((without_indices(resource.module), resource.type, resource.name), {})
        expression: Any = said.get("expressions") if resource.expressions is None else resource.expressions
        for key in path:
            if isinstance(expression, list):
                blocks = [part for one in expression for part in (one if isinstance(one, list) else [one])]
                expression = [one.get(key) for one in blocks if isinstance(one, dict)]
            elif isinstance(expression, dict):
                expression = expression.get(key)
            else:
                return []
        found: dict[Target, None] = {}
        references = list(_references(expression))
        for reference in references:
            followed = (
                self._followed(reference, resource.module, said, references, 0)
                if resource.expressions is None
                else _whole(reference)
            )
            for target in followed:
                found[target] = None
        return list(found)

    def by_reference(self, resource: TfResource, key: str) -> list[tuple[str, list[Target]]]:
        """Return what each reference of an attribute means; of a resource that says its references itself."""
        said = (resource.expressions or {}).get(key)
        return [(one, list(_whole(one))) for one in _references(said)]

    def _followed(
        self, reference: str, module: str, said: dict[str, Any], beside: list[str], depth: int
    ) -> Iterator[Target]:
        """Follow one reference of an expression in a module, whose other references stand beside it."""
        if depth > _DEEPEST:
            return
        parts = reference.split(".")
        if parts[0] == "each":
            chosen = [
                one for one in _references(said.get("for_each_expression")) if not one.startswith("each")
            ]
            for one in chosen:
                yield from self._followed(one, module, said, chosen, depth + 1)
        elif parts[0] == "var" and len(parts) > 1:
            match = _LAST_MODULE.search(module)
            parent = module[: match.start()] if match else ""
            call = self._calls(self._modules.get(without_indices(parent), {})).get(match[1] if match else "")
            expressions = call.get("expressions") if isinstance(call, dict) else None
            if isinstance(call, dict) and isinstance(expressions, dict):
                passed = list(_references(expressions.get(_INDEX.sub("", parts[1]))))
                for one in passed:
                    yield from self._followed(one, parent, call, passed, depth + 1)
        elif match := _OUTPUT.match(reference):
            yield from self._output(match, module, beside, depth)
        elif (match := _REFERENCE.match(reference)) and not match[1] and parts[0] not in _NO_RESOURCE:
            index = _INDEX.search(match[4] or "")
            yield Target(module, match[2], match[3], None if index is None else index[1] or index[2])

    def _output(self, match: re.Match[str], module: str, beside: list[str], depth: int) -> Iterator[Target]:
        """Follow an output of a module; all of them where an index that is not constant hides which one is meant."""
        child = f"{module}.module.{match[1]}{match[2] or ''}".lstrip(".")
        outputs = self._modules.get(without_indices(child), {}).get("outputs")
        outputs = outputs if isinstance(outputs, dict) else {}
        names = [match[3]] if match[3] else list(outputs)
        if not match[3] and any(len(one) > len(match[0]) and one.startswith(match[0]) for one in beside):
            return
        for name in names:
            held = outputs.get(name)
            inner = list(_references(held.get("expression") if isinstance(held, dict) else None))
            for one in inner:
                yield from self._followed(one, child, {}, inner, depth + 1)


def _whole(reference: str) -> Iterator[Target]:
    """Read a reference that begins with the address of its module."""
    match = _ADDRESS.match(reference)
    if match:
        index = _INDEX.search(match[4] or "")
        yield Target(
            match[1].rstrip("."), match[2], match[3], None if index is None else index[1] or index[2]
        )


def _references(expression: Any) -> Iterator[str]:
    stack = [expression]
    while stack:
        one = stack.pop()
        if isinstance(one, dict):
            held = one.get("references")
            if isinstance(held, list):
                yield from (text for text in held if isinstance(text, str))
            stack.extend(reversed([value for key, value in one.items() if key != "references"]))
        elif isinstance(one, list):
            stack.extend(reversed(one))
