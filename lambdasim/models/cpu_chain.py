"""A handler's duration from its CPU time and its waits: stretches on the CPU with waits between."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from lambdasim.models.cpu_quota import FirstCheck, Ints, QuotaRules, quota_rules, run_stretch
from lambdasim.models.cpu_scaling import cpu_time_factor, scale_cpu_time
from lambdasim.models.cpu_start import StartLaw, start_law
from lambdasim.specs import cpu_law as said


class CpuLaw(StrEnum):
    """How CPU time becomes time on the clock."""

    STRAIGHT = "straight"
    """In proportion to memory, whatever the scheduler's period."""
    QUOTA = "quota"
    """A quota for each period, looked at once a tick."""


@dataclass(frozen=True)
class CpuStyle:
    """How a function meets the scheduler.

    Attributes
    ----------
    law : CpuLaw
    check : FirstCheck
        Without effect under the straight law.
    waits : int
        Number of equal waits between equal stretches on the CPU. With 0, all waiting comes after the work.
    """

    law: CpuLaw = CpuLaw.STRAIGHT
    check: FirstCheck = FirstCheck.FOURTH_TICK
    waits: int = 0

    @classmethod
    def of(cls, law: said.CpuLaw) -> CpuStyle:
        """Return the style that a scenario's ``cpu_law`` asks for."""
        if isinstance(law, said.QuotaLaw):
            return cls(CpuLaw.QUOTA, FirstCheck[law.quota.first_check.name], law.quota.waits)
        return cls()

    def spec(self) -> said.CpuLaw:
        """Return the style as a scenario's ``cpu_law``."""
        if self.law is CpuLaw.STRAIGHT:
            return said.STRAIGHT
        first_check = said.FirstCheck[self.check.name]
        return said.QuotaLaw(quota=said.QuotaShape(first_check=first_check, waits=self.waits))

    def __str__(self) -> str:
        """Return the style in words.

        Examples
        --------
        >>> print(CpuStyle(CpuLaw.QUOTA, FirstCheck.EVERY_TICK, 4))
        quota, every tick, 4 waits
        """
        if self.law is CpuLaw.STRAIGHT:
            return "straight"
        return f"quota, {self.check.name.lower().replace('_', ' ')}, {self.waits} waits"


def handler_durations(
    cpu_us: Ints,
    io_us: Ints,
    memory_mb: int,
    style: CpuStyle,
    uniforms: NDArray[np.float64],
    *,
    rules: QuotaRules | None = None,
    starts: StartLaw | None = None,
) -> Ints:
    """Give durations of handler runs.

    Parameters
    ----------
    cpu_us, io_us : ndarray of int64, shape (n,)
        CPU time on one full vCPU, and waiting [µs].
    memory_mb : int
        Configured memory [MB].
    style : CpuStyle
    uniforms : ndarray of float, shape (3, n)
        Luck of the start: where in the period, how late, and how much credit. From 0 to 1, 1 excluded.
    rules : QuotaRules, optional
    starts : StartLaw, optional
        By default the catalog's, measured for freshly invoked handlers of one function.

    Returns
    -------
    ndarray of int64, shape (n,)
        [µs], without INIT.

    Notes
    -----
    A wait that goes past k renewals lifts the credit by k quotas, to one quota at most. Work that wakes without credit
    sleeps to the first renewal that gives it some. A handler may be late in its first check after each wait.
    """
    if style.law is CpuLaw.STRAIGHT:
        return scale_cpu_time(cpu_us, cpu_time_factor(memory_mb, 0.0)) + io_us
    rules = rules or quota_rules()
    quota_us = rules.quota_us(memory_mb)
    if quota_us >= rules.period_us:
        return cpu_us + io_us
    start = (starts or start_law()).draw(uniforms, quota_us, rules)
    pieces = style.waits + 1
    cpu, wait = cpu_us // pieces, io_us // max(style.waits, 1)
    last = run_stretch(cpu + cpu_us % pieces, start.phase_us, start.credit_us, quota_us, style.check, rules)
    duration = last.duration_us + io_us
    for _ in range(style.waits):
        woken = last.phase_us + wait
        credit = np.minimum(last.credit_us + woken // rules.period_us * quota_us, quota_us)
        last = run_stretch(cpu, woken % rules.period_us, credit, quota_us, style.check, rules)
        duration = duration + last.duration_us
    return duration
