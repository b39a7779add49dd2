"""Targets such as ``age=5min`` or ``backlog=10k``, and whether a run keeps them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from lambdasim.engine.totals.function_totals import FunctionTotals
from lambdasim.errors import InputError
from lambdasim.results.failures import lost_events
from lambdasim.results.run import RunResult
from lambdasim.study.measures import QUANTILES
from lambdasim.units import US_PER_MS, US_PER_S, format_duration, parse_duration_us
from lambdasim.wording import count, percent

if TYPE_CHECKING:
    import pandas as pd

AGE: Final = "age"
BACKLOG: Final = "backlog"
DRAIN: Final = "drain"
LOST: Final = "lost"
OF_SOURCES: Final = (AGE, BACKLOG, DRAIN)
_LATENCIES: Final = ("mean", *(name.removesuffix("_ms") for name in QUANTILES))
MEASURES: Final = (*OF_SOURCES, LOST, *_LATENCIES)
_COLUMNS: Final = {AGE: "oldest_s", BACKLOG: "peak_backlog", DRAIN: "drain_s", LOST: "lost_share"}
_SIZES: Final = {"": 1, "k": 1_000, "M": 1_000_000}
_PART: Final = re.compile(r"\s*([a-z0-9.]+)\s*(?:=|<=|<)\s*(\S.*?)\s*")
_COUNT: Final = re.compile(r"(\d+(?:\.\d+)?)([kM]?)")
_EXAMPLES: Final = "age=5min, backlog=10k, drain=1h, lost=0.1% or p95=300ms"


@dataclass(frozen=True)
class Target:
    """What a measure may be at most.

    Attributes
    ----------
    measure : str
        ``age``, the greatest age that a message or record reached; ``backlog``, the most that waited or were in progress
        as a minute ended; ``drain``, how long after the scenario's end the last one ended; ``lost``, the share of events
        that did not end with success; ``mean``, ``p50``, ``p90``, ``p95``, ``p99`` or ``p99.9`` of the latency.
    most : float
        [s] of age and drain, [messages] of backlog, a share of ``lost``, [ms] of latency.
    """

    measure: str
    most: float

    def __post_init__(self) -> None:
        """Check the measure."""
        if self.measure not in MEASURES:
            raise _fault(f"must name one of {', '.join(MEASURES)}, got {self.measure[:40]!r}")

    @property
    def column(self) -> str:
        """Name of the measure in tables of ``FunctionMeasures``, in the unit of ``most``."""
        return _COLUMNS.get(self.measure, f"{self.measure}_ms")

    @property
    def is_of_sources(self) -> bool:
        """Whether only a function with a queue or a stream has such a measure."""
        return self.measure in OF_SOURCES

    def value(self, totals: FunctionTotals) -> float:
        """Measure a function; NaN where it has no such measure.

        Parameters
        ----------
        totals : FunctionTotals

        Returns
        -------
        float
            In the unit of ``most``.
        """
        if self.measure == LOST:
            return lost_events(totals) / totals.events if totals.events else float("nan")
        if not self.is_of_sources:
            latency = totals.all_latency_ms()
            name = f"{self.measure}_ms"
            return latency.mean() if self.measure == "mean" else latency.quantile(QUANTILES[name])
        items = totals.items
        if items is None:
            return float("nan")
        if self.measure == AGE:
            return items.oldest_us / US_PER_S
        if self.measure == DRAIN:
            return max(items.last_us - items.duration_us, 0) / US_PER_S
        return float(items.backlog().max(initial=0))

    def by_minute(self, totals: FunctionTotals) -> NDArray[np.float64]:
        """Give age or backlog as each minute ended.

        Parameters
        ----------
        totals : FunctionTotals

        Returns
        -------
        ndarray of float64, shape (minutes,)
            In the unit of ``most``; empty for other measures.
        """
        items = totals.items
        if items is None or self.measure not in (AGE, BACKLOG):
            return np.zeros(0)
        found = items.backlog() if self.measure == BACKLOG else items.oldest_by_minute_us() / US_PER_S
        return found.astype(np.float64)

    def written(self, value: float) -> str:
        """Write a value of the measure with its unit.

        Parameters
        ----------
        value : float
            In the unit of ``most``.

        Returns
        -------
        str
        """
        if np.isnan(value):
            return "-"
        if self.measure == BACKLOG:
            return count(value)
        if self.measure == LOST:
            return percent(value)
        unit_us = US_PER_S if self.is_of_sources else US_PER_MS
        return time_text(value * unit_us)

    def __str__(self) -> str:
        """Write it as it is asked for."""
        return f"{self.measure}={self.written(self.most)}"


def time_text(amount_us: float) -> str:
    """Write a time in the two units that matter.

    Examples
    --------
    >>> [time_text(us) for us in (12_000, 1_500_000, 312_000_000, 86_400_000_000, 93_600_000_000)]
    ['12ms', '1.5s', '5min 12s', '1d', '1d 2h']
    """
    if amount_us < 60 * US_PER_S:
        return f"{amount_us / US_PER_S:.3g}s" if amount_us >= US_PER_S else f"{amount_us / US_PER_MS:.3g}ms"
    left = round(amount_us / US_PER_S)
    for name, size, smaller, less in (
        ("d", 86_400, "h", 3_600),
        ("h", 3_600, "min", 60),
        ("min", 60, "s", 1),
    ):
        if left >= size:
            rest = left % size // less
            return f"{left // size}{name}" + (f" {rest}{smaller}" if rest else "")
    return format_duration(left * US_PER_S)


class Kept(NamedTuple):
    """Whether a function keeps a target.

    Attributes
    ----------
    function : str
    target : Target
    value : float
        In the target's unit.
    is_met : bool
    first_minute : int
        At whose end age or backlog first was above it, from 0; -1 where it never was, or the measure has no minutes.
    minutes_above : int
    """

    function: str
    target: Target
    value: float
    is_met: bool
    first_minute: int
    minutes_above: int

    @property
    def written(self) -> str:
        """The value with its unit; where it reads like the target that it misses, it says so."""
        text = self.target.written(self.value)
        if self.is_met or text != self.target.written(self.target.most):
            return text
        return f"{text} and a little more"

    @property
    def excess(self) -> float:
        """How many times the target the value is; a target of nothing is exceeded without bounds."""
        return self.value / self.target.most if self.target.most else (0.0 if self.is_met else float("inf"))


def parse_targets(text: str) -> tuple[Target, ...]:
    """Read targets such as ``age=5min,backlog=10k``.

    Parameters
    ----------
    text : str
        Measures with their most, separated by commas.

    Returns
    -------
    tuple of Target

    Raises
    ------
    InputError
        When a measure or its value cannot be read, or a measure comes twice.

    Examples
    --------
    >>> [(one.measure, one.most) for one in parse_targets("age=5min,backlog=10k,p95=300ms,lost=0.1%")]
    [('age', 300.0), ('backlog', 10000.0), ('p95', 300.0), ('lost', 0.001)]
    """
    found = tuple(_target(part) for part in text.split(","))
    names = [one.measure for one in found]
    twice = [name for name in names if names.count(name) > 1]
    if twice:
        raise _fault(f"names {twice[0]} twice")
    return found


def _target(part: str) -> Target:
    match = _PART.fullmatch(part)
    if match is None:
        raise _fault(f"must look like {_EXAMPLES}, got {part.strip()[:40]!r}")
    measure, value = match[1], match[2]
    if measure not in MEASURES:
        raise _fault(f"must name one of {', '.join(MEASURES)}, got {measure[:40]!r}")
    if measure == BACKLOG:
        number = _COUNT.fullmatch(value)
        if number is None:
            raise _fault(f"needs a number of messages such as 10k for backlog, got {value[:40]!r}")
        return Target(measure, float(number[1]) * _SIZES[number[2]])
    if measure == LOST:
        number = _COUNT.fullmatch(value.removesuffix("%"))
        share = float(number[1]) / 100 if number is not None and value.endswith("%") else -1.0
        if number is None or number[2] or not 0 <= share <= 1:
            raise _fault(f"needs a share such as 0.1% for lost, got {value[:40]!r}")
        return Target(measure, share)
    try:
        most_us = parse_duration_us(value)
    except ValueError as error:
        raise _fault(f"{measure} {error}") from None
    return Target(measure, most_us / (US_PER_S if measure in OF_SOURCES else US_PER_MS))


def _fault(text: str) -> InputError:
    return InputError.single("targets", "--slo", text)


def kept_targets(run: RunResult, targets: Iterable[Target]) -> list[Kept]:
    """Hold every function that has a measure against its target.

    Parameters
    ----------
    run : RunResult
    targets : iterable of Target

    Returns
    -------
    list of Kept
        By target, then by function.

    Raises
    ------
    InputError
        When a target is of queues and streams, and the scenario has none.
    """
    wanted = tuple(targets)
    has_sources = any(totals.items is not None for totals in run.aggregate.functions)
    missing = [one.measure for one in wanted if one.is_of_sources]
    if missing and not has_sources:
        raise _fault(f"names {missing[0]}, but no function has a queue or a stream")
    return list(_kept(run, wanted))


def _kept(run: RunResult, targets: Sequence[Target]) -> Iterator[Kept]:
    for target in targets:
        for name, totals in zip(run.aggregate.names, run.aggregate.functions, strict=True):
            value = target.value(totals)
            if np.isnan(value):
                continue
            above = np.flatnonzero(target.by_minute(totals) > target.most)
            first = int(above[0]) if len(above) else -1
            yield Kept(name, target, value, value <= target.most, first, len(above))


def targets_frame(run: RunResult, targets: Iterable[Target]) -> pd.DataFrame:
    """Lay out whether a run keeps its targets.

    Parameters
    ----------
    run : RunResult
    targets : iterable of Target

    Returns
    -------
    DataFrame
        One row for each target and function that has its measure: ``target`` as it was asked for, ``function``,
        ``measure``, ``most`` and ``value`` (see ``Target`` for units), ``is_met``; of age and backlog also
        ``first_above``, when the minute began at whose end the value first was above its target (empty for never), and
        ``minutes_above``.

    Raises
    ------
    InputError
        When a target is of queues and streams, and the scenario has none.
    """
    import pandas as pd

    rows = kept_targets(run, targets)
    minutes = run.aggregate.minutes(max((row.first_minute for row in rows), default=-1) + 1)
    return pd.DataFrame(
        [
            {
                "target": str(row.target),
                "function": row.function,
                "measure": row.target.measure,
                "most": row.target.most,
                "value": row.value,
                "is_met": row.is_met,
                "first_above": minutes[row.first_minute] if row.first_minute >= 0 else "",
                "minutes_above": row.minutes_above,
            }
            for row in rows
        ],
        columns=["target", "function", "measure", "most", "value", "is_met", "first_above", "minutes_above"],
    )


def targets_text(run: RunResult, targets: Iterable[Target]) -> str:
    """Say for each target and function whether it is kept, a line for each.

    Parameters
    ----------
    run : RunResult
    targets : iterable of Target

    Returns
    -------
    str
    """
    lines = []
    for row in kept_targets(run, targets):
        verdict = "met   " if row.is_met else "MISSED"
        first = ""
        if row.first_minute >= 0:
            since = time_text((row.first_minute + 1) * 60 * US_PER_S)
            first = f", first above after {since}, for {count(row.minutes_above, 'minute')}"
        lines.append(f"{verdict} {row.target}: {row.function}: {row.written}{first}")
    return "\n".join(lines)
