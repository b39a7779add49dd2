"""What a file that is none of the known kinds looks like, in words for a message."""

from __future__ import annotations

import json
import re
from typing import Final

from lambdasim.errors import TraceError
from lambdasim.specs.faults import one_of
from lambdasim.traffic.readers.source import SourceFile
from lambdasim.wording import clipped

_HEAD_BYTES: Final = 1 << 16
_LISTED: Final = 8
_KEYS: Final = re.compile(r'"([^"\\]{1,60})"\s*:')
_YAML_KEY: Final = re.compile(r"^([A-Za-z_][\w .-]{0,60}):(?:\s|$)", re.MULTILINE)
_PROGRAMS: Final = re.compile(
    r"^[ \t]*(?:#!|import |from \w[\w.]* import |def |const |let |var |function |package |using |public class )",
    re.MULTILINE,
)
_REPORT_OF_COSTS: Final = "a Cost and Usage Report"
_BINARY: Final = "binary data"
_KINDS: Final = (
    (re.compile(r"^\s*(?:<!doctype html|<html)", re.IGNORECASE), "a web page"),
    (re.compile(r"^\s*<\?xml|^\s*<[a-zA-Z]"), "XML"),
    (re.compile(r"AWSTemplateFormatVersion|AWS::Serverless|\"?Type\"?:\s*\"?AWS::"), "a CloudFormation or SAM template"),
    (re.compile(r"^[ \t]*(?:resource|provider|module|variable|terraform)\b[^\n]*\{", re.MULTILINE), "Terraform code"),
    (re.compile(r"\"(?:lineItem/|line_item_)|lineItem/UsageType"), _REPORT_OF_COSTS),
    (re.compile(r"^%PDF"), "a PDF document"),
    (re.compile(r"^RESULTS\t@?\w+\t"), "results of Logs Insights as text, which lose their rows; ask for --output json"),
    (re.compile(r"^(?:https?|h2|grpcs|wss?) \S+Z (?:app|net)/"), "an access log of a load balancer"),
    (re.compile(r"^[0-9a-f]{40,} \S+ \[[0-9]{2}/[A-Z][a-z]{2}/[0-9]{4}:"), "an access log of S3"),
    (re.compile(r"^\S+ \S+ \S+ \[[0-9]{2}/[A-Z][a-z]{2}/[0-9]{4}:"), "an access log of a web server"),
    (re.compile(r"^(?:version account-id |[0-9] [0-9]{12} eni-)"), "a VPC flow log"),
    (re.compile(r'"nbformat"\s*:'), "a Jupyter notebook"),
    (re.compile(r'"eventSource"\s*:\s*"[\w.]+\.amazonaws\.com"'), "events of CloudTrail"),
    (re.compile(r'"Traces"\s*:.{0,2000}"Segments"\s*:', re.DOTALL), "traces of X-Ray"),
    (re.compile(r'"type"\s*:\s*"(?:Metric|Point)".{0,400}"metric"\s*:', re.DOTALL), "results of k6"),
    (re.compile(r'"executionArn"\s*:.{0,4000}"status"\s*:\s*"(?:FAILED|TIMED_OUT|ABORTED|RUNNING)"', re.DOTALL),
     "an execution of Step Functions that has not succeeded, so it has no output"),
    (re.compile(r'"executionArn"\s*:'), "an execution of Step Functions without Power Tuning's output"),
    (re.compile(r'"Functions"\s*:\s*\[\s*\{\s*"FunctionName"|"Configuration"\s*:\s*\{\s*"FunctionName"|^\s*\{\s*"FunctionName"'),
     "a function's configuration, as the AWS CLI gives it"),
    (re.compile(r"^resource_usage:|^resource_type_default_usage:", re.MULTILINE), "an Infracost usage file"),
    (re.compile(r"^service:(?=.{0,20000}^provider:)", re.MULTILINE | re.DOTALL), "a serverless.yml"),
    (re.compile(r"^name:(?=.{0,20000}^functions:)", re.MULTILINE | re.DOTALL), "a scenario of lambdasim"),
)  # fmt: skip
_DATED: Final = re.compile(r"\W{0,3}[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}:[0-9]{2}\S*[ \t]+\S")


def looks_like(file: SourceFile) -> str:
    """Describe a file in half a sentence that begins with a semicolon; nothing where it cannot be read."""
    try:
        head = file.head()[:_HEAD_BYTES]
    except TraceError:
        return ""
    return f"; the file looks like {_described(head)}"


def refuse_no_table(file: SourceFile) -> None:
    """Make sure that a file without reports of Lambda may be a table.

    Raises
    ------
    TraceError
        When it is plainly something else, saying what it looks like.
    """
    found = _marked(file.head()[:_HEAD_BYTES])
    if found and found not in (_REPORT_OF_COSTS, _BINARY):
        raise TraceError.single(
            file.path, "", f"must be a log of Lambda, or a table with timestamps; the file looks like {found}"
        )


def _marked(head: bytes) -> str:
    """Name the kind of a file that has its mark; empty where it has none."""
    if b"\0" in head or head[:4] in (b"\x89PNG", b"\xff\xd8\xff\xe0", b"GIF8"):
        return _BINARY
    text = head.decode("utf-8", errors="replace").lstrip("\ufeff")
    return next((kind for mark, kind in _KINDS if mark.search(text)), "")


def _described(head: bytes) -> str:
    if found := _marked(head):
        return found
    text = head.decode("utf-8", errors="replace").lstrip("\ufeff")
    if text.lstrip()[:1] in ("{", "["):
        names = list(dict.fromkeys(clipped(name) for name in _KEYS.findall(text)))
        return f"JSON with the keys {_some(names)}" if names else "JSON without keys"
    if _PROGRAMS.search(text):
        return "program code"
    first = text.lstrip().splitlines()[0] if text.strip() else ""
    if _DATED.match(first):
        return "log text without Lambda's REPORT lines"
    keys = list(dict.fromkeys(clipped(name) for name in _YAML_KEY.findall(text)))
    if keys and _YAML_KEY.match(text.lstrip("#- \r\n")) and "," not in first:
        return f"YAML with the keys {_some(keys)}"
    for comma, name in ((",", "commas"), (";", "semicolons"), ("\t", "tabs")):
        if comma in first and len(first) < 4_000:
            columns = [clipped(part.strip()) for part in first.split(comma)]
            return f"a table with {name} and the columns {_some(columns)}"
    return "plain text" if first else "blank text"


def _some(names: list[str]) -> str:
    more = "" if len(names) <= _LISTED else f" and {len(names) - _LISTED} more"
    return one_of(json.dumps(name, ensure_ascii=False) for name in names[:_LISTED]) + more
