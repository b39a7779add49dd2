"""Pictures of money: the bill by line item, what one invocation costs, who causes it, and when."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from lambdasim.billing import LineItem
from lambdasim.plots.style import (
    MOST_LINES,
    axes_or_new,
    bar_look,
    ink,
    left_out,
    legend_beside,
    line_look,
    name_rows,
    nothing,
    paper,
    plain_ticks,
    size_axis,
    steps_drawn,
    styled,
    time_axis,
)
from lambdasim.results.run import PERCENTILES, RunResult
from lambdasim.units import US_PER_HOUR
from lambdasim.wording import money

_MILLION = 1_000_000


@styled
def plot_bill(run: RunResult, ax: Axes | None = None) -> Axes:
    """Draw the bill by line item [USD].

    Parameters
    ----------
    run : RunResult
    ax : Axes, optional

    Returns
    -------
    Axes
    """
    bill = run.charges()
    items = [item for item in bill.items if item.amount]
    ax = axes_or_new(ax, rows=max(len(items), 1))
    ax.set_title(f"Bill by line item, total {money(bill.total)}")
    if not items:
        return nothing(ax, "nothing to pay")
    labels = _line_names(items)
    amounts = [float(item.amount) for item in items]
    bars = ax.barh(np.arange(len(items)), amounts, height=0.62, **bar_look(0))
    ax.bar_label(bars, labels=[money(item.amount) for item in items], padding=4, fontsize=9)
    name_rows(ax, labels)
    ax.set_ylim(max(len(items), 3) - 0.5, -0.5)
    ax.set_xlim(min(0, *amounts) * 1.25, max(0, *amounts) * 1.25)
    ax.set_xlabel("USD")
    ax.xaxis.set_major_locator(MaxNLocator(5))
    ax.xaxis.set_major_formatter(plain_ticks())
    ax.grid(visible=False, axis="y")
    return ax


def _line_names(items: list[LineItem]) -> list[str]:
    """Name lines by usage type, and by what else tells them apart."""
    months = len({item.month for item in items}) > 1
    types = Counter((item.month, item.region, item.usage_type, item.tier) for item in items)
    names = []
    for item in items:
        is_alone = types[item.month, item.region, item.usage_type, item.tier] == 1
        name = item.usage_type if is_alone else item.description.replace(", on ", ",\non ")
        tier = f", tier {item.tier}" if item.tier > 1 and is_alone else ""
        names.append(f"{f'{item.month}  ' if months else ''}{name}{tier}")
    return names


def _costliest(run: RunResult, costs: pd.DataFrame) -> pd.DataFrame:
    """Return the costs of the functions that cost most, where there are too many to draw."""
    if len(costs) <= MOST_LINES:
        return costs
    runs = run.summary().set_index("function")["runs"]
    spent = costs["usd_per_million"] * runs[costs["function"]].to_numpy()
    largest: pd.DataFrame = costs.loc[spent.nlargest(MOST_LINES).index]
    return largest


@styled
def plot_cost_distribution(run: RunResult, ax: Axes | None = None) -> Axes:
    """Draw what one on-demand invocation of each function costs: the share that costs no more, percentiles marked.

    Parameters
    ----------
    run : RunResult
    ax : Axes, optional

    Returns
    -------
    Axes
    """
    ax = axes_or_new(ax)
    table = run.costs()
    ax.set_title(f"Share of invocations that cost no more, request fee included{left_out(len(table))}")
    if table.empty:
        return nothing(ax, "no invocation ran on demand")
    shown = _costliest(run, table)
    frames = {name: run.invocation_costs(name).frame() for name in shown["function"]}
    lowest = min(frame["cost_usd"].iloc[0] for frame in frames.values())
    highest = max(frame["cost_usd"].iloc[-1] for frame in frames.values())
    size_axis(ax, lowest * _MILLION, highest * _MILLION)
    for place, row in enumerate(shown.to_dict("records")):
        frame, look = frames[row["function"]], line_look(place)
        cost = frame["cost_usd"].to_numpy() * _MILLION
        ax.step(np.append(cost[:1], cost), np.append(0, frame["invocations_share"]), where="post", **look,
                label=f"{row['function']}: mean {row['usd_per_million']:,.3g}")  # fmt: skip
        marks = [row[f"p{round(q * 100)}_usd"] * _MILLION for q in PERCENTILES]
        ax.plot(marks, PERCENTILES, "o", color=look["color"], markersize=5, markeredgecolor=paper())
    ax.plot(
        [], [], "o", color=ink(), markersize=5, label=", ".join(f"p{round(q * 100)}" for q in PERCENTILES)
    )
    ax.set_xlabel("cost of one invocation [USD per million such invocations]")
    ax.set_ylabel("share of invocations that cost no more")
    ax.set_ylim(0, 1.03)
    legend_beside(ax)
    return ax


@styled
def plot_cost(run: RunResult, ax: Axes | None = None) -> Axes:
    """Draw which part of the duration charge the slowest invocations of each function cause.

    Parameters
    ----------
    run : RunResult
    ax : Axes, optional

    Returns
    -------
    Axes
    """
    ax = axes_or_new(ax)
    table = run.costs()
    ax.set_title(f"Who causes the duration charge{left_out(len(table))}")
    if table.empty:
        return nothing(ax, "no invocation ran on demand")
    for place, row in enumerate(_costliest(run, table).to_dict("records")):
        frame, look = run.invocation_costs(row["function"]).frame(), line_look(place)
        slowest = np.append(100 * (1 - frame["invocations_share"].to_numpy())[::-1], 100.0)
        charge = np.append(100 * (1 - frame["duration_share"].to_numpy())[::-1], 100.0)
        part = 100 * row["slowest_5_percent_share"]
        ax.plot(slowest, charge, label=f"{row['function']}: slowest 5% cause {part:.0f}%", **look)
        ax.plot([5], [part], "o", color=look["color"], markersize=5, markeredgecolor=paper(), clip_on=False)
    ax.plot([0, 100], [0, 100], color="0.65", linewidth=1, label="if all took as long")
    ax.set_xlabel("slowest invocations [% of the function's]")
    ax.set_ylabel("their part of its duration charge [%]")
    ax.set_xlim(0, 100)
    ax.set_ylim(0, 100)
    legend_beside(ax)
    return ax


@styled
def plot_hourly_cost(run: RunResult, ax: Axes | None = None) -> Axes:
    """Draw USD per hour over the run, by function, without free tier.

    A last hour that the scenario covers in part, or not at all, is left out.

    Parameters
    ----------
    run : RunResult
    ax : Axes, optional

    Returns
    -------
    Axes
    """
    ax = axes_or_new(ax)
    table = run.hourly_costs().pivot_table(
        index="hour", columns="function", values="usd", fill_value=0.0, sort=False
    )
    table = table.sort_index()
    ax.set_title(f"Cost by hour, without free tier{left_out(table.shape[1])}")
    if table.empty:
        return nothing(ax, "nothing was used")
    total = table.sum()
    used = int(np.flatnonzero(table.to_numpy().any(axis=1)).max(initial=-1)) + 1
    table = table.iloc[: steps_drawn(run.scenario.duration_us, US_PER_HOUR, used)]
    hours = np.append(table.index.to_numpy(), table.index[-1] + 1)
    at = time_axis(ax, run.scenario.start, max(run.scenario.duration_us, int(hours[-1]) * US_PER_HOUR))
    shown = table if table.shape[1] <= MOST_LINES else table[list(total.nlargest(MOST_LINES).index)]
    for place, name in enumerate(shown.columns):
        usd = shown[name].to_numpy()
        ax.step(at(hours * US_PER_HOUR), np.append(usd, usd[-1:]), where="post",
                label=f"{name}: {money(total[name])}", **line_look(place) | {"linewidth": 1.2})  # fmt: skip
    ax.set_ylim(bottom=0)
    ax.set_ylabel("USD per hour")
    ax.yaxis.set_major_formatter(plain_ticks())
    legend_beside(ax)
    return ax
