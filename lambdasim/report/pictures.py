"""Pictures of pages: named as values, drawn once, and only when a page or a folder asks for them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

from lambdasim.results.run import RunResult

PLOTS: Final = {
    "latency": "plot_latency",
    "latency_histogram": "plot_latency_histogram",
    "concurrency": "plot_concurrency",
    "throttles": "plot_throttles",
    "throttles_over_time": "plot_metric",
    "bill": "plot_bill",
    "hourly_cost": "plot_hourly_cost",
    "cost_distribution": "plot_cost_distribution",
    "cost": "plot_cost",
}
"""The pictures of a run, by the name of their file."""
SOURCE_PLOTS: Final = {"backlog": "plot_backlog"}
"""Those of a run with queues or streams alone."""


class Drawn(NamedTuple):
    """A picture in two widths.

    Attributes
    ----------
    title : str
    png : bytes
        As its file has it.
    narrow_png : bytes
        For a phone.
    """

    title: str
    png: bytes
    narrow_png: bytes


class Chart(NamedTuple):
    """A picture as a value: what is to be drawn, and of what. Nothing is drawn until ``drawn``.

    Attributes
    ----------
    plot : str
        A name in ``lambdasim.plots``; another renderer may draw it in its own way.
    of : object
        The result that the picture shows.
    options : mapping of str to any
        Further keywords of the plot.
    """

    plot: str
    of: object
    options: Mapping[str, Any] = {}

    def drawn(self) -> Drawn:
        """Draw the picture with matplotlib, which is loaded here.

        Returns
        -------
        Drawn
        """
        from lambdasim import plots
        from lambdasim.plots.style import Picture, narrow

        ax = getattr(plots, self.plot)(self.of, **self.options)
        with narrow():
            small = getattr(plots, self.plot)(self.of, **self.options)
        assert isinstance(ax.figure, Picture)  # noqa: S101 - plots without axes make their own
        assert isinstance(small.figure, Picture)  # noqa: S101 - as above
        return Drawn(ax.get_title(loc="left"), ax.figure.png(), small.figure.png())


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
        """Return the picture of a name in ``PLOTS`` or ``SOURCE_PLOTS``."""
        if name not in self._drawn:
            self._drawn[name] = Chart({**PLOTS, **SOURCE_PLOTS}[name], self.run).drawn()
        return self._drawn[name]

    def names(self) -> tuple[str, ...]:
        """Return the names of all pictures that the run has."""
        polled = any(function.source is not None for function in self.run.plan.functions)
        return (*PLOTS, *(SOURCE_PLOTS if polled else ()))
