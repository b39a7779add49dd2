"""What each hour of a run costs, by function."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from lambdasim.billing import Usage, price
from lambdasim.specs.function import FunctionSpec
from lambdasim.specs.scenario import ScenarioSpec
from lambdasim.units import US_PER_HOUR, US_PER_MINUTE, US_PER_S, timestamps, to_epoch_us

if TYPE_CHECKING:
    import pandas as pd

    from lambdasim.engine.totals.aggregate import Aggregate

METRIC_OF_COUNTER: Final = {
    "requests": "Invocations",
    "provisioned_requests": "ProvisionedConcurrencyInvocations",
    "billed_ms_with_init": "BilledMsWithInit",
    "billed_ms_without_init": "BilledMsWithoutInit",
    "provisioned_billed_ms": "ProvisionedBilledMs",
}
_WHOLE_OF: Final = {"provisioned_requests": "requests", "billed_ms_without_init": "billed_ms_with_init"}
ALLOCATED: Final = "provisioned_allocated_s"
_MINUTES: Final = US_PER_HOUR // US_PER_MINUTE


def list_costs_by_hour(scenario: ScenarioSpec, aggregate: Aggregate) -> pd.DataFrame:
    """Price every hour of a run on its own: requests, duration and provisioned concurrency.

    Parameters
    ----------
    scenario : ScenarioSpec
    aggregate : Aggregate
        Of its run.

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
    totals = dict(zip(aggregate.names, aggregate.functions, strict=True))
    frames = []
    for spec in sorted(scenario.functions, key=lambda spec: spec.name):
        per_minute = totals[spec.name].counts.of(*METRIC_OF_COUNTER.values())
        counted = dict(zip(METRIC_OF_COUNTER, map(_by_hour, per_minute), strict=True))
        counted[ALLOCATED] = allocated_s(scenario, spec, US_PER_HOUR)
        hours = np.arange(max(map(len, counted.values())))
        months = ((start_us + hours * US_PER_HOUR).astype("datetime64[us]")).astype("datetime64[M]")
        usd = np.zeros(len(hours))
        for month in np.unique(months):
            rates = list_rates(scenario, spec, str(month))
            for name, counts in counted.items():
                within = months[: len(counts)] == month
                usd[: len(counts)][within] += counts[within] * rates[name]
        frames.append(
            pd.DataFrame(
                {
                    "timestamp": timestamps(start_us, len(hours), US_PER_HOUR),
                    "hour": hours,
                    "function": spec.name,
                }
                | {"usd": usd}
            )
        )
    return pd.concat(frames, ignore_index=True)


def _by_hour(per_minute: NDArray[np.int64]) -> NDArray[np.int64]:
    whole = np.pad(per_minute, (0, -len(per_minute) % _MINUTES)).reshape(-1, _MINUTES)
    summed: NDArray[np.int64] = whole.sum(axis=1)
    return summed


def allocated_s(scenario: ScenarioSpec, spec: FunctionSpec, span_us: int) -> NDArray[np.int64]:
    """Give environment-seconds of provisioned concurrency in each span of time.

    Parameters
    ----------
    scenario : ScenarioSpec
    spec : FunctionSpec
    span_us : int
        Length of a span [µs].

    Returns
    -------
    ndarray of int64, shape (n_spans,)
        [s]; empty where none is provisioned.
    """
    length_us = scenario.duration_us
    steps = spec.provisioned_steps(to_epoch_us(scenario.start), length_us)
    edges_us = np.arange(-(-length_us // span_us) + 1) * span_us if steps else np.zeros(1, dtype=np.int64)
    held_us = np.zeros(len(edges_us) - 1, dtype=np.int64)
    for at_us, end_us, count in steps.levels():
        inside_us = np.clip(edges_us, at_us, end_us)
        held_us += count * (inside_us[1:] - inside_us[:-1])
    return held_us // US_PER_S


def list_rates(scenario: ScenarioSpec, spec: FunctionSpec, month: str) -> dict[str, float]:
    """Give what one of each counter costs in a month; at the first tier a price is a sum of counts times rates.

    Parameters
    ----------
    scenario : ScenarioSpec
    spec : FunctionSpec
    month : str
        ``YYYY-MM``.

    Returns
    -------
    dict of str to float
        By counter of ``METRIC_OF_COUNTER`` and ``ALLOCATED`` [USD].
    """

    def total(**used: int) -> Decimal:
        usage = Usage.of_function(spec, scenario.region, month, **used)
        return price([usage], on=scenario.price_date, free_tier=False).total

    rates = {name: total(**{name: 1}) for name in (*METRIC_OF_COUNTER, ALLOCATED) if name not in _WHOLE_OF}
    for part, whole in _WHOLE_OF.items():
        rates[part] = total(**{whole: 1, part: 1}) - rates[whole]
    return {name: float(usd) for name, usd in rates.items()}
