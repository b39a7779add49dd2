"""The compiled steps of instances that serve several requests at once.

The order of events at one instant: requests whose CPU time is over, requests that end, instances that are ready, growth,
instances whose idle life is over; then arrivals. A request goes to the instance that serves the most below the target, of
several to the one that last came to serve so many; else to the one that serves the fewest, if it has a slot; else it
waits, first come, first served. Another instance is started whenever what is in process and waits would fill those that
there are.

What computes on an instance shares its vCPUs evenly: with n of c vCPUs each gets min(1, c / n) of one, and what each has
had so far is one number for all of them (``progress``), so only the next of them to finish need be known. Waiting takes
as long as it takes. Times are whole microseconds, rounded up.
"""

from __future__ import annotations

from math import ceil
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from lambdasim.compiling import Bool, Int64, compiled, compiled_apart
from lambdasim.engine.instances import state as at
from lambdasim.engine.instances.managed_state import ManagedState
from lambdasim.engine.instances.state import NONE, State

Float64 = Any
Either = State | ManagedState
CLOSE: Final = 1e-6


@compiled_apart
def _earlier(heap: NDArray[np.int64], a: Int64, b: Int64) -> Bool:
    if heap[a, 0] != heap[b, 0]:
        return heap[a, 0] < heap[b, 0]
    if heap[a, 1] != heap[b, 1]:
        return heap[a, 1] < heap[b, 1]
    return heap[a, 2] < heap[b, 2]


@compiled_apart
def _swap(heap: NDArray[np.int64], a: Int64, b: Int64) -> None:
    for column in range(4):
        kept = heap[a, column]
        heap[a, column] = heap[b, column]
        heap[b, column] = kept


