"""What each hour of a run costs, by function."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from lambdasim.results.usage.over_time import CostsOverTime
from lambdasim.units import US_PER_HOUR, US_PER_MINUTE, timestamps, to_epoch_us

if TYPE_CHECKING:
    import pandas as pd

    from lambdasim.results.run import RunResult

_MINUTES: Final = US_PER_HOUR // US_PER_MINUTE


def costs_by_hour(run: RunResult) -> pd.DataFrame:
    """Spread a run's bill over its hours.

    Parameters
    ----------
    run : RunResult

    Returns
    -------
    DataFrame
        One row for each hour and function: ``timestamp``, the hour's beginning; ``hour`` since the scenario's start;
        ``function``, ``(shared)`` for what no one function uses; ``usd`` without free tier, each line at its mean rate of
        the month. All together sum to the bill without free tier, those of a function to its part of it. See
        ``CostsOverTime`` for when each line counts.
    """
    import pandas as pd

    costs = CostsOverTime(run, run.charges(free_tier=False))
    by_function = dict(costs.by_share())
    start_us = to_epoch_us(run.scenario.start)
    hours = -(-costs.minutes // _MINUTES)
    labels = timestamps(start_us, hours, US_PER_HOUR)
    names = sorted({*(spec.name for spec in run.scenario.functions), *by_function}, key=lambda name: name)
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
