"""What ties a scenario to AWS: which of its triggers and services have an equivalent elsewhere, and what moving takes."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

from lambdasim.catalog.equivalents import Effort, Equivalent, equivalents
from lambdasim.specs.function import FunctionSpec, PackageType
from lambdasim.specs.scenario import ScenarioSpec
from lambdasim.specs.trigger import OnFailure
from lambdasim.specs.work.neighbours import NeighbourLines
from lambdasim.wording import count, listed

SHARED: Final = "(shared)"
"""What all functions hold together."""
_ORDER: Final = tuple(Effort)


class Tie(NamedTuple):
    """One piece of AWS that a scenario uses.

    Attributes
    ----------
    piece : str
    functions : str
        That use it, comma-separated.
    effort : str
        ``drop-in``, ``adapt``, ``rebuild`` or ``none``.
    google, azure, self_run : str
        The nearest there; empty where there is none.
    breaks, source : str
    """

    piece: str
    functions: str
    effort: str
    google: str
    azure: str
    self_run: str
    breaks: str
    source: str


def lock_in(scenario: ScenarioSpec) -> tuple[Tie, ...]:
    """Find what ties a scenario to AWS.

    Parameters
    ----------
    scenario : ScenarioSpec

    Returns
    -------
    tuple of Tie
        The hardest to move first. Only what the scenario says is found: triggers, packages, settings, and the meters in
        ``uses`` and ``neighbours``; a service that it does not name is not there.
    """
    users: defaultdict[str, list[str]] = defaultdict(list)
    for spec in scenario.functions:
        for key in dict.fromkeys(_pieces(spec)):
            users[key].append(spec.name)
    held = list(scenario.neighbours.held)
    if NeighbourLines.TRACES in scenario.neighbours.include:
        held.append("xray_traces")
    for meter in held:
        for key in _of_meter(meter):
            if key not in users:
                users[key].append(SHARED)
    known = equivalents()
    found = sorted((known[key] for key in users), key=lambda one: (-_ORDER.index(one.effort), one.name))
    return tuple(_tie(one, users[one.key]) for one in found)


def _pieces(spec: FunctionSpec) -> Iterator[str]:
    """Give the keys of the pieces that a function uses."""
    queue = spec.trigger.queue
    is_fifo = queue is not None and queue.message_groups is not None
    trigger = "sqs_fifo" if is_fifo else spec.trigger.type.value
    yield from (key for key, one in equivalents().items() if trigger in one.triggers)
    if spec.trigger.on_failure is not OnFailure.NONE:
        yield "failure"
    yield "image" if spec.package_type is PackageType.IMAGE else "zip"
    yield "role"
    yield "logs"
    if spec.provisioned_concurrency:
        yield "provisioned"
    if spec.snap_start is not None:
        yield "snap_start"
    if spec.vpc:
        yield "network"
    if spec.durable is not None:
        yield "durable"
    if spec.tenant_isolation:
        yield "tenants"
    for meter in (*spec.uses.per_run, *spec.uses.per_run_kb):
        yield from _of_meter(meter)


def _of_meter(meter: str) -> Iterator[str]:
    yield from (key for key, one in equivalents().items() if one.meters and meter.startswith(one.meters))


def _tie(one: Equivalent, functions: Sequence[str]) -> Tie:
    return Tie(
        one.name,
        ", ".join(functions),
        one.effort.value,
        one.google,
        one.azure,
        one.self_run,
        one.breaks,
        f"{one.knowledge.value}: {one.source}, {one.as_of.isoformat()}",
    )


def tied(ties: Sequence[Tie]) -> str:
    """Say in a sentence or two how hard leaving is.

    Parameters
    ----------
    ties : sequence of Tie

    Returns
    -------
    str
    """
    by_effort = {effort: [tie.piece for tie in ties if tie.effort == effort.value] for effort in Effort}
    nouns = {
        Effort.NONE: ("has no near equivalent", "have no near equivalent"),
        Effort.REBUILD: ("must be rebuilt", "must be rebuilt"),
        Effort.ADAPT: ("must be adapted", "must be adapted"),
        Effort.DROP_IN: ("has a drop-in equivalent", "have drop-in equivalents"),
    }
    parts = []
    for effort in reversed(Effort):
        pieces = by_effort[effort]
        if pieces:
            verb = nouns[effort][len(pieces) != 1]
            named = f" ({listed(pieces, most=4)})" if effort in (Effort.NONE, Effort.REBUILD) else ""
            parts.append(f"{count(len(pieces))} {verb}{named}")
    said = f"Of {count(len(ties), 'piece')} of AWS that the scenario names, {listed(parts, last=' and ')}."
    hard = by_effort[Effort.NONE] + by_effort[Effort.REBUILD]
    return (
        said if hard else f"{said} Nothing must be rebuilt: the handlers are portable behind a thin adapter."
    )
