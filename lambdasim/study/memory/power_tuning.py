"""AWS Lambda Power Tuning's chart address and output file, read and written.

Notes
-----
The address is ``base#sizes;durations;costs``, each the standard base64 of a little-endian typed array: Int16 sizes [MB],
Float32 durations [ms], Float32 costs [USD per invocation]. Two functions are compared with six arrays and two names.

References
----------
github.com/alexcasalboni/aws-lambda-power-tuning, ``lambda/utils.js`` (``buildVisualizationURL``) and
README-INPUT-OUTPUT.md; github.com/matteo-ronchetti/aws-lambda-power-tuning-ui; seen 2026-11.
"""

from __future__ import annotations

import base64
import binascii
import codecs
import json
import os
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from itertools import pairwise
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote, unquote

import numpy as np
from numpy.typing import NDArray

from lambdasim.errors import InputError
from lambdasim.outputs import noted_input

CHART_BASE: Final = "https://lambda-power-tuning.show/"
_MOST_CHARS: Final = 1_000_000
_MOST_INSIDE: Final = 10_000
_DIGITS: Final = 40
_NUMBER: Final = re.compile(r"[0-9]+(?:\.[0-9]+)?(?:[eE][+-]?[0-9]{1,3})?")
_OF_STATS: Final = ("value", "averageDuration", "averagePrice")


@dataclass(frozen=True)
class TunedPoint:
    """One memory size of a chart.

    Attributes
    ----------
    memory_mb : int
        [MB].
    duration_ms : float
        Mean duration [ms].
    cost_usd : Decimal
        Mean cost of an invocation, request fee excluded [USD]; with the digits that were read.
    """

    memory_mb: int
    duration_ms: float
    cost_usd: Decimal


@dataclass(frozen=True)
class TunedSeries:
    """One function of a chart.

    Attributes
    ----------
    points : tuple of TunedPoint
        In the order of the chart, which rises by memory size.
    name : str
        Empty where the chart names none.
    """

    points: tuple[TunedPoint, ...]
    name: str = ""


@dataclass(frozen=True)
class TuningChart:
    """A chart's address, decoded.

    Attributes
    ----------
    series : tuple of TunedSeries
    base : str
        All of the address before ``#``; ``?currency=CNY`` at its end in China.
    """

    series: tuple[TunedSeries, ...]
    base: str = CHART_BASE

    @property
    def url(self) -> str:
        """The address, byte for byte as Power Tuning writes it."""
        arrays = [text for series in self.series for text in _encoded(series.points)]
        names = (
            [quote(series.name, safe="()*!'~-_.") for series in self.series] if len(self.series) > 1 else []
        )
        return f"{self.base}#{';'.join([*arrays, *names])}"

    @classmethod
    def parse(cls, url: str) -> TuningChart:
        """Decode a chart's address.

        Parameters
        ----------
        url : str

        Raises
        ------
        InputError
            When it is no such address.

        Examples
        --------
        >>> chart = TuningChart.parse("https://lambda-power-tuning.show/#AAQABgAI;3t2NQUREREFERExB;ilmiNADhrzRWgeo0")
        >>> [(point.memory_mb, round(point.duration_ms, 4)) for point in chart.series[0].points]
        [(1024, 17.7333), (1536, 12.2667), (2048, 12.7667)]
        """
        base, hash_sign, content = url.strip().partition("#")
        if not hash_sign or len(url) > _MOST_CHARS:
            raise _refused("", f"must have sizes;durations;costs after #, got {url[:60]!r}")
        parts = content.split(";")
        if len(parts) not in (3, 8):
            raise _refused("", f"must have three parts after #, or eight for two functions, got {len(parts)}")
        names = [unquote(name) for name in parts[6:]] or [""]
        series = tuple(
            TunedSeries(_decoded(*parts[3 * place : 3 * place + 3]), name) for place, name in enumerate(names)
        )
        return cls(series, base)


def chart_url(points: Iterable[TunedPoint], base: str = CHART_BASE) -> str:
    """Write the address of a chart of one function, smallest memory size first.

    Parameters
    ----------
    points : iterable of TunedPoint
    base : str
        Address of the page that draws it.
    """
    ordered = tuple(sorted(points, key=lambda point: point.memory_mb))
    return TuningChart((TunedSeries(ordered),), base).url


