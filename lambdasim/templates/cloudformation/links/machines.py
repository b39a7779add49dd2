"""State machines: their definition in a file, inline or as text, and the functions that its tasks invoke."""

from __future__ import annotations

import re
from typing import Any, Final

from lambdasim.errors import TemplateError
from lambdasim.templates.cloudformation.links.ties import Ties
from lambdasim.templates.cloudformation.stack import Resource
from lambdasim.templates.cloudformation.values import Edge, Open, as_text
from lambdasim.templates.folder_files import NotFollowedError
from lambdasim.templates.found import FoundSource
from lambdasim.templates.step_functions import invoked_by_tasks, parsed_definition, with_substitutions
from lambdasim.wording import clipped

_TYPES: Final = ("AWS::StepFunctions::StateMachine", "AWS::Serverless::StateMachine")
_MARK: Final = re.compile(r"open-value-([0-9]+)-")


def tie_machines(ties: Ties) -> None:
    """Tie functions to the state machines whose tasks invoke them."""
    for resource in ties.others():
        if resource.type in _TYPES:
            _Machine(ties, resource).tie()


class _Machine:
    def __init__(self, ties: Ties, resource: Resource) -> None:
        self._ties, self._resource = ties, resource
        self._open: list[Open] = []

    def tie(self) -> None:
        properties = self._resource.properties
        try:
            definition = self._definition()
        except NotFollowedError as refusal:
            self._ties.unresolved(
                self._resource, f"its definition {refusal}; functions that it may call are tied to it"
            )
            definition = None
        except TemplateError as error:
            self._ties.unresolved(self._resource, f"its definition is not read: {error.faults[0].message}")
            definition = None
        if definition is None:
            meant = properties.get("DefinitionSubstitutions"), properties.get("DefinitionString")
            ids = self._ties.functions_in(list(meant), named=True)
        else:
            named = [self._unmarked(one) for one in invoked_by_tasks(definition)]
            ids = self._ties.functions_in(named, named=True)
        if ids:
            self._ties.add(ids, FoundSource("sdk", f"state machine {self._resource.id}"))

    def _definition(self) -> Any:
        properties = self._resource.properties
        said = properties.get("Definition")
        if isinstance(said, dict):
            return said if not properties.get("DefinitionSubstitutions") else self._substituted_tree(said)
        text = properties.get("DefinitionString")
        if isinstance(text, dict):
            return text
        if text is None:
            location = properties.get("DefinitionUri") or properties.get("DefinitionS3Location")
            if not isinstance(location, str):
                raise NotFollowedError("lies elsewhere")
            text = self._ties.files.text(self._ties.files.path(self._resource.folder, location))
        marked = self._marked(text)
        return parsed_definition(with_substitutions(marked, self._substitutions()), self._resource.id)

    def _substitutions(self) -> dict[str, str]:
        said = self._resource.properties.get("DefinitionSubstitutions")
        return {key: self._marked(value) for key, value in said.items()} if isinstance(said, dict) else {}

    def _substituted_tree(self, value: Any) -> Any:
        substitutions = self._substitutions()

        def put(one: Any) -> Any:
            if isinstance(one, str):
                return with_substitutions(one, substitutions)
            if isinstance(one, list):
                return [put(held) for held in one]
            return {key: put(held) for key, held in one.items()} if isinstance(one, dict) else one

        return put(value)

    def _marked(self, value: Any) -> str:
        """Write a value as text; an open one with marks in the place of each reference."""
        if not isinstance(value, Open):
            return as_text(value)
        text = value.text
        for edge in value.edges:
            mark = f"open-value-{len(self._open)}-"
            self._open.append(Open("", (edge,)))
            attribute = "" if edge.attribute == "Ref" else f".{edge.attribute}"
            text = text.replace(f"${{{edge.id}{attribute}}}", mark)
        return text

    def _unmarked(self, value: Any) -> Any:
        """Give the references back that a text has marks of."""
        if isinstance(value, str):
            edges: list[Edge] = []
            for found in _MARK.finditer(value):
                place = int(found[1])
                edges += self._open[place].edges if place < len(self._open) else ()
            return Open(clipped(value, 200), tuple(edges)) if edges else value
        return value
