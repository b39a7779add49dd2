"""Executions of state machines summed up: how they ended, how long they took, and what is billed by month."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lambdasim.engine.chains import ExecutionChunk, ExecutionOutcome
from lambdasim.engine.totals.histogram import Histogram
from lambdasim.units import US_PER_MINUTE, US_PER_MS

_BILLED_MS = 100
_MOST_MINUTES = 1 << 26
_BILLED = ("executions", "transitions", "billed_ms")


@dataclass(eq=False)
class MachineTotals:
    """Totals of one state machine.

    Attributes
    ----------
    outcomes : Counter of ExecutionOutcome
    duration_ms : Histogram
        Of executions [whole ms, rounded up].
    retries, most_history : int
    executions, transitions, billed_ms : Counter of str
        By UTC month of the start: executions, transitions, and durations rounded up to 100 ms each.
    by_minute : ndarray of int64, shape (3, n_minutes)
        The same three by the minute of the start, since the scenario's.
    """

    outcomes: Counter[ExecutionOutcome] = field(default_factory=Counter)
    duration_ms: Histogram = field(default_factory=Histogram)
    retries: int = 0
    most_history: int = 0
    executions: Counter[str] = field(default_factory=Counter)
    transitions: Counter[str] = field(default_factory=Counter)
    billed_ms: Counter[str] = field(default_factory=Counter)
    by_minute: NDArray[np.int64] = field(default_factory=lambda: np.zeros((len(_BILLED), 0), dtype=np.int64))

    def count(
        self,
        month: str,
        minute: NDArray[np.int64],
        transitions: NDArray[np.int64],
        took_ms: NDArray[np.int64],
    ) -> None:
        """Count what is billed of executions that started in one month.

        Parameters
        ----------
        month : str
        minute, transitions, took_ms : ndarray of int64, shape (n_executions,)
            Minute of the start; transitions; durations [whole ms, rounded up].
        """
        billed_ms = np.maximum(-(-took_ms // _BILLED_MS), 1) * _BILLED_MS
        missing = int(minute.max()) + 1 - self.by_minute.shape[1]
        if missing > 0:
            self.by_minute = np.pad(self.by_minute, ((0, 0), (0, missing)))
        for name, row, amounts in zip(
            _BILLED, self.by_minute, (np.ones_like(minute), transitions, billed_ms), strict=True
        ):
            getattr(self, name)[month] += int(amounts.sum())
            np.add.at(row, minute, amounts)


class ExecutionTotals:
    """Totals of a run's state machines.

    Parameters
    ----------
    names : sequence of str
        Machines, in the plan's order.
    start_us : int
        The scenario's start [µs since 1970].
    """

    def __init__(self, names: Sequence[str], start_us: int) -> None:
        self.machines = {name: MachineTotals() for name in names}
        self._start_us = start_us

    def add(self, chunk: ExecutionChunk) -> None:
        """Sum up the next executions."""
        took_ms = -(-(chunk["done_us"] - chunk["start_us"]) // US_PER_MS)
        months = (chunk["start_us"] + self._start_us).astype("datetime64[us]").astype("datetime64[M]")
        for rank, totals in enumerate(self.machines.values()):
            mine = chunk["machine"] == rank
            if not mine.any():
                continue
            kinds, counts = np.unique(chunk["outcome"][mine], return_counts=True)
            for kind, number in zip(kinds.tolist(), counts.tolist(), strict=True):
                totals.outcomes[ExecutionOutcome(kind)] += number
            totals.duration_ms.add(took_ms[mine])
            totals.retries += int(chunk["retries"][mine].sum())
            totals.most_history = max(totals.most_history, int(chunk["history"][mine].max()))
            for month in np.unique(months[mine]):
                then = mine & (months == month)
                minute = chunk["start_us"][then] // US_PER_MINUTE
                totals.count(str(month), minute, chunk["transitions"][then], took_ms[then])

    def content(self) -> dict[str, Any]:
        """Return the totals as plain values, which JSON can hold; `read` takes them."""
        return {
            name: {
                "outcomes": {kind.name: number for kind, number in totals.outcomes.items()},
                "duration_ms": [totals.duration_ms.values.tolist(), totals.duration_ms.counts.tolist()],
                "retries": totals.retries,
                "most_history": totals.most_history,
                "by_minute": [
                    (used := np.flatnonzero(totals.by_minute[0])).tolist(),
                    *totals.by_minute[:, used].tolist(),
                ],
            }
            | {kind: dict(getattr(totals, kind)) for kind in _BILLED}
            for name, totals in self.machines.items()
        }

    def read(self, content: Any) -> None:
        """Take totals as `content` gave them.

        Raises
        ------
        ValueError
            When it is something else.
        """
        if not isinstance(content, dict) or set(content) != set(self.machines):
            raise ValueError("machines")
        for name, one in content.items():
            try:
                totals = MachineTotals(
                    outcomes=Counter({ExecutionOutcome[kind]: int(n) for kind, n in one["outcomes"].items()}),
                    duration_ms=Histogram(*(np.array(part, dtype=np.int64) for part in one["duration_ms"])),
                    retries=int(one["retries"]),
                    most_history=int(one["most_history"]),
                    by_minute=_by_minute(one["by_minute"]),
                    **{
                        kind: Counter({str(month): int(n) for month, n in one[kind].items()})
                        for kind in _BILLED
                    },
                )
            except (KeyError, TypeError, AttributeError, OverflowError) as error:
                raise ValueError("machines") from error
            self.machines[name] = totals


def _by_minute(content: Any) -> NDArray[np.int64]:
    """Lay out what was kept of minutes with executions."""
    minutes, *rows = (np.array(part, dtype=np.int64) for part in content)
    if minutes.min(initial=0) < 0 or minutes.max(initial=0) > _MOST_MINUTES:
        raise ValueError("by_minute")
    found = np.zeros((len(_BILLED), int(minutes.max(initial=-1)) + 1), dtype=np.int64)
    found[:, minutes] = rows
    return found
