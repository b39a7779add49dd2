"""A Lambda function: its configuration, its work, what invokes it, and its traffic."""

from __future__ import annotations

import re
from collections.abc import Iterator
from enum import StrEnum
from typing import Annotated, Final, Literal

from pydantic import Field

from lambdasim.catalog import init_prior, limit
from lambdasim.specs.base import CrossFault, Spec
from lambdasim.specs.fields import Duration, Limited, PositiveDuration, Text, Whole
from lambdasim.specs.laws import FixedLaw, Law, LawOrCatalog
from lambdasim.specs.traffic import TrafficSpec
from lambdasim.specs.trigger import TriggerSpec
from lambdasim.specs.work import WorkSpec

_NAME: Final = re.compile(r"[A-Za-z0-9_-]+")


class Architecture(StrEnum):
    """Instruction set."""

    X86_64 = "x86_64"
    ARM64 = "arm64"


class PackageType(StrEnum):
    """How the code is deployed."""

    ZIP = "zip"
    IMAGE = "image"


class ProvisionedStep(Spec):
    """Provisioned concurrency from a moment on."""

    at_us: Duration = Field(alias="at")
    """When it is asked for, after the scenario's start; at 0 it is ready from the beginning."""
    count: Annotated[Whole, Field(ge=0)]
    """Environments allocated."""


class PayloadSpec(Spec):
    """Size of requests and responses."""

    request_kb: Law = FixedLaw(fixed=0)
    """Size of a request [KB]."""


class FunctionSpec(Spec):
    """One Lambda function."""

    name: Text
    """Letters, digits, hyphen and underscore."""
    memory_mb: Annotated[Whole, Limited("memory_min_mb", "memory_max_mb")] = limit("memory_default_mb").value
    """Configured memory [MB]."""
    architecture: Architecture = Architecture.X86_64
    """Instruction set."""
    runtime: Text = "python3.13"
    """AWS's identifier of the runtime."""
    package_type: PackageType = PackageType.ZIP
    """How the code is deployed."""
    package_mb: Annotated[Whole, Limited(None, "package_zipped_max_mb")] | None = None
    """Zipped package [MB]."""
    unzipped_mb: Annotated[Whole, Limited(None, "package_unzipped_max_mb")] | None = None
    """Package with layers, unzipped [MB]."""
    image_mb: Annotated[Whole, Limited(None, "image_max_mb")] | None = None
    """Container image [MB]."""
    layers: Annotated[Whole, Limited(None, "layers_max")] = 0
    """Number of layers."""
    timeout_us: PositiveDuration = Field(default=limit("timeout_default_s").us, alias="timeout")
    """Longest run of the handler."""
    ephemeral_mb: Annotated[Whole, Limited("ephemeral_min_mb", "ephemeral_max_mb")] = limit(
        "ephemeral_default_mb"
    ).value
    """Size of /tmp [MB]."""
    environment_bytes: Annotated[Whole, Limited(None, "environment_variables_max_bytes")] = 0
    """Size of all environment variables [bytes]."""
    reserved_concurrency: Annotated[Whole, Field(ge=0)] | None = None
    """Concurrency kept for this function, and its cap."""
    provisioned_concurrency: tuple[ProvisionedStep, ...] = ()
    """Environments kept ready, by schedule."""
    work: WorkSpec = WorkSpec()
    """What one run needs."""
    init_ms: LawOrCatalog = "catalog"
    """INIT [ms]; catalog: as measured for the runtime."""
    placement_ms: LawOrCatalog = "catalog"
    """Finding a place and fetching the code, not billed [ms]."""
    keep_alive_us: Duration | Literal["measured-2025"] | None = Field(default=None, alias="keep_alive")
    """How long an idle environment stays warm; default: the platform's."""
    trigger: TriggerSpec = TriggerSpec()
    """What invokes the function."""
    payload: PayloadSpec = PayloadSpec()
    """Size of requests."""
    traffic: TrafficSpec
    """How events arrive."""

    def cross_faults(self) -> Iterator[CrossFault]:
        """Want a name and a timeout that AWS takes, and settings that fit together."""
        longest = limit("function_name_max_chars")
        if not _NAME.fullmatch(self.name) or len(self.name) > longest.value:
            yield CrossFault(
                ("name",),
                f"must be 1 to {longest.value} of {longest.note}, got {self.name[:40]!r} ({longest.citation()})",
            )
        low, high = limit("timeout_min_s"), limit("timeout_max_s")
        if not low.us <= self.timeout_us <= high.us:
            yield CrossFault(
                ("timeout",), f"must be between {low.value} and {high.value} s ({high.citation()})"
            )
        if self.init_ms == "catalog" and self.prior is None:
            yield CrossFault(
                ("runtime",),
                f"has no measured INIT for {self.runtime[:40]!r}; give init_ms, or a known runtime",
            )
        if self.package_type is PackageType.IMAGE and self.layers:
            yield CrossFault(("layers",), "must be 0 for a container image", (("package_type",),))
        most = max((step.count for step in self.provisioned_concurrency), default=0)
        if self.reserved_concurrency is not None and most > self.reserved_concurrency:
            yield CrossFault(
                ("provisioned_concurrency",),
                f"must be at most reserved_concurrency ({self.reserved_concurrency}), got {most}",
                (("reserved_concurrency",),),
            )
        times = [step.at_us for step in self.provisioned_concurrency]
        if times != sorted(set(times)):
            yield CrossFault(("provisioned_concurrency",), "must be in order of time")

    @property
    def prior(self) -> object | None:
        """Measured INIT of the runtime, None where there is none."""
        return init_prior(self.runtime, self.package_type.value, self.architecture.value)
