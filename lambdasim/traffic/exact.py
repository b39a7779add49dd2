"""Rates as exact fractions: scale, spikes, ramps, and evenly spaced arrivals to the microsecond.

A rate written as a decimal is that decimal, not its nearest binary number: 0.07 is 7/100. An arrival that is due at the
exact moment *t* arrives in the microsecond that contains it, floor(*t*). So a window between two whole microseconds
holds just the arrivals that are due in it, and two arrivals that are due *d* apart are never less than floor(*d*) apart.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property, reduce
from itertools import accumulate, count
from math import gcd
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from lambdasim.traffic.rates import Rate
from lambdasim.units import US_PER_S

if TYPE_CHECKING:
    from lambdasim.specs.traffic import TrafficSpec

LARGEST_COUNT: Final = 10**12
_CHUNK: Final = 1 << 16
_RAMP_STEP_US: Final = US_PER_S
_MOST_RAMP_STEPS: Final = 100_000
_ROOM: Final = 1 << 62  # what is added up stays below what int64 holds


def decimal(number: float) -> Fraction:
    """Return the fraction that a number's shortest decimal stands for.

    Examples
    --------
    >>> decimal(0.07)
    Fraction(7, 100)
    """
    return Fraction(repr(float(number)))


@dataclass(frozen=True, eq=False)
class ExactRate:
    """A rate, or a factor, that is constant between edges: ``parts / whole`` in whole numbers.

    Attributes
    ----------
    edges_us : ndarray of int64, shape (n + 1,)
        From the beginning to the end of traffic [µs since the scenario's start].
    parts : ndarray of int, shape (n,)
        Python's whole numbers, of any size; ``parts / whole`` holds between neighbouring edges.
    whole : int
    """

    edges_us: NDArray[np.int64]
    parts: NDArray[Any]
    whole: int

    @classmethod
    def constant(cls, value: float, start_us: int, stop_us: int) -> ExactRate:
        """Make a rate that does not change."""
        exact = decimal(value)
        return cls(np.array([start_us, stop_us]), _whole_numbers([exact.numerator]), exact.denominator)

    @classmethod
    def spike(cls, at_us: int, duration_us: int, factor: float, start_us: int, stop_us: int) -> ExactRate:
        """Make a factor that holds for a while."""
        exact = decimal(factor)
        inner = np.clip([at_us, at_us + duration_us], start_us, stop_us)
        parts = _whole_numbers([exact.denominator, exact.numerator, exact.denominator])
        return cls(np.array([start_us, *inner, stop_us]), parts, exact.denominator)

    @classmethod
    def ramp(cls, at_us: int, duration_us: int, factor: float, start_us: int, stop_us: int) -> ExactRate:
        """Make a factor that grows in a straight line from one, and stays.

        Notes
        -----
        In steps of a second, each at the line's middle; of more, where there would be over 100,000.
        """
        exact = decimal(factor)
        steps = min(max(-(-duration_us // _RAMP_STEP_US), 1), _MOST_RAMP_STEPS)
        inner = at_us + np.array([step * duration_us // steps for step in range(steps + 1)])
        whole = 2 * steps * exact.denominator
        growth = exact.numerator - exact.denominator
        middles = [whole + growth * (2 * step + 1) for step in range(steps)]
        parts = _whole_numbers([whole, *middles, 2 * steps * exact.numerator])
        return cls(np.array([start_us, *np.clip(inner, start_us, stop_us), stop_us]), parts, whole)

    def times(self, factor: ExactRate) -> ExactRate:
        """Multiply by another rate, over the time that both cover."""
        start = max(self.edges_us[0], factor.edges_us[0])
        stop = min(self.edges_us[-1], factor.edges_us[-1])
        edges = np.union1d(self.edges_us, factor.edges_us)
        edges = edges[(edges >= start) & (edges <= stop)]
        return ExactRate(
            edges, self._at(edges[:-1]) * factor._at(edges[:-1]), self.whole * factor.whole
        ).reduced()

    def reduced(self) -> ExactRate:
        """Divide by what all numbers have in common."""
        common = reduce(gcd, self.parts, self.whole)
        return ExactRate(self.edges_us, self.parts // common, self.whole // common)

    def rounded(self) -> Rate:
        """Return the nearest floating-point numbers, for laws of chance."""
        return Rate(self.edges_us, (self.parts / self.whole).astype(np.float64))

    def of_counts(
        self, time_us: NDArray[np.int64], counts: NDArray[np.int64]
    ) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        """Multiply counts by the factor at their times.

        Parameters
        ----------
        time_us, counts : ndarray of int64, shape (n,)

        Returns
        -------
        whole : ndarray of int64, shape (n,)
        rest : ndarray of float64, shape (n,)
            Fraction that is left, from 0 to below 1.

        Raises
        ------
        ValueError
            When a product is above 10^12.
        """
        largest = int(counts.max(initial=0)) * self._largest
        if max(largest, self.whole) < _ROOM:
            product = counts * self._at(time_us).astype(np.int64)
        else:
            product = counts.astype(object) * self._at(time_us)
        whole = product // self.whole
        if whole.max(initial=0) > LARGEST_COUNT:
            raise ValueError(
                f"must be at most {LARGEST_COUNT:,} in one interval with scale, spikes and ramps"
            )
        rest = (product - whole * self.whole) / self.whole
        return whole.astype(np.int64), rest.astype(np.float64)

    def arrivals(
        self, positions: Iterator[NDArray[np.int64]], per_arrival: int = 1
    ) -> Iterator[NDArray[np.int64]]:
        """Turn positions on the operational clock, whose speed is this rate [1/s], into times.

        Parameters
        ----------
        positions : iterator of ndarray of int64
            Chunks that never fall; may be endless.
        per_arrival : int
            Units of a position in one arrival.

        Yields
        ------
        ndarray of int64
            Times before the last edge [µs since the scenario's start].
        """
        per_us = [int(part) * per_arrival for part in self.parts]  # in units of which an arrival has ``unit``
        unit = self.whole * US_PER_S
        widths = np.diff(self.edges_us).tolist()
        clock = list(
            accumulate((speed * width for speed, width in zip(per_us, widths, strict=True)), initial=0)
        )
        firsts = np.array([min(-(-reached // unit), _ROOM) for reached in clock], dtype=np.int64)
        for chunk in positions:
            inside = chunk[: np.searchsorted(chunk, firsts[-1])]
            if not len(inside):
                return
            piece = np.searchsorted(firsts, inside, side="right") - 1
            times = np.empty(len(inside), dtype=np.int64)
            cuts = np.flatnonzero(np.diff(piece, prepend=-1)).tolist()
            for begin, end in zip(cuts, [*cuts[1:], len(inside)], strict=True):
                here = int(piece[begin])
                since = _divided(inside[begin:end], unit, clock[here], per_us[here])
                times[begin:end] = self.edges_us[here] + since
            yield times
            if len(inside) < len(chunk):
                return

    def _at(self, time_us: NDArray[np.int64]) -> NDArray[Any]:
        place = np.searchsorted(self.edges_us, time_us, side="right") - 1
        return self.parts[np.clip(place, 0, len(self.parts) - 1)]

    @cached_property
    def _largest(self) -> int:
        return int(max(self.parts))


def numbered() -> Iterator[NDArray[np.int64]]:
    """Give 0, 1, 2 and so on without end, in chunks: positions of evenly spaced arrivals."""
    return (np.arange(first, first + _CHUNK) for first in count(0, _CHUNK))


def overlaid(traffic: TrafficSpec, start_us: int, stop_us: int) -> ExactRate:
    """Return the factor of a function's scale, spikes and ramps.

    Parameters
    ----------
    traffic : TrafficSpec
    start_us, stop_us : int
        The span to cover [µs since the scenario's start].
    """
    scale = ExactRate.constant(traffic.scale, start_us, stop_us)
    spikes = [
        ExactRate.spike(spec.at_us, spec.duration_us, spec.factor, start_us, stop_us)
        for spec in traffic.spikes
    ]
    ramps = [
        ExactRate.ramp(spec.at_us, spec.duration_us, spec.factor, start_us, stop_us) for spec in traffic.ramps
    ]
    return reduce(ExactRate.times, [*spikes, *ramps], scale)


def _divided(positions: NDArray[np.int64], unit: int, before: int, speed: int) -> NDArray[np.int64]:
    """Return ``(positions * unit - before) // speed``, in int64 where it fits."""
    first, last = int(positions[0]), int(positions[-1])
    common = gcd(unit, speed)
    unit, speed = unit // common, speed // common
    # Dividing down twice is dividing down once by the product.
    done, left = divmod((first * unit * common - before) // common, speed)
    if max(last - first, 1) * unit + speed < _ROOM:  # NumPy takes the unit itself too, also for one position
        return done + (left + (positions - first) * unit) // speed
    exact = (left + (positions - first).astype(object) * unit) // speed
    return done + exact.astype(np.int64)


def _whole_numbers(values: list[int]) -> NDArray[Any]:
    numbers = np.empty(len(values), dtype=object)
    numbers[:] = values
    return numbers
