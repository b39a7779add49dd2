"""Cold starts: how long INIT takes, and how much longer the first handler run after it.

INIT does not depend on the memory size; the first handler run does, strongly for Java and .NET.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from math import exp, log, pi, sqrt
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from lambdasim.catalog import InitPrior
from lambdasim.draws.laws import DrawLaw
from lambdasim.draws.table import DrawTable, normal_quantile_nodes, shared_while_used
from lambdasim.units import US_PER_MS


@cache
@shared_while_used
def init_law(prior: InitPrior) -> DrawLaw:
    """Make the law of INIT durations [µs] from measured quantiles.

    Parameters
    ----------
    prior : InitPrior
        Measured for a runtime, package type and architecture, pooled over memory sizes.

    Returns
    -------
    DrawLaw
        In microseconds.

    Notes
    -----
    The logarithm is a chain of straight lines in the normal score, through the measured median, p90 and p99; the last
    line goes on above p99. Below the median there is one line, whose slope gives the measured mean of the logarithm. One
    lognormal would miss the tails of Java, .NET and container images by some 10 %.
    """
    scores = np.array([0.0, NormalDist().inv_cdf(0.90), NormalDist().inv_cdf(0.99)])
    logs = np.log(np.array([prior.p50_ms, prior.p90_ms, prior.p99_ms]) * US_PER_MS)
    slopes = np.diff(logs) / np.diff(scores)
    slope_below = _slope_below_median(prior.mu_log + log(US_PER_MS), float(logs[0]), scores, slopes)

    z = normal_quantile_nodes()
    above = -z
    upper = logs[0] + slopes[0] * np.minimum(above, scores[1]) + slopes[1] * np.maximum(above - scores[1], 0)
    return DrawTable.from_nodes(np.exp(logs[0] + slope_below * z), np.exp(upper))


def _slope_below_median(
    mean_log: float, median_log: float, scores: NDArray[np.float64], slopes: NDArray[np.float64]
) -> float:
    """Slope for which the whole chain's mean is ``mean_log``; never negative."""
    half = 1 / sqrt(2 * pi)  # E[Z; Z > 0]
    knee = float(scores[1])
    beyond = exp(-knee * knee / 2) * half - knee * NormalDist().cdf(-knee)  # E[(Z - knee)+]
    upper_part = float(slopes[0]) * (half - beyond) + float(slopes[1]) * beyond
    return max((median_log + upper_part - mean_log) / half, 0.0)


def first_run_extra_ms(points: Iterable[tuple[int, float]], memory_mb: int) -> float:
    """Give the mean extra time of the first handler run after INIT [ms].

    Parameters
    ----------
    points : iterable of (int, float)
        Memory sizes in rising order [MB], and the mean at each [ms], such as ``InitPrior.first_handler_ms``.
    memory_mb : int
        Configured memory [MB].

    Returns
    -------
    float
        On a straight line in the logarithms of memory and time between the sizes, and the nearest size's value outside.
    """
    sizes, means = zip(*points, strict=True)
    return float(np.exp(np.interp(log(memory_mb), np.log(sizes), np.log(means))))
