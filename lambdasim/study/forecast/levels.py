"""What a history of daily totals says of its season, its level and its noise: the sampler's inputs.

Everything is done on the logarithm of daily totals, to which a small part of their mean and half an invocation are
added so that empty days stay finite and rare ones tame.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product
from typing import Final

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

Floats = NDArray[np.float64]

WEEK: Final = 7
CARRIED_DAYS: Final = 28
ORIGIN_STEP: Final = 14
MOST_ORIGINS: Final = 24
MAD: Final = 1.4826
_STEPS: Final = ((0.0, 0.10), (0.02, 0.20), (0.05, 0.25), (0.1, 0.25), (0.2, 0.20))
_ECHOES: Final = ((0.0, 0.0, 0.6), (0.6, 0.5, 0.4))
_PRIOR_NOISE: Final = 0.1
_PRIOR_DAYS: Final = 4
_CARRIED_SHARE: Final = 0.3
_UNKNOWN: Final = 1e4
_NOISE_WEEKS: Final = 13
_SEASON_DAYS: Final = 84
_OFFSET: Final = 0.02
_COUNT_OFFSET: Final = 0.5
_TRIM: Final = 2.5
_TRIM_DAYS: Final = 28
_SMALLEST_MAD: Final = 0.02
_ORIGIN_HALF_LIFE: Final = 240.0
_MOST_SKEW: Final = 3.0


@dataclass(frozen=True, eq=False)
class Season:
    """A history on the logarithmic scale, its day-of-week effects taken off.

    Attributes
    ----------
    offset : float
        What was added to every total before the logarithm [invocations].
    effects : ndarray of float64, shape (7,)
        Logarithmic effect of the days of the week, counted from the history's first day.
    log_totals : ndarray of float64, shape (n_days,)
        Without the effects.
    trimmed : ndarray of float64, shape (n_days,)
        The same, days far from the median of the two weeks up to them drawn in to 2.5 deviations.
    """

    offset: float
    effects: Floats
    log_totals: Floats
    trimmed: Floats

    def factors(self, first: int, days: int) -> Floats:
        """Give the factor of the day of the week for ``days`` days, beginning with day ``first`` of the history."""
        return np.exp(self.effects[(first + np.arange(days)) % WEEK])


@dataclass(frozen=True, eq=False)
class Levels:
    """What a local level model says of the level at the end of a history, for each candidate of the model.

    Attributes
    ----------
    weights : ndarray of float64, shape (n_candidates,)
        How well each candidate explains the history; sum 1.
    log_levels, level_sd : ndarray of float64, shape (n_candidates,)
        Logarithm of the level, and its standard deviation.
    echoes, echo_sd : ndarray of float64, shape (n_candidates,)
        How far the last days still lie above the level, and its standard deviation.
    echo_per_level : ndarray of float64, shape (n_candidates,)
        Change of the echo for a change of the level.
    persistence : ndarray of float64, shape (n_candidates,)
        Part of an echo that is left a day later.
    daily_steps : ndarray of float64, shape (n_candidates,)
        Standard deviation of the level's step from day to day.
    noise : ndarray of float64, shape (n_noise_days,)
        Deviations of the last 13 weeks from the level around each day.
    error : float
        Root mean square of the logarithm of actual over predicted total on the held-back stretches; NaN where the
        history is too short to hold any back.
    origins : float
        How many held-back stretches that is worth, overlap and age considered.
    """

    weights: Floats
    log_levels: Floats
    level_sd: Floats
    echoes: Floats
    echo_sd: Floats
    echo_per_level: Floats
    persistence: Floats
    daily_steps: Floats
    noise: Floats
    error: float
    origins: float

    @property
    def weekly_drift(self) -> float:
        """Standard deviation of the change of the level in a week that the history itself shows."""
        return float(np.sqrt(WEEK * (self.weights @ self.daily_steps**2)))


@dataclass(frozen=True, eq=False)
class _Filtered:
    """States of every candidate after each day, shape (n_days, n_candidates), and their variances after the last."""

    weights: Floats
    levels: Floats
    echoes: Floats
    level_variance: Floats
    covariance: Floats
    echo_variance: Floats
    scale: Floats
    steps: Floats
    persistence: Floats


def season_of(totals: Floats) -> Season:
    """Take the days of the week off a history.

    Parameters
    ----------
    totals : ndarray of float64, shape (n_days,)
        Daily totals, at least one of them positive [invocations].

    Returns
    -------
    Season

    Notes
    -----
    An effect is the mean, over the last twelve weeks, of deviations from a centred weekly mean, drawn in to two
    deviations and shrunk toward zero by how much of the spread between weekdays is noise.
    """
    mean = float(totals.mean())
    offset = _OFFSET * mean + min(_COUNT_OFFSET, mean)
    log_totals = np.log(totals + offset)
    effects = _day_effects(log_totals)
    deseasoned = log_totals - effects[np.arange(len(totals)) % WEEK]
    trimmed = _trim(deseasoned)
    return Season(offset, effects, deseasoned, trimmed)


def levels_of(season: Season, days: int) -> Levels:
    """Estimate the level at the end of a history, and how far it moves from day to day.

    Parameters
    ----------
    season : Season
    days : int
        Length of the stretch to forecast [days].

    Returns
    -------
    Levels

    Notes
    -----
    The local level model: a day is level + echo + noise; the level is a random walk, an echo is what is left of
    yesterday's deviation (a burst that fades), noise is new every day. Candidates differ in the size of a daily step
    (0 to 0.2 of the noise) and in whether half of the noise echoes. A Kalman filter says how well each explains the
    history; its likelihood, with the noise's scale integrated out, times a prior weighs it. So the history's own
    autocorrelation separates noise from movement: independent bursts around a fixed level favour small steps however
    large the bursts are, and two weeks leave the prior mostly as it was.

    Levels are then moved 0.3 of the way to the mean of the last 28 days, since forecasts combined err less than
    either alone where no model is quite right (Bates and Granger 1969).

    References
    ----------
    Durbin and Koopman: "Time Series Analysis by State Space Methods" (2012), chapters 2 and 4.
    """
    n = len(season.log_totals)
    found = _filter(season.trimmed)
    weights, sd = found.weights, np.sqrt(found.level_variance) * found.scale
    noise, skew = _noise(season, float(weights @ found.steps))
    excess = float(np.log(np.mean(np.exp(noise))))
    held = n - days - ORIGIN_STEP * np.arange(MOST_ORIGINS)
    ends = np.concatenate([[n], held[held >= CARRIED_DAYS]])
    fading = _mean_fading(found.persistence, days)
    model = (found.levels[ends - 1] + found.echoes[ends - 1] * fading) @ weights + excess
    totals = np.exp(season.log_totals)
    carried = np.log([totals[max(end - CARRIED_DAYS, 0) : end].mean() for end in ends])
    predicted = model + _CARRIED_SHARE * (carried - model)
    error, origins = _held_back(season, totals, predicted[1:], ends[1:], days)
    return Levels(
        weights=weights,
        log_levels=found.levels[-1] + (predicted[0] - model[0]),
        level_sd=sd * skew,
        echoes=found.echoes[-1],
        echo_sd=np.sqrt(np.maximum(found.echo_variance - found.covariance**2 / found.level_variance, 0.0))
        * found.scale,
        echo_per_level=found.covariance / found.level_variance,
        persistence=found.persistence,
        daily_steps=found.steps * found.scale,
        noise=noise,
        error=error,
        origins=origins,
    )


def _filter(log_totals: Floats) -> _Filtered:
    """Run a Kalman filter for all candidates side by side; variances are in units of the noise's."""
    table = [(step, p, share, np.log(a * b)) for (step, a), (p, share, b) in product(_STEPS, _ECHOES)]
    steps, persistence, share, log_prior = np.array(table).T
    level, echo = np.full(len(steps), log_totals[0]), np.zeros(len(steps))
    v_level, cov, v_echo = np.full(len(steps), _UNKNOWN), np.zeros(len(steps)), share.copy()
    squares, log_determinant = np.zeros((2, len(steps)))
    levels, echoes = np.empty((2, len(log_totals), len(steps)))
    for day, value in enumerate(log_totals):
        if day:
            echo = persistence * echo
            v_level, cov = v_level + steps**2, persistence * cov
            v_echo = persistence**2 * v_echo + share * (1 - persistence**2)
        to_level, to_echo = v_level + cov, cov + v_echo
        variance = to_level + to_echo + 1 - share
        missed = value - level - echo
        if day:
            squares += missed**2 / variance
            log_determinant += np.log(variance)
        level, echo = level + to_level / variance * missed, echo + to_echo / variance * missed
        v_level, cov, v_echo = (
            v_level - to_level**2 / variance,
            cov - to_level * to_echo / variance,
            v_echo - to_echo**2 / variance,
        )
        levels[day], echoes[day] = level, echo
    freedom = _PRIOR_DAYS + len(log_totals) - 1
    spread = _PRIOR_DAYS * _PRIOR_NOISE**2 + squares
    merit = log_prior - freedom / 2 * np.log(spread) - log_determinant / 2
    weights = np.exp(merit - merit.max())
    echoes *= persistence > 0
    return _Filtered(
        weights / weights.sum(),
        levels,
        echoes,
        v_level,
        cov * (persistence > 0),
        v_echo * (persistence > 0),
        np.sqrt(spread / freedom),
        steps,
        persistence,
    )


