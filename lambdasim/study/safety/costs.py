"""Prices measures of security and compliance: what a scenario has of them, and what the others would cost."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from decimal import Decimal
from fractions import Fraction
from math import ceil

from lambdasim.billing import NeighbourTerms, Usage, price_scenario
from lambdasim.billing.neighbours.counts import (
    MeterKey,
    busy_seconds,
    meter_counts,
    own_prices,
    sampled_traces,
)
from lambdasim.billing.neighbours.pricing import price_meters
from lambdasim.catalog.prices.meters import meter_defaults, meters
from lambdasim.errors import InputError
from lambdasim.results.run import RunResult
from lambdasim.results.usage.as_month import monthly_usage, period_of
from lambdasim.study.safety.measures import MEASURES, Measure, Month
from lambdasim.study.safety.result import SafetyCosts, SafetyLine
from lambdasim.units import US_PER_HOUR


def safety_costs(run: RunResult, per: str | None = None) -> SafetyCosts:
    """Say what security and compliance cost beside a run's own bill.

    Parameters
    ----------
    run : RunResult
    per : {"month", "run"}, optional
        Period of the money. Default: a month; the run, where it is no sample of one, see ``month_basis``. Keys, secrets
        and stored logs are paid for a whole month in either.

    Returns
    -------
    SafetyCosts
        A line for each measure: what of it the scenario has, by its meters in ``uses`` and ``neighbours``, and what it
        would cost as assumed, where it has none.

    Raises
    ------
    InputError
        When it is given no run.

    Notes
    -----
    Free parts are taken off where the scenario has its free tier, each measure by itself; what is assumed has
    those of one month.
    """
    if not isinstance(run, RunResult):
        raise InputError.single("safety", "run", f"must be what simulate returns, got {type(run).__name__}")
    scenario = run.scenario
    period = period_of(scenario, per)
    factor = period.factor
    usage = monthly_usage(run.usage(), factor)
    name = usage[0].month if usage else f"{scenario.start:%Y-%m}"
    own, terms = own_prices(scenario), NeighbourTerms.of_scenario(scenario)
    counted: Counter[MeterKey] = Counter()
    if terms is not None and usage:
        for key, count in meter_counts(usage, {"": terms}).items():
            counted[key._replace(function="all")] += count

    def usd(counts: Mapping[MeterKey, int]) -> Decimal:
        found = price_meters(counts, free_tier=scenario.free_tier, own_usd=own)
        return sum((item.amount for item in found.items), Decimal(0))

    def assumed(measure: Measure) -> dict[MeterKey, int]:
        counts = measure.counts(month)
        return {
            MeterKey(name, scenario.region, meter, "all"): count for meter, count in counts.items() if count
        }

    month = _month(run, factor, usage)
    lines = []
    for measure in MEASURES:
        mine = _of(measure, counted)
        lines.append(
            SafetyLine(
                measure.name,
                bool(mine),
                float(usd(mine)),
                "" if mine else measure.assumed,
                float(usd(assumed(measure))),
                measure.choice,
            )
        )
    total, listed = (
        float(price_scenario(scenario, usage, free_tier=free).total) if usage else 0.0
        for free in (scenario.free_tier, False)
    )
    basis = period.basis.text(per_month=period.name == "month")
    return SafetyCosts(
        scenario.name,
        tuple(lines),
        total,
        listed,
        basis,
        scenario.region,
        period.said,
        period.words,
        tuple(_prices(scenario.region, own)),
    )


def _prices(region: str, own: Mapping[str, Decimal]) -> Iterator[str]:
    """Say where the prices of all measures come from, and of when they are."""
    names: defaultdict[str, list[str]] = defaultdict(list)
    for one in meters().values():
        if one.name.startswith(tuple(start for measure in MEASURES for start in measure.meters)):
            if one.name in own:
                names["your own, neighbours.own_usd"].append(one.name)
                continue
            price = one.price(region)
            known = price.note.split(":")[0] if price.note else "read from AWS"
            names[f"{price.source}, seen {price.as_of.isoformat()} ({known})"].append(one.name)
    for source, found in names.items():
        yield f"Prices of {', '.join(found)}: {source}."


def _of(measure: Measure, counted: Mapping[MeterKey, int]) -> dict[MeterKey, int]:
    """Return what the scenario counts on a measure's meters."""
    return {
        key: count
        for key, count in counted.items()
        if measure.meters and key.meter.startswith(measure.meters)
    }


def _month(run: RunResult, factor: Fraction, usage: Iterable[Usage]) -> Month:
    defaults = meter_defaults()
    totals = list(zip(run.plan.functions, run.aggregate.functions, strict=True))
    each = {
        spec.name: defaults.log_platform_bytes + (spec.uses.log_bytes or 0) for spec in run.scenario.functions
    }
    return Month(
        functions=len(totals),
        runs=round(sum(one.runs for _, one in totals) * factor),
        cold=round(sum(one.cold for _, one in totals) * factor),
        hours=ceil(Fraction(run.scenario.duration_us, US_PER_HOUR) * factor),
        log_bytes=round(sum(one.runs * each[plan.name] for plan, one in totals) * factor),
        traces=sum(sampled_traces(row.requests, busy_seconds(row)) for row in usage),
    )
