"""Sample paths of future daily totals of traffic, from daily totals of the past."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from lambdasim.draws.keys import DrawKey, Quantity, uniform
from lambdasim.errors import InputError
from lambdasim.study.forecast.levels import WEEK, Floats, Levels, levels_of, season_of

LOW_CONFIDENCE_DAYS: Final = 35
LEAST_DAYS: Final = WEEK
LONGEST_DAYS: Final = 400
MOST_PATHS: Final = 100_000
_FLOOR: Final = 0.03
_PRIOR_WIDTH: Final = 1.5
_PRIOR_ORIGINS: Final = 3.0
_WIDTH: Final = 1.15
_NARROWEST: Final = 0.35
_WIDEST: Final = 3.0
_MOST_STRETCHED: Final = 0.7


@dataclass(frozen=True, eq=False)
class DailyPaths:
    """Sample paths of daily totals.

    Attributes
    ----------
    totals : ndarray of float64, shape (n_paths, n_days)
        [invocations].
    low_confidence : bool
        Whether the history is shorter than five weeks: most of what is assumed of its drift is then prior.
    weekly_drift : float
        Standard deviation of the level's change in a week that the history itself shows, as a part of the level.
    width : float
        What the held-back stretches did to the spread of the monthly total, as a factor.
    """

    totals: Floats
    low_confidence: bool
    weekly_drift: float
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
        the last 400, beginning with the first day that has any.
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
    ``total = exp(level + echo + drift + noise) * weekday``, less a small offset. Each path picks a candidate of the
    local level model by its weight (see ``forecast.levels.levels_of``) and a level and echo from what the model leaves
    open. The echo fades. The drift adds up weekly Student-t steps of four degrees of freedom; its size is the
    candidate's, and 3 % a week on top whatever the noise, since no history rules out that something changes. The
    noise is resampled: the deviations of seven consecutive days of the last 13 weeks, bursts included. Finally the
    spread of the total over the whole stretch is drawn toward the errors on held-back stretches, as far as there are
    enough of them. The constants were set on synthetic series and the real ones of ``data/traffic`` together, see
    ``docs/validation.md``.

    Examples
    --------
    >>> steady = np.tile([100.0, 120, 120, 110, 100, 60, 50], 12)
    >>> month = sample_paths(steady, 28, paths=200).totals.sum(axis=1)
    >>> bool(abs(np.median(month) / (4 * steady[:7].sum()) - 1) < 0.03)
    True
    """
    recent = _checked(history, days, paths, shared)
    if not recent.any():
        return DailyPaths(np.zeros((paths, days)), len(recent) < LOW_CONFIDENCE_DAYS, 0.0, 1.0)
    season = season_of(recent)
    levels = levels_of(season, days)
    log_totals = (
        _starts(levels, seed, owner, paths, days)
        + _drift(levels, seed, owner, paths, days, shared)
        + _resampled(levels.noise, seed, paths, days)
    )
    totals = np.exp(log_totals) * season.factors(len(recent), days)
    by_path = np.log(totals.sum(axis=1))
    width = _width(levels, by_path)
    away = np.clip(by_path - np.median(by_path), -_MOST_STRETCHED, _MOST_STRETCHED)
    totals *= np.exp((width - 1) * away)[:, None]
    low = len(recent) < LOW_CONFIDENCE_DAYS
    return DailyPaths(np.maximum(totals - season.offset, 0.0), low, levels.weekly_drift, width)


def daily_totals(where: str, history: object) -> Floats:
    """Take what was passed as daily totals.

    Raises
    ------
    InputError
        When they are not numbers.
    """
    try:
        return np.asarray(history, dtype=np.float64)
    except (TypeError, ValueError):
        found = f"must be an array of daily totals, got {type(history).__name__}"
        raise InputError.single(where, "history", found) from None


def check_paths(where: str, paths: int, least: int = 1) -> None:
    """Refuse fewer sample paths than quantiles need, and more than memory holds.

    Parameters
    ----------
    where : str
        For the message.
    paths : int
    least : int

    Raises
    ------
    InputError
    """
    if paths < least:
        raise InputError.single(where, "paths", f"must be at least {least}, got {paths}")
    if paths > MOST_PATHS:
        raise InputError.single(where, "paths", f"must be at most {MOST_PATHS:,}, got {paths:.6g}")


