"""A change before it is merged: two states of a template or scenario, made ready to be compared on the same traffic."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from lambdasim.errors import InputError, TemplateError
from lambdasim.specs.base import revised
from lambdasim.specs.function import FunctionSpec
from lambdasim.specs.loading import load_scenario
from lambdasim.specs.scenario import ScenarioSpec
from lambdasim.study.comparison.text import escaped
from lambdasim.templates.documents import read_document
from lambdasim.templates.estimate.cases import Window, part_of
from lambdasim.templates.estimate.sources import SHARED_OUT, spread_volume, template_scenario
from lambdasim.templates.estimate.volume import volumes
from lambdasim.templates.reading import read_source
from lambdasim.templates.usage_file import with_usage
from lambdasim.templates.writing.draft import Draft, draft_scenario
from lambdasim.templates.writing.scenario_writer import SCENARIO
from lambdasim.units import US_PER_DAY, US_PER_HOUR, US_PER_S, format_duration
from lambdasim.wording import clipped, count, listed

_SCENARIO_KEYS: Final = frozenset({"functions", "start", "duration"})
_LENGTHS_US: Final = (7 * US_PER_DAY, US_PER_DAY, 6 * US_PER_HOUR, US_PER_HOUR, US_PER_HOUR // 4)
_MOST_EVENTS: Final = 1_000_000
_MOST_POLLED: Final = 50_000
_SETTINGS: Final = (
    "memory_mb", "timeout", "architecture", "runtime", "package_type", "ephemeral_mb", "reserved_concurrency",
    "provisioned_concurrency", "snap_start", "trigger",
)  # fmt: skip
_WORDS: Final = {
    "memory_mb": "memory", "ephemeral_mb": "size of /tmp", "snap_start": "SnapStart", "package_type": "package",
}  # fmt: skip
_NAMED: Final = 8
_MOST_LINES: Final = 40
_BEFORE, _AFTER = "before", "after"


@dataclass(frozen=True)
class Change:
    """One setting that differs.

    Attributes
    ----------
    function, setting : str
        The setting is empty where the function is new or gone.
    before, after : str
        In words.
    """

    function: str
    setting: str
    before: str
    after: str


@dataclass(frozen=True)
class Review:
    """Two states that are ready to be compared.

    Attributes
    ----------
    scenarios : mapping of str to ScenarioSpec
        ``before`` and ``after``.
    changes : tuple of Change
        Of settings, by function.
    assumed : tuple of str
        What no file said.
    """

    scenarios: Mapping[str, ScenarioSpec]
    changes: tuple[Change, ...]
    assumed: tuple[str, ...]

    def text(self) -> str:
        """List the changes for a terminal."""
        if not self.changes:
            return "no setting of a function differs"
        return "\n".join(f"  {_line(one)}" for one in self.changes[:_MOST_LINES]) + self._more()

    def markdown(self) -> str:
        """List the changes as a table, and what was assumed, for a pull request's comment."""
        lines = []
        if self.changes:
            lines += ["| function | setting | before | after |", "|---|---|---|---|"]
            lines += [
                f"| {escaped(one.function)} | {escaped(one.setting)} | {escaped(one.before)} | {escaped(one.after)} |"
                for one in self.changes[:_MOST_LINES]
            ]
            lines.append(self._more())
        else:
            lines += ["No setting of a function differs.", ""]
        lines += [f"- assumed: {escaped(one)}" for one in self.assumed]
        return "\n".join(lines)

    def _more(self) -> str:
        more = len(self.changes) - _MOST_LINES
        return f"\nand {count(more, 'more change')}" if more > 0 else ""


