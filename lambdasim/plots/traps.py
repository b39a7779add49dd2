"""The metric that could have fired first: a good run beside a bad one, by minute."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator, StrMethodFormatter

from lambdasim.plots.style import axes_or_new, legend_beside, line_look, nothing, styled, time_axis
from lambdasim.study.trap.alarms import UTILIZATION, series
from lambdasim.study.trap.result import Trap
from lambdasim.units import US_PER_MINUTE, to_epoch_us

_MARGIN = 1.15


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
    ax.axhline(first.threshold, color="0.4", linewidth=0.8, linestyle=":", label="alarm")
    ax.axvline(float(ends[min(first.minute, minutes - 1)]), color="0.4", linewidth=0.8)
    ax.set_ylim(0, max(highest, 1e-9) * _MARGIN)
    ax.set_title(f"{first.function}: alarm in minute {first.minute + 1:,}")
    ax.set_ylabel(f"{first.metric} [{first.unit}]")
    ax.yaxis.set_major_locator(MaxNLocator(6, integer=True))
    ax.yaxis.set_major_formatter(StrMethodFormatter("{x:,.0f}"))
    legend_beside(ax)
    return ax


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
