"""The compiled steps of Lambda Managed Instances: environments that serve several requests at once and never start cold.

The order of events at one instant: requests whose CPU time is over, requests that end, requests that the timeout cuts,
environments that are ready, the scaler's look, attempts that are repeated; then arrivals. A request goes to the
environment that serves the fewest, of several to the one that last came to serve so many; where all are full it is
refused. Nothing waits, and no arrival starts an environment.

Once a minute the scaler looks at the most requests in process and at the CPU time of the minute before, and asks for room
for a multiple of both. What it asks for is ready after a lag; what none of its last looks asked for serves what it has
and ends.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from lambdasim.compiling import Int64, compiled_apart
from lambdasim.engine import contract
from lambdasim.engine.instances import managed_state as here
from lambdasim.engine.instances import state as at
from lambdasim.engine.instances.managed_state import ManagedState
from lambdasim.engine.instances.state import NONE
from lambdasim.engine.instances.steps import (
    CLOSE,
    compute,
    compute_until,
    drop_first,
    enlist,
    new_instance,
    plan,
    plan_computed,
    unlist,
)
from lambdasim.units import US_PER_MINUTE

_WARM, _NO_START = int(contract.StartType.WARM), int(contract.StartType.NONE)
_THROTTLED, _REJECTED = int(contract.Outcome.THROTTLED), int(contract.Outcome.REJECTED)
_COMPLETED, _TIMEOUT = int(contract.Outcome.COMPLETED), int(contract.Outcome.TIMEOUT)
_PAYLOAD, _MANAGED = int(contract.Limit.PAYLOAD), int(contract.Limit.MANAGED_INSTANCES)
_PENDING, _SUCCEEDED = int(contract.EventOutcome.PENDING), int(contract.EventOutcome.SUCCEEDED)
_FAILED, _LOST = int(contract.EventOutcome.FAILED), int(contract.EventOutcome.THROTTLED)
_LEFT, _TURNED_AWAY = int(contract.EventOutcome.CLIENT_TIMEOUT), int(contract.EventOutcome.REJECTED)


@compiled_apart
def account(state: ManagedState, now_us: Int64) -> None:
    """Add up the time of instances and environments until now, minute by minute."""
    counters, settings, held_us = state.counters, state.settings, state.held_us
    until_us = min(now_us, settings[here.ENDS_US])
    environments = counters[at.UP] + counters[at.STARTING] + counters[here.LEAVING]
    instances = max(settings[here.LEAST_INSTANCES], -(-environments // settings[here.PER_INSTANCE]))
    while counters[here.ACCOUNTED_US] < until_us:
        minute = counters[here.ACCOUNTED_US] // US_PER_MINUTE
        stop_us = min((minute + 1) * US_PER_MINUTE, until_us)
        held_us[0, minute] += instances * (stop_us - counters[here.ACCOUNTED_US])
        held_us[1, minute] += environments * (stop_us - counters[here.ACCOUNTED_US])
        counters[here.ACCOUNTED_US] = stop_us


@compiled_apart
def _start(state: ManagedState, now_us: Int64, ready_us: Int64) -> None:
    """Start an environment."""
    counters, instances = state.counters, state.instances
    account(state, now_us)
    one = new_instance(state)
    instances[one, here.NUMBER] = counters[at.STARTS]
    counters[at.STARTS] += 1
    counters[at.STARTING] += 1
    present = counters[at.UP] + counters[at.STARTING] + counters[here.LEAVING]
    counters[at.PEAK] = max(counters[at.PEAK], present)
    if ready_us > now_us:
        plan(state, ready_us, here.READY, one, 0)
    else:
        _ready(state, one)


@compiled_apart
def _ready(state: ManagedState, one: Int64) -> None:
    state.counters[at.STARTING] -= 1
    state.counters[at.UP] += 1
    state.instances[one, at.IS_UP] = here.SERVING
    state.counters[here.LOWEST] = 0
    enlist(state, one)


@compiled_apart
def _chosen(state: ManagedState) -> Int64:
    """Choose the environment that serves the fewest, or none."""
    counters, levels = state.counters, state.levels
    while counters[here.LOWEST] < state.settings[here.SLOTS] and levels[counters[here.LOWEST]] == NONE:
        counters[here.LOWEST] += 1
    if counters[here.LOWEST] == state.settings[here.SLOTS]:
        return NONE
    return levels[counters[here.LOWEST]]


@compiled_apart
def _drain(state: ManagedState, now_us: Int64) -> None:
    """Take the environment that serves the fewest out of service; it ends when it has served what it has."""
    counters = state.counters
    one = _chosen(state)
    if one == NONE:
        # All are full: any of them, the last that filled.
        one = state.levels[state.settings[here.SLOTS]]
    account(state, now_us)
    unlist(state, one)
    state.instances[one, at.IS_UP] = here.DRAINING
    counters[at.UP] -= 1
    counters[here.LEAVING] += 1
    if state.instances[one, at.SERVED] == 0:
        _end(state, one, now_us)


@compiled_apart
def _end(state: ManagedState, one: Int64, now_us: Int64) -> None:
    account(state, now_us)
    state.counters[here.LEAVING] -= 1
    state.instances[one, at.IS_UP] = 0
    state.instances[one, at.NEXT] = state.counters[at.FREE_INSTANCE]
    state.counters[at.FREE_INSTANCE] = one


@compiled_apart
def _look(state: ManagedState, now_us: Int64) -> None:
    """Let the scaler look at the time since its last look, and ask for environments."""
    counters, settings, wanted = state.counters, state.settings, state.wanted
    account(state, now_us)
    percent = settings[here.HEADROOM_PERCENT]
    by_requests = -(-counters[here.BUSIEST] * percent // (100 * settings[here.SLOTS]))
    room_us = state.speed[0] * settings[here.TICK_US] * 100
    by_cpu = np.int64(np.ceil(counters[here.COMPUTED_US] * percent / room_us))
    asked = max(by_requests, by_cpu, settings[here.LEAST])
    asked = min(asked, settings[here.MOST])
    wanted[counters[here.TICKED] % len(wanted)] = asked
    counters[here.TICKED] += 1
    counters[here.BUSIEST] = counters[at.IN_PROCESS]
    counters[here.COMPUTED_US] = 0
    ready_us = now_us + max(settings[here.LAG_US] - settings[here.TICK_US], 0)
    while counters[at.UP] + counters[at.STARTING] < asked:
        _start(state, now_us, ready_us)
    if counters[here.TICKED] >= len(wanted):
        stay = asked
        for number in range(len(wanted)):
            stay = max(stay, wanted[number])
        while counters[at.UP] + counters[at.STARTING] > stay and counters[at.UP] > 0:
            _drain(state, now_us)
    if now_us + settings[here.TICK_US] < settings[here.ENDS_US]:
        plan(state, now_us + settings[here.TICK_US], here.TICK, 0, 0)


@compiled_apart
def _write(state: ManagedState, request: Int64, now_us: Int64) -> Int64:
    """Begin the record of an attempt; give its place."""
    counters, requests, records = state.counters, state.requests, state.records
    place = counters[here.WRITTEN] - counters[here.PUT_AWAY]
    requests[request, here.RECORD] = counters[here.WRITTEN]
    counters[here.WRITTEN] += 1
    for column in range(here.RECORD_COLUMNS):
        records[place, column] = 0
    records[place, here.R_INVOCATION] = requests[request, at.INDEX]
    records[place, here.R_ATTEMPT] = requests[request, here.ATTEMPT]
    records[place, here.R_ARRIVAL] = requests[request, at.ARRIVED]
    records[place, here.R_START] = now_us
    records[place, here.R_ENV] = NONE
    return place


@compiled_apart
def _forget(state: ManagedState, request: Int64) -> None:
    state.requests[request, at.AFTER] = state.counters[at.FREE_REQUEST]
    state.requests[request, here.RECORD] = NONE
    state.counters[at.FREE_REQUEST] = request


@compiled_apart
def _refuse(state: ManagedState, request: Int64, place: Int64, now_us: Int64) -> None:
    """Refuse an attempt, which its client may repeat."""
    counters, requests, records = state.counters, state.requests, state.records
    attempt = requests[request, here.ATTEMPT]
    records[place, here.R_START_TYPE] = _NO_START
    records[place, here.R_OUTCOME] = _THROTTLED
    records[place, here.R_LIMIT] = _MANAGED
    records[place, here.R_CONCURRENCY] = counters[at.IN_PROCESS]
    records[place, here.R_DONE] = 1
    if attempt < state.settings[here.RETRIES]:
        records[place, here.R_EVENT_OUTCOME] = _PENDING
        requests[request, here.ATTEMPT] += 1
        counters[here.TRYING_AGAIN] += 1
        plan(state, now_us + state.waits_us[request, attempt], here.RETRY, request, 0)
        return
    records[place, here.R_EVENT_OUTCOME] = _LOST
    _forget(state, request)


@compiled_apart
def _attempt(state: ManagedState, request: Int64, now_us: Int64) -> None:
    """Admit an attempt or refuse it."""
    counters, requests, records, instances = state.counters, state.requests, state.records, state.instances
    place = _write(state, request, now_us)
    if requests[request, here.TOO_LARGE]:
        records[place, here.R_START_TYPE] = _NO_START
        records[place, here.R_OUTCOME] = _REJECTED
        records[place, here.R_LIMIT] = _PAYLOAD
        records[place, here.R_EVENT_OUTCOME] = _TURNED_AWAY
        records[place, here.R_CONCURRENCY] = counters[at.IN_PROCESS]
        records[place, here.R_DONE] = 1
        _forget(state, request)
        return
    one = _chosen(state)
    if one == NONE:
        _refuse(state, request, place, now_us)
        return
    unlist(state, one)
    instances[one, at.SERVED] += 1
    enlist(state, one)
    counters[at.IN_PROCESS] += 1
    counters[here.BUSIEST] = max(counters[here.BUSIEST], counters[at.IN_PROCESS])
    requests[request, at.AT] = one
    requests[request, at.BEGUN] = now_us
    records[place, here.R_START_TYPE] = _WARM
    records[place, here.R_ENV] = instances[one, here.NUMBER]
    records[place, here.R_CONCURRENCY] = counters[at.IN_PROCESS]
    plan(state, now_us + state.settings[here.TIMEOUT_US], here.CUT, request, requests[request, here.RECORD])
    if requests[request, at.CPU] == 0:
        plan(state, now_us + requests[request, at.IO], here.ANSWERED, request, requests[request, here.RECORD])
        return
    compute(state, one, request, now_us)


@compiled_apart
def _computed(state: ManagedState, one: Int64, now_us: Int64) -> None:
    """Let the requests of an environment that have computed wait, or end."""
    instances, requests = state.instances, state.requests
    compute_until(state, one, now_us)
    while instances[one, at.COMPUTING] > 0:
        request = instances[one, at.FIRST]
        if state.until[request] > state.progress[one] + CLOSE:
            break
        instances[one, at.FIRST] = requests[request, at.AFTER]
        instances[one, at.COMPUTING] -= 1
        state.counters[here.COMPUTED_US] += requests[request, at.CPU]
        requests[request, at.CPU] = 0
        plan(state, now_us + requests[request, at.IO], here.ANSWERED, request, requests[request, here.RECORD])
    plan_computed(state, one, now_us)


@compiled_apart
def _cut(state: ManagedState, request: Int64, now_us: Int64) -> None:
    """End a request at the function's timeout."""
    instances, requests = state.instances, state.requests
    one = requests[request, at.AT]
    if requests[request, at.CPU]:
        compute_until(state, one, now_us)
        before, found = NONE, instances[one, at.FIRST]
        while found != request:
            before, found = found, requests[found, at.AFTER]
        if before == NONE:
            instances[one, at.FIRST] = requests[request, at.AFTER]
        else:
            requests[before, at.AFTER] = requests[request, at.AFTER]
        instances[one, at.COMPUTING] -= 1
        plan_computed(state, one, now_us)
    requests[request, here.FAULT] = _TIMEOUT
    _answer(state, request, now_us)


