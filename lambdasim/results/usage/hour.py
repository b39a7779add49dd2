"""A run's usage by UTC clock hour, which sums to its usage by month."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Final, cast

import numpy as np

from lambdasim.billing import Usage, pool
from lambdasim.billing.usage import COUNTERS
from lambdasim.errors import InputError
from lambdasim.units import US_PER_HOUR, US_PER_MINUTE, US_PER_S, from_epoch_us, to_epoch_us
from lambdasim.wording import clipped

if TYPE_CHECKING:
    import pandas as pd

    from lambdasim.specs.function import FunctionSpec
    from lambdasim.specs.scenario import ScenarioSpec

METRIC_OF_COUNTER: Final = {
    "requests": "Invocations",
    "provisioned_requests": "ProvisionedConcurrencyInvocations",
    "billed_ms_with_init": "BilledMsWithInit",
    "billed_ms_without_init": "BilledMsWithoutInit",
    "provisioned_billed_ms": "ProvisionedBilledMs",
}
_ALLOCATED: Final = "provisioned_allocated_s"
_HOUR: Final = len("YYYY-MM-DDTHH")
"""Characters of a timestamp up to its hour."""
_HOURS_AFTER: Final = 24 * 31
"""How long after its end [hours] a run may still work: events wait, are tried again and time out."""


@dataclass(frozen=True)
class HourlyUsage:
    """What was used in each hour.

    Attributes
    ----------
    first : datetime
        Beginning of the first hour, UTC.
    hours : tuple of tuple of Usage
        Rows of each clock hour, empty where nothing was used.
    rest : tuple of Usage
        What a run counts by month alone: payloads and streams, SnapStart, INIT of provisioned environments and the
        rounding up of their allocation, calls at triggers, seconds with runs and time.
    price_date : date or None
        As the scenario says.
    """

    first: datetime
    hours: tuple[tuple[Usage, ...], ...]
    rest: tuple[Usage, ...]
    price_date: date | None

    @property
    def usage(self) -> tuple[Usage, ...]:
        """Everything that was used."""
        return (*(row for rows in self.hours for row in rows), *self.rest)

    def days(self) -> Iterator[tuple[str, tuple[Usage, ...]]]:
        """Yield each UTC day, ``YYYY-MM-DD``, with its rows."""
        rows: defaultdict[str, list[Usage]] = defaultdict(list)
        for place, used in enumerate(self.hours):
            rows[f"{self.first + timedelta(hours=place):%Y-%m-%d}"] += used
        for day in sorted(rows):
            yield day, tuple(rows[day])


def cut_into_hours(
    metrics: pd.DataFrame, scenario: ScenarioSpec, usages: Iterable[Usage], where: str
) -> HourlyUsage:
    """Cut usage by month into clock hours, by a table of metrics by minute.

    Parameters
    ----------
    metrics : DataFrame
        One row for each function and minute: ``timestamp``, ``function``, and the columns of ``METRIC_OF_COUNTER``.
    scenario : ScenarioSpec
    usages : iterable of Usage
        The run's rows by month.
    where : str
        What errors name.

    Returns
    -------
    HourlyUsage
        Sums to ``usages``, count by count.

    Raises
    ------
    InputError
        When the two are of different runs.
    """
    first_us = to_epoch_us(scenario.start) // US_PER_HOUR * US_PER_HOUR
    first = from_epoch_us(first_us)
    end_us = to_epoch_us(scenario.start) + scenario.duration_us
    counts: dict[int, list[Usage]] = {hour: [] for hour in range(-(-(end_us - first_us) // US_PER_HOUR))}
    usages = tuple(usages)
    hour_of: dict[object, int] = {}
    hours_us: dict[str, int] = {}  # each hour is read once, not once for each of its minutes
    for label in metrics["timestamp"].unique():
        written = str(label)[:_HOUR]
        if written not in hours_us:
            hours_us[written] = _hour_us(label, where)
        hour_of[label] = (hours_us[written] - first_us) // US_PER_HOUR
    outside = [label for label, hour in hour_of.items() if not 0 <= hour <= len(counts) + _HOURS_AFTER]
    if outside:
        raise InputError.single(where, "timestamp", f"must lie in the run, got {clipped(outside[0], 40)}")
    hours_of_rows = metrics["timestamp"].map(hour_of)
    summed = metrics.groupby([metrics["function"], hours_of_rows])[list(METRIC_OF_COUNTER.values())].sum()
    for spec in scenario.functions:
        table: defaultdict[int, dict[str, int]] = defaultdict(dict)
        if spec.name in summed.index.get_level_values(0):
            for hour, row in summed.loc[spec.name].iterrows():
                table[cast("int", hour)] = {
                    name: int(row[column]) for name, column in METRIC_OF_COUNTER.items()
                }
        if to_epoch_us(scenario.start) % US_PER_MINUTE:
            _move_at_months(table, [usage for usage in usages if usage.function == spec.name], first_us)
        for hour, seconds in _allocated_s(scenario, spec, first_us):
            table[hour][_ALLOCATED] = seconds
        for hour, used in table.items():
            if any(used.values()):
                counts.setdefault(hour, []).append(
                    _row(scenario, spec, from_epoch_us(first_us + hour * US_PER_HOUR), used)
                )
    hours = tuple(tuple(counts.get(hour, ())) for hour in range(max(counts) + 1))
    rest = _rest(usages, (row for rows in hours for row in rows), where)
    return HourlyUsage(first, hours, rest, scenario.price_date)


def _hour_us(label: object, where: str) -> int:
    """Give the clock hour of a minute's timestamp [µs since 1970]."""
    try:
        at = datetime.strptime(str(label)[:_HOUR], "%Y-%m-%dT%H").replace(tzinfo=UTC)
        return to_epoch_us(at)
    except (ValueError, OverflowError):
        wrong = f"must be a time such as 2026-11-01T00:00:00Z, got {clipped(label, 40)}"
        raise InputError.single(where, "timestamp", wrong) from None


