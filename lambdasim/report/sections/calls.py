"""Calls between functions on a page: whole chains, what became of each call, loops."""

from __future__ import annotations

from math import isnan
from typing import TYPE_CHECKING

from lambdasim.report.html import heading, paragraph, table_html, warning
from lambdasim.results.callers.chains import calls_together, loops_told
from lambdasim.results.callers.machines import machines_told
from lambdasim.study.targets import time_text
from lambdasim.units import US_PER_S
from lambdasim.wording import money, number, percent

if TYPE_CHECKING:
    import pandas as pd

    from lambdasim.results.run import RunResult


def chains(run: RunResult) -> list[str]:
    """Make the parts about calls between functions.

    Parameters
    ----------
    run : RunResult

    Returns
    -------
    list of str
        HTML; nothing where no function calls another.
    """
    calls, machines = run.calls(), run.machines()
    if calls.empty:
        return []
    whole = run.chains()
    whole = whole.assign(events=[number(mean) for mean in whole["events"]])
    seldom = [name for name in ("stopped", "abandoned", "cut") if (calls[name] > 0).any()]
    rows = calls_together(calls)
    made = rows[["caller", "function", "how", "when", "made", "failed", *seldom]]
    waits = [how.split()[-1] == "synchronous" for how in rows["how"]]
    shares = [percent(share) if one else "–" for share, one in zip(rows["waited_share"], waits, strict=True)]
    made = made.assign(waiting=shares)
    return [
        *_machines(machines),
        heading("Calls between functions"),
        *(warning(told) for told in loops_told(calls)),
        table_html(whole.rename(columns={"events": "mean events"}), "Whole chains"),
        table_html(made.rename(columns={"function": "calls"}), "Calls"),
        paragraph(
            "A chain is what arrives by traffic and all that follows from it; its time in ms runs from the first arrival "
            "to the end of the last work. Waiting is the part of the caller's billed time that it waits for answers.",
            "small",
        ),
    ]


def alarms(run: RunResult) -> list[str]:
    """Show when the scenario's alarms fire.

    Parameters
    ----------
    run : RunResult

    Returns
    -------
    list of str
        HTML; nothing where it has none.
    """
    table = run.alarms()
    if table.empty:
        return []
    shown = table[["alarm", "condition"]].assign(
        fires=["never" if isnan(time) else time_text(round(time) * US_PER_S) for time in table["fires_s"]],
        spent=["–" if isnan(usd) else money(usd) for usd in table["usd_by_then"]],
        end=[money(usd) for usd in table["usd_at_end"]],
    )
    return [
        heading("Alarms"),
        table_html(shown.rename(columns={"spent": "spent by then", "end": "by the end"}), "Alarms"),
        paragraph(
            f"Time after the scenario's start. Costs are of {table['costs'].iloc[0]}. A "
            "budget sees costs only when it is updated; where that is after the run, at least what is given had been "
            "spent.",
            "small",
        ),
    ]


def _machines(table: pd.DataFrame) -> list[str]:
    """Show executions of state machines."""
    if table.empty:
        return []
    seldom = [name for name in ("timed_out", "history_full") if (table[name] > 0).any()]
    shown = table[["machine", "type", "executions", "failed", *seldom, "transitions", "retries"]]
    shown = shown.join(table[["p50_ms", "p95_ms", "p99_ms"]])
    told = [warning(text) for text in machines_told(table)]
    return [heading("State machines"), *told, table_html(shown, "State machines")]
