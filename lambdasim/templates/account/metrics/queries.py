"""Queries of GetMetricData for an account, with labels that say what each series is, and what they cost."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, Final

from lambdasim.catalog import limit
from lambdasim.catalog.prices.meters import meter
from lambdasim.templates.account.metrics.labels import ACCOUNT, Label

_DURATION: Final = (
    "Average", "Minimum", "Maximum", "SampleCount", "p10", "p50", "p75", "p90", "p95", "p99", "p99.9",
)  # fmt: skip
_COUNTED: Final = ("Invocations", "Errors", "Throttles", "AsyncEventsReceived")
_TOGETHER: Final = 5
"""Statistics of one metric in a request that are charged as one."""


@dataclass(frozen=True)
class Request:
    """One call of GetMetricData.

    Attributes
    ----------
    queries : tuple of dict
    window : tuple of (int, int)
        [s since 1970].
    """

    queries: tuple[dict[str, Any], ...]
    window: tuple[int, int]

    def text(self) -> str:
        """Write the request as ``--cli-input-json`` takes it."""
        start, end = self.window
        content = {
            "MetricDataQueries": list(self.queries), "StartTime": _iso(start), "EndTime": _iso(end),
            "ScanBy": "TimestampAscending",
        }  # fmt: skip
        return json.dumps(content, ensure_ascii=True) + "\n"


def requests_of(
    functions: Sequence[str], queues: Sequence[str], window: tuple[int, int], period_s: int
) -> list[Request]:
    """Make the requests that ask for all that an import can use.

    Parameters
    ----------
    functions, queues : sequence of str
        Names.
    window : tuple of (int, int)
        First moment and end [s since 1970].
    period_s : int
        Of counts [s]; durations are asked for in one period, the whole window: percentiles of periods do not average.

    Returns
    -------
    list of Request
        At most as many queries each as a call takes; what belongs to one function stays in one call.
    """
    whole_s = window[1] - window[0]
    groups: list[list[dict[str, Any]]] = []
    for place, name in enumerate(functions):
        wanted = [("Duration", statistic, whole_s) for statistic in _DURATION]
        wanted += [(metric, "Sum", period_s) for metric in _COUNTED]
        wanted += [("AsyncEventsDropped", "Sum", whole_s), ("ConcurrentExecutions", "Maximum", whole_s)]
        dimension = [{"Name": "FunctionName", "Value": name}]
        groups.append([_query(f"f{place}", "AWS/Lambda", name, dimension, one, window) for one in wanted])
    for place, name in enumerate(queues):
        wanted = [("NumberOfMessagesSent", "Sum", period_s), ("NumberOfMessagesDeleted", "Sum", whole_s)]
        dimension = [{"Name": "QueueName", "Value": name}]
        groups.append([_query(f"s{place}", "AWS/SQS", name, dimension, one, window) for one in wanted])
    wanted = [("ConcurrentExecutions", "Maximum", whole_s), ("ClaimedAccountConcurrency", "Maximum", whole_s)]
    groups.append([_query("a", "AWS/Lambda", ACCOUNT, [], one, window) for one in wanted])
    requests: list[list[dict[str, Any]]] = [[]]
    most = limit("metric_data_queries_max").value
    for group in groups:
        if len(requests[-1]) + len(group) > most:
            requests.append([])
        requests[-1] += group
    return [Request(tuple(queries), window) for queries in requests]


def _query(
    prefix: str, namespace: str, owner: str, dimensions: list[dict[str, str]], wanted: tuple[str, str, int],
    window: tuple[int, int],
) -> dict[str, Any]:  # fmt: skip
    metric, statistic, period_s = wanted
    return {
        "Id": f"{prefix}_{metric}_{statistic.replace('.', '_')}".lower(),
        "Label": Label(owner, metric, statistic, period_s, window).text(),
        "MetricStat": {
            "Metric": {"Namespace": namespace, "MetricName": metric, "Dimensions": dimensions},
            "Period": period_s,
            "Stat": statistic,
        },
    }


def metrics_charged(requests: Iterable[Request]) -> int:
    """Count the metrics that requests are charged for: up to five statistics of a metric in one request count once."""
    total = 0
    for request in requests:
        asked: dict[tuple[str, str, int], int] = {}
        for query in request.queries:
            said = query["MetricStat"]
            key = (str(said["Metric"]["Dimensions"]), said["Metric"]["MetricName"], said["Period"])
            asked[key] = asked.get(key, 0) + 1
        total += sum(-(-number // _TOGETHER) for number in asked.values())
    return total


def pages_of(request: Request) -> int:
    """Return how many pages an answer takes at most."""
    length = request.window[1] - request.window[0]
    points = sum(-(-length // query["MetricStat"]["Period"]) for query in request.queries)
    return int(-(-points // limit("metric_data_points_max").value))


def cost_usd(metrics: int, region: str) -> Decimal:
    """Return what so many requested metrics cost [USD]."""
    charged = meter("metric_data")
    return charged.price(region).tiers[0][1] * metrics / charged.per


def _iso(moment_s: int) -> str:
    return datetime.fromtimestamp(moment_s, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def finest_period_s(age_days: float) -> int:
    """Return the shortest period that CloudWatch still has of a moment [s].

    Parameters
    ----------
    age_days : float
        How long ago the window begins.

    Examples
    --------
    >>> finest_period_s(10), finest_period_s(30), finest_period_s(100)
    (300, 300, 3600)
    """
    fine, coarse = 300, 3600
    return fine if age_days <= limit("metrics_kept_5min_days").value else coarse
