"""What the logs of one function hold, sorted: warm runs by memory size, cold ones, failures, and what was left out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final

import numpy as np

from lambdasim.calibration.data.doubts import billing_notes, refuse_units, selection_notes
from lambdasim.calibration.data.environments import EnvironmentUse, Ints, environment_use
from lambdasim.calibration.data.eras import change_notes, follow_one_another, newest
from lambdasim.calibration.data.log_bytes import log_bytes
from lambdasim.calibration.data.mixture import mixture_notes, warm_complete
from lambdasim.calibration.data.runs import OUTCOMES, Runs, runs_of
from lambdasim.calibration.data.size_runs import SizeRuns, size_runs, to_their_end
from lambdasim.calibration.data.statistics import Floats, SizeStatistics
from lambdasim.calibration.data.unsaid import with_unsaid
from lambdasim.catalog import limit
from lambdasim.errors import InputError, TraceError
from lambdasim.specs.fields import LONGEST_SCENARIO_US
from lambdasim.traffic.readers.logs.reports import SUCCESS
from lambdasim.traffic.trace import Trace, TraceKind
from lambdasim.units import US_PER_DAY, US_PER_S, from_epoch_us
from lambdasim.wording import clipped, count, listed

if TYPE_CHECKING:
    import pandas as pd

FEWEST_RUNS: Final = 100
_LISTED: Final = 3
_MOST_NAMES: Final = 20
_LONGEST_NAME: Final = 64
_SAME_RUN_US: Final = 10 * US_PER_S
_REPEATS: Final = "rows that repeat another row"


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
    runs : Runs
        Every run that is used, as columns.
    runtime : str or None
        As the log names it; None where it does not.
    table : DataFrame or None
        The runs that are used, as a trace has them, where they have several memory sizes.
    log_bytes : int or None
        What a run writes into its log by itself, where a log holds that [bytes].
    """

    function: str
    sizes: tuple[SizeRuns, ...]
    rows: int
    runs: Runs
    left_out: dict[str, int] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    arrivals_us: Ints = field(default_factory=lambda: np.zeros(0, dtype=np.int64))
    use: EnvironmentUse | None = None
    cut_ms: float | None = None
    runtime: str | None = None
    table: pd.DataFrame | None = field(default=None, repr=False, compare=False)
    log_bytes: int | None = None

    @property
    def last_size_mb(self) -> int | None:
        """The size that the function was set to last [MB]; None where there is one, or several took turns."""
        runs = self.runs
        return follow_one_another(runs.memory_mb, runs.arrival_us, runs.ended(SUCCESS))

    def at_size(self, memory_mb: int, note: str) -> Observations:
        """Give what the runs at one memory size say alone.

        Parameters
        ----------
        memory_mb : int
        note : str
            Why the others are left out.

        Returns
        -------
        Observations
        """
        assert self.table is not None  # noqa: S101 - kept wherever logs are read
        here = self.table["memory_mb"] == memory_mb
        left_out = {**self.left_out, "runs at other memory sizes": int((~here).sum())}
        found = _observed(self.table[here], self.function, self.rows, left_out, [*self.notes, note])
        return replace(found, notes=tuple(dict.fromkeys(found.notes)), log_bytes=self.log_bytes)


def counted_reasons(left_out: Mapping[str, int]) -> list[str]:
    """Say how many rows or runs were left out for each reason.

    Examples
    --------
    >>> counted_reasons({"rows of other functions": 1, "runs cut off": 2})
    ['1 row of other functions', '2 runs cut off']
    """
    return [count(number, reason.replace("s ", " ", 1), reason) for reason, number in left_out.items()]


