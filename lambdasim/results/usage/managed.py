"""What functions hold on Lambda Managed Instances, by month, and what that rests on."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

import numpy as np

from lambdasim.catalog import Knowledge, limit, timing
from lambdasim.catalog.prices.platforms import platform_book
from lambdasim.catalog.prices.servers import managed_terms
from lambdasim.engine.totals.function_totals import FunctionTotals
from lambdasim.specs.function import FunctionSpec
from lambdasim.specs.scenario import ScenarioSpec
from lambdasim.units import (
    US_PER_MINUTE,
    US_PER_S,
    format_duration,
    from_epoch_us,
    month_ends_us,
    to_epoch_us,
)
from lambdasim.wording import count

MonthCounts = Counter[str]


def left_out_of_peak(scenario: ScenarioSpec) -> str:
    """Say behind an account's peak concurrency what it does not count; nothing where it counts every run.

    Parameters
    ----------
    scenario : ScenarioSpec
    """
    managed = any(function.managed_instances for function in scenario.functions)
    return " outside managed instances" if managed else ""


def managed_s_by_month(scenario: ScenarioSpec, totals: FunctionTotals) -> MonthCounts:
    """Give the time of a function's managed instances by month, what is rounded up in the last [s]."""
    counts: MonthCounts = Counter()
    if totals.fleet is None:
        return counts
    start_us = to_epoch_us(scenario.start)
    held_us = np.cumsum(np.concatenate((np.zeros(1, dtype=np.int64), totals.fleet.instance_us)))
    whole_s, shared = -(-int(held_us[-1]) // US_PER_S), 0
    for end_us in month_ends_us(start_us):
        # A minute belongs to the month in which it begins.
        minutes = -(-(end_us - start_us) // US_PER_MINUTE)
        last = minutes >= len(held_us) - 1
        until = whole_s if last else int(held_us[minutes]) // US_PER_S
        counts[f"{from_epoch_us(end_us - 1):%Y-%m}"] += until - shared
        shared = until
        if last:
            break
    return +counts


def managed_parameters(function: FunctionSpec) -> Iterator[tuple[str, str, str, str]]:
    """Say what a function on managed instances rests on: parameter, value, how it is known, and source.

    Parameters
    ----------
    function : FunctionSpec

    Yields
    ------
    tuple of str
        Nothing for other functions.
    """
    spec = function.managed_instances
    if spec is None:
        return
    name, the_scenario = function.name, "the scenario"
    slots = spec.slots(function.runtime)
    yield (
        f"managed instances of {name}",
        f"{spec.instance_type}, {count(spec.per_instance(function.memory_mb), 'environment')} each, at least "
        f"{count(managed_terms().least_instances.value, 'instance')} of its own; "
        f"{slots} requests at once in an environment",
        Knowledge.ASSUMED.value,
        f"what an instance keeps back: {platform_book().managed.source}; {managed_terms().least_instances.citation()}",
    )
    said = [
        (
            f"{spec.headroom:g} times what the last minute used",
            timing("managed_headroom_percent"),
            spec.headroom * 100,
        ),
        (f"ready {format_duration(spec.lag_us)} later", timing("managed_lag_s"), spec.lag_us / US_PER_S),
        (f"ended after {format_duration(spec.keep_us)}", timing("managed_keep_s"), spec.keep_us / US_PER_S),
    ]
    for text, fact, value in said:
        given = value != fact.value
        yield (
            f"scaling of {name}",
            text,
            Knowledge.GIVEN.value if given else Knowledge.ASSUMED.value,
            the_scenario if given else fact.citation(),
        )
    yield (
        f"account concurrency of {name}",
        "not counted: managed instances have quotas of their own",
        Knowledge.AWS_PAGE.value,
        limit("managed_environments_max").citation(),
    )
    yield (
        f"begin of {name}",
        f"{spec.min_environments} environments, or what the first minute needs on average with that headroom",
        Knowledge.ASSUMED.value,
        "as if that traffic had been there before",
    )
