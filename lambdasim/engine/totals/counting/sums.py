"""Where attempts are counted: the arrays of all totals, and what stands in which place.

This module imports numba. With NUMBA_DISABLE_JIT=1 what counts runs as plain Python.
"""

from __future__ import annotations

from math import prod
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from lambdasim.compiling import Int64
from lambdasim.draws.compiled import row_type
from lambdasim.engine.contract import EventOutcome, Limit, Outcome, StartType
from lambdasim.engine.totals.minute_rows import COUNTS

# Scalars of a function. The last four are put away when a month ends.
(
    BUSY_US, PEAK, PROVISIONED_BUSY_US, PROVISIONED_PEAK, MINUTES, END_MINUTES, LAST_END_US, MS_WITH_INIT,
    MS_WITHOUT_INIT, PROVISIONED_MS, INIT_CUT_MS, SCALARS,
) = range(12)  # fmt: skip

# Attempts of a function are counted by all that tells them apart: first or later, and the four kinds of the contract.
KINDS: Final = (2, len(StartType), len(Outcome), len(Limit), len(EventOutcome))
PER_FIRST, PER_START, PER_OUTCOME, PER_LIMIT = (prod(KINDS[place:]) for place in range(1, 5))

# Histograms of a function [ms]: handlers by start, cold ones also with INIT; INIT; latencies of a section by start; warm
# handlers whose latency is as long, as most are, which are in neither of the two others.
(
    WARM, COLD, COLD_WITH_INIT, PROVISIONED, INIT, LATENCY_COLD, LATENCY_WARM, LATENCY_PROVISIONED, WARM_BOTH,
) = range(9)  # fmt: skip
HISTOGRAMS: Final = 9
OF_A_SECTION: Final = (LATENCY_COLD, LATENCY_WARM, LATENCY_PROVISIONED, WARM_BOTH)
SPILLS_PER_ATTEMPT: Final = 10

# Counts of a minute.
(
    INVOCATIONS, ERRORS, THROTTLES, COLD_STARTS, ON_PROVISIONED, SPILLOVER, RECEIVED, DROPPED, DURATION_US,
    BILLED_WITH_INIT, BILLED_WITHOUT_INIT, BILLED_PROVISIONED,
) = (
    COUNTS.index(name)
    for name in (
        "Invocations", "Errors", "Throttles", "ColdStarts", "ProvisionedConcurrencyInvocations",
        "ProvisionedConcurrencySpilloverInvocations", "AsyncEventsReceived", "AsyncEventsDropped", "DurationSum_us",
        "BilledMsWithInit", "BilledMsWithoutInit", "ProvisionedBilledMs",
    )
)  # fmt: skip
# After the functions: all executions of the account, and those of the unreserved pool.
ACCOUNT, UNRESERVED, EXTRA_OWNERS = range(3)

# The minute that attempts start in: how many minutes have begun with it, its end, and its place in the ring; the minute
# with which the ring begins; the most in progress in it, of the account and of the unreserved pool; how many values are
# spilled; the moment at which something must be put away before more is counted, and the last that was counted.
HEAD: Final = row_type(
    i8="minutes minute_end_us place first_minute highest pool_highest spilled until_us reached_us"
)
# Attempts of a function that are all alike, see `count`: how many there were, in which minute, what they add up to, and
# how many ended in it. ``patience_us`` is how long their client waits; nobody waits less where none may be counted here.
ALIKE: Final = row_type(i8="runs minutes duration_us billed_ms highest last_end_us ended patience_us")


class Sums(NamedTuple):
    """Where attempts are counted; all of int64.

    Attributes
    ----------
    head : ndarray of HEAD, shape (1,)
    alike : ndarray of ALIKE, shape (n_functions,)
    client_timeout_us, queued, pooled, whole, ready : ndarray, shape (n_functions,)
        From the plan: when clients have gone; whether events lie in Lambda's queue; whether to follow the unreserved
        pool, which is left out where it is the whole account; where executions of all ways into the function are
        followed, its own row where there is one; how many provisioned environments are ready now.
    managed : ndarray, shape (n_functions,)
        Not 0 for functions on managed instances: no duration is billed, and the account's concurrency does not have them.
    call_timeout_us, call_queued : ndarray, shape (n_calls + 1,)
        The first two for events that a call brought, by its number.
    scalars : ndarray, shape (n_owners, SCALARS)
        Owners are functions, the account, its unreserved pool, and functions that several ways lead into.
    kinds : ndarray, shape (n_functions, product of KINDS)
    places, pool : ndarray
        Counts by whole ms, see ``dense.Dense``.
    minutes : ndarray, shape (n_owners, n_minutes, ROWS)
        See ``minute_rows``. A ring of minutes, as many as a power of two.
    active : ndarray, shape (n_owners, n_minutes)
        Not 0 where a minute of a function is not all 0; the account's minutes all count.
    spilled : ndarray, shape (n,)
        Keys of what has no page in the pool, see ``spills``; and, numbered after the histograms, of executions that end
        in a minute for which the ring has no room, see ``attempts.ended_late``.
    """

    head: Any
    alike: Any
    client_timeout_us: NDArray[np.int64]
    queued: NDArray[np.int64]
    call_timeout_us: NDArray[np.int64]
    call_queued: NDArray[np.int64]
    pooled: NDArray[np.int64]
    whole: NDArray[np.int64]
    ready: NDArray[np.int64]
    managed: NDArray[np.int64]
    scalars: NDArray[np.int64]
    kinds: NDArray[np.int64]
    places: NDArray[np.int64]
    pool: NDArray[np.int64]
    minutes: NDArray[np.int64]
    active: NDArray[np.int64]
    spilled: NDArray[np.int64]


def no_sums() -> Sums:
    """Make what stands for sums where attempts are not counted."""
    numbers, table = np.zeros(1, dtype=np.int64), np.zeros((1, 1), dtype=np.int64)
    ring = np.zeros((1, 1, 1), dtype=np.int64)
    return Sums(
        head=np.zeros(1, dtype=HEAD), alike=np.zeros(1, dtype=ALIKE), client_timeout_us=numbers, queued=numbers,
        call_timeout_us=numbers, call_queued=numbers, pooled=numbers, whole=numbers, ready=numbers, managed=numbers,
        scalars=table, kinds=table, places=ring, pool=table, minutes=ring, active=table, spilled=numbers,
    )  # fmt: skip


class Attempt(NamedTuple):
    """What is counted of an attempt: its record, see ``RECORD_COLUMNS``, but for what nothing is counted by."""

    function: Int64
    attempt: Int64
    arrival_us: Int64
    start_us: Int64
    placement_us: Int64
    init_us: Int64
    duration_us: Int64
    init_again_us: Int64
    post_response_us: Int64
    start_type: Int64
    outcome: Int64
    limit: Int64
    event_outcome: Int64
    concurrency: Int64
    provisioned_concurrency: Int64
    account_concurrency: Int64
    unreserved_concurrency: Int64
    caller: Int64
