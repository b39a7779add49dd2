"""Every run of a log as plain columns: what it took, how it started and how it ended."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from lambdasim.calibration.data.after_failure import after_failure, follows, served_by
from lambdasim.calibration.data.environments import Flags, Ints
from lambdasim.calibration.data.statistics import Floats
from lambdasim.specs.platform import AfterFailure
from lambdasim.traffic.readers.cells import NO_VALUE
from lambdasim.traffic.readers.logs.reports import SUCCESS, outcome_of
from lambdasim.units import US_PER_MS

if TYPE_CHECKING:
    import pandas as pd

Words = NDArray[np.object_]
OUTCOMES: Final = (SUCCESS, "error", "timeout", "crash", "out_of_memory")
"""How a run ended. What a log calls otherwise is an error."""
BREAKING: Final = ("timeout", "crash", "out_of_memory")
"""Outcomes after which Lambda resets the environment."""
_LEAST_AFTER_MS: Final = 2.0
_USED_UP: Final = 0.9
"""The share of a run that INIT inside it takes at least where nothing else was done."""
_KNOWN: Final = frozenset(OUTCOMES)
_FINE: Final = frozenset(
    {"", SUCCESS, "successful", "succeeded", "ok", "complete", "completed", "passed", "done", "0", *NO_VALUE}
)
"""How tables write that a run was complete, or no word on it."""
_ANSWERED: Final = re.compile(r"[1-4][0-9]{2}")
"""Status of an answer over HTTP that the function itself gave."""
_FAILING: Final = re.compile(r"err|fail|exception|fault|abort|cancel|unhandled|5[0-9]{2}", re.IGNORECASE)
_INIT_INSIDE: Final = ("reset", "again")


@dataclass(frozen=True, eq=False)
class Runs:
    """The runs of a function, in order of arrival; each column has shape (n,).

    Attributes
    ----------
    arrival_us : ndarray of int64
        [µs since 1970]; -1 where the log has no times.
    memory_mb : ndarray of int64
    duration_ms : ndarray of float
        As REPORT's Duration, work after the answer and INIT inside the run included [ms].
    billed_ms : ndarray of float
        As printed; NaN where the log does not say [ms].
    init_ms : ndarray of float
        INIT of a cold start, or the whole restore; NaN where there was none [ms].
    again_ms : ndarray of float
        INIT inside the run where it is logged [ms].
    broken_ms : ndarray of float
        How long the INIT before it had lasted when it was broken off; NaN where there was none or it is not logged [ms].
    response_ms : ndarray of float
        Time until the answer; NaN where it is not logged [ms].
    cpu_time_ms : ndarray of float
        CPU time that Lambda Insights measured; NaN elsewhere [ms].
    outcome : ndarray of str
        One of ``OUTCOMES``.
    cold, restored, again, inside : ndarray of bool
        Whether the run met a new environment: after INIT, after a restore, or after an INIT that was broken off and ran
        again inside it; and whether INIT ran inside it, for that reason or because its environment was reset.
    environment : ndarray of str or None
        Log stream.
    provisioned : ndarray of bool
        Whether the run met an environment that had been started for provisioned concurrency.
    after_failure : AfterFailure
        What becomes of environments after a crash, a timeout or running out of memory, as far as the log shows.
    init_failed : ndarray of bool
        Whether the run ended because INIT, which ran inside it, failed: no work was done.
    unknown : tuple of str
        Outcomes of which nothing says whether runs had them; none of the runs has.
    """

    arrival_us: Ints
    memory_mb: Ints
    duration_ms: Floats
    billed_ms: Floats
    init_ms: Floats
    again_ms: Floats
    broken_ms: Floats
    response_ms: Floats
    cpu_time_ms: Floats
    outcome: Words
    cold: Flags
    restored: Flags
    again: Flags
    inside: Flags
    environment: Words | None
    provisioned: Flags
    init_failed: Flags
    after_failure: AfterFailure = AfterFailure.INIT_INSIDE
    unknown: tuple[str, ...] = ()

    def __len__(self) -> int:
        """Return the number of runs."""
        return len(self.arrival_us)

    @property
    def has_times(self) -> bool:
        """Whether the log says when each run arrived."""
        return bool(len(self) and (self.arrival_us >= 0).all())

    def ended(self, *outcomes: str) -> Flags:
        """Return which runs ended in one of these ways, shape (n,)."""
        return np.isin(self.outcome.astype(str), outcomes)

    def ends_us(self) -> Ints:
        """Give when each run ended [µs since 1970], shape (n,)."""
        took_ms = self.duration_ms + np.nan_to_num(self.init_ms)
        return self.arrival_us + np.rint(took_ms * US_PER_MS).astype(np.int64)

    def peak_concurrency(self) -> int:
        """Count the most runs at once; 0 where the log has no times."""
        if not self.has_times:
            return 0
        over = np.searchsorted(np.sort(self.ends_us()), self.arrival_us, side="right")
        return int((np.arange(1, len(self) + 1) - over).max())

    def most_provisioned(self) -> int:
        """Count the most environments of provisioned concurrency that served at one time, each from first to last run."""
        if self.environment is None or not self.has_times or not self.provisioned.any():
            return 0
        names, place = np.unique(self.environment[self.provisioned].astype(str), return_inverse=True)
        first = np.full(len(names), np.iinfo(np.int64).max)
        last = np.zeros(len(names), dtype=np.int64)
        np.minimum.at(first, place, self.arrival_us[self.provisioned])
        np.maximum.at(last, place, self.ends_us()[self.provisioned])
        over = np.searchsorted(np.sort(last), np.sort(first), side="right")
        return int((np.arange(1, len(names) + 1) - over).max())

    def warm(self) -> Flags:
        """Return which runs met a warm environment and ran to their end, whatever their outcome, shape (n,)."""
        return ~self.cold & ~self.inside & ~self.ended("timeout")

    def work_ms(self) -> Floats:
        """Give the time until the answer, or the whole duration where nothing follows it, shape (n,) [ms].

        Complete runs whose answer is not logged are taken to have the mean of the others' work after it.
        """
        after = self.after_answer_ms()
        if not self.works_after_answer:
            return self.duration_ms
        known = np.where(np.isnan(after), np.where(self.ended(SUCCESS), np.nanmean(after), 0.0), after)
        return np.maximum(self.duration_ms - known, 0.01)

    @property
    def works_after_answer(self) -> bool:
        """Whether runs go on after their answer for longer than a report's own delay."""
        after = self.after_answer_ms()
        return bool((~np.isnan(after)).any() and np.nanmean(after) >= _LEAST_AFTER_MS)

    def after_answer_ms(self) -> Floats:
        """Give the work after the answer; NaN where the log does not say, or the run failed, shape (n,) [ms]."""
        after = np.maximum(self.duration_ms - self.response_ms, 0.0)
        return np.where(self.ended(SUCCESS), after, np.nan)


