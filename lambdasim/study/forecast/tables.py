"""A forecast as numbers: the month's bill on every path, and its quantiles by line, function and day."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from lambdasim.billing import Bill
from lambdasim.specs.scenario import ScenarioSpec
from lambdasim.study.forecast.month import MonthTraffic
from lambdasim.study.forecast.usage import PathRunner, PathUsage

if TYPE_CHECKING:
    import pandas as pd

QUANTILES: Final = (0.1, 0.5, 0.9)


@dataclass(frozen=True, eq=False, repr=False)
class ForecastTables:
    """Bills of a month on many sample paths, as numbers.

    Attributes
    ----------
    scenario : ScenarioSpec
        As it was moved to the month.
    traffic : MonthTraffic
    runner : PathRunner
        Simulates any path again, also under a changed scenario.
    simulated : tuple of int
        Numbers of the paths that were simulated; the others were estimated from their volume.
    fit_error, fit_worst : float
        Root mean square and largest error of a simulated path's bill when it is estimated from the others, in parts of
        it; 0 where all were simulated.
    events : ndarray of float64, shape (n_paths,)
        Expected events of the month, of functions with a history.
    cumulative_usd : ndarray of float64, shape (n_paths, n_days)
        The bill of the month up to and with each day.
    listed_usd : ndarray of float64, shape (n_paths,)
        The month's bill without free tier.
    lines_usd : dict of str to ndarray of float64, shape (n_paths,)
        By usage type as AWS writes it.
    functions_usd : dict of str to ndarray of float64, shape (n_paths,)
    usages : tuple of PathUsage
        Of the simulated paths.
    bills : mapping of str to Bill
        ``P10``, ``P50`` and ``P90``: the bill of the path whose total is nearest to that quantile, so its lines add up.
    """

    scenario: ScenarioSpec
    traffic: MonthTraffic
    runner: PathRunner
    simulated: tuple[int, ...]
    fit_error: float
    fit_worst: float
    events: NDArray[np.float64]
    cumulative_usd: NDArray[np.float64]
    listed_usd: NDArray[np.float64]
    lines_usd: dict[str, NDArray[np.float64]]
    functions_usd: dict[str, NDArray[np.float64]]
    usages: tuple[PathUsage, ...]
    bills: Mapping[str, Bill]

    @property
    def total_usd(self) -> NDArray[np.float64]:
        """The month's bill on each path, shape (n_paths,)."""
        whole: NDArray[np.float64] = self.cumulative_usd[:, -1]
        return whole

    @property
    def month(self) -> str:
        """The month, ``YYYY-MM``."""
        return f"{self.traffic.first_day:%Y-%m}"

    @property
    def low_confidence(self) -> tuple[str, ...]:
        """Functions whose history is shorter than five weeks."""
        return tuple(name for name, paths in self.traffic.paths.items() if paths.low_confidence)

    def day(self, number: int) -> date:
        """Give the date of a day of the month, numbered from 0."""
        return self.traffic.first_day + timedelta(days=number)

    def lines(self) -> pd.DataFrame:
        """Return quantiles of each line item over the paths, the whole bill last: ``line``, ``p10``, ``p50``, ``p90``.

        Notes
        -----
        Quantiles of lines do not add up to those of the bill: the lines are not all low on the same path.
        """
        return _quantile_frame("line", self.lines_usd | {"total": self.total_usd})

    def functions(self) -> pd.DataFrame:
        """Return quantiles of each function's part over the paths: ``function``, ``p10``, ``p50``, ``p90``."""
        return _quantile_frame("function", self.functions_usd)

    def days(self) -> pd.DataFrame:
        """Return one row for each day.

        Returns
        -------
        DataFrame
            ``date``; ``p10``, ``p50``, ``p90`` of what the day adds to the bill; ``cumulative_p10``, ``cumulative_p50``,
            ``cumulative_p90`` of the bill up to and with it [USD]; ``known``, whether its traffic is.
        """
        import pandas as pd

        added = np.diff(self.cumulative_usd, axis=1, prepend=0.0)
        columns: dict[str, object] = {"date": [self.day(d) for d in range(self.traffic.n_days)]}
        for prefix, table in (("", added), ("cumulative_", self.cumulative_usd)):
            for q, values in zip(QUANTILES, np.quantile(table, QUANTILES, axis=0), strict=True):
                columns[f"{prefix}p{round(q * 100)}"] = values
        columns["known"] = np.arange(self.traffic.n_days) < self.traffic.known_days
        return pd.DataFrame(columns)


def _quantile_frame(title: str, table: dict[str, NDArray[np.float64]]) -> pd.DataFrame:
    import pandas as pd

    rows = [(name, *np.quantile(values, QUANTILES).tolist()) for name, values in table.items()]
    return pd.DataFrame(rows, columns=[title, *(f"p{round(q * 100)}" for q in QUANTILES)])
