"""What a scenario says without effect on its result, which is seldom what was meant."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Final

from lambdasim.specs.scenario import ScenarioSpec
from lambdasim.specs.schedules import parse_schedule
from lambdasim.units import from_epoch_us, to_epoch_us

# EventBridge knows no later year.
_END_OF_CALENDAR_US: Final = to_epoch_us(datetime(2200, 1, 1, tzinfo=UTC))


def without_effect(spec: ScenarioSpec) -> Iterator[tuple[tuple[str | int, ...], str]]:
    """Find settings that change nothing: idle traffic, and what the model leaves out.

    Parameters
    ----------
    spec : ScenarioSpec

    Yields
    ------
    tuple of str or int
        Where in the scenario.
    str
        What is wrong there.

    Notes
    -----
    A VPC adds neither to INIT nor to Lambda's own price: its network interfaces are made when the function is created
    (AWS Lambda Developer Guide, "Giving Lambda functions access to resources in an Amazon VPC").
    """
    yield from _idle_traffic(spec)
    for place, function in enumerate(spec.functions):
        stream = function.trigger.stream
        if stream is not None and stream.tumbling_window_us:
            yield (
                ("functions", place, "trigger", "stream", "tumbling_window"),
                "has no effect: the state that a tumbling window hands from run to run is not modelled, nor the run that "
                "ends it",
            )
        if function.work.threads is not None and not function.work.parallel_fraction:
            yield (
                ("functions", place, "work", "threads"),
                "has no effect: none of the CPU time is parallel; give parallel_fraction",
            )
        if function.vpc:
            yield (
                ("functions", place, "vpc"),
                "has no effect: a VPC adds neither to INIT nor to Lambda's own price; a bill has NAT gateways, endpoints "
                "and data transfer where neighbours.held and uses.per_run_kb name them",
            )


def _idle_traffic(spec: ScenarioSpec) -> Iterator[tuple[tuple[str | int, ...], str]]:
    """Find traffic that starts after the scenario, and schedules that fire at no moment of it."""
    epoch_us = to_epoch_us(spec.start)
    for place, function in enumerate(spec.functions):
        traffic, at = function.traffic, ("functions", place, "traffic")
        stop_us = spec.duration_us if traffic.stop_us is None else min(traffic.stop_us, spec.duration_us)
        if traffic.start_us >= spec.duration_us:
            yield (*at, "start"), "is not before the scenario's end: no event arrives"
        elif traffic.schedule is not None:
            begin_us = epoch_us + traffic.start_us
            first_us = next(parse_schedule(traffic.schedule).times_us(begin_us, _END_OF_CALENDAR_US), None)
            if first_us is None:
                yield (*at, "schedule"), f"{traffic.schedule} never fires after the scenario's start"
            elif first_us >= epoch_us + stop_us:
                yield (
                    (*at, "schedule"),
                    f"{traffic.schedule} does not fire in the scenario's time: it would first on "
                    f"{from_epoch_us(first_us):%Y-%m-%d %H:%M} UTC",
                )
