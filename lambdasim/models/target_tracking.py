"""Application Auto Scaling's target tracking of provisioned concurrency, minute by minute: a pure rule."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

_PERCENT = 100
_US_PER_MINUTE = 60_000_000


class TrackingRule(NamedTuple):
    """What target tracking goes by.

    Attributes
    ----------
    target_percent : float
        Utilization to keep [%].
    in_percent_of_target : int
        Below this part of the target capacity goes in [%].
    out_points, in_points : int
        One-minute data points that must agree before capacity goes out, or in.
    preparation_us : int
        From asking to having, without the time of allocation [µs].
    allocation_per_minute : int
        Environments that are allocated in a minute.
    scale_in : bool
    out_cooldown_us, in_cooldown_us : int
        Time after a change in which capacity does not go the same way again [µs].
    """

    target_percent: float
    in_percent_of_target: int
    out_points: int
    in_points: int
    preparation_us: int
    allocation_per_minute: int
    scale_in: bool = True
    out_cooldown_us: int = 0
    in_cooldown_us: int = 0

    def wait_minutes(self, growth: int) -> int:
        """Give after how many whole minutes more capacity is ready; a smaller one is at once."""
        if growth <= 0:
            return 0
        wait_us = self.preparation_us + -(-growth * _US_PER_MINUTE // self.allocation_per_minute)
        return -(-wait_us // _US_PER_MINUTE)

    def wanted(self, busy: int) -> int:
        """Give the capacity that so many executions would use to the target."""
        return int(-(-busy * _PERCENT // self.target_percent))


def follow(
    demand: NDArray[np.int64],
    minimum: NDArray[np.int64],
    maximum: NDArray[np.int64],
    rule: TrackingRule,
    used: NDArray[np.int64] | None = None,
    held: NDArray[np.int64] | None = None,
) -> list[tuple[int, int]]:
    """Follow target tracking over the minutes of a run.

    Parameters
    ----------
    demand : ndarray of int64, shape (minutes,)
        Most executions of the function at once in each minute.
    minimum, maximum : ndarray of int64, shape (minutes,)
        Bounds as each minute begins.
    rule : TrackingRule
    used, held : ndarray of int64, shape (minutes,), optional
        Most executions on provisioned environments in each minute, and the capacity under which that was seen. Where it
        is the capacity that the rule has then, this is the metric; else, and without them, demand up to capacity.

    Returns
    -------
    list of (minute, capacity)
        Capacity asked for from the beginning of a minute; the first at 0.

    Notes
    -----
    Out after three one-minute data points above the target, in after fifteen below 90 % of it; capacity becomes
    capacity times utilization over target, rounded up. Utilization is the most of a minute, as with the statistic
    Maximum; it cannot exceed 1, so one step grows capacity to at most 1/target of it. A minute without executions has no
    data point, so an idle function does not scale in. Assumed: the last data point decides outward, the highest of the
    fifteen inward, and nothing is decided until what was asked for is ready. Moved bounds take effect as a minute begins.

    References
    ----------
    AWS Lambda Developer Guide, Configuring provisioned concurrency; Application Auto Scaling, target tracking.

    Examples
    --------
    >>> rule = TrackingRule(70, 90, 3, 15, 90_000_000, 6000)
    >>> follow(np.full(9, 7), np.full(9, 1), np.full(9, 100), rule)
    [(0, 1), (3, 2), (8, 3)]
    """
    capacity = int(minimum[0]) if len(minimum) else 1
    ready_minute, quiet_out, quiet_in = 0, 0, 0
    steps = [(0, capacity)]
    points: list[int] = []
    for minute, executions in enumerate(demand.tolist()):
        bounded = min(max(capacity, int(minimum[minute])), int(maximum[minute]))
        if bounded != capacity:
            ready_minute = minute + rule.wait_minutes(bounded - capacity)
            capacity = bounded
            steps.append((minute, capacity))
            points.clear()
        if minute < ready_minute or not executions or not capacity:
            continue
        seen = used is not None and held is not None and held[minute] == capacity
        point = int(used[minute]) if seen and used is not None else min(executions, capacity)
        if not point:
            continue
        points.append(point)
        goal = rule.target_percent * capacity
        above = [busy * _PERCENT > goal for busy in points[-rule.out_points :]]
        below = [
            busy * _PERCENT * _PERCENT < rule.in_percent_of_target * goal
            for busy in points[-rule.in_points :]
        ]
        if len(above) == rule.out_points and all(above) and minute + 1 >= quiet_out:
            busy = points[-1]
        elif rule.scale_in and len(below) == rule.in_points and all(below) and minute + 1 >= quiet_in:
            busy = max(points[-rule.in_points :])
        else:
            continue
        low, high = int(minimum[minute]), int(maximum[minute])
        wanted = min(max(rule.wanted(busy), low, 1 if low else 0), high)
        if wanted == capacity:
            continue
        ready_minute = minute + 1 + rule.wait_minutes(wanted - capacity)
        if wanted > capacity:
            quiet_out = minute + 1 + -(-rule.out_cooldown_us // _US_PER_MINUTE)
        else:
            quiet_in = minute + 1 + -(-rule.in_cooldown_us // _US_PER_MINUTE)
        capacity = wanted
        steps.append((minute + 1, capacity))
        points.clear()
    return steps
