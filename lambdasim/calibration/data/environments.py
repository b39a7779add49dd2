"""What log streams show of execution environments: one stream is one environment."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from lambdasim.traffic.readers.logs.reports import SUCCESS
from lambdasim.units import US_PER_MS, US_PER_S

if TYPE_CHECKING:
    import pandas as pd

Ints = NDArray[np.int64]
Flags = NDArray[np.bool_]
TIMEOUTS: Final = ("timeout", "timedout")
"""How logs write that a run was cut off."""
_UNSURE_US: Final = 2 * US_PER_MS  # logs have whole milliseconds: an end and a beginning may each be one off


def version_of_stream(stream: str) -> str:
    """Give the version that a log stream names in brackets; empty where it names none.

    Examples
    --------
    >>> version_of_stream("2026/08/01/[42]0123456789abcdef")
    '42'
    """
    return stream.partition("[")[2].partition("]")[0]


@dataclass(frozen=True)
class EnvironmentUse:
    """How environments were used.

    Attributes
    ----------
    environments, invocations : int
    cold : int
        Invocations with INIT or restore.
    peak_concurrency : int
        Most invocations that ran at once.
    longest_survived_s : float
        Longest idle stretch after which an environment still served; the keep-alive was at least this for that one [s].
    shortest_lost_s : float or None
        Shortest idle stretch after which an environment was not used although an invocation started cold at its memory
        size, and never again; the keep-alive was below this for that one [s]. Environments that ended with a failure are
        not meant, since crashes and timeouts end them. None where no such was seen.
    """

    environments: int
    invocations: int
    cold: int
    peak_concurrency: int
    longest_survived_s: float
    shortest_lost_s: float | None

    @property
    def reused(self) -> float:
        """Share of invocations that met a warm environment."""
        return 1 - self.cold / self.invocations

    def __str__(self) -> str:
        """Return the findings as two lines.

        Examples
        --------
        >>> print(EnvironmentUse(2, 100, 2, 2, 61.5, None))
        environments: 2 served 100 invocations, 98.0% warm, at most 2 at once
        keep-alive: an idle stretch of 61.5 s was survived; none was seen to end one
        """
        lost = (
            "none was seen to end one"
            if self.shortest_lost_s is None
            else f"one of {self.shortest_lost_s:.4g} s was not"
        )
        return (
            f"environments: {self.environments:,} served {self.invocations:,} invocations, {self.reused:.1%} warm, "
            f"at most {self.peak_concurrency:,} at once\n"
            f"keep-alive: an idle stretch of {self.longest_survived_s:.4g} s was survived; {lost}"
        )


def environment_use(table: pd.DataFrame) -> EnvironmentUse | None:
    """Read the use of environments from invocations.

    Parameters
    ----------
    table : DataFrame
        Columns as of a ``Trace``, in any order; ``status`` and ``memory_mb`` are used where they are.

    Returns
    -------
    EnvironmentUse or None
        None where the logs do not name the environment.
    """
    if "exec_env" not in table or not len(table) or table["exec_env"].isna().any():
        return None
    ordered = table.sort_values("timestamp_us", kind="stable")
    begin = ordered["timestamp_us"].to_numpy(dtype=np.int64)
    init = ordered["init_ms"].astype("float64") if "init_ms" in ordered else ordered["duration_ms"] * np.nan
    cold = init.notna().to_numpy(dtype=np.bool_)
    run_ms = ordered["duration_ms"].astype("float64").to_numpy() + init.fillna(0).to_numpy()
    end = begin + np.rint(run_ms * US_PER_MS).astype(np.int64)
    places_of = ordered.groupby("exec_env", sort=False).indices
    gaps = [begin[places][1:] - end[places][:-1] for places in places_of.values()]
    last = np.array([places[-1] for places in places_of.values()])
    if "status" in ordered:
        last = last[ordered["status"].fillna(SUCCESS).to_numpy()[last] == SUCCESS]
    size = ordered["memory_mb"].to_numpy() if "memory_mb" in ordered else np.zeros(len(begin))
    lost_us = [
        _shortest_lost_us(np.sort(end[last[size[last] == one]]), begin[cold & (size == one)])
        for one in np.unique(size)
    ]
    known_us = [lost for lost in lost_us if lost is not None]
    return EnvironmentUse(
        environments=len(gaps),
        invocations=len(begin),
        cold=int(cold.sum()),
        peak_concurrency=_peak(begin, end),
        longest_survived_s=max(int(gap.max(initial=0)) for gap in gaps) / US_PER_S,
        shortest_lost_s=min(known_us) / US_PER_S if known_us else None,
    )


def _peak(begin: Ints, end: Ints) -> int:
    """Count the most invocations at once; an end counts before a beginning at the same moment."""
    running = np.arange(1, len(begin) + 1) - np.searchsorted(np.sort(end), begin, side="right")
    return int(running.max())


def _shortest_lost_us(last_ends: Ints, cold: Ints) -> int | None:
    """Give the shortest time from an environment's last use to a cold start surely after it [µs]."""
    before = np.searchsorted(last_ends, cold - _UNSURE_US, side="right")
    cold, before = cold[before > 0], before[before > 0]
    return int((cold - last_ends[before - 1]).min()) if len(cold) else None
