"""Counts by minute in CloudWatch's names."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd

from lambdasim.engine.contract import Plan
from lambdasim.engine.totals.aggregate import Aggregate, claimed_at, ready_at
from lambdasim.units import US_PER_MINUTE, US_PER_MS


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
        As ``metrics_frame`` has them.
    """
    longest = max(max(totals.counts.minutes, totals.concurrency.minutes) for totals in aggregate.functions)
    labels = aggregate.minutes(longest)
    for totals, function in zip(aggregate.functions, plan.functions, strict=True):
        minutes = max(totals.counts.minutes, totals.concurrency.minutes)
        counts = totals.counts.padded(minutes)
        duration_us = counts.pop("DurationSum_us")
        mean_ms = np.full(minutes, np.nan)
        np.divide(
            duration_us / US_PER_MS, counts["Invocations"], out=mean_ms, where=counts["Invocations"] > 0
        )
        provisioned = totals.provisioned.per_minute(minutes)
        begins_us = np.arange(minutes) * US_PER_MINUTE
        ready = np.maximum(ready_at(function, begins_us), ready_at(function, begins_us + US_PER_MINUTE - 1))
        utilization = np.full(minutes, np.nan)
        np.divide(provisioned, ready, out=utilization, where=ready > 0)
        columns = {
            "timestamp": labels[:minutes],
            "function": function.name,
            **counts,
            "ConcurrentExecutions": totals.concurrency.per_minute(minutes),
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
    return pd.DataFrame(
        {
            "timestamp": aggregate.minutes(minutes),
            "ConcurrentExecutions": aggregate.account.per_minute(minutes),
            "UnreservedConcurrentExecutions": unreserved,
            "ClaimedAccountConcurrency": claimed,
            "limit": plan.concurrency,
        }
    )
