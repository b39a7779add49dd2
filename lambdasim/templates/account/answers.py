"""Files of AWS CLI answers, in any order and under any name: each value is recognised by its content."""

from __future__ import annotations

import csv
import io
import os
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any, Final

from lambdasim.errors import TemplateError
from lambdasim.manifest import MANIFEST
from lambdasim.outputs import noted_input
from lambdasim.templates.documents import decoded_text, json_values, parse_document
from lambdasim.templates.found import Remark
from lambdasim.wording import clipped, count, listed

_MOST_FILES: Final = 50_000
_MOST_BYTES: Final = 256_000_000
_MOST_IN_ALL: Final = 2_000_000_000
_NOTED: Final = 8


class Kind(StrEnum):
    """What a value of a file is, by the command that prints it."""

    FUNCTIONS = "list-functions"
    FUNCTION = "get-function"
    CONFIGURATION = "get-function-configuration"
    CONCURRENCY = "get-function-concurrency"
    MAPPINGS = "list-event-source-mappings"
    ACCOUNT = "get-account-settings"
    PROVISIONED = "list-provisioned-concurrency-configs"
    EVENTS = "list-function-event-invoke-configs"
    POLICY = "get-policy"
    URLS = "list-function-url-configs"
    QUEUE = "get-queue-attributes"
    STREAM = "describe-stream-summary"
    RULES = "list-rules"
    SCHEDULE = "get-schedule"
    TARGETS = "describe-scalable-targets"
    POLICIES = "describe-scaling-policies"
    ACTIONS = "describe-scheduled-actions"
    METRICS = "get-metric-data"
    QUERIES = "queries of get-metric-data"
    STATISTICS = "get-query-results"
    COSTS = "get-cost-and-usage"
    OPTIMIZER = "get-lambda-function-recommendations"


_LISTS: Final = {
    "Functions": Kind.FUNCTIONS,
    "Versions": Kind.FUNCTIONS,
    "EventSourceMappings": Kind.MAPPINGS,
    "ProvisionedConcurrencyConfigs": Kind.PROVISIONED,
    "FunctionEventInvokeConfigs": Kind.EVENTS,
    "FunctionUrlConfigs": Kind.URLS,
    "Rules": Kind.RULES,
    "ScalableTargets": Kind.TARGETS,
    "ScalingPolicies": Kind.POLICIES,
    "ScheduledActions": Kind.ACTIONS,
    "MetricDataResults": Kind.METRICS,
    "lambdaFunctionRecommendations": Kind.OPTIMIZER,
}
_SINGLES: Final[tuple[tuple[frozenset[str], Kind], ...]] = (
    (frozenset({"Configuration"}), Kind.FUNCTION),
    (frozenset({"AccountLimit"}), Kind.ACCOUNT),
    (frozenset({"Policy"}), Kind.POLICY),
    (frozenset({"Attributes"}), Kind.QUEUE),
    (frozenset({"StreamDescriptionSummary"}), Kind.STREAM),
    (frozenset({"StreamDescription"}), Kind.STREAM),
    (frozenset({"MetricDataQueries"}), Kind.QUERIES),
    (frozenset({"ResultsByTime"}), Kind.COSTS),
    (frozenset({"ScheduleExpression", "Target"}), Kind.SCHEDULE),
    (frozenset({"results", "statistics"}), Kind.STATISTICS),
    (frozenset({"results", "status"}), Kind.STATISTICS),
)
_ITEMS: Final[tuple[tuple[frozenset[str], Kind], ...]] = (
    (frozenset({"MetricStat", "Id"}), Kind.QUERIES),
    (frozenset({"Expression", "Id"}), Kind.QUERIES),
    (frozenset({"UUID", "EventSourceArn"}), Kind.MAPPINGS),
    (frozenset({"UUID", "BatchSize"}), Kind.MAPPINGS),
    (frozenset({"FunctionArn", "RequestedProvisionedConcurrentExecutions"}), Kind.PROVISIONED),
    (frozenset({"Timestamps", "Values", "Label"}), Kind.METRICS),
    (frozenset({"FunctionName", "MemorySize"}), Kind.CONFIGURATION),
    (frozenset({"FunctionArn", "MemorySize"}), Kind.CONFIGURATION),
    (frozenset({"FunctionName", "Timeout"}), Kind.CONFIGURATION),
    (frozenset({"FunctionUrl", "FunctionArn"}), Kind.URLS),
    (frozenset({"FunctionArn", "MaximumRetryAttempts"}), Kind.EVENTS),
    (frozenset({"FunctionArn", "MaximumEventAgeInSeconds"}), Kind.EVENTS),
    (frozenset({"FunctionArn", "DestinationConfig"}), Kind.EVENTS),
    (frozenset({"currentMemorySize", "functionArn"}), Kind.OPTIMIZER),
    (frozenset({"ResourceId", "ScalableTargetAction"}), Kind.ACTIONS),
    (frozenset({"ResourceId", "PolicyType"}), Kind.POLICIES),
    (frozenset({"ResourceId", "ScalableDimension"}), Kind.TARGETS),
)
_OF_NO_USE: Final = frozenset({
    "QueueUrl", "QueueUrls", "queryId", "logGroups", "UserId", "Tags", "StreamNames", "Aliases", "TableNames",
    "Layers", "LayerVersions", "Buckets", "items", "Topics", "Subscriptions", "Targets", "Schedules", "queries",
    "Metrics",
})  # fmt: skip
_OF_SDKS: Final = frozenset({"ResponseMetadata", "$metadata"})
"""What SDKs put beside an answer."""
_TOKENS: Final = ("NextMarker", "NextToken", "nextToken", "NextPageToken", "position")
_CSV_KINDS: Final = (
    ("functionarn", Kind.OPTIMIZER),
    ("@log", Kind.STATISTICS),
    ("function_name", Kind.STATISTICS),
)
_YAML: Final = (".yaml", ".yml")
_SHOWN_BYTES: Final = 4096
_SHAPES: Final = (
    (re.compile(r"-{3,}\r?\n\|"), "a table, which --output table prints"),
    (re.compile(r"[A-Z]{3,}\t|[^\s{\[<]+\t[^\n]*\t"), "columns of text, which --output text prints"),
    (
        re.compile(r"[\[{]"),
        "JSON without what names a function as AWS does, which --query or jq may have renamed",
    ),
)


