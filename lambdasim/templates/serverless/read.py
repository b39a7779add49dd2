"""A service of the Serverless Framework, read into the neutral model by way of SAM's words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from lambdasim.catalog.guesses import serverless_defaults
from lambdasim.errors import TemplateError
from lambdasim.templates.cloudformation.functions import DEFAULTS
from lambdasim.templates.cloudformation.read import DEFAULT_REGION, found_in
from lambdasim.templates.cloudformation.stack import Notes, Stack
from lambdasim.templates.cloudformation.values import at, items_of, whole
from lambdasim.templates.documents import Document
from lambdasim.templates.folder_files import FolderFiles
from lambdasim.templates.found import Found, Given, Remark
from lambdasim.templates.serverless.constructs import Constructs, constructs_of
from lambdasim.templates.serverless.events import sam_events
from lambdasim.templates.serverless.variables import Variables, is_unresolved
from lambdasim.wording import clipped

_ENDING: Final = "LambdaFunction"
_SETTINGS: Final = {"MemorySize": "memory_mb", "Timeout": "timeout_s"}
_MAKERS: Final = (
    "step-functions",
    "pipes",
    "lift",
    "warmup",
    "appsync",
    "apigateway-service-proxy",
    "express",
    "next",
)


def is_serverless(data: dict[str, Any]) -> bool:
    """Return whether a mapping is a serverless.yml."""
    provider = data.get("provider")
    named = isinstance(provider, str) or (
        isinstance(provider, dict) and ("name" in provider or "runtime" in provider)
    )
    return bool(named or ("service" in data and "functions" in data)) and (
        "functions" in data or "service" in data
    )


def read_serverless(
    document: Document, folder: Path, given: Mapping[str, str] | None = None, region: str | None = None,
    stage: str | None = None,
) -> Found:  # fmt: skip
    """Read a serverless.yml with the YAML and JSON files of its folder that it names.

    Parameters
    ----------
    document : Document
    folder : Path
    given : mapping, optional
        Values of ``${param:...}``, ``${opt:...}`` and ``${env:...}``; nothing is taken from this process.
    region, stage : str, optional
        Default: what the file says, else us-east-1 and dev.

    Raises
    ------
    TemplateError
        Where it is for another cloud, or a file cannot be read.
    """
    data = document.data
    provider = data.get("provider")
    provider = provider if isinstance(provider, dict) else {"name": provider}
    cloud = provider.get("name")
    if isinstance(cloud, str) and cloud != "aws" and "${" not in cloud:
        raise TemplateError.single(document.name, "provider.name", f"must be aws, got {clipped(cloud, 40)}")
    files = FolderFiles(folder)
    asked = {name: value for name, value in (("stage", stage), ("region", region)) if value is not None}
    given = {**asked, **(given or {})}
    first = Variables(data, folder, files, stage or "dev", region or DEFAULT_REGION, given, document.name)
    stage = stage or _plain(first.resolved(provider.get("stage"))) or "dev"
    known_region = region or _plain(first.resolved(provider.get("region")))
    variables = Variables(data, folder, files, stage, known_region or DEFAULT_REGION, given, document.name)
    notes = Notes(warnings=[Remark(f"line {line}", text) for line, text in document.remarks])
    service = _Service(data, variables, notes, stage)
    template = service.template()
    stack = Stack(template, document.name, folder, files, notes, known_region or DEFAULT_REGION)
    found = found_in(list(stack.resources()), notes, files, "serverless.yml", document.name, known_region)
    functions = tuple(
        replace(
            one,
            resource=service.keys.get(one.resource, one.resource),
            given={**one.given, **service.given.get(one.resource, {})},
        )
        for one in found.functions
    )
    told = " ".join(one.text for one in found.unresolved)
    waiting = tuple(
        Remark("", f"{what} is known only to a deployment") for what in variables.unknown if what not in told
    )

    def by_key(remarks: tuple[Remark, ...]) -> tuple[Remark, ...]:
        return tuple(replace(one, resource=service.keys.get(one.resource, one.resource)) for one in remarks)

    return replace(
        found, functions=functions, unresolved=by_key(found.unresolved) + waiting, left_out=by_key(found.left_out),
        not_modelled=by_key(found.not_modelled), warnings=by_key(found.warnings),
    )  # fmt: skip


def _plain(value: Any) -> str | None:
    return value if isinstance(value, str) and value else None


class _Service:
    """Writes a service as a SAM template."""

    def __init__(self, data: dict[str, Any], variables: Variables, notes: Notes, stage: str) -> None:
        self._variables, self._notes, self._stage = variables, notes, stage
        provider = variables.resolved(data.get("provider"))
        self._provider = provider if isinstance(provider, dict) else {}
        service = variables.resolved(data.get("service"))
        self._name = _plain(at(service, "name") or service) or "service"
        self._data = data
        self.keys: dict[str, str] = {}
        self._ids: dict[str, str] = {}
        self.given: dict[str, dict[str, Given]] = {}

    def template(self) -> dict[str, Any]:
        functions: dict[str, Any] = {}
        for one in items_of(self._variables.resolved(self._data.get("functions"))):
            if is_unresolved(one):
                self._notes.unresolved.append(Remark("functions", "are known only to a deployment"))
            elif isinstance(one, dict):
                functions |= one
        constructs = self._constructs()
        functions |= {key: held for key, held in constructs.functions.items() if key not in functions}
        template: dict[str, Any] = {"Resources": constructs.resources}
        extensions: dict[str, Any] = {}
        for one in items_of(self._variables.resolved(self._data.get("resources"))):
            extended = at(one, "extensions")
            extensions |= extended if isinstance(extended, dict) else {}
            for key, held in one.items() if isinstance(one, dict) else ():
                if isinstance(held, dict) and key in (
                    "Resources",
                    "Conditions",
                    "Outputs",
                    "Mappings",
                    "Parameters",
                ):
                    template[key] = {**template.get(key, {}), **held}
        ids = self._ids = {key: _logical_id(key) for key in functions}
        for key, said in functions.items():
            if said is None or isinstance(said, dict):
                self.keys[ids[key]] = key
                made = self._function(key, said or {}, ids[key])
                for more in (template["Resources"].get(ids[key]), extensions.get(ids[key])):
                    self._extend(made, more, ids[key])
                template["Resources"][ids[key]] = made
            else:
                self._notes.warnings.append(Remark(clipped(key, 60), "is no mapping and was left out"))
        template["Resources"] |= self._machines(ids) | self._authorizers(functions)
        self._plugins()
        return template

    def _function(self, key: str, said: dict[str, Any], id_: str) -> dict[str, Any]:
        provider = self._provider
        given = self.given.setdefault(id_, {})

        def setting(name: str) -> Any:
            return said[name] if name in said else provider.get(name)

        memory, timeout = setting("memorySize"), setting("timeout")
        if memory is None:
            memory, given["memory_mb"] = serverless_defaults()[0], Given.DEFAULT
        if timeout is None:
            timeout, given["timeout_s"] = serverless_defaults()[1], Given.DEFAULT
        provisioned = said.get("provisionedConcurrency")
        provisioned = (
            provisioned.get("executions")
            if isinstance(provisioned, dict) and not is_unresolved(provisioned)
            else provisioned
        )
        vpc = setting("vpc")
        environment = [
            one for one in (provider.get("environment"), said.get("environment")) if isinstance(one, dict)
        ]
        variables = {
            name: held for one in environment if not is_unresolved(one) for name, held in one.items()
        }
        tags = {
            name: held
            for one in (provider.get("tags"), said.get("tags"))
            if isinstance(one, dict)
            for name, held in one.items()
        }
        properties = {
            "FunctionName": said.get("name") or f"{self._name}-{self._stage}-{key}",
            "MemorySize": memory,
            "Timeout": timeout,
            "Runtime": setting("runtime"),
            "Architectures": [setting("architecture")] if setting("architecture") else None,
            "ImageUri": "image" if said.get("image") else None,
            "EphemeralStorage": {"Size": setting("ephemeralStorageSize")}
            if setting("ephemeralStorageSize")
            else None,
            "ReservedConcurrentExecutions": said.get("reservedConcurrency"),
            "ProvisionedConcurrencyConfig": {"ProvisionedConcurrentExecutions": provisioned}
            if provisioned is not None
            else None,
            "SnapStart": {"ApplyOn": "PublishedVersions"} if said.get("snapStart") is True else None,
            "Layers": setting("layers"),
            "VpcConfig": {"SubnetIds": ["subnet"]} if isinstance(vpc, dict) and vpc else None,
            "Environment": {"Variables": variables},
            "Tags": tags or None,
            "DeadLetterConfig": {"TargetArn": "queue"} if said.get("onError") else None,
            "EventInvokeConfig": self._asynchronous(said),
            "FunctionUrlConfig": {"AuthType": "NONE"} if said.get("url") else None,
            "FileSystemConfigs": ["file system"] if said.get("fileSystemConfig") else None,
            "Events": sam_events(said.get("events"), whole(timeout)),
        }
        condition = {"Condition": said["condition"]} if isinstance(said.get("condition"), str) else {}
        held = {name: value for name, value in properties.items() if value is not None}
        memory_mb, timeout_s = serverless_defaults()
        defaults = {DEFAULTS: {"memory_mb": memory_mb, "timeout_s": timeout_s}}
        return {"Type": "AWS::Serverless::Function", "Properties": held, **condition, **defaults}

    def _extend(self, made: dict[str, Any], more: Any, id_: str) -> None:
        """Let what ``resources`` say of a function's own resource stand before what the framework makes of it."""
        properties = at(more, "Properties")
        for name, held in properties.items() if isinstance(properties, dict) else ():
            known = made["Properties"].get(name)
            both = isinstance(known, dict) and isinstance(held, dict) and not is_unresolved(held)
            made["Properties"][name] = {**known, **held} if both else held
            self.given[id_].pop(_SETTINGS.get(name, ""), None)

    def _asynchronous(self, said: dict[str, Any]) -> dict[str, Any] | None:
        destinations = {
            name: {"Destination": self._destination(held)}
            for key, name in (("onSuccess", "OnSuccess"), ("onFailure", "OnFailure"))
            if (held := at(said, "destinations", key))
        }
        config = {
            "MaximumRetryAttempts": said.get("maximumRetryAttempts"),
            "MaximumEventAgeInSeconds": said.get("maximumEventAge"),
            "DestinationConfig": destinations or None,
        }
        return {name: value for name, value in config.items() if value is not None} or None

    def _destination(self, said: Any) -> Any:
        """Return what a destination names: a function of the service by its key, or anything by its ARN."""
        said = said.get("arn", said) if isinstance(said, dict) else said
        return (
            {"Fn::GetAtt": [self._ids[said], "Arn"]} if isinstance(said, str) and said in self._ids else said
        )

    def _machines(self, ids: dict[str, str]) -> dict[str, Any]:
        """Write the state machines of the plugin for Step Functions, which names functions by their key too."""
        machines = at(self._variables.resolved(self._data.get("stepFunctions")), "stateMachines")
        made = {}
        for name, said in machines.items() if isinstance(machines, dict) else ():
            definition = at(said, "definition")
            if isinstance(definition, dict):
                made[f"{clipped(name, 60)}StateMachine"] = {
                    "Type": "AWS::Serverless::StateMachine", "Properties": {"Definition": _by_id(definition, ids)},
                }  # fmt: skip
        return made

    def _authorizers(self, functions: dict[str, Any]) -> dict[str, Any]:
        """Write the functions of the service that authorize requests: named by events, or for all HTTP APIs."""
        named = at(self._provider, "httpApi", "authorizers")
        shared = named if isinstance(named, dict) else {}
        chosen: list[Any] = [said for said in shared.values() if isinstance(said, dict)]
        for function in functions.values():
            for event in items_of(at(function, "events")):
                for kind in ("http", "httpApi", "websocket"):
                    said = at(event, kind, "authorizer")
                    name = at(said, "name") if isinstance(said, dict) and "name" in said else said
                    if not (kind == "httpApi" and isinstance(name, str) and name in shared):
                        chosen.append({"functionName": name} if isinstance(name, str) else said)
        uris: dict[str, Any] = {}
        for one in chosen:
            name, arn = at(one, "functionName"), at(one, "arn") or at(one, "functionArn")
            if isinstance(name, str) and name in self._ids:
                uris[name] = {"Fn::GetAtt": [self._ids[name], "Arn"]}
            elif arn is not None:
                uris[str(arn)] = arn
        return {
            f"Authorizer{number}": {
                "Type": "AWS::ApiGateway::Authorizer",
                "Properties": {"AuthorizerUri": uri},
            }
            for number, uri in enumerate(uris.values(), start=1)
        }

    def _plugins(self) -> None:
        plugins = self._variables.resolved(self._data.get("plugins"))
        listed = at(plugins, "modules") or plugins
        for one in items_of(listed):
            if isinstance(one, str) and any(part in one for part in _MAKERS) and "step-functions" not in one:
                text = "may add functions or triggers; serverless package shows them"
                self._notes.not_modelled.append(Remark(f"plugin {clipped(one, 60)}", text))

    def _constructs(self) -> Constructs:
        said = self._variables.resolved(self._data.get("constructs"))
        found = constructs_of(said, self._provider.get("timeout"))
        for name in found.others:
            text = "may add functions; serverless package shows them"
            self._notes.not_modelled.append(Remark(f"construct {clipped(name, 60)}", text))
        return found


def _logical_id(key: str) -> str:
    """Name a function as its CloudFormation resource is named.

    Examples
    --------
    >>> _logical_id("resize-image_v2")
    'ResizeDashimageUnderscorev2LambdaFunction'
    """
    word = key.replace("-", "Dash").replace("_", "Underscore")
    return f"{word[:1].upper()}{word[1:]}{_ENDING}"


def _by_id(value: Any, ids: dict[str, str]) -> Any:
    if isinstance(value, list):
        return [_by_id(one, ids) for one in value]
    if not isinstance(value, dict):
        return value
    attribute = value.get("Fn::GetAtt")
    if len(value) == 1 and isinstance(attribute, list) and attribute and attribute[0] in ids:
        return {"Fn::GetAtt": [ids[attribute[0]], *attribute[1:]]}
    if len(value) == 1 and isinstance(value.get("Ref"), str) and value["Ref"] in ids:
        return {"Ref": ids[value["Ref"]]}
    return {key: _by_id(held, ids) for key, held in value.items()}
