"""Durations as equally likely values, from the statistics that CloudWatch has: percentiles, extremes, mean.

Between percentiles the logarithm of the duration is a straight line in the normal score. Then values are moved between
their percentiles, first where these lie farthest apart, until the mean is the metric's average: the bill goes with the
mean, which a law of two percentiles misses by half or double where durations have two modes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import NormalDist
from typing import Final

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
VALUES: Final = 1000
"""Values of a table."""
_LEAST: Final = 1e-3
_CLOSE: Final = 1e-9
_OFF: Final = 0.005
_NEAR: Final = 0.999
"""A duration of this share of the timeout or more is a timeout."""
_TAIL: Final = 1.5
"""How far a tail is taken to go beyond its last percentile, where timeouts hide its end."""


@dataclass(frozen=True)
class Statistics:
    """What is known of durations in one period.

    Attributes
    ----------
    mean : float or None
        [ms].
    low, high : float or None
        Least and greatest [ms].
    percentiles : tuple of (float, float)
        Shares below 1 with their durations [ms], rising.
    count : float
        Samples; the weight of the period.
    """

    mean: float | None
    low: float | None = None
    high: float | None = None
    percentiles: tuple[tuple[float, float], ...] = ()
    count: float = 1.0


def duration_table(periods: Sequence[Statistics], n: int = VALUES) -> tuple[Floats, bool]:
    """Make a table of durations.

    Parameters
    ----------
    periods : sequence of Statistics
        At least one with a mean or a percentile; several are mixed by their counts.
    n : int
        Values of the table.

    Returns
    -------
    tuple of (ndarray, bool)
        Equally likely durations in order, shape (n,) [ms], whose mean is that of the periods; and whether the statistics
        contradicted one another, so that the values had to be stretched to it.

    Examples
    --------
    >>> table, _ = duration_table([Statistics(60.0, 10.0, 300.0, ((0.5, 40.0), (0.9, 120.0), (0.99, 250.0)))])
    >>> round(float(table.mean()), 6), *np.quantile(table, [0.5, 0.9], method="lower").round().astype(int).tolist()
    (60.0, 40, 120)
    """
    tables = [_of_period(one, n) for one in periods]
    if len(tables) == 1:
        return tables[0]
    values = np.concatenate([table for table, _ in tables])
    weights = np.repeat([max(one.count, 0.0) or _LEAST for one in periods], n)
    order = np.argsort(values, kind="stable")
    return _slices(values[order], weights[order], n), any(off for _, off in tables)


def without_timeouts(
    periods: Sequence[Statistics], timeout_ms: float, most: float
) -> tuple[list[Statistics], float]:
    """Take runs out that were ended by their timeout, where the greatest duration is the timeout.

    Parameters
    ----------
    periods : sequence of Statistics
    timeout_ms : float
        The function's [ms].
    most : float
        Share of runs with an error, of which timeouts are a part.

    Returns
    -------
    tuple of (list of Statistics, float)
        What is left, and the share of timeouts. Between the percentiles that lie below the timeout and those at it, the
        mean says how many there were.

    Examples
    --------
    >>> said = Statistics(59.94 + 0.002 * 3000, 50.0, 3000.0, ((0.5, 60.0), (0.9, 62.0), (0.99, 65.0)))
    >>> round(without_timeouts([said], 3000.0, 0.01)[1], 3)
    0.002
    """
    left, timeouts, total = [], 0.0, 0.0
    for said in periods:
        share = _timeout_share(said, timeout_ms, most)
        total += said.count
        timeouts += share * said.count
        if share >= 1:
            continue
        below = tuple(
            (p / (1 - share), v) for p, v in said.percentiles if v < _NEAR * timeout_ms and p < 1 - share
        )
        mean = said.mean if said.mean is None else max((said.mean - share * timeout_ms) / (1 - share), _LEAST)
        left.append(Statistics(mean, said.low, said.high, below, said.count * (1 - share)) if share else said)
    return left, timeouts / total if total else 0.0


def _timeout_share(said: Statistics, timeout_ms: float, most: float) -> float:
    if said.high is None or said.high < _NEAR * timeout_ms or most <= 0:
        return 0.0
    if said.low is not None and said.low >= _NEAR * timeout_ms:
        return min(1.0, most)
    below = [(p, v) for p, v in said.percentiles if v < _NEAR * timeout_ms]
    least = 1 - min((p for p, v in said.percentiles if v >= _NEAR * timeout_ms), default=1.0)
    room = 1 - max((p for p, _ in below), default=0.0)
    share = min(room, most)
    if said.mean is not None and below:
        body = Statistics(None, said.low, below[-1][1] * _TAIL, tuple(below), said.count)
        mean = float(_of_period(body, VALUES)[0].mean())
        share = (said.mean - mean) / (timeout_ms - mean) if timeout_ms > mean else share
    return float(min(max(share, least), room, most))


def _of_period(said: Statistics, n: int) -> tuple[Floats, bool]:
    points = _points(said)
    if not points:
        mean = said.mean if said.mean is not None else said.high if said.high is not None else said.low or 0.0
        low = said.low if said.low is not None else 0.0
        high = said.high if said.high is not None else np.inf
        # An exponential law: the variation of a duration of which only the mean is known.
        table = np.clip(-mean * np.log1p(-_shares(n)), low, high)
        return _with_mean(table, said, [])
    shares, values = map(np.array, zip(*points, strict=True))
    scores = np.array([_score(share) for share in shares])
    asked = np.array([_score(share) for share in _shares(n)])
    logs = np.log(np.maximum(values, _LEAST))
    drawn = np.interp(asked, scores, logs)
    if len(points) > 1:
        low_slope = (logs[1] - logs[0]) / (scores[1] - scores[0])
        high_slope = (logs[-1] - logs[-2]) / (scores[-1] - scores[-2])
        drawn = np.where(asked < scores[0], logs[0] + low_slope * (asked - scores[0]), drawn)
        drawn = np.where(asked > scores[-1], logs[-1] + high_slope * (asked - scores[-1]), drawn)
    low = said.low if said.low is not None else 0.0
    high = said.high if said.high is not None else max(np.inf if len(points) > 1 else 0.0, float(values[-1]))
    table = np.clip(np.exp(drawn), low, high)
    return _with_mean(table, said, points)


def _points(said: Statistics) -> list[tuple[float, float]]:
    """Give the percentiles, each at least as long as the one before; the extremes beside a single one."""
    points: list[tuple[float, float]] = []
    for share, value in sorted(said.percentiles):
        if 0 < share < 1:
            points.append((share, max(value, points[-1][1] if points else 0.0)))
    if len(points) == 1:
        edge = 0.5 / max(min(said.count, VALUES), 2.0)
        if said.low is not None and edge < points[0][0]:
            points.insert(0, (edge, min(said.low, points[0][1])))
        if said.high is not None and 1 - edge > points[-1][0]:
            points.append((1 - edge, max(said.high, points[-1][1])))
    return points


def _with_mean(table: Floats, said: Statistics, points: list[tuple[float, float]]) -> tuple[Floats, bool]:
    """Move values until their mean is the metric's, first those between the percentiles that lie farthest apart."""
    if said.mean is None:
        return table, False
    n = len(table)
    shares = [0.0, *(share for share, _ in points), 1.0]
    bounds = [said.low or 0.0, *(value for _, value in points)]
    bounds.append(said.high if said.high is not None else np.inf)
    brackets = sorted(
        zip(shares, shares[1:], bounds, bounds[1:], strict=False),
        key=lambda one: one[3] - one[2],
        reverse=True,
    )
    table = table.copy()
    for first, last, low, high in brackets:
        missing = (said.mean - float(table.mean())) * n
        part = slice(round(first * n), max(round(last * n), round(first * n)))
        if part.stop > part.start and missing:
            table[part] = _moved(table[part], missing, low, high)
    mean = float(table.mean())
    is_off = abs(mean - said.mean) > _OFF * max(said.mean, _LEAST)
    if mean > 0 and abs(mean - said.mean) > _CLOSE * said.mean:
        table = table * (said.mean / mean)
    return np.sort(table), is_off


