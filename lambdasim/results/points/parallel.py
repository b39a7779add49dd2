"""Points of work done one after another or side by side, with equal results."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_COMPLETED, BrokenExecutor, CancelledError, Executor, Future, wait
from typing import Final, TypeVar

from lambdasim.errors import WorkersLostError

Point = TypeVar("Point")
Result = TypeVar("Result")
# Enough to keep a large cluster busy; what waits beyond it stays here, so that memory is bounded.
_HANDED_OUT: Final = 1024


def map_points(
    work: Callable[[Point], Result],
    points: Sequence[Point],
    executor: Executor | None = None,
    done: Callable[[int, Result], None] | None = None,
) -> list[Result]:
    """Apply a function to every point.

    Parameters
    ----------
    work : callable
        A function of the point alone. With an executor it crosses the border of a process, as do points and results: it
        must be picklable, and all of them small.
    points : sequence
    executor : concurrent.futures.Executor, optional
        A ``ProcessPoolExecutor``, a Dask cluster's ``Client.get_executor()``, or another with ``submit``. It stays open.
    done : callable, optional
        Called with place and result of each point as it is finished, in any order, in the thread of the caller.

    Returns
    -------
    list
        In the order of the points, whatever the executor.

    Raises
    ------
    WorkersLostError
        When the executor lost its workers. Any error of a point is raised as it is. Whatever is raised, an interrupt
        too, points that have not begun are cancelled first.

    Examples
    --------
    >>> map_points(abs, [-2, 1])
    [2, 1]
    """
    tell = done or (lambda place, result: None)
    results: dict[int, Result] = {}
    running: dict[Future[Result], int] = {}

    def take(place: int, result: Result) -> None:
        results[place] = result
        tell(place, result)

    def take_finished() -> None:
        for future in wait(running, return_when=FIRST_COMPLETED).done:
            take(running.pop(future), future.result())

    try:
        for place, point in enumerate(points):
            if executor is None:
                take(place, work(point))
                continue
            if len(running) >= _HANDED_OUT:
                take_finished()
            running[executor.submit(work, point)] = place
        while running:
            take_finished()
    except (BrokenExecutor, CancelledError) as error:
        raise WorkersLostError(
            f"a worker ended before its work was done: killed, or out of memory? ({type(error).__name__})"
        ) from error
    finally:
        for future in running:
            future.cancel()
    return [results[place] for place in range(len(points))]
