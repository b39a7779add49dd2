"""The picture of a study of commitments: what usage costs with the best commitment of each plan."""

from __future__ import annotations

from typing import TYPE_CHECKING

from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from lambdasim.plots.style import axes_or_new, bar_look, ink, legend_beside, name_rows, plain_ticks, styled
from lambdasim.wording import count

if TYPE_CHECKING:
    from lambdasim.study.commitment.result import CommitmentStudy


@styled
def plot_commitment(study: CommitmentStudy, ax: Axes | None = None) -> Axes:
    """Draw the bill with the best commitment of each plan, its unused part apart, and the bill on demand as a line.

    Parameters
    ----------
    study : CommitmentStudy
    ax : Axes, optional

    Returns
    -------
    Axes
    """
    ax = axes_or_new(ax, rows=len(study.options))
    ax.set_title("The bill with each Compute Savings Plan")
    for place, option in enumerate(study.options):
        used, unused = float(option.total_usd - option.unused_usd), float(option.unused_usd)
        first = place == 0
        ax.barh(place, used, height=0.6, label="bill" if first else None, **bar_look(0))
        ax.barh(place, unused, left=used, height=0.6, label="of it unused" if first else None, **bar_look(1))
    ax.axvline(float(study.on_demand_usd), color=ink(), linewidth=1, label="on demand")
    names = []
    for option in study.options:
        years = f"{option.plan.years} year{'s' if option.plan.years > 1 else ''}"
        names.append(f"{years}, {option.plan.payment.value.replace('_', ' ')}")
    name_rows(ax, names)
    ax.set_ylim(len(names) - 0.5, -0.5)
    ax.set_xlabel(f"USD in {count(study.hours, 'hour')}")
    ax.xaxis.set_major_locator(MaxNLocator(5))
    ax.xaxis.set_major_formatter(plain_ticks())
    ax.grid(visible=False, axis="y")
    legend_beside(ax)
    return ax
