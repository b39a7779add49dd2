"""What the reference engine draws for a run, for many at once where it can; `engine.kernel.draws` draws one by one."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from lambdasim.engine.reference.sources import COLUMNS, as_rows
from lambdasim.engine.reference.state import Event, FunctionState


def first_runs(
    functions: Iterable[FunctionState], ranks: NDArray[np.int64], invocations: NDArray[np.int64]
) -> list[tuple[int, ...]]:
    """Draw what the first runs of a chunk's events need, function by function."""
    result = np.empty((len(ranks), len(COLUMNS)), dtype=np.int64)
    for function in functions:
        mine = ranks == function.rank
        if mine.any():
            result[mine] = as_rows(function.plan.draws.draw(invocations[mine], run=0))
    return list(map(tuple, result.tolist()))


def drawn(event: Event) -> tuple[int, ...]:
    """Give what an event's next run needs."""
    if event.function.source is not None:
        return event.function.source.draw(event)
    return event.draw or (_drawn_again(event) if event.call is None else drawn_alone(event))


def drawn_alone(event: Event) -> tuple[int, ...]:
    """Draw for the next run of an event that was called."""
    return event.draws.draw_one(event.invocation, event.runs)


def drawn_handler_us(event: Event, speed: int) -> int:
    """Draw the handler's time in an environment of some speed."""
    if event.function.source is not None:
        return event.function.source.handler_us(event, speed)
    draws = event.draws
    return int(draws.handler_us(np.array([event.invocation]), event.runs, speed)[0])


def _drawn_again(event: Event) -> tuple[int, ...]:
    """Draw for an event's next run, and together for all that wait to run for as many times."""
    waiting = event.function.undrawn.pop(event.runs)
    invocations = np.array([other.invocation for other in waiting])
    rows = as_rows(event.function.plan.draws.draw(invocations, run=event.runs))
    for other, row in zip(waiting, rows.tolist(), strict=True):
        other.draw = tuple(row)
    assert event.draw is not None  # noqa: S101 - it is one of those that waited
    return event.draw
