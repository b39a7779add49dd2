"""The whole of `simulate`: from arrivals to percentiles and bill, on both engines."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

import lambdasim as ls
from benchmarks.measure import Job, Row, beside, rates, say
from benchmarks.peers import bare_simpy
from benchmarks.scenarios.make_month import month_part
from lambdasim.specs import ScenarioSpec

SLOW_INVOCATIONS: Final = 100_000
FAST_INVOCATIONS: Final = 2_000_000


def whole_rows(rounds: int, quick: bool) -> Iterator[Row]:
    """Time calls that end with a bill, beside a bare SimPy loop."""
    say("simulate")
    slow, fast = _arrivals_s(SLOW_INVOCATIONS), _arrivals_s(FAST_INVOCATIONS // (4 if quick else 1))
    with tempfile.TemporaryDirectory() as folder:
        counts = ls.load_scenario(month_part(Path(folder), minutes=30 if quick else 240))
        jobs = [
            Job("bare SimPy loop", bare_simpy),
            Job("simulate on the reference, 10 busy", partial(_arrays, slow, "reference")),
            Job("simulate, 10 busy, from arrays", partial(_arrays, fast, "kernel")),
            Job("simulate, part of the month from counts", partial(_scenario, counts)),
        ]
        for job in jobs[2:]:
            job.work()  # compiles
        bare, *others = rates("simulate", "invocations/s", jobs, rounds, clock="wall")
    yield bare
    yield from (beside(row, bare=bare) for row in others)


def _arrivals_s(invocations: int) -> NDArray[np.float64]:
    return np.cumsum(np.random.default_rng(1).exponential(0.01, invocations))


def _arrays(arrivals_s: NDArray[np.float64], engine: str) -> int:
    law = {"exponential": {"mean": 100}}
    run = ls.simulate(arrivals_s=arrivals_s, durations_ms=law, init_ms=250, keep_records=False, engine=engine)
    return _told(run)


def _scenario(scenario: ScenarioSpec) -> int:
    return _told(ls.simulate(scenario, keep_records=False))


def _told(run: ls.RunResult) -> int:
    run.charges()
    return int(run.summary()["events"].sum())
