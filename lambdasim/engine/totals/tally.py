"""Sums up records one by one, in compiled code; where each sum stands.

This module imports numba. With NUMBA_DISABLE_JIT=1 it runs as plain Python.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from math import prod
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from lambdasim.compiling import Bool, Int64, compiled, compiled_and_kept
from lambdasim.engine import contract
from lambdasim.engine.contract import EventOutcome, Limit, Outcome, StartType
from lambdasim.engine.totals.dense import PAGE, PAGE_BITS, PAGES
from lambdasim.engine.totals.minute_rows import (
    COUNTS,
    ENDED,
    HIGHEST,
    PROVISIONED_ENDED,
    PROVISIONED_HIGHEST,
)
from lambdasim.engine.totals.spills import SPILL_BITS
from lambdasim.units import US_PER_MINUTE as _MINUTE_US
from lambdasim.units import US_PER_MS

# Scalars of a function. The last four are put away when a month ends.
(
    BUSY_US, PEAK, PROVISIONED_BUSY_US, PROVISIONED_PEAK, MINUTES, END_MINUTES, LAST_END_US, MS_WITH_INIT,
    MS_WITHOUT_INIT, PROVISIONED_MS, INIT_CUT_MS, SCALARS,
) = range(12)  # fmt: skip

# Attempts of a function are counted by all that tells them apart: first or later, and the four kinds of the contract.
KINDS: Final = (2, len(StartType), len(Outcome), len(Limit), len(EventOutcome))
_PER_FIRST, _PER_START, _PER_OUTCOME, _PER_LIMIT = (prod(KINDS[place:]) for place in range(1, 5))

# Histograms of a function [ms]: handlers by start, cold ones also with INIT; INIT; latencies by start, and of a section;
# warm handlers whose latency is as long, as most are, which are in neither of the two others.
(
    WARM, COLD, COLD_WITH_INIT, PROVISIONED, INIT, LATENCY_COLD, LATENCY_WARM, LATENCY_PROVISIONED, SECTION, WARM_BOTH,
) = range(10)  # fmt: skip
HISTOGRAMS: Final = 10
SPILLS_PER_RECORD: Final = 5

(
    _INVOCATIONS, _ERRORS, _THROTTLES, _COLD_COUNT, _ON_PROVISIONED, _SPILLOVER, _RECEIVED, _DROPPED, _DURATION,
    _WITH_INIT, _WITHOUT_INIT, _PROVISIONED_BILLED,
) = (
    COUNTS.index(name)
    for name in (
        "Invocations", "Errors", "Throttles", "ColdStarts", "ProvisionedConcurrencyInvocations",
        "ProvisionedConcurrencySpilloverInvocations", "AsyncEventsReceived", "AsyncEventsDropped", "DurationSum_us",
        "BilledMsWithInit", "BilledMsWithoutInit", "ProvisionedBilledMs",
    )
)  # fmt: skip
_FIRST_OF_GATEWAY: Final = int(Limit.GATEWAY_ROUTE)
_OF_MANAGED: Final = int(Limit.MANAGED_INSTANCES)
_FIRST_LIMIT: Final = COUNTS.index("Throttles_request_rate") - int(Limit.REQUEST_RATE)

_MINUTE, _MS, _ALMOST_MS = np.uint64(_MINUTE_US), np.uint64(US_PER_MS), np.uint64(US_PER_MS - 1)

# After the functions: all executions of the account, and those of the unreserved pool.
ACCOUNT, UNRESERVED, EXTRA_OWNERS = range(3)

_NONE, _COLD, _WARM, _PROVISIONED = (int(kind) for kind in StartType)
_COMPLETED, _THROTTLED = int(Outcome.COMPLETED), int(Outcome.THROTTLED)
_SUCCEEDED, _CLIENT_TIMEOUT = int(EventOutcome.SUCCEEDED), int(EventOutcome.CLIENT_TIMEOUT)
_FAILED, _EXPIRED, _REJECTED = (
    int(kind) for kind in (EventOutcome.FAILED, EventOutcome.EXPIRED, EventOutcome.REJECTED)
)
(
    _FUNCTION, _ATTEMPT, _ARRIVAL, _START, _PLACEMENT_US, _INIT_US,
    _DURATION_US, _INIT_AGAIN_US, _POST_RESPONSE_US, _START_TYPE, _OUTCOME, _LIMIT, _EVENT_OUTCOME,
    _CONCURRENCY, _PROVISIONED_CONCURRENCY, _ACCOUNT_CONCURRENCY, _UNRESERVED_CONCURRENCY, _CALLER,
) = range(18)  # fmt: skip
_UNUSED: Final = ("invocation", "exec_env")
COLUMNS: Final = tuple(name for name in contract.RECORD_COLUMNS if name not in _UNUSED)
"""Columns of records, in the order in which `tally` takes them."""


Columns = Any  # a tuple of arrays: numba wants to know how many


class Sums(NamedTuple):
    """Where records are summed up; all of int64.

    Attributes
    ----------
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
        Keys of what has no page in the pool, see ``spills``.
    """

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


@compiled
def _whole_ms(amount_us: Int64) -> Int64:
    """Round up to whole ms; unsigned, which divides faster."""
    return np.int64((np.uint64(amount_us) + _ALMOST_MS) // _MS)


@compiled
def _minute(time_us: Int64) -> Int64:
    return np.int64(np.uint64(time_us) // _MINUTE)


@compiled
def _place(sums: Sums, minute: Int64) -> Int64:
    """Give a minute's place in the ring."""
    return np.uint64(minute & (sums.minutes.shape[1] - 1))


