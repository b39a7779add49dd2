"""Expressions of Terraform's language, evaluated as far as a folder alone allows; the rest keeps what it refers to.

References
----------
HashiCorp, Terraform language, Expressions and Functions (developer.hashicorp.com/terraform/language), seen 2026-11.
"""

from __future__ import annotations

import re
from typing import Any, Final

from lambdasim.templates.terraform.functions import FUNCTIONS
from lambdasim.templates.terraform.nodes import (
    Node,
    Scope,
    Unknown,
    called,
    constant,
    finished,
    in_text,
    joined,
    loop,
    member,
    operation,
    root,
    shown,
    splat,
)

_TOKEN: Final = re.compile(
    r"\s*(?:(?P<number>[0-9]+(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?)|(?P<name>[A-Za-z_][A-Za-z0-9_-]*)"
    r"|(?P<mark>=>|==|!=|<=|>=|&&|\|\||\.\.\.|[-+*/%<>!?:.,(){}\[\]=])|(?P<quote>\"))"
)
_DEEPEST: Final = 60
_LONGEST: Final = 100_000
_LONGEST_RESULT: Final = 1_000_000
_LEVELS: Final = (("||",), ("&&",), ("==", "!="), ("<", ">", "<=", ">="), ("+", "-"), ("*", "/", "%"))


_HEREDOC: Final = re.compile(r"<<(-?)([A-Za-z_][A-Za-z0-9_]*)[ \t]*\r?\n")
_OF_FILES: Final = ("file", "templatefile", "fileset", "fileexists")


class NotHclError(ValueError):
    """An expression cannot be read."""


def evaluated(value: Any, scope: Scope, depth: int = 0) -> Any:
    """Evaluate what a file says: text with ``${...}``, and structures of such.

    Parameters
    ----------
    value : object
        As python-hcl2 or Terraform's JSON syntax give it.
    scope : Scope
    depth : int

    Returns
    -------
    object
        ``Unknown`` in the places of what only an apply knows.
    """
    if depth > _DEEPEST:
        return Unknown()
    if isinstance(value, str):
        return _template(value)(scope) if "${" in value or "%{" in value or value.startswith("<<") else value
    if isinstance(value, list):
        return [evaluated(one, scope, depth + 1) for one in value]
    if isinstance(value, dict):
        return {key: evaluated(one, scope, depth + 1) for key, one in value.items()}
    return value


def _template(text: str) -> Node:
    """Read text with interpolations; one that is nothing else keeps the type of its value."""
    if len(text) > _LONGEST:
        return lambda scope: Unknown()
    text = _without_marks(text)
    parts: list[Any] = []
    place = 0
    directive = False
    while (start := _next_mark(text, place)) >= 0:
        end = _closing(text, start + 2)
        if text[start] == "%":
            directive = True
            place = end
            continue
        parts += [text[place:start], _expression(text[start + 2 : end - 1])]
        place = end
    parts.append(text[place:])
    kept = [part.replace("$${", "${") if isinstance(part, str) else part for part in parts if part != ""]

    def node(scope: Scope) -> Any:
        values = [part(scope) if callable(part) else part for part in kept]
        if len(values) == 1 and not directive:
            return values[0]
        texts = [
            one if isinstance(one, str) else one.text or ""
            for one in values
            if isinstance(one, str | Unknown)
        ]
        if directive or sum(len(one) for one in texts) > _LONGEST_RESULT:
            return joined(*values)
        if not all(isinstance(one, str | int | float) for one in values):
            return Unknown(joined(*values).references, "".join(shown(in_text(one)) for one in values))
        return "".join(shown(one) for one in values)

    return node


def _without_marks(text: str) -> str:
    """Return what a heredoc holds, moved to the left where it begins with ``<<-``; any other text as it is."""
    match = _HEREDOC.match(text)
    if match is None:
        return text
    lines = text[match.end() :].rstrip().split("\n")
    if lines and lines[-1].strip() == match[2]:
        lines.pop()
    indent = min((len(one) - len(one.lstrip()) for one in lines if one.strip()), default=0) if match[1] else 0
    return "\n".join(one[indent:] for one in lines)


