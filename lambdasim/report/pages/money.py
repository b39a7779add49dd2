"""Pages of studies about money: break-evens, forecasts, a real bill beside ours."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from lambdasim.billing import plain
from lambdasim.report.html import Fact
from lambdasim.report.page import StudyPage
from lambdasim.report.pictures import Chart
from lambdasim.results.parameters import Parameter
from lambdasim.views import readable
from lambdasim.wording import count, money, number, percent

if TYPE_CHECKING:
    import pandas as pd

    from lambdasim.finance import BillComparison
    from lambdasim.study.break_even.result import BreakEven
    from lambdasim.study.commitment.result import CommitmentStudy
    from lambdasim.study.forecast.budget import BudgetOutlook
    from lambdasim.study.forecast.result import Forecast
    from lambdasim.study.forecast.sensitivity import Sensitivity


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

    from lambdasim.study.break_even.text import count as millions
    from lambdasim.study.break_even.text import headline, parameters, reasons, sentences

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
                "replications_lambda_dearer": crossing.never_cheaper,
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
    shown = bills.map(money).reset_index().rename_axis(columns=None)
    return StudyPage(
        title=f"{found.scenario.name}: Lambda or servers",
        answer=(*headline(found), *sentences(found)),
        headline=_options(found),
        tables={
            "both_ends": found.ends,
            "crossings": crossings,
            "bills": found.table,
            "other_assumptions": variations,
            "reasons": pd.DataFrame({"sentence": list(reasons(found))}),
            "parameters": pd.DataFrame(parameters(found), columns=list(Parameter._fields)),
            "curves": found.curve,
        },
        shown={
            "bills": shown.assign(
                multiple=[f"{multiple:g}×" for multiple in shown["multiple"]],
                requests=[millions(requests) for requests in shown["requests"]],
            ),
            "curves": found.curve.head(0),
            "crossings": crossings.assign(
                **{
                    name: [millions(value) for value in crossings[name]]
                    for name in ("requests", "low", "high", "settled_requests")
                },
                multiple=[number(multiple) for multiple in crossings["multiple"]],
            ),
        },
        pictures={"break_even": Chart("plot_break_even", found)},
        facts={
            "region": found.scenario.region,
            "multiples": list(found.multiples),
            "replications": len(found.lines),
            "requests_simulated": found.most_requests,
        },
    )


def commitment_page(found: CommitmentStudy) -> StudyPage:
    """Show which Compute Savings Plan costs least, and what a wrong guess of the usage costs.

    Parameters
    ----------
    found : CommitmentStudy

    Returns
    -------
    StudyPage
    """
    from lambdasim.study.commitment.text import per_hour

    best = found.best
    facts = [Fact("On demand", money(found.on_demand_usd), f"{count(found.hours, 'hour')} of usage")]
    if best.usd_per_hour:
        saved = percent(float(best.saving_usd / found.on_demand_usd), 1)
        facts += [
            Fact("With the plan", money(best.total_usd), f"{saved} less"),
            Fact("Commitment", per_hour(best.usd_per_hour), f"an hour, for {count(best.plan.years, 'year')}"),
        ]
        if best.upfront_usd:
            facts.append(Fact("Paid up front", money(best.upfront_usd), "for the whole term"))
    plans = found.frame()
    plans = plans.assign(
        payment=[name.replace("_", " ") for name in plans["payment"]],
        known=[name.replace("_", " ") for name in plans["known"]],
        usd_per_hour=[per_hour(option.usd_per_hour) for option in found.options],
    )
    return StudyPage(
        title="A Compute Savings Plan for this usage",
        answer=(found.headline(),),
        headline=tuple(facts),
        tables={"plans": found.frame(), "if_usage_differs": found.case_frame()},
        shown={
            "plans": readable(
                plans.rename(columns={"usd_per_hour": "commitment per hour", "percent": "off in %"})
            ),
            "if_usage_differs": readable(
                found.case_frame() if best.usd_per_hour else found.case_frame().head(0)
            ),
        },
        pictures={"commitment": Chart("plot_commitment", found)},
        facts={
            "hours": found.hours,
            "runs": found.futures,
            "on_demand_usd": float(found.on_demand_usd),
            "coverable_usd": float(found.coverable_usd),
            "recommended": {"years": best.plan.years, "payment": best.plan.payment.value},
            "notes": list(found.notes),
        },
        notes=found.notes,
    )


def forecast_page(
    forecast: Forecast, outlook: BudgetOutlook | None = None, found: Sensitivity | None = None
) -> StudyPage:
    """Show a month's forecast.

    Parameters
    ----------
    forecast : Forecast
    outlook : BudgetOutlook, optional
        Against a budget.
    found : Sensitivity, optional

    Returns
    -------
    StudyPage
    """
    import pandas as pd

    from lambdasim.study.forecast.budget import Alarm, Driver
    from lambdasim.study.forecast.sensitivity import Jump, Swing

    days = forecast.days()
    days["date"] = [day.isoformat() for day in days["date"]]
    tables = {"lines": forecast.lines(), "functions": forecast.functions(), "days": days}
    tables["past_months"] = _past_months(forecast)
    budget = None if outlook is None else outlook.budget_usd
    pictures = {"forecast": Chart("plot_forecast", forecast, {"budget_usd": budget})}
    answer = (forecast.headline(), *(() if outlook is None else (outlook.headline(),)))
    facts: dict[str, object] = {"month": forecast.month, "notes": list(forecast.notes()), "budget": None}
    if outlook is not None:
        alarms = pd.DataFrame(outlook.alarms, columns=list(Alarm._fields))
        for name in ("early", "middle", "late"):
            alarms[name] = [None if day is None else day.isoformat() for day in alarms[name]]
        tables["alarms"] = alarms
        tables["drivers"] = pd.DataFrame(outlook.drivers, columns=list(Driver._fields))
        facts["budget"] = {
            "usd": outlook.budget_usd,
            "probability": outlook.probability,
            "keeping_factor": outlook.keeping_factor,
        }
    if found is not None:
        tables["swings"] = pd.DataFrame(found.swings, columns=list(Swing._fields))
        tables["jumps"] = pd.DataFrame(found.jumps, columns=list(Jump._fields))
        pictures["tornado"] = Chart("plot_tornado", found)
    return StudyPage(
        title=f"{forecast.scenario.name}: bill of {forecast.month}",
        answer=answer,
        headline=_forecast_facts(forecast, outlook),
        tables=tables,
        shown={name: _in_usd(tables[name]) for name in ("lines", "functions", "days")},
        workbook={name: _in_usd(tables[name]) for name in ("lines", "functions", "days")},
        pictures=pictures,
        facts=facts,
        notes=forecast.notes(),
    )


def bill_comparison_page(found: BillComparison) -> StudyPage:
    """Show a real bill beside ours.

    Parameters
    ----------
    found : BillComparison

    Returns
    -------
    StudyPage
    """
    table = found.frame()
    columns = ("actual_cost", "our_cost", "from_usage", "from_rate", "from_other", "difference")
    shown = table[["period"]].copy()
    pairs = zip(table["usage_type"], table["line"], strict=True)
    shown["line"] = [f"{kind} {line.replace('_', ' ')}".strip() for kind, line in pairs]
    for name in columns:
        words = {"actual_cost": "actual", "our_cost": "ours"}.get(name, name.replace("_", " "))
        shown[words] = [money(usd) for usd in table[name]]
    shown["note"] = table["note"]
    services = found.frames()["services beside Lambda"]
    beside = services.rename(columns={"actual_cost": "actual", "our_cost": "ours"})
    for name in ("actual", "ours", "difference"):
        beside[name] = [money(usd) for usd in beside[name]]
    return StudyPage(
        title="A real bill beside ours",
        answer=(f"{found}.", *(f"{note}." for note in found.notes)),
        tables={"lines": table, "other_services": services},
        shown={"lines": shown} | ({"other_services": beside} if len(services) else {}),
        pictures={"waterfall": Chart("plot_bill_comparison", found)},
        facts={name: plain(found.sum(name)) for name in columns},
    )


def _past_months(forecast: Forecast) -> pd.DataFrame:
    """Give the events of past months by function, at the scenario's scale; ``days`` marks months that are not whole."""
    import pandas as pd

    scales = {spec.name: spec.traffic.scale for spec in forecast.scenario.functions}
    rows = []
    for name, history in forecast.traffic.histories.items():
        days = pd.date_range(str(history.first_day), periods=len(history.totals), freq="D")
        months = pd.Series(history.totals, index=days.strftime("%Y-%m")).groupby(level=0)
        for month, totals in months:
            rows.append(
                {
                    "function": name,
                    "month": month,
                    "days": len(totals),
                    "events": round(totals.sum() * scales[name]),
                }
            )
    return pd.DataFrame(rows, columns=["function", "month", "days", "events"])


