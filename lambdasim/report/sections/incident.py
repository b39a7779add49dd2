"""What a page says of an incident: when attempts were refused, by which limit, and what it did to those who waited."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from lambdasim.report.html import Fact, bullets, figure, heading, paragraph, table_html
from lambdasim.report.sections.incident_table import QUIET_MINUTES
from lambdasim.wording import count, percent

if TYPE_CHECKING:
    import pandas as pd

    from lambdasim.report.pictures import Album
    from lambdasim.results.run import RunResult

_MOST_SHOWN: Final = 20
_MEANS: Final = {
    "account_concurrency": "all functions of the account and region together had no more room, reserved concurrency "
    "taken off; ask for a higher quota, reserve less, or shorten the runs",
    "reserved_concurrency": "the function's own setting; raise it where the account has room",
    "scaling_rate": "new environments were asked for faster than a function may grow; provisioned concurrency before the "
    "rush, or a gentler one",
    "request_rate": "more requests a second than ten for each unit of concurrency; raise the concurrency",
}


def facts(run: RunResult, found: pd.DataFrame) -> list[Fact]:
    """Give what a reader of an incident takes away: when, how much, which limit, whom it hit."""
    if found.empty:
        return [Fact("Incidents", "none", "no attempt was refused, no event dropped")]
    worst = found.iloc[int((found["refused"] + found["dropped"]).to_numpy().argmax())]
    attempts = sum(int(totals.outcomes.sum()) for totals in run.aggregate.functions)
    refused = int(found["refused"].sum())
    return [
        Fact("Incidents", count(len(found)), f"at least {QUIET_MINUTES} quiet minutes between them"),
        Fact(
            "Worst began",
            str(worst["begin"])[:16].replace("T", " "),
            f"UTC; {count(worst['minutes'], 'minute')}",
        ),
        Fact("Attempts refused", f"{refused:,}", f"{percent(refused / attempts)} of all {attempts:,}"),
        Fact("Limit", str(worst["worst_limit"]) or "none", f"in the worst, mostly {worst['worst_function']}"),
    ]


def timeline(album: Album, found: pd.DataFrame) -> list[str]:
    """Show incidents as a table and over time; nothing where there was none."""
    if found.empty:
        return []
    shown = found.head(_MOST_SHOWN)
    shown = shown.assign(begin=[str(begin)[:16].replace("T", " ") for begin in shown["begin"]])
    left = len(found) - len(shown)
    return [
        heading("What happened when"),
        table_html(shown, "Incidents"),
        paragraph(
            "Times in UTC. An incident is a stretch of minutes in which attempts were refused or events dropped from "
            f"Lambda's queue{f'; {left:,} later ones are left out of the table' if left else ''}.",
            "small",
        ),
        figure(album["throttles_over_time"]),
        figure(album["throttles"]),
    ]


def advice(run: RunResult, found: pd.DataFrame) -> list[str]:
    """Say what each limit that refused attempts means, and which command finds a setting that holds."""
    if found.empty:
        return []
    limits = list(dict.fromkeys(run.throttles()["limit"]))
    means = [f"{name.replace('_', ' ')}: {_MEANS[name]}" for name in limits if name in _MEANS]
    return [
        heading("What to change"),
        bullets(means, ""),
        paragraph(
            "lambdasim limits simulates quota, reserved and provisioned concurrency and says what to set."
        ),
    ]
