"""What an engine needs to know of a queue or a stream: lanes of items, batches, pollers, and what comes back.

An item (a message, a record) arrives on a lane. A standard queue is one unordered lane with many pollers; a FIFO queue
has an ordered lane for each message group; a stream one for each shard and parallel batch, with a poller each. Pollers
take items in batches; a batch is one event, named by its first item, with attempts of its own.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from lambdasim.engine.records import Outcome
from lambdasim.errors import InputError
from lambdasim.models.polling import calls_of, receive_gap_us

ITEMS_PER_CALL: Final = 10
"""Messages that one call to a queue receives or deletes at most."""
_ALWAYS: Final = (1 << 62) - 1


@dataclass(frozen=True)
class PollerLaw:
    """How many batches are taken at once, and when pollers look.

    Attributes
    ----------
    first, growth, interval_us, most : int
        Batches in progress at once: at first; added each interval while items wait; and at most.
    idle : int
        Pollers that wait at an empty queue; they change nothing but the number of empty receives.
    look_us : int
        Time between looks at a stream's lane; 0 looks all the time, as at a queue.
    per_unit, calls_per_s, kb_per_s : int
        Of provisioned pollers: batches in progress at once, receives a second and KB a second that one unit takes; 0
        where pollers are not provisioned.
    least_units : int
        Provisioned units that are kept however few batches they are for.
    per_poller : int
        Of a topic's provisioned pollers: batches in progress at once on one of them, which reads ``kb_per_s``; 0 where
        reads have no rate.
    until_us : int
        The scenario's end: idle pollers and provisioned units are counted up to it, as what they cost is of its time.
    """

    first: int
    growth: int
    interval_us: int
    most: int
    idle: int = 0
    look_us: int = 0
    per_unit: int = 0
    calls_per_s: int = 0
    kb_per_s: int = 0
    least_units: int = 0
    per_poller: int = 0
    until_us: int = _ALWAYS

    def read_gap_us(self, allowed: int, kb: int) -> int:
        """Give the least time from a read of a topic that brings so much to the next, over all pollers [µs]."""
        if not self.per_poller:
            return 0
        return receive_gap_us(0, kb, calls_of(allowed, self.per_poller), 1, self.kb_per_s)

    def units(self, allowed: int) -> int:
        """Give how many provisioned units hold so many batches at once; 0 where none are provisioned."""
        return max(-(-allowed // self.per_unit), self.least_units) if self.per_unit else 0


@dataclass(frozen=True)
class Visibility:
    """What a queue does with messages that were received and not deleted: they come back.

    Attributes
    ----------
    visibility_us : int
        Time from the receive of a batch's first message to their return.
    most_receives : int
        At the receive after so many, a message goes to the dead-letter queue; UNLIMITED where there is none.
    retention_us : int
        Age at which a message is lost; noticed when a poller would receive it.
    """

    visibility_us: int
    most_receives: int
    retention_us: int


@dataclass(frozen=True)
class Backoff:
    """What a stream does with a batch that failed: it blocks its lane and is tried again.

    Attributes
    ----------
    first_us, most_us : int
        Wait before the first retry after a failure, doubling up to the greatest.
    most_retries : int
        Retries of a batch of which no record has succeeded since; UNLIMITED until they are too old.
    most_age_us : int
        Age at which a record is dropped.
    bisect : bool
        Whether a batch that failed is cut in two, which is no retry.
    """

    first_us: int
    most_us: int
    most_retries: int
    most_age_us: int
    bisect: bool = False


@dataclass(frozen=True, eq=False)
class SourcePlan:
    """A function's queue or stream.

    Attributes
    ----------
    lanes : int
    ordered : bool
        Whether a lane gives its next items only when the last ones have ended.
    batch : int
        Items in a batch, at most.
    window_us : int
        How long a batch that is not full waits for more.
    pollers : PollerLaw
    returns : Visibility or Backoff
        Of a queue, or of a stream.
    partial : bool
        Whether a function that fails names the items that failed; otherwise all of the batch fail.
    swallows : bool
        Whether it answers as if nothing had failed, so that what failed is not tried again.
    reports : bool
        Whether a run of which items fail is itself a success: the function answers, and its answer says what failed.
    batch_kb : int
        Size of a batch, at most, which one item may exceed alone; 0 for any [KB].
    call_kb : int
        A call to a queue is billed once for each started part of this size; 0 for any [KB].
    lanes_of_shard : int
        Lanes that follow one another and belong to one shard, which is looked at for all of them at once.

    Raises
    ------
    InputError
        When the parts do not fit together.
    """

    lanes: int
    ordered: bool
    batch: int
    window_us: int
    pollers: PollerLaw
    returns: Visibility | Backoff
    partial: bool = False
    swallows: bool = False
    reports: bool = False
    batch_kb: int = 0
    call_kb: int = 0
    lanes_of_shard: int = 1

    def __post_init__(self) -> None:
        """Refuse, for every engine, what none models."""
        pollers, returns = self.pollers, self.returns
        wait_us = returns.first_us if isinstance(returns, Backoff) else returns.visibility_us
        if min(self.lanes, self.batch, pollers.first, pollers.interval_us, wait_us) < 1:
            raise InputError.single("SourcePlan", "", "needs lanes, batches, pollers and waits of at least 1")
        if pollers.first > pollers.most:
            raise InputError.single("SourcePlan", "pollers", "must not begin with more than the most")
        if not self.ordered and (self.lanes > 1 or isinstance(self.returns, Backoff)):
            raise InputError.single("SourcePlan", "ordered", "must be true for several lanes and for streams")
        if self.ordered and self.window_us and isinstance(self.returns, Visibility):
            raise InputError.single("SourcePlan", "window_us", "must be 0 for an ordered queue")

    @property
    def blocks(self) -> bool:
        """Whether what failed blocks its lane, as in a stream."""
        return isinstance(self.returns, Backoff)

    def offset_us(self, lane: int) -> int:
        """Give when a lane is looked at first: shards evenly over the time between two looks, lanes of one together."""
        shards = max(self.lanes // self.lanes_of_shard, 1)
        return lane // self.lanes_of_shard * self.pollers.look_us // shards


def fault_of_batch(faults: Iterable[int]) -> int:
    """Give how a batch's handler ends if nothing cuts it, from how each item's would.

    Parameters
    ----------
    faults : iterable of int
        ``Outcome`` of each item, in order.

    Returns
    -------
    int
        The first that ends the handler without an answer; else FUNCTION_ERROR if any item fails; else COMPLETED.

    Examples
    --------
    >>> fault_of_batch([Outcome.COMPLETED, Outcome.FUNCTION_ERROR, Outcome.CRASH]).name
    'CRASH'
    """
    worst = Outcome.COMPLETED
    for fault in faults:
        if fault not in (Outcome.COMPLETED, Outcome.FUNCTION_ERROR):
            return Outcome(fault)
        if fault == Outcome.FUNCTION_ERROR:
            worst = Outcome.FUNCTION_ERROR
    return worst
