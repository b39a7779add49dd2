"""Intrinsic functions, evaluated with a file alone: what is pure becomes a value, what points to a resource an edge."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any, Final, Protocol

from lambdasim.errors import TemplateError
from lambdasim.templates.cloudformation.values import NO_VALUE, Open, as_text, edges_in, joined, whole

_SUB: Final = re.compile(r"\$\{(!?)([^}]*)\}")
_DYNAMIC: Final = re.compile(r"\{\{resolve:[^}]*\}\}")
_LONGEST_TEXT: Final = 1_000_000
_MOST_STEPS: Final = 10_000_000
_CONDITIONS: Final = ("Fn::Equals", "Fn::And", "Fn::Or", "Fn::Not")


def _unresolved(why: Any) -> Open:
    """Give what another importer left open, with its reason."""
    return Open("${unresolved}", (), why if isinstance(why, str) else "a deployment")


class Scope(Protocol):
    """What an evaluation asks its stack."""

    name: str

    def ref(self, name: str) -> Any:
        """Give what ``Ref`` gives."""

    def attribute(self, name: str, attribute: str) -> Any:
        """Give what ``GetAtt`` gives."""

    def condition(self, name: str) -> bool | None:
        """Return whether a condition holds; None where only a deployment knows."""

    def mapped(self, name: str) -> Any:
        """Give a map of the template, not evaluated."""

    def imported(self, name: str) -> Any:
        """Give what another stack exports."""

    def included(self, location: Any) -> Any:
        """Give the content of an included file, not evaluated; None where it cannot be read."""


class Evaluator:
    """Evaluates parts of one stack.

    Parameters
    ----------
    scope : Scope
    """

    def __init__(self, scope: Scope) -> None:
        self._scope = scope
        self._steps = 0
        self._functions: dict[str, Callable[[Any], Any]] = {
            "Ref": self._ref, "Fn::GetAtt": self._get_att, "Fn::Sub": self._sub, "Fn::Join": self._join,
            "Fn::Select": self._select, "Fn::Split": self._split, "Fn::FindInMap": self._find_in_map,
            "Fn::If": self._if, "Fn::ImportValue": self._import, "Fn::Base64": self.value, "Fn::Length": self._length,
            "Fn::ToJsonString": self._json, "Fn::GetAZs": self._zones, "Fn::Transform": self._transform,
        }  # fmt: skip
        self._functions["Fn::Unresolved"] = _unresolved

    def value(self, raw: Any) -> Any:
        """Evaluate a part of the template.

        Returns
        -------
        object
            Plain data in which some values may be ``Open``; ``NO_VALUE`` where the whole is absent.
        """
        self._steps += 1
        if self._steps > _MOST_STEPS:
            raise TemplateError.single(
                self._scope.name, "", f"takes more than {_MOST_STEPS:,} steps to evaluate"
            )
        if isinstance(raw, str):
            return (
                Open(_DYNAMIC.sub("${secret}", raw), (), "a dynamic reference")
                if "{{resolve:" in raw
                else raw
            )
        if isinstance(raw, list):
            return [one for one in map(self.value, raw) if one is not NO_VALUE]
        if not isinstance(raw, dict):
            return raw
        if len(raw) == 1:
            key, argument = next(iter(raw.items()))
            if key in self._functions:
                return self._functions[key](argument)
            if key in _CONDITIONS:
                return self.holds(raw)
            if key.startswith("Fn::"):
                return Open(f"${{{key}}}", self._edges(argument), f"{key[:40]} is not evaluated")
        evaluated: dict[str, Any] = {}
        for key, held in raw.items():
            if key == "Fn::Transform":
                included = self._transform(held)
                evaluated |= included if isinstance(included, dict) else {}
                continue
            value = self.value(held)
            if value is not NO_VALUE:
                evaluated[key] = value
        return evaluated

    def holds(self, raw: Any) -> bool | None:
        """Evaluate a condition; None where only a deployment knows."""
        if isinstance(raw, bool):
            return raw
        if isinstance(raw, str) and raw.lower() in ("true", "false"):
            return raw.lower() == "true"
        if not isinstance(raw, dict) or len(raw) != 1:
            return None
        key, argument = next(iter(raw.items()))
        if key == "Condition" and isinstance(argument, str):
            return self._scope.condition(argument)
        parts = argument if isinstance(argument, list) else [argument]
        if key == "Fn::Equals" and len(parts) == 2:
            one, other = map(self.value, parts)
            return (
                None if isinstance(one, Open) or isinstance(other, Open) else as_text(one) == as_text(other)
            )
        if key == "Fn::Not" and len(parts) == 1:
            held = self.holds(parts[0])
            return None if held is None else not held
        if key in ("Fn::And", "Fn::Or"):
            decided = key == "Fn::Or"
            found = [self.holds(part) for part in parts]
            return decided if decided in found else None if None in found else not decided
        value = self.value(raw)
        return value if isinstance(value, bool) else None

    def _edges(self, argument: Any) -> tuple[Any, ...]:
        return tuple(dict.fromkeys(edges_in(self.value(argument))))

    def _ref(self, argument: Any) -> Any:
        name = self.value(argument)
        return self._scope.ref(name) if isinstance(name, str) else Open("${Ref}", (), "Ref of no name")

    def _get_att(self, argument: Any) -> Any:
        parts = argument.split(".", 1) if isinstance(argument, str) else argument
        if not isinstance(parts, list) or len(parts) < 2:
            return Open("${GetAtt}", (), "GetAtt of no attribute")
        name, *rest = map(self.value, parts)
        attribute = joined(rest, ".")
        if not isinstance(name, str):
            return Open("${GetAtt}", (), "GetAtt of no name")
        return self._scope.attribute(name, attribute if isinstance(attribute, str) else attribute.text)

    def _sub(self, argument: Any) -> Any:
        text = argument
        given: Any = {}
        if isinstance(argument, list):
            text = argument[0] if argument else ""
            given = self.value(argument[1]) if len(argument) > 1 else {}
        if not isinstance(text, str):
            text = self.value(text)
            if not isinstance(text, str):
                return text if isinstance(text, Open) else Open("${Sub}", (), "Sub of no text")
        parts: list[Any] = []
        end = 0
        for found in _SUB.finditer(text):
            parts.append(text[end : found.start()])
            end = found.end()
            name = found[2].strip()
            if found[1]:
                parts.append(f"${{{found[2]}}}")
            elif isinstance(given, dict) and name in given:
                parts.append(given[name])
            elif "." in name:
                parts.append(self._scope.attribute(*name.split(".", 1)))
            else:
                parts.append(self._scope.ref(name))
        parts.append(text[end:])
        return self._short(joined(["" if part is NO_VALUE else part for part in parts]))

    def _short(self, value: str | Open) -> str | Open:
        if len(value if isinstance(value, str) else value.text) > _LONGEST_TEXT:
            raise TemplateError.single(
                self._scope.name, "", f"makes text of more than {_LONGEST_TEXT:,} characters"
            )
        return self.value(value) if isinstance(value, str) and "{{resolve:" in value else value

    def _join(self, argument: Any) -> Any:
        if not isinstance(argument, list) or len(argument) != 2:
            return Open("${Join}", self._edges(argument), "Join without its two arguments")
        separator, parts = self.value(argument[0]), self.value(argument[1])
        if isinstance(parts, Open):
            return parts
        return self._short(joined(parts if isinstance(parts, list) else [parts], as_text(separator)))

    def _select(self, argument: Any) -> Any:
        if not isinstance(argument, list) or len(argument) != 2:
            return Open("${Select}", self._edges(argument), "Select without its two arguments")
        place, items = whole(self.value(argument[0])), self.value(argument[1])
        if isinstance(items, list) and place is not None and 0 <= place < len(items):
            return items[place]
        return Open("${Select}", self._edges(argument[1]), "Select of a list that only a deployment knows")

    def _split(self, argument: Any) -> Any:
        if not isinstance(argument, list) or len(argument) != 2:
            return Open("${Split}", self._edges(argument), "Split without its two arguments")
        separator, text = self.value(argument[0]), self.value(argument[1])
        if isinstance(text, str) and isinstance(separator, str) and separator:
            return text.split(separator)
        return text if isinstance(text, Open) else Open("${Split}", (), "Split of no text")

    def _find_in_map(self, argument: Any) -> Any:
        if not isinstance(argument, list) or len(argument) < 3:
            return Open("${FindInMap}", (), "FindInMap without its three arguments")
        name, first, second = (self.value(part) for part in argument[:3])
        found = self._scope.mapped(name) if isinstance(name, str) else None
        for key in (first, second):
            found = found.get(as_text(key)) if isinstance(found, dict) and not isinstance(key, Open) else None
        if found is not None:
            return self.value(found)
        if len(argument) > 3 and isinstance(argument[3], dict) and "DefaultValue" in argument[3]:
            return self.value(argument[3]["DefaultValue"])
        return Open("${FindInMap}", (), f"a key of the map {as_text(name)[:40]}")

    def _if(self, argument: Any) -> Any:
        if not isinstance(argument, list) or len(argument) != 3:
            return Open("${If}", self._edges(argument), "If without its three arguments")
        name = argument[0]
        held = self._scope.condition(name) if isinstance(name, str) else self.holds(name)
        return self.value(argument[2] if held is False else argument[1])

    def _import(self, argument: Any) -> Any:
        name = self.value(argument)
        return self._scope.imported(
            name if isinstance(name, str) else name.text if isinstance(name, Open) else ""
        )

    def _length(self, argument: Any) -> Any:
        value = self.value(argument)
        return len(value) if isinstance(value, list) else Open("${Length}", (), "the length of an open list")

    def _json(self, argument: Any) -> Any:
        value = self.value(argument)
        edges = tuple(dict.fromkeys(edges_in(value)))
        text = json.dumps(value, default=lambda one: one.text if isinstance(one, Open) else None)
        return Open(text, edges) if edges else text

    def _zones(self, argument: Any) -> Any:
        return [Open(f"${{zone {letter}}}", (), "zones of the region") for letter in "abc"]

    def _transform(self, argument: Any) -> Any:
        transforms = argument if isinstance(argument, list) else [argument]
        for one in transforms:
            if isinstance(one, dict) and one.get("Name") == "AWS::Include":
                parameters = one.get("Parameters")
                location = parameters.get("Location") if isinstance(parameters, dict) else None
                content = self._scope.included(self.value(location))
                return Open("${Include}", (), "an included file") if content is None else self.value(content)
        return Open("${Transform}", self._edges(argument), "a macro")