@dataclass(frozen=True)
class Item:
    """One thing that an answer says.

    Attributes
    ----------
    file : str
        Name of the file, for messages.
    data : dict
        As AWS wrote it.
    """

    file: str
    data: dict[str, Any]


@dataclass
class Answers:
    """Everything that the files of an export say.

    Attributes
    ----------
    items : dict of Kind to list of Item
        Functions, mappings ... one by one; answers that are no list as a whole.
    warnings : list of Remark
        Files left out, empty ones, pages that are missing.
    files : int
        How many were recognised.
    """

    items: dict[Kind, list[Item]] = field(default_factory=dict)
    warnings: list[Remark] = field(default_factory=list)
    files: int = 0
    _last: dict[Kind, bool] = field(default_factory=dict)
    _cut: dict[Kind, str] = field(default_factory=dict)

    def of(self, kind: Kind) -> list[Item]:
        """Return what answers of a kind say, in the order of the files' names."""
        return self.items.get(kind, [])

    def add(self, kind: Kind, file: str, data: Iterable[Any]) -> None:
        """Add the items of an answer; what is no mapping is passed over."""
        held = self.items.setdefault(kind, [])
        held += [Item(file, one) for one in data if isinstance(one, dict)]

    def page(self, kind: Kind, file: str, more: bool) -> None:
        """Note whether an answer was the last page of its list."""
        if more:
            self._cut.setdefault(kind, file)
        else:
            self._last[kind] = True

    def tell_missing_pages(self) -> None:
        """Warn of lists whose last page is in no file."""
        for kind, file in self._cut.items():
            if not self._last.get(kind):
                told = f"is not the last page of {kind}, nor is another file: leave --no-paginate and --max-items out"
                self.warnings.append(Remark(clipped(file, 120), told))


def read_answers(sources: Iterable[Path], but: str = "") -> Answers:
    """Read files of AWS CLI answers.

    Parameters
    ----------
    sources : iterable of Path
        Files, and folders whose files are read with those of folders in them. JSON as the CLI prints it, pages one after
        another in a file or in files of their own; YAML; CSV of Compute Optimizer and Logs Insights. Empty files are what
        the CLI prints where there is nothing to list.
    but : str
        Files whose names end so are passed over; of none where it is empty.

    Returns
    -------
    Answers

    Raises
    ------
    TemplateError
        Naming the file that is cut off, too large or not readable; or where nothing was recognised.
    """
    answers = Answers()
    empty: list[str] = []
    foreign: dict[str, str] = {}
    total = 0
    for path, name in _files(sources):
        if path.name == MANIFEST or (but and path.name.endswith(but)):
            continue
        content = _content(path, name)
        total += len(content)
        if total > _MOST_IN_ALL:
            raise TemplateError.single(name, "", f"the files have more than {_MOST_IN_ALL:,} bytes")
        if not content.strip(b"\xef\xbb\xbf\xff\xfe \t\r\n\x00"):
            empty.append(name)
            answers.items.setdefault(Kind.CONCURRENCY, [])
        elif _take(answers, content, name):
            answers.files += 1
        else:
            foreign[name] = _shape(content)
    if foreign:
        told = f"{count(len(foreign), 'file')} not recognised, left out: {listed(list(foreign)[:_NOTED], most=_NOTED)}"
        answers.warnings.append(Remark("", told))
    if not answers.files:
        first = next(iter(foreign or empty), None)
        told = (
            f"has no answer of the AWS CLI about functions, as --output json prints it{foreign.get(first or '', '')}; "
            "lambdasim import aws --commands prints the commands"
        )
        where = str(next(iter(sources), "")) if first is None else first
        raise TemplateError.single(where, "", told)
    answers.tell_missing_pages()
    return answers


