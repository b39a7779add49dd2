"""The reference engine: AWS Lambda as a SimPy model, written to be read.

Follow one invocation: `_arrive` turns a row of the traffic into an event and calls `_attempt`. `_admit` asks, in
order, for the payload, the request rate, a provisioned environment, concurrency, a warm environment, a new one. If
none is left, `_refuse` writes the record and decides on a retry. Otherwise `_run` works out how long the attempt takes
and how it ends, writes the record, decides on a retry, and schedules `_complete`, which gives back concurrency and
environment.

What the engine promises, and the order of simultaneous events, stands in `lambdasim.engine.contract`.
"""

from __future__ import annotations

from bisect import insort
from collections import defaultdict, deque
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass, field, fields
from typing import Any, Final

import numpy as np
import simpy
from numpy.typing import NDArray

from lambdasim.engine.contract import (
    NEVER,
    RECORD_COLUMNS,
    EventOutcome,
    FunctionPlan,
    Limit,
    Outcome,
    Plan,
    ProvisionedChange,
    RecordChunk,
    ReuseOrder,
    StartType,
)
from lambdasim.engine.draws import RunDraws
from lambdasim.engine.rates import NS_PER_US, RateLimit, per_second

RECORDS_PER_CHUNK: Final = 1 << 16

# Priorities at one instant. SimPy orders equal priorities by time of scheduling, which for completions is the order of
# admission; provisioned changes and retries carry function and invocation in theirs.
_COMPLETION: Final = 0
_PROVISIONED_CHANGE: Final = 1 << 60
_RETRY: Final = 2 << 60
_ARRIVAL: Final = 3 << 60
_FUNCTION: Final = 1 << 42


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


class Moment(simpy.Event):
    """A point in simulated time with its place among the simultaneous ones."""

    def __init__(self, sim: simpy.Environment, delay: int, priority: int, about: Any = None) -> None:
        self.env = sim
        self.callbacks = []
        self._ok = True
        self._value = None
        self.about = about
        sim.schedule(self, priority, delay)  # type: ignore[arg-type]


class RecordWriter:
    """Columns of a chunk, filled row by row."""

    def __init__(self) -> None:
        self.full: deque[RecordChunk] = deque()
        self._start_chunk()

    def _start_chunk(self) -> None:
        self._block = np.empty((len(RECORD_COLUMNS), RECORDS_PER_CHUNK), dtype=np.int64)
        self._columns = [memoryview(column) for column in self._block]  # type: ignore[arg-type]
        self._row = 0

    def write(self, *values: int) -> None:
        """Add one record, its values in the order of ``RECORD_COLUMNS``."""
        row = self._row
        for column, value in zip(self._columns, values, strict=True):
            column[row] = value
        self._row = row + 1
        if self._row == RECORDS_PER_CHUNK:
            self.close_chunk()

    def close_chunk(self) -> None:
        """Hand over what has been written."""
        if self._row:
            block = self._block[:, : self._row]
            self.full.append(RecordChunk(dict(zip(RECORD_COLUMNS, block, strict=True))))
            self._start_chunk()


