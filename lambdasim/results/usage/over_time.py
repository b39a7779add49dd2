"""What each minute of a run costs: every line of its bill, spread over time by what was counted for it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import groupby
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from lambdasim.billing import Usage, ephemeral_billed_mb, meter_units_of_runs
from lambdasim.catalog import ChargeKind, billing_rules
from lambdasim.catalog.prices.managed import instance_type
from lambdasim.catalog.prices.meters import Driver, meter
from lambdasim.engine.contract import Invoker
from lambdasim.results.sources import empty_receives
from lambdasim.units import US_PER_MINUTE, to_epoch_us

if TYPE_CHECKING:
    from lambdasim.billing import Bill
    from lambdasim.billing.shares import PricedPool
    from lambdasim.engine.contract import FunctionPlan, Plan
    from lambdasim.engine.totals.aggregate import Aggregate
    from lambdasim.engine.totals.function_totals import FunctionTotals
    from lambdasim.engine.totals.series import MinuteCounts
    from lambdasim.specs.function import FunctionSpec
    from lambdasim.specs.scenario import ScenarioSpec

Series = NDArray[np.float64]
Part = tuple[float, Series]
_ALL: Final = float("inf")
_MACHINES: Final = {
    "step_functions_express_requests": 0,
    "step_functions_transitions": 1,
    "step_functions_express_gb_s": 2,
}
"""Meters of state machines, and the row of ``MachineTotals.by_minute`` that drives each."""
_TRANSITIONS: Final = 1
_EXPRESS_TIME: Final = 2


class CostsOverTime:
    """A run's bill by minute.

    Parameters
    ----------
    scenario : ScenarioSpec
    plan : Plan
    aggregate : Aggregate
    usages : tuple of Usage
        By month.
    bill : Bill
        Of them.

    Attributes
    ----------
    minutes : int
        From the scenario's start to the last in which anything was counted.

    Notes
    -----
    Each line counts in the minutes in which what it charges for was counted: requests, duration, logs and what a run uses
    in the minute in which an attempt starts; calls at a trigger in that of the attempt or event; transitions in that of
    their execution's start. What is held (provisioned concurrency, SnapStart's cache, gateways, shards, pollers, receives
    that find nothing) counts evenly while it is held, and so does what has no count by minute in its month.
    """

    def __init__(
        self,
        scenario: ScenarioSpec,
        plan: Plan,
        aggregate: Aggregate,
        usages: tuple[Usage, ...],
        bill: Bill,
    ) -> None:
        self._scenario, self._plan, self._aggregate, self._usages = scenario, plan, aggregate, usages
        self._pools = bill.pools
        self.minutes = _minutes_of(scenario, aggregate)
        begins_us = to_epoch_us(scenario.start) + np.arange(self.minutes) * US_PER_MINUTE
        self._months = begins_us.astype("datetime64[us]").astype("datetime64[M]")

    def by_share(self) -> Iterator[tuple[str, Series]]:
        """Yield what each function's minutes cost, each line at its mean rate of the month.

        Yields
        ------
        str
            Function, in order of name; ``(shared)`` is what no one function uses.
        ndarray, shape (n_minutes,)
            [USD]; sums to the bill, and of each function to ``Bill.by_function``.
        """
        for name, spread in groupby(self._spread(), key=lambda found: found[0]):
            usd = np.zeros(self.minutes)
            for _, place, stretch, series in spread:
                pool = self._pools[place]
                whole = sum(count for _, count in pool.counts)
                usd[stretch] += series * (float(sum(line.amount for line in pool.lines)) / whole)
            yield name, usd

    def in_order(self, function: str | None = None) -> Series:
        """Give what each minute adds to the bill as it grows: what is free is used up first, then tier after tier.

        Parameters
        ----------
        function : str, optional
            Its part of each minute; default: everything.

        Returns
        -------
        ndarray, shape (n_minutes,)
            [USD]; sums to the bill.
        """
        together: dict[int, tuple[slice, Series]] = {}
        own: dict[int, Series] = {}
        for name, place, stretch, series in self._spread():
            before = together[place][1] if place in together else 0.0
            together[place] = (stretch, series + before)
            if name == function:
                own[place] = series
        usd = np.zeros(self.minutes)
        for place, (stretch, counted) in together.items():
            if function is None or place in own:
                added = _added(self._pools[place], counted)
                if function is not None:
                    added *= np.divide(own[place], counted, out=np.zeros_like(counted), where=counted > 0)
                usd[stretch] += added
        return usd

    def _spread(self) -> Iterator[tuple[str, int, slice, Series]]:
        """Yield each function's count in each pool over the minutes of its month, function after function."""
        specs = {spec.name: spec for spec in self._scenario.functions}
        functions = {
            plan.name: (specs[plan.name], plan, totals)
            for plan, totals in zip(self._plan.functions, self._aggregate.functions, strict=True)
        }
        rows: dict[tuple[str, str], list[Usage]] = {}
        for usage in self._usages:
            rows.setdefault((usage.function, usage.month), []).append(usage)
        wanted = sorted(
            (name, pool.key.month, place, count)
            for place, pool in enumerate(self._pools)
            for name, count in pool.counts
        )
        for (name, month), found in groupby(wanted, key=lambda one: one[:2]):
            stretch = self._stretch(month)
            held = _held(self._scenario, stretch)
            drivers = (
                _OfFunction(self._scenario, *functions[name], tuple(rows[name, month]), stretch)
                if name in functions
                else None
            )
            for _, _, place, count in found:
                pool = self._pools[place]
                parts = drivers.parts(pool) if drivers is not None else self._of_machines(pool, stretch)
                yield name, place, stretch, _spread_count(float(count), parts, held)

    def _stretch(self, month: str) -> slice:
        """Give the minutes of a month; where none begins in it, the last one before."""
        first, stop = (
            int(np.searchsorted(self._months, np.datetime64(month), side=side)) for side in ("left", "right")
        )
        return slice(first, stop) if stop > first else slice(max(first - 1, 0), max(first, 1))

    def _of_machines(self, pool: PricedPool, stretch: slice) -> Iterator[Part]:
        """Yield what state machines counted of a meter."""
        row = _MACHINES.get(pool.usage_type)
        if row is None:
            return
        found = np.zeros(self.minutes)
        for machine in self._plan.machines:
            counted = self._aggregate.executions.machines[machine.name].by_minute[row]
            # A standard machine pays for transitions, an express one for requests and time.
            if bool(machine.memory_mb) == (row != _TRANSITIONS):
                found[: len(counted)] += counted * float(machine.memory_mb if row == _EXPRESS_TIME else 1)
        yield _ALL, found[stretch]


