"""Chooses an engine and runs a plan on it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from enum import StrEnum
from functools import partial
from queue import Empty, Full, Queue
from threading import Event, Thread
from typing import Any, Final, NamedTuple, TypeVar

from lambdasim.abandoning import works_until
from lambdasim.engine.contract import Plan, RecordChunk
from lambdasim.engine.scope import beyond_the_kernel
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
        return Choice(EngineName.KERNEL, "auto: compiled, equal and faster")


class Choice(NamedTuple):
    """An engine, and why it was chosen."""

    engine: EngineName
    why: str


def run_plan(plan: Plan, engine: EngineName) -> Iterator[RecordChunk]:
    """Run a plan.

    Parameters
    ----------
    plan : Plan
    engine : EngineName
        None that still has to be chosen.

    Yields
    ------
    RecordChunk
        In the order in which attempts were admitted or refused.
    """
    if engine is EngineName.REFERENCE:
        from lambdasim.engine.reference.engine import run_reference

        return run_reference(plan)
    from lambdasim.engine.kernel.engine import run_kernel

    # Traffic, kernel and totals each work in a thread of their own: compiled code leaves the others running.
    end = Event()
    return ahead(run_kernel(replace(plan, arrivals=partial(_arrivals_ahead, plan, end))), end)


def _arrivals_ahead(plan: Plan, end: Event) -> Iterator[Any]:
    return ahead(plan.arrivals(), Event(), end)


def ahead(items: Iterator[T], abandoned: Event, *others: Event) -> Iterator[T]:
    """Work an iterator off in a thread, a few items ahead of who asks for them.

    Parameters
    ----------
    items : iterator
        An exception in it is raised where its item would have come.
    abandoned : threading.Event
        Is set when nobody asks any more.
    *others : threading.Event
        End the work too, where it hears of it: where the asker's own asker has gone.
    """
    waiting: Queue[tuple[T | None, BaseException | None]] = Queue(_AHEAD)

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
