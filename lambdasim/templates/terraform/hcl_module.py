"""One module of Terraform's own files: its variables, locals, resources and calls of others, evaluated."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Protocol

from lambdasim.templates.found import Remark
from lambdasim.templates.terraform.expressions import evaluated
from lambdasim.templates.terraform.nodes import (
    IndexedList,
    IndexedMap,
    Scope,
    Unknown,
    affordable,
    pairs_of,
    references_in,
)
from lambdasim.templates.terraform.planned import planned_resource
from lambdasim.templates.terraform.registry import registry_module
from lambdasim.templates.terraform.types import with_type_defaults
from lambdasim.wording import clipped

_SOURCES: Final = (".tf", ".tf.json", ".tofu", ".tofu.json")
_DEEPEST: Final = 8
_META: Final = (
    "count",
    "for_each",
    "provider",
    "depends_on",
    "lifecycle",
    "provisioner",
    "connection",
    "dynamic",
)
_RESOURCE: Final = re.compile(r"^(?:aws|awscc)_[a-z0-9_]+$")
Outputs = Callable[[str], Any]


def source_files(folder: Path) -> list[Path]:
    """List the files of a module, in order: Terraform's and OpenTofu's, which stand for Terraform's of the same name.

    Parameters
    ----------
    folder : Path

    Returns
    -------
    list of Path
    """
    found: dict[str, Path] = {}
    for path in sorted(folder.glob("*.tf*")) + sorted(folder.glob("*.tofu*")):
        if path.name.endswith(_SOURCES):
            found[path.name.replace(".tofu", ".tf")] = path
    return [found[name] for name in sorted(found)]


class Plan(Protocol):
    """What a module asks the plan that it is a part of."""

    remarks: list[Remark]
    unknown: dict[str, dict[str, str]]

    def parsed(self, path: Path) -> dict[str, Any]:
        """Read a file of Terraform's language."""

    def text(self, location: str) -> str | None:
        """Return the text of a file that an expression names."""

    def names(self, location: str, pattern: str) -> list[str] | None:
        """Return the files below a folder whose names fit a pattern."""

    def folder(self, beside: Path, location: str) -> Path | None:
        """Return a module's folder."""

    def shown(self, folder: Path) -> str:
        """Return a folder relative to the first one."""

    def counted(self) -> bool:
        """Count an instance; tell whether there may be more."""


