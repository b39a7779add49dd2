"""A function's work, inferred from durations at one or more memory sizes, and what it predicts at others."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from math import exp, hypot, log, sqrt
from typing import Any, Final

import numpy as np

from lambdasim.calibration.data.statistics import Floats, SizeStatistics
from lambdasim.calibration.estimate import Estimate, Prediction, SizeFit
from lambdasim.calibration.fit.misfit import Question
from lambdasim.calibration.fit.nodes import Nodes
from lambdasim.calibration.fit.posterior import ALL_STYLES, StylePosterior, style_posteriors
from lambdasim.calibration.fit.separation import Separation, separation
from lambdasim.calibration.fit.shape import lognormal
from lambdasim.calibration.fit.speed import as_on_x86, full_speed_mb, known_law_error, known_speed_error
from lambdasim.calibration.fit.spoilt import refuse_spoilt
from lambdasim.calibration.fit.typical import typical_work
from lambdasim.calibration.fit.weighted import weighted_medians, weighted_quantiles
from lambdasim.catalog import limit
from lambdasim.errors import InputError
from lambdasim.models.cpu_chain import CpuStyle
from lambdasim.specs.faults import not_among
from lambdasim.specs.function import Architecture

DEFAULT_CPU_SHARE: Final = (0.2, 1.0)
_TWO_SIDED: Final = (0.025, 0.975)
_INTERVAL: Final = (0.025, 0.5, 0.975)
_MIDDLE: Final = (0.5,)
_Z: Final = 1.96
_TENTHS: Final = (0.1, 0.9)
_MISFIT_ALLOWED: Final = 3
_MOST_NODES: Final = 128
_DRAWS: Final = 512
_USUAL_SIZES_MB: Final = (128, 256, 512, 1024, 1769, 2048)


@dataclass(frozen=True)
class WorkFit:
    """What was inferred of a function's warm work.

    Attributes
    ----------
    sizes : tuple of SizeStatistics
        What it was fitted to, in order of memory.
    posteriors : tuple of StylePosterior
    law_error : float
        Relative error that the law is taken to have.
    common_error : float
        Relative error of all predictions together: the law's and, where one size says nothing of it, that of the CPU's
        speed in the environments seen.
    cpu_share : tuple of (float, float)
    architecture : Architecture
    measured_cpu : bool
        Whether CPU time was measured beside the durations.
    """

    sizes: tuple[SizeStatistics, ...]
    posteriors: tuple[StylePosterior, ...]
    law_error: float
    common_error: float
    cpu_share: tuple[float, float]
    architecture: Architecture = Architecture.X86_64
    measured_cpu: bool = False

    @cached_property
    def style_weights(self) -> dict[CpuStyle, float]:
        """How likely each style is, the likeliest first."""
        totals: dict[CpuStyle, float] = {}
        for posterior, weight in zip(self.posteriors, self._evidence, strict=True):
            style = posterior.nodes.style
            totals[style] = totals.get(style, 0.0) + float(weight)
        return dict(sorted(totals.items(), key=lambda pair: -pair[1]))

    @property
    def style(self) -> CpuStyle:
        """The likeliest style."""
        return next(iter(self.style_weights))

    @cached_property
    def misfit(self) -> float:
        """How far the fit is from its own sizes: root mean square of the means' relative errors.

        No prediction is surer than that. 0 where the law has no error.
        """
        if not self.law_error:
            return 0.0
        errors = []
        for size in self.sizes:
            weight, values = self._durations(size.memory_mb)
            centre = values.mean(axis=1) if size.mean_ms is not None else np.median(values, axis=1)
            errors.append(float(weighted_quantiles(np.log(centre / size.centre_ms), weight, _MIDDLE)[0]))
        return float(np.sqrt(np.mean(np.square(errors))))

    @cached_property
    def separation(self) -> Separation:
        """How well the sizes settle what other sizes take, and which size would settle it."""
        weights = np.concatenate([weight for _, weight in self._likely()])
        return separation(lambda size: self._durations(size)[1].mean(axis=1), weights)

    @property
    def identified(self) -> bool:
        """Whether the data separate CPU time from waiting."""
        cpu = self.cpu_ms
        return (len(self.sizes) > 1 or self.measured_cpu) and cpu.high < 2 * max(cpu.low, 1e-9)

    @cached_property
    def cpu_ms(self) -> Estimate:
        """Mean CPU time on one full vCPU [ms]."""
        return self._estimate([p.nodes.cpu_ms for p in self.posteriors])

    @cached_property
    def io_ms(self) -> Estimate:
        """Mean time spent waiting, whatever the memory [ms]."""
        return self._estimate([p.nodes.io_ms for p in self.posteriors])

    @cached_property
    def cpu_sigma(self) -> float:
        """Standard deviation of the logarithm of CPU time."""
        return self._average([p.nodes.cpu_sigma for p in self.posteriors])

    @cached_property
    def io_sigma(self) -> float:
        """Standard deviation of the logarithm of waiting."""
        return self._average([p.nodes.io_sigma for p in self.posteriors])

    def predict(self, memory_mb: int) -> Prediction:
        """Predict warm durations at a memory size.

        Parameters
        ----------
        memory_mb : int
            [MB], within Lambda's limits.

        Raises
        ------
        InputError
            When AWS has no such size.
        """
        least, most = limit("memory_min_mb").value, limit("memory_max_mb").value
        if not least <= memory_mb <= most:
            raise InputError.single("predict", "memory_mb", f"must be {least} to {most}, got {memory_mb}")
        if memory_mb not in self._predictions:
            self._predictions[memory_mb] = self._predicted(memory_mb)
        return self._predictions[memory_mb]

    @cached_property
    def _predictions(self) -> dict[int, Prediction]:
        """Predictions so far, by memory size [MB]."""
        return {}

    def _predicted(self, memory_mb: int) -> Prediction:
        weight, values = self._durations(memory_mb)
        mean = values.mean(axis=1)
        low, centre, high = (float(value) for value in weighted_quantiles(mean, weight, _INTERVAL))
        common = _Z * hypot(self.common_error, self.misfit)
        below, above = hypot(log(centre / low), common), hypot(log(high / centre), common)
        # In milliseconds as far below as a relative error of that size, yet above 0 whatever the error.
        interval = Estimate(centre, centre * exp(-below - below**2 / 2), centre * exp(above))
        return Prediction(memory_mb, interval, weighted_medians(np.sort(values, axis=1), weight))

    def goodness(self) -> tuple[SizeFit, ...]:
        """Compare the fit with each of its sizes."""
        found = []
        for size in self.sizes:
            fitted = self.predict(size.memory_mb)
            observed = size.centre_ms
            centre = fitted.mean_ms.value if size.mean_ms is not None else fitted.quantile_ms(0.5)
            errors = {p: fitted.quantile_ms(p) / value - 1 for p, value in size.quantiles_ms.items()}
            found.append(SizeFit(size.memory_mb, size.n, size.censored, observed, centre, errors))
        return tuple(found)

    def to_work(self) -> dict[str, Any]:
        """Return the ``work:`` mapping of a scenario: one guess, which predicts what the middle of all does."""
        per_vcpu_mb = full_speed_mb(self.architecture)
        return {
            **self._middle,
            **(
                {}
                if per_vcpu_mb == limit("memory_per_vcpu_mb").value
                else {"memory_per_vcpu_mb": per_vcpu_mb}
            ),
        }

    @cached_property
    def _middle(self) -> dict[str, Any]:
        return self._setting(list(self._likely()))

    def plausible(self) -> list[dict[str, Any]]:
        """Return the ``plausible:`` list of a scenario's work: both ends of what the data leave open.

        Returns
        -------
        list of dict
            Where the split is identified, nothing. Else the guess for the tenth of the weight with the least share of CPU
            time, and that for the tenth with the most: about the ends of the share's 90 % interval.
        """
        return [dict(setting) for setting in self._ends]

    @cached_property
    def _ends(self) -> list[dict[str, Any]]:
        if self.identified:
            return []
        likely = list(self._likely())
        shares = np.concatenate([_cpu_shares(nodes) for nodes, _ in likely])
        weights = np.concatenate([weight for _, weight in likely])
        low, high = weighted_quantiles(shares, weights / weights.sum(), _TENTHS)
        found: list[dict[str, Any]] = []
        for least, most in ((0.0, float(low)), (float(high), 1.0)):
            end = []
            for nodes, weight in likely:
                share = _cpu_shares(nodes)
                mine = (share >= least) & (share <= most)
                if mine.any():
                    end.append((nodes.only(mine), weight[mine]))
            setting = self._setting(end) if end else None
            if setting is not None and setting not in found:
                found.append(setting)
        return found

    def _setting(self, likely: Sequence[tuple[Nodes, Floats]]) -> dict[str, Any]:
        """Write what the middle of guesses predicts, over the usual sizes and those seen, as a scenario has work."""
        sizes = sorted({*_USUAL_SIZES_MB, *(size.memory_mb for size in self.sizes)})
        guess = typical_work(likely, [as_on_x86(size, self.architecture) for size in sizes])
        law = guess.style.spec()
        return {
            "cpu_ms": _law(float(guess.cpu_ms[0]), guess.cpu_sigma),
            "io_ms": _law(float(guess.io_ms[0]), guess.io_sigma),
            "cpu_law": law if isinstance(law, str) else law.model_dump(mode="json"),
        }

    def findings(self) -> list[str]:
        """Say in words what a reader must know before using the fit."""
        found = []
        if self.measured_cpu:
            found.append(f"CPU time was measured beside the durations: {self.cpu_ms} ms")
        elif len(self.sizes) == 1:
            low, high = self.cpu_share
            found.append(
                "one memory size cannot separate CPU time from waiting: the CPU share is assumed to lie between "
                f"{low:.0%} and {high:.0%}, and predictions carry that range"
            )
        elif not self.identified:
            found.append(f"the sizes hardly separate CPU time from waiting: CPU time is {self.cpu_ms} ms")
        if len(self.sizes) > 1 and not self.separation.settled:
            likely = ", ".join(
                f"{style} {weight:.0%}" for style, weight in list(self.style_weights.items())[:3]
            )
            found.append(
                f"these sizes cannot separate the styles that fit ({likely}): predictions at other sizes are "
                f"expected to miss by {self.separation.expected_error:.0%}; a measurement at "
                f"{self.separation.telling_mb} MB would separate them best"
            )
        allowed = max(3 * min(self.law_error, known_law_error()), 0.02)
        missed = [
            f"{fit.memory_mb:,} MB by {fit.error:+.1%}"
            for fit in self.goodness()
            if abs(fit.error) > allowed and abs(log(fit.fitted_ms / fit.observed_ms)) > self.misfit / 2
        ]
        if missed:
            found.append(
                f"the fit misses {', '.join(missed)}: no style explains all sizes, ranges allow for that"
            )
        censored = sum(size.censored for size in self.sizes)
        if censored:
            found.append(
                f"{censored:,} runs were cut off by a timeout and count as longer than any complete run"
            )
        per_vcpu = full_speed_mb(self.architecture)
        if self.sizes[-1].memory_mb > per_vcpu:
            found.append(f"above {per_vcpu:,} MB one thread gains nothing; use of more vCPUs is not inferred")
        return found

    @cached_property
    def _evidence(self) -> Floats:
        logs = np.array([posterior.log_evidence for posterior in self.posteriors])
        weights = np.exp(logs - logs.max())
        return np.asarray(weights / weights.sum())

    def _estimate(self, columns: Sequence[Floats]) -> Estimate:
        """Average over guesses; where the fit misses its own sizes, no surer than that in either part of the whole."""
        values, weights = np.concatenate(columns), self._all_weights()
        low, high = weighted_quantiles(values, weights, _TWO_SIDED)
        centre = float(weights @ values)
        excess = sqrt(max(self.misfit**2 - self.law_error**2, 0.0))
        whole = float(weights @ np.concatenate([p.nodes.cpu_ms + p.nodes.io_ms for p in self.posteriors]))
        return Estimate(
            centre,
            max(centre - hypot(centre - low, _Z * excess * whole), 0.0),
            centre + hypot(high - centre, _Z * excess * whole),
        )

    def _average(self, values: Sequence[float]) -> float:
        return float(self._evidence @ np.array(values))

    def _all_weights(self) -> Floats:
        return np.concatenate([p.weights * w for p, w in zip(self.posteriors, self._evidence, strict=True)])

    def _durations(self, memory_mb: int) -> tuple[Floats, Floats]:
        """Give the weights of likely guesses, shape (n,), and their durations, shape (n, draws) [ms]."""
        likely = list(self._likely())
        x86_mb = as_on_x86(memory_mb, self.architecture)
        values = np.concatenate([nodes.durations_ms(x86_mb, _DRAWS) for nodes, _ in likely])
        return np.concatenate([weight for _, weight in likely]), values

    def _likely(self) -> Iterable[tuple[Nodes, Floats]]:
        """Give guesses that stand for all, few enough to draw from: one for each equal part of the whole weight."""
        reached = np.cumsum(self._all_weights())
        parts = (np.arange(_MOST_NODES) + 0.5) / _MOST_NODES * reached[-1]
        places, counts = np.unique(np.searchsorted(reached, parts), return_counts=True)
        first = 0
        for posterior in self.posteriors:
            last = first + len(posterior.weights)
            mine = (places >= first) & (places < last)
            if mine.any():
                yield posterior.nodes.only(places[mine] - first), counts[mine] / _MOST_NODES
            first = last


def fit_work(
    sizes: Iterable[SizeStatistics],
    *,
    styles: Sequence[CpuStyle] = ALL_STYLES,
    cpu_share: tuple[float, float] = DEFAULT_CPU_SHARE,
    law_error: float | None = None,
    architecture: Architecture | str = Architecture.X86_64,
) -> WorkFit:
    """Infer a function's work from warm durations.

    Parameters
    ----------
    sizes : iterable of SizeStatistics
        One for each memory size; two or more, well apart, separate CPU time from waiting.
    styles : sequence of CpuStyle
        What is thought possible; the data weigh them.
    cpu_share : tuple of (float, float)
        Bounds of the CPU time's share of the duration at one full vCPU, where there is one size only.
    law_error : float, optional
        Relative error of the law at one size; by default the catalog's. 0 for durations that were made by the law, on
        CPUs of one speed.
    architecture : Architecture or str
        Where it ran; arm64 reaches a full vCPU at a larger size.

    Returns
    -------
    WorkFit

    Raises
    ------
    InputError
        When there is no size, or the same one twice, or nothing fits, or a minority of means cannot belong to the others.

    Notes
    -----
    CPU time, waiting and style are weighed by how well means and quantiles agree; everything that comes out is an
    average over what is left, so that no single style decides where several fit alike. Where three or more sizes scatter
    by more than three times the law's error, their scatter takes its place.
    """
    ordered = tuple(sorted(sizes, key=lambda size: size.memory_mb))
    if not ordered:
        raise InputError.single("calibration", "sizes", "must have at least one memory size with warm runs")
    memories = [size.memory_mb for size in ordered]
    if len(set(memories)) < len(memories):
        raise InputError.single("calibration", "sizes", f"must be different memory sizes, got {memories}")
    least, most = limit("memory_min_mb").value, limit("memory_max_mb").value
    if foreign := [size for size in memories if not least <= size <= most]:
        allowed = f"must be memory sizes of {least:,} to {most:,} MB, got {foreign}"
        raise InputError.single("calibration", "sizes", allowed)
    if not 0 < cpu_share[0] <= cpu_share[1] <= 1:
        raise InputError.single("calibration", "cpu_share", f"must rise within 0 to 1, got {cpu_share}")
    if law_error is None:
        law_error = known_law_error()
    if str(architecture) not in set(Architecture):
        raise InputError.single("calibration", "architecture", not_among(str(architecture), Architecture))
    architecture = Architecture(architecture)
    bounds = cpu_share if len(ordered) == 1 else (0.002, 1.0)
    meant = tuple(replace(size, memory_mb=as_on_x86(size.memory_mb, architecture)) for size in ordered)
    speed_error = known_speed_error(architecture) if law_error else 0.0
    if law_error:
        refuse_spoilt(ordered)
    fit = _weighed(meant, ordered, styles, bounds, law_error, speed_error, architecture)
    free = len(ordered) - 2
    if free > 0 and fit.misfit > _MISFIT_ALLOWED * law_error:
        # The sizes scatter more than the law is known to: believe each as much as they do.
        scatter = fit.misfit * sqrt(len(ordered) / free)
        fit = _weighed(meant, ordered, styles, bounds, scatter, speed_error, architecture)
    return fit


def _weighed(
    meant: tuple[SizeStatistics, ...],
    ordered: tuple[SizeStatistics, ...],
    styles: Sequence[CpuStyle],
    bounds: tuple[float, float],
    law_error: float,
    speed_error: float,
    architecture: Architecture,
) -> WorkFit:
    between_sizes = speed_error if len(ordered) > 1 else 0.0
    posteriors = style_posteriors(Question(meant, bounds, law_error, between_sizes), styles)
    if not posteriors:
        raise InputError.single("calibration", "styles", "no style fits; allow the straight law")
    whole = hypot(law_error, 0.0 if between_sizes else speed_error / sqrt(ordered[0].environments))
    return WorkFit(ordered, tuple(posteriors), law_error, whole, bounds, architecture)


def _cpu_shares(nodes: Nodes) -> Floats:
    """Give the CPU time's share of the run on one whole vCPU, shape (n nodes,)."""
    return np.asarray(nodes.cpu_ms / (nodes.cpu_ms + nodes.io_ms))


def _law(mean: float, sigma: float) -> Any:
    """Write a lognormal law, or a plain number where nothing varies."""
    if mean <= 0 or sigma < 1e-3:
        return round(max(mean, 0.0), 4)
    median = mean * float(np.exp(-(sigma**2) / 2))
    return lognormal(median, median * float(np.exp(1.6448536 * sigma)))
