"""What queues and streams of the reference engine have in common: items, batches, and counting both."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, fields
from typing import Any, Final, Protocol

import numpy as np
from numpy.typing import NDArray

from lambdasim.draws.keys import Quantity
from lambdasim.engine.contract import CallPlan, FunctionPlan, Outcome
from lambdasim.engine.draws import RunDraws
from lambdasim.engine.items import COUNTERS, ItemOutcome
from lambdasim.engine.lanes import ITEMS_PER_CALL, SourcePlan, fault_of_batch
from lambdasim.engine.reference.calls import Calls, Maker
from lambdasim.engine.reference.state import OF_A_FUNCTION, WAKE, Chain, Event, FunctionState
from lambdasim.engine.reference.writers import ItemWriter
from lambdasim.models.polling import calls_of, requests_of

COLUMNS: Final = tuple(column.name for column in fields(RunDraws))
HANDLER, FAULT = COLUMNS.index("handler_us"), COLUMNS.index("fault")
_KIND: Final = 1 << 40
_PACE: Final = 3  # the last of a function's wakes at an instant
_WELL: Final = frozenset({ItemOutcome.PROCESSED, ItemOutcome.FILTERED})
_DRAWN_AT_ONCE: Final = 1 << 10


def as_rows(draws: RunDraws) -> NDArray[np.int64]:
    """Lay draws out as one row for each invocation, columns in the order of ``COLUMNS``."""
    return np.stack([getattr(draws, name) for name in COLUMNS], axis=1)


class Host(Protocol):
    """The run that a source belongs to."""

    items: ItemWriter
    calls: Calls | None

    @property
    def now_us(self) -> int:
        """The present moment."""
        ...

    def at(self, time_us: int, priority: int, action: Callable[[Any], None], about: Any) -> None:
        """Let something happen at a moment, in its place among the simultaneous."""
        ...

    def attempt(self, event: Event) -> None:
        """Try to serve an event now."""
        ...

    def retry(self, moment: Any) -> None:
        """Try again what the moment is about."""
        ...


@dataclass(slots=True, eq=False)
class Item:
    """A message or a record; ``batch`` holds it, or None while it waits and after its end."""

    number: int
    lane: int
    arrival_us: int
    draw: tuple[int, ...]
    first_us: int = -1
    receives: int = 0
    batch: Batch | None = None
    done: bool = False
    passes: bool = True
    kb: int = 0
    order: int = 0
    visible_us: int = 0
    call: CallPlan | None = None
    chain: Chain | None = None
    passes_through: tuple[tuple[int, int], ...] = ()


@dataclass(slots=True, eq=False)
class Batch(Event):
    """Items that a poller took together: one event, named by its first item."""

    items: list[Item] = field(default_factory=list)
    serial: int = 0
    lane: int = 0
    deadline_us: int = 0
    faults: list[int] = field(default_factory=list)
    failed: list[Item] = field(default_factory=list)
    tries: int = 0
    is_held: bool = False
    is_open: bool = False
    received: list[int] = field(default_factory=list)

    @property
    def kb(self) -> int:
        """What its items weigh [KB]."""
        return sum(item.kb for item in self.items)


class LaneSource:
    """Items on lanes, and what is counted of them.

    Parameters
    ----------
    host : Host
    function : FunctionState
    source : SourcePlan
    """

    def __init__(self, host: Host, function: FunctionState, source: SourcePlan) -> None:
        self.host = host
        self.function = function
        self.plan: FunctionPlan = function.plan
        self.source = source
        self.batches = 0
        self._lanes: list[int] = []
        self._filtered: list[bool] = []
        self._sizes: list[int] = []
        self._drawn_for = -1
        self.counts = dict.fromkeys(COUNTERS, 0)
        self.allowed = source.pollers.first
        self.busy = 0
        self.next_read_us = 0
        self._is_paced = False
        self._counted_us = 0

    def wake(self, time_us: int, kind: int, number: int, action: Callable[[Any], None], about: Any) -> None:
        """Let something happen after the retries of a moment and before its arrivals."""
        self.host.at(
            time_us, WAKE + self.function.rank * OF_A_FUNCTION + kind * _KIND + number, action, about
        )

    def must_wait(self) -> bool:
        """Whether provisioned pollers have read as much as they may for now; they go on when they may again."""
        if self.host.now_us >= self.next_read_us:
            return False
        if not self._is_paced:
            self._is_paced = True
            self.wake(self.next_read_us, _PACE, 0, self._pace, None)
        return True

    def _pace(self, _moment: Any) -> None:
        self._is_paced = False
        self.go_on()

    def go_on(self) -> None:
        """Give free pollers what waits."""
        raise NotImplementedError

    def counted(self) -> dict[str, int]:
        """Give what is counted up to now, by name; see ``COUNTERS``."""
        self.count_standing()
        return self.counts

    def count_standing(self) -> None:
        """Add up the time of pollers that wait at an empty queue, and of provisioned units, to the scenario's end."""
        pollers = self.source.pollers
        now = min(self.host.now_us, pollers.until_us)
        passed = max(now - self._counted_us, 0)
        self.counts["unit_us"] += pollers.units(self.allowed) * passed
        self.counts["idle_us"] += max(pollers.idle - self.busy, 0) * passed
        self._counted_us = now

    def item_of(self, event: Event) -> Item:
        """Turn what arrived into an item on its lane."""
        assert event.draw is not None  # noqa: S101 - arrivals are drawn for
        self.counts["sent"] += 1
        place = self._drawn(event.invocation)
        item = Item(event.invocation, self._lanes[place], event.arrival_us, event.draw)
        item.order, item.call = self.counts["sent"], event.call
        item.chain, item.passes_through = event.chain, event.passes
        item.passes, item.kb = not self._filtered[place], self._sizes[place]
        return item

    def _drawn(self, number: int) -> int:
        """Draw items' lanes, sizes, and whether a filter lets them pass, many together; give this one's place."""
        block, place = divmod(number, _DRAWN_AT_ONCE)
        if block != self._drawn_for:
            numbers = np.arange(block * _DRAWN_AT_ONCE, (block + 1) * _DRAWN_AT_ONCE)
            self._lanes = self.plan.draws.lanes(numbers).tolist()
            self._filtered, self._drawn_for = self.plan.draws.filtered(numbers).tolist(), block
            self._sizes = self.plan.draws.payload_kb(Quantity.REQUEST_PAYLOAD, numbers).tolist()
        return place

    def batch_of(self, items: list[Item], deadline_us: int) -> Batch:
        """Take items that wait into a batch."""
        now = self.host.now_us
        batch = Batch(
            self.function,
            items[0].number,
            now,
            None,
            items=items,
            serial=self.batches,
            deadline_us=deadline_us,
        )
        self.batches += 1
        self.hold(batch, items)
        return batch

    def hold(self, batch: Batch, items: Iterable[Item]) -> None:
        """Let a batch hold items that waited."""
        for item in items:
            item.batch = batch
            if item.first_us < 0:
                item.first_us = self.host.now_us
            self.counts["queued"] -= 1
            self.counts["in_flight"] += 1

    def end(self, item: Item, outcome: ItemOutcome, done_us: int) -> None:
        """Write how an item ended, and when."""
        self.counts["in_flight" if item.batch else "queued"] -= 1
        self.counts["ended"] += 1
        item.batch, item.done = None, True
        self.host.items.write(
            self.function.rank, item.number, item.lane, item.arrival_us, item.first_us, done_us, item.receives,
            outcome,
        )  # fmt: skip
        if self.host.calls is not None:
            self.host.calls.item_ended(item.chain, item.call, outcome in _WELL, done_us)

    def give_up(self, item: Item) -> None:
        """Pass on a dead letter, or the batch whose first item this is, to whatever reads what is given up."""
        if self.host.calls is not None:
            maker = Maker(item.number, item.receives, item.chain, item.passes_through)
            self.host.calls.given_up(self.plan, maker)

    def count_deletes(self, items: int) -> None:
        """Count the calls that delete so many items."""
        self.counts["delete_calls"] += calls_of(items, ITEMS_PER_CALL)

    def count_receives(self, sizes_kb: list[int]) -> None:
        """Count the calls that received items of these sizes, in order, and what each call is billed as."""
        for first in range(0, len(sizes_kb), ITEMS_PER_CALL):
            kb = sum(sizes_kb[first : first + ITEMS_PER_CALL])
            self.counts["receive_calls"] += 1
            self.counts["receive_requests"] += requests_of(kb, self.source.call_kb)

    def draw(self, batch: Batch) -> tuple[int, ...]:
        """Draw what a batch's run needs: handler times add up, the rest is its first item's."""
        rows = self._rows(batch.items)
        batch.faults = [row[FAULT] for row in rows]
        first = list(rows[0])
        first[HANDLER] = self._overhead_us(batch) + sum(row[HANDLER] for row in rows)
        first[FAULT] = fault_of_batch(batch.faults)
        # The first item says which of its runs this is, also for what is drawn of the environment.
        batch.runs = self.run_of(batch.items[0])
        return tuple(first)

    def handler_us(self, batch: Batch, speed: int) -> int:
        """Draw a batch's handler time in an environment of some speed."""
        draws = self.plan.draws
        return self._overhead_us(batch) + sum(
            int(draws.handler_us(np.array([item.number]), self.run_of(item), speed)[0])
            for item in batch.items
        )

    def run_of(self, item: Item) -> int:
        """Give how many times an item has run before."""
        raise NotImplementedError

    def parts(self, batch: Batch) -> list[Item]:
        """Give the items whose calls a run makes."""
        return batch.items

    def hold_open(self, batch: Batch) -> None:
        """Prepare for a run of which it is not known when it ends."""

    def failing(self, batch: Batch, answer: int) -> list[Item]:
        """Give the items that have not succeeded, in order."""
        if answer == Outcome.COMPLETED or (answer == Outcome.FUNCTION_ERROR and self.source.swallows):
            return []
        if answer != Outcome.FUNCTION_ERROR or not self.source.partial:
            return list(batch.items)
        return [
            item for item, fault in zip(batch.items, batch.faults, strict=True) if fault != Outcome.COMPLETED
        ]

    def as_counted(self, outcome: int) -> int:
        """Give a run's outcome as AWS counts it: a function that answers which items failed has not failed itself."""
        reports = self.source.reports and outcome == Outcome.FUNCTION_ERROR
        return int(Outcome.COMPLETED) if reports else outcome

    def outcome_of(self, batch: Batch, item: Item) -> ItemOutcome:
        """Say how an item ended that its batch's run did not leave to be tried again."""
        if not self.source.swallows or batch.faults[batch.items.index(item)] == Outcome.COMPLETED:
            return ItemOutcome.PROCESSED
        return ItemOutcome.SWALLOWED

    def _rows(self, items: list[Item]) -> list[tuple[int, ...]]:
        """Draw for each item's next run; those that have run as often before are drawn for together."""
        rows = [item.draw for item in items]
        again: dict[int, list[int]] = {}
        for place, item in enumerate(items):
            if run := self.run_of(item):
                again.setdefault(run, []).append(place)
        for run, places in again.items():
            drawn = self.plan.draws.draw(np.array([items[place].number for place in places]), run=run)
            columns = (getattr(drawn, name).tolist() for name in COLUMNS)
            for place, row in zip(places, zip(*columns, strict=True), strict=True):
                rows[place] = row
        return rows

    def _overhead_us(self, batch: Batch) -> int:
        first = batch.items[0]
        return self.plan.draws.batch_overhead_us(first.number, self.run_of(first))
