"""Which memory size: every size and architecture with the same customers, the same work and the same luck."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from concurrent.futures import Executor
from dataclasses import replace
from functools import partial
from itertools import islice
from typing import Any, Final, NamedTuple

from lambdasim.catalog import timing, usual_sizes_mb
from lambdasim.errors import InputError, OutsideCalibrationWarning
from lambdasim.results.gathering import gather
from lambdasim.results.intervals import wanted_replications
from lambdasim.results.points.store import PointStore, origin
from lambdasim.results.simulate import simulate
from lambdasim.results.usage.as_month import month_basis, shared_period
from lambdasim.specs.base import revised
from lambdasim.specs.faults import one_of
from lambdasim.specs.function import Architecture, FunctionSpec
from lambdasim.specs.scenario import ScenarioSpec
from lambdasim.specs.work.handler import WorkSpec
from lambdasim.specs.work.plausible import PlausibleWork
from lambdasim.study.kept import MEASURES
from lambdasim.study.measures import FunctionMeasures, function_measures
from lambdasim.study.memory.objective import Balanced, Objective
from lambdasim.study.memory.result import MemorySweep
from lambdasim.study.memory.tables import SweptSize
from lambdasim.study.variants import at_size

_LEAST_FOR_PRECISION: Final = 4
_MOST_SIZES: Final = 1_000
MOST_FOR_ALTERNATIVES: Final = 3


class _Swept(NamedTuple):
    """What crosses to a worker, beside the point."""

    scenario: ScenarioSpec
    function: str
    arm64_time_ratio: float | None
    engine: str
    period: str


def sweep_memory(
    scenario: ScenarioSpec,
    function: str | None = None,
    sizes: Iterable[int] | None = None,
    *,
    architectures: Iterable[str] | None = None,
    objective: Objective | None = None,
    replications: int = 5,
    precision: float | None = None,
    most_replications: int = 100,
    arm64_time_ratio: float | None = None,
    tolerated_failures: float = 0.001,
    engine: str = "auto",
    executor: Executor | None = None,
    resume: str | os.PathLike[str] | None = None,
    progress: Callable[[int, int], None] | None = None,
    per: str | None = None,
) -> MemorySweep:
    """Simulate a function with several memory sizes and architectures, in pairs.

    Parameters
    ----------
    scenario : ScenarioSpec
        All its functions run, for they share the account; only one is changed. Where its work has ``plausible``
        settings, they are swept too, with at most three of the same seeds.
    function : str, optional
        Which; may be left out where the scenario has one.
    sizes : iterable of int, optional
        Memory sizes [MB]; order and repetition change nothing. Default: ``catalog.usual_sizes_mb()``.
    architectures : iterable of str, optional
        ``x86_64``, ``arm64``; default: the function's own.
    objective : Objective, optional
        What the recommendation is for; default: ``Balanced()``.
    replications : int
        How many seeds; the least number where a precision is asked for, which needs 4.
    precision : float, optional
        Replicate until the half-width of every paired 95 % interval, of money and of the objective's latency, is at most
        this share of the reference's value; 0.02 is 2 %.
    most_replications : int
        Where that ends in any case.
    arm64_time_ratio : float, optional
        CPU time on arm64 over x86_64, in place of the function's own. Where neither is said (1 is a function's default),
        one on x86_64 is taken to arm64 by the catalog's, the middle of six measured handlers.
    tolerated_failures : float
        Share of runs that may end out of memory or at the timeout; a size above it fails and is not recommended.
    engine : {"auto", "kernel", "reference"}
    executor : concurrent.futures.Executor, optional
        Where runs go side by side; the result does not depend on it.
    resume : path-like, optional
        Folder where each finished run is kept. Those that are there already are not simulated again, unless scenario,
        traces, or the version of lambdasim and its prices have changed.
    progress : callable, optional
        Called with how many runs are finished, and how many are planned.
    per : {"month", "run"}, optional
        Period of the money. Default: a month; the run, where it is no sample of one, see ``month_basis``.

    Returns
    -------
    MemorySweep

    Raises
    ------
    InputError
        When an argument cannot be accepted, or the catalog has no INIT for an architecture.
    """
    scenario.require_on_demand("sweep")
    spec = _named(scenario, function)
    own = SweptSize(spec.memory_mb, spec.architecture.value)
    wanted_architectures = sorted(set(architectures or [own.architecture]))
    wanted_sizes = set(usual_sizes_mb() if sizes is None else islice(sizes, _MOST_SIZES + 1))
    if len(wanted_sizes) > _MOST_SIZES:
        raise InputError.single("sweep", "sizes", f"must be at most {_MOST_SIZES:,} memory sizes, got more")
    swept = [SweptSize(size, name) for size in sorted(wanted_sizes) for name in wanted_architectures]
    if not swept:
        raise InputError.single("sweep", "sizes", "must have at least one memory size")
    if precision is not None and not precision > 0:
        raise InputError.single("sweep", "precision", f"must be above 0, got {precision}")
    ratio = _arm64_time_ratio(spec, wanted_architectures, arm64_time_ratio)
    period = shared_period((scenario,), per)
    if per is None and period == "run" and getattr(objective, "within_usd", None) is not None:
        told = f"must come with per: is it of a month, or of this run? {month_basis(scenario).text()}"
        raise InputError.single("sweep", "budget", told)
    setup = _Swept(scenario.anywhere(), spec.name, ratio, engine, period)
    for size in swept:
        _changed(setup, size)
    reference = own if own in swept else swept[0]
    aim = objective or Balanced()
    least = replications if precision is None else max(replications, _LEAST_FOR_PRECISION)

    def wanted(results: dict[SweptSize, list[FunctionMeasures]]) -> int:
        if precision is None:
            return least
        return _replications_wanted(
            {
                size: runs
                for size, runs in results.items()
                if size == reference or not _fail(runs, tolerated_failures)
            },
            reference,
            aim.latency,
            precision,
            most_replications,
        )

    results = gather(
        partial(_measured, setup),
        swept,
        scenario.seed,
        replications=least,
        most=max(most_replications, least),
        wanted=wanted,
        executor=executor,
        progress=progress,
        store=None if resume is None else partial(_store, resume, setup, origin(scenario)),
    )
    main = MemorySweep(
        scenario=scenario,
        function=spec.name,
        results={size: tuple(found) for size, found in results.items()},
        reference=reference,
        objective=aim,
        precision=precision,
        tolerated_failures=tolerated_failures,
        arm64_time_ratio=spec.work.arm64_time_ratio if ratio is None else ratio,
        period=period,
    )
    few, done = min(least, MOST_FOR_ALTERNATIVES), main.replications * len(swept)
    alternatives = []
    for place, plausible in enumerate(spec.work.plausible):
        changed = _with_work(scenario, spec, plausible)
        other = setup._replace(scenario=changed.anywhere())
        found_there = gather(
            partial(_measured, other),
            swept,
            scenario.seed,
            replications=few,
            most=few,
            wanted=lambda _: few,
            executor=executor,
            progress=None
            if progress is None
            else partial(_further, progress, done + place * few * len(swept)),
            store=None if resume is None else partial(_store, resume, other, origin(changed)),
        )
        alternatives.append(
            replace(main, scenario=changed, results={size: tuple(runs) for size, runs in found_there.items()})
        )
    return replace(main, alternatives=tuple(alternatives))


def _with_work(scenario: ScenarioSpec, spec: FunctionSpec, plausible: PlausibleWork) -> ScenarioSpec:
    """Return the scenario in which the function's work is another plausible one."""
    work: dict[str, Any] = {"cpu_ms": plausible.cpu_ms, "io_ms": plausible.io_ms, "plausible": ()}
    if plausible.cpu_law is not None:
        work["cpu_law"] = plausible.cpu_law
    changed = revised(spec, {"work": revised(spec.work, work)})
    functions = tuple(changed if one.name == spec.name else one for one in scenario.functions)
    return revised(scenario, {"functions": functions})


