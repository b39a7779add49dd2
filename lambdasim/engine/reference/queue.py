"""A queue of messages in the reference engine: pollers, visibility, dead letters, message groups.

Follow one message: `arrive` puts it among those that wait, and `go_on` gives free pollers what waits, in batches.
`_receive` cuts a batch, drops what is too old and moves what was received too often. The engine runs the batch; `free`
deletes what succeeded. What was not deleted comes back in `_return`, when the batch's visibility ends.
"""

from __future__ import annotations

from collections import deque
from heapq import heappop, heappush
from typing import Any

from lambdasim.engine.contract import EventOutcome, Limit
from lambdasim.engine.items import ItemOutcome
from lambdasim.engine.lanes import ITEMS_PER_CALL, SourcePlan, Visibility
from lambdasim.engine.reference.sources import Batch, Host, Item, LaneSource
from lambdasim.engine.reference.state import OF_A_FUNCTION, RETRY, Event, FunctionState
from lambdasim.models.polling import backoff_us, calls_of, fits, pollers_after_a_step, receive_gap_us

_RETURN, _WINDOW, _STEP = range(3)  # order of wakes of one function at an instant


class Waiting:
    """Messages that wait, each for its turn: in the order in which they came or came back, or by message group.

    Parameters
    ----------
    lanes : int
    ordered : bool
        Whether a lane of which some message is held gives no others.
    """

    def __init__(self, lanes: int, ordered: bool) -> None:
        self._lanes: list[deque[Item]] = [deque() for _ in range(lanes)]
        self._held = [0] * lanes
        self._ready: list[tuple[int, int]] = []
        self._current = -1
        self._ordered = ordered

    def add(self, item: Item) -> None:
        """Put a message at its lane's end."""
        lane = self._lanes[item.lane]
        lane.append(item)
        if self._ordered and self._first(item.lane) is item:
            self._offer(item.lane)

    def come_back(self, items: list[Item]) -> None:
        """Put messages back: to the front of their lanes, or behind what waits where there is no order."""
        for item in reversed(items) if self._ordered else items:
            lane = self._lanes[item.lane]
            (lane.appendleft if self._ordered else lane.append)(item)
        self.release(items)

    def take(self) -> Item | None:
        """Take the message whose turn it is; a lane gives all that it has before another gives any."""
        if not self._ordered:
            return self._lanes[0].popleft() if self._first(0) else None
        if self._current < 0 or not self._first(self._current):
            self._current = self._next_lane()
        return self._lanes[self._current].popleft() if self._current >= 0 else None

    def put_back(self, item: Item) -> None:
        """Let the message that was taken last be the next again."""
        self._lanes[item.lane].appendleft(item)

    def _next_lane(self) -> int:
        """Give the lane whose first message came first, among those of which none is held; -1 for none."""
        while self._ready:
            number, lane = heappop(self._ready)
            first = self._first(lane)
            if first and first.order == number and not self._held[lane]:
                return lane
        return -1

    def keep(self, items: list[Item]) -> None:
        """Let the lanes of messages that were taken give nothing until these are released."""
        for item in items:
            self._held[item.lane] += 1
        if self._current >= 0:
            lane, self._current = self._current, -1
            self._offer(lane)

    def release(self, items: list[Item]) -> None:
        """Free lanes of messages that are held no more."""
        for item in items:
            self._held[item.lane] -= 1
        for lane in dict.fromkeys(item.lane for item in items):
            self._offer(lane)

    def forget(self, items: list[Item]) -> None:
        """Offer lanes by their next message where one that waited has ended."""
        for lane in dict.fromkeys(item.lane for item in items):
            self._offer(lane)

    def _offer(self, lane: int) -> None:
        """Let a lane be taken from, if it has a message and none is held."""
        first = self._first(lane) if self._ordered and not self._held[lane] else None
        if first:
            heappush(self._ready, (first.order, lane))

    def _first(self, lane: int) -> Item | None:
        """Give a lane's first message, without those that ended while they waited."""
        waiting = self._lanes[lane]
        while waiting and waiting[0].done:
            waiting.popleft()
        return waiting[0] if waiting else None