def _moved(part: Floats, missing: float, low: float, high: float) -> Floats:
    """Move values towards a bound, all by the same share of their way, as far as their sum asks."""
    bound = high if missing > 0 else low
    if not np.isfinite(bound):
        return part + missing / len(part)
    way = bound - part
    room = float(way.sum())
    if room == 0 or (room > 0) != (missing > 0):
        return part
    return np.asarray(part + min(missing / room, 1.0) * way)


def _slices(ordered: Floats, weights: Floats, n: int) -> Floats:
    """Give the means of n equally likely slices of weighted values, shape (n,); their mean is that of all."""
    reached = np.concatenate([[0.0], np.cumsum(weights)])
    sums = np.concatenate([[0.0], np.cumsum(ordered * weights)])
    at = np.interp(np.linspace(0, reached[-1], n + 1), reached, sums)
    return np.asarray(np.diff(at) * n / reached[-1])


def _shares(n: int) -> Floats:
    return (np.arange(n) + 0.5) / n


def _score(share: float) -> float:
    return NormalDist().inv_cdf(share)


def percentiles_of(statistics: Mapping[str, float]) -> tuple[tuple[float, float], ...]:
    """Return the percentiles among a metric's statistics, rising.

    Examples
    --------
    >>> percentiles_of({"p99": 9.0, "p50": 2.0, "Average": 3.0, "p99.9": 12.0})
    ((0.5, 2.0), (0.99, 9.0), (0.999, 12.0))
    """
    found = []
    for name, value in statistics.items():
        try:
            share = float(name[1:]) / 100 if name.startswith("p") else 0.0
        except ValueError:
            continue
        if 0 < share < 1:
            found.append((round(share, 9), value))
    return tuple(sorted(found))
