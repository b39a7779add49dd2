"""The page of what security and compliance cost."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lambdasim.report.html import Fact
from lambdasim.report.page import StudyPage
from lambdasim.wording import NONE, money

if TYPE_CHECKING:
    from lambdasim.study.safety.result import SafetyCosts


def safety_page(found: SafetyCosts) -> StudyPage:
    """Show what safety costs now, and what the measures that a scenario has not would add.

    Parameters
    ----------
    found : SafetyCosts

    Returns
    -------
    StudyPage
    """
    import pandas as pd

    shown = pd.DataFrame(
        [
            {
                "measure": line.measure,
                f"now, USD {found.per}": money(line.usd) if line.in_scenario else NONE,
                f"if added, USD {found.per}": NONE if line.in_scenario else money(line.would_usd),
                "as assumed": line.assumed,
            }
            for line in found.lines
        ]
    )
    return StudyPage(
        title=f"{found.scenario}: what safety costs",
        answer=(repr(found),),
        headline=(
            Fact("Now", money(found.usd), f"{found.per}, of a bill of {money(found.total_usd)}"),
            Fact("If all were added", found.would, f"more {found.per}, as assumed"),
        ),
        tables={"measures": found.frame()},
        shown={"measures": shown},
        facts={
            "region": found.region,
            "per": found.per,
            "usd": found.usd,
            "would_usd": list(found.would_usd),
            "total_usd": found.total_usd,
            "total_without_free_tier": found.listed_usd,
        },
        notes=found.notes(),
    )
