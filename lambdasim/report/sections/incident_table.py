"""Stretches of a run in which attempts were refused or failed: what an incident review asks for first."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

from lambdasim.engine.totals.minute_rows import COUNTS

if TYPE_CHECKING:
    import pandas as pd

    from lambdasim.results.run import RunResult

_COUNTS: Final = ("Invocations", "Errors", "Throttles", "ColdStarts", "AsyncEventsDropped")
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

    names = run.aggregate.names
    minutes = max([totals.counts.minutes for totals in run.aggregate.functions], default=0)
    padded = [totals.counts.padded(minutes) for totals in run.aggregate.functions]
    counts = {name: np.stack([one[name] for one in padded]) for name in _COUNTS}
    limits = {
        name.removeprefix(_LIMIT): np.stack([one[name] for one in padded])
        for name in COUNTS
        if name.startswith(_LIMIT)
    }
    peaks = run.aggregate.account.per_minute(max(minutes, run.aggregate.account.minutes))
    stamps = run.aggregate.minutes(minutes)
    bad = np.flatnonzero((counts["Throttles"] + counts["AsyncEventsDropped"]).sum(axis=0))
    rows: list[dict[str, Any]] = []
    for stretch in np.split(bad, np.flatnonzero(np.diff(bad) > quiet_minutes) + 1) if bad.size else []:
        within = slice(int(stretch[0]), int(stretch[-1]) + 1)
        refused = {name: int(series[:, within].sum()) for name, series in limits.items()}
        hurt = (counts["Throttles"] + counts["AsyncEventsDropped"])[:, within].sum(axis=1)
        total = int(counts["Throttles"][:, within].sum())
        rows.append(
            {
                "begin": str(stamps[within.start]),
                "minutes": within.stop - within.start,
                "refused": total,
                "worst_limit": max(refused, key=lambda name: refused[name]).replace("_", " ")
                if total
                else "",
                "worst_function": names[int(hurt.argmax())],
                "dropped": int(counts["AsyncEventsDropped"][:, within].sum()),
                "errors": int(counts["Errors"][:, within].sum()),
                "cold_starts": int(counts["ColdStarts"][:, within].sum()),
                "peak_concurrency": int(peaks[within].max()),
            }
        )
    columns = ["begin", "minutes", "refused", "worst_limit", "worst_function", "dropped", "errors"]
    return pd.DataFrame(rows, columns=[*columns, "cold_starts", "peak_concurrency"])
