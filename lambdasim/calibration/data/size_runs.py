"""The runs of a function at one memory size, sorted: warm, first after INIT, failed, and what they used."""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt
from typing import Final

import numpy as np

from lambdasim.calibration.data.environments import Flags
from lambdasim.calibration.data.runs import Runs
from lambdasim.calibration.data.statistics import Floats, SizeStatistics, from_summary, from_values, pooled
from lambdasim.traffic.readers.logs.reports import SUCCESS

_NEAR_CUT: Final = 1.5
_FEWEST_COMPLETE: Final = 20
_MOST_CUT: Final = 0.7
_ALIKE: Final = 0.5
_ONE_RUN_SPREAD: Final = 0.5
_LEAST_MS: Final = 0.01
_Z: Final = 1.96


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
    with_first : bool
        Whether first runs after INIT are among the warm ones: those are few, and take as long.
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
    with_first: bool = False

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


def to_their_end(runs: Runs) -> str:
    """Name the outcome of runs that show how long work takes: complete, or a function error where no run is."""
    return SUCCESS if runs.ended(SUCCESS).any() else "error"


def size_runs(memory_mb: int, runs: Runs, used_mb: Floats) -> SizeRuns:
    """Sort the runs at one memory size; ``used_mb``, shape (n,), is what each run used [MB], NaN where unknown."""
    here = runs.memory_mb == memory_mb
    work_ms, complete, cut = runs.work_ms(), runs.ended(to_their_end(runs)), runs.ended("timeout")
    cold, apart = runs.cold & ~runs.again, here & ~runs.inside
    used = used_mb[here & ~runs.ended("out_of_memory")]
    named = 0 if runs.environment is None else len(set(runs.environment[here]))
    warm = work_ms[apart & ~cold & complete]
    first = pooled(work_ms[apart & cold & complete], _after_init_inside_ms(runs, here & complete))
    together = _are_one(warm, first)
    return SizeRuns(
        memory_mb=memory_mb,
        warm_ms=np.concatenate([warm, first]) if together else warm,
        first_ms=first[:0] if together else first,
        with_first=together,
        init_ms=runs.init_ms[apart & cold],
        timeouts=int((apart & ~cold & cut).sum()),
        failed=int((apart & ~complete & ~cut).sum()),
        max_memory_mb=used[~np.isnan(used)],
        environments=max(1, int((apart & cold).sum()), named),
        reset=int((here & runs.inside).sum()),
        cut_ms=float(runs.duration_ms[here & cut].max(initial=0.0)) or None,
    )


def _are_one(warm: Floats, first: Floats) -> bool:
    """Return whether warm runs are few beside first ones, which take no longer as far as both show.

    The mean of few is far from theirs by luck, and the work of the many would be taken from it.
    """
    if not 0 < len(warm) < min(_FEWEST_COMPLETE, len(first)):
        return False
    deviation = float(np.concatenate([warm - warm.mean(), first - first.mean()]).std())
    error = deviation * sqrt(1 / len(warm) + 1 / len(first))
    return float(first.mean() - warm.mean()) <= _Z * error


def _after_init_inside_ms(runs: Runs, rows: Flags) -> Floats:
    """Give what the handler took in runs inside which INIT ran, where both are logged, shape (n,) [ms]."""
    known = rows & runs.inside & ~np.isnan(runs.again_ms)
    return np.asarray(np.maximum(runs.work_ms()[known] - runs.again_ms[known], _LEAST_MS))
