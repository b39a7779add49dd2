"""Events of chains, runs that wait, and chains in the compiled engine; steps bear the names of `reference.calls`."""

from __future__ import annotations

from typing import Any, Final

import numpy as np

from lambdasim.compiling import Bool, Int64, compiled, compiled_apart, compiled_outside
from lambdasim.draws.compiled import random_bits
from lambdasim.engine.chains import CALLED
from lambdasim.engine.kernel import state as at
from lambdasim.engine.kernel.chains import rows as of
from lambdasim.engine.kernel.chains.rows import Calls
from lambdasim.engine.kernel.retries import CALL, COMPLETION, DEADLINE, in_turn, wait
from lambdasim.engine.kernel.state import Event, State

_U3, _U11 = np.uint64(3), np.uint64(11)
IN_RUN: Final = of.IN_RUN
# What a run calls.
NOTHING, LATER, WAITS = range(3)
# What waits among the retries beside events, by their number of attempts.
GOES_ON: Final = (1 << 32) - 2
ANSWERS: Final = (1 << 32) - 3
IS_CUT: Final = (1 << 32) - 4
CLIENT_GOES: Final = (1 << 32) - 5
MAKES: Final = (1 << 32) - 6
LEAST_OF_THESE: Final = MAKES


@compiled
def number_of(call: Any, number: Int64, run: Int64, place: Int64) -> Int64:
    """Give an event that is called its number, as `number_of_call` does."""
    bits = random_bits(random_bits(call.k0, call.k1, number, run), call.k1, place + 1, 0)
    return np.int64(bits >> _U3) | CALLED


@compiled
def is_made(call: Any, moment: Int64, number: Int64, run: Int64) -> Bool:
    """Return whether a call is made at a moment by a run, as `was_made` does."""
    if call.moment != moment:
        return False
    if call.is_certain:
        return True
    bits = random_bits(random_bits(call.k0, call.k1, number, run), call.k1, 0, 0)
    return np.int64(bits >> _U11) < call.made_below


# Chains


@compiled
def begin(state: State, calls: Calls, event: Event) -> Int64:
    """Let a chain begin with what arrived by traffic; give its event's row."""
    row, passes = begin_chain(state, calls, event)
    return new_event(calls, row, 0, passes)


@compiled
def begin_chain(state: State, calls: Calls, event: Event) -> tuple[Int64, Int64]:
    """Let a chain begin, with one event or item in it: (its row, what it has come through)."""
    head, function = calls.head[0], state.functions[event.function]
    row = head.free_chains
    chain = calls.chains[row]
    head.free_chains = chain.next
    head.chains_left -= 1
    chain.function = function.rank
    chain.invocation = event.invocation
    chain.arrival_us = event.arrival_us
    chain.open = chain.events = 1
    chain.failed = chain.last_us = 0
    head.begun += 1
    head.open_chains += 1
    passes = np.int64(0)
    for place in range(function.first_call, function.first_call + function.calls):
        if calls.calls[place].is_in_loop and passes == 0:
            passes = _another_pass(calls, np.int64(function.owner), 1, 0)
    return row, passes


@compiled
def new_event(calls: Calls, chain: Int64, waiter: Int64, passes: Int64) -> Int64:
    """Take a row for an event of a chain, which has the passes from now on."""
    head = calls.head[0]
    row = head.free_called
    event = calls.called[row]
    head.free_called = event.next
    head.called_left -= 1
    event.chain = chain
    event.waiter = waiter
    event.passes = passes
    event.unresolved = -1
    return row


@compiled
def _another_pass(calls: Calls, function: Int64, count: Int64, before: Int64) -> Int64:
    head = calls.head[0]
    row = head.free_passes
    through = calls.passes[row]
    head.free_passes = through.next
    head.passes_left -= 1
    through.next = before
    through.function = function
    through.count = count
    through.refs = 1
    return row


@compiled
def keep_passes(calls: Calls, row: Int64) -> None:
    """Let one more have passes."""
    if row:
        calls.passes[row].refs += 1


@compiled
def give_passes(calls: Calls, row: Int64) -> None:
    """Let one less have passes."""
    head = calls.head[0]
    while row:
        through = calls.passes[row]
        through.refs -= 1
        if through.refs:
            return
        before = through.next
        through.next = head.free_passes
        head.free_passes = row
        head.passes_left += 1
        row = before


@compiled
def passes_of_call(calls: Calls, call: Any, before: Int64) -> tuple[Int64, Int64]:
    """Count another pass of a chain through a function: (passes, which belong to who asks; how many that makes)."""
    if not call.is_traced:
        before = np.int64(0)
    count = np.int64(1)
    row = before
    while row:
        through = calls.passes[row]
        if through.function == call.through:
            count = through.count + 1
            break
        row = through.next
    if not call.is_in_loop:
        keep_passes(calls, before)
        return before, count
    keep_passes(calls, before)
    return _another_pass(calls, call.through, count, before), count


