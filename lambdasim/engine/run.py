"""Chooses an engine and runs a plan on it."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import replace
from enum import StrEnum
from functools import partial
from queue import Empty, Full, Queue
from threading import Event, Thread
from time import thread_time
from typing import Any, Final, NamedTuple, TypeVar

from lambdasim.abandoning import AbandonedError, also_until, works_until
from lambdasim.engine.contract import Plan, RecordChunk
from lambdasim.engine.merge import at_once
from lambdasim.engine.scope import beyond_the_kernel
from lambdasim.engine.totals.aggregate import Aggregate
from lambdasim.wording import listed

T = TypeVar("T")
_AHEAD: Final = 8
_PATIENCE_S: Final = 0.1


class EngineName(StrEnum):
    """Which engine runs a plan; all give equal records."""

    AUTO = "auto"
    REFERENCE = "reference"
    KERNEL = "kernel"

    def chosen(self, plan: Plan) -> Choice:
        """Return the engine that will run a plan, and why."""
        if self is not EngineName.AUTO:
            return Choice(self, "asked for")
        if os.environ.get("NUMBA_DISABLE_JIT", "0") != "0":
            return Choice(EngineName.REFERENCE, "auto: compilation is switched off")
        if beyond := beyond_the_kernel(plan):
            return Choice(
                EngineName.REFERENCE, f"auto: the compiled engine does not run {listed(beyond, most=3)} yet"
            )
        return Choice(EngineName.KERNEL, "auto", reference_may_answer=True)


class Choice(NamedTuple):
    """An engine, and why it was chosen.

    Attributes
    ----------
    engine : EngineName
        That is chosen.
    why : str
    reference_may_answer : bool
        Whether the reference may answer instead while the kernel is not compiled. Records are equal, so nothing that is
        written depends on which it was.
    """

    engine: EngineName
    why: str
    reference_may_answer: bool = False

    def __str__(self) -> str:
        """Name the engine, and say why."""
        if self.reference_may_answer:
            return "auto (both engines give equal records)"
        return f"{self.engine} ({self.why})"


def run_plan(plan: Plan, choice: Choice) -> Iterator[RecordChunk]:
    """Run a plan.

    Parameters
    ----------
    plan : Plan
    choice : Choice

    Yields
    ------
    RecordChunk
        In the order in which attempts were admitted or refused.
    """
    if any(function.managed is not None for function in plan.functions):
        from lambdasim.engine.instances.managed import run_with_managed

        return run_with_managed(plan, partial(_run, choice))
    return _run(choice, plan)


def count_plan(
    plan: Plan, choice: Choice, totals: Aggregate, progress: Callable[[int], None] | None = None
) -> None:
    """Run a plan and sum it up; its records are kept nowhere, and where the engine counts itself there are none.

    Parameters
    ----------
    plan : Plan
    choice : Choice
    totals : Aggregate
        Of the plan, and empty.
    progress : callable, optional
        Called now and then with the simulated time reached [µs since the start].
    """
    for reached_us in _moments(plan, choice, totals):
        if progress is not None:
            progress(reached_us)


def _moments(plan: Plan, choice: Choice, totals: Aggregate) -> Iterator[int]:
    """Sum a plan up, giving moments that have been reached [µs since the start]."""
    chunks = _unless_counted(plan, choice)
    if chunks is not None:
        for chunk in chunks:
            totals.add(chunk)
            if len(chunk):
                yield int(chunk["start_us"][-1])
        return
    from lambdasim.engine.kernel.engine import count_with_kernel

    end = Event()
    try:
        yield from count_with_kernel(replace(plan, arrivals=partial(_arrivals_ahead, plan, end)), totals)
    finally:
        end.set()


def _unless_counted(plan: Plan, choice: Choice) -> Iterable[RecordChunk] | None:
    """Give a plan's records; None where the compiled engine is to count instead of writing any."""
    if choice.engine is EngineName.REFERENCE or any(one.managed is not None for one in plan.functions):
        return run_plan(plan, choice)
    from lambdasim.engine.kernel.engine import counts_itself, is_compiled

    if not counts_itself(plan):
        return run_plan(plan, choice)
    return None if not choice.reference_may_answer or is_compiled(plan) else _TRIAL.chunks(plan)


def _run(choice: Choice, plan: Plan) -> Iterator[RecordChunk]:
    if choice.engine is EngineName.REFERENCE:
        from lambdasim.engine.reference.engine import run_reference

        return run_reference(plan)
    return _sooner(plan) if choice.reference_may_answer else _compiled(plan)


