"""Pictures of a fit against its data: quantiles beside quantiles, and the distributions on each other."""

from __future__ import annotations

from typing import Final

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes

from lambdasim.calibration.data.statistics import Floats
from lambdasim.calibration.result import Calibration
from lambdasim.plots.style import DASHES, MOST_LINES, axes_or_new, ink, nothing, styled

_SHOWN: Final = 200


@styled
def plot_fit_quantiles(found: Calibration, ax: Axes | None = None) -> Axes:
    """Draw quantiles of the fitted warm duration against those of the data, a QQ plot, one line for each size [ms].

    Parameters
    ----------
    found : Calibration
    ax : Axes, optional

    Returns
    -------
    Axes
    """
    ax = axes_or_new(ax)
    ax.set_title(f"Fit against data, by quantile: warm runs of {found.function}")
    sizes = _measured(found)
    if not sizes:
        return nothing(ax, "no single runs to compare with")
    ends = []
    for place, (memory_mb, values) in enumerate(sizes[:MOST_LINES]):
        levels = (np.arange(min(len(values), _SHOWN)) + 0.5) / min(len(values), _SHOWN)
        seen, fitted = np.quantile(values, levels), np.quantile(_fitted(found, memory_mb), levels)
        ends += [seen[0], seen[-1], fitted[0], fitted[-1]]
        ax.plot(
            seen,
            fitted,
            marker=".",
            markersize=3,
            linewidth=1,
            dashes=DASHES[place % 4],
            label=f"{memory_mb:,} MB",
        )
    low, high = max(min(ends), 1e-2) * 0.97, max(ends) * 1.03
    ax.plot([low, high], [low, high], color=ink(), linewidth=0.8, label="equal")
    if high > 8 * low:
        ax.set_xscale("log")
        ax.set_yscale("log")
    ax.set_xlim(low, high)
    ax.set_ylim(low, high)
    ax.set_xlabel("data [ms]")
    ax.set_ylabel("fit [ms]")
    ax.legend()
    return ax


@styled
def plot_fit_distribution(found: Calibration, ax: Axes | None = None) -> Axes:
    """Draw the share of warm runs that are done within a time, data and fit, one colour for each size.

    Parameters
    ----------
    found : Calibration
    ax : Axes, optional

    Returns
    -------
    Axes
    """
    ax = axes_or_new(ax)
    ax.set_title(f"Share of warm runs done within a time, data and fit: {found.function}")
    sizes = _measured(found)
    if not sizes:
        return nothing(ax, "no single runs to compare with")
    colours = mpl.rcParams["axes.prop_cycle"].by_key()["color"]
    ends = []
    for place, (memory_mb, values) in enumerate(sizes[:MOST_LINES]):
        colour, fitted = colours[place % len(colours)], np.sort(_fitted(found, memory_mb))
        seen = np.sort(values)
        ends += [*np.quantile(seen, (0.005, 0.995)), *np.quantile(fitted, (0.005, 0.995))]
        ax.step(
            seen,
            np.arange(1, len(seen) + 1) / len(seen),
            where="post",
            color=colour,
            label=f"{memory_mb:,} MB",
        )
        shares = np.arange(1, len(fitted) + 1) / len(fitted)
        ax.plot(fitted, shares, color=colour, linestyle="--", linewidth=1.2, label=f"{memory_mb:,} MB, fit")
    low, high = max(min(ends), 1e-2), max(ends)
    if high > 8 * low:
        ax.set_xscale("log")
        ax.set_xlim(low * 0.9, high * 1.1)
    else:
        ax.set_xlim(low - 0.05 * (high - low), high + 0.05 * (high - low) + 1e-3)
    ax.set_ylim(0, 1.02)
    ax.set_xlabel("duration [ms]")
    ax.set_ylabel("share of runs")
    ax.legend()
    return ax


def _measured(found: Calibration) -> list[tuple[int, Floats]]:
    """Give single warm runs by size, where there are any."""
    if found.observations is None:
        return []
    return [(size.memory_mb, size.warm_ms) for size in found.observations.sizes if len(size.warm_ms) > 1]


def _fitted(found: Calibration, memory_mb: int) -> Floats:
    return found.work.predict(memory_mb).durations_ms
