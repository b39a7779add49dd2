"""Log events out of JSON or CSV, in each shape in which CloudWatch and its tools write them."""

from __future__ import annotations

import csv
import io
import json
import re
import zlib
from base64 import b64decode
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

from lambdasim.errors import Fault, TraceError
from lambdasim.traffic.readers.json_text import behind_list, json_items, json_sequence, parse_json
from lambdasim.traffic.readers.logs.marks import has_words
from lambdasim.traffic.readers.logs.remarks import is_performance
from lambdasim.traffic.readers.logs.wrapped import (
    Wrapped,
    in_strings,
    is_time_name,
    known_of,
    messages_within,
    moment_us,
    wrapped_records,
    written_by_lambda,
)
from lambdasim.traffic.readers.source import JSON_LIMIT_BYTES
from lambdasim.units import US_PER_MS
from lambdasim.yaml_text import read_yaml

_LATEST_MS: Final = 7_258_118_400_000  # the year 2200
_LIST: Final = re.compile(r'\s*(?:\[(?=\s*[\[{\]])|\{\s*"events"\s*:\s*\[)')
_YAML: Final = re.compile(r"(?:events|searchedLogStreams|nextToken|nextForwardToken|results):(?:\r?\n| \S)")
_ANSWER: Final = re.compile(r'\s*\{\s*"(?:events|searchedLogStreams|next[A-Za-z]*Token)"')
_PYTHON: Final = re.compile(r"\s*(?:\[\s*)?\{'")
_OBJECT: Final = re.compile(r"\s*\{")
_HEADER: Final = re.compile(r'"?[@_]?[A-Za-z][^\r\n{}]{0,4000}\r?\n')
_SEPARATORS: Final = ",;\t|"
_ROW_REACH: Final = 1 << 16
_MESSAGES: Final = ("message", "_raw", "line", "content", "body", "event.original", "log.message")
_TIMES: Final = ("timestamp", "_time", "time", "date", "tsns")
"""Columns of message and time as CloudWatch, Splunk, Datadog, Grafana and Kibana name them; the first counts."""
_GROUP_PATH: Final = re.compile(r"^.*[/:]", re.DOTALL)
_STREAM: Final = ("logstreamname", "logstream")
_GROUP: Final = ("loggroup", "loggroupname", "loggroupidentifier", "log")
_GROUPS: Final = ("logGroup", "logGroupName", "@log", "logGroupIdentifier")
"""As CloudWatch itself writes it, for what a function wrote, of which logs have most."""
_PLACE: Final = re.compile(r"^.*\.|[@_]")
"""What names of streams and groups have besides: a prefix up to the last dot, and marks."""
_PACKED: Final = re.compile(r"(?<![A-Za-z0-9+/])H4sI[A-Za-z0-9+/]{40,}={0,2}")
"""Base64 of what begins as gzip does."""
_TAIL: Final = re.compile(r'"LogResult"\s*:\s*"([^"\\]*)"')


@dataclass(frozen=True, slots=True)
class LogEvent:
    """What CloudWatch Logs keeps of one log event.

    Attributes
    ----------
    message : str
    time_us : int or None
        [µs since 1970].
    exec_env : str or None
        Log stream.
    function : str or None
        Named by the log group.
    """

    message: str
    time_us: int | None
    exec_env: str | None
    function: str | None


@lru_cache(maxsize=1_024)
def function_of_group(group: str) -> str:
    """Name the function of a log group: what follows its last slash or colon.

    Examples
    --------
    >>> function_of_group("123456789012:/aws/lambda/resize")
    'resize'
    """
    return _GROUP_PATH.sub("", group)


def invoked_text(path: str, text: str) -> str | None:
    """Decode the log tails in answers of ``aws lambda invoke --log-type Tail``; None where a text is no such answer.

    Raises
    ------
    TraceError
        When a tail is not base64 of text.
    """
    if not _OBJECT.match(text) or not (tails := _TAIL.findall(text)):
        return None
    try:
        return "\n".join(b64decode(tail, validate=True).decode() for tail in tails)
    except ValueError:
        raise TraceError.single(path, "LogResult", "must be base64 of text") from None


def packed_text(path: str, text: str) -> str | None:
    """Unpack what a subscription delivers: gzip as base64, in JSON of any shape or on lines; None where there is none.

    Raises
    ------
    TraceError
        When it is broken, or unpacks to more than a log may have.
    """
    if written_by_lambda(text) or not (found := _PACKED.findall(text)):
        return None
    parts, size = [], 0
    for number, one in enumerate(found, start=1):
        try:
            member = zlib.decompressobj(wbits=31)
            parts.append(member.decompress(b64decode(one, validate=True), JSON_LIMIT_BYTES - size).decode())
        except (ValueError, zlib.error):
            raise TraceError.single(path, f"data {number}", "must be base64 of whole gzip data") from None
        size += len(parts[-1])
        if member.unconsumed_tail:
            allowed = f"must unpack to at most {JSON_LIMIT_BYTES >> 20} MiB; split it"
            raise TraceError.single(path, "data", allowed)
    return "\n".join(parts)


