"""What each hour of a run, and each invocation of a function, costs."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Final

import numpy as np

from lambdasim.errors import CatalogError, Fault
from lambdasim.units import US_PER_HOUR, US_PER_MINUTE, timestamps, to_epoch_us

if TYPE_CHECKING:
    import pandas as pd

    from lambdasim.billing import InvocationCosts
    from lambdasim.results.usage.over_time import CostsOverTime
    from lambdasim.specs.scenario import ScenarioSpec

_MINUTES: Final = US_PER_HOUR // US_PER_MINUTE


def costs_by_hour(scenario: ScenarioSpec, costs: CostsOverTime) -> pd.DataFrame:
    """Spread a run's bill over its hours.

    Parameters
    ----------
    scenario : ScenarioSpec
    costs : CostsOverTime
        Of its run, without free tier.

    Returns
    -------
    DataFrame
        One row for each hour and function: ``timestamp``, the hour's beginning; ``hour`` since the scenario's start;
        ``function``, ``(shared)`` for what no one function uses; ``usd`` without free tier, each line at its mean rate of
        the month. All together sum to the bill without free tier, those of a function to its part of it. See
        ``CostsOverTime`` for when each line counts.
    """
    import pandas as pd

    by_function = dict(costs.by_share())
    start_us = to_epoch_us(scenario.start)
    hours = -(-costs.minutes // _MINUTES)
    labels = timestamps(start_us, hours, US_PER_HOUR)
    names = sorted({*(spec.name for spec in scenario.functions), *by_function})
    frames = []
    for name in names:
        usd = np.zeros(hours * _MINUTES)
        spent = by_function.get(name, usd)
        usd[: len(spent)] = spent
        frames.append(
            pd.DataFrame(
                {
                    "timestamp": labels,
                    "hour": np.arange(hours),
                    "function": name,
                    "usd": usd.reshape(hours, _MINUTES).sum(axis=1),
                }
            )
        )
    return pd.concat(frames, ignore_index=True)


def costs_frame(
    names: Iterable[str], costs_of: Callable[[str], InvocationCosts], percentiles: Sequence[float]
) -> pd.DataFrame:
    """Lay out costs of one invocation; see ``RunResult.costs``.

    Parameters
    ----------
    names : iterable of str
        Functions.
    costs_of : callable
        Gives a function's costs.
    percentiles : sequence of float

    Returns
    -------
    DataFrame
        A row for each function with on-demand invocations.

    Raises
    ------
    CatalogError
        With every rate that one of the functions needs and that is unknown.
    """
    import pandas as pd

    costs, missing = {}, list[Fault]()
    for name in names:
        try:
            costs[name] = costs_of(name)
        except CatalogError as error:
            missing += error.faults
    if missing:
        raise CatalogError(dict.fromkeys(missing))
    rows = [
        {
            "function": name,
            "usd_per_million": float(one.per_million()),
            **{f"p{round(q * 100)}_usd": float(one.quantile(q)) for q in percentiles},
            "slowest_5_percent_share": float(one.share_of_slowest(0.05)),
        }
        for name, one in costs.items()
        if one.n
    ]
    return pd.DataFrame(rows)
