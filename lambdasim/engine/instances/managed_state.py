"""What a function on Lambda Managed Instances is while it runs: rows of whole numbers, and their names."""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from lambdasim.engine.instances import state as base
from lambdasim.engine.instances.state import NONE, longer, with_at_least, with_free_rows

# Columns of a request beside those of ``state``.
FAULT: Final = base.REQUEST_COLUMNS
TOO_LARGE: Final = base.REQUEST_COLUMNS + 1
ATTEMPT: Final = base.REQUEST_COLUMNS + 2
RECORD: Final = base.REQUEST_COLUMNS + 3
REQUEST_COLUMNS: Final = base.REQUEST_COLUMNS + 4

# Columns of an environment beside those of ``state``: its number, in order of creation.
NUMBER: Final = base.INSTANCE_COLUMNS
INSTANCE_COLUMNS: Final = base.INSTANCE_COLUMNS + 1

# Counters beside those of ``state``.
(
    WRITTEN, PUT_AWAY, TRYING_AGAIN, BUSIEST, COMPUTED_US, LEAVING, ACCOUNTED_US, LOWEST, TICKED, TICK_AHEAD, COUNTERS,
) = range(base.COUNTERS, base.COUNTERS + 11)  # fmt: skip

# Settings.
(
    SLOTS, LEAST, MOST, HEADROOM_PERCENT, TICK_US, LAG_US, ENDS_US, TIMEOUT_US, CLIENT_TIMEOUT_US, RETRIES, PER_INSTANCE,
    LEAST_INSTANCES, SETTINGS,
) = range(13)  # fmt: skip

# Columns of a record.
(
    R_INVOCATION, R_ATTEMPT, R_ARRIVAL, R_START, R_DURATION, R_START_TYPE, R_OUTCOME, R_LIMIT, R_EVENT_OUTCOME, R_ENV,
    R_CONCURRENCY, R_DONE, RECORD_COLUMNS,
) = range(13)  # fmt: skip

# Kinds of events, in their order at one instant.
COMPUTED, ANSWERED, CUT, READY, TICK, RETRY = range(6)

SERVING: Final = 1
DRAINING: Final = 2


class ManagedState(NamedTuple):
    """Environments, requests and what is to happen; see ``state.State`` for what has the same name there.

    Attributes
    ----------
    settings : ndarray of int64, shape (SETTINGS,)
    speed : ndarray of float64, shape (2,)
    counters : ndarray of int64, shape (COUNTERS,)
    instances : ndarray of int64, shape (n_environments, INSTANCE_COLUMNS)
        Execution environments.
    progress : ndarray of float64, shape (n_environments,)
    requests : ndarray of int64, shape (n_requests, REQUEST_COLUMNS)
    waits_us : ndarray of int64, shape (n_requests, retries)
        Before each further attempt.
    until : ndarray of float64, shape (n_requests,)
    heap : ndarray of int64, shape (n_events, 4)
    levels : ndarray of int64, shape (slots + 1,)
    records : ndarray of int64, shape (n, RECORD_COLUMNS)
    wanted : ndarray of int64, shape (n_ticks,)
        Environments that each of the last ticks asked for, a ring.
    held_us : ndarray of int64, shape (2, n_minutes)
        Time of instances, and of environments, by minute of the scenario [µs].
    """

    settings: NDArray[np.int64]
    speed: NDArray[np.float64]
    counters: NDArray[np.int64]
    instances: NDArray[np.int64]
    progress: NDArray[np.float64]
    requests: NDArray[np.int64]
    waits_us: NDArray[np.int64]
    until: NDArray[np.float64]
    heap: NDArray[np.int64]
    levels: NDArray[np.int64]
    records: NDArray[np.int64]
    wanted: NDArray[np.int64]
    held_us: NDArray[np.int64]


def first_state(
    settings: NDArray[np.int64], speed: NDArray[np.float64], keeps_ticks: int, minutes: int
) -> ManagedState:
    """Make a state without room and without environments.

    Parameters
    ----------
    settings : ndarray of int64, shape (SETTINGS,)
    speed : ndarray of float64, shape (2,)
    keeps_ticks : int
        Ticks that have a say in how many environments stay.
    minutes : int
        Of the scenario.

    Returns
    -------
    ManagedState
    """
    counters = np.zeros(COUNTERS, dtype=np.int64)
    counters[[base.FREE_INSTANCE, base.FREE_REQUEST]] = NONE
    return ManagedState(
        settings,
        speed,
        counters,
        np.zeros((0, INSTANCE_COLUMNS), dtype=np.int64),
        np.zeros(0),
        np.zeros((0, REQUEST_COLUMNS), dtype=np.int64),
        np.zeros((0, max(int(settings[RETRIES]), 1)), dtype=np.int64),
        np.zeros(0),
        np.zeros((0, 4), dtype=np.int64),
        np.full(int(settings[SLOTS]) + 1, NONE, dtype=np.int64),
        np.zeros((0, RECORD_COLUMNS), dtype=np.int64),
        np.zeros(keeps_ticks, dtype=np.int64),
        np.zeros((2, minutes), dtype=np.int64),
    )


def with_room(state: ManagedState, arrivals: int) -> ManagedState:
    """Make room for so many more arrivals.

    Parameters
    ----------
    state : ManagedState
    arrivals : int

    Returns
    -------
    ManagedState
        The same, with what is missing added.
    """
    counters, settings = state.counters, state.settings
    inside = int(counters[base.IN_PROCESS] + counters[TRYING_AGAIN]) + arrivals
    instances, progress = state.instances, state.progress
    # Environments that leave have a request each.
    wanted = int(settings[MOST]) + inside + 2
    if wanted > len(instances):
        instances = with_free_rows(instances, 2 * wanted, base.NEXT, counters, base.FREE_INSTANCE)
        progress = longer(progress, 2 * wanted)
    requests, until, waits_us = state.requests, state.until, state.waits_us
    if inside + 1 > len(requests):
        requests = with_free_rows(requests, 2 * inside + 1, base.AFTER, counters, base.FREE_REQUEST)
        until, waits_us = longer(until, 2 * inside + 1), longer(waits_us, 2 * inside + 1)
    attempts = int(settings[RETRIES]) + 1
    events = int(counters[base.EVENTS]) + (6 + attempts) * (inside + 1) + 2 * wanted
    written = int(counters[WRITTEN] - counters[PUT_AWAY]) + attempts * (inside + 1)
    return state._replace(
        instances=instances,
        progress=progress,
        requests=requests,
        until=until,
        waits_us=waits_us,
        heap=with_at_least(state.heap, events),
        records=with_at_least(state.records, written),
    )
