"""The bill of a month with a range: paths of traffic, a replication each, a bill each, and quantiles at the very end."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from typing import Final

import numpy as np
from numpy.typing import NDArray

from lambdasim.billing import price_scenario
from lambdasim.engine.run import EngineName
from lambdasim.errors import InputError
from lambdasim.results.points.parallel import map_points
from lambdasim.specs.faults import not_among
from lambdasim.specs.scenario import ScenarioSpec
from lambdasim.study.forecast.month import History, MonthTraffic, month_scenario, month_traffic
from lambdasim.study.forecast.result import Forecast
from lambdasim.study.forecast.sampler import check_paths
from lambdasim.study.forecast.tables import QUANTILES
from lambdasim.study.forecast.usage import PathRunner, PathUsage
from lambdasim.study.forecast.volume_fit import VolumeFit
from lambdasim.wording import listed

STRATA: Final = 50
LEAST_SIMULATED: Final = 6
MOST_EVENTS: Final = 40_000_000


def forecast(
    scenario: ScenarioSpec,
    month: str,
    history: History | None = None,
    *,
    paths: int = 200,
    simulate: int | None = None,
    variants: Sequence[ScenarioSpec] = (),
    move_history: bool = False,
    engine: str = "auto",
    executor: Executor | None = None,
    progress: Callable[[int], None] | None = None,
) -> Forecast:
    """Forecast the bill of a month.

    Parameters
    ----------
    scenario : ScenarioSpec
        What runs. Of a function with a history, the scenario's own source of traffic is replaced, and its scale, spikes
        and ramps are laid over what is sampled: events that are planned at given moments.
    month : str
        ``YYYY-MM``, in UTC.
    history : Trace, or mapping of str to Trace, optional
        Traffic of the past, of any reader. A trace whose functions are named as in the scenario, any one trace where the
        scenario has one function, or a trace for each name. By default the traces that the scenario names. Where it
        reaches into the month, its days of the month are taken as they were. Functions without one keep the scenario's
        traffic.
    paths : int
        Sample paths, at least 20. Path k has the scenario's seed plus k.
    simulate : int, optional
        How many of them to simulate. By default all, where that is at most 40 million events; else 50, or as many as
        those events allow, but 6: paths at evenly spaced ranks of volume. The others follow from their volume by day.
    variants : sequence of ScenarioSpec
        Scenarios that differ in what is not known for sure, as a calibration draws them; path k has number k, in turn. By
        default the scenario alone.
    move_history : bool
        Whether the history is moved by whole weeks to end just before the month.
    engine : {"auto", "kernel", "reference"}
    executor : concurrent.futures.Executor, optional
        Where paths are simulated side by side; the result does not depend on it.
    progress : callable, optional
        Called with how many paths have been simulated.

    Returns
    -------
    Forecast

    Raises
    ------
    InputError
        When an argument cannot be accepted.

    Examples
    --------
    >>> import lambdasim as ls
    >>> spec = ls.load_scenario_text('''
    ... name: balancer
    ... start: 2014-05-01T00:00:00Z
    ... duration: 31d
    ... price_date: 2026-11-01
    ... free_tier: false
    ... functions:
    ...   - {name: web, work: {io_ms: 100}, traffic: {constant: {rate_per_s: 0}}}
    ... ''')
    >>> past = ls.read_counts_csv("data/traffic/elb_request_count.csv", utc=True)
    >>> december = forecast(spec, "2014-05", past, paths=20, simulate=6)
    >>> december.low_confidence
    ('web',)
    """
    specs: tuple[object, ...] = (scenario, *variants)
    for spec in specs:
        if not isinstance(spec, ScenarioSpec):
            got = f"must be a scenario, as load_scenario returns, got {type(spec).__name__}"
            raise InputError.single("forecast", "scenario", got)
        spec.require_on_demand("forecast")
        if spec.callers:
            raise InputError.single(
                "forecast",
                "functions",
                f"must make no calls, as {listed(spec.callers, most=3)} do: a forecast knows only the traffic that each "
                "function has of its own; leave calls and state machines out and give each function its own history",
            )
    numbers: dict[str, object] = {"paths": paths, "simulate": paths if simulate is None else simulate}
    for argument, value in numbers.items():
        if not isinstance(value, int):
            raise InputError.single("forecast", argument, f"must be a whole number, got {value!r:.40}")
    check_paths("forecast", paths, least=20)
    if engine not in set(EngineName):
        raise InputError.single("forecast", "engine", not_among(engine, EngineName))
    traffic = month_traffic(scenario, month, history, paths=paths, move=move_history)
    place = (traffic.first_day, traffic.n_days)
    moved = tuple(month_scenario(spec, *place).anywhere() for spec in (variants or (scenario,)))
    firsts = {name: (traffic.first_day - past.first_day).days for name, past in traffic.histories.items()}
    runner = PathRunner(moved, traffic.histories, firsts, traffic.totals, engine)
    volumes = [runner.expected(path) for path in range(paths)]
    chosen = _chosen(moved[0], volumes, simulate)
    finished = [0]

    def tell(place: int, usage: PathUsage) -> None:
        finished[0] += 1
        if progress is not None:
            progress(finished[0])

    simulated = map_points(runner, chosen, executor, tell)
    found = dict(zip(chosen, simulated, strict=True))
    errors = np.zeros(1)
    if len(chosen) < paths:
        drawn = [volumes[path] for path in chosen]
        errors = _left_out_errors(simulated, drawn, moved[0])
        fit = VolumeFit.of(simulated, drawn)
        for path in sorted(set(range(paths)) - set(chosen)):
            like = path % len(chosen)
            found[path] = fit.usage(volumes[path], simulated[like], drawn[like])
    return _priced(moved[0], traffic, runner, tuple(chosen), errors, volumes, found)


def simulated_paths(events: float, paths: int) -> int:
    """Say how many paths are simulated, where nobody says.

    Parameters
    ----------
    events : float
        Of one path, on average.
    paths : int

    Returns
    -------
    int

    Examples
    --------
    >>> simulated_paths(1_000, 200), simulated_paths(2_000_000, 200), simulated_paths(10**9, 200)
    (200, 20, 6)
    """
    affordable = int(MOST_EVENTS / max(events, 1.0))
    return paths if affordable >= paths else max(min(affordable, STRATA), LEAST_SIMULATED)


def _chosen(
    scenario: ScenarioSpec, volumes: Sequence[dict[str, NDArray[np.float64]]], simulate: int | None
) -> list[int]:
    """Choose the paths to simulate: all, or those at evenly spaced ranks of volume times memory."""
    paths = len(volumes)
    memory = {function.name: function.memory_mb for function in scenario.functions}
    events = sum(float(day.sum()) for path in volumes for day in path.values()) / paths
    if simulate is None:
        simulate = simulated_paths(events, paths)
    if simulate < LEAST_SIMULATED:
        raise InputError.single("forecast", "simulate", f"must be at least {LEAST_SIMULATED}, got {simulate}")
    if simulate >= paths:
        return list(range(paths))
    size = [sum(memory[name] * float(day.sum()) for name, day in path.items()) for path in volumes]
    ranks = ((np.arange(simulate) + 0.5) * paths / simulate).astype(np.int64)
    return sorted(np.argsort(size, kind="stable")[ranks].tolist())


def _left_out_errors(
    simulated: Sequence[PathUsage], volumes: Sequence[dict[str, NDArray[np.float64]]], scenario: ScenarioSpec
) -> NDArray[np.float64]:
    """Estimate each simulated path from the others, and give the errors of its bill in parts of it."""
    errors = []
    for left_out, usage in enumerate(simulated):
        others = [k for k in range(len(simulated)) if k != left_out]
        fit = VolumeFit.of([simulated[k] for k in others], [volumes[k] for k in others])
        told = fit.usage(volumes[left_out], simulated[others[0]])
        true_usd, told_usd = (
            float(price_scenario(scenario, row.usage_to(row.by_day.shape[1])).total) for row in (usage, told)
        )
        errors.append((told_usd - true_usd) / true_usd if true_usd else told_usd)
    return np.array(errors)


def _priced(
    scenario: ScenarioSpec,
    traffic: MonthTraffic,
    runner: PathRunner,
    chosen: tuple[int, ...],
    errors: NDArray[np.float64],
    volumes: Sequence[dict[str, NDArray[np.float64]]],
    found: dict[int, PathUsage],
) -> Forecast:
    """Price the month of every path, and every day's end of it."""
    paths, n_days = len(volumes), traffic.n_days
    cumulative = np.zeros((paths, n_days))
    lines: dict[str, NDArray[np.float64]] = {}
    functions = {row.function: np.zeros(paths) for row in found[0].rows}
    bills, listed_usd = [], np.zeros(paths)
    for path in range(paths):
        usage = found[path]
        whole = usage.usage_to(n_days)
        bill = price_scenario(scenario, whole)
        listed_usd[path] = float(price_scenario(scenario, whole, free_tier=False).total)
        for item in bill.items:
            lines.setdefault(item.usage_type, np.zeros(paths))[path] += float(item.amount)
        for name, amount in bill.by_function().items():
            functions.setdefault(name, np.zeros(paths))[path] = float(amount)
        bills.append(bill)
        cumulative[path, -1] = float(bill.total)
        for day in range(n_days - 1):
            cumulative[path, day] = float(price_scenario(scenario, usage.usage_to(day)).total)
    total = cumulative[:, -1]
    nearest = {q: int(np.argmin(np.abs(total - np.quantile(total, q)))) for q in QUANTILES}
    return Forecast(
        scenario=scenario,
        traffic=traffic,
        runner=runner,
        simulated=chosen,
        fit_error=float(np.sqrt(np.mean(errors**2))),
        fit_worst=float(np.abs(errors).max()),
        events=np.array([sum(float(day.sum()) for day in path.values()) for path in volumes]),
        cumulative_usd=cumulative,
        listed_usd=listed_usd,
        lines_usd={name: lines[name] for name in sorted(lines) if lines[name].any()},
        functions_usd=functions,
        usages=tuple(found[path] for path in chosen),
        bills={f"P{round(100 * q)}": bills[path] for q, path in nearest.items()},
    )
