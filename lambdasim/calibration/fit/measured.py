"""A fit of work held to CPU time that was measured beside the durations, as Lambda Insights does."""

from __future__ import annotations

from dataclasses import replace
from math import log, sqrt
from typing import Final

import numpy as np

from lambdasim.calibration.data.statistics import Floats
from lambdasim.calibration.fit.work import WorkFit

_ERROR: Final = 0.05
"""Relative error of measured CPU time: it has the runtime's own work in it, and whole hundredths of a second."""
_FEWEST: Final = 1e-9


def held_to_cpu_time(fit: WorkFit, cpu_ms: Floats) -> WorkFit:
    """Weigh the guesses of a fit by how well they have the CPU time that was measured.

    Parameters
    ----------
    fit : WorkFit
    cpu_ms : ndarray, shape (n,)
        CPU time of complete warm runs [ms].

    Returns
    -------
    WorkFit
        With guesses near the measured mean. Where runs used more than their memory size gives them in their duration,
        as short bursts and a report's own delay make it look, those with the most CPU time remain.
    """
    spread = float(cpu_ms.std(ddof=1) / cpu_ms.mean()) if len(cpu_ms) > 1 else 0.0
    error = float(np.hypot(_ERROR, spread / sqrt(len(cpu_ms))))
    most = max(float(posterior.nodes.cpu_ms.max()) for posterior in fit.posteriors)
    wanted = min(float(cpu_ms.mean()), most)
    kept = []
    for posterior in fit.posteriors:
        misses = (np.log(posterior.nodes.cpu_ms / wanted) / error) ** 2 / 2
        weights = posterior.weights * np.exp(-misses)
        total = float(weights.sum())
        if total > _FEWEST:
            evidence = posterior.log_evidence + log(total)
            kept.append(replace(posterior, weights=weights / total, log_evidence=evidence))
    return replace(fit, posteriors=tuple(kept), measured_cpu=True) if kept else fit
