"""Statistics of runs by function: Logs Insights over REPORT lines, Lambda Insights, and Compute Optimizer."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from lambdasim.catalog import limit
from lambdasim.templates.account.answers import Answers, Item, Kind
from lambdasim.templates.account.arns import function_of
from lambdasim.templates.account.metrics.duration_law import Statistics, percentiles_of
from lambdasim.templates.cloudformation.stack import Notes
from lambdasim.templates.cloudformation.values import at
from lambdasim.templates.found import Remark
from lambdasim.wording import clipped, count

_LOG_GROUP: Final = "/aws/lambda/"
_CONFIGURED: Final = (Kind.FUNCTIONS, Kind.CONFIGURATION)
_OTHER: Final = re.compile(r"[^a-z0-9]")
_MS_PER_S: Final = 1000
_DAY_S: Final = 86_400
_RAW: Final = frozenset({"@duration", "@message", "@billedDuration"})


@dataclass(frozen=True)
class RunStatistics:
    """What is known of a function's runs from elsewhere than its metrics.

    Attributes
    ----------
    durations : Statistics or None
    source : str
        Where they come from, for comments.
    runs, cold : float or None
        Runs, and cold ones with an INIT.
    init_ms : tuple of (float, float) or None
        Median and 95th percentile [ms].
    used_mb : float or None
        The most memory that a run used [MB].
    billed_ms : float or None
        Mean billed duration, INIT included [ms].
    cpu_ms : float or None
        Mean CPU time of a run, with ``cpu_of_ms``, the mean duration beside it [ms].
    cpu_of_ms : float or None
    days : float or None
        Length of time in which ``runs`` were counted [days].
    """

    durations: Statistics | None = None
    source: str = ""
    runs: float | None = None
    cold: float | None = None
    init_ms: tuple[float, float] | None = None
    used_mb: float | None = None
    billed_ms: float | None = None
    cpu_ms: float | None = None
    cpu_of_ms: float | None = None
    days: float | None = None


def run_statistics(answers: Answers, notes: Notes) -> dict[str, RunStatistics]:
    """Read what logs and Compute Optimizer say, by function.

    Parameters
    ----------
    answers : Answers
    notes : Notes
        Is given answers that are no statistics.

    Returns
    -------
    dict of str to RunStatistics
        Where several speak of a function, logs come before Compute Optimizer.
    """
    found = {}
    groups = _own_groups(answers)
    for item in answers.of(Kind.OPTIMIZER):
        owner = function_of(_plain(item).get("functionarn"))
        if owner is not None:
            found[owner.name] = _of_optimizer(item)
    for item in answers.of(Kind.STATISTICS):
        if str(item.data.get("status", "Complete")) in (
            "Running",
            "Scheduled",
            "Failed",
            "Cancelled",
            "Timeout",
        ):
            told = f"its query is {clipped(item.data['status'], 20)}: ask for the results again when it is complete"
            notes.warnings.append(Remark(clipped(item.file, 120), told))
        for row in _rows(item):
            if _RAW & set(row) and "n" not in row:
                told = "has rows of runs and no statistics by function; lambdasim calibrate reads those"
                notes.warnings.append(Remark(clipped(item.file, 120), told))
                break
            name = _named(row, groups, item, notes)
            if name is not None:
                found[name] = _joined(found.get(name), _of_logs(row))
    return found


def _rows(item: Item) -> Iterator[dict[str, str]]:
    """Give the rows of a query's results, whose values are text; a field without value is left out."""
    results = item.data.get("results")
    if not isinstance(results, list):
        yield {str(key): str(value) for key, value in item.data.items() if value not in (None, "")}
        return
    for row in results:
        if isinstance(row, list):
            yield {
                str(cell["field"]): str(cell["value"])
                for cell in row
                if isinstance(cell, dict) and "field" in cell and cell.get("value") not in (None, "")
            }


def _own_groups(answers: Answers) -> dict[str, set[str]]:
    """Return the functions that log into each group, of groups that functions name themselves."""
    groups: dict[str, set[str]] = {}
    inner = (item.data.get("Configuration") for item in answers.of(Kind.FUNCTION))
    for data in (*(one.data for kind in _CONFIGURED for one in answers.of(kind)), *inner):
        group = at(data, "LoggingConfig", "LogGroup")
        name = function_of(at(data, "FunctionArn")) or function_of(at(data, "FunctionName"))
        if isinstance(group, str) and name is not None:
            groups.setdefault(group, set()).add(name.name)
    return groups