class HclModule:
    """One instance of a module.

    Parameters
    ----------
    plan : Plan
    folder : Path
    given : mapping
        Values of variables.
    address : str
        With indices; empty for the root.
    depth : int
        Of nesting.
    only : Path, optional
        A single file of JSON syntax.
    above : tuple of Path
        Folders of the modules that lead here.
    """

    def __init__(
        self,
        plan: Plan,
        folder: Path,
        given: Mapping[str, Any],
        address: str,
        depth: int,
        only: Path | None = None,
        above: tuple[Path, ...] = (),
    ) -> None:
        self._above = (*above, folder.resolve())
        self._plan, self._folder, self._given, self._depth = plan, folder, given, depth
        self._address = address
        paths = [only] if only is not None else source_files(folder)
        self._data = [plan.parsed(path) for path in paths]
        self.variables = dict(self._named("variable"))
        self._locals: dict[str, Any] = {}
        for one in self._data:
            held = one.get("locals")
            for said in held if isinstance(held, list) else [held]:
                self._locals |= said if isinstance(said, dict) else {}
        self._outputs = dict(self._named("output"))
        self._calls = dict(self._named("module"))
        self._resources: dict[str, dict[str, list[dict[str, Any]]]] = {}
        for type_, named in self._named("resource"):
            for name, said in named.items():
                blocks = [
                    one for one in (said if isinstance(said, list) else [said]) if isinstance(one, dict)
                ]
                self._resources.setdefault(type_, {}).setdefault(name, []).extend(blocks)
        self._known: dict[tuple[str, str], Any] = {}
        self._open: set[tuple[str, str]] = set()
        self._made: dict[str, list[tuple[Any, HclModule | dict[str, Any]]] | None] = {}
        prefix = f"{address}." if address else ""
        self.scope = Scope(
            {
                "var": self._once("var", self._variable), "local": self._once("local", self._local),
                "module": self._once("module", self._module), "terraform": lambda _: "default",
                "path": lambda name: plan.shown(folder) if name == "module" else ".",
                "data": lambda name: Unknown((f"data.{name}",)), "self": Unknown(),
                **{type_: self._once(type_, self._instances_of(type_)) for type_ in self._resources},
            },
            prefix=prefix, files=plan,
        )  # fmt: skip

    def _named(self, kind: str) -> Iterator[tuple[str, dict[str, Any]]]:
        """Give the blocks of a kind that have one label."""
        for data in self._data:
            held = data.get(kind)
            for one in held if isinstance(held, list) else [held]:
                for name, said in one.items() if isinstance(one, dict) else ():
                    for block in said if isinstance(said, list) else [said]:
                        if isinstance(block, dict):
                            yield name, block

    # What names mean.

    def _once(self, kind: str, give: Callable[[str], Any]) -> Callable[[str], Any]:
        """Evaluate each name of a kind once; one that needs itself is unknown."""

        def known(name: str) -> Any:
            key = (kind, name)
            if key not in self._known:
                if key in self._open:
                    return Unknown((f"{self.scope.prefix}{kind}.{name}",))
                self._open.add(key)
                self._known[key] = affordable(give(name), self.scope)
                self._open.discard(key)
            return self._known[key]

        return known

    def _variable(self, name: str) -> Any:
        said = self.variables.get(name, {})
        value = self._given.get(name)
        value = value.value() if isinstance(value, _Later) else value
        if value is None and (name not in self._given or said.get("nullable") is False):
            if "default" not in said:
                return Unknown((f"var.{name}",))
            value = evaluated(said["default"], Scope({}, self.scope.steps))
        alone = Scope({}, self.scope.steps)
        return with_type_defaults(value, said.get("type"), lambda text: evaluated("${" + text + "}", alone))

    def _local(self, name: str) -> Any:
        return evaluated(self._locals[name], self.scope) if name in self._locals else Unknown()

    def _instances_of(self, type_: str) -> Callable[[str], Any]:
        def instances(name: str) -> Any:
            base = f"{self.scope.prefix}{type_}.{name}"
            blocks = self._resources[type_].get(name, [])
            keys = self._keys(blocks[0]) if blocks else None
            return _by_key(base, keys, lambda place: Unknown((f"{base}{place}",)))

        return instances

    def _module(self, name: str) -> Any:
        base = f"{self.scope.prefix}module.{name}"
        made = self._children(name)
        if made is None:
            return Unknown((base,))
        held = {index: _outputs_of(child) for index, child in made}
        keys = list(held) if self._keys(self._calls[name]) is not None else None
        return _by_key(base, keys, lambda place: held[_index_of(place, held)])

    def output(self, name: str) -> Any:
        """Return the value of an output."""
        said = self._outputs.get(name)
        if said is None:
            return Unknown()
        return self._once("output", lambda _: evaluated(said.get("value"), self.scope))(name)

    def providers(self) -> dict[str, Any]:
        """Return the provider for AWS as a plan's configuration has it."""
        for name, said in self._named("provider"):
            region = evaluated(said.get("region"), self.scope)
            if name == "aws" and isinstance(region, str) and "alias" not in said:
                return {"aws": {"name": "aws", "expressions": {"region": {"constant_value": region}}}}
        return {}

    # Instances.

    def _keys(self, said: dict[str, Any]) -> list[Any] | None:
        """Return the indices of a block with count or for_each; None without, or where only an apply knows."""
        if "for_each" in said:
            held = evaluated(said["for_each"], self.scope)
            if isinstance(held, Unknown):
                return None
            return [
                str(value) if isinstance(held, list) else str(key)
                for key, value in pairs_of(held)
                if not isinstance(value if isinstance(held, list) else key, Unknown)
            ]
        number = _whole(evaluated(said.get("count"), self.scope))
        return None if number is None else list(range(min(number, 10_000)))

    def _instances(self, said: dict[str, Any], address: str) -> Iterator[tuple[Any, Scope]]:
        """Give each instance's index, and what names mean in it; one where only an apply knows how many."""
        if "for_each" not in said and "count" not in said:
            yield None, self.scope
            return
        kind = "for_each" if "for_each" in said else "count"
        held = evaluated(said[kind], self.scope)
        if isinstance(held, Unknown) or (kind == "count" and _whole(held) is None):
            shown = f"{self.scope.prefix}{address}"
            self._plan.remarks.append(Remark(shown, f"its {kind} is known only to an apply; one is taken"))
            each = Unknown(references_in(held))
            names = {"each": {"key": each, "value": each}, "count": {"index": 0}}
            yield None if kind == "for_each" else 0, self.scope.with_names(names)
            return
        if kind == "count":
            for index in range(_whole(held) or 0):
                if not self._plan.counted():
                    return
                yield index, self.scope.with_names({"count": {"index": index}})
            return
        for key, value in pairs_of(held):
            own = value if isinstance(held, list) else key
            if not isinstance(own, Unknown) and self._plan.counted():
                yield str(own), self.scope.with_names({"each": {"key": own, "value": value}})

    def planned(self) -> dict[str, Any]:
        """Return the module as ``planned_values`` have it; resources also with what their attributes refer to."""
        resources: list[dict[str, Any]] = []
        for type_, named in self._resources.items():
            for name, blocks in named.items() if _RESOURCE.match(type_) else ():
                for said in blocks:
                    resources += self._planned_resource(type_, name, said)
        children = []
        for name in self._calls:
            for index, child in self._children(name) or ():
                address = f"{self.scope.prefix}module.{name}{_indexed(index)}"
                held = child.planned() if isinstance(child, HclModule) else {"resources": child["resources"]}
                children.append({"address": address, **held})
        return {"resources": resources, "child_modules": children}

    def _planned_resource(self, type_: str, name: str, said: dict[str, Any]) -> Iterator[dict[str, Any]]:
        for index, scope in self._instances(said, f"{type_}.{name}"):
            body = {
                key: affordable(evaluated(held, scope), scope) for key, held in _body(said, scope).items()
            }
            address = f"{self.scope.prefix}{type_}.{name}{_indexed(index)}"
            self._plan.unknown[address] = {
                key: self._waits_for(value) for key, value in body.items() if isinstance(value, Unknown)
            }
            yield planned_resource(address, type_, name, body, index)

    def _waits_for(self, value: Unknown) -> str:
        """Say what a value waits for: a variable without a default, or an apply."""
        for one in value.references:
            root, _, name = one.partition(".")
            if root == "var":
                name = re.split(r"[.\[]", name, maxsplit=1)[0]
                has = "has no default" if name in self.variables or self._depth else "is not declared"
                return f"variable {clipped(name, 60)}, which {has}"
        return "terraform apply"

    # Calls of modules.

    def _children(self, name: str) -> list[tuple[Any, HclModule | dict[str, Any]]] | None:
        """Return what a call makes, by index; None, with a remark, where the module lies elsewhere."""
        if name not in self._made:
            self._made[name] = None
            said = self._calls.get(name)
            self._made[name] = None if said is None else self._called(name, said)
        return self._made[name]

    def _called(self, name: str, said: dict[str, Any]) -> list[tuple[Any, HclModule | dict[str, Any]]] | None:
        source = evaluated(said.get("source"), self.scope)
        source = source if isinstance(source, str) else ""
        arguments = {key: held for key, held in said.items() if key not in ("source", "version", *_META)}
        known = registry_module(source)
        folder = self._plan.folder(self._folder, source) if source.startswith(".") else None
        inside_itself = folder is not None and folder.resolve() in self._above
        if not known and (folder is None or inside_itself or self._depth >= _DEEPEST):
            where = "leads back to itself" if inside_itself else "lies elsewhere"
            text = f"module {clipped(source, 80)} {where}; terraform show -json PLAN has its functions"
            self._plan.remarks.append(Remark(f"{self.scope.prefix}module.{name}", text))
            return None
        made: list[tuple[Any, HclModule | dict[str, Any]]] = []
        for index, scope in self._instances(said, f"module.{name}"):
            address = f"{self.scope.prefix}module.{name}{_indexed(index)}"
            if known:
                made.append(
                    (index, known({key: evaluated(held, scope) for key, held in arguments.items()}, address))
                )
            else:
                assert folder is not None  # noqa: S101 - looked at above
                given = {key: _Later(held, scope) for key, held in arguments.items()}
                made.append(
                    (index, HclModule(self._plan, folder, given, address, self._depth + 1, None, self._above))
                )
        return made


