"""What is known of another platform: its rounding, its meters, its regions, its start-up."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum
from types import MappingProxyType
from typing import NamedTuple

from lambdasim.catalog.facts import Knowledge


class Billed(StrEnum):
    """What a platform's bill follows.

    ``busy``: time in which an instance serves anything, so requests that overlap on it share. ``life``: the whole life of
    instances. ``runs``: each run by itself. ``cpu``: CPU time alone. ``nodes``: the servers below.
    """

    BUSY = "busy"
    LIFE = "life"
    RUNS = "runs"
    CPU = "cpu"
    NODES = "nodes"


class Measure(StrEnum):
    """What a meter counts."""

    VCPU_S = "compute_vcpu_s"
    GIB_S = "compute_gib_s"
    GB_S = "compute_gb_s"
    GB_HOURS = "compute_gb_hours"
    CPU_HOURS = "compute_cpu_hours"
    REQUESTS = "requests"
    CPU_MS = "cpu_ms"
    MONTHS = "months"
    CLUSTER_HOURS = "cluster_hours"


@dataclass(frozen=True)
class PlatformMeter:
    """A price of a platform.

    Attributes
    ----------
    measure : Measure
    per : int
        Units that have the price.
    tiers : tuple of Decimal
        Price by the platform's tier of regions [USD per ``per`` units].
    free : Decimal
        Free part of a month [``per`` units].
    free_as_money : bool
        Whether that is taken off as money, at the first tier's price.
    included : bool
        Whether it belongs to the plan that is paid for, and is no grant.
    source : str
    as_of : date
    knowledge : Knowledge
    note : str
    shaky_tier : int
        Tier whose price is not confirmed; -1 for none.
    """

    measure: Measure
    per: int
    tiers: tuple[Decimal, ...]
    free: Decimal
    free_as_money: bool
    included: bool
    source: str
    as_of: date
    knowledge: Knowledge
    note: str
    shaky_tier: int

    def known(self, tier: int) -> Knowledge:
        """Say how the price of a tier is known."""
        return Knowledge.ASSUMED if tier == self.shaky_tier else self.knowledge


class InstanceSize(NamedTuple):
    """A size of instance: vCPUs, and the memory that it may have [MB]."""

    vcpus: Decimal
    least_mb: int
    most_mb: int


class StartUp(NamedTuple):
    """How long a program without code of its own takes to start.

    Attributes
    ----------
    ms : tuple of int
        2.5 %, median and 97.5 % [ms].
    source : str
    knowledge : Knowledge
    note : str
    """

    ms: tuple[int, int, int]
    source: str
    knowledge: Knowledge
    note: str


class AlwaysReady(NamedTuple):
    """Prices of instances that are held, whether requests come or not.

    Attributes
    ----------
    executing_usd, baseline_usd : Decimal
        While an instance serves anything, and for all the time that it is held [USD per GB second].
    source : str
    as_of : date
    """

    executing_usd: Decimal
    baseline_usd: Decimal
    source: str
    as_of: date


@dataclass(frozen=True)
class Platform:
    """Another platform.

    Attributes
    ----------
    key, name, vendor : str
    billed : Billed
    tick_ms, least_ms, life_least_ms : int
        Rounding of busy time, the least of it, and of an instance's life [ms].
    start_billed : bool
    slots : int
        Requests that an instance serves at once by default.
    slots_by_size : tuple of int
        The same by size, where that decides.
    target_percent : int
        Of slots and CPU, at which another instance is started [%].
    idle_s : int
        How long an instance without requests is kept [s].
    grow_ms : int
        Time between two starts; 0 for any number at once [ms].
    instances_most : int
        Default limit of instances; 0 for none known.
    timeout_most_s, cpu_most_s : int
        Longest run, and its CPU time; 0 for none [s].
    memory_step_mb : int
        Steps in which memory is had, or billed; 0 for the sizes alone [MB].
    step_vcpus : Decimal
        Steps of fractions of a vCPU; 0 for the sizes alone.
    sizes : tuple of InstanceSize
    runtimes : tuple of str
        Beginnings of the runtimes that it runs; empty for any.
    meters : mapping of Measure to PlatformMeter
    always_ready : AlwaysReady or None
    source : str
    as_of : date
    note : str
    """

    key: str
    name: str
    vendor: str
    billed: Billed
    tick_ms: int
    least_ms: int
    life_least_ms: int
    start_billed: bool
    slots: int
    slots_by_size: tuple[int, ...]
    target_percent: int
    idle_s: int
    grow_ms: int
    instances_most: int
    timeout_most_s: int
    cpu_most_s: int
    memory_step_mb: int
    step_vcpus: Decimal
    sizes: tuple[InstanceSize, ...]
    runtimes: tuple[str, ...]
    meters: Mapping[Measure, PlatformMeter]
    always_ready: AlwaysReady | None
    source: str
    as_of: date
    note: str


class Counterpart(NamedTuple):
    """A vendor's region that is held against one of AWS.

    Attributes
    ----------
    region : str
    tier : int
    derived : bool
        Whether no counterpart is known, so that us-east-1's stands in.
    """

    region: str
    tier: int
    derived: bool


class Egress(NamedTuple):
    """Prices of traffic to the internet.

    Attributes
    ----------
    free_gb : Decimal
    tiers : tuple of (Decimal or None, Decimal)
        Upper bound [GB a month], None for the last, and price [USD per GB].
    source : str
    as_of : date
    note : str
    places : mapping of str to tuple
        Tiers of other regions, by the AWS region that is held against them.
    included : bool
        Whether the free part belongs to the plan that is paid for, and is no grant.
    """

    free_gb: Decimal
    tiers: tuple[tuple[Decimal | None, Decimal], ...]
    source: str
    as_of: date
    note: str
    places: Mapping[str, tuple[tuple[Decimal | None, Decimal], ...]] = MappingProxyType({})
    included: bool = False

    def of(self, region: str) -> Egress:
        """Return the prices of the counterpart of an AWS region."""
        return self._replace(tiers=self.places.get(region, self.tiers))


class Front(NamedTuple):
    """Prices of what stands before a function.

    Attributes
    ----------
    usd_per_million, free_million : Decimal
        Calls.
    usd_per_hour, usd_per_gb : Decimal
    source : str
    as_of : date
    knowledge : Knowledge
    included : bool
        Whether the free calls belong to the plan that is paid for, and are no grant.
    """

    usd_per_million: Decimal
    free_million: Decimal
    usd_per_hour: Decimal
    usd_per_gb: Decimal
    source: str
    as_of: date
    knowledge: Knowledge
    included: bool = False


class Kubelet(NamedTuple):
    """What a node of Kubernetes keeps for itself, and how many nodes there are at least."""

    base_mb: int
    mb_per_pod: int
    pods: int
    eviction_mb: int
    cpu_millis_first: int
    cpu_millis_second: int
    nodes_least: int
    source: str


class ManagedSizing(NamedTuple):
    """How AWS's sample calculator sizes Lambda Managed Instances.

    Attributes
    ----------
    kept_vcpus, kept_gb : int
        Of an instance, that no environment gets.
    least_environment_mb : int
    buffer_percent : int
        Instances kept over what is needed [%].
    requests_per_vcpu : tuple of (int, int)
        Part of a vCPU that a request computes while it runs, at most, in thousandths; requests at once for each vCPU.
    source : str
    """

    kept_vcpus: int
    kept_gb: int
    least_environment_mb: int
    buffer_percent: int
    requests_per_vcpu: tuple[tuple[int, int], ...]
    source: str


class PlatformBook(NamedTuple):
    """The content of the file."""

    platforms: Mapping[str, Platform]
    regions: Mapping[str, Mapping[str, Counterpart]]
    starts: Mapping[str, Mapping[str, StartUp]]
    languages: Mapping[str, str]
    egress: Mapping[str, Egress]
    fronts: Mapping[str, Mapping[str, Front]]
    kubelet: Kubelet
    managed: ManagedSizing
    least_cpu_percent: int
