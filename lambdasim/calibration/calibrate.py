"""From logs or statistics to one function's work, INIT, memory need and failures, ready for a scenario."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from math import sqrt
from typing import Any, Final

import numpy as np

from lambdasim.calibration.data.observations import Observations, observe, read_observations, require_warm
from lambdasim.calibration.data.statistics import Floats, SizeStatistics, from_values
from lambdasim.calibration.data.tuning import TUNING_NOTE, is_power_tuning, tuning_statistics
from lambdasim.calibration.fit.first_run import FirstRunFit, fit_first_run
from lambdasim.calibration.fit.init import InitFit, fit_init
from lambdasim.calibration.fit.work import DEFAULT_CPU_SHARE, Estimate, WorkFit, fit_work
from lambdasim.calibration.scenario import write_scenario
from lambdasim.catalog import init_prior, init_runtimes
from lambdasim.errors import InputError
from lambdasim.specs.faults import not_among
from lambdasim.specs.function import Architecture
from lambdasim.traffic.trace import Trace
from lambdasim.wording import wrapped

_Z: Final = 1.96
_FIRST_RUN_SIZES_MB: Final = (128, 256, 512, 1024, 1769, 3008)
_LEAST_EXTRA_MS: Final = 0.01
_RUNTIME: Final = "python3.13"
_QUANTILES: Final = (0.5, 0.9, 0.99)


@dataclass(frozen=True)
class ColdFit:
    """INIT and the first run after it.

    Attributes
    ----------
    n : int
        Cold starts seen.
    init_ms : dict of float to Estimate
        Median, p90 and p99 with intervals from order statistics [ms]; p99 is hardly more than the largest of few.
    values_ms : ndarray, shape (n,)
        All INIT durations, sorted; they do not depend on the memory size.
    first_run_extra_ms : dict of int to Estimate
        By memory size [MB], how much longer the first run takes than a warm one [ms].
    """

    n: int
    init_ms: dict[float, Estimate]
    values_ms: Floats
    first_run_extra_ms: dict[int, Estimate]


@dataclass(frozen=True)
class Calibration:
    """What data tell of a function.

    Attributes
    ----------
    function : str
    work : WorkFit
    cold : ColdFit or None
        None where there was no cold start.
    memory_need_mb : Estimate or None
        Highest use seen; the interval goes from the median use to 10 % above the highest.
    error_probability : Estimate or None
        Share of warm runs that were reported as errors, without timeouts.
    observations : Observations or None
    init : InitFit or None
        INIT as a law, held to the catalog where cold starts are few.
    first_run : FirstRunFit or None
        The first handler run after INIT by memory size; None where fewer than two were seen at every size.
    runtime : str
        As it was said, or supposed.
    notes : tuple of str
        What a reader must know of the source.
    """

    function: str
    work: WorkFit
    cold: ColdFit | None = None
    memory_need_mb: Estimate | None = None
    error_probability: Estimate | None = None
    observations: Observations | None = None
    init: InitFit | None = None
    first_run: FirstRunFit | None = None
    runtime: str = _RUNTIME
    notes: tuple[str, ...] = ()

    @property
    def memory_mb(self) -> int:
        """The size with the most warm runs [MB]."""
        return max(self.work.sizes, key=lambda size: size.n).memory_mb

    def findings(self) -> list[str]:
        """Say in words what a reader must know: what was left out, and what is not known."""
        found = [*self.notes, *(() if self.observations is None else self.observations.notes)]
        if self.observations is not None:
            found += [
                f"{count:,} {reason} were left out" for reason, count in self.observations.left_out.items()
            ]
        if self.init is not None and self.init.held_to and self.cold is not None:
            found.append(
                f"few cold starts ({self.cold.n:,}): INIT is held to the catalog's {self.init.held_to}, "
                f"median {self.init.median_ms} ms"
            )
        return [*found, *self.work.findings(), *self._to_measure()]

    def _to_measure(self) -> list[str]:
        """Name the size at which the unknown split matters most, where the split is not identified."""
        if self.work.identified:
            return []
        seen = {size.memory_mb for size in self.work.sizes}
        need = 0 if self.memory_need_mb is None else self.memory_need_mb.value
        others = [size for size in _FIRST_RUN_SIZES_MB if size not in seen and size > need]
        if not others:
            return []
        ranges = {size: self.work.predict(size).mean_ms for size in others}
        telling = max(others, key=lambda size: ranges[size].high / ranges[size].low)
        return [
            "a sweep of the written scenario shows both ends of the split beside its middle; at "
            f"{telling} MB the mean could be "
            f"{ranges[telling].low:.4g} to {ranges[telling].high:.4g} ms: a measurement there tells most"
        ]

    def to_work(self) -> dict[str, Any]:
        """Return the ``work:`` mapping of a scenario."""
        work = self.work.to_work()
        if self.memory_need_mb is not None:
            work["max_memory_mb"] = round(self.memory_need_mb.value)
        if self.error_probability is not None and self.error_probability.value > 0:
            work["error_probability"] = round(self.error_probability.value, 6)
        if self.cold is not None and self.cold.first_run_extra_ms:
            work["first_run_ms"] = {"by_memory": self._first_run_points()}
        plausible = self.work.plausible()
        return work | {"plausible": plausible} if plausible else work

    def _first_run_points(self) -> list[dict[str, Any]]:
        """Give the mean extra time of the first run at the sizes seen, and as predicted at others."""
        assert self.cold is not None  # noqa: S101 - asked for where there were cold starts
        extras = {size: found.value for size, found in self.cold.first_run_extra_ms.items()}
        if self.first_run is not None:
            for size in _FIRST_RUN_SIZES_MB:
                if size not in extras:
                    warm = self.work.predict(size).mean_ms.value
                    extras[size] = self.first_run.predict_ms(size).value - warm
        return [
            {"memory_mb": size, "mean_ms": round(max(extra, _LEAST_EXTRA_MS), 3)}
            for size, extra in sorted(extras.items())
        ]

    def to_function(self) -> dict[str, Any]:
        """Return what a scenario says of the function, apart from its traffic: name, memory, work and INIT."""
        function: dict[str, Any] = {
            "name": self.function,
            "memory_mb": self.memory_mb,
            "architecture": self.work.architecture.value,
            "runtime": self.runtime,
            "work": self.to_work(),
        }
        if self.init is not None:
            function["init_ms"] = self.init.law()
        return function

    def text(self) -> str:
        """Return the report in lines of at most 80 columns."""
        return "\n".join(wrapped(line) for line in str(self).splitlines())

    def as_mapping(self) -> dict[str, Any]:
        """Return what was found as plain values, for JSON: estimates, fit by size, findings, and the function."""

        def plain(estimate: Estimate | None) -> dict[str, float] | None:
            return None if estimate is None else asdict(estimate)

        use = None if self.observations is None else self.observations.use
        return {
            "function": self.to_function(),
            "cpu_ms": plain(self.work.cpu_ms),
            "io_ms": plain(self.work.io_ms),
            "identified": self.work.identified,
            "styles": {str(style): weight for style, weight in self.work.style_weights.items()},
            "fit": [asdict(fit) for fit in self.work.goodness()],
            "cold_starts": 0 if self.cold is None else self.cold.n,
            "init_median_ms": plain(None if self.init is None else self.init.median_ms),
            "memory_need_mb": plain(self.memory_need_mb),
            "error_probability": plain(self.error_probability),
            "environments": None if use is None else asdict(use),
            "left_out": {} if self.observations is None else dict(self.observations.left_out),
            "findings": self.findings(),
        }

    def __str__(self) -> str:
        """Return a short report as lines of text."""
        work = self.work
        lines = [
            f"{self.function}: fitted to "
            + ", ".join(f"{s.n:,} warm runs at {s.memory_mb} MB" for s in work.sizes),
            f"CPU time {work.cpu_ms} ms on one vCPU, waiting {work.io_ms} ms",
            "style: "
            + "; ".join(f"{style} {weight:.0%}" for style, weight in list(work.style_weights.items())[:3]),
            *(
                f"at {fit.memory_mb} MB: {fit.observed_ms:.4g} ms seen, the fit {fit.error:+.1%}"
                + "".join(f", p{round(100 * p)} {e:+.1%}" for p, e in fit.quantile_errors.items())
                for fit in work.goodness()
            ),
        ]
        if self.cold is not None:
            lines.append(f"INIT, cold starts seen {self.cold.n:,}: median {self.cold.init_ms[0.5]} ms")
        if self.first_run is not None:
            shown = sorted(size.memory_mb for size in self.first_run.sizes)
            told = ", ".join(f"{self.first_run.predict_ms(mb)} ms at {mb} MB" for mb in shown)
            lines.append(f"first run after INIT: {told}")
        if self.memory_need_mb is not None:
            lines.append(f"memory used at most: {self.memory_need_mb.value:.0f} MB")
        if self.observations is not None and self.observations.use is not None:
            lines += str(self.observations.use).splitlines()
        return "\n".join(lines + [f"note: {text}" for text in self.findings()])


def calibrate(
    data: Mapping[int, Sequence[float] | Floats]
    | Trace
    | SizeStatistics
    | Iterable[SizeStatistics]
    | Iterable[Trace]
    | Observations,
    *,
    function: str | None = None,
    cpu_share: tuple[float, float] = DEFAULT_CPU_SHARE,
    law_error: float | None = None,
    architecture: Architecture | str = Architecture.X86_64,
    runtime: str = _RUNTIME,
) -> Calibration:
    """Infer a function's work.

    Parameters
    ----------
    data : mapping, SizeStatistics, Trace, iterable of either, or Observations
        Warm durations [ms] by memory size [MB], arrays of shape (n,); their statistics (``from_values``,
        ``from_summary``); or logs.
    function : str, optional
        Its name; with traces, which function to take.
    cpu_share, law_error, architecture
        As for ``fit_work``.
    runtime : str
        Whose catalog INIT few cold starts are held to.

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
    if not isinstance(data, Observations):
        if isinstance(data, Mapping):
            data = [from_values(memory_mb, values) for memory_mb, values in data.items()]
        items: Sequence[Any] = [data] if isinstance(data, Trace | SizeStatistics) else list(data)
        if items and isinstance(items[0], Trace):
            data = observe(items, function=function)
        else:
            work = fit_work(items, cpu_share=cpu_share, law_error=law_error, architecture=architecture)
            return Calibration(function or "function", work, runtime=runtime)
    work = fit_work(require_warm(data), cpu_share=cpu_share, law_error=law_error, architecture=architecture)
    cold = _cold(data)
    prior = init_prior(runtime, "zip", work.architecture.value)
    init = None if cold is None else fit_init(cold.values_ms, prior)
    need, errors = _memory_need(data), _error_probability(data)
    return Calibration(
        function or data.function, work, cold, need, errors, data, init, _first_run(data), runtime
    )


