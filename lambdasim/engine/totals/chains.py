"""Chains of calls summed up as they end: latency of the whole chain, events in it, and what became of each call."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from lambdasim.engine.chains import CALL_COUNTERS, ChainChunk, check_chains
from lambdasim.engine.totals.histogram import Histogram
from lambdasim.errors import ConservationError
from lambdasim.units import US_PER_MS

_MOST: Final = (1 << 62) - 1


class ChainTotals:
    """Totals of a run's chains.

    Parameters
    ----------
    calls : int
        Calls in the plan.

    Attributes
    ----------
    latency_ms : dict of int to Histogram
        By the function at which chains begin: from the first event's arrival to the end of the last work [whole ms,
        rounded up].
    events : dict of int to Histogram
        Events and items in a chain.
    failed : dict of int to int
        Chains of which some event did not succeed.
    calls : dict of str to ndarray of int64, each of shape (n_calls + 1,)
        See ``CALL_COUNTERS``; calls are numbered from 1.
    """

    def __init__(self, calls: int) -> None:
        self.latency_ms: dict[int, Histogram] = defaultdict(Histogram)
        self.events: dict[int, Histogram] = defaultdict(Histogram)
        self.failed: dict[int, int] = defaultdict(int)
        self.calls: dict[str, NDArray[np.int64]] = {
            name: np.zeros(calls + 1, dtype=np.int64) for name in CALL_COUNTERS
        }
        self._written = self._open = 0

    def content(self, names: Sequence[str]) -> dict[str, Any]:
        """Return the totals as plain values, which JSON can hold; `of_content` reads them again."""
        return {
            "chains": {
                names[rank]: {
                    "latency_ms": _plain(self.latency_ms[rank]),
                    "events": _plain(self.events[rank]),
                    "failed": self.failed[rank],
                }
                for rank in sorted(self.latency_ms)
            },
            "calls": {name: counted.tolist() for name, counted in self.calls.items()},
        }

    @classmethod
    def of_content(cls, content: Any, names: Sequence[str], calls: int) -> ChainTotals:
        """Make totals again of what `content` gave.

        Raises
        ------
        ValueError
            When it is something else.
        """
        totals = cls(calls)
        if not isinstance(content, dict) or not isinstance(content.get("chains"), dict):
            raise ValueError("chains")
        for name, one in content["chains"].items():
            if name not in names or not isinstance(one, dict):
                raise ValueError("chains")
            rank = names.index(name)
            totals.latency_ms[rank] = _read(one.get("latency_ms"))
            totals.events[rank] = _read(one.get("events"))
            (totals.failed[rank],) = _whole([one.get("failed")], 1).tolist()
        counted = content.get("calls")
        if not isinstance(counted, dict):
            raise ValueError("calls")
        totals.calls = {name: _whole(counted.get(name), calls + 1) for name in CALL_COUNTERS}
        return totals

    def add(self, chunk: ChainChunk) -> None:
        """Sum up the next chains.

        Raises
        ------
        ConservationError
            When one was lost or invented.
        """
        self._written = check_chains(chunk, self._written)
        self._open = chunk.open_chains
        self.calls = dict(chunk.calls)
        latency_ms = -(-(chunk["done_us"] - chunk["arrival_us"]) // US_PER_MS)
        for rank in np.unique(chunk["function"]).tolist():
            mine = chunk["function"] == rank
            self.latency_ms[rank].add(latency_ms[mine])
            self.events[rank].add(chunk["events"][mine])
            self.failed[rank] += int((chunk["failed"][mine] > 0).sum())

    def check(self) -> None:
        """Make sure that no chain goes on when all events have ended.

        Raises
        ------
        ConservationError
            When one does.
        """
        if self._open:
            raise ConservationError(f"{self._open} chains of calls have not ended")


def _plain(histogram: Histogram) -> list[list[int]]:
    return [histogram.values.tolist(), histogram.counts.tolist()]


def _read(content: Any) -> Histogram:
    """Read a histogram of values in order, each with its count."""
    if not isinstance(content, list) or len(content) != 2 or not isinstance(content[0], list):
        raise ValueError("histogram")
    values, counts = _whole(content[0], len(content[0])), _whole(content[1], len(content[0]))
    if not len(values) or (np.diff(values) <= 0).any() or (counts < 1).any():
        raise ValueError("histogram")
    return Histogram(values, counts)


def _whole(content: Any, length: int) -> NDArray[np.int64]:
    """Read so many whole numbers."""
    if not isinstance(content, list) or len(content) != length:
        raise ValueError("length")
    if any(type(value) is not int or not 0 <= value <= _MOST for value in content):
        raise ValueError("whole numbers")
    return np.array(content, dtype=np.int64)
