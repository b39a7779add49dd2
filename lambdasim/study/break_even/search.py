"""Where Lambda stops being the cheapest: the same traffic on Fargate, on EC2 and on Lambda managed instances."""

from __future__ import annotations

import itertools
from bisect import bisect_left
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, replace
from decimal import Decimal
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import numpy as np

from lambdasim.errors import InputError
from lambdasim.results.intervals import Interval, t_interval
from lambdasim.results.points.parallel import map_points
from lambdasim.results.usage.as_month import month_factor
from lambdasim.specs.scenario import ScenarioSpec
from lambdasim.study.break_even.costs import Costs, Fleets, Option, ServerTerms, fleets_of
from lambdasim.study.break_even.demand import Demand, FunctionEvidence, Point, demand_at

if TYPE_CHECKING:
    import pandas as pd

FIRST: Final = (0.1, 0.3, 1.0)
GREATER: Final = (3.0, 10.0, 30.0, 100.0, 300.0, 1000.0)
LEAST: Final = 0.001
MOST_EVENTS: Final = 3_000_000
_GRID: Final = 240
_BELOW: Final = 100.0
_ABOVE: Final = 100.0
_HALVINGS: Final = 32


class Crossing(NamedTuple):
    """Where one of the others becomes cheaper than Lambda.

    Attributes
    ----------
    option : Option
    requests : Interval
        Of a month, below which Lambda is the cheaper; mean over the replications that cross, NaN where none does.
    multiple : Interval
        The same, as a multiple of the scenario's traffic.
    settled : Interval
        Requests of a month above which the other is the cheaper, as far as was looked; more than ``requests`` where
        lines cross several times, since servers are bought whole.
    crossed, dearer : int
        Replications with a crossing; and those where Lambda is dearer with any traffic.
    server : str
        Name of the servers at the crossing, in the first replication that crosses, and how many.
    """

    option: Option
    requests: Interval
    multiple: Interval
    settled: Interval
    crossed: int
    dearer: int
    server: str


@dataclass(frozen=True, eq=False)
class Line:
    """The demand of one replication over the traffic.

    Attributes
    ----------
    multiples : tuple of float
        Of the traffic that were simulated; rising.
    simulated : list of Demand
        At each of them.
    """

    multiples: tuple[float, ...]
    simulated: Sequence[Demand]

    def at(self, multiple: float) -> Demand:
        """Return the demand at any multiple; above the greatest that was simulated as ``Demand.grown`` has it."""
        places, known = (0.0, *self.multiples), (self._nothing, *self.simulated)
        if multiple > places[-1]:
            return known[-1].grown(multiple / places[-1])
        after = bisect_left(places, multiple)
        if places[after] == multiple:
            return known[after]
        low, high = places[after - 1], places[after]
        return known[after - 1].towards(known[after], (multiple - low) / (high - low))

    @cached_property
    def _nothing(self) -> Demand:
        return self.simulated[0].grown(0.0)

    @cached_property
    def grid(self) -> list[float]:
        """Multiples at which lines are held against each other: none, then evenly by ratio."""
        spaced = np.geomspace(self.multiples[0] / _BELOW, self.multiples[-1] * _ABOVE, _GRID)
        return sorted({0.0, *spaced.tolist(), *self.multiples})

    @cached_property
    def demands(self) -> list[Demand]:
        """Demand at each place of the grid."""
        return [self.at(multiple) for multiple in self.grid]

    def lambda_usd(self, costs: Costs) -> list[Decimal]:
        """Lambda's bill at each place of the grid, whatever the terms of servers [USD a month]."""
        if "usd" not in self.__dict__:
            self.__dict__["usd"] = [costs.usd(Option.LAMBDA, demand) for demand in self.demands]
        found: list[Decimal] = self.__dict__["usd"]
        return found


