"""Replications of several configurations with common seeds, as many as an interval needs."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from concurrent.futures import Executor
from typing import TypeVar

from lambdasim.errors import InputError
from lambdasim.results.parallel import map_points

Configuration = TypeVar("Configuration", bound=Hashable)
Result = TypeVar("Result")
_SEEDS = 1 << 64


def gather(
    work: Callable[[tuple[Configuration, int]], Result],
    configurations: Sequence[Configuration],
    first_seed: int,
    *,
    replications: int,
    most: int,
    wanted: Callable[[dict[Configuration, list[Result]]], int],
    executor: Executor | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> dict[Configuration, list[Result]]:
    """Run every configuration with the same seeds until there are as many replications as wanted.

    Parameters
    ----------
    work : callable
        From (configuration, seed) to a result; with an executor it must be picklable.
    configurations : sequence
    first_seed : int
        Replication k has this seed plus k.
    replications, most : int
        First number of replications, and the greatest.
    wanted : callable
        Says from the results so far how many replications there should be; asked again after each round.
    executor : concurrent.futures.Executor, optional
        The result does not depend on it.
    progress : callable, optional
        Is told how many runs are finished, and how many are planned so far.

    Returns
    -------
    dict
        Results by configuration, in the order of the replications.
    """
    if not 1 <= replications <= most:
        raise InputError.single(
            "study", "replications", f"must be from 1 to {most} (the most), got {replications}"
        )
    results: dict[Configuration, list[Result]] = {configuration: [] for configuration in configurations}
    done, target, finished = 0, replications, 0
    while done < target:
        points = [
            (configuration, (first_seed + number) % _SEEDS)
            for number in range(done, target)
            for configuration in configurations
        ]

        def tell(place: int, result: Result, planned: int = target * len(configurations)) -> None:
            nonlocal finished
            finished += 1
            if progress is not None:
                progress(finished, planned)

        for (configuration, _), result in zip(points, map_points(work, points, executor, tell), strict=True):
            results[configuration].append(result)
        done, target = target, min(max(wanted(results), target), most)
    return results
