"""A run of the compiled engine in which functions call functions.

A run that waits has a record before it has ended. What comes later of it, and of events of which another attempt may yet
be dropped, is written into ``late`` by number of record, and put in its place here: a block of records leaves when
nothing of it is missing, after those before it.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from lambdasim.compiling import compiled_and_kept
from lambdasim.engine.chains import CALL_COUNTERS, CHAIN_COLUMNS, ChainChunk, too_many_calls
from lambdasim.engine.contract import RECORD_COLUMNS, Plan, RecordChunk
from lambdasim.engine.kernel import state as at
from lambdasim.engine.kernel.calls import loop
from lambdasim.engine.kernel.chains import rows as of
from lambdasim.engine.kernel.chains.rows import (
    Calls,
    first_calls,
    most_calls_of_a_step,
    with_more_rows,
    with_more_runs,
)
from lambdasim.engine.kernel.run import KernelRun
from lambdasim.engine.kernel.state import RECORDS_PER_CHUNK, State

_COMPLETED_LATE: Final = ("duration_us", "init_again_us", "post_response_us", "outcome")


@dataclass(eq=False)
class _Block:
    """Consecutive records; ``missing`` counts the entries that are to come."""

    first: int
    columns: dict[str, NDArray[np.int64]]
    missing: int


class CallingRun(KernelRun):
    """One run of a plan with calls.

    Parameters
    ----------
    plan : Plan
    room : int
        Number of environments, waiting events and the like for which there is room at first. A power of two.
    records_room : int
        Number of records, and of chains that ended, in a chunk, at most ``RECORDS_PER_CHUNK``.
    """

    def __init__(self, plan: Plan, room: int = 64, records_room: int = RECORDS_PER_CHUNK) -> None:
        spare = most_calls_of_a_step(plan) + 8
        super().__init__(plan, room, min(records_room, RECORDS_PER_CHUNK - spare))
        self.calls = with_more_runs(first_calls(plan, room, records_room), len(self.state.completions.table))
        self._advance_calling = compiled_advance_with_calls()
        self._blocks: deque[_Block] = deque()
        self._ended: list[NDArray[np.int64]] = []

    def run(self) -> Iterator[RecordChunk]:
        """Run to the last event's end, giving records as chunks fill up and nothing of them is missing."""
        yield from super().run()
        nothing = {name: np.zeros(0, dtype=np.int64) for name in RECORD_COLUMNS}
        yield RecordChunk(nothing, chains=self._chains())

    def _step(self) -> int:
        return self._advance_calling(self.state, self.calls)

    _hand_over_at: tuple[int, ...] = (at.RECORDS_FULL,)

    def _make_room(self, full: int) -> None:
        head = self.calls.head
        if full == of.TOO_MANY:
            called = self.state.functions["rank"][int(head["too_many"][0])]
            name = self.plan.functions[int(called)].name
            raise too_many_calls(int(head["most_called"][0]), int(head["now_us"][0]), name)
        if full == of.LATE_FULL:
            self._complete()
        elif full == of.ENDED_FULL:
            self._take_ended()
        elif full >= of.CALLED_FULL:
            self.calls = with_more_rows(self.calls, full)
        else:
            super()._make_room(full)
            if full == at.SLOTS_FULL:
                self.calls = with_more_runs(self.calls, len(self.state.completions.table))

    def _records(self) -> Iterator[RecordChunk]:
        """Close the present block, and hand over those that are complete."""
        head, first = self.calls.head, int(self.calls.head["handed_over"][0])
        columns = self._written()
        rows = len(columns["function"])
        self._blocks.append(_Block(first, columns, int(head["kept"][0])))
        head["handed_over"], head["kept"] = first + rows, 0
        self._complete()
        self._take_ended()
        while self._blocks and not self._blocks[0].missing:
            block = self._blocks.popleft()
            if len(block.columns["function"]):
                yield RecordChunk(block.columns, chains=self._chains())

    def _complete(self) -> None:
        """Put what has become known of records in its place."""
        head = self.calls.head
        late = self.calls.late.reshape(-1, of.LATE_WIDTH)[: int(head["late"][0])]
        head["late"] = 0
        firsts = np.array([block.first for block in self._blocks], dtype=np.int64)
        whose = np.searchsorted(firsts, late[:, 0], side="right") - 1
        present = late[:, 0] >= int(head["handed_over"][0])
        for place in np.unique(whose[~present]).tolist():
            block = self._blocks[place]
            mine = late[(whose == place) & ~present]
            block.missing -= int(mine[:, 1].sum())
            _fill(block.columns, mine, block.first)
        if present.any():
            head["kept"] -= int(late[present, 1].sum())
            written = self.state.records.reshape(len(RECORD_COLUMNS), -1)
            _fill(dict(zip(RECORD_COLUMNS, written, strict=True)), late[present], int(head["handed_over"][0]))

    def _take_ended(self) -> None:
        """Take the chains that ended."""
        head = self.calls.head
        rows = int(head["ended"][0])
        if rows:
            self._ended.append(self.calls.ended.reshape(-1, of.CHAIN_WIDTH)[:rows].copy())
            head["ended"] = 0

    def _chains(self) -> ChainChunk:
        """Hand over the chains that ended, with the counters."""
        head = self.calls.head
        nothing = np.zeros((0, of.CHAIN_WIDTH), dtype=np.int64)
        columns = np.concatenate([nothing, *self._ended]).T.copy()
        self._ended = []
        counts = self.calls.counts.reshape(len(CALL_COUNTERS), -1).copy()
        return ChainChunk(
            dict(zip(CHAIN_COLUMNS, columns, strict=True)),
            dict(zip(CALL_COUNTERS, counts, strict=True)),
            int(head["begun"][0]),
            int(head["open_chains"][0]),
        )


def _fill(columns: dict[str, Any], late: NDArray[np.int64], first: int) -> None:
    """Write late entries into a block of records that begins with the given one."""
    filled, resolved = late[late[:, 2] >= 0], late[late[:, 6] >= 0]
    for name, values in zip(_COMPLETED_LATE, filled[:, 2:6].T, strict=True):
        columns[name][filled[:, 0] - first] = values
    columns["event_outcome"][resolved[:, 0] - first] = resolved[:, 6]


@cache
def compiled_advance_with_calls() -> Callable[[State, Calls], int]:
    """Compile the event loop with calls, or take it from the cache on disk."""
    return compiled_and_kept(loop.advance_with_calls)
