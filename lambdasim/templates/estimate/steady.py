"""What a short simulation stands for: without its begin, when nothing is warm, and with as many events as asked for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from lambdasim.billing import Usage
from lambdasim.results.run import RunResult
from lambdasim.results.usage.as_month import month_factor, monthly_usage
from lambdasim.results.usage.hour import METRIC_OF_COUNTER
from lambdasim.templates.estimate.volume import per_month
from lambdasim.units import US_PER_MINUTE, US_PER_MS

_LONGEST_LEAD_US: Final = 10 * US_PER_MINUTE
"""As long as most environments stay warm."""
_RUNS_LONG: Final = 3
_BY_EVENT: Final = ("extra_requests", "provisioned_extra_requests", "calls", "payload_kb", "streamed_bytes")


def lead_minutes(duration_us: int, longest_ms: float = 0.0) -> int:
    """Return how many minutes at the begin of an even window are left out: a third, ten minutes or three runs at most.

    Parameters
    ----------
    duration_us : int
        Of the window.
    longest_ms : float
        The longest mean duration that is known [ms].
    """
    most_us = max(_LONGEST_LEAD_US, int(_RUNS_LONG * longest_ms) * US_PER_MS)
    return min(duration_us // 3, most_us) // US_PER_MINUTE


@dataclass(frozen=True)
class Steady:
    """One function's runs after the lead.

    Attributes
    ----------
    runs, cold : int
    counters : dict of str to int
        Those of ``Usage`` that are counted by minute.
    per_month : float
        What scales them to a month with the events that were asked for; these differ by luck in a short window.
    events : float
        Events asked for over those that came.
    """

    runs: int
    cold: int
    counters: dict[str, int]
    per_month: float
    events: float


def steady_parts(run: RunResult, rates: Mapping[str, float], lead: int) -> Iterator[tuple[str, Steady]]:
    """Give what functions did after the lead; functions that did not run then are left out.

    Parameters
    ----------
    run : RunResult
        Of traffic that is even.
    rates : mapping
        Mean events per second by function.
    lead : int
        [min].
    """
    for name, totals in zip(run.aggregate.names, run.aggregate.functions, strict=True):
        series = totals.counts.of(
            *METRIC_OF_COUNTER.values(), "ColdStarts", first=min(lead, totals.counts.minutes)
        )
        *counts, cold = (int(one.sum()) for one in series)
        counters = dict(zip(METRIC_OF_COUNTER, counts, strict=True))
        runs = counters["requests"]
        if not runs or not totals.events or not rates.get(name):
            continue
        month = per_month(rates[name])
        asked = month / float(month_factor(run.scenario.duration_us)) / totals.events
        yield name, Steady(runs, cold, counters, month * totals.runs / totals.events / runs, asked)


def steady_usage(run: RunResult, parts: Mapping[str, Steady]) -> Iterator[Usage]:
    """Give the usage of a month.

    Parameters
    ----------
    run : RunResult
    parts : mapping
        See ``steady_parts``; usage of functions without one is scaled as it is.
    """
    for usage in monthly_usage(run.usage(), month_factor(run.scenario.duration_us)):
        part = parts.get(usage.function)
        if part is None:
            yield usage
            continue
        changes: dict[str, Any] = {
            name: round(count * part.per_month) for name, count in part.counters.items()
        }
        changes |= {name: round(getattr(usage, name) * part.events) for name in _BY_EVENT}
        yield replace(usage, **changes)
