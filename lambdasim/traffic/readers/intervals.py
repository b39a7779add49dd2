"""Lengths of intervals that a series of counts does not state, and the gaps and overlaps between its rows."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, cast

import numpy as np

from lambdasim.errors import TraceError
from lambdasim.traffic.report import ReadLog
from lambdasim.units import US_PER_DAY, format_duration

if TYPE_CHECKING:
    from numpy.typing import NDArray

LONGEST_INTERVAL_US: Final = 366 * US_PER_DAY


def checked_interval_us(path: str, given_us: int | None, times_us: Iterable[NDArray[np.int64]]) -> int:
    """Return the interval that was given, or else the most common step between times; of equals, the shortest.

    Parameters
    ----------
    path : str
        Name of the file, for messages.
    given_us : int or None
        Interval said by the user [µs].
    times_us : iterable of numpy.ndarray
        Starts of intervals, one array for each series [µs since 1970].

    Raises
    ------
    TraceError
        When there is one time only and no interval given, or the interval is not from 1 µs to 366 days.
    """
    interval_us = given_us
    if interval_us is None:
        steps_us = np.concatenate([np.diff(np.unique(series_us)) for series_us in times_us])
        if not steps_us.size:
            raise TraceError.single(path, "timestamp", "one time only, so the interval must be given")
        lengths_us, uses = np.unique(steps_us, return_counts=True)
        interval_us = int(lengths_us[np.argmax(uses)])
    if not (
        isinstance(cast("object", interval_us), int | np.integer) and 0 < interval_us <= LONGEST_INTERVAL_US
    ):
        allowed = f"must be from 1 to {LONGEST_INTERVAL_US}, got {interval_us!r:.40}"
        raise TraceError.single(path, "interval_us", allowed)
    return interval_us


@dataclass
class StepCheck:
    """Counts gaps and overlaps while series of counts stream by.

    Attributes
    ----------
    interval_us : int
        Length of the interval that each count stands for [µs].
    """

    interval_us: int
    _last_us: dict[str, int] = field(default_factory=dict)
    _gaps: int = 0
    _overlaps: int = 0

    def see(self, name: str, times_us: NDArray[np.int64]) -> None:
        """Take the next times of a series, in order [µs since 1970]."""
        before_us = self._last_us.get(name, int(times_us[0]) - self.interval_us)
        steps_us = np.diff(times_us, prepend=before_us)
        self._last_us[name] = int(times_us[-1])
        self._overlaps += int(np.count_nonzero(steps_us < self.interval_us))
        self._gaps += int(np.sum(np.maximum(steps_us // self.interval_us - 1, 0)))

    def tell(self, log: ReadLog) -> None:
        """Note what was found."""
        length = format_duration(self.interval_us)
        if self._gaps == 1:
            log.warn(f"1 interval of {length} has no row and counts as zero")
        elif self._gaps:
            log.warn(f"{self._gaps:,} intervals of {length} have no row and count as zero")
        if self._overlaps == 1:
            log.warn("1 row begins before the interval above it ends; their counts add up")
        elif self._overlaps:
            log.warn(
                f"{self._overlaps:,} rows begin before the intervals above them end; their counts add up"
            )
