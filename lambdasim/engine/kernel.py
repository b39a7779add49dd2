"""The compiled engine: records equal to the reference's, some hundred times faster.

Here a plan becomes arrays and arrays become records; the steps themselves are compiled, see
`lambdasim.engine.kernel_steps`. Traffic comes in chunks and records leave in chunks, so memory is bounded whatever the
length of the traffic: by the largest number of environments and of events that wait for a retry.

Draws from laws are made inside the compiled code. A draw source of another kind is asked for each chunk of arrivals, and
for each later run one by one, which is slow where there are many retries.

This module imports numba. With NUMBA_DISABLE_JIT=1 the steps run as plain Python.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

import lambdasim.draws.compiled
import lambdasim.engine.contract
import lambdasim.engine.kernel_queues
import lambdasim.models.cpu_scaling
from lambdasim.draws.compiled import compiled_and_kept
from lambdasim.engine import kernel_state as at
from lambdasim.engine import kernel_steps
from lambdasim.engine.contract import RECORD_COLUMNS, ArrivalChunk, Plan, RecordChunk
from lambdasim.engine.kernel_state import State, chain, first_state
from lambdasim.engine.reference import _as_rows

RECORDS_PER_CHUNK: Final = (1 << 14) + 8
_FIRST_SLOTS: Final = 1 << 6


def run_kernel(plan: Plan) -> Iterator[RecordChunk]:
    """Run a plan with the compiled engine.

    Parameters
    ----------
    plan : Plan

    Yields
    ------
    RecordChunk
        In the order in which attempts were admitted or refused; equal to those of ``run_reference``, cut at other
        places.
    """
    return KernelRun(plan).run()


class KernelRun:
    """One run of a plan.

    Parameters
    ----------
    plan : Plan
    """

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.state = first_state(plan, _FIRST_SLOTS, RECORDS_PER_CHUNK)
        self._given = [function for function in range(len(plan.functions)) if self._is_given(function)]
        self._advance = compiled_advance()

    def _is_given(self, function: int) -> bool:
        return bool(self.state.functions[function, at.GIVEN])

    def run(self) -> Iterator[RecordChunk]:
        """Run to the last event's end, giving records as chunks fill up."""
        for chunk in self.plan.arrivals():
            self._take(chunk)
            yield from self._until(at.ARRIVALS_USED_UP)
        yield from self._until(at.DONE)
        yield from self._records()

    def _take(self, chunk: ArrivalChunk) -> None:
        """Make a chunk of arrivals the one that the steps work on."""
        given = np.empty((len(chunk.time_us) if self._given else 0, at.GIVEN_COLUMNS), dtype=np.int64)
        for function in self._given:
            mine = chunk.function == function
            if mine.any():
                given[mine] = _as_rows(
                    self.plan.functions[function].draws.draw(chunk.invocation[mine], run=0)
                )
        self.state.account[at.NEXT_ARRIVAL] = 0
        self.state = self.state._replace(
            time_us=_whole_numbers(chunk.time_us),
            function=_whole_numbers(chunk.function),
            invocation=_whole_numbers(chunk.invocation),
            # The last row is for draws that are asked for one by one.
            given=np.concatenate([given, np.zeros((1, at.GIVEN_COLUMNS), dtype=np.int64)]),
        )

    def _until(self, wanted: int) -> Iterator[RecordChunk]:
        """Go on until the steps return for the given reason, doing what they ask for on the way."""
        # Without compilation, integers that wrap around would warn.
        final = wanted == at.DONE
        while True:
            with np.errstate(over="ignore"):
                status = self._advance(self.state, final)
            if status == wanted:
                return
            if status == at.RECORDS_FULL:
                yield from self._records()
            else:
                self._help(status)

    def _help(self, status: int) -> None:
        if status == at.SLOTS_FULL:
            self._more_slots()
        elif status == at.EVENTS_FULL:
            self._more_events()
        elif status == at.NEEDS_DRAW:
            self._draw_again()
        else:
            self._draw_backoff()

    def _records(self) -> Iterator[RecordChunk]:
        """Hand over what has been written."""
        rows = int(self.state.account[at.RECORD])
        if rows:
            block = self.state.records[:, :rows]
            self.state.account[at.RECORD] = 0
            self.state = self.state._replace(records=np.empty_like(self.state.records))
            yield RecordChunk(dict(zip(RECORD_COLUMNS, block, strict=True)))

    def _more_slots(self) -> None:
        slots = _enlarged(self.state.slots)
        chain(slots, len(self.state.slots), at.NEXT)
        self.state.account[at.FREE_SLOT] = len(self.state.slots)
        self.state = self.state._replace(
            slots=slots,
            buckets=np.concatenate([self.state.buckets, np.full_like(self.state.buckets, -1)]),
            occupied=_enlarged(self.state.occupied),
            completions=_enlarged(self.state.completions),
        )

    def _more_events(self) -> None:
        events = _enlarged(self.state.events)
        chain(events, len(self.state.events), at.EV_NEXT)
        self.state.account[at.FREE_EVENT] = len(self.state.events)
        self.state = self.state._replace(events=events, retries=_enlarged(self.state.retries))

    def _draw_again(self) -> None:
        account = self.state.account
        draws = self.plan.functions[int(account[at.ASKED_FUNCTION])].draws
        invocation = account[[at.ASKED_INVOCATION]]
        self.state.given[-1] = _as_rows(draws.draw(invocation, run=int(account[at.ASKED_NUMBER])))[0]
        account[at.DRAWN] = 1

    def _draw_backoff(self) -> None:
        account = self.state.account
        draws = self.plan.functions[int(account[at.ASKED_FUNCTION])].draws
        account[at.BACKOFF_US] = draws.backoff_us(
            int(account[at.ASKED_INVOCATION]),
            int(account[at.ASKED_NUMBER]),
            int(account[at.ASKED_CEILING]),
        )
        account[at.BACKOFF_DRAWN] = 1


def _whole_numbers(numbers: NDArray[np.int64]) -> NDArray[np.int64]:
    """Bring an array into the one form for which the steps are compiled; copies only where it must."""
    return np.require(numbers, dtype=np.int64, requirements=["C", "W"])


def _enlarged(rows: NDArray[np.int64]) -> NDArray[np.int64]:
    """Double the number of rows."""
    return np.concatenate([rows, np.zeros_like(rows)])


@cache
def compiled_advance() -> Callable[[State, bool], int]:
    """Compile the steps, or take them from the cache on disk.

    Notes
    -----
    numba's cache notices a change in the file of the compiled function only. The name under which it is kept therefore
    carries a hash of every file whose code or constants are compiled in. Where the package's directory cannot be
    written, numba uses the user's cache directory, or NUMBA_CACHE_DIR.
    """
    step = getattr(kernel_steps.advance, "py_func", kernel_steps.advance)
    digest = hashlib.blake2b(digest_size=8)
    for module in (
        lambdasim.draws.compiled, lambdasim.draws.keys, lambdasim.draws.table, lambdasim.engine.contract,
        lambdasim.engine.kernel_queues, lambdasim.models.cpu_scaling, at, kernel_steps,
    ):  # fmt: skip
        digest.update(Path(str(module.__file__)).read_bytes())
    step.__qualname__ = f"advance_{digest.hexdigest()}"
    return compiled_and_kept(step)
