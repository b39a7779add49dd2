"""The page of a trap: a good hour beside a bad one, and when an alarm could have fired."""

from __future__ import annotations

from math import isnan
from typing import TYPE_CHECKING

from lambdasim.report.html import Fact
from lambdasim.report.page import StudyPage
from lambdasim.report.pictures import Chart
from lambdasim.study.targets import time_text
from lambdasim.units import US_PER_MS, US_PER_S
from lambdasim.wording import NONE, count, money, number, percent

if TYPE_CHECKING:
    import pandas as pd

    from lambdasim.study.trap.result import Trap

_MOST_ALARMS = 8
_DEARER = 1.05
_MORE_RUNS = 2
_MORE_LOST = 2  # a picture of 4 lost events beside 3 would hide what the trap does


def trap_page(trap: Trap) -> StudyPage:
    """Show a trap.

    Parameters
    ----------
    trap : Trap

    Returns
    -------
    StudyPage
    """
    alarms = trap.alarms_frame()
    first = trap.alarms[0] if trap.alarms else None
    return StudyPage(
        title=trap.bad.scenario.name,
        answer=tuple(trap.sentences()),
        headline=_facts(trap),
        tables={
            "bill_of_an_hour": trap.bill,
            "alarms_that_could_have_told": alarms,
            "what_became_of_events": trap.outcomes,
        },
        shown={
            "bill_of_an_hour": _bill(trap.bill),
            "alarms_that_could_have_told": _alarms(alarms),
            "what_became_of_events": _outcomes(trap.outcomes),
        },
        pictures=_pictures(trap),
        facts={
            "good": trap.good.scenario.name,
            "bad": trap.bad.scenario.name,
            "good_usd_per_hour": trap.hour_usd(trap.good),
            "bad_usd_per_hour": trap.hour_usd(trap.bad),
            "first_alarm": None
            if first is None
            else {"alarm": first.condition, "function": first.function, "minute": first.minute + 1},
        },
        notes=(
            f"The good hour is the scenario {trap.good.scenario.name!r}: the same traffic, the same draws.",
            "Money is without free tier. What follows after the scenario's end from what was sent in it is part of its "
            "hours' bill.",
            *trap.caveats(),
            "An alarm's threshold is the most that the good run shows in any minute, and a tenth more; one data point of "
            "a minute suffices. Alarms on utilization count missing data as idle.",
        ),
    )


def _pictures(trap: Trap) -> dict[str, Chart]:
    """Show first what the harm is: on the bill, or in events that are lost; then when an alarm could have fired."""
    lost = trap.outcomes.groupby("run")["lost"].sum()
    runs = trap.outcomes.groupby("run")["runs"].sum()
    hour, alarm = Chart("plot_trap_hour", trap), Chart("plot_alarm", trap)
    if lost["bad"] <= _MORE_LOST * lost["good"]:
        again = {"runs": Chart("plot_trap_runs", trap)} if runs["bad"] > _MORE_RUNS * runs["good"] else {}
        return {"hour": hour, **again, "alarm": alarm}
    loses = Chart("plot_trap_lost", trap)
    if trap.hour_usd(trap.bad) > _DEARER * trap.hour_usd(trap.good):
        return {"hour": hour, "lost": loses, "alarm": alarm}
    return {"lost": loses, "alarm": alarm, "hour": hour}


def _facts(trap: Trap) -> tuple[Fact, ...]:
    good, bad = trap.hour_usd(trap.good), trap.hour_usd(trap.bad)
    outcomes = trap.outcomes
    lost = {run: int(rows["lost"].sum()) for run, rows in outcomes.groupby("run")}
    facts = [
        Fact(
            "A bad hour", money(bad), f"{bad / good:,.1f} times a good one" if bad > 1.05 * good > 0 else ""
        ),
        Fact("A good hour", money(good), "the same traffic"),
        Fact("Events lost", count(lost["bad"]), f"{count(lost['good'])} in the good run"),
    ]
    if trap.alarms:
        first = trap.alarms[0]
        facts.append(Fact("An alarm could have fired", f"minute {first.minute + 1:,}", first.metric))
    else:
        facts.append(Fact("An alarm could have fired", "never", "no metric of a minute differs"))
    return tuple(facts)


def _bill(table: pd.DataFrame) -> pd.DataFrame:
    shown = table.copy()
    for column in ("good_usd", "bad_usd", "difference_usd"):
        signed = column == "difference_usd"
        shown[column] = [money(usd, signed=signed) for usd in table[column]]
    return shown.rename(
        columns={"good_usd": "good hour", "bad_usd": "bad hour", "difference_usd": "difference"}
    )


def _alarms(table: pd.DataFrame) -> pd.DataFrame:
    shown = table.head(_MOST_ALARMS).copy()
    shown["at"] = [f"{at[:10]} {at[11:16]}" for at in shown["at"]]
    shown["good_most"] = [number(most) for most in shown["good_most"]]
    shown["value"] = [number(value) for value in shown["value"]]
    return shown.rename(
        columns={"good_most": "most in the good run", "value": "value then", "at": "at (UTC)"}
    )


def _outcomes(table: pd.DataFrame) -> pd.DataFrame:
    shown = table.copy()
    shown["lost_share"] = [percent(share) for share in table["lost_share"]]
    shown["oldest_s"] = [NONE if isnan(age) else time_text(age * US_PER_S) for age in table["oldest_s"]]
    shown["p99_ms"] = [NONE if isnan(ms) else time_text(ms * US_PER_MS) for ms in table["p99_ms"]]
    return shown.rename(
        columns={
            "lost_share": "lost share",
            "p99_ms": "p99 latency",
            "dead_lettered": "dead-lettered",
            "oldest_s": "oldest",
        }
    )
