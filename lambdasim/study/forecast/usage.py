"""What one sample path of a month used by day: simulated, or estimated from its volume by those that were simulated."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from typing import Final

import numpy as np
from numpy.typing import NDArray

from lambdasim.billing import Usage
from lambdasim.billing.usage import BY_TIME
from lambdasim.billing.usage import COUNTERS as EVERY
from lambdasim.engine.merge import merge_arrivals
from lambdasim.engine.plan import ScenarioArrivals, plan_scenario
from lambdasim.engine.run import EngineName
from lambdasim.results.points.tracking import followed
from lambdasim.results.run import RunResult
from lambdasim.results.simulate import summed_up
from lambdasim.specs.scenario import ScenarioSpec
from lambdasim.study.forecast.arrivals import PathArrivals, day_shapes
from lambdasim.study.forecast.history import DailyHistory
from lambdasim.units import US_PER_DAY, US_PER_MINUTE

BY_MINUTE: Final = {
    "requests": "Invocations",
    "provisioned_requests": "ProvisionedConcurrencyInvocations",
    "billed_ms_with_init": "BilledMsWithInit",
    "billed_ms_without_init": "BilledMsWithoutInit",
    "provisioned_billed_ms": "ProvisionedBilledMs",
}
BY_REQUEST: Final = tuple(name for name in EVERY if name not in BY_MINUTE and name not in BY_TIME)
COUNTERS: Final = (*BY_MINUTE, *BY_REQUEST, *BY_TIME)
_MINUTES: Final = US_PER_DAY // US_PER_MINUTE


@dataclass(frozen=True, eq=False)
class PathUsage:
    """Usage of one path.

    Attributes
    ----------
    rows : tuple of Usage
        One for each function in order of name, counters zero: what they are counted for.
    by_day : ndarray of float64, shape (n_functions, n_days, n_counters)
        Whole numbers, columns as ``COUNTERS``.
    peak : int
        Most executions at once.
    throttled, cold, p99_ms : float
        Share of attempts refused, share of runs that started cold, 99th percentile of latency [ms].
    """

    rows: tuple[Usage, ...]
    by_day: NDArray[np.float64]
    peak: int
    throttled: float
    cold: float
    p99_ms: float

    def usage_to(self, day: int) -> list[Usage]:
        """Return the month's usage up to and with a day, numbered from 0."""
        sums = np.rint(self.by_day[:, : day + 1].sum(axis=1)).astype(np.int64)
        return [
            replace(row, **dict(zip(COUNTERS, counts, strict=True)))
            for row, counts in zip(self.rows, sums.tolist(), strict=True)
        ]


@dataclass(frozen=True, eq=False)
class PathRunner:
    """Simulates sample paths; crosses the border of a process.

    Attributes
    ----------
    scenarios : tuple of ScenarioSpec
        Of the month; path k uses number k modulo their number.
    histories : dict of str to DailyHistory
    first_days : dict of str to int
        Number of the month's first day in each history.
    totals : dict of str to ndarray of float64, shape (n_paths, n_days)
    engine : str
    """

    scenarios: tuple[ScenarioSpec, ...]
    histories: dict[str, DailyHistory]
    first_days: dict[str, int]
    totals: dict[str, NDArray[np.float64]]
    engine: str

    def __call__(self, path: int) -> PathUsage:
        """Simulate a path."""
        scenario = self.scenarios[path % len(self.scenarios)]
        return daily_usage(self.run(scenario, path))

    def run(self, scenario: ScenarioSpec, path: int) -> RunResult:
        """Simulate the traffic of a path under a scenario of the same month."""
        scenario = scenario.with_seed(scenario.seed + path)
        return self._run(followed(scenario, partial(self._run, path=path)), path)

    def _run(self, scenario: ScenarioSpec, path: int) -> RunResult:
        plan = plan_scenario(scenario)
        own = plan.arrivals
        assert isinstance(own, ScenarioArrivals)  # noqa: S101 - plan_scenario makes no other
        drawn = {arrivals.owner: arrivals for arrivals in self.arrivals(scenario, path)}
        sources = [drawn.get(source.owner, source) for source in own.sources]
        plan = replace(plan, arrivals=partial(merge_arrivals, sources))
        chosen = EngineName(self.engine).chosen(plan)
        return summed_up(scenario, plan, chosen)

    def arrivals(self, scenario: ScenarioSpec, path: int) -> list[PathArrivals]:
        """Give the arrivals of the functions that have a history."""
        return [
            PathArrivals(
                scenario.seed,
                function.name,
                self.totals[function.name][path],
                day_shapes(
                    self.histories[function.name],
                    self.first_days[function.name],
                    self.totals[function.name].shape[1],
                    scenario.seed,
                ),
                function.traffic,
            )
            for function in scenario.functions
            if function.name in self.histories
        ]

    def expected(self, path: int) -> dict[str, NDArray[np.float64]]:
        """Give the expected events of each day by function, of those that have a history."""
        scenario = self.scenarios[path % len(self.scenarios)]
        scenario = scenario.with_seed(scenario.seed + path)
        return {arrivals.owner: arrivals.expected() for arrivals in self.arrivals(scenario, path)}


def daily_usage(run: RunResult) -> PathUsage:
    """Share a run's usage of its first month out to days.

    Notes
    -----
    What is counted by minute goes to its day; what depends on requests in proportion to them; the rest evenly over the
    days. The sum over days is the run's usage.
    """
    n_days = run.scenario.duration_us // US_PER_DAY
    month = f"{run.scenario.start:%Y-%m}"
    found = {row.function: row for row in run.usage() if row.month == month}
    specs = {spec.name: spec for spec in run.scenario.functions}
    rows, tables = [], []
    for name, totals in zip(run.aggregate.names, run.aggregate.functions, strict=True):
        spec = specs[name]
        empty = Usage.of_function(spec, run.scenario.region, month)
        used = found.get(name, empty)
        minutes = totals.counts.of(*BY_MINUTE.values(), stop=n_days * _MINUTES)
        by_minute = np.array([counts.reshape(n_days, _MINUTES).sum(axis=1) for counts in minutes])
        requests = by_minute[0].sum()
        share = by_minute[0] / requests if requests else np.full(n_days, 1 / n_days)
        by_request = [_whole_parts(getattr(used, column), share) for column in BY_REQUEST]
        even = np.full(n_days, 1 / n_days)
        by_time = [_whole_parts(getattr(used, column), even) for column in BY_TIME]
        tables.append(np.vstack([by_minute, *by_request, *by_time]).T.astype(np.float64))
        rows.append(empty)
    summary = run.summary()
    runs, throttled = summary["runs"].sum(), summary["throttled"].sum()
    cold = float(np.nansum(summary["cold_share"] * summary["runs"]))
    latency = run.latency_ms()
    return PathUsage(
        rows=tuple(rows),
        by_day=np.array(tables),
        peak=run.aggregate.account.peak,
        throttled=float(throttled / (runs + throttled)) if runs + throttled else 0.0,
        cold=cold / float(runs) if runs else 0.0,
        p99_ms=float(latency.quantile(0.99)) if len(latency) else float("nan"),
    )


def _whole_parts(whole: int, parts: NDArray[np.float64]) -> NDArray[np.int64]:
    """Cut a whole number into whole numbers by given parts."""
    edges = np.rint(np.concatenate([[0.0], np.cumsum(parts)]) * float(whole)).astype(np.int64)
    edges[-1] = whole
    return np.diff(np.minimum(edges, whole))
