"""Run a trap: the good scenario and the bad one, on the same draws."""

from __future__ import annotations

from collections.abc import Callable

from lambdasim.errors import InputError
from lambdasim.results.simulate import simulate
from lambdasim.specs.scenario import ScenarioSpec
from lambdasim.study.trap.result import Trap


def spring_trap(
    good: ScenarioSpec,
    bad: ScenarioSpec,
    *,
    engine: str = "auto",
    progress: Callable[[int, int], None] | None = None,
) -> Trap:
    """Simulate a bad scenario and a good one of the same length beside each other.

    Parameters
    ----------
    good, bad : ScenarioSpec
    engine : {"auto", "kernel", "reference"}
    progress : callable, optional
        Called with how many runs are finished, and how many are planned.

    Returns
    -------
    Trap

    Raises
    ------
    InputError
        When the two begin at different times or differ in length.
    """
    if (good.start, good.duration_us) != (bad.start, bad.duration_us):
        raise InputError.single("trap", "scenarios", "must have the same start and duration")
    runs = []
    for number, scenario in enumerate((good, bad), start=1):
        runs.append(simulate(scenario, engine=engine))
        if progress is not None:
            progress(number, 2)
    return Trap(*runs)
