"""Calls between functions on a page: whole chains, what became of each call, loops."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lambdasim.report.html import heading, paragraph, table_html, warning
from lambdasim.results.callers.chains import loops_told
from lambdasim.wording import number, percent

if TYPE_CHECKING:
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
    calls = run.calls()
    if calls.empty:
        return []
    whole = run.chains()
    whole = whole.assign(events=[number(mean) for mean in whole["events"]])
    seldom = [name for name in ("stopped", "abandoned", "cut") if (calls[name] > 0).any()]
    made = calls[["caller", "function", "how", "when", "made", "failed", *seldom]]
    made = made.assign(waiting=[percent(share) for share in calls["waited_share"]])
    return [
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
