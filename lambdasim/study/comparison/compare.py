"""Two or more scenarios in pairs: the same seeds, differences with intervals, a verdict for a CI."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import Executor
from functools import partial

from lambdasim.catalog import ChargeKind
from lambdasim.engine.contract import EventOutcome, Limit, Outcome
from lambdasim.engine.totals.histogram import Histogram
from lambdasim.errors import InputError
from lambdasim.results.gathering import gather
from lambdasim.results.intervals import wanted_replications
from lambdasim.results.points.store import PointStore, origin
from lambdasim.results.run import RunResult
from lambdasim.results.simulate import simulate
from lambdasim.results.usage.as_month import shared_period
from lambdasim.specs.scenario import ScenarioSpec
from lambdasim.study.comparison.result import Comparison
from lambdasim.study.comparison.tables import ACCOUNT, EXECUTIONS, LISTED, TOTAL, Key
from lambdasim.study.kept import KEYED
from lambdasim.study.measures import QUANTILES, period_bill
from lambdasim.study.targets import OF_SOURCES, Target

_LEAST_FOR_PRECISION = 4


def has_sources(scenario: ScenarioSpec) -> bool:
    """Return whether some function of a scenario has a queue or a stream."""
    return any(
        spec.trigger.queue is not None or spec.trigger.stream is not None for spec in scenario.functions
    )


def compare(
    scenarios: Mapping[str, ScenarioSpec] | Sequence[ScenarioSpec],
    *,
    replications: int = 5,
    precision: float | None = None,
    most_replications: int = 100,
    fail_above: float | None = None,
    fail_throttles: float | None = None,
    engine: str = "auto",
    executor: Executor | None = None,
    resume: str | os.PathLike[str] | None = None,
    progress: Callable[[int, int], None] | None = None,
    per: str | None = None,
    targets: Sequence[Target] = (),
) -> Comparison:
    """Compare scenarios with the first of them, in pairs.

    Parameters
    ----------
    scenarios : mapping of str to ScenarioSpec, or sequence
        At least two, by what they are to be called; a sequence takes the scenarios' own names. Functions of the same
        name see the same customers, work and luck.
    replications : int
        How many seeds, beginning with the first scenario's; the least where a precision is asked for, which needs 4.
    precision : float, optional
        Replicate until the half-width of the difference in the bill is at most this share of the first's bill.
    most_replications : int
        Where that ends in any case.
    fail_above : float, optional
        The verdict fails where the bill rises by more than this share; 0.05 is 5 %.
    per : {"month", "run"}, optional
        Period of the money. Default: a month; the run, where a scenario is no sample of a month and all are equally
        long, see ``shared_period``.
    fail_throttles : float, optional
        The verdict fails where more than this share of a scenario's attempts is refused.
    engine : {"auto", "kernel", "reference"}
    executor : concurrent.futures.Executor, optional
        Where runs go side by side; the result does not depend on it.
    resume : path-like, optional
        Folder where each finished run is kept. Those that are there already are not simulated again, unless scenario,
        traces, or the version of lambdasim and its prices have changed.
    progress : callable, optional
        Called with how many runs are finished, and how many are planned.
    targets : sequence of Target
        Of backlog, message age, lost events and latency; the verdict fails where a scenario after the first misses one.

    Returns
    -------
    Comparison

    Raises
    ------
    InputError
        When an argument cannot be accepted.
    """
    named = _named(scenarios)
    if any(one.is_of_sources for one in targets) and not any(map(has_sources, named.values())):
        raise InputError.single(
            "compare", "targets", "of age, backlog and drain need a function with a queue or a stream"
        )
    period = shared_period(named.values(), per)
    for name, threshold in (("fail_above", fail_above), ("fail_throttles", fail_throttles)):
        if threshold is not None and not threshold >= 0:
            raise InputError.single("compare", name, f"must be 0 or more, got {threshold}")
    if precision is not None and not precision > 0:
        raise InputError.single("compare", "precision", f"must be above 0, got {precision}")
    first, *others = named
    least = replications if precision is None else max(replications, _LEAST_FOR_PRECISION)

    def wanted(results: dict[str, list[dict[Key, float]]]) -> int:
        if precision is None:
            return least
        bills = {name: [run[TOTAL] for run in runs] for name, runs in results.items()}
        return max(
            wanted_replications(bills[name], bills[first], precision, most_replications) for name in others
        )

    results = gather(
        partial(_measured, {name: spec.anywhere() for name, spec in named.items()}, engine, period),
        list(named),
        named[first].seed,
        replications=least,
        most=max(most_replications, least),
        wanted=wanted,
        executor=executor,
        progress=progress,
        store=None if resume is None else partial(_store, resume, named, period),
    )
    return Comparison(
        scenarios=named,
        results={name: tuple(runs) for name, runs in results.items()},
        fail_above=fail_above,
        fail_throttles=fail_throttles,
        period=period,
        targets=tuple(targets),
    )


def _named(scenarios: Mapping[str, ScenarioSpec] | Sequence[ScenarioSpec]) -> dict[str, ScenarioSpec]:
    """Give every scenario a name of its own."""
    if isinstance(scenarios, Mapping):
        named = dict(scenarios)
    else:
        seen: Counter[str] = Counter()
        named = {}
        for spec in scenarios:
            seen[spec.name] += 1
            number = seen[spec.name]
            named[spec.name if number == 1 else f"{spec.name} ({number})"] = spec
        if len(named) < len(scenarios):
            raise InputError.single("compare", "scenarios", "need names of their own")
    if len(named) < 2:
        raise InputError.single("compare", "scenarios", f"must be at least two, got {len(named)}")
    return named


def _store(
    folder: str | os.PathLike[str], scenarios: dict[str, ScenarioSpec], period: str, name: str
) -> PointStore[dict[Key, float]]:
    """Give where one scenario's finished runs are kept."""
    return PointStore(folder, origin(scenarios[name]) | {"study": "compare", "period": period}, KEYED)


