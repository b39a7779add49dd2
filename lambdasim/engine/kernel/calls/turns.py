"""What runs that call do when it is their turn, in the compiled engine; steps bear the names of `reference.calls`."""

from __future__ import annotations

from typing import Any

import numpy as np

from lambdasim.compiling import Bool, Int64, compiled, compiled_outside
from lambdasim.engine.kernel import state as at
from lambdasim.engine.kernel.chains import rows as of
from lambdasim.engine.kernel.chains.events import (
    ANSWERS,
    CLIENT_GOES,
    GOES_ON,
    IS_CUT,
    MAKES,
    count,
    event_ended,
    event_of,
    forget_event,
    give_passes,
    is_made,
    keep_passes,
    later,
    leave,
    let_go,
    new_event,
    number_of,
    passes_of_call,
    resolve,
)
from lambdasim.engine.kernel.chains.items import give_makers, next_maker
from lambdasim.engine.kernel.chains.rows import Calls
from lambdasim.engine.kernel.retries import CALL, COMPLETION, in_turn, silence, wait
from lambdasim.engine.kernel.state import Event, State
from lambdasim.engine.kernel.steps import settle, write


@compiled_outside
def take_turn(state: State, sources: Any, calls: Calls, event: Event, now: Int64) -> None:
    """Let happen what waited among the retries and is no event."""
    what, row = event.attempts, event.about
    if what == MAKES:
        if event.paid:
            _make_all_of(state, calls, event, now)
        else:
            _make_all(state, calls, event, now)
        return
    run = calls.open[row]
    if not run.ended:
        goes_on = what == GOES_ON
        if what == ANSWERS:
            goes_on = _answered(calls, row, event.refusals, now)
        elif what == IS_CUT:
            _cut(state, sources, calls, row, now)
        elif what == CLIENT_GOES:
            _client_goes(state, calls, row, now)
        if goes_on:
            _go_on(state, sources, calls, row, now)
    let_go(calls, row)


@compiled
def _go_on(state: State, sources: Any, calls: Calls, row: Int64, now: Int64) -> None:
    """Make the next calls of a run, up to one that waits; where none is left, or one has failed, end it."""
    run = calls.open[row]
    function = state.functions[run.function]
    while run.waits_for == 0:
        if run.call == function.calls and run.maker:
            next_maker(calls, run, np.int64(calls.makers[run.maker].next))
        if run.failed or run.call == function.calls:
            _end(state, sources, calls, row, now)
            return
        asked = np.int64(function.first_call) + run.call
        call = calls.calls[asked]
        if not is_made(call, of.IN_RUN, run.number, run.run):
            run.call += 1
            continue
        first, number = np.int64(0), call.count
        if call.kind == of.WAITING and not call.at_once:
            first, number = run.place, np.int64(1)
            run.place += 1
        if first + number == call.count:
            run.call += 1
            run.place = 0
        waiter = np.int64(0)
        if call.kind == of.WAITING:
            run.asked, run.asked_us, run.waits_for, waiter = asked, now, number, row
        make(state, calls, call, run.number, run.run, run.chain, run.passes, first, number, waiter, now)


@compiled
def _answered(calls: Calls, row: Int64, succeeded: Int64, now: Int64) -> Bool:
    """Take an answer; tell whether it was the last of its step."""
    run = calls.open[row]
    call = calls.calls[run.asked]
    run.waits_for -= 1
    if call.fails_run and not succeeded:
        run.failed = 1
    if run.waits_for:
        return False
    count(calls, run.asked + 1, of.WAITED, now - run.asked_us)
    return True


@compiled
def _end(state: State, sources: Any, calls: Calls, row: Int64, now: Int64) -> None:
    """End a run that has made its calls, or of which one failed."""
    run = calls.open[row]
    answer = np.int64(at.FUNCTION_ERROR) if run.failed else run.fault
    _settle(state, sources, calls, row, now - run.handler_starts_us, answer, now)


@compiled
def _cut(state: State, sources: Any, calls: Calls, row: Int64, now: Int64) -> None:
    """End a run at its function's timeout."""
    run = calls.open[row]
    if run.waits_for:
        count(calls, run.asked + 1, of.WAITED, now - run.asked_us)
    _settle(
        state, sources, calls, row, state.functions[run.function].timeout_us + 1, np.int64(at.TIMEOUT), now
    )


@compiled_outside
def _settle(
    state: State, sources: Any, calls: Calls, row: Int64, handler_us: Int64, answer: Int64, now: Int64
) -> None:
    run = calls.open[row]
    run.ended = 1
    event = event_of(calls, row)
    settle(
        state, None, sources, calls, event, event, run.batch, run.slot, row, 0, run.started_us,
        run.handler_starts_us - run.started_us, 0, run.init_again_us, handler_us, answer, now,
    )  # fmt: skip
    if run.makers:
        give_makers(calls, np.int64(run.makers))
    else:
        give_passes(calls, run.passes)
    let_go(calls, row)


