"""Scenario files read safely: every fault of a file at once, with its line."""

from __future__ import annotations

import math
import os
import re
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import yaml
from pydantic import ValidationError
from pydantic_core import PydanticCustomError

from lambdasim.errors import Fault, NotModelledWarning, ScenarioError
from lambdasim.outputs import noted_input
from lambdasim.specs.files import FileReader, resolved
from lambdasim.specs.scenario import ScenarioSpec
from lambdasim.specs.unmodelled import without_effect
from lambdasim.wording import clipped

_MOST_BYTES: Final = 1_000_000
_IN_FOLDER: Final = "scenario.yaml"
_SUFFIXES: Final = (".yaml", ".yml")
_DEEPEST: Final = 20
_MOST_NODES: Final = 200_000
_MOST_FAULTS: Final = 100
_MOST_BITS: Final = 64
_OCTAL: Final = re.compile(r"[-+]?0[0-9]+")
_EXPONENT: Final = re.compile(r"[-+]?[0-9]+(\.[0-9]*)?[eE][-+]?[0-9]+")
_PREFIX: Final = "tag:yaml.org,2002:"
_Lines = dict[tuple[str | int, ...], int]


def load_scenario(path: str | os.PathLike[str]) -> ScenarioSpec:
    """Read a scenario from a YAML file.

    Parameters
    ----------
    path : path-like
        UTF-8, at most 1 MB; or a folder that holds ``scenario.yaml``, or no other YAML file than the scenario.

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
    named = path / _IN_FOLDER
    present = [named] if named.is_file() else sorted(one for one in path.iterdir() if one.suffix in _SUFFIXES)
    if len(present) != 1:
        held = (
            f"has {len(present)} YAML files and none is {_IN_FOLDER}" if present else f"has no {_IN_FOLDER}"
        )
        raise ScenarioError.single(str(path), "", f"{held}; name the scenario file")
    return present[0]


def load_scenario_text(
    text: str | bytes, name: str = "scenario", base_dir: Path | None = None
) -> ScenarioSpec:
    """Read a scenario from YAML text; see ``load_scenario``."""
    content = text.encode() if isinstance(text, str) else text
    if len(content) > _MOST_BYTES:
        raise ScenarioError.single(name, "", f"must have at most {_MOST_BYTES} bytes")
    try:
        decoded = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ScenarioError.single(name, "", f"must be UTF-8, byte {error.start} is not") from None
    data, lines = _Composer(name).read(decoded)
    folder = base_dir or Path()
    try:
        spec = ScenarioSpec.model_validate(data, context={"files": FileReader(folder)})
    except ValidationError as error:
        found = error.errors(include_url=False, include_input=False)
        # A list is "too short" when its only items are faulty; those are told themselves.
        around = {fault["loc"][:depth] for fault in found for depth in range(len(fault["loc"]))}
        told = [fault for fault in found if fault["loc"] not in around or not _is_list(data, fault["loc"])]
        faults = [_fault(name, lines, fault["loc"], fault["msg"]) for fault in told]
        raise ScenarioError(_first_of(name, sorted(faults, key=_line_of))) from None
    spec._base_dir = folder
    if missing := list(_missing_traces(name, lines, spec)):
        raise ScenarioError(_first_of(name, missing))
    idle = [_fault(name, lines, loc, message) for loc, message in without_effect(spec)]
    for silent in _first_of(name, idle):
        warnings.warn(str(silent), NotModelledWarning, stacklevel=2)
    return spec


def _is_list(data: Any, loc: tuple[int | str, ...]) -> bool:
    """Tell whether a scenario has a list in some place."""
    for step in loc:
        try:
            data = data[step]
        except (LookupError, TypeError):
            return False
    return isinstance(data, list)


def _missing_traces(name: str, lines: _Lines, spec: ScenarioSpec) -> Iterator[Fault]:
    for place, function in enumerate(spec.functions):
        if function.traffic.trace is not None:
            try:
                resolved(spec.base_dir, function.traffic.trace)
            except PydanticCustomError as error:
                yield _fault(name, lines, ("functions", place, "traffic", "trace"), str(error))


def _first_of(name: str, faults: list[Fault]) -> list[Fault]:
    """Keep as many faults as a person reads, and say how many more there are."""
    more = len(faults) - _MOST_FAULTS
    return faults if more <= 0 else [*faults[:_MOST_FAULTS], Fault(name, "", f"and {more:,} more faults")]


def _line_of(fault: Fault) -> int:
    return int(fault.where.rpartition(":")[2])


def _fault(name: str, lines: _Lines, loc: tuple[int | str, ...], message: str) -> Fault:
    known = loc
    while known not in lines:
        known = known[:-1]
    return Fault(f"{name}:{lines[known]}", _dotted(loc), message)


def _dotted(loc: tuple[int | str, ...]) -> str:
    return ".".join(clipped(step, 40) for step in loc)


class _Refusal(yaml.MarkedYAMLError):
    """YAML that is well formed, and yet not taken."""

    def __init__(self, problem: str, event: yaml.Event) -> None:
        super().__init__(problem=problem, problem_mark=event.start_mark)  # type: ignore[arg-type]


class _BoundedLoader(yaml.SafeLoader):
    """Composes YAML without anchors, and of bounded depth and size."""

    def __init__(self, stream: str) -> None:
        super().__init__(stream)
        self._depth = self._nodes = 0

    def compose_node(self, parent: yaml.Node | None, index: Any) -> yaml.Node | None:
        """Compose one node and what lies in it."""
        event: yaml.Event = self.peek_event()  # type: ignore[no-untyped-call]
        self._nodes += 1
        if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None):
            raise _Refusal("anchors and aliases are not allowed", event)
        if self._depth > _DEEPEST:
            raise _Refusal(f"is nested deeper than {_DEEPEST}", event)
        if self._nodes > _MOST_NODES:
            few = f"must have at most {_MOST_NODES:,} keys and values; long lists belong into a file"
            raise _Refusal(few, event)
        self._depth += 1
        node: yaml.Node | None = super().compose_node(parent, index)
        self._depth -= 1
        return node


class _Composer:
    """Turns YAML nodes into plain data, keeping each key's line and refusing what surprises."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._lines: _Lines = {(): 1}
        self._faults: list[Fault] = []

    def read(self, text: str) -> tuple[Any, _Lines]:
        try:
            documents = list(yaml.compose_all(text, Loader=_BoundedLoader))
        except yaml.MarkedYAMLError as error:
            line = error.problem_mark.line + 1 if error.problem_mark else 1
            told = str(error.problem) if isinstance(error, _Refusal) else f"is not YAML: {error.problem}"
            raise ScenarioError.single(f"{self._name}:{line}", "", told) from None
        except yaml.reader.ReaderError as error:
            line = 1 + text.count("\n", 0, error.position)
            wrong = f"is not YAML: has the control character U+{ord(text[error.position]):04X}"
            raise ScenarioError.single(f"{self._name}:{line}", "", wrong) from None
        if not documents:
            raise ScenarioError.single(self._name, "", "is empty; must be a mapping of keys to values")
        if len(documents) != 1:
            raise ScenarioError.single(self._name, "", f"must hold one document, got {len(documents)}")
        if not isinstance(documents[0], yaml.MappingNode):
            raise ScenarioError.single(self._name, "", "must be a mapping of keys to values")
        data = self._value(documents[0], ())
        if self._faults:
            raise ScenarioError(_first_of(self._name, self._faults))
        return data, self._lines

    def _refuse(self, node: yaml.Node, at: tuple[str | int, ...], message: str) -> None:
        where = f"{self._name}:{node.start_mark.line + 1}"
        self._faults.append(Fault(where, _dotted(at), message))

    def _value(self, node: yaml.Node, at: tuple[str | int, ...]) -> Any:
        self._lines.setdefault(at, node.start_mark.line + 1)
        kind = "map" if isinstance(node, yaml.MappingNode) else "seq"
        if isinstance(node, yaml.CollectionNode) and node.tag != _PREFIX + kind:
            self._refuse(node, at, f"tag {node.tag[:40]} is not allowed")
        if isinstance(node, yaml.MappingNode):
            return self._mapping(node, at)
        if isinstance(node, yaml.SequenceNode):
            return [self._value(item, (*at, place)) for place, item in enumerate(node.value)]
        return self._scalar(node, at)

    def _mapping(self, node: yaml.MappingNode, at: tuple[str | int, ...]) -> dict[str, Any]:
        result: dict[str, Any] = {}
        for key_node, value_node in node.value:
            key = key_node.value
            if not isinstance(key_node, yaml.ScalarNode):
                self._refuse(key_node, at, "a key must be a word")
                continue
            here = (*at, key)
            if key in result:
                self._refuse(key_node, here, f"is given twice, first in line {self._lines[here]}")
                continue
            self._lines[here] = key_node.start_mark.line + 1
            result[key] = self._value(value_node, here)
        return result

    def _scalar(self, node: yaml.Node, at: tuple[str | int, ...]) -> Any:
        kind, text = node.tag.removeprefix(_PREFIX), node.value
        if kind == node.tag or kind in ("binary", "merge", "value"):
            self._refuse(node, at, f"tag {node.tag[:40]} is not allowed")
        elif kind in ("int", "float"):
            return self._number(node, at, kind, text)
        elif kind == "bool":
            if text.lower() in ("true", "false"):
                return text.lower() == "true"
            self._refuse(node, at, f"must be true or false or quoted text, got {text}")
        elif kind == "null":
            return None
        elif getattr(node, "style", None) is None and _EXPONENT.fullmatch(text):
            return self._number(node, at, "float", text)
        else:
            return text
        return None

    def _number(self, node: yaml.Node, at: tuple[str | int, ...], kind: str, text: str) -> Any:
        plain = text.replace("_", "")
        try:
            if _OCTAL.fullmatch(plain):
                raise ValueError
            number = int(plain) if kind == "int" else float(plain)
        except ValueError:
            self._refuse(node, at, f"must be a plain number, or quoted text, got {text[:40]}")
            return None
        if isinstance(number, int) and number.bit_length() > _MOST_BITS:
            self._refuse(node, at, f"must be a number of at most {_MOST_BITS} bits, got {text[:40]}")
            return None
        if not math.isfinite(number):
            self._refuse(node, at, f"must be finite, got {text[:40]}")
        return number
