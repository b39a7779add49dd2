"""From CPU time to duration under the scheduler's quota: short functions move in steps of its period.

The straight law is in `cpu_scaling`; long computations follow it, and this law too.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from functools import cache
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from lambdasim.catalog import limit, timing

Ints = NDArray[np.int64]
_CHUNK: Final = 16_384


class FirstCheck(IntEnum):
    """Which timer tick of a stretch on the CPU is the first that can stop it; it belongs to the function."""

    EVERY_TICK = 1
    """A spinning process is stopped by the first tick after its credit is used up."""
    FOURTH_TICK = 4
    """Freshly invoked handlers were seen to run through three ticks before the first that stops them."""


@dataclass(frozen=True)
class QuotaRules:
    """Constants of the scheduler that shares out CPU time, all whole microseconds.

    Attributes
    ----------
    period_us, tick_us : int
        Credit is renewed once a period; use is looked at once a tick. A period is a whole number of ticks.
    slice_us : int
        Credit is handed out in slices; what is left of a slice outlives the period.
    charge_us : int
        Credit per period that other threads of the environment take while the handler waits for its first renewal.
    resume_us : int
        CPU time that the handler needs besides for each period of that wait.
    """

    period_us: int
    tick_us: int
    slice_us: int
    charge_us: int
    resume_us: int

    def quota_us(self, memory_mb: int, memory_per_vcpu_mb: int | None = None) -> int:
        """Give the CPU time per period of a memory size, at most the period [µs]; one vCPU as for `vcpus`.

        Examples
        --------
        >>> quota_rules().quota_us(128), quota_rules().quota_us(1769)
        (1447, 20000)
        """
        per_vcpu_mb = memory_per_vcpu_mb or limit("memory_per_vcpu_mb").value
        return min(self.period_us, round(self.period_us * memory_mb / per_vcpu_mb))


@cache
def quota_rules() -> QuotaRules:
    """Return the catalog's constants."""
    return QuotaRules(
        period_us=timing("cpu_period_ms").us,
        tick_us=timing("cpu_tick_ms").us,
        slice_us=timing("cpu_slice_ms").us,
        charge_us=timing("cpu_stop_charge_us").value,
        resume_us=timing("cpu_resume_us").value,
    )


class Stretch(NamedTuple):
    """How CPU work went, arrays of shape (n,) [µs]: how long it took, and phase and credit at its end."""

    duration_us: Ints
    phase_us: Ints
    credit_us: Ints


def run_stretch(
    cpu_us: Ints, phase_us: Ints, credit_us: Ints, quota_us: int, check: FirstCheck, rules: QuotaRules
) -> Stretch:
    """Run CPU work that never waits by itself.

    Parameters
    ----------
    cpu_us : ndarray of int64, shape (n,)
        CPU time on one full vCPU [µs].
    phase_us : ndarray of int64, shape (n,)
        When it begins, since the last renewal [µs], less than a period. Negative: so long before a period at whose
        beginning credit is not renewed, since the environment was idle; the first renewal is at that period's end.
    credit_us : ndarray of int64, shape (n,)
        Credit left then, at most a quota [µs]. At 0 or less work waits for the renewal that lifts it above.
    quota_us : int
        Credit per period [µs], above 0.
    check : FirstCheck
    rules : QuotaRules

    Returns
    -------
    Stretch

    Notes
    -----
    With period P, quota Q, tick h: work that starts at a renewal with credit A has had
    ``S(k) = max(0, h ceil((A + (k - 1) Q) / h))`` of CPU by the k-th renewal after, since it is stopped at the first tick
    at which its credit is used up, and the overrun is repaid in full. Work C ends in period
    ``N = max(0, floor((h (ceil(C / h) - 1) - A) / Q) + 1)``, after ``N P + C - S(N)``. The first stretch may begin
    within a period, and is stopped no earlier than at its `check`-th tick; what it leaves is work that starts at a
    renewal. The tests step the ticks one by one and find the same. A quota of a whole period never stops anything.

    References
    ----------
    Linux kernel documentation, "CFS Bandwidth Control" (docs.kernel.org/scheduler/sched-bwc), seen November 2026.
    """
    if quota_us >= rules.period_us:
        return Stretch(cpu_us, (phase_us + cpu_us) % rules.period_us, credit_us)
    if len(cpu_us) <= _CHUNK:
        return _run(cpu_us, phase_us, credit_us, quota_us, int(check), rules)
    parts = [
        _run(
            cpu_us[first : first + _CHUNK], phase_us[first : first + _CHUNK], credit_us[first : first + _CHUNK],
            quota_us, int(check), rules,
        )
        for first in range(0, len(cpu_us), _CHUNK)
    ]  # fmt: skip
    return Stretch(*(np.concatenate(column) for column in zip(*parts, strict=True)))


