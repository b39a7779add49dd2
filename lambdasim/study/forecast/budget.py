"""A month's forecast against a budget: the chance to break it, when, what drives it, and what would keep it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from math import isinf
from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from lambdasim.billing import price_scenario
from lambdasim.billing.usage import BY_TIME
from lambdasim.errors import InputError
from lambdasim.specs.base import revised
from lambdasim.specs.scenario import ScenarioSpec
from lambdasim.study.forecast.month import month_of, month_scenario
from lambdasim.study.forecast.result import Forecast
from lambdasim.study.forecast.tables import QUANTILES
from lambdasim.study.forecast.usage import COUNTERS, PathUsage
from lambdasim.units import US_PER_DAY
from lambdasim.views import Result
from lambdasim.wording import money, percent, wrapped

if TYPE_CHECKING:
    import pandas as pd

THRESHOLDS: Final = (0.5, 0.8, 1.0)
_SURE: Final = 0.9


class Alarm(NamedTuple):
    """An alarm at a part of the budget, on actual or forecasted cost as AWS Budgets has them.

    Attributes
    ----------
    threshold : float
        Part of the budget.
    kind : str
        ``actual``: the bill so far; ``forecasted``: what the month is expected to come to.
    probability : float
        Of an actual alarm before the month ends; of a forecasted one, that the month comes to more than the threshold.
    early, middle, late : date or None
        P10, P50 and P90 of the day of an actual alarm, over the paths that give it.
    fires_now : bool
        Of a forecasted alarm: whether the median forecast is above the threshold today.
    """

    threshold: float
    kind: str
    probability: float
    early: date | None
    middle: date | None
    late: date | None
    fires_now: bool


class Driver(NamedTuple):
    """A function or a line item, and its part in the bill and in what is uncertain of it.

    Attributes
    ----------
    kind : str
        ``function`` or ``line``.
    name : str
    amount_share : float
        Of the mean bill.
    variance_share : float
        Covariance with the bill over the bill's variance; those of a kind add up to 1.
    """

    kind: str
    name: str
    amount_share: float
    variance_share: float


@dataclass(frozen=True, repr=False)
class BudgetOutlook(Result):
    """What is to be expected of a budget.

    Attributes
    ----------
    month : str
    budget_usd : float
    probability : float
        That the month's bill is above the budget.
    alarms : tuple of Alarm
    drivers : tuple of Driver
        Functions, then lines; the largest part of the variance first.
    keeping_factor : float or None
        Traffic times this would keep the budget on nine of ten paths, what depends on time being paid all the same; None
        where even no traffic would not.
    """

    month: str
    budget_usd: float
    probability: float
    alarms: tuple[Alarm, ...]
    drivers: tuple[Driver, ...]
    keeping_factor: float | None

    def text(self) -> str:
        """Return the outlook in at most 80 columns."""
        lines = [
            self._chance(),
            "",
            f"{'alarm at':<12}{'on':<14}{'probability':>12}{'P10 day':>12}{'P50 day':>12}{'P90 day':>12}",
        ]
        for alarm in self.alarms:
            days = (alarm.early, alarm.middle, alarm.late)
            shown = "".join(f"{day:%a %d}".rjust(12) if day else f"{'-':>12}" for day in days)
            if alarm.kind == "forecasted":
                shown = f"{'fires now' if alarm.fires_now else 'not today':>12}"
            lines.append(f"{alarm.threshold:<12.0%}{alarm.kind:<14}{alarm.probability:>12.0%}{shown}")
        for kind in ("function", "line"):
            lines += ["", f"{'by ' + kind:<44}{'of the bill':>12}{'of its variance':>18}"]
            for driver in self.drivers:
                if driver.kind == kind:
                    lines.append(
                        f"{driver.name[:43]:<44}{driver.amount_share:>12.0%}{driver.variance_share:>18.0%}"
                    )
        return "\n".join([*lines, "", self._kept()])

    def frame(self) -> pd.DataFrame:
        """Return the alarms; columns are the fields of ``Alarm``."""
        import pandas as pd

        return pd.DataFrame(self.alarms, columns=list(Alarm._fields))

    def frames(self) -> Mapping[str, pd.DataFrame]:
        """Return alarms, and drivers of the bill and of its variance."""
        import pandas as pd

        return {
            "alarms": self.frame(),
            "drivers": pd.DataFrame(self.drivers, columns=list(Driver._fields)),
        }

    def shown(self) -> Mapping[str, pd.DataFrame]:
        """Return both tables with the names that people read."""
        alarms, drivers = self.frames().values()
        named = {"threshold": "alarm_at_share", "early": "P10_day", "middle": "P50_day", "late": "P90_day"}
        return {"alarms": alarms.rename(columns=named), "drivers": drivers}

    def headline(self) -> str:
        """Say how likely the budget is to break, and what traffic would keep it."""
        return f"{self._chance()}. {self._kept()}"

    def _chance(self) -> str:
        chance = percent(self.probability, 0)
        return f"Budget {money(self.budget_usd)} for {self.month}: exceeded with {chance} probability"

    def _kept(self) -> str:
        if self.keeping_factor is None:
            kept = "No cut of traffic keeps the budget: what is paid for time alone is above it."
        elif isinf(self.keeping_factor):
            kept = "The bill does not depend on traffic: no growth breaks the budget."
        elif self.keeping_factor < 1:
            kept = f"Traffic cut by {1 - self.keeping_factor:.0%} keeps the budget in nine of ten months."
        else:
            kept = f"Traffic may grow by {self.keeping_factor - 1:.0%} with the budget kept in nine of ten months."
        return kept

    def __repr__(self) -> str:
        """Say how likely the budget is to break, and what traffic would keep it."""
        return wrapped(self.headline())


def budget_outlook(
    forecast: Forecast, budget_usd: float, *, thresholds: Sequence[float] = THRESHOLDS
) -> BudgetOutlook:
    """Hold a forecast against a budget.

    Parameters
    ----------
    forecast : Forecast
    budget_usd : float
        Of the month, above 0 [USD].
    thresholds : sequence of float
        Parts of the budget at which alarms are set, above 0.

    Returns
    -------
    BudgetOutlook

    Raises
    ------
    InputError
        When the budget or a threshold is not above 0.

    Notes
    -----
    For a sudden growth, forecast ``with_anomaly``.
    """
    for name, value in (("budget_usd", budget_usd), *(("thresholds", part) for part in thresholds)):
        if not 0 < value < float("inf"):
            raise InputError.single("budget", name, f"must be above 0, got {value}")
    total = forecast.total_usd
    alarms = [_actual(forecast, budget_usd, part) for part in thresholds]
    for part in thresholds:
        above = float((total > part * budget_usd).mean())
        now = bool(np.median(total) > part * budget_usd)
        alarms.append(Alarm(part, "forecasted", above, None, None, None, now))
    return BudgetOutlook(
        month=forecast.month,
        budget_usd=float(budget_usd),
        probability=float((total > budget_usd).mean()),
        alarms=tuple(alarms),
        drivers=(
            *_drivers("function", forecast.functions_usd, total),
            *_drivers("line", forecast.lines_usd, total),
        ),
        keeping_factor=_keeping_factor(forecast, budget_usd),
    )


def with_anomaly(scenario: ScenarioSpec, day: date, factor: float) -> ScenarioSpec:
    """Lay a cost anomaly over a scenario: so many times the traffic from the beginning of a day.

    Parameters
    ----------
    scenario : ScenarioSpec
    day : date
        In UTC.
    factor : float
        Above 0.

    Returns
    -------
    ScenarioSpec
        Of the day's month, to be forecast for it.

    Raises
    ------
    InputError
        When the factor is not above 0.

    Examples
    --------
    >>> import lambdasim as ls
    >>> spec = ls.load_scenario("notebooks/scenarios/thumbnails.yaml")
    >>> with_anomaly(spec, date(2026, 12, 10), 3.0).functions[0].traffic.ramps[0].factor
    3.0
    """
    if not 0 < factor < float("inf"):
        raise InputError.single("forecast", "anomaly", f"must have a factor above 0, got {factor}")
    moved = month_scenario(scenario, *month_of(f"{day:%Y-%m}"))
    at_us = (day.day - 1) * US_PER_DAY
    functions = []
    for function in moved.functions:
        ramp = {"at": f"{at_us}us", "duration": "1us", "factor": factor}
        ramps = (*(one.model_dump(by_alias=True) for one in function.traffic.ramps), ramp)
        functions.append(revised(function, {"traffic": revised(function.traffic, {"ramps": ramps})}))
    return revised(moved, {"functions": tuple(functions)})


def _actual(forecast: Forecast, budget_usd: float, part: float) -> Alarm:
    """Find the day on which each path's bill goes above a part of the budget."""
    above = forecast.cumulative_usd > part * budget_usd
    breaking = above[:, -1]
    if not breaking.any():
        return Alarm(part, "actual", 0.0, None, None, None, False)
    days = np.quantile(above[breaking].argmax(axis=1), QUANTILES, method="inverted_cdf")
    early, middle, late = (forecast.day(int(day)) for day in days)
    return Alarm(part, "actual", float(breaking.mean()), early, middle, late, False)


