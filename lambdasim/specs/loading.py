"""Scenario files read safely: every fault of a file in one go, with its line."""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from pydantic import ValidationError
from pydantic_core import PydanticCustomError

from lambdasim.errors import Fault, NotModelledWarning, ScenarioError
from lambdasim.outputs import noted_input
from lambdasim.specs.faults import foreign_kind
from lambdasim.specs.files import FileReader, resolved
from lambdasim.specs.scenario import ScenarioSpec
from lambdasim.specs.unmodelled import without_effect
from lambdasim.yaml_text import Lines, dotted, first_of, read_yaml

_FEW: Final = 3
"""Places with the same warning that are each worth a line."""
_MOST_BYTES: Final = 16_000_000
IN_FOLDER: Final = "scenario.yaml"
"""The scenario of a folder, as an import writes it."""
_SUFFIXES: Final = (".yaml", ".yml")


def load_scenario(path: str | os.PathLike[str]) -> ScenarioSpec:
    """Read a scenario from a YAML file.

    Parameters
    ----------
    path : path-like
        UTF-8, at most 16 MB; or a folder that holds ``scenario.yaml``, or no other YAML file than the scenario.

    Returns
    -------
    ScenarioSpec

    Raises
    ------
    ScenarioError
        With every fault of the file: line, field, value got, what is allowed.

    Warns
    -----
    NotModelledWarning
        Where a setting has no effect, or traffic brings no event in the scenario's time.
    """
    file = _in_folder(Path(path))
    try:
        if not os.path.isfile(file):
            raise ScenarioError.single(str(file), "", "must be an existing regular file")
        noted_input(file)
        with file.open("rb") as stream:
            content = stream.read(_MOST_BYTES + 1)
    except OSError as error:
        raise ScenarioError.single(str(file), "", f"cannot be read: {error.strerror}") from None
    return load_scenario_text(content, name=str(file), base_dir=file.parent)


def _in_folder(path: Path) -> Path:
    """Return the scenario of a folder, and a file as it is."""
    if not path.is_dir():
        return path
    named = path / IN_FOLDER
    present = [named] if named.is_file() else sorted(one for one in path.iterdir() if one.suffix in _SUFFIXES)
    if len(present) != 1:
        held = f"has {len(present)} YAML files and none is {IN_FOLDER}" if present else f"has no {IN_FOLDER}"
        raise ScenarioError.single(str(path), "", f"{held}; name the scenario file")
    return present[0]


def accounts_in(folder: str | os.PathLike[str]) -> dict[str, Path]:
    """Return the scenarios of a folder that holds several accounts.

    Parameters
    ----------
    folder : path-like
        Each YAML file in it is an account, named by the file; so is each folder in it that holds ``scenario.yaml``.

    Returns
    -------
    dict of str to Path
        In order of name. Empty for a file, and for a folder that holds one scenario alone, see ``load_scenario``.

    Raises
    ------
    ScenarioError
        When two have one name.
    """
    place = Path(folder)
    if not place.is_dir() or (place / IN_FOLDER).is_file():
        return {}
    found: dict[str, Path] = {}
    for path in sorted(place.iterdir()):
        if not (path.suffix in _SUFFIXES and path.is_file()) and not (path / IN_FOLDER).is_file():
            continue
        name = path.name if path.is_dir() else path.stem
        if name in found:
            raise ScenarioError.single(str(place), name, "is the name of two accounts; rename one")
        found[name] = path
    is_several = len(found) > 1 or any(path.is_dir() for path in found.values())
    return dict(sorted(found.items())) if is_several else {}


def load_scenario_text(
    text: str | bytes, name: str = "scenario", base_dir: Path | None = None
) -> ScenarioSpec:
    """Read a scenario from YAML text; see ``load_scenario``.

    Parameters
    ----------
    text : str or bytes
        YAML, UTF-8, at most 16 MB.
    name : str
        Stands for the file in messages.
    base_dir : Path, optional
        Folder that the scenario's file names are relative to; default: the current one.

    Returns
    -------
    ScenarioSpec
    """
    content = text.encode() if isinstance(text, str) else text
    if len(content) > _MOST_BYTES:
        raise ScenarioError.single(name, "", f"must have at most {_MOST_BYTES:,} bytes")
    try:
        decoded = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ScenarioError.single(name, "", f"must be UTF-8, byte {error.start} is not") from None
    if (kind := foreign_kind(decoded)) is not None:
        raise ScenarioError.single(name, "", f"is {kind}")
    data, lines = read_yaml(decoded, name, ScenarioError)
    folder = base_dir or Path()
    try:
        spec = ScenarioSpec.model_validate(data, context={"files": FileReader(folder)})
    except ValidationError as error:
        found = error.errors(include_url=False, include_input=False)
        # A list is "too short" when its only items are faulty; those are reported themselves.
        around = {fault["loc"][:depth] for fault in found for depth in range(len(fault["loc"]))}
        told = [fault for fault in found if fault["loc"] not in around or not _is_list(data, fault["loc"])]
        faults = [_fault(name, lines, fault["loc"], fault["msg"]) for fault in told]
        raise ScenarioError(first_of(name, sorted(faults, key=_line_of))) from None
    spec._base_dir = folder
    if missing := list(_missing_traces(name, lines, spec)):
        raise ScenarioError(first_of(name, missing))
    idle = [_fault(name, lines, loc, message) for loc, message in without_effect(spec)]
    for silent in first_of(name, _once(idle)):
        warnings.warn(str(silent), NotModelledWarning, stacklevel=2)
    return spec


def _once(faults: list[Fault]) -> list[Fault]:
    """Say what many places have in common once, for the first of them."""
    alike: dict[str, list[Fault]] = {}
    for fault in faults:
        alike.setdefault(fault.message, []).append(fault)
    told = []
    for same in alike.values():
        if len(same) > _FEW:
            told.append(replace(same[0], field=f"{same[0].field} and {len(same) - 1:,} others"))
        else:
            told += same
    return told


def _is_list(data: Any, loc: tuple[int | str, ...]) -> bool:
    """Return whether a scenario has a list in some place."""
    for step in loc:
        try:
            data = data[step]
        except (LookupError, TypeError):
            return False
    return isinstance(data, list)


def _missing_traces(name: str, lines: Lines, spec: ScenarioSpec) -> Iterator[Fault]:
    for place, function in enumerate(spec.functions):
        if function.traffic.trace is not None:
            try:
                resolved(spec.base_dir, function.traffic.trace)
            except PydanticCustomError as error:
                yield _fault(name, lines, ("functions", place, "traffic", "trace"), str(error))


def _line_of(fault: Fault) -> int:
    return int(fault.where.rpartition(":")[2])


def _fault(name: str, lines: Lines, loc: tuple[int | str, ...], message: str) -> Fault:
    known = loc
    while known not in lines:
        known = known[:-1]
    return Fault(f"{name}:{lines[known]}", dotted(loc), message)
