"""Types of Terraform's variables, as far as they change a value: attributes that may be left out have defaults.

References
----------
HashiCorp, Type Constraints, Optional Object Type Attributes
(developer.hashicorp.com/terraform/language/expressions/type-constraints), seen 2026-11.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, Final

Filled = Callable[[Any], Any]
_WORD: Final = re.compile(r'\s*(?:([A-Za-z_][A-Za-z0-9_-]*)|"([^"]*)")')
_MARK: Final = re.compile(r"\s*([(){}\[\],=:])")
_DEEPEST: Final = 30
_OPENING: Final = "([{"
_CLOSING: Final = ")]}"


def with_type_defaults(value: Any, type_: Any, evaluate: Callable[[str], Any]) -> Any:
    """Fill in what a value leaves out and its type has a default for.

    Parameters
    ----------
    value : object
        Of a variable.
    type_ : object
        Its type constraint, text such as ``map(object({memory = optional(number, 512)}))``.
    evaluate : callable
        Gives the value of a default's expression.

    Returns
    -------
    object
        The value itself where the type is none that can be read.

    Examples
    --------
    >>> with_type_defaults({"a": {}}, "map(object({memory = optional(number, 512)}))", int)
    {'a': {'memory': 512}}
    """
    if not isinstance(type_, str) or "optional" not in type_:
        return value
    text = type_[2:-1] if type_.startswith("${") and type_.endswith("}") else type_
    try:
        return _Types(text, evaluate).type(0)(value)
    except (ValueError, RecursionError):
        return value


def _same(value: Any) -> Any:
    return value


class _Types:
    """Reads one type constraint; each type is a function that fills a value in."""

    def __init__(self, text: str, evaluate: Callable[[str], Any]) -> None:
        self._text, self._place, self._evaluate = text, 0, evaluate

    def _take(self, mark: str) -> bool:
        match = _MARK.match(self._text, self._place)
        if match is None or match[1] != mark:
            return False
        self._place = match.end()
        return True

    def _want(self, mark: str) -> None:
        if not self._take(mark):
            raise ValueError(mark)

    def _word(self) -> str:
        match = _WORD.match(self._text, self._place)
        if match is None:
            raise ValueError("word")
        self._place = match.end()
        return match[1] or match[2] or ""

    def type(self, depth: int) -> Filled:
        """Read a type."""
        if depth > _DEEPEST:
            raise ValueError("depth")
        name = self._word()
        if not self._take("("):
            return _same
        if name == "object":
            made = self._object(depth)
        elif name == "tuple":
            made = self._rest()
        else:
            made = _of_each(self.type(depth + 1))
        self._want(")")
        return made

    def _rest(self) -> Filled:
        self._skipped()
        return _same

    def _object(self, depth: int) -> Filled:
        self._want("{")
        attributes: dict[str, tuple[Filled, str | None]] = {}
        while not self._take("}"):
            name = self._word()
            if not self._take("=") and not self._take(":"):
                raise ValueError("=")
            attributes[name] = self._attribute(depth)
            self._take(",")

        def filled(value: Any) -> Any:
            if not isinstance(value, dict):
                return value
            made = dict(value)
            for name, (fill, default) in attributes.items():
                if made.get(name) is None and default is not None:
                    made[name] = fill(self._evaluate(default) if default else None)
                elif name in made:
                    made[name] = fill(made[name])
            return made

        return filled

    def _attribute(self, depth: int) -> tuple[Filled, str | None]:
        """Read an attribute's type, and the text of its default: empty for null, None where it must be given."""
        place = self._place
        if self._word() != "optional" or not self._take("("):
            self._place = place
            return self.type(depth + 1), None
        fill = self.type(depth + 1)
        default = self._skipped().strip() if self._take(",") else ""
        self._want(")")
        return fill, default

    def _skipped(self) -> str:
        """Return the text up to the bracket that closes this one."""
        start, depth, quoted = self._place, 0, False
        while self._place < len(self._text):
            one = self._text[self._place]
            if quoted and one == "\\":
                self._place += 1
            elif one == '"':
                quoted = not quoted
            elif not quoted and one in _OPENING:
                depth += 1
            elif not quoted and one in _CLOSING:
                if depth == 0:
                    break
                depth -= 1
            self._place += 1
        return self._text[start : self._place]


def _of_each(fill: Filled) -> Filled:
    if fill is _same:
        return _same

    def filled(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: fill(one) for key, one in value.items()}
        return [fill(one) for one in value] if isinstance(value, list) else value

    return filled
