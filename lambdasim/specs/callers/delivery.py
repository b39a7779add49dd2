"""What a rule, a schedule or a topic does while the function that it invokes cannot be reached."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

from pydantic import Field

from lambdasim.catalog import limit, timing
from lambdasim.specs.base import CrossFault, Spec
from lambdasim.specs.fields import Duration, Flag, Limited, PositiveDuration, Whole
from lambdasim.units import format_duration


class Outage(Spec):
    """A time in which nothing can be delivered into Lambda's queue."""

    at_us: Duration = Field(alias="at")
    """When it begins, after the scenario's start."""
    duration_us: PositiveDuration = Field(alias="duration")
    """How long it lasts."""
    tried_again: Flag = True
    """Whether the sender tries again. false: the function is deleted or may not be invoked, and events of that time are
    given up with the first try."""


class DeliverySpec(Spec):
    """How an event gets into Lambda's queue when it cannot right away; what Lambda does with it then is another matter.

    A function that is throttled or fails never shows here: Lambda's queue has taken its events.
    """

    outages: Annotated[tuple[Outage, ...], Field(min_length=1, max_length=1_000)]
    """When nothing can be delivered."""
    retry_attempts: Annotated[Whole, Limited(None, "eventbridge_retries_max")] | None = None
    """EventBridge and its Scheduler: retries of a delivery (MaximumRetryAttempts); default 185."""
    max_age_us: PositiveDuration | None = Field(default=None, alias="max_age")
    """EventBridge and its Scheduler: age at which an event is given up (MaximumEventAgeInSeconds); default 24 h."""
    retry_first_us: PositiveDuration = Field(
        default=timing("eventbridge_retry_first_s").us, alias="retry_first"
    )
    """EventBridge and its Scheduler: wait before the first retry, doubling; AWS does not publish it."""
    retry_most_us: PositiveDuration = Field(default=timing("eventbridge_retry_max_s").us, alias="retry_most")
    """Longest such wait."""

    def faults_of(self, trigger: str) -> Iterator[CrossFault]:
        """Want what the sender has.

        Parameters
        ----------
        trigger : str
            Type of the trigger.

        Yields
        ------
        CrossFault
        """
        low, high = limit("eventbridge_age_min_s"), limit("eventbridge_age_max_s")
        if self.max_age_us is not None and not low.us <= self.max_age_us <= high.us:
            yield CrossFault(
                ("max_age",),
                f"must be between {low.value} and {high.value} s, got {format_duration(self.max_age_us)} "
                f"({high.citation()})",
            )
        if trigger == "sns":
            for key in ("retry_attempts", "max_age_us", "retry_first_us", "retry_most_us"):
                if getattr(self, key) != type(self).model_fields[key].default:
                    text = "does not belong to SNS, whose 100,015 retries over 23 days cannot be changed for Lambda"
                    yield CrossFault((key.removesuffix("_us"),), text)
