"""From logs or statistics to one function's work, INIT, memory need and failures, ready for a scenario."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from math import inf, sqrt
from typing import Any, Final, SupportsInt, cast

import numpy as np

from lambdasim.calibration.data.eras import ALL
from lambdasim.calibration.data.observations import Observations, observe, require_warm
from lambdasim.calibration.data.reading import read_observations
from lambdasim.calibration.data.statistics import Floats, SizeStatistics, from_values
from lambdasim.calibration.data.tuning import TUNING_NOTE, is_power_tuning, tuning_statistics
from lambdasim.calibration.estimate import ColdFit, Estimate
from lambdasim.calibration.fit.first_run import FirstRunFit, fit_first_run
from lambdasim.calibration.fit.init import fit_init
from lambdasim.calibration.fit.measured import held_to_cpu_time
from lambdasim.calibration.fit.work import DEFAULT_CPU_SHARE, WorkFit, fit_work
from lambdasim.calibration.lasting import fitted_lasting
from lambdasim.calibration.result import RUNTIME, Calibration
from lambdasim.calibration.round_trip import RoundTrip, round_trip
from lambdasim.calibration.scenario import scenario_mapping, write_scenario
from lambdasim.calibration.written import failures, init_cap_ms, init_sample_ms, init_values_ms, restores
from lambdasim.catalog import has_snap_start, init_prior, init_runtimes, snap_start_in_words
from lambdasim.errors import InputError
from lambdasim.specs.faults import not_among
from lambdasim.specs.function import Architecture
from lambdasim.traffic.trace import Trace
from lambdasim.wording import clipped

_Z: Final = 1.96
_QUANTILES: Final = (0.5, 0.9, 0.99)
_FEWEST_FIRST: Final = 3
_WIDEST: Final = 3.0
_CHANGED: Final = 0.1
"""Error of the fit at one of its sizes from which on the work itself is taken to have changed with the size."""


def calibrate(
    data: Mapping[int, Sequence[float] | Floats]
    | Trace
    | SizeStatistics
    | Iterable[SizeStatistics]
    | Iterable[Trace]
    | Observations
    | str
    | os.PathLike[str]
    | Iterable[str | os.PathLike[str]],
    *,
    function: str | None = None,
    cpu_share: tuple[float, float] = DEFAULT_CPU_SHARE,
    law_error: float | None = None,
    architecture: Architecture | str = Architecture.X86_64,
    runtime: str | None = None,
    version: str | None = None,
) -> Calibration:
    """Infer a function's work.

    Parameters
    ----------
    data : mapping, SizeStatistics, Trace, iterable of either, Observations, or path-like
        Warm durations [ms] by memory size [MB], arrays of shape (n,); their statistics (``from_values``,
        ``from_summary``); logs, or their files, as ``calibrate_logs`` reads them.
    function : str, optional
        Its name; with traces, which function to take.
    cpu_share, law_error, architecture
        As for ``fit_work``.
    runtime : str, optional
        AWS's identifier. By default as the logs name it, else python3.13.
    version : str, optional
        Of logs with several versions of the function the one to fit, or ``all``. By default the newest, where versions
        followed one another; so it is with a timeout that was changed, and with a memory size where no one law of
        work explains both.

    Returns
    -------
    Calibration

    Raises
    ------
    InputError
        When there is nothing to fit, or the data contradict themselves.

    Examples
    --------
    >>> from lambdasim.calibration.data.statistics import from_summary
    >>> fit = calibrate([from_summary(256, 1000, 2_000.0), from_summary(1024, 1000, 500.0)], function="resize")
    >>> abs(fit.work.predict(512).mean_ms.value / 1_000 - 1) < 0.03
    True
    >>> same = calibrate({256: [2_000.0] * 1000, 1024: [500.0] * 1000})
    >>> abs(same.work.predict(512).mean_ms.value / 1_000 - 1) < 0.03
    True
    """
    if runtime is not None and runtime not in init_runtimes():
        raise InputError.single("calibration", "runtime", not_among(runtime, init_runtimes()))
    if not isinstance(data, Observations):
        if isinstance(data, Mapping):
            data = [from_values(_size_mb(memory_mb), values) for memory_mb, values in data.items()]
        if hasattr(data, "columns") and not isinstance(data, Trace):
            wanted = "must be durations by memory size such as {512: [31.5, 30.2]}, statistics or logs"
            raise InputError.single("calibration", "data", f"{wanted}, got a table")
        alone = isinstance(data, Trace | SizeStatistics | str | os.PathLike)
        items: Sequence[Any] = [data] if alone else list(cast("Iterable[Any]", data))
        paths = [item for item in items if isinstance(item, str | os.PathLike)]
        if paths and len(paths) == len(items):
            tuned = [path for path in paths if is_power_tuning(path)]
            items = _tuned(items) if tuned else [read_observations(paths, function=function, version=version)]
        if items and isinstance(items[0], Observations):
            data = items[0]
        elif items and isinstance(items[0], Trace):
            data = observe(items, function=function, version=version)
        else:
            work = fit_work(items, cpu_share=cpu_share, law_error=law_error, architecture=architecture)
            return Calibration(function or "function", work, runtime=runtime or RUNTIME)
    work = fit_work(require_warm(data), cpu_share=cpu_share, law_error=law_error, architecture=architecture)
    last_mb = data.last_size_mb
    if version != ALL and last_mb is not None and (wrong := _worst_miss(work)) > _CHANGED:
        data = data.at_size(
            last_mb,
            f"one law of work misses a memory size by {wrong:.0%}, so the work changed with the size: the runs at "
            f"{last_mb} MB, the latest, are fitted, and the others are left out",
        )
        work = fit_work(
            require_warm(data), cpu_share=cpu_share, law_error=law_error, architecture=architecture
        )
    measured = _cpu_time_ms(data)
    if len(measured):
        work = held_to_cpu_time(work, measured)
    restored, values = restores(data.runs), init_values_ms(data)
    notes = []
    if restored is not None and len(values) > len(restored.load_ms):
        notes.append(
            f"{len(restored.load_ms):,} restores beside {len(values):,} cold starts: written without SnapStart"
        )
        restored = None
    named, of_runtime = _runtime(data, runtime, restored=restored is not None, started=len(values) > 0)
    notes += of_runtime
    prior = init_prior(named, "zip", work.architecture.value)
    cold = _cold(data, values)
    found = Calibration(
        function or data.function,
        work,
        cold,
        _memory_need(data),
        failures(data),
        data,
        fit_init(init_sample_ms(data), prior, inf if data.runs.again.any() else init_cap_ms()),
        _first_run(data),
        named,
        tuple(notes),
        restored,
        repeat=_repeat,
    )
    return replace(found, lasting=fitted_lasting(scenario_mapping(found, None), data.runs))


def _runtime(
    data: Observations, asked: str | None, *, restored: bool, started: bool
) -> tuple[str, list[str]]:
    """Choose the runtime that is written, and say where it is not the log's.

    Raises
    ------
    InputError
        When the log has restores, and the runtime no SnapStart.
    """
    named = asked or data.runtime or RUNTIME
    if restored and not has_snap_start(named):
        raise InputError.single(
            data.function,
            "runtime",
            f"must be one with SnapStart, since the log has restores: {snap_start_in_words()}; got {named[:40]!r}",
        )
    if asked and data.runtime and asked != data.runtime:
        return named, [f"the log names the runtime {data.runtime}; {asked} is written, as asked for"]
    if not started and not restored and named not in init_runtimes():
        return RUNTIME, [
            f"the log names the runtime {clipped(named, 40)}, whose INIT nobody measured, and has no cold start: "
            f"{RUNTIME} stands for it"
        ]
    return named, []


def _worst_miss(work: WorkFit) -> float:
    """Give the largest relative error of the fit at a size that it was fitted to."""
    return max(abs(fit.error) for fit in work.goodness())


def _cpu_time_ms(data: Observations) -> Floats:
    """Give the CPU time of complete runs where it was measured, of warm ones if there are any, shape (n,) [ms]."""
    runs = data.runs
    known = ~np.isnan(runs.cpu_time_ms) & (runs.cpu_time_ms > 0)
    complete = known & runs.ended("success")
    for rows in (complete & runs.warm(), complete, known & ~runs.inside):
        if rows.any():
            return runs.cpu_time_ms[rows]
    return np.zeros(0)


def _repeat(found: Calibration) -> RoundTrip:
    assert found.observations is not None  # noqa: S101 - set where there are logs
    scenario, runs, speeds = scenario_mapping(found, None), found.observations.runs, found.speeds
    if speeds is None:
        return round_trip(scenario, runs)
    return round_trip(scenario, runs, speed_error=speeds.error, worth=speeds.worth)


def calibrate_logs(
    sources: str | os.PathLike[str] | Iterable[str | os.PathLike[str]],
    out: str | os.PathLike[str] | None = None,
    *,
    function: str | None = None,
    skip_bad_rows: bool = False,
    said: Mapping[str, object] | None = None,
    cpu_share: tuple[float, float] = DEFAULT_CPU_SHARE,
    architecture: Architecture | str = Architecture.X86_64,
    runtime: str | None = None,
    version: str | None = None,
) -> Calibration:
    """Calibrate from files and write a scenario: what ``lambdasim calibrate SOURCE... -o OUT`` does.

    Parameters
    ----------
    sources : path-like, or iterable of path-like
        Logs; or one file of Power Tuning's output, or the address of its chart.
    out : path-like, optional
        Where to write a scenario that loads; its notes are comments, its arrivals go beside it.
    function, skip_bad_rows, said
        As for ``read_observations``.
    cpu_share, architecture
        As for ``fit_work``.
    runtime, version
        As for ``calibrate``.

    Returns
    -------
    Calibration

    Raises
    ------
    InputError
        When a source cannot be read, or logs and Power Tuning's output are mixed.
    """
    if runtime is not None and runtime not in init_runtimes():
        raise InputError.single("calibration", "runtime", not_among(runtime, init_runtimes()))
    given = [sources] if isinstance(sources, str | os.PathLike) else list(sources)
    if any(is_power_tuning(source) for source in given):
        found = calibrate(
            _tuned(given),
            function=function,
            cpu_share=cpu_share,
            architecture=architecture,
            runtime=runtime,
        )
        found = replace(found, notes=(TUNING_NOTE,))
    else:
        found = calibrate(
            read_observations(
                given, function=function, skip_bad_rows=skip_bad_rows, said=said, version=version
            ),
            cpu_share=cpu_share,
            architecture=architecture,
            runtime=runtime,
            version=version,
        )
    if out is not None:
        write_scenario(found, out)
    return found


def _size_mb(given: object) -> int:
    """Take the key of a mapping as a memory size.

    Raises
    ------
    InputError
        When it is no whole number.
    """
    if isinstance(given, str | bool) or not isinstance(given, SupportsInt) or int(given) != given:
        raise InputError.single(
            "calibration", "data", f"must have memory sizes [MB] as keys, got {given!r:.40}"
        )
    return int(given)


def _tuned(sources: Sequence[str | os.PathLike[str]]) -> list[SizeStatistics]:
    """Read the one output of Power Tuning among sources.

    Raises
    ------
    InputError
        When there are other sources beside it.
    """
    if len(sources) > 1:
        raise InputError.single("calibration", "sources", "must be logs, or one output of Power Tuning alone")
    return tuning_statistics(sources[0])


def _cold(data: Observations, values: Floats) -> ColdFit | None:
    extras = {}
    for size in data.sizes:
        if len(size.first_ms) and len(size.warm_ms):
            centre = float(size.first_ms.mean() - size.warm_ms.mean())
            spread = float(size.first_ms.std(ddof=1)) if len(size.first_ms) > 1 else abs(centre) / 2
            error = _Z * spread / sqrt(len(size.first_ms))
            extras[size.memory_mb] = Estimate(centre, centre - error, centre + error)
    if not len(values):
        return ColdFit(0, {}, values, extras, _first_run_spread(data)) if extras else None
    values = np.sort(values)
    quantiles = {p: _order_interval(values, p) for p in _QUANTILES}
    return ColdFit(len(values), quantiles, values, extras, _first_run_spread(data))


def _first_run_spread(data: Observations) -> float:
    """Give the deviation of the extra time of first runs over its mean; 0 where it is not seen."""
    size = max(data.sizes, key=lambda size: len(size.first_ms))
    if len(size.first_ms) < _FEWEST_FIRST or len(size.warm_ms) < _FEWEST_FIRST:
        return 0.0
    extra = float(size.first_ms.mean() - size.warm_ms.mean())
    variance = float(size.first_ms.var(ddof=1) - size.warm_ms.var(ddof=1))
    return min(sqrt(variance) / extra, _WIDEST) if extra > 0 and variance > 0 else 0.0


def _first_run(data: Observations) -> FirstRunFit | None:
    known = [from_values(size.memory_mb, size.first_ms) for size in data.sizes if len(size.first_ms) > 1]
    return fit_first_run(known) if known else None


def _order_interval(values: Floats, p: float) -> Estimate:
    """Give a quantile with the interval between the order statistics that hold it with 95 %."""
    from scipy.stats import binom

    low, high = binom.ppf([0.025, 0.975], len(values), p).astype(int)
    last = len(values) - 1
    return Estimate(
        float(np.quantile(values, p)), float(values[max(low - 1, 0)]), float(values[min(high, last)])
    )


def _memory_need(data: Observations) -> Estimate | None:
    """Give the highest use, but never more than the smallest size at which runs were complete."""
    used = np.concatenate([size.max_memory_mb for size in data.sizes])
    if not len(used):
        return None
    enough = [size.memory_mb for size in data.sizes if len(size.warm_ms) + len(size.first_ms)]
    need = min(float(used.max()), float(min(enough, default=used.max())))
    return Estimate(need, min(float(np.median(used)), need), need * 1.1)
