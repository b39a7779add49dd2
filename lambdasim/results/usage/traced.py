"""In how many seconds of a run anything starts, which is what X-Ray's default sampling counts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from lambdasim.results.usage.by_time import MonthCounts
from lambdasim.units import US_PER_MINUTE, US_PER_S, from_epoch_us, month_ends_us, to_epoch_us

if TYPE_CHECKING:
    from lambdasim.engine.totals.aggregate import Aggregate
    from lambdasim.specs.function import FunctionSpec
    from lambdasim.specs.scenario import ScenarioSpec

_S_PER_MINUTE: Final = US_PER_MINUTE // US_PER_S
_TRACES: Final = "xray_traces"


def busy_seconds(scenario: ScenarioSpec, aggregate: Aggregate) -> tuple[list[MonthCounts], MonthCounts]:
    """Count seconds in which runs start, by month: of each function, and of all that sample by X-Ray's default.

    Parameters
    ----------
    scenario : ScenarioSpec
    aggregate : Aggregate

    Returns
    -------
    list of Counter
        In the aggregate's order; of ways into one function each has the seconds that those before it have not [s].
    Counter
        Of the functions that do not say themselves how many traces a run makes [s].

    Notes
    -----
    A run keeps starts by minute. n of evenly spaced traffic (``constant``) fall into min(n, s) of a minute's s seconds.
    Any others are taken to fall at random, so that each of them misses a second with probability 1 - 1/s, and
    s (1 - (1 - 1/s)^n) seconds are expected to have one: 1 for n = 1, s for many. This is the mean of the number of boxes
    that n balls reach (W. Feller, An Introduction to Probability Theory, vol. 1, IV.2). Functions are independent of each
    other. Sums are rounded to whole seconds.
    """
    specs = {spec.name: spec for spec in scenario.functions}
    minutes = max((totals.counts.minutes for totals in aggregate.functions), default=0)
    lengths = _lengths(scenario, minutes)
    own: list[MonthCounts] = []
    # Only what is shared is kept: a month by minute is 0.35 MB for each function.
    of_owner = {spec.shares: np.ones(minutes) for spec in scenario.functions if spec.shares is not None}
    for name, totals in zip(aggregate.names, aggregate.functions, strict=True):
        spec = specs[name]
        if not totals.runs:
            own.append(Counter())
            continue
        (starts,) = totals.counts.of("Invocations")
        without = _empty(starts, lengths[: len(starts)], even=_is_even(spec))
        added = 1 - without
        if (before := of_owner.get(spec.shares or spec.name)) is not None:
            added *= before[: len(starts)]
            before[: len(starts)] *= without
        seconds = _by_month(scenario, lengths[: len(starts)] * added)
        # A row with runs keeps a second, so that it never looks like one whose seconds are not known.
        own.append(Counter({month: max(seconds[month], 1) for month in _by_month(scenario, starts)}))
    return own, seconds_of_any(scenario, quiet_parts(scenario, aggregate))


def quiet_parts(
    scenario: ScenarioSpec, aggregate: Aggregate
) -> Iterator[tuple[NDArray[np.int64], NDArray[np.float64]]]:
    """Give for each function that samples by X-Ray's default when it runs, and how empty that leaves the minutes.

    Parameters
    ----------
    scenario : ScenarioSpec
    aggregate : Aggregate
        Of all its functions, or of one of them apart.

    Yields
    ------
    tuple of ndarray
        Minutes with runs, and the expected part of each one's seconds in which none starts; see ``busy_seconds``.
    """
    specs = {spec.name: spec for spec in scenario.functions}
    for name, totals in zip(aggregate.names, aggregate.functions, strict=True):
        spec = specs[name]
        if totals.runs and _TRACES not in spec.uses.per_run:
            (starts,) = totals.counts.of("Invocations")
            minutes = np.flatnonzero(starts)
            lengths = _lengths(scenario, len(starts))[minutes]
            yield minutes, _empty(starts[minutes], lengths, even=_is_even(spec))


def seconds_of_any(
    scenario: ScenarioSpec, parts: Iterable[tuple[NDArray[np.int64], NDArray[np.float64]]]
) -> MonthCounts:
    """Count the seconds in which any of several functions starts, by month [s].

    Parameters
    ----------
    scenario : ScenarioSpec
    parts : iterable
        See ``quiet_parts``; in the order of the scenario's functions, for the same last bit.

    Returns
    -------
    Counter
    """
    empty = np.ones(0)
    for at, part in parts:
        missing = int(at[-1]) + 1 - len(empty)
        empty = np.pad(empty, (0, max(missing, 0)), constant_values=1.0)
        empty[at] *= part
    return _by_month(scenario, _lengths(scenario, len(empty)) * (1 - empty))


def _is_even(spec: FunctionSpec) -> bool:
    """Return whether a function's runs start at even distances."""
    return spec.traffic.constant is not None and spec.trigger.queue is None and spec.trigger.stream is None


def _lengths(scenario: ScenarioSpec, minutes: int) -> NDArray[np.float64]:
    """Give the seconds of each minute: the last of the scenario may be a part, those after its end are whole."""
    left = scenario.duration_us / US_PER_S - np.arange(minutes) * _S_PER_MINUTE
    return np.where(left <= 0, _S_PER_MINUTE, np.clip(np.ceil(left), 1, _S_PER_MINUTE))


def _empty(starts: NDArray[np.int64], lengths: NDArray[np.float64], *, even: bool) -> NDArray[np.float64]:
    """Give the expected part of each minute's seconds in which nothing starts."""
    if even:
        return 1 - np.minimum(starts, lengths) / lengths
    part: NDArray[np.float64] = np.power(1 - 1 / lengths, starts)
    return part


def _by_month(scenario: ScenarioSpec, seconds: NDArray[np.float64] | NDArray[np.int64]) -> MonthCounts:
    """Add up minutes by the month in which they begin, in whole numbers."""
    start_us = to_epoch_us(scenario.start)
    ends_us = month_ends_us(start_us)
    counts: MonthCounts = Counter()
    first = 0
    while first < len(seconds):
        stop = -(-(next(ends_us) - start_us) // US_PER_MINUTE)
        counts[f"{from_epoch_us(start_us + first * US_PER_MINUTE):%Y-%m}"] = round(
            float(seconds[first:stop].sum())
        )
        first = stop
    return +counts
