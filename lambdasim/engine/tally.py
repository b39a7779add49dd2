"""Sums up records one by one, in compiled code; where each sum stands.

This module imports numba. With NUMBA_DISABLE_JIT=1 it runs as plain Python.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import cache
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from lambdasim import compiling, units
from lambdasim.compiling import compiled, compiled_and_kept
from lambdasim.engine import contract, series
from lambdasim.engine.contract import EventOutcome, Limit, Outcome, StartType
from lambdasim.engine.series import COUNTS
from lambdasim.units import US_PER_MINUTE as _MINUTE_US
from lambdasim.units import US_PER_MS as _MS_US

# Scalars of a function: counts by kind, then sums. The last six are put away when a month ends.
EVENTS: Final = 0
OUTCOMES: Final = 1
LIMITS: Final = OUTCOMES + len(Outcome)
STARTS: Final = LIMITS + len(Limit)
EVENT_OUTCOMES: Final = STARTS + len(StartType)
_SUMS: Final = EVENT_OUTCOMES + len(EventOutcome)
(
    BUSY_US, PEAK, PROVISIONED_BUSY_US, PROVISIONED_PEAK, MINUTES, END_MINUTES,
    REQUESTS, PROVISIONED_REQUESTS, COLD_STARTS, MS_WITH_INIT, MS_WITHOUT_INIT, PROVISIONED_MS, SCALARS,
) = range(_SUMS, _SUMS + 13)  # fmt: skip

# Histograms of a function [ms]: handlers by start, cold ones also with INIT; INIT; latencies by start, and of a batch.
WARM, COLD, COLD_WITH_INIT, PROVISIONED, INIT, LATENCY_COLD, LATENCY_WARM, LATENCY_PROVISIONED, BATCH = range(
    9
)
HISTOGRAMS: Final = 9
SPILLS_PER_RECORD: Final = 5

# Rows of a function's minutes: the counts, then these.
ENDED, HIGHEST, PROVISIONED_ENDED, PROVISIONED_HIGHEST = range(len(COUNTS), len(COUNTS) + 4)
ROWS: Final = len(COUNTS) + 4
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
_FIRST_LIMIT: Final = COUNTS.index("Throttles_request_rate") - int(Limit.REQUEST_RATE)

# The account's rows: all executions, and those of the unreserved pool.
ACCOUNT, UNRESERVED = 0, 1
ACCOUNT_STARTED, ACCOUNT_ENDED, ACCOUNT_HIGHEST = range(3)
ACCOUNT_BUSY_US, ACCOUNT_PEAK, ACCOUNT_MINUTES = range(3)

_NONE, _COLD, _WARM, _PROVISIONED = (int(kind) for kind in StartType)
_COMPLETED, _THROTTLED = int(Outcome.COMPLETED), int(Outcome.THROTTLED)
_SUCCEEDED, _CLIENT_TIMEOUT = int(EventOutcome.SUCCEEDED), int(EventOutcome.CLIENT_TIMEOUT)
_FAILED, _EXPIRED, _REJECTED = (
    int(kind) for kind in (EventOutcome.FAILED, EventOutcome.EXPIRED, EventOutcome.REJECTED)
)
(
    _FUNCTION, _ATTEMPT, _ARRIVAL, _START, _PLACEMENT_US, _INIT_US, _DURATION_US, _START_TYPE, _OUTCOME, _LIMIT,
    _EVENT_OUTCOME, _CONCURRENCY, _PROVISIONED_CONCURRENCY, _ACCOUNT_CONCURRENCY, _UNRESERVED_CONCURRENCY,
) = range(15)  # fmt: skip
COLUMNS: Final = tuple(name for name in contract.RECORD_COLUMNS if name not in ("invocation", "exec_env"))
"""Columns of records, in the order in which `tally` takes them."""


class Sums(NamedTuple):
    """Where records are summed up; all of int64.

    Attributes
    ----------
    client_timeout_us, synchronous, pooled, ready : ndarray, shape (n_functions,)
        From the plan: when clients have gone; whether callers wait; whether there is no reserved concurrency; how many
        provisioned environments are ready now.
    scalars : ndarray, shape (n_functions, SCALARS)
    dense : ndarray, shape (n_functions, HISTOGRAMS, n_bins)
        Counts by whole ms.
    minutes : ndarray, shape (n_functions, ROWS, n_minutes)
    account : ndarray, shape (2, 3)
    account_minutes : ndarray, shape (2, 3, n_minutes)
    spilled : ndarray, shape (n, 3)
        Function, histogram and value of what is too long for the dense part.
    """

    client_timeout_us: NDArray[np.int64]
    synchronous: NDArray[np.int64]
    pooled: NDArray[np.int64]
    ready: NDArray[np.int64]
    scalars: NDArray[np.int64]
    dense: NDArray[np.int64]
    minutes: NDArray[np.int64]
    account: NDArray[np.int64]
    account_minutes: NDArray[np.int64]
    spilled: NDArray[np.int64]


@compiled
def _whole_ms(amount_us: Any) -> Any:
    """Round up to whole ms."""
    return (amount_us + (_MS_US - 1)) // _MS_US


@compiled
def _count(sums: Sums, spills: Any, function: Any, histogram: Any, value_ms: Any) -> Any:
    """Add a value to a histogram; give the number of spilled values."""
    if value_ms < sums.dense.shape[2]:
        sums.dense[function, histogram, value_ms] += 1
        return spills
    sums.spilled[spills, 0] = function
    sums.spilled[spills, 1] = histogram
    sums.spilled[spills, 2] = value_ms
    return spills + 1


@compiled
def _account(sums: Sums, which: Any, minute: Any, end_minute: Any, busy_us: Any, in_progress: Any) -> None:
    """Follow the account's executions, or those of its unreserved pool."""
    totals, by_minute = sums.account[which], sums.account_minutes[which]
    totals[ACCOUNT_BUSY_US] += busy_us
    totals[ACCOUNT_PEAK] = max(totals[ACCOUNT_PEAK], in_progress)
    totals[ACCOUNT_MINUTES] = max(totals[ACCOUNT_MINUTES], end_minute + 1)
    by_minute[ACCOUNT_STARTED, minute] += 1
    by_minute[ACCOUNT_ENDED, end_minute] += 1
    by_minute[ACCOUNT_HIGHEST, minute] = max(by_minute[ACCOUNT_HIGHEST, minute], in_progress)


