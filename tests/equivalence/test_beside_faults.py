"""Deliberate faults in what the compiled engine does with calls beside queues and streams: each must be seen."""

import pytest
from families import BESIDE
from faults import Fault, assert_all_seen

pytestmark = pytest.mark.slow

FAULTS: dict[str, Fault] = {
    "an item that leaves its chain after its batch runs": (
        "if chains.seen < head.ended:\n    item_ended(state, sources, calls)\n    continue",
        "if chains.seen < head.ended and not head.due:\n    item_ended(state, sources, calls)\n    continue",
    ),
    "a dead letter that nobody reads": (
        "row < 0 or outcome == of.DEAD_LETTERED",
        "row < 0",
    ),
    "a stream's batch that is given up record by record": (
        "row < 0 or outcome == of.DEAD_LETTERED",
        "outcome != of.PROCESSED and outcome != of.FILTERED and outcome != of.SWALLOWED",
    ),
    "word of a stream's batch that is not sent": (
        "row < 0 or outcome == of.DEAD_LETTERED",
        "outcome == of.DEAD_LETTERED",
    ),
    "items that fit no filter and count as failed": (
        "outcome in (of.PROCESSED, of.FILTERED)",
        "outcome == of.PROCESSED",
    ),
    "chains that end with their items though a run goes on": (
        "if cell.holds:\n    calls.chains[chain].open += 1",
        "cell.holds = False",
    ),
    "a chain of a message that has ended, taken up again": (
        "chain > 0 and not sources.items[cell.which].done",
        "chain > 0",
    ),
    "calls of a batch's first item alone": (
        "next_maker(calls, run, np.int64(calls.makers[run.maker].next))",
        "next_maker(calls, run, np.int64(0))",
    ),
    "calls of a batch that all belong to its first item": (
        "run.number, run.run, run.chain, run.passes = maker.number, maker.run, maker.chain, maker.passes",
        "run.chain, run.passes = maker.chain, maker.passes",
    ),
    "calls of an item that are the same in each of its receives": (
        "_new_maker(calls, chain, np.int64(link.passes), item.number, np.int64(item.receives))",
        "_new_maker(calls, chain, np.int64(link.passes), item.number, np.int64(1))",
    ),
    "messages of a run that waits, which nobody else receives": (
        "if sources.rows[function].kind == of.QUEUE:\n    hold_open(sources, function, batch)",
        "if False:\n    hold_open(sources, function, batch)",
    ),
    "a batch that is forgotten when its messages are seen again though its run waits": (
        "batch.is_open = batch.is_running = 1",
        "batch.is_open = 1",
    ),
    "a called message on the lane of none": (
        "draw(state.laws, first + at.LANE, number, 0) << 2",
        "draw(state.laws, first + at.LANE, number, 0) * 0",
    ),
    "a called message that is never poisoned": (
        "if _happens(state, first + at.POISON, number, source.poison_below):\n    about += 2",
        "if False:\n    about += 2",
    ),
    "a called message that no filter passes over": (
        "if _happens(state, first + at.FILTERED, number, source.filtered_below):\n    about += 1",
        "if False:\n    about += 1",
    ),
    "a called message without a size": (
        "kb = draw(state.laws, first + at.REQUEST_PAYLOAD, number, 0)",
        "kb = np.int64(0)",
    ),
    "calls whose messages' ends nobody counts": (
        "if link.call:\n    count(calls, link.call, rows.DONE if went_well else rows.NOT_DONE, 1)",
        "if False:\n    count(calls, link.call, rows.DONE if went_well else rows.NOT_DONE, 1)",
    ),
    "passes that a message forgets": (
        "link.chain, link.passes, link.call = (chain, passes, call)",
        "link.chain, link.passes, link.call = (chain, 0, call)",
    ),
    "a stopped message that has a record": (
        "stops and call.to_source",
        "stops and call.to_source and False",
    ),
    "messages that are called before wakes": (
        "key >= CALL",
        "key >= CALL + (1 << 59)",
    ),
}


def test_every_fault_in_calls_beside_sources_is_seen() -> None:
    assert_all_seen(FAULTS, list(BESIDE.values()), number=8)