class QueueSource(LaneSource):
    """A queue.

    Parameters
    ----------
    host : Host
    function : FunctionState
    source : SourcePlan
    returns : Visibility
    """

    def __init__(self, host: Host, function: FunctionState, source: SourcePlan, returns: Visibility) -> None:
        super().__init__(host, function, source)
        self.returns = returns
        self.waiting = Waiting(source.lanes, source.ordered)
        self.gathering: Batch | None = None
        self.steps_are_due = False
        self._passed: list[int] = []

    def run_of(self, item: Item) -> int:
        """Give how many times an item has run before: each receive is a run, also where none found room."""
        return item.receives - 1

    def arrive(self, event: Event) -> None:
        """Put a message among those that wait."""
        item = self.item_of(event)
        self.counts["queued"] += 1
        self.waiting.add(item)
        self.go_on()

    def go_on(self) -> None:
        """Give free pollers what waits."""
        while self.gathering or self.busy < self.allowed:
            if (self.counts["queued"] and self.must_wait()) or not self._receive():
                break
        pollers = self.source.pollers
        if self.counts["queued"] and not self.steps_are_due and pollers.first < pollers.most:
            self._step_later()

    def _keep_pace(self, sizes_kb: list[int]) -> None:
        """Let the next receive of provisioned pollers wait for its turn."""
        pollers = self.source.pollers
        if not pollers.per_unit:
            return
        self.next_read_us = self.host.now_us + receive_gap_us(
            calls_of(len(sizes_kb), ITEMS_PER_CALL),
            sum(sizes_kb),
            pollers.units(self.allowed),
            pollers.calls_per_s,
            pollers.kb_per_s,
        )

    def _receive(self) -> bool:
        """Cut a batch of what waits, or fill the one that gathers; return whether any message was received."""
        gathering: Batch | None = self.gathering
        now = self.host.now_us
        items, is_full = self._take(gathering)
        self.waiting.keep(items)
        received = [item.kb for item in items] + self._passed
        self.count_deletes(len(self._passed))
        self._passed = []
        if received:
            self._keep_pace(received)
        if gathering is None and not items:
            self.count_receives(received)
            return False
        if gathering is not None:
            if not items and not is_full:
                gathering.received += received
                return False
            batch: Batch = gathering
            self.hold(batch, items)
            batch.items += items
        else:
            batch = self.batch_of(items, now + self.returns.visibility_us)
            self._occupy(1)
        batch.received += received
        if is_full or len(batch.items) == self.source.batch or not self.source.window_us:
            self._invoke(batch)
        elif gathering is None:
            self.gathering = batch
            self.wake(now + self.source.window_us, _WINDOW, batch.serial, self._close_window, batch)
        return True

    def _take(self, gathering: Batch | None) -> tuple[list[Item], bool]:
        """Receive what still fits a batch, of the messages that can be received; return whether its size ended it."""
        now = self.host.now_us
        items: list[Item] = []
        most = self.source.batch - (len(gathering.items) if gathering else 0)
        kb = gathering.kb if gathering else 0
        while len(items) < most and (item := self.waiting.take()):
            if now >= item.arrival_us + self.returns.retention_us:
                self.end(item, ItemOutcome.EXPIRED, item.arrival_us + self.returns.retention_us)
            elif item.receives >= self.returns.most_receives:
                self.give_up(item)
                self.end(item, ItemOutcome.DEAD_LETTERED, now)
            elif item.passes and not fits(kb, item.kb, self.source.batch_kb):
                self.waiting.put_back(item)
                return items, True
            else:
                item.receives += 1
                item.visible_us = now + self.returns.visibility_us
                if item.passes:
                    items.append(item)
                    kb += item.kb
                else:
                    self._pass_over(item)
        return items, False

    def _pass_over(self, item: Item) -> None:
        """Delete a message that fits no filter, in the very receive that brought it."""
        self._passed.append(item.kb)
        item.first_us = self.host.now_us
        self.end(item, ItemOutcome.FILTERED, self.host.now_us)

    def _invoke(self, batch: Batch) -> None:
        self.gathering = None
        self.count_receives(batch.received)
        batch.arrival_us = self.host.now_us
        self.host.attempt(batch)

    def _close_window(self, moment: Any) -> None:
        """Invoke with what has gathered."""
        batch: Batch = moment.about
        if self.gathering is batch:
            self._invoke(batch)
            self.go_on()

    def after_run(self, batch: Batch, answer: int, outcome: int, end_us: int) -> EventOutcome:
        """Say which messages will come back, and when."""
        batch.failed = self._in_groups(batch, self.failing(batch, answer))
        if not batch.is_open and (batch.failed or end_us > batch.deadline_us):
            self.wake(batch.deadline_us, _RETURN, batch.serial, self._return, batch)
        return EventOutcome.BATCH

    def hold_open(self, batch: Batch) -> None:
        """Let messages be seen again if a run of which it is not known when it ends has not deleted them by then."""
        batch.is_open = True
        self.wake(batch.deadline_us, _RETURN, batch.serial, self._return, batch)

    def _in_groups(self, batch: Batch, failed: list[Item]) -> list[Item]:
        """Add what follows a failed message in its group: it must come after it again."""
        if not self.source.ordered:
            return failed
        groups, first = set(), set(failed)
        again = []
        for item in batch.items:
            if item in first or item.lane in groups:
                groups.add(item.lane)
                again.append(item)
        return again

    def after_refusal(self, batch: Batch, limit: Limit) -> EventOutcome:
        """Try the same batch again while it is invisible; then let it go."""
        policy, now = self.plan.retry, self.host.now_us
        again_us = now + backoff_us(
            policy.throttle_backoff_us, policy.throttle_backoff_cap_us, batch.refusals
        )
        if batch.refusals < policy.throttle_retries and again_us < batch.deadline_us:
            batch.refusals += 1
            priority = RETRY + self.function.rank * OF_A_FUNCTION + batch.serial
            self.host.at(again_us, priority, self.host.retry, batch)
            return EventOutcome.PENDING
        batch.is_held = True
        self.wake(batch.deadline_us, _RETURN, batch.serial, self._return, batch)
        return EventOutcome.BATCH

    def free(self, batch: Batch) -> None:
        """Delete the messages that succeeded, wherever they are by now, and let the poller go on."""
        failed = set(batch.failed)
        done = [item for item in batch.items if item not in failed]
        self.count_deletes(len(done))
        held = [item for item in done if item.batch]
        seen = [item for item in done if not (item.done or item.batch)]
        for item in done:
            if not item.done:
                self.end(item, self.outcome_of(batch, item), self.host.now_us)
        self.waiting.release(held)
        self.waiting.forget(seen)
        self._occupy(-1)
        self.go_on()

    def _return(self, moment: Any) -> None:
        """Let messages be seen again, each so long after its own receive, and a poller go that held them in vain."""
        batch: Batch = moment.about
        held = [item for item in batch.items if item.batch is batch]
        back = [item for item in held if item.visible_us <= self.host.now_us]
        if later := [item.visible_us for item in held if item.visible_us > self.host.now_us]:
            self.wake(min(later), _RETURN, batch.serial, self._return, batch)
        for item in back:
            item.batch = None
            self.counts["in_flight"] -= 1
            self.counts["queued"] += 1
        self.waiting.come_back(back)
        if batch.is_held:
            batch.is_held = False
            self._occupy(-1)
        self.go_on()

    def _occupy(self, pollers: int) -> None:
        """Count pollers in and out, and how long the others have waited."""
        self.count_standing()
        self.busy += pollers

    def _step_later(self) -> None:
        self.steps_are_due = True
        self.wake(self.host.now_us + self.source.pollers.interval_us, _STEP, 0, self._step, None)

    def _step(self, _moment: Any) -> None:
        """Allow more batches at once while messages wait; fall back when none do."""
        pollers = self.source.pollers
        self.steps_are_due = False
        self.count_standing()
        if self.counts["queued"]:
            self.allowed = pollers_after_a_step(self.allowed, pollers.growth, pollers.most)
            self.go_on()
            if not self.steps_are_due:
                self._step_later()
        else:
            self.allowed = pollers.first
