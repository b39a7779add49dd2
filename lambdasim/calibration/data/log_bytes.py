"""What a function writes into its log by itself in a run, where its log is whole enough to say so."""

from __future__ import annotations

from collections.abc import Iterable
from functools import reduce
from operator import add
from typing import TYPE_CHECKING, Final

from lambdasim.calibration.data.runs import outcomes
from lambdasim.traffic.readers.logs.reports import SUCCESS
from lambdasim.traffic.report import OwnLines
from lambdasim.traffic.trace import Trace
from lambdasim.wording import count, number

if TYPE_CHECKING:
    import pandas as pd

_WHOLE: Final = 0.95
"""The least share of runs whose START, END and REPORT are all there, cut off at the log's ends or not."""
_METADATA_BYTES: Final = 26
"""What a call of PutLogEvents counts for each event beside its message."""


def log_bytes(
    logs: Iterable[tuple[Trace, pd.DataFrame]], function: str | None
) -> tuple[int | None, list[str]]:
    """Give what a run writes into its log by itself, and what to say of it.

    Logs that lack lines which every run writes, or whose own lines a filter may have let through alone, do not count.

    Parameters
    ----------
    logs : iterable of Trace and DataFrame
        Each log, and the runs of the function in it.
    function : str or None
        Which function, where logs have several.

    Returns
    -------
    tuple of int or None, and list of str
        [bytes]; None where no log is known to be whole, or none has lines of the function itself.
    """
    counted, partial, said = [], [], []
    for trace, frame in logs:
        lines = _of_function(trace, function)
        if lines is None or not (len(frame) and lines.starts | lines.events):
            continue
        why = _lacks(lines, frame)
        if why:
            partial.append(lines)
            said.append(f"{trace.source.name}: {why}")
        else:
            counted.append(lines)
    if not counted:
        return None, [_unknown(why, lines) for why, lines in zip(said, partial, strict=True)]
    whole = reduce(add, counted)
    runs = (whole.starts + whole.reports) / 2
    each = round(whole.bytes / runs)
    with_metadata = round((whole.bytes + _METADATA_BYTES * whole.events) / runs)
    told = (
        f"the function itself writes {each:,} bytes a run into its log, in {number(whole.events / runs)} events, by "
        f"{whole.reports:,} runs: uses.log_bytes, for which a bill has a line of CloudWatch Logs. An export made with a "
        "filter would have fewer. Messages alone are counted: were CloudWatch to bill "
        f"{_METADATA_BYTES} bytes more for each event, it would be {with_metadata:,}"
    )
    return each, [told, *(f"not counted for uses.log_bytes: {why}" for why in said)]


def _of_function(trace: Trace, function: str | None) -> OwnLines | None:
    """Give the lines of a function; None where the log does not say which of several wrote them."""
    own = trace.report().own_lines
    if len(trace.functions()) == 1:
        return reduce(add, own.values(), OwnLines())
    unnamed = own.get("")
    return None if unnamed is not None and unnamed.events else own.get(function or "")


def _lacks(lines: OwnLines, frame: pd.DataFrame) -> str:
    """Say why lines are not all that runs write; empty where they may be."""
    runs = max(lines.starts, lines.reports)
    if min(lines.starts, lines.reports) < _WHOLE * runs:
        return f"it has {count(lines.starts, 'START')} for {count(lines.reports, 'REPORT')}, so lines are missing from it"
    if lines.ends < _WHOLE * lines.of_text:
        return f"it has {count(lines.ends, 'END')} for {count(lines.starts, 'START')}, so lines are missing from it"
    if not lines.events:
        return "it has no line of the function itself, which writes none, or whose lines a filter left out"
    if lines.alarmed == lines.events:
        return (
            "each line of the function itself is an error or a warning, or has the word RequestId in it, as if a filter "
            "had left out others"
        )
    if not any(one == SUCCESS for one in outcomes(frame)):
        return "every run in it failed, and others may write more or less"
    return ""


def _unknown(why: str, lines: OwnLines) -> str:
    """Say what is not written, and what it would be if the log were whole."""
    each = round(lines.bytes / max(lines.starts, lines.reports))
    seen = f" ({each:,} bytes a run are there)" if lines.events else ""
    return (
        f"{why}{seen}: uses.log_bytes is not written, and the bill has no line of CloudWatch Logs. Set it, or give an "
        "export without a filter"
    )
