"""Arrival times of one function: from its traffic's law, or from a recorded trace moved to the scenario's time."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import count, islice
from typing import Final

import numpy as np
from numpy.typing import NDArray

from lambdasim.draws.keys import DrawKey, Quantity, happens
from lambdasim.draws.laws import DrawLaw, compile_law, exponential, farthest
from lambdasim.draws.table import LARGEST_VALUE
from lambdasim.errors import TraceError
from lambdasim.specs.scenario import ScenarioSpec
from lambdasim.specs.schedules import parse_schedule
from lambdasim.specs.traffic import Align, TrafficSpec
from lambdasim.traffic.delivery import Deliveries
from lambdasim.traffic.exact import ExactRate, numbered, overlaid
from lambdasim.traffic.opening import open_trace
from lambdasim.traffic.rates import Rate, change_clock, modulated, profile
from lambdasim.traffic.spread import UNIT_GAP, CountSpreader, repeated, unit_gaps
from lambdasim.traffic.trace import Trace, TraceKind
from lambdasim.units import (
    US_PER_DAY,
    US_PER_HOUR,
    US_PER_MINUTE,
    US_PER_MS,
    US_PER_S,
    from_epoch_us,
    to_epoch_us,
)

_CHUNK: Final = 1 << 16
_FIRST_CHUNK: Final = 1 << 9
_VISITS: Final = 1 << 14
_WEEK_US: Final = 7 * US_PER_DAY


@dataclass(frozen=True)
class FunctionArrivals:
    """Arrivals of one function of a scenario; calling it starts from the beginning.

    Attributes
    ----------
    scenario : ScenarioSpec
    owner : str
        The function's name.
    """

    scenario: ScenarioSpec
    owner: str

    @cached_property  # a scenario is searched for a name, function after function
    def traffic(self) -> TrafficSpec:
        """What the scenario says of this function's traffic."""
        return self.scenario.function(self.owner).traffic

    @cached_property
    def deliveries(self) -> Deliveries | None:
        """What becomes of events that cannot be delivered right away, as counted last; None without outages."""
        trigger = self.scenario.function(self.owner).trigger
        return Deliveries(trigger.delivery, trigger.type) if trigger.delivery is not None else None

    def __call__(self) -> Iterator[NDArray[np.int64]]:
        """Give sorted arrival times, chunk by chunk [µs since the scenario's start]."""
        return self._sent() if self.deliveries is None else self.deliveries.of(self._sent())

    def _sent(self) -> Iterator[NDArray[np.int64]]:
        start_us = self.traffic.start_us
        stop_us = min(self.traffic.stop_us or self.scenario.duration_us, self.scenario.duration_us)
        if start_us >= stop_us:
            return
        if self.traffic.trace is not None:
            yield from self._from_trace(start_us, stop_us)
        elif self.traffic.schedule is not None:
            yield from self._from_schedule(self.traffic.schedule, start_us, stop_us)
        else:
            yield from self._from_law(start_us, stop_us)

    @cached_property
    def trace(self) -> Trace:
        """The trace that the scenario names, open.

        Raises
        ------
        TraceError
            When the file is not what the scenario says.
        """
        return open_trace(self.scenario.base_dir, self.owner, self.traffic)

    def coverage(self) -> tuple[str, ...]:
        """Say which days of the trace stand for which, what of it is left out, and what of the scenario has none."""
        trace = self.trace
        first_us, end_us = self._placed_us()
        scenario_us = self.scenario.duration_us
        left_out = {
            "of the trace lie before the scenario and are left out": min(-first_us, end_us - first_us),
            "of the trace lie after the scenario and are left out": min(
                end_us - scenario_us, end_us - first_us
            ),
        }
        missing = {
            "at the scenario's beginning have no trace": min(first_us, scenario_us),
            "at the scenario's end have no trace": min(scenario_us - end_us, scenario_us),
        }
        step_us = trace.interval_us or US_PER_MINUTE
        found = left_out | missing if not self.traffic.repeat else {}
        said = [f"{_about(part_us)} {words}" for words, part_us in found.items() if part_us >= step_us]
        days = self.days()
        return (*said, days) if days else tuple(said)

    def days(self) -> str:
        """Say which part of the trace stands for which part of the scenario; empty where all of it stands for itself."""
        first_us, end_us = self._placed_us()
        begin_us, stop_us = max(first_us, 0), min(end_us, self.scenario.duration_us)
        if begin_us >= stop_us:
            return ""
        epoch_us = to_epoch_us(self.scenario.start)
        moved_us = first_us + epoch_us - self.trace.span_us()[0]
        step_us = self.trace.interval_us or US_PER_MINUTE
        if not moved_us and begin_us - first_us < step_us and end_us - stop_us < step_us:
            return ""
        simulated = _span(epoch_us + begin_us, epoch_us + stop_us)
        recorded = _span(epoch_us + begin_us - moved_us, epoch_us + stop_us - moved_us)
        again = ", again and again" if self.traffic.repeat and end_us < self.scenario.duration_us else ""
        if not moved_us:
            return f"{recorded} of the trace is simulated, as it was recorded{again}"
        return f"{recorded} of the trace stands for {simulated}{again}"

    def _refuse_elsewhere(self) -> None:
        """Refuse a trace of which nothing falls into the scenario: a bill of nothing would be no answer."""
        first_us, end_us = self._placed_us()
        if self.traffic.repeat or (first_us < self.scenario.duration_us and end_us > 0):
            return
        epoch_us = to_epoch_us(self.scenario.start)
        begins_us, ends_us = self.trace.span_us()
        moved = (
            "as it was recorded"
            if self.traffic.align is Align.NONE
            else "moved by whole weeks, which keep weekdays"
        )
        raise TraceError.single(
            self.owner,
            "traffic.align",
            f"nothing of the trace, {_span(begins_us, ends_us)}, falls into the scenario, "
            f"{_span(epoch_us, epoch_us + self.scenario.duration_us)}, {moved}; say align: start, or repeat: true, or "
            "change the scenario's start",
        )

    def _placed_us(self) -> tuple[int, int]:
        """Give the trace's span where it is moved to [µs since the scenario's start]."""
        first_us, end_us = self.trace.span_us()
        epoch_us = to_epoch_us(self.scenario.start)
        length_us = end_us - first_us
        match self.traffic.align:
            case Align.NONE:
                moved_us = 0
            case Align.START:
                moved_us = epoch_us - first_us
            case Align.WEEKDAY if self.traffic.repeat and length_us <= self.scenario.duration_us:
                moved_us = (epoch_us - first_us) // _WEEK_US * _WEEK_US
            case Align.WEEKDAY:
                moved_us = _by_weeks(first_us, end_us, epoch_us, epoch_us + self.scenario.duration_us)
        return first_us + moved_us - epoch_us, end_us + moved_us - epoch_us

    def _key(self, quantity: Quantity) -> DrawKey:
        return DrawKey.of(self.scenario.seed, self.owner, quantity)

    def _from_law(self, start_us: int, stop_us: int) -> Iterator[NDArray[np.int64]]:
        factor = overlaid(self.traffic, start_us, stop_us)
        traffic = self.traffic
        if traffic.constant is not None:
            rate = ExactRate.constant(traffic.constant.rate_per_s, start_us, stop_us)
            return rate.times(factor).arrivals(numbered())
        if traffic.renewal is not None:
            gap = traffic.renewal.gap_ms
            coarse = _coarseness(farthest(gap) * US_PER_MS)
            gaps = compile_law(gap, US_PER_MS / coarse)
            return factor.arrivals(self._summed(gaps), US_PER_S // coarse)
        if traffic.poisson is not None:
            law = traffic.poisson
            shape = profile(law.daily, law.weekly, to_epoch_us(self.scenario.start), start_us, stop_us)
            rates = iter([Rate.constant(law.rate_per_s, start_us, stop_us).times(shape)])
        else:
            assert traffic.bursty is not None  # noqa: S101 - the last of the laws
            rates = modulated(traffic.bursty.rates_per_s, self._sojourns(), start_us, stop_us)
        overlay = factor.rounded()
        operational = (steps / UNIT_GAP for steps in self._summed(unit_gaps()))
        return change_clock((rate.times(overlay) for rate in rates), operational)

    def _summed(self, gaps: DrawLaw) -> Iterator[NDArray[np.int64]]:
        """Add up gaps, exactly, in their own unit."""
        key = self._key(Quantity.ARRIVAL_GAP)
        reached = first = 0
        while True:
            # Small at first, so that a quiet function among thousands takes little memory.
            stop = first + min(max(first >> 4, _FIRST_CHUNK), _CHUNK)
            steps = reached + np.cumsum(gaps.values(key.bits(np.arange(first, stop))))
            first = stop
            if steps[-1] == reached:
                raise TraceError.single(self.owner, "gap_ms", "must not be zero every time")
            reached = int(steps[-1])
            yield steps

    def _sojourns(self) -> Iterator[NDArray[np.int64]]:
        """Draw how long each visit of a state lasts [µs], chunk by chunk."""
        assert self.traffic.bursty is not None  # noqa: S101 - called for bursty traffic only
        scaled = [(mean_us, _coarseness(mean_us * 32)) for mean_us in self.traffic.bursty.mean_sojourns_us]
        laws = [(exponential(mean_us / coarse), coarse) for mean_us, coarse in scaled]
        key = self._key(Quantity.MODULATION)
        rounds = 1
        first = 0
        while True:
            visits = np.arange(first, first + rounds * len(laws))
            bits = key.bits(visits)
            lengths_us = np.empty(len(visits), dtype=np.int64)
            for state, (law, coarse) in enumerate(laws):
                lengths_us[state :: len(laws)] = law.values(bits[state :: len(laws)]) * coarse
            yield lengths_us
            first += len(visits)
            rounds = min(2 * rounds, -(-_VISITS // len(laws)))

    def _from_schedule(self, schedule: str, start_us: int, stop_us: int) -> Iterator[NDArray[np.int64]]:
        """Let a schedule's moments arrive, each as often as the factor says."""
        epoch_us = to_epoch_us(self.scenario.start)
        factor = overlaid(self.traffic, start_us, stop_us)
        moments_us = parse_schedule(schedule).times_us(epoch_us + start_us, epoch_us + stop_us)
        first = 0
        while chunk := list(islice(moments_us, _CHUNK)):
            yield from self._thinned(np.array(chunk, dtype=np.int64) - epoch_us, factor, first)
            first += len(chunk)

    def _from_trace(self, start_us: int, stop_us: int) -> Iterator[NDArray[np.int64]]:
        trace = self.trace
        self._refuse_elsewhere()
        first_us, end_us = trace.span_us()
        moved_us = self._placed_us()[0] - first_us
        length_us = end_us - first_us
        period_us = _whole_period(length_us) if self.traffic.repeat else length_us
        factor = overlaid(self.traffic, start_us, stop_us)
        spreader = None
        if trace.kind is TraceKind.COUNTS:
            spreader = CountSpreader(self.scenario.seed, self.owner, trace.interval_us or 1)
        events_before = 0
        for copy in count():
            offset_us = moved_us + copy * period_us
            if first_us + offset_us >= stop_us or (copy and not self.traffic.repeat):
                break
            for chunk in trace.chunks():
                at_us = chunk["timestamp_us"].to_numpy()
                kept = at_us < min(first_us + period_us, stop_us - offset_us)
                time_us = at_us[kept] + offset_us
                if not len(time_us):
                    break
                if spreader is not None:
                    expected = self._scaled(factor, time_us, chunk["count"].to_numpy()[kept])
                    yield from _within(spreader.spread(time_us, *expected), start_us, stop_us)
                else:
                    thinned = self._thinned(time_us, factor, events_before)
                    yield from _within(thinned, start_us, stop_us)
                    events_before += len(time_us)
        if spreader is not None:
            yield from _within(spreader.rest(), start_us, stop_us)

    def _scaled(
        self, factor: ExactRate, time_us: NDArray[np.int64], counts: NDArray[np.int64]
    ) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        try:
            return factor.of_counts(time_us, counts)
        except ValueError as problem:
            raise TraceError.single(self.owner, "traffic", f"arrivals {problem}") from None

    def _thinned(
        self, time_us: NDArray[np.int64], factor: ExactRate, first: int
    ) -> Iterator[NDArray[np.int64]]:
        """Repeat or leave out recorded events so that their expected number grows by the factor."""
        whole, rest = self._scaled(factor, time_us, np.ones(len(time_us), dtype=np.int64))
        bits = self._key(Quantity.COUNT_ROUNDING).bits(np.arange(first, first + len(time_us)))
        yield from repeated(time_us, whole + happens(bits, rest))


def _coarseness(farthest_us: float) -> int:
    """Give the unit [µs] in which times up to the given one can be drawn: whole microseconds where they can."""
    return next(
        unit for unit in (1, US_PER_MS, US_PER_S) if farthest_us < LARGEST_VALUE * unit or unit == US_PER_S
    )


def _within(parts: Iterable[NDArray[np.int64]], start_us: int, stop_us: int) -> Iterator[NDArray[np.int64]]:
    for times in parts:
        yield times[(times >= start_us) & (times < stop_us)]


def _by_weeks(first_us: int, end_us: int, begin_us: int, stop_us: int) -> int:
    """Give a trace's move by whole weeks [µs] that covers most of a scenario.

    Notes
    -----
    Of moves that cover as much, none at all is taken first, then the one furthest back: the latest days of a trace that
    is longer than the scenario, the earliest place of one that is shorter.
    """

    def covered(moved_us: int) -> int:
        return min(end_us + moved_us, stop_us) - max(first_us + moved_us, begin_us)

    to_begin = (begin_us - first_us) // _WEEK_US * _WEEK_US
    to_end = -((end_us - stop_us) // _WEEK_US) * _WEEK_US
    moves = (0, *sorted({to_begin, to_begin + _WEEK_US, to_end, to_end - _WEEK_US}))
    return max(moves, key=covered)


def _span(begin_us: int, end_us: int) -> str:
    """Write a span by its days, or by its minutes where it is shorter than two days.

    Examples
    --------
    >>> _span(0, 7 * US_PER_DAY), _span(0, US_PER_HOUR)
    ('1970-01-01 to 1970-01-07', '1970-01-01 00:00 to 1970-01-01 01:00')
    """
    if end_us - begin_us >= 2 * US_PER_DAY:
        return f"{from_epoch_us(begin_us):%Y-%m-%d} to {from_epoch_us(end_us - 1):%Y-%m-%d}"
    return f"{from_epoch_us(begin_us):%Y-%m-%d %H:%M} to {from_epoch_us(end_us):%Y-%m-%d %H:%M}"


@dataclass(frozen=True)
class MachineArrivals(FunctionArrivals):
    """Starts of a state machine's executions; ``owner`` is the machine's name."""

    deliveries = None

    @property
    def traffic(self) -> TrafficSpec:
        """What the scenario says of the machine's traffic."""
        return next(one.traffic for one in self.scenario.state_machines if one.name == self.owner)


def _about(length_us: int) -> str:
    """Say a length in the largest unit that it has two of."""
    units = (("days", US_PER_DAY), ("hours", US_PER_HOUR), ("minutes", US_PER_MINUTE))
    name, unit_us = next(((name, us) for name, us in units if length_us >= 2 * us), ("seconds", US_PER_S))
    return f"{f'{length_us / unit_us:.1f}'.removesuffix('.0')} {name}"


def _whole_period(length_us: int) -> int:
    """Give the length to repeat: whole weeks, or whole days where there is no week, so that weekdays stay."""
    for unit_us in (_WEEK_US, US_PER_DAY):
        if length_us >= unit_us:
            return length_us // unit_us * unit_us
    return length_us