def _measured(
    scenarios: dict[str, ScenarioSpec], engine: str, period: str, point: tuple[str, int]
) -> dict[Key, float]:
    """Simulate one scenario with one seed; this may be another process."""
    name, seed = point
    changed = scenarios[name].with_seed(seed)
    return scenario_measures(simulate(changed, engine=engine, keep_records=False), period)


def scenario_measures(run: RunResult, period: str = "month") -> dict[Key, float]:
    """Measure a run as a whole and by function.

    Parameters
    ----------
    run : RunResult
    period : {"month", "run"}
        What the bill is of.

    Returns
    -------
    dict of (group, scope, measure) to float
        Groups: ``money``, the period's bill, the same without free tier, by line item and by
        function [USD]; ``latency`` [ms]; ``limits``, shares of
        attempts that each limit refused, and of events that ended badly; ``queues``, of queues and streams: greatest
        ``age`` [s], most ``backlog``, and time to ``drain`` after the end [s]. A scope is ``account`` or a function.
    """
    bill = period_bill(run, period)
    listed = float(period_bill(run, period, free_tier=False).total)
    measures: dict[Key, float] = {TOTAL: float(bill.total), LISTED: listed}
    for item in bill.items:
        own = f"{item.kind.value} {item.architecture}".strip()
        key = ("money", "line items", item.usage_type if item.kind is ChargeKind.NEIGHBOUR else own)
        measures[key] = measures.get(key, 0.0) + float(item.amount)
    for function, usd in bill.by_function().items():
        measures["money", function, "bill"] = float(usd)
    scopes = [(ACCOUNT, run.aggregate.names), *((name, (name,)) for name in run.aggregate.names)]
    for scope, names in scopes:
        measures |= _latency(run, scope, None if scope == ACCOUNT else scope)
        measures |= _limits(run, scope, names)
    for name, executions in run.aggregate.executions.machines.items():
        measures |= _of_latency(executions.duration_ms, f"{name}{EXECUTIONS}")
    for name, totals in zip(run.aggregate.names, run.aggregate.functions, strict=True):
        for measure in OF_SOURCES if totals.items is not None else ():
            measures["queues", name, measure] = Target(measure, 0).value(totals)
    return measures


def _latency(run: RunResult, scope: str, function: str | None) -> dict[Key, float]:
    return _of_latency(run.latency_ms(function), scope)


def _of_latency(latency: Histogram, scope: str) -> dict[Key, float]:
    measures = {("latency", scope, "mean"): latency.mean()}
    for name, share in QUANTILES.items():
        measures["latency", scope, name.removesuffix("_ms")] = latency.quantile(share)
    return measures


def _limits(run: RunResult, scope: str, names: Iterable[str]) -> dict[Key, float]:
    totals = [run.aggregate.function(name) for name in names]
    started = sum(found.runs for found in totals)
    refused = {kind: sum(int(found.limits[kind]) for found in totals) for kind in Limit if kind}
    attempts = started + sum(refused.values())
    events = sum(found.events for found in totals)
    parts = {
        "refused": (sum(int(found.outcomes[Outcome.THROTTLED]) for found in totals), attempts),
        **{f"refused by {kind.name.lower()}": (count, attempts) for kind, count in refused.items()},
        "cold": (sum(found.cold for found in totals), started),
        "timeout": (sum(int(found.outcomes[Outcome.TIMEOUT]) for found in totals), started),
        "out of memory": (sum(int(found.outcomes[Outcome.OUT_OF_MEMORY]) for found in totals), started),
        "gateway cut": (
            sum(int(found.event_outcomes[EventOutcome.CLIENT_TIMEOUT]) for found in totals),
            events,
        ),
        "not served": (
            events - sum(int(found.event_outcomes[EventOutcome.SUCCEEDED]) for found in totals),
            events,
        ),
    }
    return {("limits", scope, name): part / max(whole, 1) for name, (part, whole) in parts.items()}
