"""A run as one self-contained HTML page: headline, tables and pictures, no script, nothing fetched."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lambdasim.report.html import document
from lambdasim.report.pictures import Album
from lambdasim.report.sections.report import RunReport

if TYPE_CHECKING:
    from lambdasim.results.run import RunResult
    from lambdasim.templates.account.comparison import Beside


def report_html(run: RunResult) -> str:
    """Make the page.

    Parameters
    ----------
    run : RunResult

    Returns
    -------
    str
        HTML with its pictures inside; what comes from the scenario is escaped.
    """
    return page_of(Album(run))


def page_of(album: Album, beside: Beside | str | None = None) -> str:
    """Make the page of an album's run, with what CloudWatch counted of the same account; see `report_html`."""
    report = RunReport(album.run, album)
    parts = (
        report.opening(titled=False),
        report.beside_counts(beside),
        report.functions(),
        report.sources(),
        report.chains(),
        report.alarms(),
        report.refused(),
        report.bill(),
        report.invocation_costs(),
        report.basis(),
    )
    return document(album.run.scenario.name, [part.html for part in parts])
