"""Stretches of a run in which attempts were refused or failed: what an incident review asks for first."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from lambdasim.engine.totals.minute_rows import COUNTS

if TYPE_CHECKING:
    import pandas as pd

    from lambdasim.engine.totals.series import MinuteCounts
    from lambdasim.results.run import RunResult

_COUNTS: Final = ("Invocations", "Errors", "Throttles", "ColdStarts", "AsyncEventsDropped")
_HURT: Final = ("Throttles", "AsyncEventsDropped")
_LIMIT: Final = "Throttles_"
QUIET_MINUTES: Final = 5
"""Minutes without refusals that end an incident."""


def incidents(run: RunResult, quiet_minutes: int = QUIET_MINUTES) -> pd.DataFrame:
    """Find the stretches of time in which a run's attempts were refused, or its queued events dropped.

    Parameters
    ----------
    run : RunResult
    quiet_minutes : int
        Minutes without any that separate two incidents.

    Returns
    -------
    DataFrame
        One row for each incident, in order: ``begin`` (UTC), ``minutes``, from its first minute to its last, both
        included; ``refused`` attempts, ``worst_limit``, which refused the most of them, and ``worst_function``;
        ``dropped``, events that Lambda's queue gave up; ``errors`` and ``cold_starts`` of the same minutes;
        ``peak_concurrency`` of the account. The refused attempts of all incidents are those of the run, up to refusals
        that are no throttles (payloads, loops).

    Notes
    -----
    Handler errors alone make no incident: many functions always have some. They are counted where there is one.
    """
    import pandas as pd

    names, functions = run.aggregate.names, run.aggregate.functions
    minutes = max([totals.counts.minutes for totals in functions], default=0)
    hurt = np.zeros(minutes, dtype=np.int64)
    for totals in functions:
        for series in totals.counts.of(*_HURT):
            hurt[: len(series)] += series
    bad = np.flatnonzero(hurt)
    stretches = np.split(bad, np.flatnonzero(np.diff(bad) > quiet_minutes) + 1) if bad.size else []
    edges = np.array([(stretch[0], stretch[-1] + 1) for stretch in stretches]).reshape(-1, 2).T
    # Function by function: the minutes of thousands would not fit into memory together.
    limits = [name for name in COUNTS if name.startswith(_LIMIT)]
    counted = [
        _within(totals.counts, (*_COUNTS, *limits), edges) if stretches else {} for totals in functions
    ]
    peaks = run.aggregate.account.per_minute(max(minutes, run.aggregate.account.minutes))
    stamps = run.aggregate.minutes(minutes)
    rows: list[dict[str, Any]] = []
    for place, (first, stop) in enumerate(edges.T.tolist()):
        sums = {name: sum(int(one[name][place]) for one in counted) for name in (*_COUNTS, *limits)}
        worst = [sum(int(one[name][place]) for name in _HURT) for one in counted]
        refused = {name.removeprefix(_LIMIT): sums[name] for name in limits}
        rows.append(
            {
                "begin": str(stamps[first]),
                "minutes": stop - first,
                "refused": sums["Throttles"],
                "worst_limit": max(refused, key=lambda name: refused[name]).replace("_", " ")
                if sums["Throttles"]
                else "",
                "worst_function": names[int(np.argmax(worst))],
                "dropped": sums["AsyncEventsDropped"],
                "errors": sums["Errors"],
                "cold_starts": sums["ColdStarts"],
                "peak_concurrency": int(peaks[first:stop].max()),
            }
        )
    columns = ["begin", "minutes", "refused", "worst_limit", "worst_function", "dropped", "errors"]
    return pd.DataFrame(rows, columns=[*columns, "cold_starts", "peak_concurrency"])


def _within(
    counts: MinuteCounts, names: tuple[str, ...], edges: NDArray[np.int64]
) -> dict[str, NDArray[np.int64]]:
    """Add up counts of a function within each stretch of minutes."""
    found = {}
    for name, series in zip(names, counts.of(*names), strict=True):
        reached = np.concatenate([[0], np.cumsum(series)])
        first, stop = np.minimum(edges, len(series))
        found[name] = reached[stop] - reached[first]
    return found
