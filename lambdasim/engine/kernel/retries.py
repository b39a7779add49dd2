"""Gateways, who tries again and when in the compiled engine; steps bear the names of those in `reference.retries`.

What a client gets back for an answer waits among the retries, before those of its instant: a row whose number of attempts
is ``_GIVES_BACK``. Where functions call each other more waits there, and keys say of what kind it is, see `COMPLETION`.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np

from lambdasim.compiling import Bool, Int64, compiled, compiled_apart
from lambdasim.engine.kernel import state as at
from lambdasim.engine.kernel.calendar import put, take
from lambdasim.engine.kernel.draws import draw_backoff_us
from lambdasim.engine.kernel.state import Event, State
from lambdasim.engine.rates import allows, spend
from lambdasim.models.adaptive_rate import heard, turn_us
from lambdasim.models.polling import backoff_us

# What waits where functions call each other, in the order of kinds at one instant: what stands among the completions (by
# the moment at which it was decided on, as they do), deadlines, retries of traffic, those of calls, and calls.
COMPLETION: Final = -1 << 61
DEADLINE: Final = -1 << 60
RETRY: Final = 0
RETRY_OF_CALL: Final = 1 << 60
CALL: Final = 3 << 60
_FUNCTION_SHIFT: Final = 42
_GIVES_BACK: Final = (1 << 32) - 1
_FIRST_OF_ALL: Final = -1
_CALLED: Final = -1  # in no chunk of arrivals
_HAS_WAITED: Final = -2  # likewise, and its client has let it wait its turn
_WAITS: Final = 1 << 30  # added to the number of attempts of such
_allows, _spend = compiled(allows), compiled(spend)
_backoff_us, _turn_us, _heard = compiled(backoff_us), compiled_apart(turn_us), compiled_apart(heard)


@compiled_apart
def closed_gate(state: State, function: Any, now: Int64) -> Int64:
    """Let a request through its gateway's throttles, or name the one that stops it."""
    route, account = state.rates[function.route_gate], state.rates[function.account_gate]
    if function.route_gate and not _allows(route, now):
        return at.GATEWAY_ROUTE
    if function.account_gate and not _allows(account, now):
        return at.GATEWAY_ACCOUNT
    if function.route_gate:
        _spend(route, now)
    if function.account_gate:
        _spend(account, now)
    return at.NO_LIMIT


@compiled
def take_retry(state: State) -> Event:
    """Take the first waiting event; its row becomes the first free one."""
    account = state.account[0]
    row = take(state.retries)
    waiting = state.retries.table[row]
    waiting.next = account.free_event
    account.free_event = row
    attempts, place = np.int64(waiting.attempts), np.int64(_CALLED)
    if attempts >> 30 == 1:
        attempts -= _WAITS
        place = np.int64(_HAS_WAITED)
    return Event(
        np.int64(waiting.function), waiting.invocation, waiting.arrival_us, attempts,
        np.int64(waiting.runs), np.int64(waiting.refusals), place, np.int64(waiting.paid), waiting.about,
    )  # fmt: skip


@compiled_apart
def waits(state: State, function: Any, event: Event, now: Int64) -> Bool:
    """Let a call wait where its client slows itself down; return whether it does."""
    if event.row == _HAS_WAITED:
        return False
    wait_us = _turn_us(state.paces[_client_of(function, event)], now)
    if wait_us == 0:
        return False
    key = (event.function << _FUNCTION_SHIFT) + event.invocation
    wait(
        state, event, event.attempts + _WAITS, event.runs, event.refusals, now + wait_us, now, event.paid, key
    )
    return True


@compiled
def is_given_back(event: Event) -> Bool:
    """Return whether what was taken is an answer's tokens and no event."""
    return event.attempts == _GIVES_BACK


@compiled
def after_run(
    state: State, function: Any, event: Event, answer: Int64, outcome: Int64, started_us: Int64, end_us: Int64,
    answered_us: Int64, now: Int64,
) -> Int64:  # fmt: skip
    """Decide what follows a run: the event's end, or another attempt. Clients see the answer, queues the outcome."""
    if function.synchronous:
        if answered_us - started_us > function.client_timeout_us:
            return silence(state, function, event, started_us + function.client_timeout_us, now)
        if function.hears_answers:
            return _after_answer(state, function, event, answer, answered_us, now)
        return at.SUCCEEDED if answer == at.COMPLETED else at.FAILED
    if outcome == at.COMPLETED:
        return at.SUCCEEDED
    if event.runs >= function.delays:
        return at.FAILED
    delay_us = state.delays[function.first_delay + event.runs]
    return _retry_at(state, function, event, event.runs + 1, event.refusals, end_us + delay_us, now, 0)


