"""Independent replications of a scenario, and intervals from them."""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import Executor
from functools import partial
from math import sqrt
from typing import TYPE_CHECKING, Final

import numpy as np

from lambdasim.errors import InputError
from lambdasim.results.gathering import check_replications, gather
from lambdasim.results.points.store import NUMBERS, PointStore, origin
from lambdasim.results.run import PERCENTILES, RunResult
from lambdasim.results.simulate import simulate
from lambdasim.specs.scenario import ScenarioSpec

if TYPE_CHECKING:
    import pandas as pd

_ONE: Final = "scenario"  # the only configuration


def replicate(
    scenario: ScenarioSpec,
    replications: int,
    level: float = 0.95,
    *,
    engine: str = "auto",
    executor: Executor | None = None,
    resume: str | os.PathLike[str] | None = None,
    first: RunResult | None = None,
    progress: Callable[[int], None] | None = None,
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
        The result does not depend on it, to the last bit. A scenario goes out and six numbers come back; workers must
        see the scenario's trace files under the same path.
    resume : path-like, optional
        Folder where each finished replication is kept. Those that are there already are not simulated again, unless the
        scenario, its traces, or the version of lambdasim and its prices have changed.
    first : RunResult, optional
        The run of the scenario itself where it is at hand: it is replication 0.
    progress : callable, optional
        Called with how many replications are finished.

    Returns
    -------
    DataFrame
        Index ``measure``: ``bill_usd``, ``p50_ms``, ``p95_ms``, ``p99_ms`` (latency of all functions together),
        ``cold_share``, ``throttled_share`` (of attempts). Columns ``mean``, ``low``, ``high``, ``replications``.

    Raises
    ------
    InputError
        When an argument cannot be accepted.
    WorkersLostError
        When the executor lost its workers.
    """
    import pandas as pd
    from scipy.special import stdtrit

    check_replications("replicate", replications)
    if not 0 < level < 1:
        raise InputError.single("replicate", "level", f"must be between 0 and 1, got {level}")
    given = {}
    if first is not None:
        if first.scenario != scenario or first.arrays_sha256:
            raise InputError.single("replicate", "first", "must be the run of the same scenario")
        given = {(_ONE, scenario.seed): _measures(first)}
    runs = pd.DataFrame(
        gather(
            partial(_replication, scenario.anywhere(), engine),
            [_ONE],
            scenario.seed,
            replications=replications,
            most=replications,
            wanted=lambda results: replications,
            executor=executor,
            progress=None if progress is None else lambda finished, planned: progress(finished),
            store=None if resume is None else lambda _: PointStore(resume, origin(scenario), NUMBERS),
            given=given,
        )[_ONE]
    )
    half = float(stdtrit(replications - 1, (1 + level) / 2)) * runs.std(ddof=1) / sqrt(replications)
    mean = runs.mean()
    table = pd.DataFrame(
        {"mean": mean, "low": mean - half, "high": mean + half, "replications": replications}
    )
    return table.rename_axis("measure")


def _replication(scenario: ScenarioSpec, engine: str, point: tuple[str, int]) -> dict[str, float]:
    """Simulate with one seed; this may be another machine."""
    return _measures(simulate(scenario.with_seed(point[1]), engine=engine, keep_records=False))


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