@compiled_apart
def _answer(state: ManagedState, request: Int64, now_us: Int64) -> None:
    """End a request."""
    counters, instances, requests, records = state.counters, state.instances, state.requests, state.records
    one = requests[request, at.AT]
    place = requests[request, here.RECORD] - counters[here.PUT_AWAY]
    duration_us, outcome = now_us - requests[request, at.BEGUN], requests[request, here.FAULT]
    records[place, here.R_DURATION] = duration_us
    records[place, here.R_OUTCOME] = outcome
    if duration_us > state.settings[here.CLIENT_TIMEOUT_US]:
        records[place, here.R_EVENT_OUTCOME] = _LEFT
    elif outcome == _COMPLETED:
        records[place, here.R_EVENT_OUTCOME] = _SUCCEEDED
    else:
        records[place, here.R_EVENT_OUTCOME] = _FAILED
    records[place, here.R_DONE] = 1
    _forget(state, request)
    counters[at.IN_PROCESS] -= 1
    if instances[one, at.IS_UP] == here.SERVING:
        unlist(state, one)
        instances[one, at.SERVED] -= 1
        enlist(state, one)
        counters[here.LOWEST] = min(counters[here.LOWEST], instances[one, at.SERVED])
    else:
        instances[one, at.SERVED] -= 1
        if instances[one, at.SERVED] == 0:
            _end(state, one, now_us)


