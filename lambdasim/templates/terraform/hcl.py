"""Terraform's own files, evaluated without Terraform: a draft of the plan that ``terraform show -json`` would print.

Variables have their defaults or what a user gives, modules are followed inside the folder, and what only an apply or a
registry knows is left out and listed.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from lambdasim.errors import TemplateError
from lambdasim.outputs import noted_input
from lambdasim.templates.documents import read_document
from lambdasim.templates.found import Remark
from lambdasim.templates.terraform.expressions import evaluated
from lambdasim.templates.terraform.nodes import Scope, Unknown, pairs_of, references_in
from lambdasim.templates.terraform.registry import lambda_module
from lambdasim.templates.terraform.types import with_type_defaults
from lambdasim.wording import clipped

_MOST_BYTES: Final = 3_000_000
_MOST_FILES: Final = 500
_MOST_INSTANCES: Final = 5_000
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
_VALUES_FILES: Final = ("terraform.tfvars", "terraform.tfvars.json", "*.auto.tfvars", "*.auto.tfvars.json")


def is_terraform_syntax(data: Mapping[str, Any]) -> bool:
    """Tell whether JSON is Terraform's configuration, as CDK for Terraform writes it."""
    return isinstance(data.get("resource"), dict) and bool(
        {"terraform", "provider", "variable", "//"} & set(data)
    )


class HclPlan:
    """Makes a plan of a folder.

    Parameters
    ----------
    folder : Path
    given : mapping
        Values of variables.
    only : Path, optional
        A single file of JSON syntax.
    """

    def __init__(self, folder: Path, given: Mapping[str, str], only: Path | None = None) -> None:
        self._root = folder.resolve()
        self._bytes = self._files = self._instances = 0
        self.remarks: list[Remark] = []
        self.unknown: dict[str, dict[str, str]] = {}
        """Of each resource's address what only an apply knows, with what it waits for."""
        given = {name: _typed(value) for name, value in given.items()}
        values = {**(self._values(folder) if only is None else {}), **given}
        root = _Module(self, folder, values, "", 0, only)
        unknown = sorted(set(given) - set(root.variables))
        if unknown:
            allowed = ", ".join(sorted(root.variables)) or "none"
            told = f"is no variable of the configuration; it has {clipped(allowed, 200)}"
            raise TemplateError.single(str(folder), clipped(unknown[0], 60), told)
        self.data = {
            "format_version": "1.2",
            "planned_values": {"root_module": root.planned},
            "configuration": {"root_module": root.configuration, "provider_config": root.providers},
            "resource_changes": [
                {"address": address, "change": {"after_unknown": held}}
                for address, held in self.unknown.items()
            ],
        }

    def parsed(self, path: Path) -> dict[str, Any]:
        """Read one file.

        Raises
        ------
        TemplateError
            Where it cannot be read, or there is too much to read.
        """
        noted_input(path)
        self._files += 1
        try:
            content = path.read_bytes()
        except OSError as error:
            raise TemplateError.single(str(path), "", f"cannot be read: {error.strerror}") from None
        self._bytes += len(content)
        if self._bytes > _MOST_BYTES or self._files > _MOST_FILES:
            told = f"has more than {_MOST_BYTES:,} bytes or {_MOST_FILES} files; give terraform show -json PLAN instead"
            raise TemplateError.single(str(path.parent), "", told)
        if path.suffix == ".json":
            data = read_document(path).data
            return data if isinstance(data, dict) else {}
        return _hcl(content, path)

    def _values(self, folder: Path) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for pattern in _VALUES_FILES:
            for path in sorted(folder.glob(pattern)):
                found |= {key: evaluated(held, Scope({})) for key, held in self.parsed(path).items()}
        return found

    def inside(self, folder: Path, location: str) -> Path | None:
        """Return a module's folder where it lies inside of the first one."""
        try:
            path = (folder / location).resolve()
            return path if path.is_relative_to(self._root) and path.is_dir() else None
        except (OSError, ValueError):
            return None

    def counted(self) -> bool:
        """Count an instance; tell whether there may be more."""
        self._instances += 1
        return self._instances <= _MOST_INSTANCES


def _hcl(content: bytes, path: Path) -> dict[str, Any]:
    try:
        import hcl2
        from hcl2.utils import SerializationOptions
        from lark.exceptions import LarkError
    except ImportError:
        raise TemplateError.single(str(path), "", WITHOUT_EXTRA) from None
    options = SerializationOptions(strip_string_quotes=True, explicit_blocks=False)
    try:
        data = hcl2.loads(content.decode("utf-8-sig") + "\n", serialization_options=options)
    except UnicodeDecodeError as error:
        raise TemplateError.single(str(path), "", f"must be UTF-8, byte {error.start} is not") from None
    except (LarkError, ValueError, RecursionError) as error:
        line = getattr(error, "line", None)
        where = f"{path}:{line}" if isinstance(line, int) and line > 0 else str(path)
        told = "cannot be read as Terraform's language; give terraform show -json PLAN > plan.json instead"
        raise TemplateError.single(where, "", told) from None
    return data if isinstance(data, dict) else {}


