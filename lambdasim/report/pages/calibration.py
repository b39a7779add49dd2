"""The page of a calibration: the log beside its twin, the fit beside the data, and what a reader must know."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

from lambdasim.calibration.round_trip import UNKNOWN
from lambdasim.report.page import StudyPage
from lambdasim.report.pictures import Chart
from lambdasim.views import readable

if TYPE_CHECKING:
    from lambdasim.calibration.result import Calibration


def calibration_page(found: Calibration) -> StudyPage:
    """Show a calibration.

    Parameters
    ----------
    found : Calibration

    Returns
    -------
    StudyPage
        The round trip first, where there are logs.
    """
    import pandas as pd

    trip = found.round_trip
    fit = pd.DataFrame(
        [
            {
                "memory_mb": one.memory_mb,
                "runs": one.n,
                "observed_ms": one.observed_ms,
                "fitted_ms": one.fitted_ms,
                "error_share": one.error,
            }
            for one in found.work.goodness()
        ]
    )
    tables = {"fit": fit} if trip is None else {"round_trip": trip.frame(), "fit": fit}
    shown = {name: readable(table) for name, table in tables.items()}
    if trip is not None:
        for place in [place for place, row in enumerate(trip.rows) if row.is_unknown]:
            shown["round_trip"].iloc[place, 1:4] = UNKNOWN
    return StudyPage(
        title=f"{found.function}: the scenario that its log makes",
        answer=_answer(found),
        tables=tables,
        shown=shown,
        pictures={
            "fit_quantiles": Chart("plot_fit_quantiles", found),
            "fit_distribution": Chart("plot_fit_distribution", found),
        },
        facts={
            "function": found.to_function(),
            "cpu_ms": asdict(found.work.cpu_ms),
            "io_ms": asdict(found.work.io_ms),
            "findings": found.findings(),
        },
        notes=tuple(found.findings()),
    )


def _answer(found: Calibration) -> tuple[str, ...]:
    work = f"CPU time {found.work.cpu_ms} ms on one vCPU, waiting {found.work.io_ms} ms, with 95% intervals."
    return (work,) if found.round_trip is None else (found.round_trip.headline(), work)
