"""Log events inside what other systems export: strings in JSON of any shape, with the time and stream beside them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from functools import lru_cache
from typing import Any, Final

from lambdasim.errors import Fault
from lambdasim.traffic.readers.json_text import json_sequence
from lambdasim.traffic.readers.moments import MomentRule

_WRITTEN: Final = re.compile(
    r"(?:START|END|REPORT) RequestId:|(?:INIT|RESTORE)_(?:START|REPORT)\b|RequestId: [\w-]+ |Task timed out after"
    r"|\bERROR\s+Invoke Error\b|\[ERROR\] [A-Za-z_]|\"type\"\s*:\s*\"platform\.|\"event_type\"\s*:\s*\"performance\""
)
"""What Lambda writes of a run."""
_IN_STRINGS: Final = re.compile(
    r'"\s*(?:START|REPORT) RequestId:|REPORT RequestId:[^"\r\n]{1,80}(?:\\t|\\u0009)'
    r'|\\"type\\"\s*:\s*\\"platform\.(?:report|start)\\"'
)
_STREAM: Final = re.compile(
    r"[0-9]{4}/[0-9]{2}/[0-9]{2}/[^\s\[\]]{0,160}\[[^\s\[\]]{1,160}\][^\s\[\]]{1,160}"
)
_GROUP: Final = re.compile(r"(?:[0-9]{12}:|[a-z]{2}(?:-[a-z]+)+-[0-9]:)?/aws/lambda/(?P<name>[\w-]{1,140})")
_TIMES: Final = frozenset(
    ("timestamp", "time", "ts", "t", "dt", "date", "datetime", "eventtime", "tsns", "timestampms", "timeunixnano",
     "messagetime", "messagetimems", "timegenerated", "timestamputc", "timegeneratedutc")
)  # fmt: skip
"""Names of a time, without marks and in small letters."""
_MARKS: Final = re.compile(r"[^a-z]")
_ANSWERED: Final = re.compile(
    r"^EVENTS\t(?:[0-9]{20,}\t)?[0-9]{13}\t"
    r"(?:(?P<stream>[0-9]{4}/[0-9]{2}/[0-9]{2}/[^\t\r\n]{1,400})\t)?"
    r"(?P<message>(?:(?!^EVENTS\t).)*?)\t(?P<time>[0-9]{13})\r?$",
    re.MULTILINE | re.DOTALL,
)
"""An event of ``aws logs filter-log-events`` or ``get-log-events`` with ``--output text``: its time stands at the end."""
_DEEPEST: Final = 12
_NUMBER: Final = re.compile(r"[0-9]{9,20}(?:\.[0-9]{1,9})?")
_KIBANA: Final = re.compile(
    r"([A-Z][a-z]{2}) ([0-9]{1,2}), ([0-9]{4}) @ ([0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]{1,6})?)"
)
_DOTNET: Final = re.compile(r"/Date\(([0-9]{9,20})(?:[+-][0-9]{4})?\)/")
_MONTHS: Final = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_DATED: Final = re.compile(r"[0-9]{4}-[0-9]{2}|[A-Z][a-z]{2} [0-9]{1,2}, [0-9]{4}")
_LOCAL: Final = MomentRule(naive="utc")
_UNITS_PER_S: Final = ((10**17, 10**9), (10**14, 10**6), (10**11, 10**3), (0, 1))
"""The number from which a time since 1970 is in ns, µs, ms or s, and how many of these a second has."""


@dataclass(frozen=True, slots=True)
class Wrapped:
    """A message as another system keeps it.

    Attributes
    ----------
    message : str
    time_us : int or None
        [µs since 1970].
    exec_env, function : str or None
        Log stream; named by the log group.
    unread : str
        A date that cannot be read, where a time should be.
    """

    message: str
    time_us: int | None = None
    exec_env: str | None = None
    function: str | None = None
    unread: str = ""


def in_strings(text: str) -> bool:
    """Return whether a text is JSON that holds Lambda's lines or objects inside strings, its first line whole or not."""
    begins = text.lstrip()[:1] in ("{", "[") or 2 * text.count("\n{") >= text.count("\n") > 1
    return begins and _IN_STRINGS.search(text) is not None


def written_by_lambda(text: str) -> bool:
    """Return whether a text has a line or an object that Lambda wrote of a run."""
    return _WRITTEN.search(text) is not None


def timed_lines(text: str) -> str:
    """Bring the time and stream of each event of the CLI's text output before its message; other text stays as it is."""
    if "EVENTS\t" not in text:
        return text
    return _ANSWERED.sub(
        lambda event: f"{event['time']} {event['stream'] + ' ' if event['stream'] else ''}{event['message']}",
        text,
    )


