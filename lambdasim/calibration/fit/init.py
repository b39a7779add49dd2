"""INIT as a law for a scenario: as measured where there are many cold starts, held to the catalog where there are few."""

from __future__ import annotations

from dataclasses import dataclass
from statistics import NormalDist
from typing import Any, Final

import numpy as np

from lambdasim.calibration.data.statistics import Floats
from lambdasim.calibration.fit.work import Estimate
from lambdasim.catalog.priors import InitPrior

FEWEST_COLD: Final = 30
_PRIOR_RUNS: Final = 2.0
_BETWEEN_FUNCTIONS: Final = 0.5
_MOST_VALUES: Final = 200
_SHOWN: Final = 50


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
    """

    median_ms: Estimate
    values_ms: Floats
    held_to: str = ""

    def law(self) -> dict[str, Any]:
        """Return the law as a scenario's ``init_ms``."""
        return {"empirical": [round(float(value), 2) for value in self.values_ms]}


def fit_init(values_ms: Floats, prior: InitPrior | None) -> InitFit | None:
    """Make a law of INIT durations.

    Parameters
    ----------
    values_ms : ndarray, shape (n,)
    prior : InitPrior or None
        The catalog's, for the runtime.

    Returns
    -------
    InitFit or None
        None where there are too few and no prior.

    Notes
    -----
    From 30 cold starts on, their own quantiles. Below, the logarithm's mean is that of the data and of two more cold
    starts at the catalog's median, and the shape is the catalog's: its median, p90 and p99 joined in the normal score,
    which has the second, slower component that one lognormal misses. The catalog has minimal functions; others start
    later by a factor with a spread of about 0.5 in the logarithm, hence the weight of two alone.
    """
    n = len(values_ms)
    if n >= FEWEST_COLD:
        levels = (np.arange(min(n, _MOST_VALUES)) + 0.5) / min(n, _MOST_VALUES)
        logs = np.log(np.maximum(values_ms, 0.01))
        error = 1.96 * 1.25 * float(logs.std(ddof=1)) / np.sqrt(n)
        centre = float(np.median(values_ms))
        return InitFit(
            Estimate(centre, centre * float(np.exp(-error)), centre * float(np.exp(error))),
            np.quantile(values_ms, levels),
        )
    if prior is None or n == 0:
        return None
    logs = np.log(np.maximum(values_ms, 0.01))
    centre = (float(logs.sum()) + _PRIOR_RUNS * float(np.log(prior.p50_ms))) / (n + _PRIOR_RUNS)
    spread = max(prior.sigma_log, float(logs.std(ddof=1)) if n > 1 else 0.0)
    error = 1.96 * float(np.hypot(spread / np.sqrt(n), _BETWEEN_FUNCTIONS * _PRIOR_RUNS / (n + _PRIOR_RUNS)))
    median = float(np.exp(centre))
    normal = NormalDist()
    scores = [normal.inv_cdf(p) for p in (0.01, 0.5, 0.9, 0.99)]
    known = np.log([prior.p50_ms**2 / prior.p90_ms, prior.p50_ms, prior.p90_ms, prior.p99_ms])
    wanted = [normal.inv_cdf((place + 0.5) / _SHOWN) for place in range(_SHOWN)]
    shape = np.exp(np.interp(wanted, scores, known)) / prior.p50_ms
    return InitFit(
        Estimate(median, median * float(np.exp(-error)), median * float(np.exp(error))),
        median * shape,
        prior.runtime,
    )
