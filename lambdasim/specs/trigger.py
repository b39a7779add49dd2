"""What invokes a function, and who tries again."""

from __future__ import annotations

from collections.abc import Iterator
from enum import StrEnum
from typing import Annotated, Any, Final

from pydantic import Field

from lambdasim.catalog import InvocationKind, limit, retry_rule, timing
from lambdasim.specs.base import CrossFault, Spec
from lambdasim.specs.callers.clients import Repeats, RetryMode, ThrottleSpec
from lambdasim.specs.callers.delivery import DeliverySpec
from lambdasim.specs.fields import Limited, PositiveDuration, Text, Whole
from lambdasim.specs.sources.queue import QueueSpec
from lambdasim.specs.sources.stream import StreamSpec
from lambdasim.units import format_duration


class TriggerType(StrEnum):
    """Where events come from."""

    API_GATEWAY_REST = "api_gateway_rest"
    API_GATEWAY_HTTP = "api_gateway_http"
    API_GATEWAY_WEBSOCKET = "api_gateway_websocket"
    FUNCTION_URL = "function_url"
    ALB = "alb"
    SDK = "sdk"
    S3 = "s3"
    SNS = "sns"
    EVENTBRIDGE = "eventbridge"
    SCHEDULE = "schedule"
    ASYNC = "async"
    SQS = "sqs"
    KINESIS = "kinesis"
    DYNAMODB = "dynamodb"
    KAFKA = "kafka"


_DELIVERED: Final = (TriggerType.EVENTBRIDGE, TriggerType.SCHEDULE, TriggerType.SNS)


class OnFailure(StrEnum):
    """Where an asynchronous event goes that was given up."""

    NONE = "none"
    DLQ = "dlq"
    DESTINATION = "destination"


def _with_defaults_of_kafka(stream: dict[str, Any]) -> dict[str, Any]:
    """Give a topic what AWS's mappings of Kafka, and its brokers, have by default."""
    given = dict(stream)
    if "partitions" in given and "shards" not in given:
        given["shards"] = given.pop("partitions")
    for key, value in (
        ("batch_window", f"{timing('kafka_window_ms').value}ms"),
        ("retention", f"{timing('kafka_retention_s').value}s"),
    ):
        if not {key, f"{key}_us"} & set(given):
            given[key] = value
    return given


