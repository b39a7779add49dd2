"""A stream of records in the reference engine: one batch at a time on each lane, and a failure blocks it.

Follow one record: `arrive` puts it at its lane's end, and the lane's poller sees it when it looks next. `_look` starts a
batch once it is full or has waited its window. The engine runs it; `free` ends what succeeded, and cuts, repeats or gives
up the rest. A lane's next batch begins when nothing of the last is left.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import Any

from lambdasim.engine.contract import EventOutcome, Limit
from lambdasim.engine.items import ItemOutcome
from lambdasim.engine.lanes import Backoff, SourcePlan
from lambdasim.engine.reference.sources import Batch, Host, Item, LaneSource
from lambdasim.engine.reference.state import OF_A_FUNCTION, RETRY, Event, FunctionState
from lambdasim.models.polling import backoff_us, first_half, fits, next_look_us, pollers_after_a_step

_TRY, _LOOK, _STEP = range(3)  # order of wakes of one function at an instant


@dataclass(slots=True, eq=False)
class Lane:
    """What waits on a lane, and what is cut off a batch and comes before it."""

    number: int
    offset_us: int
    waiting: deque[Item] = field(default_factory=deque)
    parts: list[list[Item]] = field(default_factory=list)
    kb: int = 0
    is_busy: bool = False
    is_watched: bool = False
    is_ready: bool = False
    opened_us: int = -1


class StreamSource(LaneSource):
    """A stream.

    Parameters
    ----------
    host : Host
    function : FunctionState
    source : SourcePlan
    returns : Backoff
    """

    def __init__(self, host: Host, function: FunctionState, source: SourcePlan, returns: Backoff) -> None:
        super().__init__(host, function, source)
        self.returns = returns
        self.lanes = [Lane(number, source.offset_us(number)) for number in range(source.lanes)]
        self.ready: deque[Lane] = deque()
        self.steps_are_due = False

    def run_of(self, item: Item) -> int:
        """Give how many times an item has run before."""
        return item.receives

    def arrive(self, event: Event) -> None:
        """Put a record at its lane's end; the poller sees it when it looks next."""
        item = self.item_of(event)
        self.counts["queued"] += 1
        lane = self.lanes[item.lane]
        lane.waiting.append(item)
        lane.kb += item.kb
        look_us = self.source.pollers.look_us
        is_full = self._is_full(lane) and not look_us
        if lane.is_busy or (lane.is_watched and not is_full):
            return
        if look_us:
            self._look_at(
                lane, next_look_us(self.host.now_us + 1, self.source.pollers.look_us, lane.offset_us)
            )
        else:
            self._consider(lane)

    def _is_full(self, lane: Lane) -> bool:
        """Return whether a batch needs to wait for no more: by number, or since more would be too heavy."""
        most_kb = self.source.batch_kb
        return len(lane.waiting) >= self.source.batch or (most_kb > 0 and lane.kb >= most_kb)

    def _look_at(self, lane: Lane, time_us: int) -> None:
        lane.is_watched = True
        self.wake(time_us, _LOOK, lane.number, self._look, lane)

    def _look(self, moment: Any) -> None:
        lane: Lane = moment.about
        lane.is_watched = False
        self._consider(lane)

    def _consider(self, lane: Lane) -> None:
        """Start a batch that is full or has waited its window; else look again."""
        now, source = self.host.now_us, self.source
        while not lane.is_busy:
            lane.kb -= self._drop_old(lane.waiting)
            if not lane.waiting:
                lane.opened_us = -1
                return
            if lane.opened_us < 0:
                lane.opened_us = now
            closes_us = lane.opened_us + source.window_us
            if not self._is_full(lane) and now < closes_us:
                break
            if self.busy >= self.allowed or self.must_wait():
                self._wait_for_a_poller(lane)
                return
            items = self._read(lane)
            if items:
                self._start(lane, items)
            else:
                lane.opened_us = -1
        if lane.is_busy:
            return
        if source.pollers.look_us:
            self._look_at(lane, min(next_look_us(now + 1, source.pollers.look_us, lane.offset_us), closes_us))
        else:
            self._look_at(lane, closes_us)

    def _read(self, lane: Lane) -> list[Item]:
        """Take a lane's next records, and pass over those that fit no filter."""
        now = self.host.now_us
        read: list[Item] = []
        kb = 0
        while (
            lane.waiting
            and len(read) < self.source.batch
            and fits(kb, lane.waiting[0].kb, self.source.batch_kb)
        ):
            read.append(lane.waiting.popleft())
            kb += read[-1].kb
        lane.kb -= kb
        self.next_read_us = now + self.source.pollers.read_gap_us(self.allowed, kb)
        for item in read:
            if not item.passes:
                self.end(item, ItemOutcome.FILTERED, now)
        return [item for item in read if item.passes]

    def _wait_for_a_poller(self, lane: Lane) -> None:
        """Let a lane wait its turn where there are fewer pollers than lanes; more come by the minute."""
        if not lane.is_ready:
            lane.is_ready = True
            self.ready.append(lane)
        pollers = self.source.pollers
        if not self.steps_are_due and pollers.first < pollers.most:
            self.steps_are_due = True
            self.wake(self.host.now_us + pollers.interval_us, _STEP, 0, self._step, None)

    def _step(self, _moment: Any) -> None:
        """Allow more lanes at once while some wait for a poller; fall back when none does."""
        pollers = self.source.pollers
        self.steps_are_due = False
        if not self.ready:
            self.count_standing()
            self.allowed = pollers.first
            return
        self.count_standing()
        self.allowed = pollers_after_a_step(self.allowed, pollers.growth, pollers.most)
        self.steps_are_due = True
        self.wake(self.host.now_us + pollers.interval_us, _STEP, 0, self._step, None)
        self.go_on()

    def go_on(self) -> None:
        """Give free pollers the lanes that wait for one, in the order in which they began to."""
        for _ in range(len(self.ready)):
            if self.busy >= self.allowed or self.must_wait():
                return
            lane = self.ready.popleft()
            lane.is_ready = False
            self._consider(lane)

    def _drop_old(self, items: deque[Item] | list[Item]) -> int:
        """Drop records that are too old, which come first; return what they weighed [KB]."""
        now, kb = self.host.now_us, 0
        if items and now >= items[0].arrival_us + self.returns.most_age_us:
            self.give_up(items[0])
        while items and now >= items[0].arrival_us + self.returns.most_age_us:
            item = items[0]
            del items[0]
            kb += item.kb
            self.end(item, ItemOutcome.EXPIRED, now)
        return kb

    def _start(self, lane: Lane, items: list[Item], tries: int = 0) -> None:
        """Invoke with the next batch of a lane."""
        self.busy += not lane.is_busy
        lane.is_busy, lane.opened_us = True, -1
        batch = self.batch_of(items, 0)
        batch.lane, batch.tries = lane.number, tries
        self.host.attempt(batch)

    def after_run(self, batch: Batch, answer: int, outcome: int, end_us: int) -> EventOutcome:
        """Say which records must run again; when, is decided when the run has ended."""
        failing = self.failing(batch, answer)
        first = batch.items.index(failing[0]) if failing else len(batch.items)
        batch.failed = batch.items[first:]
        for item in batch.items:
            item.receives += 1
        return EventOutcome.BATCH

    def after_refusal(self, batch: Batch, limit: Limit) -> EventOutcome:
        """Try again whatever the number of attempts, until all records are too old."""
        policy, now = self.plan.retry, self.host.now_us
        wait_us = backoff_us(policy.throttle_backoff_us, policy.throttle_backoff_cap_us, batch.refusals)
        batch.refusals += 1
        again_us = self._again_us(batch.items, now + wait_us)
        priority = RETRY + self.function.rank * OF_A_FUNCTION + batch.serial
        self.host.at(again_us, priority, self._again, batch)
        lasts = again_us < batch.items[-1].arrival_us + self.returns.most_age_us
        return EventOutcome.PENDING if lasts else EventOutcome.BATCH

    def _again_us(self, items: list[Item], time_us: int) -> int:
        """Give when to try again: at a time, or when the first record is too old, if that is before."""
        return max(min(time_us, items[0].arrival_us + self.returns.most_age_us), self.host.now_us)

    def _again(self, moment: Any) -> None:
        """Try a batch again without the records that are too old by now."""
        batch: Batch = moment.about
        self._drop_old(batch.items)
        if batch.items:
            self.host.attempt(batch)
        else:
            self._next(self.lanes[batch.lane])

    def free(self, batch: Batch) -> None:
        """End what succeeded; cut, repeat or give up the rest."""
        now = self.host.now_us
        lane = self.lanes[batch.lane]
        rest = batch.failed
        cut = len(batch.items) - len(rest)
        for item in batch.items[:cut]:
            self.end(item, self.outcome_of(batch, item), now)
        if not rest:
            self._next(lane)
            return
        tries = 0 if cut else batch.tries
        if self.returns.bisect and len(rest) > 1:
            if not cut:
                half = first_half(len(rest))
                lane.parts.append(rest[half:])
                rest = rest[:half]
            self._run_again(lane, rest, 0)
            return
        if tries >= self.returns.most_retries:
            self.give_up(rest[0])
            for item in rest:
                self.end(item, ItemOutcome.GIVEN_UP, now)
            self._next(lane)
            return
        wait_us = backoff_us(self.returns.first_us, self.returns.most_us, tries)
        self.wake(
            self._again_us(rest, now + wait_us), _TRY, batch.serial, self._try_again, (lane, rest, tries + 1)
        )

    def _try_again(self, moment: Any) -> None:
        self._run_again(*moment.about)

    def _run_again(self, lane: Lane, items: list[Item], tries: int) -> None:
        """Run again what failed, without the records that are too old by now."""
        self._drop_old(items)
        if items:
            self._let_go(items)
            self._start(lane, items, tries)
        else:
            self._next(lane)

    def _next(self, lane: Lane) -> None:
        """Go on with what was cut off before, then with what waits: a full batch follows without a pause."""
        if lane.parts:
            self._run_again(lane, lane.parts.pop(), 0)
            return
        lane.is_busy = False
        self.busy -= 1
        self.go_on()
        look_us = self.source.pollers.look_us
        if self._is_full(lane) or not look_us:
            self._consider(lane)
        elif lane.waiting:
            self._look_at(lane, next_look_us(self.host.now_us, look_us, lane.offset_us))

    def _let_go(self, items: list[Item]) -> None:
        """Let records wait again, for a moment."""
        for item in items:
            item.batch = None
            self.counts["in_flight"] -= 1
            self.counts["queued"] += 1
