"""First guesses where a template is silent, none a fact of the platform: work of a run, traffic of an entry point."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Final

from lambdasim.catalog.files import toml_of

_FILE: Final = "first_guesses.toml"


@dataclass(frozen=True)
class WorkGuess:
    """Work of one run.

    Attributes
    ----------
    cpu_ms, io_ms : tuple of (float, float)
        Median and 95th percentile [ms].
    """

    cpu_ms: tuple[float, float]
    io_ms: tuple[float, float]


@dataclass(frozen=True)
class TrafficGuess:
    """Traffic of an entry point.

    Attributes
    ----------
    rate_per_s : float
        Mean [events/s].
    daily : tuple of float
        Relative rate by hour, UTC, 24 numbers.
    duration : str
        Length of a scenario made from a template.
    """

    rate_per_s: float
    daily: tuple[float, ...]
    duration: str


@cache
def work_guess(kind: str) -> WorkGuess:
    """Return the work guessed for ``request``, ``event`` or ``item`` (of a batch).

    Examples
    --------
    >>> work_guess("request").cpu_ms
    (15, 40)
    """
    entry = toml_of(_FILE)["work"][kind]
    cpu, waiting = entry["cpu_ms"], entry["io_ms"]
    return WorkGuess((cpu["p50"], cpu["p95"]), (waiting["p50"], waiting["p95"]))


@cache
def timeout_share() -> float:
    """Return the share of a timeout below which the 95th percentile of guessed work stays."""
    return float(toml_of(_FILE)["work"]["most"]["timeout_share"])


@cache
def duration_cpu_shares() -> tuple[float, float, float]:
    """Return CPU time's share of a known duration: the least plausible, the one taken, the most plausible."""
    low, middle, high = toml_of(_FILE)["work"]["known_duration"]["cpu_shares"]
    return low, middle, high


@cache
def traffic_guess() -> TrafficGuess:
    """Return the traffic guessed for an entry point."""
    entry = toml_of(_FILE)["traffic"]
    return TrafficGuess(entry["rate_per_s"], tuple(entry["daily"]), entry["duration"])


@cache
def serverless_defaults() -> tuple[int, int]:
    """Return memory size [MB] and timeout [s] that the Serverless Framework deploys where its file names none."""
    entry = toml_of(_FILE)["serverless_framework"]
    return entry["memory_mb"], entry["timeout_s"]


@dataclass(frozen=True)
class Spread:
    """How wrong guesses may be.

    Attributes
    ----------
    duration, cpu, init, variation : float
        Factor at the 90th percentile; its inverse at the 10th.
    init_median : float
        Median of INIT's factor.
    variation_median : float
        Standard deviation of a given duration over its mean, in the middle.
    """

    duration: float
    cpu: float
    init: float
    init_median: float
    variation: float
    variation_median: float


@dataclass(frozen=True)
class EstimateSize:
    """How much an estimate simulates.

    Attributes
    ----------
    cases, fewest_cases : int
        Settings of what is not known, for few functions and for many.
    functions_times_cases : int
        Between the two.
    events : int
        In all cases together, as long as each function has ``fewest_events`` in each case.
    fewest_events : int
    most_events : int
        In all cases together, for traffic of which even a quarter of an hour has more than ``events``.
    polled_events : int
        Messages and records in all cases together.
    peak : float
        The busiest hour over the mean.
    """

    cases: int
    fewest_cases: int
    functions_times_cases: int
    events: int
    fewest_events: int
    most_events: int
    polled_events: int
    peak: float


@cache
def spread() -> Spread:
    """Return how wrong the guesses of this module may be."""
    entry = toml_of(_FILE)["spread"]
    return Spread(
        entry["duration"],
        entry["cpu"],
        entry["init"],
        entry["init_median"],
        entry["variation_spread"],
        entry["variation"],
    )


@cache
def estimate_size() -> EstimateSize:
    """Return how much an estimate simulates."""
    entry = toml_of(_FILE)["estimate"]
    return EstimateSize(
        entry["cases"],
        entry["fewest_cases"],
        entry["functions_times_cases"],
        entry["events"],
        entry["fewest_events"],
        entry["most_events"],
        entry["polled_events"],
        entry["peak"],
    )


@cache
def usual_sizes_mb() -> tuple[int, ...]:
    """Return the memory sizes that are tried where nobody names any [MB].

    Returns
    -------
    tuple of int
        Rising.

    Examples
    --------
    >>> usual_sizes_mb()
    (128, 256, 512, 1024, 1769, 3008)
    """
    return tuple(toml_of(_FILE)["memory"]["usual_mb"])
