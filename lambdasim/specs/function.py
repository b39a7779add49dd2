"""A Lambda function: its configuration, its work, what invokes it, and its traffic."""

from __future__ import annotations

import re
from collections.abc import Iterator
from enum import StrEnum
from typing import Annotated, Final, Literal

from pydantic import Field

from lambdasim.catalog import (
    has_snap_start,
    init_prior,
    limit,
    snap_start_families,
    snap_start_in_words,
    timing,
)
from lambdasim.specs.base import CrossFault, Spec
from lambdasim.specs.callers.calls import CallSpec, RecursiveLoop
from lambdasim.specs.callers.clients import Repeats
from lambdasim.specs.fields import Duration, Flag, Limited, PositiveDuration, Text, Whole
from lambdasim.specs.laws import FixedLaw, Law, LawOrCatalog
from lambdasim.specs.schedules import ScheduleText, parse_schedule
from lambdasim.specs.traffic import ConstantTraffic, TrafficSpec
from lambdasim.specs.trigger import TriggerSpec, TriggerType
from lambdasim.specs.work.durable import DurableSpec
from lambdasim.specs.work.handler import WorkSpec
from lambdasim.specs.work.keep_warm import KeepWarmSpec
from lambdasim.specs.work.managed import ManagedInstancesSpec
from lambdasim.specs.work.neighbours import UsesSpec
from lambdasim.specs.work.provisioned import ProvisionedSteps
from lambdasim.specs.work.tracking import TargetTrackingSpec
from lambdasim.units import format_duration

LATEST: Final = "$LATEST"
NO_TRAFFIC: Final = TrafficSpec(constant=ConstantTraffic(rate_per_s=0))
"""Of a function that only others call."""
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
    """Provisioned concurrency that begins at a moment, once or by schedule."""

    at_us: Duration | None = Field(default=None, alias="at")
    """When it is asked for, after the scenario's start; at 0 it is ready from the beginning."""
    schedule: ScheduleText | None = None
    """When it is asked for, again and again: cron(...) or rate(...), UTC, or with a time zone behind it."""
    count: Annotated[Whole, Field(ge=0)]
    """Environments allocated."""
    qualifier: Text | None = None
    """Version or alias that they are allocated on; default: the one that traffic calls."""

    def cross_faults(self) -> Iterator[CrossFault]:
        """Want a moment, or a schedule, and a version that AWS allocates on."""
        if (self.at_us is None) == (self.schedule is None):
            yield CrossFault((), "needs either at or schedule")
        if self.qualifier == LATEST:
            text = f"must be a version or an alias: AWS allocates none on {LATEST}"
            yield CrossFault(("qualifier",), text)


class SnapStartSpec(Spec):
    """Start from a snapshot instead of INIT."""

    load_ms: Law = FixedLaw(fixed=timing("snapstart_load_ms").value)
    """Loading the snapshot, not billed [ms]."""
    restore_ms: Law = FixedLaw(fixed=timing("snapstart_restore_ms").value)
    """Loading the runtime and running the hooks after it, billed with the first run [ms]."""
    versions: Annotated[Whole, Field(ge=1)] = 1
    """Published versions that are kept: each pays for its cache, called or not."""


class PayloadSpec(Spec):
    """Size of requests and responses."""

    request_kb: Law = FixedLaw(fixed=0)
    """Size of a request [KB]."""
    response_kb: Law = FixedLaw(fixed=0)
    """Size of a response [KB]."""
    streamed: Flag = False
    """Whether responses are streamed."""


