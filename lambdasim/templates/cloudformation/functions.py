"""Functions of a template: their settings, whether SAM's or CloudFormation's words are used."""

from __future__ import annotations

import re
from typing import Any, Final

from lambdasim.catalog import limit
from lambdasim.templates.cloudformation.stack import Notes, Resource
from lambdasim.templates.cloudformation.values import Open, as_text, at, items_of, whole
from lambdasim.templates.found import FoundFunction, FoundProvisioned, Given, Remark, environment_bytes
from lambdasim.wording import clipped

SAM: Final = "AWS::Serverless::Function"
PLAIN: Final = "AWS::Lambda::Function"
TYPES: Final = (SAM, PLAIN)
DEFAULTS: Final = "lambdasim::Defaults"
"""Attribute of a function whose format has defaults of its own, by name of the setting."""
_ACCOUNT: Final = re.compile(r"(?<![0-9])[0-9]{12}(?![0-9])")
_SECRET: Final = re.compile(r"passw|secret|token|credential|api.?key|private.?key", re.IGNORECASE)
_UNMODELLED: Final = {
    "DurableConfig": "durable executions are not modelled; its runs are simulated as ordinary ones",
    "CapacityProviderConfig": "is simulated on demand; give managed_instances an instance_type to simulate it there",
    "TenancyConfig": "tenant isolation is not modelled",
    "FunctionScalingConfig": "scaling of managed instances is not modelled",
    "FileSystemConfigs": "a mounted file system has no effect",
}


def is_edge_function(resource: Resource) -> bool:
    """Return whether a resource is a Lambda function."""
    return resource.type in TYPES


def found_function(resource: Resource, notes: Notes) -> FoundFunction:
    """Read a function's own settings; what invokes it comes from elsewhere.

    Parameters
    ----------
    resource : Resource
    notes : Notes
        Is given what cannot be resolved or is not modelled.

    Returns
    -------
    FoundFunction
    """
    properties = resource.properties
    if "Properties" not in resource.extra and not properties:
        notes.warnings.append(Remark(resource.id, "has no Properties"))
    given: dict[str, Given] = {}
    settings: dict[str, Any] = {}
    for key, name, fact in (
        ("MemorySize", "memory_mb", "memory_default_mb"),
        ("Timeout", "timeout_s", "timeout_default_s"),
    ):
        default = at(resource.extra, DEFAULTS, name) or limit(fact).value
        settings[name] = _number(resource, key, name, default, given, notes)
    settings["architecture"] = _architecture(resource, given, notes)
    image = _is_image(properties)
    runtime = properties.get("Runtime")
    reserved = whole(properties.get("ReservedConcurrentExecutions"))
    if isinstance(properties.get("ReservedConcurrentExecutions"), Open):
        _open(resource, "ReservedConcurrentExecutions", properties, notes, "none is taken")
    for key, text in _UNMODELLED.items():
        if properties.get(key):
            notes.not_modelled.append(Remark(resource.id, text))
    return FoundFunction(
        resource=resource.id,
        name=function_name(resource),
        runtime=runtime if isinstance(runtime, str) and not image else None,
        package_type="image" if image else "zip",
        ephemeral_mb=_ephemeral(resource, notes),
        layers=len(items_of(properties.get("Layers"))),
        vpc=bool(at(properties, "VpcConfig", "SubnetIds") or at(properties, "VpcConfig", "SecurityGroupIds")),
        snap_start=at(properties, "SnapStart", "ApplyOn") == "PublishedVersions",
        environment_bytes=environment_bytes(_variables(properties)),
        reserved_concurrency=reserved,
        provisioned=_provisioned(resource, notes),
        tags=_tags(properties.get("Tags")),
        given=given,
        **settings,
        **_asynchronous(properties),
    )


def function_name(resource: Resource) -> str:
    """Name a function: as the template says, else by CDK's path, else by its logical id."""
    name = resource.properties.get("FunctionName")
    if isinstance(name, str) and name.strip():
        return _ACCOUNT.sub("", name.rsplit(":", 1)[-1]) or resource.id
    path = resource.metadata.get("aws:cdk:path")
    if isinstance(path, str) and path.count("/") >= 1:
        inner = [part for part in path.split("/")[1:] if part not in ("Resource", "Default")]
        if inner:
            return "-".join(inner)
    return resource.id


