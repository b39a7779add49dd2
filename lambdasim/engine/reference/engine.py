"""The reference engine: AWS Lambda as a SimPy model, written to be read.

Follow one invocation: `_traffic` turns a row of the traffic into an event, `arrive` calls `attempt`. `_admit` asks, in
order, for the payload, the request rate, a provisioned environment, concurrency, a warm environment, a new one. If
none is left, `_refuse` writes the record and decides on a retry. Otherwise `_run` works out how long the attempt takes
and how it ends, writes the record, decides on a retry, and schedules `_complete`, which gives back concurrency and
environment. A function's queue or stream is called out to where something arrives, after a run or a refusal, and where
a run ends.

What the engine promises, and the order of simultaneous events, stands in `lambdasim.engine.contract`.
"""

from __future__ import annotations

from bisect import insort
from collections.abc import Callable, Generator, Iterator
from contextlib import suppress
from typing import Any, Final

import numpy as np
import simpy
from numpy.typing import NDArray

from lambdasim.abandoning import go_on
from lambdasim.engine.contract import (
    NEVER,
    AfterFailure,
    EventOutcome,
    FunctionPlan,
    Limit,
    Outcome,
    Plan,
    ProvisionedChange,
    RecordChunk,
    ReuseOrder,
    StartType,
    owners_of_plan,
)
from lambdasim.engine.items import COUNTERS
from lambdasim.engine.lanes import Backoff, SourcePlan
from lambdasim.engine.rates import NS_PER_US, RateLimit, allows, per_second, spend
from lambdasim.engine.reference.calls import Calls, Step
from lambdasim.engine.reference.draws import drawn, drawn_alone, drawn_handler_us, first_runs
from lambdasim.engine.reference.machines import Machines
from lambdasim.engine.reference.queue import QueueSource
from lambdasim.engine.reference.retries import Retries
from lambdasim.engine.reference.sources import COLUMNS
from lambdasim.engine.reference.state import (
    ARRIVAL,
    COMPLETION,
    PROVISIONED_CHANGE,
    Event,
    ExecutionEnvironment,
    FunctionState,
    Moment,
    Run,
)
from lambdasim.engine.reference.stream import StreamSource
from lambdasim.engine.reference.writers import ExecutionWriter, ItemWriter, RecordWriter, Row


