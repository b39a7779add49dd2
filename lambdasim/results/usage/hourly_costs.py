"""What each hour of a run costs, by function."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from lambdasim.billing import Usage, price
from lambdasim.specs.function import FunctionSpec
from lambdasim.specs.scenario import ScenarioSpec
from lambdasim.units import US_PER_HOUR, US_PER_MINUTE, US_PER_S, from_epoch_us, to_epoch_us

if TYPE_CHECKING:
    import pandas as pd

METRIC_OF_COUNTER: Final = {
    "requests": "Invocations",
    "provisioned_requests": "ProvisionedConcurrencyInvocations",
    "billed_ms_with_init": "BilledMsWithInit",
    "billed_ms_without_init": "BilledMsWithoutInit",
    "provisioned_billed_ms": "ProvisionedBilledMs",
}
_MINUTES: Final = US_PER_HOUR // US_PER_MINUTE


def list_costs_by_hour(scenario: ScenarioSpec, metrics: pd.DataFrame) -> pd.DataFrame:
    """Price every hour of a run on its own: requests, duration and provisioned concurrency.

    Parameters
    ----------
    scenario : ScenarioSpec
    metrics : DataFrame
        Of its run, see ``RunResult.metrics``.

    Returns
    -------
    DataFrame
        One row for each hour and function: ``timestamp``, the hour's beginning; ``hour`` since the scenario's start;
        ``function``; ``usd`` at list rates, which are those of the first tier without free tier. An attempt counts in the
        hour in which it starts; provisioned concurrency in the hours in which it was asked for, without its INIT
        and without the rounding of each allocation to whole billing steps.
    """
    import pandas as pd

    start_us = to_epoch_us(scenario.start)
    rows: list[tuple[str, int, str, float]] = []
    for spec in sorted(scenario.functions, key=lambda spec: spec.name):
        minutes = metrics[metrics["function"] == spec.name]
        counted = {name: _by_hour(minutes[column].to_numpy()) for name, column in METRIC_OF_COUNTER.items()}
        counted["provisioned_allocated_s"] = _allocated_s(scenario, spec)
        hours = max(map(len, counted.values()))
        table = {name: np.pad(counts, (0, hours - len(counts))).tolist() for name, counts in counted.items()}
        for hour in range(hours):
            begin = from_epoch_us(start_us + hour * US_PER_HOUR)
            used = {name: counts[hour] for name, counts in table.items()}
            usd = _list_price(scenario, spec, f"{begin:%Y-%m}", used) if any(used.values()) else 0.0
            rows.append((begin.isoformat().replace("+00:00", "Z"), hour, spec.name, usd))
    return pd.DataFrame(rows, columns=["timestamp", "hour", "function", "usd"])


def _by_hour(per_minute: NDArray[np.int64]) -> NDArray[np.int64]:
    whole = np.pad(per_minute, (0, -len(per_minute) % _MINUTES)).reshape(-1, _MINUTES)
    summed: NDArray[np.int64] = whole.sum(axis=1)
    return summed


def _allocated_s(scenario: ScenarioSpec, spec: FunctionSpec) -> NDArray[np.int64]:
    """Give environment-seconds of provisioned concurrency in each hour."""
    length_us = scenario.duration_us
    steps = spec.provisioned_steps(to_epoch_us(scenario.start), length_us)
    edges_us = (
        np.arange(-(-length_us // US_PER_HOUR) + 1) * US_PER_HOUR if steps else np.zeros(1, dtype=np.int64)
    )
    held_us = np.zeros(len(edges_us) - 1, dtype=np.int64)
    for at_us, end_us, count in steps.levels():
        inside_us = np.clip(edges_us, at_us, end_us)
        held_us += count * (inside_us[1:] - inside_us[:-1])
    return held_us // US_PER_S


def _list_price(scenario: ScenarioSpec, spec: FunctionSpec, month: str, used: dict[str, Any]) -> float:
    usage = Usage.of_function(spec, scenario.region, month, **used)
    return float(price([usage], on=scenario.price_date, free_tier=False).total)
