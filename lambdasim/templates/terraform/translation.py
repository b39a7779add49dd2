"""Terraform's resources as CloudFormation's, with edges for what expressions refer to."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, Final

from lambdasim.templates.cloudformation.stack import Resource
from lambdasim.templates.cloudformation.values import Edge, Open, at
from lambdasim.templates.terraform.modules import Configuration, Target, TfResource, without_indices
from lambdasim.templates.terraform.nodes import placeholder
from lambdasim.templates.terraform.vocabulary import (
    GENERAL,
    SIMPLE,
    block,
    decoded,
    function_properties,
    mapping_blocks,
)
from lambdasim.wording import clipped

_FUNCTION: Final = "aws_lambda_function"
_FUNCTIONS: Final = (_FUNCTION, "awscc_lambda_function")
_ARNS: Final = ("arn", "stream_arn", "id", "url", "invoke_arn", "qualified_arn", "execution_arn")
_MODULE: Final = re.compile(r"module\.([A-Za-z0-9_-]+)((?:\[[^\]]*\])?)")
_INDICES: Final = re.compile(r"\[[^\]]*\]")
_INTEGRATION: Final = "x-amazon-apigateway-integration"
_UNKNOWN: Final = "terraform apply"


class Translation:
    """Writes Terraform's resources in CloudFormation's words, with edges for what expressions refer to.

    Parameters
    ----------
    resources : list of TfResource
    configuration : Configuration
    """

    def __init__(self, resources: list[TfResource], configuration: Configuration) -> None:
        self._all = resources
        self._configuration = configuration
        self.functions = [one for one in resources if one.type in _FUNCTIONS]
        self._by_name: defaultdict[tuple[str, str, str], list[TfResource]] = defaultdict(list)
        self._by_arn: dict[str, str] = {}
        self._by_kind: defaultdict[str, list[TfResource]] = defaultdict(list)
        for one in resources:
            self._by_name[without_indices(one.module), one.type, one.name].append(one)
            self._by_kind[one.type].append(one)
            for key in _ARNS:
                said = one.values.get(key)
                if isinstance(said, str) and len(said) > 3:
                    self._by_arn.setdefault(said, one.address)

    def resources(self) -> list[Resource]:
        """Return every resource that matters."""
        translated: list[Resource] = []
        handlers: dict[str, Callable[[TfResource], Resource | None]] = {
            **dict.fromkeys(_FUNCTIONS, self._function),
            "aws_s3_bucket_notification": self._bucket,
            "aws_cloudwatch_event_target": self._rule,
            "aws_scheduler_schedule": self._schedule, "aws_api_gateway_integration": self._method,
            "aws_lb_target_group_attachment": self._attachment, "aws_alb_target_group_attachment": self._attachment,
            "aws_pipes_pipe": self._pipe, "aws_lambda_provisioned_concurrency_config": self._provisioned,
        }  # fmt: skip
        for one in self._all:
            if one.type in handlers:
                made = handlers[one.type](one)
            elif one.type in SIMPLE:
                made = self._simple(one)
            elif one.type in GENERAL:
                made = self._made(one, GENERAL[one.type], {"Any": self._everything(one)})
            else:
                made = None
            if made is not None:
                translated.append(made)
        return translated

    def _made(self, one: TfResource, type_: str, properties: dict[str, Any]) -> Resource:
        held = {key: value for key, value in properties.items() if value is not None}
        return Resource(one.address, type_, held, {}, Path())

    def _value(self, one: TfResource, *path: str) -> Any:
        """Return an attribute: its value with edges to what its ARN belongs to, or open with what it refers to."""
        value: Any = one.values
        for key in path:
            value = block(value, key) if key != path[-1] and isinstance(value, dict) else at(value, key)
        if isinstance(value, str) and value:
            address = self._by_arn.get(value)
            return value if address is None else Open(value, (Edge(address),))
        if value not in (None, [], {}) and not isinstance(value, dict):
            return value
        edges = self._edges(one, self._configuration.targets(one, *path))
        unknown = at(one.unknown, path[0]) is not None and at(one.unknown, path[0]) is not False
        if edges or (value is None and unknown and len(path) == 1):
            waits = at(one.unknown, path[0])
            why = "" if edges else waits if isinstance(waits, str) else _UNKNOWN
            return Open("${" + clipped(".".join(path), 60) + "}", edges, why)
        return value

    def _edges(self, one: TfResource, targets: Iterable[Target]) -> tuple[Edge, ...]:
        """Return the instances that references mean: of the same index and module where there are such."""
        found: dict[Edge, None] = {}
        for target in targets:
            candidates = self._by_name.get((without_indices(target.module), target.type, target.name), [])
            index = target.index if target.index is not None else one.index
            places = _places(target.module, one)
            for chosen in (
                [held for held in candidates if held.index == index and held.module in places],
                [held for held in candidates if held.index == index and index is not None],
                [held for held in candidates if held.module in places],
                candidates,
            ):
                if chosen:
                    found |= dict.fromkeys(Edge(held.address) for held in chosen)
                    break
        return tuple(found)

    def _everything(self, one: TfResource) -> list[Any]:
        """Return edges to all that a resource's expressions refer to, and its texts that hold an ARN."""
        edges = self._edges(one, self._configuration.targets(one))
        texts: list[Any] = [Open("", edges)] if edges else []
        stack: list[Any] = [one.values]
        while stack:
            value = stack.pop()
            if isinstance(value, dict):
                stack.extend(reversed(value.values()))
            elif isinstance(value, list):
                stack.extend(reversed(value))
            elif isinstance(value, str) and ":function:" in value:
                texts.append(value)
        return texts

    def _function(self, one: TfResource) -> Resource:
        properties = function_properties(one.values)
        for key, name in (
            ("memory_size", "MemorySize"),
            ("timeout", "Timeout"),
            ("architectures", "Architectures"),
            ("reserved_concurrent_executions", "ReservedConcurrentExecutions"),
        ):
            waits = one.unknown.get(key)
            if name not in properties and (
                (waits is True and key != "architectures") or isinstance(waits, str)
            ):
                properties[name] = Open(f"${{{key}}}", (), waits if isinstance(waits, str) else _UNKNOWN)
        variables = properties["Environment"]["Variables"]
        called = self._edges(one, self._configuration.targets(one, "environment"))
        if called:
            properties["Environment"] = {"Variables": {**variables, "": Open("", called)}}
        if not isinstance(properties.get("FunctionName"), str):
            properties["FunctionName"] = _short_name(one)
        made = self._made(one, "AWS::Lambda::Function", properties)
        return made

    def _simple(self, one: TfResource) -> Resource:
        type_, names = SIMPLE[one.type]
        properties = {name: self._value(one, key) for key, name in names.items()}
        if one.type == "aws_lambda_event_source_mapping":
            properties |= mapping_blocks(one.values)
        elif one.type == "aws_lambda_function_event_invoke_config":
            properties["DestinationConfig"] = {
                name: {"Destination": self._destination(one, key)}
                for key, name in (("on_success", "OnSuccess"), ("on_failure", "OnFailure"))
                if block(one.values, "destination_config").get(key)
            }
        elif one.type in ("aws_api_gateway_rest_api", "aws_apigatewayv2_api"):
            properties["Body"] = self._body(one)
        elif one.type == "aws_sfn_state_machine" and one.expressions is not None:
            properties["DefinitionString"] = one.values.get("definition")
            properties["DefinitionSubstitutions"] = self._substitutions(one, "definition")
        elif one.type == "aws_kinesis_stream":
            mode = block(one.values, "stream_mode_details").get("stream_mode")
            properties["StreamModeDetails"] = {"StreamMode": mode}
        elif one.type == "aws_sqs_queue":
            properties["RedrivePolicy"] = self._redrive(one)
        elif one.type == "aws_appautoscaling_target":
            properties["ScheduledActions"] = self._scheduled_actions(one)
        elif one.type == "aws_appautoscaling_policy" and _is_tracking(one.values):
            properties["TargetTrackingScalingPolicyConfiguration"] = {
                "Metric": "LambdaProvisionedConcurrency"
            }
        return self._made(one, type_, properties)

    def _substitutions(self, one: TfResource, key: str) -> dict[str, Open]:
        """Return what stands in a text for each reference of it, with edges to what is referred to."""
        found: dict[str, Open] = {}
        for reference, targets in self._configuration.by_reference(one, key):
            edges = self._edges(one, targets)
            found[placeholder(reference)[2:-1]] = Open("".join(f"${{{edge.id}}}" for edge in edges), edges)
        return found

    def _destination(self, one: TfResource, key: str) -> Any:
        said = block(block(one.values, "destination_config"), key).get("destination")
        edges = self._edges(one, self._configuration.targets(one, "destination_config", key, "destination"))
        return said if isinstance(said, str) and not edges else Open("", edges) if edges else "destination"

    def _body(self, one: TfResource) -> Any:
        body = decoded(one.values.get("body"))
        if isinstance(body, dict):
            return body if one.expressions is None else _with_edges(body, self._substitutions(one, "body"))
        edges = self._edges(one, self._configuration.targets(one, "body"))
        return {_INTEGRATION: {"uri": Open("", edges)}} if edges else None

    def _redrive(self, one: TfResource) -> Any:
        policy = decoded(one.values.get("redrive_policy"))
        for other in self._by_kind["aws_sqs_queue_redrive_policy"]:
            url = self._value(other, "queue_url")
            if isinstance(url, Open) and Edge(one.address) in url.edges:
                policy = decoded(other.values.get("redrive_policy")) or {"maxReceiveCount": None}
        return policy if isinstance(policy, dict) else None

    def _scheduled_actions(self, one: TfResource) -> list[Any]:
        actions = []
        for other in self._by_kind["aws_appautoscaling_scheduled_action"]:
            said = self._value(other, "resource_id")
            edges = said.edges if isinstance(said, Open) else ()
            if Edge(one.address) in edges or (said == one.values.get("resource_id") and said is not None):
                least = block(other.values, "scalable_target_action").get("min_capacity")
                actions.append(
                    {"Schedule": other.values.get("schedule"), "ScalableTargetAction": {"MinCapacity": least}}
                )
        return actions

    def _bucket(self, one: TfResource) -> Resource:
        blocks = one.values.get("lambda_function")
        said = (
            [held.get("lambda_function_arn") for held in blocks if isinstance(held, dict)]
            if isinstance(blocks, list)
            else []
        )
        known = [text for text in said if isinstance(text, str)]
        edges = self._edges(one, self._configuration.targets(one, "lambda_function", "lambda_function_arn"))
        targets = [*known, *([Open("", (edge,)) for edge in edges] if not known else [])]
        configuration = {"LambdaConfigurations": [{"Function": target} for target in targets]}
        return self._made(one, "AWS::S3::Bucket", {"NotificationConfiguration": configuration})

    def _rule(self, one: TfResource) -> Resource:
        rule = self._rule_of(one)
        values = rule.values if rule is not None else {}
        enabled = values.get("is_enabled")
        state = values.get("state") or ("DISABLED" if enabled is False else None)
        schedule = None if rule is None else self._value(rule, "schedule_expression") or None
        pattern = values.get("event_pattern") or schedule is None or None
        properties = {
            "ScheduleExpression": schedule,
            "EventPattern": pattern,
            "State": state,
            "Targets": [{"Arn": self._value(one, "arn")}],
        }
        return self._made(one, "AWS::Events::Rule", properties)

    def _rule_of(self, one: TfResource) -> TfResource | None:
        rules = self._by_kind["aws_cloudwatch_event_rule"]
        edges = self._edges(one, self._configuration.targets(one, "rule"))
        for rule in rules:
            if Edge(rule.address) in edges:
                return rule
        name = one.values.get("rule")
        return next(
            (rule for rule in rules if name in (rule.values.get("name"), rule.values.get("id")) and name),
            None,
        )

    def _schedule(self, one: TfResource) -> Resource:
        target = block(one.values, "target")
        properties = {
            "ScheduleExpression": self._value(one, "schedule_expression"),
            "ScheduleExpressionTimezone": one.values.get("schedule_expression_timezone"),
            "State": one.values.get("state"),
            "Target": {"Arn": self._value(one, "target", "arn"), "Input": target.get("input")},
        }
        return self._made(one, "AWS::Scheduler::Schedule", properties)

    def _method(self, one: TfResource) -> Resource:
        integration = {
            "Uri": self._value(one, "uri"),
            "TimeoutInMillis": one.values.get("timeout_milliseconds"),
            "RequestParameters": one.values.get("request_parameters"),
        }
        properties = {"Integration": integration, "HttpMethod": one.values.get("http_method")}
        return self._made(one, "AWS::ApiGateway::Method", properties)

    def _attachment(self, one: TfResource) -> Resource:
        return self._made(
            one,
            "AWS::ElasticLoadBalancingV2::TargetGroup",
            {"Targets": [{"Id": self._value(one, "target_id")}]},
        )

    def _pipe(self, one: TfResource) -> Resource:
        parameters: dict[str, Any] = {}
        for key, held in block(one.values, "source_parameters").items():
            first = held[0] if isinstance(held, list) and held and isinstance(held[0], dict) else {}
            if first and key.endswith("_parameters"):
                parameters[f"{key}Parameters"] = {"BatchSize": first.get("batch_size")}
        properties = {
            "Source": self._value(one, "source"), "Target": self._value(one, "target"),
            "Enrichment": self._value(one, "enrichment"), "DesiredState": one.values.get("desired_state"),
            "SourceParameters": parameters,
        }  # fmt: skip
        return self._made(one, "AWS::Pipes::Pipe", properties)

    def _provisioned(self, one: TfResource) -> Resource:
        count = one.values.get("provisioned_concurrent_executions")
        config = {"ProvisionedConcurrentExecutions": count}
        properties = {
            "FunctionName": self._value(one, "function_name"),
            "ProvisionedConcurrencyConfig": config,
        }
        return self._made(one, "AWS::Lambda::Alias", properties)


