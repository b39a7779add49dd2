"""Pictures of comparisons of scenarios."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from lambdasim.plots.style import (
    axes_or_new,
    ink,
    legend_beside,
    line_look,
    name_rows,
    nothing,
    plain_ticks,
    styled,
)

if TYPE_CHECKING:
    from lambdasim.study.comparison.result import Comparison

_SHOWN: Final = (
    ("money", "bill", "bill"),
    ("latency", "mean", "mean latency"),
    ("latency", "p50", "p50 latency"),
    ("latency", "p95", "p95 latency"),
    ("latency", "p99", "p99 latency"),
)
_MOST: Final = 5
_APART: Final = 0.7


@styled
def plot_comparison(comparison: Comparison, ax: Axes | None = None) -> Axes:
    """Draw how bill and latency of each scenario differ from the first [%], with 95% intervals of pairs.

    Parameters
    ----------
    comparison : Comparison
    ax : Axes, optional

    Returns
    -------
    Axes
        What is 0 in the first scenario has no relative difference, and is left out.
    """
    names = comparison.names[1 : _MOST + 1]
    table = comparison.differences
    table = table[(table["scope"] == "account") & (table["base"] > 0) & table["difference"].notna()]
    found = {
        (row["scenario"], row["group"], row["measure"]): row
        for row in table.to_dict("records")
        if row["scenario"] in names
    }
    shown = [(group, measure, words) for group, measure, words in _SHOWN
             if any((name, group, measure) in found for name in names)]  # fmt: skip
    ax = axes_or_new(ax, rows=len(shown) * len(names) + 2)
    ax.set_title(f"Difference to {comparison.names[0]}")
    if not shown:
        return nothing(ax, "nothing to compare")
    for place, name in enumerate(names):
        rows = [
            (at, found[name, group, measure])
            for at, (group, measure, _) in enumerate(shown)
            if (name, group, measure) in found
        ]
        base = np.array([row["base"] for _, row in rows])
        middle, low, high = (
            100 * np.array([row[column] for _, row in rows]) / base
            for column in ("difference", "low", "high")
        )
        shift = (place - (len(names) - 1) / 2) * _APART / len(names)
        ax.errorbar(
            middle,
            [at + shift for at, _ in rows],
            xerr=np.nan_to_num(np.maximum([middle - low, high - middle], 0)),
            fmt="o",
            markersize=5,
            capsize=3,
            color=line_look(place)["color"],
            label=f"{name}, 95% interval of pairs",
        )
    ax.axvline(0, color=ink(), linewidth=1)
    name_rows(ax, [words for _, _, words in shown])
    ax.set_ylim(len(shown) - 0.4, -0.6)
    ax.set_xlabel("difference [% of the first]")
    ax.xaxis.set_major_locator(MaxNLocator(4, steps=[1, 2, 5, 10]))
    ax.xaxis.set_major_formatter(plain_ticks(signed=True))
    ax.grid(visible=False, axis="y")
    legend_beside(ax)
    return ax
