"""What each hour of a run, and each invocation of a function, costs."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

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

    start_us = to_epoch_us(scenario.start)
    hours = -(-costs.minutes // _MINUTES)
    # Of each function only its hours are kept: minutes of thousands would take gigabytes.
    spent = {name: _by_hour(usd, hours) for name, usd in costs.by_share()}
    labels = timestamps(start_us, hours, US_PER_HOUR)
    names = sorted({*(spec.name for spec in scenario.functions), *spent})
    nothing = np.zeros(hours)
    return pd.DataFrame(
        {
            "timestamp": np.tile(np.array(labels), len(names)),
            "hour": np.tile(np.arange(hours), len(names)),
            "function": np.repeat(np.array(names), hours),
            "usd": np.concatenate([spent.get(name, nothing) for name in names]),
        }
    )


def _by_hour(usd: NDArray[np.float64], hours: int) -> NDArray[np.float64]:
    """Add minutes up to hours."""
    padded = np.zeros(hours * _MINUTES)
    padded[: len(usd)] = usd
    found: NDArray[np.float64] = padded.reshape(hours, _MINUTES).sum(axis=1)
    return found


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
