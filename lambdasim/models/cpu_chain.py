"""A handler's duration from its CPU time and its waits: stretches on the CPU with waits between."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from lambdasim.models.cpu_quota import FirstCheck, Ints, QuotaRules, quota_rules
from lambdasim.models.cpu_scaling import cpu_time_factor, scale_cpu_time
from lambdasim.models.cpu_start import StartLaw, Starts, start_law
from lambdasim.specs.work import cpu_law as said


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


@dataclass(frozen=True)
class HandlerQuota:
    """The quota law of one function at one memory size below one vCPU.

    Attributes
    ----------
    quota_us : int
        CPU time per period [µs], less than the period.
    check : FirstCheck
    waits : int
        See `CpuStyle`.
    rules : QuotaRules
    starts : StartLaw
    """

    quota_us: int
    check: FirstCheck
    waits: int
    rules: QuotaRules
    starts: StartLaw

    @classmethod
    def of(
        cls,
        style: CpuStyle,
        memory_mb: int,
        rules: QuotaRules | None = None,
        starts: StartLaw | None = None,
        *,
        memory_per_vcpu_mb: int | None = None,
    ) -> HandlerQuota | None:
        """Return the quota of a memory size [MB]; None under the straight law, and at one vCPU or more."""
        rules = rules or quota_rules()
        quota_us = rules.quota_us(memory_mb, memory_per_vcpu_mb)
        if style.law is CpuLaw.STRAIGHT or quota_us >= rules.period_us:
            return None
        return cls(quota_us, style.check, style.waits, rules, starts or start_law())

    def durations(self, cpu_us: Ints, io_us: Ints, start: Starts) -> Ints:
        """Give durations of handler runs from the work and the start of each.

        Parameters
        ----------
        cpu_us, io_us : ndarray of int64, shape (n,) or (k, n)
            CPU time on one full vCPU, and waiting [µs].
        start : Starts
            n of them, or one for all.

        Returns
        -------
        ndarray of int64, shape (n,) or (k, n)
            [µs], without INIT.
        """
        from lambdasim.models import cpu_steps

        columns = cpu_steps.in_one_form(cpu_us, io_us, *start)
        took_us = np.empty_like(columns[0])
        cpu_steps.compiled_handlers()(
            *(column.ravel() for column in columns),
            self.rules.constants(self.quota_us, self.check, self.waits),
            took_us.reshape(-1),
        )
        return took_us


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
    cpu_us, io_us : ndarray of int64, shape (n,) or (k, n)
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
    ndarray of int64, shape (n,) or (k, n)
        [µs], without INIT.
    """
    quota = HandlerQuota.of(style, memory_mb, rules, starts)
    if quota is None:
        return scale_cpu_time(cpu_us, cpu_time_factor(memory_mb, 0.0)) + io_us
    return quota.durations(cpu_us, io_us, quota.starts.draw(uniforms, quota.quota_us, quota.rules))
