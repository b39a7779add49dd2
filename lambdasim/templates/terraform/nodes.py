"""What an expression of Terraform's language consists of: values, names, and what is done with them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from lambdasim.templates.terraform.functions import FUNCTIONS

_MOST_STEPS: Final = 500_000


@dataclass(frozen=True)
class Unknown:
    """A value that only an apply knows.

    Attributes
    ----------
    references : tuple of str
        What it refers to, as plans write it: ``aws_sqs_queue.jobs.arn``.
    partial : object
        The rest of a structure of which only parts are unknown.
    """

    references: tuple[str, ...] = ()
    partial: Any = None


@dataclass
class Scope:
    """What names mean.

    Attributes
    ----------
    roots : dict
        By first name: a value, or a function of the next name.
    steps : list of int
        One number: evaluations so far, shared by scopes made of one another.
    """

    roots: dict[str, Any]
    steps: list[int] = field(default_factory=lambda: [0])

    def with_names(self, names: Mapping[str, Any]) -> Scope:
        """Return a scope with more names."""
        return Scope({**self.roots, **names}, self.steps)


Node = Callable[[Scope], Any]


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
    """Tell whether nothing of a value is unknown."""
    stack = [value]
    while stack:
        one = stack.pop()
        if isinstance(one, Unknown):
            return False
        stack.extend(one.values() if isinstance(one, dict) else one if isinstance(one, list) else ())
    return True


def joined(*values: Any) -> Unknown:
    """Return what stands for values of which some are unknown: all that they refer to."""
    return Unknown(tuple(dict.fromkeys(name for value in values for name in references_in(value))))


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
        return scope.roots[name] if name in scope.roots else Unknown((name,))

    return node


def member(held: Node, key: Node, bracket: bool = False) -> Node:
    """Make a node of an attribute or an item of another."""

    def node(scope: Scope) -> Any:
        value, name = held(scope), key(scope)
        if isinstance(name, Unknown):
            return joined(value, name)
        if callable(value):
            return value(str(name))
        if isinstance(value, Unknown):
            ending = (
                f'["{name}"]' if isinstance(name, str) and bracket else f"[{name}]" if bracket else f".{name}"
            )
            return Unknown(tuple(f"{one}{ending}" for one in value.references))
        return _item(value, name)

    return node


def _item(value: Any, name: Any) -> Any:
    if isinstance(value, dict):
        return value.get(shown(name), Unknown())
    text = shown(name)
    if isinstance(value, list) and text.isdigit() and int(text) < len(value):
        return value[int(text)]
    return Unknown()


def splat(held: Node) -> Node:
    """Make a node of every item of another."""

    def node(scope: Scope) -> Any:
        value = held(scope)
        return value if isinstance(value, Unknown | list) else [value]

    return node


def called(name: str, arguments: list[Node]) -> Node:
    """Make a node of a function's value."""

    def node(scope: Scope) -> Any:
        values = [argument(scope) for argument in arguments]
        if name in ("try", "coalesce", "can"):
            return next(
                (one for one in values if not isinstance(one, Unknown) and one is not None), joined(*values)
            )
        if name == "jsonencode" and values and not known(values[0]):
            return Unknown(references_in(values[0]), values[0])
        function = FUNCTIONS.get(name)
        if function is None or (
            not known(values) and name not in ("lookup", "merge", "concat", "element", "length")
        ):
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
        if isinstance(one, Unknown) or isinstance(other, Unknown):
            return joined(one, other)
        try:
            return _OPERATIONS[mark](one, other)
        except (TypeError, ValueError, ArithmeticError):
            return Unknown()

    return node


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
            scope.steps[0] += 1
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
