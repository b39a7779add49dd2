"""One run of the compiled engine: a plan becomes arrays, and arrays become records.

The steps themselves are compiled, see `lambdasim.engine.kernel.steps`. Traffic comes in chunks and records leave in
chunks, so memory is bounded whatever the length of the traffic: by the largest number of environments and of events that
wait for a retry.

Draws from laws are made inside the compiled code. Those of first runs are made in a thread of their own, a chunk of
arrivals ahead, which takes a quarter off the steps, the longest part of a long run.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from lambdasim.compiling import compiled_and_kept
from lambdasim.engine.contract import NEVER, RECORD_COLUMNS, ArrivalChunk, Plan, RecordChunk
from lambdasim.engine.kernel import draws as kernel_draws
from lambdasim.engine.kernel import state as at
from lambdasim.engine.kernel.plain import advance as plain
from lambdasim.engine.kernel.plain.ends import Ends, EndSorter
from lambdasim.engine.kernel.state import (
    RECORDS_PER_CHUNK,
    State,
    empty_records,
    first_state,
    with_more_events,
    with_more_slots,
)
from lambdasim.engine.totals.aggregate import Aggregate
from lambdasim.engine.totals.counting.sums import Sums, no_sums

_NOTHING: Final = np.zeros(0, dtype=np.int64)

_NO_SUMS: Final = no_sums()
_NO_ENDS: Final = Ends()


class Coming(NamedTuple):
    """A chunk of arrivals with their first runs' draws, see `State`, and what is known of items, see `Sources`."""

    time_us: NDArray[np.int64]
    function: NDArray[np.int64]
    invocation: NDArray[np.int64]
    ahead_us: NDArray[np.int64]
    about: NDArray[np.int64] = _NOTHING
    ends: Ends = _NO_ENDS


# An arrival that never comes lets everything before it happen.
_THE_END: Final = Coming(np.array([NEVER]), np.array([0]), np.array([0]), np.zeros(2, dtype=np.int64))


class KernelRun:
    """One run of a plan.

    Parameters
    ----------
    plan : Plan
    room : int
        Number of environments, and of waiting events, for which there is room at first. A power of two.
    records_room : int
        Number of records in a chunk, at most ``RECORDS_PER_CHUNK``.
    """

    _hand_over_at: tuple[int, ...] = (at.RECORDS_FULL,)

    def __init__(self, plan: Plan, room: int = 64, records_room: int = RECORDS_PER_CHUNK) -> None:
        self.plan = plan
        self.state = first_state(plan, room, records_room)
        self._fixed = self.state
        self._advance = compiled_advance()
        self._draw_first_runs = compiled_draw_first_runs()
        self._sorter = EndSorter(self.state.functions) if _knows_ends(plan, self.state) else None
        self._later_of = _NO_ENDS.later_of

    @property
    def _sums(self) -> Sums:
        """Where attempts are counted; nowhere, since they are written."""
        return _NO_SUMS

    def run(self) -> Iterator[RecordChunk]:
        """Run to the last event's end, giving records as chunks fill up."""
        for coming in self._coming():
            self._take(coming)
            yield from self._go_on()
        yield from self._records()

    def _coming(self) -> Iterator[Coming]:
        """Give the chunks of arrivals, the next being drawn for meanwhile, and what lets everything end."""
        arrivals = self.plan.arrivals()
        with ThreadPoolExecutor(1) as side:
            coming = side.submit(self._next, arrivals)
            while (chunk := coming.result()) is not None:
                coming = side.submit(self._next, arrivals)
                yield chunk
        yield self._with_ends(_THE_END)

    def _next(self, arrivals: Iterator[ArrivalChunk]) -> Coming | None:
        """Fetch the next chunk of arrivals, and draw what can be drawn of their first runs."""
        chunk = next((chunk for chunk in arrivals if len(chunk.time_us)), None)
        if chunk is None:
            return None
        coming = Coming(
            _whole_numbers(chunk.time_us),
            _whole_numbers(chunk.function),
            _whole_numbers(chunk.invocation),
            np.empty(2 * len(chunk.time_us), dtype=np.int64),
        )
        with np.errstate(over="ignore"):
            self._draw_first_runs(_with_arrivals(self._fixed, coming))
        return self._with_ends(coming)

    def _with_ends(self, coming: Coming) -> Coming:
        """Sort the ends of a chunk's runs ahead, where they are known."""
        if self._sorter is None:
            return coming
        return coming._replace(ends=self._sorter.next(coming.time_us, coming.function, coming.ahead_us))

    def _take(self, coming: Coming) -> None:
        """Make a chunk of arrivals the one that the steps work on."""
        account, ends = self.state.account, coming.ends
        account["next_arrival"] = account["next_end"] = 0
        account["first_place"] = ends.first_place
        served = np.zeros(ends.places, dtype=np.uint32)
        served[: ends.first_place] = self.state.served[self._later_of]
        self._later_of = ends.later_of
        self.state = _with_arrivals(self.state, coming)._replace(
            ends_us=ends.ends_us, ends_of=ends.ends_of, served=served
        )

    def _go_on(self) -> Iterator[RecordChunk]:
        """Go on until the arrivals are used up, doing what the steps ask for on the way."""
        while True:
            # Without compilation, integers that wrap around would warn.
            with np.errstate(over="ignore"):
                status = self._step()
            if status in (at.ARRIVALS_USED_UP, at.DONE):
                return
            if status in self._hand_over_at:
                yield from self._records()
            else:
                self._make_room(status)

    def _step(self) -> int:
        """Go on until something must be done outside; return what."""
        return self._advance(self.state, self._sums)

    def _make_room(self, full: int) -> None:
        """Enlarge what is full."""
        if full == at.SLOTS_FULL:
            self.state = with_more_slots(self.state, 2 * len(self.state.completions.heap))
        else:
            self.state = with_more_events(self.state, 2 * len(self.state.retries.heap))

    def _records(self) -> Iterator[RecordChunk]:
        """Hand over what has been written."""
        if self.state.account["record"][0]:
            yield RecordChunk(self._written())

    def _written(self) -> dict[str, NDArray[np.int64]]:
        """Take the columns that have been written."""
        rows = int(self.state.account["record"][0])
        block = self.state.records.reshape(len(RECORD_COLUMNS), -1)[:, :rows]
        self.state.account["record"] = 0
        self.state = self.state._replace(records=empty_records())
        return dict(zip(RECORD_COLUMNS, block, strict=True))


