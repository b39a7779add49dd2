"""What the figures of a table say against it: units that cannot be, and rows that look chosen."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from lambdasim.calibration.data.statistics import Floats
from lambdasim.errors import TraceError
from lambdasim.units import US_PER_S
from lambdasim.wording import count, number

if TYPE_CHECKING:
    import pandas as pd

_SHORTEST_MS: Final = 0.3
"""No run of Lambda is reported shorter, as a rule."""
_THOUSAND: Final = (990.0, 1150.0)
"""How many times as long billed times are, with what they are rounded up by, as durations in seconds."""
_EDGES: Final = (1, 1.5, 2, 2.5, 3, 5)
_FEWEST: Final = 50
_FEWEST_COLD: Final = 20
_NEAR: Final = 1.05
_WIDE: Final = 1.15
_OFTEN: Final = 0.02
_SOON_US: Final = 1800 * US_PER_S
_UNLIKE: Final = 0.005


def refuse_units(table: pd.DataFrame, function: str) -> list[str]:
    """Make sure that durations are milliseconds, as far as figures show.

    Parameters
    ----------
    table : DataFrame
        Columns as of a ``Trace``, each row with a duration.
    function : str

    Returns
    -------
    list of str
        What is supposed of them where nothing else in the table shows it.

    Raises
    ------
    TraceError
        When they are shorter than any run of Lambda, or they or INIT a thousandth of what was billed.
    """
    if "start" in table:
        return []
    durations = _floats(table, "duration_ms")
    billed = _floats(table, "billed_ms")
    both = ~np.isnan(billed) & (durations > 0) & (billed > 0)
    middle = float(np.median(durations))
    if both.any():
        alike = np.quantile(billed[both] / durations[both], (0.1, 0.5, 0.9))
        if _THOUSAND[0] < alike[0] and alike[2] < _THOUSAND[1]:
            wrong = f"must be in milliseconds; what was billed is {number(float(alike[1]))} times as long: seconds?"
            raise TraceError.single(function, "duration_ms", wrong)
        _refuse_init_in_seconds(billed - durations, _floats(table, "init_ms"), function)
        return []
    if float(np.quantile(durations, 0.95)) < _SHORTEST_MS:
        wrong = f"must be in milliseconds; the median is {number(middle)}, shorter than runs of Lambda are: seconds?"
        raise TraceError.single(function, "duration_ms", wrong)
    return [
        f"durations are taken as milliseconds, median {number(middle)}: the file has no billed time to hold them against"
    ]


def _refuse_init_in_seconds(beyond_ms: Floats, init: Floats, function: str) -> None:
    """Make sure that INIT is no thousandth of what was billed beyond durations."""
    started = (init > 0) & (beyond_ms > 0)
    if not started.any():
        return
    alike = np.quantile(beyond_ms[started] / init[started], (0.1, 0.5, 0.9))
    if _THOUSAND[0] < alike[0] and alike[2] < _THOUSAND[1]:
        wrong = f"must be in milliseconds; what was billed for it is {number(float(alike[1]))} times as long: seconds?"
        raise TraceError.single(function, "init_ms", wrong)


def selection_notes(table: pd.DataFrame) -> list[str]:
    """Say where rows look chosen by their duration or by their start, so that others are missing.

    Parameters
    ----------
    table : DataFrame
        Columns as of a ``Trace``, each row with a duration, in any order.
    """
    return [*_cut_below(_floats(table, "duration_ms")), *_only_cold(table)]


def _cut_below(durations: Floats) -> list[str]:
    """Find a round bound right above which runs begin in numbers, although they differ widely."""
    if len(durations) < _FEWEST or not (least := float(durations.min())) > 0:
        return []
    step = 10.0 ** np.floor(np.log10(least))
    bounds = [edge * step for edge in _EDGES if edge * step <= least]
    bound = float(bounds[-1])
    near = int((durations <= _NEAR * bound).sum())
    if bound < 10 or near < max(3, _OFTEN * len(durations)) or float(np.median(durations)) < _WIDE * bound:
        return []
    return [
        f"no run is shorter than {number(bound)} ms, and {count(near, 'run')} hardly longer: if the export has only runs "
        "above that, the function usually takes less, and its bill is another"
    ]


def _only_cold(table: pd.DataFrame) -> list[str]:
    """Find tables of nothing but cold starts that followed each other sooner than environments end."""
    if len(table) < _FEWEST_COLD or "start" in table or np.isnan(_floats(table, "init_ms")).any():
        return []
    apart_us = np.diff(np.sort(table["timestamp_us"].to_numpy(dtype=np.int64)))
    if not 0 < float(np.median(apart_us)) < _SOON_US:
        return []
    return [
        "every run is a cold start, although they follow each other soon: if the export has cold starts only, most runs "
        "and what they cost are missing"
    ]


def billing_notes(table: pd.DataFrame) -> list[str]:
    """Say what was billed as printed where today's rule bills another time.

    Parameters
    ----------
    table : DataFrame
        Columns as of a ``Trace``, each row with a duration.

    References
    ----------
    AWS Lambda pricing: whole milliseconds since December 2020, before in steps of 100 ms; INIT of zip functions is billed
    since August 2025.
    """
    durations, billed, init = (_floats(table, name) for name in ("duration_ms", "billed_ms", "init_ms"))
    known = ~np.isnan(billed)
    restored = "restore_ms" in table and bool(table["restore_ms"].notna().any())
    if restored or not known.any():
        return []
    today = np.ceil(np.round(durations + np.nan_to_num(init), 6))[known].sum()
    printed = billed[known].sum()
    if abs(printed - today) <= _UNLIKE * today:
        return []
    return [
        f"the file prints {printed:,.0f} ms as billed, and today's rule bills {today:,.0f} ms for the same runs (whole "
        "milliseconds, with INIT): log and twin are billed by today's"
    ]


def _floats(table: pd.DataFrame, name: str) -> Floats:
    if name not in table:
        return np.full(len(table), np.nan)
    return np.asarray(table[name].astype("float64").to_numpy(na_value=np.nan), dtype=np.float64)
