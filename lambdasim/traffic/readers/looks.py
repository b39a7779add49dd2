"""What a file that is none of the known kinds looks like, in words for a message."""

from __future__ import annotations

import json
import re
from typing import Final

from lambdasim.errors import TraceError
from lambdasim.specs.faults import one_of
from lambdasim.traffic.readers.source import SourceFile
from lambdasim.wording import printable

_HEAD_BYTES: Final = 1 << 16
_LISTED: Final = 8
_KEYS: Final = re.compile(r'"([^"\\]{1,60})"\s*:')
_YAML_KEY: Final = re.compile(r"^([A-Za-z_][\w .-]{0,60}):(?:\s|$)", re.MULTILINE)
_PROGRAMS: Final = re.compile(
    r"^\s*(?:#!|import |from \w[\w.]* import |def |const |let |var |function |package |using |public class )",
    re.MULTILINE,
)
_KINDS: Final = (
    (re.compile(r"^\s*(?:<!doctype html|<html)", re.IGNORECASE), "a web page"),
    (re.compile(r"^\s*<\?xml|^\s*<[a-zA-Z]"), "XML"),
    (re.compile(r"AWSTemplateFormatVersion|AWS::Serverless|\"?Type\"?:\s*\"?AWS::"), "a CloudFormation or SAM template"),
    (re.compile(r"^\s*(?:resource|provider|module|variable|terraform)\b[^\n]*\{", re.MULTILINE), "Terraform code"),
    (re.compile(r"\"(?:lineItem/|line_item_)|lineItem/UsageType"), "a Cost and Usage Report"),
    (re.compile(r"^%PDF"), "a PDF document"),
)  # fmt: skip


def looks_like(file: SourceFile) -> str:
    """Describe a file in half a sentence that begins with a semicolon; nothing where it cannot be read."""
    try:
        head = file.head()[:_HEAD_BYTES]
    except TraceError:
        return ""
    return f"; the file looks like {_described(head)}"


def _described(head: bytes) -> str:
    if b"\0" in head:
        return "binary data"
    text = head.decode("utf-8", errors="replace").lstrip("\ufeff")
    for mark, kind in _KINDS:
        if mark.search(text):
            return kind
    if text.lstrip()[:1] in ("{", "["):
        names = list(dict.fromkeys(printable(name) for name in _KEYS.findall(text)))
        return f"JSON with the keys {_some(names)}" if names else "JSON without keys"
    if _PROGRAMS.search(text):
        return "program code"
    first = text.lstrip().splitlines()[0] if text.strip() else ""
    keys = list(dict.fromkeys(printable(name) for name in _YAML_KEY.findall(text)))
    if keys and _YAML_KEY.match(text.lstrip("#- \r\n")) and "," not in first:
        return f"YAML with the keys {_some(keys)}"
    for comma, name in ((",", "commas"), (";", "semicolons"), ("\t", "tabs")):
        if comma in first and len(first) < 4_000:
            columns = [printable(part.strip()) for part in first.split(comma)]
            return f"a table with {name} and the columns {_some(columns)}"
    return "plain text" if first else "blank text"


def _some(names: list[str]) -> str:
    more = "" if len(names) <= _LISTED else f" and {len(names) - _LISTED} more"
    return one_of(json.dumps(name, ensure_ascii=False) for name in names[:_LISTED]) + more
