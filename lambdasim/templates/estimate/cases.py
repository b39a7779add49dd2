"""Settings of what is not known, spread evenly over their ranges, and a scenario for each."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from math import exp, log, log1p, sqrt
from statistics import NormalDist
from typing import Any, Final

from lambdasim.catalog import init_prior
from lambdasim.catalog.guesses import Spread, estimate_size, spread, traffic_guess
from lambdasim.results.usage.as_month import MONTH_HOURS
from lambdasim.specs.base import revised
from lambdasim.specs.function import FunctionSpec
from lambdasim.specs.laws import FixedLaw, Law, LognormalLaw, LognormalShape
from lambdasim.specs.scenario import ScenarioSpec
from lambdasim.units import US_PER_DAY, US_PER_HOUR, US_PER_MINUTE, US_PER_MS, US_PER_S

_NORMAL: Final = NormalDist()
_Z90: Final = _NORMAL.inv_cdf(0.9)
_Z95: Final = _NORMAL.inv_cdf(0.95)
_LONGEST_US: Final = MONTH_HOURS * US_PER_HOUR
_SHORT_US: Final = 5 * US_PER_MINUTE
_RUNS_LONG: Final = 10
_LENGTHS_US: Final = (
    _LONGEST_US,
    *(days * US_PER_DAY for days in (14, 7, 3, 2, 1)),
    *(hours * US_PER_HOUR for hours in (12, 6, 4, 3, 2, 1)),
    *(minutes * US_PER_MINUTE for minutes in (30, 15, 10)),
    _SHORT_US,
)
FACTORS: Final = ("duration", "CPU time", "INIT", "spread of durations")
"""What is not known, in the order of ``Case``'s scores."""


@dataclass(frozen=True)
class Case:
    """One setting of what is not known.

    Attributes
    ----------
    scores : tuple of float
        Normal scores, one for each of ``FACTORS``.
    number : int
    """

    scores: tuple[float, float, float, float]
    number: int

    def own(self, place: int) -> float:
        """Return a function's own score of its duration: half of the variance is common to all, half its own."""
        share = _recurrent(self.number * 7919 + place * 104_729 + 1, 5)
        return sqrt(0.5) * self.scores[0] + sqrt(0.5) * _NORMAL.inv_cdf(share)