def _sooner(plan: Plan) -> Iterator[RecordChunk]:
    """Run a plan on whichever engine answers sooner: compiling takes longer than a short run of the reference."""
    from lambdasim.engine.kernel.engine import is_compiled

    answered = None if is_compiled(plan) else _TRIAL.chunks(plan)
    yield from _compiled(plan) if answered is None else answered


class _Deadline:
    """A moment of this thread's CPU time."""

    def __init__(self, left_s: float) -> None:
        self._until_s = thread_time() + left_s

    def is_set(self) -> bool:
        """Whether it has come."""
        return self.left_s <= 0

    @property
    def left_s(self) -> float:
        """CPU time until then [s]."""
        return self._until_s - thread_time()


_COMPILING_S: Final = 20.0
"""About what compiling takes of a CPU, at least."""
_ROOM: Final = 1.5


class _Trial:
    """Lets the reference try while nothing is compiled, for a few seconds in each process.

    Many short runs therefore cost at most these seconds, however many there are, and then compile.
    """

    def __init__(self, most_s: float) -> None:
        self._left_s = most_s

    def chunks(self, plan: Plan) -> list[RecordChunk] | None:
        """Give the reference's records; None where it takes too long."""
        from lambdasim.engine.reference.engine import run_reference

        deadline = _Deadline(self._left_s)
        try:
            with also_until(deadline):
                return list(run_reference(plan))
        except AbandonedError:
            if not deadline.is_set():
                raise
            return None
        finally:
            self._left_s = deadline.left_s

    def series(self, times: int) -> Iterator[None]:
        """Give a moment before each of several runs, and look before the third how long the second took."""
        before_s = self._left_s
        for number in range(times):
            began_s = self._left_s
            yield
            used_s = began_s - self._left_s
            if number == 1 and used_s > 0:
                # The first run loads modules besides. The rest is known before it begins: all of it, or none.
                rest_s = _ROOM * used_s * (times - 2)
                self._left_s = 2 * rest_s if rest_s < _COMPILING_S else 0.0
        self._left_s = min(before_s, self._left_s)


def in_series(times: int) -> Iterator[None]:
    """Give a moment before each of several runs that are alike, so that the sooner engine runs them all.

    While nothing is compiled the second run is on the reference, and what it takes says whether the others are as well:
    where they take less than compiling would, there is an answer sooner.

    Parameters
    ----------
    times : int
    """
    return _TRIAL.series(times)


_TRIAL: Final = _Trial(most_s=5.0)


def _compiled(plan: Plan) -> Iterator[RecordChunk]:
    """Run a plan on the kernel."""
    from lambdasim.engine.kernel.engine import run_kernel

    # Traffic, kernel and totals each work in a thread of their own: compiled code leaves the others running.
    end = Event()
    return ahead(run_kernel(replace(plan, arrivals=partial(_arrivals_ahead, plan, end))), end)


def _arrivals_ahead(plan: Plan, end: Event) -> Iterator[Any]:
    # Chunks of thousands of functions are long: as many arrivals wait as of a few.
    most = max(_AHEAD * at_once(1) // at_once(len(plan.functions)), 1)
    return ahead(plan.arrivals(), Event(), end, most=most)


def ahead(items: Iterator[T], abandoned: Event, *others: Event, most: int = _AHEAD) -> Iterator[T]:
    """Work an iterator off in a thread, a few items ahead of who asks for them.

    Parameters
    ----------
    items : iterator
        An exception in it is raised where its item would have come.
    abandoned : threading.Event
        Is set when nobody asks any more.
    *others : threading.Event
        End the work too, where it hears of it: where the asker's own asker has gone.
    most : int
        How many items may wait.
    """
    waiting: Queue[tuple[T | None, BaseException | None]] = Queue(most)

    def hand_over(item: T | None, error: BaseException | None) -> None:
        while not abandoned.is_set():
            with suppress(Full):
                waiting.put((item, error), timeout=_PATIENCE_S)
                return

    def work() -> None:
        works_until(abandoned, *others)
        try:
            for item in items:
                hand_over(item, None)
                if abandoned.is_set():
                    return
        except BaseException as error:
            hand_over(None, error)
        else:
            hand_over(None, StopIteration())

    worker = Thread(target=work, daemon=True)
    worker.start()
    try:
        while True:
            item, error = waiting.get()
            if isinstance(error, StopIteration):
                return
            if error is not None:
                raise error
            yield item  # type: ignore[misc]
    finally:
        abandoned.set()
        with suppress(Empty):
            while True:
                waiting.get_nowait()
        worker.join()
