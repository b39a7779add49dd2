"""How a function would be set up on another platform: size of an instance, requests at once, start-up."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from decimal import ROUND_CEILING, Decimal
from math import ceil, floor
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from lambdasim.catalog import init_prior
from lambdasim.catalog.prices.platform_kinds import Platform
from lambdasim.catalog.prices.platforms import platform_book, start_up
from lambdasim.draws.keys import DrawKey, Quantity
from lambdasim.draws.laws import compile_law, piecewise, values_of
from lambdasim.engine.instances.run import MOST_SLOTS, InstancePlan
from lambdasim.errors import InputError
from lambdasim.models.cpu_scaling import vcpus
from lambdasim.specs.function import FunctionSpec
from lambdasim.study.server_costs import ServerTerms
from lambdasim.units import US_PER_MS, US_PER_S

STARTS: Final = 4096
"""Start-ups drawn for a function; instances take them in turn."""
_MOST_READY: Final = 1000
_QUANTILES: Final = (0.0, 0.025, 0.5, 0.975, 1.0)


@dataclass(frozen=True)
class PlatformTerms:
    """What is assumed of other platforms.

    Attributes
    ----------
    requests_at_once : int or None
        That an instance serves at once; None for both ends, one and the platform's default, since only the author of the
        handler knows whether it may.
    only : tuple of str
        Keys of platforms; empty for all.
    servers : ServerTerms
        For Fargate, EC2 and managed instances.
    leaving_usd : Decimal or None
        What a move would cost once, people's time included; None where nobody has said [USD].
    google_off_percent : Decimal
        What a committed use discount takes off Cloud Run's prices [%].
    always_ready : int
        Instances of each function that Azure's Flex plan holds, whether requests come or not.
    """

    requests_at_once: int | None = None
    only: tuple[str, ...] = ()
    servers: ServerTerms = field(default_factory=ServerTerms)
    leaving_usd: Decimal | None = None
    google_off_percent: Decimal = Decimal(0)
    always_ready: int = 0

    def __post_init__(self) -> None:
        """Check every value.

        Raises
        ------
        InputError
        """
        asked = self.requests_at_once
        if asked is not None and (isinstance(asked, bool) or not 1 <= asked <= MOST_SLOTS):
            raise InputError.single(
                "platforms", "requests_at_once", f"must be from 1 to {MOST_SLOTS:,}, got {asked}"
            )
        off = self.google_off_percent
        if not (off.is_finite() and 0 <= off <= 100):
            raise InputError.single("platforms", "google_off_percent", f"must be from 0 to 100, got {off}")
        ready = self.always_ready
        if isinstance(ready, bool) or not 0 <= ready <= _MOST_READY:
            raise InputError.single(
                "platforms", "always_ready", f"must be from 0 to {_MOST_READY:,}, got {ready}"
            )
        if self.leaving_usd is not None and not (self.leaving_usd.is_finite() and self.leaving_usd >= 0):
            raise InputError.single(
                "platforms", "leaving_usd", f"must be an amount of at least 0, got {self.leaving_usd}"
            )


class Setting(NamedTuple):
    """A function on a platform.

    Attributes
    ----------
    plan : InstancePlan
    milli_vcpus : int
        Of an instance.
    memory_mb : int
        That is paid for.
    """

    plan: InstancePlan
    milli_vcpus: int
    memory_mb: int

    @property
    def size(self) -> str:
        """The size in words."""
        return f"{self.milli_vcpus / 1000:g} vCPU, {self.memory_mb:,} MB"


def setting_of(platform: Platform, spec: FunctionSpec, need_mb: int, at_once: int | None) -> Setting | str:
    """Set a function up on a platform.

    Parameters
    ----------
    platform : Platform
    spec : FunctionSpec
    need_mb : int
        Memory that it needs, whoever shares the process [MB].
    at_once : int or None
        Requests that an instance serves at once; None for the platform's default.

    Returns
    -------
    Setting or str
        Why it cannot run there.

    Notes
    -----
    An instance that serves one request at a time gets the CPU that the function has on Lambda, where the platform sells
    fractions; else the smallest size with the memory needed and at least the catalog's part of that CPU. One that serves
    several has one vCPU at least, where the platform lets a choice. Another is started where the platform's target of
    slots is reached, or its target of CPU is passed by the mean of what a request computes while it runs.
    """
    if platform.runtimes and not spec.runtime.startswith(platform.runtimes):
        return f"{spec.name} is written for {spec.runtime}"
    if platform.cpu_most_s and spec.work.cpu_ms.mean() > platform.cpu_most_s * 1000:
        return f"{spec.name} computes for more than {platform.cpu_most_s} s"
    share = _wanted_vcpus(spec, several=at_once != 1)
    place = _size(platform, need_mb, share)
    if place is None:
        return f"{spec.name} needs {need_mb:,} MB; an instance has {platform.sizes[-1].most_mb:,} MB at most"
    size = platform.sizes[place]
    cpu = size.vcpus
    if platform.step_vcpus and at_once == 1:
        by_memory = next(one.vcpus for one in platform.sizes if one.most_mb >= need_mb)
        stepped = (share / platform.step_vcpus).to_integral_value(ROUND_CEILING) * platform.step_vcpus
        if max(stepped, by_memory) < 1:
            cpu = max(stepped, by_memory)
            size = [one for one in platform.sizes if one.vcpus <= cpu][-1]
    memory = size.most_mb
    if platform.memory_step_mb:
        stepped_mb = -(-need_mb // platform.memory_step_mb) * platform.memory_step_mb
        memory = min(max(stepped_mb, size.least_mb), size.most_mb)
    default = platform.slots_by_size[place] if platform.slots_by_size else platform.slots
    slots = at_once or default
    return Setting(
        InstancePlan(
            slots=slots,
            target=_target(platform, computing_share(spec), slots, float(cpu)),
            vcpus=float(cpu),
            parallel_fraction=spec.work.parallel_fraction,
            idle_us=platform.idle_s * US_PER_S,
            grow_us=platform.grow_ms * US_PER_MS,
            tick_us=platform.tick_ms * US_PER_MS,
            least_us=platform.least_ms * US_PER_MS,
            life_least_us=platform.life_least_ms * US_PER_MS,
            start_billed=platform.start_billed,
        ),
        int(cpu * 1000),
        memory,
    )


def _wanted_vcpus(spec: FunctionSpec, *, several: bool) -> Decimal:
    """Give the CPU that a function has on Lambda, and can use; one vCPU at least where requests share it."""
    share = vcpus(spec.memory_mb, spec.work.memory_per_vcpu_mb)
    if not spec.work.parallel_fraction:
        share = min(share, 1.0)
    return Decimal(str(round(max(share, 1.0) if several else share, 3)))


def _size(platform: Platform, need_mb: int, share: Decimal) -> int | None:
    """Find the smallest size with the memory, and with enough CPU; without enough CPU the largest."""
    enough = share * platform_book().least_cpu_percent / 100
    fits = [place for place, size in enumerate(platform.sizes) if size.most_mb >= need_mb]
    return next(
        (place for place in fits if platform.sizes[place].vcpus >= enough), fits[-1] if fits else None
    )


def retargeted(setting: Setting, platform: Platform, computing: float) -> Setting:
    """Give a setting whose instances start by what requests of several ways into a function compute.

    Parameters
    ----------
    setting : Setting
    platform : Platform
    computing : float
        Mean part of a vCPU that a request computes while it runs alone on one.

    Returns
    -------
    Setting
    """
    target = _target(platform, computing, setting.plan.slots, setting.milli_vcpus / 1000)
    return setting._replace(plan=replace(setting.plan, target=target))


def _target(platform: Platform, computing: float, slots: int, cpu: float) -> int:
    part = platform.target_percent / 100
    by_slots = max(floor(slots * part), 1)
    if not computing:
        return by_slots
    return max(min(by_slots, ceil(cpu * part / computing)), 1)


def computing_share(spec: FunctionSpec) -> float:
    """Give the mean part of a vCPU that a function's request computes while it runs alone on one."""
    cpu_ms, io_ms = spec.work.cpu_ms.mean(), spec.work.io_ms.mean()
    return cpu_ms / (cpu_ms + io_ms) if cpu_ms + io_ms else 0.0


