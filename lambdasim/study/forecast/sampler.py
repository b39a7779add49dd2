"""Sample paths of future daily totals of traffic, from daily totals of the past."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from lambdasim.draws.keys import DrawKey, Stream, uniform
from lambdasim.errors import InputError
from lambdasim.study.forecast.levels import WEEK, Floats, Levels, Season, levels_of, season_of, weekly_changes

LOW_CONFIDENCE_DAYS: Final = 35
LEAST_DAYS: Final = WEEK
LONGEST_DAYS: Final = 400
_NOISE_WEEKS: Final = 13
_DAMPING: Final = 0.9
_STEP_PER_NOISE: Final = 0.7
_SMALLEST_STEP: Final = 0.015
_LARGEST_STEP: Final = 0.12
_PRIOR_WEEKS: Final = 6.0
_WEEK_HALF_LIFE: Final = 10.0
_PRIOR_WIDTH: Final = 1.4
_PRIOR_ORIGINS: Final = 3.0
_WIDTH: Final = 1.15
_NARROWEST: Final = 0.35
_WIDEST: Final = 3.0
_SHORT_WIDTH: Final = 1.3
_MOST_STRETCHED: Final = 0.7
_MAD: Final = 1.4826


@dataclass(frozen=True, eq=False)
class DailyPaths:
    """Sample paths of daily totals.

    Attributes
    ----------
    totals : ndarray of float64, shape (n_paths, n_days)
        [invocations].
    low_confidence : bool
        Whether the history is shorter than five weeks; the ranges are then wider.
    untrimmed_share : float
        Weight of the levels that count bursts in full.
    width : float
        What the held-back stretches did to the spread of the monthly total, as a factor.
    """

    totals: Floats
    low_confidence: bool
    untrimmed_share: float
    width: float


def sample_paths(
    history: ArrayLike,
    days: int,
    *,
    paths: int = 1000,
    seed: int = 0,
    owner: str = "",
    shared: float = 0.0,
) -> DailyPaths:
    """Sample paths of the daily totals that follow a history.

    Parameters
    ----------
    history : array of float, shape (n_history,)
        Totals of whole days in order, without a gap, up to the day before the first forecast day [invocations]. Used are
        the last 400, from the first day on that has any.
    days : int
        How many days to forecast.
    paths : int
        How many paths.
    seed : int
    owner : str
        Whose draws: a function's name.
    shared : float
        Which part of the variance of the weekly drift a function has in common with the other functions of the same
        seed, between 0 and 1. Blocks of noise are the same days for all functions anyway.

    Returns
    -------
    DailyPaths
        The same for the same arguments, whatever the version of NumPy's generators.

    Raises
    ------
    InputError
        When the history is shorter than a week, or a number cannot be.

    Notes
    -----
    ``total = exp(level + drift + noise) * weekday``, less a small offset. The level is one of six means, chosen per path
    by its merit in the past (see ``study.levels.levels_of``). The drift adds up weekly Student-t steps of four degrees
    of freedom, damped by 0.9 a week, whose size is that of changes from week to week, shrunk to a part of the daily
    noise. The noise is the deviations of seven consecutive days of the last 13 weeks. At last the spread of the total
    over the whole stretch is drawn toward the errors on the held-back stretches, as far as there are enough of them. All
    constants were set on synthetic series and on seven real ones together, see ``docs/validation.md``.

    Examples
    --------
    >>> steady = np.tile([100.0, 120, 120, 110, 100, 60, 50], 12)
    >>> month = sample_paths(steady, 28, paths=200).totals.sum(axis=1)
    >>> bool(abs(np.median(month) / (4 * steady[:7].sum()) - 1) < 0.03)
    True
    """
    recent = _checked(history, days, paths, shared)
    if not recent.any():
        return DailyPaths(np.zeros((paths, days)), len(recent) < LOW_CONFIDENCE_DAYS, 0.5, 1.0)
    season = season_of(recent)
    noise, trimmed_noise = _noise(season)
    trimmed_mean = float(np.mean(np.exp(trimmed_noise)))
    levels = levels_of(season, days, float(np.log(trimmed_mean)))
    chosen = _choices(levels, _uniforms(seed, owner, Stream.FORECAST_LEVEL, paths, 1)[:, 0])
    week = np.arange(days) // WEEK
    drift = _drift(season, seed, owner, paths, int(week[-1]) + 1, shared)[:, week]
    blocks = _uniforms(seed, "", Stream.FORECAST_NOISE, paths, int(week[-1]) + 1)
    starts = (blocks * (len(noise) - WEEK + 1)).astype(np.int64)
    block_days = len(noise) - 1 - (starts[:, week] + (WEEK - 1 - np.arange(days) % WEEK))
    deviations = np.where(
        levels.is_trimmed[chosen][:, None],
        trimmed_noise[block_days] - np.log(trimmed_mean),
        noise[block_days] - np.log(np.mean(np.exp(noise))),
    )
    log_totals = levels.log_levels[chosen][:, None] + drift + deviations
    totals = np.exp(log_totals) * season.factors(len(recent), days)
    by_path = np.log(totals.sum(axis=1))
    width = _width(levels, by_path, len(recent))
    away = np.clip(by_path - np.median(by_path), -_MOST_STRETCHED, _MOST_STRETCHED)
    totals *= np.exp((width - 1) * away)[:, None]
    share = float(levels.weights[~levels.is_trimmed].sum())
    low = len(recent) < LOW_CONFIDENCE_DAYS
    return DailyPaths(np.maximum(totals - season.offset, 0.0), low, share, width)


def _checked(history: ArrayLike, days: int, paths: int, shared: float) -> Floats:
    """Give the part of a history that counts."""
    totals = np.asarray(history, dtype=np.float64)
    where = "sample_paths"
    if totals.ndim != 1 or len(totals) < LEAST_DAYS:
        raise InputError.single(
            where, "history", f"must have at least {LEAST_DAYS} whole days, got {totals.size}"
        )
    bad = np.flatnonzero(~((totals >= 0) & np.isfinite(totals)))
    if len(bad):
        found = f"must be numbers of 0 or more, got {totals[bad[0]]} on day {bad[0]}"
        raise InputError.single(where, "history", found)
    for name, value in (("days", days), ("paths", paths)):
        if value < 1:
            raise InputError.single(where, name, f"must be at least 1, got {value}")
    if not 0 <= shared <= 1:
        raise InputError.single(where, "shared", f"must be between 0 and 1, got {shared}")
    begun = min(int(np.argmax(totals > 0)), len(totals) - LEAST_DAYS)
    return totals[begun:][-LONGEST_DAYS:]


def _uniforms(seed: int, owner: str, stream: Stream, paths: int, columns: int) -> Floats:
    """Draw numbers between 0 and 1 that belong to path and column, shape (paths, columns)."""
    index = np.arange(paths)[:, None] * (1 << 16) + np.arange(columns)
    return uniform(DrawKey.of(seed, owner, stream).bits(index.ravel())).reshape(paths, columns)


def _choices(levels: Levels, p: Floats) -> NDArray[np.int64]:
    """Choose a level for each path."""
    cumulative = np.cumsum(levels.weights)
    chosen: NDArray[np.int64] = np.searchsorted(cumulative[:-1], p, side="right")
    return chosen


def _noise(season: Season) -> tuple[Floats, Floats]:
    """Give deviations of the last weeks from the level around them, as they were and trimmed."""
    first = max(len(season.local) - _NOISE_WEEKS * WEEK, 0)
    noise = (season.log_totals - season.local)[first:]
    return noise, (season.trimmed - season.local)[first:]


def _drift(season: Season, seed: int, owner: str, paths: int, weeks: int, shared: float) -> Floats:
    """Add up weekly steps, damped, shape (paths, weeks)."""
    own = student_t4(_uniforms(seed, owner, Stream.FORECAST_DRIFT, paths, weeks))
    if shared:
        common = student_t4(_uniforms(seed, "", Stream.FORECAST_DRIFT, paths, weeks))
        own = np.sqrt(1 - shared) * own + np.sqrt(shared) * common
    steps = own / np.sqrt(2) * step_size(weekly_changes(season), _prior_step(season))
    drift: Floats = np.cumsum(steps * _DAMPING ** np.arange(weeks), axis=1)
    return drift


def student_t4(p: Floats) -> Floats:
    """Give quantiles of Student's t with four degrees of freedom, which has a closed form, variance 2.

    References
    ----------
    Shaw: "Sampling Student's T distribution", Journal of Computational Finance 9 (2006).
    """
    a = np.minimum(4 * p * (1 - p), 1.0)
    q = np.cos(np.arccos(np.sqrt(a)) / 3) / np.sqrt(a)
    quantiles: Floats = np.sign(p - 0.5) * 2 * np.sqrt(np.maximum(q - 1, 0))
    return quantiles


def step_size(changes: Floats, prior: float) -> float:
    """Give the standard deviation of the weekly drift from changes from week to week.

    Notes
    -----
    Noise of a single week shows in two changes with opposite signs, so that twice their covariance is added to their
    variance; at least a quarter of it is left.
    """
    variance, weight = 0.0, 0.0
    if len(changes) > 2:
        age = 0.5 ** (np.arange(len(changes))[::-1] / _WEEK_HALF_LIFE)
        most = 3 * float(np.median(np.abs(changes))) + 1e-9
        drawn_in = np.clip(changes, -most, most)
        weight = float(age.sum())
        spread = float(age @ drawn_in**2) / weight
        turning = float(age[1:] @ (drawn_in[1:] * drawn_in[:-1])) / float(age[1:].sum())
        variance = max(spread + 2 * turning, spread / 4)
    return float(np.sqrt((variance * weight + prior**2 * _PRIOR_WEEKS) / (weight + _PRIOR_WEEKS)))


def _prior_step(season: Season) -> float:
    """Guess the size of weekly steps from the size of daily noise: what varies by the day, varies by the week."""
    noise = _MAD * float(np.median(np.abs(season.log_totals - season.local)))
    return float(np.clip(_STEP_PER_NOISE * noise, _SMALLEST_STEP, _LARGEST_STEP))


def _width(levels: Levels, by_path: Floats, n_history: int) -> float:
    """Give the factor by which the spread of the total over the stretch changes."""
    low, high = np.quantile(by_path, [0.02, 0.98])
    spread = float(np.var(np.clip(by_path, low, high))) + 1e-12
    weight, ratio = levels.origins, 0.0
    if weight:
        ratio = levels.error**2 / spread * _WIDTH**2
    variance = (ratio * weight + _PRIOR_WIDTH**2 * _PRIOR_ORIGINS) / (weight + _PRIOR_ORIGINS)
    short = max(1 - n_history / LOW_CONFIDENCE_DAYS, 0.0)
    width = float(np.clip(np.sqrt(variance), _NARROWEST, _WIDEST))
    return width * (1 + _SHORT_WIDTH * short)
