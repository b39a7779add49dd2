"""Pictures of a comparison of platforms: what a month costs on each, and how long a request takes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from matplotlib.axes import Axes

from lambdasim.plots.style import (
    axes_or_new,
    bar_look,
    ink,
    legend_beside,
    name_rows,
    nothing,
    size_axis,
    styled,
)

if TYPE_CHECKING:
    from lambdasim.study.platforms.result import PlatformComparison

_HEIGHT = 0.5
_LEAST_BAR = 1.1
"""Highest over lowest below which a range is drawn as a point, which claims no width."""
_LEAST = 1e-6


@styled
def plot_platforms(found: PlatformComparison, ax: Axes | None = None) -> Axes:
    """Draw what a month, or the run, costs on each platform, from the cheapest way to set it up to the costliest.

    Parameters
    ----------
    found : PlatformComparison
    ax : Axes, optional

    Returns
    -------
    Axes
        With a line at Lambda's bill.
    """
    ranges = found.ranges
    ax = axes_or_new(ax, rows=len(ranges))
    ax.set_title(f"{found.scenario.name}: cost {found.per.words} on each platform")
    most = max(one.high_usd for one in ranges)
    if most <= 0:
        return nothing(ax, "nothing is billed")
    low = min(max(one.low_usd, most * _LEAST) for one in ranges)
    for place, one in enumerate(ranges):
        _drawn(ax, place, max(one.low_usd, low / 2), one.high_usd, _HEIGHT, 0 if place == 0 else 1)
    ax.axvline(max(found.lambda_range.low_usd, low / 2), color=ink(), linewidth=1)
    name_rows(ax, (one.platform if one.complete else f"{one.platform} *" for one in ranges))
    ax.set_ylim(len(ranges) - 0.5, -0.5)
    size_axis(ax, low, most)
    left_out = "" if all(one.complete for one in ranges) else "; * a price is unknown"
    ax.set_xlabel(f"USD {found.per.words}; the line is Lambda's{left_out}")
    ax.grid(visible=False, axis="y")
    return ax


def _drawn(ax: Axes, at: float, low: float, high: float, height: float, look: int) -> None:
    """Draw a range as a bar, and a single value as a point."""
    if high > low * _LEAST_BAR:
        ax.barh(at, high - low, left=low, height=height, **bar_look(look))
    else:
        _point(ax, [low], [at], look)


def _point(ax: Axes, x: list[float], y: list[float], look: int, label: str | None = None) -> None:
    colour = bar_look(look)["facecolor"]
    ax.plot(x, y, marker="D", markersize=6, linestyle="", color=colour, label=label)


@styled
def plot_platform_latency(found: PlatformComparison, ax: Axes | None = None) -> Axes:
    """Draw the median and the 99th percentile of latency on each platform, over the ways to set it up.

    Parameters
    ----------
    found : PlatformComparison
    ax : Axes, optional

    Returns
    -------
    Axes
    """
    ranges = found.ranges
    ax = axes_or_new(ax, rows=len(ranges))
    ax.set_title(f"{found.scenario.name}: how long a request takes on each platform")
    ends = [value for one in ranges for value in (*one.p50_ms, *one.p99_ms) if value > 0]
    if not ends:
        return nothing(ax, "no request was served")
    for row, (name, look) in enumerate((("p50_ms", 0), ("p99_ms", 1))):
        for place, one in enumerate(ranges):
            low, high = getattr(one, name)
            at = place + (row - 0.5) * _HEIGHT * 0.8
            _drawn(ax, at, max(low, min(ends)), high, _HEIGHT * 0.7, look)
        _point(ax, [], [], look, ("median", "99th percentile")[row])
    name_rows(ax, (one.platform for one in ranges))
    ax.set_ylim(len(ranges) - 0.5, -0.5)
    size_axis(ax, min(ends), max(ends))
    since = "invocation to end" if len(found.handed_on_ms) else "call to answer"
    ax.set_xlabel(f"latency [ms], from {since}")
    ax.grid(visible=False, axis="y")
    legend_beside(ax)
    return ax
