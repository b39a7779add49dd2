"""Speed of the reference engine and of a whole simulation, as ratios to a bare SimPy loop measured beside them."""

from __future__ import annotations

import statistics
import subprocess
import sys
import time
from collections.abc import Callable

import numpy as np
import simpy

import lambdasim as ls

INVOCATIONS = 200_000
ROUNDS = 5


def bare_simpy() -> None:
    """Let as many arrivals pass and complete, with nothing modelled."""
    sim = simpy.Environment()
    gaps = np.random.default_rng(1).exponential(0.01, INVOCATIONS).tolist()

    def arrivals() -> simpy.events.ProcessGenerator:
        for gap in gaps:
            yield sim.timeout(gap)
            sim.timeout(0.1)

    sim.process(arrivals())
    sim.run()


def whole_simulate() -> None:
    """Simulate one function with a warm pool of about ten, totals and histograms included."""
    arrivals = np.cumsum(np.random.default_rng(1).exponential(0.01, INVOCATIONS))
    ls.simulate(arrivals_s=arrivals, durations_ms=100, init_ms=250, keep_records=False)


def started(*command: str) -> Callable[[], None]:
    """Make a job that starts Python with a command."""
    return lambda: subprocess.run([sys.executable, *command], check=True, capture_output=True) and None


def seconds(job: Callable[[], None]) -> list[float]:
    """Time a job some rounds [s], sorted."""
    result = []
    for _ in range(ROUNDS):
        begin = time.perf_counter()
        job()
        result.append(time.perf_counter() - begin)
    return sorted(result)


def main() -> None:
    """Print the table."""
    bare = seconds(bare_simpy)
    for name, job in (("bare SimPy loop", bare_simpy), ("simulate, about 10 busy", whole_simulate)):
        taken = bare if job is bare_simpy else seconds(job)
        rates = [INVOCATIONS / second for second in reversed(taken)]
        ratio = statistics.median(bare) / statistics.median(taken)
        print(
            f"{name:26} {rates[0]:9,.0f} {statistics.median(rates):9,.0f} {rates[-1]:9,.0f} /s   {ratio:.2f} of bare"
        )
    for name, command in (
        ("import lambdasim", ("-c", "import lambdasim")),
        ("lambdasim --help", ("-m", "lambdasim", "--help")),
    ):
        taken = seconds(started(*command))
        print(f"{name:26} {taken[0]:9.3f} {statistics.median(taken):9.3f} {taken[-1]:9.3f} s")


if __name__ == "__main__":
    main()
