"""A function on Lambda Managed Instances: environments that serve several requests at once, on instances of a type."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Final

from pydantic import Field

from lambdasim.catalog import limit, timing
from lambdasim.catalog.prices.managed import instance_type, instance_types, requests_per_vcpu
from lambdasim.specs.base import CrossFault, Spec
from lambdasim.specs.faults import not_among
from lambdasim.specs.fields import Duration, Limited, Positive, Text, Whole
from lambdasim.units import US_PER_MINUTE, format_duration
from lambdasim.wording import count

_MB_PER_GB: Final = 1024


class ManagedInstancesSpec(Spec):
    """How a function runs on Lambda Managed Instances."""

    instance_type: Text
    """EC2 instance type of the capacity provider, which runs this function alone."""
    vcpus: Annotated[Whole, Field(ge=1)] = 1
    """vCPUs of an environment; its memory is the function's memory_mb, 2 to 8 GiB for each."""
    concurrency: Annotated[Whole, Limited(None, "managed_concurrency_max"), Field(ge=1)] | None = None
    """Requests that an environment serves at once; default: as Lambda's for the runtime."""
    min_environments: Annotated[Whole, Limited(None, "managed_environments_max"), Field(ge=1)] = limit(
        "managed_environments_default"
    ).value
    """Environments that are always there."""
    max_environments: Annotated[Whole, Limited(None, "managed_environments_max"), Field(ge=1)] = limit(
        "managed_environments_max"
    ).value
    """Environments at most."""
    headroom: Positive = timing("managed_headroom_percent").value / 100
    """Room that the scaler keeps: so many times the requests in process and the CPU time of the last minute."""
    lag_us: Duration = Field(default=timing("managed_lag_s").us, alias="lag")
    """From a minute's traffic to environments for it."""
    keep_us: Duration = Field(default=timing("managed_keep_s").us, alias="keep")
    """How long less must have been needed before environments end."""

    def cross_faults(self) -> Iterator[CrossFault]:
        """Want an instance type of the catalog, and as many environments as there may be."""
        if self.instance_type not in instance_types():
            yield CrossFault(("instance_type",), not_among(self.instance_type, instance_types()))
        if self.min_environments > self.max_environments:
            text = f"must be at most max_environments, {self.max_environments}, got {self.min_environments}"
            yield CrossFault(("min_environments",), text, (("max_environments",),))
        if self.headroom < 1:
            yield CrossFault(("headroom",), f"must be at least 1, got {self.headroom:g}")
        for name, value in (("lag", self.lag_us), ("keep", self.keep_us)):
            if value < US_PER_MINUTE:
                yield CrossFault((name,), f"must be at least 1m, got {format_duration(value)}")

    def slots(self, runtime: str) -> int | None:
        """Return how many requests an environment serves at once; None where nobody says so.

        Parameters
        ----------
        runtime : str
        """
        if self.concurrency is not None:
            return self.concurrency
        found = requests_per_vcpu(runtime)
        return None if found is None else found * self.vcpus

    def per_instance(self, memory_mb: int) -> int:
        """Return how many environments of a size an instance holds.

        Parameters
        ----------
        memory_mb : int
        """
        return instance_type(self.instance_type).holds(self.vcpus, memory_mb)

    def size_faults(self, runtime: str, architecture: str, memory_mb: int) -> Iterator[CrossFault]:
        """Find what does not fit the function.

        Parameters
        ----------
        runtime, architecture : str
        memory_mb : int
        """
        least, low, high = (
            limit("managed_memory_min_mb"),
            limit("managed_gib_per_vcpu_min"),
            limit("managed_gib_per_vcpu_max"),
        )
        if memory_mb < least.value:
            text = f"must be at least {least.value:,} with managed_instances, got {memory_mb} ({least.citation()})"
            yield CrossFault(("memory_mb",), text, (("managed_instances",),))
        elif not low.value * self.vcpus <= memory_mb / _MB_PER_GB <= high.value * self.vcpus:
            text = (
                f"must be {low.value} to {high.value} GiB for each of {self.vcpus} vCPUs with managed_instances, got "
                f"{memory_mb} ({low.citation()})"
            )
            yield CrossFault(("memory_mb",), text, (("managed_instances",),))
        if self.slots(runtime) is None:
            text = f"must be given: Lambda's default for {runtime[:40]!r} is not known"
            yield CrossFault(("managed_instances", "concurrency"), text, (("runtime",),))
        one = instance_types().get(self.instance_type)
        if one is None:
            return
        if one.architecture != architecture:
            text = f"must be of the function's architecture, {architecture}, got {one.name} of {one.architecture}"
            yield CrossFault(("managed_instances", "instance_type"), text, (("architecture",),))
        elif not self.per_instance(memory_mb):
            text = (
                f"must hold an environment of {memory_mb:,} MB and {count(self.vcpus, 'vCPU')}, and {one.name} does not: "
                f"it has {one.memory_gb} GB and {one.vcpus} vCPUs, less {one.kept}"
            )
            yield CrossFault(("managed_instances", "instance_type"), text, (("memory_mb",),))
