"""Series of GetMetricData answers, put together from pages and files by what their labels say."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

from lambdasim.catalog import limit
from lambdasim.errors import TemplateError
from lambdasim.templates.account.answers import Answers, Item, Kind
from lambdasim.templates.account.metrics.labels import Label, label_of_query, parsed_label
from lambdasim.templates.cloudformation.stack import Notes
from lambdasim.templates.found import Remark
from lambdasim.wording import clipped, count, number

_EARLIEST_S: Final = 1_388_534_400  # the year 2014, in which Lambda began
_LATEST_S: Final = 7_258_118_400  # the year 2200
_DENSE: Final = 0.5
_DAY_S: Final = 86_400
_MS_PER_S: Final = 1000
_COUNTS: Final = ("Sum", "SampleCount")
_SUMS: Final = (*_COUNTS, "Maximum")
_WHOLE: Final = 0.99
_RETENTION: Final = ((300, "metrics_kept_1min_days"), (3600, "metrics_kept_5min_days"))
"""Periods below this length [s] are kept for so many days."""
Points = dict[int, float]
"""Values by the first second of their period [s since 1970]."""


@dataclass(frozen=True)
class Key:
    """Which series.

    Attributes
    ----------
    owner, metric, statistic : str
    period_s : int
    """

    owner: str
    metric: str
    statistic: str
    period_s: int


@dataclass
class MetricStore:
    """Every series of an export.

    Attributes
    ----------
    series : dict of Key to Points
        Also those without a point: CloudWatch has none where nothing happened.
    window : tuple of (int, int) or None
        What the metrics are about, first moment and end [s since 1970].
    """

    series: dict[Key, Points] = field(default_factory=dict)
    window: tuple[int, int] | None = None
    _by_owner: dict[str, dict[str, list[Key]]] = field(default_factory=dict)

    def add(self, label: Label) -> Points:
        """Return the points of a label, to be filled; those of one version stay apart from the function's."""
        owner = label.owner
        key = Key(owner, label.metric, label.statistic, label.period_s)
        if key not in self.series:
            self.series[key] = {}
            self._by_owner.setdefault(owner, {}).setdefault(label.metric, []).append(key)
        return self.series[key]

    def keys(self, owner: str, metric: str, statistic: str) -> list[Key]:
        """Return the series of a statistic, the shortest period first."""
        found = [key for key in self._by_owner.get(owner, {}).get(metric, ()) if key.statistic == statistic]
        return sorted(found, key=lambda key: key.period_s)

    def finest(self, owner: str, metric: str, statistic: str = "Sum") -> tuple[int, Points] | None:
        """Return period [s] and points of the most detailed series that counts everything, as older ones do alone.

        CloudWatch keeps short periods for days and longer ones for months, so those may have more of the window.
        """
        keys = self.keys(owner, metric, statistic)
        sums = [math.fsum(self.series[key].values()) for key in keys]
        least = _WHOLE * max(sums, default=0.0) if statistic in _COUNTS else 0.0
        whole = [key for key, held in zip(keys, sums, strict=True) if self.series[key] and held >= least]
        best = next(iter(whole or keys), None)
        return None if best is None else (best.period_s, self.series[best])

    def total(self, owner: str, metric: str) -> float | None:
        """Return the sum of a metric over the window; None where it was not asked for."""
        found = self.finest(owner, metric)
        return None if found is None else math.fsum(found[1].values())

    def most(self, owner: str, metric: str) -> float | None:
        """Return the greatest maximum of a metric; None where there is none."""
        values = [value for key in self.keys(owner, metric, "Maximum") for value in self.series[key].values()]
        return max(values, default=None)

    def has(self, owner: str) -> bool:
        """Return whether anything was asked about an owner."""
        return owner in self._by_owner

    def statistics(self, owner: str, metric: str) -> dict[int, dict[str, Points]]:
        """Return the points of a metric by period and statistic."""
        found: dict[int, dict[str, Points]] = {}
        for key in self._by_owner.get(owner, {}).get(metric, ()):
            found.setdefault(key.period_s, {})[key.statistic] = self.series[key]
        return found

    def owners(self) -> list[str]:
        """Return every owner."""
        return list(self._by_owner)


