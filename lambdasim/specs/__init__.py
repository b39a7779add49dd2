"""What a user may say: frozen specs, checked against the catalog's limits."""

from lambdasim.specs.base import revised
from lambdasim.specs.function import (
    Architecture,
    FunctionSpec,
    PackageType,
    PayloadSpec,
    ProvisionedStep,
    SnapStartSpec,
)
from lambdasim.specs.loading import load_scenario, load_scenario_text
from lambdasim.specs.platform import AccountSpec, PlatformSpec, Reuse
from lambdasim.specs.scenario import ScenarioSpec
from lambdasim.specs.traffic import TrafficSpec
from lambdasim.specs.trigger import TriggerSpec, TriggerType
from lambdasim.specs.work.handler import WorkSpec

__all__ = [
    "AccountSpec",
    "Architecture",
    "FunctionSpec",
    "PackageType",
    "PayloadSpec",
    "PlatformSpec",
    "ProvisionedStep",
    "Reuse",
    "ScenarioSpec",
    "SnapStartSpec",
    "TrafficSpec",
    "TriggerSpec",
    "TriggerType",
    "WorkSpec",
    "load_scenario",
    "load_scenario_text",
    "revised",
]
