"""Lambda Managed Instances: which types of instance there are, what fits on one, and what an hour of one is priced at."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from types import MappingProxyType
from typing import Final

from lambdasim.catalog.facts import limit
from lambdasim.catalog.prices.meter_kinds import HOME, Driver, Meter, MeterPrice, Service
from lambdasim.catalog.prices.neighbours import neighbour_price
from lambdasim.catalog.prices.platforms import platform_book
from lambdasim.catalog.prices.servers import Server, ec2_instances, managed_terms

_ARCHITECTURES: Final = ("arm64", "x86_64")
_FAMILIES: Final = {"nodejs": "nodejs", "java": "java", "dotnet": "dotnet", "python": "python"}
_MB_PER_GB: Final = 1024
_EC2: Final = Service("Amazon Elastic Compute Cloud", "AmazonEC2", "Compute", "Virtual Machines")
_LAMBDA: Final = Service("AWS Lambda", "AWSLambda", "Compute", "Serverless Compute")


@dataclass(frozen=True)
class InstanceType:
    """A type of instance that managed instances may be.

    Attributes
    ----------
    name, architecture : str
    vcpus, memory_gb : Decimal
        Memory in GB of 1,024 MB.
    """

    name: str
    architecture: str
    vcpus: Decimal
    memory_gb: Decimal

    @property
    def kept(self) -> str:
        """What an instance keeps back for itself, in words."""
        sizing = platform_book().managed
        return f"{sizing.kept_gb} GB and {sizing.kept_vcpus} vCPU that it keeps back ({sizing.source})"

    def holds(self, vcpus: int, memory_mb: int) -> int:
        """Return how many environments of a size fit beside what an instance keeps back.

        Parameters
        ----------
        vcpus : int
        memory_mb : int

        Examples
        --------
        >>> instance_type("m7g.xlarge").holds(1, 2048), instance_type("c7g.xlarge").holds(1, 2048)
        (3, 3)
        """
        sizing = platform_book().managed
        by_cpu = int((self.vcpus - sizing.kept_vcpus) / vcpus)
        return max(min(by_cpu, int((self.memory_gb - sizing.kept_gb) * _MB_PER_GB / memory_mb)), 0)

    def meter_names(self) -> tuple[str, str]:
        """Return the meters of its hours and of Lambda's fee on them."""
        name = self.name.replace(".", "_")
        return f"managed_{name}_hours", f"managed_fee_{name}_hours"


def instance_type(name: str) -> InstanceType:
    """Look up a type of ``instance_types``."""
    return instance_types()[name]


@cache
def instance_types() -> Mapping[str, InstanceType]:
    """Return the types of instance whose prices are known, by name."""
    found = {}
    for architecture in _ARCHITECTURES:
        for server in ec2_instances(architecture, HOME):
            found[server.name] = InstanceType(server.name, architecture, server.vcpus, server.memory_gb)
    return MappingProxyType(found)


def requests_per_vcpu(runtime: str) -> int | None:
    """Return how many requests Lambda lets a vCPU of an environment serve at once; None where that is not known.

    Parameters
    ----------
    runtime : str
        AWS's identifier, such as ``nodejs22.x``.

    Examples
    --------
    >>> requests_per_vcpu("nodejs22.x"), requests_per_vcpu("python3.13"), requests_per_vcpu("ruby3.3")
    (64, 16, None)
    """
    for begin, name in _FAMILIES.items():
        if runtime.startswith(begin):
            return limit(f"managed_requests_per_vcpu_{name}").value
    return None


@cache
def managed_meters() -> Mapping[str, Meter]:
    """Return the meters of all types of instance: its hours, which EC2 charges, and Lambda's fee.

    Examples
    --------
    >>> hours, fee = (managed_meters()[name] for name in instance_type("m7g.xlarge").meter_names())
    >>> hours.price("us-east-1").tiers, fee.price("us-east-1").tiers
    (((None, Decimal('0.1632')),), ((None, Decimal('0.024480')),))
    """
    found = {}
    regions = (HOME, *neighbour_price("ec2_m7g_large").elsewhere)
    for architecture in _ARCHITECTURES:
        by_region = {
            region: {server.name: server for server in ec2_instances(architecture, region)}
            for region in regions
        }
        for name in by_region[HOME]:
            hours, fee = instance_type(name).meter_names()
            servers = {region: servers[name] for region, servers in by_region.items()}
            found[hours] = _meter(hours, _EC2, f"Managed instances, {name}", servers, Decimal(1))
            share = managed_terms().fee_share
            found[fee] = _meter(fee, _LAMBDA, f"Management fee of managed instances, {name}", servers, share)
    return MappingProxyType(found)


def _meter(
    name: str, service: Service, description: str, servers: Mapping[str, Server], share: Decimal
) -> Meter:
    return Meter(
        name=name,
        service=service,
        description=description,
        unit="Hours",
        per=1,
        driver=Driver.HOUR,
        free=Decimal(0),
        pool="",
        triggers=(),
        chunk_kb=0,
        note="",
        prices=MappingProxyType(
            {
                region: MeterPrice(
                    ((None, server.usd_per_hour * share),),
                    server.source if share == 1 else f"{managed_terms().source}; {server.source}",
                    server.as_of,
                    server.knowledge,
                )
                for region, server in servers.items()
            }
        ),
    )
