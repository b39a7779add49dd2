"""What one run of a scenario would ask of servers, beside what it used of Lambda."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cached_property
from math import ceil, floor
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from lambdasim.billing import Usage, pool
from lambdasim.billing.usage import BY_TIME, COUNTERS
from lambdasim.catalog.prices.servers import Server
from lambdasim.engine.contract import FunctionPlan, Outcome, StartType
from lambdasim.engine.totals.function_totals import FunctionTotals
from lambdasim.results.run import RunResult
from lambdasim.results.simulate import simulate
from lambdasim.results.usage.as_month import month_factor, monthly_usage
from lambdasim.specs.base import revised
from lambdasim.specs.callers.calls import CallHow
from lambdasim.specs.function import Architecture, FunctionSpec
from lambdasim.specs.scenario import ScenarioSpec
from lambdasim.study.variants import LimitCase, Variant, case_scenario
from lambdasim.units import MB_PER_GB, US_PER_HOUR, US_PER_MINUTE, US_PER_MS

_MOST_POLLERS: Final = 10_000
_MOST_GROUPS: Final = 20_000
_MOST_SHARDS: Final = 10_000
_FULLER: Final = 1.5
_MINUTES: Final = US_PER_HOUR // US_PER_MINUTE


class Load(NamedTuple):
    """What the requests of one architecture ask of a server, as the number of servers that they would fill.

    Attributes
    ----------
    cpu, memory : ndarray of float64, shape (n_hours,)
        Of its vCPUs and of its memory, at the fullest moment of the hour; memory with a process for each request.
    offered_cpu, offered_memory : ndarray of float64, shape (n_hours,)
        The offered load of the minute with the most arrivals, which the fullest moment exceeds by chance.
    """

    cpu: NDArray[np.float64]
    memory: NDArray[np.float64]
    offered_cpu: NDArray[np.float64]
    offered_memory: NDArray[np.float64]

    def towards(self, other: Load, part: float) -> Load:
        """Return what lies between this load and another, on a straight line."""
        return Load(*(a + part * (b - a) for a, b in zip(self, other, strict=True)))

    def grown(self, factor: float, like: Load | None = None) -> Load:
        """Return the load of so many times the traffic; see ``Demand.grown``."""
        offered = [self.offered_cpu * factor, self.offered_memory * factor]
        like = like or self.excess()
        return Load(
            offered[0] + like.cpu * np.sqrt(offered[0]),
            offered[1] + like.memory * np.sqrt(offered[1]),
            *offered,
        )

    def excess(self) -> Load:
        """Return by how much the fullest moment exceeds what is offered, over the square root of that."""
        more = [
            np.divide(np.maximum(peak - low, 0), np.sqrt(low), out=np.zeros(len(low)), where=low > 0)
            for peak, low in zip(self[:2], self[2:], strict=True)
        ]
        return Load(more[0], more[1], self.offered_cpu, self.offered_memory)


class FunctionEvidence(NamedTuple):
    """How one function ran on Lambda.

    Attributes
    ----------
    function : str
    runs, timed_out : int
    p99_duration_ms : float
        Of the handler.
    mean_concurrency, peak_concurrency : float
    cold_share, cold_ms, warm_ms, p99_ms : float
        Share of runs that start cold; median latency of cold and of warm ones; 99th percentile of all [ms].
    starts_at_peak : bool
        Whether most executions of the fullest moment were starting, and no other moment was nearly as full.
    """

    function: str
    runs: int
    timed_out: int
    p99_duration_ms: float
    mean_concurrency: float
    peak_concurrency: int
    cold_share: float
    cold_ms: float
    warm_ms: float
    p99_ms: float
    starts_at_peak: bool = False


@dataclass(frozen=True, eq=False)
class Demand:
    """A run, as the break-even needs it; crosses the border of a process.

    Attributes
    ----------
    usage : tuple of Usage
        Of a month like the run, functions of one configuration together.
    loads : mapping of str to mapping of str to Load
        By architecture and name of the server.
    evidence : tuple of FunctionEvidence
    events : int
        That arrived in the run, messages and records of streams included.
    """

    usage: tuple[Usage, ...]
    loads: Mapping[str, Mapping[str, Load]]
    evidence: tuple[FunctionEvidence, ...] = ()
    events: int = 0

    @property
    def requests(self) -> int:
        """Attempts that started in the month."""
        return sum(row.requests for row in self.usage)

    def peak(self, server: Server) -> tuple[float, float]:
        """Return the servers whose vCPUs, and whose memory, are filled at the fullest moment of all."""
        key = server.architecture, server.name
        if key not in self._peaks:
            load = self.loads[server.architecture][server.name]
            self._peaks[key] = float(load.cpu.max()), float(load.memory.max())
        return self._peaks[key]

    @cached_property
    def _peaks(self) -> dict[tuple[str, str], tuple[float, float]]:
        return {}

    def grown(self, factor: float, like: Demand | None = None) -> Demand:
        """Return the demand of so many times the traffic; what depends on time alone stays.

        Parameters
        ----------
        factor : float
        like : Demand, optional
            Of one hour of that traffic, from which to take by how much its fullest moment exceeds what is offered.

        Notes
        -----
        What is offered grows in proportion; the fullest moment exceeds it by a multiple of its square root, as the law
        of square-root staffing has it (S. Halfin and W. Whitt, Operations Research 29, 1981). The multiple is each
        hour's own or, with ``like``, that of its fullest hour.
        """
        rows = []
        for row in self.usage:
            counts: dict[str, Any] = {
                name: round(getattr(row, name) * factor) for name in COUNTERS if name not in BY_TIME
            }
            rows.append(replace(row, **counts))
        return Demand(
            tuple(rows),
            self._each(
                lambda load, place, name: load.grown(
                    factor, None if like is None else like.fullest(place, name)
                )
            ),
        )

    def fullest(self, architecture: str, server: str) -> Load:
        """Return the excess of the hour that is offered the most."""
        found = self.loads[architecture][server].excess()
        hour = [int(np.argmax(low)) for low in found[2:]]
        places = (*hour, *hour)
        return Load(*(column[place : place + 1] for column, place in zip(found, places, strict=True)))

    def busiest_hour(self) -> tuple[int, float]:
        """Say in which hour the most is offered, counted from 0, and which part of all that is."""
        first = [next(iter(servers.values())) for servers in self.loads.values()]
        offered = np.sum([load.offered_cpu + load.offered_memory for load in first], axis=0)
        hour = int(np.argmax(offered))
        return hour, float(offered[hour] / offered.sum()) if offered.any() else 0.0

    def towards(self, other: Demand, part: float) -> Demand:
        """Return what lies between this demand and another, on a straight line."""
        mine, theirs = ({row.key: row for row in demand.usage} for demand in (self, other))
        rows = []
        for key in sorted({*mine, *theirs}):
            row = mine.get(key) or theirs[key]
            ends = [
                [getattr(found[key], name) if key in found else 0 for name in COUNTERS]
                for found in (mine, theirs)
            ]
            counts = [round(a + part * (b - a)) for a, b in zip(*ends, strict=True)]
            rows.append(replace(row, **dict(zip(COUNTERS, counts, strict=True))))
        return Demand(
            tuple(rows),
            self._each(lambda load, place, name: load.towards(other.loads[place][name], part)),
        )

    def _each(self, change: Callable[[Load, str, str], Load]) -> dict[str, dict[str, Load]]:
        return {
            architecture: {name: change(load, architecture, name) for name, load in servers.items()}
            for architecture, servers in self.loads.items()
        }


class Point(NamedTuple):
    """What is simulated.

    Attributes
    ----------
    multiple : float
        Of the traffic.
    replication : int
    hour : int or None
        The only hour with traffic, INIT left out: for its load. None for the whole scenario.
    """

    multiple: float
    replication: int
    hour: int | None = None


def demand_at(
    scenario: ScenarioSpec, servers: Sequence[Server], engine: str, factor: Fraction, point: Point
) -> Demand:
    """Simulate a multiple of the traffic with no limit of concurrency; this may be another process."""
    grown = case_scenario(scenario, LimitCase(Variant.TRAFFIC, number=point.multiple))
    changed = case_scenario(grown, LimitCase(Variant.UNLIMITED, point.replication))
    freed = tuple(with_pollers(spec, point.multiple) for spec in changed.functions)
    changed = revised(changed, {"functions": freed})
    if point.hour is not None:
        functions = tuple(_in_hour(spec, point.hour * US_PER_HOUR) for spec in changed.functions)
        changed = revised(changed, {"functions": functions})
    return demand_of(simulate(changed, engine=engine, keep_records=False), servers, factor)


def with_pollers(spec: FunctionSpec, multiple: float) -> FunctionSpec:
    """Return a function whose queue is read by as many pollers as it takes, whose stream has shards for its traffic."""
    queue, stream = spec.trigger.queue, spec.trigger.stream
    changes: dict[str, Any] = {}
    if queue is not None:
        pollers = revised(queue.pollers, {"first": _MOST_POLLERS, "most": _MOST_POLLERS})
        changes["queue"] = revised(queue, {"maximum_concurrency": None, "pollers": pollers})
        if queue.message_groups is not None and multiple > 1:
            groups = min(ceil(queue.message_groups * multiple), _MOST_GROUPS)
            changes["queue"] = revised(changes["queue"], {"message_groups": groups})
    if stream is not None and multiple > 1:
        shards = min(ceil(stream.shards * multiple), _MOST_SHARDS)
        changes["stream"] = revised(stream, {"shards": shards})
    return revised(spec, {"trigger": revised(spec.trigger, changes)}) if changes else spec


def _in_hour(spec: FunctionSpec, begin_us: int) -> FunctionSpec:
    """Return a function with traffic in one hour only, and without INIT."""
    traffic = spec.traffic
    end_us = min(traffic.stop_us or begin_us + US_PER_HOUR, begin_us + US_PER_HOUR)
    start_us = max(traffic.start_us, begin_us)
    changes: dict[str, Any] = {
        "init_ms": 0,
        "placement_ms": 0,
        "snap_start": None,
        "provisioned_concurrency": (),
        "work": revised(spec.work, {"first_run_ms": 0}),
        "traffic": revised(traffic, {"start_us": start_us, "stop_us": max(end_us, start_us + 1)}),
    }
    return revised(spec, changes)


def demand_of(run: RunResult, servers: Sequence[Server], factor: Fraction | None = None) -> Demand:
    """Measure a run's demand.

    Parameters
    ----------
    run : RunResult
    servers : sequence of Server
    factor : Fraction, optional
        What scales the run's usage to the period of the money, see ``Period``. Default: to a month.

    Returns
    -------
    Demand

    Notes
    -----
    Executions on a server are those of Lambda in the same minute, times what the scenario says a run takes on a whole
    vCPU without INIT, over what it took on Lambda with INIT. The CPU that each needs while it lasts is its CPU time over
    its time on a whole vCPU, so the CPU time of all of them is kept. What a run waits for functions that it calls, and
    how long it hangs, is as long as on Lambda.
    """
    scenario = run.scenario
    factor = month_factor(scenario.duration_us) if factor is None else factor
    specs = {spec.name: spec for spec in scenario.functions}
    minutes = -(-scenario.duration_us // US_PER_MINUTE)
    peak, offered = _Executions(minutes), _Executions(minutes)
    ways: dict[str, list[_Way]] = defaultdict(list)
    for function, totals in zip(run.plan.functions, run.aggregate.functions, strict=True):
        spec = specs[function.name]
        ways[spec.shares or spec.name].append(_way(spec, function, totals, minutes))
    for name, into in ways.items():
        busy_ms, kept_ms = sum(way.busy_ms for way in into), sum(way.kept_ms for way in into)
        cpu_ms = sum(way.cpu_ms for way in into)
        # What was in progress is that of all ways into the function, whichever is asked.
        most = into[0].in_progress * (kept_ms / busy_ms if busy_ms else 0.0)
        even = np.sum([way.even for way in into], axis=0)
        for executions, counted in ((peak, most), (offered, np.minimum(even, most))):
            executions.add(specs[name], counted, cpu_ms / kept_ms if kept_ms else 0.0)
    return Demand(
        usage=_together(monthly_usage(run.usage(), factor)),
        loads={
            architecture: {
                server.name: Load(*peak.on(server), *offered.on(server))
                for server in servers
                if server.architecture == architecture
            }
            for architecture in sorted(peak.vcpus)
        },
        evidence=tuple(
            _evidence(name, totals, scenario.duration_us)
            for name, totals in zip(run.aggregate.names, run.aggregate.functions, strict=True)
        ),
        events=sum(totals.events for totals in run.aggregate.functions),
    )


class _Way(NamedTuple):
    """What one way into a function asked for: busy on Lambda, and on a whole vCPU, and its CPU time, all runs together.

    ``in_progress`` has the most of the function's executions by minute, ``even`` those of this way as they would be
    without chance.
    """

    busy_ms: float
    kept_ms: float
    cpu_ms: float
    in_progress: NDArray[Any]
    even: NDArray[np.float64]


def _way(spec: FunctionSpec, function: FunctionPlan, totals: FunctionTotals, minutes: int) -> _Way:
    own_ms, cpu_ms = server_time_ms(spec)
    runs = _runs(totals) if totals.items is None else totals.items.receives
    kept_ms = own_ms * runs + _held_ms(spec, function, totals, runs)
    arrivals = totals.counts.padded(minutes)["Invocations"]
    even = arrivals / max(arrivals.sum(), 1) * kept_ms / (US_PER_MINUTE // US_PER_MS)
    busy_ms = totals.concurrency.busy_us / US_PER_MS
    return _Way(busy_ms, kept_ms, cpu_ms * runs, totals.concurrency.per_minute(minutes), even)


def _held_ms(spec: FunctionSpec, function: FunctionPlan, totals: FunctionTotals, runs: int) -> float:
    """Give what runs took beyond their own work, where they wait for what they call or hang, all together [ms]."""
    if not is_held(spec) or not totals.runs:
        return 0.0
    own_ms = spec.work.cpu_ms.mean() * function.draws.cpu_factor + spec.work.io_ms.mean()
    return max(totals.duration_ms.mean() * totals.runs - own_ms * runs, 0.0)


def is_held(spec: FunctionSpec) -> bool:
    """Say whether runs may last longer than their own work: for functions that they call, or because they hang."""
    waits = any(call.how is CallHow.SYNCHRONOUS for call in spec.calls)
    return waits or spec.work.timeout_probability > 0


class _Executions:
    """Executions at once by minute, added up over functions."""

    def __init__(self, minutes: int) -> None:
        self.vcpus: dict[str, NDArray[np.float64]] = defaultdict(lambda: np.zeros(minutes))
        self._sizes: dict[tuple[str, int], NDArray[np.float64]] = defaultdict(lambda: np.zeros(minutes))

    def add(self, spec: FunctionSpec, executions: NDArray[Any], vcpus_each: float) -> None:
        self.vcpus[spec.architecture.value] += executions * vcpus_each
        self._sizes[spec.architecture.value, spec.memory_mb] += executions

    def on(self, server: Server) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Give the servers whose vCPUs, and whose memory, are filled in the fullest minute of each hour."""
        filled = [
            executions / processes_in(server, memory_mb)
            for (architecture, memory_mb), executions in self._sizes.items()
            if architecture == server.architecture
        ]
        return _hourly(self.vcpus[server.architecture] / float(server.vcpus)), _hourly(np.sum(filled, axis=0))