def calibrate_logs(
    sources: Iterable[str | os.PathLike[str]],
    out: str | os.PathLike[str] | None = None,
    *,
    function: str | None = None,
    skip_bad_rows: bool = False,
    cpu_share: tuple[float, float] = DEFAULT_CPU_SHARE,
    architecture: Architecture | str = Architecture.X86_64,
    runtime: str = _RUNTIME,
) -> Calibration:
    """Calibrate from files and write a scenario: what ``lambdasim calibrate SOURCE... -o OUT`` does.

    Parameters
    ----------
    sources : iterable of path-like
        Logs; or one file of Power Tuning's output, or the address of its chart.
    out : path-like, optional
        Where to write a scenario that loads; its notes are comments, its arrivals go beside it.
    function, skip_bad_rows
        As for ``read_observations``.
    cpu_share, architecture
        As for ``fit_work``.
    runtime
        As for ``calibrate``.

    Raises
    ------
    InputError
        When a source cannot be read, or logs and Power Tuning's output are mixed.
    """
    if runtime not in init_runtimes():
        raise InputError.single("calibration", "runtime", not_among(runtime, init_runtimes()))
    given = list(sources)
    tuned = [source for source in given if is_power_tuning(source)]
    if tuned:
        if len(given) > 1:
            raise InputError.single(
                "calibration", "sources", "must be logs, or one output of Power Tuning alone"
            )
        found = calibrate(
            tuning_statistics(tuned[0]),
            function=function,
            cpu_share=cpu_share,
            architecture=architecture,
            runtime=runtime,
        )
        found = replace(found, notes=(TUNING_NOTE,))
    else:
        found = calibrate(
            read_observations(given, function=function, skip_bad_rows=skip_bad_rows),
            cpu_share=cpu_share,
            architecture=architecture,
            runtime=runtime,
        )
    if out is not None:
        write_scenario(found, out)
    return found


