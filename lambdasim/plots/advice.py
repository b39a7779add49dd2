"""Pictures of advice on limits: headroom, the risk of throttling, provisioned concurrency over demand."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import FixedLocator, MaxNLocator, NullLocator, PercentFormatter, StrMethodFormatter
from numpy.typing import NDArray

from lambdasim.errors import InputError
from lambdasim.plots.style import (
    axes_or_new,
    ink,
    legend_beside,
    line_look,
    nothing,
    plain_ticks,
    styled,
    time_axis,
)
from lambdasim.specs.faults import not_among
from lambdasim.study.limits.provisioned import allocated_by_minute, demand_by_minute
from lambdasim.units import US_PER_DAY, US_PER_HOUR, US_PER_MINUTE, to_epoch_us

if TYPE_CHECKING:
    import pandas as pd

    from lambdasim.specs.scenario import ScenarioSpec
    from lambdasim.study.limits.result import LimitsAdvice

_MARKERS: Final = ("o", "s")
_LONG_US: Final = 3 * US_PER_DAY
_SEEN: Final = 50
"""Times above what is claimed at which the account's limit is left out of a picture."""


@styled
def plot_headroom(advice: LimitsAdvice, ax: Axes | None = None) -> Axes:
    """Draw claimed concurrency under the account's limit, and the quota to ask for.

    Parameters
    ----------
    advice : LimitsAdvice
    ax : Axes, optional

    Returns
    -------
    Axes
    """
    ax = axes_or_new(ax)
    table = advice.headroom
    used = table["used"].to_numpy()
    worst = float(table["headroom"].min()) if len(table) else 1.0
    ax.set_title(f"{advice.run.scenario.name}: least headroom of the account {worst:.0%}")
    if not used.any():
        return nothing(ax, "nothing ran")
    at = time_axis(
        ax, advice.run.scenario.start, max(advice.run.scenario.duration_us, len(used) * US_PER_MINUTE)
    )
    most, step = _most(used, advice.run.scenario.duration_us)
    ax.stairs(
        most,
        at(np.arange(len(most) + 1) * step * US_PER_MINUTE),
        fill=True,
        color=line_look(0)["color"],
        alpha=0.3,
        label=f"claimed, most in {'a minute' if step == 1 else 'an hour'}",
    )
    quota = advice.quota
    above = ax.axhline(quota.now, color=ink(), linewidth=1.2, label=f"account's limit {quota.now:,}")
    top = max(quota.now, float(used.max()))
    if quota.ask > quota.now:
        top = max(top, quota.ask)
        ax.axhline(
            quota.ask, color=line_look(1)["color"], dashes=(5, 2), label=f"quota to ask for {quota.ask:,}"
        )
    demand = quota.demand
    if demand.half_width == demand.half_width:
        ax.axhspan(
            demand.low,
            demand.high,
            color=line_look(1)["color"],
            alpha=0.15,
            linewidth=0,
            label="demand without limits, 95% interval",
        )
        top = max(top, demand.high)
    least = max(
        float(used.max()),
        quota.ask if quota.ask > quota.now else 0.0,
        demand.high if demand.high > 0 else 0.0,
    )
    if top > _SEEN * least:
        # Under a limit that far away nothing would be seen of what is claimed.
        top = least
        above.set_label(f"account's limit {quota.now:,}, far above")
    ax.set_ylim(0, max(top * 1.15, 1))
    _whole(ax)
    ax.set_ylabel("executions")
    legend_beside(ax)
    return ax


@styled
def plot_risk(risk: pd.DataFrame, ax: Axes | None = None) -> Axes:
    """Draw how much is refused and not served as traffic grows.

    Parameters
    ----------
    risk : DataFrame
        As ``LimitsAdvice.risk`` has it.
    ax : Axes, optional

    Returns
    -------
    Axes
    """
    ax = axes_or_new(ax)
    ax.set_title("Risk of throttling by traffic")
    if risk.empty:
        return nothing(ax, "no multiples")
    columns = (("refused_share", "attempts refused"), ("not_served_share", "events not served"))
    for place, (column, label) in enumerate(columns):
        ax.plot(
            risk["multiple"],
            risk[column],
            marker=_MARKERS[place],
            markersize=5,
            label=label,
            **line_look(place),
        )
    ax.set_xscale("log")
    multiples = risk["multiple"].tolist()
    ax.xaxis.set_major_locator(FixedLocator(multiples))
    ax.xaxis.set_minor_locator(NullLocator())
    ax.xaxis.set_major_formatter(StrMethodFormatter("{x:g}×"))
    ax.yaxis.set_major_formatter(PercentFormatter(1.0, decimals=0))
    ax.set_ylim(-0.02, 1.02)
    ax.set_xlabel("traffic")
    ax.set_ylabel("share")
    legend_beside(ax)
    return ax


