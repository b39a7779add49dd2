"""Pings that keep n environments warm, beside provisioned concurrency: what they keep at best, and what they cost."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

import numpy as np

from lambdasim.billing import Usage, price
from lambdasim.catalog import timing
from lambdasim.errors import InputError
from lambdasim.results.run import RunResult
from lambdasim.results.simulate import simulate
from lambdasim.specs.base import revised
from lambdasim.specs.scenario import ScenarioSpec
from lambdasim.units import US_PER_MS, format_duration, parse_duration_us

if TYPE_CHECKING:
    import pandas as pd

_EVERY: Final = "5min"
_PING_MS: Final = 100


def keep_warm(
    scenario: ScenarioSpec,
    function: str,
    environments: int,
    *,
    every: str = _EVERY,
    ping_ms: int = _PING_MS,
    engine: str = "auto",
) -> pd.DataFrame:
    """Compare pings that keep environments warm with provisioned concurrency, and with neither.

    Parameters
    ----------
    scenario : ScenarioSpec
    function : str
    environments : int
        How many are kept: n need n pings at once, which overlap.
    every : str
        Time from one round of pings to the next.
    ping_ms : int
        How long each ping sleeps so that they overlap [ms].
    engine : {"auto", "kernel", "reference"}

    Returns
    -------
    DataFrame
        One row each for ``as it is``, ``pings`` and ``provisioned``: ``cold_starts`` of requests, ``ping_cold_starts``,
        ``pings``, ``p99_ms`` of the function's latency, ``usd`` of the function in the run without free tier and without
        what calls the pings.

    Raises
    ------
    InputError
        When the function is unknown, has provisioned concurrency or SnapStart already, or a number is not above 0.

    Notes
    -----
    Pings are shown at their best: every ping reaches an environment of its own, and none is given up between two rounds.
    Requests then meet what they would meet with as much provisioned concurrency, at on-demand prices. Each kept
    environment is made anew when it reaches its longest life, which falls on a ping and is billed as INIT of the mean
    length. AWS promises none of this: one measurement found ten pings every five minutes to keep ten environments "most
    of the time", and 98 % of the cold starts on pings.
    """
    scenario.require_on_demand("keep_warm")
    every_us = parse_duration_us(every)
    for name, value in (("environments", environments), ("every", every_us), ("ping_ms", ping_ms)):
        if value <= 0:
            raise InputError.single("keep_warm", name, f"must be above 0, got {value}")
    spec = scenario.function(function)
    if spec.provisioned_concurrency or spec.target_tracking is not None or spec.snap_start is not None:
        raise InputError.single(
            "keep_warm", "function", "must have neither provisioned concurrency nor SnapStart to be compared"
        )
    idle = scenario.platform.keep_alive_us if spec.keep_alive_us is None else spec.keep_alive_us
    if isinstance(idle, int) and idle <= every_us:
        raise InputError.single(
            "keep_warm",
            "every",
            f"must be below the time for which an idle environment lives, {format_duration(idle)}",
        )
    now = simulate(scenario, engine=engine, keep_records=False)
    kept_spec = revised(spec, {"provisioned_concurrency": ({"at_us": 0, "count": environments},)})
    functions = tuple(kept_spec if one.name == function else one for one in scenario.functions)
    kept = simulate(revised(scenario, {"functions": functions}), engine=engine, keep_records=False)
    rounds = -(-scenario.duration_us // every_us)
    life_us = scenario.platform.max_lifetime_us or timing("environment_max_life_s").us
    remade = environments * -(-scenario.duration_us // life_us)
    pings = environments * rounds
    usages = [row for row in kept.usage() if row.function == function]
    pinged = [_on_demand(row) for row in usages]
    pinged[0] = _with_pings(pinged[0], pings, ping_ms, remade, _mean_init_ms(now, function))
    return _frame(
        [
            ("as it is", now, 0, 0, _usd(now, [row for row in now.usage() if row.function == function])),
            ("pings", kept, remade, pings, _usd(kept, pinged)),
            ("provisioned", kept, 0, 0, _usd(kept, usages)),
        ],
        function,
    )


def _on_demand(row: Usage) -> Usage:
    """Bill runs on provisioned environments like any others, and no allocation."""
    return replace(
        row,
        billed_ms_with_init=row.billed_ms_with_init + row.provisioned_billed_ms,
        billed_ms_without_init=row.billed_ms_without_init + row.provisioned_billed_ms,
        provisioned_requests=0,
        provisioned_extra_requests=0,
        provisioned_billed_ms=0,
        provisioned_init_ms=0,
        provisioned_allocated_s=0,
    )


def _with_pings(row: Usage, pings: int, ping_ms: int, remade: int, init_ms: int) -> Usage:
    return replace(
        row,
        requests=row.requests + pings,
        billed_ms_with_init=row.billed_ms_with_init + pings * ping_ms + remade * init_ms,
        billed_ms_without_init=row.billed_ms_without_init + pings * ping_ms,
    )


def _mean_init_ms(run: RunResult, function: str) -> int:
    """Give INIT's mean, from the draws of the first environments [ms]."""
    draws = run.plan.functions[run.aggregate.names.index(function)].draws
    init_us = draws.provisioned_init_us(np.arange(1000))
    return round(float(init_us.mean()) / US_PER_MS)


def _usd(run: RunResult, usages: list[Usage]) -> float:
    return float(price(usages, on=run.scenario.price_date, free_tier=False).total)


def _frame(rows: list[tuple[str, RunResult, int, int, float]], function: str) -> pd.DataFrame:
    import pandas as pd

    table = []
    for name, run, remade, pings, usd in rows:
        totals = run.aggregate.function(function)
        p99_ms = totals.all_latency_ms().quantile(0.99)
        table.append((name, totals.cold, remade, pings, p99_ms, usd))
    columns = ["way", "cold_starts", "ping_cold_starts", "pings", "p99_ms", "usd"]
    return pd.DataFrame(table, columns=columns)