@compiled
def hold_chain(calls: Calls, event: Event, slot: Int64) -> None:
    """Let a run keep its chain open."""
    chain = np.int64(0)
    if event.about:
        chain = np.int64(calls.called[event.about].chain)
        calls.chains[chain].open += 1
    calls.runs[slot].chain = chain


@compiled
def leave(calls: Calls, row: Int64, time_us: Int64) -> None:
    """Count an event or a run out of its chain, and write the chain when it was the last."""
    if row == 0:
        return
    head, chain = calls.head[0], calls.chains[row]
    chain.open -= 1
    chain.last_us = max(chain.last_us, time_us)
    if chain.open:
        return
    head.open_chains -= 1
    place = head.ended * of.CHAIN_WIDTH
    head.ended += 1
    calls.ended[place] = chain.function
    calls.ended[place + 1] = chain.invocation
    calls.ended[place + 2] = chain.arrival_us
    calls.ended[place + 3] = chain.last_us
    calls.ended[place + 4] = chain.events
    calls.ended[place + 5] = chain.failed
    chain.next = head.free_chains
    head.free_chains = row
    head.chains_left += 1


@compiled
def count(calls: Calls, number: Int64, what: Int64, more: Int64) -> None:
    """Add to a counter of a call."""
    calls.counts[what * (len(calls.calls) + 1) + number] += more


@compiled_apart
def event_ended(
    state: State, calls: Calls, event: Event, runs: Int64, final: Int64, time_us: Int64, now: Int64
) -> None:
    """Follow an event's final outcome: answer its caller, send to its destinations, count it out of its chain."""
    if event.about == 0:
        return
    function, called = state.functions[event.function], calls.called[event.about]
    succeeded = final == at.SUCCEEDED
    if function.number:
        count(calls, np.int64(function.number), of.DONE if succeeded else of.NOT_DONE, 1)
    if called.waiter:
        later(state, ANSWERS, COMPLETION, np.int64(called.waiter), np.int64(succeeded), time_us, now)
    if not function.synchronous:
        make_later(state, calls, event, runs, of.SUCCEEDED if succeeded else of.FAILED, time_us, now)
    chain = np.int64(called.chain)
    calls.chains[chain].failed += not succeeded
    leave(calls, chain, time_us)
    give_passes(calls, np.int64(called.passes))
    forget_event(calls, event.about)


@compiled
def forget_event(calls: Calls, row: Int64) -> None:
    """Give an event's row back."""
    head = calls.head[0]
    calls.called[row].next = head.free_called
    head.free_called = row
    head.called_left += 1


# What a run calls


@compiled
def what_is_called(calls: Calls, function: Any, event: Event) -> Int64:
    """Return whether an event's next run will call anything, and wait for it."""
    what = np.int64(NOTHING)
    for place in range(function.first_call, function.first_call + function.calls):
        call = calls.calls[place]
        if is_made(call, of.IN_RUN, event.invocation, event.runs):
            if call.kind == of.WAITING:
                return np.int64(WAITS)
            what = np.int64(LATER)
    return what


@compiled_outside
def make_later(
    state: State, calls: Calls, event: Event, runs: Int64, moment: Int64, time_us: Int64, now: Int64
) -> None:
    """Make calls that nobody waits for, if there are any, at a time; until then they keep the chain open."""
    function, called = state.functions[event.function], calls.called[event.about]
    for place in range(function.first_call, function.first_call + function.calls):
        if is_made(calls.calls[place], moment, event.invocation, runs):
            break
    else:
        return
    calls.chains[called.chain].open += 1
    keep_passes(calls, np.int64(called.passes))
    makes = Event(
        event.function,
        event.invocation,
        np.int64(called.passes),
        0,
        0,
        0,
        event.row,
        0,
        np.int64(called.chain),
    )
    wait(state, makes, np.int64(MAKES), runs, moment, time_us, now, 0, in_turn(state, np.int64(CALL)))


@compiled_outside
def later(
    state: State, what: Int64, kind: Int64, open_run: Int64, told: Int64, time_us: Int64, now: Int64
) -> None:
    """Let something about an open run happen at a time, in its turn among those of its kind."""
    about = Event(0, 0, 0, 0, 0, 0, 0, 0, open_run)
    wait(state, about, what, 0, told, time_us, now, 0, in_turn(state, kind))


