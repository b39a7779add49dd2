"""Independent replications of a scenario, and intervals from them."""

from __future__ import annotations

from concurrent.futures import Executor
from functools import partial
from math import sqrt
from typing import TYPE_CHECKING

import numpy as np

from lambdasim.errors import InputError
from lambdasim.results.run import PERCENTILES, RunResult
from lambdasim.results.simulate import simulate
from lambdasim.specs.base import revised
from lambdasim.specs.scenario import ScenarioSpec

if TYPE_CHECKING:
    import pandas as pd


def replicate(
    scenario: ScenarioSpec,
    replications: int,
    level: float = 0.95,
    *,
    engine: str = "auto",
    executor: Executor | None = None,
) -> pd.DataFrame:
    """Simulate a scenario with several seeds, and give intervals.

    Parameters
    ----------
    scenario : ScenarioSpec
        Replication k has the scenario's seed plus k.
    replications : int
        At least 2.
    level : float
        Of the t-interval.
    engine : {"auto", "kernel", "reference"}
    executor : concurrent.futures.Executor, optional
        Where replications run side by side: a ``ProcessPoolExecutor``, or a Dask cluster's ``Client.get_executor()``.
        The result does not depend on it.

    Returns
    -------
    DataFrame
        Index ``measure``: ``bill_usd``, ``p50_ms``, ``p95_ms``, ``p99_ms`` (latency of all functions together),
        ``cold_share``, ``throttled_share`` (of attempts). Columns ``mean``, ``low``, ``high``, ``replications``.

    Raises
    ------
    InputError
        When an argument cannot be accepted.
    """
    import pandas as pd
    from scipy.special import stdtrit

    if replications < 2:
        raise InputError.single("replicate", "replications", f"must be at least 2, got {replications}")
    if not 0 < level < 1:
        raise InputError.single("replicate", "level", f"must be between 0 and 1, got {level}")
    seeds = [(scenario.seed + k) % (1 << 64) for k in range(replications)]
    measure = partial(_replication, scenario, engine)
    runs = pd.DataFrame(map(measure, seeds) if executor is None else executor.map(measure, seeds))
    half = float(stdtrit(replications - 1, (1 + level) / 2)) * runs.std(ddof=1) / sqrt(replications)
    mean = runs.mean()
    table = pd.DataFrame(
        {"mean": mean, "low": mean - half, "high": mean + half, "replications": replications}
    )
    return table.rename_axis("measure")


def _replication(scenario: ScenarioSpec, engine: str, seed: int) -> dict[str, float]:
    return _measures(simulate(revised(scenario, {"seed": seed}), engine=engine, keep_records=False))


def _measures(run: RunResult) -> dict[str, float]:
    latency = run.latency_ms()
    summary = run.summary()
    runs, throttled = int(summary["runs"].sum()), int(summary["throttled"].sum())
    cold = float(np.nansum(summary["cold_share"] * summary["runs"]))
    return {
        "bill_usd": float(run.charges().total),
        **{f"p{round(q * 100)}_ms": latency.quantile(q) for q in PERCENTILES},
        "cold_share": cold / runs if runs else float("nan"),
        "throttled_share": throttled / (runs + throttled) if runs + throttled else float("nan"),
    }
