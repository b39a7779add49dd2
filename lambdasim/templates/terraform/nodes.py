"""What an expression of Terraform's language consists of: values, names, and what is done with them."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Protocol

from lambdasim.templates.terraform.functions import FUNCTIONS

_MOST_STEPS: Final = 3_000_000
_TURN: Final = 6
"""Steps that one turn of a loop costs."""
_LARGEST: Final = 100_000
_TEXT_STEP: Final = 10
"""Characters of text that weigh as much as one value."""
_RESOURCE: Final = re.compile(r"(?:^|\.)aws_[a-z0-9_]+\.[A-Za-z0-9_-]+[^.]*\.")
_NO_WORD: Final = re.compile(r"[^A-Za-z0-9_.-]")
_OWN: Final = ("each", "count", "self", "var", "local", "data", "path", "terraform")


@dataclass(frozen=True)
class Unknown:
    """A value that only an apply knows.

    Attributes
    ----------
    references : tuple of str
        What it refers to, as plans write it: ``aws_sqs_queue.jobs.arn``.
    text : str or None
        Where it is text of which only parts are unknown: with ``${...}`` for those, see ``placeholder``.
    """

    references: tuple[str, ...] = ()
    text: str | None = None


class IndexedList(list[Any]):
    """The instances of a block with count, which know what they are instances of."""

    def __init__(self, items: list[Any], reference: str) -> None:
        super().__init__(items)
        self.reference = reference


class IndexedMap(dict[str, Any]):
    """The instances of a block with for_each, which know what they are instances of."""

    def __init__(self, items: dict[str, Any], reference: str) -> None:
        super().__init__(items)
        self.reference = reference


@dataclass(frozen=True)
class _Splat:
    """What ``[*]`` makes of a value, until the expression ends: what follows is asked of every item."""

    items: list[Any]
    full: bool


class Files(Protocol):
    """What an expression may ask of the folder."""

    def text(self, location: str) -> str | None:
        """Return the text of a file; None where there is none inside of the folder."""

    def names(self, location: str, pattern: str) -> list[str] | None:
        """Return the files below a folder whose names fit a pattern."""


@dataclass
class Scope:
    """What names mean.

    Attributes
    ----------
    roots : dict
        By first name: a value, or a function of the next name.
    steps : list of int
        One number: evaluations so far, shared by scopes made of one another.
    prefix : str
        Before what a module's expressions refer to: its address.
    files : Files or None
    """

    roots: dict[str, Any]
    steps: list[int] = field(default_factory=lambda: [0])
    prefix: str = ""
    files: Files | None = None

    def with_names(self, names: Mapping[str, Any]) -> Scope:
        """Return a scope with more names."""
        return Scope({**self.roots, **names}, self.steps, self.prefix, self.files)


Node = Callable[[Scope], Any]
_OF_STRUCTURES: Final = (
    "lookup", "merge", "concat", "element", "length", "keys", "values", "flatten", "zipmap", "slice", "one", "tolist",
    "tomap", "reverse", "setproduct", "range", "coalescelist", "nonsensitive", "sensitive",
)  # fmt: skip
"""Functions that look at a structure and leave its values as they are, known or not."""


def references_in(value: Any) -> tuple[str, ...]:
    """Return what an evaluated value refers to."""
    found: dict[str, None] = {}
    stack = [value]
    while stack:
        one = stack.pop()
        if isinstance(one, Unknown):
            found |= dict.fromkeys(one.references)
        elif isinstance(one, dict):
            stack.extend(reversed(one.values()))
        elif isinstance(one, list):
            stack.extend(reversed(one))
    return tuple(found)


def known(value: Any) -> bool:
    """Return whether nothing of a value is unknown."""
    stack = [value]
    while stack:
        one = stack.pop()
        if isinstance(one, Unknown):
            return False
        stack.extend(one.values() if isinstance(one, dict) else one if isinstance(one, list) else ())
    return True


def affordable(value: Any, scope: Scope) -> Any:
    """Return a value that is not too big to go on with, else one that is unknown; looking at it counts as steps.

    Locals that double one another are short to write and too long to expand: what is shared counts wherever it stands.
    """
    count = 0
    stack = [value]
    while stack:
        one = stack.pop()
        count += 1
        text = one.text if isinstance(one, Unknown) else one
        if isinstance(text, str):
            count += len(text) // _TEXT_STEP
        if count > _LARGEST or scope.steps[0] + count > _MOST_STEPS:
            scope.steps[0] += count
            return Unknown()
        stack.extend(one.values() if isinstance(one, dict) else one if isinstance(one, list) else ())
    scope.steps[0] += count
    return value


def joined(*values: Any) -> Unknown:
    """Return what stands for values of which some are unknown: all that they refer to."""
    return Unknown(tuple(dict.fromkeys(name for value in values for name in references_in(value))))


def placeholder(reference: str) -> str:
    """Write what stands in a text for a value that only an apply knows.

    Examples
    --------
    >>> placeholder('aws_lambda_function.step["a"].arn')
    '${aws_lambda_function.step::a::.arn}'
    """
    return "${" + _NO_WORD.sub(":", reference) + "}"


def in_text(value: Any) -> Any:
    """Return a value as it stands in text: what is unknown as its text, or a placeholder."""
    if isinstance(value, Unknown):
        return value.text or placeholder(value.references[0] if value.references else "unknown")
    if isinstance(value, list):
        return [in_text(one) for one in value]
    if isinstance(value, dict):
        return {key: in_text(one) for key, one in value.items()}
    return None if callable(value) else value


def shown(value: Any) -> str:
    """Write a value as text, as interpolation does."""
    if isinstance(value, bool):
        return str(value).lower()
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)


def constant(value: Any) -> Node:
    """Make a node of a value."""
    return lambda scope: value


def root(name: str) -> Node:
    """Make a node of a name."""

    def node(scope: Scope) -> Any:
        scope.steps[0] += 1
        if scope.steps[0] > _MOST_STEPS:
            return Unknown()
        if name in scope.roots:
            return scope.roots[name]
        return Unknown((name if name in _OWN else f"{scope.prefix}{name}",))

    return node


def member(held: Node, key: Node, bracket: bool = False) -> Node:
    """Make a node of an attribute or an item of another."""

    def node(scope: Scope) -> Any:
        return _member(held(scope), key(scope), bracket)

    return node


def _member(value: Any, name: Any, bracket: bool) -> Any:
    if isinstance(value, _Splat):
        if bracket and not value.full:
            return _item(value.items, name)
        return _Splat([_member(one, name, bracket) for one in value.items], value.full)
    if isinstance(name, Unknown):
        return joined(
            Unknown((value.reference,)) if isinstance(value, IndexedList | IndexedMap) else value, name
        )
    if callable(value):
        return value(str(name))
    if isinstance(value, Unknown):
        ending = (
            f'["{name}"]' if isinstance(name, str) and bracket else f"[{name}]" if bracket else f".{name}"
        )
        return Unknown(tuple(f"{one}{ending}" for one in value.references))
    return _item(value, name)


def _item(value: Any, name: Any) -> Any:
    if isinstance(value, dict):
        return value.get(shown(name), Unknown())
    text = shown(name)
    if isinstance(value, list) and text.isdigit() and int(text) < len(value):
        return value[int(text)]
    return Unknown()


def splat(held: Node, full: bool) -> Node:
    """Make a node of every item of another; ``full`` for ``[*]``, whose indices belong to the items."""

    def node(scope: Scope) -> Any:
        value = held(scope)
        if isinstance(value, Unknown):
            return value
        return _Splat(value if isinstance(value, list) else [] if value is None else [value], full)

    return node


def finished(held: Node) -> Node:
    """Make a node that ends what ``[*]`` began."""

    def node(scope: Scope) -> Any:
        value = held(scope)
        return list(value.items) if isinstance(value, _Splat) else value

    return node


def _chosen(name: str, values: list[Any]) -> Any:
    """Return what ``try``, ``coalesce`` or ``can`` gives: what refers to nothing has failed."""
    failed = [isinstance(one, Unknown) and not one.references for one in values]
    if name == "can":
        return not failed[0] if failed else False
    for one, is_failed in zip(values, failed, strict=True):
        if not is_failed and (name == "try" or one not in (None, "")):
            return one
    return joined(*values)


def called(name: str, arguments: list[Node]) -> Node:
    """Make a node of a function's value."""

    def node(scope: Scope) -> Any:
        values = [argument(scope) for argument in arguments]
        if isinstance(affordable(values, scope), Unknown):
            return Unknown()
        if name in ("try", "coalesce", "can"):
            return _chosen(name, values)
        if name == "jsonencode" and values and not known(values[0]):
            return Unknown(references_in(values[0]), json.dumps(in_text(values[0]), separators=(",", ":")))
        function = FUNCTIONS.get(name)
        if function is None or (not known(values) and name not in _OF_STRUCTURES):
            return joined(*values)
        if any(isinstance(one, Unknown) for one in values):
            return joined(*values)
        try:
            return function(*values)
        except (TypeError, ValueError, KeyError, IndexError, AttributeError, ArithmeticError):
            return joined(*values)

    return node


