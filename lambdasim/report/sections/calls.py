"""Calls between functions on a page: whole chains, what became of each call, loops."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lambdasim.report.html import heading, paragraph, table_html, warning
from lambdasim.results.callers.chains import loops_told
from lambdasim.wording import number, percent

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
    made = calls[["caller", "function", "how", "when", "made", "failed", *seldom]]
    made = made.assign(waiting=[percent(share) for share in calls["waited_share"]])
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


def _machines(table: pd.DataFrame) -> list[str]:
    """Show executions of state machines."""
    if table.empty:
        return []
    seldom = [name for name in ("timed_out", "history_full") if (table[name] > 0).any()]
    shown = table[["machine", "type", "executions", "failed", *seldom, "transitions", "retries"]]
    shown = shown.join(table[["p50_ms", "p95_ms", "p99_ms"]])
    return [heading("State machines"), table_html(shown, "State machines")]
