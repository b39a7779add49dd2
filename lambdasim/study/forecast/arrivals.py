"""Arrivals of a month whose daily totals are given: each day spread over its minutes as a real day was."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from lambdasim.draws.keys import DrawKey, Quantity, uniform
from lambdasim.specs.traffic import TrafficSpec
from lambdasim.study.forecast.history import DailyHistory
from lambdasim.traffic.exact import overlaid
from lambdasim.traffic.spread import CountSpreader
from lambdasim.units import US_PER_DAY

_WEEK: Final = 7


@dataclass(frozen=True, eq=False)
class PathArrivals:
    """Arrivals of one function on one sample path; calling it starts from the beginning.

    Attributes
    ----------
    seed : int
        Of the path.
    owner : str
        The function's name.
    totals : ndarray of float64, shape (n_days,)
        Before the scenario's own scale, spikes and ramps [invocations].
    shapes : ndarray of float64, shape (n_days, n_intervals)
        Parts of each day's total, sum 1.
    traffic : TrafficSpec
        Whose scale, spikes and ramps are laid over, and whose beginning and end hold.
    """

    seed: int
    owner: str
    totals: NDArray[np.float64]
    shapes: NDArray[np.float64]
    traffic: TrafficSpec

    def __call__(self) -> Iterator[NDArray[np.int64]]:
        """Give sorted arrival times, chunk by chunk [µs since the month's beginning]."""
        spreader = CountSpreader(self.seed, self.owner, US_PER_DAY // self.shapes.shape[1])
        for begin_us, counts in self._days():
            whole = np.floor(counts)
            for times in spreader.spread(begin_us, whole.astype(np.int64), counts - whole):
                yield self._within(times)
        for times in spreader.rest():
            yield self._within(times)

    def expected(self) -> NDArray[np.float64]:
        """Give the expected events of each day, shape (n_days,)."""
        width_us = US_PER_DAY // self.shapes.shape[1]
        start_us, stop_us = self._span_us()
        events = [
            counts @ (np.clip(stop_us - begin_us, 0, width_us) - np.clip(start_us - begin_us, 0, width_us))
            for begin_us, counts in self._days()
        ]
        daily: NDArray[np.float64] = np.array(events, dtype=np.float64) / width_us
        return daily

    def _days(self) -> Iterator[tuple[NDArray[np.int64], NDArray[np.float64]]]:
        """Give beginnings of intervals [µs] and expected counts, day by day."""
        n_days, per_day = self.shapes.shape
        factor = overlaid(self.traffic, 0, n_days * US_PER_DAY).rounded()
        for day in range(n_days):
            begin_us = day * US_PER_DAY + np.arange(per_day) * (US_PER_DAY // per_day)
            yield begin_us, self.totals[day] * self.shapes[day] * factor.at(begin_us)

    def _span_us(self) -> tuple[int, int]:
        return self.traffic.start_us, self.traffic.stop_us or len(self.totals) * US_PER_DAY

    def _within(self, times: NDArray[np.int64]) -> NDArray[np.int64]:
        start_us, stop_us = self._span_us()
        return times[(times >= start_us) & (times < stop_us)]


def day_shapes(history: DailyHistory, first_day: int, n_days: int, seed: int) -> NDArray[np.float64]:
    """Choose for each day of a month a real day of the same weekday, and give its shape.

    Parameters
    ----------
    history : DailyHistory
    first_day : int
        Number of the month's first day in the history; days that the history has keep their own shape.
    n_days : int
    seed : int
        Of the path. Functions of one seed and equal histories get the same days, so that their peaks stay together.

    Returns
    -------
    ndarray of float64, shape (n_days, n_intervals)
        Each sums to 1; a weekday on which nothing ever happened is even.
    """
    counts = history.shapes.astype(np.float64)
    shape_first = len(history.totals) - len(counts)
    sums = counts.sum(axis=1)
    p = uniform(DrawKey.of(seed, "", Quantity.FORECAST_DAY).bits(np.arange(n_days)))
    shapes = np.full((n_days, counts.shape[1]), 1 / counts.shape[1])
    for day in range(n_days):
        number = first_day + day
        own = number - shape_first
        candidates = np.flatnonzero(sums[own % _WEEK :: _WEEK]) * _WEEK + own % _WEEK
        if 0 <= own < len(counts) and sums[own]:
            chosen = own
        elif len(candidates):
            chosen = int(candidates[len(candidates) - 1 - int(p[day] * len(candidates))])
        else:
            continue
        shapes[day] = counts[chosen] / sums[chosen]
    return shapes