def runs_of(table: pd.DataFrame) -> Runs:
    """Take the runs of a table.

    Parameters
    ----------
    table : DataFrame
        Columns as of a ``Trace``, in any order, each row with a duration and a memory size.
    """
    table = table.sort_values("timestamp_us", kind="stable").reset_index(drop=True)

    def numbers(name: str) -> Floats:
        if name not in table:
            return np.full(len(table), np.nan)
        return np.asarray(table[name].astype("float64").to_numpy(na_value=np.nan), dtype=np.float64)

    start = table["start"].fillna("").to_numpy(dtype=object) if "start" in table else np.full(len(table), "")
    again, restored = start == "again", start == "restore"
    init_ms = numbers("init_ms")
    named = "exec_env" in table and not table["exec_env"].isna().any()
    found = Runs(
        arrival_us=table["timestamp_us"].to_numpy(dtype=np.int64),
        memory_mb=table["memory_mb"].to_numpy(dtype=np.int64),
        duration_ms=numbers("duration_ms"),
        billed_ms=numbers("billed_ms"),
        init_ms=init_ms,
        again_ms=numbers("again_ms"),
        broken_ms=numbers("broken_ms"),
        response_ms=numbers("response_ms"),
        cpu_time_ms=numbers("cpu_time_ms"),
        outcome=np.array(outcomes(table), dtype=object),
        cold=~np.isnan(init_ms) | again,
        restored=restored,
        again=again,
        inside=np.isin(start.astype(str), _INIT_INSIDE),
        environment=table["exec_env"].to_numpy(dtype=object) if named else None,
        provisioned=start == "provisioned",
        init_failed=np.zeros(len(table), dtype=np.bool_),
    )
    if "unsaid" in table and table["unsaid"].any():
        found = replace(found, unknown=tuple(one for one in OUTCOMES[1:] if not found.ended(one).any()))
    return _with_failures_followed(_with_failed_init(found))


