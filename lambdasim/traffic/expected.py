"""How many events a scenario's traffic will bring, before any of it is drawn."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Final

import numpy as np

from lambdasim.draws.keys import DrawKey, Quantity
from lambdasim.draws.laws import compile_law
from lambdasim.specs.schedules import parse_schedule
from lambdasim.traffic.arrivals import FunctionArrivals
from lambdasim.traffic.exact import overlaid
from lambdasim.traffic.rates import Rate, modulated, profile
from lambdasim.units import US_PER_MS, US_PER_S, to_epoch_us

if TYPE_CHECKING:
    from lambdasim.specs.scenario import ScenarioSpec
    from lambdasim.specs.traffic import TrafficSpec

_COUNTED: Final = 20_000
_SAMPLE: Final = 4_096


def expected_events(scenario: ScenarioSpec, name: str) -> float:
    """Estimate how many events of a function arrive.

    Parameters
    ----------
    scenario : ScenarioSpec
    name : str
        The function's.

    Returns
    -------
    float
        The mean of the law; of bursty traffic that of the path that this seed takes, while it has few visits; of a
        trace its events, in proportion to the part that falls into the scenario.

    Raises
    ------
    TraceError
        When a trace cannot be read.
    """
    return expected_of(FunctionArrivals(scenario, name))


def expected_of(arrivals: FunctionArrivals) -> float:
    """Estimate how many events arrive; see `expected_events`.

    Parameters
    ----------
    arrivals : FunctionArrivals
        Of a function, or of a state machine.

    Returns
    -------
    float
    """
    scenario, traffic = arrivals.scenario, arrivals.traffic
    start_us, stop_us = traffic.start_us, min(traffic.stop_us or scenario.duration_us, scenario.duration_us)
    if start_us >= stop_us:
        return 0.0
    factor = overlaid(traffic, start_us, stop_us).rounded()
    mean_factor = mean_overlay(traffic, start_us, stop_us)
    epoch_us = to_epoch_us(scenario.start)
    if traffic.trace is not None:
        first_us, end_us = arrivals.trace.span_us()
        events = arrivals.trace.summary().invocations
        length_us = max(end_us - first_us, 1)
        placed_us = arrivals._placed_us()
        inside_us = min(placed_us[1], stop_us) - max(placed_us[0], start_us)
        if traffic.repeat:
            inside_us = stop_us - start_us
        return float(events * max(inside_us, 0) / length_us * mean_factor)
    if traffic.schedule is not None:
        times = parse_schedule(traffic.schedule).times_us(epoch_us + start_us, epoch_us + stop_us)
        moments = list(islice(times, _COUNTED))
        if len(moments) < _COUNTED:
            return len(moments) * mean_factor
        pace_us = (moments[-1] - moments[0]) / (len(moments) - 1)
        return (stop_us - start_us) / pace_us * mean_factor
    if traffic.constant is not None:
        return traffic.constant.rate_per_s * _total(factor)
    if traffic.renewal is not None:
        gaps = compile_law(traffic.renewal.gap_ms, US_PER_MS)
        bits = DrawKey.of(scenario.seed, arrivals.owner, Quantity.ARRIVAL_GAP).bits(np.arange(_SAMPLE))
        return _total(factor) * US_PER_S / max(float(np.mean(gaps.values(bits))), 1e-3)
    if traffic.poisson is not None:
        law = traffic.poisson
        shape = profile(law.daily, law.weekly, epoch_us, start_us, stop_us)
        return _total(Rate.constant(law.rate_per_s, start_us, stop_us).times(shape).times(factor))
    assert traffic.bursty is not None  # noqa: S101 - the last of the laws
    means_us = np.array(traffic.bursty.mean_sojourns_us, dtype=np.float64)
    rates = np.array(traffic.bursty.rates_per_s)
    if (stop_us - start_us) / means_us.mean() < _COUNTED:
        path = modulated(traffic.bursty.rates_per_s, arrivals._sojourns(), start_us, stop_us)
        return sum(_total(piece.times(factor)) for piece in path)
    return float(rates @ means_us / means_us.sum()) * _total(factor)


def mean_overlay(traffic: TrafficSpec, start_us: int, stop_us: int) -> float:
    """Give by how much scale, spikes and ramps multiply the traffic, on average over a stretch.

    Parameters
    ----------
    traffic : TrafficSpec
    start_us, stop_us : int
        After the scenario's start [µs].

    Returns
    -------
    float
    """
    return _total(overlaid(traffic, start_us, stop_us).rounded()) / ((stop_us - start_us) / US_PER_S)


def _total(rate: Rate) -> float:
    return float(rate.operational_clock()[-1])