@compiled_outside
def hold(
    state: State, calls: Calls, event: Event, slot: Int64, record: Int64, started_us: Int64,
    handler_starts_us: Int64, own_us: Int64, init_again_us: Int64, fault: Int64,
) -> Int64:  # fmt: skip
    """Keep a run open that will wait for answers after its own work; give its row."""
    head, function, called = calls.head[0], state.functions[event.function], calls.called[event.about]
    row = head.free_open
    run = calls.open[row]
    head.free_open = run.next
    head.open_left -= 1
    run.function, run.invocation, run.arrival_us = event.function, event.invocation, event.arrival_us
    run.attempts, run.runs, run.refusals, run.paid = event.attempts, event.runs, event.refusals, event.paid
    run.about, run.chain, run.passes = event.about, called.chain, called.passes
    run.number, run.run = event.invocation, event.runs
    run.batch = run.makers = run.maker = 0
    keep_passes(calls, np.int64(called.passes))
    run.slot, run.has_waiter, run.record, run.final = slot, called.waiter, record, -1
    run.started_us, run.handler_starts_us = started_us, handler_starts_us
    run.init_again_us, run.fault = init_again_us, fault
    run.call = run.place = run.asked = run.waits_for = run.failed = run.ended = 0
    run.refs = 3
    later(state, GOES_ON, CALL, row, 0, handler_starts_us + own_us, started_us)
    later(state, IS_CUT, DEADLINE, row, 0, handler_starts_us + function.timeout_us, started_us)
    gone_us = started_us + function.client_timeout_us
    if function.synchronous and gone_us < handler_starts_us + function.timeout_us:
        run.refs += 1
        later(state, CLIENT_GOES, DEADLINE, row, 0, gone_us, started_us)
    return row


@compiled
def let_go(calls: Calls, row: Int64) -> None:
    """Give an open run's row back when nothing is to come of it any more."""
    head, run = calls.head[0], calls.open[row]
    run.refs -= 1
    if run.refs == 0:
        run.next = head.free_open
        head.free_open = row
        head.open_left += 1


@compiled
def event_of(calls: Calls, row: Int64) -> Event:
    """Make an open run's event."""
    run = calls.open[row]
    return Event(
        run.function, run.invocation, run.arrival_us, run.attempts, run.runs, run.refusals, np.int64(-1), run.paid,
        run.about,
    )  # fmt: skip


# Records that are not complete when they are written


@compiled
def keep(state: State, calls: Calls, entries: Int64) -> Int64:
    """Let the next record wait for so many entries; give its number."""
    head = calls.head[0]
    head.kept += entries
    return head.handed_over + state.account[0].record


@compiled
def may_be_dropped(calls: Calls, event: Event, final: Int64) -> Bool:
    """Return whether another attempt is due of which a run that waits may yet make nothing."""
    return final == at.PENDING and event.about != 0 and calls.called[event.about].waiter != 0


@compiled
def leave_unresolved(state: State, calls: Calls, event: Event, otherwise: Int64) -> None:
    """Let the next record be its event's last, with that outcome, where the other attempt is dropped."""
    called = calls.called[event.about]
    called.unresolved = keep(state, calls, np.int64(1))
    called.otherwise = otherwise


@compiled
def fill(
    calls: Calls, event: Event, held: Int64, duration_us: Int64, init_again_us: Int64, post_response_us: Int64,
    outcome: Int64, final: Int64,
) -> None:  # fmt: skip
    """Complete the record of a run that has waited."""
    run = calls.open[held]
    entries, known = np.int64(2), final
    if final == at.PENDING and run.has_waiter:
        entries, known = np.int64(1), np.int64(-1)
        if run.final < 0:
            calls.called[event.about].unresolved = run.record
            calls.called[event.about].otherwise = at.CLIENT_TIMEOUT
    _late(calls, run.record, entries, duration_us, init_again_us, post_response_us, outcome, known)


@compiled
def resolve(calls: Calls, record: Int64, final: Int64) -> None:
    """Say for good what became of an event with an attempt."""
    _late(calls, record, np.int64(1), np.int64(-1), 0, 0, 0, final)


@compiled
def _late(
    calls: Calls, record: Int64, entries: Int64, duration_us: Int64, init_again_us: Int64, post_response_us: Int64,
    outcome: Int64, final: Int64,
) -> None:  # fmt: skip
    place = calls.head[0].late * of.LATE_WIDTH
    calls.head[0].late += 1
    calls.late[place] = record
    calls.late[place + 1] = entries
    calls.late[place + 2] = duration_us
    calls.late[place + 3] = init_again_us
    calls.late[place + 4] = post_response_us
    calls.late[place + 5] = outcome
    calls.late[place + 6] = final


@compiled
def run_is_settled(
    state: State, calls: Calls, event: Event, slot: Int64, held: Int64, final: Int64, started_us: Int64, end_us: Int64,
    post_response_us: Int64, now: Int64,
) -> None:  # fmt: skip
    """Note when a run answers, and report its event's end unless that was done before."""
    answered_us = end_us - post_response_us
    calls.runs[slot].answered_us = answered_us
    if final == at.PENDING or (held and calls.open[held].final >= 0):
        return
    function = state.functions[event.function]
    ended_us = end_us
    if final == at.CLIENT_TIMEOUT:
        ended_us = started_us + function.client_timeout_us
    elif function.synchronous:
        ended_us = answered_us
    event_ended(state, calls, event, event.runs + 1, final, ended_us, now)
