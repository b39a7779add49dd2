"""Jobs timed in rounds, side by side, so that what else the machine does falls on all of them alike."""

from __future__ import annotations

import os
import platform
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from importlib.metadata import PackageNotFoundError, version
from typing import Any, Final

PACKAGES: Final = ("numpy", "numba", "simpy", "pandas", "simfaas")


@dataclass(frozen=True)
class Job:
    """Something to time.

    Attributes
    ----------
    name : str
    work : callable
        Returns how much was done: attempts, invocations.
    """

    name: str
    work: Callable[[], int]


@dataclass(frozen=True)
class Row:
    """One line of the table.

    Attributes
    ----------
    group, name, unit : str
    clock : str
        "CPU" (of all threads) or "wall". What works on one core is timed by its CPU time, which other programs disturb
        less; what uses several cores, or waits, by wall time.
    low, median, high : float
        Over rounds, by that clock.
    other : float or None
        The median by the other clock.
    rounds : int
    ratios : dict of str to float
        To what stands beside it: how many times faster.
    """

    group: str
    name: str
    unit: str
    clock: str
    low: float
    median: float
    high: float
    other: float | None
    rounds: int
    ratios: dict[str, float] = field(default_factory=dict)

    @classmethod
    def of(
        cls,
        group: str,
        name: str,
        unit: str,
        values: Sequence[float],
        clock: str = "wall",
        others: Sequence[float] | None = None,
    ) -> Row:
        """Sum up the values of some rounds, and those by the other clock."""
        other = None if others is None else statistics.median(others)
        spread = (min(values), statistics.median(values), max(values))
        return cls(group, name, unit, clock, *spread, other, len(values))


def rates(group: str, unit: str, jobs: Sequence[Job], rounds: int, clock: str = "CPU") -> list[Row]:
    """Time jobs, taking turns, and give each one's speed.

    Parameters
    ----------
    group, unit : str
    jobs : sequence of Job
    rounds : int
    clock : {"CPU", "wall"}

    Returns
    -------
    list of Row
        In the order of the jobs.
    """
    found: dict[str, dict[str, list[float]]] = {job.name: {"wall": [], "CPU": []} for job in jobs}
    other = "wall" if clock == "CPU" else "CPU"
    for _ in range(rounds):
        for job in jobs:
            begin, begin_cpu = time.perf_counter(), time.process_time()
            done = job.work()
            found[job.name]["wall"].append(done / (time.perf_counter() - begin))
            found[job.name]["CPU"].append(done / (time.process_time() - begin_cpu))
    return [Row.of(group, name, unit, by[clock], clock, by[other]) for name, by in found.items()]


def beside(row: Row, **peers: Row) -> Row:
    """Add how many times faster a row is than others."""
    ratios = row.ratios | {name: row.median / peer.median for name, peer in peers.items()}
    return Row(**{**asdict(row), "ratios": ratios})


def machine() -> dict[str, Any]:
    """Tell where and with what was measured."""
    found = {}
    for name in PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = "not installed"
    return {
        "processor": _processor(),
        "cores": os.cpu_count(),
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        **found,
    }


def load() -> list[float]:
    """Return the machine's load averages over 1, 5 and 15 minutes; empty where there are none."""
    return [round(value, 2) for value in os.getloadavg()] if hasattr(os, "getloadavg") else []


def _processor() -> str:
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as stream:
            names = [line.split(":", 1)[1].strip() for line in stream if line.startswith("model name")]
    except OSError:
        names = []
    return names[0] if names else platform.processor()


def say(text: str) -> None:
    """Tell on the error stream what is going on."""
    print(text, file=sys.stderr, flush=True)
