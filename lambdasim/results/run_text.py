"""A run as a terminal shows it: 80 columns."""

from __future__ import annotations

from math import isnan
from typing import TYPE_CHECKING, Final

from lambdasim.results.failures import CUT_ANSWERS, RUN_FAILURES
from lambdasim.units import US_PER_S, format_duration
from lambdasim.wording import clipped, count, number, percent, two_digits, wrapped

if TYPE_CHECKING:
    import pandas as pd

MOST_ROWS: Final = 25
"""Rows of a table that is shown whole."""
TOP_ROWS: Final = 20
"""Rows that are shown of a longer one."""
_MOST_NAMED: Final = 24


def largest(table: pd.DataFrame, by: str) -> pd.DataFrame:
    """Return a table as it is; of a long one the rows with the greatest values of a column, these first.

    Parameters
    ----------
    table : DataFrame
    by : str
    """
    if len(table) <= MOST_ROWS:
        return table
    return table.iloc[table[by].reset_index(drop=True).nlargest(TOP_ROWS).index]


def rest_text(table: pd.DataFrame, shown: pd.DataFrame, by: str) -> str:
    """Say how many rows are not shown, and what they have together; nothing where all are.

    Parameters
    ----------
    table, shown : DataFrame
    by : str
        Column that is added up.
    """
    more = len(table) - len(shown)
    if not more:
        return ""
    rest = table[by].sum() - shown[by].sum()
    return f"\nand {count(more, 'row')} more with {count(rest)} {by.replace('_', ' ')}; --json has all"


def summary_text(table: pd.DataFrame) -> str:
    """Write one line for each function, and the interval of p95 where there is one.

    Parameters
    ----------
    table : DataFrame
        As ``RunResult.summary`` gives it.

    Returns
    -------
    str
    """
    whole, table = table, largest(table, "events")
    shown = table[
        ["function", "events", "throttled", "failed", "lost", "cold_share", "p50_ms", "p95_ms", "p99_ms"]
    ].copy()
    shown["function"] = [clipped(name, 20) for name in shown["function"]]
    shown["cold_share"] = [percent(share) for share in table["cold_share"]]
    for name in ("events", "throttled", "failed", "lost", "p50_ms", "p95_ms", "p99_ms"):
        shown[name] = [count(value) for value in table[name]]
    import pandas as pd

    text = shown.rename(columns={"cold_share": "cold"}).to_string(index=False)
    text += rest_text(whole, table, "events")
    kinds = [name for name in (*RUN_FAILURES, CUT_ANSWERS) if (table[name] > 0).any()]
    if not kinds:
        return text
    failing = table[(table[kinds] > 0).any(axis=1)]
    by_kind = {name.replace("_", " "): [count(value) for value in failing[name]] for name in kinds}
    rows = pd.DataFrame({"what fails": [clipped(name, 20) for name in failing["function"]], **by_kind})
    return f"{text}\n\n{rows.to_string(index=False)}"


def section_intervals(table: pd.DataFrame) -> str:
    """Write the interval of each function's p95 from batch means; nothing where there is none.

    Parameters
    ----------
    table : DataFrame
        As ``RunResult.summary`` gives it.

    Returns
    -------
    str
    """
    table = largest(table, "events")
    widths = zip(table["function"], table["p95_half_width_ms"], strict=True)
    shown = [f"{clipped(name, 24)} ± {two_digits(width)} ms" for name, width in widths if not isnan(width)]
    return wrapped(f"95% interval of p95 from batch means of this run: {', '.join(shown)}") if shown else ""


def replicated_text(intervals: pd.DataFrame) -> str:
    """Write intervals from replications.

    Parameters
    ----------
    intervals : DataFrame
        As ``replicate`` gives it.

    Returns
    -------
    str
    """
    shown = intervals.map(number).to_string()
    return f"95% intervals from {int(intervals['replications'].iloc[0])} replications\n{shown}"


def throttles_text(table: pd.DataFrame) -> str:
    """Write refused attempts by function and limit.

    Parameters
    ----------
    table : DataFrame
        As ``RunResult.throttles`` gives it, not empty.

    Returns
    -------
    str
    """
    top = largest(table, "attempts")
    shown = top.assign(attempts=[count(attempts) for attempts in top["attempts"]])
    text = shown.rename(columns={"attempts": "refused attempts"}).to_string(index=False)
    return text + rest_text(table, top, "attempts")


def sources_text(table: pd.DataFrame) -> str:
    """Write what became of messages and records.

    Parameters
    ----------
    table : DataFrame
        As ``RunResult.sources`` gives it, not empty.

    Returns
    -------
    str
    """
    whole, table = table, largest(table, "sent")
    seldom = [name for name in ("filtered", "swallowed") if (table[name] > 0).any()]
    ends = table[["sent", "processed", "dead_lettered", "expired", "given_up", *seldom, "received_again"]]
    ends = ends.map(count)
    waits = table[["peak_backlog", "left_at_end", "receive_calls", "empty_receives"]].map(count)
    for place, name in ((0, "oldest_s"), (3, "drain_s")):
        shown = [_whole_seconds(time) for time in table[name]]
        waits.insert(place, name.removesuffix("_s"), shown)
    parts = ["queues and streams, messages or records"]
    for part in (ends, waits):
        part.insert(0, "function", [clipped(name, 20) for name in table["function"]])
        parts.append(part.rename(columns=lambda name: name.replace("_", " ")).to_string(index=False))
    parts[-1] += rest_text(whole, table, "sent")
    return "\n".join(parts)


def _whole_seconds(time_s: float) -> str:
    return format_duration(round(time_s) * US_PER_S) if time_s >= 1 else "under 1s" if time_s else "-"


def days_texts(parameters: pd.DataFrame) -> list[str]:
    """Say which days of a trace stand for which.

    Parameters
    ----------
    parameters : DataFrame
        As ``RunResult.parameters`` gives it.

    Returns
    -------
    list of str
        A paragraph for each trace that was moved.
    """
    return [
        wrapped(f"{row.parameter}: {row.value}")
        for row in parameters.itertuples()
        if str(row.source).startswith("align: ")
    ]


def assumptions_text(parameters: pd.DataFrame) -> str:
    """Say what a result rests on that AWS does not publish.

    Parameters
    ----------
    parameters : DataFrame
        As ``RunResult.parameters`` gives it.

    Returns
    -------
    str
    """
    unpublished = [
        f"{row.parameter} {row.value}"
        for row in parameters.itertuples()
        if row.known in ("assumed", "measured", "fitted")
    ]
    more = len(unpublished) - _MOST_NAMED
    tail = f"; and {more:,} more, which --json and the report have" if more > 0 else ""
    return wrapped(
        f"not published by AWS, so assumed or measured: {'; '.join(unpublished[:_MOST_NAMED])}{tail}"
    )