def operation(mark: str, left: Node, right: Node) -> Node:
    """Make a node of an operator between two others."""

    def node(scope: Scope) -> Any:
        one, other = left(scope), right(scope)
        if mark in ("==", "!=") and None in (one, other) and _is_of_resource(one, other):
            return mark == "!="
        if isinstance(one, Unknown) or isinstance(other, Unknown):
            return joined(one, other)
        try:
            return _OPERATIONS[mark](one, other)
        except (TypeError, ValueError, ArithmeticError):
            return Unknown()

    return node


def _is_of_resource(*values: Any) -> bool:
    """Return whether a value comes from a resource, which is known not to be null though its value is not."""
    return any(
        isinstance(one, Unknown) and one.references and all(_RESOURCE.search(name) for name in one.references)
        for one in values
    )


def _number(value: Any) -> float:
    number = float(value)
    return int(number) if number.is_integer() else number


_OPERATIONS: Final[dict[str, Callable[[Any, Any], Any]]] = {
    "||": lambda a, b: a in (True, "true") or b in (True, "true"),
    "&&": lambda a, b: a in (True, "true") and b in (True, "true"),
    "==": lambda a, b: a == b,
    "!=": lambda a, b: a != b,
    "!": lambda a, _: a not in (True, "true"),
    "<": lambda a, b: _number(a) < _number(b),
    ">": lambda a, b: _number(a) > _number(b),
    "<=": lambda a, b: _number(a) <= _number(b),
    ">=": lambda a, b: _number(a) >= _number(b),
    "+": lambda a, b: _number(_number(a) + _number(b)),
    "-": lambda a, b: _number(_number(a) - _number(b)),
    "*": lambda a, b: _number(_number(a) * _number(b)),
    "/": lambda a, b: _number(_number(a) / _number(b)),
    "%": lambda a, b: _number(_number(a) % _number(b)),
}