@compiled_apart
def plan(state: Either, time_us: Int64, kind: Int64, row: Int64, version: Int64) -> None:
    """Let something happen at a moment."""
    heap = state.heap
    place = state.counters[at.EVENTS]
    state.counters[at.EVENTS] += 1
    heap[place, 0] = time_us
    heap[place, 1] = kind
    heap[place, 2] = row
    heap[place, 3] = version
    while place > 0 and _earlier(heap, place, (place - 1) // 2):
        _swap(heap, place, (place - 1) // 2)
        place = (place - 1) // 2


@compiled_apart
def drop_first(state: Either) -> None:
    """Take what happens first out of the heap."""
    heap = state.heap
    state.counters[at.EVENTS] -= 1
    many = state.counters[at.EVENTS]
    _swap(heap, 0, many)
    place = 0
    while True:
        child = 2 * place + 1
        if child >= many:
            return
        if child + 1 < many and _earlier(heap, child + 1, child):
            child += 1
        if not _earlier(heap, child, place):
            return
        _swap(heap, child, place)
        place = child


@compiled
def unlist(state: Either, one: Int64) -> None:
    """Take an instance out of its level."""
    instances = state.instances
    after, before = instances[one, at.NEXT], instances[one, at.PREVIOUS]
    if before == NONE:
        state.levels[instances[one, at.SERVED]] = after
    else:
        instances[before, at.NEXT] = after
    if after != NONE:
        instances[after, at.PREVIOUS] = before


@compiled
def enlist(state: Either, one: Int64) -> None:
    """Put an instance first in the level of how many requests it serves."""
    instances = state.instances
    level = instances[one, at.SERVED]
    first = state.levels[level]
    instances[one, at.NEXT] = first
    instances[one, at.PREVIOUS] = NONE
    if first != NONE:
        instances[first, at.PREVIOUS] = one
    state.levels[level] = one
    state.counters[at.TOP] = max(state.counters[at.TOP], level)


@compiled
def _rate(state: Either, computing: Int64) -> Float64:
    return min(state.speed[1], state.speed[0] / computing)


@compiled_apart
def compute_until(state: Either, one: Int64, now_us: Int64) -> None:
    """Bring what the requests of an instance have computed up to now."""
    instances = state.instances
    computing = instances[one, at.COMPUTING]
    if computing:
        state.progress[one] += (now_us - instances[one, at.SEEN]) * _rate(state, computing)
    else:
        state.progress[one] = 0.0
    instances[one, at.SEEN] = now_us


@compiled_apart
def plan_computed(state: Either, one: Int64, now_us: Int64) -> None:
    """Say anew when the next request of an instance will have computed."""
    instances = state.instances
    instances[one, at.VERSION] += 1
    computing = instances[one, at.COMPUTING]
    if computing:
        left = state.until[instances[one, at.FIRST]] - state.progress[one]
        wait_us = ceil(max(left, 0.0) / _rate(state, computing) - CLOSE)
        plan(state, now_us + max(wait_us, 0), at.COMPUTED, one, instances[one, at.VERSION])


@compiled_apart
def new_instance(state: Either) -> Int64:
    """Take a free row for an instance and clear it; its version goes on, since events of the one before may be ahead."""
    instances = state.instances
    one = state.counters[at.FREE_INSTANCE]
    state.counters[at.FREE_INSTANCE] = instances[one, at.NEXT]
    for column in range(instances.shape[1]):
        if column != at.VERSION:
            instances[one, column] = 0
    state.progress[one] = 0.0
    return one


@compiled
def compute(state: Either, one: Int64, request: Int64, now_us: Int64) -> None:
    """Let a request compute on an instance, among the others there in the order in which they will have computed."""
    instances, requests = state.instances, state.requests
    compute_until(state, one, now_us)
    until = state.progress[one] + requests[request, at.CPU]
    state.until[request] = until
    before, after = NONE, instances[one, at.FIRST]
    if instances[one, at.COMPUTING] == 0:
        after = NONE
    while after != NONE and state.until[after] <= until:
        before, after = after, requests[after, at.AFTER]
    requests[request, at.AFTER] = after
    if before == NONE:
        instances[one, at.FIRST] = request
    else:
        requests[before, at.AFTER] = request
    instances[one, at.COMPUTING] += 1
    plan_computed(state, one, now_us)


@compiled_apart
def _begin(state: State, one: Int64, request: Int64, now_us: Int64) -> None:
    """Let an instance serve a request."""
    instances, requests = state.instances, state.requests
    if instances[one, at.BUSY_FROM] == NONE:
        _become_busy(state, one, now_us)
    unlist(state, one)
    instances[one, at.SERVED] += 1
    enlist(state, one)
    state.counters[at.IN_PROCESS] += 1
    state.counters[at.WAITED] += now_us > requests[request, at.ARRIVED]
    requests[request, at.AT] = one
    requests[request, at.BEGUN] = now_us
    if requests[request, at.CPU] == 0:
        plan(state, now_us + requests[request, at.IO], at.ANSWERED, request, 0)
        return
    compute(state, one, request, now_us)


@compiled_apart
def _become_busy(state: State, one: Int64, now_us: Int64) -> None:
    """Begin a busy time; what begins while the least that is billed of the one before still runs belongs to that."""
    instances = state.instances
    instances[one, at.BUSY_FROM] = now_us
    before_us = instances[one, at.BILLED_FROM]
    if before_us != NONE and now_us >= before_us + state.settings[at.LEAST_US]:
        _bill(state, one)
    if instances[one, at.BILLED_FROM] == NONE:
        instances[one, at.BILLED_FROM] = now_us


@compiled_apart
def _bill(state: State, one: Int64) -> None:
    """Count the ticks of the busy time that is over."""
    instances, settings = state.instances, state.settings
    if instances[one, at.BILLED_FROM] != NONE:
        busy_us = instances[one, at.BUSY_UNTIL] - instances[one, at.BILLED_FROM]
        billed_us = max(busy_us, settings[at.LEAST_US])
        state.counters[at.TICKS] += -(-billed_us // settings[at.TICK_US])
        instances[one, at.BILLED_FROM] = NONE


@compiled_apart
def _pause(state: State, one: Int64, now_us: Int64) -> None:
    """End the busy time of an instance that serves nothing, and begin its idle life."""
    instances, settings = state.instances, state.settings
    if instances[one, at.BUSY_FROM] != NONE:
        state.counters[at.BUSY_US] += now_us - instances[one, at.BUSY_FROM]
        instances[one, at.BUSY_UNTIL] = now_us
    instances[one, at.BUSY_FROM] = NONE
    instances[one, at.IDLE_SINCE] = now_us
    if not instances[one, at.EXPIRY_AHEAD]:
        instances[one, at.EXPIRY_AHEAD] = 1
        plan(state, now_us + settings[at.IDLE_US], at.EXPIRY, one, 0)


@compiled_apart
def _chosen(state: State) -> Int64:
    """Choose the instance for the next request, or none."""
    counters, settings, levels = state.counters, state.settings, state.levels
    while counters[at.TOP] > 0 and levels[counters[at.TOP]] == NONE:
        counters[at.TOP] -= 1
    top = counters[at.TOP]
    for level in range(min(settings[at.TARGET] - 1, top), -1, -1):
        if levels[level] != NONE:
            return levels[level]
    for level in range(settings[at.TARGET], min(settings[at.SLOTS], top + 1)):
        if levels[level] != NONE:
            return levels[level]
    return NONE


@compiled_apart
def _serve_waiting(state: State, now_us: Int64) -> None:
    counters = state.counters
    while counters[at.WAITING] > 0:
        one = _chosen(state)
        if one == NONE:
            return
        request = counters[at.WAITING_FIRST]
        counters[at.WAITING_FIRST] = state.requests[request, at.AFTER]
        counters[at.WAITING] -= 1
        if counters[at.WAITING] == 0:
            counters[at.WAITING_LAST] = NONE
        _begin(state, one, request, now_us)


@compiled_apart
def _grow(state: State, now_us: Int64, starts_us: NDArray[np.int64]) -> None:
    """Start what is missing for all that is in process and waits, as fast as the platform lets it."""
    counters, settings, instances = state.counters, state.settings, state.instances
    wanted = -(-(counters[at.IN_PROCESS] + counters[at.WAITING]) // settings[at.TARGET])
    while counters[at.UP] + counters[at.STARTING] < wanted:
        if settings[at.GROW_US] and now_us < counters[at.GROWS_AT]:
            if not counters[at.GROWTH_AHEAD]:
                counters[at.GROWTH_AHEAD] = 1
                plan(state, counters[at.GROWS_AT], at.GROWTH, 0, 0)
            return
        counters[at.GROWS_AT] = now_us + settings[at.GROW_US]
        one = new_instance(state)
        start_us = starts_us[counters[at.STARTS] % len(starts_us)]
        counters[at.STARTS] += 1
        counters[at.STARTING] += 1
        counters[at.PEAK] = max(counters[at.PEAK], counters[at.UP] + counters[at.STARTING])
        instances[one, at.BORN] = now_us
        instances[one, at.BUSY_FROM] = instances[one, at.BILLED_FROM] = NONE
        if settings[at.START_BILLED]:
            _become_busy(state, one, now_us)
        if start_us > 0:
            plan(state, now_us + start_us, at.READY, one, 0)
        else:
            _ready(state, one, now_us)


@compiled_apart
def _ready(state: State, one: Int64, now_us: Int64) -> None:
    counters, instances = state.counters, state.instances
    counters[at.STARTING] -= 1
    counters[at.UP] += 1
    instances[one, at.IS_UP] = 1
    enlist(state, one)


@compiled_apart
def _expire(state: State, one: Int64, now_us: Int64) -> None:
    """End an instance that has been idle for as long as the platform keeps it."""
    counters, settings, instances = state.counters, state.settings, state.instances
    instances[one, at.EXPIRY_AHEAD] = 0
    if instances[one, at.SERVED]:
        return
    ends_us = instances[one, at.IDLE_SINCE] + settings[at.IDLE_US]
    if ends_us > now_us:
        instances[one, at.EXPIRY_AHEAD] = 1
        plan(state, ends_us, at.EXPIRY, one, 0)
        return
    _bill(state, one)
    unlist(state, one)
    counters[at.UP] -= 1
    instances[one, at.IS_UP] = 0
    _count_life(state, one, now_us)
    instances[one, at.NEXT] = counters[at.FREE_INSTANCE]
    counters[at.FREE_INSTANCE] = one


@compiled_apart
def _count_life(state: State, one: Int64, now_us: Int64) -> None:
    settings = state.settings
    life_us = max(min(now_us, settings[at.HORIZON_US]) - state.instances[one, at.BORN], 0)
    billed_us = max(life_us, settings[at.LIFE_LEAST_US])
    state.counters[at.LIFE_TICKS] += -(-billed_us // settings[at.TICK_US])


@compiled_apart
def _answer(state: State, request: Int64, now_us: Int64) -> None:
    """End a request, and let its instance serve what waits."""
    counters, instances, requests = state.counters, state.instances, state.requests
    one = requests[request, at.AT]
    row = counters[at.ENDED]
    counters[at.ENDED] += 1
    state.ended[row, 0] = requests[request, at.INDEX]
    state.ended[row, 1] = now_us - requests[request, at.ARRIVED]
    state.ended[row, 2] = now_us - requests[request, at.BEGUN]
    requests[request, at.AFTER] = counters[at.FREE_REQUEST]
    counters[at.FREE_REQUEST] = request
    counters[at.IN_PROCESS] -= 1
    unlist(state, one)
    instances[one, at.SERVED] -= 1
    enlist(state, one)
    _serve_waiting(state, now_us)
    if instances[one, at.SERVED] == 0:
        _pause(state, one, now_us)


@compiled_apart
def _computed(state: State, one: Int64, now_us: Int64) -> None:
    """Let the requests of an instance that have computed wait, or end."""
    instances, requests = state.instances, state.requests
    compute_until(state, one, now_us)
    while instances[one, at.COMPUTING] > 0:
        request = instances[one, at.FIRST]
        if state.until[request] > state.progress[one] + CLOSE:
            break
        instances[one, at.FIRST] = requests[request, at.AFTER]
        instances[one, at.COMPUTING] -= 1
        # Also without waiting it ends as an event of its own, after all whose CPU time is over at this instant.
        plan(state, now_us + requests[request, at.IO], at.ANSWERED, request, 0)
    plan_computed(state, one, now_us)


@compiled_apart
def _happen(state: State, before_us: Int64, starts_us: NDArray[np.int64]) -> None:
    """Let everything happen up to and with an instant."""
    counters, heap = state.counters, state.heap
    while counters[at.EVENTS] > 0 and heap[0, 0] <= before_us:
        now_us, kind, row, version = heap[0, 0], heap[0, 1], heap[0, 2], heap[0, 3]
        drop_first(state)
        if kind == at.COMPUTED:
            if version == state.instances[row, at.VERSION]:
                _computed(state, row, now_us)
        elif kind == at.ANSWERED:
            _answer(state, row, now_us)
        elif kind == at.READY:
            _ready(state, row, now_us)
            _serve_waiting(state, now_us)
            if state.instances[row, at.SERVED] == 0:
                _pause(state, row, now_us)
        elif kind == at.GROWTH:
            counters[at.GROWTH_AHEAD] = 0
            _grow(state, now_us, starts_us)
            _serve_waiting(state, now_us)
        else:
            _expire(state, row, now_us)


def advance(
    state: State,
    arrivals_us: NDArray[np.int64],
    first: Int64,
    cpu_us: NDArray[np.int64],
    io_us: NDArray[np.int64],
    starts_us: NDArray[np.int64],
) -> None:
    """Take a chunk of arrivals in; what has ended by the last of them is in ``ended``.

    Parameters
    ----------
    state : State
        With room for the chunk.
    arrivals_us : ndarray of int64, shape (n,)
        In order of time [µs].
    first : int
        Number of the first of them.
    cpu_us, io_us : ndarray of int64, shape (n,)
        CPU time on one whole vCPU, and waiting [µs].
    starts_us : ndarray of int64, shape (n_starts,)
        Time from the start of an instance to its being ready, taken in turn [µs].
    """
    counters, requests = state.counters, state.requests
    counters[at.ENDED] = 0
    for number in range(len(arrivals_us)):
        now_us = arrivals_us[number]
        _happen(state, now_us, starts_us)
        request = counters[at.FREE_REQUEST]
        counters[at.FREE_REQUEST] = requests[request, at.AFTER]
        requests[request, at.ARRIVED] = now_us
        requests[request, at.CPU] = cpu_us[number]
        requests[request, at.IO] = io_us[number]
        requests[request, at.INDEX] = first + number
        requests[request, at.AFTER] = NONE
        if counters[at.WAITING] == 0:
            counters[at.WAITING_FIRST] = request
        else:
            requests[counters[at.WAITING_LAST], at.AFTER] = request
        counters[at.WAITING_LAST] = request
        counters[at.WAITING] += 1
        _grow(state, now_us, starts_us)
        _serve_waiting(state, now_us)


def finish(state: State, starts_us: NDArray[np.int64], never_us: Int64) -> None:
    """Let all requests end, and every instance that is left.

    Parameters
    ----------
    state : State
    starts_us : ndarray of int64, shape (n_starts,)
    never_us : int
        Later than anything that happens [µs].
    """
    state.counters[at.ENDED] = 0
    _happen(state, never_us, starts_us)