@compiled
def _count(sums: Sums, spills: Int64, function: Int64, histogram: Int64, value_ms: Int64) -> Int64:
    """Add a value to a histogram; give the number of spilled values."""
    if value_ms < PAGE * PAGES:
        page = np.uint64(sums.places[function, histogram, np.uint64(value_ms >> PAGE_BITS)])
        if page > 0:
            sums.pool[page, np.uint64(value_ms & (PAGE - 1))] += 1
            return spills
    sums.spilled[spills] = ((np.int64(function) * HISTOGRAMS + histogram) << SPILL_BITS) + value_ms
    return spills + 1


@compiled
def _count_latency(sums: Sums, spills: Int64, function: Int64, histogram: Int64, latency_ms: Int64) -> Int64:
    """Add a latency to a histogram and to the section's; give the number of spilled values."""
    spills = _count(sums, spills, function, histogram, latency_ms)
    return _count(sums, spills, function, SECTION, latency_ms)


@compiled
def _in_progress(
    sums: Sums, owner: Int64, place: Int64, end_minute: Int64, busy_us: Int64, in_progress: Int64
) -> None:
    """Follow executions of a function, the account, or the unreserved pool."""
    totals, by_minute = sums.scalars[owner], sums.minutes[owner]
    end_place = _place(sums, end_minute)
    totals[BUSY_US] += busy_us
    totals[PEAK] = max(totals[PEAK], in_progress)
    totals[END_MINUTES] = max(totals[END_MINUTES], end_minute + 1)
    by_minute[place, _INVOCATIONS] += 1
    by_minute[end_place, ENDED] += 1
    by_minute[place, HIGHEST] = max(by_minute[place, HIGHEST], in_progress)
    sums.active[owner, end_place] = 1


@compiled
def _on_provisioned(
    sums: Sums, owner: Int64, minute: Int64, end_minute: Int64, busy_us: Int64, in_progress: Int64
) -> None:
    """Follow executions on provisioned environments."""
    totals, by_minute = sums.scalars[owner], sums.minutes[owner]
    totals[PROVISIONED_BUSY_US] += busy_us
    totals[PROVISIONED_PEAK] = max(totals[PROVISIONED_PEAK], in_progress)
    by_minute[minute, _ON_PROVISIONED] += 1
    by_minute[_place(sums, end_minute), PROVISIONED_ENDED] += 1
    by_minute[minute, PROVISIONED_HIGHEST] = max(by_minute[minute, PROVISIONED_HIGHEST], in_progress)


