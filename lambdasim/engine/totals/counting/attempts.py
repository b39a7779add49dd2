"""Counts attempts one by one, in compiled code: the rules of every total.

Records are counted by `counting.tally`, whichever engine wrote them. Where nobody keeps records the compiled engine
counts each attempt in the step that decides on it, see `counting.alike`.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from lambdasim.compiling import Int64, compiled, compiled_apart
from lambdasim.engine.contract import EventOutcome, Limit, Outcome, StartType
from lambdasim.engine.totals.counting import sums as at
from lambdasim.engine.totals.counting.sums import Attempt, Sums
from lambdasim.engine.totals.dense import PAGE, PAGE_BITS
from lambdasim.engine.totals.minute_rows import (
    COUNTS,
    ENDED,
    HIGHEST,
    PROVISIONED_ENDED,
    PROVISIONED_HIGHEST,
)
from lambdasim.engine.totals.spills import SPILL_BITS
from lambdasim.units import US_PER_MINUTE, US_PER_MS

_FIRST_OF_GATEWAY: Final = int(Limit.GATEWAY_ROUTE)
_OF_MANAGED: Final = int(Limit.MANAGED_INSTANCES)
_FIRST_LIMIT: Final = COUNTS.index("Throttles_request_rate") - int(Limit.REQUEST_RATE)

_MINUTE, _MS, _ALMOST_MS = np.uint64(US_PER_MINUTE), np.uint64(US_PER_MS), np.uint64(US_PER_MS - 1)
_NONE, _COLD, _WARM, _PROVISIONED = (int(kind) for kind in StartType)
_COMPLETED, _THROTTLED = int(Outcome.COMPLETED), int(Outcome.THROTTLED)
_SUCCEEDED, _CLIENT_TIMEOUT = int(EventOutcome.SUCCEEDED), int(EventOutcome.CLIENT_TIMEOUT)
_FAILED, _EXPIRED, _REJECTED = (
    int(kind) for kind in (EventOutcome.FAILED, EventOutcome.EXPIRED, EventOutcome.REJECTED)
)


@compiled
def count_any(sums: Sums, attempt: Attempt) -> None:
    """Count an attempt, whatever it is like."""
    come_to(sums, attempt.start_us)
    count_in_its_minute(sums, attempt)


@compiled
def whole_ms(amount_us: Int64) -> Int64:
    """Round up to whole ms; unsigned, which divides faster."""
    return np.int64((np.uint64(amount_us) + _ALMOST_MS) // _MS)


@compiled
def minute_of(time_us: Int64) -> Int64:
    """Give the minute of a moment, from 0."""
    return np.int64(np.uint64(time_us) // _MINUTE)


@compiled
def place_of(sums: Sums, minute: Int64) -> Int64:
    """Give a minute's place in the ring. Unsigned, which spares the compiled code Python's counting from the end."""
    return np.uint64(minute & (sums.minutes.shape[1] - 1))


@compiled
def come_to(sums: Sums, start_us: Int64) -> None:
    """Let the minute begin in which an attempt starts."""
    head = sums.head[0]
    if start_us >= head.minute_end_us:
        put_highest_away(sums)
        head.minutes = minute_of(start_us) + 1
        head.minute_end_us = head.minutes * US_PER_MINUTE
        head.place = minute_of(start_us) & (sums.minutes.shape[1] - 1)


@compiled
def put_highest_away(sums: Sums) -> None:
    """Count the most in progress in the minute that is over."""
    head, account = sums.head[0], np.uint64(sums.ready.shape[0])
    highest(sums, account, np.uint64(head.place), head.highest)
    highest(sums, account + np.uint64(at.UNRESERVED), np.uint64(head.place), head.pool_highest)
    head.highest = head.pool_highest = 0


@compiled
def highest(sums: Sums, owner: Int64, place: Int64, in_progress: Int64) -> None:
    """Note how many are in progress, at all and in a minute."""
    totals, by_minute = sums.scalars[owner], sums.minutes[owner]
    totals[at.PEAK] = max(totals[at.PEAK], in_progress)
    by_minute[place, HIGHEST] = max(by_minute[place, HIGHEST], in_progress)


@compiled
def ended(sums: Sums, owner: Int64, end_minute: Int64) -> None:
    """Count an execution in the minute in which it ends."""
    totals = sums.scalars[owner]
    totals[at.END_MINUTES] = max(totals[at.END_MINUTES], end_minute + 1)
    if end_minute - sums.head[0].first_minute < sums.minutes.shape[1]:
        end_place = place_of(sums, end_minute)
        sums.minutes[owner, end_place, ENDED] += 1
        sums.active[owner, end_place] = 1
    else:
        _spill(sums, ended_late(sums) + np.int64(owner), end_minute)


@compiled
def ended_late(sums: Sums) -> Int64:
    """Give the number of the first owner among those of histograms, for executions that end beyond the ring.

    Owners follow once for all executions, and once for those on provisioned environments.
    """
    return np.int64(sums.ready.shape[0] * at.HISTOGRAMS)


@compiled
def _spill(sums: Sums, number: Int64, value: Int64) -> None:
    """Keep a single value, for which there must be room."""
    head = sums.head[0]
    sums.spilled[np.uint64(head.spilled)] = (number << SPILL_BITS) + value
    head.spilled += 1


@compiled
def count_ms(sums: Sums, function: Int64, histogram: Int64, value_ms: Int64) -> None:
    """Add a value to a histogram."""
    page = np.uint64(0)
    if value_ms < sums.places.shape[2] << PAGE_BITS:
        page = np.uint64(sums.places[function, histogram, np.uint64(value_ms >> PAGE_BITS)])
    if page > 0:
        sums.pool[page, np.uint64(value_ms & (PAGE - 1))] += 1
    else:
        _spill(sums, np.int64(function) * at.HISTOGRAMS + histogram, value_ms)


@compiled_apart
def count_in_its_minute(sums: Sums, attempt: Attempt) -> None:
    """Count an attempt whose minute has begun."""
    function, place = attempt.function, np.uint64(sums.head[0].place)
    is_first = attempt.attempt == 0
    kind = (
        attempt.start_type * at.PER_START
        + attempt.outcome * at.PER_OUTCOME
        + attempt.limit * at.PER_LIMIT
        + attempt.event_outcome
    )
    sums.kinds[function, np.uint64(kind + at.PER_FIRST * is_first)] += 1
    sums.scalars[function, at.MINUTES] = sums.head[0].minutes
    sums.active[function, place] = 1
    caller = np.uint64(attempt.caller)
    queued = sums.queued[function] if caller == 0 else sums.call_queued[caller]
    if queued != 0:
        sums.minutes[function, place, at.RECEIVED] += is_first
        sums.minutes[function, place, at.DROPPED] += attempt.event_outcome in (_FAILED, _EXPIRED, _REJECTED)
    if attempt.start_type != _NONE:
        patience_us = sums.client_timeout_us[function] if caller == 0 else sums.call_timeout_us[caller]
        _count_run(sums, attempt, place, queued, patience_us)
    elif attempt.outcome == _THROTTLED:
        counted = attempt.limit < _FIRST_OF_GATEWAY or attempt.limit == _OF_MANAGED
        sums.minutes[function, place, at.THROTTLES] += counted
        sums.minutes[function, place, np.uint64(_FIRST_LIMIT + attempt.limit)] += 1


@compiled
def _count_run(sums: Sums, run: Attempt, place: Int64, queued: Int64, patience_us: Int64) -> None:
    """Count an attempt that found an environment."""
    function, start_type, ended = run.function, run.start_type, run.event_outcome
    end_us = run.start_us + run.placement_us + run.init_us + run.duration_us
    without_init = whole_ms(run.duration_us)
    _started(sums, run, place, end_us, without_init)
    if start_type == _WARM:
        _billed(sums, function, place, without_init, without_init)
    elif start_type == _COLD:
        _cold(sums, run, place, without_init)
    else:
        count_ms(sums, function, at.PROVISIONED, without_init)
    histogram, latency_ms = at.LATENCY_COLD + start_type - _COLD, np.int64(-1)
    if ended in (_SUCCEEDED, _CLIENT_TIMEOUT) or (ended == _FAILED and queued == 0):
        # Every client that waited counts, whatever it got; one that left waited to its own timeout.
        answered_us = min(end_us - run.post_response_us, run.start_us + patience_us)
        latency_us = answered_us - run.arrival_us
        latency_ms = without_init if latency_us == run.duration_us else whole_ms(latency_us)
        if start_type == _WARM and latency_ms == without_init:
            histogram = at.WARM_BOTH
        count_ms(sums, function, histogram, latency_ms)
    if start_type == _WARM and latency_ms != without_init:
        count_ms(sums, function, at.WARM, without_init)


@compiled
def _started(sums: Sums, run: Attempt, place: Int64, end_us: Int64, without_init: Int64) -> None:
    """Count what all runs have in common."""
    function = run.function
    totals, by_minute = sums.scalars[function], sums.minutes[function]
    busy_us = end_us - run.start_us
    # What ends with a minute is not in progress when the next begins.
    end_minute = minute_of(max(end_us - 1, run.start_us))
    _in_progress(sums, function, place, end_minute, busy_us, run.concurrency)
    whole = sums.whole[function]
    if whole != np.int64(function):
        _in_progress(sums, np.uint64(whole), place, end_minute, busy_us, run.concurrency)
    totals[at.LAST_END_US] = max(totals[at.LAST_END_US], end_us)
    by_minute[place, at.DURATION_US] += run.duration_us
    if run.outcome != _COMPLETED:
        by_minute[place, at.ERRORS] += 1
    if sums.managed[function] != 0:
        return
    account = np.uint64(sums.ready.shape[0])
    _in_progress(sums, account, place, end_minute, busy_us, run.account_concurrency)
    if run.start_type == _PROVISIONED:
        on_provisioned = run.provisioned_concurrency
        totals[at.PROVISIONED_MS] += without_init
        by_minute[place, at.BILLED_PROVISIONED] += without_init
        _on_provisioned(sums, function, place, end_minute, busy_us, on_provisioned)
        if whole != np.int64(function):
            _on_provisioned(sums, np.uint64(whole), place, end_minute, busy_us, on_provisioned)
    elif sums.pooled[function] != 0:
        unreserved = account + np.uint64(at.UNRESERVED)
        _in_progress(sums, unreserved, place, end_minute, busy_us, run.unreserved_concurrency)


@compiled
def _in_progress(
    sums: Sums, owner: Int64, place: Int64, end_minute: Int64, busy_us: Int64, in_progress: Int64
) -> None:
    """Follow executions of a function, the account, or the unreserved pool."""
    sums.scalars[owner, at.BUSY_US] += busy_us
    sums.minutes[owner, place, at.INVOCATIONS] += 1
    highest(sums, owner, place, in_progress)
    ended(sums, owner, end_minute)


@compiled
def _on_provisioned(
    sums: Sums, owner: Int64, place: Int64, end_minute: Int64, busy_us: Int64, in_progress: Int64
) -> None:
    """Follow executions on provisioned environments."""
    totals, by_minute = sums.scalars[owner], sums.minutes[owner]
    totals[at.PROVISIONED_BUSY_US] += busy_us
    totals[at.PROVISIONED_PEAK] = max(totals[at.PROVISIONED_PEAK], in_progress)
    by_minute[place, at.ON_PROVISIONED] += 1
    by_minute[place, PROVISIONED_HIGHEST] = max(by_minute[place, PROVISIONED_HIGHEST], in_progress)
    if end_minute - sums.head[0].first_minute < sums.minutes.shape[1]:
        by_minute[place_of(sums, end_minute), PROVISIONED_ENDED] += 1
    else:
        _spill(sums, ended_late(sums) + np.int64(sums.scalars.shape[0]) + np.int64(owner), end_minute)


@compiled
def _billed(sums: Sums, function: Int64, place: Int64, with_init: Int64, without_init: Int64) -> None:
    """Count what is billed of a run on demand."""
    if sums.managed[function] != 0:
        return
    totals, by_minute = sums.scalars[function], sums.minutes[function]
    totals[at.MS_WITH_INIT] += with_init
    totals[at.MS_WITHOUT_INIT] += without_init
    by_minute[place, at.BILLED_WITH_INIT] += with_init
    by_minute[place, at.BILLED_WITHOUT_INIT] += without_init
    if sums.ready[function] > 0:
        by_minute[place, at.SPILLOVER] += 1


@compiled
def _cold(sums: Sums, run: Attempt, place: Int64, without_init: Int64) -> None:
    """Count a cold start; of at.INIT that was cut at its cap its second run is billed, inside the duration."""
    with_init = without_init
    if run.init_again_us > 0:
        sums.scalars[run.function, at.INIT_CUT_MS] += whole_ms(run.init_us)
    else:
        with_init = whole_ms(run.init_us + run.duration_us)
    _billed(sums, run.function, place, with_init, without_init)
    sums.minutes[run.function, place, at.COLD_STARTS] += 1
    count_ms(sums, run.function, at.INIT, whole_ms(run.init_us))
    count_ms(sums, run.function, at.COLD, without_init)
    count_ms(sums, run.function, at.COLD_WITH_INIT, with_init)
