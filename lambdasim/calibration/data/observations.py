"""What the logs of one function hold, sorted: warm runs by memory size, cold ones, failures, and what was left out."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

import numpy as np

from lambdasim.calibration.data.environments import EnvironmentUse, Flags, Ints, environment_use
from lambdasim.calibration.data.mixture import mixture_notes
from lambdasim.calibration.data.runs import OUTCOMES, Runs, runs_of
from lambdasim.calibration.data.statistics import Floats, SizeStatistics, from_summary, from_values, pooled
from lambdasim.catalog import limit
from lambdasim.errors import InputError, TraceError
from lambdasim.specs.fields import LONGEST_SCENARIO_US
from lambdasim.traffic.readers.logs.reports import SUCCESS
from lambdasim.traffic.trace import Trace, TraceKind
from lambdasim.units import US_PER_DAY, from_epoch_us
from lambdasim.wording import clipped, listed

if TYPE_CHECKING:
    import pandas as pd

FEWEST_RUNS: Final = 100
_LISTED: Final = 3
_MOST_NAMES: Final = 20
_LONGEST_NAME: Final = 64
_NEAR_CUT: Final = 1.5
_FEWEST_COMPLETE: Final = 20
_MOST_CUT: Final = 0.7
_ALIKE: Final = 0.5
_ONE_RUN_SPREAD: Final = 0.5
_LEAST_MS: Final = 0.01


@dataclass(frozen=True)
class SizeRuns:
    """Runs at one memory size.

    Attributes
    ----------
    memory_mb : int
    warm_ms : ndarray, shape (n,)
        Durations of complete warm runs, without work after the answer [ms].
    first_ms : ndarray, shape (m,)
        Durations of the first run after INIT, without INIT [ms]; also of those after INIT inside the run, where it is
        logged and they are alike.
    init_ms : ndarray, shape (k,)
        INIT, or restore, of cold starts [ms].
    timeouts, failed : int
        Runs cut off by a timeout; other warm runs that were reported as errors.
    reset : int
        Runs that are in none of these: INIT ran again inside them.
    max_memory_mb : ndarray, shape (j,)
        Highest memory use that each run reports, runs that were ended out of memory left out [MB].
    environments : int
        How many execution environments served them: those that logs name, or as many as started cold.
    cut_ms : float or None
        Longest run that a timeout cut off [ms].
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
    cut_ms: float | None = None

    @property
    def tail_timeouts(self) -> int:
        """Timeouts that are the upper end of the other durations: those near the limit are half as many or more.

        Others are a kind of run of their own, which hangs; they say nothing of how long the rest takes. So are they taken
        where few runs are complete, or hardly more than are cut off, which would not show the median.
        """
        runs = len(self.warm_ms)
        if self.cut_ms is None or runs < _FEWEST_COMPLETE or self.timeouts > _MOST_CUT * runs:
            return 0
        near = int((self.warm_ms > self.cut_ms / _NEAR_CUT).sum())
        return self.timeouts if near >= _ALIKE * self.timeouts else 0

    def statistics(self) -> SizeStatistics | None:
        """Summarise the warm runs, or the first ones where there is no other.

        Timeouts at the end of a tail count as longer than all other runs. One run alone is taken as known to within
        half of it. None where no run was complete.
        """
        values = self.warm_ms if len(self.warm_ms) else self.first_ms
        if len(values) > 1:
            return from_values(self.memory_mb, values, self.tail_timeouts, self.environments)
        if len(values) == 1 and values[0] > 0:
            return from_summary(self.memory_mb, 1, float(values[0]), sd_ms=_ONE_RUN_SPREAD * float(values[0]))
        return None


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
            notes.append(f"{trace.source.name}: {len(known)} other functions are not used: {_names(known)}")
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
    runs = runs_of(table)
    if runs.inside.any():
        left_out["runs inside which INIT ran again"] = int(runs.inside.sum())
    used_mb = _max_memory_mb(table)
    sizes = tuple(_size_runs(int(memory_mb), runs, used_mb) for memory_mb in np.unique(runs.memory_mb))
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
    arrivals = runs.arrival_us if runs.has_times else np.zeros(0, dtype=np.int64)
    if not len(arrivals):
        notes.append("the log has no times: work and INIT are fitted, traffic is not known")
    if len(arrivals):
        _refuse_endless(function, arrivals)
    if _to_their_end(runs) != SUCCESS and runs.ended("error").any():
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


def _to_their_end(runs: Runs) -> str:
    """Name the outcome of runs that show how long work takes: complete, or a function error where no run is."""
    return SUCCESS if runs.ended(SUCCESS).any() else "error"


def _size_runs(memory_mb: int, runs: Runs, used_mb: Floats) -> SizeRuns:
    here = runs.memory_mb == memory_mb
    work_ms, complete, cut = runs.work_ms(), runs.ended(_to_their_end(runs)), runs.ended("timeout")
    cold, apart = runs.cold & ~runs.again, here & ~runs.inside
    used = used_mb[here & ~runs.ended("out_of_memory")]
    named = 0 if runs.environment is None else len(set(runs.environment[here]))
    return SizeRuns(
        memory_mb=memory_mb,
        warm_ms=work_ms[apart & ~cold & complete],
        first_ms=pooled(work_ms[apart & cold & complete], _after_init_inside_ms(runs, here & complete)),
        init_ms=runs.init_ms[apart & cold],
        timeouts=int((apart & ~cold & cut).sum()),
        failed=int((apart & ~complete & ~cut).sum()),
        max_memory_mb=used[~np.isnan(used)],
        environments=max(1, int((apart & cold).sum()), named),
        reset=int((here & runs.inside).sum()),
        cut_ms=float(runs.duration_ms[here & cut].max(initial=0.0)) or None,
    )


def _after_init_inside_ms(runs: Runs, rows: Flags) -> Floats:
    """Give what the handler took in runs inside which INIT ran, where both are logged, shape (n,) [ms]."""
    known = rows & runs.inside & ~np.isnan(runs.again_ms)
    return np.asarray(np.maximum(runs.work_ms()[known] - runs.again_ms[known], _LEAST_MS))


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
    if not usable:
        runs = observations.runs
        ended = [(kind.replace("_", " "), int(runs.ended(kind).sum())) for kind in OUTCOMES]
        told = listed([f"{number:,} ended as {kind}" for kind, number in ended if number], last=" and ")
        raise InputError.single(
            observations.function,
            "logs",
            f"must have a run that was complete: work cannot be fitted to none; of {len(runs):,} runs {told}",
        )
    return tuple(usable)