def _with_failed_init(runs: Runs) -> Runs:
    """Find the runs that ended because INIT failed inside them.

    A scenario's INIT never fails. That of a new environment stays INIT, billed as it was, and does not count as a failure
    of work, which would come to other runs. Later ones of the same environment become function errors, which take
    as long and leave the environment as it is: so each bills what it did.
    """
    used_up = ~np.isnan(runs.again_ms) & (runs.again_ms >= _USED_UP * runs.duration_ms)
    failed = runs.inside & used_up & runs.ended("error", "crash", "out_of_memory")
    if not failed.any():
        return runs
    later = failed & ~runs.again
    outcome = np.where(later, "error", runs.outcome).astype(object)
    return replace(runs, init_failed=failed, inside=runs.inside & ~later, outcome=outcome)


def _with_failures_followed(runs: Runs) -> Runs:
    """Find what becomes of environments after failures, and the runs inside which INIT ran again for that reason.

    Without times or names of environments runs are taken to be one after the other.

    References
    ----------
    AWS Lambda Developer Guide, Understanding the Lambda execution environment lifecycle: after a timeout, a crash or
    running out of memory the environment is reset, and INIT runs within the next invocation.
    """
    broken = runs.ended(*BREAKING) & ~runs.init_failed
    if not broken.any():
        return runs
    environment = runs.environment
    if environment is not None:
        following = follows(broken, environment)
    elif runs.has_times:
        following = follows(broken, served_by(runs.arrival_us, runs.ends_us(), runs.cold))
    else:
        following = follows(broken, np.cumsum(runs.cold, dtype=np.int64))
    following &= ~runs.cold
    if runs.inside.any() and not runs.again[runs.inside].all():
        # The log writes which runs hold INIT; one that INIT used up may end before it is written.
        following &= runs.ended("timeout")
    complete = runs.ended(SUCCESS)
    kept = after_failure(runs.work_ms(), runs.init_ms, complete, broken, runs.cold, runs.inside, following)
    usable = complete & ~runs.inside & ~following
    follow = kept is AfterFailure.INIT_INSIDE and (usable.any() or not (complete & ~runs.inside).any())
    inside = runs.inside | following if follow else runs.inside
    return replace(runs, inside=inside, after_failure=kept)


def outcomes(table: pd.DataFrame) -> list[str]:
    """Say how the runs of a table ended, in whatever words it says so: one of ``OUTCOMES`` for each."""
    if "status" not in table:
        return [SUCCESS] * len(table)
    said = table["status"].fillna(SUCCESS).str.strip().str.lower()
    return [SUCCESS if _is_fine(one) else one if one in _KNOWN else outcome_of(one, None) for one in said]


def _is_fine(said: str) -> bool:
    return said in _FINE or _ANSWERED.fullmatch(said) is not None


def taken_for_errors(table: pd.DataFrame) -> dict[str, int]:
    """Count runs by words for how they ended that are no known ones, and count as function errors."""
    if "status" not in table:
        return {}
    said = Counter(map(str, table["status"].dropna().str.strip().str.lower()))
    return {word: runs for word, runs in said.items() if _is_strange(word)}


def _is_strange(said: str) -> bool:
    known = _is_fine(said) or said in _KNOWN or _FAILING.search(said) is not None
    return not known and outcome_of(said, None) == "error"
