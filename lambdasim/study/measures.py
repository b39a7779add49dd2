"""What a study takes from one run: money of a month, latency, cold starts, refusals; small enough to travel."""

from __future__ import annotations

from dataclasses import dataclass, fields
from datetime import date
from fractions import Fraction
from typing import Final

from lambdasim.billing import Bill, price, price_scenario
from lambdasim.catalog import billing_rules
from lambdasim.engine.contract import EventOutcome, Outcome, StartType
from lambdasim.engine.totals.function_totals import FunctionTotals
from lambdasim.engine.totals.histogram import Histogram, together
from lambdasim.results.run import RunResult
from lambdasim.results.usage.as_month import month_factor, monthly_usage
from lambdasim.specs.function import FunctionSpec
from lambdasim.units import US_PER_S

QUANTILES: Final = {"p50_ms": 0.5, "p90_ms": 0.9, "p95_ms": 0.95, "p99_ms": 0.99, "p99.9_ms": 0.999}
"""Names of percentiles, and their shares."""
LATE: Final = 0.1
"""Of a run's length: a queue or stream that takes longer to drain than this has not kept up."""
_SLOWEST: Final = 0.99


def monthly_bill(run: RunResult, free_tier: bool | None = None) -> Bill:
    """Price a month like the run, with the scenario's free tier unless it is said, and its tiers of a month."""
    usages = monthly_usage(run.usage(), month_factor(run.scenario.duration_us))
    return price_scenario(run.scenario, usages, free_tier=free_tier)


def period_bill(run: RunResult, period: str, free_tier: bool | None = None) -> Bill:
    """Price a run as it is, or a month like it.

    Parameters
    ----------
    run : RunResult
    period : {"month", "run"}
    free_tier : bool, optional
        Default: the scenario's.

    Returns
    -------
    Bill
    """
    return run.charges(free_tier=free_tier) if period == "run" else monthly_bill(run, free_tier)


@dataclass(frozen=True, eq=False)
class FunctionMeasures:
    """What one function did in one run.

    Attributes
    ----------
    events, runs : int
        Events that arrived, attempts that started.
    usd : float
        The function's part of the account's bill, of a month like the run or of the run [USD].
    usd_per_million : float
        At list rates, of a million invocations that started, with everything that is billed [USD].
    handler_usd_per_million : float
        Duration charge of the handlers alone: neither request fee nor INIT, as Power Tuning counts [USD].
    mean_ms, mean_duration_ms, mean_billed_ms : float
        Latency of served events, handler as REPORT's Duration, Billed Duration (INIT in it where it is billed) [ms].
    cold_share : float
        Of started attempts.
    cold_latency_share : float
        INIT's part of all waiting time.
    cold_usd_share : float
        INIT's part of the function's list cost.
    cold_slowest_share : float
        Of the slowest 1 % of served events, the part that began cold.
    throttled_share : float
        Of all attempts, the refused.
    lost_share : float
        Of all events, those that did not end with success: given up, failed, refused for good, answered too late.
    memory_failure_share, timeout_share : float
        Of started attempts: out of memory, cut at the timeout.
    peak_concurrency : int
    oldest_s, peak_backlog, drain_s : float
        Of a queue or a stream: the greatest age that a message or record reached [s], the most that were sent and not
        ended as a minute ended, and how long after the scenario's end the last one ended [s]; NaN of other functions.
    latency_ms, duration_ms, billed_ms : Histogram
        Exact distributions [whole ms, rounded up].
    """

    events: int
    runs: int
    usd: float
    usd_per_million: float
    handler_usd_per_million: float
    mean_ms: float
    mean_duration_ms: float
    mean_billed_ms: float
    cold_share: float
    cold_latency_share: float
    cold_usd_share: float
    cold_slowest_share: float
    throttled_share: float
    lost_share: float
    memory_failure_share: float
    timeout_share: float
    peak_concurrency: int
    oldest_s: float
    peak_backlog: float
    drain_s: float
    latency_ms: Histogram
    duration_ms: Histogram
    billed_ms: Histogram

    def numbers(self) -> dict[str, float]:
        """Return all single numbers by name, exact percentiles of the latency among them."""
        single = {
            field.name: float(getattr(self, field.name))
            for field in fields(self)
            if not isinstance(getattr(self, field.name), Histogram)
        }
        return single | {name: self.latency_ms.quantile(share) for name, share in QUANTILES.items()}


