"""What is known of warm durations at one memory size: a mean, quantiles, and how sure each is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import log, sqrt
from statistics import NormalDist
from typing import Final

import numpy as np
from numpy.typing import NDArray

from lambdasim.errors import InputError

Floats = NDArray[np.float64]
QUANTILES: Final = (0.05, 0.25, 0.5, 0.75, 0.95)
_FEWEST: Final = 2
_SURE: Final = 0.01
_TINY_ERROR: Final = 1e-4
_RESOLUTION_MS: Final = 0.01
_LEAST_SPREAD: Final = 1e-3
_UNKNOWN_SPREAD: Final = 0.05


@dataclass(frozen=True)
class SizeStatistics:
    """Warm durations at one memory size.

    Attributes
    ----------
    memory_mb : int
    n : int
        Number of runs.
    mean_ms : float or None
        None where runs were cut off by a timeout.
    mean_error : float
        Standard error of the logarithm of the mean.
    quantiles_ms : mapping of float to float
        Probability and value [ms], in order.
    quantile_errors : mapping of float to float
        Standard errors of their logarithms.
    sd_ms : float or None
    censored : int
        Runs cut off by a timeout, counted as longer than all others.
    environments : int
        How many execution environments served them; the fewer, the more one fast or slow CPU counts.
    """

    memory_mb: int
    n: int
    mean_ms: float | None
    mean_error: float
    quantiles_ms: Mapping[float, float]
    quantile_errors: Mapping[float, float]
    sd_ms: float | None = None
    censored: int = 0
    environments: int = 1

    @property
    def centre_ms(self) -> float:
        """The mean, or the median where the mean is not known [ms]."""
        return self.quantiles_ms[0.5] if self.mean_ms is None else self.mean_ms

    @property
    def spread(self) -> float:
        """Standard deviation of the logarithm; 5 % where nothing tells it."""
        return self.seen_spread or _UNKNOWN_SPREAD

    @property
    def seen_spread(self) -> float | None:
        """The same, from the middle of the distribution where it is known; None where nothing tells it."""
        known = self.quantiles_ms
        for low, high in ((0.25, 0.75), (0.5, 0.95), (0.5, 0.99)):
            if low in known and high in known:
                width = NormalDist().inv_cdf(high) - NormalDist().inv_cdf(low)
                return max(log(known[high] / known[low]) / width, _LEAST_SPREAD)
        if self.sd_ms is not None and self.mean_ms:
            return max(self.sd_ms / self.mean_ms, _LEAST_SPREAD)
        if 0.99 in known and self.mean_ms:
            return max(log(known[0.99] / self.mean_ms) / NormalDist().inv_cdf(0.99), _LEAST_SPREAD)
        return None


def pooled(values: Floats, others: Floats) -> Floats:
    """Take two samples as one where a t-test on their logarithms (1 %) sees no difference; else the first with values.

    Parameters
    ----------
    values, others : ndarray, shape (n,), (m,)

    Examples
    --------
    >>> pooled(np.array([400.0]), np.array([390.0, 410.0, 420.0])).tolist()
    [400.0, 390.0, 410.0, 420.0]
    >>> pooled(np.array([400.0, 401.0]), np.array([900.0, 910.0])).tolist()
    [400.0, 401.0]
    """
    from scipy.stats import ttest_ind

    if not len(values) or not len(others):
        return values if len(values) else others
    logs = [np.log(np.maximum(one, _RESOLUTION_MS)) for one in (values, others)]
    if len(values) + len(others) > _FEWEST and max(one.std() for one in logs) > _TINY_ERROR:
        alike = ttest_ind(*logs).pvalue > _SURE
    else:
        alike = bool(abs(logs[0].mean() - logs[1].mean()) < _TINY_ERROR)
    return np.concatenate([values, others]) if alike else values


def from_values(
    memory_mb: int, durations_ms: Sequence[float] | Floats, censored: int = 0, environments: int = 1
) -> SizeStatistics:
    """Summarise measured durations; nothing is trimmed.

    Parameters
    ----------
    memory_mb : int
    durations_ms : sequence of float, shape (n,)
        Warm durations of complete runs [ms], in any order.
    censored : int
        Further runs that a timeout cut off. They count as longer than any complete one: no mean is given, and only
        quantiles that lie among complete runs.
    environments : int
        How many execution environments served them; 1 where that is not known.

    Raises
    ------
    InputError
        When there are fewer than two, or one is not a finite number above 0.
    """
    values = np.sort(np.asarray(durations_ms, dtype=np.float64))
    where = f"{memory_mb} MB"
    if values.ndim != 1:
        raise InputError.single(where, "durations_ms", f"must have one dimension, got {values.ndim}")
    if len(values) < _FEWEST:
        raise InputError.single(
            where, "durations_ms", f"must have at least {_FEWEST} warm runs, got {len(values)}"
        )
    if not np.isfinite(values).all() or values[0] < 0:
        raise InputError.single(where, "durations_ms", "must be finite numbers from 0 up")
    values = np.maximum(values, _RESOLUTION_MS)
    n = len(values) + censored
    complete = len(values) / n

    def at(p: float) -> float:
        return float(np.quantile(values, min(max(p / complete, 0.0), 1.0)))

    known = [p for p in QUANTILES if p <= complete - 2 / n or not censored]
    mean = float(values.mean())
    sd = float(values.std(ddof=1))
    return SizeStatistics(
        memory_mb=memory_mb,
        n=n,
        mean_ms=None if censored else mean,
        mean_error=max(sd / mean / sqrt(n), _TINY_ERROR),
        quantiles_ms={p: at(p) for p in known},
        quantile_errors={p: _order_error(at, p, n) for p in known},
        sd_ms=sd,
        censored=censored,
        environments=environments,
    )


def from_summary(
    memory_mb: int,
    n: int,
    mean_ms: float,
    *,
    sd_ms: float | None = None,
    environments: int = 1,
    **percentiles_ms: float,
) -> SizeStatistics:
    """Take statistics that someone else made.

    Parameters
    ----------
    memory_mb, n : int
    mean_ms : float
        [ms]
    sd_ms : float, optional
    environments : int
        How many execution environments served them; 1 where that is not known.
    **percentiles_ms : float
        Named ``p1`` to ``p99`` [ms].

    Raises
    ------
    InputError
        When a figure is not above 0, or percentiles fall.

    Examples
    --------
    >>> from_summary(512, 300, 20.0, p50=19.0, p99=31.0).quantiles_ms
    {0.5: 19.0, 0.99: 31.0}
    """
    where = f"{memory_mb} MB"
    pairs = []
    for name, value in percentiles_ms.items():
        rank = name.removeprefix("p")
        if not rank.isdigit() or not 0 < int(rank) < 100:
            raise InputError.single(where, name, "must be a percentile, p1 to p99")
        pairs.append((int(rank) / 100, float(value)))
    pairs.sort()
    if n < 1 or not 0 < mean_ms < float("inf"):
        raise InputError.single(
            where, "mean_ms", f"must be above 0, of one run or more, got {mean_ms:g} of {n}"
        )
    values = [value for _, value in pairs]
    if values != sorted(values) or (values and not 0 < values[0] <= values[-1] < float("inf")):
        raise InputError.single(where, "percentiles", "must rise and be above 0")
    known = dict(pairs)
    sd = sd_ms if sd_ms is not None else (known[0.99] - mean_ms) / 2.33 if 0.99 in known else 0.1 * mean_ms

    def at(p: float) -> float:
        return float(np.interp(p, [p for p, _ in pairs], values))

    return SizeStatistics(
        memory_mb=memory_mb,
        n=n,
        mean_ms=mean_ms,
        mean_error=max(abs(sd) / mean_ms / sqrt(n), _TINY_ERROR),
        quantiles_ms=known,
        quantile_errors={p: _order_error(at, p, n) for p in known},
        sd_ms=sd_ms,
        environments=environments,
    )


def _order_error(at: object, p: float, n: int) -> float:
    """Give the standard error of a quantile's logarithm from the order statistics around it."""
    step = sqrt(p * (1 - p) / n)
    low, high = max(p - step, 0.0), min(p + step, 1.0)
    return max(log(at(high) / at(low)) / 2, _TINY_ERROR)  # type: ignore[operator]
