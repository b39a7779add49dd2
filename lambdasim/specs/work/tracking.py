"""Provisioned concurrency that Application Auto Scaling sets: target tracking, within bounds that a schedule may move."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from lambdasim.catalog import limit
from lambdasim.specs.base import CrossFault, Spec
from lambdasim.specs.fields import Duration, Flag, Real, Whole
from lambdasim.specs.schedules import ScheduleText, parse_schedule
from lambdasim.units import US_PER_MINUTE


class ScheduledBounds(Spec):
    """A scheduled action: other bounds that begin at a moment, once or repeatedly."""

    at_us: Duration | None = Field(default=None, alias="at")
    """When, after the scenario's start."""
    schedule: ScheduleText | None = None
    """When, again and again: cron(...) or rate(...), UTC."""
    minimum: Annotated[Whole, Field(ge=0)] | None = None
    """MinCapacity from then; default: as before."""
    maximum: Annotated[Whole, Field(ge=0)] | None = None
    """MaxCapacity from then; default: as before."""

    def cross_faults(self) -> Iterator[CrossFault]:
        """Want a moment or a schedule, and something to set."""
        if (self.at_us is None) == (self.schedule is None):
            yield CrossFault((), "needs either at or schedule")
        if self.minimum is None and self.maximum is None:
            yield CrossFault((), "needs minimum or maximum")


class TargetTrackingSpec(Spec):
    """Target tracking of provisioned concurrency's use, with the statistic Maximum."""

    target: Annotated[Real, Field(ge=0.1, le=0.9)] = limit("autoscaling_target_percent").value / 100
    """Utilization to keep, 0.1 to 0.9."""
    minimum: Annotated[Whole, Field(ge=0)] = 1
    """MinCapacity, allocated from the beginning."""
    maximum: Annotated[Whole, Field(ge=1)]
    """MaxCapacity."""
    scale_in: Flag = True
    """Whether capacity is given up again; false is DisableScaleIn."""
    scale_out_cooldown_us: Duration = Field(default=0, alias="scale_out_cooldown")
    """Time after scaling out in which capacity does not grow again."""
    scale_in_cooldown_us: Duration = Field(default=0, alias="scale_in_cooldown")
    """Time after scaling in in which capacity does not shrink again."""
    schedules: tuple[ScheduledBounds, ...] = ()
    """Scheduled actions: below the new minimum capacity goes up, above the new maximum down."""
    followed: Flag = False
    """Written by lambdasim: provisioned_concurrency holds what target tracking has set in this very run."""

    def cross_faults(self) -> Iterator[CrossFault]:
        """Want bounds in order."""
        if self.minimum > self.maximum:
            yield CrossFault(
                ("minimum",), f"must be at most {self.maximum}, got {self.minimum}", (("maximum",),)
            )

    def bounds(self, start_us: int, duration_us: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Give minimum and maximum as each minute begins, shape (minutes,); the maximum is never below the minimum.

        Parameters
        ----------
        start_us : int
            The scenario's start [µs since 1970].
        duration_us : int
            Its length [µs].

        Returns
        -------
        tuple of ndarray of int64
        """
        minutes = -(-duration_us // US_PER_MINUTE)
        lows = np.full(minutes, self.minimum, dtype=np.int64)
        highs = np.full(minutes, self.maximum, dtype=np.int64)
        actions: list[tuple[int, int, ScheduledBounds]] = []
        for place, one in enumerate(self.schedules):
            if one.schedule is None:
                times = [one.at_us or 0]
            else:
                times = [
                    at - start_us
                    for at in parse_schedule(one.schedule).times_us(start_us, start_us + duration_us)
                ]
            actions += [(at_us, place, one) for at_us in times if at_us < duration_us]
        for at_us, _, one in sorted(actions, key=lambda action: action[:2]):
            first = -(-at_us // US_PER_MINUTE)
            if one.minimum is not None:
                lows[first:] = one.minimum
            if one.maximum is not None:
                highs[first:] = one.maximum
        return lows, np.maximum(lows, highs)
