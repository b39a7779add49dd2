"""Counts by minute in CloudWatch's names."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from lambdasim.engine.contract import FunctionPlan, Plan
from lambdasim.engine.totals.aggregate import Aggregate
from lambdasim.engine.totals.function_totals import FunctionTotals
from lambdasim.engine.totals.levels import claimed_at, ready_at
from lambdasim.units import US_PER_MINUTE, US_PER_MS

if TYPE_CHECKING:
    import pandas as pd

_AT_ONCE: Final = 1 << 16


def metrics_frame(aggregate: Aggregate, plan: Plan) -> pd.DataFrame:
    """Return one row for each function and minute; see ``RunResult.metrics``.

    Parameters
    ----------
    aggregate : Aggregate
    plan : Plan

    Returns
    -------
    DataFrame
    """
    import pandas as pd

    return pd.concat(metrics_by_function(aggregate, plan), ignore_index=True)


def metrics_by_function(aggregate: Aggregate, plan: Plan) -> Iterator[pd.DataFrame]:
    """Give the rows of one function after the other, so that those of thousands need not be in memory together.

    Parameters
    ----------
    aggregate : Aggregate
    plan : Plan

    Yields
    ------
    DataFrame
        As ``metrics_frame`` has them, at most 65,536 minutes at a time.
    """
    import pandas as pd

    stamps = _stamps(aggregate)
    for totals, function in zip(aggregate.functions, plan.functions, strict=True):
        series = _Series(totals, function)
        for first in range(0, max(series.minutes, 1), _AT_ONCE):
            stop = min(first + _AT_ONCE, series.minutes)
            counts = totals.counts.padded(stop, first)
            yield pd.DataFrame(series.columns(stamps, np.arange(first, stop), counts))


def _stamps(aggregate: Aggregate) -> NDArray[Any]:
    """Give the beginning of each minute, as text."""
    longest = max(max(totals.counts.minutes, totals.concurrency.minutes) for totals in aggregate.functions)
    return np.array(aggregate.minutes(longest))


class _Series:
    """What is known of a function by minute.

    Parameters
    ----------
    totals : FunctionTotals
    function : FunctionPlan

    Attributes
    ----------
    minutes : int
        How many have been reached.
    executions, on_provisioned : ndarray of int64, shape (minutes,)
        The most at once.
    """

    def __init__(self, totals: FunctionTotals, function: FunctionPlan) -> None:
        self._function = function
        self._counts = totals.counts
        self.minutes = max(totals.counts.minutes, totals.concurrency.minutes)
        self.executions = totals.concurrency.per_minute(self.minutes)
        nothing = np.zeros(self.minutes, dtype=np.int64)
        self.on_provisioned = totals.provisioned.per_minute(self.minutes) if function.provisioned else nothing

    def columns(
        self, stamps: NDArray[Any], minutes: NDArray[np.int64], counts: dict[str, NDArray[np.int64]]
    ) -> dict[str, NDArray[Any]]:
        """Return the columns of ``metrics_frame`` in some minutes, whose counts these are."""
        duration_us, invocations = counts.pop("DurationSum_us"), counts["Invocations"]
        mean_ms, utilization = (np.full(len(minutes), np.nan) for _ in range(2))
        np.divide(duration_us / US_PER_MS, invocations, out=mean_ms, where=invocations > 0)
        ready, provisioned = self._ready(minutes), self.on_provisioned[minutes]
        np.divide(provisioned, ready, out=utilization, where=ready > 0)
        return {
            "timestamp": stamps[minutes],
            "function": np.full(len(minutes), self._function.name),
            **counts,
            "ConcurrentExecutions": self.executions[minutes],
            "ProvisionedConcurrentExecutions": provisioned,
            "ProvisionedConcurrencyUtilization": utilization,
            "Duration": mean_ms,
        }

    def in_use(self, stamps: NDArray[Any]) -> dict[str, NDArray[Any]]:
        """Return the columns of all minutes in which something happened or was provisioned."""
        busy = (self.executions > 0) | (self.on_provisioned > 0)
        if self._function.provisioned:
            busy |= self._ready(np.arange(self.minutes)) > 0
        busy[self._counts.active()] = True
        minutes = np.flatnonzero(busy)
        columns = self.columns(stamps, minutes, self._counts.at(minutes))
        shown = ~np.isnan(columns["ProvisionedConcurrencyUtilization"])
        for column in columns.values():
            if column.dtype == np.int64:
                shown |= column != 0
        return {name: column[shown] for name, column in columns.items()}

    def _ready(self, minutes: NDArray[np.int64]) -> NDArray[np.int64]:
        if not self._function.provisioned:
            return np.zeros(len(minutes), dtype=np.int64)
        begins_us = minutes * US_PER_MINUTE
        ends_us = begins_us + US_PER_MINUTE - 1
        return np.maximum(ready_at(self._function, begins_us), ready_at(self._function, ends_us))


def metrics_in_use(aggregate: Aggregate, plan: Plan) -> Iterator[pd.DataFrame]:
    """Give the rows in which something happened or was provisioned, which are those that CloudWatch has.

    Parameters
    ----------
    aggregate : Aggregate
    plan : Plan

    Yields
    ------
    DataFrame
        As ``metrics_frame`` has them; some functions together, about 65,536 rows at a time.
    """
    import pandas as pd

    stamps = _stamps(aggregate)
    waiting: list[dict[str, NDArray[Any]]] = []
    for totals, function in zip(aggregate.functions, plan.functions, strict=True):
        waiting.append(_Series(totals, function).in_use(stamps))
        if sum(len(part["timestamp"]) for part in waiting) >= _AT_ONCE:
            yield pd.DataFrame(_joined(waiting))
            waiting = []
    if waiting:
        yield pd.DataFrame(_joined(waiting))


def _joined(parts: list[dict[str, NDArray[Any]]]) -> dict[str, NDArray[Any]]:
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def account_metrics_frame(aggregate: Aggregate, plan: Plan) -> pd.DataFrame:
    """Return one row for each minute of the account; see ``RunResult.account_metrics``.

    Parameters
    ----------
    aggregate : Aggregate
    plan : Plan

    Returns
    -------
    DataFrame
    """
    minutes = aggregate.account.minutes
    unreserved = aggregate.unreserved.per_minute(minutes)
    claimed = unreserved + sum(function.reserved or 0 for function in plan.functions)
    for function in plan.functions:
        if function.reserved is None:
            claimed = claimed + claimed_at(function, np.arange(minutes) * US_PER_MINUTE)
    import pandas as pd

    return pd.DataFrame(
        {
            "timestamp": aggregate.minutes(minutes),
            "ConcurrentExecutions": aggregate.account.per_minute(minutes),
            "UnreservedConcurrentExecutions": unreserved,
            "ClaimedAccountConcurrency": claimed,
            "limit": plan.concurrency,
        }
    )
