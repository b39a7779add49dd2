"""Who tries again in the reference engine, and when: clients, SDKs, and Lambda's own queue."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

from lambdasim.engine.contract import EventOutcome, Invoker, Outcome
from lambdasim.engine.reference.state import OF_A_FUNCTION, RETRY, Event
from lambdasim.models.polling import backoff_us


class Host(Protocol):
    """The run of an engine that retries belong to."""

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
            return EventOutcome.SUCCEEDED if answer == Outcome.COMPLETED else EventOutcome.FAILED
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
        if not policy.repeats_timeouts or event.refusals >= policy.throttle_retries:
            return EventOutcome.CLIENT_TIMEOUT
        wait_us = self._client_wait_us(event, policy.timeout_backoff_us)
        event.refusals += 1
        self._await_draws(event)
        return self._retry_at(event, gone_us + wait_us)

    def after_refusal(self, event: Event, now: int) -> EventOutcome:
        """Decide what follows a throttled attempt."""
        policy = event.policy
        if event.refusals >= policy.throttle_retries:
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
        priority = RETRY + event.function.rank * OF_A_FUNCTION + event.invocation
        self._host.at(time_us, priority, self._host.retry, event)
        return EventOutcome.PENDING
