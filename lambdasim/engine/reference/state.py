"""What changes in a run of the reference engine: environments, functions, events, and moments in order."""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final, Protocol

import simpy

from lambdasim.engine.contract import (
    NEVER,
    CallPlan,
    EventOutcome,
    FunctionPlan,
    Limit,
    RetryPolicy,
    StartType,
)
from lambdasim.engine.draws import FunctionDraws
from lambdasim.engine.rates import RateLimit
from lambdasim.engine.reference.writers import Row

# Priorities at one instant. SimPy orders equal priorities by time of scheduling, which for completions is the order of
# admission; provisioned changes, retries and wakes carry function and number in theirs. Calls, and their retries, follow
# one another as they were made. A deadline comes after all that ends at its instant.
COMPLETION: Final = 0
DEADLINE: Final = 1
PROVISIONED_CHANGE: Final = 1 << 100
RETRY: Final = 2 << 100
RETRY_OF_CALL: Final = RETRY + (1 << 99)
WAKE: Final = 3 << 100
CALL: Final = 4 << 100
ARRIVAL: Final = 5 << 100
OF_A_FUNCTION: Final = 1 << 64


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
    ``owner`` has the environments and limits that it uses: itself, or the function that it shares.
    """

    rank: int
    plan: FunctionPlan
    scaling: RateLimit
    request_rate: RateLimit
    provisioned_rate: RateLimit
    idle: deque[ExecutionEnvironment] = field(default_factory=deque)
    on_demand_in_use: int = 0
    provisioned_idle: list[ExecutionEnvironment] = field(default_factory=list)
    provisioned_ready: int = 0
    provisioned_in_use: int = 0
    provisioned_claimed: int = 0
    undrawn: dict[int, list[Event]] = field(default_factory=lambda: defaultdict(list))
    source: Source | None = None
    gates: list[tuple[Limit, RateLimit]] = field(default_factory=list)
    owner: FunctionState = field(init=False)

    def __post_init__(self) -> None:
        """Let its environments be its own."""
        self.owner = self


@dataclass(slots=True, eq=False)
class Event:
    """What arrived and must be served: one or more attempts; ``draw`` is for the next run, None where it is not drawn.

    ``call`` brought it, None for traffic; ``chain`` is what it belongs to, and ``passes`` how often that has come through
    which functions, as loop detection counts. ``waiter`` is the run that waits for its answer. The row of its last
    attempt is ``unresolved`` while another is due of which the waiter may yet make nothing. ``paid`` is what its last
    repeat cost its client; where that slows itself down, the event ``has_waited`` its turn or not yet. ``outcome`` is
    its last run's. ``policy`` says who tries again, and when.
    """

    function: FunctionState
    invocation: int
    arrival_us: int
    draw: tuple[int, ...] | None
    attempts: int = 0
    runs: int = 0
    refusals: int = 0
    call: CallPlan | None = None
    chain: Chain | None = None
    passes: tuple[tuple[int, int], ...] = ()
    waiter: Waiter | None = None
    unresolved: tuple[Row, EventOutcome] | None = None
    paid: int = 0
    has_waited: bool = False
    outcome: int = 0
    policy: RetryPolicy = field(init=False)

    def __post_init__(self) -> None:
        """Take the policy of who brought it."""
        self.policy = self.function.plan.retry if self.call is None else self.call.retry

    @property
    def draws(self) -> FunctionDraws:
        """What is drawn for it."""
        return self.call.draws if self.call is not None else self.function.plan.draws


class Waiter(Protocol):
    """Who waits for the answer to a call."""

    @property
    def ended(self) -> bool:
        """Whether nobody waits any more."""
        ...

    def answered(self, final: EventOutcome, outcome: int) -> None:
        """Take note of how the call ended, and its last run."""
        ...


@dataclass(slots=True, eq=False)
class Chain:
    """What arrived by traffic and all that follows; ``open`` counts events and runs that go on."""

    rank: int
    invocation: int
    arrival_us: int
    open: int = 0
    events: int = 0
    failed: int = 0
    last_us: int = 0


@dataclass(slots=True, eq=False)
class Run:
    """An attempt that was admitted, until it has ended; ``row`` where its record waits for its end."""

    event: Event
    environment: ExecutionEnvironment
    start: StartType
    start_us: int
    placement_us: int
    init_us: int
    init_again_us: int
    fault: int
    post_response_us: int
    keep_alive_us: int
    attempt: int
    in_progress: tuple[int, int, int, int]
    row: Row | None = None
    final: EventOutcome | None = None
    answered_us: int = 0
    chains: list[Chain] = field(default_factory=list)

    @property
    def handler_starts_us(self) -> int:
        """When the function's timeout begins to count."""
        return self.start_us + self.placement_us + self.init_us


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

    def hold_open(self, batch: Any) -> None:
        """Prepare for a run of which it is not known when it ends."""
        ...

    def parts(self, batch: Any) -> list[Any]:
        """Give the items whose calls a run makes."""
        ...


class Moment(simpy.Event):
    """A point in simulated time with its place among the simultaneous ones, and what happens then."""

    def __init__(
        self,
        sim: simpy.Environment,
        delay: int,
        priority: int,
        about: Any = None,
        action: Callable[[Any], None] | None = None,
    ) -> None:
        self.env = sim
        self.callbacks = [] if action is None else [action]
        self._ok = True
        self._value = None
        self.about = about
        sim.schedule(self, priority, delay)  # type: ignore[arg-type]
