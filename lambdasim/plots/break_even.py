"""The picture of a break-even: what the same traffic costs on Lambda and on servers."""

from __future__ import annotations

from math import isnan, log10
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

from lambdasim.plots.style import axes_or_new, ink, legend_beside, line_look, nothing, plain_ticks, styled

if TYPE_CHECKING:
    from lambdasim.study.break_even.result import BreakEven

_BEFORE = 30.0
_FEW_DECADES = 1.7
_BEYOND = 3.0


@styled
def plot_break_even(found: BreakEven, ax: Axes | None = None) -> Axes:
    """Draw the bill of a month, or of the run, over its requests for each option, with bands, and ring the crossings.

    Parameters
    ----------
    found : BreakEven
    ax : Axes, optional

    Returns
    -------
    Axes
        What lies beyond the traffic that was simulated is shaded.
    """
    ax = axes_or_new(ax)
    table = found.curve
    met = [crossing for crossing in found.crossings if not isnan(crossing.requests.mean)]
    ax.set_title(f"{found.scenario.name}: the {found.period}'s bill by its traffic")
    table = table[(table["requests"] > 0) & (table["multiple"] >= found.multiples[0])]
    if table.empty:
        return nothing(ax, "no traffic")
    if met:
        table = table[table["requests"] * _BEFORE >= min(crossing.requests.mean for crossing in met)]
    ends = [crossing.requests.mean * _BEYOND for crossing in met]
    right = min(max([found.most_requests, *ends]), table["requests"].max())
    table = table[table["requests"] <= right * 1.1]
    for place, (option, rows) in enumerate(table.groupby("option", sort=False)):
        look = line_look(place)
        ax.plot(rows["requests"], rows["usd"], label=option, **look)
        ax.fill_between(
            rows["requests"], rows["low"], rows["high"], color=look["color"], alpha=0.15, linewidth=0
        )
    for crossing in met:
        ours = table[table["option"] == "Lambda"]
        usd = float(np.interp(crossing.requests.mean, ours["requests"], ours["usd"]))
        ax.plot([crossing.requests.mean], [usd], "o", markersize=9, markerfacecolor="none", color=ink())
    if met:
        ax.plot([], [], "o", markersize=9, markerfacecolor="none", color=ink(), label="crossing")
    if right > found.most_requests * 1.01:
        ax.axvspan(
            found.most_requests, right * 1.1, color=ink(), alpha=0.06, linewidth=0, label="beyond simulated"
        )
    paid = table.loc[table["usd"] > 0, "usd"]
    ax.set_xscale("log")
    ax.set_yscale("log")
    ax.set_xlim(float(table["requests"].min()), right * 1.1)
    if len(paid):
        ax.set_ylim(max(float(paid.min()), float(paid.max()) / 1e4) / 1.5, float(paid.max()) * 1.5)
    decades = log10(right * 1.1 / float(table["requests"].min()))
    steps = (1, 2, 5) if decades <= _FEW_DECADES else (1,)
    ax.xaxis.set_major_locator(LogLocator(subs=steps, numticks=20 if len(steps) > 1 else 8))
    ax.xaxis.set_major_formatter(FuncFormatter(_short))
    ax.yaxis.set_major_formatter(plain_ticks())
    for axis in (ax.xaxis, ax.yaxis):
        axis.set_minor_formatter(NullFormatter())
    ax.set_xlabel(f"requests {found.per.words}")
    ax.set_ylabel(f"USD {found.per.words}")
    legend_beside(ax)
    return ax


def _short(requests: float, _: int) -> str:
    """Write a number of requests for an axis."""
    for size, name in ((1e6, " M"), (1e3, " k")):
        if requests >= size:
            return f"{requests / size:,g}{name}"
    return f"{requests:g}"
