"""What a memory sweep found, as numbers: sizes, paired differences, and the size to choose."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from lambdasim.engine.totals.histogram import Histogram, together
from lambdasim.results.intervals import paired_interval, t_interval, unpaired_interval
from lambdasim.results.usage.as_month import Period, period_of
from lambdasim.specs.scenario import ScenarioSpec
from lambdasim.study.measures import QUANTILES, FunctionMeasures
from lambdasim.study.memory.objective import Objective, best_row
from lambdasim.study.memory.power_tuning import CHART_BASE, TunedPoint, TunedSeries, TuningChart

if TYPE_CHECKING:
    import pandas as pd

DIFFERENCES = ("usd_per_million", "mean_duration_ms", "mean_ms", *QUANTILES, "cold_share")
"""Measures of which a sweep has paired differences, beside the money of its period."""
_DIFFERENCE = ("memory_mb", "architecture", "measure", "mean", "low", "high", "share", "unpaired_half_width")


class SweptSize(NamedTuple):
    """A configuration of a sweep."""

    memory_mb: int
    architecture: str

    def __str__(self) -> str:
        """Return size and architecture in words."""
        return f"{self.memory_mb:,} MB {self.architecture}"


@dataclass(frozen=True, eq=False, repr=False)
class SweepTables:
    """What each replication measured at each size, and what follows from it.

    Attributes
    ----------
    scenario : ScenarioSpec
    function : str
    results : mapping of SweptSize to tuple of FunctionMeasures
        In the order of the replications.
    reference : SweptSize
        What differences are measured from: the function as it is, where it was swept; else the smallest.
    objective : Objective
    precision : float or None
        As asked for.
    tolerated_failures : float
    arm64_time_ratio : float
        CPU time on arm64 over x86_64 that was used.
    period : {"month", "run"}
        What money is of.
    alternatives : tuple of SweepTables
        One for each plausible setting of the function's work, of fewer replications with the same seeds.
    """

    scenario: ScenarioSpec
    function: str
    results: Mapping[SweptSize, tuple[FunctionMeasures, ...]]
    reference: SweptSize
    objective: Objective
    precision: float | None
    tolerated_failures: float
    arm64_time_ratio: float
    period: str = "month"
    alternatives: tuple[SweepTables, ...] = ()

    @property
    def money(self) -> str:
        """Name of the column of the function's part of the bill: ``usd_per_month`` or ``usd_per_run``."""
        return f"usd_per_{self.period}"

    @property
    def per(self) -> Period:
        """The period of the money."""
        return period_of(self.scenario, self.period)

    @property
    def replications(self) -> int:
        """How many seeds every size was simulated with."""
        return len(self.results[self.reference])

    def is_set(self, size: SweptSize) -> bool:
        """Return whether the scenario's function has this size."""
        spec = self.scenario.function(self.function)
        return size == SweptSize(spec.memory_mb, spec.architecture.value)

    @cached_property
    def runs(self) -> pd.DataFrame:
        """One row for each size and replication: ``memory_mb``, ``architecture``, ``replication``, then measures.

        Measures are those of ``FunctionMeasures``, ``usd`` by the name of its period (``money``), with exact
        percentiles of the replication's latency [ms].
        """
        import pandas as pd

        rows = [
            {**size._asdict(), "replication": number} | found.numbers()
            for size, measures in self.results.items()
            for number, found in enumerate(measures)
        ]
        table = pd.DataFrame(rows).rename(columns={"usd": self.money})
        failures = table["memory_failure_share"].fillna(0) + table["timeout_share"].fillna(0)
        return table.assign(fails=failures > self.tolerated_failures)

    @cached_property
    def table(self) -> pd.DataFrame:
        """One row for each size.

        Returns
        -------
        DataFrame
            Means of the measures over replications, but percentiles of all events of all replications together, exact
            [ms]: of latency (``p95_ms``), of Duration (``p95_duration_ms``) and of Billed Duration
            (``p95_billed_ms``). ``usd_half_width`` of the money's 95 % interval. ``fails``: more runs than tolerated end
            out of memory or at the timeout. ``dominated``: another size is at least as cheap and as fast, and
            better in one. ``recommended``; ``wins``: share of replications in which this size would have been chosen.
        """
        measures = self.runs.drop(columns=["replication", "fails"])
        table = measures.groupby(["memory_mb", "architecture"], sort=True).mean().reset_index()
        sizes = sizes_of(table)
        for kind, infix in (("latency_ms", ""), ("duration_ms", "_duration"), ("billed_ms", "_billed")):
            together_ms = [self.histogram(size, kind) for size in sizes]
            for name, share in QUANTILES.items():
                column = name.replace("_ms", f"{infix}_ms")
                table[column] = [histogram.quantile(share) for histogram in together_ms]
        own = {size: [found.usd for found in self.results[size]] for size in sizes}
        table["usd_half_width"] = [t_interval(own[size]).half_width for size in sizes]
        failures = table["memory_failure_share"].fillna(0) + table["timeout_share"].fillna(0)
        table["fails"] = failures > self.tolerated_failures
        table["dominated"] = _dominated(table, self.money, self.objective.latency)
        chosen = best_row(self.objective, table)
        table["recommended"] = table.index == chosen
        table["wins"] = [self._wins.get(size, 0) / self.replications for size in sizes]
        return table

    @cached_property
    def _wins(self) -> dict[SweptSize, int]:
        wins: dict[SweptSize, int] = {}
        for _, rows in self.runs.groupby("replication"):
            best = best_row(self.objective, rows)
            if best is not None:
                size = sizes_of(rows.loc[[best]])[0]
                wins[size] = wins.get(size, 0) + 1
        return wins

    def histogram(self, size: SweptSize, kind: str = "latency_ms") -> Histogram:
        """Return an exact distribution over all replications: ``latency_ms``, ``duration_ms`` or ``billed_ms``."""
        return together(*(getattr(found, kind) for found in self.results[size]))

    @property
    def recommendation(self) -> SweptSize | None:
        """What to set; None where no size is allowed."""
        chosen = self.table[self.table["recommended"]]
        return None if chosen.empty else sizes_of(chosen)[0]

    @property
    def instability(self) -> float:
        """Share of replications in which another size than the recommended would have been chosen, or none."""
        best = self.recommendation
        return float("nan") if best is None else 1 - self._wins.get(best, 0) / self.replications

    def differences(self, reference: SweptSize | None = None) -> pd.DataFrame:
        """Return paired differences against a size.

        Parameters
        ----------
        reference : SweptSize, optional
            Default: ``reference``.

        Returns
        -------
        DataFrame
            One row for each other size and measure, ``money`` and those of ``DIFFERENCES``: ``mean``, ``low``, ``high``
            (95 % interval of the mean difference over replications), ``share`` (of the reference's mean),
            ``unpaired_half_width`` (what the interval would be without pairing).
        """
        import pandas as pd

        base = self.reference if reference is None else reference
        by_size = {size: self.runs[self._rows(size)].reset_index() for size in self.results}
        rows = []
        for size, ours in by_size.items():
            for measure in (self.money, *DIFFERENCES) if size != base else ():
                theirs = by_size[base][measure]
                found = paired_interval(ours[measure], theirs)
                level = float(theirs.mean())
                rows.append(
                    {
                        **size._asdict(),
                        "measure": measure,
                        "mean": found.mean,
                        "low": found.low,
                        "high": found.high,
                        "share": found.mean / level if level else float("nan"),
                        "unpaired_half_width": unpaired_interval(ours[measure], theirs).half_width,
                    }
                )
        return pd.DataFrame(rows, columns=list(_DIFFERENCE))

    @property
    def widest(self) -> float:
        """Greatest half-width of a paired difference in money or latency, as a share of the reference's mean.

        Over sizes that do not fail, and the objective's latency.
        """
        good = set(sizes_of(self.table[~self.table["fails"]]))
        base = self.runs[self._rows(self.reference)].reset_index()
        shares = [0.0]
        for size in sorted(good - {self.reference}):
            ours = self.runs[self._rows(size)].reset_index()
            for measure in (self.money, self.objective.latency):
                half = paired_interval(ours[measure], base[measure]).half_width
                level = abs(float(base[measure].mean()))
                shares.append(half / level if level else float("nan"))
        return float(np.max(shares))

    def _rows(self, size: SweptSize) -> pd.Series[bool]:
        same = self.runs["memory_mb"] == size.memory_mb
        return same & (self.runs["architecture"] == size.architecture)

    def chart(self, base: str = CHART_BASE) -> TuningChart:
        """Return the sweep as Power Tuning's chart: mean Duration and handler cost of an invocation by size.

        Failing sizes are left out; two architectures become the chart's two functions.
        """
        good = self.table[~self.table["fails"]]
        series = []
        for architecture, rows in good.groupby("architecture", sort=True):
            points = tuple(
                TunedPoint(
                    row["memory_mb"], row["mean_duration_ms"], Decimal(row["handler_usd_per_million"] / 1e6)
                )
                for row in rows.to_dict("records")
            )
            series.append(TunedSeries(points, f"{self.function} ({architecture})"))
        return TuningChart(tuple(series), base)


def sizes_of(table: pd.DataFrame) -> list[SweptSize]:
    """Return the sizes of a table's rows."""
    pairs = zip(table["memory_mb"], table["architecture"], strict=True)
    return [SweptSize(int(memory_mb), str(architecture)) for memory_mb, architecture in pairs]


def _dominated(table: pd.DataFrame, money: str, latency: str) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    """Return which rows another row beats that does not fail."""
    usd, ms = table[money].to_numpy(), table[latency].to_numpy()
    good = ~table["fails"].to_numpy()
    beaten = np.zeros(len(table), dtype=np.bool_)
    for row in range(len(table)):
        no_worse = (usd <= usd[row]) & (ms <= ms[row])
        better = (usd < usd[row]) | (ms < ms[row])
        beaten[row] = bool((no_worse & better & good).any())
    return beaten
