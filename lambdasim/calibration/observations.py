"""What the logs of one function hold, sorted: warm runs by memory size, cold ones, failures, and what was left out."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np

from lambdasim.calibration.environments import EnvironmentUse, Ints, environment_use
from lambdasim.calibration.statistics import Floats, SizeStatistics, from_values
from lambdasim.errors import InputError, TraceError
from lambdasim.specs.traffic import OnBadRow, TraceFormat, TrafficSpec
from lambdasim.traffic.opening import open_trace
from lambdasim.traffic.trace import Trace, TraceKind

if TYPE_CHECKING:
    import pandas as pd

FEWEST_RUNS: Final = 100
_TIMEOUTS: Final = ("timeout", "timedout")


@dataclass(frozen=True)
class SizeRuns:
    """Runs at one memory size.

    Attributes
    ----------
    memory_mb : int
    warm_ms : ndarray, shape (n,)
        Durations of complete warm runs [ms].
    first_ms : ndarray, shape (m,)
        Durations of the first run after INIT, without INIT [ms].
    init_ms : ndarray, shape (m,)
        INIT, or restore, of the same runs [ms].
    timeouts, failed : int
        Runs cut off by a timeout; other warm runs that were reported as errors.
    max_memory_mb : ndarray, shape (k,)
        Highest memory use that each run reports [MB].
    environments : int
        How many execution environments served them: those that logs name, or as many as started cold.
    """

    memory_mb: int
    warm_ms: Floats
    first_ms: Floats
    init_ms: Floats
    timeouts: int
    failed: int
    max_memory_mb: Floats
    environments: int = 1

    def statistics(self) -> SizeStatistics:
        """Summarise the warm runs; those cut off by a timeout count as longer than all others."""
        return from_values(self.memory_mb, self.warm_ms, self.timeouts, self.environments)


@dataclass(frozen=True)
class Observations:
    """What logs hold of one function.

    Attributes
    ----------
    function : str
    sizes : tuple of SizeRuns
        In order of memory.
    rows : int
        Invocations read.
    left_out : dict of str to int
        Reason, and how many rows were left out for it.
    notes : tuple of str
        What a reader must know.
    arrivals_us : ndarray of int64, shape (n,)
        When they arrived, in order [µs since 1970].
    use : EnvironmentUse or None
        How environments were used, where logs name them.
    cut_ms : float or None
        Longest run that a timeout cut off, which is the timeout [ms].
    """

    function: str
    sizes: tuple[SizeRuns, ...]
    rows: int
    left_out: dict[str, int] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    arrivals_us: Ints = field(default_factory=lambda: np.zeros(0, dtype=np.int64))
    use: EnvironmentUse | None = None
    cut_ms: float | None = None


def read_observations(
    paths: Iterable[str | os.PathLike[str]], *, function: str | None = None, skip_bad_rows: bool = False
) -> Observations:
    """Read the logs of a function; their format is told from their content.

    Parameters
    ----------
    paths : iterable of path-like
        Files that `lambdasim.traffic.readers` knows, with durations and memory sizes.
    function : str, optional
        Which function, where an export has several.
    skip_bad_rows : bool
        Leave out rows that cannot be read, and count them, rather than refuse the file.

    Raises
    ------
    TraceError
        When a file cannot be read, has no durations, or has several functions and none was chosen.
    """
    bad_rows = OnBadRow.SKIP if skip_bad_rows else OnBadRow.ERROR
    traces = []
    for path in paths:
        file = Path(path)
        spec = TrafficSpec(trace=file.name, format=TraceFormat.AUTO, on_bad_row=bad_rows)
        traces.append(open_trace(file.parent, file.name, spec))
    return observe(traces, function=function)


def observe(traces: Iterable[Trace], *, function: str | None = None) -> Observations:
    """Sort the invocations of traces of one function.

    Parameters
    ----------
    traces : iterable of Trace
        Of single events with durations.
    function : str, optional
        By default the only one; several files of one function may have different names, one each.

    Returns
    -------
    Observations

    Raises
    ------
    TraceError
        As for ``read_observations``.
    """
    frames, notes, skipped = [], [], 0
    for trace in traces:
        frame, found = _frame(trace, function)
        frames.append(frame)
        report = trace.report()
        skipped += report.skipped
        notes += [f"{trace.source.name}: {text}" for text in (*report.warnings, *found)]
    if not frames:
        raise TraceError.single("calibration", "logs", "must be at least one file")
    import pandas as pd

    table = pd.concat(frames, ignore_index=True)
    return _sorted_runs(table, function or str(table["function"].iloc[0]), skipped, notes)


def _frame(trace: Trace, function: str | None) -> tuple[pd.DataFrame, list[str]]:
    """Read one trace, and make sure it is of one function and has what is needed."""
    where = trace.source.name
    for column in ("duration_ms", "memory_mb"):
        if trace.kind is not TraceKind.EVENTS or column not in trace.columns:
            raise TraceError.single(where, column, "is needed for calibration, and this file has none")
    names = trace.functions()
    if len(names) > 1 and function is None:
        raise TraceError.single(
            where, "function", f"has {len(names)} functions; choose one of {', '.join(names)}"
        )
    notes = []
    if len(names) > 1 and function is not None:
        if function not in names:
            raise TraceError.single(where, "function", f"has no {function!r}; there are: {', '.join(names)}")
        trace = trace.select(function)
        notes.append(f"{len(names) - 1} other functions in the file are not used")
    return trace.frame(), notes


def _sorted_runs(table: pd.DataFrame, function: str, skipped: int, notes: list[str]) -> Observations:
    rows = len(table)
    left_out = {"rows that could not be read": skipped} if skipped else {}

    def drop(table: pd.DataFrame, bad: pd.Series[bool], reason: str) -> pd.DataFrame:
        count = int(bad.sum())
        if count:
            left_out[reason] = count
        return table[~bad]

    table = drop(
        table, table["duration_ms"].isna() | table["memory_mb"].isna(), "rows without duration or memory size"
    )
    if "request_id" in table:
        known = table["request_id"].notna()
        same = ["request_id", "timestamp_us", "duration_ms"]
        table = drop(table, known & table.duplicated(same), "rows that repeat another row")
        again = known & table.duplicated(["request_id"], keep=False)
        if again.any():
            notes.append(
                f"{int(again.sum()):,} rows share a request id with another run, as retries do; all are used"
            )
    if not len(table):
        raise TraceError.single(function, "logs", "have no invocation with duration and memory size")
    sizes = tuple(
        _size_runs(memory, table[table["memory_mb"] == memory])
        for memory in sorted(int(value) for value in table["memory_mb"].unique())
    )
    if len(sizes) > 1:
        notes.append(
            "the memory size changes: "
            + ", ".join(f"{len(s.warm_ms):,} warm runs at {s.memory_mb} MB" for s in sizes)
        )
    for size in sizes:
        if len(size.warm_ms) < FEWEST_RUNS:
            notes.append(
                f"only {len(size.warm_ms):,} warm runs at {size.memory_mb} MB: intervals are wide, tails unknown"
            )
    arrivals = np.sort(table["timestamp_us"].to_numpy(dtype=np.int64))
    return Observations(
        function, sizes, rows, left_out, tuple(notes), arrivals, environment_use(table), _cut_ms(table)
    )


def _cut_ms(table: pd.DataFrame) -> float | None:
    if "status" not in table:
        return None
    cut = table.loc[table["status"].isin(_TIMEOUTS), "duration_ms"]
    return float(cut.max()) if len(cut) else None


def _size_runs(memory_mb: int, part: pd.DataFrame) -> SizeRuns:
    def column(name: str, rows: pd.DataFrame) -> Floats:
        if name not in rows:
            return np.zeros(0)
        return np.asarray(rows[name].dropna().astype("float64").to_numpy(), dtype=np.float64)

    status = part["status"].fillna("success") if "status" in part else None
    cold = part["init_ms"].notna() if "init_ms" in part else part["duration_ms"] < 0
    timed_out = status.isin(_TIMEOUTS) if status is not None else part["duration_ms"] < 0
    failed = (status != "success") & ~timed_out if status is not None else part["duration_ms"] < 0
    return SizeRuns(
        memory_mb=memory_mb,
        warm_ms=column("duration_ms", part[~cold & ~timed_out & ~failed]),
        first_ms=column("duration_ms", part[cold & ~timed_out & ~failed]),
        init_ms=column("init_ms", part[cold]),
        timeouts=int((timed_out & ~cold).sum()),
        failed=int(failed.sum()),
        max_memory_mb=column("max_memory_mb", part),
        environments=max(1, int(cold.sum()), part["exec_env"].nunique() if "exec_env" in part else 0),
    )


def require_warm(observations: Observations) -> tuple[SizeStatistics, ...]:
    """Give statistics of the sizes with warm runs enough for any.

    Raises
    ------
    InputError
        When no size has two complete warm runs.
    """
    usable = [size.statistics() for size in observations.sizes if len(size.warm_ms) > 1]
    if not usable:
        raise InputError.single(observations.function, "logs", "must have two complete warm runs or more")
    return tuple(usable)
