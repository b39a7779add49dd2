"""The one look of all pictures, and axes that show themselves in a notebook."""

from __future__ import annotations

import io
from collections.abc import Callable
from functools import wraps
from math import log10
from pathlib import Path
from typing import Any, Final, Literal, ParamSpec

import matplotlib as mpl
from matplotlib import style
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, NullFormatter, StrMethodFormatter

from lambdasim.units import US_PER_DAY, US_PER_HOUR, US_PER_MINUTE

P = ParamSpec("P")

STYLE_FILE: Final = Path(__file__).with_name("lambdasim.mplstyle")
DASHES: Final[tuple[tuple[float, ...], ...]] = ((), (5, 2), (1.5, 1.5), (6, 2, 1.5, 2))
HATCHES: Final = ("", "///", "...", "xxx", "\\\\\\")
INK: Final = "0.25"
MOST_LINES: Final = 12
_DPI: Final = 120


class Picture(Figure):
    """A figure that pyplot does not keep, and that a notebook shows; its PNG holds neither versions nor dates."""

    def savefig(self, fname: Any, *, transparent: bool | None = None, **kwargs: Any) -> None:
        """Save in the project's style, whatever the caller has set; see matplotlib for the arguments."""
        with style.context(["default", STYLE_FILE]):
            super().savefig(fname, transparent=transparent, **kwargs)

    def png(self) -> bytes:
        """Return the picture as PNG."""
        stream = io.BytesIO()
        self.savefig(stream, format="png", dpi=_DPI, metadata={"Software": None})
        return stream.getvalue()

    def _repr_png_(self) -> bytes:
        return self.png()


class PictureAxes(Axes):
    """Axes that a notebook shows as the picture they are in."""

    def _repr_png_(self) -> bytes | None:
        figure = self.get_figure(root=True)
        return figure.png() if isinstance(figure, Picture) else None


def styled(plot: Callable[P, Axes]) -> Callable[P, Axes]:
    """Draw in the project's style, whatever the caller has set."""

    @wraps(plot)
    def drawn(*args: P.args, **kwargs: P.kwargs) -> Axes:
        with style.context(["default", STYLE_FILE]):
            return plot(*args, **kwargs)

    return drawn


def axes_or_new(ax: Axes | None, rows: int = 0) -> Axes:
    """Return the axes given, or new ones in a picture of their own.

    Parameters
    ----------
    ax : Axes, optional
    rows : int
        Bars to stack; the picture grows with them.
    """
    if ax is not None:
        return ax
    width, height = mpl.rcParams["figure.figsize"]
    figure = Picture(figsize=(width, max(height * 0.6, min(1.6 + 0.34 * rows, 12)) if rows else height))
    return figure.add_subplot(axes_class=PictureAxes)


def line_look(place: int) -> dict[str, Any]:
    """Return colour and dashes of the line at a place: both differ, so that it reads in grey."""
    colours = mpl.rcParams["axes.prop_cycle"].by_key()["color"]
    return {"color": colours[place % len(colours)], "dashes": DASHES[place % len(DASHES)]}


def bar_look(place: int) -> dict[str, Any]:
    """Return colour and hatch of the bars at a place."""
    colours = mpl.rcParams["axes.prop_cycle"].by_key()["color"]
    hatch = HATCHES[place % len(HATCHES)]
    return {
        "facecolor": colours[place % len(colours)],
        "hatch": hatch,
        "edgecolor": "white",
        "linewidth": 0.6,
    }


def legend_beside(ax: Axes) -> None:
    """Put the legend to the right, where it covers nothing."""
    ax.legend(loc="upper left", bbox_to_anchor=(1.02, 1.0))


def left_out(functions: int) -> str:
    """Say for a title how many functions are drawn, where there are too many to draw."""
    return f" (the first {MOST_LINES} of {functions:,} functions)" if functions > MOST_LINES else ""


def nothing(ax: Axes, text: str) -> Axes:
    """Say that there is nothing to draw, and why."""
    ax.text(0.5, 0.5, text, transform=ax.transAxes, ha="center", va="center", color=INK, fontsize=10)
    ax.set_xticks([])
    ax.set_yticks([])
    ax.grid(visible=False)
    return ax


def size_axis(ax: Axes, low: float, high: float) -> None:
    """Scale the horizontal axis to positive sizes: by powers of ten where they differ much, with few enough labels.

    Parameters
    ----------
    ax : Axes
    low, high : float
        Least and greatest size, above 0.
    """
    if high <= 4 * low:
        spare = (high - low) * 0.06 or low * 0.5
        ax.set_xlim(max(low - spare, 0), high + spare)
        ax.xaxis.set_major_formatter(StrMethodFormatter("{x:,.9g}"))
        return
    ax.set_xscale("log")
    ax.set_xlim(low / 1.15, high * 1.15)
    decades = log10(high / low)
    steps = (1, 2, 5) if decades <= 1.7 else (1, 3) if decades <= 3 else (1,)
    ax.xaxis.set_major_locator(LogLocator(subs=steps, numticks=20))
    ax.xaxis.set_major_formatter(StrMethodFormatter("{x:,.9g}"))
    ax.xaxis.set_minor_formatter(NullFormatter())


def steps_drawn(duration_us: int, step_us: int, used: int) -> int:
    """Give how many steps of time to draw.

    A last one that the scenario covers in part, or that holds what began before its end, would look like a fall; so it is
    left out, unless it is the only one or more happened later.

    Parameters
    ----------
    duration_us : int
        The scenario's length [µs].
    step_us : int
    used : int
        Steps up to the last in which something happened.
    """
    whole = duration_us // step_us
    return max(whole, 1) if used <= whole + 1 else used


def time_axis(ax: Axes, duration_us: int) -> int:
    """Label the horizontal axis as time since the scenario's start.

    Returns
    -------
    int
        The unit of the axis [µs].
    """
    unit: Literal["days", "hours", "minutes"]
    if duration_us > 3 * US_PER_DAY:
        unit, unit_us = "days", US_PER_DAY
    elif duration_us > 3 * US_PER_HOUR:
        unit, unit_us = "hours", US_PER_HOUR
    else:
        unit, unit_us = "minutes", US_PER_MINUTE
    ax.set_xlabel(f"time since the scenario's start [{unit}]")
    ax.set_xlim(0, duration_us / unit_us)
    return unit_us