def reviewed(
    before: str | os.PathLike[str],
    after: str | os.PathLike[str],
    requests: Sequence[str] = (),
    *,
    parameters: Mapping[str, str] | None = None,
    region: str | None = None,
    stage: str | None = None,
    usage: Path | None = None,
) -> Review:
    """Read two states of an application.

    Parameters
    ----------
    before, after : path-like
        Each a scenario, a folder that holds one, or anything that ``read_source`` reads.
    requests : sequence of str
        Volumes as ``estimate`` takes them: of all entry points together, or ``NAME=VOLUME``; for templates.
    parameters, region, stage
        See ``read_source``.
    usage : Path, optional
        Infracost's usage file: traffic and durations.

    Returns
    -------
    Review
        Two scenarios as they are. A template takes traffic and work of the functions that both states have from the other
        state, so that only settings differ: from a scenario, else from the state before. Templates without volumes get a
        guess, which is said, and are simulated for as long as their traffic needs, from a quarter of an hour to a week.

    Raises
    ------
    InputError
        Where a file cannot be read, or no template is there for the volumes.
    """
    sides = {
        _BEFORE: _side(Path(before), parameters, region, stage, usage),
        _AFTER: _side(Path(after), parameters, region, stage, usage),
    }
    drafts = {name: side for name, side in sides.items() if isinstance(side, Draft)}
    if requests and not drafts:
        told = "is for templates; a scenario has its own traffic"
        raise InputError.single("lambdasim compare", "--requests", told)
    together, named = volumes(requests)
    asked = {
        one.function for draft in drafts.values() for one in draft.questions if one.key == "traffic"
    } - set(named)
    specs: dict[str, ScenarioSpec] = {}
    rates: dict[str, dict[str, float]] = {}
    about: tuple[str, ...] = ()
    for name, side in sides.items():
        if isinstance(side, ScenarioSpec):
            specs[name] = side
            continue
        spec, scheduled = template_scenario(side)
        own = {one.function for one in side.questions if one.key == "traffic"} & asked
        part = None if together is None or not own else together * len(own) / len(asked)
        known = {
            key: rate for key, rate in named.items() if key in set(side.names.values()) | set(side.names)
        }
        rates[name], remarks = spread_volume(side, scheduled, part, known)
        about = remarks or about
        # The free tier is the whole account's: what a change costs is what it adds to a bill beyond it.
        specs[name] = spec.model_copy(update={"free_tier": False})
    _refuse_unknown(named, drafts)
    before_spec, after_spec = specs[_BEFORE], specs[_AFTER]
    assumed = [one for one in about if not (together and one.startswith(SHARED_OUT))]
    if together and len(asked) > 1:
        assumed.append(
            f"{SHARED_OUT} over the {count(len(asked), 'entry point')} of both states, so that each has as much "
            "before as after"
        )
    if rates:
        before_spec, after_spec = _timed(specs, rates)
        guess = "work of templates is a guess, the same before and after"
        assumed.append(
            f"{guess}; simulated for {format_duration(before_spec.duration_us)}, without free tier"
        )
        # A scenario knows traffic and work, of two templates the one before.
        if _BEFORE in rates and _AFTER not in rates:
            before_spec = _alike(after_spec, before_spec)
        else:
            after_spec = _alike(before_spec, after_spec)
    scenarios = {_BEFORE: before_spec, _AFTER: after_spec}
    return Review(scenarios, tuple(_changes(before_spec, after_spec)), tuple(assumed))


def _side(
    path: Path,
    parameters: Mapping[str, str] | None,
    region: str | None,
    stage: str | None,
    usage: Path | None,
) -> ScenarioSpec | Draft:
    """Load a scenario, or draft one of a template."""
    if path.is_dir() and (path / SCENARIO).is_file():
        return load_scenario(path)
    if path.is_file() and path.suffix in (".yaml", ".yml"):
        try:
            data = read_document(path).data
        except TemplateError:
            data = None
        if isinstance(data, dict) and set(data) >= _SCENARIO_KEYS:
            return load_scenario(path)
    found = read_source(path, parameters, region, stage)
    if usage is not None:
        found = with_usage(found, usage)
    return draft_scenario(found, region=region)


def _refuse_unknown(named: Mapping[str, float], drafts: Mapping[str, Draft]) -> None:
    known = {name for draft in drafts.values() for name in (*draft.names, *draft.names.values())}
    for name in named:
        if name not in known:
            told = f"names {clipped(name, 40)}; functions are {listed(sorted(known), most=_NAMED)}"
            raise InputError.single("lambdasim compare", "--requests", told)


