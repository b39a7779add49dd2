"""An SQS queue and the mapping whose pollers read it."""

from __future__ import annotations

from collections.abc import Iterator
from enum import StrEnum
from typing import Annotated

from pydantic import Field

from lambdasim.catalog import limit, timing
from lambdasim.specs.base import CrossFault, Spec
from lambdasim.specs.fields import Duration, Flag, Limited, PositiveDuration, Whole
from lambdasim.specs.sources.batches import BatchSpec
from lambdasim.units import format_duration


class Ramp(StrEnum):
    """How pollers grow while messages wait."""

    STEP = "step"
    """By a minute's growth at the end of each minute."""
    LINEAR = "linear"
    """One by one, evenly over the minute."""


class PollersSpec(Spec):
    """How many batches are in progress at once; AWS does not publish all of it."""

    first: Annotated[Whole, Field(ge=1, le=10_000)] = limit("sqs_concurrency_initial").value
    """Batches in progress at once, at first."""
    growth_per_minute: Annotated[Whole, Field(ge=0, le=100_000)] = limit(
        "sqs_concurrency_growth_per_minute"
    ).value
    """What is added each minute while messages wait."""
    most: Annotated[Whole, Field(ge=1, le=100_000)] = limit("sqs_concurrency_max").value
    """Batches in progress at most, where no maximum_concurrency is set."""
    ramp: Ramp = Ramp.STEP
    """Whether they grow in steps of a minute or in a straight line."""
    idle: Annotated[Whole, Field(ge=0, le=10_000)] = limit("sqs_concurrency_initial").value
    """Pollers that wait at an empty queue; decides the number of empty receives alone."""
    throttle_retry_first_us: PositiveDuration = Field(
        default=timing("sqs_throttle_retry_first_s").us, alias="throttle_retry_first"
    )
    """Wait before a throttled batch is invoked with again, doubling, while it is invisible."""
    throttle_retry_most_us: PositiveDuration = Field(
        default=timing("sqs_throttle_retry_max_s").us, alias="throttle_retry_most"
    )
    """Longest such wait."""

    def cross_faults(self) -> Iterator[CrossFault]:
        """Want numbers that do not contradict one another."""
        if self.first > self.most:
            yield CrossFault(("first",), f"must be at most {self.most}, got {self.first}", (("most",),))


class ProvisionedPollersSpec(Spec):
    """Pollers that are kept: each holds 10 batches at once, and makes 10 receives or takes 1 MB a second."""

    minimum: Annotated[Whole, Limited("sqs_poller_minimum_low", "sqs_poller_minimum_high")] = limit(
        "sqs_poller_minimum_low"
    ).value
    """Pollers that are always there (MinimumPollers)."""
    maximum: Annotated[Whole, Limited("sqs_poller_minimum_low", "sqs_poller_maximum_high")] = limit(
        "sqs_poller_maximum_default"
    ).value
    """Pollers at most (MaximumPollers)."""

    def cross_faults(self) -> Iterator[CrossFault]:
        """Want a minimum that is not above the maximum."""
        if self.minimum > self.maximum:
            yield CrossFault(
                ("minimum",), f"must be at most {self.maximum}, got {self.minimum}", (("maximum",),)
            )


