"""Signs that logs hold more than one function: what can be said of it."""

from __future__ import annotations

from itertools import combinations
from typing import TYPE_CHECKING, Final

import numpy as np

from lambdasim.calibration.data.environments import Ints
from lambdasim.traffic.readers.logs.reports import SUCCESS

if TYPE_CHECKING:
    import pandas as pd

_FEWEST: Final = 10
"""Runs that a side, and a log stream, must have to count."""
_APART: Final = 1.5
"""Factor between durations of two kinds; CPUs of one function's environments differ by some 15 %."""
_PARALLEL: Final = 0.1
"""Share of the shorter stretch of time in which both kinds must have been there."""


def mixture_notes(table: pd.DataFrame) -> list[str]:
    """Say what looks like two functions.

    A change of the memory size ends one size before the next begins, up to some runs of old environments; sizes side by
    side are two functions or two versions. One environment serves all kinds of requests, so log streams whose durations
    lie apart are two functions' environments. Where no stream is named, two groups of durations may as well be
    two kinds of requests.

    Parameters
    ----------
    table : DataFrame
        Invocations with ``timestamp_us``, ``duration_ms``, ``memory_mb``, and what else logs have.

    Returns
    -------
    list of str
    """
    runs = warm_complete(table)
    sizes = {int(size): runs[runs["memory_mb"] == size] for size in sorted(runs["memory_mb"].unique())}
    return [
        *_sizes_side_by_side(sizes),
        *(note for size, part in sizes.items() for note in _levels(size, part)),
    ]


def warm_complete(table: pd.DataFrame) -> pd.DataFrame:
    """Take the runs that were complete and met a warm environment, as far as the log says so."""
    runs = table
    if "init_ms" in runs:
        runs = runs[runs["init_ms"].isna()]
    if "start" in runs:
        runs = runs[~runs["start"].isin(["reset", "again"])]
    if "status" in runs:
        runs = runs[runs["status"].fillna(SUCCESS) == SUCCESS]
    return runs


def _sizes_side_by_side(sizes: dict[int, pd.DataFrame]) -> list[str]:
    return [
        f"runs at {one} MB and at {other} MB took turns over the same stretch of time: two functions, or two versions "
        "of one, which these logs do not tell apart; they are fitted as one function"
        for one, other in combinations(sizes, 2)
        if take_turns(sizes[one], sizes[other])
    ]


def _levels(size: int, part: pd.DataFrame) -> list[str]:
    """Compare log streams at one memory size, or the runs themselves where no stream is named."""
    named = "exec_env" in part and not part["exec_env"].isna().any()
    unit = part["exec_env"] if named else part.index.to_series()
    counts = unit.map(unit.value_counts())
    part = part[(counts >= _FEWEST) & (part["duration_ms"] > 0)] if named else part[part["duration_ms"] > 0]
    if len(part) < 2 * _FEWEST:
        return []
    level = part.groupby(unit.loc[part.index])["duration_ms"].transform("median")
    order = np.unique(level.to_numpy())
    if len(order) < 2:
        return []
    cut = int(np.argmax(order[1:] / order[:-1]))
    short, long = part[level <= order[cut]], part[level > order[cut]]
    low, high = (
        (short["duration_ms"].quantile(0.9), long["duration_ms"].quantile(0.1))
        if named
        else (short["duration_ms"].max(), long["duration_ms"].min())
    )
    if high < _APART * low or not take_turns(short, long):
        return []
    if named:
        return [
            f"at {size} MB, {short['exec_env'].nunique()} log streams have short runs, up to {low:.4g} ms, and "
            f"{long['exec_env'].nunique()} long ones, from {high:.4g} ms, at the same time: one environment serves one "
            "function, so these look like two; they are fitted as one"
        ]
    return [
        f"at {size} MB, {len(short):,} runs take up to {low:.4g} ms, {len(long):,} from {high:.4g} ms, and none between: "
        "two functions, or one with two kinds of runs, which logs without log streams do not show; they are fitted as one"
    ]


def take_turns(one: pd.DataFrame, other: pd.DataFrame) -> bool:
    """Return whether both were there in the same stretch of time, with runs enough in it."""
    return take_turns_us(*(part["timestamp_us"].to_numpy(dtype=np.int64) for part in (one, other)))


def take_turns_us(*moments_us: Ints) -> bool:
    """Tell the same of the moments of two kinds of runs [µs], arrays of shape (n,) and (m,)."""
    times = [np.sort(each) for each in moments_us]
    if min(len(each) for each in times) < _FEWEST:
        return False
    begin, end = max(each[0] for each in times), min(each[-1] for each in times)
    shorter = min(each[-1] - each[0] for each in times)
    inside = min(int(((each >= begin) & (each <= end)).sum()) for each in times)
    return bool(inside >= _FEWEST and end - begin >= _PARALLEL * shorter)