def _with_edges(value: Any, substitutions: dict[str, Open]) -> Any:
    """Put edges where the texts of a structure hold a placeholder."""
    if isinstance(value, list):
        return [_with_edges(one, substitutions) for one in value]
    if isinstance(value, dict):
        return {key: _with_edges(one, substitutions) for key, one in value.items()}
    if isinstance(value, str) and "${" in value:
        edges = [
            edge for name, held in substitutions.items() if f"${{{name}}}" in value for edge in held.edges
        ]
        return Open(clipped(value, 200), tuple(dict.fromkeys(edges)))
    return value


def _places(module: str, one: TfResource) -> tuple[str, ...]:
    """Return the addresses that a module's may mean where an index is not constant: those of the resource that asks."""
    indices = [
        *_INDICES.findall(one.module),
        *([] if one.index is None else [f'["{one.index}"]', f"[{one.index}]"]),
    ]
    return (module, *(f"{module}{index}" for index in indices if module))


def _is_tracking(values: dict[str, Any]) -> bool:
    return (
        values.get("service_namespace") == "lambda" and values.get("policy_type") == "TargetTrackingScaling"
    )


def _short_name(one: TfResource) -> str:
    """Name a function after its modules and its resource, where its name is known only to an apply."""
    parts = [f"{name}{index}" for name, index in _MODULE.findall(one.module)]
    own = "" if parts and one.name in ("this", "main", "default") else one.name
    ending = f"-{one.index}" if one.index is not None and (own or len(one.index) > 1) else ""
    return "-".join(part for part in (*parts, own) if part) + ending or one.address
