"""Replications of several configurations with common seeds, as many as an interval needs."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from concurrent.futures import Executor
from functools import partial
from typing import Final, TypeVar

from lambdasim.errors import InputError
from lambdasim.results.points.parallel import map_points
from lambdasim.results.points.store import PointStore, check_release, release_checksum

Configuration = TypeVar("Configuration", bound=Hashable)
Result = TypeVar("Result")
_SEEDS = 1 << 64


MOST_REPLICATIONS: Final = 10_000
"""More would narrow an interval by a hundredth of what the first hundred left of it, at a hundred times the price."""


def check_replications(where: str, replications: int, least: int = 2, name: str = "replications") -> None:
    """Refuse fewer replications than an interval needs, and more than anybody can mean.

    Parameters
    ----------
    where : str
        Of the study, for the message.
    replications : int
    least : int
    name : str
        Of the argument.

    Raises
    ------
    InputError
    """
    if replications < least:
        raise InputError.single(where, name, f"must be at least {least}, got {replications}")
    if replications > MOST_REPLICATIONS:
        raise InputError.single(where, name, f"must be at most {MOST_REPLICATIONS:,}, got {replications:.6g}")


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
    store: Callable[[Configuration], PointStore[Result]] | None = None,
    given: Mapping[tuple[Configuration, int], Result] | None = None,
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
        Called as a round begins and as each of its runs ends: how many are finished, and how many are planned so far.
    store : callable, optional
        Gives where finished runs of a configuration are kept. Those that are there already are not made again.
    given : mapping, optional
        Results at hand, by configuration and seed; they are not made either.

    Returns
    -------
    dict
        Results by configuration, in the order of the replications.
    """
    check_replications("study", replications, least=1)
    check_replications("study", most, least=1, name="most_replications")
    if replications > most:
        raise InputError.single(
            "study", "replications", f"must be from 1 to {most} (the most), got {replications}"
        )
    stores = (
        {} if store is None else {configuration: store(configuration) for configuration in configurations}
    )
    work = partial(_of_release, release_checksum(), work)
    results: dict[Configuration, list[Result]] = {configuration: [] for configuration in configurations}
    done, target, finished = 0, replications, 0
    while done < target:
        points = [
            (configuration, (first_seed + number) % _SEEDS)
            for number in range(done, target)
            for configuration in configurations
        ]
        known = _known(points, stores, given or {})
        missing = [point for point in points if point not in known]
        finished += len(known)
        planned = target * len(configurations)
        if progress is not None:
            progress(finished, planned)

        def tell(
            place: int,
            result: Result,
            missing: list[tuple[Configuration, int]] = missing,
            planned: int = planned,
        ) -> None:
            nonlocal finished
            finished += 1
            configuration, seed = missing[place]
            if stores:
                stores[configuration].keep(seed, result)
            if progress is not None:
                progress(finished, planned)

        known |= zip(missing, map_points(work, missing, executor, tell), strict=True)
        for configuration, seed in points:
            results[configuration].append(known[configuration, seed])
        done, target = target, min(max(wanted(results), target), most)
    return results


def _known(
    points: Sequence[tuple[Configuration, int]],
    stores: Mapping[Configuration, PointStore[Result]],
    given: Mapping[tuple[Configuration, int], Result],
) -> dict[tuple[Configuration, int], Result]:
    """Find the points that need not be made."""
    known = {point: given[point] for point in points if point in given}
    if stores:
        kept = {point: stores[point[0]].kept(point[1]) for point in points if point not in known}
        known |= {point: result for point, result in kept.items() if result is not None}
    return known


def _of_release(
    release: str, work: Callable[[tuple[Configuration, int]], Result], point: tuple[Configuration, int]
) -> Result:
    """Do a point's work, which may be on another machine, where code and prices are the same."""
    check_release(release)
    return work(point)
