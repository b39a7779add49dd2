"""Pictures of a month to come: its bill as it grows with range and budget, what it depends on; and of an estimate."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Final

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from lambdasim.plots.style import (
    axes_or_new,
    bar_look,
    ink,
    legend_beside,
    name_rows,
    nothing,
    plain_ticks,
    size_axis,
    styled,
)
from lambdasim.study.forecast.backtest import TASKS, Backtest
from lambdasim.study.forecast.result import Forecast
from lambdasim.study.forecast.sensitivity import Sensitivity
from lambdasim.wording import clipped, count, money

if TYPE_CHECKING:
    from lambdasim.templates.estimate.estimate import Estimate

_FAR = 3.0
_BAR: Final = 0.5
_MOST_BARS: Final = 10
_MOST_NAME: Final = 30
_LEAST: Final = 1e-3
_BANDS = ((0.05, 0.95, 0.16), (0.1, 0.9, 0.22), (0.25, 0.75, 0.3))


@styled
def plot_forecast(forecast: Forecast, ax: Axes | None = None, *, budget_usd: float | None = None) -> Axes:
    """Draw the cumulative bill of a month as a fan, with the budget [USD].

    Parameters
    ----------
    forecast : Forecast
    ax : Axes, optional
    budget_usd : float, optional
        Drawn as a line, unless it is far above; the title then says how likely it is to be broken.

    Returns
    -------
    Axes
    """
    ax = axes_or_new(ax)
    total = forecast.total_usd
    ax.set_title(f"Bill of {forecast.month}, {money(Decimal(float(np.median(total))))} at P50")
    if not total.any():
        return nothing(ax, "nothing to pay")
    days = np.arange(forecast.traffic.n_days + 1)
    table = np.hstack([np.zeros((len(total), 1)), forecast.cumulative_usd])
    colour = mpl.rcParams["axes.prop_cycle"].by_key()["color"][0]
    for low, high, alpha in _BANDS:
        edges = np.quantile(table, (low, high), axis=0)
        label = f"P{round(low * 100)} to P{round(high * 100)}"
        ax.fill_between(days, edges[0], edges[1], color=colour, alpha=alpha, linewidth=0, label=label)
    ax.plot(days, np.median(table, axis=0), color=colour, label="P50")
    known = forecast.traffic.known_days
    if 0 < known < forecast.traffic.n_days:
        ax.axvline(known, color=ink(), linewidth=0.8, linestyle=":")
        ax.annotate(
            " known", (known, 0.98), xycoords=("data", "axes fraction"), ha="right", va="top", color=ink()
        )
    top = float(np.quantile(total, 0.95)) or float(total.max())
    if budget_usd is not None:
        if budget_usd <= _FAR * top:
            ax.axhline(budget_usd, color=ink(), linestyle="--", linewidth=1.2, label="budget")
            top = max(top, budget_usd)
        chance = float((total > budget_usd).mean())
        ax.set_title(f"Bill of {forecast.month}: {chance:.0%} to break {money(Decimal(budget_usd))}")
    ax.set_xlim(0, days[-1])
    ax.set_ylim(0, top * 1.08)
    ax.set_xlabel(f"days of {forecast.month} [UTC]")
    ax.set_ylabel("bill so far [USD]")
    ax.yaxis.set_major_formatter(plain_ticks())
    legend_beside(ax)
    return ax


@styled
def plot_tornado(found: Sensitivity, ax: Axes | None = None) -> Axes:
    """Draw the month's bill with one assumption changed at a time [USD].

    Parameters
    ----------
    found : Sensitivity
    ax : Axes, optional

    Returns
    -------
    Axes
    """
    ax = axes_or_new(ax, rows=2 * len(found.swings))
    ax.set_title(f"What the bill of {found.month} depends on, {money(Decimal(found.base_usd))}")
    base = found.base_usd
    for place, swing in enumerate(found.swings):
        for look, usd, name in ((0, swing.low_usd, swing.low), (1, swing.high_usd, swing.high)):
            ax.barh(place, usd - base, left=base, height=0.62, **bar_look(look))
            is_right = usd > base or (usd == base and look == 1)
            ax.annotate(
                f" {name} ",
                (usd, place),
                ha="left" if is_right else "right",
                va="center",
                fontsize=8,
            )
    ends = [usd for swing in found.swings for usd in (swing.low_usd, swing.high_usd)] + [base]
    spare = (max(ends) - min(ends)) * 0.22 or max(base, 1e-6)
    ax.set_xlim(max(min(ends) - spare, -spare), max(ends) + spare)
    ax.axvline(base, color=ink(), linewidth=1)
    name_rows(ax, (swing.assumption for swing in found.swings))
    ax.set_ylim(len(found.swings) - 0.5, -0.5)
    ax.set_xlabel("bill of the month [USD]")
    ax.xaxis.set_major_locator(MaxNLocator(5))
    ax.xaxis.set_major_formatter(plain_ticks())
    ax.grid(visible=False, axis="y")
    return ax


@styled
def plot_backtest(found: Backtest, ax: Axes | None = None) -> Axes:
    """Draw past months as they were forecast a month ahead, and as they came, in parts of their mean month.

    Parameters
    ----------
    found : Backtest
    ax : Axes, optional

    Returns
    -------
    Axes
    """
    ahead = [block for block in found.blocks if block.task == TASKS[0]]
    ax = axes_or_new(ax)
    ax.set_title("Past months, forecast the day before they began")
    if not ahead:
        return nothing(ax, "no month")
    ranks = np.arange(len(ahead))
    size = np.array([block.daily_mean * block.days or 1.0 for block in ahead])
    low, middle, high, actual = (
        100 * np.array([getattr(block, name) for block in ahead]) / size
        for name in ("p10", "p50", "p90", "actual")
    )
    colour, other = mpl.rcParams["axes.prop_cycle"].by_key()["color"][:2]
    ax.vlines(ranks, low, high, color=colour, linewidth=5, alpha=0.35, label="P10 to P90")
    ax.plot(ranks, middle, "_", color=colour, markersize=9, markeredgewidth=2, label="P50")
    ax.plot(ranks, actual, "o", color=other, markersize=4.5, label="actual")
    ax.set_xlim(-0.8, len(ahead) - 0.2)
    ax.xaxis.set_major_locator(MaxNLocator(6, integer=True))
    ax.xaxis.set_major_formatter(lambda place, _: f"{place + 1:.0f}")
    ax.set_ylim(0, float(max(high.max(), actual.max())) * 1.1 or 1)
    ax.set_xlabel("month, in order")
    ax.set_ylabel("invocations [% of the mean month]")
    legend_beside(ax)
    return ax


@styled
def plot_estimate(found: Estimate, ax: Axes | None = None) -> Axes:
    """Draw the bill and its functions' parts without the free tier, from P10 to P90, with a line at P50.

    Parameters
    ----------
    found : Estimate
    ax : Axes, optional

    Returns
    -------
    Axes
    """
    most = found.usd_list.p90
    several = found.functions if len(found.functions) > 1 else ()
    functions = [one for one in several if one.usd_list.p90 > most * _LEAST][:_MOST_BARS]
    rows = [("bill", found.usd_list), *((clipped(one.name, _MOST_NAME), one.usd_list) for one in functions)]
    ax = axes_or_new(ax, rows=len(rows))
    less = len(several) - len(functions)
    left_out = f"; {count(less, 'cheaper function')} left out" if less else ""
    ax.set_title(f"Cost a month, P10 to P90, the line at P50{left_out}")
    if most <= 0:
        return nothing(ax, "nothing is billed")
    low = max(min(one.p10 for _, one in rows if one.p10 > 0), most * _LEAST)
    for place, (_, one) in enumerate(rows):
        left = max(one.p10, low / 2)
        ax.barh(place, max(one.p90 - left, 0.0), left=left, height=_BAR, **bar_look(0 if place == 0 else 1))
        if one.p50 >= low / 2:
            ax.plot([one.p50] * 2, [place - _BAR / 2, place + _BAR / 2], color=ink(), linewidth=2)
    name_rows(ax, (name for name, _ in rows))
    ax.set_ylim(len(rows) - 0.5, -0.5)
    size_axis(ax, low, most)
    ax.set_xlabel("USD a month, without free tier")
    ax.grid(visible=False, axis="y")
    return ax
