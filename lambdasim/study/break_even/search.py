"""Where Lambda stops being the cheapest: the same traffic on Fargate, on EC2 and on Lambda managed instances."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Executor
from functools import partial
from typing import Final

from lambdasim.engine.plan import plan_scenario
from lambdasim.engine.run import EngineName
from lambdasim.errors import InputError
from lambdasim.results.gathering import check_replications
from lambdasim.results.points.parallel import map_points
from lambdasim.results.usage.as_month import period_of
from lambdasim.specs.scenario import ScenarioSpec
from lambdasim.study.break_even.result import BreakEven
from lambdasim.study.break_even.tables import Line
from lambdasim.study.server_costs import Costs, Option, ServerTerms, fleets_of
from lambdasim.study.server_demand import Demand, Point, demand_at
from lambdasim.study.variants import checked_multiples

FIRST: Final = (0.1, 0.3, 1.0)
GREATER: Final = (3.0, 10.0, 30.0, 100.0, 300.0, 1000.0)
LEAST: Final = 0.001
MOST_EVENTS: Final = {EngineName.KERNEL: 3_000_000, EngineName.REFERENCE: 100_000}


def break_even(
    scenario: ScenarioSpec,
    *,
    terms: ServerTerms | None = None,
    multiples: Iterable[float] | None = None,
    replications: int = 3,
    engine: str = "auto",
    executor: Executor | None = None,
    progress: Callable[[int], None] | None = None,
    per: str | None = None,
) -> BreakEven:
    """Find the traffic at which Fargate, EC2 or Lambda managed instances become cheaper than Lambda.

    Parameters
    ----------
    scenario : ScenarioSpec
        Its limits of concurrency are taken to be raised as far as needed, so that all sides serve the same.
    terms : ServerTerms, optional
        What is assumed of servers.
    multiples : iterable of float, optional
        Of the traffic, above 0, which are simulated; 1 always is. By default 0.1, 0.3 and 1, then down and, to 1,000
        times, up until all lines have crossed. Where a run would have more than 3 million events (100,000 in the
        reference engine), its busiest hour is simulated, and usage is estimated from the greatest whole run.
    replications : int
        At least 2: seeds for the ranges.
    engine : {"auto", "kernel", "reference"}
    executor : concurrent.futures.Executor, optional
        Where runs go side by side; the result does not depend on it.
    progress : callable, optional
        Called with how many runs are finished.
    per : {"month", "run"}, optional
        Period of the money. Default: a month; the run, where it is no sample of one, see ``month_basis``. Servers are
        paid for that long.

    Returns
    -------
    BreakEven

    Raises
    ------
    InputError
        When an argument cannot be accepted.
    CatalogError
        When there are no prices for the scenario's region.

    Notes
    -----
    Lambda's bill is exact at every multiple: tiers and free tier are applied to the usage there. Usage is simulated at
    the multiples; between them, and down to no traffic, each counter and each hour's load lies on a straight line.
    Above the greatest, up to a hundred times, see ``Demand.grown``. Servers are whole: their number is the load of the
    fullest moment over the utilization, rounded up. Lines that cross twice within 10 % of the traffic may be taken not
    to have.

    Examples
    --------
    >>> import lambdasim as ls
    >>> steady = ls.load_scenario_text('''
    ... name: steady
    ... start: 2026-11-01T00:00:00Z
    ... duration: 1h
    ... functions: [{name: f, memory_mb: 1769, work: {cpu_ms: 500}, init_ms: 0, traffic: {constant: {rate_per_s: 2}}}]
    ... ''')
    >>> found = break_even(steady, replications=2, multiples=[1, 4])
    >>> [(crossing.option.value, crossing.crossed) for crossing in found.crossings]
    [('Fargate', 2), ('EC2', 2), ('managed instances', 2)]
    """
    if not isinstance(scenario, ScenarioSpec):
        raise InputError.single(
            "break-even",
            "scenario",
            f"must be a scenario, as load_scenario returns, got {type(scenario).__name__}",
        )
    scenario.require_on_demand("break-even")
    terms = terms or ServerTerms()
    wanted = sorted({1.0, *checked_multiples("break-even", FIRST if multiples is None else multiples)})
    check_replications("break-even", replications)
    fleets = fleets_of(scenario, terms)
    servers = tuple(
        dict.fromkeys(one for fleet in fleets.values() for able in fleet.values() for one in able)
    )
    period = period_of(scenario, per)
    work = partial(demand_at, scenario.anywhere(), servers, engine, period.factor)
    seeds = range(replications)
    finished = itertools.count(1)

    def simulated(chosen: Sequence[float], hour: int | None = None) -> dict[float, list[Demand]]:
        points = [Point(multiple, seed, hour) for multiple in reversed(chosen) for seed in seeds]
        results = map_points(work, points, executor, lambda *_: progress and progress(next(finished)))
        found = dict(zip(points, results, strict=True))
        return {multiple: [found[Point(multiple, seed, hour)] for seed in seeds] for multiple in chosen}

    found = simulated(wanted)
    if multiples is None:
        runs_on = EngineName(engine).chosen(plan_scenario(scenario)).engine
        _look_further(Costs(scenario, terms, fleets, period.name), found, simulated, MOST_EVENTS[runs_on])
    chosen = tuple(sorted(found))
    lines = tuple(Line(chosen, [found[multiple][seed] for multiple in chosen]) for seed in seeds)
    return BreakEven(scenario, terms, fleets, lines, period.name)


def _look_further(
    costs: Costs,
    found: dict[float, list[Demand]],
    simulated: Callable[..., dict[float, list[Demand]]],
    most_events: int,
) -> None:
    """Add lesser and greater multiples until each option has become cheaper than Lambda, and has cost more."""

    def cheaper(multiple: float) -> list[bool]:
        return [
            costs.usd(Option.LAMBDA, demand) > costs.usd(option, demand)
            for option in costs.fleets
            for demand in found[multiple]
        ]

    while any(cheaper(min(found))) and min(found) > LEAST:
        found |= simulated([min(found) / 10])
    first = found[1.0][0]
    events = first.events
    hour, share = first.busiest_hour()
    for multiple in GREATER:
        if all(cheaper(max(found))):
            return
        if multiple * events <= most_events:
            found |= simulated([multiple])
        elif multiple * events * share <= most_events:
            near = simulated([multiple], hour)[multiple]
            step = multiple / max(found)
            found[multiple] = [
                demand.grown(step, like) for demand, like in zip(found[max(found)], near, strict=True)
            ]
