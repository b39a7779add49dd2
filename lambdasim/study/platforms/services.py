"""Which services answer a scenario's functions on other platforms, and what all their requests came to."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from lambdasim.catalog.prices.platform_kinds import Billed, Platform
from lambdasim.engine.contract import owners_of_plan
from lambdasim.engine.plan import ScenarioArrivals
from lambdasim.engine.totals.histogram import Histogram
from lambdasim.results.run import RunResult
from lambdasim.specs.function import Architecture, FunctionSpec
from lambdasim.study.platforms.serving import (
    Arriving,
    Served,
    Serving,
    arriving,
    arriving_in_run,
    in_chains,
    merged,
    response_kb,
)
from lambdasim.study.platforms.settings import Setting, retargeted
from lambdasim.units import US_PER_MS


@dataclass(frozen=True, eq=False)
class End:
    """One way to set a platform up."""

    platform: Platform
    at_once: int | None
    memory_mb: int | None = None


class _Service(NamedTuple):
    """What one deployment elsewhere serves: a function with all ways into it, or one way."""

    owner: FunctionSpec
    places: tuple[int, ...]
    setting: Setting
    serving: Serving


def serve(
    run: RunResult,
    specs: Sequence[FunctionSpec],
    ends: Sequence[End],
    settings: Sequence[Sequence[Setting]],
    needs: Mapping[str, int | None],
) -> tuple[list[list[Served]], list[list[FunctionSpec]], list[list[Setting]], Histogram, int]:
    """Give every function's requests to every platform; each chunk is drawn once.

    Parameters
    ----------
    run : RunResult
        On Lambda.
    specs : sequence of FunctionSpec
        In the plan's order.
    ends : sequence of End
    settings : sequence of sequence of Setting
        Of each end, by function.
    needs : mapping of str to int or None
        Memory that runs use, by function [MB].

    Returns
    -------
    tuple
        By end and service what serving came to, the function it is of, and its setting; then the time of runs on a
        server, and what goes back to clients [KB].

    Notes
    -----
    All ways into a function are one service with instances of its own, whose requests are merged. Where each run is
    billed by itself, instances decide no bill, and each way stays apart.
    """
    own_ms, kb = Histogram(), 0
    services = [
        _services(run, specs, end, setting, needs) for end, setting in zip(ends, settings, strict=True)
    ]
    arrivals, chained = run.plan.arrivals, in_chains(run.plan)
    assert isinstance(arrivals, ScenarioArrivals)  # noqa: S101 - a scenario was simulated
    sources = arrivals.sources

    def drawn(place: int) -> Iterator[Arriving]:
        nonlocal kb
        plan, alone = (
            run.plan.functions[place],
            [one.serving for of_end in services for one in of_end if one.places == (place,)],
        )
        chunks = arriving_in_run(run, place, plan) if plan.name in chained else arriving(plan, sources[place])
        for chunk in chunks:
            for serving in alone:
                serving.take(chunk)
            own_ms.add(_own_ms(specs[place], chunk))
            kb += response_kb(plan, chunk)
            yield chunk

    for places in ways_into(run):
        together = [one.serving for of_end in services for one in of_end if one.places == places]
        if len(places) == 1:
            for _ in drawn(places[0]):
                pass
            continue
        for chunk in merged([drawn(place) for place in places]):
            for serving in together:
                serving.take(chunk)
    return (
        [[one.serving.finish() for one in of_end] for of_end in services],
        [[one.owner for one in of_end] for of_end in services],
        [[one.setting for one in of_end] for of_end in services],
        own_ms,
        kb,
    )


def ways_into(run: RunResult) -> list[tuple[int, ...]]:
    """Give the places in the plan of each function and of all ways into it.

    Parameters
    ----------
    run : RunResult
    """
    owners = owners_of_plan(run.plan)
    return [tuple(place for place, of in enumerate(owners) if of == owner) for owner in dict.fromkeys(owners)]


def _services(
    run: RunResult,
    specs: Sequence[FunctionSpec],
    end: End,
    settings: Sequence[Setting],
    needs: Mapping[str, int | None],
) -> list[_Service]:
    """Set up what serves each function on a platform."""
    found = []
    apart = end.platform.billed in (Billed.RUNS, Billed.CPU)
    for ways in ways_into(run):
        owner = next(place for place in ways if run.plan.functions[place].shares is None)
        for places in [(place,) for place in ways] if apart else [ways]:
            first = places[0] if apart else owner
            setting = settings[first]
            if len(places) > 1:
                largest = max(
                    (settings[place] for place in places), key=lambda one: (one.memory_mb, one.milli_vcpus)
                )
                computing = computing_of([specs[place] for place in places], run, places)
                setting = retargeted(largest, end.platform, computing)
            serving = Serving(
                end.platform,
                setting,
                specs[first],
                run.plan.functions[first].draws,
                run.scenario.seed,
                run.scenario.duration_us,
                None if needs[specs[first].name] is not None else end.memory_mb,
            )
            found.append(_Service(specs[first], places, setting, serving))
    return found


def computing_of(specs: Sequence[FunctionSpec], run: RunResult, places: Sequence[int]) -> float:
    """Give the mean part of a vCPU that a request of several ways into a function computes while it runs alone.

    Parameters
    ----------
    specs : sequence of FunctionSpec
    run : RunResult
    places : sequence of int
        Of the specs in the plan.
    """
    events = [run.aggregate.functions[place].events for place in places]
    cpu_ms = sum(many * spec.work.cpu_ms.mean() for many, spec in zip(events, specs, strict=True))
    io_ms = sum(many * spec.work.io_ms.mean() for many, spec in zip(events, specs, strict=True))
    return cpu_ms / (cpu_ms + io_ms) if cpu_ms + io_ms else 0.0


def _own_ms(spec: FunctionSpec, chunk: Arriving) -> NDArray[np.int64]:
    """Give the time of runs on a server's whole vCPU, shape (n,) [ms]."""
    ratio = spec.work.arm64_time_ratio if spec.architecture is Architecture.ARM64 else 1.0
    cpu_us = np.rint(chunk.requests.cpu_us * ratio).astype(np.int64)
    own_ms: NDArray[np.int64] = -(-(cpu_us + chunk.requests.io_us) // US_PER_MS)
    return own_ms