@styled
def plot_provisioned(advice: LimitsAdvice, function: str | None = None, ax: Axes | None = None) -> Axes:
    """Draw a function's demand, and the provisioned concurrency that a schedule and target tracking put over it.

    Parameters
    ----------
    advice : LimitsAdvice
    function : str, optional
        By default the one with the greatest demand.
    ax : Axes, optional

    Returns
    -------
    Axes

    Raises
    ------
    InputError
        When the advice has no provisioned concurrency for that function.
    """
    ax = axes_or_new(ax)
    run = advice.run
    demand = demand_by_minute(run)
    if function is not None and function not in demand:
        raise InputError.single("plot_provisioned", "function", not_among(function, demand))
    if not demand:
        ax.set_title("Provisioned concurrency")
        return nothing(ax, "no function can use it")
    name = function or max(demand, key=lambda one: int(demand[one].max()))
    shown, when = _busiest_day(demand[name], run.scenario)
    has_plan = any(
        found is not None and name in found.schedule for found in (advice.provisioned, advice.tracking)
    )
    what = "provisioned concurrency over demand" if has_plan else "executions over time"
    ax.set_title(f"{name}: {what}{when}")
    start = run.scenario.start + timedelta(minutes=shown.start or 0)
    at = time_axis(ax, start, len(demand[name][shown]) * US_PER_MINUTE)
    edges = at(np.arange(len(demand[name][shown]) + 1) * US_PER_MINUTE)
    ax.stairs(
        demand[name][shown],
        edges,
        fill=True,
        color=line_look(0)["color"],
        alpha=0.3,
        label="executions, most in a minute",
    )
    ways = (("by schedule", advice.provisioned), ("by target tracking", advice.tracking))
    for place, (way, found) in enumerate(ways, start=1):
        if found is None or name not in found.schedule:
            continue
        allocated = allocated_by_minute(run.scenario, name, found.schedule[name])[shown]
        look = line_look(place) | {"linewidth": 1.4}
        ax.step(edges, np.append(allocated, allocated[-1:]), where="post", label=way, **look)
    ax.set_ylim(0, max(ax.get_ylim()[1], 1))
    _whole(ax)
    ax.set_ylabel("executions, environments")
    legend_beside(ax)
    return ax


def _whole(ax: Axes) -> None:
    """Count executions in whole numbers."""
    ax.yaxis.set_major_locator(MaxNLocator(6, integer=True))
    ax.yaxis.set_major_formatter(plain_ticks())


def _most(by_minute: NDArray[np.int64], duration_us: int) -> tuple[NDArray[np.int64], int]:
    """Give the most of each step, and how many minutes a step has: an hour's in long runs."""
    step = US_PER_HOUR // US_PER_MINUTE if duration_us > _LONG_US else 1
    return np.pad(by_minute, (0, -len(by_minute) % step)).reshape(-1, step).max(axis=1), step


def _busiest_day(by_minute: NDArray[np.int64], scenario: ScenarioSpec) -> tuple[slice, str]:
    """Choose the UTC day with the most, in long runs, and say which it is."""
    if scenario.duration_us <= _LONG_US:
        return slice(None), ""
    day = US_PER_DAY // US_PER_MINUTE
    first = -(to_epoch_us(scenario.start) // US_PER_MINUTE) % day
    whole = by_minute[first : len(by_minute) - (len(by_minute) - first) % day]
    begin = first + int(whole.argmax()) // day * day
    when = scenario.start + timedelta(minutes=begin)
    return slice(begin, begin + day), f", {when:%Y-%m-%d}, the busiest day"
