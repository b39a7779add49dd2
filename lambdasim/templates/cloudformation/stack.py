"""One stack: its parameters, conditions and resources evaluated, with the nested stacks that lie in its folder."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from lambdasim.errors import TemplateError
from lambdasim.templates.cloudformation.intrinsics import Evaluator
from lambdasim.templates.cloudformation.loops import Loops
from lambdasim.templates.cloudformation.sam_globals import with_globals
from lambdasim.templates.cloudformation.values import NO_VALUE, Edge, Open, as_text
from lambdasim.templates.folder_files import FolderFiles, NotFollowedError
from lambdasim.templates.found import Remark
from lambdasim.wording import clipped

_PSEUDO: Final = {
    "AWS::AccountId": "123456789012",
    "AWS::Partition": "aws",
    "AWS::URLSuffix": "amazonaws.com",
}
_NESTED: Final = {"AWS::CloudFormation::Stack": "TemplateURL", "AWS::Serverless::Application": "Location"}
_MADE: Final = (".Alias", ".Version", "Alias", "Version", "Role")
_CONDITIONAL: Final = ("AWS::Serverless::Function", "AWS::Lambda::Function", *_NESTED)
_DEFINED: Final = {
    "AWS::ApiGateway::RestApi": ("Body", "BodyS3Location"),
    "AWS::Serverless::Api": ("DefinitionBody", "DefinitionUri"),
    "AWS::ApiGatewayV2::Api": ("Body", "BodyS3Location"),
    "AWS::Serverless::HttpApi": ("DefinitionBody", "DefinitionUri"),
}
"""Resources with a definition, and the property that names its file instead."""
_DEEPEST_STACK: Final = 8
_MOST_RESOURCES: Final = 200_000
_IMPLICIT: Final = (
    "ServerlessRestApi",
    "ServerlessHttpApi",
    "ServerlessRestApiProdStage",
    "ServerlessDeploymentApplication",
)


@dataclass
class Resource:
    """A resource of a stack, evaluated.

    Attributes
    ----------
    id : str
        Logical id, with the nested stacks that lead to it before slashes.
    type : str
    properties : dict
        Values may be ``Open``.
    metadata : dict
    folder : Path
        Folder of its template, for paths that it names.
    extra : dict
        Other attributes: ``Connectors``, ``IgnoreGlobals`` ...
    """

    id: str
    type: str
    properties: dict[str, Any]
    metadata: dict[str, Any]
    folder: Path
    extra: dict[str, Any] = field(default_factory=dict)


@dataclass
class Notes:
    """What was met while reading, shared by all stacks of an import."""

    warnings: list[Remark] = field(default_factory=list)
    unresolved: list[Remark] = field(default_factory=list)
    not_modelled: list[Remark] = field(default_factory=list)
    exports: dict[str, Any] = field(default_factory=dict)


class Stack:
    """Evaluates one template as a scope for its intrinsics.

    Parameters
    ----------
    data : object
        The template.
    name : str
        For messages.
    folder : Path
        Paths of the template are relative to it.
    files : FolderFiles
    notes : Notes
    region : str
    parameters : mapping
        Values by name, from a user or a parent; a callable is called when its parameter is first asked for.
    prefix : str
        Before every id: the nested stacks that lead here.
    depth : int
        Of nesting.
    """

    def __init__(
        self,
        data: Any,
        name: str,
        folder: Path,
        files: FolderFiles,
        notes: Notes,
        region: str,
        parameters: Mapping[str, Any] | None = None,
        prefix: str = "",
        depth: int = 0,
    ) -> None:
        self.name, self.folder, self.prefix, self.region = name, folder, prefix, region
        self._files, self._notes, self._depth = files, notes, depth
        self._given = dict(parameters or {})
        self._evaluator = Evaluator(self)
        self._values: dict[str, Any] = {}
        self._conditions: dict[str, bool | None] = {}
        self._open: set[str] = set()
        self._outputs: dict[str, Any] = {}
        self.children: dict[str, Stack] = {}
        self.data = self._prepared(data)
        self._resources = self._section("Resources")

    def _prepared(self, data: Any) -> dict[str, Any]:
        if not isinstance(data, dict):
            raise TemplateError.single(self.name, "", "must be a mapping with Resources")
        self.data = data
        loops = Loops(self.name, self._collection)
        expanded = {
            key: loops.expanded(held) if key in ("Resources", "Conditions", "Outputs") else held
            for key, held in data.items()
        }
        for key in loops.unknown:
            self._unresolved(key, "its collection is known only to a deployment; nothing was made of it")
        resources = expanded.get("Resources")
        if isinstance(resources, dict) and "Fn::Transform" in resources:
            included = self._evaluator_include(resources["Fn::Transform"])
            expanded["Resources"] = included | {
                key: one for key, one in resources.items() if key != "Fn::Transform"
            }
        return with_globals(expanded)

    def _evaluator_include(self, transform: Any) -> dict[str, Any]:
        """Return the raw content of an include at the top of Resources."""
        merged: dict[str, Any] = {}
        for one in transform if isinstance(transform, list) else [transform]:
            if (
                isinstance(one, dict)
                and one.get("Name") == "AWS::Include"
                and isinstance(one.get("Parameters"), dict)
            ):
                content = self.included(self._evaluator.value(one["Parameters"].get("Location")))
                merged |= content if isinstance(content, dict) else {}
        return merged

    def _section(self, key: str) -> dict[str, Any]:
        section = self.data.get(key)
        return section if isinstance(section, dict) else {}

    def _collection(self, raw: Any) -> list[str] | None:
        value = self._evaluator.value(raw)
        if not isinstance(value, list) or any(isinstance(one, Open | dict | list) for one in value):
            return None
        return [as_text(one) for one in value]

    # What intrinsics ask.

    def ref(self, name: str) -> Any:
        """Give what ``Ref`` gives: a parameter's value, an edge to a resource, or what stands for a pseudo parameter."""
        if name == "AWS::NoValue":
            return NO_VALUE
        if name == "AWS::Region":
            return self.region
        if name in _PSEUDO:
            return _PSEUDO[name]
        if name.startswith("AWS::"):
            return Open(f"${{{name}}}", (), name)
        if name in self._section("Parameters"):
            return self._parameter(name)
        if name in self._section("Resources"):
            return Open(f"${{{self.prefix}{name}}}", (Edge(self.prefix + name),))
        if (made := self._made_by_sam(name)) is not None:
            return made
        return Open(f"${{{clipped(name, 80)}}}", (), f"{clipped(name, 80)}, which the file does not have")

    def attribute(self, name: str, attribute: str) -> Any:
        """Give what ``GetAtt`` gives: an output of a nested stack, or an edge."""
        resource = self._section("Resources").get(name)
        if (
            isinstance(resource, dict)
            and attribute.startswith("Outputs.")
            and resource.get("Type") in _NESTED
        ):
            child = self.child(name)
            if child is not None:
                return child.output(attribute.removeprefix("Outputs."))
        if resource is None and (made := self._made_by_sam(name)) is not None:
            return made
        return Open(
            f"${{{self.prefix}{name}.{clipped(attribute, 80)}}}", (Edge(self.prefix + name, attribute),)
        )

    def _made_by_sam(self, name: str) -> Open | None:
        """Return an edge for ids that SAM makes: a function's role, alias and version, an implicit API."""
        if name in _IMPLICIT:
            return Open(f"${{{name}}}", (Edge(self.prefix + name),))
        resources = self._section("Resources")
        for ending in _MADE:
            id_, found, _ = name.partition(ending)
            if found and id_ in resources:
                edges = () if ending == "Role" else (Edge(self.prefix + id_, "Alias"),)
                return Open(f"${{{self.prefix}{name}}}", edges)
        return None

    def condition(self, name: str) -> bool | None:
        """Return whether a condition holds; None where only a deployment knows, also for one that needs itself."""
        if name not in self._conditions:
            conditions = self._section("Conditions")
            if name not in conditions or f"condition {name}" in self._open:
                return None
            self._open.add(f"condition {name}")
            self._conditions[name] = self._evaluator.holds(conditions[name])
        return self._conditions[name]

    def mapped(self, name: str) -> Any:
        """Give a map of the template."""
        return self._section("Mappings").get(name)

    def imported(self, name: str) -> Any:
        """Give what another stack of the same import exports."""
        if name in self._notes.exports:
            return self._notes.exports[name]
        return Open(f"${{{clipped(name, 80)}}}", (), f"{clipped(name, 80)}, which another stack exports")

    def included(self, location: Any) -> Any:
        """Give the content of a file inside the folder; None, with a remark, where it cannot be read."""
        shown = location if isinstance(location, str) else location.text if isinstance(location, Open) else ""
        place = f"include {clipped(shown, 100)}"
        if place in self._open or not isinstance(location, str):
            self._unresolved(place, "cannot be followed")
            return None
        self._open.add(place)
        try:
            return self._files.document(self._files.path(self.folder, location)).data
        except NotFollowedError as refusal:
            self._unresolved(place, str(refusal))
        except TemplateError as error:
            self._notes.warnings.append(Remark(place, f"is not read: {error.faults[0].message}"))
        finally:
            self._open.discard(place)
        return None

    def _unresolved(self, place: str, text: str) -> None:
        self._notes.unresolved.append(Remark(self.prefix + place, text))

    # Parameters.

    def _parameter(self, name: str) -> Any:
        if name not in self._values:
            if f"parameter {name}" in self._open:
                return Open(f"${{{name}}}", (), f"parameter {name}, which needs itself")
            self._open.add(f"parameter {name}")
            self._values[name] = self._parameter_value(name)
        return self._values[name]

    def _parameter_value(self, name: str) -> Any:
        declared = self._section("Parameters")[name]
        declared = declared if isinstance(declared, dict) else {}
        kind = str(declared.get("Type", "String"))
        value: Any = None
        if name in self._given:
            given = self._given[name]
            value = given() if isinstance(given, Callable) else given  # type: ignore[arg-type]
        elif kind.startswith("AWS::SSM::Parameter::Value"):
            return Open(f"${{{name}}}", (), f"parameter {clipped(name, 80)}, which SSM keeps")
        elif "Default" in declared:
            value = declared["Default"]
        if value is None or value is NO_VALUE or isinstance(value, dict):
            return Open(f"${{{name}}}", (), f"parameter {clipped(name, 80)}, which has no default")
        if kind.startswith(("CommaDelimitedList", "List<")) and isinstance(value, str | int | float):
            return [part.strip() for part in as_text(value).split(",")]
        return value

    # What an importer asks.

    def known_parameters(self) -> list[str]:
        """Return the names of the parameters that may be given."""
        return list(self._section("Parameters"))

    def output(self, name: str) -> Any:
        """Give the value of an output, an open one where there is none."""
        if name not in self._outputs:
            self._outputs[name] = Open(
                f"${{{clipped(name, 80)}}}", (), f"output {clipped(name, 80)}, which needs itself"
            )
            held = self._section("Outputs").get(name)
            value = self._evaluator.value(held.get("Value")) if isinstance(held, dict) else None
            if value is None or value is NO_VALUE:
                value = Open(f"${{{clipped(name, 80)}}}", (), f"output {clipped(name, 80)} of a nested stack")
            self._outputs[name] = value
        return self._outputs[name]

    def child(self, name: str) -> Stack | None:
        """Return a nested stack that lies in the folder; None, with a remark, where it does not."""
        if name in self.children or f"child {name}" in self._open:
            return self.children.get(name)
        self._open.add(f"child {name}")
        resource = self._section("Resources")[name]
        properties = resource.get("Properties")
        properties = properties if isinstance(properties, dict) else {}
        location = self._evaluator.value(properties.get(_NESTED[resource["Type"]]))
        asset = (
            resource.get("Metadata", {}).get("aws:asset:path")
            if isinstance(resource.get("Metadata"), dict)
            else None
        )
        location = asset if isinstance(asset, str) else location
        if not isinstance(location, str) or self._depth >= _DEEPEST_STACK:
            deep = (
                f"is nested deeper than {_DEEPEST_STACK}"
                if isinstance(location, str)
                else "lies elsewhere and was not followed"
            )
            self._unresolved(name, f"nested stack {deep}")
            return None
        try:
            path = self._files.path(self.folder, location)
            document = self._files.document(path)
        except NotFollowedError as refusal:
            self._unresolved(name, f"nested stack {clipped(location, 100)} {refusal}")
            return None
        self.children[name] = Stack(
            document.data, document.name, path.parent, self._files, self._notes, self.region,
            self._passed(properties), f"{self.prefix}{name}/", self._depth + 1,
        )  # fmt: skip
        return self.children[name]

    def _passed(self, properties: dict[str, Any]) -> dict[str, Any]:
        raw = properties.get("Parameters")
        if not isinstance(raw, dict):
            return {}

        def later(held: Any) -> Callable[[], Any]:
            return lambda: self._evaluator.value(held)

        return {name: later(held) for name, held in raw.items()}

    def collect_exports(self) -> None:
        """Put what this stack exports where others find it."""
        for name, held in self._section("Outputs").items():
            export = held.get("Export") if isinstance(held, dict) else None
            if isinstance(export, dict):
                key = self._evaluator.value(export.get("Name"))
                shown = key if isinstance(key, str) else key.text if isinstance(key, Open) else ""
                if shown:
                    self._notes.exports[shown] = self.output(name)

    def resources(self) -> Iterator[Resource]:
        """Give every resource whose condition holds, or may hold, with those of nested stacks after their own.

        Raises
        ------
        TemplateError
            Beyond 200,000.
        """
        if self._depth and not isinstance(self.data.get("Resources"), dict):
            self._unresolved("", "this nested stack has no Resources")
            return
        if not isinstance(self.data.get("Resources"), dict):
            raise TemplateError.single(self.name, "Resources", "must be a mapping of ids to resources")
        if len(self._resources) > _MOST_RESOURCES:
            raise TemplateError.single(self.name, "Resources", f"has more than {_MOST_RESOURCES:,} resources")
        for name, raw in self._resources.items():
            if not isinstance(raw, dict) or not isinstance(raw.get("Type"), str):
                self._notes.warnings.append(
                    Remark(self.prefix + clipped(name, 80), "has no Type and was left out")
                )
                continue
            if (condition := raw.get("Condition")) is not None:
                held = self.condition(condition) if isinstance(condition, str) else None
                if held is False:
                    continue
                if held is None and raw["Type"] in _CONDITIONAL:
                    self._unresolved(name, f"its condition {clipped(condition, 60)} is taken to hold")
            if raw["Type"] in _NESTED:
                child = self.child(name)
                if child is not None:
                    yield from child.resources()
                continue
            yield self._resource(name, raw)

    def _with_definition(
        self, name: str, properties: dict[str, Any], body: str, location: str
    ) -> dict[str, Any]:
        """Put the definition of an API in place of the file that it names, its references followed."""
        said = properties.get(location)
        if body in properties or not isinstance(said, str):
            return properties
        try:
            content = self._files.document(self._files.path(self.folder, said)).data
        except NotFollowedError as refusal:
            self._unresolved(name, f"its definition {clipped(said, 100)} {refusal}")
        except TemplateError as error:
            self._unresolved(name, f"its definition is not read: {error.faults[0].message}")
        else:
            return {**properties, body: self._evaluator.value(content)}
        return properties

    def _resource(self, name: str, raw: dict[str, Any]) -> Resource:
        properties = raw.get("Properties")
        if properties is not None and not isinstance(properties, dict):
            self._notes.warnings.append(Remark(self.prefix + name, "its Properties are no mapping"))
        evaluated = self._evaluator.value(properties) if isinstance(properties, dict) else {}
        if raw["Type"] in _DEFINED and isinstance(evaluated, dict):
            evaluated = self._with_definition(name, evaluated, *_DEFINED[raw["Type"]])
        metadata = raw.get("Metadata")
        extra = {
            key: held
            for key, held in raw.items()
            if key not in ("Type", "Properties", "Metadata", "Condition")
        }
        return Resource(
            self.prefix + name,
            raw["Type"],
            evaluated if isinstance(evaluated, dict) else {},
            metadata if isinstance(metadata, dict) else {},
            self.folder,
            extra,
        )
