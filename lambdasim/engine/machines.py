"""State machines as engines run them: states in whole numbers, and what is written of each execution."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from lambdasim.draws.laws import DrawLaw
from lambdasim.engine.callers import NEVER, CallPlan


class StateKind(IntEnum):
    """What a state does."""

    TASK = 0
    PASS = 1
    WAIT = 2
    CHOICE = 3
    SUCCEED = 4
    FAIL = 5
    PARALLEL = 6
    MAP = 7


@dataclass(frozen=True)
class Retrier:
    """A rule of Retry.

    Attributes
    ----------
    errors : frozenset of str
    first_us, most_us : int
        Wait before the first retry, and the longest.
    attempts : int
    rate : float
        By what each wait is longer than the one before.
    jittered : bool
        The wait is drawn between 0 and that value.
    """

    errors: frozenset[str]
    first_us: int
    most_us: int
    attempts: int
    rate: float
    jittered: bool


@dataclass(frozen=True, eq=False)
class StatePlan:
    """One state.

    Attributes
    ----------
    name : str
    kind : StateKind
    following : int
        Place of the next state in its section; -1 at the end.
    call : CallPlan or None
        Of a task that invokes a function.
    law : DrawLaw or None
        How long another task, or a wait, takes [µs].
    timeout_us : int
        How long such a task may take; NEVER for no limit.
    targets : tuple of (float, int)
        Of a choice: share of executions up to and with this target, and its place.
    sections : tuple of Section
        Branches, or what a map does with each item.
    items, most_at_once : int
        Of a map, whose items, or batches of them, are worked on so many at once.
    child : int
        Of a distributed map, the place in the plan of the machine that each of its batches is an execution of; else -1.
    tolerated : int
        Of a distributed map, executions that may fail without it failing.
    retriers : tuple of Retrier
    catchers : tuple of (frozenset of str, int)
    error : str
        Of a state that fails.
    """

    name: str
    kind: StateKind
    following: int
    call: CallPlan | None = None
    law: DrawLaw | None = None
    timeout_us: int = NEVER
    targets: tuple[tuple[float, int], ...] = ()
    sections: tuple[Section, ...] = ()
    items: int = 0
    most_at_once: int = 1
    child: int = -1
    tolerated: int = 0
    retriers: tuple[Retrier, ...] = ()
    catchers: tuple[tuple[frozenset[str], int], ...] = ()
    error: str = ""


@dataclass(frozen=True, eq=False)
class Section:
    """States that follow one another: a whole definition, a branch, or a map's processor.

    Attributes
    ----------
    states : tuple of StatePlan
    start : int
    """

    states: tuple[StatePlan, ...]
    start: int

    def calls(self) -> list[CallPlan]:
        """Give the calls of its states and of those within, in order."""
        found = []
        for state in self.states:
            found += [state.call] if state.call is not None else []
            for inner in state.sections:
                found += inner.calls()
        return found


@dataclass(frozen=True, eq=False)
class MachinePlan:
    """A state machine.

    Attributes
    ----------
    name : str
    key : bytes
        What its draws belong to.
    arrivals : callable
        Gives chunks of the times at which executions start [µs], in order.
    section : Section
    most_us : int
        How long an execution may last; NEVER for no limit.
    most_history : int
        Events of history, likewise.
    events_of_a_task : int
        Events of history that a task which invokes a function writes, entering and leaving included.
    memory_mb : int
        For which an express execution pays; 0 for a standard one.
    durable : int
        Place of the durable function whose executions these are; -1 for none.
    is_child : bool
        Whether a distributed map starts its executions, and no traffic does.
    """

    name: str
    key: bytes
    arrivals: Callable[[], Iterator[NDArray[np.int64]]]
    section: Section
    most_us: int
    most_history: int
    events_of_a_task: int
    memory_mb: int
    durable: int = -1
    is_child: bool = False
