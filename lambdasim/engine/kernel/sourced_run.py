"""A run of the compiled engine in which some function has a queue or a stream."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache

from lambdasim.compiling import compiled_and_kept
from lambdasim.engine.contract import ArrivalChunk, Plan, RecordChunk
from lambdasim.engine.items import COUNTERS, ITEM_COLUMNS, ItemChunk
from lambdasim.engine.kernel import lanes as of
from lambdasim.engine.kernel import sourced
from lambdasim.engine.kernel import state as at
from lambdasim.engine.kernel.lanes import (
    Sources,
    about_items,
    first_sources,
    with_more_rows,
    with_more_served,
)
from lambdasim.engine.kernel.run import Coming, KernelRun
from lambdasim.engine.kernel.state import RECORDS_PER_CHUNK, State


class SourcedRun(KernelRun):
    """One run of a plan with queues or streams.

    Parameters
    ----------
    plan : Plan
    room : int
        Number of environments, waiting events, items and batches for which there is room at first. A power of two.
    records_room : int
        Number of records, and of items that ended, in a chunk, at most ``RECORDS_PER_CHUNK``.
    """

    _hand_over_at = (at.RECORDS_FULL, of.ENDED_FULL)

    def __init__(self, plan: Plan, room: int = 64, records_room: int = RECORDS_PER_CHUNK) -> None:
        super().__init__(plan, room, records_room)
        self.sources = with_more_served(
            first_sources(plan, room, records_room), len(self.state.completions.table)
        )
        self._advance_sourced = compiled_advance_with_sources()

    def _next(self, arrivals: Iterator[ArrivalChunk]) -> Coming | None:
        coming = super()._next(arrivals)
        if coming is None:
            return None
        return coming._replace(about=about_items(self.plan.functions, coming.function, coming.invocation))

    def _take(self, coming: Coming) -> None:
        super()._take(coming)
        self.sources = self.sources._replace(about=coming.about)

    def _step(self) -> int:
        return self._advance_sourced(self.state, self.sources)

    def _make_room(self, full: int) -> None:
        if full in (of.ITEMS_FULL, of.CELLS_FULL, of.BATCHES_FULL):
            self.sources = with_more_rows(self.sources, full)
            return
        super()._make_room(full)
        if full == at.SLOTS_FULL:
            self.sources = with_more_served(self.sources, len(self.state.completions.table))

    def _records(self) -> Iterator[RecordChunk]:
        """Hand over what has been written, with the items that ended and the counters."""
        yield RecordChunk(self._written(), self._items())

    def _items(self) -> ItemChunk:
        head, ended = self.sources.head, self.sources.ended.reshape(of.COLUMNS, -1)
        columns = ended[:, : int(head["ended"][0])].copy()
        head["ended"] = 0
        now_us = int(head["now_us"][0])
        self._count_standing(now_us)
        counters = {name: self.sources.rows[name].copy() for name in COUNTERS}
        return ItemChunk(dict(zip(ITEM_COLUMNS, columns, strict=True)), counters, now_us)

    def _count_standing(self, now_us: int) -> None:
        """Count up to now how long pollers have waited, and provisioned ones are paid for."""
        for row, function in zip(self.sources.rows, self.plan.functions, strict=True):
            if function.source is not None:
                now = min(now_us, function.source.pollers.until_us)
                past_us = max(now - int(row["counted_us"]), 0)
                row["unit_us"] += function.source.pollers.units(int(row["allowed"])) * past_us
                row["idle_us"] += max(row["idle"] - row["busy"], 0) * past_us
                row["counted_us"] = now


@cache
def compiled_advance_with_sources() -> Callable[[State, Sources], int]:
    """Compile the event loop with sources, or take it from the cache on disk."""
    return compiled_and_kept(sourced.advance_with_sources)