@compiled
def _started(
    sums: Sums,
    columns: Columns,
    row: Int64,
    function: Int64,
    minute: Int64,
    end_us: Int64,
    without_init: Int64,
) -> None:
    """Sum up what all runs have in common."""
    start_us = columns[_START][row]
    totals, by_minute = sums.scalars[function], sums.minutes[function]
    busy_us = end_us - start_us
    # What ends with a minute is not in progress when the next begins.
    end_minute = _minute(max(end_us - 1, start_us))
    _in_progress(sums, function, minute, end_minute, busy_us, columns[_CONCURRENCY][row])
    whole = sums.whole[function]
    if whole != np.int64(function):
        _in_progress(sums, np.uint64(whole), minute, end_minute, busy_us, columns[_CONCURRENCY][row])
    totals[LAST_END_US] = max(totals[LAST_END_US], end_us)
    by_minute[minute, _DURATION] += columns[_DURATION_US][row]
    if columns[_OUTCOME][row] != _COMPLETED:
        by_minute[minute, _ERRORS] += 1
    if sums.managed[function] != 0:
        return
    account = np.uint64(sums.ready.shape[0])
    _in_progress(sums, account, minute, end_minute, busy_us, columns[_ACCOUNT_CONCURRENCY][row])
    if columns[_START_TYPE][row] == _PROVISIONED:
        on_provisioned = columns[_PROVISIONED_CONCURRENCY][row]
        totals[PROVISIONED_MS] += without_init
        by_minute[minute, _PROVISIONED_BILLED] += without_init
        _on_provisioned(sums, function, minute, end_minute, busy_us, on_provisioned)
        if whole != np.int64(function):
            _on_provisioned(sums, np.uint64(whole), minute, end_minute, busy_us, on_provisioned)
    elif sums.pooled[function] != 0:
        unreserved = account + np.uint64(UNRESERVED)
        _in_progress(sums, unreserved, minute, end_minute, busy_us, columns[_UNRESERVED_CONCURRENCY][row])


@compiled
def _billed(sums: Sums, function: Int64, minute: Int64, with_init: Int64, without_init: Int64) -> None:
    """Sum up what is billed of a run on demand."""
    if sums.managed[function] != 0:
        return
    totals, by_minute = sums.scalars[function], sums.minutes[function]
    totals[MS_WITH_INIT] += with_init
    totals[MS_WITHOUT_INIT] += without_init
    by_minute[minute, _WITH_INIT] += with_init
    by_minute[minute, _WITHOUT_INIT] += without_init
    if sums.ready[function] > 0:
        by_minute[minute, _SPILLOVER] += 1


@compiled
def _with_init(sums: Sums, function: Int64, init_us: Int64, duration_us: Int64, cut: bool) -> Int64:
    """Give what is billed of a cold start [ms]: of INIT that was cut at its cap its second run, inside the duration."""
    if cut:
        sums.scalars[function, INIT_CUT_MS] += _whole_ms(init_us)
        return _whole_ms(duration_us)
    return _whole_ms(init_us + duration_us)


@compiled
def _cold(
    sums: Sums,
    columns: Columns,
    row: Int64,
    spills: Int64,
    function: Int64,
    minute: Int64,
    without_init: Int64,
) -> Int64:
    """Sum up a cold start; give the number of spilled values."""
    init_us = columns[_INIT_US][row]
    cut = columns[_INIT_AGAIN_US][row] > 0
    with_init = _with_init(sums, function, init_us, columns[_DURATION_US][row], cut)
    _billed(sums, function, minute, with_init, without_init)
    sums.minutes[function, minute, _COLD_COUNT] += 1
    spills = _count(sums, spills, function, INIT, _whole_ms(init_us))
    spills = _count(sums, spills, function, COLD, without_init)
    return _count(sums, spills, function, COLD_WITH_INIT, with_init)