@dataclass(frozen=True)
class TuningOutput:
    """What Power Tuning's state machine puts out.

    Attributes
    ----------
    power_mb : int
        The size that it recommends [MB].
    cost_usd : Decimal
        Mean cost of an invocation at that size, with the digits that were read [USD].
    duration_ms : float
        Mean duration at that size [ms].
    points : tuple of TunedPoint
        Every size: from ``stats`` where the output has them, else from the chart; else the recommended one alone.
    chart : TuningChart or None
        The address in the output, where there is one that can be decoded.
    from_stats : bool
        Whether ``points`` have the full digits of ``stats``.
    """

    power_mb: int
    cost_usd: Decimal
    duration_ms: float
    points: tuple[TunedPoint, ...]
    chart: TuningChart | None
    from_stats: bool


def read_power_tuning(path: str | os.PathLike[str]) -> TuningOutput:
    """Read the output of Power Tuning from a JSON file; see ``parse_power_tuning``.

    Parameters
    ----------
    path : path-like

    Returns
    -------
    TuningOutput
    """
    file = Path(path)
    noted_input(file)
    try:
        with file.open("rb") as stream:
            content = stream.read(_MOST_CHARS + 1)
    except OSError as error:
        raise InputError.single(str(file), "", f"cannot be read: {error.strerror}") from None
    if len(content) > _MOST_CHARS:
        raise InputError.single(str(file), "", f"must have at most {_MOST_CHARS:,} bytes")
    try:
        wide = content[:2] in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
        return parse_power_tuning(content.decode("utf-16" if wide else "utf-8-sig"), str(file))
    except UnicodeDecodeError:
        raise InputError.single(str(file), "", "must be UTF-8 or UTF-16") from None


def parse_power_tuning(text: str, where: str = "Power Tuning output") -> TuningOutput:
    """Read the output of Power Tuning from JSON text.

    Parameters
    ----------
    text : str
        The output with ``results`` around it or without; ``power`` as number or text; with ``stats`` or without. Also
        what Step Functions shows of a tuning run, whose ``output`` is JSON inside a text (``describe-execution``,
        ``get-execution-history``), that text alone, and ``stats`` alone, of which the cheapest size is then the
        recommended one, as by default.
    where : str
        Name of the source, for messages.

    Raises
    ------
    InputError
        When a value is missing or cannot be accepted.
    """
    content = _parsed(text, where)
    if isinstance(content, str):
        content = _parsed(content, where)
    if isinstance(content, list):
        content = {"stats": content}
    if isinstance(content, dict) and "power" not in content and "stats" not in content:
        content = _output_inside(content, where) or content
    if not isinstance(content, dict):
        raise InputError.single(where, "", "must be an object with power, cost and duration")
    stats = content.get("stats")
    if stats is not None and (not isinstance(stats, list) or not stats):
        raise InputError.single(where, "stats", "must be a list with at least one size")
    found = [_point(row, _OF_STATS, f"{where}, stats {place}") for place, row in enumerate(stats or [])]
    points = tuple(sorted(found, key=lambda point: point.memory_mb))
    chosen = (
        min(points, key=lambda point: point.cost_usd)
        if points and "power" not in content
        else _point(content, ("power", "duration", "cost"), where)
    )
    chart = _chart_of(content, needed=not points)
    if not points:
        points = chart.series[0].points if chart else (chosen,)
    return TuningOutput(
        chosen.memory_mb, chosen.cost_usd, chosen.duration_ms, points, chart, stats is not None
    )


def _chart_of(content: Mapping[str, Any], *, needed: bool) -> TuningChart | None:
    """Decode the chart's address in an output; what cannot be decoded is left out unless the sizes are needed."""
    machine = content.get("stateMachine")
    address = machine.get("visualization") if isinstance(machine, dict) else None
    if not isinstance(address, str) or ";" not in address:
        return None
    try:
        return TuningChart.parse(address)
    except InputError:
        if needed:
            raise
        return None


def _parsed(text: str, where: str) -> Any:
    try:
        return json.loads(text, parse_float=Decimal, parse_int=Decimal, parse_constant=_no_number)
    except (ValueError, RecursionError) as error:
        raise InputError.single(where, "", f"is not JSON: {str(error)[:100]}") from None
    except ArithmeticError:
        raise InputError.single(where, "", "has a number whose exponent is too large to be read") from None


