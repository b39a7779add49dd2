"""Records summed up as they pass: counts, exact histograms, usage by month, series per minute; bounded memory."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from typing import Final

import numpy as np
from numpy.typing import NDArray

from lambdasim.engine.contract import EventOutcome, Limit, Outcome, RecordChunk, StartType
from lambdasim.engine.histogram import Histogram
from lambdasim.errors import ConservationError
from lambdasim.units import US_PER_MINUTE, US_PER_MS, from_epoch_us

BATCHES: Final = 20
SERIES: Final = (
    "Invocations",
    "Errors",
    "Throttles",
    "ColdStarts",
    "DurationSum_us",
    "ConcurrentExecutions",
    "ProvisionedConcurrencyInvocations",
)
_CONCURRENCY: Final = SERIES.index("ConcurrentExecutions")


@dataclass(eq=False)
class MonthlyUsage:
    """What one function used in one month.

    Attributes
    ----------
    requests, provisioned_requests : int
        Started attempts, and those on provisioned environments.
    billed_ms_with_init, billed_ms_without_init, provisioned_billed_ms : int
        Sums of ceilings, see ``billing.Usage``.
    """

    requests: int = 0
    provisioned_requests: int = 0
    billed_ms_with_init: int = 0
    billed_ms_without_init: int = 0
    provisioned_billed_ms: int = 0


@dataclass(eq=False)
class Concurrency:
    """Executions in progress, followed through chunks that are ordered by start."""

    pending_us: NDArray[np.int64] = field(default_factory=lambda: np.empty(0, dtype=np.int64))
    busy_us: int = 0

    def at_starts(self, start_us: NDArray[np.int64], end_us: NDArray[np.int64]) -> NDArray[np.int64]:
        """Give the number in progress just after each start, shape (n,)."""
        ends = np.sort(np.concatenate([self.pending_us, end_us]))
        # What ends at an instant has ended for a start of that instant; a run of no length still counts itself.
        ended = np.searchsorted(ends, start_us, side="right")
        started = len(self.pending_us) + np.arange(1, len(start_us) + 1)
        self.busy_us += int((end_us - start_us).sum())
        if len(start_us):
            self.pending_us = ends[ends > start_us[-1]]
        in_progress: NDArray[np.int64] = np.maximum(started - ended, 1)
        return in_progress


@dataclass(eq=False)
class FunctionTotals:
    """Everything that is kept of one function."""

    events: int = 0
    outcomes: NDArray[np.int64] = field(default_factory=lambda: np.zeros(len(Outcome), dtype=np.int64))
    limits: NDArray[np.int64] = field(default_factory=lambda: np.zeros(len(Limit), dtype=np.int64))
    starts: NDArray[np.int64] = field(default_factory=lambda: np.zeros(len(StartType), dtype=np.int64))
    event_outcomes: NDArray[np.int64] = field(
        default_factory=lambda: np.zeros(len(EventOutcome), dtype=np.int64)
    )
    billed_with_init: Histogram = field(default_factory=Histogram)
    billed_without_init: Histogram = field(default_factory=Histogram)
    provisioned_billed: Histogram = field(default_factory=Histogram)
    duration_ms: Histogram = field(default_factory=Histogram)
    init_ms: Histogram = field(default_factory=Histogram)
    latency_ms: dict[StartType, Histogram] = field(default_factory=lambda: defaultdict(Histogram))
    batch_latency_ms: list[Histogram] = field(default_factory=lambda: [Histogram() for _ in range(BATCHES)])
    usage: dict[str, MonthlyUsage] = field(default_factory=lambda: defaultdict(MonthlyUsage))
    series: NDArray[np.int64] = field(default_factory=lambda: np.zeros((len(SERIES), 0), dtype=np.int64))
    concurrency: Concurrency = field(default_factory=Concurrency)
    peak_concurrency: int = 0

    def all_latency_ms(self) -> Histogram:
        """Return the latency of all served events together [ms]."""
        together = Histogram()
        for histogram in self.latency_ms.values():
            together.absorb(histogram)
        return together


class Aggregate:
    """Totals of a run.

    Parameters
    ----------
    names : sequence of str
        Functions, in the plan's order.
    client_timeouts_us : sequence of int
        When the client of each has gone.
    start_us : int
        The scenario's start [µs since 1970].
    duration_us : int
        The scenario's length [µs].
    """

    def __init__(
        self, names: tuple[str, ...], client_timeouts_us: tuple[int, ...], start_us: int, duration_us: int
    ) -> None:
        self.names = names
        self.functions = [FunctionTotals() for _ in names]
        self.account = Concurrency()
        self.account_peak = 0
        self.account_series = np.zeros(0, dtype=np.int64)
        self._client_timeouts_us = client_timeouts_us
        self._start_us = start_us
        self._duration_us = duration_us

    def add(self, chunk: RecordChunk) -> None:
        """Sum up the next records."""
        end_us = chunk.end_us()
        for rank, totals in enumerate(self.functions):
            mine = chunk["function"] == rank
            if mine.any():
                self._add_function(totals, {n: c[mine] for n, c in chunk.columns.items()}, end_us[mine], rank)
        started = chunk["start_type"] != StartType.NONE
        start_us = chunk["start_us"][started]
        in_progress = self.account.at_starts(start_us, end_us[started])
        if len(in_progress):
            self.account_peak = max(self.account_peak, int(in_progress.max()))
            self.account_series = _widened(self.account_series, int(start_us[-1]) // US_PER_MINUTE)
            np.maximum.at(self.account_series, start_us // US_PER_MINUTE, in_progress)

    def _add_function(
        self,
        totals: FunctionTotals,
        columns: dict[str, NDArray[np.int64]],
        end_us: NDArray[np.int64],
        rank: int,
    ) -> None:
        totals.events += int((columns["attempt"] == 0).sum())
        for counts, name in (
            (totals.outcomes, "outcome"),
            (totals.limits, "limit"),
            (totals.starts, "start_type"),
            (totals.event_outcomes, "event_outcome"),
        ):
            np.add(counts, np.bincount(columns[name], minlength=len(counts)), out=counts)
        started = columns["start_type"] != StartType.NONE
        runs = {name: column[started] for name, column in columns.items()}
        self._add_runs(totals, runs, end_us[started])
        self._add_latency(totals, columns, end_us, self._client_timeouts_us[rank])
        self._add_series(totals, columns, runs, end_us[started])

    def _add_runs(
        self, totals: FunctionTotals, runs: dict[str, NDArray[np.int64]], end_us: NDArray[np.int64]
    ) -> None:
        provisioned = runs["start_type"] == StartType.PROVISIONED
        cold = runs["start_type"] == StartType.COLD
        without = _ceil_ms(runs["duration_us"])
        with_init = _ceil_ms(runs["duration_us"] + runs["init_us"])
        totals.duration_ms.add(without)
        totals.init_ms.add(_ceil_ms(runs["init_us"][cold]))
        totals.billed_with_init.add(with_init[~provisioned])
        totals.billed_without_init.add(without[~provisioned])
        totals.provisioned_billed.add(without[provisioned])
        for month, mine in self._months(runs["start_us"]):
            usage = totals.usage[month]
            on_demand = mine & ~provisioned
            usage.requests += int(mine.sum())
            usage.provisioned_requests += int((mine & provisioned).sum())
            usage.billed_ms_with_init += int(with_init[on_demand].sum())
            usage.billed_ms_without_init += int(without[on_demand].sum())
            usage.provisioned_billed_ms += int(without[mine & provisioned].sum())
        in_progress = totals.concurrency.at_starts(runs["start_us"], end_us)
        if len(in_progress):
            totals.peak_concurrency = max(totals.peak_concurrency, int(in_progress.max()))
        runs["in_progress"] = in_progress

    def _months(self, start_us: NDArray[np.int64]) -> list[tuple[str, NDArray[np.bool_]]]:
        """Split by UTC month of the attempt's start, which is when AWS's metrics count an invocation."""
        if not len(start_us):
            return []
        month = (start_us + self._start_us).astype("datetime64[us]").astype("datetime64[M]")
        return [(str(name), month == name) for name in np.unique(month)]

    def _add_latency(
        self,
        totals: FunctionTotals,
        columns: dict[str, NDArray[np.int64]],
        end_us: NDArray[np.int64],
        client_timeout_us: int,
    ) -> None:
        """Count how long served events took, from arrival to answer; a client that left waited to its own timeout."""
        served = np.isin(columns["event_outcome"], (EventOutcome.SUCCEEDED, EventOutcome.CLIENT_TIMEOUT))
        answered_us = np.minimum(end_us, columns["start_us"] + client_timeout_us)[served]
        arrival_us = columns["arrival_us"][served]
        latency_ms = _ceil_ms(answered_us - arrival_us)
        starts = columns["start_type"][served]
        for start in (StartType.COLD, StartType.WARM, StartType.PROVISIONED):
            totals.latency_ms[start].add(latency_ms[starts == start])
        batch = np.minimum(arrival_us * BATCHES // self._duration_us, BATCHES - 1)
        for number in np.unique(batch):
            totals.batch_latency_ms[number].add(latency_ms[batch == number])

    def _add_series(
        self,
        totals: FunctionTotals,
        columns: dict[str, NDArray[np.int64]],
        runs: dict[str, NDArray[np.int64]],
        end_us: NDArray[np.int64],
    ) -> None:
        minute = runs["start_us"] // US_PER_MINUTE
        refused = columns["start_us"][columns["outcome"] == Outcome.THROTTLED] // US_PER_MINUTE
        totals.series = _widened(totals.series, int(columns["start_us"][-1]) // US_PER_MINUTE)
        width = totals.series.shape[1]

        def per_minute(at: NDArray[np.int64]) -> NDArray[np.int64]:
            return np.bincount(at, minlength=width)

        added = {
            "Invocations": per_minute(minute),
            "Errors": per_minute(minute[runs["outcome"] != Outcome.COMPLETED]),
            "Throttles": per_minute(refused),
            "ColdStarts": per_minute(minute[runs["start_type"] == StartType.COLD]),
            "ProvisionedConcurrencyInvocations": per_minute(
                minute[runs["start_type"] == StartType.PROVISIONED]
            ),
        }
        for name, counts in added.items():
            totals.series[SERIES.index(name)] += counts
        np.add.at(totals.series[SERIES.index("DurationSum_us")], minute, runs["duration_us"])
        np.maximum.at(totals.series[_CONCURRENCY], minute, runs["in_progress"])

    def check_conservation(self) -> None:
        """Make sure that every event has exactly one end.

        Raises
        ------
        ConservationError
            When an event was lost or invented.
        """
        for name, totals in zip(self.names, self.functions, strict=True):
            ended = int(totals.event_outcomes.sum() - totals.event_outcomes[EventOutcome.PENDING])
            if ended != totals.events:
                raise ConservationError(f"{name}: {totals.events} events arrived, {ended} ended")

    def minutes(self, width: int) -> list[str]:
        """Return the beginnings of the first minutes, ISO 8601 in UTC."""
        return [
            from_epoch_us(self._start_us + minute * US_PER_MINUTE).isoformat().replace("+00:00", "Z")
            for minute in range(width)
        ]


def _ceil_ms(amount_us: NDArray[np.int64]) -> NDArray[np.int64]:
    return -(-amount_us // US_PER_MS)


def _widened(series: NDArray[np.int64], minute: int) -> NDArray[np.int64]:
    """Make room for a minute in the last axis."""
    missing = minute + 1 - series.shape[-1]
    if missing <= 0:
        return series
    spare = [(0, 0)] * (series.ndim - 1) + [(0, missing)]
    return np.pad(series, spare)
