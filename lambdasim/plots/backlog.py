"""A picture of queues and streams: what was sent and has not ended."""

from __future__ import annotations

from typing import Final

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator, StrMethodFormatter

from lambdasim.plots.style import (
    MOST_LINES,
    axes_or_new,
    left_out,
    legend_beside,
    line_look,
    nothing,
    styled,
    time_axis,
)
from lambdasim.results.run import RunResult
from lambdasim.units import US_PER_MINUTE
from lambdasim.wording import clipped

_MOST_POINTS: Final = 400


@styled
def plot_backlog(run: RunResult, ax: Axes | None = None) -> Axes:
    """Draw the backlog of each queue and stream as every minute ended; in long runs, the most of several minutes.

    Parameters
    ----------
    run : RunResult
    ax : Axes, optional

    Returns
    -------
    Axes
        The functions with the greatest backlogs, where there are many.
    """
    ax = axes_or_new(ax)
    table = run.backlog()
    by_function = [(name, rows["backlog"].to_numpy()) for name, rows in table.groupby("function", sort=True)]
    by_function.sort(key=lambda pair: -int(pair[1].max()))
    highest = int(by_function[0][1].max()) if by_function else 0
    if not highest:
        ax.set_title("Backlog")
        return nothing(ax, "nothing waits as a minute ends" if by_function else "no queues and no streams")
    drawn = by_function[:MOST_LINES]
    ax.set_title(f"Backlog: {highest:,} at most{left_out(len(by_function))}")
    longest = max(len(backlog) for _, backlog in drawn)
    at = time_axis(ax, run.scenario.start, max(run.scenario.duration_us, longest * US_PER_MINUTE))
    step = -(-longest // _MOST_POINTS)
    for place, (name, backlog) in enumerate(drawn):
        most = np.pad(backlog, (0, -len(backlog) % step)).reshape(-1, step).max(axis=1)
        ends = at(np.arange(len(most) + 1) * step * US_PER_MINUTE)
        ax.plot(ends, np.append(0, most), label=clipped(str(name), 24), linewidth=1.2, **line_look(place))
    ax.set_ylim(0, highest * 1.1)
    ax.set_ylabel("messages or records" + (f", most in {step} min" if step > 1 else ""))
    ax.yaxis.set_major_locator(MaxNLocator(6, integer=True))
    ax.yaxis.set_major_formatter(StrMethodFormatter("{x:,.0f}"))
    if len(drawn) > 1:
        legend_beside(ax)
    return ax
