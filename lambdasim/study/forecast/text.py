"""A forecast as text of at most 80 columns, and what it rests on in words."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from lambdasim.engine.plan import plan_scenario
from lambdasim.results.foreseen import of_work
from lambdasim.wording import clipped, listed, money, wrapped

if TYPE_CHECKING:
    from lambdasim.study.forecast.tables import ForecastTables


def text(forecast: ForecastTables) -> str:
    """Write the month's bill by line item, by function and by week, with P10, P50 and P90 [USD]."""
    lines = [
        wrapped(headline(forecast)),
        "",
        f"{'USD':<41}{'P10':>13}{'P50':>13}{'P90':>13}",
    ]
    for row in forecast.lines().itertuples(index=False):
        lines.append(f"{clipped(row[0], 40):<41}{row[1]:>13,.2f}{row[2]:>13,.2f}{row[3]:>13,.2f}")
    if len(forecast.functions_usd) > 1:
        lines += ["", f"{'by function':<41}{'P10':>13}{'P50':>13}{'P90':>13}"]
        for row in forecast.functions().itertuples(index=False):
            lines.append(f"{clipped(row[0], 40):<41}{row[1]:>13,.2f}{row[2]:>13,.2f}{row[3]:>13,.2f}")
    lines += ["", f"{'bill up to and with':<41}{'P10':>13}{'P50':>13}{'P90':>13}"]
    table = np.quantile(forecast.cumulative_usd, (0.1, 0.5, 0.9), axis=0)
    last = forecast.traffic.n_days - 1
    for day in sorted({*range(6, last + 1, 7), last}):
        known = " (known)" if day < forecast.traffic.known_days else ""
        label = f"{forecast.day(day):%a %d %b}{known}"
        lines.append(f"{label:<41}" + "".join(f"{usd:>13,.2f}" for usd in table[:, day]))
    return "\n".join([*lines, "", *(wrapped(note, first="- ") for note in notes(forecast))])


def headline(forecast: ForecastTables) -> str:
    """Say what the month costs, and in which range."""
    free = ""
    if forecast.scenario.free_tier:
        free = f"; without the free tier {_range(forecast.listed_usd)}"
    return (
        f"{clipped(forecast.scenario.name, 40)}, {forecast.month}: "
        f"{_range(forecast.total_usd)} in 8 of 10 months{free}"
    )


def _range(usd: NDArray[np.float64]) -> str:
    """Write the middle of some bills, and the range of 8 in 10."""
    low, middle, high = np.quantile(usd, (0.1, 0.5, 0.9)).tolist()
    return f"{money(middle)}, {money(low)} to {money(high)}"


def notes(forecast: ForecastTables) -> tuple[str, ...]:
    """Say what a forecast rests on; see ``Forecast.notes``."""
    traffic = forecast.traffic
    found = [
        "P10, P50 and P90 are taken of each row by itself over the sample paths: rows do not add up to the total.",
        f"{len(forecast.total_usd)} sample paths of traffic, {len(forecast.simulated)} of them simulated.",
    ]
    if len(forecast.simulated) < len(forecast.total_usd):
        found.append(
            f"The others are estimated from their volume by day; a simulated path estimated this way has a bill wrong by "
            f"{forecast.fit_error:.2%}, at most {forecast.fit_worst:.2%}."
        )
    low, middle, high = np.quantile(forecast.events, (0.1, 0.5, 0.9))
    found.append(f"Events: {middle:,.0f} at P50, P10 {low:,.0f}, P90 {high:,.0f}.")
    if forecast.scenario.free_tier:
        found.append("The account's whole free tier is taken off this bill.")
    for name, past in traffic.histories.items():
        even = "; its days are spread evenly, as it has one count a day" if past.shapes.shape[1] == 1 else ""
        found.append(
            f"{clipped(name, 64)}: history of {len(past.totals)} days, beginning {past.first_day}{even}."
        )
        found += [f"{clipped(name, 64)}: {warning}." for warning in past.warnings]
    for name in forecast.low_confidence:
        found.append(
            f"LOW CONFIDENCE: {clipped(name, 64)} has less than five weeks of history, the range is wider."
        )
    found += of_work(plan_scenario(forecast.scenario).functions)
    without = sorted(set(forecast.functions_usd) - set(traffic.histories))
    if without:
        found.append(f"Without a history, traffic follows the scenario: {listed(without, 8)}.")
    if len(traffic.histories) > 1:
        found.append("Functions are assumed to share half of their weekly drift.")
    throttled = float(np.mean([usage.throttled for usage in forecast.usages]))
    peak = np.quantile([usage.peak for usage in forecast.usages], (0.5, 0.9))
    found.append(
        f"Peak concurrency {peak[0]:,.0f} (P90 {peak[1]:,.0f}), {throttled:.2%} of attempts throttled, "
        f"{float(np.mean([usage.cold for usage in forecast.usages])):.2%} cold starts."
    )
    return tuple(found)