def _noise(season: Season, step: float) -> tuple[Floats, float]:
    """Give deviations from the level around each day, and how much less sure their mean is than that of logarithms.

    Notes
    -----
    The level around a day is a mean of trimmed days whose weights fall by e in 1 / step days: the smoother of a random
    walk whose daily step is that part of the noise. What the day itself adds to it is given back.
    """
    n = len(season.trimmed)
    weights = np.exp(-max(step, 1 / n) * np.abs(np.subtract.outer(np.arange(n), np.arange(n))))
    weights /= weights.sum(axis=1, keepdims=True)
    local = weights @ season.trimmed
    last = slice(max(n - _NOISE_WEEKS * WEEK, 0), None)
    noise = ((season.log_totals - local) / np.sqrt(1 - np.diag(weights)))[last]
    factors = np.exp(noise)
    plain = float(np.var((season.trimmed - local)[last])) + 1e-9
    skew = float(np.clip(factors.std() / factors.mean() / np.sqrt(plain), 1.0, _MOST_SKEW))
    return noise, skew


def _held_back(
    season: Season, totals: Floats, predicted: Floats, ends: NDArray[np.int64], days: int
) -> tuple[float, float]:
    """Compare predictions with what followed: root mean square error, and how many stretches it is worth."""
    if not len(ends):
        return float("nan"), 0.0
    actual = np.array([_stretch_level(season, totals, int(end), days) for end in ends])
    errors = actual - predicted
    age = 0.5 ** ((ends[0] - ends) / _ORIGIN_HALF_LIFE)
    most = 6 * float(np.median(np.abs(errors))) + 0.01
    error = float(np.sqrt(np.clip(errors, -most, most) ** 2 @ age / age.sum()))
    return error, float(age.sum()) * min(ORIGIN_STEP / days, 1.0)