def _named(row: Mapping[str, str], groups: Mapping[str, set[str]], item: Item, notes: Notes) -> str | None:
    """Return the function that a row is about; a group of several functions says nothing of any."""
    group = row.get("@log") or row.get("log")
    if not group:
        return row.get("function_name")
    group = group.partition(":")[2] or group
    owners = groups.get(group, set())
    if len(owners) == 1:
        return next(iter(owners))
    if not owners and group.startswith(_LOG_GROUP):
        return group.removeprefix(_LOG_GROUP)
    if row.get("function_name"):
        return row["function_name"]
    whose = (
        f"{count(len(owners), 'function')} log into it" if owners else "no function of the files logs into it"
    )
    told = f"its rows of log group {clipped(group, 60)} are left out: {whose}"
    notes.warnings.append(Remark(clipped(item.file, 120), told))
    return None


def _of_logs(row: Mapping[str, str]) -> RunStatistics:
    mean, low, high = _number(row, "mean"), _number(row, "low"), _number(row, "hi")
    count = _number(row, "n")
    known = {
        key: value
        for key in row
        if re.fullmatch(r"p[0-9.]+", key) and (value := _number(row, key)) is not None
    }
    durations = None
    if mean is not None or known:
        durations = Statistics(mean, low, high, percentiles_of(known), count or 1.0)
    median, tail = _number(row, "init50"), _number(row, "init95")
    longest_ms = limit("timeout_max_s").value * _MS_PER_S
    init = (median, tail if tail is not None else median) if median is not None else None
    if init is not None and max(init) > longest_ms:
        init = None
    first, last = _number(row, "first"), _number(row, "last")
    window = (
        (int(first / _MS_PER_S), int(last / _MS_PER_S)) if first is not None and last is not None else None
    )
    days = (window[1] - window[0]) / _DAY_S if window is not None and window[1] > window[0] else None
    return RunStatistics(
        durations, "Logs Insights", count, _number(row, "cold"), init, _number(row, "used"), _number(row, "billed"),
        _number(row, "cpu"), mean if "cpu" in row else None, days,
    )  # fmt: skip


def _joined(known: RunStatistics | None, other: RunStatistics) -> RunStatistics:
    """Put two sources together; what the second has counts, except Lambda Insights' durations, which are of a sample."""
    if known is None:
        return other
    if other.cpu_ms is not None and known.durations is not None and known.cpu_ms is None:
        return replace(known, cpu_ms=other.cpu_ms, cpu_of_ms=other.cpu_of_ms)
    said = {
        name: value
        for name in known.__dataclass_fields__
        if (value := getattr(other, name)) not in (None, "")
    }
    return replace(known, **said)


def _of_optimizer(item: Item) -> RunStatistics:
    plain = _plain(item)
    mean = _value(plain.get("utilizationmetricsdurationaverage"))
    high = _value(plain.get("utilizationmetricsdurationmaximum"))
    used = _value(plain.get("utilizationmetricsmemorymaximum"))
    metrics = item.data.get("utilizationMetrics")
    for one in metrics if isinstance(metrics, list) else ():
        if isinstance(one, dict):
            kind, statistic = str(one.get("name", "")).lower(), str(one.get("statistic", "")).lower()
            value = _value(one.get("value"))
            if kind == "duration" and statistic == "average":
                mean = value
            elif kind == "duration" and statistic == "maximum":
                high = value
            elif kind == "memory" and statistic == "maximum":
                used = value
    runs, days = _value(plain.get("numberofinvocations")), _value(plain.get("lookbackperiodindays"))
    durations = Statistics(mean, None, high, (), runs or 1.0) if mean is not None else None
    return RunStatistics(durations, "Compute Optimizer", runs, used_mb=used, days=days)


def _plain(item: Item) -> dict[str, Any]:
    """Return an answer's values under names without what differs between JSON and CSV."""
    return {_OTHER.sub("", str(key).lower()): value for key, value in item.data.items()}


def _number(row: Mapping[str, str], key: str) -> float | None:
    return _value(row.get(key))


def _value(said: Any) -> float | None:
    try:
        value = float(said)
    except (TypeError, ValueError):
        return None
    return value if math.isfinite(value) and value >= 0 else None
