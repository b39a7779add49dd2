"""Pictures of limits: concurrency below them, what they refuse, and when."""

from __future__ import annotations

from typing import Final, Literal

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator, StrMethodFormatter
from numpy.typing import NDArray

from lambdasim.errors import InputError
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
    steps_drawn,
    styled,
    time_axis,
)
from lambdasim.results.run import RunResult
from lambdasim.results.usage.managed import left_out_of_peak
from lambdasim.specs.faults import not_among
from lambdasim.units import US_PER_DAY, US_PER_HOUR, US_PER_MINUTE

Metric = Literal["Invocations", "Errors", "Throttles", "ColdStarts"]
_METRICS: Final = ("Invocations", "Errors", "Throttles", "ColdStarts")
_PART_OF_LIMIT: Final = 3


@styled
def plot_concurrency(run: RunResult, function: str | None = None, ax: Axes | None = None) -> Axes:
    """Draw the most concurrent executions against their limit, by minute, or by hour in long runs.

    Parameters
    ----------
    run : RunResult
    function : str, optional
        One function against its reserved concurrency; else the whole account.
    ax : Axes, optional

    Returns
    -------
    Axes
        A limit far above the peak is named in the title instead of drawn.
    """
    ax = axes_or_new(ax)
    limit, whose = run.scenario.account.concurrency, "account limit"
    if function is None:
        account = run.aggregate.account
        series = account.per_minute(account.minutes)
    else:
        own = run.aggregate.function(function).concurrency
        series = own.per_minute(own.minutes)
        spec = run.scenario.function(function)
        if spec.reserved_concurrency is not None:
            limit, whose = spec.reserved_concurrency, "reserved concurrency"
    left_out = "" if function else left_out_of_peak(run.scenario)
    peak = int(series.max(initial=0))
    of_whom = left_out or f" of {function or 'the account'}"
    ax.set_title(f"Concurrent executions{of_whom}: peak {peak:,} of {limit:,} ({whose})")
    if not peak:
        return nothing(ax, f"nothing ran{left_out}")
    step_us, unit = _step(run)
    at = time_axis(ax, run.scenario.start, max(run.scenario.duration_us, len(series) * US_PER_MINUTE))
    whole = _by(series, step_us // US_PER_MINUTE).max(axis=1)
    ax.stairs(
        whole,
        at(np.arange(len(whole) + 1) * step_us),
        linewidth=1.0,
        color=line_look(0)["color"],
        baseline=None,
    )
    ax.set_ylim(0, peak * 1.15)
    if peak * _PART_OF_LIMIT > limit:
        ax.axhline(limit, color=ink(), dashes=(5, 2), linewidth=1)
        ax.set_ylim(0, max(limit, peak) * 1.15)
        ax.annotate(f"{whose} {limit:,}", (0.01, limit), xycoords=("axes fraction", "data"), xytext=(0, 3),
                    textcoords="offset points", va="bottom", fontsize=9, color=ink())  # fmt: skip
    ax.set_ylabel(f"executions, most in a{'n' if unit == 'hour' else ''} {unit}")
    _whole_numbers(ax)
    return ax


@styled
def plot_throttles(run: RunResult, ax: Axes | None = None) -> Axes:
    """Draw how many attempts each limit refused, by function.

    Parameters
    ----------
    run : RunResult
    ax : Axes, optional

    Returns
    -------
    Axes
    """
    table = run.throttles().pivot_table(
        index="function", columns="limit", values="attempts", aggfunc="sum", fill_value=0, sort=False
    )
    shown = table if len(table) <= MOST_LINES else table.loc[table.sum(axis=1).nlargest(MOST_LINES).index]
    ax = axes_or_new(ax, rows=max(len(shown), 1))
    ax.set_title(f"Refused attempts by limit{left_out(len(table))}")
    if table.empty:
        return nothing(ax, "no attempt was refused")
    left = np.zeros(len(shown))
    for place, limit in enumerate(shown.columns):
        attempts = shown[limit].to_numpy()
        if attempts.any():
            label = f"{limit.replace('_', ' ')}: {int(table[limit].sum()):,}"
            ax.barh(np.arange(len(shown)), attempts, left=left, height=0.62, label=label, **bar_look(place))
            left = left + attempts
    for row, total in enumerate(left):
        ax.annotate(
            f"{total:,.0f}", (total, row), xytext=(4, 0), textcoords="offset points", va="center", fontsize=9
        )
    name_rows(ax, shown.index)
    ax.set_ylim(max(len(shown), 3) - 0.5, -0.5)
    ax.set_xlim(0, left.max() * 1.18)
    ax.set_xlabel("attempts refused")
    ax.xaxis.set_major_locator(MaxNLocator(5, integer=True))
    ax.xaxis.set_major_formatter(StrMethodFormatter("{x:,.0f}"))
    ax.grid(visible=False, axis="y")
    legend_beside(ax)
    return ax


@styled
def plot_metric(run: RunResult, metric: Metric = "Throttles", ax: Axes | None = None) -> Axes:
    """Draw a count of CloudWatch's over time, by function: per minute, or per hour in long runs.

    A last minute or hour that the scenario covers in part, or not at all, is left out.

    Parameters
    ----------
    run : RunResult
    metric : {"Invocations", "Errors", "Throttles", "ColdStarts"}
    ax : Axes, optional

    Returns
    -------
    Axes

    Raises
    ------
    InputError
        When there is no such count.
    """
    if metric not in _METRICS:
        raise InputError.single("plot_metric", "metric", not_among(metric, _METRICS))
    ax = axes_or_new(ax)
    of_functions = zip(run.aggregate.names, run.aggregate.functions, strict=True)
    series_of = {name: totals.counts.of(metric)[0] for name, totals in of_functions}
    counts = {name: series for name, series in series_of.items() if series.any()}
    step_us, unit = _step(run)
    ax.set_title(f"{metric} over time{left_out(len(counts))}")
    if not counts:
        return nothing(ax, "none in this run")
    by_step = {name: _by(series, step_us // US_PER_MINUTE).sum(axis=1) for name, series in counts.items()}
    used = max(int(np.flatnonzero(steps)[-1]) + 1 for steps in by_step.values())
    drawn = steps_drawn(run.scenario.duration_us, step_us, used)
    at = time_axis(ax, run.scenario.start, max(run.scenario.duration_us, drawn * step_us))
    largest = (
        sorted(counts, key=lambda name: -int(counts[name].sum())) if len(counts) > MOST_LINES else counts
    )
    for place, (name, series) in enumerate((name, counts[name]) for name in list(largest)[:MOST_LINES]):
        steps = np.pad(by_step[name], (0, max(drawn - len(by_step[name]), 0)))[:drawn]
        ax.step(
            at(np.arange(drawn + 1) * step_us),
            np.append(steps, steps[-1:]),
            where="post",
            label=f"{name}: {int(series.sum()):,}",
            **line_look(place) | {"linewidth": 1.2},
        )
    ax.set_ylim(bottom=0)
    ax.set_ylabel(f"{metric} per {unit}")
    _whole_numbers(ax)
    legend_beside(ax)
    return ax


def _step(run: RunResult) -> tuple[int, str]:
    """Return the step in which a run of its length is drawn."""
    return (US_PER_HOUR, "hour") if run.scenario.duration_us > 3 * US_PER_DAY else (US_PER_MINUTE, "minute")


def _by(series: NDArray[np.int64], minutes: int) -> NDArray[np.int64]:
    return np.pad(series, (0, -len(series) % minutes)).reshape(-1, minutes)


def _whole_numbers(ax: Axes) -> None:
    ax.yaxis.set_major_locator(MaxNLocator(6, integer=True))
    ax.yaxis.set_major_formatter(StrMethodFormatter("{x:,.0f}"))
