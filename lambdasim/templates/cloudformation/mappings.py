"""Queues and streams that Lambda polls: settings of a mapping, in SAM's or CloudFormation's words, and of its queue."""

from __future__ import annotations

import json
from typing import Any, Final

from lambdasim.templates.cloudformation.stack import Resource
from lambdasim.templates.cloudformation.values import Open, at, edges_in, flag, items_of, texts_in, whole
from lambdasim.templates.found import FoundQueue, FoundSource

BATCH: Final = {"sqs": 10, "kinesis": 100, "dynamodb": 100, "kafka": 100}
_STANDS: Final = {"MQ": "Amazon MQ", "DocumentDB": "DocumentDB change streams"}


def mapping_source(
    type_: str,
    label: str,
    properties: dict[str, Any],
    resources: dict[str, Resource],
    source: Any,
    stands_for: str = "",
) -> FoundSource:
    """Read the settings of a mapping.

    Parameters
    ----------
    type_ : str
        ``sqs``, ``kinesis``, ``dynamodb`` or ``kafka``.
    label : str
    properties : dict
        Names are those of AWS::Lambda::EventSourceMapping, which SAM's events share.
    resources : dict
        By id.
    source : object
        What the mapping reads, evaluated.
    stands_for : str
        See ``FoundSource``.
    """
    pollers = properties.get("ProvisionedPollerConfig")
    origin = resource_of(source, resources)
    stream = origin
    if origin is not None and origin.type == "AWS::Kinesis::StreamConsumer":
        stream = resource_of(origin.properties.get("StreamARN"), resources)
    window = whole(properties.get("MaximumBatchingWindowInSeconds"))
    return FoundSource(
        type_,
        label,
        enabled=flag(properties.get("Enabled"), True),
        batch_size=whole(properties.get("BatchSize")) or BATCH[type_],
        window_s=window,
        maximum_concurrency=whole(at(properties, "ScalingConfig", "MaximumConcurrency")),
        minimum_pollers=whole(at(pollers, "MinimumPollers")),
        maximum_pollers=whole(at(pollers, "MaximumPollers")),
        partial_failures="ReportBatchItemFailures" in list(texts_in(properties.get("FunctionResponseTypes"))),
        parallelization=whole(properties.get("ParallelizationFactor")),
        shards=_shards(stream),
        on_demand=stream is not None
        and at(stream.properties, "StreamModeDetails", "StreamMode") == "ON_DEMAND",
        fan_out=stream is not origin or flag(properties.get("Consumer")),
        tumbling_s=whole(properties.get("TumblingWindowInSeconds")),
        retry_attempts=whole(properties.get("MaximumRetryAttempts")),
        record_age_s=whole(properties.get("MaximumRecordAgeInSeconds")),
        bisect=flag(properties.get("BisectBatchOnFunctionError")),
        on_failure=bool(at(properties, "DestinationConfig", "OnFailure")),
        filtered=bool(at(properties, "FilterCriteria", "Filters")),
        queue=found_queue(origin, source) if type_ == "sqs" else None,
        stands_for=stands_for,
    )


def stand_in(event: str) -> str:
    """Say in the file's words what a poller is that has no model of its own; empty where it has."""
    return _STANDS.get(event, "")


def resource_of(value: Any, resources: dict[str, Resource]) -> Resource | None:
    """Return the first resource that a value points to, by reference or by the name in an ARN; None outside the file."""
    for edge in edges_in(value):
        if edge.id in resources:
            return resources[edge.id]
    return None


def found_queue(queue: Resource | None, source: Any) -> FoundQueue:
    """Read an SQS queue's settings; a queue outside of the file is known by its name alone."""
    if queue is None or not queue.type.endswith("::Queue"):
        name = next((text.rsplit(":", 1)[-1] for text in texts_in(source)), "")
        return FoundQueue("" if isinstance(source, Open) else name, name.endswith(".fifo"))
    properties = queue.properties
    redrive = properties.get("RedrivePolicy")
    if isinstance(redrive, str):
        try:
            redrive = json.loads(redrive)
        except (ValueError, RecursionError):
            redrive = None
    return FoundQueue(
        queue.id,
        flag(properties.get("FifoQueue")),
        whole(properties.get("VisibilityTimeout")),
        whole(at(redrive, "maxReceiveCount")),
        whole(properties.get("MessageRetentionPeriod")),
        whole(properties.get("DelaySeconds")),
    )


def _shards(stream: Resource | None) -> int | None:
    if stream is None:
        return None
    if at(stream.properties, "StreamModeDetails", "StreamMode") == "ON_DEMAND":
        return None
    return whole(stream.properties.get("ShardCount"))


def schedules_of(value: Any) -> tuple[str, ...]:
    """Return the schedule expressions of a value, open parts as ``${...}``."""
    return tuple(
        one.text if isinstance(one, Open) else str(one)
        for one in items_of(value)
        if isinstance(one, str | Open)
    )
