"""The page of a comparison of platforms."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from lambdasim.report.html import Fact
from lambdasim.report.page import StudyPage
from lambdasim.report.pictures import Chart
from lambdasim.views import readable
from lambdasim.wording import count, money, percent

if TYPE_CHECKING:
    import pandas as pd

    from lambdasim.study.platforms.result import PlatformComparison

_PLACES: Final = {
    "google": "Google Cloud",
    "azure": "Azure",
    "self_run": "run by yourself",
    "breaks": "what changes",
}


def platforms_page(found: PlatformComparison) -> StudyPage:
    """Show what the same traffic costs on each platform.

    Parameters
    ----------
    found : PlatformComparison

    Returns
    -------
    StudyPage
    """
    import pandas as pd

    from lambdasim.study.platforms.lock_in import lock_in, tied
    from lambdasim.study.platforms.text import ends, headline, leaving, timed

    ranges = pd.DataFrame(
        [
            {
                "key": one.key,
                "platform": one.platform,
                "low_usd": one.low_usd,
                "high_usd": one.high_usd,
                "low_without_grants_usd": one.low_without_usd,
                "high_without_grants_usd": one.high_without_usd,
                "p50_low_ms": one.p50_ms[0],
                "p50_high_ms": one.p50_ms[1],
                "p99_low_ms": one.p99_ms[0],
                "p99_high_ms": one.p99_ms[1],
                "cold_low_share": one.cold_share[0],
                "cold_high_share": one.cold_share[1],
            }
            for one in found.ranges
        ]
    )
    shown = pd.DataFrame(
        [
            {
                "platform": one.platform + ("" if one.complete else " *"),
                f"USD {found.per.words}": _span(money(one.low_usd), money(one.high_usd)),
                "without free grants": _span(money(one.low_without_usd), money(one.high_without_usd)),
                "median [ms]": _span(count(one.p50_ms[0]), count(one.p50_ms[1])),
                "p99 [ms]": _span(count(one.p99_ms[0]), count(one.p99_ms[1])),
                "cold": percent(one.cold_share[1], 1),
            }
            for one in found.ranges
        ]
    )
    columns = [
        "platform",
        "at_once",
        "size",
        "usd",
        "compute_usd",
        "requests_usd",
        "front_usd",
        "egress_usd",
        "fixed_usd",
    ]
    return StudyPage(
        title=f"{found.scenario.name}: Lambda or another platform",
        answer=(headline(found), ends(found), timed(found), tied(lock_in(found.scenario)), leaving(found)),
        headline=_facts(found),
        tables={
            "platforms": ranges,
            "lock_in": found.lock_in(),
            "payback": found.payback(),
            "ways_to_set_up": found.table,
            "parameters": found.parameters(),
        },
        shown={
            "platforms": shown,
            "lock_in": found.lock_in().drop(columns=["source"]).rename(columns=_PLACES),
            "payback": _payback(found.payback()),
            "ways_to_set_up": found.table[columns].assign(
                at_once=[f"{many:,}" if many else "any" for many in found.table["at_once"]]
            ),
        },
        folded=("parameters", "ways_to_set_up"),
        titles={"lock_in": "What ties it to AWS", "payback": "What a move saves"},
        pictures={"cost": Chart("plot_platforms", found), "latency": Chart("plot_platform_latency", found)},
        facts={
            "region": found.scenario.region,
            "per": found.period,
            "free_tier": found.scenario.free_tier,
            "replications": len(found.replications),
            "requests": found.requests,
            "caveats": list(found.caveats()),
        },
        notes=found.caveats(),
    )


def _payback(table: pd.DataFrame) -> pd.DataFrame:
    """Write what a move saves; what saves nothing may cost nothing."""
    shown = readable(table)
    return shown.rename(
        columns={
            "low saving [USD]": "saves a month, at least [USD]",
            "high saving [USD]": "saves a month, at most [USD]",
            "affordable [USD]": "may cost once [USD]",
            "low months": "paid back after months, at least",
            "high months": "paid back after months, at most",
        }
    )


def _facts(found: PlatformComparison) -> tuple[Fact, ...]:
    ours, others = found.lambda_range, [one for one in found.ranges[1:] if one.complete]
    facts = [
        Fact(
            "AWS Lambda",
            _span(money(ours.low_usd), money(ours.high_usd)),
            f"{found.per.words}, front and egress included",
        )
    ]
    for one in others[:2]:
        facts.append(
            Fact(
                one.platform,
                _span(money(one.low_usd), money(one.high_usd)),
                f"{found.per.words}, low and high end",
            )
        )
    return tuple(facts)


def _span(low: str, high: str) -> str:
    return low if low == high else f"{low} to {high}"
