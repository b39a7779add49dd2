"""Deliberate faults in what the compiled engine does with calls between functions: each must be seen."""

import pytest
from families import CALLING
from faults import Fault, assert_all_seen

pytestmark = pytest.mark.slow

FAULTS: dict[str, Fault] = {
    "answers before the completions that were decided on earlier": (
        "state.completions.table[next_row(state.completions)].key < key - COMPLETION",
        "state.completions.table[next_row(state.completions)].key < key - COMPLETION and False",
    ),
    "provisioned changes before deadlines": (
        "change_us == now and key >= RETRY",
        "change_us == now",
    ),
    "an attempt that a caller that has ended still makes": (
        "if give_up(state, calls, event, now):\n    continue",
        "if give_up(state, calls, event, now) and False:\n    continue",
    ),
    "a chain that nobody counts its runs out of": (
        "if run.chain:\n    leave(calls, run.chain, run.answered_us)",
        "if run.chain and False:\n    leave(calls, run.chain, run.answered_us)",
    ),
    "a run that fails and has not made its calls": (
        "what = what_is_called(calls, function, event)",
        "what = what_is_called(calls, function, event) if fault == at.COMPLETED else what",
    ),
    "calls of a run that its timeout cuts": (
        "if handler_us <= function.timeout_us:\n    what = what_is_called(calls, function, event)",
        "if True:\n    what = what_is_called(calls, function, event)",
    ),
    "calls that nobody waits for made when the run starts": (
        "now + placement_us + init_us + handler_us",
        "now + 0 * (placement_us + init_us + handler_us)",
    ),
    "a run that does not wait for the last of several calls": (
        "if run.waits_for:\n    return False",
        "if run.waits_for > 1:\n    return False",
    ),
    "a failed call that fails every run": (
        "if call.fails_run and not succeeded:\n    run.failed = 1",
        "if not succeeded:\n    run.failed = 1",
    ),
    "a run that goes on when a call has failed": (
        "run.failed or run.call == function.calls",
        "run.call == function.calls",
    ),
    "waiting that is counted for the call after": (
        "count(calls, run.asked + 1, of.WAITED, now - run.asked_us)\nreturn True",
        "count(calls, run.asked + 0, of.WAITED, now - run.asked_us)\nreturn True",
    ),
    "waiting that a timeout forgets": (
        "if run.waits_for:\n    count(calls, run.asked + 1, of.WAITED, now - run.asked_us)",
        "if False:\n    count(calls, run.asked + 1, of.WAITED, now - run.asked_us)",
    ),
    "calls of the same number for each place": (
        "random_bits(random_bits(call.k0, call.k1, number, run), call.k1, place + 1, 0)",
        "random_bits(random_bits(call.k0, call.k1, number, run), call.k1, 1, 0)",
    ),
    "calls of the same number in each run": (
        "random_bits(random_bits(call.k0, call.k1, number, run), call.k1, place + 1, 0)",
        "random_bits(random_bits(call.k0, call.k1, number, 0), call.k1, place + 1, 0)",
    ),
    "loop detection one pass late": ("times > head.most_passes", "times > head.most_passes + 1"),
    "passes that no break in the chain forgets": (
        "if not call.is_traced:\n    before = np.int64(0)",
        "if False:\n    before = np.int64(0)",
    ),
    "loops that go on beyond the end": (
        "call.is_endless and now + call.delay_us >= head.ends_us",
        "call.is_endless and now + call.delay_us > head.ends_us",
    ),
    "calls at once that are made one after the other": (
        "call.kind == of.WAITING and not call.at_once",
        "call.kind == of.WAITING",
    ),
    "a call that arrives without its delay": (
        "wait(state, event, 0, 0, 0, event.arrival_us, now, 0, in_turn(state, np.int64(CALL)))",
        "wait(state, event, 0, 0, 0, now, now, 0, in_turn(state, np.int64(CALL)))",
    ),
    "a client that waits for its run as long as it takes": (
        "function.synchronous and gone_us < handler_starts_us + function.timeout_us",
        "False",
    ),
    "a silence that a caller that has ended repeats": (
        "called.waiter and calls.open[called.waiter].ended",
        "False",
    ),
    "destinations of every event's end": (
        "of.SUCCEEDED if succeeded else of.FAILED",
        "of.FAILED",
    ),
    "destinations of events that clients wait for": (
        "succeeded = final == at.SUCCEEDED\nif function.number:\n    ...",
        "succeeded = final == at.SUCCEEDED\nfunction.synchronous = 0\nif function.number:\n    ...",
    ),
    "a chain that ends with its first event": (
        "chain.open = chain.events = 1",
        "chain.open = 0\nchain.events = 1",
    ),
    "retries of calls by number": (
        "if function.number:\n    key = in_turn(state, RETRY_OF_CALL)",
        "if False:\n    key = in_turn(state, RETRY_OF_CALL)",
    ),
    "records of a call that bear its row": ("records[row] = entry.rank", "records[row] = event.function"),
}


def test_every_fault_in_calls_is_seen() -> None:
    assert_all_seen(FAULTS, list(CALLING.values()), number=8)
