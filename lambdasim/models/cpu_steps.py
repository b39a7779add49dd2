"""The scheduler's quota in whole numbers, one run at a time: the one place of the law, compiled.

The compiled engine takes these steps into its own; `cpu_quota` and `cpu_chain` loop over arrays with them. ``quota`` is
whatever has the constants as fields: `QuotaConstants`, or a row of the engine's.

This module imports numba; import it where compiled code is wanted, never at start-up. With NUMBA_DISABLE_JIT=1 all of it
runs as plain Python.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from lambdasim.compiling import Int64, compiled, compiled_and_kept

Ints = NDArray[np.int64]


class QuotaConstants(NamedTuple):
    """Constants of one function at one memory size; see `HandlerQuota` and `QuotaRules` [µs]."""

    quota_us: int
    first_check: int
    waits: int
    period_us: int
    tick_us: int
    slice_us: int
    charge_us: int
    resume_us: int


@compiled
def handler_us(cpu_us: Int64, io_us: Int64, phase_us: Int64, credit_us: Int64, quota: Any) -> Int64:
    """Give a handler's duration from its work and its start [µs].

    Notes
    -----
    Work is cut into equal stretches with equal waits between; what does not divide evenly is in the first stretch, and
    after the last. A wait that goes past k renewals lifts the credit by k quotas, to one quota at most. Work that wakes
    without credit sleeps to the first renewal that gives it some. A handler may be late in its first check after each
    wait.
    """
    pieces = quota.waits + 1
    piece_us, wait_us = cpu_us // pieces, io_us // max(quota.waits, 1)
    stretch_us = piece_us + cpu_us % pieces
    duration_us = io_us
    for piece in range(pieces):
        if piece:
            woken_us = phase_us + wait_us
            renewals = woken_us // quota.period_us
            if renewals:
                credit_us = min(credit_us + renewals * quota.quota_us, quota.quota_us)
            phase_us, stretch_us = woken_us % quota.period_us, piece_us
        took_us, phase_us, credit_us = stretch(stretch_us, phase_us, credit_us, quota)
        duration_us += took_us
    return duration_us


@compiled
def stretch(cpu_us: Int64, phase_us: Int64, credit_us: Int64, quota: Any) -> tuple[Int64, Int64, Int64]:
    """Run CPU work that never waits by itself: how long it took, and phase and credit at its end [µs].

    Notes
    -----
    Let P be the period, Q the quota, h the tick, and let work C begin at a renewal with credit A, looked at every tick.

    *Where it is stopped.* Use is looked at only at ticks, so it runs to the first tick at which the credit is used up:
    after ``h ceil(A / h)`` of CPU. The overrun is repaid: credit grows by Q at each renewal, and it runs again once
    it is above 0. What counts is the sum, so by the k-th renewal it was granted ``A + (k - 1) Q`` and has had
    ``S(k) = max(0, h ceil((A + (k - 1) Q) / h))``.

    *When it ends.* It ends in the first period whose grant reaches the last tick that it must pass, ``L = h (ceil(C / h)
    - 1)``: the least N with ``A + N Q > L``, that is ``N = max(0, floor((L - A) / Q) + 1)``. It ends ``C - S(N)`` into
    that period, after ``N P + C - S(N)``, and keeps ``A + N Q - C``.

    *Before that* come at most two periods that it may begin in, at a phase p, looked at from its first check on: a
    stop at ``max(first check, h ceil((p + A) / h))``. If that lies in the period it waits for the renewals that repay it,
    each lifted by Q less what other threads take (``charge_us``), and needs ``resume_us`` more for each. If not, it
    runs through the renewal, where what is left of its slice outlives the period. Credit of 0 or less at the beginning
    is slept off first. Tests step the ticks one by one and find the same.

    References
    ----------
    Linux kernel documentation, "CFS Bandwidth Control" (docs.kernel.org/scheduler/sched-bwc), seen November 2026.
    """
    period_us, tick_us, quota_us = quota.period_us, quota.tick_us, quota.quota_us
    if cpu_us == 0:
        return 0, phase_us % period_us, credit_us
    took_us = np.int64(0)
    if credit_us <= 0:
        asleep = -credit_us // quota_us + 1
        took_us = asleep * period_us - phase_us
        credit_us += asleep * quota_us
        phase_us = np.int64(0)

    # A late first check may lie beyond two renewals.
    first_check_us = (phase_us // tick_us + quota.first_check) * tick_us
    for _ in range(2):
        stop_us = max(first_check_us, _up(phase_us + credit_us, tick_us))
        room_us, used_us = stop_us - phase_us, period_us - phase_us
        if cpu_us <= min(room_us, used_us):
            return took_us + cpu_us, (phase_us + cpu_us) % period_us, credit_us - cpu_us
        if stop_us < period_us:
            net_us = quota_us - min(quota.charge_us, quota_us // 4)
            periods = (room_us - credit_us) // net_us + 1
            cpu_us += periods * quota.resume_us - room_us
            credit_us += periods * net_us - room_us
            took_us += periods * period_us - phase_us
            break
        left_us = credit_us - used_us
        kept_us = min(left_us, _up(used_us, quota.slice_us) - used_us) if left_us > 0 else left_us
        credit_us = min(quota_us + kept_us, period_us)
        cpu_us -= used_us
        took_us += used_us
        first_check_us = max(first_check_us - period_us, 0)
        phase_us = np.int64(0)

    # From a renewal on it is looked at every tick.
    last_us = max(_up(cpu_us, tick_us) - tick_us, 0)
    renewals = max((last_us - credit_us) // quota_us + 1, 0)
    had_us = max(_up(credit_us + (renewals - 1) * quota_us, tick_us), 0) if renewals else 0
    phase_us = cpu_us - had_us
    ended_with_us = credit_us + renewals * quota_us - cpu_us
    return took_us + renewals * period_us + phase_us, phase_us % period_us, ended_with_us


@compiled
def _up(value: Int64, unit: Int64) -> Int64:
    """Round up to a whole number of units."""
    return -(-value // unit) * unit


def _stretches(cpu_us: Ints, phase_us: Ints, credit_us: Ints, quota: Any, ran: Ints) -> None:
    """Run many stretches, into the rows of ``ran``: duration, phase, credit."""
    for row in range(len(cpu_us)):
        ran[0, row], ran[1, row], ran[2, row] = stretch(cpu_us[row], phase_us[row], credit_us[row], quota)


def _handlers(cpu_us: Ints, io_us: Ints, phase_us: Ints, credit_us: Ints, quota: Any, took_us: Ints) -> None:
    """Give durations of many handlers."""
    for row in range(len(cpu_us)):
        took_us[row] = handler_us(cpu_us[row], io_us[row], phase_us[row], credit_us[row], quota)


@cache
def compiled_stretches() -> Callable[..., None]:
    """Compile the loop over stretches, or take it from the cache on disk."""
    return compiled_and_kept(_stretches)


@cache
def compiled_handlers() -> Callable[..., None]:
    """Compile the loop over handlers, or take it from the cache on disk."""
    return compiled_and_kept(_handlers)


def in_one_form(*arrays: Ints) -> list[Ints]:
    """Bring arrays of one shape, or numbers, into the one form for which the loops are compiled."""
    shape = np.broadcast_shapes(*(np.shape(array) for array in arrays))
    return [
        np.require(
            array if np.shape(array) == shape else np.broadcast_to(array, shape).copy(),
            dtype=np.int64,
            requirements=["C", "W", "O"],
        )
        for array in arrays
    ]
