"""What the instances of another platform are, while they run: rows of whole numbers, and their names."""

from __future__ import annotations

from typing import Final, NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

N = TypeVar("N", bound=np.generic)

NONE: Final = -1

# Columns of an instance.
IS_UP: Final = 0
SERVED: Final = 1
COMPUTING: Final = 2
VERSION: Final = 3
BUSY_FROM: Final = 4
IDLE_SINCE: Final = 5
EXPIRY_AHEAD: Final = 6
BORN: Final = 7
NEXT: Final = 8
PREVIOUS: Final = 9
FIRST: Final = 10
SEEN: Final = 11
BILLED_FROM: Final = 12
BUSY_UNTIL: Final = 13
INSTANCE_COLUMNS: Final = 14

# Columns of a request.
ARRIVED: Final = 0
CPU: Final = 1
IO: Final = 2
AT: Final = 3
AFTER: Final = 4
INDEX: Final = 5
BEGUN: Final = 6
REQUEST_COLUMNS: Final = 7

# Counters.
EVENTS: Final = 0
FREE_INSTANCE: Final = 1
FREE_REQUEST: Final = 2
WAITING_FIRST: Final = 3
WAITING_LAST: Final = 4
WAITING: Final = 5
IN_PROCESS: Final = 6
STARTING: Final = 7
UP: Final = 8
STARTS: Final = 9
TICKS: Final = 10
BUSY_US: Final = 11
LIFE_TICKS: Final = 12
ENDED: Final = 13
GROWS_AT: Final = 14
GROWTH_AHEAD: Final = 15
PEAK: Final = 16
WAITED: Final = 17
TOP: Final = 18
COUNTERS: Final = 19

# Settings.
SLOTS: Final = 0
TARGET: Final = 1
IDLE_US: Final = 2
GROW_US: Final = 3
TICK_US: Final = 4
LEAST_US: Final = 5
LIFE_LEAST_US: Final = 6
START_BILLED: Final = 7
HORIZON_US: Final = 8
SETTINGS: Final = 9

# Kinds of events, in their order at one instant.
COMPUTED: Final = 0
ANSWERED: Final = 1
READY: Final = 2
GROWTH: Final = 3
EXPIRY: Final = 4


class State(NamedTuple):
    """Instances, requests and what is to happen.

    Attributes
    ----------
    settings : ndarray of int64, shape (SETTINGS,)
    speed : ndarray of float64, shape (2,)
        vCPUs of an instance, and CPU time that a request alone gets in a unit of time.
    counters : ndarray of int64, shape (COUNTERS,)
    instances : ndarray of int64, shape (n_instances, INSTANCE_COLUMNS)
    progress : ndarray of float64, shape (n_instances,)
        CPU time that each request on the instance has had since it last had none to compute [µs].
    requests : ndarray of int64, shape (n_requests, REQUEST_COLUMNS)
    until : ndarray of float64, shape (n_requests,)
        Progress at which a request has computed [µs].
    heap : ndarray of int64, shape (n_events, 4)
        Time [µs], kind, row, version.
    levels : ndarray of int64, shape (slots + 1,)
        The instance that last came to serve so many requests.
    ended : ndarray of int64, shape (n_requests, 3)
        Of each request that has ended: its number, the time from its arrival, and from its begin [µs].
    """

    settings: NDArray[np.int64]
    speed: NDArray[np.float64]
    counters: NDArray[np.int64]
    instances: NDArray[np.int64]
    progress: NDArray[np.float64]
    requests: NDArray[np.int64]
    until: NDArray[np.float64]
    heap: NDArray[np.int64]
    levels: NDArray[np.int64]
    ended: NDArray[np.int64]


def first_state(settings: NDArray[np.int64], speed: NDArray[np.float64]) -> State:
    """Make a state without room and without instances.

    Parameters
    ----------
    settings : ndarray of int64, shape (SETTINGS,)
    speed : ndarray of float64, shape (2,)

    Returns
    -------
    State
    """
    counters = np.zeros(COUNTERS, dtype=np.int64)
    counters[[FREE_INSTANCE, FREE_REQUEST, WAITING_FIRST, WAITING_LAST]] = NONE
    return State(
        settings,
        speed,
        counters,
        np.zeros((0, INSTANCE_COLUMNS), dtype=np.int64),
        np.zeros(0),
        np.zeros((0, REQUEST_COLUMNS), dtype=np.int64),
        np.zeros(0),
        np.zeros((0, 4), dtype=np.int64),
        np.full(int(settings[SLOTS]) + 1, NONE, dtype=np.int64),
        np.zeros((0, 3), dtype=np.int64),
    )


def with_room(state: State, arrivals: int) -> State:
    """Make room for so many more arrivals.

    Parameters
    ----------
    state : State
    arrivals : int

    Returns
    -------
    State
        The same, with what is missing added.
    """
    counters = state.counters
    inside = int(counters[IN_PROCESS] + counters[WAITING]) + arrivals
    instances, progress = state.instances, state.progress
    wanted = int(counters[UP] + counters[STARTING]) + inside + 1
    if wanted > len(instances):
        instances = with_free_rows(instances, 2 * wanted, NEXT, counters, FREE_INSTANCE)
        progress = longer(progress, 2 * wanted)
    requests, until = state.requests, state.until
    if inside + 1 > len(requests):
        requests = with_free_rows(requests, 2 * inside + 1, AFTER, counters, FREE_REQUEST)
        until = longer(until, 2 * inside + 1)
    events = int(counters[EVENTS]) + 4 * (inside + 1) + 2 * wanted
    return state._replace(
        instances=instances,
        progress=progress,
        requests=requests,
        until=until,
        heap=with_at_least(state.heap, events),
        ended=with_at_least(state.ended, inside),
    )


def longer(rows: NDArray[N], length: int) -> NDArray[N]:
    """Return a longer copy of an array, zeros after its rows.

    Parameters
    ----------
    rows : ndarray, shape (n, ...)
    length : int

    Returns
    -------
    ndarray, shape (length, ...)
    """
    found = np.zeros((length, *rows.shape[1:]), dtype=rows.dtype)
    found[: len(rows)] = rows
    return found


def with_at_least(rows: NDArray[N], many: int) -> NDArray[N]:
    """Return an array that has so many rows at least: the same, or one of twice as many.

    Parameters
    ----------
    rows : ndarray, shape (n, ...)
    many : int

    Returns
    -------
    ndarray
    """
    return rows if many <= len(rows) else longer(rows, 2 * many)


def with_free_rows(
    rows: NDArray[np.int64], length: int, column: int, counters: NDArray[np.int64], free: int
) -> NDArray[np.int64]:
    """Return a longer copy of an array whose new rows are free.

    Parameters
    ----------
    rows : ndarray of int64, shape (n, n_columns)
    length : int
        More than n.
    column : int
        Where each free row says which is free after it.
    counters : ndarray of int64
        Gets the first free row.
    free : int
        Which counter that is.

    Returns
    -------
    ndarray of int64, shape (length, n_columns)
    """
    first, found = len(rows), longer(rows, length)
    found[first:, column] = np.arange(first + 1, length + 1)
    found[-1, column] = counters[free]
    counters[free] = first
    return found
