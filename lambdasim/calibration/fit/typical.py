"""One guess in place of many: a scenario has room for one style and one law of work."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

import numpy as np

from lambdasim.calibration.data.statistics import Floats
from lambdasim.calibration.fit.nodes import Nodes
from lambdasim.calibration.fit.weighted import weighted_medians

_DRAWS: Final = 512
_WIDTH: Final = 0.5
_NARROWER: Final = 2.5
_STEPS: Final = 9
_ROUNDS: Final = 8
_LEAST_SPREAD: Final = 0.002


def typical_work(likely: Sequence[tuple[Nodes, Floats]], sizes_mb: Sequence[int]) -> Nodes:
    """Find one guess that predicts at each size what the middle of weighed guesses does, as a prediction does.

    Parameters
    ----------
    likely : sequence of (Nodes, ndarray)
        Guesses by style, and the weight of each.
    sizes_mb : sequence of int
        Memory sizes of x86_64 [MB].

    Returns
    -------
    Nodes
        One guess: of the likely ones that whose mean durations are nearest, by the squares of the differences of their
        logarithms in units of how far the guesses differ there, so that what is known counts most; then moved in CPU time
        and waiting on a grid that narrows.
    """
    weights = np.concatenate([weight for _, weight in likely])
    weights = weights / weights.sum()
    parts = [_means_ms(nodes, sizes_mb) for nodes, _ in likely]
    means = np.concatenate(parts, axis=1)
    aim = weighted_medians(np.ascontiguousarray(means.T), weights)
    spread = np.sqrt(np.log(means / aim[:, None]) ** 2 @ weights) + _LEAST_SPREAD

    def nearest(nodes: Nodes, means: Floats) -> tuple[Nodes, float]:
        differences = np.log(means / aim[:, None]) / spread[:, None]
        misses = (differences**2).sum(axis=0)
        least = int(misses.argmin())
        return nodes.only(least), float(misses[least])

    found = [nearest(nodes, part) for (nodes, _), part in zip(likely, parts, strict=True)]
    best = min(found, key=lambda one: one[1])[0]
    unit_ms = float(best.cpu_ms[0] + best.io_ms[0]) / 2
    for narrowing in range(_ROUNDS):
        steps = _WIDTH / _NARROWER**narrowing * np.linspace(-1, 1, _STEPS)
        cpu, io = np.meshgrid(best.cpu_ms[0] * np.exp(steps), np.maximum(best.io_ms[0] + unit_ms * steps, 0))
        moved = replace(best, cpu_ms=cpu.ravel(), io_ms=io.ravel())
        best, _ = nearest(moved, _means_ms(moved, sizes_mb))
    return best


def _means_ms(nodes: Nodes, sizes_mb: Sequence[int]) -> Floats:
    """Give mean durations, shape (sizes, guesses) [ms]."""
    return np.array([nodes.durations_ms(size, _DRAWS).mean(axis=1) for size in sizes_mb])
