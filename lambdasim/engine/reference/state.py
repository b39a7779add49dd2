"""What changes in a run of the reference engine: environments, functions, events, and moments in order."""

from __future__ import annotations

from collections import defaultdict, deque
from dataclasses import dataclass, field
from typing import Any, Final, Protocol

import simpy

from lambdasim.engine.contract import NEVER, EventOutcome, FunctionPlan, Limit
from lambdasim.engine.rates import RateLimit

# Priorities at one instant. SimPy orders equal priorities by time of scheduling, which for completions is the order of
# admission; provisioned changes, retries and wakes carry function and number in theirs.
COMPLETION: Final = 0
PROVISIONED_CHANGE: Final = 1 << 60
RETRY: Final = 2 << 60
WAKE: Final = 3 << 60
ARRIVAL: Final = 4 << 60
OF_A_FUNCTION: Final = 1 << 42


@dataclass(slots=True, eq=False)
class ExecutionEnvironment:
    """One execution environment; ``number`` -1 until its first run makes it known, ``speed`` drawn then."""

    number: int
    provisioned: bool
    retires_us: int
    warm_until_us: int = NEVER
    speed: int = 0
    was_reset: bool = False


@dataclass(slots=True, eq=False)
class FunctionState:
    """What changes in the run about one function.

    ``undrawn`` has the events that wait to run again, by the number of their runs so far, since they were last drawn for.
    """

    rank: int
    plan: FunctionPlan
    scaling: RateLimit
    request_rate: RateLimit | None
    provisioned_rate: RateLimit
    idle: deque[ExecutionEnvironment] = field(default_factory=deque)
    on_demand_in_use: int = 0
    provisioned_idle: list[ExecutionEnvironment] = field(default_factory=list)
    provisioned_ready: int = 0
    provisioned_in_use: int = 0
    provisioned_claimed: int = 0
    undrawn: dict[int, list[Event]] = field(default_factory=lambda: defaultdict(list))
    source: Source | None = None


@dataclass(slots=True, eq=False)
class Event:
    """What arrived and must be served: one or more attempts; ``draw`` is for the next run, None where it is not drawn."""

    function: FunctionState
    invocation: int
    arrival_us: int
    draw: tuple[int, ...] | None
    attempts: int = 0
    runs: int = 0
    refusals: int = 0


class Source(Protocol):
    """A queue or a stream: when it invokes its function, and what follows."""

    def counted(self) -> dict[str, int]:
        """Give what is counted up to now, by name; see ``COUNTERS``."""
        ...

    def arrive(self, event: Event) -> None:
        """Put what arrived on a lane; pollers may take it."""
        ...

    def draw(self, batch: Any) -> tuple[int, ...]:
        """Draw what a batch's run needs."""
        ...

    def handler_us(self, batch: Any, speed: int) -> int:
        """Draw a batch's handler time in an environment of some speed."""
        ...

    def after_run(self, batch: Any, answer: int, outcome: int, end_us: int) -> EventOutcome:
        """Decide what follows a run, all of which is known when it begins."""
        ...

    def after_refusal(self, batch: Any, limit: Limit) -> EventOutcome:
        """Decide on another attempt of a batch that found no room."""
        ...

    def as_counted(self, outcome: int) -> int:
        """Give a run's outcome as AWS counts it."""
        ...

    def free(self, batch: Any) -> None:
        """Take back what a run held, now that it has ended."""
        ...


class Moment(simpy.Event):
    """A point in simulated time with its place among the simultaneous ones."""

    def __init__(self, sim: simpy.Environment, delay: int, priority: int, about: Any = None) -> None:
        self.env = sim
        self.callbacks = []
        self._ok = True
        self._value = None
        self.about = about
        sim.schedule(self, priority, delay)  # type: ignore[arg-type]
