"""The bill of a month with its range, from short simulations over settings of what is not known."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from functools import reduce
from math import ceil, sqrt
from typing import Any, Final

from lambdasim.billing import Usage, price
from lambdasim.catalog.guesses import estimate_size
from lambdasim.engine.contract import EventOutcome, Outcome
from lambdasim.engine.run import in_series
from lambdasim.errors import CatalogError
from lambdasim.results.expected import PROGRAM_BYTES, PROGRAM_S, RunCost, expected_cost
from lambdasim.results.foreseen import unknown_rates
from lambdasim.results.run import RunResult
from lambdasim.results.simulate import simulate
from lambdasim.specs.base import revised
from lambdasim.specs.platform import AccountSpec
from lambdasim.specs.scenario import ScenarioSpec
from lambdasim.templates.estimate.cases import (
    FACTORS,
    Case,
    Window,
    cases,
    mean_until,
    part_of,
    quantiles,
    shares_of_range,
    varied,
    windows,
)
from lambdasim.templates.estimate.steady import Steady, lead_minutes, steady_parts, steady_usage
from lambdasim.templates.estimate.volume import per_month
from lambdasim.units import US_PER_MS

Agree = Callable[[RunCost], object]
_FORM: Final = "lambdasim estimate 1"
_POLLED: Final = ("sqs", "kinesis", "dynamodb", "kafka")
_UNBOUND: Final = 10_000_000
_UNBOUND_BURST: Final = 1_000_000
_MB_PER_GB: Final = 1024
_MS_PER_S: Final = 1000
_S_PER_FUNCTION: Final = (
    3.5e-3  # in each case, to vary and to price it: measured like those of `results.expected`
)


@dataclass(frozen=True)
class Range:
    """A figure's range over what is not known.

    Attributes
    ----------
    p10, p50, p90 : float
    """

    p10: float
    p50: float
    p90: float

    @classmethod
    def of(cls, values: list[float]) -> Range:
        """Take the range of the values of all cases."""
        return cls(*quantiles(values))


@dataclass(frozen=True)
class EstimatedFunction:
    """One function's part.

    Attributes
    ----------
    name : str
    requests : float
        A month.
    usd_list : Range
        Its part of the bill without the free tier [USD].
    duration_ms : Range
        Mean duration [ms].
    p95_ms : Range
        95th percentile of the latency [ms].
    cold_share, timeout_share : Range
    peak_concurrency : Range
    """

    name: str
    requests: float
    usd_list: Range
    duration_ms: Range
    p95_ms: Range
    cold_share: Range
    timeout_share: Range
    peak_concurrency: Range


@dataclass(frozen=True)
class Estimate:
    """A month's bill with its range, and what it rests on.

    Attributes
    ----------
    origin : str
        What was estimated.
    region, month : str
        Whose rates apply.
    requests : float
        A month.
    usd, usd_list : Range
        Bill with the account's free tier, and without [USD a month].
    gb_seconds : Range
        A month.
    cold_share, lost_share : Range
        Of runs that began cold; of events that did not succeed.
    peak_concurrency : Range
        In the busiest hour.
    concurrency : int
        The account's limit.
    causes : tuple of (str, float)
        What makes the range of the bill, the largest part first.
    functions : tuple of EstimatedFunction
        The most expensive first.
    assumed : tuple of str
    cases : int
        Simulations behind each figure.
    simulated : int
        Events of all of them together.
    """

    origin: str
    region: str
    month: str
    requests: float
    usd: Range
    usd_list: Range
    gb_seconds: Range
    cold_share: Range
    lost_share: Range
    peak_concurrency: Range
    concurrency: int
    causes: tuple[tuple[str, float], ...]
    functions: tuple[EstimatedFunction, ...]
    assumed: tuple[str, ...] = ()
    cases: int = 0
    simulated: int = 0

    def to_mapping(self) -> dict[str, Any]:
        """Return everything for JSON, with the form's name."""
        from dataclasses import asdict

        return {"form": _FORM, **asdict(self), "causes": dict(self.causes)}


@dataclass
class _Seen:
    """What one case gave."""

    usages: list[Usage] = field(default_factory=list)
    events_seen: int = 0
    cold: float = 0.0
    events: float = 0.0
    lost: float = 0.0
    peak: float = 0.0
    functions: dict[str, dict[str, float]] = field(default_factory=dict)