def pairs_of(value: Any) -> list[tuple[Any, Any]]:
    """Return keys and values of what a loop or ``for_each`` goes through."""
    if isinstance(value, dict):
        return list(value.items())
    return list(enumerate(value)) if isinstance(value, list) else []


def loop(names: list[str], collection: Node, first: Node, second: Node | None, test: Node | None) -> Node:
    """Make a node of a ``for`` expression."""

    def node(scope: Scope) -> Any:
        held = collection(scope)
        if isinstance(held, Unknown):
            return held
        made: list[tuple[Any, Any]] = []
        for key, value in pairs_of(held):
            scope.steps[0] += _TURN
            if scope.steps[0] > _MOST_STEPS:
                return Unknown()
            inner = scope.with_names(
                dict(zip(names, (key, value) if len(names) > 1 else (value,), strict=True))
            )
            if test is not None and test(inner) not in (True, "true"):
                continue
            made.append((first(inner), second(inner) if second is not None else None))
        if second is None:
            return [one for one, _ in made]
        if not _plain_keys(key for key, _ in made):
            return joined(*(part for pair in made for part in pair))
        return {shown(key): value for key, value in made}

    return node


def _plain_keys(keys: Iterable[Any]) -> bool:
    return all(isinstance(key, str | int | float) for key in keys)
