"""What is kept of one function: counts, histograms, usage by month, series per minute."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lambdasim.engine.contract import StartType
from lambdasim.engine.totals.histogram import Histogram, together
from lambdasim.engine.totals.items import ItemTotals
from lambdasim.engine.totals.series import Concurrency, MinuteCounts
from lambdasim.models.managed_instances import ManagedFleet


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
    init_cut_ms : int
        INIT that was cut off at its cap [ms].
    """

    requests: int = 0
    provisioned_requests: int = 0
    cold_starts: int = 0
    billed_ms_with_init: int = 0
    billed_ms_without_init: int = 0
    provisioned_billed_ms: int = 0
    init_cut_ms: int = 0


@dataclass(eq=False)
class FunctionTotals:
    """Everything that is kept of one function.

    Attributes
    ----------
    events : int
    outcomes, limits, starts, event_outcomes : ndarray of int64
        Counts by ``Outcome``, ``Limit``, ``StartType`` and ``EventOutcome``.
    billed_with_init, billed_without_init, provisioned_billed, duration_ms, init_ms : Histogram
        Of runs on demand, the same, of provisioned runs, of all runs, of cold starts [whole ms, rounded up].
    latency_ms : dict of StartType to Histogram
        Arrival to answer of events whose client waited for a run, whatever it got, and of events from a queue of Lambda's
        that succeeded [whole ms, rounded up]; of messages and records under NONE.
    section_latency_ms : list of Histogram
        The same, by equal stretches of the run in which the answering run began.
    usage : dict of str to MonthlyUsage
        By UTC month of the attempt's start, which is when AWS's metrics count an invocation.
    counts : MinuteCounts
    concurrency, provisioned : Concurrency
        All executions, and those on provisioned environments. Where several ways lead into a function, the most in
        progress, at all and by minute, is of all of them, and ``busy_us`` of this one.
    last_end_us : int
        When the last execution ended [µs since the start].
    items : ItemTotals or None
        Of functions with a queue or a stream. Events, their outcomes and latencies are then those of messages or records.
    fleet : ManagedFleet or None
        What a function on managed instances held.
    """

    events: int
    outcomes: NDArray[np.int64]
    limits: NDArray[np.int64]
    starts: NDArray[np.int64]
    event_outcomes: NDArray[np.int64]
    billed_with_init: Histogram
    billed_without_init: Histogram
    provisioned_billed: Histogram
    duration_ms: Histogram
    init_ms: Histogram
    latency_ms: dict[StartType, Histogram]
    section_latency_ms: list[Histogram]
    usage: dict[str, MonthlyUsage]
    counts: MinuteCounts
    concurrency: Concurrency
    provisioned: Concurrency
    last_end_us: int = 0
    items: ItemTotals | None = None
    fleet: ManagedFleet | None = None

    @property
    def runs(self) -> int:
        """Attempts that started."""
        return int(self.starts.sum() - self.starts[StartType.NONE])

    @property
    def cold(self) -> int:
        """Runs that began cold."""
        return int(self.starts[StartType.COLD])

    def all_latency_ms(self) -> Histogram:
        """Return the latency of all events together [ms]."""
        return together(*self.latency_ms.values())

    def mean_concurrency(self, duration_us: int) -> float:
        """Return the mean of executions in progress, over a scenario or to the end of work that outlasts it."""
        return self.concurrency.busy_us / max(duration_us, self.last_end_us)
