"""Pages of studies about money: break-evens, forecasts, a real bill beside ours."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from math import isnan
from typing import TYPE_CHECKING

import numpy as np

from lambdasim.billing import plain
from lambdasim.report.html import Fact
from lambdasim.report.page import StudyPage
from lambdasim.report.pictures import Chart
from lambdasim.results.parameters import Parameter
from lambdasim.study.server_costs import Option
from lambdasim.views import readable
from lambdasim.wording import NONE, count, money, number, percent

if TYPE_CHECKING:
    import pandas as pd

    from lambdasim.finance import BillComparison
    from lambdasim.study.break_even.result import BreakEven
    from lambdasim.study.commitment.result import CommitmentStudy
    from lambdasim.study.commitment.tables import TrafficCase
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
                "replications_lambda_never_cheaper": crossing.never_cheaper,
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
        answer=(
            *headline(found),
            *sentences(found),
            *(f"What speaks against Lambda: {one}" for one in reasons(found)),
        ),
        headline=_options(found),
        titles={
            "crossings": f"Where lines cross, requests {found.per.words}",
            "bills": f"Bills, USD {found.per.words}",
            "other_assumptions": "Lambda is cheaper below, with other assumptions",
        },
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
            "both_ends": found.ends.head(0),
            "curves": found.curve.head(0),
            "reasons": found.curve.head(0),
            "other_assumptions": _in_millions(variations, millions),
            "crossings": crossings.assign(
                **{
                    name: [millions(value) for value in crossings[name]]
                    for name in ("requests", "low", "high", "settled_requests")
                },
                multiple=[NONE if isnan(one) else f"{number(one)}×" for one in crossings["multiple"]],
            )
            .head(len(crossings) if any(one.crossed or one.never_cheaper for one in found.crossings) else 0)
            .drop(columns=["replications_crossed", "replications_lambda_never_cheaper"]),
        },
        pictures={"break_even": Chart("plot_break_even", found)},
        facts={
            "region": found.scenario.region,
            "per": found.period,
            "multiples": list(found.multiples),
            "replications": len(found.lines),
            "requests_simulated": found.most_requests,
        },
    )


def _in_millions(table: pd.DataFrame, written: Callable[[float], str]) -> pd.DataFrame:
    """Write requests; none where lines do not cross."""
    return table.assign(
        **{
            name: ["no crossing" if isnan(one) else written(one) for one in table[name]]
            for name in table.columns[1:]
        }
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
    one_future = ["least_regret_usd", "most_regret_usd"] if found.futures == 1 else []
    plans = found.frame().drop(columns=["years", "payment", *one_future])
    usd = [str(name) for name in plans if str(name).endswith("_usd")]
    plans = plans.assign(
        **{name: [round(float(amount), 4) for amount in plans[name]] for name in usd},
        usd_per_hour=[per_hour(option.usd_per_hour) for option in found.options],
    )
    payments = [option.plan.payment.value.replace("_", " ") for option in found.options]
    years = [count(option.plan.years, "year") for option in found.options]
    plans.insert(0, "plan", [", ".join(pair) for pair in zip(years, payments, strict=True)])
    return StudyPage(
        title="A Compute Savings Plan for this usage",
        answer=(found.headline(),),
        headline=tuple(facts),
        tables={"plans": found.frame(), "if_usage_differs": found.case_frame()},
        shown={
            "plans": readable(
                plans.rename(columns={"usd_per_hour": "commitment per hour", "percent": "off in %"})
            ),
            "if_usage_differs": _if_usage_differs(found.cases if best.usd_per_hour else ()),
        },
        titles={"if_usage_differs": "If usage differs: the charges that the plan covers"},
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


def _if_usage_differs(cases: Iterable[TrafficCase]) -> pd.DataFrame:
    """Write each case as a multiple of this usage, and what would have been best for it an hour."""
    import pandas as pd

    from lambdasim.study.commitment.text import per_hour

    return pd.DataFrame(
        {
            "usage": [f"{float(case.multiple):g}× of this" for case in cases],
            "on demand": [money(case.on_demand_usd) for case in cases],
            "with the plan": [money(case.committed_usd) for case in cases],
            "best per hour": [per_hour(case.best_usd_per_hour) for case in cases],
            "regret": [money(case.regret_usd) for case in cases],
        }
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
    facts: dict[str, object] = {"month": forecast.month, "budget": None}
    if listed := _without_free_tier(forecast):
        facts["without_free_tier_usd"] = dict(zip(("p10", "p50", "p90"), listed, strict=True))
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
        shown=_forecast_shown(tables),
        titles={
            "lines": "By line of the bill",
            "functions": "By function",
            "days": "By day",
            "alarms": "Alarms at parts of the budget",
            "drivers": "What makes the bill, and its uncertainty",
            "swings": "With another assumption",
            "jumps": "Where the price of more changes",
        },
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
    from lambdasim.finance.actual.comparison import shown_usd

    table = found.frame()
    columns = ("actual_cost", "our_cost", "from_usage", "from_rate", "from_other", "difference")
    shown = table[["period"]].copy()
    pairs = zip(table["usage_type"], table["line"], strict=True)
    shown["line"] = [f"{kind} {line.replace('_', ' ')}".strip() for kind, line in pairs]
    for name in columns:
        words = {"actual_cost": "actual", "our_cost": "ours"}.get(name, name.replace("_", " "))
        shown[words] = [shown_usd(usd) for usd in table[name]]
    shown["note"] = table["note"]
    services = found.frames()["services beside Lambda"]
    beside = services.rename(columns={"actual_cost": "actual", "our_cost": "ours"})
    for name in ("actual", "ours", "difference"):
        beside[name] = [shown_usd(usd) for usd in beside[name]]
    return StudyPage(
        title="A real bill beside ours",
        answer=(f"{found}.",),
        headline=(
            Fact("Actual", shown_usd(found.sum("actual_cost")), "the real bill"),
            Fact("Ours", shown_usd(found.sum("our_cost")), "as simulated"),
            Fact("Difference", shown_usd(found.sum("difference")), _explained(found)),
        ),
        notes=tuple(found.notes),
        tables={"lines": table, "other_services": services},
        shown={"lines": shown} | ({"other_services": beside} if len(services) else {}),
        pictures={"waterfall": Chart("plot_bill_comparison", found)},
        facts={name: plain(found.sum(name)) for name in columns},
    )


def _explained(found: BillComparison) -> str:
    """Say which part of the difference is usage, rate, or neither."""
    from lambdasim.finance.actual.comparison import shown_usd

    named = {"usage": "from_usage", "rates": "from_rate", "neither": "from_other"}
    return ", ".join(f"{words} {shown_usd(found.sum(name))}" for words, name in named.items())


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


def _forecast_shown(tables: Mapping[str, pd.DataFrame]) -> dict[str, pd.DataFrame]:
    """Write the tables of a forecast as people read them."""
    shown = {name: _in_usd(tables[name]) for name in ("lines", "functions", "days")}
    if "alarms" in tables:
        alarms = tables["alarms"]
        shown["alarms"] = alarms.assign(
            threshold=[f"{percent(part, 0)} of the budget" for part in alarms["threshold"]]
        ).rename(columns={"early": "P10 day", "middle": "P50 day", "late": "P90 day"})
        shown["drivers"] = tables["drivers"].rename(
            columns={"amount_share": "of_the_bill_share", "variance_share": "of_its_variance_share"}
        )
    if "jumps" in tables:
        jumps = tables["jumps"]
        shown["jumps"] = jumps.assign(
            multiple=[NONE if isnan(one) else f"{number(one)}×" for one in jumps["multiple"]],
            chance=[percent(one) for one in jumps["chance"]],
            usd=[money(one) for one in jumps["usd"]],
        ).rename(columns={"multiple": "of this traffic", "usd": "price of one more"})
    return shown


def _options(found: BreakEven) -> tuple[Fact, ...]:
    """Give this traffic's bill on each option, at both ends of what a server's process can do."""
    facts = []
    for row in found.ends.to_dict("records"):
        one, many = money(float(row["one_usd"])), money(float(row["many_usd"]))
        if one == many:
            listed = f"; {money(found.listed_usd)} without the free tier"
            has_tier = row["option"] == Option.LAMBDA.value and found.scenario.free_tier
            facts.append(Fact(str(row["option"]), one, found.per.words + listed * has_tier))
        else:
            facts.append(
                Fact(
                    str(row["option"]),
                    f"{many} to {one}",
                    f"{found.per.words}; many requests a process, or one",
                )
            )
    return tuple(facts)


def _without_free_tier(forecast: Forecast) -> tuple[float, ...]:
    """Give P10, P50 and P90 of the bill without the free tier, where it has one [USD]."""
    quantiles = np.quantile(forecast.listed_usd, (0.1, 0.5, 0.9))
    return tuple(quantiles.tolist()) if forecast.scenario.free_tier else ()


def _forecast_facts(forecast: Forecast, outlook: BudgetOutlook | None) -> tuple[Fact, ...]:
    low, middle, high = (float(usd) for usd in np.quantile(forecast.total_usd, (0.1, 0.5, 0.9)))
    events, paths = count(float(np.median(forecast.events))), len(forecast.total_usd)
    facts = [
        Fact(f"Bill of {forecast.month}", money(middle), f"{money(low)} to {money(high)} in 8 of 10 months"),
        Fact("Events", events, "median of the sample paths"),
    ]
    if listed := _without_free_tier(forecast):
        low, middle, high = listed
        facts.insert(1, Fact("Without the free tier", money(middle), f"{money(low)} to {money(high)}"))
    if outlook is not None:
        facts.append(
            Fact(
                "Budget",
                money(outlook.budget_usd),
                f"broken in {round(outlook.probability * paths):,} of {count(paths, 'sample path')}",
            )
        )
    return tuple(facts)
