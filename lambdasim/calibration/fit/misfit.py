"""How far a guess of a function's work is from what was measured, in units of what may be wrong."""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import hypot, sqrt
from typing import Final

import numpy as np

from lambdasim.calibration.data.statistics import Floats, SizeStatistics
from lambdasim.calibration.fit.nodes import Nodes
from lambdasim.models.cpu_chain import CpuLaw
from lambdasim.models.cpu_scaling import cpu_time_factor

_TAIL_ERROR: Final = {0.05: 2.5, 0.25: 1.5, 0.5: 1.0, 0.75: 1.5, 0.95: 2.5}
_CORRELATION: Final = 0.4
_STEP_REACH: Final = 0.03
_REACH_DRAWS: Final = 64
_HEAVY: Final = 4.0
_SPEED_ROUNDS: Final = 3


@dataclass(frozen=True)
class Question:
    """What is to be explained, and within which bounds.

    Attributes
    ----------
    sizes : tuple of SizeStatistics
        In order of memory.
    cpu_share : tuple of (float, float)
        Bounds of the CPU time's share of the duration at the largest size; what data cannot decide is spread over them.
    law_error : float
        Relative error of the law itself; 0 for data that were made by it.
    speed_error : float
        Relative standard deviation of the CPU's speed between execution environments.
    """

    sizes: tuple[SizeStatistics, ...]
    cpu_share: tuple[float, float]
    law_error: float
    speed_error: float

    @property
    def total_error(self) -> float:
        """Relative error within which the largest size is known."""
        largest = self.sizes[-1]
        return hypot(largest.mean_error, self.law_error, self.speed_error_of(largest))

    def speed_error_of(self, size: SizeStatistics) -> float:
        """Give the relative error of a size's mean that comes from the few environments that it was measured in."""
        return self.speed_error / sqrt(size.environments)


def misfits(question: Question, size: SizeStatistics, nodes: Nodes, draws: int) -> Floats:
    """Sum squared deviations at one size in units of the errors, shape (n nodes,).

    Notes
    -----
    Without an error of the law the mean decides alone, or the median where there is none. With one:

    - A deviation counts by a heavy-tailed law, so that one quantile on another step does not decide alone. A common
      part of all of them may be the speed of the CPU: the likeliest under the same law, for the same reason.
    - A figure on a step of the scheduler's period has more error: the law places its steps within some 3 % of the CPU
      time, so half of what the figure moves when CPU time moves by that much, beyond what it would move without steps.
      What is wider is lower: a guess that puts figures on steps pays for the error that it allows them.
      A mean alone has the law's error only, which was measured on means, on steps or not.
    - Mean and quantiles of one size go wrong together. With k of them, correlated by c, the sum counts as that of
      ``k / (1 + (k - 1) c)`` independent ones.
    """
    levels = [p for p in size.quantiles_ms if p in _TAIL_ERROR]
    durations = nodes.durations_ms(size.memory_mb, draws)
    if question.law_error == 0:
        if size.mean_ms is not None:
            return np.asarray((np.log(durations.mean(axis=1) / size.mean_ms) / size.mean_error) ** 2)
        middle = levels[len(levels) // 2]
        found = np.log(np.quantile(durations, middle, axis=1) / size.quantiles_ms[middle])
        return np.asarray((found / size.quantile_errors[middle]) ** 2)
    has_mean = size.mean_ms is not None
    observed = [size.mean_ms] * has_mean + [size.quantiles_ms[p] for p in levels]
    errors = [size.mean_error] * has_mean + [size.quantile_errors[p] for p in levels]
    tails = np.array([1.0] * has_mean + [_TAIL_ERROR[p] for p in levels])
    figures = _log_figures(durations, levels, has_mean=has_mean)
    deviations = figures - np.log(np.array(observed, dtype=np.float64))[:, None]
    scale, wider = np.hypot(errors, question.law_error * tails)[:, None], np.zeros(len(nodes.cpu_ms))
    if levels and _has_steps(nodes, size):
        slower, faster = (
            _log_figures(
                replace(nodes, cpu_ms=nodes.cpu_ms * factor).durations_ms(size.memory_mb, _REACH_DRAWS),
                levels,
                has_mean=has_mean,
            )
            for factor in (1 + _STEP_REACH, 1 / (1 + _STEP_REACH))
        )
        reach = np.maximum(np.abs(slower - faster) / 2 - _STEP_REACH, 0)
        wider = np.log1p((reach / scale) ** 2).sum(axis=0)
        scale = np.hypot(scale, reach)
    together = 1 + (len(tails) - 1) * _CORRELATION
    squares, speed = at_likeliest_speed(deviations, scale, question.speed_error_of(size), together)
    return np.asarray((heavy(squares).sum(axis=0) + wider) / together + heavy(speed**2))


def at_likeliest_speed(
    deviations: Floats, scale: Floats, speed_error: float, together: float
) -> tuple[Floats, Floats]:
    """Give squared deviations at the likeliest speed of the CPU, shape (figures, n), and that speed, shape (n,).

    Speed is in standard deviations of its own: without any, it is never the cause. Found by reweighting: what lies far
    off counts for less in the next round.
    """
    speed, squares = np.zeros(deviations.shape[1]), (deviations / scale) ** 2
    for _ in range(_SPEED_ROUNDS):
        precision = _weight_of(squares) * scale**-2 / together
        known = speed_error**2 * precision.sum(axis=0) + _weight_of(speed**2)
        speed = speed_error * (precision * deviations).sum(axis=0) / known
        squares = ((deviations - speed_error * speed) / scale) ** 2
    return squares, speed


def heavy(squares: Floats) -> Floats:
    """Let large squares count for less, as under a law with heavy tails."""
    return np.asarray(_HEAVY * np.log1p(squares / _HEAVY))


def _weight_of(squares: Floats) -> Floats:
    """Give the weight of a deviation beside others under that law: the slope of `heavy`."""
    return np.asarray(1 / (1 + squares / _HEAVY))


def _has_steps(nodes: Nodes, size: SizeStatistics) -> bool:
    """Say whether the scheduler's period shows in the law of these guesses."""
    return nodes.style.law is CpuLaw.QUOTA and cpu_time_factor(size.memory_mb, 0.0) > 1


def _log_figures(durations: Floats, levels: list[float], *, has_mean: bool) -> Floats:
    """Give logarithms of the mean and of quantiles, shape (figures, n nodes)."""
    means = [durations.mean(axis=1)] * has_mean
    figures = [*means, *(np.quantile(durations, levels, axis=1) if levels else [])]
    return np.asarray(np.log(np.array(figures)), dtype=np.float64)