def _timed(
    specs: Mapping[str, ScenarioSpec], rates: Mapping[str, Mapping[str, float]]
) -> tuple[ScenarioSpec, ScenarioSpec]:
    """Give drafts their traffic for one length of time; beside a scenario, that of the scenario."""
    fixed = next((spec for name, spec in specs.items() if name not in rates), None)
    if fixed is not None:
        duration_us = fixed.duration_us
    else:
        total = max(sum(one.values()) for one in rates.values())
        polled = max(
            sum(
                rate
                for function, rate in rates[name].items()
                if spec.function(function).trigger.queue or spec.function(function).trigger.stream
            )
            for name, spec in specs.items()
        )
        duration_us = next(
            (
                length
                for length in _LENGTHS_US
                if total * length / US_PER_S <= _MOST_EVENTS and polled * length / US_PER_S <= _MOST_POLLED
            ),
            _LENGTHS_US[-1],
        )
    made = []
    for name, spec in specs.items():
        if name not in rates:
            made.append(spec)
            continue
        functions = {one.name: one for one in spec.functions}
        window = Window(duration_us, tuple(functions), duration_us >= US_PER_DAY)
        drawn = part_of(spec, window, functions, rates[name])
        update: dict[str, Any] = {} if fixed is None else {"start": fixed.start, "seed": fixed.seed}
        made.append(drawn.model_copy(update=update))
    return made[0], made[1]


def _alike(source: ScenarioSpec, other: ScenarioSpec) -> ScenarioSpec:
    """Give functions that both have the traffic and the work of one side."""
    known = {one.name: one for one in source.functions}
    functions = []
    for one in other.functions:
        same = known.get(one.name)
        if same is None or same.trigger.kind is not one.trigger.kind:
            functions.append(one)
            continue
        update: dict[str, Any] = {"traffic": same.traffic, "work": same.work}
        if (same.runtime, same.architecture, same.snap_start) == (
            one.runtime,
            one.architecture,
            one.snap_start,
        ):
            update["init_ms"] = same.init_ms
        functions.append(one.model_copy(update=update))
    checked = revised(other, {"functions": tuple(functions)})
    # Traces lie beside the side that names them.
    return source.model_copy(update={name: getattr(checked, name) for name in type(checked).model_fields})


def _changes(before: ScenarioSpec, after: ScenarioSpec) -> Iterator[Change]:
    was, now = ({one.name: one for one in spec.functions} for spec in (before, after))
    if before.region != after.region:
        yield Change("", "region", before.region, after.region)
    for name, one in now.items():
        if name not in was:
            yield Change(name, "", "", "new")
            continue
        old, new = _settings(was[name]), _settings(one)
        for key in _SETTINGS:
            if old[key] != new[key]:
                yield Change(name, _WORDS.get(key, key.replace("_", " ")), old[key], new[key])
    for name in was:
        if name not in now:
            yield Change(name, "", "there", "gone")


def _settings(function: FunctionSpec) -> dict[str, str]:
    """Return settings in words."""
    said: dict[str, str] = {
        "memory_mb": f"{function.memory_mb:,} MB",
        "timeout": format_duration(function.timeout_us),
        "ephemeral_mb": f"{function.ephemeral_mb:,} MB",
        "provisioned_concurrency": listed(f"{one.count:,}" for one in function.provisioned_concurrency)
        or "none",
        "snap_start": "on" if function.snap_start is not None else "off",
        "trigger": function.trigger.type.value,
    }
    for key in ("architecture", "runtime", "package_type", "reserved_concurrency"):
        value = getattr(function, key)
        said[key] = "none" if value is None else str(getattr(value, "value", value))
    return said


def _line(one: Change) -> str:
    if not one.setting:
        return f"{clipped(one.function, 50)}: {'new' if one.after == 'new' else 'gone'}"
    owner = f"{clipped(one.function, 50)}: " if one.function else ""
    return f"{owner}{one.setting} {clipped(one.before, 40)} -> {clipped(one.after, 40)}"
