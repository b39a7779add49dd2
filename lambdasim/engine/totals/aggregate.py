"""Records summed up as they pass: counts, exact histograms, usage by month, series per minute; bounded memory.

Compiled code counts attempts, see `lambdasim.engine.totals.counting`. Attempts come in the order of their start, so what
belongs to a stretch of time (a month, a section, a level of provisioned concurrency) is gathered in one place, and put
away when the stretch ends.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from functools import cached_property
from heapq import merge
from itertools import groupby
from math import prod
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from lambdasim.engine.contract import (
    EventOutcome,
    Invoker,
    Plan,
    RecordChunk,
    StartType,
    calls_of_plan,
    owners_of_plan,
)
from lambdasim.engine.items import ItemOutcome, check_items
from lambdasim.engine.totals.chains import ChainTotals
from lambdasim.engine.totals.dense import Dense, untouched
from lambdasim.engine.totals.executions import ExecutionTotals
from lambdasim.engine.totals.function_totals import FunctionTotals, MonthlyUsage
from lambdasim.engine.totals.histogram import Histogram, together
from lambdasim.engine.totals.items import ItemTotals
from lambdasim.engine.totals.levels import ready_at
from lambdasim.engine.totals.minute_log import MinuteLog
from lambdasim.engine.totals.minute_rows import ENDED, PROVISIONED_ENDED, ROWS
from lambdasim.engine.totals.sections import Sections
from lambdasim.engine.totals.series import Concurrency, MinuteCounts
from lambdasim.engine.totals.spills import SPILL_BITS, VALUE, Spills
from lambdasim.errors import ConservationError, InputError
from lambdasim.models.managed_instances import ManagedFleet
from lambdasim.specs.faults import not_among
from lambdasim.units import US_PER_MINUTE, from_epoch_us, month_ends_us, timestamps

if TYPE_CHECKING:
    from lambdasim.engine.totals.counting.sums import Sums

SECTIONS: Final = 20
_ROWS_AT_ONCE: Final = 1 << 14
_WINDOW: Final = 512  # minutes that are put away together, a power of two
_RING_BYTES: Final = 32 * 1024 * 1024  # of thousands of functions it is fewer minutes
_EVENT_OUTCOMES: Final = {
    ItemOutcome.PROCESSED: EventOutcome.SUCCEEDED,
    ItemOutcome.DEAD_LETTERED: EventOutcome.FAILED,
    ItemOutcome.EXPIRED: EventOutcome.EXPIRED,
    ItemOutcome.GIVEN_UP: EventOutcome.FAILED,
    ItemOutcome.SWALLOWED: EventOutcome.FAILED,
}


class Aggregate:
    """Totals of a run. Pickled it is what the records added up to, and takes no more of them.

    Parameters
    ----------
    plan : Plan
    start_us : int
        The scenario's start [µs since 1970].
    duration_us : int
        The scenario's length [µs].
    """

    def __init__(self, plan: Plan, start_us: int, duration_us: int) -> None:
        from lambdasim.engine.totals.counting import sums, tally

        self._at = sums
        self._columns = tally.COLUMNS
        self._tally = tally.compiled_tally()
        self.names = tuple(function.name for function in plan.functions)
        self._plans = plan.functions
        self._start_us = start_us
        self._duration_us = duration_us
        self._owners = owners_of_plan(plan)
        self._dense = Dense(len(plan.functions), sums.HISTOGRAMS)
        self.sums = _first_sums(plan, self._dense)
        self._window = self.sums.minutes.shape[1] // 2
        self._minutes = MinuteLog(len(self.sums.scalars))
        self._first_minute = 0
        self._spills = Spills()
        self._sections = Sections(SECTIONS, len(plan.functions))
        self._usage: list[dict[str, MonthlyUsage]] = [{} for _ in plan.functions]
        self._starts_before = np.zeros((len(plan.functions), len(StartType)), dtype=np.int64)
        self._stretch_us = 0
        self._turns_us = iter(_turns_us(plan, start_us, duration_us))
        self._next_turn_us = next(self._turns_us)
        self._set_levels()
        self._items = {
            rank: ItemTotals(duration_us, SECTIONS)
            for rank, function in enumerate(plan.functions)
            if function.source is not None
        }
        self._fleets: dict[int, ManagedFleet] = {}
        self._items_written = np.zeros(len(plan.functions), dtype=np.int64)
        self.chains = ChainTotals(len(calls_of_plan(plan)))
        self.executions = ExecutionTotals([machine.name for machine in plan.machines], start_us)

    def add(self, chunk: RecordChunk) -> None:
        """Sum up the next records, and the items that ended meanwhile.

        Raises
        ------
        ConservationError
            When an item was lost or invented.
        """
        if chunk.chains is not None:
            self.chains.add(chunk.chains)
        if chunk.executions is not None:
            self.executions.add(chunk.executions)
        if chunk.items is not None:
            self._items_written = check_items(chunk.items, self.names, self._items_written)
            for rank, totals in self._items.items():
                totals.add(chunk.items, rank, self._idle_pollers(rank), self._units(rank))
        self._fleets |= chunk.fleets
        if not len(chunk):
            return
        columns = tuple(np.ascontiguousarray(chunk[name]) for name in self._columns)
        start_us = chunk["start_us"]
        first = 0
        while first < len(chunk):
            self.come_to(int(start_us[first]))
            stop = int(np.searchsorted(start_us, self.sums.head["until_us"][0], side="left"))
            for begin in range(first, stop, _ROWS_AT_ONCE):
                self._tally(self.sums, columns, begin, min(begin + _ROWS_AT_ONCE, stop))
                self._put_spilled_away()
            first = stop

    def come_to(self, time_us: int) -> None:
        """Make ready to count attempts from a moment on, which is not before the last [µs since the start].

        From then on attempts may be counted in ``sums``, until ``until_us`` of its head and while there is room for what
        is spilled, see ``alike.must_wait``.
        """
        self._put_spilled_away()
        while time_us >= self._next_turn_us:
            self._turn()
        self._let_pass(time_us // US_PER_MINUTE)
        window_us = (self._first_minute + self._window) * US_PER_MINUTE
        self.sums.head["first_minute"] = self._first_minute
        self.sums.head["until_us"] = min(self._next_turn_us, window_us)

    def go_on(self) -> None:
        """Make ready for the attempt that had to wait, see ``alike.must_wait``."""
        self.come_to(int(self.sums.head["reached_us"][0]))

    def _put_spilled_away(self) -> None:
        """Count what was spilled, and empty the place for it."""
        head = self.sums.head
        spilled = self.sums.spilled[: int(head["spilled"][0])]
        head["spilled"] = 0
        if not len(spilled):
            return
        number = spilled >> SPILL_BITS
        late = number >= len(self._plans) * self._at.HISTOGRAMS
        if late.any():
            owners = number[late] - len(self._plans) * self._at.HISTOGRAMS
            self._end_late(owners, spilled[late] & VALUE)
            spilled = spilled[~late]
        self._spills.add(spilled)
        self._dense.make_pages(spilled)

    def _end_late(self, owners: NDArray[np.int64], minutes: NDArray[np.int64]) -> None:
        """Count executions in minutes for which the ring had no room, after making it; see ``attempts.ended_late``."""
        self._reach(int(minutes.max()) + 1)
        on_provisioned, owner = np.divmod(owners, len(self.sums.scalars))
        place = minutes % self.sums.minutes.shape[1]
        row = np.where(on_provisioned > 0, PROVISIONED_ENDED, ENDED)
        np.add.at(self.sums.minutes, (owner, place, row), 1)
        self.sums.active[owner, place] = 1

    def _idle_pollers(self, rank: int) -> int:
        source = self._plans[rank].source
        return source.pollers.idle if source else 0

    def _units(self, rank: int) -> int:
        source = self._plans[rank].source
        return source.pollers.units(source.pollers.first) if source else 0

    def _reach(self, minutes: int) -> None:
        """Make room in the ring for so many minutes since the start."""
        width = self.sums.minutes.shape[1]
        if minutes - self._first_minute <= width:
            return
        longer = 1 << (minutes - self._first_minute).bit_length()
        known = np.arange(self._first_minute, self._first_minute + width)
        ring = np.zeros((len(self.sums.minutes), longer, ROWS), dtype=np.int64)
        active = np.zeros((len(self.sums.minutes), longer), dtype=np.int64)
        ring[:, known % longer] = self.sums.minutes[:, known % width]
        active[:, known % longer] = self.sums.active[:, known % width]
        self.sums = self.sums._replace(minutes=ring, active=active)
        self.sums.head["minute_end_us"] = 0  # the place of the present minute is another

    def _let_pass(self, minute: int) -> None:
        """Put minutes away until the ring begins with the window of a minute."""
        while minute >= self._first_minute + self._window:
            if self.sums.active[: len(self._plans)].any():
                self._put_minutes_away(self._window)
                self._first_minute += self._window
            else:
                self._first_minute = minute // self._window * self._window

    def _put_minutes_away(self, length: int) -> None:
        """Put the first minutes of the ring away: as many, or all."""
        first, width = self._first_minute, self.sums.minutes.shape[1]
        places = np.arange(first, first + length) % width
        self.sums.active[len(self._plans) :, places] = 1
        owners, minutes = np.nonzero(self.sums.active[:, places])
        self._minutes.keep(owners, first + minutes, self.sums.minutes[owners, places[minutes]])
        self.sums.minutes[owners, places[minutes]] = 0
        self.sums.active[:, places] = 0

    def _turn(self) -> None:
        """Go to the next stretch of time, putting away what belongs to the last."""
        self._put_section_away()
        self._put_month_away()
        self._stretch_us = self._next_turn_us
        self._next_turn_us = next(self._turns_us)
        self._set_levels()

    def _set_levels(self) -> None:
        moment = np.array([self._stretch_us])
        ready = [ready_at(plan, moment)[0] for plan in self._plans]
        self.sums.ready[:] = [ready[owner] for owner in self._owners]

    def _put_section_away(self) -> None:
        number = min(self._stretch_us * SECTIONS // self._duration_us, SECTIONS - 1)
        for kind in self._at.OF_A_SECTION:
            self._sections.add(kind, number, *self._dense.take(kind))
            self._sections.add(kind, number, *self._spills.take(kind, self._at.HISTOGRAMS))

    def _put_month_away(self) -> None:
        month = f"{from_epoch_us(self._start_us + self._stretch_us):%Y-%m}"
        at = self._at
        billed = self.sums.scalars[:, at.MS_WITH_INIT : at.INIT_CUT_MS + 1]
        by_start = self._kinds().sum(axis=(1, 3, 4, 5))
        for function, starts in enumerate(by_start - self._starts_before):
            _, cold, _, provisioned = starts.tolist()
            if runs := int(starts[1:].sum()):
                added = (runs, provisioned, cold, *billed[function].tolist())
                before = vars(self._usage[function].get(month, MonthlyUsage())).values()
                sums = (sum(pair) for pair in zip(before, added, strict=True))
                self._usage[function][month] = MonthlyUsage(*sums)
        self._starts_before = by_start
        billed[:] = 0

    def _kinds(self) -> NDArray[np.int64]:
        """Return counts of attempts, shape (n_functions, first or later, start, outcome, limit, event's outcome)."""
        return self.sums.kinds.reshape(-1, *self._at.KINDS)

    def _histogram(self, function: int, which: int) -> Histogram:
        """Return one histogram."""
        return self._dense.of(function, which, self._spills)

    @property
    def attempts(self) -> int:
        """Attempts that have been counted."""
        return int(self.sums.kinds.sum() + self.sums.alike["runs"].sum())

    @cached_property
    def functions(self) -> tuple[FunctionTotals, ...]:
        """Everything that is kept of each function, when all records have been added."""
        self._put_section_away()
        self._put_month_away()
        return tuple(self._with_items(self._totals(rank), rank) for rank in range(len(self._plans)))

    def function(self, name: str) -> FunctionTotals:
        """Return the totals of the function of a name.

        Parameters
        ----------
        name : str

        Returns
        -------
        FunctionTotals

        Raises
        ------
        InputError
            When the plan has no such function.
        """
        if name not in self.names:
            raise InputError.single("run", "function", not_among(name, self.names))
        return self.functions[self.names.index(name)]

    def _with_items(self, totals: FunctionTotals, rank: int) -> FunctionTotals:
        """Tell of messages or records, not of batches, where there are any."""
        items = self._items.get(rank)
        if items is None:
            return totals
        outcomes = np.zeros(len(EventOutcome), dtype=np.int64)
        for outcome, event_outcome in _EVENT_OUTCOMES.items():
            outcomes[event_outcome] += items.outcomes[outcome]
        return replace(
            totals,
            events=items.sent - int(items.outcomes[ItemOutcome.FILTERED]),
            event_outcomes=outcomes,
            latency_ms={kind: Histogram() for kind in totals.latency_ms} | {StartType.NONE: items.latency_ms},
            section_latency_ms=items.section_latency_ms,
            items=items,
        )

    def _totals(self, function: int) -> FunctionTotals:
        at, scalars, kinds = self._at, self.sums.scalars[function], self._kinds()[function]
        warm, cold, cold_with_init, provisioned, init = (
            self._histogram(function, which)
            for which in (at.WARM, at.COLD, at.COLD_WITH_INIT, at.PROVISIONED, at.INIT)
        )
        latency_cold, latency_warm, latency_provisioned, both = (
            self._sections.whole(function, which) for which in at.OF_A_SECTION
        )
        warm = together(warm, both)
        with_init, without_init = together(warm, cold_with_init).shrink(), together(warm, cold).shrink()
        managed = self._plans[function].managed is not None
        latencies = {
            StartType.COLD: latency_cold.shrink(),
            StartType.WARM: together(latency_warm, both).shrink(),
            StartType.PROVISIONED: latency_provisioned.shrink(),
        }
        return FunctionTotals(
            events=int(kinds[1].sum()),
            outcomes=kinds.sum(axis=(0, 1, 3, 4)),
            limits=kinds.sum(axis=(0, 1, 2, 4)),
            starts=kinds.sum(axis=(0, 2, 3, 4)),
            event_outcomes=kinds.sum(axis=(0, 1, 2, 3)),
            billed_with_init=Histogram() if managed else with_init,
            billed_without_init=Histogram() if managed else without_init,
            provisioned_billed=provisioned.shrink(),
            duration_ms=together(without_init, provisioned).shrink(),
            init_ms=init.shrink(),
            latency_ms=latencies,
            section_latency_ms=self._sections.of(function),
            usage=self._usage[function],
            counts=MinuteCounts(int(scalars[at.MINUTES]), self._log, function),
            concurrency=self._concurrency(int(self.sums.whole[function]), function),
            provisioned=self._provisioned(int(self.sums.whole[function]), function),
            last_end_us=int(scalars[at.LAST_END_US]),
            fleet=self._fleets.get(function),
        )

    @cached_property
    def _log(self) -> MinuteLog:
        """Minutes of all owners, when all records have been added."""
        self._put_minutes_away(self.sums.minutes.shape[1])
        return self._minutes

    def _concurrency(self, owner: int, busy: int | None = None) -> Concurrency:
        scalars, at = self.sums.scalars[owner], self._at
        return Concurrency(
            int(self.sums.scalars[owner if busy is None else busy, at.BUSY_US]),
            int(scalars[at.PEAK]),
            int(scalars[at.END_MINUTES]),
            self._log,
            owner,
        )

    def _provisioned(self, owner: int, busy: int) -> Concurrency:
        scalars, at = self.sums.scalars, self._at
        peak, minutes = (int(scalars[owner, which]) for which in (at.PROVISIONED_PEAK, at.END_MINUTES))
        busy_us = int(scalars[busy, at.PROVISIONED_BUSY_US])
        return Concurrency(busy_us, peak, minutes, self._log, owner, provisioned=True)

    @cached_property
    def account(self) -> Concurrency:
        """Executions of the account."""
        return self._concurrency(len(self._plans) + self._at.ACCOUNT)

    @cached_property
    def unreserved(self) -> Concurrency:
        """Executions that count against the account's unreserved pool."""
        if not self.sums.pooled.any():
            return self.account
        return self._concurrency(len(self._plans) + self._at.UNRESERVED)

    def __getstate__(self) -> dict[str, Any]:
        """Give what is left when all records have been added."""
        kept = ("names", "functions", "account", "unreserved", "chains", "executions", "_start_us")
        return {name: getattr(self, name) for name in kept}

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
        self.chains.check()

    def minutes(self, width: int, first: int = 0) -> list[str]:
        """Return the beginnings of so many minutes, from one on, ISO 8601 in UTC."""
        return timestamps(self._start_us + first * US_PER_MINUTE, width, US_PER_MINUTE)


def _turns_us(plan: Plan, start_us: int, duration_us: int) -> Iterator[int]:
    """Give the moments at which a section, a month or a level of provisioned concurrency ends [µs], without end."""
    sections = (-(-number * duration_us // SECTIONS) for number in range(1, SECTIONS))
    changes = {change.time_us for function in plan.functions for change in function.provisioned}
    months = (end_us - start_us for end_us in month_ends_us(start_us))
    return (time_us for time_us, _ in groupby(merge(sections, sorted(changes - {0}), months)))


def _whole_functions(plan: Plan, first: int) -> list[int]:
    """Give for each function where executions of all ways into it are followed: its own row, or one from ``first`` on."""
    owners = owners_of_plan(plan)
    shared = sorted({owner for rank, owner in enumerate(owners) if rank != owner})
    rows = {owner: first + place for place, owner in enumerate(shared)}
    return [rows.get(owner, rank) for rank, owner in enumerate(owners)]


def _first_sums(plan: Plan, dense: Dense) -> Sums:
    """Make room for sums; what is never touched takes no memory."""
    from lambdasim.engine.totals.counting import sums as at

    n = len(plan.functions)
    calls = [call for _, call in calls_of_plan(plan)]
    whole = _whole_functions(plan, n + at.EXTRA_OWNERS)
    owners = max(n + at.EXTRA_OWNERS, 1 + max(whole, default=0))
    apart = any(function.reserved is not None or function.provisioned for function in plan.functions)
    fitting = _RING_BYTES // (owners * 2 * ROWS * 8)
    window = min(_WINDOW, 1 << max(fitting.bit_length() - 1, 3))

    alike = np.zeros(n, dtype=at.ALIKE)
    alike["patience_us"] = [
        function.retry.client_timeout_us if whole[rank] == rank else -1
        for rank, function in enumerate(plan.functions)
    ]

    def zeros(*shape: int) -> NDArray[np.int64]:
        return np.zeros(shape, dtype=np.int64)

    def of_plan(values: Iterable[int]) -> NDArray[np.int64]:
        return np.array(list(values), dtype=np.int64)

    return at.Sums(
        head=np.zeros(1, dtype=at.HEAD),
        alike=alike,
        client_timeout_us=of_plan(function.retry.client_timeout_us for function in plan.functions),
        queued=of_plan(function.retry.invoker is Invoker.QUEUE for function in plan.functions),
        call_timeout_us=of_plan([0, *(call.retry.client_timeout_us for call in calls)]),
        call_queued=of_plan([0, *(call.retry.invoker is Invoker.QUEUE for call in calls)]),
        pooled=of_plan(apart and plan.functions[owner].reserved is None for owner in owners_of_plan(plan)),
        whole=of_plan(whole),
        ready=zeros(n),
        managed=of_plan(function.managed is not None for function in plan.functions),
        scalars=zeros(owners, at.SCALARS),
        kinds=untouched(n, prod(at.KINDS)),
        places=dense.places,
        pool=dense.pool,
        minutes=zeros(owners, 2 * window, ROWS),
        active=zeros(owners, 2 * window),
        spilled=zeros(_ROWS_AT_ONCE * at.SPILLS_PER_ATTEMPT),
    )
