"""Who tries again in the reference engine, and when: clients, SDKs, and Lambda's own queue."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from typing import Any, Protocol

from lambdasim.engine.contract import ClientPace, EventOutcome, Invoker, Outcome, RetryQuota
from lambdasim.engine.reference.state import COMPLETION, OF_A_FUNCTION, RETRY, RETRY_OF_CALL, Event
from lambdasim.models.adaptive_rate import AdaptiveClient, heard, turn_us
from lambdasim.models.polling import backoff_us


class Host(Protocol):
    """The run of an engine that retries belong to."""

    @property
    def now_us(self) -> int:
        """The present moment."""
        ...

    def at(self, time_us: int, priority: int, action: Callable[[Any], None], about: Any) -> None:
        """Let something happen at a moment, in its place among the simultaneous."""
        ...

    def retry(self, moment: Any) -> None:
        """Try again what the moment is about."""
        ...


class Retries:
    """Decides what follows an attempt.

    Parameters
    ----------
    host : Host
    """

    def __init__(self, host: Host) -> None:
        self._host = host
        self._tokens: dict[tuple[int, int], int] = {}
        self._paces: dict[tuple[int, int], AdaptiveClient] = defaultdict(AdaptiveClient)

    def after_run(
        self, event: Event, answer: int, outcome: int, now: int, end_us: int, answered_us: int
    ) -> EventOutcome:
        """Decide what follows a run: the event's end, or another attempt.

        Clients and pollers see the answer, Lambda's queue the outcome.
        """
        policy = event.policy
        if event.function.source is not None:
            return event.function.source.after_run(event, answer, outcome, end_us)
        if policy.invoker is Invoker.CLIENT:
            if answered_us - now > policy.client_timeout_us:
                return self.silence(event, now + policy.client_timeout_us)
            return self._after_answer(event, answer, answered_us)
        if outcome == Outcome.COMPLETED:
            return EventOutcome.SUCCEEDED
        if event.runs > len(policy.error_delays_us):
            return EventOutcome.FAILED
        final = self._retry_at(event, end_us + policy.error_delays_us[event.runs - 1])
        if final is EventOutcome.PENDING:
            self._await_draws(event)
        return final

    def _await_draws(self, event: Event) -> None:
        """Let an event be drawn for before its next run."""
        event.draw = None
        if event.call is None:
            event.function.undrawn[event.runs].append(event)

    def silence(self, event: Event, gone_us: int) -> EventOutcome:
        """Decide what a client does that has waited in vain, while its run goes on."""
        policy = event.policy
        cost = policy.quota.timeout_cost if policy.quota is not None else 0
        if not policy.repeats_timeouts or not self._may_repeat(event, cost):
            return EventOutcome.CLIENT_TIMEOUT
        wait_us = self._client_wait_us(event, policy.timeout_backoff_us)
        event.refusals += 1
        self._await_draws(event)
        return self._retry_at(event, gone_us + wait_us)

    def _after_answer(self, event: Event, answer: int, answered_us: int) -> EventOutcome:
        """Decide what a client does with an answer: take it, or call again."""
        policy = event.policy
        if answer != Outcome.COMPLETED and policy.repeats_failures:
            cost = policy.quota.failure_cost if policy.quota is not None else 0
            if not self._may_repeat(event, cost):
                return EventOutcome.FAILED
            wait_us = self._client_wait_us(event, policy.timeout_backoff_us)
            event.refusals += 1
            self._await_draws(event)
            return self._retry_at(event, answered_us + wait_us)
        if policy.quota is not None:
            self._host.at(answered_us, COMPLETION, self._give_back, event)
        return EventOutcome.SUCCEEDED if answer == Outcome.COMPLETED else EventOutcome.FAILED

    def _may_repeat(self, event: Event, cost: int) -> bool:
        """Return whether a client may repeat a call, and pay for it."""
        policy = event.policy
        if event.refusals >= policy.throttle_retries:
            return False
        if policy.quota is None:
            return True
        client = self._client_of(event, policy.quota)
        left = self._tokens.get(client, policy.quota.tokens)
        if left < cost:
            return False
        self._tokens[client] = left - cost
        event.paid = cost
        return True

    def _client_of(self, event: Event, quota: RetryQuota) -> tuple[int, int]:
        return event.function.rank, event.invocation % quota.processes

    def _give_back(self, moment: Any) -> None:
        """Give a client back what the last repeat of a call took, or one token, now that it has an answer."""
        event: Event = moment.about
        self._hear(event, self._host.now_us, throttled=False)
        quota = event.policy.quota
        assert quota is not None  # noqa: S101 - only asked for where there is one
        client = self._client_of(event, quota)
        left = self._tokens.get(client, quota.tokens)
        self._tokens[client] = min(left + (event.paid or 1), quota.tokens)

    def waits_its_turn(self, event: Event) -> bool:
        """Let a call wait where its client slows itself down; return whether it does."""
        quota = event.policy.quota
        if quota is None or quota.pace is ClientPace.NONE:
            return False
        now = self._host.now_us
        if event.has_waited:
            event.has_waited = False
            return False
        wait_us = turn_us(self._paces[self._client_of(event, quota)], now)
        if not wait_us:
            return False
        event.has_waited = True
        self._at(event, now + wait_us)
        return True

    def _hear(self, event: Event, now: int, throttled: bool) -> None:
        """Let a client that paces itself take note of an answer."""
        quota = event.policy.quota
        if quota is not None and quota.pace is not ClientPace.NONE:
            heard(self._paces[self._client_of(event, quota)], now, throttled)

    def after_refusal(self, event: Event, now: int) -> EventOutcome:
        """Decide what follows a throttled attempt."""
        policy = event.policy
        self._hear(event, now, throttled=True)
        cost = policy.quota.throttle_cost if policy.quota is not None else 0
        if not policy.repeats_throttles or not self._may_repeat(event, cost):
            return EventOutcome.THROTTLED
        wait_us = self._client_wait_us(event, policy.throttle_backoff_us)
        event.refusals += 1
        return self._retry_at(event, now + wait_us)

    def _client_wait_us(self, event: Event, first_us: int) -> int:
        """Give how long a client, or Lambda's queue, waits before it tries again."""
        policy = event.policy
        wait_us = backoff_us(first_us, policy.throttle_backoff_cap_us, event.refusals)
        if policy.jittered:
            wait_us = event.draws.backoff_us(event.invocation, event.refusals, wait_us)
        return wait_us

    def _retry_at(self, event: Event, time_us: int) -> EventOutcome:
        """Schedule another attempt, unless the event would be too old by then."""
        if time_us > event.arrival_us + event.policy.max_event_age_us:
            return EventOutcome.EXPIRED
        self._at(event, time_us)
        return EventOutcome.PENDING

    def _at(self, event: Event, time_us: int) -> None:
        priority = RETRY + event.function.rank * OF_A_FUNCTION + event.invocation
        if event.call is not None:
            priority = RETRY_OF_CALL
        self._host.at(time_us, priority, self._host.retry, event)
