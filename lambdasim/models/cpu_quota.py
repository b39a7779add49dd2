"""From CPU time to duration under the scheduler's quota: short functions move in steps of its period.

The straight law is in `cpu_scaling`; long computations follow it, and this law too.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from functools import cache
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from lambdasim.catalog import limit, timing

if TYPE_CHECKING:
    from lambdasim.models.cpu_steps import QuotaConstants

Ints = NDArray[np.int64]


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

    def constants(self, quota_us: int, check: FirstCheck, waits: int = 0) -> QuotaConstants:
        """Return the constants with which `cpu_steps` follows the scheduler."""
        from lambdasim.models.cpu_steps import QuotaConstants

        return QuotaConstants(
            quota_us,
            int(check),
            waits,
            self.period_us,
            self.tick_us,
            self.slice_us,
            self.charge_us,
            self.resume_us,
        )


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
    See `cpu_steps.stretch` for the law and its derivation. A quota of a whole period never stops anything.
    """
    if quota_us >= rules.period_us:
        return Stretch(cpu_us, (phase_us + cpu_us) % rules.period_us, credit_us)
    from lambdasim.models import cpu_steps

    columns = cpu_steps.in_one_form(cpu_us, phase_us, credit_us)
    ran = np.empty((3, len(columns[0])), dtype=np.int64)
    cpu_steps.compiled_stretches()(*columns, rules.constants(quota_us, check), ran)
    return Stretch(*ran)