@dataclass(frozen=True, eq=False, repr=False)
class BreakEven:
    """The result of ``break_even``.

    Attributes
    ----------
    scenario : ScenarioSpec
    terms : ServerTerms
    fleets : Fleets
        The servers of each option.
    lines : tuple of Line
        By replication.
    """

    scenario: ScenarioSpec
    terms: ServerTerms
    fleets: Fleets
    lines: tuple[Line, ...]

    @property
    def multiples(self) -> tuple[float, ...]:
        """Multiples of the traffic that were simulated."""
        return self.lines[0].multiples

    @cached_property
    def costs(self) -> Costs:
        """What prices demands under the terms."""
        return Costs(self.scenario, self.terms, self.fleets)

    @property
    def most_requests(self) -> float:
        """Requests of a month at the greatest multiple that was simulated, mean over replications."""
        return float(np.mean([line.simulated[-1].requests for line in self.lines]))

    @property
    def evidence(self) -> tuple[FunctionEvidence, ...]:
        """How the functions ran with the traffic as it is, in the first replication."""
        return self.lines[0].simulated[self.multiples.index(1.0)].evidence

    @cached_property
    def crossings(self) -> tuple[Crossing, ...]:
        """Where each of the others becomes cheaper than Lambda."""
        return tuple(_crossing(option, self.lines, self.costs) for option in self.fleets)

    @cached_property
    def variations(self) -> dict[str, tuple[Crossing, ...]]:
        """Crossings under other terms of the same servers, one changed at a time; by what is changed, in words."""
        return {
            words: tuple(
                _crossing(option, self.lines, replace(self.costs, terms=terms)) for option in self.fleets
            )
            for words, terms in self.terms.variations()
        }

    @cached_property
    def table(self) -> pd.DataFrame:
        """Bills at no traffic and at the multiples that were simulated.

        Returns
        -------
        DataFrame
            One row for each multiple and option: ``multiple``, ``requests`` of a month, ``option``, ``usd`` a month, its
            ``low`` and ``high``, the lowest and highest of the replications.
        """
        return self._frame((0.0, *self.multiples))

    @cached_property
    def curve(self) -> pd.DataFrame:
        """The same as ``table``, at many multiples; between simulated ones usage lies on a straight line."""
        return self._frame(self.lines[0].grid)

    def _frame(self, multiples: Iterable[float]) -> pd.DataFrame:
        import pandas as pd

        rows: list[tuple[Any, ...]] = []
        for multiple in multiples:
            demands = [line.at(multiple) for line in self.lines]
            requests = float(np.mean([demand.requests for demand in demands]))
            for option in self.costs.options:
                usd = [float(self.costs.usd(option, demand)) for demand in demands]
                rows.append((multiple, requests, option.value, float(np.mean(usd)), min(usd), max(usd)))
        return pd.DataFrame(rows, columns=["multiple", "requests", "option", "usd", "low", "high"])

    def text(self) -> str:
        """Tell it in 80 columns."""
        from lambdasim.study.break_even.text import text

        return text(self)

    def __repr__(self) -> str:
        """Say where the lines cross."""
        from lambdasim.study.break_even.text import sentences

        return "\n".join(sentences(self))