@compiled
def _run(sums: Sums, spills: Any, columns: Any, row: Any, minute: Any, end_us: Any) -> Any:
    """Sum up an attempt that ran; give the number of spilled values."""
    function = columns[_FUNCTION][row]
    duration_us, init_us = columns[_DURATION_US][row], columns[_INIT_US][row]
    start_us, start_type = columns[_START][row], columns[_START_TYPE][row]
    totals, by_minute = sums.scalars[function], sums.minutes[function]
    without_init, with_init = _whole_ms(duration_us), _whole_ms(duration_us + init_us)
    # What ends with a minute is not in progress when the next begins.
    end_minute = max(end_us - 1, start_us) // _MINUTE_US
    in_progress = columns[_CONCURRENCY][row]

    totals[BUSY_US] += end_us - start_us
    totals[PEAK] = max(totals[PEAK], in_progress)
    totals[END_MINUTES] = max(totals[END_MINUTES], end_minute + 1)
    totals[REQUESTS] += 1
    by_minute[_INVOCATIONS, minute] += 1
    by_minute[_DURATION, minute] += duration_us
    by_minute[ENDED, end_minute] += 1
    by_minute[HIGHEST, minute] = max(by_minute[HIGHEST, minute], in_progress)
    if columns[_OUTCOME][row] != _COMPLETED:
        by_minute[_ERRORS, minute] += 1
    _account(sums, ACCOUNT, minute, end_minute, end_us - start_us, columns[_ACCOUNT_CONCURRENCY][row])

    if start_type == _PROVISIONED:
        on_provisioned = columns[_PROVISIONED_CONCURRENCY][row]
        totals[PROVISIONED_REQUESTS] += 1
        totals[PROVISIONED_MS] += without_init
        totals[PROVISIONED_BUSY_US] += end_us - start_us
        totals[PROVISIONED_PEAK] = max(totals[PROVISIONED_PEAK], on_provisioned)
        by_minute[_ON_PROVISIONED, minute] += 1
        by_minute[_PROVISIONED_BILLED, minute] += without_init
        by_minute[PROVISIONED_ENDED, end_minute] += 1
        by_minute[PROVISIONED_HIGHEST, minute] = max(by_minute[PROVISIONED_HIGHEST, minute], on_provisioned)
        return _count(sums, spills, function, PROVISIONED, without_init)

    totals[MS_WITH_INIT] += with_init
    totals[MS_WITHOUT_INIT] += without_init
    by_minute[_WITH_INIT, minute] += with_init
    by_minute[_WITHOUT_INIT, minute] += without_init
    if sums.ready[function] > 0:
        by_minute[_SPILLOVER, minute] += 1
    if sums.pooled[function] != 0:
        in_pool = columns[_UNRESERVED_CONCURRENCY][row]
        _account(sums, UNRESERVED, minute, end_minute, end_us - start_us, in_pool)
    if start_type == _WARM:
        return _count(sums, spills, function, WARM, without_init)
    totals[COLD_STARTS] += 1
    by_minute[_COLD_COUNT, minute] += 1
    spills = _count(sums, spills, function, INIT, _whole_ms(init_us))
    spills = _count(sums, spills, function, COLD, without_init)
    return _count(sums, spills, function, COLD_WITH_INIT, with_init)


