"""The one look of all pictures, and axes that show themselves in a notebook."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import datetime
from functools import wraps
from math import ceil, floor, log10
from pathlib import Path
from textwrap import fill
from typing import Any, Final, ParamSpec

import matplotlib as mpl
import numpy as np
from matplotlib import style
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.dates import AutoDateLocator, ConciseDateFormatter
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter, LogLocator, NullFormatter
from numpy.typing import NDArray

from lambdasim.units import US_PER_DAY, to_epoch_us

P = ParamSpec("P")

STYLE_FILE: Final = Path(__file__).with_name("lambdasim.mplstyle")
_NARROW_STYLE: Final = STYLE_FILE.with_name("narrow.mplstyle")
DASHES: Final[tuple[tuple[float, ...], ...]] = ((), (5, 2), (1.5, 1.5), (6, 2, 1.5, 2))
HATCHES: Final = ("", "///", "...", "xxx", "\\\\\\")
MOST_LINES: Final = 12
_DPI: Final = 120
_NARROW_TITLE: Final = 42
_NARROW_LABEL: Final = 32
_SMALL: Final = 1e-4
_LARGE: Final = 1e6
"""Below this Python's general format has exponents."""
_LEGEND: Final = 40
_LEGEND_BESIDE: Final = 30
"""Longest line of a legend below and beside a picture [characters]."""
_LEGEND_LINES: Final = 16
"""Lines for which there is room beside a picture."""
_LEGEND_LINE: Final = 0.2
"""Height of a line of a legend below [inches]."""
_NAMES: Final = (34, 16)
"""Longest line of a row's name [characters], wide and narrow."""
_LOG_TICKS: Final = ((1.7, 3.0, 20), (0.9, 1.8, 5))
"""Decades up to which an axis has three labels in each, and two, and the most decades with one, wide and narrow."""
_LOG_ROOM: Final = (90, 30)
"""Characters of labels that fit on such an axis, wide and narrow; above, every other decade has one."""
_TICKS: Final = ((3, 8), (2, 5))
"""Fewest and most labels of a time axis, wide and narrow."""


_DATES: Final = {
    "formats": ["%Y", "%b %Y", "%b %d", "%H:%M", "%H:%M", "%H:%M:%S"],
    "zero_formats": ["", "%Y", "%b %d", "%b %d", "%H:%M", "%H:%M"],
    "offset_formats": ["", "", "%Y", "%Y-%m-%d", "%Y-%m-%d", "%Y-%m-%d"],
}
_NARROW: ContextVar[bool] = ContextVar("narrow", default=False)


@contextmanager
def narrow() -> Iterator[None]:
    """Draw for a phone, within a ``with`` statement: less wide, the legend below, titles wrapped."""
    token = _NARROW.set(True)
    try:
        yield
    finally:
        _NARROW.reset(token)


def _styles(is_narrow: bool) -> list[str | Path]:
    """Return matplotlib's styles, later ones over earlier ones."""
    return ["default", STYLE_FILE, *([_NARROW_STYLE] if is_narrow else [])]


class Picture(Figure):
    """A figure that pyplot does not keep, and that a notebook shows; its PNG holds neither versions nor dates."""

    is_narrow = False

    def savefig(self, fname: Any, *, transparent: bool | None = None, **kwargs: Any) -> None:
        """Save in the project's style, whatever the caller has set; see matplotlib for the arguments."""
        with style.context(_styles(self.is_narrow)):
            super().savefig(fname, transparent=transparent, **kwargs)

    def png(self) -> bytes:
        """Return the picture as PNG.

        Drawn once: ``savefig`` gives the same bytes, and draws twice where a figure has a layout.
        """
        stream, canvas, dpi = io.BytesIO(), self.canvas, self.dpi
        try:
            with style.context(_styles(self.is_narrow)):
                self.dpi = _DPI
                print_png: Callable[..., None] = FigureCanvasAgg(
                    self
                ).print_png  # matplotlib has no types here
                print_png(stream, metadata={"Software": None})
        finally:
            self.dpi = dpi
            self.set_canvas(canvas)
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
        with style.context(_styles(_NARROW.get())):
            ax = plot(*args, **kwargs)
            if _NARROW.get():
                _narrowed(ax)
        return ax

    return drawn


def _narrowed(ax: Axes) -> None:
    """Wrap what is too long for a narrow picture; its title begins at its edge."""
    figure = ax.get_figure(root=True)
    if figure is not None:
        title, size = fill(ax.get_title(loc="left"), _NARROW_TITLE), mpl.rcParams["axes.titlesize"]
        figure.suptitle(title, x=0.01, ha="left", fontsize=size)
        ax.set_title("")
    ax.set_xlabel(fill(ax.get_xlabel(), _NARROW_LABEL))
    ax.set_ylabel(fill(ax.get_ylabel(), _NARROW_LABEL))


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
    figure.is_narrow = _NARROW.get()
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
        "edgecolor": paper(),
        "linewidth": 0.6,
    }