WITHOUT_EXTRA: Final = (
    "is Terraform's own language; give terraform show -json PLAN > plan.json instead, or "
    "pip install 'lambda-costsim[terraform]' to have it read as a draft"
)


def _typed(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text


def _blocks(data: Mapping[str, Any], kind: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Give the blocks of a kind that have one label."""
    held = data.get(kind)
    for one in held if isinstance(held, list) else [held]:
        for name, said in one.items() if isinstance(one, dict) else ():
            for block in said if isinstance(said, list) else [said]:
                if isinstance(block, dict):
                    yield name, block


class _Module:
    """One module: its variables, locals, resources and calls of others."""

    def __init__(
        self,
        plan: HclPlan,
        folder: Path,
        given: Mapping[str, Any],
        address: str,
        depth: int,
        only: Path | None = None,
    ) -> None:
        self._plan, self._folder, self._given, self._depth = plan, folder, given, depth
        self._address = address
        paths = [only] if only is not None else sorted([*folder.glob("*.tf"), *folder.glob("*.tf.json")])
        self._data = [plan.parsed(path) for path in paths]
        self.variables = {name: said for one in self._data for name, said in _blocks(one, "variable")}
        self._locals: dict[str, Any] = {}
        for one in self._data:
            held = one.get("locals")
            for said in held if isinstance(held, list) else [held]:
                self._locals |= said if isinstance(said, dict) else {}
        self._open: set[str] = set()
        self._known: dict[str, Any] = {}
        self._values: dict[str, Any] = {}
        self.scope = Scope(
            {
                "var": self._variable, "local": self._local, "terraform": lambda _: "default",
                "path": lambda _: ".", "module": lambda name: Unknown((f"module.{name}",)),
                "data": lambda name: Unknown((f"data.{name}",)), "self": Unknown(),
            }
        )  # fmt: skip
        self.providers = self._providers()
        self.planned: dict[str, Any] = {"resources": [], "child_modules": []}
        self.configuration: dict[str, Any] = {"resources": [], "module_calls": {}, "outputs": {}}
        self._resources()
        self._modules()
        for one in self._data:
            for name, said in _blocks(one, "output"):
                held = evaluated(said.get("value"), self.scope)
                self.configuration["outputs"][name] = {
                    "expression": {"references": list(references_in(held))}
                }

    def _variable(self, name: str) -> Any:
        if name not in self._values:
            self._values[name] = self._variable_value(name)
        return self._values[name]

    def _variable_value(self, name: str) -> Any:
        said = self.variables.get(name, {})
        value = self._given.get(name)
        if value is None and (name not in self._given or said.get("nullable") is False):
            if "default" not in said:
                return Unknown((f"var.{name}",))
            value = evaluated(said["default"], Scope({}, self.scope.steps))
        alone = Scope({}, self.scope.steps)
        return with_type_defaults(value, said.get("type"), lambda text: evaluated("${" + text + "}", alone))

    def _local(self, name: str) -> Any:
        if name not in self._known:
            if name in self._open or name not in self._locals:
                return Unknown()
            self._open.add(name)
            self._known[name] = evaluated(self._locals[name], self.scope)
        return self._known[name]

    def _providers(self) -> dict[str, Any]:
        for one in self._data:
            for name, said in _blocks(one, "provider"):
                region = evaluated(said.get("region"), self.scope)
                if name == "aws" and isinstance(region, str) and "alias" not in said:
                    return {"aws": {"name": "aws", "expressions": {"region": {"constant_value": region}}}}
        return {}

    def _resources(self) -> None:
        for one in self._data:
            for type_, named in _blocks(one, "resource"):
                for name, said in named.items() if _RESOURCE.match(type_) else ():
                    for block in said if isinstance(said, list) else [said]:
                        if isinstance(block, dict):
                            self._resource(type_, name, block)

    def _resource(self, type_: str, name: str, said: dict[str, Any]) -> None:
        address = f"{type_}.{name}"
        references = {
            key: _configured(evaluated(held, self._each(Unknown()))) for key, held in _body(said).items()
        }
        chosen = references_in(evaluated(said.get("for_each"), self.scope))
        self.configuration["resources"].append(
            {
                "type": type_,
                "name": name,
                "expressions": references,
                "for_each_expression": {"references": list(chosen)},
            }
        )
        for index, scope in self._instances(said, address):
            body = {key: evaluated(held, scope) for key, held in _body(said, scope).items()}
            held = {key: plain for key, value in body.items() if (plain := _plain(value)) is not None}
            own = {} if index is None else {"index": index}
            full = f"{self._address}.{address}".lstrip(".") + _indexed(index)
            self._plan.unknown[full] = {
                key: self._waits_for(value) for key, value in body.items() if isinstance(value, Unknown)
            }
            self.planned["resources"].append(
                {"address": full, "type": type_, "name": name, "values": held, **own}
            )

    def _waits_for(self, value: Unknown) -> str:
        """Say what a value waits for: a variable without a default, or an apply."""
        for one in value.references:
            root, _, name = one.partition(".")
            if root == "var" and self._depth == 0:
                has = "has no default" if name in self.variables else "the folder does not declare"
                return f"variable {clipped(name, 60)}, which {has}"
        return "terraform apply"

    def _each(self, value: Any) -> Scope:
        held = {"key": value, "value": value}
        if isinstance(value, Unknown):
            return self.scope.with_names({"each": Unknown(("each.value",)), "count": {"index": 0}})
        return self.scope.with_names({"each": held, "count": {"index": 0}})

    def _instances(self, said: dict[str, Any], address: str) -> Iterator[tuple[Any, Scope]]:
        """Give each instance's index, and what names mean in it."""
        if "for_each" in said:
            held = evaluated(said["for_each"], self.scope)
            if isinstance(held, Unknown):
                self._plan.remarks.append(
                    Remark(address, "its for_each is known only to an apply; one is taken")
                )
                yield None, self._each(Unknown())
                return
            for key, value in pairs_of(held):
                own = value if isinstance(held, list) else key
                if self._plan.counted():
                    yield str(own), self.scope.with_names({"each": {"key": own, "value": value}})
            return
        if "count" not in said:
            yield None, self.scope
            return
        held = evaluated(said["count"], self.scope)
        try:
            number = int(held)
        except (TypeError, ValueError):
            self._plan.remarks.append(Remark(address, "its count is known only to an apply; one is taken"))
            number = 1
        for index in range(number):
            if not self._plan.counted():
                return
            yield index, self.scope.with_names({"count": {"index": index}})

    def _modules(self) -> None:
        for one in self._data:
            for name, said in _blocks(one, "module"):
                self._module(name, said)

    def _module(self, name: str, said: dict[str, Any]) -> None:
        source = evaluated(said.get("source"), self.scope)
        source = source if isinstance(source, str) else ""
        arguments = {key: held for key, held in said.items() if key not in ("source", "version", *_META)}
        expressions = {
            key: _configured(evaluated(held, self._each(Unknown()))) for key, held in arguments.items()
        }
        call: dict[str, Any] = {"expressions": expressions}
        known = lambda_module(source)
        folder = self._plan.inside(self._folder, source) if source.startswith(".") else None
        if not known and (folder is None or self._depth >= _DEEPEST):
            text = f"module {clipped(source, 80)} lies elsewhere; terraform show -json PLAN has its functions"
            self._plan.remarks.append(Remark(f"module.{name}", text))
            return
        for index, scope in self._instances(said, f"module.{name}"):
            given = {key: evaluated(held, scope) for key, held in arguments.items()}
            address = f"{self._address}.module.{name}{_indexed(index)}".lstrip(".")
            if known:
                planned, configuration, beside = known(given, address, f"module.{name}", index)
                self.planned["resources"] += beside[0]
                self.configuration["resources"] += beside[1]
            else:
                assert folder is not None  # noqa: S101 - looked at above
                child = _Module(self._plan, folder, given, address, self._depth + 1)
                planned, configuration = child.planned, child.configuration
            self.planned["child_modules"].append({"address": address, **planned})
            call["module"] = configuration
        self.configuration["module_calls"][name] = call


def _indexed(index: Any) -> str:
    return "" if index is None else f'["{index}"]' if isinstance(index, str) else f"[{index}]"


def _body(said: dict[str, Any], scope: Scope | None = None) -> dict[str, Any]:
    """Give attributes and blocks; a dynamic block once where what it goes through is not known."""
    held = {key: value for key, value in said.items() if key not in _META}
    for name, block in _blocks({"dynamic": said.get("dynamic")}, "dynamic"):
        content = block.get("content")
        content = content[0] if isinstance(content, list) and content else content
        if not isinstance(content, dict):
            continue
        items = evaluated(block.get("for_each"), scope) if scope is not None else Unknown()
        if isinstance(items, Unknown):
            held.setdefault(name, []).append(content)
            continue
        label = str(block.get("iterator") or name)
        for key, value in pairs_of(items):
            assert scope is not None  # noqa: S101 - known only with a scope
            inner = scope.with_names({label: {"key": key, "value": value}})
            held.setdefault(name, []).append(evaluated(content, inner))
    return held


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


def _plain(value: Any) -> Any:
    """Leave out what is unknown; of structures written as JSON keep what is known."""
    if isinstance(value, Unknown):
        return None if value.partial is None else json.dumps(_plain(value.partial))
    if isinstance(value, list):
        return [_plain(one) for one in value]
    if isinstance(value, dict):
        return {key: _plain(held) for key, held in value.items()}
    return value
