"""The written scenario on the log's own arrivals: what its runs take, how they start and how they end."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from lambdasim.calibration.data.environments import Flags, Ints
from lambdasim.calibration.data.runs import Runs
from lambdasim.calibration.data.statistics import Floats
from lambdasim.catalog import timing
from lambdasim.engine.contract import ArrivalChunk, Outcome, StartType
from lambdasim.engine.plan import plan_scenario
from lambdasim.engine.run import EngineName, run_plan
from lambdasim.specs.fields import LONGEST_SCENARIO_US
from lambdasim.specs.scenario import ScenarioSpec
from lambdasim.units import US_PER_DAY, US_PER_MS, US_PER_S

_RUNS: Final = 120_000
_FEWEST: Final = 4
_MOST: Final = 2_000
_APART_US: Final = 2 * US_PER_DAY
_ROOM: Final = 0.9
_CHUNK: Final = 1 << 16
_LEAD_US: Final = 30 * US_PER_S
_LONGEST_LEAD_US: Final = 240 * US_PER_S
_FOREVER: Final = "1d"
_SPACING_US: Final = 1000 * US_PER_S
_KINDS: Final = {
    Outcome.COMPLETED: "success",
    Outcome.FUNCTION_ERROR: "error",
    Outcome.TIMEOUT: "timeout",
    Outcome.CRASH: "crash",
    Outcome.OUT_OF_MEMORY: "out_of_memory",
}
_COLUMNS: Final = ("arrival_us", "init_us", "init_again_us", "duration_us", "start_type", "outcome")


@dataclass(frozen=True, eq=False)
class Sample:
    """Runs of a log or of its twin; each column has shape (n,).

    Attributes
    ----------
    memory_mb : ndarray of int64
    duration_ms : ndarray of float
        [ms]
    init_ms : ndarray of float
        What a cold start's environment took, or the billed part of a restore; NaN where there was none [ms].
    with_ms, without_ms : ndarray of float
        Billed with INIT and without, by the rule of whole milliseconds [ms].
    cold : ndarray of bool
    outcome : ndarray of str
    provisioned : ndarray of bool
        Whether the run met provisioned concurrency.
    times : int
        How often the log's runs are in it.
    """

    memory_mb: Ints
    duration_ms: Floats
    init_ms: Floats
    with_ms: Floats
    without_ms: Floats
    cold: Flags
    outcome: NDArray[np.str_]
    provisioned: Flags
    times: int = 1

    def __len__(self) -> int:
        """Return the number of runs."""
        return len(self.duration_ms)


def logged(runs: Runs) -> Sample:
    """Take the runs of a log.

    Billed time follows from duration and INIT by today's rule, whatever the rule was when the log was printed; a run that
    was cut off is billed to the timeout, as printed. INIT that was broken off is not billed; its second run is, inside
    the duration.
    """
    whole = np.ceil(np.round(runs.duration_ms, 6))
    cut = runs.ended("timeout") & (runs.billed_ms < whole) & (runs.billed_ms > whole - US_PER_MS)
    without = np.where(cut, runs.billed_ms, whole)
    init = np.where(runs.again, np.nan, runs.init_ms)
    billed_restore = np.clip(np.floor(runs.billed_ms - runs.duration_ms.round(3)), 0.0, runs.init_ms)
    init = np.where(runs.restored, np.nan_to_num(billed_restore), init)
    with_init = np.where(np.isnan(init), without, np.ceil(np.round(runs.duration_ms + init, 6)))
    again = np.where(np.isnan(runs.again_ms), runs.duration_ms - _usual_ms(runs), runs.again_ms)
    again = np.clip(again, 0.0, runs.duration_ms)
    # INIT that failed is written as INIT before the run, unless it is so long that the engine runs it inside too.
    before = np.where(runs.again & (again < timing("init_cap_on_demand_s").us / US_PER_MS), again, 0.0)
    return Sample(
        memory_mb=runs.memory_mb,
        duration_ms=np.where(cut, runs.billed_ms, runs.duration_ms - before),
        init_ms=np.where(runs.again, again, init),
        with_ms=with_init,
        without_ms=np.where(before > 0, np.ceil(np.round(runs.duration_ms - before, 6)), without),
        cold=runs.cold,
        outcome=runs.outcome.astype(str),
        provisioned=runs.provisioned,
    )


def twin(scenario: dict[str, Any], runs: Runs, times: int | None = None) -> Sample:
    """Run a scenario of one function on the arrivals of a log.

    Parameters
    ----------
    scenario : dict
        As a YAML file has it; its traffic and its times are not used.
    runs : Runs
        Each memory size runs by itself. Environments that were there when the log begins are started before it, by
        events that are not counted. A log without times has its cold starts as it says, and no other.
    times : int, optional
        How often, with other luck each; by default until there are 120,000 runs, 4 times to 2,000.

    Returns
    -------
    Sample
        Runs that a limit refused are missing.
    """
    times = times or int(np.clip(-(-_RUNS // max(len(runs), 1)), _FEWEST, _MOST))
    parts: list[Sample] = []
    for memory_mb in np.unique(runs.memory_mb):
        for arrivals_us, lead, keep_alive in _traffic(runs, runs.memory_mb == memory_mb):
            parts += _repeated(scenario, int(memory_mb), arrivals_us, lead, keep_alive, times)
    return _joined(parts, times)


def _repeated(
    scenario: dict[str, Any],
    memory_mb: int,
    arrivals_us: Ints,
    lead: int,
    keep_alive: str | None,
    times: int,
) -> Iterator[Sample]:
    """Run the same arrivals again and again, days apart, so that no environment lasts from one to the next."""
    period_us = int(arrivals_us[-1]) + _APART_US
    at_once = max(1, int(_ROOM * LONGEST_SCENARIO_US) // period_us)
    for seed, first in enumerate(range(0, times, at_once)):
        number = min(at_once, times - first)
        offsets = np.arange(number) * period_us
        spec = _spec(scenario, memory_mb, number * period_us, keep_alive).with_seed(seed)
        counted = np.tile(np.arange(len(arrivals_us)) >= lead, number)
        yield _ran(spec, (offsets[:, None] + arrivals_us[None, :]).ravel(), counted, memory_mb)


def _traffic(runs: Runs, here: Flags) -> Iterator[tuple[Ints, int, str | None]]:
    """Give arrivals after the scenario's start [µs], how many of them only warm up, and how long environments last."""
    if not runs.has_times:
        cold = int((here & runs.cold).sum())
        warm = int(here.sum()) - cold
        if cold:
            yield np.arange(cold) * _SPACING_US, 0, "0s"
        if warm:
            yield np.arange(warm + 1) * _SPACING_US, 1, _FOREVER
        return
    arrivals = runs.arrival_us[here]
    standing = _standing(runs, here)
    longest_us = int(1.5 * US_PER_MS * float((runs.duration_ms + np.nan_to_num(runs.init_ms))[here].max()))
    lead_us = min(_LEAD_US + longest_us, _LONGEST_LEAD_US)
    yield (
        np.concatenate([np.zeros(standing, dtype=np.int64), arrivals - arrivals[0] + lead_us]),
        standing,
        None,
    )


