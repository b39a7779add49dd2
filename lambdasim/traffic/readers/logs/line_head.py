"""What stands before Lambda's words on a line of log text: time, log stream and log group, as tools write them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import Final

from lambdasim.traffic.readers.moments import MomentRule
from lambdasim.units import to_epoch_us

_STREAM_FORM: Final = (
    r"(?P<stream>[0-9]{4}/[0-9]{2}/[0-9]{2}/[^\s\[\]]{0,160}\[[^\s\[\]]{1,160}\][^\s\[\]\"'{}|,)]{1,160})"
)
"""A log stream: its day, the function where several share a group, the version, and the environment."""
FUNCTION_IN_STREAM: Final = re.compile(r"[0-9]{4}/[0-9]{2}/[0-9]{2}/(?P<name>[\w-]{1,140})\[")
"""How the stream of a shared log group begins."""
ISO_FORM: Final = (
    r"[0-9]{4}(?:-[0-9]{2}-|/[0-9]{2}/)[0-9]{2}[T ][0-9]{2}:[0-9]{2}:[0-9]{2}"
    r"(?:[.,][0-9]{1,9})?(?:[ ]?(?:Z\b|UTC\b|[+-][0-9]{2}:?[0-9]{2}\b))?"
)
"""A time with its day, with or without an offset."""
_TIME: Final = re.compile(
    rf"(?<![\w.-])(?:(?P<iso>{ISO_FORM})"
    r"|(?P<epoch>[0-9]{10}\.[0-9]{1,9}|[0-9]{19}|[0-9]{16}|[0-9]{13})(?![\w.-])"
    r"|(?P<mail>(?:[A-Z][a-z]{2}, )?[0-9]{1,2} [A-Z][a-z]{2} [0-9]{4} [0-9]{2}:[0-9]{2}:[0-9]{2} "
    r"(?:GMT|UTC|[+-][0-9]{4}))"
    r"|(?P<server>[0-9]{2}/[A-Z][a-z]{2}/[0-9]{4}:[0-9]{2}:[0-9]{2}:[0-9]{2} [+-][0-9]{4}))"
)
_CLOCK: Final = re.compile(r"(?<![\w:.])[0-9]{1,2}:[0-9]{2}:[0-9]{2}(?![\w:])")
_OFFSET: Final = re.compile(r"(?:Z|UTC|[+-][0-9]{2}:?[0-9]{2})$")
_STREAM: Final = re.compile(_STREAM_FORM)
_GROUP: Final = re.compile(r"(?<![\w/])/aws/lambda/(?P<name>[\w-]{1,140})(?=[\s\"'|,:)\]}])")
_NOTHING: Final = re.compile(r"[\s|>\"'`,;()\[\]-]*")
_UNITS_PER_S: Final = {10: 1, 13: 10**3, 16: 10**6, 19: 10**9}
_REACH: Final = 600
_USUAL: Final = re.compile(
    r"([0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]{1,9})?(?:Z|[+-][0-9]{2}:[0-9]{2}))"
    r" ([0-9]{4}/[0-9]{2}/[0-9]{2}/\[[$\w]{1,64}\]\w{1,64}) "
)
"""As `aws logs tail` writes it."""


@dataclass(frozen=True, slots=True)
class LineHead:
    """What stands before Lambda's words.

    Attributes
    ----------
    time_us : int or None
        [µs since 1970].
    stream, function : str or None
        Log stream; named by the log group.
    unread : str
        What looks like a time of the day, in a form that says no day or could mean two.
    local : bool
        Whether the time says no offset from UTC.
    """

    time_us: int | None = None
    stream: str | None = None
    function: str | None = None
    unread: str = ""
    local: bool = False


def function_of_stream(stream: str) -> str | None:
    """Name the function that a log stream names, as those of a log group that several functions share do.

    Examples
    --------
    >>> function_of_stream("2026/08/03/orders[$LATEST]0f3a"), function_of_stream("2026/08/03/[$LATEST]0f3a")
    ('orders', None)
    """
    found = FUNCTION_IN_STREAM.match(stream)
    return found["name"] if found else None


def line_head(before: str, above: str, rule: MomentRule) -> LineHead:
    """Read what stands before Lambda's words on their line, or alone on the line above.

    Parameters
    ----------
    before : str
        The line up to Lambda's words.
    above : str
        The line before; its time counts where it holds nothing else, as text copied from the console does.
    rule : MomentRule
        What a time without an offset means.

    Raises
    ------
    ValueError
        When a time lacks its offset and the rule has none, or is none of the calendar.

    Examples
    --------
    >>> line_head("[2026-08-03T02:00:00+02:00] (orders) ", "", MomentRule()).time_us
    1785715200000000
    >>> line_head("", "1785715200000", MomentRule()).time_us
    1785715200000000
    """
    usual = _USUAL.fullmatch(before)
    if usual is not None:
        return LineHead(rule.one(usual[1]), usual[2])
    if len(before) > _REACH:
        return LineHead()
    stream, group = _STREAM.search(before), _GROUP.search(before)
    time = _TIME.search(before)
    if time is None and not _NOTHING.sub("", before):
        alone = _TIME.search(above)
        rest = "" if alone is None else _STREAM.sub("", above[: alone.start()] + above[alone.end() :])
        time = alone if alone is not None and not _NOTHING.sub("", rest) else None
        stream = stream or (_STREAM.search(above) if time is not None else None)
    clock = _CLOCK.search(before) if time is None else None
    return LineHead(
        None if time is None else _moment_us(time, rule),
        stream["stream"] if stream else None,
        group["name"] if group else None,
        before.strip()[:60] if clock else "",
        time is not None and time["iso"] is not None and _OFFSET.search(time["iso"]) is None,
    )


def _moment_us(time: re.Match[str], rule: MomentRule) -> int:
    if time["epoch"]:
        whole, _, fraction = time["epoch"].partition(".")
        return (
            int(whole + fraction[:6].ljust(6, "0"))
            if fraction
            else (int(whole) * 10**6 // _UNITS_PER_S[len(whole)])
        )
    if time["mail"]:
        return to_epoch_us(parsedate_to_datetime(time["mail"].replace("UTC", "+0000")))
    if time["server"]:
        day, _, clock = time["server"].partition(":")
        return to_epoch_us(parsedate_to_datetime(f"{day.replace('/', ' ')} {clock}"))
    written = time["iso"].replace(",", ".").replace("/", "-")
    if written.endswith("UTC"):
        written = written[:-3].rstrip() + "Z"
    return rule.one(written[:19] + written[19:].replace(" ", ""))
