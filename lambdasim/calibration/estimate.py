"""What a fit says of a number, of a memory size, and of how well it meets its data."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from lambdasim.calibration.data.statistics import Floats
from lambdasim.wording import number


@dataclass(frozen=True)
class Estimate:
    """A value with its 95 % interval."""

    value: float
    low: float
    high: float

    def __str__(self) -> str:
        """Return value and interval.

        Examples
        --------
        >>> print(Estimate(17.42, 16.9, 18.1), Estimate(1e-11, 0.0, 0.0), Estimate(12345.6, 1, 2e6))
        17.4 [16.9, 18.1] 0 [0, 0] 12,300 [1, 2,000,000]
        """
        value, low, high = (
            number(float(f"{round(one, 4) + 0.0:.3g}")) for one in (self.value, self.low, self.high)
        )
        return f"{value} [{low}, {high}]"


@dataclass(frozen=True)
class Prediction:
    """Warm durations at a memory size.

    Attributes
    ----------
    memory_mb : int
    mean_ms : Estimate
        The interval covers what the data leave open and the law's own error.
    durations_ms : ndarray, shape (n,)
        The distribution as equally likely values, sorted [ms].
    """

    memory_mb: int
    mean_ms: Estimate
    durations_ms: Floats

    def quantile_ms(self, probability: float) -> float:
        """Give a quantile of the duration [ms]."""
        return float(np.quantile(self.durations_ms, probability))


@dataclass(frozen=True)
class SizeFit:
    """How well the fit meets one of its sizes.

    Attributes
    ----------
    memory_mb, n, censored : int
    observed_ms, fitted_ms : float
        Mean, or median where runs were cut off [ms].
    quantile_errors : dict of float to float
        Fitted over observed less one, by probability.
    """

    memory_mb: int
    n: int
    censored: int
    observed_ms: float
    fitted_ms: float
    quantile_errors: dict[float, float]

    @property
    def error(self) -> float:
        """Fitted over observed, less one."""
        return self.fitted_ms / self.observed_ms - 1


@dataclass(frozen=True)
class ColdFit:
    """INIT and the first run after it.

    Attributes
    ----------
    n : int
        Cold starts seen.
    init_ms : dict of float to Estimate
        Median, p90 and p99 with intervals from order statistics [ms]; p99 is hardly more than the largest of few.
    values_ms : ndarray, shape (n,)
        All INIT durations, sorted; they do not depend on the memory size.
    first_run_extra_ms : dict of int to Estimate
        By memory size [MB], how much longer the first run takes than a warm one [ms].
    first_run_spread : float
        Standard deviation of that over its mean, beyond what warm runs vary, at the size with the most cold starts.
    """

    n: int
    init_ms: dict[float, Estimate]
    values_ms: Floats
    first_run_extra_ms: dict[int, Estimate]
    first_run_spread: float = 0.0
