"""Calls between functions in the reference engine: what a run calls, who waits for what, loops, and whole chains.

Follow one run: `steps_of` draws what it will call. Without calls that wait its end is known when it begins, and
`make_later` makes its calls at the end of its own work. Otherwise `hold` keeps the run open: `_go_on` makes one call
after the other, `answered` takes their answers, and `_end` hands the run back to the engine when the last has come or
one has failed; `_cut` does, where the function's timeout comes first.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np

from lambdasim.engine.chains import CALL_COUNTERS, number_of_call, too_many_calls, was_made
from lambdasim.engine.contract import (
    CallKind,
    CallMoment,
    CallPlan,
    CallRules,
    EventOutcome,
    FunctionPlan,
    Invoker,
    Limit,
    Outcome,
    Plan,
    StartType,
    calls_of_plan,
)
from lambdasim.engine.reference.retries import Retries
from lambdasim.engine.reference.state import (
    CALL,
    COMPLETION,
    DEADLINE,
    Chain,
    Event,
    FunctionState,
    Run,
    Waiter,
)
from lambdasim.engine.reference.writers import ChainWriter, RecordWriter


class Host(Protocol):
    """The run of an engine that calls belong to."""

    plan: Plan
    records: RecordWriter
    functions: list[FunctionState]
    retries: Retries

    @property
    def now_us(self) -> int:
        """The present moment."""
        ...

    def at(self, time_us: int, priority: int, action: Callable[[Any], None], about: Any) -> None:
        """Let something happen at a moment, in its place among the simultaneous."""
        ...

    def arrive(self, event: Event) -> None:
        """Try to serve what arrived, or put it on a lane."""
        ...

    def settle(self, run: Run, handler_us: int, answer: int) -> None:
        """End a run whose handler has taken so long."""
        ...

    def in_progress(self, function: FunctionState) -> tuple[int, int, int, int]:
        """Count executions."""
        ...


@dataclass(slots=True, eq=False)
class Maker:
    """What makes a call: an event or an item in one of its runs."""

    number: int
    run: int
    chain: Chain | None
    passes: tuple[tuple[int, int], ...]


@dataclass(slots=True, eq=False)
class Step:
    """Calls that are made together: one that waits, several at once, or events."""

    call: CallPlan
    maker: Maker
    first: int
    count: int


@dataclass(slots=True, eq=False)
class OpenRun:
    """A run that makes calls and waits for answers."""

    calls: Calls
    run: Run
    steps: list[Step]
    place: int = 0
    waits_for: int = 0
    asked_us: int = 0
    failed: bool = False
    ended: bool = False
    known: dict[int, bool] = field(default_factory=dict)

    def answered(self, final: EventOutcome, outcome: int) -> None:
        """Take an answer, and go on when it was the last."""
        self.calls.answered(self, final is EventOutcome.SUCCEEDED)


class Calls:
    """What functions of a run call, and the chains that follow.

    Parameters
    ----------
    host : Host
    """

    def __init__(self, host: Host) -> None:
        self.host = host
        self._rules = host.plan.calls or CallRules()
        size = len(calls_of_plan(host.plan)) + 1
        self.counts: dict[str, list[int]] = {name: [0] * size for name in CALL_COUNTERS}
        self.chains = ChainWriter(self._counted)
        self._begun = self._open = self._called = 0

    def _counted(self) -> tuple[dict[str, Any], int, int]:
        counts = {name: np.array(counted, dtype=np.int64) for name, counted in self.counts.items()}
        return counts, self._begun, self._open

    # Chains

    def begin(self, event: Event) -> None:
        """Let a chain begin with what arrived by traffic."""
        event.chain = self.begin_chain(event.function.rank, event.invocation, event.arrival_us)
        event.passes = ((event.function.owner.rank, 1),)

    def begin_chain(self, rank: int, number: int, time_us: int) -> Chain:
        """Let a chain begin, with one event in it."""
        chain = Chain(rank, number, time_us)
        self._begun += 1
        self._open += 1
        self.join(chain)
        return chain

    def end_chain(self, chain: Chain, time_us: int, failed: bool) -> None:
        """Count out what a chain began with."""
        chain.failed += failed
        self._leave(chain, time_us)

    def join(self, chain: Chain | None) -> None:
        """Count an event or an item into its chain."""
        if chain is not None:
            chain.open += 1
            chain.events += 1

    def hold_chains(self, run: Run) -> None:
        """Let a run keep its chains open."""
        run.chains = self._chains_of(run.event)
        for chain in run.chains:
            chain.open += 1

    def release_chains(self, run: Run) -> None:
        """Count a run that has ended out of its chains."""
        for chain in run.chains:
            self._leave(chain, run.answered_us)

    def _chains_of(self, event: Event) -> list[Chain]:
        if event.function.source is None:
            return [] if event.chain is None else [event.chain]
        parts = event.function.source.parts(event)
        return [part.chain for part in parts if part.chain is not None and not part.done]

    def _leave(self, chain: Chain, time_us: int) -> None:
        chain.open -= 1
        chain.last_us = max(chain.last_us, time_us)
        if not chain.open:
            self._open -= 1
            self.chains.write(
                chain.rank, chain.invocation, chain.arrival_us, chain.last_us, chain.events, chain.failed
            )

    def item_ended(self, chain: Chain | None, call: CallPlan | None, succeeded: bool, time_us: int) -> None:
        """Count out an item of a queue or a stream."""
        if call is not None:
            self.counts["succeeded" if succeeded else "failed"][call.number] += 1
        if chain is not None:
            chain.failed += not succeeded
            self._leave(chain, time_us)

    def event_ended(self, event: Event, final: EventOutcome, time_us: int) -> None:
        """Follow an event's final outcome: answer its caller, send to its destinations, count it out of its chain."""
        succeeded = final is EventOutcome.SUCCEEDED
        if event.call is not None:
            self.counts["succeeded" if succeeded else "failed"][event.call.number] += 1
        if event.waiter is not None:
            waiter = event.waiter
            self.host.at(time_us, COMPLETION, lambda _: waiter.answered(final, event.outcome), None)
        if event.policy.invoker is Invoker.QUEUE:
            self._to_destinations(event, succeeded, time_us)
        if event.chain is not None:
            event.chain.failed += not succeeded
            self._leave(event.chain, time_us)

    def _to_destinations(self, event: Event, succeeded: bool, time_us: int) -> None:
        moment = CallMoment.SUCCEEDED if succeeded else CallMoment.FAILED
        maker = Maker(event.invocation, event.runs, event.chain, event.passes)
        self._send(event.function.plan, moment, maker, time_us)

    def given_up(self, plan: FunctionPlan, maker: Maker) -> None:
        """Send a dead letter of a queue, or word of a stream's batch that was given up, to who reads it."""
        self._send(plan, CallMoment.FAILED, maker, self.host.now_us)

    def _send(self, plan: FunctionPlan, moment: CallMoment, maker: Maker, time_us: int) -> None:
        steps = [
            Step(call, maker, 0, call.count)
            for call in plan.calls
            if call.moment is moment and self._is_made(call, maker)
        ]
        if steps:
            self._make_at(time_us, steps, [maker.chain] if maker.chain is not None else [])

    # What a run calls

    def steps_of(self, event: Event) -> list[Step]:
        """Draw what an event's next run will call."""
        plan = event.function.plan
        if not any(call.moment is CallMoment.RUN for call in plan.calls):
            return []
        steps: list[Step] = []
        for maker in self._makers(event):
            for call in plan.calls:
                if call.moment is CallMoment.RUN and self._is_made(call, maker):
                    alone = call.kind is CallKind.WAITING and not call.at_once
                    steps += (
                        [Step(call, maker, place, 1) for place in range(call.count)]
                        if alone
                        else [Step(call, maker, 0, call.count)]
                    )
        return steps

    def _makers(self, event: Event) -> list[Maker]:
        source = event.function.source
        if source is None:
            return [Maker(event.invocation, event.runs, event.chain, event.passes)]
        return [
            Maker(item.number, item.receives, None if item.done else item.chain, item.passes_through)
            for item in source.parts(event)
        ]

    @staticmethod
    def _is_made(call: CallPlan, maker: Maker) -> bool:
        return was_made(call.key, maker.number, maker.run, call.probability)

    def waits(self, steps: list[Step]) -> bool:
        """Return whether any of a run's calls waits for an answer."""
        return any(step.call.kind is CallKind.WAITING for step in steps)

    def make_later(self, event: Event, steps: list[Step], time_us: int) -> None:
        """Make calls that nobody waits for."""
        self._make_at(time_us, steps, self._chains_of(event))

    def _make_at(self, time_us: int, steps: list[Step], chains: list[Chain]) -> None:
        for chain in chains:
            chain.open += 1

        def make(_moment: Any) -> None:
            for step in steps:
                self.make(step, None)
            for chain in chains:
                self._leave(chain, self.host.now_us)

        self.host.at(time_us, CALL, make, None)

    def hold(self, run: Run, steps: list[Step], own_us: int) -> None:
        """Keep a run open that will wait for answers after its own work."""
        run.row = self.host.records.keep()
        source = run.event.function.source
        if source is not None:
            source.hold_open(run.event)
        waiting = OpenRun(self, run, steps)
        timeout_us = run.event.function.plan.timeout_us
        self.host.at(run.handler_starts_us + own_us, CALL, lambda _: self._go_on(waiting), None)
        self.host.at(run.handler_starts_us + timeout_us, DEADLINE, lambda _: self._cut(waiting), None)
        policy = run.event.policy
        gone_us = run.start_us + policy.client_timeout_us
        if policy.invoker is Invoker.CLIENT and gone_us < run.handler_starts_us + timeout_us:
            self.host.at(gone_us, DEADLINE, lambda _: self._client_goes(waiting), None)

    def _go_on(self, waiting: OpenRun) -> None:
        """Make the next calls of a run, up to one that waits."""
        now = self.host.now_us
        while not waiting.ended and not waiting.waits_for:
            if waiting.place == len(waiting.steps):
                self._end(waiting)
                return
            step = waiting.steps[waiting.place]
            waiting.place += 1
            if step.call.kind is not CallKind.WAITING:
                self.make(step, None)
                continue
            waiting.asked_us, waiting.waits_for = now, step.count
            self.make(step, waiting)

    def answered(self, waiting: OpenRun, succeeded: bool) -> None:
        """Take an answer; when it was the last of its step, go on, or fail."""
        if waiting.ended:
            return
        call = waiting.steps[waiting.place - 1].call
        waiting.waits_for -= 1
        waiting.failed |= call.fails_run and not succeeded
        if waiting.waits_for:
            return
        self.counts["waited_us"][call.number] += self.host.now_us - waiting.asked_us
        if waiting.failed:
            self._end(waiting)
        else:
            self._go_on(waiting)

    def _end(self, waiting: OpenRun) -> None:
        """End a run that has made its calls, or of which one failed."""
        waiting.ended = True
        run = waiting.run
        answer = int(Outcome.FUNCTION_ERROR) if waiting.failed else run.fault
        self.host.settle(run, self.host.now_us - run.handler_starts_us, answer)

    def _cut(self, waiting: OpenRun) -> None:
        """End a run at its function's timeout."""
        if waiting.ended:
            return
        waiting.ended = True
        run = waiting.run
        if waiting.waits_for:
            call = waiting.steps[waiting.place - 1].call
            self.counts["waited_us"][call.number] += self.host.now_us - waiting.asked_us
        self.host.settle(run, run.event.function.plan.timeout_us + 1, int(Outcome.TIMEOUT))

    def _client_goes(self, waiting: OpenRun) -> None:
        """Let the client of an open run give up, while the run goes on."""
        if waiting.ended:
            return
        run = waiting.run
        if run.event.waiter is not None and run.event.waiter.ended:
            run.final = EventOutcome.CLIENT_TIMEOUT
        else:
            run.final = self.host.retries.silence(run.event, self.host.now_us)
        if run.final is EventOutcome.PENDING and run.event.waiter is not None:
            assert run.row is not None  # noqa: S101 - open runs keep theirs
            run.event.unresolved = (run.row, EventOutcome.CLIENT_TIMEOUT)
        elif run.final is not EventOutcome.PENDING:
            self.event_ended(run.event, run.final, self.host.now_us)

    def give_up(self, event: Event) -> bool:
        """Resolve the last attempt of an event; return whether its caller's run has ended, so that none follows."""
        if event.unresolved is None:
            return False
        row, outcome = event.unresolved
        event.unresolved = None
        assert event.waiter is not None and event.call is not None  # noqa: S101, PT018 - only such are unresolved
        if not event.waiter.ended:
            row.resolve(EventOutcome.PENDING)
            return False
        row.resolve(outcome)
        self.counts["abandoned"][event.call.number] += 1
        self.event_ended(event, outcome, self.host.now_us)
        return True

    # Making calls

    def make(self, step: Step, waiter: Waiter | None) -> None:
        """Make calls, for which somebody may wait."""
        call, maker, now = step.call, step.maker, self.host.now_us
        function = self.host.functions[call.callee]
        passes, too_often = self._passes(call, maker)
        for place in range(step.first, step.first + step.count):
            if call.is_endless and now + call.delay_us >= self._rules.ends_us:
                self.counts["cut"][call.number] += 1
                if waiter is not None:
                    self.host.at(now, COMPLETION, lambda _: waiter.answered(EventOutcome.FAILED, 0), None)
                continue
            self._count_made(call)
            self.join(maker.chain)
            number = number_of_call(call.key, maker.number, maker.run, place)
            event = Event(
                function, number, now + call.delay_us, None, call=call, chain=maker.chain, passes=passes, waiter=waiter
            )  # fmt: skip
            if too_often:
                self._stop(event)
            else:
                self.host.at(now + call.delay_us, CALL, self._arrive, event)

    def _arrive(self, moment: Any) -> None:
        self.host.arrive(moment.about)

    def _count_made(self, call: CallPlan) -> None:
        self.counts["made"][call.number] += 1
        self._called += 1
        most = self._rules.most_called
        if self._called > most:
            called = self.host.functions[call.callee].plan.name
            raise too_many_calls(most, self.host.now_us, called)

    def _passes(self, call: CallPlan, maker: Maker) -> tuple[tuple[tuple[int, int], ...], bool]:
        """Count another pass of a chain through a function; return whether loop detection stops it."""
        through = self.host.functions[call.callee].owner
        if not call.is_traced:
            return ((through.rank, 1),), False
        before = dict(maker.passes)
        before[through.rank] = before.get(through.rank, 0) + 1
        return tuple(before.items()), through.plan.stops_loops and before[
            through.rank
        ] > self._rules.most_passes

    def _stop(self, event: Event) -> None:
        """Record a call that loop detection stopped."""
        call, now = event.call, self.host.now_us
        assert call is not None  # noqa: S101 - it is a call
        self.counts["stopped"][call.number] += 1
        if event.function.source is None:
            self.host.records.write(
                event.function.rank, event.invocation, 0, event.arrival_us, now, 0, 0, 0, 0, 0, StartType.NONE,
                Outcome.REJECTED, Limit.LOOP, -1, EventOutcome.REJECTED, *self.host.in_progress(event.function),
                call.number,
            )  # fmt: skip
        self.event_ended(event, EventOutcome.REJECTED, now)