def server_time_ms(spec: FunctionSpec) -> tuple[float, float]:
    """Give a run's mean time on one whole vCPU of its architecture, and the CPU time in it [ms]."""
    work = spec.work
    ratio = work.arm64_time_ratio if spec.architecture is Architecture.ARM64 else 1.0
    cpu_ms = work.cpu_ms.mean() * ratio
    return cpu_ms + work.io_ms.mean(), cpu_ms


def processes_in(server: Server, memory_mb: int) -> int:
    """Say how many processes of a size fit into a server's memory."""
    return floor(server.memory_gb * MB_PER_GB / memory_mb)


def _hourly(minutes: NDArray[np.float64]) -> NDArray[np.float64]:
    """Give the most of each hour."""
    most: NDArray[np.float64] = (
        np.pad(minutes, (0, -len(minutes) % _MINUTES)).reshape(-1, _MINUTES).max(axis=1)
    )
    return most


def _together(usages: tuple[Usage, ...]) -> tuple[Usage, ...]:
    """Add up functions of one configuration: the bill is the same, and sooner priced."""
    return pool(replace(row, function="all") for row in usages)


def _runs(totals: FunctionTotals) -> int:
    return totals.runs


def _evidence(name: str, totals: FunctionTotals, duration_us: int) -> FunctionEvidence:
    runs = _runs(totals)
    return FunctionEvidence(
        function=name,
        runs=runs,
        timed_out=int(totals.outcomes[Outcome.TIMEOUT]),
        p99_duration_ms=totals.duration_ms.quantile(0.99),
        mean_concurrency=totals.mean_concurrency(duration_us),
        peak_concurrency=totals.concurrency.peak,
        cold_share=totals.cold / runs if runs else 0.0,
        cold_ms=totals.latency_ms[StartType.COLD].quantile(0.5),
        warm_ms=totals.latency_ms[StartType.WARM].quantile(0.5),
        p99_ms=totals.all_latency_ms().quantile(0.99),
        starts_at_peak=starts_at_peak(totals, duration_us),
    )


def starts_at_peak(totals: FunctionTotals, duration_us: int) -> bool:
    """Say whether the fullest moment is one of INIT, so that servers, which have none, are counted as if they had.

    Parameters
    ----------
    totals : FunctionTotals
    duration_us : int
        The scenario's length [µs].
    """
    minutes = -(-duration_us // US_PER_MINUTE)
    most = totals.concurrency.per_minute(minutes)
    starting = 2 * totals.counts.padded(minutes)["ColdStarts"] >= most
    rest = most[~starting]
    return bool(
        totals.cold
        and rest.size
        and totals.init_ms.mean() > totals.duration_ms.mean()
        and most.max() > _FULLER * max(rest.max(), 1)
    )
