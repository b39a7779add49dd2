"""The arrays of calls in the compiled engine: what their rows hold, and how a plan fills them.

Row 0 of events, open runs, chains and passes stands for none; rows that are free are linked by ``next``.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from lambdasim.draws.compiled import row_type
from lambdasim.engine.chains import CALL_COUNTERS, CHAIN_COLUMNS, key_words
from lambdasim.engine.contract import CallKind, CallMoment, CallRules, Plan, calls_of_plan, owners_of_plan
from lambdasim.engine.kernel.calendar import Rows, enlarged

# Why the steps returned, after those of `state` and `lanes`.
CALLED_FULL, OPEN_FULL, CHAINS_FULL, PASSES_FULL, ENDED_FULL, LATE_FULL, TOO_MANY, MAKERS_FULL = range(20, 28)

WAITING: Final = int(CallKind.WAITING)
IN_RUN: Final = int(CallMoment.RUN)
SUCCEEDED: Final = int(CallMoment.SUCCEEDED)
FAILED: Final = int(CallMoment.FAILED)
MADE, DONE, NOT_DONE, STOPPED, ABANDONED, CUT, WAITED = range(len(CALL_COUNTERS))
CHAIN_WIDTH: Final = len(CHAIN_COLUMNS)
LATE_WIDTH: Final = 7

# The present moment; free rows, and how many are left; the most calls that one step makes; chains that ended, and late
# entries of records, not handed over yet; of records, how many were handed over, and how many entries those since then
# wait for; chains that have begun and that go on; events that were called; the rules; the call that was one too many; of
# items that ended, how many have left their chains (``seen``).
HEAD: Final = row_type(
    i8="now_us free_called free_open free_chains free_passes free_makers called_left open_left chains_left passes_left "
    "makers_left seen most "
    "ended ended_room late late_room handed_over kept begun open_chains called most_called most_passes ends_us too_many"
)
# A `CallPlan`. ``row`` is that of its events among the functions; ``is_in_loop`` whether the function that is called can
# come back to itself; ``k0`` and ``k1`` its key.
CALL: Final = row_type(
    i8="row kind moment is_certain made_below count at_once fails_run delay_us is_traced is_endless through "
    "is_in_loop stops_loops to_source",
    u8="k0 k1",
)
# An event of a chain, until it has ended: who waits for it, passes through functions that loop detection counts, and the
# record of its last attempt while another may be dropped with who waits, less than 0 for none.
CALLED: Final = row_type(u4="next chain waiter passes", i8="unresolved otherwise")
# A run that waits for answers, or has ended while some of what it called, or a deadline of its own, goes on (``refs``).
# ``number`` and ``run`` are those of what makes its calls now: the event, or the ``maker`` of a batch whose turn it is.
OPEN: Final = row_type(
    i8="next function invocation arrival_us attempts runs refusals paid about chain passes slot has_waiter "
    "started_us handler_starts_us init_again_us fault record final call place asked waits_for asked_us failed ended refs "
    "batch makers maker number run"
)
# What makes calls: an item of a batch in one of its runs. Row 0 stands for none, and for an event that is no batch.
MAKER: Final = row_type(u4="next chain passes", i8="number run")
# By item: its chain, what that came through, and the call that brought it, 0 for traffic.
LINK: Final = row_type(u4="chain passes", i8="call")
CHAIN: Final = row_type(i8="next function invocation arrival_us open events failed last_us")
# How often a chain has come through a function, and what it came through before (``next``).
PASS: Final = row_type(i8="next function count refs")
# By environment: the chain that its run belongs to, and when that answers.
RUN: Final = row_type(i8="chain answered_us")


class Calls(NamedTuple):
    """All arrays of calls.

    Attributes
    ----------
    head, calls, called, open, chains, passes, makers, links, runs : ndarray of the rows above
    counts : ndarray of int64
        Counters of calls, see ``CALL_COUNTERS``, one after the other.
    ended : ndarray of int64
        Chains that ended, their columns side by side.
    late : ndarray of int64
        What is known of records after they were written: which record, how many entries that are, duration, INIT again,
        work after the answer and outcome (where the first is not less than 0), outcome of the event (likewise).
    """

    head: Rows
    calls: Rows
    called: Rows
    open: Rows
    chains: Rows
    passes: Rows
    makers: Rows
    links: Rows
    runs: Rows
    counts: NDArray[np.int64]
    ended: NDArray[np.int64]
    late: NDArray[np.int64]


_ROWS: Final = {
    CALLED_FULL: ("called", "free_called", "called_left"),
    OPEN_FULL: ("open", "free_open", "open_left"),
    CHAINS_FULL: ("chains", "free_chains", "chains_left"),
    PASSES_FULL: ("passes", "free_passes", "passes_left"),
    MAKERS_FULL: ("makers", "free_makers", "makers_left"),
}


def first_calls(plan: Plan, room: int, ended_room: int) -> Calls:
    """Fill the arrays for a plan's beginning.

    Parameters
    ----------
    plan : Plan
    room : int
        Number of events, open runs and chains for which there is room at first.
    ended_room : int
        Number of chains that ended, and of late entries, after which the steps return.

    Returns
    -------
    Calls
    """
    planned, owners, rules = calls_of_plan(plan), owners_of_plan(plan), plan.calls or CallRules()
    in_loops = _in_loops(plan, owners)
    head, rows = np.zeros(1, dtype=HEAD), np.zeros(len(planned), dtype=CALL)
    for place, (row, (_, call)) in enumerate(zip(rows, planned, strict=True)):
        row["row"] = len(plan.functions) + place
        row["through"] = owners[call.callee]
        row["is_in_loop"] = owners[call.callee] in in_loops
        row["stops_loops"] = plan.functions[owners[call.callee]].stops_loops
        row["to_source"] = plan.functions[call.callee].source is not None
        row["is_certain"] = call.probability >= 1
        row["made_below"] = round(call.probability * (1 << 53))
        row["k0"], row["k1"] = key_words(call.key)
        for name in (
            "kind",
            "moment",
            "count",
            "at_once",
            "fails_run",
            "delay_us",
            "is_traced",
            "is_endless",
        ):
            row[name] = getattr(call, name)
    most = most_calls_of_a_step(plan)
    head["most"] = most
    most_items = max((f.source.batch for f in plan.functions if f.source is not None), default=0)
    head["ended_room"], head["late_room"] = max(ended_room, most_items + 8), max(ended_room, most + 8)
    head["most_called"], head["most_passes"], head["ends_us"] = (
        rules.most_called,
        rules.most_passes,
        rules.ends_us,
    )
    calls = Calls(
        head=head,
        calls=rows,
        called=np.zeros(1, dtype=CALLED),
        open=np.zeros(1, dtype=OPEN),
        chains=np.zeros(1, dtype=CHAIN),
        passes=np.zeros(1, dtype=PASS),
        makers=np.zeros(1, dtype=MAKER),
        links=np.zeros(0, dtype=LINK),
        runs=np.zeros(0, dtype=RUN),
        counts=np.zeros(len(CALL_COUNTERS) * (len(planned) + 1), dtype=np.int64),
        ended=np.zeros(CHAIN_WIDTH * int(head["ended_room"][0]), dtype=np.int64),
        late=np.zeros(LATE_WIDTH * int(head["late_room"][0]), dtype=np.int64),
    )
    for full in _ROWS:
        calls = with_more_rows(calls, full, room)
    return calls


def most_calls_of_a_step(plan: Plan) -> int:
    """Give how many calls are made in one step of a plan, at most."""
    return max((function.most_calls for function in plan.functions), default=0)


def with_more_rows(calls: Calls, full: int, more: int = 0) -> Calls:
    """Make room for more events, open runs, chains or passes: as many again, or so many.

    Parameters
    ----------
    calls : Calls
    full : int
        Which of them are used up, or nearly so.
    more : int

    Returns
    -------
    Calls
    """
    name, free, left = _ROWS[full]
    old = getattr(calls, name)
    more = more or len(old)
    rows = enlarged(old, len(old) + more, old.dtype)
    rows["next"][len(old) :] = np.arange(len(old) + 1, len(old) + more + 1)
    rows["next"][-1] = calls.head[free][0]
    calls.head[free] = len(old)
    calls.head[left] += more
    return calls._replace(**{name: rows})


def with_more_links(calls: Calls, items: int) -> Calls:
    """Make room for the chains of so many items."""
    return calls._replace(links=enlarged(calls.links, items, LINK))


def with_more_runs(calls: Calls, slots: int) -> Calls:
    """Make room for the runs of so many environments."""
    return calls._replace(runs=enlarged(calls.runs, slots, RUN))


def _in_loops(plan: Plan, owners: Sequence[int]) -> set[int]:
    """Find the functions that a chain may come through more than once."""
    onward: dict[int, set[int]] = {owner: set() for owner in owners}
    for owner, function in zip(owners, plan.functions, strict=True):
        onward[owner] |= {owners[call.callee] for call in function.calls}
    return {owner for owner in onward if owner in _reached(onward, owner)}


def _reached(onward: dict[int, set[int]], start: int) -> set[int]:
    seen: set[int] = set()
    waiting: list[Any] = list(onward[start])
    while waiting:
        owner = waiting.pop()
        if owner not in seen:
            seen.add(owner)
            waiting += onward[owner]
    return seen
