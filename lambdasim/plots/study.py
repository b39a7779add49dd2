"""Pictures of sweeps over memory sizes: cost against latency, duration, paired differences."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import FixedLocator, LogFormatter, NullLocator, StrMethodFormatter

from lambdasim.plots.style import (
    axes_or_new,
    ink,
    is_narrow,
    legend_beside,
    line_look,
    nothing,
    paper,
    plain_ticks,
    size_axis,
    styled,
)
from lambdasim.wording import money

if TYPE_CHECKING:
    from lambdasim.study.memory.power_tuning import TunedPoint
    from lambdasim.study.memory.result import MemorySweep

_MARKERS: Final = ("o", "s", "^", "D")
_MANY: Final = 12
_UPRIGHT: Final = 6
_UPRIGHT_NARROW: Final = 4


@styled
def plot_frontier(sweep: MemorySweep, ax: Axes | None = None) -> Axes:
    """Draw cost against latency: the frontier as a line, dominated sizes hollow, the recommended ringed.

    Parameters
    ----------
    sweep : MemorySweep
    ax : Axes, optional

    Returns
    -------
    Axes
        Sizes that fail are named in the title, not drawn.
    """
    ax = axes_or_new(ax)
    latency = sweep.objective.latency
    good = sweep.table[~sweep.table["fails"]].dropna(subset=[latency])
    failing = sorted({f"{size:,}" for size in sweep.table[sweep.table["fails"]]["memory_mb"]}, key=_number)
    ax.set_title(
        f"{sweep.function}: cost and latency" + (f" ({', '.join(failing)} MB fail)" if failing else "")
    )
    if good.empty:
        return nothing(ax, "every size fails")
    best = good[~good["dominated"]].sort_values(latency)
    ax.plot(best[latency], best[sweep.money], color=ink(), linewidth=1, zorder=1)
    for place, (architecture, rows) in enumerate(good.groupby("architecture", sort=True)):
        colour = line_look(place)["color"]
        marker = _MARKERS[place % len(_MARKERS)]
        for hollow, part in ((False, rows[~rows["dominated"]]), (True, rows[rows["dominated"]])):
            if len(part):
                ax.scatter(
                    part[latency],
                    part[sweep.money],
                    marker=marker,
                    s=42,
                    facecolor=paper() if hollow else colour,
                    edgecolor=colour,
                    label=f"{architecture}{', dominated' if hollow else ''}",
                    zorder=2,
                )
    chosen = good[good["recommended"]]
    ax.scatter(
        chosen[latency],
        chosen[sweep.money],
        s=190,
        facecolor="none",
        edgecolor=ink(),
        label="recommended" if len(chosen) else None,
        zorder=3,
    )
    target = getattr(sweep.objective, "within_ms", None), getattr(sweep.objective, "within_usd", None)
    if target[0] is not None:
        ax.axvline(target[0], color=ink(), linewidth=1, dashes=(5, 2), label=f"target {target[0]:,g} ms")
    if target[1] is not None:
        ax.axhline(target[1], color=ink(), linewidth=1, dashes=(5, 2), label=f"budget {money(target[1])}")
    sides = dict(zip(sorted(set(good["architecture"])), ("right", "left"), strict=False))
    for row in good.to_dict("records"):
        side = sides[row["architecture"]] if row["dominated"] else "center"
        ax.annotate(
            f"{row['memory_mb']:,}",
            (row[latency], row[sweep.money]),
            xytext={"right": (-7, 0), "left": (7, 0), "center": (0, -10)}[side],
            textcoords="offset points",
            ha=side,
            va="top" if side == "center" else "center",
            fontsize=8,
            color=ink(),
        )
    ends = [*good[latency], *([] if target[0] is None else [target[0]])]
    size_axis(ax, max(0.8 * float(min(ends)), 0.5), max(1.1 * float(max(ends)), 1.0))
    _from_zero(ax, max(float(good[sweep.money].max()), target[1] or 0.0))
    ax.set_xlabel(f"{latency.removesuffix('_ms')} of the latency [ms]")
    ax.set_ylabel(f"cost {sweep.per.words} [USD]")
    legend_beside(ax)
    return ax


@styled
def plot_cost_and_duration(sweep: MemorySweep, ax: Axes | None = None) -> Axes:
    """Draw what each memory size costs and how long its runs take, in one picture with two scales.

    Parameters
    ----------
    sweep : MemorySweep
    ax : Axes, optional
        Gets a second vertical axis.

    Returns
    -------
    Axes
        The one with the money; sizes that fail are left out.
    """
    ax = axes_or_new(ax)
    ax.set_title(f"{sweep.function}: cost and duration by memory size")
    table = sweep.table[~sweep.table["fails"]]
    if not (table["mean_duration_ms"] > 0).any():
        return nothing(ax, "nothing ran" if sweep.table["fails"].sum() == 0 else "every size fails")
    right = ax.twinx()
    right.spines["right"].set_visible(True)
    right.grid(visible=False)
    for place, (architecture, rows) in enumerate(table.groupby("architecture", sort=True)):
        marker = {"marker": _MARKERS[place % len(_MARKERS)], "markersize": 5}
        cost, duration = line_look(0) | marker, line_look(1) | marker
        ax.plot(rows["memory_mb"], rows[sweep.money], label=f"{architecture}: cost", **cost)
        right.plot(rows["memory_mb"], rows["mean_duration_ms"], **duration)
        ax.plot([], [], label=f"{architecture}: mean duration", **duration)
    ax.set_xscale("log")
    _size_ticks(ax, sorted(set(table["memory_mb"].tolist())))
    ax.set_xlabel("memory [MB]")
    ax.set_ylabel(f"cost {sweep.per.words} [USD]")
    right.set_ylabel("duration [ms]")
    _from_zero(ax, float(table[sweep.money].max()))
    _from_zero(right, float(table["mean_duration_ms"].max()))
    legend_beside(ax)
    return ax


@styled
def plot_duration(sweep: MemorySweep, points: tuple[TunedPoint, ...] = (), ax: Axes | None = None) -> Axes:
    """Draw the mean handler duration against memory, with the band of p50 to p95, and measured points beside it.

    Parameters
    ----------
    sweep : MemorySweep
    points : tuple of TunedPoint
        Measured durations, such as Power Tuning's.
    ax : Axes, optional

    Returns
    -------
    Axes
    """
    ax = axes_or_new(ax)
    ax.set_title(f"{sweep.function}: duration by memory size")
    if not (sweep.table["mean_duration_ms"] > 0).any():
        return nothing(ax, "nothing ran")
    for place, (architecture, rows) in enumerate(sweep.table.groupby("architecture", sort=True)):
        look = line_look(place)
        size = rows["memory_mb"].to_numpy(dtype=float)
        ax.plot(
            size,
            rows["mean_duration_ms"],
            label=f"{architecture}: mean",
            marker=_MARKERS[place % 4],
            markersize=4,
            **look,
        )
        low, high = rows["p50_duration_ms"].to_numpy(), rows["p95_duration_ms"].to_numpy()
        ax.fill_between(
            size,
            low,
            high,
            color=look["color"],
            alpha=0.12,
            linewidth=0.8,
            label=f"{architecture}: p50 to p95",
        )
    if points:
        measured = [point.memory_mb for point in points]
        ax.plot(measured, [point.duration_ms for point in points], "x", color=ink(), label="measured")
    sizes = sorted({*sweep.table["memory_mb"].tolist(), *(point.memory_mb for point in points)})
    ax.set_xscale("log")
    ax.set_yscale("log")
    _size_ticks(ax, sizes)
    ax.yaxis.set_major_formatter(plain_ticks())
    ax.yaxis.set_minor_formatter(LogFormatter(minor_thresholds=(2, 0.5)))
    ax.set_xlabel("memory [MB]")
    ax.set_ylabel("duration [ms]")
    legend_beside(ax)
    return ax


@styled
def plot_differences(sweep: MemorySweep, measure: str | None = None, ax: Axes | None = None) -> Axes:
    """Draw paired differences of a measure against the reference, with their intervals and what they would be unpaired.

    Parameters
    ----------
    sweep : MemorySweep
    measure : str, optional
        One of the measures of ``MemorySweep.differences``; default: its money.
    ax : Axes, optional

    Returns
    -------
    Axes
        Without sizes that fail.
    """
    table, measure = sweep.differences(), measure or sweep.money
    if len(table):
        keys = ["memory_mb", "architecture"]
        table = table.merge(sweep.table[[*keys, "fails"]], on=keys)
        table = table[(table["measure"] == measure) & ~table["fails"]].dropna(subset=["mean"])
    ax = axes_or_new(ax, rows=len(table) + 3)
    ax.set_title(f"{sweep.function}: difference to {sweep.reference}")
    if table.empty:
        return nothing(ax, "nothing to compare")
    rows = np.arange(len(table))
    half = (table["high"] - table["low"]).to_numpy() / 2
    ax.errorbar(
        table["mean"],
        rows,
        xerr=table["unpaired_half_width"].fillna(0),
        fmt="none",
        ecolor="0.75",
        elinewidth=5,
        label="95% interval unpaired",
    )
    ax.errorbar(
        table["mean"],
        rows,
        xerr=np.nan_to_num(half),
        fmt="o",
        markersize=4,
        color=line_look(0)["color"],
        capsize=3,
        label="mean, 95% interval of pairs",
    )
    ax.axvline(0, color=ink(), linewidth=1)
    pairs = zip(table["memory_mb"], table["architecture"], strict=True)
    ax.set_yticks(rows, [f"{size:,} MB {architecture}" for size, architecture in pairs])
    ax.set_ylim(len(table) - 0.4, -0.6)
    unit = (
        f"USD {sweep.per.words}"
        if measure == sweep.money
        else measure.replace("_ms", " [ms]").replace("_", " ")
    )
    ax.set_xlabel(f"difference, {unit}")
    ax.xaxis.set_major_formatter(plain_ticks(signed=True))
    legend_beside(ax)
    return ax


def _size_ticks(ax: Axes, sizes: list[int]) -> None:
    """Label a logarithmic axis with the sizes themselves, as many as fit."""
    shown = sizes if len(sizes) <= _MANY else sizes[:: -(-len(sizes) // _MANY)]
    ax.xaxis.set_major_locator(FixedLocator(shown))
    ax.xaxis.set_minor_locator(NullLocator())
    ax.xaxis.set_major_formatter(StrMethodFormatter("{x:,.0f}"))
    if len(shown) > (_UPRIGHT_NARROW if is_narrow(ax) else _UPRIGHT):
        ax.tick_params(axis="x", labelrotation=45)


def _from_zero(ax: Axes, top: float) -> None:
    ax.set_ylim(0, top * 1.15 or 1)
    ax.yaxis.set_major_formatter(plain_ticks())


def _number(text: str) -> int:
    return int(text.replace(",", ""))
