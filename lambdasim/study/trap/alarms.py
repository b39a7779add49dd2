"""CloudWatch alarms that would have been quiet in a good run, and the first minute in which each fires in a bad one."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from math import ceil
from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from lambdasim.results.run import RunResult
from lambdasim.units import US_PER_MINUTE, US_PER_S, to_epoch_us

if TYPE_CHECKING:
    import pandas as pd

_MARGIN: Final = 1.1
_IDLE: Final = 0.1
_IDLE_MINUTES: Final = 60
_BRIEF: Final = 3  # an alarm that lasts less than a third of another of its minute is brief
_OF_FUNCTION: Final = {
    "Errors": "runs",
    "Throttles": "attempts",
    "Duration": "ms, mean",
    "ConcurrentExecutions": "executions",
    "Invocations": "runs",
    "AsyncEventsDropped": "events",
    "ProvisionedConcurrencySpilloverInvocations": "runs",
}
UTILIZATION: Final = "ProvisionedConcurrencyUtilization"
AGE, WAITING, DEAD = (
    "ApproximateAgeOfOldestMessage",
    "ApproximateNumberOfMessages",
    "dead-letter queue: messages",
)


_TELLING: Final = (DEAD, "Throttles", "Errors", "AsyncEventsDropped", AGE, WAITING)
"""Of alarms that fire in the same minute, these come first: they say what is wrong."""


class Alarm(NamedTuple):
    """One alarm on one metric of one function.

    Attributes
    ----------
    metric : str
        As CloudWatch names it.
    unit : str
    function : str
    threshold : float
        The alarm fires above it; of utilization, below it for an hour.
    good_most : float
        The most that the good run shows in a minute; of utilization, the least.
    minute : int
        At whose end it first fires in the bad run, from 0.
    value : float
        What the metric was in that minute.
    lasts : int
        In how many minutes of the bad run it would fire.
    """

    metric: str
    unit: str
    function: str
    threshold: float
    good_most: float
    minute: int
    value: float
    lasts: int

    @property
    def condition(self) -> str:
        """The alarm's condition in words."""
        if self.metric == UTILIZATION:
            return f"{self.metric} below {self.threshold:.0%} for {_IDLE_MINUTES} min"
        return f"{self.metric} above {self.threshold:,g} {self.unit}"


def alarms(good: RunResult, bad: RunResult) -> list[Alarm]:
    """Find alarms that are quiet in the good run and fire in the bad one.

    Parameters
    ----------
    good, bad : RunResult
        Of the same functions.

    Returns
    -------
    list of Alarm
        The first to fire first.

    Notes
    -----
    A threshold is the most that the good run shows in any minute and a tenth more, rounded up: nobody would set it lower,
    for it would cry wolf. One data point of one minute suffices. A metric that the good run does not have counts as 0.
    Of those that fire in one minute the most telling comes first, and what is soon quiet again last.
    """
    tables = _Tables(good), _Tables(bad)
    found = [*_above(*tables), *_idle(*tables)]
    ranks = {metric: place for place, metric in enumerate(_TELLING)}
    longest: dict[int, int] = {}
    for one in found:
        longest[one.minute] = max(one.lasts, longest.get(one.minute, 0))

    def place(one: Alarm) -> tuple[int, bool, int, str, str]:
        is_brief = one.lasts * _BRIEF < longest[one.minute]
        return one.minute, is_brief, ranks.get(one.metric, len(ranks)), one.function, one.metric

    return sorted(found, key=place)


def series(run: RunResult, metric: str, function: str) -> NDArray[np.float64]:
    """Give a metric of a function by minute, shape (minutes,); empty where it has none.

    Parameters
    ----------
    run : RunResult
    metric : str
    function : str
    """
    return _Tables(run).series(metric, function)


class _Tables:
    """A run's tables by minute, each made once.

    Parameters
    ----------
    run : RunResult
    """

    def __init__(self, run: RunResult) -> None:
        self.run = run

    @cached_property
    def _metrics(self) -> dict[str, pd.DataFrame]:
        return {str(name): rows for name, rows in self.run.metrics().groupby("function", observed=True)}

    @cached_property
    def _backlog(self) -> dict[str, pd.DataFrame]:
        return {str(name): rows for name, rows in self.run.backlog().groupby("function", observed=True)}

    def series(self, metric: str, function: str) -> NDArray[np.float64]:
        """Give a metric of a function by minute."""
        if metric == DEAD:
            return _dead_letters(self.run, function)
        if metric in (AGE, WAITING):
            table, column = self._backlog.get(function), "oldest_s" if metric == AGE else "backlog"
        else:
            table, column = self._metrics.get(function), metric
        if table is None:
            return np.zeros(0)
        found: NDArray[np.float64] = table[column].to_numpy(dtype=np.float64)
        return found


def _dead_letters(run: RunResult, function: str) -> NDArray[np.float64]:
    """Give how many messages lie in a dead-letter queue as each minute ended."""
    if run.sources().empty:
        return np.zeros(0)
    items: pd.DataFrame = run.items
    mine = items[(items["function"] == function) & (items["outcome"] == "dead_lettered")]
    if mine.empty:
        return np.zeros(0)
    minute = (mine["done_s"].to_numpy() * US_PER_S // US_PER_MINUTE).astype(np.int64)
    return np.cumsum(np.bincount(minute)).astype(np.float64)


def _above(good: _Tables, bad: _Tables) -> Iterator[Alarm]:
    units = {**_OF_FUNCTION, AGE: "s", WAITING: "messages", DEAD: "messages"}
    for name in bad.run.aggregate.names:
        for metric, unit in units.items():
            values = np.nan_to_num(bad.series(metric, name))
            usual = np.nan_to_num(good.series(metric, name))
            most = float(usual.max(initial=0.0))
            threshold = float(ceil(most * _MARGIN - 1e-9))
            above = np.flatnonzero(values > threshold)
            if len(above):
                first, lasts = int(above[0]), len(above)
                yield Alarm(metric, unit, name, threshold, most, first, float(values[first]), lasts)


def _idle(good: _Tables, bad: _Tables) -> Iterator[Alarm]:
    """Find provisioned concurrency that nobody uses for an hour; missing data counts as none."""
    scenario = bad.run.scenario
    for spec in scenario.functions:
        steps = spec.provisioned_steps(to_epoch_us(scenario.start), scenario.duration_us)
        minutes = -(-scenario.duration_us // US_PER_MINUTE)
        held = np.zeros(minutes, dtype=np.bool_)
        for at_us, end_us, count in steps.levels():
            if count:
                held[at_us // US_PER_MINUTE : -(-end_us // US_PER_MINUTE)] = True
        used = np.zeros(minutes)
        found = np.nan_to_num(bad.series(UTILIZATION, spec.name))[:minutes]
        used[: len(found)] = found
        if not spec.calls_provisioned:
            used[:] = 0
        idle = held & (used < _IDLE)
        together = np.convolve(idle, np.ones(_IDLE_MINUTES, dtype=np.int64))[:minutes]
        whole = np.flatnonzero(together >= _IDLE_MINUTES)
        if len(whole):
            usual = good.series(UTILIZATION, spec.name)
            least = float(np.nanmin(usual)) if np.isfinite(usual).any() else float("nan")
            first = int(whole[0])
            yield Alarm(UTILIZATION, "", spec.name, _IDLE, least, first, float(used[first]), len(whole))
