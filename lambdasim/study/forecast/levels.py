"""What a history of daily totals says of its season, its level, and how far a level carries: the sampler's inputs.

Everything is done on the logarithm of daily totals, to which a small part of their mean and half an invocation are
added so that empty days stay finite and rare ones tame.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

Floats = NDArray[np.float64]

WEEK: Final = 7
TRIMMED_HALF_LIVES: Final = (5.0, 14.0, 28.0)
UNTRIMMED_HALF_LIVES: Final = (14.0, 28.0)
CARRIED_DAYS: Final = 28
ORIGIN_STEP: Final = 14
MOST_ORIGINS: Final = 24
_SEASON_DAYS: Final = 84
_OFFSET: Final = 0.02
_COUNT_OFFSET: Final = 0.5
_TRIM: Final = 2.0
_SMALLEST_MAD: Final = 0.02
_LOCAL_DAYS: Final = 21
_ORIGIN_HALF_LIFE: Final = 240.0
_CHOICE: Final = 3.0
_CHOICE_ORIGINS: Final = 4.0
_MAD: Final = 1.4826


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
        The same, days far from the median of the four weeks up to them drawn in to two deviations.
    local : ndarray of float64, shape (n_days,)
        Level around each day, of the trimmed days.
    """

    offset: float
    effects: Floats
    log_totals: Floats
    trimmed: Floats
    local: Floats

    def factors(self, first: int, days: int) -> Floats:
        """Give the factor of the day of the week for days from number ``first`` of the history on, shape (days,)."""
        return np.exp(self.effects[(first + np.arange(days)) % WEEK])


@dataclass(frozen=True, eq=False)
class Levels:
    """Candidates for the level from which paths begin.

    Attributes
    ----------
    log_levels : ndarray of float64, shape (n_candidates,)
        Logarithm of the daily mean, without the day of the week.
    is_trimmed : ndarray of bool, shape (n_candidates,)
    weights : ndarray of float64, shape (n_candidates,)
        How likely a path begins from each; sum 1.
    error : float
        Root mean square of the logarithm of actual over predicted total on the held-back stretches; NaN where the
        history is too short to hold any back.
    origins : float
        How many held-back stretches that is worth, overlap and age considered.
    """

    log_levels: Floats
    is_trimmed: NDArray[np.bool_]
    weights: Floats
    error: float
    origins: float


