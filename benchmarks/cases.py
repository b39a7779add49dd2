"""What the engines are timed on: so many busy environments, functions, and retries."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from enum import StrEnum
from itertools import product
from typing import Final

import numpy as np

from lambdasim.engine.contract import ArrivalChunk, Plan
from lambdasim.engine.plan import plan_scenario
from lambdasim.specs import load_scenario_text

CHUNK: Final = 1 << 16
HANDLER_US: Final = 100_000
PLENTY: Final = 100_000
ERRORS: Final = 0.1


class Mode(StrEnum):
    """Who tries again."""

    SYNCHRONOUS = "no retries"
    RETRIES = "retries"
    OVERLOAD = "retries, overloaded"
    EVERYTHING = "everything"


# Everything a handler, a client and an environment can do, in one function.
_WORK: Final = {
    Mode.SYNCHRONOUS: "work: {io_ms: {exponential: {mean: 100}}}, trigger: {type: alb}",
    Mode.RETRIES: "work: {io_ms: {exponential: {mean: 100}}, error_probability: 0.1}, trigger: {type: s3}",
    Mode.EVERYTHING: (
        "work: {cpu_ms: {mixture: [{weight: 9, law: {lognormal: {p50: 20, p95: 60}}},"
        " {weight: 1, law: {lognormal: {p50: 300, p95: 700}}}]}, io_ms: {lognormal: {p50: 20, p95: 70}},"
        " max_memory_mb: {lognormal: {p50: 300, p95: 500}}, error_probability: 0.01, crash_probability: 0.001},"
        " memory_mb: 1769, trigger: {type: sdk, client_retries: 2},"
        " payload: {request_kb: {lognormal: {p50: 10, p95: 100}}, response_kb: {lognormal: {p50: 10, p95: 100}}},"
        " provisioned_concurrency: [{at: 0s, count: 4}]"
    ),
}
_WORK[Mode.OVERLOAD] = _WORK[Mode.RETRIES]


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
        by_function = np.argsort(function, kind="stable")
        first = np.searchsorted(function[by_function], np.arange(functions))
        invocation = np.empty(invocations, dtype=np.int64)
        invocation[by_function] = np.arange(invocations) - first[function[by_function]]
        parts = [slice(begin, begin + CHUNK) for begin in range(0, invocations, CHUNK)]
        return cls([ArrivalChunk(time_us[part], function[part], invocation[part]) for part in parts])

    def __call__(self) -> Iterator[ArrivalChunk]:
        """Iterate over the chunks."""
        return iter(self.chunks)


@dataclass(frozen=True)
class Case:
    """One setting.

    Attributes
    ----------
    busy : int
        Environments busy at a time, on average, if nothing is tried again or refused.
    functions : int
    mode : Mode
    """

    busy: int
    functions: int
    mode: Mode

    @property
    def name(self) -> str:
        """What it is called in tables."""
        functions = "1 function" if self.functions == 1 else f"{self.functions} functions"
        return f"{self.busy:,} busy, {functions}, {self.mode}"

    def plan(self, invocations: int) -> Plan:
        """Make the plan for so many invocations, whose arrivals are drawn here, before any timing."""
        overload = self.mode is Mode.OVERLOAD
        concurrency = max(round(0.9 * self.busy), 1) if overload else PLENTY
        lines = [
            "name: b\nstart: 2026-11-01T00:00:00Z\nduration: 1h",
            f"account: {{concurrency: {concurrency}, scaling_burst: {PLENTY}}}",
            "functions:",
            *(
                f"  - {{name: f{rank:03}, {_WORK[self.mode]}, traffic: {{constant: {{rate_per_s: 0}}}}}}"
                for rank in range(self.functions)
            ),
        ]
        plan = plan_scenario(load_scenario_text("\n".join(lines)))
        arrivals = Traffic.poisson(invocations, self.functions, HANDLER_US / self.busy)
        return replace(plan, arrivals=arrivals)


_GRID_MODES: Final = (Mode.SYNCHRONOUS, Mode.RETRIES, Mode.OVERLOAD)
CASES: Final = (
    *(Case(*setting) for setting in product((10, 1_000, 20_000), (1, 20, 200), _GRID_MODES)),
    Case(10, 1, Mode.EVERYTHING),
    Case(1_000, 1, Mode.EVERYTHING),
)
QUICK: Final = (
    Case(10, 1, Mode.SYNCHRONOUS),
    Case(1_000, 1, Mode.SYNCHRONOUS),
    Case(20_000, 1, Mode.SYNCHRONOUS),
    Case(1_000, 20, Mode.RETRIES),
    Case(1_000, 20, Mode.OVERLOAD),
)
WITH_TOTALS: Final = (*QUICK, Case(1_000, 200, Mode.RETRIES))