def ink() -> str:
    """Return the colour of words and plain lines."""
    return str(mpl.rcParams["text.color"])


def paper() -> str:
    """Return the colour behind everything."""
    return str(mpl.rcParams["figure.facecolor"])


def is_narrow(ax: Axes) -> bool:
    """Say whether axes are those of a picture for a phone."""
    figure = ax.get_figure(root=True)
    return isinstance(figure, Picture) and figure.is_narrow


def legend_beside(ax: Axes) -> None:
    """Put the legend where it covers nothing: to the right, or below in a narrow picture."""
    figure = ax.get_figure(root=True)
    if isinstance(figure, Picture) and figure.is_narrow:
        handles, labels = ax.get_legend_handles_labels()
        labels = [fill(label, _LEGEND) for label in labels]
        figure.legend(handles, labels, loc="outside lower left")
        lines = sum(label.count("\n") + 1 for label in labels)
        figure.set_figheight(figure.get_figheight() + lines * _LEGEND_LINE)
        return
    beside = 1.14 if isinstance(figure, Picture) and len(figure.axes) > 1 else 1.02
    handles, labels = ax.get_legend_handles_labels()
    short = [fill(label, _LEGEND_BESIDE) for label in labels]
    if sum(label.count("\n") + 1 for label in short) <= _LEGEND_LINES:
        labels = short
    ax.legend(handles, labels, loc="upper left", bbox_to_anchor=(beside, 1.0))


def name_rows(ax: Axes, names: Iterable[object]) -> None:
    """Name the bars of a picture, from the top; long names wrap."""
    labels = [fill(str(name), _NAMES[_NARROW.get()], max_lines=2, placeholder="…") for name in names]
    ax.set_yticks(range(len(labels)), labels)


def plain_ticks(*, signed: bool = False) -> FuncFormatter:
    """Write the numbers of an axis in full, without exponents."""
    return FuncFormatter(lambda value, _: _plain(value, "+" if signed else "").replace("-", "\N{MINUS SIGN}"))


def _plain(value: float, sign: str) -> str:
    if abs(value) >= _LARGE:
        return f"{value:{sign},.0f}"
    if value == 0 or abs(value) >= _SMALL:
        return f"{value:{sign},.9g}"
    return f"{value:{sign}.12f}".rstrip("0")


def left_out(functions: int) -> str:
    """Say for a title how many functions are drawn, where there are too many to draw."""
    return f" (the largest {MOST_LINES} of {functions:,} functions)" if functions > MOST_LINES else ""


def nothing(ax: Axes, text: str) -> Axes:
    """Say that there is nothing to draw, and why."""
    ax.text(0.5, 0.5, text, transform=ax.transAxes, ha="center", va="center", color=ink(), fontsize=10)
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
        ax.xaxis.set_major_formatter(plain_ticks())
        return
    ax.set_xscale("log")
    decades = log10(high / low)
    spare = max(10 ** (decades * 0.05), 1.15)  # room for a point at either end
    ax.set_xlim(low / spare, high * spare)
    fine, coarse, most = _LOG_TICKS[_NARROW.get()]
    steps = (1, 2, 5) if decades <= fine else (1, 3) if decades <= coarse else (1,)
    powers = [10.0**power for power in range(ceil(log10(low / spare)), floor(log10(high * spare)) + 1)]
    room = _LOG_ROOM[_NARROW.get()]
    if steps == (1,) and len(powers) > 1 and sum(len(_plain(value, "")) + 2 for value in powers) > room:
        ax.xaxis.set_major_locator(FixedLocator(powers[len(powers) % 2 == 0 :: 2]))
    else:
        ax.xaxis.set_major_locator(LogLocator(subs=steps, numticks=most))
    ax.xaxis.set_major_formatter(plain_ticks())
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


def time_axis(
    ax: Axes, start: datetime, duration_us: int
) -> Callable[[NDArray[np.int64]], NDArray[np.float64]]:
    """Label the horizontal axis with UTC dates and times.

    Parameters
    ----------
    ax : Axes
    start : datetime
        The first moment that is drawn.
    duration_us : int
        [µs]; above 0.

    Returns
    -------
    callable
        Places on the axis, from times since ``start`` [µs].
    """
    first = to_epoch_us(start) / US_PER_DAY
    least, most = _TICKS[_NARROW.get()]
    locator = AutoDateLocator(minticks=least, maxticks=most)  # type: ignore[no-untyped-call]
    ax.xaxis.set_major_locator(locator)
    ax.xaxis.set_major_formatter(ConciseDateFormatter(locator, **_DATES))  # type: ignore[no-untyped-call]
    ax.set_xlabel("UTC")
    ax.set_xlim(first, first + duration_us / US_PER_DAY)
    return lambda times_us: first + np.asarray(times_us) / US_PER_DAY