def filed(name: str, arguments: list[Node]) -> Node:
    """Make a node of a function that reads the folder: ``file``, ``templatefile``, ``fileset``, ``fileexists``."""

    def node(scope: Scope) -> Any:
        values = [argument(scope) for argument in arguments]
        if scope.files is None or not values or not isinstance(values[0], str):
            return joined(*values)
        if name == "fileset":
            pattern = values[1] if len(values) > 1 else None
            names = scope.files.names(values[0], pattern) if isinstance(pattern, str) else None
            return joined(*values) if names is None else FUNCTIONS["toset"](names)
        text = scope.files.text(values[0])
        if name == "fileexists":
            return text is not None
        if text is None or name == "file":
            return joined(*values) if text is None else text
        given = values[1] if len(values) > 1 else {}
        if not isinstance(given, dict):
            return joined(given)
        return _template(text)(Scope(dict(given), scope.steps, scope.prefix, scope.files))

    return node


def _next_mark(text: str, place: int) -> int:
    while place < len(text) - 1:
        if text[place] in "$%" and text[place + 1] == "{":
            return place
        place += 3 if text.startswith(("$${", "%%{"), place) else 1
    return -1


def _closing(text: str, place: int) -> int:
    """Return where an interpolation that began at a place has ended."""
    depth, quoted = 1, False
    while place < len(text) and depth:
        one = text[place]
        if quoted and one == "\\":
            place += 1
        elif one == '"':
            quoted = not quoted
        elif not quoted:
            depth += {"{": 1, "}": -1}.get(one, 0)
        place += 1
    return place


def _expression(text: str) -> Node:
    try:
        parser = _Parser(text)
        node = parser.expression(0)
        parser.end()
    except (NotHclError, RecursionError):
        found = Unknown(
            tuple(dict.fromkeys(re.findall(r"\b(?:aws_[a-z0-9_]+|module)\.[A-Za-z0-9_-]+", text)))
        )
        return lambda scope: found
    return node


