"""The pictures of a run, each drawn once, for its folder and for its page."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from matplotlib.axes import Axes

from lambdasim import plots
from lambdasim.plots.style import Picture
from lambdasim.results.run import RunResult

PLOTS: Final[dict[str, Callable[[RunResult], Axes]]] = {
    "latency": plots.plot_latency,
    "latency_histogram": plots.plot_latency_histogram,
    "concurrency": plots.plot_concurrency,
    "throttles": plots.plot_throttles,
    "throttles_over_time": plots.plot_metric,
    "bill": plots.plot_bill,
    "hourly_cost": plots.plot_hourly_cost,
    "cost_distribution": plots.plot_cost_distribution,
    "cost": plots.plot_cost,
}


class Drawn(NamedTuple):
    """A picture: its title, and its PNG."""

    title: str
    png: bytes


@dataclass(frozen=True, eq=False)
class Album:
    """Pictures of a run, drawn when they are first looked at.

    Attributes
    ----------
    run : RunResult
    """

    run: RunResult
    _drawn: dict[str, Drawn] = field(default_factory=dict, init=False, repr=False)

    def __getitem__(self, name: str) -> Drawn:
        """Return the picture of a name in ``PLOTS``."""
        if name not in self._drawn:
            ax = PLOTS[name](self.run)
            assert isinstance(ax.figure, Picture)  # noqa: S101 - plots without axes make their own
            self._drawn[name] = Drawn(ax.get_title(loc="left"), ax.figure.png())
        return self._drawn[name]
