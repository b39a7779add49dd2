"""Pages of studies about money: break-evens and forecasts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lambdasim.plots.break_even import plot_break_even
from lambdasim.report.html import number
from lambdasim.report.study import StudyPage
from lambdasim.results.parameters import Parameter

if TYPE_CHECKING:
    from lambdasim.study.break_even import BreakEven


def break_even_page(found: BreakEven) -> StudyPage:
    """Show where Lambda stops being the cheapest.

    Parameters
    ----------
    found : BreakEven

    Returns
    -------
    StudyPage
    """
    import pandas as pd

    from lambdasim.study.break_even_text import count, parameters, reasons, sentences

    crossings = pd.DataFrame(
        [
            {
                "option": crossing.option.value,
                "servers": crossing.server,
                "requests": crossing.requests.mean,
                "low": max(crossing.requests.low, 0.0),
                "high": crossing.requests.high,
                "settled_requests": crossing.settled.mean,
                "multiple": crossing.multiple.mean,
                "replications_crossed": crossing.crossed,
                "replications_lambda_dearer": crossing.dearer,
            }
            for crossing in found.crossings
        ]
    )
    variations = pd.DataFrame(
        [
            {
                "assumption": words,
                **{crossing.option.value: crossing.requests.mean for crossing in crossings_},
            }
            for words, crossings_ in found.variations.items()
        ]
    )
    bills = found.table.pivot_table(
        index=["multiple", "requests"], columns="option", values="usd", sort=False
    )
    shown = bills.reset_index().rename_axis(columns=None)
    return StudyPage(
        title=f"{found.scenario.name}: Lambda or servers",
        answer=" ".join(sentences(found)),
        tables={
            "crossings": crossings,
            "bills": found.table,
            "other_assumptions": variations,
            "reasons": pd.DataFrame({"sentence": list(reasons(found))}),
            "parameters": pd.DataFrame(parameters(found), columns=list(Parameter._fields)),
            "curves": found.curve,
        },
        shown={
            "bills": shown.assign(
                multiple=[f"{multiple:g} x" for multiple in shown["multiple"]],
                requests=[count(requests) for requests in shown["requests"]],
            ),
            "curves": found.curve.head(0),
            "crossings": crossings.assign(
                **{
                    name: [count(value) for value in crossings[name]]
                    for name in ("requests", "low", "high", "settled_requests")
                },
                multiple=[number(multiple) for multiple in crossings["multiple"]],
            ),
        },
        pictures={"break_even": plot_break_even(found)},
        facts={
            "region": found.scenario.region,
            "multiples": list(found.multiples),
            "replications": len(found.lines),
            "requests_simulated": found.most_requests,
        },
    )
