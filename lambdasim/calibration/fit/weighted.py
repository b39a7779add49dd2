"""Quantiles of values that have weights."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from lambdasim.calibration.data.statistics import Floats


def weighted_quantiles(values: Floats, weights: Floats, levels: Sequence[float] | Floats) -> Floats:
    """Give quantiles of weighted values; weights sum to one.

    Examples
    --------
    >>> weighted_quantiles(np.array([3.0, 1.0, 2.0]), np.array([0.25, 0.25, 0.5]), [0.5])
    array([2.])
    """
    order = np.argsort(values, kind="stable")
    reached = np.cumsum(weights[order]) - weights[order] / 2
    return np.asarray(np.interp(np.asarray(levels), reached, values[order]), dtype=np.float64)


def weighted_medians(values: Floats, weights: Floats) -> Floats:
    """Give the median of each column, shape (n, k) to (k,); rows have the weights, which sum to one.

    Examples
    --------
    >>> weighted_medians(np.array([[1.0, 9.0], [2.0, 8.0], [3.0, 1.0]]), np.array([0.25, 0.5, 0.25]))
    array([2., 8.])
    """
    order = np.argsort(values, axis=0, kind="stable")
    ranked = np.take_along_axis(values, order, axis=0)
    each = weights[order]
    reached = np.cumsum(each, axis=0) - each / 2
    above = np.clip((reached < 0.5).sum(axis=0), 1, len(values) - 1) if len(values) > 1 else None
    if above is None:
        return np.asarray(ranked[0])
    columns = np.arange(values.shape[1])
    low, high = reached[above - 1, columns], reached[above, columns]
    part = np.clip((0.5 - low) / np.maximum(high - low, 1e-300), 0, 1)
    return np.asarray(ranked[above - 1, columns] * (1 - part) + ranked[above, columns] * part)
