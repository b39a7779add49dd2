"""AWS Lambda Power Tuning's output as something to calibrate from."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from lambdasim.calibration.data.statistics import SizeStatistics, from_summary
from lambdasim.errors import InputError
from lambdasim.study.memory.power_tuning import TunedPoint, TuningChart, read_power_tuning

TUNING_RUNS: Final = 50
"""Runs for each size that are assumed: Power Tuning's output does not say; its README shows 50."""
TUNING_NOTE: Final = (
    f"Power Tuning tells one trimmed mean for each size, taken as of {TUNING_RUNS} runs: "
    "tails, INIT, traffic and failures are not known"
)
_HEAD: Final = 1 << 16


def is_power_tuning(source: str | os.PathLike[str]) -> bool:
    """Say whether a source is a chart's address, or a JSON file of Power Tuning's output.

    Examples
    --------
    >>> is_power_tuning("https://lambda-power-tuning.show/#AAQABgAI;3t2NQUREREFERExB;ilmiNADhrzRWgeo0")
    True
    >>> is_power_tuning("logs.json")
    False
    """
    if str(source).startswith(("https://", "http://")):
        return True
    try:
        with Path(source).open("rb") as stream:
            head = stream.read(_HEAD)
    except OSError:
        return False
    return head.lstrip()[:1] == b"{" and b'"power"' in head and b'"duration"' in head


def tuning_statistics(source: str | os.PathLike[str]) -> list[SizeStatistics]:
    """Read the sizes of a chart's address, or of a file of Power Tuning's output, with ``stats`` or without.

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
    if str(source).startswith(("https://", "http://")):
        series = TuningChart.parse(str(source)).series
        if len(series) > 1:
            names = " and ".join(one.name for one in series)
            raise InputError.single("chart address", "", f"must be of one function, compares {names[:80]}")
        return _statistics(series[0].points)
    return _statistics(read_power_tuning(source).points)


def _statistics(points: Iterable[TunedPoint]) -> list[SizeStatistics]:
    return [from_summary(point.memory_mb, TUNING_RUNS, point.duration_ms) for point in points]