@compiled_apart
def silence(state: State, function: Any, event: Event, gone_us: Int64, now: Int64) -> Int64:
    """Decide what a client does that has waited in vain, while its run goes on."""
    if not function.repeats_timeouts or not _may_repeat(state, function, event, function.timeout_cost):
        return at.CLIENT_TIMEOUT
    wait_us = _client_wait_us(state, function, event, function.timeout_backoff_us)
    again_us = gone_us + wait_us
    paid = _paid(function, event, function.timeout_cost)
    return _retry_at(state, function, event, event.runs + 1, event.refusals + 1, again_us, now, paid)


@compiled_apart
def _after_answer(
    state: State, function: Any, event: Event, answer: Int64, answered_us: Int64, now: Int64
) -> Int64:
    """Decide what a client does with an answer that matters to it: take it, or call again."""
    if answer != at.COMPLETED and function.repeats_failures:
        if not _may_repeat(state, function, event, function.failure_cost):
            return at.FAILED
        wait_us = _client_wait_us(state, function, event, function.timeout_backoff_us)
        paid = _paid(function, event, function.failure_cost)
        return _retry_at(
            state, function, event, event.runs + 1, event.refusals + 1, answered_us + wait_us, now, paid
        )
    if function.processes:
        key = np.int64(_FIRST_OF_ALL)
        if state.account[0].has_calls:
            key = in_turn(state, COMPLETION)
        wait(state, event, np.int64(_GIVES_BACK), 0, 0, answered_us, now, event.paid, key)
    return at.SUCCEEDED if answer == at.COMPLETED else at.FAILED


@compiled
def after_refusal(state: State, function: Any, event: Event, now: Int64) -> Int64:
    """Decide what follows a throttled attempt."""
    if function.paces:
        _heard(state.paces[_client_of(function, event)], now, True)
    if not function.repeats_throttles or not _may_repeat(state, function, event, function.throttle_cost):
        return at.EVENT_THROTTLED
    wait_us = _client_wait_us(state, function, event, function.throttle_backoff_us)
    paid = _paid(function, event, function.throttle_cost)
    return _retry_at(state, function, event, event.runs, event.refusals + 1, now + wait_us, now, paid)


@compiled
def _may_repeat(state: State, function: Any, event: Event, cost: Int64) -> Bool:
    """Return whether a client may repeat a call, and pay for it."""
    if event.refusals >= function.throttle_retries:
        return False
    if function.processes == 0:
        return True
    client = _client_of(function, event)
    if state.tokens[client] < cost:
        return False
    state.tokens[client] -= cost
    return True


@compiled
def _client_of(function: Any, event: Event) -> Int64:
    return function.first_client + event.invocation % function.processes


@compiled
def _paid(function: Any, event: Event, cost: Int64) -> Int64:
    return cost if function.processes else event.paid


@compiled_apart
def give_back(state: State, event: Event, now: Int64) -> None:
    """Give a client back what the last repeat of a call took, or one token, now that it has an answer."""
    function = state.functions[event.function]
    client = _client_of(function, event)
    if function.paces:
        _heard(state.paces[client], now, False)
    state.tokens[client] = min(state.tokens[client] + max(event.paid, 1), function.tokens)


@compiled
def _client_wait_us(state: State, function: Any, event: Event, first_us: Int64) -> Int64:
    """Give how long a client, or Lambda's queue, waits before it tries again."""
    wait_us = _backoff_us(first_us, function.throttle_backoff_cap_us, event.refusals)
    if function.jittered:
        wait_us = draw_backoff_us(state, function, event, wait_us)
    return wait_us


@compiled
def _retry_at(
    state: State, function: Any, event: Event, runs: Int64, refusals: Int64, time_us: Int64, now: Int64, paid: Int64
) -> Int64:  # fmt: skip
    """Schedule another attempt, unless the event would be too old by then."""
    if time_us > event.arrival_us + function.max_event_age_us:
        return at.EXPIRED
    key = (event.function << _FUNCTION_SHIFT) + event.invocation
    if function.number:
        key = in_turn(state, RETRY_OF_CALL)
    wait(state, event, event.attempts + 1, runs, refusals, time_us, now, paid, key)
    return at.PENDING


@compiled
def in_turn(state: State, kind: Int64) -> Int64:
    """Give the key of what is decided on now, among what was decided on before and of its kind."""
    account = state.account[0]
    account.admitted += 1
    return kind + account.admitted - 1


@compiled
def wait(
    state: State, event: Event, attempts: Int64, runs: Int64, refusals: Int64, time_us: Int64, now: Int64, paid: Int64,
    key: Int64,
) -> None:  # fmt: skip
    """Let an event wait for its next attempt, or a client for its tokens."""
    account = state.account[0]
    row = account.free_event
    waiting = state.retries.table[row]
    account.free_event = waiting.next
    waiting.function = event.function
    waiting.invocation = event.invocation
    waiting.arrival_us = event.arrival_us
    waiting.attempts = attempts
    waiting.runs = runs
    waiting.refusals = refusals
    waiting.paid = paid
    waiting.about = event.about
    waiting.time_us = time_us
    waiting.key = key
    put(state.retries, row, now)
