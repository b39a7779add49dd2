"""A Kinesis or DynamoDB stream and the mapping that reads it."""

from __future__ import annotations

from collections.abc import Iterator
from enum import StrEnum
from typing import Annotated

from pydantic import Field

from lambdasim.catalog import limit, timing
from lambdasim.specs.base import CrossFault, Spec
from lambdasim.specs.fields import Duration, Flag, Limited, PositiveDuration, Whole
from lambdasim.specs.sources.batches import BatchSpec
from lambdasim.units import US_PER_S, format_duration


class KafkaPollersSpec(Spec):
    """Pollers that are kept for a topic: each holds the batches of 5 partitions; ten are one unit that is paid for."""

    minimum: Annotated[Whole, Limited("batch_min", "kafka_poller_minimum_high")] = 1
    """Pollers that are always there (MinimumPollers)."""
    maximum: Annotated[Whole, Limited("batch_min", "kafka_poller_maximum_high")] = limit(
        "kafka_poller_maximum_default"
    ).value
    """Pollers at most (MaximumPollers)."""

    def cross_faults(self) -> Iterator[CrossFault]:
        """Want a minimum that is not above the maximum."""
        if self.minimum > self.maximum:
            yield CrossFault(
                ("minimum",), f"must be at most {self.maximum}, got {self.minimum}", (("maximum",),)
            )


class Capacity(StrEnum):
    """How a Kinesis stream is paid for."""

    PROVISIONED = "provisioned"
    """By its shards and put units."""
    ON_DEMAND = "on_demand"
    """By the data that goes in, and that each consumer reads."""


class StreamSpec(BatchSpec):
    """A stream of records in shards, and its event source mapping."""

    shards: Annotated[Whole, Field(ge=1, le=10_000)] = 1
    """Shards, each read in order."""
    parallelization_factor: Annotated[Whole, Limited("batch_min", "stream_parallelization_max")] = 1
    """Batches of a shard in progress at once; order holds for each key."""
    batch_size: Annotated[Whole, Limited("batch_min", "stream_batch_max")] = limit(
        "stream_batch_default"
    ).value
    """Records in a batch, at most."""
    max_retries: Annotated[Whole, Limited(None, "stream_retries_max")] | None = None
    """Retries of a batch that failed (MaximumRetryAttempts); default: until its records are too old."""
    max_record_age_us: Duration | None = Field(default=None, alias="max_record_age")
    """Age at which a record is dropped (MaximumRecordAgeInSeconds); default: with the stream's retention."""
    bisect: Flag = False
    """Whether a batch that failed is cut in two (BisectBatchOnFunctionError); that is no retry."""
    consumers: Annotated[Whole, Field(ge=1, le=10_000)] | None = None
    """Kafka alone: partitions that are read at once, at first; default 1. AWS looks at the lag each minute."""
    consumer_growth: Annotated[Whole, Field(ge=0, le=10_000)] | None = None
    """Kafka alone: what is added each minute while partitions wait, to one for each; default: as many as there are."""
    provisioned_pollers: KafkaPollersSpec | None = None
    """Kafka alone: pollers that are kept and paid for by the hour, in the place of consumers that follow the lag."""
    capacity: Capacity = Capacity.PROVISIONED
    """Kinesis alone: whether the stream is paid for by its shards, or by its data (on_demand)."""
    enhanced_fan_out: Flag = False
    """Kinesis alone: records are pushed to a consumer of its own, which is paid for, instead of polled once a second."""
    tumbling_window_us: Duration = Field(default=0, alias="tumbling_window")
    """Window whose state is handed from run to run (TumblingWindowInSeconds); not modelled, and a warning says so."""
    retention_us: Duration = Field(default=timing("stream_retention_s").us, alias="retention")
    """Age at which a record leaves the stream."""
    poll_interval_us: Duration | None = Field(default=None, alias="poll_interval")
    """Time between looks at a shard that has no full batch; default: 1 s for Kinesis, 250 ms for DynamoDB."""
    retry_first_us: PositiveDuration = Field(default=timing("stream_backoff_first_s").us, alias="retry_first")
    """Wait before a batch is tried again, doubling; AWS does not publish it."""
    retry_most_us: PositiveDuration = Field(default=timing("stream_backoff_max_s").us, alias="retry_most")
    """Longest such wait."""

    @property
    def lanes(self) -> int:
        """Batches in progress at once, at most."""
        return self.shards * self.parallelization_factor

    @property
    def most_age_us(self) -> int:
        """Age at which a record is dropped [µs]."""
        if self.max_record_age_us is None:
            return self.retention_us
        return min(self.max_record_age_us, self.retention_us)

    def cross_faults(self) -> Iterator[CrossFault]:
        """Want settings that AWS takes."""
        yield from self.window_faults(whole_seconds=False)
        widest = limit("tumbling_window_max_s")
        if self.tumbling_window_us > widest.us or self.tumbling_window_us % US_PER_S:
            text = f"must be whole seconds up to {widest.value} ({widest.citation()})"
            yield CrossFault(("tumbling_window",), text)
        if self.tumbling_window_us and self.parallelization_factor > 1:
            text = "must be 1 with a tumbling_window, which has one state for each shard"
            yield CrossFault(("parallelization_factor",), text, (("tumbling_window",),))
        for key, value_us, low, high in (
            ("max_record_age", self.max_record_age_us, "stream_age_min_s", "stream_age_max_s"),
            ("retention", self.retention_us, "stream_retention_min_s", "stream_retention_max_s"),
        ):
            least, most = limit(low), limit(high)
            if value_us is not None and not least.us <= value_us <= most.us:
                yield CrossFault(
                    (key,),
                    f"must be between {least.value} and {most.value} s, got {format_duration(value_us)} "
                    f"({most.citation()})",
                )

    def type_faults(self, trigger: str) -> Iterator[CrossFault]:
        """Want what the service has: DynamoDB keeps its records for a day, Kafka reads a partition in one line."""
        if trigger == "kafka":
            if self.parallelization_factor > 1:
                yield CrossFault(
                    ("parallelization_factor",), "must be 1 for Kafka: a partition is read in one line"
                )
            if (self.consumers or 1) > self.shards:
                text = f"must be at most the partitions ({self.shards}), got {self.consumers}"
                yield CrossFault(("consumers",), text)
            if self.provisioned_pollers is not None:
                for key in ("consumers", "consumer_growth"):
                    if getattr(self, key) is not None:
                        yield CrossFault((key,), "has no effect beside provisioned_pollers: leave one out")
        of_kafka = ("consumers", "consumer_growth", "provisioned_pollers")
        of_kinesis = ("capacity", "enhanced_fan_out")
        for key in (() if trigger == "kafka" else of_kafka) + (() if trigger == "kinesis" else of_kinesis):
            if getattr(self, key) != type(self).model_fields[key].default:
                yield CrossFault((key,), f"does not belong to a trigger of type {trigger}")
        if trigger == "kafka":
            return
        yield from self.window_faults()
        kept = timing("stream_retention_s")
        if trigger == "dynamodb" and self.retention_us != kept.us:
            yield CrossFault(("retention",), f"must be {kept.value} s for DynamoDB ({kept.citation()})")
