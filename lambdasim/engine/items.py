"""Messages of queues and records of streams: what engines write of each, and the law that none is lost."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import Final

import numpy as np
from numpy.typing import NDArray

from lambdasim.engine.columns import Columns
from lambdasim.errors import ConservationError


class ItemOutcome(IntEnum):
    """How a message or record ended."""

    PROCESSED = 0
    """By a run that succeeded; a message is deleted then."""
    DEAD_LETTERED = 1
    """Moved to the dead-letter queue, at the receive after the last that was allowed."""
    EXPIRED = 2
    """Too old: the end of retention, or of a record's greatest age."""
    GIVEN_UP = 3
    """After a stream's last retry."""
    FILTERED = 4
    """Fits no filter of the mapping: passed over without an invocation, and deleted from a queue."""
    SWALLOWED = 5
    """Failed, and was deleted or passed over as if it had not, since the function's answer named no failure."""


ITEM_COLUMNS: Final[dict[str, str]] = {
    "function": "index of the function in the plan, which is ordered by name",
    "item": "number of the message or record within its function, from 0, in order of arrival",
    "lane": "message group or shard's lane, from 0",
    "arrival_us": "when it was sent [µs since the scenario's start]",
    "first_us": "when it was first received, or first part of a batch; -1 if never [µs since the scenario's start]",
    "done_us": "when it ended [µs since the scenario's start]",
    "receives": "how often it was received from a queue, or run from a stream",
    "outcome": "see ItemOutcome",
}

COUNTERS: Final = (
    "sent", "ended", "queued", "in_flight", "receive_calls", "receive_requests", "delete_calls", "idle_us", "unit_us",
)  # fmt: skip
"""What an engine counts of each function's source, up to a moment: items that were sent, have ended, wait, or are held by
a poller or invisible; calls that received messages, and what they are billed as, by size; calls that deleted some; time
that pollers waited at an empty queue, and time of units of provisioned pollers, up to the scenario's end [µs, all of them
together]."""


@dataclass(frozen=True, eq=False)
class ItemChunk(Columns):
    """Items that ended, in the order in which that was decided, and the counters at that moment.

    Attributes
    ----------
    columns : mapping of str to ndarray of int64, each of shape (n_items,)
        Keys and meanings are those of ``ITEM_COLUMNS``.
    counters : mapping of str to ndarray of int64, each of shape (n_functions,)
        See ``COUNTERS``; 0 for functions without a source.
    now_us : int
        The moment [µs since the scenario's start].
    """

    counters: Mapping[str, NDArray[np.int64]]
    now_us: int

    def __bool__(self) -> bool:
        """Be true also without items: the counters count."""
        return True


def check_items(chunk: ItemChunk, names: Sequence[str], ended_before: NDArray[np.int64]) -> NDArray[np.int64]:
    """Make sure that every item is somewhere: sent = ended + queued + in flight, and each end was written once.

    Parameters
    ----------
    chunk : ItemChunk
    names : sequence of str
        Functions, in the plan's order.
    ended_before : ndarray of int64, shape (n_functions,)
        Items written in earlier chunks.

    Returns
    -------
    ndarray of int64, shape (n_functions,)
        Items written so far.

    Raises
    ------
    ConservationError
        When one was lost or invented.
    """
    written: NDArray[np.int64] = ended_before + np.bincount(chunk["function"], minlength=len(names))
    counters = chunk.counters
    known = counters["ended"] + counters["queued"] + counters["in_flight"]
    for place, name in enumerate(names):
        if counters["sent"][place] != known[place] or written[place] != counters["ended"][place]:
            raise ConservationError(
                f"{name}: {counters['sent'][place]} items were sent; {counters['ended'][place]} ended, "
                f"{counters['queued'][place]} wait, {counters['in_flight'][place]} are in flight, "
                f"{written[place]} were written"
            )
    return written
