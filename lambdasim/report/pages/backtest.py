"""The page of a back-test: months that were forecast beside what came."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lambdasim.report.html import Fact
from lambdasim.report.page import StudyPage
from lambdasim.report.pictures import Chart
from lambdasim.wording import count, number, percent

if TYPE_CHECKING:
    import pandas as pd

    from lambdasim.study.forecast.backtest import Backtest


def backtest_page(found: Backtest, name: str) -> StudyPage:
    """Show how far to trust forecasts of a history.

    Parameters
    ----------
    found : Backtest
    name : str
        Of the history.

    Returns
    -------
    StudyPage
    """
    summary, blocks = found.summary(), found.frame()
    # The last row of a task is that of all its series.
    scores = {row["task"]: row for row in summary.to_dict("records")}
    facts = tuple(
        Fact(
            f"{task[0].upper()}{task[1:]}",
            f"{percent(score['coverage'], 0)} held",
            f"{count(score['blocks'], 'month')} between P10 and P90, 80% should be; P50 off by "
            f"{percent(score['p50_error'], 1)} at the median",
        )
        for task, score in scores.items()
    )
    first = next(iter(scores.values()))
    return StudyPage(
        title=f"{name}: how far to trust its forecast",
        answer=(
            f"Of {count(first['blocks'], 'past month')}, forecast from what came before each, "
            f"{percent(first['coverage'], 0)} came to between P10 and P90, where 80% should.",
            f"Half of the forecasts were off by less than {percent(first['p50_error'], 1)} of the month's total; the "
            f"last 28 days carried forward, by {percent(first['carried_error'], 1)}.",
        ),
        headline=facts,
        tables={"summary": summary, "forecasts": blocks},
        shown={"summary": _scores(summary), "forecasts": _blocks(blocks)},
        titles={"summary": "Scores", "forecasts": "Past months, forecast and actual"},
        pictures={"backtest": Chart("plot_backtest", found)},
        notes=(
            "Mid-month forecasts know half of the month.",
            "Against 28 days: loss of P10, P50 and P90 over that of the last 28 days carried forward; below 1 is better.",
        ),
    )


def _scores(summary: pd.DataFrame) -> pd.DataFrame:
    shares = {
        "coverage": "P10 to P90 holds",
        "p50_error": "error of P50",
        "carried_error": "error of 28 days",
    }
    shown = summary[["task", "series", "blocks"]].rename(columns={"blocks": "months"})
    for name, words in shares.items():
        shown[words] = [percent(share, 1) for share in summary[name]]
    return shown.assign(**{"against 28 days": [number(one) for one in summary["against_carried"]]})


def _blocks(blocks: pd.DataFrame) -> pd.DataFrame:
    shown = blocks[["task", "series"]].copy()
    shown["from day"] = blocks["first_day"]
    for name in ("p10", "p50", "p90", "actual"):
        shown[name] = [count(one) for one in blocks[name]]
    inside = (blocks["p10"] <= blocks["actual"]) & (blocks["actual"] <= blocks["p90"])
    return shown.assign(held=inside)
