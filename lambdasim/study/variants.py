"""A scenario under other limits, other traffic or another seed: what studies simulate beside it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from itertools import islice
from typing import Any, Final

from lambdasim.errors import InputError
from lambdasim.specs.base import revised
from lambdasim.specs.function import Architecture, FunctionSpec, ProvisionedStep
from lambdasim.specs.scenario import ScenarioSpec

NO_LIMIT: Final = 10_000_000
_NO_SCALING: Final = 1_000_000
MOST_MULTIPLES: Final = 100
_GREATEST_MULTIPLE: Final = 1_000_000


def checked_multiples(where: str, multiples: Iterable[float]) -> list[float]:
    """Put multiples of the traffic in order, each once.

    Parameters
    ----------
    where : str
        Of the study, for the message.
    multiples : iterable of float

    Returns
    -------
    list of float

    Raises
    ------
    InputError
        When one is not above 0 or more than a million, or there are more than a hundred.
    """
    given = [float(one) for one in islice(multiples, MOST_MULTIPLES + 1)]
    if len(given) > MOST_MULTIPLES:
        raise InputError.single(
            where, "multiples", f"must be at most {MOST_MULTIPLES}, repeated ones included"
        )
    found = sorted(set(given))
    wrong = next((one for one in found if not 0 < one <= _GREATEST_MULTIPLE), None)
    if wrong is not None:
        told = f"must be above 0 and at most {_GREATEST_MULTIPLE:,}, got {wrong:.6g}"
        raise InputError.single(where, "multiples", told)
    return found


class Variant(StrEnum):
    """What is changed in a scenario."""

    AS_IS = "as it is"
    UNLIMITED = "without limits of concurrency"
    WARM = "without limits of concurrency or growth, and all environments warm"
    QUOTA = "with another account limit"
    TRAFFIC = "with more traffic"
    PROVISIONED = "with provisioned concurrency by schedule"
    TRACKING = "with provisioned concurrency by target tracking"
    TOGETHER = "with another account limit, reserved and provisioned concurrency"


_FREE: Final = (Variant.UNLIMITED, Variant.WARM)


@dataclass(frozen=True, eq=False)
class LimitCase:
    """A scenario's variant and a seed.

    Attributes
    ----------
    variant : Variant
    replication : int
        Added to the scenario's seed.
    number : float
        The account's limit, or the factor on traffic.
    provisioned : mapping of str to tuple of ProvisionedStep
        By function.
    reserved : mapping of str to int
        Reserved concurrency by function, beside another account limit.
    """

    variant: Variant
    replication: int = 0
    number: float = 0.0
    provisioned: Mapping[str, tuple[ProvisionedStep, ...]] = field(default_factory=dict)
    reserved: Mapping[str, int] = field(default_factory=dict)


def case_scenario(scenario: ScenarioSpec, case: LimitCase) -> ScenarioSpec:
    """Return the scenario of a case."""
    changes: dict[str, Any] = {"seed": (scenario.seed + case.replication) % (1 << 64)}
    functions = []
    for spec in scenario.functions:
        overlay: dict[str, Any] = {}
        if case.variant in _FREE:
            overlay["reserved_concurrency"] = None
        if case.variant is Variant.WARM:
            overlay |= {"init_ms": 0, "placement_ms": 0, "work": revised(spec.work, {"first_run_ms": 0})}
        if case.variant is Variant.TRAFFIC:
            overlay["traffic"] = revised(spec.traffic, {"scale": spec.traffic.scale * case.number})
        if spec.name in case.reserved:
            overlay["reserved_concurrency"] = case.reserved[spec.name]
        if spec.name in case.provisioned:
            overlay["provisioned_concurrency"] = case.provisioned[spec.name]
        functions.append(revised(spec, overlay) if overlay else spec)
    if case.variant in _FREE:
        freed = {"concurrency": NO_LIMIT}
        if case.variant is Variant.WARM:
            freed["scaling_burst"] = _NO_SCALING
        changes["account"] = revised(scenario.account, freed)
    elif case.variant in (Variant.QUOTA, Variant.TOGETHER):
        changes["account"] = revised(scenario.account, {"concurrency": int(case.number)})
    changes["functions"] = tuple(functions)
    return revised(scenario, changes)


def at_size(
    spec: FunctionSpec, memory_mb: int, architecture: str, arm64_time_ratio: float | None = None
) -> FunctionSpec:
    """Return a function with another memory size and architecture.

    Parameters
    ----------
    spec : FunctionSpec
    memory_mb : int
    architecture : {"x86_64", "arm64"}
    arm64_time_ratio : float, optional
        CPU time on arm64 over x86_64; default: the function's own.

    Returns
    -------
    FunctionSpec
        A measured ``memory_per_vcpu_mb`` belongs to the architecture and stays behind on a change of it.
    """
    changes: dict[str, Any] = {"memory_mb": memory_mb, "architecture": Architecture(architecture)}
    work: dict[str, Any] = {}
    if arm64_time_ratio is not None:
        work["arm64_time_ratio"] = arm64_time_ratio
    if changes["architecture"] is not spec.architecture:
        work["memory_per_vcpu_mb"] = None
    if work:
        changes["work"] = revised(spec.work, work)
    return revised(spec, changes)