def _further(progress: Callable[[int, int], None], before: int, finished: int, planned: int) -> None:
    progress(before + finished, before + planned)


def _named(scenario: ScenarioSpec, function: str | None) -> FunctionSpec:
    if function is not None:
        return scenario.function(function)
    if len(scenario.functions) == 1:
        return scenario.functions[0]
    names = one_of(spec.name for spec in scenario.functions)
    raise InputError.single("sweep", "function", f"must be named, as there are several: {names}")


def _changed(setup: _Swept, size: SweptSize) -> ScenarioSpec:
    """Return the scenario with the function at another size."""
    functions = tuple(
        at_size(spec, size.memory_mb, size.architecture, setup.arm64_time_ratio)
        if spec.name == setup.function
        else spec
        for spec in setup.scenario.functions
    )
    return revised(setup.scenario, {"functions": functions})


def _measured(setup: _Swept, point: tuple[SweptSize, int]) -> FunctionMeasures:
    """Simulate one size with one seed; this may be another process."""
    size, seed = point
    changed = _changed(setup, size).with_seed(seed)
    run = simulate(changed, engine=setup.engine, keep_records=False)
    return function_measures(run, setup.function, setup.period)


def _store(
    folder: str | os.PathLike[str], setup: _Swept, base: dict[str, str], size: SweptSize
) -> PointStore[FunctionMeasures]:
    """Give where one size's finished runs are kept."""
    changed = {
        "swept": setup.function,
        "memory_mb": str(size.memory_mb),
        "architecture": size.architecture,
        "arm64_time_ratio": repr(setup.arm64_time_ratio),
        "period": setup.period,
    }
    return PointStore(folder, base | changed, MEASURES)


def _replications_wanted(
    results: dict[SweptSize, list[FunctionMeasures]],
    reference: SweptSize,
    latency: str,
    precision: float,
    most: int,
) -> int:
    measures = ("usd", latency)
    numbers = {size: [found.numbers() for found in runs] for size, runs in results.items()}
    return max(
        wanted_replications(
            [run[measure] for run in runs], [run[measure] for run in numbers[reference]], precision, most
        )
        for runs in numbers.values()
        for measure in measures
    )


def _fail(runs: list[FunctionMeasures], tolerated: float) -> bool:
    """Return whether a size fails: its difference is of no interest then."""
    return sum(run.memory_failure_share + run.timeout_share for run in runs) > tolerated * len(runs)


def _arm64_time_ratio(spec: FunctionSpec, architectures: list[str], given: float | None) -> float | None:
    """Choose the ratio to sweep with; None where the function's own stands."""
    silent = WorkSpec.model_fields["arm64_time_ratio"].default
    if given is not None or spec.work.arm64_time_ratio != silent or len(architectures) < 2:
        return given
    if spec.architecture is Architecture.X86_64:
        return timing("arm64_time_permille").value / 1000
    import warnings

    warnings.warn(
        f"{spec.name}: runs on arm64 and has no arm64_time_ratio, so CPU time on x86_64 is taken as on arm64",
        OutsideCalibrationWarning,
        stacklevel=3,
    )
    return None
