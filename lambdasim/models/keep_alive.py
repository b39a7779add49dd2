"""How long an idle execution environment stays warm. AWS publishes no figure: the default is a measured curve."""

from __future__ import annotations

from functools import cache

from lambdasim.catalog import KeepAliveCurve
from lambdasim.draws.laws import piecewise
from lambdasim.draws.table import DrawTable, shared_while_used
from lambdasim.units import US_PER_S


@cache
@shared_while_used
def keep_alive_law(curve: KeepAliveCurve) -> DrawTable:
    """Make the law of keep-alive durations [µs] from the measured share of warm environments by idle time.

    Parameters
    ----------
    curve : KeepAliveCurve
        Share of probes that found a warm environment after each gap, never rising.

    Returns
    -------
    DrawTable
        In microseconds. The distribution function is a chain of straight lines through the measured shares, from the
        longest gap at which all were warm to the shortest at which none was.
    """
    cold_share = [1 - warm / probes for warm, probes in zip(curve.warm, curve.probes, strict=True)]
    last_all_warm = max((i for i, share in enumerate(cold_share) if share == 0), default=0)
    first_all_cold = min((i for i, share in enumerate(cold_share) if share == 1), default=len(cold_share) - 1)
    used = slice(last_all_warm, first_all_cold + 1)
    return piecewise(cold_share[used], [idle * US_PER_S for idle in curve.idle_s[used]])
