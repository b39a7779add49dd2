"""A run under some limits, in a few numbers."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from lambdasim.engine.contract import EventOutcome, Limit, Outcome
from lambdasim.results.run import RunResult
from lambdasim.study.limits.meter import LimitMeter
from lambdasim.units import US_PER_S


class LimitOutcome(NamedTuple):
    """How a run went.

    Attributes
    ----------
    peak, rate_per_s : float
        Most executions claimed at once, most synchronous attempts a second, of the account.
    function_peaks, cold : dict of str to int
        Most executions at once, and cold starts, by function.
    refused_share, not_served_share : float
        Of attempts, and of events.
    refused : dict of str to float
        Share of attempts that each limit refused.
    first_limit : str
        Which limit refused an attempt or cut a run first, and whose; empty where none did.
    first_s : float
        When [s since the start].
    p99_ms, usd, provisioned_share : float
        Latency [ms], the run's bill without free tier [USD], use of what was provisioned.
    """

    peak: float
    rate_per_s: float
    function_peaks: dict[str, int]
    cold: dict[str, int]
    refused_share: float
    not_served_share: float
    refused: dict[str, float]
    first_limit: str
    first_s: float
    p99_ms: float
    usd: float
    provisioned_share: float


def outcome_of(run: RunResult, meter: LimitMeter) -> LimitOutcome:
    """Sum a run up in a few numbers."""
    functions = run.aggregate.functions
    attempts = sum(int(totals.starts.sum()) for totals in functions)
    events = sum(totals.events for totals in functions)
    served = sum(int(totals.event_outcomes[EventOutcome.SUCCEEDED]) for totals in functions)
    refused = {words(kind): int(meter.refused[:, kind].sum()) / max(attempts, 1) for kind in Limit if kind}
    limit, first_s = _first(run, meter)
    synchronous = [place for place, plan in enumerate(run.plan.functions) if plan.retry.synchronous]
    rate = meter.per_second("attempts")[synchronous].sum(axis=0)
    allocated_us = sum(usage.provisioned_allocated_s for usage in run.usage()) * US_PER_S
    busy_us = sum(totals.provisioned.busy_us for totals in functions)
    return LimitOutcome(
        peak=float(run.account_metrics()["ClaimedAccountConcurrency"].max()) if events else 0.0,
        rate_per_s=float(rate.max(initial=0)),
        function_peaks={
            name: totals.concurrency.peak
            for name, totals in zip(run.aggregate.names, functions, strict=True)
            if run.scenario.function(name).shares is None
        },
        cold={name: totals.cold for name, totals in zip(run.aggregate.names, functions, strict=True)},
        refused_share=sum(refused.values()),
        not_served_share=1 - served / events if events else 0.0,
        refused=refused,
        first_limit=limit,
        first_s=first_s,
        p99_ms=run.latency_ms().quantile(0.99),
        usd=float(run.charges(free_tier=False).total),
        provisioned_share=busy_us / allocated_us if allocated_us else float("nan"),
    )


def words(kind: Limit | Outcome) -> str:
    """Return a limit's name in words; of an outcome, the name of the limit that it met."""
    return "memory" if kind is Outcome.OUT_OF_MEMORY else kind.name.lower().replace("_", " ")


def _first(run: RunResult, meter: LimitMeter) -> tuple[str, float]:
    """Give the limit that refused or cut first, and when [s]."""
    met = [
        (int(table[place, kind]), int(place), words(names(int(kind))))
        for table, names in ((meter.first_us, Limit), (meter.failed_first_us, Outcome))
        for place, kind in np.argwhere(table >= 0)
    ]
    if not met:
        return "", float("nan")
    when_us, place, limit = min(met)
    return f"{limit} ({run.aggregate.names[place]})", when_us / US_PER_S
