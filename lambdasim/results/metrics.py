"""Counts by minute in CloudWatch's names."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

import numpy as np

from lambdasim.engine.contract import Plan
from lambdasim.engine.totals.aggregate import Aggregate
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

    longest = max(max(totals.counts.minutes, totals.concurrency.minutes) for totals in aggregate.functions)
    labels = aggregate.minutes(min(longest, _AT_ONCE))
    for totals, function in zip(aggregate.functions, plan.functions, strict=True):
        minutes = max(totals.counts.minutes, totals.concurrency.minutes)
        executions = totals.concurrency.per_minute(minutes)
        on_provisioned = totals.provisioned.per_minute(minutes)
        for first in range(0, max(minutes, 1), _AT_ONCE):
            stop = min(first + _AT_ONCE, minutes)
            counts, provisioned = totals.counts.padded(stop, first), on_provisioned[first:stop]
            duration_us, invocations = counts.pop("DurationSum_us"), counts["Invocations"]
            mean_ms = np.full(stop - first, np.nan)
            np.divide(duration_us / US_PER_MS, invocations, out=mean_ms, where=invocations > 0)
            begins_us = np.arange(first, stop) * US_PER_MINUTE
            ends_us = begins_us + US_PER_MINUTE - 1
            ready = np.maximum(ready_at(function, begins_us), ready_at(function, ends_us))
            utilization = np.full(stop - first, np.nan)
            np.divide(provisioned, ready, out=utilization, where=ready > 0)
            columns = {
                "timestamp": aggregate.minutes(stop - first, first) if first else labels[:stop],
                "function": function.name,
                **counts,
                "ConcurrentExecutions": executions[first:stop],
                "ProvisionedConcurrentExecutions": provisioned,
                "ProvisionedConcurrencyUtilization": utilization,
                "Duration": mean_ms,
            }
            yield pd.DataFrame(columns)


def in_use(metrics: pd.DataFrame) -> pd.DataFrame:
    """Leave out minutes in which nothing happened and nothing was provisioned, as CloudWatch does.

    Parameters
    ----------
    metrics : DataFrame
        See ``metrics_frame``.

    Returns
    -------
    DataFrame
    """
    busy = metrics.select_dtypes("integer").any(axis=1)
    return metrics[busy | metrics["ProvisionedConcurrencyUtilization"].notna()]


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
