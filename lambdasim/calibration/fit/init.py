"""INIT as a law for a scenario: as measured where there are many cold starts, held to the catalog where there are few."""

from __future__ import annotations

from dataclasses import dataclass
from math import inf, log, sqrt
from statistics import NormalDist
from typing import Any, Final

import numpy as np

from lambdasim.calibration.data.statistics import Floats
from lambdasim.calibration.estimate import Estimate
from lambdasim.calibration.fit.shape import law_of_values
from lambdasim.catalog.priors import InitPrior

FEWEST_COLD: Final = 30
_BETWEEN_FUNCTIONS: Final = 1.5
"""Standard deviation of the logarithm of INIT between functions of one runtime: real ones start up to some tens of times
later than the catalog's minimal functions."""
_WITHIN: Final = 0.25
"""That of one function's cold starts, before any was seen; as if it came from two of them."""
_WITHIN_RUNS: Final = 2
_SHAPE_RUNS: Final = 0.5
"""As how many of them it counts in the law itself, which is a best guess and no interval."""
_TAIL_RUNS: Final = 2.0
"""As how many the catalog's shape counts beside the quantiles that were seen: a process of Dirichlet's with that mass."""
_SHOWN: Final = 50
_SHORTEST_MS: Final = 0.01


@dataclass(frozen=True)
class InitFit:
    """INIT of a function.

    Attributes
    ----------
    median_ms : Estimate
    values_ms : ndarray, shape (n,)
        The law as equally likely values [ms].
    held_to : str
        Runtime of the catalog that few cold starts were held to; empty where they speak for themselves.
    prior_runs : float
        For how many cold starts the catalog's median counted.
    """

    median_ms: Estimate
    values_ms: Floats
    held_to: str = ""
    prior_runs: float = 0.0

    def law(self) -> Any:
        """Return the law as a scenario's ``init_ms``."""
        return law_of_values(self.values_ms)


def fit_init(values_ms: Floats, prior: InitPrior | None, most_ms: float = inf) -> InitFit | None:
    """Make a law of INIT durations.

    Parameters
    ----------
    values_ms : ndarray, shape (n,)
    prior : InitPrior or None
        The catalog's, for the runtime; None where it has none, and few cold starts then speak alone.
    most_ms : float
        The cap of INIT where no start reached it: beyond it INIT runs again, which none of these did [ms].

    Returns
    -------
    InitFit or None
        None where there is no cold start.

    Notes
    -----
    With 30 cold starts or more, their own quantiles. Below, by the logarithm: the variance is that of the data and of two
    more cold starts with a deviation of 0.25; the median is weighed by precision against the catalog's, which is taken
    as known to 1.5 only, the spread between functions, beside the spread of one function's cold starts in the catalog and
    the data. So the catalog counts for about a hundredth of a cold start.
    The interval is Student's. The law is the data's own quantiles mixed with a shape that counts as two cold starts and
    has their mean: the catalog's median, p90 and p99 joined in the normal score, stretched to the deviation of the data
    and of half a cold start of the catalog's (0.25 without).
    """
    n = len(values_ms)
    if n == 0:
        return None
    logs = np.log(np.maximum(values_ms, _SHORTEST_MS))
    if n >= FEWEST_COLD:
        error = 1.96 * 1.25 * float(logs.std(ddof=1)) / sqrt(n)
        return InitFit(_around(float(np.median(values_ms)), error), np.sort(values_ms))
    freedom = _WITHIN_RUNS + n - 1
    squares = float(((logs - logs.mean()) ** 2).sum())
    variance = (_WITHIN_RUNS * _WITHIN**2 + squares) / freedom
    weight, centre = 0.0, float(logs.mean())
    if prior is not None:
        known = (_WITHIN_RUNS * prior.sigma_log**2 + squares) / freedom
        weight = known / _BETWEEN_FUNCTIONS**2
        centre = (float(logs.sum()) + weight * log(prior.p50_ms)) / (n + weight)
    median = float(np.exp(centre))
    within = _WITHIN if prior is None else prior.sigma_log
    width = sqrt((_SHAPE_RUNS * within**2 + squares) / (_SHAPE_RUNS + n - 1))
    shape = _shape(prior, width)
    values = _blended(np.exp(logs), _below(shape * float(np.exp(logs).mean() / shape.mean()), most_ms))
    named = "" if prior is None else prior.runtime
    return InitFit(_around(median, _student(freedom) * sqrt(variance / (n + weight))), values, named, weight)


def _below(values: Floats, most: float) -> Floats:
    """Draw values towards their mean until none is above a bound, where the mean is not."""
    mean, highest = float(values.mean()), float(values.max())
    if highest <= most or mean >= most:
        return values
    return np.asarray(mean + (values - mean) * ((most - mean) / (highest - mean)))


def _blended(seen: Floats, shape: Floats) -> Floats:
    """Mix what was seen with a shape of the same mean, which counts as two cold starts; shape (n,)."""
    together = np.concatenate([seen, shape])
    order = np.argsort(together, kind="stable")
    weights = np.concatenate([np.ones(len(seen)), np.full(len(shape), _TAIL_RUNS / len(shape))])[order]
    reached = np.concatenate([[0.0], np.cumsum(weights)]) / weights.sum()
    sums = np.concatenate([[0.0], np.cumsum(weights * together[order])]) / weights.sum()
    return np.asarray(np.diff(np.interp(np.linspace(0, 1, _SHOWN + 1), reached, sums)) * _SHOWN)


def _around(centre: float, error: float) -> Estimate:
    return Estimate(centre, centre * float(np.exp(-error)), centre * float(np.exp(error)))


def _student(freedom: int) -> float:
    from scipy.stats import t

    return float(t.ppf(0.975, freedom))


def _shape(prior: InitPrior | None, sigma: float) -> Floats:
    """Give values about a median of 1: the catalog's tail, as wide as the deviation asks for."""
    normal = NormalDist()
    wanted = np.array([normal.inv_cdf((place + 0.5) / _SHOWN) for place in range(_SHOWN)])
    if prior is None:
        return np.exp(sigma * wanted)
    scores = [normal.inv_cdf(p) for p in (0.01, 0.5, 0.9, 0.99)]
    known = np.log([prior.p50_ms**2 / prior.p90_ms, prior.p50_ms, prior.p90_ms, prior.p99_ms]) - log(
        prior.p50_ms
    )
    return np.asarray(np.exp(np.interp(wanted, scores, known) * sigma / prior.sigma_log))