def _move_at_months(table: dict[int, dict[str, int]], usages: list[Usage], first_us: int) -> None:
    """Move what a month lacks from its last hour to the next hour.

    Notes
    -----
    A run's minutes begin at its start. Where that is not a whole minute, the minute that reaches over the end of a month
    counts in the hour in which it begins, while each of its attempts belongs to the month in which it starts.
    """
    of_month: defaultdict[str, dict[str, int]] = defaultdict(lambda: dict.fromkeys(METRIC_OF_COUNTER, 0))
    for usage in usages:
        for name in METRIC_OF_COUNTER:
            of_month[usage.month][name] += getattr(usage, name)
    months = {hour: f"{from_epoch_us(first_us + hour * US_PER_HOUR):%Y-%m}" for hour in sorted(table)}
    for last, month in months.items():
        following = last + 1
        if f"{from_epoch_us(first_us + following * US_PER_HOUR):%Y-%m}" == month:
            continue
        for name, used in table[last].items():
            by_hour = sum(table[hour].get(name, 0) for hour in months if months[hour] == month)
            moved = min(max(by_hour - of_month[month][name], 0), used)
            if moved:
                table[last][name] -= moved
                table.setdefault(following, {})
                table[following][name] = table[following].get(name, 0) + moved


def _allocated_s(scenario: ScenarioSpec, spec: FunctionSpec, first_us: int) -> Iterator[tuple[int, int]]:
    """Yield clock hours with environment-seconds of provisioned concurrency in them."""
    start_us, length_us = to_epoch_us(scenario.start), scenario.duration_us
    steps = spec.provisioned_steps(start_us, length_us)
    if not steps:
        return
    edges_us = (
        np.arange(-(-(start_us + length_us - first_us) // US_PER_HOUR) + 1) * US_PER_HOUR
        + first_us
        - start_us
    )
    held_us = np.zeros(len(edges_us) - 1, dtype=np.int64)
    for at_us, end_us, count in steps.levels():
        inside_us = np.clip(edges_us, at_us, end_us)
        held_us += count * np.diff(inside_us)
    for hour, us in enumerate(held_us.tolist()):
        if us >= US_PER_S:
            yield hour, us // US_PER_S


def _row(scenario: ScenarioSpec, spec: FunctionSpec, at: datetime, used: dict[str, int]) -> Usage:
    return Usage.of_function(spec, scenario.region, f"{at:%Y-%m}", calls=0, **used)


def _rest(usages: Iterable[Usage], hourly: Iterable[Usage], where: str) -> tuple[Usage, ...]:
    """Take the hours off the months; ordered by key, as a folder and its run list them differently."""
    sums: defaultdict[tuple[str | int | bool, ...], dict[str, int]] = defaultdict(
        lambda: dict.fromkeys(COUNTERS, 0)
    )
    for row in hourly:
        of_key = sums[row.key]
        for name in COUNTERS:
            of_key[name] += getattr(row, name)
    rest = []
    for usage in usages:
        used = sums.pop(usage.key, dict.fromkeys(COUNTERS, 0))
        left = {name: getattr(usage, name) - used[name] for name in COUNTERS}
        if min(left.values()) < 0:
            name = min(left, key=lambda name: left[name])
            raise InputError.single(
                where,
                f"{usage.function[:40]}.{name}",
                f"is {used[name]} by hour and {getattr(usage, name)} by month",
            )
        if any(left.values()):
            rest.append(replace(usage, **left))
    if sums:
        raise InputError.single(where, "usage", "has hours of a month or function that it lacks by month")
    return pool(rest)
