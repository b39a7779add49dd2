"""A scenario moved to a month, and what the histories of its functions say of the month's daily totals."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from lambdasim.billing.usage import is_month
from lambdasim.errors import InputError
from lambdasim.specs.base import revised
from lambdasim.specs.function import FunctionSpec
from lambdasim.specs.scenario import ScenarioSpec
from lambdasim.study.forecast.history import DailyHistory, daily_histories
from lambdasim.study.forecast.sampler import DailyPaths, sample_paths
from lambdasim.traffic.opening import open_trace
from lambdasim.traffic.trace import Trace
from lambdasim.units import US_PER_DAY, to_epoch_us
from lambdasim.wording import count, listed

History = Trace | Mapping[str, Trace]
LONGEST_GAP_DAYS: Final = 62
SHARED_DRIFT: Final = 0.5
_FIRST_YEAR: Final = 2000
_LAST_YEAR: Final = 2199
"""Of moments that a trace may have; rates are known for fewer."""


@dataclass(frozen=True, eq=False)
class MonthTraffic:
    """Sample paths of a month's daily totals.

    Attributes
    ----------
    first_day : date
    n_days : int
    known_days : int
        Days of the month that every history has already seen.
    histories : dict of str to DailyHistory
        By function, functions of the scenario only.
    totals : dict of str to ndarray of float64, shape (n_paths, n_days)
        By function; known days are the same on every path [invocations].
    paths : dict of str to DailyPaths
        What was sampled, where the month was not over.
    """

    first_day: date
    n_days: int
    known_days: int
    histories: dict[str, DailyHistory]
    totals: dict[str, NDArray[np.float64]]
    paths: dict[str, DailyPaths]


def month_of(month: str) -> tuple[date, int]:
    """Give a month's first day and its number of days.

    Raises
    ------
    InputError
        When the text is no month.

    Examples
    --------
    >>> month_of("2026-12")
    (datetime.date(2026, 12, 1), 31)
    """
    if not is_month(month):
        raise InputError.single(
            "forecast", "month", f"must be a month such as 2026-12, got {repr(month)[:40]}"
        )
    first = date.fromisoformat(f"{month}-01")
    if not _FIRST_YEAR <= first.year <= _LAST_YEAR:
        raise InputError.single(
            "forecast", "month", f"must be in the years {_FIRST_YEAR} to {_LAST_YEAR}, got {month}"
        )
    return first, ((first + timedelta(days=31)).replace(day=1) - first).days


def month_traffic(
    scenario: ScenarioSpec, month: str, history: History | None, *, paths: int, move: bool
) -> MonthTraffic:
    """Sample the daily totals of a month; see ``forecast`` for the arguments.

    Raises
    ------
    InputError
        When no function has a history, one is too short, or one ends too long before the month.
    """
    first_day, n_days = month_of(month)
    histories = histories_of(scenario, history)
    if move:
        histories = {name: past.moved_to(first_day) for name, past in histories.items()}
    end_day = first_day + timedelta(days=n_days)
    histories = {name: past.until(end_day) for name, past in histories.items()}
    shared = SHARED_DRIFT if len(histories) > 1 else 0.0
    totals: dict[str, NDArray[np.float64]] = {}
    sampled: dict[str, DailyPaths] = {}
    known = n_days
    for name, past in histories.items():
        gap = (first_day - past.end_day).days
        if gap > LONGEST_GAP_DAYS or len(past.totals) == 0:
            raise InputError.single(
                "forecast",
                f"history of {name[:40]}",
                f"must reach to {LONGEST_GAP_DAYS} days before {first_day}, it covers {past.first_day} to "
                f"{past.end_day - timedelta(days=1)}; move it by whole weeks (move_history) if it stands for the present",
            )
        seen = max(-gap, 0)
        known = min(known, seen)
        known_totals = past.totals[len(past.totals) - seen :] if seen else np.zeros(0)
        ahead = (end_day - past.end_day).days
        table = np.tile(known_totals, (paths, 1))
        if ahead:
            sampled[name] = sample_paths(
                past.totals, ahead, paths=paths, seed=scenario.seed, owner=name, shared=shared
            )
            table = np.hstack([table, sampled[name].totals[:, max(gap, 0) :]])
        totals[name] = table
    return MonthTraffic(first_day, n_days, known, histories, totals, sampled)


def month_scenario(scenario: ScenarioSpec, first_day: date, n_days: int) -> ScenarioSpec:
    """Move a scenario to a month; what it plans for given moments stays at those moments.

    Notes
    -----
    A spike that is over is left out, a ramp that is over has become part of the scale, and provisioned concurrency that
    was asked for earlier is there from the beginning.
    """
    start = datetime(first_day.year, first_day.month, first_day.day, tzinfo=UTC)
    later_us = to_epoch_us(start) - to_epoch_us(scenario.start)
    functions = (
        scenario.functions if later_us == 0 else tuple(_moved(f, later_us) for f in scenario.functions)
    )
    changes = {"start": start, "duration_us": n_days * US_PER_DAY, "functions": functions}
    return revised(scenario, changes)


def histories_of(scenario: ScenarioSpec, history: History | None) -> dict[str, DailyHistory]:
    """Find a history for as many functions as there are.

    Parameters
    ----------
    scenario : ScenarioSpec
    history : Trace, or mapping of str to Trace, or None
        As for ``forecast``.

    Returns
    -------
    dict of str to DailyHistory

    Raises
    ------
    InputError
        When no function has a history, or it cannot be said whose one is.
    """
    names = [function.name for function in scenario.functions]
    found: dict[str, DailyHistory] = {}
    if history is None:
        for function in scenario.functions:
            if function.traffic.trace is not None:
                trace = open_trace(scenario.base_dir, function.name, function.traffic)
                found[function.name] = _only(daily_histories(trace), function.name)
    elif isinstance(history, Trace):
        read = daily_histories(history)
        found = {name: read[name] for name in names if name in read}
        if not found and len(names) == 1:
            found = {names[0]: _only(read, names[0])}
        elif found:
            found = _with_left_out(found, read)
    elif not isinstance(history, Mapping) or not all(isinstance(one, Trace) for one in history.values()):
        raise InputError.single(
            "forecast",
            "history",
            f"must be a trace as a reader returns, or a mapping from functions to traces, got {history!r:.60}",
        )
    else:
        unknown = sorted(set(map(str, history)) - set(names))
        if unknown:
            raise InputError.single(
                "forecast", "history", f"has no function of the scenario: {', '.join(unknown)[:80]}"
            )
        found = {name: _only(daily_histories(trace), name) for name, trace in history.items()}
    if not found:
        raise InputError.single(
            "forecast",
            "history",
            f"must have a function named as in the scenario ({', '.join(names)[:80]}), or the scenario a trace",
        )
    return found


def _with_left_out(
    found: dict[str, DailyHistory], read: Mapping[str, DailyHistory]
) -> dict[str, DailyHistory]:
    """Note what a trace has of functions that the scenario has not."""
    others = sorted(set(read) - set(found))
    if not others:
        return found
    events = count(sum(float(read[name].totals.sum()) for name in others), "event")
    told = f"not in the scenario, and left out: {listed(others, 8)} with {events}"
    first = next(iter(found))
    return found | {first: replace(found[first], warnings=(*found[first].warnings, told))}


def _only(read: Mapping[str, DailyHistory], name: str) -> DailyHistory:
    if name in read:
        return read[name]
    if len(read) > 1:
        raise InputError.single(
            "forecast",
            f"history of {name[:40]}",
            f"must have one function, got {', '.join(sorted(read))[:80]}",
        )
    return next(iter(read.values()))


def _moved(function: FunctionSpec, later_us: int) -> FunctionSpec:
    """Count a function's moments from a later start."""
    traffic = function.traffic
    scale = traffic.scale
    ramps: list[Any] = []
    for overlay in traffic.ramps:
        if overlay.at_us + overlay.duration_us <= later_us:
            scale *= overlay.factor
        elif overlay.at_us >= later_us:
            ramps.append(revised(overlay, {"at_us": overlay.at_us - later_us}))
        else:
            raise InputError.single(
                "forecast", f"ramp of {function.name[:40]}", "must not lie across the month's beginning"
            )
    spikes = [
        revised(
            o,
            {
                "at_us": max(o.at_us - later_us, 0),
                "duration_us": min(o.duration_us, o.at_us + o.duration_us - later_us),
            },
        )
        for o in traffic.spikes
        if o.at_us + o.duration_us > later_us
    ]
    changes: dict[str, Any] = {"scale": scale, "ramps": tuple(ramps), "spikes": tuple(spikes)}
    if traffic.start_us:
        changes["start_us"] = max(traffic.start_us - later_us, 0)
    if traffic.stop_us is not None:
        changes["stop_us"] = max(traffic.stop_us - later_us, changes.get("start_us", 0) + 1)
    at_moments = [step for step in function.provisioned_concurrency if step.at_us is not None]
    past = [step for step in at_moments if step.at_us is not None and step.at_us <= later_us]
    steps = [revised(past[-1], {"at_us": 0})] if past else []
    for step in function.provisioned_concurrency:
        if step.at_us is None:
            steps.append(step)
        elif step.at_us > later_us:
            steps.append(revised(step, {"at_us": step.at_us - later_us}))
    return revised(function, {"traffic": revised(traffic, changes), "provisioned_concurrency": tuple(steps)})
