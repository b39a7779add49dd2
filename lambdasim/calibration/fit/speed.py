"""How much environments of one function differ in speed, from log streams that keep their own level."""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt
from typing import Final

import numpy as np
from numpy.typing import NDArray

from lambdasim.calibration.data.environments import version_of_stream
from lambdasim.calibration.data.statistics import Floats
from lambdasim.catalog import limit, timing
from lambdasim.specs.function import Architecture

_FEWEST_STREAMS: Final = 4
_FEWEST_RUNS: Final = 5
_SURE: Final = 0.01
_LEAST: Final = 0.002
_MOST_SPREADS: Final = 4


@dataclass(frozen=True, eq=False)
class StreamSpeeds:
    """Levels of log streams.

    Attributes
    ----------
    streams : int
    spread : float
        Standard deviation of the logarithm of a stream's level, beyond what single runs explain.
    within_ms : ndarray, shape (n,)
        Durations with each stream brought to the level of all, and with the mean of all [ms].
    """

    streams: int
    spread: float
    within_ms: Floats

    @property
    def error(self) -> float:
        """Relative standard error of the mean that comes from the few environments of the log."""
        return self.spread / sqrt(self.streams)

    @property
    def worth(self) -> float:
        """As how many independent runs one counts, since those of one stream go together (Kish's design effect)."""
        within = float(np.log(np.maximum(self.within_ms, 0.01)).var())
        alike = self.spread**2 / max(self.spread**2 + within, 1e-12)
        return 1 / (1 + (len(self.within_ms) / self.streams - 1) * alike)


def stream_speeds(durations_ms: Floats, streams: NDArray[np.object_] | None) -> StreamSpeeds | None:
    """Separate levels of log streams from the noise of their runs.

    Parameters
    ----------
    durations_ms : ndarray, shape (n,)
        Of warm runs at one memory size [ms].
    streams : ndarray of str, shape (n,), or None
        Where the log names them.

    Returns
    -------
    StreamSpeeds or None
        None with fewer than four streams of five runs or more, or where an analysis of variance (F, 1 %) sees no
        difference between them.

    Notes
    -----
    One-way random effects on the logarithm: the variance between streams is that of their means less what runs
    explain, by Fisher's mean squares. Streams with fewer runs are brought to no other level. Versions, which streams have
    in their names, differ in their work: streams are compared within each.
    """
    from scipy.stats import f

    if streams is None or not len(durations_ms):
        return None
    names, place, counts = np.unique(streams.astype(str), return_inverse=True, return_counts=True)
    used = counts >= _FEWEST_RUNS
    if int(used.sum()) < _FEWEST_STREAMS:
        return None
    logs = np.log(np.maximum(durations_ms, 0.01))
    sums = np.bincount(place, logs, len(names))
    means = sums / counts
    rows = used[place]
    n, k = int(counts[used].sum()), int(used.sum())
    versions, version = np.unique([version_of_stream(name) for name in names[used]], return_inverse=True)
    if k - len(versions) < _FEWEST_STREAMS - 1:
        return None
    grand = np.zeros(len(names))
    of_version = np.bincount(version, sums[used]) / np.bincount(version, counts[used])
    grand[used] = of_version[version]
    between = float((counts[used] * (means[used] - grand[used]) ** 2).sum()) / (k - len(versions))
    within = float(((logs[rows] - means[place[rows]]) ** 2).sum()) / (n - k)
    if within <= 0 or f.sf(between / within, k - len(versions), n - k) > _SURE:
        return None
    size = (n - float((counts[used] ** 2).sum()) / n) / (k - 1)
    spread = sqrt(max((between - within) / size, 0.0))
    if spread < _LEAST:
        return None
    moved = np.where(rows, durations_ms * np.exp((grand - means)[place]), durations_ms)
    return StreamSpeeds(k, spread, moved * float(durations_ms.mean() / moved.mean()))


def is_of_cpus(speeds: StreamSpeeds, architecture: Architecture) -> bool:
    """Whether streams differ by no more than CPUs may: the catalog's spread between environments, four times."""
    return speeds.spread <= _MOST_SPREADS * known_speed_error(architecture)


def speed_finding(levels: StreamSpeeds | None, architecture: Architecture, environments: int | None) -> str:
    """Say what is known of differences between environments.

    Parameters
    ----------
    levels : StreamSpeeds or None
        None where the log shows none.
    architecture : Architecture
    environments : int or None
        How many the log names; None where it names none.
    """
    if levels is None:
        seen = "the log names no environments" if environments is None else f"the log has {environments:,}"
        usual = known_speed_error(architecture)
        return (
            f"environments differ in speed: on {architecture.value} by some {usual:.1%} (catalog, standard deviation); "
            f"{seen} and does not show it, so the scenario has no environment_spread: work.environment_spread: {usual:g} "
            "puts it into runs and intervals"
        )
    told = f"{levels.streams} log streams keep their own"
    if is_of_cpus(levels, architecture):
        return f"{told} speed, {levels.spread:.1%} apart (standard deviation): written as environment_spread of CPU time"
    return (
        f"{told} level, {levels.spread:.1%} apart (standard deviation), which is more than CPUs differ: other code, "
        "tenants or inputs; written as differences between single runs, so intervals of means are too narrow"
    )


def full_speed_mb(architecture: Architecture) -> int:
    """Give the memory size from which one thread has a whole vCPU [MB]."""
    if architecture is Architecture.ARM64:
        return timing("cpu_full_arm64_mb").value
    return limit("memory_per_vcpu_mb").value


def known_law_error() -> float:
    """Give what the law is known to miss a size by, relative."""
    return timing("cpu_law_error_permille").value / 1000


def known_speed_error(architecture: Architecture) -> float:
    """Give the relative standard deviation of the CPU's speed between execution environments."""
    suffix = "_arm64" if architecture is Architecture.ARM64 else ""
    return timing(f"cpu_speed_error{suffix}_permille").value / 1000


def usual_wait_spread() -> float:
    """Give how much waits for services usually differ from run to run: standard deviation of the logarithm."""
    return timing("cpu_wait_spread_permille").value / 1000


def as_on_x86(memory_mb: int, architecture: Architecture) -> int:
    """Give the size that has the same share of a vCPU on x86_64 [MB]."""
    if architecture is Architecture.X86_64:
        return memory_mb
    return round(memory_mb * limit("memory_per_vcpu_mb").value / full_speed_mb(architecture))
