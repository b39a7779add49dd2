"""Events that cannot be delivered right away: when their sender tries again, and when it gives them up."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Final

import numpy as np
from numpy.typing import NDArray

from lambdasim.catalog import timing
from lambdasim.specs.callers.delivery import DeliverySpec
from lambdasim.specs.trigger import TriggerType

_MOST_DOUBLINGS: Final = 40


def retry_times_us(delivery: DeliverySpec, trigger: TriggerType) -> NDArray[np.int64]:
    """Give when an event is tried again after its first delivery has failed.

    Parameters
    ----------
    delivery : DeliverySpec
    trigger : TriggerType
        eventbridge, schedule or sns.

    Returns
    -------
    ndarray of int64, shape (retries,)
        Time since the first try [µs], in order.

    Notes
    -----
    EventBridge: AWS says exponential back-off with jitter, 185 retries, 24 h. Doubling from 1 s to at most 8 min, 185
    of them take 24 h, so both ends are met together; the jitter is left out.

    References
    ----------
    Amazon EventBridge User Guide, retry policy; Amazon SNS Developer Guide, message delivery retries: three at once, two
    after a second each, ten from 1 to 20 s, 100,000 after 20 s each.
    """
    if trigger == TriggerType.SNS:
        return np.cumsum(_waits_of_sns_us())
    retries = delivery.retry_attempts
    if retries is None:
        retries = timing("eventbridge_delivery_retries").value
    doubled_us = delivery.retry_first_us * 2.0 ** np.minimum(np.arange(retries), _MOST_DOUBLINGS)
    times_us = np.cumsum(np.minimum(doubled_us, delivery.retry_most_us).astype(np.int64))
    age_us = timing("eventbridge_delivery_age_s").us if delivery.max_age_us is None else delivery.max_age_us
    return times_us[times_us <= age_us]


def _waits_of_sns_us() -> NDArray[np.int64]:
    first_us, most_us = timing("sns_retry_first_s").us, timing("sns_retry_max_s").us
    growing_us = np.geomspace(first_us, most_us, timing("sns_retries_backing_off").value)
    phases = (
        np.zeros(timing("sns_retries_at_once").value),
        np.full(timing("sns_retries_after_a_second").value, first_us),
        growing_us.round(),
        np.full(timing("sns_retries_at_last").value, most_us),
    )
    return np.concatenate(phases).astype(np.int64)


@dataclass
class Deliveries:
    """Deliveries of one function's events.

    Parameters
    ----------
    delivery : DeliverySpec
    trigger : TriggerType

    Attributes
    ----------
    late, given_up : int
        Events that were delivered by a retry, and that never were.
    longest_us : int
        Longest time from an event to its delivery.
    retries : int
        Tries after the first ones.
    """

    delivery: DeliverySpec
    trigger: TriggerType
    late: int = field(default=0, init=False)
    given_up: int = field(default=0, init=False)
    longest_us: int = field(default=0, init=False)
    retries: int = field(default=0, init=False)

    def of(self, sent: Iterable[NDArray[np.int64]]) -> Iterator[NDArray[np.int64]]:
        """Give sorted times of delivery, chunk by chunk.

        Parameters
        ----------
        sent : iterable of ndarray of int64
            Sorted times at which events are sent [µs].

        Yields
        ------
        ndarray of int64
        """
        self.late = self.given_up = self.longest_us = self.retries = 0
        tries_us = retry_times_us(self.delivery, self.trigger)
        waiting = np.zeros(0, dtype=np.int64)
        for chunk in sent:
            if not len(chunk):
                continue
            fails, again = self._fails(chunk)
            delayed = [self._delivered_us(int(at_us), tries_us) for at_us in chunk[fails & again]]
            self.given_up += int((fails & ~again).sum()) + delayed.count(-1)
            waiting = np.sort(
                np.concatenate([waiting, np.array([at for at in delayed if at >= 0], dtype=np.int64)])
            )
            due = np.searchsorted(waiting, chunk[-1], side="right")
            yield np.sort(np.concatenate([chunk[~fails], waiting[:due]]), kind="stable")
            waiting = waiting[due:]
        if len(waiting):
            yield waiting

    def _fails(self, at_us: NDArray[np.int64]) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
        """Say of moments whether a delivery fails then, and whether it is tried again."""
        fails, again = np.zeros(len(at_us), dtype=bool), np.ones(len(at_us), dtype=bool)
        for outage in self.delivery.outages:
            within = (at_us >= outage.at_us) & (at_us < outage.at_us + outage.duration_us)
            fails |= within
            again &= ~within | outage.tried_again
        return fails, again

    def _delivered_us(self, sent_us: int, tries_us: NDArray[np.int64]) -> int:
        """Give when an event whose first delivery failed is delivered; -1 for never."""
        over_us = max(outage.at_us + outage.duration_us for outage in self.delivery.outages)
        tries_us = tries_us[: np.searchsorted(tries_us, over_us - sent_us) + 1]
        fails, again = self._fails(sent_us + tries_us)
        ends = np.flatnonzero(~fails | ~again)
        self.retries += int(ends[0]) + 1 if len(ends) else len(tries_us)
        if not len(ends) or fails[ends[0]]:
            return -1
        waited_us = int(tries_us[ends[0]])
        self.late += 1
        self.longest_us = max(self.longest_us, waited_us)
        return sent_us + waited_us