def _cold(data: Observations) -> ColdFit | None:
    values = np.sort(np.concatenate([size.init_ms for size in data.sizes]))
    if not len(values):
        return None
    extras = {}
    for size in data.sizes:
        if len(size.first_ms) > 1 and len(size.warm_ms) > 1:
            centre = float(size.first_ms.mean() - size.warm_ms.mean())
            error = _Z * float(size.first_ms.std(ddof=1)) / sqrt(len(size.first_ms))
            extras[size.memory_mb] = Estimate(centre, centre - error, centre + error)
    return ColdFit(len(values), {p: _order_interval(values, p) for p in _QUANTILES}, values, extras)


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
    used = np.concatenate([size.max_memory_mb for size in data.sizes])
    if not len(used):
        return None
    return Estimate(float(used.max()), float(np.median(used)), float(used.max() * 1.1))


def _error_probability(data: Observations) -> Estimate | None:
    from scipy.stats import beta

    failed = sum(size.failed for size in data.sizes)
    runs = failed + sum(len(size.warm_ms) + len(size.first_ms) for size in data.sizes)
    if not runs:
        return None
    low = float(beta.ppf(0.025, failed, runs - failed + 1)) if failed else 0.0
    high = float(beta.ppf(0.975, failed + 1, runs - failed)) if failed < runs else 1.0
    return Estimate(failed / runs, low, high)
