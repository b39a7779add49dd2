"""The first handler run after INIT, which does more work than the others, by memory size."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

import numpy as np

from lambdasim.calibration.data.statistics import Floats, SizeStatistics
from lambdasim.calibration.estimate import Estimate
from lambdasim.calibration.fit.weighted import weighted_quantiles
from lambdasim.catalog import limit, timing
from lambdasim.errors import InputError
from lambdasim.models.cpu_scaling import vcpus

_BEND: Final = 3
_THREADS: Final = 2
_WAIT_SIGMA: Final = 0.7
_WORK_STEPS: Final = 200
_SAVED_STEPS: Final = 25
_FLOOR_STEPS: Final = 60


@dataclass(frozen=True)
class FirstRunFit:
    """What was inferred of the first run after INIT.

    Attributes
    ----------
    sizes : tuple of SizeStatistics
        What it was fitted to, in order of memory.
    cpu_ms : ndarray, shape (n,)
        Guesses of the CPU time of all threads on one full vCPU [ms].
    saved_ms : ndarray, shape (n,)
        How much sooner the handler is done than its CPU time alone would say [ms].
    floor_ms : ndarray, shape (n,)
        What the run takes when nothing stops it [ms].
    weights : ndarray, shape (n,)
        How likely each guess is; sum to one.
    """

    sizes: tuple[SizeStatistics, ...]
    cpu_ms: Floats
    saved_ms: Floats
    floor_ms: Floats
    weights: Floats

    def predict_ms(self, memory_mb: int) -> Estimate:
        """Predict the mean duration of the first run, without INIT, at a memory size [ms].

        Raises
        ------
        InputError
            When AWS has no such size.
        """
        least, most = limit("memory_min_mb").value, limit("memory_max_mb").value
        if not least <= memory_mb <= most:
            raise InputError.single("predict", "memory_mb", f"must be {least} to {most}, got {memory_mb}")
        logs = np.log(_durations(self.cpu_ms, self.saved_ms, self.floor_ms, memory_mb))
        low, high = np.exp(weighted_quantiles(logs, self.weights, (0.025, 0.975)))
        return Estimate(float(np.exp(self.weights @ logs)), float(low), float(high))


def fit_first_run(sizes: Iterable[SizeStatistics]) -> FirstRunFit:
    """Infer the work of the first run after INIT from its mean duration at one or more memory sizes.

    Parameters
    ----------
    sizes : iterable of SizeStatistics
        Durations of first runs, without INIT; two sizes, well apart, show how they grow at small ones.

    Returns
    -------
    FirstRunFit

    Raises
    ------
    InputError
        When there is no size, or the same one twice, or one without a mean.

    Notes
    -----
    With CPU time W of all threads, share s of a vCPU, and floor M, the duration is ``(M^3 + max(0, W / s - c)^3)^(1/3)``:
    where the quota does not bind it is M; where it binds, the whole CPU time counts, since just-in-time compilers and
    collectors use up the quota on other threads, less what the first and the last period give for nothing. That is about
    the scheduler's period, and believed to lie within a period of it. Two threads at once can halve M against W; waits
    lengthen it.

    Examples
    --------
    >>> from lambdasim.calibration.data.statistics import from_summary
    >>> fit = fit_first_run([from_summary(256, 300, 386.0), from_summary(1024, 300, 80.0)])
    >>> round(fit.predict_ms(128).value, -1)
    790.0
    """
    ordered = tuple(sorted(sizes, key=lambda size: size.memory_mb))
    memories = [size.memory_mb for size in ordered]
    if not ordered or len(set(memories)) < len(memories):
        raise InputError.single("first runs", "sizes", f"must be different memory sizes, got {memories}")
    cut = [size.memory_mb for size in ordered if size.mean_ms is None]
    if cut:
        raise InputError.single("first runs", "mean_ms", f"must be known, is not at {cut[0]} MB")
    period_ms = timing("cpu_period_ms").value
    law_error = 1.5 * timing("cpu_law_error_permille").value / 1000
    most = max(size.centre_ms * min(vcpus(size.memory_mb), 1) for size in ordered)
    cpu = (most * np.geomspace(0.03, 3, _WORK_STEPS))[:, None, None]
    saved = np.linspace(0, 3 * period_ms, _SAVED_STEPS)[None, :, None]
    floor = ordered[-1].centre_ms * np.geomspace(0.1, 1.15, _FLOOR_STEPS)[None, None, :]
    belief = -(((saved - period_ms) / period_ms) ** 2) / 2 - (np.log(floor / cpu) / _WAIT_SIGMA) ** 2 / 2
    belief = np.where(_THREADS * floor < cpu, -np.inf, belief)
    for size in ordered:
        error = float(np.hypot(size.mean_error, law_error))
        deviation = np.log(_durations(cpu, saved, floor, size.memory_mb) / size.centre_ms) / error
        belief = belief - 2 * np.log1p(deviation**2 / 4)
    weights = np.exp(belief - belief.max())
    kept = weights > 1e-6
    cpu, saved, floor = (np.broadcast_to(column, weights.shape)[kept] for column in (cpu, saved, floor))
    return FirstRunFit(ordered, cpu, saved, floor, weights[kept] / weights[kept].sum())


def _durations(cpu_ms: Floats, saved_ms: Floats, floor_ms: Floats, memory_mb: int) -> Floats:
    stopped = np.maximum(cpu_ms / min(vcpus(memory_mb), 1) - saved_ms, 0)
    return np.asarray((floor_ms**_BEND + stopped**_BEND) ** (1 / _BEND))
