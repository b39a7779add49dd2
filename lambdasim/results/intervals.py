"""Means with t-intervals, of values and of paired differences."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import nan, sqrt

import numpy as np
from numpy.typing import ArrayLike

from lambdasim.engine.totals.function_totals import FunctionTotals

LEVEL = 0.95


@dataclass(frozen=True)
class Interval:
    """A mean and how far it may be off.

    Attributes
    ----------
    mean : float
    half_width : float
        Of the t-interval; NaN with fewer than two values.
    """

    mean: float
    half_width: float

    @property
    def low(self) -> float:
        """Lower end."""
        return self.mean - self.half_width

    @property
    def high(self) -> float:
        """Upper end."""
        return self.mean + self.half_width

    @property
    def excludes_zero(self) -> bool:
        """Whether zero lies outside: a difference is more than chance."""
        return abs(self.mean) > self.half_width


def t_factor(n: int, level: float = LEVEL) -> float:
    """Give what the standard error of n values is multiplied with; NaN for fewer than two."""
    if n < 2:
        return nan
    from scipy.special import stdtrit

    return float(stdtrit(n - 1, (1 + level) / 2))


def t_interval(values: ArrayLike, level: float = LEVEL) -> Interval:
    """Give the mean of independent values with its t-interval.

    Parameters
    ----------
    values : array of float, shape (n,)
    level : float

    Examples
    --------
    >>> found = t_interval([1.0, 2.0, 3.0])
    >>> found.mean, round(found.half_width, 3)
    (2.0, 2.484)
    """
    numbers = np.asarray(values, dtype=float)
    if not len(numbers):
        return Interval(nan, nan)
    if len(numbers) < 2:
        return Interval(float(numbers[0]), nan)
    error = float(np.std(numbers, ddof=1)) / sqrt(len(numbers))
    return Interval(float(np.mean(numbers)), t_factor(len(numbers), level) * error)


def paired_interval(ours: ArrayLike, reference: ArrayLike, level: float = LEVEL) -> Interval:
    """Give the mean of the differences of pairs, which share their customers, work and luck.

    Parameters
    ----------
    ours, reference : array of float, shape (n,)
        In the order of the replications.
    level : float
    """
    return t_interval(np.asarray(ours, dtype=float) - np.asarray(reference, dtype=float), level)


def unpaired_interval(ours: ArrayLike, reference: ArrayLike, level: float = LEVEL) -> Interval:
    """Give the difference of two means as if their replications had nothing in common (Welch).

    Notes
    -----
    Only there to show what pairing gains.
    """
    from scipy.special import stdtrit

    first, second = np.asarray(ours, dtype=float), np.asarray(reference, dtype=float)
    n, m = len(first), len(second)
    if n < 2 or m < 2:
        return Interval(float(first.mean() - second.mean()), nan)
    a, b = float(first.var(ddof=1)) / n, float(second.var(ddof=1)) / m
    freedom = (a + b) ** 2 / (a**2 / (n - 1) + b**2 / (m - 1)) if a + b else n + m - 2
    half = float(stdtrit(freedom, (1 + level) / 2)) * sqrt(a + b)
    return Interval(float(first.mean() - second.mean()), half)


def wanted_replications(
    ours: Sequence[float], reference: Sequence[float], precision: float, most: int
) -> int:
    """Say how many replications make the paired difference as narrow as asked.

    Parameters
    ----------
    ours, reference : sequence of float
        At least two pairs.
    precision : float
        Half-width wanted, as a share of the reference's mean.
    most : int
        Never more.

    Returns
    -------
    int
        The number there is, when it suffices; else an estimate from the spread so far, at most twice as many.
    """
    n = len(ours)
    found = paired_interval(ours, reference)
    allowed = precision * abs(float(np.mean(reference)))
    if n >= most or found.half_width <= allowed or np.isnan(found.half_width):
        return n
    estimate = n * (found.half_width / allowed) ** 2 if allowed > 0 else 2 * n
    return int(min(max(n + 1, estimate), 2 * n, most))


def half_width_of_sections(totals: FunctionTotals, q: float) -> float:
    """Give the half-width of a 95 % interval of a latency quantile from means of equal sections of one run [ms].

    Notes
    -----
    The run is cut into 20 stretches of equal length; with a daily shape they are not alike, and the interval is then
    wider than replications would give. NaN where fewer than two stretches served anything.
    """
    from scipy.special import stdtrit

    values = [section.quantile(q) for section in totals.section_latency_ms if len(section)]
    if len(values) < 2:
        return float("nan")
    return float(stdtrit(len(values) - 1, 0.975)) * float(np.std(values, ddof=1)) / sqrt(len(values))
