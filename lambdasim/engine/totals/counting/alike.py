"""Counts attempts in the step of the compiled engine that decides on them, where nobody keeps records.

Most are alike: a first attempt, warm, that succeeds, and whose client waits for just the run. They are noted in one row
of their function. When their minute is over it is put where `attempts.count_any` would have counted each.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np

from lambdasim.compiling import Bool, Int64, compiled, compiled_apart
from lambdasim.engine.contract import EventOutcome, Outcome, StartType
from lambdasim.engine.totals.counting import sums as at
from lambdasim.engine.totals.counting.attempts import (
    come_to,
    count_in_its_minute,
    count_ms,
    ended,
    minute_of,
    place_of,
    put_highest_away,
    whole_ms,
)
from lambdasim.engine.totals.counting.sums import Attempt, Sums
from lambdasim.engine.totals.minute_rows import ENDED, HIGHEST

_WARM, _COMPLETED, _SUCCEEDED = int(StartType.WARM), int(Outcome.COMPLETED), int(EventOutcome.SUCCEEDED)
_KIND: Final = at.PER_FIRST + _WARM * at.PER_START + _COMPLETED * at.PER_OUTCOME + _SUCCEEDED
_SPILLED_AT_ONCE: Final = 1 << 13  # few, so that what is common has its pages soon


@compiled
def count(sums: Sums, attempt: Attempt) -> None:
    """Count an attempt, those that are all alike in one row of their function.

    Notes
    -----
    There is room for it where `must_wait` is false.
    """
    come_to(sums, attempt.start_us)
    alike = sums.alike[attempt.function]
    if (
        attempt.start_type == _WARM
        and attempt.event_outcome == _SUCCEEDED
        and attempt.outcome == _COMPLETED
        and attempt.attempt == 0
        and attempt.arrival_us == attempt.start_us
        and attempt.post_response_us == 0
        and attempt.duration_us <= alike.patience_us
    ):
        _count_alike(sums, alike, attempt)
    else:
        count_in_its_minute(sums, attempt)


@compiled
def must_wait(sums: Sums, now: Int64) -> Bool:
    """Whether something must be put away before an attempt of this moment is counted; all that is alike is by then."""
    head = sums.head[0]
    if now < head.until_us and not is_crowded(sums):
        return False
    put_away(sums)
    head.reached_us = now
    return True


@compiled
def is_crowded(sums: Sums) -> Bool:
    """Whether so much is spilled that there may be no room for more."""
    room = min(_SPILLED_AT_ONCE, sums.spilled.shape[0] - at.SPILLS_PER_ATTEMPT)
    return sums.head[0].spilled > room


@compiled_apart
def put_away(sums: Sums) -> None:
    """Count all that was noted."""
    for function in range(sums.alike.shape[0]):
        _put_alike_away(sums, np.uint64(function))
    put_highest_away(sums)


@compiled
def _count_alike(sums: Sums, alike: Any, run: Attempt) -> None:
    """Note a run that is like most."""
    head = sums.head[0]
    if alike.minutes != head.minutes:
        _put_alike_away(sums, run.function)
    end_us = run.start_us + run.duration_us
    billed_ms = whole_ms(run.duration_us)
    alike.runs += 1
    alike.duration_us += run.duration_us
    alike.billed_ms += billed_ms
    alike.highest = max(alike.highest, run.concurrency)
    alike.last_end_us = max(alike.last_end_us, end_us)
    head.highest = max(head.highest, run.account_concurrency)
    if sums.pooled[run.function] != 0:
        head.pool_highest = max(head.pool_highest, run.unreserved_concurrency)
    # What ends with a minute is not in progress when the next begins.
    if end_us <= head.minute_end_us:
        alike.ended += 1
    else:
        end_minute = minute_of(end_us - 1)
        ended(sums, run.function, end_minute)
        account = np.uint64(sums.ready.shape[0])
        ended(sums, account, end_minute)
        if sums.pooled[run.function] != 0:
            ended(sums, account + np.uint64(at.UNRESERVED), end_minute)
    count_ms(sums, run.function, at.WARM_BOTH, billed_ms)


@compiled_apart
def _put_alike_away(sums: Sums, function: Int64) -> None:
    """Count what was noted of a function, as `count_in_its_minute` would have, and go to the present minute."""
    head, alike = sums.head[0], sums.alike[function]
    if alike.runs:
        place = place_of(sums, alike.minutes - 1)
        totals, by_minute = sums.scalars[function], sums.minutes[function]
        sums.kinds[function, _KIND] += alike.runs
        totals[at.MINUTES] = max(totals[at.MINUTES], alike.minutes)
        totals[at.PEAK] = max(totals[at.PEAK], alike.highest)
        totals[at.LAST_END_US] = max(totals[at.LAST_END_US], alike.last_end_us)
        totals[at.MS_WITH_INIT] += alike.billed_ms
        totals[at.MS_WITHOUT_INIT] += alike.billed_ms
        by_minute[place, HIGHEST] = max(by_minute[place, HIGHEST], alike.highest)
        by_minute[place, at.DURATION_US] += alike.duration_us
        by_minute[place, at.BILLED_WITH_INIT] += alike.billed_ms
        by_minute[place, at.BILLED_WITHOUT_INIT] += alike.billed_ms
        if sums.ready[function] > 0:
            by_minute[place, at.SPILLOVER] += alike.runs
        if sums.queued[function] != 0:
            by_minute[place, at.RECEIVED] += alike.runs
        account = np.uint64(sums.ready.shape[0])
        _add_alike(sums, function, place, alike)
        _add_alike(sums, account, place, alike)
        if sums.pooled[function] != 0:
            _add_alike(sums, account + np.uint64(at.UNRESERVED), place, alike)
        alike.runs = alike.duration_us = alike.billed_ms = alike.highest = alike.ended = 0
    alike.minutes = head.minutes


@compiled
def _add_alike(sums: Sums, owner: Int64, place: Int64, alike: Any) -> None:
    """Add what was noted to executions of a function, the account, or the unreserved pool."""
    totals, by_minute = sums.scalars[owner], sums.minutes[owner]
    totals[at.BUSY_US] += alike.duration_us
    if alike.ended:
        totals[at.END_MINUTES] = max(totals[at.END_MINUTES], alike.minutes)
    by_minute[place, at.INVOCATIONS] += alike.runs
    by_minute[place, ENDED] += alike.ended
    sums.active[owner, place] = 1
