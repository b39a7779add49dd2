"""What was measured of each function: arrivals, durations, failures, INIT, CPU time; and what CloudWatch counted."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any, Final

from lambdasim.catalog import limit, retry_rule
from lambdasim.catalog.retries import InvocationKind
from lambdasim.templates.account.log_statistics import RunStatistics
from lambdasim.templates.account.metrics.duration_law import (
    Statistics,
    duration_table,
    percentiles_of,
    without_timeouts,
)
from lambdasim.templates.account.metrics.series import MetricStore, Points
from lambdasim.templates.cloudformation.stack import Notes
from lambdasim.templates.found import FoundFunction, FoundMeasured, FoundSource, Remark
from lambdasim.templates.writing.sources import main_source

_MS_PER_S: Final = 1000
_PERIOD_S: Final = 300
_DAY_S: Final = 86_400
_HALF: Final = 0.5
_SOME: Final = 0.1
_ALONE: Final = 1.05
_ERROR_RETRIES: Final = 2


def measured_function(
    function: FoundFunction,
    store: MetricStore,
    logs: RunStatistics | None,
    window: tuple[int, int] | None,
    notes: Notes,
) -> FoundFunction:
    """Give a function what was measured of it.

    Parameters
    ----------
    function : FoundFunction
        With its sources.
    store : MetricStore
    logs : RunStatistics or None
    window : tuple of (int, int) or None
        What is simulated [s since 1970]; a rate that was counted elsewhere is spread over it.
    notes : Notes
        Is given statistics that contradict one another.

    Returns
    -------
    FoundFunction
        Unchanged where nothing was measured. Sources that the counts rule out come last: callers that wait where every
        event was asynchronous, and the other way round.
    """
    name = function.name
    if not store.has(name) and logs is None:
        return function
    invocations = _invocations(store, name)
    errors = store.total(name, "Errors")
    share = min(errors / invocations, 1.0) if errors and invocations else 0.0
    function = _agreeing(function, store, invocations)
    measured = _durations(function, store, logs, share if errors is not None else 1.0, notes)
    measured = replace(measured, error_probability=max(share - measured.timeout_probability, 0.0))
    measured = _of_logs(measured, function, logs, notes)
    measured = _arrivals(measured, function, store, invocations, share)
    if (
        measured.counts is None
        and logs is not None
        and logs.runs is not None
        and logs.days
        and window is not None
    ):
        measured = _spread(measured, logs.runs / logs.days, window, logs.source)
    return replace(_with_shards(function, store), measured=measured)


def _invocations(store: MetricStore, name: str) -> float | None:
    total = store.total(name, "Invocations")
    if total is None:
        found = store.finest(name, "Duration", "SampleCount")
        total = math.fsum(found[1].values()) if found else None
    return total


def _agreeing(function: FoundFunction, store: MetricStore, invocations: float | None) -> FoundFunction:
    """Put the sources first whose kind the count of asynchronous events agrees with."""
    received = store.total(function.name, "AsyncEventsReceived")
    if received is None or not invocations:
        return function
    asynchronous = received >= _HALF * invocations
    kinds = {
        source: retry_rule("async" if source.asynchronous else source.type).kind
        for source in function.sources
    }
    polled = (InvocationKind.QUEUE, InvocationKind.STREAM)
    wanted = InvocationKind.ASYNCHRONOUS if asynchronous else InvocationKind.SYNCHRONOUS
    if not asynchronous and any(kind in polled for kind in kinds.values()):
        return function
    kept = tuple(source for source in function.sources if kinds[source] is wanted)
    if kept == function.sources and kept:
        return function
    if kept:
        gone = tuple(source for source in function.sources if source not in kept)
        said = ", ".join(source.label for source in gone)
        told = f"{said}: may call it and hardly does, by the count of asynchronous events"
        return replace(function, sources=kept, notes=(*function.notes, told))
    source = FoundSource("async", "asynchronous events") if asynchronous else FoundSource("sdk", "calls")
    return replace(function, sources=(source, *(one for one in function.sources if kinds[one] in polled)))


def _durations(
    function: FoundFunction, store: MetricStore, logs: RunStatistics | None, errors: float, notes: Notes
) -> FoundMeasured:
    periods, source = _periods(store, function.name), "CloudWatch's Duration"
    if not periods and logs is not None and logs.durations is not None:
        periods, source = [logs.durations], logs.source
    if not periods:
        return FoundMeasured()
    timeout_ms = float(function.timeout_s * _MS_PER_S)
    left, timeouts = without_timeouts(periods, timeout_ms, errors)
    if not left:
        return FoundMeasured(timeout_probability=timeouts, durations_ms=(timeout_ms,), durations_from=source)
    table, is_off = duration_table(left)
    if is_off:
        told = "percentiles, extremes and mean of Duration contradict one another; the mean is kept"
        notes.warnings.append(Remark(function.name, told))
    known = sum(len(one.percentiles) for one in left)
    source += f", {len(left)} periods mixed by their counts" if len(left) > 1 else ""
    source += "" if known else "; only its mean is known, so an exponential law is assumed"
    return FoundMeasured(
        durations_ms=tuple(float(value) for value in table),
        durations_from=source,
        timeout_probability=timeouts,
    )


def _periods(store: MetricStore, name: str) -> list[Statistics]:
    """Return what is known of durations, by period: those of the period length that has most percentiles."""
    by_period = store.statistics(name, "Duration")
    rich = sorted(
        by_period,
        key=lambda period: (
            sum(key.startswith("p") for key in by_period[period]),
            "Average" in by_period[period],
            period,
        ),
    )
    for period in reversed(rich):
        said = by_period[period]
        times = sorted({time for points in said.values() for time in points})
        counts = said.get("SampleCount") or _counts_by(store, name, period, times)
        found = []
        for time in times:
            values = {key: points[time] for key, points in said.items() if time in points}
            mean, known = values.get("Average"), percentiles_of(values)
            if mean is not None or known:
                found.append(
                    Statistics(
                        mean, values.get("Minimum"), values.get("Maximum"), known, counts.get(time, 1.0)
                    )
                )
        if found:
            return found
    return []


def _counts_by(store: MetricStore, name: str, period: int, times: list[int]) -> Points:
    """Add Invocations up to longer periods, where the number of samples was not asked for."""
    found = store.finest(name, "Invocations")
    if found is None:
        return {}
    return {
        time: math.fsum(value for at, value in found[1].items() if time <= at < time + period)
        for time in times
    }


def _of_logs(
    measured: FoundMeasured, function: FoundFunction, logs: RunStatistics | None, notes: Notes
) -> FoundMeasured:
    if logs is None:
        return measured
    used = logs.used_mb
    if used is not None and used >= function.memory_mb:
        told = f"a run used {used:,.0f} MB of {function.memory_mb:,}: runs may end out of memory"
        notes.warnings.append(Remark(function.name, told))
        used = None
    share = None
    if logs.cpu_ms is not None and logs.cpu_of_ms:
        stretch = max(1.0, limit("memory_per_vcpu_mb").value / function.memory_mb)
        share = min(logs.cpu_ms * stretch / logs.cpu_of_ms, 1.0)
    return replace(measured, init_ms=logs.init_ms, memory_used_mb=used, cpu_share=share)


def _arrivals(
    measured: FoundMeasured,
    function: FoundFunction,
    store: MetricStore,
    invocations: float | None,
    errors: float,
) -> FoundMeasured:
    """Count what arrived: messages, asynchronous events, or calls with those that were refused."""
    name = function.name
    main = main_source(function)
    kind = InvocationKind.SYNCHRONOUS
    if main is not None:
        kind = retry_rule("async" if main.asynchronous else main.type).kind
    runs = store.finest(name, "Invocations") or store.finest(name, "Duration", "SampleCount")
    if runs is None:
        return measured
    if kind in (InvocationKind.QUEUE, InvocationKind.STREAM):
        assert main is not None  # noqa: S101 - a kind comes from a source
        return _items(measured, store, main, runs, invocations or 0.0, errors)
    received = store.finest(name, "AsyncEventsReceived")
    retries = function.retry_attempts if function.retry_attempts is not None else _ERROR_RETRIES
    attempts = sum(errors**k for k in range(max(retries, 0) + 1))
    if kind is InvocationKind.ASYNCHRONOUS:
        if received is not None and any(received[1].values()):
            total = math.fsum(received[1].values())
            beside = max((invocations or 0.0) - total * attempts, 0.0)
            factor = (total + beside) / total if beside > _SOME * (invocations or 0.0) else 1.0
            more = ", with the synchronous calls beside them" if factor > 1 else ""
            return _counted(measured, received, f"AsyncEventsReceived{more}", factor)
        return _counted(measured, runs, "Invocations, less retries of those with an error", 1 / attempts)
    refused = store.finest(name, "Throttles")
    counts = dict(runs[1])
    first = min(counts, default=0)
    for time, value in refused[1].items() if refused is not None else ():
        begin = time - (time - first) % runs[0]
        counts[begin] = counts.get(begin, 0.0) + value
    return replace(_counted(measured, (runs[0], counts), "Invocations and Throttles"), repeats_counted=True)


def _items(
    measured: FoundMeasured,
    store: MetricStore,
    source: FoundSource,
    runs: tuple[int, Points],
    invocations: float,
    errors: float,
) -> FoundMeasured:
    """Count messages where each has an invocation of its own; else let one stand for each batch.

    Batches of the simulation come from how messages gather, which counts do not show: with as many batches as CloudWatch
    counted, requests and durations are billed as they were.
    """
    origin = source.queue.name if source.queue is not None else source.label.split(" ", 1)[-1]
    sent = store.finest(origin, "NumberOfMessagesSent") or store.finest(origin, "IncomingRecords")
    done = store.total(origin, "NumberOfMessagesDeleted")
    batch = ""
    if sent is not None and any(sent[1].values()):
        messages = done or math.fsum(sent[1].values())
        each = messages / invocations if invocations else 1.0
        if each <= _ALONE:
            counted = "NumberOfMessagesSent" if source.type == "sqs" else "IncomingRecords"
            return _counted(measured, sent, f"{counted} of {origin}")
        batch = f" of {each:,.1f}"
    most = source.queue.max_receives if source.queue is not None else None
    tries = (
        (1 - errors**most) / (1 - errors)
        if most and errors < 1
        else 1 / (1 - errors)
        if errors < 1
        else most or 1
    )
    told = f"Invocations, a message for each batch{batch}" + (", less those received again" if errors else "")
    return replace(_counted(measured, runs, told, 1 / tries), one_for_batch=True)


def _spread(measured: FoundMeasured, per_day: float, window: tuple[int, int], source: str) -> FoundMeasured:
    """Spread a rate evenly over the time that is simulated."""
    each = per_day * _PERIOD_S / _DAY_S
    even = dict.fromkeys(range(window[0], window[1], _PERIOD_S), each)
    counts = tuple(_whole_counts(even, 1.0))
    return replace(
        measured, counts=counts, interval_s=_PERIOD_S, counted=f"runs a day by {source}, spread evenly"
    )


def _counted(
    measured: FoundMeasured, series: tuple[int, Points], counted: str, factor: float = 1.0
) -> FoundMeasured:
    return replace(
        measured, counts=tuple(_whole_counts(series[1], factor)), interval_s=series[0], counted=counted
    )


def _whole_counts(points: Mapping[int, float], factor: float) -> Iterable[tuple[int, int]]:
    """Give whole counts whose sum is that of the values to within a half."""
    carried = 0.0
    for time in sorted(points):
        carried += points[time] * factor
        whole = math.floor(carried + _HALF)
        if whole > 0:
            carried -= whole
            yield time, whole


def _with_shards(function: FoundFunction, store: MetricStore) -> FoundFunction:
    """Take as many shards for a stream as it had batches at the same time, where nobody says how many there are."""
    peak = store.most(function.name, "ConcurrentExecutions")
    if not peak:
        return function
    sources = tuple(
        replace(one, shards=max(1, math.ceil(peak / (one.parallelization or 1))))
        if one.type in ("kinesis", "dynamodb") and one.shards is None
        else one
        for one in function.sources
    )
    return replace(function, sources=sources) if sources != function.sources else function


def counted_by_cloudwatch(
    functions: Iterable[FoundFunction], store: MetricStore, logs: Mapping[str, RunStatistics]
) -> dict[str, dict[str, Any]]:
    """Return what CloudWatch counted of each function, to be held beside a simulation.

    Parameters
    ----------
    functions : iterable of FoundFunction
    store : MetricStore
    logs : mapping of str to RunStatistics

    Returns
    -------
    dict of str to dict
        Of those that were asked about: ``invocations``, ``errors``, ``throttles``, ``duration_ms`` (sum, without INIT),
        ``peak_concurrency``, ``async_dropped``, ``cold_share``, ``billed_ms`` (mean of a run, INIT included).
    """
    found: dict[str, dict[str, Any]] = {}
    for one in functions:
        name, row = one.name, {}
        invocations = _invocations(store, name)
        if invocations is not None:
            row["invocations"] = invocations
        for metric, key in (
            ("Errors", "errors"),
            ("Throttles", "throttles"),
            ("AsyncEventsDropped", "async_dropped"),
        ):
            total = store.total(name, metric)
            if total is not None:
                row[key] = total
        mean = _mean_duration(_periods(store, name))
        if mean is not None and invocations is not None:
            row["duration_ms"] = mean * invocations
        elif invocations == 0:
            row["duration_ms"] = 0.0
        peak = store.most(name, "ConcurrentExecutions")
        if peak is not None:
            row["peak_concurrency"] = peak
        log = logs.get(name)
        if log is not None and log.source != "Compute Optimizer":
            if log.cold is not None and log.runs:
                row["cold_share"] = log.cold / log.runs
            if log.billed_ms is not None:
                row["billed_ms"] = log.billed_ms
        if row:
            found[name] = row
    return found


def _mean_duration(periods: list[Statistics]) -> float | None:
    known = [(one.mean, one.count) for one in periods if one.mean is not None]
    total = math.fsum(count for _, count in known)
    return math.fsum(mean * count for mean, count in known) / total if known and total else None