def read_metrics(answers: Answers, notes: Notes) -> MetricStore:
    """Put the series of an export together.

    Parameters
    ----------
    answers : Answers
        Results are known by their labels, else by the queries where their file is in the export too.
    notes : Notes
        Is given what is partial or contradicts itself.

    Returns
    -------
    MetricStore

    Raises
    ------
    TemplateError
        Where no result says itself or by a query what it is, or one has a value that is none.
    """
    store = MetricStore()
    queries = _queries(answers)
    windows: list[tuple[int, int]] = []
    status: dict[tuple[str, str], set[str]] = {}
    labels: dict[tuple[str, str], Label] = {}
    differing: dict[str, str] = {}
    foreign: list[TemplateError] = []
    for item in answers.of(Kind.METRICS):
        id_, shown = str(item.data.get("Id", "")), str(item.data.get("Label", ""))
        label = parsed_label(item.data.get("Label")) or queries.get(id_)
        if label is None:
            told = (
                f"{clipped(shown, 60)!r} does not say which function, metric, statistic and period it is, and CloudWatch "
                "repeats none of them; lambdasim import aws --commands prints queries whose labels do"
            )
            foreign.append(TemplateError.single(item.file, "Label", told))
            continue
        if label.window is not None:
            windows.append(label.window)
        status.setdefault((id_, label.text()), set()).add(str(item.data.get("StatusCode", "Complete")))
        labels[id_, label.text()] = label
        points = store.add(label)
        for time_s, value in _points(item):
            known = points.get(time_s)
            if known is not None and known != value:
                differing.setdefault(f"{label.owner} {label.metric}", item.file)
            counts = known is not None and label.statistic in _SUMS
            points[time_s] = max(known or 0.0, value) if counts else value
    if foreign and not status:
        raise foreign[0]
    if foreign:
        first = foreign[0].faults[0].message
        notes.warnings.append(
            Remark("get-metric-data", f"{count(len(foreign), 'series', 'series')} left out: {first}")
        )
    partial = [labels[key] for key, codes in status.items() if codes == {"PartialData"}]
    for owner, file in list(differing.items())[:10]:
        told = (
            f"has two values for one moment, the second in {clipped(file, 60)}; of counts the larger is taken"
        )
        notes.warnings.append(Remark(clipped(owner, 100), told))
    store.window = _kept(store, _whole_part(store, _window(store, windows), partial, notes), notes)
    kept = limit("metrics_kept_1h_days").value
    if store.window is not None and store.window[1] - store.window[0] > kept * _DAY_S:
        days = (store.window[1] - store.window[0]) // _DAY_S
        told = f"lie {days:,} days apart, and CloudWatch keeps {kept:,}: files of different times are mixed"
        raise TemplateError.single(answers.of(Kind.METRICS)[0].file, "Timestamps", told)
    return store


def _whole_part(
    store: MetricStore, window: tuple[int, int] | None, partial: list[Label], notes: Notes
) -> tuple[int, int] | None:
    """Leave out the part of a window for which series that are cut off have no points, since others go on counting.

    At least a day must remain. If less does, the cut series are taken as they are, with a note.
    """
    if window is None or not partial:
        return window
    ends = count(len(partial), "series ends", "series end")
    told = f"{ends} with PartialData: CloudWatch had more points than are in the files"
    # Of a series with gaps the last point says little of how far its page goes.
    reached = [
        (first, last)
        for label in partial
        if label.period_s < _DAY_S and (points := store.add(label))
        for first, last in [(min(points), max(points) + label.period_s)]
        if len(points) * label.period_s >= _DENSE * (last - first)
    ]
    whole = window
    if reached:
        first, last = max(first for first, _ in reached), min(last for _, last in reached)
        whole = (window[0], last) if window[1] - last >= first - window[0] else (first, window[1])
    if not reached or whole[1] - whole[0] < _DAY_S:
        notes.warnings.append(Remark("get-metric-data", f"{told}, so traffic and bill are too low"))
        return window
    for key, points in store.series.items():
        if key.period_s < _DAY_S:
            for moment in [moment for moment in points if not whole[0] <= moment < whole[1]]:
                del points[moment]
    days = number((whole[1] - whole[0]) / _DAY_S)
    used = f"{told}: only the {days} days are used that every series has; give all pages"
    notes.warnings.append(Remark("get-metric-data", used))
    return whole


