"""From logs or statistics to one function's work, INIT, memory need and failures, ready for a scenario."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import sqrt
from pathlib import Path
from typing import Any, Final

import numpy as np

from lambdasim.calibration.observations import Observations, observe, read_observations, require_warm
from lambdasim.calibration.statistics import Floats, SizeStatistics, from_values
from lambdasim.calibration.work import DEFAULT_CPU_SHARE, Estimate, WorkFit, fit_work
from lambdasim.traffic.trace import Trace

_Z: Final = 1.96
_QUANTILES: Final = (0.5, 0.9, 0.99)
_FEWEST_FOR_LAW: Final = 20
_MOST_VALUES: Final = 200


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
    """

    function: str
    work: WorkFit
    cold: ColdFit | None = None
    memory_need_mb: Estimate | None = None
    error_probability: Estimate | None = None
    observations: Observations | None = None

    def findings(self) -> list[str]:
        """Say in words what a reader must know: what was left out, and what is not known."""
        found = [] if self.observations is None else list(self.observations.notes)
        if self.observations is not None:
            found += [
                f"{count:,} {reason} were left out" for reason, count in self.observations.left_out.items()
            ]
        return found + self.work.findings()

    def to_work(self) -> dict[str, Any]:
        """Return the ``work:`` mapping of a scenario."""
        work = self.work.to_work()
        if self.memory_need_mb is not None:
            work["max_memory_mb"] = round(self.memory_need_mb.value)
        if self.error_probability is not None and self.error_probability.value > 0:
            work["error_probability"] = round(self.error_probability.value, 6)
        if self.cold is not None and self.cold.first_run_extra_ms:
            extras = [estimate.value for estimate in self.cold.first_run_extra_ms.values()]
            work["first_run_ms"] = round(max(extras[0], 0.0), 3)
        return work

    def to_function(self) -> dict[str, Any]:
        """Return what a scenario says of the function, apart from its traffic: name, memory, work and INIT."""
        function: dict[str, Any] = {
            "name": self.function,
            "memory_mb": self.work.sizes[0].memory_mb,
            "work": self.to_work(),
        }
        if self.cold is not None:
            values = self.cold.values_ms
            if self.cold.n >= _FEWEST_FOR_LAW:
                levels = (np.arange(min(self.cold.n, _MOST_VALUES)) + 0.5) / min(self.cold.n, _MOST_VALUES)
                shown = [round(float(value), 2) for value in np.quantile(values, levels)]
                function["init_ms"] = {"empirical": shown}
        return function

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
                f"at {fit.memory_mb} MB: {fit.observed_ms:.4g} ms seen, {fit.error:+.1%}"
                for fit in work.goodness()
            ),
        ]
        if self.cold is not None:
            lines.append(f"INIT of {self.cold.n:,} cold starts: median {self.cold.init_ms[0.5]} ms")
        if self.memory_need_mb is not None:
            lines.append(f"memory used at most: {self.memory_need_mb.value:.0f} MB")
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
) -> Calibration:
    """Infer a function's work.

    Parameters
    ----------
    data : mapping, SizeStatistics, Trace, iterable of either, or Observations
        Warm durations [ms] by memory size [MB], arrays of shape (n,); their statistics (``from_values``,
        ``from_summary``); or logs.
    function : str, optional
        Its name; with traces, which function to take.
    cpu_share, law_error
        As for ``fit_work``.

    Returns
    -------
    Calibration

    Raises
    ------
    InputError
        When there is nothing to fit, or the data contradict themselves.

    Examples
    --------
    >>> from lambdasim.calibration.statistics import from_summary
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
            return Calibration(
                function or "function", fit_work(items, cpu_share=cpu_share, law_error=law_error)
            )
    work = fit_work(require_warm(data), cpu_share=cpu_share, law_error=law_error)
    return Calibration(
        function or data.function, work, _cold(data), _memory_need(data), _error_probability(data), data
    )


def calibrate_logs(
    paths: Iterable[str | os.PathLike[str]],
    out: str | os.PathLike[str] | None = None,
    *,
    function: str | None = None,
    skip_bad_rows: bool = False,
    cpu_share: tuple[float, float] = DEFAULT_CPU_SHARE,
) -> Calibration:
    """Calibrate from log files and write the function as YAML: what ``lambdasim calibrate LOG... -o OUT`` does.

    Parameters
    ----------
    paths : iterable of path-like
    out : path-like, optional
        Where to write ``functions:`` with one entry, to be copied into a scenario; its notes are comments.
    function, skip_bad_rows
        As for ``read_observations``.
    cpu_share : tuple of (float, float)
        As for ``fit_work``.
    """
    found = calibrate(
        read_observations(paths, function=function, skip_bad_rows=skip_bad_rows), cpu_share=cpu_share
    )
    if out is not None:
        import yaml

        notes = "".join(f"# {line}\n" for line in str(found).splitlines())
        text = yaml.safe_dump({"functions": [found.to_function()]}, sort_keys=False, allow_unicode=True)
        Path(out).write_text(notes + text, encoding="utf-8")
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
