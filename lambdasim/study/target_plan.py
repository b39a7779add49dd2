"""Which change of a queue's or stream's settings keeps the targets, each simulated, and at what cost."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Executor
from contextlib import suppress
from typing import TYPE_CHECKING, Final, NamedTuple

from lambdasim.errors import LambdaSimError
from lambdasim.results.gathering import check_replications
from lambdasim.results.points.parallel import map_points
from lambdasim.results.run import RunResult
from lambdasim.results.simulate import simulate
from lambdasim.specs.scenario import ScenarioSpec
from lambdasim.study.levers import Lever, levers
from lambdasim.study.targets import Kept, Target, kept_targets

if TYPE_CHECKING:
    import pandas as pd

_MOST_ROUNDS: Final = 3
_BETTER: Final = 0.99
_AS_CHEAP: Final = 1.01


class Tried(NamedTuple):
    """One set of changes, simulated.

    Attributes
    ----------
    changes : tuple of Lever
    kept : tuple of Kept
        Every target and function.
    usd : float
        The run's bill without free tier [USD].
    refused_share : float
        Of attempts.
    """

    changes: tuple[Lever, ...]
    kept: tuple[Kept, ...]
    usd: float
    refused_share: float

    @property
    def meets(self) -> bool:
        """Whether every target is kept."""
        return all(one.is_met for one in self.kept)

    @property
    def excess(self) -> float:
        """How many times its target the worst measure is; at most 1 where all are kept."""
        return max((one.excess for one in self.kept), default=0.0)

    def words(self) -> str:
        """Say what is changed."""
        alone = len({one.function for one in self.kept} | {one.function for one in self.changes}) == 1
        return " and ".join(
            one.words if alone or one.function in one.words else f"{one.words} for {one.function}"
            for one in self.changes
        )


class TargetPlan(NamedTuple):
    """What keeps the targets.

    Attributes
    ----------
    targets : tuple of Target
    now : Tried
        The scenario as it is.
    best : Tried or None
        The cheapest change that keeps all targets, of those within 1 % of it the one with the most room; else the one
        that comes nearest; None where nothing helps.
    tried : tuple of Tried
        Everything that was simulated.
    seeds_met, seeds : int
        Of how many seeds the best keeps all targets.
    """

    targets: tuple[Target, ...]
    now: Tried
    best: Tried | None
    tried: tuple[Tried, ...]
    seeds_met: int
    seeds: int

    def frame(self) -> pd.DataFrame:
        """Return one row for each change that was simulated, the scenario as it is first.

        Returns
        -------
        DataFrame
            ``change``; for each target and function ``target (function)`` with its value in words; ``usd`` of the run
            without free tier; ``refused_share``; ``meets``; ``advised``.
        """
        import pandas as pd

        rows = [
            {"change": one.words() or "as it is"}
            | {f"{kept.target} ({kept.function})": kept.target.written(kept.value) for kept in one.kept}
            | {
                "usd": one.usd,
                "refused_share": one.refused_share,
                "meets": one.meets,
                "advised": one is self.best,
            }
            for one in (self.now, *self.tried)
        ]
        return pd.DataFrame(rows)


def plan_targets(
    run: RunResult,
    targets: Iterable[Target],
    *,
    engine: str = "auto",
    seeds: int = 3,
    executor: Executor | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> TargetPlan:
    """Look for the cheapest change that keeps the targets, by simulating one after the other.

    Parameters
    ----------
    run : RunResult
        The scenario as it is.
    targets : iterable of Target
    engine : {"auto", "kernel", "reference"}
    seeds : int
        With how many seeds the chosen change is simulated again.
    executor : concurrent.futures.Executor, optional
        Where changes are simulated side by side; the result does not depend on it.
    progress : callable, optional
        Called with how many runs are finished, and how many are planned so far.

    Returns
    -------
    TargetPlan

    Raises
    ------
    InputError
        When a target is of queues and streams, and the scenario has none.

    Notes
    -----
    Each round simulates every change beside those that were chosen before. It ends with the cheapest that keeps all
    targets, of those within 1 % of it the one with the most room; where none does, the one that comes nearest is kept,
    and up to three are put together.
    """
    run.scenario.require_on_demand("targets")
    check_replications("targets", seeds, least=1, name="seeds")
    wanted = tuple(targets)
    now = _tried(run, (), wanted)
    if now.meets:
        return TargetPlan(wanted, now, None, (), 0, 0)
    tried: list[Tried] = []
    best, base, scenario = now, run, run.scenario
    for number in range(_MOST_ROUNDS):
        if number:
            base = simulate(scenario, engine=engine, keep_records=False)
        points = list(_points(base, best, wanted, engine))
        before, counted = len(tried), itertools.count(1)

        def tell(_place: int, _one: Tried) -> None:
            if progress is not None:
                progress(before + next(counted), before + len(points))  # noqa: B023 - called in this round alone

        found = map_points(_simulated, points, executor, tell)
        tried += found
        good = [one for one in found if one.meets]
        nearer = [one for one in found if one.excess < _BETTER * best.excess]
        if not good and not nearer:
            break
        if good:
            about = _AS_CHEAP * min(one.usd for one in good)
            best = min((one for one in good if one.usd <= about), key=lambda one: one.excess)
        else:
            best = min(nearer, key=lambda one: (one.excess, one.usd))
        scenario = points[found.index(best)].scenario
        if good:
            break
    if best is now:
        return TargetPlan(wanted, now, None, tuple(tried), 0, 0)
    again = [Point(other, best.changes, wanted, engine) for other in _reseeded(scenario, seeds)]
    met = int(best.meets) + sum(one.meets for one in map_points(_simulated, again, executor))
    return TargetPlan(wanted, now, best, tuple(tried), met, seeds)


class Point(NamedTuple):
    """A scenario with changes, to be simulated."""

    scenario: ScenarioSpec
    changes: tuple[Lever, ...]
    targets: tuple[Target, ...]
    engine: str


def _points(run: RunResult, best: Tried, targets: tuple[Target, ...], engine: str) -> Iterator[Point]:
    """Give each change beside those that were chosen, as far as AWS takes it together with what is there."""
    for lever in _options(run, best):
        with suppress(LambdaSimError):
            yield Point(lever.applied(run.scenario).anywhere(), (*best.changes, lever), targets, engine)


def _simulated(point: Point) -> Tried:
    run = simulate(point.scenario, engine=point.engine, keep_records=False)
    return _tried(run, point.changes, point.targets)


def _options(run: RunResult, best: Tried) -> list[Lever]:
    """Give the changes of the functions that miss a target, without settings that were chosen already."""
    taken = {(one.function, one.setting) for one in best.changes}
    missed = dict.fromkeys(one.function for one in best.kept if not one.is_met)
    return [
        lever
        for function in missed
        for lever in levers(run, function)
        if (lever.function, lever.setting) not in taken
    ]


def _tried(run: RunResult, changes: tuple[Lever, ...], targets: Sequence[Target]) -> Tried:
    functions = run.aggregate.functions
    attempts = sum(int(totals.starts.sum()) for totals in functions)
    refused = sum(int(totals.limits[1:].sum()) for totals in functions)
    return Tried(
        changes,
        tuple(kept_targets(run, targets)),
        float(run.charges(free_tier=False).total),
        refused / max(attempts, 1),
    )


def _reseeded(scenario: ScenarioSpec, seeds: int) -> Iterator[ScenarioSpec]:
    return (scenario.with_seed((scenario.seed + number) % (1 << 64)) for number in range(1, seeds))
