"""YAML and JSON from outside as plain data: bounded in size and depth, nothing executed, duplicates remarked.

YAML is read event by event, so depth and the expansion of aliases are bounded before anything is built. Short tags such
as ``!Ref`` become what their long form says; a tag that would build an object is an error. A date stays text.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import yaml

from lambdasim.errors import TemplateError
from lambdasim.outputs import noted_input
from lambdasim.wording import clipped

_MOST_BYTES: Final = {"JSON": 256_000_000, "YAML": 32_000_000}
_MOST_NODES: Final = 3_000_000
_DEEPEST: Final = 100
_MOST_DIGITS: Final = 25
_HEAD: Final = 20_000
_MARKUP: Final = re.compile(r"^[^#\n]{0,200}(\{%[^\n]{0,200}%\}|[ :]\{\{[^\n]{0,200}\}\})", re.MULTILINE)
_COMMENT: Final = re.compile(r"([^\"\n]|\"[^\"\n]*\")*(//|/\*)")
_PREFIX: Final = "tag:yaml.org,2002:"
_INT: Final = re.compile(r"[-+]?(0|[1-9][0-9_]*)")
_FLOAT: Final = re.compile(r"[-+]?([0-9][0-9_]*)?\.?[0-9_]*([eE][-+]?[0-9]+)?")
_WORDS: Final = {
    word: value
    for words, value in (
        (("true", "yes", "on"), True),
        (("false", "no", "off"), False),
        (("null", "~"), None),
    )
    for small in words
    for word in (small, small.capitalize(), small.upper())
}
_SPACE: Final = re.compile(r"\s*")
_BARE: Final = ("Ref", "Condition")
_UTF16: Final = (b"\xff\xfe", b"\xfe\xff")


@dataclass
class Document:
    """One file, read.

    Attributes
    ----------
    name : str
        For messages.
    data : object
        Mappings, lists, text, numbers, true and false, nothing.
    remarks : list of (int, str)
        Line and text of what is odd and was read all the same.
    """

    name: str
    data: Any
    remarks: list[tuple[int, str]] = field(default_factory=list)


def read_document(path: Path, name: str | None = None) -> Document:
    """Read a YAML or JSON file.

    Parameters
    ----------
    path : Path
        A regular file, UTF-8 or UTF-16 with its mark; at most 32 MB of YAML or 256 MB of JSON.
    name : str, optional
        For messages; default: the file's name.

    Returns
    -------
    Document

    Raises
    ------
    TemplateError
        Naming file, line and what is allowed.
    """
    shown = name or str(path)
    try:
        if not path.is_file():
            raise TemplateError.single(shown, "", "must be an existing regular file")
        noted_input(path)
        with path.open("rb") as stream:
            content = stream.read(max(_MOST_BYTES.values()) + 1)
    except OSError as error:
        raise TemplateError.single(shown, "", f"cannot be read: {error.strerror}") from None
    return parse_document(content, shown)


def parse_document(content: bytes | str, name: str) -> Document:
    """Read YAML or JSON text; see ``read_document``."""
    text = content if isinstance(content, str) else decoded_text(content, name)
    start = text.lstrip()[:1]
    if not start:
        raise TemplateError.single(name, "", "is empty")
    if start in "{[":
        _bounded(text, "JSON", name)
        try:
            return _json_document(text, name)
        except json.JSONDecodeError as error:
            begin = text.rfind("\n", 0, error.pos) + 1
            hint = " (JSON has no comments)" if _COMMENT.match(text, begin, begin + _HEAD) else ""
            fault = TemplateError.single(f"{name}:{error.lineno}", "", f"is not JSON: {error.msg}{hint}")
        if len(text) > _MOST_BYTES["YAML"]:
            raise fault
        try:
            return _yaml_document(text, name)
        except TemplateError:
            raise fault from None
    _bounded(text, "YAML", name)
    return _yaml_document(text, name)


def _bounded(text: str, kind: str, name: str) -> None:
    if len(text) > _MOST_BYTES[kind]:
        raise TemplateError.single(name, "", f"must have at most {_MOST_BYTES[kind]:,} bytes of {kind}")


def decoded_text(content: bytes, name: str) -> str:
    """Read bytes as UTF-8, or UTF-16 with its mark; name the first byte that is neither."""
    encoding = "utf-16" if content.startswith(_UTF16) else "utf-8-sig"
    try:
        return content.decode(encoding)
    except UnicodeDecodeError as error:
        raise TemplateError.single(name, "", f"must be UTF-8 text, byte {error.start} is not") from None


def json_values(content: bytes | str, name: str) -> list[Document]:
    """Read JSON values that stand one after another, as ``>>`` leaves the pages of a command.

    Parameters
    ----------
    content : bytes or str
        UTF-8, or UTF-16 with its mark; at most 256 MB.
    name : str
        For messages.

    Returns
    -------
    list of Document
        One for each value; none of an empty text.

    Raises
    ------
    TemplateError
        Naming the line where a value ends in the middle or is no JSON.

    Examples
    --------
    >>> [one.data for one in json_values('{"a": 1}{"a": 2}', "pages.json")]
    [{'a': 1}, {'a': 2}]
    """
    text = content if isinstance(content, str) else decoded_text(content, name)
    _bounded(text, "JSON", name)
    values: list[Document] = []
    place = len(text) - len(text.lstrip())
    while place < len(text):
        try:
            document, place = _json_value(text, name, place)
        except json.JSONDecodeError as error:
            cut = " (does it end in the middle?)" if error.pos >= len(text.rstrip()) - 1 else ""
            raise TemplateError.single(
                f"{name}:{error.lineno}", "", f"is not JSON: {error.msg}{cut}"
            ) from None
        values.append(document)
        place = _SPACE.match(text, place).end()  # type: ignore[union-attr]
    return values


def _json_document(text: str, name: str) -> Document:
    document, end = _json_value(text, name, len(text) - len(text.lstrip()))
    if text[end:].strip():
        raise json.JSONDecodeError("something follows the end", text, end)
    return document


def _json_value(text: str, name: str, start: int) -> tuple[Document, int]:
    """Read one value, and say where it ends."""
    document = Document(name, None)
    repeated: dict[str, None] = {}

    def mapping(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        result = dict(pairs)
        if len(result) != len(pairs):
            seen: set[str] = set()
            for key, _ in pairs:
                if key in seen:
                    repeated[key] = None
                seen.add(key)
        return result

    def whole(digits: str) -> int | str:
        return int(digits) if len(digits) <= _MOST_DIGITS else digits

    def real(digits: str) -> float | str:
        value = float(digits)
        return value if math.isfinite(value) else digits

    decoder = json.JSONDecoder(
        object_pairs_hook=mapping, parse_int=whole, parse_float=real, parse_constant=str, strict=False
    )
    try:
        document.data, end = decoder.raw_decode(text, start)
    except RecursionError:
        raise TemplateError.single(name, "", f"is nested deeper than {_DEEPEST}") from None
    _check_depth(document.data, name)
    document.remarks = [(1, f"key {clipped(key, 60)} is given twice; the last is used") for key in repeated]
    return document, end


def _check_depth(data: Any, name: str) -> None:
    level: list[Any] = [data]
    for _ in range(_DEEPEST):
        level = [
            child
            for node in level
            for child in (node.values() if isinstance(node, dict) else node if isinstance(node, list) else ())
            if isinstance(child, dict | list)
        ]
        if not level:
            return
    raise TemplateError.single(name, "", f"is nested deeper than {_DEEPEST}")


def _yaml_document(text: str, name: str) -> Document:
    builder = _Builder(name)
    try:
        builder.read(_events(text))
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        hint = " (a tab stands where spaces must)" if "'\\t'" in str(error.problem) else ""
        if _MARKUP.search(text, 0, _HEAD):
            hint = "; it is full of {% %} or {{ }}: give what the tool that fills these in writes"
        raise TemplateError.single(f"{name}:{line}", "", f"is not YAML: {error.problem}{hint}") from None
    except yaml.reader.ReaderError as error:
        place = error.position if isinstance(error.position, int) else 0
        line = 1 + text.count("\n", 0, place)
        raise TemplateError.single(f"{name}:{line}", "", "is not YAML: has a control character") from None
    return builder.document


def _events(text: str) -> Iterator[Any]:
    loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    return yaml.parse(text, Loader=loader)


class _Builder:
    """Builds plain data from the events of a YAML parser, without recursion."""

    def __init__(self, name: str) -> None:
        self.document = Document(name, None)
        self._anchors: dict[str, Any] = {}
        self._sizes: dict[str, tuple[int, int]] = {}
        """Of each anchor: keys and values, and how deep they lie in one another."""
        self._nodes = 0
        # Each open collection: its value so far, key waiting for a value, tag, anchor, nodes before it.
        self._open: list[tuple[Any, list[Any], str | None, str | None, int]] = []
        self._depths: list[int] = []
        self._documents = 0

    def read(self, events: Iterator[Any]) -> None:
        for event in events:
            line = event.start_mark.line + 1
            if isinstance(event, yaml.DocumentStartEvent):
                self._documents += 1
                if self._documents > 1:
                    raise self._refused(line, "must hold one document")
            elif isinstance(event, yaml.ScalarEvent):
                self._count(1, line)
                value = event.value if self._wants_key() else self._scalar(event, line)
                self._add(value, event.anchor, (1, 0), line)
            elif isinstance(event, yaml.AliasEvent):
                if event.anchor not in self._anchors:
                    raise self._refused(
                        line, f"the alias *{clipped(event.anchor, 40)} has no anchor before it"
                    )
                size = self._sizes[event.anchor]
                self._count(size[0], line)
                self._add(self._anchors[event.anchor], None, size, line)
            elif isinstance(event, yaml.MappingStartEvent | yaml.SequenceStartEvent):
                self._count(1, line)
                empty: Any = {} if isinstance(event, yaml.MappingStartEvent) else []
                self._open.append((empty, [], event.tag, event.anchor, self._nodes))
                self._depths.append(1)
                self._refuse_depth(0, line)
            elif isinstance(event, yaml.MappingEndEvent | yaml.SequenceEndEvent):
                value, _, tag, anchor, before = self._open.pop()
                size = (self._nodes - before + 1, self._depths.pop())
                self._add(self._tagged(tag, value, line), anchor, size, line)

    def _wants_key(self) -> bool:
        return bool(self._open) and isinstance(self._open[-1][0], dict) and not self._open[-1][1]

    def _count(self, nodes: int, line: int) -> None:
        self._nodes += nodes
        if self._nodes > _MOST_NODES:
            raise self._refused(
                line, f"must have at most {_MOST_NODES:,} keys and values, aliases written out"
            )

    def _refuse_depth(self, inside: int, line: int) -> None:
        if len(self._open) + inside > _DEEPEST:
            raise self._refused(line, f"is nested deeper than {_DEEPEST}, aliases written out")

    def _refused(self, line: int, message: str) -> TemplateError:
        return TemplateError.single(f"{self.document.name}:{line}", "", message)

    def _add(self, value: Any, anchor: str | None, size: tuple[int, int], line: int) -> None:
        if anchor is not None:
            self._anchors[anchor], self._sizes[anchor] = value, size
        if not self._open:
            self.document.data = value
            return
        self._refuse_depth(size[1], line)
        self._depths[-1] = max(self._depths[-1], size[1] + 1)
        parent, waiting = self._open[-1][:2]
        if isinstance(parent, list):
            parent.append(value)
        elif not waiting:
            waiting.append(self._key(value, line))
        else:
            key = waiting.pop()
            if key == "<<" and (isinstance(value, dict) or _is_mappings(value)):
                for merged in value if isinstance(value, list) else [value]:
                    for name, inherited in merged.items():
                        parent.setdefault(name, _Inherited(inherited))
                return
            if key in parent and not isinstance(parent[key], _Inherited):
                text = f"key {clipped(key, 60)} is given twice; the last is used"
                self.document.remarks.append((line, text))
            parent[key] = value

    def _key(self, value: Any, line: int) -> str:
        if isinstance(value, dict | list):
            raise self._refused(line, "a key must be a word (text with {{ }} must be rendered first)")
        return str(value)

    def _scalar(self, event: Any, line: int) -> Any:
        tag, text = event.tag, event.value
        if tag is not None and tag.startswith("!") and tag != "!":
            return self._tagged(tag, text, line)
        if tag in (None, "!") and not (event.implicit[0] and not event.style):
            return text
        if tag is not None and tag != "!":
            kind = tag.removeprefix(_PREFIX)
            if kind in ("str", "binary", "timestamp"):
                return text
            if kind not in ("int", "float", "bool", "null"):
                raise self._refused(line, f"tag {clipped(tag, 60)} is not allowed")
        return plain_scalar(text)

    def _tagged(self, tag: str | None, value: Any, line: int) -> Any:
        """Write a short tag out; ``!GetAtt a.b`` is split at its first dot."""
        if isinstance(value, dict) and value:
            for key, held in value.items():
                if isinstance(held, _Inherited):
                    value[key] = held.value
        if tag is None or tag == "!" or tag.removeprefix(_PREFIX) in ("map", "seq", "omap", "set"):
            return value
        if not tag.startswith("!") or tag.startswith("!!"):
            raise self._refused(line, f"tag {clipped(tag, 60)} is not allowed")
        name = tag[1:]
        if name.startswith(("python", "ruby", "java")):
            raise self._refused(line, f"tag {clipped(tag, 60)} is not allowed")
        if name in _BARE:
            return {name: value}
        if name == "GetAtt" and isinstance(value, str):
            return {"Fn::GetAtt": value.split(".", 1)}
        return {f"Fn::{name.removeprefix('Fn::')}": value}


@dataclass(frozen=True)
class _Inherited:
    """A value that a merge key brought, which an own key overrides in silence."""

    value: Any


def _is_mappings(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(item, dict) for item in value)


def plain_scalar(text: str) -> Any:
    """Read an unquoted YAML word; dates, times and numbers with leading zeros stay text.

    Examples
    --------
    >>> [plain_scalar(word) for word in ("512", "1.5", "yes", "~", "2012-10-17", "012345678901", "1e3", ".")]
    [512, 1.5, True, None, '2012-10-17', '012345678901', 1000.0, '.']
    """
    if text in _WORDS:
        return _WORDS[text]
    if not text:
        return None
    if text[0] not in "0123456789+-.":
        return text
    if len(text) <= _MOST_DIGITS and _INT.fullmatch(text):
        return int(text.replace("_", ""))
    if len(text) <= 4 * _MOST_DIGITS and _FLOAT.fullmatch(text) and ("." in text or "e" in text.lower()):
        try:
            value = float(text.replace("_", ""))
        except ValueError:
            return text
        return value if math.isfinite(value) else text
    return text