def cases(rates: Mapping[str, float], functions: int) -> list[Case]:
    """Return the settings that an estimate simulates.

    Parameters
    ----------
    rates : mapping
        Mean events per second by function: with very many, fewer cases.
    functions : int
        More functions, fewer cases.

    Returns
    -------
    list of Case
        Evenly spread in each dimension and together: an additive recurrence of irrational steps, no luck in it.
    """
    size = estimate_size()
    number = min(size.cases, max(size.fewest_cases, size.functions_times_cases // max(functions, 1)))
    least = sum(rates.values()) * _SHORT_US / US_PER_S
    number = min(number, max(size.fewest_cases, int(size.most_events / max(least, 1.0))))
    return [
        Case(tuple(_NORMAL.inv_cdf(_stratified(k, number, d)) for d in range(4)), k)  # type: ignore[arg-type]
        for k in range(number)
    ]


def _stratified(k: int, number: int, dimension: int) -> float:
    """Return a share within (0, 1): each dimension has one in each of `number` equal parts, in another order."""
    ranks = sorted(range(number), key=lambda one: _recurrent(one + 1, dimension))
    return (ranks.index(k) + 0.5) / number


def _recurrent(k: int, dimension: int) -> float:
    """Return the k-th value of the additive recurrence by a square root of a prime, within (0, 1)."""
    root = sqrt((2, 3, 5, 7, 11, 13)[dimension])
    share = (k * root) % 1.0
    return min(max(share, 1e-9), 1 - 1e-9)


def varied(function: FunctionSpec, place: int, case: Case, known_ms: float | None) -> FunctionSpec:
    """Return a function with one setting of what is not known of it.

    Parameters
    ----------
    function : FunctionSpec
    place : int
        Of the function in its scenario.
    case : Case
    known_ms : float or None
        Mean duration where a user gives it [ms]; its guess varies else.
    """
    ranges = spread()
    changes: dict[str, Any] = {"init_ms": _varied_init(function, case, ranges)}
    if known_ms is not None:
        variation = _variation(case)
        changes["work"] = revised(
            function.work, {"cpu_ms": FixedLaw(fixed=0), "io_ms": law_of_mean(known_ms, variation)}
        )
    else:
        longer = ranges.duration ** (case.own(place) / _Z90)
        cpu = ranges.cpu ** (case.scores[1] / _Z90)
        work = function.work
        changes["work"] = revised(
            work,
            {"cpu_ms": _scaled(work.cpu_ms, longer * cpu), "io_ms": _scaled(work.io_ms, longer / sqrt(cpu))},
        )
    return revised(function, changes)


def _variation(case: Case) -> float:
    ranges = spread()
    return float(ranges.variation_median * ranges.variation ** (case.scores[3] / _Z90))


def mean_until(timeout_ms: float, mean: float, case: Case) -> float:
    """Return the mean of a case's durations of a known mean, those above the timeout being cut there.

    Parameters
    ----------
    timeout_ms, mean : float
        [ms].
    case : Case

    Examples
    --------
    >>> middle = Case((0.0, 0.0, 0.0, 0.0), 0)
    >>> round(mean_until(1e9, 120, middle), 6), mean_until(60, 120, middle) < 60
    (120.0, True)
    """
    sigma = sqrt(log1p(_variation(case) ** 2))
    above = (log(timeout_ms / mean) + sigma**2 / 2) / sigma
    return mean * _NORMAL.cdf(above - sigma) + timeout_ms * (1 - _NORMAL.cdf(above))


def _varied_init(function: FunctionSpec, case: Case, ranges: Spread) -> Law | str:
    if function.snap_start is not None:
        return function.init_ms
    factor = ranges.init_median * ranges.init ** (case.scores[2] / _Z90)
    if function.init_ms != "catalog":
        return _scaled(function.init_ms, factor)
    prior = init_prior(function.runtime, function.package_type.value, function.architecture.value)
    assert prior is not None  # noqa: S101 - the spec refuses a runtime without a prior
    median = prior.p50_ms * factor
    p95 = max(exp(prior.mu_log + _Z95 * prior.sigma_log) * factor, median * 1.001)
    return LognormalLaw(lognormal=LognormalShape(p50=median, p95=p95))


def law_of_mean(mean: float, variation: float) -> Law:
    """Return a lognormal law of a mean and a coefficient of variation.

    Examples
    --------
    >>> round(law_of_mean(120, 0.5).mean(), 6)
    120.0
    """
    sigma = sqrt(log1p(variation**2))
    if sigma < 1e-4:
        return FixedLaw(fixed=mean)
    return LognormalLaw(lognormal=LognormalShape(mean=mean, p95=mean * exp(-(sigma**2) / 2 + _Z95 * sigma)))


def _scaled(law: Law, factor: float) -> Law:
    if isinstance(law, FixedLaw):
        return FixedLaw(fixed=law.fixed * factor)
    if isinstance(law, LognormalLaw) and (shape := law.lognormal).p50 is not None:
        return LognormalLaw(lognormal=LognormalShape(p50=shape.p50 * factor, p95=shape.p95 * factor))
    return law


@dataclass(frozen=True)
class Window:
    """Functions that are simulated for one length of time.

    Attributes
    ----------
    duration_us : int
    names : tuple of str
    shaped : bool
        Whether traffic has the hours of a day; else it is even, at its mean.
    """

    duration_us: int
    names: tuple[str, ...]
    shaped: bool


def windows(
    rates: Mapping[str, float],
    number: int,
    polled: Collection[str] = (),
    owners: Mapping[str, str] | None = None,
    known_ms: Mapping[str, float] | None = None,
) -> list[Window]:
    """Choose how long functions are simulated: rare ones a month, busy ones as long as events allow.

    Five minutes or ten runs are the shortest, unless they alone have too many events. An account is empty at first, so
    that all begins cold; what is even leaves its first third out, see ``steady``.

    Parameters
    ----------
    rates : mapping
        Mean events per second by function.
    number : int
        Of cases.
    polled : collection of str
        Functions of queues and streams, which are simulated apart and with fewer events.
    owners : mapping, optional
        The function of each further way into one: all of them are simulated together.
    known_ms : mapping, optional
        Mean durations by function, where they are given [ms].
    """
    size = estimate_size()
    slow = max(size.polled_events / number / max(len(polled), 1), size.fewest_events)
    budget = max(size.events / number / max(len(rates), 1), size.fewest_events)
    most = size.most_events / number
    grouped: dict[tuple[int, bool], list[str]] = {}
    ways: dict[str, list[str]] = {}
    for name in rates:
        owner = (owners or {}).get(name, name)
        ways.setdefault(owner, [owner] if owner not in rates else []).append(name)
    for owner, names in ways.items():
        rate = sum(rates.get(name, 0.0) for name in names)
        is_polled = any(name in polled for name in names)
        allowed, bound = (slow, slow) if is_polled else (budget, most)
        short_us = max(_SHORT_US, int(_RUNS_LONG * (known_ms or {}).get(owner, 0.0)) * US_PER_MS)
        fitting = (
            length for length in _LENGTHS_US if rate * length / US_PER_S <= allowed and length >= short_us
        )
        length = next(fitting, min(short_us, max(int(bound / rate * US_PER_S), US_PER_S)))
        grouped.setdefault((length, is_polled), []).extend(names)
    ordered = sorted(grouped.items(), reverse=True)
    return [Window(length, tuple(names), length >= US_PER_DAY) for (length, _), names in ordered]


def part_of(
    scenario: ScenarioSpec, window: Window, functions: Mapping[str, FunctionSpec], rates: Mapping[str, float]
) -> ScenarioSpec:
    """Return a scenario of some functions for a window, with even or shaped traffic of a mean rate."""
    chosen = []
    for name in window.names:
        rate = rates.get(name, 0.0)
        poisson: dict[str, Any] = {"rate_per_s": rate}
        function = functions[name]
        if window.shaped and (function.traffic.poisson is None or function.traffic.poisson.daily is not None):
            poisson["daily"] = traffic_guess().daily
        even = {"constant": {"rate_per_s": rate}}
        traffic = even if function.trigger.type.value == "schedule" or not rate else {"poisson": poisson}
        chosen.append(revised(function, {"traffic": traffic}))
    return revised(scenario, {"functions": tuple(chosen), "duration_us": window.duration_us})


def quantiles(values: Sequence[float]) -> tuple[float, float, float]:
    """Return P10, P50 and P90, on straight lines between the sorted values.

    Examples
    --------
    >>> quantiles([1, 2, 3, 4, 5])
    (1.4, 3.0, 4.6)
    """
    ordered = sorted(values)

    def at(share: float) -> float:
        place = share * (len(ordered) - 1)
        low = int(place)
        high = min(low + 1, len(ordered) - 1)
        return ordered[low] + (ordered[high] - ordered[low]) * (place - low)

    return round(at(0.1), 12), round(at(0.5), 12), round(at(0.9), 12)


def shares_of_range(scores: Sequence[Sequence[float]], values: Sequence[float]) -> list[float]:
    """Say how much of the spread of values goes with each score: squared rank correlations, scaled to 1 at most.

    Parameters
    ----------
    scores : sequence of sequence of float
        One row for each value.
    values : sequence of float
    """
    ranks = _ranks(values)
    found = []
    for column in zip(*scores, strict=True):
        other = _ranks(column)
        mean = (len(ranks) - 1) / 2
        covariance = sum((a - mean) * (b - mean) for a, b in zip(ranks, other, strict=True))
        variance = sum((a - mean) ** 2 for a in ranks)
        found.append((covariance / variance) ** 2 if variance else 0.0)
    total = sum(found)
    return [one / total if total > 1 else one for one in found]


def _ranks(values: Sequence[float]) -> list[float]:
    order = sorted(range(len(values)), key=lambda place: (values[place], place))
    ranks = [0.0] * len(values)
    for rank, place in enumerate(order):
        ranks[place] = float(rank)
    return ranks
