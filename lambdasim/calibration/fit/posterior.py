"""How likely each guess of a function's work is, given durations at some memory sizes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import exp, log
from typing import Final

import numpy as np

from lambdasim.calibration.data.statistics import Floats, SizeStatistics
from lambdasim.calibration.fit.misfit import Question, misfits
from lambdasim.calibration.fit.nodes import Nodes
from lambdasim.calibration.fit.speed import usual_wait_spread
from lambdasim.models.cpu_chain import CpuLaw, CpuStyle
from lambdasim.models.cpu_quota import FirstCheck
from lambdasim.models.cpu_scaling import cpu_time_factor

_WAITS: Final = (0, 1, 2, 4)
ALL_STYLES: Final = (
    CpuStyle(CpuLaw.STRAIGHT),
    *(CpuStyle(CpuLaw.QUOTA, check, waits) for waits in _WAITS for check in FirstCheck),
)
"""The straight law, and the quota law with each first check and some numbers of waits."""

_BELIEF_PURE: Final = 0.5
_BELIEF_STRAIGHT: Final = 0.02
_BELIEF_LATE: Final = 0.75
_BELIEF_TIMER: Final = 0.25
_WAITS_VARY: Final = 0.6
"""Standard deviation, between services, of the logarithm of how much their waits differ."""
_LEAST_MS: Final = 1e-6
_COARSE: Final = (40, 5, 64)
_FINE: Final = (21, 9, 128)
_ZOOMS: Final = 3
_NEAR: Final = 12.0
_HOPELESS: Final = 25.0
_SHORTEST_WAIT_MS: Final = 0.5
_NARROW: Final = 0.015
_TOO_LOW: Final = 1.05
_BELOW: Final = 2.4
"""How many errors of the law the largest size's mean may lie below the truth: those of the usual law are 5 %."""


@dataclass(frozen=True)
class StylePosterior:
    """Guesses of one style with their weights.

    Attributes
    ----------
    nodes : Nodes
    weights : ndarray, shape (n,)
        Sum to one.
    log_evidence : float
        Logarithm of how well the style explains the data, its guesses averaged.
    misfit : float
        Smallest sum of squared deviations in units of the errors.
    """

    nodes: Nodes
    weights: Floats
    log_evidence: float
    misfit: float


def style_posteriors(question: Question, styles: Sequence[CpuStyle]) -> list[StylePosterior]:
    """Weigh guesses under each style; styles that no guess fits are left out."""
    found: list[StylePosterior] = []
    for style in styles:
        for sigmas in _sigmas(question, style):
            for pure in (True, False) if not style.waits and len(question.sizes) > 1 else (False,):
                least = min((posterior.misfit for posterior in found), default=np.inf)
                posterior = _weighed(question, style, sigmas, pure=pure, hopeless=least + _HOPELESS)
                if posterior is not None:
                    found.append(posterior)
    return found


def _sigmas(question: Question, style: CpuStyle) -> list[tuple[float, float]]:
    """Guess the spread of CPU time and waiting; steps of the scheduler can make it look larger or smaller than it is."""
    if style.law is CpuLaw.STRAIGHT:
        return [_straight_sigmas(question)]
    spreads = [size.spread for size in question.sizes]
    least, most = min(spreads), max(spreads)
    tried = [least]
    if any(0.25 in size.quantiles_ms for size in question.sizes):
        tried += [0.4 * least, _NARROW] if least > 2 * _NARROW else []
        tried += [(least + most) / 2, most] if most > 1.5 * least else []
    return [(sigma, sigma) for sigma in tried]


def _straight_sigmas(question: Question) -> tuple[float, float]:
    """Split the variance as the means are split: CPU time's grows with the square of its factor."""
    from scipy.optimize import nnls

    sizes = question.sizes
    least = min(size.spread for size in sizes)
    if len(sizes) == 1:
        return least, least
    factors = np.array([cpu_time_factor(size.memory_mb, 0.0) for size in sizes])
    means = np.array([size.centre_ms for size in sizes])
    cpu, io = nnls(np.column_stack([factors, np.ones_like(factors)]) / means[:, None], np.ones(len(sizes)))[0]
    spreads = np.array([size.spread for size in sizes]) * means
    cpu_var, io_var = nnls(
        np.column_stack([(factors * cpu) ** 2, np.full(len(sizes), io**2)]) / spreads[:, None] ** 2,
        np.ones(len(sizes)),
    )[0]
    return float(np.sqrt(cpu_var)) or least, float(np.sqrt(io_var))


