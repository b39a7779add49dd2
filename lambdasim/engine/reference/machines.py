"""State machines in the reference engine: an interpreter of their states, one SimPy process for each line of them.

Follow one execution: `start` lets `_execution` run its section, and `_line` goes from state to state. `_attempt` does
what a state does: a task calls its function and waits; a map and a parallel state start lines of their own, and wait for
all of them or for the first that fails. `_recover` finds the retrier or the catcher for an error.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from dataclasses import dataclass, field
from functools import partial
from hashlib import blake2b
from struct import pack
from typing import Any, Final

import numpy as np
import simpy

from lambdasim.draws.laws import Constant, DrawLaw
from lambdasim.engine.chains import ExecutionOutcome
from lambdasim.engine.contract import NEVER, EventOutcome, Outcome, Plan
from lambdasim.engine.machines import (
    MachinePlan,
    Retrier,
    Section,
    StateKind,
    StatePlan,
)
from lambdasim.engine.reference.calls import Calls, Maker, Step
from lambdasim.engine.reference.state import ARRIVAL, DEADLINE, Chain, Moment
from lambdasim.engine.reference.writers import ExecutionWriter
from lambdasim.errors import InputError

_ALL, _TASK_FAILED, _TIMEOUT = "States.ALL", "States.TaskFailed", "States.Timeout"
_MOST_TRANSITIONS: Final = 1_000_000
_TOO_MANY_FAILED: Final = "States.ExceedToleratedFailureThreshold"
_STARTED_AND_ENDED: Final = 2
_TIMED_OUT_ONLY: Final = frozenset({_TIMEOUT})
Line = Generator[simpy.Event, Any, str]


@dataclass(slots=True, eq=False)
class Execution:
    """One execution of a machine."""

    machine: MachinePlan
    rank: int
    number: int
    start_us: int
    chain: Chain
    transitions: int = 0
    history: int = 0
    retries: int = 0
    outcome: ExecutionOutcome | None = None
    parent: Thread | None = None
    on_end: Callable[[bool], None] | None = None
    children: dict[int, Execution] = field(default_factory=dict)


@dataclass(slots=True, eq=False)
class Thread:
    """A line of states of an execution; ``stopped`` when another has failed beside it."""

    execution: Execution
    number: int
    parent: Thread | None = None
    steps: int = 0
    stopped: bool = False

    def is_stopped(self) -> bool:
        """Return whether it, or what it belongs to, goes on no further."""
        return (
            self.stopped
            or self.execution.outcome is not None
            or (self.parent is not None and self.parent.is_stopped())
        )


@dataclass(slots=True, eq=False)
class TaskWaiter:
    """Waits for the answer of a task's function."""

    event: simpy.Event
    thread: Thread
    error: str = ""

    @property
    def ended(self) -> bool:
        """Whether nobody waits any more."""
        return self.thread.is_stopped()

    def answered(self, final: EventOutcome, outcome: int) -> None:
        """Take the answer, and let the line go on."""
        self.error = error_of(final, outcome)
        self.event.succeed()


def error_of(final: EventOutcome, outcome: int) -> str:
    """Name the error of a task as Step Functions does; empty for none.

    Parameters
    ----------
    final : EventOutcome
    outcome : int
        ``Outcome`` of the last run.

    Returns
    -------
    str

    References
    ----------
    AWS Step Functions Developer Guide, Handling errors: timeouts and running out of memory of a function arrive as
    Lambda.Unknown.
    """
    match final:
        case EventOutcome.SUCCEEDED:
            return ""
        case EventOutcome.THROTTLED:
            return "Lambda.TooManyRequestsException"
        case EventOutcome.CLIENT_TIMEOUT:
            return _TIMEOUT
        case EventOutcome.REJECTED:
            return "States.DataLimitExceeded"
        case _:
            return "Error" if outcome == Outcome.FUNCTION_ERROR else "Lambda.Unknown"


def matches(errors: frozenset[str], error: str) -> bool:
    """Return whether ErrorEquals of a rule names an error.

    Parameters
    ----------
    errors : frozenset of str
    error : str

    Returns
    -------
    bool

    Examples
    --------
    >>> matches(frozenset({"States.TaskFailed"}), "Lambda.Unknown"), matches(frozenset({"Error"}), "Lambda.Unknown")
    (True, False)
    """
    if error in errors:
        return True
    if error in ("States.DataLimitExceeded", "States.Runtime"):
        return False
    return _ALL in errors or (_TASK_FAILED in errors and error not in _TIMED_OUT_ONLY)


