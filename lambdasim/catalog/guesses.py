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
def traffic_guess() -> TrafficGuess:
    """Return the traffic guessed for an entry point."""
    entry = toml_of(_FILE)["traffic"]
    return TrafficGuess(entry["rate_per_s"], tuple(entry["daily"]), entry["duration"])


@cache
def serverless_defaults() -> tuple[int, int]:
    """Return memory size [MB] and timeout [s] that the Serverless Framework deploys where its file names none."""
    entry = toml_of(_FILE)["serverless_framework"]
    return entry["memory_mb"], entry["timeout_s"]