def _in_usd(table: pd.DataFrame) -> pd.DataFrame:
    """Name the quantiles of money as money."""
    quantiles = {"p10", "p50", "p90"}
    return table.rename(
        columns=lambda name: f"{name}_usd" if name.rsplit("_", maxsplit=1)[-1] in quantiles else name
    )


def _options(found: BreakEven) -> tuple[Fact, ...]:
    """Give this traffic's bill on each option, at both ends of what a server's process can do."""
    facts = []
    for row in found.ends.to_dict("records"):
        one, many = money(float(row["one_usd"])), money(float(row["many_usd"]))
        if one == many:
            facts.append(Fact(str(row["option"]), one, "a month"))
        else:
            facts.append(
                Fact(str(row["option"]), f"{many} to {one}", "a month; many requests a process, or one")
            )
    return tuple(facts)


def _forecast_facts(forecast: Forecast, outlook: BudgetOutlook | None) -> tuple[Fact, ...]:
    low, middle, high = (float(usd) for usd in np.quantile(forecast.total_usd, (0.1, 0.5, 0.9)))
    events = count(float(np.median(forecast.events)))
    facts = [
        Fact(f"Bill of {forecast.month}", money(middle), f"{money(low)} to {money(high)} in 8 of 10 months"),
        Fact("Events", events, "median of the sample paths"),
    ]
    if outlook is not None:
        facts.append(
            Fact(
                "Budget", money(outlook.budget_usd), f"{percent(outlook.probability, 0)} likely to be broken"
            )
        )
    return tuple(facts)