def break_even(
    scenario: ScenarioSpec,
    *,
    terms: ServerTerms | None = None,
    multiples: Iterable[float] | None = None,
    replications: int = 3,
    engine: str = "auto",
    executor: Executor | None = None,
    progress: Callable[[int], None] | None = None,
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
        times, up until all lines have crossed. Where a run would have more than 3 million events, its busiest hour is
        simulated, and usage is told from the greatest whole run.
    replications : int
        At least 2: seeds for the ranges.
    engine : {"auto", "kernel", "reference"}
    executor : concurrent.futures.Executor, optional
        Where runs go side by side; the result does not depend on it.
    progress : callable, optional
        Is told how many runs are finished.

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
    fullest moment over the utilisation, rounded up. Lines that cross twice within 10 % of the traffic may be taken not
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
    terms = terms or ServerTerms()
    wanted = sorted({1.0, *map(float, FIRST if multiples is None else multiples)})
    if not 0 < wanted[0] <= wanted[-1] < float("inf"):
        raise InputError.single("break-even", "multiples", f"must be above 0, got {wanted}")
    if replications < 2:
        raise InputError.single("break-even", "replications", f"must be at least 2, got {replications}")
    fleets = fleets_of(scenario, terms)
    servers = tuple(
        dict.fromkeys(one for fleet in fleets.values() for able in fleet.values() for one in able)
    )
    work = partial(demand_at, scenario.anywhere(), servers, engine)
    seeds = range(replications)
    finished = itertools.count(1)

    def simulated(chosen: Sequence[float], hour: int | None = None) -> dict[float, list[Demand]]:
        points = [Point(multiple, seed, hour) for multiple in reversed(chosen) for seed in seeds]
        results = map_points(work, points, executor, lambda *_: progress and progress(next(finished)))
        found = dict(zip(points, results, strict=True))
        return {multiple: [found[Point(multiple, seed, hour)] for seed in seeds] for multiple in chosen}

    found = simulated(wanted)
    if multiples is None:
        _look_further(Costs(scenario, terms, fleets), found, simulated)
    chosen = tuple(sorted(found))
    lines = tuple(Line(chosen, [found[multiple][seed] for multiple in chosen]) for seed in seeds)
    return BreakEven(scenario, terms, fleets, lines)


def _look_further(
    costs: Costs,
    found: dict[float, list[Demand]],
    simulated: Callable[..., dict[float, list[Demand]]],
) -> None:
    """Add lesser and greater multiples until each option has become cheaper than Lambda, and been dearer."""

    def cheaper(multiple: float) -> list[bool]:
        return [
            costs.usd(Option.LAMBDA, demand) > costs.usd(option, demand)
            for option in costs.fleets
            for demand in found[multiple]
        ]

    while any(cheaper(min(found))) and min(found) > LEAST:
        found |= simulated([min(found) / 10])
    first = found[1.0][0]
    events = first.requests / float(month_factor(costs.scenario.duration_us))
    hour, share = first.busiest_hour()
    for multiple in GREATER:
        if all(cheaper(max(found))):
            return
        if multiple * events <= MOST_EVENTS:
            found |= simulated([multiple])
        elif multiple * events * share <= MOST_EVENTS:
            near = simulated([multiple], hour)[multiple]
            step = multiple / max(found)
            found[multiple] = [
                demand.grown(step, like) for demand, like in zip(found[max(found)], near, strict=True)
            ]


def _crossing(option: Option, lines: Sequence[Line], costs: Costs) -> Crossing:
    """Find where an option becomes cheaper than Lambda, line by line."""
    firsts, settled, dearer, server = [], [], 0, ""
    for line in lines:
        cheaper = np.array(
            [
                ours <= costs.usd(option, demand)
                for ours, demand in zip(line.lambda_usd(costs), line.demands, strict=True)
            ]
        )
        if not cheaper[0]:
            dearer += not cheaper.any()
            continue
        first = int(np.argmin(cheaper))
        if first:
            multiple = _bisected(costs, line, option, first)
            firsts.append((float(line.at(multiple).requests), multiple))
            server = server or costs.servers(option, line.at(multiple))
            last = len(cheaper) - int(np.argmax(cheaper[::-1]))
            if last < len(cheaper):
                settled.append(float(line.at(_bisected(costs, line, option, last)).requests))
    return Crossing(
        option,
        t_interval([requests for requests, _ in firsts]),
        t_interval([multiple for _, multiple in firsts]),
        t_interval(settled if len(settled) == len(firsts) else []),
        len(firsts),
        dearer,
        server,
    )


def _bisected(costs: Costs, line: Line, option: Option, place: int) -> float:
    """Find where Lambda stops being the cheaper before a place of the grid."""
    low, high = line.grid[place - 1], line.grid[place]
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        demand = line.at(middle)
        if costs.usd(Option.LAMBDA, demand) <= costs.usd(option, demand):
            low = middle
        else:
            high = middle
    return low
