"""Answers of CloudWatch GetMetricData and GetMetricStatistics: the Invocations metric as counts per interval."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from lambdasim.errors import Fault, TraceError
from lambdasim.traffic.readers.bad_rows import checked_bad_rows
from lambdasim.traffic.readers.cells import LARGEST_COUNT
from lambdasim.traffic.readers.intervals import StepCheck, checked_interval_us
from lambdasim.traffic.readers.json_text import load_json
from lambdasim.traffic.readers.moments import MomentRule
from lambdasim.traffic.readers.source import SourceFile
from lambdasim.traffic.report import ReadLog
from lambdasim.traffic.trace import BadRows, Trace, TraceKind
from lambdasim.units import US_PER_MS, US_PER_S

if TYPE_CHECKING:
    import pandas as pd

_METRIC: Final = re.compile(r"(?<![a-z])invocations(?![a-z])")
_LATEST_S: Final = 7_258_118_400  # the year 2200
_LISTED: Final = 8
_STATISTIC: Final = "Statistic"
_COUNTING: Final = {"invocations": "Sum", "duration": "SampleCount"}
"""Which statistic of a metric of GetMetricStatistics counts invocations: each emits one Duration."""


@dataclass(frozen=True)
class _Series:
    """Results of one metric, which pages of the answer may have cut into pieces."""

    path: str
    pieces: tuple[dict[str, Any], ...]

    def points(self, log: ReadLog, bad_rows: BadRows) -> list[tuple[int, int]]:
        """Return times [µs since 1970] with counts, in order of time."""
        seen: dict[int, int] = {}
        for piece in self.pieces:
            times, values = piece.get("Timestamps"), piece.get("Values")
            where = f"{self.path}, {_title(piece)}"
            if not isinstance(times, list) or not isinstance(values, list) or len(times) != len(values):
                raise TraceError.single(where, "Timestamps", "must be a list, and Values one of equal length")
            for place, (time, value) in enumerate(zip(times, values, strict=True), start=1):
                field = "Timestamps"
                try:
                    time_us = _moment_us(time)
                    if time_us in seen:
                        raise ValueError(f"must have each time once, has {time!r:.40} again")
                    field = str(piece.get(_STATISTIC, "Values"))
                    seen[time_us] = _count(value)
                except ValueError as problem:
                    fault = Fault(f"{where}, datapoint {place}", field, str(problem))
                    if bad_rows is BadRows.ERROR:
                        raise TraceError([fault]) from None
                    log.skip(fault)
        if not seen:
            raise TraceError.single(self.path, "Timestamps", "there is no datapoint")
        return sorted(seen.items())


@dataclass(frozen=True)
class _MetricReader:
    file: SourceFile
    function: str
    label: str | None
    interval_us: int
    bad_rows: BadRows

    def read(self, log: ReadLog) -> Iterator[pd.DataFrame]:
        import pandas as pd

        content = _content(self.file, self.label)
        series = _chosen(self.file.path, content, self.label)
        points = series.points(log, self.bad_rows)
        log.rows += len(points)
        _tell(content, series, log)
        times_us, counts = np.array(points, dtype=np.int64).T
        steps = StepCheck(self.interval_us)
        steps.see(self.function, times_us)
        steps.tell(log)
        frame = pd.DataFrame({"timestamp_us": times_us, "function": self.function, "count": counts})
        yield frame.astype({"function": "str"})


def read_metric_data(
    path: str | os.PathLike[str],
    *,
    label: str | None = None,
    interval_us: int | None = None,
    function: str | None = None,
    on_bad_row: BadRows = BadRows.ERROR,
) -> Trace:
    """Read the sum of Invocations from an answer of CloudWatch GetMetricData or GetMetricStatistics.

    Parameters
    ----------
    path : path-like
        JSON of ``aws cloudwatch get-metric-data`` or ``get-metric-statistics``, plain or gzip; of the latter, Sum of
        Invocations, or SampleCount of Duration, which each invocation emits once. Timestamps are ISO 8601, or numbers of
        seconds since 1970, or of milliseconds where seconds would lie beyond the year 2200; in any order.
    label : str, optional
        ``Label`` or ``Id`` of the result to take. By default the one that says Invocations, or the only one.
    interval_us : int, optional
        Period of the metric [µs]. By default the most common step between timestamps.
    function : str, optional
        Name of the function. By default the name of the file without its endings.
    on_bad_row : BadRows
        Whether a bad datapoint is an error or is skipped and listed in ``Trace.report()``.

    Returns
    -------
    Trace
        Counts. CloudWatch has no datapoint where nothing was invoked, so a missing one counts as zero. The metric
        leaves out throttled requests. Partial data gets a warning.

    Raises
    ------
    TraceError
        When the file cannot be accepted, or says of several results as much or as little as of another.

    References
    ----------
    CloudWatch API reference, "GetMetricData", "MetricDataResult" and "GetMetricStatistics"; AWS Lambda Developer
    Guide, "Types of metrics for Lambda functions"; seen November 2026.
    """
    file = SourceFile.at(path)
    bad_rows = checked_bad_rows(file.path, on_bad_row)
    content = _content(file, label)
    series = _chosen(file.path, content, label)
    _tell(content, series, ReadLog())
    times_us = np.array([time_us for time_us, _ in series.points(ReadLog(), bad_rows)], dtype=np.int64)
    step_us = checked_interval_us(file.path, interval_us, [times_us])
    reader = _MetricReader(file, function or file.stem, label, step_us, bad_rows)
    columns = ("timestamp_us", "function", "count")
    return Trace(TraceKind.COUNTS, file.provenance("metric_data"), step_us, columns, reader)


def _content(file: SourceFile, label: str | None) -> dict[str, Any]:
    content = load_json(file)
    if isinstance(content, dict) and "Datapoints" in content:
        return _statistics(file.path, content, label)
    results = content.get("MetricDataResults") if isinstance(content, dict) else None
    if not isinstance(results, list) or not all(isinstance(result, dict) for result in results):
        raise TraceError.single(file.path, "MetricDataResults", "must be an object with a list of results")
    return dict(content)


def _statistics(path: str, content: dict[str, Any], label: str | None) -> dict[str, Any]:
    """Turn an answer of GetMetricStatistics into the form of GetMetricData."""
    points, metric = content["Datapoints"], str(content.get("Label", ""))
    if not isinstance(points, list) or not all(isinstance(point, dict) for point in points):
        raise TraceError.single(path, "Datapoints", "must be a list of objects")
    statistic = _COUNTING.get(metric.lower()) or ("Sum" if label == metric else None)
    if statistic is None:
        allowed = f"must be Invocations or Duration, or be chosen by its name, got {metric[:40]!r}"
        raise TraceError.single(path, "Label", allowed)
    if points and not any(statistic in point for point in points):
        seen = ", ".join(sorted({name[:20] for point in points for name in point} - {"Timestamp", "Unit"}))
        allowed = f"must have the statistic {statistic}, which counts invocations; there is {seen or 'none'}"
        raise TraceError.single(path, "Datapoints", allowed)
    result = {
        "Label": metric,
        _STATISTIC: statistic,
        "Timestamps": [point.get("Timestamp") for point in points],
        "Values": [point.get(statistic) for point in points],
    }
    return {"MetricDataResults": [result]}


def _chosen(path: str, content: dict[str, Any], label: str | None) -> _Series:
    results: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for result in content["MetricDataResults"]:
        results.setdefault((str(result.get("Id", "")), str(result.get("Label", ""))), []).append(result)
    found = _named(list(results), label)
    if len(found) == 1:
        return _Series(path, tuple(results[found[0]]))
    titles = [_title(pieces[0]) for names, pieces in results.items() if not found or names in found]
    more = f" and {len(titles) - _LISTED} more" if len(titles) > _LISTED else ""
    wanted = "that says Invocations" if label is None else f"called {label[:40]!r}"
    raise TraceError.single(
        path,
        "label",
        f"must name one result; {len(found)} {wanted}, among {'; '.join(titles[:_LISTED])}{more}",
    )


def _named(results: list[tuple[str, str]], label: str | None) -> list[tuple[str, str]]:
    if label is not None:
        return [names for names in results if label in names]
    if len(results) == 1:
        return results
    exact = [names for names in results if "invocations" in (name.lower() for name in names)]
    return exact or [names for names in results if any(_METRIC.search(name.lower()) for name in names)]


def _title(result: dict[str, Any]) -> str:
    return f"Id {str(result.get('Id', ''))[:40]!r} Label {str(result.get('Label', ''))[:40]!r}"


def _tell(content: dict[str, Any], series: _Series, log: ReadLog) -> None:
    status = series.pieces[-1].get("StatusCode", "Complete")
    if status == "PartialData":
        log.warn("StatusCode is PartialData: CloudWatch had more datapoints than are in the file")
    elif status != "Complete":
        raise TraceError.single(
            series.path, "StatusCode", f"must be Complete or PartialData, got {status!r:.40}"
        )
    if content.get("NextToken"):
        log.warn("there is a NextToken: the answer had more pages than are in the file")


def _moment_us(time: object) -> int:
    if isinstance(time, str):
        return MomentRule().one(time)
    if isinstance(time, bool) or not isinstance(time, int | float):
        raise ValueError(f"must be ISO 8601 text or a number since 1970, got {time!r:.40}")
    time_us = round(time * US_PER_S) if time < _LATEST_S else round(time * US_PER_MS)
    if not 0 <= time_us < _LATEST_S * US_PER_S:
        raise ValueError(f"must lie in the years 1970 to 2200, got {time!r:.40}")
    return time_us


def _count(value: object) -> int:
    number = value if isinstance(value, int | float) and not isinstance(value, bool) else -1
    if not 0 <= number <= LARGEST_COUNT or number != int(number):
        raise ValueError(f"must be a whole number from 0 to {LARGEST_COUNT:,}, got {value!r:.40}")
    return int(number)
