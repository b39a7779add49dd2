"""The one reader of YAML: bounded, without anchors, each key with its line, and values that do not surprise."""

from __future__ import annotations

import math
import re
from typing import Any, Final

import yaml
from yaml.composer import Composer

from lambdasim.errors import Fault, InputError
from lambdasim.wording import clipped

_DEEPEST: Final = 20
_MOST_NODES: Final = 1_000_000
"""Keys and values: some sixty of each of 10,000 functions that were imported, with room."""
_MOST_LISTED: Final = 200_000
"""Those that are items of lists."""
_MOST_FAULTS: Final = 100
_LONG: Final = 50_000
"""Characters from which the time to read matters."""
_MOST_BITS: Final = 64
_OCTAL: Final = re.compile(r"[-+]?0[0-9]+")
_EXPONENT: Final = re.compile(r"[-+]?[0-9]+(\.[0-9]*)?[eE][-+]?[0-9]+")
_PREFIX: Final = "tag:yaml.org,2002:"
Lines = dict[tuple[str | int, ...], int]
"""Line of each key and item, by its path."""


def read_yaml(
    text: str, name: str, error: type[InputError] = InputError, *, as_text: bool = False
) -> tuple[dict[str, Any], Lines]:
    """Read a mapping from YAML text.

    Parameters
    ----------
    text : str
    name : str
        Of the file, for messages.
    error : type of InputError
        To raise.
    as_text : bool
        Whether plain numbers, words and dates stay the text that they are in the file, such as exact decimals.

    Returns
    -------
    (dict, Lines)
        Plain data, and where it stands.

    Raises
    ------
    InputError
        With every fault of the file that is one of YAML, or of what is allowed of it: one document, a mapping, no
        anchors, no tags, no key twice, bounded depth and size.
    """
    return _Composer(name, error, as_text).read(text)


def first_of(name: str, faults: list[Fault]) -> list[Fault]:
    """Keep as many faults as a person reads, and say how many more there are."""
    more = len(faults) - _MOST_FAULTS
    return faults if more <= 0 else [*faults[:_MOST_FAULTS], Fault(name, "", f"and {more:,} more faults")]


def dotted(loc: tuple[int | str, ...]) -> str:
    """Write the path of a key with dots."""
    return ".".join(clipped(step, 40) for step in loc)


class _Refusal(yaml.MarkedYAMLError):
    """YAML that is well formed, and yet not taken."""

    def __init__(self, problem: str, event: yaml.Event) -> None:
        super().__init__(problem=problem, problem_mark=event.start_mark)  # type: ignore[arg-type]


class _Bounded(Composer):
    """Composes YAML without anchors, and of bounded depth and size."""

    _depth = _nodes = _listed = 0

    def compose_node(self, parent: yaml.Node | None, index: Any) -> yaml.Node | None:
        """Compose one node and what lies in it."""
        event: yaml.Event = self.peek_event()  # type: ignore[attr-defined]
        self._nodes += 1
        if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None):
            raise _Refusal("anchors and aliases are not allowed", event)
        if self._depth > _DEEPEST:
            raise _Refusal(f"is nested deeper than {_DEEPEST}", event)
        self._listed += isinstance(parent, yaml.SequenceNode)
        if self._nodes > _MOST_NODES or self._listed > _MOST_LISTED:
            most = _MOST_LISTED if self._listed > _MOST_LISTED else _MOST_NODES
            few = f"must have at most {most:,} keys and values; long lists belong into a file"
            raise _Refusal(few, event)
        self._depth += 1
        node: yaml.Node | None = super().compose_node(parent, index)
        self._depth -= 1
        return node


class _Loader(_Bounded, yaml.SafeLoader):
    """Reads by PyYAML itself, whose words for faults are shown."""


def _loaders() -> tuple[type[Any], ...]:
    """Return what reads: the C library's events first, which take a third of the time, and PyYAML's own for faults."""
    library: Any = getattr(yaml, "CSafeLoader", None)
    if library is None:
        return (_Loader,)

    class Quick(_Bounded, library):  # type: ignore[misc]
        def __init__(self, text: str) -> None:
            library.__init__(self, text)
            Composer.__init__(self)

    return (Quick, _Loader)


_LOADERS: Final = _loaders()


