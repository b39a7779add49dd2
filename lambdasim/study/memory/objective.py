"""What a recommendation is for: cheapest within a latency target, fastest within a budget, or a balance."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import numpy as np

from lambdasim.errors import InputError
from lambdasim.specs.faults import not_among
from lambdasim.study.measures import QUANTILES
from lambdasim.study.targets import Target, parse_targets

if TYPE_CHECKING:
    import pandas as pd


class Objective(Protocol):
    """Chooses among configurations."""

    @property
    def latency(self) -> str:
        """Column of the latency that counts, such as ``p95_ms``."""
        ...

    def scores(self, table: pd.DataFrame) -> pd.Series[float]:
        """Give each row's score, the lower the better; infinite where a row is not allowed."""
        ...

    def words(self) -> str:
        """Say what is wanted."""
        ...


@dataclass(frozen=True)
class Cheapest:
    """Least money within a latency target.

    Attributes
    ----------
    within_ms : float or None
        Target [ms]; None for none.
    latency : str
        What has to keep it: ``p50_ms``, ``p90_ms``, ``p95_ms``, ``p99_ms``, ``p99.9_ms`` or ``mean_ms``.
    also : tuple of Target
        What has to be kept beside it, such as the age of messages.
    """

    within_ms: float | None = None
    latency: str = "p95_ms"
    also: tuple[Target, ...] = ()

    def __post_init__(self) -> None:
        """Check the measure."""
        _known(self.latency)

    def scores(self, table: pd.DataFrame) -> pd.Series[float]:
        """Give the money of each row that keeps the target.

        Parameters
        ----------
        table : DataFrame
            Of a sweep, one row for each size.

        Returns
        -------
        Series
            By row, the smaller the better; NaN where a row is not allowed.
        """
        usd = table[money_column(table)]
        if self.within_ms is not None:
            usd = usd.where(table[self.latency] <= self.within_ms, np.inf)
        for target in self.also:
            usd = usd.where(table[target.column] <= target.most, np.inf)
        return usd

    def words(self) -> str:
        """Say what is wanted."""
        wanted = [] if self.within_ms is None else [f"{short(self.latency)} within {self.within_ms:,g} ms"]
        wanted += [f"{one.measure} within {one.written(one.most)}" for one in self.also]
        return f"cheapest with {' and '.join(wanted)}" if wanted else "cheapest"


@dataclass(frozen=True)
class Fastest:
    """Least latency within a budget.

    Attributes
    ----------
    within_usd : float or None
        Budget for the function, of the sweep's period: a month, or the run [USD]; None for none.
    latency : str
        See ``Cheapest``.
    """

    within_usd: float | None = None
    latency: str = "p95_ms"

    def __post_init__(self) -> None:
        """Check the measure."""
        _known(self.latency)

    def scores(self, table: pd.DataFrame) -> pd.Series[float]:
        """Give the latency of each row within the budget.

        Parameters
        ----------
        table : DataFrame
            Of a sweep, one row for each size.

        Returns
        -------
        Series
            By row, the smaller the better; NaN where a row is not allowed.
        """
        if self.within_usd is None:
            return table[self.latency]
        return table[self.latency].where(table[money_column(table)] <= self.within_usd, np.inf)

    def words(self) -> str:
        """Say what is wanted."""
        budget = "" if self.within_usd is None else f" within ${self.within_usd:,.2f}"
        return f"fastest by {short(self.latency)}{budget}"


@dataclass(frozen=True)
class Balanced:
    """A weighted sum of cost and duration, as AWS Lambda Power Tuning defines it.

    Attributes
    ----------
    weight : float
        Of the cost, 0 (only speed) to 1 (only cost).
    latency : str
        For dominated sizes and intervals; the balance itself takes the mean handler duration.

    Notes
    -----
    ``weight × cost / max cost + (1 - weight) × duration / max duration`` over the sizes, with handler cost per
    invocation (neither request fee nor INIT) and mean Duration.
    """

    weight: float = 0.5
    latency: str = "p95_ms"

    def __post_init__(self) -> None:
        """Check weight and measure."""
        _known(self.latency)
        if not 0 <= self.weight <= 1:
            raise InputError.single("objective", "weight", f"must be from 0 to 1, got {self.weight}")

    def scores(self, table: pd.DataFrame) -> pd.Series[float]:
        """Give the weighted sum of each row.

        Parameters
        ----------
        table : DataFrame
            Of a sweep, one row for each size.

        Returns
        -------
        Series
            By row, the smaller the better; NaN where a row is not allowed.
        """
        cost, duration = table["handler_usd_per_million"], table["mean_duration_ms"]
        most_usd, most_ms = cost.max() or 1.0, duration.max() or 1.0
        return self.weight * cost / most_usd + (1 - self.weight) * duration / most_ms

    def words(self) -> str:
        """Say what is wanted."""
        return f"balance of cost ({self.weight:g}) and duration ({1 - self.weight:g})"


def parse_target(text: str) -> Cheapest:
    """Read targets such as ``p95=300ms`` or ``age=5min,backlog=10k``.

    Parameters
    ----------
    text : str
        As ``parse_targets`` takes it; the first latency is what dominated sizes and intervals are measured by.

    Returns
    -------
    Cheapest

    Examples
    --------
    >>> parse_target("p95=300ms")
    Cheapest(within_ms=300.0, latency='p95_ms', also=())
    """
    targets = parse_targets(text)
    latency = next((one for one in targets if one.column.endswith("_ms")), None)
    also = tuple(one for one in targets if one is not latency)
    return Cheapest(also=also) if latency is None else Cheapest(latency.most, latency.column, also)


def best_row(objective: Objective, table: pd.DataFrame) -> int | None:
    """Choose a row, whatever their order.

    Parameters
    ----------
    objective : Objective
    table : DataFrame
        One row for each configuration, with ``fails`` where it must not be chosen.

    Returns
    -------
    int or None
        Label of the row; None where none is allowed. Of equal scores the cheaper, then the faster, then the smaller
        wins.
    """
    allowed = table[~table["fails"].astype(bool)]
    if allowed.empty:
        return None
    ranked = allowed.assign(score=objective.scores(allowed)).replace({"score": {np.nan: np.inf}})
    keys = ["score", money_column(table), objective.latency, "memory_mb", "architecture"]
    first = ranked.sort_values(keys).iloc[0]
    return None if np.isinf(first["score"]) else int(first.name)  # type: ignore[call-overload]


def money_column(table: pd.DataFrame) -> str:
    """Give the column of a sweep that has its money, of a month or of the run."""
    return "usd_per_month" if "usd_per_month" in table else "usd_per_run"


def short(measure: str) -> str:
    """Return a measure's name without its unit."""
    return measure.removesuffix("_ms")


def _known(latency: str) -> None:
    allowed = (*QUANTILES, "mean_ms")
    if latency not in allowed:
        raise InputError.single("objective", "latency", not_among(latency, allowed))
