"""Runs what arrives on instances that serve several requests at once, and adds up what a platform bills.

Beside the engines of Lambda, whose execution environments serve one request at a time: see ``engine.contract``. Here a
platform is a handful of numbers. All luck is drawn beforehand, so the same customers, work and luck come to each of them.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from lambdasim.engine.instances import state as at
from lambdasim.engine.instances.state import SETTINGS, first_state, with_room
from lambdasim.errors import InputError

NEVER_US: Final = (1 << 62) - 1
MOST_SLOTS: Final = 1_000_000


@dataclass(frozen=True)
class InstancePlan:
    """How a platform runs requests.

    Attributes
    ----------
    slots : int
        Requests that an instance serves at once.
    target : int
        Requests in process that an instance is to have before another is started; at most ``slots``.
    vcpus : float
        Of an instance; what computes on it shares them.
    parallel_fraction : float
        Part of a request's CPU time that spreads over several vCPUs, by Amdahl's law.
    idle_us : int
        How long an instance without requests is kept [µs].
    grow_us : int
        Time between two starts; 0 for any number at once [µs].
    tick_us, least_us : int
        Busy time of an instance, from the first request to the end of the last that overlaps, is rounded up to ticks,
        and is at least so much; what begins before that is over belongs to it [µs].
    life_least_us : int
        The same for the life of an instance [µs].
    start_billed : bool
        Whether busy time begins with the start of an instance.
    """

    slots: int = 1
    target: int = 1
    vcpus: float = 1.0
    parallel_fraction: float = 0.0
    idle_us: int = 0
    grow_us: int = 0
    tick_us: int = 1
    least_us: int = 0
    life_least_us: int = 0
    start_billed: bool = False

    def __post_init__(self) -> None:
        """Check what the steps rely on.

        Raises
        ------
        InputError
        """
        if not 1 <= self.target <= self.slots <= MOST_SLOTS:
            raise InputError.single(
                "InstancePlan", "target", f"must be from 1 to the slots, {self.slots}, got {self.target}"
            )
        if not 0 < self.vcpus < float("inf"):
            raise InputError.single("InstancePlan", "vcpus", f"must be above 0, got {self.vcpus}")
        if not 0 <= self.parallel_fraction <= 1:
            raise InputError.single(
                "InstancePlan", "parallel_fraction", f"must be from 0 to 1, got {self.parallel_fraction}"
            )
        if self.tick_us < 1 or min(self.idle_us, self.grow_us, self.least_us, self.life_least_us) < 0:
            raise InputError.single("InstancePlan", "tick_us", "and all other times must not be below 0")

    @property
    def speed_alone(self) -> float:
        """CPU time that a request which is alone on its instance gets in a unit of time."""
        if self.vcpus <= 1:
            return self.vcpus
        return 1 / ((1 - self.parallel_fraction) + self.parallel_fraction / self.vcpus)


class Requests(NamedTuple):
    """A chunk of what arrives; each array has shape (n,).

    Attributes
    ----------
    time_us : ndarray of int64
        In order.
    cpu_us, io_us : ndarray of int64
        CPU time on one whole vCPU, and waiting [µs].
    """

    time_us: NDArray[np.int64]
    cpu_us: NDArray[np.int64]
    io_us: NDArray[np.int64]


class Answers(NamedTuple):
    """Requests that have ended; each array has shape (n,).

    Attributes
    ----------
    request : ndarray of int64
        Number, in the order of arrival.
    latency_us : ndarray of int64
        From the arrival to the end [µs].
    duration_us : ndarray of int64
        From the begin to the end [µs].
    """

    request: NDArray[np.int64]
    latency_us: NDArray[np.int64]
    duration_us: NDArray[np.int64]


class InstanceTotals(NamedTuple):
    """What instances did.

    Attributes
    ----------
    starts : int
        Instances started.
    waited : int
        Requests that waited for an instance.
    ticks : int
        Of the busy times of instances, see ``InstancePlan``.
    busy_us : int
        The same, not rounded [µs].
    life_ticks : int
        Of the lives of instances until the horizon.
    peak : int
        Most instances at once.
    """

    starts: int
    waited: int
    ticks: int
    busy_us: int
    life_ticks: int
    peak: int


class InstanceRun:
    """One run of requests on the instances of a platform.

    Parameters
    ----------
    plan : InstancePlan
    starts_us : ndarray of int64, shape (n_starts,)
        Time from the start of an instance to its being ready, taken in turn [µs].
    horizon_us : int
        Instances that live longer are billed until here [µs].
    """

    def __init__(self, plan: InstancePlan, starts_us: NDArray[np.int64], horizon_us: int = NEVER_US) -> None:
        settings = np.zeros(SETTINGS, dtype=np.int64)
        settings[at.SLOTS], settings[at.TARGET] = plan.slots, plan.target
        settings[at.IDLE_US], settings[at.GROW_US] = plan.idle_us, plan.grow_us
        settings[at.TICK_US], settings[at.LEAST_US] = plan.tick_us, plan.least_us
        settings[at.LIFE_LEAST_US], settings[at.START_BILLED] = plan.life_least_us, plan.start_billed
        settings[at.HORIZON_US] = horizon_us
        self._state = first_state(settings, np.array([plan.vcpus, plan.speed_alone]))
        self._starts_us = np.ascontiguousarray(starts_us, dtype=np.int64)
        self._taken = 0

    def take(self, requests: Requests) -> Answers:
        """Take the next requests in, and give those that have ended by the last of them.

        Parameters
        ----------
        requests : Requests
            Not before those that were taken already.

        Returns
        -------
        Answers
        """
        advance, _ = compiled_steps()
        self._state = with_room(self._state, len(requests.time_us))
        advance(self._state, requests.time_us, self._taken, requests.cpu_us, requests.io_us, self._starts_us)
        self._taken += len(requests.time_us)
        return self._ended()

    def finish(self) -> Answers:
        """Let all requests end, and all instances.

        Returns
        -------
        Answers
        """
        _, finish = compiled_steps()
        self._state = with_room(self._state, 0)
        finish(self._state, self._starts_us, NEVER_US)
        return self._ended()

    def _ended(self) -> Answers:
        rows = self._state.ended[: int(self._state.counters[at.ENDED])]
        return Answers(rows[:, 0].copy(), rows[:, 1].copy(), rows[:, 2].copy())

    def totals(self) -> InstanceTotals:
        """Return what the instances did so far."""
        counters = self._state.counters
        return InstanceTotals(
            starts=int(counters[at.STARTS]),
            waited=int(counters[at.WAITED]),
            ticks=int(counters[at.TICKS]),
            busy_us=int(counters[at.BUSY_US]),
            life_ticks=int(counters[at.LIFE_TICKS]),
            peak=int(counters[at.PEAK]),
        )


@cache
def compiled_steps() -> tuple[Any, Any]:
    """Return the steps, compiled and kept on disk.

    Returns
    -------
    tuple of callable
        For a chunk of arrivals, and for the end.
    """
    from lambdasim.compiling import compiled_and_kept
    from lambdasim.engine.instances import steps

    return compiled_and_kept(steps.advance), compiled_and_kept(steps.finish)