class _Composer:
    """Turns YAML nodes into plain data, keeping each key's line and refusing what surprises."""

    def __init__(self, name: str, error: type[InputError], as_text: bool) -> None:
        self._name = name
        self._error = error
        self._as_text = as_text
        self._lines: Lines = {(): 1}
        self._faults: list[Fault] = []

    def read(self, text: str) -> tuple[Any, Lines]:
        try:
            root = self._root(text)
        except yaml.MarkedYAMLError as error:
            line = error.problem_mark.line + 1 if error.problem_mark else 1
            told = str(error.problem) if isinstance(error, _Refusal) else f"is not YAML: {error.problem}"
            raise self._error.single(f"{self._name}:{line}", "", told) from None
        except yaml.reader.ReaderError as error:
            line = 1 + text.count("\n", 0, error.position)
            wrong = f"is not YAML: has the control character U+{ord(text[error.position]):04X}"
            raise self._error.single(f"{self._name}:{line}", "", wrong) from None
        if root is None:
            raise self._error.single(self._name, "", "is empty; must be a mapping of keys to values")
        if not isinstance(root, yaml.MappingNode):
            raise self._error.single(self._name, "", "must be a mapping of keys to values")
        data = self._value(root, ())
        if self._faults:
            raise self._error(first_of(self._name, self._faults))
        return data, self._lines

    def _root(self, text: str) -> yaml.Node | None:
        # The library takes tabs in places where PyYAML does not.
        for loader in _LOADERS[:-1] if len(text) > _LONG and "\t" not in text else ():
            try:
                return self._only_document(loader(text))
            except _Refusal:
                raise
            except (yaml.YAMLError, UnicodeError):
                continue
        return self._only_document(_LOADERS[-1](text))

    def _only_document(self, loader: Any) -> yaml.Node | None:
        if not loader.check_node():
            return None
        root: yaml.Node | None = loader.get_node()
        if loader.check_node():
            event: yaml.Event = loader.peek_event()
            raise _Refusal("a second document begins here; must hold one", event)
        return root

    def _refuse(self, node: yaml.Node, at: tuple[str | int, ...], message: str) -> None:
        where = f"{self._name}:{node.start_mark.line + 1}"
        self._faults.append(Fault(where, dotted(at), message))

    def _value(self, node: yaml.Node, at: tuple[str | int, ...]) -> Any:
        self._lines.setdefault(at, node.start_mark.line + 1)
        kind = "map" if isinstance(node, yaml.MappingNode) else "seq"
        if isinstance(node, yaml.CollectionNode) and node.tag != _PREFIX + kind:
            self._refuse(node, at, f"tag {node.tag[:40]} is not allowed")
        if isinstance(node, yaml.MappingNode):
            return self._mapping(node, at)
        if isinstance(node, yaml.SequenceNode):
            return [self._value(item, (*at, place)) for place, item in enumerate(node.value)]
        return self._scalar(node, at)

    def _mapping(self, node: yaml.MappingNode, at: tuple[str | int, ...]) -> dict[str, Any]:
        result: dict[str, Any] = {}
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
        elif self._as_text:
            return text
        elif kind in ("int", "float"):
            return self._number(node, at, kind, text)
        elif kind == "bool":
            if text.lower() in ("true", "false"):
                return text.lower() == "true"
            self._refuse(node, at, f"must be true or false or quoted text, got {text}")
        elif kind == "null":
            return None
        elif getattr(node, "style", None) is None and _EXPONENT.fullmatch(text):
            return self._number(node, at, "float", text)
        else:
            return text
        return None

    def _number(self, node: yaml.Node, at: tuple[str | int, ...], kind: str, text: str) -> Any:
        plain = text.replace("_", "")
        try:
            if _OCTAL.fullmatch(plain):
                raise ValueError
            number = int(plain) if kind == "int" else float(plain)
        except ValueError:
            self._refuse(node, at, f"must be a plain number, or quoted text, got {text[:40]}")
            return None
        if isinstance(number, int) and number.bit_length() > _MOST_BITS:
            self._refuse(node, at, f"must be a number of at most {_MOST_BITS} bits, got {text[:40]}")
            return None
        if not math.isfinite(number):
            self._refuse(node, at, f"must be finite, got {text[:40]}")
        return number