@compiled
def _kind(sums: Sums, columns: Columns, row: Int64, function: Int64, is_first: Bool) -> None:
    """Count an attempt by all that tells it apart."""
    kind = (
        columns[_START_TYPE][row] * _PER_START
        + columns[_OUTCOME][row] * _PER_OUTCOME
        + columns[_LIMIT][row] * _PER_LIMIT
        + columns[_EVENT_OUTCOME][row]
    )
    sums.kinds[function, np.uint64(kind + _PER_FIRST * is_first)] += 1


def tally(sums: Sums, columns: Columns, first: Int64, stop: Int64) -> Int64:
    """Sum up records ``first`` to before ``stop``; compiled by `compiled_tally`.

    Parameters
    ----------
    sums : Sums
        ``spilled`` has room for SPILLS_PER_RECORD values of each record, the ring for every minute reached.
    columns : tuple of ndarray of int64
        See ``COLUMNS``.

    Returns
    -------
    int
        How many values were spilled.

    Notes
    -----
    Places are unsigned, which spares the compiled code Python's counting from the end.
    """
    spills = 0
    minute, minutes, minute_end_us = np.uint64(0), np.int64(0), np.int64(0)
    for place in range(first, stop):
        row = np.uint64(place)
        function, start_us = np.uint64(columns[_FUNCTION][row]), columns[_START][row]
        start_type, ended = columns[_START_TYPE][row], columns[_EVENT_OUTCOME][row]
        if start_us >= minute_end_us:
            minutes = _minute(start_us) + 1
            minute_end_us = minutes * _MINUTE_US
            minute = _place(sums, minutes - 1)
        is_first = columns[_ATTEMPT][row] == 0
        _kind(sums, columns, row, function, is_first)
        sums.scalars[function, MINUTES] = minutes
        sums.active[function, minute] = 1
        caller = np.uint64(columns[_CALLER][row])
        queued = sums.queued[function] if caller == 0 else sums.call_queued[caller]
        if queued != 0:
            sums.minutes[function, minute, _RECEIVED] += is_first
            sums.minutes[function, minute, _DROPPED] += ended in (_FAILED, _EXPIRED, _REJECTED)
        if start_type == _NONE:
            if columns[_OUTCOME][row] == _THROTTLED:
                limit = columns[_LIMIT][row]
                counted = limit < _FIRST_OF_GATEWAY or limit == _OF_MANAGED
                sums.minutes[function, minute, _THROTTLES] += counted
                sums.minutes[function, minute, _FIRST_LIMIT + limit] += 1
            continue

        duration_us = columns[_DURATION_US][row]
        before_us = columns[_PLACEMENT_US][row] + columns[_INIT_US][row]
        end_us = start_us + before_us + duration_us
        without_init = _whole_ms(duration_us)
        _started(sums, columns, row, function, minute, end_us, without_init)
        if start_type == _WARM:
            _billed(sums, function, minute, without_init, without_init)
        elif start_type == _COLD:
            spills = _cold(sums, columns, row, spills, function, minute, without_init)
        else:
            spills = _count(sums, spills, function, PROVISIONED, without_init)
        histogram, latency_ms = LATENCY_COLD + start_type - _COLD, np.int64(-1)
        if ended in (_SUCCEEDED, _CLIENT_TIMEOUT) or (ended == _FAILED and queued == 0):
            # Every client that waited counts, whatever it got; one that left waited to its own timeout.
            patience_us = sums.client_timeout_us[function] if caller == 0 else sums.call_timeout_us[caller]
            answered_us = min(end_us - columns[_POST_RESPONSE_US][row], start_us + patience_us)
            latency_us = answered_us - columns[_ARRIVAL][row]
            latency_ms = without_init if latency_us == duration_us else _whole_ms(latency_us)
            if start_type == _WARM and latency_ms == without_init:
                histogram = WARM_BOTH
            spills = _count_latency(sums, spills, function, histogram, latency_ms)
        if start_type == _WARM and latency_ms != without_init:
            spills = _count(sums, spills, function, WARM, without_init)
    return spills


@cache
def compiled_tally() -> Callable[[Sums, tuple[NDArray[np.int64], ...], int, int], int]:
    """Compile `tally`, or take it from the cache on disk."""
    return compiled_and_kept(tally)