def _checked(history: ArrayLike, days: int, paths: int, shared: float) -> Floats:
    """Give the part of a history that counts."""
    where = "sample_paths"
    totals = daily_totals(where, history)
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
    check_paths(where, paths)
    if not 0 <= shared <= 1:
        raise InputError.single(where, "shared", f"must be between 0 and 1, got {shared}")
    begun = min(int(np.argmax(totals > 0)), len(totals) - LEAST_DAYS)
    return totals[begun:][-LONGEST_DAYS:]


def _uniforms(seed: int, owner: str, quantity: Quantity, paths: int, columns: int) -> Floats:
    """Draw numbers between 0 and 1 that belong to path and column, shape (paths, columns)."""
    index = np.arange(paths)[:, None] * (1 << 16) + np.arange(columns)
    return uniform(DrawKey.of(seed, owner, quantity).bits(index.ravel())).reshape(paths, columns)


def _chosen(levels: Levels, seed: int, owner: str, paths: int) -> tuple[NDArray[np.int64], Floats, Floats]:
    """Choose a candidate for each path, and two deviations of variance 1."""
    p = _uniforms(seed, owner, Quantity.FORECAST_LEVEL, paths, 3)
    chosen = np.searchsorted(np.cumsum(levels.weights)[:-1], p[:, 0], side="right")
    deviations = student_t4(p[:, 1:]) / np.sqrt(2)
    return chosen, deviations[:, 0], deviations[:, 1]


def _starts(levels: Levels, seed: int, owner: str, paths: int, days: int) -> Floats:
    """Draw the level of each path, and the fading echo of the last days on it, shape (paths, days)."""
    chosen, of_level, of_echo = _chosen(levels, seed, owner, paths)
    moved = levels.level_sd[chosen] * of_level
    echo = levels.echoes[chosen] + levels.echo_per_level[chosen] * moved + levels.echo_sd[chosen] * of_echo
    fading = levels.persistence[chosen][:, None] ** np.arange(1, days + 1)
    starts: Floats = (levels.log_levels[chosen] + moved)[:, None] + echo[:, None] * fading
    return starts


def _resampled(noise: Floats, seed: int, paths: int, days: int) -> Floats:
    """Draw blocks of seven consecutive days, the same days for all functions, shape (paths, days)."""
    week = np.arange(days) // WEEK
    blocks = _uniforms(seed, "", Quantity.FORECAST_NOISE, paths, int(week[-1]) + 1)
    before_end = (blocks * (len(noise) - WEEK + 1)).astype(np.int64)
    resampled: Floats = noise[len(noise) - WEEK - before_end[:, week] + np.arange(days) % WEEK]
    return resampled


def _drift(levels: Levels, seed: int, owner: str, paths: int, days: int, shared: float) -> Floats:
    """Add up weekly steps, each made evenly over its week, shape (paths, days)."""
    weeks = -(-days // WEEK)
    own = student_t4(_uniforms(seed, owner, Quantity.FORECAST_DRIFT, paths, weeks))
    if shared:
        common = student_t4(_uniforms(seed, "", Quantity.FORECAST_DRIFT, paths, weeks))
        own = np.sqrt(1 - shared) * own + np.sqrt(shared) * common
    chosen = _chosen(levels, seed, owner, paths)[0]
    size = np.sqrt(WEEK * levels.daily_steps[chosen] ** 2 + _FLOOR**2)
    daily = np.repeat(own / np.sqrt(2) * size[:, None] / WEEK, WEEK, axis=1)
    drift: Floats = np.cumsum(daily, axis=1)[:, :days]
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


def _width(levels: Levels, by_path: Floats) -> float:
    """Give the factor by which the spread of the total over the stretch changes."""
    low, high = np.quantile(by_path, [0.02, 0.98])
    spread = float(np.var(np.clip(by_path, low, high))) + 1e-12
    ratio = levels.error**2 / spread * _WIDTH**2 if levels.origins else 0.0
    variance = (ratio * levels.origins + _PRIOR_WIDTH**2 * _PRIOR_ORIGINS) / (levels.origins + _PRIOR_ORIGINS)
    return float(np.clip(np.sqrt(variance), _NARROWEST, _WIDEST))
