"""AWS Lambda Power Tuning's output as something to calibrate from."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Sequence
from typing import Final
from urllib.parse import unquote

from lambdasim.calibration.data.statistics import SizeStatistics, from_summary
from lambdasim.catalog import limit
from lambdasim.errors import InputError, TraceError
from lambdasim.outputs import noted_input
from lambdasim.study.memory.power_tuning import TunedPoint, TuningChart, read_power_tuning
from lambdasim.traffic.readers.source import SourceFile
from lambdasim.wording import listed

TUNING_RUNS: Final = 50
"""Runs for each size that are assumed: Power Tuning's output does not say; its README shows 50."""
TUNING_NOTE: Final = (
    f"Power Tuning gives one trimmed mean for each size, taken as of {TUNING_RUNS} runs: "
    "tails, INIT, traffic and failures are not known"
)
_FAR: Final = 2.5
_PERIODS_MS: Final = 40.0
_HEAD: Final = 1 << 16
_POWER: Final = re.compile(rb'\\?"power\\?"\s*:')
_STATS: Final = re.compile(rb'\\?"averageDuration\\?"\s*:')
_REPORTED: Final = re.compile(rb"REPORT RequestId:|platform\.report")
_DURATION: Final = re.compile(rb'\\?"duration\\?"\s*:')
_CHART: Final = re.compile(
    r"https?://[^\s\"'<>)\]]{1,200}#[A-Za-z0-9+/=%_-]+;[A-Za-z0-9+/=%_-]+;[^\s\"'<>)\]]+"
)

_ENCODED: Final = re.compile(r"https?://[^\s#]{1,200}%23")
"""An address whose mark before the figures is written as other programs pass it on."""


def is_power_tuning(source: str | os.PathLike[str]) -> bool:
    """Say whether a source is a chart's address, a JSON file with Power Tuning's output, or a text with such an address.

    Examples
    --------
    >>> is_power_tuning("https://lambda-power-tuning.show/#AAQABgAI;3t2NQUREREFERExB;ilmiNADhrzRWgeo0")
    True
    >>> is_power_tuning("logs.json")
    False
    """
    if str(source).startswith(("https://", "http://")):
        return True
    head = _head(source)
    return _is_output(head) or _chart_inside(head) is not None


def _is_output(head: bytes) -> bool:
    """Say whether a file begins as JSON with Power Tuning's sizes."""
    if head.lstrip()[:1] not in (b"{", b"[", b'"') or _REPORTED.search(head):
        return False
    return bool((_POWER.search(head) and _DURATION.search(head)) or _STATS.search(head))


def _head(source: str | os.PathLike[str]) -> bytes:
    """Return the beginning of a file, unpacked and as UTF-8; nothing where it cannot be read."""
    try:
        return SourceFile.at(source).head()[:_HEAD]
    except TraceError:
        return b""


def _chart_inside(head: bytes) -> str | None:
    """Find the address of a chart in a text; None in logs, and where there is none."""
    if _REPORTED.search(head):
        return None
    text = head.decode("utf-8", errors="replace")
    found = _CHART.search(unquote(text) if _ENCODED.search(text) else text)
    return None if found is None else found[0]


def tuning_statistics(source: str | os.PathLike[str]) -> list[SizeStatistics]:
    """Read the sizes of a chart's address, of a text that holds one, or of a file of Power Tuning's output.

    Raises
    ------
    InputError
        When it cannot be read, or compares two functions.

    Examples
    --------
    >>> url = "https://lambda-power-tuning.show/#AAQABgAI;3t2NQUREREFERExB;ilmiNADhrzRWgeo0"
    >>> [(size.memory_mb, round(size.centre_ms, 2)) for size in tuning_statistics(url)]
    [(1024, 17.73), (1536, 12.27), (2048, 12.77)]
    """
    given = str(source) if str(source).startswith(("https://", "http://")) else None
    head = b"" if given else _head(source)
    if given is None and not _is_output(head):
        given = _chart_inside(head)
        noted_input(source)
    if given is not None:
        series = TuningChart.parse(given).series
        if len(series) > 1:
            names = " and ".join(one.name for one in series)
            raise InputError.single("chart address", "", f"must be of one function, compares {names[:80]}")
        return _statistics(series[0].points)
    return _statistics(read_power_tuning(source).points)


def _spoilt(points: Sequence[TunedPoint]) -> list[TunedPoint]:
    """Find means that are no warm runs beside the others: far above what a larger or a smaller size allows.

    More memory never makes a run much longer, and less makes it longer by the ratio of the sizes at most, but for whole
    periods of the scheduler; both with room to spare.
    """
    return [
        one
        for one in points
        if any(
            one.duration_ms
            > _FAR * other.duration_ms * max(other.memory_mb / one.memory_mb, 1.0) + _PERIODS_MS
            for other in points
        )
    ]


def _statistics(points: Iterable[TunedPoint]) -> list[SizeStatistics]:
    points = tuple(points)
    least, most = limit("memory_min_mb").value, limit("memory_max_mb").value
    for one in points:
        if not least <= one.memory_mb <= most:
            allowed = f"must be memory sizes of {least:,} to {most:,} MB, got {one.memory_mb:,}"
            raise InputError.single("Power Tuning", "value", allowed)
        if one.duration_ms <= 0:
            allowed = f"must be above 0 ms, got {one.duration_ms:g} at {one.memory_mb:,} MB"
            raise InputError.single("Power Tuning", "duration", allowed)
    spoilt = _spoilt(points)
    if spoilt:
        names = listed([f"{one.memory_mb:,} MB ({one.duration_ms:.4g} ms)" for one in spoilt], last=" and ")
        raise InputError.single(
            "Power Tuning",
            "duration",
            f"must be of warm runs alone: no function takes so long at {names} beside the other sizes, as means do that "
            "hold cold starts; tune these sizes again with more runs, or leave them out",
        )
    return [from_summary(point.memory_mb, TUNING_RUNS, point.duration_ms) for point in points]