def _kept(store: MetricStore, window: tuple[int, int] | None, notes: Notes) -> tuple[int, int] | None:
    """Leave out the days of a window for which CloudWatch no longer had counts of a period so short."""
    counted = [
        found
        for owner in store.owners()
        if (found := store.finest(owner, "Invocations")) is not None and found[1]
    ]
    if window is None or not counted:
        return window
    periods = [period_s for period_s, _ in counted]
    kept = next((limit(name).value for longest, name in _RETENTION if max(periods) < longest), None)
    first = min(min(points) for _, points in counted)
    if kept is None or window[0] >= window[1] - kept * _DAY_S or first < window[1] - kept * _DAY_S:
        return window
    days = (window[1] - window[0]) // _DAY_S
    told = (
        f"counts of every {max(periods)} s were asked for over {days} days, and CloudWatch keeps those for {kept}: the "
        "days before are left out; a longer Period has them"
    )
    notes.warnings.append(Remark("get-metric-data", told))
    return window[1] - kept * _DAY_S, window[1]


def _queries(answers: Answers) -> dict[str, Label]:
    """Return what each query asks for by its id; an id that two files use for two things says nothing."""
    found: dict[str, Label | None] = {}
    for item in answers.of(Kind.QUERIES):
        window = _window_of(item.data)
        for query in item.data.get("MetricDataQueries") or [item.data]:
            label = label_of_query(query, window)
            if isinstance(query, dict) and isinstance(query.get("Id"), str) and label is not None:
                known = found.get(query["Id"], label)
                found[query["Id"]] = label if known == label else None
    return {id_: label for id_, label in found.items() if label is not None}


def _window_of(data: dict[str, Any]) -> tuple[int, int] | None:
    try:
        start, end = _moment_s(data["StartTime"]), _moment_s(data["EndTime"])
    except (KeyError, ValueError):
        return None
    return (start, end) if start < end else None


def _points(item: Item) -> Iterator[tuple[int, float]]:
    times, values = item.data.get("Timestamps"), item.data.get("Values")
    if not isinstance(times, list) or not isinstance(values, list) or len(times) != len(values):
        raise TemplateError.single(item.file, "Timestamps", "must be a list, and Values one of equal length")
    for time, value in zip(times, values, strict=True):
        try:
            moment = _moment_s(time)
        except ValueError as problem:
            raise TemplateError.single(item.file, "Timestamps", str(problem)) from None
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 1e18:
            raise TemplateError.single(
                item.file, "Values", f"must be numbers from 0 to 10^18, got {clipped(repr(value), 40)}"
            )
        yield moment, float(value)


def _moment_s(time: Any) -> int:
    """Read a moment as either version of the CLI writes it [s since 1970]."""
    if isinstance(time, str):
        try:
            moment = datetime.fromisoformat(time)
        except ValueError:
            raise ValueError(f"must be ISO 8601 or seconds since 1970, got {clipped(time, 40)}") from None
        time = (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
    if isinstance(time, bool) or not isinstance(time, int | float):
        raise ValueError(f"must be ISO 8601 or seconds since 1970, got {clipped(time, 40)}")
    seconds = time if time < _LATEST_S else time / _MS_PER_S
    if not _EARLIEST_S <= seconds < _LATEST_S:
        raise ValueError(f"must lie in the years 2014 to 2200, got {clipped(time, 40)}")
    return int(seconds)


def _window(store: MetricStore, windows: list[tuple[int, int]]) -> tuple[int, int] | None:
    """Return what the metrics are about: as their queries say, else first point to the end of the last period."""
    if windows:
        return min(start for start, _ in windows), max(end for _, end in windows)
    starts = [min(points) for points in store.series.values() if points]
    ends = [max(points) + key.period_s for key, points in store.series.items() if points]
    return (min(starts), max(ends)) if starts else None
