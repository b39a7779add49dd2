"""The module of the Terraform registry that most functions are made with, as its inputs describe it.

References
----------
terraform-aws-modules/lambda/aws, inputs and outputs (registry.terraform.io), seen 2026-11.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, Final

from lambdasim.templates.terraform.nodes import Unknown, references_in

_SOURCE: Final = re.compile(
    r"^(registry\.terraform\.io/)?terraform-aws-modules/lambda/aws$|terraform-aws-lambda(\.git)?(//|\?|$)"
)
_SAME: Final = (
    "function_name", "memory_size", "timeout", "architectures", "runtime", "handler", "package_type", "image_uri",
    "reserved_concurrent_executions", "layers", "tags",
)  # fmt: skip
_OUTPUTS: Final = (
    "lambda_function_arn", "lambda_function_name", "lambda_function_invoke_arn", "lambda_function_qualified_arn",
    "lambda_function_arn_static", "lambda_function_version", "lambda_function_qualified_invoke_arn",
    "lambda_function_url",
)  # fmt: skip
Beside = tuple[list[dict[str, Any]], list[dict[str, Any]]]
Made = tuple[dict[str, Any], dict[str, Any], Beside]


def lambda_module(source: str) -> Callable[[dict[str, Any], str, str, Any], Made] | None:
    """Return what makes resources of a call of the module; None for any other source.

    Examples
    --------
    >>> lambda_module("terraform-aws-modules/lambda/aws") is not None, lambda_module("./own")
    (True, None)
    """
    return _made if _SOURCE.search(source) and not source.startswith(".") else None


def _made(given: dict[str, Any], address: str, call: str, index: Any) -> Made:
    if given.get("create") is False or given.get("create_function") is False:
        return {"resources": []}, {}, ([], [])
    values: dict[str, Any] = {
        key: given[key] for key in _SAME if key in given and not isinstance(given[key], Unknown)
    }
    variables = given.get("environment_variables")
    if isinstance(variables, dict):
        plain = {key: value for key, value in variables.items() if not isinstance(value, Unknown)}
        values["environment"] = [{"variables": {**{key: {} for key in variables}, **plain}}]
    if isinstance(given.get("ephemeral_storage_size"), int):
        values["ephemeral_storage"] = [{"size": given["ephemeral_storage_size"]}]
    if given.get("snap_start"):
        values["snap_start"] = [{"apply_on": "PublishedVersions"}]
    if given.get("vpc_subnet_ids"):
        values["vpc_config"] = [{}]
    if given.get("dead_letter_target_arn"):
        values["dead_letter_config"] = [{}]
    this = {
        "address": f"{address}.aws_lambda_function.this[0]", "type": "aws_lambda_function", "name": "this", "index": 0,
        "values": values,
    }  # fmt: skip
    configuration = {
        "resources": [{"type": "aws_lambda_function", "name": "this", "expressions": {
            "environment": [{"variables": {"references": list(references_in(variables))}}],
        }}],
        "outputs": {name: {"expression": {"references": ["aws_lambda_function.this[0]"]}} for name in _OUTPUTS},
    }  # fmt: skip
    planned = {"resources": [this]}
    return planned, configuration, _beside(given, call, index)


def _beside(given: dict[str, Any], call: str, index: Any) -> Beside:
    """Make what the module makes beside the function: mappings, permissions, a URL, provisioned concurrency."""
    planned: list[dict[str, Any]] = []
    configured: list[dict[str, Any]] = []
    place = "" if index is None else f'["{index}"]' if isinstance(index, str) else f"[{index}]"
    function = {"references": [f"{call}{place}.lambda_function_arn", call]}

    def add(type_: str, name: str, values: dict[str, Any], expressions: dict[str, Any]) -> None:
        own = re.sub(r"[^A-Za-z0-9_-]", "-", f"{call}{place}-{name}")
        known = {key: value for key, value in values.items() if not isinstance(value, Unknown)}
        planned.append({"address": f"{type_}.{own}", "type": type_, "name": own, "values": known})
        configured.append(
            {"type": type_, "name": own, "expressions": {"function_name": function, **expressions}}
        )

    for kind, type_ in (
        ("event_source_mapping", "aws_lambda_event_source_mapping"), ("allowed_triggers", "aws_lambda_permission"),
    ):  # fmt: skip
        held = given.get(kind)
        for name, said in held.items() if isinstance(held, dict) else ():
            if not isinstance(said, dict):
                continue
            values = dict(said)
            if kind == "allowed_triggers" and "principal" not in values:
                values["principal"] = f"{said.get('service', '')}.amazonaws.com"
            expressions = {key: {"references": list(references_in(value))} for key, value in said.items()}
            add(type_, str(name), values, expressions)
    if given.get("create_lambda_function_url") is True:
        add("aws_lambda_function_url", "url", {}, {})
    count = given.get("provisioned_concurrent_executions")
    if isinstance(count, int) and count > 0:
        values = {"provisioned_concurrent_executions": count}
        add("aws_lambda_provisioned_concurrency_config", "provisioned", values, {})
    return planned, configured