class Machines:
    """The state machines of a run.

    Parameters
    ----------
    sim : simpy.Environment
    calls : Calls
    writer : ExecutionWriter
    plan : Plan
    """

    def __init__(self, sim: simpy.Environment, calls: Calls, writer: ExecutionWriter, plan: Plan) -> None:
        self._sim = sim
        self._calls = calls
        self._writer = writer
        self._functions = len(plan.functions)  # chains of machines are numbered after them
        self._plans = plan.machines
        self._started = [0] * len(plan.machines)

    @property
    def _now_us(self) -> int:
        now: int = self._sim.now  # type: ignore[assignment]
        return now

    def traffic(self, rank: int, machine: MachinePlan) -> Generator[simpy.Event, Any, None]:
        """Let executions start, each in its own moment."""
        number = 0
        for chunk in machine.arrivals():
            for time_us in chunk.tolist():
                yield Moment(self._sim, time_us - self._now_us, ARRIVAL)
                self.start(rank, machine, number)
                number += 1

    def start(self, rank: int, machine: MachinePlan, number: int) -> None:
        """Start an execution."""
        chain = self._calls.begin_chain(self._functions + rank, number, self._now_us)
        self._sim.process(self._execution(Execution(machine, rank, number, self._now_us, chain)))

    def _execution(self, execution: Execution) -> Generator[simpy.Event, Any, None]:
        machine = execution.machine
        execution.transitions, execution.history = 2, 2
        if machine.most_us < NEVER:
            Moment(self._sim, machine.most_us, DEADLINE, execution, self._cut)
        number = _hashed(machine.key, execution.number, 0, 0)
        error = yield from self._line(Thread(execution, number, execution.parent), machine.section)
        if execution.outcome is None:
            self._end(execution, ExecutionOutcome.FAILED if error else ExecutionOutcome.SUCCEEDED)

    def _cut(self, moment: Moment) -> None:
        execution: Execution = moment.about
        if execution.outcome is None:
            self._end(execution, ExecutionOutcome.TIMED_OUT)

    def _end(self, execution: Execution, outcome: ExecutionOutcome) -> None:
        execution.outcome = outcome
        for child in tuple(execution.children.values()):
            self._end(child, ExecutionOutcome.FAILED)
        self._writer.write(
            execution.rank, execution.number, execution.start_us, self._now_us, execution.transitions,
            execution.history, execution.retries, outcome,
        )  # fmt: skip
        failed = outcome is not ExecutionOutcome.SUCCEEDED
        if execution.on_end is not None:
            execution.on_end(failed)
        else:
            self._calls.end_chain(execution.chain, self._now_us, failed)

    def _line(self, thread: Thread, section: Section) -> Line:
        """Go from state to state; give the error at the end, empty for none."""
        place = section.start
        while place >= 0 and not thread.is_stopped():
            state = section.states[place]
            self._count(thread, transitions=1, events=1)
            used = [0] * len(state.retriers)
            while not thread.is_stopped():
                thread.steps += 1
                error, following = yield from self._attempt(thread, state)
                if not error or thread.is_stopped():
                    break
                wait_us, following = self._recover(thread, state, error, used)
                if wait_us < 0:
                    break
                thread.execution.retries += 1
                self._count(thread, transitions=1, events=0)
                if wait_us:
                    yield self._sim.timeout(wait_us)
            if thread.is_stopped():
                break
            if error and following < 0:
                return error
            if state.kind is not StateKind.FAIL:
                self._count(thread, transitions=0, events=1)
            place = following
        return ""

    def _count(self, thread: Thread, transitions: int, events: int) -> None:
        """Count transitions and events; an execution whose history is full has failed."""
        execution = thread.execution
        if execution.outcome is not None:
            return
        execution.transitions += transitions
        execution.history += events
        if execution.transitions > _MOST_TRANSITIONS:
            name = execution.machine.name
            raise InputError.single(
                "simulate",
                f"state_machines {name}",
                f"an execution made more than {_MOST_TRANSITIONS:,} transitions",
            )
        if execution.history >= execution.machine.most_history:
            self._end(execution, ExecutionOutcome.HISTORY)

    def _recover(self, thread: Thread, state: StatePlan, error: str, used: list[int]) -> tuple[int, int]:
        """Find what answers an error: the wait before a retry, or -1 and where to go on, -1 for nowhere."""
        for number, retrier in enumerate(state.retriers):
            if matches(retrier.errors, error):
                if used[number] < retrier.attempts:
                    used[number] += 1
                    return self._wait_us(thread, retrier, used[number] - 1), -1
                break
        for errors, place in state.catchers:
            if matches(errors, error):
                return -1, place
        return -1, -1

    def _wait_us(self, thread: Thread, retrier: Retrier, before: int) -> int:
        wait_us = min(retrier.first_us * retrier.rate**before, retrier.most_us)
        if retrier.jittered:
            wait_us *= _hashed(thread.execution.machine.key, thread.number, thread.steps, 1) / (1 << 62)
        return round(wait_us)

    def _attempt(self, thread: Thread, state: StatePlan) -> Generator[simpy.Event, Any, tuple[str, int]]:
        """Do what a state does, once; give its error, and the place of the state that follows."""
        match state.kind:
            case StateKind.TASK if state.call is not None:
                self._count(thread, 0, thread.execution.machine.events_of_a_task - 2)
                if thread.is_stopped():
                    return "", -1
                waiter = TaskWaiter(self._sim.event(), thread)
                maker = Maker(thread.number, thread.steps, thread.execution.chain, ())
                self._calls.make(Step(state.call, maker, 0, 1), waiter)
                asked_us = self._now_us
                yield waiter.event
                self._calls.counts["waited_us"][state.call.number] += self._now_us - asked_us
                return waiter.error, state.following
            case StateKind.TASK | StateKind.WAIT:
                if state.kind is StateKind.TASK:
                    self._count(thread, 0, thread.execution.machine.events_of_a_task - 2)
                took_us = self._drawn_us(thread, state.law)
                if allowed_us := min(took_us, state.timeout_us):
                    yield self._sim.timeout(allowed_us)
                return _TIMEOUT if took_us > state.timeout_us else "", state.following
            case StateKind.CHOICE:
                luck = _hashed(thread.execution.machine.key, thread.number, thread.steps, 2) / (1 << 62)
                reached = (place for share, place in state.targets if luck < share)
                return "", next(reached, state.targets[-1][1])
            case StateKind.MAP if state.child >= 0:
                error = yield from self._distribute(thread, state)
                return error, state.following
            case StateKind.PARALLEL | StateKind.MAP:
                error = yield from self._side_by_side(thread, state)
                return error, state.following
            case StateKind.FAIL:
                return state.error, -1
            case StateKind.SUCCEED:
                return "", -1
            case _:
                return "", state.following

    def _drawn_us(self, thread: Thread, law: DrawLaw | None) -> int:
        if law is None or isinstance(law, Constant):
            return law.value if law is not None else 0
        bits = _hashed(thread.execution.machine.key, thread.number, thread.steps, 3) << 2
        return int(law.values(np.array([bits], dtype=np.uint64))[0])

    def _side_by_side(self, thread: Thread, state: StatePlan) -> Line:
        """Run branches, or items so many at once; give the first error."""
        is_map = state.kind is StateKind.MAP
        self._count(thread, 0, _STARTED_AND_ENDED)
        waiting = list(range(state.items if is_map else len(state.sections)))[::-1]
        if not waiting:
            return ""
        at_once = state.most_at_once if is_map else len(waiting)
        group = Thread(thread.execution, thread.number, thread)
        done = self._sim.event()
        left = len(waiting)
        found = ""

        def line(place: int) -> Generator[simpy.Event, Any, None]:
            nonlocal left, found
            number = _hashed(thread.execution.machine.key, thread.number, thread.steps, 4 + place)
            section = state.sections[0 if is_map else place]
            self._count(thread, 0, _STARTED_AND_ENDED if is_map else 0)
            error = yield from self._line(Thread(thread.execution, number, group), section)
            if group.is_stopped():
                return
            left -= 1
            if error:
                found, group.stopped = error, True
                done.succeed()
            elif not left:
                done.succeed()
            elif waiting:
                self._sim.process(line(waiting.pop()))

        for _ in range(min(at_once, len(waiting))):
            self._sim.process(line(waiting.pop()))
        yield done
        return found

    def _distribute(self, thread: Thread, state: StatePlan) -> Line:
        """Start an execution for each batch of a distributed map's items, so many at once; give its error.

        The map's own history has no more than that it and its run started and ended.
        """
        self._count(thread, 0, 2 * _STARTED_AND_ENDED)
        waiting = list(range(state.items))[::-1]
        if not waiting or thread.is_stopped():
            return ""
        group = Thread(thread.execution, thread.number, thread)
        done = self._sim.event()
        failures, left = 0, len(waiting)

        def start() -> None:
            waiting.pop()
            machine, number = self._plans[state.child], self._started[state.child]
            self._started[state.child] += 1
            parent = thread.execution
            child = Execution(machine, state.child, number, self._now_us, parent.chain, parent=group)
            child.on_end = partial(ended, child)
            parent.children[id(child)] = child
            self._sim.process(self._execution(child))

        def ended(child: Execution, failed: bool) -> None:
            nonlocal failures, left
            del thread.execution.children[id(child)]
            if group.is_stopped():
                return
            failures += failed
            left -= 1
            if failures > state.tolerated:
                group.stopped = True
                for other in tuple(thread.execution.children.values()):
                    if other.parent is group:
                        self._end(other, ExecutionOutcome.FAILED)
                done.succeed()
            elif waiting:
                start()
            elif not left:
                done.succeed()

        for _ in range(min(state.most_at_once, len(waiting))):
            start()
        yield done
        return _TOO_MANY_FAILED if failures > state.tolerated else ""


def _hashed(key: bytes, number: int, step: int, what: int) -> int:
    """Give 62 random bits of a line's step."""
    digest = blake2b(pack("<QQQ", number, step, what), digest_size=8, key=key).digest()
    return int.from_bytes(digest, "little") >> 2
