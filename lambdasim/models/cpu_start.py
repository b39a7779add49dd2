"""Where in the scheduler's period a handler begins, and with how much credit."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from lambdasim.catalog import timing
from lambdasim.models.cpu_quota import Ints, QuotaRules, quota_rules

_PERMILLE: Final = 1000


class Starts(NamedTuple):
    """Phase in the period, negative before its beginning, and credit of each start, shape (n,) [µs]."""

    phase_us: Ints
    credit_us: Ints


@dataclass(frozen=True)
class StartLaw:
    """Law of the beginning of a handler in a warm environment.

    Attributes
    ----------
    lead_us : int
        CPU time of the runtime before the handler's clock starts, in the same period [µs].
    spread_us, charge_us : int
        Means of exponential laws: delay after that, and credit used by others [µs].
    at_renewal, next_tick, tick_before : float
        How many begin with a period, one tick later, one tick earlier; the rest begin two ticks earlier.
    """

    lead_us: int
    spread_us: int
    charge_us: int
    at_renewal: float
    next_tick: float
    tick_before: float

    def draw(self, uniforms: NDArray[np.float64], quota_us: int, rules: QuotaRules | None = None) -> Starts:
        """Draw starts.

        Parameters
        ----------
        uniforms : ndarray of float, shape (3, n)
            From 0 to 1, 1 excluded.
        quota_us : int
            Credit of a period [µs].
        rules : QuotaRules, optional
            By default the catalog's.

        Returns
        -------
        Starts
        """
        rules = rules or quota_rules()
        bounds = np.cumsum([self.at_renewal, self.next_tick, self.tick_before])
        tick = np.array([0, 1, -1, -2])[np.searchsorted(bounds, uniforms[0], side="right")]
        delay = -self.spread_us * np.log1p(-uniforms[1])
        within = np.minimum(np.rint(self.lead_us + delay).astype(np.int64), rules.tick_us - 1)
        others = np.rint(-self.charge_us * np.log1p(-uniforms[2])).astype(np.int64)
        return Starts(tick * rules.tick_us + within, quota_us - self.lead_us - others)


@cache
def start_law() -> StartLaw:
    """Return the law of the catalog's constants."""
    return StartLaw(
        lead_us=timing("cpu_start_lead_us").value,
        spread_us=timing("cpu_start_spread_us").value,
        charge_us=timing("cpu_start_charge_us").value,
        at_renewal=timing("cpu_start_at_renewal_permille").value / _PERMILLE,
        next_tick=timing("cpu_start_next_tick_permille").value / _PERMILLE,
        tick_before=timing("cpu_start_tick_before_permille").value / _PERMILLE,
    )