@compiled_apart
def _happen(state: ManagedState, before_us: Int64) -> None:
    """Let everything happen up to and with an instant."""
    counters, heap, requests = state.counters, state.heap, state.requests
    while counters[at.EVENTS] > 0 and heap[0, 0] <= before_us:
        now_us, kind, row, version = heap[0, 0], heap[0, 1], heap[0, 2], heap[0, 3]
        drop_first(state)
        if kind == here.COMPUTED:
            if version == state.instances[row, at.VERSION]:
                _computed(state, row, now_us)
        elif kind == here.ANSWERED:
            if version == requests[row, here.RECORD]:
                _answer(state, row, now_us)
        elif kind == here.CUT:
            if version == requests[row, here.RECORD]:
                _cut(state, row, now_us)
        elif kind == here.READY:
            _ready(state, row)
        elif kind == here.TICK:
            _look(state, now_us)
        else:
            counters[here.TRYING_AGAIN] -= 1
            _attempt(state, row, now_us)


def advance(
    state: ManagedState,
    arrivals_us: NDArray[np.int64],
    first: Int64,
    work: NDArray[np.int64],
    waits_us: NDArray[np.int64],
    environments: Int64,
) -> None:
    """Take a chunk of arrivals in.

    Parameters
    ----------
    state : ManagedState
        With room for the chunk.
    arrivals_us : ndarray of int64, shape (n,)
        In order of time [µs].
    first : int
        Number of the first of them.
    work : ndarray of int64, shape (n, 4)
        CPU time on one whole vCPU and waiting [µs], how the handler ends, and whether the request is too large.
    waits_us : ndarray of int64, shape (n, retries)
        Before each further attempt [µs].
    environments : int
        That are there when the scenario begins.
    """
    counters, requests = state.counters, state.requests
    if not counters[here.TICK_AHEAD]:
        counters[here.TICK_AHEAD] = 1
        for _ in range(environments):
            _start(state, 0, 0)
        plan(state, state.settings[here.TICK_US], here.TICK, 0, 0)
    for number in range(len(arrivals_us)):
        now_us = arrivals_us[number]
        _happen(state, now_us)
        request = counters[at.FREE_REQUEST]
        counters[at.FREE_REQUEST] = requests[request, at.AFTER]
        requests[request, at.ARRIVED] = now_us
        requests[request, at.CPU] = work[number, 0]
        requests[request, at.IO] = work[number, 1]
        requests[request, here.FAULT] = work[number, 2]
        requests[request, here.TOO_LARGE] = work[number, 3]
        requests[request, at.INDEX] = first + number
        requests[request, here.ATTEMPT] = 0
        for retry in range(waits_us.shape[1]):
            state.waits_us[request, retry] = waits_us[number, retry]
        _attempt(state, request, now_us)


def finish(state: ManagedState, never_us: Int64) -> None:
    """Let all requests end, and the scenario.

    Parameters
    ----------
    state : ManagedState
    never_us : int
        Later than anything that happens [µs].
    """
    _happen(state, never_us)
    account(state, state.settings[here.ENDS_US])
