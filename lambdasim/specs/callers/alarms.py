"""Alarms on cost and on CloudWatch's metrics: when each would fire, and what had been spent by then."""

from __future__ import annotations

from collections.abc import Iterator
from enum import StrEnum
from typing import Annotated

from pydantic import Field

from lambdasim.catalog import timing
from lambdasim.specs.base import CrossFault, Spec
from lambdasim.specs.fields import NotNegative, Positive, PositiveDuration, Text, Whole
from lambdasim.units import US_PER_MINUTE, format_duration


class AlarmMetric(StrEnum):
    """A metric of CloudWatch's, by minute."""

    INVOCATIONS = "Invocations"
    ERRORS = "Errors"
    THROTTLES = "Throttles"
    DURATION = "Duration"
    CONCURRENT_EXECUTIONS = "ConcurrentExecutions"
    ASYNC_EVENTS_RECEIVED = "AsyncEventsReceived"
    ASYNC_EVENTS_DROPPED = "AsyncEventsDropped"
    SPILLOVER = "ProvisionedConcurrencySpilloverInvocations"


class AlarmSpec(Spec):
    """One alarm: a budget, or a threshold on a metric."""

    name: Text
    """What it is called."""
    budget_usd: Annotated[Positive, Field(le=1e12)] | None = None
    """A budget: it alerts when the bill since the scenario's start is above this [USD]."""
    checked_every_us: PositiveDuration = Field(default=timing("budget_update_s").us, alias="checked_every")
    """How often a budget sees new costs; AWS updates up to three times a day."""
    metric: AlarmMetric | None = None
    """A metric of CloudWatch's: counts are summed over a period, Duration is averaged, executions at their highest."""
    above: NotNegative | None = None
    """The metric is in breach above this; Duration in ms."""
    function: Text | None = None
    """Whose metric or cost; default: all functions together."""
    period_us: PositiveDuration = Field(default=US_PER_MINUTE, alias="period")
    """Length of a data point of a metric, in whole minutes."""
    points: Annotated[Whole, Field(ge=1, le=1440)] = 1
    """Data points in breach that it takes."""
    out_of: Annotated[Whole, Field(ge=1, le=1440)] | None = None
    """Among so many of the latest; default: as many as points."""

    def cross_faults(self) -> Iterator[CrossFault]:
        """Want a budget, or a metric with its threshold."""
        if (self.budget_usd is None) == (self.metric is None):
            yield CrossFault((), "needs either budget_usd or metric")
        if (self.metric is None) != (self.above is None):
            yield CrossFault(("above",), "goes with metric", (("metric",),))
        if self.period_us % US_PER_MINUTE:
            yield CrossFault(("period",), f"must be whole minutes, got {format_duration(self.period_us)}")
        if self.out_of is not None and self.out_of < self.points:
            yield CrossFault(
                ("out_of",), f"must be at least points ({self.points}), got {self.out_of}", (("points",),)
            )
