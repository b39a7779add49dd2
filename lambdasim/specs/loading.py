"""Scenario files read safely: every fault of a file at once, with its line."""

from __future__ import annotations

import math
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import yaml
from pydantic import ValidationError
from pydantic_core import PydanticCustomError

from lambdasim.errors import Fault, ScenarioError
from lambdasim.specs.files import FileReader, resolved
from lambdasim.specs.scenario import ScenarioSpec

_MOST_BYTES: Final = 1_000_000
_DEEPEST: Final = 20
_PREFIX: Final = "tag:yaml.org,2002:"
_Lines = dict[tuple[str | int, ...], int]


def load_scenario(path: str | os.PathLike[str]) -> ScenarioSpec:
    """Read a scenario from a YAML file.

    Parameters
    ----------
    path : path-like
        UTF-8, at most 1 MB.

    Returns
    -------
    ScenarioSpec

    Raises
    ------
    ScenarioError
        With every fault of the file: line, field, value got, what is allowed.
    """
    file = Path(path)
    try:
        if not file.is_file():
            raise ScenarioError.single(str(file), "", "must be an existing regular file")
        with file.open("rb") as stream:
            content = stream.read(_MOST_BYTES + 1)
    except OSError as error:
        raise ScenarioError.single(str(file), "", f"cannot be read: {error.strerror}") from None
    return load_scenario_text(content, name=str(file), base_dir=file.parent)


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
        found = error.errors(include_url=False)
        # A list is "too short" when its only items are faulty; those are told themselves.
        places = [fault["loc"] for fault in found]
        told = [fault for fault in found if not any(_lies_within(place, fault["loc"]) for place in places)]
        faults = [_fault(name, lines, fault["loc"], fault["msg"]) for fault in told]
        raise ScenarioError(sorted(faults, key=_line_of)) from None
    spec._base_dir = folder
    if missing := list(_missing_traces(name, lines, spec)):
        raise ScenarioError(missing)
    return spec


def _missing_traces(name: str, lines: _Lines, spec: ScenarioSpec) -> Iterator[Fault]:
    for place, function in enumerate(spec.functions):
        if function.traffic.trace is not None:
            try:
                resolved(spec.base_dir, function.traffic.trace)
            except PydanticCustomError as error:
                yield _fault(name, lines, ("functions", place, "traffic", "trace"), str(error))


def _lies_within(inner: tuple[int | str, ...], outer: tuple[int | str, ...]) -> bool:
    return len(inner) > len(outer) and inner[: len(outer)] == outer


def _line_of(fault: Fault) -> int:
    return int(fault.where.rpartition(":")[2])


def _fault(name: str, lines: _Lines, loc: tuple[int | str, ...], message: str) -> Fault:
    known = loc
    while known not in lines:
        known = known[:-1]
    field = ".".join(str(step) for step in loc)
    return Fault(f"{name}:{lines[known]}", field, message)


class _Composer:
    """Turns YAML nodes into plain data, keeping each key's line and refusing what surprises."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._lines: _Lines = {(): 1}
        self._faults: list[Fault] = []

    def read(self, text: str) -> tuple[Any, _Lines]:
        try:
            self._refuse_anchors_and_depth(text)
            documents = list(yaml.compose_all(text, Loader=yaml.SafeLoader))
        except yaml.MarkedYAMLError as error:
            line = error.problem_mark.line + 1 if error.problem_mark else 1
            raise ScenarioError.single(f"{self._name}:{line}", "", f"is not YAML: {error.problem}") from None
        except yaml.YAMLError as error:
            first = str(error).partition("\n")[0][:200]
            raise ScenarioError.single(self._name, "", f"is not YAML: {first}") from None
        if not documents:
            raise ScenarioError.single(self._name, "", "is empty; must be a mapping of keys to values")
        if len(documents) != 1:
            raise ScenarioError.single(self._name, "", f"must hold one document, got {len(documents)}")
        if not isinstance(documents[0], yaml.MappingNode):
            raise ScenarioError.single(self._name, "", "must be a mapping of keys to values")
        data = self._value(documents[0], ())
        if self._faults:
            raise ScenarioError(self._faults)
        return data, self._lines

    def _refuse_anchors_and_depth(self, text: str) -> None:
        depth = 0
        for event in yaml.parse(text, Loader=yaml.SafeLoader):
            mark = event.start_mark
            line = mark.line + 1 if mark else 1
            if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None):
                raise ScenarioError.single(f"{self._name}:{line}", "", "anchors and aliases are not allowed")
            if isinstance(event, yaml.CollectionStartEvent):
                depth += 1
                if depth > _DEEPEST:
                    raise ScenarioError.single(
                        f"{self._name}:{line}", "", f"is nested deeper than {_DEEPEST}"
                    )
            elif isinstance(event, yaml.CollectionEndEvent):
                depth -= 1

    def _refuse(self, node: yaml.Node, at: tuple[str | int, ...], message: str) -> None:
        where = f"{self._name}:{node.start_mark.line + 1}"
        self._faults.append(Fault(where, ".".join(str(step) for step in at), message))

    def _value(self, node: yaml.Node, at: tuple[str | int, ...]) -> Any:
        self._lines.setdefault(at, node.start_mark.line + 1)
        if isinstance(node, yaml.MappingNode):
            return self._mapping(node, at)
        if isinstance(node, yaml.SequenceNode):
            return [self._value(item, (*at, place)) for place, item in enumerate(node.value)]
        return self._scalar(node, at)

    def _mapping(self, node: yaml.MappingNode, at: tuple[str | int, ...]) -> dict[str, Any]:
        result: dict[str, Any] = {}
        if not node.tag.startswith(_PREFIX):
            self._refuse(node, at, f"tag {node.tag[:40]} is not allowed")
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
        else:
            return text
        return None

    def _number(self, node: yaml.Node, at: tuple[str | int, ...], kind: str, text: str) -> Any:
        plain = text.replace("_", "")
        try:
            number = int(plain) if kind == "int" else float(plain)
        except ValueError:
            self._refuse(node, at, f"must be a plain number, or quoted text, got {text[:40]}")
            return None
        if not math.isfinite(number):
            self._refuse(node, at, f"must be finite, got {text[:40]}")
        return number
