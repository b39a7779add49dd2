"""What invokes a function, and who tries again."""

from __future__ import annotations

from collections.abc import Iterator
from enum import StrEnum
from typing import Annotated, Any

from pydantic import Field

from lambdasim.catalog import InvocationKind, limit, retry_rule
from lambdasim.specs.base import CrossFault, Spec
from lambdasim.specs.fields import Limited, PositiveDuration, Whole


class TriggerType(StrEnum):
    """Where events come from."""

    API_GATEWAY_REST = "api_gateway_rest"
    API_GATEWAY_HTTP = "api_gateway_http"
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


class OnFailure(StrEnum):
    """Where an asynchronous event goes that was given up."""

    NONE = "none"
    DLQ = "dlq"
    DESTINATION = "destination"


class TriggerSpec(Spec):
    """What invokes a function."""

    type: TriggerType = TriggerType.SDK
    """Where events come from; decides who retries."""
    integration_timeout_us: PositiveDuration | None = Field(default=None, alias="integration_timeout")
    """After this time API Gateway answers 504 while the function goes on; REST and HTTP APIs only."""
    client_retries: Annotated[Whole, Field(ge=0, le=100)] | None = None
    """How often a synchronous client repeats a throttled request; default: 2 for the SDK, else 0."""
    retry_attempts: Annotated[Whole, Limited("async_error_retries_min", "async_error_retries_max")] | None = (
        None
    )
    """Lambda's retries after a failed asynchronous run; default 2."""
    max_event_age_us: PositiveDuration | None = Field(default=None, alias="max_event_age")
    """Age at which an asynchronous event is dropped; default 6 h."""
    on_failure: OnFailure = OnFailure.NONE
    """Where an asynchronous event goes that was given up."""

    @property
    def kind(self) -> InvocationKind:
        """How the trigger hands an event to the function."""
        return retry_rule(self.type.value).kind

    @property
    def is_synchronous(self) -> bool:
        """Whether the caller waits for the answer."""
        return self.kind is InvocationKind.SYNCHRONOUS

    def cross_faults(self) -> Iterator[CrossFault]:
        """Want only settings that the trigger has."""
        kind = self.kind
        if kind in (InvocationKind.QUEUE, InvocationKind.STREAM):
            yield CrossFault(
                ("type",), f"{self.type.value} is not modelled yet; use a synchronous or asynchronous trigger"
            )
            return
        synchronous = kind is InvocationKind.SYNCHRONOUS
        gateway = self.type in (TriggerType.API_GATEWAY_REST, TriggerType.API_GATEWAY_HTTP)
        misplaced: dict[str, tuple[Any, bool]] = {
            "integration_timeout": (self.integration_timeout_us, gateway),
            "client_retries": (self.client_retries, synchronous),
            "retry_attempts": (self.retry_attempts, not synchronous),
            "max_event_age": (self.max_event_age_us, not synchronous),
            "on_failure": (
                self.on_failure if self.on_failure is not OnFailure.NONE else None,
                not synchronous,
            ),
        }
        for key, (value, belongs) in misplaced.items():
            if value is not None and not belongs:
                yield CrossFault(
                    (key,), f"does not belong to a trigger of type {self.type.value}", (("type",),)
                )
        low, high = limit("async_event_age_min_s"), limit("async_event_age_max_s")
        if self.max_event_age_us is not None and not low.us <= self.max_event_age_us <= high.us:
            yield CrossFault(
                ("max_event_age",), f"must be between {low.value} and {high.value} s ({high.citation()})"
            )