def estimate(
    scenario: ScenarioSpec,
    rates: Mapping[str, float],
    *,
    known_ms: Mapping[str, float] | None = None,
    origin: str = "",
    assumed: tuple[str, ...] = (),
    engine: str = "auto",
    progress: Callable[[int, int], None] | None = None,
    agree: Agree | None = None,
) -> Estimate:
    """Estimate a month's bill.

    Parameters
    ----------
    scenario : ScenarioSpec
        Functions; their traffic is replaced.
    rates : mapping
        Mean events per second by function; functions without one, or with 0, are not called.
    known_ms : mapping, optional
        Mean durations by function [ms]; those of others are guessed and varied.
    origin : str
        What is estimated, for people.
    assumed : tuple of str
        What the scenario rests on, for people.
    engine : {"auto", "kernel", "reference"}
    progress : callable, optional
        Called with cases done and planned.
    agree : callable, optional
        Called with what this will take before it begins; may refuse.

    Returns
    -------
    Estimate
        The same for the same arguments. A busy function is simulated for minutes and a rare one for a month; usage is
        scaled to 730 hours and priced together. No limit of the account refuses anything, so that the bill is of all the
        traffic; the peak, which is the sum of the functions', is held against the account's concurrency instead.
    """
    missing = unknown_rates(scenario)
    if missing:
        raise CatalogError.single(scenario.region, "--region", f"{'; '.join(missing)}; choose another region")
    rates = {name: rate for name, rate in rates.items() if rate > 0}
    limit_of_account = scenario.account.concurrency
    scenario = revised(scenario, {"account": AccountSpec(concurrency=_UNBOUND, scaling_burst=_UNBOUND_BURST)})
    known_ms = dict(known_ms or {})
    planned = cases(rates, len(scenario.functions))
    if agree is not None:
        agree(_cost(scenario, rates, planned, known_ms, engine))
    seen = []
    for number, (case, _) in enumerate(zip(planned, in_series(len(planned)), strict=True), start=1):
        seen.append(_case(scenario, rates, case, len(planned), known_ms, engine))
        if progress is not None:
            progress(number, len(planned))
    found = _estimate(scenario, rates, planned, seen, known_ms, origin, assumed)
    return replace(found, concurrency=limit_of_account)


def _cost(
    scenario: ScenarioSpec,
    rates: Mapping[str, float],
    planned: Sequence[Case],
    known_ms: Mapping[str, float],
    engine: str,
) -> RunCost:
    """Say what all cases take: they are as the first is, with other settings."""
    costs = [
        expected_cost(part, runs=len(planned), engine=engine)
        for _, part in _parts(scenario, rates, planned[0], len(planned), known_ms)
    ]
    found = reduce(RunCost.with_, costs, RunCost(0.0, 0.0, PROGRAM_BYTES, PROGRAM_S))
    return replace(found, seconds=found.seconds + _S_PER_FUNCTION * len(scenario.functions) * len(planned))


def _parts(
    scenario: ScenarioSpec, rates: Mapping[str, float], case: Case, number: int, known_ms: Mapping[str, float]
) -> Iterator[tuple[Window, ScenarioSpec]]:
    """Give what one case simulates, window by window."""
    places = {one.name: place for place, one in enumerate(scenario.functions)}
    functions = {
        one.name: varied(one, places[one.shares or one.name], case, known_ms.get(one.shares or one.name))
        for one in scenario.functions
    }
    polled = {one.name for one in scenario.functions if one.trigger.type.value in _POLLED}
    owners = {one.name: one.shares for one in scenario.functions if one.shares is not None}
    for window in windows(rates, number, polled, owners, known_ms):
        yield window, part_of(scenario, window, functions, rates)


def _case(
    scenario: ScenarioSpec,
    rates: Mapping[str, float],
    case: Case,
    number: int,
    known_ms: Mapping[str, float],
    engine: str,
) -> _Seen:
    seen = _Seen()
    for window, part in _parts(scenario, rates, case, number, known_ms):
        run = simulate(part.with_seed(scenario.seed + case.number), engine=engine, keep_records=False)
        polled = any(one.trigger.type.value in _POLLED for one in part.functions)
        longest_ms = max((known_ms.get(one.name, 0.0) for one in part.functions), default=0.0)
        lead = lead_minutes(part.duration_us, longest_ms)
        means_ms = {
            one.name: mean_until(one.timeout_us / US_PER_MS, known_ms[one.name], case)
            for one in part.functions
            if one.name in known_ms
        }
        steady = {} if window.shaped or polled else dict(steady_parts(run, rates, lead, means_ms))
        seen.usages += steady_usage(run, steady)
        _count(run, seen, 1.0 if window.shaped else estimate_size().peak, steady)
    return seen