def log_records(path: str, text: str) -> Iterator[tuple[str, Any]] | None:
    """Return the records of a file of log events, each with its place or as a fault; None where it is lines of text.

    Parameters
    ----------
    path : str
        Name of the file, for messages.
    text : str
        The whole file.

    Raises
    ------
    TraceError
        When an answer of CloudWatch Logs has no list of events.
    """
    if _YAML.match(text):
        answer = read_yaml(text, path, TraceError)[0]
        return _counted(iter([{**answer, "events": answer.get("events") or answer.get("results") or []}]))
    if _LIST.match(text):
        return _counted(_lists(path, text))
    if _ANSWER.match(text):
        if _holds_events(next(json_sequence(path, text))):
            return _counted(json_sequence(path, text))
        answer = parse_json(path, text)
        events = answer.get("events")
        if not isinstance(events, list):
            raise TraceError.single(path, "events", f"must be a list of log events, got {events!r:.40}")
        return _counted(iter(events))
    if _PYTHON.match(text):
        wrong = "must be JSON, and is what Python prints of a dictionary; write it with json.dumps"
        raise TraceError.single(path, "", wrong)
    if _OBJECT.match(text):
        first = next((item for item in json_sequence(path, text) if not isinstance(item, Fault)), None)
        if _holds_events(first):
            return _counted(json_sequence(path, text))
    if in_strings(text):
        return wrapped_records(path, text)
    table = _table(text)
    return None if table is None else _rows(path, text, *table)


def log_event(event: Any) -> LogEvent | dict[str, Any] | None:
    """Read one log event, or a ``platform`` object that stands alone; None for what an application wrote.

    Raises
    ------
    TraceError
        Without a place, when the event is not as CloudWatch writes it.
    """
    if isinstance(event, Wrapped):
        time_us = (
            event.time_us if event.time_us is not None or not event.unread else _time_us("time", event.unread)
        )
        return LogEvent(event.message, time_us, event.exec_env, event.function)
    if not isinstance(event, dict):
        raise TraceError.single("", "", f"must be an object, got {event!r:.40}")
    held = [event[name] for name in ("message", "@message") if name in event]
    if not held:
        mine = str(event.get("type", "")).startswith("platform.") or is_performance(event)
        return event if mine else None
    message, clock = held[-1], "timestamp" if "timestamp" in event else "@timestamp"
    if isinstance(message, dict):
        message = json.dumps(message, ensure_ascii=False)
    if not isinstance(message, str):
        raise TraceError.single("", "message", f"must be text, got {message!r:.40}")
    moment = event.get(clock)
    if clock == "timestamp" and isinstance(moment, str) and "level" in event:
        return None
    time_us = _time_us(clock, moment)
    if not has_words(message):
        named = next((event[name] for name in _GROUPS if isinstance(event.get(name), str)), None)
        return LogEvent(message, time_us, None, function_of_group(named) if named else None)
    group = _first_text(event, _GROUP)
    function = function_of_group(group) if group else None
    stream = _first_text(event, _STREAM)
    if stream is None or not function:
        inside = known_of(event, Wrapped(""))
        stream, function = stream or inside.exec_env, function or inside.function
    return LogEvent(message, time_us, stream, function or None)


def _lists(path: str, text: str) -> Iterator[Any]:
    """Yield the items of a list and of those behind it, as a file has that several answers were appended to."""
    place = 0
    while opening := _LIST.match(text, place):
        place = yield from json_items(path, text, opening.end(), in_object="{" in opening[0])
    if text.startswith("{", place):
        yield from json_sequence(path, text[place:])
    elif place < len(text):
        raise behind_list(path, text, place)


def _counted(items: Iterator[Any]) -> Iterator[tuple[str, Any]]:
    for number, item in enumerate(items, start=1):
        if isinstance(item, Fault):
            yield "", item
            continue
        for place, event in _unwrapped(item):
            yield f"record {number}{place}", event


def _unwrapped(item: Any) -> Iterator[tuple[str, Any]]:
    """Yield the log events of a subscription's record, a page, a query's or a search's results; or the item itself."""
    if isinstance(item, list) and all(isinstance(pair, dict) for pair in item):
        yield "", fields_of(item)
        return
    name, events = _list_in(item)
    if name == "results" and any(isinstance(event, dict) and _nests(event) for event in events):
        name = None
    if name is None:
        yield from _as_it_is(item)
        return
    shared = {key: value for key, value in item.items() if _plain_name(key) in (*_GROUP, *_STREAM)}
    for number, event in enumerate(events, start=1):
        read = fields_of(event) if name == "results" else event
        yield f", event {number}", shared | read if isinstance(read, dict) else read


def _nests(row: Mapping[str, Any]) -> bool:
    """Return whether a result holds lists or objects, as no row of a query of Logs Insights does."""
    return any(isinstance(value, list | dict) for name, value in row.items() if name != "@message")


def _as_it_is(item: Any) -> Iterator[tuple[str, Any]]:
    """Yield an item with a message and a time, or a platform object; else what Lambda wrote somewhere inside it."""
    told = isinstance(item, dict) and ("message" in item or "@message" in item)
    if told and any(name in item for name in ("timestamp", "@timestamp")):
        yield "", item
        return
    found = list(messages_within(item))
    if not found and not isinstance(item, list):
        yield "", item
    for number, event in enumerate(found, start=1):
        yield f", event {number}", event