class TriggerSpec(Spec):
    """What invokes a function."""

    type: TriggerType = TriggerType.SDK
    """Where events come from; decides who retries."""
    integration_timeout_us: PositiveDuration | None = Field(default=None, alias="integration_timeout")
    """After this time API Gateway answers 504 while the function goes on; REST, HTTP and WebSocket APIs only."""
    read_timeout_us: PositiveDuration | None = Field(default=None, alias="read_timeout")
    """After this time a client gives a call up, while the function goes on, and may make it again (repeats); default 60s
    for a trigger of type sdk that is written down, and for ever else."""
    client_retries: Annotated[Whole, Field(ge=0, le=100)] | None = None
    """How often a client repeats a call, whatever for (repeats); default: as retry_mode says, 2 for the SDK, else 0."""
    retry_mode: RetryMode | None = None
    """How an SDK, or a client behind a gateway that is one, repeats calls: standard, standard_before_2026, legacy,
    adaptive."""
    repeats: tuple[Repeats, ...] | None = None
    """What a client repeats a call for: throttled, unanswered, failed; default: the first two for the SDK, else the
    first."""
    client_processes: Annotated[Whole, Field(ge=1, le=100_000)] | None = None
    """Processes that call, each with a retry quota of its own, as in standard mode: 500 tokens, of which each repeat
    takes some and each answer gives some back. Default: as many as calls, so that no quota is ever used up."""
    throttle: ThrottleSpec | None = None
    """What the API's stage, route or usage plan lets through; what is above gets a 429 and never reaches the function."""
    retry_attempts: Annotated[Whole, Limited("async_error_retries_min", "async_error_retries_max")] | None = (
        None
    )
    """Lambda's retries after a failed asynchronous run; default 2."""
    max_event_age_us: PositiveDuration | None = Field(default=None, alias="max_event_age")
    """Age at which an asynchronous event is dropped; default 6 h."""
    on_failure: OnFailure = OnFailure.NONE
    """Where an asynchronous event goes that was given up."""
    delivery: DeliverySpec | None = None
    """When EventBridge, its Scheduler or SNS cannot deliver into Lambda's queue, and how they try again."""
    events_of: Text | None = None
    """Another function that the same events reach: a subscription of the same SNS topic, a rule of the same bus. They are
    published, and on the bill, once, with that function; both need the same traffic."""
    queue: QueueSpec | None = None
    """The queue of a trigger of type sqs, and how it is polled."""
    stream: StreamSpec | None = None
    """The stream of a trigger of type kinesis or dynamodb, or the topic of one of type kafka, whose shards are its
    partitions, and how it is read."""

    @classmethod
    def prepared(cls, data: dict[str, Any]) -> dict[str, Any]:
        """Give a queue, a stream or an SDK its defaults where nothing is said of it."""
        if data.get("type") == TriggerType.SDK.value and not {"read_timeout", "read_timeout_us"} & set(data):
            data = {**data, "read_timeout": f"{timing('sdk_read_timeout_s').value}s"}
        kinds = {"sqs": "queue", "kinesis": "stream", "dynamodb": "stream", "kafka": "stream"}
        kind = kinds.get(data["type"]) if isinstance(data.get("type"), str) else None
        if kind is not None and kind not in data:
            data = {**data, kind: {}}
        if data.get("type") == TriggerType.KAFKA.value and isinstance(data.get("stream"), dict):
            data = {**data, "stream": _with_defaults_of_kafka(data["stream"])}
        return data

    @property
    def kind(self) -> InvocationKind:
        """How the trigger hands an event to the function."""
        return retry_rule(self.type.value).kind

    @property
    def keeps_pollers(self) -> bool:
        """Whether provisioned pollers are kept, which AWS Lambda charges for by the hour."""
        found = self.queue or self.stream
        return found is not None and found.provisioned_pollers is not None

    @property
    def is_synchronous(self) -> bool:
        """Whether the caller waits for the answer."""
        return self.kind is InvocationKind.SYNCHRONOUS

    @property
    def is_gateway(self) -> bool:
        """Whether it is an API of API Gateway."""
        return self.type in (
            TriggerType.API_GATEWAY_REST,
            TriggerType.API_GATEWAY_HTTP,
            TriggerType.API_GATEWAY_WEBSOCKET,
        )

    @property
    def is_polled(self) -> bool:
        """Whether pollers of a queue or a stream invoke the function."""
        return self.kind in (InvocationKind.QUEUE, InvocationKind.STREAM)

    def cross_faults(self) -> Iterator[CrossFault]:
        """Want only settings that the trigger has."""
        kind = self.kind
        synchronous, asynchronous = kind is InvocationKind.SYNCHRONOUS, kind is InvocationKind.ASYNCHRONOUS
        gateway = retry_rule(self.type.value).integration_timeout is not None
        misplaced: dict[str, tuple[Any, bool]] = {
            "integration_timeout": (self.integration_timeout_us, gateway),
            "read_timeout": (self.read_timeout_us, synchronous),
            "retry_mode": (self.retry_mode, synchronous),
            "repeats": (self.repeats, synchronous),
            "client_processes": (self.client_processes, synchronous),
            "throttle": (self.throttle, self.is_gateway),
            "client_retries": (self.client_retries, synchronous),
            "retry_attempts": (self.retry_attempts, asynchronous),
            "max_event_age": (self.max_event_age_us, asynchronous),
            "on_failure": (
                self.on_failure if self.on_failure is not OnFailure.NONE else None,
                asynchronous,
            ),
            "delivery": (self.delivery, self.type in _DELIVERED),
            "events_of": (self.events_of, self.type in (TriggerType.SNS, TriggerType.EVENTBRIDGE)),
            "queue": (self.queue, kind is InvocationKind.QUEUE),
            "stream": (self.stream, kind is InvocationKind.STREAM),
        }
        for key, (value, belongs) in misplaced.items():
            if value is not None and not belongs:
                yield CrossFault(
                    (key,), f"does not belong to a trigger of type {self.type.value}", (("type",),)
                )
        longest = retry_rule(self.type.value).integration_timeout
        fixed = self.type in (TriggerType.API_GATEWAY_HTTP, TriggerType.API_GATEWAY_WEBSOCKET)
        if longest is not None and fixed and (self.integration_timeout_us or 0) > longest.us:
            got = format_duration(self.integration_timeout_us or 0)
            text = f"must be at most {longest.value} s, got {got}: only REST APIs can raise it ({longest.citation()})"
            yield CrossFault(("integration_timeout",), text, (("type",),))
        if self.delivery is not None and self.type in _DELIVERED:
            for found in self.delivery.faults_of(self.type.value):
                yield CrossFault(("delivery", *found.at), found.text, (("type",),))
        if self.client_processes is not None and self.retry_mode in (None, RetryMode.LEGACY):
            text = "needs retry_mode standard, standard_before_2026 or adaptive: no other has a quota"
            yield CrossFault(("client_processes",), text, (("retry_mode",),))
        if self.retry_mode is RetryMode.ADAPTIVE and self.client_processes is None:
            text = "needs client_processes: each of them has a rate of its own"
            yield CrossFault(("retry_mode",), text, (("client_processes",),))
        low, high = limit("async_event_age_min_s"), limit("async_event_age_max_s")
        if self.max_event_age_us is not None and not low.us <= self.max_event_age_us <= high.us:
            yield CrossFault(
                ("max_event_age",),
                f"must be between {low.value} and {high.value} s, got {format_duration(self.max_event_age_us)} "
                f"({high.citation()})",
            )
        if self.stream is not None and kind is InvocationKind.STREAM:
            for found in self.stream.type_faults(self.type.value):
                yield CrossFault(("stream", *found.at), found.text, (("type",),))

    def timeout_faults(self, timeout_us: int) -> Iterator[CrossFault]:
        """Want a queue that fits the function's timeout."""
        for found in self.queue.timeout_faults(timeout_us) if self.queue is not None else ():
            yield CrossFault(("queue", *found.at), found.text, found.involves)