class FunctionSpec(Spec):
    """One Lambda function."""

    name: Text
    """Letters, digits, hyphen and underscore."""
    shares: Text | None = None
    """The function that this is another way into: settings and environments are that function's; trigger and traffic, and
    work, payload, uses, tags and calls where they are given, are of this way alone."""
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
    vpc: Flag = False
    """Whether the function is attached to a VPC; has no effect, and a warning says so."""
    snap_start: SnapStartSpec | None = None
    """Start from a snapshot, for the runtimes that have it."""
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
    keep_warm: KeepWarmSpec | None = None
    """Pings by schedule that keep environments warm; they become another way in, NAME-pings, with rows of its own."""
    target_tracking: TargetTrackingSpec | None = None
    """Environments kept ready as Application Auto Scaling sets them, in the place of a schedule."""
    qualifier: Text | None = None
    """Version or alias that traffic calls; default: that of provisioned concurrency, $LATEST where that one is named."""
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
    """Size of requests and responses."""
    uses: UsesSpec = UsesSpec()
    """What a run uses of the services beside Lambda; each has a line on the bill."""
    durable: DurableSpec | None = None
    """Durable executions: each event is one, which waits between runs."""
    managed_instances: ManagedInstancesSpec | None = None
    """Lambda Managed Instances: environments that serve several requests at once, on EC2 instances."""
    tenant_isolation: Flag = False
    """Whether environments belong to one tenant, and each new one pays a fee; a function of its own for each tenant."""
    tags: dict[Text, Text] = Field(default_factory=dict)
    """For sharing the bill out, as on the function."""
    calls: Annotated[tuple[CallSpec, ...], Field(max_length=100)] = ()
    """Functions that it calls, in order: at the end of a run's own work, or when an event has ended."""
    recursive_loop: RecursiveLoop = RecursiveLoop.TERMINATE
    """What loop detection does when a chain of calls has come back to the function 16 times; allow: nothing."""
    traffic: TrafficSpec = NO_TRAFFIC
    """How events arrive; may be left out where another function calls this one."""

    def cross_checks(self) -> tuple[Iterator[CrossFault], ...]:
        """Want a name and a timeout that AWS takes, and settings that fit together."""
        return (
            self._name_faults(),
            self._timeout_faults(),
            self._trigger_faults(),
            self._runtime_faults(),
            self._layer_faults(),
            self._provisioned_faults(),
            self._order_faults(),
            self._mode_faults(),
            *(self._snap_start_faults() if "snap_start" in self.__dict__ else ()),
        )

    def _name_faults(self) -> Iterator[CrossFault]:
        longest = limit("function_name_max_chars")
        if not _NAME.fullmatch(self.name) or len(self.name) > longest.value:
            yield CrossFault(
                ("name",),
                f"must be 1 to {longest.value} of {longest.note}, got {self.name[:40]!r} ({longest.citation()})",
            )

    def _timeout_faults(self) -> Iterator[CrossFault]:
        low, high = limit("timeout_min_s"), limit("timeout_max_s")
        if not low.us <= self.timeout_us <= high.us:
            yield CrossFault(
                ("timeout",),
                f"must be between {low.value} and {high.value} s, got {format_duration(self.timeout_us)} "
                f"({high.citation()})",
            )

    def _trigger_faults(self) -> Iterator[CrossFault]:
        for found in self.trigger.timeout_faults(self.timeout_us):
            yield CrossFault(("trigger", *found.at), found.text, (("timeout",),))

    def _runtime_faults(self) -> Iterator[CrossFault]:
        if self.init_ms == "catalog" and self.prior is None and self.snap_start is None:
            yield CrossFault(
                ("runtime",),
                f"has no measured INIT for {self.runtime[:40]!r}; give init_ms, or a known runtime",
            )

    def _layer_faults(self) -> Iterator[CrossFault]:
        if self.package_type is PackageType.IMAGE and self.layers:
            yield CrossFault(("layers",), "must be 0 for a container image", (("package_type",),))

    def _provisioned_faults(self) -> Iterator[CrossFault]:
        most = max((step.count for step in self.provisioned_concurrency), default=0)
        if self.reserved_concurrency is not None and most > self.reserved_concurrency:
            yield CrossFault(
                ("provisioned_concurrency",),
                f"must be at most reserved_concurrency ({self.reserved_concurrency}), got {most}",
                (("reserved_concurrency",),),
            )
        tracking = self.target_tracking
        if tracking is None:
            return
        if self.provisioned_concurrency and not tracking.followed:
            text = "sets provisioned_concurrency itself; give one of the two"
            yield CrossFault(("target_tracking",), text, (("provisioned_concurrency",),))
        if self.snap_start is not None:
            yield CrossFault(("target_tracking",), "does not go with snap_start", (("snap_start",),))
        if self.reserved_concurrency is not None and tracking.maximum > self.reserved_concurrency:
            yield CrossFault(
                ("target_tracking",),
                f"has a maximum of {tracking.maximum}, above reserved_concurrency ({self.reserved_concurrency})",
                (("reserved_concurrency",),),
            )

    def _order_faults(self) -> Iterator[CrossFault]:
        times = [step.at_us for step in self.provisioned_concurrency if step.at_us is not None]
        if times != sorted(set(times)):
            yield CrossFault(("provisioned_concurrency",), "must be in order of time")
        if len({step.qualifier for step in self.provisioned_concurrency}) > 1:
            text = "must be of one version or alias; describe another version as a function of its own"
            yield CrossFault(("provisioned_concurrency",), text)

    def _mode_faults(self) -> Iterator[CrossFault]:
        """Want durable functions that are started directly, and tenants without what AWS does not give them."""
        if self.durable is not None:
            if self.trigger.type is not TriggerType.SDK:
                text = f"must be started directly, by trigger sdk, got {self.trigger.type.value}"
                yield CrossFault(("durable",), text, (("trigger",),))
            if self.calls:
                yield CrossFault(("durable",), "does not go with calls", (("calls",),))
        yield from self._managed_faults()
        if self.tenant_isolation:
            for name, used in (
                ("snap_start", self.snap_start is not None),
                ("provisioned_concurrency", bool(self.provisioned_concurrency)),
                ("target_tracking", self.target_tracking is not None),
            ):
                if used:
                    yield CrossFault((name,), "does not go with tenant_isolation", (("tenant_isolation",),))

    def _managed_faults(self) -> Iterator[CrossFault]:
        """Want on managed instances what runs there, as far as it is modelled."""
        managed, at = self.managed_instances, (("managed_instances",),)
        if managed is None:
            return
        yield from managed.size_faults(self.runtime, self.architecture.value, self.memory_mb)
        if not self.trigger.is_synchronous or self.trigger.is_polled:
            text = (
                "must be synchronous with managed_instances, got "
                f"{self.trigger.type.value}: events, queues and streams are modelled on demand only"
            )
            yield CrossFault(("trigger",), text, at)
        work, trigger = self.work, self.trigger
        for place, used in (
            (("snap_start",), self.snap_start is not None),
            (("provisioned_concurrency",), bool(self.provisioned_concurrency)),
            (("target_tracking",), self.target_tracking is not None),
            (("reserved_concurrency",), self.reserved_concurrency is not None),
            (("keep_warm",), self.keep_warm is not None),
            (("keep_alive",), self.keep_alive_us is not None),
            (("tenant_isolation",), self.tenant_isolation),
            (("durable",), self.durable is not None),
            (("calls",), bool(self.calls)),
            (("shares",), self.shares is not None),
            (("trigger", "throttle"), trigger.throttle is not None),
            (("trigger", "client_processes"), trigger.client_processes is not None),
            (("work", "crash_probability"), bool(work.crash_probability)),
            (("work", "out_of_memory_probability"), bool(work.out_of_memory_probability)),
            (("work", "environment_spread"), bool(work.environment_spread)),
            (("work", "post_response_ms"), work.post_response_ms != FixedLaw(fixed=0)),
            (("work", "memory_per_vcpu_mb"), work.memory_per_vcpu_mb is not None),
        ):
            if used:
                yield CrossFault(place, "does not go with managed_instances", at)
        repeats = trigger.repeats or ()
        for one in (Repeats.FAILED, Repeats.UNANSWERED):
            if one in repeats:
                text = f"must not have {one.value} with managed_instances: only what is throttled is repeated there"
                yield CrossFault(("trigger", "repeats"), text, at)
        read_us = trigger.read_timeout_us or timing("sdk_read_timeout_s").us
        if trigger.type is TriggerType.SDK and trigger.repeats is None and self.timeout_us > read_us:
            text = (
                f"must be at most the SDK's read timeout, {format_duration(read_us)}, with managed_instances, got "
                f"{format_duration(self.timeout_us)}: give trigger.repeats: [throttled]"
            )
            yield CrossFault(("timeout",), text, at)

    def _snap_start_faults(self) -> tuple[Iterator[CrossFault], ...]:
        """Want what SnapStart works with."""
        if self.snap_start is None:
            return ()
        return self._snap_start_runtime_faults(), self._snap_start_storage_faults(), self._snap_start_others()

    def _snap_start_runtime_faults(self) -> Iterator[CrossFault]:
        oldest = snap_start_families()[0]
        if not has_snap_start(self.runtime):
            yield CrossFault(
                ("snap_start",),
                f"needs {snap_start_in_words()}, got {self.runtime[:40]!r} ({oldest.citation()})",
                (("runtime",),),
            )

    def _snap_start_storage_faults(self) -> Iterator[CrossFault]:
        largest = limit("snapstart_ephemeral_max_mb")
        if self.ephemeral_mb > largest.value:
            text = f"must be at most {largest.value} MB with snap_start, got {self.ephemeral_mb} ({largest.citation()})"
            yield CrossFault(("ephemeral_mb",), text, (("snap_start",),))

    def _snap_start_others(self) -> Iterator[CrossFault]:
        oldest = snap_start_families()[0]
        for name, used in (
            ("package_type", self.package_type is PackageType.IMAGE),
            ("provisioned_concurrency", bool(self.provisioned_concurrency)),
        ):
            if used:
                yield CrossFault(
                    (name,), f"does not go with snap_start ({oldest.citation()})", (("snap_start",),)
                )

    @property
    def calls_provisioned(self) -> bool:
        """Whether traffic calls the version that provisioned concurrency is on; True where there is none.

        References
        ----------
        AWS Lambda Developer Guide, configuring provisioned concurrency: it is for a version or an alias, and a call
        without a qualifier goes to $LATEST.
        """
        allocated_on = next((step.qualifier for step in self.provisioned_concurrency), None)
        if not self.provisioned_concurrency or (allocated_on is None and self.qualifier != LATEST):
            return True
        return allocated_on is not None and (self.qualifier or LATEST) == allocated_on

    def provisioned_steps(self, start_us: int, duration_us: int) -> ProvisionedSteps:
        """Lay out the schedule of provisioned concurrency.

        Parameters
        ----------
        start_us : int
            The scenario's start [µs since 1970].
        duration_us : int
            The scenario's length [µs].

        Returns
        -------
        ProvisionedSteps
            Of several steps at one moment the last in the file holds.
        """
        steps: dict[int, int] = {}
        for step in self.provisioned_concurrency:
            if step.schedule is None:
                assert step.at_us is not None  # noqa: S101 - checked by the step
                steps[step.at_us] = step.count
            else:
                for time_us in parse_schedule(step.schedule).times_us(start_us, start_us + duration_us):
                    steps[time_us - start_us] = step.count
        return ProvisionedSteps(tuple(sorted(steps.items())), duration_us)

    @property
    def prior(self) -> object | None:
        """Measured INIT of the runtime, None where there is none."""
        return init_prior(self.runtime, self.package_type.value, self.architecture.value)
