"""A law for observed values with their mean: one lognormal, a mixture where there are gaps, or a table of quantiles."""

from __future__ import annotations

from math import exp
from statistics import NormalDist
from typing import Any, Final

import numpy as np

from lambdasim.calibration.data.statistics import Floats

_LENGTHS: Final = (20, 50, 100, 200)
_SAME: Final = 0.005
_TAIL: Final = 0.05
_MOST_MODES: Final = 6
_GAP: Final = 1.3
"""Neighbours in order that lie farther apart than this factor belong to different modes."""
_FEWEST: Final = 12
_CLOSE: Final = 0.01
_CHECKED: Final = (0.05, 0.25, 0.5, 0.75, 0.95, 0.99)
_EQUAL: Final = 1e-4
_Z95: Final = NormalDist().inv_cdf(0.95)


def law_of_values(values: Floats, most: int = _LENGTHS[-1]) -> Any:
    """Write values as a law of a scenario, with their mean.

    Parameters
    ----------
    values : ndarray, shape (n,)
        From 0 up, in any order, equally likely.
    most : int
        Length of the longest table.

    Returns
    -------
    float or dict
        A number where they are all alike. Values with wide gaps between them make a mixture, a part for each group; a
        group is a lognormal law where that has its quantiles to within 1 %, else a table of means of equally likely
        slices.

    Examples
    --------
    >>> law_of_values(np.array([20.0, 20.0, 20.0]))
    20.0
    >>> law_of_values(np.array([20.0, 20.0, 20.0, 900.0]))
    {'mixture': [{'weight': 0.75, 'law': 20.0}, {'weight': 0.25, 'law': 900.0}]}
    """
    groups = modes(np.sort(values))
    parts = [(len(group) / len(values) * share, law) for group in groups for share, law in _laws(group, most)]
    if len(parts) == 1:
        return parts[0][1]
    return {"mixture": [{"weight": round(share, 6), "law": law} for share, law in parts]}


def modes(ordered: Floats) -> list[Floats]:
    """Cut ordered values at their widest gaps, where these are wide; at most six groups.

    Examples
    --------
    >>> [len(group) for group in modes(np.array([1.0, 1.1, 5.0, 5.1, 5.2]))]
    [2, 3]
    """
    ratio = ordered[1:] / np.maximum(ordered[:-1], ordered[-1] * _EQUAL + 1e-9)
    places = np.flatnonzero(ratio > _GAP)
    widest = places[np.argsort(-ratio[places], kind="stable")][: _MOST_MODES - 1]
    return np.split(ordered, np.sort(widest) + 1)


def slices(ordered: Floats, n: int) -> Floats:
    """Give the means of n equally likely slices of ordered values, shape (n,); their mean is that of the values.

    Examples
    --------
    >>> slices(np.array([1.0, 2.0, 5.0, 8.0]), 2).tolist()
    [1.5, 6.5]
    """
    reached = np.concatenate([[0.0], np.cumsum(ordered)]) / len(ordered)
    at = np.interp(np.linspace(0, 1, n + 1), np.linspace(0, 1, len(ordered) + 1), reached)
    return np.asarray(np.diff(at) * n)


def lognormal(p50: float, p95: float) -> Any:
    """Write a lognormal law; a plain number where its two quantiles are the same once they are rounded.

    Examples
    --------
    >>> lognormal(20, 30), lognormal(0.02771, 0.02774)
    ({'lognormal': {'p50': 20.0, 'p95': 30.0}}, 0.0277)
    """
    low, high = (float(f"{round(value, 4):.7g}") for value in (p50, p95))
    return {"lognormal": {"p50": low, "p95": high}} if 0 < low < high else low


def _laws(ordered: Floats, most: int) -> list[tuple[float, Any]]:
    """Write the values of one group, as one law or as its body and its tail, each with its share."""
    mean = float(ordered.mean())
    if ordered[-1] - ordered[0] <= _EQUAL * max(mean, 1e-9):
        return [(1.0, _short(mean))]
    if len(ordered) >= _FEWEST and ordered[0] > 0:
        sigma = float(np.log(ordered).std(ddof=1))
        median = mean * exp(-(sigma**2) / 2)
        wanted = np.quantile(ordered, _CHECKED)
        given = median * np.exp(sigma * np.array([NormalDist().inv_cdf(p) for p in _CHECKED]))
        if np.abs(given / wanted - 1).max() < _CLOSE:
            return [(1.0, lognormal(median, median * exp(_Z95 * sigma)))]
    short = _short_table(ordered, most)
    if short is not None:
        return [(1.0, _empirical(short))]
    body, tail = np.split(ordered, [round((1 - _TAIL) * len(ordered))])
    share = len(tail) / len(ordered)
    half = _LENGTHS[-1] // 2
    return [
        (1 - share, _empirical(slices(body, half))),
        (share, _empirical(slices(tail, min(half, len(tail))))),
    ]


def _empirical(values: Floats) -> Any:
    return {"empirical": [_short(value) for value in values]}


def _short_table(ordered: Floats, most: int) -> Floats | None:
    """Give the shortest table that has the quantiles of the values, also where these lie between two slices."""
    if len(ordered) <= _LENGTHS[0]:
        return ordered
    wanted = np.maximum(np.quantile(ordered, _CHECKED), 1e-9)
    for length in _LENGTHS:
        found = slices(ordered, min(length, most, len(ordered)))
        below, above = (np.quantile(found, _CHECKED, method=method) for method in ("lower", "higher"))
        if length >= most < _LENGTHS[-1] or len(ordered) <= length:
            return found
        if max(np.abs(below / wanted - 1).max(), np.abs(above / wanted - 1).max()) < _SAME:
            return found
    return None


def _short(value: float) -> float:
    """Round to a thousandth of a unit and six digits."""
    return float(f"{round(max(value, 0.0), 3):.7g}")