@compiled
def _client_goes(state: State, calls: Calls, row: Int64, now: Int64) -> None:
    """Let the client of an open run give up, while the run goes on."""
    run = calls.open[row]
    event, function = event_of(calls, row), state.functions[run.function]
    called = calls.called[event.about]
    if called.waiter and calls.open[called.waiter].ended:
        run.final = at.CLIENT_TIMEOUT
    else:
        run.final = silence(state, function, event, now, now)
    if run.final != at.PENDING:
        event_ended(state, calls, event, event.runs + 1, run.final, now, now)
    elif called.waiter:
        called.unresolved = run.record
        called.otherwise = at.CLIENT_TIMEOUT


@compiled
def give_up(state: State, calls: Calls, event: Event, now: Int64) -> Bool:
    """Resolve the last attempt of an event; tell whether its caller's run has ended, so that none follows."""
    if event.about == 0 or calls.called[event.about].unresolved < 0:
        return False
    called = calls.called[event.about]
    record = called.unresolved
    called.unresolved = -1
    if not calls.open[called.waiter].ended:
        resolve(calls, record, np.int64(at.PENDING))
        return False
    resolve(calls, record, called.otherwise)
    count(calls, np.int64(state.functions[event.function].number), of.ABANDONED, 1)
    event_ended(state, calls, event, event.runs, called.otherwise, now, now)
    return True


# Making calls


@compiled
def _make_all(state: State, calls: Calls, event: Event, now: Int64) -> None:
    """Make all calls of a moment, for which nobody waits."""
    function, moment, passes = state.functions[event.function], event.refusals, event.arrival_us
    for place in range(function.first_call, function.first_call + function.calls):
        call = calls.calls[place]
        if is_made(call, moment, event.invocation, event.runs):
            make(
                state, calls, call, event.invocation, event.runs, event.about, passes, np.int64(0), call.count,
                np.int64(0), now,
            )  # fmt: skip
    give_passes(calls, passes)
    leave(calls, event.about, now)


@compiled_outside
def _make_all_of(state: State, calls: Calls, event: Event, now: Int64) -> None:
    """Make all calls of a moment for the items of a batch, each in its turn."""
    function, moment, row = state.functions[event.function], event.refusals, event.paid
    while row:
        maker = calls.makers[row]
        for place in range(function.first_call, function.first_call + function.calls):
            call = calls.calls[place]
            if is_made(call, moment, maker.number, maker.run):
                make(
                    state, calls, call, maker.number, maker.run, np.int64(maker.chain), np.int64(maker.passes),
                    np.int64(0), call.count, np.int64(0), now,
                )  # fmt: skip
        row = np.int64(maker.next)
    row = event.paid
    while row:
        leave(calls, np.int64(calls.makers[row].chain), now)
        row = np.int64(calls.makers[row].next)
    give_makers(calls, event.paid)


@compiled_outside
def make(
    state: State, calls: Calls, call: Any, number: Int64, run: Int64, chain: Int64, before: Int64, first: Int64,
    number_of_calls: Int64, waiter: Int64, now: Int64,
) -> None:  # fmt: skip
    """Make calls, for which somebody may wait."""
    head, of_call = calls.head[0], state.functions[call.row].number
    passes, times = passes_of_call(calls, call, before)
    stops = call.stops_loops and times > head.most_passes and call.is_traced
    for place in range(first, first + number_of_calls):
        if waiter:
            calls.open[waiter].refs += 1
        if call.is_endless and now + call.delay_us >= head.ends_us:
            count(calls, np.int64(of_call), of.CUT, 1)
            if waiter:
                later(state, ANSWERS, COMPLETION, waiter, 0, now, now)
            continue
        count(calls, np.int64(of_call), of.MADE, 1)
        head.called += 1
        if head.called > head.most_called and head.too_many == 0:
            head.too_many = call.row
        calls.chains[chain].open += 1
        calls.chains[chain].events += 1
        keep_passes(calls, passes)
        row = new_event(calls, chain, waiter, passes)
        event = Event(
            call.row, number_of(call, number, run, place), now + call.delay_us, 0, 0, 0, np.int64(-1), 0, row
        )
        if stops and call.to_source:
            _stop_item(state, calls, event, now)
        elif stops:
            _stop(state, calls, event, now)
        else:
            wait(state, event, 0, 0, 0, event.arrival_us, now, 0, in_turn(state, np.int64(CALL)))
    give_passes(calls, passes)


@compiled
def _stop(state: State, calls: Calls, event: Event, now: Int64) -> None:
    """Record a call that loop detection stopped."""
    count(calls, np.int64(state.functions[event.function].number), of.STOPPED, 1)
    write(state, None, event, now, 0, 0, 0, 0, 0, at.NO_START, at.REJECTED, at.LOOP, -1, at.EVENT_REJECTED)
    event_ended(state, calls, event, np.int64(0), np.int64(at.EVENT_REJECTED), now, now)


@compiled
def _stop_item(state: State, calls: Calls, event: Event, now: Int64) -> None:
    """Count a call of a queue or stream that loop detection stopped: no attempt was made, so there is no record."""
    number, called = np.int64(state.functions[event.function].number), calls.called[event.about]
    count(calls, number, of.STOPPED, 1)
    count(calls, number, of.NOT_DONE, 1)
    chain, passes = np.int64(called.chain), np.int64(called.passes)
    forget_event(calls, event.about)
    calls.chains[chain].failed += 1
    leave(calls, chain, now)
    give_passes(calls, passes)
