"""Runs a scenario on Lambda and on every other platform of the catalog."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Executor
from functools import partial

from lambdasim.catalog.prices.platforms import platform_book
from lambdasim.errors import CatalogError, InputError
from lambdasim.results.gathering import check_replications
from lambdasim.results.points.parallel import map_points
from lambdasim.results.usage.as_month import shared_period
from lambdasim.specs.scenario import ScenarioSpec
from lambdasim.study.platforms.offers import replication
from lambdasim.study.platforms.result import PlatformComparison
from lambdasim.study.platforms.settings import PlatformTerms
from lambdasim.study.platforms.tables import SERVERS
from lambdasim.study.server_costs import Fleets, fleets_of
from lambdasim.wording import listed


def platforms(
    scenario: ScenarioSpec,
    *,
    terms: PlatformTerms | None = None,
    replications: int = 3,
    engine: str = "auto",
    executor: Executor | None = None,
    progress: Callable[[int], None] | None = None,
    per: str | None = None,
) -> PlatformComparison:
    """Hold Lambda against other platforms: the same arrivals, work and luck on each of them.

    Parameters
    ----------
    scenario : ScenarioSpec
        Its limits of concurrency are raised as far as needed, so that all sides serve the same.
    terms : PlatformTerms, optional
        What is assumed of other platforms; by default both ends of what the scenario does not say.
    replications : int
        At least 1: seeds for the ranges.
    engine : {"auto", "kernel", "reference"}
        Of Lambda.
    executor : concurrent.futures.Executor, optional
        Where replications go side by side; the result does not depend on it.
    progress : callable, optional
        Called with how many replications are finished.
    per : {"month", "run"}, optional
        Period of the money. Default: a month; the run, where it is no sample of one, see ``month_basis``. What is paid by
        the month is paid whole for a run.

    Returns
    -------
    PlatformComparison

    Raises
    ------
    InputError
        When an argument cannot be accepted, a server that was asked for cannot be had, or functions call into queues
        or streams.

    Examples
    --------
    >>> import lambdasim as ls
    >>> base = ls.load_scenario_text('''
    ... name: shop
    ... start: 2026-11-01T00:00:00Z
    ... duration: 1h
    ... functions:
    ...   - {name: api, memory_mb: 512, timeout: 20s, work: {io_ms: 100}, traffic: {constant: {rate_per_s: 1}}}
    ... ''')
    >>> found = ls.platforms(base, terms=ls.PlatformTerms(only=("cloud_run",)), replications=1)
    >>> sorted(set(found.frame()["key"]))
    ['cloud_run', 'lambda']
    """
    if not isinstance(scenario, ScenarioSpec):
        raise InputError.single(
            "platforms",
            "scenario",
            f"must be a scenario, as load_scenario returns, got {type(scenario).__name__}",
        )
    scenario.require_on_demand("platforms")
    terms = terms or PlatformTerms()
    check_replications("platforms", replications, least=1)
    polled = {spec.name for spec in scenario.functions if spec.trigger.is_polled}
    called = {call.function for spec in scenario.functions for call in spec.calls}
    if queued := sorted(polled & called):
        raise InputError.single(
            "platforms",
            "functions",
            f"must not call into queues or streams: what {listed(queued, most=3)} would ask for elsewhere is not "
            "modelled; leave the call out and give the function its own traffic",
        )
    known = (*platform_book().platforms, *SERVERS)
    for key in terms.only:
        if key not in known:
            raise InputError.single("platforms", "only", f"must be among {listed(known)}, got {key!r:.40}")
    fleets, no_servers = _fleets(scenario, terms)
    period = shared_period((scenario,), per)
    work = partial(replication, scenario.anywhere(), fleets, terms, engine, period)
    seeds = range(replications)
    tell = progress or (lambda finished: None)
    done = 0

    def finished(*_: object) -> None:
        nonlocal done
        done += 1
        tell(done)

    found = map_points(work, seeds, executor, finished)
    return PlatformComparison(scenario, terms, tuple(found), no_servers, period)


def _fleets(scenario: ScenarioSpec, terms: PlatformTerms) -> tuple[Fleets, str]:
    """Find servers, or say why there are none; what was asked for by name must be there."""
    try:
        return fleets_of(scenario, terms.servers), ""
    except CatalogError as error:
        if terms.servers.instance is not None or terms.servers.task is not None:
            raise
        return {}, error.faults[0].message
