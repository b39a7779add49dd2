"""Messages and records summed up as they end: outcomes, exact latency, backlog by minute; bounded memory."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from lambdasim.engine.contract import NEVER
from lambdasim.engine.items import COUNTERS, ItemChunk, ItemOutcome
from lambdasim.engine.totals.histogram import Histogram
from lambdasim.units import US_PER_MINUTE, US_PER_MS


@dataclass(eq=False)
class ItemTotals:
    """What is kept of one function's messages or records.

    Attributes
    ----------
    duration_us : int
        The scenario's length, after which nothing more is sent [µs].
    sections : int
        Number of equal stretches of it.
    outcomes : ndarray of int64
        Counts by ``ItemOutcome``.
    receives, repeated : int
        Receives of messages, or runs of records, all together; items that had more than one.
    latency_ms : Histogram
        From being sent to being processed [whole ms, rounded up].
    section_latency_ms : list of Histogram
        The same by stretches of the run in which they were processed.
    oldest_us : int
        Greatest age that an item reached before it ended [µs].
    last_us : int
        When the last one ended [µs since the scenario's start].
    late : int
        Items that had not ended when the scenario's time was over.
    sent_by_minute, ended_by_minute : ndarray of int64
    eldest_by_minute : ndarray of int64
        The earliest arrival among items that ended in each minute; NEVER where none did [µs since the scenario's start].
    counters : dict of str to int
        See ``engine.items.COUNTERS``, at the end.
    """

    duration_us: int
    sections: int
    outcomes: NDArray[np.int64] = field(default_factory=lambda: np.zeros(len(ItemOutcome), dtype=np.int64))
    receives: int = 0
    repeated: int = 0
    latency_ms: Histogram = field(default_factory=Histogram)
    section_latency_ms: list[Histogram] = field(default_factory=list)
    oldest_us: int = 0
    last_us: int = 0
    late: int = 0
    sent_by_minute: NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, dtype=np.int64))
    ended_by_minute: NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, dtype=np.int64))
    eldest_by_minute: NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, dtype=np.int64))
    counters: dict[str, int] = field(default_factory=lambda: dict.fromkeys(COUNTERS, 0))

    def __post_init__(self) -> None:
        """Make an empty histogram for each stretch."""
        self.section_latency_ms = [Histogram() for _ in range(self.sections)]

    @property
    def sent(self) -> int:
        """How many were sent."""
        return self.counters["sent"]

    def add(self, chunk: ItemChunk, function: int, idle_pollers: int, units: int = 0) -> None:
        """Sum up the next items of a function."""
        self.counters = {name: int(counts[function]) for name, counts in chunk.counters.items()}
        # Nothing happens after the last moment, but pollers wait on.
        rest_us = max(self.duration_us - chunk.now_us, 0)
        self.counters["idle_us"] += idle_pollers * rest_us
        self.counters["unit_us"] += units * rest_us
        mine = chunk["function"] == function
        if not mine.any():
            return
        arrival_us, done_us = chunk["arrival_us"][mine], chunk["done_us"][mine]
        receives, outcome = chunk["receives"][mine], chunk["outcome"][mine]
        age_us = done_us - arrival_us
        self.outcomes += np.bincount(outcome, minlength=len(ItemOutcome))
        self.receives += int(receives.sum())
        self.repeated += int((receives > 1).sum())
        self.oldest_us = max(self.oldest_us, int(age_us.max()))
        self.last_us = max(self.last_us, int(done_us.max()))
        self.late += int((done_us > self.duration_us).sum())
        sent = arrival_us // US_PER_MINUTE
        self.sent_by_minute = _counted(self.sent_by_minute, sent)
        # What ends with a minute is not left when the next begins.
        ended = np.maximum((done_us - 1) // US_PER_MINUTE, sent)
        self.ended_by_minute = _counted(self.ended_by_minute, ended)
        missing = len(self.ended_by_minute) - len(self.eldest_by_minute)
        self.eldest_by_minute = np.pad(self.eldest_by_minute, (0, missing), constant_values=NEVER)
        np.minimum.at(self.eldest_by_minute, ended, arrival_us)
        served = outcome == ItemOutcome.PROCESSED
        latency_ms = -(-age_us[served] // US_PER_MS)
        self.latency_ms.add(latency_ms)
        section = np.minimum(done_us[served] * self.sections // self.duration_us, self.sections - 1)
        for number in np.unique(section):
            self.section_latency_ms[number].add(latency_ms[section == number])

    @property
    def minutes(self) -> int:
        """How many minutes have been reached."""
        used = np.flatnonzero(self.ended_by_minute)
        return int(used[-1]) + 1 if len(used) else 0

    def oldest_by_minute_us(self) -> NDArray[np.int64]:
        """Return the age of the oldest that had not ended when each minute ended, 0 for none, shape (minutes,) [µs].

        Notes
        -----
        What is left when a minute ends will end in a later one, and the earliest arrival among all that end later is
        either that of the oldest that is left, or lies in the future itself.
        """
        minutes = self.minutes
        eldest = np.append(self.eldest_by_minute[1:minutes], NEVER)[:minutes]
        later = np.minimum.accumulate(eldest[::-1])[::-1]
        ends_us = (np.arange(minutes) + 1) * US_PER_MINUTE
        age: NDArray[np.int64] = np.maximum(ends_us - later, 0)
        return age

    def backlog(self) -> NDArray[np.int64]:
        """Return how many were sent and had not ended when each minute ended, shape (minutes,)."""
        minutes = self.minutes
        sent, ended = (
            np.pad(counts, (0, max(minutes - len(counts), 0)))[:minutes]
            for counts in (self.sent_by_minute, self.ended_by_minute)
        )
        left: NDArray[np.int64] = np.cumsum(sent - ended)
        return left


def _counted(counts: NDArray[np.int64], minute: NDArray[np.int64]) -> NDArray[np.int64]:
    """Add minutes to counts by minute."""
    missing = int(minute.max()) + 1 - len(counts)
    if missing > 0:
        counts = np.pad(counts, (0, missing + len(counts) // 2))
    return counts + np.bincount(minute, minlength=len(counts))