def _mean_fading(persistence: Floats, days: int) -> Floats:
    """Give the mean part of an echo over the coming days, shape (n_candidates,)."""
    fading: Floats = (persistence[:, None] ** np.arange(1, days + 1)).mean(axis=1)
    return fading


def _day_effects(log_totals: Floats) -> Floats:
    """Give shrunken effects of the days of the week, counted from the first day, shape (7,)."""
    n = len(log_totals)
    if n < 2 * WEEK:
        return np.zeros(WEEK)
    first = max(n - _SEASON_DAYS, 0)
    weekly = np.pad(np.convolve(log_totals[first:], np.full(WEEK, 1 / WEEK), "valid"), WEEK // 2, mode="edge")
    deviations = log_totals[first:] - weekly
    weekday = (first + np.arange(n - first)) % WEEK
    means, variances, counts = np.zeros((3, WEEK))
    for day in range(WEEK):
        mine = deviations[weekday == day]
        middle = np.median(mine)
        most = 2 * MAD * float(np.median(np.abs(mine - middle))) + 1e-9
        drawn_in = np.clip(mine, middle - most, middle + most)
        means[day], variances[day], counts[day] = drawn_in.mean(), drawn_in.var(), len(mine)
    means -= means.mean()
    noise = variances.mean() / counts
    signal = max(float(np.mean(means**2 - noise)), 0.0)
    effects: Floats = means * signal / (signal + noise + 1e-12)
    return effects


def _trim(log_totals: Floats) -> Floats:
    """Draw days in to 2.5 deviations around the median of the two weeks up to them, shape (n,)."""
    padded = np.concatenate([np.full(_TRIM_DAYS - 1, np.nan), log_totals])
    windows = sliding_window_view(padded, _TRIM_DAYS)
    middle = np.nanmedian(windows, axis=1)
    spread = MAD * np.nanmedian(np.abs(windows - middle[:, None]), axis=1)
    early = min(2 * WEEK, len(log_totals)) - 1
    middle[:early], spread[:early] = middle[early], spread[early]
    most = _TRIM * np.maximum(spread, _SMALLEST_MAD)
    trimmed: Floats = np.clip(log_totals, middle - most, middle + most)
    return trimmed


def _stretch_level(season: Season, totals: Floats, first: int, days: int) -> float:
    """Give the logarithm of the level that a stretch of the history had."""
    factors = season.factors(first, days)
    return float(np.log(totals[first : first + days] @ factors / factors.sum()))
