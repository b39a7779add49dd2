"""A run of the compiled engine in which functions call functions and some have a queue or a stream."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache
from typing import Final

import numpy as np

from lambdasim.compiling import compiled_and_kept
from lambdasim.engine.contract import RECORD_COLUMNS, Plan, RecordChunk
from lambdasim.engine.kernel import lanes as of
from lambdasim.engine.kernel import state as at
from lambdasim.engine.kernel.calls.run import CallingRun
from lambdasim.engine.kernel.chains.rows import Calls, with_more_links
from lambdasim.engine.kernel.lanes import Sources
from lambdasim.engine.kernel.mixed import loop
from lambdasim.engine.kernel.sourced_run import SourcedRun
from lambdasim.engine.kernel.state import RECORDS_PER_CHUNK, State

_NO_RECORDS: Final = dict.fromkeys(RECORD_COLUMNS, np.zeros(0, dtype=np.int64))


class MixedRun(CallingRun, SourcedRun):
    """One run of a plan with calls, and with queues or streams.

    Parameters
    ----------
    plan : Plan
    room : int
        Number of environments, waiting events, items, batches and the like for which there is room at first. A power of
        two.
    records_room : int
        Number of records, and of items and chains that ended, in a chunk, at most ``RECORDS_PER_CHUNK``.
    """

    _hand_over_at = (at.RECORDS_FULL, of.ENDED_FULL)

    def __init__(self, plan: Plan, room: int = 64, records_room: int = RECORDS_PER_CHUNK) -> None:
        super().__init__(plan, room, records_room)
        self.calls = with_more_links(self.calls, len(self.sources.items))
        self._advance_both = compiled_advance_with_both()

    def _step(self) -> int:
        return self._advance_both(self.state, self.sources, self.calls)

    def _make_room(self, full: int) -> None:
        super()._make_room(full)
        if full == of.ITEMS_FULL:
            self.calls = with_more_links(self.calls, len(self.sources.items))

    def _records(self) -> Iterator[RecordChunk]:
        """Hand over the items that ended, and the records that are complete."""
        items = self._items()
        self.calls.head["seen"] = 0
        yield from super()._records()
        yield RecordChunk(_NO_RECORDS, items, self._chains())


@cache
def compiled_advance_with_both() -> Callable[[State, Sources, Calls], int]:
    """Compile the event loop with calls beside sources, or take it from the cache on disk."""
    return compiled_and_kept(loop.advance_with_both)
