"""What a demand costs on Lambda, on Fargate, on EC2 and on Lambda managed instances."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from enum import StrEnum
from fractions import Fraction
from functools import cached_property
from math import ceil

import numpy as np

from lambdasim.billing import price
from lambdasim.billing.platforms.charges import managed_instances_usd
from lambdasim.catalog import Knowledge
from lambdasim.catalog.prices.servers import Server, ec2_instances, fargate_tasks, managed_terms
from lambdasim.errors import CatalogError, InputError
from lambdasim.results.usage.as_month import period_of
from lambdasim.specs.faults import not_among
from lambdasim.specs.function import Architecture
from lambdasim.specs.scenario import ScenarioSpec
from lambdasim.study.server_demand import Demand, processes_in

_ROUNDING = 1e-9


class Option(StrEnum):
    """Where the traffic runs."""

    LAMBDA = "Lambda"
    FARGATE = "Fargate"
    EC2 = "EC2"
    MANAGED = "managed instances"
    OWN = "own servers"


Fleets = Mapping[Option, Mapping[str, tuple[Server, ...]]]
"""By option and architecture; an option that cannot hold the functions is left out."""


class Scaling(StrEnum):
    """How many servers are kept."""

    PEAK = "peak"
    HOURLY = "hourly"


@dataclass(frozen=True)
class OwnServer:
    """A server at a price of one's own: another vendor's, a contract's, or one in one's own house.

    Attributes
    ----------
    vcpus, memory_gb, usd_per_hour : Decimal
        All above 0, the price from 0; memory in GB of 1,024 MB. Any architecture is taken to run on it.
    """

    vcpus: Decimal
    memory_gb: Decimal
    usd_per_hour: Decimal

    def __post_init__(self) -> None:
        """Check every value.

        Raises
        ------
        InputError
        """
        for name in ("vcpus", "memory_gb", "usd_per_hour"):
            value = getattr(self, name)
            is_price = name == "usd_per_hour"
            if not (
                isinstance(value, Decimal) and value.is_finite() and (value > 0 or (is_price and value == 0))
            ):
                allowed = "a decimal number from 0" if is_price else "a decimal number above 0"
                raise InputError.single(
                    "break-even", f"own server's {name}", f"must be {allowed}, got {value!r:.40}"
                )

    def server(self, architecture: str, as_of: date) -> Server:
        """Return it as a server for an architecture.

        Parameters
        ----------
        architecture : str
            ``x86_64`` or ``arm64``.
        as_of : date
            Day of the price.

        Returns
        -------
        Server
        """
        return Server(
            f"own server, {self.vcpus.normalize():f} vCPU {self.memory_gb.normalize():f} GB",
            True,
            architecture,
            self.vcpus,
            self.memory_gb,
            self.usd_per_hour,
            "your own price",
            as_of,
            Knowledge.GIVEN,
        )


@dataclass(frozen=True)
class ServerTerms:
    """What is assumed of servers.

    Attributes
    ----------
    utilization : float
        Part of vCPUs and of memory that the fullest minute may fill; above 0, at most 1.
    requests_per_process : int
        That share the memory of one process; 1 as on Lambda.
    least_servers : int
        Kept whatever the traffic; one in each of two availability zones.
    scaling : Scaling
        ``peak``: as many as the month's fullest minute needs, all month. ``hourly``: as many as each hour's fullest
        minute needs, known in advance; no autoscaling does better.
    instance, task : str or None
        Instance type, and size of the Fargate task; None for the cheapest of the catalog at each volume.
    own : OwnServer or None
        A server at a price of one's own, held against Lambda beside the others.
    """

    utilization: float = 0.6
    requests_per_process: int = 1
    least_servers: int = 2
    scaling: Scaling = Scaling.PEAK
    instance: str | None = None
    task: str | None = None
    own: OwnServer | None = None

    def __post_init__(self) -> None:
        """Check every value.

        Raises
        ------
        InputError
        """
        if not 0 < self.utilization <= 1:
            raise InputError.single(
                "break-even", "utilization", f"must be above 0 and at most 1, got {self.utilization}"
            )
        for name in ("requests_per_process", "least_servers"):
            if getattr(self, name) < 1:
                raise InputError.single("break-even", name, f"must be at least 1, got {getattr(self, name)}")
        if self.scaling not in list(Scaling):
            raise InputError.single("break-even", "scaling", not_among(self.scaling, Scaling))

    def variations(self) -> Iterator[tuple[str, ServerTerms]]:
        """Give other terms of the same servers, in words, one changed at a time."""
        for utilization in (0.4, 0.8):
            yield f"utilization {utilization:.0%}", replace(self, utilization=utilization)
        yield "8 requests share a process", replace(self, requests_per_process=8)
        other = Scaling.HOURLY if self.scaling == Scaling.PEAK else Scaling.PEAK
        yield f"servers follow the {_FOLLOWED[other]}", replace(self, scaling=other)
        yield "one server at least", replace(self, least_servers=1)


_FOLLOWED = {Scaling.PEAK: "fullest moment", Scaling.HOURLY: "hour's peak"}


@dataclass(frozen=True, eq=False)
class Costs:
    """Prices demands of a scenario.

    Attributes
    ----------
    scenario : ScenarioSpec
    terms : ServerTerms
    fleets : Fleets
    period : {"month", "run"}
        What money is of: a month like the run, or the run.
    """

    scenario: ScenarioSpec
    terms: ServerTerms
    fleets: Fleets
    period: str = "month"

    @property
    def options(self) -> tuple[Option, ...]:
        """Lambda, and what else can hold the functions."""
        return (Option.LAMBDA, *self.fleets)

    def all(self, demand: Demand) -> dict[Option, Decimal]:
        """Price a demand everywhere [USD in the period]."""
        return {option: self.usd(option, demand) for option in self.options}

    def usd(self, option: Option, demand: Demand) -> Decimal:
        """Price a demand [USD in the period].

        Notes
        -----
        Lambda: the exact bill. The others: servers times hours times price; managed instances besides their fee, a part
        of that price, and a charge for each request (AWS Lambda pricing page, managed instances; no free requests).
        """
        if option is Option.LAMBDA:
            scenario = self.scenario
            return price(demand.usage, on=scenario.price_date, free_tier=scenario.free_tier).total
        rented = sum((usd for _, _, usd in self.rented(option, demand)), Decimal(0))
        if option is not Option.MANAGED:
            return rented
        return managed_instances_usd(demand.requests, rented, Decimal(1))

    def rented(self, option: Option, demand: Demand) -> list[tuple[Server, int, Decimal]]:
        """Give the cheapest server for each architecture, how many there are at most, and what they cost without fees."""
        return [
            min(
                (self._rented(option, server, demand) for server in servers),
                key=lambda found: (found[2], found[0].name),
            )
            for architecture, servers in self.fleets[option].items()
        ]

    def servers(self, option: Option, demand: Demand) -> str:
        """Say how many servers of which kind an option rents for a demand.

        Notes
        -----
        Such as ``3 x m7g.large``; with two architectures joined by "and".
        """
        return " and ".join(f"{most} x {server.name}" for server, most, _ in self.rented(option, demand))

    def _rented(self, option: Option, server: Server, demand: Demand) -> tuple[Server, int, Decimal]:
        least = self.terms.least_servers
        if option is Option.MANAGED:
            least = max(least, managed_terms().least_instances.value)
        each, utilization = self.terms.requests_per_process, self.terms.utilization
        if self.terms.scaling == Scaling.PEAK:
            cpu, memory = demand.peak(server)
            most = max(ceil(max(cpu, memory / each) / utilization - _ROUNDING), least)
            return server, most, server.usd_per_hour * (self._hours * most)
        load = demand.loads[server.architecture][server.name]
        filled = np.maximum(load.cpu, load.memory / each) / utilization
        servers = np.maximum(np.ceil(filled - _ROUNDING), least).astype(np.int64)
        hours = self._hours * int(servers.sum()) / len(servers)
        return server, int(servers.max()), server.usd_per_hour * hours

    @property
    def hours(self) -> Fraction:
        """For which servers are paid [h]."""
        return period_of(self.scenario, self.period).hours

    @cached_property
    def _hours(self) -> Decimal:
        hours = self.hours
        return Decimal(hours.numerator) / Decimal(hours.denominator)


def fleets_of(scenario: ScenarioSpec, terms: ServerTerms) -> Fleets:
    """Find the servers that can hold the functions, by option and architecture.

    Raises
    ------
    InputError
        When a server that was asked for is unknown, of another architecture, or too small for a function.
    CatalogError
        When there are no prices for the region.
    """
    largest = {
        architecture.value: max(f.memory_mb for f in scenario.functions if f.architecture is architecture)
        for architecture in Architecture
        if any(f.architecture is architecture for f in scenario.functions)
    }
    found: dict[Option, dict[str, tuple[Server, ...]]] = {}
    try:
        found |= _rented_fleets(largest, scenario.region, terms)
    except CatalogError:
        if terms.own is None or terms.instance is not None or terms.task is not None:
            raise
    if terms.own is not None:
        found[Option.OWN] = {}
        for architecture, memory_mb in largest.items():
            mine = terms.own.server(architecture, scenario.start.date())
            found[Option.OWN][architecture] = _holding(memory_mb, (mine,), "own server", mine.name)
    return {option: fleet for option, fleet in found.items() if all(fleet.values())}


def _rented_fleets(
    largest: Mapping[str, int], region: str, terms: ServerTerms
) -> dict[Option, dict[str, tuple[Server, ...]]]:
    """Find the servers that AWS rents, for the largest function of each architecture."""
    tasks, instances = {}, {}
    for architecture, memory_mb in largest.items():
        sizes = fargate_tasks(architecture, region)
        types = ec2_instances(architecture, region)
        tasks[architecture] = _holding(memory_mb, _asked("task", terms.task, sizes), "task", terms.task)
        instances[architecture] = _holding(
            memory_mb, _asked("instance", terms.instance, types), "instance", terms.instance
        )
    return {Option.FARGATE: tasks, Option.EC2: instances, Option.MANAGED: instances}


def _asked(field: str, name: str | None, servers: tuple[Server, ...]) -> tuple[Server, ...]:
    if name is None:
        return tuple(server for server in servers if server.is_common)
    found = tuple(server for server in servers if server.name == name)
    if not found:
        names = ", ".join(server.name for server in servers if server.is_common)
        architecture = servers[0].architecture
        raise InputError.single(
            "break-even", field, f"must be one for {architecture}, such as {names}; got {name!r:.40}"
        )
    return found


def _holding(
    memory_mb: int, servers: tuple[Server, ...], field: str, asked: str | None
) -> tuple[Server, ...]:
    able = tuple(server for server in servers if processes_in(server, memory_mb))
    if asked is not None and not able:
        raise InputError.single("break-even", field, f"must hold {memory_mb:,} MB, {asked} does not")
    return able
