"""What a short simulation stands for: without its begin, when nothing is warm, and with as many events as asked for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from lambdasim.billing import Usage
from lambdasim.engine.contract import Outcome
from lambdasim.results.run import RunResult
from lambdasim.results.usage.as_month import month_factor, monthly_usage
from lambdasim.results.usage.hour import METRIC_OF_COUNTER
from lambdasim.templates.estimate.volume import per_month
from lambdasim.units import US_PER_MINUTE, US_PER_MS

_LONGEST_LEAD_US: Final = 10 * US_PER_MINUTE
"""As long as most environments stay warm."""
_RUNS_LONG: Final = 3
_BY_DURATION: Final = ("billed_ms_without_init", "provisioned_billed_ms")
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
    length : float
        Mean duration that was asked for over that of the runs.
    """

    runs: int
    cold: int
    counters: dict[str, int]
    per_month: float
    events: float
    length: float


def steady_parts(
    run: RunResult, rates: Mapping[str, float], lead: int, means_ms: Mapping[str, float]
) -> Iterator[tuple[str, Steady]]:
    """Give what functions did after the lead; functions that did not run then are left out.

    Parameters
    ----------
    run : RunResult
        Of traffic that is even.
    rates : mapping
        Mean events per second by function.
    lead : int
        [min].
    means_ms : mapping
        Mean durations of functions whose law has a known one [ms].
    """
    for name, totals in zip(run.aggregate.names, run.aggregate.functions, strict=True):
        series = totals.counts.of(
            *METRIC_OF_COUNTER.values(),
            "ColdStarts",
            "DurationSum_us",
            first=min(lead, totals.counts.minutes),
        )
        *counts, cold, duration_us = (int(one.sum()) for one in series)
        counters = dict(zip(METRIC_OF_COUNTER, counts, strict=True))
        runs = counters["requests"]
        if not runs or not totals.events or not rates.get(name):
            continue
        month = per_month(rates[name])
        asked = month / float(month_factor(run.scenario.duration_us)) / totals.events
        length = 1.0
        if (mean_ms := means_ms.get(name)) is not None and duration_us:
            # After a timeout the next run has INIT inside itself.
            again = int(totals.outcomes[Outcome.TIMEOUT]) / totals.runs if len(totals.init_ms) else 0.0
            init_ms = again * totals.init_ms.mean() if again else 0.0
            length = (mean_ms + init_ms) * runs * US_PER_MS / duration_us
        yield name, Steady(runs, cold, counters, month * totals.runs / totals.events / runs, asked, length)


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
        longer = {name: round(changes[name] * (part.length - 1)) for name in _BY_DURATION}
        longer["billed_ms_with_init"] = longer["billed_ms_without_init"]
        changes |= {name: changes[name] + more for name, more in longer.items()}
        changes |= {name: round(getattr(usage, name) * part.events) for name in _BY_EVENT}
        yield replace(usage, **changes)
