"""Who invokes functions, waits, and tries again: clients, gateways, Lambda's own queue, other functions."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from functools import cached_property
from typing import Final

from lambdasim.engine.draws import FunctionDraws

NEVER: Final = (1 << 62) - 1
UNLIMITED: Final = (1 << 62) - 1


class Invoker(IntEnum):
    """Who invokes a function, waits for it and tries again."""

    CLIENT = 0
    """Waits for the answer."""
    QUEUE = 1
    """Lambda's own, for asynchronous events."""
    SOURCE = 2
    """Pollers of a queue or a stream, which take items in batches."""


class CallKind(IntEnum):
    """How a function calls another."""

    WAITING = 0
    """The caller waits for the answer, as an SDK's client."""
    EVENT = 1
    """Lambda's own queue takes the event."""
    TRIGGER = 2
    """Through what triggers the function that is called: its bucket, topic, bus, queue or stream."""


class CallMoment(IntEnum):
    """When a function calls another."""

    RUN = 0
    """In every run."""
    SUCCEEDED = 1
    """When an asynchronous event has succeeded: a destination."""
    FAILED = 2
    """When an asynchronous event has been given up: a destination, or a dead-letter queue that is read."""


class ClientPace(IntEnum):
    """Whether clients slow their own calls down."""

    NONE = 0
    ADAPTIVE = 1
    """After the first throttle, at a rate that is cut by throttles and grows again as a cubic."""


@dataclass(frozen=True)
class RetryQuota:
    """Tokens that a client process pays for repeats with.

    Attributes
    ----------
    processes : int
        Calls go to them in turn, by the number of the event.
    tokens : int
        Of each, when full.
    throttle_cost, timeout_cost, failure_cost : int
        Of a repeat, by what it follows. An answer gives back what the last repeat took, or one.
    pace : ClientPace
    """

    processes: int
    tokens: int
    throttle_cost: int
    timeout_cost: int
    failure_cost: int
    pace: ClientPace = ClientPace.NONE


@dataclass(frozen=True)
class Throttle:
    """A token bucket of a gateway.

    Attributes
    ----------
    burst : int
        Tokens when full.
    interval_ns : int
        Time in which one comes back [ns].
    """

    burst: int
    interval_ns: int


@dataclass(frozen=True)
class RetryPolicy:
    """Who tries again, when, and until when.

    Attributes
    ----------
    invoker : Invoker
        Request-rate limits apply to clients.
    client_timeout_us : int
        After this time since the attempt's start the caller has gone (API Gateway answers 504, an SDK reads no more);
        the work goes on. NEVER where the caller waits as long as it takes.
    repeats_timeouts : bool
        Whether a caller that has gone tries again, as SDKs do, beside the run that goes on; it counts with
        ``throttle_retries``.
    timeout_backoff_us : int
        Wait before the first try after that, doubling up to the same cap.
    repeats_failures, repeats_throttles : bool
        Whether a client tries again after a function error, and after a refusal.
    quota : RetryQuota, optional
        What repeats cost clients; None where they always may.
    throttle_retries : int
        How often a refused attempt is tried again; UNLIMITED for Lambda's own queue, until the event's age ends it.
    throttle_backoff_us, throttle_backoff_cap_us : int
        Wait before the first of them, doubling up to the cap.
    jittered : bool
        The wait is drawn uniformly between 0 and that value, as clients do.
    error_delays_us : tuple of int
        Waits before the retries after a failed run, one for each.
    max_event_age_us : int
        An event is dropped rather than retried later than this after its arrival. NEVER for synchronous triggers.
    """

    invoker: Invoker
    client_timeout_us: int = NEVER
    repeats_timeouts: bool = False
    timeout_backoff_us: int = 0
    throttle_retries: int = 0
    throttle_backoff_us: int = 0
    throttle_backoff_cap_us: int = 0
    jittered: bool = False
    error_delays_us: tuple[int, ...] = ()
    max_event_age_us: int = NEVER
    repeats_failures: bool = False
    repeats_throttles: bool = True
    quota: RetryQuota | None = None

    @cached_property
    def synchronous(self) -> bool:
        """Whether the caller waits for the answer."""
        return self.invoker is Invoker.CLIENT


@dataclass(frozen=True, eq=False)
class CallPlan:
    """One call that a function makes.

    Attributes
    ----------
    number : int
        From 1, over all functions of the plan.
    key : bytes
        What draws for it belong to: the seed, the caller and the call's place among its calls.
    callee : int
        Index in the plan of the function that is called.
    kind : CallKind
    moment : CallMoment
    probability : float
        Of making it, all ``count`` times, or not at all.
    count : int
    at_once : bool
        Whether calls that wait are made side by side.
    fails_run : bool
        Whether a call that waited in vain ends the run as a function error; what goes on at once is waited for first.
    delay_us : int
        Until the event arrives.
    retry : RetryPolicy
        Of who tries again: the caller, or Lambda's queue.
    draws : FunctionDraws
        Of the function that is called, with the payload limit of this way in.
    is_traced : bool
        Whether loop detection sees it.
    is_endless : bool
        Part of a loop that nothing stops: not made any more after the scenario's end.
    """

    number: int
    key: bytes
    callee: int
    kind: CallKind
    moment: CallMoment
    probability: float
    count: int
    at_once: bool
    fails_run: bool
    delay_us: int
    retry: RetryPolicy
    draws: FunctionDraws
    is_traced: bool
    is_endless: bool


@dataclass(frozen=True)
class CallRules:
    """What holds for all calls of a plan.

    Attributes
    ----------
    ends_us : int
        The scenario's end, after which loops that nothing stops are not followed.
    most_passes : int
        Passes of a chain through one function that loop detection lets by.
    most_called : int
        Events that calls may make; a run that makes more is refused.
    """

    ends_us: int = NEVER
    most_passes: int = UNLIMITED
    most_called: int = UNLIMITED