def _files(sources: Iterable[Path]) -> Iterator[tuple[Path, str]]:
    """Give each file once, in the order of names, with its name for messages."""
    seen: set[Path] = set()
    sources = list(sources)
    for source in sources:
        try:
            if not source.exists():
                raise TemplateError.single(str(source), "", "must be an existing file or folder")
            found = [source]
            if source.is_dir():
                found = sorted(
                    Path(folder) / name
                    for folder, _, names in os.walk(source)
                    for name in names
                    if not name.startswith(".")
                )
        except OSError as error:
            raise TemplateError.single(clipped(source), "", f"cannot be read: {error.strerror}") from None
        if len(found) > _MOST_FILES:
            raise TemplateError.single(str(source), "", f"has more than {_MOST_FILES:,} files")
        for path in found:
            if path.is_file() and (real := path.resolve()) not in seen:
                seen.add(real)
                # Of one folder its own name says nothing; of several it may be the region.
                within = source.parent if len(sources) > 1 and source.name else source
                yield path, str(path.relative_to(within)) if source.is_dir() else path.name


def _shape(content: bytes) -> str:
    """Say how an answer was printed that cannot be read, where that is known; else nothing."""
    text = content[:_SHOWN_BYTES].decode("utf-8", errors="replace").lstrip("\ufeff\r\n ")
    return next((f": it looks like {told}" for mark, told in _SHAPES if mark.match(text)), "")


def _content(path: Path, name: str) -> bytes:
    try:
        noted_input(path)
        with path.open("rb") as stream:
            content = stream.read(_MOST_BYTES + 1)
    except OSError as error:
        raise TemplateError.single(name, "", f"cannot be read: {error.strerror}") from None
    if len(content) > _MOST_BYTES:
        raise TemplateError.single(name, "", f"must have at most {_MOST_BYTES:,} bytes")
    return content


def _take(answers: Answers, content: bytes, name: str) -> bool:
    """Take what a file says; return whether it was recognised."""
    if b"\x00" in content[:64] and not content.startswith((b"\xff\xfe", b"\xfe\xff")):
        return False
    try:
        text = decoded_text(content, name)
    except TemplateError:
        if content.lstrip()[:1] not in (b"{", b"["):
            return False
        # The command line of Windows writes in its code page; what it cannot spell are descriptions.
        text = content.decode("cp1252", errors="replace")
    start = text.lstrip()[:1]
    if start in "{[":
        taken = [_recognised(answers, one.data, name) for one in json_values(text, name)]
        return any(taken)
    if Path(name).suffix in _YAML:
        try:
            return _recognised(answers, parse_document(text, name).data, name)
        except TemplateError:
            return False
    return _take_csv(answers, text, name)


def _take_csv(answers: Answers, text: str, name: str) -> bool:
    header = text.lstrip().partition("\n")[0].lower()
    for word, kind in _CSV_KINDS:
        if word in [part.strip().strip('"') for part in header.split(",")]:
            try:
                rows = list(csv.DictReader(io.StringIO(text.lstrip()), strict=True))
            except csv.Error as error:
                raise TemplateError.single(name, "", f"is no CSV: {error}") from None
            answers.add(kind, name, rows)
            return True
    return False


def _recognised(answers: Answers, data: Any, name: str) -> bool:
    if isinstance(data, list):
        return _take_list(answers, data, name)
    if not isinstance(data, dict):
        return False
    keys = set(data) - _OF_SDKS
    more = any(data.get(token) for token in _TOKENS)
    for key, kind in _LISTS.items():
        if isinstance(data.get(key), list):
            answers.add(kind, name, data[key])
            answers.page(kind, name, more)
            return True
    for wanted, kind in (*_SINGLES, *_ITEMS):
        if wanted <= keys:
            answers.add(kind, name, [data])
            return True
    if keys == {"ReservedConcurrentExecutions"}:
        answers.add(Kind.CONCURRENCY, name, [data])
        return True
    if {"Label", "Datapoints"} <= keys:
        told = (
            "get-metric-statistics does not say whose metric it is, so it was left out; get-metric-data does"
        )
        answers.warnings.append(Remark(clipped(name, 120), told))
        return True
    return bool(keys & _OF_NO_USE) or not keys


def _take_list(answers: Answers, data: list[Any], name: str) -> bool:
    """Take a bare list, of items known by their keys as ``--query`` leaves it, or of whole answers as ``jq -s`` does."""
    kinds: Counter[Kind] = Counter()
    for one in data:
        if isinstance(one, dict) and any(isinstance(one.get(key), list) for key in _LISTS):
            _recognised(answers, one, name)
            kinds[Kind.FUNCTIONS] += 1
            continue
        for wanted, kind in _ITEMS if isinstance(one, Mapping) else ():
            if wanted <= set(one):
                answers.add(kind, name, [one])
                kinds[kind] += 1
                break
    return bool(kinds) or not data