class ReferenceRun:
    """One run of a plan.

    Parameters
    ----------
    plan : Plan
    """

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.sim = simpy.Environment(initial_time=0)
        self.records = RecordWriter()
        self.environments_created = 0
        self.account_in_use = 0
        self.pool_in_use = 0
        self.pool_limit = plan.concurrency - sum(f.reserved or 0 for f in plan.functions)
        self.account_request_rate = per_second(plan.concurrency * plan.requests_per_concurrency)
        self.functions = [self._function_state(rank, f) for rank, f in enumerate(plan.functions)]

    def _function_state(self, rank: int, function: FunctionPlan) -> FunctionState:
        if not function.retry.synchronous:
            request_rate = None
        elif function.reserved is None:
            request_rate = self.account_request_rate
        else:
            request_rate = per_second(function.reserved * self.plan.requests_per_concurrency)
        interval_ns = function.scaling_interval_us * NS_PER_US // function.scaling_burst
        return FunctionState(
            rank=rank,
            plan=function,
            scaling=RateLimit(function.scaling_burst, interval_ns),
            request_rate=request_rate,
            provisioned_rate=per_second(0),
        )

    def run(self) -> Iterator[RecordChunk]:
        """Run to the last event's end, giving records as chunks fill up."""
        for function in self.functions:
            for change in function.plan.provisioned:
                priority = _PROVISIONED_CHANGE + function.rank
                self._at(change.time_us, priority, self._change_provisioned, (function, change))
        self.sim.process(self._traffic())
        chunks = self.records.full
        step = self.sim.step
        while True:
            try:
                while not chunks:
                    step()
            except simpy.core.EmptySchedule:
                break
            yield chunks.popleft()
        self.records.close_chunk()
        yield from chunks

    def _at(self, time_us: int, priority: int, action: Callable[[Any], None], value: Any) -> None:
        now: int = self.sim.now  # type: ignore[assignment]
        Moment(self.sim, time_us - now, priority, value).callbacks.append(action)

    def _traffic(self) -> Generator[Moment, None, None]:
        """Let the traffic arrive, each event in its own moment, so that what ends at that instant ends first."""
        sim = self.sim
        for chunk in self.plan.arrivals():
            draws = self._chunk_draws(chunk.function, chunk.invocation)
            rows = zip(
                chunk.time_us.tolist(), chunk.function.tolist(), chunk.invocation.tolist(), draws, strict=True
            )
            for time_us, rank, invocation, draw in rows:
                yield Moment(sim, time_us - sim.now, _ARRIVAL)
                self._attempt(Event(self.functions[rank], invocation, time_us, draw))

    def _chunk_draws(self, ranks: NDArray[np.int64], invocations: NDArray[np.int64]) -> list[tuple[int, ...]]:
        """Draw what the first runs of a chunk's events need, function by function."""
        result = np.empty((len(ranks), len(_COLUMNS)), dtype=np.int64)
        for function in self.functions:
            mine = ranks == function.rank
            if mine.any():
                result[mine] = _as_rows(function.plan.draws.draw(invocations[mine], run=0))
        return list(map(tuple, result.tolist()))

    def _attempt(self, event: Event) -> None:
        """Try to serve an event now."""
        now: int = self.sim.now  # type: ignore[assignment]
        found = self._admit(event, now)
        if isinstance(found, Limit):
            self._refuse(event, found, now)
        else:
            self._run(event, *found, now)
        event.attempts += 1

    def _admit(self, event: Event, now: int) -> Limit | tuple[ExecutionEnvironment, StartType]:
        """Find an environment for one request, or name the limit that refuses it."""
        function = event.function
        if event.draw is not None and event.draw[_TOO_LARGE]:
            return Limit.PAYLOAD
        request_rate = function.request_rate
        if request_rate is not None and not request_rate.allows(now):
            return Limit.REQUEST_RATE

        if function.provisioned_idle and function.provisioned_rate.allows(now):
            environment = function.provisioned_idle.pop()
            function.provisioned_rate.spend(now)
            function.provisioned_in_use += 1
            start = StartType.PROVISIONED
        else:
            reserved = function.plan.reserved
            if reserved is not None:
                if function.on_demand_in_use >= reserved - function.provisioned_claimed:
                    return Limit.RESERVED_CONCURRENCY
            elif self.pool_in_use >= self.pool_limit:
                return Limit.ACCOUNT_CONCURRENCY

            warm = self._warm_environment(function, now)
            if warm is not None:
                environment = warm
                start = StartType.WARM
            elif function.scaling.allows(now):
                function.scaling.spend(now)
                environment = ExecutionEnvironment(-1, provisioned=False, retires_us=NEVER)
                start = StartType.COLD
            else:
                return Limit.SCALING_RATE
            function.on_demand_in_use += 1
            if reserved is None:
                self.pool_in_use += 1

        if request_rate is not None:
            request_rate.spend(now)
        self.account_in_use += 1
        return environment, start

    def _warm_environment(self, function: FunctionState, now: int) -> ExecutionEnvironment | None:
        """Take the idle environment whose turn it is; those that have grown cold are dropped as they are met."""
        idle = function.idle
        take = idle.popleft if self.plan.reuse is ReuseOrder.LEAST_RECENTLY_USED else idle.pop
        while idle:
            environment = take()
            if now < environment.warm_until_us:
                return environment
        return None

    def _run(self, event: Event, environment: ExecutionEnvironment, start: StartType, now: int) -> None:
        """Serve an event's attempt in the given environment; everything about it is decided here."""
        function = event.function
        plan = function.plan
        draw = event.draw or self._draw_again(event)
        if environment.number < 0:
            environment.number = self.environments_created
            self.environments_created += 1
            environment.speed = draw[_SPEED]
        handler_us, fault = draw[_HANDLER], draw[_FAULT]
        if plan.draws.speeds_differ:
            handler_us = int(
                plan.draws.handler_us(np.array([event.invocation]), event.runs, environment.speed)[0]
            )
        placement_us = init_us = init_again_us = 0
        if start is StartType.COLD:
            placement_us, init_us = draw[_PLACEMENT], draw[_INIT]
            environment.retires_us = now + plan.max_lifetime_us
            if init_us > plan.init_cap_us:
                init_us, init_again_us = plan.init_cap_us, init_us
        elif environment.was_reset:
            init_again_us = draw[_INIT]
        if start is StartType.COLD or environment.was_reset:
            handler_us += init_again_us + draw[_FIRST_RUN]

        # The answer, if the handler lives to give one, comes before what follows it; the timeout cuts both.
        answer = int(Outcome.TIMEOUT) if handler_us > plan.timeout_us else fault
        post_response_us = draw[_POST_RESPONSE] if answer in _ANSWERED else 0
        duration_us, outcome = handler_us + post_response_us, answer
        if answer == Outcome.TIMEOUT or duration_us > plan.timeout_us:
            duration_us, outcome = plan.timeout_us, int(Outcome.TIMEOUT)
            init_again_us = min(init_again_us, duration_us)
            post_response_us = duration_us - handler_us if answer in _ANSWERED else 0
        event.runs += 1
        time_in_environment = placement_us + init_us + duration_us
        end_us = now + time_in_environment

        final = self._after_run(event, answer, outcome, now, end_us, end_us - post_response_us)
        self.records.write(
            function.rank, event.invocation, event.attempts, event.arrival_us, now, placement_us, init_us,
            duration_us, init_again_us, post_response_us, start, outcome, Limit.NONE, environment.number, final,
            *self._in_progress(function),
        )  # fmt: skip

        environment.was_reset = outcome not in _ANSWERED
        stays = end_us < environment.retires_us
        environment.warm_until_us = min(end_us + draw[_KEEP_ALIVE], environment.retires_us) if stays else 0
        completion = Moment(self.sim, time_in_environment, _COMPLETION, (function, environment))
        completion.callbacks.append(self._complete)

    def _in_progress(self, function: FunctionState) -> tuple[int, int, int, int]:
        """Count executions: the function's, its provisioned ones, the account's, those in the unreserved pool."""
        provisioned = function.provisioned_in_use
        return function.on_demand_in_use + provisioned, provisioned, self.account_in_use, self.pool_in_use

    def _draw_again(self, event: Event) -> tuple[int, ...]:
        """Draw for an event's next run, and at once for all that wait to run for as many times."""
        waiting = event.function.undrawn.pop(event.runs)
        invocations = np.array([other.invocation for other in waiting])
        rows = _as_rows(event.function.plan.draws.draw(invocations, run=event.runs))
        for other, row in zip(waiting, rows.tolist(), strict=True):
            other.draw = tuple(row)
        assert event.draw is not None  # noqa: S101 - it is one of those that waited
        return event.draw

    def _complete(self, moment: Moment) -> None:
        """Give back what an attempt held."""
        function, environment = moment.about
        self.account_in_use -= 1
        if environment.provisioned:
            function.provisioned_in_use -= 1
            if function.provisioned_in_use + len(function.provisioned_idle) < function.provisioned_ready:
                function.provisioned_idle.append(environment)
            return
        function.on_demand_in_use -= 1
        if function.plan.reserved is None:
            self.pool_in_use -= 1
        if not environment.warm_until_us:
            return
        if self.plan.reuse is ReuseOrder.NEWEST_CREATED:
            insort(function.idle, environment, key=lambda idle: idle.number)
        else:
            function.idle.append(environment)

    def _after_run(
        self, event: Event, answer: int, outcome: int, now: int, end_us: int, answered_us: int
    ) -> EventOutcome:
        """Decide what follows a run: the event's end, or another attempt. Clients see the answer, queues the outcome."""
        policy = event.function.plan.retry
        if policy.synchronous:
            if answered_us - now > policy.client_timeout_us:
                return EventOutcome.CLIENT_TIMEOUT
            return EventOutcome.SUCCEEDED if answer == Outcome.COMPLETED else EventOutcome.FAILED
        if outcome == Outcome.COMPLETED:
            return EventOutcome.SUCCEEDED
        if event.runs > len(policy.error_delays_us):
            return EventOutcome.FAILED
        final = self._retry_at(event, end_us + policy.error_delays_us[event.runs - 1])
        if final is EventOutcome.PENDING:
            event.draw = None
            event.function.undrawn[event.runs].append(event)
        return final

    def _refuse(self, event: Event, limit: Limit, now: int) -> None:
        """Record an attempt that found no room, and decide on its retry."""
        policy = event.function.plan.retry
        outcome = Outcome.THROTTLED
        if limit is Limit.PAYLOAD:
            outcome, final = Outcome.REJECTED, EventOutcome.REJECTED
        elif event.refusals >= policy.throttle_retries:
            final = EventOutcome.THROTTLED
        else:
            # A shift beyond the cap's own size changes nothing, and keeps the number small.
            doubled = policy.throttle_backoff_us << min(event.refusals, 40)
            wait_us = min(doubled, policy.throttle_backoff_cap_us)
            if policy.jittered:
                wait_us = event.function.plan.draws.backoff_us(event.invocation, event.refusals, wait_us)
            event.refusals += 1
            final = self._retry_at(event, now + wait_us)
        self.records.write(
            event.function.rank, event.invocation, event.attempts, event.arrival_us, now, 0, 0, 0, 0, 0,
            StartType.NONE, outcome, limit, -1, final, *self._in_progress(event.function),
        )  # fmt: skip

    def _retry_at(self, event: Event, time_us: int) -> EventOutcome:
        """Schedule another attempt, unless the event would be too old by then."""
        if time_us > event.arrival_us + event.function.plan.retry.max_event_age_us:
            return EventOutcome.EXPIRED
        priority = _RETRY + event.function.rank * _FUNCTION + event.invocation
        self._at(time_us, priority, self._retry, event)
        return EventOutcome.PENDING

    def _retry(self, moment: Moment) -> None:
        self._attempt(moment.about)

    def _change_provisioned(self, moment: Moment) -> None:
        """Follow the plan's provisioned concurrency: claim it from the limit, then let it serve once it is ready."""
        function: FunctionState
        change: ProvisionedChange
        function, change = moment.about
        if function.plan.reserved is None:
            self.pool_limit -= change.claimed - function.provisioned_claimed
        function.provisioned_claimed = change.claimed
        if change.ready != function.provisioned_ready:
            function.provisioned_ready = change.ready
            function.provisioned_rate = per_second(change.ready * self.plan.requests_per_concurrency)
        idle = function.provisioned_idle
        wanted = max(change.ready - function.provisioned_in_use, 0)
        del idle[wanted:]
        while len(idle) < wanted:
            idle.append(ExecutionEnvironment(-1, provisioned=True, retires_us=NEVER))


_COLUMNS: Final = tuple(column.name for column in fields(RunDraws))
_HANDLER, _POST_RESPONSE, _SPEED, _FIRST_RUN, _PLACEMENT, _INIT, _FAULT, _KEEP_ALIVE, _TOO_LARGE = range(
    len(_COLUMNS)
)
_ANSWERED: Final = frozenset({int(Outcome.COMPLETED), int(Outcome.FUNCTION_ERROR)})


def _as_rows(draws: RunDraws) -> NDArray[np.int64]:
    """Lay draws out as one row for each invocation, columns in the order of the indices above."""
    return np.stack([getattr(draws, name) for name in _COLUMNS], axis=1)


def run_reference(plan: Plan) -> Iterator[RecordChunk]:
    """Run a plan with SimPy.

    Parameters
    ----------
    plan : Plan

    Yields
    ------
    RecordChunk
        In the order in which attempts were admitted or refused.
    """
    return ReferenceRun(plan).run()
