"""What limits see over time: attempts, refusals, cold starts and executions, in bins of equal length."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from lambdasim.engine.contract import EventOutcome, Limit, Outcome, RecordChunk, StartType
from lambdasim.units import US_PER_S

_MOST_CELLS: Final = 500_000
_ROWS: Final = ("attempts", "refused_account", "cold", "started", "ended", "rest_of_started", "rest_of_ended")
_CUT: Final = (Outcome.TIMEOUT, Outcome.OUT_OF_MEMORY)
_LOST: Final = (EventOutcome.THROTTLED, EventOutcome.EXPIRED, EventOutcome.REJECTED)


class LimitMeter:
    """Counts records as they leave the engine; memory is bounded by the number of bins.

    Parameters
    ----------
    functions : int
        How many there are; records number them.
    duration_us : int
        The scenario's length [µs].

    Attributes
    ----------
    width_us : int
        Length of a bin [µs]: a second, longer in long scenarios with many functions.
    hit : ndarray of int64, shape (n_functions, n_limits)
        Events whose first attempt a limit refused.
    refused, lost : ndarray of int64, shape (n_functions, n_limits)
        Refused attempts, and those of them that ended their event.
    first_us : ndarray of int64, shape (n_functions, n_limits)
        When a limit first refused [µs since the start]; -1 where never.
    failed_first_us, failed_lost : ndarray of int64, shape (n_functions, n_outcomes)
        When a run first ended so [µs since the start; -1 where never], and how many events such a run was the end of.
    """

    def __init__(self, functions: int, duration_us: int) -> None:
        seconds = -(-duration_us // US_PER_S)
        self.width_us = max(1, -(-seconds * functions // _MOST_CELLS)) * US_PER_S
        self._functions = functions
        self._bins = max(-(-duration_us // self.width_us), 1)
        self._cells = {name: np.zeros((functions, self._bins)) for name in _ROWS}
        shape = (functions, len(Limit))
        self.hit, self.refused, self.lost = (np.zeros(shape, dtype=np.int64) for _ in range(3))
        self.first_us = np.full(shape, -1, dtype=np.int64)
        self.failed_lost = np.zeros((functions, len(Outcome)), dtype=np.int64)
        self.failed_first_us = np.full((functions, len(Outcome)), -1, dtype=np.int64)

    def __call__(self, chunk: RecordChunk) -> None:
        """Count the next records."""
        if not len(chunk):
            return
        function, start_us = chunk["function"], chunk["start_us"]
        begun = chunk["start_type"] != StartType.NONE
        self._add("attempts", function, start_us)
        self._add("refused_account", *_where(chunk["limit"] == Limit.ACCOUNT_CONCURRENCY, function, start_us))
        self._add("cold", *_where(chunk["start_type"] == StartType.COLD, function, start_us))
        for name, time_us in (("started", start_us), ("ended", chunk.end_us())):
            mine, at_us = _where(begun, function, time_us)
            self._add(name, mine, at_us)
            rest = (self.width_us - at_us % self.width_us) / self.width_us
            self._add(f"rest_of_{name}", mine, at_us, rest)
        self._count_refusals(chunk)
        self._count_failures(chunk)

    def _add(
        self,
        name: str,
        function: NDArray[np.int64],
        time_us: NDArray[np.int64],
        weights: NDArray[np.float64] | None = None,
    ) -> None:
        if not len(function):
            return
        place = time_us // self.width_us
        low, high = int(place.min()), int(place.max()) + 1
        if high > self._bins:
            more = high - self._bins + self._bins // 4
            self._cells = {row: np.pad(cells, [(0, 0), (0, more)]) for row, cells in self._cells.items()}
            self._bins += more
        width = high - low
        counts = np.bincount(
            function * width + place - low, weights=weights, minlength=self._functions * width
        )
        self._cells[name][:, low:high] += counts.reshape(self._functions, width)

    def _count_refusals(self, chunk: RecordChunk) -> None:
        refused = np.flatnonzero(chunk["limit"] != Limit.NONE)
        if not len(refused):
            return
        function, kind = chunk["function"][refused], chunk["limit"][refused]
        np.add.at(self.refused, (function, kind), 1)
        first = chunk["attempt"][refused] == 0
        np.add.at(self.hit, (function[first], kind[first]), 1)
        lost = np.isin(chunk["event_outcome"][refused], _LOST)
        np.add.at(self.lost, (function[lost], kind[lost]), 1)
        # Records come in the order of time, so the first place of a pair is its first breach.
        pairs, places = np.unique(function * len(Limit) + kind, return_index=True)
        for pair, place in zip(pairs.tolist(), places.tolist(), strict=True):
            mine, what = divmod(pair, len(Limit))
            if self.first_us[mine, what] < 0:
                self.first_us[mine, what] = chunk["start_us"][refused[place]]

    def _count_failures(self, chunk: RecordChunk) -> None:
        for kind in _CUT:
            place = np.flatnonzero(chunk["outcome"] == kind)
            if not len(place):
                continue
            function = chunk["function"][place]
            lost = chunk["event_outcome"][place] == EventOutcome.FAILED
            np.add.at(self.failed_lost, (function[lost], kind), 1)
            # A run is cut at its end, and records come in the order of their starts.
            ends_us = chunk.end_us()[place]
            for mine in np.unique(function).tolist():
                first = int(ends_us[function == mine].min())
                known = int(self.failed_first_us[mine, kind])
                self.failed_first_us[mine, kind] = first if known < 0 else min(first, known)

    def cells(self, name: str) -> NDArray[np.float64]:
        """Return counts of ``attempts``, ``refused_account`` or ``cold``, shape (n_functions, n_bins)."""
        return self._cells[name]

    def executions(self) -> NDArray[np.float64]:
        """Return the mean executions in progress, shape (n_functions, n_bins)."""
        cells = self._cells
        after = np.cumsum(cells["started"] - cells["ended"], axis=1)
        before = np.pad(after, [(0, 0), (1, 0)])[:, :-1]
        mean: NDArray[np.float64] = before + cells["rest_of_started"] - cells["rest_of_ended"]
        return mean

    def per_second(self, name: str) -> NDArray[np.float64]:
        """Return counts as rates [1/s], shape (n_functions, n_bins)."""
        return self._cells[name] * (US_PER_S / self.width_us)

    def holders(self) -> NDArray[np.float64]:
        """Return each function's part of the executions while the account's pool refused, shape (n_functions,).

        Bins count by how many attempts were refused in them; NaN where none was.
        """
        weights = self.cells("refused_account").sum(axis=0)
        held = (np.maximum(self.executions(), 0) * weights).sum(axis=1)
        return held / held.sum() if held.sum() else np.full(len(held), np.nan)


def _where(
    mask: NDArray[np.bool_], *columns: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    first, second = (column[mask] for column in columns)
    return first, second
