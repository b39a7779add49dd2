"""SAM's Events of a function, and its function URL."""

from __future__ import annotations

from typing import Any, Final

from lambdasim.specs.schedules import UTC_NAMES
from lambdasim.templates.cloudformation.mappings import (
    BATCH,
    found_queue,
    mapping_source,
    resource_of,
    schedules_of,
    stand_in,
)
from lambdasim.templates.cloudformation.stack import Notes, Resource
from lambdasim.templates.cloudformation.values import flag, whole
from lambdasim.templates.found import FoundSource, Remark
from lambdasim.wording import clipped

_SIMPLE: Final = {
    "S3": "s3", "SNS": "sns", "EventBridgeRule": "eventbridge", "CloudWatchEvent": "eventbridge",
    "CloudWatchLogs": "async", "IoTRule": "async", "Cognito": "sdk", "AlexaSkill": "sdk", "ALB": "alb",
}  # fmt: skip
_STANDS: Final = {
    "WebSocket": ("api_gateway_websocket", ""),
    "CloudFront": ("sdk", "Lambda@Edge, which has prices of its own,"),
}
_POLLED: Final = {
    "SQS": ("sqs", "Queue"), "Kinesis": ("kinesis", "Stream"), "DynamoDB": ("dynamodb", "Stream"),
    "MSK": ("kafka", "Stream"), "SelfManagedKafka": ("kafka", "Topics"), "MQ": ("kinesis", "Broker"),
    "DocumentDB": ("kinesis", "Cluster"),
}  # fmt: skip


def sam_sources(resource: Resource, resources: dict[str, Resource], notes: Notes) -> list[FoundSource]:
    """Read what a SAM function says of what invokes it.

    Parameters
    ----------
    resource : Resource
        A function.
    resources : dict
        By id.
    notes : Notes

    Returns
    -------
    list of FoundSource
        In the order of the file.
    """
    sources = []
    events = resource.properties.get("Events")
    if events is not None and not isinstance(events, dict):
        notes.warnings.append(Remark(resource.id, "its Events are no mapping and were left out"))
    for name, event in events.items() if isinstance(events, dict) else ():
        kind = event.get("Type") if isinstance(event, dict) else None
        if not isinstance(kind, str):
            notes.warnings.append(
                Remark(resource.id, f"event {clipped(name, 60)} has no Type and was left out")
            )
            continue
        properties = event.get("Properties")
        sources.append(
            _event(kind, name, properties if isinstance(properties, dict) else {}, resource, resources, notes)
        )
    if resource.properties.get("FunctionUrlConfig"):
        sources.append(FoundSource("function_url", "function URL"))
    return sources


def _event(
    kind: str,
    name: str,
    properties: dict[str, Any],
    owner: Resource,
    resources: dict[str, Resource],
    notes: Notes,
) -> FoundSource:
    label = f"{clipped(kind, 40)} {clipped(name, 60)}"
    if kind in ("Api", "HttpApi"):
        waits_ms = whole(properties.get("TimeoutInMillis"))
        return FoundSource(
            "api_gateway_rest" if kind == "Api" else "api_gateway_http",
            label,
            integration_timeout_s=None if waits_ms is None else waits_ms / 1000,
            asynchronous=flag(properties.get("Async")),
        )
    if kind in _STANDS:
        type_, stands_for = _STANDS[kind]
        return FoundSource(type_, label, stands_for=stands_for)
    if kind in ("Schedule", "ScheduleV2"):
        return scheduled(
            label,
            properties,
            properties.get("Schedule") or properties.get("ScheduleExpression"),
            owner,
            notes,
        )
    if kind == "SNS" and (subscription := properties.get("SqsSubscription")):
        return _through_queue(label, subscription, resources)
    if kind in _POLLED:
        type_, key = _POLLED[kind]
        return mapping_source(type_, label, properties, resources, properties.get(key), stand_in(kind))
    if kind in _SIMPLE:
        return FoundSource(
            _SIMPLE[kind],
            label,
            enabled=properties.get("State") != "DISABLED",
            filtered=bool(properties.get("FilterPolicy")),
        )
    notes.not_modelled.append(
        Remark(owner.id, f"event {label}: its type is not known; an asynchronous call stands in")
    )
    return FoundSource("async", label)


def zoned(expression: str, zone: Any) -> str:
    """Write the time zone of a schedule behind it; nothing for UTC.

    Examples
    --------
    >>> zoned("cron(0 8 * * ? *)", "Europe/Berlin"), zoned("rate(1 hour)", "UTC")
    ('cron(0 8 * * ? *) Europe/Berlin', 'rate(1 hour)')
    """
    told = isinstance(zone, str) and bool(zone) and zone.upper() not in UTC_NAMES
    return f"{expression} {zone}" if told else expression


def scheduled(
    label: str, properties: dict[str, Any], expression: Any, owner: Resource, notes: Notes
) -> FoundSource:
    """Read a schedule: EventBridge's rule or Scheduler's, SAM's or CloudFormation's."""
    zone = properties.get("ScheduleExpressionTimezone")
    state = properties.get("State")
    enabled = flag(properties.get("Enabled"), True) and not (
        isinstance(state, str) and state.upper().startswith("DISABLED")
    )
    texts = tuple(zoned(text, zone) for text in schedules_of(expression))
    if not texts:
        notes.unresolved.append(Remark(owner.id, f"{label}: its schedule is known only to a deployment"))
    return FoundSource("schedule", label, schedules=texts, enabled=enabled)


def _through_queue(label: str, subscription: Any, resources: dict[str, Resource]) -> FoundSource:
    """Read an SNS event whose messages SAM leads through a queue that it makes."""
    said = subscription if isinstance(subscription, dict) else {}
    queue = said.get("QueueArn") or said.get("QueueUrl")
    return FoundSource(
        "sqs",
        f"{label} through a queue",
        batch_size=whole(said.get("BatchSize")) or BATCH["sqs"],
        enabled=flag(said.get("Enabled"), True),
        queue=found_queue(resource_of(queue, resources), queue),
    )