def _standing(runs: Runs, here: Flags) -> int:
    """Count environments that were there before the log begins: those it names, or as many as it must have had."""
    if runs.environment is not None:
        _, first = np.unique(runs.environment[here].astype(str), return_index=True)
        return int((~runs.cold[here][first]).sum())
    ends, begins = np.sort(runs.ends_us()[here]), runs.arrival_us[here]
    over = np.searchsorted(ends, begins, side="right")
    made = np.cumsum(runs.cold[here])
    return max(0, int((np.arange(1, len(begins) + 1) - over - made).max()))


def _spec(scenario: dict[str, Any], memory_mb: int, length_us: int, keep_alive: str | None) -> ScenarioSpec:
    (function,) = scenario["functions"]
    function = {**function, "memory_mb": memory_mb, "traffic": {"constant": {"rate_per_s": 0}}}
    if keep_alive is not None:
        function["keep_alive"] = keep_alive
    length = f"{-(-length_us // US_PER_S)}s"
    platform = dict(scenario.get("platform", {}))
    if keep_alive == _FOREVER:
        platform["max_lifetime"] = None
    return ScenarioSpec.model_validate(
        {**scenario, "duration": length, "functions": [function], "platform": platform}
    )


def _ran(spec: ScenarioSpec, arrivals_us: Ints, counted: Flags, memory_mb: int) -> Sample:
    plan = replace(plan_scenario(spec), arrivals=partial(_chunks, arrivals_us))
    gathered: dict[str, list[Ints]] = {name: [] for name in _COLUMNS}
    for chunk in run_plan(plan, EngineName.AUTO.chosen(plan)):
        rows = (chunk["start_type"] != StartType.NONE) & counted[chunk["invocation"]]
        for name in _COLUMNS:
            gathered[name].append(chunk[name][rows])
    column = {name: np.concatenate(found) for name, found in gathered.items()}
    cold = column["start_type"] == StartType.COLD
    again = cold & (column["init_again_us"] > 0)
    init_us = np.where(again, 0, column["init_us"])
    shown_us = np.where(again, column["init_again_us"], column["init_us"])
    names = np.array([_KINDS.get(Outcome(code), "error") for code in range(len(Outcome))])
    return Sample(
        memory_mb=np.full(len(cold), memory_mb),
        duration_ms=column["duration_us"] / US_PER_MS,
        init_ms=np.where(cold, shown_us / US_PER_MS, np.nan),
        with_ms=-(-(init_us + column["duration_us"]) // US_PER_MS).astype(np.float64),
        without_ms=-(-column["duration_us"] // US_PER_MS).astype(np.float64),
        cold=cold,
        outcome=names[column["outcome"]],
        provisioned=column["start_type"] == StartType.PROVISIONED,
    )


def _chunks(arrivals_us: Ints) -> Iterator[ArrivalChunk]:
    for first in range(0, len(arrivals_us), _CHUNK):
        part = arrivals_us[first : first + _CHUNK]
        yield ArrivalChunk(part, np.zeros(len(part), dtype=np.int64), np.arange(first, first + len(part)))


def _joined(parts: list[Sample], times: int) -> Sample:
    def column(name: str) -> Any:
        return np.concatenate([getattr(part, name) for part in parts])

    return Sample(
        column("memory_mb"), column("duration_ms"), column("init_ms"), column("with_ms"), column("without_ms"),
        column("cold"), column("outcome"), column("provisioned"), times,
    )  # fmt: skip


def _usual_ms(runs: Runs) -> float:
    warm = runs.duration_ms[runs.warm()]
    return float(warm.mean()) if len(warm) else 0.0
