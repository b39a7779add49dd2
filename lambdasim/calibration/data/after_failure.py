"""What a log shows of environments after a crash, a timeout or running out of memory."""

from __future__ import annotations

from heapq import heappop, heappush
from typing import Final

import numpy as np
from numpy.typing import NDArray

from lambdasim.calibration.data.environments import Flags, Ints
from lambdasim.calibration.data.statistics import Floats
from lambdasim.specs.platform import AfterFailure
from lambdasim.units import US_PER_MS

_UNSURE_US: Final = 2 * US_PER_MS
_FEWEST: Final = 3
_HARDLY: Final = 0.1
_MOSTLY: Final = 0.8
_LEAST_MS: Final = 5.0


def served_by(arrival_us: Ints, end_us: Ints, cold: Flags) -> Ints:
    """Suppose which environment served each run, where the log does not name it: the most recently used idle one.

    Parameters
    ----------
    arrival_us, end_us : ndarray of int64, shape (n,)
        In order of arrival.
    cold : ndarray of bool, shape (n,)
        Runs that met a new environment.

    Returns
    -------
    ndarray of int64, shape (n,)

    Examples
    --------
    >>> begin, end = np.array([0, 5, 20, 30]) * 10**6, np.array([10, 7, 21, 31]) * 10**6
    >>> served_by(begin, end, np.array([True, True, False, True])).tolist()
    [0, 1, 0, 2]
    """
    busy: list[tuple[int, int]] = []
    idle: list[int] = []
    found = np.zeros(len(arrival_us), dtype=np.int64)
    made = 0
    for place, (at_us, until_us, new) in enumerate(
        zip(arrival_us.tolist(), end_us.tolist(), cold.tolist(), strict=True)
    ):
        while busy and busy[0][0] <= at_us + _UNSURE_US:
            idle.append(heappop(busy)[1])
        if new or not idle:
            found[place], made = made, made + 1
        else:
            found[place] = idle.pop()
        heappush(busy, (until_us, int(found[place])))
    return found


def follows(broken: Flags, environment: NDArray[np.object_] | Ints) -> Flags:
    """Find the runs whose environment's run before was broken off, shape (n,).

    Parameters
    ----------
    broken : ndarray of bool, shape (n,)
        In order of arrival.
    environment : ndarray, shape (n,)

    Examples
    --------
    >>> follows(np.array([True, False, False, False]), np.array([0, 1, 0, 1])).tolist()
    [False, False, True, False]
    """
    order = np.argsort(np.unique(environment.astype(str), return_inverse=True)[1], kind="stable")
    names = environment[order]
    after = np.zeros(len(broken), dtype=np.bool_)
    after[order[1:]] = broken[order[:-1]] & (names[1:] == names[:-1])
    return after


def after_failure(
    work_ms: Floats,
    init_ms: Floats,
    complete: Flags,
    broken: Flags,
    cold: Flags,
    logged: Flags,
    following: Flags,
) -> AfterFailure:
    """Find from a log what becomes of environments after a failure.

    Parameters
    ----------
    work_ms : ndarray, shape (n,)
        In order of arrival [ms].
    init_ms : ndarray, shape (n,)
        INIT or restore; NaN where there was none [ms].
    complete, broken, cold, logged, following : ndarray of bool, shape (n,)
        Whether a run was complete; crashed, timed out or ran out of memory; met a new environment; is logged as one in
        which INIT ran again; and follows one that was broken off, on the same environment.

    Returns
    -------
    AfterFailure
        As AWS documents, INIT inside the next run, unless the log says otherwise. *Replaced* where three or more broken
        runs have hardly any that follows, and cold starts instead. *Kept* where complete runs that follow take no longer
        than others: by half of the median INIT, where it is known; else where four of five pairs do not show it. Kept
        as well where all complete runs follow failures, and are shorter than INIT; or none does, and INIT is not known.
    """
    failures = int(broken[:-1].sum())
    if logged.any() or not failures:
        return AfterFailure.INIT_INSIDE
    replaced = int(following.sum()) <= _HARDLY * failures and int(cold[1:].sum()) >= failures / 2
    if failures >= _FEWEST and replaced and cold.mean() < 1 - _HARDLY:
        return AfterFailure.REPLACED
    warm = complete & ~cold
    after, others = work_ms[warm & following], work_ms[warm & ~following]
    known_ms = init_ms[~np.isnan(init_ms)]
    if not len(after):
        unseen = following.any() and not len(known_ms)
        return AfterFailure.KEPT if unseen else AfterFailure.INIT_INSIDE
    if not len(others):
        holds = len(known_ms) > 0 and float(np.median(after)) >= float(np.median(known_ms))
        return AfterFailure.INIT_INSIDE if holds else AfterFailure.KEPT
    extra_ms = float(np.median(after) - np.median(others))
    if len(known_ms):
        longer = extra_ms > float(np.median(known_ms)) / 2
    else:
        above = float(np.searchsorted(np.sort(others), after).mean()) / len(others)
        longer = above >= _MOSTLY and extra_ms > max(_LEAST_MS, _HARDLY * float(np.median(others)))
    return AfterFailure.INIT_INSIDE if longer else AfterFailure.KEPT
