"""Pictures of bills: what lies between two of them, and whose they are."""

from __future__ import annotations

from collections import defaultdict
from decimal import Decimal
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from lambdasim.billing import Bill
from lambdasim.plots.style import (
    MOST_LINES,
    axes_or_new,
    bar_look,
    ink,
    legend_beside,
    name_rows,
    nothing,
    plain_ticks,
    styled,
)
from lambdasim.wording import count, money

if TYPE_CHECKING:
    from lambdasim.finance import BillComparison

_BAR = 0.62


@styled
def plot_waterfall(
    before: Bill, after: Bill, ax: Axes | None = None, *, names: tuple[str, str] = ("before", "after")
) -> Axes:
    """Draw what lies between two bills, of two months or of two scenarios, by usage type [USD].

    Parameters
    ----------
    before, after : Bill
    ax : Axes, optional
    names : (str, str)
        Of the two bills.

    Returns
    -------
    Axes
        Lines that do not change are left out.
    """
    changes: dict[str, Decimal] = defaultdict(Decimal)
    for bill, sign in ((before, -1), (after, 1)):
        for item in bill.items:
            changes[item.usage_type] += sign * item.amount
    return _waterfall((before.total, after.total), changes, names, ax)


@styled
def plot_bill_comparison(found: BillComparison, ax: Axes | None = None) -> Axes:
    """Draw what lies between our bill and a real one, by usage type [USD].

    Parameters
    ----------
    found : BillComparison
    ax : Axes, optional

    Returns
    -------
    Axes
        Lines that do not differ are left out.
    """
    changes: dict[str, Decimal] = defaultdict(Decimal)
    for line in found.lines:
        name = line.usage_type or line.line.replace("_", " ")
        changes[name] += line.difference
    return _waterfall((found.sum("our_cost"), found.sum("actual_cost")), changes, ("ours", "actual"), ax)


def _waterfall(
    totals: tuple[Decimal, Decimal], changes: dict[str, Decimal], names: tuple[str, str], ax: Axes | None
) -> Axes:
    before, after = totals
    steps = [(name, change) for name, change in changes.items() if change]
    steps.sort(key=lambda step: -abs(step[1]))
    ax = axes_or_new(ax, rows=len(steps) + 2)
    difference = after - before
    ax.set_title(f"From {names[0]} to {names[1]}: {'+' if difference >= 0 else ''}{money(difference)}")
    if not before and not after and not steps:
        return nothing(ax, "nothing to pay")
    level = float(before)
    ends, told = [level], set[int]()
    ax.barh(0, level, height=_BAR, label="bill", **bar_look(0))
    ax.annotate(f" {money(before)}", (level, 0), va="center", fontsize=9)
    for row, (_, change) in enumerate(steps, start=1):
        place = 1 if change > 0 else 2
        label = None if place in told else ("more", "less")[place - 1]
        told.add(place)
        ax.barh(row, float(change), left=level, height=_BAR, label=label, **bar_look(place))
        ax.plot([level, level], [row - 1, row + _BAR / 2], color=ink(), linewidth=0.8)
        level += float(change)
        ends.append(level)
        right = max(level, level - float(change))
        ax.annotate(f" {'+' if change > 0 else ''}{money(change)}", (right, row), va="center", fontsize=9)
    last = len(steps) + 1
    ax.plot([level, level], [last - 1, last + _BAR / 2], color=ink(), linewidth=0.8)
    ax.barh(last, float(after), height=_BAR, **bar_look(0))
    ax.annotate(f" {money(after)}", (float(after), last), va="center", fontsize=9)
    name_rows(ax, [names[0], *(name for name, _ in steps), names[1]])
    ax.set_ylim(last + 0.5, -0.5)
    ax.set_xlim(min(0.0, *ends) * 1.2, max(0.0, *ends) * 1.2 or 1)
    _usd_axis(ax)
    return ax


@styled
def plot_functions(bill: Bill, ax: Axes | None = None) -> Axes:
    """Draw each function's exact part of a bill by kind of charge, the costliest first [USD].

    Parameters
    ----------
    bill : Bill
    ax : Axes, optional

    Returns
    -------
    Axes
        Beyond the twelve costliest, functions are drawn together.
    """
    parts: dict[str, dict[str, float]] = defaultdict(lambda: defaultdict(float))
    for allocation in bill.allocations:
        parts[allocation.function][allocation.kind.value] += float(allocation.amount)
    names = sorted(parts, key=lambda name: (-sum(parts[name].values()), name))
    shown = names[:MOST_LINES]
    if len(names) > MOST_LINES:
        rest = names[MOST_LINES:]
        shown.append(count(len(rest), "other"))
        for name in rest:
            for kind, usd in parts[name].items():
                parts[shown[-1]][kind] += usd
    ax = axes_or_new(ax, rows=len(shown))
    ax.set_title(f"Bill by function, total {money(bill.total)}")
    if not any(usd for name in shown for usd in parts[name].values()):
        return nothing(ax, "nothing to pay")
    kinds = list(dict.fromkeys(kind for name in shown for kind, usd in parts[name].items() if usd))
    left = np.zeros(len(shown))
    for place, kind in enumerate(kinds):
        usd_of = np.array([parts[name][kind] for name in shown])
        ax.barh(
            range(len(shown)), usd_of, left=left, height=_BAR, label=kind.replace("_", " "), **bar_look(place)
        )
        left += usd_of
    for row, usd in enumerate(left.tolist()):
        ax.annotate(f" {money(Decimal(usd))}", (usd, row), va="center", fontsize=9)
    name_rows(ax, shown)
    ax.set_ylim(max(len(shown), 3) - 0.5, -0.5)
    ax.set_xlim(0, float(left.max()) * 1.2)
    _usd_axis(ax)
    return ax


def _usd_axis(ax: Axes) -> None:
    ax.set_xlabel("USD")
    ax.xaxis.set_major_locator(MaxNLocator(5))
    ax.xaxis.set_major_formatter(plain_ticks())
    ax.grid(visible=False, axis="y")
    legend_beside(ax)
