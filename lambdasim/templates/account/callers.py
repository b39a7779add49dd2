"""What invokes the functions of an account: mappings, policies, rules, schedules and URLs."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from lambdasim.templates.account.answers import Answers, Kind
from lambdasim.templates.account.arns import FunctionName, function_of
from lambdasim.templates.account.settings import without_settings
from lambdasim.templates.cloudformation.links.events import POLLED_ARNS
from lambdasim.templates.cloudformation.mappings import found_queue, mapping_source
from lambdasim.templates.cloudformation.sam_events import zoned
from lambdasim.templates.cloudformation.stack import Notes, Resource
from lambdasim.templates.cloudformation.values import at, items_of, whole
from lambdasim.templates.found import FoundFunction, FoundQueue, FoundSource, Remark
from lambdasim.wording import clipped

_PRINCIPALS: Final = {
    "apigateway": ("api_gateway_rest", "API"),
    "elasticloadbalancing": ("alb", "load balancer"),
    "s3": ("s3", "bucket"),
    "sns": ("sns", "topic"),
    "events": ("eventbridge", "rule"),
    "logs": ("async", "log subscription"),
    "iot": ("async", "IoT rule"),
    "ses": ("async", "SES rule"),
    "config": ("async", "Config rule"),
    "codecommit": ("async", "repository trigger"),
    "codepipeline": ("async", "pipeline"),
    "cloudformation": ("async", "CloudFormation"),
}
_EDGE: Final = ("edgelambda", "replicator")
_NOUNS: Final = {"sqs": "queue", "kinesis": "stream", "dynamodb": "table", "kafka": "topic"}
_OF_KINDS: Final = {
    "SelfManagedEventSource": ("kafka", ""),
    "DocumentDBEventSourceConfig": ("kinesis", "DocumentDB change streams"),
}


def with_callers(
    answers: Answers, functions: dict[str, FoundFunction], notes: Notes, region: str | None = None
) -> dict[str, FoundFunction]:
    """Tie functions to what invokes them.

    Parameters
    ----------
    answers : Answers
    functions : dict of str to FoundFunction
        By name.
    notes : Notes
        Is given what is tied to no function.
    region : str, optional
        Of the functions; one of the same name in another region is another.

    Returns
    -------
    dict of str to FoundFunction
        With their sources. A policy proves who may call, not that anyone does.
    """
    found = dict(functions)
    missing: dict[str, None] = {}

    def add(name: FunctionName | None, source: FoundSource) -> None:
        if name is None:
            return
        if name.name not in found or (region and name.region not in ("", region)):
            missing[name.name] = None
        elif source not in found[name.name].sources:
            found[name.name] = found[name.name].with_sources(source)

    for name, source in _mappings(answers, notes):
        add(name, source)
    rules = _rules(answers)
    for name, source in _policies(answers, rules, notes):
        add(name, source)
    for item in answers.of(Kind.URLS):
        add(function_of(item.data.get("FunctionArn")), FoundSource("function_url", "function URL"))
    for item in answers.of(Kind.SCHEDULE):
        expression, label = (
            item.data["ScheduleExpression"],
            f"schedule {clipped(item.data.get('Name', ''), 60)}".strip(),
        )
        enabled = item.data.get("State", "ENABLED") == "ENABLED"
        text = zoned(str(expression), item.data.get("ScheduleExpressionTimezone"))
        source = FoundSource("schedule", label, schedules=(text,), enabled=enabled)
        add(function_of(at(item.data, "Target", "Arn")), source)
    if missing:
        notes.warnings.append(without_settings(missing, "sources"))
    return found


def _mappings(answers: Answers, notes: Notes) -> Iterator[tuple[FunctionName | None, FoundSource]]:
    queues = _queues(answers)
    shards = _shards(answers)
    for item in answers.of(Kind.MAPPINGS):
        data = item.data
        arn = data.get("EventSourceArn")
        arn = arn if isinstance(arn, str) else ""
        type_, stands_for = _polled(data, arn)
        origin = arn.split("/stream/")[0].split("/consumer/")[0]
        name = (origin.rsplit(":", 1)[-1] if type_ == "sqs" else origin.rsplit("/", 1)[-1]) or "own cluster"
        label = f"{stands_for or _NOUNS[type_]} {clipped(name, 80)}"
        enabled = str(data.get("State", "Enabled")) not in ("Disabled", "Disabling", "Deleting")
        source = mapping_source(type_, label, {**data, "Enabled": enabled}, {}, arn, stands_for)
        if type_ == "sqs":
            source = replace(source, queue=queues.get(arn, FoundQueue(name, name.endswith(".fifo"))))
        elif origin in shards:
            source = replace(source, shards=shards[origin])
        name_of = function_of(data.get("FunctionArn")) or function_of(data.get("FunctionName"))
        if name_of is None:
            notes.warnings.append(
                Remark(clipped(item.file, 120), f"the mapping of {label} names no function")
            )
        yield name_of, source


def _polled(data: dict[str, Any], arn: str) -> tuple[str, str]:
    for key, polled in _OF_KINDS.items():
        if data.get(key):
            return polled
    for part, type_, stands_for in POLLED_ARNS:
        if part in arn:
            return type_, stands_for
    return ("kafka", "") if data.get("Topics") else ("kinesis", "another stream")


def _queues(answers: Answers) -> dict[str, FoundQueue]:
    queues = {}
    for item in answers.of(Kind.QUEUE):
        attributes = item.data["Attributes"]
        if not isinstance(attributes, dict) or not isinstance(attributes.get("QueueArn"), str):
            continue
        arn = attributes["QueueArn"]
        name = arn.rsplit(":", 1)[-1]
        resource = Resource(name, "AWS::SQS::Queue", attributes, {}, Path())
        queues[arn] = found_queue(resource, arn)
    return queues


def _shards(answers: Answers) -> dict[str, int]:
    shards = {}
    for item in answers.of(Kind.STREAM):
        for said in (item.data.get("StreamDescriptionSummary"), item.data.get("StreamDescription")):
            arn, number = at(said, "StreamARN"), whole(at(said, "OpenShardCount"))
            if number is None and isinstance(at(said, "Shards"), list):
                number = len(at(said, "Shards"))
            if isinstance(arn, str) and number:
                shards[arn] = number
    return shards


def _rules(answers: Answers) -> dict[str, tuple[str | None, bool]]:
    """Return schedule and state of each rule by its ARN, else by its name."""
    rules = {}
    for item in answers.of(Kind.RULES):
        expression = item.data.get("ScheduleExpression")
        said = (
            expression if isinstance(expression, str) and expression else None,
            item.data.get("State", "ENABLED") != "DISABLED",
        )
        # Rules of two buses may have one name, so it stands for a rule only where its ARN is not there.
        key = item.data.get("Arn") or item.data.get("Name")
        if isinstance(key, str):
            rules[key] = said
    return rules


def _policies(
    answers: Answers, rules: dict[str, tuple[str | None, bool]], notes: Notes
) -> Iterator[tuple[FunctionName | None, FoundSource]]:
    for item in answers.of(Kind.POLICY):
        text = item.data["Policy"]
        try:
            policy = json.loads(text) if isinstance(text, str) else text
        except (ValueError, RecursionError):
            notes.warnings.append(Remark(clipped(item.file, 120), "its Policy is no JSON; left out"))
            continue
        for statement in items_of(at(policy, "Statement")):
            if not isinstance(statement, dict) or statement.get("Effect", "Allow") != "Allow":
                continue
            name = next((one for one in map(function_of, items_of(statement.get("Resource"))) if one), None)
            for source in _of_statement(statement, rules):
                if isinstance(source, FoundSource):
                    yield name, source
                elif name is not None:
                    notes.not_modelled.append(Remark(name.name, source))


def _of_statement(
    statement: dict[str, Any], rules: dict[str, tuple[str | None, bool]]
) -> Iterator[FoundSource | str]:
    condition = statement.get("Condition")
    principal = statement.get("Principal")
    if at(condition, "StringEquals", "lambda:FunctionUrlAuthType") is not None:
        yield FoundSource("function_url", "function URL")
        return
    if at(condition, "Bool", "lambda:InvokedViaFunctionUrl") is not None:
        yield FoundSource("function_url", "function URL")
        return
    services = items_of(at(principal, "Service"))
    arn = _source_arn(condition)
    for service in services:
        word = str(service).split(".", 1)[0]
        if word in _EDGE:
            yield "Lambda@Edge has prices and limits of its own, which are not modelled"
            continue
        type_, noun = _PRINCIPALS.get(word, ("sdk", clipped(word, 40)))
        named = clipped(arn.rsplit("/", 1)[-1].rsplit(":", 1)[-1], 60) if arn and word != "apigateway" else ""
        label = f"{noun} {named}".strip()
        rule = rules.get(arn) or rules.get(arn.rsplit("/", 1)[-1]) if arn else None
        if type_ == "eventbridge" and rule is not None:
            schedule, enabled = rule
            if schedule is not None:
                yield FoundSource("schedule", label, schedules=(schedule,), enabled=enabled)
            else:
                yield FoundSource(type_, label, enabled=enabled)
            continue
        yield FoundSource(type_, label)
    if not services and (principal == "*" or at(principal, "AWS") is not None):
        yield FoundSource("sdk", "another principal")


def _source_arn(condition: Any) -> str:
    """Return the ARN that a statement is limited to; empty where there is none."""
    for test in condition.values() if isinstance(condition, dict) else ():
        if isinstance(test, dict):
            for key, value in test.items():
                if key.lower() == "aws:sourcearn":
                    return str(items_of(value)[0]) if items_of(value) else ""
    return ""
