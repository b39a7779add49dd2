"""A function that was changed while its log was written: which runs are of its newest version, size and timeout."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from lambdasim.calibration.data.environments import TIMEOUTS, Flags, Ints, version_of_stream
from lambdasim.calibration.data.mixture import take_turns, take_turns_us
from lambdasim.calibration.data.statistics import Floats
from lambdasim.errors import TraceError
from lambdasim.traffic.readers.logs.reports import SUCCESS
from lambdasim.units import from_epoch_us
from lambdasim.wording import clipped, count, listed, percent

if TYPE_CHECKING:
    import pandas as pd

ALL: Final = "all"
"""What stands for every version of a function together."""
_ENOUGH: Final = 20
"""Complete runs that the newest state needs to be fitted by itself."""
_LISTED: Final = 4
_LONGEST_NAME: Final = 32
_AT_LIMIT_MS: Final = 60.0
"""How far from whole seconds logs print runs that a timeout cut off."""
_CHANGED: Final = 1.15
_TENTHS: Final = (0.2, 0.8)
_CUTS: Final = 64


@dataclass(frozen=True)
class Newest:
    """What is fitted of a log.

    Attributes
    ----------
    table : DataFrame
        The runs.
    notes : tuple of str
        What the halves of the log are, and which is fitted.
    left_out : dict of str to int
        Reason, and how many runs were left out for it.
    """

    table: pd.DataFrame
    notes: tuple[str, ...] = ()
    left_out: tuple[tuple[str, int], ...] = ()


def newest(table: pd.DataFrame, version: str | None = None) -> Newest:
    """Take the runs of the newest version of a function under its newest timeout.

    Parameters
    ----------
    table : DataFrame
        Invocations with ``timestamp_us``, ``duration_ms``, and what else logs have.
    version : str, optional
        Which version; ``all`` takes every run. By default the newest, where the versions followed one another, each
        by itself, and 20 of its runs were complete.

    Raises
    ------
    TraceError
        When the log has no run of that version.
    """
    table = table.sort_values("timestamp_us", kind="stable").reset_index(drop=True)
    of_version = _of_version(table, version)
    if version == ALL:
        return of_version
    of_timeout = _of_timeout(of_version.table)
    return Newest(
        of_timeout.table,
        of_version.notes + of_timeout.notes,
        of_version.left_out + of_timeout.left_out,
    )


def change_notes(table: pd.DataFrame) -> list[str]:
    """Say where runs take other times from some moment on, though version and memory size stay as they are.

    Parameters
    ----------
    table : DataFrame
        Warm complete runs of one memory size.

    Notes
    -----
    Of 64 places the one counts at which the medians before and after differ most; four of five runs must lie on their
    own side of a gap of 15 %.
    """
    ordered = table.sort_values("timestamp_us", kind="stable")
    ms, at_us = ordered["duration_ms"].to_numpy(), ordered["timestamp_us"].to_numpy(dtype=np.int64)
    if len(ms) < 2 * _ENOUGH or at_us[0] < 0 or at_us[0] == at_us[-1] or ms.min() <= 0:
        return []
    places = np.unique(np.linspace(_ENOUGH, len(ms) - _ENOUGH, _CUTS).astype(int))
    apart = [abs(np.log(np.median(ms[place:]) / np.median(ms[:place]))) for place in places]
    place = int(places[int(np.argmax(apart))])
    before, after = ms[:place], ms[place:]
    short, long = sorted((before, after), key=lambda part: float(np.median(part)))
    if np.quantile(long, _TENTHS[0]) < _CHANGED * np.quantile(short, _TENTHS[1]):
        return []
    return [
        f"run times change at about {_moment(int(at_us[place]))}: {count(len(before), 'warm run')} before, median "
        f"{np.median(before):.4g} ms, and {len(after):,} after, median {np.median(after):.4g} ms. "
        "Both are fitted as one: cut the log there if only the later state matters"
    ]


def _versions(table: pd.DataFrame) -> list[str]:
    """Give the version of each run, by its START or its log stream; those without take that of the run before."""
    named = table["version"].tolist() if "version" in table else [None] * len(table)
    streams = table["exec_env"].tolist() if "exec_env" in table else named
    known = [
        version if isinstance(version, str) and version else version_of_stream(str(stream))
        for version, stream in zip(named, streams, strict=True)
    ]
    last = next((name for name in known if name), "")
    found = []
    for name in known:
        last = name or last
        found.append(last)
    return found


def _of_version(table: pd.DataFrame, version: str | None) -> Newest:
    import pandas as pd

    versions = _versions(table)
    groups = (
        {} if versions is None else {str(name): part for name, part in table.groupby(versions, sort=False)}
    )
    if version not in (None, ALL):
        return _asked(groups, version)
    if len(groups) < 2:
        return Newest(table)
    shown = listed(
        [f"{clipped(name, _LONGEST_NAME)} ({_told(part)})" for name, part in list(groups.items())[-_LISTED:]]
    )
    told = f"the log has {len(groups)} versions of the function: {shown}"
    if version == ALL:
        return Newest(table, (f"{told}; they are fitted as one, as asked for",))
    last = max(groups, key=lambda name: int(groups[name]["timestamp_us"].min()))
    rest = pd.concat([part for name, part in groups.items() if name != last])
    if (table["timestamp_us"] < 0).all():
        return Newest(
            table, (f"{told}; without times it does not say which is the newest: they are fitted as one",)
        )
    if take_turns(rest, groups[last]):
        return Newest(table, (f"{told}; they took turns, so they are fitted as one",))
    return _kept(
        table, groups[last], told, f"the newest, {clipped(last, _LONGEST_NAME)},", "of older versions"
    )


def _asked(groups: dict[str, pd.DataFrame], version: str | None) -> Newest:
    if version not in groups:
        known = listed([clipped(name, _LONGEST_NAME) for name in list(groups)[:_LISTED]]) or "no version"
        raise TraceError.single(
            "calibration", "version", f"must be one of the log's or all; it has {known}, got {version!r:.40}"
        )
    rest = sum(len(part) for part in groups.values()) - len(groups[version])
    return Newest(groups[version], (), (("runs of other versions", rest),) if rest else ())


def _of_timeout(table: pd.DataFrame) -> Newest:
    """Take the runs since the timeout was changed, where runs were cut off at one limit first and then at another."""
    if "status" not in table or (table["timestamp_us"] < 0).any():
        return Newest(table)
    ms = table["duration_ms"].to_numpy(dtype=np.float64)
    late, limit_s = table["status"].isin(TIMEOUTS).to_numpy(), np.rint(ms / 1000)
    cut = late & (np.abs(ms - 1000 * limit_s) <= _AT_LIMIT_MS) & (limit_s >= 1)
    places = np.flatnonzero(cut)
    limits = limit_s[places]
    if not len(limits):
        return Newest(table)
    if len(np.unique(limits)) == 1:
        longer = np.flatnonzero(~late & (ms > 1000 * limits[0] + _AT_LIMIT_MS))
        return _of_one_limit(table, places, longer, float(limits[0])) if len(longer) else Newest(table)
    last = float(limits[-1])
    older = places[limits != last]
    first = int(places[limits == last][0])
    if older[-1] > first:
        return Newest(table, (_several_limits(limits),))
    beyond = np.flatnonzero(~late[:first] & (ms[:first] > 1000 * last + _AT_LIMIT_MS))
    begin = int(max(older[-1], beyond[-1] if len(beyond) else -1)) + 1
    return _since(table, begin, f"changed to {last:.0f} s")


def _of_one_limit(table: pd.DataFrame, cut: Ints, longer: Ints, limit_s: float) -> Newest:
    """Take the runs since the timeout was raised from the one limit that is seen, or lowered to it."""
    if longer[0] > cut[-1]:
        return _since(table, int(cut[-1]) + 1, f"raised from {limit_s:.0f} s")
    if longer[-1] < cut[0]:
        return _since(table, int(longer[-1]) + 1, f"lowered to {limit_s:.0f} s")
    told = f"runs were cut off at {limit_s:.0f} s while others took longer"
    return Newest(table, (f"{told}: two functions, or two versions of one, fitted as one",))


def _since(table: pd.DataFrame, begin: int, changed: str) -> Newest:
    told = (
        f"the timeout was {changed} by {_moment(int(table['timestamp_us'].iloc[begin]))}: "
        f"before it {_told(table.iloc[:begin])}; after it {_told(table.iloc[begin:])}"
    )
    return _kept(table, table.iloc[begin:], told, "the later part", "under another timeout")


def _several_limits(limits: Floats) -> str:
    shown = listed([f"{one:.0f}" for one in np.unique(limits)], last=" and ")
    return f"runs were cut off at {shown} s by turns: two functions, or two versions of one, fitted as one"


def _kept(table: pd.DataFrame, part: pd.DataFrame, told: str, name: str, rest: str) -> Newest:
    """Keep a part where it has runs enough."""
    complete = int(_complete(part).sum())
    if complete < _ENOUGH:
        return Newest(
            table, (f"{told}; {name} has only {count(complete, 'complete run')}, so all are fitted as one",)
        )
    kept = f"{told}; {name} is fitted, and the rest is left out (version all fits every run)"
    return Newest(part, (kept,), ((f"runs {rest}", len(table) - len(part)),))


def _told(part: pd.DataFrame) -> str:
    """Say how many runs there are, what they take, and how many of them timed out."""
    complete = part[_complete(part)]
    words = [count(len(part), "run")]
    if len(complete):
        words.append(f"median {complete['duration_ms'].median():.4g} ms")
    if "status" in part and (late := float(part["status"].isin(TIMEOUTS).mean())):
        words.append(f"{percent(late, 1)} timed out")
    return ", ".join(words)


def _complete(part: pd.DataFrame) -> Any:
    return (
        part["status"].fillna(SUCCESS) if "status" in part else part["duration_ms"].map(lambda _: SUCCESS)
    ) == SUCCESS


def _moment(at_us: int) -> str:
    return f"{from_epoch_us(at_us):%Y-%m-%d %H:%M:%S} UTC"


def follow_one_another(memory_mb: Ints, arrival_us: Ints, complete: Flags) -> int | None:
    """Give the memory size that a function was set to last, where its sizes followed one another [MB].

    Parameters
    ----------
    memory_mb, arrival_us : ndarray of int64, shape (n,)
    complete : ndarray of bool, shape (n,)

    Returns
    -------
    int or None
        None where there is one size, where sizes took turns, or where fewer than 20 runs at the last one were complete.
    """
    if len(np.unique(memory_mb)) < 2 or (arrival_us < 0).any():
        return None
    last = int(memory_mb[int(np.argmax(arrival_us))])
    here = memory_mb == last
    if int((here & complete).sum()) < _ENOUGH or take_turns_us(arrival_us[~here], arrival_us[here]):
        return None
    return last
