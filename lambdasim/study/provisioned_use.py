"""The use above which provisioned concurrency saves money."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from math import inf

from lambdasim.billing.distribution import needed
from lambdasim.catalog import price_sheet
from lambdasim.specs.function import FunctionSpec
from lambdasim.specs.scenario import ScenarioSpec
from lambdasim.wording import percent


def is_priced(region: str, on: date, architecture: str) -> bool:
    """Say whether a region's rates of provisioned concurrency are known.

    Parameters
    ----------
    region : str
    on : date
    architecture : str
    """
    rates = price_sheet(region, on).rates(architecture)
    return rates.pc_idle.usd is not None and rates.pc_duration.usd is not None


def break_even_utilization(spec: FunctionSpec, scenario: ScenarioSpec) -> float:
    """Give the use above which a provisioned environment is cheaper than on demand.

    NaN where a rate is unknown; infinite where none makes it cheaper.

    Notes
    -----
    Idle price over what each used GB-s saves: ``idle / (on demand - provisioned duration)``, first tier.

    Examples
    --------
    >>> from lambdasim.specs import load_scenario_text
    >>> spec = load_scenario_text('''
    ... {name: x, start: "2026-11-01T00:00:00Z", duration: 1h,
    ...  functions: [{name: f, traffic: {constant: {rate_per_s: 1}}}]}''')
    >>> round(break_even_utilization(spec.functions[0], spec), 2)
    0.6
    """
    sheet = price_sheet(scenario.region, scenario.billing_day)
    rates = sheet.rates(spec.architecture.value)
    if rates.pc_idle.usd is None or rates.pc_duration.usd is None:
        return float("nan")
    saved: Decimal = needed(rates.tiers[0].rate, sheet, "duration") - rates.pc_duration.usd
    return float(rates.pc_idle.usd / saved) if saved > 0 else inf


def pays_above(use: float) -> str:
    """Say from which use on provisioned concurrency saves money.

    Parameters
    ----------
    use : float
        As ``break_even_utilization`` gives it.

    Examples
    --------
    >>> pays_above(0.6), pays_above(1.01), pays_above(inf)
    ('only above a use of 60%', 'at no use', 'at no use')
    """
    return (
        f"only above a use of {percent(use, 0)}"
        if use <= 1
        else "at no use"
        if use > 1
        else "above a use that is not known"
    )
