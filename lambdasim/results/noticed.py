"""What stands beside every answer about a scenario, in every view: work of nothing, and how traces were read."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Final

from lambdasim.engine.plan import ScenarioArrivals, plan_scenario
from lambdasim.results.foreseen import without_work
from lambdasim.wording import clipped, count, listed

if TYPE_CHECKING:
    from lambdasim.engine.contract import FunctionPlan, Plan
    from lambdasim.specs.scenario import ScenarioSpec
    from lambdasim.traffic.arrivals import FunctionArrivals
    from lambdasim.traffic.report import ReadReport

NO_EVENT: Final = "No event arrives in the whole run, so nothing is billed for runs."
_MOST_NAMED: Final = 8


def noticed(scenario: ScenarioSpec) -> tuple[str, ...]:
    """Say what a reader of any answer about a scenario should know of its input.

    Parameters
    ----------
    scenario : ScenarioSpec

    Returns
    -------
    tuple of str
        A sentence for each: functions whose runs take no time, rows of a trace that were left out, what else reading it
        found, which of its days stand for which.
    """
    plan = plan_scenario(scenario)
    days = (f"{source.owner}: {source.days()}." for source in with_traces(plan) if source.days())
    return (*of_work(plan.functions), *of_traces(plan), *days)


def of_work(functions: Iterable[FunctionPlan]) -> Iterator[str]:
    """Say which functions have no work, so that their runs take 0 ms."""
    names = [function.name for function in functions if without_work(function)]
    if names:
        has, runs = ("has", "its runs") if len(names) == 1 else ("have", "their runs")
        yield f"{listed(names, _MOST_NAMED)} {has} neither cpu_ms nor io_ms, so {runs} take 0 ms."


def of_traces(plan: Plan) -> Iterator[str]:
    """Say what was found in the traces of functions, and what of them lies outside the scenario."""
    for source in with_traces(plan):
        report, days = source.trace.report(), source.days()
        said = [*report.warnings, *(one for one in source.coverage() if one != days)]
        if report.skipped:
            said.insert(0, f"{count(report.skipped, 'bad row')} left out, the first at {report.faults[0]}")
        yield from (f"Traffic of {clipped(source.owner, 60)}: {one}." for one in said)


def with_traces(plan: Plan) -> list[FunctionArrivals]:
    """Give the arrivals that come from traces.

    Parameters
    ----------
    plan : Plan

    Returns
    -------
    list of FunctionArrivals
    """
    arrivals = plan.arrivals
    sources = arrivals.sources if isinstance(arrivals, ScenarioArrivals) else ()
    return [source for source in sources if source.traffic.trace is not None]


def readings_of(plan: Plan) -> dict[str, ReadReport]:
    """Return what was found in a plan's traces, and which of their days stand for which; by function.

    Parameters
    ----------
    plan : Plan

    Returns
    -------
    dict of str to ReadReport
    """
    return {source.owner: source.trace.report().also(source.coverage()) for source in with_traces(plan)}