def _number(
    resource: Resource, key: str, name: str, default: int, given: dict[str, Given], notes: Notes
) -> int:
    said = resource.properties.get(key)
    number = whole(said)
    if number is not None:
        return number
    if said is None:
        given[name] = Given.DEFAULT
    else:
        given[name] = Given.ASSUMED
        if isinstance(said, Open):
            _open(resource, key, resource.properties, notes, f"{default} is taken")
        else:
            text = f"{key} {clipped(as_text(said), 40)} is no whole number; {default} is taken"
            notes.warnings.append(Remark(resource.id, text))
    return default


def _open(resource: Resource, key: str, properties: dict[str, Any], notes: Notes, taken: str) -> None:
    value = properties[key]
    waits = value.why if isinstance(value, Open) and value.why else "a deployment"
    notes.unresolved.append(Remark(resource.id, f"{key} comes from {waits}; {taken}"))


def _architecture(resource: Resource, given: dict[str, Given], notes: Notes) -> str:
    said = resource.properties.get("Architectures")
    first = items_of(said)[0] if items_of(said) else None
    if isinstance(first, str) and first.lower() in ("arm64", "x86_64"):
        return first.lower()
    if first is None:
        given["architecture"] = Given.DEFAULT
    elif isinstance(first, Open):
        given["architecture"] = Given.ASSUMED
        _open(resource, "Architectures", {"Architectures": first}, notes, "x86_64 is taken")
    else:
        given["architecture"] = Given.ASSUMED
        text = f"architecture {clipped(as_text(first), 40)} is neither x86_64 nor arm64; x86_64 is used"
        notes.warnings.append(Remark(resource.id, text))
    return "x86_64"


def _is_image(properties: dict[str, Any]) -> bool:
    code = properties.get("Code")
    has_uri = isinstance(code, dict) and bool(code.get("ImageUri"))
    return properties.get("PackageType") == "Image" or bool(properties.get("ImageUri")) or has_uri


def _ephemeral(resource: Resource, notes: Notes) -> int:
    default = limit("ephemeral_default_mb").value
    said = at(resource.properties, "EphemeralStorage", "Size")
    number = whole(said)
    if number is None and isinstance(said, Open):
        _open(resource, "Size", {"Size": said}, notes, f"{default} MB of /tmp are taken")
    return default if number is None else number


def _variables(properties: dict[str, Any]) -> dict[str, object]:
    variables = at(properties, "Environment", "Variables")
    return variables if isinstance(variables, dict) else {}


def _provisioned(resource: Resource, notes: Notes) -> tuple[FoundProvisioned, ...]:
    said = at(resource.properties, "ProvisionedConcurrencyConfig", "ProvisionedConcurrentExecutions")
    number = whole(said)
    if number is not None:
        return (FoundProvisioned(number),) if number > 0 else ()
    if isinstance(said, Open):
        _open(
            resource,
            "ProvisionedConcurrentExecutions",
            {"ProvisionedConcurrentExecutions": said},
            notes,
            "none is taken",
        )
    return ()


def _asynchronous(properties: dict[str, Any]) -> dict[str, Any]:
    """Read what happens to asynchronous events: SAM's EventInvokeConfig, and either dead-letter key."""
    config = properties.get("EventInvokeConfig")
    said = event_settings(config if isinstance(config, dict) else {})
    dead = at(properties, "DeadLetterQueue", "TargetArn") or at(properties, "DeadLetterConfig", "TargetArn")
    if dead and "on_failure" not in said:
        said["on_failure"] = "dlq"
    return said


def event_settings(config: dict[str, Any]) -> dict[str, Any]:
    """Read retries, age and destination of asynchronous events, SAM's or CloudFormation's."""
    said: dict[str, Any] = {}
    for key, name in (
        ("MaximumRetryAttempts", "retry_attempts"),
        ("MaximumEventAgeInSeconds", "max_event_age_s"),
    ):
        if (number := whole(config.get(key))) is not None:
            said[name] = number
    failed = at(config, "DestinationConfig", "OnFailure")
    if isinstance(failed, dict) and failed:
        said["on_failure"] = "destination"
    return said


def _tags(said: Any) -> tuple[tuple[str, str], ...]:
    """Read tags as a mapping or a list; those with an account id, an open value or a secret's name are left out."""
    pairs = (
        said.items()
        if isinstance(said, dict)
        else [(one.get("Key"), one.get("Value")) for one in items_of(said) if isinstance(one, dict)]
    )
    return tuple(
        (key, as_text(value))
        for key, value in pairs
        if isinstance(key, str)
        and isinstance(value, str | int | bool)
        and not _SECRET.search(key)
        and not _ACCOUNT.search(f"{key} {as_text(value)}")
    )
