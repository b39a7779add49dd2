"""Arrival rate over time, and the change of clock that turns unit-rate arrivals into arrivals at that rate.

Every arrival law without a trace is one mechanism: a process of rate one (evenly spaced, exponential gaps, or gaps of
a given law) runs on an operational clock, whose speed is the rate. Doubling the rate keeps the customers and brings
them closer together, so that scenarios of different traffic stay paired. Floating-point numbers do for exponential gaps;
what must be exact is in `traffic.exact`.

References
----------
Cinlar: "Introduction to Stochastic Processes", 1975, on time changes of the Poisson process. Exact for a rate that is
constant between edges.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from lambdasim.units import US_PER_HOUR, US_PER_S

_HOURS_PER_DAY: Final = 24
_DAYS_PER_WEEK: Final = 7


@dataclass(frozen=True, eq=False)
class Rate:
    """A rate that is constant between edges.

    Attributes
    ----------
    edges_us : ndarray of int64, shape (n + 1,)
        From the beginning to the end of traffic [µs since the scenario's start].
    per_s : ndarray of float64, shape (n,)
        Arrivals per second between neighbouring edges.
    """

    edges_us: NDArray[np.int64]
    per_s: NDArray[np.float64]

    @classmethod
    def constant(cls, per_s: float, start_us: int, stop_us: int) -> Rate:
        """Make a rate that does not change."""
        return cls(np.array([start_us, stop_us]), np.array([per_s], dtype=np.float64))

    def times(self, factor: Rate) -> Rate:
        """Multiply by another rate, over the time that both cover."""
        start = max(self.edges_us[0], factor.edges_us[0])
        stop = min(self.edges_us[-1], factor.edges_us[-1])
        edges = np.union1d(self.edges_us, factor.edges_us)
        edges = edges[(edges >= start) & (edges <= stop)]
        return Rate(edges, self.at(edges[:-1]) * factor.at(edges[:-1]))

    def at(self, time_us: NDArray[np.int64]) -> NDArray[np.float64]:
        """Give the rate [1/s] at each time, shape (n,)."""
        place = np.searchsorted(self.edges_us, time_us, side="right") - 1
        return self.per_s[np.clip(place, 0, len(self.per_s) - 1)]

    def operational_clock(self, before: float = 0.0) -> NDArray[np.float64]:
        """Return the expected number of arrivals up to each edge, shape (n + 1,), `before` at the first."""
        width_s = np.diff(self.edges_us) / US_PER_S
        return np.cumsum(np.concatenate([[before], self.per_s * width_s]))


def profile(
    daily: Sequence[float] | None, weekly: Sequence[float] | None, epoch_us: int, start_us: int, stop_us: int
) -> Rate:
    """Make the factor by hour of the day and day of the week, in UTC, whose mean over a week is one.

    Parameters
    ----------
    daily : sequence of float, shape (24,), optional
        Relative rate by hour.
    weekly : sequence of float, shape (7,), optional
        Relative rate by day, Monday first.
    epoch_us : int
        The scenario's start [µs since 1970].
    start_us, stop_us : int
        The span to cover [µs since the scenario's start].
    """
    hours = np.asarray(daily or [1.0] * _HOURS_PER_DAY)
    days = np.asarray(weekly or [1.0] * _DAYS_PER_WEEK)
    shape = np.outer(days / days.mean(), hours / hours.mean()).ravel()
    first = (epoch_us + start_us) // US_PER_HOUR
    last = -(-(epoch_us + stop_us) // US_PER_HOUR)
    hour = np.arange(first, last)
    edges = np.clip(np.append(hour, last) * US_PER_HOUR - epoch_us, start_us, stop_us)
    monday = 4 * _HOURS_PER_DAY  # 1970-01-05
    return Rate(edges, shape[(hour - monday) % len(shape)])


def change_clock(
    rates: Iterable[Rate], operational: Iterator[NDArray[np.float64]]
) -> Iterator[NDArray[np.int64]]:
    """Turn arrivals on the operational clock into times.

    Parameters
    ----------
    rates : iterable of Rate
        Each begins where the one before ends.
    operational : iterator of ndarray of float64
        Chunks of increasing arrival times at rate one; may be endless.

    Yields
    ------
    ndarray of int64
        Arrival times before the last rate's last edge [µs since the scenario's start].
    """
    waiting = np.empty(0)
    reached = 0.0
    for rate in rates:
        clock = rate.operational_clock(reached)
        reached = float(clock[-1])
        while True:
            inside = waiting[: np.searchsorted(waiting, reached)]
            if len(inside):
                piece = np.searchsorted(clock, inside, side="right") - 1
                since_edge_us = np.floor((inside - clock[piece]) / rate.per_s[piece] * US_PER_S).astype(
                    np.int64
                )
                yield np.minimum(rate.edges_us[piece] + since_edge_us, rate.edges_us[piece + 1] - 1)
            if len(inside) < len(waiting):
                waiting = waiting[len(inside) :]
                break
            following = next(operational, None)
            if following is None:
                return
            waiting = following


def modulated(
    rates_per_s: Sequence[float], sojourns_us: Iterator[NDArray[np.int64]], start_us: int, stop_us: int
) -> Iterator[Rate]:
    """Make the path of a rate that moves through its states in turn (a Markov-modulated process).

    Parameters
    ----------
    rates_per_s : sequence of float, shape (n_states,)
    sojourns_us : iterator of ndarray of int64, shape (n_visits,)
        How long each visit lasts [µs], in the order of visits; may be endless.
    start_us, stop_us : int

    Yields
    ------
    Rate
        For each chunk of visits, each beginning where the one before ends.
    """
    states = np.array(rates_per_s, dtype=np.float64)
    reached_us, visits = start_us, 0
    for lengths_us in sojourns_us:
        edges_us = np.minimum(np.concatenate([[reached_us], reached_us + np.cumsum(lengths_us)]), stop_us)
        state = (visits + np.arange(len(lengths_us))) % len(states)
        yield Rate(edges_us, states[state])
        reached_us, visits = int(edges_us[-1]), visits + len(lengths_us)
        if reached_us >= stop_us:
            return
