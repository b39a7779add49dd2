"""What every engine promises: inputs as arrays, a total order of events, one record for each attempt.

An engine is a deterministic function of a `Plan`. It draws nothing itself: every duration, failure and keep-alive
comes from the plan's draws, which belong to (seed, function, stream, invocation, run). Two engines that keep this
contract return equal records.

Time is int64 microseconds from the scenario's start.

The order of events
-------------------
At one instant: completions, in order of admission; then changes of provisioned concurrency, by function; then retries,
by function and invocation; then arrivals, by function and invocation. Functions are ordered by name. An environment
whose keep-alive ends at an instant is already gone for an arrival of that instant.

Admission of an attempt, in this order
--------------------------------------
1. Payload: a request larger than the limit is refused and never retried.
2. Request rate, synchronous only: ten times the function's reserved concurrency, or ten times the account's
   concurrency for all functions without.
3. An idle provisioned environment, within ten requests per second for each allocated one.
4. Concurrency of on-demand environments: the function's reserved concurrency less its provisioned; or the unreserved
   pool, which is the account's concurrency less all reserved and less the provisioned of functions without reserved.
5. An idle on-demand environment, most recently used first (or least recently used first).
6. A new environment, if the function's scaling rate allows one more.

A refused attempt leaves no trace but its record. An admitted one spends a token of each rate that let it pass.

The life of an attempt
----------------------
Placement and INIT (cold only), then the handler, cut at the function's timeout. INIT longer than its cap is cut there and
run again inside the invocation, under the function's timeout. All is known at admission, so the record is complete then.
A crash, a timeout or running out of memory ends an on-demand environment.

Events
------
An event (what arrives) has one or more attempts and exactly one final outcome, set on its last attempt. Triggers decide
on retries, see `RetryPolicy`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import IntEnum
from typing import Final, Protocol

import numpy as np
from numpy.typing import NDArray

from lambdasim.errors import InputError

NEVER: Final = (1 << 62) - 1
UNLIMITED: Final = (1 << 62) - 1


class StartType(IntEnum):
    """How an attempt found its execution environment."""

    NONE = 0
    COLD = 1
    WARM = 2
    PROVISIONED = 3


class Outcome(IntEnum):
    """How an attempt ended."""

    COMPLETED = 0
    FUNCTION_ERROR = 1
    CRASH = 2
    TIMEOUT = 3
    OUT_OF_MEMORY = 4
    THROTTLED = 5
    REJECTED = 6


class Limit(IntEnum):
    """Which limit refused an attempt."""

    NONE = 0
    PAYLOAD = 1
    REQUEST_RATE = 2
    RESERVED_CONCURRENCY = 3
    ACCOUNT_CONCURRENCY = 4
    SCALING_RATE = 5


class EventOutcome(IntEnum):
    """How an event ended; PENDING on every attempt but its last."""

    PENDING = 0
    SUCCEEDED = 1
    FAILED = 2
    THROTTLED = 3
    EXPIRED = 4
    CLIENT_TIMEOUT = 5
    REJECTED = 6


class ReuseOrder(IntEnum):
    """Which idle environment serves next."""

    MOST_RECENTLY_USED = 0
    LEAST_RECENTLY_USED = 1


RECORD_COLUMNS: Final[dict[str, str]] = {
    "function": "index of the function in the plan, which is ordered by name",
    "invocation": "number of the event within its function, from 0, in order of arrival",
    "attempt": "number of the attempt within the event, from 0, refused ones included",
    "arrival_us": "when the event arrived [µs since the scenario's start]",
    "start_us": "when the attempt was admitted or refused [µs since the scenario's start]",
    "placement_us": "finding a place and fetching the code, not billed [µs]",
    "init_us": "INIT or restore before the handler [µs]",
    "duration_us": "handler, as REPORT's Duration [µs]",
    "start_type": "see StartType",
    "outcome": "see Outcome",
    "limit": "see Limit",
    "exec_env": "execution environment, numbered from 0 in order of creation; -1 where none",
    "event_outcome": "see EventOutcome",
    "concurrency": "executions of the function in progress, the attempt itself included if it was admitted",
    "provisioned_concurrency": "those of them on provisioned environments",
    "account_concurrency": "executions of the account in progress, likewise",
    "unreserved_concurrency": "those of them that count against the unreserved pool, provisioned ones left out",
}


@dataclass(frozen=True, eq=False)
class RecordChunk:
    """Records of consecutive attempts, in the order in which they were admitted or refused.

    Attributes
    ----------
    columns : dict of ndarray of int64, each of shape (n_attempts,)
        Keys and meanings are those of ``RECORD_COLUMNS``.
    """

    columns: dict[str, NDArray[np.int64]]

    def __len__(self) -> int:
        """Return the number of attempts."""
        return len(self.columns["function"])

    def __getitem__(self, name: str) -> NDArray[np.int64]:
        """Return one column."""
        return self.columns[name]

    def end_us(self) -> NDArray[np.int64]:
        """Return when each attempt ended [µs since the scenario's start], shape (n_attempts,)."""
        return self["start_us"] + self["placement_us"] + self["init_us"] + self["duration_us"]


@dataclass(frozen=True, eq=False)
class RunDraws:
    """What is drawn for runs of a function's invocations; each array has shape (n,).

    Attributes
    ----------
    handler_us : ndarray of int64
        Handler time at the function's memory size, before the timeout.
    first_run_us : ndarray of int64
        Extra handler time when the run is the first in its environment.
    placement_us, init_us : ndarray of int64
        Used when the start is cold.
    fault : ndarray of int64
        ``Outcome`` of the handler if it is not cut by the timeout.
    keep_alive_us : ndarray of int64
        How long the environment stays warm after this run.
    too_large : ndarray of int64
        1 where the request's payload is above the limit.
    """

    handler_us: NDArray[np.int64]
    first_run_us: NDArray[np.int64]
    placement_us: NDArray[np.int64]
    init_us: NDArray[np.int64]
    fault: NDArray[np.int64]
    keep_alive_us: NDArray[np.int64]
    too_large: NDArray[np.int64]


class DrawSource(Protocol):
    """Gives the draws of a function's runs."""

    def draw(self, invocation: NDArray[np.int64], run: int) -> RunDraws:
        """Draw for the given invocations, each of which has run ``run`` times before."""
        ...

    def backoff_us(self, invocation: int, retry: int, ceiling_us: int) -> int:
        """Draw a client's waiting time before its retry, uniform between 0 and the ceiling [µs]."""
        ...


@dataclass(frozen=True)
class RetryPolicy:
    """Who tries again, when, and until when.

    Attributes
    ----------
    synchronous : bool
        The caller waits for the answer; request-rate limits apply.
    client_timeout_us : int
        After this time since the attempt's start the caller has gone (API Gateway answers 504); the work goes on. NEVER
        where the caller waits as long as it takes.
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

    synchronous: bool
    client_timeout_us: int = NEVER
    throttle_retries: int = 0
    throttle_backoff_us: int = 0
    throttle_backoff_cap_us: int = 0
    jittered: bool = False
    error_delays_us: tuple[int, ...] = ()
    max_event_age_us: int = NEVER


@dataclass(frozen=True)
class ProvisionedChange:
    """Provisioned concurrency of one function from an instant on.

    Attributes
    ----------
    time_us : int
    claimed : int
        Environments taken out of the function's reserved concurrency or the unreserved pool.
    ready : int
        Environments that can serve. None of an allocation is ready before all of it is.
    """

    time_us: int
    claimed: int
    ready: int


@dataclass(frozen=True, eq=False)
class FunctionPlan:
    """All that an engine needs to know of one function; whole numbers only.

    Attributes
    ----------
    name : str
    timeout_us, init_cap_us : int
    reserved : int or None
    provisioned : tuple of ProvisionedChange
        In order of time.
    max_lifetime_us : int
        Age at which an environment takes no more work; NEVER for no limit.
    scaling_burst, scaling_interval_us : int
        New environments at once, and the time in which as many come back.
    retry : RetryPolicy
    draws : DrawSource
    """

    name: str
    timeout_us: int
    init_cap_us: int
    reserved: int | None
    provisioned: tuple[ProvisionedChange, ...]
    max_lifetime_us: int
    scaling_burst: int
    scaling_interval_us: int
    retry: RetryPolicy
    draws: DrawSource


@dataclass(frozen=True, eq=False)
class ArrivalChunk:
    """Arrivals of all functions in the order of events; each array has shape (n,).

    Attributes
    ----------
    time_us : ndarray of int64
    function : ndarray of int64
        Index in the plan.
    invocation : ndarray of int64
        Number within the function.
    """

    time_us: NDArray[np.int64]
    function: NDArray[np.int64]
    invocation: NDArray[np.int64]


class Arrivals(Protocol):
    """Gives the arrivals of a plan, chunk by chunk; each call starts from the beginning."""

    def __call__(self) -> Iterator[ArrivalChunk]:
        """Iterate over the chunks."""
        ...


@dataclass(frozen=True, eq=False)
class Plan:
    """One account in one region, ready to simulate.

    Attributes
    ----------
    functions : tuple of FunctionPlan
        Ordered by name.
    arrivals : Arrivals
    concurrency : int
        The account's limit on concurrent executions.
    requests_per_concurrency : int
        Synchronous requests per second for each unit of concurrency.
    reuse : ReuseOrder
    requests_per_environment : int
        Requests that one environment serves at once. Event functions have 1, and so far no engine takes more.

    Raises
    ------
    InputError
        When an environment is to serve more than one request at once.
    """

    functions: tuple[FunctionPlan, ...]
    arrivals: Arrivals
    concurrency: int
    requests_per_concurrency: int
    reuse: ReuseOrder = ReuseOrder.MOST_RECENTLY_USED
    requests_per_environment: int = 1

    def __post_init__(self) -> None:
        """Refuse, for every engine, what none models."""
        if self.requests_per_environment != 1:
            raise InputError.single(
                "Plan",
                "requests_per_environment",
                f"must be 1, got {self.requests_per_environment}; no engine models more than one at once",
            )


class Engine(Protocol):
    """A way to run a plan."""

    def __call__(self, plan: Plan) -> Iterator[RecordChunk]:
        """Run the plan to the end of its last event and give its records, chunk by chunk.

        The seam for pollers and shards: an event source that decides itself when to invoke (queue pollers, stream
        shards) will be a third kind of event beside arrivals and retries, ordered between them.
        """
        ...
