"""Speed of both engines with records written, as ratios to a bare SimPy loop measured in the same run.

Arrivals are made beforehand, so what is timed is the engine with its draws and its records. Usage:
``python benchmarks/engines.py [millions of invocations for the compiled engine]``.
"""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import numpy as np
import simpy

from lambdasim.engine.contract import ArrivalChunk, Engine, Plan
from lambdasim.engine.kernel import run_kernel
from lambdasim.engine.plan import plan_scenario
from lambdasim.engine.reference import run_reference
from lambdasim.specs import load_scenario_text

ROUNDS = 5
SLOW_INVOCATIONS = 50_000
CHUNK = 1 << 16
HEAD = "name: b\nstart: 2026-11-01T00:00:00Z\nduration: 1h\n"
FUNCTION = (
    "  - {{name: f{rank:02}, work: {{io_ms: {{exponential: {{mean: 100}}}}{more}}}, trigger: {{type: {trigger}}}, "
    "traffic: {{constant: {{rate_per_s: 0}}}}}}\n"
)


@dataclass(frozen=True, eq=False)
class Traffic:
    """Poisson arrivals spread evenly over functions, in memory."""

    chunks: list[ArrivalChunk]

    @classmethod
    def poisson(cls, invocations: int, functions: int, gap_us: float) -> Traffic:
        """Draw arrivals with the given mean gap of all functions together."""
        rng = np.random.default_rng(1)
        time_us = np.cumsum(rng.exponential(gap_us, invocations)).astype(np.int64)
        function = rng.integers(0, functions, invocations)
        order = np.lexsort((function, time_us))
        time_us, function = time_us[order], function[order]
        invocation = np.empty(invocations, dtype=np.int64)
        for rank in range(functions):
            mine = function == rank
            invocation[mine] = np.arange(mine.sum())
        cuts = range(0, invocations, CHUNK)
        parts = [slice(first, first + CHUNK) for first in cuts]
        return cls([ArrivalChunk(time_us[part], function[part], invocation[part]) for part in parts])

    def __call__(self) -> Iterator[ArrivalChunk]:
        """Iterate over the chunks."""
        return iter(self.chunks)


@dataclass(frozen=True)
class Case:
    """One row of the table."""

    name: str
    gap_us: float
    functions: int = 1
    trigger: str = "alb"
    more: str = ""
    concurrency: int = 100_000
    scaling_burst: int = 1_000

    def plan(self, invocations: int) -> Plan:
        """Make the plan for so many invocations."""
        text = (
            HEAD
            + f"account: {{concurrency: {self.concurrency}, scaling_burst: {self.scaling_burst}}}\nfunctions:\n"
        )
        for rank in range(self.functions):
            text += FUNCTION.format(rank=rank, trigger=self.trigger, more=self.more)
        plan = plan_scenario(load_scenario_text(text))
        return replace(plan, arrivals=Traffic.poisson(invocations, self.functions, self.gap_us))


ERRORS = ", error_probability: 0.1"
CASES = (
    Case("1 function, 10 busy", 10_000),
    Case("1 function, 1,000 busy", 100),
    Case("1 function, 20,000 busy", 5, scaling_burst=100_000),
    Case("20 functions, retries, 100 busy", 1_000, 20, "s3", ERRORS),
    Case("20 functions, retries, overload", 1_000, 20, "s3", ERRORS, concurrency=110),
    Case("200 functions, retries, 1,000 busy", 100, 200, "s3", ERRORS),
)


def bare_simpy(invocations: int) -> None:
    """Let as many arrivals pass and complete, with nothing modelled."""
    sim = simpy.Environment()
    gaps = np.random.default_rng(1).exponential(0.01, invocations).tolist()

    def arrivals() -> simpy.events.ProcessGenerator:
        for gap in gaps:
            yield sim.timeout(gap)
            sim.timeout(0.1)

    sim.process(arrivals())
    sim.run()


def attempts_per_second(engine: Engine, plan: Plan) -> list[float]:
    """Measure some rounds, sorted."""

    def attempts() -> int:
        return sum(len(chunk) for chunk in engine(plan))

    return rates(attempts)


def rates(job: Callable[[], int]) -> list[float]:
    """Give what a job counts, per second, over some rounds, sorted."""
    result = []
    for _ in range(ROUNDS):
        begin = time.perf_counter()
        counted = job()
        result.append(counted / (time.perf_counter() - begin))
    return sorted(result)


def row(name: str, measured: list[float], bare: float) -> None:
    """Print one line: slowest, middle, fastest round, and the ratio to the bare loop."""
    middle = statistics.median(measured)
    print(
        f"{name:46} {measured[0]:12,.0f} {middle:12,.0f} {measured[-1]:12,.0f}  {middle / bare:8.2f}",
        flush=True,
    )


def main() -> None:
    """Print the table."""
    invocations = round(float(sys.argv[1] if len(sys.argv) > 1 else 2) * 1_000_000)
    print(f"{'attempts per second':46} {'slowest':>12} {'median':>12} {'fastest':>12}  {'of bare':>8}")
    bare = rates(lambda: bare_simpy(SLOW_INVOCATIONS) or SLOW_INVOCATIONS)
    row("bare SimPy loop", bare, statistics.median(bare))
    for case in CASES:
        next(run_kernel(case.plan(1)))  # compiles
        row(
            f"kernel, {case.name}",
            attempts_per_second(run_kernel, case.plan(invocations)),
            statistics.median(bare),
        )
    for case in CASES:
        slow = attempts_per_second(run_reference, case.plan(SLOW_INVOCATIONS))
        row(f"reference, {case.name}", slow, statistics.median(bare))


if __name__ == "__main__":
    main()