class QueueSpec(BatchSpec):
    """An SQS queue, standard or FIFO, and its event source mapping."""

    batch_size: Annotated[Whole, Limited("batch_min", "sqs_batch_max")] = limit("sqs_batch_default").value
    """Messages in a batch, at most; above 10 a window is needed, and a FIFO queue has 10 at most."""
    maximum_concurrency: (
        Annotated[Whole, Limited("sqs_maximum_concurrency_min", "sqs_maximum_concurrency_max")] | None
    ) = None
    """Batches in progress at once, at most."""
    visibility_timeout_us: Duration = Field(default=timing("sqs_visibility_s").us, alias="visibility_timeout")
    """Time from a receive after which a message that was not deleted is seen again."""
    window_extends_visibility: Flag = True
    """Whether window + function timeout + 30 s hold where window and timeout go beyond the visibility timeout."""
    retention_us: Duration = Field(default=timing("sqs_retention_s").us, alias="retention")
    """Age at which a message is lost."""
    max_receives: Annotated[Whole, Limited("sqs_receives_min", "sqs_receives_max")] | None = None
    """Receives after which a message goes to the dead-letter queue (maxReceiveCount); default: there is none."""
    message_groups: Annotated[Whole, Field(ge=1, le=20_000)] | None = None
    """Message groups of a FIFO queue, each in order and with one batch at a time; default: a standard queue."""
    send_batch: Annotated[Whole, Limited("batch_min", "sqs_call_messages_max")] = 1
    """Messages that a producer sends with one call (SendMessageBatch); decides the number of billed sends alone."""
    pollers: PollersSpec = PollersSpec()
    """How many batches are in progress at once."""
    provisioned_pollers: ProvisionedPollersSpec | None = None
    """Pollers that are kept and paid for by the hour (ProvisionedPollerConfig), in the place of the others."""

    @property
    def is_fifo(self) -> bool:
        """Whether messages keep their order within a group."""
        return self.message_groups is not None

    def cross_faults(self) -> Iterator[CrossFault]:
        """Want settings that AWS takes together."""
        yield from self.window_faults()
        fifo, unwindowed = limit("sqs_fifo_batch_max"), limit("sqs_batch_without_window_max")
        if self.is_fifo and self.batch_size > fifo.value:
            yield CrossFault(
                ("batch_size",),
                f"must be at most {fifo.value} for a FIFO queue, got {self.batch_size} ({fifo.citation()})",
                (("message_groups",),),
            )
        elif self.batch_size > unwindowed.value and not self.batch_window_us:
            yield CrossFault(
                ("batch_size",),
                f"must be at most {unwindowed.value} without a batch_window of at least 1s, got {self.batch_size} "
                f"({unwindowed.citation()})",
                (("batch_window",),),
            )
        if self.is_fifo and self.batch_window_us:
            yield CrossFault(
                ("batch_window",),
                f"must be 0s for a FIFO queue, got {format_duration(self.batch_window_us)}",
                (("message_groups",),),
            )
        if self.skew and not self.is_fifo:
            yield CrossFault(("skew",), "belongs to a FIFO queue; give message_groups too")
        if self.provisioned_pollers is not None and self.maximum_concurrency is not None:
            yield CrossFault(
                ("maximum_concurrency",),
                "and provisioned_pollers exclude each other: AWS refuses both on one mapping",
                (("provisioned_pollers",),),
            )
        yield from self._time_faults()

    def _time_faults(self) -> Iterator[CrossFault]:
        longest, least, most = (
            limit("sqs_visibility_max_s"), limit("sqs_retention_min_s"), limit("sqs_retention_max_s"),
        )  # fmt: skip
        if self.visibility_timeout_us > longest.us:
            yield CrossFault(
                ("visibility_timeout",),
                f"must be at most {longest.value} s, got {format_duration(self.visibility_timeout_us)} "
                f"({longest.citation()})",
            )
        if not least.us <= self.retention_us <= most.us:
            yield CrossFault(
                ("retention",),
                f"must be between {least.value} and {most.value} s, got {format_duration(self.retention_us)} "
                f"({most.citation()})",
            )

    def timeout_faults(self, timeout_us: int) -> Iterator[CrossFault]:
        """Want a visibility that the function's timeout does not outlive: AWS refuses the mapping."""
        if self.visibility_timeout_us < timeout_us:
            yield CrossFault(
                ("visibility_timeout",),
                f"must be at least the function's timeout ({format_duration(timeout_us)}), got "
                f"{format_duration(self.visibility_timeout_us)}: AWS refuses such a mapping",
            )
        effective_us = self.effective_visibility_us(timeout_us)
        if effective_us <= self.batch_window_us:
            yield CrossFault(
                ("batch_window",),
                f"must be shorter than the visibility timeout ({format_duration(effective_us)})",
                (("visibility_timeout",),),
            )

    def effective_visibility_us(self, timeout_us: int) -> int:
        """Return the time from a receive after which a message is seen again.

        Parameters
        ----------
        timeout_us : int
            The function's [µs].

        Returns
        -------
        int
            Visibility [µs].

        References
        ----------
        AWS Lambda Developer Guide, Using Lambda with Amazon SQS, text of 2022.
        """
        held_us = self.batch_window_us + timeout_us
        extends = self.window_extends_visibility and self.batch_window_us > 0
        if extends and held_us > self.visibility_timeout_us:
            return held_us + timing("sqs_window_visibility_extra_s").us
        return self.visibility_timeout_us
