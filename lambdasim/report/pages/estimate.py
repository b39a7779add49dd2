"""The page of an estimate."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from lambdasim.report.html import Fact
from lambdasim.report.page import StudyPage
from lambdasim.report.pictures import Chart
from lambdasim.wording import count, money, percent

if TYPE_CHECKING:
    import pandas as pd

    from lambdasim.templates.estimate.estimate import Estimate, Range


def estimate_page(found: Estimate) -> StudyPage:
    """Show what a month costs, what makes the range, and what was assumed.

    Parameters
    ----------
    found : Estimate

    Returns
    -------
    StudyPage
    """
    import pandas as pd

    from lambdasim.templates.estimate.text import figures, rough, sentences

    rows = figures(found)
    parts = pd.DataFrame(
        [
            {
                "function": one.name,
                "requests": count(one.requests),
                "cost": _span(one.usd_list, money),
                "mean duration [ms]": _span(one.duration_ms, rough),
                "p95 latency [ms]": _span(one.p95_ms, rough),
                "cold starts": percent(one.cold_share.p50, 1),
                "timeouts": percent(one.timeout_share.p50, 1),
            }
            for one in found.functions
        ]
    )
    return StudyPage(
        title=f"{found.origin}: a month, estimated",
        answer=tuple(f"{one[:1].upper()}{one[1:]}." for one in sentences(found)),
        headline=(
            Fact(
                "Bill a month",
                money(found.usd.p50),
                f"{_span(found.usd, money)}, P10 to P90, with the free tier",
            ),
            Fact(
                "Without free tier", money(found.usd_list.p50), f"{_span(found.usd_list, money)}, P10 to P90"
            ),
            Fact("Requests a month", count(found.requests), found.region),
            Fact(
                "Peak concurrency",
                rough(found.peak_concurrency.p90),
                f"P90; the account has {found.concurrency:,}",
            ),
        ),
        tables={"figures": _numbers(found), "by_function": _functions(found)},
        shown={
            "figures": pd.DataFrame(
                [[name, *map(write, (one.p10, one.p50, one.p90))] for name, one, write in rows],
                columns=["a month", "P10", "P50", "P90"],
            ),
            "by_function": parts,
        },
        titles={"figures": "A month", "by_function": "By function, without free tier, P10 to P90"},
        pictures={"estimate": Chart("plot_estimate", found)},
        facts=found.to_mapping(),
        notes=tuple(f"assumed: {one}" for one in found.assumed),
    )


def _span(one: Range, write: Callable[[float], str]) -> str:
    low, high = write(one.p10), write(one.p90)
    return low if low == high else f"{low} to {high}"


def _numbers(found: Estimate) -> pd.DataFrame:
    """Give each figure of the month with its range."""
    import pandas as pd

    names = ("usd", "usd_list", "gb_seconds", "cold_share", "lost_share", "peak_concurrency")
    ranges = [getattr(found, name) for name in names]
    return pd.DataFrame(
        {"figure": names, **{q: [getattr(one, q) for one in ranges] for q in ("p10", "p50", "p90")}}
    )


def _functions(found: Estimate) -> pd.DataFrame:
    """Give each function's figures with their ranges."""
    import pandas as pd

    names = ("usd_list", "duration_ms", "p95_ms", "cold_share", "timeout_share", "peak_concurrency")
    return pd.DataFrame(
        [
            {"function": one.name, "requests": one.requests}
            | {f"{name}_{q}": getattr(getattr(one, name), q) for name in names for q in ("p10", "p50", "p90")}
            for one in found.functions
        ]
    )
