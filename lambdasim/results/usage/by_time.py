"""What is billed by time, whatever runs, by month: provisioned environments, cached snapshots, the scenario itself."""

from __future__ import annotations

from collections import Counter

import numpy as np

from lambdasim.billing import allocated_by_month, snapstart_cache_ms
from lambdasim.catalog import BillingRules
from lambdasim.engine.draws import FunctionDraws
from lambdasim.specs.function import FunctionSpec
from lambdasim.specs.scenario import ScenarioSpec
from lambdasim.units import US_PER_MS, US_PER_S, from_epoch_us, month_ends_us, to_epoch_us

MonthCounts = Counter[str]


def shared_by_time(scenario: ScenarioSpec, whole: int) -> MonthCounts:
    """Share a count of the whole run between its months, by their time in it."""
    spans = elapsed_s(scenario)
    counts: MonthCounts = Counter()
    passed = shared = 0
    for month in sorted(spans):
        passed += spans[month]
        until = whole * passed // spans.total()
        counts[month] = until - shared
        shared = until
    return +counts


def elapsed_s(scenario: ScenarioSpec) -> MonthCounts:
    """Give the scenario's time by month [s], rounded up in the last."""
    begin_us = to_epoch_us(scenario.start)
    whole_s = -(-scenario.duration_us // US_PER_S)
    counts: MonthCounts = Counter()
    shared = 0
    for end_us in month_ends_us(begin_us):
        until = min((end_us - begin_us) // US_PER_S, whole_s)
        counts[f"{from_epoch_us(end_us - 1):%Y-%m}"] += until - shared
        shared = until
        if shared == whole_s:
            break
    return +counts


def provisioned_allocated_s(scenario: ScenarioSpec, spec: FunctionSpec, rules: BillingRules) -> MonthCounts:
    """Give environment-seconds of provisioned concurrency by month [s].

    Notes
    -----
    Each environment pays from being asked for to being given up, rounded up to the billing step; the newest are given
    up first. So a change from 10 to 12 does not round the time of the ten.
    """
    start_us = to_epoch_us(scenario.start)
    counts: MonthCounts = Counter()
    steps = spec.provisioned_steps(start_us, scenario.duration_us)
    for count, begin_us, end_us in steps.allocations():
        for month, seconds in allocated_by_month(start_us + begin_us, start_us + end_us, rules).items():
            counts[month] += count * seconds
    return counts


def provisioned_init_ms(scenario: ScenarioSpec, spec: FunctionSpec, draws: FunctionDraws) -> MonthCounts:
    """Give the INIT of provisioned environments by month, one for each environment allocated, used or not [ms]."""
    counts: MonthCounts = Counter()
    start_us = to_epoch_us(scenario.start)
    for at_us, first, grown in spec.provisioned_steps(start_us, scenario.duration_us).added():
        init_us = draws.provisioned_init_us(np.arange(first, first + grown))
        counts[f"{from_epoch_us(start_us + at_us):%Y-%m}"] += int((-(-init_us // US_PER_MS)).sum())
    return counts


def snapstart_cached_ms(scenario: ScenarioSpec, spec: FunctionSpec, rules: BillingRules) -> MonthCounts:
    """Give the time that all published versions are cached, by month, what is rounded up in the last [ms]."""
    if spec.snap_start is None or spec.shares is not None:
        return Counter()
    begin_us = to_epoch_us(scenario.start)
    whole_ms = snapstart_cache_ms(scenario.duration_us, rules)
    counts: MonthCounts = Counter()
    shared_ms = 0
    for end_us in month_ends_us(begin_us):
        until_ms = min((end_us - begin_us) // US_PER_MS, whole_ms)
        counts[f"{from_epoch_us(end_us - 1):%Y-%m}"] += (until_ms - shared_ms) * spec.snap_start.versions
        shared_ms = until_ms
        if shared_ms == whole_ms:
            break
    return +counts