def _run(cpu: Ints, phase: Ints, credit: Ints, quota: int, check: int, rules: QuotaRules) -> Stretch:
    """Run one chunk: two periods with a late check in sight, each for the work that is left, then in closed form."""
    period, tick = rules.period_us, rules.tick_us
    before = np.zeros_like(cpu)
    if (credit <= 0).any():
        asleep = np.where((credit > 0) | (cpu == 0), 0, -credit // quota + 1)
        before = np.where(asleep > 0, asleep * period - phase, 0)
        credit, phase = credit + asleep * quota, np.where(asleep > 0, 0, phase)
    pending = phase // tick + check
    stop = np.maximum(pending * tick, _up(phase + credit, tick))
    ended = _first_period(cpu, phase, credit, stop, quota, rules)
    ended = Stretch(ended.duration_us + before, ended.phase_us, ended.credit_us)
    through = np.flatnonzero((cpu > period - phase) & (stop >= period))
    if not len(through):
        return Stretch(ended.duration_us, ended.phase_us % period, ended.credit_us)
    used, cpu, left = period - phase[through], cpu[through], credit[through]
    cpu, left = cpu - used, left - used
    kept = np.minimum(left, _up(used, rules.slice_us) - used)
    credit = np.minimum(quota + np.where(left > 0, kept, left), period)
    ended.duration_us[through] = before[through] + used
    pending = np.maximum(pending[through] - period // tick, 0)
    stop = np.maximum(np.maximum(pending * tick, _up(credit, tick)), 0)
    second = _first_period(cpu, np.zeros_like(cpu), credit, stop, quota, rules)
    later = np.flatnonzero((cpu > period) & (stop >= period))
    if len(later):
        cpu, left = cpu[later] - period, credit[later] - period
        kept = np.minimum(left, -period % rules.slice_us)
        rest = _from_renewal(cpu, np.minimum(quota + np.where(left > 0, kept, left), period), quota, rules)
        second.duration_us[later] = period + rest.duration_us
        second.phase_us[later], second.credit_us[later] = rest.phase_us, rest.credit_us
    ended.duration_us[through] += second.duration_us
    ended.phase_us[through], ended.credit_us[through] = second.phase_us, second.credit_us
    return Stretch(ended.duration_us, ended.phase_us % period, ended.credit_us)


def _first_period(cpu: Ints, phase: Ints, credit: Ints, stop: Ints, quota: int, rules: QuotaRules) -> Stretch:
    """Run work that ends before it is stopped, or is stopped in this period; others get figures without meaning."""
    room = stop - phase
    net = quota - min(rules.charge_us, quota // 4)
    waits = (room - credit) // net + 1
    rest = _from_renewal(
        cpu - room + waits * rules.resume_us, credit - room + waits * net, quota, rules
    )  # fmt: skip
    ends = cpu <= np.minimum(room, rules.period_us - phase)
    return Stretch(
        np.where(ends, cpu, waits * rules.period_us - phase + rest.duration_us),
        np.where(ends, phase + cpu, rest.phase_us),
        np.where(ends, credit - cpu, rest.credit_us),
    )


def _from_renewal(cpu: Ints, credit: Ints, quota: int, rules: QuotaRules) -> Stretch:
    """Run work that begins at a renewal and is looked at every tick."""
    period, tick = rules.period_us, rules.tick_us
    last = np.maximum(((cpu + (tick - 1)) // tick - 1) * tick, 0)
    renewals = np.maximum((last - credit) // quota + 1, 0)
    had = np.where(renewals > 0, np.maximum(_up(credit + (renewals - 1) * quota, tick), 0), 0)
    phase = cpu - had
    return Stretch(renewals * period + phase, phase, credit + renewals * quota - cpu)


def _up(value: Ints, unit: int) -> Ints:
    """Round up to a whole number of units."""
    return -(-value // unit) * unit