class CountedRun(KernelRun):
    """One run of a plan whose attempts are counted as they are decided on, and written nowhere.

    Parameters
    ----------
    plan : Plan
        Without queues, streams and calls.
    totals : Aggregate
        Of the plan, and empty.
    room : int
        See `KernelRun`.
    """

    _hand_over_at = (at.TOTALS_WAIT,)

    def __init__(self, plan: Plan, totals: Aggregate, room: int = 64) -> None:
        super().__init__(plan, room)
        self._totals = totals
        self.state.account["counts"] = 1

    @property
    def _sums(self) -> Sums:
        return self._totals.sums

    def count(self) -> Iterator[int]:
        """Run to the last event's end, giving moments that have been reached [µs since the start]."""
        for coming in self._coming():
            self._take(coming)
            for _ in self._go_on():
                pass
            if coming.time_us[-1] != NEVER:
                yield int(coming.time_us[-1])
        self._totals.go_on()

    def _records(self) -> Iterator[RecordChunk]:
        """Let the totals put away what they must before they go on; there are no records."""
        self._totals.go_on()
        yield from ()


def _with_arrivals(state: State, coming: Coming) -> State:
    """Let the steps work on a chunk of arrivals."""
    time_us, function, invocation, ahead_us, *_ = coming
    return state._replace(time_us=time_us, function=function, invocation=invocation, ahead_us=ahead_us)


def _knows_ends(plan: Plan, state: State) -> bool:
    """Whether the end of some function's first runs is known as soon as they are drawn."""
    has_loop = plan.calls is not None or any(function.source is not None for function in plan.functions)
    return not has_loop and bool((state.functions["alike_most_us"] > 0).any())


def _whole_numbers(numbers: NDArray[np.int64]) -> NDArray[np.int64]:
    """Bring an array into the one form for which the steps are compiled; copies only where it must."""
    return np.require(numbers, dtype=np.int64, requirements=["C", "W"])


@cache
def compiled_advance() -> Callable[[State, Sums], int]:
    """Compile the steps, or take them from the cache on disk."""
    return compiled_and_kept(plain.advance)


@cache
def compiled_draw_first_runs() -> Callable[[State], None]:
    """Compile the draws of first runs, or take them from the cache on disk."""
    return compiled_and_kept(kernel_draws.draw_first_runs)