def observe(
    traces: Iterable[Trace], *, function: str | None = None, version: str | None = None
) -> Observations:
    """Sort the invocations of traces of one function.

    Parameters
    ----------
    traces : iterable of Trace
        Of single events with durations.
    function : str, optional
        By default the only one; several files of one function may have different names, one each, where no log group
        or column names the function.
    version : str, optional
        As for ``newest``.

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
    frames, notes, skipped, repeated = [], [], 0, 0
    left_out: dict[str, int] = {}
    for trace in given:
        frame, others = _frame(trace, function, named)
        frames.append(frame)
        report = trace.report()
        skipped += report.skipped
        repeated += report.repeated
        if others:
            left_out["rows of other functions"] = left_out.get("rows of other functions", 0) + others
            known = [name for name in trace.functions() if name != function]
            notes.append(f"{trace.source.name}: {len(known)} other functions are not used: {_names(known)}")
        notes += [f"{trace.source.name}: {text}" for text in report.warnings]
        notes += [f"left out {fault}" for fault in report.faults[:_LISTED]]
        if report.skipped > _LISTED:
            notes.append(f"{trace.source.name}: and {report.skipped - _LISTED:,} more that could not be read")
    if skipped:
        left_out["rows that could not be read"] = skipped
    if repeated:
        left_out[_REPEATS] = repeated
    table = pd.concat(frames, ignore_index=True)
    name = function or str(table["function"].iloc[0])
    written, told = log_bytes(zip(given, frames, strict=True), function)
    found = _sorted_runs(table, name, left_out, notes, version)
    return replace(found, log_bytes=written, notes=(*found.notes, *told))


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
        told = f"has {len(named)} functions; choose one of {_names(sorted(named))}"
        raise TraceError.single(
            files, "function", told if function is None else f"{told}, got {function!r:.60}"
        )
    return named


def _names(functions: Iterable[str]) -> str:
    """List functions, whose names may hold anything and be as long as a file."""
    return listed((clipped(name, _LONGEST_NAME) for name in functions), _MOST_NAMES)


def _frame(trace: Trace, function: str | None, named: set[str]) -> tuple[pd.DataFrame, int]:
    """Read one trace; say how many of its rows are of other functions."""
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
    table: pd.DataFrame, function: str, left_out: dict[str, int], notes: list[str], version: str | None
) -> Observations:
    rows = len(table) + left_out.get(_REPEATS, 0)

    def drop(table: pd.DataFrame, bad: pd.Series[bool], reason: str) -> pd.DataFrame:
        dropped = int(bad.sum())
        if dropped:
            left_out[reason] = left_out.get(reason, 0) + dropped
        return table[~bad]

    table = drop(
        table, table["duration_ms"].isna() | table["memory_mb"].isna(), "rows without duration or memory size"
    )
    least, most = limit("memory_min_mb").value, limit("memory_max_mb").value
    foreign = (table["memory_mb"] < least) | (table["memory_mb"] > most)
    table = drop(table, foreign, f"rows with a memory size outside Lambda's {least:,} to {most:,} MB")
    if "request_id" in table:
        table = drop(table, _repeats(table), _REPEATS)
        again = table["request_id"].notna() & table.duplicated(["request_id"], keep=False)
        if again.any():
            notes.append(
                f"{count(int(again.sum()), 'row shares', 'rows share')} a request id with another run, as retries do; "
                "all are used"
            )
    if not len(table):
        told = "".join(f"; {one}" for one in counted_reasons(left_out))
        raise TraceError.single(function, "logs", f"have no invocation with duration and memory size{told}")
    notes += refuse_units(table, function)
    table, seen = with_unsaid(table)
    notes += [*seen, *selection_notes(table), *billing_notes(table)]
    taken = newest(table, version)
    return _observed(taken.table, function, rows, left_out | dict(taken.left_out), [*notes, *taken.notes])


def _repeats(table: pd.DataFrame) -> pd.Series[bool]:
    """Mark rows of one run, whose arrival two files may tell apart: by its START, and by its report alone.

    A retry of an event comes a minute later at the earliest.
    """
    ordered = table.sort_values("timestamp_us", kind="stable")
    apart_us = ordered.groupby(["request_id", "duration_ms"])["timestamp_us"].diff()
    return (apart_us <= _SAME_RUN_US).reindex(table.index)


def _observed(
    table: pd.DataFrame, function: str, rows: int, left_out: dict[str, int], notes: list[str]
) -> Observations:
    """Sort the runs that are used."""
    runs = runs_of(table)
    usual = table.sort_values("timestamp_us", kind="stable")[~runs.inside]
    notes += mixture_notes(usual)
    for _, part in warm_complete(usual).groupby("memory_mb"):
        notes += change_notes(part)
    if runs.inside.any():
        left_out["runs inside which INIT ran again"] = int(runs.inside.sum())
    used_mb = _max_memory_mb(table)
    sizes = tuple(size_runs(int(memory_mb), runs, used_mb) for memory_mb in np.unique(runs.memory_mb))
    if len(sizes) > 1:
        notes.append(
            "the memory size changes: "
            + ", ".join(
                f"{count(len(s.warm_ms), 'warm run')} at {s.memory_mb} MB"
                + (f", median {np.median(s.warm_ms):.4g} ms" if len(s.warm_ms) else "")
                for s in sizes
            )
        )
    for size in sizes:
        if len(size.warm_ms) < FEWEST_RUNS:
            notes.append(
                f"only {count(len(size.warm_ms), 'warm run')} at {size.memory_mb} MB: intervals are wide, tails unknown"
            )
    arrivals = runs.arrival_us if runs.has_times else np.zeros(0, dtype=np.int64)
    if not len(arrivals):
        notes.append("the log has no times: work and INIT are fitted, traffic is not known")
    if len(arrivals):
        _refuse_endless(function, arrivals)
    if to_their_end(runs) != SUCCESS and runs.ended("error").any():
        notes.append("no run was complete: work is that of runs that ended as function errors")
    cut_ms = runs.duration_ms[runs.ended("timeout")].max(initial=0.0)
    return Observations(
        function,
        sizes,
        rows,
        runs,
        left_out,
        tuple(notes),
        arrivals,
        environment_use(table) if len(arrivals) else None,
        float(cut_ms) or None,
        _runtime(table, notes),
        table if len(sizes) > 1 else None,
    )


def _runtime(table: pd.DataFrame, notes: list[str]) -> str | None:
    """Take the runtime that the log names; the one of the most runs where it was changed."""
    if "runtime" not in table or not table["runtime"].notna().any():
        return None
    counts = table["runtime"].value_counts()
    if len(counts) > 1:
        notes.append(
            f"the log has runs of {listed(map(str, counts.index), last=' and ')}; {counts.index[0]} is written"
        )
    return str(counts.index[0])


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


def _max_memory_mb(table: pd.DataFrame) -> Floats:
    """Give the highest memory use of each run in order of arrival; NaN where it is not known, shape (n,) [MB]."""
    if "max_memory_mb" not in table:
        return np.full(len(table), np.nan)
    ordered = table.sort_values("timestamp_us", kind="stable")["max_memory_mb"]
    return np.asarray(ordered.astype("float64").to_numpy(na_value=np.nan), dtype=np.float64)


def require_warm(observations: Observations) -> tuple[SizeStatistics, ...]:
    """Give statistics of the sizes with complete runs.

    Where one size has two or more, those with a single run are left out.

    Raises
    ------
    InputError
        When no run was complete.
    """
    found = [size.statistics() for size in observations.sizes]
    known = [one for one in found if one is not None]
    usable = [one for one in known if one.n > 1] or known
    runs = observations.runs
    if runs.again.all() and not runs.ended(SUCCESS).any():
        told = "must have a start whose INIT was complete: INIT failed in every run, so nothing is known of the work"
        raise InputError.single(observations.function, "logs", told)
    if not usable:
        ended = [(kind.replace("_", " "), int(runs.ended(kind).sum())) for kind in OUTCOMES]
        told = listed([f"{number:,} ended as {kind}" for kind, number in ended if number], last=" and ")
        raise InputError.single(
            observations.function,
            "logs",
            f"must have a run that was complete: work cannot be fitted to none; of {len(runs):,} runs {told}",
        )
    return tuple(usable)