@dataclass(frozen=True)
class _Later:
    """An argument of a module, evaluated when first asked for: an output may lead back to its own module."""

    held: Any
    scope: Scope

    def value(self) -> Any:
        return evaluated(self.held, self.scope)


def _outputs_of(child: HclModule | dict[str, Any]) -> Outputs:
    if isinstance(child, HclModule):
        return child.output
    outputs: dict[str, Any] = child["outputs"]
    return lambda name: outputs.get(name, Unknown())


def _by_key(base: str, keys: list[Any] | None, give: Callable[[str], Any]) -> Any:
    """Return what a name with instances means: one thing, or one by index, which knows its own name."""
    if keys is None:
        return give("")
    if all(isinstance(key, int) for key in keys):
        return IndexedList([give(_indexed(key)) for key in keys], base)
    return IndexedMap({key: give(_indexed(key)) for key in keys}, base)


def _index_of(place: str, held: Mapping[Any, Any]) -> Any:
    return next((key for key in held if _indexed(key) == place), next(iter(held), None))


def _whole(value: Any) -> int | None:
    try:
        return max(int(value), 0)
    except (TypeError, ValueError):
        return None


def _indexed(index: Any) -> str:
    return "" if index is None else f'["{index}"]' if isinstance(index, str) else f"[{index}]"


def _body(said: dict[str, Any], scope: Scope) -> dict[str, Any]:
    """Give attributes and blocks; a dynamic block once where what it goes through is not known."""
    held = {key: value for key, value in said.items() if key not in _META}
    dynamic = said.get("dynamic")
    for one in dynamic if isinstance(dynamic, list) else [dynamic]:
        for name, blocks in one.items() if isinstance(one, dict) else ():
            for block in blocks if isinstance(blocks, list) else [blocks]:
                if isinstance(block, dict):
                    held[name] = [*_listed(held.get(name)), *_dynamic(name, block, scope)]
    return held


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [] if value is None else [value]


def _dynamic(name: str, block: dict[str, Any], scope: Scope) -> Iterator[Any]:
    content = block.get("content")
    content = content[0] if isinstance(content, list) and content else content
    if not isinstance(content, dict):
        return
    items = evaluated(block.get("for_each"), scope)
    label = str(block.get("iterator") or name)
    for key, value in [(items, items)] if isinstance(items, Unknown) else pairs_of(items):
        inner = scope.with_names({label: {"key": key, "value": value}})
        yield {part: evaluated(held, inner) for part, held in _body(content, inner).items()}