def wrapped_records(path: str, text: str) -> Iterator[tuple[str, Any]]:
    """Yield the log events inside JSON, each with its place; a fault for what is no JSON."""
    for number, item in enumerate(json_sequence(path, text), start=1):
        if isinstance(item, Fault):
            yield "", item
            continue
        for place, event in enumerate(messages_within(item), start=1):
            yield f"record {number}, event {place}", event


def messages_within(item: Any) -> Iterator[Wrapped]:
    """Find what Lambda wrote inside parsed JSON, with the time and the log stream that stand nearest.

    Parameters
    ----------
    item : object
        Objects and lists of any shape. A list of a time and a text belongs together, as Loki and ``--query`` give it.

    Examples
    --------
    >>> [one] = messages_within({"result": {"_raw": "START RequestId: 1", "_time": "2026-01-01T00:00:00Z"}})
    >>> one.message, one.time_us
    ('START RequestId: 1', 1767225600000000)
    """
    yield from _within(item, Wrapped(""), _DEEPEST)


def moment_us(text: str | float) -> int | None:
    """Read a time by its form: s, ms, µs or ns since 1970, ISO 8601, Kibana's or .NET's; None where it is none.

    Without an offset it is taken as UTC.

    Examples
    --------
    >>> moment_us("1767225600000"), moment_us("1767225600.5"), moment_us("Jan 1, 2026 @ 00:00:00.250"), moment_us("x")
    (1767225600000000, 1767225600500000, 1767225600250000, None)
    """
    written = str(text).strip()
    if in_json := _DOTNET.fullmatch(written):
        written = in_json[1]
    if _NUMBER.fullmatch(written):
        number = Decimal(written)
        return int(number * 10**6 // next(per_s for least, per_s in _UNITS_PER_S if number >= least))
    if (found := _KIBANA.fullmatch(written)) and found[1] in _MONTHS:
        written = f"{found[3]}-{_MONTHS.index(found[1]) + 1:02}-{int(found[2]):02}T{found[4]}"
    try:
        return _LOCAL.one(written.removesuffix(" UTC"))
    except ValueError:
        return None


def without_offset(text: str) -> bool:
    """Return whether times are written as Kibana shows them, in the zone of the browser."""
    return _KIBANA.search(text) is not None


def _within(item: Any, about: Wrapped, deep: int) -> Iterator[Wrapped]:
    if isinstance(item, str):
        if _WRITTEN.search(item):
            yield replace(about, message=item)
    elif deep and isinstance(item, Mapping):
        about = known_of(item, about)
        said: set[str] = set()
        for value in item.values():
            for found in _within(value, about, deep - 1):
                if found.message.strip() not in said:
                    said.add(found.message.strip())
                    yield found
    elif deep and isinstance(item, list):
        pair = [value for value in item if not isinstance(value, Mapping | list)]
        if len(pair) == len(item) and 2 <= len(item) <= 4:
            times = [
                us
                for value in item
                if not isinstance(value, bool | None) and (us := moment_us(value)) is not None
            ]
            about = replace(about, time_us=times[0]) if times else about
        for value in item:
            yield from _within(value, about, deep - 1)


@lru_cache(maxsize=1_024)
def is_time_name(name: str) -> bool:
    """Return whether a field is known as a time by its name.

    Examples
    --------
    >>> is_time_name("@timestamp"), is_time_name("TimeGenerated [UTC]"), is_time_name("ingestionTime")
    (True, True, False)
    """
    return _MARKS.sub("", name.lower()) in _TIMES


def known_of(item: Mapping[str, Any], about: Wrapped) -> Wrapped:
    """Take time, log stream and log group that an object has, in itself or in objects inside it."""
    for name, value in item.items():
        if isinstance(value, bool) or not isinstance(value, str | int | float):
            continue
        if not is_time_name(str(name)):
            continue
        if (us := moment_us(value)) is not None:
            about = replace(about, time_us=us, unread="")
            break
        if _DATED.match(str(value)):
            about = replace(about, unread=str(value))
    for value in _plain(item, 4):
        if _STREAM.fullmatch(value):
            about = replace(about, exec_env=value)
        elif named := _GROUP.fullmatch(value):
            about = replace(about, function=named["name"])
    return about


def _plain(item: Mapping[str, Any], deep: int) -> Iterator[str]:
    """Yield the strings of an object and of those inside it, not of lists."""
    for value in item.values():
        if isinstance(value, str):
            yield value
        elif deep and isinstance(value, Mapping):
            yield from _plain(value, deep - 1)
