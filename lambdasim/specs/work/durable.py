"""A durable function: one event is an execution that waits between runs, and pays for its operations and its data."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any, Final

from pydantic import Field

from lambdasim.catalog import limit, timing
from lambdasim.specs.base import CrossFault, Spec
from lambdasim.specs.fields import NotNegative, Positive, PositiveDuration
from lambdasim.units import US_PER_DAY, US_PER_S, format_duration

_SUFFIX: Final = " (durable)"


class DurableSpec(Spec):
    """Durable executions of a function."""

    operations: Positive
    """Operations of an execution that are paid for: its start, steps, waits, callbacks."""
    written_kb: NotNegative = 0
    """Data that an execution writes, paid for once when written and while it is kept [KB]."""
    waits: Annotated[tuple[PositiveDuration, ...], Field(max_length=100)] = ()
    """Waits between its runs: the function runs once more after each, as a request of its own."""
    retention_us: PositiveDuration = Field(default=timing("durable_retention_s").us, alias="retention")
    """How long an execution's data is kept after its end, in whole days."""

    def cross_faults(self) -> Iterator[CrossFault]:
        """Want what AWS takes."""
        most = limit("durable_operations_max")
        if self.operations > most.value:
            text = f"must be at most {most.value:,}, got {self.operations:g} ({most.citation()})"
            yield CrossFault(("operations",), text)
        largest = limit("durable_written_max_mb")
        if self.written_kb > largest.value * 1024:
            text = f"must be at most {largest.value:,} MB, got {self.written_kb:g} KB ({largest.citation()})"
            yield CrossFault(("written_kb",), text)
        low, high = limit("durable_retention_min_days"), limit("durable_retention_max_days")
        days, rest = divmod(self.retention_us, US_PER_DAY)
        if rest or not low.value <= days <= high.value:
            yield CrossFault(
                ("retention",),
                f"must be {low.value} to {high.value} whole days, got {format_duration(self.retention_us)} "
                f"({high.citation()})",
            )
        longest = limit("durable_wait_max_days")
        for place, wait_us in enumerate(self.waits):
            if not US_PER_S <= wait_us <= longest.value * US_PER_DAY:
                text = f"must be 1 s to {longest.value} days, got {format_duration(wait_us)} ({longest.citation()})"
                yield CrossFault(("waits", place), text)

    def definition(self, function: str) -> dict[str, Any]:
        """Return runs and waits in Amazon States Language.

        Parameters
        ----------
        function : str

        Returns
        -------
        dict
        """
        states: dict[str, Any] = {}
        for place, wait_us in enumerate(self.waits, start=1):
            states[f"Run{place}"] = {"Type": "Task", "Resource": function, "Next": f"Wait{place}"}
            states[f"Wait{place}"] = {
                "Type": "Wait",
                "Seconds": wait_us / US_PER_S,
                "Next": f"Run{place + 1}",
            }
        states[f"Run{len(self.waits) + 1}"] = {"Type": "Task", "Resource": function, "End": True}
        return {"StartAt": "Run1", "States": states}


def machine_of(function: str) -> str:
    """Return under which name executions of a durable function are shown."""
    return function + _SUFFIX
