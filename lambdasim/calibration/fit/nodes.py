"""Durations for many guesses of a function's work at once, under one luck."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cache
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from lambdasim.calibration.data.statistics import Floats
from lambdasim.models.cpu_chain import CpuStyle, handler_durations
from lambdasim.units import US_PER_MS

_DIMENSIONS: Final = 5
_SEED: Final = 20


class Luck(NamedTuple):
    """What differs between runs: starts, shape (3, n), and normal scores of CPU time and waiting, shape (n,)."""

    starts: Floats
    cpu_scores: Floats
    io_scores: Floats


@cache
def luck(n: int) -> Luck:
    """Return evenly spread luck for n runs, a power of two; always the same."""
    from scipy.special import ndtri
    from scipy.stats import qmc

    points = np.asarray(qmc.Sobol(_DIMENSIONS, seed=_SEED).random(n), dtype=np.float64)
    points = np.clip(points, 1e-9, 1 - 1e-9)
    return Luck(np.ascontiguousarray(points[:, :3].T), ndtri(points[:, 3]), ndtri(points[:, 4]))


@dataclass(frozen=True)
class Nodes:
    """Guesses of the work of one style.

    Attributes
    ----------
    style : CpuStyle
    cpu_ms, io_ms : ndarray, shape (n,)
        Mean CPU time on one full vCPU, and mean waiting [ms].
    cpu_sigma, io_sigma : float
        Standard deviations of their logarithms.
    """

    style: CpuStyle
    cpu_ms: Floats
    io_ms: Floats
    cpu_sigma: float
    io_sigma: float

    def only(self, which: NDArray[np.bool_] | NDArray[np.int64] | int) -> Nodes:
        """Return the chosen guesses alone."""
        cpu_ms, io_ms = np.atleast_1d(self.cpu_ms[which]), np.atleast_1d(self.io_ms[which])
        return replace(self, cpu_ms=cpu_ms, io_ms=io_ms)

    def durations_ms(self, memory_mb: int, draws: int) -> Floats:
        """Give durations at a memory size, shape (n nodes, n draws) [ms]."""
        chance = luck(draws)
        cpu = np.outer(self.cpu_ms, _shape(chance.cpu_scores, self.cpu_sigma))
        io = np.outer(self.io_ms, _shape(chance.io_scores, self.io_sigma))
        took_us = handler_durations(
            np.maximum(np.rint(cpu * US_PER_MS), 1).astype(np.int64),
            np.rint(io * US_PER_MS).astype(np.int64),
            memory_mb,
            self.style,
            chance.starts,
        )
        return took_us / US_PER_MS


def _shape(scores: Floats, sigma: float) -> Floats:
    """Give lognormal factors of mean one."""
    factors = np.exp(sigma * scores)
    return np.asarray(factors / factors.mean())
