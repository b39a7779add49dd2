"""Records summed up as they pass: counts, exact histograms, usage by month, series per minute; bounded memory."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from typing import Final

import numpy as np
from numpy.typing import NDArray

from lambdasim.engine.contract import (
    EventOutcome,
    FunctionPlan,
    Limit,
    Outcome,
    Plan,
    RecordChunk,
    StartType,
)
from lambdasim.engine.histogram import Histogram
from lambdasim.engine.series import COUNTS, Concurrency, MinuteCounts
from lambdasim.errors import ConservationError
from lambdasim.units import US_PER_MINUTE, US_PER_MS, from_epoch_us

BATCHES: Final = 20
SERIES: Final = (*COUNTS, "ConcurrentExecutions")
_DROPPED: Final = (EventOutcome.FAILED, EventOutcome.EXPIRED, EventOutcome.REJECTED)
_Columns = dict[str, NDArray[np.int64]]


@dataclass(eq=False)
class MonthlyUsage:
    """What one function used in one month.

    Attributes
    ----------
    requests, provisioned_requests : int
        Started attempts, and those on provisioned environments.
    cold_starts : int
    billed_ms_with_init, billed_ms_without_init, provisioned_billed_ms : int
        Sums of ceilings, see ``billing.Usage``.
    """

    requests: int = 0
    provisioned_requests: int = 0
    cold_starts: int = 0
    billed_ms_with_init: int = 0
    billed_ms_without_init: int = 0
    provisioned_billed_ms: int = 0


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
    counts: MinuteCounts = field(default_factory=MinuteCounts)
    concurrency: Concurrency = field(default_factory=Concurrency)
    provisioned: Concurrency = field(default_factory=Concurrency)

    @property
    def series(self) -> NDArray[np.int64]:
        """Return all that is counted per minute, rows in the order of ``SERIES``."""
        minutes = self.counts.minutes
        return np.vstack([self.counts.values[:, :minutes], self.concurrency.per_minute(minutes)])

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
    plan : Plan
    start_us : int
        The scenario's start [µs since 1970].
    duration_us : int
        The scenario's length [µs].
    """

    def __init__(self, plan: Plan, start_us: int, duration_us: int) -> None:
        self.names = tuple(function.name for function in plan.functions)
        self.functions = [FunctionTotals() for _ in plan.functions]
        self.account = Concurrency()
        self.unreserved = Concurrency()
        self._plans = plan.functions
        self._start_us = start_us
        self._duration_us = duration_us

    @property
    def account_peak(self) -> int:
        """Most executions of the account in progress at once."""
        return self.account.peak

    @property
    def account_series(self) -> NDArray[np.int64]:
        """Return the most executions of the account in progress at once, by minute."""
        return self.account.per_minute(self.account.minutes)

    def add(self, chunk: RecordChunk) -> None:
        """Sum up the next records."""
        end_us = chunk.end_us()
        for plan, totals, mine in self._by_function(chunk["function"]):
            if mine.any():
                columns = {name: column[mine] for name, column in chunk.columns.items()}
                self._add_function(plan, totals, columns | {"end_us": end_us[mine]})
        started = chunk["start_type"] != StartType.NONE
        self.account.add(chunk["start_us"][started], end_us[started])
        without = np.array([plan.reserved is None for plan in self._plans])
        pooled = started & without[chunk["function"]] & (chunk["start_type"] != StartType.PROVISIONED)
        self.unreserved.add(chunk["start_us"][pooled], end_us[pooled])

    def _by_function(
        self, ranks: NDArray[np.int64]
    ) -> list[tuple[FunctionPlan, FunctionTotals, NDArray[np.bool_]]]:
        return [
            (plan, totals, ranks == rank)
            for rank, (plan, totals) in enumerate(zip(self._plans, self.functions, strict=True))
        ]

    def _add_function(self, plan: FunctionPlan, totals: FunctionTotals, columns: _Columns) -> None:
        totals.events += int((columns["attempt"] == 0).sum())
        for counts, name in (
            (totals.outcomes, "outcome"),
            (totals.limits, "limit"),
            (totals.starts, "start_type"),
            (totals.event_outcomes, "event_outcome"),
        ):
            np.add(counts, np.bincount(columns[name], minlength=len(counts)), out=counts)
        started = columns["start_type"] != StartType.NONE
        self._add_runs(plan, totals, {name: column[started] for name, column in columns.items()})
        self._add_latency(plan, totals, columns)
        self._add_attempts(plan, totals, columns)

    def _add_runs(self, plan: FunctionPlan, totals: FunctionTotals, runs: _Columns) -> None:
        provisioned = runs["start_type"] == StartType.PROVISIONED
        cold = runs["start_type"] == StartType.COLD
        without = _ceil_ms(runs["duration_us"])
        with_init = _ceil_ms(runs["duration_us"] + runs["init_us"])
        totals.duration_ms.add(without)
        totals.init_ms.add(_ceil_ms(runs["init_us"][cold]))
        totals.billed_with_init.add(with_init[~provisioned])
        totals.billed_without_init.add(without[~provisioned])
        totals.provisioned_billed.add(without[provisioned])
        start_us = runs["start_us"]
        for month, mine in self._months(start_us):
            usage = totals.usage[month]
            on_demand = mine & ~provisioned
            usage.requests += int(mine.sum())
            usage.provisioned_requests += int((mine & provisioned).sum())
            usage.cold_starts += int((mine & cold).sum())
            usage.billed_ms_with_init += int(with_init[on_demand].sum())
            usage.billed_ms_without_init += int(without[on_demand].sum())
            usage.provisioned_billed_ms += int(without[mine & provisioned].sum())
        totals.concurrency.add(start_us, runs["end_us"])
        counts = totals.counts
        counts.add("Invocations", start_us)
        counts.add("Errors", start_us[runs["outcome"] != Outcome.COMPLETED])
        counts.add("ColdStarts", start_us[cold])
        counts.add("DurationSum_us", start_us, runs["duration_us"])
        counts.add("BilledMsWithInit", start_us[~provisioned], with_init[~provisioned])
        counts.add("BilledMsWithoutInit", start_us[~provisioned], without[~provisioned])
        if plan.provisioned:
            totals.provisioned.add(start_us[provisioned], runs["end_us"][provisioned])
            counts.add("ProvisionedConcurrencyInvocations", start_us[provisioned])
            counts.add("ProvisionedBilledMs", start_us[provisioned], without[provisioned])
            spilled = ~provisioned & (ready_at(plan, start_us) > 0)
            counts.add("ProvisionedConcurrencySpilloverInvocations", start_us[spilled])

    def _months(self, start_us: NDArray[np.int64]) -> list[tuple[str, NDArray[np.bool_]]]:
        """Split by UTC month of the attempt's start, which is when AWS's metrics count an invocation."""
        if not len(start_us):
            return []
        month = (start_us + self._start_us).astype("datetime64[us]").astype("datetime64[M]")
        return [(str(name), month == name) for name in np.unique(month)]

    def _add_latency(self, plan: FunctionPlan, totals: FunctionTotals, columns: _Columns) -> None:
        """Count how long served events took, from arrival to answer; a client that left waited to its own timeout."""
        served = np.isin(columns["event_outcome"], (EventOutcome.SUCCEEDED, EventOutcome.CLIENT_TIMEOUT))
        gone_us = columns["start_us"] + plan.retry.client_timeout_us
        answered_us = np.minimum(columns["end_us"], gone_us)[served]
        arrival_us = columns["arrival_us"][served]
        latency_ms = _ceil_ms(answered_us - arrival_us)
        starts = columns["start_type"][served]
        for start in (StartType.COLD, StartType.WARM, StartType.PROVISIONED):
            totals.latency_ms[start].add(latency_ms[starts == start])
        batch = np.minimum(arrival_us * BATCHES // self._duration_us, BATCHES - 1)
        for number in np.unique(batch):
            totals.batch_latency_ms[number].add(latency_ms[batch == number])

    def _add_attempts(self, plan: FunctionPlan, totals: FunctionTotals, columns: _Columns) -> None:
        at_us = columns["start_us"]
        refused = columns["outcome"] == Outcome.THROTTLED
        totals.counts.add("Throttles", at_us[refused])
        for limit in np.unique(columns["limit"][refused]):
            by_limit = refused & (columns["limit"] == limit)
            totals.counts.add(f"Throttles_{Limit(limit).name.lower()}", at_us[by_limit])
        if not plan.retry.synchronous:
            totals.counts.add("AsyncEventsReceived", columns["arrival_us"][columns["attempt"] == 0])
            dropped = np.isin(columns["event_outcome"], _DROPPED)
            totals.counts.add("AsyncEventsDropped", at_us[dropped])

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


def ready_at(plan: FunctionPlan, time_us: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return how many provisioned environments are ready at each moment, shape (n,)."""
    return _level_at(plan, [change.ready for change in plan.provisioned], time_us)


def claimed_at(plan: FunctionPlan, time_us: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return how many environments provisioned concurrency claims at each moment, shape (n,)."""
    return _level_at(plan, [change.claimed for change in plan.provisioned], time_us)


def _level_at(plan: FunctionPlan, levels: list[int], time_us: NDArray[np.int64]) -> NDArray[np.int64]:
    changes_us = [change.time_us for change in plan.provisioned]
    after: NDArray[np.int64] = np.array([0, *levels])[np.searchsorted(changes_us, time_us, side="right")]
    return after


def _ceil_ms(amount_us: NDArray[np.int64]) -> NDArray[np.int64]:
    return -(-amount_us // US_PER_MS)
