"""What a break-even found, as numbers: bills over the traffic, where lines cross, and both ends of what is assumed."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import numpy as np

from lambdasim.results.intervals import Interval, t_interval
from lambdasim.results.usage.as_month import Period, period_of
from lambdasim.specs.base import revised
from lambdasim.specs.scenario import ScenarioSpec
from lambdasim.study.server_costs import Costs, Fleets, Option, ServerTerms
from lambdasim.study.server_demand import Demand, FunctionEvidence

if TYPE_CHECKING:
    import pandas as pd

MANY: Final = 1000
"""Requests that share a process where memory no longer counts."""
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
        Of the period, below which Lambda is the cheaper; mean over the replications that cross, NaN where none does.
    multiple : Interval
        The same, as a multiple of the scenario's traffic.
    settled : Interval
        Requests of the period above which the other is the cheaper, as far as was looked; more than ``requests`` where
        lines cross several times, since servers are bought whole.
    crossed, never_cheaper : int
        Replications with a crossing; and those where Lambda costs more at any traffic.
    server : str
        Name of the servers at the crossing, in the first replication that crosses, and how many.
    """

    option: Option
    requests: Interval
    multiple: Interval
    settled: Interval
    crossed: int
    never_cheaper: int
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
        """Lambda's bill at each place of the grid, whatever the terms of servers [USD in the period]."""
        if "usd" not in self.__dict__:
            self.__dict__["usd"] = [costs.usd(Option.LAMBDA, demand) for demand in self.demands]
        found: list[Decimal] = self.__dict__["usd"]
        return found


@dataclass(frozen=True, eq=False, repr=False)
class BreakEvenTables:
    """What a search for the break-even found, as numbers.

    Attributes
    ----------
    scenario : ScenarioSpec
    terms : ServerTerms
    fleets : Fleets
        The servers of each option.
    lines : tuple of Line
        By replication.
    period : {"month", "run"}
        What money and requests are of.
    """

    scenario: ScenarioSpec
    terms: ServerTerms
    fleets: Fleets
    lines: tuple[Line, ...]
    period: str = "month"

    @property
    def per(self) -> Period:
        """The period of money and requests."""
        return period_of(self.scenario, self.period)

    @property
    def multiples(self) -> tuple[float, ...]:
        """Multiples of the traffic that were simulated."""
        return self.lines[0].multiples

    @cached_property
    def costs(self) -> Costs:
        """What prices demands under the terms."""
        return Costs(self.scenario, self.terms, self.fleets, self.period)

    @property
    def most_requests(self) -> float:
        """Requests of the period at the greatest multiple that was simulated, mean over replications."""
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
            One row for each multiple and option: ``multiple``, ``requests`` and ``usd`` of the period, ``option``, the
            money's ``low`` and ``high``, the lowest and highest of the replications.
        """
        return self._frame((0.0, *self.multiples))

    @cached_property
    def curve(self) -> pd.DataFrame:
        """The same as ``table``, at many multiples; between simulated ones usage lies on a straight line."""
        return self._frame(self.lines[0].grid)

    @cached_property
    def ends(self) -> pd.DataFrame:
        """Bills with the traffic as it is at both ends of what a server's process can do.

        Returns
        -------
        DataFrame
            One row for each option: ``option``; ``one_usd``, where a process serves one request at a time as on Lambda,
            and ``many_usd``, where requests share a process so freely that CPU alone counts [USD in the period, mean over
            replications].
        """
        import pandas as pd

        demands = [line.at(1.0) for line in self.lines]
        sides = [
            replace(self.costs, terms=replace(self.terms, requests_per_process=number))
            for number in (1, MANY)
        ]
        rows = [
            (
                option.value,
                *(float(np.mean([float(side.usd(option, demand)) for demand in demands])) for side in sides),
            )
            for option in self.costs.options
        ]
        return pd.DataFrame(rows, columns=["option", "one_usd", "many_usd"])

    @cached_property
    def listed_usd(self) -> float:
        """Lambda's bill with the traffic as it is, without free tier [USD in the period, mean over replications]."""
        costs = replace(self.costs, scenario=revised(self.scenario, {"free_tier": False}))
        return float(np.mean([float(costs.usd(Option.LAMBDA, line.at(1.0))) for line in self.lines]))

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


def _crossing(option: Option, lines: Sequence[Line], costs: Costs) -> Crossing:
    """Find where an option becomes cheaper than Lambda, line by line."""
    firsts, settled, never_cheaper, server = [], [], 0, ""
    for line in lines:
        cheaper = np.array(
            [
                ours <= costs.usd(option, demand)
                for ours, demand in zip(line.lambda_usd(costs), line.demands, strict=True)
            ]
        )
        if not cheaper[0]:
            never_cheaper += not cheaper.any()
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
        never_cheaper,
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
