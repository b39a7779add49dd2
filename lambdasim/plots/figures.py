"""Pictures of a run: each draws what a table holds, on the axes given, and returns them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from lambdasim.engine.contract import StartType
from lambdasim.engine.histogram import Histogram
from lambdasim.results.run import PERCENTILES, RunResult

if TYPE_CHECKING:
    from matplotlib.axes import Axes

# Okabe and Ito's colours: told apart by the colour-blind, and of different grey.
BLUE: Final = "#0072B2"
ORANGE: Final = "#E69F00"
GREEN: Final = "#009E73"
_LONG_MINUTES: Final = 3 * 24 * 60


def _axes(ax: Axes | None) -> Axes:
    if ax is not None:
        return ax
    from matplotlib.figure import Figure

    return Figure(figsize=(7.2, 4.2), layout="constrained").add_subplot()


def plot_latency(run: RunResult, function: str | None = None, ax: Axes | None = None) -> Axes:
    """Draw the share of events answered within a time, cold and warm apart, with percentiles marked.

    Parameters
    ----------
    run : RunResult
    function : str, optional
        One function only.
    ax : Axes, optional

    Returns
    -------
    Axes
    """
    ax = _axes(ax)
    kinds = ((StartType.COLD, BLUE, "-"), (StartType.WARM, ORANGE, "--"), (StartType.PROVISIONED, GREEN, ":"))
    for start, colour, dashes in kinds:
        histogram = _latency(run, function, start)
        if len(histogram):
            share = np.cumsum(histogram.counts) / len(histogram)
            label = f"{start.name.lower()} ({len(histogram):,})"
            values = np.maximum(histogram.values, 1)
            ax.step(values, share, where="post", color=colour, linestyle=dashes, label=label)
    latency = run.latency_ms(function)
    for q in PERCENTILES:
        value = latency.quantile(q)
        ax.axvline(value, color="0.55", linewidth=0.8)
        ax.annotate(
            f"p{round(q * 100)} {value:,.0f} ms",
            (value, 0.02),
            rotation=90,
            ha="right",
            va="bottom",
            fontsize=8,
            color="0.3",
        )
    ax.set_xscale("log")
    ax.xaxis.set_major_formatter("{x:,.0f}")
    ax.set_xlabel("latency, arrival to answer [ms]")
    ax.set_ylabel("share of events")
    ax.set_ylim(0, 1.02)
    ax.set_title(f"Latency of {function or 'all functions'} with percentiles of all starts together")
    ax.legend(loc="upper left", frameon=False)
    return ax


def _latency(run: RunResult, function: str | None, start: StartType) -> Histogram:
    together = Histogram()
    for name, totals in zip(run.aggregate.names, run.aggregate.functions, strict=True):
        if function in (None, name):
            together.absorb(totals.latency_ms[start])
    return together


def plot_concurrency(run: RunResult, ax: Axes | None = None) -> Axes:
    """Draw the most concurrent executions against the account's limit, by minute, or by hour in long runs."""
    ax = _axes(ax)
    series = run.aggregate.account_series
    step, unit = (60, "hour") if len(series) > _LONG_MINUTES else (1, "minute")
    whole = np.pad(series, (0, -len(series) % step)).reshape(-1, step).max(axis=1)
    ax.step(np.arange(len(whole)) * step / (24 * 60), whole, where="post", color=BLUE, linewidth=0.8)
    limit = run.scenario.account.concurrency
    if run.aggregate.account_peak * 3 > limit:
        ax.axhline(limit, color="0.2", linestyle="--", linewidth=1)
        ax.annotate(f"account limit {limit:,}", (0, limit), va="bottom", fontsize=8)
    else:
        ax.set_title(f"Concurrent executions, peak {run.aggregate.account_peak:,} of {limit:,}")
    ax.set_xlabel("days since the scenario's start")
    ax.set_ylabel(f"concurrent executions, maximum per {unit}")
    ax.set_ylim(bottom=0)
    return ax


def plot_cost(run: RunResult, ax: Axes | None = None) -> Axes:
    """Draw which part of the duration charge the slowest invocations of each function cause."""
    ax = _axes(ax)
    drawn = [name for name in run.aggregate.names if run.invocation_costs(name).n]
    for place, name in enumerate(drawn):
        table = run.invocation_costs(name).frame()
        slowest = np.append(100 * (1 - table["invocations_share"].to_numpy())[::-1], 100.0)
        charge = np.append(100 * (1 - table["duration_share"].to_numpy())[::-1], 100.0)
        colour = (BLUE, ORANGE, GREEN)[place % 3]
        ax.plot(slowest, charge, color=colour, linestyle=("-", "--", ":")[place // 3 % 3], label=name)
    ax.plot([0, 100], [0, 100], color="0.7", linewidth=0.8)
    ax.set_xlabel("slowest invocations [% of all]")
    ax.set_ylabel("their part of the duration charge [%]")
    ax.set_xlim(0, 100)
    ax.set_ylim(0, 100)
    ax.set_title("Who causes the bill; the grey line: each the same")
    ax.legend(loc="lower right", frameon=False)
    return ax


def plot_bill(run: RunResult, ax: Axes | None = None) -> Axes:
    """Draw the bill by line item [USD]."""
    ax = _axes(ax)
    bill = run.charges()
    items = [item for item in bill.items if item.amount]
    labels = [f"{item.usage_type}, tier {item.tier}" for item in items]
    bars = ax.barh(labels, [float(item.amount) for item in items], color=BLUE)
    ax.bar_label(bars, labels=[f" {float(item.amount):,.2f}" for item in items], fontsize=8)
    ax.invert_yaxis()
    ax.margins(x=0.15)
    ax.set_xlabel("USD")
    ax.set_title(f"Bill by line item, total {float(bill.total):,.2f} USD")
    return ax