def _output_inside(content: Any, where: str) -> Mapping[str, Any] | None:
    """Find the output of a tuning run inside an object; the last one, which is that of the whole execution."""
    found, waiting, seen = None, [content], 0
    while waiting and seen < _MOST_INSIDE:
        part, seen = waiting.pop(0), seen + 1
        if isinstance(part, Mapping):
            if ("power" in part and "duration" in part) or _has_stats(part):
                found = part
                continue
            texts = [part[key] for key in ("output", "Output", "results") if isinstance(part.get(key), str)]
            waiting += [_parsed(one, f"{where}, output") for one in texts if one.lstrip()[:1] == "{"]
            waiting += [value for value in part.values() if isinstance(value, Mapping | list)]
        elif isinstance(part, list):
            waiting += [value for value in part if isinstance(value, Mapping | list)]
    return found


def _has_stats(part: Mapping[str, Any]) -> bool:
    stats = part.get("stats")
    return (
        isinstance(stats, list) and bool(stats) and isinstance(stats[0], Mapping) and _OF_STATS[1] in stats[0]
    )


def _point(row: Any, keys: tuple[str, str, str], where: str) -> TunedPoint:
    """Read one size from an object's size, duration and cost."""
    if not isinstance(row, Mapping):
        raise InputError.single(where, "", f"must be an object, got {repr(row)[:40]}")
    size, duration, cost = (_number(row, key, where) for key in keys)
    if size != int(size) or not 0 < size <= np.iinfo(np.int16).max:
        raise InputError.single(where, keys[0], f"must be a whole memory size, got {size}")
    return TunedPoint(int(size), float(duration), cost)


def _number(row: Mapping[str, Any], key: str, where: str) -> Decimal:
    if key not in row:
        raise InputError.single(where, key, "is missing")
    value = row[key]
    if isinstance(value, str) and len(value) < _DIGITS and _NUMBER.fullmatch(value.strip()):
        value = Decimal(value.strip())
    if not isinstance(value, Decimal) or value < 0 or value.adjusted() > _DIGITS:
        got = str(value) if isinstance(value, Decimal) else repr(value)
        raise InputError.single(where, key, f"must be a number from 0, got {got[:40]}")
    return value


def _no_number(text: str) -> Decimal:
    raise ValueError(f"a number must be finite, got {text}")


def _encoded(points: tuple[TunedPoint, ...]) -> tuple[str, str, str]:
    """Encode sizes, durations and costs."""
    sizes = np.array([point.memory_mb for point in points], dtype="<i2")
    durations = np.array([point.duration_ms for point in points], dtype="<f4")
    costs = np.array([float(point.cost_usd) for point in points], dtype="<f4")
    first, second, third = (base64.b64encode(a.tobytes()).decode() for a in (sizes, durations, costs))
    return first, second, third


def _decoded(sizes: str, durations: str, costs: str) -> tuple[TunedPoint, ...]:
    size, duration, cost = (
        _array(name, text, kind)
        for name, text, kind in (
            ("sizes", sizes, "<i2"),
            ("durations", durations, "<f4"),
            ("costs", costs, "<f4"),
        )
    )
    if not len(size) == len(duration) == len(cost) or not len(size):
        raise _refused(
            "",
            f"must have as many sizes as durations and costs, got {len(size)}, {len(duration)}, {len(cost)}",
        )
    if any(low >= high for low, high in pairwise([0, *size.tolist()])):
        raise _refused("sizes", f"must be above 0 and rise, got {size.tolist()[:12]}")
    rows = zip(size.tolist(), duration.tolist(), cost.tolist(), strict=True)
    return tuple(TunedPoint(mb, ms, Decimal(usd)) for mb, ms, usd in rows)


def _array(name: str, text: str, kind: str) -> NDArray[Any]:
    """Decode one array."""
    try:
        content = base64.b64decode(text, validate=True)
        values = np.frombuffer(content, dtype=kind)
    except (binascii.Error, ValueError):
        raise _refused(name, f"must be base64 of a typed array, got {text[:40]!r}") from None
    if not (np.isfinite(values) & (values >= 0)).all():
        raise _refused(name, "must be numbers from 0")
    return values


def _refused(field: str, text: str) -> InputError:
    return InputError.single("chart address", field, text)
