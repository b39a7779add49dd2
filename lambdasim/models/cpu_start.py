"""Where in the scheduler's period a handler begins, and with how much credit."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from lambdasim.catalog import timing
from lambdasim.draws.keys import Quantity
from lambdasim.draws.laws import Constant, DrawLaw, exponential, mixture
from lambdasim.models.cpu_quota import Ints, QuotaRules, quota_rules

_PERMILLE: Final = 1000
_TICKS: Final = (0, 1, -1)  # in the order of the attributes of `StartLaw`, the rest last


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
    at_renewal, next_tick : float
        How many begin with a period, and one tick later; the rest begin one tick earlier.
    """

    lead_us: int
    spread_us: int
    charge_us: int
    at_renewal: float
    next_tick: float

    def laws(self, rules: QuotaRules) -> dict[Quantity, DrawLaw]:
        """Return what is drawn for a start: its tick [µs], delay and charge [µs], as `begun` takes them."""
        before = 1 - self.at_renewal - self.next_tick
        ticks = [Constant(number * rules.tick_us) for number in _TICKS]
        return {
            Quantity.CPU_START_TICK: mixture([self.at_renewal, self.next_tick, before], ticks),
            Quantity.CPU_START_DELAY: exponential(self.spread_us),
            Quantity.CPU_START_CHARGE: exponential(self.charge_us),
        }

    def begun(
        self, tick_us: Ints, delay_us: Ints, charge_us: Ints, quota_us: int, rules: QuotaRules
    ) -> Starts:
        """Give starts from what was drawn.

        Parameters
        ----------
        tick_us, delay_us, charge_us : ndarray of int64, shape (n,)
            Beginning of the tick, negative before the period's; delay after the lead, cut at the tick's end; credit used
            by others.
        quota_us : int
            Credit of a period [µs].
        rules : QuotaRules
        """
        within = np.minimum(self.lead_us + delay_us, rules.tick_us - 1)
        return Starts(tick_us + within, quota_us - self.lead_us - charge_us)

    def draw(self, uniforms: NDArray[np.float64], quota_us: int, rules: QuotaRules | None = None) -> Starts:
        """Draw starts from evenly spread numbers, where calibration wants them; engines draw from `laws`.

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
        bounds = np.cumsum([self.at_renewal, self.next_tick])
        tick = np.array(_TICKS)[np.searchsorted(bounds, uniforms[0], side="right")]
        delay, charge = (
            np.rint(-mean * np.log1p(-luck)).astype(np.int64)
            for mean, luck in zip((self.spread_us, self.charge_us), uniforms[1:], strict=True)
        )
        return self.begun(tick * rules.tick_us, delay, charge, quota_us, rules)


@cache
def start_law() -> StartLaw:
    """Return the law of the catalog's constants."""
    return StartLaw(
        lead_us=timing("cpu_start_lead_us").value,
        spread_us=timing("cpu_start_spread_us").value,
        charge_us=timing("cpu_start_charge_us").value,
        at_renewal=timing("cpu_start_at_renewal_permille").value / _PERMILLE,
        next_tick=timing("cpu_start_next_tick_permille").value / _PERMILLE,
    )