class _Counted(dict[str, Series]):
    """Counts of a function in the minutes of a month, read when asked for."""

    def __init__(self, counts: MinuteCounts, stretch: slice) -> None:
        self._counts, self._stretch = counts, stretch

    def __missing__(self, name: str) -> Series:
        (row,) = self._counts.of(name, first=self._stretch.start, stop=self._stretch.stop)
        self[name] = row.astype(float)
        return self[name]


@dataclass(frozen=True)
class _OfFunction:
    """What drives a function's lines in the minutes of a month.

    Attributes
    ----------
    scenario : ScenarioSpec
    spec : FunctionSpec
    plan : FunctionPlan
    totals : FunctionTotals
    rows : tuple of Usage
        Of the month.
    stretch : slice
        Its minutes.
    """

    scenario: ScenarioSpec
    spec: FunctionSpec
    plan: FunctionPlan
    totals: FunctionTotals
    rows: tuple[Usage, ...]
    stretch: slice

    def parts(self, pool: PricedPool) -> Iterator[Part]:
        """Yield parts of a pool's count, each with what drives it; what is left counts evenly."""
        if pool.key.kind is ChargeKind.NEIGHBOUR:
            return self._of_meter(pool.usage_type)
        return self._of_kind(pool.key.kind, may_be_free=pool.key.may_be_free)

    @cached_property
    def _counted(self) -> _Counted:
        return _Counted(self.totals.counts, self.stretch)

    def _of_kind(self, kind: ChargeKind, *, may_be_free: bool) -> Iterator[Part]:
        counted = self._counted
        provisioned = counted["ProvisionedConcurrencyInvocations"]
        rules = billing_rules(self.scenario.billing_day)
        with_init = rules.init_is_billed(
            self.spec.package_type.value, self.spec.runtime, self.spec.snap_start is not None
        )
        on_demand = counted["BilledMsWithInit" if with_init else "BilledMsWithoutInit"]
        if kind is ChargeKind.REQUEST:
            free = may_be_free or self.spec.managed_instances is not None
            yield _ALL, counted["Invocations"] - provisioned if free else provisioned
        elif kind is ChargeKind.DURATION:
            yield _ALL, on_demand
        elif kind is ChargeKind.PC_DURATION:
            yield from self._provisioned(self.spec.memory_mb)
        elif kind is ChargeKind.EPHEMERAL:
            extra_mb = ephemeral_billed_mb(self.spec.ephemeral_mb, rules)
            yield float(sum(row.on_demand_ms(rules) for row in self.rows) * extra_mb), on_demand
            yield from self._provisioned(extra_mb)
        elif kind is ChargeKind.PC_IDLE:
            yield _ALL, self._allocated()
        elif kind is ChargeKind.STREAMING:
            yield _ALL, counted["Invocations"]
        elif kind is ChargeKind.SNAPSTART_RESTORE:
            yield _ALL, counted["ColdStarts"]

    def _provisioned(self, mb: int) -> Iterator[Part]:
        """Yield runs on provisioned environments, then INIT of those that were added."""
        billed_ms = sum(row.provisioned_billed_ms for row in self.rows)
        yield float(billed_ms * mb), self._counted["ProvisionedBilledMs"]
        added = np.zeros(self.stretch.stop - self.stretch.start)
        steps = self.spec.provisioned_steps(to_epoch_us(self.scenario.start), self.scenario.duration_us)
        for at_us, _, grown in steps.added():
            minute = at_us // US_PER_MINUTE - self.stretch.start
            if 0 <= minute < len(added):
                added[minute] += grown
        yield _ALL, added

    def _allocated(self) -> Series:
        """Give provisioned environments' time in each minute."""
        edges_us = np.arange(self.stretch.start, self.stretch.stop + 1) * US_PER_MINUTE
        held_us = np.zeros(len(edges_us) - 1)
        steps = self.spec.provisioned_steps(to_epoch_us(self.scenario.start), self.scenario.duration_us)
        for at_us, end_us, count in steps.levels():
            held_us += count * np.diff(np.clip(edges_us, at_us, end_us))
        return held_us

    def _of_meter(self, name: str) -> Iterator[Part]:
        one = meter(name)
        managed, fleet = self.spec.managed_instances, self.totals.fleet
        if managed and fleet is not None and name in instance_type(managed.instance_type).meter_names():
            held = np.zeros(self.stretch.stop)
            held[: len(fleet.instance_us)] = fleet.instance_us[: self.stretch.stop]
            yield _ALL, held[self.stretch]
            return
        if one.driver in (Driver.HOUR, Driver.MONTH):
            return
        if one.driver is Driver.START:
            yield _ALL, self._counted["ColdStarts"]
            return
        of_runs = one.driver in (Driver.LOG, Driver.TRACE)
        most = _ALL if of_runs else float(meter_units_of_runs(one, self.rows, self.spec))
        yield most, self._counted["Invocations"]
        items = self.totals.items
        if items is None:
            queued = self.plan.retry.invoker is Invoker.QUEUE
            calls = ("AsyncEventsReceived",) if queued else ("Invocations", "Throttles")
            yield _ALL, np.sum([self._counted[each] for each in calls], axis=0)
            return
        taken, empty = 0, 0
        if self.plan.source is not None and not self.plan.source.blocks:
            taken = items.counters["receive_requests"] + items.counters["delete_calls"]
            empty = empty_receives(items)
        sent = np.zeros(self.stretch.stop)
        reached = items.sent_by_minute[: self.stretch.stop]
        sent[: len(reached)] = reached
        # A run stands for as many receives and deletes as the mean of the whole run.
        receives = self._counted["Invocations"] * (taken / max(self.totals.runs, 1))
        waits = _held(self.scenario, self.stretch) * (empty * US_PER_MINUTE / self.scenario.duration_us)
        yield _ALL, sent[self.stretch] + receives + waits


