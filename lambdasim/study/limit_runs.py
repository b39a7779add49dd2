"""Runs of a scenario under other limits and other traffic, each told in a few numbers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from math import ceil
from typing import Any, Final, NamedTuple

import numpy as np

from lambdasim.engine.contract import EventOutcome, Limit, StartType
from lambdasim.results.run import RunResult
from lambdasim.results.simulate import simulate
from lambdasim.specs.base import revised
from lambdasim.specs.function import ProvisionedStep
from lambdasim.specs.scenario import ScenarioSpec
from lambdasim.study.limit_meter import LimitMeter
from lambdasim.units import US_PER_S

NO_LIMIT: Final = 10_000_000


class Variant(StrEnum):
    """What is changed in a scenario."""

    AS_IS = "as it is"
    UNLIMITED = "without limits of concurrency"
    QUOTA = "with another account limit"
    TRAFFIC = "with more traffic"
    PROVISIONED = "with provisioned concurrency by schedule"
    TRACKING = "with provisioned concurrency by target tracking"


@dataclass(frozen=True)
class LimitCase:
    """A scenario's variant and a seed.

    Attributes
    ----------
    variant : Variant
    replication : int
        Added to the scenario's seed.
    number : float
        The account's limit, or the factor on traffic.
    provisioned : mapping of str to tuple of ProvisionedStep
        By function.
    reserved : mapping of str to int
        Reserved concurrency by function, beside another account limit.
    """

    variant: Variant
    replication: int = 0
    number: float = 0.0
    provisioned: Mapping[str, tuple[ProvisionedStep, ...]] = field(default_factory=dict)
    reserved: Mapping[str, int] = field(default_factory=dict)


class LimitOutcome(NamedTuple):
    """How a case went.

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
        Which limit refused first, and whose attempt; empty where none did.
    first_s : float
        When [s since the start].
    p99_ms, usd, provisioned_share : float
        Latency [ms], the run's bill [USD], use of what was provisioned.
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


def case_scenario(scenario: ScenarioSpec, case: LimitCase) -> ScenarioSpec:
    """Return the scenario of a case."""
    changes: dict[str, Any] = {"seed": (scenario.seed + case.replication) % (1 << 64)}
    if case.variant is Variant.UNLIMITED:
        changes["account"] = revised(scenario.account, {"concurrency": NO_LIMIT})
        freed = [revised(spec, {"reserved_concurrency": None}) for spec in scenario.functions]
        changes["functions"] = tuple(freed)
    elif case.variant is Variant.QUOTA:
        changes["account"] = revised(scenario.account, {"concurrency": int(case.number)})
        changes["functions"] = tuple(
            revised(spec, {"reserved_concurrency": case.reserved[spec.name]})
            if spec.name in case.reserved
            else spec
            for spec in scenario.functions
        )
    elif case.variant is Variant.TRAFFIC:
        changes["functions"] = tuple(
            revised(spec, {"traffic": revised(spec.traffic, {"scale": spec.traffic.scale * case.number})})
            for spec in scenario.functions
        )
    elif case.variant in (Variant.PROVISIONED, Variant.TRACKING):
        changes["functions"] = tuple(
            revised(spec, {"provisioned_concurrency": case.provisioned[spec.name]})
            if spec.name in case.provisioned
            else spec
            for spec in scenario.functions
        )
    return revised(scenario, changes)


def run_case(scenario: ScenarioSpec, case: LimitCase, engine: str) -> tuple[RunResult, LimitMeter]:
    """Simulate a case."""
    changed = case_scenario(scenario, case)
    meter = LimitMeter(len(changed.functions), changed.duration_us)
    return simulate(changed, engine=engine, keep_records=False, sink=meter), meter


def case_outcome(scenario: ScenarioSpec, engine: str, case: LimitCase) -> LimitOutcome:
    """Simulate a case and tell it in a few numbers; this may be another process."""
    return outcome_of(*run_case(scenario, case, engine))


def outcome_of(run: RunResult, meter: LimitMeter) -> LimitOutcome:
    """Tell a run in a few numbers."""
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
            name: totals.concurrency.peak for name, totals in zip(run.aggregate.names, functions, strict=True)
        },
        cold={
            name: int(totals.starts[StartType.COLD])
            for name, totals in zip(run.aggregate.names, functions, strict=True)
        },
        refused_share=sum(refused.values()),
        not_served_share=1 - served / events if events else 0.0,
        refused=refused,
        first_limit=limit,
        first_s=first_s,
        p99_ms=run.latency_ms().quantile(0.99),
        usd=float(run.charges().total),
        provisioned_share=busy_us / allocated_us if allocated_us else float("nan"),
    )


def words(kind: Limit) -> str:
    """Return a limit's name in words."""
    return kind.name.lower().replace("_", " ")


def _first(run: RunResult, meter: LimitMeter) -> tuple[str, float]:
    """Give the limit that refused first, and when [s]."""
    met = np.argwhere(meter.first_us >= 0)
    if not len(met):
        return "", float("nan")
    when_us, place, kind = min((int(meter.first_us[tuple(pair)]), *map(int, pair)) for pair in met)
    return f"{words(Limit(kind))} ({run.aggregate.names[place]})", when_us / US_PER_S


def with_buffer(executions: float, buffer_percent: int) -> int:
    """Add the advised buffer and round up [executions].

    Examples
    --------
    >>> with_buffer(100.0, 10), with_buffer(0.0, 10)
    (110, 0)
    """
    return ceil(executions * (100 + buffer_percent) / 100 - 1e-9)
