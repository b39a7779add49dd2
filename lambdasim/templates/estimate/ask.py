"""The two questions that ``estimate`` answers: a template at a volume, and a function that a person describes."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from lambdasim.catalog import limit
from lambdasim.catalog.guesses import spread
from lambdasim.errors import InputError
from lambdasim.templates.estimate.estimate import Agree, Estimate, estimate
from lambdasim.templates.estimate.sources import described_function, spread_volume, template_scenario
from lambdasim.templates.estimate.volume import per_second, volumes
from lambdasim.templates.found import Found, Given
from lambdasim.templates.reading import read_source
from lambdasim.templates.usage_file import with_usage
from lambdasim.templates.writing.draft import Draft, draft_scenario
from lambdasim.units import US_PER_MS, US_PER_S, format_duration, parse_duration_us
from lambdasim.wording import clipped, count, number

_MOST_REMARKS: Final = 3
_MOST_WARNINGS: Final = 5
_MOST_TAKEN: Final = 3
Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Described:
    """One function in a person's words.

    Attributes
    ----------
    volumes : sequence of str
        How often it is called, with its unit; exactly one.
    duration : str or None
        Mean duration, with its unit.
    memory_mb : int or None
    architecture, runtime, region : str or None
    """

    volumes: Sequence[str]
    duration: str | None
    memory_mb: int | None
    architecture: str | None
    runtime: str | None
    region: str | None


def estimate_template(
    path: Path,
    requests: list[str],
    *,
    parameters: Mapping[str, str] | None = None,
    region: str | None = None,
    stage: str | None = None,
    usage: Path | None = None,
    described: Mapping[str, object] | None = None,
    progress: Progress | None = None,
    agree: Agree | None = None,
) -> Estimate:
    """Estimate what a template's functions cost at a volume.

    Parameters
    ----------
    path : Path
        Anything that ``read_source`` reads.
    requests : list of str
        Volumes: of all entry points together, or ``NAME=VOLUME``.
    parameters, region, stage
        See ``read_source``.
    usage : Path, optional
        Infracost's usage file: traffic and durations.
    described : mapping
        Options that belong to a described function and must be empty here.
    progress, agree : callable, optional
        See ``estimate``.

    Raises
    ------
    InputError
        Where a volume or the template cannot be read.
    """
    for option, value in (described or {}).items():
        if value is not None:
            raise InputError.single(
                "lambdasim", option, "describes one function; leave it out with a template"
            )
    together, named = volumes(requests)
    found = read_source(path, parameters, region, stage)
    found = found if usage is None else with_usage(found, usage)
    draft = draft_scenario(found, region=region)
    scenario, scheduled = template_scenario(draft)
    rates, about_traffic = spread_volume(draft, scheduled, together, named)
    assumed = (*about_traffic, *_about_draft(draft, found), *_about_template(found, region))
    known = {draft.names[one.resource]: one.duration_ms for one in found.functions if one.duration_ms}
    return estimate(
        scenario, rates, known_ms=known, origin=found.origin, assumed=assumed, progress=progress, agree=agree
    )


def _about_template(found: Found, region: str | None) -> list[str]:
    ranges = spread()
    told = [
        f"work of a short request or event, times or divided by up to {number(ranges.duration)}; "
        "lambdasim calibrate LOGS narrows it most",
        f"INIT of minimal functions of the runtime, times {number(ranges.init_median)}, halved or doubled",
    ]
    if region is None and found.region is None:
        told.append("region us-east-1")
    guessed = [one for one in found.functions if Given.ASSUMED in one.given.values()]
    if guessed:
        told.append(
            f"settings of {count(len(guessed), 'function')} that only a deployment knows: --parameter K=V"
        )
    told += [str(one) for one in found.unresolved[:_MOST_REMARKS]]
    rest = len(found.not_modelled) + len(found.unresolved[_MOST_REMARKS:])
    if rest:
        told.append(f"{count(rest, 'remark')} that lambdasim import shows")
    told += [f"{one.resource}: {one.text}" for one in found.warnings[:_MOST_WARNINGS]]
    if len(found.warnings) > _MOST_WARNINGS:
        told.append(
            f"{count(len(found.warnings) - _MOST_WARNINGS)} more warnings that lambdasim import shows"
        )
    if found.left_out:
        told.append(f"{count(len(found.left_out), 'function')} left out that only a deployment runs")
    return told


def _about_draft(draft: Draft, found: Found) -> list[str]:
    """Say what of a template was taken for something else, such as a setting that Lambda does not allow."""
    known = {(one.resource, one.text) for one in found.warnings}
    told = [f"{one.resource}: {one.text}" for one in draft.remarks if (one.resource, one.text) not in known]
    more = len(told) - _MOST_TAKEN
    if more > 0:
        told[_MOST_TAKEN:] = [f"{count(more)} more settings taken for others, which lambdasim import shows"]
    return told


def estimate_function(
    described: Described,
    *,
    of_templates: Mapping[str, object] | None = None,
    progress: Progress | None = None,
    agree: Agree | None = None,
) -> Estimate:
    """Estimate what one function costs that a person describes.

    Parameters
    ----------
    described : Described
    of_templates : mapping
        Options that belong to a template and must be empty here.
    progress, agree : callable, optional
        See ``estimate``.

    Raises
    ------
    InputError
        Where an option is missing or cannot be read.
    """
    for option, value in (of_templates or {}).items():
        if value:
            raise InputError.single("lambdasim", option, "belongs to a template; give one, or leave it out")
    if not described.volumes or described.duration is None:
        missing = "--duration" if described.volumes else "--calls"
        raise InputError.single("lambdasim", missing, "is missing; or give a template, and --requests")
    if len(described.volumes) > 1:
        given = ", ".join(clipped(one, 20) for one in described.volumes[:3])
        raise InputError.single("lambdasim", "--calls", f"must be one volume of the function, got {given}")
    rate = per_second(described.volumes[0], "--calls")
    try:
        duration_us = parse_duration_us(described.duration)
    except ValueError as error:
        raise InputError.single("lambdasim", "--duration", str(error)) from None
    longest_us = limit("timeout_max_s").us
    if not 0 < duration_us <= longest_us:
        told = f"must be above 0 and at most {format_duration(longest_us)}"
        raise InputError.single("lambdasim", "--duration", told)
    memory_mb = limit("memory_default_mb").value if described.memory_mb is None else described.memory_mb
    architecture, runtime = described.architecture or "x86_64", described.runtime or "python3.13"
    scenario = described_function(memory_mb, architecture, runtime, longest_us / US_PER_S, described.region)
    assumed = [
        f"{count(memory_mb)} MB {architecture} {runtime}, called through a gateway or SDK",
        f"mean duration as given, its standard deviation {number(spread().variation_median)} of it, halved or doubled",
        f"INIT of a minimal function, times {number(spread().init_median)}, halved or doubled; office hours",
    ]
    if described.memory_mb is None:
        assumed.append(f"memory {count(memory_mb)} MB, Lambda's default; --memory")
    if described.region is None:
        assumed.append("region us-east-1")
    return estimate(
        scenario, {"function": rate}, known_ms={"function": duration_us / US_PER_MS}, origin="one function",
        assumed=tuple(assumed), progress=progress, agree=agree,
    )  # fmt: skip