def season_of(totals: Floats) -> Season:
    """Take the days of the week off a history.

    Parameters
    ----------
    totals : ndarray of float64, shape (n_days,)
        Daily totals, at least one of them positive [invocations].

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
    width = min(_LOCAL_DAYS, len(totals) - 1 + len(totals) % 2)
    padded = np.pad(trimmed, width // 2, mode="edge")
    local = np.convolve(padded, np.full(width, 1 / width), "valid")
    return Season(offset, effects, deseasoned, trimmed, local)


def levels_of(season: Season, days: int, excess: float) -> Levels:
    """Find the candidates for the level, and weigh them by how well they would have done.

    Parameters
    ----------
    season : Season
    days : int
        Length of the stretch to forecast [days].
    excess : float
        Logarithm of the mean of trimmed noise, which a mean of logarithms leaves out.

    Notes
    -----
    Stretches of the same length are held back at origins two weeks apart. A candidate's weight falls exponentially with
    its mean absolute error there, in units of the mean error of all; with few origins the weights stay near the prior,
    half for trimmed levels, half for untrimmed ones: series with decaying bursts choose the former, recurring bursts
    around a fixed mean the latter, and shifting levels the short memories of both.
    """
    n = len(season.log_totals)
    held = n - days - ORIGIN_STEP * np.arange(MOST_ORIGINS)
    held = held[held >= CARRIED_DAYS]
    ends = np.concatenate([[n], held])
    totals = np.exp(season.log_totals)
    trimmed = [_decaying(n, ends, life) @ season.trimmed + excess for life in TRIMMED_HALF_LIVES]
    untrimmed = [np.log(_decaying(n, ends, life) @ totals) for life in UNTRIMMED_HALF_LIVES]
    untrimmed.append(np.log(_recent(n, ends, CARRIED_DAYS) @ totals))
    levels = np.array(trimmed + untrimmed)
    is_trimmed = np.arange(len(levels)) < len(trimmed)
    weights = np.where(is_trimmed, 0.5 / len(trimmed), 0.5 / len(untrimmed))
    if not len(held):
        return Levels(levels[:, 0], is_trimmed, weights, float("nan"), 0.0)
    actual = np.array([_stretch_level(season, totals, int(end), days) for end in held])
    errors = actual - levels[:, 1:]
    age = 0.5 ** ((held[0] - held) / _ORIGIN_HALF_LIFE)
    origins = float(age.sum()) * min(ORIGIN_STEP / days, 1.0)
    losses = np.abs(errors) @ age / age.sum()
    merit = np.log(weights) - _CHOICE * min(2 * origins, _CHOICE_ORIGINS) * losses / (losses.mean() + 0.02)
    weights = np.exp(merit - merit.max())
    weights /= weights.sum()
    combined = weights @ errors
    most = 6 * float(np.median(np.abs(combined))) + 0.01
    error = float(np.sqrt(np.clip(combined, -most, most) ** 2 @ age / age.sum()))
    return Levels(levels[:, 0], is_trimmed, weights, error, origins)


def weekly_changes(season: Season) -> Floats:
    """Give changes of the logarithm of trimmed weekly means from week to week, oldest first, shape (n_weeks - 1,)."""
    weeks = len(season.trimmed) // WEEK
    by_week = np.exp(season.trimmed[len(season.trimmed) - weeks * WEEK :]).reshape(weeks, WEEK)
    return np.diff(np.log(by_week.mean(axis=1)))


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
        most = 2 * _MAD * float(np.median(np.abs(mine - middle))) + 1e-9
        drawn_in = np.clip(mine, middle - most, middle + most)
        means[day], variances[day], counts[day] = drawn_in.mean(), drawn_in.var(), len(mine)
    means -= means.mean()
    noise = variances.mean() / counts
    signal = max(float(np.mean(means**2 - noise)), 0.0)
    effects: Floats = means * signal / (signal + noise + 1e-12)
    return effects


def _trim(log_totals: Floats) -> Floats:
    """Draw days in to two deviations around the median of the four weeks up to them, shape (n,)."""
    padded = np.concatenate([np.full(CARRIED_DAYS - 1, np.nan), log_totals])
    windows = sliding_window_view(padded, CARRIED_DAYS)
    middle = np.nanmedian(windows, axis=1)
    spread = _MAD * np.nanmedian(np.abs(windows - middle[:, None]), axis=1)
    early = min(2 * WEEK, len(log_totals)) - 1
    middle[:WEEK], spread[:WEEK] = middle[early], spread[early]
    most = _TRIM * np.maximum(spread, _SMALLEST_MAD)
    trimmed: Floats = np.clip(log_totals, middle - most, middle + most)
    return trimmed


def _decaying(n: int, ends: NDArray[np.int64], half_life: float) -> Floats:
    """Give the weights of an exponential mean up to each end, shape (n_ends, n)."""
    age = ends[:, None] - 1 - np.arange(n)
    weights: Floats = np.where(age >= 0, 0.5 ** (np.maximum(age, 0) / half_life), 0.0)
    normal: Floats = weights / weights.sum(axis=1, keepdims=True)
    return normal


def _recent(n: int, ends: NDArray[np.int64], days: int) -> Floats:
    """Give the weights of a plain mean of the last days up to each end, shape (n_ends, n)."""
    age = ends[:, None] - 1 - np.arange(n)
    weights = ((age >= 0) & (age < days)).astype(np.float64)
    normal: Floats = weights / weights.sum(axis=1, keepdims=True)
    return normal


def _stretch_level(season: Season, totals: Floats, first: int, days: int) -> float:
    """Give the logarithm of the level that a stretch of the history had."""
    factors = season.factors(first, days)
    return float(np.log(totals[first : first + days] @ factors / factors.sum()))