def _weighed(
    question: Question, style: CpuStyle, sigmas: tuple[float, float], *, pure: bool, hopeless: float
) -> StylePosterior | None:
    """Search a grid, then look closer where guesses fit; ``pure`` work never waits.

    Total and CPU share are spread evenly beforehand, the total on a logarithmic scale; most of the belief is in a share
    of one, since many handlers only compute. Where two sizes or more are there to contradict it, a share is believed in
    proportion to itself, so that little waiting is likelier than much. The less its own spread the better work is
    believed, since steps of the scheduler are what spreads durations most.
    """
    low, high = (log(share * question.sizes[-1].centre_ms) for share in _share_bounds(question))
    counts, steps, draws = _COARSE
    for _ in range(_ZOOMS + 1):
        logs = np.linspace(low, high, counts)
        grid = _pure_grid if pure else _grid
        nodes, found = grid(question, style, sigmas, logs, steps, draws)
        best = float(found.min())
        if not best < hopeless:
            return None
        near = logs[(found < best + _NEAR).any(axis=1)]
        step = logs[1] - logs[0]
        if len(near) > 0.6 * counts and (counts, steps, draws) == _FINE:
            break
        low, high = float(near[0] - step), float(near[-1] + step)
        counts, steps, draws = _FINE
    weights = np.exp((best - found) / 2).ravel()
    cell = float(step) * _belief(style) * (_BELIEF_PURE if pure else 1 - _BELIEF_PURE)
    cell *= _NARROW / max(sigmas[0], _NARROW)
    if not pure:
        share = nodes.cpu_ms / (nodes.cpu_ms + nodes.io_ms)
        weights = weights * share
        if len(question.sizes) > 1:
            weights = weights * 2 * share * belief_in_waits(question.sizes, nodes.io_ms)
        cell *= 6 * question.total_error / steps
    total = float(weights.sum())
    kept = weights > 1e-6 * weights.max()
    chosen = Nodes(style, nodes.cpu_ms[kept], nodes.io_ms[kept], *sigmas)
    return StylePosterior(chosen, weights[kept] / weights[kept].sum(), log(total * cell) - best / 2, best)


def _belief(style: CpuStyle) -> float:
    """Say how likely a style is before any data.

    AWS was seen to use the quota, so the straight law is a fallback; freshly invoked handlers were seen to be late in
    their first check. Nothing is known of the number of waits.
    """
    if style.law is CpuLaw.STRAIGHT:
        return _BELIEF_STRAIGHT
    late = _BELIEF_LATE if style.check is FirstCheck.FOURTH_TICK else 1 - _BELIEF_LATE
    return late / len(_WAITS)


def belief_in_waits(sizes: Sequence[SizeStatistics], io_ms: Floats) -> Floats:
    """Say how likely waits are beside durations as narrow as those measured, shape (n,).

    Waits for services differ from run to run. Where such waits would spread durations more than they are spread at
    some size, only a timer is left.
    """
    from scipy.special import ndtr

    spreads_ms = [size.seen_spread * size.centre_ms for size in sizes if size.seen_spread]
    usual_ms = np.maximum(io_ms, _LEAST_MS) * usual_wait_spread()
    room = np.log(min(spreads_ms, default=np.inf) / usual_ms) / _WAITS_VARY
    return np.asarray(_BELIEF_TIMER + (1 - _BELIEF_TIMER) * ndtr(room))


def _share_bounds(question: Question) -> tuple[float, float]:
    """Bound the CPU share at the largest size, whose mean may be too low by the law's error."""
    low, high = question.cpu_share
    factor = cpu_time_factor(question.sizes[-1].memory_mb, 0.0)
    return low / factor, high * max(_TOO_LOW, exp(_BELOW * question.law_error))


def _pure_grid(
    question: Question,
    style: CpuStyle,
    sigmas: tuple[float, float],
    logs: Floats,
    _steps: int,
    draws: int,
) -> tuple[Nodes, Floats]:
    """Guess CPU times of work that never waits, and see how all sizes fit."""
    nodes = Nodes(style, np.exp(logs), np.zeros_like(logs), *sigmas)
    found = sum((misfits(question, size, nodes, draws) for size in question.sizes), np.zeros(len(logs)))
    return nodes, found[:, None]


def _grid(
    question: Question,
    style: CpuStyle,
    sigmas: tuple[float, float],
    logs: Floats,
    steps: int,
    draws: int,
) -> tuple[Nodes, Floats]:
    """Guess CPU times, give each the waiting that meets the largest size within its error, and see how all fit."""
    largest = question.sizes[-1]
    totals = largest.centre_ms * np.exp(question.total_error * np.linspace(-3, 3, steps))
    cpu = np.exp(logs)
    computing = Nodes(style, cpu, np.zeros_like(cpu), *sigmas).durations_ms(largest.memory_mb, draws)
    raw = totals[None, :] - computing.mean(axis=1)[:, None]
    if style.waits:
        nodes = Nodes(style, np.repeat(cpu, steps), np.maximum(raw, 0).ravel(), *sigmas)
        reached = nodes.durations_ms(largest.memory_mb, draws).mean(axis=1).reshape(raw.shape)
        raw = np.maximum(raw, 0) + totals[None, :] - reached
    nodes = Nodes(style, np.repeat(cpu, steps), np.maximum(raw, 0).ravel(), *sigmas)
    found = sum((misfits(question, size, nodes, draws) for size in question.sizes), np.zeros(raw.size))
    found = found.reshape(raw.shape)
    found[:, :-1][raw[:, :-1] < 0] = np.inf
    if style.waits:
        found[raw < _SHORTEST_WAIT_MS * style.waits] = np.inf
    return nodes, found
