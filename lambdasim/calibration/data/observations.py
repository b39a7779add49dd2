"""What the logs of one function hold, sorted: warm runs by memory size, cold ones, failures, and what was left out."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np

from lambdasim.calibration.data.environments import (
    TIMEOUTS,
    EnvironmentUse,
    Ints,
    environment_use,
    init_inside,
)
from lambdasim.calibration.data.mixture import mixture_notes
from lambdasim.calibration.data.statistics import Floats, SizeStatistics, from_values
from lambdasim.catalog import limit
from lambdasim.errors import InputError, TraceError
from lambdasim.specs.fields import LONGEST_SCENARIO_US
from lambdasim.specs.traffic import OnBadRow, TimestampUnit, TraceFormat, TrafficSpec
from lambdasim.traffic.opening import open_trace, trace_format
from lambdasim.traffic.trace import Trace, TraceKind
from lambdasim.units import US_PER_DAY, from_epoch_us

if TYPE_CHECKING:
    import pandas as pd

FEWEST_RUNS: Final = 100
_LISTED: Final = 3
_IN_UTC: Final = (TraceFormat.REPORT_LOGS, TraceFormat.INSIGHTS)


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
    reset : int
        Runs that are in none of these: INIT ran again inside them.
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
    reset: int = 0

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
        Files that `lambdasim.traffic.readers` knows, with durations and memory sizes. Times of logs without an offset
        are UTC, as ``aws logs tail --format short`` prints them.
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
        spec = TrafficSpec(trace=file.name, on_bad_row=bad_rows)
        kind = trace_format(file, spec)
        unit = TimestampUnit.ISO_UTC if kind in _IN_UTC else TimestampUnit.ISO
        spec = TrafficSpec(trace=file.name, format=kind, timestamp_unit=unit, on_bad_row=bad_rows)
        traces.append(open_trace(file.parent, file.name, spec))
    return observe(traces, function=function)


def observe(traces: Iterable[Trace], *, function: str | None = None) -> Observations:
    """Sort the invocations of traces of one function.

    Parameters
    ----------
    traces : iterable of Trace
        Of single events with durations.
    function : str, optional
        By default the only one; several files of one function may have different names, one each, where no log group
        or column names the function.

    Returns
    -------
    Observations

    Raises
    ------
    TraceError
        As for ``read_observations``.
    """
    given = list(traces)
    if not given:
        raise TraceError.single("calibration", "logs", "must be at least one file")
    import pandas as pd

    named = _named_functions(given, function)
    frames, notes, skipped = [], [], 0
    left_out: dict[str, int] = {}
    for trace in given:
        frame, others = _frame(trace, function, named)
        frames.append(frame)
        report = trace.report()
        skipped += report.skipped
        if others:
            left_out["rows of other functions"] = left_out.get("rows of other functions", 0) + others
            known = [name for name in trace.functions() if name != function]
            notes.append(
                f"{trace.source.name}: {len(known)} other functions are not used: {', '.join(known)}"
            )
        notes += [f"{trace.source.name}: {text}" for text in report.warnings]
        notes += [f"left out {fault}" for fault in report.faults[:_LISTED]]
        if report.skipped > _LISTED:
            notes.append(f"{trace.source.name}: and {report.skipped - _LISTED:,} more that could not be read")
    if skipped:
        left_out["rows that could not be read"] = skipped
    table = pd.concat(frames, ignore_index=True)
    name = function or str(table["function"].iloc[0])
    return _sorted_runs(table, name, left_out, notes)


def _named_functions(traces: list[Trace], function: str | None) -> set[str]:
    """Gather functions that log groups or columns name, rather than files; make sure that one is meant."""
    named = {
        name
        for trace in traces
        for name in trace.functions()
        if len(trace.functions()) > 1 or name != trace.source.name.split(".")[0]
    }
    if len(named) > 1 and function not in named:
        files = ", ".join(trace.source.name for trace in traces[:_LISTED])
        told = f"has {len(named)} functions; choose one of {', '.join(sorted(named))}"
        raise TraceError.single(
            files, "function", told if function is None else f"{told}, got {function!r:.60}"
        )
    return named


def _frame(trace: Trace, function: str | None, named: set[str]) -> tuple[pd.DataFrame, int]:
    """Read one trace; tell how many of its rows are of other functions."""
    where = trace.source.name
    for column in ("duration_ms", "memory_mb"):
        if trace.kind is not TraceKind.EVENTS or column not in trace.columns:
            raise TraceError.single(where, column, "is needed for calibration, and this file has none")
    frame = trace.frame()
    if function is None or len(named) < 2:
        return frame, 0
    own = frame["function"] == function
    if not named.intersection(trace.functions()):
        return frame, 0
    return frame[own], int((~own).sum())


def _sorted_runs(
    table: pd.DataFrame, function: str, left_out: dict[str, int], notes: list[str]
) -> Observations:
    rows = len(table)

    def drop(table: pd.DataFrame, bad: pd.Series[bool], reason: str) -> pd.DataFrame:
        count = int(bad.sum())
        if count:
            left_out[reason] = count
        return table[~bad]

    table = drop(
        table, table["duration_ms"].isna() | table["memory_mb"].isna(), "rows without duration or memory size"
    )
    least, most = limit("memory_min_mb").value, limit("memory_max_mb").value
    foreign = (table["memory_mb"] < least) | (table["memory_mb"] > most)
    table = drop(table, foreign, f"rows with a memory size outside Lambda's {least:,} to {most:,} MB")
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
        told = "".join(f"; {count:,} {reason}" for reason, count in left_out.items())
        raise TraceError.single(function, "logs", f"have no invocation with duration and memory size{told}")
    notes += mixture_notes(table)
    reset = init_inside(table)
    if reset.any():
        left_out["runs inside which INIT ran again"] = int(reset.sum())
    table = table.assign(reset=reset)
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
    _refuse_endless(function, arrivals)
    return Observations(
        function, sizes, rows, left_out, tuple(notes), arrivals, environment_use(table), _cut_ms(table)
    )


def _refuse_endless(function: str, arrivals_us: Ints) -> None:
    """Make sure that a scenario can hold the arrivals."""
    if int(arrivals_us[-1] - arrivals_us[0]) < LONGEST_SCENARIO_US:
        return
    place = int(np.argmax(np.diff(arrivals_us)))
    before, after = (from_epoch_us(int(moment)).isoformat() for moment in arrivals_us[[place, place + 1]])
    days = LONGEST_SCENARIO_US // US_PER_DAY
    raise TraceError.single(
        function, "timestamp", f"must span at most {days:,} days; nothing happens from {before} to {after}"
    )


def _cut_ms(table: pd.DataFrame) -> float | None:
    if "status" not in table:
        return None
    cut = table.loc[table["status"].isin(TIMEOUTS), "duration_ms"]
    return float(cut.max()) if len(cut) else None


def _size_runs(memory_mb: int, part: pd.DataFrame) -> SizeRuns:
    def column(name: str, rows: pd.DataFrame) -> Floats:
        if name not in rows:
            return np.zeros(0)
        return np.asarray(rows[name].dropna().astype("float64").to_numpy(), dtype=np.float64)

    environments = part["exec_env"].nunique() if "exec_env" in part else 0
    reset = int(part["reset"].sum())
    part = part[~part["reset"]]
    status = part["status"].fillna("success") if "status" in part else None
    cold = part["init_ms"].notna() if "init_ms" in part else part["duration_ms"] < 0
    timed_out = status.isin(TIMEOUTS) if status is not None else part["duration_ms"] < 0
    failed = (status != "success") & ~timed_out if status is not None else part["duration_ms"] < 0
    return SizeRuns(
        memory_mb=memory_mb,
        warm_ms=column("duration_ms", part[~cold & ~timed_out & ~failed]),
        first_ms=column("duration_ms", part[cold & ~timed_out & ~failed]),
        init_ms=column("init_ms", part[cold]),
        timeouts=int((timed_out & ~cold).sum()),
        failed=int(failed.sum()),
        max_memory_mb=column("max_memory_mb", part),
        environments=max(1, int(cold.sum()), environments),
        reset=reset,
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