def function_measures(run: RunResult, function: str, period: str = "month") -> FunctionMeasures:
    """Measure a function in a run.

    Parameters
    ----------
    run : RunResult
    function : str
        Must be one of the scenario's.
    period : {"month", "run"}
        What the bill is of.
    """
    totals = run.aggregate.function(function)
    spec = run.scenario.function(function)
    on = run.scenario.billing_day
    latency = totals.all_latency_ms()
    runs = totals.runs
    refused = int(totals.outcomes[Outcome.THROTTLED])
    usd_per_ms = float(run.invocation_costs(function).usd_per_ms)
    own = [usage for usage in run.usage() if usage.function == function]
    listed = float(price(own, on=run.scenario.price_date, free_tier=False).total)
    init_billed = billing_rules(on).init_is_billed(
        spec.package_type.value, spec.runtime, spec.snap_start is not None
    )
    without, with_init = totals.billed_without_init, totals.billed_with_init
    init_usd = (with_init.total() - without.total()) * usd_per_ms if init_billed else 0.0
    billed = together(with_init if init_billed else without, totals.provisioned_billed)
    handlers_ms = without.total() + totals.provisioned_billed.total()
    return FunctionMeasures(
        events=totals.events,
        runs=runs,
        usd=float(period_bill(run, period).by_function().get(function, Fraction(0))),
        usd_per_million=_share(listed * 1e6, runs),
        handler_usd_per_million=_share(handlers_ms * usd_per_ms * 1e6, runs),
        mean_ms=latency.mean(),
        mean_duration_ms=_mean_duration_ms(run, function, runs),
        mean_billed_ms=billed.mean(),
        cold_share=_share(totals.cold, runs),
        cold_latency_share=_share(totals.init_ms.total(), latency.total()),
        cold_usd_share=_share(init_usd, listed),
        cold_slowest_share=_cold_among_slowest(totals, latency),
        throttled_share=_share(refused, runs + refused),
        lost_share=_share(totals.events - int(totals.event_outcomes[EventOutcome.SUCCEEDED]), totals.events),
        memory_failure_share=_share(int(totals.outcomes[Outcome.OUT_OF_MEMORY]), runs),
        timeout_share=_share(int(totals.outcomes[Outcome.TIMEOUT]), runs),
        peak_concurrency=totals.concurrency.peak,
        **_of_source(totals),
        latency_ms=latency,
        duration_ms=totals.duration_ms,
        billed_ms=billed,
    )


def _of_source(totals: FunctionTotals) -> dict[str, float]:
    """Give age, backlog and time to drain, by name; NaN without a queue or a stream."""
    items = totals.items
    if items is None:
        return dict.fromkeys(("oldest_s", "peak_backlog", "drain_s"), float("nan"))
    return {
        "oldest_s": items.oldest_us / US_PER_S,
        "peak_backlog": float(items.backlog().max(initial=0)),
        "drain_s": max(items.last_us - items.duration_us, 0) / US_PER_S,
    }


def _mean_duration_ms(run: RunResult, function: str, runs: int) -> float:
    """Give the mean handler time, not rounded [ms]."""
    totals = run.aggregate.function(function)
    counted = totals.counts.padded(totals.counts.minutes)
    return _share(int(counted["DurationSum_us"].sum()) / 1000, runs)


def _cold_among_slowest(totals: FunctionTotals, latency: Histogram) -> float:
    """Give the cold part of the slowest 1 % of served events; ties at the bound count by their share."""
    edge = latency.quantile(_SLOWEST)
    cold = totals.latency_ms[StartType.COLD]
    slow = int(latency.counts[latency.values >= edge].sum())
    return _share(int(cold.counts[cold.values >= edge].sum()), slow)


def _share(part: float, whole: float) -> float:
    return part / whole if whole else float("nan")


def usd_per_ms(spec: FunctionSpec, region: str, on: date) -> Fraction:
    """Give the exact price of a billed millisecond of a function, first tier, /tmp included [USD]."""
    import numpy as np

    from lambdasim.billing import invocation_costs
    from lambdasim.catalog import price_sheet

    nothing = np.zeros(0, dtype=np.int64)
    costs = invocation_costs(
        nothing,
        nothing,
        memory_mb=spec.memory_mb,
        ephemeral_mb=spec.ephemeral_mb,
        architecture=spec.architecture.value,
        sheet=price_sheet(region, on),
        rules=billing_rules(on),
    )
    return Fraction(costs.usd_per_ms)
