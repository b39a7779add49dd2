"""Variables of serverless.yml: ``${source:address, fallback}``, nested, resolved as far as a folder alone allows.

References
----------
Serverless Framework, Variables (serverless.com/framework/docs/guides/variables), seen 2026-11.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from lambdasim.errors import TemplateError
from lambdasim.templates.documents import plain_scalar
from lambdasim.templates.folder_files import FolderFiles, NotFollowedError
from lambdasim.wording import clipped

_START: Final = re.compile(r"\$\{")
_VARIABLE: Final = re.compile(
    r"\s*(?:[A-Za-z][A-Za-z0-9_.-]*(?:\([^)]*\))?\s*:(?!:)|file\(|strToBool\(|[\"'])"
)
_SOURCE: Final = re.compile(
    r"(?P<source>[A-Za-z][A-Za-z0-9_.-]*)(?:\((?P<argument>[^)]*)\))?(?::(?P<address>.*))?", re.DOTALL
)
_DEEPEST: Final = 30
_MOST_STEPS: Final = 300_000
_STEPS_OF_VARIABLE: Final = 10
_LONGEST: Final = 1_000_000
UNRESOLVED: Final = "Fn::Unresolved"
"""Key of a mapping that stands for a value which only a deployment knows; its value says why."""


def unresolved(why: str) -> dict[str, str]:
    """Return what stands for a value that only a deployment knows."""
    return {UNRESOLVED: clipped(why, 80)}


def is_unresolved(value: Any) -> bool:
    """Return whether a value is known only to a deployment."""
    return isinstance(value, dict) and len(value) == 1 and UNRESOLVED in value


class _Missing(Exception):  # noqa: N818 - control flow within this module
    """A variable that has no value; the text names it."""


class Variables:
    """Resolves variables of one service.

    Parameters
    ----------
    data : dict
        The file.
    folder : Path
        Of the file.
    files : FolderFiles
    stage : str
    region : str
    given : mapping
        Values of params and options that a user gives.
    name : str
        Of the file, for messages.
    """

    def __init__(
        self, data: dict[str, Any], folder: Path, files: FolderFiles, stage: str, region: str,
        given: Mapping[str, str], name: str,
    ) -> None:  # fmt: skip
        self._data, self._folder, self._files = data, folder, files
        self._stage, self._region, self._given, self._name = stage, region, given, name
        self._steps = 0
        self._words: dict[str, str | int | float | None] = {}
        """Values of variables that are words or numbers: the same again is no work."""
        self._open: list[str] = []
        self.unknown: dict[str, None] = {}

    def resolved(self, value: Any, depth: int = 0) -> Any:
        """Return a part of the file with its variables resolved."""
        self._count(1)
        if depth > 4 * _DEEPEST:
            raise TemplateError.single(self._name, "", "its variables refer to one another without end")
        if isinstance(value, str):
            return self._text(value, depth) if "${" in value else value
        if isinstance(value, list):
            return [self.resolved(one, depth + 1) for one in value]
        if isinstance(value, dict):
            return {self._key(key, depth): self.resolved(one, depth + 1) for key, one in value.items()}
        return value

    def _count(self, steps: int) -> None:
        self._steps += steps
        if self._steps > _MOST_STEPS:
            raise TemplateError.single(self._name, "", f"its variables take more than {_MOST_STEPS:,} steps")

    def _key(self, key: Any, depth: int) -> Any:
        found = self._text(key, depth) if isinstance(key, str) and "${" in key else key
        return found if isinstance(found, str | int) else key

    def _text(self, text: str, depth: int) -> Any:
        parts: list[Any] = []
        place = 0
        for start, end in _variables(text):
            parts.append(text[place:start])
            parts.append(self._variable(text[start + 2 : end - 1], depth))
            place = end
        parts.append(text[place:])
        parts = [part for part in parts if part != ""]
        if len(parts) == 1:
            return parts[0]
        if any(isinstance(part, dict | list) for part in parts):
            return {"Fn::Join": ["", [part if isinstance(part, dict) else _shown(part) for part in parts]]}
        joined = "".join(map(_shown, parts))
        if len(joined) > _LONGEST:
            raise TemplateError.single(self._name, "", f"makes text of more than {_LONGEST:,} characters")
        return joined

    def _variable(self, body: str, depth: int) -> Any:
        if body in self._open:
            return self._note(f"variable {body}, which needs itself")
        if len(self._open) > _DEEPEST:
            told = (
                f"variable {clipped(body, 60)}: its variables refer to one another more than {_DEEPEST} deep"
            )
            raise TemplateError.single(self._name, "", told)
        if body in self._words:
            return self._words[body]
        self._count(_STEPS_OF_VARIABLE)
        unknown = len(self.unknown)
        value = self._looked_up(body, depth)
        # What is not known may be so because of what refers to it.
        if len(self.unknown) == unknown and isinstance(value, str | int | float | None):
            self._words[body] = value
        return value

    def _looked_up(self, body: str, depth: int) -> Any:
        self._open.append(body)
        try:
            missing = body
            for candidate in _candidates(body):
                inner = self._text(candidate, depth + 1) if "${" in candidate else candidate
                if isinstance(inner, dict) and is_unresolved(inner):
                    missing = inner[UNRESOLVED]
                    continue
                if not isinstance(inner, str) or _variables(candidate) == [(0, len(candidate))]:
                    return inner
                try:
                    found = self._source(inner.strip())
                except _Missing as error:
                    missing = str(error)
                    continue
                if found is not None:
                    return self.resolved(found, depth + 1)
            return self._note(missing)
        finally:
            self._open.pop()

    def _note(self, what: str) -> dict[str, str]:
        self.unknown[clipped(what, 80)] = None
        return unresolved(what)

    def _source(self, text: str) -> Any:
        if text[:1] in "\"'" and text[-1:] == text[:1] and len(text) > 1:
            return text[1:-1]
        match = _SOURCE.fullmatch(text)
        if match is None or (match["address"] is None and match["argument"] is None):
            return plain_scalar(text)
        source, argument, address = match["source"], match["argument"], (match["address"] or "").strip()
        if source == "self":
            if (
                address in ("provider.stage", "provider.region")
                and address.split(".")[1] not in self._provider()
            ):
                return self._stage if address.endswith("stage") else self._region
            return self._at(self._data, address, text)
        if source in ("opt", "sls", "param", "env"):
            return self._named(source, address, text)
        if source == "aws" and address == "region":
            return self._region
        if source == "file":
            return self._file((argument or "").strip(), address, text)
        if source == "strToBool":
            return str(argument).strip().lower() in ("true", "1")
        raise _Missing(text)

    def _provider(self) -> dict[str, Any]:
        provider = self._data.get("provider")
        return provider if isinstance(provider, dict) else {}

    def _named(self, source: str, name: str, text: str) -> Any:
        if source == "sls" and name == "stage":
            return self._stage
        if source != "sls" and name in self._given:
            return self._given[name]
        if source == "param":
            for holder, key in (
                ("stages", self._stage),
                ("params", self._stage),
                ("stages", "default"),
                ("params", "default"),
            ):
                held = self._data.get(holder)
                held = held.get(key) if isinstance(held, dict) else None
                held = held.get("params") if holder == "stages" and isinstance(held, dict) else held
                if isinstance(held, dict) and name in held:
                    return held[name]
        raise _Missing(text)

    def _file(self, location: str, address: str, text: str) -> Any:
        if not location.lower().endswith((".yml", ".yaml", ".json")):
            raise _Missing(f"{text}, which is no YAML or JSON" if location else text)
        try:
            data = self._files.document(self._files.path(self._folder, location)).data
        except NotFollowedError as refusal:
            raise _Missing(f"{text}, which {refusal}") from None
        return self._at(data, address, text)

    def _at(self, data: Any, address: str, text: str) -> Any:
        """Walk down an address, through variables on the way."""
        for key in address.split(".") if address else ():
            if isinstance(data, str) and "${" in data:
                data = self.resolved(data)
            if isinstance(data, dict) and key in data:
                data = data[key]
            elif isinstance(data, list) and key.isdigit() and int(key) < len(data):
                data = data[int(key)]
            else:
                raise _Missing(text)
        return data


def _variables(text: str) -> list[tuple[int, int]]:
    """Return start and end of each variable of a text, the outermost alone; ``${AWS::X}`` and ``${Name}`` are none."""
    found = []
    place = 0
    while match := _START.search(text, place):
        depth, end = 1, match.end()
        while end < len(text) and depth:
            depth += {"{": 1, "}": -1}.get(text[end], 0)
            end += 1
        if depth:
            break
        body = text[match.end() : end - 1]
        if _VARIABLE.match(body) or body.lstrip().startswith("${"):
            found.append((match.start(), end))
            place = end
        else:
            place = match.end()
    return found


def _candidates(body: str) -> list[str]:
    """Split a variable at its commas, but not within quotes, parentheses or inner variables."""
    parts, depth, quote, part = [], 0, "", ""
    for one in body:
        if quote:
            quote = "" if one == quote else quote
        elif one in "\"'":
            quote = one
        elif one in "{(":
            depth += 1
        elif one in "})":
            depth -= 1
        elif one == "," and depth == 0:
            parts.append(part.strip())
            part = ""
            continue
        part += one
    return [*parts, part.strip()]


def _shown(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return "" if value is None else str(value)
