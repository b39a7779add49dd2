"""Totals of a plan as plain values: counted in the compiled engine's steps, or from records."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import ModuleType
from typing import Any

from faults import exchange_steps

from lambdasim.engine.contract import Plan, RecordChunk
from lambdasim.engine.kernel.run import CountedRun
from lambdasim.engine.totals.aggregate import Aggregate
from lambdasim.engine.totals.function_totals import FunctionTotals
from lambdasim.engine.totals.histogram import Histogram
from lambdasim.engine.totals.series import Concurrency

Totals = dict[str, Any]


def of_records(plan: Plan, chunks: Iterable[RecordChunk], start_us: int, duration_us: int) -> Totals:
    """Sum records up."""
    totals = Aggregate(plan, start_us, duration_us)
    for chunk in chunks:
        totals.add(chunk)
    return content(totals)


def counted(
    plan: Plan,
    start_us: int,
    duration_us: int,
    room: int = 64,
    modules: Mapping[str, ModuleType] | None = None,
) -> Totals:
    """Let the compiled engine count, or its modules as they are given."""
    totals = Aggregate(plan, start_us, duration_us)
    run = CountedRun(plan, totals, room=room)
    if modules is not None:
        exchange_steps(run, modules)
    for _ in run.count():
        pass
    return content(totals)


def content(totals: Aggregate) -> Totals:
    """Lay everything out that totals tell."""
    found: Totals = {"account": _concurrency(totals.account), "unreserved": _concurrency(totals.unreserved)}
    for name, function in zip(totals.names, totals.functions, strict=True):
        found |= {f"{name} {key}": value for key, value in _function(function).items()}
    return found


def _function(totals: FunctionTotals) -> Totals:
    found: Totals = {"events": totals.events, "last end": totals.last_end_us}
    for kind in ("outcomes", "limits", "starts", "event_outcomes"):
        found[kind] = getattr(totals, kind).tolist()
    for name in ("billed_with_init", "billed_without_init", "provisioned_billed", "duration_ms", "init_ms"):
        found[name] = _histogram(getattr(totals, name))
    found["latency"] = {kind.name: _histogram(one) for kind, one in totals.latency_ms.items()}
    found["sections"] = [_histogram(one) for one in totals.section_latency_ms]
    found["usage"] = {month: vars(usage) for month, usage in totals.usage.items()}
    found["active"] = totals.counts.active().tolist()
    found["minutes"] = {
        name: row.tolist() for name, row in totals.counts.padded(totals.counts.minutes).items()
    }
    found["concurrency"] = _concurrency(totals.concurrency)
    found["provisioned"] = _concurrency(totals.provisioned)
    return found


def _histogram(histogram: Histogram) -> list[tuple[int, int]]:
    return list(zip(histogram.values.tolist(), histogram.counts.tolist(), strict=True))


def _concurrency(found: Concurrency) -> Totals:
    by_minute = found.per_minute(found.minutes).tolist()
    return {"busy": found.busy_us, "peak": found.peak, "minutes": found.minutes, "by minute": by_minute}