def start_ups_us(platform: Platform, spec: FunctionSpec, seed: int) -> NDArray[np.int64]:
    """Draw start-ups of a function's instances, shape (STARTS,) [µs].

    Parameters
    ----------
    platform : Platform
    spec : FunctionSpec
    seed : int

    Notes
    -----
    What was measured for a program without code of its own in the runtime's language, straight lines between its
    quantiles; and, where the scenario gives an INIT, what of that exceeds the median of such a program on Lambda.
    """
    numbers = np.arange(STARTS)
    known = start_up(_starts_like(platform), spec.runtime)
    if known is None:
        return np.zeros(STARTS, dtype=np.int64)
    low, middle, high = (ms * US_PER_MS for ms in known.ms)
    law = piecewise(_QUANTILES, (low, low, middle, high, high))
    found = values_of(law, DrawKey.of(seed, spec.name, Quantity.PLATFORM_START), numbers)
    if isinstance(spec.init_ms, str):
        return found
    own = values_of(compile_law(spec.init_ms, US_PER_MS), DrawKey.of(seed, spec.name, Quantity.INIT), numbers)
    prior = init_prior(spec.runtime, spec.package_type.value, spec.architecture.value)
    usual_us = round(prior.p50_ms * US_PER_MS) if prior is not None else 0
    return found + np.maximum(own - usual_us, 0)


def _starts_like(platform: Platform) -> str:
    """Say whose start-ups a platform's are taken to be."""
    starts = platform_book().starts
    if platform.key in starts or platform.vendor == "cloudflare":
        return platform.key
    return "cloud_run"
