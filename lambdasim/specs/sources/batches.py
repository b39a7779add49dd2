"""What the mappings of queues and streams have in common: batches, and what a batch takes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

from pydantic import Field

from lambdasim.catalog import limit
from lambdasim.specs.base import CrossFault, Spec
from lambdasim.specs.fields import Duration, Flag, Real, Share
from lambdasim.specs.laws import FixedLaw, Law
from lambdasim.units import US_PER_S, format_duration


class BatchSpec(Spec):
    """How messages or records are put together, and what is particular to running them so."""

    batch_window_us: Duration = Field(default=0, alias="batch_window")
    """How long a batch that is not full waits for more, in whole seconds."""
    partial_failures: Flag = False
    """Whether the function names what failed (ReportBatchItemFailures); otherwise one failure fails the batch."""
    batch_overhead_ms: Law = FixedLaw(fixed=0)
    """Handler time of a batch beyond that of its messages or records, of which each takes what ``work`` says [ms]."""
    poison_share: Share = 0.0
    """Share of messages or records that fail however often they are tried."""
    skew: Annotated[Real, Field(ge=0, le=5)] = 0.0
    """How unevenly message groups or shards are used: the k-th gets a share in proportion to k^-skew; 0 is even."""

    def window_faults(self) -> Iterator[CrossFault]:
        """Want a window that AWS takes."""
        most = limit("batch_window_max_s")
        if self.batch_window_us > most.us or self.batch_window_us % US_PER_S:
            got = format_duration(self.batch_window_us)
            text = f"must be whole seconds up to {most.value}, got {got} ({most.citation()})"
            yield CrossFault(("batch_window",), text)