def _added(pool: PricedPool, counted: Series) -> Series:
    """Give what each minute's count adds to a pool's cost, as tiers fill up [USD]."""
    taken = np.cumsum(
        [0.0, float(pool.free_count), *(float(line.quantity) * pool.scale for line in pool.lines)]
    )
    costs = np.cumsum([0.0, 0.0, *(float(line.amount) for line in pool.lines)])
    added: Series = np.diff(np.interp(np.cumsum(counted), taken, costs), prepend=0.0)
    return added


def _minutes_of(scenario: ScenarioSpec, aggregate: Aggregate) -> int:
    reached = [totals.counts.minutes for totals in aggregate.functions]
    for totals in aggregate.functions:
        if totals.items is not None:
            reached.append(int(np.flatnonzero(totals.items.sent_by_minute).max(initial=-1)) + 1)
    reached += [machine.by_minute.shape[1] for machine in aggregate.executions.machines.values()]
    return max(-(-scenario.duration_us // US_PER_MINUTE), *reached)


def _held(scenario: ScenarioSpec, stretch: slice) -> Series:
    """Give the part of each minute that is the scenario's time."""
    edges = np.arange(stretch.start, stretch.stop + 1)
    held: Series = np.diff(np.minimum(edges * US_PER_MINUTE, scenario.duration_us)) / US_PER_MINUTE
    return held


def _spread_count(count: float, parts: Iterable[Part], held: Series) -> Series:
    """Spread a count over minutes: part after part by what drove it, and the rest evenly while the scenario lasts."""
    found, left = np.zeros(len(held)), count
    for most, weights in (*parts, (_ALL, held), (_ALL, np.ones(len(held)))):
        part, whole = min(most, left), weights.sum()
        if part > 0 and whole > 0:
            found += weights * (part / whole)
            left -= part
    return found
