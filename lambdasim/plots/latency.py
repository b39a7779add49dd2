"""Pictures of latency: how long clients wait, cold and warm starts apart."""

from __future__ import annotations

from typing import Final

import numpy as np
from matplotlib.axes import Axes

from lambdasim.engine.contract import StartType
from lambdasim.engine.totals.histogram import Histogram
from lambdasim.plots.style import (
    DASHES,
    axes_or_new,
    bar_look,
    ink,
    legend_beside,
    line_look,
    nothing,
    size_axis,
    styled,
)
from lambdasim.results.run import PERCENTILES, RunResult

_KINDS: Final = {
    StartType.COLD: "cold starts",
    StartType.WARM: "warm starts",
    StartType.PROVISIONED: "provisioned starts",
    StartType.NONE: "messages and records",
}
"""What latency is measured of; a message or record has no start of its own."""
_BINS: Final = 60


@styled
def plot_latency(run: RunResult, function: str | None = None, ax: Axes | None = None) -> Axes:
    """Draw the share of events answered within a time, cold and warm apart, with percentiles marked.

    Parameters
    ----------
    run : RunResult
    function : str, optional
        One function only.
    ax : Axes, optional

    Returns
    -------
    Axes
    """
    ax = axes_or_new(ax)
    ax.set_title(f"Latency of {function or 'all functions'}: share of events answered within a time")
    kinds = _latencies(run, function)
    if not kinds:
        return nothing(ax, "no event was served")
    _latency_axis(ax, list(kinds.values()))
    for place, kind in enumerate(_KINDS):
        if histogram := kinds.get(kind):
            share = np.cumsum(histogram.counts) / len(histogram)
            values = np.maximum(np.append(histogram.values[:1], histogram.values), 1)
            ax.step(
                values, np.append(0, share), where="post", label=_name(kind, histogram), **line_look(place)
            )
    _mark_percentiles(ax, run.latency_ms(function))
    ax.set_ylim(0, 1.02)
    ax.set_ylabel("share of events of that start")
    legend_beside(ax)
    return ax


@styled
def plot_latency_histogram(run: RunResult, function: str | None = None, ax: Axes | None = None) -> Axes:
    """Draw which latencies occur how often, each kind of start as a share of its own events.

    Parameters
    ----------
    run : RunResult
    function : str, optional
        One function only.
    ax : Axes, optional

    Returns
    -------
    Axes
    """
    ax = axes_or_new(ax)
    ax.set_title(f"Latency of {function or 'all functions'}: how often each occurs")
    kinds = _latencies(run, function)
    if not kinds:
        return nothing(ax, "no event was served")
    _latency_axis(ax, list(kinds.values()))
    low, high = ax.get_xlim()
    edges = (np.geomspace if ax.get_xscale() == "log" else np.linspace)(low, high, _BINS + 1)
    for place, kind in enumerate(_KINDS):
        if histogram := kinds.get(kind):
            values, weights = np.maximum(histogram.values, 1), 100 * histogram.counts / len(histogram)
            look = bar_look(place) | {"edgecolor": line_look(place)["color"], "alpha": 0.5}
            ax.hist(
                values,
                bins=edges.tolist(),
                weights=weights,
                histtype="stepfilled",
                label=_name(kind, histogram),
                **look,
            )
    _mark_percentiles(ax, run.latency_ms(function))
    ax.set_ylim(bottom=0)
    ax.set_ylabel("events of that start [%]")
    legend_beside(ax)
    return ax


def _latencies(run: RunResult, function: str | None) -> dict[StartType, Histogram]:
    """Return the histograms that hold something."""
    kinds = {kind: Histogram() for kind in _KINDS}
    for totals in run.aggregate.functions if function is None else [run.aggregate.function(function)]:
        for kind in _KINDS.keys() & totals.latency_ms:
            kinds[kind].absorb(totals.latency_ms[kind])
    return {kind: histogram for kind, histogram in kinds.items() if len(histogram)}


def _name(kind: StartType, histogram: Histogram) -> str:
    return f"{_KINDS[kind]}: {len(histogram):,}"


def _latency_axis(ax: Axes, histograms: list[Histogram]) -> None:
    low = max(min(int(histogram.values[0]) for histogram in histograms), 1)
    high = max(1, *(int(histogram.values[-1]) for histogram in histograms))
    size_axis(ax, low, high)
    ax.set_xlabel("latency, arrival to answer [ms]")


def _mark_percentiles(ax: Axes, latency: Histogram) -> None:
    """Mark percentiles of all starts together; their values stand in the legend, where they never overlap."""
    for q, dashes in zip(PERCENTILES, DASHES[1:], strict=True):
        value = latency.quantile(q)
        ax.axvline(
            max(value, 1),
            color=ink(),
            linewidth=1,
            dashes=dashes,
            label=f"all: p{round(q * 100)} = {value:,.0f} ms",
        )
