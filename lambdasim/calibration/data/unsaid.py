"""What a table of runs does not say, and its figures show: timeouts by durations, starts by what was billed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from lambdasim.calibration.data.runs import outcomes, taken_for_errors
from lambdasim.traffic.readers.logs.reports import SUCCESS
from lambdasim.units import US_PER_MS, US_PER_S
from lambdasim.wording import clipped, count, listed, number

if TYPE_CHECKING:
    import pandas as pd

_WHOLE_MS: Final = US_PER_S / US_PER_MS
"""Timeouts are whole seconds."""
_BEYOND_MS: Final = 5.0
"""What rounding of one kind or another may bill beyond a duration."""
_OLD_STEP_MS: Final = 100
"""Until December 2020 Lambda billed in such steps."""
_FEWEST_ALIKE: Final = 3


def with_unsaid(table: pd.DataFrame) -> tuple[pd.DataFrame, list[str]]:
    """Complete the runs of a table by what their figures show.

    Parameters
    ----------
    table : DataFrame
        Columns as of a ``Trace``, each row with a duration.

    Returns
    -------
    tuple of DataFrame and list of str
        The table, with ``unsaid`` where no run says how it ended, and what was taken from figures alone.
    """
    words = taken_for_errors(table)
    if "status" in table and table["status"].notna().any():
        table = table.assign(status=outcomes(table))
    if "init_ms" in table and "start" not in table:
        init_ms = table["init_ms"].astype("float64")
        table = table.assign(init_ms=init_ms.where(init_ms > 0))  # as tables write that there was none
    table, starts = _with_starts(table)
    table, ends = _with_timeouts(table)
    told = listed((f"{clipped(word, 40)!r} ({runs:,})" for word, runs in words.items()), most=8)
    odd = [f"status {told} is not known, and taken for function errors"] if words else []
    return table, [*odd, *starts, *ends]


def _with_timeouts(table: pd.DataFrame) -> tuple[pd.DataFrame, list[str]]:
    """Take the longest runs for timeouts where no run says how it ended, and those took the same whole seconds.

    Among durations to the hundredth of a millisecond one such run is no chance; among whole milliseconds several are
    none.
    """
    if "start" in table or ("status" in table and table["status"].notna().any()):
        return table, []
    unknown = "the file does not say how runs ended: errors, crashes and runs out of memory are not known"
    durations = table["duration_ms"].astype("float64").to_numpy()
    table = table.assign(unsaid=True)
    longest = float(durations.max())
    cut = durations == longest
    fine = bool((durations % 1 != 0).any())
    if longest % _WHOLE_MS or longest == 0 or cut.all() or cut.sum() < (1 if fine else _FEWEST_ALIKE):
        return table, [f"{unknown}, nor whether the timeout cut runs off"]
    told = count(int(cut.sum()), "run")
    return table.assign(status=np.where(cut, "timeout", SUCCESS)), [
        f"{unknown}; {told} of exactly {number(longest / _WHOLE_MS)} s, which none exceeds, "
        f"{'is' if cut.sum() == 1 else 'are'} taken to be cut off by a timeout of that length"
    ]


def _with_starts(table: pd.DataFrame) -> tuple[pd.DataFrame, list[str]]:
    """Take what runs were billed beyond their duration for INIT, where a table has INIT of none."""
    if "start" in table or ("init_ms" in table and table["init_ms"].notna().any()):
        return table, []
    if "billed_ms" not in table or not table["billed_ms"].notna().any():
        silent = "the file has neither INIT nor billed time: cold starts, and what they cost, are not known"
        return table, [] if "init_ms" in table else [silent]
    billed = table["billed_ms"].astype("float64").to_numpy()
    known = ~np.isnan(billed)
    if not known.any() or not (billed[known] % _OLD_STEP_MS).any():
        return table, []
    durations = table["duration_ms"].astype("float64").to_numpy()
    beyond = known & (billed - np.ceil(np.round(durations, 6)) > _BEYOND_MS)
    if not beyond.any():
        return table, []
    # The sum was rounded up: half a millisecond less is the middle of what it may have been.
    completed = table.assign(init_ms=np.where(beyond, billed - durations - 0.5, np.nan))
    runs = count(int(beyond.sum()), "run is", "runs are")
    whose = "it" if beyond.sum() == 1 else "they"
    share = number(float((billed - durations)[beyond].mean()))
    return completed, [
        f"{runs} billed for longer than {whose} took, by {share} ms on average, and the file has no INIT for that: taken "
        "to be INIT of a cold start. Where they are restores of SnapStart, only the billed part is known"
    ]
