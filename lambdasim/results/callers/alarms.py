"""When a scenario's alarms fire in a run, and what had been spent by then."""

from __future__ import annotations

from math import isnan
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from lambdasim.specs.callers.alarms import AlarmMetric, AlarmSpec
from lambdasim.units import US_PER_MINUTE, US_PER_S, format_duration
from lambdasim.wording import clipped, listed, money, wrapped

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pandas as pd

    from lambdasim.billing import Bill
    from lambdasim.results.usage.over_time import CostsOverTime
    from lambdasim.specs.scenario import ScenarioSpec

_COLUMNS: Final = (
    "alarm",
    "condition",
    "breached_s",
    "fires_s",
    "usd_by_then",
    "usd_at_end",
    "run_s",
    "costs",
)
_NEVER: Final = float("nan")
_S_PER_MINUTE: Final = 60


def alarms_frame(
    scenario: ScenarioSpec, metrics: pd.DataFrame | None, costs: CostsOverTime | None, bill: Bill | None
) -> pd.DataFrame:
    """Lay out when each alarm of a scenario fires.

    Parameters
    ----------
    scenario : ScenarioSpec
    metrics : DataFrame or None
        Of its run, see ``RunResult.metrics``; this and what follows is None where the scenario has no alarms.
    costs : CostsOverTime or None
    bill : Bill or None
        Which they are of.

    Returns
    -------
    DataFrame
        ``alarm``, ``condition``; ``breached_s``, when the condition first held, and ``fires_s``, when the alarm sees it:
        at the end of the last data point that it takes, or when a budget is updated next [s after the scenario's start],
        NaN for never; ``usd_by_then``, what the bill had come to when it fired, NaN where it never does, and
        ``usd_at_end``, the run's bill [USD]; ``run_s``, the scenario's length [s]; ``costs``, what the money is of.
        A budget may fire after the run: what it has cost by then is at least what is given.

    Notes
    -----
    Costs are those of the run's bill, services beside Lambda included where the scenario asks for their lines, and the
    free tier where it has it: what is free is used up first, then tier after tier. See ``CostsOverTime`` for when each
    line counts. The budget of a function has its own lines; what no one function uses is not in it.
    """
    import pandas as pd

    if metrics is None or costs is None or bill is None:
        return pd.DataFrame(columns=list(_COLUMNS))
    spent, told = np.cumsum(costs.in_order()), _costs_of(scenario, bill)
    rows = []
    for alarm in scenario.alarms:
        if alarm.budget_usd is not None:
            own = spent if alarm.function is None else np.cumsum(costs.in_order(alarm.function))
            breached_s, fires_s = _of_budget(alarm, own)
        else:
            breached_s, fires_s = _of_metric(alarm, metrics)
        by_then = _NEVER
        if not isnan(fires_s):
            minute = min(int(fires_s) // _S_PER_MINUTE, len(spent)) - 1
            by_then = float(spent[minute]) if minute >= 0 else 0.0
        end = float(spent[-1]) if len(spent) else 0.0
        length_s = scenario.duration_us / US_PER_S
        rows.append((alarm.name, condition_of(alarm), breached_s, fires_s, by_then, end, length_s, told))
    return pd.DataFrame(rows, columns=list(_COLUMNS))


def _costs_of(scenario: ScenarioSpec, bill: Bill) -> str:
    """Say which costs are counted."""
    free = " after the free tier" if scenario.free_tier else ""
    beside = sorted({item.service for item in bill.items if item.is_beside_lambda})
    if not beside:
        return f"Lambda alone{free}: the scenario asks for no lines of other services"
    return f"Lambda and {listed(beside, last=' and ')}{free}"


def condition_of(alarm: AlarmSpec) -> str:
    """Say in words when an alarm fires.

    Parameters
    ----------
    alarm : AlarmSpec

    Returns
    -------
    str
    """
    whose = f" of {clipped(alarm.function, 40)}" if alarm.function else ""
    if alarm.budget_usd is not None:
        every = format_duration(alarm.checked_every_us)
        return f"cost{whose} above {money(alarm.budget_usd)}, checked every {every}"
    assert alarm.metric is not None  # noqa: S101 - it is a budget otherwise
    of = alarm.out_of or alarm.points
    points = f"{alarm.points} of {of} points" if of > 1 else "1 point"
    return (
        f"{alarm.metric.value}{whose} above {alarm.above:,g}, {points} of {format_duration(alarm.period_us)}"
    )


def _of_budget(alarm: AlarmSpec, spent: NDArray[np.float64]) -> tuple[float, float]:
    assert alarm.budget_usd is not None  # noqa: S101 - it is a budget
    over = np.flatnonzero(spent > alarm.budget_usd)
    if not len(over):
        return _NEVER, _NEVER
    breached_s = float((over[0] + 1) * _S_PER_MINUTE)
    every_s = alarm.checked_every_us / US_PER_S
    return breached_s, float(-(-breached_s // every_s) * every_s)


def _of_metric(alarm: AlarmSpec, metrics: pd.DataFrame) -> tuple[float, float]:
    """Find the first data point in breach, and the end of the one with which the alarm fires."""
    assert alarm.metric is not None and alarm.above is not None  # noqa: S101, PT018 - it is no budget
    minutes = alarm.period_us // US_PER_MINUTE
    breach = points_of(metrics, alarm.metric, alarm.function, minutes) > alarm.above
    found = np.flatnonzero(breach)
    if not len(found):
        return _NEVER, _NEVER
    seen = np.cumsum(np.pad(breach.astype(np.int64), (1, 0)))
    of = alarm.out_of or alarm.points
    ends = np.arange(1, len(breach) + 1)
    enough = np.flatnonzero(seen[ends] - seen[np.maximum(ends - of, 0)] >= alarm.points)
    fires_s = float((enough[0] + 1) * minutes * _S_PER_MINUTE) if len(enough) else _NEVER
    return float((found[0] + 1) * minutes * _S_PER_MINUTE), fires_s


def points_of(
    metrics: pd.DataFrame, metric: AlarmMetric, function: str | None, minutes: int
) -> NDArray[np.float64]:
    """Give a metric's data points.

    Parameters
    ----------
    metrics : DataFrame
        See ``RunResult.metrics``.
    metric : AlarmMetric
    function : str or None
        None for all functions together, of executions their sum.
    minutes : int
        In a data point.

    Returns
    -------
    ndarray of float64, shape (n_points,)
        0 where nothing ran.
    """
    own = metrics if function is None else metrics[metrics["function"] == function]
    by_time = own.groupby("timestamp", observed=True, sort=True)
    missing = -len(by_time) % minutes

    def cut(values: Any) -> NDArray[np.float64]:
        padded = np.pad(np.asarray(values, dtype=np.float64), (0, missing))
        shaped: NDArray[np.float64] = padded.reshape(-1, minutes)
        return shaped

    if metric is AlarmMetric.DURATION:
        runs = own["Invocations"].to_numpy()
        took = own.assign(took=np.nan_to_num(own["Duration"].to_numpy()) * runs)
        together = took.groupby("timestamp", observed=True, sort=True)[["took", "Invocations"]].sum()
        times, counts = cut(together["took"]).sum(axis=1), cut(together["Invocations"]).sum(axis=1)
        means: NDArray[np.float64] = np.divide(times, counts, out=np.zeros_like(times), where=counts > 0)
        return means
    summed = cut(by_time[metric.value].sum())
    highest = metric is AlarmMetric.CONCURRENT_EXECUTIONS
    points: NDArray[np.float64] = summed.max(axis=1) if highest else summed.sum(axis=1)
    return points


def alarms_texts(table: pd.DataFrame) -> list[str]:
    """Say of each alarm when it fires and what had been spent by then, in 80 columns.

    Parameters
    ----------
    table : DataFrame
        As `alarms_frame` gives it.

    Returns
    -------
    list of str
        Nothing where there are none.
    """
    told = list(_told(table))
    return ["", *told, wrapped(f"costs: {table['costs'].iloc[0]}")] if told else []


def _told(table: pd.DataFrame) -> Iterator[str]:
    for row in table.to_dict("records"):
        what = f"alarm {clipped(str(row['alarm']), 40)} ({row['condition']})"
        end = money(row["usd_at_end"])
        if isnan(row["fires_s"]):
            almost = " (its condition held, but not often enough)" if not isnan(row["breached_s"]) else ""
            yield wrapped(f"{what}: never fires{almost}; the bill is {end}")
            continue
        after = format_duration(round(row["fires_s"]) * US_PER_S)
        waited = row["fires_s"] - row["breached_s"]
        late = (
            f", {format_duration(round(waited) * US_PER_S)} after its condition first held" if waited else ""
        )
        spent = f"; {money(row['usd_by_then'])} spent by then, {end} by the end"
        if row["fires_s"] > row["run_s"]:
            spent = f", when the run has ended; at least {end} spent by then"
        yield wrapped(f"{what}: fires after {after}{late}{spent}")