class _Parser:
    """Reads one expression by recursive descent; its parts are functions of a scope."""

    def __init__(self, text: str) -> None:
        self._text, self._place = text, 0

    def _peek(self) -> tuple[str, str, int]:
        match = _TOKEN.match(self._text, self._place)
        if match is None:
            if self._text[self._place :].strip():
                raise NotHclError(self._text[self._place : self._place + 20])
            return "", "", len(self._text)
        kind = str(match.lastgroup)
        return kind, match[kind], match.end()

    def _take(self, *marks: str) -> str:
        """Take the next mark where it is one of these."""
        kind, text, end = self._peek()
        if kind == "mark" and text in marks:
            self._place = end
            return text
        return ""

    def _want(self, mark: str) -> None:
        if not self._take(mark):
            raise NotHclError(mark)

    def _name(self) -> str:
        kind, text, end = self._peek()
        if kind not in ("name", "number"):
            raise NotHclError("name")
        self._place = end
        return text

    def end(self) -> None:
        """Want nothing more."""
        if self._peek()[0]:
            raise NotHclError("end")

    def expression(self, depth: int) -> Node:
        """Read an expression, a condition among them."""
        if depth > _DEEPEST:
            raise NotHclError("depth")
        test = self._level(0, depth)
        if not self._take("?"):
            return test
        yes = self.expression(depth + 1)
        self._want(":")
        no = self.expression(depth + 1)

        def choice(scope: Scope) -> Any:
            held = test(scope)
            if isinstance(held, Unknown):
                # Name a variable that decides, since a user can set it; the value itself does not refer to what decides.
                asked = Unknown(tuple(one for one in held.references if one.startswith("var.")))
                return joined(asked, yes(scope), no(scope))
            return yes(scope) if held in (True, "true") else no(scope)

        return choice

    def _level(self, level: int, depth: int) -> Node:
        if level == len(_LEVELS):
            return self._unary(depth)
        left = self._level(level + 1, depth)
        while mark := self._take(*_LEVELS[level]):
            left = operation(mark, left, self._level(level + 1, depth))
        return left

    def _unary(self, depth: int) -> Node:
        if mark := self._take("-", "!"):
            held = self._unary(depth)
            return operation("-", lambda scope: 0, held) if mark == "-" else operation("!", held, held)
        return self._traversed(depth)

    def _traversed(self, depth: int) -> Node:
        kind, text, end = self._peek()
        node: Node
        if kind == "name" and text not in ("true", "false", "null"):
            self._place = end
            node = self._call(text, depth) if self._take("(") else root(text)
        else:
            node = self._primary(depth)
        splits = False
        while mark := self._take(".", "["):
            if self._take("*"):
                if mark == "[":
                    self._want("]")
                node, splits = splat(node, mark == "["), True
            elif mark == ".":
                node = member(node, constant(self._name()))
            else:
                key = self.expression(depth + 1)
                self._want("]")
                node = member(node, key, bracket=True)
        return finished(node) if splits else node

    def _call(self, name: str, depth: int) -> Node:
        arguments: list[Node] = []
        while not self._take(")"):
            arguments.append(self.expression(depth + 1))
            self._take("...")
            if not self._take(","):
                self._want(")")
                break
        return filed(name, arguments) if name in _OF_FILES else called(name, arguments)

    def _primary(self, depth: int) -> Node:
        kind, text, end = self._peek()
        if kind == "number":
            self._place = end
            value = float(text)
            return constant(int(value) if value.is_integer() and "." not in text else value)
        if kind == "name":
            self._place = end
            return constant({"true": True, "false": False}.get(text))
        if kind == "quote":
            return self._string(end)
        if self._take("("):
            node = self.expression(depth + 1)
            self._want(")")
            return node
        if self._take("["):
            return self._list(depth)
        self._want("{")
        return self._object(depth)

    def _string(self, start: int) -> Node:
        place = start
        while place < len(self._text) and self._text[place] != '"':
            if self._text.startswith("${", place):
                place = _closing(self._text, place + 2)
            else:
                place += 2 if self._text[place] == "\\" else 1
        held = self._text[start:place]
        self._place = place + 1
        for mark, meant in (("\\n", "\n"), ("\\t", "\t"), ('\\"', '"'), ("\\\\", "\\")):
            held = held.replace(mark, meant)
        return _template(held)

    def _list(self, depth: int) -> Node:
        if self._is_loop():
            return self._loop("]", depth)
        items: list[Node] = []
        while not self._take("]"):
            items.append(self.expression(depth + 1))
            if not self._take(","):
                self._want("]")
                break
        return lambda scope: [item(scope) for item in items]

    def _is_loop(self) -> bool:
        kind, text, end = self._peek()
        if kind == "name" and text == "for":
            self._place = end
            return True
        return False

    def _object(self, depth: int) -> Node:
        if self._is_loop():
            return self._loop("}", depth)
        pairs: list[tuple[Node, Node]] = []
        while not self._take("}"):
            kind, text, end = self._peek()
            if kind == "name":
                self._place = end
                key: Node = constant(text)
            else:
                key = self.expression(depth + 1)
            if not self._take("=", ":"):
                raise NotHclError("=")
            pairs.append((key, self.expression(depth + 1)))
            self._take(",")

        def node(scope: Scope) -> Any:
            held = [(key(scope), value(scope)) for key, value in pairs]
            if any(isinstance(key, Unknown | list | dict) for key, _ in held):
                return joined(*(part for pair in held for part in pair))
            return {shown(key): value for key, value in held}

        return node

    def _loop(self, closing: str, depth: int) -> Node:
        names = [self._name()]
        if self._take(","):
            names.append(self._name())
        if self._name() != "in":
            raise NotHclError("in")
        collection = self.expression(depth + 1)
        self._want(":")
        first = self.expression(depth + 1)
        second = self.expression(depth + 1) if self._take("=>") else None
        self._take("...")
        kind, text, end = self._peek()
        test: Node | None = None
        if kind == "name" and text == "if":
            self._place = end
            test = self.expression(depth + 1)
        self._want(closing)
        return loop(names, collection, first, second, test)
