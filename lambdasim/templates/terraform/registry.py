"""Modules of the Terraform registry that functions are made and called with, as their inputs describe them.

References
----------
terraform-aws-modules: lambda, sqs, sns, eventbridge, apigateway-v2, s3-bucket (notification), step-functions,
dynamodb-table; inputs and outputs (registry.terraform.io), seen 2026-11.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any, Final

from lambdasim.templates.terraform.nodes import Unknown, references_in
from lambdasim.templates.terraform.planned import planned_resource

_SOURCE: Final = re.compile(
    r"(?:^|/)terraform-aws-modules/(?P<name>[a-z0-9-]+)/aws(?://modules/(?P<part>[a-z0-9-]+))?/?$"
    r"|terraform-aws-modules/terraform-aws-(?P<git>[a-z0-9-]+?)(?:\.git)?(?://modules/(?P<gitpart>[a-z0-9-]+))?(?:\?|$)"
)
_SAME: Final = (
    "function_name", "memory_size", "timeout", "architectures", "runtime", "handler", "package_type", "image_uri",
    "reserved_concurrent_executions", "layers", "tags",
)  # fmt: skip
Made = dict[str, Any]
Maker = Callable[[dict[str, Any], str], Made]


def registry_module(source: str) -> Maker | None:
    """Return what makes resources of a call of a module that is known; None for any other source.

    Returns
    -------
    callable or None
        Of the call's evaluated inputs and its address; gives ``resources`` as a plan has them, and ``outputs``.

    Examples
    --------
    >>> registry_module("terraform-aws-modules/lambda/aws") is not None, registry_module("./own")
    (True, None)
    """
    match = None if source.startswith(".") else _SOURCE.search(source)
    if match is None:
        return None
    name = match["name"] or match["git"]
    return _MAKERS.get((name, match["part"] or match["gitpart"] or ""))


class _Call:
    """Collects what one call makes."""

    def __init__(self, given: dict[str, Any], address: str) -> None:
        self.given, self._address = given, address
        self.resources: list[dict[str, Any]] = []
        self.outputs: dict[str, Any] = {}

    def add(self, type_: str, name: str, **body: Any) -> str:
        """Make a resource, and return its address."""
        own = re.sub(r"[^A-Za-z0-9_-]", "-", name)
        address = f"{self._address}.{type_}.{own}"
        held = {key: value for key, value in body.items() if value is not None}
        self.resources.append(planned_resource(address, type_, own, held))
        return address

    def of(self, *names: str) -> dict[str, Any]:
        """Return the inputs of these names that are given."""
        return {name: self.given[name] for name in names if self.given.get(name) is not None}

    def each(self, name: str) -> Iterator[tuple[str, dict[str, Any]]]:
        """Give the mappings of an input by name."""
        held = self.given.get(name)
        for key, said in held.items() if isinstance(held, dict) else ():
            if isinstance(said, dict):
                yield str(key), said

    def is_on(self, name: str, default: bool) -> bool:
        """Return whether a switch is on."""
        said = self.given.get(name)
        return default if said is None or isinstance(said, Unknown) else said in (True, "true")

    def made(self) -> Made:
        """Return everything."""
        return {"resources": self.resources, "outputs": self.outputs}


def _ref(address: str, attribute: str) -> Unknown:
    return Unknown((f"{address}.{attribute}",))


def _function(given: dict[str, Any], address: str) -> Made:
    call = _Call(given, address)
    if not (call.is_on("create", True) and call.is_on("create_function", True)) or call.is_on(
        "create_layer", False
    ):
        return call.made()
    body = call.of(*_SAME)
    if given.get("environment_variables"):
        body["environment"] = [{"variables": given["environment_variables"]}]
    if isinstance(given.get("ephemeral_storage_size"), int):
        body["ephemeral_storage"] = [{"size": given["ephemeral_storage_size"]}]
    if given.get("snap_start"):
        body["snap_start"] = [{"apply_on": "PublishedVersions"}]
    if given.get("vpc_subnet_ids"):
        body["vpc_config"] = [{"subnet_ids": given["vpc_subnet_ids"]}]
    if given.get("dead_letter_target_arn"):
        body["dead_letter_config"] = [{"target_arn": given["dead_letter_target_arn"]}]
    own = f"{address}.aws_lambda_function.this[0]"
    call.resources.append(planned_resource(own, "aws_lambda_function", "this", body, 0))
    call.outputs = {
        f"lambda_function_{name}": _ref(own, attribute)
        for name, attribute in (
            ("arn", "arn"), ("name", "function_name"), ("invoke_arn", "invoke_arn"), ("qualified_arn", "qualified_arn"),
            ("arn_static", "arn"), ("version", "version"), ("qualified_invoke_arn", "invoke_arn"), ("url", "url"),
        )
    }  # fmt: skip
    _beside_function(call, _ref(own, "arn"))
    return call.made()


def _beside_function(call: _Call, function: Unknown) -> None:
    """Make what the module makes beside the function: mappings, permissions, a URL, settings of events."""
    for name, said in call.each("event_source_mapping"):
        blocks = {
            key: [said[key]]
            for key in ("scaling_config", "provisioned_poller_config", "destination_config")
            if isinstance(said.get(key), dict)
        }
        if said.get("destination_arn_on_failure"):
            blocks["destination_config"] = [
                {"on_failure": [{"destination_arn": said["destination_arn_on_failure"]}]}
            ]
        if said.get("filter_criteria"):
            blocks["filter_criteria"] = [{"filter": [{}]}]
        call.add("aws_lambda_event_source_mapping", name, **{**said, **blocks, "function_name": function})
    for name, said in call.each("allowed_triggers"):
        principal = said.get("principal") or f"{said.get('service', '')}.amazonaws.com"
        source = said.get("source_arn")
        call.add(
            "aws_lambda_permission", name, function_name=function, principal=principal, source_arn=source
        )
    if call.is_on("create_lambda_function_url", False):
        call.add("aws_lambda_function_url", "url", function_name=function)
    count = call.given.get("provisioned_concurrent_executions")
    if isinstance(count, int) and count > 0:
        call.add(
            "aws_lambda_provisioned_concurrency_config", "provisioned",
            function_name=function, provisioned_concurrent_executions=count,
        )  # fmt: skip
    if call.is_on("create_async_event_config", False):
        blocks = {
            key: [{"destination": call.given[f"destination_{key}"]}]
            for key in ("on_failure", "on_success")
            if call.given.get(f"destination_{key}")
        }
        settings = call.of("maximum_retry_attempts", "maximum_event_age_in_seconds")
        call.add(
            "aws_lambda_function_event_invoke_config", "events", function_name=function,
            destination_config=[blocks] if blocks else None, **settings,
        )  # fmt: skip


def _alias(given: dict[str, Any], address: str) -> Made:
    call = _Call(given, address)
    own = call.add("aws_lambda_alias", "alias", function_name=given.get("function_name"))
    call.outputs = {
        "lambda_alias_arn": _ref(own, "arn"), "lambda_alias_name": _ref(own, "name"),
        "lambda_alias_invoke_arn": _ref(own, "invoke_arn"),
    }  # fmt: skip
    _beside_function(call, _ref(own, "arn"))
    return call.made()


def _queue(given: dict[str, Any], address: str) -> Made:
    call = _Call(given, address)
    settings = call.of(
        "visibility_timeout_seconds",
        "fifo_queue",
        "message_retention_seconds",
        "delay_seconds",
        "redrive_policy",
    )
    if call.is_on("create_dlq", False) and "redrive_policy" not in settings:
        settings["redrive_policy"] = '{"maxReceiveCount":5}'
    redrive = settings.get("redrive_policy")
    if isinstance(redrive, dict):
        receives = redrive.get("maxReceiveCount", 5)
        settings["redrive_policy"] = f'{{"maxReceiveCount":{receives if isinstance(receives, int) else 5}}}'
    own = call.add("aws_sqs_queue", "this", **settings)
    for name in ("queue_arn", "queue_arn_static", "sqs_queue_arn", "this_sqs_queue_arn"):
        call.outputs[name] = _ref(own, "arn")
    for name in ("queue_id", "queue_url", "sqs_queue_id"):
        call.outputs[name] = _ref(own, "url")
    if call.is_on("create_dlq", False):
        dead = call.add("aws_sqs_queue", "dlq")
        call.outputs |= {
            "dead_letter_queue_arn": _ref(dead, "arn"),
            "dead_letter_queue_url": _ref(dead, "url"),
        }
    return call.made()


def _topic(given: dict[str, Any], address: str) -> Made:
    call = _Call(given, address)
    topic = Unknown((f"{address}.aws_sns_topic.this.arn",))
    call.outputs = {"topic_arn": topic, "sns_topic_arn": topic, "topic_id": topic}
    for name, said in call.each("subscriptions"):
        call.add(
            "aws_sns_topic_subscription", name, topic_arn=topic, protocol=said.get("protocol"),
            endpoint=said.get("endpoint"), filter_policy=said.get("filter_policy"),
        )  # fmt: skip
    return call.made()


def _rules(given: dict[str, Any], address: str) -> Made:
    call = _Call(given, address)
    targets = given.get("targets")
    for name, said in call.each("rules"):
        rule = call.add(
            "aws_cloudwatch_event_rule", name, schedule_expression=said.get("schedule_expression"),
            event_pattern=said.get("event_pattern"), state=said.get("state"), is_enabled=said.get("enabled"),
        )  # fmt: skip
        held = targets.get(name) if isinstance(targets, dict) else None
        for place, target in enumerate(held if isinstance(held, list) else []):
            if isinstance(target, dict):
                call.add(
                    "aws_cloudwatch_event_target",
                    f"{name}-{place}",
                    rule=_ref(rule, "name"),
                    arn=target.get("arn"),
                )
    for name, said in call.each("schedules"):
        call.add(
            "aws_scheduler_schedule", name, schedule_expression=said.get("schedule_expression"),
            schedule_expression_timezone=said.get("timezone") or said.get("schedule_expression_timezone"),
            state=said.get("state"), target=[{"arn": said.get("arn"), "input": said.get("input")}],
        )  # fmt: skip
    for name, said in call.each("pipes"):
        call.add(
            "aws_pipes_pipe", name, source=said.get("source"), target=said.get("target"),
            enrichment=said.get("enrichment"), desired_state=said.get("desired_state"),
        )  # fmt: skip
    return call.made()


def _http_api(given: dict[str, Any], address: str) -> Made:
    call = _Call(given, address)
    api = call.add(
        "aws_apigatewayv2_api", "this", protocol_type=given.get("protocol_type", "HTTP"), body=given.get("body"),
        target=given.get("target"),
    )  # fmt: skip
    for kind in ("routes", "integrations"):
        for name, said in call.each(kind):
            inner = said.get("integration")
            held = inner if isinstance(inner, dict) else said
            uri = held.get("uri") or held.get("lambda_arn") or held.get("integration_uri")
            if references_in(uri) or isinstance(uri, str):
                call.add(
                    "aws_apigatewayv2_integration", f"{kind}-{name}", api_id=_ref(api, "id"), integration_uri=uri,
                    timeout_milliseconds=held.get("timeout_milliseconds"),
                )  # fmt: skip
    return call.made()


def _notification(given: dict[str, Any], address: str) -> Made:
    call = _Call(given, address)
    blocks = [
        {"lambda_function_arn": said.get("function_arn"), "events": said.get("events")}
        for _, said in call.each("lambda_notifications")
    ]
    call.add("aws_s3_bucket_notification", "this", lambda_function=blocks)
    return call.made()


def _machine(given: dict[str, Any], address: str) -> Made:
    call = _Call(given, address)
    own = call.add("aws_sfn_state_machine", "this", definition=given.get("definition"))
    call.outputs = {"state_machine_arn": _ref(own, "arn")}
    return call.made()


def _table(given: dict[str, Any], address: str) -> Made:
    call = _Call(given, address)
    own = call.add("aws_dynamodb_table", "this")
    call.outputs = {
        "dynamodb_table_stream_arn": _ref(own, "stream_arn"), "dynamodb_table_arn": _ref(own, "arn"),
        "dynamodb_table_id": _ref(own, "id"),
    }  # fmt: skip
    return call.made()


_MAKERS: Final[dict[tuple[str, str], Maker]] = {
    ("lambda", ""): _function, ("lambda", "alias"): _alias, ("sqs", ""): _queue, ("sns", ""): _topic,
    ("eventbridge", ""): _rules, ("apigateway-v2", ""): _http_api, ("s3-bucket", "notification"): _notification,
    ("step-functions", ""): _machine, ("dynamodb-table", ""): _table,
}  # fmt: skip
