"""The parts of a page about a run, each a call: what templates of reports and notebooks are made of."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from functools import cached_property
from typing import TYPE_CHECKING, Final

from lambdasim.report.html import escaped, headline, paragraph, warnings
from lambdasim.report.pictures import Album
from lambdasim.report.sections import account, calls, incident, money
from lambdasim.report.sections import run as of_run
from lambdasim.report.sections.incident_table import incidents
from lambdasim.report.sections.section import Section
from lambdasim.results.expected import expected_cost
from lambdasim.results.replicate import replicate
from lambdasim.study.what_if.grid import what_if
from lambdasim.traffic.expected import expected_events

if TYPE_CHECKING:
    import pandas as pd

    from lambdasim.billing import Bill
    from lambdasim.report.html import Fact
    from lambdasim.results.run import RunResult
    from lambdasim.study.what_if.result import WhatIf
    from lambdasim.templates.account.comparison import Beside

_MOST_EVENTS: Final = 20_000_000
_LEAST_RUNS: Final = 6
_PATIENCE: Final = 10
_THREADS: Final = 2
"""Runs side by side: the compiled engine computes without Python's lock, and results do not depend on their order."""


class RunReport:
    """The parts of a page about a run; a notebook shows each as the last line of a cell.

    Parameters
    ----------
    run : RunResult
    album : Album, optional
        The run's pictures where some are drawn already.

    Examples
    --------
    >>> import lambdasim as ls
    >>> report = RunReport(ls.simulate(arrivals_s=range(60), durations_ms=100, init_ms=0))
    >>> report.opening().html.startswith("<h1>")
    True
    """

    def __init__(self, run: RunResult, album: Album | None = None) -> None:
        self.run = run
        self._album = Album(run) if album is None else album

    @cached_property
    def _charges(self) -> Bill:
        return self.run.charges()

    def opening(self, seeds: int = 1, *, titled: bool = True) -> Section:
        """Say what ran, what must be seen first, and the figures that a reader takes away.

        Parameters
        ----------
        seeds : int
            Simulations from which the interval of the bill comes; 1 for none. None is given beyond 20 million events, nor
            for a run of plain arrays.
        titled : bool
            Whether it begins with the scenario's name.

        Returns
        -------
        Section
        """
        facts = of_run.facts(self.run, self._charges, self._intervals(seeds))
        return self._opened(facts, "" if titled else None)

    def money_opening(self, seeds: int = 1) -> Section:
        """Begin a page for those who pay.

        Parameters
        ----------
        seeds : int
            As for ``opening``.

        Returns
        -------
        Section
        """
        facts = money.facts(self.run, self._charges, self._intervals(seeds))
        return self._opened(facts, ": what it costs")

    def incident_opening(self) -> Section:
        """Begin a page about an incident: when, how many attempts, which limit."""
        facts = [*incident.facts(self.run, self._incidents), *of_run.facts(self.run, self._charges)[1:4]]
        return self._opened(facts, ": what went wrong")

    def beside_counts(self, held: Beside | str | None) -> Section:
        """Show the run beside what CloudWatch counted of the same account.

        Parameters
        ----------
        held : Beside, str or None
            As ``lambdasim.templates.account.comparison.beside`` gives it; None for no section.

        Returns
        -------
        Section
        """
        return Section.of(account.beside_counts(held))

    def functions(self) -> Section:
        """Show each function's events, latency and concurrency."""
        return Section.of(of_run.functions(self.run, self._album))

    def sources(self) -> Section:
        """Show what became of messages and records of queues and streams."""
        return Section.of(of_run.sources(self.run, self._album))

    def chains(self) -> Section:
        """Show what functions call, and how long whole chains take."""
        return Section.of(calls.chains(self.run))

    def alarms(self) -> Section:
        """Show when the scenario's alarms fire, and what had been spent by then."""
        return Section.of(calls.alarms(self.run))

    def refused(self) -> Section:
        """Show attempts that limits refused."""
        return Section.of(of_run.refused(self.run, self._album))

    def bill(self) -> Section:
        """Show the bill line by line."""
        return Section.of(of_run.bill_lines(self._charges, self._album))

    def owners(self) -> Section:
        """Show whose the bill is."""
        return Section.of(money.owners(self.run, self._charges))

    def invocation_costs(self) -> Section:
        """Show what one invocation costs, and who causes it."""
        return Section.of(of_run.invocation_costs(self.run, self._album))

    def regions(self) -> Section:
        """Show what the same usage costs in other regions."""
        return Section.of(money.other_regions(self.run, self._charges))

    def commitment(self) -> Section:
        """Show the Compute Savings Plan that costs least."""
        return Section.of(money.commitment(self.run))

    def rates(self) -> Section:
        """Show each rate of the bill, with the date of its sheet."""
        return Section.of(money.rates(self.run, self._charges))

    def timeline(self) -> Section:
        """Show incidents as a table and over time."""
        return Section.of(incident.timeline(self._album, self._incidents))

    def what_to_change(self) -> Section:
        """Say what each limit that refused attempts means."""
        return Section.of(incident.advice(self.run, self._incidents))

    def basis(self) -> Section:
        """Say what the figures rest on, with sources, seed, versions and price date."""
        return Section.of(of_run.basis(self.run))

    def what_if(self, seconds: float) -> WhatIf | Section:
        """Simulate a grid of settings of the function that costs most.

        Parameters
        ----------
        seconds : float
            How long that may be estimated to take. The coarsest grid may take ten times as long; else there is none.

        Returns
        -------
        WhatIf or Section
            The grid, or the sentence that says why there is none.
        """
        scenario = self.run.scenario
        if self.run.arrays_sha256:
            return Section(paragraph("No what-if: a run of plain arrays has no settings to change.", "small"))
        least_s = expected_cost(scenario, runs=_LEAST_RUNS).seconds
        if least_s > max(seconds, 1.0) * _PATIENCE:
            said = f"No what-if: its runs would take about {least_s:,.0f} s; WHAT_IF_SECONDS allows it."
            return Section(paragraph(said, "small"))
        with ThreadPoolExecutor(_THREADS) as executor:
            return what_if(scenario, most_s=seconds, first=self.run, executor=executor)

    @cached_property
    def _incidents(self) -> pd.DataFrame:
        return incidents(self.run)

    def _intervals(self, seeds: int) -> pd.DataFrame | None:
        if seeds < 2 or self.run.arrays_sha256:
            return None
        scenario = self.run.scenario
        events = sum(expected_events(scenario, function.name) for function in scenario.functions)
        if events * seeds > _MOST_EVENTS:
            return None
        with ThreadPoolExecutor(_THREADS) as executor:
            return replicate(scenario, seeds, first=self.run, executor=executor)

    def _opened(self, facts: list[Fact], title: str | None) -> Section:
        """Begin a page; its title follows the scenario's name, None for no title."""
        run = self.run
        return Section.of(
            [
                "" if title is None else f"<h1>{escaped(run.scenario.name + title)}</h1>",
                paragraph(of_run.what_ran(run), "small"),
                warnings(run.warnings()),
                headline(facts),
            ]
        )
