"""A good run beside a bad one: what an hour costs, what is lost, and the metric whose alarm could have fired first."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator, StrMethodFormatter

from lambdasim.plots.style import (
    axes_or_new,
    bar_look,
    ink,
    legend_beside,
    line_look,
    nothing,
    styled,
    time_axis,
)
from lambdasim.study.trap.alarms import UTILIZATION, series
from lambdasim.study.trap.result import TOGETHER, Trap
from lambdasim.units import US_PER_MINUTE, to_epoch_us
from lambdasim.wording import clipped, money

if TYPE_CHECKING:
    import pandas as pd

_MARGIN = 1.15
_ROOM = 1.3
_RIGHT = 0.8
_VISIBLE = 0.002
_MOST_FUNCTIONS = 6


@styled
def plot_alarm(trap: Trap, ax: Axes | None = None) -> Axes:
    """Draw the metric whose alarm fires first, in the good run and in the bad one, with its threshold.

    Parameters
    ----------
    trap : Trap
    ax : Axes, optional

    Returns
    -------
    Axes
        Over the scenario's time; what happens later because of it is left out.
    """
    ax = axes_or_new(ax)
    if not trap.alarms:
        ax.set_title("No alarm could have fired")
        return nothing(ax, "no metric of a minute differs")
    first = trap.alarms[0]
    if first.metric == UTILIZATION:
        return _unused(trap, first.function, ax)
    scenario = trap.bad.scenario
    minutes = -(-scenario.duration_us // US_PER_MINUTE)
    at = time_axis(ax, scenario.start, scenario.duration_us)
    ends = at((np.arange(minutes) + 1) * US_PER_MINUTE)
    highest = first.threshold
    for place, (name, run) in enumerate((("bad", trap.bad), ("good", trap.good))):
        values = np.zeros(minutes)
        found = np.nan_to_num(series(run, first.metric, first.function))[:minutes]
        values[: len(found)] = found
        highest = max(highest, float(values.max(initial=0.0)))
        ax.plot(ends, values, label=name, linewidth=1.2, **line_look(place))
    ax.axhline(first.threshold, color="0.4", linewidth=0.8, linestyle=":", label="threshold")
    _mark(ax, float(ends[min(first.minute, minutes - 1)]))
    ax.set_ylim(0, max(highest, 1e-9) * _MARGIN)
    ax.set_title(f"{clipped(first.function, 30)}: {first.metric}, alarm in minute {first.minute + 1:,}")
    ax.set_ylabel(f"{first.metric} [{first.unit}]")
    ax.yaxis.set_major_locator(MaxNLocator(6, integer=True))
    ax.yaxis.set_major_formatter(StrMethodFormatter("{x:,.0f}"))
    legend_beside(ax)
    return ax


def _usd(amount: float) -> str:
    """Write money so that two amounts in one text are not taken for mathematics."""
    return money(amount).replace("$", r"\$")


def _rows_ended(ax: Axes) -> Axes:
    """End a picture of rows: no lines between them, the legend beside."""
    ax.grid(visible=False, axis="y")
    legend_beside(ax)
    return ax


def _pairs(ax: Axes, table: pd.DataFrame) -> None:
    """Draw two bars for each function, the bad run's above the good one's, in the legend too."""
    rows = np.arange(len(table))
    for place, name in enumerate(("bad", "good")):
        counts = table[name].to_numpy(dtype=float)
        bars = ax.barh(rows - (place - 0.5) * 0.38, counts, height=0.36, label=name, **bar_look(place))
        ax.bar_label(bars, [f" {int(number):,}" for number in counts], weight="bold")
    ax.set_yticks(rows, [clipped(str(name), 24) for name in table.index])
    ax.set_xlim(0, max(float(table.to_numpy().max()), 1.0) * _ROOM)
    ax.xaxis.set_major_locator(MaxNLocator(4, integer=True))
    ax.xaxis.set_major_formatter(StrMethodFormatter("{x:,.0f}"))


def _by_run(trap: Trap, column: str) -> pd.DataFrame:
    """Give a count of each run by function."""
    return trap.outcomes.pivot_table(index="function", columns="run", values=column, sort=False)


def _mark(ax: Axes, at: float) -> None:
    """Mark the minute in which the alarm fires."""
    ax.axvline(at, color=ink(), linewidth=1.0)
    low, high = ax.get_xlim()
    is_right = at > low + _RIGHT * (high - low)
    ax.annotate(
        "alarm",
        (at, 1.0),
        xycoords=("data", "axes fraction"),
        xytext=(-4 if is_right else 4, -4),
        textcoords="offset points",
        ha="right" if is_right else "left",
        va="top",
    )


@styled
def plot_trap_hour(trap: Trap, ax: Axes | None = None) -> Axes:
    """Draw what an hour of the bad run costs beside a good one, line by line.

    Parameters
    ----------
    trap : Trap
    ax : Axes, optional

    Returns
    -------
    Axes
    """
    ax = axes_or_new(ax)
    good, bad = trap.hour_usd(trap.good), trap.hour_usd(trap.bad)
    lines = trap.bill[trap.bill["line"] != TOGETHER]
    lines = lines[(lines["good_usd"] + lines["bad_usd"]) > _VISIBLE * (good + bad)]
    lefts = np.zeros(2)
    for place, row in enumerate(lines.to_dict("records")):
        widths = np.array([row["good_usd"], row["bad_usd"]], dtype=float)
        ax.barh([0, 1], widths, left=lefts, label=clipped(row["line"], 44), height=0.6, **bar_look(place))
        lefts += widths
    for place, usd in enumerate((good, bad)):
        ax.annotate(
            f" {money(usd)}",
            (lefts[place], place),
            va="center",
            ha="left",
            annotation_clip=False,
            weight="bold",
        )
    ax.set_yticks([0, 1], ["good", "bad"])
    ax.set_xlim(0, max(good, bad, 1e-9) * _ROOM)
    ax.xaxis.set_major_locator(MaxNLocator(4))
    ax.set_xlabel("USD")
    ax.set_title(f"An hour: {_usd(bad)}, a good one {_usd(good)}")
    return _rows_ended(ax)


@styled
def plot_trap_lost(trap: Trap, ax: Axes | None = None) -> Axes:
    """Draw how many events each function loses in the bad run, beside the good one.

    Parameters
    ----------
    trap : Trap
    ax : Axes, optional

    Returns
    -------
    Axes
    """
    ax = axes_or_new(ax)
    table = _by_run(trap, "lost")
    table = table[table.sum(axis=1) > 0].tail(_MOST_FUNCTIONS)
    if table.empty:
        ax.set_title("No event is lost")
        return nothing(ax, "every event succeeds in both runs")
    _pairs(ax, table)
    ax.set_xlabel("events that do not succeed")
    lost = table.sum()
    ax.set_title(f"Events lost: {int(lost['bad']):,}, in the good run {int(lost['good']):,}")
    return _rows_ended(ax)


@styled
def plot_trap_runs(trap: Trap, ax: Axes | None = None) -> Axes:
    """Draw how often each function runs in the bad run, beside the good one.

    Parameters
    ----------
    trap : Trap
    ax : Axes, optional

    Returns
    -------
    Axes
    """
    ax = axes_or_new(ax)
    table = _by_run(trap, "runs").tail(_MOST_FUNCTIONS)
    _pairs(ax, table)
    ax.set_xlabel("runs")
    runs = table.sum()
    ax.set_title(f"Runs: {int(runs['bad']):,}, in the good run {int(runs['good']):,}")
    return _rows_ended(ax)


def _unused(trap: Trap, function: str, ax: Axes) -> Axes:
    """Draw what is allocated beside what runs on it."""
    scenario = trap.bad.scenario
    spec = scenario.function(function)
    minutes = -(-scenario.duration_us // US_PER_MINUTE)
    held, used = np.zeros(minutes), np.zeros(minutes)
    steps = spec.provisioned_steps(to_epoch_us(scenario.start), scenario.duration_us)
    for at_us, end_us, count in steps.levels():
        held[at_us // US_PER_MINUTE : -(-end_us // US_PER_MINUTE)] = count
    if spec.calls_provisioned:
        found = np.nan_to_num(series(trap.bad, "ProvisionedConcurrentExecutions", function))[:minutes]
        used[: len(found)] = found
    at = time_axis(ax, scenario.start, scenario.duration_us)
    ends = at((np.arange(minutes) + 1) * US_PER_MINUTE)
    for place, (name, values) in enumerate((("allocated", held), ("used", used))):
        ax.plot(ends, values, label=name, linewidth=1.6, clip_on=False, **line_look(place))
    most = int(held.max(initial=0))
    ax.set_ylim(0, max(most, 1) * _MARGIN)
    ax.set_title(f"{function}: {most:,} allocated, {int(used.max(initial=0)):,} used at most")
    ax.set_ylabel("provisioned environments")
    ax.yaxis.set_major_locator(MaxNLocator(6, integer=True))
    legend_beside(ax)
    return ax