def _drivers(kind: str, parts: dict[str, NDArray[np.float64]], total: NDArray[np.float64]) -> list[Driver]:
    variance, mean = float(np.var(total)), float(total.mean())
    found = [
        Driver(
            kind,
            name,
            float(part.mean()) / mean if mean else 0.0,
            float(np.mean((part - part.mean()) * (total - mean))) / variance if variance else 0.0,
        )
        for name, part in parts.items()
    ]
    return sorted(found, key=lambda driver: (-driver.variance_share, -driver.amount_share, driver.name))


def _keeping_factor(forecast: Forecast, budget_usd: float) -> float | None:
    """Find the factor on traffic at which the P90 bill is the budget, on the simulated path nearest to it."""
    aim = float(np.quantile(forecast.total_usd, _SURE))
    bills = forecast.total_usd[list(forecast.simulated)]
    usage = forecast.usages[int(np.argmin(np.abs(bills - aim)))]
    own_usd = scaled_usd(forecast, usage, 1.0)
    if own_usd <= 0 or aim <= 0:
        return None if budget_usd < aim else float("inf")
    # The path's own bill stands in for P90: the budget is moved by what lies between the two.
    wanted = budget_usd * own_usd / aim
    if scaled_usd(forecast, usage, 0.0) > wanted:
        return None
    low, high = 0.0, 1.0
    while scaled_usd(forecast, usage, high) < wanted and high < 1e6:
        low, high = high, 2 * high
    for _ in range(30):
        middle = (low + high) / 2
        low, high = (middle, high) if scaled_usd(forecast, usage, middle) < wanted else (low, middle)
    return low


def scaled_usd(forecast: Forecast, usage: PathUsage, factor: float) -> float:
    """Price the month of a path as if it had so many times its traffic, what depends on time staying as it is [USD]."""
    factors = np.where(np.isin(COUNTERS, BY_TIME), 1.0, factor)
    grown = PathUsage(usage.rows, np.rint(usage.by_day * factors), usage.peak, 0.0, 0.0, 0.0)
    scenario = forecast.scenario
    rows = grown.usage_to(usage.by_day.shape[1])
    return float(price_scenario(scenario, rows).total)