def _list_in(item: Any) -> tuple[str | None, list[Any]]:
    if not isinstance(item, dict):
        return None, []
    for name in ("logEvents", "events", "results"):
        if isinstance(item.get(name), list):
            return name, item[name]
    hits = item.get("hits")
    found = hits.get("hits") if isinstance(hits, dict) else [item] if "_source" in item else None
    if isinstance(found, list):
        return "hits", [hit.get("_source", hit) if isinstance(hit, dict) else hit for hit in found]
    return None, []


def _holds_events(item: Any) -> bool:
    if not isinstance(item, dict):
        return False
    told = isinstance(item.get("message"), str) and isinstance(item.get("timestamp"), int)
    return told or ("@timestamp" in item and "@message" in item) or _list_in(item)[0] is not None


def _table(text: str) -> tuple[str, list[str]] | None:
    """Return the separator and the names of a table of messages, time and message as ``CloudWatch`` names them."""
    first = _HEADER.match(text)
    if first is None:
        return None
    for separator in _SEPARATORS:
        rows = csv.reader(io.StringIO(text[: first.end() + _ROW_REACH], newline=""), delimiter=separator)
        header = next(rows)
        if separator != "," and len(next(rows, header)) != len(header):
            continue
        lower = [name.strip().lower().removeprefix("@") for name in header]
        told = next((lower.index(name) for name in _MESSAGES if name in lower), None)
        if told is not None and len(header) > 1:
            time = next((lower.index(name) for name in _TIMES if name in lower), None)
            named = [place for place, name in enumerate(header) if is_time_name(name)]
            time = time if time is not None or not named else named[0]
            places = {told: "@message"} if time is None else {told: "@message", time: "@timestamp"}
            return separator, [places.get(place, name) for place, name in enumerate(header)]
    return None


def _rows(path: str, text: str, separator: str, names: list[str]) -> Iterator[tuple[str, Any]]:
    rows = csv.reader(io.StringIO(text, newline=""), strict=True, delimiter=separator)
    try:
        next(rows, [])
    except csv.Error as problem:
        yield "", Fault(f"{path}, row 1", "", f"must be CSV ({problem})")
        return
    while True:
        where = f"row {rows.line_num + 1}"
        try:
            row = next(rows)
        except StopIteration:
            return
        except csv.Error as problem:
            yield "", Fault(f"{path}, {where}", "", f"must be CSV ({problem})")
            continue
        if row and len(row) != len(names):
            wrong = f"must have {len(names)} fields like the header, has {len(row)}"
            yield "", Fault(f"{path}, {where}", "", wrong)
        elif row:
            yield where, dict(zip(names, row, strict=True))


def _time_us(clock: str, moment: object) -> int:
    if isinstance(moment, str):
        if (found := moment_us(moment)) is not None:
            return found
        allowed = (
            f"must be an ISO 8601 time such as 2026-11-01T00:00:00Z, or ms since 1970, got {moment!r:.40}"
        )
        raise TraceError.single("", clock, allowed)
    if isinstance(moment, bool) or not isinstance(moment, int) or not 0 <= moment <= _LATEST_MS:
        allowed = f"must be ms since 1970, up to the year 2200, got {moment!r:.40}"
        raise TraceError.single("", clock, allowed)
    return moment * US_PER_MS


@lru_cache(maxsize=1_024)
def _plain_name(name: str) -> str:
    return _PLACE.sub("", name.lower())


def _first_text(event: Mapping[str, Any], names: tuple[str, ...]) -> str | None:
    given = {_plain_name(key): value for key, value in event.items() if isinstance(value, str)}
    return next((given[name] for name in names if given.get(name)), None)


def fields_of(result: object) -> dict[str, str] | Fault:
    """Read one result of a Logs Insights query: pairs of field and value, or an object with its fields by name.

    Returns
    -------
    dict of str to str, or Fault
        A fault has no place.
    """
    if isinstance(result, dict):
        return _flat_fields(result)
    if not isinstance(result, list):
        return Fault("", "", f"must be a list of fields, got {result!r:.40}")
    fields: dict[str, str] = {}
    for pair in result:
        name, value = (pair.get("field"), pair.get("value", "")) if isinstance(pair, dict) else (None, None)
        if not isinstance(name, str) or not isinstance(value, str):
            return Fault("", "", f"must have objects with a field and a value, both text, got {pair!r:.40}")
        if name in fields:
            return Fault("", "", f"must have each field once, has {name[:40]!r} twice")
        if name != "@ptr":
            fields[name] = value
    return fields


def _flat_fields(result: Mapping[str, Any]) -> dict[str, str] | Fault:
    fields = {}
    for name, value in result.items():
        if isinstance(value, bool) or not isinstance(value, str | int | float | None):
            return Fault("", name[:40], f"must be text or a number, got {value!r:.40}")
        fields[name] = "" if value is None else str(value)
    fields.pop("@ptr", None)
    return fields
