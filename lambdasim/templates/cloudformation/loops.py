"""``Fn::ForEach`` written out, on the template as it stands, before anything is evaluated."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, Final

from lambdasim.errors import TemplateError
from lambdasim.wording import clipped

LOOP: Final = "Fn::ForEach"
_MOST_COPIES: Final = 20_000
_WORD: Final = re.compile(r"[^A-Za-z0-9]")


class Loops:
    """Writes loops out.

    Parameters
    ----------
    name : str
        Of the file, for messages.
    collection : callable
        Evaluates a collection; gives a list of text, or None where only a deployment knows it.
    """

    def __init__(self, name: str, collection: Callable[[Any], list[str] | None]) -> None:
        self._name = name
        self._collection = collection
        self._copies = 0
        self.unknown: list[str] = []

    def expanded(self, raw: Any) -> Any:
        """Return a part of a template with its loops written out."""
        if isinstance(raw, list):
            return [self.expanded(item) for item in raw]
        if not isinstance(raw, dict):
            return raw
        result: dict[str, Any] = {}
        for key, value in raw.items():
            if key == LOOP or key.startswith(f"{LOOP}::"):
                result |= self._loop(key, value)
            else:
                result[key] = self.expanded(value)
        return result

    def _loop(self, key: str, loop: Any) -> dict[str, Any]:
        if not (
            isinstance(loop, list)
            and len(loop) == 3
            and isinstance(loop[0], str)
            and isinstance(loop[2], dict)
        ):
            raise TemplateError.single(
                self._name, clipped(key, 80), "must be a list of an identifier, a collection, and a mapping"
            )
        identifier, collection, body = loop
        values = self._collection(collection)
        if values is None:
            self.unknown.append(key)
            return {}
        result: dict[str, Any] = {}
        for value in values:
            self._copies += 1
            if self._copies > _MOST_COPIES:
                raise TemplateError.single(
                    self._name, clipped(key, 80), f"loops make more than {_MOST_COPIES:,} copies"
                )
            result |= self.expanded(_bound(body, identifier, value))
        return result


def _bound(raw: Any, identifier: str, value: str) -> Any:
    """Put one value of a loop into a copy of its body."""
    if isinstance(raw, str):
        bare = _WORD.sub("", value)
        return raw.replace(f"${{{identifier}}}", value).replace(f"&{{{identifier}}}", bare)
    if isinstance(raw, list):
        return [_bound(item, identifier, value) for item in raw]
    if isinstance(raw, dict):
        if raw == {"Ref": identifier}:
            return value
        return {_bound(key, identifier, value): _bound(held, identifier, value) for key, held in raw.items()}
    return raw
