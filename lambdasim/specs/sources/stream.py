"""A Kinesis or DynamoDB stream and the mapping that reads it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

from pydantic import Field

from lambdasim.catalog import limit, timing
from lambdasim.specs.base import CrossFault
from lambdasim.specs.fields import Duration, Flag, Limited, PositiveDuration, Whole
from lambdasim.specs.sources.batches import BatchSpec


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
        yield from self.window_faults()
        for key, value_us, low, high in (
            ("max_record_age", self.max_record_age_us, "stream_age_min_s", "stream_age_max_s"),
            ("retention", self.retention_us, "stream_retention_min_s", "stream_retention_max_s"),
        ):
            least, most = limit(low), limit(high)
            if value_us is not None and not least.us <= value_us <= most.us:
                yield CrossFault(
                    (key,), f"must be between {least.value} and {most.value} s ({most.citation()})"
                )

    def type_faults(self, trigger: str) -> Iterator[CrossFault]:
        """Want what the service has: DynamoDB keeps its records for a day."""
        kept = timing("stream_retention_s")
        if trigger == "dynamodb" and self.retention_us != kept.us:
            yield CrossFault(("retention",), f"must be {kept.value} s for DynamoDB ({kept.citation()})")