def _count(run: RunResult, seen: _Seen, busiest: float, steady: Mapping[str, Steady]) -> None:
    owners = {one.name: one.shares or one.name for one in run.scenario.functions}
    named = dict(zip(run.aggregate.names, run.aggregate.functions, strict=True))
    busy_us: dict[str, int] = dict.fromkeys(owners.values(), 0)
    for name, totals in named.items():
        busy_us[owners[name]] += int(totals.counts.of("DurationSum_us")[0].sum())
    for name, totals in named.items():
        runs = totals.runs
        weight = per_month(1.0) * _MS_PER_S / max(run.scenario.duration_us / 1000, 1)
        succeeded = int(totals.event_outcomes[EventOutcome.SUCCEEDED])
        latency = totals.all_latency_ms()
        peak = totals.concurrency.peak
        part = steady.get(name)
        cold_share = part.cold / part.runs if part else totals.cold / runs if runs else 0.0
        seen.events_seen += totals.events
        seen.cold += weight * cold_share * runs
        seen.events += weight * totals.events
        seen.lost += weight * (totals.events - succeeded)
        duration_us = int(totals.counts.of("DurationSum_us")[0].sum())
        # A short window is even: in the busiest hour the mean is higher, and its excess grows as a Poisson law's does.
        mean = busy_us[owners[name]] / max(run.scenario.duration_us, 1)
        at_peak = float(max(ceil(busiest * mean + (peak - mean) * sqrt(busiest)), peak))
        seen.peak += at_peak if owners[name] == name else 0.0
        seen.functions[name] = {
            "duration_ms": duration_us / 1000 / runs if runs else 0.0,
            "p95_ms": latency.quantile(0.95) if runs else 0.0,
            "cold_share": cold_share,
            "timeout_share": int(totals.outcomes[Outcome.TIMEOUT]) / runs if runs else 0.0,
            "peak_concurrency": at_peak,
        }


def _estimate(
    scenario: ScenarioSpec,
    rates: Mapping[str, float],
    planned: list[Case],
    seen: list[_Seen],
    known_ms: Mapping[str, float],
    origin: str,
    assumed: tuple[str, ...],
) -> Estimate:
    on = scenario.price_date
    bills = [float(price(one.usages, on=on, free_tier=True).total) for one in seen]
    listed = [price(one.usages, on=on, free_tier=False) for one in seen]
    totals = [float(bill.total) for bill in listed]
    by_function = [bill.by_function() for bill in listed]
    functions = [
        EstimatedFunction(
            name,
            per_month(rates.get(name, 0.0)),
            Range.of([float(bill.get(name, Fraction(0))) for bill in by_function]),
            *(
                Range.of([one.functions.get(name, {}).get(key, 0.0) for one in seen])
                for key in ("duration_ms", "p95_ms", "cold_share", "timeout_share", "peak_concurrency")
            ),
        )
        for name in (function.name for function in scenario.functions)
    ]
    functions.sort(key=lambda one: (-one.usd_list.p50, one.name))
    shares = shares_of_range([case.scores for case in planned], totals)
    unknown = (
        ("INIT", "spread of durations")
        if set(rates) <= set(known_ms)
        else FACTORS
        if known_ms
        else FACTORS[:3]
    )
    causes = sorted(
        ((name, share) for name, share in zip(FACTORS, shares, strict=True) if name in unknown),
        key=lambda one: -one[1],
    )
    return Estimate(
        origin=origin,
        region=scenario.region,
        month=scenario.start.strftime("%Y-%m"),
        requests=sum(map(per_month, rates.values())),
        usd=Range.of(bills),
        usd_list=Range.of(totals),
        gb_seconds=Range.of([_gb_seconds(one.usages) for one in seen]),
        cold_share=Range.of([one.cold / one.events if one.events else 0.0 for one in seen]),
        lost_share=Range.of([one.lost / one.events if one.events else 0.0 for one in seen]),
        peak_concurrency=Range.of([one.peak for one in seen]),
        concurrency=scenario.account.concurrency,
        causes=tuple(causes),
        functions=tuple(functions),
        assumed=assumed,
        cases=len(planned),
        simulated=sum(one.events_seen for one in seen),
    )


def _gb_seconds(usages: list[Usage]) -> float:
    return sum(
        one.memory_mb / _MB_PER_GB * (one.billed_ms_with_init + one.provisioned_billed_ms) / _MS_PER_S
        for one in usages
    )