def tally(sums: Sums, columns: Any, first: Any, stop: Any) -> Any:
    """Sum up records ``first`` to before ``stop``; compiled by `compile_tally`.

    Parameters
    ----------
    sums : Sums
        ``spilled`` has room for SPILLS_PER_RECORD values of each record, the series for every minute reached.
    columns : tuple of ndarray of int64
        See ``COLUMNS``.

    Returns
    -------
    int
        How many values were spilled.
    """
    spills = 0
    for row in range(first, stop):
        function, start_us = columns[_FUNCTION][row], columns[_START][row]
        start_type, outcome = columns[_START_TYPE][row], columns[_OUTCOME][row]
        ended = columns[_EVENT_OUTCOME][row]
        minute = start_us // _MINUTE_US
        totals, by_minute = sums.scalars[function], sums.minutes[function]
        totals[OUTCOMES + outcome] += 1
        totals[LIMITS + columns[_LIMIT][row]] += 1
        totals[STARTS + start_type] += 1
        totals[EVENT_OUTCOMES + ended] += 1
        totals[MINUTES] = minute + 1
        if columns[_ATTEMPT][row] == 0:
            totals[EVENTS] += 1
            if sums.synchronous[function] == 0:
                by_minute[_RECEIVED, minute] += 1
        if sums.synchronous[function] == 0 and ended in (_FAILED, _EXPIRED, _REJECTED):
            by_minute[_DROPPED, minute] += 1
        if start_type == _NONE:
            if outcome == _THROTTLED:
                by_minute[_THROTTLES, minute] += 1
                by_minute[_FIRST_LIMIT + columns[_LIMIT][row], minute] += 1
            continue
        end_us = start_us + columns[_PLACEMENT_US][row] + columns[_INIT_US][row] + columns[_DURATION_US][row]
        spills = _run(sums, spills, columns, row, minute, end_us)
        if ended in (_SUCCEEDED, _CLIENT_TIMEOUT):
            # A client that left waited to its own timeout.
            answered_us = min(end_us, start_us + sums.client_timeout_us[function])
            latency_ms = _whole_ms(answered_us - columns[_ARRIVAL][row])
            spills = _count(sums, spills, function, LATENCY_COLD + start_type - _COLD, latency_ms)
            spills = _count(sums, spills, function, BATCH, latency_ms)
    return spills


@cache
def compiled_tally() -> Callable[[Sums, tuple[NDArray[np.int64], ...], int, int], int]:
    """Compile `tally`, or take it from the cache on disk."""
    return compiled_and_kept(tally, compiling, units, contract, series, sys.modules[__name__])
