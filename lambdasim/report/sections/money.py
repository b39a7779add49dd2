"""What a page says to finance: the bill and its range, whose it is, other regions, rates and commitments."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from lambdasim.billing.exact import plain
from lambdasim.catalog import price_sheet, regions
from lambdasim.errors import CatalogError, InputError
from lambdasim.finance.owners.allocation import allocated_costs
from lambdasim.report.html import Fact, bullets, figure, folded, heading, paragraph, table_html
from lambdasim.report.pictures import Chart
from lambdasim.report.sections.run import bill_fact
from lambdasim.study.commitment.advise import advise_commitment
from lambdasim.wording import count, money, money_cell, percent

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd

    from lambdasim.billing import Bill
    from lambdasim.finance.owners.allocation import CostShare
    from lambdasim.results.run import RunResult

_MOST_FUNCTIONS: Final = 10
_MOST_REGIONS: Final = 6
_MILLION: Final = 1_000_000


def facts(run: RunResult, bill: Bill, intervals: pd.DataFrame | None) -> list[Fact]:
    """Give what a reader who pays takes away."""
    found = [bill_fact(run, bill, intervals)]
    events = sum(totals.events for totals in run.aggregate.functions)
    paid, said = _payable(run, bill)
    if events and paid.total:
        tier = ", without free tier" if said else ""
        per_million = money(paid.total * _MILLION / events, paid.currency)
        found.append(Fact("A million events", per_million, f"{events:,} events in all{tier}"))
        largest = allocated_costs(paid, top=1)[0]
        share = percent(float(largest.share), 0)
        found.append(Fact("Costs most", largest.name, f"{share} of the bill{tier}"))
        line = max(paid.items, key=lambda item: item.amount)
        found.append(Fact("Largest line", line.usage_type, f"{money(line.amount, paid.currency)}{tier}"))
    return found


def owners(run: RunResult, bill: Bill) -> list[str]:
    """Show whose the bill is; nothing where there is nothing to pay."""
    if not bill.items:
        return []
    paid, said = _payable(run, bill)
    drawn = Chart("plot_functions", paid).drawn()
    shares = allocated_costs(paid)
    first = _shares(allocated_costs(paid, top=_MOST_FUNCTIONS), paid, "Bill by function")
    rest = _shares(shares, paid, "Bill by function, all") if len(shares) > _MOST_FUNCTIONS else ""
    return [
        heading("Whose bill it is"),
        *said,
        first,
        folded(f"All {count(len(shares), 'function')}", rest) if rest else "",
        figure(drawn),
    ]


def _payable(run: RunResult, bill: Bill) -> tuple[Bill, list[str]]:
    """Give the bill where it is above zero; else the one without the free tier that covers it, and the sentence."""
    if bill.total or not run.scenario.free_tier:
        return bill, []
    said = "The free tier covers all of it; these are the figures without."
    return run.charges(free_tier=False), [paragraph(said, "small")]


def _shares(shares: Sequence[CostShare], bill: Bill, name: str) -> str:
    import pandas as pd

    table = pd.DataFrame(
        {
            "function": [one.name for one in shares],
            bill.currency: [money(one.amount, bill.currency).replace("$", "") for one in shares],
            "of the bill": [percent(float(one.share), 1) for one in shares],
        }
    )
    return table_html(table, name)


def other_regions(run: RunResult, bill: Bill) -> list[str]:
    """Show what the same usage costs in each region with a price sheet, the cheapest first."""
    import pandas as pd

    rows = []
    paid, said = _payable(run, bill)
    free = None if paid is bill else False
    for region in regions():
        try:
            priced = run.charges(region=region, free_tier=free)
        except (CatalogError, InputError):
            continue
        sheet = price_sheet(region, run.scenario.billing_day)
        rates = [sheet.rates(one.architecture.value) for one in run.scenario.functions]
        read = all(tier.rate.is_confirmed for rate in rates for tier in rate.tiers)
        rows.append((region, priced.total, "read from AWS" if read else "partly derived"))
    rows.sort(key=lambda row: (row[1], row[0]))
    table = pd.DataFrame(
        {
            "region": [region for region, _, _ in rows],
            "USD": [money_cell(total) for _, total, _ in rows],
            "against this bill": [money(total - paid.total, signed=True) for _, total, _ in rows],
            "rates": [known for _, _, known in rows],
        }
    )
    if len(table) < 2:
        return []
    here = table[table["region"] == run.scenario.region]
    first = pd.concat([here, table.drop(here.index).head(_MOST_REGIONS)])
    return [
        heading("The same usage in other regions"),
        *said,
        table_html(first, "Bill by region"),
        paragraph(
            "The same runs at another region's rates, nothing simulated again; transfer between regions and what else "
            "would move with the functions is not in it.",
            "small",
        ),
        folded(f"All {count(len(table), 'region')}", table_html(table, "Bill by region, all")),
    ]


def commitment(run: RunResult) -> list[str]:
    """Show the Compute Savings Plan that costs least, for usage like this all year."""
    if not run.charges(free_tier=False).total:
        return []
    import pandas as pd

    study = advise_commitment(run)
    table = pd.DataFrame(
        [
            {
                "plan": f"{count(option.plan.years, 'year')}, {option.plan.payment.value.replace('_', ' ')}",
                "discount": percent(float(option.discount)),
                "commit per hour": f"${float(option.usd_per_hour):,.5f}" if option.usd_per_hour else "none",
                "bill": money(option.total_usd),
                "saving": money(option.saving_usd),
            }
            for option in study.options
        ]
    )
    return [
        heading("A commitment"),
        paragraph(repr(study)),
        table_html(table, "Savings Plans"),
        bullets(study.notes),
    ]


def rates(run: RunResult, bill: Bill) -> list[str]:
    """Show each rate of the bill with the date of its sheet."""
    import pandas as pd

    if not bill.items:
        return []
    sheet = price_sheet(run.scenario.region, run.scenario.billing_day)
    table = pd.DataFrame(
        [
            {"line": item.usage_type, "rate": plain(item.rate), "unit": item.unit, "tier": item.tier}
            for item in bill.items
            if item.rate
        ]
    )
    return [
        heading("Rates"),
        paragraph(
            f"{run.scenario.region}, sheet as of {sheet.as_of}, rules of {run.scenario.billing_day}. Rates in "
            f"{bill.currency}."
        ),
        table_html(table, "Rates"),
    ]
