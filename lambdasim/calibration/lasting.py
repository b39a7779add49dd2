"""How long a log's environments last, where the catalog's figures do not have its cold starts."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any, Final

import numpy as np

from lambdasim.calibration.data.runs import Runs
from lambdasim.calibration.twin import twin
from lambdasim.calibration.written import share
from lambdasim.specs.platform import PlatformSpec
from lambdasim.units import US_PER_S

_TRIES: Final = 2
_KEEP_ALIVES_S: Final = (60, 120, 240, 360, 480, 720, 960, 1440, 1920, 2880, 5400, 10800, 21600, 86400)
_LIFETIMES_S: Final = (30, 45, 60, 90, 120, 180, 240, 360, 480, 720, 960, 1440, 1920, 2880, 4320, 5760)
_LONG_LIVES_S: Final = (14_400, 28_800, 86_400, 604_800, 2_592_000)
_HALVINGS: Final = 5
_WELL: Final = 0.7
_PRICE: Final = 0.02
"""Share of the billed time that too many or too few cold starts may cost before their number is fitted."""


@dataclass(frozen=True)
class Lasting:
    """How long environments last, where the catalog does not have the log's cold starts.

    Attributes
    ----------
    keep_alive_s : int or None
        How long an idle one stays warm [s].
    lifetime_s : int or None
        Age at which a busy one ends too: by deployments, for instance [s].
    """

    keep_alive_s: int | None = None
    lifetime_s: int | None = None

    @property
    def is_longer(self) -> bool:
        """Whether environments grow older than the platform lets them by itself."""
        usual_us = PlatformSpec().max_lifetime_us
        return self.lifetime_s is not None and usual_us is not None and self.lifetime_s * US_PER_S > usual_us


def fitted_lasting(scenario: dict[str, Any], runs: Runs) -> Lasting:
    """Find how long environments last where the catalog's figures do not have the log's cold starts.

    Parameters
    ----------
    scenario : dict
        As for ``twin``.
    runs : Runs

    Returns
    -------
    Lasting
        With nothing in it where the catalog has them well within their binomial interval and what they are off by is at
        most 2 % of the billed time, or where no constant is nearer. The keep-alive comes first; an age is tried where
        environments end although they are busy, or grow older than the catalog lets them, or where the keep-alive leaves
        the billed time off by more than that.
    """
    cold = int(runs.cold.sum())
    bounds = share(cold, len(runs))
    low, high = bounds.low * len(runs), bounds.high * len(runs)
    known: dict[Lasting, float] = {}

    def started(lasting: Lasting) -> float:
        if lasting not in known:
            made = twin(_with(scenario, lasting), runs, _TRIES)
            known[lasting] = float(made.cold.sum()) / made.times
        return known[lasting]

    def nearest(tried: Iterable[Lasting]) -> Lasting:
        return min(tried, key=lambda one: abs(started(one) - cold))

    usual = Lasting()
    if not runs.has_times:
        return usual
    found = started(usual)
    well = cold - _WELL * (cold - low) <= found <= cold + _WELL * (high - cold)
    if well and abs(found - cold) * _price(runs) <= _PRICE:
        return usual
    best = _refined(nearest, started, [Lasting(keep_alive_s=s) for s in _KEEP_ALIVES_S], cold)
    if not low <= started(best) <= high or abs(started(best) - cold) * _price(runs) > _PRICE:
        ages = _LIFETIMES_S if found < low else _LONG_LIVES_S
        best = nearest([best, *(Lasting(lifetime_s=s) for s in ages)])
    if not low <= started(best) <= high and found > high:
        both = [Lasting(keep, age) for keep in _KEEP_ALIVES_S[4:] for age in _LONG_LIVES_S[2:]]
        best = nearest([best, *both])
    return best if low <= started(best) <= high and abs(started(best) - cold) < abs(found - cold) else usual


def _with(scenario: dict[str, Any], lasting: Lasting) -> dict[str, Any]:
    """Give a scenario whose environments last so long."""
    (function,) = scenario["functions"]
    platform = dict(scenario.get("platform", {}))
    if lasting.keep_alive_s is not None:
        function = {**function, "keep_alive": f"{lasting.keep_alive_s}s"}
    if lasting.lifetime_s is not None:
        platform["max_lifetime"] = f"{lasting.lifetime_s}s"
    return {**scenario, "functions": [function], "platform": platform}


def _refined(
    nearest: Callable[[Iterable[Lasting]], Lasting],
    started: Callable[[Lasting], float],
    tried: list[Lasting],
    cold: int,
) -> Lasting:
    """Halve between the two neighbours whose counts of cold starts lie on both sides of the log's."""
    ends = next(
        (
            (one, other)
            for one, other in pairwise(tried)
            if (started(one) >= cold) != (started(other) >= cold)
        ),
        None,
    )
    if ends is None:
        return nearest(tried)
    more, fewer = ends
    for _ in range(_HALVINGS):
        assert more.keep_alive_s is not None  # noqa: S101 - keep-alives are what is tried
        assert fewer.keep_alive_s is not None  # noqa: S101
        middle = replace(more, keep_alive_s=round((more.keep_alive_s * fewer.keep_alive_s) ** 0.5))
        if middle in (more, fewer):
            break
        more, fewer = (middle, fewer) if started(middle) >= cold else (more, middle)
        tried = [*tried, middle]
    return nearest(tried)


def _price(runs: Runs) -> float:
    """Give what one cold start adds to the billed time, as a share of all of it."""
    spent = runs.duration_ms + np.nan_to_num(runs.init_ms)
    warm = spent[runs.warm()]
    if not runs.cold.any() or not len(warm):
        return 0.0
    return max(float(spent[runs.cold].mean() - warm.mean()), 0.0) / max(float(spent.sum()), 1e-9)