class ReferenceRun:
    """One run of a plan.

    Parameters
    ----------
    plan : Plan
    """

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.sim = simpy.Environment(initial_time=0)
        self.items = ItemWriter(self._counted)
        self.calls = Calls(self) if plan.calls is not None else None
        self.executions = ExecutionWriter() if plan.machines else None
        self.records = RecordWriter(
            self.items if any(f.source for f in plan.functions) else None,
            self.calls.chains if self.calls else None,
            self.executions,
        )
        self.retries = Retries(self)
        self.environments_created = 0
        self.account_in_use = 0
        self.pool_in_use = 0
        self.pool_limit = plan.concurrency - sum(f.reserved or 0 for f in plan.functions)
        self.account_request_rate = per_second(plan.concurrency * plan.requests_per_concurrency)
        gateway = plan.gateway
        self.account_gate = RateLimit(gateway.burst, gateway.interval_ns) if gateway is not None else None
        self.functions = [self._function_state(rank, f) for rank, f in enumerate(plan.functions)]
        for function, rank in zip(self.functions, owners_of_plan(plan), strict=True):
            function.owner = self.functions[rank]

    def _function_state(self, rank: int, function: FunctionPlan) -> FunctionState:
        if function.reserved is None:
            request_rate = self.account_request_rate
        else:
            request_rate = per_second(function.reserved * self.plan.requests_per_concurrency)
        interval_ns = function.scaling_interval_us * NS_PER_US // function.scaling_burst
        state = FunctionState(
            rank=rank,
            plan=function,
            scaling=RateLimit(function.scaling_burst, interval_ns),
            request_rate=request_rate,
            provisioned_rate=per_second(0),
        )
        throttle = function.throttle
        if throttle is not None:
            state.gates.append((Limit.GATEWAY_ROUTE, RateLimit(throttle.burst, throttle.interval_ns)))
        if function.behind_gateway and self.account_gate is not None:
            state.gates.append((Limit.GATEWAY_ACCOUNT, self.account_gate))
        if function.source is not None:
            state.source = self._source(state, function.source)
        return state

    def _source(self, function: FunctionState, source: SourcePlan) -> QueueSource | StreamSource:
        returns = source.returns
        if isinstance(returns, Backoff):
            return StreamSource(self, function, source, returns)
        return QueueSource(self, function, source, returns)

    def _counted(self) -> tuple[int, dict[str, NDArray[np.int64]]]:
        """Give the present moment, and what is counted of each function's queue or stream."""
        counters = {name: np.zeros(len(self.functions), dtype=np.int64) for name in COUNTERS}
        for function in self.functions:
            if function.source is not None:
                for name, counted in function.source.counted().items():
                    counters[name][function.rank] = counted
        return self.now_us, counters

    @property
    def now_us(self) -> int:
        """The present moment."""
        now: int = self.sim.now  # type: ignore[assignment]
        return now

    def run(self) -> Iterator[RecordChunk]:
        """Run to the last event's end, giving records as chunks fill up."""
        for function in self.functions:
            for change in function.plan.provisioned:
                priority = PROVISIONED_CHANGE + function.rank
                self.at(change.time_us, priority, self._change_provisioned, (function, change))
        self.sim.process(self._traffic())
        if self.calls is not None and self.executions is not None:
            machines = Machines(self.sim, self.calls, self.executions, self.plan)
            for rank, machine in enumerate(self.plan.machines):
                self.sim.process(machines.traffic(rank, machine))
        records, closed, step = self.records, self.records.closed, self.sim.step
        with suppress(simpy.core.EmptySchedule):
            while True:
                go_on()
                for _ in range(1_000):
                    step()
                    while closed and records.is_ready:
                        yield records.take()
        yield from records.rest()

    def at(self, time_us: int, priority: int, action: Callable[[Any], None], about: Any) -> None:
        """Let something happen at a moment, in its place among the simultaneous."""
        assert time_us >= self.now_us  # noqa: S101 - SimPy would go back in time
        Moment(self.sim, time_us - self.now_us, priority, about, action)

    def _traffic(self) -> Generator[Moment, None, None]:
        """Let the traffic arrive, each event in its own moment, so that what ends at that instant ends first."""
        sim = self.sim
        for chunk in self.plan.arrivals():
            draws = first_runs(self.functions, chunk.function, chunk.invocation)
            rows = zip(
                chunk.time_us.tolist(), chunk.function.tolist(), chunk.invocation.tolist(), draws, strict=True
            )
            for time_us, rank, invocation, draw in rows:
                yield Moment(sim, time_us - sim.now, ARRIVAL)
                event = Event(self.functions[rank], invocation, time_us, draw)
                if self.calls is not None and event.function.plan.calls:
                    self.calls.begin(event)
                self.arrive(event)

    def arrive(self, event: Event) -> None:
        """Try to serve what arrived, or put it on a lane."""
        if event.draw is None:
            event.draw = drawn_alone(event)
        if event.function.source is not None:
            event.function.source.arrive(event)
        elif not self.retries.waits_its_turn(event):
            self.attempt(event)

    def attempt(self, event: Event) -> None:
        """Try to serve an event now."""
        now = self.now_us
        found = self._admit(event, now)
        if isinstance(found, Limit):
            self._refuse(event, found, now)
        else:
            self._run(event, *found, now)
        event.attempts += 1

    def _admit(self, event: Event, now: int) -> Limit | tuple[ExecutionEnvironment, StartType]:
        """Find an environment for one request, or name the limit that refuses it."""
        if (stopped := self._before_lambda(event, now)) is not None:
            return stopped
        function = event.function.owner
        request_rate = function.request_rate if event.policy.synchronous else None
        if request_rate is not None and not allows(request_rate, now):
            return Limit.REQUEST_RATE

        if function.provisioned_idle and allows(function.provisioned_rate, now):
            environment = function.provisioned_idle.pop()
            spend(function.provisioned_rate, now)
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
            elif allows(function.scaling, now):
                spend(function.scaling, now)
                environment = ExecutionEnvironment(-1, provisioned=False, retires_us=NEVER)
                start = StartType.COLD
            else:
                return Limit.SCALING_RATE
            function.on_demand_in_use += 1
            if reserved is None:
                self.pool_in_use += 1

        if request_rate is not None:
            spend(request_rate, now)
        self.account_in_use += 1
        return environment, start

    def _before_lambda(self, event: Event, now: int) -> Limit | None:
        """Let a request of a fitting size through its gateway, or name what does not."""
        if event.draw is not None and event.draw[_TOO_LARGE]:
            return Limit.PAYLOAD
        function = event.function
        if not function.gates or event.call is not None:
            return None
        for limit, gate in function.gates:
            if not allows(gate, now):
                return limit
        for _, gate in function.gates:
            spend(gate, now)
        return None

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
        """Serve an event's attempt in the given environment; unless it waits for calls all about it is decided here."""
        function = event.function
        plan = function.plan
        draw = drawn(event)
        if environment.number < 0:
            environment.number = self.environments_created
            self.environments_created += 1
            environment.speed = draw[_SPEED]
        handler_us, fault = draw[_HANDLER], draw[_FAULT]
        if plan.draws.speeds_differ:
            handler_us = drawn_handler_us(event, environment.speed)
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

        run = Run(
            event, environment, start, now, placement_us, init_us, init_again_us, fault, draw[_POST_RESPONSE],
            draw[_KEEP_ALIVE], event.attempts, self.in_progress(function),
        )  # fmt: skip
        steps: list[Step] = []
        if self.calls is not None:
            self.calls.hold_chains(run)
            steps = self.calls.steps_of(event) if handler_us <= plan.timeout_us else []
        event.runs += 1
        if self.calls is not None and steps:
            if self.calls.waits(steps):
                self.calls.hold(run, steps, handler_us)
                return
            self.calls.make_later(event, steps, run.handler_starts_us + handler_us)
        self.settle(run, handler_us, fault)

    def settle(self, run: Run, handler_us: int, answer: int) -> None:
        """Decide how a run ends whose handler takes so long, write its record and let it end."""
        event, environment, now = run.event, run.environment, run.start_us
        function, plan = event.function, event.function.plan
        # The answer, if the handler lives to give one, comes before what follows it; the timeout cuts both.
        answer = _TIMED_OUT if handler_us > plan.timeout_us else answer
        post_response_us = run.post_response_us if answer in _ANSWERED else 0
        init_again_us = run.init_again_us
        duration_us, outcome = handler_us + post_response_us, answer
        if answer == _TIMED_OUT or duration_us > plan.timeout_us:
            duration_us, outcome = plan.timeout_us, _TIMED_OUT
            init_again_us = min(init_again_us, duration_us)
            post_response_us = duration_us - handler_us if answer in _ANSWERED else 0
        event.outcome = outcome
        end_us = run.handler_starts_us + duration_us
        run.answered_us = end_us - post_response_us

        broken = outcome not in _ANSWERED
        environment.was_reset = broken and self.plan.after_failure is AfterFailure.INIT_INSIDE
        replaced = broken and self.plan.after_failure is AfterFailure.REPLACED
        stays = end_us < environment.retires_us and not replaced
        environment.warm_until_us = min(end_us + run.keep_alive_us, environment.retires_us) if stays else 0
        Moment(self.sim, end_us - self.now_us, COMPLETION, run, self._complete)

        client_has_gone = run.final is not None
        final = run.final
        if final is None:
            final = self.retries.after_run(event, answer, outcome, now, end_us, run.answered_us)
        counted = function.source.as_counted(outcome) if function.source is not None else outcome
        values = (
            function.rank, event.invocation, run.attempt, event.arrival_us, now, run.placement_us, run.init_us,
            duration_us, init_again_us, post_response_us, run.start, counted, Limit.NONE, environment.number, final,
            *run.in_progress, event.call.number if event.call is not None else 0,
        )  # fmt: skip
        if self.calls is None:
            self.records.write(*values)
            return
        policy = event.policy
        ended_us = run.answered_us if policy.synchronous else end_us
        if final is EventOutcome.CLIENT_TIMEOUT:
            ended_us = now + policy.client_timeout_us
        self._record(event, values, final, EventOutcome.CLIENT_TIMEOUT, ended_us, run.row, client_has_gone)

    def _record(
        self,
        event: Event,
        values: tuple[int, ...],
        final: EventOutcome,
        otherwise: EventOutcome,
        ended_us: int,
        row: Row | None = None,
        is_told: bool = False,
    ) -> None:
        """Write an attempt's record, and report an event's end.

        Of an event for whose answer a run waits, another attempt may yet be dropped with that run: the record then waits
        to be told whether it was the last, and so has the outcome ``otherwise``.
        """
        may_be_dropped = final is EventOutcome.PENDING and event.waiter is not None
        if row is None and not may_be_dropped:
            self.records.write(*values)
        else:
            row = row or self.records.keep()
            row.fill(*values)
            if may_be_dropped and not is_told:
                event.unresolved = (row, otherwise)
            elif not may_be_dropped:
                row.resolve(final)
        if self.calls is not None and not is_told and final not in _GOES_ON:
            self.calls.event_ended(event, final, ended_us)

    def in_progress(self, function: FunctionState) -> tuple[int, int, int, int]:
        """Count executions: the function's, its provisioned ones, the account's, those in the unreserved pool."""
        function = function.owner
        provisioned = function.provisioned_in_use
        return function.on_demand_in_use + provisioned, provisioned, self.account_in_use, self.pool_in_use

    def _complete(self, moment: Moment) -> None:
        """Give back what an attempt held."""
        run: Run = moment.about
        function = run.event.function
        self.account_in_use -= 1
        self._leave(function.owner, run.environment)
        if self.calls is not None:
            self.calls.release_chains(run)
        if function.source is not None:
            function.source.free(run.event)

    def _leave(self, function: FunctionState, environment: ExecutionEnvironment) -> None:
        """Let an environment idle, or end."""
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

    def _refuse(self, event: Event, limit: Limit, now: int) -> None:
        """Record an attempt that found no room, and decide on its retry."""
        outcome = Outcome.THROTTLED
        if limit is Limit.PAYLOAD:
            outcome, final = Outcome.REJECTED, EventOutcome.REJECTED
        elif event.function.source is not None:
            final = event.function.source.after_refusal(event, limit)
        else:
            final = self.retries.after_refusal(event, now)
        values = (
            event.function.rank, event.invocation, event.attempts, event.arrival_us, now, 0, 0, 0, 0, 0,
            StartType.NONE, outcome, limit, -1, final, *self.in_progress(event.function),
            event.call.number if event.call is not None else 0,
        )  # fmt: skip
        self._record(event, values, final, EventOutcome.THROTTLED, now)

    def retry(self, moment: Moment) -> None:
        """Try again what the moment is about."""
        event: Event = moment.about
        if event.unresolved is not None and self.calls is not None and self.calls.give_up(event):
            return
        if not self.retries.waits_its_turn(event):
            self.attempt(event)

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


_HANDLER, _POST_RESPONSE, _SPEED, _FIRST_RUN, _PLACEMENT, _INIT, _FAULT, _KEEP_ALIVE, _TOO_LARGE = range(
    len(COLUMNS)
)
_GOES_ON: Final = frozenset({EventOutcome.PENDING, EventOutcome.BATCH})
_TIMED_OUT: Final = int(Outcome.TIMEOUT)
_ANSWERED: Final = frozenset({int(Outcome.COMPLETED), int(Outcome.FUNCTION_ERROR)})


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
