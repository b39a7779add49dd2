"""The functions of an import while their ties are collected: which function a value means, and what was found for it."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace
from typing import Any, Final

from lambdasim.templates.cloudformation.functions import TYPES
from lambdasim.templates.cloudformation.stack import Notes, Resource
from lambdasim.templates.cloudformation.values import Open, edges_in, texts_in
from lambdasim.templates.folder_files import FolderFiles
from lambdasim.templates.found import FoundFunction, FoundSource, Remark

_ARN: Final = re.compile(r":function:([^:/\"'\s]+|\$\{[^}]*\}[^:/\"'\s]*)")
_POINTERS: Final = ("AWS::Lambda::Alias", "AWS::Lambda::Version")


class Ties:
    """Collects what invokes each function.

    Parameters
    ----------
    resources : list of Resource
    functions : dict of str to FoundFunction
        By id.
    notes : Notes
    files : FolderFiles
        For definitions that resources name.
    """

    def __init__(
        self, resources: list[Resource], functions: dict[str, FoundFunction], notes: Notes, files: FolderFiles
    ) -> None:
        self.resources = {resource.id: resource for resource in resources}
        self.functions = functions
        self.notes = notes
        self.files = files
        self._names: dict[str, str] = {}
        for id_, function in functions.items():
            said = self.resources[id_].properties.get("FunctionName")
            for text in {
                function.name,
                said.text if isinstance(said, Open) else said if isinstance(said, str) else id_,
            }:
                self._names.setdefault(str(text), id_)
        self._pointers = {resource.id: resource for resource in resources if resource.type in _POINTERS}
        self.deployment: dict[str, str] = {}

    def functions_in(self, value: Any, named: bool = False) -> list[str]:
        """Return the ids of the functions that a value means, in order.

        Parameters
        ----------
        value : object
            Evaluated.
        named : bool
            Whether plain text may be a function's name.
        """
        found: dict[str, None] = {}
        for edge in edges_in(value):
            id_ = self._followed(edge.id)
            if id_ is not None:
                found[id_] = None
        for text in texts_in(value):
            for name in _ARN.findall(text):
                if name in self._names:
                    found[self._names[name]] = None
            if named and (bare := text.split(":", 1)[0]) in self._names:
                found[self._names[bare]] = None
        return list(found)

    def _followed(self, id_: str) -> str | None:
        """Follow aliases and versions to their function."""
        for _ in range(5):
            if id_ in self.functions:
                return id_
            pointer = self._pointers.get(id_)
            if pointer is None:
                return None
            said = pointer.properties.get("FunctionName")
            target = next((edge.id for edge in edges_in(said)), None)
            if target is None:
                return next((self._names[text] for text in texts_in(said) if text in self._names), None)
            id_ = target
        return None

    def add(self, ids: Iterable[str], source: FoundSource) -> None:
        """Note that a source invokes functions; the same source twice is one."""
        for id_ in ids:
            if source not in self.functions[id_].sources:
                self.functions[id_] = self.functions[id_].with_sources(source)

    def change(self, id_: str, **settings: Any) -> None:
        """Set what another resource says of a function."""
        self.functions[id_] = replace(self.functions[id_], **settings)

    def not_modelled(self, resource: Resource, text: str) -> None:
        """Note what has no effect on the simulation."""
        self.notes.not_modelled.append(Remark(resource.id, text))

    def unresolved(self, resource: Resource, text: str) -> None:
        """Note what only a deployment knows."""
        self.notes.unresolved.append(Remark(resource.id, text))

    def others(self) -> Iterable[Resource]:
        """Give every resource that is no function."""
        return (resource for resource in self.resources.values() if resource.type not in TYPES)
