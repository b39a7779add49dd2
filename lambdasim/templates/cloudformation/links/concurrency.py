"""What resources beside a function say of it: aliases and scaling of provisioned concurrency, asynchronous settings."""

from __future__ import annotations

import re
from typing import Any, Final

from lambdasim.templates.cloudformation.functions import event_settings
from lambdasim.templates.cloudformation.links.ties import Ties
from lambdasim.templates.cloudformation.mappings import schedules_of
from lambdasim.templates.cloudformation.sam_events import zoned
from lambdasim.templates.cloudformation.stack import Resource
from lambdasim.templates.cloudformation.values import at, items_of, texts_in, whole
from lambdasim.templates.found import FoundProvisioned

_POINTERS: Final = ("AWS::Lambda::Alias", "AWS::Lambda::Version")
_SCALED: Final = re.compile(r"function:([^:]+):")


def tie_concurrency(ties: Ties) -> None:
    """Take over what aliases, versions, scalable targets and invoke configurations say."""
    for resource in ties.others():
        properties = resource.properties
        if resource.type in _POINTERS:
            count = whole(at(properties, "ProvisionedConcurrencyConfig", "ProvisionedConcurrentExecutions"))
            for id_ in ties.functions_in(properties.get("FunctionName"), named=True) if count else ():
                _provision(ties, id_, [FoundProvisioned(count or 0)])
        elif resource.type == "AWS::Lambda::EventInvokeConfig":
            for id_ in ties.functions_in(properties.get("FunctionName"), named=True):
                ties.change(id_, **event_settings(properties))
        elif resource.type == "AWS::ApplicationAutoScaling::ScalableTarget":
            _target(ties, resource)
        elif resource.type == "AWS::ApplicationAutoScaling::ScalingPolicy":
            _policy(ties, resource)


def _provision(ties: Ties, id_: str, steps: list[FoundProvisioned]) -> None:
    present = ties.functions[id_].provisioned
    ties.change(id_, provisioned=(*present, *(step for step in steps if step not in present)))


def _scaled(ties: Ties, value: Any) -> list[str]:
    """Return the functions that a scalable target's ResourceId means."""
    ids = ties.functions_in(value)
    for text in texts_in(value):
        for name in _SCALED.findall(text):
            ids += [one for one in ties.functions_in(name, named=True) if one not in ids]
    return ids


def _target(ties: Ties, resource: Resource) -> None:
    properties = resource.properties
    if "lambda" not in " ".join(
        texts_in([properties.get("ScalableDimension"), properties.get("ServiceNamespace")])
    ):
        return
    for id_ in _scaled(ties, properties.get("ResourceId")):
        least = whole(properties.get("MinCapacity"))
        steps = [] if not least or ties.functions[id_].provisioned else [FoundProvisioned(least)]
        for action in items_of(properties.get("ScheduledActions")):
            capacity = whole(at(action, "ScalableTargetAction", "MinCapacity"))
            for text in schedules_of(at(action, "Schedule")) if capacity is not None else ():
                steps.append(FoundProvisioned(capacity or 0, zoned(text, at(action, "Timezone"))))
        _provision(ties, id_, steps)


def _policy(ties: Ties, resource: Resource) -> None:
    if "TargetTrackingScalingPolicyConfiguration" not in resource.properties:
        return
    if any("LambdaProvisionedConcurrency" in text for text in texts_in(resource.properties)):
        ties.not_modelled(
            resource, "target tracking of provisioned concurrency; its least capacity is taken throughout"
        )
